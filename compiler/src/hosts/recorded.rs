//! Recorded host reports of the lab's kernels, by CPU model and kernel: its series, or the distribution's whose it is.
//! They serve `runs-on` and `drift` alone: what a real host can show is
//! always found by probing it.

use vmlock_recorded_hosts::{RECORDED, Recorded};
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::report::{self, HostReport};

/// The host of that kernel with that CPU, by a name of it: `kvm-6.12`, `debian-13`, `debian-13.r1`.
pub fn host(cpu: &str, name: &str) -> Option<HostReport> {
    let series = of_distribution(name);
    let name = series.as_deref().unwrap_or(name);
    let is = |host: &&Recorded| host.cpu == cpu && host.name == name;
    // Every one of them is read by a test.
    report::parse(&RECORDED.iter().find(is)?.report()?).ok()
}

/// Under which series hosts with that very kernel of a distribution are recorded, if they are.
fn of_distribution(name: &str) -> Option<String> {
    // No file of a user's says what was recorded.
    let catalogue = Catalogue::builtin();
    let kernel = catalogue.newest(name)?.kernel.as_ref()?;
    let series = kernel.recorded.as_ref()?;
    Some(format!("kvm-{series}"))
}

/// Names of distributions' kernels of which hosts with that CPU are recorded, each with that of the series.
pub fn distributions(cpu: &str) -> Vec<(String, String)> {
    let series = names(cpu);
    let catalogue = Catalogue::builtin();
    let standing = catalogue.standing();
    let all = catalogue.wholes().into_iter();
    let all = all.chain(standing.iter().map(|(name, _)| *name));
    let recorded = all.filter_map(|name| Some((name.to_owned(), of_distribution(name)?)));
    let mut found: Vec<_> = recorded.filter(|(_, of)| series.contains(of)).collect();
    found.sort();
    found
}

/// Names of the hosts with that CPU by their series, oldest kernel first.
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

    #[test]
    fn a_distribution_s_kernel_is_recorded_under_its_series() {
        let named = distributions("neoverse-n1");
        for (name, series) in [
            ("debian-11", "kvm-5.10"),
            ("debian-12", "kvm-6.1"),
            ("debian-12.r1", "kvm-6.1"),
            ("debian-13", "kvm-6.12"),
        ] {
            let pair = (name.to_owned(), series.to_owned());
            assert!(named.contains(&pair), "{name}: {named:?}");
            let [own, of] = [name, series].map(|name| host("neoverse-n1", name).expect(name));
            assert!(own == of, "{name} is not the host of {series}");
        }
        // Whose kernel nobody runs here, and what no kernel is.
        for name in ["al2023-6.1", "al2-5.10.r1", "kvm-6.8", "debian", "psci-1.1"] {
            assert!(host("neoverse-n1", name).is_none(), "{name}");
        }
        assert!(host("graviton3", "debian-12").is_none() && distributions("graviton3").is_empty());
    }
}
