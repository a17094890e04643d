//! What the witness can see and no lock promises: the one table that plan, `check`, `audit` and the README name it
//! from. A row is here because neither a write nor a filter nor a trap that userspace has holds the fact on the
//! kernels that the row names; rows and facts may leave it, and none comes.
//!
//! A fact that a lock does promise, or refuses, is not unpromised there, whatever stands here.

use super::{fact_name, promises, questions, settled};
use crate::lock::Lock;
use serde::Serialize;
use std::collections::BTreeSet;

/// Facts that go together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What they are called.
    pub name: &'static str,
    /// What differs, between which kernels or CPUs, and why nobody can hold it: a clause that follows the name.
    pub words: &'static str,
    /// The facts, by name; `*` stands for anything. None where it is no single fact that differs.
    pub facts: &'static [&'static str],
}

impl Row {
    /// [`Row::words`] as they follow the name.
    pub fn clause(&self) -> String {
        let close = self.words.starts_with([':', ',']);
        let space = if close { "" } else { " " };
        format!("{space}{}", self.words)
    }
}

/// SMC, where a kernel takes it and the lock's baseline had none: a plan names it where that is so.
#[rustfmt::skip]
pub const BY_SMC: Row = Row {
    name: "SMC where the baseline had none",
    words: ": up to 6.3 none had. A kernel that takes it answers the Arm architecture's own calls, CPU_ON, CPU_OFF, \
            CPU_SUSPEND and AFFINITY_INFO by it, and zeroes x1 to x3; so does it PTP and stolen time where a lock has \
            them, which it alone measures right. Its filter refuses the first and knows no conduits. All other calls \
            get -1 and leave the registers alone.",
    facts: &["SMC SMCCC_VERSION()*", "SMC function 0x80007000()*"],
};

/// What a machine with virtio devices gets by them.
const DEVICES: &str = "What devices bring in";

