//! Ctrl-C, and the other ways to ask a program to end: at once, and with nothing half done.
//!
//! A command that only reads dies of the signal, as any program does. One that writes files is ended here: the file that is
//! being replaced is finished, within the time of a flush to the disk, and no other is begun; the line that tells how
//! far it is goes away; then the signal does what it always does, so that the shell sees who ended the program (130 after
//! Ctrl-C) and ends its loop, too. A second signal waits for nothing; what comes right after the first is the same wish once more,
//! sent to the program and to its group (`timeout`), or sent on by a wrapper. What the caller has the program ignore (nohup)
//! stays ignored.

use crate::progress;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::ffi::c_int;
use std::fs;
use std::process;
use std::sync::mpsc::{self, Sender};
use std::thread;
use std::time::Duration;

/// What asks a program to end: its terminal is gone, Ctrl-C, `kill`.
const ENDING: [c_int; 3] = [SIGHUP, SIGINT, SIGTERM];

/// How long a signal is the first one still, however often it comes: longer than who sends it twice at once takes on a busy
/// machine, and shorter than who waits takes to press the key anew.
const ONCE: Duration = Duration::from_millis(300);

/// From now on this program ends in order. Where that cannot be had, it dies of signals as before.
pub fn watch() {
    let Some(ignored) = ignored() else {
        return;
    };
    let heeded = ENDING.iter().copied();
    let heeded: Vec<c_int> = heeded.filter(|s| ignored & (1 << (s - 1)) == 0).collect();
    let (catching, caught) = mpsc::channel();
    // Caught by who waits for it, and by nobody before: else it would be lost.
    let waiting = thread::Builder::new().name("interrupt".to_owned());
    let _ = waiting.spawn(move || wait(&heeded, catching));
    // No file is begun before signals are caught. Nothing is ever sent: the other end is gone as soon as they are, or cannot be.
    let _ = caught.recv();
}

/// Catches these signals, lets go of `catching`, waits for one, and ends the program.
fn wait(signals: &[c_int], catching: Sender<()>) {
    let Ok(mut caught) = Signals::new(signals) else {
        return;
    };
    drop(catching);
    let Some(first) = caught.forever().next() else {
        return;
    };
    // In a thread of its own: this one has the second signal to wait for.
    let ending = thread::Builder::new().name("ending".to_owned());
    if ending.spawn(move || end_in_order(first)).is_err() {
        end_in_order(first);
    }
    thread::sleep(ONCE);
    caught.pending().for_each(drop);
    if let Some(second) = caught.forever().next() {
        end(second);
    }
}

/// Ends the program when its files are whole and its line is away.
fn end_in_order(signal: c_int) {
    let _files = vmlock_atomic::hold();
    let _line = progress::wipe();
    end(signal);
}

/// Has the signal do what it always does.
fn end(signal: c_int) {
    // The first process of a container does not die of a signal that does what it does by default.
    if process::id() == 1 {
        process::exit(128 + signal);
    }
    // For these three it does not return.
    let _ = emulate_default_handler(signal);
}

/// The signals that this program was started to ignore, as Linux tells them (proc(5)), by bits; `None` where it does not.
fn ignored() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
