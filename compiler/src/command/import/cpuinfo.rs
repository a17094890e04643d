//! `/proc/cpuinfo` of arm64 Linux (arch/arm64/kernel/cpuinfo.c `c_show`): MIDR_EL1 of each CPU that was online, in four
//! parts, and the features that the kernel found on all of them, by the names of hwcaps.
//!
//! A hwcap says that a field of an ID register has at least some value. One that is not there says nothing: the kernel
//! may not know it yet, or may have been told to keep it to itself.

use super::partial::{Known, Partial};
use super::{short, some};
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vmlock_spec::catalogue::{Hwcap, Rule, field, hwcap};
use vmlock_spec::vm::Feature;

/// Largest file that is read, in bytes: a CPU has some 700.
pub const SIZE_MAX: usize = 16 << 20;
/// The most kinds of CPU that one machine is believed to have.
const KINDS: usize = 16;

/// How many problems, and names in a line, are told before the rest is left out.
const TOLD: usize = 12;

/// What tells which kind of CPU it is: the line's name, the field of MIDR_EL1 by its lowest bit, and how many bits it has.
const PARTS: [(&str, u32, u32); 4] = [
    ("CPU implementer", 24, 8),
    ("CPU variant", 20, 4),
    ("CPU part", 4, 12),
    ("CPU revision", 0, 4),
];
/// MIDR_EL1.Architecture of every CPU that has ID registers (Arm ARM DDI 0487 MIDR_EL1).
const ARCHITECTURE: u64 = 0xf << 16;
/// What the kernel prints of every CPU that arm64 runs on; it is no field of MIDR_EL1.
const ARMV8: &str = "8";
/// Features that a program of 32 bits is told of (arch/arm64/kernel/cpuinfo.c `compat_hwcap_str`): such a list is about
/// other registers.
const OF_32_BITS: [&str; 4] = ["thumb", "half", "fastmult", "vfpv3"];

/// CPUs of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpus {
    /// Their MIDR_EL1.
    pub midr: u64,
    /// How many were online.
    pub count: usize,
    /// The features that each of them has.
    pub features: BTreeSet<String>,
}

/// What comes of such a file.
pub struct Found {
    /// The kinds of CPU, in the order of their first ones, each with what is known of it.
    pub kinds: Vec<(Cpus, Partial)>,
    /// What of the file is no part of a CPU model, a line each.
    pub beside: Vec<String>,
}

/// Whether a text is such a file.
pub fn is_one(text: &str) -> bool {
    text.lines()
        .take(64)
        .any(|line| line.starts_with("CPU implementer") && line.contains(':'))
}

/// Reads it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Found, Vec<Diagnostic>> {
    let none = |words: String| {
        let problem = Diagnostic::error("foreign::invalid", words);
        problem
            .in_file(&source.path)
            .help("take all of /proc/cpuinfo of an arm64 machine")
    };
    let mut kinds: Vec<Cpus> = Vec::new();
    let mut found = Vec::new();
    for block in blocks(source) {
        if found.len() == TOLD {
            break;
        }
        match block.cpu(source) {
            Ok(cpu) => match kinds.iter().position(|kind| kind.midr == cpu.midr) {
                Some(at) => {
                    let kind = &mut kinds[at];
                    kind.count += 1;
                    kind.features.retain(|name| cpu.features.contains(name));
                }
                // Of so many kinds the rest need not be compared.
                None if kinds.len() == KINDS => {
                    let words = format!("it has CPUs of more than {KINDS} kinds");
                    return Err(vec![none(words)]);
                }
                None => kinds.push(cpu),
            },
            Err(problem) => found.push(*problem),
        }
    }
    if found.is_empty() && kinds.is_empty() {
        found.push(none("no CPU stands in it".to_owned()));
    }
    if !found.is_empty() {
        return Err(found);
    }
    let all: BTreeSet<&String> = kinds.iter().flat_map(|kind| kind.features.iter()).collect();
    let strange = strange(all);
    let mut beside = vec!["CPUs that were not online do not stand in it".to_owned()];
    if !strange.is_empty() {
        let strange = some(&strange, ", ", TOLD);
        beside.push(format!("no feature that the catalogue knows: {strange}"));
    }
    if kinds.len() > 1 {
        beside.push("a guest has CPUs of one kind: its vCPUs have to be held to those".to_owned());
    }
    let kinds = kinds.into_iter().map(|cpus| {
        let partial = partial(&cpus);
        (cpus, partial)
    });
    Ok(Found {
        kinds: kinds.collect(),
        beside,
    })
}

