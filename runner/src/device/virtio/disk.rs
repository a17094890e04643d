//! A disk on the host (`virtio-block-1`): which file it is, that it is as large as the
//! lock says and nobody else's, and who carries out what its driver asks for.

pub mod digest;
pub mod file;
pub mod host;
pub mod identity;
pub mod taken;
pub mod uring;

use super::Log;
use super::look::Look;
use super::thread::{Server, Work};
use crate::files;
use digest::Contents;
use host::{Host, Process};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Seek as _, SeekFrom};
use std::os::fd::RawFd;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::Duration;
use taken::Taken;
use vmlock_saved::state::Disk as Identity;
use vmlock_spec::lock::{Block as Entry, Device};
use vmlock_spec::machine::virtio::SECTOR;
use vmlock_spec::plan::Refusal;
use vmlock_spec::plan::devices::{no_disk, too_small};
use vmlock_virtio::block::engine::Engine as _;
use vmlock_virtio::block::requests::Requests;
use vmlock_virtio::block::written::Noted;
use vmlock_virtio::block::{self, Block, Failed, Operation, SERIAL, Status};
use vmlock_virtio::features::Features;
use vmlock_virtio::ring::{Broken, Drained};

/// How long it may take to make stable what a guest wrote before it ended. What takes longer goes on without this program.
const STABLE: Duration = Duration::from_secs(10);

/// The model of a lock's disk; `queue` is QueueNumMax.
pub fn model(entry: &Entry, queue: u16) -> block::Disk {
    let mut serial = [0; SERIAL];
    let bytes = serial.iter_mut().zip(entry.serial.bytes());
    bytes.for_each(|(to, from)| *to = from);
    block::Disk {
        sectors: entry.sectors,
        read_only: entry.read_only,
        serial,
        queue,
    }
}

/// Bytes of the largest disk that a guest can write.
pub fn largest(devices: &[Device]) -> u64 {
    let disks = devices
        .iter()
        .filter_map(|d| d.virtio.as_ref()?.block.as_ref());
    let written = disks.filter(|disk| !disk.read_only);
    let sizes = written.map(|disk| disk.sectors.saturating_mul(SECTOR));
    sizes.max().unwrap_or(0)
}

/// Where a guest's disks come from.
pub enum From {
    /// They are the guest's from now on.
    Path,
    /// They were handed over.
    Other(Result<File, String>),
    /// The same files are another runner's still, whose guest comes here: they are held once it does.
    Later {
        /// That it holds them need not be seen here.
        unseen: bool,
    },
}

/// Opens a lock's disk, which is at that path; or takes what was handed over of it.
///
/// # Errors
/// Why it is none.
pub fn open(
    device: &Device,
    entry: &Entry,
    queue: u16,
    path: &Path,
    taken: &mut Taken,
    from: From,
) -> Result<Disk, Box<Refusal>> {
    let no = |reason: String, help: &str| {
        let found = format!("`{}`", path.display());
        Box::new(no_disk(device, entry, &found, reason, help))
    };
    let unusable = |error: io::Error| {
        if error.raw_os_error() == Some(libc::EBUSY) {
            return no(
                "it is mounted, or another program has it".to_owned(),
                "unmount it, or end the other one: `lsblk` and `fuser` say what that is",
            );
        }
        let help = match error.kind() {
            io::ErrorKind::NotFound => {
                "the paths in a lock are relative to the lock's own directory; `truncate --size` makes an empty disk"
            }
            io::ErrorKind::PermissionDenied => {
                "look at the file's permissions, or make the disk read-only in the spec"
            }
            _ => "look at the path in the spec",
        };
        no(format!("it cannot be opened: {error}"), help)
    };
    let later = match from {
        From::Later { unseen } => Some(unseen),
        From::Path | From::Other(_) => None,
    };
    let mut file = match from {
        From::Other(handed) => handed.map_err(|why| no(why, HANDED))?,
        From::Path | From::Later { .. } => open_file(path, entry.read_only).map_err(unusable)?,
    };
    let this = format!("the disk `{}`", device.name);
    let taken = taken.take(this, &file, !entry.read_only);
    if let Some(what) = taken.map_err(unusable)? {
        return Err(no(
            format!("it is {what} of this machine, too, and a guest would write what it reads"),
            "name another file, such as a copy",
        ));
    }
    let bytes = file.seek(SeekFrom::End(0)).map_err(unusable)?;
    if let Some(refusal) = too_small(device, entry, bytes) {
        return Err(Box::new(refusal));
    }
    let held = match later {
        // Of what both only read, neither keeps the other one out.
        Some(false) if !entry.read_only => match files::hold(&file, false) {
            Err(Errno::EAGAIN | Errno::EACCES) => Ok(()),
            Ok(()) => {
                return Err(no(
                    "the guest has it at its other end, and that lock is not seen here: it is another file, or its file system keeps locks to one host".to_owned(),
                    "where it is the same file all the same, `--locks-unseen` says so; nothing then keeps two runners from writing it",
                ));
            }
            Err(errno) => Err(errno),
        },
        Some(_) => Ok(()),
        None => files::hold(&file, entry.read_only),
    };
    held.map_err(|errno| match errno {
        Errno::EAGAIN | Errno::EACCES => no(
            "another program has it, and two that write one disk destroy it".to_owned(),
            "end the other one: `lslocks` says which it is",
        ),
        errno => no(
            format!("it cannot be locked against other programs: {errno}"),
            "put it on a file system that has locks (fcntl(2), F_OFD_SETLK)",
        ),
    })?;
    let mut contents = None;
    if let Some(wanted) = &entry.digest {
        let held = Contents::held(&file, entry.sectors, wanted).map_err(unusable)?;
        let held = held.map_err(|found| no(others(&found, wanted), OTHERS))?;
        contents = Some(held);
    }
    Ok(Disk {
        contents,
        ..Disk::new(model(entry, queue), Host::new(file))
    })
}

