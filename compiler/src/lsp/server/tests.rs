use super::*;
use crate::lsp::chance::{Chance, edits};
use std::sync::mpsc::channel;

const URI: &str = "untitled:a.vm.kdl";

/// All that is sent when these messages came at once, and whether it was ended well.
fn said(messages: Vec<Value>) -> (Vec<Value>, bool) {
    let (sender, events) = channel();
    for message in messages {
        let bytes = message.to_string();
        sender
            .send(Event::Message(Message::of(bytes.as_bytes())))
            .unwrap();
    }
    let mut sent = Vec::new();
    let well = serve(
        events,
        sender,
        &mut |m| sent.push(m.clone()),
        (&|_| true, Duration::MAX),
    );
    (sent, well)
}

fn request(id: i64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

fn tell(method: &str, params: Value) -> Value {
    message::notification(method, params)
}

fn open(text: &str) -> Vec<Value> {
    let document = json!({ "uri": URI, "languageId": "kdl", "version": 0, "text": text });
    vec![
        request(0, "initialize", json!({ "capabilities": {} })),
        tell("initialized", json!({})),
        tell("textDocument/didOpen", json!({ "textDocument": document })),
    ]
}

fn end() -> Vec<Value> {
    vec![
        request(-1, "shutdown", Value::Null),
        tell("exit", Value::Null),
    ]
}

#[test]
fn what_is_cancelled_before_its_turn_is_refused() {
    let hover = |id| {
        let position = json!({ "line": 0, "character": 1 });
        request(
            id,
            "textDocument/hover",
            json!({ "textDocument": { "uri": URI }, "position": position }),
        )
    };
    let mut messages = open("vm \"w\" {\n}\n");
    messages.extend([hover(1), hover(2), hover(3)]);
    messages.push(tell("$/cancelRequest", json!({ "id": 2 })));
    // What is not there any more, or never was, can be cancelled as well.
    messages.push(tell("$/cancelRequest", json!({ "id": 77 })));
    messages.push(tell("$/cancelRequest", json!({ "id": "x" })));
    messages.extend([hover(4)]);
    messages.extend(end());
    let (sent, well) = said(messages);
    assert!(well);
    let of = |id: i64| sent.iter().find(|m| m["id"] == id).unwrap();
    assert_eq!(of(2)["error"]["code"], -32800);
    for id in [1, 3, 4] {
        assert!(of(id)["result"]["contents"].is_object(), "{}", of(id));
    }
}

#[test]
fn a_change_that_cannot_be_followed_closes_its_text() {
    let range = |character: i64| {
        json!({
            "start": { "line": 0, "character": 0 },
            "end": { "line": 0, "character": character },
        })
    };
    for changes in [
        json!([{ "range": range(1 << 32), "text": "x" }]),
        json!([{ "range": range(1), "rangeLength": -1, "text": "x" }]),
        json!([{ "text": "vm" }, { "range": 1, "text": "x" }]),
        json!([{ "range": null }]),
        json!({}),
        Value::Null,
    ] {
        let mut messages = open("vm \"w\" {\n}\n");
        let document = json!({ "uri": URI, "version": 2 });
        let whole = json!([{ "range": null, "text": "vm \"x\" {\n}\n" }]);
        for changes in [&whole, &changes] {
            messages.push(tell(
                "textDocument/didChange",
                json!({ "textDocument": document, "contentChanges": changes }),
            ));
            messages.push(request(
                messages.len() as i64,
                "textDocument/documentSymbol",
                json!({ "textDocument": { "uri": URI } }),
            ));
        }
        let (first, second) = (messages.len() as i64 - 3, messages.len() as i64 - 1);
        messages.extend(end());
        let (sent, well) = said(messages);
        assert!(well);
        let of = |id: i64| sent.iter().find(|m| m["id"] == id).unwrap();
        assert!(of(first)["result"].is_array(), "{}", of(first));
        assert_eq!(of(second)["error"]["code"], -32602, "{changes}");
    }
}

#[test]
fn a_bug_ends_its_request_alone() {
    let mut messages = open("vm");
    messages.push(request(1, "test/bug", json!({})));
    messages.push(tell("test/bug", json!({})));
    let symbols = json!({ "textDocument": { "uri": URI } });
    messages.push(request(2, "textDocument/documentSymbol", symbols));
    messages.extend(end());
    let (sent, well) = said(messages);
    assert!(well);
    let of = |id: i64| sent.iter().find(|m| m["id"] == id).unwrap();
    assert_eq!(of(1)["error"]["code"], -32603);
    assert!(of(2)["result"].is_array());
}

#[test]
fn what_was_typed_meanwhile_is_looked_at_once() {
    let mut messages = open("vm \"w\" {\n}\n");
    for version in 1..=30 {
        let at = json!({ "line": 1, "character": 0 });
        let change = json!({ "range": { "start": at, "end": at }, "text": "memory \"1GiB\"\n" });
        let document = json!({ "uri": URI, "version": version });
        messages.push(tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [change] }),
        ));
    }
    let (sent, well) = {
        let (sender, events) = channel();
        for message in messages {
            sender
                .send(Event::Message(Message::of(message.to_string().as_bytes())))
                .unwrap();
        }
        let mut sent = Vec::new();
        let ends = sender.clone();
        let mut send = |message: &Value| {
            // When the findings have come there is nothing more to wait for.
            if message["method"] == "textDocument/publishDiagnostics" {
                for message in end() {
                    let _ = ends.send(Event::Message(Message::of(message.to_string().as_bytes())));
                }
            }
            sent.push(message.clone());
        };
        let well = serve(events, sender, &mut send, (&|_| true, Duration::MAX));
        (sent, well)
    };
    assert!(well);
    let found: Vec<&Value> = sent
        .iter()
        .filter(|m| m["method"] == "textDocument/publishDiagnostics")
        .collect();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["params"]["version"], 30);
    let codes = found[0]["params"]["diagnostics"].as_array().unwrap().iter();
    assert_eq!(
        codes
            .filter(|d| d["code"] == "spec::duplicate-node")
            .count(),
        29
    );
}

