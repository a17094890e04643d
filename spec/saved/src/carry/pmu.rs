//! The registers of the PMU. Kernels keep more in them than a guest reads, and not the same: what a vCPU begins with is a
//! pattern of 64 bits up to 6.1 or so (`reset_unknown`, arch/arm64/kvm/sys_regs.c; hosts/cortex-a72-5.10.json), which 5.10
//! masks when a guest reads and 6.1 does not. What goes over is what a guest reads, on whatever kernel it is.

use vmlock_spec::catalogue::{Kind, RegisterInfo, field};
use vmlock_spec::lock::Lock;
use vmlock_spec::lock::reset::{per_counter, told};

/// What `reset_unknown` leaves in a register.
pub(super) const PATTERN: u64 = 0x1de7_ec7e_dbad_c0de;
/// PMEVTYPER<n>_EL0: P, U, NSH and the event of an Armv8.0 PMU: all kernels keep and honour them.
const EVENT: u64 = 0xc800_03ff;
/// The same with all bits of the event: what 5.10 to 6.7 show (`ARMV8_PMU_EVTYPE_MASK`).
const SHOWN: u64 = 0xc800_ffff;
/// PMUv3 for Armv8.5, whose event counters have 64 bits (ID_AA64DFR0_EL1.PMUVer).
const V3P5: u64 = 6;

/// What is written of a PMU register that was saved with that word, and in which bits it has to read so; why it cannot go
/// over, in words; nothing of all other registers.
pub(super) fn kept(
    info: &RegisterInfo,
    word: u64,
    lock: &Lock,
) -> Option<Result<(u64, u64), String>> {
    if info.kind != Kind::State || info.feature.as_deref() != Some("pmu") {
        return None;
    }
    let whole = |bits: u64| match word & !bits {
        0 => Ok((word, bits)),
        more => Err(format!(
            "it has {} with {word:#x}, and not every kernel keeps the bits {more:#x}",
            info.name
        )),
    };
    Some(if per_counter(info) {
        let told = told(lock, info);
        Ok((word & told, told))
    } else if info.name.starts_with("PMEVTYPER") {
        match [PATTERN, PATTERN & SHOWN, PATTERN & EVENT].contains(&word) {
            // The guest left it alone. Which of its upper bits of the event are there is up to the kernel.
            true => Ok((word & SHOWN, EVENT)),
            false => whole(EVENT),
        }
    } else if info.name == "PMCCFILTR_EL0" {
        // It has no event (Arm ARM, PMCCFILTR_EL0: those bits are RES0), but Linux as a guest leaves the event's number there.
        // KVM keeps that as it does of PMEVTYPER<n>_EL0, and shows it (`kvm_pmu_set_counter_event_type`, arch/arm64/kvm/pmu-emul.c;
        // `access_pmu_evtyper`, sys_regs.c), and counts cycles whatever it says (`kvm_pmu_create_perf_event`).
        whole(EVENT)
    } else if info.name.starts_with("PMEVCNTR") && version(lock) >= V3P5 {
        whole(info.told)
    } else {
        Ok((word & info.told, info.told))
    })
}

/// ID_AA64DFR0_EL1.PMUVer; the most that there is where the lock does not say it.
fn version(lock: &Lock) -> u64 {
    let Some((info, field)) = field("ID_AA64DFR0_EL1.PMUVer") else {
        return u64::MAX;
    };
    let entry = lock.registers.iter().find(|entry| entry.id == info.id);
    let promised = entry.filter(|entry| entry.promised() & field.mask() == field.mask());
    promised.map_or(u64::MAX, |entry| field.get(entry.value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::catalogue::register_by_name;
    use vmlock_spec::lock::canonical;

    /// What is written of a register of a guest with six counters and a PMU of Armv8.0.
    fn written(name: &str, word: u64) -> Result<(u64, u64), String> {
        let text = include_str!("../../../../examples/portable.vm.lock.json");
        let lock: Lock = canonical::parse(text).expect("it is a lock");
        let info = register_by_name(name).expect("the catalogue has it");
        kept(info, word, &lock).expect("it is the PMU's")
    }

    /// The words are those of spec/catalogue/hosts/cortex-a72-5.10.json, and what its guest reads.
    #[test]
    fn what_a_vcpu_of_5_10_begins_with_goes_over_as_its_guest_reads_it() {
        for name in ["PMCNTENSET_EL0", "PMINTENSET_EL1", "PMOVSSET_EL0"] {
            assert_eq!(
                written(name, PATTERN).map(|(word, _)| word),
                Ok(0x8000_001e),
                "{name}"
            );
        }
        assert_eq!(written("PMEVTYPER0_EL0", PATTERN), Ok((0xc800_c0de, EVENT)));
        assert_eq!(written("PMSELR_EL0", PATTERN), Ok((0x1e, 0x1f)));
        let low = PATTERN & 0xffff_ffff;
        assert_eq!(written("PMEVCNTR0_EL0", PATTERN), Ok((low, 0xffff_ffff)));
    }

    #[test]
    fn what_only_some_kernels_honour_is_refused() {
        assert_eq!(
            written("PMEVTYPER0_EL0", 0x8000_0011),
            Ok((0x8000_0011, EVENT))
        );
        assert_eq!(
            written("PMCCFILTR_EL0", 0x8000_0000),
            Ok((0x8000_0000, EVENT))
        );
        // What Linux leaves there once it has counted cycles.
        assert_eq!(
            written("PMCCFILTR_EL0", 0x8800_0011),
            Ok((0x8800_0011, EVENT))
        );
        for (name, word, bits) in [
            ("PMEVTYPER0_EL0", 0x2000_0011, "0x20000000"),
            ("PMEVTYPER0_EL0", 0x0000_4011, "0x4000"),
            ("PMCCFILTR_EL0", 0x0000_0411, "0x400"),
            ("PMCCFILTR_EL0", 0x1000_0000, "0x10000000"),
        ] {
            let words = written(name, word).expect_err("it is refused");
            assert!(words.ends_with(&format!("the bits {bits}")), "{words}");
        }
    }
}
