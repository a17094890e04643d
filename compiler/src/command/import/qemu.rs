//! A command line of QEMU's for arm64 (qemu-options.hx, docs/system/arm/cpu-features.rst and virt.rst there), as a
//! description of the same machine.
//!
//! It says which features a vCPU has, how many there are, how much memory, and what is booted.

use super::machine::{Found, Said, Told, Words};
use super::short;
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::sync::Arc;
use vmlock_spec::vm::Boot;

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
/// How a line says what a description does not.
const WORDS: Words = Words {
    property: "-cpu",
    gic: "without `gic-version=3` QEMU gives",
    gic3: "give it a GICv3: `-machine virt,gic-version=3`",
    its: "which QEMU's machine has unless `its=off`",
};
/// What QEMU has where nobody says otherwise.
const MEMORY_BYTES: u64 = 128 << 20;
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
pub fn options(words: Vec<String>) -> Vec<(String, Option<String>)> {
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
pub fn parts(value: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let parts = value.split(',').filter(|part| !part.is_empty());
    parts.map(|part| match part.split_once('=') {
        Some((name, value)) => (name, Some(value)),
        None => (part, None),
    })
}

/// What the line says so far.
struct Line {
    told: Told,
    /// The CPU that it names.
    cpu: Option<String>,
    memory: Option<u64>,
    is_machine_said: bool,
    kernel: Option<String>,
    initrd: Option<String>,
    cmdline: Option<String>,
}

impl Line {
    /// Takes one option.
    fn option(&mut self, option: &str, value: Option<&str>) {
        if value.is_none() && WITH_VALUE.contains(&option) {
            return self
                .told
                .problem(format!("`-{option}` has no value"), "take the whole line");
        }
        let value = value.unwrap_or_default();
        match option {
            "cpu" if self.cpu.is_some() => self.told.problem(
                "`-cpu` is given twice".to_owned(),
                "QEMU takes the last one: leave the others out",
            ),
            "cpu" => {
                let mut parts = parts(value);
                self.cpu = parts.next().map(|(name, _)| name.to_owned());
                for (name, value) in parts {
                    if !self.told.property(name, value) {
                        self.told.beside(&format!("-cpu {name}"));
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
                            self.told.beside(&format!("-m {name}"));
                            continue;
                        }
                    };
                    match bytes {
                        Some(bytes) => self.memory = Some(bytes),
                        None => self.told.problem(
                            format!("`-m {}` is no size", short(name)),
                            "as in `-m 512M`",
                        ),
                    }
                }
            }
            "global" => global(&mut self.told, value),
            "accel" if value.split(',').next() == Some("kvm") => {}
            "accel" => self.told.beside(&format!(
                "-accel {value}, whose CPU shows what no host with KVM does"
            )),
            "enable-kvm" | "name" => {}
            "kernel" => self.kernel = Some(value.to_owned()),
            "initrd" => self.initrd = Some(value.to_owned()),
            "append" => self.cmdline = Some(value.to_owned()),
            "" => self.told.beside(value),
            other => self.told.beside(&format!("-{other}")),
        }
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
                self.told.beside(&format!("-smp {name}"));
                continue;
            }
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            let count: Option<u32> = digits.parse().ok().filter(|n| plain && *n > 0);
            let Some(count) = count else {
                let words = format!("`-smp {}` is no number of CPUs", short(digits));
                self.told.problem(words, "as in `-smp 4`");
                continue;
            };
            match word {
                "cpus" => cpus = Some(count),
                "maxcpus" => most = Some(count),
                _ => product = product.and_then(|product| product.checked_mul(count)),
            }
            if word != "cpus" {
                self.told.beside(&format!("-smp {word}"));
            }
        }
        self.told.vcpus = cpus.or(most).or(product);
        if self.told.vcpus.is_none() {
            let words = "`-smp` has more CPUs than there can be".to_owned();
            self.told.problem(words, "as in `-smp 4`");
        }
    }

    fn machine(&mut self, value: &str) {
        // A second one adds to the first.
        if !std::mem::replace(&mut self.is_machine_said, true) {
            self.told.has_its = true;
        }
        for (index, (name, value)) in parts(value).enumerate() {
            match (name, value) {
                (kind, None) | ("type", Some(kind)) if index == 0 || name == "type" => {
                    if kind != "virt" && !kind.starts_with("virt-") {
                        let words =
                            format!("`-machine {}` is another machine than `virt`", short(kind));
                        self.told.problem(words, "a description is one of a machine with a GICv3 and virtio devices, as QEMU's `virt` is");
                    }
                }
                (name, value) => property(&mut self.told, name, value),
            }
        }
    }
}

impl Line {
    /// The machine, and what is not said of it.
    fn found(mut self, source: &Arc<Source>, said: &Said) -> Result<Found, Vec<Diagnostic>> {
        let mut notes = Vec::new();
        // What has a name there is an emulator's; with KVM QEMU has the host's alone.
        if let Some(named) = self.cpu.as_deref().filter(|name| *name != "host") {
            let (named, model) = (short(named), said.model());
            notes.push(format!("`-cpu {named}`, of which QEMU decides what it shows: `{model}` is what was said instead"));
        }
        if self.memory.is_none() {
            notes.push("no `-m`: QEMU's 128 MiB".to_owned());
        }
        if self.kernel.is_none() && (self.initrd.is_some() || self.cmdline.is_some()) {
            notes.push("`-initrd` and `-append` are nothing without `-kernel`".to_owned());
        }
        self.told.notes.extend(notes);
        self.told.memory = self.memory.unwrap_or(MEMORY_BYTES);
        self.told.boot = self.kernel.map(|kernel| Boot {
            kernel,
            initrd: self.initrd,
            cmdline: self.cmdline.unwrap_or_default(),
            ..Boot::default()
        });
        self.told.found(source, said)
    }
}

/// Takes a property of the machine's.
pub fn property(told: &mut Told, name: &str, value: Option<&str>) {
    match (name, value) {
        ("gic-version", version @ Some(_)) => told.gic_is(version),
        ("accel", Some("kvm")) => {}
        ("its", Some("off")) => told.has_its = false,
        ("its", Some("on")) => told.has_its = true,
        ("mte", Some("off")) => told.has_mte = false,
        ("mte", Some("on")) => told.has_mte = true,
        (name, Some(value)) => told.beside(&format!("-machine {name}={value}")),
        (name, None) => told.beside(&format!("-machine {name}")),
    }
}

/// Takes a `-global`.
pub fn global(told: &mut Told, value: &str) {
    let property = value
        .strip_prefix("host-arm-cpu.")
        .and_then(|p| p.split_once('='));
    if !property.is_some_and(|(name, value)| told.property(name, Some(value))) {
        told.beside(&format!("-global {value}"));
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
    let mut line = Line {
        told: Told::new(&WORDS),
        cpu: None,
        memory: None,
        is_machine_said: false,
        kernel: None,
        initrd: None,
        cmdline: None,
    };
    let first = words.first().filter(|word| !word.starts_with('-'));
    let program = first.cloned();
    if let Some(program) = &program {
        let name = program.rsplit('/').next().unwrap_or_default();
        if !PROGRAMS.contains(&name) {
            line.told.problem(
                format!("`{}` is no QEMU for arm64", short(name)),
                "vmlock knows arm64 alone: `qemu-system-aarch64`",
            );
        }
    }
    let rest = words.into_iter().skip(usize::from(program.is_some()));
    for (option, value) in options(rest.collect()) {
        line.option(&option, value.as_deref());
    }
    line.found(source, said)
}
