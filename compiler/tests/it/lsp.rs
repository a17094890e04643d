//! `vmlock lsp` as an editor has it: over its pipes.

mod actions;
mod edits;
mod sharing;

use crate::editor::{Editor, edited, everything, path, place, uri};
use crate::scratch::{Scratch, out, root};
use serde_json::{Value, json};
use std::fs;

const GOOD: &str = r#"// A web server 🦀
vm "web" {
    arch "arm64"
    abi "kvm-6.8" "psci-1.1"
    cpu "neoverse-n1" count=2 {
        pmu
        hide "crc32"
        set "ID_AA64ISAR0_EL1.DP" 0
    }
    memory "512MiB"
    net "lan"
    allow "spec::midr-promises" reason="nothing looks at it"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

/// The line and column (UTF-16) of a word in a text, and how far into it.
fn of(text: &str, word: &str, into: usize) -> (usize, usize) {
    let at = text.find(word).unwrap() + into;
    let before = &text[..at];
    let line = before.matches('\n').count();
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    (line, before[start..].encode_utf16().count())
}

fn codes(found: &[Value]) -> Vec<&str> {
    found.iter().map(|d| d["code"].as_str().unwrap()).collect()
}

fn labels(items: &Value) -> Vec<&str> {
    items
        .as_array()
        .unwrap()
        .iter()
        .map(|i| i["label"].as_str().unwrap())
        .collect()
}

#[test]
fn findings_are_those_of_the_compiler() {
    let scratch = Scratch::new("lsp-findings");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    assert_eq!(editor.found(&uri, 1), Vec::<Value>::new());
    let texts = [
        GOOD.replace("kvm-6.8", "kvm-6.88"),
        GOOD.replace("neoverse-n1", "neoverse-n3")
            .replace("pmu", "pmx"),
        GOOD.replace("512MiB", "512MB"),
        GOOD.replace("arch \"arm64\"", "arch: arm64"),
        GOOD.replace("}\n", ""),
        GOOD.replace("\"lan\"", "\"lan\" tap=\"a\"\n    net \"lan\" tap=\"b\""),
        format!("<<<<<<< ours\n{GOOD}"),
        String::new(),
    ];
    for (index, text) in texts.iter().enumerate() {
        let version = index as i64 + 2;
        editor.change(&uri, version, text);
        let found = editor.found(&uri, version);
        scratch.write("web.vm.kdl", text);
        let (_, said) = scratch.json(&["lock", "--dry-run", "web.vm.kdl"]);
        let said = said["diagnostics"].as_array().unwrap();
        assert!(!said.is_empty(), "{text}");
        assert_eq!(found.len(), said.len(), "{text}: {found:?} {said:?}");
        for (ours, theirs) in found.iter().zip(said) {
            assert_eq!(ours["code"], theirs["code"]);
            let message = ours["message"].as_str().unwrap();
            assert!(
                message.starts_with(theirs["message"].as_str().unwrap()),
                "{message} {theirs}"
            );
            for help in theirs["help"].as_str().unwrap_or_default().lines() {
                assert!(message.contains(help), "{message} lacks {help}");
            }
            assert_eq!(
                ours["range"]["start"]["line"].as_u64().unwrap() + 1,
                theirs["span"]["line"].as_u64().unwrap_or(1),
                "{theirs}"
            );
        }
    }
    editor.end();
}

#[test]
fn places_behind_an_emoji_are_right_in_each_encoding() {
    let text = "vm \"w\" {\r\n    /* 🦀é */ memory \"1XB\" // 👩‍🚀\r\n}\r\n";
    for (encodings, agreed, column) in [
        (json!(["utf-16"]), "utf-16", 21),
        (json!(["utf-8", "utf-16"]), "utf-8", 24),
        (json!(["utf-32"]), "utf-32", 20),
        (Value::Null, "utf-16", 21),
    ] {
        let scratch = Scratch::new("lsp-emoji");
        let uri = uri(&scratch.0.join("web.vm.kdl"));
        let mut capabilities = everything();
        capabilities["general"]["positionEncodings"] = encodings;
        let (mut editor, server) = Editor::with(&scratch, capabilities);
        assert_eq!(server["positionEncoding"], agreed);
        editor.open(&uri, text);
        let found = editor.found(&uri, 1);
        let size = found
            .iter()
            .find(|d| d["code"] == "spec::memory-size")
            .unwrap();
        let expected = json!({
            "start": { "line": 1, "character": column },
            "end": { "line": 1, "character": column + 5 },
        });
        assert_eq!(size["range"], expected, "{agreed}");
        // And what the client says is understood in the same way.
        let range = json!({
            "start": { "line": 1, "character": column + 1 },
            "end": { "line": 1, "character": column + 4 },
        });
        editor.tell(
            "textDocument/didChange",
            json!({
                "textDocument": { "uri": uri, "version": 2 },
                "contentChanges": [{ "range": range, "text": "512MiB" }],
            }),
        );
        let found = editor.found(&uri, 2);
        assert!(!codes(&found).contains(&"spec::memory-size"), "{found:?}");
        editor.end();
    }
}

#[test]
fn what_is_unsaved_counts_for_imports() {
    let scratch = Scratch::new("lsp-imports");
    let own = "baseline \"mine\" after=\"kvm-6.8\" {\n    title \"Mine\"\n    psci \"1.0\" source=\"here\"\n}\n";
    scratch.write("own.kdl", own);
    let text = GOOD.replace(
        "\"kvm-6.8\" \"psci-1.1\"",
        "\"mine\"\n    import \"own.kdl\"",
    );
    let (main, file) = (scratch.0.join("web.vm.kdl"), scratch.0.join("own.kdl"));
    let (main, file) = (uri(&main), uri(&file));
    let mut editor = Editor::new(&scratch);
    editor.open(&main, &text);
    assert_eq!(codes(&editor.found(&main, 1)), Vec::<&str>::new());
    editor.open(&file, own);
    assert_eq!(codes(&editor.found(&file, 1)), Vec::<&str>::new());
    // Opening it has changed nothing, but what imports it is looked at once more.
    assert_eq!(codes(&editor.found(&main, 1)), Vec::<&str>::new());
    editor.change(
        &file,
        2,
        &own.replace("\"mine\"", "\"yours\"")
            .replace("kvm-6.8", "kvm-6.99"),
    );
    let found = editor.found(&file, 2);
    assert_eq!(codes(&found), ["import::invalid"]);
    let found = editor.found(&main, 1);
    assert_eq!(codes(&found), ["import::invalid"], "{found:?}");
    assert_eq!(
        found[0]["relatedInformation"][0]["location"]["uri"],
        json!(file)
    );
    let (line, _) = of(&text, "own.kdl", 0);
    assert_eq!(found[0]["range"]["start"]["line"], line);
    // Closed without having been saved, the file is what the disk has.
    editor.tell(
        "textDocument/didClose",
        json!({ "textDocument": { "uri": file } }),
    );
    assert_eq!(codes(&editor.found(&main, 1)), Vec::<&str>::new());

    // Names of imported files are completed, explained, found and renamed as those of the catalogue.
    let (line, column) = of(&text, "mine", 1);
    let items = editor.at("textDocument/completion", &main, line, column);
    assert_eq!(labels(&items)[0], "mine");
    let hover = editor.at("textDocument/hover", &main, line, column);
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("Mine"),
        "{hover}"
    );
    let definition = editor.at("textDocument/definition", &main, line, column);
    assert_eq!(definition["uri"], json!(file));
    assert_eq!(
        definition["range"]["start"],
        json!({ "line": 0, "character": 9 })
    );
    let (import, far) = of(&text, "own.kdl", 2);
    let definition = editor.at("textDocument/definition", &main, import, far);
    assert_eq!(definition["uri"], json!(file));
    // Another description that imports it is not open; one that does not has a name of its own.
    let other = scratch.0.join("db.vm.kdl");
    scratch.write("db.vm.kdl", &text);
    // Nor is one in its JSON form, in a folder of its own.
    fs::create_dir(scratch.0.join("json")).unwrap();
    let output = scratch.vmlock(&["convert", "db.vm.kdl"]);
    let form = out(&output).replace("own.kdl", "../own.kdl");
    scratch.write("json/db.vm.json", &form);
    scratch.write("else.vm.kdl", &text.replace("\n    import \"own.kdl\"", ""));
    // What is no file names nothing.
    scratch.link("json", "folder.kdl");
    let prepared = editor.at("textDocument/prepareRename", &main, line, column);
    assert_eq!(prepared["placeholder"], "mine");
    let mut params = place(&main, line, column);
    params["newName"] = json!("ours");
    let renamed = editor.ask("textDocument/rename", params.clone());
    let changes = renamed["changes"].as_object().unwrap();
    assert_eq!(changes.len(), 4, "{renamed}");
    let json = uri(&scratch.0.join("json/db.vm.json"));
    let form = edited(&form, &changes[&json]);
    assert!(
        form.contains("\"ours\"") && !form.contains("\"mine\""),
        "{form}"
    );
    assert!(edited(&text, &changes[&uri(&other)]).contains("abi \"ours\""));
    assert!(edited(&text, &changes[&main]).contains("abi \"ours\""));
    assert!(edited(own, &changes[&file]).starts_with("baseline \"ours\" after"));
    // What cannot be read may name it as well.
    let mut refused = vec![("kvm-6.8", "exists"), ("a b", "no name"), ("", "no name")];
    if scratch.link("loop.kdl", "loop.kdl") {
        refused.push(("ours", "loop.kdl"));
    }
    for (name, why) in refused {
        params["newName"] = json!(name);
        let error = editor
            .try_ask("textDocument/rename", params.clone())
            .unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    }
    editor.end();
}