/// The lines about one CPU: name, text and where the text stands.
struct Block<'a> {
    lines: Vec<(&'a str, &'a str, usize)>,
}

/// The lines about each CPU. What is about none of them is left out.
fn blocks(source: &Source) -> Vec<Block<'_>> {
    let (mut blocks, mut lines, mut at) = (Vec::new(), Vec::new(), 0);
    for line in source.text.split_inclusive('\n') {
        let start = at;
        at += line.len();
        match line.split_once(':') {
            Some((name, text)) => {
                let text = text.trim();
                // A CPU begins; that its first line follows an empty one is not taken for granted.
                if name.trim() == "processor" && !lines.is_empty() {
                    blocks.push(Block {
                        lines: std::mem::take(&mut lines),
                    });
                }
                let begin = start + line.find(text).unwrap_or_default();
                lines.push((name.trim(), text, begin));
            }
            None if line.trim().is_empty() => {
                blocks.push(Block {
                    lines: std::mem::take(&mut lines),
                });
            }
            None => {}
        }
    }
    blocks.push(Block { lines });
    let is_cpu = |block: &Block| {
        block
            .lines
            .iter()
            .any(|(name, ..)| *name == "processor" || name.starts_with("CPU "))
    };
    blocks.retain(is_cpu);
    blocks
}

impl Block<'_> {
    fn cpu(&self, source: &Arc<Source>) -> Result<Cpus, Box<Diagnostic>> {
        let first = self.lines.first().map_or(0, |(_, _, at)| *at);
        let line = |wanted: &str| self.lines.iter().find(|(name, ..)| *name == wanted);
        let problem = |at: usize, length: usize, words: String, help: &str| {
            let problem = Diagnostic::error("foreign::invalid", words);
            Box::new(problem.at(source, at..at + length, "here").help(help))
        };
        const WHOLE: &str =
            "take all of /proc/cpuinfo of an arm64 machine, read by a program of 64 bits";
        if let Some((_, text, at)) = line("CPU architecture").filter(|(_, text, _)| *text != ARMV8)
        {
            let words = format!(
                "this CPU is of architecture `{}`, and vmlock is about Armv8 and later",
                short(text)
            );
            return Err(problem(*at, text.len(), words, WHOLE));
        }
        let mut midr = ARCHITECTURE;
        for (name, low, bits) in PARTS {
            let Some((_, text, at)) = line(name) else {
                let words = format!("a CPU has no line `{name}`");
                return Err(problem(first, 0, words, WHOLE));
            };
            // Hex with 0x, but for the revision.
            let number = match text.strip_prefix("0x") {
                Some(digits) if digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
                    u64::from_str_radix(digits, 16).ok()
                }
                None if text.bytes().all(|b| b.is_ascii_digit()) => text.parse().ok(),
                _ => None,
            };
            let Some(number) = number.filter(|number| number >> bits == 0) else {
                let words = format!(
                    "`{}` is no `{name}`: MIDR_EL1 has {bits} bits for it",
                    short(text)
                );
                return Err(problem(*at, text.len(), words, WHOLE));
            };
            midr |= number << low;
        }
        let Some((_, text, at)) = line("Features") else {
            let words = "a CPU has no line `Features`".to_owned();
            return Err(problem(first, 0, words, WHOLE));
        };
        let features: BTreeSet<String> = text.split_whitespace().map(str::to_owned).collect();
        if let Some(old) = OF_32_BITS.iter().find(|old| features.contains(**old)) {
            let words = format!("`{old}` is a feature that programs of 32 bits are told of");
            return Err(problem(*at, text.len(), words, WHOLE));
        }
        Ok(Cpus {
            midr,
            count: 1,
            features,
        })
    }
}

