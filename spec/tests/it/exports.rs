//! What becomes of locks under other people's virtual machine monitors: the catalogue's entries are sound, and every
//! promise has one fate, which agrees with the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use vmlock_spec::catalogue::vmm::{Form, Manner, Overwrites, Vmm, names as names_of};
use vmlock_spec::catalogue::{VMMS, register_by_name, vmm};
use vmlock_spec::export::{Entry, Export, Fate, SCOPES, export};
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::machine::mpidr;
use vmlock_spec::observation::{Promise, key_named, promises, scope::Scope};
use vmlock_spec::plan::{ENTRY, Emulation, Plan, plan_with};
use vmlock_spec::report::{self, HostReport, ReportedRegister, Seen, View};
use vmlock_spec::vm::Feature;

/// Hosts of two CPUs, with old and new kernels.
const HOSTS: [&str; 4] = ["neoverse-n1-5.10", "neoverse-n1-7.2", "max-6.1", "max-7.3"];

/// The examples' locks, by name.
fn examples() -> BTreeMap<String, Lock> {
    locks_in("../examples")
}

/// The locks of a folder, by name.
fn locks_in(folder: &str) -> BTreeMap<String, Lock> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let paths = fs::read_dir(folder)
        .expect("locks")
        .flatten()
        .map(|e| e.path());
    let locks = paths.filter(|p| p.to_string_lossy().ends_with(".vm.lock.json"));
    let read = |path| canonical::parse(&fs::read_to_string(path).expect("a file")).expect("a lock");
    locks
        .map(read)
        .map(|lock: Lock| (lock.name.clone(), lock))
        .collect()
}

/// The lock and the host of these names, exported.
fn exported(lock: &str, host: &str, to: &str) -> (Lock, HostReport, Export) {
    let lock = examples().remove(lock).expect("an example");
    let host = self::host(host);
    let export = exported_to(&lock, &host, to, &SCOPES);
    (lock, host, export)
}

/// That lock on that host, exported to a VMM by its name and version.
fn exported_to(lock: &Lock, host: &HostReport, to: &str, scopes: &[Scope]) -> Export {
    let vmm = vmm(to.split('@').next().unwrap()).expect("a VMM");
    let version = vmm.version(to.split_once('@').map(|(_, v)| v));
    export(lock, host, vmm, version.expect("a version"), scopes)
}

/// A lock of the lab's.
fn of_lab(name: &str) -> Lock {
    let found = locks_in("../lab/tests/specs").remove(name);
    found.expect("a lock")
}

/// The hosts of [`HOSTS`], by name.
fn few_hosts() -> BTreeMap<String, HostReport> {
    HOSTS.map(|name| (name.to_owned(), host(name))).into()
}

/// A recorded host.
fn host(name: &str) -> HostReport {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("catalogue/hosts");
    let text = fs::read_to_string(folder.join(format!("{name}.json"))).expect("a host");
    report::parse(&text).expect("a report")
}

fn text(export: &Export) -> &str {
    export.text.as_deref().expect("something to tell")
}

fn entry<'a>(export: &'a Export, name: &str) -> &'a Entry {
    let found = export.entries.iter().find(|entry| entry.name == name);
    found.unwrap_or_else(|| panic!("{name} has no fate"))
}

fn fate(export: &Export, name: &str) -> Fate {
    entry(export, name).fate
}