#[test]
fn imported_files_may_build_on_each_other() {
    let scratch = Scratch::new("lsp-beside");
    let of_file = |name: &str, after: &str| {
        format!(
            "baseline \"{name}\" after=\"{after}\" {{\n    title \"x\"\n    psci \"1.0\" source=\"here\"\n}}\n"
        )
    };
    let (a, b) = (of_file("x", "y"), of_file("y", "kvm-6.8"));
    scratch.write("a.kdl", &a);
    scratch.write("b.kdl", &b);
    let text = GOOD.replace(
        "\"kvm-6.8\" \"psci-1.1\"",
        "\"x\"\n    import \"b.kdl\" \"a.kdl\"",
    );
    let [web, first, second] =
        ["web.vm.kdl", "a.kdl", "b.kdl"].map(|name| uri(&scratch.0.join(name)));
    let none = Vec::<&str>::new();
    let mut editor = Editor::new(&scratch);
    editor.open(&web, &text);
    assert_eq!(codes(&editor.found(&web, 1)), none);
    editor.open(&first, &a);
    assert_eq!(codes(&editor.found(&first, 1)), none);
    editor.change(&first, 2, &format!("// more\n{a}"));
    assert_eq!(codes(&editor.found(&first, 2)), none);
    editor.open(&second, &b);
    assert_eq!(codes(&editor.found(&first, 2)), none);
    // What the one loses the other misses.
    editor.change(&second, 2, &b.replace("\"y\"", "\"z\""));
    assert_eq!(codes(&editor.found(&first, 2)), ["import::invalid"]);
    editor.change(&second, 3, &b);
    assert_eq!(codes(&editor.found(&first, 2)), none);
    // So it is with who imports them; while that cannot be read, it is taken for what it was.
    editor.change(&web, 2, &text.replace("\"b.kdl\" ", ""));
    assert_eq!(codes(&editor.found(&first, 2)), ["import::invalid"]);
    editor.change(&web, 3, &text);
    assert_eq!(codes(&editor.found(&first, 2)), none);
    editor.change(&web, 4, &text.replace("\"web\" {", "\"web {"));
    editor.change(&first, 3, &a);
    assert_eq!(codes(&editor.found(&first, 3)), none);
    editor.end();
}

