//! A vCPU's PMU.

use crate::guest::{Came, DEVICE, Guest, X2, code};
use kvm_bindings::RegList;
use kvm_ioctls::Kvm;
use std::io;

/// PMCR_EL0, PMCNTENSET_EL0, PMCNTENCLR_EL0, PMCCNTR_EL0 (encodings 3 3 9 12 0 to 2, and 13 0) and PMCCFILTR_EL0
/// (3 3 14 15 7).
const PMCR: u64 = 0x6030_0000_0013_dce0;
const PMCNTENSET: u64 = 0x6030_0000_0013_dce1;
const PMCNTENCLR: u64 = 0x6030_0000_0013_dce2;
const PMCCNTR: u64 = 0x6030_0000_0013_dce8;
const PMCCFILTR: u64 = 0x6030_0000_0013_df7f;
/// X3 and X4.
const X3: u64 = X2 + 2;
const X4: u64 = X2 + 4;
/// No register.
const ZERO: u32 = 31;
/// The most registers that a KVM lists, as far as there is room for them (`ARM64_REGS_MAX` of kvm-bindings).
const LISTED: usize = 500;

/// Whether the PMU's registers are listed of a vCPU without one.
pub fn listed(kvm: &Kvm) -> io::Result<String> {
    let guest = Guest::new(kvm, 1, &[])?;
    let mut list = RegList::new(LISTED).map_err(|e| io::Error::other(format!("{e:?}")))?;
    guest.vcpus[0].get_reg_list(&mut list)?;
    let is = list.as_slice().contains(&PMCCNTR);
    Ok(if is { "listed" } else { "not listed" }.to_owned())
}

/// A counter's enable bit alone, by the one register and then by its opposite.
pub fn enables(kvm: &Kvm) -> io::Result<String> {
    const WANTED: u64 = 1 << 1;
    let guest = Guest::with_pmu(kvm, &[])?;
    guest.set(0, PMCNTENSET, WANTED)?;
    let set = guest.get(0, PMCNTENSET)?;
    let more = set & !WANTED;
    if more != 0 {
        guest.set(0, PMCNTENCLR, more)?;
    }
    Ok(format!(
        "SET to {WANTED:#x} reads {set:#x}; CLR of all others {:#x}",
        guest.get(0, PMCNTENSET)?
    ))
}

/// What is told of a cycle counter that runs.
pub fn counts(kvm: &Kvm) -> io::Result<String> {
    let program = [
        code::msr(PMCCFILTR, ZERO),
        code::msr(PMCR, 2),
        code::msr(PMCNTENSET, 3),
        code::BARRIER,
        code::LESS_X4,
        code::BACK,
        code::mrs(0, PMCCNTR),
        code::STORE,
    ];
    let mut guest = Guest::with_pmu(kvm, &program)?;
    // E, C and LC of PMCR_EL0; the cycle counter of the others; and how long.
    for (register, value) in [(X2, 0x45), (X3, 1 << 31), (X4, 200_000)] {
        guest.set(0, register, value)?;
    }
    let seen = match guest.run(0) {
        Came::Store(DEVICE, seen) => u64::from(seen),
        other => return Ok(format!("another exit: {other:?}")),
    };
    let told = guest.get(0, PMCCNTR)?;
    Ok(format!(
        "the guest sees it count {}; what is told is {} that",
        seen > 1000,
        if told < seen { "less than" } else { "at least" },
    ))
}
