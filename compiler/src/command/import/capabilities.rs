//! What libvirt says of a host's CPU (`virsh capabilities`; src/cpu/cpu_arm.c and src/cpu_map/ of libvirt 11.3.0): whose it
//! is and which, by MIDR_EL1 of the CPU that libvirt ran on, and the features that Linux told libvirt of.

use super::cpuinfo::{least, strange};
use super::libvirt::{has_elements, inside, name, start, text};
use super::partial::{Known, Partial};
use super::{short, some};
use crate::diagnostic::Diagnostic;
use crate::location::Source;
use roxmltree::{Document, Node};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What comes of it.
pub struct Found {
    pub partial: Partial,
    /// What of the file is no part of a CPU model, a line each.
    pub beside: Vec<String>,
}

/// How many names of a list are told.
const TOLD: usize = 12;
/// MIDR_EL1.Architecture of every CPU that has ID registers (Arm ARM DDI 0487 MIDR_EL1).
const ARCHITECTURE: u64 = 0xf << 16;
/// MIDR_EL1's Variant and Revision, of which libvirt says nothing.
const STEPPING: u64 = 0xf << 20 | 0xf;
/// MIDR_EL1.PartNum.
const PART: u64 = 0xfff << 4;
/// Vendors, each with its MIDR_EL1.Implementer (cpu_map/arm_vendors.xml).
const VENDORS: [(&str, u64); 15] = [
    ("ARM", 0x41),
    ("APM", 0x50),
    ("Ampere", 0xc0),
    ("Broadcom", 0x42),
    ("Cavium", 0x43),
    ("DigitalEquipment", 0x44),
    ("Freescale", 0x4d),
    ("Fujitsu", 0x46),
    ("HiSilicon", 0x48),
    ("Infineon", 0x49),
    ("Intel", 0x69),
    ("Marvell", 0x56),
    ("NVIDIA", 0x4e),
    ("Phytium", 0x70),
    ("Qualcomm", 0x51),
];
/// Models, each with its vendor and its MIDR_EL1.PartNum (cpu_map/arm_*.xml: by the names in these files, which their
/// own names are not always).
const MODELS: [(&str, &str, u64); 14] = [
    ("Ampere-1", "Ampere", 0xac3),
    ("Ampere-1a", "Ampere", 0xac4),
    ("FT-2000+", "Phytium", 0x662),
    ("Falkor", "Qualcomm", 0xc00),
    ("Kunpeng-920", "HiSilicon", 0xd01),
    ("Neoverse-N1", "ARM", 0xd0c),
    ("Neoverse-N2", "ARM", 0xd49),
    ("Neoverse-V1", "ARM", 0xd40),
    ("Tengyun-S2500", "Phytium", 0x663),
    ("ThunderX2 99xx", "Cavium", 0x0af),
    ("a64fx", "Fujitsu", 0x001),
    ("cortex-a53", "ARM", 0xd03),
    ("cortex-a57", "ARM", 0xd07),
    ("cortex-a72", "ARM", 0xd08),
];

