//! Who connects sockets to those of the host: a process of its own, which can do that and nothing else.
//!
//! A device's thread in the jail must not open a socket or connect one, since a filter cannot see where to. So this is
//! forked before there is a machine, with no file, no terminal and nothing of a guest's: it has the paths that the
//! lock declares, is asked for one of them by its place among these, and answers with a socket that is connected, or
//! with why it is not. It ends when nobody can ask any more.

use crate::jail::Confined;
use crate::unix::{connect, fork_with, say};
use nix::sys::prctl;
use std::cell::Cell;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process;
use vmm_sys_util::sock_ctrl_msg::ScmSocket as _;

/// The broker, for the thread that asks it.
pub struct Broker {
    line: UnixStream,
    /// How many questions this process has asked.
    asked: Cell<u32>,
}

/// What a question is known by: who asks may have ended before it had the answer, and the guest that starts anew asks the
/// same broker.
type Token = [u8; 8];
/// A token, and a place.
const QUESTION: usize = 8 + 4;
/// The question's token, and nothing or the number of an error.
const ANSWER: usize = 8 + 4;

impl Broker {
    /// Starts it with the sockets that it connects to; it is `confined` before it says that it is there.
    ///
    /// # Errors
    /// There is no process or no socket to be had, or Linux does not let it give up the rest.
    pub fn start(paths: Vec<PathBuf>, confined: Option<Confined>) -> io::Result<Self> {
        let (line, mut other) = UnixStream::pair()?;
        fork_with(other.as_raw_fd(), || {
            // Only for who looks at processes.
            let _ = prctl::set_name(c"broker");
            let begun = confined.as_ref().map_or(Ok(()), Confined::enter);
            if other.write_all(&reply(FIRST, &begun)).is_ok() && begun.is_ok() {
                answer(&other, &paths);
            }
        })?;
        drop(other);
        let broker = Self {
            line,
            asked: Cell::new(0),
        };
        broker.answer(FIRST)?;
        Ok(broker)
    }

    /// A socket that is connected to the path at that place. It waits for the broker, which waits for nobody.
    ///
    /// # Errors
    /// The host's; [`io::ErrorKind::WouldBlock`] where the listener's queue is full.
    pub fn connect(&self, place: u32) -> io::Result<UnixStream> {
        self.asked.set(self.asked.get().wrapping_add(1));
        let token = token(process::id(), self.asked.get());
        let mut question = [0; QUESTION];
        question[..8].copy_from_slice(&token);
        question[8..].copy_from_slice(&place.to_ne_bytes());
        // Its queue has room for one question.
        if say(&self.line, &question).ok() != Some(QUESTION) {
            return Err(gone());
        }
        self.answer(token)?.ok_or_else(gone)
    }

    /// What is answered to that question. A socket for somebody who has gone is closed.
    fn answer(&self, token: Token) -> io::Result<Option<UnixStream>> {
        loop {
            let mut answer = [0; ANSWER];
            let (length, socket) = match self.line.recv_with_fd(&mut answer) {
                Err(error) if error.errno() == libc::EINTR => continue,
                Err(error) => return Err(io::Error::from_raw_os_error(error.errno())),
                Ok(received) => received,
            };
            let (to, code) = answer.split_at(8);
            return match i32::from_ne_bytes([code[0], code[1], code[2], code[3]]) {
                _ if length < ANSWER => Err(gone()),
                _ if to != token => continue,
                0 => Ok(socket.map(|file| OwnedFd::from(file).into())),
                errno => Err(io::Error::from_raw_os_error(errno)),
            };
        }
    }
}

/// Of what the broker says by itself once it is there.
const FIRST: Token = [0; 8];

fn token(process: u32, asked: u32) -> Token {
    ((u64::from(process) << 32) | u64::from(asked)).to_ne_bytes()
}

fn gone() -> io::Error {
    io::Error::other("the process that connects sockets has gone")
}

