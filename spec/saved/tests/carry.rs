//! Between which of the recorded hosts each example's guest can go, and how: every pair of hosts that keep its lock, with a
//! guest that has left alone what some kernels keep to themselves, and with one that has not.
//!
//! `VMLOCK_UPDATE=1 cargo test -p vmlock-saved --test carry` rewrites `tests/carry.txt`; a continuous integration run
//! (`CI` set) refuses to.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};
use vmlock_saved::carry::{Carry, Way, carry};
use vmlock_saved::hex::{Hex32, Hex64};
use vmlock_saved::owned::{Read, own};
use vmlock_saved::state::{
    Gic, Interrupts, Lines, Machine, Power, Redistributor, Serror, State, Vcpu,
};
use vmlock_spec::catalogue::{RegisterInfo, register_by_id};
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::plan::plan;
use vmlock_spec::report::{self, HostReport};

/// Files of a folder that end so, by the rest of their names.
fn read<T>(folder: &str, end: &str, parse: impl Fn(&str) -> T) -> BTreeMap<String, T> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = fs::read_dir(folder).expect("it is a folder").flatten();
    let named = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok()?;
        let text = fs::read_to_string(entry.path()).ok()?;
        Some((name.strip_suffix(end)?.to_owned(), parse(&text)))
    });
    named.collect()
}

/// What a guest has in a register that it has used: something, but no timer that fires and no PMU that counts.
fn used(info: &RegisterInfo) -> u64 {
    match info.name.as_ref() {
        "CNTP_CTL_EL0" => 2,
        "PMCR_EL0" => 0x40,
        "PMCCFILTR_EL0" => 0x8000_0000,
        name if name.starts_with("PMEVTYPER") => 0x8000_0011,
        name if name.starts_with("PM") => 2,
        _ => 0x0101_0101_0101_0102,
    }
}

/// A guest of that lock, as it is saved on that host.
fn saved(lock: &Lock, host: &HostReport, all: bool) -> State {
    let mut features = lock.features.clone();
    features.sort();
    let view = host.view(&features).expect("the host keeps the lock");
    let value = |id: &u64| -> Option<Read> {
        let info = register_by_id(*id)?;
        let value = match all || info.untold.is_none() {
            true => used(info),
            false => 0,
        };
        let bytes = 1 << (id >> 52 & 0xf);
        Some((*id, value.to_le_bytes().repeat(32)[..bytes].to_vec()))
    };
    let read: Vec<Read> = view.registers.iter().filter_map(|r| value(&r.id)).collect();
    let registers = own(&read, lock).expect("all have names");
    let limits = lock.registers.iter().find(|r| r.name == "ICC_CTLR_EL1");
    let limits = Hex64(limits.map_or(0, |entry| entry.value));
    let count = lock.machine.vcpus.len();
    State {
        machine: Machine {
            virtual_counter: Hex64(0),
            wall_clock: 0,
        },
        vcpus: vec![
            Vcpu {
                power: Power::On,
                serror: Serror::None,
                registers,
            };
            count
        ],
        gic: Gic {
            control: Hex32(0),
            shared: Vec::new(),
            redistributors: vec![
                Redistributor {
                    control: Hex32(0),
                    properties: Hex64(0),
                    pending_table: Hex64(0),
                    private: Interrupts::default(),
                    interface: BTreeMap::from([("ICC_CTLR_EL1".to_owned(), limits)]),
                };
                count
            ],
        },
        lines: Lines::default(),
        devices: Vec::new(),
    }
}

/// All but what goes over as it is, in a line.
fn said(carry: &Carry) -> String {
    let mut words: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for line in carry.lines() {
        if line.way != Way::Same {
            words.entry(line.way.word()).or_default().push(line.name);
        }
    }
    let refused = carry.refusals.iter().map(|refusal| refusal.name.as_str());
    words.entry("refuse").or_default().extend(refused);
    let some = words.iter().filter(|(_, names)| !names.is_empty());
    let parts: Vec<String> = some
        .map(|(way, names)| format!("{way} {}", names.join(" ")))
        .collect();
    match parts.is_empty() {
        true => "all as it is".to_owned(),
        false => parts.join("; "),
    }
}

