//! A lock on a report that was imported, in words: what a guest was shown beside what the lock says, and no answer.

use super::refused;
use crate::render::{Output, hanging};
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{Plan, Refusal, Untold};
use vmlock_spec::reason;
use vmlock_spec::report::{Imported, Witness};

/// How many names are told before the rest is counted.
const NAMED: usize = 6;

/// For people.
pub fn say(
    host: &str,
    lock: &Lock,
    plan: &Plan,
    imported: &Imported,
    verbose: bool,
    out: &mut Output,
) {
    let is_no = |refusal: &&Refusal| refusal.code != reason::IMPORTED;
    let refused: Vec<Refusal> = plan.refusals.iter().filter(is_no).cloned().collect();
    let verdict = match refused.len() {
        0 => format!("unknown whether it keeps `{}`", lock.name),
        1 => format!(
            "cannot keep `{}`: 1 entry, and the rest is unknown",
            lock.name
        ),
        n => format!(
            "cannot keep `{}`: {n} entries, and the rest is unknown",
            lock.name
        ),
    };
    out.lines(hanging(&format!("{host}: {verdict}")));
    refused::say(&refused, None, verbose, out);
    let open = plan.refusals.iter().find(|refusal| !is_no(refusal));
    if let Some(open) = open {
        out.lines(hanging(&format!("  {}", open.reason)));
    }
    let alike = plan.unknown.iter().filter(|entry| entry.alike);
    let (other, silent): (Vec<&Untold>, Vec<&Untold>) = plan
        .unknown
        .iter()
        .filter(|entry| !entry.alike)
        .partition(|entry| entry.shown.is_some());
    out.lines(hanging(&format!(
        "  {} of {} entries: {} what the lock says, and whether that stays so nobody has tried",
        alike.count(),
        plan.unknown.len(),
        match imported.by {
            Witness::Guest => "a guest was shown",
            Witness::Monitor => "a guest's virtual machine monitor read",
        }
    )));
    let shown = |entry: &Untold| match &entry.shown {
        Some(shown) => format!("{} {shown} for {}", entry.name, entry.wanted),
        None => entry.name.clone(),
    };
    for (entries, words) in [
        (
            other,
            match imported.by {
                Witness::Guest => {
                    "it was shown something else, and whether that can be changed nobody has tried"
                }
                Witness::Monitor => {
                    "it read something else, and whether that can be changed nobody has tried"
                }
            },
        ),
        (
            silent,
            match imported.by {
                Witness::Guest => "nobody looked",
                Witness::Monitor => "nobody looked from inside",
            },
        ),
    ] {
        if entries.is_empty() {
            continue;
        }
        let most = if verbose { entries.len() } else { NAMED };
        let names: Vec<String> = entries
            .iter()
            .take(most)
            .map(|entry| shown(entry))
            .collect();
        let more = match entries.len() - names.len() {
            0 => String::new(),
            n => format!(" and {n} more"),
        };
        out.lines(hanging(&format!(
            "  {} entries: {words}: {}{more}",
            entries.len(),
            names.join(", ")
        )));
    }
    for line in &imported.unknown {
        out.lines(hanging(&format!("  unknown: {line}")));
    }
    for help in open.iter().flat_map(|open| &open.help) {
        out.lines(hanging(&format!("  help: {help}")));
    }
}
