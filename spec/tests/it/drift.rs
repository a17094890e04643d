//! Drift between recorded hosts of two kernel series, with the newer one's baseline unknown: what is found, applied to
//! the CPU models, is what the catalogue says. And hosts that were altered in one thing: each alteration is noticed.

use crate::plans::{host, hosts};
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::catalogue::{Baseline, CPUS, Catalogue, Kind, SiliconValue, register_by_name};
use vmlock_spec::drift::{
    Drift, Host, Kept, Machine, Question, Remedy, Restored, Unfit, drift, nearest,
};
use vmlock_spec::lock::{Binding, Lock};
use vmlock_spec::observation::{Promise, key_named, promises};
use vmlock_spec::report::{Fact, HostReport, Seen};
use vmlock_spec::resolve::{Target, resolve};
use vmlock_spec::vm::{Cpu, Feature, VmSpec};

/// An older and a newer series; whether the older one's baseline is right of `max` too, since before 6.12 nobody holds
/// it against that CPU; and with what begin the names of what changes and no statement says, since no lock promises it.
const PAIRS: [(&str, &str, bool, &[&str]); 5] = [
    (
        "6.1",
        "6.12",
        false,
        &[
            "CCSIDR_EL1[",
            "CSSELR_EL1 at ",
            "PMCCNTR_EL0",
            "PMCR_EL0",
            "PMEVTYPER",
            // Which registers a call leaves changed, where there was none before.
            "SMC ",
        ],
    ),
    (
        "6.12",
        "6.18",
        true,
        &[
            // A CPU that is turned on once more finds its timers reset, where it found them as it had left them.
            "CNTP_CTL_EL0 at a later entry",
            "CNTP_CVAL_EL0 at a later entry",
            "CNTV_CVAL_EL0 at a later entry",
            "SMIDR_EL1",
        ],
    ),
    ("6.18", "7.0", true, &["GMID_EL1", "SMIDR_EL1"]),
    ("7.0", "7.1", true, &[]),
    ("7.1", "7.2", true, &["PMMIR_EL1"]),
];

const CPUS_HELD: [&str; 4] = ["cortex-a72", "cortex-a76", "neoverse-n1", "max"];

/// What was known when that whole baseline was the newest.
fn known_until(newest: &str) -> Catalogue {
    let all = Catalogue::builtin();
    let chain = all.chain(newest).expect("it is known");
    let parts = all.baseline_names().filter_map(|name| all.baseline(name));
    let parts = parts.filter(|baseline| baseline.part.is_some());
    let baselines: Vec<Baseline> = chain.into_iter().chain(parts).cloned().collect();
    // Of an imported model ACTLR_EL1 has to be said, where ours have zero.
    let mut cpus = CPUS.to_vec();
    for cpu in &mut cpus {
        if cpu.registers.iter().all(|r| r.register != "ACTLR_EL1") {
            cpu.registers.to_mut().push(SiliconValue {
                register: "ACTLR_EL1".into(),
                value: 0,
                source: "a test".into(),
            });
        }
    }
    let mut catalogue = Catalogue::default();
    catalogue
        .import(baselines, cpus)
        .expect("no name stands twice");
    assert_eq!(catalogue.releases().last(), Some(&newest));
    catalogue
}

/// Against a baseline by its own name.
fn against<'a>(
    catalogue: &Catalogue,
    baseline: &str,
    hosts: &[Host<'a>],
) -> Result<Drift<'a>, Unfit> {
    let question = Question {
        catalogue,
        baseline,
        named: baseline,
        source: "a test",
    };
    drift(question, hosts)
}

fn lock(
    catalogue: &Catalogue,
    abi: &str,
    model: &str,
    features: &[Feature],
    lengths: &[u32],
) -> Lock {
    let cpu = Cpu::bare(model, 2, features, lengths);
    let spec = VmSpec::bare("test", &[abi], cpu, 64 << 20);
    resolve(&spec, catalogue, &Target::NEWEST).map_or_else(|e| panic!("{e:#?}"), |(lock, _)| lock)
}

/// Everything that a guest is promised, by name.
fn promised(lock: &Lock) -> BTreeMap<String, u64> {
    let registers = lock.registers.iter();
    let registers = registers.map(|r| (r.name.clone(), r.value & r.mask));
    let gic = lock.gic.registers.iter();
    let gic = gic.map(|r| (r.name.clone(), r.value.into()));
    let answers = lock.hypercalls.answers.iter();
    let answers = answers.map(|a| (a.call.clone(), a.answer));
    registers.chain(gic).chain(answers).collect()
}

