//! A guest is saved: its memory chunk by chunk, while it may still run, then the sections, at the very end the header.

use super::bytes::are_zero;
use super::consistent::consistent;
use super::header::{HEADER_BYTES, Header, Identity, SECTIONS_MAX};
use super::memory::{CHUNK_BYTES, Chunk, MEMORY_MAX, Memory};
use super::section::{BODIES_MAX, KINDS};
use super::table::{Codec, Entry, is_name};
use crate::state::{Disk, Host, State};
use crate::text;
use sha2::Digest;
use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::iter;
use vmlock_spec::lock::canonical;

/// Something that is written to by position, and is empty to begin with.
pub trait WriteAt {
    /// Writes all of the bytes at that position; what lies before it and was not written reads as zero.
    ///
    /// # Errors
    /// Not all of them were written.
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Returns once all that was written outlives a failure of the power.
    ///
    /// # Errors
    /// It may not.
    fn sync(&mut self) -> io::Result<()>;
}

/// All that a file says beside the guest's memory.
#[derive(Clone, Copy, Debug)]
pub struct Contents<'a> {
    /// The lock, as it was checked in.
    pub lock: &'a str,
    /// The guest's state.
    pub state: &'a State,
    /// Its disks by their names, in the lock's order.
    pub disks: &'a [(String, Disk)],
    /// Where it was saved.
    pub host: &'a Host,
}

/// Why a guest was not saved.
#[derive(Debug)]
pub enum Failed {
    /// The file could not be written.
    Unwritable(io::Error),
    /// There is something that no file can say, or nobody could read; in words.
    Unsayable(String),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Unwritable(error)
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unwritable(error) => write!(f, "the file cannot be written: {error}"),
            Self::Unsayable(words) => f.write_str(words),
        }
    }
}

impl std::error::Error for Failed {}

/// Who writes a file.
#[derive(Debug)]
pub struct Writer<W> {
    target: W,
    memory: Memory,
    /// Chunks that something was written to.
    written: BTreeSet<u64>,
}

/// What the kernel's file systems keep apart at least: zeros of this length are left out.
const PAGE_BYTES: usize = 4096;

impl<W: WriteAt> Writer<W> {
    /// For a guest with so many bytes of memory, all of which is zero until it is told otherwise.
    ///
    /// # Errors
    /// No file holds so much, or not whole chunks.
    pub fn new(target: W, memory_bytes: u64) -> Result<Self, Failed> {
        if memory_bytes == 0
            || memory_bytes > MEMORY_MAX
            || !memory_bytes.is_multiple_of(CHUNK_BYTES)
        {
            return Err(Failed::Unsayable(format!(
                "{memory_bytes} bytes of guest memory cannot be saved: a file holds whole chunks of 2 MiB, up to {} TiB",
                MEMORY_MAX >> 40
            )));
        }
        let memory = Memory::empty(memory_bytes);
        let written = BTreeSet::new();
        Ok(Self {
            target,
            memory,
            written,
        })
    }

    /// Writes a chunk of the guest's memory, as often as somebody likes: the last time counts.
    ///
    /// # Errors
    /// The file cannot be written, or there is no such chunk.
    pub fn chunk(&mut self, number: u64, bytes: &[u8]) -> Result<(), Failed> {
        let chunk = Chunk::of(bytes);
        if bytes.len() as u64 != CHUNK_BYTES || !self.memory.set(number, chunk) {
            return Err(Failed::Unsayable(format!(
                "guest memory has no whole chunk {number}"
            )));
        }
        if chunk == Chunk::Hole {
            return Ok(());
        }
        // Where nothing was written yet, zeros need not be.
        let fresh = self.written.insert(number);
        let pages = bytes
            .chunks(PAGE_BYTES)
            .map(|page| !fresh || !are_zero(page));
        let pages: Vec<bool> = pages.collect();
        let mut at = 0;
        for run in pages.chunk_by(|a, b| a == b) {
            let (from, to) = (at * PAGE_BYTES, (at + run.len()) * PAGE_BYTES);
            if run[0] {
                self.target
                    .write_at(&bytes[from..to], Memory::offset(number) + from as u64)?;
            }
            at += run.len();
        }
        Ok(())
    }