/// An editor with one text, which a test writes anew with a `|` where it asks.
struct Typing {
    editor: Editor,
    uri: String,
    version: i64,
    text: String,
}

impl Typing {
    fn new(scratch: &Scratch) -> Self {
        Self {
            editor: Editor::new(scratch),
            uri: uri(&scratch.0.join("web.vm.kdl")),
            version: 0,
            text: String::new(),
        }
    }

    /// What is answered at the `|`.
    fn at(&mut self, method: &str, marked: &str) -> Value {
        let (line, column) = of(marked, "|", 0);
        self.text = marked.replacen('|', "", 1);
        self.version += 1;
        match self.version {
            1 => self.editor.open(&self.uri, &self.text),
            version => self.editor.change(&self.uri, version, &self.text),
        }
        self.editor.at(method, &self.uri, line, column)
    }

    /// What is offered there, and the text after one of them was taken.
    fn taken(&mut self, marked: &str, label: &str) -> (Value, String) {
        let items = self.at("textDocument/completion", marked);
        let all = items.as_array().unwrap();
        let item = all.iter().find(|item| item["label"] == label);
        let item = item.unwrap_or_else(|| panic!("{marked}: no {label} in {:?}", labels(&items)));
        (item.clone(), edited(&self.text, &json!([item["textEdit"]])))
    }
}

