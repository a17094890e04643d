//! What people write who know something else better than this language, kind by kind: each is one finding, and what its
//! help says to write is not refused in turn, and means what they meant.

use crate::habits::{SPEC, found, hold, hold_and_follow};
use crate::scratch::{Scratch, err};
use std::fs;

const MEMORY: &str = "memory \"512MiB\"";
const ALLOW: &str = "allow \"spec::emulated-cpu\" reason=\"so are the hosts\"";

#[test]
fn a_name_is_answered_by_the_thing_that_is_meant_and_never_by_its_neighbour() {
    hold_and_follow(
        "adversary-names",
        5,
        &[
            (
                "\"kvm-6.8\"",
                "\"kvm-6.8:latest\"",
                "write `kvm-6.8`: a baseline is what mainline's release shows (`vmlock explain kvm-6.8` says where stable ones differ); `vmlock adopt REPORT` pins a host of it as it is",
                "\"kvm-6.8\"",
            ),
            (
                "\"kvm-6.8\"",
                "\"kvm-6.8\" \"PSCI-1.1.0\"",
                "write `psci-1.1`",
                "\"kvm-6.8\" \"psci-1.1\"",
            ),
            (
                "\"kvm-6.8\"",
                "\"kvm-6.8\" \"psci >= 1.1\"",
                "write `psci-1.1`",
                "\"kvm-6.8\" \"psci-1.1\"",
            ),
            (
                "\"kvm-6.8\"",
                "\"kvm-6.8\" \"GICD_IIDR=1\"",
                "every guest has a GICv3; what a baseline says of it is the revision in GICD_IIDR: `gic-iidr-rev0`, `gic-iidr-rev1`, `gic-iidr-rev2`, `gic-iidr-rev3`",
                "",
            ),
            // It was measured on other CPUs.
            ("\"kvm-6.8\"", "\"al2023\"", "write `al2023-6.1`", ""),
            (
                "\"kvm-6.8\"",
                "\"virt-8.2\"",
                "a machine type of QEMU's says nothing of what a kernel shows: name the kernel's release, `kvm-5.10` to `kvm-7.3`",
                "",
            ),
            (
                "\"neoverse-n1\"",
                "\"graviton\"",
                "did you mean `graviton2` or `graviton3` or `graviton4`?",
                "",
            ),
            (
                "\"neoverse-n1\"",
                "\"0x410fd0c0\"",
                "that is the part of `graviton2` and of `neoverse-n1`, in another revision: write one of them",
                "\"neoverse-n1\"",
            ),
            (
                "\"neoverse-n1\"",
                "0xd0c",
                "that is the part of `graviton2` and of `neoverse-n1`: write one of them",
                "\"neoverse-n1\"",
            ),
            (
                "\"neoverse-n1\"",
                "\"arm,neoverse-n1\"",
                "write `\"neoverse-n1\"`; what a vCPU has beside its model stands in the block of `cpu`, each alone on its line",
                "\"neoverse-n1\"",
            ),
            (
                "\"neoverse-n1\"",
                "\"neoverse-n1,pmu=on\"",
                "write `\"neoverse-n1\"`; what a vCPU has beside its model stands in the block of `cpu`, each alone on its line",
                "\"neoverse-n1\"",
            ),
            (
                "\"neoverse-n1\"",
                "\"arm,Neoverse-N1,pmu=on\"",
                "write `\"neoverse-n1\"`; what a vCPU has beside its model stands in the block of `cpu`, each alone on its line",
                "\"neoverse-n1\"",
            ),
            ("\"arm64\"", "64", "write `\"arm64\"`", "\"arm64\""),
            (
                "pmu",
                "hide \"lse\"",
                "write \"atomics\", as in /proc/cpuinfo",
                "hide \"atomics\"",
            ),
            (
                "pmu",
                "hide \"FEAT_DotProd\"",
                "write \"asimddp\", as in /proc/cpuinfo",
                "hide \"asimddp\"",
            ),
            (
                "pmu",
                "hide \"aes crc32\"",
                "write each in quotes of its own: \"aes\" \"crc32\"",
                "hide \"aes\" \"crc32\"",
            ),
            ("pmu", "pmuv3", "write `pmu`", "pmu"),
            ("pmu", "pvtime", "write `steal-time`", "steal-time"),
            (
                "pmu",
                "smt",
                "leave it out: no machine of vmlock's lays its vCPUs out; `count=` in the line of `cpu` says how many there are",
                "",
            ),
            (
                "pmu",
                "crc32",
                "leave the line out: a CPU has what its model has, and `hide \"crc32\"` alone takes it away",
                "",
            ),
            ("pmu", "paca", "write `pauth`", ""),
            (
                "pmu",
                "sve2",
                "leave the line out: it comes with `sve`, where the model has it",
                "",
            ),
            (
                "pmu",
                "sme2",
                "leave the line out: vmlock turns `sme` on for no guest",
                "",
            ),
            (
                "pmu",
                "evtstrm",
                "leave the line out: Linux switches it on by itself (clocksource.arm_arch_timer.evtstrm): it is a setting of the timer",
                "",
            ),
            (
                "arch \"arm64\"",
                "arch \"arm64\"\n    vary \"aes\"",
                "the fields that say `aes` are `ID_AA64ISAR0_EL1.AES` and `ID_ISAR5_EL1.AES`",
                "arch \"arm64\"\n    vary \"ID_AA64ISAR0_EL1.AES\" \"ID_ISAR5_EL1.AES\"",
            ),
        ],
    );
    let scratch = Scratch::new("adversary-neighbours");
    for (line, habit, never) in [
        ("\"neoverse-n1\"", "\"neoverse-v2\"", "did you mean"),
        ("\"neoverse-n1\"", "\"cortex-x72\"", "did you mean"),
        ("\"neoverse-n1\"", "\",pmu=on\"", "write `\"\"`"),
        ("\"neoverse-n1\"", "\"arm,pmu=on\"", "write `\"arm\"`"),
        ("\"kvm-6.8\"", "\"kvm-6.8\" \"psci < 1.1\"", "write `"),
        ("\"arm64\"", "32", "write `"),
        ("pmu", "disable \"aes\" 0", "write `hide"),
        ("pmu", "cpu.count = 2", "set"),
        (
            "pmu",
            "set \"ID_AA64ISAR0_EL1\" \"TLB\" \"0\"",
            "write `set \"ID",
        ),
        (
            MEMORY,
            "memory \"512MiB\"\n    console { pl011; }",
            "console \"pl011\"",
        ),
        (
            "arch \"arm64\"",
            "arch \"arm64\"\nruns-on \"kvm-6.1..kvm-6.12\"",
            "write one release, `kvm-7.3`",
        ),
        ("\"kvm-6.8\"", "\"kvm-6.1..kvm-6.12\"", "kvm-7.3"),
    ] {
        let found = found(&scratch, &SPEC.replace(line, habit));
        assert_eq!(found.len(), 1, "{habit}");
        let said = found[0]["help"].as_str().unwrap();
        assert!(!said.contains(never), "{habit}: {said}");
    }
}