/// What to do about what was handed over.
const HANDED: &str =
    "both ends need the same lock in the same folder; the guest goes on where it was";

fn others(found: &str, wanted: &str) -> String {
    format!("its contents are {found}, and the lock's {wanted}")
}

/// What to do about it.
const OTHERS: &str = "put the right file there, or lock the spec again with what there is";

/// Opens a regular file or a block device, and waits for nobody.
fn open_file(path: &Path, read_only: bool) -> io::Result<File> {
    // Looked at first, since opening alone can start something; and once more, since it may have changed.
    let kind = fs::metadata(path)?.file_type();
    disk(kind)?;
    // A mount and other programs have no lock on a block device, and it may have several nodes: the device itself is
    // taken (open(2)). Of a file, the flag means nothing.
    let alone = match kind.is_block_device() && !read_only {
        true => libc::O_EXCL,
        false => 0,
    };
    let file = OpenOptions::new()
        .read(true)
        .write(!read_only)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY | alone)
        .open(path)?;
    let opened = file.metadata()?.file_type();
    disk(opened)?;
    if opened != kind {
        return Err(io::Error::other("it became another one meanwhile"));
    }
    // From now on, work that takes its time is waited for.
    fcntl(&file, FcntlArg::F_SETFL(OFlag::empty()))?;
    Ok(file)
}

fn disk(kind: FileType) -> io::Result<()> {
    let what = match kind {
        _ if kind.is_file() || kind.is_block_device() => return Ok(()),
        _ if kind.is_dir() => "a folder",
        _ if kind.is_fifo() => "a pipe",
        _ if kind.is_socket() => "a socket",
        _ => "a device that is none of blocks",
    };
    Err(io::Error::other(format!(
        "it is {what}, and a disk is a regular file or a block device"
    )))
}

/// A disk that is open.
pub struct Disk<E = Host> {
    model: block::Disk,
    /// At work, from the first driver's set-up on. What an earlier driver lost is lost for the next one.
    block: Option<Block>,
    requests: Requests,
    engine: Noted<E>,
    /// Something was lost in an earlier run.
    lost: bool,
    /// What becomes readable when the engine has something.
    wakes: Option<RawFd>,
    /// Why the engine is not the faster one, until that was said.
    without: Option<io::Error>,
    /// What it holds, where the lock says what that is.
    contents: Option<Contents>,
}

impl<E> Disk<E> {
    /// One whose requests are carried out there.
    pub fn new(model: block::Disk, engine: E) -> Self {
        Self {
            requests: Requests::new(model.queue),
            model,
            block: None,
            engine: Noted::new(engine),
            lost: false,
            wakes: None,
            without: None,
            contents: None,
        }
    }
}

impl<E: Process + Send> Server for Disk<E> {
    fn look_again(&mut self, device: &Device) -> Option<Refusal> {
        let entry = device.virtio.as_ref()?.block.as_ref()?;
        let found = format!("`{}`", entry.path);
        let no = |reason: String, help: &str| Some(no_disk(device, entry, &found, reason, help));
        match self.contents.as_mut()?.changed() {
            Ok(None) => None,
            Ok(Some(found)) => no(
                others(&found, entry.digest.as_deref().unwrap_or_default()),
                OTHERS,
            ),
            Err(error) => no(format!("it cannot be read: {error}"), "look at the file"),
        }
    }

    fn descriptor(&self) -> Option<io::Result<File>> {
        self.engine.engine.file().map(File::try_clone)
    }

    fn ready(&mut self) {
        (self.wakes, self.without) = self.engine.engine.enter(self.model.queue);
    }

    fn begin(&mut self, features: Features, log: &mut Log) {
        if let Some(why) = self.without.take() {
            log.change(format_args!(
                "one request is carried out after the other, since io_uring cannot be had: {why}"
            ));
        }
        self.block = Some(Block::new(self.model.clone(), features, self.lost()));
        self.requests = Requests::new(self.model.queue);
    }

    fn lost(&self) -> bool {
        self.lost || self.block.as_ref().is_some_and(Block::has_lost)
    }

