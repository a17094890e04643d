//! What no shell can do: both ends of a connection between a guest and its host, and starting a program with a tap or a
//! socket that is open.
//!
//! * `vmlock-lab-agent answer SOCKET`, in the host: listens at a Unix socket, and sends what somebody says there back,
//!   one connection after the other;
//! * `vmlock-lab-agent hear SOCKET`, in the host: listens at a Unix socket, and writes what somebody says there to standard
//!   output, in brackets for each connection, one after the other;
//! * `vmlock-lab-agent ask PORT`, in the guest: connects to that port of its host, says what comes by standard input, and
//!   writes the answer to standard output;
//! * `vmlock-lab-agent give PORT FILE COUNT` and `vmlock-lab-agent take PORT`, in the host: let one connect to that TCP
//!   port, and send so many bytes, the file over and over; or say the SHA-256 of all that comes (`stream.rs`);
//! * `vmlock-lab-agent pass tap:NAME|file:PATH|listen:SOCKET… -- PROGRAM ARGUMENT…`, in the host: becomes that program,
//!   with the descriptors 3, 4 and so on: attached to a tap, opened, listening;
//! * `vmlock-lab-agent verity FILE`, in the host: puts a file under fs-verity;
//! * `vmlock-lab-agent hold FILE`, in the guest: looks for ever whether its CPU keeps what it has (`hold.rs`);
//! * `vmlock-lab-agent talk ADDRESS:PORT FILE`, in the guest: says numbered lines over one connection, and looks whether each
//!   comes back (`talk.rs`);
//! * `vmlock-lab-agent vectors FILE` and `vmlock-lab-agent keys FILE`, in the guest: look for ever whether its CPU keeps SVE's
//!   registers, and the keys that sign pointers (`wide.rs`);
//! * `vmlock-lab-agent counts FILE`, in the guest: looks for ever whether its PMU counts (`counts.rs`).
//!
//! It ends with 1 and the words of Linux where something does not work.
//!
//! `unsafe` is here for the requests to a tap and to a file system, which no library at hand has; in `hold.rs` and `wide.rs` for registers of the
//! CPU; and in `counts.rs` for Linux's events.

mod counts;
mod hold;
mod stream;
mod talk;
mod wide;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::sys::socket::{AddressFamily, SockFlag, SockType, VsockAddr, connect, socket};
use std::env;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read as _, Write};
use std::net::Shutdown;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, ExitCode};
use std::thread;

/// The host, as each guest calls it (`VMADDR_CID_HOST`, include/uapi/linux/vm_sockets.h).
const HOST: u32 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["answer", socket] => answer(socket),
        ["hear", socket] => hear(socket),
        ["ask", port] => match port.parse() {
            Ok(port) => ask(port),
            Err(_) => Err(ErrorKind::InvalidInput.into()),
        },
        ["give", port, file, count] => match (port.parse(), count.parse()) {
            (Ok(port), Ok(count)) => stream::give(port, file, count),
            _ => Err(ErrorKind::InvalidInput.into()),
        },
        ["take", port] => match port.parse() {
            Ok(port) => stream::take(port),
            Err(_) => Err(ErrorKind::InvalidInput.into()),
        },
        ["pass", words @ ..] => pass(words),
        ["verity", file] => verity(file),
        ["hold", file] => hold::hold(file),
        ["vectors", file] => wide::vectors(file),
        ["keys", file] => wide::keys(file),
        ["counts", file] => counts::counts(file),
        ["talk", address, file] => talk::talk(address, file),
        _ => Err(io::Error::other(
            "answer SOCKET, or hear SOCKET, or ask PORT, or give PORT FILE COUNT, or take PORT, or pass WHAT… -- PROGRAM ARGUMENT…, or verity FILE, or hold FILE, or vectors FILE, or keys FILE, or counts FILE, or talk ADDRESS:PORT FILE",
        )),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nobody is left to tell where this fails.
            let _ = writeln!(io::stderr(), "vmlock-lab-agent: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The first descriptor that is passed.
const FIRST: RawFd = 3;

fn pass(words: &[&str]) -> io::Result<()> {
    let mut words = words.iter();
    let (mut next, mut held) = (FIRST, Vec::new());
    for what in words.by_ref().take_while(|word| **word != "--") {
        let fd: OwnedFd = match what.split_once(':') {
            Some(("tap", name)) => tap(name)?.into(),
            Some(("file", path)) => open(path)?.into(),
            Some(("listen", path)) => UnixListener::bind(path)?.into(),
            _ => return Err(ErrorKind::InvalidInput.into()),
        };
        // Out of the way of those that are passed.
        let fd = fcntl(&fd, FcntlArg::F_DUPFD_CLOEXEC(next + 64))?;
        held.push((next, fd));
        next += 1;
    }
    for (number, fd) in held {
        // SAFETY: this program has nothing open there but copies of what was just made.
        let fd = unsafe { BorrowedFd::borrow_raw(fd) };
        // It is not closed with the program's beginning.
        let passed = fcntl(fd, FcntlArg::F_DUPFD(number))?;
        if passed != number {
            return Err(io::Error::other(format!("the descriptor {number} is open")));
        }
    }
    let program = words.next().ok_or(ErrorKind::InvalidInput)?;
    Err(Command::new(program).args(words).exec())
}

fn open(path: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).open(path)
}

