//! The lock's bytes: stable, strict, and clear about what it refuses.

use crate::truth::{lock, spec};
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::canonical::{LockError, parse, version_in, write};
use vmlock_spec::lock::{Lock, LockedRegister, Range, Waiver};
use vmlock_spec::machine::describe;
use vmlock_spec::resolve::{Target, resolve};
use vmlock_spec::vm::{AcrossSaves, Feature, device};

fn example() -> Lock {
    lock(&spec(
        &["kvm-6.8", "psci-1.1"],
        "neoverse-n1",
        &[Feature::Pmu],
    ))
}

#[test]
fn writing_what_was_read_changes_nothing() {
    for model in ["cortex-a72", "cortex-a76", "neoverse-n1"] {
        for abi in [
            "kvm-5.10", "kvm-6.1", "kvm-6.8", "kvm-6.12", "kvm-6.18", "kvm-7.3",
        ] {
            for features in [&[][..], &[Feature::Pmu]] {
                let text = write(&lock(&spec(&[abi], model, features)));
                let read = parse(&text).expect("our own lock");
                assert_eq!(write(&read), text, "{abi} on {model}");
            }
        }
    }
}

#[test]
fn the_canonical_form_is_for_people_and_merges() {
    let text = write(&example());
    assert!(text.starts_with("{\n  \"$schema\": \""));
    assert!(text.ends_with("}\n"));
    assert!(!text.contains('\r') && !text.contains('\t'));
    let ids: Vec<&str> = text
        .lines()
        .filter_map(|l| l.trim_start().strip_prefix("{ \"id\": "))
        .collect();
    assert!(ids.len() > 70, "{} registers", ids.len());
    assert!(ids.is_sorted(), "registers are sorted by id");
}

#[test]
fn a_lock_covers_the_whole_id_space() {
    let lock = example();
    for crm in 1..8u64 {
        for op2 in 0..8u64 {
            let id = 0x6030_0000_0013_0000 | 3 << 14 | crm << 3 | op2;
            assert!(
                lock.registers.iter().any(|r| r.id == id),
                "CRm {crm} op2 {op2} is missing"
            );
        }
    }
    for name in [
        "MIDR_EL1",
        "REVIDR_EL1",
        "AIDR_EL1",
        "CTR_EL0",
        "CLIDR_EL1",
        "DCZID_EL0",
        "CNTFRQ_EL0",
        "PMCR_EL0",
        "PMCEID0_EL0",
        "PMCEID1_EL0",
        "ICC_CTLR_EL1",
        "OSLSR_EL1",
        "KVM_REG_ARM_PSCI_VERSION",
        "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_1",
        "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_2",
        "KVM_REG_ARM_SMCCC_ARCH_WORKAROUND_3",
        "KVM_REG_ARM_STD_BMAP",
        "KVM_REG_ARM_STD_HYP_BMAP",
        "KVM_REG_ARM_VENDOR_HYP_BMAP",
        "KVM_REG_ARM_VENDOR_HYP_BMAP_2",
    ] {
        assert!(
            lock.registers.iter().any(|r| r.name == name),
            "{name} is missing"
        );
    }
}

#[test]
fn newer_unknown_and_conflicting_locks_are_refused() {
    let text = write(&example());
    let newer = text.replace("\"lockVersion\": 2", "\"lockVersion\": 4");
    assert_eq!(parse(&newer), Err(LockError::Newer { version: 4 }));
    let unknown = text.replace(
        "\"lockVersion\": 2",
        "\"lockVersion\": 2,\n  \"colour\": \"red\"",
    );
    assert!(
        matches!(parse(&unknown), Err(LockError::Malformed { message, .. }) if message.contains("colour"))
    );
    let conflict = text.replacen("  \"registers\"", "<<<<<<< ours\n  \"registers\"", 1);
    assert!(matches!(parse(&conflict), Err(LockError::ConflictMarker { line }) if line > 1));
    let short = text.replacen("\"value\": \"0x0", "\"value\": \"0x", 1);
    assert!(matches!(parse(&short), Err(LockError::Malformed { .. })));
    assert!(parse("").is_err() && parse("[]").is_err() && parse("{}").is_err());
}

