//! What each thread of a started guest may still ask of Linux, row by row and with the reason.
//!
//! A row allows one call, with one argument where that matters. What no row allows ends the guest
//! ([`violation`](super::violation)). The lab starts guests, writes down what their threads call, and holds it against
//! these rows both ways (`lab/src/confined.rs`): a row that nobody needed fails there, unless it names the occasion
//! that it is for. A thread of another kind gets a name in [`Thread`], and a place in the rows that it needs; one that
//! handles what a guest says has a filter of its own ([`narrow`](super::filter::narrow)).

use super::names;
use serde::Serialize;
use serde::ser::{SerializeStruct as _, Serializer};
use std::fmt;

/// A kind of thread, as Linux names it: those of devices begin with this, and their device's name follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Thread {
    /// The first one: it waits for the guest's end, and ends the process.
    Main,
    /// Runs a vCPU, and answers its exits.
    Vcpu,
    /// The same, or a device's, on its way into the jail: the others are inside.
    Entering,
    /// Ends the process when a signal comes; the thread `words`, which it starts for its last words, counts as this one.
    Signals,
    /// Has loaded the kernel. Raises the lines that rise by themselves, looks where the vCPUs' threads may run and whether
    /// anybody reads stdout, and takes down the VMs of a rehearsal.
    Watch,
    /// Carries stdin to the guest's console, or what is said at its socket.
    Console,
    /// Carries what the guest says to a file or a socket.
    Carrier,
    /// Answers at the control socket, and brings the guest to rest for who asks for it.
    Control,
    /// Writes a guest that is saved, while the control socket is answered.
    Scribe,
    /// Holds a restored guest's memory against its digests while it runs.
    Reader,
    /// Says what happens, where others must not wait for whoever reads it.
    Speaker,
    /// Serves a disk.
    Disk,
    /// Serves a network card.
    Card,
    /// Serves a console of virtio.
    Terminal,
    /// Serves a source of random numbers.
    Entropy,
    /// Serves sockets.
    Vsock,
    /// No thread: the process that connects sockets to those of the host (`device/virtio/broker.rs`).
    Broker,
    /// No thread: the process that takes the VM down when this one has gone (`kvm/undertaker.rs`).
    Undertaker,
}

impl fmt::Display for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Main => "main",
            Vcpu => "vcpu",
            Entering => "entering",
            Signals => "signals",
            Watch => "watch",
            Console => "console",
            Carrier => "carrier",
            Control => "control",
            Scribe => "scribe",
            Reader => "reader",
            Speaker => "speaker",
            Disk => "disk",
            Card => "card",
            Terminal => "terminal",
            Entropy => "entropy",
            Vsock => "vsock",
            Broker => "broker",
            Undertaker => "undertaker",
        })
    }
}

use Thread::{
    Broker, Card, Carrier, Console, Control, Disk, Entering, Entropy, Main, Reader, Scribe,
    Signals, Speaker, Terminal, Undertaker, Vcpu, Vsock, Watch,
};

/// Those that there are whatever the machine is.
pub const ALWAYS: &[Thread] = &[Main, Vcpu, Entering, Signals, Watch, Console, Undertaker];
/// Every kind of this process's threads.
const EACH: &[Thread] = &[
    Main, Vcpu, Entering, Signals, Watch, Console, Carrier, Control, Scribe, Reader, Speaker, Disk,
    Card, Terminal, Entropy, Vsock,
];
/// Those that serve devices of virtio.
const DEVICES: &[Thread] = &[Disk, Card, Terminal, Entropy, Vsock];
/// Those that begin when everything is shut already: a device's is on its way in then.
const LATE: &[Thread] = &[Entering, Signals, Console];
/// The same, and the undertaker.
const BEGINNING: &[Thread] = &[Entering, Signals, Console, Undertaker];
/// Who ends a process.
const ENDING: &[Thread] = &[
    Main, Vcpu, Entering, Signals, Watch, Console, Carrier, Control, Scribe, Reader, Speaker, Disk,
    Card, Terminal, Entropy, Vsock, Broker, Undertaker,
];

/// What an argument has to be. Of those that are named here Linux takes the lower 32 bits alone, or it is a bit among
/// these that is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Argument {
    /// Whatever they are.
    Any,
    /// The argument at that place, counted from 0, has this value.
    Is(u8, u32),
    /// It has none of these bits.
    Lacks(u8, u32),
    /// It is this process's id.
    Ours(u8),
}

use Argument::{Any, Is, Lacks, Ours};

