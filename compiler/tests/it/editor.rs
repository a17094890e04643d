//! An editor of a test's own: it starts `vmlock lsp`, says what was typed, and waits for what it is told.

use crate::scratch::Scratch;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for one message of the server, which answers in milliseconds on a machine that has time for it.
const LIMIT: Duration = Duration::from_secs(120);

/// See the top of the file.
pub struct Editor {
    child: Child,
    stdin: Option<ChildStdin>,
    messages: Receiver<Value>,
    /// What came while something else was waited for.
    kept: Vec<Value>,
    asked: u64,
}

/// The address of a file.
pub fn uri(path: &Path) -> String {
    let encoded = path.to_str().unwrap().bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' | b'~' => {
            char::from(byte).to_string()
        }
        b'\\' if cfg!(windows) => "/".to_owned(),
        // Of a drive.
        b':' if cfg!(windows) => ":".to_owned(),
        byte => format!("%{byte:02X}"),
    });
    let begin = if cfg!(windows) { "file:///" } else { "file://" };
    format!("{begin}{}", encoded.collect::<String>())
}

/// The file of an address.
pub fn path(uri: &str) -> PathBuf {
    let begin = if cfg!(windows) { "file:///" } else { "file://" };
    let mut parts = uri.strip_prefix(begin).unwrap().split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend(part[2..].bytes());
    }
    PathBuf::from(String::from_utf8(bytes).unwrap())
}

impl Editor {
    /// A server that was started and has heard nothing yet.
    pub fn silent(scratch: &Scratch) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_vmlock"))
            .arg("lsp")
            .current_dir(&scratch.0)
            .env("XDG_CACHE_HOME", scratch.0.join("cache"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let (sender, messages) = channel();
        thread::spawn(move || {
            loop {
                let mut length = 0;
                loop {
                    let mut line = String::new();
                    if out.read_line(&mut line).unwrap() == 0 {
                        return;
                    }
                    match line.trim_end().strip_prefix("Content-Length: ") {
                        Some(number) => length = number.parse().unwrap(),
                        None if line == "\r\n" => break,
                        None => panic!("{line}"),
                    }
                }
                let mut bytes = vec![0; length];
                out.read_exact(&mut bytes).unwrap();
                let message: Value = serde_json::from_slice(&bytes).unwrap();
                assert_eq!(message["jsonrpc"], "2.0");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self {
            child,
            stdin,
            messages,
            kept: Vec::new(),
            asked: 0,
        }
    }

    /// One that was greeted by a client that can do these things; what it can do itself.
    pub fn with(scratch: &Scratch, capabilities: Value) -> (Self, Value) {
        let mut editor = Self::silent(scratch);
        let params = json!({
            "processId": std::process::id(),
            "rootUri": uri(&scratch.0),
            "capabilities": capabilities,
        });
        let result = editor.ask("initialize", params);
        editor.tell("initialized", json!({}));
        (editor, result["capabilities"].clone())
    }

    /// One that was greeted by a client that can do all that is used.
    pub fn new(scratch: &Scratch) -> Self {
        Self::with(scratch, everything()).0
    }

    /// Bytes as they are.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        // A server that has gone reads nothing; what it said before is looked at.
        let _ = stdin.write_all(bytes).and_then(|()| stdin.flush());
    }

    pub fn send(&mut self, message: &Value) {
        let text = message.to_string();
        self.write(format!("Content-Length: {}\r\n\r\n{text}", text.len()).as_bytes());
    }

    pub fn tell(&mut self, method: &str, params: Value) {
        self.send(&json!({ "jsonrpc": "2.0", "method": method, "params": params }));
    }

    /// Sends a request without waiting for its answer.
    pub fn begin(&mut self, method: &str, params: Value) -> u64 {
        self.asked += 1;
        let id = self.asked;
        self.send(&json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params }));
        id
    }

    /// The answer to a request that was sent: its result, or else its error.
    pub fn answer(&mut self, id: u64) -> Result<Value, Value> {
        let answer = self.wait(&format!("the answer to request {id}"), |m| {
            m["id"] == id && m.get("method").is_none()
        });
        match answer.get("error") {
            Some(error) => Err(error.clone()),
            None => Ok(answer["result"].clone()),
        }
    }

    pub fn try_ask(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.begin(method, params);
        self.answer(id)
    }

    pub fn ask(&mut self, method: &str, params: Value) -> Value {
        let answer = self.try_ask(method, params);
        answer.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    /// The first message that is meant, those that were kept first.
    pub fn wait(&mut self, what: &str, is: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.kept.iter().position(&is) {
            return self.kept.remove(at);
        }
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now());
            match self.messages.recv_timeout(left) {
                Ok(message) if is(&message) => return message,
                Ok(message) => self.kept.push(message),
                Err(RecvTimeoutError::Timeout) => {
                    panic!(
                        "{what} did not come within {LIMIT:?}; what came: {:?}",
                        self.kept
                    )
                }
                Err(RecvTimeoutError::Disconnected) => {
                    panic!(
                        "the server ended before {what} came; what came: {:?}",
                        self.kept
                    )
                }
            }
        }
    }

