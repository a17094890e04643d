//! Baselines of distributions' kernels: by which names they are known, what they differ in from mainline, what recorded
//! hosts with those kernels show, and what nobody measured makes no lock.

use crate::plans::hosts;
use crate::truth::spec;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::adopt::deviations;
use vmlock_spec::catalogue::{
    BASELINES, Baseline, CPUS, Catalogue, CpuModel, Kind, REGISTERS, SiliconValue, Subject,
    Unknown, field,
};
use vmlock_spec::lock::Lock;
use vmlock_spec::resolve::{Complaint, Severity, Target, resolve};
use vmlock_spec::vm::{Feature, VmSpec};

const CODE: &str = "spec::unmeasured-kernel";

fn distributions() -> Vec<&'static Baseline> {
    let all = BASELINES.iter();
    all.filter(|b| b.is_of_distribution()).collect()
}

fn locked(spec: &VmSpec, catalogue: &Catalogue, target: &Target) -> Lock {
    let made = resolve(spec, catalogue, target);
    made.map_or_else(|e| panic!("{:?}: {e:#?}", spec.abi), |(lock, _)| lock)
}

fn errors(spec: &VmSpec, catalogue: &Catalogue) -> Vec<Complaint> {
    let complaints = resolve(spec, catalogue, &Target::NEWEST).err();
    let errors = complaints.into_iter().flatten();
    errors.filter(|c| c.severity == Severity::Error).collect()
}

/// A copy of a baseline as a newer revision of it, which says one thing more.
fn revised(name: &str) -> Catalogue {
    let mut catalogue = Catalogue::default();
    let old = Catalogue::builtin();
    let (bare, _) = name.rsplit_once(".r").expect("a revision");
    let mut newer = old.baseline(name).expect("it is there").clone();
    newer.name = Cow::Owned(format!("{bare}.r2"));
    let mut said = newer.statements[0].clone();
    said.subject = Subject::Psci(0x10003);
    newer.statements.to_mut().push(said);
    let all = BASELINES.iter().cloned().chain([newer]).collect();
    let mut cpus = CPUS.to_vec();
    for cpu in &mut cpus {
        cpu.registers.to_mut().push(value("ACTLR_EL1", 0));
    }
    catalogue.import(all, cpus).expect("no name stands twice");
    catalogue
}

fn value(register: &'static str, value: u64) -> SiliconValue {
    SiliconValue {
        register: register.into(),
        value,
        source: "a test".into(),
    }
}

#[test]
fn a_name_means_the_newest_revision_and_a_lock_keeps_its_own() {
    let catalogue = Catalogue::builtin();
    let standing: BTreeMap<&str, &str> = catalogue.standing().into_iter().collect();
    for name in [
        "debian-11",
        "debian-12",
        "debian-13",
        "al2-5.10",
        "al2023-6.1",
    ] {
        let first = format!("{name}.r1");
        assert_eq!(standing.get(name), Some(&first.as_str()));
        assert_eq!(
            catalogue.newest(name).map(|b| b.name.as_ref()),
            Some(first.as_str())
        );
    }
    assert_eq!(standing.len(), distributions().len());
    let spec = spec(&["debian-12"], "neoverse-n1", &[]);
    let old = locked(&spec, &catalogue, &Target::NEWEST);
    assert!(
        old.baselines.contains_key("debian-12.r1"),
        "{:?}",
        old.baselines
    );
    // A newer revision: new locks have it, and one that is there does not change.
    let newer = revised("debian-12.r1");
    let fresh = locked(&spec, &newer, &Target::NEWEST);
    assert!(
        fresh.baselines.contains_key("debian-12.r2"),
        "{:?}",
        fresh.baselines
    );
    assert_ne!(fresh.hypercalls.psci, old.hypercalls.psci);
    let kept = locked(&spec, &newer, &Target::keeping(&old));
    assert_eq!(kept, old);
}

/// A baseline and a CPU model of somebody's file by that name.
fn named(name: &str) -> [(Vec<Baseline>, Vec<CpuModel>); 2] {
    let ours = Catalogue::builtin();
    let mut baseline = ours.baseline("kvm-6.1").expect("it is there").clone();
    baseline.name = Cow::Owned(name.to_owned());
    let mut cpu = ours.cpu("neoverse-n1").expect("it is there").clone();
    cpu.name = Cow::Owned(name.to_owned());
    [(vec![baseline], Vec::new()), (Vec::new(), vec![cpu])]
}