#[test]
fn completion_knows_what_can_stand_somewhere() {
    let scratch = Scratch::new("lsp-completion");
    for file in ["vmlinuz", "own.kdl", "other.vm.kdl", "images/root.img"] {
        fs::create_dir_all(scratch.0.join("images")).unwrap();
        scratch.write(file, "");
    }
    let mut typing = Typing::new(&scratch);
    for (marked, label, expected) in [
        ("|", "vm", "vm \"NAME\""),
        (
            "vm \"w\" {\n    ab|\n}",
            "abi",
            "vm \"w\" {\n    abi \"kvm-6.8\"\n}",
        ),
        (
            "vm \"w\" {\n    abi |\n}",
            "kvm-6.8",
            "vm \"w\" {\n    abi \"kvm-6.8\"\n}",
        ),
        (
            "vm \"w\" {\n    abi \"kvm-|\n",
            "kvm-6.8",
            "vm \"w\" {\n    abi \"kvm-6.8\"\n",
        ),
        (
            "vm \"w\" {\n    cpu \"| count=2 {\n    }\n}",
            "neoverse-n1",
            "vm \"w\" {\n    cpu \"neoverse-n1\" count=2 {\n    }\n}",
        ),
        (
            "vm \"w\" {\n    cpu \"neoverse|-n1\n",
            "neoverse-n1",
            "vm \"w\" {\n    cpu \"neoverse-n1\"\n",
        ),
        (
            "vm \"w\" {\n    abi \"kvm-|\"\n}",
            "kvm-6.8",
            "vm \"w\" {\n    abi \"kvm-6.8\"\n}",
        ),
        (
            "vm \"w\" {\n    abi \"kvm-6.8\" \"p|\"",
            "psci-1.1",
            "vm \"w\" {\n    abi \"kvm-6.8\" \"psci-1.1\"",
        ),
        (
            "vm \"w\" { cpu \"|\" }",
            "neoverse-n1",
            "vm \"w\" { cpu \"neoverse-n1\" }",
        ),
        (
            "vm \"w\" { cpu \"max\" | }",
            "count",
            "vm \"w\" { cpu \"max\" count= }",
        ),
        (
            "vm \"w\" { cpu \"max\" { | } }",
            "pmu",
            "vm \"w\" { cpu \"max\" { pmu } }",
        ),
        (
            "vm \"w\" { cpu \"max\" { hide \"cr|\" } }",
            "crc32",
            "vm \"w\" { cpu \"max\" { hide \"crc32\" } }",
        ),
        (
            "vm \"w\" { cpu \"max\" { pmu version=\"|\" } }",
            "3.1",
            "vm \"w\" { cpu \"max\" { pmu version=\"3.1\" } }",
        ),
        (
            "vm \"w\" { vary \"PMCR|\" }",
            "PMCR_EL0.IMP",
            "vm \"w\" { vary \"PMCR_EL0.IMP\" }",
        ),
        (
            "vm \"w\" { boot kernel=\"|\" }",
            "vmlinuz",
            "vm \"w\" { boot kernel=\"vmlinuz\" }",
        ),
        (
            "vm \"w\" { disk \"r\" path=\"images/|\" }",
            "images/root.img",
            "vm \"w\" { disk \"r\" path=\"images/root.img\" }",
        ),
        (
            "vm \"w\" { disk \"r\" read-only=| }",
            "#true",
            "vm \"w\" { disk \"r\" read-only=#true }",
        ),
        (
            "vm \"w\" { import \"|\" }",
            "own.kdl",
            "vm \"w\" { import \"own.kdl\" }",
        ),
        (
            "vm \"w\" { runs-on \"|\" }",
            "kvm-6.12",
            "vm \"w\" { runs-on \"kvm-6.12\" }",
        ),
        (
            "vm \"w\" { console \"|\" }",
            "virtio",
            "vm \"w\" { console \"virtio\" }",
        ),
        (
            "vm \"w\" { vsock cid=3 { | } }",
            "port",
            "vm \"w\" { vsock cid=3 { port 1024 path=\"agent.sock\" } }",
        ),
    ] {
        let (item, text) = typing.taken(marked, label);
        assert_eq!(text, expected);
        let word = !label.contains(['/', '.', '#']) && !["vmlinuz"].contains(&label);
        if word {
            let words = item["documentation"]["value"].as_str().unwrap();
            assert!(words.len() > 10, "{label}: {words}");
        }
    }
    // What stands there already is not offered once more, and other files are not for importing.
    let items = typing.at(
        "textDocument/completion",
        "vm \"w\" { arch \"arm64\"; abi \"kvm-6.8\" \"|\" }",
    );
    assert!(!labels(&items).contains(&"kvm-6.8") && labels(&items).contains(&"kvm-6.9"));
    let items = typing.at("textDocument/completion", "vm \"w\" { arch \"arm64\"; | }");
    assert!(!labels(&items).contains(&"arch") && labels(&items).contains(&"abi"));
    let items = typing.at("textDocument/completion", "vm \"w\" { import \"|\" }");
    assert!(!labels(&items).contains(&"other.vm.kdl") && !labels(&items).contains(&"vmlinuz"));
    for nothing in [
        "// |",
        "vm \"w\" { memory \"|\" }",
        "vm \"w\" { nothing | }",
    ] {
        let items = typing.at("textDocument/completion", nothing);
        assert_eq!(labels(&items), Vec::<&str>::new(), "{nothing}");
    }
    typing.editor.end();
}