#[test]
fn drift_that_is_made_a_baseline_is_what_the_catalogue_says() {
    let (recorded, mut guests, mut restored) = (hosts(), 0, 0);
    for (old, new, with_max, beside) in PAIRS {
        let cpus = CPUS_HELD
            .into_iter()
            .filter(|cpu| with_max || *cpu != "max");
        let host = |model| Host {
            model,
            report: &recorded[&format!("{model}-{new}")],
            old: Some(&recorded[&format!("{model}-{old}")]),
        };
        let all: Vec<Host<'_>> = cpus.map(host).collect();
        let (from, to) = (format!("kvm-{old}"), format!("kvm-{new}"));
        let mut then = known_until(&from);
        assert!(then.baseline(&to).is_none());
        let found = against(&then, &from, &all).unwrap_or_else(|e| panic!("{e:?}"));
        assert!(
            found.unknown.is_empty(),
            "{old} to {new}: {:?}",
            found.unknown
        );
        let unsaid: BTreeSet<&str> = found.unsaid.keys().map(|u| u.name.as_str()).collect();
        let is_one = |name: &&str| beside.iter().any(|start| name.starts_with(start));
        assert!(unsaid.iter().all(is_one), "{old} to {new}: {unsaid:?}");
        for start in beside {
            let told = unsaid.iter().any(|name| name.starts_with(start));
            assert!(told, "{old} to {new}, {start}: {unsaid:?}");
        }
        let mut made: Baseline = then.baseline(&from).expect("it is known").clone();
        made.name = "made".into();
        made.after = Some(from.into());
        made.statements = found.statements().into();
        then.import(vec![made], Vec::new())
            .expect("a name of its own");
        for guest in &found.guests {
            let Host { model, report, .. } = all[guest.machine.host];
            let (features, lengths) = (&guest.machine.features, &report.vector_lengths);
            let made = lock(&then, "made", model, features, lengths);
            let said = lock(&Catalogue::builtin(), &to, model, features, lengths);
            let place = format!("{old} to {new} on {model}, {features:?}");
            assert_eq!(promised(&made), promised(&said), "{place}");
            guests += 1;
        }
        for entry in &found.entries {
            let words = &entry.statement;
            assert!(!entry.seen.is_empty(), "{old} to {new}: {words:?}");
        }
        let seen = found.entries.iter().flat_map(|entry| &entry.seen);
        restored += seen
            .filter(|s| matches!(s.restored, Restored::By { .. }))
            .count();
        for together in &found.together {
            assert!(together.refused.is_empty(), "{together:?}");
        }
    }
    assert!(
        guests >= 40 && restored >= 10,
        "{guests} guests, {restored} restored"
    );
}

/// A host against itself, altered.
fn altered(name: &str, alter: impl FnOnce(&mut HostReport)) -> (HostReport, HostReport) {
    let old = host(name);
    let mut new = old.clone();
    alter(&mut new);
    assert!(old != new, "{name} was not altered");
    (old, new)
}

/// What is unsaid of a host that was altered, by name, with what can be done about it.
fn unsaid(
    model: &str,
    series: &str,
    (old, new): &(HostReport, HostReport),
) -> BTreeMap<String, Remedy> {
    let host = Host {
        model,
        report: new,
        old: Some(old),
    };
    let catalogue = Catalogue::builtin();
    let found = against(&catalogue, series, &[host]).expect("it can be applied");
    assert!(!found.is_none());
    let unsaid = found.unsaid.into_keys();
    unsaid.map(|one| (one.name, one.remedy)).collect()
}

#[test]
fn a_kernel_without_a_change_does_not_drift_and_is_nearest_to_its_baseline() {
    let recorded = hosts();
    for model in ["cortex-a72", "neoverse-n1", "max"] {
        let report = &recorded[&format!("{model}-7.3")];
        let old = &recorded[&format!("{model}-7.2")];
        let host = Host {
            model,
            report,
            old: Some(old),
        };
        let catalogue = known_until("kvm-7.2");
        let found = against(&catalogue, "kvm-7.2", &[host]).expect("it can be applied");
        assert!(found.is_none(), "{model}: {:?}", found.unsaid);
        assert!(found.by_promises().is_empty(), "{model}");
        assert_eq!(nearest(&catalogue, host).as_deref(), Some("kvm-7.2"));
        // Where nobody has looked at the old kernel or the silicon, nothing says which vectors there were.
        let alone = Host { old: None, ..host };
        let found = against(&catalogue, "kvm-7.2", &[alone]).expect("it can be applied");
        let silicon = catalogue
            .cpu(model)
            .map(|cpu| !cpu.vector_lengths.is_empty());
        let told = report.vector_lengths.is_empty() || silicon == Some(true);
        assert_eq!(found.unknown.is_empty(), told, "{:?}", found.unknown);
        // That what no lock promises was not compared is said of the host.
        assert_eq!(found.by_promises(), BTreeSet::from([0]));
    }
}

/// One of this many promises is altered: all of them take a minute.
const ONE_OF: usize = 6;