#[test]
fn registers_and_fields_are_set_in_one_way_whatever_their_spelling() {
    let whole =
        "it is `ID_AA64PFR1_EL1`: write a field of it, such as `ID_AA64PFR1_EL1.BT`; there are ";
    let scratch = Scratch::new("adversary-registers");
    for name in ["S3_0_C0_C4_1", "3:0:0:4:1", "0x603000000013c021", "PFR1"] {
        let set = format!("set \"{name}\" 0");
        let found = found(&scratch, &SPEC.replace("pmu", &set));
        assert_eq!(found.len(), 1, "{name}");
        let said = found[0]["help"].as_str().unwrap();
        // AArch32 has a PFR1, too.
        assert!(
            said.starts_with(whole) || name == "PFR1" && said.contains("`ID_AA64PFR1_EL1`"),
            "{name}: {said}"
        );
    }
    let set = "write `set \"ID_AA64ISAR0_EL1.TLB\" 0`";
    let done = "set \"ID_AA64ISAR0_EL1.TLB\" 0";
    let hide = "write `hide \"ID_AA64ISAR0_EL1.TLB\"`";
    let number = "write a whole number, in digits alone or as `0x` and hexadecimal ones";
    hold_and_follow(
        "adversary-fields",
        5,
        &[
            ("pmu", "ID_AA64ISAR0_EL1.TLB=0", set, done),
            ("pmu", "ID_AA64ISAR0_EL1.TLB 0", set, done),
            ("pmu", "override \"ID_AA64ISAR0_EL1.TLB\" 0", set, done),
            ("pmu", "set \"ID_AA64ISAR0_EL1\" \"TLB\" 0", set, done),
            ("pmu", "id_aa64isar0_el1.tlb 0", set, done),
            ("pmu", "id_aa64isar0_el1.tlb = 0", set, done),
            (
                "pmu",
                "mask \"ID_AA64PFR0_EL1.FP\" 0",
                "write `set \"ID_AA64PFR0_EL1.FP\" 0`",
                "set \"ID_AA64PFR0_EL1.FP\" 0; set \"ID_AA64PFR0_EL1.AdvSIMD\" 0",
            ),
            (
                "pmu",
                "set \"ID_AA64PRF0_EL1.SVE\" 0",
                "did you mean `ID_AA64PFR0_EL1.SVE`?",
                "set \"ID_AA64PFR0_EL1.SVE\" 0",
            ),
            ("pmu", "set \"ID_AA64ISAR0_EL1.TLB:0\"", set, done),
            ("pmu", "set \"ID_AA64ISAR0_EL1.TLB 0\"", set, done),
            (
                "pmu",
                "mask \"ID_AA64ISAR0_EL1.TLB\" 0",
                hide,
                "hide \"ID_AA64ISAR0_EL1.TLB\"",
            ),
            (
                "pmu",
                "unset \"ID_AA64ISAR0_EL1.TLB\"",
                hide,
                "hide \"ID_AA64ISAR0_EL1.TLB\"",
            ),
            (
                "pmu",
                "hide { crc32; }",
                "write `hide crc32`, in one line",
                "hide crc32",
            ),
            (
                "pmu",
                "hide { aes; crc32; }",
                "write `hide \"aes\" \"crc32\"`, in one line",
                "hide \"aes\" \"crc32\"",
            ),
            (
                "pmu",
                "hide \"ID_AA64ISAR0_EL1.TLB=1\"",
                "name the field alone, `ID_AA64ISAR0_EL1.TLB`; its value stands in a `set`: `set \"ID_AA64ISAR0_EL1.TLB\" 1`",
                "",
            ),
            (
                "pmu",
                "set \"ID_AA64ISAR0_EL1.TLB[3:0]\" 0",
                "did you mean `TLB`?",
                done,
            ),
            (
                "pmu",
                "set \"ID_AA64ISAR0_EL1->TLB\" 0",
                "did you mean `ID_AA64ISAR0_EL1.TLB`?",
                done,
            ),
            (
                "pmu",
                "set \"ID_AA64ISAR0_EL1_TLB_SHIFT\" 0",
                "did you mean `ID_AA64ISAR0_EL1.TLB`?",
                done,
            ),
            ("pmu", "set \"ID_AA64ISAR0_EL1.TLB\" 0xG", number, done),
            ("pmu", "set \"ID_AA64ISAR0_EL1.TLB\" 4'b0", number, done),
            ("count=2", "count=2x", number, "count=2"),
            ("count=2", "count=2\"", number, "count=2"),
            ("pmu", "pmu counters=4k", number, "pmu counters=4"),
            ("pmu", "pmu { deny 1f; }", number, "pmu { deny 0x1f; }"),
            (MEMORY, "memory \" 512MiB\"", "write `512MiB`", MEMORY),
            (MEMORY, "memory \"+512MiB\"", "write `512MiB`", MEMORY),
            (
                MEMORY,
                "memory GiB=1",
                "write `memory \"1GiB\"`",
                "memory \"1GiB\"",
            ),
            (
                MEMORY,
                "memory \"512\" \"MiB\"",
                "write `memory \"512MiB\"`",
                MEMORY,
            ),
            (
                MEMORY,
                "memory \"513MiB\"",
                "for example `514MiB`, in bytes 538968064",
                "memory \"514MiB\"",
            ),
            (
                MEMORY,
                "memory { min \"512MiB\"; max \"1GiB\"; }",
                "`memory` is one line: what it says stands behind it",
                MEMORY,
            ),
        ],
    );
}

