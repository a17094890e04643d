//! A command line of QEMU's for arm64 (qemu-options.hx, docs/system/arm/cpu-features.rst and virt.rst there), as a
//! description of the same machine.
//!
//! It says which features a vCPU has, how many there are, how much memory, and what is booted. It does not say what the
//! host's kernel shows, nor which CPU there is: who imports it does. What a description cannot say is named.

use super::short;
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::collections::BTreeSet;
use std::sync::Arc;
use vmlock_spec::smccc;
use vmlock_spec::vm::{Boot, Cpu, Feature, VmSpec};

/// Largest file that is read, in bytes.
pub const SIZE_MAX: usize = 1 << 20;
/// What QEMU's programs for arm64 are called.
const PROGRAMS: [&str; 2] = ["qemu-system-aarch64", "qemu-kvm"];
/// Options without a value, of those that stand in front of others in practice.
const ALONE: [&str; 12] = [
    "nographic",
    "nodefaults",
    "no-user-config",
    "enable-kvm",
    "S",
    "s",
    "daemonize",
    "snapshot",
    "no-reboot",
    "no-shutdown",
    "no-acpi",
    "h",
];
/// Options whose value is the next word, whatever that begins with.
const WITH_VALUE: [&str; 14] = [
    "kernel", "initrd", "append", "cpu", "M", "machine", "smp", "m", "global", "accel", "name",
    "device", "drive", "netdev",
];
/// The parts of a machine's topology that QEMU's `virt` has.
const TOPOLOGY: [&str; 5] = ["sockets", "dies", "clusters", "cores", "threads"];
/// Names in a line that are told before the rest is counted.
const TOLD: usize = 12;
/// What QEMU has where nobody says otherwise.
const MEMORY_BYTES: u64 = 128 << 20;
/// CPU properties that are vCPU features. Of one that nobody says QEMU gives what the host has.
const FEATURES: [(&str, Feature); 4] = [
    ("pmu", Feature::Pmu),
    ("sve", Feature::Sve),
    ("pauth", Feature::Pauth),
    ("kvm-steal-time", Feature::StealTime),
];

/// What the author has to say, since the line does not.
pub struct Said<'a> {
    /// The machine's name.
    pub name: &'a str,
    /// Baselines.
    pub abi: &'a [String],
    /// The CPU model.
    pub cpu: Option<&'a str>,
    /// Files of the author's own, with baselines and CPU models.
    pub import: &'a [String],
}

impl Said<'_> {
    /// What no line says, and its author has not said either.
    pub fn unsaid(&self, source: &Source) -> Vec<Diagnostic> {
        let unsaid = |words: &str, help: &str| {
            Diagnostic::error("usage::arguments", words)
                .in_file(&source.path)
                .help(help)
        };
        let mut all = Vec::new();
        if self.cpu.is_none() {
            all.push(unsaid(
                "a command line names no CPU model: `-cpu` is whatever the host has, or an emulator's",
                "say the model of the host's CPU with `--cpu`; `vmlock cpu` makes one of a report, for `--import`",
            ));
        }
        if self.abi.is_empty() {
            all.push(unsaid(
                "a command line does not say what the host's kernel shows a guest",
                "say the baselines with `--abi`, as in `--abi kvm-6.8`: those of the kernel that the guest was made for",
            ));
        }
        all
    }
}

/// What comes of a line.
pub struct Found {
    /// The machine.
    pub spec: VmSpec,
    /// What of the line the description does not say, a line each.
    pub beside: Vec<String>,
}

/// Whether a text is such a line.
pub fn is_one(text: &str) -> bool {
    let mut words = text.split_whitespace().filter(|word| *word != "\\");
    let first = words.next().unwrap_or_default();
    let program = first.rsplit('/').next().unwrap_or_default();
    PROGRAMS.contains(&program)
        || program.starts_with("qemu-system-")
        || first.starts_with('-')
            && text
                .split_whitespace()
                .any(|word| ["-cpu", "-M", "-machine"].contains(&word))
}

/// A line taken apart: options without their dashes, each with its value.
fn options(words: Vec<String>) -> Vec<(String, Option<String>)> {
    let mut options = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next() {
        let Some(option) = word.strip_prefix("--").or(word.strip_prefix('-')) else {
            // A word by itself is an image of a disk.
            options.push((String::new(), Some(word)));
            continue;
        };
        let (alone, any) = (ALONE.contains(&option), WITH_VALUE.contains(&option));
        // Whether another option has a value, a dash tells.
        let value = words.next_if(|next| any || !alone && !next.starts_with('-'));
        options.push((option.to_owned(), value));
    }
    options
}

