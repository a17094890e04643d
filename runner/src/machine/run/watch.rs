//! What looks after a machine beside its vCPUs: lines that rise by themselves, CPUs that its threads have to stay on, and
//! what is said to its console.

use super::{Ended, Shared};
use crate::cores::Cores;
use crate::cores::watch::{Found, PERIOD};
use crate::device::clock;
use crate::hold::barrier::Hold;
use crate::kvm::bury;
use crate::machine::reader::{Reader, wait as wait_for};
use crate::machine::terminal::{Key, Keys};
use crate::speaker;
use std::io::Read;
use std::sync::TryLockError;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use vmlock_spec::event::Event;

/// How soon it is tried again to raise a line while somebody is at the devices.
const SOON: Duration = Duration::from_millis(10);

/// Watches over the machine until it ends. Raises the lines that rise by themselves; looks now and then whether the
/// vCPUs' threads stay on their CPUs, and pauses the guest while they do not; `console`: ends it as soon as nobody reads
/// what it says. It waits for no vCPU and no device: none of it keeps the rest from being done.
pub(super) fn keep(shared: &Shared, cores: &Cores, console: bool) {
    let reader = console.then(Reader::new).flatten();
    let mut paused = None;
    let begun = Instant::now();
    let mut next = begun;
    while !shared.stop.load(Ordering::Acquire) {
        if Instant::now() >= next {
            // What a rehearsal left takes its time: a guest that has ended by now leaves it to the end of the process.
            if next > begun {
                bury();
            }
            next = Instant::now() + PERIOD;
            look(shared, cores, &mut paused);
        }
        let mut left = next.saturating_duration_since(Instant::now());
        // The host's clock may be set meanwhile; it is asked again after each wait.
        match shared.alarm.left(clock::now()) {
            Some(Duration::ZERO) if ring(shared) => continue,
            Some(Duration::ZERO) => left = left.min(SOON),
            Some(alarm) => left = left.min(alarm),
            None => {}
        }
        match &reader {
            Some(reader) if reader.goes_within(left, &shared.alarm) => {
                return shared.end(Ended::Unread);
            }
            Some(_) => {}
            None => wait_for(left, &shared.alarm),
        }
    }
}

/// Holds the guest where its threads are astray, lets go of it where they are back, and says so. `paused`: why it is held.
fn look(shared: &Shared, cores: &Cores, paused: &mut Option<(String, Hold)>) {
    let found = cores.look(&shared.barrier.threads());
    match found {
        Found::Loose(words) if paused.as_ref().is_some_and(|(why, _)| *why == words) => {}
        Found::Loose(words) => {
            let hold = shared.barrier.hold();
            speaker::event(Event::Paused, format_args!("the guest is paused: {words}"));
            *paused = Some((words, hold));
        }
        Found::Held | Found::Caught(_) => {
            if paused.take().is_some() {
                speaker::event(
                    Event::Resumed,
                    format_args!("the guest goes on, on {cores}"),
                );
            } else if let Found::Caught(words) = found {
                speaker::event(Event::Note, format_args!("of the guest, {words}"));
            }
        }
    }
}

/// Raises the lines that rise by themselves and whose time has come; false where somebody is at the devices, who may stay
/// there for as long as nobody reads the console.
fn ring(shared: &Shared) -> bool {
    let mut bus = match shared.bus.try_lock() {
        Ok(bus) => bus,
        Err(TryLockError::Poisoned(bus)) => bus.into_inner(),
        Err(TryLockError::WouldBlock) => return false,
    };
    for line in bus.rung() {
        shared.line(&bus, Some(line));
    }
    shared.alarm.set(bus.rings_at());
    true
}

/// Carries what is said to the console until its end. Waits while the UART is full.
pub(super) fn input(shared: &Shared, mut from: impl Read, escape: bool) {
    let mut keys = Keys::default();
    let mut buffer = [0u8; 64];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return,
            Ok(count) => count,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => return,
        };
        let mut input = Vec::with_capacity(count);
        for &byte in &buffer[..count] {
            match if escape {
                keys.press(byte)
            } else {
                Key::Guest(byte)
            } {
                Key::Guest(byte) => input.push(byte),
                Key::Wait => {}
                Key::Quit => return shared.end(Ended::Quit),
            }
        }
        if !offer(shared, &input) {
            return;
        }
    }
}

/// Gives the console all of it; false when the machine ends before.
fn offer(shared: &Shared, mut bytes: &[u8]) -> bool {
    // The end of the machine wakes nobody here.
    const LOOK: Duration = Duration::from_millis(100);
    let mut bus = shared.bus();
    loop {
        let (taken, line) = bus.console_input(bytes);
        shared.line(&bus, line);
        bytes = &bytes[taken..];
        if bytes.is_empty() {
            return true;
        }
        if shared.stop.load(Ordering::Acquire) {
            return false;
        }
        let waited = shared.room.wait_timeout(bus, LOOK);
        bus = waited.unwrap_or_else(|e| e.into_inner()).0;
    }
}