#[test]
fn a_warning_is_allowed_by_itself_and_with_a_reason() {
    let reason = "say why it is no mistake here, for those who read this later";
    hold_and_follow(
        "adversary-allow",
        5,
        &[
            (
                ALLOW,
                "allow \"spec::emulated-cpu\" reason=\" \"",
                reason,
                ALLOW,
            ),
            (
                ALLOW,
                "allow \"spec::emulated-cpu\" reason=\"\"",
                reason,
                ALLOW,
            ),
            (
                ALLOW,
                "allow \"spec::emulated-cpu\" reason=so are the hosts",
                "write `reason=\"so are the hosts\"`",
                ALLOW,
            ),
            (
                ALLOW,
                "allow(spec::emulated-cpu)",
                "write `allow \"spec::emulated-cpu\" reason=\"…\"`",
                "allow \"spec::emulated-cpu\" reason=\"…\"",
            ),
            (
                ALLOW,
                "#[allow(spec::emulated-cpu)]",
                "write `allow \"spec::emulated-cpu\" reason=\"…\"`, in the `vm` block",
                "allow \"spec::emulated-cpu\" reason=\"…\"",
            ),
            (
                ALLOW,
                "expect \"spec::emulated-cpu\"",
                "write `allow \"spec::emulated-cpu\" reason=\"…\"`",
                "allow \"spec::emulated-cpu\" reason=\"…\"",
            ),
            (
                ALLOW,
                "allow \"spec::emulated-cpu\", \"spec::unsure\" reason=\"x\"",
                "write `allow \"spec::emulated-cpu\" reason=\"x\"; allow \"spec::unsure\" reason=\"x\"`",
                "",
            ),
            // A field belongs to the code before it.
            (
                ALLOW,
                "allow \"spec::withholds-mitigation\", \"ID_AA64PFR0_EL1.CSV2\" reason=\"x\"",
                "write `allow \"spec::withholds-mitigation\" \"ID_AA64PFR0_EL1.CSV2\" reason=\"x\"`",
                "",
            ),
            (
                ALLOW,
                "allow(code=\"spec::emulated-cpu\", reason=\"x\")",
                "write `allow \"spec::emulated-cpu\" reason=\"x\"`",
                "allow \"spec::emulated-cpu\" reason=\"x\"",
            ),
            (
                ALLOW,
                "allow \"spec::emulated-cpu\" \"spec::unsure\" reason=\"x\"",
                "each warning has an `allow` of its own, with its reason",
                ALLOW,
            ),
            (
                ALLOW,
                "allow 0x11",
                "a warning has a name, such as `spec::unsure`; events of the PMU stand in its block: `pmu { allow 0x11; }`",
                ALLOW,
            ),
        ],
    );
}

