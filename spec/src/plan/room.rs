//! Room for the machine: how many vCPUs, and how far guest-physical addresses reach.

use super::{Plan, Refusal};
use crate::lock::Lock;
use crate::machine::IPA_BITS;
use crate::reason;
use crate::report::HostReport;

pub(super) fn room(lock: &Lock, report: &HostReport, plan: &mut Plan) {
    let count = lock.machine.vcpus.len();
    if count > report.vcpus_max as usize {
        plan.refusals.push(Refusal {
            code: reason::TOO_MANY_VCPUS,
            name: "vCPUs".into(),
            wanted: count.to_string(),
            offered: report.vcpus_max.to_string(),
            reason: "KVM on this host gives a guest fewer vCPUs".into(),
            from: "spec/cpu/count".into(),
            help: vec!["choose a host whose KVM gives more".into()],
        });
    }
    let end = lock
        .machine
        .memory
        .base
        .saturating_add(lock.machine.memory.size);
    let bits = report.ipa_bits.min(IPA_BITS);
    if end > 1 << bits {
        plan.refusals.push(Refusal {
            code: reason::ADDRESS_SPACE,
            name: "memory".into(),
            wanted: format!("guest addresses up to {end:#x}"),
            offered: format!("{bits} bits"),
            reason: "the guest's memory ends beyond what stage 2 can map".into(),
            from: "spec/memory".into(),
            help: vec!["give the guest less memory, or choose another host".into()],
        });
    }
}
