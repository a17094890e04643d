//! CPU models of real machines against what their guests were measured to find,
//! in the manner of `truth`; and what nobody measured makes no lock.

use crate::distributions::DECIDED;
use crate::truth::spec;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use vmlock_spec::catalogue::{Catalogue, Kind, SiliconValue, Unknown, field, register_by_id};
use vmlock_spec::lock::{Binding, Lock};
use vmlock_spec::resolve::{Complaint, Severity, Target, resolve};
use vmlock_spec::vm::{Debug, Feature, SetField, VmSpec};

/// The models, and the files of their measurements.
const MODELS: [(&str, &str); 3] = [
    ("graviton2", "graviton2-neoverse-n1"),
    ("graviton3", "graviton3-neoverse-v1"),
    ("graviton4", "graviton4-neoverse-v2"),
];

/// What no default guest's KVM_GET_ONE_REG tells: on these models it is waived, or there is no lock.
pub const UNTOLD: [&str; 7] = [
    "CNTFRQ_EL0.ClockFreq",
    "ICC_CTLR_EL1.ExtRange",
    "ICC_CTLR_EL1.RSS",
    "ICC_CTLR_EL1.A3V",
    "ICC_CTLR_EL1.SEIS",
    "ICC_CTLR_EL1.IDbits",
    "ICC_CTLR_EL1.PRIbits",
];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/measured/silicon")
}

/// A description that leaves open what was not measured.
fn waived(abi: &[&str], model: &str) -> VmSpec {
    let mut spec = spec(abi, model, &[]);
    spec.vary = UNTOLD.map(str::to_owned).to_vec();
    if model == "graviton4" {
        spec.vary
            .extend(["DCZID_EL0.DZP", "DCZID_EL0.BS"].map(str::to_owned));
    }
    spec
}

/// A description for a mainline release on one of these models. Where the caches cannot be told, those that newer
/// kernels make up stand for them.
fn release(baseline: &str, model: &str) -> VmSpec {
    let old = ["kvm-5.10", "kvm-6.1"].contains(&baseline);
    let wide = model != "graviton2";
    let mut spec = match old && wide {
        true => waived(&[baseline, "cache-made-up"], model),
        false => waived(&[baseline], model),
    };
    if baseline == "kvm-5.10" && model == "graviton4" {
        spec.cpu.hide.push("ID_AA64DFR0_EL1.TraceVer".into());
    }
    spec
}

fn lock(spec: &VmSpec) -> Lock {
    match resolve(spec, &Catalogue::builtin(), &Target::NEWEST) {
        Ok((lock, _)) => lock,
        Err(complaints) => panic!("{complaints:#?}"),
    }
}

fn errors(spec: &VmSpec) -> Vec<Complaint> {
    errors_of(spec, &Catalogue::builtin())
}

fn errors_of(spec: &VmSpec, catalogue: &Catalogue) -> Vec<Complaint> {
    let complaints = resolve(spec, catalogue, &Target::NEWEST).err();
    let errors = complaints.into_iter().flatten();
    errors.filter(|c| c.severity == Severity::Error).collect()
}

/// A measured default guest's registers by KVM register id.
fn measured(file: &str, series: &str) -> BTreeMap<u64, u64> {
    let path = folder().join(format!("{file}-{series}.txt"));
    let text = fs::read_to_string(path).expect("a measurement");
    let hex = |t: &str| u64::from_str_radix(t, 16).expect("hex");
    let rows =
        text.lines().filter_map(
            |line| match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["R", id, "0", value] => Some((hex(id), hex(value))),
                _ => None,
            },
        );
    rows.collect()
}

/// Fields by series in which the vendor's kernel differs from mainline: what its baselines state.
fn vendor() -> BTreeSet<(String, String)> {
    let catalogue = Catalogue::builtin();
    let of = |(series, name): (&str, &str)| {
        let baseline = catalogue.newest(name).expect("a baseline");
        let topics = baseline.statements.iter().map(|s| s.subject.topic());
        let rows = topics.map(|path| (series.to_owned(), path.to_owned()));
        rows.collect::<Vec<_>>()
    };
    [("5.10", "al2-5.10"), ("6.1", "al2023-6.1")]
        .into_iter()
        .flat_map(of)
        .collect()
}

