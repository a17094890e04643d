//! A lock keeps its version until somebody upgrades it, and the files that it boots.

use crate::scratch::{Scratch, err, out, root};
use std::fs;

const SPEC: &str = r#"
vm "a" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=2
    memory "256MiB"
    boot kernel="Image" cmdline="quiet"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

fn read(scratch: &Scratch, name: &str) -> String {
    fs::read_to_string(scratch.0.join(name)).unwrap()
}

/// A lock of version 1 with its description.
fn old(name: &str) -> (Scratch, String) {
    let scratch = Scratch::new(name);
    let spec = fs::read_to_string(root().join("spec/tests/frozen/v1/modern.vm.kdl")).unwrap();
    scratch.write("modern.vm.kdl", &spec);
    let lock = root().join("spec/tests/frozen/v1/modern.vm.lock.json");
    let lock = fs::read_to_string(lock).unwrap();
    scratch.write("modern.vm.lock.json", &lock);
    (scratch, lock)
}

#[test]
fn an_old_lock_stays_as_it_is_until_it_is_upgraded() {
    let (scratch, lock) = old("keeps");
    let check = scratch.vmlock(&["lock", "--check", "modern.vm.kdl"]);
    assert_eq!(check.status.code(), Some(0), "{}", err(&check));
    assert!(scratch.vmlock(&["lock", "modern.vm.kdl"]).status.success());
    assert_eq!(read(&scratch, "modern.vm.lock.json"), lock);
    let upgrade = scratch.vmlock(&["lock", "--upgrade", "modern.vm.kdl"]);
    assert!(upgrade.status.success(), "{}", err(&upgrade));
    assert!(out(&upgrade).contains("lockVersion"), "{}", out(&upgrade));
    let new = read(&scratch, "modern.vm.lock.json");
    assert!(new.contains("\"lockVersion\": 2"));
    assert!(new.lines().count() < 420, "{} lines", new.lines().count());
    // The registers, the GIC and the calls of version 1 are what they were.
    let difference = scratch.vmlock(&["lock", "--check", "modern.vm.kdl"]);
    assert!(difference.status.success());
}

/// Each version that landed has its writer still, byte for byte.
#[test]
fn every_lock_that_landed_is_made_again_of_its_description() {
    let scratch = Scratch::new("landed");
    for folder in ["v1", "v2", "v3"] {
        let folder = root().join("spec/tests/frozen").join(folder);
        let files = fs::read_dir(&folder).unwrap().flatten();
        let specs: Vec<String> = files
            .map(|file| file.path().to_string_lossy().into_owned())
            .filter(|path| path.ends_with(".vm.kdl"))
            .collect();
        assert!(specs.len() > 12, "only {} descriptions", specs.len());
        let words = ["lock", "--check"].into_iter();
        let check = scratch.vmlock(
            &words
                .chain(specs.iter().map(String::as_str))
                .collect::<Vec<_>>(),
        );
        assert_eq!(check.status.code(), Some(0), "{}", err(&check));
    }
}

/// Half of a merge still says which version it was.
#[test]
fn an_old_lock_that_a_merge_broke_is_made_anew_in_its_version() {
    let (scratch, lock) = old("merge");
    let broken = lock.replacen("  \"registers\"", "<<<<<<< ours\n  \"registers\"", 1);
    scratch.write("modern.vm.lock.json", &broken);
    assert!(scratch.vmlock(&["lock", "modern.vm.kdl"]).status.success());
    assert_eq!(read(&scratch, "modern.vm.lock.json"), lock);
}

#[test]
fn what_an_old_version_cannot_hold_asks_for_an_upgrade() {
    let (scratch, lock) = old("cannot-hold");
    let spec = read(&scratch, "modern.vm.kdl");
    for (from, to, words) in [
        ("count=2", "count=100", "spec::cpu-count"),
        ("256MiB", "1TiB", "spec::memory-size"),
        (
            "kernel=",
            "kernel-address=0x40200000 kernel=",
            "spec::needs-upgrade",
        ),
    ] {
        scratch.write("modern.vm.kdl", &spec.replacen(from, to, 1));
        let refused = scratch.vmlock(&["lock", "modern.vm.kdl"]);
        assert_eq!(refused.status.code(), Some(1), "{to}");
        let said = err(&refused);
        assert!(said.contains(words) && said.contains("--upgrade"), "{said}");
        assert_eq!(read(&scratch, "modern.vm.lock.json"), lock);
        let upgrade = scratch.vmlock(&["lock", "--dry-run", "--upgrade", "modern.vm.kdl"]);
        assert!(upgrade.status.success(), "{to}: {}", err(&upgrade));
    }
}