/// Reads it.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(source: &Arc<Source>, document: &Document) -> Result<Found, Vec<Diagnostic>> {
    let mut problems = Vec::new();
    let mut problem = |node: Node, words: String, help: &str| {
        let finding = Diagnostic::error("foreign::invalid", words);
        problems.push(finding.at(source, start(node), "here").help(help));
    };
    const WHOLE: &str = "take all that `virsh capabilities` prints on an arm64 host";
    // Of elements that stand there twice none is chosen.
    let mut one = |parent: Node<'_, '_>, wanted: &str| {
        let mut all = document
            .descendants()
            .filter(|node| node.is_element() && name(*node) == wanted)
            .filter(|node| node.parent_element().map(|p| p.id()) == Some(parent.id()));
        let first = all.next().map(|node| node.id());
        if let Some(second) = all.next() {
            problem(second, format!("`<{wanted}>` stands there twice"), WHOLE);
        }
        first.and_then(|id| document.get_node(id))
    };
    let root = document.root_element();
    let host = one(root, "host");
    let cpu = host.and_then(|host| one(host, "cpu"));
    let [arch, vendor, model] =
        ["arch", "vendor", "model"].map(|wanted| cpu.and_then(|cpu| one(cpu, wanted)));
    for node in [arch, vendor, model].into_iter().flatten() {
        if has_elements(node) {
            let words = format!("`<{}>` is a text, and has elements in it", name(node));
            problem(node, words, WHOLE);
        }
    }
    let (Some(cpu), Some(arch)) = (cpu, arch) else {
        let words = "it says nothing of a host's CPU: `<host><cpu><arch>` is missing";
        problem(root, words.to_owned(), WHOLE);
        return Err(problems);
    };
    if text(arch) != "aarch64" {
        let words = format!(
            "the host's CPU is of `{}`, and vmlock knows arm64 alone",
            short(&text(arch))
        );
        problem(arch, words, WHOLE);
        return Err(problems);
    }
    let mut beside = Vec::new();
    let implementer = vendor.and_then(|node| {
        let known = VENDORS.iter().find(|(name, _)| *name == text(node));
        if known.is_none() {
            beside.push(format!(
                "the vendor `{}`, whose number in MIDR_EL1 is not known",
                short(&text(node))
            ));
        }
        known.map(|(_, number)| *number)
    });
    let part = model.and_then(|node| {
        let known = MODELS.iter().find(|(name, ..)| *name == text(node));
        let Some((_, whose, part)) = known else {
            beside.push(format!(
                "the model `{}`, whose number in MIDR_EL1 is not known",
                short(&text(node))
            ));
            return None;
        };
        match vendor {
            Some(vendor) if text(vendor) == *whose => Some(*part),
            other => {
                let said = other.map_or_else(|| "nobody".to_owned(), text);
                let words = format!(
                    "`{}` is a CPU of {whose}, and here of {}",
                    text(node),
                    short(&said)
                );
                problem(node, words, "take the file as libvirt wrote it");
                None
            }
        }
    });
    let mut features = BTreeSet::new();
    for node in inside(cpu).filter(|node| name(*node) == "feature") {
        match node.attribute("name") {
            Some(name) => {
                features.insert(name.to_owned());
            }
            None => problem(node, "a feature has no name".to_owned(), WHOLE),
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let unknown = strange(&features);
    if !unknown.is_empty() {
        let unknown = some(&unknown, ", ", TOLD);
        beside.push(format!("no feature that the catalogue knows: {unknown}"));
    }
    let others = |parent: Node, read: &[&str]| {
        let names = inside(parent).map(|node| name(node).to_owned());
        let names: BTreeSet<String> = names
            .filter(|name| !read.contains(&name.as_str()))
            .collect();
        names
            .into_iter()
            .map(|name| short(&name))
            .collect::<Vec<String>>()
    };
    let mut rest = others(cpu, &["arch", "vendor", "model", "feature"]);
    rest.extend(host.map(|host| others(host, &["cpu"])).unwrap_or_default());
    rest.extend(others(root, &["host"]));
    if !rest.is_empty() {
        let rest = some(&rest, ", ", TOLD);
        beside.push(format!("{rest}: about the host, and what its QEMU offers"));
    }
    beside.push("CPUs of another kind: libvirt tells of the one that it ran on, and a guest has CPUs of one kind".to_owned());
    let mut partial = Partial {
        title: "A part of what libvirt's capabilities of a host say".to_owned(),
        about: [
            "A part of a CPU model, made by `vmlock import`.",
            "",
            "`virsh capabilities` knows who made the CPU and which part it is, and of some fields of ID registers the least",
            "value that they have, which stands here as if it were the value itself: of a feature that it does not name",
            "nobody knows. All else is `unknown`: no lock comes of it. `vmlock cpu` makes a whole model of a report of",
            "`vmlock-run probe`.",
        ]
        .map(str::to_owned)
        .to_vec(),
        why: "libvirt's capabilities do not tell".to_owned(),
        ..Partial::default()
    };
    if let Some(implementer) = implementer {
        let unknown = STEPPING | if part.is_some() { 0 } else { PART };
        let midr = Known {
            value: implementer << 24 | ARCHITECTURE | part.unwrap_or_default() << 4,
            bits: !unknown,
            source: "libvirt's names of the vendor and the model; Architecture is 0xf on every CPU that has ID registers".to_owned(),
        };
        partial.registers.insert("MIDR_EL1", midr);
    }
    least(&mut partial, &features, "libvirt's capabilities");
    Ok(Found { partial, beside })
}