/// The vendor's baselines, with what nobody measured decided by parts or left open, say what its guests were measured to
/// find; and whatever else such a lock promises without a measurement, baseline or description name as such.
#[test]
fn guests_of_the_vendor_s_kernels_find_what_their_baselines_say() {
    let catalogue = Catalogue::builtin();
    let (mut compared, mut unmeasured, mut promised) = (0, BTreeSet::new(), BTreeSet::new());
    for (model, file) in MODELS {
        for (baseline, parts, vary) in DECIDED {
            let series = baseline.rsplit('-').next().unwrap_or_default();
            let abi: Vec<&str> = [baseline].iter().chain(parts).copied().collect();
            let wide = model != "graviton2";
            let mut spec = match wide {
                true => waived(&[&abi[..], &["cache-made-up"]].concat(), model),
                false => waived(&abi, model),
            };
            let open = vary.iter().map(|path| (*path).to_owned());
            spec.vary.extend(open);
            spec.vary.sort();
            spec.vary.dedup();
            let (lock, rows) = (lock(&spec), measured(file, series));
            let unknown = &catalogue.newest(baseline).expect("a baseline").unknown;
            let parts = lock.baselines.keys().filter_map(|n| catalogue.baseline(n));
            let decided: BTreeSet<&str> = parts
                .filter(|b| b.part.is_some())
                .flat_map(|b| b.statements.iter().map(|s| s.subject.topic()))
                .collect();
            for entry in &lock.registers {
                let info = register_by_id(entry.id).expect("a lock has known registers only");
                let cache = info.csselr().is_some() || info.name == "CLIDR_EL1";
                let Some(value) = rows.get(&entry.id).filter(|_| !(cache && wide)) else {
                    let name = entry.name.as_str();
                    let of = |path: &str| path.split('.').next() == Some(name);
                    let named = unknown.iter().any(|u| of(&u.path));
                    let is_decided = decided.contains(name);
                    // Where the silicon's caches cannot be told, a part makes them up.
                    let made_up = cache && wide;
                    // The description leaves every field open.
                    let mut fields = info.fields.iter();
                    let waived =
                        !entry.vary.is_empty() && fields.all(|f| f.mask() & entry.promised() == 0);
                    unmeasured.insert(name.to_owned());
                    if !(named || is_decided || made_up || waived) {
                        promised.insert(format!("{model} on {baseline}: {name}"));
                    }
                    continue;
                };
                let off = (value ^ entry.value) & entry.promised();
                assert_eq!(
                    off, 0,
                    "{model} on {baseline}: {} is {value:#x} in the guest",
                    entry.name
                );
                compared += 1;
            }
        }
    }
    assert!(promised.is_empty(), "nobody measured {promised:#?}");
    assert!(compared > 6 * 60, "only {compared} values compared");
    for name in ["DCZID_EL0", "OSLSR_EL1", "KVM_REG_ARM_VENDOR_HYP_BMAP_2"] {
        assert!(unmeasured.contains(name), "{name} in {unmeasured:?}");
    }
}

