//! What an editor knows of machines that are built from each other.

use super::{codes, labels, of};
use crate::editor::{Editor, edited, place, uri};
use crate::scratch::Scratch;
use serde_json::json;
use std::fs;

const TEXT: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.12"
    cpu "neoverse-n1" count=2
    memory "512MiB"
    disk "root" path="root.img" size="1GiB"
    net "lan"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
vm "db" from="web" {
    net "san"
    net "lan" mtu=9000
    cpu { hide "crc32"; }
    allow "spec::midr-promises" reason="nothing looks at it"
}
vm "next" from="db"
"#;

#[test]
fn several_machines_of_a_file_are_known() {
    let scratch = Scratch::new("lsp-sharing");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    scratch.write("web.vm.kdl", TEXT);
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, TEXT);
    assert_eq!(codes(&editor.found(&uri, 1)), Vec::<&str>::new());
    // Symbols, the machines at the top.
    let document = json!({ "textDocument": { "uri": uri } });
    let symbols = editor.ask("textDocument/documentSymbol", document.clone());
    let details: Vec<&str> = symbols
        .as_array()
        .unwrap()
        .iter()
        .map(|symbol| symbol["detail"].as_str().unwrap())
        .collect();
    assert_eq!(details, ["web", "db", "next"]);
    // What one is built from is where that is described.
    let (line, column) = of(TEXT, "from=\"web\"", 7);
    let definition = editor.at("textDocument/definition", &uri, line, column);
    assert_eq!(definition["uri"], json!(uri));
    assert_eq!(
        definition["range"]["start"],
        json!({ "line": 0, "character": 3 })
    );
    let items = editor.at("textDocument/completion", &uri, line, column);
    assert_eq!(labels(&items), ["web", "next"]);
    let (on_word, at) = of(TEXT, "from=", 1);
    let hover = editor.at("textDocument/hover", &uri, on_word, at);
    let words = hover["contents"]["value"].as_str().unwrap();
    assert!(words.contains("takes over"), "{words}");
    // Each machine's own lock is beside its lines.
    let mut params = document.clone();
    params["range"] = json!({
        "start": { "line": 0, "character": 0 },
        "end": { "line": 20, "character": 0 },
    });
    let hints = editor.ask("textDocument/inlayHint", params.clone());
    let shown: Vec<(u64, &str)> = hints
        .as_array()
        .unwrap()
        .iter()
        .map(|h| {
            (
                h["position"]["line"].as_u64().unwrap(),
                h["label"].as_str().unwrap(),
            )
        })
        .collect();
    let of_line = |line: u64| -> Vec<&str> {
        let here = shown.iter().filter(|(l, _)| *l == line);
        here.map(|(_, words)| *words).collect()
    };
    assert!(of_line(6)[0].starts_with("mac "), "{shown:?}");
    assert!(of_line(10)[0].starts_with("mac ") && of_line(11)[0].starts_with("mac "));
    assert_ne!(of_line(6), of_line(11), "addresses are each machine's own");
    assert_eq!(
        of_line(12).last(),
        Some(&"ID_AA64ISAR0_EL1.CRC32 0x0, ID_ISAR5_EL1.CRC32 0x0"),
        "{shown:?}"
    );
    // All of them are written, or none.
    let mut action = params.clone();
    action["context"] = json!({ "diagnostics": [], "only": ["source"] });
    let actions = editor.ask("textDocument/codeAction", action);
    assert_eq!(actions[0]["title"], "Write 3 locks");
    editor.ask(
        "workspace/executeCommand",
        json!({ "command": "vmlock.updateLock", "arguments": [uri] }),
    );
    let said = scratch.vmlock(&["lock", "--check", "web.vm.kdl"]);
    assert_eq!(said.status.code(), Some(0));
    // A register's line is in the lock of the machine where it is named.
    let (line, column) = of(TEXT, "crc32", 1);
    let definition = editor.at("textDocument/definition", &uri, line, column);
    let place_of = definition["uri"].as_str().unwrap();
    assert!(place_of.ends_with("web.db.vm.lock.json"), "{definition}");
    // A name is changed wherever it stands, and to none that is taken.
    let (line, column) = of(TEXT, "vm \"db\"", 4);
    let mut params = place(&uri, line, column);
    params["newName"] = json!("data");
    let renamed = editor.ask("textDocument/rename", params.clone());
    let text = edited(TEXT, &renamed["changes"][&uri]);
    let expected = TEXT
        .replace("vm \"db\"", "vm \"data\"")
        .replace("from=\"db\"", "from=\"data\"");
    assert_eq!(text, expected);
    let (line, column) = of(TEXT, "from=\"db\"", 7);
    let mut from = place(&uri, line, column);
    from["newName"] = json!("data");
    let same = editor.ask("textDocument/rename", from);
    assert_eq!(edited(TEXT, &same["changes"][&uri]), expected);
    params["newName"] = json!("WEB");
    let error = editor.try_ask("textDocument/rename", params).unwrap_err();
    let words = error["message"].as_str().unwrap();
    assert!(words.contains("exists already"), "{words}");
    // What is wrong with what is taken over is found once.
    editor.change(&uri, 2, &TEXT.replace("kvm-6.12", "kvm-6.99"));
    assert_eq!(codes(&editor.found(&uri, 2)), ["spec::unknown-baseline"]);
    editor.change(&uri, 3, &TEXT.replace("from=\"web\"", "from=\"next\""));
    assert_eq!(codes(&editor.found(&uri, 3)), ["spec::circle"]);
    fs::remove_file(scratch.0.join("web.vm.kdl")).unwrap();
    editor.end();
}

