//! Reports that were imported: whatever a guest was shown, no lock is kept by one.

use crate::frozen;
use crate::plans::hosts;
use std::collections::BTreeMap;
use vmlock_spec::json::from_str;
use vmlock_spec::lock::{LOCK_VERSION, Lock, canonical};
use vmlock_spec::plan::{Emulation, Fleet, Ground, Refusal, plan, plan_on, plan_with};
use vmlock_spec::reason;
use vmlock_spec::report::{self, HostReport, Imported, Seen, Witness};

fn locks() -> Vec<Lock> {
    let all = (1..=LOCK_VERSION).flat_map(frozen::locks);
    let of = |(name, text): (String, String)| {
        canonical::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    all.map(of).collect()
}

/// All that a file could tell of a recorded host: what the guest of each view read, or what KVM told of it.
fn all_of(host: &HostReport) -> Vec<Imported> {
    let imported = |by, shown| Imported {
        of: "a test".to_owned(),
        by,
        unknown: vec!["all else".to_owned()],
        shown,
    };
    let views = host.views.iter().flat_map(|view| {
        let mut guest = vec![BTreeMap::new(); view.vcpus() as usize];
        for fact in &view.guest {
            guest[fact.vcpu as usize].insert(fact.name.clone(), fact.seen);
        }
        let registers = view.registers.iter();
        let kvm = registers.filter_map(|r| Some((r.name.clone(), Seen::Value(r.value?))));
        [
            imported(Witness::Guest, guest),
            imported(Witness::Monitor, vec![kvm.collect()]),
        ]
    });
    views.collect()
}

/// Even where the host keeps the lock and all of it was shown; whoever may answer in the kernel's place.
#[test]
fn no_lock_is_kept_by_what_a_guest_was_shown() {
    let (locks, hosts) = (locks(), hosts());
    let ways = [
        Emulation::Allowed,
        Emulation::Forbidden,
        Emulation::Preferred,
        Emulation::PreferredCalls,
    ];
    let (mut kept_there, mut alike) = (0, 0);
    for (turn, (name, host)) in hosts.iter().enumerate() {
        let way = ways[turn % ways.len()];
        let all = all_of(host);
        assert!(all.len() >= 2, "{name}");
        let imported: Vec<HostReport> = all.into_iter().take(2).map(Imported::report).collect();
        let grounds: Vec<Ground> = imported.iter().map(Ground::of).collect();
        // Each lock on some host, and each host with some.
        let some: Vec<&Lock> = locks.iter().skip(turn % 9).step_by(9).collect();
        let fleet = Fleet::of(some.iter().copied(), &grounds, way, <[Refusal]>::to_vec);
        for (index, lock) in some.iter().enumerate() {
            for (ground, numbers) in grounds.iter().zip(fleet.refused(index)) {
                let plan = plan_on(lock, ground, way);
                assert!(plan.keeps.is_empty(), "{}: {:?}", lock.name, plan.keeps);
                assert_eq!(plan.refusals[0].code, reason::IMPORTED, "{}", lock.name);
                assert!(plan.orders().steps.is_empty() && plan.read_back.is_empty());
                let promised = lock.registers.iter().filter(|r| r.promised() != 0);
                assert!(
                    plan.unknown.len() + plan.refusals.len() > promised.count(),
                    "{}",
                    lock.name
                );
                let told = numbers.iter().flat_map(|n| fleet.told(*n).to_vec());
                assert_eq!(told.collect::<Vec<_>>(), plan.refusals, "{}", lock.name);
                alike += plan.unknown.iter().filter(|entry| entry.alike).count();
            }
            kept_there += usize::from(plan_with(lock, host, way).refusals.is_empty());
        }
    }
    assert!(kept_there > 10, "{kept_there} are kept where it was tried");
    assert!(alike > 1000, "{alike} entries are as the lock says");
}

#[test]
fn what_nobody_could_change_is_refused_for_good() {
    let lock = locks().into_iter().find(|lock| {
        let mut registers = lock.registers.iter();
        registers.any(|r| r.name == "CNTFRQ_EL0" && r.promised() != 0)
    });
    let lock = lock.expect("a lock with a frequency");
    let host = hosts().into_values().next().expect("a host");
    let mut imported = all_of(&host).remove(0);
    for facts in &mut imported.shown {
        facts.insert("CNTFRQ_EL0".to_owned(), Seen::Value(1));
    }
    let plan = plan(&lock, &imported.report());
    let codes: Vec<&str> = plan.refusals.iter().map(|r| r.code).collect();
    assert_eq!(codes, [reason::IMPORTED, reason::SILICON_FACT]);
    assert!(!plan.is_unknown());
    // What is refused for good is not unknown.
    assert!(plan.unknown.len() > 100);
    assert!(plan.unknown.iter().all(|entry| entry.name != "CNTFRQ_EL0"));
}

#[test]
fn a_report_says_whether_it_was_imported_and_then_nothing_of_a_trial() {
    let host = hosts().into_values().next().expect("a host");
    let imported = all_of(&host).remove(0).report();
    let text = report::write(&imported);
    assert_eq!(report::parse(&text), Ok(imported.clone()));
    let parse = |report: &HostReport| report::parse(&report::write(report));
    // Programs of before know it by its number.
    assert!(text.contains("\"reportVersion\": 2"), "{text}");
    fn shown(report: &mut HostReport) -> &mut Vec<BTreeMap<String, Seen>> {
        &mut report.imported.as_mut().expect("it was imported").shown
    }
    let mut most = imported.clone();
    shown(&mut most).resize(512, BTreeMap::new());
    assert_eq!(parse(&most), Ok(most));
    let says = |change: fn(&mut HostReport)| {
        let mut report = imported.clone();
        change(&mut report);
        parse(&report).expect_err("it was refused")
    };
    for (change, words) in [
        (
            (|r| r.report_version = 1) as fn(&mut HostReport),
            "of reports that were imported",
        ),
        (|r| r.report_version = 3, "use a newer vmlock"),
        (|r| shown(r).clear(), "of 0 vCPUs"),
        (|r| shown(r).resize(513, BTreeMap::new()), "of 513 vCPUs"),
        (|r| r.vcpus_max = 8, "only a trial on the host can"),
        (
            |r| r.psci.push("1.1".to_owned()),
            "only a trial on the host can",
        ),
        (|r| r.smccc_filter = true, "only a trial on the host can"),
    ] {
        let said = says(change);
        assert!(said.contains(words), "{said}");
    }
    let mut both = imported.clone();
    both.views.clone_from(&host.views);
    assert!(parse(&both).is_err());
    let mut unsaid = host.clone();
    unsaid.report_version = 2;
    assert!(parse(&unsaid).is_err());
    // What was recorded before says nothing of it, and is read as ever.
    assert!(!report::write(&host).contains("imported"));
    let value: serde_json::Value = from_str(&text).expect("JSON");
    assert_eq!(value["views"], serde_json::json!([]));
}
