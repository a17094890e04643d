//! Broken and hostile guests on a real KVM: none may panic the runner, hang it
//! or end it without a word.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test guests -- --ignored`.

mod host;

use host::{HEADER, Place, image, in_host};
use std::fmt::Write as _;
use std::path::PathBuf;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::canonical;
use vmlock_spec::resolve::{Target as Version, resolve};
use vmlock_spec::vm::{Boot, Cpu, VmSpec};

/// Instructions of the Arm ARM (DDI 0487, chapter C6), as words.
mod a64 {
    pub const HVC: u32 = 0xd400_0002;
    pub const SMC: u32 = 0xd400_0003;
    pub const WFI: u32 = 0xd503_207f;
    pub const UDF: u32 = 0;
    /// `b .`
    pub const SPIN: u32 = 0x1400_0000;
    /// `b` to the instruction before.
    pub const BACK: u32 = 0x17ff_ffff;
    /// `ldr x0, [x2]`
    pub const LOAD: u32 = 0xf940_0040;
    /// `ldp x0, x1, [x2]`: an access that the CPU does not describe.
    pub const LOAD_PAIR: u32 = 0xa940_0440;
    /// `br x2`
    pub const JUMP: u32 = 0xd61f_0040;
    /// `strb w1, [x20]`
    pub const STORE_BYTE: u32 = 0x3900_0281;
    /// `stp x0, x1, [x2]`
    pub const STORE_PAIR: u32 = 0xa900_0440;
    /// `ldrb`, `ldrh`, `ldr` (32 and 64 bits) into register 0 and `strb`, `strh`,
    /// `str` of register 1, all at `[x2]`
    pub const EVERY_WIDTH: [u32; 8] = [
        0x3940_0040,
        0x7940_0040,
        0xb940_0040,
        0xf940_0040,
        0x3900_0041,
        0x7900_0041,
        0xb900_0041,
        0xf900_0041,
    ];
    /// `str w1, [x2]`, `str w1, [x2, #0x80]`, and `b` to the first of them
    pub const FLOOD: [u32; 3] = [0xb900_0041, 0xb900_8041, 0x17ff_fffe];
    /// `cmn x0, #1`
    pub const COMPARE_WITH_MINUS_ONE: u32 = 0xb100_041f;
    /// `b.ne .`
    pub const SPIN_UNLESS_EQUAL: u32 = 0x5400_0001;
    /// `msr vbar_el1, x9`, `isb`, after `adr x9, .+0x3fc0`
    pub const HANDLE: [u32; 3] = [0x1001_fe09, 0xd518_c009, 0xd503_3fdf];
    /// Back to the instruction after the one that took the exception: x9 is lost.
    pub const SKIP: [u32; 4] = [0xd538_4029, 0x9100_1129, 0xd518_4029, 0xd69f_03e0];
    /// `msr vbar_el1, x2`
    pub const SET_VECTORS: u32 = 0xd518_c002;
    /// `adr x9, .+24`, `msr elr_el1, x9`, `mov x9, #0x1d0`, `msr spsr_el1, x9`, `eret`, `udf`, and then `b .` as
    /// AArch32 has it.
    pub const SPIN_IN_AARCH32: [u32; 7] = [
        0x1000_00c9,
        0xd518_4029,
        0xd280_3a09,
        0xd518_4009,
        0xd69f_03e0,
        UDF,
        0xeaff_fffe,
    ];

    /// A 32-bit constant into a register.
    pub fn set(register: u32, value: u32) -> [u32; 2] {
        let movz = 0xd280_0000 | (value & 0xffff) << 5 | register;
        let movk = 0xf2a0_0000 | (value >> 16) << 5 | register;
        [movz, movk]
    }
}

/// Where a machine has its UART, its clock, its interrupt controller, and nothing.
const UART: u32 = 0x0900_0000;
const RTC: u32 = 0x0901_0000;
const DISTRIBUTOR: u32 = 0x0800_0000;
const REDISTRIBUTORS: u32 = 0x080a_0000;
const NOWHERE: u32 = 0xdead_0000;

/// A machine with the examples' CPU, and what is attacked there.
struct Stage {
    target: Target<'static>,
    /// Whether SMC is a conduit of calls.
    smc: bool,
    /// Whether an external abort answers what the CPU does not describe: from version 2 of the lock on.
    aborts: bool,
}

