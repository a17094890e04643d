//! Two reports that were imported: what one guest was shown, before and after. Of what their hosts can be made to show
//! neither tells.

use crate::difference::{Change, by_field, change};
use std::collections::BTreeSet;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::report::{Imported, Reading};

/// What changed, and the names of what one of the two alone tells, which may have changed.
pub fn compare(a: &Imported, b: &Imported) -> (Vec<Change>, Vec<String>) {
    let (before, after) = (a.readings(), b.readings());
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    let (mut changes, mut untold) = (Vec::new(), Vec::new());
    for name in names {
        match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) if before == after => {}
            (Some(before), Some(after)) => {
                match (before.value(), after.value(), register_by_name(name)) {
                    (Some(before), Some(after), Some(info)) => {
                        by_field(name, info, before, after, &mut changes);
                    }
                    _ => changes.push(change(name, words(before), words(after), "")),
                }
            }
            _ => untold.push(name.to_owned()),
        }
    }
    (changes, untold)
}

/// What was shown, vCPU by vCPU where they differ.
fn words(reading: &Reading) -> String {
    match reading {
        Reading::Unseen => String::new(),
        Reading::Alike(_, seen) => seen.to_string(),
        Reading::Apart(all) => {
            let all: Vec<String> = all
                .iter()
                .map(|(vcpu, seen)| format!("{seen} on vCPU {vcpu}"))
                .collect();
            all.join(", ")
        }
    }
}
