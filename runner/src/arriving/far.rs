//! A guest that comes from another host: `vmlock-run receive tcp:ADDRESS:PORT`, or `receive -` at the end of a pipe. Whoever
//! gives it has to have the token. All that he says is bounded before anything is kept of it.

use super::door::Door;
use super::{ANSWER, AT_REST, Arriving, Giver, Wanted, failed, said};
use crate::failure::Failure;
use crate::firmware::entropy;
use crate::handover::far::{Far, Frame, PAGE, Place, SILENCE, Side, Token};
use crate::handover::wire::Heard;
use crate::memory::{Memory, page};
use crate::say;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::time::{Duration, Instant};
use vmlock_spec::lock::{Lock, Range};

/// As often all of a guest's memory may come: more rounds than any giving end makes.
const TIMES: u64 = 12;
/// Bytes that may come beside that, so that a small guest has room as well.
const BESIDE: u64 = 64 << 20;
/// The most bytes of a guest's state.
const STATE: u64 = 64 << 20;
/// The most pieces of it that do not begin where the one before ended: it has a hole or two, where the guest's memory would be. A host with
/// huge pages in shared memory takes one of them for each.
const HOLES: u32 = 64;
/// The fewest bytes of memory in a second, over all of a copy: who is slower holds a machine for nothing.
const SLOWEST: u64 = 1 << 20;
/// So much longer it may take, and a second for so many bytes of the guest's memory: it is read there in each round, though little of
/// it may come.
const LONGER: Duration = Duration::from_secs(600);
const READ: u64 = 16 << 20;

/// The address at which somebody may come: this host's own, unless somebody asked for others.
///
/// # Errors
/// It is none, or another host could come.
pub fn address(given: &str, insecure: bool) -> Result<SocketAddr, Failure> {
    let usage = |words: String, help: &str| Failure::usage(words, &[help]);
    let address: SocketAddr = given.parse().map_err(|_| {
        usage(
            format!("`tcp:{given}` is no address with a port"),
            "for example `tcp:127.0.0.1:7900`; with port 0, Linux chooses one",
        )
    })?;
    match address.ip().to_canonical().is_loopback() || insecure {
        true => Ok(address),
        false => Err(usage(
            format!("at `tcp:{given}` other hosts can come, and what goes over is not encrypted"),
            "go by ssh (`receive -`, or a port that it forwards to `tcp:127.0.0.1:…`); `--insecure-listen` listens there all the same",
        )),
    }
}

/// What is asked for by `receive`.
pub struct Asked<'a> {
    /// Where.
    pub place: Place<'a>,
    /// Where the token is to be written, of TCP; of pipes, where it is.
    pub token: Option<&'a Path>,
    /// Others than this host may come.
    pub insecure: bool,
}

impl Arriving {
    /// Waits for a guest of the lock with that text from another host.
    ///
    /// # Errors
    /// Nothing comes that would be such a guest.
    pub fn meet_far(asked: &Asked<'_>, text: &str, lock: &Lock) -> Result<Self, Failure> {
        let wanted = Wanted::of(lock);
        let (far, name) = match asked.place {
            Place::Pipes => {
                let token = asked.token.map_or_else(|| Ok(Token::none()), Token::read)?;
                let far = Far::pipes(Side::Takes, &token, entropy::bytes("a hand-over")?);
                let far = far.map_err(|e| failed(Path::new("-"), &said(&e)))?;
                (far, "-".to_owned())
            }
            Place::Tcp(given) => {
                let address = address(given, asked.insecure)?;
                let path = asked.token.ok_or_else(|| {
                    let help = ["`--token-file FILE`: `receive` writes it, and `migrate` reads it"];
                    Failure::usage("where is the token to be written?", &help)
                })?;
                listen(address, path)?
            }
        };
        Self::begin(Giver::Far(Box::new(far)), Path::new(&name), text, &wanted)
    }

    /// The guest's memory is copied into that one, and then its state comes.
    pub(super) fn copied(&mut self, memory: &Memory) -> Result<Heard, Failure> {
        let reads = Duration::from_secs(memory.range().size / READ);
        self.copied_by(memory, Instant::now() + LONGER + reads)
    }

