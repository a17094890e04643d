//! Signals that ask this process to end, and do so at any time: while a file loads, while the host is probed, while
//! the guest runs.
//!
//! A handler wakes a thread, and that thread ends the process, whatever the others wait for. The signals that this
//! program uses are let through first: a parent may have left any of them blocked, and a mask outlives exec.
//!
//! A file that may not become so large (`ulimit -f`) ends nothing: its writer is told (EFBIG), and the guest by it.

use crate::failure::Failure;
use crate::jail::elders::Elders;
use crate::jail::table::Thread;
use crate::kick::kick;
use crate::machine::terminal;
use crate::notify;
use crate::say;
use crate::threads::spawn;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, Signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use std::io;
use std::os::fd::AsFd as _;
use std::process;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;
use vmlock_spec::event::Event;
use vmm_sys_util::eventfd::EventFd;
use vmm_sys_util::signal::{SignalHandler, register_signal_handler, unblock_signal};

const ENDING: [libc::c_int; 4] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// How long the last words may wait for a reader that is slow, or stopped.
const WORDS: Duration = Duration::from_secs(2);

static CAME: AtomicI32 = AtomicI32::new(0);
static WAKE: OnceLock<EventFd> = OnceLock::new();

/// From now on, each of the signals ends the process with 128 plus its number. To be called once, before there are
/// other threads, which inherit what is let through, and when [`kick`] has its handler: one may be pending.
///
/// # Errors
/// The system gives no thread or no eventfd.
pub fn end_the_process(elders: &mut Elders) -> Result<(), Failure> {
    let trouble =
        |e: io::Error| Failure::environment(format!("signals cannot be received: {e}"), &[]);
    let woken = EventFd::new(libc::EFD_CLOEXEC).map_err(trouble)?;
    let wake = woken.try_clone().map_err(trouble)?;
    WAKE.get_or_init(|| wake);
    let handlers = ENDING.map(|signal| (signal, on_signal as SignalHandler));
    for (signal, handler) in handlers.into_iter().chain([(libc::SIGXFSZ, nothing as _)]) {
        register_signal_handler(signal, handler)
            .map_err(|e| trouble(io::Error::from_raw_os_error(e.errno())))?;
    }
    for signal in ENDING
        .into_iter()
        .chain([kick(), libc::SIGCHLD, libc::SIGSYS])
    {
        unblock_signal(signal).map_err(|e| trouble(io::Error::other(e.to_string())))?;
    }
    elders.spawn(Thread::Signals, move || {
        if woken.read().is_ok() {
            end(CAME.load(Ordering::Acquire));
        }
    })
}

/// Waits for the end where a signal has come: that is why it ends, whatever else the signal interrupted.
pub fn give_way() {
    while CAME.load(Ordering::Acquire) != 0 {
        thread::park();
    }
}

/// The same signals, and that of a child's end, for a process that waits for nothing else. A child that is forked off
/// has them blocked until it calls [`end_the_process`].
pub struct Held(SignalFd);

/// What came.
pub enum Came {
    /// What asks the process to end.
    Ending(Signal),
    /// A child may have ended.
    Child,
    /// Nothing did in that time.
    Nothing,
}

impl Held {
    /// From now on they end nothing, and wait to be asked for.
    ///
    /// # Errors
    /// The system gives no descriptor.
    pub fn new() -> nix::Result<Self> {
        // Where a parent had it ignored, no child would wait to be asked for its exit code.
        // And a word too many for a limit of files ends no keeper.
        for signal in [libc::SIGCHLD, libc::SIGXFSZ] {
            register_signal_handler(signal, nothing).map_err(|e| Errno::from_raw(e.errno()))?;
        }
        let mut held = SigSet::empty();
        for signal in ENDING.into_iter().chain([libc::SIGCHLD]) {
            held.add(Signal::try_from(signal)?);
        }
        held.thread_block()?;
        let flags = SfdFlags::SFD_CLOEXEC | SfdFlags::SFD_NONBLOCK;
        Ok(Self(SignalFd::with_flags(&held, flags)?))
    }

    /// What came, or comes within that time, or ever.
    ///
    /// # Errors
    /// The kernel's.
    pub fn next(&self, limit: Option<Duration>) -> nix::Result<Came> {
        let timeout = limit.map_or(PollTimeout::NONE, |limit| {
            PollTimeout::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(PollTimeout::MAX)
        });
        let mut fds = [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)];
        match poll(&mut fds, timeout) {
            // A signal that is none of these: as if a child had ended, whoever asks looks again.
            Err(Errno::EINTR) => return Ok(Came::Child),
            other => other?,
        };
        let came = self.0.read_signal()?.map(|came| came.ssi_signo as i32);
        Ok(match came {
            None => Came::Nothing,
            Some(libc::SIGCHLD) => Came::Child,
            Some(signal) => Came::Ending(Signal::try_from(signal)?),
        })
    }
}

