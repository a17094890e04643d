//! How much room a machine has: address bits, memory, vCPUs.

use std::ops::RangeInclusive;

/// Bits of guest-physical address of VMs that no lock describes, such as the probe's.
pub const IPA_BITS: u32 = 40;
/// Fewest and most bits of guest-physical address that a machine can have.
pub const ADDRESS_BITS: RangeInclusive<u32> = vmlock_wire::ADDRESS_BITS;
/// Most vCPUs of a machine (`KVM_MAX_VCPUS` of a GICv3, arch/arm64/kvm/vgic/vgic.h, 5.10 to 7.3).
pub const VCPUS_MAX: u32 = 512;
/// The least memory of a machine, in bytes.
pub const MEMORY_MIN: u64 = 64 << 20;
/// The most memory that the address bits hold, in bytes.
pub const MEMORY_MAX: u64 = (1 << *ADDRESS_BITS.end()) - MEMORY_BASE;
/// Start of guest memory.
pub const MEMORY_BASE: u64 = 0x4000_0000;
