//! Names that there are not, where they are written: the answer that a person needs, in a description and on the command
//! line.

use crate::scratch::{Scratch, err, out, report_of};
use serde_json::Value;
use std::fs;

const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=2 {
        pmu
    }
    memory "512MiB"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

#[test]
fn a_description_is_answered_by_what_is_meant() {
    let scratch = Scratch::new("names");
    let gic = "name one of \"gic-iidr-rev0\", \"gic-iidr-rev1\", \"gic-iidr-rev2\", \"gic-iidr-rev3\" in `abi`";
    for (line, habit, code, help) in [
        (
            "\"kvm-6.8\"",
            "\"kvm-6.8.0\"",
            "spec::unknown-baseline",
            "write `kvm-6.8`: ",
        ),
        (
            "\"kvm-6.8\"",
            "\"6.8\"",
            "spec::unknown-baseline",
            "write `kvm-6.8`",
        ),
        (
            "\"kvm-6.8\"",
            "\"kvm-8.0\"",
            "spec::unknown-baseline",
            "the newest that this vmlock knows is `kvm-7.3`",
        ),
        (
            "\"kvm-6.8\"",
            "\"kvm-4.19\"",
            "spec::unknown-baseline",
            "the oldest that is known is `kvm-5.10`",
        ),
        (
            "\"kvm-6.8\"",
            "\"kvm-6.8\" \"psci-1.4\"",
            "spec::unknown-baseline",
            "there are `psci-0.2`, `psci-1.0`",
        ),
        (
            "\"neoverse-n1\"",
            "\"Neoverse N1\"",
            "spec::unknown-cpu",
            "did you mean `neoverse-n1`?",
        ),
        (
            "\"neoverse-n1\"",
            "\"Graviton 2\"",
            "spec::unknown-cpu",
            "did you mean `graviton2`?",
        ),
        (
            "\"neoverse-n1\"",
            "\"neoverse-v3\"",
            "spec::unknown-cpu",
            "known models: ",
        ),
        (
            "pmu",
            "set \"ISAR0.AES\" 1",
            "spec::unknown-register",
            "did you mean `ID_AA64ISAR0_EL1.AES`?",
        ),
        ("pmu", "set \"GICD_IIDR\" 2", "spec::unknown-register", gic),
        (
            "pmu",
            "set \"GICD_IIDR.Revision\" 2",
            "spec::unknown-register",
            gic,
        ),
        (
            "pmu",
            "hide \"FEAT_AES\"",
            "spec::unknown-feature",
            "write \"aes\", as in /proc/cpuinfo",
        ),
        (
            "pmu",
            "hide \"AES\"",
            "spec::unknown-feature",
            "write \"aes\", as in /proc/cpuinfo",
        ),
        (
            "arch",
            "vary \"PSCI_VERSION\"\narch",
            "spec::unknown-register",
            "baselines decide the version of PSCI",
        ),
        (
            "arch",
            "runs-on \"6.12\"\narch",
            "spec::unknown-host",
            "write `kvm-6.12`: ",
        ),
        (
            "arch",
            "runs-on \"kvm-6.12.3\"\narch",
            "spec::unknown-host",
            "write `kvm-6.12`: ",
        ),
        (
            "arch",
            "runs-on \"kvm-6.9\"\narch",
            "spec::unknown-host",
            "recorded next to it: `kvm-6.1` and `kvm-6.12`",
        ),
    ] {
        scratch.write("a.vm.kdl", &SPEC.replace(line, habit));
        let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
        let found = object["diagnostics"].as_array().unwrap();
        assert_eq!(found.len(), 1, "{habit}: {found:#?}");
        assert_eq!(found[0]["code"], code, "{habit}");
        let said = found[0]["help"].as_str().unwrap_or("(no help)");
        assert!(said.contains(help), "{habit}: {said}");
    }
}

