//! What the witness and the program that runs it say to each other: the guest
//! physical addresses, the parameters going in and the records coming out.
//!
//! A crate of its own, because the witness is a bare-metal guest: here is nothing
//! that needs `std` or another crate.
//!
//! The host writes the flat witness image to [`LOAD_ADDRESS`] and one
//! [`Parameters`] to [`PARAMETERS_ADDRESS`], zeroes the record areas, starts
//! vCPU 0 at [`LOAD_ADDRESS`] in EL1 and lets the others wait for PSCI CPU_ON.
//! The guest ends with PSCI SYSTEM_OFF. Area `i`, at
//! `records + i * stride`, holds what vCPU `i` saw: one [`AreaHeader`], then
//! `count` times a [`Record`]. Everything is little-endian.
//!
//! A guest that runs under a broken kernel may write anything into its areas:
//! whoever reads them must bound `count` by the stride and accept any key.

#![no_std]

pub mod accesses;
pub mod calls;
pub mod device;
pub mod entry;
pub mod frames;
pub mod living;
pub mod moments;
pub mod registers;
pub mod text;
pub mod torture;
pub mod tree;
pub mod virtio;

/// Start of guest RAM, guest-physical.
pub const RAM_BASE: u64 = 0x4000_0000;

/// Where the host puts [`Parameters`], guest-physical.
pub const PARAMETERS_ADDRESS: u64 = RAM_BASE + 0x10_0000;

/// Where the host puts the flat image, guest-physical. The entry point is its
/// first byte; no register has to hold anything.
pub const LOAD_ADDRESS: u64 = RAM_BASE + 0x20_0000;

/// Bytes that each vCPU's stack takes, right behind the image.
pub const STACK_SIZE: u64 = 0x2000;

/// The lowest guest-physical address that [`Parameters::records`] may have:
/// the image, [`MAX_VCPUS`] stacks and as many blocks of [`entry`] end below it.
pub const RECORDS_ADDRESS: u64 = RAM_BASE + 0x80_0000;

/// A page of zeroes, guest-physical, in which the witness makes a translation table: the windows
/// through which it looks at places that its identity map does not show, or not as they should be seen.
pub const WINDOWS_ADDRESS: u64 = RAM_BASE + 0x11_0000;

/// A page, guest-physical, in which the witness makes the queues of virtio devices, one after the other.
pub const RINGS_ADDRESS: u64 = RAM_BASE + 0x12_0000;

/// Bytes per record area that always suffice.
pub const AREA_STRIDE: u64 = 0x1_0000;

/// The most vCPUs the witness can visit. KVM on arm64 has no more
/// (`KVM_MAX_VCPUS`, arch/arm64/include/asm/kvm_host.h, v6.12).
pub const MAX_VCPUS: usize = 512;

/// Bytes of the frames in which interrupt controllers are searched for: GICv3
/// frames are 64 KiB (IHI 0069, section 12.1.4), and so aligned.
pub const FRAME_SIZE: u64 = 0x1_0000;

/// The most frames of one range that are searched: 4 GiB.
pub const MAX_FRAMES: u64 = 0x1_0000;

/// The most ranges that are searched: a distributor and two regions of redistributors, shown and hidden.
pub const MAX_SEARCHES: usize = 6;

/// A range that is searched for interrupt controllers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
pub struct Search {
    /// Guest-physical address of its first frame, a multiple of [`FRAME_SIZE`].
    pub base: u64,
    /// Number of frames, at most [`MAX_FRAMES`].
    pub frames: u64,
}

/// First word of [`Parameters`]: "VMLKPARM".
pub const PARAMETERS_MAGIC: u64 = u64::from_le_bytes(*b"VMLKPARM");

/// First word of an [`AreaHeader`] once its vCPU has begun: "VMLKAREA".
pub const AREA_MAGIC: u64 = u64::from_le_bytes(*b"VMLKAREA");

