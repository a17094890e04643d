//! A file against all that can be wrong with one: damage to every byte, every end, lies with the right checksums,
//! a disk that is full at every write.

use super::header::HEADER_BYTES;
use super::memory::{CHUNK_BYTES, MEMORY_AT, Memory};
use super::table::{Codec, ENTRY_BYTES};
use super::write::{Body, bodies, seal};
use super::{Contents, Failed, Place, ReadAt, Refused, Saved, WriteAt, Writer, open};
use crate::device::Device;
use crate::hex::{Hex32, Hex64, Value};
use crate::state::{
    Covers, Disk, Gic, Host, INTERFACE, Interrupts, Lines, Machine, Power, Redistributor,
    Registers, Serror, Shared, State, Vcpu, is_state,
};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::{env, fs};
use vmlock_spec::catalogue::REGISTERS;
use vmlock_spec::lock::{DeviceKind, canonical};

const LOCK: &str = include_str!("../../../tests/frozen/v3/oldest.vm.lock.json");
const PAGE: u64 = 4096;

/// A file in memory, without what is zero in it.
#[derive(Clone, Default)]
struct Sparse {
    pages: BTreeMap<u64, Vec<u8>>,
    length: u64,
    /// After so many writes and syncs, nothing works any more.
    left: Option<u32>,
}

/// Where in its page an offset is, and how many of so many bytes are in that page.
fn within(offset: u64, bytes: usize) -> (usize, usize) {
    let place = (offset % PAGE) as usize;
    (place, bytes.min(PAGE as usize - place))
}

