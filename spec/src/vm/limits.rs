//! How much of everything a machine may have. The decoder, the JSON Schema and the
//! resolver's rules (`resolve/shape.rs`) read them here.

use crate::space::{MEMORY_MAX, MEMORY_MIN, VCPUS_MAX};
use std::ops::RangeInclusive;

/// Bytes of a machine's name: it becomes part of file names and labels.
pub const NAME_BYTES_MAX: usize = 63;
/// Bytes of any other text: the longest path that Linux opens (`PATH_MAX` counts the NUL that ends it).
pub const TEXT_BYTES_MAX: usize = 4095;
/// Bytes of a kernel command line: arm64's `COMMAND_LINE_SIZE` (arch/arm64/include/uapi/asm/setup.h)
/// counts the NUL that ends it, and what is longer is cut off in silence
/// (`early_init_dt_scan_chosen`, drivers/of/fdt.c).
pub const CMDLINE_BYTES_MAX: usize = 2047;
/// vCPUs of a machine.
pub const VCPUS: RangeInclusive<u64> = 1..=VCPUS_MAX as u64;
/// Bytes of guest memory.
pub const MEMORY_BYTES: RangeInclusive<u64> = MEMORY_MIN..=MEMORY_MAX;
/// vCPUs that a lock of version 1 can hold.
pub const VCPUS_V1: RangeInclusive<u64> = 1..=64;
/// Bytes of guest memory that a lock of version 1 can hold.
pub const MEMORY_BYTES_V1: RangeInclusive<u64> = MEMORY_MIN..=512 << 30;
/// Guest memory comes in blocks of 2 MiB, so that the host can map it with huge pages.
pub const MEMORY_STEP_BYTES: u64 = 2 << 20;
/// Event counters beside the cycle counter (PMCR_EL0.N).
pub const COUNTERS: RangeInclusive<u64> = 0..=31;
/// Breakpoints, and watchpoints: the architecture asks for two (ID_AA64DFR0_EL1.BRPs, WRPs).
pub const BREAKPOINTS: RangeInclusive<u64> = 2..=16;
/// Bits of a vector (ZCR_EL1.LEN), in steps of the least.
pub const VECTOR_BITS: RangeInclusive<u64> = 128..=2048;
