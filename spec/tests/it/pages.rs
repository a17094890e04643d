//! Hosts whose pages are 64 KiB, which no kernel of Debian's has: `tests/hosts/README.md` says how they were recorded.

use crate::plans::host;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::plan::plan;
use vmlock_spec::report::{self, HostReport, View};

/// A fact of which an older witness looked at less, and that says where the witness's own program lies.
const LATER: &str = " at a later entry";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn with_64k(cpu: &str) -> HostReport {
    let path = root().join(format!("tests/hosts/{cpu}-6.12-64k.json"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let host = report::parse(&text).unwrap_or_else(|e| panic!("{cpu}: {e}"));
    assert_eq!(
        report::write(&host),
        text,
        "{cpu} is not as probe writes it"
    );
    host
}

/// The examples and the lab's own locks, by file.
fn locks() -> BTreeMap<String, Lock> {
    let mut all = BTreeMap::new();
    for folder in ["../examples", "../lab/tests/specs"] {
        let entries = fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
        for path in entries.map(|entry| entry.expect("an entry").path()) {
            let name = path.to_string_lossy().into_owned();
            if name.ends_with(".vm.lock.json") {
                let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{name}: {e}"));
                let lock = canonical::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
                all.insert(name, lock);
            }
        }
    }
    all
}

/// What a view's guest read, by vCPU and name.
fn read(view: &View) -> BTreeMap<(u32, &str), &report::Seen> {
    let facts = view.guest.iter().filter(|f| !f.name.ends_with(LATER));
    facts
        .map(|f| ((f.vcpu, f.name.as_str()), &f.seen))
        .collect()
}

#[test]
fn hosts_with_pages_of_64_kib_keep_and_refuse_what_those_of_4_kib_do() {
    let locks = locks();
    for cpu in ["cortex-a72", "neoverse-n1"] {
        let (small, large) = (host(&format!("{cpu}-6.12")), with_64k(cpu));
        let (mut kept, mut refused) = (0, 0);
        for (name, lock) in &locks {
            let planned = plan(lock, &large);
            match planned.refusals.is_empty() {
                true => kept += 1,
                false => refused += 1,
            }
            assert_eq!(planned, plan(lock, &small), "{name} on {cpu}");
        }
        assert!(kept >= 5 && refused >= 5, "{cpu}: {kept} and {refused}");
    }
}

/// Of what both tell everything is the same: nothing of a host's pages is in what KVM shows of its CPU.
#[test]
fn what_a_guest_sees_has_nothing_of_its_hosts_pages() {
    for cpu in ["cortex-a72", "neoverse-n1"] {
        let (mut small, mut large) = (host(&format!("{cpu}-6.12")), with_64k(cpu));
        assert!(!small.views.is_empty(), "{cpu}");
        for (few, many) in small.views.iter().zip(&large.views) {
            let (few_read, many_read) = (read(few), read(many));
            let both = few_read
                .iter()
                .filter(|(of, _)| many_read.contains_key(*of));
            let both: Vec<_> = both.collect();
            assert!(both.len() > 500, "{cpu}: {} facts", both.len());
            for (of, seen) in both {
                assert_eq!(many_read[of], *seen, "{of:?} on {cpu}");
            }
        }
        for view in small.views.iter_mut().chain(&mut large.views) {
            view.guest.clear();
        }
        assert_eq!(large, small, "{cpu}");
    }
}
