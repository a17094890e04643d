//! Does what the jail forbids, or fails, on the thread and at the time at which a guest might make it: so that tests see
//! what comes of it. With the feature `torture` alone.

use super::linux;
use super::table::Thread;
use crate::say;
use nix::unistd::execv;
use std::fs::File;
use std::net::UdpSocket;
use std::sync::OnceLock;
use std::thread;
use vm_memory::mmap::MmapRegion;

static CHOSEN: OnceLock<String> = OnceLock::new();

/// From now on, that is done when its time has come.
pub fn choose(name: &str) {
    CHOSEN.get_or_init(|| name.to_owned());
}

/// This thread is inside the jail.
pub fn inside(who: Thread) {
    let Some((chosen, what)) = CHOSEN.get().and_then(|name| name.split_once('-')) else {
        return;
    };
    if chosen != who.to_string() {
        return;
    }
    let done = match what {
        "create" => File::create("/tmp/vmlock-misbehaved").is_ok(),
        // It returns only where it failed.
        "execute" => execv(c"/proc/self/exe", &[c"vmlock-run"]).is_ok(),
        "kill" => linux::ask_init().is_ok(),
        "memory" => {
            let all = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            MmapRegion::<()>::build(None, 4096, all, flags).is_ok()
        }
        // As the table lets one thread open a file.
        "read" => File::open("/proc/version").is_ok(),
        "socket" => UdpSocket::bind("127.0.0.1:0").is_ok(),
        "thread" => thread::Builder::new().spawn(|| {}).is_ok(),
        _ => panic!("it was asked to"),
    };
    say::note(format_args!(
        "misbehaving {}",
        if done { "succeeded" } else { "failed" }
    ));
}
