//! A tap of the host: the cable of a network card (Documentation/networking/tuntap.rst).
//!
//! `unsafe` is here for its requests (ioctl), which no library at hand has.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;

/// Requests and flags of include/uapi/linux/if_tun.h and include/uapi/linux/sockios.h.
const TUNSETIFF: u32 = 0x4004_54ca;
const TUNSETOFFLOAD: u32 = 0x4004_54d0;
const TUNSETVNETHDRSZ: u32 = 0x4004_54d8;
const TUNSETVNETLE: u32 = 0x4004_54dc;
const SIOCGIFMTU: u32 = 0x8921;
const IFF_TAP: u16 = 0x0002;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;

/// Checksums that the host may leave undone, and TCP segments that it may leave whole.
pub const CHECKSUM: u32 = 0x01;
/// Of IPv4.
pub const TSO4: u32 = 0x02;
/// Of IPv6.
pub const TSO6: u32 = 0x04;
/// Those with explicit congestion notification.
pub const ECN: u32 = 0x08;

/// Bytes of a device's name, with the NUL behind it (IFNAMSIZ).
const NAME: usize = 16;

/// `struct ifreq` of include/uapi/linux/if.h, as far as it is used here: a name, and flags or a number.
#[repr(C)]
struct Request {
    name: [u8; NAME],
    value: [u8; 24],
}

impl Request {
    fn of(name: &str) -> io::Result<Self> {
        let mut request = Self {
            name: [0; NAME],
            value: [0; 24],
        };
        let room = request
            .name
            .get_mut(..name.len())
            .filter(|_| name.len() < NAME);
        room.ok_or(ErrorKind::InvalidInput)?
            .copy_from_slice(name.as_bytes());
        Ok(request)
    }

    fn send(&mut self, fd: RawFd, request: u32) -> io::Result<()> {
        // SAFETY: both requests of this file that come here read and write a `struct ifreq`, which is no longer than
        // this, and is borrowed alone.
        let result = unsafe { libc::ioctl(fd, request as _, std::ptr::from_mut(self)) };
        answer(result)
    }
}

fn answer(result: libc::c_int) -> io::Result<()> {
    match result {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// The MTU of a network device in this program's network namespace.
///
/// # Errors
/// The host's; [`ErrorKind::NotFound`] where there is none of that name.
pub fn mtu(name: &str) -> io::Result<u32> {
    let mut request = Request::of(name)?;
    let socket = UnixDatagram::unbound()?;
    request
        .send(socket.as_raw_fd(), SIOCGIFMTU)
        .map_err(|error| match error.raw_os_error() {
            Some(libc::ENODEV) => ErrorKind::NotFound.into(),
            _ => error,
        })?;
    let [a, b, c, d, ..] = request.value;
    Ok(u32::from_ne_bytes([a, b, c, d]))
}

/// A tap that this program is attached to. Reading and writing it waits for nobody.
pub struct Tap {
    file: File,
}

impl Tap {
    /// Attaches to the tap of that name, which the kernel makes if there is none; frames have a header of so many bytes.
    ///
    /// # Errors
    /// The host's.
    pub fn attach(name: &str, header: usize) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(libc::O_NONBLOCK)
            .open("/dev/net/tun")?;
        let mut request = Request::of(name)?;
        let flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;
        request.value[..2].copy_from_slice(&flags.to_ne_bytes());
        request.send(file.as_raw_fd(), TUNSETIFF)?;
        let number = |request: u32, number: libc::c_int| {
            // SAFETY: both requests read an `int`.
            answer(unsafe { libc::ioctl(file.as_raw_fd(), request as _, &raw const number) })
        };
        number(TUNSETVNETHDRSZ, header as libc::c_int)?;
        // As the standard has the header, whatever the host's own order.
        number(TUNSETVNETLE, 1)?;
        Ok(Self { file })
    }

    /// Says what the host may leave undone of the frames that come from now on.
    ///
    /// # Errors
    /// The host's; [`ErrorKind::InvalidInput`] where it does not know all of it.
    pub fn offload(&self, what: u32) -> io::Result<()> {
        let what = libc::c_ulong::from(what);
        // SAFETY: the request takes a number.
        answer(unsafe { libc::ioctl(self.file.as_raw_fd(), TUNSETOFFLOAD as _, what) })
    }

    /// What is read and written: a frame with its header, each time.
    pub fn file(&self) -> &File {
        &self.file
    }
}
