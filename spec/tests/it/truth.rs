//! The catalogue against truth: baseline applied to CPU model must give the
//! very register values that a default guest was measured to have.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use vmlock_spec::catalogue::{Catalogue, Kind, register_by_id};
use vmlock_spec::lock::{Lock, LockedRegister};
use vmlock_spec::resolve::{Target, resolve};
use vmlock_spec::vm::{Boot, Cpu, Feature, VmSpec};

/// A description with nothing special in it.
pub fn spec(abi: &[&str], model: &str, features: &[Feature]) -> VmSpec {
    let cpu = Cpu::bare(model, 2, features, &[]);
    let boot = Boot {
        kernel: "Image".into(),
        initrd: Some("initrd".into()),
        cmdline: "quiet".into(),
        ..Boot::default()
    };
    VmSpec {
        boot: Some(boot),
        ..VmSpec::bare("test", abi, cpu, 256 << 20)
    }
}

/// Resolves, or fails with the complaints.
pub fn lock(spec: &VmSpec) -> Lock {
    match resolve(spec, &Catalogue::builtin(), &Target::NEWEST) {
        Ok((lock, _)) => lock,
        Err(complaints) => panic!("{complaints:#?}"),
    }
}

/// One run of a measured default guest.
#[derive(Default)]
struct Run {
    /// Values by KVM register id (`KVM_GET_ONE_REG`).
    listed: BTreeMap<u64, u64>,
    /// Values by MRS encoding, and of CCSIDR_EL1 by CSSELR_EL1, as a guest read them.
    inside: BTreeMap<u16, u64>,
    ccsidr: BTreeMap<u8, u64>,
    iidr: Option<u32>,
}

/// The runs of a measurement: without and with a PMU.
fn runs(text: &str) -> Vec<Run> {
    let hex = |t: &str| u64::from_str_radix(t, 16).expect("hex");
    let mut runs = vec![Run::default()];
    for line in text.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let run = runs.last_mut().expect("there is always one");
        match words[..] {
            ["BEGIN", "pmu=1", ..] => runs.push(Run::default()),
            ["R", id, "0", value] => {
                run.listed.insert(hex(id), hex(value));
            }
            // 0xdead0000 stands for an undefined instruction.
            ["G", "CCSIDR", selector, "=", value] => {
                run.ccsidr
                    .insert(selector.parse().expect("a selector"), hex(value));
            }
            ["G", op0, op1, crn, crm, op2, "=", value] if hex(value) != 0xdead_0000 => {
                let part = |t: &str| t.parse::<u16>().expect("a number");
                let encoding =
                    part(op0) << 14 | part(op1) << 11 | part(crn) << 7 | part(crm) << 3 | part(op2);
                run.inside.insert(encoding, hex(value));
            }
            ["IIDR", value] => run.iidr = Some(hex(value) as u32),
            _ => {}
        }
    }
    runs
}

/// Every value of a lock that the run measured; says how many there were.
fn compare(name: &str, lock: &Lock, run: &Run) -> usize {
    let mut wrong = Vec::new();
    let mut compared = 0;
    let mut check = |entry: &LockedRegister, value: u64, how: &str| {
        compared += 1;
        if (value ^ entry.value) & entry.promised() != 0 {
            wrong.push(format!(
                "{}: lock {:#x}, {how} {value:#x}",
                entry.name, entry.value
            ));
        }
    };
    for entry in &lock.registers {
        let info = register_by_id(entry.id).expect("a lock has known registers only");
        let inside = match (info.csselr(), info.encoding) {
            (Some(selector), _) => run.ccsidr.get(&selector),
            (None, Some(encoding)) => run.inside.get(&encoding),
            (None, None) => None,
        };
        // What a guest reads is the truth; KVM_GET_ONE_REG stands in where no guest was asked.
        match (inside, run.listed.get(&entry.id)) {
            (Some(value), _) => check(entry, *value, "a guest read"),
            // PMCR_EL0 as KVM_GET_ONE_REG has it is not what a guest reads.
            (None, Some(value)) if entry.name != "PMCR_EL0" => check(entry, *value, "KVM said"),
            _ => {}
        }
    }
    assert!(wrong.is_empty(), "{name}:\n{}", wrong.join("\n"));
    if let Some(iidr) = run.iidr {
        assert_eq!(lock.gic.value("GICD_IIDR"), Some(iidr), "{name}: GICD_IIDR");
    }
    for id in run
        .listed
        .keys()
        .filter(|id| !lock.registers.iter().any(|r| r.id == **id))
    {
        let known = register_by_id(*id);
        let harmless = known.is_some_and(|r| {
            // 5.10 lists PMU registers of guests that have no PMU.
            let no_pmu = lock.features.is_empty() && r.feature.as_deref() == Some("pmu");
            let neutral = r.neutral.is_some_and(|n| run.listed.get(id) == Some(&n));
            r.kind == Kind::State
                || r.csselr().is_some()
                || r.name == "MPIDR_EL1"
                || no_pmu
                || neutral
        });
        let what = known.map(|r| &r.name);
        assert!(
            harmless,
            "{name}: {id:#x} ({what:?}) is in no lock and is no state"
        );
    }
    compared
}

