//! What the virtual counter of a restored guest has counted meanwhile, where its lock has it go on across saves
//! (`across-saves "goes-on"`). Who restores it asks for the time and for the counter's frequency.

use crate::state::Machine;

/// Nanoseconds of a second.
const SECOND: u128 = 1_000_000_000;

/// Ticks of the virtual counter between a save and `now`, in nanoseconds since 1970-01-01T00:00:00Z, by the wall clocks
/// of both hosts; `frequency` is CNTFRQ_EL0, in ticks a second.
///
/// The counter was read before the wall clock: what passed between the two is not counted.
///
/// # Errors
/// In words, why none can be added: the counter stands still then.
pub fn passed(saved: &Machine, now: u64, frequency: u64) -> Result<u64, String> {
    let Some(time) = now.checked_sub(saved.wall_clock) else {
        let back = seconds(saved.wall_clock - now);
        return Err(format!(
            "this host's wall clock is {back} behind that of the host at the save"
        ));
    };
    let ticks = u128::from(time) * u128::from(frequency) / SECOND;
    let ticks = u64::try_from(ticks).ok();
    let ticks = ticks.filter(|ticks| saved.virtual_counter.0.checked_add(*ticks).is_some());
    ticks.ok_or_else(|| {
        let time = seconds(time);
        format!("the counter has no room for the {time} between the wall clocks of both hosts")
    })
}

/// A time in nanoseconds, for people.
pub fn seconds(time: u64) -> String {
    format!("{}.{:03} s", time / 1_000_000_000, time / 1_000_000 % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hex::Hex64;

    const DAY: u64 = 86_400 * 1_000_000_000;

    fn saved(counter: u64, wall_clock: u64) -> Machine {
        Machine {
            virtual_counter: Hex64(counter),
            wall_clock,
        }
    }

    #[test]
    fn a_counter_counts_what_the_wall_clocks_say_and_never_back() {
        for (now, frequency, ticks) in [
            (DAY, 62_500_000, 0),
            (DAY + 1, 62_500_000, 0),
            (DAY + 16, 62_500_000, 1),
            (2 * DAY, 62_500_000, 86_400 * 62_500_000),
            (2 * DAY, 1_000_000_000, DAY),
            (u64::MAX, 0, 0),
        ] {
            assert_eq!(passed(&saved(7, DAY), now, frequency), Ok(ticks), "{now}");
        }
        for (now, words) in [
            (0, "86400.000 s behind"),
            (DAY - 1, "0.000 s behind"),
            (DAY - 1_500_000_000, "1.500 s behind"),
        ] {
            let said = passed(&saved(7, DAY), now, 62_500_000).unwrap_err();
            assert!(said.contains(words), "{said}");
        }
    }

    #[test]
    fn a_counter_that_would_begin_anew_stands_still() {
        let last = saved(u64::MAX - 5, 0);
        assert_eq!(passed(&last, 5, 1_000_000_000), Ok(5));
        for (saved, now, frequency) in [
            (last, 6, 1_000_000_000),
            (saved(1, 0), u64::MAX, 1_000_000_000),
            (saved(0, 0), u64::MAX, u64::MAX),
        ] {
            let said = passed(&saved, now, frequency).unwrap_err();
            assert!(said.contains("no room"), "{said}");
        }
    }
}
