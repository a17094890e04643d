//! How many loans a guest gets in how much time.
//!
//! A loan changes the guest's memory map four times, and all of its vCPUs wait for it. A few in a row are
//! free, as a guest needs that puts its interrupts in order; whoever asks on and on waits after each.
//!
//! Pure: whoever asks brings the time.

use std::time::{Duration, Instant};

/// So often, and no more often, for as long as one likes.
const INTERVAL: Duration = Duration::from_millis(4);
/// How many are free after a long time without any.
const FREE: u32 = 250;

/// The loans of one machine.
#[derive(Debug, Default)]
pub struct Pace {
    /// When all the loans so far would have been made, one in each interval.
    due: Option<Instant>,
}

impl Pace {
    /// One more was made at that time: how long whoever asked for it has to wait.
    pub fn one_more(&mut self, now: Instant) -> Option<Duration> {
        let due = self.due.map_or(now, |due| due.max(now)) + INTERVAL;
        self.due = Some(due);
        let ahead = due.saturating_duration_since(now);
        ahead
            .checked_sub(FREE * INTERVAL)
            .filter(|rest| !rest.is_zero())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_free_and_many_are_spread() {
        let (mut pace, begun) = (Pace::default(), Instant::now());
        for _ in 0..FREE {
            assert_eq!(pace.one_more(begun), None);
        }
        assert_eq!(pace.one_more(begun), Some(INTERVAL));
        // Two who ask at the same time wait for each other.
        assert_eq!(pace.one_more(begun), Some(2 * INTERVAL));
        // Whoever waits gets one in each interval.
        let mut now = begun + 2 * INTERVAL;
        for _ in 0..1000 {
            now += pace.one_more(now).expect("a rest");
        }
        assert_eq!(now, begun + 1002 * INTERVAL);
        // A pause makes them free again, and a longer one no more of them.
        for pause in [FREE * INTERVAL, Duration::from_secs(3600)] {
            now += pause;
            let free = (0..2 * FREE).take_while(|_| pace.one_more(now).is_none());
            assert_eq!(free.count(), FREE as usize);
            now += FREE * INTERVAL;
        }
    }
}
