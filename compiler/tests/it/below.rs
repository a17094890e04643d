//! Commands that take folders: what they find there, what they leave out, and what they say of many files.

use crate::scratch::{Scratch, err, native, out, root};
use std::fs;
use std::io::Write as _;
use std::process::{Command, Stdio};
use vmlock_spec::report;

const SPEC: &str = "vm \"NAME\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\"\n    cpu \"neoverse-n1\" count=1\n    memory \"64MiB\"\n}\n";

impl Scratch {
    fn spec(&self, path: &str, name: &str) {
        let file = self.0.join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, SPEC.replace("NAME", name)).unwrap();
    }

    fn has(&self, path: &str) -> bool {
        self.0.join(path).exists()
    }
}

/// A checkout: machines in two folders, one that git ignores, one in a folder of git's own.
fn checkout(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    fs::create_dir(scratch.0.join(".git")).unwrap();
    scratch.write(".gitignore", "build/\n");
    scratch.spec("a.vm.kdl", "a");
    scratch.spec("machines/b.vm.kdl", "b");
    scratch.spec("machines/c.vm.kdl", "c");
    scratch.spec("build/ignored.vm.kdl", "ignored");
    scratch.spec(".git/modules/own.vm.kdl", "own");
    scratch
}

#[test]
fn everything_below_is_locked_but_what_git_ignores() {
    let scratch = checkout("below-lock");
    let output = scratch.vmlock(&["lock", "--check"]);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    assert_eq!(err(&output).matches("lock::missing").count(), 3);
    let output = scratch.vmlock(&["lock"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let said = out(&output);
    let first: Vec<&str> = said.lines().filter_map(|l| l.split(':').next()).collect();
    let expected = [
        "a.vm.lock.json",
        "machines/b.vm.lock.json",
        "machines/c.vm.lock.json",
    ]
    .map(native);
    assert_eq!(first, expected, "{said}");
    assert!(!scratch.has("build/ignored.vm.lock.json"));
    assert!(!scratch.has(".git/modules/own.vm.lock.json"));
    let output = scratch.vmlock(&["lock", "--check"]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    assert_eq!(out(&output), "3 locks are what their descriptions say\n");
    // Folders of CI services are hidden, and their machines are locked as others are.
    scratch.spec(".ci/d.vm.kdl", "d");
    let output = scratch.vmlock(&["lock", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains(&native(".ci/d.vm.lock.json")));
    fs::remove_dir_all(scratch.0.join(".ci")).unwrap();
    // Named, it is locked even so.
    let output = scratch.vmlock(&[
        "lock",
        "build/ignored.vm.kdl",
        "machines",
        "./machines/b.vm.kdl",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    let named = native("build/ignored.vm.lock.json");
    assert!(out(&output).starts_with(&format!("{named}: written")));
    assert!(out(&output).ends_with("2 locks are what their descriptions say\n"));
}

#[test]
fn one_mistake_does_not_keep_the_others_from_their_locks() {
    let scratch = checkout("below-mistake");
    scratch.write("machines/b.vm.kdl", "vm \"b\" {\n    arch \"x\"\n}\n");
    let (exit, object) = scratch.json(&["lock", "."]);
    assert_eq!(exit, 1);
    let locks = object["locks"].as_array().unwrap();
    let names: Vec<&str> = locks.iter().filter_map(|l| l["lock"].as_str()).collect();
    let expected = ["a.vm.lock.json", "machines/c.vm.lock.json"].map(native);
    assert_eq!(names, expected);
    assert!(!scratch.has("machines/b.vm.lock.json"));
}

#[test]
fn a_lock_without_its_description_is_named_wherever_it_is() {
    let scratch = checkout("below-orphan");
    assert_eq!(scratch.vmlock(&["lock"]).status.code(), Some(0));
    let old = scratch.0.join("old");
    fs::create_dir(&old).unwrap();
    fs::copy(
        scratch.0.join("a.vm.lock.json"),
        old.join("gone.vm.lock.json"),
    )
    .unwrap();
    let output = scratch.vmlock(&["lock"]);
    assert_eq!(output.status.code(), Some(0));
    let words = err(&output);
    assert!(
        words.contains("lock::orphan") && words.contains(&native("old/gone.vm.lock.json")),
        "{words}"
    );
    let denied = scratch.vmlock(&["lock", "--check", "--deny-warnings"]);
    assert_eq!(denied.status.code(), Some(1));
}

#[test]
fn a_folder_without_any_is_a_mistake() {
    let scratch = Scratch::new("below-none");
    for arguments in [
        &["lock"][..],
        &["lock", "--check", "."],
        &["fmt"],
        &["check", "--host", "x"],
    ] {
        let output = scratch.vmlock(arguments);
        assert!(
            err(&output).contains("usage::none-found"),
            "{arguments:?}: {}",
            err(&output)
        );
        assert!(output.status.code() >= Some(2), "{arguments:?}");
    }
}

/// More descriptions than there are processors, in one order whoever was first.
#[test]
fn many_at_a_time_say_the_same_as_one_after_the_other() {
    let scratch = Scratch::new("below-many");
    for number in 0..40 {
        scratch.spec(&format!("m{number:02}.vm.kdl"), &format!("m{number:02}"));
    }
    let said = out(&scratch.vmlock(&["lock", "--dry-run"]));
    assert_eq!(said.lines().count(), 40);
    assert!(said.lines().is_sorted());
    assert_eq!(out(&scratch.vmlock(&["lock", "--dry-run"])), said);
}

#[test]
fn many_locks_and_hosts_are_a_table() {
    let scratch = checkout("below-check");
    assert_eq!(scratch.vmlock(&["lock"]).status.code(), Some(0));
    for (name, cpu, series) in [
        ("n1.json", "neoverse-n1", "6.12"),
        ("a72.json", "cortex-a72", "6.12"),
    ] {
        let recorded = root().join(format!("spec/catalogue/hosts/{cpu}-{series}.json"));
        let text = fs::read_to_string(recorded).unwrap();
        scratch.report(name, &report::parse(&text).unwrap());
    }
    let output = scratch.vmlock(&["check", "--host", "n1.json", "a72.json"]);
    assert_eq!(output.status.code(), Some(3), "{}", err(&output));
    let said = out(&output);
    let lines: Vec<&str> = said.lines().collect();
    let heads: Vec<&str> = lines[0].split_whitespace().collect();
    assert_eq!(heads, ["n1.json", "a72.json"], "{said}");
    assert!(
        lines[1].starts_with("a.vm.lock.json ") && lines[1].ends_with("no: another CPU"),
        "{said}"
    );
    assert!(lines[1].contains("  yes  "), "{said}");
    assert!(
        said.contains("0 of 3 locks can be kept by all of these hosts"),
        "{said}"
    );
    assert!(
        said.contains("`vmlock check a.vm.lock.json --host a72.json`"),
        "{said}"
    );
    let (exit, object) = scratch.json(&["check", "machines", "--host", "n1.json"]);
    assert_eq!((exit, &object["kept"]), (0, &true.into()));
    assert_eq!(object["locks"].as_array().unwrap().len(), 2);
    let swallowed = scratch.vmlock(&["check", "--host", "n1.json", "a.vm.lock.json"]);
    assert_eq!(swallowed.status.code(), Some(2));
    assert!(err(&swallowed).contains("put locks before it"));
    // No lock is no lock that is kept.
    fs::create_dir(scratch.0.join("none")).unwrap();
    let (exit, object) = scratch.json(&["check", "none", "--host", "n1.json"]);
    assert_eq!((exit, &object["kept"]), (2, &false.into()));
    let said = out(&scratch.vmlock(&["check", "machines", "--host", "n1.json", "gone.json"]));
    assert!(
        said.contains("2 of 2 locks can be kept there, of what could be read"),
        "{said}"
    );
    // A host that cannot be read keeps nothing.
    let (exit, object) = scratch.json(&["check", "machines", "--host", "n1.json", "gone.json"]);
    assert_eq!((exit, &object["kept"]), (4, &false.into()));
}

/// What `fmt -` makes of a text.
fn formatted(scratch: &Scratch, text: &[u8], more: &[&str]) -> (Option<i32>, Vec<u8>, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_vmlock"))
        .args(["fmt", "-"])
        .args(more)
        .current_dir(&scratch.0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(text).unwrap();
    let output = child.wait_with_output().unwrap();
    let words = err(&output);
    (output.status.code(), output.stdout, words)
}

#[test]
fn standard_input_is_laid_out_byte_for_byte() {
    let scratch = Scratch::new("fmt-stdin");
    for (text, expected) in [
        ("a  1 // é\r\n  b\r\n", "a 1 // é\r\nb\r\n"),
        ("\u{feff}a\t{b}", "\u{feff}a {\n    b\n}\n"),
        ("", ""),
    ] {
        let (exit, got, words) = formatted(&scratch, text.as_bytes(), &[]);
        assert_eq!(
            (exit, got.as_slice()),
            (Some(0), expected.as_bytes()),
            "{words}"
        );
        let (exit, got, _) = formatted(&scratch, text.as_bytes(), &["--check"]);
        assert_eq!((exit, got.len()), (Some(i32::from(text != expected)), 0));
    }
    for text in [&b"a {"[..], b"a \xff"] {
        let (exit, got, words) = formatted(&scratch, text, &[]);
        assert_eq!((exit, got.len()), (Some(1), 0), "{words}");
        assert!(words.contains("spec::"), "{words}");
    }
    assert_eq!(scratch.vmlock(&["fmt", "-", "a"]).status.code(), Some(2));
}
