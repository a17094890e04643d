//! Words for people, on stderr: what, where, why, what next; results on stdout.
//!
//! Names out of a lock, and what a kernel says of itself, are text and no more: what acts on a terminal, or
//! on a CI service that reads its log, is escaped on its way out. A guest's own console is not said here.
//!
//! While a guest runs, each thing that is said is an [`Event`] with words: with `--log json` a line of JSON, else the words
//! alone.
//!
//! Nothing here panics: who reads the words may be gone, and the guest and the exit code must not suffer from it.

use crate::failure::{Failure, Trouble, exit};
use serde::Serialize;
use serde_json::Value;
use std::fmt::Display;
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use vmlock_spec::event::{Event, Line};
use vmlock_spec::plan::Refusal;
use vmlock_spec::words;

/// A refused start, audit or check as JSON.
#[derive(Serialize)]
struct Refused<'a> {
    kept: bool,
    refusals: &'a [Refusal],
}

/// Whether events are lines of JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// Has each event be a line of JSON from now on.
pub fn log_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Whether each event is one. Safe in a signal handler.
pub fn is_json() -> bool {
    JSON.load(Ordering::Relaxed)
}

/// Says what happened.
pub fn event(event: Event, words: impl Display) {
    put(said(event, words));
}

/// What happened, as it is said.
pub fn said(event: Event, words: impl Display) -> String {
    match is_json() {
        true => line(event, words.to_string()),
        false => plain(&format!("vmlock-run: {words}")),
    }
}

/// Says what happened where events are lines of JSON. In words it goes without saying.
pub fn silent(event: Event) {
    if is_json() {
        put(line(event, String::new()));
    }
}

/// A line on a terminal of how far something is that takes its time. Where stderr is no terminal, or events are lines of
/// JSON, there is none; and it is gone with this, or before anything else is said.
#[derive(Clone)]
pub struct Progress {
    shown: bool,
    what: &'static str,
}

/// Whether such a line stands on the terminal.
static LINE: AtomicBool = AtomicBool::new(false);
/// Back to the begin of the line, and it is empty (ECMA-48: CR, EL).
const ANEW: &str = "\r\x1b[K";

impl Progress {
    /// None so far of `what`, which is asked for in JSON or not.
    pub fn of(what: &'static str, json: bool) -> Self {
        let shown = !json && !is_json() && io::stderr().is_terminal();
        Self { shown, what }
    }

    /// Whether anybody sees it.
    pub fn is_shown(&self) -> bool {
        self.shown
    }

    /// So many bytes of so many.
    pub fn bytes(&self, done: u64, all: u64) {
        if self.shown {
            LINE.store(true, Ordering::Relaxed);
            // Who cannot be told will hear what came of it.
            let _ = write!(io::stderr(), "{ANEW}{}", self.words(done, all));
        }
    }

    fn words(&self, done: u64, all: u64) -> String {
        let percent = u128::from(done) * 100 / u128::from(all.max(1));
        format!(
            "{}: {} of {} MiB ({percent} %)",
            self.what,
            done >> 20,
            all >> 20
        )
    }
}

/// Takes that line away, if there is one.
pub fn no_progress() {
    if LINE.swap(false, Ordering::Relaxed) {
        let _ = write!(io::stderr(), "{ANEW}");
    }
}

/// Says something to know.
pub fn note(words: impl Display) {
    event(Event::Note, words);
}

/// Says counts, which are JSON in any case, and what they mean.
pub fn stats(stats: Value, words: Option<String>) {
    match is_json() {
        true => put(line(Event::Stats { stats }, words.unwrap_or_default())),
        false => {
            let words = words.map(|words| format!("\nvmlock-run: {words}"));
            eprintln(format_args!("{stats}{}", words.unwrap_or_default()));
        }
    }
}

/// Milliseconds since 1970, by the host's clock. Safe in a signal handler.
pub fn now() -> u64 {
    let time = SystemTime::now().duration_since(UNIX_EPOCH);
    time.map_or(0, |time| time.as_millis() as u64)
}

