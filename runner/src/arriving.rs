//! The taking end of a hand-over: `vmlock-run receive SOCKET --lock LOCK`. It listens for one giving end, takes what that
//! gives under the names of its own lock, and asks for the guest once its machine has the guest's state. From another host
//! ([`far`]) nothing comes but bytes: memory, too.

mod door;
pub mod far;

use crate::control::place::listen;
use crate::failure::Failure;
use crate::firmware::entropy::Entropy;
use crate::handover::far::{Far, Frame};
use crate::handover::hands::{Handed, OVER, digest};
use crate::handover::id::Id;
use crate::handover::protocol::{Deed, Event, Fate, Message, Taking, VERSION, Verdict};
use crate::handover::right::{self, Right, Taken};
use crate::handover::wire::{Heard, Peer, TOKEN};
use crate::memory::Memory;
use crate::snapshot::restore::Opened;
use crate::unix::peer;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::geteuid;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use vmlock_spec::lock::{Device, DeviceKind, Lock};

/// How long the giving end may take to give what it can give while the guest runs, and later to say something.
const ANSWER: Duration = Duration::from_secs(30);
/// The same where it brings the guest to rest before.
const AT_REST: Duration = Duration::from_secs(90);

/// A guest that comes.
pub struct Arriving {
    peer: Giver,
    at: Taking,
    /// Where it comes, for words.
    socket: PathBuf,
    /// Its memory, which its other end still runs it in.
    pub memory: Option<File>,
    /// What is behind its devices.
    pub devices: Handed,
    /// Its generation id.
    pub generation: Option<Id>,
    /// The turn that its state is of.
    turn: u64,
}

/// The other end.
enum Giver {
    /// On this host.
    Near(Peer),
    /// On another one.
    Far(Box<Far>),
}

impl Giver {
    fn say(&mut self, said: &Message) -> io::Result<()> {
        match self {
            Self::Near(peer) => peer.say(said, None),
            Self::Far(far) => far.tell(said),
        }
    }

    /// What it has said by now, where nothing else is to come.
    fn hear(&mut self) -> io::Result<Option<Heard>> {
        match self {
            Self::Near(peer) => peer.hear(),
            Self::Far(far) => match far.next()? {
                Some(Frame::Words(said)) => Ok(Some(Heard { said, file: None })),
                Some(_) => Err(io::Error::new(
                    ErrorKind::InvalidData,
                    "it gives what nobody has asked for",
                )),
                None => Ok(None),
            },
        }
    }

    fn fd(&self) -> BorrowedFd<'_> {
        match self {
            Self::Near(peer) => peer.stream().as_fd(),
            Self::Far(far) => far.fd(),
        }
    }
}

/// What a guest of a lock has to bring.
struct Wanted<'a> {
    /// As long its memory is.
    bytes: u64,
    /// It has a generation id.
    identified: bool,
    /// Its disks and cards: nothing of another name is taken.
    names: Vec<&'a str>,
}

impl<'a> Wanted<'a> {
    fn of(lock: &'a Lock) -> Self {
        use DeviceKind::{VirtioBlock, VirtioNet};
        let brought = |d: &&Device| matches!(d.kind, VirtioBlock | VirtioNet);
        let devices = lock.machine.devices.iter().filter(brought);
        Self {
            bytes: lock.machine.memory.size,
            identified: lock.machine.generation_id().is_some(),
            names: devices.map(|device| device.name.as_str()).collect(),
        }
    }
}

