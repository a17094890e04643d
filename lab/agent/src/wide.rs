//! What of a CPU only some have, and must not be lost either: vectors of any length (SVE), and the keys by which pointers are
//! signed (PAuth). Run by a guest that is carried from host to host and sees them, once on each of its CPUs.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::thread;
use std::time::Duration;

/// How long it sleeps between two rounds, so that others come to their turn.
const NAP: Duration = Duration::from_millis(5);

/// Turns of a loop of two instructions between filling registers and looking at them.
const TURNS: u64 = 200_000;

/// Rounds for ever with a nap between them, of which each says what is not as it was; a file, which stays open, has how many there were.
pub fn rounds(
    path: &str,
    nap: Duration,
    mut round: impl FnMut(u64) -> Result<(), String>,
) -> io::Result<()> {
    let told = File::create(path)?;
    for number in 1u64.. {
        round(number).map_err(|what| io::Error::other(format!("not as it was: {what}")))?;
        thread::sleep(nap);
        // As wide each time, so that nothing of an older number is left behind it.
        told.write_all_at(format!("{number:020}\n").as_bytes(), 0)?;
    }
    Ok(())
}

/// Fills Z0 to Z31, P0 to P15 and FFR, as long as its vectors are, and looks at them a while later.
///
/// # Errors
/// What is not as it was, and a CPU without such vectors.
pub fn vectors(path: &str) -> io::Result<()> {
    let length = arm64::vector_length().ok_or_else(|| io::Error::other("no SVE is here"))?;
    rounds(path, NAP, |round| {
        let all = filled(round, length);
        let now = arm64::vectors(&all, TURNS);
        if arm64::vector_length() != Some(length) {
            return Err(format!("vectors were of {length} bytes"));
        }
        let other = all.iter().zip(&now).position(|(was, is)| was != is);
        match other {
            None => Ok(()),
            Some(at) if at < 32 * length => {
                Err(format!("byte {} of Z{}", at % length, at / length))
            }
            Some(at) if at < 34 * length => {
                let (at, length) = (at - 32 * length, length / 8);
                Err(format!("byte {} of P{}", at % length, at / length))
            }
            Some(at) => Err(format!("byte {} of FFR", at - 34 * length)),
        }
    })
}

/// The content of Z0 to Z31, P0 to P15 and FFR, another one in each round. FFR only holds ones below zeros.
fn filled(round: u64, length: usize) -> Vec<u8> {
    let byte =
        |at: usize| (round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (at % 8 * 8)) as u8 ^ at as u8;
    let ones = (round % (length as u64 + 1)) as usize;
    let first = (0..length / 8).map(|at| match ones.saturating_sub(at * 8) {
        8.. => 0xff,
        some => (1 << some) - 1,
    });
    (0..34 * length).map(byte).chain(first).collect()
}

/// How often a pointer is signed: with each of the five keys.
const KEYS: [&str; 5] = ["APIAKey", "APIBKey", "APDAKey", "APDBKey", "APGAKey"];

/// Signs pointers with all keys of its program, and looks a while later, and in each round, whether they are signed as before.
///
/// # Errors
/// What is not as it was, and a CPU on which nothing is signed.
pub fn keys(path: &str) -> io::Result<()> {
    const COUNT: u64 = 4;
    let place = Box::new(0u64);
    let pointer = |number: u64| (&raw const *place) as u64 + 8 * number;
    let first: Vec<[u64; 5]> = (0..COUNT)
        .map(|number| arm64::signed(pointer(number), number, 0))
        .map(|(signed, _)| signed)
        .collect();
    for (key, name) in KEYS.iter().enumerate() {
        // That one signature is no other than none, or than another one, may happen.
        let plain = |number: u64| {
            if key == 4 {
                first[0][4]
            } else {
                pointer(number)
            }
        };
        if (1..COUNT).all(|number| first[number as usize][key] == plain(number)) {
            return Err(io::Error::other(format!("nothing is signed with {name}")));
        }
    }
    rounds(path, NAP, |round| {
        let number = round % COUNT;
        let (before, after) = arm64::signed(pointer(number), number, TURNS);
        let first = &first[number as usize];
        for (key, name) in KEYS.iter().enumerate() {
            if before[key] != first[key] || after[key] != first[key] {
                return Err(format!("a pointer is signed in another way with {name}"));
            }
        }
        match arm64::authenticated(first, number) {
            pointers if pointers == [pointer(number); 4] => Ok(()),
            pointers => Err(format!("signed pointers are taken for {pointers:x?}")),
        }
    })
}

#[cfg(target_arch = "aarch64")]
mod arm64 {
    use std::arch::{asm, is_aarch64_feature_detected};

    /// Bytes of a vector; none without SVE.
    pub fn vector_length() -> Option<usize> {
        let length: usize;
        if !is_aarch64_feature_detected!("sve") {
            return None;
        }
        // SAFETY: the CPU has the instruction, which touches one general-purpose register.
        unsafe {
            asm!(".arch_extension sve", "rdvl {}, #1", out(reg) length, options(nomem, nostack, preserves_flags));
        }
        Some(length)
    }

