//! Where a saved guest can go: its state, its lock and a host's report → how each register goes over, or why it cannot.
//!
//! A pure function beside the plan of `vmlock-spec`, which says whether a host shows what the lock promises. This says
//! whether that host takes what the guest has made of it. Kernels differ in which registers they list: one that is not
//! there is dropped where the catalogue says that the guest cannot have anything in it, and else refused by name. What the
//! data does not say is refused. It does not replace reading back: a kernel can take what it does not hold.

mod pmu;
mod registers;
mod stays;
#[cfg(test)]
mod tests;

pub use registers::{Carried, Write, begins_anew};
pub use stays::{Stays, stays};

use crate::hex::Hex64;
use crate::state::State;
use serde::Serialize;
use std::collections::BTreeMap;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{Refusal, not_offered};
use vmlock_spec::reason;
use vmlock_spec::report::{HostReport, Reading, Seen, View};

/// Where refusals of what was saved come from.
pub const SAVED: &str = "the saved guest";

/// How a register goes over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// As it was saved.
    Same,
    /// With the lock's bits in place of those that it was saved with, or without bits that no guest reads.
    Translate,
    /// Not at all: the host keeps it to itself, and the guest left it alone.
    Drop,
    /// The file does not have it: it is as a new vCPU has it. Whether the guest had set it, the kernel that it was saved on
    /// does not tell.
    Anew,
}

/// How a saved guest goes to a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    /// The registers of each vCPU, in the lock's order.
    pub vcpus: Vec<Vec<Carried>>,
    /// What cannot; the guest does not go there unless there is nothing.
    pub refusals: Vec<Refusal>,
}

/// Registers of several vCPUs that go over alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The register.
    pub name: &'static str,
    /// How.
    pub way: Way,
    /// Why; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
    /// The vCPUs, by their numbers.
    pub vcpus: Vec<usize>,
}

impl Way {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Translate => "translate",
            Self::Drop => "drop",
            Self::Anew => "anew",
        }
    }
}

impl Carry {
    /// All registers, each once for each way in which it goes over, by the order of their ids.
    pub fn lines(&self) -> Vec<Line> {
        let mut lines: BTreeMap<(u64, Way), Line> = BTreeMap::new();
        for (vcpu, all) in self.vcpus.iter().enumerate() {
            for one in all {
                let line = lines.entry((one.info.id, one.way)).or_insert_with(|| Line {
                    name: &one.info.name,
                    way: one.way,
                    words: one.words.clone(),
                    vcpus: Vec::new(),
                });
                line.vcpus.push(vcpu);
            }
        }
        lines.into_values().collect()
    }

    /// What does not go over as it was, or is not known, in words for people who carry a guest, for each register.
    pub fn left_behind(&self) -> Vec<String> {
        let lines = self.lines().into_iter();
        let some = lines.filter(|line| matches!(line.way, Way::Drop | Way::Anew));
        some.map(|line| format!("{} begins anew: {}", line.name, line.words))
            .collect()
    }
}

/// How that state of a guest of that lock goes to the host of that report. Whether the host keeps the lock, the plan says.
pub fn carry(state: &State, lock: &Lock, report: &HostReport) -> Carry {
    let mut features = lock.features.clone();
    features.sort();
    let Some(view) = report.view(&features) else {
        return Carry {
            vcpus: Vec::new(),
            refusals: not_offered(&features, report),
        };
    };
    let listed: Vec<u64> = view.registers.iter().map(|register| register.id).collect();
    go(state, lock, &vec![listed; state.vcpus.len()], Some(view))
}

/// The same to vCPUs for which KVM lists these registers, each list by id. What the lock waives of their CPU interfaces is
/// theirs to say.
pub fn carry_to(state: &State, lock: &Lock, listed: &[Vec<u64>]) -> Carry {
    go(state, lock, listed, None)
}

