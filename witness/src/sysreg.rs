//! The system registers: the ID space as a whole, everything else that
//! describes the machine, and registers of optional features, of which it
//! matters whether they are there at all.
//!
//! Encodings and names: Arm ARM DDI 0487, chapter D24; GIC registers: IHI 0069.

use core::arch::asm;

use crate::probe::{self, RET, Stub};
use crate::record::Area;
use crate::wire::{self, Kind, encoding};

/// How much of a register's value goes into a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Keep {
    /// All of it.
    All,
    /// Only that it could be read: the value is the time or random.
    Nothing,
}
use Keep::{All, Nothing};

/// (op0, op1, CRn, CRm, op2)
type Encoding = (u64, u64, u64, u64, u64);

/// op0 3, op1 0, CRn 0, CRm 0 to 7, op2 0 to 7: MIDR_EL1 to the last ID
/// register, with everything that is not allocated yet.
const ID_SPACE: usize = 64;

/// What else a light look is about: every other register that a lock can hold
/// and a guest can read.
#[rustfmt::skip]
const IDENTIFICATION: &[(Encoding, Keep)] = &[
    ((3, 1, 0, 0, 1), All),       // CLIDR_EL1
    ((3, 1, 0, 0, 4), All),       // GMID_EL1
    ((3, 1, 0, 0, 7), All),       // AIDR_EL1
    ((3, 3, 0, 0, 1), All),       // CTR_EL0
    ((3, 3, 0, 0, 7), All),       // DCZID_EL0
    ((2, 0, 1, 1, 4), All),       // OSLSR_EL1
    ((3, 0, 9, 14, 6), All),      // PMMIR_EL1
    ((3, 3, 9, 12, 0), All),      // PMCR_EL0
    ((3, 3, 9, 12, 6), All),      // PMCEID0_EL0
    ((3, 3, 9, 12, 7), All),      // PMCEID1_EL0
    ((3, 3, 14, 0, 0), All),      // CNTFRQ_EL0
    ((3, 0, 12, 12, 4), All),     // ICC_CTLR_EL1
];

