//! Wakes who waits for a machine: its operator sleeps among his clients until a vCPU is at rest or has said what it was
//! asked, or a saved guest is whole, and need not look again and again.
//!
//! A pair of sockets: in the jail, the thread that waits may take what comes by recvmsg(2) and reads no file.

use crate::unix::{receive_bytes, say};
use std::io;
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;

/// A bell that one thread hears. Whoever waits looks now and then all the same: this only makes it sooner.
#[derive(Default)]
pub struct Bell(Option<(UnixStream, UnixStream)>);

impl Bell {
    /// One that is heard. The default is one that nobody hears.
    ///
    /// # Errors
    /// There are no descriptors to be had.
    pub fn new() -> io::Result<Self> {
        let (rung, heard) = UnixStream::pair()?;
        // Whoever rings waits for nobody: one that is full has been rung.
        rung.set_nonblocking(true)?;
        Ok(Self(Some((rung, heard))))
    }

    /// Wakes who waits.
    pub fn ring(&self) {
        if let Some((rung, _)) = &self.0 {
            let _ = say(rung, &[1]);
        }
    }

    /// Can be read once it was rung.
    pub fn fd(&self) -> Option<BorrowedFd<'_>> {
        self.0.as_ref().map(|(_, heard)| heard.as_fd())
    }

    /// Has it be silent until it is rung again.
    pub fn heard(&self) {
        if let Some((_, heard)) = &self.0 {
            let mut piece = [0; 64];
            while matches!(receive_bytes(heard, &mut piece), Ok(1..)) {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

    fn rings(bell: &Bell) -> bool {
        let fd = bell.fd().expect("somebody hears it");
        let mut fds = [PollFd::new(fd, PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::ZERO).expect("it can be waited for") == 1
    }

    #[test]
    fn it_rings_until_it_was_heard_and_nobody_waits_to_ring_it() {
        let bell = Bell::new().expect("there are descriptors");
        assert!(!rings(&bell));
        // More than any socket keeps.
        (0..100_000).for_each(|_| bell.ring());
        assert!(rings(&bell));
        bell.heard();
        assert!(!rings(&bell));
        bell.ring();
        assert!(rings(&bell));
        let silent = Bell::default();
        silent.ring();
        silent.heard();
        assert!(silent.fd().is_none());
    }
}
