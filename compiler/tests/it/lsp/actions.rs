//! What an editor offers to do, and names that are changed: each done, and held against the compiler.

use super::{GOOD, codes, of};
use crate::editor::{Editor, edited, place, uri};
use crate::scratch::{Scratch, err, out};
use serde_json::{Value, json};
use std::fs;

fn actions(editor: &mut Editor, uri: &str, text: &str, word: &str, kind: &str) -> Value {
    let (line, column) = of(text, word, 1);
    let at = json!({ "line": line, "character": column });
    editor.ask(
        "textDocument/codeAction",
        json!({
            "textDocument": { "uri": uri },
            "range": { "start": at, "end": at },
            "context": { "diagnostics": [], "only": [kind] },
        }),
    )
}

#[test]
fn suggestions_can_be_applied() {
    let scratch = Scratch::new("lsp-suggestions");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    for (index, (from, to)) in [
        ("\"neoverse-n1\"", "\"neoverse-n11\""),
        ("memory", "memroy"),
        ("pmu", "pmux"),
        ("\"crc32\"", "\"crc23\""),
        ("\"512MiB\"", "\"512MB\""),
        ("count=2", "count=\"2\""),
        ("ISAR0_EL1.DP\" 0", "ISAR0_EL1.DP\" \"0\""),
        ("arch \"arm64\"", "arch \"aarch64\""),
        ("arch \"arm64\"", "arch: \"arm64\""),
        ("\"kvm-6.8\" \"psci-1.1\"", "\"kvm-6.8.0\" \"psci-1.1\""),
        ("        pmu\n", "        pmu 1\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD);
        editor.change(&uri, index as i64 + 2, &text);
        let found = editor.found(&uri, index as i64 + 2);
        assert_eq!(found.len(), 1, "{to}: {found:?}");
        let start = &found[0]["range"];
        let params = json!({
            "textDocument": { "uri": uri },
            "range": start,
            "context": { "diagnostics": found, "only": ["quickfix"] },
        });
        let actions = editor.ask("textDocument/codeAction", params);
        let all = actions.as_array().unwrap();
        assert!(!all.is_empty(), "{to}: nothing for {found:?}");
        let after = edited(&text, &all[0]["edit"]["changes"][&uri]);
        scratch.write("web.vm.kdl", &after);
        let output = scratch.vmlock(&["lock", "--dry-run", "web.vm.kdl"]);
        assert_eq!(
            output.status.code(),
            Some(0),
            "{to}: {after}\n{}",
            err(&output)
        );
    }
    // What is missing is added in its own line.
    let text = GOOD.replace("    memory \"512MiB\"\n", "");
    editor.change(&uri, 99, &text);
    let found = editor.found(&uri, 99);
    assert_eq!(codes(&found), ["spec::missing"]);
    let offered = actions(&mut editor, &uri, &text, "vm \"web\"", "quickfix");
    let after = edited(&text, &offered[0]["edit"]["changes"][&uri]);
    assert!(
        after.ends_with("the hosts\"\n    memory \"512MiB\"\n}\n"),
        "{after}"
    );
    editor.end();
}

/// What somebody turns off is off after whatever is offered, and what is told in words alone is left to its author.
#[test]
fn no_suggestion_changes_what_a_line_says() {
    let scratch = Scratch::new("lsp-meaning");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    for (index, (line, offered)) in [
        ("pmu #false", true),
        ("pmu \"off\"", true),
        ("pmu state=\"off\"", true),
        ("pmu enabled=#false counters=4", true),
        ("hide x=#false", false),
        ("debug 6 4", false),
    ]
    .into_iter()
    .enumerate()
    {
        let text = GOOD.replacen("        pmu\n", &format!("        {line}\n"), 1);
        assert_ne!(text, GOOD);
        let version = index as i64 + 2;
        editor.change(&uri, version, &text);
        let found = editor.found(&uri, version);
        let params = json!({
            "textDocument": { "uri": uri },
            "range": found[0]["range"],
            "context": { "diagnostics": found, "only": ["quickfix"] },
        });
        let actions = editor.ask("textDocument/codeAction", params);
        let all = actions.as_array().unwrap();
        assert_eq!(!all.is_empty(), offered, "{line}: {actions}");
        for action in all {
            let after = edited(&text, &action["edit"]["changes"][&uri]);
            assert!(!after.contains("pmu"), "{line}: {after}");
        }
    }
    editor.end();
}

#[test]
fn the_lock_is_written_when_it_is_asked_for() {
    let scratch = Scratch::new("lsp-update");
    scratch.write("web.vm.kdl", GOOD);
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let lock = scratch.0.join("web.vm.lock.json");
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    let offered = actions(&mut editor, &uri, GOOD, "vm", "source");
    assert_eq!(offered[0]["title"], "Write web.vm.lock.json");
    let command = json!({ "command": offered[0]["command"]["command"], "arguments": offered[0]["command"]["arguments"] });
    assert!(!lock.exists());
    editor.ask("workspace/executeCommand", command.clone());
    let written = fs::read_to_string(&lock).unwrap();
    assert!(
        scratch
            .vmlock(&["lock", "--check", "web.vm.kdl"])
            .status
            .success()
    );
    assert_eq!(actions(&mut editor, &uri, GOOD, "vm", "source"), json!([]));
    // What is not saved makes no lock.
    let text = GOOD.replace("count=2", "count=3");
    editor.change(&uri, 2, &text);
    let offered = actions(&mut editor, &uri, &text, "vm", "source");
    assert_eq!(offered[0]["title"], "Update web.vm.lock.json");
    let error = editor
        .try_ask("workspace/executeCommand", command.clone())
        .unwrap_err();
    assert!(
        error["message"].as_str().unwrap().contains("save"),
        "{error}"
    );
    assert_eq!(fs::read_to_string(&lock).unwrap(), written);
    scratch.write("web.vm.kdl", &text);
    editor.ask("workspace/executeCommand", command.clone());
    assert_ne!(fs::read_to_string(&lock).unwrap(), written);
    // A byte order mark is nothing that an editor shows.
    scratch.write("web.vm.kdl", &format!("\u{feff}{text}"));
    editor.ask("workspace/executeCommand", command.clone());
    let checked = scratch.vmlock(&["lock", "--check", "web.vm.kdl"]);
    assert!(checked.status.success(), "{}", err(&checked));
    // What has errors makes none either.
    let text = text.replace("kvm-6.8", "kvm-6.88");
    scratch.write("web.vm.kdl", &text);
    editor.change(&uri, 3, &text);
    let error = editor
        .try_ask("workspace/executeCommand", command)
        .unwrap_err();
    assert!(
        error["message"].as_str().unwrap().contains("kvm-6.88"),
        "{error}"
    );
    editor.open("untitled:/x/web.vm.kdl", GOOD);
    for wrong in [
        json!({ "command": "x" }),
        json!({ "command": "vmlock.updateLock", "arguments": ["untitled:/x/web.vm.kdl"] }),
        json!({ "command": "vmlock.updateLock" }),
        json!({ "command": "vmlock.updateLock", "arguments": ["untitled:a"] }),
    ] {
        editor
            .try_ask("workspace/executeCommand", wrong)
            .unwrap_err();
    }
    editor.end();
}

#[test]
fn of_two_descriptions_neither_makes_the_lock() {
    let scratch = Scratch::new("lsp-rivals");
    scratch.write("web.vm.kdl", GOOD);
    let form = out(&scratch.vmlock(&["convert", "web.vm.kdl"]));
    scratch.write("web.vm.json", &form);
    scratch.write("web.vm.lock.json", "somebody's");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    assert_eq!(codes(&editor.found(&uri, 1)), ["lock::two-descriptions"]);
    assert_eq!(actions(&mut editor, &uri, GOOD, "vm", "source"), json!([]));
    let command = json!({ "command": "vmlock.updateLock", "arguments": [uri] });
    let error = editor
        .try_ask("workspace/executeCommand", command)
        .unwrap_err();
    let words = error["message"].as_str().unwrap();
    assert!(words.ends_with("so neither does"), "{error}");
    let kept = fs::read_to_string(scratch.0.join("web.vm.lock.json")).unwrap();
    assert_eq!(kept, "somebody's");
    editor.end();
}

#[test]
fn a_lock_waits_for_the_digest_of_a_large_kernel() {
    let scratch = Scratch::new("lsp-large");
    fs::write(scratch.0.join("vmlinuz"), vec![7; 3 << 20]).unwrap();
    let text = GOOD.replace("net \"lan\"", "boot kernel=\"vmlinuz\"");
    let expected = scratch.lock("web", &text);
    fs::remove_file(scratch.0.join("web.vm.lock.json")).unwrap();
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, &text);
    let command = json!({ "command": "vmlock.updateLock", "arguments": [uri] });
    editor.ask("workspace/executeCommand", command);
    let written = fs::read_to_string(scratch.0.join("web.vm.lock.json")).unwrap();
    assert_eq!(
        vmlock_spec::lock::canonical::parse(&written).unwrap(),
        expected
    );
    editor.end();
}

