//! `vmlock-run migrate --to tcp:HOST:PORT` and `--to -`: hands a guest over to another host.
//!
//! This process is the taking end to the guest's own runner, which is in its jail and reaches no network; to the other host it
//! is the giving end. It decides nothing: each word of either goes to the other one, in order. What it does itself is to copy the guest's memory, which
//! that runner shares with it, as far as that goes while the guest runs, and the rest of it before the guest's state.

use crate::failure::Failure;
use crate::firmware::entropy;
use crate::handover::copy::{self, Copy};
use crate::handover::far::{Far, Frame, Place, Side, Token};
use crate::handover::protocol::Message;
use crate::handover::right::BEHIND;
use crate::handover::wire::{Peer, TOKEN};
use crate::say;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long another host may take to answer.
const CONNECTS: Duration = Duration::from_secs(10);
/// How often the guest's runner is told that its memory is being copied.
const EACH: Duration = Duration::from_secs(5);
/// Longer than either end waits for the other one.
const PATIENCE: Duration = Duration::from_secs(600);

/// Meets the other host.
///
/// # Errors
/// Nobody is there, or somebody without the token.
pub fn meet(place: Place<'_>, token: Option<&Path>) -> Result<Far, Failure> {
    let name = match place {
        Place::Pipes => "-".to_owned(),
        Place::Tcp(given) => format!("tcp:{given}"),
    };
    let failed = |e: io::Error| {
        let why = match e.kind() {
            ErrorKind::TimedOut => "nobody answers there".to_owned(),
            ErrorKind::UnexpectedEof => {
                "its other end has gone: it has another token, or says itself why".to_owned()
            }
            _ => e.to_string(),
        };
        let words = format!("no guest can be handed over to `{name}`: {why}");
        let help = ["run `vmlock-run receive` there first, and bring its token here"];
        Failure::environment(words, &help)
    };
    let given = match place {
        Place::Pipes => {
            let token = token.map_or_else(|| Ok(Token::none()), Token::read)?;
            return Far::pipes(Side::Gives, &token, entropy::bytes("a hand-over")?).map_err(failed);
        }
        Place::Tcp(given) => given,
    };
    let path = token.ok_or_else(|| {
        let help = ["`--token-file FILE`: the one that `vmlock-run receive` wrote"];
        Failure::usage("where is the token?", &help)
    })?;
    let token = Token::read(path)?;
    let mut last = io::Error::from(ErrorKind::NotFound);
    for address in given.to_socket_addrs().map_err(failed)? {
        match TcpStream::connect_timeout(&address, CONNECTS) {
            Ok(stream) => {
                if !address.ip().to_canonical().is_loopback() {
                    say::note(format_args!(
                        "what goes to `{address}` is not encrypted: whoever is on its way can read the guest's memory"
                    ));
                }
                return Far::tcp(stream, Side::Gives, &token, entropy::bytes("a hand-over")?)
                    .map_err(failed);
            }
            Err(error) => last = error,
        }
    }
    Err(failed(last))
}

/// The two ends of the connection between a guest's runner and this process: the one that is for that runner, and ours.
///
/// # Errors
/// The host's.
pub fn pair(token: [u8; TOKEN]) -> io::Result<(UnixStream, Peer)> {
    let (theirs, ours) = UnixStream::pair()?;
    let token = token.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok((theirs, Peer::new(ours, Some(token))?))
}

/// Carries what both say, until one of them has said its last word; how many bytes of memory went over in each round. A guest
/// that would rest for longer than the limit is not brought to rest.
pub fn carry(near: Peer, far: Far, limit: Duration) -> Vec<u64> {
    let mut courier = Courier {
        near,
        far,
        copy: None,
        limit,
    };
    if let Err(error) = courier.go() {
        courier.last();
        // The other host sees the end of the connection, and hears nothing more: a word of ours that the guest goes on here would be
        // believed there, and nobody here knows that it does.
        let why = format!("the connection between both ends broke: {error}");
        let _ = courier.near.say(&Message::no(&why), None);
    }
    courier
        .copy
        .map_or_else(Vec::new, |copy| copy.rounds().to_vec())
}

