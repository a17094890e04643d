//! Ctrl-C and Ctrl-Break, on Windows, which starts a thread for them. A console that is closed ends the program at once: files are
//! whole then, too, but a temporary one may be left.

use super::{ONCE, in_order};
use std::process;
use std::time::Instant;

/// How a program ends of Ctrl-C: `STATUS_CONTROL_C_EXIT` of `ntstatus.h`. Shells know it.
const INTERRUPTED: i32 = 0xC000_013A_u32.cast_signed();

/// From now on this program ends in order. Where that cannot be had, it is ended as before.
pub fn watch() {
    let mut first: Option<Instant> = None;
    let _ = ctrlc::set_handler(move || match first {
        None => {
            first = Some(Instant::now());
            in_order(end);
        }
        Some(at) if at.elapsed() > ONCE => end(),
        Some(_) => {}
    });
}

fn end() {
    process::exit(INTERRUPTED);
}
