//! Lets this process end at once, and its VMs right after it.
//!
//! The kernel takes a VM down when its last descriptor is closed. Where the VM has two vCPUs or more it waits for a whole
//! grace period of RCU while it does (`kvm_destroy_mpidr_data`, arch/arm64/kvm/arm.c, 6.12), some 20 ms: longer than all
//! of a start. Whoever waits for this process would wait for that, and nothing depends on it any more. So the last
//! descriptor of such a VM is left to a child that has nothing else: no memory of the guest's, no file, no terminal, no
//! lock. It ends as soon as this process has gone, or after [`PATIENCE`].

use super::open::Open;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, poll};
use nix::unistd::{ForkResult, fork, pipe2};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

/// How long the child looks on while this process ends, and how often.
const PATIENCE: Duration = Duration::from_secs(10);
const GLANCE: Duration = Duration::from_millis(1);

/// How long this process waits for the child to have closed what is not for it, in milliseconds.
const CLOSING: u8 = 100;

static OPEN: Mutex<Vec<Weak<Open>>> = Mutex::new(Vec::new());

/// This VM has a second vCPU.
pub(super) fn enter(vm: &Arc<Open>) {
    let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    open.retain(|vm| vm.strong_count() > 0);
    open.push(Arc::downgrade(vm));
}

/// Leaves the VMs of several vCPUs that are still open to a process of their own. To be called right before this one ends: what is
/// closed afterwards is not taken down any sooner for it.
pub fn leave_open_vms() {
    let open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    // They stay open until the child has its own descriptors.
    let open: Vec<Arc<Open>> = open.iter().filter_map(Weak::upgrade).collect();
    let mut kept: Vec<libc::c_uint> = open
        .iter()
        .filter_map(|vm| vm.fd.as_raw_fd().try_into().ok())
        .collect();
    kept.sort_unstable();
    if kept.is_empty() {
        return;
    }
    let closes = pipe2(OFlag::O_CLOEXEC).ok();
    // SAFETY: neither call takes a pointer or can fail.
    let parent = unsafe { libc::getpid() };
    // SAFETY: the child makes system calls alone, each of which a signal handler may make (signal-safety(7)), and
    // ends with them: it takes no lock, allocates nothing, and runs nothing of what this process has yet to run.
    if let Ok(ForkResult::Child) = unsafe { fork() } {
        look_on(parent, &kept);
    }
    // Until the child has closed its copies, nobody else can have this guest's disks, taps and sockets.
    if let Some((closes, ours)) = closes {
        drop(ours);
        let mut end = [PollFd::new(closes.as_fd(), PollFlags::POLLIN)];
        // A child that is slower than that keeps them for a moment longer.
        let _ = poll(&mut end, CLOSING);
    }
    // Without a child, this process takes its VMs down itself.
}

/// The child: it closes everything but the descriptors that it is there for, and ends when its parent has.
fn look_on(parent: libc::pid_t, kept: &[libc::c_uint]) -> ! {
    let glance = libc::timespec {
        tv_sec: 0,
        tv_nsec: GLANCE.as_nanos() as libc::c_long,
    };
    let close = |first: libc::c_uint, last: libc::c_uint| {
        // SAFETY: plain numbers; nobody uses a descriptor in this process any more.
        unsafe { libc::syscall(libc::SYS_close_range, first, last, 0) == 0 }
    };
    let mut first = 0;
    let mut closed = true;
    for &fd in kept {
        closed &= fd == first || close(first, fd - 1);
        first = fd + 1;
    }
    closed &= close(first, libc::c_uint::MAX);
    let mut glances = PATIENCE.as_millis() / GLANCE.as_millis();
    // A descriptor that could not be closed might be somebody's pipe: then there is no waiting.
    // SAFETY: neither call takes a pointer that does not outlive it.
    while closed && glances > 0 && unsafe { libc::getppid() } == parent {
        // SAFETY: as above.
        unsafe { libc::nanosleep(&raw const glance, std::ptr::null_mut()) };
        glances -= 1;
    }
    // SAFETY: it ends this process, without anything of the parent's that would run at its end.
    unsafe { libc::_exit(0) }
}
