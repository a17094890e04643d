//! Where the witness's own things are: where the runner puts them (`vmlock_wire`; `link.ld` says the same), or behind
//! the image, wherever that lies (`portable.ld`).

use crate::wire::{self, entry};

/// Bytes of what one entry of the identity map shows.
pub const GIB: u64 = 1 << 30;

/// Where in vCPU 0's block the portable witness puts the address of the device tree.
pub const TREE: usize = 1016;
const _: () = assert!(entry::WORD_COUNT * 8 <= TREE && TREE + 8 <= 1 << entry::BLOCK_SHIFT);

unsafe extern "C" {
    static __parameters: u8;
    static __windows: u8;
    static __blocks: u8;
}

/// The address of something that the linker has put somewhere.
macro_rules! of {
    ($symbol:ident) => {
        (&raw const $symbol).addr() as u64
    };
}
#[cfg(feature = "portable")]
pub(crate) use of;

/// What the host says: [`wire::Parameters`].
pub fn parameters() -> u64 {
    of!(__parameters)
}

/// A page of zeroes for the windows.
pub fn windows() -> u64 {
    of!(__windows)
}

/// A page for the queues of virtio devices, of whoever drives some.
#[cfg(not(feature = "portable"))]
pub fn rings() -> u64 {
    unsafe extern "C" {
        static __rings: u8;
    }
    of!(__rings)
}

/// The block for what a vCPU begins with.
pub fn block(vcpu: u32) -> u64 {
    of!(__blocks) + (u64::from(vcpu) << entry::BLOCK_SHIFT)
}

/// 16 bytes of a vCPU's own whose area is there, the tags of which may be written, in the GiB with the image.
pub fn granule(vcpu: u32, area: u64) -> u64 {
    match cfg!(feature = "portable") {
        true => block(vcpu),
        false => area,
    }
}

/// The lowest address that the first record area may have.
pub const fn least_records() -> u64 {
    match cfg!(feature = "portable") {
        true => 0,
        false => wire::RECORDS_ADDRESS,
    }
}

/// The lowest address at which stolen time is told: others put it beside their devices.
pub const fn least_stolen() -> u64 {
    match cfg!(feature = "portable") {
        true => 64,
        false => wire::RAM_BASE,
    }
}

/// The translation table for visits to EL0, which `front` has made.
#[cfg(feature = "portable")]
pub fn el0_map() -> u64 {
    unsafe extern "C" {
        static __el0_map: u8;
    }
    of!(__el0_map)
}