fn line(event: Event, message: String) -> String {
    let line = Line {
        time: now(),
        event,
        message,
    };
    // Plain values with string keys are always representable.
    let text = serde_json::to_string(&line).unwrap_or_default();
    words::json(&text).into_owned()
}

/// Says why a command failed and returns its exit code.
pub fn failure(failure: &Failure, json: bool) -> u8 {
    match failure {
        Failure::Usage(trouble) => {
            self::trouble(trouble);
            exit::USAGE
        }
        Failure::Environment(trouble) => {
            self::trouble(trouble);
            exit::ENVIRONMENT
        }
        Failure::Refused(refusals) => {
            if !json {
                let words = self::refusals(refusals);
                match is_json() {
                    true => {
                        let refusals = refusals.clone();
                        put(line(Event::Refused { refusals }, words));
                    }
                    false => eprintln(words.trim_end()),
                }
                return exit::REFUSED;
            }
            let refused = Refused {
                kept: false,
                refusals,
            };
            match print_json(&refused) {
                Ok(()) => exit::REFUSED,
                Err(unwritten) => self::failure(&unwritten, false),
            }
        }
    }
}

/// The exit code of a process that a signal ended, as shells count.
pub fn signalled(signal: i32) -> u8 {
    128u8.saturating_add(u8::try_from(signal).unwrap_or(0))
}

fn trouble(trouble: &Trouble) {
    let Trouble { message, help } = trouble;
    if is_json() {
        let help = help.clone();
        return put(line(Event::Failed { help }, message.clone()));
    }
    eprintln(format_args!("error: {message}"));
    for help in help {
        eprintln(format_args!("  help: {help}"));
    }
}

/// Every reason why a host cannot keep a lock, one message per entry.
pub fn refusals(refusals: &[Refusal]) -> String {
    let mut out = String::new();
    for refusal in refusals {
        let Refusal {
            code,
            name,
            wanted,
            offered,
            reason,
            from,
            help,
        } = refusal;
        out.push_str(&format!("refused[{code}]: {name}: {reason}\n"));
        out.push_str(&format!(
            "  promised: {wanted}\n  offered:  {offered}\n  asked for by {from}\n"
        ));
        for help in help {
            out.push_str(&format!("  help: {help}\n"));
        }
    }
    let entries = if refusals.len() == 1 {
        "1 entry"
    } else {
        &format!("{} entries", refusals.len())
    };
    out.push_str(&format!(
        "this host cannot keep the lock: {entries} cannot be kept\n"
    ));
    out
}

/// Prints one JSON object to stdout.
///
/// # Errors
/// It cannot be written.
pub fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    // Plain structs with string keys are always representable.
    match serde_json::to_string_pretty(value) {
        Ok(text) => document(&text),
        Err(error) => Err(Failure::environment(
            format!("the result is not JSON: {error}"),
            &[],
        )),
    }
}

/// Prints a JSON text to stdout.
///
/// # Errors
/// It cannot be written.
pub fn document(text: &str) -> Result<(), Failure> {
    print(&words::json(text.trim_end()))
}

/// Prints a result to stdout, and ends its last line.
///
/// # Errors
/// It cannot be written.
pub fn println(text: &str) -> Result<(), Failure> {
    print(&plain(text.trim_end()))
}

/// A reader that has gone is no error.
fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout();
    let written = writeln!(stdout, "{text}").and_then(|()| stdout.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::environment(
            format!("the result cannot be written to stdout: {error}"),
            &["look at where stdout goes, and at the space on that disk"],
        )),
        _ => Ok(()),
    }
}

/// Lines of words to stderr. Where nobody reads them, the exit code still says how it ended.
fn eprintln(words: impl Display) {
    put(plain(&words.to_string()));
}