/// Virtio devices need version 3: a new lock has it, one of version 1 or 2 asks, and a description without them stays
/// where it is.
#[test]
fn the_version_follows_from_the_description_where_there_is_no_lock() {
    let scratch = Scratch::new("devices");
    let with = SPEC.replace("boot ", "rng\n    net \"lan\" tap=\"tap0\"\n    boot ");
    let lock = |flags: &[&str]| scratch.vmlock(&[flags, &["a.vm.kdl"]].concat());
    let version = |n: u32| {
        let text = read(&scratch, "a.vm.lock.json");
        assert!(text.contains(&format!("\"lockVersion\": {n},")), "{text}");
    };
    scratch.write("a.vm.kdl", SPEC);
    assert!(lock(&["lock"]).status.success());
    version(2);
    let plain = read(&scratch, "a.vm.lock.json");
    scratch.write("a.vm.kdl", &with);
    let refused = lock(&["lock"]);
    let said = err(&refused);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        said.contains("spec::needs-upgrade") && said.contains("`rng`") && said.contains("or `net`"),
        "{said}"
    );
    assert_eq!(read(&scratch, "a.vm.lock.json"), plain);
    let upgrade = lock(&["lock", "--upgrade"]);
    assert!(upgrade.status.success(), "{}", err(&upgrade));
    assert!(out(&upgrade).contains("virtio-net-1"), "{}", out(&upgrade));
    version(3);
    assert!(lock(&["lock", "--check"]).status.success());
    // Without them again, it is the lock that it was.
    scratch.write("a.vm.kdl", SPEC);
    assert!(lock(&["lock"]).status.success());
    assert_eq!(read(&scratch, "a.vm.lock.json"), plain);
    fs::remove_file(scratch.0.join("a.vm.lock.json")).unwrap();
    scratch.write("a.vm.kdl", &with);
    assert!(lock(&["lock"]).status.success());
    version(3);
}

#[test]
fn a_disk_is_as_large_as_its_file_was_when_the_lock_was_made() {
    let scratch = Scratch::new("disk-size");
    let with = |disk: &str| {
        scratch.write(
            "a.vm.kdl",
            &SPEC.replace("boot ", &format!("{disk}\n    boot ")),
        )
    };
    let lock = || scratch.vmlock(&["lock", "a.vm.kdl"]);
    let sectors = |n: u32| {
        let text = read(&scratch, "a.vm.lock.json");
        assert!(text.contains(&format!("\"sectors\": {n},")), "{text}");
    };
    with("disk \"root\" path=\"root.img\"");
    let nothing = lock();
    assert_eq!(nothing.status.code(), Some(1));
    assert!(
        err(&nothing).contains("spec::disk-size"),
        "{}",
        err(&nothing)
    );
    scratch.write("root.img", &"x".repeat(4096));
    assert!(lock().status.success());
    sectors(8);
    // It has grown, and the lock says so; where it is gone, the lock keeps what it has.
    scratch.write("root.img", &"x".repeat(8192));
    let stale = scratch.vmlock(&["lock", "--check", "a.vm.kdl"]);
    assert!(
        out(&stale).contains("root.virtio.block.sectors"),
        "{}",
        out(&stale)
    );
    assert!(lock().status.success());
    sectors(16);
    fs::remove_file(scratch.0.join("root.img")).unwrap();
    assert!(
        scratch
            .vmlock(&["lock", "--check", "a.vm.kdl"])
            .status
            .success()
    );
    // Another file is another disk.
    with("disk \"root\" path=\"other.img\"");
    assert_eq!(lock().status.code(), Some(1));
    // What the description says counts, up to what the file has.
    with("disk \"root\" path=\"root.img\" size=\"1KiB\"");
    scratch.write("root.img", &"x".repeat(4096));
    assert!(lock().status.success());
    sectors(2);
    with("disk \"root\" path=\"root.img\" size=\"1MiB\"");
    let small = lock();
    assert!(err(&small).contains("spec::disk-size"), "{}", err(&small));
}