/// Version of everything in this file.
pub const VERSION: u32 = 5;

/// [`Parameters::mode`]: everything that a guest can read.
pub const MODE_FULL: u32 = 0;

/// [`Parameters::mode`]: what identifies the CPU and the interrupt controller,
/// and every firmware call; not what optional features do in use.
pub const MODE_LIGHT: u32 = 1;

/// [`Parameters::mode`]: nothing is recorded; the vCPUs take and disturb
/// interrupts. Only known to a witness that was built with its feature `torture`.
pub const MODE_TORTURE: u32 = 2;

/// [`Parameters::mode`]: the interrupt controller is tried access by access, and the log
/// is where `accesses.rs` says. Only known to a witness that was built with its feature `torture`.
pub const MODE_ACCESSES: u32 = 3;

/// [`Parameters::mode`]: nothing is recorded; vCPU 0 is at one hostile moment after the other, and sums up what it
/// finds (`moments.rs`). Only known to a witness that was built with its feature `torture`.
pub const MODE_MOMENTS: u32 = 4;

/// What the host tells the witness.
#[derive(Clone, Debug)]
#[repr(C)]
pub struct Parameters {
    /// [`PARAMETERS_MAGIC`]; anything else makes the witness power off at once.
    pub magic: u64,
    /// [`VERSION`]; anything else makes the witness power off at once.
    pub version: u32,
    /// vCPUs to visit, 1 to [`MAX_VCPUS`].
    pub vcpus: u32,
    /// [`MODE_FULL`], [`MODE_LIGHT`], [`MODE_TORTURE`], [`MODE_ACCESSES`] or
    /// [`MODE_MOMENTS`].
    pub mode: u32,
    /// How many of [`Parameters::search`] vCPU 0 searches for interrupt controllers.
    pub searches: u32,
    /// Guest-physical address of area 0, 8-byte aligned, at least
    /// [`RECORDS_ADDRESS`].
    pub records: u64,
    /// Bytes from one area to the next, a multiple of 8.
    pub stride: u64,
    /// Guest-physical address of the GICv3 distributor, below 1 GiB; 0 when
    /// there is none.
    pub gicd: u64,
    /// A page below 1 GiB at which nothing is, neither memory nor a device; 0: such places are not looked at.
    pub hole: u64,
    /// The first address behind memory.
    pub above: u64,
    /// The first address that no access can have, a power of two.
    pub edge: u64,
    /// Guest-physical address of the first 16550, below 1 GiB; 0 when there is none.
    pub uart: u64,
    /// Guest-physical address of the first PL031, below 1 GiB; 0 when there is none.
    pub rtc: u64,
    /// Guest-physical addresses of the virtio devices, below 1 GiB, in their order; 0 behind the last.
    pub virtio: [u64; virtio::DEVICES_MAX],
    /// Ranges that do not overlap.
    pub search: [Search; MAX_SEARCHES],
    /// MPIDR_EL1 affinity fields of each vCPU: what CPU_ON takes.
    pub mpidr: [u64; MAX_VCPUS],
    /// Guest-physical address of each vCPU's redistributor, below 1 GiB; 0
    /// when there is none.
    pub redistributors: [u64; MAX_VCPUS],
}

impl Parameters {
    /// The redistributor of a vCPU; 0 where there is none.
    pub fn redistributor(&self, index: u32) -> u64 {
        let address = self.redistributors.get(index as usize);
        address.copied().unwrap_or(0)
    }
}

/// Bytes of one GICv3 redistributor: the RD and the SGI frame
/// (GIC architecture specification IHI 0069, section 12.10).
pub const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// Begins a record area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct AreaHeader {
    /// [`AREA_MAGIC`] once the vCPU runs.
    pub magic: u64,
    /// Records written so far.
    pub count: u32,
    /// [`DONE_NOT`], [`DONE_COMPLETE`], [`DONE_OVERFLOW`], [`DONE_FAULT`] or [`DONE_AGAIN`].
    pub done: u32,
}