    /// Writes everything else, the header at the very end, and gives back what was written to.
    ///
    /// # Errors
    /// The file cannot be written, or nobody could read it. There is no header in it then.
    pub fn finish(mut self, contents: &Contents<'_>) -> Result<(W, Identity), Failed> {
        let bodies = bodies(contents, &self.memory).map_err(Failed::Unsayable)?;
        let (header, table, identity) = seal(&bodies, self.memory.bytes());
        let mut at = Memory::offset(self.memory.count());
        for piece in iter::once(&table).chain(bodies.iter().map(|body| &body.bytes)) {
            self.target.write_at(piece, at)?;
            at += piece.len() as u64;
        }
        self.target.sync()?;
        self.target.write_at(&header, 0)?;
        self.target.sync()?;
        Ok((self.target, identity))
    }
}

/// A section that is to be written.
#[derive(Clone)]
pub(super) struct Body {
    pub name: String,
    pub version: u16,
    pub critical: bool,
    pub codec: Codec,
    pub bytes: Vec<u8>,
}

/// Header and table for these sections, with the identity that comes of it.
pub(super) fn seal(bodies: &[Body], memory: u64) -> ([u8; HEADER_BYTES], Vec<u8>, Identity) {
    let mut header = Header {
        memory,
        sections: bodies.len() as u32,
        length: 0,
    };
    let (mut table, mut offset) = (Vec::new(), header.bodies());
    for body in bodies {
        let entry = Entry {
            name: body.name.clone(),
            version: body.version,
            critical: body.critical,
            codec: body.codec,
            offset,
            length: body.bytes.len() as u64,
            crc: crc32fast::hash(&body.bytes),
        };
        offset += entry.length;
        table.extend(entry.bytes());
    }
    header.length = offset;
    let mut digest = header.digest();
    digest.update(&table);
    bodies.iter().for_each(|body| digest.update(&body.bytes));
    let identity = Identity(digest.finalize().into());
    (header.bytes(identity), table, identity)
}

/// Everything as sections, in their order.
pub(super) fn bodies(contents: &Contents<'_>, memory: &Memory) -> Result<Vec<Body>, String> {
    let Contents {
        lock,
        state,
        disks,
        host,
    } = *contents;
    let State {
        machine,
        vcpus,
        gic,
        lines,
        devices,
    } = state;
    let read = canonical::parse(lock).map_err(|e| format!("the lock cannot be read: {e}"))?;
    consistent(&read, state, disks).map_err(|(name, words)| format!("{name}: {words}"))?;
    if read.machine.memory.size != memory.bytes() {
        return Err("the guest has more or less memory than its lock says".into());
    }
    let mut out = Vec::new();
    let mut add = |kind: &str, of: Option<&str>, version: u16, bytes: Vec<u8>| {
        let kind = KINDS.iter().find(|k| k.name == kind);
        let kind = kind.ok_or("there is no such section")?;
        let name = of.map_or(kind.name.to_owned(), |of| format!("{}.{of}", kind.name));
        if !is_name(name.as_bytes()) {
            return Err(format!(
                "no section of a file can be called `{}`",
                name.escape_debug()
            ));
        }
        if bytes.len() as u64 > kind.bytes_max {
            return Err(format!(
                "section `{name}` would have {} bytes, more than is read",
                bytes.len()
            ));
        }
        let (critical, codec) = (kind.critical, kind.codec);
        out.push(Body {
            name,
            version,
            critical,
            codec,
            bytes,
        });
        Ok(())
    };
    add("lock", None, 1, lock.as_bytes().to_vec())?;
    add("machine", None, 1, text::write(machine)?.into())?;
    for (number, vcpu) in vcpus.iter().enumerate() {
        add(
            "vcpu",
            Some(&number.to_string()),
            1,
            text::write(vcpu)?.into(),
        )?;
    }
    add("gic", None, 1, text::write(gic)?.into())?;
    add("lines", None, 1, text::write(lines)?.into())?;
    for device in devices {
        add(
            "device",
            Some(&device.name),
            device.version,
            device.text.clone().into(),
        )?;
    }
    for (name, disk) in disks {
        add("disk", Some(name), 1, text::write(disk)?.into())?;
    }
    add("host", None, 1, text::write(host)?.into())?;
    let sum: u64 = out.iter().map(|body| body.bytes.len() as u64).sum();
    if sum > BODIES_MAX || out.len() >= SECTIONS_MAX as usize {
        return Err(format!(
            "{} sections of together {sum} bytes are more than is read",
            out.len()
        ));
    }
    out.push(Body {
        name: "memory".into(),
        version: 1,
        critical: true,
        codec: Codec::Raw,
        bytes: memory.write(),
    });
    Ok(out)
}
