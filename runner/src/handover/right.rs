//! Who may run a guest whose memory two processes have: whoever holds a lock on that memory's file (fcntl(2),
//! F_OFD_SETLK). The kernel gives it to one open file description at a time, and takes it back from a process that dies.
//! So the taking end opens the file anew, and the giving end sends no description that it holds the lock by.
//!
//! The lock says who runs it now, and not whose state of it is the last. So behind the guest's memory, where no guest sees it, that file has the
//! number of the turn: whoever lets the guest run counts it up, with the lock held. An end that rests with a state remembers its
//! number, and never goes on with it once that has passed: the guest has run elsewhere since, though nobody may be there any more.

use crate::files::lock;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::statfs::{TMPFS_MAGIC, fstatfs};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex, MutexGuard};

/// Bytes behind the guest's memory, of which the first eight are the turn's number: the largest page that a host of arm64 has.
pub const BEHIND: u64 = 64 << 10;

/// That a file keeps its length, and these seals.
const SEALS: SealFlag = SealFlag::F_SEAL_GROW
    .union(SealFlag::F_SEAL_SHRINK)
    .union(SealFlag::F_SEAL_SEAL);

/// Where the number of the turn is. Another process may change it.
pub trait Page: Send + Sync {
    /// What it is now; where it cannot be had, one that nobody has.
    fn load(&self) -> u64;

    /// Changes it.
    fn store(&self, number: u64);
}

/// The right to run a guest.
pub struct Right {
    file: Arc<File>,
    page: Box<dyn Page>,
    seat: Mutex<Seat>,
}

/// What a process knows of it.
struct Seat {
    /// The turn that the state here is of.
    turn: u64,
    /// The lock is held here.
    ours: bool,
    /// The machine here has come to its end.
    over: bool,
}

/// What came of taking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The guest may run here.
    Ours,
    /// Somebody else may run it.
    Held,
    /// It has gone on elsewhere since, and what is here is old.
    Over,
}

impl Right {
    /// The right to run a guest that begins here, in the memory of that file; behind it is that page.
    ///
    /// # Errors
    /// The host's, or somebody else has the file.
    pub fn first(file: Arc<File>, page: Box<dyn Page>) -> io::Result<Self> {
        lock(&file, libc::F_WRLCK)?;
        let turn = page.load();
        Ok(Self::new(file, page, turn, true))
    }

    /// The same of a guest that another process still runs.
    pub fn to_come(file: Arc<File>, page: Box<dyn Page>) -> Self {
        // No turn has that number, until its state has come.
        Self::new(file, page, u64::MAX, false)
    }

    fn new(file: Arc<File>, page: Box<dyn Page>, turn: u64, ours: bool) -> Self {
        let seat = Seat {
            turn,
            ours,
            over: false,
        };
        Self {
            file,
            page,
            seat: Mutex::new(seat),
        }
    }

    /// A panic ends the process, so poison says nothing.
    fn seat(&self) -> MutexGuard<'_, Seat> {
        self.seat.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether it is held here.
    pub fn is_ours(&self) -> bool {
        self.seat().ours
    }

    /// The turn that the guest's state here is of.
    pub fn turn(&self) -> u64 {
        self.seat().turn
    }

    /// A state of that turn has come.
    pub fn came(&self, turn: u64) {
        self.seat().turn = turn;
    }

    /// Takes the right, for the state that is here.
    ///
    /// # Errors
    /// The host's.
    pub fn take(&self) -> io::Result<Taken> {
        let mut seat = self.seat();
        match lock(&self.file, libc::F_WRLCK) {
            Ok(()) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => return Ok(Taken::Held),
            Err(errno) => return Err(errno.into()),
        }
        seat.ours = true;
        if self.count(&mut seat) {
            return Ok(Taken::Ours);
        }
        seat.ours = false;
        lock(&self.file, libc::F_UNLCK)?;
        Ok(Taken::Over)
    }

    /// Goes on here with a state that somebody else was given; whether it may: no end goes on with that any more.
    pub fn go_on(&self) -> bool {
        let mut seat = self.seat();
        seat.ours && self.count(&mut seat)
    }

    /// Begins a turn, with the lock held, if none has begun since the one that is known here.
    fn count(&self, seat: &mut Seat) -> bool {
        if seat.over || self.page.load() != seat.turn {
            return false;
        }
        seat.turn = seat.turn.wrapping_add(1);
        self.page.store(seat.turn);
        true
    }

    /// Lets go of it.
    ///
    /// # Errors
    /// The machine has come to its end, or the host's.
    pub fn leave(&self) -> io::Result<()> {
        let mut seat = self.seat();
        if seat.over {
            return Err(io::Error::other("its machine has come to its end"));
        }
        lock(&self.file, libc::F_UNLCK)?;
        seat.ours = false;
        Ok(())
    }

    /// The machine has come to its end: where it was the guest's, nobody goes on with an earlier state.
    pub fn end(&self) {
        let mut seat = self.seat();
        if seat.ours {
            self.count(&mut seat);
        }
        seat.over = true;
    }

    /// The guest's memory by a description that nobody has a lock by, for another process.
    ///
    /// # Errors
    /// The host's.
    pub fn to_give(&self) -> io::Result<File> {
        again(&self.file)
    }
}

/// Opens what is open there once more.
fn again(file: &File) -> io::Result<File> {
    let found = file.metadata()?;
    let path = format!("/proc/self/fd/{}", file.as_raw_fd());
    let anew = OpenOptions::new().read(true).write(true).open(path)?;
    let same = anew.metadata()?;
    match (same.dev(), same.ino()) == (found.dev(), found.ino()) {
        true => Ok(anew),
        false => Err(io::Error::other("/proc/self/fd has another file")),
    }
}

