//! What other programs say of a machine, and a description says nothing of: to be left out, with why.

/// Properties: the nodes that have them there, theirs, and what is so without them.
const PROPERTIES: [(&str, &[&str], &str); 8] = [
    (
        "disk",
        &["format", "file-format"],
        "a disk's file is raw, and `qemu-img convert -O raw` makes one of another",
    ),
    (
        "disk",
        &[
            "type",
            "device",
            "bus",
            "if",
            "driver",
            "cache",
            "aio",
            "io",
            "discard",
            "media",
            "index",
            "interface",
            "boot",
            "mount",
            "target",
        ],
        "each disk is virtio's, and a guest finds them in the order of their lines",
    ),
    (
        "net",
        &[
            "type", "model", "source", "bridge", "id", "netdev", "vhost", "queues", "script",
            "driver", "network", "link", "ip", "gateway", "dhcp",
        ],
        "a net is virtio's, and `tap` names the host's device, which may be a port of a bridge",
    ),
    (
        "rng",
        &[
            "model", "backend", "source", "filename", "device", "rate", "path",
        ],
        "its randomness is the host's",
    ),
    (
        "boot",
        &[
            "dev", "device", "order", "menu", "uefi", "firmware", "bios", "disk", "timeout",
        ],
        "a machine starts from a kernel's file, and its root is in `cmdline`, as in `cmdline=\"root=/dev/vda\"`",
    ),
    (
        "boot",
        &["root", "console", "quiet", "ro", "rw", "init"],
        "what a kernel is told stands in `cmdline`, as in `cmdline=\"root=/dev/vda console=ttyS0\"`",
    ),
    (
        "memory",
        &[
            "slots",
            "maxmem",
            "hotplug",
            "hugepages",
            "shared",
            "share",
            "current",
            "backing",
            "swap",
            "reservation",
        ],
        "memory is one size, which a guest has from its first instruction on",
    ),
    (
        "vm",
        &["type", "kind", "uuid", "id"],
        "a machine is told by its name",
    ),
];

/// Nodes: theirs, and why there are none.
const NODES: [(&[&str], &str); 3] = [
    (
        &[
            "accel",
            "hypervisor",
            "enable-kvm",
            "uuid",
            "os",
            "emulator",
            "on_reboot",
            "on_crash",
            "on_poweroff",
            "clock",
            "nographic",
            "seclabel",
            "iothreads",
            "restart",
            "depends_on",
            "replicas",
            "healthcheck",
            "lifecycle",
            "provider",
            "provisioner",
            "region",
            "instance_type",
            "ami",
            "apiVersion",
            "kind",
            "resources",
            "profiles",
            "privileged",
            "security",
            "log",
            "qmp",
            "daemonize",
            "cputune",
            "memtune",
            "autostart",
            "version",
            "scheduler",
            "nodeSelector",
            "affinity",
            "tolerations",
            "namespace",
            "timeout",
            "zone",
        ],
        "a description says what a guest finds; how and where it is run is up to who runs it, and `labels` are for that",
    ),
    (
        &[
            "hostname",
            "user",
            "users",
            "password",
            "ssh-key",
            "ssh_key",
            "ssh_authorized_keys",
            "cloud-init",
            "user-data",
            "user_data",
            "meta-data",
            "runcmd",
            "packages",
            "environment",
            "env",
            "command",
            "entrypoint",
            "ports",
            "port",
            "ip",
            "dns",
            "write_files",
            "bootcmd",
            "secrets",
            "configs",
            "working_dir",
            "timezone",
        ],
        "what a guest has inside is on its disks and in `boot cmdline=\"…\"`",
    ),
    (
        &["loader", "nvram", "dtb", "fdt", "pflash"],
        "a machine starts from `boot kernel=\"vmlinuz\"`, and its device tree follows from the description",
    ),
];

/// What is so without a property of that name of such a node.
pub fn property(node: &str, name: &str) -> Option<&'static str> {
    let mut of = PROPERTIES.iter().filter(|(of, ..)| *of == node);
    of.find(|(_, theirs, _)| theirs.contains(&name))
        .map(|(_, _, words)| *words)
}

/// Why a `vm` block has no node of that name.
pub fn node(name: &str) -> Option<&'static str> {
    let mut of = NODES.iter();
    of.find(|(theirs, _)| theirs.contains(&name))
        .map(|(_, words)| *words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::elsewhere;
    use crate::language::nodes;

    #[test]
    fn none_is_a_word_of_the_table_or_one_that_leads_there() {
        for (of, theirs, _) in PROPERTIES {
            let path: &[&str] = match of {
                "vm" => &["vm"],
                _ => &["vm", of],
            };
            let node = nodes::at(path).expect("it is a node");
            for name in theirs {
                assert!(node.property(name).is_none(), "{of} {name}");
                assert_eq!(elsewhere::property(of, name), None, "{of} {name}");
                assert!(property(of, name).is_some(), "{of} {name}");
            }
        }
        for name in NODES.iter().flat_map(|(theirs, _)| *theirs) {
            let known = nodes::VM_NODES.contains(name) || elsewhere::node(name).is_some();
            assert!(
                !known && !elsewhere::counts(name) && !elsewhere::absent(name),
                "{name}"
            );
        }
    }
}
