//! Ctrl-C, and the other ways to ask a program to end: at once, and with nothing half done.
//!
//! A command that only reads dies of the signal, as any program does. One that writes files is ended here: the files that are
//! being replaced together are finished, within the time of a flush to the disk, and no others are begun; the line that tells how
//! far it is goes away; then the signal does what it always does, so that the shell sees who ended the program (130 after
//! Ctrl-C) and ends its loop, too. A second signal waits for nothing; what comes right after the first is the same wish once more,
//! sent to the program and to its group (`timeout`), or sent on by a wrapper. What the caller has the program ignore (nohup)
//! stays ignored.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use crate::progress;
use std::thread;
use std::time::Duration;
#[cfg(unix)]
pub use unix::watch;
#[cfg(windows)]
pub use windows::watch;

/// How long a signal is the first one still, however often it comes: longer than who sends it twice at once takes on a busy
/// machine, and shorter than who waits takes to press the key anew.
const ONCE: Duration = Duration::from_millis(300);

/// Ends the program when its files are whole and its line is away, in a thread of its own: the caller has the second signal
/// to wait for.
fn in_order(end: impl Fn() + Clone + Send + 'static) {
    let own = end.clone();
    let ending = thread::Builder::new().name("ending".to_owned());
    if ending.spawn(move || last(own)).is_err() {
        last(end);
    }
}

fn last(end: impl Fn()) {
    let _files = vmlock_atomic::hold();
    let _line = progress::wipe();
    end();
}
