//! What a guest would read on a host that keeps a lock, as far as nobody outside can tell: for a plan that is made
//! before any guest has looked, and proves nothing before one has.
//!
//! Where KVM lists a register, its own value counts; all else is taken to be as the lock has it. A plan on such a view
//! carries out what it would carry out had a guest said so; whether that is so, the witness then sees in the machine of the
//! lock itself. Where it is not, or where the plan already refuses, a guest has to be asked first.

use crate::lock::Lock;
use crate::observation::fact_name;
use crate::report::{Fact, ReportedRegister, Seen};
use crate::smccc::{self, Services};

/// The facts of a view with these registers, sorted by id, on a host that has an SMCCC filter or not: kernels that have
/// one take SMC for a conduit (both came with 6.4).
pub fn presumed(lock: &Lock, registers: &[ReportedRegister], filter: bool) -> Vec<Fact> {
    let listed = |id: u64| {
        let at = registers.binary_search_by_key(&id, |r| r.id).ok()?;
        registers[at].value
    };
    let unlisted = lock
        .registers
        .iter()
        .filter(|entry| listed(entry.id).is_none());
    let unlisted = unlisted
        .filter(|entry| entry.guest_readable())
        .map(|entry| (entry.name.clone(), entry.value));
    let gic = &lock.gic.registers;
    let gic = gic
        .iter()
        .map(|entry| (entry.name.clone(), entry.value.into()));
    let own = Services::of_lock(lock);
    let or = |id: u64, own: u64| listed(id).unwrap_or(own);
    let mut levels = own.workarounds;
    for (level, (id, _)) in levels.iter_mut().zip(smccc::WORKAROUNDS) {
        *level = or(id, *level);
    }
    let services = Services {
        psci: or(smccc::PSCI_VERSION_REGISTER, own.psci.into()) as u32,
        std: or(smccc::STD_BMAP_REGISTER, own.std),
        std_hyp: or(smccc::STD_HYP_BMAP_REGISTER, own.std_hyp),
        vendor_hyp: or(smccc::VENDOR_HYP_BMAP_REGISTER, own.vendor_hyp),
        vendor_hyp_2: or(smccc::VENDOR_HYP_BMAP_2_REGISTER, own.vendor_hyp_2),
        workarounds: levels,
        // A guest without a lock has neither.
        stolen_time: false,
        implementation: None,
        smc: filter,
    };
    let answers = smccc::answers(&services, lock.lock_version).into_iter();
    let answers = answers.map(|(key, x0)| (fact_name(key).into_owned(), x0));
    let fact = |(name, value)| Fact {
        vcpu: 0,
        name,
        seen: Seen::Value(value),
    };
    unlisted.chain(gic).chain(answers).map(fact).collect()
}
