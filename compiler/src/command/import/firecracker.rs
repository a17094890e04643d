//! What Firecracker knows of a CPU (resources/../cpu-template-helper and src/vmm/src/cpu_config/aarch64 there): a custom
//! CPU template, which says what guests are to be shown, and a dump or fingerprint, which says what one was shown.
//!
//! All three have `reg_modifiers`: the KVM id of a register, and a bitmap with the most significant digit first, `x`
//! where the host decides. A dump has 128 digits for every register, which no template may have for a narrower one.

use super::partial::{Known, Partial, is_said};
use super::{short, some};
use crate::diagnostic::Diagnostic;
use crate::language::json;
use crate::location::Source;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use vmlock_spec::catalogue::{Kind, REGISTERS, register_by_id};
use vmlock_spec::json::from_str;
use vmlock_spec::report::{Imported, Seen, Witness};
use vmlock_spec::smccc;
use vmlock_spec::vm::Feature;

/// Largest file that is read, in bytes: a fingerprint has some 60 KiB.
pub const SIZE_MAX: usize = 4 << 20;
/// Digits of a bitmap, at most.
const DIGITS: usize = 128;
/// How many problems, and names in a line, are told before the rest is left out.
const TOLD: usize = 12;

/// What a host report does not know that is made of a dump.
const UNKNOWN: [&str; 6] = [
    "which values the host's kernel takes: no register, PSCI version or revision of GICD_IIDR was written",
    "which vCPU features its KVM offers, and what a guest with PMU, SVE or PAuth has there",
    "how many vCPUs, how many bits of address and which SVE vector lengths it gives a guest",
    "its interrupt controller, its answers to firmware calls, and whether these can be forwarded",
    "what a guest reads from inside, where that is another value than KVM_GET_ONE_REG tells",
    "which of these values Firecracker had written itself, by a template too",
];

/// `cpu-template-helper fingerprint dump`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fingerprint {
    firecracker_version: String,
    kernel_version: String,
    #[serde(rename = "microcode_version")]
    _microcode: String,
    #[serde(rename = "bios_version")]
    _bios: String,
    #[serde(rename = "bios_revision")]
    _revision: String,
    guest_cpu_config: Template,
}

/// A custom CPU template for aarch64.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Template {
    #[serde(default)]
    kvm_capabilities: Vec<String>,
    #[serde(default)]
    vcpu_features: Vec<VcpuFeatures>,
    #[serde(default)]
    reg_modifiers: Vec<Modifier>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VcpuFeatures {
    index: u32,
    bitmap: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Modifier {
    addr: String,
    bitmap: String,
}

/// What comes of such a file.
pub struct Found {
    /// What it is, for people.
    pub what: &'static str,
    /// The CPU.
    pub partial: Partial,
    /// What of it is told of the host; else why nothing is.
    pub host: Result<Imported, &'static str>,
    /// What of the file is no part of a CPU model, a line each.
    pub beside: Vec<String>,
}

/// A bitmap: the bits that are said, and their values. `None` where it is none.
fn bitmap(text: &str) -> Option<(u128, u128, usize)> {
    let digits = text.strip_prefix("0b").unwrap_or(text);
    let (mut bits, mut value, mut count) = (0u128, 0u128, 0);
    for digit in digits.chars().filter(|c| *c != '_') {
        count += 1;
        if count > DIGITS {
            return None;
        }
        let (said, one) = match digit {
            '0' => (1, 0),
            '1' => (1, 1),
            'x' => (0, 0),
            _ => return None,
        };
        (bits, value) = (bits << 1 | said, value << 1 | one);
    }
    (count > 0).then_some((bits, value, count))
}

/// An id, in hex or binary digits as Firecracker takes it.
fn address(text: &str) -> Option<u64> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix("0b")) {
        (Some(digits), _) => (digits, 16),
        (_, Some(digits)) => (digits, 2),
        _ => return None,
    };
    // A sign is none of the digits.
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    u64::from_str_radix(digits, radix).ok().filter(|_| plain)
}

/// One modifier, read.
struct Read {
    id: u64,
    bits: u64,
    value: u64,
    /// Whether it has more digits than the register has bits.
    long: bool,
}