/// The table, in the README's order.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    BY_SMC,
    Row {
        name: "Reserved bits in the target of CPU_ON and AFFINITY_INFO",
        words: ": 5.10 ignores them, 6.1 and later answer INVALID_PARAMETERS. Both calls need the vCPUs' states, which \
                the kernel has.",
        facts: &["CPU_ON64(itself, reserved bit set)", "AFFINITY_INFO64(itself, reserved bit set)"],
    },
    Row {
        name: "GMID_EL1 and SMIDR_EL1",
        words: "in a guest without MTE or SME: silicon that has them lets GMID_EL1 be read up to 6.19 and SMIDR_EL1 up \
                to 6.12; later kernels raise an exception. No register of KVM's names them.",
        facts: &["GMID_EL1", "SMIDR_EL1"],
    },
    Row {
        name: "PMMIR_EL1",
        words: "in a guest without a PMU: where the CPU has it, it reads 0 on 6.12 and is UNDEFINED on 7.3. The other \
                registers of a PMU that a guest is told of and was not given read zero on 5.10.",
        facts: &[
            "PMMIR_EL1", "PMCR_EL0", "PMCEID0_EL0", "PMCEID1_EL0", "PMEVCNTR*_EL0", "PMEVTYPER*_EL0",
        ],
    },
    Row {
        name: "Registers of features that the CPU has and the lock hides",
        words: ", and the features' instructions: an ID register tells the guest not to use them; the CPU may execute \
                them all the same. Newer kernels trap more of them than older ones, and userspace sets no trap.",
        facts: &[
            "DISR_EL1", "SCTLR2_EL1", "ACTLRALIAS_EL1", "TCR2_EL1", "MAIR2_EL1", "AMAIR2_EL1", "PIRE0_EL1", "PIR_EL1",
            "POR_EL0", "POR_EL1", "S2POR_EL1", "SCXTNUM_EL*", "ACCDATA_EL1", "PFAR_EL1", "RCWMASK_EL1", "RCWSMASK_EL1",
            "GCSCR_EL1", "GCSPR_EL1", "GCSCRE0_EL1", "GCSPR_EL0", "SMPRI_EL1", "SMCR_EL1", "SVCR", "TPIDR2_EL0",
            "FPMR", "PAN", "UAO", "ALLINT", "PM", "DIT", "SSBS", "TCO", "RNDR", "RNDRRS", "CNTPCTSS_EL0",
            "CNTVCTSS_EL0", "MDSELR_EL1", "TRFCR_EL1", "BRBIDR0_EL1", "BRBCR_EL1", "LORSA_EL1", "LOREA_EL1",
            "LORN_EL1", "LORC_EL1", "LORID_EL1", "MPAMIDR_EL1", "MPAM0_EL1", "MPAM1_EL1",
            "AArch32 at EL0 in use", "memory tagging in use", "SVE vector length *",
        ],
    },
    Row {
        name: "PMBIDR_EL1 and TRBIDR_EL1",
        words: ", which say what the CPU's profiling and trace buffers are: no control of EL2 traps them but \
                fine-grained ones, which older kernels and CPUs have not.",
        facts: &["PMBIDR_EL1", "TRBIDR_EL1"],
    },
    Row {
        name: "DBGAUTHSTATUS_EL1",
        words: "is the host's own on every kernel, and KVM lets nobody write it; an emulated CPU has none, and no \
                DBGCLAIMSET_EL1, DBGCLAIMCLR_EL1, DBGPRCR_EL1 and OSECCR_EL1 either, which read zero on silicon.",
        facts: &["DBGAUTHSTATUS_EL1", "DBGCLAIMSET_EL1", "DBGCLAIMCLR_EL1", "DBGPRCR_EL1", "OSECCR_EL1"],
    },
    Row {
        name: "MDCCINT_EL1",
        words: ", the interrupts of a debug communications channel that no guest has, reads zero up to 6.12. From 6.16 on \
                KVM answers with what happens to lie on its stack; a write goes nowhere, and userspace has no trap for it.",
        facts: &["MDCCINT_EL1"],
    },
    Row {
        name: "Breakpoints and watchpoints beyond their number",
        words: ": whether their registers can be read differs between kernels.",
        facts: &["DBGBVR*_EL1", "DBGBCR*_EL1", "DBGWVR*_EL1", "DBGWCR*_EL1"],
    },
    Row {
        name: "Records of errors",
        words: "(ERR…, ERX…): where the CPU has RAS they read zero up to 6.16, and are UNDEFINED from 6.17 on to a guest \
                that is not told of it; an emulated CPU has ERRIDR_EL1 alone.",
        facts: &["ERRIDR_EL1", "ERRSELR_EL1", "ERX*_EL1"],
    },
    Row {
        name: "Caches that CLIDR_EL1 does not name",
        words: ": CCSIDR_EL1 is UNKNOWN there, and kernels from 6.3 on answer 2 instead of 0.",
        facts: &["CCSIDR_EL1[*]"],
    },
    Row {
        name: "UNDEFINED against exception class 0x18",
        words: ": where a register cannot be read, which of the two a guest gets hangs on FEAT_IDST and, up to 6.19, \
                on whether KVM knows the register. That nothing can be read is promised.",
        facts: &[],
    },
    Row {
        name: "What a vCPU begins with",
        words: ", in a lock of version 1; and in one of version 2, of what it begins with: ISTATUS in CNTV_CTL_EL0 and \
                CNTP_CTL_EL0, UNKNOWN while a timer is off; CSSELR_EL1, the upper half of ESR_EL1, the attributes in \
                PAR_EL1 and the registers of MTE, of which hardware keeps the bits that it has; PMCCNTR_EL0 (zero on \
                6.1, a pattern elsewhere) and bits 15:10 of `PMEVTYPER<n>_EL0` (there on 6.1, not on 6.12 with a PMU of \
                Armv8.0). A vCPU that is started once more finds SP_EL1, ELR_EL1, SPSR_EL1, CNTV_CVAL_EL0 and \
                CNTP_CVAL_EL0 as it left them.",
        facts: &[
            "* at entry", "* at a later entry", "ACTLR_EL1", "CNTKCTL_EL1", "CNTP_CTL_EL0", "CNTV_CTL_EL0", "MDSCR_EL1", "PMCNTENSET_EL0",
            "PMCNTENCLR_EL0", "PMOVSCLR_EL0", "PMOVSSET_EL0", "PMSELR_EL0", "PMCCNTR_EL0", "PMXEVTYPER_EL0",
            "PMXEVCNTR_EL0", "PMUSERENR_EL0", "PMINTENSET_EL1", "PMINTENCLR_EL1", "PMCCFILTR_EL0",
        ],
    },
    Row {
        name: "Bits 63:32 of ESR_EL1",
        words: "after an external abort that KVM injects: 6.1 has ones there, the architecture and other kernels zeroes.",
        facts: &[],
    },
    Row {
        name: "FAR_EL1 after an instruction fetch behind the last address",
        words: ": kernels up to 5.18 leave the address there that was used, later ones the guest-physical one.",
        facts: &[],
    },
    Row {
        name: "Where nothing is",
        words: ", in a lock of version 1: loads read zero up to 2^40, and instructions that the CPU does not describe end \
                the guest. In any lock, behind what ID_AA64MMFR0_EL1.PARange can address: the CPU's own translation \
                answers there.",
        facts: &["* between the devices", "* above memory", "* behind the last address"],
    },
    Row {
        name: "Time",
        words: ": how fast a CPU runs, how much time is stolen, and how closely PTP's two clocks belong together. The \
                counter's frequency is promised.",
        facts: &["stolen time in nanoseconds", "stolen-time structure, *"],
    },
    Row {
        name: "What the architecture leaves UNKNOWN",
        words: ", and random numbers; among them the eight bytes of `kaslr-seed` and the 16 of `vmgenid`, where a lock has \
                these. The witness does not read the latter.",
        facts: &[],
    },
    Row {
        name: DEVICES,
        words: ": what disks hold, but for a read-only one whose digest the lock has; frames, bytes of sockets and of \
                consoles, random bytes; and when a device answers.",
        facts: &[],
    },
    Row {
        name: "What newer locks promise beside it",
        words: ": a lock of version 1 says nothing of most control registers, of the devices' registers, of how far \
                memory reaches, and of calls that nobody implements. `vmlock lock --upgrade` moves it up.",
        facts: &["UART*", "RTC*", "* word of memory", "address bits"],
    },
    // After that: where nothing is waived, a newer lock promises them.
    Row {
        name: "What a description waives",
        words: "in the open, with `vary`: the field, and the answers and registers that hang on it.",
        facts: &[
            "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_*)", "ICC_AP0R1_EL1", "ICC_AP0R2_EL1", "ICC_AP0R3_EL1", "ICC_AP1R1_EL1",
            "ICC_AP1R2_EL1", "ICC_AP1R3_EL1", "ICC_BPR0_EL1*", "ICC_BPR1_EL1*", "ICC_PMR_EL1.writable",
        ],
    },
];

