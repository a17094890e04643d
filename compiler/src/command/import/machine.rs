//! What a machine of QEMU's has, as somebody wrote it down: a command line, or libvirt's domain. Of it comes a description
//! of the same machine.
//!
//! Neither says what the host's kernel shows, nor which CPU there is: who imports it does. What a description cannot say
//! is named.

use super::short;
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;
use vmlock_spec::smccc;
use vmlock_spec::vm::{Boot, Cpu, Feature, VmSpec};

/// Problems that are told before the rest is left out.
const TOLD: usize = 12;
/// CPU properties of QEMU's that are vCPU features (docs/system/arm/cpu-features.rst). Of one that nobody says QEMU gives
/// what the host has.
const FEATURES: [(&str, Feature); 4] = [
    ("pmu", Feature::Pmu),
    ("sve", Feature::Sve),
    ("pauth", Feature::Pauth),
    ("kvm-steal-time", Feature::StealTime),
];

/// What the author has to say, since the file does not.
pub struct Said<'a> {
    /// The machine's name.
    pub name: &'a str,
    /// Baselines.
    pub abi: &'a [String],
    /// The CPU model.
    pub cpu: Option<&'a str>,
    /// Files of the author's own, with baselines and CPU models.
    pub import: &'a [String],
    /// Whether a host report shall come of the file.
    pub to_report: bool,
}

impl Said<'_> {
    /// What no such file says, and its author has not said either.
    pub fn unsaid(&self, source: &Source, what: &str) -> Vec<Diagnostic> {
        let unsaid = |words: String, help: &str| {
            Diagnostic::error("usage::arguments", words)
                .in_file(&source.path)
                .help(help)
        };
        let mut all = Vec::new();
        if self.cpu.is_none() {
            all.push(unsaid(
                format!("{what} names no CPU model: its CPU is whatever the host has, or an emulator's"),
                "say the model of the host's CPU with `--cpu`; `vmlock cpu` makes one of a report, for `--import`",
            ));
        }
        if self.abi.is_empty() {
            all.push(unsaid(
                format!("{what} does not say what the host's kernel shows a guest"),
                "say the baselines with `--abi`, as in `--abi kvm-6.8`: those of the kernel that the guest was made for",
            ));
        }
        all
    }

    /// The model in words, for what is said of a CPU.
    pub fn model(&self) -> &str {
        self.cpu.unwrap_or_default()
    }
}

/// What comes of it.
#[derive(Debug)]
pub struct Found {
    /// The machine.
    pub spec: VmSpec,
    /// What of the file the description does not say, a line each.
    pub beside: Vec<String>,
    /// Names of what is no part of a description.
    pub strays: Vec<String>,
}

/// Something that is wrong: where, in which words, and what to do.
struct Problem {
    span: Option<Range<usize>>,
    words: String,
    help: String,
}

/// How such a file says what a description does not.
#[derive(Debug)]
pub struct Words {
    /// What stands in front of a property of the CPU.
    pub property: &'static str,
    /// Who decides which GIC there is, and where, as in "without it the host gives".
    pub gic: &'static str,
    /// What to do about a GICv2.
    pub gic3: &'static str,
    /// Whose machine has an ITS.
    pub its: &'static str,
}

/// What the file says so far.
pub struct Told {
    words: &'static Words,
    gic: Option<String>,
    /// Where that stands.
    gic_at: Option<Range<usize>>,
    pub has_its: bool,
    pub vcpus: Option<u32>,
    pub memory: u64,
    pub boot: Option<Boot>,
    pub has_mte: bool,
    /// What a description does not say, in whole sentences.
    pub notes: Vec<String>,
    /// Where it is read, for problems.
    pub here: Option<Range<usize>>,
    on: BTreeSet<Feature>,
    off: BTreeSet<Feature>,
    vector_lengths: BTreeSet<u32>,
    /// Lengths that it turns off, and no other part of it on.
    lengths_off: BTreeSet<u32>,
    /// What was said of each property of the CPU.
    answers: BTreeMap<String, String>,
    psci: Option<String>,
    /// What has no place, by name.
    beside: BTreeSet<String>,
    problems: Vec<Problem>,
}

impl Told {
    /// Nothing yet.
    pub fn new(words: &'static Words) -> Self {
        Self {
            words,
            gic: None,
            gic_at: None,
            has_its: false,
            vcpus: None,
            memory: 0,
            boot: None,
            has_mte: false,
            notes: Vec::new(),
            here: None,
            on: BTreeSet::new(),
            off: BTreeSet::new(),
            vector_lengths: BTreeSet::new(),
            lengths_off: BTreeSet::new(),
            answers: BTreeMap::new(),
            psci: None,
            beside: BTreeSet::new(),
            problems: Vec::new(),
        }
    }

    /// Something is wrong, here.
    pub fn problem(&mut self, words: impl Into<String>, help: &str) {
        self.problems.push(Problem {
            span: self.here.clone(),
            words: words.into(),
            help: help.to_owned(),
        });
    }

    /// Takes the name of something that has no place in a description.
    pub fn beside(&mut self, what: &str) {
        self.beside.insert(short(what));
    }

    /// Takes the version of the GIC.
    pub fn gic_is(&mut self, version: Option<&str>) {
        self.gic = version.map(str::to_owned);
        self.gic_at = self.here.clone();
    }