/// [`AreaHeader::done`]: the vCPU has not finished.
pub const DONE_NOT: u32 = 0;
/// [`AreaHeader::done`]: everything was looked at and recorded.
pub const DONE_COMPLETE: u32 = 1;
/// [`AreaHeader::done`]: the stride was too small, records were lost.
pub const DONE_OVERFLOW: u32 = 2;
/// [`AreaHeader::done`]: the witness itself met an exception where none was
/// expected; the last records are of [`Kind::Fault`].
pub const DONE_FAULT: u32 = 3;

/// [`AreaHeader::done`]: the vCPU is started once more, to look at what it begins with then.
pub const DONE_AGAIN: u32 = 4;

/// One thing that a guest saw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Record {
    /// What was looked at: [`key`] of a [`Kind`] and an id.
    pub key: u64,
    /// Index of the vCPU that looked.
    pub vcpu: u32,
    /// How it ended: one of the `STATUS_` constants in bits 7:0; for
    /// exceptions the exception class (ESR_EL1.EC) in bits 15:8.
    pub status: u32,
    /// What was read. After an exception other than UNDEF: ESR_EL1.
    pub value: u64,
}

/// [`Record::status`]: `value` is what was read.
pub const STATUS_VALUE: u32 = 0;
/// [`Record::status`]: the instruction is UNDEFINED (EC 0x00).
pub const STATUS_UNDEFINED: u32 = 1;
/// [`Record::status`]: another exception.
pub const STATUS_EXCEPTION: u32 = 2;
/// [`Record::status`]: a data abort from the same level (EC 0x25).
pub const STATUS_ABORT: u32 = 3;
/// Set in the id of a [`Kind::CpuOn`] that was the second one.
pub const ON_AGAIN: u64 = 1 << 16;

/// Seconds of the guest's counter that the witness waits for another vCPU, each time.
pub const PATIENCE: u64 = 20;

/// [`Record::status`], for [`Kind::CpuOn`]: the vCPU was started and did not
/// finish in time.
pub const STATUS_TIMEOUT: u32 = 4;

