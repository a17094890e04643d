//! Rows of the table as a filter needs them: without words, and in the order in which it looks for them. That is done when
//! this program is built, so a start has nothing left to sort, and the words stay on their pages.

use super::table::{Argument, Machine, ROWS, Row, Thread};

/// A row without its words.
#[derive(Clone, Copy)]
pub struct Rule {
    /// The call's number.
    pub call: u32,
    /// What an argument has to be.
    pub argument: Argument,
    /// Which machines need it.
    pub machine: Machine,
    threads: Threads,
}

/// Kinds of threads.
#[derive(Clone, Copy)]
pub struct Threads(u32);

impl Threads {
    /// These.
    pub const fn of(threads: &[Thread]) -> Self {
        let (mut all, mut at) = (0, 0);
        while at < threads.len() {
            all |= 1 << threads[at] as u32;
            at += 1;
        }
        Self(all)
    }

    /// These and others.
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 | others.0)
    }
}

impl Rule {
    const fn of(row: &Row) -> Self {
        Self {
            call: row.call as u32,
            argument: row.argument,
            machine: row.machine,
            threads: Threads::of(row.threads),
        }
    }

    /// Whether one of these threads needs it.
    pub const fn is_for(&self, threads: Threads) -> bool {
        self.threads.0 & threads.0 != 0
    }

    /// By call; then what shares a place among the arguments is together, and whatever an argument is comes first.
    const fn order(&self) -> u128 {
        let (kind, place, value) = match self.argument {
            Argument::Any => (0, 0, 0),
            Argument::Is(place, value) => (1, place, value),
            Argument::Lacks(place, bits) => (2, place, bits),
            Argument::Ours(place) => (3, place, 0),
        };
        (self.call as u128) << 64 | kind << 40 | (place as u128) << 32 | value as u128
    }
}

/// All rows.
pub static RULES: [Rule; ROWS.len()] = sorted(ROWS);

/// These rows, in order.
pub const fn sorted<const N: usize>(rows: &[Row]) -> [Rule; N] {
    let mut rules = [Rule::of(&rows[0]); N];
    let mut taken = 1;
    while taken < N {
        let rule = Rule::of(&rows[taken]);
        let mut at = taken;
        while at > 0 && rules[at - 1].order() > rule.order() {
            rules[at] = rules[at - 1];
            at -= 1;
        }
        rules[at] = rule;
        taken += 1;
    }
    rules
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_is_there_and_in_order() {
        assert!(RULES.is_sorted_by_key(|rule| (rule.call, rule.argument)));
        for row in ROWS {
            let same = |rule: &&Rule| {
                (rule.call, rule.argument) == (row.call as u32, row.argument)
                    && rule.machine == row.machine
                    && rule.threads.0 == Threads::of(row.threads).0
            };
            assert!(RULES.iter().any(|rule| same(&rule)), "{row}");
        }
    }
}