#[test]
fn vmms_are_sound() {
    assert!(VMMS.len() >= 4);
    for vmm in VMMS {
        let name = &vmm.name;
        let features: BTreeSet<&str> = vmm.features.iter().map(|f| f.feature.as_ref()).collect();
        let all: BTreeSet<&str> = Feature::ALL.iter().map(|f| f.name()).collect();
        assert_eq!(features, all, "{name}: who decides each feature?");
        for own in vmm.overwrites.iter() {
            assert!(own.value.unwrap_or(0) & !own.mask == 0, "{name}: {own:?}");
            for seen in own.names.iter() {
                let one = seen.replace('*', "2");
                assert!(
                    key_named(&one).is_some(),
                    "{name}: {seen} is nothing that a guest sees"
                );
            }
        }
        // What no host decides for it.
        let lines = |own: &Overwrites| {
            own.names.iter().any(|n| n == "GICD_TYPER") && own.mask & 0x1f == 0x1f
        };
        assert!(
            vmm.overwrites.iter().any(lines),
            "{name}: how many interrupts?"
        );
        let sources = vmm.options.iter().map(|o| &o.source);
        let sources = sources.chain(vmm.writes.iter().map(|w| &w.source));
        let sources = sources.chain(vmm.features.iter().map(|f| &f.source));
        let sources = sources.chain(vmm.overwrites.iter().map(|o| &o.source));
        let sources = sources.chain([&vmm.gicv3_source]);
        // Each names the version that was looked at, or the commit.
        let is_version = |word: &str| {
            let mut versions = vmm.versions.iter();
            versions.any(|v| word == v || word.starts_with(&format!("{v}.")))
        };
        let is_commit = |word: &str| {
            word.len() == 12 && word.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
        };
        let looked = |source: &str| {
            let mut words = source.split(|c: char| !c.is_ascii_alphanumeric() && c != '.');
            words.any(|word| is_version(word) || is_commit(word))
        };
        assert!(!looked("arch/arm64/kvm of aarch64, as of Linux 6.8"));
        for source in sources {
            assert!(looked(source), "{name}: {source}");
        }
        let told = vmm
            .writes
            .iter()
            .filter_map(|writes| writes.tell.as_deref());
        for writes in vmm.writes.iter() {
            for register in writes.names.iter().chain(writes.but.iter()) {
                let known = register == "*" || register_by_name(register).is_some();
                assert!(known, "{name}: there is no {register}");
            }
        }
        let of_features = vmm.features.iter().flat_map(|f| match &f.manner {
            Manner::Told {
                on, off, lengths, ..
            } => {
                let lengths = lengths.as_ref();
                let [has, not] = [lengths.map(|l| &l.on), lengths.map(|l| &l.off)];
                [on.as_ref(), off.as_ref(), has, not].map(|t| t.map(AsRef::as_ref))
            }
            Manner::Never | Manner::Always => [None; 4],
        });
        let first = |words: &str| words.split(' ').next().unwrap_or_default().to_owned();
        let elements: BTreeSet<String> = vmm.options.iter().map(|o| first(&o.name)).collect();
        for words in told.chain(of_features.flatten()) {
            let fits = match vmm.form {
                Form::Arguments => words.starts_with('-') && words.split(' ').count() <= 2,
                Form::Domain => elements.contains(&first(words)) && words.ends_with("/>"),
                Form::Template => false,
            };
            assert!(fits, "{name}: {words}");
        }
    }
}

#[test]
fn a_version_is_one_that_somebody_looked_at() {
    let qemu = vmm("qemu").unwrap();
    assert_eq!(qemu.version(None), Some("11.1"));
    assert_eq!(qemu.version(Some("10.0.8")), Some("10.0"));
    assert_eq!(qemu.version(Some("11.1.3")), Some("11.1"));
    assert_eq!(qemu.version(Some("11.10")), None);
    // What is numbered so is 11.2 in the making.
    for other in [
        "11.1.50",
        "11.1.90",
        "10.0.94",
        "11.1.",
        "11.1.x",
        "11.1.3-rc1",
    ] {
        assert_eq!(qemu.version(Some(other)), None, "{other}");
    }
    // Who numbers nothing so has a hundredth release as well.
    assert_eq!(
        vmm("firecracker").unwrap().version(Some("1.16.50")),
        Some("1.16")
    );
    assert_eq!(qemu.version(Some("")), None);
}

