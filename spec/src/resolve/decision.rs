//! What an entry of the `cpu` block decides of one field, before it is held against silicon and baselines.

use crate::catalogue::Field;
use std::collections::BTreeMap;

/// What a description decides of one field.
pub(super) struct Decision {
    /// `REGISTER.FIELD`.
    pub(super) path: String,
    pub(super) want: Want,
    /// The entry that decides.
    pub(super) place: String,
    /// Where its value stands; where it has none of its own, the entry.
    pub(super) value_at: String,
    /// The lock's name for who decides.
    pub(super) from: String,
}

/// A field's value, against what the baselines make of it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Want {
    Exactly(u64),
    /// A feature hidden: what is less already stays.
    AtMost(u64),
    /// A feature promised: what is more already stays.
    AtLeast(u64),
}

impl Want {
    pub(super) fn of(self, field: &Field, shown: u64) -> u64 {
        match self {
            Want::Exactly(value) => value,
            Want::AtMost(limit) if field.order(shown) > field.order(limit) => limit,
            Want::AtLeast(least) if field.order(shown) < field.order(least) => least,
            Want::AtMost(_) | Want::AtLeast(_) => shown,
        }
    }
}

impl Decision {
    /// One of `pmu`, `debug` and `aarch32`.
    pub(super) fn exactly(path: &str, value: u64, place: &str, from: &str) -> Self {
        Self {
            path: path.to_owned(),
            want: Want::Exactly(value),
            place: place.to_owned(),
            value_at: place.to_owned(),
            from: from.to_owned(),
        }
    }
}

/// Fields by their paths, with the place that decided each.
pub(super) type Decided = BTreeMap<String, String>;
