//! Room for the machine: how many vCPUs, and how far guest-physical addresses reach.

use super::{Plan, Refusal};
use crate::lock::Lock;
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
    let bits = lock.machine.address_bits;
    if bits > report.ipa_bits {
        plan.refusals.push(Refusal {
            code: reason::ADDRESS_SPACE,
            name: "address bits".into(),
            wanted: format!("{bits} bits of guest-physical address"),
            offered: format!("{} bits", report.ipa_bits),
            reason: "the machine's address space is larger than what stage 2 can map here \
                     (KVM_CAP_ARM_VM_IPA_SIZE), and a guest can see where it ends"
                .into(),
            from: "spec/memory".into(),
            help: vec!["give the guest less memory, or choose another host".into()],
        });
    }
}
