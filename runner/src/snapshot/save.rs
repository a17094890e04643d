//! A guest at rest is written to a file: first what its vCPUs, its interrupt controller and its counter hold, which is
//! read at once, then its memory, a piece at a time, so that whoever writes can do something else in between.
//!
//! The file is one that somebody else opened, and gives its name.

use crate::device::virtio::look::Look;
use crate::device::virtio::thread::Identity;
use crate::hold::barrier::Own;
use crate::hold::pausing::{Saves, Settled};
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
#[cfg(feature = "torture")]
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vmlock_saved::carry::stays;
use vmlock_saved::file::{CHUNK_BYTES, Identity as Name};
use vmlock_saved::hex::Hex64;
use vmlock_saved::state::{Disk, Host, Machine, State};
use vmlock_saved::{Contents, WriteAt, Writer};

/// Chunks that are written at a time.
const AT_A_TIME: u64 = 4;

/// How long a disk that is looked at is waited for at a time.
const A_MOMENT: Duration = Duration::from_millis(50);

/// The file.
struct Target {
    file: File,
    /// After so many writes and syncs its disk fails.
    #[cfg(feature = "torture")]
    left: Option<u32>,
}

impl Target {
    fn new(file: File) -> Self {
        Self {
            file,
            #[cfg(feature = "torture")]
            left: fails(),
        }
    }

    /// The disk still works.
    #[cfg(feature = "torture")]
    fn works(&mut self) -> io::Result<()> {
        let Some(left) = &mut self.left else {
            return Ok(());
        };
        *left = left
            .checked_sub(1)
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EIO))?;
        Ok(())
    }
}

/// Where somebody looks what comes of that, the first save of a runner fails at once, and each one a write or sync later.
#[cfg(feature = "torture")]
fn fails() -> Option<u32> {
    static SAVES: AtomicU32 = AtomicU32::new(0);
    std::env::var_os("VMLOCK_FAILING_SAVES")?;
    Some(SAVES.fetch_add(1, Ordering::Relaxed))
}

impl WriteAt for Target {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        #[cfg(feature = "torture")]
        self.works()?;
        self.file.write_all_at(bytes, offset)
    }
    fn sync(&mut self) -> io::Result<()> {
        #[cfg(feature = "torture")]
        self.works()?;
        self.file.sync_all()
    }
}

/// A file that is being written.
pub struct Saving {
    writer: Writer<Target>,
    state: State,
    /// What the disks hold, once their threads say so.
    disks: Vec<Waited>,
    next: u64,
}

/// A disk by its name, and what it holds: that is `None` until its thread says so.
type Waited = (String, Identity, Option<Option<Disk>>);

/// What a piece came to.
pub enum Wrote {
    /// There is more.
    More(Box<Saving>),
    /// The file is whole, and on the disk: what tells it from all others.
    Whole(Name),
}

/// The host's wall clock, in nanoseconds since 1970-01-01T00:00:00Z; one that stands earlier counts as that.
pub fn wall_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| u64::try_from(now.as_nanos()).unwrap_or(u64::MAX))
}

/// All of a machine's state.
///
/// # Errors
/// Why it cannot be saved.
pub fn state(settled: &mut Settled<'_>, saves: &Saves, own: Vec<Own>) -> Result<State, String> {
    let (devices, lines) = settled.devices().map_err(|why| why.join("; "))?;
    let gic = settled.gic(saves)?;
    let privates = gic.redistributors.iter().map(|r| &r.private);
    let vcpus = own.iter().map(|own| &own.vcpu).zip(privates);
    if let Some(first) = stays(saves.lock, vcpus).first() {
        return Err(format!("vCPU {}: {}", first.vcpu, first.words));
    }
    let counter = own.first().map_or(0, |own| own.counter);
    Ok(State {
        machine: Machine {
            virtual_counter: Hex64(counter),
            wall_clock: wall_clock(),
        },
        gic,
        vcpus: own.into_iter().map(|own| own.vcpu).collect(),
        lines,
        devices,
    })
}

impl Saving {
    /// Begins to write that state, and the disks and so many bytes of memory that belong to it.
    ///
    /// # Errors
    /// No file holds it.
    pub fn new(
        file: File,
        state: State,
        disks: Vec<(String, Identity)>,
        memory: u64,
    ) -> Result<Self, String> {
        let writer = Writer::new(Target::new(file), memory);
        Ok(Self {
            writer: writer.map_err(|e| e.to_string())?,
            state,
            disks: disks
                .into_iter()
                .map(|(name, identity)| (name, identity, None))
                .collect(),
            next: 0,
        })
    }

    /// Leaves the guest's memory out: all of it counts as empty. Whoever reads the file has the memory itself.
    pub fn without_memory(mut self, saves: &Saves) -> Self {
        self.next = saves.memory.range().size / CHUNK_BYTES;
        self
    }

    /// How many bytes of guest memory are written.
    pub fn bytes(&self) -> u64 {
        self.next * CHUNK_BYTES
    }

    /// How many bytes of its disks are read.
    pub fn read(&self) -> u64 {
        let read = self.disks.iter().map(|(_, identity, _)| identity.bytes());
        read.fold(0, u64::saturating_add)
    }

    /// The looks at its disks.
    pub fn looks(&self) -> Vec<Arc<Look>> {
        let looks = self.disks.iter().map(|(_, identity, _)| identity.look());
        looks.collect()
    }

    /// Writes a piece more: of memory, or, once all of that is written, what makes it a whole file.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn go_on(mut self, saves: &Saves) -> Result<Wrote, String> {
        let range = saves.memory.range();
        let count = range.size / CHUNK_BYTES;
        let until = count.min(self.next + AT_A_TIME);
        for number in self.next..until {
            let address = range.base + number * CHUNK_BYTES;
            let bytes = saves.memory.read(address, CHUNK_BYTES as usize)?;
            self.writer
                .chunk(number, &bytes)
                .map_err(|e| e.to_string())?;
        }
        if self.next < count {
            self.next = until;
            return Ok(Wrote::More(Box::new(self)));
        }
        // They were asked before the memory was written, and have mostly said it by now. Where all of one is read, it takes its
        // time, in which whoever writes can do something else.
        for (name, identity, said) in &mut self.disks {
            if said.is_none() {
                *said = identity
                    .within(A_MOMENT)
                    .map_err(|why| format!("disk `{name}`: {why}"))?;
            }
            if said.is_none() {
                return Ok(Wrote::More(Box::new(self)));
            }
        }
        let mut disks = Vec::new();
        for (name, _, said) in &mut self.disks {
            disks.extend(said.take().flatten().map(|disk| (name.clone(), disk)));
        }
        let host = Host {
            report: None,
            kernel: saves.kernel.clone(),
            writer: env!("CARGO_PKG_VERSION").to_owned(),
        };
        let contents = Contents {
            lock: saves.text,
            state: &self.state,
            disks: &disks,
            host: &host,
        };
        let done = self.writer.finish(&contents);
        done.map(|(_, identity)| Wrote::Whole(identity))
            .map_err(|e| e.to_string())
    }
}
