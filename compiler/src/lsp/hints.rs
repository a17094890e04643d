//! What the lock has for a line, beside it.

use super::outline::{Node, unquoted};
use super::view::View;
use gen_lsp_types::{InlayHint, Label, Range};
use vmlock_spec::catalogue::{self, Field, RegisterInfo};
use vmlock_spec::lock::{Lock, Virtio};
use vmlock_spec::machine::virtio::SECTOR;

/// Most characters of a digest that are shown.
const DIGEST_CHARS: usize = 7 + 12;

/// The hints of a part of a text; none for a machine that has errors, for then there is no lock.
pub fn hints(view: &View, range: Range) -> Vec<InlayHint> {
    if !view.is_kdl() {
        return Vec::new();
    }
    let part = view.offset(range.start)..view.offset(range.end);
    let mut hints = Vec::new();
    let outline = &view.analysis.outline;
    let mut within = None;
    for (index, node) in outline.nodes.iter().enumerate() {
        if node.parent.is_none() {
            let machine = view.analysis.compiled_at(node.name.start);
            within = machine.and_then(|machine| machine.lock.as_ref());
        }
        let Some(lock) = within else { continue };
        let path = outline.path(view.text(), index);
        let mut all = of_node(view, lock, &path, node);
        let device = match path.as_slice() {
            ["vm", word @ ("disk" | "net")] => {
                first(view, node).and_then(|name| called(lock, word, name))
            }
            _ => None,
        };
        if let Some(disk) = device.and_then(|d| d.block.as_ref())
            && !has(view, node, "size")
        {
            all.push((
                node.head().end,
                format!("{} bytes", disk.sectors.saturating_mul(SECTOR)),
            ));
        }
        if let Some(net) = device.and_then(|d| d.net.as_ref())
            && !has(view, node, "mac")
        {
            all.push((node.head().end, format!("mac {}", net.mac)));
        }
        let shown = all
            .into_iter()
            .filter(|(at, _)| part.start <= *at && *at <= part.end);
        hints.extend(shown.map(|(at, words)| hint(view, at, words)));
    }
    hints
}

/// The disk or network card of that name in a lock: where it stands there, what a machine takes over decides, too.
fn called<'l>(lock: &'l Lock, word: &str, name: &str) -> Option<&'l Virtio> {
    let mut devices = lock.machine.devices.iter();
    let device = devices.find_map(|d| d.virtio.as_ref().filter(|_| d.name == name))?;
    let fits = match word {
        "disk" => device.block.is_some(),
        _ => device.net.is_some(),
    };
    fits.then_some(device)
}

fn hint(view: &View, at: usize, words: String) -> InlayHint {
    InlayHint {
        position: view.range(at..at).start,
        label: Label::String(words),
        kind: None,
        text_edits: None,
        tooltip: None,
        padding_left: Some(true),
        padding_right: None,
        data: None,
    }
}

fn first<'v>(view: &'v View, node: &Node) -> Option<&'v str> {
    node.values()
        .next()
        .map(|v| unquoted(view.words(v.clone())))
}

fn has(view: &View, node: &Node, property: &str) -> bool {
    let names = node.entries.iter().filter_map(|entry| entry.name.clone());
    names.into_iter().any(|name| view.words(name) == property)
}

/// What is locked of a node: behind which byte, and what.
fn of_node(view: &View, lock: &Lock, path: &[&str], node: &Node) -> Vec<(usize, String)> {
    let each = |told: &dyn Fn(&str) -> Option<String>| -> Vec<(usize, String)> {
        let values = node.values();
        let told = values.filter_map(|v| Some((v.end, told(unquoted(view.words(v.clone())))?)));
        told.collect()
    };
    match path {
        ["vm", "abi"] => {
            let words = format!(
                "PSCI {}, SMCCC {}",
                lock.hypercalls.psci, lock.hypercalls.smccc
            );
            vec![(node.head().end, words)]
        }
        ["vm", "cpu"] => {
            let value = register(lock, "MIDR_EL1");
            let after = node.values().next().map_or(node.name.end, |v| v.end);
            value
                .map(|value| vec![(after, format!("MIDR_EL1 {value}"))])
                .unwrap_or_default()
        }
        ["vm", "cpu", "hide"] => each(&|name| of_name(lock, name)),
        ["vm", "cpu", "set"] => {
            let name = first(view, node).and_then(|name| of_name(lock, name));
            name.map(|words| vec![(node.head().end, words)])
                .unwrap_or_default()
        }
        ["vm", "vary"] => each(&|name| Some(format!("{}, not promised", of_name(lock, name)?))),
        ["vm", "boot"] => {
            let Some(boot) = &lock.boot else {
                return Vec::new();
            };
            let initrd = boot.initrd.as_ref();
            let files = [("kernel", Some(&boot.kernel)), ("initrd", initrd)];
            let of = |name: &str, digest: Option<&String>| {
                let entry = node.entries.iter().find(|e| {
                    e.name
                        .as_ref()
                        .is_some_and(|n| view.words(n.clone()) == name)
                })?;
                let short: String = digest?.chars().take(DIGEST_CHARS).collect();
                (!has(view, node, &format!("{name}-digest")))
                    .then_some((entry.value.end, format!("{short}…")))
            };
            files
                .into_iter()
                .filter_map(|(name, file)| of(name, file?.digest.as_ref()))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The value of a register, as a lock has it.
fn register(lock: &Lock, name: &str) -> Option<String> {
    let register = lock.registers.iter().find(|r| r.name == name)?;
    let width = 2 + 2 * register.bytes();
    Some(format!("{:#0width$x}", register.value))
}

/// What a lock has for a field, or for those that announce a feature.
fn of_name(lock: &Lock, name: &str) -> Option<String> {
    let one = |path: &str, shown: &str| {
        let (register, field): (&RegisterInfo, &Field) = catalogue::field(path)?;
        let locked = lock.registers.iter().find(|r| r.id == register.id)?;
        Some(format!("{shown}{:#x}", field.get(locked.value)))
    };
    match catalogue::hwcap(name) {
        Some(hwcap) => {
            let told = hwcap
                .fields
                .iter()
                .filter_map(|f| one(&f.path, &format!("{} ", f.path)));
            let told: Vec<String> = told.take(2).collect();
            (!told.is_empty()).then(|| told.join(", "))
        }
        None => one(name, ""),
    }
}
