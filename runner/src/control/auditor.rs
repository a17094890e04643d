//! `vmlock-run audit LOCK --control SOCKET`: what a guest would see that runs, as the witness writes it down on its vCPUs.
//!
//! The guest's runner lends its vCPUs and sends the areas of records. They are judged here, by the lock that its operator
//! names, and are believed as little as any that a witness wrote.

use super::client::{PATIENCE, connect, failed, heard, understood, wrong};
use super::{AUDIT, Answer, Request, STATUS, client};
use crate::failure::Failure;
use crate::hold::pausing::LIMIT;
use crate::say::{self, Progress};
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};
use vmlock_spec::observation::wire::MAX_VCPUS;
use vmlock_spec::observation::wire::living::AREA_SIZE;

/// How often somebody asks how far the check of a guest's memory is.
const AGAIN: Duration = Duration::from_millis(500);
/// How long a vCPU is lent at the most, twice over.
const EACH: Duration = Duration::from_secs(60);
/// The most bytes of the answer: digits of every vCPU's area, and what is around them.
const ANSWER: usize = MAX_VCPUS * (2 * AREA_SIZE as usize + 16) + 4096;

/// What was seen.
pub struct Looked {
    /// The digest of the lock that the guest was started with.
    pub lock: String,
    /// The area of each vCPU.
    pub areas: Vec<Vec<u8>>,
}

/// Waits until the memory of a guest was checked that was restored a moment ago, however long that is: it runs meanwhile, and
/// nothing is seen of it before. Where it was, and nobody reads what the guest said, that is for so long at the most.
fn checked(socket: &Path, progress: &Progress, most: Duration) -> Result<(), Failure> {
    let mut through = None;
    loop {
        let checking = match client::ask(socket, STATUS)? {
            Answer::Status(status) => status.checking,
            // Whoever cannot say it is asked for the audit itself.
            _ => None,
        };
        let Some(checking) = checking else {
            say::no_progress();
            return Ok(());
        };
        if checking.checked < checking.memory {
            through = None;
        } else if through.get_or_insert_with(Instant::now).elapsed() > most {
            // Its runner says why.
            say::no_progress();
            return Ok(());
        }
        progress.bytes(checking.checked, checking.memory);
        thread::sleep(AGAIN);
    }
}

/// What is seen on each vCPU of the guest at that socket, which has so many by its lock; how far that is, is shown unless in
/// `json`.
///
/// # Errors
/// It was not audited.
pub fn ask(socket: &Path, vcpus: usize, json: bool) -> Result<Looked, Failure> {
    let failed = |e| failed(socket, e);
    checked(
        socket,
        &Progress::of("the guest's memory is still being checked", json),
        LIMIT,
    )?;
    let mut stream = connect(socket)?;
    stream
        .write_all(&Request::to(AUDIT).line())
        .map_err(failed)?;
    let patience = PATIENCE + LIMIT + EACH * u32::try_from(vcpus).unwrap_or(u32::MAX);
    let answer = heard(&mut stream, patience, ANSWER).map_err(failed)?;
    match understood(socket, &answer)? {
        Answer::Seen(seen) => {
            let areas = seen.areas.iter().map(|digits| bytes(digits));
            let areas = areas.collect::<Option<_>>().ok_or_else(|| {
                wrong(socket, "its answer has other digits than records have", &[])
            })?;
            Ok(Looked {
                lock: seen.lock,
                areas,
            })
        }
        Answer::Error(words) => Err(wrong(socket, &words, &[])),
        _ => Err(wrong(socket, "nobody asked for that", &[])),
    }
}

