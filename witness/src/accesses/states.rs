//! One interrupt of each kind in every state, what is done to it there, and what the
//! guest sees and takes afterwards.

use core::arch::asm;
use core::sync::atomic::Ordering::SeqCst;

use super::{ENABLE_GROUP_1, Guest, SGI_FRAME, barrier, read, write};
use crate::probe;
use crate::table::{
    self, ACTIVATED, CASE, ENABLED, Operation, PENDED, RAISED, STATES, Source, TAKEN,
};

/// Offsets of the first register of each kind (Arm IHI 0069 section 12.8).
const IGROUPR: u64 = 0x80;
const ISENABLER: u64 = 0x100;
const ICENABLER: u64 = 0x180;
const ISPENDR: u64 = 0x200;
const ICPENDR: u64 = 0x280;
const ISACTIVER: u64 = 0x300;
const ICACTIVER: u64 = 0x380;
const IPRIORITYR: u64 = 0x400;
const ICFGR: u64 = 0xc00;
const IROUTER: u64 = 0x6000;

/// The priority of everything else.
const PRIORITY: u8 = 0x80;
/// What the CPU interface masks: this and less urgent ones.
const MASK: u64 = 0xf0;
/// ICC_IAR1_EL1: from here on there is no interrupt.
const SPECIAL: u32 = 1020;

/// One interrupt.
pub struct Interrupt<'a> {
    guest: &'a Guest<'a>,
    source: Source,
    /// Its INTID.
    pub intid: u32,
    /// Whether vCPU 1 does what is done to it.
    afar: bool,
}

impl Guest<'_> {
    /// Tries all of them.
    pub fn states(&self) {
        // SAFETY: the CPU interface's priority mask and group enable; no memory.
        unsafe {
            asm!(
                "msr icc_pmr_el1, {mask}",
                "msr icc_igrpen1_el1, {on}",
                "isb",
                mask = in(reg) MASK,
                on = in(reg) 1u64,
                options(nostack),
            );
        }
        let mut number = 0;
        for afar in [false, true] {
            if afar && self.parameters.vcpus < 2 {
                return;
            }
            for (kind, &source) in (0..).zip(&Source::ALL) {
                let Some(mut interrupt) = self.interrupt(source) else {
                    continue;
                };
                interrupt.afar = afar;
                interrupt.prepare();
                for state in (0..STATES).filter(|state| table::is_state(source, *state)) {
                    for (operation_number, &operation) in (0..).zip(&Operation::ALL) {
                        let applies = operation.applies(source, state)
                            && operation.is_certain(source, state, afar)
                            && (operation != Operation::Route || self.parameters.vcpus > 1);
                        number += 1;
                        if !applies || !self.chosen(number) {
                            continue;
                        }
                        interrupt.try_one(state, operation, |step, value| {
                            let case = [kind, state, operation_number, afar.into(), step];
                            self.log(table::key(CASE, case), value);
                        });
                    }
                }
            }
        }
    }

    /// The interrupt of that kind, where there is one.
    pub fn interrupt(&self, source: Source) -> Option<Interrupt<'_>> {
        Some(Interrupt {
            guest: self,
            source,
            intid: self.intid(source)?,
            afar: false,
        })
    }

    fn intid(&self, source: Source) -> Option<u32> {
        let chosen = |word: usize| match self.words[word].load(SeqCst) as u32 {
            0 => None,
            intid => Some(intid),
        };
        match source {
            Source::Sgi => Some(table::SGI),
            Source::Private => Some(table::PRIVATE),
            Source::VirtualTimer => chosen(table::VIRTUAL_TIMER),
            Source::PhysicalTimer => chosen(table::PHYSICAL_TIMER),
            Source::Pmu => chosen(table::PMU),
            Source::Edge => Some(table::EDGE),
            Source::Level => Some(table::LEVEL),
            Source::Line => Some(table::LINE),
        }
    }
}

