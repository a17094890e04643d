//! The guest that is saved at hostile moments: round by round it is at all of them, and what it finds goes into one sum
//! (`spec/wire/src/moments.rs`). Here interrupts are taken as exceptions.
//!
//! Nothing that is summed up says when something happened, or how long it took: a guest that was never saved comes to
//! the same sum.

use core::arch::{asm, global_asm};
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::probe::{self, Conduit, Outcome};
use crate::smccc;
use crate::wire::moments::{
    ADDRESS, COUNTS, EDGE, FAULT, LINE, OTHER, ROUND, ROUNDS, SPURIOUS, SUM, TIMER, TURNED_ON,
    WORDS,
};
use crate::wire::{Parameters, calls};

global_asm!(
    include_str!("moments.s"),
    interrupt = sym interrupt,
    unexpected = sym unexpected,
);

unsafe extern "C" {
    safe fn moments_vectors();
}

/// Offsets in the distributor, and in a redistributor's second frame (Arm IHI 0069 sections 12.8 and 12.10).
const CTLR: u64 = 0x0;
const IGROUPR: u64 = 0x80;
const ISENABLER: u64 = 0x100;
const ISPENDR: u64 = 0x200;
const ISACTIVER: u64 = 0x300;
const IPRIORITYR: u64 = 0x400;
const ICFGR: u64 = 0xc00;
const IROUTER: u64 = 0x6000;
const SECOND_FRAME: u64 = 0x1_0000;

const ENABLE_GROUP_1: u32 = 1 << 1;
const PRIORITY: u8 = 0x80;
/// ICC_CTLR_EL1.EOImode: what ends an interrupt does not deactivate it.
const EOI_MODE: u64 = 1 << 1;
/// CNTV_CTL_EL0.ENABLE, and what it says with IMASK and ISTATUS where the timer is on, let out and due.
const ENABLE: u64 = 1;
const IMASK: u64 = 1 << 1;
const ISTATUS: u64 = 1 << 2;
const DUE: u64 = ENABLE | ISTATUS;

/// Registers of the UART: IER, IIR (FCR), LSR, SCR; and IER's "transmitter empty".
const IER: u64 = 1;
const IIR: u64 = 2;
const LSR: u64 = 5;
const SCR: u64 = 7;
const IER_EMPTY: u8 = 1 << 1;

/// Positions in `wire::moments::TAKEN`.
const TICKS: usize = COUNTS;
const EDGES: usize = COUNTS + 1;
const LEVELS: usize = COUNTS + 2;
const OTHERS: usize = COUNTS + 3;

/// How long each vCPU adds up for itself, with something hostile around it.
const WORK: u64 = 2;

fn words() -> &'static [AtomicU64; WORDS] {
    // SAFETY: aligned RAM that the host zeroed and that only atomics touch, here and there.
    unsafe { &*ptr::with_exposed_provenance::<[AtomicU64; WORDS]>(ADDRESS as usize) }
}

/// Adds to a sum in which the order counts.
fn add(sum: usize, value: u64) {
    let words = words();
    let before = words[sum].load(SeqCst);
    let after = (before.rotate_left(5) ^ value).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    words[sum].store(after, SeqCst);
}

/// Adds one to a word that vCPU 0 alone writes, by a load and a store.
///
/// `fetch_add` would be a loop of LDAXR and STLXR here. The return from a step's exception between the two clears the
/// exclusive monitor (Arm ARM, `AArch64.ExceptionReturn`), so a vCPU that is stepped would stay in that loop.
fn count(word: usize) {
    let words = words();
    let before = words[word].load(SeqCst);
    words[word].store(before.wrapping_add(1), SeqCst);
}

/// Instructions without anything of their own.
fn work(sum: usize) {
    for value in 0..WORK {
        add(sum, value);
    }
}

