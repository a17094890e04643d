//! Common events of the PMU by the names that people know (Arm ARM D13.12.4; perf's own names:
//! drivers/perf/arm_pmuv3.c of Linux 6.12, armv8_pmuv3_perf_map). A description has their numbers.

/// One common event.
pub(super) struct Event {
    /// Its number, as `PMEVTYPER<n>_EL0.evtCount` has it.
    pub number: usize,
    /// Its name, as Arm spells it.
    pub name: &'static str,
}

/// The event of a name: Arm's in any case, with `_` or `-`, or perf's.
pub(super) fn by_name(word: &str) -> Option<Event> {
    let word = word.to_ascii_uppercase().replace('-', "_");
    let perf = PERF.iter().find(|(perf, _)| *perf == word);
    let name = perf.map_or(word.as_str(), |(_, name)| name);
    let number = COMMON.iter().position(|n| *n == name)?;
    Some(Event {
        number,
        name: COMMON[number],
    })
}

/// perf's names for events that have one name of Arm each.
const PERF: [(&str, &str); 9] = [
    ("CYCLES", "CPU_CYCLES"),
    ("INSTRUCTIONS", "INST_RETIRED"),
    ("CACHE_REFERENCES", "L1D_CACHE"),
    ("CACHE_MISSES", "L1D_CACHE_REFILL"),
    ("BRANCH_MISSES", "BR_MIS_PRED"),
    ("STALLED_CYCLES_FRONTEND", "STALL_FRONTEND"),
    ("STALLED_CYCLES_BACKEND", "STALL_BACKEND"),
    ("IDLE_CYCLES_FRONTEND", "STALL_FRONTEND"),
    ("IDLE_CYCLES_BACKEND", "STALL_BACKEND"),
];

/// By number, from 0.
const COMMON: [&str; 0x3d] = [
    "SW_INCR",
    "L1I_CACHE_REFILL",
    "L1I_TLB_REFILL",
    "L1D_CACHE_REFILL",
    "L1D_CACHE",
    "L1D_TLB_REFILL",
    "LD_RETIRED",
    "ST_RETIRED",
    "INST_RETIRED",
    "EXC_TAKEN",
    "EXC_RETURN",
    "CID_WRITE_RETIRED",
    "PC_WRITE_RETIRED",
    "BR_IMMED_RETIRED",
    "BR_RETURN_RETIRED",
    "UNALIGNED_LDST_RETIRED",
    "BR_MIS_PRED",
    "CPU_CYCLES",
    "BR_PRED",
    "MEM_ACCESS",
    "L1I_CACHE",
    "L1D_CACHE_WB",
    "L2D_CACHE",
    "L2D_CACHE_REFILL",
    "L2D_CACHE_WB",
    "BUS_ACCESS",
    "MEMORY_ERROR",
    "INST_SPEC",
    "TTBR_WRITE_RETIRED",
    "BUS_CYCLES",
    "CHAIN",
    "L1D_CACHE_ALLOCATE",
    "L2D_CACHE_ALLOCATE",
    "BR_RETIRED",
    "BR_MIS_PRED_RETIRED",
    "STALL_FRONTEND",
    "STALL_BACKEND",
    "L1D_TLB",
    "L1I_TLB",
    "L2I_CACHE",
    "L2I_CACHE_REFILL",
    "L3D_CACHE_ALLOCATE",
    "L3D_CACHE_REFILL",
    "L3D_CACHE",
    "L3D_CACHE_WB",
    "L2D_TLB_REFILL",
    "L2I_TLB_REFILL",
    "L2D_TLB",
    "L2I_TLB",
    "REMOTE_ACCESS",
    "LL_CACHE",
    "LL_CACHE_MISS",
    "DTLB_WALK",
    "ITLB_WALK",
    "LL_CACHE_RD",
    "LL_CACHE_MISS_RD",
    "REMOTE_ACCESS_RD",
    "L1D_CACHE_LMISS_RD",
    "OP_RETIRED",
    "OP_SPEC",
    "STALL",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_have_the_numbers_of_the_architecture() {
        for (name, number) in [
            ("SW_INCR", 0),
            ("cycles", 0x11),
            ("cpu-cycles", 0x11),
            ("CPU_CYCLES", 0x11),
            ("instructions", 8),
            ("bus_cycles", 0x1d),
            ("stall_backend", 0x24),
            ("STALL", 0x3c),
        ] {
            assert_eq!(by_name(name).map(|e| e.number), Some(number), "{name}");
        }
        assert!(by_name("branches").is_none());
        assert!(PERF.iter().all(|(perf, _)| by_name(perf).is_some()));
    }
}
