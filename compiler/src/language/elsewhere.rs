//! What other programs, and hurried hands, call what a description has. Data for both of its forms: a word that means one
//! thing elsewhere is answered with the one that it has here, and what was meant by it is not missing as well.

pub mod nothing;

/// Properties: the node, ours, theirs.
const PROPERTIES: [(&str, &str, &[&str]); 14] = [
    (
        "cpu",
        "count",
        &[
            "cores",
            "vcpus",
            "vcpu",
            "cpus",
            "smp",
            "num",
            "number",
            "ncpus",
            "vcpu_count",
            "boot_vcpus",
        ],
    ),
    (
        "boot",
        "kernel",
        &[
            "image",
            "linux",
            "kernel_image_path",
            "kernel-image",
            "vmlinuz",
        ],
    ),
    (
        "boot",
        "initrd",
        &["initramfs", "ramdisk", "initrd_path", "initrd-image"],
    ),
    (
        "boot",
        "cmdline",
        &[
            "append",
            "args",
            "arguments",
            "bootargs",
            "boot_args",
            "boot-args",
            "commandline",
            "command-line",
            "kernel-args",
            "params",
        ],
    ),
    (
        "boot",
        "kernel-digest",
        &["digest", "sha256", "kernel-sha256", "hash", "checksum"],
    ),
    (
        "disk",
        "path",
        &[
            "file",
            "image",
            "img",
            "source",
            "src",
            "filename",
            "path_on_host",
        ],
    ),
    ("disk", "read-only", &["ro", "is_read_only"]),
    ("disk", "size", &["capacity", "length"]),
    (
        "net",
        "tap",
        &[
            "interface",
            "iface",
            "ifname",
            "dev",
            "device",
            "host_dev_name",
        ],
    ),
    (
        "net",
        "mac",
        &["address", "hwaddr", "guest_mac", "mac-address"],
    ),
    ("vsock", "cid", &["guest_cid", "guest-cid", "context-id"]),
    ("port", "path", &["uds_path", "socket", "file"]),
    (
        "allow",
        "reason",
        &["because", "why", "comment", "note", "justification"],
    ),
    (
        "boot",
        "kernel-address",
        &["address", "load-address", "addr"],
    ),
];

/// Nodes of a `vm` block: ours, theirs. What stands behind them there stands behind ours.
const NODES: [(&str, &[&str]); 10] = [
    (
        "arch",
        &["architecture", "isa", "platform", "instruction-set"],
    ),
    (
        "abi",
        &["baseline", "baselines", "kernel-abi", "host-kernel"],
    ),
    ("cpu", &["processor", "cpu-model", "cpu_model", "cpu_type"]),
    ("memory", &["ram", "mem", "memory-size", "mem_size"]),
    ("disk", &["hdd", "volume", "storage", "block", "cdrom"]),
    ("runs-on", &["host", "hosts", "requires"]),
    ("allow", &["ignore", "suppress", "silence", "expect"]),
    ("labels", &["tags", "tag", "annotations", "metadata"]),
    (
        "description",
        &["desc", "comment", "note", "notes", "title", "about"],
    ),
    ("import", &["include", "use", "source", "require"]),
];

/// What the first value of a node is called, beside its name in the JSON form of a description.
const VALUES: [(&str, &[&str]); 18] = [
    ("vm", &["title"]),
    ("arch", &["name", "value", "type", "isa"]),
    ("abi", &["name", "baseline", "baselines", "host"]),
    ("cpu", &["name", "type", "kind", "cpu_type"]),
    ("memory", &["size", "value", "amount", "limit", "ram"]),
    ("console", &["type", "kind", "name"]),
    ("disk", &["id", "drive_id", "label", "dev", "alias"]),
    ("net", &["iface_id", "alias"]),
    ("across-saves", &["counter", "value"]),
    ("vary", &["field", "register", "name"]),
    ("allow", &["warning", "rule", "lint", "event", "number"]),
    ("deny", &["event", "events", "number"]),
    ("hide", &["feature", "field", "name"]),
    ("set", &["register", "name", "feature"]),
    ("runs-on", &["host", "hosts", "name", "baseline"]),
    ("description", &["text", "value"]),
    ("import", &["path", "file", "from"]),
    ("port", &["number"]),
];

/// What a value without a name is, behind those that a node has: the node, its place, ours.
const NAMELESS: [(&str, usize, &str); 6] = [
    ("boot", 0, "kernel"),
    ("cpu", 1, "count"),
    ("disk", 1, "path"),
    ("net", 1, "tap"),
    ("vsock", 0, "cid"),
    ("port", 1, "path"),
];

