//! Says what happens to a running guest without waiting for whoever reads it.
//!
//! Who holds a guest and who lets it go on must not be held up itself by a pipe that is full. So they hand their words to
//! a thread of its own, which keeps a few of them, in order; of what has no room the oldest are lost, and it says how
//! many. Where there is no such thread, words are said at once.

use crate::failure::Failure;
use crate::jail::elders::Elders;
use crate::jail::table::Thread;
use crate::say::{put, said};
use std::collections::VecDeque;
use std::fmt::Display;
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use vmlock_spec::event::Event;

/// How many wait at most.
const HELD: usize = 64;
/// How long the last ones may wait for their reader.
const FAREWELL: Duration = Duration::from_secs(2);

static SPEAKER: OnceLock<Speaker> = OnceLock::new();

#[derive(Default)]
struct Speaker {
    held: Mutex<Held>,
    /// There is more to be said, or nothing any more.
    changed: Condvar,
}

#[derive(Default)]
struct Held {
    words: VecDeque<String>,
    /// How many had no room since the last ones were said.
    lost: u64,
    /// Something is being said.
    speaks: bool,
}

impl Held {
    fn put(&mut self, words: String) {
        if self.words.len() == HELD {
            self.words.pop_front();
            self.lost += 1;
        }
        self.words.push_back(words);
    }

    /// What is to be said next.
    fn next(&mut self) -> Option<String> {
        match std::mem::take(&mut self.lost) {
            0 => self.words.pop_front(),
            lost => {
                let words = "what was said before is lost, since nobody read it: ";
                Some(said(Event::Note, format_args!("{words}{lost} times")))
            }
        }
    }
}

impl Speaker {
    /// A panic ends the process, so poison says nothing.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn speak(&self) {
        let mut held = self.held();
        loop {
            match held.next() {
                Some(words) => {
                    held.speaks = true;
                    drop(held);
                    put(words);
                    held = self.held();
                    held.speaks = false;
                }
                None => {
                    self.changed.notify_all();
                    held = self.changed.wait(held).unwrap_or_else(|e| e.into_inner());
                }
            }
        }
    }
}

/// Starts the thread, which lives as long as the process.
///
/// # Errors
/// There are no more threads to be had.
pub fn start(elders: &mut Elders) -> Result<(), Failure> {
    let speaker = SPEAKER.get_or_init(Speaker::default);
    elders.spawn(Thread::Speaker, || speaker.speak())
}

/// Says what happened, as soon as somebody reads it.
pub fn event(event: Event, words: impl Display) {
    let words = said(event, words);
    match SPEAKER.get() {
        Some(speaker) => {
            speaker.held().put(words);
            speaker.changed.notify_all();
        }
        None => put(words),
    }
}

/// The guest has ended: waits a while until all is said, so that what follows comes after it.
pub fn finish() {
    if let Some(speaker) = SPEAKER.get() {
        let silent = |held: &mut Held| held.speaks || !held.words.is_empty();
        // Who does not read in that time misses it.
        let _ = speaker
            .changed
            .wait_timeout_while(speaker.held(), FAREWELL, silent);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_have_no_room_and_are_counted_in_their_place() {
        let mut held = Held::default();
        for number in 0..HELD + 3 {
            held.put(number.to_string());
        }
        assert_eq!(
            held.next().as_deref(),
            Some("vmlock-run: what was said before is lost, since nobody read it: 3 times")
        );
        assert_eq!(held.next().as_deref(), Some("3"));
        held.put("last".to_owned());
        let rest: Vec<String> = std::iter::from_fn(|| held.next()).collect();
        assert_eq!((rest.len(), rest[HELD - 1].as_str()), (HELD, "last"));
    }

    #[test]
    fn what_is_said_is_said_by_the_thread_and_waited_for() {
        start(&mut Elders::free()).expect("threads are to be had");
        for number in 0..10 {
            event(Event::Note, format_args!("this is a test: {number}"));
        }
        finish();
        let speaker = SPEAKER.get().expect("it was started");
        assert!(speaker.held().words.is_empty() && !speaker.held().speaks);
    }
}