/// What a record is about, and what its id means. The id has 48 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u16)]
pub enum Kind {
    /// MRS of the register whose [`encoding`] the id is.
    SystemRegister = 1,
    /// CCSIDR_EL1 after the id was written to CSSELR_EL1 (level in bits 3:1,
    /// bit 0 set for the instruction cache).
    Ccsidr = 2,
    /// 32-bit read of the distributor at offset id.
    Gicd = 3,
    /// 32-bit read of this vCPU's own redistributor at offset id.
    Gicr = 4,
    /// Which bits of the distributor register at offset id a guest can write:
    /// bits 63:32 of the value are what was read back after writing all ones,
    /// bits 31:0 after writing zero. The first content is put back.
    GicdWritable = 5,
    /// As `GicdWritable`, of this vCPU's own redistributor.
    GicrWritable = 6,
    /// HVC #0 with x1 to x3 zero. Id: [`call`] with `case` 0.
    Hvc = 7,
    /// HVC #0 with arguments. Id: [`call`] with one of the `CASE_` constants.
    HvcArguments = 8,
    /// PSCI_FEATURES (0x8400000a); the id is the function asked about.
    PsciFeatures = 9,
    /// SMCCC_ARCH_FEATURES (0x80000001); the id is the function asked about.
    ArchFeatures = 10,
    /// TRNG_FEATURES (0x84000051); the id is the function asked about.
    TrngFeatures = 11,
    /// PV_TIME_FEATURES (0xc5000020); the id is the function asked about.
    PvTimeFeatures = 12,
    /// As `Hvc`, through SMC #0.
    Smc = 13,
    /// RDVL #1 (vector length in bytes) after writing the id to ZCR_EL1.LEN.
    /// Only present when ZCR_EL1 can be read.
    SveVectorLength = 14,
    /// What CPU_ON returned for the vCPU whose index the id is, with [`ON_AGAIN`]
    /// where it was off in between. Written by vCPU 0.
    CpuOn = 15,
    /// The witness failed; id 0: ESR_EL1, 1: ELR_EL1, 2: FAR_EL1. Id 3 is a
    /// failed assertion within the witness.
    Fault = 16,
    /// Last record of a complete area; the value is the number of records
    /// before it.
    End = 17,
    /// What the search of ranges of guest-physical space for interrupt controllers found.
    /// Id: one of the `SEARCH_` constants.
    Search = 18,
    /// What came of using an optional feature. Id: one of the `USE_` constants.
    Use = 19,
    /// An access where nothing is. Id: [`unmapped`] of a `PLACE_` and an `ACCESS_`. Value: bits 31:0 of ESR_EL1 of the
    /// exception that was taken, 0 where none was; [`UNMAPPED_ELSEWHERE`] where FAR_EL1 or the access's register is not what it was.
    Unmapped = 20,
    /// What the UART shows. Id: see [`device`]; of an offset, an 8-bit read at reset.
    Uart = 21,
    /// As `GicdWritable`, of 8 bits of the UART.
    UartWritable = 22,
    /// What the clock shows. Id: see [`device`]; of an offset, a 32-bit read at reset.
    Rtc = 23,
    /// As `GicdWritable`, of the clock.
    RtcWritable = 24,
    /// How far the machine reaches. Id: one of the `REACH_` constants.
    Reach = 25,
    /// What a register held when the vCPU began. Id: see [`entry`].
    Entry = 26,
    /// What HVC #0 leaves in x1 to x17. Id: [`call`] with `case` 0. Value: [`left`].
    HvcLeaves = 27,
    /// As `HvcLeaves`, of SMC #0.
    SmcLeaves = 28,
    /// As `GicdWritable`, of the system register whose [`encoding`] the id is.
    SystemRegisterWritable = 29,
    /// What a virtio device shows. Id: see [`virtio`].
    Virtio = 30,
}

/// What the first word of memory reads after it and the last one were written: [`REACH_WRITTEN`].
pub const REACH_FIRST_WORD: u64 = 0;
/// The same of the last word of memory.
pub const REACH_LAST_WORD: u64 = 1;
/// What is written there, by id.
pub const REACH_WRITTEN: [u32; 2] = [0x1f00_d1e5, 0x2f00_d2e5];
/// The first of [`ADDRESS_BITS`] that address nothing of the machine, or as many as the CPU has ([`physical_bits`]): an
/// abort behind the last address leaves the guest-physical address in FAR_EL1 and not the one that was used.
pub const REACH_ADDRESS_BITS: u64 = 2;
/// Fewest and most bits of guest-physical address that a machine can have: KVM's least
/// (Documentation/virt/kvm/api.rst section 4.1), and what page tables of 4 KiB pages map without FEAT_LPA2.
pub const ADDRESS_BITS: core::ops::RangeInclusive<u32> = 32..=48;

/// The widest physical addresses of a CPU, in bits (ID_AA64MMFR0_EL1.PARange, Arm ARM DDI 0487 D24.2.91), as far as
/// translation tables of 4 KiB pages without FEAT_LPA2 go.
pub const fn physical_bits(mmfr0: u64) -> u32 {
    match mmfr0 & 0xf {
        0 => 32,
        1 => 36,
        2 => 40,
        3 => 42,
        4 => 44,
        _ => 48,
    }
}

/// What x1 to x17 hold before a call of which it is seen what it leaves: this plus their number.
pub const SENTINEL: u64 = 0x5e17_1e55_0000_0000;