/// Sorts by what is a number in a series.
fn series(host: &str) -> (u32, u32) {
    let series = host.rsplit('-').next().and_then(|s| s.split_once('.'));
    let number = |text: &str| text.parse().unwrap_or(0);
    series.map_or((0, 0), |(major, minor)| (number(major), number(minor)))
}

/// Hosts to which a guest goes in one way, and which.
type Ways<'a> = Vec<(Vec<&'a str>, String)>;

#[test]
fn every_pair_of_recorded_hosts_is_as_expected() {
    let hosts = read("../catalogue/hosts", ".json", |text| {
        report::parse(text).expect("it is a report")
    });
    let locks = read("../../examples", ".vm.lock.json", |text| {
        canonical::parse(text).expect("it is a lock")
    });
    assert!(hosts.len() >= 44 && locks.len() >= 5);
    let (mut out, mut pairs) = (String::new(), 0);
    for (name, lock) in &locks {
        let mut keep: Vec<(&String, &HostReport)> = hosts
            .iter()
            .filter(|(_, host)| plan(lock, host).refusals.is_empty())
            .collect();
        keep.sort_by_key(|(host, _)| {
            (
                host.rsplit_once('-').map(|(cpu, _)| cpu.to_owned()),
                series(host),
            )
        });
        for (all, title) in [
            (false, "left alone what some kernels keep"),
            (true, "used all that it has"),
        ] {
            let _ = writeln!(out, "{name}, a guest that has {title}");
            // Kernels from which and to which it is the same stand in one line.
            let mut lines: Vec<(Vec<&str>, Ways<'_>)> = Vec::new();
            for (from, host) in &keep {
                let state = saved(lock, host, all);
                let mut ways = Ways::new();
                for (to, host) in &keep {
                    pairs += 1;
                    let said = said(&carry(&state, lock, host));
                    match ways.iter_mut().find(|(_, other)| *other == said) {
                        Some((to_all, _)) => to_all.push(to),
                        None => ways.push((vec![to], said)),
                    }
                }
                match lines.iter_mut().find(|(_, other)| *other == ways) {
                    Some((from_all, _)) => from_all.push(from),
                    None => lines.push((vec![from], ways)),
                }
            }
            for (from, ways) in lines {
                let _ = writeln!(out, "  from {}", from.join(" "));
                for (to, said) in ways {
                    let _ = writeln!(out, "    to {}\n      {said}", to.join(" "));
                }
            }
        }
    }
    assert!(pairs > 500, "{pairs}");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/carry.txt");
    if env::var_os("VMLOCK_UPDATE").is_some() {
        assert!(
            env::var_os("CI").is_none(),
            "nothing is expected anew there"
        );
        fs::write(&path, &out).expect("the checkout can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        out == expected,
        "VMLOCK_UPDATE=1 rewrites tests/carry.txt:\n{out}"
    );
}

/// A guest that was saved once goes, for ever, to each recorded host of its CPU.
#[test]
fn guests_that_were_saved_once_go_to_each_host_of_their_cpu() {
    let hosts = read("../catalogue/hosts", ".json", |text| {
        report::parse(text).expect("it is a report")
    });
    let of_theirs = || {
        hosts
            .iter()
            .filter(|(name, _)| name.starts_with("cortex-a72-"))
    };
    assert!(of_theirs().count() >= 11);
    for kernel in ["5.10", "7.3"] {
        let pages = format!("tests/frozen/guests/{kernel}.pages");
        let pages = fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(pages));
        let mut file = Vec::new();
        for page in pages.expect("it is checked in").chunks(8 + 4096) {
            let (at, page) = page.split_at(8);
            let at = u64::from_le_bytes(at.try_into().expect("eight bytes"));
            file.resize(usize::try_from(at).expect("it fits"), 0);
            file.extend(page);
        }
        let saved = vmlock_saved::open(&file[..]).expect("it is read for ever");
        for (host, report) in of_theirs() {
            let kept = plan(&saved.lock, report).refusals;
            assert!(kept.is_empty(), "{kernel} to {host}: {kept:?}");
            let carry = carry(&saved.state, &saved.lock, report);
            assert!(
                carry.refusals.is_empty(),
                "{kernel} to {host}: {:?}",
                carry.refusals
            );
            assert!(carry.vcpus.len() == saved.state.vcpus.len() && carry.vcpus[0].len() > 100);
        }
    }
}