#[test]
fn a_field_behind_a_reason_is_no_word_of_it() {
    let scratch = Scratch::new("adversary-reason");
    let allow = "allow spec::withholds-mitigation reason=trusted ID_AA64PFR0_EL1.CSV2";
    let withheld = SPEC.replace("pmu", "set \"ID_AA64PFR0_EL1.CSV2\" 0");
    let left = found(&scratch, &withheld);
    assert_eq!(left[0]["code"], "spec::withholds-mitigation", "{left:#?}");
    let allowed = withheld.replace(MEMORY, &format!("{MEMORY}; {allow}"));
    let left = found(&scratch, &allowed);
    assert_eq!(left.len(), 0, "{left:#?}");
}

#[test]
fn what_a_machine_is_built_from_is_not_lost() {
    let scratch = Scratch::new("adversary-from");
    let base = "vm \"db\" from=\"web\" { }\n";
    assert_eq!(found(&scratch, &format!("{SPEC}{base}")).len(), 0);
    for habit in [
        "vm \"db\" : \"web\" { }\n",
        "vm \"db\" from=[\"web\"] { }\n",
        "vm \"db\" from \"web\" { }\n",
        "vm \"db\" extends \"web\" { }\n",
    ] {
        let found = found(&scratch, &format!("{SPEC}{habit}"));
        assert_eq!(found.len(), 1, "{habit}: {found:#?}");
        let said = found[0]["help"].as_str().unwrap();
        assert_eq!(said, "write `vm \"db\" from=\"web\" { … }`", "{habit}");
    }
    // What else stands behind a name is nothing that a machine is built from.
    for habit in [
        "vm(\"web\", arch=\"arm64\") {",
        "vm \"web\", cpus=2 {",
        "vm [\"web\" \"db\"] {",
    ] {
        let found = found(&scratch, &SPEC.replace("vm \"web\" {", habit));
        assert_eq!(found.len(), 1, "{habit}: {found:#?}");
        let said = found[0]["help"].as_str().unwrap();
        assert!(!said.contains("from="), "{habit}: {said}");
    }
}

