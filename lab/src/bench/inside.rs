//! The part of the benchmark that runs inside a host: starts programs in turn and times each from its
//! start to the mark that its guest sends, and looks at how much memory one takes.
//!
//! The lab itself, built for the host, does this: a shell's clock is too coarse.

use crate::cache;
use crate::failure::{Failure, OK, Result, tell};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// What is to be measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Programs with their arguments, run in turn: A B C, A B C, …
    pub contenders: BTreeMap<String, Vec<String>>,
    /// Contenders that have to find nothing of what a start remembers.
    pub forgetful: BTreeSet<String>,
    /// Rounds that count. One more goes before them.
    pub rounds: u32,
    /// The byte that a guest sends when it has come as far as is measured; without one, its end is what is measured.
    pub mark: Option<u8>,
    /// A program whose guest waits once it has sent its mark, and the size of its guest's memory in bytes.
    pub resident: Option<(Vec<String>, u64)>,
}

/// What was measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Measured {
    /// The runs that count, by contender.
    pub runs: BTreeMap<String, Vec<Run>>,
    /// Memory that the program of `resident` has beyond its guest's, in bytes; zero without one.
    pub resident: u64,
}

/// One run of a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    /// Microseconds from the start of the process to its guest's mark, or to its end.
    pub to_mark: f64,
    /// Microseconds from the start of the process to its end.
    pub to_end: f64,
    /// What it wrote to standard error.
    pub words: String,
}

/// Where `vmlock-run start` remembers its proofs.
const PROOFS: &str = "/run/vmlock";

/// How long a guest that waits is left alone before its memory is looked at: its other vCPUs'
/// threads settle.
const SETTLE: Duration = Duration::from_millis(300);

/// Carries out the order in a file and prints what was measured.
pub fn run(order: &Path) -> Result<u8> {
    let order: Order = serde_json::from_slice(&cache::read(order)?)
        .map_err(|e| Failure::usage(format!("{}: {e}", order.display())))?;
    let mut runs: BTreeMap<String, Vec<Run>> = BTreeMap::new();
    for round in 0..=order.rounds {
        for (name, command) in &order.contenders {
            if order.forgetful.contains(name) {
                forget()?;
            }
            let run = time(command, order.mark)?;
            if round > 0 {
                runs.entry(name.clone()).or_default().push(run);
            }
        }
    }
    let measured = Measured {
        runs,
        resident: match &order.resident {
            Some((command, guest)) => resident(command, *guest, order.mark)?,
            None => 0,
        },
    };
    let text = serde_json::to_string(&measured)
        .map_err(|e| Failure::bug(format!("cannot write the measurement: {e}")))?;
    tell(text)?;
    Ok(OK)
}

/// Has this host be one where nothing was proven yet in this boot.
///
/// # Errors
/// It cannot be removed.
pub fn forget() -> Result<()> {
    match fs::remove_dir_all(PROOFS) {
        Err(e) if e.kind() != ErrorKind::NotFound => {
            Err(Failure::file("remove", Path::new(PROOFS), &e))
        }
        _ => Ok(()),
    }
}

/// Starts a program without input, whose output can be read.
pub fn spawn(command: &[String], words: Stdio) -> Result<Child> {
    let (program, args) = command
        .split_first()
        .ok_or_else(|| Failure::usage("an empty command"))?;
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(words)
        .spawn()
        .map_err(|e| Failure::environment(format!("cannot run {program}: {e}")))
}

/// Reads up to the mark, or to the end where there is none; `false` if the output ends without one.
pub fn reaches(mark: Option<u8>, output: &mut impl Read) -> bool {
    let mut byte = [0];
    while matches!(output.read(&mut byte), Ok(1)) {
        if Some(byte[0]) == mark {
            return true;
        }
    }
    mark.is_none()
}

fn time(command: &[String], mark: Option<u8>) -> Result<Run> {
    let start = Instant::now();
    let mut child = spawn(command, Stdio::piped())?;
    let mut output = child
        .stdout
        .take()
        .ok_or_else(|| Failure::bug("a child without output"))?;
    let marked = reaches(mark, &mut output);
    let to_mark = start.elapsed();
    let mut rest = Vec::new();
    let _ = output.read_to_end(&mut rest);
    let status = child
        .wait()
        .map_err(|e| Failure::environment(format!("cannot wait: {e}")))?;
    let to_end = start.elapsed();
    let mut words = String::new();
    if let Some(mut pipe) = child.stderr.take() {
        let _ = pipe.read_to_string(&mut words);
    }
    if !marked || !status.success() {
        return Err(Failure::environment(format!(
            "{} ended with {status}{}; it said:\n{}",
            command.join(" "),
            if marked {
                ""
            } else {
                " and its guest ran no instruction that could be seen"
            },
            words.trim_end()
        )));
    }
    let micros = |time: Duration| time.as_secs_f64() * 1e6;
    Ok(Run {
        to_mark: micros(to_mark),
        to_end: micros(to_end),
        words,
    })
}

/// Memory of a program beyond its guest's, while the guest runs.
fn resident(command: &[String], guest: u64, mark: Option<u8>) -> Result<u64> {
    let mut child = spawn(command, Stdio::null())?;
    let mut output = child.stdout.take();
    let marked = output.as_mut().is_some_and(|o| reaches(mark, o));
    thread::sleep(SETTLE);
    let maps = fs::read_to_string(format!("/proc/{}/smaps", child.id()));
    let _ = child.kill();
    let _ = child.wait();
    match maps {
        Ok(maps) if marked => Ok(beyond(&maps, guest)),
        _ => Err(Failure::environment(format!(
            "{} did not keep its guest running",
            command.join(" ")
        ))),
    }
}

/// Resident bytes of all mappings but those that are as large as the guest's memory.
fn beyond(smaps: &str, guest: u64) -> u64 {
    let kib = |line: &str, name: &str| -> Option<u64> {
        let value = line.strip_prefix(name)?.trim().strip_suffix("kB")?;
        Some(1024 * value.trim().parse::<u64>().ok()?)
    };
    let (mut size, mut sum) = (0, 0);
    for line in smaps.lines() {
        if let Some(bytes) = kib(line, "Size:") {
            size = bytes;
        } else if let Some(bytes) = kib(line, "Rss:")
            && size < guest
        {
            sum += bytes;
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guests_memory_does_not_count() {
        let smaps = "00400000-00500000 r-xp 00000000 00:00 0 /x\nSize:   1024 kB\nRss:   100 kB\nPss: 1 kB\n\
            7000-8000 rw-p 00000000 00:00 0\nSize:   2048 kB\nRss:   2000 kB\n\
            8000-9000 rw-p 00000000 00:00 0 [stack]\nSize:   132 kB\nRss:   12 kB\n";
        assert_eq!(beyond(smaps, 2 << 20), 112 * 1024);
        assert_eq!(beyond(smaps, 4 << 20), 2112 * 1024);
    }

    #[test]
    fn the_mark_is_found_between_other_bytes() {
        let mut output = &b"ab!c"[..];
        assert!(reaches(Some(b'!'), &mut output) && output == b"c");
        assert!(!reaches(Some(b'!'), &mut &b"ab"[..]));
        assert!(reaches(None, &mut &b"ab"[..]));
    }
}
