//! The socket over which a living guest's runner is asked: `start --control SOCKET`, `vmlock-run status SOCKET`.
//!
//! A client sends one line of JSON, `{"do": "status"}`, and gets one line: `{"status": …}`, or `{"error": "…"}`. What else
//! can be asked for is a verb more in [`answer`]. [`place`] says where the socket may be, [`server`] who may ask and for how long,
//! [`operator`] what becomes of a guest that is to pause, [`client`] is the other end, [`auditor`], [`saver`] and [`migrator`] that of a guest
//! that is audited, saved or handed over; to another host by way of a [`courier`].

pub mod auditor;
pub mod client;
pub mod courier;
pub mod migrator;
pub mod operator;
pub mod place;
pub mod saver;
pub mod server;

use operator::{Operator, Order};
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::fs::File;
use std::time::Instant;
use vmlock_saved::state::{Gic, Lines, Machine, State as Saved, Vcpu};
use vmlock_spec::observation::wire::{AreaHeader, Record};
use vmlock_spec::status::{State, Status};
use vmlock_spec::words::did_you_mean;

/// The most bytes of a request, with the end of its line.
const REQUEST: usize = 4096;
/// The most bytes of an answer, with the end of its line.
const ANSWER: usize = 1 << 20;
/// The same of a lock, or of a guest's state: what the sections of a saved guest may have together.
const SECTIONS: usize = 256 << 20;

/// What a client asks for.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    /// A verb.
    r#do: String,
    /// Of a save: all of each disk is digested.
    #[serde(rename = "wholeDisks", default, skip_serializing_if = "is_not")]
    whole_disks: bool,
    /// Of a save: whoever asks sees the guest's state, and says whether the rest is to be written.
    #[serde(rename = "stateFirst", default, skip_serializing_if = "is_not")]
    state_first: bool,
    /// Of a claim at the end that gave a guest: the operator's word that the other end is gone, and never ran it.
    #[serde(rename = "otherEndIsGone", default, skip_serializing_if = "is_not")]
    other_end_is_gone: bool,
    /// Of a hand-over: the other end is on another host, and whoever asks carries what is said.
    #[serde(default, skip_serializing_if = "is_not")]
    far: bool,
}

impl Request {
    /// To do that.
    fn to(verb: &str) -> Self {
        Self {
            r#do: verb.to_owned(),
            whole_disks: false,
            state_first: false,
            other_end_is_gone: false,
            far: false,
        }
    }

    /// As it is sent.
    fn line(&self) -> Vec<u8> {
        // A verb is always representable.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }
}

fn is_not(value: &bool) -> bool {
    !value
}

/// To `save`: the file is whole and on the disk, and the guest waits for its name.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// What tells the file from all others.
    pub identity: String,
}

/// To a `save` that begins with it: a guest's state at rest, without its devices, which go wherever their guest goes.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AtRest {
    machine: Machine,
    vcpus: Vec<Vcpu>,
    gic: Gic,
    lines: Lines,
}

impl AtRest {
    /// That of this state.
    fn of(state: &Saved) -> Self {
        let Saved {
            machine,
            vcpus,
            gic,
            lines,
            devices: _,
        } = state.clone();
        Self {
            machine,
            vcpus,
            gic,
            lines,
        }
    }

    /// As a state of a machine that has no devices.
    fn state(self) -> Saved {
        Saved {
            machine: self.machine,
            vcpus: self.vcpus,
            gic: self.gic,
            lines: self.lines,
            devices: Vec::new(),
        }
    }
}

/// To `audit`: what the witness wrote down on each vCPU, in order.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The digest of the lock that the guest was started with.
    lock: String,
    /// Areas of records (`vmlock_wire`), as hexadecimal digits.
    areas: Vec<String>,
}

/// What it gets.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Answer {
    /// To `status`.
    Status(Box<Status>),
    /// To `pause` and `resume`: what the guest does from now on.
    State(State),
    /// To `lock`: the guest's, as it was read.
    Lock(String),
    /// To a `save` that begins with it.
    AtRest(Box<AtRest>),
    /// To `save`, and to `write`.
    Saved(Done),
    /// To `audit`.
    Seen(Seen),
    /// To `stop`, and to `commit`: it ends.
    Stopping {},
    /// To `migrate`: it runs elsewhere, and ends here.
    HandedOver {
        /// How long it was at rest, or on its way there.
        milliseconds: u64,
    },
    /// It is not done, and why.
    Error(String),
}