/// A list of an object's values is none, in locks of both versions and in reports: by name and place.
#[test]
fn a_list_is_no_object() {
    let objects = ["\"cpu\": ", "\"hypercalls\": ", "\"memory\": ", "\"gic\": "];
    let old = include_str!("../frozen/v1/modern.vm.lock.json");
    let new = write(&example());
    assert_eq!([old, &new].map(version_in), [Some(1), Some(2)]);
    let report = include_str!("../../catalogue/hosts/neoverse-n1-6.12.json");
    let read = |text: &str| parse(text).map(drop).map_err(|e| e.to_string());
    let report_read = |text: &str| vmlock_spec::report::parse(text).map(drop);
    type Read<'a> = &'a dyn Fn(&str) -> Result<(), String>;
    let cases: [(&str, &[&str], Read); 3] = [
        (old, &objects, &read),
        (&new, &objects, &read),
        (report, &["\"gic\": "], &report_read),
    ];
    for (text, keys, read) in cases {
        assert_eq!(read(text), Ok(()));
        for key in keys {
            let at = text.find(&format!("{key}{{")).expect("it is an object") + key.len();
            let line = text[..at].lines().count();
            let mut open = 0;
            let ends = |c: char| {
                open += i32::from(c == '{') - i32::from(c == '}');
                c == '}' && open == 0
            };
            let length = 1 + text[at..].find(ends).expect("it ends");
            let list = format!("{}[]{}", &text[..at], &text[at + length..]);
            let words = read(&list).expect_err("it is a list");
            assert!(
                words.contains("an object stands here, not a list"),
                "{key}: {words}"
            );
            assert!(words.contains(&format!("line {line}")), "{key}: {words}");
        }
    }
}

