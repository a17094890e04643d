//! The CPUs that this program may run on have to be of one kind.
//!
//! KVM up to 6.14 gives a guest the MIDR_EL1 and REVIDR_EL1 of whichever CPU its thread is on
//! (arch/arm64/kvm/hyp/include/hyp/sysreg-sr.h: VPIDR_EL2), and CTR_EL0, DCZID_EL0 and what instructions do are
//! never anything else. On a host with two kinds of CPUs, everything that was probed, read back and looked at
//! from inside on one kind would be wrong after the scheduler has moved a thread to the other.

use crate::failure::Failure;
use std::collections::BTreeMap;
use std::fs;

/// Where Linux tells what CPU `n` is (Documentation/ABI/testing/sysfs-devices-system-cpu).
const CPUS: &str = "/sys/devices/system/cpu";

/// Makes sure that it makes no difference on which CPU a vCPU's thread runs.
///
/// # Errors
/// They differ, or cannot be told.
pub fn of_one_kind() -> Result<(), Failure> {
    let status = fs::read_to_string("/proc/thread-self/status").unwrap_or_default();
    let Some(allowed) = allowed(&status) else {
        return Err(Failure::environment(
            "which CPUs this program may run on cannot be read from /proc/thread-self/status",
            &["mount /proc"],
        ));
    };
    judge(&allowed, |cpu, register| {
        let path = format!("{CPUS}/cpu{cpu}/regs/identification/{register}");
        let text = fs::read_to_string(path).ok()?;
        u64::from_str_radix(text.trim().trim_start_matches("0x"), 16).ok()
    })
}

/// The CPUs that a thread may run on, from its `status` (proc_pid_status(5)).
fn allowed(status: &str) -> Option<Vec<u32>> {
    let list = status
        .lines()
        .find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
    let mut cpus = Vec::new();
    for range in list.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        cpus.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    (!cpus.is_empty()).then_some(cpus)
}

/// Compares the CPUs by MIDR_EL1 and REVIDR_EL1. One that has neither is offline, and runs nothing.
fn judge(
    allowed: &[u32],
    identification: impl Fn(u32, &str) -> Option<u64>,
) -> Result<(), Failure> {
    let mut kinds: BTreeMap<(u64, u64), Vec<u32>> = BTreeMap::new();
    for &cpu in allowed {
        if let Some(midr) = identification(cpu, "midr_el1") {
            let revidr = identification(cpu, "revidr_el1").unwrap_or_default();
            kinds.entry((midr, revidr)).or_default().push(cpu);
        }
    }
    if kinds.len() == 1 {
        return Ok(());
    }
    if kinds.is_empty() {
        return Err(Failure::environment(
            format!(
                "what CPUs this host has cannot be read below {CPUS}: they may be of several kinds"
            ),
            &["mount /sys"],
        ));
    }
    let words: Vec<String> = kinds
        .iter()
        .map(|((midr, revidr), cpus)| {
            let list: Vec<String> = cpus.iter().map(u32::to_string).collect();
            let list = list.join(",");
            format!("CPUs {list} have MIDR_EL1 {midr:#010x} and REVIDR_EL1 {revidr:#x}")
        })
        .collect();
    let first = kinds.values().next().map_or(&[][..], Vec::as_slice);
    let list: Vec<String> = first.iter().map(u32::to_string).collect();
    Err(Failure::environment(
        format!(
            "this host has CPUs of {} kinds, and a guest would see the one that it happens to run on: {}",
            kinds.len(),
            words.join("; ")
        ),
        &[&format!(
            "let it run on CPUs of one kind only: taskset --cpu-list {} vmlock-run …",
            list.join(",")
        )],
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// CPUs 0 and 1 are alike, 2 is another, 3 is offline.
    fn identification(cpu: u32, register: &str) -> Option<u64> {
        match (cpu, register) {
            (0 | 1, "midr_el1") => Some(0x410f_d034),
            (2, "midr_el1") => Some(0x410f_d083),
            (0..=2, _) => Some(0),
            _ => None,
        }
    }

    #[test]
    fn lists_of_cpus_are_read() {
        let of = |list: &str| allowed(&format!("Name:\tx\nCpus_allowed_list:\t{list}\n"));
        assert_eq!(of("0-2,5"), Some(vec![0, 1, 2, 5]));
        assert_eq!(of("7"), Some(vec![7]));
        assert_eq!(of(""), None);
        assert_eq!(allowed("Name:\tx\n"), None);
    }

    #[test]
    fn cpus_of_two_kinds_are_refused_and_offline_ones_do_not_count() {
        assert!(judge(&[0, 1, 3], identification).is_ok());
        assert!(judge(&[2], identification).is_ok());
        let Err(Failure::Environment(trouble)) = judge(&[0, 1, 2], identification) else {
            panic!("two kinds of CPUs were taken for one");
        };
        assert!(
            trouble.message.contains("CPUs of 2 kinds"),
            "{}",
            trouble.message
        );
        assert!(trouble.help[0].contains("--cpu-list 0,1 "));
        assert!(judge(&[3], identification).is_err());
    }
}