#[test]
fn no_file_decides_what_a_name_of_the_catalogue_means() {
    let taken = [
        "debian-12",
        "debian-12.r1",
        "debian-12.r2",
        "debian-12.r70",
        "kvm-6.1",
        "kvm-6.1.r2",
        "kvm-6.12.r2",
        "neoverse-n1",
        "neoverse-n1.r2",
        "graviton2.r1",
        "gic-iidr-rev2.r3",
    ];
    let free = [
        "debian-12.rc",
        "debian-14",
        "mine",
        "mine.r1",
        "kvm-6.1.r",
        "neoverse-n1.rx",
        "neoverse",
    ];
    for (names, is_free) in [(&taken[..], false), (&free[..], true)] {
        for name in names {
            for (baselines, cpus) in named(name) {
                let mut catalogue = Catalogue::builtin();
                let what = format!("{name}, {} CPU model", cpus.len());
                let refused = catalogue.import(baselines, cpus).err();
                let expected = (!is_free).then(|| vec![(*name).to_owned()]);
                assert_eq!(refused, expected, "{what}");
            }
        }
    }
}

#[test]
fn revisions_of_one_s_own_are_of_one_kind() {
    let mut catalogue = Catalogue::builtin();
    for name in ["mine.r1", "mine.r2"] {
        let [(baselines, _), _] = named(name);
        let done = catalogue.import(baselines, Vec::new());
        done.expect("one's own revisions");
    }
    for name in ["mine", "mine.r3"] {
        let [_, (_, cpus)] = named(name);
        let done = catalogue.import(Vec::new(), cpus);
        done.expect("one's own revisions");
    }
    assert_eq!(catalogue.revision("mine", &[]), "mine.r2");
    assert_eq!(catalogue.cpu_revision("mine", &[]), "mine.r3");
    let pins = ["mine.r1".to_owned(), "mine".to_owned()];
    assert_eq!(catalogue.revision("mine", &pins), "mine.r1");
    assert_eq!(catalogue.cpu_revision("mine", &pins), "mine");
}

#[test]
fn each_says_of_which_package_and_speaks_of_what_exists() {
    let catalogue = Catalogue::builtin();
    for baseline in distributions() {
        let name = &baseline.name;
        let kernel = baseline
            .kernel
            .as_ref()
            .unwrap_or_else(|| panic!("{name}: no package"));
        assert!(
            !kernel.package.is_empty() && !kernel.version.is_empty(),
            "{name}"
        );
        // Its source was read and hosts with it are recorded, or it says where it was measured and what was not.
        let measured = !baseline.measured_on.is_empty();
        assert_eq!(kernel.recorded.is_none(), measured, "{name}");
        assert_eq!(baseline.unknown.is_empty(), !measured, "{name}");
        for model in baseline.measured_on.iter() {
            assert!(catalogue.cpu(model).is_some(), "{name}: {model}");
        }
        for unknown in baseline.unknown.iter() {
            let topic = unknown.path.as_ref();
            let word = ["gic-iidr-revision", "smc", "psci", "cache"].contains(&topic);
            let feature = Feature::ALL.iter().any(|f| f.name() == topic);
            let register = REGISTERS.iter().any(|r| r.name == topic);
            assert!(
                word || feature || register || field(topic).is_some(),
                "{name}: {topic}"
            );
        }
        let after = baseline.after.as_deref().expect("a difference");
        assert!(
            catalogue.releases().contains(&after),
            "{name} is after {after}"
        );
        assert!(!catalogue.releases().contains(&name.as_ref()), "{name}");
    }
}

