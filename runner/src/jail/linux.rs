//! What the jail asks of Linux, as functions: nothing is decided here.

use super::filter::{Instruction, MARK};
use nix::fcntl::OFlag;
use nix::sys::stat::Mode;
use std::io;
use std::os::fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd};
use std::sync::OnceLock;
use vmm_sys_util::signal::register_signal_handler;

/// `SYS_SECCOMP` of `siginfo_t.si_code` (include/uapi/asm-generic/siginfo.h).
const SECCOMP: i32 = 1;

/// `landlock_ruleset_attr` (include/uapi/linux/landlock.h); older kernels know its beginning alone.
#[repr(C)]
pub struct Handled {
    /// `LANDLOCK_ACCESS_FS_*`, from version 1 on.
    pub files: u64,
    /// `LANDLOCK_ACCESS_NET_*`, from version 4 on.
    pub net: u64,
    /// `LANDLOCK_SCOPE_*`, from version 6 on.
    pub scoped: u64,
}

/// `landlock_path_beneath_attr`.
#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

const VERSION: u32 = 1;
const PATH_BENEATH: u32 = 1;

fn checked(result: libc::c_long) -> io::Result<libc::c_long> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

/// The newest version of Landlock that Linux has.
///
/// # Errors
/// ENOSYS, EOPNOTSUPP: it has none.
pub fn landlock_version() -> io::Result<u32> {
    // SAFETY: with this flag, the call takes no structure.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::null::<Handled>(),
            0usize,
            VERSION,
        )
    };
    Ok(checked(version)? as u32)
}

/// A set of rules under which nothing of what is handled is allowed; the first `size` bytes of it are told.
///
/// # Errors
/// Linux does not know some of it.
pub fn landlock_ruleset(handled: &Handled, size: usize) -> io::Result<OwnedFd> {
    let size = size.min(size_of::<Handled>());
    // SAFETY: the kernel reads at most the structure, which outlives the call.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            std::ptr::from_ref(handled),
            size,
            0u32,
        )
    };
    let fd = checked(fd)? as i32;
    // SAFETY: the call has made it, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Allows something in a folder.
///
/// # Errors
/// Linux's.
pub fn landlock_allow(ruleset: &OwnedFd, folder: BorrowedFd<'_>, allowed: u64) -> io::Result<()> {
    let beneath = Beneath {
        allowed,
        parent: folder.as_raw_fd(),
    };
    // SAFETY: the kernel reads the structure, which outlives the call.
    let result = unsafe {
        libc::syscall(
            libc::SYS_landlock_add_rule,
            ruleset.as_raw_fd(),
            PATH_BENEATH,
            &raw const beneath,
            0u32,
        )
    };
    checked(result).map(|_| ())
}

/// Puts this thread, and those that it starts, under the rules.
///
/// # Errors
/// Linux's.
pub fn landlock_restrict(ruleset: &OwnedFd) -> io::Result<()> {
    // SAFETY: plain numbers.
    let result =
        unsafe { libc::syscall(libc::SYS_landlock_restrict_self, ruleset.as_raw_fd(), 0u32) };
    checked(result).map(|_| ())
}

/// `M_TRIM_THRESHOLD` above all that a thread ever has.
const NEVER: libc::c_int = 1 << 30;

/// Has glibc keep the memory that a thread has given back. It would look into a file when it first makes a heap smaller
/// (malloc/arena.c `heap_trim`, `check_may_shrink_heap`), on whichever thread that is.
///
/// # Errors
/// glibc takes no such number.
pub fn keep_heaps() -> io::Result<()> {
    // SAFETY: plain numbers.
    match unsafe { libc::mallopt(libc::M_TRIM_THRESHOLD, NEVER) } {
        0 => Err(io::Error::other("the C library does not keep its memory")),
        _ => Ok(()),
    }
}

/// `_LINUX_CAPABILITY_VERSION_3` (include/uapi/linux/capability.h): two words of each set.
const CAPABILITY_VERSION: u32 = 0x2008_0522;

/// `__user_cap_header_struct`.
#[repr(C)]
struct CapabilityHeader {
    version: u32,
    /// 0 is this thread.
    process: i32,
}

