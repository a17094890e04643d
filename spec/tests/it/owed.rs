//! What has to be read of a machine, on the recorded hosts: each register that KVM lists there is classed, none of them twice
//! or not at all, and none is harmless that the plan would refuse.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::plan::{Emulation, Orders, Owed, Step, frames, plan_with};
use vmlock_spec::report::{self, HostReport};

fn text(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn lock(name: &str) -> Lock {
    canonical::parse(&text(&format!("../{name}.vm.lock.json"))).expect("a lock")
}

fn host(name: &str) -> HostReport {
    report::parse(&text(&format!("catalogue/hosts/{name}.json"))).expect("a report")
}

fn orders(lock: &Lock, host: &HostReport) -> Orders {
    let plan = plan_with(lock, host, Emulation::Allowed);
    assert_eq!(plan.refusals, []);
    plan.orders()
}

#[test]
fn what_the_lock_names_is_held_and_what_it_does_not_is_known() {
    let mut classes = BTreeSet::new();
    for (lock, hosts) in [
        ("examples/modern", ["neoverse-n1-6.12", "neoverse-n1-7.3"]),
        ("examples/portable", ["cortex-a72-5.10", "cortex-a72-7.3"]),
        (
            "lab/tests/specs/library",
            ["neoverse-n1-6.12", "neoverse-n1-7.3"],
        ),
    ] {
        let lock = self::lock(lock);
        for name in hosts {
            let host = host(name);
            let orders = orders(&lock, &host);
            let mut features = lock.features.clone();
            features.sort();
            let view = host.view(&features).expect("a view");
            let mut held = BTreeSet::new();
            for register in &view.registers {
                let owed = orders.owed(&lock, register.id);
                let class = match owed {
                    Owed::Locked(entry) => {
                        held.insert(entry.id);
                        assert_eq!(entry.id, register.id);
                        "locked"
                    }
                    Owed::Left(entry, value) => {
                        held.insert(entry.id);
                        let step = Step::Leave {
                            id: entry.id,
                            value,
                        };
                        assert!(orders.steps.contains(&step), "{name}: {step:?}");
                        "left"
                    }
                    Owed::OnlyInside(entry) => {
                        held.insert(entry.id);
                        assert!(orders.only_inside.contains(&entry.id));
                        "inside"
                    }
                    Owed::Affinity => {
                        assert_eq!(register.name, "MPIDR_EL1");
                        "affinity"
                    }
                    Owed::Neutral(info, _) => {
                        assert_eq!(info.name, register.name);
                        "neutral"
                    }
                    Owed::Nothing => "nothing",
                    Owed::NotThere => panic!("{name}: nobody refused {}", register.name),
                };
                classes.insert(class);
            }
            assert!(orders.read_back.is_subset(&held), "{name}");
            assert!(held.len() > 60, "{name}: {}", held.len());
        }
    }
    let all = ["affinity", "locked", "neutral", "nothing"];
    let wanted: BTreeSet<&str> = all.into();
    assert!(classes.is_superset(&wanted), "{classes:?}");
}

#[test]
fn what_nobody_knows_must_not_be_there() {
    let (mut lock, host) = (lock("examples/modern"), host("neoverse-n1-7.3"));
    let mut orders = orders(&lock, &host);
    assert_eq!(orders.owed(&lock, 0x6030_0000_0016_00ff), Owed::NotThere);
    // What only a witness can tell, and what is the kernel's own whatever else there is to say.
    let entry = &lock.registers[0];
    assert_eq!(orders.owed(&lock, entry.id), Owed::Locked(entry));
    orders.only_inside.insert(entry.id);
    assert_eq!(orders.owed(&lock, entry.id), Owed::OnlyInside(entry));
    let (id, value) = (entry.id, 7);
    orders.steps.push(Step::Leave { id, value });
    assert_eq!(orders.owed(&lock, entry.id), Owed::Left(entry, 7));
    // A register of the ID space that the lock no longer names.
    let isar0 = lock
        .registers
        .iter()
        .position(|r| r.name == "ID_AA64ISAR0_EL1");
    let taken = lock.registers.remove(isar0.expect("it"));
    assert_eq!(orders.owed(&lock, taken.id), Owed::NotThere);
    // Of a feature that the guest has not, nothing is asked; of one that it has, everything.
    let with = self::lock("examples/portable");
    let pmcr = with.registers.iter().find(|r| r.name == "PMCR_EL0");
    let pmcr = pmcr.expect("a PMU").id;
    assert_eq!(orders.owed(&lock, pmcr), Owed::Nothing);
    let mut without = with.clone();
    without.registers.retain(|r| r.id != pmcr);
    assert_eq!(orders.owed(&without, pmcr), Owed::NotThere);
}

#[test]
fn each_redistributor_is_read_and_the_distributor_once() {
    let lock = lock("examples/modern");
    let frames = frames(&lock);
    let count = |name: &str| frames.iter().filter(|f| f.name == name).count();
    for (name, times) in [
        ("GICD_TYPER", 1),
        ("GICD_IIDR", 1),
        ("GICR_IIDR", 2),
        ("GICR_CTLR", 2),
        ("GICR_TYPER", 2),
        ("GICR_TYPER.high", 2),
    ] {
        assert_eq!(count(name), times, "{name}");
    }
    let typer = frames.iter().filter(|f| f.name == "GICR_TYPER");
    let typer: Vec<_> = typer.map(|f| (f.vcpu.unwrap().mpidr, f.value)).collect();
    let vcpus = &lock.machine.vcpus;
    let wanted: Vec<_> = vcpus
        .iter()
        .map(|v| (v.mpidr, v.redistributor as u32))
        .collect();
    assert_eq!(typer, wanted);
}