/// Below revision 2 a guest cannot change an interrupt's group.
#[test]
fn gic_revisions() {
    for (part, iidr, writable) in [
        ("gic-iidr-rev0", 0x4b00_043b, 0),
        ("gic-iidr-rev1", 0x4b00_143b, 0),
        ("gic-iidr-rev2", 0x4b00_243b, u32::MAX),
        ("gic-iidr-rev3", 0x4b00_343b, u32::MAX),
    ] {
        let gic = lock(&spec(&["kvm-6.8", part], "neoverse-n1", &[])).gic;
        assert_eq!(gic.value("GICD_IIDR"), Some(iidr), "{part}");
        assert_eq!(gic.value("GICR_IGROUPR0"), Some(u32::MAX), "{part}");
        for name in ["GICD_IGROUPR1.writable", "GICR_IGROUPR0.writable"] {
            assert_eq!(gic.value(name), Some(writable), "{part}: {name}");
        }
    }
}

#[test]
fn mainline_6_8_0_on_neoverse_n1() {
    let measured = [
        (
            include_str!("../measured/neoverse-n1-kvm-6.8.0.txt"),
            &[][..],
        ),
        (
            include_str!("../measured/neoverse-n1-kvm-6.8.0-pmu.txt"),
            &[Feature::Pmu],
        ),
    ];
    for (text, features) in measured {
        let lock = lock(&spec(&["kvm-6.8"], "neoverse-n1", features));
        let compared = compare("6.8.0 on neoverse-n1", &lock, &runs(text)[0]);
        assert!(compared > 60, "only {compared} values compared");
    }
}

/// Every measured default guest of the kernels that distributions ship: the
/// baseline of that kernel, applied to the CPU model, gives the same values.
#[test]
fn shipped_kernels_on_every_cpu_model() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measured");
    let mut compared = 0;
    let mut files = 0;
    for cpu in ["cortex-a72", "cortex-a76", "neoverse-n1", "max"] {
        for (kernel, baseline) in [
            ("5.10.0-32", "kvm-5.10"),
            ("6.1.0-50", "kvm-6.1"),
            ("6.12.94", "kvm-6.12"),
            ("6.12.107", "kvm-6.12"),
            ("6.16.12", "kvm-6.16"),
            ("6.18.15", "kvm-6.18"),
            ("7.0.13", "kvm-7.0"),
            ("7.3.4", "kvm-7.3"),
        ] {
            let name = format!("{cpu}-{kernel}");
            // `max` was measured on 6.12.94 instead of 6.12.107, and not on 5.10.
            let Ok(text) = fs::read_to_string(folder.join(format!("{name}.txt"))) else {
                continue;
            };
            let runs = runs(&text);
            assert_eq!(runs.len(), 2, "{name} has a run without and one with a PMU");
            for (run, features) in runs.iter().zip([&[][..], &[Feature::Pmu]]) {
                compared += compare(&name, &lock(&spec(&[baseline], cpu, features)), run);
            }
            files += 1;
        }
    }
    assert_eq!(files, 27);
    assert!(compared > 27 * 2 * 70, "only {compared} values compared");
}