#[test]
fn guests_of_real_machines_find_what_baseline_and_model_say() {
    let vendor = vendor();
    let mut needed = BTreeSet::new();
    let mut compared = 0;
    for (model, file) in MODELS {
        for (series, baseline) in [("5.10", "kvm-5.10"), ("6.1", "kvm-6.1")] {
            let spec = release(baseline, model);
            let lock = lock(&spec);
            let rows = measured(file, series);
            let made_up = spec.abi.iter().any(|name| name == "cache-made-up");
            let name = format!("{model} on {series}");
            for entry in &lock.registers {
                let info = register_by_id(entry.id).expect("a lock has known registers only");
                let cache = info.csselr().is_some() || info.name == "CLIDR_EL1";
                let Some(value) = rows.get(&entry.id).filter(|_| !(cache && made_up)) else {
                    // Nothing of it is measured: nothing of it is promised but what no kernel changes.
                    let absent =
                        entry.rule == Binding::Absent || entry.promised() & entry.value == 0;
                    // 5.10 has no such register, and answers those calls.
                    let calls = series == "5.10" && entry.name == "KVM_REG_ARM_STD_HYP_BMAP";
                    let untold = ["DCZID_EL0", "OSLSR_EL1"].contains(&entry.name.as_str());
                    let known = cache || calls || untold;
                    assert!(absent || known, "{name}: {} is not measured", entry.name);
                    continue;
                };
                compared += 1;
                let mut off = (value ^ entry.value) & entry.promised();
                for field in info.fields.iter().filter(|f| off & f.mask() != 0) {
                    let key = (series.to_owned(), format!("{}.{}", info.name, field.name));
                    assert!(
                        vendor.contains(&key),
                        "{name}: {} is {:#x} in the lock and {:#x} in the guest",
                        key.1,
                        field.get(entry.value),
                        field.get(*value)
                    );
                    needed.insert(key);
                }
                off &= !info.fields.iter().fold(0, |bits, f| bits | f.mask());
                assert_eq!(off, 0, "{name}: {} {value:#x}", entry.name);
            }
            // What a guest has and the lock does not speak of is state, a PMU that it has not, or a cache.
            for id in rows
                .keys()
                .filter(|id| !lock.registers.iter().any(|r| r.id == **id))
            {
                let info = register_by_id(*id);
                let harmless = info.is_some_and(|r| {
                    r.kind == Kind::State
                        || r.csselr().is_some()
                        || r.name == "MPIDR_EL1"
                        || r.feature.as_deref() == Some("pmu")
                });
                assert!(harmless, "{name}: {id:#x} is in no lock and is no state");
            }
        }
    }
    assert_eq!(needed, vendor, "a difference is stated and shows nowhere");
    assert!(compared > 6 * 60, "only {compared} values compared");
}

/// The silicon's caches, which no lock of these two can tell, are what KVM told all the same.
#[test]
fn caches_of_the_models_are_the_measured_ones() {
    let catalogue = Catalogue::builtin();
    for (model, file) in MODELS {
        let cpu = catalogue.cpu(model).expect("a model");
        for series in ["5.10", "6.1"] {
            let rows = measured(file, series);
            let caches = rows.iter().filter_map(|(id, value)| {
                let info = register_by_id(*id)?;
                (info.csselr().is_some() || info.name == "CLIDR_EL1").then_some((info, *value))
            });
            let mut seen = 0;
            for (info, value) in caches {
                let silicon = cpu.silicon(info);
                assert_eq!(
                    silicon.value,
                    value & !silicon.unknown,
                    "{model}: {}",
                    info.name
                );
                seen += 1;
            }
            assert!(seen >= 4, "{model}: only {seen}");
        }
    }
}

/// A lock of every release comes of every model, once what nobody measured is left open: all that newer kernels show is known.
#[test]
fn every_release_makes_a_lock_of_what_is_known() {
    let catalogue = Catalogue::builtin();
    let mut made = 0;
    for (model, _) in MODELS {
        for baseline in catalogue.releases() {
            let spec = waived(&[baseline, "cache-made-up"], model);
            let errors = errors(&spec);
            // TraceVer, which kernels showed up to 5.11.
            let old = ["kvm-5.10", "kvm-5.11"].contains(&baseline);
            match model == "graviton4" && old {
                true => assert!(errors.len() == 1 && errors[0].message.contains("TraceVer")),
                false => assert!(errors.is_empty(), "{model}, {baseline}: {errors:#?}"),
            }
            made += 1;
        }
    }
    assert!(made > 100, "only {made}");
}