/// Reads such a file.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>) -> Result<Found, Vec<Diagnostic>> {
    #[derive(Deserialize)]
    struct Head {
        guest_cpu_config: Option<serde::de::IgnoredAny>,
    }
    let broken = |error: serde_json::Error| {
        let at = json::offset(&source.text, error.line(), error.column());
        let diagnostic = Diagnostic::error("foreign::invalid", vmlock_spec::json::words(&error));
        vec![diagnostic.at(source, at..at, "here").help(
            "a template, dump or fingerprint of Firecracker's for aarch64 belongs here, whole as it was written",
        )]
    };
    let head: Head = from_str(&source.text).map_err(broken)?;
    let (template, versions) = match head.guest_cpu_config {
        None => (from_str::<Template>(&source.text).map_err(broken)?, None),
        Some(_) => {
            let Fingerprint {
                firecracker_version,
                kernel_version,
                guest_cpu_config,
                ..
            } = from_str(&source.text).map_err(broken)?;
            let versions = (short(&firecracker_version), short(&kernel_version));
            (guest_cpu_config, Some(versions))
        }
    };
    let all = modifiers(&template, source)?;
    let is_dump = versions.is_some() || all.iter().any(|read| read.long);
    let known = all.iter().filter_map(|read| {
        let register = register_by_id(read.id)?;
        Some((register, read))
    });
    let said = known.clone().filter(|(register, _)| is_said(register));
    let mut partial = Partial::default();
    let mut host = Err("a template says what guests are to be shown, and not what any was");
    let what = match (is_dump, &versions) {
        (false, _) => {
            partial.title = "What a CPU template of Firecracker's makes guests see".to_owned();
            partial.about = about(&[
                "It says what that template writes; what it leaves to the host, and what it does not name, is",
                "`unknown`. A lock promises these values whatever the silicon has, where a host can show them.",
            ]);
            partial.why = "the template leaves it to the host".to_owned();
            let clidr =
                "Firecracker writes CLIDR_EL1 itself from 1.16 on, whatever the template says";
            partial.because.insert("CLIDR_EL1", clidr.to_owned());
            let source = "a CPU template of Firecracker's".to_owned();
            partial.registers = said
                .filter(|(register, _)| register.name != "CLIDR_EL1")
                .map(|(register, read)| {
                    let known = Known {
                        value: read.value,
                        bits: read.bits,
                        source: source.clone(),
                    };
                    (register.name.as_ref(), known)
                })
                .collect();
            "a CPU template of Firecracker's"
        }
        (true, versions) => {
            let (what, by) = match versions {
                Some((firecracker, kernel)) => (
                    "a fingerprint of Firecracker's",
                    format!(
                        "a fingerprint of Firecracker {firecracker} on a host with Linux {kernel}"
                    ),
                ),
                None => (
                    "a dump of Firecracker's",
                    "a dump of Firecracker's".to_owned(),
                ),
            };
            // Run-time state is no host's; of what is not told whole nothing is.
            let whole = known.clone().filter(|(register, read)| {
                register.kind != Kind::State
                    && read.bits & register.promised() == register.promised()
            });
            let values = whole
                .map(|(register, read)| (register.name.to_string(), Seen::Value(read.value)))
                .collect();
            let imported = Imported {
                of: by,
                by: Witness::Monitor,
                unknown: UNKNOWN.map(str::to_owned).to_vec(),
                shown: vec![values],
            };
            partial = of_report(&imported);
            host = Ok(imported);
            what
        }
    };
    let beside = beside(&template, &all, is_dump);
    Ok(Found {
        what,
        partial,
        host,
        beside,
    })
}

/// The CPU of which a guest was shown these values, by KVM_GET_ONE_REG.
pub fn of_report(imported: &Imported) -> Partial {
    let by = &imported.of;
    let mut partial = Partial {
        title: format!("What a guest was shown: {by}"),
        about: about(&[
            "It knows what one guest without PMU, SVE and PAuth was shown on one host. Where that guest had",
            "something, the silicon has that or more; where it had nothing, that is the silicon's own word only if no",
            "kernel of vmlock's catalogue hides it there, and boot options of the host or CPUs of another kind have not",
            "hidden it either. All else is `unknown`: no lock comes of it. A template that the guest was started with",
            "would have changed what stands here.",
        ]),
        why: "a guest without PMU, SVE and PAuth does not tell".to_owned(),
        ..Partial::default()
    };
    let caches = "kernels from 6.3 on make caches up, KVM tells half of one with FEAT_CCIDX, and Firecracker writes CLIDR_EL1 itself from 1.16 on";
    let mut values = BTreeMap::new();
    for register in REGISTERS.iter().filter(|register| is_said(register)) {
        let Some(value) = imported.seen(&register.name).value() else {
            continue;
        };
        if register.name == "CLIDR_EL1" || register.csselr().is_some() {
            partial.because.insert(&register.name, caches.to_owned());
        } else {
            values.insert(register.name.as_ref(), value);
        }
    }
    partial.shown(&values, by);
    partial
}

/// The first lines of the file.
fn about(lines: &[&str]) -> Vec<String> {
    let mut all = vec![
        "A part of a CPU model, made by `vmlock import`.".to_owned(),
        String::new(),
    ];
    all.extend(lines.iter().map(|line| (*line).to_owned()));
    all
}

