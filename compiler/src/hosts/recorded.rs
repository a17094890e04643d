//! Recorded host reports of the lab's kernels, by CPU model and kernel series.
//! They serve `runs-on` at compile time only: what a real host can show is
//! always found by probing it.

use vmlock_spec::report::{self, HostReport};

macro_rules! recorded {
    ($($cpu:literal: $($series:literal)*;)*) => {
        /// CPU model, name for `runs-on`, and the report's text.
        const RECORDED: &[(&str, &str, &str)] = &[
            $($((
                $cpu,
                concat!("kvm-", $series),
                include_str!(concat!("../../../spec/catalogue/hosts/", $cpu, "-", $series, ".json")),
            ),)*)*
        ];
    };
}

recorded! {
    "cortex-a72": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "cortex-a76": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "max": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "neoverse-n1": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
}

/// The host of that kernel series (`kvm-6.12`) with that CPU.
pub fn host(cpu: &str, name: &str) -> Option<HostReport> {
    let (_, _, text) = RECORDED.iter().find(|(c, n, _)| *c == cpu && *n == name)?;
    // Every one of them is read by a test.
    report::parse(text).ok()
}

/// Names of the hosts with that CPU, oldest kernel first.
pub fn names(cpu: &str) -> Vec<String> {
    let of_cpu = RECORDED.iter().filter(|(c, _, _)| *c == cpu);
    of_cpu.map(|(_, name, _)| (*name).to_owned()).collect()
}

/// CPU models of which there are hosts.
pub fn models() -> Vec<String> {
    let mut models: Vec<String> = RECORDED.iter().map(|(c, _, _)| format!("`{c}`")).collect();
    models.dedup();
    models
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    #[test]
    fn every_recorded_report_is_named_and_can_be_read() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/catalogue/hosts");
        let files: BTreeSet<String> = fs::read_dir(folder)
            .unwrap()
            .flatten()
            .map(|e| e.file_name().into_string().unwrap())
            .collect();
        let listed: BTreeSet<String> = RECORDED
            .iter()
            .map(|(cpu, name, _)| format!("{cpu}-{}.json", name.strip_prefix("kvm-").unwrap()))
            .collect();
        assert_eq!(files, listed);
        for (cpu, name, _) in RECORDED {
            assert!(host(cpu, name).is_some(), "{cpu} {name}");
        }
    }
}
