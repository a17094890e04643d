//! Which CPU a MIDR_EL1 names, for people: the first thing to say where a host has another one than its lock is for.

use crate::catalogue::{CPUS, register_by_name};
use crate::lock::Lock;
use crate::report::HostReport;
use crate::vm::Feature;

/// Implementer and PartNum of MIDR_EL1 (Arm ARM D24.2.122): which CPU it is, whatever its revision.
const PART: u64 = 0xff << 24 | 0xfff << 4;

/// Who makes CPUs, by MIDR_EL1.Implementer (Arm ARM, table D24-4).
const IMPLEMENTERS: [(u64, &str); 8] = [
    (0x41, "Arm"),
    (0x43, "Cavium"),
    (0x46, "Fujitsu"),
    (0x48, "HiSilicon"),
    (0x4e, "NVIDIA"),
    (0x51, "Qualcomm"),
    (0x61, "Apple"),
    (0xc0, "Ampere"),
];

/// `Neoverse N1` for MIDR_EL1 of one, with `neoverse-n1`, the model that has that part; other parts by their numbers.
fn named(midr: u64) -> (String, Option<&'static str>) {
    let models = CPUS.iter().filter(|cpu| {
        let own = cpu.registers.iter().find(|r| r.register == "MIDR_EL1");
        own.is_some_and(|own| (own.value ^ midr) & PART == 0)
    });
    // A model of the part itself, before one of a machine that has it.
    if let Some(model) = models.min_by_key(|cpu| !cpu.unknown.is_empty()) {
        let title = model.title.split(" (").next().unwrap_or(&model.title);
        let title = title.rsplit(": ").next().unwrap_or(title);
        let name = title.strip_prefix("Arm ").unwrap_or(title);
        let revision = |word: &&str| {
            let digits = word.strip_prefix('r');
            digits.is_some_and(|d| d.starts_with(|c: char| c.is_ascii_digit()))
        };
        let words: Vec<&str> = name.split(' ').filter(|word| !revision(word)).collect();
        return (words.join(" "), Some(&model.name));
    }
    let (implementer, part) = (midr >> 24 & 0xff, midr >> 4 & 0xfff);
    let maker = IMPLEMENTERS
        .iter()
        .find(|(number, _)| *number == implementer);
    let maker = maker.map_or_else(
        || format!("implementer {implementer:#x}"),
        |(_, name)| (*name).to_owned(),
    );
    (format!("part {part:#x} of {maker}"), None)
}

/// A host with another CPU than a lock is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Another {
    /// In one sentence: which one it has, and which one the lock is for.
    pub words: String,
    /// What can be done about it.
    pub help: String,
}

/// Whether the CPU of a host is another one than that of a lock.
pub fn another(lock: &Lock, report: &HostReport) -> Option<Another> {
    differ(of_lock(lock)?, of_host(report, &lock.features)?)
}

/// MIDR_EL1 of a lock.
pub fn of_lock(lock: &Lock) -> Option<u64> {
    let locked = lock.registers.iter().find(|r| r.name == "MIDR_EL1")?;
    Some(locked.value)
}

/// MIDR_EL1 of a host, as a guest with these features finds it, or else one without any.
pub fn of_host(report: &HostReport, features: &[Feature]) -> Option<u64> {
    let id = register_by_name("MIDR_EL1")?.id;
    let view = report.view(features).or_else(|| report.view(&[]))?;
    let inside = view.seen("MIDR_EL1").value();
    inside.or_else(|| view.register(id).and_then(|r| r.value))
}

/// Whether these are of different CPUs: the lock's, and the host's.
pub fn differ(locked: u64, host: u64) -> Option<Another> {
    if (host ^ locked) & PART == 0 {
        return None;
    }
    let ((this, model), (other, _)) = (named(host), named(locked));
    let this_one = match model {
        Some(model) => {
            format!("for a guest of this host's CPU, write `cpu \"{model}\"` in the description")
        }
        None => {
            "for a guest of this host's CPU, `vmlock cpu REPORT --name NAME` makes a model of it"
                .to_owned()
        }
    };
    Some(Another {
        words: format!(
            "this host's CPU is {}, and the lock is for {}",
            article(&this),
            article(&other)
        ),
        help: format!("choose a host with that CPU; {this_one}"),
    })
}

fn article(name: &str) -> String {
    match name.starts_with("part ") {
        true => name.to_owned(),
        false => match name.starts_with(['A', 'E', 'I', 'O']) {
            true => format!("an {name}"),
            false => format!("a {name}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_have_the_names_that_people_know() {
        for (midr, name) in [
            (0x414f_d0c1, "Neoverse N1"),
            (0x410f_d083, "Cortex-A72"),
            (0x413f_d0c1, "Neoverse N1"),
            (0x410f_d034, "part 0xd03 of Arm"),
            (0xc00f_ac30, "part 0xac3 of Ampere"),
            (0x770f_0010, "part 0x1 of implementer 0x77"),
        ] {
            assert_eq!(named(midr).0, name);
        }
        assert_eq!(article("Cortex-A72"), "a Cortex-A72");
        assert_eq!(article(&named(0x461f_0010).0), "a Fujitsu A64FX");
    }
}