/// Of a register that a lock promises a bit, and an answer: a host that shows something else drifts.
#[test]
fn whatever_is_promised_and_shown_otherwise_is_drift() {
    let (model, series) = ("neoverse-n1", "kvm-7.3");
    let old = host("neoverse-n1-7.3");
    let catalogue = Catalogue::builtin();
    let locked = lock(&catalogue, series, model, &[], &[]);
    let drifts = |new: &HostReport| {
        let host = Host {
            model,
            report: new,
            old: Some(&old),
        };
        let found = against(&catalogue, series, &[host]).expect("it can be applied");
        !found.is_none()
    };
    assert!(!drifts(&old));
    let (mut tried, mut answers) = (0, 0);
    let readable = locked.registers.iter().filter(|r| r.guest_readable());
    let promised = readable.filter(|r| r.promised() != 0 && r.rule != Binding::Absent);
    for entry in promised.step_by(ONE_OF) {
        let bit = 1 << entry.promised().trailing_zeros();
        let mut new = old.clone();
        let view = &mut new.views[0];
        let mut altered = false;
        for register in view.registers.iter_mut().filter(|r| r.id == entry.id) {
            register.value = register.value.map(|value| value ^ bit);
            altered = true;
        }
        for fact in view.guest.iter_mut().filter(|f| f.name == entry.name) {
            if let Seen::Value(value) = &mut fact.seen {
                *value ^= bit;
                altered = true;
            }
        }
        if altered {
            assert!(drifts(&new), "{} bit {bit:#x}", entry.name);
            tried += 1;
        }
    }
    for answer in locked.hypercalls.answers.iter().step_by(ONE_OF) {
        let mut new = old.clone();
        let facts = new.views[0].guest.iter_mut();
        let mut facts = facts.filter(|f| f.name == answer.call).peekable();
        assert!(facts.peek().is_some(), "nobody asked {}", answer.call);
        facts.for_each(|fact| fact.seen = Seen::Value(0x7777));
        assert!(drifts(&new), "{}", answer.call);
        answers += 1;
    }
    assert!(
        tried >= 60 / ONE_OF && answers >= 120 / ONE_OF,
        "{tried} registers, {answers} answers"
    );
}

#[test]
fn features_that_are_gone_are_drift_with_and_without_a_host_of_before() {
    let loses = |feature: Feature| {
        altered("max-7.3", |new| match feature {
            Feature::StealTime => new.stolen_time = false,
            _ => new.views.retain(|v| !v.features.contains(&feature)),
        })
    };
    let catalogue = Catalogue::builtin();
    for feature in &[Feature::Pmu, Feature::Mte, Feature::StealTime] {
        let pair = loses(*feature);
        let found = unsaid("max", "kvm-7.3", &pair);
        assert!(
            matches!(found.get(feature.name()), Some(Remedy::Refused(_))),
            "{feature:?}: {found:?}"
        );
        let host = Host {
            model: "max",
            report: &pair.1,
            old: None,
        };
        let found = against(&catalogue, "kvm-7.3", &[host]).expect("it can be applied");
        let named = found.unsaid.keys().any(|u| u.name == feature.name());
        assert!(named, "{feature:?}: {:?}", found.unsaid);
        let refused = found
            .kept
            .iter()
            .any(|kept| kept.machine.features.contains(feature) && !kept.refusals.is_empty());
        assert!(refused, "{feature:?}");
        if *feature == Feature::Mte {
            // The other way round it is new.
            let found = unsaid("max", "kvm-7.3", &(pair.1, pair.0));
            assert_eq!(found.get(feature.name()), Some(&Remedy::Asked));
        }
    }
}

/// What a release has no feature for, no recorded host of it offers, and the other way round: what a lock can be made
/// for is what guests had.
#[test]
fn a_lock_with_a_feature_is_had_where_hosts_offer_it() {
    let (recorded, mut offered) = (hosts(), 0);
    let catalogue = Catalogue::builtin();
    for (name, report) in &recorded {
        let (model, series) = name.rsplit_once('-').expect("model and series");
        for feature in Feature::ALL {
            let cpu = Cpu::bare(model, 2, &[*feature], &report.vector_lengths);
            let abi = format!("kvm-{series}");
            let spec = VmSpec::bare("test", &[&abi], cpu, 64 << 20);
            let has_lock = resolve(&spec, &catalogue, &Target::NEWEST).is_ok();
            assert!(!report.offers(*feature) || has_lock, "{name}: {feature:?}");
            offered += u32::from(report.offers(*feature));
        }
    }
    assert!(offered >= 100, "{offered}");
}

#[test]
fn vector_lengths_are_compared_with_those_of_before() {
    let pair = altered("max-7.3", |new| {
        new.vector_lengths.pop();
    });
    let found = unsaid("max", "kvm-7.3", &pair);
    let lengths = found.get("SVE vector lengths");
    assert!(matches!(lengths, Some(Remedy::Refused(_))), "{found:?}");
    let found = unsaid("max", "kvm-7.3", &(pair.1, pair.0));
    let lengths = found.get("SVE vector lengths");
    assert_eq!(lengths, Some(&Remedy::Written), "{found:?}");
}