impl Sparse {
    fn step(&mut self) -> io::Result<()> {
        match &mut self.left {
            Some(0) => Err(io::ErrorKind::StorageFull.into()),
            Some(left) => {
                *left -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn put(&mut self, bytes: &[u8], offset: u64) {
        let mut at = 0;
        while at < bytes.len() {
            let (place, count) = within(offset + at as u64, bytes.len() - at);
            let number = (offset + at as u64) / PAGE;
            let page = self.pages.entry(number);
            let page = page.or_insert_with(|| vec![0; PAGE as usize]);
            page[place..place + count].copy_from_slice(&bytes[at..at + count]);
            at += count;
        }
        self.length = self.length.max(offset + bytes.len() as u64);
    }

    fn flip(&mut self, at: u64, bit: u8) {
        let mut byte = [0];
        self.read_at(&mut byte, at).expect("it is there");
        self.put(&[byte[0] ^ bit], at);
    }
}

impl WriteAt for Sparse {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.step()?;
        self.put(bytes, offset);
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.step()
    }
}

impl ReadAt for Sparse {
    fn length(&self) -> io::Result<u64> {
        Ok(self.length)
    }
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        if offset + bytes.len() as u64 > self.length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut at = 0;
        while at < bytes.len() {
            let (place, count) = within(offset + at as u64, bytes.len() - at);
            let number = (offset + at as u64) / PAGE;
            match self.pages.get(&number) {
                Some(page) => bytes[at..at + count].copy_from_slice(&page[place..place + count]),
                None => bytes[at..at + count].fill(0),
            }
            at += count;
        }
        Ok(())
    }
}

/// A state of the lock's machine in which no two registers hold the same.
fn state() -> State {
    state_of(LOCK)
}

/// The same of the machine of another lock.
fn state_of(text: &str) -> State {
    let lock = canonical::parse(text).expect("it is frozen");
    let number = Cell::new(0x1122_3344_5566_7788u64);
    let next = || {
        number.set(number.get().rotate_left(9).wrapping_add(0x9e37_79b9));
        number.get()
    };
    let interrupts = || Interrupts {
        group: Hex32(u32::MAX),
        enabled: Hex32(next() as u32),
        pending: Hex32(next() as u32),
        active: Hex32(1),
        level: Hex32(0),
        configuration: [Hex32(0xaaaa_aaaa), Hex32(0)],
        priority: [Hex32(0xa0a0_a0a0); 8],
    };
    let vcpu = |power| {
        let mut registers = Registers::default();
        let mut own = REGISTERS
            .iter()
            .filter(|i| is_state(i) && i.feature.is_none() && i.gate.is_none());
        own.try_for_each(|info| {
            let bytes = 1usize << (info.id >> 52 & 0xf);
            let value = match info.name.as_ref() {
                "PSTATE" => Value::of(0x3c5, bytes),
                _ => Value::new(&next().to_le_bytes().repeat(32)[..bytes]),
            };
            registers.set(info, value)
        })
        .expect("they are state");
        let serror = Serror::Syndrome(0x12);
        Vcpu {
            power,
            serror,
            registers,
        }
    };
    let interface = INTERFACE.iter().filter(|(_, always)| *always);
    let interface: BTreeMap<_, _> = interface
        .map(|(name, _)| (name.to_string(), Hex64(next())))
        .collect();
    State {
        machine: Machine {
            virtual_counter: Hex64(next()),
            wall_clock: 1_795_000_000_000_000_000,
        },
        vcpus: (0..lock.machine.vcpus.len())
            .map(|n| vcpu(if n == 0 { Power::On } else { Power::Off }))
            .collect(),
        gic: Gic {
            control: Hex32(0x12),
            shared: (1..lock.gic.interrupts / 32)
                .map(|_| Shared {
                    interrupts: interrupts(),
                    routes: [Hex64(1); 32],
                })
                .collect(),
            redistributors: lock
                .machine
                .vcpus
                .iter()
                .map(|_| Redistributor {
                    control: Hex32(0),
                    properties: Hex64(0),
                    pending_table: Hex64(0),
                    private: interrupts(),
                    interface: interface.clone(),
                })
                .collect(),
        },
        lines: Lines {
            up: vec![lock.machine.devices[0].interrupt],
        },
        devices: lock
            .machine
            .devices
            .iter()
            .filter(|device| device.kind.has_state())
            .map(|device| {
                Device::of(&device.name, 1, &BTreeMap::from([("scratch", 7)])).expect("it is JSON")
            })
            .collect(),
    }
}

fn disks() -> Vec<(String, Disk)> {
    let lock = canonical::parse(LOCK).expect("it is frozen");
    let disks = lock
        .machine
        .devices
        .into_iter()
        .filter(|d| d.kind == DeviceKind::VirtioBlock);
    let disk = Disk {
        size: 8192,
        covers: Covers::Blocks(vec![0, 1]),
        digest: format!("sha256-{}", "5a".repeat(32)),
    };
    disks.map(|device| (device.name, disk.clone())).collect()
}

fn host() -> Host {
    Host {
        report: None,
        kernel: "6.12.118".into(),
        writer: "0.1.0".into(),
    }
}

/// A chunk with something in its middle and at its end.
fn chunk() -> Vec<u8> {
    let mut bytes = vec![0; CHUNK_BYTES as usize];
    bytes[70_000] = 0x77;
    bytes[CHUNK_BYTES as usize - 1] = 0x99;
    bytes
}

fn memory_bytes() -> u64 {
    canonical::parse(LOCK)
        .expect("it is frozen")
        .machine
        .memory
        .size
}

/// The file of that state, unless writing fails.
fn save(target: Sparse) -> Result<Sparse, Failed> {
    let mut writer = Writer::new(target, memory_bytes())?;
    let mut first = chunk();
    first[3] = 1;
    writer.chunk(3, &first)?;
    writer.chunk(3, &chunk())?;
    writer.chunk(0, &chunk())?;
    writer.chunk(5, &chunk())?;
    writer.chunk(5, &vec![0; CHUNK_BYTES as usize])?;
    let (state, disks, host) = (state(), disks(), host());
    let contents = Contents {
        lock: LOCK,
        state: &state,
        disks: &disks,
        host: &host,
    };
    writer.finish(&contents).map(|(target, _)| target)
}

fn saved() -> Sparse {
    save(Sparse::default()).expect("nothing fails")
}

fn read(file: &Sparse) -> Saved {
    open(file).expect("it is one")
}

/// Where a file is refused, with the words.
fn refused(file: &Sparse) -> (Option<Place>, String) {
    let refused = open(file).expect_err("it is none");
    (refused.place().cloned(), refused.to_string())
}

fn table_at() -> u64 {
    MEMORY_AT + memory_bytes()
}

/// It is new in each machine: no section is about it, and no line is its own.
#[test]
fn a_generation_id_is_not_in_the_file() {
    let text = include_str!("../../../tests/frozen/v3/generation.vm.lock.json");
    let lock = canonical::parse(text).expect("it is frozen");
    assert!(lock.machine.generation_id().is_some());
    let mut state = state_of(text);
    assert_eq!(state.devices.len() + 1, lock.machine.devices.len());
    let written = |state: &State| {
        let writer = Writer::new(Sparse::default(), lock.machine.memory.size);
        let contents = Contents {
            lock: text,
            state,
            disks: &[],
            host: &host(),
        };
        writer.and_then(|writer| writer.finish(&contents))
    };
    let (file, _) = written(&state).expect("nothing fails");
    assert_eq!(read(&file).state, state);
    // Writer and reader hold a state against its lock by the same rules.
    state.lines.up = vec![66];
    let words = written(&state).map(|_| ()).expect_err("it is a lie");
    let words = words.to_string();
    assert!(words.contains("lines: a line is up that is no"), "{words}");
}

#[test]
fn what_is_written_is_read() {
    let file = saved();
    let read = read(&file);
    assert_eq!(read.state, state());
    assert_eq!(read.disks, disks());
    assert_eq!(read.host, Some(host()));
    assert_eq!(read.lock_text, LOCK);
    let mut there = Vec::new();
    let mut bytes = Vec::new();
    for number in read.memory.there() {
        read.chunk(&file, number, &mut bytes, true)
            .expect("it is what was written");
        assert!(bytes[..] == chunk(), "chunk {number}");
        there.push(number);
    }
    assert_eq!(there, [0, 3]);
    // What is zero takes no room, but where something else was: in chunk 3.
    assert!(file.pages.len() < 600, "{} pages", file.pages.len());
}

/// A file of container version 1, without what is zero in it, is read for ever, and written as it was.
#[test]
fn a_file_of_version_1_stays_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/frozen/v1.sections");
    let file = saved();
    let mut bytes = vec![0; HEADER_BYTES];
    file.read_at(&mut bytes, 0).expect("it is there");
    let mut rest = vec![0; (file.length - table_at()) as usize];
    file.read_at(&mut rest, table_at()).expect("it is there");
    bytes.extend(rest);
    if !path.exists() && env::var_os("VMLOCK_UPDATE").is_some() {
        fs::write(&path, &bytes).expect("it can be written");
    }
    let frozen = fs::read(&path).expect("it is checked in");
    let mut old = Sparse::default();
    old.put(&frozen[..HEADER_BYTES], 0);
    old.put(&frozen[HEADER_BYTES..], table_at());
    assert!(again(&old) == frozen);
}

