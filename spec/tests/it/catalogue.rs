//! Properties of the tables themselves.

use crate::plans::hosts;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{MAIN_SEPARATOR, Path};
use vmlock_spec::catalogue::{
    BASELINES, CPUS, Catalogue, HWCAPS, Kind, MADE_OF, NEEDS, REGISTERS, Subject, TEXTS, field,
    register_by_name,
};
use vmlock_spec::vm::Feature;

/// Who changes the KDL alone has another catalogue in front of them than the one that decides.
#[test]
fn the_tables_are_of_the_catalogue_that_is_here() {
    const UPDATE: &str = "VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables";
    let hex = |text: &[u8]| -> String {
        let digest = Sha256::digest(text);
        digest.iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue");
    let mut here = BTreeMap::new();
    for folder in fs::read_dir(&root).expect("the catalogue").flatten() {
        let folder = folder.path();
        if !folder.is_dir() {
            continue;
        }
        for file in fs::read_dir(folder).expect("a folder").flatten() {
            let path = file.path();
            if path.extension().is_some_and(|end| end == "kdl") {
                let name = path.strip_prefix(&root).expect("below it");
                let name = name.to_str().expect("a name").replace(MAIN_SEPARATOR, "/");
                here.insert(name, hex(&fs::read(&path).expect("a file")));
            }
        }
    }
    assert!(here.len() > 50, "only {} files", here.len());
    let built: BTreeMap<String, String> = TEXTS
        .iter()
        .map(|(name, text)| ((*name).to_owned(), hex(text.as_bytes())))
        .collect();
    assert_eq!(built, here, "write the tables anew: {UPDATE}");
    let lines = here
        .iter()
        .map(|(name, digest)| format!("{digest}  {name}\n"));
    assert_eq!(
        hex(lines.collect::<String>().as_bytes()),
        MADE_OF,
        "the tables are of another catalogue; write them anew: {UPDATE}"
    );
}

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
    let whole = BASELINES.iter().filter(|b| b.part.is_none());
    let releases = whole.filter(|b| !b.is_of_distribution()).count();
    assert_eq!(
        releases,
        chain.len(),
        "a release of mainline's stands beside the chain"
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
fn models_with_vectors_say_their_lengths() {
    let (register, sve) = field("ID_AA64PFR0_EL1.SVE").expect("a field");
    let mut with = 0;
    for cpu in CPUS {
        let raw = cpu.registers.iter().find(|v| v.register == register.name);
        let has = raw.is_some_and(|v| sve.get(v.value) > 0);
        assert_eq!(has, !cpu.vector_lengths.is_empty(), "{}", cpu.name);
        let longest = cpu.vector_lengths.last().copied().unwrap_or(0);
        let powers = (7..11).map(|bit| 1u32 << bit).filter(|p| *p < longest);
        for power in powers {
            assert!(cpu.vector_lengths.contains(&power), "{}", cpu.name);
        }
        with += usize::from(has);
    }
    assert!(with >= 5, "only {with} models have vectors");
}

/// All names of `hwcap_str` (arch/arm64/kernel/cpuinfo.c), in its order, of 7.3.
const LINUX_HWCAPS: &str = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm jscvt fcma \
    lrcpc dcpop sha3 sm3 sm4 asimddp sha512 sve asimdfhm dit uscat ilrcpc flagm ssbs sb paca pacg gcs ls64 dcpodp sve2 \
    sveaes svepmull svebitperm svesha3 svesm4 flagm2 frint svei8mm svef32mm svef64mm svebf16 i8mm bf16 dgh rng bti mte \
    ecv afp rpres mte3 sme smei16i64 smef64f64 smei8i32 smef16f32 smeb16f32 smef32f32 smefa64 wfxt ebf16 sveebf16 cssc \
    rprfm sve2p1 sme2 sme2p1 smei16i32 smebi32i32 smeb16b16 smef16f16 mops hbc sveb16b16 lrcpc3 lse128 fpmr lut faminmax \
    f8cvt f8fma f8dp4 f8dp2 f8e4m3 f8e5m2 smelutv2 smef8f16 smef8f32 smesf8fma smesf8dp4 smesf8dp2 poe cmpbr fprcvt \
    f8mm8 f8mm4 svef16mm sveeltperm sveaes2 svebfscale sve2p2 sme2p2 smesbitperm smeaes smesfexpa smestmop smesmop4 \
    mtefar mtestoreonly lsfe sveb16mm sve2p3 smelut6 sme2p3 f16mm f16f32dot f16f32mm svelut6";

#[test]
fn every_hwcap_of_linux_is_known() {
    let linux: BTreeSet<&str> = LINUX_HWCAPS.split_whitespace().collect();
    assert_eq!(linux.len(), 124, "a name stands twice in the list");
    // AArch32 at EL0 is nothing that Linux has a hwcap for.
    let ours = HWCAPS.iter().map(|h| h.name.as_ref());
    let ours: BTreeSet<&str> = ours.filter(|name| *name != "aarch32").collect();
    assert_eq!(ours, linux);
}

#[test]
fn hwcaps_name_fields_and_values_that_exist() {
    for hwcap in HWCAPS {
        let name = &hwcap.name;
        assert!(!hwcap.source.is_empty(), "{name} has no source");
        let itself = hwcap.feature.is_some() || hwcap.why.is_some();
        assert!(itself || !hwcap.fields.is_empty(), "{name} is nothing");
        for by in hwcap.fields.iter() {
            let (register, field) =
                field(&by.path).unwrap_or_else(|| panic!("{name}: {}", by.path));
            assert_eq!(register.kind, Kind::Id, "{name}: {}", by.path);
            assert!(by.from <= field.max(), "{name}: {}", by.path);
            let (without, from) = (field.order(by.without(field)), field.order(by.from));
            assert!(without < from, "{name}: {} is there without it", by.path);
            // Hiding one name leaves what another one on the same field announces below it.
            for other in HWCAPS.iter().flat_map(|h| h.fields.iter()) {
                let below = other.path == by.path && field.order(other.from) < from;
                assert!(
                    !below || field.order(other.from) <= without,
                    "{name} takes {} along",
                    by.path
                );
            }
        }
    }
}

/// `REGISTER.FIELD>=n`, or `REGISTER.FIELD>=REGISTER.FIELD`, split; `None` for what names no field.
fn comparison(condition: &str) -> Option<(&str, Result<i64, &str>)> {
    let (path, least) = condition.split_once(">=")?;
    Some((path, least.parse().map_err(|_| least)))
}

#[test]
fn what_hangs_together_speaks_of_what_exists() {
    assert!(NEEDS.len() > 50, "only {} entries", NEEDS.len());
    for need in NEEDS {
        assert!(!need.source.is_empty(), "{need:?} has no source");
        for condition in need.given.iter().chain(need.one_of.iter()) {
            let known = match comparison(condition) {
                None => {
                    condition == "el0-aarch32"
                        || Feature::ALL.iter().any(|f| f.name() == condition.as_ref())
                }
                Some((path, Ok(least))) => {
                    field(path).is_some_and(|(_, f)| least <= f.max() as i64)
                }
                Some((path, Err(other))) => field(path).is_some() && field(other).is_some(),
            };
            assert!(known, "{need:?}: {condition}");
        }
    }
}

/// What real kernels show is the measure: a table that they break would refuse what can be kept.
#[test]
fn what_hangs_together_does_so_on_every_recorded_host() {
    let mut broken = BTreeSet::new();
    let mut views = 0;
    for (name, report) in hosts() {
        for view in &report.views {
            let value = |path: &str| {
                let (register, field) = field(path).expect("a field");
                let shown = view.register(register.id).and_then(|r| r.value);
                shown.map(|v| field.order(field.get(v)))
            };
            let holds = |condition: &str| match comparison(condition) {
                None if condition == "el0-aarch32" => value("ID_AA64PFR0_EL1.EL0") == Some(2),
                None => view.features.iter().any(|f| f.name() == condition),
                Some((path, least)) => {
                    let least = least.map_or_else(value, Some);
                    let now = value(path).zip(least);
                    now.is_none_or(|(now, least)| now >= least)
                }
            };
            for need in NEEDS {
                let given = need.given.as_deref().is_none_or(holds);
                if given && !need.one_of.iter().any(|c| holds(c)) {
                    let series = name.rsplit_once('-').map_or("", |(_, series)| series);
                    broken.insert((series.to_owned(), need.given.as_deref().unwrap_or_default()));
                }
            }
            views += 1;
        }
    }
    assert!(views > 100, "only {views} views");
    // 5.10 announces a PMU to vCPUs that have none (arch/arm64/kvm/sys_regs.c read_id_reg): a mistake that it alone makes.
    let known = [
        ("5.10", "ID_AA64DFR0_EL1.PMUVer>=1"),
        ("5.10", "ID_DFR0_EL1.PerfMon>=1"),
    ];
    let known = known.map(|(series, given): (&str, &str)| (series.to_owned(), given));
    assert_eq!(broken, BTreeSet::from(known));
}