#[test]
fn a_baseline_is_written_out() {
    let scratch = Scratch::new("lsp-expand");
    let before = scratch.lock("web", GOOD);
    let path = scratch.0.join("web.vm.kdl");
    let uri = uri(&path);
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    for name in ["kvm-6.8", "psci-1.1"] {
        let offered = actions(&mut editor, &uri, GOOD, name, "refactor");
        assert_eq!(offered.as_array().unwrap().len(), 1, "{offered}");
        let changes = offered[0]["edit"]["documentChanges"].as_array().unwrap();
        let file = crate::editor::path(changes[0]["uri"].as_str().unwrap());
        assert_eq!(changes[0]["kind"], "create");
        fs::write(file, edited("", &changes[1]["edits"])).unwrap();
        let after = scratch.lock("web", &edited(GOOD, &changes[2]["edits"]));
        assert_eq!(before.registers.len(), after.registers.len());
        for (before, after) in before.registers.iter().zip(&after.registers) {
            assert_eq!((before.id, before.value), (after.id, after.value));
        }
        assert_eq!(before.hypercalls.psci, after.hypercalls.psci);
        assert_eq!(before.machine, after.machine);
        scratch.write("web.vm.kdl", GOOD);
    }
    assert_eq!(
        actions(&mut editor, &uri, GOOD, "memory", "refactor"),
        json!([])
    );
    editor.end();
}