#[test]
fn hover_says_what_explain_says() {
    let scratch = Scratch::new("lsp-hover");
    let mut typing = Typing::new(&scratch);
    let mark = |word: &str| GOOD.replacen(word, &format!("{}|{}", &word[..1], &word[1..]), 1);
    for name in [
        "kvm-6.8",
        "psci-1.1",
        "neoverse-n1",
        "crc32",
        "ID_AA64ISAR0_EL1.DP",
    ] {
        let hover = typing.at("textDocument/hover", &mark(name));
        let words = hover["contents"]["value"].as_str().unwrap();
        let explained = crate::scratch::out(&scratch.vmlock(&["explain", name]));
        for line in explained.lines().take(20) {
            assert!(words.contains(line), "{name}: {words} lacks {line}");
        }
        let start = hover["range"]["start"]["character"].as_u64().unwrap();
        let end = hover["range"]["end"]["character"].as_u64().unwrap();
        assert_eq!(end - start, name.len() as u64 + 2);
    }
    let hover = typing.at("textDocument/hover", &mark("abi"));
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("Baselines by name")
    );
    let hover = typing.at("textDocument/hover", &mark("count"));
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("How many vCPUs")
    );
    let hover = typing.at("textDocument/hover", &mark("pmu"));
    assert!(
        hover["contents"]["value"]
            .as_str()
            .unwrap()
            .contains("PMUv3")
    );
    for nothing in ["// A w|eb", "|\n", "vm \"w\" { x|yz }"] {
        let hover = typing.at("textDocument/hover", nothing);
        assert_eq!(hover, Value::Null, "{nothing}");
    }
    typing.editor.end();

    // A client that shows no Markdown gets none.
    let mut capabilities = everything();
    capabilities["textDocument"]["hover"] = json!({ "contentFormat": ["plaintext"] });
    let (mut editor, _) = Editor::with(&scratch, capabilities);
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    editor.open(&uri, GOOD);
    let (line, column) = of(GOOD, "crc32", 1);
    let hover = editor.at("textDocument/hover", &uri, line, column);
    assert_eq!(hover["contents"]["kind"], "plaintext");
    assert!(!hover["contents"]["value"].as_str().unwrap().contains("```"));
    editor.end();
}