/// Two disks of one file and of two sizes hold different things, also where the file is gone.
#[test]
fn a_disk_keeps_the_digest_of_its_own_size() {
    let scratch = Scratch::new("disk-digest");
    let with = |size: &str| {
        let disk = |name: &str, size: &str| {
            format!("disk \"{name}\" path=\"a.img\"{size} read-only=#true\n    ")
        };
        let disks = disk("all", "") + &disk("part", size);
        scratch.write("a.vm.kdl", &SPEC.replace("boot ", &format!("{disks}boot ")));
    };
    with(" size=\"1KiB\"");
    scratch.write("a.img", &"a".repeat(4096));
    assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
    let lock = read(&scratch, "a.vm.lock.json");
    fs::remove_file(scratch.0.join("a.img")).unwrap();
    assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
    assert_eq!(read(&scratch, "a.vm.lock.json"), lock);
    with(" size=\"2KiB\"");
    let unknown = scratch.vmlock(&["lock", "a.vm.kdl"]);
    assert!(
        err(&unknown).contains("spec::disk-contents"),
        "{}",
        err(&unknown)
    );
    assert_eq!(read(&scratch, "a.vm.lock.json"), lock);
}

#[test]
fn a_newer_lock_is_never_overwritten() {
    let scratch = Scratch::new("newer-lock");
    scratch.write("a.vm.kdl", SPEC);
    assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
    let newer = read(&scratch, "a.vm.lock.json").replace("Version\": 2", "Version\": 99");
    scratch.write("a.vm.lock.json", &newer);
    for flags in [
        &["lock", "a.vm.kdl"][..],
        &["lock", "--upgrade", "a.vm.kdl"],
    ] {
        let refused = scratch.vmlock(flags);
        assert_eq!(refused.status.code(), Some(4));
        assert!(err(&refused).contains("lock::newer"), "{}", err(&refused));
        assert_eq!(read(&scratch, "a.vm.lock.json"), newer);
    }
}

/// A newer baseline that says the same changes the name of the baseline and nothing else.
#[test]
fn a_difference_of_locks_is_one_of_guests() {
    let scratch = Scratch::new("guest-diff");
    let lines = |abi: &str| -> Vec<String> {
        scratch.write("a.vm.kdl", &SPEC.replace("\"kvm-6.8\" \"psci-1.1\"", abi));
        let _ = fs::remove_file(scratch.0.join("a.vm.lock.json"));
        assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
        read(&scratch, "a.vm.lock.json")
            .lines()
            .map(str::to_owned)
            .collect()
    };
    let changed = |a: &[String], b: &[String]| {
        let only = |a: &[String], b: &[String]| a.iter().filter(|line| !b.contains(line)).count();
        only(a, b) + only(b, a)
    };
    let (old, new) = (lines("\"kvm-6.8\""), lines("\"kvm-6.12\""));
    assert!(changed(&old, &new) <= 5, "{} lines", changed(&old, &new));
    let (old, new) = (
        lines("\"kvm-6.8\" \"psci-1.1\""),
        lines("\"kvm-6.8\" \"psci-1.3\""),
    );
    assert!(changed(&old, &new) < 20, "{} lines", changed(&old, &new));
}

