//! Files are written whole, or not at all and with words: folders that cannot be read, disks that are full.

use crate::scratch::{Scratch, err, out, root};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Output};

/// Nobody's number, on all Linux systems.
const NOBODY: u32 = 65534;

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<String> = entries
        .map(|e| e.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_folder_that_cannot_be_read_takes_a_lock() {
    let scratch = Scratch::new("drop-box");
    // The superuser may read every folder: somebody else has to try.
    let program = scratch.0.join("vmlock");
    fs::copy(env!("CARGO_BIN_EXE_vmlock"), &program).unwrap();
    let folder = scratch.0.join("box");
    fs::create_dir(&folder).unwrap();
    let spec = folder.join("modern.vm.kdl");
    fs::copy(root().join("examples/modern.vm.kdl"), &spec).unwrap();
    fs::set_permissions(&spec, Permissions::from_mode(0o644)).unwrap();
    fs::copy(&spec, scratch.0.join("modern.vm.kdl")).unwrap();
    assert!(scratch.vmlock(&["lock", "modern.vm.kdl"]).status.success());
    let mut command = Command::new(program);
    let superuser = chown(&folder, Some(NOBODY), Some(NOBODY)).is_ok();
    if superuser {
        command.uid(NOBODY).gid(NOBODY);
    }
    fs::set_permissions(&folder, Permissions::from_mode(0o333)).unwrap();
    let ended = command.arg("lock").arg(&spec).output().unwrap();
    fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
    assert_eq!(ended.status.code(), Some(0), "{}", err(&ended));
    assert!(out(&ended).contains("written"), "{}", out(&ended));
    assert_eq!(names(&folder), ["modern.vm.kdl", "modern.vm.lock.json"]);
    assert_eq!(
        fs::read(folder.join("modern.vm.lock.json")).unwrap(),
        fs::read(scratch.0.join("modern.vm.lock.json")).unwrap()
    );
}

/// `vmlock` where no file can have a single byte.
fn full(scratch: &Scratch, arguments: &str) -> Output {
    let script = format!(
        "trap '' XFSZ; ulimit -f 0; exec '{}' {arguments}",
        env!("CARGO_BIN_EXE_vmlock")
    );
    let mut command = Command::new("sh");
    let command = command.arg("-c").arg(script).current_dir(&scratch.0);
    command.output().unwrap()
}

#[test]
fn nothing_is_called_written_that_was_not() {
    let scratch = Scratch::new("full");
    let example = root().join("examples/modern.vm.kdl");
    fs::copy(example, scratch.0.join("a.vm.kdl")).unwrap();
    let host = root().join("spec/catalogue/hosts/neoverse-n1-6.12.json");
    fs::copy(host, scratch.0.join("host.json")).unwrap();
    fs::create_dir(scratch.0.join("folder")).unwrap();
    for arguments in [
        "lock a.vm.kdl",
        "lock --format json a.vm.kdl",
        "lock --print-digest a.vm.kdl",
        "cpu host.json --name x -o x.kdl",
        "adopt host.json --name x",
        "man folder",
    ] {
        let ended = full(&scratch, arguments);
        let (said, words) = (out(&ended), err(&ended));
        assert_eq!(ended.status.code(), Some(4), "{arguments}: {said}{words}");
        assert!(!said.contains(": written"), "{arguments}: {said}");
        assert!(!said.contains("new"), "{arguments}: {said}");
        assert!(!said.contains("sha256:"), "{arguments}: {said}");
        assert!(
            format!("{said}{words}").contains("cannot be written"),
            "{arguments}: {said}{words}"
        );
        assert_eq!(names(&scratch.0), ["a.vm.kdl", "folder", "host.json"]);
        assert!(names(&scratch.0.join("folder")).is_empty());
    }
    // What was there is there.
    scratch.write("a.vm.lock.json", "old");
    let ended = full(&scratch, "lock a.vm.kdl");
    assert_eq!(ended.status.code(), Some(4), "{}", err(&ended));
    assert!(!out(&ended).contains("updated"), "{}", out(&ended));
    assert_eq!(
        fs::read_to_string(scratch.0.join("a.vm.lock.json")).unwrap(),
        "old"
    );
}

/// Two files belong together: one that stays alone would be in the way of the next try.
#[test]
fn adopt_leaves_both_of_its_files_or_none() {
    let scratch = Scratch::new("both");
    let host = root().join("spec/catalogue/hosts/neoverse-n1-6.12.json");
    fs::copy(host, scratch.0.join("host.json")).unwrap();
    // Of files in blocks of 512 bytes, the description fits in there, and the host's file does not.
    let script = format!(
        "trap '' XFSZ; ulimit -f 1; exec '{}' adopt host.json --name x",
        env!("CARGO_BIN_EXE_vmlock")
    );
    let mut command = Command::new("sh");
    let command = command.arg("-c").arg(script).current_dir(&scratch.0);
    let ended = command.output().unwrap();
    assert_eq!(ended.status.code(), Some(4), "{}", err(&ended));
    assert!(!out(&ended).contains("written"), "{}", out(&ended));
    assert_eq!(names(&scratch.0), ["host.json"]);
}
