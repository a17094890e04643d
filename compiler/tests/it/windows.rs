//! What is otherwise on Windows: drives, `\\`, names in two cases, devices that are files everywhere, lines that end with CR
//! and LF, programs with `.exe`, marks in place of modes.

use crate::scratch::{Scratch, err, out};
use std::fs;
use std::path::Path;
use std::process::Command;

const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=1
    memory "256MiB"
}
"#;

/// Locks the description by that path; the lock.
fn locked(scratch: &Scratch, path: &str) -> String {
    let output = scratch.vmlock(&["lock", path]);
    assert_eq!(output.status.code(), Some(0), "{path}: {}", err(&output));
    let lock = path.replace(".vm.kdl", ".vm.lock.json");
    fs::read_to_string(scratch.0.join(lock)).unwrap()
}

#[test]
fn a_lock_is_the_same_however_its_description_is_reached_and_its_lines_end() {
    let scratch = Scratch::new("windows-paths");
    fs::create_dir_all(scratch.0.join("rack").join("a b")).unwrap();
    scratch.write("rack/a b/web.vm.kdl", SPEC);
    let wanted = locked(&scratch, r"rack\a b\web.vm.kdl");
    assert!(!wanted.contains('\r') && wanted.ends_with("}\n"));
    let absolute = scratch.0.join(r"rack\a b\web.vm.kdl");
    let absolute = absolute.to_str().unwrap();
    assert_eq!(absolute.get(1..3), Some(r":\"), "{absolute}");
    for path in [
        absolute,
        &absolute.to_uppercase().replace("WEB.VM.KDL", "web.vm.kdl"),
        &absolute.replace('\\', "/"),
        r".\rack\..\rack\a b\web.vm.kdl",
        &format!(r"\\?\{absolute}"),
    ] {
        assert_eq!(locked(&scratch, path), wanted, "{path}");
    }
    scratch.write("rack/a b/web.vm.kdl", &SPEC.replace('\n', "\r\n"));
    assert_eq!(locked(&scratch, r"rack\a b\web.vm.kdl"), wanted);
    // All that is below, without a name.
    let check = ["lock", "--check", "."];
    assert_eq!(scratch.vmlock(&check).status.code(), Some(0));
    scratch.write("rack/a b/web.vm.kdl", &SPEC.replace("256", "512"));
    let output = scratch.vmlock(&check);
    assert_eq!(output.status.code(), Some(1), "{}", err(&output));
    let text = out(&output);
    assert!(text.contains(r"rack\a b\web.vm.lock.json"), "{text}");
}

#[test]
fn a_lock_whose_lines_git_has_changed_is_named_as_that() {
    let scratch = Scratch::new("windows-lines");
    scratch.write("web.vm.kdl", SPEC);
    let wanted = locked(&scratch, "web.vm.kdl");
    scratch.write("web.vm.lock.json", &wanted.replace('\n', "\r\n"));
    let output = scratch.vmlock(&["lock", "--check"]);
    assert_eq!(output.status.code(), Some(1));
    let text = out(&output);
    assert!(
        text.contains("`vmlock git setup` has git keep LF"),
        "{text}"
    );
    assert_eq!(locked(&scratch, "web.vm.kdl"), wanted);
}

#[test]
fn devices_are_no_files() {
    let scratch = Scratch::new("windows-devices");
    scratch.write("web.vm.kdl", SPEC);
    locked(&scratch, "web.vm.kdl");
    for arguments in [
        &["check", "web.vm.lock.json", "--host", "NUL"][..],
        &["check", r"\\.\NUL", "--host", "NUL"],
        &["explain", "nul", "--lock", "nul"],
        &["lock", "--for", "NUL", "web.vm.kdl"],
    ] {
        let output = scratch.vmlock(arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        let words = err(&output);
        assert!(words.contains("it is a device"), "{arguments:?}: {words}");
    }
}

#[test]
fn what_is_marked_as_read_only_stays_and_is_told_of() {
    let scratch = Scratch::new("windows-marks");
    scratch.write("web.vm.kdl", SPEC);
    scratch.write("web.vm.lock.json", "old");
    let lock = scratch.0.join("web.vm.lock.json");
    let mark = |readonly| {
        let mut permissions = fs::metadata(&lock).unwrap().permissions();
        permissions.set_readonly(readonly);
        fs::set_permissions(&lock, permissions).unwrap();
    };
    mark(true);
    let output = scratch.vmlock(&["lock", "web.vm.kdl"]);
    assert_eq!(output.status.code(), Some(4), "{}", out(&output));
    assert!(err(&output).contains("attrib -r"), "{}", err(&output));
    assert_eq!(fs::read_to_string(&lock).unwrap(), "old");
    assert_eq!(fs::read_dir(&scratch.0).unwrap().count(), 2);
    mark(false);
    locked(&scratch, "web.vm.kdl");
}

/// Addresses have `/`, whatever the path was written with.
#[test]
fn findings_name_files_as_services_do() {
    let scratch = Scratch::new("windows-findings");
    fs::create_dir(scratch.0.join("rack")).unwrap();
    scratch.write("rack/web.vm.kdl", &SPEC.replace("memory", "memroy"));
    let absolute = scratch.0.join(r"rack\web.vm.kdl");
    let absolute = absolute.to_str().unwrap();
    let told = |format: &str, path: &str| {
        let output = scratch.vmlock(&["--format", format, "lock", "--check", path]);
        assert_eq!(output.status.code(), Some(1), "{}", err(&output));
        out(&output)
    };
    let address = absolute.replace('\\', "/").replace(':', "%3A");
    for (path, sarif) in [
        (r"rack\web.vm.kdl", "\"rack/web.vm.kdl\"".to_owned()),
        (absolute, format!("\"file:///{address}\"")),
    ] {
        let text = told("sarif", path);
        assert!(text.contains(&sarif), "no {sarif}: {text}");
    }
    let text = told("github", r"rack\web.vm.kdl");
    assert!(text.contains("file=rack/web.vm.kdl,"), "{text}");
}

/// `vmlock` itself stands behind the door: its words and its exit code come through.
#[test]
fn the_program_behind_the_door_ends_with_its_own_code() {
    let scratch = Scratch::new("windows-door");
    let folder = scratch.0.join("bin");
    fs::create_dir(&folder).unwrap();
    let own = Path::new(env!("CARGO_BIN_EXE_vmlock"));
    let vmlock = folder.join("vmlock.exe");
    fs::copy(own, &vmlock).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = Command::new(&vmlock);
        let command = command.args(arguments).current_dir(&scratch.0);
        command.env("PATH", "").output().unwrap()
    };
    let none = run(&["run", "explain", "no-such-name"]);
    assert_eq!(none.status.code(), Some(4));
    assert!(err(&none).contains("usage::no-program"), "{}", err(&none));
    fs::copy(own, folder.join("vmlock-run.exe")).unwrap();
    let there = run(&["run", "explain", "psci-1.1"]);
    assert_eq!(there.status.code(), Some(0), "{}", err(&there));
    assert!(out(&there).contains("psci-1.1"), "{}", out(&there));
    let refused = run(&["run", "lcok"]);
    assert_eq!(refused.status.code(), Some(2), "{}", err(&refused));
}