#[test]
fn a_lock_holds_the_digests_of_the_files_that_it_boots() {
    let scratch = Scratch::new("boot-digests");
    scratch.write("a.vm.kdl", SPEC);
    // Nothing there, nothing known.
    assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
    assert!(!read(&scratch, "a.vm.lock.json").contains("\"path\": \"Image\", \"digest\""));
    // What is there when it is made.
    scratch.write("Image", "abc");
    let digest = "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    let stale = scratch.vmlock(&["lock", "--check", "a.vm.kdl"]);
    assert_eq!(stale.status.code(), Some(1));
    assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
    assert!(read(&scratch, "a.vm.lock.json").contains(digest));
    // Kept where it is not there.
    fs::remove_file(scratch.0.join("Image")).unwrap();
    assert!(
        scratch
            .vmlock(&["lock", "--check", "a.vm.kdl"])
            .status
            .success()
    );
    // Another file than the description says.
    scratch.write("Image", "abcd");
    let given = format!("kernel=\"Image\" kernel-digest=\"{digest}\"");
    scratch.write("a.vm.kdl", &SPEC.replace("kernel=\"Image\"", &given));
    let refused = scratch.vmlock(&["lock", "a.vm.kdl"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        err(&refused).contains("spec::another-file"),
        "{}",
        err(&refused)
    );
    // Any file will do.
    let any = SPEC.replace("kernel=\"Image\"", "kernel=\"Image\" any-file=#true");
    scratch.write("a.vm.kdl", &any);
    assert!(scratch.vmlock(&["lock", "a.vm.kdl"]).status.success());
    assert!(!read(&scratch, "a.vm.lock.json").contains("\"path\": \"Image\", \"digest\""));
}

/// Of its contents, and of nothing behind its sectors; a disk that is written has none.
#[test]
fn a_lock_holds_the_digest_of_a_disk_that_nobody_writes() {
    let scratch = Scratch::new("disk-digests");
    let seed = "disk \"seed\" path=\"seed.img\" read-only=#true\n    boot ";
    let spec = SPEC.replace("boot ", seed);
    let locked = |spec: &str| {
        scratch.write("a.vm.kdl", spec);
        let output = scratch.vmlock(&["lock", "a.vm.kdl"]);
        (output.status.code(), err(&output))
    };
    let line = || {
        let text = read(&scratch, "a.vm.lock.json");
        let line = text.lines().find(|line| line.contains("\"seed\""));
        line.expect("the disk").to_owned()
    };
    scratch.write("seed.img", &"a".repeat(1024));
    assert_eq!(locked(&spec).0, Some(0));
    // Of 1024 times `a`, as sha256sum says; then of another disk.
    let digest = "sha256-2edc986847e209b4016e141a6dc8716d3207350f416969382d431539bf292e4a";
    let other = digest.replace("2edc", "2edd");
    assert!(line().contains(digest), "{}", line());
    scratch.write("seed.img", &"a".repeat(2048));
    let longer = spec.replace("read-only", "size=\"1KiB\" read-only");
    assert_eq!(locked(&longer), (Some(0), String::new()));
    assert!(line().contains(digest), "{}", line());
    scratch.write("seed.img", &"a".repeat(1024));
    assert_eq!(locked(&spec.replace(" read-only=#true", "")).0, Some(0));
    assert!(!line().contains("digest"), "{}", line());
    assert_eq!(
        locked(&spec.replace("read-only", "any-file=#true read-only")).0,
        Some(0)
    );
    assert!(!line().contains("digest"), "{}", line());
    // Kept where the file is not there.
    assert_eq!(locked(&spec).0, Some(0));
    fs::remove_file(scratch.0.join("seed.img")).unwrap();
    assert_eq!(locked(&spec).0, Some(0));
    assert!(line().contains(digest), "{}", line());
    // Another one than the description says, none at all, and one of what does not stay.
    scratch.write("seed.img", &"a".repeat(1024));
    for (given, code) in [
        (
            format!("digest=\"{other}\" read-only=#true"),
            "spec::another-file",
        ),
        (
            "digest=\"sha256-0\" read-only=#true".to_owned(),
            "spec::bad-digest",
        ),
        (format!("digest=\"{digest}\""), "spec::contradiction"),
        ("any-file=#true".to_owned(), "spec::contradiction"),
    ] {
        let (exit, said) = locked(&spec.replace("read-only=#true", &given));
        assert_eq!(exit, Some(1), "{given}");
        assert!(said.contains(code), "{given}: {said}");
    }
    let given = format!("digest=\"{digest}\" read-only=#true");
    assert_eq!(locked(&spec.replace("read-only=#true", &given)).0, Some(0));
}

/// However its path is spelt: a file is one file.
#[test]
fn no_file_is_two_disks_by_two_paths() {
    let scratch = Scratch::new("one-file");
    scratch.write("root.img", &"a".repeat(1024));
    let mut paths = vec!["root.img", "./root.img", "hard.img"];
    if scratch.link("root.img", "link.img") {
        paths.push("link.img");
    }
    // There, names of two cases are one.
    if cfg!(windows) {
        paths.push("ROOT.IMG");
    }
    fs::hard_link(scratch.0.join("root.img"), scratch.0.join("hard.img")).unwrap();
    scratch.write("other.img", &"a".repeat(1024));
    let locked = |path: &str, first: &str, second: &str| {
        let disks = format!(
            "disk \"a\" path=\"root.img\"{first}\n    disk \"b\" path=\"{path}\"{second}\n    boot "
        );
        scratch.write("a.vm.kdl", &SPEC.replace("boot ", &disks));
        let output = scratch.vmlock(&["lock", "a.vm.kdl"]);
        (output.status.code(), err(&output))
    };
    let read = " read-only=#true";
    for path in paths {
        for (first, second) in [("", ""), (read, ""), ("", read)] {
            let (code, said) = locked(path, first, second);
            assert_eq!(code, Some(1), "{path}");
            let count = said.matches("spec::shared-file").count();
            assert_eq!(count, 1, "{path}: {said}");
        }
        assert_eq!(locked(path, read, read).0, Some(0), "{path}");
    }
    assert_eq!(locked("other.img", "", "").0, Some(0));
}
