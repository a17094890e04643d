//! What the guest of `bench` does with its disk and its network: one thing after the other. Its host is told where each
//! begins, and how long it took once it is over.

use crate::failure::{Failure, OK, Result, tell};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// The host's end of the guest's network (RFC 862 to 864): who sends everything back, who throws everything away, who
/// sends as much as it is asked for.
pub const HOST: &str = "10.9.8.1";
pub const ECHO: u16 = 7;
pub const DISCARD: u16 = 9;
pub const GENERATE: u16 = 19;

/// The guest's disk, and so many of its first bytes are used.
const DISK: &str = "/dev/vda";
pub const DISK_BYTES: u64 = 32 << 20;

/// What the command line of the guest's kernel asks for.
pub const DISKS: &str = "disks";
pub const NETWORK: &str = "network";

/// A page: what O_DIRECT wants buffers and places to be multiples of, and how large a small request is.
const PAGE: usize = 4096;
/// A large request.
const LARGE: usize = 256 << 10;
/// What goes over the network at a time.
const PIECE: usize = 64 << 10;
/// For what the host does late, and for who looks at it.
const PAUSE: Duration = Duration::from_millis(30);

/// One thing that is measured.
pub struct Phase {
    /// Its name.
    pub name: &'static str,
    /// How often it is done.
    pub count: u32,
    what: What,
}

enum What {
    Disk(Disk),
    RoundTrips,
    Send,
    Receive,
}

/// Requests to the disk.
struct Disk {
    write: bool,
    size: usize,
    /// How many are under way at a time.
    depth: u32,
    random: bool,
}

const fn disk(name: &'static str, count: u32, write: bool, depth: u32) -> Phase {
    let disk = Disk {
        write,
        size: PAGE,
        depth,
        random: true,
    };
    Phase {
        name,
        count,
        what: What::Disk(disk),
    }
}

const fn stream(name: &'static str, write: bool) -> Phase {
    let disk = Disk {
        write,
        size: LARGE,
        depth: 4,
        random: false,
    };
    Phase {
        name,
        count: (DISK_BYTES / LARGE as u64) as u32,
        what: What::Disk(disk),
    }
}

/// What is done with the disk, in this order.
pub const DISK_PHASES: [Phase; 6] = [
    disk("4 KiB random reads, 1 at a time", 1000, false, 1),
    disk("4 KiB random reads, 32 at a time", 2048, false, 32),
    disk("4 KiB random writes, 1 at a time", 1000, true, 1),
    disk("4 KiB random writes, 32 at a time", 2048, true, 32),
    stream("256 KiB reads in order, 4 at a time", false),
    stream("256 KiB writes in order, 4 at a time", true),
];

/// What is done with the network.
pub const NETWORK_PHASES: [Phase; 3] = [
    Phase {
        name: "round trips of a byte, TCP",
        count: 500,
        what: What::RoundTrips,
    },
    Phase {
        name: "64 KiB sent, TCP",
        count: 128,
        what: What::Send,
    },
    Phase {
        name: "64 KiB received, TCP",
        count: 128,
        what: What::Receive,
    },
];

/// Does what those words say, in the guest: each phase twice, of which the first is to be counted and the second timed.
///
/// # Errors
/// Something could not be done.
pub fn run(words: &[String]) -> Result<u8> {
    for word in words {
        let phases = match word.as_str() {
            DISKS => &DISK_PHASES[..],
            NETWORK => &NETWORK_PHASES[..],
            _ => continue,
        };
        for phase in phases.iter().flat_map(|phase| [phase, phase]) {
            let name = phase.name;
            let failed = |e: io::Error| Failure::environment(format!("{name}: {e}"));
            let work = phase.prepare().map_err(failed)?;
            thread::sleep(PAUSE);
            tell(format_args!("{BEGINS}{name}"))?;
            thread::sleep(PAUSE);
            let start = Instant::now();
            work().map_err(failed)?;
            let took = start.elapsed().as_micros();
            thread::sleep(PAUSE);
            tell(format_args!("{TOOK}{took} {name}"))?;
        }
    }
    Ok(OK)
}

const BEGINS: &str = "load begins: ";
const TOOK: &str = "load took: ";

/// What a line of the guest's console says of a phase.
#[derive(Debug, PartialEq, Eq)]
pub enum Said<'l> {
    /// It begins.
    Begins(&'l str),
    /// It took so many microseconds.
    Took(&'l str, u64),
}

/// Reads a line of the guest's console.
pub fn said(line: &str) -> Option<Said<'_>> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix(BEGINS) {
        return Some(Said::Begins(name));
    }
    let (took, name) = line.strip_prefix(TOOK)?.split_once(' ')?;
    Some(Said::Took(name, took.parse().ok()?))
}

