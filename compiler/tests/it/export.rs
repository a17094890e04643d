//! `vmlock export`: what somebody's VMM can be told of a lock, and what becomes of each entry there.

use crate::scratch::{Scratch, err, out, report_of, root, vmlock};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use vmlock_spec::report::{self, HostReport};

const LOCK: &str = "examples/modern.vm.lock.json";

fn names(list: &Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list").iter();
    list.map(|one| one["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn nothing_is_written_unless_all_is_kept_or_accepted() {
    let scratch = Scratch::new("export");
    let (lock, host) = (root().join(LOCK), report_of("neoverse-n1", "7.2"));
    let lock = lock.to_str().unwrap();
    let to = |more: &[&str]| {
        let mut all = vec![
            "export",
            lock,
            "--to",
            "qemu",
            "--host",
            &host,
            "-o",
            "qemu.args",
        ];
        all.extend(more);
        scratch.json(&all)
    };
    let file = scratch.0.join("qemu.args");
    let (code, said) = to(&[]);
    assert_eq!(
        (code, &said["accepted"], file.exists()),
        (1, &false.into(), false)
    );
    let words = scratch.vmlock(&[
        "export",
        lock,
        "--to",
        "qemu",
        "--host",
        &host,
        "-o",
        "qemu.args",
    ]);
    assert!(
        err(&words).contains("qemu.args: not written"),
        "{}",
        err(&words)
    );
    // By fate, by name, and by the beginning of a name.
    let (code, _) = to(&["--accept", "chance,GICD_TYPER"]);
    assert_eq!((code, file.exists()), (1, false));
    let (code, said) = to(&["--accept", "chance,GICD_*,GICR_IGROUPR0"]);
    assert_eq!((code, &said["accepted"]), (0, &true.into()), "{said}");
    assert_eq!(
        fs::read_to_string(&file).unwrap(),
        said["text"].as_str().unwrap()
    );
    assert!(
        said["text"]
            .as_str()
            .unwrap()
            .contains("kvm-psci-version=1.1")
    );
    // Of two scopes alone.
    let (code, said) = to(&["--only", "cpu,firmware", "--accept", "chance"]);
    assert_eq!(code, 0);
    assert!(said["notLookedAt"].as_u64().unwrap() > 300);
    // What accepts nothing is a slip.
    for wrong in ["chnce", "GICD_TIPER"] {
        let (code, said) = to(&["--accept", wrong]);
        assert_eq!(code, 2, "{wrong}: {said}");
    }
    // All of it at once is nothing that anybody named.
    for wrong in ["*", "**", "", "chance,*"] {
        let all = [
            "export", lock, "--to", "qemu", "--host", &host, "--accept", wrong,
        ];
        let refused = scratch.vmlock(&all);
        assert_eq!(refused.status.code(), Some(2), "{wrong}");
        assert!(
            err(&refused).contains("what nobody named"),
            "{}",
            err(&refused)
        );
    }
    let sarif = scratch.vmlock(&[
        "--format", "sarif", "export", lock, "--to", "qemu", "--host", &host,
    ]);
    assert!(out(&sarif).contains("export::open") && out(&sarif).contains("GICD_TYPER"));
}

/// An entry with a comma in its name is accepted by it, alone and beside others, and `--accept` may be said again.
#[test]
fn a_comma_in_a_name_parts_nothing() {
    const STRUCTURE: &str = "stolen-time structure, revision and attributes";
    let scratch = Scratch::new("export-comma");
    let lock = root().join("lab/tests/specs/steal.vm.lock.json");
    let (lock, host) = (lock.to_str().unwrap(), report_of("neoverse-n1", "6.12"));
    let beside = format!("overwritten,{STRUCTURE},forced");
    let to = |accept: &[&str]| {
        let mut all = vec!["export", lock, "--to", "cloud-hypervisor", "--host", &host];
        all.extend(accept.iter().flat_map(|words| ["--accept", words]));
        scratch.json(&all)
    };
    let open = |accept: &[&str]| {
        let (code, said) = to(accept);
        assert_eq!(code, 1, "{said}");
        said
    };
    assert!(names(&open(&["chance"])["entries"]).contains(STRUCTURE));
    open(&[STRUCTURE]);
    open(&[&beside, "chance"]);
    let (code, said) = to(&["stolen-time structure, revision"]);
    assert_eq!(code, 2, "{said}");
}

/// Where nothing can be planned, nothing is exported, whatever is accepted.
#[test]
fn a_host_on_which_nothing_can_be_planned_has_no_export() {
    let scratch = Scratch::new("export-none");
    let lock = root().join(LOCK);
    let lock = lock.to_str().unwrap();
    let text = fs::read_to_string(report_of("neoverse-n1", "7.2")).unwrap();
    let mut without: HostReport = report::parse(&text).unwrap();
    (without.gic, without.views) = (None, Vec::new());
    scratch.report("none.json", &without);
    let both = report_of("max", "6.12");
    for (to, host) in [("qemu", "none.json"), ("cloud-hypervisor", both.as_str())] {
        for accept in [
            "cannot",
            "kept,chance,overwritten,forced,cannot",
            "GICv3,features",
        ] {
            let mut all = vec!["export", lock, "--to", to, "--host", host, "-o", "out.args"];
            let names = accept.contains("GICv3");
            if !names || to == "qemu" {
                all.extend(["--accept", if names { "GICv3" } else { accept }]);
            }
            let (code, said) = scratch.json(&all);
            assert_eq!(
                (code, &said["accepted"]),
                (1, &false.into()),
                "{to}: {said}"
            );
            assert!(
                said["text"].is_null() && said["entries"][0]["fate"] == "cannot",
                "{said}"
            );
            assert!(said["notLookedAt"].as_u64().unwrap() > 500, "{said}");
            let output = scratch.vmlock(&all);
            assert!(
                out(&output).contains("nothing can be exported"),
                "{}",
                out(&output)
            );
            assert!(
                err(&output).contains("out.args: not written"),
                "{}",
                err(&output)
            );
            assert!(!scratch.0.join("out.args").exists());
        }
    }
}

/// What no lock promises of a host is counted in the open.
#[test]
fn what_no_lock_can_promise_is_named() {
    let scratch = Scratch::new("export-unpromised");
    let lock = root().join("examples/portable.vm.lock.json");
    let host = report_of("max", "6.12");
    let (_, said) = scratch.json(&[
        "export",
        lock.to_str().unwrap(),
        "--to",
        "qemu",
        "--host",
        &host,
    ]);
    let names: Vec<&str> = said["unpromised"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(Value::as_str)
        .collect();
    assert!(names.contains(&"GMID_EL1"), "{names:?}");
}

#[test]
fn unknown_vmms_versions_and_scopes_are_refused_by_name() {
    let scratch = Scratch::new("export-unknown");
    let (lock, host) = (root().join(LOCK), report_of("neoverse-n1", "7.2"));
    let lock = lock.to_str().unwrap();
    for (to, more, code, says) in [
        ("qeum", &[][..], 2, "there is no VMM `qeum`"),
        (
            "firecracker@1.17",
            &[],
            2,
            "nobody has looked at Firecracker 1.17",
        ),
        ("qemu", &["--only", "machine"], 2, "no such scope"),
        ("qemu", &["--host", "none.json"], 2, "--host"),
    ] {
        let mut all = vec!["export", lock, "--to", to, "--host", &host];
        all.extend(more);
        let output = scratch.vmlock(&all);
        assert_eq!(output.status.code(), Some(code), "{to}");
        assert!(err(&output).contains(says), "{to}: {}", err(&output));
    }
    let output = scratch.vmlock(&["export", lock, "--to", "qemu", "--host", "none.json"]);
    assert_eq!(output.status.code(), Some(4));
}

/// What Debian's QEMU 10.0 with KVM showed a portable witness on hosts of two kernels, by its own defaults: with a PMU,
/// stolen time and an ITS. So each fate of a lock that has the first two is what the judge found, but for what an ITS shows;
/// libvirt has no word against that, and foretells it all.
#[test]
fn a_witness_saw_what_was_foretold() {
    const OF_ITS: [&str; 3] = ["GICR_PENDBASER", "GICR_PROPBASER", "GICR_TYPER"];
    let scratch = Scratch::new("export-fates");
    scratch.lock(
        "web",
        "vm \"web\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\" \"psci-1.1\"\n    cpu \"neoverse-n1\" count=2 {\n        pmu\n        steal-time\n    }\n    memory \"256MiB\"\n    boot kernel=\"Image\" any-file=#true\n}\n",
    );
    let lock = "web.vm.lock.json";
    let tried = ["6.1", "7.2"].map(|kernel| [("qemu@10.0", kernel), ("libvirt@11.3", kernel)]);
    for (to, kernel) in tried.concat() {
        let host = report_of("neoverse-n1", kernel);
        let log = format!("compiler/tests/ui/diff-observed-under-kvm/linux-{kernel}.log");
        let log = root().join(log);
        let (_, said) = scratch.json(&["export", lock, "--to", to, "--host", &host]);
        let log = log.to_str().unwrap();
        let judge = [
            "audit",
            lock,
            "--observed",
            log,
            "--only",
            "cpu,firmware,gic",
        ];
        let (code, seen) = scratch.json(&judge);
        assert!(code == 1 && seen["facts"].as_u64().unwrap() > 700, "{seen}");
        let mut broken = names(&seen["differences"]);
        if to.starts_with("qemu") {
            assert!(OF_ITS.iter().all(|name| broken.remove(*name)), "{broken:?}");
        }
        let mut foretold = BTreeSet::new();
        for entry in said["entries"].as_array().unwrap() {
            let name = entry["name"].as_str().unwrap();
            // What no witness sees by itself, as a register of firmware, shows in the calls that it decides.
            if entry["seen"] == true && !matches!(entry["fate"].as_str(), Some("kept" | "chance")) {
                foretold.insert(name.to_owned());
            }
        }
        assert!(broken.len() > 10);
        assert_eq!(broken, foretold, "{to} on {kernel}");
        // More interrupts have more words of groups.
        let more = names(&seen["unnamed"]);
        let of_more = |name: &String| name.starts_with("GICD_IGROUPR");
        assert!(more.iter().all(of_more), "{more:?}");
    }
}

/// The page's commands print what stands below them, and the examples are what they write.
/// `VMLOCK_UPDATE=1 cargo test -p vmlock --test it export` writes both anew.
#[test]
fn the_page_shows_what_is_printed() {
    let update = std::env::var_os("VMLOCK_UPDATE").is_some_and(|v| v == "1");
    let page = root().join("docs/export.md");
    let text = fs::read_to_string(&page).unwrap();
    let (mut made, mut shown) = (String::new(), 0);
    let mut pieces = text.split("```console\n");
    made.push_str(pieces.next().unwrap());
    for piece in pieces {
        let (block, rest) = piece.split_once("```").unwrap();
        let command = block.lines().next().unwrap();
        let words: Vec<&str> = command
            .strip_prefix("$ vmlock ")
            .unwrap()
            .split_whitespace()
            .collect();
        let output = vmlock(&root(), &words);
        let (said, words) = (out(&output), err(&output));
        made.push_str(&format!("```console\n{command}\n{said}{words}```{rest}"));
        shown += 1;
    }
    assert!(shown >= 2, "{shown}");
    for (to, accept, example) in [
        (
            "qemu@10.0",
            "chance,overwritten,cannot",
            "examples/qemu/modern.args",
        ),
        (
            "firecracker@1.16",
            "chance,overwritten,forced",
            "examples/firecracker/modern.json",
        ),
        (
            "libvirt@11.3",
            "chance,overwritten,forced,cannot",
            "examples/libvirt/modern.xml",
        ),
    ] {
        let host = report_of("neoverse-n1", "7.2");
        let (code, said) = Scratch::new("export-example").json(&[
            "export",
            root().join(LOCK).to_str().unwrap(),
            "--to",
            to,
            "--host",
            &host,
            "--accept",
            accept,
        ]);
        assert_eq!(code, 0, "{example}");
        let (path, text) = (root().join(example), said["text"].as_str().unwrap());
        if update {
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, text).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text, "{example}");
    }
    if update {
        fs::write(&page, made).unwrap();
    } else {
        assert!(
            made == text,
            "docs/export.md is not what is printed:\n{made}"
        );
    }
}