/// `__user_cap_data_struct`.
#[repr(C)]
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Capabilities {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

const OF_THIS_THREAD: CapabilityHeader = CapabilityHeader {
    version: CAPABILITY_VERSION,
    process: 0,
};

/// Takes all capabilities from this thread (capset(2)), and from those that it starts from now on.
///
/// # Errors
/// Linux's.
pub fn set_capabilities_to_none() -> io::Result<()> {
    let (mut header, none) = (OF_THIS_THREAD, [Capabilities::default(); 2]);
    // SAFETY: the kernel reads both structures, may write the version that it wants, and both outlive the call.
    let result = unsafe { libc::syscall(libc::SYS_capset, &raw mut header, none.as_ptr()) };
    checked(result).map(|_| ())
}

/// Whether this thread has any (capget(2)).
///
/// # Errors
/// Linux's.
pub fn has_capabilities() -> io::Result<bool> {
    let (mut header, mut sets) = (OF_THIS_THREAD, [Capabilities::default(); 2]);
    // SAFETY: the kernel writes two words of each set for this version, which are borrowed alone.
    let result = unsafe { libc::syscall(libc::SYS_capget, &raw mut header, sets.as_mut_ptr()) };
    checked(result)?;
    Ok(sets != [Capabilities::default(); 2])
}

/// Closes every descriptor but those, of which some may not be open. It needs no memory but its stack.
///
/// # Errors
/// Linux has not the call (5.9 and later have it).
pub fn close_all_but(kept: &[RawFd]) -> io::Result<()> {
    let kept = kept
        .iter()
        .filter_map(|&fd| libc::c_uint::try_from(fd).ok());
    let mut first = 0;
    while let Some(next) = kept.clone().filter(|fd| *fd >= first).min() {
        if next > first {
            close_range(first, next - 1)?;
        }
        first = next + 1;
    }
    close_range(first, libc::c_uint::MAX)
}

/// Closes these. Nobody may use them any more.
fn close_range(first: libc::c_uint, last: libc::c_uint) -> io::Result<()> {
    // SAFETY: plain numbers.
    let result = unsafe { libc::syscall(libc::SYS_close_range, first, last, 0u32) };
    checked(result).map(|_| ())
}

/// Opens `/` and closes it again, in the one way of opening that the table has.
///
/// # Errors
/// Linux's.
pub fn open_root() -> io::Result<()> {
    let open = nix::fcntl::open("/", OFlag::O_RDONLY | OFlag::O_CLOEXEC, Mode::empty());
    Ok(open.map(drop)?)
}

/// Puts this thread, or with `everywhere` all of this process, under a filter.
///
/// # Errors
/// Linux takes no filter; a thread that is under another one, as EBUSY.
pub fn install(filter: &[Instruction], everywhere: bool) -> io::Result<()> {
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).map_err(io::Error::other)?,
        filter: filter.as_ptr().cast_mut(),
    };
    // Before 5.16 a filter would slow its thread down by a mitigation (SSBD) that no other kernel turns on for it.
    let flags = libc::SECCOMP_FILTER_FLAG_SPEC_ALLOW
        | match everywhere {
            true => libc::SECCOMP_FILTER_FLAG_TSYNC,
            false => 0,
        };
    // SAFETY: the kernel copies the program, of which it is told the length; it outlives the call and is not written.
    let result = unsafe {
        libc::syscall(
            libc::SYS_seccomp,
            libc::SECCOMP_SET_MODE_FILTER,
            flags,
            &raw const program,
        )
    };
    match checked(result)? {
        0 => Ok(()),
        // The number of the thread that could not be.
        _ => Err(io::Error::from_raw_os_error(libc::EBUSY)),
    }
}

/// What [`MARK`] is answered: it tells which filter this thread is under.
pub fn mark() -> i32 {
    // SAFETY: Linux has no such call, and a filter answers it itself.
    let result = unsafe { libc::syscall(MARK) };
    checked(result).map_or_else(|e| e.raw_os_error().unwrap_or(0), |_| 0)
}

static THEN: OnceLock<fn(Option<i64>) -> !> = OnceLock::new();

/// From now on, SIGSYS is answered by this, on the thread that it came to: with the number of the call that a filter
/// did not allow, or `None` where the signal came for another reason. It may do what a signal handler may.
///
/// # Errors
/// Linux takes no handler.
pub fn when_refused(then: fn(Option<i64>) -> !) -> io::Result<()> {
    THEN.get_or_init(|| then);
    register_signal_handler(libc::SIGSYS, on_refusal)
        .map_err(|e| io::Error::from_raw_os_error(e.errno()))
}

extern "C" fn on_refusal(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
    // SAFETY: the kernel gives a whole siginfo_t to a handler that asks for it, as `register_signal_handler` does.
    let code = unsafe { (*info).si_code };
    // `_sigsys` (include/uapi/asm-generic/siginfo.h): an address and the number, after three words and a gap.
    // SAFETY: within the 128 bytes of a siginfo_t; with this code, the kernel has filled them in.
    let call = (code == SECCOMP).then(|| unsafe { info.cast::<i32>().add(6).read() }.into());
    if let Some(then) = THEN.get() {
        then(call);
    }
}