/// What 6.18 shows beside the two measured kernels, by its own tables: nothing that these CPUs have, and less of some.
#[test]
fn newer_kernels_show_nothing_that_is_invented() {
    for (model, file) in MODELS {
        let old = measured(file, "5.10");
        let new = lock(&release("kvm-6.18", model));
        let value = |name: &str| {
            let entry = new.registers.iter().find(|r| r.name == name);
            entry.expect("in every lock").value
        };
        let id = |name: &str| {
            vmlock_spec::catalogue::register_by_name(name)
                .expect("known")
                .id
        };
        // Unchanged since 5.10.
        for name in [
            "MIDR_EL1",
            "REVIDR_EL1",
            "ID_AA64PFR1_EL1",
            "ID_AA64ISAR0_EL1",
            "ID_AA64ISAR1_EL1",
        ] {
            assert_eq!(value(name), old[&id(name)], "{model}: {name}");
        }
        for name in [
            "ID_AA64ISAR2_EL1",
            "ID_AA64ISAR3_EL1",
            "ID_AA64PFR2_EL1",
            "ID_AA64FPFR0_EL1",
            "ID_AA64MMFR3_EL1",
            "ID_AA64MMFR4_EL1",
        ] {
            assert_eq!(value(name), 0, "{model}: {name}");
        }
        // The GIC is the guest's, MPAM, CCIDX and NV are hidden, the PMU is off.
        let pfr0 = old[&id("ID_AA64PFR0_EL1")];
        assert_eq!(
            value("ID_AA64PFR0_EL1"),
            pfr0 & !0x0000_0f00_0f00_0000 | 1 << 24,
            "{model}"
        );
        let mmfr2 = old[&id("ID_AA64MMFR2_EL1")];
        assert_eq!(
            value("ID_AA64MMFR2_EL1"),
            mmfr2 & !0x0000_0000_0ff0_0000,
            "{model}"
        );
        let dfr0 = old[&id("ID_AA64DFR0_EL1")];
        assert_eq!(
            value("ID_AA64DFR0_EL1"),
            dfr0 & !0x0000_000f_0000_0ff0,
            "{model}"
        );
    }
}

#[test]
fn what_nobody_measured_makes_no_lock() {
    for (model, _) in MODELS {
        let bare = errors(&spec(&["kvm-6.18"], model, &[]));
        let [complaint] = &bare[..] else {
            panic!("{model}: {bare:#?}");
        };
        assert_eq!(
            (complaint.code, complaint.place.as_str()),
            ("spec::unmeasured", "/cpu/model")
        );
        let help = complaint.help.as_deref().unwrap_or_default();
        for word in [
            "vmlock-run probe",
            "vmlock cpu",
            "vary \"CNTFRQ_EL0.ClockFreq\"",
        ] {
            assert!(help.contains(word), "{model}: {help}");
        }
        for feature in [Feature::Pmu, Feature::Sve, Feature::Pauth, Feature::Mte] {
            let mut asked = waived(&["kvm-6.18"], model);
            asked.cpu.features = vec![feature];
            if feature == Feature::Sve {
                asked.cpu.vector_lengths = vec![128];
            }
            let errors = errors(&asked);
            let [complaint] = &errors[..] else {
                panic!("{model}, {}: {errors:#?}", feature.name());
            };
            assert_eq!(
                (complaint.code, complaint.place.as_str()),
                ("spec::unmeasured", "/cpu/features/0")
            );
        }
    }
}

/// What the silicon may have can be hidden, and not be promised.
#[test]
fn of_what_is_unknown_the_least_can_be_shown() {
    let mut hidden = waived(&["kvm-5.10", "cache-made-up"], "graviton4");
    hidden.cpu.hide.push("ID_AA64DFR0_EL1.TraceVer".into());
    assert!(errors(&hidden).is_empty());
    let mut promised = waived(&["kvm-6.18"], "graviton4");
    promised.cpu.set.push(SetField {
        field: "ID_AA64PFR0_EL1.AMU".into(),
        value: 1,
    });
    let errors = errors(&promised);
    assert_eq!(errors.len(), 1, "{errors:#?}");
    assert!(
        errors[0].message.contains("nobody has measured"),
        "{errors:#?}"
    );
}

/// The name of a model that nobody has measured whole.
const UNREAD: &str = "unread";

