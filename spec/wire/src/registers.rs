//! The system registers that the witness reads: the ID space as a whole, everything else that describes
//! the machine, and registers of optional features, of which it matters whether they are there at all.
//! One list, for the guest that reads them and for those who say what of it a lock promises.
//!
//! Encodings and names: Arm ARM DDI 0487, chapter D24; GIC registers: IHI 0069.

use crate::encoding;

/// A register that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Register {
    /// [`encoding`] of MRS.
    pub id: u64,
    /// The architecture's name, or the encoding as MRS takes it.
    pub name: &'static str,
    /// Whether its value is recorded: not where it is the time or random.
    pub value: bool,
}

const fn all(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64, name: &'static str) -> Register {
    let id = encoding(op0, op1, crn, crm, op2);
    let value = true;
    Register { id, name, value }
}

/// As [`all`], of which only that it can be read says anything.
const fn there(op0: u64, op1: u64, crn: u64, crm: u64, op2: u64, name: &'static str) -> Register {
    let id = encoding(op0, op1, crn, crm, op2);
    let value = false;
    Register { id, name, value }
}

/// op0 3, op1 0, CRn 0, CRm 0 to 7, op2 0 to 7: MIDR_EL1 to the last ID register, with everything that
/// is not allocated yet.
pub const ID_SPACE: usize = 64;

/// Encoding of a register of the ID space.
pub const fn of_id_space(index: usize) -> u64 {
    encoding(3, 0, 0, index as u64 >> 3, index as u64 & 7)
}

/// What else a light look is about: every other register that a lock can hold and a guest can read.
#[rustfmt::skip]
pub const IDENTIFICATION: &[Register] = &[
    all(3, 1, 0, 0, 1, "CLIDR_EL1"),
    all(3, 1, 0, 0, 4, "GMID_EL1"),
    all(3, 1, 0, 0, 7, "AIDR_EL1"),
    all(3, 3, 0, 0, 1, "CTR_EL0"),
    all(3, 3, 0, 0, 7, "DCZID_EL0"),
    all(2, 0, 1, 1, 4, "OSLSR_EL1"),
    all(3, 0, 9, 14, 6, "PMMIR_EL1"),
    all(3, 3, 9, 12, 0, "PMCR_EL0"),
    all(3, 3, 9, 12, 6, "PMCEID0_EL0"),
    all(3, 3, 9, 12, 7, "PMCEID1_EL0"),
    all(3, 3, 14, 0, 0, "CNTFRQ_EL0"),
    all(3, 0, 12, 12, 4, "ICC_CTLR_EL1"),
];

