//! What has landed stays: locks of every version, and the digests of the catalogue.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use vmlock_spec::catalogue::{BASELINES, CPUS, Kind, LOCK_VERSION, REGISTERS, Text};
use vmlock_spec::lock::canonical::{LockError, parse, version_in, write};
use vmlock_spec::lock::{LockedRegister, v1, v2};
use vmlock_spec::machine::virtio::{BASE, DEVICES_MAX, PAGE, WINDOW, number};
use vmlock_spec::observation::wire::{self, virtio::parts};
use vmlock_spec::observation::{fact_name, promises};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests")
        .join(name)
}

/// The frozen locks of a version, by file name.
pub fn locks(version: u32) -> BTreeMap<String, String> {
    let folder = folder("frozen").join(format!("v{version}"));
    let entries = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    // Beside each stands the description that it was made of.
    let locks: BTreeMap<String, String> = entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|x| x == "json"))
        .map(|path| {
            let name = path.file_name().expect("a file").to_string_lossy();
            (
                name.into_owned(),
                fs::read_to_string(&path).expect("a text"),
            )
        })
        .collect();
    assert!(locks.len() > 12, "only {} locks", locks.len());
    locks
}

/// The versions that have landed.
pub const LANDED: [u32; 3] = [v1::VERSION, v2::VERSION, 3];

#[test]
fn locks_that_landed_are_read_and_written_to_the_byte() {
    for (version, (name, text)) in LANDED
        .iter()
        .flat_map(|v| locks(*v).into_iter().map(move |l| (*v, l)))
    {
        let lock = parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(write(&lock), text, "{name}");
        assert_eq!(version_in(&text), Some(version), "{name}");
        // They name the entries of today's catalogue, or one that a description made.
        let index = version as usize - 1;
        for (entry, digest) in &lock.baselines {
            let baseline = BASELINES.iter().find(|b| b.name == entry.as_str());
            let known = baseline.map(|b| b.digests[index].as_ref());
            // From version 2 on a lock's digest is over all that a baseline is a difference from.
            let chained = version > v1::VERSION && known.is_some();
            assert!(chained || known == Some(digest), "{name}: {entry}");
        }
        let cpu = CPUS.iter().find(|c| c.name == lock.cpu.model.as_str());
        match cpu.map(|c| c.digests[index].as_ref()) {
            None => assert_eq!(lock.cpu.model, "actlr", "{name}"),
            known => assert_eq!(known, Some(lock.cpu.digest.as_str()), "{name}"),
        }
    }
}

/// Half of a merge, and what a hand can do to the bytes of a device tree.
#[test]
fn a_device_tree_of_version_1_is_that_of_its_machine() {
    let locks = locks(v1::VERSION);
    let text = &locks["modern.vm.lock.json"];
    let hex = |text: &str| -> String { text.bytes().map(|b| format!("{b:02x}")).collect() };
    for (from, to, word) in [
        // 256 MiB of memory are 64 in the machine alone.
        (
            "\"size\": \"0x0000000010000000\"".to_owned(),
            "\"size\": \"0x0000000004000000\"".to_owned(),
            "`reg` of /memory@40000000",
        ),
        (
            "\"base\": \"0x0000000008000000\"".to_owned(),
            "\"base\": \"0x0000000008010000\"".to_owned(),
            "interrupt-controller",
        ),
        (hex("hvc\0"), hex("smc\0"), "`method` of /psci"),
        (
            "\"virtualTimer\": 27".to_owned(),
            "\"virtualTimer\": 26".to_owned(),
            "`interrupts` of /timer",
        ),
    ] {
        assert!(text.contains(&from), "{from}");
        match parse(&text.replacen(&from, &to, 1)) {
            Err(LockError::Inconsistent(words)) => {
                assert!(words.contains(word), "{word}: {words}");
            }
            other => panic!("{word}: {other:?}"),
        }
    }
    // An empty one, and one cut off.
    let (head, tail) = text.split_once("\"bytes\": [").expect("bytes");
    let (_, rest) = tail.split_once(']').expect("their end");
    assert!(parse(&format!("{head}\"bytes\": []{rest}")).is_err());
    let cut = format!("{head}\"bytes\": [\"d00dfeed\"]{rest}");
    assert!(matches!(parse(&cut), Err(LockError::Inconsistent(_))));
}

#[test]
fn no_key_stands_twice() {
    let locks = locks(v1::VERSION);
    let text = &locks["modern.vm.lock.json"];
    let (from, to) = ("\"kvm-6.7\":", "\"kvm-6.6\":");
    let doubled = text.replacen(from, to, 1);
    assert!(
        matches!(parse(&doubled), Err(LockError::Malformed { message, .. }) if message.contains("kvm-6.6"))
    );
    let doubled = text.replacen("\"arch\":", "\"name\": \"other\",\n  \"arch\":", 1);
    assert!(
        matches!(parse(&doubled), Err(LockError::Malformed { message, .. }) if message.contains("name"))
    );
}

