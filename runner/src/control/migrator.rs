//! `vmlock-run migrate --to SOCKET --control SOCKET`: brings the runner of a guest and the one that is to have it together.
//!
//! The guest's runner is in its jail, and connects to nobody ([`courier`] does for it, to another host): it gets a connection, and an empty file in memory for the
//! guest's state. All else is between the two; who gave it up before the guest was given had nothing done.

use super::client::{connect, connect_to_give, failed, heard, understood, wrong};
use super::courier;
use super::{ANSWER, Answer, MIGRATE, Request};
use crate::failure::{Failure, exit};
use crate::firmware::entropy;
use crate::flags::Parsed;
use crate::handover::far::{Place, no_terminal};
use crate::memory::Memory;
use crate::say;
use serde::Serialize;
use std::fmt::Write as _;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::time::Duration;
use vmlock_run_flags::{CONTROL, REST_LIMIT, TO, TOKEN_FILE};
use vmm_sys_util::sock_ctrl_msg::ScmSocket as _;

/// Longer than both ends wait for each other.
const PATIENCE: Duration = Duration::from_secs(600);

/// How long a guest may rest for its memory to go over, where nobody says otherwise; and at most, since its runner gives up then.
const LIMIT: Duration = Duration::from_secs(10);
const LONGEST: u64 = 45;

/// What programs are told.
#[derive(Serialize)]
struct Said {
    state: &'static str,
    milliseconds: u64,
    /// Bytes of memory that went over in each round, to another host.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rounds: Vec<u64>,
}

/// Runs the command.
///
/// # Errors
/// The guest is not handed over, or nobody knows.
pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let named = |flag: &str| {
        parsed.value(flag).map(Path::new).ok_or_else(|| {
            let help = ["`vmlock-run migrate --to SOCKET --control SOCKET`: the one at which `vmlock-run receive SOCKET` listens, and that of the guest"];
            Failure::usage("from where, and where to?", &help)
        })
    };
    let (to, control) = (named(TO.long)?, named(CONTROL.long)?);
    let place = parsed.value(TO.long).and_then(Place::of);
    let token = parsed.value(TOKEN_FILE.long).map(Path::new);
    let usage = |words: &str, help: &str| Err(Failure::usage(words, &[help]));
    let limit = match parsed.value(REST_LIMIT.long) {
        None => LIMIT,
        Some(given) => match given.parse() {
            Ok(seconds @ 1..=LONGEST) => Duration::from_secs(seconds),
            _ => {
                return usage(
                    &format!(
                        "`--rest-limit {given}`: it is a number of seconds, from 1 to {LONGEST}"
                    ),
                    "for example `--rest-limit 20`",
                );
            }
        },
    };
    match place {
        None if parsed.has(REST_LIMIT.long) => {
            return usage(
                "on one host nothing is copied that a guest would rest for",
                "leave `--rest-limit` out",
            );
        }
        None if token.is_some() => {
            return usage(
                "a hand-over to a socket of this host has no token",
                "leave `--token-file` out, or hand over to `tcp:HOST:PORT` or `-`",
            );
        }
        Some(Place::Pipes) if parsed.json() => {
            return usage(
                "with `--to -`, stdout is the other end's, and nothing can be said there as JSON",
                "leave `--format json` out: what came of it is said on stderr",
            );
        }
        Some(Place::Pipes) => no_terminal()?,
        _ => {}
    }
    let mut stream = connect(control)?;
    let (other, carried) = match place {
        Some(place) => {
            let far = courier::meet(place, token)?;
            let token = entropy::bytes("a hand-over")?;
            let (theirs, ours) = courier::pair(token).map_err(|e| failed(control, e))?;
            (theirs, Some((ours, far)))
        }
        None => (connect_to_give(to)?, None),
    };
    let state = Memory::unnamed("state", 0).map_err(|e| failed(control, e))?;
    let request = Request {
        far: place.is_some(),
        ..Request::to(MIGRATE)
    };
    let line = request.line();
    // Each comes with a piece of the line: a connection, and the file twice, since the runner's jail lets it copy none.
    let (first, rest) = line.split_at(1);
    let (second, rest) = rest.split_at(1);
    for (piece, file) in [
        (first, other.as_raw_fd()),
        (second, state.as_raw_fd()),
        (rest, state.as_raw_fd()),
    ] {
        let sent = stream.send_with_fd(piece, file);
        sent.map_err(|e| failed(control, io::Error::from_raw_os_error(e.errno())))?;
    }
    drop((other, state));
    let rounds = carried.map_or_else(Vec::new, |(near, far)| courier::carry(near, far, limit));
    let answer = heard(&mut stream, PATIENCE, ANSWER).map_err(|e| failed(control, e))?;
    let milliseconds = match understood(control, &answer)? {
        Answer::HandedOver { milliseconds } => milliseconds,
        Answer::Error(words) => return Err(wrong(control, &words, &[])),
        _ => return Err(wrong(control, "nobody asked for that", &[])),
    };
    let state = "handed-over";
    let mut words = format!(
        "the guest runs at its other end, after {milliseconds} ms at rest, and its runner here ends"
    );
    if let Some((last, before)) = rounds.split_last() {
        let before: Vec<String> = before
            .iter()
            .map(|bytes| (bytes >> 10).to_string())
            .collect();
        let _ = write!(
            words,
            "\nof its memory rounds of {} KiB went over while it ran, and {} KiB while it rested",
            before.join(", "),
            last >> 10,
        );
    }
    match (place, parsed.json()) {
        // Its stdout is the other host's.
        (Some(Place::Pipes), _) => say::note(words),
        (_, true) => say::print_json(&Said {
            state,
            milliseconds,
            rounds,
        })?,
        (_, false) => say::println(&words)?,
    }
    Ok(exit::OK)
}
