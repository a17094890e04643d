//! Recorded host reports of the lab's kernels, by CPU model and kernel series: the text of each, as
//! `vmlock-run probe` wrote it there.
//!
//! A crate of its own, because the reports are larger than all that reads them: the compiler has them for `runs-on`,
//! and who else decides by a report makes one of the host at hand.

/// One recorded host.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// The CPU model's name in the catalogue.
    pub cpu: &'static str,
    /// The host's name for `runs-on`: `kvm-` and the kernel's series.
    pub name: &'static str,
    /// The report, JSON.
    pub report: &'static str,
}

macro_rules! recorded {
    ($($cpu:literal: $($series:literal)*;)*) => {
        /// All of them, by CPU model, the oldest kernel of each first.
        pub const RECORDED: &[Recorded] = &[
            $($(Recorded {
                cpu: $cpu,
                name: concat!("kvm-", $series),
                report: include_str!(concat!("../", $cpu, "-", $series, ".json")),
            },)*)*
        ];
    };
}

recorded! {
    "cortex-a72": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "cortex-a76": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "max": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "neoverse-n1": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;

    #[test]
    fn every_report_that_is_there_is_listed() {
        let files: BTreeSet<String> = fs::read_dir(env!("CARGO_MANIFEST_DIR"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".json"))
            .collect();
        let listed: BTreeSet<String> = RECORDED
            .iter()
            .map(|host| {
                let series = host.name.strip_prefix("kvm-").unwrap();
                format!("{}-{series}.json", host.cpu)
            })
            .collect();
        assert!(!files.is_empty());
        assert_eq!(files, listed);
    }
}
