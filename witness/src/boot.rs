//! The first instructions of every vCPU, and the tables they install.

use crate::place::{self, GIB};

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
    let table = core::ptr::with_exposed_provenance_mut::<u64>(place::windows() as usize);
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
#[cfg(not(feature = "portable"))]
static TABLE: Table = Table(map(
    &[!1, !0, !0, !0, !0, !0, !0, !0],
    crate::wire::RAM_BASE,
));

/// The same of a machine that is not known yet: all is memory, until `front` has read which is.
#[cfg(feature = "portable")]
static TABLE: Table = Table(map(&[!0; 8], 0));

/// An identity map: memory in each GiB of which the bit is set, devices elsewhere. `image` is in the GiB with the image.
pub const fn map(memory: &[u64; 8], image: u64) -> [u64; 512] {
    let mut table = [0; 512];
    let mut i = 0;
    while i < TAGGED_INDEX {
        let is_memory = memory[i / 64] >> (i % 64) & 1 == 1;
        let kind = if is_memory { NORMAL } else { NEVER_EXECUTE };
        table[i] = (i as u64) << 30 | BLOCK | kind;
        i += 1;
    }
    table[TAGGED_INDEX] = (image / GIB * GIB) | BLOCK | NEVER_EXECUTE | TAGGED;
    table
}

/// What is mapped while EL0 is visited: the same, and at [`el0_index`] the GiB with the image,
/// read-only and executable for both levels: a return that is illegal stays at
/// EL1 and must not fail for another reason.
pub const fn el0(mut table: [u64; 512], image: u64) -> [u64; 512] {
    /// AP: EL0 may read, nobody may write.
    const EL0_READ_ONLY: u64 = 3 << 6;
    table[el0_index(image)] = (image / GIB * GIB) | BLOCK | NORMAL | EL0_READ_ONLY;
    table
}
/// Below 4 GiB, where AArch32 can go, and where the image is not.
const fn el0_index(image: u64) -> usize {
    match image / GIB {
        3 => 2,
        _ => 3,
    }
}

#[cfg(not(feature = "portable"))]
static EL0_TABLE: Table = Table(el0(TABLE.0, crate::wire::RAM_BASE));

/// The translation table for visits to EL0.
fn el0_map() -> u64 {
    #[cfg(not(feature = "portable"))]
    return (&raw const EL0_TABLE).addr() as u64;
    #[cfg(feature = "portable")]
    place::el0_map()
}

/// The instruction that AArch32 runs: `svc #0` (A32), twice.
#[repr(C, align(16))]
struct Code([u32; 4]);
static EL0_CODE: Code = Code([0xef00_0000; 4]);

/// Goes to AArch32 at EL0 and comes back by its first exception: ESR_EL1.
pub fn aarch32() -> u64 {
    let code = (&raw const EL0_CODE).addr() as u64;
    let address = code % GIB + ((el0_index(code) as u64) << 30);
    // SAFETY: `boot.s` saves what the calling convention asks for, and puts the translation table back.
    unsafe { visit_aarch32(address, el0_map()) }
}

unsafe extern "C" {
    /// `boot.s`: the address of the code, the translation table for the visit.
    fn visit_aarch32(address: u64, table: u64) -> u64;
}

/// Takes another identity map, which shows everything that is in use as the one before.
#[cfg(feature = "portable")]
pub fn install(map: u64) {
    // SAFETY: what Rust knows of stays where it is; devices alone are seen otherwise.
    unsafe {
        core::arch::asm!(
            "dsb ish",
            "msr ttbr0_el1, {map}",
            "isb",
            "tlbi vmalle1",
            "dsb nsh",
            "isb",
            map = in(reg) map,
            options(nostack),
        );
    }
}

/// Where an address of the GiB with the image is seen with its tags.
pub const fn tagged(address: u64) -> u64 {
    address % GIB + ((TAGGED_INDEX as u64) << 30)
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
/// As in [`el0_index`]; a machine that is accessed so has no memory there.
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
    let code = code as *const () as usize as u64;
    code % GIB + ((el0_index(code) as u64) << 30)
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

#[cfg(not(feature = "living"))]
core::arch::global_asm!(
    include_str!("boot.s"),
    include_str!("vectors.s"),
    table = sym TABLE,
    stack_size = const crate::wire::STACK_SIZE,
    block_shift = const crate::wire::entry::BLOCK_SHIFT,
    portable = const cfg!(feature = "portable") as u32,
    tree = const place::TREE,
    main = sym crate::witness,
    fault = sym crate::fault,
);

#[cfg(feature = "portable")]
core::arch::global_asm!(include_str!("el2.s"));

unsafe extern "C" {
    /// Where CPU_ON starts a vCPU, the address of its block in x0.
    pub safe fn secondary_entry();

    /// Sets all bits of V0 to V31, some of which belong to the caller: the vCPU has to end after it.
    pub fn leave_vectors();
}
