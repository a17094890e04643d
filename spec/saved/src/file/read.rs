//! A file is read: header, table and sections, each held against its checksum before anything is made of it. Of the
//! guest's memory, only what is said of it.

use super::consistent::consistent;
use super::header::{HEADER_BYTES, Header, Identity};
use super::memory::{CHUNK_BYTES, ENTRY_BYTES as CHUNK_ENTRY, Memory};
use super::position::read_exact_at;
use super::refused::{Place, Refused};
use super::section::{self, BODIES_MAX, UNKNOWN_MAX};
use super::table::{ENTRY_BYTES, Entry};
use crate::device::Device;
use crate::state::{Disk, Host, State};
use crate::text;
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io;
use vmlock_spec::lock::{Lock, canonical};

/// How many chunks are read of at a time: those of 6.4 GiB, in 128 KiB.
const ENTRIES: usize = 3276;

/// Something that is read by position.
pub trait ReadAt {
    /// How many bytes there are.
    ///
    /// # Errors
    /// Nobody can tell.
    fn length(&self) -> io::Result<u64>;
    /// Reads exactly as much as there is room for.
    ///
    /// # Errors
    /// There is not so much, or it cannot be read.
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()>;
}

impl ReadAt for File {
    fn length(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        read_exact_at(self, bytes, offset)
    }
}