    /// Takes what is said of a property; a problem where something else was said of it. Which of the two counts is no
    /// matter of their order alone: QEMU lets a `-cpu` win over a `-global`, and libvirt's own words stand behind a
    /// domain's features.
    fn answer(&mut self, name: &str, value: &str) {
        let before = self.answers.insert(name.to_owned(), value.to_owned());
        if before.is_some_and(|before| before != value) {
            let words = format!("the CPU's `{name}` is said twice, and differently");
            self.problem(words, "leave one of the two out");
        }
    }

    /// Takes a property of QEMU's CPU; whether it is one that is known.
    pub fn property(&mut self, name: &str, value: Option<&str>) -> bool {
        let is_on = match value {
            Some("on" | "true" | "yes") | None => Some(true),
            Some("off" | "false" | "no") => Some(false),
            Some(_) => None,
        };
        if name == "kvm-psci-version" {
            match value.filter(|version| smccc::psci_number(version).is_some()) {
                Some(version) => {
                    self.answer(name, version);
                    self.psci = Some(version.to_owned());
                }
                None => {
                    let words = format!(
                        "`kvm-psci-version={}` is no version of PSCI that is known",
                        short(value.unwrap_or_default())
                    );
                    self.problem(words, "versions are 0.2, 1.0, 1.1, 1.2 and 1.3");
                }
            }
            return true;
        }
        let length = name
            .strip_prefix("sve")
            .and_then(|bits| bits.parse::<u32>().ok());
        let feature = FEATURES
            .iter()
            .find(|(property, _)| *property == name)
            .map(|(_, feature)| *feature);
        let (Some(is_on), true) = (is_on, length.is_some() || feature.is_some()) else {
            return false;
        };
        // Of a length `sve0128` is the same as `sve128`.
        let one = length.map_or_else(|| name.to_owned(), |bits| format!("sve{bits}"));
        self.answer(&one, if is_on { "on" } else { "off" });
        let (lengths, features) = match is_on {
            true => (&mut self.vector_lengths, &mut self.on),
            false => (&mut self.lengths_off, &mut self.off),
        };
        lengths.extend(length);
        features.extend(feature);
        true
    }

    /// The machine, and what it is not told of it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn found(mut self, source: &Arc<Source>, said: &Said) -> Result<Found, Vec<Diagnostic>> {
        // Without SVE there are no vectors of any length.
        let is_off = self.off.contains(&Feature::Sve);
        if !is_off && !self.vector_lengths.is_empty() {
            self.on.insert(Feature::Sve);
        }
        let strays = match is_off {
            true => std::mem::take(&mut self.vector_lengths),
            false => std::mem::take(&mut self.lengths_off),
        };
        for bits in strays {
            let value = if is_off { "on, and sve=off" } else { "off" };
            self.beside(&format!("{} sve{bits}={value}", self.words.property));
        }
        if self.gic.as_deref() == Some("2") {
            self.here = self.gic_at.take();
            self.problem(
                "a machine with a GICv2 is none that a lock could be of",
                self.words.gic3,
            );
        }
        if self.has_mte {
            self.on.insert(Feature::Mte);
        }
        let mut abi = said.abi.to_vec();
        match self.psci.take() {
            Some(version) if !abi.iter().any(|name| name.starts_with("psci-")) => {
                abi.push(format!("psci-{version}"));
            }
            Some(version) if !abi.contains(&format!("psci-{version}")) => {
                self.here = None;
                self.problem(
                    format!("it gives the guest PSCI {version}, and `--abi` another one"),
                    "leave out one of the two",
                );
            }
            _ => {}
        }
        if !self.problems.is_empty() {
            let told = self.problems.into_iter().take(TOLD).map(|problem| {
                let finding = Diagnostic::error("foreign::invalid", problem.words);
                let finding = match problem.span {
                    Some(span) => finding.at(source, span, "here"),
                    None => finding.in_file(&source.path),
                };
                finding.help(problem.help)
            });
            return Err(told.collect());
        }
        let open: Vec<&str> = FEATURES
            .iter()
            .filter(|(_, feature)| !self.on.contains(feature) && !self.off.contains(feature))
            .map(|(_, feature)| feature.name())
            .collect();
        let mut beside = self.notes;
        if !open.is_empty() {
            beside.push(format!(
                "{}: QEMU's guests have what the host has of it, and the description's have none",
                open.join(", ")
            ));
        }
        if self.on.contains(&Feature::Sve) && self.vector_lengths.is_empty() {
            beside.push(
                "the lengths of SVE's vectors: QEMU takes the host's; say yours behind `sve`"
                    .to_owned(),
            );
        }
        if self.gic.as_deref() != Some("3") {
            beside.push(format!(
                "which GIC: {} a guest what the host has, be it a GICv2; a lock's machine has a GICv3",
                self.words.gic
            ));
        }
        if self.has_its {
            beside.push(format!(
                "an ITS, {}: a lock's machine has none",
                self.words.its
            ));
        }
        beside.push(
            "devices, their addresses and interrupts, which are vmlock-run's own: its console is a 16550 (`console=ttyS0`), QEMU's a PL011 (`ttyAMA0`)".to_owned(),
        );
        let features: Vec<Feature> = self.on.iter().copied().collect();
        let lengths: Vec<u32> = self.vector_lengths.iter().copied().collect();
        let cpu = Cpu::bare(said.model(), self.vcpus.unwrap_or(1), &features, &lengths);
        let mut spec = VmSpec::bare(said.name, &[], cpu, self.memory);
        spec.abi = abi;
        spec.import = said.import.to_vec();
        spec.boot = self.boot;
        Ok(Found {
            spec,
            beside,
            strays: self.beside.into_iter().collect(),
        })
    }
}
