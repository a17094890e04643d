//! The registers of one vCPU: how each goes to a host, and what is written there.

use super::{Refused, Way, pmu};
use crate::hex::Value;
use crate::owned::{owns, unreachable};
use crate::state::{Registers, Vcpu};
use std::collections::BTreeSet;
use vmlock_spec::catalogue::{Field, Kind, RegisterInfo, register_by_id};
use vmlock_spec::lock::Lock;
use vmlock_spec::lock::reset::ACTLR;

/// A register that goes over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// The register.
    pub info: &'static RegisterInfo,
    /// How.
    pub way: Way,
    /// Why, in words; empty where there is nothing to say.
    pub words: String,
    /// What is written.
    pub write: Option<Write>,
}

/// What is written to a register of a new vCPU, and in which bits it has to read so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// Its bytes, the least significant first.
    pub bytes: Vec<u8>,
    /// The bits that have to read back, of one of at most 64 bits.
    pub told: u64,
}

/// Carries a vCPU to one for which KVM lists these registers.
pub(super) fn carry(
    vcpu: usize,
    saved: &Vcpu,
    lock: &Lock,
    listed: &[u64],
    refused: &mut Refused,
) -> Vec<Carried> {
    let there: BTreeSet<u64> = listed.iter().copied().collect();
    let mut carried = Vec::new();
    for (info, value) in saved.registers.iter() {
        if let Some(why) = &info.unsaved {
            let words = format!("the file has {}, which no vCPU is given: {why}", info.name);
            refused.add(vcpu, &info.name, "nothing of the kind", &words);
            continue;
        }
        let (way, words, write) = match (unreachable(info, lock), there.contains(&info.id)) {
            (Some(without), _) => {
                let words = format!(
                    "the file has {}, which no guest of its lock reaches: it has no {without}",
                    info.name
                );
                refused.add(vcpu, &info.name, "nothing of the kind", &words);
                continue;
            }
            (None, true) => match write(info, value, lock) {
                Ok(write) if write.bytes == value.bytes() => {
                    (Way::Same, String::new(), Some(write))
                }
                Ok(write) => {
                    let words = match info.kind {
                        Kind::State => "what no guest reads of it stays behind",
                        _ => "its identification is the lock's",
                    };
                    (Way::Translate, words.to_owned(), Some(write))
                }
                // Such a guest stays where it is: `stays` has said so.
                Err(_) => continue,
            },
            (None, false) if has_nothing(info, value) => {
                let words = "this host's kernel keeps it to itself, and the guest left it alone";
                (Way::Drop, words.to_owned(), None)
            }
            (None, false) => {
                let words = format!(
                    "the guest has {} with {value}, and this host's kernel does not take it (KVM does not list it)",
                    info.name
                );
                refused.add(vcpu, &info.name, "no such register", &words);
                continue;
            }
        };
        carried.push(Carried {
            info,
            way,
            words,
            write,
        });
    }
    let missing = there.iter().filter_map(|id| register_by_id(*id));
    let missing = missing.filter(|info| owns(info, lock));
    for info in missing.filter(|info| saved.registers.get(&info.name).is_none()) {
        if info.untold.is_some() {
            carried.push(Carried {
                info,
                way: Way::Anew,
                words: "the kernel that it was saved on keeps it to itself: what the guest may have set there is not known"
                    .to_owned(),
                write: None,
            });
        } else {
            let words = format!(
                "a guest on this host has {}, and the saved one has none: what it held is not known",
                info.name
            );
            refused.add(vcpu, &info.name, "a register of its own", &words);
        }
    }
    carried
}

/// Whether a register that a host does not list says nothing of the guest.
fn has_nothing(info: &RegisterInfo, value: &Value) -> bool {
    let bits = info.untold.zip(value.word());
    bits.is_some_and(|(bits, word)| word & bits == 0)
}

/// Whether a vCPU that goes on has to have there what a new one begins with: ACTLR_EL1, which is the lock's, and what the
/// kernel that it was saved on kept to itself.
pub fn begins_anew(info: &RegisterInfo, saved: &Registers) -> bool {
    info.name == ACTLR || info.untold.is_some() && saved.get(&info.name).is_none()
}

/// What the lock says of an identification register stays as it says; of the PMU's goes over what a guest reads.
fn write(info: &'static RegisterInfo, value: &Value, lock: &Lock) -> Result<Write, String> {
    if let Some(kept) = value.word().and_then(|word| pmu::kept(info, word, lock)) {
        let (word, told) = kept?;
        let bytes = word.to_le_bytes()[..value.bytes().len()].to_vec();
        return Ok(Write { bytes, told });
    }
    let promised = match info.kind {
        Kind::State => 0,
        _ => info.promised(),
    };
    let entry = lock.registers.iter().find(|entry| entry.id == info.id);
    let locked = entry.map_or(0, |entry| entry.value) & promised;
    let bytes = match value.word() {
        Some(word) => (word & !promised | locked).to_le_bytes()[..value.bytes().len()].to_vec(),
        None => value.bytes().to_vec(),
    };
    // A timer's ISTATUS is computed up to 6.12, and what the last exit left from 6.18 on.
    let status = info.field("ISTATUS").map_or(0, Field::mask);
    let told = match info.kind {
        Kind::State => info.told & !status,
        // The rest is the lock's, which may have waived it.
        _ => !promised,
    };
    Ok(Write { bytes, told })
}