/// Every promise of the scopes has one fate, on every host and under every VMM; what the host itself cannot keep is
/// neither kept nor left to chance, and what is broken by the plan alone is named by it.
#[test]
fn every_promise_has_a_fate_that_agrees_with_the_plan() {
    let few = few_hosts();
    let (mut seen, mut refused, mut fates) = (0, 0, BTreeSet::new());
    for (name, lock) in examples() {
        let promised: BTreeSet<String> = promises(&lock)
            .iter()
            .filter(|p| SCOPES.contains(&Scope::of(p.key)) && p.mask != 0)
            .map(|p| p.name().into_owned())
            .collect();
        for (host, report) in &few {
            let plan: Plan = plan_with(&lock, report, Emulation::Forbidden);
            for vmm in VMMS {
                let version = vmm.version(None).unwrap();
                let export = export(&lock, report, vmm, version, &SCOPES);
                let place = format!("{name} on {host} under {}", vmm.name);
                fates.extend(export.entries.iter().map(|e| e.fate));
                if export.text.is_none() {
                    assert!(
                        export.entries.iter().all(|e| e.fate == Fate::Cannot),
                        "{place}"
                    );
                    assert_eq!(
                        export.not_looked_at.promises,
                        promises(&lock).len(),
                        "{place}"
                    );
                    assert!(!export.entries.is_empty(), "{place}");
                    continue;
                }
                let names: BTreeSet<&str> =
                    export.entries.iter().map(|e| e.name.as_str()).collect();
                assert_eq!(names.len(), export.entries.len(), "{place}: two fates");
                let without: Vec<&String> = promised
                    .iter()
                    .filter(|p| !names.contains(p.as_str()))
                    .collect();
                let waived = |name: &&String| {
                    let mut registers = lock.registers.iter();
                    registers.any(|r| r.name == **name && r.promised() == 0)
                };
                assert!(without.iter().all(waived), "{place}: {without:?}");
                for refusal in &plan.refusals {
                    let register = refusal.name.rsplit_once('.').map(|(register, _)| register);
                    let named = |name: &str| export.entries.iter().find(|e| e.name == name);
                    // What is of the parts that are the VMM's own, the machine and what it begins with.
                    let key = key_named(&refusal.name).or(register.and_then(key_named));
                    let others = key.is_some_and(|key| !SCOPES.contains(&Scope::of(key)));
                    if refusal.name == ENTRY || others {
                        continue;
                    }
                    let found = named(&refusal.name).or(register.and_then(named));
                    let entry = found.unwrap_or_else(|| panic!("{place}: lost {refusal:?}"));
                    refused += 1;
                    let own = vmm
                        .overwrites
                        .iter()
                        .any(|o| names_of(&o.names, &entry.name));
                    // As are the groups of interrupts that it has not.
                    let own = own || entry.words.contains("makes it so");
                    assert!(own || entry.fate > Fate::Chance, "{place}: {entry:?}");
                }
                seen += export.entries.len();
            }
        }
    }
    assert!(seen > 30_000 && refused > 300, "{seen} and {refused}");
    assert_eq!(fates, BTreeSet::from(Fate::ALL));
}

#[test]
fn a_knob_counts_from_its_version_on() {
    const PSCI: &str = "KVM_REG_ARM_PSCI_VERSION";
    let (_, _, old) = exported("modern", "neoverse-n1-7.2", "qemu@10.0");
    let (_, _, new) = exported("modern", "neoverse-n1-7.2", "qemu@11.1");
    for name in [PSCI, "PSCI_VERSION()", "PSCI_FEATURES(SYSTEM_OFF2_64)"] {
        assert_eq!(
            (fate(&old, name), fate(&new, name)),
            (Fate::Cannot, Fate::Kept),
            "{name}"
        );
    }
    assert!(text(&new).contains("kvm-psci-version=1.1") && !text(&old).contains("psci"));
    // On a host that shows it by itself, nobody holds it without the knob.
    let (_, _, old) = exported("modern", "neoverse-n1-6.1", "qemu@10.0");
    assert_eq!(fate(&old, PSCI), Fate::Chance);
}

/// What libvirt hands to QEMU is never held better there than what QEMU is told directly, and what it has no word for is worse.
#[test]
fn libvirt_keeps_no_more_than_the_qemu_below_it() {
    let mut locks = examples();
    locks.extend(["steal", "vectors"].map(|name| (name.to_owned(), of_lab(name))));
    let (mut alike, mut worse) = (0, BTreeSet::new());
    for (name, lock) in &locks {
        for (host, report) in &few_hosts() {
            let [below, above] =
                ["qemu@10.0", "libvirt"].map(|to| exported_to(lock, report, to, &SCOPES));
            let place = format!("{name} on {host}");
            assert_eq!(below.text.is_some(), above.text.is_some(), "{place}");
            let entries = above.entries.iter();
            let above: BTreeMap<&str, Fate> = entries.map(|e| (e.name.as_str(), e.fate)).collect();
            for entry in &below.entries {
                let fate = above.get(entry.name.as_str()).copied();
                assert!(fate >= Some(entry.fate), "{place}: {entry:?} is {fate:?}");
                match fate == Some(entry.fate) {
                    true => alike += 1,
                    false => drop(worse.insert(entry.name.clone())),
                }
            }
        }
    }
    assert!(alike > 5_000, "{alike}");
    // An ITS and stolen time, which nobody takes away.
    for name in [
        "GICR_TYPER",
        "GICR_PROPBASER",
        "GICR_PENDBASER",
        "steal-time",
        "PV_TIME_ST()",
    ] {
        assert!(worse.contains(name), "{name}: {worse:?}");
    }
}

