//! What a living guest would see, held against its lock.
//!
//! The witness looks on the guest's own vCPUs, and drives nothing ([`wire::living`]): what hangs on the guest's own doing
//! binds nobody then, and what it does not look at is counted under its name. What is looked at is judged as in any audit.

use super::wire::{self, Kind};
use super::{Audit, Incomplete, Promise, Sighting, compare, promises};
use crate::lock::{Lock, canonical};
use serde::Serialize;
use std::collections::BTreeMap;

/// Promises of which nobody held all against what is seen, since a living guest would notice, or has changed it itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LeftOut {
    /// What they are about.
    pub what: &'static str,
    /// How many they are.
    pub promises: usize,
}

/// What of a promise holds at any moment of a guest's life and is looked at, and what is left out of it, by name: no
/// promised bit is in neither.
fn split(promise: Promise) -> (Option<Promise>, Option<&'static str>) {
    let Some(judged) = wire::living::judged(promise.key) else {
        return (None, Some(about(promise.key)));
    };
    let Some(value) = promise.value else {
        // That nothing is there is looked at as a whole.
        return (Some(promise), None);
    };
    let mask = promise.mask & judged;
    let bound = Promise {
        value: Some(value & mask),
        mask,
        ..promise
    };
    let left_out = match promise.mask & !judged {
        0 => None,
        all if all == promise.mask => Some(HELD),
        _ => Some(BITS),
    };
    (Some(bound), left_out)
}

/// What is left out of registers that are there: all that they hold, or some of it.
const HELD: &str =
    "what registers hold that a guest writes (only that they are there was looked at)";
const BITS: &str = "single bits that a guest writes (the rest of their registers was looked at)";

/// The promises that are looked at, and those that are left out or of which something is.
pub fn bound(promises: Vec<Promise>) -> (Vec<Promise>, Vec<LeftOut>) {
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    let bound = |promise: Promise| {
        let (bound, left) = split(promise);
        if let Some(what) = left {
            *left_out.entry(what).or_default() += 1;
        }
        bound
    };
    let bound = promises.into_iter().filter_map(bound).collect();
    let left_out = left_out.into_iter();
    let left_out = left_out.map(|(what, promises)| LeftOut { what, promises });
    (bound, left_out.collect())
}

/// What a promise is about that is not looked at.
fn about(key: u64) -> &'static str {
    match wire::kind_of(key) {
        Some(Kind::Gicd | Kind::Gicr) => "what a guest sets in frames of the interrupt controller",
        Some(Kind::GicdWritable | Kind::GicrWritable) => "what of these frames can be written",
        Some(Kind::Search) => "where else such frames are",
        Some(Kind::SystemRegisterWritable) => "bits of the CPU interface that can be written",
        Some(Kind::SystemRegister) => "what PMSELR_EL0 selects",
        Some(Kind::SveVectorLength) => "vector lengths",
        Some(Kind::Use) => "features in use",
        Some(Kind::Entry) => "what a vCPU begins with",
        Some(Kind::CpuOn | Kind::Hvc | Kind::HvcArguments | Kind::Smc) => {
            "firmware calls that change something, or tell who is on"
        }
        Some(Kind::Reach | Kind::Unmapped) => "where memory and addresses end, and what is behind",
        Some(Kind::Uart | Kind::UartWritable | Kind::Rtc | Kind::RtcWritable | Kind::Virtio) => {
            "registers of devices"
        }
        _ => "other things",
    }
}

/// What the witness saw on a living guest's vCPUs against what the lock promises, and what it did not look at. `started`:
/// the digest of the lock that the guest was started with. Nobody has seen to what is left out of another one.
pub fn audit(
    lock: &Lock,
    started: &str,
    sightings: &[Sighting],
    mut incomplete: Vec<Incomplete>,
) -> (Audit, Vec<LeftOut>) {
    if started != canonical::digest(&canonical::write(lock)) {
        incomplete.push(Incomplete {
            vcpu: 0,
            reason: "the guest was started with another lock than this one: what is not looked at may be otherwise"
                .to_owned(),
        });
    }
    seen(lock, sightings, incomplete)
}