#[test]
fn what_no_lock_promises_is_compared_both_ways() {
    let read = |new: &mut HostReport, seen: Seen| {
        let views = new.views.iter_mut();
        let plain = views.filter(|v| !v.features.contains(&Feature::Mte));
        let facts = plain.flat_map(|v| &mut v.guest);
        facts
            .filter(|f| f.name == "GMID_EL1")
            .for_each(|f| f.seen = seen);
    };
    let pair = altered("max-7.3", |new| read(new, Seen::Value(4)));
    let found = unsaid("max", "kvm-7.3", &pair);
    assert_eq!(found.get("GMID_EL1"), Some(&Remedy::Unpromised));
    let found = unsaid("max", "kvm-7.3", &(pair.1, pair.0));
    assert_eq!(found.get("GMID_EL1"), Some(&Remedy::Untried));
    // Nor is one value the same as another, or one vCPU as both.
    let gmid = |old: [Seen; 2], new: [Seen; 2]| {
        let pair = both("max-7.3", |report, is_new| {
            let views = report.views.iter_mut();
            let plain = views.filter(|v| !v.features.contains(&Feature::Mte));
            let facts = plain.flat_map(|v| &mut v.guest);
            let seen = if is_new { new } else { old };
            facts
                .filter(|f| f.name == "GMID_EL1")
                .for_each(|f| f.seen = seen[f.vcpu as usize]);
        });
        let found = compared("max", "kvm-7.3", &pair);
        found.unsaid.into_keys().any(|u| u.name == "GMID_EL1")
    };
    let [four, five, none] = [Seen::Value(4), Seen::Value(5), Seen::Undefined];
    assert!(gmid([four; 2], [five; 2]));
    assert!(gmid([four, none], [four; 2]));
    assert!(!gmid([four; 2], [four; 2]));
}

/// A host against one of before.
fn compared<'a>(model: &'a str, series: &str, pair: &'a (HostReport, HostReport)) -> Drift<'a> {
    let host = Host {
        model,
        report: &pair.1,
        old: Some(&pair.0),
    };
    against(&Catalogue::builtin(), series, &[host]).expect("it can be applied")
}

/// A host twice, altered otherwise each time.
fn both(name: &str, alter: impl Fn(&mut HostReport, bool)) -> (HostReport, HostReport) {
    let mut old = host(name);
    alter(&mut old, false);
    let (_, new) = altered(name, |new| alter(new, true));
    (old, new)
}

/// Facts that are not there on either host cannot be compared, however many they are.
#[test]
fn what_neither_report_tells_is_unknown() {
    let pair = both("neoverse-n1-7.3", |report, is_new| {
        let gone = |name: &str| match is_new {
            true => name.starts_with("SMC ") || name == "DISR_EL1",
            false => ["SMC PSCI_VERSION()", "DISR_EL1"].contains(&name),
        };
        for view in &mut report.views {
            view.guest.retain(|fact| !gone(&fact.name));
        }
    });
    let found = compared("neoverse-n1", "kvm-7.3", &pair);
    for words in ["SMC PSCI_VERSION(): ", "what a guest sees: "] {
        let mut unknown = found.unknown.iter();
        assert!(
            unknown.any(|u| u.words.starts_with(words)),
            "{:?}",
            found.unknown
        );
    }
    assert!(!found.is_none());
    // Nor what vCPUs begin with.
    let pair = both("neoverse-n1-7.3", |report, _| {
        for view in &mut report.views {
            for register in &mut view.registers {
                let info = register_by_name(&register.name);
                if info.is_some_and(|info| info.kind == Kind::State) {
                    register.value = None;
                }
            }
        }
    });
    let found = compared("neoverse-n1", "kvm-7.3", &pair);
    let mut unknown = found.unknown.iter();
    assert!(
        unknown.any(|u| u.words.starts_with("what a vCPU begins with: ")),
        "{:?}",
        found.unknown
    );
}

/// What a guest did not ask its firmware, nobody knows to have changed: neither a conduit nor a service is gone for it.
#[test]
fn calls_that_the_guest_did_not_make_are_unknown_and_no_drift() {
    let is_call = |name: &str| name.contains('(');
    for (series, gone) in [
        (
            "7.2",
            &(|name: &str| name.starts_with("SMC ")) as &dyn Fn(&str) -> bool,
        ),
        ("7.2", &|name| name == "SMC PSCI_VERSION()"),
        ("7.2", &is_call),
        // Up to 5.17 no register tells of the services.
        ("5.10", &is_call),
        ("5.10", &|name| {
            name.contains("TRNG_") || name.contains("PV_TIME_")
        }),
        ("5.10", &|name| name.contains("VENDOR_HYP_")),
    ] {
        let name = format!("neoverse-n1-{series}");
        let pair = altered(&name, |report| {
            for view in &mut report.views {
                view.guest.retain(|fact| !gone(&fact.name));
            }
        });
        let baseline = match series {
            "5.10" => "debian-11.r1".to_owned(),
            series => format!("kvm-{series}"),
        };
        for old in [Some(&pair.0), None] {
            let host = Host {
                model: "neoverse-n1",
                report: &pair.1,
                old,
            };
            let found = against(&Catalogue::builtin(), &baseline, &[host]);
            let found = found.expect("it can be applied");
            let entries: Vec<_> = found.entries.iter().map(|e| &e.statement.subject).collect();
            assert!(
                !found.has_changed() && !found.unknown.is_empty(),
                "{name}: {entries:?} {:?}",
                found.unsaid
            );
        }
    }
}