/// Whose machine needs a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Machine {
    /// Each.
    Every,
    /// One whose interrupt controller the runner answers for.
    Proxied,
    /// One whose firmware calls the runner answers, and whose vCPUs it may start.
    Calls,
    /// One whose vCPUs the witness may look at: it has a control socket, or its guest was saved or comes from elsewhere.
    Audited,
    /// One whose memory is shared, so that it can be handed over.
    Shared,
}

use Machine::{Audited, Calls, Every, Proxied, Shared};

/// One thing that is allowed.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The call's number.
    pub call: i64,
    /// What an argument has to be.
    pub argument: Argument,
    /// Which machines need it.
    pub machine: Machine,
    /// Which threads.
    pub threads: &'static [Thread],
    /// What for.
    pub why: &'static str,
    /// On what occasion, where a guest's ordinary life has none.
    pub only: Option<&'static str>,
}

const fn row(call: i64, argument: Argument, threads: &'static [Thread], why: &'static str) -> Row {
    Row {
        call,
        argument,
        machine: Every,
        threads,
        why,
        only: None,
    }
}

impl Row {
    const fn of(mut self, machine: Machine) -> Self {
        self.machine = machine;
        self
    }

    const fn only(mut self, occasion: &'static str) -> Self {
        self.only = Some(occasion);
        self
    }
}

/// One line: what, who, why.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(names::of(self.call).unwrap_or("?"))?;
        match self.argument {
            Any => f.write_str(""),
            Is(place, value) => write!(f, " with argument {place} = {value:#x}"),
            Lacks(place, bits) => write!(f, " with argument {place} without {bits:#x}"),
            Ours(place) => write!(f, " with argument {place} = this process"),
        }?;
        f.write_str(": ")?;
        for (at, thread) in self.threads.iter().enumerate() {
            write!(f, "{}{thread}", if at == 0 { "" } else { ", " })?;
        }
        write!(f, ": {}", self.why)?;
        match self.machine {
            Every => {}
            Proxied => f.write_str(" (where the runner answers for the interrupt controller)")?,
            Calls => f.write_str(" (where the runner answers firmware calls)")?,
            Audited => f.write_str(
                " (where there is a control socket, or a guest goes on that ran before)",
            )?,
            Shared => f.write_str(" (with `--memory shared`)")?,
        }
        self.only
            .map_or(Ok(()), |only| write!(f, "; only when {only}"))
    }
}

impl Serialize for Row {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut row = serializer.serialize_struct("Row", 7)?;
        row.serialize_field("call", names::of(self.call).unwrap_or_default())?;
        row.serialize_field("number", &self.call)?;
        row.serialize_field("argument", &self.argument)?;
        row.serialize_field("machine", &self.machine)?;
        row.serialize_field("threads", self.threads)?;
        row.serialize_field("why", self.why)?;
        row.serialize_field("only", &self.only)?;
        row.end()
    }
}

/// Numbers of KVM's ioctls (include/uapi/linux/kvm.h; `_IOC`, include/uapi/asm-generic/ioctl.h): who copies what, its
/// size, and the number among KVM's.
const fn kvm(direction: u32, number: u32, size: u32) -> Argument {
    Is(1, direction << 30 | size << 16 | 0xae << 8 | number)
}

const WRITES: u32 = 1;
const READS: u32 = 2;
const KVM_RUN: Argument = kvm(0, 0x80, 0);
const KVM_SET_USER_MEMORY_REGION: Argument = kvm(WRITES, 0x46, 32);
const KVM_IRQ_LINE: Argument = kvm(WRITES, 0x61, 8);
const KVM_IRQFD: Argument = kvm(WRITES, 0x76, 32);
const KVM_SET_MP_STATE: Argument = kvm(WRITES, 0x99, 4);
const KVM_GET_MP_STATE: Argument = kvm(READS, 0x98, 4);
const KVM_GET_VCPU_EVENTS: Argument = kvm(READS, 0x9f, 64);
const KVM_GET_REG_LIST: Argument = kvm(READS | WRITES, 0xb0, 8);
const KVM_SET_VCPU_EVENTS: Argument = kvm(WRITES, 0xa0, 64);
const KVM_GET_ONE_REG: Argument = kvm(WRITES, 0xab, 16);
const KVM_SET_ONE_REG: Argument = kvm(WRITES, 0xac, 16);
const KVM_ARM_VCPU_INIT: Argument = kvm(WRITES, 0xae, 32);
const KVM_ARM_PREFERRED_TARGET: Argument = kvm(READS, 0xaf, 32);
const KVM_SET_DEVICE_ATTR: Argument = kvm(WRITES, 0xe1, 24);
const KVM_GET_DEVICE_ATTR: Argument = kvm(WRITES, 0xe2, 24);