#[test]
fn names_lead_to_where_they_come_from() {
    let scratch = Scratch::new("lsp-definition");
    scratch.lock("web", GOOD);
    let lock = fs::read_to_string(scratch.0.join("web.vm.lock.json")).unwrap();
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    for (word, begins) in [
        ("kvm-6.8", "baseline \"kvm-6.8\""),
        ("psci-1.1", "baseline \"psci-1.1\""),
        ("neoverse-n1", "cpu \"neoverse-n1\""),
    ] {
        let (line, column) = of(GOOD, word, 2);
        let location = editor.at("textDocument/definition", &uri, line, column);
        let path = path(location["uri"].as_str().unwrap());
        assert!(path.starts_with(scratch.0.join("cache")), "{path:?}");
        let text = fs::read_to_string(&path).unwrap();
        let line = location["range"]["start"]["line"].as_u64().unwrap() as usize;
        assert!(text.lines().nth(line).unwrap().starts_with(begins));
        assert!(fs::metadata(path).unwrap().permissions().readonly());
    }
    for (word, register) in [
        ("crc32", "ID_AA64ISAR0_EL1"),
        ("ID_AA64ISAR0_EL1.DP", "ID_AA64ISAR0_EL1"),
    ] {
        let (line, column) = of(GOOD, word, 2);
        let location = editor.at("textDocument/definition", &uri, line, column);
        assert!(
            location["uri"]
                .as_str()
                .unwrap()
                .ends_with("web.vm.lock.json")
        );
        let line = location["range"]["start"]["line"].as_u64().unwrap() as usize;
        assert!(
            lock.lines()
                .nth(line)
                .unwrap()
                .contains(&format!("\"{register}\""))
        );
    }
    let (line, column) = of(GOOD, "memory", 2);
    assert_eq!(
        editor.at("textDocument/definition", &uri, line, column),
        Value::Null
    );
    editor.end();
}

#[test]
fn symbols_are_the_nodes() {
    let scratch = Scratch::new("lsp-symbols");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, GOOD);
    let params = json!({ "textDocument": { "uri": uri } });
    let symbols = editor.ask("textDocument/documentSymbol", params.clone());
    assert_eq!(symbols[0]["name"], "vm");
    assert_eq!(symbols[0]["detail"], "web");
    let names = |of: &Value| -> Vec<String> {
        let list = of["children"].as_array().unwrap();
        list.iter()
            .map(|s| s["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&symbols[0]),
        ["arch", "abi", "cpu", "memory", "net", "allow", "allow"]
    );
    assert_eq!(names(&symbols[0]["children"][2]), ["pmu", "hide", "set"]);
    // Deep nesting ends neither the parser nor this.
    editor.change(&uri, 2, &"a {".repeat(20_000));
    assert_eq!(codes(&editor.found(&uri, 2)).first(), Some(&"spec::syntax"));
    editor.ask("textDocument/documentSymbol", params.clone());
    editor.ask("textDocument/formatting", json!({ "textDocument": { "uri": uri }, "options": { "tabSize": 4, "insertSpaces": true } }));
    editor.end();

    let (mut editor, _) = Editor::with(&scratch, json!({}));
    editor.open(&uri, GOOD);
    let symbols = editor.ask("textDocument/documentSymbol", params);
    assert_eq!(symbols.as_array().unwrap().len(), 11);
    assert_eq!(symbols[3]["containerName"], "vm");
    editor.end();
}

#[test]
fn layout_is_that_of_fmt() {
    let scratch = Scratch::new("lsp-format");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let text = GOOD
        .replace("    ", "\t  ")
        .replace("count=2", "count = 2 /* é🦀 */")
        .replace('\n', "\r\n");
    scratch.write("web.vm.kdl", &text);
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, &text);
    let params = json!({ "textDocument": { "uri": uri }, "options": { "tabSize": 8, "insertSpaces": false } });
    let edits = editor.ask("textDocument/formatting", params.clone());
    let after = edited(&text, &edits);
    assert!(scratch.vmlock(&["fmt", "web.vm.kdl"]).status.success());
    assert_eq!(
        after,
        fs::read_to_string(scratch.0.join("web.vm.kdl")).unwrap()
    );
    editor.change(&uri, 2, &after);
    assert_eq!(
        editor.ask("textDocument/formatting", params.clone()),
        json!([])
    );
    // What does not parse is left alone.
    editor.change(&uri, 3, "vm {");
    assert_eq!(editor.ask("textDocument/formatting", params), Value::Null);
    editor.end();
}