#[test]
fn names_of_others_are_not_renamed() {
    let scratch = Scratch::new("lsp-rename");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    let mut ask = |word: &str, into: usize, name: &str| {
        let (line, column) = of(GOOD, word, into);
        let mut params = place(&uri, line, column);
        params["newName"] = json!(name);
        editor.try_ask("textDocument/rename", params)
    };
    let renamed = ask("\"web\"", 1, "db").unwrap();
    assert!(edited(GOOD, &renamed["changes"][&uri]).contains("vm \"db\" {"));
    let renamed = ask("\"lan\"", 1, "wan").unwrap();
    assert!(edited(GOOD, &renamed["changes"][&uri]).contains("net \"wan\""));
    for (word, why) in [
        ("kvm-6.8", "catalogue"),
        ("neoverse-n1", "catalogue"),
        ("memory", "none of them"),
        ("512MiB", "none of them"),
        ("crc32", "none of them"),
        ("A web", "none of them"),
    ] {
        let error = ask(word, 1, "other").unwrap_err();
        assert!(
            error["message"].as_str().unwrap().contains(why),
            "{word}: {error}"
        );
    }
    // Nor is the rest of a line behind a string without an end.
    let text = GOOD.replace("\"web\" {", "\"web {");
    editor.change(&uri, 2, &text);
    let (line, column) = of(&text, "\"web {", 1);
    let error = editor
        .try_ask("textDocument/prepareRename", place(&uri, line, column))
        .unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("none of them"));
    editor.end();
}