/// All modifiers, each id once.
fn modifiers(template: &Template, source: &Arc<Source>) -> Result<Vec<Read>, Vec<Diagnostic>> {
    let (mut found, mut all) = (Vec::new(), Vec::new());
    let mut seen = BTreeSet::new();
    for modifier in &template.reg_modifiers {
        if found.len() == TOLD {
            break;
        }
        let Modifier { addr, bitmap: text } = modifier;
        let named = short(addr);
        let mut problem = |about: &str, words: String, help: &str| {
            let at = source.text.find(about).unwrap_or_default();
            let end = at
                + source
                    .text
                    .get(at..)
                    .filter(|t| t.starts_with(about))
                    .map_or(0, |_| about.len());
            let diagnostic = Diagnostic::error("foreign::invalid", words);
            found.push(diagnostic.at(source, at..end, "here").help(help));
        };
        let Some(id) = address(addr) else {
            let words = format!("`{named}` is no id of a register");
            problem(
                addr,
                words,
                "an id is 0x and at most 16 hex digits, as KVM has it",
            );
            continue;
        };
        let Some((bits, value, digits)) = bitmap(text) else {
            let words = format!("the bitmap of {named} is none");
            let help = "a bitmap is 0b and at most 128 of the digits `0`, `1` and `x`, the most significant first";
            problem(addr, words, help);
            continue;
        };
        if !seen.insert(id) {
            let words = format!("{addr} stands twice");
            problem(addr, words, "each register has one bitmap");
            continue;
        }
        let width = 8usize << (id >> 52 & 0xf).min(7);
        let beyond = match width {
            0..128 => value >> width,
            _ => 0,
        };
        if beyond != 0 {
            let words =
                format!("the bitmap of {named} has a bit beyond the {width} of the register");
            problem(addr, words, "take the file as Firecracker wrote it");
            continue;
        }
        // Digits that are not there leave the bit as it is.
        let (bits, value) = (bits as u64, value as u64);
        let long = digits > width;
        all.push(Read {
            id,
            bits,
            value,
            long,
        });
    }
    if all.is_empty() && found.is_empty() {
        let words = "it names no register";
        let help = "a template, dump or fingerprint for aarch64 has `reg_modifiers`; one for x86-64 has others, and of x86-64 vmlock knows nothing";
        let diagnostic = Diagnostic::error("foreign::invalid", words);
        found.push(diagnostic.in_file(&source.path).help(help));
    }
    match found.is_empty() {
        true => Ok(all),
        false => Err(found),
    }
}

/// What of the file a CPU model does not hold, and where it belongs instead.
fn beside(template: &Template, all: &[Read], is_dump: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let (mut state, mut strange, mut others) = (0usize, Vec::new(), Vec::new());
    for read in all {
        let hex = || format!("{:#018x}", read.id);
        match register_by_id(read.id) {
            None => strange.push(hex()),
            Some(register) if is_said(register) => {}
            Some(register) if read.id == smccc::PSCI_VERSION_REGISTER => {
                let version = u32::try_from(read.value)
                    .ok()
                    .filter(|_| read.bits & 0xffff_ffff == 0xffff_ffff);
                lines.push(match version.and_then(smccc::psci_name) {
                    Some(version) => format!(
                        "PSCI {version} is a part of the ABI: `abi \"…\" \"psci-{version}\"`"
                    ),
                    None => format!("{} has no version that is known", register.name),
                });
            }
            Some(register) if matches!(register.kind, Kind::Firmware | Kind::Debug) => {
                others.push(format!("{} {:#x}", register.name, read.value));
            }
            Some(register) if register.name == "MPIDR_EL1" => {}
            Some(_) => state += 1,
        }
    }
    if !others.is_empty() {
        let others = others.join(", ");
        lines.push(format!("the baselines of `abi` decide it: {others}"));
    }
    if state > 0 {
        let count = match state {
            1 => "1 register is".to_owned(),
            n => format!("{n} registers are"),
        };
        lines.push(format!("{count} a guest's own state, which no lock holds"));
    }
    if !strange.is_empty() {
        let strange = some(&strange, ", ", TOLD);
        lines.push(format!("no register of the catalogue: {strange}"));
    }
    if template.vcpu_features.len() > 1 {
        lines.push("`vcpu_features` behind the first, which Firecracker does not have".to_owned());
    }
    for features in template.vcpu_features.iter().take(1) {
        let Some((bits, value, _)) = bitmap(&features.bitmap).filter(|_| features.index == 0)
        else {
            lines.push(format!(
                "`vcpu_features` of index {} cannot be read",
                features.index
            ));
            continue;
        };
        for feature in Feature::ALL {
            let mask = feature
                .kvm_bits()
                .iter()
                .fold(0u128, |mask, bit| mask | 1 << bit);
            if mask != 0 && bits & mask == mask && value & mask == mask {
                let name = feature.name();
                lines.push(format!(
                    "it turns `{name}` on, as `{name}` in the `cpu` block does"
                ));
            }
        }
    }
    if !template.kvm_capabilities.is_empty() && !is_dump {
        lines.push(
            "`kvm_capabilities` are what Firecracker asks of a host, and nothing that a guest sees"
                .to_owned(),
        );
    }
    lines
}