#[test]
fn explain_knows_things_by_all_their_names() {
    let scratch = Scratch::new("names-explain");
    for (name, says) in [
        ("abi/kvm-6.8", "kvm-6.8: Mainline Linux 6.8"),
        ("cpu/neoverse-n1", "neoverse-n1: "),
        ("spec/cpu/hide/crc32", "crc32: a feature"),
        ("psci", "psci-1.1 "),
        ("gicv3", "gic-iidr-rev2 "),
        ("PSCI_VERSION()", "a firmware call"),
        ("psci_version", "psci-1.3 "),
        ("GICD_IIDR", "gic-iidr-rev3 "),
        ("GICD_TYPER2", "GICv4.1"),
        ("GICR_PIDR2", "the version of the architecture"),
        (
            "gicd_igroupr3.writable",
            "the group of each shared interrupt",
        ),
        ("0x603000000013c030", "ID_AA64ISAR0_EL1: "),
        ("603000000013C030", "ID_AA64ISAR0_EL1: "),
        ("S3_0_C0_C6_0", "ID_AA64ISAR0_EL1: "),
        ("runs-on", "in a description"),
        ("16550-2", "16550A UART"),
    ] {
        let output = scratch.vmlock(&["explain", name]);
        assert_eq!(output.status.code(), Some(0), "{name}: {}", err(&output));
        assert!(out(&output).contains(says), "{name}: {}", out(&output));
    }
    for (name, help) in [
        ("kvm-6.8.0", "write `kvm-6.8`"),
        ("kvm-8.0", "the newest that this vmlock knows"),
        ("ISAR0.AES", "did you mean `ID_AA64ISAR0_EL1.AES`?"),
        ("0x603000000013ffff", "without a name lists what there is"),
        ("abi/nothing", "without a name lists what there is"),
        ("cpu/nothing", "without a name lists what there is"),
        ("GICD_PIDR0", "locks have: GICD_CTLR,"),
    ] {
        let output = scratch.vmlock(&["explain", name]);
        assert_eq!(output.status.code(), Some(1), "{name}");
        assert!(err(&output).contains(help), "{name}: {}", err(&output));
    }
}

#[test]
fn explain_answers_what_is_nearly_a_name() {
    let scratch = Scratch::new("names-nearly");
    for (name, help) in [
        ("psci-1.4", "there are `psci-0.2`, "),
        ("bookworm", "write `debian-12`"),
        ("ubuntu-24.04", "of distributions' kernels there are "),
        ("FEAT_RNG", "did you mean `rng`?"),
        ("RNDR", "did you mean `ID_AA64ISAR0_EL1.RNDR`?"),
        (
            "ID_AA64ISAR0_EL1.AES=1",
            "did you mean `ID_AA64ISAR0_EL1.AES`?",
        ),
        (
            "CCSIDR_EL1",
            "there are `CCSIDR_EL1[0]` to `CCSIDR_EL1[13]`",
        ),
        ("STD_BMAP", "did you mean `KVM_REG_ARM_STD_BMAP`?"),
        ("unknown-baseline", "did you mean `spec::unknown-baseline`?"),
        ("lock::syntax", "did you mean `spec::syntax`?"),
    ] {
        let (code, object) = scratch.json(&["explain", name]);
        assert_eq!(code, 1, "{name}");
        let said = object["diagnostics"][0]["help"].as_str().unwrap();
        assert!(said.starts_with(help), "{name}: {said}");
    }
}