/// Everything else.
#[rustfmt::skip]
const OTHERS: &[(Encoding, Keep)] = &[
    // Identification and caches.
    ((3, 1, 0, 0, 2), All),       // CCSIDR2_EL1
    ((3, 1, 0, 0, 6), All),       // SMIDR_EL1
    ((3, 0, 12, 0, 1), All),      // RVBAR_EL1
    ((3, 0, 12, 1, 0), All),      // ISR_EL1
    // Performance monitors, before anything has touched them.
    ((3, 3, 9, 12, 1), All),      // PMCNTENSET_EL0
    ((3, 3, 9, 12, 2), All),      // PMCNTENCLR_EL0
    ((3, 3, 9, 12, 3), All),      // PMOVSCLR_EL0
    ((3, 3, 9, 12, 5), All),      // PMSELR_EL0
    ((3, 3, 9, 13, 0), All),      // PMCCNTR_EL0
    ((3, 3, 9, 13, 1), All),      // PMXEVTYPER_EL0
    ((3, 3, 9, 13, 2), All),      // PMXEVCNTR_EL0
    ((3, 3, 9, 14, 0), All),      // PMUSERENR_EL0
    ((3, 3, 9, 14, 3), All),      // PMOVSSET_EL0
    ((3, 0, 9, 14, 1), All),      // PMINTENSET_EL1
    ((3, 0, 9, 14, 2), All),      // PMINTENCLR_EL1
    ((3, 0, 9, 14, 4), All),      // PMUACR_EL1
    ((3, 0, 9, 14, 5), All),      // PMECR_EL1
    ((3, 3, 14, 15, 7), All),     // PMCCFILTR_EL0
    // PMEVCNTR<n>_EL0
    ((3, 3, 14, 8, 0), All), ((3, 3, 14, 8, 1), All), ((3, 3, 14, 8, 2), All), ((3, 3, 14, 8, 3), All),
    ((3, 3, 14, 8, 4), All), ((3, 3, 14, 8, 5), All), ((3, 3, 14, 8, 6), All), ((3, 3, 14, 8, 7), All),
    ((3, 3, 14, 9, 0), All), ((3, 3, 14, 9, 1), All), ((3, 3, 14, 9, 2), All), ((3, 3, 14, 9, 3), All),
    ((3, 3, 14, 9, 4), All), ((3, 3, 14, 9, 5), All), ((3, 3, 14, 9, 6), All), ((3, 3, 14, 9, 7), All),
    ((3, 3, 14, 10, 0), All), ((3, 3, 14, 10, 1), All), ((3, 3, 14, 10, 2), All), ((3, 3, 14, 10, 3), All),
    ((3, 3, 14, 10, 4), All), ((3, 3, 14, 10, 5), All), ((3, 3, 14, 10, 6), All), ((3, 3, 14, 10, 7), All),
    ((3, 3, 14, 11, 0), All), ((3, 3, 14, 11, 1), All), ((3, 3, 14, 11, 2), All), ((3, 3, 14, 11, 3), All),
    ((3, 3, 14, 11, 4), All), ((3, 3, 14, 11, 5), All), ((3, 3, 14, 11, 6), All),
    // PMEVTYPER<n>_EL0
    ((3, 3, 14, 12, 0), All), ((3, 3, 14, 12, 1), All), ((3, 3, 14, 12, 2), All), ((3, 3, 14, 12, 3), All),
    ((3, 3, 14, 12, 4), All), ((3, 3, 14, 12, 5), All), ((3, 3, 14, 12, 6), All), ((3, 3, 14, 12, 7), All),
    ((3, 3, 14, 13, 0), All), ((3, 3, 14, 13, 1), All), ((3, 3, 14, 13, 2), All), ((3, 3, 14, 13, 3), All),
    ((3, 3, 14, 13, 4), All), ((3, 3, 14, 13, 5), All), ((3, 3, 14, 13, 6), All), ((3, 3, 14, 13, 7), All),
    ((3, 3, 14, 14, 0), All), ((3, 3, 14, 14, 1), All), ((3, 3, 14, 14, 2), All), ((3, 3, 14, 14, 3), All),
    ((3, 3, 14, 14, 4), All), ((3, 3, 14, 14, 5), All), ((3, 3, 14, 14, 6), All), ((3, 3, 14, 14, 7), All),
    ((3, 3, 14, 15, 0), All), ((3, 3, 14, 15, 1), All), ((3, 3, 14, 15, 2), All), ((3, 3, 14, 15, 3), All),
    ((3, 3, 14, 15, 4), All), ((3, 3, 14, 15, 5), All), ((3, 3, 14, 15, 6), All),
    // Timers: the counters tell the time, so only that they can be read.
    ((3, 3, 14, 0, 1), Nothing),  // CNTPCT_EL0
    ((3, 3, 14, 0, 2), Nothing),  // CNTVCT_EL0
    ((3, 3, 14, 0, 5), Nothing),  // CNTPCTSS_EL0
    ((3, 3, 14, 0, 6), Nothing),  // CNTVCTSS_EL0
    ((3, 0, 14, 1, 0), All),      // CNTKCTL_EL1
    ((3, 3, 14, 2, 1), All),      // CNTP_CTL_EL0
    ((3, 3, 14, 3, 1), All),      // CNTV_CTL_EL0
    // GIC CPU interface, without the acknowledging registers.
    ((3, 0, 12, 12, 5), All),     // ICC_SRE_EL1
    ((3, 0, 12, 12, 6), All),     // ICC_IGRPEN0_EL1
    ((3, 0, 12, 12, 7), All),     // ICC_IGRPEN1_EL1
    ((3, 0, 4, 6, 0), All),       // ICC_PMR_EL1
    ((3, 0, 12, 8, 2), All),      // ICC_HPPIR0_EL1
    ((3, 0, 12, 8, 3), All),      // ICC_BPR0_EL1
    ((3, 0, 12, 8, 4), All),      // ICC_AP0R0_EL1
    ((3, 0, 12, 8, 5), All),      // ICC_AP0R1_EL1
    ((3, 0, 12, 8, 6), All),      // ICC_AP0R2_EL1
    ((3, 0, 12, 8, 7), All),      // ICC_AP0R3_EL1
    ((3, 0, 12, 9, 0), All),      // ICC_AP1R0_EL1
    ((3, 0, 12, 9, 1), All),      // ICC_AP1R1_EL1
    ((3, 0, 12, 9, 2), All),      // ICC_AP1R2_EL1
    ((3, 0, 12, 9, 3), All),      // ICC_AP1R3_EL1
    ((3, 0, 12, 11, 3), All),     // ICC_RPR_EL1
    ((3, 0, 12, 12, 2), All),     // ICC_HPPIR1_EL1
    ((3, 0, 12, 12, 3), All),     // ICC_BPR1_EL1
    // RAS.
    ((3, 0, 5, 3, 0), All),       // ERRIDR_EL1
    ((3, 0, 5, 3, 1), All),       // ERRSELR_EL1
    ((3, 0, 5, 3, 2), All),       // ERXGSR_EL1
    ((3, 0, 5, 4, 0), All),       // ERXFR_EL1
    ((3, 0, 5, 4, 1), All),       // ERXCTLR_EL1
    ((3, 0, 5, 4, 2), All),       // ERXSTATUS_EL1
    ((3, 0, 5, 4, 3), All),       // ERXADDR_EL1
    ((3, 0, 5, 4, 4), All),       // ERXPFGF_EL1
    ((3, 0, 5, 4, 5), All),       // ERXPFGCTL_EL1
    ((3, 0, 5, 4, 6), All),       // ERXPFGCDN_EL1
    ((3, 0, 5, 5, 0), All),       // ERXMISC0_EL1
    ((3, 0, 5, 5, 1), All),       // ERXMISC1_EL1
    ((3, 0, 5, 5, 2), All),       // ERXMISC2_EL1
    ((3, 0, 5, 5, 3), All),       // ERXMISC3_EL1
    ((3, 0, 12, 1, 1), All),      // DISR_EL1
    // MPAM.
    ((3, 0, 10, 4, 4), All),      // MPAMIDR_EL1
    ((3, 0, 10, 5, 0), All),      // MPAM1_EL1
    ((3, 0, 10, 5, 1), All),      // MPAM0_EL1
    // Limited ordering regions.
    ((3, 0, 10, 4, 0), All),      // LORSA_EL1
    ((3, 0, 10, 4, 1), All),      // LOREA_EL1
    ((3, 0, 10, 4, 2), All),      // LORN_EL1
    ((3, 0, 10, 4, 3), All),      // LORC_EL1
    ((3, 0, 10, 4, 7), All),      // LORID_EL1
    // Translation and control extensions.
    ((3, 0, 1, 0, 1), All),       // ACTLR_EL1
    ((3, 0, 1, 0, 3), All),       // SCTLR2_EL1
    ((3, 0, 1, 4, 1), All),       // ACTLRALIAS_EL1
    ((3, 0, 2, 0, 3), All),       // TCR2_EL1
    ((3, 0, 10, 2, 1), All),      // MAIR2_EL1
    ((3, 0, 10, 2, 2), All),      // PIRE0_EL1
    ((3, 0, 10, 2, 3), All),      // PIR_EL1
    ((3, 0, 10, 2, 4), All),      // POR_EL1
    ((3, 3, 10, 2, 4), All),      // POR_EL0
    ((3, 0, 10, 2, 5), All),      // S2POR_EL1
    ((3, 0, 10, 3, 1), All),      // AMAIR2_EL1
    ((3, 0, 13, 0, 7), All),      // SCXTNUM_EL1
    ((3, 3, 13, 0, 7), All),      // SCXTNUM_EL0
    ((3, 0, 13, 0, 5), All),      // ACCDATA_EL1
    ((3, 0, 6, 0, 5), All),       // PFAR_EL1
    ((3, 0, 13, 0, 3), All),      // RCWMASK_EL1
    ((3, 0, 13, 0, 6), All),      // RCWSMASK_EL1
    // Pointer authentication: the first half of each key.
    ((3, 0, 2, 1, 0), Nothing),   // APIAKeyLo_EL1
    ((3, 0, 2, 1, 2), Nothing),   // APIBKeyLo_EL1
    ((3, 0, 2, 2, 0), Nothing),   // APDAKeyLo_EL1
    ((3, 0, 2, 2, 2), Nothing),   // APDBKeyLo_EL1
    ((3, 0, 2, 3, 0), Nothing),   // APGAKeyLo_EL1
    // Guarded control stacks.
    ((3, 0, 2, 5, 0), All),       // GCSCR_EL1
    ((3, 0, 2, 5, 1), All),       // GCSPR_EL1
    ((3, 0, 2, 5, 2), All),       // GCSCRE0_EL1
    ((3, 3, 2, 5, 1), All),       // GCSPR_EL0
    // SVE, SME, FP8.
    ((3, 0, 1, 2, 0), All),       // ZCR_EL1
    ((3, 0, 1, 2, 4), All),       // SMPRI_EL1
    ((3, 0, 1, 2, 6), All),       // SMCR_EL1
    ((3, 3, 4, 2, 2), All),       // SVCR
    ((3, 3, 13, 0, 5), All),      // TPIDR2_EL0
    ((3, 3, 4, 4, 2), All),       // FPMR
    // Memory tagging.
    ((3, 0, 1, 0, 5), All),       // RGSR_EL1
    ((3, 0, 1, 0, 6), All),       // GCR_EL1
    ((3, 0, 5, 6, 0), All),       // TFSR_EL1
    ((3, 0, 5, 6, 1), All),       // TFSRE0_EL1
    // Processor state.
    ((3, 0, 4, 2, 3), All),       // PAN
    ((3, 0, 4, 2, 4), All),       // UAO
    ((3, 0, 4, 3, 0), All),       // ALLINT
    ((3, 0, 4, 3, 1), All),       // PM
    ((3, 3, 4, 2, 5), All),       // DIT
    ((3, 3, 4, 2, 6), All),       // SSBS
    ((3, 3, 4, 2, 7), All),       // TCO
    // Random numbers.
    ((3, 3, 2, 4, 0), Nothing),   // RNDR
    ((3, 3, 2, 4, 1), Nothing),   // RNDRRS
    // Trace, statistical profiling, branch records.
    ((3, 0, 1, 2, 1), All),       // TRFCR_EL1
    ((3, 0, 9, 9, 0), All),       // PMSCR_EL1
    ((3, 0, 9, 9, 7), All),       // PMSIDR_EL1
    ((3, 0, 9, 10, 0), All),      // PMBLIMITR_EL1
    ((3, 0, 9, 10, 7), All),      // PMBIDR_EL1
    ((3, 0, 9, 11, 0), All),      // TRBLIMITR_EL1
    ((3, 0, 9, 11, 7), All),      // TRBIDR_EL1
    ((2, 1, 0, 8, 7), All),       // TRCIDR0
    ((2, 1, 7, 14, 6), All),      // TRCAUTHSTATUS
    ((2, 1, 9, 2, 0), All),       // BRBIDR0_EL1
    ((2, 1, 9, 0, 0), All),       // BRBCR_EL1
    // Activity monitors.
    ((3, 3, 13, 2, 0), All),      // AMCR_EL0
    ((3, 3, 13, 2, 1), All),      // AMCFGR_EL0
    ((3, 3, 13, 2, 2), All),      // AMCGCR_EL0
    ((3, 3, 13, 2, 3), All),      // AMUSERENR_EL0
    // Debug.
    ((2, 0, 0, 2, 0), All),       // MDCCINT_EL1
    ((2, 0, 0, 2, 2), All),       // MDSCR_EL1
    ((2, 0, 0, 4, 2), All),       // MDSELR_EL1
    ((2, 0, 0, 6, 2), All),       // OSECCR_EL1
    ((2, 3, 0, 1, 0), All),       // MDCCSR_EL0
    ((2, 0, 1, 0, 0), All),       // MDRAR_EL1
    ((2, 0, 1, 3, 4), All),       // OSDLR_EL1
    ((2, 0, 1, 4, 4), All),       // DBGPRCR_EL1
    ((2, 0, 7, 8, 6), All),       // DBGCLAIMSET_EL1
    ((2, 0, 7, 9, 6), All),       // DBGCLAIMCLR_EL1
    ((2, 0, 7, 14, 6), All),      // DBGAUTHSTATUS_EL1
    // DBGBVR<n>_EL1
    ((2, 0, 0, 0, 4), All), ((2, 0, 0, 1, 4), All), ((2, 0, 0, 2, 4), All), ((2, 0, 0, 3, 4), All),
    ((2, 0, 0, 4, 4), All), ((2, 0, 0, 5, 4), All), ((2, 0, 0, 6, 4), All), ((2, 0, 0, 7, 4), All),
    ((2, 0, 0, 8, 4), All), ((2, 0, 0, 9, 4), All), ((2, 0, 0, 10, 4), All), ((2, 0, 0, 11, 4), All),
    ((2, 0, 0, 12, 4), All), ((2, 0, 0, 13, 4), All), ((2, 0, 0, 14, 4), All), ((2, 0, 0, 15, 4), All),
    // DBGBCR<n>_EL1
    ((2, 0, 0, 0, 5), All), ((2, 0, 0, 1, 5), All), ((2, 0, 0, 2, 5), All), ((2, 0, 0, 3, 5), All),
    ((2, 0, 0, 4, 5), All), ((2, 0, 0, 5, 5), All), ((2, 0, 0, 6, 5), All), ((2, 0, 0, 7, 5), All),
    ((2, 0, 0, 8, 5), All), ((2, 0, 0, 9, 5), All), ((2, 0, 0, 10, 5), All), ((2, 0, 0, 11, 5), All),
    ((2, 0, 0, 12, 5), All), ((2, 0, 0, 13, 5), All), ((2, 0, 0, 14, 5), All), ((2, 0, 0, 15, 5), All),
    // DBGWVR<n>_EL1
    ((2, 0, 0, 0, 6), All), ((2, 0, 0, 1, 6), All), ((2, 0, 0, 2, 6), All), ((2, 0, 0, 3, 6), All),
    ((2, 0, 0, 4, 6), All), ((2, 0, 0, 5, 6), All), ((2, 0, 0, 6, 6), All), ((2, 0, 0, 7, 6), All),
    ((2, 0, 0, 8, 6), All), ((2, 0, 0, 9, 6), All), ((2, 0, 0, 10, 6), All), ((2, 0, 0, 11, 6), All),
    ((2, 0, 0, 12, 6), All), ((2, 0, 0, 13, 6), All), ((2, 0, 0, 14, 6), All), ((2, 0, 0, 15, 6), All),
    // DBGWCR<n>_EL1
    ((2, 0, 0, 0, 7), All), ((2, 0, 0, 1, 7), All), ((2, 0, 0, 2, 7), All), ((2, 0, 0, 3, 7), All),
    ((2, 0, 0, 4, 7), All), ((2, 0, 0, 5, 7), All), ((2, 0, 0, 6, 7), All), ((2, 0, 0, 7, 7), All),
    ((2, 0, 0, 8, 7), All), ((2, 0, 0, 9, 7), All), ((2, 0, 0, 10, 7), All), ((2, 0, 0, 11, 7), All),
    ((2, 0, 0, 12, 7), All), ((2, 0, 0, 13, 7), All), ((2, 0, 0, 14, 7), All), ((2, 0, 0, 15, 7), All),
    // Encodings for each implementer to define.
    ((3, 0, 11, 0, 0), All),      // S3_0_C11_C0_0
    ((3, 0, 15, 0, 0), All),      // S3_0_C15_C0_0
    ((3, 0, 15, 1, 4), All),      // S3_0_C15_C1_4 (CPUECTLR_EL1 of Arm's cores)
    ((3, 1, 15, 1, 4), All),      // S3_1_C15_C1_4 (the same on older cores)
    // Of another level: UNDEFINED unless the machine has EL2 for its guest.
    ((3, 4, 1, 1, 0), All),       // HCR_EL2
    ((3, 4, 4, 0, 0), All),       // SPSR_EL2
];