/// A kernel that has one feature more has no view of all that there were: nothing is lost, and nothing is compared.
#[test]
fn guests_with_all_features_of_before_are_unknown_where_there_is_one_more() {
    let (old, new) = altered("max-7.3", |report| report.views.reverse());
    let mut pair = (new, old);
    let old = &mut pair.0;
    let views = old
        .views
        .iter()
        .filter(|v| v.features.contains(&Feature::Mte));
    let mut most = views
        .max_by_key(|v| v.features.len())
        .expect("a view")
        .clone();
    most.features.retain(|feature| *feature != Feature::Mte);
    old.views.retain(|v| !v.features.contains(&Feature::Mte));
    old.views.push(most.clone());
    let found = compared("max", "kvm-7.3", &pair);
    let mut unknown = found.unknown.iter();
    assert!(unknown.any(|u| u.machine.features == most.features));
    assert!(found.unsaid.keys().all(|u| u.name != "features"));
    let is_it = |kept: &&Kept| kept.machine.features == most.features;
    assert_eq!(found.kept.iter().filter(is_it).count(), 0);
    let asked = found.unsaid.keys().find(|u| u.name == "mte");
    assert_eq!(asked.map(|u| &u.remedy), Some(&Remedy::Asked));
}

/// Guests that no lock can be made for are compared by what they see, vector lengths included.
#[test]
fn vector_lengths_without_a_lock_are_compared() {
    let pair = |lengths: [&[u32]; 2]| {
        let lengths = lengths.map(<[u32]>::to_vec);
        both("neoverse-n1-7.3", move |report, is_new| {
            let mut view = report.views[0].clone();
            view.features = vec![Feature::Sve];
            report.views.push(view);
            report.vector_lengths = lengths[usize::from(is_new)].clone();
        })
    };
    let unknown = |pair: &(HostReport, HostReport)| {
        let found = compared("neoverse-n1", "kvm-7.3", pair);
        let of_sve = |m: &Machine| m.features == [Feature::Sve];
        assert!(!found.guests.iter().any(|g| of_sve(&g.machine)));
        found.unknown.iter().any(|u| of_sve(&u.machine))
    };
    assert!(!unknown(&pair([&[128, 256]; 2])));
    assert!(unknown(&pair([&[128, 256], &[128]])));
}

/// An old baseline restores something as a whole only where the host refuses nothing of it.
#[test]
fn what_the_old_baseline_restores_is_kept() {
    let new = host("neoverse-n1-6.12");
    let mut strange = new.clone();
    for view in &mut strange.views {
        let mut register = view.registers[0].clone();
        (register.id, register.name) = (UNKNOWN_REGISTER, "unknown".to_owned());
        view.registers.push(register);
        view.registers.sort_by_key(|r| r.id);
    }
    let catalogue = known_until("kvm-6.1");
    let by_baseline = |report: &HostReport| {
        let host = Host {
            model: "neoverse-n1",
            report,
            old: None,
        };
        let found = against(&catalogue, "kvm-6.1", &[host]).expect("it can be applied");
        let mut count = 0;
        for seen in found.entries.iter().flat_map(|entry| &entry.seen) {
            if let Restored::ByBaseline { .. } | Restored::ByAdopting { .. } = seen.restored {
                let kept = found.kept.iter().find(|kept| kept.machine == seen.machine);
                assert!(kept.is_some_and(|kept| kept.refusals.is_empty()));
                count += 1;
            }
        }
        count
    };
    assert!(by_baseline(&new) > 0);
    assert_eq!(by_baseline(&strange), 0);
}

/// S3_0_C15_C15_7, which no catalogue has.
const UNKNOWN_REGISTER: u64 = 0x6030_0000_0013_c7ff;

/// Two exceptions that are not the same, where the same is said of both.
#[test]
fn exceptions_are_told_apart() {
    const NAME: &str = "ID_AA64PFR0_EL1";
    let pair = |old: Seen, new: Seen| {
        both("neoverse-n1-7.3", move |report, is_new| {
            let facts = report.views.iter_mut().flat_map(|view| &mut view.guest);
            for fact in facts.filter(|fact| fact.name == NAME) {
                fact.seen = if is_new { new } else { old };
            }
        })
    };
    let named = |pair: &(HostReport, HostReport)| {
        let found = compared("neoverse-n1", "kvm-7.3", pair);
        let unsaid = found.unsaid.into_keys().find(|u| u.name == NAME);
        unsaid.map(|u| (u.before, u.after))
    };
    let (before, after) = named(&pair(Seen::Undefined, Seen::Abort)).expect("it changed");
    assert!(
        before != after && after.contains("abort"),
        "{before}, {after}"
    );
    assert!(named(&pair(Seen::Trapped(0x18), Seen::Trapped(0x19))).is_some());
    assert_eq!(named(&pair(Seen::Undefined, Seen::Undefined)), None);
}