/// Which of x1 to x17 a call has changed: bit n is set where xn does not hold its [`SENTINEL`] any more, bit 32 + n
/// where it holds something else than zero then.
pub fn left(registers: &[u64; 18]) -> u64 {
    let changed = |(n, register): (u32, &u64)| match *register {
        _ if n == 0 => 0,
        kept if kept == SENTINEL + u64::from(n) => 0,
        0 => 1 << n,
        _ => 1 << n | 1 << (32 + n),
    };
    (0..)
        .zip(registers)
        .map(changed)
        .fold(0, |all, bits| all | bits)
}

/// [`left`] where x1 to x3 are zeroed and the others kept.
pub const LEFT_ZEROED: u64 = 0b1110;

/// Id of a record of [`Kind::Unmapped`].
pub const fn unmapped(place: u64, access: u64) -> u64 {
    place << 8 | access
}

/// [`unmapped`]: between the devices, mapped as device memory.
pub const PLACE_HOLE: u64 = 0;
/// [`unmapped`]: right behind memory.
pub const PLACE_ABOVE: u64 = 1;
/// [`unmapped`]: right behind the last address.
pub const PLACE_EDGE: u64 = 2;

/// [`unmapped`]: LDR of 32 bits.
pub const ACCESS_LOAD: u64 = 0;
/// [`unmapped`]: STR of 32 bits.
pub const ACCESS_STORE: u64 = 1;
/// [`unmapped`]: LDP of two times 64 bits.
pub const ACCESS_PAIR: u64 = 2;
/// [`unmapped`]: LDXR of 64 bits; only where memory is mapped as normal.
pub const ACCESS_EXCLUSIVE: u64 = 3;
/// [`unmapped`]: DC ZVA; likewise.
pub const ACCESS_ZERO: u64 = 4;
/// [`unmapped`]: instruction fetch; likewise.
pub const ACCESS_FETCH: u64 = 5;

/// Set in the value of a [`Kind::Unmapped`] beside bits 31:0 of ESR_EL1.
pub const UNMAPPED_ELSEWHERE: u64 = 1 << 63;
/// A synchronous external abort on data, from the same level, without a syndrome of the instruction
/// (Arm ARM DDI 0487, ESR_EL1: EC 0x25, IL, DFSC 0x10).
pub const DATA_ABORT: u64 = 0x9600_0010;
/// The same of an instruction fetch (EC 0x21, IL, IFSC 0x10).
pub const FETCH_ABORT: u64 = 0x8600_0010;

/// PACIZA and AUTIZA with a known key, on several pointers. Value: the sum of [`PAUTH_CHANGES`] and
/// [`PAUTH_RESTORES`]; an exception where there is no such instruction.
pub const USE_PAUTH: u64 = 0;
/// At least one pointer was changed by PACIZA.
pub const PAUTH_CHANGES: u64 = 1;
/// AUTIZA gave back every pointer.
pub const PAUTH_RESTORES: u64 = 2;
/// Pointer authentication as it should be.
pub const PAUTH_WORKS: u64 = PAUTH_CHANGES | PAUTH_RESTORES;

/// STG of two tags after each other on one granule of tagged memory, and LDG. Value: the first tag read in bits
/// 7:4, the second in bits 3:0; an exception where there is no such instruction.
pub const USE_MTE: u64 = 1;
/// Exception return to an SVC instruction in AArch32 at EL0, where ID_AA64PFR0_EL1.EL0 says that there is AArch32.
/// Value: [`AARCH32_RUNS`], or [`AARCH32_ILLEGAL`].
pub const USE_AARCH32: u64 = 2;
/// The instruction was executed.
pub const AARCH32_RUNS: u64 = 1;
/// The return was an illegal one.
pub const AARCH32_ILLEGAL: u64 = 0;

/// The tags that are written.
pub const MTE_TAGS: [u64; 2] = [0xb, 0x4];
/// Memory tagging as it should be.
pub const MTE_WORKS: u64 = MTE_TAGS[0] << 4 | MTE_TAGS[1];