/// Registers of a light look; they are the first ones of a full one.
const LIGHT: usize = ID_SPACE + IDENTIFICATION.len();
const COUNT: usize = LIGHT + OTHERS.len();

const fn id((op0, op1, crn, crm, op2): Encoding) -> u64 {
    encoding(op0, op1, crn, crm, op2)
}

/// A register and what to keep of it, by position in [`STUBS`].
const fn entry(index: usize) -> (u64, Keep) {
    if index < ID_SPACE {
        let n = index as u64;
        return (encoding(3, 0, 0, n >> 3, n & 7), All);
    }
    let (register, keep) = match index < LIGHT {
        true => IDENTIFICATION[index - ID_SPACE],
        false => OTHERS[index - LIGHT],
    };
    (id(register), keep)
}

/// `mrs x0, <id>` (Arm ARM C6.2: MRS; the id is bits 20:5 of the instruction).
pub const fn mrs(id: u64) -> u32 {
    0xd520_0000 | (id as u32) << 5
}

/// `msr <id>, x0`
pub const fn msr(id: u64) -> u32 {
    0xd500_0000 | (id as u32) << 5
}

/// One readable instruction per register, made when the witness is compiled.
static STUBS: [Stub; COUNT] = {
    let mut stubs = [[0, RET]; COUNT];
    let mut i = 0;
    while i < COUNT {
        stubs[i][0] = mrs(entry(i).0);
        i += 1;
    }
    stubs
};