/// What a guest of the old host was answered, and not what a lock without that conduit says of it.
#[test]
fn a_call_that_traps_now_was_answered_before() {
    const CALL: &str = "SMC PSCI_VERSION()";
    let pair = both("neoverse-n1-6.12", |report, is_new| {
        let facts = report.views.iter_mut().flat_map(|view| &mut view.guest);
        for fact in facts.filter(|fact| is_new && fact.name == CALL) {
            fact.seen = Seen::Undefined;
        }
    });
    let found = compared("neoverse-n1", "kvm-6.12", &pair);
    assert!(!found.unsaid.is_empty(), "nothing changed");
    let calls = found.unsaid.keys().filter(|u| u.name.starts_with("SMC "));
    // By default both kernels change these registers, which the lock has the old one's filter prevent: that is lost, too.
    let (answers, changes): (Vec<_>, Vec<_>) = calls
        .map(|u| (u.name.as_str(), u.before.as_str(), u.after.as_str()))
        .partition(|(name, ..)| !name.contains(" changes of "));
    assert_eq!(answers, [(CALL, "0x10001", "an undefined instruction")]);
    assert!(changes.len() > 1, "{changes:?}");
    for (name, before, after) in changes {
        assert_eq!((before, after), ("0x0", "0xe"), "{name}");
    }
}

/// A register that nobody knows, on both hosts.
#[test]
fn values_of_unknown_registers_are_compared() {
    const ID: u64 = UNKNOWN_REGISTER;
    let pair = |old: Option<u64>, new: Option<u64>| {
        both("neoverse-n1-7.3", move |report, is_new| {
            for view in &mut report.views {
                let mut register = view.registers[0].clone();
                (register.id, register.name) = (ID, "unknown".to_owned());
                register.value = if is_new { new } else { old };
                view.registers.retain(|r| r.id != ID);
                view.registers.push(register);
                view.registers.sort_by_key(|r| r.id);
            }
        })
    };
    let found = |old, new| {
        let pair = pair(old, new);
        let found = compared("neoverse-n1", "kvm-7.3", &pair);
        (found.unsaid.len(), found.unknown.len())
    };
    let (unsaid, unknown) = found(Some(1), Some(2));
    assert!(unsaid > 0 && unknown == 0, "{unsaid}, {unknown}");
    assert_eq!(found(Some(1), Some(1)), (0, 0));
    let (unsaid, unknown) = found(None, None);
    assert!(unsaid == 0 && unknown > 0, "{unsaid}, {unknown}");
}

/// A statement from which no lock comes says nothing: what it would say stays unsaid.
#[test]
fn a_statement_without_a_lock_is_none() {
    let pair = altered("neoverse-n1-7.3", |new| {
        for view in &mut new.views {
            for register in &mut view.registers {
                if register.name == "KVM_REG_ARM_PSCI_VERSION" {
                    register.value = Some(0x7_0007);
                }
            }
            for fact in &mut view.guest {
                if fact.name == "PSCI_VERSION()" {
                    fact.seen = Seen::Value(0x7_0007);
                }
            }
        }
    });
    let host = Host {
        model: "neoverse-n1",
        report: &pair.1,
        old: Some(&pair.0),
    };
    let catalogue = Catalogue::builtin();
    let found = against(&catalogue, "kvm-7.3", &[host]).expect("it can be applied");
    let names: Vec<&str> = found.unsaid.keys().map(|u| u.name.as_str()).collect();
    assert!(found.entries.is_empty(), "{:?}", found.statements());
    assert!(!names.is_empty());
}

#[test]
fn a_host_on_which_no_guest_ran_cannot_be_compared() {
    let catalogue = Catalogue::builtin();
    let mut report = host("neoverse-n1-7.3");
    report.gic = None;
    report.views.clear();
    let host = Host {
        model: "neoverse-n1",
        report: &report,
        old: None,
    };
    let found = against(&catalogue, "kvm-7.3", &[host]);
    assert!(matches!(found, Err(Unfit::NoGuest(0))), "{found:?}");
}

/// Another witness is at other places, and looks at more.
/// KVM's list of registers is complete, and so tells of those that are not in it; that no guest reads one is no reason to leave
/// it out.
#[test]
fn a_register_that_one_kernel_alone_lists_is_a_change() {
    let without = host("neoverse-n1-6.12");
    for id in [0x6030_0000_0013_df18, 0x6030_0000_0013_c580] {
        let mut with = without.clone();
        for view in &mut with.views {
            let mut more = view.registers[0].clone();
            (more.id, more.value) = (id, Some(0));
            more.name = format!("{id:#x}");
            view.registers.push(more);
            view.registers.sort_by_key(|register| register.id);
        }
        for (old, new) in [(&without, &with), (&with, &without)] {
            let host = Host {
                model: "neoverse-n1",
                report: new,
                old: Some(old),
            };
            let found =
                against(&Catalogue::builtin(), "kvm-6.12", &[host]).expect("it can be applied");
            assert_eq!(found.unsaid.len(), 1, "{id:#x}: {:?}", found.unsaid);
            assert!(found.unknown.is_empty(), "{id:#x}: {:?}", found.unknown);
        }
    }
}

