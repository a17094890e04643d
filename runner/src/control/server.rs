//! Serves clients of a control socket, on one thread that waits for none of them and for nothing of the guest's.

use super::operator::{CALLED_OFF, Operator, Waits};
use super::{Answer, REQUEST, answer, line};
use crate::failure::Failure;
use crate::jail::elders::Elders;
use crate::jail::table::Thread;
use crate::unix::{peer, say};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::mem::take;
use std::os::fd::AsFd as _;
use std::os::unix::net::{UnixListener, UnixStream};
use std::thread;
use std::time::{Duration, Instant};
use vmlock_spec::status::State;
use vmm_sys_util::sock_ctrl_msg::ScmSocket as _;

/// How many clients are served at a time; more of them wait outside.
pub const CLIENTS: usize = 8;
/// How many files come with a request at most.
pub const FILES: usize = 3;
/// How many of them may wait for what takes its time.
const WAITERS: usize = CLIENTS / 2;
/// How long a client may take to ask and to hear.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long it is until a pause that has yet to come is looked at again, if nobody wakes who looks.
const SOON: Duration = Duration::from_millis(1);
/// The same of a guest that is being written.
const LATER: Duration = Duration::from_millis(20);
/// How long a client may take to say whether a guest is to be written, and to give a whole file its name.
const NAMING: Duration = Duration::from_secs(60);
/// How long it is until the next try, where there are no descriptors to be had.
const RETRY: Duration = Duration::from_millis(100);

/// Serves a socket for as long as the process lives.
///
/// # Errors
/// There are no more threads to be had.
pub fn start(
    listener: UnixListener,
    mut operator: Operator,
    elders: &mut Elders,
) -> Result<(), Failure> {
    let mut server = Server {
        listener,
        clients: Vec::new(),
        user: geteuid().as_raw(),
    };
    if let Some(writes) = operator.writes() {
        elders.spawn(Thread::Scribe, writes)?;
    }
    elders.spawn(Thread::Control, move || {
        loop {
            server.turn(&mut operator);
        }
    })
}

struct Server {
    listener: UnixListener,
    clients: Vec<Client>,
    /// Who may ask, beside root.
    user: u32,
}

/// Who is there, and how far it has got.
struct Client {
    stream: UnixStream,
    heard: Vec<u8>,
    /// What is still to be sent, once it has asked.
    answer: Option<Vec<u8>>,
    /// It has asked for that, which takes its time: by what is answered it is not limited.
    waits: Option<Waits>,
    /// The files that came with what it asked: three of them for a hand-over.
    files: Vec<File>,
    /// A save waits for its word: that the rest is to be written, or that the file has its name.
    awaited: bool,
    until: Instant,
}

/// How far a client is.
#[derive(PartialEq, Eq)]
enum Served {
    /// There will be more to do.
    More,
    /// It has its answer.
    Told,
    /// It has gone.
    Gone,
}

impl Server {
    /// Waits for somebody, and serves all of them.
    fn turn(&mut self, operator: &mut Operator) {
        let now = Instant::now();
        self.clients
            .retain(|client| client.waits.is_some() || client.until > now);
        let room = self.clients.len() < CLIENTS;
        let mut fds: Vec<PollFd> = self.clients.iter().map(Client::waits_for).collect();
        if room {
            fds.push(PollFd::new(self.listener.as_fd(), PollFlags::POLLIN));
        }
        let wakes = operator.wakes();
        fds.extend(wakes.map(|fd| PollFd::new(fd, PollFlags::POLLIN)));
        let limited = self.clients.iter().filter(|client| client.waits.is_none());
        let mut next = limited
            .map(|client| client.until)
            .chain(operator.due())
            .min();
        if operator.is_busy() {
            let late = operator.takes_long();
            next = Some(now + if late { LATER } else { SOON });
        }
        let timeout = next.map_or(PollTimeout::NONE, |until| {
            let left = until.saturating_duration_since(now).as_millis() + 1;
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
        });
        match poll(&mut fds, timeout) {
            Ok(_) | Err(Errno::EINTR) => {}
            Err(_) => thread::sleep(RETRY),
        }
        operator.woken();
        if room {
            self.accept();
        }
        self.clients
            .retain_mut(|client| client.go_on(operator) == Served::More);
        self.call_off(operator);
        self.leave_room();
        // What follows from it may be what others wait for.
        while self.answer_late(operator) {}
        if operator.awaits_its_client() && !self.clients.iter().any(|client| client.awaited) {
            operator.abandon();
        }
        operator.end();
    }

    /// Answers those whose pause somebody called off, and for whom the guest is not saved or audited that is so since.
    fn call_off(&mut self, operator: &Operator) {
        if operator.about() == Waits::Pause || operator.will_pause() {
            return;
        }
        for client in &mut self.clients {
            if client.waits == Some(Waits::Pause) {
                client.send_away(CALLED_OFF.to_owned());
            }
        }
    }

