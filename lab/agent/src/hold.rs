//! What a program sees of a CPU on which time must not go back and nothing be lost: run by a guest that is carried from
//! host to host, once on each of its CPUs.
//!
//! Round by round, the program fills all vector registers and looks at them a while later, has a timer wake it, and holds
//! the clocks against what they were and its memory against what it wrote.

use std::fs::File;
use std::hint::black_box;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::{Duration, Instant};

/// How long its timer takes.
const NAP: Duration = Duration::from_millis(5);

/// More than that no timer takes, on a host that does a lot else.
const LATE: Duration = Duration::from_secs(60);

/// Words of its memory, 256 KiB.
const WORDS: usize = 32 << 10;

/// Turns of a loop of two instructions between filling the vector registers and looking at them.
const TURNS: u64 = 200_000;

/// Goes on for ever, and writes into a file, which stays open, how many rounds it has gone.
///
/// # Errors
/// What is not as it was.
pub fn hold(path: &str) -> io::Result<()> {
    let told = File::create(path)?;
    let mut memory: Vec<u64> = vec![0; WORDS];
    let mut last = (Instant::now(), counter());
    for round in 1u64.. {
        let written = |at: usize| round.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ at as u64;
        memory
            .iter_mut()
            .enumerate()
            .for_each(|(at, word)| *word = written(at));
        // For all that the compiler knows, it is read and written here: what is compared is what came back from memory.
        black_box(&mut memory);
        let changed = vectors(round.wrapping_mul(0xd134_2543_de82_ef95), TURNS);
        if changed != 0 {
            return Err(wrong(format!("vector registers: bits {changed:#x}")));
        }
        let before = Instant::now();
        thread::sleep(NAP);
        let now = (Instant::now(), counter());
        if now.0 < last.0 || before < last.0 {
            return Err(wrong("CLOCK_MONOTONIC went back".to_owned()));
        }
        if now.1 < last.1 {
            return Err(wrong(format!(
                "CNTVCT_EL0 went back from {:#x} to {:#x}",
                last.1, now.1
            )));
        }
        let slept = now.0.duration_since(before);
        if slept < NAP || slept > LATE {
            return Err(wrong(format!("a timer of {NAP:?} took {slept:?}")));
        }
        let other = black_box(&mut memory)
            .iter()
            .enumerate()
            .find(|(at, word)| **word != written(*at));
        if let Some((at, word)) = other {
            return Err(wrong(format!("memory: word {at} is {word:#x}")));
        }
        last = now;
        // As wide each time, so that nothing of an older number is left behind it.
        told.write_all_at(format!("{round:020}\n").as_bytes(), 0)?;
    }
    Ok(())
}

fn wrong(what: String) -> io::Error {
    io::Error::other(format!("not as it was: {what}"))
}

/// CNTVCT_EL0.
#[cfg(target_arch = "aarch64")]
fn counter() -> u64 {
    let count: u64;
    // SAFETY: it reads a register that Linux lets every program read, and touches nothing else.
    unsafe {
        std::arch::asm!("isb", "mrs {}, cntvct_el0", out(reg) count, options(nomem, nostack));
    }
    count
}

/// Fills all 32 vector registers, goes through so many turns of a loop and looks at them: the bits that are not as they were.
#[cfg(target_arch = "aarch64")]
fn vectors(seed: u64, turns: u64) -> u64 {
    let changed: u64;
    // SAFETY: it touches general-purpose and vector registers alone, all of which are told of, and no memory.
    unsafe {
        std::arch::asm!(
            "mov {value}, {seed}",
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
            "fmov d\\n, {value}",
            "mvn {half}, {value}",
            "ins v\\n\\().d[1], {half}",
            "add {value}, {value}, #1",
            ".endr",
            "2: subs {turns}, {turns}, #1",
            "b.ne 2b",
            "mov {changed}, #0",
            "mov {value}, {seed}",
            ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
            "umov {half}, v\\n\\().d[0]",
            "eor {half}, {half}, {value}",
            "orr {changed}, {changed}, {half}",
            "umov {half}, v\\n\\().d[1]",
            "mvn {half}, {half}",
            "eor {half}, {half}, {value}",
            "orr {changed}, {changed}, {half}",
            "add {value}, {value}, #1",
            ".endr",
            seed = in(reg) seed,
            turns = inout(reg) turns => _,
            value = out(reg) _,
            half = out(reg) _,
            changed = out(reg) changed,
            out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _, out("v7") _,
            out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _, out("v14") _,
            out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _,
            out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _,
            out("v29") _, out("v30") _, out("v31") _,
            options(nomem, nostack),
        );
    }
    changed
}

#[cfg(not(target_arch = "aarch64"))]
fn counter() -> u64 {
    0
}

/// Guests are arm64's: elsewhere there is nothing to be looked at.
#[cfg(not(target_arch = "aarch64"))]
fn vectors(_seed: u64, _turns: u64) -> u64 {
    u64::MAX
}
