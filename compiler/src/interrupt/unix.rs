//! Signals, on Linux. What the caller has the program ignore (nohup) stays ignored.

use super::{ONCE, in_order};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::ffi::c_int;
use std::fs;
use std::process;
use std::sync::mpsc::{self, Sender};
use std::thread;

/// What asks a program to end: its terminal is gone, Ctrl-C, `kill`.
const ENDING: [c_int; 3] = [SIGHUP, SIGINT, SIGTERM];

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
    in_order(move || end(first));
    thread::sleep(ONCE);
    caught.pending().for_each(drop);
    if let Some(second) = caught.forever().next() {
        end(second);
    }
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
