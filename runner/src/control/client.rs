//! `vmlock-run status SOCKET` and what else is asked of a living guest's runner: asks, and says what it tells.

use super::{ANSWER, Answer, LOCK, PAUSE, Request, SECTIONS, place};
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::hold::pausing::LIMIT;
use crate::say;
use crate::unix::peer;
use nix::unistd::geteuid;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};
use vmlock_run_flags::IS_GONE;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::status::{Checking, Saving, State, Status, Vcpu};

/// How long an answer may take, beside what is asked for.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What programs are told, in the order of its fields.
#[derive(Serialize)]
#[serde(untagged)]
enum Said {
    Status(Box<Status>),
    State { state: State },
    Ends { state: &'static str },
}

/// Runs the command.
///
/// # Errors
/// Nobody answers.
pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let path = Path::new(&parsed.argument);
    let request = Request {
        other_end_is_gone: parsed.has(IS_GONE.long),
        ..Request::to(parsed.verb)
    };
    let (said, words) = match asked(path, &request, ANSWER)? {
        Answer::Status(status) => {
            let words = words(&status);
            (Said::Status(status), words)
        }
        Answer::State(state) => (
            Said::State { state },
            match (parsed.verb, state) {
                (PAUSE, State::Paused) => "the guest is paused".to_owned(),
                (PAUSE, _) => return Err(wrong(path, "the guest is not paused", &[])),
                (_, State::Paused) => HELD.to_owned(),
                _ => "the guest runs".to_owned(),
            },
        ),
        Answer::Stopping {} => (
            Said::Ends { state: "stopping" },
            "the guest ends".to_owned(),
        ),
        Answer::Lock(_)
        | Answer::AtRest(_)
        | Answer::Saved(_)
        | Answer::Seen(_)
        | Answer::HandedOver { .. } => return Err(unasked(path)),
        Answer::Error(words) => return Err(wrong(path, &words, &[])),
    };
    match parsed.json() {
        true => say::print_json(&said)?,
        false => say::println(&words)?,
    }
    Ok(exit::OK)
}

/// What is said of a guest that goes on as far as its operator is concerned, and does not.
const HELD: &str =
    "the guest stays paused: its runner holds it, and says why where it says what happens";

pub(super) fn wrong(path: &Path, why: &str, help: &[&str]) -> Failure {
    Failure::environment(format!("`{}`: {why}", path.display()), help)
}

/// What to do about a runner that says what nobody understands.
const NEWER: &str = "the runner may be a newer one: ask with its own vmlock-run";

/// An answer to another question.
pub(super) fn unasked(path: &Path) -> Failure {
    wrong(path, "nobody asked for that", &[])
}

/// Why whoever is to answer does not.
pub(super) fn failed(path: &Path, e: io::Error) -> Failure {
    let (why, help) = match e.kind() {
        ErrorKind::NotFound => (
            "there is no such socket".to_owned(),
            "`vmlock-run start LOCK --control SOCKET` makes it",
        ),
        ErrorKind::ConnectionRefused => (
            "nobody listens there".to_owned(),
            "the guest whose it was has ended: its next start takes the socket over",
        ),
        ErrorKind::WouldBlock | ErrorKind::TimedOut => (
            "nobody answers in time".to_owned(),
            "others ask as well, or the guest is between two starts: try again",
        ),
        _ => (e.to_string(), "name the socket that `--control` named"),
    };
    wrong(path, &why, &[help])
}

/// Connects to a guest's runner. Root may ask any user's.
pub(super) fn connect(path: &Path) -> Result<UnixStream, Failure> {
    connect_as(path, geteuid().as_raw() == 0, failed, &[])
}

/// Connects to who is to be given a guest: who listens there has to be the same user, or root, whoever this is.
pub(super) fn connect_to_give(path: &Path) -> Result<UnixStream, Failure> {
    let failed = |path: &Path, e: io::Error| match e.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            let words = "run `vmlock-run receive` first: it makes the socket, and waits there";
            wrong(path, "nobody waits there for a guest", &[words])
        }
        _ => failed(path, e),
    };
    let words = "have it received by the user who runs `migrate`, or by root";
    connect_as(path, false, failed, &[words])
}