/// Facts that the newest locks promise and older ones do not know.
const NEWER: &str = "What newer locks promise beside it";

/// The row that names a fact which this lock does not promise; `None` where nothing does, which is a fault of ours.
/// `newer` is what [`newer`] says of the lock.
pub fn row(fact: u64, newer: &BTreeSet<u64>) -> Option<&'static Row> {
    let name = fact_name(fact);
    let by_name = |row: &Row| row.facts.iter().any(|pattern| matches(pattern, &name));
    let by_version = |row: &Row| row.name == NEWER && newer.contains(&fact);
    ROWS.iter().find(|row| by_name(row) || by_version(row))
}

/// What the newest version of the lock would promise beside what a lock of its version does.
pub fn newer(lock: &Lock) -> BTreeSet<u64> {
    if lock.lock_version >= settled::SINCE {
        return BTreeSet::new();
    }
    let vcpus = 0..lock.machine.vcpus.len() as u32;
    let settled = vcpus.flat_map(|vcpu| settled::of(lock, vcpu));
    settled.map(|(fact, ..)| fact).collect()
}

/// The rows that a lock leaves open: those of facts that it does not promise, and those of no single fact.
pub fn open(lock: &Lock) -> Vec<&'static Row> {
    let promised = promises(lock).into_iter().map(|promise| promise.key);
    let promised: BTreeSet<u64> = promised.collect();
    let newer = newer(lock);
    let asked = questions::keys(lock).into_iter();
    let unpromised = asked.filter(|fact| !promised.contains(fact));
    let named: BTreeSet<&str> = unpromised
        .filter_map(|fact| row(fact, &newer))
        .map(|row| row.name)
        .collect();
    let devices = lock
        .machine
        .devices
        .iter()
        .any(|device| device.virtio.is_some());
    let general = |row: &Row| row.facts.is_empty() && (row.name != DEVICES || devices);
    ROWS.iter()
        .filter(|row| general(row) || named.contains(row.name))
        .collect()
}

/// Whether a name is what a pattern with at most one `*` says.
pub fn matches(pattern: &str, name: &str) -> bool {
    // Most patterns are told apart by the first letter.
    let first = pattern.as_bytes().first();
    if first != Some(&b'*') && first != name.as_bytes().first() {
        return false;
    }
    match pattern.split_once('*') {
        Some((before, after)) => {
            name.len() >= before.len() + after.len()
                && name.starts_with(before)
                && name.ends_with(after)
        }
        None => pattern == name,
    }
}
