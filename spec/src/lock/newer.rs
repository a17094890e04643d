//! What the newest version of the lock promises beside what a lock of an older version does: nothing of it is judged
//! until somebody upgrades the lock.
//!
//! Version 3 promises nothing beside version 2 of a machine that version 2 can hold.

use super::{Lock, v2};
use crate::catalogue::{REGISTERS, RegisterInfo};
use serde::Serialize;

/// The version to which an upgrade moves a lock of an older one.
pub const VERSION: u32 = v2::VERSION;

/// A promise that the lock's version has no place for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Beside {
    /// The first version of the lock that has it.
    pub since: u32,
    /// What is promised, by its name in the lock.
    pub name: String,
    /// In words.
    pub words: String,
}

/// Parts of a lock that are not registers, with the version that brought them.
const PARTS: &[(u32, &str, &str)] = &[
    (
        2,
        "reset",
        "what every vCPU begins with, at boot and after CPU_ON",
    ),
    (
        2,
        "machine.addressBits",
        "as many guest-physical address bits as hold the machine",
    ),
    (
        2,
        "machine.unmapped",
        "an external abort where the guest's addresses lead to nothing",
    ),
    (
        2,
        "machine.devices",
        "a UART that keeps input until the guest listens, and a clock that rings",
    ),
    (
        2,
        "deviceTree",
        "no sizes of caches that KVM makes up; its bytes, as text that can be reviewed",
    ),
    (
        2,
        "what follows from it",
        "control registers, the interrupt controller's frames, calls that nobody implements, and what calls leave in x1 to x17",
    ),
    (
        2,
        "boot",
        "which kernel and initial RAM file system are meant, by their digests",
    ),
];

/// What an upgrade of the lock would promise more, in the order of its parts; nothing for a lock of the newest version.
pub fn beside(lock: &Lock) -> Vec<Beside> {
    let parts = PARTS
        .iter()
        .filter(|(since, name, _)| {
            // Where nothing is booted there is nothing to digest.
            *since > lock.lock_version && (*name != "boot" || lock.boot.is_some())
        })
        .map(|(since, name, words)| Beside {
            since: *since,
            name: (*name).to_owned(),
            words: (*words).to_owned(),
        });
    let owed = |info: &&RegisterInfo| (lock.lock_version + 1..=VERSION).contains(&info.since);
    let registers = REGISTERS.iter().filter(owed).map(|info| Beside {
        since: info.since,
        name: info.name.to_string(),
        words: info.title.to_string(),
    });
    parts.chain(registers).collect()
}
