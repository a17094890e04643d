//! What is waited for at a machine's end, and for how long: its threads, and what its devices have begun.

use super::{Ended, Shared};
use crate::kick::kick;
use crate::say;
use std::mem;
use std::sync::TryLockError;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};
use vmm_sys_util::signal::Killable;

/// How long the vCPUs' threads get to leave their work before the process
/// ends without them: one of them may be writing to a pipe that nobody reads.
const FAREWELL: Duration = Duration::from_secs(2);

/// How the machine ends, and when its time is up where it has a limit.
pub(super) fn wait(receiver: &Receiver<Ended>, limit: Option<Duration>) -> Ended {
    let received = match limit {
        Some(limit) => receiver.recv_timeout(limit),
        None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
    };
    match received {
        Ok(how) => how,
        Err(RecvTimeoutError::Timeout) => Ended::TimedOut,
        Err(RecvTimeoutError::Disconnected) => Ended::Broken("every thread has gone".to_owned()),
    }
}

/// Waits until no vCPU's thread is at its work any more, and kicks those that are.
pub(super) fn farewell(threads: &[JoinHandle<()>], left: &Receiver<()>) {
    if left.try_recv() == Err(TryRecvError::Disconnected) {
        return;
    }
    let deadline = Instant::now() + FAREWELL;
    loop {
        for thread in threads.iter().filter(|t| !t.is_finished()) {
            // A thread that ended in between needs no kick.
            let _ = thread.kill(kick());
        }
        match left.recv_timeout(Duration::from_millis(1)) {
            Err(RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            _ => return,
        }
    }
}

/// How long a machine's end waits for who has the devices.
const BUSY: Duration = Duration::from_millis(100);
/// What is said where the end comes first.
const NOT_DONE: &str = "a device is not done; what its guest wrote is left to the host's kernel";

/// Has the devices do what they still have to, for a guest that has ended or `gone` elsewhere, and says where that takes too long. Their threads leave after that.
pub(super) fn finish(shared: &Shared, gone: bool) {
    // A vCPU that could not be told to leave may have them, as one that waits for whoever reads the console.
    let begun = Instant::now();
    let mut bus = loop {
        match shared.bus.try_lock() {
            Ok(mut bus) => break mem::take(&mut *bus),
            Err(TryLockError::Poisoned(bus)) => break mem::take(&mut *bus.into_inner()),
            Err(TryLockError::WouldBlock) if begun.elapsed() < BUSY => thread::sleep(BUSY / 50),
            Err(TryLockError::WouldBlock) => return say::note(NOT_DONE),
        }
    };
    let devices = bus.finish(gone);
    let begun = Instant::now();
    let waited = devices.into_iter().map(|device| device.wait(begun));
    // All of them, whatever the first one did.
    if waited.filter(|done| !done).count() > 0 {
        say::note(NOT_DONE);
    }
}
