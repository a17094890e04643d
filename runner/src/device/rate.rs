//! Words about what a guest does wrong, bounded: a guest cannot flood stderr.

use crate::say;
use std::fmt::Display;
use std::time::{Duration, Instant};
use vmlock_spec::event::Event;

/// At most so many messages per window.
const BURST: u32 = 8;
const WINDOW: Duration = Duration::from_secs(10);

/// Lets a few messages per window pass and counts the rest.
#[derive(Debug, Default)]
pub struct RateLimit {
    window: Option<Instant>,
    passed: u32,
    dropped: u64,
}

/// Whether a message may be shown.
#[derive(Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Show it.
    Show,
    /// Show it, and say that so many were dropped since the last one.
    ShowAfter(u64),
    /// Show it as the last one for now.
    ShowLast,
    /// Do not show it.
    Drop,
}

impl RateLimit {
    /// Says what the guest does wrong at that time, if it may be said.
    pub fn say(&mut self, now: Instant, words: impl Display) {
        if let Some(words) = self.words(now, words) {
            say::event(Event::Guest, words);
        }
    }

    /// What to say at that time, if anything.
    pub fn words(&mut self, now: Instant, words: impl Display) -> Option<String> {
        Some(match self.ask(now) {
            Verdict::Drop => return None,
            Verdict::Show => words.to_string(),
            Verdict::ShowLast => format!("{words} (further ones are not shown for a while)"),
            Verdict::ShowAfter(dropped) => format!("{words} ({dropped} others were not shown)"),
        })
    }

    /// Decides about one message at that time.
    pub fn ask(&mut self, now: Instant) -> Verdict {
        let fresh = self
            .window
            .is_none_or(|start| now.saturating_duration_since(start) >= WINDOW);
        if fresh {
            self.window = Some(now);
            self.passed = 1;
            return match std::mem::take(&mut self.dropped) {
                0 => Verdict::Show,
                dropped => Verdict::ShowAfter(dropped),
            };
        }
        if self.passed >= BURST {
            self.dropped += 1;
            return Verdict::Drop;
        }
        self.passed += 1;
        if self.passed == BURST {
            Verdict::ShowLast
        } else {
            Verdict::Show
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_not_shown() {
        let mut limit = RateLimit::default();
        let start = Instant::now();
        for n in 1..=BURST {
            let expected = if n == BURST {
                Verdict::ShowLast
            } else {
                Verdict::Show
            };
            assert_eq!(limit.ask(start), expected);
        }
        for _ in 0..1000 {
            assert_eq!(limit.ask(start), Verdict::Drop);
        }
        assert_eq!(limit.ask(start + WINDOW), Verdict::ShowAfter(1000));
        assert_eq!(limit.ask(start + WINDOW), Verdict::Show);
    }
}