fn connect_as(
    path: &Path,
    anybody: bool,
    failed: impl Fn(&Path, io::Error) -> Failure,
    help: &[&str],
) -> Result<UnixStream, Failure> {
    let failed = |e| failed(path, e);
    let stream = place::reach(path).map_err(failed)?;
    let (who, mine) = (peer(&stream).map_err(failed)?, geteuid().as_raw());
    if who != mine && who != 0 && !anybody {
        return Err(wrong(path, &format!("user {who} listens there"), help));
    }
    stream.set_nonblocking(false).map_err(failed)?;
    stream.set_write_timeout(Some(PATIENCE)).map_err(failed)?;
    Ok(stream)
}

/// Asks for something, and waits for the answer.
pub(super) fn ask(path: &Path, verb: &str) -> Result<Answer, Failure> {
    asked(path, &Request::to(verb), ANSWER)
}

/// Asks for the guest's lock.
pub(super) fn lock(path: &Path) -> Result<Lock, Failure> {
    match asked(path, &Request::to(LOCK), SECTIONS)? {
        Answer::Lock(text) => canonical::parse(&text)
            .map_err(|e| wrong(path, &format!("its lock cannot be read: {e}"), &[NEWER])),
        Answer::Error(words) => Err(wrong(path, &words, &[])),
        _ => Err(unasked(path)),
    }
}

fn asked(path: &Path, request: &Request, most: usize) -> Result<Answer, Failure> {
    let failed = |e| failed(path, e);
    let mut stream = connect(path)?;
    stream.write_all(&request.line()).map_err(failed)?;
    let patience = match request.r#do.as_str() {
        PAUSE => PATIENCE + LIMIT,
        _ => PATIENCE,
    };
    let line = heard(&mut stream, patience, most).map_err(failed)?;
    understood(path, &line)
}

/// An answer.
pub(super) fn understood(path: &Path, line: &[u8]) -> Result<Answer, Failure> {
    serde_json::from_slice(line)
        .map_err(|e| wrong(path, &format!("its answer makes no sense: {e}"), &[NEWER]))
}

/// A line, which comes within the time and has no more bytes than its answer can have.
pub(super) fn heard(
    stream: &mut UnixStream,
    patience: Duration,
    most: usize,
) -> io::Result<Vec<u8>> {
    let end = Instant::now() + patience;
    let (mut line, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        stream.set_read_timeout(Some(left))?;
        let count = match stream.read(&mut piece) {
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            read => read?,
        };
        line.extend(&piece[..count]);
        if count == 0 && line.is_empty() {
            return Err(io::Error::other("the guest ended before it answered"));
        }
        if count == 0 || line.len() > most {
            return Err(io::Error::other("it breaks off in the middle of an answer"));
        }
        if line.ends_with(b"\n") {
            return Ok(line);
        }
    }
}

/// A guest for people.
fn words(status: &Status) -> String {
    let Status {
        name,
        state,
        process,
        restarts,
        saving,
        checking,
        milliseconds,
        console_lost,
        vcpus,
        devices,
        ..
    } = status;
    let (seconds, state) = (milliseconds / 1000, state.word());
    let mut out = format!("{name}: {state} for {seconds} s, process {process}");
    match restarts {
        0 => {}
        1 => out.push_str(", started anew once"),
        more => _ = write!(out, ", started anew {more} times"),
    }
    if let Some(saving) = saving {
        let Saving {
            written,
            memory,
            read,
            disks,
        } = saving;
        let (written, memory) = (written >> 20, memory >> 20);
        let _ = write!(out, "\n{written} of {memory} MiB of its memory are written");
        if *disks > 0 {
            let (read, disks) = (read >> 20, disks >> 20);
            let _ = write!(out, ", {read} of {disks} MiB of its disks are read");
        }
    }
    if let Some(Checking { checked, memory }) = checking {
        // The last part of it may be followed by what was kept back until then.
        let part = checked.saturating_mul(100) / (*memory).max(1);
        let _ = write!(
            out,
            "\nchecking memory {} %, and nothing leaves it before that is done",
            part.min(99)
        );
    }
    if *console_lost > 0 {
        let _ = write!(out, "\nconsole: {console_lost} bytes lost");
    }
    for (index, Vcpu { exits }) in vcpus.iter().enumerate() {
        let kinds = [
            ("device", exits.device),
            ("interrupt controller", exits.interrupt_controller),
            ("firmware", exits.firmware),
            ("kicked", exits.kicked),
            ("other", exits.other),
        ];
        let _ = write!(out, "\nvCPU {index}: {} exits", exits.sum());
        out.push_str(&listed(&kinds));
    }
    for device in devices {
        let counts = [
            ("interrupts", device.interrupts),
            ("requests", device.requests),
            ("errors", device.errors),
            ("bytes out", device.bytes_out),
            ("bytes in", device.bytes_in),
        ];
        let _ = write!(out, "\ndevice {}", device.name);
        out.push_str(&listed(&counts));
    }
    out
}

