//! Copies a guest's memory to an end on another host, while the guest runs and once it rests: round by round what is not there
//! yet as it is here.
//!
//! What is there is known by a sum of each page that was sent. So nobody has to say what was written, and nobody can forget to:
//! not KVM, not a device's thread, not the host's kernel. What that costs is that all memory which the guest has touched is read in each round,
//! the last one included, in which it rests.

use super::far::{Far, Frame, PAGE, PAGES};
use nix::errno::Errno;
use nix::unistd::{Whence, lseek};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

/// The most rounds while it runs: what it writes faster than it is copied goes over once it rests.
const ROUNDS: usize = 8;
/// So few bytes go over once it rests.
const FEW: u64 = 1 << 20;

/// The sum of a page, or of none: that is empty, as all memory is at first.
type Sum = [u8; 16];
const EMPTY: Sum = [0; 16];

/// Memory that is being copied.
pub struct Copy {
    memory: File,
    /// Of each page, what the other end has there.
    there: Vec<Sum>,
    /// Bytes of each round.
    rounds: Vec<u64>,
    /// How long the latest one took.
    took: Duration,
}

/// Pages that follow each other, and go over at once.
struct Run {
    first: u64,
    bytes: Vec<u8>,
}

impl Run {
    fn go(&mut self, far: &mut Far) -> io::Result<u64> {
        let bytes = std::mem::take(&mut self.bytes);
        let count = bytes.len() as u64;
        if count > 0 {
            let first = self.first;
            far.say(&Frame::Pages { first, bytes })?;
        }
        Ok(count)
    }
}

fn sum(page: &[u8]) -> Sum {
    if page.iter().all(|byte| *byte == 0) {
        return EMPTY;
    }
    let mut sum = EMPTY;
    sum.copy_from_slice(&Sha256::digest(page)[..EMPTY.len()]);
    sum
}

