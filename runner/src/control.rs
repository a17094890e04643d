//! The socket over which a living guest's runner is asked: `start --control SOCKET`, `vmlock-run status SOCKET`.
//!
//! A client sends one line of JSON, `{"do": "status"}`, and gets one line: `{"status": …}`, or `{"error": "…"}`. What else
//! can be asked for is a verb more in [`answer`]. [`place`] says where the socket may be, [`server`] who may ask and for how long,
//! [`client`] is the other end.

pub mod client;
pub mod place;
pub mod server;

use crate::counters::Guest;
use serde::{Deserialize, Serialize};
use vmlock_spec::status::Status;
use vmlock_spec::words::did_you_mean;

/// The most bytes of a request, with the end of its line.
const REQUEST: usize = 4096;
/// The most bytes of an answer, with the end of its line.
const ANSWER: usize = 1 << 20;

/// What a client asks for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// A verb.
    r#do: String,
}

/// What it gets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Answer {
    /// To `status`.
    Status(Box<Status>),
    /// It is not done, and why.
    Error(String),
}

/// What can be asked for.
const STATUS: &str = "status";
const VERBS: [&str; 1] = [STATUS];

/// Answers a line.
fn answer(line: &[u8], guest: &Guest) -> Answer {
    let request = match serde_json::from_slice::<Request>(line) {
        Ok(request) => request,
        Err(error) => return Answer::Error(format!("this is no request: {error}")),
    };
    match request.r#do.as_str() {
        STATUS => Answer::Status(Box::new(guest.status())),
        other => {
            let hint = did_you_mean(other, VERBS.into_iter())
                .unwrap_or_else(|| format!("there is `{}`", VERBS.join("`, `")));
            Answer::Error(format!("nobody does `{other}` here: {hint}"))
        }
    }
}

/// An answer as the line that it is.
fn line(answer: &Answer) -> Vec<u8> {
    // Names and numbers are always representable.
    let mut line = serde_json::to_vec(answer).unwrap_or_default();
    line.push(b'\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(request: &[u8]) -> String {
        let line = line(&answer(request, &Guest::new("web", 0)));
        String::from_utf8(line).expect("it is text")
    }

    #[test]
    fn one_verb_is_known_and_everything_else_is_named() {
        assert!(
            said(br#"{"do": "status"}"#)
                .starts_with(r#"{"status":{"statusVersion":1,"name":"web","state":"starting""#)
        );
        assert!(said(br#"{"do": "statos"}"#).contains("did you mean `status`"));
        for wrong in [
            &b""[..],
            b"status",
            b"[1]",
            b"{}",
            br#"{"do":"status","x":1}"#,
            b"\xff",
            &[b'['; 4000],
        ] {
            let said = said(wrong);
            assert!(
                said.starts_with(r#"{"error":"this is no request"#),
                "{said}"
            );
            assert_eq!(said.matches('\n').count(), 1);
        }
    }
}