/// Those that are not zero, in parentheses.
fn listed(counts: &[(&str, u64)]) -> String {
    let counts = counts.iter().filter(|(_, count)| *count > 0);
    let words: Vec<String> = counts
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    match words.is_empty() {
        true => String::new(),
        false => format!(" ({})", words.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::STATUS;
    use super::super::operator::Operator;
    use super::super::place::listen;
    use super::super::place::tests::Folder;
    use super::super::server;
    use super::*;
    use crate::counters::{Device, Guest, Machine};
    use crate::jail::elders::Elders;
    use std::sync::Arc;
    use std::thread;

    #[test]
    fn a_living_guest_is_told_of_and_one_that_is_not_there_by_what_to_do() {
        let folder = Folder::new("status", 0o700);
        let path = folder.0.join("web.sock");
        let none = |path: &Path| match ask(path, STATUS) {
            Err(Failure::Environment(trouble)) => trouble.message,
            _ => panic!("nobody is there"),
        };
        assert!(none(&path).contains("no such socket"));
        let listener = listen("control", &path).expect("the folder is ours");
        let guest = Arc::new(Guest::new("web", 2));
        server::start(
            listener,
            Operator::new(Arc::clone(&guest), Arc::default()),
            &mut Elders::to_be_jailed().expect("this Linux"),
        )
        .expect("threads are to be had");
        let Ok(Answer::Status(status)) = ask(&path, STATUS) else {
            panic!("it answers")
        };
        assert!(words(&status).starts_with("web: starting for 0 s, process "));
        assert!(words(&status).ends_with(", started anew 2 times"));
        let machine = Arc::new(Machine::new(
            512,
            vec![("root".to_owned(), Arc::new(Device::default()))],
        ));
        machine.vcpus[1].firmware.add(u64::MAX);
        machine.devices[0].1.bytes_in.add(512);
        guest.runs(&machine);
        let Ok(Answer::Status(status)) = ask(&path, STATUS) else {
            panic!("it answers")
        };
        let text = words(&status);
        assert!(text.contains("vCPU 0: 0 exits\nvCPU 1: 18446744073709551615 exits (firmware 18446744073709551615)\n"), "{text}");
        assert!(
            text.ends_with("vCPU 511: 0 exits\ndevice root (bytes in 512)"),
            "{text}"
        );
        let Ok(Answer::Error(words)) = ask(&path, "sava") else {
            panic!("there is no such verb")
        };
        assert!(words.contains("nobody does `sava`"));
    }

    #[test]
    fn who_breaks_off_or_talks_on_is_no_runner() {
        for (said, words) in [
            (&b"{\"status\":"[..], "breaks off"),
            (b"hello\n", "makes no sense"),
            (b"{\"status\":{}}\n", "makes no sense"),
            (&[b' '; ANSWER + 4096], "breaks off"),
        ] {
            let folder = Folder::new(&format!("liar-{}", said.len()), 0o700);
            let path = folder.0.join("s");
            let listener = listen("control", &path).expect("the folder is ours");
            listener.set_nonblocking(false).expect("it can wait");
            let said = said.to_vec();
            let liar = thread::spawn(move || {
                let (mut stream, _) = listener.accept().expect("somebody asks");
                let _ = stream.read(&mut [0; 512]);
                // Who asked may have heard enough.
                let _ = stream.write_all(&said);
            });
            let Err(Failure::Environment(trouble)) = ask(&path, STATUS) else {
                panic!("it lies")
            };
            assert!(trouble.message.contains(words), "{}", trouble.message);
            liar.join().expect("it ends");
        }
    }
}