static ENTRIES: [(u64, Keep); COUNT] = {
    let mut entries = [(0, All); COUNT];
    let mut i = 0;
    while i < COUNT {
        entries[i] = entry(i);
        i += 1;
    }
    entries
};

/// Records the registers that a light look is about, and every cache.
pub fn light(area: &mut Area) {
    read(area, 0..LIGHT);
    caches(area);
}

/// Records every register, every cache and every vector length.
pub fn full(area: &mut Area) {
    read(area, 0..COUNT);
    caches(area);
    vector_lengths(area);
}

fn read(area: &mut Area, range: core::ops::Range<usize>) {
    // The interface registers are UNDEFINED while SRE is 0, which is what
    // hardware without a hypervisor may come up with. KVM's is always 1.
    probe::run(&SET_SRE, 1);
    isb();
    for ((id, keep), stub) in ENTRIES
        .iter()
        .zip(&STUBS)
        .skip(range.start)
        .take(range.len())
    {
        let outcome = probe::run(stub, 0);
        let outcome = match keep {
            All => outcome,
            Nothing => outcome.map(|_| 0),
        };
        area.push_outcome(Kind::SystemRegister, *id, outcome);
    }
}

static SET_SRE: Stub = [msr(encoding(3, 0, 12, 12, 5)), RET];
static SET_CSSELR: Stub = [msr(encoding(3, 2, 0, 0, 0)), RET];
static GET_CSSELR: Stub = [mrs(encoding(3, 2, 0, 0, 0)), RET];
static GET_CCSIDR: Stub = [mrs(encoding(3, 1, 0, 0, 0)), RET];
static SET_ZCR: Stub = [msr(encoding(3, 0, 1, 2, 0)), RET];
static GET_ZCR: Stub = [mrs(encoding(3, 0, 1, 2, 0)), RET];
/// `rdvl x0, #1`
static RDVL: Stub = [0x04bf_5020, RET];