#[test]
fn a_newer_witness_is_no_drift_and_what_it_alone_sees_is_held_against_promises() {
    const ELR: &str = "ELR_EL1 at a later entry";
    const SP: &str = "SP_EL1 at a later entry";
    const PMCR: &str = "PMCR_EL0 at a later entry";
    let old = host("neoverse-n1-7.3");
    let again = ["CLIDR_EL1", "MIDR_EL1", "OSLSR_EL1", "PMCR_EL0"];
    let newer = |host: &mut HostReport| {
        for view in &mut host.views {
            let mut more = Vec::new();
            for fact in view.guest.iter_mut().filter(|fact| fact.vcpu == 1) {
                if [ELR, SP].contains(&fact.name.as_str()) {
                    assert!(!matches!(fact.seen, Seen::Value(0)), "{fact:?}");
                    fact.seen = Seen::Value(0x4020_0000);
                }
                if again.contains(&fact.name.as_str()) {
                    let mut fact = fact.clone();
                    fact.name += " at a later entry";
                    more.push(fact);
                }
            }
            assert_eq!(more.len(), again.len());
            view.guest.extend(more);
        }
    };
    let found = |alter: &dyn Fn(&mut Fact)| {
        let mut new = old.clone();
        newer(&mut new);
        let facts = new.views.iter_mut().flat_map(|view| &mut view.guest);
        facts.filter(|fact| fact.vcpu == 1).for_each(alter);
        let host = Host {
            model: "neoverse-n1",
            report: &new,
            old: Some(&old),
        };
        let found = against(&Catalogue::builtin(), "kvm-7.3", &[host]).expect("it can be applied");
        (found.is_none(), found.unknown)
    };
    let (none, unknown) = found(&|_| {});
    assert!(none, "{unknown:?}");
    // A kernel that takes them away or leaves something of its own, and one that puts back what a lock has changed.
    for (name, seen) in [
        (ELR, Seen::Value(0)),
        (ELR, Seen::Value(0x1de7_ec7e_dbad_c0de)),
        (SP, Seen::Value(0x1de7_ec7e_dbad_c0de)),
        (SP, Seen::Value(0xffff_8000_8000_0000)),
        (SP, Seen::Value(0x401f_fff0)),
        (SP, Seen::Value(0x4070_0000)),
        (ELR, Seen::Undefined),
        ("MIDR_EL1 at a later entry", Seen::Value(0x410f_d083)),
        ("CLIDR_EL1 at a later entry", Seen::Undefined),
        (PMCR, Seen::Value(1 << 40)),
    ] {
        let (none, _) = found(&|fact| {
            if fact.name == name {
                fact.seen = seen;
            }
        });
        assert!(!none, "{name} {seen:?}");
    }
    // Where there is nothing to read, another way to find nothing is another machine; and bits that no lock promises are
    // as they are in the register itself.
    let pmu = lock(
        &Catalogue::builtin(),
        "kvm-7.3",
        "neoverse-n1",
        &[Feature::Pmu],
        &[],
    );
    let pmcr = key_named(PMCR).expect("a witness looks at it");
    let of_pmu = promises(&pmu).into_iter();
    let of_pmcr: Vec<u64> = of_pmu.filter(|p| p.key == pmcr).map(|p| p.mask).collect();
    let [mask] = of_pmcr[..] else {
        panic!("one vCPU of two looks once more: {of_pmcr:x?}");
    };
    assert!(mask != 0 && mask != u64::MAX, "{mask:#x}");
    let mut bits = vec![1 << mask.trailing_zeros(), 1 << 63 >> mask.leading_zeros()];
    bits.extend([1 << mask.trailing_ones(), 1 << 63 >> mask.leading_ones()]);
    for bit in bits {
        let (none, _) = found(&|fact| {
            if let (PMCR, Seen::Value(value)) = (fact.name.as_str(), &mut fact.seen) {
                *value ^= bit;
            }
        });
        assert!(!none, "{bit:#x} of {mask:#x}");
    }
    let (none, _) = found(&|fact| {
        if fact.name == PMCR && fact.seen == Seen::Undefined {
            fact.seen = Seen::Trapped(0x18);
        }
    });
    assert!(!none, "undefined and trapped are not the same");
}

/// That something can be read promises none of its bits: of what the old witness did not look at, nobody knows it.
#[test]
fn what_is_only_promised_to_be_there_cannot_be_compared() {
    let plain = lock(&Catalogue::builtin(), "kvm-7.3", "neoverse-n1", &[], &[]);
    let of_none = |promise: &&Promise| promise.value.is_some() && promise.mask == 0;
    let all = promises(&plain);
    let names: BTreeSet<String> = all
        .iter()
        .filter(of_none)
        .map(|promise| promise.name().into_owned())
        .collect();
    let (new, mut tried) = (host("neoverse-n1-7.3"), 0);
    for name in names.iter().take(4) {
        let mut old = new.clone();
        let mut gone = 0;
        for view in &mut old.views {
            let count = view.guest.len();
            view.guest.retain(|fact| fact.name != *name);
            gone += count - view.guest.len();
        }
        if gone > 0 {
            let pair = (old, new.clone());
            let found = compared("neoverse-n1", "kvm-7.3", &pair);
            assert!(!found.is_none(), "{name}");
            tried += 1;
        }
    }
    assert!(tried > 0, "{names:?}");
}

