//! The state a vCPU begins with, as the witness puts it aside before it uses any of it.
//!
//! A vCPU's index arrives in x0. Its first instructions write what they are about to change into a block of its own,
//! [`block`]: [`WORDS`] of 64 bits, in that order. All else of it is read by one instruction each, before anything
//! that could change it. Both are records of [`crate::Kind::Entry`].

use crate::{MAX_VCPUS, RAM_BASE, RECORDS_ADDRESS, encoding};

/// Where the blocks begin, guest-physical: behind the stacks, before the records.
pub const BLOCKS_ADDRESS: u64 = RAM_BASE + 0x70_0000;
/// Bytes of a block, as a power of two.
pub const BLOCK_SHIFT: u32 = 10;

/// Guest-physical address of a vCPU's block.
pub const fn block(vcpu: u32) -> u64 {
    BLOCKS_ADDRESS + ((vcpu as u64) << BLOCK_SHIFT)
}

/// Set in the id of a system register, whose [`encoding`] the other bits are.
pub const SYSTEM: u64 = 1 << 16;
/// Set in the id when the vCPU has been off and was started once more. Only secondaries, in a full look.
pub const LATER: u64 = 1 << 17;
/// Id: all bits that are set in any of V0 to V31.
pub const VECTORS: u64 = 0;
/// Id of PSTATE, where SPSR_EL1 has its parts: N, Z, C, V, D, A, I, F, the exception level and the stack pointer.
pub const PSTATE: u64 = 31;

const fn system(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64) -> u64 {
    SYSTEM | encoding(op0, op1, crn, crm, op2)
}

/// How many words the first instructions put aside.
pub const WORD_COUNT: usize = 47;

/// The id of each word of a block: [`VECTORS`], 1 to 30 for X1 to X30, [`PSTATE`], and system registers.
pub const WORDS: [u64; WORD_COUNT] = {
    let mut words = [0; WORD_COUNT];
    let mut x = 1;
    while x <= 31 {
        words[x] = x as u64;
        x += 1;
    }
    words[32] = system(3, 4, 4, 1, 0); // SP_EL1, which is SP
    words[33] = system(3, 0, 4, 1, 0); // SP_EL0
    words[34] = system(3, 0, 1, 0, 0); // SCTLR_EL1
    words[35] = system(3, 0, 1, 0, 2); // CPACR_EL1
    words[36] = system(3, 0, 2, 0, 0); // TTBR0_EL1
    words[37] = system(3, 0, 2, 0, 2); // TCR_EL1
    words[38] = system(3, 0, 10, 2, 0); // MAIR_EL1
    words[39] = system(3, 0, 12, 0, 0); // VBAR_EL1
    words[40] = system(3, 3, 13, 0, 2); // TPIDR_EL0
    words[41] = system(3, 0, 13, 0, 4); // TPIDR_EL1
    words[42] = system(3, 0, 5, 2, 0); // ESR_EL1
    words[43] = system(3, 0, 6, 0, 0); // FAR_EL1
    words[44] = system(3, 0, 4, 0, 1); // ELR_EL1
    words[45] = system(3, 0, 4, 0, 0); // SPSR_EL1
    words[46] = system(3, 0, 2, 0, 1); // TTBR1_EL1
    words
};

/// What is read by an instruction each: system registers that nothing has changed until then.
pub const READ: [u64; 16] = [
    system(3, 0, 1, 0, 1),  // ACTLR_EL1
    system(3, 0, 5, 1, 0),  // AFSR0_EL1
    system(3, 0, 5, 1, 1),  // AFSR1_EL1
    system(3, 0, 7, 4, 0),  // PAR_EL1
    system(3, 0, 10, 3, 0), // AMAIR_EL1
    system(3, 0, 13, 0, 1), // CONTEXTIDR_EL1
    system(3, 0, 14, 1, 0), // CNTKCTL_EL1
    system(3, 2, 0, 0, 0),  // CSSELR_EL1
    system(3, 3, 4, 4, 0),  // FPCR
    system(3, 3, 4, 4, 1),  // FPSR
    system(3, 3, 13, 0, 3), // TPIDRRO_EL0
    system(3, 3, 14, 2, 1), // CNTP_CTL_EL0
    system(3, 3, 14, 2, 2), // CNTP_CVAL_EL0
    system(3, 3, 14, 3, 1), // CNTV_CTL_EL0
    system(3, 3, 14, 3, 2), // CNTV_CVAL_EL0
    system(2, 0, 0, 2, 2),  // MDSCR_EL1
];

/// What a vCPU leaves in each of [`READ`] before it turns itself off, so that a start which leaves a register alone is
/// seen. `None`: nothing can be left there (KVM ignores writes of ACTLR_EL1), or nothing is promised of it. Timers stay off
/// and masked.
pub const LEAVES: [Option<u64>; READ.len()] = [
    None,                    // ACTLR_EL1
    Some(u64::MAX),          // AFSR0_EL1
    Some(u64::MAX),          // AFSR1_EL1
    Some(0),                 // PAR_EL1
    Some(u64::MAX),          // AMAIR_EL1
    Some(0xffff_ffff),       // CONTEXTIDR_EL1
    Some(3),                 // CNTKCTL_EL1: EL0 may read the counts
    None,                    // CSSELR_EL1
    Some(1 << 25 | 1 << 24), // FPCR: DN, FZ
    Some(0x1f),              // FPSR
    Some(u64::MAX),          // TPIDRRO_EL0
    Some(2),                 // CNTP_CTL_EL0: IMASK
    Some(0x0123_4567_89ab),  // CNTP_CVAL_EL0
    Some(2),                 // CNTV_CTL_EL0
    Some(0x0123_4567_89ab),  // CNTV_CVAL_EL0
    Some(1 << 12),           // MDSCR_EL1: TDCC
];

/// What a vCPU that is started once more reads beside: what a kernel, or who starts it in its place, may reset of it.
pub const AGAIN: [u64; 5] = [
    system(3, 0, 0, 0, 0),  // MIDR_EL1
    system(3, 0, 0, 0, 5),  // MPIDR_EL1
    system(3, 1, 0, 0, 1),  // CLIDR_EL1
    system(3, 3, 9, 12, 0), // PMCR_EL0
    system(2, 0, 1, 1, 4),  // OSLSR_EL1
];

const _: () = assert!(WORD_COUNT * 8 <= 1 << BLOCK_SHIFT);
// `boot.s` finds a vCPU's index in the address of its block, and the witness's records come behind all blocks.
const _: () = assert!(BLOCKS_ADDRESS.is_multiple_of(1 << 20));
const _: () = assert!((MAX_VCPUS as u64) << BLOCK_SHIFT <= 1 << 20);
const _: () = assert!(block(MAX_VCPUS as u32) <= RECORDS_ADDRESS);