/// An atomic store and one write(2): safe in a signal handler.
extern "C" fn on_signal(signal: i32, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {
    CAME.store(signal, Ordering::Release);
    if let Some(wake) = WAKE.get() {
        // The counter cannot overflow, and there is nobody to tell.
        let _ = wake.write(1);
    }
}

/// Whoever asked for it has an error to deal with.
extern "C" fn nothing(_: i32, _info: *mut libc::siginfo_t, _context: *mut libc::c_void) {}

/// Ends the process as that signal does, with words that nobody can hold up, and the terminal as it was.
pub fn end(signal: i32) -> ! {
    // On a thread of its own: another may hold stderr and wait for its reader.
    let (said, heard) = channel();
    let words = spawn("words", move || {
        say::event(
            Event::Signal { number: signal },
            format_args!("ended by signal {signal}"),
        );
        // The receiver may have given up.
        let _ = said.send(());
    });
    if words.is_ok() {
        // Said or not, the process ends.
        let _ = heard.recv_timeout(WORDS);
    }
    notify::stopping();
    terminal::restore();
    process::exit(say::signalled(signal).into());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _, pipe};
    use std::process::{Command, Stdio};
    use std::time::Instant;
    use vmm_sys_util::signal::{block_signal, get_blocked_signals};

    const MARK: &str = "VMLOCK_TEST_SIGNALS";

    /// Run by itself: a process that waits for what never comes, with its signals blocked by its parent.
    #[test]
    fn waits_for_ever() {
        if std::env::var_os(MARK).is_none_or(|how| how == "limited") {
            return;
        }
        for signal in ENDING.into_iter().chain([kick()]) {
            block_signal(signal).expect("a valid signal");
        }
        end_the_process(&mut Elders::to_be_jailed().expect("this Linux"))
            .expect("threads and eventfds");
        let waits = thread::spawn(|| {
            let blocked = get_blocked_signals().expect("the thread's mask");
            assert!(ENDING.iter().chain([&kick()]).all(|s| !blocked.contains(s)));
            if std::env::var_os(MARK).is_some_and(|how| how == "held") {
                let mut stderr = io::stderr().lock();
                // Until its pipe is full, and then for ever.
                while stderr.write_all(&[b'x'; 4096]).is_ok() {}
            }
            thread::sleep(Duration::from_secs(1000));
        });
        thread::sleep(Duration::from_millis(300));
        let _ = io::stdout().write_all(b"waiting\n");
        let _ = waits.join();
    }

    /// Run by itself, with a limit of 1024 bytes, or of 512 where a shell counts so.
    #[test]
    fn writes_too_much() {
        if std::env::var_os(MARK).is_none_or(|how| how != "limited") {
            return;
        }
        end_the_process(&mut Elders::to_be_jailed().expect("this Linux"))
            .expect("threads and eventfds");
        let file = vmm_sys_util::tempfile::TempFile::new().expect("a file");
        let written = file.as_file().write_all(&[0; 4096]);
        let code = written.err().and_then(|e| e.raw_os_error());
        process::exit(if code == Some(libc::EFBIG) { 77 } else { 78 });
    }

    #[test]
    fn a_limit_of_files_is_an_error_and_no_end() {
        let program = std::env::current_exe().expect("the tests' program");
        let ended = Command::new("sh")
            .args([
                "-c",
                "ulimit -f 1 && exec \"$0\" --exact signals::tests::writes_too_much",
            ])
            .arg(program)
            .env(MARK, "limited")
            .stdout(Stdio::null())
            .status();
        assert_eq!(ended.expect("a system has it").code(), Some(77));
    }

    /// Exit code and words of that process when it gets a signal.
    fn ended(how: &str, signal: &str) -> (Option<i32>, String) {
        let (mut words, stderr) = pipe().expect("a pipe");
        let mut child = Command::new(std::env::current_exe().expect("the tests' program"))
            .args(["--exact", "signals::tests::waits_for_ever", "--nocapture"])
            .env(MARK, how)
            .stdout(Stdio::piped())
            .stderr(stderr)
            .spawn()
            .expect("it runs");
        let mut stdout = child.stdout.take().expect("a pipe");
        let mut said = Vec::new();
        while !said.ends_with(b"waiting\n") {
            let mut byte = [0];
            stdout.read_exact(&mut byte).expect("it says so");
            said.push(byte[0]);
        }
        let kill = Command::new("sh")
            .args(["-c", &format!("kill -{signal} {}", child.id())])
            .status();
        assert!(kill.expect("a system has it").success());
        let sent = Instant::now();
        let code = child.wait().expect("it ends").code();
        assert!(sent.elapsed() < Duration::from_secs(30), "{how}");
        let mut text = String::new();
        words.read_to_string(&mut text).expect("what it said");
        (code, text)
    }

    #[test]
    fn a_signal_ends_it_even_when_a_parent_blocked_it() {
        for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 129), ("QUIT", 131)] {
            let (ended, words) = ended("free", signal);
            assert_eq!(ended, Some(code), "{words}");
            assert!(words.contains(&format!("ended by signal {}", code - 128)));
        }
    }

    #[test]
    fn a_signal_ends_it_while_nobody_reads_what_it_says() {
        assert_eq!(ended("held", "TERM").0, Some(143));
    }
}