/// Every request that writes nothing, at random places of a text that is edited at random: each is answered, and none finds a bug.
#[test]
fn whatever_is_typed_everything_is_answered() {
    // The test of the server with its pipes types the same.
    let typing: Value = serde_json::from_str(include_str!("../../../tests/typed.json")).unwrap();
    let list = |key: &str| -> Vec<&str> {
        let texts = typing[key].as_array().unwrap().iter();
        texts.map(|text| text.as_str().unwrap()).collect()
    };
    let whole = typing["whole"].as_str().unwrap();
    let (typed, methods) = (list("typed"), list("methods"));
    let mut chance = Chance(0x7479_7065);
    let mut messages = open(whole);
    let count = edits(120);
    for edit in 1..=count {
        let document = json!({ "uri": URI, "version": edit });
        let mut at =
            |width: usize| json!({ "line": chance.below(14), "character": chance.below(width) });
        let (start, place) = (at(40), at(60));
        let mut end = start.clone();
        end["character"] = json!(start["character"].as_u64().unwrap() + chance.below(4) as u64);
        let range = json!({ "start": start, "end": end });
        // Begun anew from time to time: what is broken for long says little.
        let change = match chance.below(12) {
            0 => json!({ "text": whole }),
            _ => json!({ "range": range, "text": chance.of(&typed) }),
        };
        messages.push(tell(
            "textDocument/didChange",
            json!({ "textDocument": document, "contentChanges": [change] }),
        ));
        let method = chance.of(&methods);
        messages.push(request(
            edit as i64,
            &format!("textDocument/{method}"),
            json!({
                "textDocument": { "uri": URI }, "position": place, "range": range, "newName": "n",
                "context": { "diagnostics": [] }, "options": {},
            }),
        ));
    }
    messages.extend(end());
    let (sent, well) = said(messages);
    assert!(well);
    for id in 1..=count {
        let answer = sent.iter().find(|m| m["id"] == id).unwrap();
        let code = answer["error"]["code"].as_i64();
        // A name that is not to be changed is refused, and that is all that may be.
        assert!(code.is_none_or(|code| code == -32803), "{id}: {answer}");
    }
}

#[test]
fn a_client_that_has_gone_ends_it() {
    let (sender, events) = channel();
    // The second is refused, and nothing of it counts.
    for client in [7, 9] {
        let params = json!({ "processId": client });
        let greeting = request(client, "initialize", params).to_string();
        let message = Message::of(greeting.as_bytes());
        sender.send(Event::Message(message)).unwrap();
    }
    let asked = std::cell::Cell::new(0);
    // There when it began, gone when it is looked for once more.
    let alive = |id: i64| {
        assert_eq!(id, 7);
        asked.set(asked.get() + 1);
        asked.get() == 1
    };
    assert!(!serve(
        events,
        sender,
        &mut |_| {},
        (&alive, Duration::ZERO)
    ));
    assert_eq!(asked.get(), 2);
}
