//! A thread tried what its jail forbids: that is said, and everything ends. It is a bug of ours, or a guest that is where
//! no guest should be: neither goes on.
//!
//! A thread that keeps all signals out, as glibc does while it starts another one, is not heard: Linux ends the process by
//! SIGSYS then.

use super::{linux, names};
use crate::failure::exit;
use crate::say::{self, signalled};
use std::ffi::CStr;
use std::fmt;
use std::io::{self, Cursor, Write as _};
use std::sync::OnceLock;

/// How long the words may wait for a reader, in milliseconds.
const PATIENCE: i32 = 2000;

static TIDY: OnceLock<fn()> = OnceLock::new();

/// From now on, a call that is not allowed ends the process with words, once `tidy` was called: it does what a signal
/// handler may.
///
/// # Errors
/// Linux takes no handler.
pub fn is_said(tidy: fn()) -> io::Result<()> {
    TIDY.get_or_init(|| tidy);
    linux::when_refused(on_refusal)
}

/// Makes system calls alone, each of which a signal handler may make (signal-safety(7)), and needs no memory but its
/// stack.
fn on_refusal(call: Option<i64>) -> ! {
    if let Some(tidy) = TIDY.get() {
        tidy();
    }
    let Some(call) = call else {
        linux::end(signalled(libc::SIGSYS));
    };
    let mut line = [0; 512];
    let thread = name(linux::thread_name());
    let time = say::is_json().then(say::now);
    let written = words(&mut line, &thread, call, time);
    linux::say(&line[..written], PATIENCE);
    linux::end(exit::JAIL);
}

/// A thread's name without what acts on a terminal or in a log: whoever has taken it over may have named it.
fn name(mut name: [u8; 16]) -> [u8; 16] {
    for byte in &mut name {
        if !matches!(*byte, 0 | b'-' | b'_' | b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9') {
            *byte = b'?';
        }
    }
    name
}

/// Writes the words, or at that time the [`Violation`](vmlock_spec::event::Event::Violation), as far as they fit; how
/// many bytes they are.
fn words(line: &mut [u8], thread: &[u8], call: i64, time: Option<u64>) -> usize {
    let thread = CStr::from_bytes_until_nul(thread).unwrap_or_default();
    let thread = thread.to_str().unwrap_or("?");
    let known = names::of(call);
    let words = Words {
        thread,
        name: known.unwrap_or("a call without a name"),
        call,
    };
    let mut line = Cursor::new(line);
    // What does not fit is left out.
    let _ = match time {
        None => writeln!(line, "vmlock-run: {words}"),
        // None of it needs to be escaped.
        Some(time) => writeln!(
            line,
            r#"{{"time":{time},"event":"violation","thread":"{thread}","call":"{}","number":{call},"message":"{words}"}}"#,
            known.unwrap_or_default()
        ),
    };
    line.position() as usize
}

struct Words<'a> {
    thread: &'a str,
    name: &'a str,
    call: i64,
}

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { thread, name, call } = self;
        write!(
            f,
            "the jail ends the guest: thread `{thread}` called {name} (number {call}), which it has no reason to: a bug \
             of ours, or a guest that has taken this program over; report it"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::event::{Event, Line};

    fn said(name: [u8; 16], call: i64, time: Option<u64>) -> String {
        let mut line = [0; 512];
        let written = words(&mut line, &super::name(name), call, time);
        String::from_utf8_lossy(&line[..written]).into_owned()
    }

    const VCPU: [u8; 16] = *b"vcpu0\0\0\0\0\0\0\0\0\0\0\0";

    #[test]
    fn thread_and_call_are_named_in_one_line() {
        let whole = said(VCPU, libc::SYS_openat, None);
        assert!(
            whole.starts_with("vmlock-run: the jail ends the guest: "),
            "{whole}"
        );
        assert!(whole.contains("thread `vcpu0` called openat ("), "{whole}");
        assert!(whole.ends_with("report it\n"), "{whole}");
        assert!(said(VCPU, 9999, None).contains("without a name (number 9999)"));
        let mut short = [0; 10];
        assert_eq!(words(&mut short, b"x\0", 1, None), 10);
        let foreign = said(*b"a\"\x1b[2J\\\n`\xff\0\0\0\0\0\0", 1, None);
        assert!(foreign.contains("thread `a???2J????` called"), "{foreign}");
    }

    #[test]
    fn with_a_log_of_json_it_is_an_event_like_the_others() {
        for (call, name) in [(libc::SYS_openat, "openat"), (9999, "")] {
            let text = said(VCPU, call, Some(1_764_000_000_000));
            let plain = said(VCPU, call, None);
            let line = Line {
                time: 1_764_000_000_000,
                event: Event::Violation {
                    thread: "vcpu0".to_owned(),
                    call: name.to_owned(),
                    number: call,
                },
                message: plain
                    .trim_start_matches("vmlock-run: ")
                    .trim_end()
                    .to_owned(),
            };
            let other = serde_json::to_string(&line).expect("it is representable");
            assert_eq!(text, other + "\n");
        }
    }
}