/// Goes its rounds and ends: vCPU 0 the machine, the other one itself.
pub fn run(parameters: &Parameters, index: u32) -> ! {
    if index != 0 {
        other(index);
    }
    let words = words();
    let guest = Guest { parameters };
    guest.prepare();
    for round in 0..words[ROUNDS].load(SeqCst) {
        words[ROUND].store(round, SeqCst);
        guest.device(round);
        guest.firmware();
        guest.turn_on(round);
        guest.timer(round);
        guest.edge(round);
        guest.level(round);
    }
    words[ROUND].store(words[ROUNDS].load(SeqCst), SeqCst);
    smccc::system_off();
    stay()
}

fn stay() -> ! {
    loop {
        // SAFETY: sleeps.
        unsafe { asm!("wfi", options(nostack)) };
    }
}

/// What another vCPU does each time that it is turned on.
fn other(index: u32) -> ! {
    let (level, frequency, own): (u64, u64, u64);
    // SAFETY: reads registers; no memory.
    unsafe {
        asm!(
            "mrs {level}, currentel",
            "mrs {frequency}, cntfrq_el0",
            "mrs {own}, mpidr_el1",
            level = out(reg) level,
            frequency = out(reg) frequency,
            own = out(reg) own,
            options(nomem, nostack, preserves_flags),
        );
    }
    let round = words()[ROUND].load(SeqCst);
    for value in [index.into(), level, frequency, own, round] {
        add(OTHER, value);
    }
    work(OTHER);
    words()[TURNED_ON].store(round + 1, SeqCst);
    smccc::cpu_off();
    stay()
}

struct Guest<'a> {
    parameters: &'a Parameters,
}