/// The same of a guest whose machine was made by that lock. The runner judges so in its jail, where nothing random can be had: what is
/// looked up here is sorted, and not hashed.
pub fn seen(
    lock: &Lock,
    sightings: &[Sighting],
    mut incomplete: Vec<Incomplete>,
) -> (Audit, Vec<LeftOut>) {
    let (bound, left_out) = bound(promises(lock));
    let vcpus = lock.machine.vcpus.len();
    if let Some(beyond) = sightings.iter().find(|s| s.vcpu as usize >= vcpus) {
        incomplete.push(Incomplete {
            vcpu: beyond.vcpu,
            reason: format!("the lock has {vcpus} vCPUs, and the guest has more"),
        });
    }
    (compare(lock, bound, sightings, incomplete), left_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::{fact_name, key_of};
    use crate::report::Seen;

    fn lock() -> Lock {
        let text = include_str!("../../../examples/modern.vm.lock.json");
        canonical::parse(text).expect("it is a lock")
    }

    /// What was seen in a guest that was started with that lock.
    fn audit(
        lock: &Lock,
        sightings: &[Sighting],
        incomplete: Vec<Incomplete>,
    ) -> (Audit, Vec<LeftOut>) {
        super::audit(lock, &started(lock), sightings, incomplete)
    }

    fn started(lock: &Lock) -> String {
        canonical::digest(&canonical::write(lock))
    }

    /// What a guest sees whose lock is kept, and that has written to all that is its own.
    fn kept(lock: &Lock) -> Vec<Sighting> {
        let seen = |promise: Promise| Sighting {
            vcpu: promise.vcpu,
            key: promise.key,
            seen: match promise.value {
                Some(value) => Seen::Value(value | !promise.mask),
                None => Seen::Undefined,
            },
        };
        bound(promises(lock)).0.into_iter().map(seen).collect()
    }

    /// Each bit of each promise, of the lock and of what follows from it, altered: it is noticed, or counted by name.
    #[test]
    fn each_promised_bit_is_compared_or_counted_by_name() {
        let lock = lock();
        let seen = kept(&lock);
        let all = promises(&lock);
        let (judged, left_out) = super::audit(&lock, &started(&lock), &seen, Vec::new());
        assert!(judged.kept(), "{:?}", judged.differences());
        let mut counted: BTreeMap<&str, usize> = BTreeMap::new();
        let mut facts = 0;
        for promise in &all {
            let saw =
                |sighting: &&Sighting| (sighting.vcpu, sighting.key) == (promise.vcpu, promise.key);
            let saw = seen.iter().find(saw).map(|sighting| sighting.seen);
            let notices = |altered: Promise| {
                let (bound, _) = bound(vec![altered]);
                bound
                    .iter()
                    .any(|promise| !saw.is_some_and(|saw| promise.kept(saw)))
            };
            assert!(!notices(*promise), "{}", promise.name());
            facts += usize::from(saw.is_some());
            let bits = promise.value.map_or(0, |_| promise.mask);
            // Something where nothing is promised, or the other way round.
            let other = promise.value.xor(Some(0));
            let mut missed = !notices(Promise {
                value: other,
                mask: 0,
                ..*promise
            });
            for bit in (0..64).map(|n| 1 << n).filter(|bit| bits & bit != 0) {
                let value = promise.value.map(|value| value ^ bit);
                missed |= !notices(Promise { value, ..*promise });
            }
            let (_, left) = bound(vec![*promise]);
            let left: Vec<&str> = left.into_iter().map(|left| left.what).collect();
            assert_eq!(missed, left.len() == 1, "{}: {left:?}", promise.name());
            for what in left {
                *counted.entry(what).or_default() += 1;
            }
        }
        assert_eq!(judged.facts(), facts);
        assert!(facts > 500, "only {facts}");
        let named = left_out.iter().map(|left| (left.what, left.promises));
        assert_eq!(named.collect::<BTreeMap<_, _>>(), counted);
        assert!(
            !counted.contains_key("other things") && counted.len() >= 8,
            "{counted:?}"
        );
        // Settled ones, which no guest sets and which each does.
        let of = |name: &str| {
            let key = key_of(name).expect("a name");
            split(
                *all.iter()
                    .find(|promise| promise.key == key)
                    .expect("it is promised"),
            )
            .1
        };
        for whole in [
            "MDRAR_EL1",
            "OSDLR_EL1",
            "ICC_SRE_EL1",
            "LORID_EL1",
            "MIDR_EL1",
        ] {
            assert_eq!(of(whole), None, "{whole}");
        }
        for held in ["ICC_PMR_EL1", "ICC_IGRPEN1_EL1", "ISR_EL1"] {
            assert_eq!(of(held), Some(HELD), "{held}");
        }
        // No lock promises those of ICC_CTLR_EL1 and OSLSR_EL1.
        for bits in ["GICD_CTLR", "GICR_CTLR"] {
            assert_eq!(of(bits), Some(BITS), "{bits}");
        }
    }

    /// Each promise that is looked at, seen otherwise or not at all: the comparison names it.
    #[test]
    fn each_promise_that_is_not_kept_is_noticed() {
        let lock = lock();
        let mut altered = kept(&lock);
        let (bound, _) = bound(promises(&lock));
        for (sighting, promise) in altered.iter_mut().zip(&bound) {
            sighting.seen = match sighting.seen {
                Seen::Value(value) if promise.mask != 0 => {
                    Seen::Value(value ^ (promise.mask & promise.mask.wrapping_neg()))
                }
                Seen::Value(_) => Seen::Undefined,
                _ => Seen::Value(0),
            };
        }
        let mut names: Vec<(u32, String)> = bound
            .iter()
            .map(|promise| (promise.vcpu, fact_name(promise.key).into_owned()))
            .collect();
        names.sort();
        for sightings in [altered, Vec::new()] {
            let (audit, _) = audit(&lock, &sightings, Vec::new());
            let differences = audit.differences();
            let found: Vec<(u32, String)> =
                differences.into_iter().map(|d| (d.vcpu, d.name)).collect();
            assert_eq!(found, names);
            assert!(!audit.kept());
        }
        // One alone is enough.
        for at in (0..bound.len()).step_by(97) {
            let mut one = kept(&lock);
            one.remove(at);
            assert!(!audit(&lock, &one, Vec::new()).0.kept());
        }
    }

    /// Each entry of the lock, altered by a bit: it is noticed wherever that bit is looked at, and there alone.
    #[test]
    fn an_altered_entry_is_noticed_where_it_is_looked_at() {
        let lock = lock();
        let seen = kept(&lock);
        let mut noticed = 0;
        let mut left_out = Vec::new();
        let mut alter = |name: &str, bit: u64, alter: &dyn Fn(&mut Lock)| {
            let mut altered = lock.clone();
            alter(&mut altered);
            let is_noticed = !audit(&altered, &seen, Vec::new()).0.kept();
            let key = key_of(name).expect("a name of the lock");
            let is_looked_at = wire::living::judged(key).is_some_and(|mask| mask & bit != 0);
            assert_eq!(is_noticed, is_looked_at, "{name}");
            match is_noticed {
                true => noticed += 1,
                false => left_out.push(name.to_owned()),
            }
        };
        for (at, register) in lock.registers.iter().enumerate() {
            let promised = register.promised();
            if register.guest_readable() && promised != 0 {
                let bit = promised & promised.wrapping_neg();
                alter(&register.name, bit, &|lock| lock.registers[at].value ^= bit);
            }
        }
        for (at, register) in lock.gic.registers.iter().enumerate() {
            // Neither control register has its lowest bit to itself.
            let bit = if register.name.ends_with("_CTLR") {
                4
            } else {
                1
            };
            alter(&register.name, bit, &|lock| {
                lock.gic.registers[at].value ^= bit as u32
            });
        }
        for (at, answer) in lock.hypercalls.answers.iter().enumerate() {
            alter(&answer.call, 1, &|lock| {
                lock.hypercalls.answers[at].answer ^= 1
            });
        }
        for at in 0..lock.machine.vcpus.len() {
            alter("MPIDR_EL1", 1 << 8, &|lock| {
                lock.machine.vcpus[at].mpidr ^= 1 << 8
            });
            for (half, bit) in [("GICR_TYPER", 8), ("GICR_TYPER.high", 32)] {
                alter(half, u64::MAX, &|lock| {
                    lock.machine.vcpus[at].redistributor ^= 1 << bit
                });
            }
        }
        assert!(noticed > 150, "only {noticed}");
        // The groups of interrupts, and calls that drive or tell who is on.
        assert!(
            (1..40).contains(&left_out.len()),
            "{}: {left_out:?}",
            left_out.len()
        );
        let named = |name: &String| name.starts_with("GIC") || name.ends_with(')');
        assert!(left_out.iter().all(named), "{left_out:?}");
    }

    #[test]
    fn a_vcpu_that_the_lock_has_not_keeps_nothing() {
        let lock = lock();
        let mut seen = kept(&lock);
        seen.push(Sighting {
            vcpu: 2,
            key: key_of("MIDR_EL1").expect("a name"),
            seen: Seen::Value(0x414f_d0c1),
        });
        assert!(!audit(&lock, &seen, Vec::new()).0.kept());
        assert!(!audit(&lock, &[], Vec::new()).0.kept());
    }

    #[test]
    fn a_guest_of_another_lock_keeps_nothing_whatever_is_seen() {
        let lock = lock();
        let mut other = lock.clone();
        other.machine.memory.size *= 2;
        let started = canonical::digest(&canonical::write(&lock));
        let (audit, _) = super::audit(&other, &started, &kept(&other), Vec::new());
        assert_eq!(audit.differences(), []);
        assert!(!audit.kept());
        assert!(audit.incomplete[0].reason.contains("another lock"));
    }

    #[test]
    fn what_a_guest_writes_itself_binds_nobody() {
        let lock = lock();
        let (bound, _) = bound(promises(&lock));
        let of = |name: &str| {
            let key = key_of(name).expect("a name");
            let promise = bound.iter().find(|promise| promise.key == key);
            *promise.expect("it is promised")
        };
        assert_eq!(of("ICC_PMR_EL1").mask, 0);
        assert_eq!(of("ICC_CTLR_EL1").mask & 0x43, 0);
        assert_eq!(of("OSLSR_EL1").mask & 2, 0);
        assert!(of("MIDR_EL1").mask >= 0xffff_ffff);
        assert_eq!(of("HCR_EL2").value, None);
        assert_eq!(of("GICD_CTLR").mask & 0x1ff, 0xf8);
        assert_eq!(of("GICD_IIDR").value, Some(0x4b00_343b));
        assert!(!bound.iter().any(|p| p.name() == "GICD_IPRIORITYR8"));
    }
}
