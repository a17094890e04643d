//! Messages of JSON-RPC as they go over a pair of pipes: a header with the length, and that many bytes of JSON.

use gen_lsp_types::ErrorCodes;
use serde_json::{Value, json};
use std::io::{self, BufRead, Read as _, Write};

/// Longest message that is read, in bytes: many times the largest text that is looked at.
const MESSAGE_MAX: usize = 64 << 20;
/// Longest line of a header, and most lines of one.
const HEADER_MAX: (u64, usize) = (4096, 64);

/// What a client sends.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// Something that wants an answer.
    Request {
        id: Value,
        method: String,
        params: Value,
    },
    /// Something that wants none.
    Notification { method: String, params: Value },
    /// The answer to a request of the server's.
    Response,
    /// Something that is none of these, in words: what can be done is to say so.
    Malformed(String),
}

impl Message {
    /// Reads JSON as a message.
    pub fn of(bytes: &[u8]) -> Self {
        let value: Value = match serde_json::from_slice(bytes) {
            Ok(value) => value,
            Err(error) => return Self::Malformed(format!("this is no JSON: {error}")),
        };
        let Value::Object(mut object) = value else {
            return Self::Malformed("a message is a JSON object".to_owned());
        };
        let params = object.remove("params").unwrap_or_default();
        let id = object.remove("id").filter(|id| !id.is_null());
        match (object.remove("method"), id) {
            (Some(Value::String(method)), Some(id)) if id.is_string() || id.is_number() => {
                Self::Request { id, method, params }
            }
            (Some(Value::String(method)), None) => Self::Notification { method, params },
            (None, Some(_)) if object.contains_key("result") || object.contains_key("error") => {
                Self::Response
            }
            _ => Self::Malformed("a message has a method, or answers one".to_owned()),
        }
    }
}

/// Reads the next message; nothing at the end.
///
/// # Errors
/// The system's, and that where a message should begin none does: what follows cannot be made sense of.
pub fn read(input: &mut impl BufRead) -> io::Result<Option<Message>> {
    let invalid = |words: &str| io::Error::new(io::ErrorKind::InvalidData, words.to_owned());
    let mut length = None;
    for _ in 0..HEADER_MAX.1 {
        let mut line = Vec::new();
        input
            .by_ref()
            .take(HEADER_MAX.0)
            .read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if !line.ends_with(b"\n") {
            return Err(invalid("a line of a header has no end"));
        }
        let line = line.trim_ascii();
        if line.is_empty() {
            let length = length.ok_or_else(|| invalid("a header without Content-Length"))?;
            let mut bytes = Vec::new();
            let read = input.by_ref().take(length).read_to_end(&mut bytes)?;
            return match read as u64 == length {
                true => Ok(Some(Message::of(&bytes))),
                // It ended in the middle: so did its writer.
                false => Ok(None),
            };
        }
        let text = String::from_utf8_lossy(line);
        let Some((name, value)) = text.split_once(':') else {
            return Err(invalid("a line of a header has no colon"));
        };
        if name.trim().eq_ignore_ascii_case("content-length") {
            let bytes: u64 = value
                .trim()
                .parse()
                .map_err(|_| invalid("Content-Length is no number"))?;
            if bytes > MESSAGE_MAX as u64 {
                return Err(invalid("a message is longer than 64 MiB"));
            }
            length = Some(bytes);
        }
    }
    Err(invalid("a header has no end"))
}

/// Writes a message.
///
/// # Errors
/// The system's.
pub fn write(output: &mut impl Write, message: &Value) -> io::Result<()> {
    let text = message.to_string();
    write!(output, "Content-Length: {}\r\n\r\n{text}", text.len())?;
    output.flush()
}

/// An answer.
pub fn answer(id: &Value, result: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "result": result })
}

/// A request that cannot be carried out as things are (LSP 3.17, `LSPErrorCodes`).
pub const FAILED: ErrorCodes = ErrorCodes::Custom(-32803);

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub code: ErrorCodes,
    pub words: String,
}

impl Refusal {
    /// With a code of the protocol.
    pub fn new(code: ErrorCodes, words: impl Into<String>) -> Self {
        Self {
            code,
            words: words.into(),
        }
    }
}

/// An answer that is none. Without an id, to what could not be read.
pub fn refusal(id: Option<&Value>, refusal: &Refusal) -> Value {
    let error = json!({ "code": refusal.code, "message": refusal.words });
    json!({ "jsonrpc": "2.0", "id": id, "error": error })
}

/// Something that the server says by itself.
pub fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// Something that the server asks.
pub fn request(id: u64, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": format!("vmlock-{id}"), "method": method, "params": params })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> (Vec<Message>, bool) {
        let mut input = bytes;
        let mut messages = Vec::new();
        loop {
            match read(&mut input) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => return (messages, true),
                Err(_) => return (messages, false),
            }
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let mut bytes = Vec::new();
        write(&mut bytes, &request(1, "a/é", json!({ "x": "🦀" }))).unwrap();
        write(&mut bytes, &notification("b", json!([]))).unwrap();
        write(&mut bytes, &answer(&json!(7), Value::Null)).unwrap();
        let (messages, whole) = all(&bytes);
        assert!(whole);
        assert!(matches!(&messages[0], Message::Request { method, .. } if method == "a/é"));
        assert!(matches!(&messages[1], Message::Notification { method, .. } if method == "b"));
        assert_eq!(messages[2], Message::Response);
    }

    #[test]
    fn a_message_that_makes_no_sense_is_one_of_many() {
        let text = "Content-Length: 2\r\ncontent-type: x\r\n\r\n{]content-length:4\n\nnullContent-Length: 12\r\n\r\n{\"method\":1}";
        let (messages, whole) = all(text.as_bytes());
        assert!(whole && messages.len() == 3);
        assert!(messages.iter().all(|m| matches!(m, Message::Malformed(_))));
        let large = format!("{{\"id\":{},\"method\":\"m\"}}", u64::MAX);
        assert!(matches!(
            Message::of(large.as_bytes()),
            Message::Request { .. }
        ));
    }

    #[test]
    fn a_header_that_makes_no_sense_is_the_end() {
        for text in [
            "Content-Length: 99999999999999999999\r\n\r\n",
            "Content-Length: 9000000000\r\n\r\n",
            "Content-Length: -1\r\n\r\n",
            "\r\n{}",
            "nonsense\r\n\r\n",
            &"x".repeat(5000),
            &"a: b\r\n".repeat(100),
        ] {
            assert_eq!(all(text.as_bytes()), (Vec::new(), false), "{text}");
        }
        for text in ["", "Content-Length: 5\r\n\r\n{}"] {
            assert_eq!(all(text.as_bytes()), (Vec::new(), true), "{text}");
        }
    }
}