    /// Sends those away who wait behind as many as may: whoever wants to end a guest that does not come to rest finds room.
    fn leave_room(&mut self) {
        let waiting = self.clients.iter_mut();
        let waiting = waiting.filter(|client| client.waits.is_some());
        for client in waiting.skip(WAITERS) {
            client.send_away(format!(
                "{WAITERS} wait for the guest already, to be paused, saved or audited"
            ));
        }
    }

    /// Answers those who asked for what takes its time, once it is there; false where nobody is answered.
    fn answer_late(&mut self, operator: &mut Operator) -> bool {
        let about = Some(operator.about());
        let waiting = self.clients.iter().filter(|client| client.waits == about);
        let waiting = waiting.count();
        let Some(answer) = operator.turn(waiting, Instant::now()) else {
            return false;
        };
        let said = line(&answer);
        let mut heard = 0;
        self.clients.retain_mut(|client| {
            if client.waits != about {
                return true;
            }
            client.waits = None;
            client.awaited = matches!(answer, Answer::Saved(_) | Answer::AtRest(_));
            client.until = Instant::now() + if client.awaited { NAMING } else { PATIENCE };
            client.answer = Some(said.clone());
            let served = client.go_on(operator);
            heard += usize::from(served != Served::Gone);
            served == Served::More
        });
        if matches!(answer, Answer::State(State::Paused)) {
            operator.told(heard);
        }
        waiting > 0
    }

    fn accept(&mut self) {
        while self.clients.len() < CLIENTS {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let client = peer(&stream).and_then(|who| Client::new(stream, who, self.user));
                    // Nothing can be said to one that has no peer.
                    self.clients.extend(client);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                // Who has gone in between is not there for the next call.
                Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
                Err(_) => return thread::sleep(RETRY),
            }
        }
    }
}

