//! A guest that goes nowhere: what no file has room for, and what no other kernel could be given.

use super::pmu;
use crate::hex::Value;
use crate::state::{Interrupts, Serror, Vcpu};
use std::borrow::Cow;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::Lock;
use vmlock_spec::lock::reset::{counters, told};
use vmlock_spec::vm::Feature;

/// Why a guest can neither be saved nor restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stays {
    /// The vCPU of which that is so.
    pub vcpu: usize,
    /// What it is about.
    pub name: &'static str,
    /// Why, in words.
    pub words: String,
}

/// Why a guest of that lock stays where it is, with these vCPUs and their private interrupts.
pub fn stays<'a>(
    lock: &Lock,
    vcpus: impl IntoIterator<Item = (&'a Vcpu, &'a Interrupts)>,
) -> Vec<Stays> {
    let vcpus = vcpus.into_iter().enumerate();
    let all = vcpus.flat_map(|(vcpu, (saved, private))| {
        let all = [
            tags(lock),
            error(saved),
            physical_timer(saved, private, lock),
            counts(saved, lock),
            counters_unknown(lock),
        ];
        let all = all.into_iter().chain(kept_by_some(saved, lock)).flatten();
        all.map(move |(name, words)| Stays {
            vcpu,
            name,
            words: words.into_owned(),
        })
    });
    all.collect()
}

type Why = Option<(&'static str, Cow<'static, str>)>;

fn why(is: bool, name: &'static str, words: &'static str) -> Why {
    is.then_some((name, words.into()))
}

fn word(saved: &Vcpu, name: &str) -> u64 {
    let value = saved.registers.get(name);
    value.and_then(Value::word).unwrap_or(0)
}

fn tags(lock: &Lock) -> Why {
    let words = "its lock has `mte`, and the tags of its memory have no place in a file";
    let has = lock.features.contains(&Feature::Mte);
    why(has, "memory tags", words)
}

fn error(saved: &Vcpu) -> Why {
    // Kernels from 6.18 or so on have it taken while it is given back, and nothing that is read then says whether rightly.
    let words = "it has yet to take an SError";
    why(saved.serror != Serror::None, "SError", words)
}

fn physical_timer(saved: &Vcpu, private: &Interrupts, lock: &Lock) -> Why {
    const CONTROL: &str = "CNTP_CTL_EL0";
    let timer = 1u32 << (lock.machine.private_interrupts.physical_timer & 31);
    let awaited = (private.enabled.0 | private.active.0) & timer != 0;
    if saved.registers.get(CONTROL).is_none() && awaited {
        let words = "it waits for its physical timer, whose registers kernels up to 6.3 keep to themselves (its interrupt is enabled or active, and KVM lists no CNTP_CTL_EL0)";
        return Some((CONTROL, words.into()));
    }
    let words = "its physical timer is set to a time of this host's own counter, which no other host has (CNTP_CTL_EL0.ENABLE)";
    why(word(saved, CONTROL) & 1 != 0, CONTROL, words)
}

fn counts(saved: &Vcpu, lock: &Lock) -> Why {
    let words = "its PMU counts, and kernels up to 5.18 or so do not tell how far (PMCR_EL0.E with PMCNTENSET_EL0)";
    const ENABLED: &str = "PMCNTENSET_EL0";
    let there = register_by_name(ENABLED).map_or(0, |info| told(lock, info));
    let counts = word(saved, "PMCR_EL0") & 1 != 0 && word(saved, ENABLED) & there != 0;
    why(counts, "PMCR_EL0", words)
}

fn counters_unknown(lock: &Lock) -> Why {
    let words = "its lock waives how many counters its PMU has (PMCR_EL0.N), so nobody knows which of the PMU's bits are its guest's";
    let unknown = lock.features.contains(&Feature::Pmu) && counters(lock).is_none();
    why(unknown, "PMCR_EL0", words)
}

/// What only some kernels keep of the PMU's registers.
fn kept_by_some<'a>(saved: &'a Vcpu, lock: &'a Lock) -> impl Iterator<Item = Why> + 'a {
    saved.registers.iter().map(|(info, value)| {
        let kept = pmu::kept(info, value.word()?, lock)?;
        kept.err().map(|words| (&*info.name, words.into()))
    })
}