/// A CPU that has something in every field of every ID register, so that whatever kernels show differently shows.
fn everything() -> CpuModel {
    let model = CPUS
        .iter()
        .find(|c| c.name == "neoverse-n1")
        .expect("built in");
    let mut cpu = model.clone();
    cpu.name = "everything".into();
    let mut values: BTreeMap<String, u64> = BTreeMap::new();
    for said in cpu.registers.iter() {
        values.insert(said.register.to_string(), said.value);
    }
    for register in REGISTERS.iter().filter(|r| r.kind == Kind::Id) {
        let entry = values.entry(register.name.to_string()).or_default();
        for field in register.fields.iter() {
            // AArch32, exceptions and the PMU stay as they are: other parts of the lock hang on them.
            let path = format!("{}.{}", register.name, field.name);
            let decides = [
                "ID_AA64PFR0_EL1.EL0",
                "ID_AA64DFR0_EL1.PMUVer",
                "ID_AA64MMFR0_EL1.PARANGE",
            ];
            if field.get(*entry) == field.none() && !decides.contains(&path.as_str()) {
                *entry = field.put(*entry, 1);
            }
        }
    }
    // Caches of 64 bits are in no lock of an old kernel.
    let (_, wide) = field("ID_AA64MMFR2_EL1.CCIDX").expect("a field");
    let mmfr2 = values.entry("ID_AA64MMFR2_EL1".to_owned()).or_default();
    *mmfr2 = wide.put(*mmfr2, 0);
    let registers = values.into_iter().map(|(register, value)| SiliconValue {
        register: register.into(),
        value,
        source: "a test".into(),
    });
    let mut registers: Vec<SiliconValue> = registers.collect();
    registers.push(value("ACTLR_EL1", 0));
    cpu.registers = registers.into();
    cpu
}

/// What a lock promises of registers, interrupt controller and calls, by name.
fn promised(lock: &Lock) -> BTreeMap<String, u64> {
    let registers = lock.registers.iter();
    let registers = registers.map(|r| (r.name.clone(), r.value & r.mask));
    let gic = lock.gic.registers.iter();
    let gic = gic.map(|r| (r.name.clone(), r.value.into()));
    let answers = lock.hypercalls.answers.iter();
    let answers = answers.map(|a| (a.call.clone(), a.answer));
    registers.chain(gic).chain(answers).collect()
}

/// The fields of ID registers, and other things, in which two locks differ.
fn differences(a: &Lock, b: &Lock) -> BTreeSet<String> {
    let (a, b) = (promised(a), promised(b));
    let mut out = BTreeSet::new();
    for name in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
        let [was, is] = [&a, &b].map(|l| l.get(name).copied().unwrap_or_default());
        let register = REGISTERS.iter().find(|r| r.name == *name);
        let fields = register.map_or(&[][..], |r| r.fields.as_ref()).iter();
        let differs = fields.filter(|f| f.get(was) != f.get(is));
        let count = out.len();
        out.extend(differs.map(|f| format!("{name}.{}", f.name)));
        if out.len() == count && was != is {
            out.insert(name.clone());
        }
    }
    out
}

/// On a CPU that has all there is, a guest of Debian's kernel differs from one of the mainline release in what the baseline
/// states, and from every other release in more.
#[test]
fn the_release_that_each_is_a_difference_from_is_the_nearest() {
    let mut catalogue = Catalogue::builtin();
    catalogue
        .import(Vec::new(), vec![everything()])
        .expect("a new name");
    let lock = |abi: &str| {
        let mut spec = spec(&[abi, "cache-made-up"], "everything", &[]);
        spec.cpu.vector_lengths = Vec::new();
        locked(&spec, &catalogue, &Target::NEWEST)
    };
    let mut compared = 0;
    for baseline in distributions()
        .into_iter()
        .filter(|b| b.measured_on.is_empty())
    {
        let name = baseline.name.as_ref();
        let after = baseline.after.as_deref().expect("a difference");
        let own = lock(name);
        let stated: BTreeSet<String> = baseline
            .statements
            .iter()
            .map(|s| s.subject.topic().to_owned())
            .collect();
        assert_eq!(
            differences(&own, &lock(after)),
            stated,
            "{name} against {after}"
        );
        for other in catalogue.releases().into_iter().filter(|o| *o != after) {
            let count = differences(&own, &lock(other)).len();
            let same = differences(&lock(other), &lock(after)).is_empty();
            assert!(
                count > stated.len() || same,
                "{name}: {count} to {other}, {} to {after}",
                stated.len()
            );
            compared += 1;
        }
    }
    assert!(compared > 90, "only {compared}");
}

