//! Unix sockets of the host: opened without waiting for whoever listens, who is at the other end, and a process that has
//! nothing but one of them.
//!
//! `unsafe` is here because the standard library's connect waits while a listener's queue is full, and a device must not;
//! because it does not tell who the peer is, nor whether a socket listens; because descriptors come as numbers; because
//! it has no processes that run no other program; and because it looks at an open file by a call that takes paths, too.

use crate::jail::close_all_but;
use nix::sys::socket::{ControlMessage, ControlMessageOwned, MsgFlags, recvmsg, sendmsg};
use nix::unistd::{ForkResult, fork};
use std::fs::File;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Bytes of the path of a Unix socket, with the NUL behind it (unix(7)).
pub const PATH: usize = 108;

/// Connects to the socket at a path. What it gives waits for nobody either.
///
/// # Errors
/// The host's; [`ErrorKind::WouldBlock`] where the listener's queue is full.
pub fn connect(path: &Path) -> io::Result<UnixStream> {
    let bytes = path.as_os_str().as_bytes();
    let mut address = libc::sockaddr_un {
        sun_family: libc::AF_UNIX as libc::sa_family_t,
        sun_path: [0; PATH],
    };
    // A NUL is left behind it.
    if bytes.is_empty() || bytes.len() >= address.sun_path.len() || bytes.contains(&0) {
        return Err(ErrorKind::InvalidInput.into());
    }
    for (to, from) in address.sun_path.iter_mut().zip(bytes) {
        *to = *from as libc::c_char;
    }
    let kind = libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: it takes numbers.
    let socket = unsafe { libc::socket(libc::AF_UNIX, kind, 0) };
    if socket < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it was just opened, and nobody else has it.
    let socket = unsafe { OwnedFd::from_raw_fd(socket) };
    let size = size_of::<libc::sockaddr_un>() as libc::socklen_t;
    // SAFETY: the kernel reads `size` bytes of an address that is borrowed meanwhile.
    let result = unsafe {
        let address = std::ptr::from_ref(&address).cast();
        libc::connect(socket.as_raw_fd(), address, size)
    };
    match result {
        0 => Ok(socket.into()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sends what can be sent now to the other end of a connection. By write(2): in a jail, sendto(2) would reach sockets
/// that nobody opened.
///
/// # Errors
/// The host's.
pub fn say(socket: &UnixStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(nix::unistd::write(socket, bytes)?)
}

/// What the system says of an open file, by fstat(2), which takes no path: in a jail, statx(2) would see any file.
///
/// # Errors
/// The host's.
pub fn stat(file: BorrowedFd<'_>) -> io::Result<libc::stat> {
    let mut found = std::mem::MaybeUninit::<libc::stat>::zeroed();
    // SAFETY: the kernel writes one of these (`struct stat` of include/uapi/asm-generic/stat.h, and of x86) to where there is room.
    let result = unsafe { libc::syscall(libc::SYS_fstat, file.as_raw_fd(), found.as_mut_ptr()) };
    match result {
        // SAFETY: any bytes are one, and it was filled.
        0 => Ok(unsafe { found.assume_init() }),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Has a file system whose files are elsewhere ask there what is known of this one, so that [`stat`] tells it: statx(2) with
/// `AT_STATX_FORCE_SYNC`. Where that cannot be had, it tells what it knows.
pub fn look_anew(file: BorrowedFd<'_>) {
    // Room for one `struct statx` (include/uapi/linux/stat.h), of which nothing is read.
    let mut found = [0u64; 32];
    // SAFETY: the path is an empty one, and the kernel writes 256 bytes to where there is room for them.
    unsafe {
        libc::syscall(
            libc::SYS_statx,
            file.as_raw_fd(),
            c"".as_ptr(),
            libc::AT_EMPTY_PATH | libc::AT_STATX_FORCE_SYNC,
            libc::STATX_BASIC_STATS,
            found.as_mut_ptr(),
        )
    };
}

/// The most descriptors that come with one message (`SCM_MAX_FD`, include/net/scm.h).
const MOST: usize = 253;

/// The same with a descriptor where there is one, by sendmsg(2). It waits for nobody, whatever somebody else who has this
/// end of the connection as well has made of it (`O_NONBLOCK` is not the descriptor's alone).
///
/// # Errors
/// The host's.
pub fn send(socket: &UnixStream, bytes: &[u8], file: Option<&File>) -> io::Result<usize> {
    let files = file.map(|file| [file.as_raw_fd()]);
    let with = files.as_ref().map(|files| ControlMessage::ScmRights(files));
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let bytes = [IoSlice::new(bytes)];
    Ok(sendmsg::<()>(
        socket.as_raw_fd(),
        &bytes,
        with.as_slice(),
        flags,
        None,
    )?)
}

/// What has come by now from the other end of a connection, with descriptors; none bytes where it has gone. It waits for
/// nobody, as [`send`].
///
/// # Errors
/// The host's; [`ErrorKind::WouldBlock`] where nothing has come; something came that is neither bytes nor descriptors.
pub fn receive(socket: &UnixStream, piece: &mut [u8]) -> io::Result<(usize, Vec<File>)> {
    // It has room for all that one message can bring.
    let mut room = nix::cmsg_space!([RawFd; MOST]);
    let mut pieces = [IoSliceMut::new(piece)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
    let came = recvmsg::<()>(socket.as_raw_fd(), &mut pieces, Some(&mut room), flags)?;
    // Where this process can open no more, the rest of them is lost.
    if came.flags.contains(MsgFlags::MSG_CTRUNC) {
        close_what_came(&room);
        return Err(nix::errno::Errno::EMFILE.into());
    }
    let mut files = Vec::new();
    for message in came.cmsgs()? {
        if let ControlMessageOwned::ScmRights(numbers) = message {
            // SAFETY: the kernel has just opened them for this process, and nobody else has them.
            let opened = numbers
                .into_iter()
                .map(|number| unsafe { File::from_raw_fd(number) });
            files.extend(opened);
        }
    }
    Ok((came.bytes, files))
}

/// The same without descriptors: the kernel opens none of those that came.
///
/// # Errors
/// The host's; [`ErrorKind::WouldBlock`] where nothing has come.
pub fn receive_bytes(socket: &UnixStream, piece: &mut [u8]) -> io::Result<usize> {
    let mut pieces = [IoSliceMut::new(piece)];
    let flags = MsgFlags::MSG_DONTWAIT;
    Ok(recvmsg::<()>(socket.as_raw_fd(), &mut pieces, None, flags)?.bytes)
}

/// Closes the descriptors of a message that was cut, which were opened all the same: the first part of `room` says how
/// many (cmsg(3)), and it is zero where none were.
fn close_what_came(room: &[u8]) {
    let length = room.first_chunk().map_or(0, |it| usize::from_ne_bytes(*it));
    let numbers = room.get(size_of::<libc::cmsghdr>()..length).unwrap_or(&[]);
    for number in numbers.as_chunks().0 {
        // SAFETY: the kernel has just opened it for this process, and nobody else has it.
        drop(unsafe { OwnedFd::from_raw_fd(RawFd::from_ne_bytes(*number)) });
    }
}

/// The user who opened the other end of a connection (SO_PEERCRED, unix(7)).
///
/// # Errors
/// The kernel's.
pub fn peer(socket: &UnixStream) -> io::Result<u32> {
    let nobody = libc::ucred {
        pid: 0,
        uid: 0,
        gid: 0,
    };
    option(socket.as_fd(), libc::SO_PEERCRED, nobody).map(|peer| peer.uid)
}

/// Whether a socket listens (SO_ACCEPTCONN, socket(7)).
///
/// # Errors
/// It is no socket.
pub fn listens(socket: BorrowedFd<'_>) -> io::Result<bool> {
    option(socket, libc::SO_ACCEPTCONN, 0 as libc::c_int).map(|listens| listens != 0)
}

/// What a socket says of itself; `value` is overwritten.
fn option<T: Copy>(socket: BorrowedFd<'_>, name: libc::c_int, mut value: T) -> io::Result<T> {
    let mut size = size_of::<T>() as libc::socklen_t;
    // SAFETY: the kernel writes at most `size` bytes to a value of that size, which is borrowed alone; both options that
    // come here are numbers, for which any bytes will do.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            std::ptr::from_mut(&mut value).cast(),
            &raw mut size,
        )
    };
    match result {
        0 if size as usize == size_of::<T>() => Ok(value),
        0 => Err(ErrorKind::InvalidData.into()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Signals that end a process, and of which this program's handlers are nothing for another one.
const HANDLED: [libc::c_int; 5] = [
    libc::SIGINT,
    libc::SIGTERM,
    libc::SIGHUP,
    libc::SIGQUIT,
    libc::SIGXFSZ,
];

/// Starts a process that has nothing but this one's memory as it is now, and one descriptor. It does `work`, and ends.
///
/// # Errors
/// There is no process to be had.
pub fn fork_with(kept: RawFd, work: impl FnOnce()) -> io::Result<()> {
    // SAFETY: the C library sees to it that the child can allocate; beside that, `work` makes system calls alone, takes
    // no lock, and runs nothing of what this process has yet to run.
    if let ForkResult::Child = unsafe { fork() }? {
        for signal in HANDLED {
            // SAFETY: it takes no pointer; nobody in this process depends on a handler.
            unsafe { libc::signal(signal, libc::SIG_DFL) };
        }
        if close_all_but(&[kept]).is_ok() {
            work();
        }
        // SAFETY: it ends this process, without anything of its parent's that would run at its end.
        unsafe { libc::_exit(0) }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixListener;
    use std::{env, fs, process};

    #[test]
    fn it_connects_or_says_why_not_and_never_waits() {
        let path = env::temp_dir().join(format!("vmlock-unix-{}", process::id()));
        let kind = |path: &Path| connect(path).err().map(|e| e.kind());
        assert_eq!(kind(&path), Some(ErrorKind::NotFound));
        let listener = UnixListener::bind(&path).expect("the temporary directory takes files");
        let mut one = connect(&path).expect("it listens");
        let (mut other, _) = listener.accept().expect("it came");
        other.write_all(b"x").expect("room");
        let mut byte = [0];
        one.read_exact(&mut byte).expect("it is there");
        let nothing = one.read(&mut byte).map_err(|e| e.kind());
        assert_eq!(nothing, Err(ErrorKind::WouldBlock));
        // The queue of a listener that does not look fills up.
        let waiting: Vec<_> = (0..10_000).map_while(|_| connect(&path).ok()).collect();
        assert!(waiting.len() < 10_000);
        assert_eq!(kind(&path), Some(ErrorKind::WouldBlock));
        drop(listener);
        assert_eq!(kind(&path), Some(ErrorKind::ConnectionRefused));
        fs::remove_file(&path).expect("it was made here");
        assert_eq!(kind(Path::new("")), Some(ErrorKind::InvalidInput));
        let long = "x".repeat(PATH);
        assert_eq!(kind(Path::new(&long)), Some(ErrorKind::InvalidInput));
    }

    #[test]
    fn neither_end_waits_though_somebody_lets_the_connection_wait() {
        let (one, other) = UnixStream::pair().expect("sockets");
        // As who has the same description can.
        one.set_nonblocking(false).expect("a socket");
        let mut piece = [0; 8];
        let kind = receive(&one, &mut piece).map_err(|e| e.kind()).err();
        assert_eq!(kind, Some(ErrorKind::WouldBlock));
        let line = [0; 4096];
        let full = (0..10_000).find_map(|_| send(&one, &line, None).err());
        assert_eq!(full.map(|e| e.kind()), Some(ErrorKind::WouldBlock));
        let null = File::open("/dev/null").expect("every system has it");
        assert_eq!(send(&other, b"x", Some(&null)).expect("room"), 1);
        let (count, files) = receive(&one, &mut piece).expect("it came");
        assert_eq!((count, files.len(), piece[0]), (1, 1, b'x'));
        drop(other);
        let gone = loop {
            match receive(&one, &mut piece) {
                Ok((0, _)) => break true,
                Ok(_) => {}
                // What it never read is lost, and it says so.
                Err(e) => break e.kind() == ErrorKind::ConnectionReset,
            }
        };
        assert!(gone && send(&one, b"x", None).is_err());
    }

    #[test]
    fn what_this_process_has_no_room_for_is_closed_and_said() {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        use nix::sys::wait::{WaitStatus, waitpid};
        let (one, other) = UnixStream::pair().expect("sockets");
        let null = File::open("/dev/null").expect("every system has it");
        let many = [null.as_raw_fd(); 20];
        let bytes = [IoSlice::new(b"x")];
        let with = [ControlMessage::ScmRights(&many)];
        for _ in 0..2 {
            let flags = MsgFlags::empty();
            sendmsg::<()>(other.as_raw_fd(), &bytes, &with, flags, None).expect("room");
        }
        // SAFETY: the child makes system calls, and ends.
        match unsafe { fork() }.expect("a process") {
            // The limit is the whole process's.
            ForkResult::Child => {
                let count = || fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
                let before = count();
                let most = getrlimit(Resource::RLIMIT_NOFILE).map_or(0, |(_, most)| most);
                let free = nix::unistd::dup(&null).map_or(0, |next| next.as_raw_fd());
                let room = free as u64 + 5;
                let set = setrlimit(Resource::RLIMIT_NOFILE, room, most).is_ok();
                let mut piece = [0; 8];
                let error = receive(&one, &mut piece).err();
                let full = error.and_then(|e| e.raw_os_error()) == Some(libc::EMFILE);
                let bytes = receive_bytes(&one, &mut piece).ok() == Some(1);
                let good = set && full && bytes && count() == before;
                // SAFETY: it ends this process.
                unsafe { libc::_exit(i32::from(!good)) }
            }
            ForkResult::Parent { child } => {
                let ended = waitpid(child, None).expect("it ends");
                assert_eq!(ended, WaitStatus::Exited(child, 0));
            }
        }
    }

    #[test]
    fn the_peer_is_who_opened_the_other_end() {
        let (one, _other) = UnixStream::pair().expect("sockets");
        assert_eq!(
            peer(&one).expect("it has one"),
            nix::unistd::geteuid().as_raw()
        );
    }
}