/// A catalogue with a copy of a model of whose registers and fields these are unknown.
fn unread(model: &str, unknown: &[&str]) -> Catalogue {
    let mut catalogue = Catalogue::builtin();
    let mut cpu = catalogue.cpu(model).expect("a model").clone();
    cpu.name = UNREAD.into();
    if !unknown.contains(&"ACTLR_EL1") {
        cpu.registers.to_mut().push(said("ACTLR_EL1", 0));
    }
    for path in unknown {
        cpu.registers.to_mut().retain(|r| r.register != *path);
        let given = |name: &str| path.strip_prefix("unaffected:") == Some(name);
        cpu.unaffected.to_mut().retain(|name| !given(name));
        if let Some((info, field)) = field(path) {
            let registers = cpu.registers.to_mut().iter_mut();
            let mut all = registers.chain(cpu.facts.to_mut());
            let of = all.find(|r| r.register == info.name);
            of.expect("the model has it").value &= !field.mask();
        }
        cpu.unknown.to_mut().push(Unknown {
            path: (*path).to_owned().into(),
            source: "nobody looked".into(),
        });
    }
    catalogue.import(Vec::new(), vec![cpu]).expect("a new name");
    catalogue
}

/// A value of the silicon.
fn said(register: &'static str, value: u64) -> SiliconValue {
    SiliconValue {
        register: register.into(),
        value,
        source: "a test".into(),
    }
}

/// That there is no lock, for that reason alone; gives what can be done.
fn hangs_on(spec: &VmSpec, catalogue: &Catalogue, path: &str) -> String {
    let errors = errors_of(spec, catalogue);
    let [complaint] = &errors[..] else {
        panic!("{:?}, {path}: {errors:#?}", spec.abi);
    };
    assert_eq!(
        (complaint.code, complaint.place.as_str()),
        ("spec::unmeasured", "/cpu/model")
    );
    let words = format!("hangs on {path}, ");
    assert!(complaint.message.contains(&words), "{complaint:?}");
    let help = complaint.help.clone().unwrap_or_default();
    assert!(help.contains("vmlock-run probe"), "{help}");
    help
}

/// What a lock says of a register, where one comes of the description.
fn locked(spec: &VmSpec, catalogue: &Catalogue, name: &str) -> u64 {
    let (lock, _) = resolve(spec, catalogue, &Target::NEWEST).expect("a lock");
    let mut entries = lock.registers.iter();
    let entry = entries.find(|r| r.name == name);
    entry.expect("the lock speaks of it").value
}

/// Where nobody knows whether a CPU has a vulnerability, what kernels tell a guest of it is as unknown.
#[test]
fn what_hangs_on_a_vulnerability_that_nobody_has_looked_for_makes_no_lock() {
    const CSV2: &str = "ID_AA64PFR0_EL1.CSV2";
    const CSV3: &str = "ID_AA64PFR0_EL1.CSV3";
    let both = ["unaffected:meltdown", "unaffected:spectre-v2"];
    for (unknown, baseline, paths) in [
        (&both[..], "kvm-5.10", &[CSV2][..]),
        (&both, "kvm-5.11", &[CSV3, CSV2]),
        (&both, "kvm-6.1", &[CSV3, CSV2]),
        (&both, "kvm-6.4", &[CSV3, CSV2]),
        (&both, "kvm-6.8", &[CSV3, CSV2]),
        (&both, "kvm-6.18", &[CSV3, CSV2]),
        (&both[..1], "kvm-6.1", &[CSV3]),
        (&both[1..], "kvm-6.1", &[CSV2]),
    ] {
        let catalogue = unread("neoverse-n1", unknown);
        let asked = spec(&[baseline], UNREAD, &[]);
        let errors = errors_of(&asked, &catalogue);
        let [complaint] = &errors[..] else {
            panic!("{baseline}: {errors:#?}");
        };
        assert_eq!(complaint.code, "spec::unmeasured");
        let help = complaint.help.clone().unwrap_or_default();
        for path in [CSV2, CSV3] {
            let (_, named) = complaint.message.split_once(": ").expect("names");
            assert_eq!(named.contains(path), paths.contains(&path), "{complaint:?}");
            assert_eq!(help.contains(path), paths.contains(&path), "{help}");
        }
        for name in paths {
            let name = match *name {
                CSV2 => "spectre-v2",
                _ => "meltdown",
            };
            let line = format!("in place of `unknown \"unaffected:{name}\"` say `unaffected");
            assert!(help.contains(&line), "{help}");
        }
        // What the help names does help.
        let mut hidden = asked.clone();
        hidden.cpu.hide = paths.iter().map(|path| (*path).to_owned()).collect();
        let value = locked(&hidden, &catalogue, "ID_AA64PFR0_EL1");
        for path in paths {
            let (_, field) = field(path).expect("a field");
            assert_eq!(field.get(value), 0, "{path}");
        }
        let mut open = asked.clone();
        open.vary = hidden.cpu.hide.clone();
        locked(&open, &catalogue, "ID_AA64PFR0_EL1");
    }
    // A CPU that has them, or has not, is told of as it is.
    for name in ["neoverse-n1", "a64fx"] {
        let known = unread(name, &[]);
        let value = locked(&spec(&["kvm-6.1"], UNREAD, &[]), &known, "ID_AA64PFR0_EL1");
        assert_eq!(value >> 60 == 1, name == "neoverse-n1", "{value:#x}");
    }
}