/// The first two words of the structure that PV_TIME_ST names, after the call: revision in bits 31:0, attributes
/// in bits 63:32 (DEN0057 section 4). Only present where the call gives an address.
pub const USE_STOLEN_TIME: u64 = 3;
/// The stolen time that stands there, low 32 bits.
pub const USE_STOLEN_NANOSECONDS: u64 = 4;

/// Number of distributors found.
pub const SEARCH_DISTRIBUTORS: u64 = 0;
/// Sum of the addresses of all distributors found.
pub const SEARCH_DISTRIBUTOR_ADDRESSES: u64 = 1;
/// Number of redistributors found.
pub const SEARCH_REDISTRIBUTORS: u64 = 2;
/// Sum of the addresses of all redistributors found.
pub const SEARCH_REDISTRIBUTOR_ADDRESSES: u64 = 3;

impl Kind {
    /// The kind with this number, if there is one.
    pub const fn from_number(number: u16) -> Option<Kind> {
        Some(match number {
            1 => Kind::SystemRegister,
            2 => Kind::Ccsidr,
            3 => Kind::Gicd,
            4 => Kind::Gicr,
            5 => Kind::GicdWritable,
            6 => Kind::GicrWritable,
            7 => Kind::Hvc,
            8 => Kind::HvcArguments,
            9 => Kind::PsciFeatures,
            10 => Kind::ArchFeatures,
            11 => Kind::TrngFeatures,
            12 => Kind::PvTimeFeatures,
            13 => Kind::Smc,
            14 => Kind::SveVectorLength,
            15 => Kind::CpuOn,
            16 => Kind::Fault,
            17 => Kind::End,
            18 => Kind::Search,
            19 => Kind::Use,
            20 => Kind::Unmapped,
            21 => Kind::Uart,
            22 => Kind::UartWritable,
            23 => Kind::Rtc,
            24 => Kind::RtcWritable,
            25 => Kind::Reach,
            26 => Kind::Entry,
            27 => Kind::HvcLeaves,
            28 => Kind::SmcLeaves,
            29 => Kind::SystemRegisterWritable,
            30 => Kind::Virtio,
            _ => return None,
        })
    }
}

const ID_BITS: u32 = 48;

/// The key of a record: kind in bits 63:48, id in bits 47:0.
pub const fn key(kind: Kind, id: u64) -> u64 {
    ((kind as u64) << ID_BITS) | (id & ((1 << ID_BITS) - 1))
}

/// The kind in a key, if this version knows it.
pub const fn kind_of(key: u64) -> Option<Kind> {
    Kind::from_number((key >> ID_BITS) as u16)
}

/// The id in a key.
pub const fn id_of(key: u64) -> u64 {
    key & ((1 << ID_BITS) - 1)
}

/// Id of a system register: op0 in bits 15:14, op1 13:11, CRn 10:7, CRm 6:3,
/// op2 2:0, as MRS has them and as KVM's register ids do
/// (`ARM64_SYS_REG`, arch/arm64/include/uapi/asm/kvm.h).
pub const fn encoding(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64) -> u64 {
    (op0 & 3) << 14 | (op1 & 7) << 11 | (crn & 15) << 7 | (crm & 15) << 3 | (op2 & 7)
}

/// Id of one result of one call: function in bits 31:0, the number `n` of the
/// result register (x0 to x3) in bits 35:32, the `case` in bits 47:36.
pub const fn call(function: u32, n: u64, case: u64) -> u64 {
    function as u64 | (n & 15) << 32 | (case & 0xfff) << 36
}

/// The function in an id that [`call`] made.
pub const fn call_function(id: u64) -> u32 {
    id as u32
}

/// The result register in an id that [`call`] made.
pub const fn call_result(id: u64) -> u64 {
    (id >> 32) & 15
}

/// The case in an id that [`call`] made.
pub const fn call_case(id: u64) -> u64 {
    (id >> 36) & 0xfff
}