const STAGES: [Stage; 5] = [
    Stage {
        target: Target {
            name: "kernel",
            lock: "examples/modern.vm.lock.json",
            flags: "",
        },
        smc: true,
        aborts: true,
    },
    Stage {
        target: Target {
            name: "distributor",
            lock: "examples/pinned.vm.lock.json",
            flags: "",
        },
        smc: true,
        aborts: true,
    },
    Stage {
        target: Target {
            name: "calls",
            lock: "examples/modern.vm.lock.json",
            flags: "--emulate-calls",
        },
        smc: true,
        aborts: true,
    },
    // The same in version 1 of the lock.
    Stage {
        target: Target {
            name: "distributor-1",
            lock: "spec/tests/frozen/v1/pinned.vm.lock.json",
            flags: "",
        },
        smc: true,
        aborts: false,
    },
    // Linux 6.1 took no SMC: the runner answers for 6.12, which does.
    Stage {
        target: Target {
            name: "no-smc",
            lock: "lab/tests/specs/counters.vm.lock.json",
            flags: "",
        },
        smc: false,
        aborts: false,
    },
];

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

/// Vectors behind the code: whatever an instruction is answered with, the next one runs.
fn undeterred(code: &[u32]) -> Vec<u32> {
    handling(code, &a64::SKIP)
}

/// A guest that uses an instruction which the CPU does not describe, where `address` tells: an abort, after which it
/// powers off, or its end.
fn undescribed(
    stage: &Stage,
    name: &'static str,
    address: u32,
    code: u32,
    words: &'static str,
) -> Guest {
    let code = [&a64::set(2, address)[..], &[code, a64::SPIN]].concat();
    let off = call(0x8400_0008, 0);
    let (code, end) = match stage.aborts {
        true => (handling(&code, &off), End::Itself(0, "powered off")),
        false => (code, End::Itself(11, words)),
    };
    Guest { name, code, end }
}

/// Vectors behind the code, and what is done at an exception.
fn handling(code: &[u32], handler: &[u32]) -> Vec<u32> {
    const VECTORS: usize = (0x4000 - HEADER) / 4;
    let mut all = [&a64::HANDLE[..], code].concat();
    assert!(all.len() < VECTORS, "the vectors come after the code");
    // Synchronous exceptions of this level are 0x200 bytes into the table.
    all.resize(VECTORS + 0x80, a64::SPIN);
    all.extend(handler);
    all
}