/// A token, and nothing or the number of an error.
fn reply<T>(token: Token, result: &io::Result<T>) -> [u8; ANSWER] {
    let errno = |e: &io::Error| e.raw_os_error().unwrap_or(libc::EINVAL);
    let code = result.as_ref().err().map_or(0, errno);
    let mut answer = [0; ANSWER];
    answer[..8].copy_from_slice(&token);
    answer[8..].copy_from_slice(&code.to_ne_bytes());
    answer
}

/// The broker's work, until nobody can ask any more. It needs no memory but its stack.
fn answer(mut line: &UnixStream, paths: &[PathBuf]) {
    let (mut token, mut place) = (FIRST, [0; 4]);
    while line.read_exact(&mut token).is_ok() && line.read_exact(&mut place).is_ok() {
        let path = paths.get(u32::from_ne_bytes(place) as usize);
        let socket = path.map_or_else(
            || Err(io::Error::from_raw_os_error(libc::ENOENT)),
            |path| connect(path),
        );
        let reply = reply(token, &socket);
        let sent = match &socket {
            Ok(socket) => line.send_with_fd(&reply[..], socket.as_raw_fd()).is_ok(),
            Err(_) => line.write_all(&reply).is_ok(),
        };
        if !sent {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::ErrorKind;
    use std::os::unix::net::UnixListener;
    use std::{env, fs};

    #[test]
    fn it_connects_to_what_it_was_told_of_and_to_nothing_else() {
        let path = env::temp_dir().join(format!("vmlock-broker-{}", process::id()));
        let listener = UnixListener::bind(&path).expect("the temporary directory takes files");
        let nobody = path.with_extension("nobody");
        let confined = Confined::broker().expect("it is short");
        let broker = Broker::start(vec![path.clone(), nobody], Some(confined)).expect("a process");
        for _ in 0..3 {
            let mut socket = broker.connect(0).expect("it listens");
            let (mut other, _) = listener.accept().expect("it came");
            other.write_all(b"x").expect("room");
            let mut byte = [0];
            socket.read_exact(&mut byte).expect("it is there");
            let nothing = socket.read(&mut byte).map_err(|e| e.kind());
            assert_eq!(nothing, Err(ErrorKind::WouldBlock));
        }
        let kind = |place| broker.connect(place).err().map(|e| e.kind());
        assert_eq!(kind(1), Some(ErrorKind::NotFound));
        assert_eq!(kind(2), Some(ErrorKind::NotFound));
        drop(listener);
        assert_eq!(kind(0), Some(ErrorKind::ConnectionRefused));
        fs::remove_file(&path).expect("it was made here");
    }

    #[test]
    fn an_answer_to_somebody_who_has_gone_is_nobody_elses() {
        let (path, other) = ["one", "other"]
            .map(|name| env::temp_dir().join(format!("vmlock-broker-{name}-{}", process::id())))
            .into();
        let listeners =
            [&path, &other].map(|path| UnixListener::bind(path).expect("it takes files"));
        let broker = Broker::start(vec![path.clone(), other.clone()], None).expect("a process");
        // As the process before this one would have asked for the second.
        let mut question = [0; QUESTION];
        question[..8].copy_from_slice(&token(process::id() - 1, 7));
        question[8..].copy_from_slice(&1u32.to_ne_bytes());
        (&broker.line).write_all(&question).expect("it is asked");
        let mut socket = broker.connect(0).expect("it listens");
        socket.write_all(b"x").expect("room");
        let (mut accepted, _) = listeners[0].accept().expect("it came");
        let mut byte = [0];
        accepted.read_exact(&mut byte).expect("it is there");
        assert_eq!(&byte, b"x");
        let (mut gone, _) = listeners[1].accept().expect("it came");
        assert_eq!(gone.read(&mut byte).ok(), Some(0));
        for path in [path, other] {
            fs::remove_file(path).expect("it was made here");
        }
    }

    #[test]
    fn one_that_has_gone_is_an_error_and_no_wait() {
        let (line, other) = UnixStream::pair().expect("sockets");
        drop(other);
        let asked = Cell::new(0);
        assert!(Broker { line, asked }.connect(0).is_err());
    }
}