/// x1 is the calling vCPU's own MPIDR affinity, the rest zero.
pub const CASE_SELF: u64 = 1;
/// As [`CASE_SELF`], with bit 24 of x1, which is none of the affinity fields,
/// set too.
pub const CASE_SELF_RESERVED_BIT: u64 = 2;
/// x1 is an affinity that no vCPU has.
pub const CASE_NOBODY: u64 = 3;
/// x1 is the affinity of vCPU 1, which has not been started.
pub const CASE_OFF: u64 = 4;
/// x1 is the calling vCPU's own affinity, x2 the affinity level 4, which does
/// not exist.
pub const CASE_BAD_LEVEL: u64 = 5;
/// x1 is a type that the PSCI specification does not define (SYSTEM_RESET2:
/// 1; SYSTEM_OFF2: 2).
pub const CASE_BAD_TYPE: u64 = 6;
/// x1 is a number of random bits within the limits. The value is 0 for
/// success, because the results are random.
pub const CASE_BITS_GOOD: u64 = 7;
/// x1 is a number of random bits beyond the limits.
pub const CASE_BITS_BAD: u64 = 8;
/// x1 asks for the virtual counter. The value is 0 for success, because the
/// result is the time.
pub const CASE_VIRTUAL_COUNTER: u64 = 9;

#[cfg(test)]
mod tests {
    use super::*;
    extern crate std;
    use std::vec::Vec;

    #[test]
    fn every_kind_survives_a_key() {
        let kinds: Vec<Kind> = (0..=u16::MAX).filter_map(Kind::from_number).collect();
        assert_eq!(kinds.len(), 30);
        for kind in kinds {
            assert_eq!(kind as u16, (key(kind, u64::MAX) >> 48) as u16);
            assert_eq!(kind_of(key(kind, u64::MAX)), Some(kind));
            assert_eq!(id_of(key(kind, 0x1234_5678_9abc)), 0x1234_5678_9abc);
        }
        assert_eq!(kind_of(0), None);
        assert_eq!(kind_of(u64::MAX), None);
    }

    #[test]
    fn every_call_survives_its_id() {
        let id = call(0xc600_0040, 3, CASE_VIRTUAL_COUNTER);
        assert_eq!(call_function(id), 0xc600_0040);
        assert_eq!(call_result(id), 3);
        assert_eq!(call_case(id), CASE_VIRTUAL_COUNTER);
        assert_eq!(id_of(key(Kind::HvcArguments, id)), id);
    }

    #[test]
    fn an_encoding_is_the_low_half_of_a_kvm_register_id() {
        // KVM_REG_ARM64 | KVM_REG_SIZE_U64 | KVM_REG_ARM64_SYSREG | ID_AA64PFR0_EL1
        assert_eq!(0x6030_0000_0013_c020 & 0xffff, encoding(3, 0, 0, 4, 0));
    }

    #[test]
    fn the_layout_is_what_the_guest_was_compiled_with() {
        assert_eq!(size_of::<AreaHeader>(), 16);
        assert_eq!(size_of::<Record>(), 24);
        assert_eq!(
            size_of::<Parameters>(),
            88 + 8 * virtio::DEVICES_MAX + 16 * MAX_SEARCHES + 2 * 8 * MAX_VCPUS
        );
        assert!(PARAMETERS_ADDRESS + size_of::<Parameters>() as u64 <= WINDOWS_ADDRESS);
        const { assert!(WINDOWS_ADDRESS + 0x1000 <= RINGS_ADDRESS) };
        const { assert!(RINGS_ADDRESS + virtio::ring::AREA_SIZE <= LOAD_ADDRESS) };
        assert!(LOAD_ADDRESS + STACK_SIZE * MAX_VCPUS as u64 <= entry::BLOCKS_ADDRESS);
        assert!(entry::block(MAX_VCPUS as u32) <= RECORDS_ADDRESS);
    }
}
