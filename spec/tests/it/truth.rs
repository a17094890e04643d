//! The catalogue against truth: baseline applied to CPU model must give the
//! very register values that a default guest was measured to have.

use std::collections::BTreeMap;
use vmlock_spec::catalogue::{Catalogue, Kind, register_by_id};
use vmlock_spec::lock::Lock;
use vmlock_spec::resolve::resolve;
use vmlock_spec::vm::{Arch, Boot, Console, Cpu, Feature, VmSpec};

/// A description with nothing special in it.
pub fn spec(abi: &[&str], model: &str, features: &[Feature]) -> VmSpec {
    VmSpec {
        name: "test".into(),
        arch: Arch::Arm64,
        abi: abi.iter().map(|a| (*a).to_owned()).collect(),
        cpu: Cpu {
            model: model.into(),
            count: 2,
            features: features.to_vec(),
            hide: Vec::new(),
            set: Vec::new(),
        },
        memory: 256 << 20,
        boot: Some(Boot {
            kernel: "Image".into(),
            initrd: Some("initrd".into()),
            cmdline: "quiet".into(),
        }),
        console: Console::Uart16550,
        vary: Vec::new(),
        runs_on: Vec::new(),
        import: Vec::new(),
        lock_schema: None,
    }
}

/// Resolves, or fails with the complaints.
pub fn lock(spec: &VmSpec) -> Lock {
    match resolve(spec, &Catalogue::builtin()) {
        Ok((lock, _)) => lock,
        Err(complaints) => panic!("{complaints:#?}"),
    }
}

fn compare(name: &str, text: &str, features: &[Feature]) {
    let mut measured: BTreeMap<u64, u64> = BTreeMap::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["R", id, "0", value] = words[..] {
            let parse = |t: &str| u64::from_str_radix(t, 16).expect("hex");
            measured.insert(parse(id), parse(value));
        }
    }
    let lock = lock(&spec(&["kvm-6.8"], "neoverse-n1", features));
    let mut wrong = Vec::new();
    let mut compared = 0;
    for entry in &lock.registers {
        let Some(value) = measured.get(&entry.id) else {
            continue;
        };
        compared += 1;
        // PMCR_EL0 as KVM_GET_ONE_REG has it is not what a guest reads.
        if (value ^ entry.value) & entry.promised() != 0 && entry.name != "PMCR_EL0" {
            wrong.push(format!(
                "{}: lock {:#x}, measured {value:#x}",
                entry.name, entry.value
            ));
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    assert!(compared > 60, "{name}: only {compared} registers compared");
    for id in measured
        .keys()
        .filter(|id| !lock.registers.iter().any(|r| r.id == **id))
    {
        let known = register_by_id(*id);
        let harmless = known.is_some_and(|r| {
            r.kind == Kind::State || r.csselr().is_some() || r.name == "MPIDR_EL1"
        });
        assert!(
            harmless,
            "{name}: {id:#x} ({:?}) is in no lock and is no state",
            known.map(|r| &r.name)
        );
    }
}

#[test]
fn mainline_6_8_0_on_neoverse_n1() {
    compare(
        "without PMU",
        include_str!("../measured/neoverse-n1-kvm-6.8.0.txt"),
        &[],
    );
    compare(
        "with PMU",
        include_str!("../measured/neoverse-n1-kvm-6.8.0-pmu.txt"),
        &[Feature::Pmu],
    );
}
