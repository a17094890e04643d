//! Typed look-up in the catalogue: the built-in tables, plus what a spec imports.

pub mod passed;
// Made by a program, and laid out by it.
#[rustfmt::skip]
mod tables;

pub use tables::{BASELINES, CPUS, HWCAPS, MADE_OF, NEEDS, REGISTERS, TEXTS, VMMS};
pub use vmlock_catalogue_types::*;

use std::borrow::Cow;
use std::cmp::Ordering;
use tables::{BY_NAME, SYSTEM_REGISTERS, SYSTEM_REGISTERS_BY_NAME};

/// The register with that KVM register id.
pub fn register_by_id(id: u64) -> Option<&'static RegisterInfo> {
    let at = REGISTERS.binary_search_by_key(&id, |r| r.id).ok()?;
    Some(&REGISTERS[at])
}

/// The register of that name, exactly as the architecture spells it.
pub fn register_by_name(name: &str) -> Option<&'static RegisterInfo> {
    let named = |at: &u16| REGISTERS[usize::from(*at)].name.as_ref().cmp(name);
    let at = BY_NAME.binary_search_by(named).ok()?;
    Some(&REGISTERS[usize::from(BY_NAME[at])])
}

/// The name of the system register that MRS reads with that encoding (see [`RegisterInfo::encoding`]).
pub fn system_register(encoding: u16) -> Option<&'static str> {
    let at = SYSTEM_REGISTERS.binary_search_by_key(&encoding, |(e, _)| *e);
    Some(SYSTEM_REGISTERS[at.ok()?].1)
}

/// The encoding of the system register of that name.
pub const fn encoding_of(name: &[u8]) -> Option<u16> {
    let (mut from, mut to) = (0, SYSTEM_REGISTERS_BY_NAME.len());
    while from < to {
        let middle = (from + to) / 2;
        let (other, encoding) = SYSTEM_REGISTERS_BY_NAME[middle];
        match order(name, other.as_bytes()) {
            Ordering::Equal => return Some(encoding),
            Ordering::Less => to = middle,
            Ordering::Greater => from = middle + 1,
        }
    }
    None
}

/// [`Ord::cmp`] of two texts, while constants are made as well.
const fn order(text: &[u8], other: &[u8]) -> Ordering {
    let mut at = 0;
    while at < text.len() && at < other.len() {
        if text[at] < other[at] {
            return Ordering::Less;
        }
        if text[at] > other[at] {
            return Ordering::Greater;
        }
        at += 1;
    }
    if text.len() < other.len() {
        return Ordering::Less;
    }
    if text.len() > other.len() {
        return Ordering::Greater;
    }
    Ordering::Equal
}

/// CSSELR_EL1 values of the caches that CLIDR_EL1 names (Arm ARM D24.2.27).
pub fn selectors(clidr: u64) -> Vec<u64> {
    let mut out = Vec::new();
    for level in 0..7 {
        match clidr >> (3 * level) & 7 {
            1 => out.push(level << 1 | 1),
            2 | 4 => out.push(level << 1),
            3 => out.extend([level << 1, level << 1 | 1]),
            _ => break,
        }
    }
    out
}

/// `REGISTER.FIELD` split and looked up.
pub fn field(path: &str) -> Option<(&'static RegisterInfo, &'static Field)> {
    let (register, field) = path.split_once('.')?;
    let register = register_by_name(register)?;
    Some((register, register.field(field)?))
}

/// The feature that Linux knows by that name.
pub fn hwcap(name: &str) -> Option<&'static Hwcap> {
    HWCAPS.iter().find(|h| h.name == name)
}

/// The virtual machine monitor of that name.
pub fn vmm(name: &str) -> Option<&'static vmm::Vmm> {
    VMMS.iter().find(|v| v.name == name)
}