/// Hosts with the very kernels are recorded: a default guest there needs no write for such a lock.
#[test]
fn recorded_hosts_show_what_their_distribution_s_baseline_says() {
    let (catalogue, hosts) = (Catalogue::builtin(), hosts());
    let (mut guests, mut others) = (0, 0);
    for baseline in distributions() {
        let Some(series) = baseline.kernel.as_ref().and_then(|k| k.recorded.as_deref()) else {
            continue;
        };
        for model in ["cortex-a72", "cortex-a76", "neoverse-n1", "max"] {
            // Before 6.3 a guest reads of its caches what no lock can hold, and 6.12 is the first that is held against it.
            if model == "max" && series != "6.12" {
                continue;
            }
            let report = &hosts[&format!("{model}-{series}")];
            for features in [&[][..], &[Feature::Pmu]] {
                let view = report.view(features).expect("it was looked at");
                let of = |abi: &str| {
                    let lock = locked(&spec(&[abi], model, features), &catalogue, &Target::NEWEST);
                    deviations(&lock, view, report)
                };
                let found = of(&baseline.name);
                assert!(found.is_empty(), "{} on {model}: {found:?}", baseline.name);
                guests += 1;
                // The comparison is one: another release is not what that host shows.
                others += usize::from(!of("kvm-7.3").is_empty());
            }
        }
    }
    assert_eq!((guests, others), (20, 20));
}

/// What of Amazon's kernels no measurement tells, decided by parts and waivers.
pub const DECIDED: [(&str, &[&str], &[&str]); 2] = [
    (
        "al2-5.10",
        &[
            "gic-iidr-rev2",
            "smc-none",
            "no-smccc-trng",
            "smccc-pv-time",
            "no-smccc-vendor-hyp",
            "no-smccc-discover-impl",
        ],
        &[
            "OSLSR_EL1.OSLM_0",
            "OSLSR_EL1.nTT",
            "OSLSR_EL1.OSLM_1",
            "DCZID_EL0.DZP",
            "DCZID_EL0.BS",
        ],
    ),
    (
        "al2023-6.1",
        &["gic-iidr-rev3", "smc-none", "no-smccc-discover-impl"],
        &["DCZID_EL0.DZP", "DCZID_EL0.BS"],
    ),
];

/// A description on a Graviton2 whose silicon's own gaps are left open.
fn on_graviton2(abi: &[&str], vary: &[&str]) -> VmSpec {
    let mut spec = spec(abi, "graviton2", &[]);
    let untold = crate::silicon::UNTOLD.iter().chain(vary);
    spec.vary = untold.map(|path| (*path).to_owned()).collect();
    spec
}

