//! Descriptors that whoever starts this program passes in, named `fd:N` on its command line: a tap, `/dev/kvm`, a socket
//! that listens.
//!
//! `unsafe` is here because such a descriptor is a number until it is taken.

use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use std::io;
use std::os::fd::{BorrowedFd, FromRawFd as _, OwnedFd, RawFd};

/// The number in `fd:N`.
pub fn number(named: &str) -> Option<RawFd> {
    let number = named.strip_prefix("fd:")?;
    let digits = number.bytes().all(|b| b.is_ascii_digit());
    number.parse().ok().filter(|_| digits)
}

/// The descriptor of that number. That succeeds once.
///
/// # Errors
/// It was not passed in, in words.
pub fn take(number: RawFd) -> Result<OwnedFd, String> {
    if number <= libc::STDERR_FILENO {
        return Err("it is a standard stream".to_owned());
    }
    // SAFETY: it is looked at, by calls that fail where there is no such descriptor.
    let looked_at = unsafe { BorrowedFd::borrow_raw(number) };
    let flags = fcntl(looked_at, FcntlArg::F_GETFD);
    let flags = flags.map_err(|_| "no such descriptor was passed in".to_owned())?;
    // What this program opened itself, or took before, has it; what came through execve(2) cannot.
    if FdFlag::from_bits_retain(flags).contains(FdFlag::FD_CLOEXEC) {
        return Err("it was not passed in, or was taken before".to_owned());
    }
    fcntl(looked_at, FcntlArg::F_SETFD(FdFlag::FD_CLOEXEC))
        .map_err(|errno| format!("it cannot be taken: {}", io::Error::from(errno)))?;
    // SAFETY: it was passed to this program, nobody in here has it, and nobody takes it again.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::os::fd::AsRawFd as _;

    #[test]
    fn a_descriptor_is_a_number_and_nothing_else() {
        assert_eq!(number("fd:3"), Some(3));
        for other in [
            "fd:",
            "fd:-1",
            "fd:+1",
            "fd:3x",
            "fd:99999999999",
            "tap0",
            "FD:3",
        ] {
            assert_eq!(number(other), None, "{other}");
        }
    }

    #[test]
    fn what_was_passed_in_is_taken_once() {
        let null = File::open("/dev/null").expect("every system has it");
        // As a program is started with it.
        let passed = fcntl(&null, FcntlArg::F_DUPFD(300)).expect("a descriptor");
        let taken = take(passed).expect("it is there");
        assert_eq!(taken.as_raw_fd(), passed);
        let words = |number| take(number).expect_err("it cannot be had");
        assert_eq!(words(passed), "it was not passed in, or was taken before");
        assert_eq!(
            words(null.as_raw_fd()),
            "it was not passed in, or was taken before"
        );
        assert_eq!(words(2), "it is a standard stream");
        assert_eq!(words(1_000_000), "no such descriptor was passed in");
    }
}
