//! Everything that the witness can see is promised, or named as unpromised, and hosts that keep one lock differ in
//! nothing else.

use crate::frozen::{LANDED, locks};
use crate::plans::hosts;
use crate::truth::{lock, spec};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::Path;
use vmlock_spec::catalogue::{Field, Kind, register_by_id};
use vmlock_spec::lock::{Lock, Waiver, canonical};
use vmlock_spec::observation::unpromised::{self, ROWS, newer, open, row};
use vmlock_spec::observation::{
    Promise, Sighting, audit, fact_name, key_of, promises, questions, settled,
};
use vmlock_spec::plan::{Step, Way, plan};
use vmlock_spec::report::Seen;
use vmlock_spec::vm::Feature::{self, Mte, Pauth, Pmu, Sve};

/// Locks of every kind: those that landed, and new ones with and without features.
fn all_locks() -> BTreeMap<String, Lock> {
    let landed = LANDED
        .iter()
        .flat_map(|v| locks(*v).into_iter().map(move |l| (v, l)));
    let mut all: BTreeMap<String, Lock> = landed
        .map(|(version, (name, text))| {
            let lock = canonical::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
            (format!("{version} {name}"), lock)
        })
        .collect();
    let models = ["cortex-a72", "cortex-a76", "neoverse-n1", "max"];
    let baselines = ["kvm-5.10", "kvm-6.1", "kvm-6.8", "kvm-6.12", "kvm-7.3"];
    let sets: [&[Feature]; 2] = [&[], &[Pmu]];
    for (model, baseline, features) in models
        .iter()
        .flat_map(|m| baselines.iter().map(move |b| (m, b)))
        .flat_map(|(m, b)| sets.iter().map(move |f| (m, b, f)))
    {
        let lock = lock(&spec(&[baseline], model, features));
        all.insert(format!("{model} {baseline} {features:?}"), lock);
    }
    let mut everything = spec(&["kvm-6.12"], "max", &[Pmu, Sve, Pauth, Mte]);
    everything.cpu.vector_lengths = vec![128, 256];
    all.insert("everything".to_owned(), lock(&everything));
    all.insert("devices".to_owned(), crate::virtio::full());
    let mut waiving = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    waiving.vary = vec!["ICC_CTLR_EL1.PRIbits".to_owned()];
    all.insert("priority bits waived".to_owned(), lock(&waiving));
    all
}

/// The same lock, with every field of every register waived: whatever hangs on a field is promised no more.
fn waived(lock: &Lock) -> Lock {
    let mut lock = lock.clone();
    for entry in &mut lock.registers {
        let fields = register_by_id(entry.id).map_or(&[][..], |info| info.fields.as_ref());
        let waiver = |field: &Field| Waiver {
            field: field.name.to_string(),
            mask: field.mask(),
            from: "spec/vary".to_owned(),
        };
        entry.vary = fields.iter().map(waiver).collect();
    }
    lock
}

#[test]
fn everything_that_the_witness_looks_at_is_promised_or_named() {
    let mut named = BTreeSet::new();
    let both = |(which, lock): (String, Lock)| {
        let waived = (format!("{which}, all waived"), waived(&lock));
        [(which, lock), waived]
    };
    for (which, lock) in all_locks().into_iter().flat_map(both) {
        let promised: BTreeSet<u64> = promises(&lock).into_iter().map(|p| p.key).collect();
        let newer = newer(&lock);
        for key in questions::keys(&lock) {
            if promised.contains(&key) {
                continue;
            }
            let row = row(key, &newer).unwrap_or_else(|| {
                panic!("{which}: neither promised nor named: {}", fact_name(key))
            });
            named.insert(row.name);
        }
        let open = open(&lock);
        // The answers about a mitigation, and the registers of priorities.
        let waives = open
            .iter()
            .any(|row| row.name == "What a description waives");
        let waiver = lock.registers.iter().any(|entry| !entry.vary.is_empty());
        assert!(waiver || !waives, "{which} waives nothing");
        assert!(waives || !which.ends_with("waived"), "{which}");
        for row in open {
            assert!(
                row.facts.is_empty() || named.contains(row.name),
                "{}",
                row.name
            );
        }
    }
    // The other way round: no row, and no name in one, is left over.
    let lock = all_locks().remove("everything").expect("it is there");
    let keys: BTreeSet<u64> = questions::keys(&lock).into_iter().collect();
    let names: Vec<_> = keys.iter().map(|key| fact_name(*key)).collect();
    for row in ROWS {
        assert!(
            row.facts.is_empty() || named.contains(row.name),
            "{} names nothing",
            row.name
        );
        for pattern in row.facts {
            assert!(
                names.iter().any(|name| unpromised::matches(pattern, name)),
                "{}: {pattern} is nothing that is looked at",
                row.name
            );
        }
    }
    for promise in promises(&lock) {
        assert!(
            keys.contains(&promise.key),
            "{} is promised, and not looked at",
            promise.name()
        );
    }
}