/// A CLIDR_EL1 that nobody has read is not one that names no cache.
#[test]
fn an_unread_clidr_makes_no_lock_where_it_is_shown() {
    for unknown in ["CLIDR_EL1", "CLIDR_EL1.Ctype2"] {
        let catalogue = unread("neoverse-n1", &[unknown]);
        for baseline in ["kvm-5.10", "kvm-6.1", "kvm-6.2"] {
            hangs_on(&spec(&[baseline], UNREAD, &[]), &catalogue, "CLIDR_EL1");
        }
        // There a condition hangs on it too.
        let shown = spec(&["kvm-6.8", "cache-model"], UNREAD, &[]);
        hangs_on(&shown, &catalogue, "CLIDR_EL1");
        let made_up = spec(&["kvm-5.10", "cache-made-up"], UNREAD, &[]);
        assert_ne!(locked(&made_up, &catalogue, "CLIDR_EL1"), 0);
    }
}

/// Nor is an ACTLR_EL1 zero that nobody has read; version 1 of the lock says nothing of it.
#[test]
fn an_unread_actlr_makes_no_reset_line() {
    let catalogue = unread("neoverse-n1", &["ACTLR_EL1"]);
    for baseline in ["kvm-5.10", "kvm-6.8"] {
        let spec = spec(&[baseline], UNREAD, &[]);
        hangs_on(&spec, &catalogue, "ACTLR_EL1");
        let (lock, _) = resolve(&spec, &catalogue, &Target::of(1)).expect("a lock");
        assert_eq!(lock.reset, []);
    }
}

/// What a user's model has forgotten is not zero, and the line that says it is named.
#[test]
fn what_a_users_model_does_not_say_nobody_knows() {
    let shipped = Catalogue::builtin();
    let mut cpu = shipped.cpu("neoverse-n1").expect("a model").clone();
    cpu.name = UNREAD.into();
    for (forgotten, other, value) in [
        ("CLIDR_EL1", "ACTLR_EL1", 0),
        ("ACTLR_EL1", "CLIDR_EL1", 0x8200_0023),
    ] {
        let mut own = cpu.clone();
        let registers = own.registers.to_mut();
        registers.retain(|r| r.register != forgotten && r.register != other);
        registers.push(said(other, value));
        let mut catalogue = Catalogue::builtin();
        catalogue.import(Vec::new(), vec![own]).expect("a new name");
        let help = hangs_on(&spec(&["kvm-6.1"], UNREAD, &[]), &catalogue, forgotten);
        let line = format!("`register \"{forgotten}\" VALUE");
        assert!(help.contains(&line), "{help}");
    }
    // The models that come with vmlock say what they said.
    let shipped = spec(&["kvm-6.1"], "neoverse-n1", &[]);
    resolve(&shipped, &Catalogue::builtin(), &Target::NEWEST).expect("a lock");
}