/// `TUNSETIFF`, `IFF_TAP`, `IFF_NO_PI` and `IFF_VNET_HDR` of include/uapi/linux/if_tun.h.
const TUNSETIFF: u32 = 0x4004_54ca;
const FLAGS: u16 = 0x0002 | 0x1000 | 0x4000;

/// `struct ifreq` of include/uapi/linux/if.h: a name, and flags.
#[repr(C)]
struct Request {
    name: [u8; 16],
    flags: u16,
    rest: [u8; 22],
}

/// Attached to a tap.
fn tap(name: &str) -> io::Result<File> {
    let file = open("/dev/net/tun")?;
    let mut request = Request {
        name: [0; 16],
        flags: FLAGS,
        rest: [0; 22],
    };
    // A NUL is left behind it.
    let room = request
        .name
        .get_mut(..name.len())
        .filter(|_| name.len() < 16);
    room.ok_or(ErrorKind::InvalidInput)?
        .copy_from_slice(name.as_bytes());
    // SAFETY: the request reads and writes a `struct ifreq`, which is as long as this, and is borrowed alone.
    match unsafe { libc::ioctl(file.as_raw_fd(), TUNSETIFF as _, &raw mut request) } {
        0.. => Ok(file),
        _ => Err(io::Error::last_os_error()),
    }
}

/// `FS_IOC_ENABLE_VERITY` of include/uapi/linux/fsverity.h.
const ENABLE_VERITY: u32 = 0x4080_6685;

/// `struct fsverity_enable_arg`: how its digests are made; no salt and no signature.
#[repr(C, align(8))]
struct Verity {
    version: u32,
    hash_algorithm: u32,
    block_size: u32,
    rest: [u32; 29],
}

/// It is never written again, and each page is held against a digest (Documentation/filesystems/fsverity.rst).
fn verity(path: &str) -> io::Result<()> {
    let file = File::open(path)?;
    // SHA-256, of blocks of 4 KiB.
    let how = Verity {
        version: 1,
        hash_algorithm: 1,
        block_size: 4096,
        rest: [0; 29],
    };
    // SAFETY: the request reads a `struct fsverity_enable_arg`, which is as long as this.
    match unsafe { libc::ioctl(file.as_raw_fd(), ENABLE_VERITY as _, &raw const how) } {
        0.. => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn answer(path: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    loop {
        let (stream, _) = listener.accept()?;
        // One who goes away in the middle is an end of the connection.
        let _ = io::copy(&mut &stream, &mut &stream);
        let _ = stream.shutdown(Shutdown::Write);
    }
}

fn hear(path: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    let mut heard = io::stdout();
    let mut write = |bytes: &[u8]| heard.write_all(bytes).and_then(|()| heard.flush());
    loop {
        let (mut stream, _) = listener.accept()?;
        write(b"(")?;
        let mut bytes = [0; 64];
        // One that ends otherwise has said what it has.
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            write(&bytes[..count])?;
        }
        write(b")")?;
    }
}

fn ask(port: u32) -> io::Result<()> {
    let (kind, none) = (SockType::Stream, SockFlag::SOCK_CLOEXEC);
    // Linux waits for two seconds, and an emulated host may take longer; whoever refuses does so at once.
    let stream = loop {
        let stream = socket(AddressFamily::Vsock, kind, none, None)?;
        match connect(stream.as_raw_fd(), &VsockAddr::new(HOST, port)) {
            Err(Errno::ETIMEDOUT) => {}
            done => break done.map(|()| stream)?,
        }
    };
    let mut questions = File::from(stream);
    let mut answers = questions.try_clone()?;
    let said = thread::spawn(move || {
        io::copy(&mut io::stdin(), &mut questions)?;
        nix::sys::socket::shutdown(questions.as_raw_fd(), nix::sys::socket::Shutdown::Write)?;
        io::Result::Ok(())
    });
    io::copy(&mut answers, &mut io::stdout())?;
    said.join()
        .map_err(|_| io::Error::other("a thread has gone"))?
}