/// What hexadecimal digits say; `None` where they are none.
fn bytes(digits: &str) -> Option<Vec<u8>> {
    let (pairs, []) = digits.as_bytes().as_chunks::<2>() else {
        return None;
    };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? << 4 | digit(pair[1])?) as u8);
    pairs.iter().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::super::digits;
    use super::super::place::listen;
    use super::super::place::tests::Folder;
    use super::*;
    use crate::counters::Guest;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::net::UnixListener;
    use vmlock_spec::observation::wire::{
        AREA_MAGIC, DONE_COMPLETE, Kind, STATUS_VALUE, encoding, key,
    };
    use vmlock_spec::observation::{decode, fact_name};
    use vmlock_spec::report::Seen;
    use vmlock_spec::status::Checking;

    /// Answers who asks next: what that asked.
    fn answers(listener: &UnixListener, answer: &Answer) -> String {
        let (stream, _) = listener.accept().expect("somebody asks");
        stream.set_nonblocking(false).expect("it can wait");
        let mut line = String::new();
        let read = BufReader::new(&stream).read_line(&mut line);
        read.expect("it asks");
        let mut words = serde_json::to_vec(answer).expect("it is plain");
        words.push(b'\n');
        (&stream).write_all(&words).expect("it listens");
        line
    }

    /// The status of a guest of whose three bytes of memory so many were checked, and are to be.
    fn checks(checked: u64) -> Answer {
        let mut status = Guest::new("web", 0).status();
        status.checking = Some(Checking { checked, memory: 3 });
        Answer::Status(Box::new(status))
    }

    /// However long its memory is being checked: nobody asks to audit it before, nor gives it up.
    #[test]
    fn who_audits_a_guest_whose_memory_is_being_checked_asks_until_it_was() {
        let folder = Folder::new("auditor", 0o700);
        let socket = folder.0.join("s");
        let listener = listen("control", &socket).expect("the folder is ours");
        listener.set_nonblocking(false).expect("it can wait");
        let runner = thread::spawn(move || {
            let states = [
                checks(1),
                checks(2),
                Answer::Status(Box::new(Guest::new("web", 0).status())),
                Answer::Error("so far, so good".to_owned()),
            ];
            let all = states.into_iter();
            all.map(|state| answers(&listener, &state))
                .collect::<Vec<_>>()
        });
        let Err(why) = ask(&socket, 1, true) else {
            panic!("it is not audited")
        };
        assert!(format!("{why:?}").contains("so far, so good"), "{why:?}");
        let asked = runner.join().expect("nobody panics");
        let verbs = asked.iter().map(|line| line.contains(AUDIT));
        assert_eq!(verbs.collect::<Vec<_>>(), [false, false, false, true]);
    }

    /// Where nobody reads what it said, its runner is asked all the same in the end, and says that.
    #[test]
    fn who_audits_a_guest_whose_console_nobody_reads_does_not_ask_for_ever() {
        let folder = Folder::new("auditor-unread", 0o700);
        let socket = folder.0.join("s");
        let listener = listen("control", &socket).expect("the folder is ours");
        listener.set_nonblocking(false).expect("it can wait");
        let runner = thread::spawn(move || {
            for _ in 0..2 {
                answers(&listener, &checks(3));
            }
        });
        let progress = Progress::of("nothing", true);
        let done = checked(&socket, &progress, Duration::from_millis(100));
        assert!(done.is_ok());
        runner.join().expect("nobody panics");
    }

    #[test]
    fn an_area_comes_over_as_far_as_it_was_written() {
        let mut area = AREA_MAGIC.to_le_bytes().to_vec();
        area.extend(1u32.to_le_bytes());
        area.extend(DONE_COMPLETE.to_le_bytes());
        area.extend(key(Kind::SystemRegister, encoding(3, 0, 0, 0, 0)).to_le_bytes());
        area.extend(0u32.to_le_bytes());
        area.extend(STATUS_VALUE.to_le_bytes());
        area.extend(0x414f_d0c1u64.to_le_bytes());
        let written = area.len();
        area.resize(AREA_SIZE as usize, 0xa5);
        let sent = bytes(&digits(&area)).expect("they are digits");
        assert_eq!(sent, area[..written]);
        let (sightings, incomplete) = decode(&[&sent]);
        assert!(incomplete.is_empty());
        assert_eq!(fact_name(sightings[0].key), "MIDR_EL1");
        assert_eq!(sightings[0].seen, Seen::Value(0x414f_d0c1));
        // Whatever stands there, no more comes over than there is.
        area[8..12].fill(0xff);
        assert_eq!(digits(&area).len(), 2 * AREA_SIZE as usize);
        assert_eq!(digits(&[]), "");
        for wrong in ["0", "0g", "+1", "\u{e9}"] {
            assert_eq!(bytes(wrong), None, "{wrong}");
        }
    }
}
