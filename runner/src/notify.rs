//! Tells a service manager how far a guest is (sd_notify(3)), where the environment names one.
//!
//! It is told by whichever process runs the guest, so a unit that restarts its guest has `NotifyAccess=all`. Nothing is
//! executed by this program that could inherit `NOTIFY_SOCKET`. Only what must not be lost waits, and not for long.

use crate::say;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::write;
use std::ffi::OsStr;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd as _;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a manager is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

static MANAGER: OnceLock<UnixDatagram> = OnceLock::new();

/// Reaches the service manager, if there is one; says where it is not to be reached, which then hears nothing.
pub fn begin() {
    let Some(address) = std::env::var_os("NOTIFY_SOCKET") else {
        return;
    };
    match reach(&address) {
        Ok(manager) => {
            MANAGER.get_or_init(|| manager);
        }
        Err(error) => say::note(format_args!(
            "the service manager is told nothing: NOTIFY_SOCKET `{}`: {error}",
            address.display()
        )),
    }
}

/// Connects to a socket in the file system, or, with an `@` before it, to an abstract one.
fn reach(address: &OsStr) -> io::Result<UnixDatagram> {
    let address = match address.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        [b'/', ..] => SocketAddr::from_pathname(address)?,
        _ => return Err(ErrorKind::Unsupported.into()),
    };
    let manager = UnixDatagram::unbound()?;
    manager.connect_addr(&address)?;
    manager.set_nonblocking(true)?;
    Ok(manager)
}

/// The machine is being made and proved.
pub fn starting() {
    // One that does not listen, or has too much to read, hears nothing.
    let _ = tell("STATUS=making the machine and proving it");
}

/// The guest's first instruction is about to run, after so many resets. A manager that has much to read is waited for: a
/// unit of which it never hears that is ended for being late.
pub fn ready(restarts: u64) {
    let words = match restarts {
        0 => "READY=1\nSTATUS=the guest runs".to_owned(),
        _ => format!("READY=1\nSTATUS=the guest runs, started anew {restarts} times"),
    };
    let until = Instant::now() + PATIENCE;
    while tell(&words) == Err(Errno::EAGAIN) {
        let left = until.saturating_duration_since(Instant::now());
        let (Some(manager), false) = (MANAGER.get(), left.is_zero()) else {
            return;
        };
        let mut fds = [PollFd::new(manager.as_fd(), PollFlags::POLLOUT)];
        // Whatever woke it, it tries.
        let _ = poll(
            &mut fds,
            PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX),
        );
    }
}

/// The guest has ended, and this program will.
pub fn stopping() {
    // As above.
    let _ = tell("STOPPING=1\nSTATUS=the guest has ended");
}

/// Written as words are, and waited for as they are: in its jail, no thread needs another call for it.
fn tell(state: &str) -> nix::Result<()> {
    MANAGER
        .get()
        .map_or(Ok(()), |manager| write(manager, state.as_bytes()).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::{env, fs, process};

    const MARK: &str = "VMLOCK_TEST_NOTIFY";

    /// Run by itself, with a service manager's socket in its environment.
    #[test]
    fn tells_all() {
        if env::var_os(MARK).is_some() {
            begin();
            starting();
            ready(0);
            ready(2);
            stopping();
        }
    }

    /// What that process said on stderr.
    fn told(address: &str) -> String {
        let ended = Command::new(env::current_exe().expect("the tests' program"))
            .args(["--exact", "notify::tests::tells_all", "--nocapture"])
            .env(MARK, "1")
            .env("NOTIFY_SOCKET", address)
            .output()
            .expect("it runs");
        assert!(ended.status.success());
        String::from_utf8_lossy(&ended.stderr).into_owned()
    }

    fn heard(manager: &UnixDatagram) -> Vec<String> {
        manager
            .set_read_timeout(Some(Duration::from_secs(10)))
            .expect("it can wait");
        let one = || {
            let mut bytes = [0; 256];
            let count = manager.recv(&mut bytes).expect("it is told");
            String::from_utf8_lossy(&bytes[..count]).into_owned()
        };
        (0..4).map(|_| one()).collect()
    }

    #[test]
    fn a_manager_hears_all_in_order_by_a_path_and_by_an_abstract_name() {
        let path = env::temp_dir().join(format!("vmlock-notify-{}", process::id()));
        let manager = UnixDatagram::bind(&path).expect("the temporary directory takes sockets");
        let words = told(&path.display().to_string());
        fs::remove_file(&path).expect("it is there");
        assert!(words.is_empty(), "{words}");
        let all = [
            "STATUS=making the machine and proving it",
            "READY=1\nSTATUS=the guest runs",
            "READY=1\nSTATUS=the guest runs, started anew 2 times",
            "STOPPING=1\nSTATUS=the guest has ended",
        ];
        assert_eq!(heard(&manager), all);
        let name = format!("vmlock-notify-{}", process::id());
        let address = SocketAddr::from_abstract_name(&name).expect("it is short");
        let manager = UnixDatagram::bind_addr(&address).expect("nobody has it");
        told(&format!("@{name}"));
        assert_eq!(heard(&manager), all);
    }

    #[test]
    fn a_manager_that_is_not_there_is_named_and_nothing_more() {
        for address in ["/no/such/socket", "vsock:2:1", "@nobody-listens-there", ""] {
            assert!(told(address).contains("is told nothing"), "{address}");
        }
    }
}