/// To leave a field of CTR_EL0 open does not tell what KVM makes the caches up of.
#[test]
fn made_up_caches_hang_on_a_ctr_that_was_read() {
    // Of Cortex-A72's CLIDR_EL1 no IDC follows.
    for (model, path) in [
        ("neoverse-n1", "CTR_EL0.DIC"),
        ("cortex-a72", "CTR_EL0.IDC"),
        ("neoverse-n1", "CTR_EL0.IminLine"),
        ("cortex-a72", "CTR_EL0.DminLine"),
    ] {
        let catalogue = unread(model, &[path]);
        let mut open = spec(&["kvm-6.8"], UNREAD, &[]);
        open.vary.push(path.to_owned());
        let help = hangs_on(&open, &catalogue, path);
        assert!(help.contains(&format!("set \"{path}\" 0")), "{help}");
        // The silicon's caches say themselves what they are.
        open.abi = vec!["kvm-5.10".to_owned()];
        let own = locked(&open, &catalogue, "CLIDR_EL1");
        let whole = spec(&["kvm-5.10"], model, &[]);
        let of_model = locked(&whole, &catalogue, "CLIDR_EL1");
        assert_eq!(own, of_model, "{model}");
        let mut least = spec(&["kvm-6.8"], UNREAD, &[]);
        least.cpu.set.push(SetField {
            field: path.to_owned(),
            value: 0,
        });
        assert_ne!(locked(&least, &catalogue, "CLIDR_EL1"), 0, "{model}");
    }
    // What the baseline decides nobody has to read, and what decides nothing can stay open.
    let catalogue = unread("neoverse-n1", &["CTR_EL0.IDC", "CTR_EL0.CWG"]);
    let mut decided = spec(&["kvm-6.8"], UNREAD, &[]);
    decided.vary.push("CTR_EL0.CWG".to_owned());
    assert_eq!(locked(&decided, &catalogue, "CLIDR_EL1"), 0x0200_0021);
}

/// Without CCIDX nobody knows in which format the geometry is, be it hidden or not.
#[test]
fn the_silicons_geometry_hangs_on_a_ccidx_that_was_read() {
    let ccidx = "ID_AA64MMFR2_EL1.CCIDX";
    let catalogue = unread("neoverse-n1", &[ccidx]);
    let mut hidden = spec(&["kvm-6.1"], UNREAD, &[]);
    hidden.cpu.hide.push(ccidx.to_owned());
    let help = hangs_on(&hidden, &catalogue, ccidx);
    assert!(help.contains("kvm-6.3"), "{help}");
    let model = spec(&["kvm-6.8", "cache-model"], UNREAD, &[]);
    hangs_on(&model, &catalogue, ccidx);
    let made_up = spec(&["kvm-6.8"], UNREAD, &[]);
    assert_ne!(locked(&made_up, &catalogue, "CLIDR_EL1"), 0);
}

/// A level of firmware that nobody knows is not 0, the worst, nor what stands beside it.
#[test]
fn an_unread_level_of_firmware_makes_no_lock() {
    let register = "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1";
    let catalogue = unread("neoverse-n1", &[&format!("{register}.Level")]);
    let errors = errors_of(&spec(&["kvm-6.8"], UNREAD, &[]), &catalogue);
    let [complaint] = &errors[..] else {
        panic!("{errors:#?}");
    };
    assert_eq!(complaint.code, "spec::incomplete-cpu");
    assert!(complaint.message.contains(register), "{complaint:?}");
}

/// A number of breakpoints that nobody knows is not one.
#[test]
fn breakpoints_that_nobody_counted_are_not_called_too_few() {
    let catalogue = unread("neoverse-n1", &["ID_AA64DFR0_EL1.BRPs"]);
    let mut asked = spec(&["kvm-6.8"], UNREAD, &[]);
    asked.cpu.debug = Some(Debug {
        breakpoints: Some(4),
        watchpoints: None,
    });
    let errors = errors_of(&asked, &catalogue);
    let place = "/cpu/debug/breakpoints";
    let refused = errors.iter().find(|c| c.place == place);
    let refused = refused.expect("it is refused");
    assert!(
        refused.message.contains("nobody has measured"),
        "{refused:?}"
    );
}
