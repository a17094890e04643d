//! A tap of the host: the cable of a network card (Documentation/networking/tuntap.rst).
//!
//! `unsafe` is here for its requests (ioctl), which no library at hand has.

use crate::passed;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;

/// Requests and flags of include/uapi/linux/if_tun.h and include/uapi/linux/sockios.h.
const TUNSETIFF: u32 = 0x4004_54ca;
const TUNSETOFFLOAD: u32 = 0x4004_54d0;
const TUNGETIFF: u32 = 0x8004_54d2;
const TUNGETVNETHDRSZ: u32 = 0x8004_54d7;
const TUNSETVNETHDRSZ: u32 = 0x4004_54d8;
const TUNSETVNETLE: u32 = 0x4004_54dc;
const TUNGETVNETLE: u32 = 0x8004_54dd;
const SIOCGIFMTU: u32 = 0x8921;
const SIOCGIFHWADDR: u32 = 0x8927;
const IFF_TAP: u16 = 0x0002;
const IFF_NO_PI: u16 = 0x1000;
const IFF_VNET_HDR: u16 = 0x4000;

/// What a tap has to be: Ethernet frames, each with a header for what was left undone, and nothing else before it.
const FLAGS: u16 = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR;

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
        // SAFETY: all requests of this file that come here read and write a `struct ifreq`, which is no longer than
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

/// The Ethernet address of the network device that a request to that descriptor is about.
fn hardware(fd: RawFd, name: &str) -> io::Result<[u8; 8]> {
    let mut request = Request::of(name)?;
    request.send(fd, SIOCGIFHWADDR)?;
    // Its type, which is Ethernet, and six bytes (`struct sockaddr`).
    let [a, b, c, d, e, f, g, h, ..] = request.value;
    Ok([a, b, c, d, e, f, g, h])
}

