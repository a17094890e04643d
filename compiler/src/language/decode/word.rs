//! Words that more than one part of the reader has to know: to read them, or to say where they belong.

/// What a `vm` block may hold.
pub(super) const VM_NODES: [&str; 11] = [
    "arch",
    "abi",
    "cpu",
    "memory",
    "boot",
    "console",
    "vary",
    "allow",
    "runs-on",
    "import",
    "lock-schema",
];
/// Designed, and not built yet.
pub(super) const VM_NODES_LATER: [&str; 2] = ["disk", "net"];
/// vCPU features of KVM that a description cannot name yet.
pub(super) const FEATURES_LATER: [&str; 1] = ["el2"];
