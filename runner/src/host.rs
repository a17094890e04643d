//! What this host is: found by trying, never from a version string.

pub mod probe;