#[test]
fn what_merges_and_diffs_leave_is_one_finding_at_its_place() {
    let scratch = Scratch::new("adversary-merge");
    let memory = format!("    {MEMORY}");
    for (habit, code, line) in [
        (
            "<<<<<<< HEAD\n    memory \"1GiB\"".to_owned(),
            "spec::syntax",
            7,
        ),
        ("=======\n    memory \"1GiB\"".to_owned(), "spec::syntax", 7),
        (
            "    memory \"1GiB\"\n>>>>>>> topic".to_owned(),
            "spec::syntax",
            8,
        ),
        (
            format!("<<<<<<<<<< a\n{memory}\n==========\n{memory}\n>>>>>>>>>> b"),
            "spec::conflict-marker",
            7,
        ),
        (
            format!("  <<<<<<< a\n{memory}\n  =======\n{memory}\n  >>>>>>> b"),
            "spec::conflict-marker",
            7,
        ),
        (format!("@@ -1,3 +1,3 @@\n{memory}"), "spec::syntax", 7),
        (format!("+{memory}"), "spec::unknown-node", 7),
        (format!("-{memory}"), "spec::unknown-node", 7),
        ("    - memory \"1GiB\"".to_owned(), "spec::unknown-node", 7),
    ] {
        let found = found(&scratch, &SPEC.replace(&memory, &habit));
        assert_eq!(found.len(), 1, "{habit}: {found:#?}");
        assert_eq!(found[0]["code"], code, "{habit}");
        assert_eq!(found[0]["span"]["line"], line, "{habit}");
    }
    for (text, message) in [
        (
            "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n",
            "this is a diff, not KDL",
        ),
        (
            "{ config, pkgs, ... }:\n{\n  vm.web.arch = \"arm64\";\n}\n",
            "this is Nix, not KDL",
        ),
        ("v\0m\0 \0\"\0a\0\"\0\n\0", "this file is UTF-16"),
        ("\0\0\0\0\0\0\0\0", "this is no text: it has zero bytes"),
    ] {
        let found = found(&scratch, text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0]["message"], message);
    }
    let bytes = SPEC.encode_utf16().flat_map(u16::to_le_bytes);
    fs::write(
        scratch.0.join("a.vm.kdl"),
        [0xff, 0xfe].into_iter().chain(bytes).collect::<Vec<u8>>(),
    )
    .unwrap();
    let said = err(&scratch.vmlock(&["lock", "--dry-run", "a.vm.kdl"]));
    assert!(said.contains("it is UTF-16, as some editors"), "{said}");
}