/// A name that Linux has for a feature. `aarch32` is one of the catalogue's own.
fn of_linux(name: &str) -> Option<&'static Hwcap> {
    hwcap(name).filter(|hwcap| hwcap.name != "aarch32")
}

/// Names among them that the catalogue does not know.
pub fn strange<'a>(features: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let strange = features.into_iter().filter(|name| of_linux(name).is_none());
    strange.map(|name| short(name)).collect()
}

/// The one field that announces a hwcap to AArch64, and from which value on.
fn announced(hwcap: &Hwcap) -> Option<(&str, u64)> {
    // What AArch32 sees has names of its own (compat_elf_hwcaps).
    let mut wide = hwcap
        .fields
        .iter()
        .filter(|a| a.path.starts_with("ID_AA64"));
    let announcement = match (wide.next(), wide.next()) {
        (Some(one), None) => Some((one.path.as_ref(), one.from)),
        _ => None,
    };
    // What is a vCPU feature itself is announced as that one is, where one field alone does it.
    let mut features = Feature::ALL.iter();
    let feature = features.find(|f| hwcap.fields.is_empty() && f.name() == hwcap.name);
    let alone = feature.and_then(|feature| match feature.silicon() {
        [(path, least)] => Some((*path, *least)),
        _ => None,
    });
    announcement.or(alone)
}

/// What the kernel says of CPUs of one kind.
fn partial(cpus: &Cpus) -> Partial {
    let mut partial = Partial {
        title: "A part of what /proc/cpuinfo of a machine says".to_owned(),
        about: [
            "A part of a CPU model, made by `vmlock import`.",
            "",
            "/proc/cpuinfo knows MIDR_EL1, and of some fields of ID registers the least value that they have, which stands",
            "here as if it were the value itself: of a feature that it does not name nobody knows, since boot options and",
            "CPUs of another kind make the kernel name less. All else is `unknown`: no lock comes of it. `vmlock cpu`",
            "makes a whole model of a report of `vmlock-run probe`.",
        ]
        .map(str::to_owned)
        .to_vec(),
        why: "/proc/cpuinfo does not tell".to_owned(),
        ..Partial::default()
    };
    let midr = Known {
        value: cpus.midr,
        bits: u64::MAX,
        source: "/proc/cpuinfo; Architecture is 0xf on every CPU that has ID registers".to_owned(),
    };
    partial.registers.insert("MIDR_EL1", midr);
    least(&mut partial, &cpus.features, "/proc/cpuinfo");
    partial
}

/// Takes over the least that fields of ID registers can be, by the features that Linux told somebody of.
pub fn least(partial: &mut Partial, features: &BTreeSet<String>, source: &str) {
    let mut names: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for name in features {
        let Some((path, least)) = of_linux(name).and_then(announced) else {
            continue;
        };
        let Some((register, field)) = field(path).filter(|(_, field)| field.rule == Rule::Lower)
        else {
            continue;
        };
        let known = partial.registers.entry(&register.name).or_insert(Known {
            value: 0,
            bits: 0,
            source: String::new(),
        });
        let more = known.bits & field.mask() == 0
            || field.order(field.get(known.value)) < field.order(least);
        if more {
            known.value = field.put(known.value, least);
        }
        known.bits |= field.mask();
        names.entry(&register.name).or_default().push(name);
    }
    for (register, names) in names {
        if let Some(known) = partial.registers.get_mut(register) {
            known.source = format!("{source}, the least that it can be: {}", names.join(", "));
        }
    }
}