#[test]
fn defaults_of_an_open_file_count_before_it_is_saved() {
    let scratch = Scratch::new("lsp-defaults");
    let defaults =
        "defaults {\n    arch \"arm64\"\n    abi \"kvm-6.12\"\n    memory \"512MiB\"\n}\n";
    let text = "vm \"web\" {\n    import \"all.kdl\"\n    cpu \"neoverse-n1\" count=2\n    allow \"spec::emulated-cpu\" reason=\"so are the hosts\"\n}\n";
    scratch.write("all.kdl", defaults);
    let [web, all] = ["web.vm.kdl", "all.kdl"].map(|name| uri(&scratch.0.join(name)));
    let none = Vec::<&str>::new();
    let mut editor = Editor::new(&scratch);
    editor.open(&web, text);
    assert_eq!(codes(&editor.found(&web, 1)), none);
    editor.open(&all, defaults);
    assert_eq!(codes(&editor.found(&all, 1)), none);
    // Opening it has changed nothing, but what imports it is looked at once more.
    assert_eq!(codes(&editor.found(&web, 1)), none);
    // What is known of the words of a machine is known of them here.
    let (line, column) = of(defaults, "kvm-6.12", 2);
    let items = editor.at("textDocument/completion", &all, line, column);
    assert!(labels(&items).contains(&"kvm-6.8"), "{items}");
    let (line, column) = of(defaults, "memory", 2);
    let hover = editor.at("textDocument/hover", &all, line, column);
    let words = hover["contents"]["value"].as_str().unwrap();
    assert!(words.contains("multiple of 2 MiB"), "{words}");
    // A mistake is found in both: where it is, and where it is imported.
    editor.change(&all, 2, &defaults.replace("memory", "memroy"));
    assert_eq!(codes(&editor.found(&all, 2)), ["spec::unknown-node"]);
    let found = editor.found(&web, 1);
    assert_eq!(codes(&found), ["spec::unknown-node"], "{found:?}");
    assert_eq!(found[0]["range"]["start"]["line"], 1, "{found:?}");
    // What is missing there is missing in the machine.
    editor.change(&all, 3, &defaults.replace("    memory \"512MiB\"\n", ""));
    assert_eq!(codes(&editor.found(&all, 3)), none);
    assert_eq!(codes(&editor.found(&web, 1)), ["spec::missing"]);
    editor.end();
}