type Prepared = Box<dyn FnOnce() -> io::Result<()>>;

impl Phase {
    /// Whether it is about the disk.
    pub fn is_disk(&self) -> bool {
        matches!(self.what, What::Disk(_))
    }

    /// Makes ready what it needs, so that only the rest of it is timed.
    fn prepare(&self) -> io::Result<Prepared> {
        let count = self.count;
        Ok(match &self.what {
            What::Disk(disk) => disk.prepare(count)?,
            What::RoundTrips => {
                let mut stream = connect(ECHO)?;
                Box::new(move || {
                    for _ in 0..count {
                        stream.write_all(b".")?;
                        stream.read_exact(&mut [0])?;
                    }
                    Ok(())
                })
            }
            What::Send => {
                let mut stream = connect(DISCARD)?;
                Box::new(move || {
                    for _ in 0..count {
                        stream.write_all(&[b'.'; PIECE])?;
                    }
                    // The host answers the end, once it has come there.
                    stream.shutdown(Shutdown::Write)?;
                    stream.read_exact(&mut [0])
                })
            }
            What::Receive => {
                let mut stream = connect(GENERATE)?;
                Box::new(move || {
                    let bytes = u64::from(count) * PIECE as u64;
                    stream.write_all(&bytes.to_le_bytes())?;
                    let mut left = bytes;
                    let mut piece = vec![0; PIECE];
                    while left > 0 {
                        let read = stream.read(&mut piece)?;
                        if read == 0 {
                            return Err(io::ErrorKind::UnexpectedEof.into());
                        }
                        left = left.saturating_sub(read as u64);
                    }
                    Ok(())
                })
            }
        })
    }
}

fn connect(port: u16) -> io::Result<TcpStream> {
    let stream = TcpStream::connect((HOST, port))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl Disk {
    fn prepare(&self, count: u32) -> io::Result<Prepared> {
        let file = OpenOptions::new()
            .read(true)
            .write(self.write)
            .custom_flags(nix::libc::O_DIRECT)
            .open(Path::new(DISK))?;
        let (each, places) = (count / self.depth, DISK_BYTES / self.size as u64);
        let jobs: Vec<_> = (0..self.depth)
            .map(|index| -> io::Result<_> {
                let first = u64::from(index * each) % places;
                let worker = Worker {
                    file: file.try_clone()?,
                    write: self.write,
                    places: match self.random {
                        true => random(index, each, places),
                        false => (first..first + u64::from(each)).collect(),
                    },
                    buffer: vec![index as u8; self.size + PAGE],
                };
                Ok(worker)
            })
            .collect::<io::Result<_>>()?;
        let size = self.size;
        Ok(Box::new(move || {
            let mut jobs = jobs;
            // A thread more would only make a switch of each request.
            if let [one] = &mut jobs[..] {
                return one.run(size);
            }
            let threads = jobs
                .into_iter()
                .map(|mut job| thread::spawn(move || job.run(size)));
            let threads: Vec<_> = threads.collect();
            for thread in threads {
                let ended = thread.join();
                ended.map_err(|_| io::Error::other("a thread panicked"))??;
            }
            Ok(())
        }))
    }
}

/// Places, the same each time.
fn random(seed: u32, count: u32, places: u64) -> Vec<u64> {
    let mut state = u64::from(seed) + 1;
    let next = |_| {
        // Knuth's MMIX generator; its high bits are the better ones.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % places
    };
    (0..count).map(next).collect()
}

struct Worker {
    file: File,
    write: bool,
    places: Vec<u64>,
    buffer: Vec<u8>,
}

impl Worker {
    fn run(&mut self, size: usize) -> io::Result<()> {
        let aligned = self.buffer.as_ptr().align_offset(PAGE);
        let buffer = &mut self.buffer[aligned..aligned + size];
        for place in &self.places {
            let offset = place * size as u64;
            match self.write {
                true => self.file.write_all_at(buffer, offset)?,
                false => self.file.read_exact_at(buffer, offset)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_what_begins_and_what_took_how_long() {
        assert_eq!(said("load begins: a b\r"), Some(Said::Begins("a b")));
        assert_eq!(said("load took: 12 a b\r"), Some(Said::Took("a b", 12)));
        assert_eq!(said("load took: soon a b"), None);
        assert_eq!(said("something else"), None);
    }

    #[test]
    fn no_request_is_beyond_what_is_used_of_the_disk() {
        for phase in &DISK_PHASES {
            let What::Disk(disk) = &phase.what else {
                panic!("{}", phase.name)
            };
            assert_eq!(phase.count % disk.depth, 0, "{}", phase.name);
            let places = DISK_BYTES / disk.size as u64;
            assert!(disk.random || u64::from(phase.count) == places);
            assert!(random(3, 1000, places).iter().all(|&p| p < places));
        }
    }
}
