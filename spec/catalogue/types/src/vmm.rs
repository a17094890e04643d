//! Virtual machine monitors that are none of ours: what each decides of a guest by itself, and what it can be told.

use crate::{List, Text};

/// A virtual machine monitor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vmm {
    /// E.g. `qemu`.
    pub name: Text,
    /// What it is called, for people.
    pub title: Text,
    /// Its versions that somebody looked at, the oldest first, each as `10.0`: nothing is known of another.
    pub versions: List<Text>,
    /// From which third part of a version on it is a development build or a candidate of the next release (`11.1.50`);
    /// `None` where none are numbered so.
    pub unreleased_from: Option<u32>,
    /// In what it is told.
    pub form: Form,
    /// Whether a guest starts with a GICv3 or not at all; else a host that has none gives it a GICv2, in silence.
    pub insists_on_gicv3: bool,
    /// Where that was read.
    pub gicv3_source: Text,
    /// Options of its command line, or elements of its XML, that stand there in any case.
    pub options: List<CommandOption>,
    /// Registers that it writes, as it is told to.
    pub writes: List<Writes>,
    /// vCPU features: whether it gives them to guests.
    pub features: List<Given>,
    /// What it decides by itself.
    pub overwrites: List<Overwrites>,
}

/// An option of a command line, or an element of domain XML.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandOption {
    /// Its name, dashes included; of domain XML an element, with its attributes where it stands first.
    pub name: Text,
    /// Its value, empty where it has none; of domain XML what stands in the element. `{name}`, `{vcpus}` and `{memory}` (in MiB)
    /// are the lock's.
    pub value: Text,
    /// Where that was read.
    pub source: Text,
}

/// In what a virtual machine monitor is told of a guest's CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Options of its command line.
    Arguments,
    /// A CPU template of Firecracker (docs/cpu_templates/cpu-templates.md there).
    Template,
    /// libvirt's domain XML (schemas/domain.rng there).
    Domain,
}

/// Registers of each vCPU that are written as the user says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writes {
    /// Names, or beginnings of names with `*` behind them.
    pub names: List<Text>,
    /// Those of them that are not written, likewise.
    pub but: List<Text>,
    /// The first version that does.
    pub since: Option<Text>,
    /// What of the command line says it: an option and a word, `{psci}` being the version by its name, which it has to
    /// have. `None` where the form has a place of its own for it.
    pub tell: Option<Text>,
    /// Where that was read.
    pub source: Text,
}

/// Whether guests are given a vCPU feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Given {
    /// The feature by its name in a spec.
    pub feature: Text,
    /// Whether they are.
    pub manner: Manner,
    /// Where that was read.
    pub source: Text,
}

/// Who decides whether a guest has a vCPU feature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// The user.
    Told {
        /// What of the command line or the XML turns it on; `None` where the form has a place of its own for it.
        on: Option<Text>,
        /// And off.
        off: Option<Text>,
        /// And what names one of its vector lengths, and one that it has not; `None` where they are the host's.
        lengths: Option<Lengths>,
        /// Whether a guest that is to have it is not started where the host has none; else it goes without, in silence.
        insists: bool,
        /// Whether these words are known on hosts that offer the feature alone: elsewhere nothing can be said of it.
        if_offered: bool,
    },
    /// No guest has it.
    Never,
    /// Every guest has it where the host has.
    Always,
}

/// How vector lengths are named on a command line, `{}` being the bits of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// One that the guest has.
    pub on: Text,
    /// One below the longest that it has not: the VMM starts no guest that would have it all the same.
    pub off: Text,
}

/// What guests see of the virtual machine monitor's own making, whatever it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overwrites {
    /// Names of what they see, or beginnings of names with `*` behind them.
    pub names: List<Text>,
    /// What they see there; `None` where another thing than the lock decides it.
    pub value: Option<u64>,
    /// The bits of which that is said.
    pub mask: u64,
    /// Where that was read.
    pub source: Text,
}

/// Whether one of these names, or beginnings of names, is that name. `*` stands for no `.`: what of a register is writable
/// is another fact (`GICD_IGROUPR1.writable`).
pub fn names(patterns: &[Text], name: &str) -> bool {
    patterns
        .iter()
        .any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => name
                .strip_prefix(beginning)
                .is_some_and(|rest| !rest.contains('.')),
            None => pattern == name,
        })
}

impl Writes {
    /// Whether it is about the register of that name.
    pub fn names(&self, register: &str) -> bool {
        names(&self.names, register) && !names(&self.but, register)
    }
}

impl Vmm {
    /// What of its versions is meant: one that was looked at, or a release of one (`11.1.3` of `11.1`). Without any, the
    /// newest.
    pub fn version(&self, asked: Option<&str>) -> Option<&str> {
        let Some(asked) = asked else {
            return self.versions.last().map(AsRef::as_ref);
        };
        let released = |part: u32| self.unreleased_from.is_none_or(|first| part < first);
        let is = |known: &&Text| {
            let Some(rest) = asked.strip_prefix(known.as_ref()) else {
                return false;
            };
            let part = rest.strip_prefix('.').and_then(|p| p.split('.').next());
            let part = part.and_then(|part| part.parse().ok());
            rest.is_empty() || part.is_some_and(released)
        };
        self.versions.iter().find(is).map(AsRef::as_ref)
    }

    /// Whether that version, which is one of its own, is as new as another one of them.
    pub fn is_since(&self, version: &str, since: Option<&Text>) -> bool {
        let place = |of: &str| self.versions.iter().position(|v| v == of);
        since.is_none_or(|since| place(version) >= place(since))
    }
}
