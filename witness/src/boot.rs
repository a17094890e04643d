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
/// Attribute 2 of MAIR_EL1, inner shareable.
const TAGGED: u64 = 2 << 2 | 3 << 8;
/// The last GiB of the map shows the first of guest memory once more, with tags; only a CPU that says that it
/// has them ([`crate::feature`]) goes there.
const TAGGED_INDEX: usize = 511;

/// Identity map of 511 GiB: the first GiB is devices, the rest memory. It is a
/// constant of the image, so that nothing is written while the MMU is off.
static TABLE: Table = {
    let mut table = [0; 512];
    table[0] = BLOCK | NEVER_EXECUTE;
    let mut i = 1;
    while i < 512 {
        table[i] = (i as u64) << 30 | BLOCK | NORMAL;
        i += 1;
    }
    table[TAGGED_INDEX] = wire::RAM_BASE | BLOCK | NEVER_EXECUTE | TAGGED;
    Table(table)
};

/// Where an address of the first GiB of guest memory is seen with its tags.
pub const fn tagged(address: u64) -> u64 {
    address - wire::RAM_BASE + ((TAGGED_INDEX as u64) << 30)
}

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