impl ReadAt for [u8] {
    fn length(&self) -> io::Result<u64> {
        Ok(self.len() as u64)
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).ok();
        let range = from.and_then(|from| self.get(from..from.checked_add(bytes.len())?));
        bytes.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A guest that was saved. Its checksums are right, and it contradicts neither itself nor its lock: all else about it is
/// only said.
#[derive(Clone, Debug)]
pub struct Saved {
    /// What tells this file from all others.
    pub identity: Identity,
    /// How many bytes it has.
    pub length: u64,
    /// The table of its sections.
    pub table: Vec<Entry>,
    /// The lock's text.
    pub lock_text: String,
    /// The lock.
    pub lock: Lock,
    /// The guest's state.
    pub state: State,
    /// Its disks by their names, in the lock's order.
    pub disks: Vec<(String, Disk)>,
    /// Where it was saved, if the file says so in a way that this program knows.
    pub host: Option<Host>,
    /// What is said of its memory.
    pub memory: Memory,
}

impl Saved {
    /// Reads a chunk of the guest's memory, which is all of `bytes` then, and holds it against what is said of it, as [`Memory::check`].
    ///
    /// # Errors
    /// It cannot be read, or is something else.
    pub fn chunk<R: ReadAt + ?Sized>(
        &self,
        reader: &R,
        number: u64,
        bytes: &mut Vec<u8>,
        against_intent: bool,
    ) -> Result<(), Refused> {
        bytes.resize(CHUNK_BYTES as usize, 0);
        reader.read_at(bytes, Memory::offset(number))?;
        self.memory.check(number, bytes, against_intent)
    }
}

/// Reads all of a file but the guest's memory.
///
/// # Errors
/// It cannot be read; or what is wrong with it, and where.
pub fn open<R: ReadAt + ?Sized>(reader: &R) -> Result<Saved, Refused> {
    let length = reader.length()?;
    if length < HEADER_BYTES as u64 {
        return Err(Refused::at(
            Place::File,
            "it is shorter than the header of a saved guest",
        ));
    }
    let mut header = [0; HEADER_BYTES];
    reader.read_at(&mut header, 0)?;
    let (header, identity) = Header::parse(&header, length)?;
    let (table, table_bytes) = table(reader, &header)?;
    // All that there is a checksum for, before anything is made of it.
    let mut digest = header.digest();
    digest.update(&table_bytes);
    let (mut bodies, mut memory) = (Vec::new(), None);
    for entry in &table {
        if entry.name == "memory" {
            memory = Some(chunks(reader, entry, header.memory, &mut digest)?);
            bodies.push(Vec::new());
            continue;
        }
        let body = body(reader, entry)?;
        digest.update(&body);
        bodies.push(body);
    }
    if Identity(digest.finalize().into()) != identity {
        let words = "its identity is not that of what it is the header of: it was changed";
        return Err(Refused::at(Place::Header, words));
    }
    let mut sections = Sections {
        bodies: &mut bodies,
        table: &table,
        next: 0,
    };
    let lock_text = sections.text("lock")?;
    let lock = canonical::parse(&lock_text)
        .map_err(|e| Refused::at(Place::Section("lock".into()), e.to_string()))?;
    if lock.machine.memory.size != header.memory {
        let (said, locked) = (header.memory, lock.machine.memory.size);
        let words = format!("it says {said} bytes of guest memory, and the lock {locked}");
        return Err(Refused::at(Place::Header, words));
    }
    let machine = sections.value("machine")?;
    let vcpus = (0..lock.machine.vcpus.len()).map(|n| sections.value(&format!("vcpu.{n}")));
    let vcpus = vcpus.collect::<Result<_, _>>()?;
    let gic = sections.value("gic")?;
    let lines = sections.value("lines")?;
    let stateful = lock.machine.devices.iter().filter(|d| d.kind.has_state());
    let devices = stateful.map(|device| {
        let text = sections.text(&format!("device.{}", device.name))?;
        let version = table[sections.next - 1].version;
        let name = device.name.clone();
        Ok(Device {
            name,
            version,
            text,
        })
    });
    let devices = devices.collect::<Result<_, Refused>>()?;
    let mut disks = Vec::new();
    while let Some(name) = sections
        .upcoming()?
        .and_then(|name| name.strip_prefix("disk."))
    {
        disks.push((name.to_owned(), sections.value(&format!("disk.{name}"))?));
    }
    let host = match sections.upcoming()? {
        Some("host") => Some(sections.value("host")?),
        _ => None,
    };
    sections.bytes("memory")?;
    let memory = memory.unwrap_or_else(|| Err("it is missing".to_owned()));
    let memory = memory.map_err(|words| Refused::at(Place::Section("memory".into()), words))?;
    if let Some(name) = sections.upcoming()? {
        return Err(misplaced(name));
    }
    let state = State {
        machine,
        vcpus,
        gic,
        lines,
        devices,
    };
    consistent(&lock, &state, &disks)
        .map_err(|(name, words)| Refused::at(Place::Section(name), words))?;
    Ok(Saved {
        identity,
        length: header.length,
        table,
        lock_text,
        lock,
        state,
        disks,
        host,
        memory,
    })
}

/// The table, with its bytes: where each section is and how long it may be is checked before any is read.
fn table<R: ReadAt + ?Sized>(
    reader: &R,
    header: &Header,
) -> Result<(Vec<Entry>, Vec<u8>), Refused> {
    let wrong = |words: String| Err(Refused::at(Place::Table, words));
    if header.bodies() > header.length {
        return wrong("it does not fit into the file".into());
    }
    let mut bytes = vec![0; header.sections as usize * ENTRY_BYTES];
    reader.read_at(&mut bytes, header.table())?;
    let (mut table, mut offset, mut sum) = (Vec::new(), header.bodies(), 0);
    for (number, bytes) in bytes.as_chunks::<ENTRY_BYTES>().0.iter().enumerate() {
        let entry = Entry::parse(bytes, number)?;
        let name = &entry.name;
        if entry.offset != offset {
            return wrong(format!(
                "section `{name}` is said to be at {}, and can only be at {offset}",
                entry.offset
            ));
        }
        let most = section::kind(name).map_or(UNKNOWN_MAX, |(_, kind, _)| kind.bytes_max);
        if entry.length > most || entry.length > header.length - offset {
            return wrong(format!(
                "section `{name}` is said to have {} bytes, more than there can be",
                entry.length
            ));
        }
        offset += entry.length;
        sum += if name == "memory" { 0 } else { entry.length };
        table.push(entry);
    }
    if sum > BODIES_MAX {
        return wrong(format!(
            "the sections are said to have {sum} bytes, more than {BODIES_MAX}"
        ));
    }
    if offset != header.length {
        return wrong("there is something behind the last section, or that is cut off".into());
    }
    Ok((table, bytes))
}

/// What the section says that speaks of so much memory, held against its checksum and taken into the digest; or in words
/// why that is nothing. It is as long as the memory is, and read in pieces: all of one is touched, whatever is read, so that a
/// guest with more memory and the same in it takes no more of this process's.
fn chunks<R: ReadAt + ?Sized>(
    reader: &R,
    entry: &Entry,
    bytes: u64,
    digest: &mut Sha256,
) -> Result<Result<Memory, String>, Refused> {
    // Zeroes would not be touched.
    let mut room = vec![u8::MAX; ENTRIES * CHUNK_ENTRY];
    let (mut crc, mut at) = (crc32fast::Hasher::new(), 0);
    let mut memory = Memory::begin(entry.length, bytes);
    while at < entry.length {
        let count = (entry.length - at).min(room.len() as u64) as usize;
        let piece = &mut room[..count];
        reader.read_at(piece, entry.offset + at)?;
        crc.update(piece);
        digest.update(&*piece);
        memory = memory.and_then(|mut memory| {
            memory.read(at / CHUNK_ENTRY as u64, piece)?;
            Ok(memory)
        });
        at += count as u64;
    }
    match crc.finalize() == entry.crc {
        true => Ok(memory),
        false => Err(damaged(entry)),
    }
}

fn damaged(entry: &Entry) -> Refused {
    Refused::at(
        Place::Section(entry.name.clone()),
        "its CRC-32 is another: it was damaged",
    )
}

/// The bytes of a section, held against their checksum.
fn body<R: ReadAt + ?Sized>(reader: &R, entry: &Entry) -> Result<Vec<u8>, Refused> {
    // No longer than the table's reader has allowed.
    let mut bytes = vec![0; entry.length as usize];
    reader.read_at(&mut bytes, entry.offset)?;
    match crc32fast::hash(&bytes) == entry.crc {
        true => Ok(bytes),
        false => Err(damaged(entry)),
    }
}

/// The sections, one after the other.
struct Sections<'a, 'b> {
    bodies: &'b mut [Vec<u8>],
    table: &'a [Entry],
    next: usize,
}

/// A section is where it does not belong, or one is missing before it.
fn misplaced(name: &str) -> Refused {
    let words = "it does not belong there: one before it is missing, or it is one too many";
    Refused::at(Place::Section(name.to_owned()), words)
}

impl<'a> Sections<'a, '_> {
    /// The name of the next section that this program knows; others that it need not know are passed over.
    fn upcoming(&mut self) -> Result<Option<&'a str>, Refused> {
        while let Some(entry) = self.table.get(self.next) {
            let wrong = |words: String| Err(Refused::at(Place::Section(entry.name.clone()), words));
            match section::kind(&entry.name) {
                Some((_, kind, _)) if entry.version <= kind.newest => {
                    return match (entry.version != 0, entry.critical == kind.critical) {
                        (true, true) if entry.codec == kind.codec => Ok(Some(&entry.name)),
                        _ => wrong("the table says of it what is true of no such section".into()),
                    };
                }
                known if entry.critical => {
                    return wrong(match known {
                        Some((_, kind, _)) => format!(
                            "version {} is newer than this program's {}: use the vmlock that wrote the file, or a newer one",
                            entry.version, kind.newest
                        ),
                        None => "this program does not know it, and it must be known: use the vmlock that wrote the file, or a newer one".into(),
                    });
                }
                _ => self.next += 1,
            }
        }
        Ok(None)
    }

    /// The bytes of the section of that name, which has to be the next.
    fn bytes(&mut self, name: &str) -> Result<Vec<u8>, Refused> {
        match self.upcoming()? {
            Some(next) if next == name => {
                self.next += 1;
                Ok(std::mem::take(&mut self.bodies[self.next - 1]))
            }
            Some(next) if self.table.iter().any(|entry| entry.name == name) => Err(misplaced(next)),
            _ => Err(Refused::at(
                Place::Section(name.to_owned()),
                "it is missing",
            )),
        }
    }

    /// The text of the section of that name.
    fn text(&mut self, name: &str) -> Result<String, Refused> {
        String::from_utf8(self.bytes(name)?)
            .map_err(|_| Refused::at(Place::Section(name.to_owned()), "it is no text"))
    }

    /// What the section of that name says.
    fn value<T: DeserializeOwned + Serialize>(&mut self, name: &str) -> Result<T, Refused> {
        text::read(&self.text(name)?)
            .map_err(|words| Refused::at(Place::Section(name.to_owned()), words))
    }
}
