//! One page for a browser, with all that it needs in it: a grid of locks and hosts, a cell of which opens its reasons.
//!
//! Names and reasons in it are somebody else's texts. They stand as JSON in a block that no browser runs or reads as
//! markup, and the script shows them as text alone, each isolated from the words about it, whichever way it is written,
//! and with nothing in it that hides or turns text around. The page's policy lets this very script and style in and nothing
//! else, from nowhere.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use vmlock_spec::words::printable;

const STYLE: &str = include_str!("page/fleet.css");
const SCRIPT: &str = include_str!("page/fleet.js");

/// The page of a fleet; `data` is what `vmlock fleet --format json` prints.
pub fn fleet(data: &Value) -> String {
    let policy = format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; base-uri 'none'; form-action 'none'",
        source(SCRIPT),
        source(STYLE)
    );
    let data = inert(&legible(data).to_string());
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>vmlock fleet</title>
<style>{STYLE}</style>
</head>
<body>
<h1>Which hosts keep which locks</h1>
<p id="summary"></p>
<form id="filters">
<label>refused for (a register, a reason) <input id="reason" type="search" list="registers" autocomplete="off"></label>
<label>lock <input id="lock" type="search" autocomplete="off"></label>
<label>host <input id="host" type="search" autocomplete="off"></label>
<datalist id="registers"></datalist>
</form>
<p id="count" role="status"></p>
<p id="legend">✓ kept, ✗ not kept: choose a cell for its reasons</p>
<div class="scroll"><table id="grid" aria-describedby="legend"></table></div>
<section id="why" aria-live="polite"><h2>Choose a cell for its reasons</h2></section>
<script type="application/json" id="data">{data}</script>
<script>{SCRIPT}</script>
</body>
</html>
"#
    )
}

/// The same with each text as a person can read it.
fn legible(value: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(printable(text).into_owned()),
        Value::Array(all) => all.iter().map(legible).collect(),
        Value::Object(all) => {
            let each = all.iter().map(|(key, value)| (key.clone(), legible(value)));
            Value::Object(each.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value.clone(),
    }
}

/// JSON in which nothing is left that HTML or JavaScript reads otherwise: these stand in its texts alone, where an
/// escape means the same.
fn inert(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                out.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

/// A text as a Content-Security-Policy names it.
fn source(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

/// RFC 4648.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let all =
            chunk.iter().fold(0u32, |all, b| all << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = all >> (18 - 6 * place) & 0x3f;
            out.push(match place <= chunk.len() {
                true => char::from(DIGITS[digit as usize]),
                false => '=',
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use vmlock_spec::words::is_printable;

    /// What stands between two marks, the first time.
    fn between<'a>(text: &'a str, from: &str, to: &str) -> &'a str {
        let (_, rest) = text.split_once(from).unwrap();
        rest.split_once(to).unwrap().0
    }

    #[test]
    fn base64_is_that_of_rfc_4648() {
        for (text, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(text.as_bytes()), coded);
        }
    }

    #[test]
    fn what_is_hostile_is_data() {
        let hostile = [
            "</script><script>alert(1)</script>",
            "<!--<script>",
            "]]>",
            "&lt;img src=x onerror=alert(1)&gt;",
            "\u{2028}\u{2029}",
            "\"';alert(1)//\\",
            "\0\u{7f}\r\n",
            "\u{202e}tpek :\u{200b}",
        ];
        let empty = fleet(&json!({}));
        for text in hostile {
            let data = json!({ "hosts": [text], "locks": [{ "lock": text }], "reasons": [{ "refused": [text] }] });
            let page = fleet(&data);
            let block = between(&page, "id=\"data\">", "</script>");
            // It comes out as it went in, but for what nobody sees, and the page around it is the same whatever it is.
            let read: Value = serde_json::from_str(block).unwrap();
            let seen = &printable(text);
            let wanted = json!({ "hosts": [seen], "locks": [{ "lock": seen }], "reasons": [{ "refused": [seen] }] });
            assert_eq!(read, wanted, "{text:?}");
            assert!(read["hosts"][0].as_str().unwrap().chars().all(is_printable));
            assert!(
                !block.contains(['<', '>', '&', '\u{2028}', '\u{2029}']),
                "{block}"
            );
            assert_eq!(page.replace(block, "{}"), empty, "{text:?}");
        }
    }

    #[test]
    fn nothing_but_its_own_script_and_style_is_let_in() {
        let page = fleet(&json!({}));
        let policy = between(
            &page,
            "http-equiv=\"Content-Security-Policy\" content=\"",
            "\"",
        );
        assert!(policy.starts_with("default-src 'none'; "), "{policy}");
        let script = between(&page, "<script>", "</script>");
        let style = between(&page, "<style>", "</style>");
        for (text, directive) in [(script, "script-src"), (style, "style-src")] {
            let digest = Sha256::digest(text.as_bytes());
            let named = format!("{directive} 'sha256-{}';", base64(&digest));
            assert!(policy.contains(&named), "{policy}: {named}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*') && !policy.contains("http"));
        // Neither is there anything that would need more: no address, no handler, no style in an attribute.
        for word in [
            "http:", "https:", "//", "url(", "@import", " src=", " href=", " style=", " onclick",
        ] {
            let code = SCRIPT
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"));
            let all = page.replace(SCRIPT, &code.collect::<Vec<_>>().join("\n"));
            // Base 64 has slashes of its own.
            let all = all.replace(policy, "");
            assert!(!all.contains(word), "{word}");
        }
        assert_eq!(page.matches("<script").count(), 2);
    }

    /// What the script draws anew is the table's, so what explains it stands outside.
    #[test]
    fn what_the_signs_mean_stays_in_the_page() {
        let page = fleet(&json!({}));
        assert!(page.contains("<p id=\"legend\">✓ kept, ✗ not kept"));
        assert!(page.contains("<table id=\"grid\" aria-describedby=\"legend\"></table>"));
        assert!(!SCRIPT.contains("legend"));
    }

    /// A name that is written from right to left turns nothing around but itself.
    #[test]
    fn names_stand_by_themselves_behind_the_verdict() {
        for name in ["lock.lock", "data.hosts["] {
            let mut shown = 0;
            for line in SCRIPT.lines().filter(|line| line.contains(name)) {
                // As a text, it is an element of its own, or behind all else that its attribute says.
                let text =
                    line.contains("made(") || line.contains("textContent") || line.contains('`');
                let alone = line.contains("made(\"bdi\", ") && !line.contains('`');
                let behind = line.contains("aria-label") && line.contains("`${verdict}: ");
                assert!(!text || alone || behind, "{line}");
                shown += usize::from(text);
            }
            assert!(shown >= 3, "{name}: {shown}");
        }
    }

    /// Text is put into the page as text: no call by which it would be read as markup or run.
    #[test]
    fn the_script_has_no_way_to_make_markup_of_text() {
        for word in [
            "innerHTML",
            "outerHTML",
            "insertAdjacent",
            "document.write",
            "eval",
            "Function(",
            "setTimeout",
            ".style",
            "import(",
            "fetch(",
        ] {
            assert!(!SCRIPT.contains(word), "{word}");
        }
        assert!(SCRIPT.contains("textContent"));
        assert!(!SCRIPT.contains("</") && !STYLE.contains('<'));
    }
}
