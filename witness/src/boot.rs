//! The first instructions of every vCPU, and the tables they install.

use crate::wire;

/// Level 1 translation table, one 1 GiB block per entry.
#[repr(C, align(4096))]
struct Table([u64; 512]);

/// Block, access flag set (Arm ARM D8.3: VMSAv8-64 block descriptors).
const BLOCK: u64 = 1 | 1 << 10;
/// Execute-never for both levels.
const NEVER_EXECUTE: u64 = 3 << 53;
/// Attribute 1 of MAIR_EL1, inner shareable.
const NORMAL: u64 = 1 << 2 | 3 << 8;

/// Identity map of 512 GiB: the first GiB is devices, the rest memory. It is a
/// constant of the image, so that nothing is written while the MMU is off.
static TABLE: Table = {
    let mut table = [0; 512];
    table[0] = BLOCK | NEVER_EXECUTE;
    let mut i = 1;
    while i < 512 {
        table[i] = (i as u64) << 30 | BLOCK | NORMAL;
        i += 1;
    }
    Table(table)
};

core::arch::global_asm!(
    include_str!("boot.s"),
    table = sym TABLE,
    stack_size = const wire::STACK_SIZE,
    main = sym crate::witness,
    fault = sym crate::fault,
);

unsafe extern "C" {
    /// Where CPU_ON starts a vCPU, its index in x0.
    pub safe fn secondary_entry();
}
