//! Whether anybody can still read what the guest says on stdout.

use std::io;
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};

/// Waits until nobody can: a pipe whose reader has gone, a socket that was closed, a terminal that was hung up.
/// Costs nothing while it waits.
///
/// # Errors
/// Of this stdout it cannot be known (a regular file always has a reader), or the system gives no epoll.
pub fn wait_until_gone() -> io::Result<()> {
    let epoll = Epoll::new()?;
    // EPOLLERR and EPOLLHUP need not be asked for (epoll_ctl(2)).
    let nothing = EpollEvent::new(EventSet::empty(), 0);
    epoll.ctl(ControlOperation::Add, libc::STDOUT_FILENO, nothing)?;
    let mut events = [EpollEvent::default()];
    loop {
        match epoll.wait(-1, &mut events) {
            Ok(0) => {}
            Ok(_) => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::process::{Child, Command, Stdio};
    use std::time::{Duration, Instant};

    const MARK: &str = "VMLOCK_TEST_READER";
    const GONE: i32 = 40;
    const UNKNOWN: i32 = 41;

    /// Run by itself: waits and tells how that ended by its exit code.
    #[test]
    fn waits_for_its_reader_to_go() {
        if std::env::var_os(MARK).is_some() {
            std::process::exit(if wait_until_gone().is_ok() {
                GONE
            } else {
                UNKNOWN
            });
        }
    }

    fn waiting(stdout: Stdio) -> Child {
        Command::new(std::env::current_exe().expect("the tests' program"))
            .args([
                "--exact",
                "machine::reader::tests::waits_for_its_reader_to_go",
            ])
            .arg("--nocapture")
            .env(MARK, "1")
            .stdout(stdout)
            .spawn()
            .expect("it runs")
    }

    #[test]
    fn it_is_known_when_the_last_reader_has_gone() {
        let (reader, writer) = io::pipe().expect("a pipe");
        let mut child = waiting(writer.into());
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(child.try_wait().expect("its state"), None);
        drop(reader);
        let gone = Instant::now();
        assert_eq!(child.wait().expect("it ends").code(), Some(GONE));
        assert!(gone.elapsed() < Duration::from_secs(30));
    }

    #[test]
    fn a_file_is_not_waited_for() {
        let null = File::options().write(true).open("/dev/null");
        let mut child = waiting(null.expect("Linux has it").into());
        assert_eq!(child.wait().expect("it ends").code(), Some(UNKNOWN));
    }
}