/// What can be asked for.
const STATUS: &str = "status";
/// The same, of a guest that is to pause, to go on, or to end.
const PAUSE: &str = "pause";
const RESUME: &str = "resume";
const STOP: &str = "stop";
/// Its lock.
const LOCK: &str = "lock";
/// Of one that is to be saved to the file that comes with it; what its client says where it has seen the state, and the rest
/// is to be written; and once the file has its name.
pub const SAVE: &str = "save";
const WRITE: &str = "write";
const COMMIT: &str = "commit";
/// Of one that is to be handed over to whom a connection comes with it.
pub const MIGRATE: &str = "migrate";
/// Of one of which nobody knows whether it was.
const CLAIM: &str = "claim";
/// What the witness sees on the vCPUs of a living guest.
const AUDIT: &str = "audit";
/// All of it: commands of the same names ask for it.
pub const VERBS: [&str; 5] = [STATUS, PAUSE, RESUME, STOP, CLAIM];

/// Answers a line of a client with what came with it, whose word a save waited for or not; `None` where the answer comes later.
fn answer(
    line: &[u8],
    mut files: Vec<File>,
    awaited: bool,
    operator: &mut Operator,
) -> Option<Answer> {
    let request = match serde_json::from_slice::<Request>(line) {
        Ok(request) => request,
        Err(error) => return Some(Answer::Error(format!("this is no request: {error}"))),
    };
    Some(match request.r#do.as_str() {
        STATUS => Answer::Status(Box::new(operator.status())),
        PAUSE => return operator.pause(Instant::now()),
        RESUME => operator.resume(),
        STOP => operator.stop(),
        LOCK => operator.lock(),
        SAVE => {
            let order = Order {
                whole_disks: request.whole_disks,
                state_first: request.state_first,
            };
            return operator.save(files.pop(), order, Instant::now());
        }
        WRITE => return operator.write(awaited),
        MIGRATE => return operator.hand_over(files, request.far, Instant::now()),
        CLAIM => operator.claim(request.other_end_is_gone),
        AUDIT => return operator.look(Instant::now()),
        COMMIT => operator.commit(awaited),
        other => {
            let hint = did_you_mean(other, VERBS.into_iter())
                .unwrap_or_else(|| format!("there is `{}`", VERBS.join("`, `")));
            Answer::Error(format!("nobody does `{other}` here: {hint}"))
        }
    })
}

/// An area as far as it was written, in hexadecimal digits.
fn digits(area: &[u8]) -> String {
    let (header, record) = (size_of::<AreaHeader>(), size_of::<Record>());
    let count = area.get(8..12).and_then(|count| count.try_into().ok());
    let count = u32::from_le_bytes(count.unwrap_or_default()) as usize;
    let used = count.saturating_mul(record).saturating_add(header);
    let mut out = String::new();
    for byte in &area[..used.min(area.len())] {
        // A string takes whatever is written to it.
        let _ = write!(out, "{byte:02x}");
    }
    out
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
    use crate::counters::Guest;
    use std::sync::Arc;

    fn said(request: &[u8]) -> String {
        let guest = Arc::new(Guest::new("web", 0));
        let answer = answer(
            request,
            Vec::new(),
            false,
            &mut Operator::new(guest, Arc::default()),
        );
        let line = line(&answer.expect("at once"));
        String::from_utf8(line).expect("it is text")
    }

    #[test]
    fn verbs_are_known_and_everything_else_is_named() {
        assert!(
            said(br#"{"do": "status"}"#)
                .starts_with(r#"{"status":{"statusVersion":1,"name":"web","state":"starting""#)
        );
        assert!(said(br#"{"do": "statos"}"#).contains("did you mean `status`"));
        for verb in [PAUSE, RESUME, STOP] {
            let said = said(format!(r#"{{"do": "{verb}"}}"#).as_bytes());
            assert!(said.contains("still being made"), "{said}");
        }
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
