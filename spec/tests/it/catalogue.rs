//! Properties of the tables themselves.

use std::collections::BTreeSet;
use vmlock_spec::catalogue::{
    BASELINES, CPUS, Catalogue, Kind, REGISTERS, Subject, field, register_by_name,
};
use vmlock_spec::resolve::HWCAPS;
use vmlock_spec::vm::Feature;

#[test]
fn registers_are_sound() {
    assert!(REGISTERS.len() > 400, "the register table is nearly empty");
    let ids: BTreeSet<u64> = REGISTERS.iter().map(|r| r.id).collect();
    assert_eq!(ids.len(), REGISTERS.len(), "an id is there twice");
    for register in REGISTERS {
        assert!(
            !register.source.is_empty(),
            "{} has no source",
            register.name
        );
        assert!(
            !register.name.is_empty() && !register.name.contains(' '),
            "{:?}",
            register.name
        );
        let mut covered = 0u64;
        for field in register.fields.iter() {
            assert_eq!(
                covered & field.mask(),
                0,
                "{}.{} overlaps",
                register.name,
                field.name
            );
            covered |= field.mask();
            assert_eq!(field.get(field.put(0, field.max())), field.max());
            assert_eq!(field.put(u64::MAX, 0), !field.mask());
        }
    }
}

#[test]
fn the_whole_id_space_is_there() {
    for crm in 1..8u64 {
        for op2 in 0..8u64 {
            let id = 0x6030_0000_0013_0000 | 3 << 14 | crm << 3 | op2;
            let found = REGISTERS.iter().find(|r| r.id == id);
            assert!(
                found.is_some_and(|r| r.kind == Kind::Id),
                "3,0,0,{crm},{op2} is not an ID register"
            );
        }
    }
}

#[test]
fn baselines_speak_of_what_exists() {
    let catalogue = Catalogue::builtin();
    for baseline in BASELINES {
        assert!(
            catalogue.chain(&baseline.name).is_some(),
            "{} has a broken chain",
            baseline.name
        );
        for statement in baseline.statements.iter() {
            assert!(!statement.source.is_empty());
            match &statement.subject {
                Subject::Field(path, _) => {
                    assert!(
                        field(path).is_some() || register_by_name(path).is_some(),
                        "{}: there is no {path}",
                        baseline.name
                    );
                }
                Subject::Events { register, .. } | Subject::Bitmap(register, _) => {
                    assert!(
                        register_by_name(register).is_some(),
                        "{}: {register}",
                        baseline.name
                    );
                }
                Subject::Cache(_)
                | Subject::Psci(_)
                | Subject::IidrRevision(_)
                | Subject::Smc(_) => {}
            }
            for condition in statement.when.iter() {
                let condition = condition.strip_prefix('!').unwrap_or(condition);
                let known = ["el0-aarch32", "no-clean-to-pou"].contains(&condition)
                    || Feature::ALL.iter().any(|f| f.name() == condition)
                    || condition.strip_prefix("unaffected:").is_some()
                    || condition.split_once(">=").is_some_and(|(path, least)| {
                        field(path).is_some_and(|(_, f)| {
                            least.parse::<u64>().is_ok_and(|least| least <= f.max())
                        })
                    })
                    // Features that a spec cannot name yet: never on.
                    || ["sve", "pauth", "mte", "el2"].contains(&condition);
                assert!(known, "{}: unknown condition {condition}", baseline.name);
            }
        }
    }
}

/// Mainline releases, in the order in which they came.
fn releases() -> Vec<String> {
    let minors = [(5, 10..20), (6, 0..20), (7, 0..4)];
    let names = |(major, minors): (u32, std::ops::Range<u32>)| {
        minors.map(move |minor| format!("kvm-{major}.{minor}"))
    };
    minors.into_iter().flat_map(names).collect()
}

#[test]
fn every_mainline_release_is_the_difference_to_the_one_before() {
    let catalogue = Catalogue::builtin();
    let chain: Vec<String> = catalogue
        .chain("kvm-7.3")
        .expect("a chain")
        .iter()
        .map(|b| b.name.to_string())
        .collect();
    assert_eq!(chain, releases());
    let whole = BASELINES.iter().filter(|b| b.part.is_none()).count();
    assert_eq!(
        whole,
        chain.len(),
        "a whole baseline stands beside the chain"
    );
}

#[test]
fn doubt_begins_at_least_two_releases_earlier() {
    let releases = releases();
    for baseline in BASELINES {
        for statement in baseline.statements.iter() {
            let Some(known) = statement.unsure_after.as_deref() else {
                continue;
            };
            let at = |name: &str| releases.iter().position(|r| r == name);
            let (known, this) = (at(known), at(&baseline.name));
            assert!(
                known.zip(this).is_some_and(|(a, b)| a + 2 <= b),
                "{}: {:?}",
                baseline.name,
                statement.unsure_after
            );
        }
    }
}

#[test]
fn cpu_models_speak_of_what_exists() {
    for cpu in CPUS {
        for value in cpu.registers.iter().chain(cpu.facts.iter()) {
            assert!(
                register_by_name(&value.register).is_some(),
                "{}: {}",
                cpu.name,
                value.register
            );
            assert!(!value.source.is_empty(), "{}: {}", cpu.name, value.register);
        }
    }
}

#[test]
fn hwcaps_name_fields() {
    for (cap, fields) in HWCAPS {
        for path in *fields {
            assert!(field(path).is_some(), "{cap}: there is no {path}");
        }
    }
}