/// How many vCPUs there are, as a node of its own.
const COUNTS: [&str; 9] = [
    "cpus",
    "vcpus",
    "vcpu",
    "cores",
    "smp",
    "ncpus",
    "count",
    "processors",
    "vcpu_count",
];

/// How vCPUs are laid out elsewhere, which no machine of vmlock's says. All but the last count them.
const TOPOLOGY: [&str; 9] = [
    "sockets", "dies", "clusters", "modules", "cores", "threads", "smt", "maxcpus", "topology",
];

/// What hides a feature elsewhere.
const HIDES: [&str; 9] = [
    "disable", "mask", "without", "remove", "deny", "no", "exclude", "unset", "clear",
];

/// What a machine of vmlock's has none of.
const ABSENT: [&str; 34] = [
    "vfio",
    "hostdev",
    "gpu",
    "vga",
    "display",
    "graphics",
    "video",
    "usb",
    "pci",
    "pcie",
    "tpm",
    "sound",
    "audio",
    "watchdog",
    "rtc",
    "firmware",
    "uefi",
    "bios",
    "acpi",
    "numa",
    "hugepages",
    "balloon",
    "machine",
    "keyboard",
    "input",
    "iommu",
    "memballoon",
    "channel",
    "virtfs",
    "filesystem",
    "share",
    "mount",
    "mounts",
    "panic",
];

/// What a node of that name calls the property.
pub fn property(node: &str, name: &str) -> Option<&'static str> {
    let of = PROPERTIES.iter().filter(|(of, ..)| *of == node);
    of.into_iter()
        .find(|(_, _, theirs)| theirs.contains(&name))
        .map(|(_, ours, _)| *ours)
}

/// Which of a node's values that name says, from 0.
pub fn value(node: &str, name: &str) -> Option<usize> {
    let second = node == "set" && ["to", "val"].contains(&name);
    let first = VALUES
        .iter()
        .any(|(of, theirs)| *of == node && theirs.contains(&name));
    second.then_some(1).or(first.then_some(0))
}

/// What the value of a node at that place says, from 0, where it has no name.
pub fn nameless(node: &str, at: usize) -> Option<&'static str> {
    let mut known = NAMELESS.iter();
    known
        .find(|(of, place, _)| *of == node && *place == at)
        .map(|(_, _, ours)| *ours)
}

/// What a `vm` block calls the node.
pub fn node(name: &str) -> Option<&'static str> {
    let found = NODES.iter().find(|(_, theirs)| theirs.contains(&name));
    found.map(|(ours, _)| *ours)
}

/// Whether it says how many vCPUs there are.
pub fn counts(name: &str) -> bool {
    COUNTS.contains(&name)
}

/// Whether it says how vCPUs are laid out.
pub fn lays_out(name: &str) -> bool {
    TOPOLOGY.contains(&name)
}

/// Whether it hides a feature.
pub fn hides(name: &str) -> bool {
    HIDES.contains(&name)
}

/// Whether no machine has it.
pub fn absent(name: &str) -> bool {
    ABSENT.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::nodes;

    #[test]
    fn each_leads_to_a_word_of_the_table_and_none_is_one() {
        for (of, ours, theirs) in PROPERTIES {
            let path: &[&str] = match of {
                "port" => &["vm", "vsock", "port"],
                _ => &["vm", of],
            };
            let node = nodes::at(path).unwrap();
            assert!(node.property(ours).is_some(), "{of} {ours}");
            for name in theirs {
                assert!(node.property(name).is_none(), "{of} {name}");
                assert_eq!(property(of, name), Some(ours), "{of} {name}");
            }
        }
        let words = nodes::VM_NODES;
        for (ours, theirs) in NODES {
            assert!(words.contains(&ours), "{ours}");
            for name in theirs {
                assert!(!words.contains(name), "{name}");
                assert_eq!(node(name), Some(ours), "{name}");
            }
        }
        let cpu = nodes::at(&["vm", "cpu"]).unwrap();
        for name in COUNTS.iter().chain(&ABSENT) {
            assert!(!words.contains(name) && node(name).is_none(), "{name}");
        }
        for name in TOPOLOGY {
            assert!(
                !words.contains(&name) && cpu.property(name).is_none(),
                "{name}"
            );
        }
        assert!(HIDES.iter().all(|name| cpu.inner(name).is_none()));
    }
}