#[test]
fn what_nobody_measured_of_a_kernel_makes_no_lock() {
    let catalogue = Catalogue::builtin();
    for (name, parts, vary) in DECIDED {
        let all: Vec<&str> = [name].iter().chain(parts).copied().collect();
        let whole = on_graviton2(&all, vary);
        assert_eq!(errors(&whole, &catalogue), [], "{name}");
        // Each thing that is not decided is told of, at the baseline's name.
        let leave_out = |list: &[&'static str], at: usize| -> Vec<&'static str> {
            let kept = list.iter().enumerate().filter(|(i, _)| *i != at);
            kept.map(|(_, word)| *word).collect()
        };
        let mut cases = vec![on_graviton2(&[name], &[])];
        for at in 0..parts.len() {
            let abi: Vec<&str> = [name].into_iter().chain(leave_out(parts, at)).collect();
            cases.push(on_graviton2(&abi, vary));
        }
        for at in 0..vary.len() {
            cases.push(on_graviton2(&all, &leave_out(vary, at)));
        }
        assert!(cases.len() > 2);
        for case in cases {
            let found = errors(&case, &catalogue);
            let [complaint] = &found[..] else {
                panic!("{name}, {:?}: {found:#?}", case.abi);
            };
            assert_eq!((complaint.code, complaint.place.as_str()), (CODE, "/abi/0"));
            let help = complaint.help.as_deref().unwrap_or_default();
            assert!(
                help.contains("vmlock adopt REPORT --baseline NAME"),
                "{help}"
            );
        }
        // Parts may stand before it, and what is said is said of its own place.
        let abi = ["psci-1.0", name];
        let found = errors(&on_graviton2(&abi, &[]), &catalogue);
        assert_eq!(found[0].place, "/abi/1", "{found:#?}");
        // Features were not looked at, whatever the CPU is known to have.
        for feature in Feature::ALL {
            let mut asked = whole.clone();
            asked.cpu.features = vec![*feature];
            let found = errors(&asked, &catalogue);
            let told = |c: &Complaint| (c.code, c.place.as_str()) == (CODE, "/cpu/features/0");
            assert!(
                found.iter().any(told),
                "{name}, {}: {found:#?}",
                feature.name()
            );
        }
    }
}

#[test]
fn a_measured_kernel_is_for_the_cpus_of_its_measurements() {
    let mut catalogue = Catalogue::builtin();
    let measured = catalogue.cpu("graviton2").expect("a model").clone();
    // The same CPU in somebody's own file, and the next stepping of it.
    let mut own = measured.clone();
    own.name = "own".into();
    let mut next = measured.clone();
    next.name = "next".into();
    for cpu in [&mut own, &mut next] {
        cpu.registers.to_mut().push(value("ACTLR_EL1", 0));
    }
    let midr = next
        .registers
        .to_mut()
        .iter_mut()
        .find(|r| r.register == "MIDR_EL1");
    midr.expect("it says it").value += 1;
    let mut unread = own.clone();
    unread.name = "unread".into();
    unread
        .registers
        .to_mut()
        .retain(|r| r.register != "MIDR_EL1");
    unread.unknown.to_mut().push(Unknown {
        path: "MIDR_EL1".into(),
        source: "a test".into(),
    });
    let cpus = vec![own, next, unread];
    catalogue.import(Vec::new(), cpus).expect("new names");
    for (name, parts, vary) in DECIDED {
        let all: Vec<&str> = [name].iter().chain(parts).copied().collect();
        for (model, is_measured) in [
            ("own", true),
            ("next", false),
            ("unread", false),
            ("neoverse-n1", false),
        ] {
            let mut spec = on_graviton2(&all, vary);
            spec.cpu.model = model.to_owned();
            let told = |c: &Complaint| {
                (c.code, c.place.as_str()) == (CODE, "/cpu/model")
                    && c.also.iter().any(|(place, _)| place == "/abi/0")
            };
            let found = errors(&spec, &catalogue);
            assert_eq!(
                found.iter().any(told),
                !is_measured,
                "{name} on {model}: {found:#?}"
            );
            assert!(
                !is_measured || found.is_empty(),
                "{name} on {model}: {found:#?}"
            );
        }
    }
}

/// A baseline of one's own that builds on one that knows less fills its gaps, and inherits those that it leaves.
#[test]
fn a_later_baseline_fills_gaps_or_inherits_them() {
    let mut catalogue = Catalogue::builtin();
    let mut own = catalogue
        .baseline("debian-11.r1")
        .expect("it is there")
        .clone();
    own.name = "own".into();
    own.after = Some("al2023-6.1.r1".into());
    let mut said = own.statements[0].clone();
    said.subject = Subject::Smc(false);
    own.statements = vec![said].into();
    catalogue.import(vec![own], Vec::new()).expect("a new name");
    let found = errors(&on_graviton2(&["own"], &[]), &catalogue);
    let [complaint] = &found[..] else {
        panic!("{found:#?}");
    };
    assert_eq!(complaint.code, CODE);
    assert!(
        complaint.message.contains("GICD_IIDR") && !complaint.message.contains("SMC as"),
        "{complaint:?}"
    );
    let abi = ["own", "gic-iidr-rev3", "no-smccc-discover-impl"];
    let mut filled = on_graviton2(&abi, &["DCZID_EL0.DZP", "DCZID_EL0.BS"]);
    assert_eq!(errors(&filled, &catalogue), []);
    filled.cpu.model = "neoverse-n1".to_owned();
    let found = errors(&filled, &catalogue);
    assert!(found.iter().any(|c| c.code == CODE), "{found:#?}");
}