#[test]
fn libvirt_is_told_in_elements() {
    let (_, _, export) = exported("modern", "neoverse-n1-7.2", "libvirt");
    let wanted = "<domain type='kvm'>\n  <name>modern</name>\n  <memory unit='MiB'>256</memory>\n  \
                  <vcpu placement='static'>2</vcpu>\n  <os>\n    <type arch='aarch64' machine='virt'>hvm</type>\n  </os>\n  \
                  <features>\n    <gic version='3'/>\n    <pmu state='off'/>\n  </features>\n  \
                  <cpu mode='host-passthrough' check='none'>\n    <feature policy='disable' name='sve'/>\n    \
                  <feature policy='disable' name='pauth'/>\n  </cpu>\n</domain>\n";
    assert_eq!(text(&export), wanted);
    let export = exported_to(&of_lab("vectors"), &host("max-6.12"), "libvirt", &SCOPES);
    for (policy, name) in [("require", "sve512"), ("disable", "sve384")] {
        let element = format!("<feature policy='{policy}' name='{name}'/>");
        assert!(text(&export).contains(&element), "{:?}", export.text);
    }
}

#[test]
fn an_answer_is_kept_where_all_that_decides_it_is() {
    let (_, _, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    // By PSCI's version alone, by a bitmap, and by what only the kernel or silicon decides.
    assert_eq!(fate(&export, "PSCI_VERSION()"), Fate::Kept);
    assert_eq!(fate(&export, "TRNG_VERSION()"), Fate::Kept);
    assert_eq!(fate(&export, "SMC PSCI_VERSION()"), Fate::Chance);
    assert_eq!(
        fate(&export, "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_1)"),
        Fate::Chance
    );
    assert_eq!(fate(&export, "PV_TIME_ST()"), Fate::Forced);
    assert_eq!(fate(&export, "CLIDR_EL1"), Fate::Overwritten);
}

#[test]
fn features_that_every_guest_gets_are_forced_with_all_that_follows() {
    let (_, _, export) = exported("modern", "neoverse-n1-6.12", "cloud-hypervisor");
    for name in ["pmu", "ID_AA64DFR0_EL1", "PMCR_EL0", "PMEVCNTR0_EL0"] {
        assert_eq!(fate(&export, name), Fate::Forced, "{name}");
    }
    let (_, _, export) = exported("modern", "max-6.12", "crosvm");
    assert_eq!(fate(&export, "pointer authentication in use"), Fate::Forced);
    // Two at once, of which the report has no view: nothing is guessed.
    let (_, _, export) = exported("modern", "max-6.12", "cloud-hypervisor");
    assert_eq!(export.entries.len(), 1);
    assert_eq!((export.entries[0].fate, export.text), (Fate::Cannot, None));
    // The other way round: what hangs on a feature that no guest is given.
    let (_, _, export) = exported("portable", "neoverse-n1-7.2", "firecracker");
    let withheld = entry(&export, "ID_AA64DFR0_EL1");
    assert_eq!(withheld.fate, Fate::Cannot);
    assert!(withheld.words.contains("without pmu"), "{withheld:?}");
}

#[test]
fn a_feature_is_kept_where_a_host_without_it_starts_no_guest() {
    // Told, and insisted on; told, and left out in silence.
    let host_72 = host("neoverse-n1-7.2");
    let portable = examples().remove("portable").unwrap();
    let under = |lock: &Lock, to: &str| exported_to(lock, &host_72, to, &SCOPES);
    assert_eq!(fate(&under(&portable, "qemu"), "pmu"), Fate::Kept);
    assert_eq!(fate(&under(&portable, "crosvm"), "pmu"), Fate::Chance);
    assert_eq!(
        fate(&under(&portable, "cloud-hypervisor"), "pmu"),
        Fate::Chance
    );
    assert_eq!(fate(&under(&portable, "firecracker"), "pmu"), Fate::Cannot);
    // Stolen time: the feature, its structure, and where that is.
    let steal = of_lab("steal");
    const STRUCTURE: &str = "stolen-time structure, revision and attributes";
    for (to, feature, structure, place) in [
        ("qemu", Fate::Kept, Fate::Chance, Fate::Overwritten),
        ("firecracker", Fate::Chance, Fate::Chance, Fate::Overwritten),
        ("libvirt", Fate::Chance, Fate::Chance, Fate::Overwritten),
        ("crosvm", Fate::Chance, Fate::Chance, Fate::Overwritten),
        ("cloud-hypervisor", Fate::Cannot, Fate::Cannot, Fate::Cannot),
    ] {
        let export = exported_to(&steal, &host("neoverse-n1-6.12"), to, &SCOPES);
        let found = ["steal-time", STRUCTURE, "PV_TIME_ST()"].map(|name| fate(&export, name));
        assert_eq!(found, [feature, structure, place], "{to}");
    }
}

#[test]
fn what_can_be_said_on_some_hosts_alone_is_said_there_alone() {
    let (lock, mut host, export) = exported("modern", "neoverse-n1-7.2", "qemu");
    assert!(text(&export).contains("pmu=off"));
    assert_eq!(fate(&export, "pmu"), Fate::Kept);
    // Without a PMU, QEMU has no such property, and refuses the word.
    host.views.retain(|view| view.features.is_empty());
    let export = exported_to(&lock, &host, "qemu", &SCOPES);
    assert!(!text(&export).contains("pmu"), "{:?}", export.text);
    assert_eq!(fate(&export, "pmu"), Fate::Chance);
}

#[test]
fn vector_lengths_that_a_guest_has_not_are_said_too() {
    let lock = of_lab("vectors");
    assert_eq!(lock.vector_lengths, [128, 256, 512]);
    let mut host = host("max-6.12");
    let lengths = |export: &Export| {
        let mut all = export.entries.iter();
        let one = all.find(|e| e.name.starts_with("RDVL") || e.name.contains("vector length"));
        one.expect("a length").fate
    };
    let export = exported_to(&lock, &host, "qemu", &SCOPES);
    let said = "sve=on,sve128=on,sve256=on,sve384=off,sve512=on,";
    assert!(text(&export).contains(said), "{:?}", export.text);
    // This host has 384 bits too, which nobody can take away.
    assert_eq!(lengths(&export), Fate::Cannot);
    host.vector_lengths = vec![128, 256, 512];
    assert_eq!(
        lengths(&exported_to(&lock, &host, "qemu", &SCOPES)),
        Fate::Kept
    );
    assert_eq!(
        lengths(&exported_to(&lock, &host, "firecracker", &SCOPES)),
        Fate::Chance
    );
    host.vector_lengths.push(1024);
    assert_eq!(
        lengths(&exported_to(&lock, &host, "qemu", &SCOPES)),
        Fate::Kept
    );
    assert_eq!(
        lengths(&exported_to(&lock, &host, "firecracker", &SCOPES)),
        Fate::Cannot
    );
}

#[test]
fn a_vmm_with_fewer_interrupts_shows_no_groups_of_the_others() {
    let (_, _, export) = exported("modern", "neoverse-n1-7.2", "crosvm");
    assert_eq!(fate(&export, "GICD_IGROUPR1"), Fate::Chance);
    for name in ["GICD_IGROUPR2", "GICD_IGROUPR3", "GICD_IGROUPR2.writable"] {
        assert_eq!(fate(&export, name), Fate::Overwritten, "{name}");
    }
    let (_, _, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    assert_eq!(fate(&export, "GICD_IGROUPR3"), Fate::Chance);
    for name in ["GICD_TYPER", "GICR_TYPER", "GICR_PROPBASER"] {
        assert_eq!(fate(&export, name), Fate::Overwritten, "{name}");
    }
}

/// What a VMM makes so by itself is held where it insists on a GICv3, and not where it takes a GICv2 in silence.
#[test]
fn a_vmm_that_takes_another_interrupt_controller_holds_nothing_of_it() {
    let (mut lock, host, _) = exported("modern", "neoverse-n1-7.2", "firecracker");
    for (to, value, wanted) in [
        ("firecracker", 0x7a_0003, Fate::Chance),
        // Its lines and its ITS are its own, the other fields KVM's.
        ("cloud-hypervisor", 0x7a_0007, Fate::Chance),
    ] {
        let typer = lock
            .gic
            .registers
            .iter_mut()
            .find(|r| r.name == "GICD_TYPER");
        typer.expect("it").value = value;
        let export = exported_to(&lock, &host, to, &SCOPES);
        assert_eq!(fate(&export, "GICD_TYPER"), wanted, "{to}");
    }
}

/// Where a guest reads something else than KVM says, nobody holds what it reads by writing what KVM says.
#[test]
fn what_is_only_seen_from_inside_is_not_written() {
    let mut found = 0;
    let firecracker = vmm("firecracker").unwrap();
    let few = few_hosts();
    for (name, lock) in examples() {
        for (host, report) in &few {
            let plan = plan_with(&lock, report, Emulation::Forbidden);
            let inside = lock
                .registers
                .iter()
                .filter(|r| plan.only_inside.contains(&r.id));
            let inside: Vec<_> = inside
                .filter(|r| firecracker.writes[0].names(&r.name))
                .collect();
            if inside.is_empty() {
                continue;
            }
            let export = exported_to(&lock, report, "firecracker", &SCOPES);
            let Some(text) = &export.text else {
                continue;
            };
            for register in inside {
                let place = format!("{name} on {host}: {}", register.name);
                assert_ne!(fate(&export, &register.name), Fate::Kept, "{place}");
                assert!(!text.contains(&format!("{:#018x}", register.id)), "{place}");
                found += 1;
            }
        }
    }
    assert!(found >= 2, "{found}");
}

#[test]
fn what_a_report_does_not_tell_is_not_left_to_chance() {
    let (lock, mut host, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    const UNSEEN: [&str; 2] = ["DISR_EL1", "GICR_PENDBASER"];
    for name in UNSEEN {
        assert_eq!(fate(&export, name), Fate::Chance, "{name}");
    }
    for view in &mut host.views {
        view.guest
            .retain(|fact| !UNSEEN.contains(&fact.name.as_str()));
    }
    let export = exported_to(&lock, &host, "firecracker", &SCOPES);
    for name in UNSEEN {
        assert_eq!(fate(&export, name), Fate::Cannot, "{name}");
    }
    // What belongs to no part alone is not left out with any of them; what belongs to one is.
    let unknown = |id: u64| ReportedRegister {
        id,
        name: "unknown".into(),
        value: Some(1),
        writable: 0,
        accepts: BTreeMap::new(),
        honoured: BTreeMap::new(),
    };
    for view in &mut host.views {
        view.registers.push(unknown(0x6030_0000_0016_0009));
        view.registers.push(unknown(0x6030_0000_0019_0001));
        view.registers.sort_by_key(|register| register.id);
    }
    for (scope, named) in [(Scope::Firmware, 2), (Scope::Gic, 1)] {
        let export = exported_to(&lock, &host, "firecracker", &[scope]);
        let of_class = |e: &&Entry| e.name.starts_with("KVM register class");
        let all: Vec<&Entry> = export.entries.iter().filter(of_class).collect();
        assert_eq!(all.len(), named, "{all:?}");
        assert!(all.iter().all(|e| e.fate == Fate::Cannot), "{all:?}");
        assert_eq!(fate(&export, "what a guest sees"), Fate::Cannot);
    }
}

#[test]
fn memory_that_no_option_can_say_is_not_exported() {
    let (mut lock, host, _) = exported("modern", "neoverse-n1-7.2", "qemu");
    lock.machine.memory.size += 4096;
    let export = exported_to(&lock, &host, "qemu", &SCOPES);
    assert_eq!((fate(&export, "memory"), export.text), (Fate::Cannot, None));
}

/// The view of what a VMM gives guests of that lock on a host, worked out anew.
fn guest_of<'a>(lock: &Lock, report: &'a HostReport, vmm: &Vmm) -> Option<&'a View> {
    let given = |feature: &Feature| {
        let mut all = vmm.features.iter();
        match &all.find(|f| f.feature == feature.name())?.manner {
            Manner::Told { .. } => Some(lock.features.contains(feature)),
            Manner::Always => Some(report.offers(*feature)),
            Manner::Never => Some(false),
        }
    };
    let visible = Feature::ALL.iter().copied().filter(|f| f.has_view());
    let mut had: Vec<Feature> = visible.filter(|f| given(f) == Some(true)).collect();
    had.sort();
    report.view(&had)
}

/// A VMM that writes no register shows what the report's guest saw there, but for what it makes itself: where that is not
/// what was promised, no entry is kept or left to chance. Held without the plan.
#[test]
fn what_nobody_writes_is_as_it_was_seen() {
    /// What depends on how many vCPUs and interrupts there are.
    fn of_shape(name: &str) -> bool {
        [
            "MPIDR_EL1",
            "GICR_TYPER",
            "GICD_IGROUPR",
            "GICD_TYPER",
            "CPU_ON",
        ]
        .iter()
        .any(|beginning| name.starts_with(beginning))
    }
    /// Whether it starts no guest that would have other vector lengths.
    fn names_lengths(vmm: &Vmm) -> bool {
        let named = |manner: &Manner| {
            matches!(
                manner,
                Manner::Told {
                    lengths: Some(_),
                    ..
                }
            )
        };
        vmm.features.iter().any(|f| named(&f.manner))
    }
    let mut locks = examples();
    locks.extend(["steal", "vectors"].map(|name| (name.to_owned(), of_lab(name))));
    let few = few_hosts();
    let (mut held, mut broken) = (0, 0);
    for (name, lock) in &locks {
        let all: Vec<Promise> = promises(lock);
        for (host, report) in &few {
            for to in ["qemu@10.0", "libvirt", "crosvm", "cloud-hypervisor"] {
                let vmm = vmm(to.split('@').next().unwrap()).unwrap();
                let export = exported_to(lock, report, to, &SCOPES);
                let entries = export.entries.iter();
                let fates: BTreeMap<&str, Fate> =
                    entries.map(|e| (e.name.as_str(), e.fate)).collect();
                let Some(view) = guest_of(lock, report, vmm).filter(|_| export.text.is_some())
                else {
                    continue;
                };
                let guest = view.guest.iter();
                let seen: BTreeMap<(u32, &str), Seen> =
                    guest.map(|f| ((f.vcpu, f.name.as_str()), f.seen)).collect();
                for promise in &all {
                    let fact = promise.name();
                    let own = vmm.overwrites.iter().any(|o| names_of(&o.names, &fact));
                    // The report's guest has no stolen time.
                    let of_time = fact.contains("PV_TIME") || fact.starts_with("stolen");
                    if !SCOPES.contains(&Scope::of(promise.key))
                        || own
                        || of_time
                        || of_shape(&fact)
                    {
                        continue;
                    }
                    let shown = seen.get(&(promise.vcpu.min(1), &*fact));
                    let kept = shown.is_some_and(|seen| promise.kept(*seen));
                    let lengths = fact.contains("vector length");
                    let fate = fates.get(&*fact).copied();
                    if !kept && promise.mask != 0 && !(lengths && names_lengths(vmm)) {
                        assert!(
                            fate > Some(Fate::Chance),
                            "{name} on {host} under {to}: {fact} is {shown:?}, and {fate:?}"
                        );
                        broken += 1;
                    }
                    held += u32::from(kept);
                }
            }
        }
    }
    assert!(held > 20_000 && broken > 1_000, "{held} and {broken}");
}

/// Where a register is to be written otherwise than the report's guest had it, nobody saw what hangs on it follow.
#[test]
fn what_follows_from_a_register_that_is_written_is_not_known() {
    let (lock, mut host, _) = exported("portable", "neoverse-n1-7.2", "firecracker");
    let registers = host.views.iter_mut().flat_map(|view| &mut view.registers);
    for register in registers.filter(|r| r.name == "ID_AA64MMFR1_EL1") {
        register.writable = u64::MAX;
    }
    let export = exported_to(&lock, &host, "firecracker", &SCOPES);
    let seen = host.view(&[]).unwrap().seen("LORSA_EL1");
    assert!(seen.value().is_some(), "hidden already: {seen:?}");
    assert_eq!(fate(&export, "ID_AA64MMFR1_EL1"), Fate::Kept);
    for name in [
        "LORSA_EL1",
        "LOREA_EL1",
        "LORN_EL1",
        "LORC_EL1",
        "LORID_EL1",
    ] {
        let entry = entry(&export, name);
        assert_eq!(entry.fate, Fate::Cannot, "{entry:?}");
        assert!(entry.words.contains("nobody saw that it does"), "{entry:?}");
    }
}

/// What KVM on another host can ignore is left to chance though it is written.
#[test]
fn what_another_host_ignores_is_not_kept() {
    let (mut lock, host, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    let found = ["CTR_EL0", "ID_ISAR0_EL1"].map(|name| fate(&export, name));
    assert_eq!(found, [Fate::Chance, Fate::Kept]);
    assert!(text(&export).contains("0x603000000013d801"));
    // AArch32 without what says that it is there.
    let mut entries = lock.registers.iter_mut();
    let entry = entries.find(|r| r.name == "ID_AA64PFR0_EL1").unwrap();
    entry.mask &= !0xf;
    let export = exported_to(&lock, &host, "firecracker", &SCOPES);
    assert_eq!(fate(&export, "ID_ISAR0_EL1"), Fate::Chance);
    assert_eq!(fate(&export, "ID_AA64ISAR0_EL1"), Fate::Kept);
}

/// A lock that is too wide for a host is so whatever else is accepted.
#[test]
fn a_lock_too_wide_for_a_host_is_not_left_out() {
    let (lock, mut host, _) = exported("modern", "neoverse-n1-7.2", "qemu");
    host.ipa_bits = 28;
    let export = exported_to(&lock, &host, "qemu", &[Scope::Cpu]);
    assert_eq!(fate(&export, "address bits"), Fate::Cannot);
}

/// A vCPU's number decides where it is, and its redistributor: another place is not left to chance.
#[test]
fn a_vcpu_is_where_its_number_puts_it() {
    let (lock, host, export) = exported("modern", "neoverse-n1-7.2", "qemu");
    for name in ["MPIDR_EL1", "GICR_TYPER", "GICR_TYPER.high"] {
        assert_eq!(fate(&export, name), Fate::Chance, "{name}");
    }
    // On a vCPU that the report's guest has, and on one that it has not.
    let mut many = lock.clone();
    let second = many.machine.vcpus[1].clone();
    for index in 2..18u64 {
        let mut vcpu = second.clone();
        vcpu.mpidr = mpidr(index);
        let last = if index == 17 { 0x10 } else { 0 };
        vcpu.redistributor = (mpidr(index) & 0xff_ffff) << 32 | index << 8 | last;
        many.machine.vcpus.push(vcpu);
    }
    many.machine.vcpus[1].redistributor &= !0x10;
    let of_shape = |lock: &Lock| {
        let export = exported_to(lock, &host, "qemu", &SCOPES);
        ["MPIDR_EL1", "GICR_TYPER", "GICR_TYPER.high"].map(|name| fate(&export, name))
    };
    assert_eq!(of_shape(&many), [Fate::Chance; 3]);
    for at in [1, 17] {
        let mut other = many.clone();
        other.machine.vcpus[at].mpidr = 1 << 31 | 0x30_0000;
        assert_eq!(of_shape(&other), [Fate::Cannot, Fate::Chance, Fate::Chance]);
        let mut other = many.clone();
        other.machine.vcpus[at].redistributor ^= 0x100 << 32 | 0x2000;
        assert_eq!(of_shape(&other), [Fate::Chance, Fate::Cannot, Fate::Cannot]);
        // The last one is the last of its region, and no other.
        let mut last = many.clone();
        last.machine.vcpus[at].redistributor ^= 0x10;
        assert_eq!(of_shape(&last), [Fate::Chance, Fate::Cannot, Fate::Chance]);
    }
    // Where there are several regions, nobody knows which VMM has as many.
    let region = many.machine.redistributors[0];
    many.machine.redistributors.push(region);
    assert_eq!(of_shape(&many)[1], Fate::Cannot);
}

/// Firecracker's parser: `0b` and `0`, `1`, `x`; as many digits as the register has bits; no address twice.
#[test]
fn a_template_is_exact_to_its_parser() {
    let (lock, host, export) = exported("modern", "neoverse-n1-7.2", "firecracker");
    let template: serde_json::Value = serde_json::from_str(text(&export)).unwrap();
    let object = template.as_object().unwrap();
    assert_eq!(
        object.keys().collect::<Vec<_>>(),
        ["reg_modifiers", "vcpu_features"]
    );
    let digits = |value: &serde_json::Value| -> String {
        let text = value["bitmap"].as_str().unwrap();
        text.strip_prefix("0b").unwrap().to_owned()
    };
    // POWER_OFF (0) and PSCI_0_2 (2) are its own; it refuses a PMU (3).
    let features = digits(&template["vcpu_features"][0]);
    assert_eq!(features, format!("{}000xx0x", "x".repeat(25)));
    let view = host.view(&[]).unwrap();
    let mut addresses = Vec::new();
    for modifier in template["reg_modifiers"].as_array().unwrap() {
        let address = modifier["addr"]
            .as_str()
            .unwrap()
            .strip_prefix("0x")
            .unwrap();
        let id = u64::from_str_radix(address, 16).unwrap();
        assert!(view.register(id).is_some(), "{id:#x} would stop the VM");
        let digits = digits(modifier);
        assert_eq!(digits.len(), 8 << (id >> 52 & 0xf), "{id:#x}");
        assert!(digits.contains(['0', '1']), "{id:#x} is waived altogether");
        let entry = lock.registers.iter().find(|r| r.id == id).unwrap();
        for (bit, digit) in digits.chars().rev().enumerate() {
            let wanted = match (entry.promised() >> bit & 1, entry.value >> bit & 1) {
                (0, _) => 'x',
                (_, 0) => '0',
                _ => '1',
            };
            assert_eq!(digit, wanted, "{} bit {bit}", entry.name);
        }
        addresses.push(id);
    }
    assert_eq!(
        addresses.iter().collect::<BTreeSet<_>>().len(),
        addresses.len()
    );
    assert!(
        addresses.len() > 60 && text(&export).len() < 16 << 10,
        "{}",
        text(&export).len()
    );
    // CTR_EL0 before CCSIDR_EL1, firmware last.
    let place = |id: u64| addresses.iter().position(|a| *a == id).unwrap();
    assert!(place(0x6030_0000_0013_d801) < place(0x6020_0000_0011_0001));
    assert!(place(0x6020_0000_0011_0002) < place(0x6030_0000_0014_0000));
    // Neither what is overwritten nor what nobody but silicon decides.
    for id in [
        0x6030_0000_0013_c801,
        0x6030_0000_0013_c000,
        0x6030_0000_0014_0001,
    ] {
        assert!(!addresses.contains(&id), "{id:#x}");
    }
}