impl Copy {
    /// That of so many bytes at the beginning of that file, of which nothing was sent.
    pub fn new(memory: File, bytes: u64) -> Self {
        Self {
            memory,
            there: vec![EMPTY; (bytes / PAGE as u64) as usize],
            rounds: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// Bytes of each round so far.
    pub fn rounds(&self) -> &[u64] {
        &self.rounds
    }

    /// How long the next round will take, as far as can be known: as long as the latest one, since all memory is read again, and what
    /// was written during that one is about what was during the one before.
    pub fn next(&self) -> Duration {
        self.took
    }

    /// Whether another round would leave less to be sent once the guest rests.
    pub fn goes_on(&self) -> bool {
        let shrinks = match *self.rounds {
            [.., before, last] => last < before / 4 * 3,
            _ => true,
        };
        let few = self.rounds.last().is_some_and(|last| *last <= FEW);
        self.rounds.len() < ROUNDS && shrinks && !few
    }

    /// Sends what is not there yet. Before each piece that is read, `looks` may call it off.
    ///
    /// # Errors
    /// The other end has gone, or `looks`'s.
    pub fn round(
        &mut self,
        far: &mut Far,
        mut looks: impl FnMut() -> io::Result<()>,
    ) -> io::Result<()> {
        let (mut sent, began) = (0, Instant::now());
        let mut run = Run {
            first: 0,
            bytes: Vec::new(),
        };
        let mut piece = vec![0; PAGES * PAGE];
        let (mut at, all) = (0, self.there.len());
        let mut touched: Range<usize> = 0..0;
        while at < all {
            looks()?;
            let count = PAGES.min(all - at);
            if touched.end <= at {
                touched = self.touched(at)?;
            }
            let piece = &mut piece[..count * PAGE];
            match touched.start < at + count {
                true => self.memory.read_exact_at(piece, (at * PAGE) as u64)?,
                // Nobody has written anything there.
                false => piece.fill(0),
            }
            let pages = piece.chunks_exact(PAGE);
            for (page, there) in pages.zip(&mut self.there[at..at + count]) {
                let sum = sum(page);
                if sum != *there {
                    // What is sent is what the sum is of, whatever its guest does meanwhile.
                    *there = sum;
                    if run.bytes.is_empty() {
                        run.first = at as u64;
                    }
                    run.bytes.extend(page);
                } else {
                    sent += run.go(far)?;
                }
                at += 1;
                if run.bytes.len() == PAGES * PAGE {
                    sent += run.go(far)?;
                }
            }
        }
        sent += run.go(far)?;
        self.rounds.push(sent);
        self.took = began.elapsed();
        Ok(())
    }

    /// The next pages at or behind that one which anybody has touched.
    fn touched(&self, at: usize) -> io::Result<Range<usize>> {
        let all = self.there.len();
        let written = written(&self.memory, (at * PAGE) as u64)?;
        Ok(written.map_or(all..all, |written| {
            let begin = written.start as usize / PAGE;
            let end = written.end.div_ceil(PAGE as u64) as usize;
            begin..end.min(all).max(begin + 1)
        }))
    }
}

/// The next bytes of a file, at or behind that one, that anybody has written.
fn written(file: &File, at: u64) -> io::Result<Option<Range<u64>>> {
    let place = |place: i64| u64::try_from(place).unwrap_or(0);
    let begin = match lseek(
        file,
        i64::try_from(at).unwrap_or(i64::MAX),
        Whence::SeekData,
    ) {
        Ok(begin) => begin,
        // There are none.
        Err(Errno::ENXIO) => return Ok(None),
        Err(errno) => return Err(errno.into()),
    };
    let end = lseek(file, begin, Whence::SeekHole)?;
    Ok(Some(place(begin)..place(end)))
}

/// Sends a guest's state, as that file has it: of what nobody has written, how long it is. Before each piece that is read,
/// `looks` may call it off.
///
/// # Errors
/// The other end has gone, or `looks`'s.
pub fn state(
    file: &File,
    far: &mut Far,
    mut looks: impl FnMut() -> io::Result<()>,
) -> io::Result<()> {
    let mut at = 0;
    while let Some(written) = written(file, at)? {
        at = written.start;
        while at < written.end {
            looks()?;
            let count = (written.end - at).min((PAGES * PAGE) as u64);
            let mut bytes = vec![0; count as usize];
            file.read_exact_at(&mut bytes, at)?;
            far.say(&Frame::State { at, bytes })?;
            at += count;
        }
    }
    let length = file.metadata()?.len();
    if length > at {
        let (at, bytes) = (length, Vec::new());
        far.say(&Frame::State { at, bytes })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handover::far::{SUM, Side, Token};
    use crate::memory::Memory;
    use std::os::fd::OwnedFd;
    use std::os::unix::net::UnixStream;
    use std::thread;

    /// As many pages as 40 frames have, and three more.
    const ALL: u64 = 40 * PAGES as u64 + 3;

    /// The first page of each piece, and how many it has.
    type Pieces = Vec<(u64, u64)>;

    /// What goes over of memory in some rounds, before each of which that is written; and the bytes of each.
    fn sent(writes: &[&[(u64, u8)]]) -> (Vec<Pieces>, Vec<u64>) {
        let (one, other) = UnixStream::pair().expect("sockets");
        let far = |stream: UnixStream, side| {
            let file = File::from(OwnedFd::from(stream));
            let copy = file.try_clone().expect("a descriptor");
            Far::meet(
                (copy, file),
                usize::MAX,
                side,
                &Token::none(),
                [side as u8; SUM],
            )
        };
        let takes = thread::spawn(move || {
            let mut far = far(other, Side::Takes).expect("it is there");
            let (mut rounds, mut there) = (vec![Vec::new()], vec![0; ALL as usize * PAGE]);
            loop {
                let until = std::time::Instant::now() + crate::handover::far::SILENCE;
                match far.next_until(until).expect("it comes") {
                    Frame::Pages { first, bytes } => {
                        let at = first as usize * PAGE;
                        there[at..at + bytes.len()].copy_from_slice(&bytes);
                        let count = (bytes.len() / PAGE) as u64;
                        rounds.last_mut().expect("a round").push((first, count));
                    }
                    Frame::State { .. } => rounds.push(Vec::new()),
                    _ => return (rounds, there),
                }
            }
        });
        let mut far = far(one, Side::Gives).expect("it is there");
        let memory = Memory::unnamed("a test", ALL * PAGE as u64).expect("memory");
        let again = memory.try_clone().expect("a descriptor");
        let mut copy = Copy::new(again, ALL * PAGE as u64);
        for pages in writes {
            for (page, byte) in *pages {
                let bytes = [*byte; PAGE];
                memory
                    .write_all_at(&bytes, page * PAGE as u64)
                    .expect("it is ours");
            }
            copy.round(&mut far, || Ok(())).expect("it listens");
            let (at, bytes) = (0, Vec::new());
            far.say(&Frame::State { at, bytes }).expect("it listens");
        }
        far.say(&Frame::Here).expect("it listens");
        let (mut rounds, there) = takes.join().expect("nobody panics");
        rounds.pop();
        let mut here = vec![0; there.len()];
        memory.read_exact_at(&mut here, 0).expect("it is there");
        assert!(here == there, "it is not there as it is here");
        (rounds, copy.rounds().to_vec())
    }

    #[test]
    fn what_is_not_there_yet_goes_over_and_nothing_else() {
        let last = ALL - 1;
        let (rounds, bytes) = sent(&[
            &[(0, 1), (1, 2), (70, 3), (last, 4)],
            &[],
            // The same again, another, what is empty, and what was never touched.
            &[(0, 1), (1, 9), (70, 0), (500, 5), (501, 0)],
            &[(70, 3)],
        ]);
        assert_eq!(rounds[0], [(0, 2), (70, 1), (last, 1)]);
        assert_eq!(rounds[1], []);
        assert_eq!(rounds[2], [(1, 1), (70, 1), (500, 1)]);
        assert_eq!(rounds[3], [(70, 1)]);
        assert_eq!(bytes, [4, 0, 3, 1].map(|pages| pages * PAGE as u64));
        // Across frames.
        let many: Vec<(u64, u8)> = (10..400).map(|page| (page, page as u8 | 1)).collect();
        let (rounds, _) = sent(&[&many]);
        let counts: u64 = rounds[0].iter().map(|(_, count)| count).sum();
        assert_eq!((counts, rounds[0].len()), (390, 7));
    }

    #[test]
    fn a_state_goes_over_with_its_length_and_without_a_piece_that_has_nothing() {
        // Of what was written at its beginning, as long as that, and longer.
        for (length, pieces) in [(5, 1), (PAGE as u64, 1), (1 << 20, 2)] {
            let (one, other) = UnixStream::pair().expect("sockets");
            let far = |stream: UnixStream, side| {
                let file = File::from(OwnedFd::from(stream));
                let copy = file.try_clone().expect("a descriptor");
                let random = [side as u8; SUM];
                Far::meet((copy, file), usize::MAX, side, &Token::none(), random)
            };
            let gives = thread::spawn(move || {
                let mut far = far(one, Side::Gives).expect("it is there");
                let file = Memory::unnamed("a test", 0).expect("memory");
                file.write_all_at(&[3; 5], 0).expect("it is ours");
                file.set_len(length).expect("it is memory");
                state(&file, &mut far, || Ok(())).expect("it listens");
            });
            let mut far = far(other, Side::Takes).expect("it is there");
            let until = Instant::now() + crate::handover::far::SILENCE;
            let (mut count, mut end) = (0, 0);
            while let Ok(Frame::State { at, bytes }) = far.next_until(until) {
                let reached = at + bytes.len() as u64;
                assert!(reached > end, "{length}");
                (count, end) = (count + 1, reached);
            }
            assert_eq!((count, end), (pieces, length));
            gives.join().expect("nobody panics");
        }
    }

    #[test]
    fn another_round_is_made_as_long_as_it_leaves_less() {
        let copy = |rounds: &[u64]| Copy {
            memory: Memory::unnamed("a test", 0).expect("memory"),
            there: Vec::new(),
            rounds: rounds.to_vec(),
            took: Duration::ZERO,
        };
        let (few, much) = (FEW, 100 * FEW);
        assert!(copy(&[]).goes_on() && copy(&[much]).goes_on());
        assert!(copy(&[much, much / 2]).goes_on());
        assert!(!copy(&[few]).goes_on() && !copy(&[much, few]).goes_on());
        assert!(!copy(&[much, much]).goes_on() && !copy(&[much, much + 1]).goes_on());
        let halves: Vec<u64> = (0..ROUNDS).map(|n| much << (20 - n)).collect();
        assert!(copy(&halves[..ROUNDS - 1]).goes_on() && !copy(&halves).goes_on());
    }
}