    /// Fills the registers with `all`, goes through so many turns of a loop, and says what is in them.
    pub fn vectors(all: &[u8], turns: u64) -> Vec<u8> {
        let length = vector_length().unwrap_or(0);
        let mut now = vec![0; all.len()];
        // What is loaded and stored is as long as the vectors are now, and both have room for it.
        if length == 0 || all.len() != 34 * length + length / 8 {
            return now;
        }
        let (from, to) = (all.as_ptr(), now.as_mut_ptr());
        // SAFETY: it loads from `all` and stores to `now` as many bytes as both have, unless the length of vectors changes
        // in between, which Linux does to nobody who did not ask for it; all registers that it touches are told of.
        unsafe {
            asm!(
                ".arch_extension sve",
                "ldr p0, [{ffr}]",
                "wrffr p0.b",
                ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
                "ldr z\\n, [{z}, #\\n, mul vl]",
                ".endr",
                ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
                "ldr p\\n, [{p}, #\\n, mul vl]",
                ".endr",
                "2: subs {turns}, {turns}, #1",
                "b.ne 2b",
                ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31",
                "str z\\n, [{to_z}, #\\n, mul vl]",
                ".endr",
                ".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15",
                "str p\\n, [{to_p}, #\\n, mul vl]",
                ".endr",
                "rdffr p0.b",
                "str p0, [{to_ffr}]",
                z = in(reg) from,
                p = in(reg) from.add(32 * length),
                ffr = in(reg) from.add(34 * length),
                to_z = in(reg) to,
                to_p = in(reg) to.add(32 * length),
                to_ffr = in(reg) to.add(34 * length),
                turns = inout(reg) turns => _,
                out("v0") _, out("v1") _, out("v2") _, out("v3") _, out("v4") _, out("v5") _, out("v6") _, out("v7") _,
                out("v8") _, out("v9") _, out("v10") _, out("v11") _, out("v12") _, out("v13") _, out("v14") _,
                out("v15") _, out("v16") _, out("v17") _, out("v18") _, out("v19") _, out("v20") _, out("v21") _,
                out("v22") _, out("v23") _, out("v24") _, out("v25") _, out("v26") _, out("v27") _, out("v28") _,
                out("v29") _, out("v30") _, out("v31") _,
                out("p0") _, out("p1") _, out("p2") _, out("p3") _, out("p4") _, out("p5") _, out("p6") _, out("p7") _,
                out("p8") _, out("p9") _, out("p10") _, out("p11") _, out("p12") _, out("p13") _, out("p14") _,
                out("p15") _, out("ffr") _,
                options(nostack),
            );
        }
        now
    }

    /// A pointer signed with each key, before a loop of so many turns and behind it; itself where nothing can be signed.
    pub fn signed(pointer: u64, modifier: u64, turns: u64) -> ([u64; 5], [u64; 5]) {
        let mut before = [pointer; 5];
        let mut after = [pointer; 5];
        if !is_aarch64_feature_detected!("paca") || !is_aarch64_feature_detected!("pacg") {
            return (before, after);
        }
        let [a, b, c, d, e] = &mut before;
        let [f, g, h, i, j] = &mut after;
        // SAFETY: the CPU has the instructions, which touch the general-purpose registers that are told of.
        unsafe {
            asm!(
                ".arch_extension pauth",
                "pacia {a}, {modifier}",
                "pacib {b}, {modifier}",
                "pacda {c}, {modifier}",
                "pacdb {d}, {modifier}",
                "pacga {e}, {e}, {modifier}",
                "2: subs {turns}, {turns}, #1",
                "b.hi 2b",
                "pacia {f}, {modifier}",
                "pacib {g}, {modifier}",
                "pacda {h}, {modifier}",
                "pacdb {i}, {modifier}",
                "pacga {j}, {j}, {modifier}",
                modifier = in(reg) modifier,
                turns = inout(reg) turns => _,
                a = inout(reg) *a, b = inout(reg) *b, c = inout(reg) *c, d = inout(reg) *d, e = inout(reg) *e,
                f = inout(reg) *f, g = inout(reg) *g, h = inout(reg) *h, i = inout(reg) *i, j = inout(reg) *j,
                options(nomem, nostack),
            );
        }
        (before, after)
    }

    /// What a CPU takes for the pointer of each of the four signatures that it can take off again.
    pub fn authenticated(signed: &[u64; 5], modifier: u64) -> [u64; 4] {
        let [mut a, mut b, mut c, mut d, _] = *signed;
        if is_aarch64_feature_detected!("paca") {
            // SAFETY: the CPU has the instructions, which touch the general-purpose registers that are told of. One that
            // does not take a signature may end the program, as it should.
            unsafe {
                asm!(
                    ".arch_extension pauth",
                    "autia {a}, {modifier}",
                    "autib {b}, {modifier}",
                    "autda {c}, {modifier}",
                    "autdb {d}, {modifier}",
                    modifier = in(reg) modifier,
                    a = inout(reg) a, b = inout(reg) b, c = inout(reg) c, d = inout(reg) d,
                    options(nomem, nostack, preserves_flags),
                );
            }
        }
        [a, b, c, d]
    }
}

/// Guests are arm64's: elsewhere there is nothing to be looked at.
#[cfg(not(target_arch = "aarch64"))]
mod arm64 {
    pub fn vector_length() -> Option<usize> {
        None
    }

    pub fn vectors(all: &[u8], _turns: u64) -> Vec<u8> {
        vec![0; all.len()]
    }

    pub fn signed(pointer: u64, _modifier: u64, _turns: u64) -> ([u64; 5], [u64; 5]) {
        ([pointer; 5], [pointer; 5])
    }

    pub fn authenticated(signed: &[u64; 5], _modifier: u64) -> [u64; 4] {
        [signed[0], signed[1], signed[2], signed[3]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_fault_register_is_filled_with_ones_below_zeros() {
        for (round, ffr) in [
            (0, [0, 0]),
            (3, [7, 0]),
            (8, [255, 0]),
            (16, [255, 255]),
            (17, [0, 0]),
        ] {
            let all = filled(round, 16);
            assert_eq!(
                (all.len(), &all[34 * 16..]),
                (34 * 16 + 2, &ffr[..]),
                "{round}"
            );
        }
        assert_ne!(filled(1, 16)[..544], filled(2, 16)[..544]);
    }
}