impl Client {
    /// One who is user `who`, and may ask if that is `user`, or root.
    fn new(stream: UnixStream, who: u32, user: u32) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        let stranger = || {
            let words = format!(
                "only user {user} and root may ask, and this is user {who} (with --namespaces, root is not known either)"
            );
            line(&Answer::Error(words))
        };
        Ok(Self {
            stream,
            heard: Vec::new(),
            answer: (who != user && who != 0).then(stranger),
            waits: None,
            files: Vec::new(),
            awaited: false,
            until: Instant::now() + PATIENCE,
        })
    }

    /// What it waits for does not come.
    fn send_away(&mut self, words: String) {
        self.waits = None;
        self.until = Instant::now() + PATIENCE;
        self.answer = Some(line(&Answer::Error(words)));
    }

    fn waits_for(&self) -> PollFd<'_> {
        let flags = match self.answer {
            // That it goes need not be asked for (poll(2)).
            _ if self.waits.is_some() => PollFlags::empty(),
            None => PollFlags::POLLIN,
            Some(_) => PollFlags::POLLOUT,
        };
        PollFd::new(self.stream.as_fd(), flags)
    }

    /// Whether its other end is closed: whoever only says nothing more still listens.
    fn has_gone(&self) -> bool {
        let mut fds = [self.waits_for()];
        let come = poll(&mut fds, PollTimeout::ZERO).is_ok();
        let gone = PollFlags::POLLHUP | PollFlags::POLLERR;
        come && fds[0].revents().is_some_and(|come| come.intersects(gone))
    }

    /// Does what can be done without waiting.
    fn go_on(&mut self, operator: &mut Operator) -> Served {
        if self.waits.is_some() {
            return match self.has_gone() {
                true => Served::Gone,
                false => Served::More,
            };
        }
        if self.answer.is_none() && !self.hear(operator) {
            return Served::Gone;
        }
        let Some(left) = &mut self.answer else {
            return Served::More;
        };
        loop {
            match say(&self.stream, left) {
                Ok(count) if count > 0 && count < left.len() => drop(left.drain(..count)),
                Ok(count) if count > 0 && self.awaited => {
                    (self.answer, self.heard) = (None, Vec::new());
                    return Served::More;
                }
                Ok(count) if count > 0 => return Served::Told,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Served::More,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                _ => return Served::Gone,
            }
        }
    }

    /// Hears what there is, and finds an answer once that is a line; false where nothing will come any more.
    fn hear(&mut self, operator: &mut Operator) -> bool {
        let mut piece = [0; 512];
        loop {
            match self.stream.recv_with_fd(&mut piece) {
                Ok((0, _)) => return false,
                Ok((count, file)) => {
                    self.heard.extend(&piece[..count]);
                    self.files.extend(file);
                    if self.files.len() > FILES {
                        return false;
                    }
                }
                Err(error) if error.errno() == libc::EAGAIN => return true,
                Err(error) if error.errno() == libc::EINTR => continue,
                Err(_) => return false,
            }
            let said = match self.heard.iter().position(|byte| *byte == b'\n') {
                Some(end) if end < REQUEST => {
                    let files = take(&mut self.files);
                    let awaited = take(&mut self.awaited);
                    answer(&self.heard[..end], files, awaited, operator)
                }
                None if self.heard.len() < REQUEST => continue,
                _ => Some(Answer::Error(format!(
                    "a request has at most {REQUEST} bytes"
                ))),
            };
            // Nobody begins to wait for anything but what is being done.
            self.waits = said.is_none().then(|| operator.about());
            self.answer = said.as_ref().map(line);
            return true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::tests::Folder;
    use super::super::place::{listen, reach};
    use super::*;
    use crate::counters::Guest;
    use std::io::{Read as _, Write as _};
    use std::path::PathBuf;
    use std::sync::Arc;

    /// The operator of a guest that has no machine yet.
    fn nobody() -> Operator {
        Operator::new(Arc::new(Guest::new("web", 0)), Arc::default())
    }

    /// A server of its own.
    fn serving(name: &str) -> (Folder, PathBuf) {
        let folder = Folder::new(name, 0o700);
        let path = folder.0.join("s");
        let listener = listen("control", &path).expect("the folder is ours");
        start(
            listener,
            nobody(),
            &mut Elders::to_be_jailed().expect("this Linux"),
        )
        .expect("threads are to be had");
        (folder, path)
    }

    fn connected(path: &std::path::Path) -> UnixStream {
        let stream = reach(path).expect("somebody listens");
        stream.set_nonblocking(false).expect("it can wait");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("it can wait");
        stream
    }

    fn asked(path: &std::path::Path, pieces: &[&[u8]]) -> String {
        let mut stream = connected(path);
        for piece in pieces {
            // It may have heard enough.
            let _ = stream.write_all(piece);
            thread::sleep(Duration::from_millis(20));
        }
        let mut text = Vec::new();
        // What it said before it went is there.
        let _ = stream.read_to_end(&mut text);
        String::from_utf8(text).expect("it is text")
    }

    #[test]
    fn a_line_is_answered_however_it_comes_and_a_long_one_is_refused() {
        let (_folder, path) = serving("lines");
        for pieces in [
            &[&b"{\"do\":\"status\"}\n"[..]][..],
            &[b"{\"do\"", b":\"stat", b"us\"}", b"\n"],
            &[b"{\"do\":\"status\"}\nmore\nmore"],
        ] {
            let said = asked(&path, pieces);
            assert!(
                said.starts_with(r#"{"status":"#) && said.ends_with("}\n"),
                "{said}"
            );
        }
        let long = [b' '; 5000];
        assert!(asked(&path, &[&long, b"\n"]).contains("at most 4096 bytes"));
        assert!(asked(&path, &[&long[..4095], b"\n"]).contains("no request"));
        assert!(asked(&path, &[&long[..4096], b"\n"]).contains("at most 4096 bytes"));
    }

    /// As many as there is room for that say nothing, as many that read nothing, and one that has an honest question.
    #[test]
    fn who_says_nothing_or_reads_nothing_keeps_others_for_a_while_and_never_for_good() {
        let (_folder, path) = serving("hostile");
        let begun = Instant::now();
        let silent: Vec<UnixStream> = (0..2 * CLIENTS).map(|_| connected(&path)).collect();
        let deaf: Vec<UnixStream> = (0..CLIENTS)
            .map(|_| {
                let mut stream = connected(&path);
                stream
                    .write_all(b"{\"do\":\"status\"}\n")
                    .expect("its queue takes it");
                stream
            })
            .collect();
        let mut gone = connected(&path);
        gone.write_all(b"{\"do\":").expect("its queue takes it");
        drop(gone);
        assert!(asked(&path, &[b"{\"do\":\"status\"}\n"]).starts_with(r#"{"status":"#));
        assert!(begun.elapsed() < 6 * PATIENCE);
        drop((silent, deaf));
    }

    #[test]
    fn a_stranger_is_told_who_may_ask() {
        for (who, user, may) in [(4242, 1, false), (1, 0, false), (0, 1, true), (1, 1, true)] {
            let (one, mut other) = UnixStream::pair().expect("sockets");
            let mut client = Client::new(one, who, user).expect("it is connected");
            assert_eq!(client.go_on(&mut nobody()) == Served::More, may);
            drop(client);
            let mut said = String::new();
            other.read_to_string(&mut said).expect("it is text");
            assert_eq!(said.contains("only user"), !may, "{said}");
        }
    }
}