impl Guest<'_> {
    fn uart(&self, register: u64) -> u64 {
        self.parameters.uart + register
    }

    /// Interrupts become exceptions of this level, once they are let in.
    fn prepare(&self) {
        let words = words();
        let (gicd, sgi) = (
            self.parameters.gicd,
            self.parameters.redistributor(0) + SECOND_FRAME,
        );
        let timer = words[TIMER].load(SeqCst);
        store(sgi + IGROUPR, !0u32);
        store8(sgi + IPRIORITYR + timer, PRIORITY);
        store(sgi + ISENABLER, 1 << timer);
        for intid in [u64::from(EDGE), words[LINE].load(SeqCst)] {
            let (word, bit) = (intid / 32 * 4, 1u32 << (intid % 32));
            store(gicd + IGROUPR + word, load(gicd + IGROUPR + word) | bit);
            store8(gicd + IPRIORITYR + intid, PRIORITY);
            // vCPU 0 is 0.0.0.0.
            store64(gicd + IROUTER + intid * 8, 0);
            let at = gicd + ICFGR + intid / 16 * 4;
            let edge = 2u32 << (intid % 16 * 2);
            let others = load(at) & !edge;
            let own = if intid == u64::from(EDGE) { edge } else { 0 };
            store(at, others | own);
            store(gicd + ISENABLER + word, bit);
        }
        store(gicd + CTLR, ENABLE_GROUP_1);
        // SAFETY: vectors that are there, and the CPU interface's own registers; all interrupts are masked.
        unsafe {
            asm!(
                "msr vbar_el1, {vectors}",
                "msr icc_ctlr_el1, {mode}",
                "msr icc_pmr_el1, {mask}",
                "msr icc_igrpen1_el1, {on}",
                "isb",
                vectors = in(reg) moments_vectors as *const () as usize,
                mode = in(reg) EOI_MODE,
                mask = in(reg) 0xf8u64,
                on = in(reg) 1u64,
                options(nostack),
            );
        }
    }

    /// Accesses to a device: reads that wait for their value, writes that wait to be done.
    fn device(&self, round: u64) {
        add(SUM, load8(self.uart(LSR)).into());
        store8(self.uart(SCR), round as u8 ^ 0x5a);
        add(SUM, load8(self.uart(SCR)).into());
    }

    /// Calls of firmware, which the kernel answers or hands out.
    fn firmware(&self) {
        let affinity = crate::affinity(self.parameters, 0).unwrap_or(0);
        for [function, argument] in [
            [calls::PSCI_VERSION.into(), 0],
            [calls::SMCCC_VERSION.into(), 0],
            [calls::PSCI_AFFINITY_INFO.into(), affinity],
        ] {
            match probe::call(Conduit::Hvc, [function, argument, 0, 0]) {
                Ok([x0, ..]) => add(SUM, x0),
                Err(esr) => add(SUM, esr),
            }
        }
    }

    /// The timer is due at once.
    fn timer(&self, round: u64) {
        // SAFETY: the virtual timer, whose interrupt is masked until it is waited for; no memory.
        unsafe {
            asm!(
                "isb",
                "mrs {now}, cntvct_el0",
                "msr cntv_cval_el0, {now}",
                "msr cntv_ctl_el0, {on}",
                "isb",
                now = out(reg) _,
                on = in(reg) ENABLE,
                options(nostack),
            );
        }
        work(SUM);
        self.wait(TICKS, round);
    }

    /// An edge, which stays active behind its handler.
    fn edge(&self, round: u64) {
        let (word, bit) = (u64::from(EDGE) / 32 * 4, 1u32 << (EDGE % 32));
        let gicd = self.parameters.gicd;
        store(gicd + ISPENDR + word, bit);
        self.wait(EDGES, round);
        add(SUM, (load(gicd + ISACTIVER + word) & bit).into());
        add(SUM, load8(self.uart(SCR)).into());
        work(SUM);
        deactivate(EDGE.into());
        add(SUM, (load(gicd + ISACTIVER + word) & bit).into());
    }

    /// A line that stays up until the handler has read why.
    fn level(&self, round: u64) {
        store8(self.uart(IER), IER_EMPTY);
        work(SUM);
        self.wait(LEVELS, round);
        store8(self.uart(IER), 0);
    }

    /// Turns the other vCPU on, and waits until it has done its work.
    fn turn_on(&self, round: u64) {
        let Some(mpidr) = crate::affinity(self.parameters, 1) else {
            return;
        };
        // The one before may not be off yet.
        while !matches!(smccc::cpu_on(mpidr, 1), Outcome::Value(0)) {}
        while words()[TURNED_ON].load(SeqCst) <= round {}
        add(SUM, words()[OTHER].load(SeqCst));
    }

    /// Lets interrupts in until one of that kind was taken, with values in registers that have to be there afterwards.
    fn wait(&self, kind: usize, round: u64) {
        let word = &raw const words()[kind];
        let seed = words()[SUM].load(SeqCst);
        let (general, scalar, vector): (u64, u64, u64);
        // SAFETY: the handler gives every register back; it changes words that atomics alone touch.
        unsafe {
            asm!(
                "mvn {general}, {seed}",
                "fmov d8, {seed}",
                "dup v17.2d, {general}",
                "msr daifclr, #2",
                "2: ldr {taken}, [{word}]",
                "cmp {taken}, {round}",
                "b.ls 2b",
                "msr daifset, #2",
                "fmov {scalar}, d8",
                "mov {vector}, v17.d[1]",
                seed = in(reg) seed,
                word = in(reg) word,
                round = in(reg) round,
                taken = out(reg) _,
                general = out(reg) general,
                scalar = out(reg) scalar,
                vector = out(reg) vector,
                out("v8") _,
                out("v17") _,
            );
        }
        for value in [general, scalar, vector] {
            add(SUM, value);
        }
    }
}