    /// Keeps nothing of what came unasked so far.
    pub fn forget(&mut self) {
        self.kept.clear();
    }

    /// Opens a text.
    pub fn open(&mut self, uri: &str, text: &str) {
        let document = json!({ "uri": uri, "languageId": "kdl", "version": 1, "text": text });
        self.tell("textDocument/didOpen", json!({ "textDocument": document }));
    }

    /// Changes a text to another.
    pub fn change(&mut self, uri: &str, version: i64, text: &str) {
        let document = json!({ "uri": uri, "version": version });
        let params = json!({ "textDocument": document, "contentChanges": [{ "text": text }] });
        self.tell("textDocument/didChange", params);
    }

    /// The findings on a version of a text.
    pub fn found(&mut self, uri: &str, version: i64) -> Vec<Value> {
        let what = format!("the findings on version {version} of {uri}");
        let message = self.wait(&what, |m| {
            m["method"] == "textDocument/publishDiagnostics"
                && m["params"]["uri"] == uri
                && m["params"]["version"] == version
        });
        message["params"]["diagnostics"].as_array().unwrap().clone()
    }

    /// Asks about a place.
    pub fn at(&mut self, method: &str, uri: &str, line: usize, character: usize) -> Value {
        self.ask(method, place(uri, line, character))
    }

    /// Ends the server as the protocol says.
    pub fn end(mut self) {
        self.ask("shutdown", Value::Null);
        self.tell("exit", Value::Null);
        assert_eq!(self.ended().code(), Some(0));
    }

    /// How the server ended, to which there is nothing more to say.
    pub fn ended(mut self) -> ExitStatus {
        self.stdin.take();
        let end = Instant::now() + LIMIT;
        // Its output ends with it.
        while let Ok(message) = self
            .messages
            .recv_timeout(end.saturating_duration_since(Instant::now()))
        {
            self.kept.push(message);
        }
        assert!(
            Instant::now() < end,
            "the server did not end within {LIMIT:?}"
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Editor {
    fn drop(&mut self) {
        // One that was waited for is no more; one that a failed test leaves behind must not stay.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A place in a text, as requests have it.
pub fn place(uri: &str, line: usize, character: usize) -> Value {
    json!({ "textDocument": { "uri": uri }, "position": { "line": line, "character": character } })
}

/// What a client says that can do all that is used.
pub fn everything() -> Value {
    json!({
        "general": { "positionEncodings": ["utf-16"] },
        "workspace": {
            "workspaceEdit": { "documentChanges": true, "resourceOperations": ["create"] },
        },
        "textDocument": {
            "publishDiagnostics": { "relatedInformation": true },
            "hover": { "contentFormat": ["markdown", "plaintext"] },
            "completion": { "completionItem": { "documentationFormat": ["markdown"] } },
            "documentSymbol": { "hierarchicalDocumentSymbolSupport": true },
        },
    })
}

/// The text after the edits of a workspace edit that are for it.
pub fn edited(text: &str, edits: &Value) -> String {
    let mut edits: Vec<(usize, usize, String)> = edits
        .as_array()
        .unwrap()
        .iter()
        .map(|edit| {
            let offset = |at: &Value| {
                let line = at["line"].as_u64().unwrap() as usize;
                let start: usize = text.split_inclusive('\n').take(line).map(str::len).sum();
                let mut units = at["character"].as_u64().unwrap() as usize;
                let mut offset = start;
                for c in text[start..].chars() {
                    if units == 0 {
                        break;
                    }
                    units -= c.len_utf16();
                    offset += c.len_utf8();
                }
                offset
            };
            let range = &edit["range"];
            let new = edit["newText"].as_str().unwrap().to_owned();
            (offset(&range["start"]), offset(&range["end"]), new)
        })
        .collect();
    edits.sort();
    let mut out = text.to_owned();
    for (start, end, new) in edits.into_iter().rev() {
        out.replace_range(start..end, &new);
    }
    out
}