/// Guests that attack what the runner answers itself.
fn attackers(stage: &Stage) -> Vec<Guest> {
    let off = &call(0x8400_0008, 0)[..];
    let at = |address| a64::set(2, address);
    let mut odd = a64::set(1, u32::MAX).to_vec();
    for register in [
        DISTRIBUTOR,
        DISTRIBUTOR + 0x4,
        DISTRIBUTOR + 0x84,
        DISTRIBUTOR + 0x104,
        DISTRIBUTOR + 0x204,
        DISTRIBUTOR + 0x304,
        DISTRIBUTOR + 0x420,
        DISTRIBUTOR + 0xc08,
        DISTRIBUTOR + 0x6100,
        DISTRIBUTOR + 0xffe8,
        DISTRIBUTOR + 0xfff8,
        REDISTRIBUTORS,
        REDISTRIBUTORS + 0x8,
        REDISTRIBUTORS + 0x70,
        REDISTRIBUTORS + 0x1_0080,
        REDISTRIBUTORS + 0x1_0200,
        REDISTRIBUTORS + 0x1_0400,
        REDISTRIBUTORS + 0x3_fff8,
    ] {
        for offset in [0, 1, 2, 4, 7] {
            odd.extend(at(register + offset));
            odd.extend(a64::EVERY_WIDTH);
        }
    }
    // What ends the machine or waits is left out: SYSTEM_OFF, SYSTEM_RESET, their successors, CPU_OFF, CPU_SUSPEND.
    let mut calls = Vec::new();
    for function in [
        0,
        0x1234_5678,
        0x8000_0000,
        0x8000_0001,
        0x8400_0000,
        0x8400_0003,
        0x8400_0004,
        0x8400_0006,
        0x8400_000a,
        0x8400_000f,
        0x8400_0050,
        0x8400_0051,
        0x8400_0052,
        0x8400_0053,
        0x8400_7fff,
        0x8600_0000,
        0x8600_0001,
        0x8600_ff01,
        0xbf00_ff01,
        0xc400_0003,
        0xc400_0004,
        0xc400_0053,
        0xc500_0020,
        0xc500_0021,
        0xc600_0040,
        0xc600_0041,
        0xc600_ffff,
        0xffff_ffff,
    ] {
        for conduit in [a64::HVC, a64::SMC] {
            calls.extend(call(function, u32::MAX));
            calls.extend([a64::set(2, u32::MAX), a64::set(3, u32::MAX)].concat());
            calls.extend(a64::set(0, function));
            calls.push(conduit);
        }
    }
    let guest = |name, code: Vec<u32>, end| Guest { name, code, end };
    vec![
        guest(
            "gic-widths",
            undeterred(&[&odd, off, &[a64::SPIN]].concat()),
            End::Itself(0, "powered off"),
        ),
        undescribed(
            stage,
            "gic-load-pair",
            DISTRIBUTOR,
            a64::LOAD_PAIR,
            "0x8000000",
        ),
        undescribed(
            stage,
            "gic-store-pair",
            REDISTRIBUTORS,
            a64::STORE_PAIR,
            "0x80a0000",
        ),
        undescribed(stage, "no-syndrome", NOWHERE, a64::LOAD_PAIR, "0xdead0000"),
        // GICD_ISPENDR1 and GICD_ICPENDR1, as fast as they are answered.
        guest(
            "gic-flood",
            [
                &a64::set(1, u32::MAX)[..],
                &at(DISTRIBUTOR + 0x204),
                &a64::FLOOD,
            ]
            .concat(),
            End::Signal("TERM", 143),
        ),
        guest(
            "calls",
            undeterred(&[&calls, off, &[a64::SPIN]].concat()),
            End::Itself(0, "powered off"),
        ),
        // SYSTEM_OFF by SMC ends the machine, or answers -1 and no more.
        guest(
            "smc-off",
            [
                &a64::set(0, 0x8400_0008)[..],
                &[
                    a64::SMC,
                    a64::COMPARE_WITH_MINUS_ONE,
                    a64::SPIN_UNLESS_EQUAL,
                ],
                &call(0x8400_0009, 0),
                &[a64::SPIN],
            ]
            .concat(),
            match stage.smc {
                true => End::Itself(0, "powered off"),
                false => End::Itself(10, "asked for a reset"),
            },
        ),
        guest(
            "reset2-64",
            [&call(0xc400_0012, 0)[..], &[a64::SPIN]].concat(),
            End::Itself(10, "SYSTEM_RESET2"),
        ),
    ]
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
    // Registers that the UART and the clock have and have not, in every width.
    let registers = (0..9).chain([0xff8, 0xffc]).map(|at| UART + at);
    let registers = registers.chain((0..9).chain([0x3fe, 0x3ff]).map(|at| RTC + 4 * at));
    for address in registers.chain([RTC + 1, RTC + 0xffa]) {
        odd.extend(a64::set(2, address));
        for value in [1, 0xff, u32::MAX] {
            odd.extend(a64::set(1, value));
            odd.extend(a64::EVERY_WIDTH);
        }
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
        guest(
            "odd-accesses",
            &[&undeterred(&[&odd, off, &[a64::SPIN]].concat())],
            End::Itself(0, "powered off"),
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

/// A machine for a guest to attack, and how to start it.
#[derive(Clone, Copy)]
struct Target<'a> {
    name: &'a str,
    /// From the workspace.
    lock: &'a str,
    flags: &'a str,
}

/// Guests that are started one after the other in an emulated host.
struct Session {
    place: Place,
    script: String,
    files: Vec<PathBuf>,
    /// Each one's name, exit code and words.
    expected: Vec<(String, i32, &'static str)>,
}

impl Session {
    fn new(name: &str) -> Self {
        Self {
            place: Place::new(name),
            script: String::new(),
            files: Vec::new(),
            expected: Vec::new(),
        }
    }

    fn add(&mut self, target: Target<'_>, name: &str, image: &[u8], end: End) {
        let name = format!("{}-{name}", target.name);
        let kernel = format!("{name}.Image");
        self.files.push(self.place.write(&kernel, image));
        let start = self.start(target, &name, kernel);
        match end {
            // The chatter's reader is slow: a full pipe must not hold the runner.
            End::Signal(signal, code) => self.expect(
                name,
                &format!(
                    "(timeout -s {signal} 5 {start} 2>&1; echo \"exit $?\") | (sleep 6; tail -n 3) | tail -c 400"
                ),
                (code, "ended by signal"),
            ),
            End::Itself(code, words) => self.expect(
                name,
                &format!("timeout -s KILL 20 {start} 2>&1; echo \"exit $?\""),
                (code, words),
            ),
        }
    }

    /// How a machine is started whose lock names that kernel.
    fn start(&mut self, target: Target<'_>, name: &str, kernel: String) -> String {
        let path = self.place.lock(name, target.lock, &kernel);
        let start = format!(
            "vmlock-run start {} {} </dev/null",
            path.display(),
            target.flags
        );
        self.files.push(path);
        start
    }

    /// Commands that say `exit` with a code, and words.
    fn expect(&mut self, name: String, commands: &str, (code, words): (i32, &'static str)) {
        let _ = writeln!(self.script, "{commands}\necho '=== {name}'");
        self.expected.push((name, code, words));
    }

    /// Every guest ends as it has to, on a host with that CPU.
    fn run(mut self, cpu: &str) {
        let script = self.place.write("guests.sh", self.script.as_bytes());
        self.files.push(script.clone());
        let said = in_host("6.12", cpu, &script, &self.files);
        let mut parts = said.as_str();
        for (name, code, words) in self.expected {
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
}

/// A static arm64 program (System V ABI, AArch64 supplement) that blocks every signal and becomes the program that
/// its arguments name: no shell can, and Rust's standard library would let them through again.
fn blocker() -> Vec<u8> {
    const BASE: u64 = 0x40_0000;
    const HEADERS: u64 = 64 + 56;
    const CODE: [u32; 16] = [
        0xd280_0000, // mov x0, #0: SIG_BLOCK
        0x1000_01a1, // adr x1, mask
        0xd280_0002, // mov x2, #0
        0xd280_0103, // mov x3, #8
        0xd280_10e8, // mov x8, #135: rt_sigprocmask
        0xd400_0001, // svc #0
        0xf940_03e9, // ldr x9, [sp]: argc
        0x9100_43e1, // add x1, sp, #16: argv + 1
        0x8b09_0c22, // add x2, x1, x9, lsl #3: envp
        0xf940_0020, // ldr x0, [x1]
        0xd280_1ba8, // mov x8, #221: execve
        0xd400_0001, // svc #0
        0xd280_0ba8, // mov x8, #93: exit
        0xd400_0001, // svc #0
        0xffff_ffff, // mask
        0xffff_ffff,
    ];
    let size = HEADERS + 4 * CODE.len() as u64;
    let mut bytes = b"\x7fELF\x02\x01\x01".to_vec();
    bytes.resize(16, 0);
    for half in [2u16, 183] {
        bytes.extend(half.to_le_bytes()); // an executable, for AArch64
    }
    bytes.extend(1u32.to_le_bytes());
    for long in [BASE + HEADERS, 64, 0] {
        bytes.extend(long.to_le_bytes()); // entry, program headers, sections
    }
    bytes.extend([0; 4]);
    for half in [64u16, 56, 1, 64, 0, 0] {
        bytes.extend(half.to_le_bytes());
    }
    for word in [1u32, 5] {
        bytes.extend(word.to_le_bytes()); // loaded, readable and executable
    }
    for long in [0, BASE, BASE, size, size, 0x1_0000] {
        bytes.extend(long.to_le_bytes());
    }
    CODE.iter()
        .for_each(|word| bytes.extend(word.to_le_bytes()));
    bytes
}

/// Guests that would go on for ever when the reader of their console has gone.
fn unread(session: &mut Session) {
    // One that says nothing, and one that does nothing else.
    let both = guests()
        .into_iter()
        .filter(|g| ["asleep", "chatter"].contains(&g.name));
    for guest in both {
        let name = format!("unread-{}", guest.name);
        let kernel = format!("{name}.Image");
        session
            .files
            .push(session.place.write(&kernel, &image(&guest.code, None)));
        let start = session.start(STAGES[0].target, &name, kernel);
        session.expect(
            name,
            &format!(
                "(timeout -s KILL 20 {start} 2>words; echo \"exit $?\" >>words) | true; cat words"
            ),
            (0, "nobody reads"),
        );
    }
}

/// A program without a header, at the address that its lock has for it; and another file than the lock's.
fn flat(session: &mut Session) {
    let cpu = Cpu {
        model: "neoverse-n1".to_owned(),
        count: 1,
        ..Cpu::default()
    };
    let code = [&call(0x8400_0008, 0)[..], &[a64::SPIN]].concat();
    let code: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    session.files.push(session.place.write("off.flat", &code));
    for (name, digest, expected) in [
        ("flat", None, (0, "powered off")),
        ("another-file", Some("0"), (4, "off.flat` is another file")),
    ] {
        let boot = Boot {
            kernel: "off.flat".to_owned(),
            kernel_address: Some(0x4008_0000),
            kernel_digest: digest.map(|digit| format!("sha256-{}", digit.repeat(64))),
            ..Boot::default()
        };
        let spec = VmSpec {
            boot: Some(boot),
            ..VmSpec::bare(name, &["kvm-6.12"], cpu.clone(), 64 << 20)
        };
        let (lock, _) = resolve(&spec, &Catalogue::builtin(), &Version::NEWEST)
            .unwrap_or_else(|complaints| panic!("{complaints:#?}"));
        let lock = session.place.write(
            &format!("{name}.vm.lock.json"),
            canonical::write(&lock).as_bytes(),
        );
        let start = format!("vmlock-run start {} </dev/null 2>&1", lock.display());
        session.files.push(lock);
        session.expect(
            name.to_owned(),
            &format!("timeout -s KILL 20 {start}; echo \"exit $?\""),
            expected,
        );
    }
}

/// Files and signals that would have it wait for ever.
fn endless(session: &mut Session) {
    let kept = STAGES[0].target;
    let refused = Target {
        name: "refused",
        lock: "examples/portable.vm.lock.json",
        flags: "",
    };
    for (target, code, words) in [
        (kept, 4, "it is a pipe"),
        (refused, 3, "cannot keep the lock"),
    ] {
        let name = format!("{}-fifo", target.name);
        let fifo = session.place.0.join(format!("{name}.fifo"));
        let start = session.start(target, &name, format!("{name}.fifo"));
        session.expect(
            name,
            &format!(
                "mkfifo {}; timeout -s KILL 20 {start} 2>&1; echo \"exit $?\"",
                fifo.display()
            ),
            (code, words),
        );
    }
    let blocker = session.place.write("blocker", &blocker());
    session.files.push(blocker.clone());
    let off = [&call(0x8400_0008, 0)[..], &[a64::SPIN]].concat();
    let name = "all-signals-blocked";
    let kernel = session.place.write("blocked.Image", &image(&off, None));
    session.files.push(kernel);
    // Where the runner answers for the interrupt controller, it stops vCPUs by a signal.
    let start = session.start(STAGES[1].target, name, "blocked.Image".to_owned());
    let blocker = blocker.display();
    session.expect(
        name.to_owned(),
        &format!(
            "chmod +x {blocker}; timeout -s KILL 20 {blocker} $(which vmlock-run) {} 2>&1; echo \"exit $?\"",
            start.trim_start_matches("vmlock-run ")
        ),
        (0, "powered off"),
    );
}

#[test]
#[ignore = "boots an emulated host"]
fn no_guest_panics_hangs_or_ends_without_a_word() {
    let mut session = Session::new("all");
    for stage in &STAGES {
        for guest in attackers(stage) {
            session.add(
                stage.target,
                guest.name,
                &image(&guest.code, None),
                guest.end,
            );
        }
    }
    let target = STAGES[0].target;
    for guest in guests() {
        session.add(target, guest.name, &image(&guest.code, None), guest.end);
    }
    // The devices of version 2 of the lock, and of version 1.
    let older = Target {
        name: "devices-1",
        lock: "spec/tests/frozen/v1/modern.vm.lock.json",
        flags: "",
    };
    for guest in guests().into_iter().filter(|g| g.name == "odd-accesses") {
        session.add(older, guest.name, &image(&guest.code, None), guest.end);
    }
    let liar = image(&[a64::SPIN], Some(u64::MAX));
    let end = End::Itself(4, "more than there are addresses");
    session.add(target, "liar", &liar, end);
    let end = End::Itself(4, "shorter than an image's header");
    session.add(target, "short", b"MZ", end);
    unread(&mut session);
    endless(&mut session);
    flat(&mut session);
    session.run("neoverse-n1");
}

/// The emulated A64FX runs AArch32 at EL0, and says that it does not: KVM takes
/// the vCPU out of use as soon as it finds it there.
#[test]
#[ignore = "boots an emulated host"]
fn a_guest_in_a_state_that_its_host_denies_ends_with_words() {
    let mut session = Session::new("aarch32");
    let target = Target {
        name: "vectors",
        lock: "lab/tests/specs/vectors.vm.lock.json",
        flags: "",
    };
    let aarch32 = image(&a64::SPIN_IN_AARCH32, None);
    session.add(target, "aarch32", &aarch32, End::Itself(11, "AArch32"));
    session.run("a64fx");
}