/// Whether an entry of a description, a feature by its name or `REGISTER.FIELD`, speaks of that field.
pub fn speaks_of(entry: &str, path: &str) -> bool {
    match hwcap(entry) {
        Some(hwcap) => hwcap.fields.iter().any(|f| f.path == path),
        None => entry == path,
    }
}

/// Baselines and CPU models by name: ours, and those that a spec imports.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    baselines: Vec<Cow<'static, Baseline>>,
    cpus: Vec<Cow<'static, CpuModel>>,
}

impl Catalogue {
    /// What is compiled in.
    pub fn builtin() -> Self {
        Self {
            baselines: BASELINES.iter().map(Cow::Borrowed).collect(),
            cpus: CPUS.iter().map(Cow::Borrowed).collect(),
        }
    }

    /// Adds what a user's file defines. What such a model does not say of [`NEVER_FORGOTTEN`] nobody knows.
    ///
    /// # Errors
    /// The names that exist already, or are [`Self::reserved`]: nothing can be redefined.
    pub fn import(
        &mut self,
        baselines: Vec<Baseline>,
        cpus: Vec<CpuModel>,
    ) -> Result<(), Vec<String>> {
        let mut taken = Vec::new();
        for baseline in baselines {
            let name = baseline.name.as_ref();
            match self.baseline(name).is_some() || self.reserved(name).is_some() {
                true => taken.push(baseline.name.into_owned()),
                false => self.baselines.push(Cow::Owned(baseline)),
            }
        }
        for mut cpu in cpus {
            match self.cpu(&cpu.name).is_some() || self.reserved(&cpu.name).is_some() {
                true => taken.push(cpu.name.into_owned()),
                false => {
                    forgotten(&mut cpu);
                    self.cpus.push(Cow::Owned(cpu));
                }
            }
        }
        if taken.is_empty() { Ok(()) } else { Err(taken) }
    }

    /// The baseline of that name.
    pub fn baseline(&self, name: &str) -> Option<&Baseline> {
        self.baselines
            .iter()
            .map(AsRef::as_ref)
            .find(|b| b.name == name)
    }

    /// The CPU model of that name.
    pub fn cpu(&self, name: &str) -> Option<&CpuModel> {
        self.cpus.iter().map(AsRef::as_ref).find(|c| c.name == name)
    }

    /// The baseline that is meant by a name: a correction of `kvm-6.9` is `kvm-6.9.r2`, and `kvm-6.9` means the newest,
    /// unless one of them is pinned.
    pub fn revision<'a>(&'a self, name: &'a str, pins: &[String]) -> &'a str {
        revision_in(self.baseline_names(), name, pins)
    }

    /// The CPU model that is meant by a name, found as [`Self::revision`] finds a baseline.
    pub fn cpu_revision<'a>(&'a self, name: &'a str, pins: &[String]) -> &'a str {
        revision_in(self.cpu_names(), name, pins)
    }

    /// The baseline that a name means today: its newest revision.
    pub fn newest(&self, name: &str) -> Option<&Baseline> {
        self.baseline(self.revision(name, &[]))
    }

    /// Names that stand for a newest revision and are no baseline themselves, each with what it means: `debian-12`
    /// is `debian-12.r1`.
    pub fn standing(&self) -> Vec<(&str, &str)> {
        let names = self.baseline_names();
        let mut found: Vec<(&str, &str)> = names
            .filter_map(bare)
            .filter(|name| self.baseline(name).is_none())
            .map(|name| (name, self.revision(name, &[])))
            .filter(|(name, means)| name != means)
            .collect();
        found.dedup();
        found
    }

    /// What of our own catalogue, be it a baseline or a CPU model, has that name, or would be a revision of it, or is what
    /// it would be a revision of: no file decides what `debian-12`, `kvm-6.1` or `neoverse-n1` means.
    pub fn reserved(&self, name: &str) -> Option<&str> {
        let baselines = self.baselines.iter().filter_map(|baseline| match baseline {
            Cow::Borrowed(ours) => Some(ours.name.as_ref()),
            Cow::Owned(_) => None,
        });
        let cpus = self.cpus.iter().filter_map(|cpu| match cpu {
            Cow::Borrowed(ours) => Some(ours.name.as_ref()),
            Cow::Owned(_) => None,
        });
        let stem = bare(name).unwrap_or(name);
        baselines
            .chain(cpus)
            .find(|ours| *ours == name || *ours == stem || bare(ours) == Some(stem))
    }