struct Courier {
    near: Peer,
    far: Far,
    copy: Option<Copy>,
    limit: Duration,
}

impl Courier {
    fn go(&mut self) -> io::Result<()> {
        loop {
            while let Some(heard) = self.near.hear()? {
                match heard.said {
                    Message::Memory {} => {
                        let memory = heard.file.ok_or(ErrorKind::InvalidData)?;
                        let bytes = memory.metadata()?.len().saturating_sub(BEHIND);
                        self.copy = Some(Copy::new(memory, bytes));
                    }
                    said @ Message::State { .. } => {
                        let state = heard.file.ok_or(ErrorKind::InvalidData)?;
                        if self.rest(&state)? {
                            return Ok(());
                        }
                        self.far.tell(&said)?;
                    }
                    said => {
                        self.far.tell(&said)?;
                        if let Message::No { .. } = said {
                            return Ok(());
                        }
                    }
                }
            }
            if self.hear_far()? {
                return Ok(());
            }
            let timeout = PollTimeout::try_from(PATIENCE).unwrap_or(PollTimeout::MAX);
            let mut fds = [
                PollFd::new(self.near.stream().as_fd(), PollFlags::POLLIN),
                PollFd::new(self.far.fd(), PollFlags::POLLIN),
            ];
            match poll(&mut fds, timeout) {
                Ok(0) => return Err(ErrorKind::TimedOut.into()),
                Ok(_) | Err(nix::errno::Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Carries what the other host has said by now; whether that was the last word.
    fn hear_far(&mut self) -> io::Result<bool> {
        while let Some(frame) = self.far.next()? {
            let said = match frame {
                // Whatever it says of itself.
                Frame::Words(Message::Offer { version, lock, .. }) => Message::Offer {
                    version,
                    lock,
                    far: true,
                },
                Frame::Words(
                    said @ (Message::Ready {}
                    | Message::Restored {}
                    | Message::Runs {}
                    | Message::No { .. }),
                ) => said,
                // It is the other one's to say, or to give.
                _ => {
                    let words = "the other host gives what nobody has asked for";
                    return Err(io::Error::new(ErrorKind::InvalidData, words));
                }
            };
            if said == (Message::Ready {}) && self.copies()? {
                return Ok(true);
            }
            self.near.say(&said, None)?;
            if let Message::No { .. } | Message::Runs {} = said {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Where the guest's runner has said last that it goes on there, the other host hears it, whatever broke: else that one would rest in
    /// doubt.
    fn last(&mut self) {
        while let Ok(Some(heard)) = self.near.hear() {
            if let said @ Message::No { .. } = heard.said {
                let _ = self.far.tell(&said);
                return;
            }
        }
    }

    /// Copies the guest's memory while it runs; whether its runner has called that off.
    fn copies(&mut self) -> io::Result<bool> {
        let Self {
            near,
            far,
            copy,
            limit,
        } = self;
        let copy = copy.as_mut().ok_or(ErrorKind::InvalidData)?;
        let mut told = Instant::now();
        let mut no = None;
        while copy.goes_on() {
            let sent = copy.round(far, || {
                listen(near, &mut no)?;
                if told.elapsed() < EACH {
                    return Ok(());
                }
                told = Instant::now();
                // Where it has gone, so has whoever would be told.
                near.say(&Message::Copies {}, None)
            });
            if called_off(far, no.take())? {
                return Ok(true);
            }
            sent?;
        }
        let next = copy.next();
        if next <= *limit {
            return Ok(false);
        }
        let words = format!(
            "the last of {} rounds over its memory took {:.1} s, so the guest would rest for about as long, and its limit is {} s (`migrate --rest-limit SECONDS`)",
            copy.rounds().len(),
            next.as_secs_f64(),
            limit.as_secs()
        );
        let no = Message::no(&words);
        near.say(&no, None)?;
        far.tell(&no)?;
        Ok(true)
    }

    /// Sends what is left of the memory of a guest at rest, and its state; whether its runner has called that off. It says so before
    /// the guest goes on, so what was read before nothing was heard is of one moment.
    fn rest(&mut self, state: &File) -> io::Result<bool> {
        let Self {
            near, far, copy, ..
        } = self;
        let copy = copy.as_mut().ok_or(ErrorKind::InvalidData)?;
        let mut no = None;
        let mut looks = || listen(near, &mut no);
        let sent = copy
            .round(far, &mut looks)
            .and_then(|()| copy::state(state, far, &mut looks))
            .and_then(|()| looks());
        if called_off(far, no)? {
            return Ok(true);
        }
        sent.map(|()| false)
    }
}

/// Listens to the guest's runner while something is copied.
///
/// # Errors
/// It has gone, or has said something: it has nothing to say then but `no`.
fn listen(near: &mut Peer, no: &mut Option<Message>) -> io::Result<()> {
    let Some(heard) = near.hear()? else {
        return Ok(());
    };
    if let said @ Message::No { .. } = heard.said {
        *no = Some(said);
    }
    let words = "its runner says something while its memory is being copied";
    Err(io::Error::new(ErrorKind::InvalidData, words))
}

/// Whether the guest's runner has called it off, which the other host is told then.
fn called_off(far: &mut Far, no: Option<Message>) -> io::Result<bool> {
    match no {
        Some(no) => far.tell(&no).map(|()| true),
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handover::far::{PAGE, SUM};
    use crate::memory::Memory;
    use std::os::fd::OwnedFd;
    use std::os::unix::fs::FileExt as _;
    use std::thread::{self, JoinHandle};
    use vmlock_spec::lock::Range;

    const BYTES: u64 = 1 << 20;

    /// A guest's runner and the other host, which a courier has between them: what was copied in each round.
    fn between() -> (Peer, Far, JoinHandle<Vec<u64>>) {
        between_in(Duration::from_secs(60))
    }

    /// The same with that limit of rest.
    fn between_in(limit: Duration) -> (Peer, Far, JoinHandle<Vec<u64>>) {
        let (theirs, ours) = pair([0; TOKEN]).expect("sockets");
        let (one, other) = UnixStream::pair().expect("sockets");
        let far = |stream: UnixStream, side| {
            let file = File::from(OwnedFd::from(stream));
            let copy = file.try_clone().expect("a descriptor");
            let random = [side as u8; SUM];
            Far::meet((copy, file), usize::MAX, side, &Token::none(), random)
        };
        let carries = thread::spawn(move || {
            let gives = far(one, Side::Gives).expect("it is there");
            carry(ours, gives, limit)
        });
        let near = Peer::new(theirs, None).expect("a socket");
        (near, far(other, Side::Takes).expect("it is there"), carries)
    }

    fn offer(far: bool) -> Message {
        let (version, lock) = (2, "a lock".to_owned());
        Message::Offer { version, lock, far }
    }

    fn near(peer: &mut Peer) -> Message {
        loop {
            if let Some(heard) = peer.hear().expect("it is there") {
                return heard.said;
            }
            thread::yield_now();
        }
    }

    fn far(far: &mut Far) -> Frame {
        let until = Instant::now() + Duration::from_secs(30);
        far.next_until(until).expect("it comes")
    }

    #[test]
    fn it_carries_each_word_and_copies_the_memory_before_the_state() {
        let (mut gives, mut takes, carries) = between();
        // Whatever it says of itself, it is on another host.
        takes.tell(&offer(false)).expect("it listens");
        assert_eq!(near(&mut gives), offer(true));
        let accept = Message::Accept {
            version: 2,
            lock: "a lock".to_owned(),
            generation: None,
            devices: 0,
        };
        let range = Range {
            base: 0,
            size: BYTES,
        };
        let memory = Memory::to_share(range).expect("1 MiB is available");
        let shared = memory.right().expect("it is shared").to_give();
        let shared = shared.expect("a descriptor");
        memory.write(0, &[1; PAGE]).expect("it fits");
        gives.say(&accept, None).expect("room");
        gives.say(&Message::Memory {}, Some(&shared)).expect("room");
        assert_eq!(far(&mut takes), Frame::Words(accept));
        takes.tell(&Message::Ready {}).expect("it listens");
        let pages = |first, byte| Frame::Pages {
            first,
            bytes: vec![byte; PAGE],
        };
        assert_eq!(far(&mut takes), pages(0, 1));
        assert_eq!(near(&mut gives), Message::Ready {});
        memory.write(7 * PAGE as u64, &[2; PAGE]).expect("it fits");
        let state = Memory::unnamed("state", 0).expect("a file");
        state.write_all_at(&[3; 5], 0).expect("it takes that");
        state.set_len(100 << 20).expect("it is memory");
        let said = Message::State {
            identity: "one".to_owned(),
            turn: 4,
        };
        gives.say(&said, Some(&state)).expect("room");
        assert_eq!(far(&mut takes), pages(7, 2));
        let Frame::State { at: 0, bytes } = far(&mut takes) else {
            panic!("another piece");
        };
        assert!(bytes.starts_with(&[3; 5]) && bytes.len() <= 64 * PAGE);
        let (at, bytes) = (100 << 20, Vec::new());
        assert_eq!(far(&mut takes), Frame::State { at, bytes });
        assert_eq!(far(&mut takes), Frame::Words(said));
        takes.tell(&Message::Restored {}).expect("it listens");
        assert_eq!(near(&mut gives), Message::Restored {});
        gives.say(&Message::Commit {}, None).expect("room");
        assert_eq!(far(&mut takes), Frame::Words(Message::Commit {}));
        takes.tell(&Message::Runs {}).expect("it listens");
        assert_eq!(near(&mut gives), Message::Runs {});
        let rounds = carries.join().expect("nobody panics");
        assert_eq!(rounds, [PAGE as u64, PAGE as u64]);
    }

    #[test]
    fn what_either_says_the_other_one_hears_and_nobody_says_no_in_its_place() {
        let is_no = |said: &Message| matches!(said, Message::No { .. });
        let (mut gives, takes, carries) = between();
        drop(takes);
        assert!(is_no(&near(&mut gives)));
        let (gives, mut takes, carries_too) = between();
        drop(gives);
        // Nobody says there that it goes on here.
        let until = Instant::now() + Duration::from_secs(30);
        assert!(takes.next_until(until).is_err());
        let (mut gives, mut takes, carries_three) = between();
        takes.tell(&Message::no("not today")).expect("it listens");
        assert_eq!(near(&mut gives), Message::no("not today"));
        let (mut gives_too, mut takes_too, carries_four) = between();
        takes_too.tell(&offer(true)).expect("it listens");
        assert_eq!(near(&mut gives_too), offer(true));
        gives_too.say(&Message::no("nor here"), None).expect("room");
        let no = Frame::Words(Message::no("nor here"));
        assert_eq!(far(&mut takes_too), no);
        // Nobody gives memory who has to take it, and nobody is ready for a guest that was not given.
        let (mut gives_three, mut takes_three, carries_five) = between();
        takes_three
            .say(&Frame::State {
                at: 0,
                bytes: Vec::new(),
            })
            .expect("it listens");
        assert!(is_no(&near(&mut gives_three)));
        let (mut gives_five, mut takes_five, carries_seven) = between();
        takes_five.tell(&Message::Copies {}).expect("it listens");
        assert!(is_no(&near(&mut gives_five)));
        let (mut gives_four, mut takes_four, carries_six) = between();
        takes_four.tell(&Message::Ready {}).expect("it listens");
        assert!(is_no(&near(&mut gives_four)));
        for carries in [
            carries,
            carries_too,
            carries_three,
            carries_four,
            carries_five,
            carries_six,
            carries_seven,
        ] {
            assert!(carries.join().expect("nobody panics").is_empty());
        }
    }

    /// The other host asks for the guest in the moment in which its runner goes on.
    #[test]
    fn a_no_that_nobody_has_read_yet_is_carried_though_its_runner_has_gone() {
        let (theirs, near) = pair([0; TOKEN]).expect("sockets");
        let (one, other) = UnixStream::pair().expect("sockets");
        let far = |stream: UnixStream, side| {
            let file = File::from(OwnedFd::from(stream));
            let copy = file.try_clone().expect("a descriptor");
            let random = [side as u8; SUM];
            Far::meet((copy, file), usize::MAX, side, &Token::none(), random)
        };
        let takes = thread::spawn(move || far(one, Side::Takes).expect("it is there"));
        let mut courier = Courier {
            near,
            far: far(other, Side::Gives).expect("it is there"),
            copy: None,
            limit: Duration::ZERO,
        };
        let mut takes = takes.join().expect("nobody panics");
        let mut gives = Peer::new(theirs, None).expect("a socket");
        takes.tell(&offer(true)).expect("it listens");
        assert!(!courier.hear_far().expect("both are there"));
        assert_eq!(super::tests::near(&mut gives), offer(true));
        takes.tell(&Message::Restored {}).expect("it listens");
        let no = Message::no("it took too long");
        gives.say(&no, None).expect("room");
        drop(gives);
        assert!(courier.hear_far().is_err());
        courier.last();
        assert_eq!(super::tests::far(&mut takes), Frame::Words(no));
    }

    #[test]
    fn a_guest_that_would_rest_for_too_long_is_not_brought_to_rest() {
        let (mut gives, mut takes, carries) = between_in(Duration::ZERO);
        takes.tell(&offer(true)).expect("it listens");
        assert_eq!(near(&mut gives), offer(true));
        let range = Range {
            base: 0,
            size: BYTES,
        };
        let memory = Memory::to_share(range).expect("1 MiB is available");
        let shared = memory.right().expect("it is shared").to_give();
        let shared = shared.expect("a descriptor");
        gives.say(&Message::Memory {}, Some(&shared)).expect("room");
        takes.tell(&Message::Ready {}).expect("it listens");
        // Neither end hears that the other one is ready.
        let Message::No { why } = near(&mut gives) else {
            panic!("it is ready");
        };
        assert!(why.contains("--rest-limit"), "{why}");
        assert_eq!(far(&mut takes), Frame::Words(Message::no(&why)));
        carries.join().expect("nobody panics");
    }

    /// The guest goes on from that word on, and what is read of its memory is of no moment any more.
    #[test]
    fn once_its_runner_says_no_neither_memory_nor_state_goes_over() {
        for ends in [false, true] {
            let (mut gives, mut takes, carries) = between();
            takes.tell(&offer(true)).expect("it listens");
            assert_eq!(near(&mut gives), offer(true));
            let range = Range {
                base: 0,
                size: BYTES,
            };
            let memory = Memory::to_share(range).expect("1 MiB is available");
            let shared = memory.right().expect("it is shared").to_give();
            let shared = shared.expect("a descriptor");
            gives.say(&Message::Memory {}, Some(&shared)).expect("room");
            takes.tell(&Message::Ready {}).expect("it listens");
            assert_eq!(near(&mut gives), Message::Ready {});
            // More than the socket takes: the last round waits until somebody reads what it sends, below.
            for at in (0..BYTES).step_by(PAGE) {
                memory.write(at, &[2; PAGE]).expect("it fits");
            }
            let state = Memory::unnamed("state", 1 << 20).expect("a file");
            state.write_all_at(&[3; 5], 0).expect("it takes that");
            let said = Message::State {
                identity: "one".to_owned(),
                turn: 4,
            };
            let no = Message::no("it took too long");
            let word = Frame::Words(no.clone());
            // It lies there before the last round can end.
            let both = thread::spawn(move || {
                gives.say(&said, Some(&state)).expect("room");
                match ends {
                    true => drop(gives),
                    false => gives.say(&no, None).expect("room"),
                }
            });
            both.join().expect("nobody panics");
            let until = Instant::now() + Duration::from_secs(30);
            loop {
                match takes.next_until(until) {
                    // What was read before that word.
                    Ok(Frame::Pages { .. } | Frame::State { .. }) => {}
                    Ok(frame) => {
                        assert!(!ends && frame == word, "{frame:?}");
                        break;
                    }
                    Err(error) => {
                        assert!(ends, "{error}");
                        break;
                    }
                }
            }
            assert!(takes.next_until(until).is_err());
            carries.join().expect("nobody panics");
        }
    }
}