impl Interrupt<'_> {
    /// Where the registers of its kind of interrupt begin.
    fn frame(&self) -> u64 {
        match self.source.is_private() {
            true => self.guest.parameters.redistributor(0) + SGI_FRAME,
            false => self.guest.parameters.gicd,
        }
    }

    /// The register of that kind with one bit for each interrupt.
    fn bits(&self, kind: u64) -> u64 {
        self.frame() + kind + u64::from(self.intid / 32 * 4)
    }

    fn set(&self, kind: u64) {
        write(self.bits(kind), 1 << (self.intid % 32));
    }

    /// The same, by whoever does what is done to it.
    fn do_set(&self, kind: u64) {
        match self.afar {
            true => {
                let (address, bit) = (self.bits(kind), 1 << (self.intid % 32));
                self.guest.afar(table::WRITE, address, bit);
            }
            false => self.set(kind),
        }
    }

    fn has(&self, kind: u64) -> bool {
        read(self.bits(kind)) >> (self.intid % 32) & 1 == 1
    }

    fn prioritise(&self, priority: u8) {
        let address = self.frame() + IPRIORITYR + u64::from(self.intid);
        // SAFETY: a device's register, where no Rust object lives.
        unsafe {
            asm!(
                "strb {value:w}, [{address}]",
                "dsb sy",
                address = in(reg) address,
                value = in(reg) u32::from(priority),
                options(nostack),
            );
        }
    }

    /// Its two bits of ICFGR.
    fn configuration(&self) -> (u64, u32) {
        (
            self.frame() + ICFGR + u64::from(self.intid / 16 * 4),
            self.intid % 16 * 2,
        )
    }

    fn configure(&self, edge: bool) {
        let (address, shift) = self.configuration();
        let others = read(address) & !(2 << shift);
        write(address, others | u32::from(edge) << 1 << shift);
    }

    fn group(&self, one: bool) {
        let (address, bit) = (self.bits(IGROUPR), 1 << (self.intid % 32));
        let others = match self.afar {
            true => self.guest.afar(table::READ, address, 0),
            false => read(address),
        } & !bit;
        let value = others | if one { bit } else { 0 };
        match self.afar {
            true => {
                self.guest.afar(table::WRITE, address, value);
            }
            false => write(address, value),
        }
    }

    fn route(&self, index: usize) {
        let mpidr = self.guest.parameters.mpidr.get(index);
        let affinity = mpidr.map_or(0, |mpidr| mpidr & crate::AFFINITY);
        let address = self.frame() + IROUTER + 8 * u64::from(self.intid);
        write(address, affinity as u32);
    }

    /// What is the same before each case.
    fn prepare(&self) {
        self.prioritise(PRIORITY);
        if !self.source.is_private() {
            self.configure(self.source.is_edge());
            self.route(0);
        }
    }

    /// Brings its cause about, or away.
    pub fn raise(&self, up: bool) {
        match self.source {
            // SAFETY: timers whose interrupts are taken only when they are asked for; no memory.
            Source::VirtualTimer => unsafe {
                asm!(
                    "msr cntv_cval_el0, xzr",
                    "msr cntv_ctl_el0, {}",
                    "isb",
                    in(reg) u64::from(up),
                    options(nostack),
                );
            },
            // SAFETY: as above.
            Source::PhysicalTimer => unsafe {
                asm!(
                    "msr cntp_cval_el0, xzr",
                    "msr cntp_ctl_el0, {}",
                    "isb",
                    in(reg) u64::from(up),
                    options(nostack),
                );
            },
            Source::Pmu => overflow(up),
            Source::Line => {
                let raised = if up { table::RAISE } else { 0 };
                let _ = probe::write32(table::DOORBELL, raised | self.intid);
            }
            _ => {}
        }
        barrier();
    }

    /// What is seen of it; `twice`: by the clearing registers, too.
    fn look(&self, twice: bool) -> u64 {
        let bit = |at: u32, holds: bool| u64::from(holds) << at;
        let mut seen = bit(0, self.has(ISENABLER))
            | bit(2, self.has(ISPENDR))
            | bit(4, self.has(ISACTIVER))
            | bit(6, self.has(IGROUPR));
        if twice {
            seen |= bit(1, self.has(ICENABLER))
                | bit(3, self.has(ICPENDR))
                | bit(5, self.has(ICACTIVER));
        }
        let priority = read(self.frame() + IPRIORITYR + u64::from(self.intid & !3));
        seen |= u64::from(priority >> (self.intid % 4 * 8) & 0xff) << 8;
        let (address, shift) = self.configuration();
        seen |= u64::from(read(address) >> shift & 3) << 16;
        if !self.source.is_private() {
            let route = read(self.frame() + IROUTER + 8 * u64::from(self.intid));
            seen |= u64::from(route & 0xff_ffff) << 32;
        }
        seen
    }

    /// What vCPU 1 sees of it.
    fn look_from_afar(&self) -> u64 {
        let bit = |at: u32, kind| {
            let read = self.guest.afar(table::READ, self.bits(kind), 0);
            u64::from(read >> (self.intid % 32) & 1) << at
        };
        bit(0, ISENABLER) | bit(2, ISPENDR) | bit(4, ISACTIVER)
    }

    /// Brings it into a state, does something to it there, and looks what came of it: `table::STEPS`.
    fn try_one(&self, state: u64, operation: Operation, mut log: impl FnMut(u64, u64)) {
        log(0, self.bring_into(state).into());
        self.perform(operation);
        if self.afar {
            log(1, self.look_from_afar());
        }
        log(2, self.look(true));
        let first = acknowledge();
        log(3, first.into());
        log(4, self.look(false));
        if state & TAKEN != 0 {
            end(self.intid);
        } else if first < SPECIAL {
            end(first);
        }
        log(5, self.look(false));
        let second = acknowledge();
        log(6, second.into());
        log(7, self.look(false));
        self.raise(false);
        if second < SPECIAL {
            end(second);
        }
        log(8, self.look(false));
        let third = acknowledge();
        log(9, third.into());
        if third < SPECIAL {
            end(third);
        }
        self.clean_up();
        log(10, self.look(true) | u64::from(running_priority()) << 56);
    }

    /// What was acknowledged on the way.
    fn bring_into(&self, state: u64) -> u32 {
        let has = |bit| state & bit != 0;
        let mut taken = SPECIAL;
        if has(TAKEN) {
            self.set(ISENABLER);
            match has(RAISED) {
                true => self.raise(true),
                false => self.set(ISPENDR),
            }
            // Nothing reaches the CPU interface without an exit.
            self.has(ISPENDR);
            taken = acknowledge();
            self.set(ICENABLER);
        } else if has(RAISED) {
            self.raise(true);
        }
        if has(ACTIVATED) {
            self.set(ISACTIVER);
        }
        if has(PENDED) {
            self.set(ISPENDR);
        }
        if has(ENABLED) {
            self.set(ISENABLER);
        }
        taken
    }

    fn perform(&self, operation: Operation) {
        match operation {
            Operation::Nothing => {}
            Operation::Enable => self.do_set(ISENABLER),
            Operation::Disable => self.do_set(ICENABLER),
            Operation::Pend => self.do_set(ISPENDR),
            Operation::Unpend => self.do_set(ICPENDR),
            Operation::Activate => self.do_set(ISACTIVER),
            Operation::Deactivate => self.do_set(ICACTIVER),
            Operation::Hand => {
                self.do_set(ICACTIVER);
                self.do_set(ICENABLER);
            }
            Operation::Urgent => self.prioritise(0x20),
            Operation::Masked => self.prioritise(0xff),
            Operation::Configure => self.configure(!self.source.is_edge()),
            Operation::Group => self.group(false),
            Operation::Route => self.route(1),
            Operation::Lower => self.raise(false),
            Operation::Off => {
                write(self.guest.parameters.gicd, 0);
                write(self.guest.parameters.gicd, ENABLE_GROUP_1);
            }
        }
    }

    /// As before the case.
    fn clean_up(&self) {
        self.set(ICENABLER);
        self.group(true);
        if self.guest.parameters.vcpus > 1 {
            // What vCPU 1 was given comes back when it exits.
            self.guest.afar(table::READ, self.bits(ISENABLER), 0);
        }
        self.set(ICPENDR);
        self.set(ICACTIVER);
        self.prepare();
    }
}

