//! The language server in an editor: how long it takes until the first findings on a text that was opened, and until
//! those after a key was pressed in one of 10,000 lines.

use super::{Measure, median};
use crate::cache::Cache;
use crate::failure::{Failure, Result};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Instant;

/// How long either may take, in milliseconds.
const LIMIT: f64 = 50.0;
/// Keys that are pressed.
const KEYS: i64 = 20;
/// What the text is called; it is nowhere but in the editor.
const URI: &str = "untitled:bench.vm.kdl";

/// Wall-clock times, as somebody waits for them.
pub(super) fn times(cache: &Cache, compiler: &Path, runs: u32) -> Result<Vec<Measure>> {
    let scratch = cache.scratch()?;
    let (mut opened, mut typed) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let began = Instant::now();
        let mut editor = Editor::start(server(compiler, scratch.path()))?;
        editor.open(&small())?;
        opened.push(millis(began));
        editor.end()?;
    }
    let large = large();
    let mut editor = Editor::start(server(compiler, scratch.path()))?;
    editor.open(&large)?;
    let middle = large.lines().count() / 2;
    for version in 1..=KEYS {
        let began = Instant::now();
        editor.press(middle, version)?;
        typed.push(millis(began));
    }
    editor.end()?;
    Ok(vec![
        Measure::new(
            "vmlock lsp: first findings on a description".to_owned(),
            median(&opened),
            "ms",
            LIMIT,
            format!("wall clock from the start of the process; median of {runs}"),
        ),
        Measure::new(
            format!(
                "vmlock lsp: findings after a key, {} lines",
                large.lines().count()
            ),
            median(&typed),
            "ms",
            LIMIT,
            format!("wall clock, as many entries as a description may have; median of {KEYS}"),
        ),
    ])
}

fn server(compiler: &Path, folder: &Path) -> Command {
    let mut command = Command::new(compiler);
    command.arg("lsp").current_dir(folder);
    command
}

/// A server from its start by that command over the first findings on a description to its end.
pub(super) fn first_findings(server: Command) -> Result<()> {
    let mut editor = Editor::start(server)?;
    editor.open(&small())?;
    editor.end()
}

/// A server that is given ten thousand lines, over the findings after each of so many keys to its end.
pub(super) fn keys(server: Command, keys: i64) -> Result<()> {
    let large = large();
    let mut editor = Editor::start(server)?;
    editor.open(&large)?;
    let middle = large.lines().count() / 2;
    (1..=keys).try_for_each(|version| editor.press(middle, version))?;
    editor.end()
}

fn millis(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1e3
}

fn small() -> String {
    "vm \"w\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\"\n    cpu \"neoverse-n1\" count=2\n    memory \"512MiB\"\n}\n"
        .to_owned()
}

/// Ten thousand lines: 980 entries with comments between them.
fn large() -> String {
    let comments = "    // why this machine does not count on that field\n".repeat(9);
    let entries = format!("{comments}    vary \"ID_AA64ISAR0_EL1.RNDR\"\n").repeat(980);
    let blank = "\n".repeat(194);
    small().replace("}\n", &format!("{entries}{blank}}}\n"))
}

/// A client that waits for each answer.
struct Editor {
    child: Child,
    stdin: ChildStdin,
    out: BufReader<ChildStdout>,
}

impl Editor {
    fn start(mut server: Command) -> Result<Self> {
        let program = server.get_program().to_owned();
        let server = server.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = server
            .spawn()
            .map_err(|e| Failure::environment(format!("cannot run {}: {e}", program.display())))?;
        let pipes = (child.stdin.take(), child.stdout.take());
        let (Some(stdin), Some(out)) = pipes else {
            return Err(Failure::bug("a child without pipes"));
        };
        let mut editor = Self {
            child,
            stdin,
            out: BufReader::new(out),
        };
        editor.send(&json!({
            "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": { "capabilities": {} },
        }))?;
        editor.until(|message| message["id"] == 1)?;
        editor.tell("initialized", &json!({}))?;
        Ok(editor)
    }

    fn open(&mut self, text: &str) -> Result<()> {
        let document = json!({ "uri": URI, "languageId": "kdl", "version": 0, "text": text });
        self.tell("textDocument/didOpen", &json!({ "textDocument": document }))?;
        self.found(0)
    }

    /// A blank at the beginning of a line.
    fn press(&mut self, line: usize, version: i64) -> Result<()> {
        let at = json!({ "line": line, "character": 0 });
        let change = json!({ "range": { "start": at, "end": at }, "text": " " });
        let document = json!({ "uri": URI, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [change] });
        self.tell("textDocument/didChange", &params)?;
        self.found(version)
    }

    fn found(&mut self, version: i64) -> Result<()> {
        self.until(|message| message["params"]["version"] == version)
    }

    fn end(mut self) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "id": 2, "method": "shutdown" }))?;
        self.until(|message| message["id"] == 2)?;
        self.tell("exit", &Value::Null)?;
        let status = self.child.wait();
        match status.is_ok_and(|status| status.success()) {
            true => Ok(()),
            false => Err(Failure::environment("`vmlock lsp` did not end well")),
        }
    }

    fn tell(&mut self, method: &str, params: &Value) -> Result<()> {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }))
    }

    fn send(&mut self, message: &Value) -> Result<()> {
        let text = message.to_string();
        write!(self.stdin, "Content-Length: {}\r\n\r\n{text}", text.len())
            .and_then(|()| self.stdin.flush())
            .map_err(|e| Failure::environment(format!("`vmlock lsp` reads no more: {e}")))
    }

    /// Reads up to a message.
    fn until(&mut self, is: impl Fn(&Value) -> bool) -> Result<()> {
        loop {
            let message = self
                .message()
                .ok_or_else(|| Failure::environment("`vmlock lsp` ended before it had answered"))?;
            if is(&message) {
                return Ok(());
            }
        }
    }

    fn message(&mut self) -> Option<Value> {
        let mut length = 0;
        loop {
            let mut line = String::new();
            self.out.read_line(&mut line).ok().filter(|n| *n > 0)?;
            match line.trim_end().strip_prefix("Content-Length: ") {
                Some(number) => length = number.parse().ok()?,
                None if line == "\r\n" => break,
                None => {}
            }
        }
        let mut bytes = vec![0; length];
        self.out.read_exact(&mut bytes).ok()?;
        serde_json::from_slice(&bytes).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_large_text_has_ten_thousand_lines() {
        assert_eq!(large().lines().count(), 10_000);
    }
}