/// Who connects there first and may: others are sent away.
fn accept(listener: &UnixListener) -> io::Result<UnixStream> {
    let mine = geteuid().as_raw();
    loop {
        let mut fds = [PollFd::new(listener.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(nix::errno::Errno::EINTR) => {}
            Err(errno) => return Err(errno.into()),
        }
        match listener.accept() {
            Ok((stream, _)) => match peer(&stream) {
                Ok(who) if who == mine || who == 0 => return Ok(stream),
                // It is closed, and told nothing.
                _ => {}
            },
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {}
            Err(error) => return Err(error),
        }
    }
}

impl Arriving {
    /// Waits at that socket for a guest of the lock with that text, until all has come that is given while it still runs.
    ///
    /// # Errors
    /// Nothing comes that would be such a guest.
    pub fn meet(path: &Path, text: &str, lock: &Lock) -> Result<Self, Failure> {
        let listener = listen("hand-over", path)?;
        let trouble = |e: io::Error| failed(path, &e.to_string());
        let mut token = [0; TOKEN];
        if !Entropy::open().fill(&mut token) {
            return Err(failed(path, "the host has no random numbers"));
        }
        let token: String = token.iter().map(|byte| format!("{byte:02x}")).collect();
        let stream = accept(&listener).map_err(trouble)?;
        // Nobody else comes. What is left of the name, the next one who listens there takes away.
        let _ = fs::remove_file(path);
        drop(listener);
        let peer = Peer::new(stream, Some(token)).map_err(trouble)?;
        Self::begin(Giver::Near(peer), path, text, &Wanted::of(lock))
    }

    /// Whether it comes from another host.
    pub fn is_far(&self) -> bool {
        matches!(self.peer, Giver::Far(_))
    }

    fn begin(peer: Giver, path: &Path, text: &str, wanted: &Wanted<'_>) -> Result<Self, Failure> {
        let until = Instant::now() + ANSWER;
        let mut it = Self {
            peer,
            at: Taking::Offered,
            socket: path.to_owned(),
            memory: None,
            devices: Handed::new(),
            generation: None,
            turn: 0,
        };
        let ours = digest(text);
        let far = it.is_far();
        let offer = Message::Offer {
            version: VERSION,
            lock: ours.clone(),
            far,
        };
        it.say(&offer)?;
        let heard = it.hear(until)?;
        let Message::Accept {
            version,
            lock,
            generation,
            devices,
        } = &heard.said
        else {
            return Err(it.refuse(&heard.said));
        };
        if *version != VERSION {
            let why = format!("its other end speaks version {version}, and this one {VERSION}");
            return Err(it.no(&why));
        }
        if *lock != ours {
            return Err(it.no("its guest has another lock (`vmlock diff` shows what that says)"));
        }
        it.generation = match generation {
            None if !wanted.identified => None,
            Some(digits) if wanted.identified => match Id::of(digits) {
                Some(id) => Some(id),
                None => return Err(it.no("its generation id is none")),
            },
            _ => return Err(it.no("a generation id is missing, or is one too many")),
        };
        if far {
            // It has yet to come, and devices are this host's own.
            it.must(Event::Heard(&heard.said), Deed::Build)?;
            return Ok(it);
        }
        let memory = it.hear(until)?;
        let (Message::Memory {}, Some(file)) = (&memory.said, memory.file) else {
            return Err(it.refuse(&memory.said));
        };
        let anew = right::anew(file, wanted.bytes);
        it.memory = Some(anew.map_err(|why| it.no(&format!("guest memory: {why}")))?);
        if *devices as usize > wanted.names.len() {
            return Err(it.no("it has more disks and cards than the lock"));
        }
        for _ in 0..*devices {
            let heard = it.hear(until)?;
            let (Message::Device { name }, Some(file)) = (&heard.said, heard.file) else {
                return Err(it.refuse(&heard.said));
            };
            if !wanted.names.contains(&name.as_str()) {
                return Err(it.no("it has a disk or a card that the lock has not"));
            }
            if it.devices.insert(name.clone(), file).is_some() {
                return Err(it.no(&format!("device `{name}` comes twice")));
            }
        }
        it.must(Event::Heard(&heard.said), Deed::Build)?;
        Ok(it)
    }

    fn step(&mut self, event: Event<'_>) -> Deed {
        let (at, deed) = self.at.step(event);
        self.at = at;
        deed
    }

    fn say(&mut self, said: &Message) -> Result<(), Failure> {
        let sent = self.peer.say(said);
        sent.map_err(|e| failed(&self.socket, &format!("its other end has gone: {e}")))
    }

    /// What is said until then.
    fn hear(&mut self, until: Instant) -> Result<Heard, Failure> {
        self.heard(until)
            .map_err(|e| failed(&self.socket, &said(&e)))
    }

    fn heard(&mut self, until: Instant) -> io::Result<Heard> {
        loop {
            if let Some(heard) = self.peer.hear()? {
                return Ok(heard);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            let timeout = PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX);
            let mut fds = [PollFd::new(self.peer.fd(), PollFlags::POLLIN)];
            match poll(&mut fds, timeout) {
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Does not go on, and says why at both ends.
    fn no(&mut self, why: &str) -> Failure {
        let no = Message::no(why);
        // It sees the end of the connection, too.
        let _ = self.peer.say(&no);
        failed(&self.socket, why)
    }

    /// Does not go on after that was said.
    fn refuse(&mut self, said: &Message) -> Failure {
        match said {
            Message::No { why } => failed(&self.socket, &format!("its other end says: {why}")),
            _ => self.no("something else was said than was to come"),
        }
    }

    /// Goes the step that is to follow.
    ///
    /// # Errors
    /// Another one follows.
    fn must(&mut self, event: Event<'_>, wanted: Deed) -> Result<(), Failure> {
        match self.step(event) == wanted {
            true => Ok(()),
            false => Err(self.no("something else was to come next")),
        }
    }

    /// Says that the machine is made and proven, and waits for the guest's state: it is at rest from then on. Its memory comes
    /// before it, where it has not come yet.
    ///
    /// # Errors
    /// None comes, or none of this guest. It cannot be asked for again.
    pub fn ready(&mut self, text: &str, memory: &Memory) -> Result<Opened, Failure> {
        self.must(Event::Done, Deed::Ready)?;
        self.say(&Message::Ready {})?;
        self.must(Event::Done, Deed::Wait)?;
        let heard = match self.is_far() {
            true => self.copied(memory)?,
            false => self.hear(Instant::now() + AT_REST)?,
        };
        let (Message::State { identity, turn }, Some(file)) = (&heard.said, heard.file) else {
            return Err(self.refuse(&heard.said));
        };
        let frozen = right::freeze(&file);
        frozen.map_err(|e| self.no(&format!("its state can still be changed: {e}")))?;
        let opened = Opened::handed(&self.socket, file, text);
        let opened = opened.inspect_err(|_| drop(self.no("its state is refused there")))?;
        if opened.saved.identity.to_string() != *identity {
            return Err(self.no("its state is another one than was announced"));
        }
        // The memory of one that comes from another host is its own here, and nobody had a turn with it.
        if !self.is_far() {
            self.turn = *turn;
        }
        self.must(Event::Heard(&heard.said), Deed::Restore)?;
        Ok(opened)
    }

    /// From here on nothing comes with a descriptor, and this thread takes none.
    fn without_files(&mut self) {
        if let Giver::Near(peer) = &mut self.peer {
            peer.without_files();
        }
    }

    /// Says that the guest cannot go on here, and why: its other end goes on with it.
    pub fn declines(mut self, why: &str) -> Verdict {
        self.without_files();
        // It sees the end of the connection, too.
        let _ = self.peer.say(&Message::no(why));
        Verdict::Never(why.to_owned())
    }

    /// Asks for the guest, whose state the machine has: with the right to run it, and what is done last before it runs.
    /// What is another runner's until then, `holds` takes.
    pub fn ask(
        mut self,
        right: &Right,
        holds: impl FnOnce() -> Result<(), String>,
        last: impl FnOnce() -> Result<(), String>,
    ) -> Verdict {
        self.without_files();
        right.came(self.turn);
        if self.step(Event::Done) != Deed::Restored {
            return Verdict::Never("something else was to come next".to_owned());
        }
        let asked = self.peer.say(&Message::Restored {});
        let (deed, why) = match asked {
            Err(error) => (self.step(Event::Failed), said(&error)),
            Ok(()) => match self.step(Event::Done) {
                Deed::Wait => self.answered(),
                deed => (deed, "something else was to come next".to_owned()),
            },
        };
        let (deed, why) = match deed {
            Deed::Take => {
                // In this order: whoever has taken the guest can run it.
                if let Err(why) = last() {
                    return Verdict::Broken(why);
                }
                if let Err(why) = holds() {
                    return Verdict::Unknown(why);
                }
                match right.take() {
                    Ok(Taken::Ours) => {
                        // Where that one has gone, the guest is here all the same: it was given.
                        let _ = self.peer.say(&Message::Runs {});
                        (self.step(Event::Done), why)
                    }
                    Ok(Taken::Held) => (self.step(Event::Failed), HELD.to_owned()),
                    Ok(Taken::Over) => return Verdict::Never(OVER.to_owned()),
                    Err(error) => (self.step(Event::Failed), error.to_string()),
                }
            }
            deed => (deed, why),
        };
        match deed {
            Deed::End(Fate::Runs) => Verdict::Runs,
            Deed::End(Fate::Never) => Verdict::Never(why),
            _ => Verdict::Unknown(why),
        }
    }

    /// What follows from the other end's last word, and why.
    fn answered(&mut self) -> (Deed, String) {
        self.answered_by(Instant::now() + ANSWER)
    }

    /// The same by then.
    fn answered_by(&mut self, until: Instant) -> (Deed, String) {
        let heard = self.heard(until).and_then(|heard| {
            // From another host no lock on memory says that a word is old: whoever was frozen may have been given up there since.
            let late = self.is_far() && Instant::now() > until;
            match heard.said {
                Message::Commit {} if late => Err(ErrorKind::TimedOut.into()),
                _ => Ok(heard),
            }
        });
        let deed = match &heard {
            Ok(heard) => self.step(Event::Heard(&heard.said)),
            Err(_) => self.step(Event::Failed),
        };
        let why = match &heard {
            Ok(Heard {
                said: Message::No { why },
                ..
            }) => format!("its other end says: {why}"),
            Ok(_) => "its other end says something else".to_owned(),
            Err(error) => said(error),
        };
        (deed, why)
    }
}

/// What is said where somebody else has the right to run it.
const HELD: &str = "its other end still has the right to run it";

/// Why nothing is heard.
fn said(error: &io::Error) -> String {
    match error.kind() {
        ErrorKind::TimedOut => "its other end takes too long".to_owned(),
        ErrorKind::InvalidData => format!("its other end says what makes no sense: {error}"),
        _ => format!("its other end has gone ({error})"),
    }
}

/// What there is to be said where nothing was handed over.
pub fn failed(socket: &Path, why: &str) -> Failure {
    Failure::environment(
        format!("no guest was handed over at `{}`: {why}", socket.display()),
        &[
            "look there: `vmlock-run status SOCKET` at the other end's control socket says whether the guest goes on",
        ],
    )
}

#[cfg(test)]
mod tests;
