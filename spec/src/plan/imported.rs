//! A lock on a report that was imported: what one guest was shown beside what the lock says, and no answer.
//!
//! Nothing here is ever kept. Only what no kernel, no virtual machine monitor and no lock can change is refused for good:
//! the frequency of the counter.

use super::Refusal;
use crate::lock::{Lock, LockedRegister};
use crate::observation::scope::Scope;
use crate::observation::{key_of, promises};
use crate::reason;
use crate::report::{Imported, Reading, Seen};
use serde::Serialize;
use std::collections::BTreeSet;

/// The register that firmware alone writes, before any kernel runs (Arm ARM DDI 0487, CNTFRQ_EL0); KVM traps no access to it.
const FREQUENCY: &str = "CNTFRQ_EL0";

/// An entry of a lock of which nobody knows whether a host can keep it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Untold {
    /// The entry's name.
    pub name: String,
    /// What the lock promises.
    pub wanted: String,
    /// What a guest was shown there, which nobody has tried to keep so or to change; `None` where nobody looked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shown: Option<String>,
    /// Whether that is what the lock promises.
    pub alike: bool,
}

/// The lock's frequency and what a guest read there instead; `None` where it is the lock's, or nobody looked.
fn frequency<'a>(lock: &'a Lock, imported: &Imported) -> Option<(&'a LockedRegister, u64)> {
    let entry = lock
        .registers
        .iter()
        .find(|entry| entry.name == FREQUENCY)?;
    let shown = imported.seen(FREQUENCY).value()?;
    ((shown ^ entry.value) & entry.promised() != 0).then_some((entry, shown))
}

/// What a plan on such a report refuses: never nothing.
pub(super) fn refusals(lock: &Lock, imported: &Imported) -> Vec<Refusal> {
    let mut refusals = vec![Refusal {
        code: reason::IMPORTED,
        name: "unknown".to_owned(),
        wanted: "what the lock says".to_owned(),
        offered: Refusal::UNTOLD.to_owned(),
        reason: format!(
            "the report was imported ({}): it tells what one guest was shown there, and nobody has tried what this host keeps",
            imported.of
        ),
        from: "the rule that unknown means no".to_owned(),
        help: vec!["make a report on the host with `vmlock-run probe`".to_owned()],
    }];
    if let Some((entry, shown)) = frequency(lock, imported) {
        refusals.push(Refusal {
            code: reason::SILICON_FACT,
            name: FREQUENCY.to_owned(),
            wanted: format!("{:#x}", entry.value),
            offered: format!("{shown:#x}"),
            reason: format!("a guest on this host reads {shown:#x} there, which its firmware decides"),
            from: entry.from.clone(),
            help: vec![format!(
                "choose a host whose counter has that frequency, or waive it with `vary \"{FREQUENCY}.ClockFreq\"`"
            )],
        });
    }
    refusals
}

/// All that a lock promises of CPUs, firmware and interrupt controller and that is not refused for good, with what a guest was
/// shown of it. Memory, devices
/// and the state in which a vCPU begins are the machine's, and no other machine's guest tells of them.
pub(super) fn unknown(lock: &Lock, imported: &Imported) -> Vec<Untold> {
    let promised = |entry: &&LockedRegister| entry.promised() != 0;
    let registers = lock.registers.iter().filter(promised);
    let refused = frequency(lock, imported).is_some();
    let mut entries: Vec<Untold> = registers
        .clone()
        .filter(|entry| !(refused && entry.name == FREQUENCY))
        .map(|entry| {
            let reading = imported.seen(&entry.name);
            let alike = |value| (value ^ entry.value) & entry.promised() == 0;
            Untold {
                name: entry.name.clone(),
                wanted: format!("{:#x}", entry.value),
                alike: reading.value().is_some_and(alike),
                shown: words(&reading),
            }
        })
        .collect();
    let mut told: BTreeSet<u64> = registers.filter_map(|entry| key_of(&entry.name)).collect();
    for promise in promises(lock) {
        let of_host = matches!(
            Scope::of(promise.key),
            Scope::Cpu | Scope::Firmware | Scope::Gic
        );
        // What is each vCPU's own comes of the machine, and is told of the first.
        if !of_host || promise.vcpu != 0 || !told.insert(promise.key) {
            continue;
        }
        let name = promise.name();
        let reading = imported.seen(&name);
        entries.push(Untold {
            wanted: match promise.value {
                Some(value) => format!("{value:#x}"),
                None => "nothing there".to_owned(),
            },
            alike: matches!(&reading, Reading::Alike(_, seen) if promise.kept(*seen)),
            shown: words(&reading),
            name: name.into_owned(),
        });
    }
    entries
}

/// What was shown, in words.
fn words(reading: &Reading) -> Option<String> {
    let one = |seen: &Seen| seen.to_string();
    match reading {
        Reading::Unseen => None,
        Reading::Alike(_, seen) => Some(one(seen)),
        Reading::Apart(all) => {
            let all: Vec<String> = all.iter().map(|(_, seen)| one(seen)).collect();
            Some(format!("{}, by vCPU", all.join(" or ")))
        }
    }
}
