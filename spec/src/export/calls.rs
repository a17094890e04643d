//! Who decides what a firmware call answers: found by asking the model of KVM's answers again with each decider changed.

use crate::lock::Lock;
use crate::observation::wire;
use crate::smccc::{self, Services, answer_to, answers};
use std::collections::{BTreeMap, BTreeSet};

/// Who decides an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Decider {
    /// The firmware register with that KVM register id.
    Register(u64),
    /// Whether a vCPU has a stolen-time structure.
    StolenTime,
    /// The kernel or silicon: whether SMC is a conduit, and the levels of workarounds.
    Kernel,
}

/// The structure that a call tells the place of, once a guest has found it.
const STRUCTURE: u64 = wire::key(wire::Kind::Use, wire::USE_STOLEN_TIME);

/// Whether that fact is about the stolen-time structure.
pub(super) fn of_structure(key: u64) -> bool {
    key == STRUCTURE
}

/// Whether a guest finds its stolen-time structure.
pub(super) fn tells_stolen_time(services: &Services) -> bool {
    services.stolen_time && services.std_hyp & 1 != 0
}

/// What decides the answers once a firmware register was written.
pub(super) fn write(services: &mut Services, id: u64, value: u64) {
    match id {
        smccc::PSCI_VERSION_REGISTER => services.psci = value as u32,
        smccc::STD_BMAP_REGISTER => services.std = value,
        smccc::STD_HYP_BMAP_REGISTER => services.std_hyp = value,
        smccc::VENDOR_HYP_BMAP_REGISTER => services.vendor_hyp = value,
        smccc::VENDOR_HYP_BMAP_2_REGISTER => services.vendor_hyp_2 = value,
        _ => {}
    }
}

/// For each call that the model knows, and for the stolen-time structure, by its key: who decides what a guest finds;
/// none where it is always the same.
pub(super) fn deciders(lock: &Lock) -> BTreeMap<u64, BTreeSet<Decider>> {
    let own = Services::of_lock(lock);
    let model = |services: &Services| answers(services, lock.lock_version);
    let promised = model(&own);
    let mut out: BTreeMap<u64, BTreeSet<Decider>> = BTreeMap::new();
    for (key, _) in &promised {
        out.entry(*key).or_default();
    }
    let of_structure = [
        Decider::StolenTime,
        Decider::Register(smccc::STD_HYP_BMAP_REGISTER),
    ];
    out.insert(STRUCTURE, of_structure.into());
    for (decider, services) in others(own) {
        let other = model(&services);
        for (key, answer) in promised.iter().chain(&other) {
            let moved = [&promised, &other].map(|model| answer_to(model, *key));
            if moved != [Some(*answer); 2] {
                out.entry(*key).or_default().insert(decider);
            }
        }
    }
    out
}

/// The same services with one decider changed, each with that one.
fn others(own: Services) -> Vec<(Decider, Services)> {
    use Decider::{Kernel, Register, StolenTime};
    let mut out = Vec::new();
    for (psci, _) in smccc::PSCI_VERSIONS {
        let other = Services { psci: *psci, ..own };
        out.push((Register(smccc::PSCI_VERSION_REGISTER), other));
    }
    for bit in [1, 2] {
        let (std, std_hyp) = (own.std ^ bit, own.std_hyp ^ bit);
        let (vendor_hyp, vendor_hyp_2) = (own.vendor_hyp ^ bit, own.vendor_hyp_2 ^ bit);
        let other = Services { std, ..own };
        out.push((Register(smccc::STD_BMAP_REGISTER), other));
        let other = Services { std_hyp, ..own };
        out.push((Register(smccc::STD_HYP_BMAP_REGISTER), other));
        let other = Services { vendor_hyp, ..own };
        out.push((Register(smccc::VENDOR_HYP_BMAP_REGISTER), other));
        let other = Services {
            vendor_hyp_2,
            ..own
        };
        out.push((Register(smccc::VENDOR_HYP_BMAP_2_REGISTER), other));
    }
    for level in 0..=3 {
        let workarounds = [level; 3];
        out.push((Kernel, Services { workarounds, ..own }));
    }
    let smc = !own.smc;
    out.push((Kernel, Services { smc, ..own }));
    let stolen_time = !own.stolen_time;
    out.push((StolenTime, Services { stolen_time, ..own }));
    out
}