/// The parts of a value between its commas, `NAME=VALUE` or a word.
fn parts(value: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let parts = value.split(',').filter(|part| !part.is_empty());
    parts.map(|part| match part.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (part, None),
    })
}

/// What the line says so far.
#[derive(Default)]
struct Line {
    /// The CPU that it names.
    cpu: Option<String>,
    on: BTreeSet<Feature>,
    off: BTreeSet<Feature>,
    vector_lengths: BTreeSet<u32>,
    /// Lengths that it turns off, and no other part of it on.
    lengths_off: BTreeSet<u32>,
    vcpus: Option<u32>,
    memory: Option<u64>,
    psci: Option<String>,
    has_its: bool,
    is_machine_said: bool,
    gic: Option<String>,
    kernel: Option<String>,
    initrd: Option<String>,
    cmdline: Option<String>,
    beside: BTreeSet<String>,
    problems: Vec<(String, String)>,
}

impl Line {
    fn problem(&mut self, words: String, help: &str) {
        self.problems.push((words, help.to_owned()));
    }

    /// Takes a property of the CPU; whether it is one that is known.
    fn property(&mut self, name: &str, value: Option<&str>) -> bool {
        let is_on = match value {
            Some("on" | "true" | "yes") | None => Some(true),
            Some("off" | "false" | "no") => Some(false),
            Some(_) => None,
        };
        if name == "kvm-psci-version" {
            match value.filter(|version| smccc::psci_number(version).is_some()) {
                Some(version) => self.psci = Some(version.to_owned()),
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
        match (length, feature) {
            (Some(bits), _) if is_on => {
                self.vector_lengths.insert(bits);
                self.lengths_off.remove(&bits);
            }
            (Some(bits), _) => {
                if !self.vector_lengths.remove(&bits) {
                    self.lengths_off.insert(bits);
                }
            }
            (None, Some(feature)) if is_on => {
                self.on.insert(feature);
                self.off.remove(&feature);
            }
            (None, Some(feature)) => {
                self.off.insert(feature);
                self.on.remove(&feature);
            }
            (None, None) => {}
        }
        true
    }

    /// Takes one option; whether all of it is said in a description.
    fn option(&mut self, option: &str, value: Option<&str>) {
        if value.is_none() && WITH_VALUE.contains(&option) {
            return self.problem(format!("`-{option}` has no value"), "take the whole line");
        }
        let value = value.unwrap_or_default();
        match option {
            "cpu" if self.cpu.is_some() => self.problem(
                "`-cpu` is given twice".to_owned(),
                "QEMU takes the last one: leave the others out",
            ),
            "cpu" => {
                let mut parts = parts(value);
                self.cpu = parts.next().map(|(name, _)| name.to_owned());
                for (name, value) in parts {
                    if !self.property(name, value) {
                        self.beside(format!("-cpu {name}"));
                    }
                }
            }
            "M" | "machine" => self.machine(value),
            "smp" => self.processors(value),
            "m" => {
                for (name, value) in parts(value) {
                    let bytes = match (name, value) {
                        (size, None) | ("size", Some(size)) => bytes(size),
                        _ => {
                            self.beside(format!("-m {name}"));
                            continue;
                        }
                    };
                    match bytes {
                        Some(bytes) => self.memory = Some(bytes),
                        None => self.problem(
                            format!("`-m {}` is no size", short(name)),
                            "as in `-m 512M`",
                        ),
                    }
                }
            }
            "global" => {
                let property = value
                    .strip_prefix("host-arm-cpu.")
                    .and_then(|p| p.split_once('='));
                if !property.is_some_and(|(name, value)| self.property(name, Some(value))) {
                    self.beside(format!("-global {value}"));
                }
            }
            "accel" if value.split(',').next() == Some("kvm") => {}
            "accel" => self.beside(format!(
                "-accel {value}, whose CPU shows what no host with KVM does"
            )),
            "enable-kvm" | "name" => {}
            "kernel" => self.kernel = Some(value.to_owned()),
            "initrd" => self.initrd = Some(value.to_owned()),
            "append" => self.cmdline = Some(value.to_owned()),
            "" => self.beside(value.to_owned()),
            other => self.beside(format!("-{other}")),
        }
    }

    fn beside(&mut self, what: String) {
        self.beside.insert(short(&what));
    }

    /// How many CPUs there are from the start: where nobody says it, as many as there can be, and those are the product
    /// of the topology (hw/core/machine-smp.c `machine_parse_smp_config`).
    fn processors(&mut self, value: &str) {
        let (mut cpus, mut most, mut product) = (None, None, Some(1u32));
        for (name, value) in parts(value) {
            let (word, digits) = match value {
                None => ("cpus", name),
                Some(digits) => (name, digits),
            };
            let is_topology = TOPOLOGY.contains(&word);
            if !is_topology && !["cpus", "maxcpus"].contains(&word) {
                self.beside(format!("-smp {name}"));
                continue;
            }
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            let count: Option<u32> = digits.parse().ok().filter(|n| plain && *n > 0);
            let Some(count) = count else {
                let words = format!("`-smp {}` is no number of CPUs", short(digits));
                self.problem(words, "as in `-smp 4`");
                continue;
            };
            match word {
                "cpus" => cpus = Some(count),
                "maxcpus" => most = Some(count),
                _ => product = product.and_then(|product| product.checked_mul(count)),
            }
            if word != "cpus" {
                self.beside(format!("-smp {word}"));
            }
        }
        self.vcpus = cpus.or(most).or(product);
        if self.vcpus.is_none() {
            let words = "`-smp` has more CPUs than there can be".to_owned();
            self.problem(words, "as in `-smp 4`");
        }
    }

    fn machine(&mut self, value: &str) {
        // A second one adds to the first.
        if !std::mem::replace(&mut self.is_machine_said, true) {
            self.has_its = true;
        }
        for (index, (name, value)) in parts(value).enumerate() {
            match (name, value) {
                (kind, None) | ("type", Some(kind)) if index == 0 || name == "type" => {
                    if kind != "virt" && !kind.starts_with("virt-") {
                        let words =
                            format!("`-machine {}` is another machine than `virt`", short(kind));
                        self.problem(words, "a description is one of a machine with a GICv3 and virtio devices, as QEMU's `virt` is");
                    }
                }
                ("gic-version", Some(version)) => self.gic = Some(version.to_owned()),
                ("accel", Some("kvm")) => {}
                ("its", Some("off")) => self.has_its = false,
                ("its", Some("on")) => self.has_its = true,
                ("mte", Some("on")) => {
                    self.on.insert(Feature::Mte);
                }
                ("mte", Some("off")) => {
                    self.on.remove(&Feature::Mte);
                }
                (name, Some(value)) => self.beside(format!("-machine {name}={value}")),
                (name, None) => self.beside(format!("-machine {name}")),
            }
        }
    }
}

/// A size as `-m` takes it: in MiB, or with a suffix.
fn bytes(size: &str) -> Option<u64> {
    let (digits, unit) = match size.char_indices().last()? {
        (at, 'K' | 'k') => (&size[..at], 10),
        (at, 'M' | 'm') => (&size[..at], 20),
        (at, 'G' | 'g') => (&size[..at], 30),
        (at, 'T' | 't') => (&size[..at], 40),
        _ => (size, 20),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| plain)?;
    number.checked_mul(1 << unit)
}

/// Reads such a line.
///
/// # Errors
/// Everything that is wrong with it, and all that nobody has said.
pub fn read(source: &Arc<Source>, said: &Said) -> Result<Found, Vec<Diagnostic>> {
    let problem = |words: &str, help: &str| {
        Diagnostic::error("foreign::invalid", words)
            .in_file(&source.path)
            .help(help)
    };
    let Some(words) = shlex::split(&source.text.replace("\\\n", " ")) else {
        let help = "take the line as a shell takes it";
        return Err(vec![problem("a quote in the line is not closed", help)]);
    };
    let mut line = Line::default();
    let first = words.first().filter(|word| !word.starts_with('-'));
    let program = first.cloned();
    if let Some(program) = &program {
        let name = program.rsplit('/').next().unwrap_or_default();
        if !PROGRAMS.contains(&name) {
            line.problem(
                format!("`{}` is no QEMU for arm64", short(name)),
                "vmlock knows arm64 alone: `qemu-system-aarch64`",
            );
        }
    }
    let rest = words.into_iter().skip(usize::from(program.is_some()));
    for (option, value) in options(rest.collect()) {
        line.option(&option, value.as_deref());
    }
    let model = said.cpu.unwrap_or_default();
    if line.gic.as_deref() == Some("2") {
        line.problem(
            "a machine with a GICv2 is none that a lock could be of".to_owned(),
            "give it a GICv3: `gic-version=3`",
        );
    }
    // Without SVE there are no vectors of any length.
    let is_off = line.off.contains(&Feature::Sve);
    if !is_off && !line.vector_lengths.is_empty() {
        line.on.insert(Feature::Sve);
    }
    let strays = match is_off {
        true => std::mem::take(&mut line.vector_lengths),
        false => std::mem::take(&mut line.lengths_off),
    };
    for bits in strays {
        let value = if is_off { "on, and sve=off" } else { "off" };
        line.beside(format!("-cpu sve{bits}={value}"));
    }
    if !line.problems.is_empty() {
        let problems = line.problems.iter().take(TOLD);
        return Err(problems.map(|(words, help)| problem(words, help)).collect());
    }
    let mut abi = said.abi.to_vec();
    match &line.psci {
        Some(version) if !abi.iter().any(|name| name.starts_with("psci-")) => {
            abi.push(format!("psci-{version}"))
        }
        Some(version) if !abi.contains(&format!("psci-{version}")) => {
            let words = format!("the line gives the guest PSCI {version}, and `--abi` another one");
            return Err(vec![problem(&words, "leave out one of the two")]);
        }
        _ => {}
    }
    let open: Vec<&str> = FEATURES
        .iter()
        .filter(|(_, feature)| !line.on.contains(feature) && !line.off.contains(feature))
        .map(|(_, feature)| feature.name())
        .collect();
    let mut beside = Vec::new();
    // What has a name there is an emulator's; with KVM QEMU has the host's alone.
    let named = line.cpu.as_deref().filter(|name| *name != "host");
    if let Some(named) = named.map(short) {
        beside.push(format!("`-cpu {named}`, of which QEMU decides what it shows: `{model}` is what was said instead"));
    }
    if !open.is_empty() {
        beside.push(format!(
            "{}: QEMU's guests have what the host has of it, and the description's have none",
            open.join(", ")
        ));
    }
    if line.on.contains(&Feature::Sve) && line.vector_lengths.is_empty() {
        beside.push(
            "the lengths of SVE's vectors: QEMU takes the host's; say yours behind `sve`"
                .to_owned(),
        );
    }
    if line.gic.as_deref() != Some("3") {
        beside.push(
            "which GIC: without `gic-version=3` QEMU gives a guest what the host has, be it a GICv2; a lock's machine has a GICv3"
                .to_owned(),
        );
    }
    if line.has_its {
        beside.push(
            "an ITS, which QEMU's machine has unless `its=off`: a lock's machine has none"
                .to_owned(),
        );
    }
    if line.memory.is_none() {
        beside.push("no `-m`: QEMU's 128 MiB".to_owned());
    }
    if line.kernel.is_none() && (line.initrd.is_some() || line.cmdline.is_some()) {
        beside.push("`-initrd` and `-append` are nothing without `-kernel`".to_owned());
    }
    if !line.beside.is_empty() {
        let more = line.beside.len().saturating_sub(TOLD);
        let names: Vec<String> = line.beside.into_iter().take(TOLD).collect();
        let more = match more {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        beside.push(format!(
            "{}{more}: no part of a description",
            names.join("; ")
        ));
    }
    beside.push(
        "devices, their addresses and interrupts, which are vmlock-run's own: its console is a 16550 (`console=ttyS0`), QEMU's a PL011 (`ttyAMA0`)".to_owned(),
    );
    let features: Vec<Feature> = line.on.iter().copied().collect();
    let lengths: Vec<u32> = line.vector_lengths.iter().copied().collect();
    let cpu = Cpu::bare(model, line.vcpus.unwrap_or(1), &features, &lengths);
    let mut spec = VmSpec::bare(said.name, &[], cpu, line.memory.unwrap_or(MEMORY_BYTES));
    spec.abi = abi;
    spec.import = said.import.to_vec();
    spec.boot = line.kernel.map(|kernel| Boot {
        kernel,
        initrd: line.initrd,
        cmdline: line.cmdline.unwrap_or_default(),
        ..Boot::default()
    });
    Ok(Found { spec, beside })
}