/// Brings an overflow of the cycle counter about, which counts nothing, or away.
fn overflow(up: bool) {
    const CYCLES: u64 = 1 << 31;
    const ENABLE: u64 = 1 << 0;
    /// PMCCFILTR_EL0: neither EL1 nor EL0.
    const NOTHING: u64 = 3 << 30;
    // SAFETY: the PMU's registers; no memory.
    unsafe {
        if up {
            asm!(
                "msr pmccfiltr_el0, {nothing}",
                "msr pmcr_el0, {enable}",
                "msr pmcntenset_el0, {cycles}",
                "msr pmintenset_el1, {cycles}",
                "msr pmovsset_el0, {cycles}",
                "isb",
                nothing = in(reg) NOTHING,
                enable = in(reg) ENABLE,
                cycles = in(reg) CYCLES,
                options(nostack),
            );
        } else {
            asm!(
                "msr pmovsclr_el0, {cycles}",
                "msr pmintenclr_el1, {cycles}",
                "msr pmcntenclr_el0, {cycles}",
                "msr pmcr_el0, xzr",
                "isb",
                cycles = in(reg) CYCLES,
                options(nostack),
            );
        }
    }
}

/// ICC_IAR1_EL1.
pub fn acknowledge() -> u32 {
    let intid: u64;
    // SAFETY: acknowledges an interrupt; no memory.
    unsafe { asm!("mrs {}, icc_iar1_el1", "dsb sy", "isb", out(reg) intid, options(nostack)) };
    intid as u32
}

/// ICC_EOIR1_EL1.
pub fn end(intid: u32) {
    // SAFETY: ends an interrupt; no memory.
    unsafe {
        asm!("dsb sy", "msr icc_eoir1_el1, {}", "isb", in(reg) u64::from(intid), options(nostack));
    }
}

/// ICC_RPR_EL1.
fn running_priority() -> u8 {
    let priority: u64;
    // SAFETY: reads the priority; no memory.
    unsafe { asm!("mrs {}, icc_rpr_el1", out(reg) priority, options(nostack)) };
    priority as u8
}