/// Everything else.
#[rustfmt::skip]
pub const OTHERS: &[Register] = &[
    // Identification and caches.
    all(3, 1, 0, 0, 2, "CCSIDR2_EL1"),
    all(3, 1, 0, 0, 6, "SMIDR_EL1"),
    all(3, 0, 12, 0, 1, "RVBAR_EL1"),
    all(3, 0, 12, 1, 0, "ISR_EL1"),
    // Performance monitors, before anything has touched them.
    all(3, 3, 9, 12, 1, "PMCNTENSET_EL0"),
    all(3, 3, 9, 12, 2, "PMCNTENCLR_EL0"),
    all(3, 3, 9, 12, 3, "PMOVSCLR_EL0"),
    all(3, 3, 9, 12, 5, "PMSELR_EL0"),
    all(3, 3, 9, 13, 0, "PMCCNTR_EL0"),
    all(3, 3, 9, 13, 1, "PMXEVTYPER_EL0"),
    all(3, 3, 9, 13, 2, "PMXEVCNTR_EL0"),
    all(3, 3, 9, 14, 0, "PMUSERENR_EL0"),
    all(3, 3, 9, 14, 3, "PMOVSSET_EL0"),
    all(3, 0, 9, 14, 1, "PMINTENSET_EL1"),
    all(3, 0, 9, 14, 2, "PMINTENCLR_EL1"),
    all(3, 0, 9, 14, 4, "PMUACR_EL1"),
    all(3, 0, 9, 14, 5, "PMECR_EL1"),
    all(3, 3, 14, 15, 7, "PMCCFILTR_EL0"),
    all(3, 3, 14, 8, 0, "PMEVCNTR0_EL0"), all(3, 3, 14, 8, 1, "PMEVCNTR1_EL0"),
    all(3, 3, 14, 8, 2, "PMEVCNTR2_EL0"), all(3, 3, 14, 8, 3, "PMEVCNTR3_EL0"),
    all(3, 3, 14, 8, 4, "PMEVCNTR4_EL0"), all(3, 3, 14, 8, 5, "PMEVCNTR5_EL0"),
    all(3, 3, 14, 8, 6, "PMEVCNTR6_EL0"), all(3, 3, 14, 8, 7, "PMEVCNTR7_EL0"),
    all(3, 3, 14, 9, 0, "PMEVCNTR8_EL0"), all(3, 3, 14, 9, 1, "PMEVCNTR9_EL0"),
    all(3, 3, 14, 9, 2, "PMEVCNTR10_EL0"), all(3, 3, 14, 9, 3, "PMEVCNTR11_EL0"),
    all(3, 3, 14, 9, 4, "PMEVCNTR12_EL0"), all(3, 3, 14, 9, 5, "PMEVCNTR13_EL0"),
    all(3, 3, 14, 9, 6, "PMEVCNTR14_EL0"), all(3, 3, 14, 9, 7, "PMEVCNTR15_EL0"),
    all(3, 3, 14, 10, 0, "PMEVCNTR16_EL0"), all(3, 3, 14, 10, 1, "PMEVCNTR17_EL0"),
    all(3, 3, 14, 10, 2, "PMEVCNTR18_EL0"), all(3, 3, 14, 10, 3, "PMEVCNTR19_EL0"),
    all(3, 3, 14, 10, 4, "PMEVCNTR20_EL0"), all(3, 3, 14, 10, 5, "PMEVCNTR21_EL0"),
    all(3, 3, 14, 10, 6, "PMEVCNTR22_EL0"), all(3, 3, 14, 10, 7, "PMEVCNTR23_EL0"),
    all(3, 3, 14, 11, 0, "PMEVCNTR24_EL0"), all(3, 3, 14, 11, 1, "PMEVCNTR25_EL0"),
    all(3, 3, 14, 11, 2, "PMEVCNTR26_EL0"), all(3, 3, 14, 11, 3, "PMEVCNTR27_EL0"),
    all(3, 3, 14, 11, 4, "PMEVCNTR28_EL0"), all(3, 3, 14, 11, 5, "PMEVCNTR29_EL0"),
    all(3, 3, 14, 11, 6, "PMEVCNTR30_EL0"),
    all(3, 3, 14, 12, 0, "PMEVTYPER0_EL0"), all(3, 3, 14, 12, 1, "PMEVTYPER1_EL0"),
    all(3, 3, 14, 12, 2, "PMEVTYPER2_EL0"), all(3, 3, 14, 12, 3, "PMEVTYPER3_EL0"),
    all(3, 3, 14, 12, 4, "PMEVTYPER4_EL0"), all(3, 3, 14, 12, 5, "PMEVTYPER5_EL0"),
    all(3, 3, 14, 12, 6, "PMEVTYPER6_EL0"), all(3, 3, 14, 12, 7, "PMEVTYPER7_EL0"),
    all(3, 3, 14, 13, 0, "PMEVTYPER8_EL0"), all(3, 3, 14, 13, 1, "PMEVTYPER9_EL0"),
    all(3, 3, 14, 13, 2, "PMEVTYPER10_EL0"), all(3, 3, 14, 13, 3, "PMEVTYPER11_EL0"),
    all(3, 3, 14, 13, 4, "PMEVTYPER12_EL0"), all(3, 3, 14, 13, 5, "PMEVTYPER13_EL0"),
    all(3, 3, 14, 13, 6, "PMEVTYPER14_EL0"), all(3, 3, 14, 13, 7, "PMEVTYPER15_EL0"),
    all(3, 3, 14, 14, 0, "PMEVTYPER16_EL0"), all(3, 3, 14, 14, 1, "PMEVTYPER17_EL0"),
    all(3, 3, 14, 14, 2, "PMEVTYPER18_EL0"), all(3, 3, 14, 14, 3, "PMEVTYPER19_EL0"),
    all(3, 3, 14, 14, 4, "PMEVTYPER20_EL0"), all(3, 3, 14, 14, 5, "PMEVTYPER21_EL0"),
    all(3, 3, 14, 14, 6, "PMEVTYPER22_EL0"), all(3, 3, 14, 14, 7, "PMEVTYPER23_EL0"),
    all(3, 3, 14, 15, 0, "PMEVTYPER24_EL0"), all(3, 3, 14, 15, 1, "PMEVTYPER25_EL0"),
    all(3, 3, 14, 15, 2, "PMEVTYPER26_EL0"), all(3, 3, 14, 15, 3, "PMEVTYPER27_EL0"),
    all(3, 3, 14, 15, 4, "PMEVTYPER28_EL0"), all(3, 3, 14, 15, 5, "PMEVTYPER29_EL0"),
    all(3, 3, 14, 15, 6, "PMEVTYPER30_EL0"),
    // Timers: the counters tell the time, so only that they can be read.
    there(3, 3, 14, 0, 1, "CNTPCT_EL0"),
    there(3, 3, 14, 0, 2, "CNTVCT_EL0"),
    there(3, 3, 14, 0, 5, "CNTPCTSS_EL0"),
    there(3, 3, 14, 0, 6, "CNTVCTSS_EL0"),
    all(3, 0, 14, 1, 0, "CNTKCTL_EL1"),
    all(3, 3, 14, 2, 1, "CNTP_CTL_EL0"),
    all(3, 3, 14, 3, 1, "CNTV_CTL_EL0"),
    // GIC CPU interface, without the acknowledging registers.
    all(3, 0, 12, 12, 5, "ICC_SRE_EL1"),
    all(3, 0, 12, 12, 6, "ICC_IGRPEN0_EL1"),
    all(3, 0, 12, 12, 7, "ICC_IGRPEN1_EL1"),
    all(3, 0, 4, 6, 0, "ICC_PMR_EL1"),
    all(3, 0, 12, 8, 2, "ICC_HPPIR0_EL1"),
    all(3, 0, 12, 8, 3, "ICC_BPR0_EL1"),
    all(3, 0, 12, 8, 4, "ICC_AP0R0_EL1"),
    all(3, 0, 12, 8, 5, "ICC_AP0R1_EL1"),
    all(3, 0, 12, 8, 6, "ICC_AP0R2_EL1"),
    all(3, 0, 12, 8, 7, "ICC_AP0R3_EL1"),
    all(3, 0, 12, 9, 0, "ICC_AP1R0_EL1"),
    all(3, 0, 12, 9, 1, "ICC_AP1R1_EL1"),
    all(3, 0, 12, 9, 2, "ICC_AP1R2_EL1"),
    all(3, 0, 12, 9, 3, "ICC_AP1R3_EL1"),
    all(3, 0, 12, 11, 3, "ICC_RPR_EL1"),
    all(3, 0, 12, 12, 2, "ICC_HPPIR1_EL1"),
    all(3, 0, 12, 12, 3, "ICC_BPR1_EL1"),
    // RAS.
    all(3, 0, 5, 3, 0, "ERRIDR_EL1"),
    all(3, 0, 5, 3, 1, "ERRSELR_EL1"),
    all(3, 0, 5, 3, 2, "ERXGSR_EL1"),
    all(3, 0, 5, 4, 0, "ERXFR_EL1"),
    all(3, 0, 5, 4, 1, "ERXCTLR_EL1"),
    all(3, 0, 5, 4, 2, "ERXSTATUS_EL1"),
    all(3, 0, 5, 4, 3, "ERXADDR_EL1"),
    all(3, 0, 5, 4, 4, "ERXPFGF_EL1"),
    all(3, 0, 5, 4, 5, "ERXPFGCTL_EL1"),
    all(3, 0, 5, 4, 6, "ERXPFGCDN_EL1"),
    all(3, 0, 5, 5, 0, "ERXMISC0_EL1"),
    all(3, 0, 5, 5, 1, "ERXMISC1_EL1"),
    all(3, 0, 5, 5, 2, "ERXMISC2_EL1"),
    all(3, 0, 5, 5, 3, "ERXMISC3_EL1"),
    all(3, 0, 12, 1, 1, "DISR_EL1"),
    // MPAM.
    all(3, 0, 10, 4, 4, "MPAMIDR_EL1"),
    all(3, 0, 10, 5, 0, "MPAM1_EL1"),
    all(3, 0, 10, 5, 1, "MPAM0_EL1"),
    // Limited ordering regions.
    all(3, 0, 10, 4, 0, "LORSA_EL1"),
    all(3, 0, 10, 4, 1, "LOREA_EL1"),
    all(3, 0, 10, 4, 2, "LORN_EL1"),
    all(3, 0, 10, 4, 3, "LORC_EL1"),
    all(3, 0, 10, 4, 7, "LORID_EL1"),
    // Translation and control extensions.
    all(3, 0, 1, 0, 1, "ACTLR_EL1"),
    all(3, 0, 1, 0, 3, "SCTLR2_EL1"),
    all(3, 0, 1, 4, 1, "ACTLRALIAS_EL1"),
    all(3, 0, 2, 0, 3, "TCR2_EL1"),
    all(3, 0, 10, 2, 1, "MAIR2_EL1"),
    all(3, 0, 10, 2, 2, "PIRE0_EL1"),
    all(3, 0, 10, 2, 3, "PIR_EL1"),
    all(3, 0, 10, 2, 4, "POR_EL1"),
    all(3, 3, 10, 2, 4, "POR_EL0"),
    all(3, 0, 10, 2, 5, "S2POR_EL1"),
    all(3, 0, 10, 3, 1, "AMAIR2_EL1"),
    all(3, 0, 13, 0, 7, "SCXTNUM_EL1"),
    all(3, 3, 13, 0, 7, "SCXTNUM_EL0"),
    all(3, 0, 13, 0, 5, "ACCDATA_EL1"),
    all(3, 0, 6, 0, 5, "PFAR_EL1"),
    all(3, 0, 13, 0, 3, "RCWMASK_EL1"),
    all(3, 0, 13, 0, 6, "RCWSMASK_EL1"),
    // Pointer authentication: the first half of each key.
    there(3, 0, 2, 1, 0, "APIAKeyLo_EL1"),
    there(3, 0, 2, 1, 2, "APIBKeyLo_EL1"),
    there(3, 0, 2, 2, 0, "APDAKeyLo_EL1"),
    there(3, 0, 2, 2, 2, "APDBKeyLo_EL1"),
    there(3, 0, 2, 3, 0, "APGAKeyLo_EL1"),
    // Guarded control stacks.
    all(3, 0, 2, 5, 0, "GCSCR_EL1"),
    all(3, 0, 2, 5, 1, "GCSPR_EL1"),
    all(3, 0, 2, 5, 2, "GCSCRE0_EL1"),
    all(3, 3, 2, 5, 1, "GCSPR_EL0"),
    // SVE, SME, FP8.
    all(3, 0, 1, 2, 0, "ZCR_EL1"),
    all(3, 0, 1, 2, 4, "SMPRI_EL1"),
    all(3, 0, 1, 2, 6, "SMCR_EL1"),
    all(3, 3, 4, 2, 2, "SVCR"),
    all(3, 3, 13, 0, 5, "TPIDR2_EL0"),
    all(3, 3, 4, 4, 2, "FPMR"),
    // Memory tagging.
    all(3, 0, 1, 0, 5, "RGSR_EL1"),
    all(3, 0, 1, 0, 6, "GCR_EL1"),
    all(3, 0, 5, 6, 0, "TFSR_EL1"),
    all(3, 0, 5, 6, 1, "TFSRE0_EL1"),
    // Processor state.
    all(3, 0, 4, 2, 3, "PAN"),
    all(3, 0, 4, 2, 4, "UAO"),
    all(3, 0, 4, 3, 0, "ALLINT"),
    all(3, 0, 4, 3, 1, "PM"),
    all(3, 3, 4, 2, 5, "DIT"),
    all(3, 3, 4, 2, 6, "SSBS"),
    all(3, 3, 4, 2, 7, "TCO"),
    // Random numbers.
    there(3, 3, 2, 4, 0, "RNDR"),
    there(3, 3, 2, 4, 1, "RNDRRS"),
    // Trace, statistical profiling, branch records.
    all(3, 0, 1, 2, 1, "TRFCR_EL1"),
    all(3, 0, 9, 9, 0, "PMSCR_EL1"),
    all(3, 0, 9, 9, 7, "PMSIDR_EL1"),
    all(3, 0, 9, 10, 0, "PMBLIMITR_EL1"),
    all(3, 0, 9, 10, 7, "PMBIDR_EL1"),
    all(3, 0, 9, 11, 0, "TRBLIMITR_EL1"),
    all(3, 0, 9, 11, 7, "TRBIDR_EL1"),
    all(2, 1, 0, 8, 7, "TRCIDR0"),
    all(2, 1, 7, 14, 6, "TRCAUTHSTATUS"),
    all(2, 1, 9, 2, 0, "BRBIDR0_EL1"),
    all(2, 1, 9, 0, 0, "BRBCR_EL1"),
    // Activity monitors.
    all(3, 3, 13, 2, 0, "AMCR_EL0"),
    all(3, 3, 13, 2, 1, "AMCFGR_EL0"),
    all(3, 3, 13, 2, 2, "AMCGCR_EL0"),
    all(3, 3, 13, 2, 3, "AMUSERENR_EL0"),
    // Debug.
    all(2, 0, 0, 2, 0, "MDCCINT_EL1"),
    all(2, 0, 0, 2, 2, "MDSCR_EL1"),
    all(2, 0, 0, 4, 2, "MDSELR_EL1"),
    all(2, 0, 0, 6, 2, "OSECCR_EL1"),
    all(2, 3, 0, 1, 0, "MDCCSR_EL0"),
    all(2, 0, 1, 0, 0, "MDRAR_EL1"),
    all(2, 0, 1, 3, 4, "OSDLR_EL1"),
    all(2, 0, 1, 4, 4, "DBGPRCR_EL1"),
    all(2, 0, 7, 8, 6, "DBGCLAIMSET_EL1"),
    all(2, 0, 7, 9, 6, "DBGCLAIMCLR_EL1"),
    all(2, 0, 7, 14, 6, "DBGAUTHSTATUS_EL1"),
    all(2, 0, 0, 0, 4, "DBGBVR0_EL1"), all(2, 0, 0, 1, 4, "DBGBVR1_EL1"),
    all(2, 0, 0, 2, 4, "DBGBVR2_EL1"), all(2, 0, 0, 3, 4, "DBGBVR3_EL1"),
    all(2, 0, 0, 4, 4, "DBGBVR4_EL1"), all(2, 0, 0, 5, 4, "DBGBVR5_EL1"),
    all(2, 0, 0, 6, 4, "DBGBVR6_EL1"), all(2, 0, 0, 7, 4, "DBGBVR7_EL1"),
    all(2, 0, 0, 8, 4, "DBGBVR8_EL1"), all(2, 0, 0, 9, 4, "DBGBVR9_EL1"),
    all(2, 0, 0, 10, 4, "DBGBVR10_EL1"), all(2, 0, 0, 11, 4, "DBGBVR11_EL1"),
    all(2, 0, 0, 12, 4, "DBGBVR12_EL1"), all(2, 0, 0, 13, 4, "DBGBVR13_EL1"),
    all(2, 0, 0, 14, 4, "DBGBVR14_EL1"), all(2, 0, 0, 15, 4, "DBGBVR15_EL1"),
    all(2, 0, 0, 0, 5, "DBGBCR0_EL1"), all(2, 0, 0, 1, 5, "DBGBCR1_EL1"),
    all(2, 0, 0, 2, 5, "DBGBCR2_EL1"), all(2, 0, 0, 3, 5, "DBGBCR3_EL1"),
    all(2, 0, 0, 4, 5, "DBGBCR4_EL1"), all(2, 0, 0, 5, 5, "DBGBCR5_EL1"),
    all(2, 0, 0, 6, 5, "DBGBCR6_EL1"), all(2, 0, 0, 7, 5, "DBGBCR7_EL1"),
    all(2, 0, 0, 8, 5, "DBGBCR8_EL1"), all(2, 0, 0, 9, 5, "DBGBCR9_EL1"),
    all(2, 0, 0, 10, 5, "DBGBCR10_EL1"), all(2, 0, 0, 11, 5, "DBGBCR11_EL1"),
    all(2, 0, 0, 12, 5, "DBGBCR12_EL1"), all(2, 0, 0, 13, 5, "DBGBCR13_EL1"),
    all(2, 0, 0, 14, 5, "DBGBCR14_EL1"), all(2, 0, 0, 15, 5, "DBGBCR15_EL1"),
    all(2, 0, 0, 0, 6, "DBGWVR0_EL1"), all(2, 0, 0, 1, 6, "DBGWVR1_EL1"),
    all(2, 0, 0, 2, 6, "DBGWVR2_EL1"), all(2, 0, 0, 3, 6, "DBGWVR3_EL1"),
    all(2, 0, 0, 4, 6, "DBGWVR4_EL1"), all(2, 0, 0, 5, 6, "DBGWVR5_EL1"),
    all(2, 0, 0, 6, 6, "DBGWVR6_EL1"), all(2, 0, 0, 7, 6, "DBGWVR7_EL1"),
    all(2, 0, 0, 8, 6, "DBGWVR8_EL1"), all(2, 0, 0, 9, 6, "DBGWVR9_EL1"),
    all(2, 0, 0, 10, 6, "DBGWVR10_EL1"), all(2, 0, 0, 11, 6, "DBGWVR11_EL1"),
    all(2, 0, 0, 12, 6, "DBGWVR12_EL1"), all(2, 0, 0, 13, 6, "DBGWVR13_EL1"),
    all(2, 0, 0, 14, 6, "DBGWVR14_EL1"), all(2, 0, 0, 15, 6, "DBGWVR15_EL1"),
    all(2, 0, 0, 0, 7, "DBGWCR0_EL1"), all(2, 0, 0, 1, 7, "DBGWCR1_EL1"),
    all(2, 0, 0, 2, 7, "DBGWCR2_EL1"), all(2, 0, 0, 3, 7, "DBGWCR3_EL1"),
    all(2, 0, 0, 4, 7, "DBGWCR4_EL1"), all(2, 0, 0, 5, 7, "DBGWCR5_EL1"),
    all(2, 0, 0, 6, 7, "DBGWCR6_EL1"), all(2, 0, 0, 7, 7, "DBGWCR7_EL1"),
    all(2, 0, 0, 8, 7, "DBGWCR8_EL1"), all(2, 0, 0, 9, 7, "DBGWCR9_EL1"),
    all(2, 0, 0, 10, 7, "DBGWCR10_EL1"), all(2, 0, 0, 11, 7, "DBGWCR11_EL1"),
    all(2, 0, 0, 12, 7, "DBGWCR12_EL1"), all(2, 0, 0, 13, 7, "DBGWCR13_EL1"),
    all(2, 0, 0, 14, 7, "DBGWCR14_EL1"), all(2, 0, 0, 15, 7, "DBGWCR15_EL1"),
    // Encodings for each implementer to define.
    all(3, 0, 11, 0, 0, "S3_0_C11_C0_0"),
    all(3, 0, 15, 0, 0, "S3_0_C15_C0_0"),
    all(3, 0, 15, 1, 4, "S3_0_C15_C1_4"),           // CPUECTLR_EL1 of Arm's cores
    all(3, 1, 15, 1, 4, "S3_1_C15_C1_4"),           // the same on older cores
    // Of another level: UNDEFINED unless the machine has EL2 for its guest.
    all(3, 4, 1, 1, 0, "HCR_EL2"),
    all(3, 4, 4, 0, 0, "SPSR_EL2"),
];

/// Registers that are written too, all ones and zero: how many bits of priority there are shows in them.
#[rustfmt::skip]
pub const WRITABLE: &[Register] = &[
    all(3, 0, 4, 6, 0, "ICC_PMR_EL1"),
    all(3, 0, 12, 8, 3, "ICC_BPR0_EL1"),
    all(3, 0, 12, 12, 3, "ICC_BPR1_EL1"),
];
