//! What others take out of the repository for their commits and CI: hooks of pre-commit, and the GitHub Action, started
//! as these two start them.

use crate::scratch::{Scratch, root};
use std::fs;
#[cfg(unix)]
use {
    crate::scratch::{err, out},
    std::path::Path,
    std::process::{Command, Output},
};

const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=1
    memory "256MiB"
}
"#;

/// The scripts of an action's steps, in their order.
fn scripts(action: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = action.lines().peekable();
    while let Some(line) = lines.next() {
        if line.trim() != "run: |" {
            continue;
        }
        let indent = line.len() - line.trim_start().len() + 2;
        let mut script = String::new();
        while let Some(line) =
            lines.next_if(|line| line.trim().is_empty() || line.starts_with(&" ".repeat(indent)))
        {
            script.push_str(line.get(indent..).unwrap_or_default());
            script.push('\n');
        }
        found.push(script);
    }
    found
}

/// As GitHub's runner starts `shell: bash`.
#[cfg(unix)]
fn step(script: &str, folder: &Path, environment: &[(&str, &str)]) -> Output {
    let file = folder.join("step.sh");
    fs::write(&file, script).unwrap();
    Command::new("bash")
        .args(["--noprofile", "--norc", "-eo", "pipefail"])
        .arg(&file)
        .current_dir(folder)
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}

/// Both steps of the action; how the second ended, and what it printed.
#[cfg(unix)]
fn action(scratch: &Scratch, paths: &str, deny: &str) -> (Option<i32>, String) {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    let scripts = scripts(&text);
    let [build, check] = scripts.as_slice() else {
        panic!("{} steps", scripts.len());
    };
    let outputs = scratch.0.join("outputs");
    fs::write(&outputs, "").unwrap();
    let own = env!("CARGO_BIN_EXE_vmlock");
    let built = step(
        build,
        &scratch.0,
        &[
            ("GIVEN", own),
            ("SOURCE", root().to_str().unwrap()),
            ("PLACE", scratch.0.to_str().unwrap()),
            ("GITHUB_OUTPUT", outputs.to_str().unwrap()),
        ],
    );
    assert!(built.status.success(), "{}", err(&built));
    assert!(out(&built).starts_with("vmlock "), "{}", out(&built));
    let output = fs::read_to_string(&outputs).unwrap();
    assert_eq!(output, format!("vmlock={own}\n"));
    let checked = step(
        check,
        &scratch.0,
        &[("VMLOCK", own), ("PATHS", paths), ("DENY_WARNINGS", deny)],
    );
    (
        checked.status.code(),
        format!("{}{}", out(&checked), err(&checked)),
    )
}

#[cfg(unix)]
#[test]
fn the_action_holds_locks_to_their_descriptions() {
    let scratch = Scratch::new("ci action");
    scratch.lock("web", SPEC);
    for paths in ["", ".", "web.vm.kdl\n", "./web.vm.kdl\n\n.\n"] {
        let (code, words) = action(&scratch, paths, "false");
        assert_eq!(code, Some(0), "{paths:?}: {words}");
    }
    scratch.write("web.vm.kdl", &SPEC.replace("256MiB", "512MiB"));
    assert_eq!(action(&scratch, "", "false").0, Some(1));
    // An error stands at its line, in GitHub's own form.
    scratch.write("web.vm.kdl", &SPEC.replace("neoverse-n1", "neoverse-n7"));
    let (code, words) = action(&scratch, "", "false");
    assert_eq!(code, Some(1), "{words}");
    assert!(
        words.lines().any(|line| line.starts_with("::error ")
            && line.contains("file=")
            && line.contains("web.vm.kdl,line=4")),
        "{words}"
    );
    // A name of a file is no flag.
    assert_eq!(action(&scratch, "--upgrade", "false").0, Some(2));
    // A lock without a description is warned of.
    scratch.lock("web", SPEC);
    fs::rename(
        scratch.0.join("web.vm.lock.json"),
        scratch.0.join("old.vm.lock.json"),
    )
    .unwrap();
    scratch.lock("web", SPEC);
    assert_eq!(action(&scratch, "", "false").0, Some(0));
    assert_eq!(action(&scratch, "", "true").0, Some(1));
}

#[test]
fn the_action_builds_what_is_there() {
    let text = fs::read_to_string(root().join("action.yml")).unwrap();
    assert!(text.contains("--path \"$SOURCE/compiler\""));
    let manifest = fs::read_to_string(root().join("compiler/Cargo.toml")).unwrap();
    assert!(manifest.contains("name = \"vmlock\""));
    // What somebody else wrote reaches a script as a variable, and never as its text.
    for script in scripts(&text) {
        assert!(!script.contains("${{"), "{script}");
    }
}

/// The hooks' names, entries, and whether they are given files.
fn hooks() -> Vec<(String, String, bool)> {
    let text = fs::read_to_string(root().join(".pre-commit-hooks.yaml")).unwrap();
    let hook = |part: &str| {
        let value = |key: &str| {
            let line = part.lines().find_map(|line| line.trim().strip_prefix(key));
            line.map(|value| value.trim().to_owned())
        };
        let id = part.lines().next()?.trim().to_owned();
        Some((
            id,
            value("entry:")?,
            value("pass_filenames:").as_deref() != Some("false"),
        ))
    };
    text.split("- id:").skip(1).filter_map(hook).collect()
}

#[test]
fn the_hooks_fail_where_something_is_to_be_done() {
    let hooks = hooks();
    let ids: Vec<&str> = hooks.iter().map(|(id, _, _)| id.as_str()).collect();
    assert_eq!(ids, ["vmlock-lock", "vmlock-fmt"]);
    let scratch = Scratch::new("ci-hooks");
    let run = |id: &str| {
        let (_, entry, files) = hooks.iter().find(|(hook, _, _)| hook == id).unwrap();
        let mut words: Vec<&str> = entry.split(' ').collect();
        assert_eq!(words.remove(0), "vmlock");
        words.extend(files.then_some("web.vm.kdl"));
        scratch.vmlock(&words).status.code()
    };
    scratch.lock("web", SPEC);
    assert_eq!((run("vmlock-lock"), run("vmlock-fmt")), (Some(0), Some(0)));
    scratch.write(
        "web.vm.kdl",
        &SPEC.replace("    memory \"256MiB\"", "  memory   \"512MiB\""),
    );
    // Stale, and not mended: what is committed is looked at first.
    assert_eq!((run("vmlock-lock"), run("vmlock-lock")), (Some(1), Some(1)));
    // Laid out otherwise; that it is not mended leaves the choice to who commits.
    assert_eq!(run("vmlock-fmt"), Some(1));
}
