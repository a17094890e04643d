//! The first instructions of every vCPU, and the tables they install.

use crate::wire::{self, entry};

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

/// First address that the identity map does not show as it is.
pub const IDENTITY_END: u64 = (TAGGED_INDEX as u64) << 30;

/// Where the windows are seen, one GiB each (TTBR1_EL1).
const WINDOWS: u64 = !0 << 39;

/// Where that place is seen, guest-physical and within what the CPU addresses. A number shows one place for ever.
pub fn window(number: usize, physical: u64) -> u64 {
    const GIB: u64 = 1 << 30;
    let table = core::ptr::with_exposed_provenance_mut::<u64>(wire::WINDOWS_ADDRESS as usize);
    let number = number % 512;
    // SAFETY: the host gave this page to the table; no reference to it exists. Each vCPU writes what vCPU 0 wrote
    // before it started the others, or an entry that was none: nothing that is in use changes.
    unsafe {
        let entry = physical & !(GIB - 1) | BLOCK | NORMAL;
        core::ptr::write_volatile(table.add(number), entry);
        core::arch::asm!("dsb ishst", "isb", options(nostack, preserves_flags));
    }
    WINDOWS + number as u64 * GIB + (physical & (GIB - 1))
}

/// Identity map of 511 GiB: the first GiB is devices, the rest memory. It is a
/// constant of the image, so that nothing is written while the MMU is off.
static TABLE: Table = {
    let mut table = [0; 512];
    table[0] = BLOCK | NEVER_EXECUTE;
    let mut i = 1;
    while i < TAGGED_INDEX {
        table[i] = (i as u64) << 30 | BLOCK | NORMAL;
        i += 1;
    }
    table[TAGGED_INDEX] = wire::RAM_BASE | BLOCK | NEVER_EXECUTE | TAGGED;
    Table(table)
};

/// What is mapped while EL0 is visited: the same, and at [`EL0_BASE`] the first GiB of guest
/// memory, read-only and executable for both levels: a return that is illegal stays at
/// EL1 and must not fail for another reason.
static EL0_TABLE: Table = {
    /// AP: EL0 may read, nobody may write.
    const EL0_READ_ONLY: u64 = 3 << 6;
    let mut table = TABLE.0;
    table[EL0_INDEX] = wire::RAM_BASE | BLOCK | NORMAL | EL0_READ_ONLY;
    Table(table)
};
/// Below 4 GiB, where AArch32 can go.
const EL0_INDEX: usize = 3;

/// The instruction that AArch32 runs: `svc #0` (A32), twice.
#[repr(C, align(16))]
struct Code([u32; 4]);
static EL0_CODE: Code = Code([0xef00_0000; 4]);

/// Goes to AArch32 at EL0 and comes back by its first exception: ESR_EL1.
pub fn aarch32() -> u64 {
    let code = (&raw const EL0_CODE).addr() as u64;
    let address = code - wire::RAM_BASE + ((EL0_INDEX as u64) << 30);
    // SAFETY: `boot.s` saves what the calling convention asks for, and puts the translation table back.
    unsafe { visit_aarch32(address, (&raw const EL0_TABLE).addr() as u64) }
}

unsafe extern "C" {
    /// `boot.s`: the address of the code, the translation table for the visit.
    fn visit_aarch32(address: u64, table: u64) -> u64;
}

/// Where an address of the first GiB of guest memory is seen with its tags.
pub const fn tagged(address: u64) -> u64 {
    address - wire::RAM_BASE + ((TAGGED_INDEX as u64) << 30)
}

/// What is mapped for [`map_devices_as_memory`] and for visits to EL0: the same, and the devices twice more.
#[cfg(feature = "torture")]
static DEVICE_TABLE: Table = {
    /// AP: EL0 may read and write.
    const EL0: u64 = 1 << 6;
    let mut table = EL0_TABLE.0;
    table[DEVICE_INDEX] = BLOCK | NORMAL | NEVER_EXECUTE;
    table[EL0_DEVICE_INDEX] = BLOCK | NEVER_EXECUTE | EL0;
    Table(table)
};
/// As in [`EL0_INDEX`]; a machine that is accessed so has no memory there.
#[cfg(feature = "torture")]
const EL0_DEVICE_INDEX: usize = 2;
#[cfg(feature = "torture")]
const DEVICE_INDEX: usize = TAGGED_INDEX - 1;

/// Where a device is seen as memory, after [`map_devices_as_memory`].
#[cfg(feature = "torture")]
pub const fn device_as_memory(address: u64) -> u64 {
    address + ((DEVICE_INDEX as u64) << 30)
}

/// Where a device is seen at EL0 under [`el0_table`].
#[cfg(feature = "torture")]
pub const fn device_at_el0(address: u64) -> u64 {
    address + ((EL0_DEVICE_INDEX as u64) << 30)
}

/// Where code is seen at EL0.
#[cfg(feature = "torture")]
pub fn at_el0(code: unsafe extern "C" fn()) -> u64 {
    code as *const () as usize as u64 - wire::RAM_BASE + ((EL0_INDEX as u64) << 30)
}

/// The translation table for visits to EL0 that access devices.
#[cfg(feature = "torture")]
pub fn el0_table() -> u64 {
    (&raw const DEVICE_TABLE).addr() as u64
}

/// Lets this vCPU access devices without being aligned.
#[cfg(feature = "torture")]
pub fn map_devices_as_memory() {
    // SAFETY: everything that Rust knows of stays where it is.
    unsafe {
        core::arch::asm!(
            "msr ttbr0_el1, {table}",
            "isb",
            "tlbi vmalle1",
            "dsb nsh",
            "isb",
            table = in(reg) (&raw const DEVICE_TABLE).addr(),
            options(nostack),
        );
    }
}

core::arch::global_asm!(
    include_str!("boot.s"),
    table = sym TABLE,
    stack_size = const wire::STACK_SIZE,
    windows = const wire::WINDOWS_ADDRESS,
    block_shift = const entry::BLOCK_SHIFT,
    ram = const wire::RAM_BASE,
    blocks = const (entry::BLOCKS_ADDRESS - wire::RAM_BASE) >> 12,
    main = sym crate::witness,
    fault = sym crate::fault,
);

unsafe extern "C" {
    /// Where CPU_ON starts a vCPU, its index in x0.
    pub safe fn secondary_entry();

    /// Sets all bits of V0 to V31, some of which belong to the caller: the vCPU has to end after it.
    pub fn leave_vectors();
}