    fn restore(&mut self, lost: bool) {
        self.lost |= lost;
    }

    /// What cannot be made stable is lost: the kernel says so once.
    fn identity(
        &mut self,
        whole: bool,
        look: &Look,
        log: &mut Log,
    ) -> Option<io::Result<Identity>> {
        if self.block.is_some()
            && !self.model.read_only
            && let Err(error) = self.engine.flush()
        {
            self.lost = true;
            if let Some(block) = &mut self.block {
                // Its driver is told at the next flush.
                let _ = block.settle(Operation::Flush, &Err(error.kind().into()));
            }
            log.host(format_args!(
                "making what was written stable failed: {error}"
            ));
            return Some(Err(error));
        }
        let Noted { engine, written } = &self.engine;
        let looked = |file: &File| identity::of(file, self.model.sectors, written, whole, look);
        engine.file().map(looked)
    }

    fn compare(&mut self, saved: &Identity, reached: &dyn Fn(u64)) -> Result<(), String> {
        let file = self.engine.engine.file();
        let file = file.ok_or("it has no file")?;
        let compared = identity::compare(file, self.model.sectors, saved, reached);
        self.engine.written = compared.map_err(|e| format!("it cannot be read: {e}"))??;
        Ok(())
    }

    /// Nothing of the guest's memory is read or written any more once this is over.
    fn rest(&mut self, log: &mut Log) {
        if let Some(block) = &mut self.block {
            let mut lost = block.has_lost();
            let failed = |block: &Block, failed| {
                say(block, failed, lost, log);
                lost = block.has_lost();
            };
            self.requests.rest(block, &mut self.engine, failed);
        }
    }

    /// A guest that was ended, or that did not ask, may have written what the host cannot keep: nobody else would say so.
    /// Of one that has gone, all was made stable before. Its new runner has this very description, and the kernel tells each
    /// description once what cannot be written: a flush here would hear what that guest is to be told.
    fn finish(&mut self, gone: bool, log: &mut Log) {
        if !gone
            && self.block.is_some()
            && !self.model.read_only
            && let Err(error) = self.engine.flush()
        {
            log.failed(format_args!(
                "some of what was written may be lost, and the guest was not told: {error}"
            ));
        }
        self.engine.close();
    }

    fn settle(&mut self, work: Work) -> Result<bool, Broken> {
        let Work {
            rings, memory, log, ..
        } = work;
        let (Some(Some(ring)), Some(block)) = (rings.first_mut(), &mut self.block) else {
            return Ok(false);
        };
        let mut lost = block.has_lost();
        let failed = |block: &Block, failed| {
            say(block, failed, lost, log);
            lost = block.has_lost();
        };
        let engine = &mut self.engine;
        let interrupts = self.requests.settle(block, engine, ring, memory, failed);
        log.all_served(self.requests.served());
        interrupts
    }

    fn is_full(&self) -> bool {
        self.requests.is_full()
    }

    fn patience(&self) -> Duration {
        STABLE
    }

    fn wakes(&self) -> Option<RawFd> {
        self.wakes
    }

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Work {
            rings, memory, log, ..
        } = work;
        let (Some(Some(ring)), Some(block)) = (rings.first_mut(), &mut self.block) else {
            return Ok(Drained::NOTHING);
        };
        let mut lost = block.has_lost();
        let failed = |block: &Block, failed| {
            say(block, failed, lost, log);
            lost = block.has_lost();
        };
        let engine = &mut self.engine;
        let drained = self.requests.serve(block, engine, ring, memory, failed);
        log.all_served(self.requests.served());
        drained
    }
}

/// Says what failed, of a disk that had lost something before or not.
fn say(block: &Block, failed: Failed, lost: bool, log: &mut Log) {
    log.host(words(&failed));
    if !lost && block.has_lost() {
        log.change(LOST);
    }
}

/// Said once.
const LOST: &str = "something that was written is lost, and no flush succeeds any more until the machine is made anew";

/// What is said of an operation that the host could not carry out.
fn words(failed: &Failed) -> String {
    let Failed {
        operation,
        error,
        status,
    } = failed;
    let why = match error.kind() {
        io::ErrorKind::UnexpectedEof => "its file ends before".to_owned(),
        _ => error.to_string(),
    };
    let what = match *operation {
        Operation::Read { offset, data } => {
            format!("reading {} bytes at {offset:#x}", data.length)
        }
        Operation::Write { offset, data, .. } => {
            format!("writing {} bytes at {offset:#x}", data.length)
        }
        Operation::Zero { offset, length, .. } => {
            format!("zeroing {length} bytes at {offset:#x}")
        }
        Operation::Discard { offset, length } => {
            format!("discarding {length} bytes at {offset:#x}")
        }
        Operation::Flush => "making what was written stable".to_owned(),
    };
    let told = match status {
        Status::Ok => "which the guest does not depend on",
        _ => "of which the guest was told",
    };
    format!("{what} failed, {told}: {why}")
}