    /// Whether a CPU model of that name is compiled in, so that no file can mean another one by it.
    pub fn is_ours(&self, name: &str) -> bool {
        let ours = |cpu: &Cow<CpuModel>| matches!(cpu, Cow::Borrowed(ours) if ours.name == name);
        self.cpus.iter().any(ours)
    }

    /// Names of all baselines.
    pub fn baseline_names(&self) -> impl Iterator<Item = &str> {
        self.baselines.iter().map(|b| b.name.as_ref())
    }

    /// Names of the whole baselines, the oldest first.
    pub fn wholes(&self) -> Vec<&str> {
        let whole = |name: &&str| self.baseline(name).is_some_and(|b| b.part.is_none());
        let mut wholes: Vec<&str> = self.baseline_names().filter(whole).collect();
        wholes.sort_by_key(|name| self.chain(name).map_or(0, |chain| chain.len()));
        wholes
    }

    /// The same without those of distributions' kernels: mainline's releases, and a user's own.
    pub fn releases(&self) -> Vec<&str> {
        let mut names = self.wholes();
        names.retain(|name| self.baseline(name).is_some_and(|b| !b.is_of_distribution()));
        names
    }

    /// Names of all CPU models.
    pub fn cpu_names(&self) -> impl Iterator<Item = &str> {
        self.cpus.iter().map(|c| c.name.as_ref())
    }

    /// A baseline and all those that it is a difference from, oldest first.
    /// `None` when one is missing or the chain runs in a circle.
    pub fn chain(&self, name: &str) -> Option<Vec<&Baseline>> {
        let mut chain = vec![self.baseline(name)?];
        while let Some(before) = chain[chain.len() - 1].after.as_deref() {
            if chain.len() > self.baselines.len() {
                return None;
            }
            chain.push(self.baseline(before)?);
        }
        chain.reverse();
        Some(chain)
    }
}

/// The name of which another one is a revision: `debian-12` of `debian-12.r2`.
fn bare(name: &str) -> Option<&str> {
    let (bare, number) = name.rsplit_once(".r")?;
    number.parse::<u32>().is_ok().then_some(bare)
}

/// Of these names the newest revision of one, or the one that is pinned.
fn revision_in<'a>(
    names: impl Iterator<Item = &'a str>,
    name: &'a str,
    pins: &[String],
) -> &'a str {
    let number = |of: &str| -> Option<u32> {
        match of.strip_prefix(name)? {
            "" => Some(1),
            rest => rest.strip_prefix(".r")?.parse().ok(),
        }
    };
    let revisions: Vec<(u32, &str)> = names.filter_map(|n| Some((number(n)?, n))).collect();
    let pinned = revisions.iter().find(|(_, n)| pins.iter().any(|p| p == n));
    let newest = revisions.iter().max();
    pinned.or(newest).map_or(name, |(_, n)| n)
}

/// Registers that only silicon decides and that are no ID registers: a user's model that names one neither with a
/// value nor as `unknown` has forgotten it, and zero would be a guess.
pub const NEVER_FORGOTTEN: [&str; 2] = ["CLIDR_EL1", "ACTLR_EL1"];

/// Marks as unknown what a user's model does not say of them.
fn forgotten(cpu: &mut CpuModel) {
    for name in NEVER_FORGOTTEN {
        let said = cpu.registers.iter().any(|value| value.register == name);
        if !said {
            cpu.unknown.to_mut().push(Unknown {
                path: name.into(),
                source: "the model does not say it".into(),
            });
        }
    }
}