/// Has that file never have another length.
///
/// # Errors
/// The host's.
pub fn seal(memory: &File) -> io::Result<()> {
    fcntl(memory, FcntlArg::F_ADD_SEALS(SEALS)).map_err(io::Error::from)?;
    Ok(())
}

/// Has nobody write a file from now on, which is memory and mapped by nobody.
///
/// # Errors
/// It is no such file, or somebody could still write it.
pub fn freeze(file: &File) -> io::Result<()> {
    let all = SEALS | SealFlag::F_SEAL_WRITE;
    fcntl(file, FcntlArg::F_ADD_SEALS(all))?;
    let seals = fcntl(file, FcntlArg::F_GET_SEALS)?;
    match SealFlag::from_bits_truncate(seals).contains(all) {
        true => Ok(()),
        false => Err(io::Error::other("its seals are not what they were set to")),
    }
}

/// The guest's memory that came from the other end, by a description of our own.
///
/// # Errors
/// It is no sealed memory of that length, in words.
pub fn anew(came: File, bytes: u64) -> Result<File, String> {
    let words = |e: io::Error| format!("it cannot be opened anew: {e}");
    let seals = fcntl(&came, FcntlArg::F_GET_SEALS);
    let seals = seals.map_err(|_| "it is no memory that can be sealed".to_owned())?;
    if !SealFlag::from_bits_truncate(seals).contains(SEALS) {
        return Err("its length can still change".to_owned());
    }
    let found = came.metadata().map_err(words)?;
    if Some(found.len()) != bytes.checked_add(BEHIND) {
        return Err(format!(
            "it has {} bytes, and the lock {bytes} beside {BEHIND}",
            found.len()
        ));
    }
    let kind = fstatfs(&came)
        .map_err(|e| words(e.into()))?
        .filesystem_type();
    if kind != TMPFS_MAGIC {
        return Err("it is no memory of the usual pages".to_owned());
    }
    again(&came).map_err(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::Memory;
    use vmlock_spec::lock::Range;

    /// A guest's memory, and the same at another end with the right to come.
    fn ends() -> (Memory, Memory) {
        let range = Range {
            base: 0,
            size: 1 << 21,
        };
        let one = Memory::to_share(range).expect("2 MiB are available");
        let file = one.right().expect("it is shared").to_give();
        let came = anew(file.expect("a descriptor"), 1 << 21).expect("it is sealed");
        (one, Memory::given(range, came).expect("it is there"))
    }

    #[test]
    fn one_has_the_right_until_it_lets_go_or_is_gone() {
        let (one, other) = ends();
        let (gives, takes) = (one.right().expect("it"), other.right().expect("it"));
        takes.came(gives.turn());
        assert_eq!(takes.take().expect("a file"), Taken::Held);
        gives.leave().expect("a file");
        assert!(!gives.go_on());
        assert_eq!(takes.take().expect("a file"), Taken::Ours);
        assert_eq!(gives.take().expect("a file"), Taken::Held);
        // What it left is old, whether anybody is there or not.
        drop(other);
        assert_eq!(gives.take().expect("a file"), Taken::Over);
        assert_eq!(gives.take().expect("a file"), Taken::Over);
    }

    #[test]
    fn nobody_goes_on_with_a_state_that_somebody_went_on_with() {
        // Where the giving end goes on, is named, or ends, that which was given is old; who dies leaves it as it is.
        for (way, is_old) in [
            ("goes on", true),
            ("claims", true),
            ("ends", true),
            ("dies", false),
        ] {
            let (one, other) = ends();
            let (gives, takes) = (one.right().expect("it"), other.right().expect("it"));
            takes.came(gives.turn());
            match way {
                "goes on" => assert!(gives.go_on()),
                "claims" => {
                    gives.leave().expect("a file");
                    assert_eq!(gives.take().expect("a file"), Taken::Ours);
                }
                "ends" => {
                    gives.end();
                    assert!(gives.leave().is_err() && !gives.go_on());
                }
                _ => {}
            }
            assert_eq!(takes.take().expect("a file"), Taken::Held, "{way}");
            drop(one);
            let wanted = if is_old { Taken::Over } else { Taken::Ours };
            assert_eq!(takes.take().expect("a file"), wanted, "{way}");
        }
        // One that comes has no state yet.
        let (one, other) = ends();
        drop(one);
        let right = other.right().expect("it");
        assert_eq!(right.take().expect("a file"), Taken::Over);
        // That of an end without the right changes nothing.
        right.end();
        assert!(!right.go_on());
    }

    #[test]
    fn what_is_no_sealed_memory_of_that_length_is_refused() {
        let bytes = 1 << 21;
        let memory = || Memory::unnamed("a test", bytes + BEHIND).expect("a file");
        let why = |file| anew(file, bytes).expect_err("it is refused");
        assert!(why(memory()).contains("length can still change"));
        let null = File::open("/dev/null").expect("every system has it");
        assert!(why(null).contains("no memory that can be sealed"));
        let sealed = memory();
        seal(&sealed).expect("it can be sealed");
        assert!(
            anew(sealed, bytes / 2)
                .expect_err("another length")
                .contains("bytes")
        );
        let read = memory();
        freeze(&read).expect("nobody has it mapped");
        assert!(freeze(&File::open("/dev/null").expect("it")).is_err());
    }
}
