//! Saved guests, without their memory: `vmlock explain` and `vmlock diff`.

use crate::scratch::{Scratch, err, out, report_of, root};
use std::fs::{self, File};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use vmlock_saved::device::Device;
use vmlock_saved::file::{CHUNK_BYTES, HEADER_BYTES};
use vmlock_saved::hex::{Hex32, Hex64, Value};
use vmlock_saved::owned::own;
use vmlock_saved::state::{
    Covers, Gic, Host, INTERFACE, Interrupts, Lines, Machine, Power, Redistributor, Serror, Shared,
    Vcpu,
};
use vmlock_saved::{Contents, Saved, State, WriteAt, Writer, open};
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::canonical;
use vmlock_spec::report;

/// The file of version 1 that is kept for ever. Its memory is a hole here.
fn frozen(scratch: &Scratch, name: &str) -> File {
    let path = root().join("spec/saved/tests/frozen/v1.sections");
    let frozen = fs::read(path).unwrap();
    let (header, rest) = frozen.split_at(HEADER_BYTES);
    let table = u64::from_le_bytes(header[32..40].try_into().unwrap());
    let mut file = File::options();
    let file = file.create(true).truncate(true).read(true).write(true);
    let file = file.open(scratch.0.join(name)).unwrap();
    write_at(&file, header, 0).unwrap();
    write_at(&file, rest, table).unwrap();
    file
}

