//! Ctrl-C, and the other ways to ask a program to end: at once, and with nothing half done.
//!
//! A command that only reads dies of the signal, as any program does. One that writes files is ended here: the file that is
//! being replaced is finished, within the time of a flush to the disk, and no other is begun; the line that tells how
//! far it is goes away; then the signal does what it always does, so that the shell sees who ended the program (130 after
//! Ctrl-C) and ends its loop, too. A second signal waits for nothing. What the caller has the program ignore (nohup)
//! stays ignored.

use crate::progress;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::flag;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;
use std::ffi::c_int;
use std::fs;
use std::process;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
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
    let asked = Arc::new(AtomicBool::new(false));
    for signal in signals {
        // In this order: the first one finds that nobody has asked yet. Should the system refuse, the first one counts.
        let _ = flag::register_conditional_default(*signal, Arc::clone(&asked));
        let _ = flag::register(*signal, Arc::clone(&asked));
    }
    if let Some(signal) = caught.forever().next() {
        let _files = vmlock_atomic::hold();
        let _line = progress::wipe();
        // The first process of a container does not die of a signal that does what it does by default.
        if process::id() == 1 {
            process::exit(128 + signal);
        }
        // For these three it does not return.
        let _ = emulate_default_handler(signal);
    }
}

/// The signals that this program was started to ignore, as Linux tells them (proc(5)), by bits; `None` where it does not.
fn ignored() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"))?;
    u64::from_str_radix(mask.trim(), 16).ok()
}