/// That of the device of that name in this program's network namespace: a random one, so that it tells which it is.
fn here(name: &str) -> io::Result<[u8; 8]> {
    hardware(UnixDatagram::unbound()?.as_raw_fd(), name)
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
        request.value[..2].copy_from_slice(&FLAGS.to_ne_bytes());
        request.send(file.as_raw_fd(), TUNSETIFF)?;
        Self { file }.with_header(header)
    }

    /// The tap that was passed to this program as a descriptor, and its name. That succeeds once.
    ///
    /// # Errors
    /// Why it is none, in words.
    pub fn passed(number: RawFd, header: usize) -> Result<(Self, String), String> {
        let words = |error: io::Error| format!("it cannot be set up: {error}");
        let file = File::from(passed::take(number)?);
        let mut request = Request::of("").map_err(words)?;
        let asked = request.send(file.as_raw_fd(), TUNGETIFF);
        asked.map_err(|error| match error.raw_os_error() {
            Some(libc::EBADFD) => "it is attached to no tap".to_owned(),
            _ => "it is no tap".to_owned(),
        })?;
        let [low, high, ..] = request.value;
        if u16::from_ne_bytes([low, high]) & FLAGS != FLAGS {
            return Err("it is no tap with IFF_TAP, IFF_NO_PI and IFF_VNET_HDR".to_owned());
        }
        let mode = fcntl(&file, FcntlArg::F_GETFL).map_err(|e| words(e.into()))?;
        let mode = OFlag::from_bits_retain(mode);
        if mode & OFlag::O_ACCMODE != OFlag::O_RDWR {
            return Err("it cannot be both read and written".to_owned());
        }
        let waits_for_nobody = FcntlArg::F_SETFL(mode | OFlag::O_NONBLOCK);
        fcntl(&file, waits_for_nobody).map_err(|e| words(e.into()))?;
        let bytes = request.name.split(|&b| b == 0).next().unwrap_or_default();
        let name = String::from_utf8_lossy(bytes).into_owned();
        let address = hardware(file.as_raw_fd(), &name).map_err(words)?;
        if here(&name).ok() != Some(address) {
            return Err(format!(
                "it is `{name}` of another network namespace, where its MTU cannot be looked at"
            ));
        }
        let tap = Self { file }.with_header(header).map_err(words)?;
        Ok((tap, name))
    }

    /// The tap of that name which another runner has, and gives to this one. It is looked at, and nothing of it changed.
    ///
    /// # Errors
    /// Why it is not that one, in words.
    pub fn handed(file: File, wanted: &str, header: usize) -> Result<Self, String> {
        let words = |error: io::Error| format!("it cannot be looked at: {error}");
        let mut request = Request::of("").map_err(words)?;
        let asked = request.send(file.as_raw_fd(), TUNGETIFF);
        asked.map_err(|_| "what was handed over is no tap".to_owned())?;
        let bytes = request.name.split(|&b| b == 0).next().unwrap_or_default();
        let [low, high, ..] = request.value;
        if bytes != wanted.as_bytes() || u16::from_ne_bytes([low, high]) & FLAGS != FLAGS {
            let name = String::from_utf8_lossy(bytes);
            return Err(format!(
                "`{name}` was handed over, or is no tap of that kind"
            ));
        }
        let mode = fcntl(&file, FcntlArg::F_GETFL).map_err(|e| words(e.into()))?;
        let wants = OFlag::O_RDWR | OFlag::O_NONBLOCK;
        if OFlag::from_bits_retain(mode) & (OFlag::O_ACCMODE | OFlag::O_NONBLOCK) != wants {
            return Err("it was handed over open in another way than a card needs".to_owned());
        }
        let address = hardware(file.as_raw_fd(), wanted).map_err(words)?;
        if here(wanted).ok() != Some(address) {
            return Err(format!("it is `{wanted}` of another network namespace"));
        }
        for (get, value) in [(TUNGETVNETHDRSZ, header as libc::c_int), (TUNGETVNETLE, 1)] {
            let mut found: libc::c_int = 0;
            // SAFETY: both requests write an `int`.
            answer(unsafe { libc::ioctl(file.as_raw_fd(), get as _, &raw mut found) })
                .map_err(words)?;
            if found != value {
                return Err("it was handed over with other headers".to_owned());
            }
        }
        Ok(Self { file })
    }

    /// The same with such headers, which the kernel confirms.
    fn with_header(self, header: usize) -> io::Result<Self> {
        let number = |request: u32, mut number: libc::c_int| {
            let fd = self.file.as_raw_fd();
            // SAFETY: the four requests that come here read or write an `int`.
            answer(unsafe { libc::ioctl(fd, request as _, &raw mut number) }).map(|()| number)
        };
        // The second as the standard has the header, whatever the host's own order.
        for (set, get, value) in [
            (TUNSETVNETHDRSZ, TUNGETVNETHDRSZ, header as libc::c_int),
            (TUNSETVNETLE, TUNGETVNETLE, 1),
        ] {
            number(set, value)?;
            if number(get, 0)? != value {
                return Err(io::Error::other("it has other headers than it was told"));
            }
        }
        Ok(self)
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

#[cfg(test)]
mod tests {
    use super::*;
    use nix::fcntl::FdFlag;

    /// Where this machine lets the tests have taps.
    #[test]
    fn a_tap_that_was_passed_in_is_taken_once_and_set_up() {
        let name = format!("vmlock{}", std::process::id() % 100_000);
        let made = match Tap::attach(&name, 10) {
            Ok(tap) => tap,
            Err(error) => {
                let why = [libc::ENOENT, libc::ENODEV, libc::EPERM, libc::EACCES];
                let known = error.raw_os_error().is_some_and(|e| why.contains(&e));
                assert!(known, "{error}");
                return;
            }
        };
        // As a program is started with it.
        let copy = fcntl(&made.file, FcntlArg::F_DUPFD(200)).expect("a descriptor");
        let (tap, found) = Tap::passed(copy, 12).expect("it is a tap");
        assert_eq!((tap.file.as_raw_fd(), found), (copy, name));
        let flags = fcntl(&tap.file, FcntlArg::F_GETFD).expect("it is open");
        assert_eq!(FdFlag::from_bits_retain(flags), FdFlag::FD_CLOEXEC);
        let mut size: libc::c_int = 0;
        // SAFETY: the request writes an `int`.
        let asked =
            unsafe { libc::ioctl(copy, TUNGETVNETHDRSZ as _, std::ptr::from_mut(&mut size)) };
        assert_eq!((asked, size), (0, 12));
        let again = Tap::passed(copy, 12).err();
        assert_eq!(
            again.as_deref(),
            Some("it was not passed in, or was taken before")
        );
        drop(tap);

        // A tap of another kind.
        let open = || {
            let mut options = OpenOptions::new();
            let file = options.read(true).write(true).open("/dev/net/tun");
            file.expect("there is one")
        };
        let (file, idle) = (open(), open());
        let mut request = Request::of("").expect("any name");
        request.value[..2].copy_from_slice(&(IFF_TAP | IFF_NO_PI).to_ne_bytes());
        request.send(file.as_raw_fd(), TUNSETIFF).expect("one more");
        for (file, why) in [
            (&file, "it is no tap with IFF_TAP"),
            (&idle, "it is attached to no tap"),
        ] {
            let copy = fcntl(file, FcntlArg::F_DUPFD(200)).expect("a descriptor");
            let refused = Tap::passed(copy, 12).err().expect("it is none");
            assert!(refused.starts_with(why), "{refused}");
        }
    }
}
