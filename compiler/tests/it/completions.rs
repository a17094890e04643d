//! Completions, by the shells themselves: bash always, fish and zsh where they are. `vmlock-lab test` fetches these two.

use crate::scratch::{Scratch, err, out};
use std::env;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A folder with fish and zsh; where it is given, both are in it, and neither is left out.
const SHELLS: &str = "VMLOCK_SHELLS";

/// Where a shell that not every machine has is started from.
fn program(shell: &str) -> PathBuf {
    env::var_os(SHELLS).map_or_else(|| shell.into(), |folder| Path::new(&folder).join(shell))
}

/// What a shell makes of a script, with this `vmlock` first in PATH.
fn shell(scratch: &Scratch, shell: &Path, arguments: &[&str], script: &str) -> Output {
    let bin = Path::new(env!("CARGO_BIN_EXE_vmlock")).parent().unwrap();
    let path = env::var("PATH").unwrap_or_default();
    Command::new(shell)
        .args(arguments)
        .args(["-c", script])
        .current_dir(&scratch.0)
        .env("PATH", format!("{}:{path}", bin.display()))
        .env("HOME", &scratch.0)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// Words on the line, the last of which is completed, and some of what is offered; the first is all where `whole`.
const LINES: [(&[&str], &[&str], bool); 24] = [
    (&["expl"], &["explain"], true),
    (&["explain", "kvm-6.1"], &["kvm-6.1", "kvm-6.12"], false),
    (&["explain", "ID_AA64ISAR0"], &["ID_AA64ISAR0_EL1"], true),
    (&["lock", "we"], &["web.vm.kdl"], true),
    (&["check", "web"], &["web.vm.lock.json"], true),
    (
        &["diff", "--cpu", "neoverse-n"],
        &["neoverse-n1", "neoverse-n2"],
        false,
    ),
    (&["init", "--features", "steal"], &["steal-time"], true),
    (&["lock", "--che"], &["--check"], true),
    (&["git", "set"], &["setup"], true),
    (&["run", "sta"], &["start", "status"], true),
    (&["run", "start", "web"], &["web.vm.lock.json"], true),
    (&["run", "start", "--on-reset", "re"], &["restart"], true),
    (
        &["common", "a.json", "--cpu", "neoverse-n"],
        &["neoverse-n1", "neoverse-n2"],
        true,
    ),
    (&["check", "--host", "a"], &["a.json"], true),
    (&["fleet", "--host", "a"], &["a.json"], true),
    (&["lock", "--for", "a"], &["a.json"], true),
    (
        &["drift", "--from", "kvm-6.1"],
        &["kvm-6.1", "kvm-6.12"],
        false,
    ),
    (&["export", "--to", "fire"], &["firecracker"], false),
    (&["export", "--only", "cpu,ma"], &[], true),
    (&["export", "--accept", "ch"], &["chance"], true),
    (&["audit", "--only", "cpu,ma"], &["cpu,machine"], true),
    (
        &["explain", "crc32", "--lock", "we"],
        &["web.vm.lock.json"],
        true,
    ),
    (&["diff", "a", "b", "--import", "my"], &["my.kdl"], true),
    (&["labels", "--format", "n"], &["nfd", "nomad"], true),
];

fn checkout(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for file in [
        "web.vm.kdl",
        "web.vm.lock.json",
        "web.txt",
        "a.json",
        "my.kdl",
    ] {
        scratch.write(file, "");
    }
    scratch
}

fn offered(line: &[&str], output: &Output, wanted: &[&str], whole: bool) {
    let said = out(output);
    let got: Vec<&str> = said
        .lines()
        .filter_map(|l| l.split('\t').next())
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .collect();
    for word in wanted {
        assert!(got.contains(word), "{line:?}: {got:?} {}", err(output));
    }
    assert!(!whole || got.len() == wanted.len(), "{line:?}: {got:?}");
}

#[test]
fn bash_completes_names_and_files() {
    let scratch = checkout("completions-bash");
    for (line, wanted, whole) in LINES {
        let words = format!("vmlock {}", line.join(" "));
        let current = line.last().unwrap();
        let script = format!(
            "eval \"$(vmlock completions bash)\"; COMP_WORDS=({words}); COMP_CWORD={}; COMP_TYPE=9; \
             complete -p vmlock >&2 || exit 9; _clap_complete_vmlock vmlock {current} x; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
            line.len(),
        );
        let output = shell(
            &scratch,
            Path::new("bash"),
            &["--norc", "--noprofile"],
            &script,
        );
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        offered(line, &output, wanted, whole);
    }
}

/// A shell, where it is there; that it is not is said past what the harness holds back of a test that passes, where
/// `vmlock-lab test` counts it.
fn found(shell: &str) -> Option<PathBuf> {
    let program = program(shell);
    let starts = Command::new(&program).arg("--version").output();
    if starts.is_ok_and(|said| out(&said).contains(shell)) {
        return Some(program);
    }
    assert!(
        env::var_os(SHELLS).is_none(),
        "{} is no {shell}",
        program.display()
    );
    let words = format!("SKIPPED: there is no {shell} here; its completions were not tried");
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{words}").unwrap();
    None
}

#[test]
fn fish_completes_names_and_files() {
    let Some(program) = found("fish") else {
        return;
    };
    let scratch = checkout("completions-fish");
    for (line, wanted, whole) in LINES {
        let words = line.join(" ");
        let script = format!("vmlock completions fish | source; complete -C 'vmlock {words}'");
        let output = shell(&scratch, &program, &["--no-config"], &script);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        offered(line, &output, wanted, whole);
    }
}

/// In zsh itself, with its line editor's two functions replaced by ones that print.
#[test]
fn zsh_completes_names_and_files() {
    let Some(program) = found("zsh") else {
        return;
    };
    let scratch = checkout("completions-zsh");
    for (line, wanted, whole) in LINES {
        let script = format!(
            "compdef() {{ : }}; _describe() {{ print -l -- ${{(P)3}} | sed 's/:.*//' }}; \
             eval \"$(vmlock completions zsh)\"; words=(vmlock {}); CURRENT={}; _clap_dynamic_completer_vmlock",
            line.join(" "),
            line.len() + 1,
        );
        let output = shell(&scratch, &program, &["-f"], &script);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        offered(line, &output, wanted, whole);
    }
}