/// The same of what two kernels made of a guest, each page behind its place in the file.
#[test]
fn the_file_of_a_guest_that_ran_stays_one() {
    for kernel in ["5.10", "7.3"] {
        let name = format!("tests/frozen/guests/{kernel}.pages");
        let pages = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
        let pages = pages.expect("it is checked in");
        let mut old = Sparse::default();
        for page in pages.chunks(8 + PAGE as usize) {
            let (at, page) = page.split_at(8);
            let at = at.try_into().expect("eight bytes");
            old.put(page, u64::from_le_bytes(at));
        }
        let saved = read(&old);
        let host = saved.host.as_ref().expect("it says so");
        assert!(host.kernel.starts_with(&format!("{kernel}.")), "{host:?}");
        let again = again(&old);
        let mut rest = vec![0; again.len() - HEADER_BYTES];
        let table = MEMORY_AT + saved.memory.bytes();
        old.read_at(&mut rest, table).expect("it is there");
        assert!(again[HEADER_BYTES..] == rest, "{kernel}");
        let mut bytes = Vec::new();
        for number in 0..saved.memory.count() {
            let chunk = saved.chunk(&old, number, &mut bytes, true);
            chunk.expect("it is what was saved");
        }
        assert!(saved.memory.there().len() > 0);
    }
}