/// How glibc starts a thread (sysdeps/unix/sysv/linux/createthread.c): it shares everything with this one.
const NEW_THREAD: u32 = (libc::CLONE_VM
    | libc::CLONE_FS
    | libc::CLONE_FILES
    | libc::CLONE_SYSVSEM
    | libc::CLONE_SIGHAND
    | libc::CLONE_THREAD
    | libc::CLONE_SETTLS
    | libc::CLONE_PARENT_SETTID
    | libc::CLONE_CHILD_CLEARTID) as u32;
/// How glibc forks (sysdeps/nptl/arch-fork.h).
const FORK: u32 = (libc::CLONE_CHILD_SETTID | libc::CLONE_CHILD_CLEARTID | libc::SIGCHLD) as u32;

/// How [`cores`](crate::cores) opens a file of sysfs: to read it.
const TO_READ: u32 = libc::O_CLOEXEC as u32;
/// And a folder: to look for files there.
const TO_LOOK: u32 = (libc::O_PATH | libc::O_DIRECTORY | libc::O_CLOEXEC) as u32;
const EXECUTABLE: u32 = libc::PROT_EXEC as u32;

/// Of include/uapi/asm-generic/mman-common.h, from 6.13 on.
const MADV_GUARD_INSTALL: u32 = 102;
const MADV_GUARD_REMOVE: u32 = 103;

/// `SO_PEERCRED` (include/uapi/asm-generic/socket.h) and `IORING_UNREGISTER_FILES` (include/uapi/linux/io_uring.h).
const PEER: u32 = libc::SO_PEERCRED as u32;
const LET_GO: u32 = 3;

const NO_RING: &str = "the host's io_uring cannot be had";
const SAVED: &str = "a guest is saved";
const RESTORED: &str = "a guest is restored from a file that stays as it is";
const HANDED: &str = "a guest is handed over";
const AUDITED: &str = "a guest is audited while it runs, or before it goes on";
const READ: &str = "a guest is saved or audited";
const READER: &str = "somebody connects to the guest's console";
const NEWER: &str = "this program was built with a newer C library";
const SOCKETS: &str = "a guest has sockets, and uses them";
const ENDS: &str = "a call is not allowed";
const ABORTS: &str = "the host has no memory to give, or for a bug of ours";
const FAULTS: &str = "the host's memory fails, or for a bug of ours";

/// `F_OFD_SETLK` (include/uapi/asm-generic/fcntl.h).
const RIGHT: u32 = libc::F_OFD_SETLK as u32;
/// `TUNSETOFFLOAD` (include/uapi/linux/if_tun.h).
const TUNSETOFFLOAD: u32 = 0x4004_54d0;
/// `TCSETS2` (include/uapi/asm-generic/ioctls.h): a newer C library puts a terminal back by it.
const TCSETS2: u32 = 0x402c_542b;
/// `FALLOC_FL_KEEP_SIZE`, with `FALLOC_FL_PUNCH_HOLE` or `FALLOC_FL_ZERO_RANGE`.
const HOLE: u32 = 0x03;
const ZERO: u32 = 0x11;