#[test]
fn signs_of_other_languages_do_not_reach_the_parser() {
    let device = |words: &str| format!("{MEMORY}\n    {words}");
    hold(
        "adversary-signs",
        &[
            (
                MEMORY,
                &device("vsock cid=3 { port 1024=a.sock; }"),
                "write it as a value, and behind it what belongs to it by its name, as in `port 1024 path=\"agent.sock\"`",
            ),
            (
                MEMORY,
                &device("vsock cid=3 { port 1024=\"my agent.sock\"; }"),
                "write it as a value, and behind it what belongs to it by its name, as in `port 1024 path=\"agent.sock\"`",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi (\n \"kvm-6.8\"\n)",
                "write them in the line of `abi`, with blanks between them",
            ),
            (
                MEMORY,
                "memory (MiB)512",
                "for example `memory \"512MiB\"`\nremove it, with its parentheses",
            ),
            (
                MEMORY,
                &device("disk \"root\" path=\"root.img\"\n    disk \"root\" path=\"root.img\""),
                "keep one of the two",
            ),
            (
                "vm \"web\" {",
                "qemu-system-aarch64 -M virt\nvm \"web\" {",
                "`vmlock import FILE` makes a description of a command line of QEMU's that stands in a file",
            ),
        ],
    );
    let scratch = Scratch::new("adversary-braces");
    let text = SPEC.replace(" {\n", " (\n").replace("}\n", ")\n");
    for one in found(&scratch, &text) {
        let said = one["help"].as_str().unwrap();
        assert!(
            said.starts_with("a block stands in braces: write `"),
            "{said}"
        );
    }
}

#[test]
fn an_imported_file_is_told_what_such_files_are() {
    let scratch = Scratch::new("adversary-imports");
    let spec = SPEC.replace("arch \"arm64\"", "arch \"arm64\"\n    import \"own.kdl\"");
    let own = "an imported file holds `baseline`, `cpu` and `defaults` blocks, in KDL; `vmlock cpu REPORT` makes one of a host report";
    for (text, help) in [
        ("{\"reportVersion\": 1}", own),
        ("cpu: own\n", own),
        (
            "import \"other.kdl\"\n",
            "a file imports no other: name both files in the `import` of the machine",
        ),
    ] {
        scratch.write("own.kdl", text);
        let found = found(&scratch, &spec);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0]["help"], help, "{text}");
    }
}

#[test]
fn commands_name_what_is_meant_once() {
    let scratch = Scratch::new("adversary-commands");
    for (name, answer, help) in [
        ("lse", 1, "did you mean `atomics`?"),
        ("FEAT_LSE2", 1, "did you mean `uscat`?"),
        // It is explained in any case.
        ("Neoverse-N1", 0, "(known)"),
        ("neoverse-v2", 1, "known models: "),
    ] {
        let (code, object) = scratch.json(&["explain", name]);
        let said = object["diagnostics"][0]["help"]
            .as_str()
            .unwrap_or("(known)");
        assert_eq!(code, answer, "{name}");
        assert!(said.starts_with(help), "{name}: {said}");
    }
    let (code, object) = scratch.json(&["diff", "kvm-6.8", "kvm-6.12", "--cpu", "n1"]);
    assert_eq!(
        (code, object["diagnostics"].as_array().unwrap().len()),
        (4, 1)
    );
    // A lock that an editor gave a byte order mark is a lock.
    scratch.lock("a", SPEC);
    let text = fs::read_to_string(scratch.0.join("a.vm.lock.json")).unwrap();
    scratch.write("b.vm.lock.json", &format!("\u{feff}{text}"));
    let (code, object) = scratch.json(&["diff", "a.vm.lock.json", "b.vm.lock.json"]);
    assert_eq!(
        (code, object["diagnostics"][0]["code"].as_str()),
        (4, Some("lock::invalid"))
    );
}
