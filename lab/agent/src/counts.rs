//! Whether a guest's PMU counts: run by a guest that is carried from host to host, once on each of its CPUs.
//!
//! The PMU is off most of the time. Not every kernel tells how far a running one has counted, so a guest is not saved at a moment
//! at which its PMU counts.

use crate::wide::rounds;
use std::fs::File;
use std::hint::black_box;
use std::io::{self, Read as _};
use std::os::fd::{AsRawFd as _, FromRawFd as _};
use std::time::Duration;

/// How long it is off between two rounds.
const OFF: Duration = Duration::from_millis(500);

/// Turns of a loop that is counted, each of which takes a cycle at least.
const TURNS: u64 = 100_000;

/// `struct perf_event_attr` of include/uapi/linux/perf_event.h, as long as it was at first (`PERF_ATTR_SIZE_VER0`).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    kind: u32,
    size: u32,
    config: u64,
    sample_period: u64,
    sample_type: u64,
    read_format: u64,
    flags: u64,
    wakeup: u32,
    breakpoint: u32,
    address: u64,
}

/// `PERF_TYPE_HARDWARE` and `PERF_COUNT_HW_CPU_CYCLES`; `disabled` of the flags; and `PERF_EVENT_IOC_ENABLE` and
/// `PERF_EVENT_IOC_DISABLE`.
const HARDWARE: u32 = 0;
const CYCLES: u64 = 0;
const DISABLED: u64 = 1 << 0;
const ENABLE: libc::c_ulong = 0x2400;
const DISABLE: libc::c_ulong = 0x2401;

/// Rounds for ever, of which each counts the cycles of a loop, and another time no more once that has ended.
///
/// # Errors
/// What is not counted, and a CPU without a PMU.
pub fn counts(path: &str) -> io::Result<()> {
    rounds(path, OFF, |_| {
        let mut event = open().map_err(|e| format!("the PMU takes no event: {e}"))?;
        asked(&event, ENABLE)?;
        for turn in 0..TURNS {
            black_box(turn);
        }
        asked(&event, DISABLE)?;
        let [counted, later] = [count(&mut event)?, count(&mut event)?];
        match counted {
            _ if later != counted => {
                Err(format!("it is off, and counts from {counted} to {later}"))
            }
            TURNS.. => Ok(()),
            few => Err(format!("{TURNS} turns of a loop are {few} cycles")),
        }
    })
}

/// Cycles of this thread, wherever it runs.
fn open() -> io::Result<File> {
    let attributes = Attributes {
        kind: HARDWARE,
        size: size_of::<Attributes>() as u32,
        config: CYCLES,
        flags: DISABLED,
        ..Attributes::default()
    };
    // SAFETY: Linux reads as many bytes of `attributes` as it says that it has, and gives nothing but a descriptor.
    let opened = unsafe {
        libc::syscall(
            libc::SYS_perf_event_open,
            &raw const attributes,
            0,
            -1,
            -1,
            0,
        )
    };
    match i32::try_from(opened) {
        // SAFETY: it was opened here, and nobody else has it.
        Ok(opened @ 0..) => Ok(unsafe { File::from_raw_fd(opened) }),
        _ => Err(io::Error::last_os_error()),
    }
}

fn asked(event: &File, request: libc::c_ulong) -> Result<(), String> {
    // SAFETY: neither request has an argument that points anywhere.
    match unsafe { libc::ioctl(event.as_raw_fd(), request as _, 0) } {
        0 => Ok(()),
        _ => Err(format!(
            "the PMU is not turned on or off: {}",
            io::Error::last_os_error()
        )),
    }
}

fn count(event: &mut File) -> Result<u64, String> {
    let mut count = [0; 8];
    match event.read_exact(&mut count) {
        Ok(()) => Ok(u64::from_ne_bytes(count)),
        Err(e) => Err(format!("the PMU does not say its count: {e}")),
    }
}