/// Every row, in order of what a thread does: run the guest, answer it, serve its devices, wait, say something, begin, end.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(libc::SYS_ioctl, KVM_RUN, &[Vcpu], "the guest runs"),
    row(libc::SYS_ioctl, KVM_IRQ_LINE, &[Vcpu, Watch, Console], "a device's interrupt rises or falls"),
    row(libc::SYS_ioctl, KVM_SET_VCPU_EVENTS, &[Vcpu], "an access to nothing is answered with an external abort").only("a guest looks where nothing is"),
    row(libc::SYS_ioctl, KVM_SET_ONE_REG, &[Vcpu], "FAR_EL1 of an external abort, what a call returns, what a vCPU begins with"),
    row(libc::SYS_ioctl, KVM_GET_ONE_REG, &[Vcpu], "where a guest that cannot go on stands; arguments of a call; what is read back"),
    row(libc::SYS_ioctl, KVM_SET_DEVICE_ATTR, &[Vcpu], "the guest's write goes on to the kernel's interrupt controller").of(Proxied),
    row(libc::SYS_ioctl, KVM_GET_DEVICE_ATTR, &[Vcpu], "the guest reads the kernel's interrupt controller").of(Proxied),
    row(libc::SYS_ioctl, KVM_IRQFD, &[Vcpu], "no device interrupts while the guest's write changes what is pending").of(Proxied).only("a guest with devices of virtio changes what is pending"),
    row(libc::SYS_ioctl, KVM_SET_USER_MEMORY_REGION, &[Vcpu], "the page in which a vCPU is lent comes and goes")
        .of(Proxied)
        .only("a guest clears its timer's interrupt while that is active, as one does that crashes into another kernel"),
    row(libc::SYS_ioctl, KVM_SET_USER_MEMORY_REGION, &[Vcpu], "the memory in which a vCPU is lent to the witness comes and goes").of(Audited).only(AUDITED),
    row(libc::SYS_ioctl, KVM_SET_MP_STATE, &[Vcpu], "CPU_ON and CPU_OFF").of(Calls).only("a vCPU begins otherwise than KVM would have it"),
    row(libc::SYS_ioctl, KVM_SET_MP_STATE, &[Vcpu], "a vCPU that is off is lent to the witness").of(Audited).only(AUDITED),
    row(libc::SYS_ioctl, KVM_ARM_PREFERRED_TARGET, &[Vcpu], "what a vCPU is reset with").of(Calls).only("a vCPU is turned on that was on before"),
    row(libc::SYS_ioctl, KVM_ARM_VCPU_INIT, &[Vcpu], "a vCPU is reset").of(Calls).only("a vCPU is turned on that was on before"),
    row(libc::SYS_ioctl, KVM_GET_REG_LIST, &[Vcpu], "which registers a guest has that is saved, or lends its vCPU").only(READ),
    row(libc::SYS_ioctl, KVM_GET_MP_STATE, &[Vcpu], "whether its vCPU is on").only(READ),
    row(libc::SYS_ioctl, KVM_GET_VCPU_EVENTS, &[Vcpu], "which SError it has yet to take").only(READ),
    row(libc::SYS_ioctl, KVM_GET_DEVICE_ATTR, &[Control], "what its interrupt controller has").only(SAVED),
    row(libc::SYS_sendmsg, Any, &[Control], "memory, disks, taps and words go to whom its operator connected").of(Shared).only(HANDED),
    row(libc::SYS_fcntl, Is(1, RIGHT), &[Control, Vcpu], "the right to run the guest, a lock which one process has at a time; it can be any lock of any file that is open").of(Shared).only(HANDED),
    row(libc::SYS_fstat, Any, &[Control, Vcpu], "whether somebody has written its disks since it came to rest").of(Shared).only("a guest is handed over to another host"),
    row(libc::SYS_pwrite64, Any, &[Scribe], "a guest goes to the file that its operator opened").only(SAVED),
    row(libc::SYS_fsync, Any, &[Scribe], "that file is on the disk before anybody is told").only(SAVED),
    row(libc::SYS_pread64, Any, &[Reader], "what its memory was saved as").only(RESTORED),
    row(libc::SYS_io_uring_enter, Any, &[Disk], "the guest reads, writes, discards, zeroes: the disk's ring takes nothing else"),
    row(libc::SYS_io_uring_register, Is(1, LET_GO), &[Disk], "the ring lets go of the disk at the end"),
    row(libc::SYS_fdatasync, Any, &[Disk], "what the guest wrote is made stable at the end"),
    row(libc::SYS_pread64, Any, &[Disk], "which contents the disk has when its guest is saved").only(SAVED),
    row(libc::SYS_lseek, Any, &[Disk], "how long its file is").only(SAVED),
    row(libc::SYS_preadv, Any, &[Disk], "the guest reads its disk").only(NO_RING),
    row(libc::SYS_pwritev, Any, &[Disk], "the guest writes its disk").only(NO_RING),
    row(libc::SYS_fallocate, Is(1, HOLE), &[Disk], "the guest discards a part of its disk").only(NO_RING),
    row(libc::SYS_fallocate, Is(1, ZERO), &[Disk], "the guest zeroes a part of its disk").only(NO_RING),
    row(libc::SYS_pwrite64, Any, &[Disk], "the same by hand").only(NO_RING),
    row(libc::SYS_readv, Any, &[Card], "a frame comes from the tap"),
    row(libc::SYS_writev, Any, &[Card], "a frame goes to the tap"),
    row(libc::SYS_ioctl, Is(1, TUNSETOFFLOAD), &[Card], "what of a frame may be left undone, as the driver accepts it"),
    row(libc::SYS_accept4, Any, &[Control], "somebody asks for the guest's counters, or for a pause"),
    row(libc::SYS_accept4, Any, &[Carrier], "somebody reads the guest's console").only(READER),
    row(libc::SYS_getsockopt, Is(2, PEER), &[Control], "which user that is"),
    row(libc::SYS_getsockopt, Is(2, PEER), &[Carrier], "which user that is").only(READER),
    row(libc::SYS_ioctl, Is(1, libc::FIONBIO as u32), &[Control], "who is slow is not waited for"),
    row(libc::SYS_ioctl, Is(1, libc::FIONBIO as u32), &[Carrier], "who is slow is not waited for").only(READER),
    row(libc::SYS_recvmsg, Any, &[Control], "what is asked, and the file that a guest is to be saved to"),
    row(libc::SYS_recvfrom, Any, &[Console], "what is said to the guest").only(READER),
    row(libc::SYS_recvfrom, Any, &[Vsock, Broker], "what a program of the host says, and what the broker is asked for").only(SOCKETS),
    row(libc::SYS_sendto, Any, &[Broker], "that there is no such socket").only(SOCKETS),
    row(libc::SYS_recvmsg, Any, &[Vsock], "the broker's answer, with a socket").only(SOCKETS),
    row(libc::SYS_shutdown, Any, &[Vsock], "the guest says no more").only(SOCKETS),
    row(libc::SYS_epoll_ctl, Any, &[Vsock], "a new socket is listened to").only(SOCKETS),
    row(libc::SYS_socket, Is(0, libc::AF_UNIX as u32), &[Broker], "a socket, to be connected").only(SOCKETS),
    row(libc::SYS_connect, Any, &[Broker], "to a port that the lock declares").only(SOCKETS),
    row(libc::SYS_sendmsg, Any, &[Broker], "the socket goes to the thread that asked for it").only(SOCKETS),
    row(libc::SYS_epoll_pwait, Any, DEVICES, "waits for the guest, and for the host's side"),
    row(libc::SYS_read, Any, &[Vcpu, Signals, Console, Carrier, Watch, Disk, Card, Terminal, Entropy, Vsock], "keys, random numbers for the guest, a signal that came, a file of sysfs, who woke a device"),
    row(libc::SYS_write, Any, EACH, "the guest's console, words, answers, whoever is woken"),
    row(libc::SYS_futex, Any, EACH, "locks, and whoever waits for somebody"),
    row(libc::SYS_sched_yield, Any, EACH, "whoever waits for somebody, for a moment").only("two threads are at a channel at once"),
    row(libc::SYS_clock_nanosleep, Any, &[Vcpu, Undertaker], "its turn to be lent, and the next look"),
    row(libc::SYS_clock_nanosleep, Any, DEVICES, "the next try").only("the host has no random numbers, or no memory, or waiting fails"),
    row(libc::SYS_clock_nanosleep, Any, &[Carrier, Control], "the next try").only("a disk is full, or there are no descriptors"),
    row(libc::SYS_sched_getaffinity, Any, &[Watch, Entering, Signals, Console], "where the vCPUs' threads may run; a thread begins"),
    row(libc::SYS_sched_setaffinity, Any, &[Watch], "a vCPU's thread that Linux let go is taken back").only("a CPU goes offline, or a cpuset is changed"),
    row(libc::SYS_openat, Is(2, TO_READ), &[Watch], "what a CPU is that came later, and Landlock lets it see no other file").only("a CPU comes online, and a vCPU's thread goes there"),
    row(libc::SYS_openat, Is(2, TO_LOOK), &[Watch], "the folder where that is").only("a CPU comes online, and a vCPU's thread goes there"),
    row(libc::SYS_tgkill, Ours(0), &[Main, Vcpu, Watch, Control], "a vCPU is kicked out of KVM_RUN"),
    row(libc::SYS_tgkill, Ours(0), &[Entering, Signals, Console, Carrier, Scribe, Reader, Speaker, Disk, Card, Terminal, Entropy, Vsock], "this program ends itself").only(ABORTS),
    row(libc::SYS_getpid, Any, &[Main, Vcpu, Watch, Control, Vsock], "whose threads are kicked, whose parent the undertaker is, which process a status is of or asks the broker"),
    row(libc::SYS_getpid, Any, &[Entering, Signals, Console, Carrier, Scribe, Reader, Speaker, Disk, Card, Terminal, Entropy], "which program that is").only(ABORTS),
    row(libc::SYS_rt_sigaction, Is(0, libc::SIGBUS as u32), EACH, "Rust's library lets the signal end the process").only(FAULTS),
    row(libc::SYS_rt_sigaction, Is(0, libc::SIGSEGV as u32), EACH, "Rust's library lets the signal end the process").only(FAULTS),
    row(libc::SYS_gettid, Any, EACH, "which thread is kicked; a thread begins"),
    row(libc::SYS_rt_sigreturn, Any, ENDING, "a kick or a signal has come"),
    row(libc::SYS_rt_sigprocmask, Any, EACH, "glibc keeps signals out while a thread begins, ends or is kicked"),
    row(libc::SYS_restart_syscall, Any, EACH, "a wait goes on").only("this program is stopped while it waits, and continued"),
    row(libc::SYS_clock_gettime, Any, EACH, "the time").only("the host's clock is none that its vDSO reads"),
    row(libc::SYS_brk, Any, &[Broker], "memory for a message").only("there is none left"),
    row(libc::SYS_mmap, Lacks(2, EXECUTABLE), &[Broker], "memory for a message").only("there is none left"),
    row(libc::SYS_brk, Any, EACH, "memory").only("there is more to remember than before the guest began"),
    row(libc::SYS_mmap, Lacks(2, EXECUTABLE), EACH, "memory, a new thread's stack"),
    row(libc::SYS_mprotect, Lacks(2, EXECUTABLE), EACH, "memory, the end of a new thread's stack"),
    row(libc::SYS_munmap, Any, EACH, "memory is given back"),
    row(libc::SYS_mremap, Any, EACH, "memory grows").only("there are more than 128 KiB of words at a time"),
    row(libc::SYS_madvise, Is(2, libc::MADV_DONTNEED as u32), EACH, "the stack of a thread that ends, memory that is given back"),
    row(libc::SYS_madvise, Is(2, libc::MADV_HUGEPAGE as u32), EACH, "memory grows by much").only(NEWER),
    row(libc::SYS_madvise, Is(2, MADV_GUARD_INSTALL), EACH, "the end of a new thread's stack").only(NEWER),
    row(libc::SYS_madvise, Is(2, MADV_GUARD_REMOVE), EACH, "the end of a stack that is used again").only(NEWER),
    row(libc::SYS_clone, Is(0, NEW_THREAD), &[Main, Signals], "devices' threads begin under what is allowed here; last words have their own"),
    row(libc::SYS_set_robust_list, Any, BEGINNING, "a thread begins, or the undertaker"),
    row(libc::SYS_rseq, Any, LATE, "a thread begins"),
    row(libc::SYS_sigaltstack, Any, EACH, "a thread begins, or ends"),
    row(libc::SYS_prctl, Is(0, libc::PR_SET_NAME as u32), LATE, "a thread begins"),
    row(libc::SYS_prctl, Is(0, libc::PR_GET_NAME as u32), EACH, "which thread called what is not allowed").only(ENDS),
    row(libc::SYS_seccomp, Is(0, libc::SECCOMP_SET_MODE_FILTER), &[Entering], "a vCPU's thread, or a device's, gives up what the others need"),
    #[cfg(debug_assertions)]
    row(libc::SYS_fcntl, Is(1, libc::F_GETFD as u32), ENDING, "Rust's library looks whether what is closed is open").only("this program was built with its assertions"),
    row(libc::SYS_close, Any, ENDING, "what is not needed any more"),
    row(libc::SYS_ppoll, Any, EACH, "words that nobody reads are not waited for; the next look, or an alarm"),
    row(libc::SYS_ioctl, Is(1, libc::TCSETS as u32), EACH, "the terminal is put back as it was").only("stdin is a terminal"),
    row(libc::SYS_ioctl, Is(1, libc::TCGETS as u32), EACH, "whether it is, for the C library").only("stdin is a terminal"),
    row(libc::SYS_ioctl, Is(1, TCSETS2), EACH, "the terminal is put back as it was").only(NEWER),
    row(libc::SYS_exit, Any, EACH, "a thread ends"),
    row(libc::SYS_exit_group, Any, ENDING, "the process ends, or one beside it"),
    row(libc::SYS_pipe2, Any, &[Main], "by its end the undertaker says that it has closed what is not for it"),
    row(libc::SYS_clone, Is(0, FORK), &[Main], "the undertaker begins"),
    row(libc::SYS_close_range, Any, &[Undertaker], "it has the VM and nothing else"),
    row(libc::SYS_getppid, Any, &[Undertaker], "whether this process has gone"),
];