    /// The same by then, and longer by as much as comes.
    fn copied_by(&mut self, memory: &Memory, by: Instant) -> Result<Heard, Failure> {
        let range = memory.range();
        let page = page();
        let all = range.size.saturating_mul(TIMES).saturating_add(BESIDE);
        let mut room = all;
        // Of memory that is not in it, a state's file has room and nothing else.
        let (mut parts, longest) = (STATE, range.size.saturating_add(STATE));
        let (mut state, mut length) = (None, 0);
        let (mut holes, mut follows) = (0, 0);
        loop {
            let end = by + Duration::from_secs((all - room) / SLOWEST);
            // Bytes that are there already are not waited for, and so would never be late.
            if Instant::now() > end {
                return Err(self.no("it takes too long over the guest's memory"));
            }
            let Giver::Far(far) = &mut self.peer else {
                return Err(self.no("its memory was given already"));
            };
            // Between memory and state it comes to rest there.
            let until = end.min(Instant::now() + AT_REST.max(SILENCE).max(ANSWER));
            let frame = match far.next_until(until) {
                Ok(frame) => frame,
                Err(error) => return Err(self.no(&said(&error))),
            };
            match frame {
                Frame::Words(said) => {
                    return Ok(Heard {
                        said,
                        file: state.take(),
                    });
                }
                Frame::Pages { first, bytes } => {
                    let Some(left) = room.checked_sub(bytes.len() as u64) else {
                        return Err(self.no("more memory comes than a guest can write"));
                    };
                    room = left;
                    let Some(address) = place(range, first, bytes.len()) else {
                        return Err(self.no("memory comes that its lock has not"));
                    };
                    let written = memory.write(address, &bytes);
                    written.map_err(|why| self.no(&why))?;
                }
                Frame::State { at, bytes } => {
                    let count = bytes.len() as u64;
                    let end = at.checked_add(count).filter(|end| *end <= longest);
                    let left = end.and_then(|end| parts.checked_sub(kept(page, at, end)));
                    let (Some(left), Some(end)) = (left, end) else {
                        return Err(self.no("its state is larger than any"));
                    };
                    if bytes.is_empty() && end <= length {
                        return Err(self.no("a piece of its state has nothing in it"));
                    }
                    holes += u32::from(at != follows);
                    if holes > HOLES {
                        return Err(self.no("its state is in too many pieces"));
                    }
                    (parts, follows) = (left, end);
                    length = length.max(end);
                    let file = match state.take() {
                        Some(file) => Ok(file),
                        None => Memory::unnamed("state", 0),
                    };
                    let kept = file.and_then(|file: File| {
                        file.set_len(length)?;
                        file.write_all_at(&bytes, at)?;
                        Ok(file)
                    });
                    state = match kept {
                        Ok(file) => Some(file),
                        Err(e) => return Err(self.no(&format!("its state cannot be kept: {e}"))),
                    };
                }
                Frame::Here => return Err(self.no("it says twice who it is")),
            }
        }
    }
}

/// What a piece of a state that is there takes: all pages that it touches, and one where it touches none, so that
/// nobody sends pieces for ever.
fn kept(page: u64, at: u64, end: u64) -> u64 {
    let pages = end.div_ceil(page) - at / page;
    pages.max(1).saturating_mul(page)
}

/// Where pages begin; `None` where they are not all within the memory.
fn place(range: Range, first: u64, bytes: usize) -> Option<u64> {
    let offset = first.checked_mul(PAGE as u64)?;
    let end = offset.checked_add(bytes as u64)?;
    (end <= range.size).then(|| range.base + offset)
}

