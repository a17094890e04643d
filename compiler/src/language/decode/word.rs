//! Words that more than one part of the reader has to know: to read them, or to say where they belong.

pub(super) use crate::language::nodes::VM_NODES;

/// What other programs call devices, and how they are written here.
pub(super) const DEVICES_ELSEWHERE: [(&str, &str); 22] = [
    ("drive", "disk \"root\" path=\"root.img\""),
    ("blk", "disk \"root\" path=\"root.img\""),
    ("virtio-blk", "disk \"root\" path=\"root.img\""),
    ("nic", "net \"lan\" tap=\"tap0\""),
    ("network", "net \"lan\" tap=\"tap0\""),
    ("virtio-net", "net \"lan\" tap=\"tap0\""),
    ("drives", "disk \"root\" path=\"root.img\""),
    ("disks", "disk \"root\" path=\"root.img\""),
    ("volumes", "disk \"root\" path=\"root.img\""),
    ("netdev", "net \"lan\" tap=\"tap0\""),
    ("interface", "net \"lan\" tap=\"tap0\""),
    ("interfaces", "net \"lan\" tap=\"tap0\""),
    ("ethernet", "net \"lan\" tap=\"tap0\""),
    ("networks", "net \"lan\" tap=\"tap0\""),
    ("network_mode", "net \"lan\" tap=\"tap0\""),
    ("network_interface", "net \"lan\" tap=\"tap0\""),
    ("serial", "console \"16550\""),
    ("uart", "console \"16550\""),
    ("tty", "console \"16550\""),
    ("pl011", "console \"16550\""),
    ("entropy", "rng"),
    ("virtio-rng", "rng"),
];
/// What other languages, and hurried hands, call a machine's `from`.
pub const FROM_ELSEWHERE: [&str; 9] = [
    "form", "extends", "inherits", "inherit", "base", "parent", "template", "like", "uses",
];
/// vCPU features of KVM that a description cannot name yet.
pub(super) const FEATURES_LATER: [&str; 1] = ["el2"];