#[test]
fn locks_that_contradict_themselves_are_refused() {
    let change = |f: &dyn Fn(&mut Lock)| {
        let mut lock = example();
        f(&mut lock);
        parse(&write(&lock))
    };
    let all = example().registers;
    let midr = all.iter().position(|r| r.name == "MIDR_EL1");
    let midr = midr.expect("every lock has one");
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Lock));
    let cases: &[Case] = &[
        ("overlap", &|l| {
            l.machine.distributor.base = l.machine.memory.base
        }),
        ("out of order", &|l| l.registers.swap(0, 1)),
        ("vCPUs", &|l| l.machine.vcpus.clear()),
        ("64 MiB", &|l| l.machine.memory.size = 0x1000),
        ("device tree", &|l| l.device_tree.text.clear()),
        ("nothing more", &|l| l.device_tree.text.push("zz".into())),
        ("digest of the device tree", &|l| {
            l.device_tree.digest.clear()
        }),
        ("device tree", &|l| l.device_tree.base = 0),
        ("multiple of 8", &|l| l.device_tree.base += 4),
        ("GICR_TYPER of vCPU 0", &|l| {
            l.machine.vcpus[0].redistributor ^= 1
        }),
        ("GICR_TYPER of vCPU 1", &|l| {
            l.machine.vcpus[1].redistributor ^= 1 << 8
        }),
        ("device tree", &|l| l.machine.memory.size = 128 << 20),
        ("device tree", &|l| l.machine.distributor.base += 0x1_0000),
        ("device tree", &|l| {
            l.device_tree.text = l
                .device_tree
                .text
                .iter()
                .map(|line| line.replace("'hvc'", "'smc'"))
                .collect();
        }),
        ("conduit", &|l| l.hypercalls.conduit = "smc".into()),
        ("smccc", &|l| l.hypercalls.smccc = "9.9".into()),
        ("MPIDR_EL1", &|l| {
            l.machine.vcpus[1].mpidr = l.machine.vcpus[0].mpidr
        }),
        ("stands twice", &|l| {
            l.machine.private_interrupts.virtual_timer = l.machine.private_interrupts.physical_timer
        }),
        ("another device", &|l| {
            l.machine.devices[1].interrupt = l.machine.devices[0].interrupt
        }),
        ("console", &|l| l.machine.devices.clear()),
        ("name", &|l| l.name = "a/b".into()),
        ("name", &|l| l.name = "a\nb".into()),
        ("name", &|l| l.machine.devices[1].name = "serial".into()),
        ("waived twice", &|l| {
            let waiver = Waiver {
                field: "Revision".into(),
                mask: 0xf,
                from: "spec/vary/MIDR_EL1.Revision".into(),
            };
            l.registers[midr].vary = vec![waiver.clone(), waiver];
        }),
        ("NOBODY_EL1", &|l| l.reset[0].name = "NOBODY_EL1".into()),
        ("no register of a vCPU's state", &|l| l.reset.swap(0, 1)),
        ("no register of a vCPU's state", &|l| {
            l.reset.push(l.reset[0].clone())
        }),
        // Run-time state of which nothing is promised, and of a feature that the machine lacks.
        ("`PC`", &|l| l.reset[0].name = "PC".into()),
        ("`APIAKEYLO_EL1`", &|l| {
            l.reset[0].name = "APIAKEYLO_EL1".into()
        }),
        ("holds nothing", &|l| l.reset[0].value = 0),
        ("ACTLR_EL1", &|l| l.reset.retain(|r| r.name != "ACTLR_EL1")),
        ("not promised", &|l| {
            let esr = l.reset.iter_mut().find(|r| r.name == "ESR_EL1");
            esr.expect("it is promised").value |= 1 << 32;
        }),
        ("digest", &|l| {
            if let Some(boot) = &mut l.boot {
                boot.kernel.digest = Some("md5-0".into());
            }
        }),
        ("`baselines.kvm-", &|l| {
            let digest = l.baselines.values_mut().next().expect("it has one");
            *digest = digest.replace("sha256-", "sha512-");
        }),
        ("`cpu.digest` is", &|l| {
            l.cpu.digest = l.cpu.digest.to_uppercase()
        }),
        ("kernel's address", &|l| {
            if let Some(boot) = &mut l.boot {
                boot.kernel.address = Some(l.machine.memory.base - 4);
            }
        }),
        ("kernel's address", &|l| {
            if let Some(boot) = &mut l.boot {
                boot.kernel.address = Some(l.machine.memory.base + 2);
            }
        }),
        ("interrupt", &|l| l.machine.devices[0].interrupt = 5),
        ("interrupt", &|l| {
            l.machine.private_interrupts.virtual_timer = 99
        }),
        ("32 bits of address", &|l| {
            let features = l.registers.iter_mut();
            let mut features = features.filter(|r| r.name == "ID_AA64MMFR0_EL1");
            features.next().expect("every lock has it").value &= !0xf;
            l.machine.memory.size = 8 << 30;
            l.machine.address_bits = 34;
        }),
        ("order of their addresses", &|l| {
            let region = &mut l.machine.redistributors[0];
            region.size /= 2;
            let second = Range {
                base: region.base - 0x2_0000,
                ..*region
            };
            l.machine.redistributors.push(second);
        }),
        ("32 bits", &|l| l.machine.devices[0].range.base = 1 << 50),
        ("whole 64 KiB", &|l| l.machine.memory.size += 0x1000),
        ("whole 64 KiB", &|l| l.machine.memory.base += 0x1000),
        ("MIDR_EL1", &|l| l.registers[midr].mask = 0),
        ("MIDR_EL1", &|l| l.registers[midr].mask &= !0xf),
        ("REVIDR_EL1", &|l| {
            l.registers[midr].name = "REVIDR_EL1".into()
        }),
        ("MIDR_EL1", &|l| drop(l.registers.remove(midr))),
        ("MIDR_EL1", &|l| {
            l.registers[midr].vary = vec![Waiver {
                field: "Revision".into(),
                mask: u64::MAX,
                from: "spec/vary/MIDR_EL1.Revision".into(),
            }];
        }),
        ("unknown", &|l| {
            l.registers.push(LockedRegister {
                id: u64::from(u32::MAX) | 0x6030 << 48,
                name: "unknown".into(),
                ..l.registers[0].clone()
            })
        }),
        ("GICv3", &|l| l.gic.registers.clear()),
        ("GICv3", &|l| drop(l.gic.registers.pop())),
        ("GICv3", &|l| {
            l.gic.registers.push(l.gic.registers[0].clone())
        }),
        ("calls", &|l| l.hypercalls.answers.clear()),
        ("calls", &|l| drop(l.hypercalls.answers.remove(7))),
        ("psci", &|l| l.hypercalls.psci = "1.0".into()),
        ("PMU", &|l| l.machine.private_interrupts.pmu = None),
    ];
    for (word, f) in cases {
        match change(f) {
            Err(LockError::Inconsistent(text)) => assert!(text.contains(word), "{word}: {text}"),
            other => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn the_initrd_is_patched_and_nothing_else() {
    let lock = example();
    let mut fdt = lock.device_tree.bytes;
    let before = fdt.clone();
    vmlock_spec::machine::patch_initrd(&mut fdt, 0x1122_3344_5566_7788, 0x99aa_bbcc_ddee_ff00)
        .expect("has both");
    let changed = before.iter().zip(&fdt).filter(|(a, b)| a != b).count();
    assert_eq!(
        (changed, before.len()),
        (15, fdt.len()),
        "16 bytes, one of which is zero"
    );
    // Every truncation and every flipped byte is an error or a patch, never a panic.
    for length in 0..before.len() {
        let _ = vmlock_spec::machine::patch_initrd(&mut before[..length].to_vec(), 1, 2);
        let mut broken = before.clone();
        broken[length] ^= 0xff;
        let _ = vmlock_spec::machine::patch_initrd(&mut broken, 1, 2);
    }
}

/// A seed for the kernel's addresses is of version 3, zero in what is digested, and eight bytes of the tree.
#[test]
fn a_seed_is_zero_in_the_lock_and_filled_in_alone() {
    let mut spec = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    let plain = lock(&spec);
    let boot = spec.boot.as_mut().expect("it boots");
    boot.kaslr_seed = true;
    let seeded = lock(&spec);
    assert_eq!((plain.lock_version, seeded.lock_version), (2, 3));
    let text = write(&seeded);
    assert_eq!(parse(&text).map(|l| write(&l)), Ok(text.clone()));
    let said = |lock: &Lock| {
        lock.device_tree
            .text
            .iter()
            .any(|l| l.contains("kaslr-seed"))
    };
    assert!(said(&seeded) && !said(&plain));
    let before = seeded.device_tree.bytes;
    let mut fdt = before.clone();
    vmlock_spec::machine::patch_seed(&mut fdt, [0x5a; 8]).expect("it has one");
    let at = fdt.windows(8).position(|w| w == [0x5a; 8]).expect("there");
    assert_eq!(before[at..at + 8], [0; 8]);
    fdt[at..at + 8].fill(0);
    assert_eq!(fdt, before);
    let mut none = plain.device_tree.bytes;
    assert!(vmlock_spec::machine::patch_seed(&mut none, [1; 8]).is_err());
    for length in 0..before.len() {
        let _ = vmlock_spec::machine::patch_seed(&mut before[..length].to_vec(), [1; 8]);
    }
    // Neither device nor seed is version 2; a seed is none of version 2.
    let without = text.replacen(",\n    \"kaslrSeed\": true", "", 1);
    assert_ne!(without, text);
    for (text, word) in [
        (without, "is of version 2"),
        (
            text.replacen("\"lockVersion\": 3", "\"lockVersion\": 2", 1),
            "kaslrSeed",
        ),
    ] {
        let words = parse(&text).expect_err("refused").to_string();
        assert!(words.contains(word), "{word}: {words}");
    }
    for version in [1, 2] {
        let refused = resolve(&spec, &Catalogue::builtin(), &Target::of(version)).unwrap_err();
        let codes: Vec<_> = refused.iter().map(|c| (c.code, c.place.as_str())).collect();
        assert_eq!(codes, [("spec::needs-upgrade", "/boot/kaslr-seed")]);
    }
}

#[test]
fn a_counter_that_goes_on_across_saves_stands_in_the_lock_and_one_that_does_not_nowhere() {
    let mut spec = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    let plain = lock(&spec);
    assert_eq!(plain.counters.across_saves, None);
    spec.across_saves = AcrossSaves::GoesOn;
    let goes_on = lock(&spec);
    assert_eq!((plain.lock_version, goes_on.lock_version), (2, 3));
    let text = write(&goes_on);
    assert_eq!(parse(&text).map(|l| write(&l)), Ok(text.clone()));
    let said = ",\n    \"acrossSaves\": \"goes-on\"";
    assert_eq!(text.matches(said).count(), 1, "{text}");
    // No guest sees anything of it before it is saved, but for the lock's version.
    let tree = |lock: &Lock| lock.device_tree.text.join("\n");
    assert_eq!(
        tree(&goes_on),
        tree(&plain).replacen("vmlock machine 2", "vmlock machine 3", 1)
    );
    for (text, word) in [
        (text.replacen(said, "", 1), "is of version 2"),
        (
            text.replacen("\"goes-on\"", "\"stands-still\"", 1),
            "stands-still",
        ),
        (
            text.replacen("\"lockVersion\": 3", "\"lockVersion\": 2", 1),
            "acrossSaves",
        ),
    ] {
        let words = parse(&text).expect_err("refused").to_string();
        assert!(words.contains(word), "{word}: {words}");
    }
    for version in [1, 2] {
        let refused = resolve(&spec, &Catalogue::builtin(), &Target::of(version)).unwrap_err();
        let codes: Vec<_> = refused.iter().map(|c| (c.code, c.place.as_str())).collect();
        assert_eq!(codes, [("spec::needs-upgrade", "/across-saves")]);
    }
}

#[test]
fn a_generation_id_is_a_device_with_a_place_of_its_own() {
    let mut spec = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    let plain = lock(&spec);
    assert_eq!(plain.machine.generation_id(), None);
    spec.vmgenid = true;
    let with = lock(&spec);
    assert_eq!((plain.lock_version, with.lock_version), (2, 3));
    let id = with.machine.generation_id().expect("it has one").clone();
    assert_eq!((id.range.base, id.interrupt), (0x0902_0000, 66));
    // Nothing else of the machine is another, and no disk moves it.
    assert_eq!(with.machine.devices[..2], plain.machine.devices);
    spec.devices = vec![device::Device::Rng {}];
    let beside = lock(&spec);
    assert_eq!(beside.machine.generation_id(), Some(&id));
    assert_eq!(beside.machine.devices[3].interrupt, 34);
    let tree = with.device_tree.text.join("\n");
    let node = "  rng@9020000\n    compatible = 'microsoft,vmgenid'\n    reg = 64 bits <0x9020000 0x10000>\n    interrupts = <0x0 0x22 0x1>";
    assert!(tree.contains(node), "{tree}");
    let text = write(&with);
    assert_eq!(parse(&text).map(|l| write(&l)), Ok(text.clone()));
    // Where it would collide, or would be no memory that every host has, there is no lock.
    type Case<'a> = (&'a str, &'a dyn Fn(&mut Lock));
    let bad: [Case; 8] = [
        ("overlap", &|l| {
            l.machine.devices[2].range.base = l.machine.memory.base
        }),
        ("overlap", &|l| {
            l.machine.devices[2].range.base = 0x0901_0000
        }),
        ("64 KiB", &|l| l.machine.devices[2].range.base += 0x1000),
        ("64 KiB", &|l| l.machine.devices[2].range.size = 0x1000),
        ("interrupt 33", &|l| l.machine.devices[2].interrupt = 33),
        ("interrupt 128", &|l| l.machine.devices[2].interrupt = 128),
        ("a machine has one", &|l| {
            let mut other = l.machine.devices[2].clone();
            other.name = "other".to_owned();
            other.range.base += 0x1_0000;
            other.interrupt += 1;
            l.machine.devices.push(other);
        }),
        ("is of version 2", &|l| _ = l.machine.devices.pop()),
    ];
    for (word, change) in bad {
        let mut lock = with.clone();
        change(&mut lock);
        describe(&mut lock);
        let words = parse(&write(&lock)).expect_err(word).to_string();
        assert!(words.contains(word), "{word}: {words}");
    }
    for version in [1, 2] {
        spec.devices.clear();
        let refused = resolve(&spec, &Catalogue::builtin(), &Target::of(version)).unwrap_err();
        let codes: Vec<_> = refused.iter().map(|c| (c.code, c.place.as_str())).collect();
        assert_eq!(codes, [("spec::needs-upgrade", "/vmgenid")]);
    }
}

#[test]
fn no_device_is_called_as_the_generation_id_is_where_there_is_one() {
    let mut spec = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    let disk = device::Disk {
        name: "vmgenid".to_owned(),
        path: "root.img".to_owned(),
        size: Some(1 << 20),
        read_only: false,
        serial: None,
        digest: None,
        any_file: false,
    };
    spec.devices = vec![device::Device::Disk(disk)];
    assert!(resolve(&spec, &Catalogue::builtin(), &Target::NEWEST).is_ok());
    spec.vmgenid = true;
    let refused = resolve(&spec, &Catalogue::builtin(), &Target::NEWEST).unwrap_err();
    let codes: Vec<_> = refused.iter().map(|c| (c.code, c.place.as_str())).collect();
    assert_eq!(codes, [("spec::duplicate-value", "/devices/0/disk/name")]);
}

#[test]
fn stolen_time_has_memory_of_its_own() {
    let good = lock(&spec(&["kvm-6.8"], "neoverse-n1", &[Feature::StealTime]));
    let text = write(&good);
    assert_eq!(parse(&text).map(|l| write(&l)), Ok(text));
    let fdt = &good.device_tree.bytes;
    let named = |name: &[u8]| fdt.windows(name.len()).any(|w| w == name);
    assert!(named(b"stolen-time@401f0000") && named(b"no-map"));
    // Nowhere, unaligned, another vCPU's, the FDT's, behind memory, at the end of everything.
    let end = good.machine.memory.base + good.machine.memory.size;
    for second in [
        None,
        Some(0x401f_0048),
        Some(0x401f_0000),
        Some(good.device_tree.base),
        Some(end),
        Some(u64::MAX - 63),
    ] {
        let mut bad = good.clone();
        bad.machine.vcpus[1].stolen_time = second;
        let found = parse(&write(&bad));
        assert!(
            matches!(found, Err(LockError::Inconsistent(_))),
            "{second:x?}"
        );
    }
    let mut unasked = good;
    unasked.features.clear();
    assert!(parse(&write(&unasked)).is_err());
}

/// A program without a header has its device tree behind it, an `Image` in front of it.
#[test]
fn the_device_tree_is_where_the_kernel_looks_for_memory() {
    let tree = |memory: u64, address: Option<u64>| {
        let mut spec = spec(&["kvm-6.12"], "neoverse-n1", &[]);
        spec.memory = memory;
        if let Some(boot) = &mut spec.boot {
            boot.kernel_address = address;
        }
        let lock = lock(&spec);
        assert_eq!(parse(&write(&lock)), Ok(lock.clone()));
        lock.device_tree.base
    };
    assert_eq!(tree(256 << 20, None), 0x4000_0000);
    assert_eq!(tree(256 << 20, Some(0x4008_0000)), 0x4800_0000);
    assert_eq!(tree(64 << 20, Some(0x4000_0000)), 0x4200_0000);
    assert_eq!(tree(66 << 20, Some(0x4000_0000)), 0x4200_0000);
    assert_eq!(tree(1 << 40, Some(0x4008_0000)), 0x4800_0000);
    assert_eq!(tree(256 << 20, Some(0x4800_0000)), 0x4000_0000);
}
