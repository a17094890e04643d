//! Whether the CPU reaches all of the machine's memory.

use super::{Complaints, Context};
use crate::lock::{LockedRegister, v1};
use crate::space::MEMORY_BASE;

/// Refuses memory behind the last address that a guest's page tables can name. Version 1 asked nobody.
pub(super) fn memory(context: &Context, registers: &[LockedRegister], complaints: &mut Complaints) {
    let bits = LockedRegister::physical_bits(registers);
    let most = (1 << bits) - MEMORY_BASE;
    if context.version == v1::VERSION || context.spec.memory <= most {
        return;
    }
    complaints.error(
        "spec::memory-size",
        "/memory",
        format!("the CPU has {bits} bits of address (ID_AA64MMFR0_EL1.PARange), and memory ends behind them"),
        Some(format!("give the guest at most {} GiB, or another CPU", most >> 30)),
    );
}
