//! Broken and hostile guests on a real KVM: none may panic the runner, hang it
//! or end it without a word.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test guests -- --ignored`.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};
use vmlock_spec::lock::canonical;
use vmlock_spec::vm::Boot;

/// Instructions of the Arm ARM (DDI 0487, chapter C6), as words.
mod a64 {
    pub const HVC: u32 = 0xd400_0002;
    pub const WFI: u32 = 0xd503_207f;
    pub const UDF: u32 = 0;
    /// `b .`
    pub const SPIN: u32 = 0x1400_0000;
    /// `b` to the instruction before.
    pub const BACK: u32 = 0x17ff_ffff;
    /// `ldr x0, [x2]`
    pub const LOAD: u32 = 0xf940_0040;
    /// `str x0, [x2]`
    pub const STORE: u32 = 0xf900_0040;
    /// `ldp x0, x1, [x2]`: an access that the CPU does not describe.
    pub const LOAD_PAIR: u32 = 0xa940_0440;
    /// `br x2`
    pub const JUMP: u32 = 0xd61f_0040;
    /// `strb w1, [x20]`
    pub const STORE_BYTE: u32 = 0x3900_0281;
    /// `msr vbar_el1, x2`
    pub const SET_VECTORS: u32 = 0xd518_c002;

    /// A 32-bit constant into a register.
    pub fn set(register: u32, value: u32) -> [u32; 2] {
        let movz = 0xd280_0000 | (value & 0xffff) << 5 | register;
        let movk = 0xf2a0_0000 | (value >> 16) << 5 | register;
        [movz, movk]
    }
}

/// Where a machine has its UART, and where it has nothing.
const UART: u32 = 0x0900_0000;
const NOWHERE: u32 = 0xdead_0000;

/// How a guest has to end.
enum End {
    /// By itself, with this exit code and these words.
    Itself(i32, &'static str),
    /// Never; a signal to the runner ends it, with this exit code.
    Signal(&'static str, i32),
}

struct Guest {
    name: &'static str,
    code: Vec<u32>,
    end: End,
}

fn call(function: u32, argument: u32) -> Vec<u32> {
    [
        &a64::set(0, function)[..],
        &a64::set(1, argument),
        &a64::set(2, 0),
        &[a64::HVC],
    ]
    .concat()
}

fn guests() -> Vec<Guest> {
    let guest = |name, code: &[&[u32]], end| Guest {
        name,
        code: code.concat(),
        end,
    };
    let nowhere = &a64::set(2, NOWHERE)[..];
    let off = &call(0x8400_0008, 0)[..];
    let mut odd = Vec::new();
    // Every width and offset is one that the UART and the clock do not have.
    for address in [UART, UART + 1, UART + 0xff8, 0x0901_0000, 0x0901_0ff8] {
        odd.extend(a64::set(2, address));
        odd.extend([a64::LOAD, a64::STORE]);
    }
    vec![
        guest(
            "power-off",
            &[off, &[a64::SPIN]],
            End::Itself(0, "powered off"),
        ),
        guest(
            "reset",
            &[&call(0x8400_0009, 0), &[a64::SPIN]],
            End::Itself(10, "asked for a reset"),
        ),
        guest(
            "reset2",
            &[&call(0x8400_0012, 0), &[a64::SPIN]],
            End::Itself(10, "SYSTEM_RESET2"),
        ),
        guest("odd-accesses", &[&odd, off], End::Itself(0, "powered off")),
        guest(
            "no-syndrome",
            &[nowhere, &[a64::LOAD_PAIR, a64::SPIN]],
            End::Itself(11, "0xdead0000"),
        ),
        // SYSTEM_SUSPEND is not offered: the call fails and the guest goes on.
        guest(
            "suspend",
            &[&call(0x8400_000e, 0), off],
            End::Itself(0, "powered off"),
        ),
        guest(
            "mmio-flood",
            &[nowhere, &[a64::LOAD, a64::BACK]],
            End::Signal("INT", 130),
        ),
        guest(
            "into-the-weeds",
            &[nowhere, &[a64::JUMP]],
            End::Signal("TERM", 143),
        ),
        guest(
            "undefined",
            &[nowhere, &[a64::SET_VECTORS, a64::UDF]],
            End::Signal("TERM", 143),
        ),
        guest("spin", &[&[a64::SPIN]], End::Signal("INT", 130)),
        guest(
            "asleep",
            &[&[a64::WFI, a64::BACK]],
            End::Signal("TERM", 143),
        ),
        guest(
            "all-cpus-off",
            &[&call(0x8400_0002, 0), &[a64::SPIN]],
            End::Signal("HUP", 129),
        ),
        guest(
            "chatter",
            &[
                &a64::set(20, UART),
                &a64::set(1, 0x78),
                &[a64::STORE_BYTE, a64::BACK],
            ],
            End::Signal("TERM", 143),
        ),
    ]
}

/// An arm64 image (Documentation/arch/arm64/booting.rst) with that code.
fn image(code: &[u32], size: Option<u64>) -> Vec<u8> {
    const HEADER: usize = 64;
    let size = size.unwrap_or((HEADER + 4 * code.len()) as u64);
    let mut image = Vec::new();
    // b to the end of the header, and a nop.
    image.extend((0x1400_0000u32 | (HEADER as u32 / 4)).to_le_bytes());
    image.extend(0xd503_201fu32.to_le_bytes());
    for long in [0, size, 0xa, 0, 0, 0] {
        image.extend(long.to_le_bytes());
    }
    image.extend(*b"ARM\x64\0\0\0\0");
    code.iter()
        .for_each(|word| image.extend(word.to_le_bytes()));
    image
}

/// Files of one test run, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("vmlock-guests-{}", process::id()));
        fs::create_dir_all(&path).expect("the temporary directory takes files");
        Self(path)
    }

    fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("the temporary directory takes files");
        path
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left behind is left in the temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Runs a shell script in an emulated host, with these files at their own paths.
fn in_host(script: &Path, files: &[PathBuf]) -> String {
    let mut lab = Command::new(env!("CARGO"));
    lab.args(["run", "--quiet", "--package", "vmlock-lab", "--", "run"]);
    lab.args([
        "--kernel",
        "6.12",
        "--cpu",
        "neoverse-n1",
        "--timeout",
        "400",
        "--program",
        "sh",
    ]);
    for file in files {
        lab.arg("--with").arg(file);
    }
    let output = lab
        .arg("--")
        .arg(script)
        .output()
        .expect("cargo can be run");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text
}

#[test]
#[ignore = "boots an emulated host"]
fn no_guest_panics_hangs_or_ends_without_a_word() {
    let place = Place::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/modern.vm.lock.json");
    let text = fs::read_to_string(example).expect("the example is checked in");
    let mut lock = canonical::parse(&text).expect("the example is a lock");
    let mut files = Vec::new();
    let mut script = String::new();
    let mut add = |name: &str, image: &[u8], signal: Option<&str>| {
        lock.boot = Some(Boot {
            kernel: format!("{name}.Image"),
            initrd: None,
            cmdline: String::new(),
        });
        files.push(place.write(&format!("{name}.Image"), image));
        let path = place.write(
            &format!("{name}.vm.lock.json"),
            canonical::write(&lock).as_bytes(),
        );
        let start = format!("vmlock-run start {} </dev/null 2>&1", path.display());
        files.push(path);
        let _ = match signal {
            // The chatter's reader is slow: a full pipe must not hold the runner.
            Some(signal) => writeln!(
                script,
                "(timeout -s {signal} 5 {start}; echo \"exit $?\") | (sleep 8; tail -n 3) | tail -c 400"
            ),
            None => writeln!(script, "timeout -s KILL 20 {start}; echo \"exit $?\""),
        };
        let _ = writeln!(script, "echo '=== {name}'");
    };
    let mut expected = Vec::new();
    for guest in guests() {
        let signal = match guest.end {
            End::Itself(..) => None,
            End::Signal(signal, _) => Some(signal),
        };
        add(guest.name, &image(&guest.code, None), signal);
        expected.push((
            guest.name,
            match guest.end {
                End::Itself(code, words) => (code, words),
                End::Signal(_, code) => (code, "ended by signal"),
            },
        ));
    }
    add("liar", &image(&[a64::SPIN], Some(u64::MAX)), None);
    expected.push(("liar", (4, "more than there are addresses")));
    add("short", b"MZ", None);
    expected.push(("short", (4, "shorter than an image's header")));
    files.push(place.write("guests.sh", script.as_bytes()));
    let said = in_host(&place.0.join("guests.sh"), &files);
    let mut parts = said.as_str();
    for (name, (code, words)) in expected {
        let end = format!("=== {name}\n");
        let (part, rest) = parts
            .split_once(&end)
            .unwrap_or_else(|| panic!("no {name} in:\n{said}"));
        assert!(
            part.contains(&format!("exit {code}\n")),
            "{name} should exit with {code}:\n{part}"
        );
        assert!(part.contains(words), "{name} should say {words:?}:\n{part}");
        assert!(!part.contains("bug of ours"), "{name}:\n{part}");
        parts = rest;
    }
}