#[test]
fn hints_are_what_the_lock_has() {
    let scratch = Scratch::new("lsp-hints");
    let text = GOOD.replace("net \"lan\"", "net \"lan\"\n    vary \"PMCR_EL0.IMP\"");
    let lock = scratch.lock("web", &text);
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let mut editor = Editor::new(&scratch);
    editor.open(&uri, &text);
    let all =
        json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
    let params = json!({ "textDocument": { "uri": uri }, "range": all });
    let hints = editor.ask("textDocument/inlayHint", params.clone());
    let shown: Vec<(usize, &str)> = hints
        .as_array()
        .unwrap()
        .iter()
        .map(|h| {
            (
                h["position"]["line"].as_u64().unwrap() as usize,
                h["label"].as_str().unwrap(),
            )
        })
        .collect();
    let line = |word: &str| of(&text, word, 0).0;
    let mac = lock
        .machine
        .devices
        .iter()
        .find_map(|d| d.virtio.as_ref()?.net.clone())
        .unwrap()
        .mac;
    let midr = lock
        .registers
        .iter()
        .find(|r| r.name == "MIDR_EL1")
        .unwrap()
        .value;
    let (midr, mac) = (format!("MIDR_EL1 {midr:#018x}"), format!("mac {mac}"));
    let expected = [
        (line("abi"), "PSCI 1.1, SMCCC 1.1"),
        (line("cpu"), midr.as_str()),
        (
            line("hide"),
            "ID_AA64ISAR0_EL1.CRC32 0x0, ID_ISAR5_EL1.CRC32 0x0",
        ),
        (line("set"), "0x0"),
        (line("net"), mac.as_str()),
    ];
    for expected in expected {
        assert!(shown.contains(&expected), "{expected:?} {shown:?}");
    }
    assert!(
        shown
            .iter()
            .any(|(at, words)| *at == line("vary") && words.ends_with("not promised")),
        "{shown:?}"
    );
    // A text with an error has no lock.
    editor.change(&uri, 2, &text.replace("kvm-6.8", "kvm-6.88"));
    assert_eq!(editor.ask("textDocument/inlayHint", params), json!([]));
    editor.end();
}

#[test]
fn the_protocol_s_order_is_held() {
    let scratch = Scratch::new("lsp-order");
    let mut editor = Editor::silent(&scratch);
    let error = editor.try_ask("textDocument/hover", json!({})).unwrap_err();
    assert_eq!(error["code"], -32002);
    editor.tell("textDocument/didOpen", json!({}));
    editor.ask(
        "initialize",
        json!({ "processId": -5, "rootUri": null, "capabilities": {} }),
    );
    let error = editor
        .try_ask("initialize", json!({ "capabilities": {} }))
        .unwrap_err();
    assert_eq!(error["code"], -32600);
    let error = editor
        .try_ask("textDocument/nothing", json!({}))
        .unwrap_err();
    assert_eq!(error["code"], -32601);
    for params in [
        json!({}),
        json!([]),
        Value::Null,
        json!({ "textDocument": { "uri": "file:///nowhere" } }),
    ] {
        let error = editor.try_ask("textDocument/hover", params).unwrap_err();
        assert_eq!(error["code"], -32602);
    }
    // Nothing of that has ended it, nor does what is no message.
    editor.write(b"Content-Length: 3\r\n\r\n{]}");
    let error = editor.wait("an answer to nonsense", |m| m["error"]["code"] == -32700);
    assert_eq!(error["id"], Value::Null);
    editor.tell("$/anything", json!({}));
    editor.send(&json!({ "jsonrpc": "2.0", "id": 999, "result": null }));
    editor.ask("shutdown", Value::Null);
    let error = editor.try_ask("textDocument/hover", json!({})).unwrap_err();
    assert_eq!(error["code"], -32600);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.ended().code(), Some(0));
}