fn go(state: &State, lock: &Lock, listed: &[Vec<u64>], view: Option<&View>) -> Carry {
    let mut refused = Refused::default();
    let privates = state.gic.redistributors.iter().map(|r| &r.private);
    for Stays { vcpu, name, words } in stays(lock, state.vcpus.iter().zip(privates)) {
        refused.add(vcpu, name, "nothing of the kind", &words);
    }
    let vcpus = state.vcpus.iter().zip(listed).enumerate();
    let vcpus = vcpus
        .map(|(vcpu, (saved, listed))| registers::carry(vcpu, saved, lock, listed, &mut refused))
        .collect();
    interface(state, lock, view, &mut refused);
    Carry {
        vcpus,
        refusals: refused.0.into_iter().map(Entry::refusal).collect(),
    }
}

/// The CPU interfaces have as many bits of priorities and INTIDs as the lock says, or, where it waives that, as the guest of
/// a report's host has.
fn interface(state: &State, lock: &Lock, view: Option<&View>, refused: &mut Refused) {
    const NAME: &str = "ICC_CTLR_EL1";
    let Some(info) = register_by_name(NAME) else {
        return;
    };
    let fields = ["PRIbits", "IDbits"].map(|name| info.field(name).map_or(0, |f| f.mask()));
    let widths = fields[0] | fields[1];
    let entry = lock.registers.iter().find(|entry| entry.id == info.id);
    let (locked, promised) = entry.map_or((0, 0), |entry| (entry.value, entry.promised()));
    let (mask, waived) = (widths & promised, widths & !promised);
    let host = view.map(|view| match view.seen(NAME) {
        Reading::Alike(_, Seen::Value(value)) => Some(value),
        _ => None,
    });
    for (vcpu, redistributor) in state.gic.redistributors.iter().enumerate() {
        let Hex64(saved) = redistributor
            .interface
            .get(NAME)
            .copied()
            .unwrap_or_default();
        match host {
            Some(None) if waived != 0 => {
                let words = "its lock waives how many bits of priorities and INTIDs there are (PRIbits, IDbits), and the report does not say how many this host has";
                refused.add(vcpu, NAME, "not said", words);
            }
            Some(Some(host)) if (saved ^ host) & waived != 0 => {
                let words = format!(
                    "its {NAME} was saved with other numbers of bits of priorities or INTIDs (PRIbits, IDbits) than this host has"
                );
                refused.add(vcpu, NAME, &format!("{:#x}", host & waived), &words);
            }
            _ => {}
        }
        if (saved ^ locked) & mask != 0 {
            let words = format!(
                "its {NAME} was saved with other numbers of bits of priorities or INTIDs (PRIbits, IDbits) than its lock has"
            );
            refused.add(vcpu, NAME, &format!("{:#x}", locked & mask), &words);
        }
    }
}

/// What cannot go over, each thing once with all vCPUs of which it is so.
#[derive(Default)]
struct Refused(Vec<Entry>);

struct Entry {
    name: String,
    offered: String,
    words: String,
    vcpus: Vec<usize>,
}

impl Refused {
    fn add(&mut self, vcpu: usize, name: &str, offered: &str, words: &str) {
        let same = |entry: &&mut Entry| {
            (&*entry.name, &*entry.offered, &*entry.words) == (name, offered, words)
        };
        match self.0.iter_mut().find(same) {
            Some(entry) => entry.vcpus.push(vcpu),
            None => self.0.push(Entry {
                name: name.to_owned(),
                offered: offered.to_owned(),
                words: words.to_owned(),
                vcpus: vec![vcpu],
            }),
        }
    }
}

impl Entry {
    fn refusal(self) -> Refusal {
        let all: Vec<String> = self.vcpus.iter().map(ToString::to_string).collect();
        let vcpus = match all.as_slice() {
            [one] => format!("vCPU {one}"),
            all => format!("vCPUs {}", all.join(", ")),
        };
        Refusal {
            code: reason::STATE,
            name: self.name,
            wanted: "as it was saved".to_owned(),
            offered: self.offered,
            reason: format!("{vcpus}: {}", self.words),
            from: SAVED.to_owned(),
            help: vec![
                "restore it on a host that takes it, such as the one that it was saved on (`vmlock check FILE --host REPORT…`, with the reports of others, says which); the file is as it was".to_owned(),
            ],
        }
    }
}