/// Writes what was [`said`].
pub fn put(mut text: String) {
    no_progress();
    text.push('\n');
    // At once: stderr has no buffer, and what others say at the same time comes before or after it.
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Each line as it may stand in a terminal or a log.
fn plain(text: &str) -> String {
    let lines: Vec<_> = text.lines().map(words::line).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_bytes_of_bytes_and_nobody_sees_it_in_json() {
        let progress = Progress::of("the guest is written", true);
        assert!(!progress.is_shown());
        for (done, all, words) in [
            (0, 0, "0 of 0 MiB (0 %)"),
            (3 << 20, 64 << 20, "3 of 64 MiB (4 %)"),
            (
                u64::MAX,
                u64::MAX,
                "17592186044415 of 17592186044415 MiB (100 %)",
            ),
        ] {
            let said = progress.words(done, all);
            assert_eq!(said, format!("the guest is written: {words}"));
        }
    }

    #[test]
    fn a_refusal_says_what_where_why_and_what_next() {
        let refusal = Refusal {
            code: "host::not-writable",
            name: "ID_AA64DFR0_EL1.DebugVer".into(),
            wanted: "0x8".into(),
            offered: "0x6".into(),
            reason: "it reads 0x6".into(),
            from: "cpu neoverse-n1".into(),
            help: vec!["choose another host".into()],
        };
        assert_eq!(
            refusals(&[refusal]),
            "refused[host::not-writable]: ID_AA64DFR0_EL1.DebugVer: it reads 0x6\n  promised: 0x8\n  offered:  0x6\n  \
             asked for by cpu neoverse-n1\n  help: choose another host\nthis host cannot keep the lock: 1 entry cannot be kept\n"
        );
    }

    #[test]
    fn a_name_is_text_and_no_more() {
        assert_eq!(
            plain("`a\u{1b}[2J`:\n::error::x\n\n  help: ##[group]\n"),
            "`a\\u{1b}[2J`:\n\\u{3a}:error::x\n\n  help: #\\u{23}[group]"
        );
    }

    /// Run by itself: says one of each, as lines of JSON.
    #[test]
    fn says_json() {
        if std::env::var_os("VMLOCK_TEST_SAY").is_none() {
            return;
        }
        log_json();
        event(Event::Ended { code: 10 }, "the guest asked for a reset");
        let device = "disk `a\u{1b}[2J`".to_owned();
        event(Event::IoError { device }, "no\nspace");
        silent(Event::Started { restarts: 2 });
        stats(serde_json::json!({ "ioctls": 3 }), None);
        failure(&Failure::environment("no kernel", &["find one"]), false);
        failure(&Failure::Refused(Vec::new()), false);
    }

    #[test]
    fn each_event_is_a_line_of_json_with_the_words() {
        let itself = std::env::current_exe().expect("the tests' program");
        let output = std::process::Command::new(itself)
            .args(["--exact", "say::tests::says_json", "--nocapture"])
            .env("VMLOCK_TEST_SAY", "1")
            .output()
            .expect("it runs");
        let text = String::from_utf8(output.stderr).expect("it is text");
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
            .collect();
        let kinds: Vec<_> = lines.iter().filter_map(|l| l["event"].as_str()).collect();
        let all = ["ended", "io-error", "started", "stats", "failed", "refused"];
        assert_eq!(kinds, all, "{text}");
        assert_eq!(lines[0]["message"], "the guest asked for a reset");
        assert_eq!(
            (&lines[0]["code"], &lines[2]["restarts"]),
            (&10.into(), &2.into())
        );
        assert_eq!(
            (&lines[1]["message"], &lines[3]["stats"]["ioctls"]),
            (&"no\nspace".into(), &3.into())
        );
        assert_eq!(lines[4]["help"][0], "find one");
        assert!(lines.iter().all(|line| line["time"].is_u64()));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn signals_count_as_in_a_shell() {
        assert_eq!((signalled(2), signalled(15)), (130, 143));
    }
}
