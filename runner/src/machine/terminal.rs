//! The user's terminal as the guest's: raw while the guest runs, as it was on
//! every way out.

use nix::libc::dev_t;
use nix::sys::stat::{SFlag, fstat, makedev};
use std::io::{self, IsTerminal};
use std::mem::MaybeUninit;
use std::sync::Mutex;

/// The terminal's settings before it was made raw.
static BEFORE: Mutex<Option<libc::termios>> = Mutex::new(None);

/// The terminal is raw as long as this lives.
pub struct Raw {
    settings: libc::termios,
}

impl Raw {
    /// Makes the terminal on stdin raw; `None` when stdin is no terminal.
    ///
    /// # Errors
    /// The terminal refuses.
    pub fn enter() -> io::Result<Option<Self>> {
        if !io::stdin().is_terminal() {
            return Ok(None);
        }
        let before = settings()?;
        let mut raw = before;
        // SAFETY: cfmakeraw only changes the structure it is given.
        unsafe { libc::cfmakeraw(&mut raw) };
        // Messages of ours still start in the first column.
        raw.c_oflag |= libc::OPOST | libc::ONLCR;
        BEFORE
            .lock()
            .unwrap_or_else(|e| e.into_inner())
            .get_or_insert(before);
        if let Err(error) = set(&raw) {
            restore();
            return Err(error);
        }
        Ok(Some(Self { settings: raw }))
    }

    /// Leaves it to the next guest: nothing is echoed meanwhile, and Ctrl-C is a signal again.
    pub fn pass_on(self) {
        let mut settings = self.settings;
        std::mem::forget(self);
        settings.c_lflag |= libc::ISIG;
        // One that has gone, or refuses, is seen by the next guest.
        let _ = set(&settings);
    }
}

/// How the terminal on stdin is.
fn settings() -> io::Result<libc::termios> {
    let mut settings = MaybeUninit::<libc::termios>::uninit();
    // SAFETY: tcgetattr writes a whole termios to the pointer when it returns 0.
    if unsafe { libc::tcgetattr(libc::STDIN_FILENO, settings.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: it returned 0.
    Ok(unsafe { settings.assume_init() })
}

fn set(settings: &libc::termios) -> io::Result<()> {
    // SAFETY: tcsetattr only reads the structure.
    match unsafe { libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, settings) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Remembers how the terminal on stdin is, if it is one, for the first that makes it raw, whichever process that is.
pub fn remember() {
    if let Ok(settings) = settings() {
        *BEFORE.lock().unwrap_or_else(|e| e.into_inner()) = Some(settings);
    }
}

impl Drop for Raw {
    fn drop(&mut self) {
        restore();
    }
}

/// Puts the terminal back as it was. Does nothing when it was never made raw,
/// so that the panic handler can always call it.
pub fn restore() {
    // A panic while the lock is held must not become a deadlock.
    let Ok(mut before) = BEFORE.try_lock() else {
        return;
    };
    if let Some(settings) = before.take() {
        // A terminal that has gone needs nothing.
        let _ = set(&settings);
    }
}

/// Whether stdin is `/dev/null`, as it is for services: no key ever comes from there, and nobody has to wait for one.
pub fn is_silent() -> bool {
    const NULL: dev_t = makedev(1, 3);
    fstat(io::stdin()).is_ok_and(|stdin| {
        let kind = SFlag::from_bits_truncate(stdin.st_mode) & SFlag::S_IFMT;
        kind == SFlag::S_IFCHR && stdin.st_rdev == NULL
    })
}

const CTRL_A: u8 = 1;

/// What a key press means.
#[derive(Debug, PartialEq, Eq)]
pub enum Key {
    /// The guest gets this byte.
    Guest(u8),
    /// Nothing yet.
    Wait,
    /// The user wants to end it.
    Quit,
}

/// Tells the guest's keys from ours: Ctrl-A x ends the guest, Ctrl-A Ctrl-A
/// is one Ctrl-A for the guest.
#[derive(Debug, Default)]
pub struct Keys {
    escaped: bool,
}

impl Keys {
    /// The meaning of the next byte.
    pub fn press(&mut self, byte: u8) -> Key {
        match (std::mem::take(&mut self.escaped), byte) {
            (false, CTRL_A) => {
                self.escaped = true;
                Key::Wait
            }
            (true, b'x' | b'X') => Key::Quit,
            (true, CTRL_A) => Key::Guest(CTRL_A),
            (true, _) => Key::Wait,
            (false, byte) => Key::Guest(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_a_is_ours_and_everything_else_the_guests() {
        let mut keys = Keys::default();
        let mut press = |bytes: &[u8]| bytes.iter().map(|b| keys.press(*b)).collect::<Vec<_>>();
        assert_eq!(press(b"x\x03"), [Key::Guest(b'x'), Key::Guest(3)]);
        assert_eq!(
            press(b"\x01\x01x"),
            [Key::Wait, Key::Guest(1), Key::Guest(b'x')]
        );
        assert_eq!(press(b"\x01qx"), [Key::Wait, Key::Wait, Key::Guest(b'x')]);
        assert_eq!(press(b"\x01x"), [Key::Wait, Key::Quit]);
    }
}