/// What both reports tell otherwise of guests that no lock can be made for has changed; what one of them alone tells is
/// unknown.
#[test]
fn guests_without_a_lock_are_known_to_have_changed_where_both_reports_tell() {
    const NAME: &str = "ID_AA64ISAR0_EL1";
    let pair = |alter: &dyn Fn(&mut HostReport, bool)| {
        both("neoverse-n1-7.3", |report, is_new| {
            let mut view = report.views[0].clone();
            view.features = vec![Feature::Sve];
            report.views.push(view);
            report.vector_lengths = vec![128, 256];
            alter(report, is_new);
        })
    };
    let found = |alter: &dyn Fn(&mut HostReport, bool)| {
        let pair = pair(alter);
        let found = compared("neoverse-n1", "kvm-7.3", &pair);
        let has_sve = |machine: &Machine| machine.features == [Feature::Sve];
        assert!(!found.guests.iter().any(|guest| has_sve(&guest.machine)));
        assert!(found.entries.is_empty() && found.unsought == 0);
        assert!(found.unsaid.values().flatten().all(has_sve));
        let is_unknown = found.unknown.iter().any(|u| has_sve(&u.machine));
        let names: Vec<String> = found.unsaid.keys().map(|u| u.name.clone()).collect();
        assert_eq!(found.has_changed(), !names.is_empty());
        (names, is_unknown)
    };
    let facts = |report: &mut HostReport, alter: &dyn Fn(&mut Fact)| {
        let view = report.views.last_mut().expect("a view");
        let facts = view.guest.iter_mut().filter(|fact| fact.name == NAME);
        facts.for_each(alter);
    };
    let named = |name: &str| (vec![name.to_owned()], true);
    assert_eq!(found(&|_, _| {}), (Vec::new(), false));
    let lengths: fn(&mut HostReport, bool) = |report, is_new| {
        if is_new {
            report.vector_lengths.pop();
        }
    };
    assert_eq!(found(&lengths), named("SVE vector lengths"));
    let seen = |report: &mut HostReport, is_new: bool| {
        if is_new {
            facts(report, &|fact| fact.seen = Seen::Undefined);
        }
    };
    assert_eq!(found(&seen), named(NAME));
    let value: fn(&mut HostReport, bool) = |report, is_new| {
        let view = report.views.last_mut().expect("a view");
        let registers = view.registers.iter_mut().filter(|r| r.name == NAME);
        for register in registers.filter(|_| is_new) {
            register.value = register.value.map(|value| value ^ 1);
        }
    };
    assert_eq!(found(&value), named(NAME));
    // One report alone tells.
    for of_new in [false, true] {
        let fewer = |report: &mut HostReport, is_new: bool| {
            let view = report.views.last_mut().expect("a view");
            if is_new == of_new {
                view.guest.retain(|fact| fact.name != NAME);
            }
        };
        assert_eq!(found(&fewer), (Vec::new(), true));
        let untold = |report: &mut HostReport, is_new: bool| {
            let view = report.views.last_mut().expect("a view");
            let registers = view.registers.iter_mut().filter(|r| r.name == NAME);
            for register in registers.filter(|_| is_new == of_new) {
                register.value = None;
            }
        };
        assert_eq!(found(&untold), (Vec::new(), true));
        let silent = |report: &mut HostReport, is_new: bool| {
            if is_new == of_new {
                report.vector_lengths.clear();
            }
        };
        assert_eq!(found(&silent), (Vec::new(), true));
    }
}

/// More different values of one thing than statements are looked for: it has changed, and what to say of it is unknown.
#[test]
fn what_no_statement_was_looked_for_has_changed() {
    const NAME: &str = "ID_AA64ISAR0_EL1";
    const RNDR: u32 = 60;
    let old = host("neoverse-n1-7.3");
    let altered = |value: u64| {
        let mut new = old.clone();
        let mut count = 0;
        for view in &mut new.views {
            for register in view.registers.iter_mut().filter(|r| r.name == NAME) {
                register.value = register.value.map(|old| old | value << RNDR);
                count += 1;
            }
            for fact in view.guest.iter_mut().filter(|fact| fact.name == NAME) {
                if let Seen::Value(old) = &mut fact.seen {
                    *old |= value << RNDR;
                    count += 1;
                }
            }
        }
        assert!(count >= 2, "{count}");
        new
    };
    let news: Vec<HostReport> = (1..=9).map(altered).collect();
    let hosts = |is_known: bool| -> Vec<Host<'_>> {
        let all = news.iter();
        all.map(|report| Host {
            model: "neoverse-n1",
            report,
            old: is_known.then_some(report),
        })
        .collect()
    };
    let catalogue = Catalogue::builtin();
    let ask = |hosts: &[Host<'_>]| {
        let mut found = against(&catalogue, "kvm-7.3", hosts).expect("it can be applied");
        let so_much = |unknown: &&str| unknown.starts_with("so much differs");
        let words = found.unknown.iter().map(|u| u.words.as_str());
        assert!(
            words.clone().filter(so_much).count() >= 9,
            "{:?}",
            found.unknown
        );
        // By itself, too.
        found.unsaid.clear();
        assert!(found.entries.is_empty(), "{:?}", found.statements());
        (found.unsought, found.has_changed())
    };
    assert_eq!(ask(&hosts(false)), (1, true));
    // Hosts of before that showed just that.
    assert_eq!(ask(&hosts(true)), (0, false));
}