#[test]
fn a_command_says_what_was_probably_wanted() {
    let scratch = Scratch::new("names-commands");
    scratch.lock("a", SPEC);
    let (lock, host) = ("a.vm.lock.json", report_of("neoverse-n1", "6.12"));
    let first = |arguments: &[&str]| -> (i32, Value) {
        let (code, object) = scratch.json(arguments);
        (code, object["diagnostics"][0].clone())
    };
    for (arguments, exit, code, help) in [
        (
            &["diff", lock, &host][..],
            2,
            "diff::two-kinds",
            "vmlock check a.vm.lock.json --host ",
        ),
        (
            &["diff", lock, "kvm-6.8"],
            2,
            "diff::two-kinds",
            "vmlock lock --dry-run",
        ),
        (
            &["diff", "kvm-6.8", &host],
            2,
            "diff::two-kinds",
            "vmlock adopt ",
        ),
        (
            &["diff", "kvm-6.8", "psci-1.1"],
            2,
            "diff::two-kinds",
            "two whole baselines, or two parts",
        ),
        (
            &["diff", "psci-1.1", "gic-iidr-rev1"],
            2,
            "diff::two-kinds",
            "two whole baselines, or two parts",
        ),
        (
            &["diff", "neoverse-n1", "cortex-a72"],
            4,
            "diff::unknown",
            "vmlock explain neoverse-n1",
        ),
        (
            &["diff", "kvm-6.8.0", "kvm-6.12"],
            4,
            "diff::unknown",
            "write `kvm-6.8`",
        ),
        (
            &["cpu", &host, "--name", "neoverse-n1"],
            2,
            "import::name-taken",
            "my-neoverse-n1",
        ),
        (
            &["cpu", &host, "--name", "kvm-6.8"],
            2,
            "import::name-taken",
            "my-kvm-6.8",
        ),
        (
            &["cpu", &host, "--name", "neoverse-n1.r2"],
            2,
            "import::name-taken",
            "my-neoverse-n1.r2",
        ),
        (
            &["cpu", &host, "--name", "kvm-6.12.r2"],
            2,
            "import::name-taken",
            "my-kvm-6.12.r2",
        ),
        (
            &["cpu", &host, "--name", "a b"],
            2,
            "usage::name",
            "ASCII letters",
        ),
        (
            &["adopt", &host, "--name", "a/b"],
            2,
            "usage::name",
            "ASCII letters",
        ),
        (
            &["common", &host, "--cpu", "n2"],
            4,
            "common::unknown-cpu",
            "did you mean `neoverse-n2`?",
        ),
        (
            &["lock", lock],
            2,
            "usage::name",
            "this is a lock: `a.vm.kdl`",
        ),
        (
            &["lock", "web.kdl"],
            2,
            "usage::name",
            "for example `web.vm.kdl`",
        ),
        (
            &["lock", "--chek", "a.vm.kdl"],
            2,
            "usage::arguments",
            "'--check'",
        ),
        (
            &["compile", "a.vm.kdl"],
            2,
            "usage::arguments",
            "tip: `vmlock lock` makes the locks of descriptions",
        ),
        (
            &["verify", lock],
            2,
            "usage::arguments",
            "tip: `vmlock lock --check` says",
        ),
        (
            &["lokc", "a.vm.kdl"],
            2,
            "usage::arguments",
            "tip: did you mean `lock`?",
        ),
        (
            &["a.vm.kdl"],
            2,
            "usage::arguments",
            "tip: a command stands before a file: `vmlock lock` ",
        ),
        (
            &["help", "validate"],
            2,
            "usage::arguments",
            "tip: `vmlock lock --check` says",
        ),
        (&["lock", "a"], 2, "usage::name", "did you mean `a.vm.kdl`?"),
        (
            &["explain", "spec::midr"],
            1,
            "explain::unknown",
            "did you mean `spec::midr-promises`?",
        ),
        (
            &["check", lock, "--host", "."],
            4,
            "io::unreadable",
            "name the file in it that is meant",
        ),
        (&["convert"], 2, "usage::arguments", "vmlock convert <SPEC>"),
    ] {
        let (ended, found) = first(arguments);
        assert_eq!(
            (ended, found["code"].as_str()),
            (exit, Some(code)),
            "{arguments:?}: {found}"
        );
        let said = found["help"].as_str().unwrap_or("(no help)");
        assert!(said.contains(help), "{arguments:?}: {said}");
    }
}

/// A file of another kind is called what it is, in one finding.
#[test]
fn a_file_of_another_kind_is_called_what_it_is() {
    let scratch = Scratch::new("names-kinds");
    scratch.lock("a", SPEC);
    let (lock, host) = ("a.vm.lock.json", report_of("neoverse-n1", "6.12"));
    let text = |path: &str| fs::read_to_string(scratch.0.join(path)).unwrap();
    scratch.write("b.vm.json", &text(lock));
    scratch.write("c.vm.lock.json", &fs::read_to_string(&host).unwrap());
    scratch.write("d.vm.json", &fs::read_to_string(&host).unwrap());
    for (arguments, message) in [
        (
            &["cpu", lock, "--name", "x"][..],
            "this is a lock, not a host report",
        ),
        (
            &["lock", "--dry-run", "--for", lock, "a.vm.kdl"],
            "this is a lock, not a host report",
        ),
        (
            &["check", "c.vm.lock.json", "--host", &host],
            "this is a host report, not a lock",
        ),
        (
            &["lock", "--dry-run", "b.vm.json"],
            "this is a lock, not a description",
        ),
        (
            &["lock", "--dry-run", "d.vm.json"],
            "this is a host report, not a description",
        ),
        (
            &["audit", lock, "--observed", &host],
            ": this is a host report, not what a witness saw",
        ),
    ] {
        let (_, object) = scratch.json(arguments);
        let found = object["diagnostics"].as_array().unwrap();
        let [one] = found.as_slice() else {
            panic!("{arguments:?}: {found:#?}");
        };
        let said = one["message"].as_str().unwrap();
        assert!(said.ends_with(message), "{arguments:?}: {said}");
    }
    // Which of several files is meant is said where nothing is pointed at.
    let newer = text(lock).replacen("\"lockVersion\": ", "\"lockVersion\": 9", 1);
    scratch.write("e.vm.lock.json", &newer);
    let output = scratch.vmlock(&["check", "e.vm.lock.json", "--host", &host]);
    assert!(
        err(&output).contains("`e.vm.lock.json`: lockVersion 9"),
        "{}",
        err(&output)
    );
}