/// Header, table and sections of what that file says.
fn again(old: &Sparse) -> Vec<u8> {
    let old = read(old);
    let contents = Contents {
        lock: &old.lock_text,
        state: &old.state,
        disks: &old.disks,
        host: old.host.as_ref().expect("it says so"),
    };
    let bodies = bodies(&contents, &old.memory).expect("it can be said");
    let (header, table, identity) = seal(&bodies, old.memory.bytes());
    assert!(identity == old.identity);
    let mut again = [&header[..], &table].concat();
    bodies.iter().for_each(|body| again.extend(&body.bytes));
    again
}

#[test]
fn each_byte_of_header_table_and_sections_counts() {
    let mut file = saved();
    let entries = read(&file).table;
    let mut flip = |at: u64, place: &dyn Fn(&Place) -> bool| {
        let bit = 1 << (at % 8);
        file.flip(at, bit);
        let (found, words) = refused(&file);
        assert!(
            found.as_ref().is_some_and(place),
            "byte {at}: {found:?}, {words}"
        );
        file.flip(at, bit);
    };
    let header = |place: &Place| matches!(place, Place::Header | Place::File);
    (0..HEADER_BYTES as u64).for_each(|at| flip(at, &header));
    let bodies = table_at() + (entries.len() * ENTRY_BYTES) as u64;
    (table_at()..bodies).for_each(|at| flip(at, &|place| !matches!(place, Place::Chunk(_))));
    let mut flipped = 0;
    for entry in &entries {
        for at in entry.offset..entry.offset + entry.length {
            flip(at, &|place| *place == Place::Section(entry.name.clone()));
            flipped += 1;
        }
    }
    assert!(flipped > 40_000, "only {flipped} bytes");
    open(&file).expect("each was flipped back");
}

#[test]
fn each_chunk_is_held_against_its_digest() {
    let file = saved();
    let read = read(&file);
    let mut bytes = Vec::new();
    let mut altered = file.clone();
    let mut each = |number: u64, at: u64| {
        altered.flip(Memory::offset(number) + at, 0x10);
        for intent in [false, true] {
            let refused = read
                .chunk(&altered, number, &mut bytes, intent)
                .expect_err("it is another");
            assert_eq!(refused.place(), Some(&Place::Chunk(number)));
        }
        altered.flip(Memory::offset(number) + at, 0x10);
    };
    // Each at another place; those with something in them, and their neighbours, at three more.
    let count = memory_bytes() / CHUNK_BYTES;
    (0..count).for_each(|number| each(number, number * 16_411 % CHUNK_BYTES));
    for number in [0, 1, 3, 4] {
        for at in [0, 70_000, CHUNK_BYTES - 1] {
            each(number, at);
        }
    }
    assert!(count > 100, "only {count} chunks");
    let none = read
        .memory
        .check(1 << 40, &chunk(), true)
        .expect_err("there is none");
    assert_eq!(none.place(), Some(&Place::Chunk(1 << 40)));
}

#[test]
fn no_prefix_is_a_file_and_nothing_may_follow() {
    let whole = saved();
    let mut file = whole.clone();
    let mut tried = 0;
    // All ends but those in the guest's memory, of which a few.
    let memory = (MEMORY_AT..table_at()).step_by(CHUNK_BYTES as usize);
    for end in (0..HEADER_BYTES as u64 + 2)
        .chain(memory.flat_map(|at| [at - 1, at, at + 1]))
        .chain(table_at()..whole.length)
    {
        file.length = end;
        let (place, words) = refused(&file);
        assert_eq!(place, Some(Place::File), "the first {end} bytes: {words}");
        let named = match end < HEADER_BYTES as u64 {
            true => words.contains("shorter than the header"),
            false => words.contains(&format!("it has {end} bytes, and its header says")),
        };
        assert!(named, "the first {end} bytes: {words}");
        tried += 1;
    }
    assert!(tried > 40_000, "only {tried}");
    let mut file = whole.clone();
    file.length += 1;
    assert_eq!(refused(&file).0, Some(Place::File));
}