#[test]
fn nothing_is_promised_twice() {
    for (which, lock) in all_locks() {
        let mut seen: BTreeMap<(u32, u64), Promise> = BTreeMap::new();
        for promise in promises(&lock) {
            let at = (promise.vcpu, promise.key);
            if let Some(before) = seen.insert(at, promise) {
                panic!("{which}: {before:?} and {promise:?}");
            }
        }
    }
}

#[test]
fn what_nothing_names_is_a_finding() {
    let lock = lock(&spec(&["kvm-6.8"], "neoverse-n1", &[]));
    let mut facts: Vec<Sighting> = promises(&lock)
        .into_iter()
        .map(|promise| Sighting {
            vcpu: promise.vcpu,
            key: promise.key,
            seen: promise.value.map_or(Seen::Undefined, Seen::Value),
        })
        .collect();
    let mut see = |name: &str| {
        facts.push(Sighting {
            vcpu: 0,
            key: key_of(name).expect("it is a register"),
            seen: Seen::Value(1),
        });
        audit(&lock, &facts, Vec::new())
    };
    let found = see("DBGAUTHSTATUS_EL1");
    assert!(found.kept() && found.unnamed().is_empty());
    assert_eq!(found.observed()[0].unpromised, "DBGAUTHSTATUS_EL1");
    let found = see("S3_0_C12_C0_5");
    assert!(!found.kept());
    assert_eq!(found.unnamed()[0].name, "S3_0_C12_C0_5");
}

/// Of each lock, all recorded hosts that keep it: what a guest saw there by default and neither promise nor row speaks
/// of is alike, and what is promised is either as seen or brought about by the plan.
#[test]
fn hosts_that_keep_one_lock_differ_in_nothing_that_is_not_named() {
    let hosts = hosts();
    let mut kept = 0;
    let mut compared = 0;
    for (which, lock) in all_locks() {
        let mut features = lock.features.clone();
        features.retain(|f| f.has_view());
        features.sort();
        let newer = newer(&lock);
        let keys = questions::keys(&lock).into_iter();
        let asked: HashMap<_, u64> = keys.map(|key| (fact_name(key), key)).collect();
        let promised: HashMap<(u32, String), Promise> = promises(&lock)
            .into_iter()
            .map(|p| ((p.vcpu, p.name().into_owned()), p))
            .collect();
        for (name, host) in &hosts {
            let plan = plan(&lock, host);
            if !plan.refusals.is_empty() {
                continue;
            }
            kept += 1;
            let view = host.view(&features).expect("it was planned");
            let brought: BTreeSet<&str> = plan
                .keeps
                .iter()
                .filter(|k| k.step.is_some() || matches!(k.way, Way::Set | Way::Emulate))
                .map(|k| k.name.as_str())
                .collect();
            let closed = plan.steps().any(|s| matches!(s, Step::ForwardRanges(_)));
            let hidden = plan
                .steps()
                .any(|s| matches!(s, Step::Distributor | Step::IidrRevision(_)));
            for fact in &view.guest {
                // The probe's machine is another: its own addresses, and a distributor of its own.
                let of_machine = fact.name.starts_with("GICR_TYPER") || fact.name.contains("found");
                let vcpus = lock.machine.vcpus.len() as u32;
                if of_machine || fact.vcpu >= vcpus || vcpus < 2 {
                    continue;
                }
                match promised.get(&(fact.vcpu, fact.name.clone())) {
                    Some(promise) => {
                        let by_filter = closed && fact.name.starts_with("SMC ");
                        let by_proxy = hidden && fact.name.starts_with("GIC");
                        // How many counters there are.
                        let by_pmcr = brought.contains("PMCR_EL0") && fact.name.starts_with("PMEV");
                        let lengths = |s: &Step| matches!(s, Step::VectorLengths(_));
                        let by_cut = fact.name.starts_with("SVE") && plan.steps().any(lengths);
                        let by_step = plan.steps().any(|s| matches!(s, Step::StolenTime(_)))
                            && (fact.name.contains("PV_TIME") || fact.name.contains("stolen"));
                        // What a vCPU begins with is written, and written again where it is started later. A register
                        // that is written stands there too, of which each audit's witness reads CLIDR_EL1 and others.
                        let by_start = fact.name.strip_suffix(" at a later entry");
                        let by_start = by_start.is_some_and(|r| {
                            brought.contains(r)
                                || brought.contains(format!("{r} at entry").as_str())
                        });
                        let by_field = settled::decided_by(promise.key)
                            .is_some_and(|register| brought.contains(register));
                        let set = by_pmcr
                            || by_field
                            || by_start
                            || by_step
                            || by_cut
                            || brought.contains(fact.name.as_str())
                            || by_filter
                            || by_proxy;
                        assert!(
                            set || promise.kept(fact.seen),
                            "{which} on {name}: vCPU {} sees {} as {:?}, and nothing changes that",
                            fact.vcpu,
                            fact.name,
                            fact.seen
                        );
                        compared += 1;
                    }
                    None => assert!(
                        asked
                            .get(fact.name.as_str())
                            .is_some_and(|key| row(*key, &newer).is_some()),
                        "{which} on {name}: {} is neither promised nor named",
                        fact.name
                    ),
                }
            }
        }
    }
    assert!(
        kept > 150 && compared > 50_000,
        "{kept} plans, {compared} facts"
    );
}