/// An interrupt, called by `moments.s`.
extern "C" fn interrupt() {
    let words = words();
    let (intid, running): (u64, u64);
    // SAFETY: acknowledges an interrupt, reads the running priority; no memory.
    unsafe {
        asm!(
            "mrs {intid}, icc_iar1_el1",
            "dsb sy",
            "mrs {running}, icc_rpr_el1",
            intid = out(reg) intid,
            running = out(reg) running,
            options(nostack),
        );
    }
    let timer = words[TIMER].load(SeqCst);
    if intid == timer && !is_due() {
        end(intid);
        deactivate(intid);
        return;
    }
    add(SUM, intid);
    add(SUM, running);
    let line = words[LINE].load(SeqCst);
    let kind = match intid {
        _ if intid == timer => TICKS,
        _ if intid == u64::from(EDGE) => EDGES,
        _ if intid == line => LEVELS,
        _ => OTHERS,
    };
    // The cause is there still: the timer is due, the line is up.
    work(SUM);
    // An exit to the host's userspace at that moment, saved or not: in the first round, and in every other one.
    if kind == TICKS
        && words[ROUND].load(SeqCst) & 1 == 0
        && let Some(parameters) = crate::parameters()
    {
        add(SUM, load8(parameters.uart + SCR).into());
    }
    if kind == TICKS {
        // SAFETY: turns the timer off; no memory.
        unsafe { asm!("msr cntv_ctl_el0, xzr", "isb", options(nostack)) };
    }
    if kind == LEVELS
        && let Some(parameters) = crate::parameters()
    {
        add(SUM, load8(parameters.uart + IIR).into());
    }
    work(SUM);
    count(kind);
    end(intid);
    if kind != EDGES {
        deactivate(intid);
    }
}

/// Whether the timer has a reason to interrupt; where it has none, that is counted.
///
/// What was seen of that on Linux 5.10, and what is supposed: docs/saves.md.
fn is_due() -> bool {
    let control: u64;
    // SAFETY: reads a register; no memory.
    unsafe { asm!("isb", "mrs {}, cntv_ctl_el0", out(reg) control, options(nostack)) };
    let due = control & (DUE | IMASK) == DUE;
    if !due {
        count(SPURIOUS);
        words()[SPURIOUS + 1].store(control, SeqCst);
    }
    due
}

/// Drops the priority of an interrupt that was acknowledged.
fn end(intid: u64) {
    // SAFETY: the CPU interface's own register; no memory.
    unsafe { asm!("dsb sy", "msr icc_eoir1_el1, {}", "isb", in(reg) intid, options(nostack)) };
}

/// An exception that nobody expects, called by `moments.s`: the machine ends.
extern "C" fn unexpected(esr: u64, elr: u64) {
    words()[FAULT].store(esr, SeqCst);
    words()[FAULT + 1].store(elr, SeqCst);
    smccc::system_off();
}

fn deactivate(intid: u64) {
    // SAFETY: deactivates an interrupt whose priority was dropped; no memory.
    unsafe { asm!("dsb sy", "msr icc_dir_el1, {}", "isb", in(reg) intid, options(nostack)) };
}

fn load(address: u64) -> u32 {
    let value: u32;
    // SAFETY: a device's register, where no Rust object lives.
    unsafe {
        asm!("ldr {:w}, [{}]", "dsb sy", out(reg) value, in(reg) address, options(nostack));
    }
    value
}

fn store(address: u64, value: u32) {
    // SAFETY: a device's register, where no Rust object lives.
    unsafe { asm!("str {:w}, [{}]", "dsb sy", in(reg) value, in(reg) address, options(nostack)) };
}

fn store64(address: u64, value: u64) {
    // SAFETY: a device's register, where no Rust object lives.
    unsafe { asm!("str {}, [{}]", "dsb sy", in(reg) value, in(reg) address, options(nostack)) };
}

fn load8(address: u64) -> u8 {
    let value: u32;
    // SAFETY: a device's register, where no Rust object lives.
    unsafe {
        asm!("ldrb {:w}, [{}]", "dsb sy", out(reg) value, in(reg) address, options(nostack));
    }
    value as u8
}

fn store8(address: u64, value: u8) {
    let value = u32::from(value);
    // SAFETY: a device's register, where no Rust object lives.
    unsafe { asm!("strb {:w}, [{}]", "dsb sy", in(reg) value, in(reg) address, options(nostack)) };
}
