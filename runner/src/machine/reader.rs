//! Whether anybody can still read what the guest says on stdout.

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, Stdout};
use std::os::fd::AsFd;
use std::time::Duration;

/// Stdout, of which it is known whether anybody reads it.
pub struct Reader {
    stdout: Stdout,
}

impl Reader {
    /// Looks at stdout; `None` where there is none.
    pub fn new() -> Option<Self> {
        let stdout = io::stdout();
        // POLLERR, POLLHUP and POLLNVAL need not be asked for (poll(2)).
        let mut fds = [PollFd::new(stdout.as_fd(), PollFlags::empty())];
        poll(&mut fds, PollTimeout::ZERO).ok()?;
        let is_open = !come(&fds[0], PollFlags::POLLNVAL);
        is_open.then_some(Self { stdout })
    }

    /// Waits until nobody reads it any more (a pipe whose reader has gone, a socket that was closed, a terminal that was
    /// hung up; a regular file always has a reader), but no longer than so long and not once there is something to read
    /// from `wake`: whether that has come. It may return early.
    pub fn goes_within(&self, limit: Duration, wake: impl AsFd) -> bool {
        let stdout = PollFd::new(self.stdout.as_fd(), PollFlags::empty());
        let mut fds = [stdout, PollFd::new(wake.as_fd(), PollFlags::POLLIN)];
        poll(&mut fds, timeout(limit)).is_ok()
            && come(&fds[0], PollFlags::POLLERR | PollFlags::POLLHUP)
    }
}

/// Waits until there is something to read from `wake`, but no longer than so long. It may return early.
pub fn wait(limit: Duration, wake: impl AsFd) {
    // Who is interrupted returns early.
    let _ = poll(
        &mut [PollFd::new(wake.as_fd(), PollFlags::POLLIN)],
        timeout(limit),
    );
}

fn come(fd: &PollFd, flags: PollFlags) -> bool {
    fd.revents().is_some_and(|come| come.intersects(flags))
}

/// Whole milliseconds, and never fewer than asked for: else the last of them would be waited for in vain, again and again.
fn timeout(limit: Duration) -> PollTimeout {
    let milliseconds = limit.as_nanos().div_ceil(1_000_000);
    PollTimeout::try_from(milliseconds).unwrap_or(PollTimeout::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::eventfd::EventFd;
    use std::fs::File;
    use std::process::{Child, Command, Stdio};
    use std::time::Instant;

    const MARK: &str = "VMLOCK_TEST_READER";
    const GONE: i32 = 40;
    const STAYS: i32 = 41;

    /// Run by itself: waits and tells how that ended by its exit code.
    #[test]
    fn waits_for_its_reader_to_go() {
        if let Some(limit) = std::env::var_os(MARK) {
            let limit = limit.to_str().and_then(|n| n.parse().ok());
            let end = Instant::now() + Duration::from_millis(limit.expect("a number"));
            let (reader, wake) = (Reader::new(), EventFd::new());
            let (reader, wake) = (reader.expect("it is open"), wake.expect("an eventfd"));
            loop {
                if reader.goes_within(Duration::from_millis(50), &wake) {
                    std::process::exit(GONE);
                }
                if Instant::now() >= end {
                    std::process::exit(STAYS);
                }
            }
        }
    }

    fn waiting(stdout: Stdio, milliseconds: u32) -> Child {
        Command::new(std::env::current_exe().expect("the tests' program"))
            .args([
                "--exact",
                "machine::reader::tests::waits_for_its_reader_to_go",
            ])
            .arg("--nocapture")
            .env(MARK, milliseconds.to_string())
            .stdout(stdout)
            .spawn()
            .expect("it runs")
    }

    #[test]
    fn it_is_known_when_the_last_reader_has_gone() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut child = waiting(writer.into(), 30_000);
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(child.try_wait().expect("its state"), None);
        drop(reader);
        let gone = Instant::now();
        assert_eq!(child.wait().expect("it ends").code(), Some(GONE));
        assert!(gone.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_file_always_has_a_reader() {
        let null = File::options().write(true).open("/dev/null");
        let mut child = waiting(null.expect("Linux has it").into(), 200);
        assert_eq!(child.wait().expect("it ends").code(), Some(STAYS));
    }

    #[test]
    fn a_wait_ends_by_itself_and_by_what_it_is_woken_with() {
        let wake = EventFd::new().expect("an eventfd");
        let begun = Instant::now();
        wait(Duration::from_micros(1500), &wake);
        assert!(begun.elapsed() >= Duration::from_millis(2));
        wake.write(1).expect("it takes it");
        wait(Duration::from_secs(1000), &wake);
        assert!(begun.elapsed() < Duration::from_secs(30));
    }
}