#[test]
fn foreign_and_newer_files_are_refused_by_name() {
    let empty: &[u8] = &[];
    assert!(matches!(
        open(empty),
        Err(Refused::Wrong {
            place: Place::File,
            ..
        })
    ));
    let text = b"{ \"lockVersion\": 3 }\n".repeat(400);
    let foreign = open(&text[..]).expect_err("it is text");
    assert!(foreign.to_string().contains("no saved guest"), "{foreign}");
    let unfinished = open(&[0; 5000][..]).expect_err("it has no header");
    assert!(
        unfinished.to_string().contains("not come to the end"),
        "{unfinished}"
    );
    let mut newer = saved();
    newer.put(&2u16.to_le_bytes(), 16);
    assert!(refused(&newer).1.contains("container version 2 is newer"));
    for (what, place, words) in [
        ("machine", "machine", "version 2 is newer"),
        ("surprise", "surprise", "does not know it"),
    ] {
        let file = sealed(|bodies| match what {
            "machine" => body(bodies, "machine").version = 2,
            _ => bodies.insert(
                2,
                Body {
                    name: what.into(),
                    version: 1,
                    critical: true,
                    codec: Codec::Json,
                    bytes: b"{}\n".to_vec(),
                },
            ),
        });
        let (found, said) = refused(&file);
        assert_eq!(found, Some(Place::Section(place.into())));
        assert!(said.contains(words), "{said}");
    }
    // What need not be known is passed over: a newer `host`, and something that nobody knows.
    let file = sealed(|bodies| {
        body(bodies, "host").version = 9;
        let name = "hint".to_owned();
        bodies.insert(
            1,
            Body {
                name,
                version: 1,
                critical: false,
                codec: Codec::Raw,
                bytes: vec![1; 9],
            },
        );
    });
    assert_eq!(read(&file).host, None);
}

fn body<'a>(bodies: &'a mut [Body], name: &str) -> &'a mut Body {
    bodies
        .iter_mut()
        .find(|body| body.name == name)
        .expect("there is one")
}

/// A file with the right checksums, whatever was done to its sections.
fn sealed(lie: impl FnOnce(&mut Vec<Body>)) -> Sparse {
    let (state, disks, host) = (state(), disks(), host());
    let contents = Contents {
        lock: LOCK,
        state: &state,
        disks: &disks,
        host: &host,
    };
    let memory = memory_bytes();
    let mut bodies = bodies(&contents, &Memory::empty(memory)).expect("it can be said");
    lie(&mut bodies);
    let (header, table, _) = seal(&bodies, memory);
    let mut file = Sparse::default();
    file.put(&header, 0);
    file.put(&table, table_at());
    let mut at = table_at() + table.len() as u64;
    for body in &bodies {
        file.put(&body.bytes, at);
        at += body.bytes.len() as u64;
    }
    file.length = at;
    file
}