/// Says it on stderr, if somebody reads there within so many milliseconds. Safe in a signal handler.
pub fn say(words: &[u8], patience: i32) {
    let mut stderr = libc::pollfd {
        fd: libc::STDERR_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one structure, which outlives the call.
    if unsafe { libc::poll(&raw mut stderr, 1, patience) } == 1 {
        // SAFETY: exactly these bytes are read.
        let _ = unsafe { libc::write(libc::STDERR_FILENO, words.as_ptr().cast(), words.len()) };
    }
}

/// What Linux calls this thread. Safe in a signal handler.
pub fn thread_name() -> [u8; 16] {
    let mut name = [0u8; 16];
    // SAFETY: the call writes at most 16 bytes.
    unsafe { libc::prctl(libc::PR_GET_NAME, name.as_mut_ptr()) };
    name
}

/// Whether the first process of all takes a signal of this one's.
///
/// # Errors
/// Linux's.
#[cfg(feature = "torture")]
pub fn ask_init() -> io::Result<()> {
    // SAFETY: it takes no pointer, and the signal 0 does nothing.
    let result = unsafe { libc::kill(1, 0) };
    checked(result.into()).map(|_| ())
}

/// Ends the process. Safe in a signal handler.
pub fn end(code: u8) -> ! {
    // SAFETY: it runs nothing of this process, and does not return.
    unsafe { libc::_exit(code.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::jail::confine_this_thread;
    use crate::jail::table::Thread;
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::unistd::geteuid;
    use std::env;
    use std::fs::File;
    use std::process::{self, Command, Output};
    use std::thread;

    const MARK: &str = "VMLOCK_TEST_CLOSE";

    #[test]
    fn a_thread_gives_up_what_makes_root_more_than_a_user() {
        let given_up = thread::spawn(|| {
            set_capabilities_to_none()?;
            has_capabilities()
        });
        let has = given_up.join().expect("it ends");
        assert!(!has.expect("every Linux has it"));
        assert_eq!(
            has_capabilities().expect("every Linux has it"),
            geteuid().is_root()
        );
    }

    /// Run by itself, since it closes what is not its own.
    #[test]
    fn closes_all_but_a_few() {
        if env::var_os(MARK).is_none() {
            return;
        }
        let null = File::open("/dev/null").expect("every system has it");
        for fd in 40..60 {
            let copy = fcntl(&null, FcntlArg::F_DUPFD(fd)).expect("a descriptor");
            assert_eq!(copy, fd);
        }
        // In any order, twice, and one that is not open.
        close_all_but(&[59, 2, 0, 1, 41, 40, 41, 50, 2000, -1]).expect("Linux has it");
        // SAFETY: looked at alone, by a call that fails where there is none.
        let open = |fd: &RawFd| fcntl(unsafe { BorrowedFd::borrow_raw(*fd) }, FcntlArg::F_GETFD);
        let left: Vec<RawFd> = (0..3000).filter(|fd| open(fd).is_ok()).collect();
        let right = left == [0, 1, 2, 40, 41, 50, 59];
        process::exit(if right { 77 } else { 78 });
    }

    /// What came of a test in a process of its own.
    fn ended(test: &str) -> Output {
        let itself = env::current_exe().expect("the tests' program");
        Command::new(itself)
            .args(["--exact", &format!("jail::linux::tests::{test}")])
            .env(MARK, "1")
            .output()
            .expect("it runs")
    }

    #[test]
    fn what_was_passed_in_stays_and_the_rest_is_closed() {
        let ended = ended("closes_all_but_a_few");
        assert_eq!(ended.status.code(), Some(77), "{ended:?}");
    }

    /// Run by itself, since it ends where a file is opened.
    #[test]
    fn gives_back_much_memory() {
        if env::var_os(MARK).is_none() {
            return;
        }
        keep_heaps().expect("glibc does");
        let thread = thread::spawn(|| {
            confine_this_thread(Thread::Vsock);
            let pieces: Vec<Vec<u8>> = (0..40).map(|_| vec![1; 100 << 10]).collect();
            pieces
                .iter()
                .flatten()
                .map(|&byte| u64::from(byte))
                .sum::<u64>()
        });
        let sum = thread.join().expect("it ends");
        process::exit(if sum == 40 * (100 << 10) { 77 } else { 78 });
    }

    #[test]
    fn no_thread_opens_a_file_for_memory_that_it_gives_back() {
        let ended = ended("gives_back_much_memory");
        assert_eq!(ended.status.code(), Some(77), "{ended:?}");
    }
}