/// CCSIDR_EL1 of all seven levels, data or unified and instruction, named by
/// CLIDR_EL1 or not; then CSSELR_EL1 as it holds what was written last.
fn caches(area: &mut Area) {
    for selector in 0..14 {
        probe::run(&SET_CSSELR, selector);
        isb();
        area.push_outcome(Kind::Ccsidr, selector, probe::run(&GET_CCSIDR, 0));
    }
    area.push_outcome(
        Kind::SystemRegister,
        encoding(3, 2, 0, 0, 0),
        probe::run(&GET_CSSELR, 0),
    );
    probe::run(&SET_CSSELR, 0);
    isb();
}

/// The vector length that each ZCR_EL1.LEN gives, where there is SVE.
fn vector_lengths(area: &mut Area) {
    let before = probe::run(&GET_ZCR, 0);
    if before.status() != wire::STATUS_VALUE {
        return;
    }
    for length in 0..16 {
        probe::run(&SET_ZCR, length);
        isb();
        area.push_outcome(Kind::SveVectorLength, length, probe::run(&RDVL, 0));
    }
    probe::run(&SET_ZCR, before.value());
    isb();
}

/// What was written to system registers holds from here on.
pub fn isb() {
    // SAFETY: a barrier, nothing else.
    unsafe { asm!("isb", options(nostack, preserves_flags)) };
}

/// The virtual counter, not read ahead of earlier instructions.
pub fn now() -> u64 {
    let ticks;
    // SAFETY: CNTVCT_EL0 is readable at EL1 in every implementation.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks, options(nostack, preserves_flags)) };
    ticks
}

/// Ticks of [`now`] per second, as CNTFRQ_EL0 has it.
pub fn frequency() -> u64 {
    let hertz: u64;
    // SAFETY: CNTFRQ_EL0 is readable at EL1 in every implementation.
    unsafe { asm!("mrs {}, cntfrq_el0", out(reg) hertz, options(nomem, nostack, preserves_flags)) };
    hertz
}