/// Right checksums and another meaning: a text of a section that is replaced, and where that is noticed.
#[test]
fn sealed_lies_are_refused_by_the_name_of_their_section() {
    open(&sealed(|_| ())).expect("nothing was changed");
    let lies: &[(&str, &str, &str)] = &[
        ("machine", "\"wallClock\": 1", "\"wallClock\": 01"),
        ("machine", "\"wallClock\"", "\"wallclock\""),
        ("machine", "0x", "0X"),
        ("machine", ",\n", ",\n\n"),
        ("vcpu.0", "\"power\": \"on\"", "\"power\": \"half\""),
        ("vcpu.0", "\"X0\": ", "\"X00\": "),
        ("vcpu.0", "\"X1\": ", "\"X0\": "),
        ("vcpu.0", "\"X0\": ", "\"MIDR_EL1\": "),
        ("vcpu.0", "\"X0\": ", "\"CNTVCT_EL0\": "),
        ("vcpu.0", "\"X0\": \"0x", "\"X0\": \"0x00"),
        (
            "vcpu.0",
            "\"PSTATE\": \"0x00000000000003c5\"",
            "\"PSTATE\": \"0x00000000000003c9\"",
        ),
        ("vcpu.0", "\"syndrome\": 18", "\"syndrome\": 4000000000"),
        ("vcpu.0", "\"registers\"", "\"register\""),
        ("gic", "ICC_PMR_EL1", "ICC_PMR_EL9"),
        ("gic", "\"control\": ", "\"more\": 1, \"control\": "),
        (
            "gic",
            "\"level\": \"0x00000000\"",
            "\"level\": \"0x00010000\"",
        ),
        (
            "gic",
            "\"level\": \"0x00000000\"",
            "\"level\": \"0x00000001\"",
        ),
        ("lines", "[", "[31, "),
        ("lines", "[", "[\n    4294967295,"),
        ("host", "\"kernel\"", "\"Kernel\""),
    ];
    for (name, from, to) in lies {
        let file = sealed(|bodies| {
            let body = body(bodies, name);
            let text = String::from_utf8(body.bytes.clone()).expect("it is text");
            assert!(text.contains(from), "{name} has no {from}");
            body.bytes = text.replacen(from, to, 1).into();
        });
        let (place, words) = refused(&file);
        assert_eq!(
            place,
            Some(Place::Section((*name).into())),
            "{from} → {to}: {words}"
        );
    }
}

#[test]
fn sections_are_all_there_once_and_in_order() {
    let names: Vec<String> = read(&saved())
        .table
        .into_iter()
        .map(|entry| entry.name)
        .collect();
    for (at, name) in names.iter().enumerate() {
        let gone = sealed(|bodies| drop(bodies.remove(at)));
        let twice = sealed(|bodies| bodies.insert(at, bodies[at].clone()));
        match name.as_str() {
            "host" => assert_eq!(read(&gone).host, None),
            _ => assert_eq!(refused(&gone).0, Some(Place::Section(name.clone()))),
        }
        assert_eq!(refused(&twice).0, Some(Place::Section(name.clone())));
        if at > 0 {
            let (place, words) = refused(&sealed(|bodies| bodies.swap(at - 1, at)));
            assert!(matches!(place, Some(Place::Section(_))), "{name}: {words}");
        }
    }
    assert!(names.len() > 6, "{names:?}");
}

/// A chunk that is said to be something else than there is; sizes that there are not.
#[test]
fn lies_about_memory_and_sizes() {
    let file = sealed(|bodies| body(bodies, "memory").bytes[0] = 2);
    assert_eq!(refused(&file).0, Some(Place::Section("memory".into())));
    let file = sealed(|bodies| body(bodies, "memory").bytes.truncate(40));
    assert_eq!(refused(&file).0, Some(Place::Section("memory".into())));
    let file = sealed(|bodies| body(bodies, "machine").bytes.resize(5000, b' '));
    assert_eq!(refused(&file).0, Some(Place::Table));
    for bytes in [0, 1, CHUNK_BYTES + 4096, u64::MAX, 8 << 40] {
        assert!(Writer::new(Sparse::default(), bytes).is_err(), "{bytes}");
    }
    let (mut state, disks, host) = (state(), disks(), host());
    state.vcpus.push(state.vcpus[0].clone());
    let contents = Contents {
        lock: LOCK,
        state: &state,
        disks: &disks,
        host: &host,
    };
    let writer = Writer::new(Sparse::default(), memory_bytes()).expect("it fits");
    assert!(matches!(
        writer.finish(&contents),
        Err(Failed::Unsayable(_))
    ));
}

/// Whichever write or sync fails, there is no header: nobody takes the rest for a guest.
#[test]
fn a_disk_that_is_full_leaves_no_file() {
    let mut failed = 0;
    loop {
        let target = Sparse {
            left: Some(failed),
            ..Sparse::default()
        };
        match save(target) {
            Ok(file) => {
                open(&file).expect("nothing failed");
                break;
            }
            Err(error) => assert!(matches!(error, Failed::Unwritable(_)), "{error}"),
        }
        failed += 1;
    }
    assert!(failed > 15, "only {failed} writes");
}