/// No write reaches what is unpromised: of all registers that the recorded kernels list, those that a row names take no
/// other value, or belong to a running guest. PMCR_EL0 takes one, and reads zero without a PMU all the same.
#[test]
fn no_kernel_lets_what_is_unpromised_be_written() {
    let mut listed = 0;
    for (name, host) in hosts() {
        for view in &host.views {
            for register in &view.registers {
                let mut patterns = ROWS.iter().flat_map(|row| row.facts);
                if !patterns.any(|pattern| unpromised::matches(pattern, &register.name)) {
                    continue;
                }
                let state = register_by_id(register.id).is_some_and(|r| r.kind == Kind::State);
                let fixed = register.writable == 0 && register.accepts.is_empty();
                let without = |feature| !view.features.contains(&feature);
                let unread = register.name == "PMCR_EL0" && without(Pmu);
                let of_pmu = matches!(&*register.name, "PMCR_EL0" | "PMMIR_EL1");
                // KVM lists the caches that CLIDR_EL1 names, and a lock promises them.
                let promised = of_pmu && !without(Pmu) || register.name.starts_with("CCSIDR_EL1[");
                let excused = state || fixed || unread || promised;
                assert!(excused, "{} can be written on {name}", register.name);
                listed += 1;
            }
        }
    }
    assert!(listed > 1000, "only {listed} are listed");
}

/// The list may only shrink: `tests/unpromised.txt` has what was unpromised when it was made.
#[test]
fn nothing_is_unpromised_that_was_not() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/unpromised.txt");
    let before = fs::read_to_string(&path).expect("what was unpromised");
    let before: Vec<&str> = before.lines().collect();
    let now: Vec<String> = ROWS
        .iter()
        .flat_map(|row| row.facts.iter().map(|fact| format!("{}: {fact}", row.name)))
        .collect();
    for line in &now {
        assert!(
            before.contains(&line.as_str()),
            "{line}: the list may only shrink"
        );
    }
    assert_eq!(
        before.len(),
        now.len(),
        "what is promised now leaves the list"
    );
}

/// README's section "What a lock does not promise" is the table.
#[test]
fn the_readme_says_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = fs::read_to_string(&path).expect("the README");
    let (before, rest) = readme
        .split_once("<!-- unpromised -->\n")
        .expect("where it begins");
    let (now, after) = rest.split_once("<!-- / -->\n").expect("where it ends");
    let wanted: String = ROWS.iter().map(item).collect();
    if now != wanted
        && std::env::var_os("VMLOCK_UPDATE").is_some()
        && std::env::var_os("CI").is_none()
    {
        let text = format!("{before}<!-- unpromised -->\n{wanted}<!-- / -->\n{after}");
        fs::write(&path, text).expect("the README");
        return;
    }
    assert_eq!(
        now, wanted,
        "VMLOCK_UPDATE=1 cargo test -p vmlock-spec --test it unpromised"
    );
}

/// A row as an item of a list, in lines of at most 88 columns.
fn item(row: &unpromised::Row) -> String {
    let mut out = String::new();
    let mut line = "*".to_owned();
    let text = format!("**{}**{}", row.name, row.clause());
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > 88 {
            out.push_str(&line);
            out.push('\n');
            line = " ".to_owned();
        }
        line.push(' ');
        line.push_str(word);
    }
    out + &line + "\n"
}
