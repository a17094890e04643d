//! Warnings where a lock withholds a mitigation from its guest that the CPU model has.

use super::allow::WITHHOLDS;
use super::{Complaint, Context, Severity};
use crate::lock::LockedRegister;
use crate::mitigation::{Mitigation, withheld_from_model, words};
use std::collections::BTreeMap;

/// One warning for each place that decides so, with the names of what it withholds.
pub(super) fn warnings(context: &Context, locked: &[LockedRegister]) -> Vec<Complaint> {
    let mut places: BTreeMap<String, Vec<&Mitigation>> = BTreeMap::new();
    for mitigation in withheld_from_model(locked, context.cpu) {
        let place = context.decided_at(mitigation.path);
        places.entry(place).or_default().push(mitigation);
    }
    let warning = |(place, list): (String, Vec<&Mitigation>)| Complaint {
        code: WITHHOLDS,
        place,
        also: Vec::new(),
        message: format!(
            "the guest is not told what protects it on `{}`: {}",
            context.cpu.name,
            words(&list)
        ),
        help: Some(format!(
            "show it (a newer baseline, or `set`); where it is meant: allow \"{WITHHOLDS}\" reason=\"…\""
        )),
        severity: Severity::Warning,
    };
    places.into_iter().map(warning).collect()
}