/// `spec/tests/digests.txt` may only grow: a digest in a lock means the same for ever.
#[test]
fn digests_never_change() {
    let path = folder("digests.txt");
    let known = fs::read_to_string(&path).expect("the digests");
    let mut now = BTreeMap::new();
    let baselines = BASELINES.iter().map(|b| (&b.name, &b.digests));
    let cpus = CPUS.iter().map(|c| (&c.name, &c.digests));
    for (name, digests) in baselines.chain(cpus) {
        let digests: &[Text] = digests;
        assert_eq!(digests.len(), LOCK_VERSION as usize, "{name}");
        for (version, digest) in (1..).zip(digests) {
            now.insert(format!("{version} {name}"), digest.to_string());
        }
    }
    // A lock names what a vCPU begins with only where that is not zero: which registers are owed otherwise, and in which
    // bits, is the catalogue's to keep.
    for version in 2..=LOCK_VERSION {
        let state = REGISTERS.iter().filter(|r| r.kind == Kind::State);
        let owed = state.filter(|r| r.since <= version && r.unsaid.is_none());
        let text: String = owed
            .map(|r| {
                let (mask, feature, gate) = (r.promised(), &r.feature, &r.gate);
                let [feature, gate] = [feature, gate].map(|w| w.as_deref().unwrap_or("-"));
                format!("{} {:#x} {mask:#x} {feature} {gate}\n", r.name, r.reset)
            })
            .collect();
        let digest = Sha256::digest(text);
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        now.insert(format!("{version} reset"), format!("sha256-{hex}"));
    }
    for line in known.lines() {
        let (entry, digest) = line.rsplit_once(' ').expect("version, name, digest");
        let now = now.remove(entry);
        assert_eq!(
            now.as_deref(),
            Some(digest),
            "{entry} has changed or is gone"
        );
    }
    if std::env::var_os("VMLOCK_UPDATE").is_some() && !now.is_empty() {
        let more = now
            .iter()
            .map(|(entry, digest)| format!("{entry} {digest}\n"));
        let text = known + &more.collect::<String>();
        fs::write(&path, text).expect("written");
        return;
    }
    assert!(
        now.is_empty(),
        "run VMLOCK_UPDATE=1 cargo test -p vmlock-spec to freeze the digests of {:?}",
        now.keys()
    );
}

/// The examples moved to version 2: all that their locks promised before, they promise still.
#[test]
fn an_upgraded_lock_promises_what_it_promised() {
    let locks = locks(v1::VERSION);
    for name in ["hibernate", "modern", "pinned", "portable"] {
        let old = parse(&locks[&format!("{name}.vm.lock.json")]).expect("a lock");
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../examples")
            .join(format!("{name}.vm.lock.json"));
        let new = parse(&fs::read_to_string(&path).expect("a text")).expect("a lock");
        assert_eq!((old.lock_version, new.lock_version), (1, v2::VERSION));
        for was in &old.registers {
            let is = new.registers.iter().find(|r| r.id == was.id);
            let is = is.unwrap_or_else(|| panic!("{name}: {} is gone", was.name));
            let promise = |r: &LockedRegister| {
                let waived = r.vary.iter().map(|w| w.field.clone());
                (r.value, r.mask, r.rule, waived.collect::<Vec<_>>())
            };
            assert_eq!(promise(is), promise(was), "{name}: {}", was.name);
        }
        for was in &old.hypercalls.answers {
            let is = new.hypercalls.answers.iter().find(|a| a.call == was.call);
            assert_eq!(
                is.map(|a| a.answer),
                Some(was.answer),
                "{name}: {}",
                was.call
            );
        }
        for was in &old.gic.registers {
            let is = new.gic.registers.iter().find(|r| r.name == was.name);
            assert_eq!(is.map(|r| r.value), Some(was.value), "{name}: {}", was.name);
        }
        assert_eq!(new.features, old.features, "{name}");
        assert_eq!(new.counters, old.counters, "{name}");
        assert_eq!(new.machine.memory, old.machine.memory, "{name}");
        assert_eq!(new.machine.vcpus, old.machine.vcpus, "{name}");
    }
}

/// `spec/tests/virtio.txt` may only grow: what a kind of virtio device shows is the same for ever, the constants
/// included that no lock names. It is that of the devices of `frozen/v3/kinds.vm.lock.json`.
#[test]
fn what_a_kind_of_virtio_device_shows_never_changes() {
    let path = folder("virtio.txt");
    let known = fs::read_to_string(&path).expect("what they show");
    let lock = parse(&locks(3)["kinds.vm.lock.json"]).expect("a lock");
    let devices = lock.machine.devices.iter().filter(|d| d.virtio.is_some());
    let names: Vec<&str> = devices.clone().map(|d| d.name.as_str()).collect();
    let mut now = vec![format!(
        "windows {BASE:#x} {PAGE:#x} {WINDOW:#x} {DEVICES_MAX}"
    )];
    for device in devices {
        let (kind, queues) = number(device.kind).expect("a virtio device");
        now.push(format!("{} kind {kind} {queues:?}", device.name));
    }
    for promise in promises(&lock) {
        if wire::kind_of(promise.key) != Some(wire::Kind::Virtio) {
            continue;
        }
        let (index, _) = parts(wire::id_of(promise.key));
        let name = fact_name(promise.key);
        let (_, what) = name.split_once('.').expect("a device and what it shows");
        let value = promise.value.expect("a value");
        assert_eq!(promise.mask, u64::MAX);
        now.push(format!("{} {what} {value:#x}", names[index as usize]));
    }
    assert!(now.len() > 6 * 30, "only {} lines", now.len());
    for line in known.lines() {
        let at = now.iter().position(|other| other == line);
        now.remove(at.unwrap_or_else(|| panic!("`{line}` has changed or is gone")));
    }
    if std::env::var_os("VMLOCK_UPDATE").is_some() && !now.is_empty() {
        fs::write(&path, known + &now.join("\n") + "\n").expect("written");
        return;
    }
    assert!(now.is_empty(), "VMLOCK_UPDATE=1 freezes {now:?}");
}
