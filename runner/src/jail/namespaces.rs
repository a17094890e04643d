//! Namespaces of the guest's process alone (namespaces(7)), where whoever starts it asks for them: no network, no System V
//! IPC and no cgroups but empty ones of its own.
//!
//! What the table allows needs none of these; they are there for an error in a filter. Without the right to make
//! them, Linux gives them to a user namespace of its own, in which the process is still its user and nobody else is known.

use super::unjailed;
use crate::failure::Failure;
use nix::errno::Errno;
use nix::sched::{CloneFlags, unshare};
use nix::unistd::{getegid, geteuid};
use std::fs;
use std::io;
use std::path::PathBuf;

/// Each one, by its name in /proc/self/ns.
const NAMES: [&str; 4] = ["net", "ipc", "uts", "cgroup"];
const FLAGS: CloneFlags = CloneFlags::CLONE_NEWNET
    .union(CloneFlags::CLONE_NEWIPC)
    .union(CloneFlags::CLONE_NEWUTS)
    .union(CloneFlags::CLONE_NEWCGROUP);

/// Puts this process into namespaces of its own. To be called while it has one thread, with everything open that is of
/// the others: Linux moves threads one by one.
///
/// # Errors
/// Linux does not give them; it says that it has, and has not.
pub fn enter() -> Result<(), Failure> {
    let failed = |error: io::Error| unjailed("namespaces", &error);
    let before = ours().map_err(failed)?;
    match unshare(FLAGS) {
        Err(Errno::EPERM) => as_its_user().map_err(failed)?,
        done => done.map_err(|errno| failed(errno.into()))?,
    }
    let after = ours().map_err(failed)?;
    for ((name, before), after) in NAMES.iter().zip(before).zip(after) {
        if before == after {
            return Err(failed(io::Error::other(format!("`{name}` is as before"))));
        }
    }
    Ok(())
}

/// The same in a user namespace (user_namespaces(7)) that knows this process's user and group, and no others.
fn as_its_user() -> io::Result<()> {
    let (user, group) = (geteuid(), getegid());
    // Whoever is not known in there has this number, and would be taken for the user.
    if fs::read_to_string("/proc/sys/kernel/overflowuid")?.trim() == user.to_string() {
        return Err(io::Error::other(
            "this user has the number that stands for all who are not known",
        ));
    }
    unshare(FLAGS | CloneFlags::CLONE_NEWUSER)?;
    // Who has no rights outside may say who is who only once nobody can leave a group any more.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1\n"))?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1\n"))
}

/// Which ones this process is in.
fn ours() -> io::Result<[PathBuf; NAMES.len()]> {
    let mut links = [const { PathBuf::new() }; NAMES.len()];
    for (link, name) in links.iter_mut().zip(NAMES) {
        *link = fs::read_link(format!("/proc/self/ns/{name}"))?;
    }
    Ok(links)
}
