//! Recorded host reports of the lab's kernels, by CPU model and kernel series.
//! They serve `runs-on` and `drift` alone: what a real host can show is
//! always found by probing it.

use vmlock_recorded_hosts::{RECORDED, Recorded};
use vmlock_spec::report::{self, HostReport};

/// The host of that kernel series (`kvm-6.12`) with that CPU.
pub fn host(cpu: &str, name: &str) -> Option<HostReport> {
    let is = |host: &&Recorded| host.cpu == cpu && host.name == name;
    // Every one of them is read by a test.
    report::parse(&RECORDED.iter().find(is)?.report()?).ok()
}

/// Names of the hosts with that CPU, oldest kernel first.
pub fn names(cpu: &str) -> Vec<String> {
    let of_cpu = RECORDED.iter().filter(|host| host.cpu == cpu);
    of_cpu.map(|host| host.name.to_owned()).collect()
}

/// CPU models of which there are hosts.
pub fn models() -> Vec<String> {
    let models = RECORDED.iter().map(|host| format!("`{}`", host.cpu));
    let mut models: Vec<String> = models.collect();
    models.dedup();
    models
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_recorded_report_can_be_read() {
        assert!(!RECORDED.is_empty());
        for Recorded { cpu, name, .. } in RECORDED {
            assert!(host(cpu, name).is_some(), "{cpu} {name}");
        }
    }
}