/// Writes to a place in a file.
fn write_at(mut file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

/// Writes to a file.
struct Target(File);

impl WriteAt for Target {
    fn write_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        write_at(&self.0, bytes, offset)
    }
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The same guest, but for what is done to it; the first bytes of its first chunks.
fn other(scratch: &Scratch, name: &str, chunks: &[u8], change: impl FnOnce(&mut Saved)) {
    let mut saved = open(&frozen(scratch, "frozen.save")).unwrap();
    change(&mut saved);
    let target = Target(File::create(scratch.0.join(name)).unwrap());
    let mut writer = Writer::new(target, saved.memory.bytes()).unwrap();
    for (number, byte) in (0..).zip(chunks) {
        let mut chunk = vec![0; CHUNK_BYTES as usize];
        chunk[0] = *byte;
        writer.chunk(number, &chunk).unwrap();
    }
    let contents = Contents {
        lock: &saved.lock_text,
        state: &saved.state,
        disks: &saved.disks,
        host: saved.host.as_ref().unwrap(),
    };
    writer.finish(&contents).unwrap();
}

#[test]
fn one_is_explained_or_refused_by_its_section() {
    let scratch = Scratch::new("saved-explain");
    let file = frozen(&scratch, "web.save");
    let told = scratch.vmlock(&["explain", "web.save"]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    for words in [
        "a guest that was saved",
        "1, 1 of them on",
        "of which 4 MiB",
        "section   vcpu.0",
    ] {
        assert!(out(&told).contains(words), "no {words}: {}", out(&told));
    }
    let (exit, object) = scratch.json(&["explain", "web.save"]);
    assert_eq!((exit, &object["saved"]["chunks"]), (0, &2.into()));
    let end = file.metadata().unwrap().len();
    write_at(&file, &[9], end - 1).unwrap();
    for command in [
        &["explain", "web.save"][..],
        &["diff", "web.save", "web.save"],
    ] {
        let refused = scratch.vmlock(command);
        assert_eq!(refused.status.code(), Some(4), "{}", err(&refused));
        let words = "section `memory`: its CRC-32 is another";
        assert!(err(&refused).contains(words), "{}", err(&refused));
    }
}

#[test]
fn of_each_disk_it_is_said_whether_its_digest_is_over_all_of_it() {
    let scratch = Scratch::new("saved-disks");
    for whole in [false, true] {
        other(&scratch, "web.save", &[], |saved| {
            assert!(!saved.disks.is_empty());
            for (_, disk) in &mut saved.disks {
                disk.size = 40960;
                disk.covers = match whole {
                    true => Covers::All,
                    false => Covers::Blocks(vec![0, 1, 9]),
                };
            }
        });
        let told = scratch.vmlock(&["explain", "web.save"]);
        assert_eq!(told.status.code(), Some(0), "{}", err(&told));
        let words = match whole {
            true => ": 40960 bytes, with a digest over all of it",
            false => ": 40960 bytes, with a digest over a part, 3 of its 10 blocks of 4096 bytes",
        };
        let text = out(&told).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(words), "no {words}: {text}");
        let (exit, object) = scratch.json(&["explain", "web.save"]);
        let disks = object["saved"]["disks"].as_array().unwrap();
        assert!(exit == 0 && !disks.is_empty());
        assert!(disks.iter().all(|disk| disk["whole"] == whole), "{disks:?}");
    }
}

#[test]
fn two_differ_by_names() {
    let scratch = Scratch::new("saved-diff");
    other(&scratch, "a.save", &[1, 2, 0, 4], |_| ());
    other(&scratch, "b.save", &[1, 3, 3, 0], |saved| {
        let state = &mut saved.state;
        state.machine.virtual_counter = Hex64(0x1234);
        let registers = &mut state.vcpus[0].registers;
        for (name, bytes) in [("X7", 8), ("SCTLR_EL1", 8), ("V3", 16)] {
            let info = register_by_name(name).unwrap();
            let value = Value::new(&[0xee; 16][..bytes]);
            registers.set(info, value).unwrap();
        }
        let first = &mut state.gic.shared[0];
        first.interrupts.priority[1] = Hex32(0x1000_0000);
        first.routes[2] = Hex64(3);
        let redistributor = &mut state.gic.redistributors[0];
        redistributor.private.level = Hex32(1 << 27);
        let mask = redistributor.interface.get_mut("ICC_PMR_EL1").unwrap();
        *mask = Hex64(0x77);
        let device = &mut state.devices[0];
        device.text = device.text.replace('7', "8");
    });
    let told = scratch.vmlock(&["diff", "a.save", "b.save"]);
    assert_eq!(told.status.code(), Some(1), "{}", err(&told));
    let (exit, object) = scratch.json(&["diff", "a.save", "b.save"]);
    assert_eq!(exit, 1);
    let changes = object["changes"].as_array().unwrap();
    for name in [
        "virtual counter",
        "vCPU 0 X7",
        "vCPU 0 SCTLR_EL1",
        "vCPU 0 V3",
        "GICD_IPRIORITYR9",
        "GICD_IROUTER34",
        "vCPU 0 lines of INTIDs 0–31",
        "vCPU 0 ICC_PMR_EL1",
        "device ",
        "memory",
    ] {
        let begins = |c: &&serde_json::Value| c["name"].as_str().unwrap().starts_with(name);
        assert!(changes.iter().any(|c| begins(&c)), "no {name}: {changes:?}");
        assert!(out(&told).contains(name), "no {name}: {}", out(&told));
    }
    assert!(
        out(&told).contains("3 chunks of 2 MiB differ"),
        "{}",
        out(&told)
    );
    let same = scratch.vmlock(&["diff", "a.save", "a.save"]);
    assert_eq!(same.status.code(), Some(0), "{}", err(&same));
    let lock = root().join("spec/tests/frozen/v3/oldest.vm.lock.json");
    let unlike = scratch.vmlock(&["diff", "a.save", lock.to_str().unwrap()]);
    assert_eq!(unlike.status.code(), Some(2), "{}", err(&unlike));
    assert!(err(&unlike).contains("a saved guest"), "{}", err(&unlike));
}

/// A guest of that lock that has just begun on 6.12, but for its physical timer's compare value; and how long its memory is.
fn begun(text: &str, compare: u64) -> (State, u64) {
    let lock = canonical::parse(text).unwrap();
    let report = fs::read_to_string(report_of("cortex-a72", "6.12")).unwrap();
    let report = report::parse(&report).unwrap();
    let mut features = lock.features.clone();
    features.sort();
    let listed = &report.view(&features).unwrap().registers;
    let read = listed.iter().map(|register| {
        let value: u64 = match register.name.as_str() {
            "PSTATE" => 0x3c5,
            "CNTP_CVAL_EL0" => compare,
            _ => 0,
        };
        let bytes = 1 << (register.id >> 52 & 0xf);
        (
            register.id,
            [value.to_le_bytes().to_vec(), vec![0; 248]].concat()[..bytes].to_vec(),
        )
    });
    let vcpu = Vcpu {
        power: Power::On,
        serror: Serror::None,
        registers: own(&read.collect::<Vec<_>>(), &lock).unwrap(),
    };
    let limits = lock.registers.iter().find(|r| r.name == "ICC_CTLR_EL1");
    let limits = limits.unwrap().value;
    let interface = INTERFACE.iter().filter(|(_, always)| *always);
    let interface = interface.map(|(name, _)| {
        let value = if *name == "ICC_CTLR_EL1" { limits } else { 0 };
        (name.to_string(), Hex64(value))
    });
    let redistributor = Redistributor {
        control: Hex32(0),
        properties: Hex64(0),
        pending_table: Hex64(0),
        private: Interrupts::default(),
        interface: interface.collect(),
    };
    let count = lock.machine.vcpus.len();
    let devices = lock.machine.devices.iter();
    let state = State {
        machine: Machine {
            virtual_counter: Hex64(0),
            wall_clock: 0,
        },
        vcpus: vec![vcpu; count],
        gic: Gic {
            control: Hex32(0),
            shared: vec![Shared::default(); lock.gic.interrupts as usize / 32 - 1],
            redistributors: vec![redistributor; count],
        },
        lines: Lines::default(),
        devices: devices
            .map(|d| Device::of(&d.name, 1, &[0]).unwrap())
            .collect(),
    };
    (state, lock.machine.memory.size)
}

#[test]
fn one_is_checked_on_hosts_as_its_lock_is() {
    let scratch = Scratch::new("saved-check");
    let lock = fs::read_to_string(root().join("examples/portable.vm.lock.json")).unwrap();
    let save = |name: &str, compare: u64| {
        let file = Target(File::create(scratch.0.join(name)).unwrap());
        let (state, memory) = begun(&lock, compare);
        let contents = Contents {
            lock: &lock,
            state: &state,
            disks: &[],
            host: &Host {
                report: None,
                kernel: "6.12.118".into(),
                writer: "0.1.0".into(),
            },
        };
        let writer = Writer::new(file, memory).unwrap();
        writer.finish(&contents).unwrap();
    };
    save("alone.save", 0);
    save("used.save", 77);
    let hosts = ["6.12", "5.10"].map(|series| report_of("cortex-a72", series));
    let [new, old] = [&*hosts[0], &*hosts[1]];
    let (exit, object) = scratch.json(&["check", "alone.save", "--host", new, old]);
    assert_eq!((exit, &object["kept"]), (0, &true.into()), "{object}");
    let dropped = object["hosts"][1]["carried"].as_array().unwrap();
    let names: Vec<&str> = dropped
        .iter()
        .map(|line| line["name"].as_str().unwrap())
        .collect();
    assert!(names.contains(&"CNTP_CVAL_EL0"), "{names:?}");
    let told = scratch.vmlock(&["check", "alone.save", "--host", old]);
    assert_eq!(told.status.code(), Some(0), "{}", err(&told));
    assert!(
        out(&told).contains("  drop      CNTP_CVAL_EL0"),
        "{}",
        out(&told)
    );
    let refused = scratch.vmlock(&["check", "used.save", "--host", old]);
    assert_eq!(refused.status.code(), Some(3), "{}", err(&refused));
    for words in [
        "refused CNTP_CVAL_EL0 [host::state]",
        "the guest has CNTP_CVAL_EL0 with 0x000000000000004d",
    ] {
        let text = out(&refused)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ");
        assert!(text.contains(words), "no {words}: {}", out(&refused));
    }
    let table = scratch.vmlock(&["check", "alone.save", "used.save", "--host", new, old]);
    assert_eq!(table.status.code(), Some(3), "{}", err(&table));
    assert!(out(&table).contains("no: 1 entry"), "{}", out(&table));
    let (exit, object) = scratch.json(&["check", "used.save", "--host", new]);
    assert_eq!((exit, &object["kept"]), (0, &true.into()), "{object}");
}
