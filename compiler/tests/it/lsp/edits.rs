//! The server itself, over its pipes, while a text is edited at random: it lives, answers, and knows the last text.

use crate::dice::Dice;
use crate::editor::Editor;
use crate::scratch::Scratch;
use serde::Deserialize;
use serde_json::{Value, json};

const URI: &str = "untitled:web.vm.kdl";
/// Edits of a run that nobody asked for more of, and after how many a question is asked and the findings are awaited.
const FEW: usize = 1000;
const ASKED: usize = 25;
const AWAITED: usize = 250;
/// What a request may be refused with: a name that is not to be changed, a text that cannot be formatted.
const REFUSED: i64 = -32803;

/// What is typed at random, where, and what is asked between; the tests of the server without its pipes have the same.
#[derive(Deserialize)]
struct Typing {
    /// The text that all begins with.
    whole: String,
    /// What is put somewhere, or taken away with what stands there.
    typed: Vec<String>,
    /// Every request that writes nothing.
    methods: Vec<String>,
}

/// A change of one place, or all of the text anew: what is broken for long says little.
fn change(dice: &mut Dice, typing: &Typing) -> Value {
    if dice.once_in(40) {
        return json!({ "text": typing.whole });
    }
    let (line, character) = (dice.below(16), dice.below(40));
    let end = match dice.once_in(20) {
        true => json!({ "line": line + 1, "character": dice.below(30) }),
        false => json!({ "line": line, "character": character + dice.below(4) }),
    };
    let range = json!({ "start": { "line": line, "character": character }, "end": end });
    json!({ "range": range, "text": dice.one(&typing.typed) })
}

#[test]
fn the_server_lives_through_random_edits() {
    let asked = std::env::var("VMLOCK_EDITS").ok();
    let count = asked.map_or(FEW, |n| n.parse().unwrap());
    let scratch = Scratch::new("edits");
    let mut editor = Editor::new(&scratch);
    let typing: Typing = serde_json::from_str(include_str!("../../typed.json")).unwrap();
    editor.open(URI, &typing.whole);
    let (mut dice, mut awaited) = (Dice(26), 0);
    for edit in 1..=count {
        let version = 1 + edit as i64;
        let document = json!({ "uri": URI, "version": version });
        let params =
            json!({ "textDocument": document, "contentChanges": [change(&mut dice, &typing)] });
        editor.tell("textDocument/didChange", params);
        if edit % ASKED == 0 {
            let at = json!({ "line": dice.below(14), "character": dice.below(60) });
            let method = format!("textDocument/{}", dice.one(&typing.methods));
            let params = json!({
                "textDocument": { "uri": URI }, "position": at, "range": { "start": at, "end": at },
                "newName": "n", "context": { "diagnostics": [] },
                "options": { "tabSize": 4, "insertSpaces": true },
            });
            if let Err(error) = editor.try_ask(&method, params) {
                assert_eq!(
                    error["code"], REFUSED,
                    "{method} after edit {edit}: {error}"
                );
            }
        }
        if edit % AWAITED == 0 {
            editor.found(URI, version);
            editor.forget();
            awaited += 1;
        }
    }
    assert_eq!(awaited, count / AWAITED);
    // What it has of the text by then stands in nobody's way.
    let version = 2 + count as i64;
    editor.change(URI, version, &typing.whole);
    let found = editor.found(URI, version);
    let mut fresh = Editor::new(&scratch);
    fresh.open(URI, &typing.whole);
    assert_eq!(found, fresh.found(URI, 1));
    fresh.end();
    editor.end();
}
