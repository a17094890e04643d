//! Both ends of a connection between a guest and its host. No shell has sockets of these two kinds.
//!
//! * `vmlock-lab-agent answer SOCKET`, in the host: listens at a Unix socket, and sends what somebody says there back,
//!   one connection after the other;
//! * `vmlock-lab-agent ask PORT`, in the guest: connects to that port of its host, says what comes by standard input, and
//!   writes the answer to standard output.
//!
//! It ends with 1 and the words of Linux where something does not work.

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, VsockAddr, connect, socket};
use std::env;
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixListener;
use std::process::ExitCode;
use std::thread;

/// The host, as each guest calls it (`VMADDR_CID_HOST`, include/uapi/linux/vm_sockets.h).
const HOST: u32 = 2;

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["answer", socket] => answer(socket),
        ["ask", port] => match port.parse() {
            Ok(port) => ask(port),
            Err(_) => Err(ErrorKind::InvalidInput.into()),
        },
        _ => Err(io::Error::other("answer SOCKET, or ask PORT")),
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

fn answer(path: &str) -> io::Result<()> {
    let listener = UnixListener::bind(path)?;
    loop {
        let (stream, _) = listener.accept()?;
        // One who goes away in the middle is an end of the connection.
        let _ = io::copy(&mut &stream, &mut &stream);
        let _ = stream.shutdown(Shutdown::Write);
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