/// Listens there, until somebody comes who has the token; and its name.
fn listen(address: SocketAddr, path: &Path) -> Result<(Far, String), Failure> {
    let listened = TcpListener::bind(address).and_then(|it| Ok((it.local_addr()?, it)));
    let (address, listener) = listened.map_err(|e| {
        let words = format!("nobody can listen at `tcp:{address}`: {e}");
        Failure::environment(words, &["choose another port; 0 has Linux choose one"])
    })?;
    let name = format!("tcp:{address}");
    let token = Token::of(entropy::bytes("a hand-over")?);
    token.keep(path)?;
    say::note(format_args!(
        "waits for a guest at `{name}`, from whoever has the token in `{}`",
        path.display()
    ));
    let mut tell = |words: &str| say::note(format_args!("{words}"));
    let cannot = |e: std::io::Error| failed(Path::new(&name), &e.to_string());
    let door = Door::new(&listener, &token, &mut tell).map_err(cannot);
    let met = door.and_then(|door| door.first(|| entropy::bytes("a hand-over"), cannot));
    // It is of one use.
    let _ = fs::remove_file(path);
    Ok((met?, name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arriving::Taking;
    use crate::handover::far::SUM;
    use crate::handover::hands::Handed;
    use crate::handover::protocol::{Deed, Fate, Message};
    use std::os::unix::net::UnixStream;
    use std::path::PathBuf;
    use std::thread;

    #[test]
    fn others_than_this_host_are_listened_to_only_where_somebody_asks_for_it() {
        for good in [
            "127.0.0.1:7900",
            "[::1]:0",
            "127.8.8.8:1",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(address(good, false).is_ok(), "{good}");
        }
        for open in [
            "0.0.0.0:1",
            "[::]:1",
            "192.0.2.1:7900",
            "[::ffff:192.0.2.1]:1",
        ] {
            assert!(address(open, false).is_err(), "{open}");
            assert!(address(open, true).is_ok(), "{open}");
        }
        for wrong in ["", "7900", "localhost:1", "127.0.0.1", "127.0.0.1:65536"] {
            assert!(address(wrong, true).is_err(), "{wrong}");
        }
    }

    #[test]
    fn pages_are_within_the_memory_or_nowhere() {
        let range = Range {
            base: 1 << 30,
            size: 1 << 20,
        };
        assert_eq!(place(range, 0, PAGE), Some(1 << 30));
        assert_eq!(place(range, 255, PAGE), Some((1 << 30) + 255 * PAGE as u64));
        assert_eq!(place(range, 255, 2 * PAGE), None);
        assert_eq!(place(range, 256, PAGE), None);
        assert_eq!(place(range, u64::MAX, PAGE), None);
        assert_eq!(place(range, u64::MAX / PAGE as u64, PAGE), None);
    }

    const BYTES: u64 = 1 << 21;

    /// That end of a connection, once it has met the other one.
    fn met(stream: UnixStream, side: Side) -> Far {
        let file = File::from(std::os::fd::OwnedFd::from(stream));
        let copy = file.try_clone().expect("a descriptor");
        let (token, random) = (Token::none(), [side as u8; SUM]);
        let met = Far::meet((copy, file), usize::MAX, side, &token, random);
        met.expect("it is there")
    }

    /// A guest that comes from there, as far as that.
    fn arriving(far: Far, at: Taking) -> Arriving {
        Arriving {
            peer: Giver::Far(Box::new(far)),
            at,
            socket: PathBuf::from("tcp"),
            memory: None,
            devices: Handed::new(),
            generation: None,
            turn: 0,
        }
    }

    /// What comes of such frames, and the memory.
    fn copied(frames: impl Fn(&mut Far) + Send + 'static) -> (Result<Heard, String>, Memory) {
        copied_in(Duration::from_secs(60), frames)
    }

    /// The same, in that time.
    fn copied_in(
        time: Duration,
        frames: impl Fn(&mut Far) + Send + 'static,
    ) -> (Result<Heard, String>, Memory) {
        let (one, other) = UnixStream::pair().expect("sockets");
        let gives = thread::spawn(move || frames(&mut met(other, Side::Gives)));
        let range = Range {
            base: 1 << 30,
            size: BYTES,
        };
        let memory = Memory::to_come(range).expect("2 MiB are available");
        let mut arriving = arriving(met(one, Side::Takes), Taking::Ready);
        let heard = arriving.copied_by(&memory, Instant::now() + time);
        let heard = heard.map_err(|failure| match failure {
            Failure::Environment(trouble) => trouble.message,
            other => format!("{other:?}"),
        });
        drop(arriving);
        gives.join().expect("nobody panics");
        (heard, memory)
    }

    fn pages(first: u64, count: usize) -> Frame {
        let bytes = vec![7; count * PAGE];
        Frame::Pages { first, bytes }
    }

    fn state(at: u64, count: usize) -> Frame {
        let bytes = vec![1; count];
        Frame::State { at, bytes }
    }

    #[test]
    fn memory_and_state_come_in_order_and_what_is_too_much_is_refused() {
        let (heard, memory) = copied(|far| {
            for frame in [pages(1, 2), state(0, 9), state(BYTES, 1), state(20, 1)] {
                far.say(&frame).expect("it listens");
            }
            far.tell(&Message::Ready {}).expect("it listens");
        });
        let heard = heard.expect("it is all there");
        assert_eq!(heard.said, Message::Ready {});
        let length = heard.file.expect("it").metadata().expect("it").len();
        assert_eq!(length, BYTES + 1);
        let page = |at: u64| memory.read((1 << 30) + at, PAGE).expect("it is there");
        assert!(page(0).iter().all(|byte| *byte == 0));
        assert!(page(4096).iter().chain(&page(8192)).all(|byte| *byte == 7));
        for (words, frame) in [
            ("its lock has not", pages(BYTES / PAGE as u64, 1)),
            ("its lock has not", pages(BYTES / PAGE as u64 - 1, 2)),
            ("twice", Frame::Here),
            ("larger than any", state(BYTES + STATE, 1)),
            ("larger than any", state(u64::MAX, 1)),
        ] {
            let (heard, _) = copied(move |far| drop(far.say(&frame)));
            let why = heard.err().expect("it is refused");
            assert!(why.contains(words), "{why}");
        }
        // Again and again the same.
        let (heard, _) = copied(|far| while far.say(&pages(0, 64)).is_ok() {});
        let why = heard.err().expect("it is refused");
        assert!(why.contains("more memory"), "{why}");
        let (heard, _) = copied(|far| {
            let mut at = (0..).step_by(1 << 18);
            while far.say(&state(at.next().unwrap_or(0), 1 << 18)).is_ok() {}
        });
        let why = heard.err().expect("it is refused");
        assert!(why.contains("larger than any"), "{why}");
        let (heard, _) = copied(|_| {});
        let why = heard.err().expect("it has gone");
        assert!(why.contains("has gone"), "{why}");
    }

    #[test]
    fn pieces_of_a_state_are_counted_by_the_pages_that_they_take() {
        assert_eq!(kept(4096, 0, 1), 4096);
        assert_eq!(kept(4096, 4095, 4097), 8192);
        assert_eq!(kept(4096, 4096, 8192), 4096);
        assert_eq!(kept(4096, 8192, 8192), 4096);
        assert_eq!(kept(4096, 0, u64::MAX), u64::MAX);
        // Byte by byte: the last of these is one page too many.
        let most = STATE / page();
        for (count, good) in [(most, true), (most + 1, false)] {
            let (heard, _) = copied(move |far| {
                for at in 0..count {
                    let _ = far.say(&state(at, 1));
                }
                let _ = far.tell(&Message::Ready {});
            });
            match heard {
                Ok(_) => assert!(good),
                Err(why) => assert!(!good && why.contains("larger than any"), "{why}"),
            }
        }
        // From one end of its file to the other, of which each takes a page, which may be a huge one; and empty ones, each of which
        // lengthens it by a byte.
        for bytes in [0, 1] {
            for (count, good) in [(HOLES, true), (HOLES + 1, false)] {
                let (heard, _) = copied(move |far| {
                    for number in 1..=u64::from(count) {
                        let _ = far.say(&state(2 * number, bytes));
                    }
                    let _ = far.tell(&Message::Ready {});
                });
                match heard {
                    Ok(_) => assert!(good),
                    Err(why) => assert!(!good && why.contains("too many pieces"), "{why}"),
                }
            }
        }
        for empty in [0, 9] {
            let (heard, _) = copied(move |far| {
                let _ = far.say(&state(0, 9));
                let _ = far.say(&state(empty, 0));
                let _ = far.tell(&Message::Ready {});
            });
            let why = heard.err().expect("it is refused");
            assert!(why.contains("nothing in it"), "{why}");
        }
    }

    /// What follows from that word of the giving end, if it has to come by then.
    fn answered(said: Message, time: Duration) -> Deed {
        let (one, other) = UnixStream::pair().expect("sockets");
        let gives = thread::spawn(move || {
            let mut far = met(other, Side::Gives);
            far.tell(&said).expect("it listens");
            far
        });
        let mut arriving = arriving(met(one, Side::Takes), Taking::Asks);
        let _far = gives.join().expect("nobody panics");
        arriving.answered_by(Instant::now() + time).0
    }

    /// A runner that was frozen hears what was said to it an hour ago: it may have been given up since.
    #[test]
    fn a_guest_that_was_given_is_not_taken_too_late() {
        let (late, soon) = (Duration::ZERO, Duration::from_secs(30));
        assert_eq!(answered(Message::Commit {}, soon), Deed::Take);
        let doubt = Deed::End(Fate::Unknown);
        assert_eq!(answered(Message::Commit {}, late), doubt);
        // That it goes on there is so, whenever it was said.
        for time in [late, soon] {
            let never = Deed::End(Fate::Never);
            assert_eq!(answered(Message::no("not today"), time), never);
        }
    }

    #[test]
    fn what_is_there_already_is_too_late_as_well() {
        let (heard, _) = copied_in(Duration::ZERO, |far| {
            for frame in [pages(0, 1), state(0, 9)] {
                let _ = far.say(&frame);
            }
            let _ = far.tell(&Message::Ready {});
        });
        let why = heard.err().expect("it is refused");
        assert!(why.contains("takes too long"), "{why}");
        // Who sends something has longer.
        let (heard, _) = copied_in(Duration::from_secs(1), |far| {
            for _ in 0..160 {
                let _ = far.say(&pages(0, 64));
                std::thread::sleep(Duration::from_millis(10));
            }
            let _ = far.tell(&Message::Ready {});
        });
        assert!(heard.is_ok());
    }
}