#[test]
fn it_ends_with_its_client() {
    let scratch = Scratch::new("lsp-end");
    assert_eq!(Editor::silent(&scratch).ended().code(), Some(1));
    assert_eq!(Editor::new(&scratch).ended().code(), Some(1));
    let mut editor = Editor::new(&scratch);
    editor.tell("exit", Value::Null);
    assert_eq!(editor.ended().code(), Some(1));
    let mut editor = Editor::new(&scratch);
    editor.ask("shutdown", Value::Null);
    assert_eq!(editor.ended().code(), Some(0));
    let mut editor = Editor::new(&scratch);
    editor.write(b"nonsense\r\n\r\n");
    assert_eq!(editor.ended().code(), Some(1));
}

#[test]
fn findings_are_asked_for_where_they_are_not_sent() {
    let scratch = Scratch::new("lsp-pull");
    let uri = uri(&scratch.0.join("web.vm.kdl"));
    let (mut editor, server) =
        Editor::with(&scratch, json!({ "textDocument": { "diagnostic": {} } }));
    assert_eq!(server["diagnosticProvider"]["identifier"], "vmlock");
    editor.open(&uri, &GOOD.replace("kvm-6.8", "kvm-6.88"));
    let report = editor.ask(
        "textDocument/diagnostic",
        json!({ "textDocument": { "uri": uri } }),
    );
    assert_eq!(report["kind"], "full");
    assert_eq!(report["items"][0]["code"], "spec::unknown-baseline");
    editor.end();
    let (editor, server) = Editor::with(&scratch, everything());
    assert_eq!(server.get("diagnosticProvider"), None);
    editor.end();
}

#[test]
fn files_of_other_programs_are_left_alone() {
    let scratch = Scratch::new("lsp-others");
    let mut editor = Editor::new(&scratch);
    for (name, text, expected) in [
        ("niri.kdl", "layout { gaps 16; }\n", &[][..]),
        ("niri.kdl", "layout {\n", &[]),
        ("web.vm.kdl", "layout {\n", &["spec::syntax"]),
        ("web.vm.json", "{}", &["spec::json"; 5]),
        ("package.json", "[1,", &[]),
        (
            "own.kdl",
            "baseline \"mine\" after=\"kvm-9.9\" {\n title \"x\"\n}\n",
            &["import::invalid"],
        ),
    ] {
        let uri = uri(&scratch.0.join(name));
        editor.open(&uri, text);
        let found = editor.found(&uri, 1);
        assert_eq!(codes(&found), expected, "{name} {text} {found:?}");
        editor.at("textDocument/completion", &uri, 0, 1);
        editor.at("textDocument/hover", &uri, 0, 1);
    }
    // A text that is no file yet is one all the same.
    editor.open("untitled:Untitled-1", "vm \"w\" {}\n");
    assert!(!editor.found("untitled:Untitled-1", 1).is_empty());
    editor.end();
}

#[test]
fn the_examples_have_no_findings() {
    let scratch = Scratch::new("lsp-examples");
    let mut editor = Editor::new(&scratch);
    let mut seen = 0;
    for entry in fs::read_dir(root().join("examples")).unwrap().flatten() {
        let path = entry.path();
        if !path.to_str().unwrap().ends_with(".vm.kdl") {
            continue;
        }
        let uri = uri(&path.canonicalize().unwrap());
        editor.open(&uri, &fs::read_to_string(&path).unwrap());
        let found = editor.found(&uri, 1);
        let errors: Vec<&Value> = found.iter().filter(|d| d["severity"] == 1).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
        seen += 1;
    }
    assert!(seen > 4);
    editor.end();
}
