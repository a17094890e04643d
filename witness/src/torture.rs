//! The guest under fire: every vCPU takes shared interrupts and, now and then,
//! disturbs one at random, while the host sends them. How interrupts are
//! counted, and why none can be lost or invented unnoticed: `spec/src/observation/torture.rs`.
//!
//! Interrupts are taken without exceptions: WFI, then ICC_IAR1_EL1.

mod private;

use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::fire::{self, CLEARED, FOUND, LOCK, SENT, TAKEN};
use crate::probe::{self, Outcome};
use crate::smccc;
use crate::wire::Parameters;

/// Offsets in the distributor (Arm IHI 0069 section 12.8).
const CTLR: u64 = 0x0;
const ISENABLER: u64 = 0x100;
const ICENABLER: u64 = 0x180;
const ISPENDR: u64 = 0x200;
const ICPENDR: u64 = 0x280;
const ISACTIVER: u64 = 0x300;
const ICACTIVER: u64 = 0x380;
const IPRIORITYR: u64 = 0x400;
const ICFGR: u64 = 0xc00;
const IROUTER: u64 = 0x6000;

const ENABLE_GROUP_1: u32 = 1 << 1;
/// ICC_IAR1_EL1: from here on there is no interrupt.
const SPECIAL: u64 = 1020;

/// Positions in `fire::DISTURBANCES`.
const ROUTED: usize = 0;
const PRIORITISED: usize = 1;
const MASKED: usize = 2;
const LOOKED_AT: usize = 3;
const CLEARING: usize = 4;
const PENDED: usize = 5;
const PENDED_AND_CLEARED: usize = 6;
const ACTIVATED: usize = 7;
const ALL_DISABLED: usize = 8;
const SIGNALLED: usize = 9;
const TIMERS_LOOKED_AT: usize = 10;

/// Positions in `fire::FINDINGS`.
const UNSENT: usize = 0;
const STRANGE: usize = 1;
const PENDING: usize = 2;
const STILL_PENDING: usize = 3;
const ENABLE: usize = 4;
const PRIORITY: usize = 5;
const ROUTE: usize = 6;
const ACTIVE: usize = 7;
const TAKEN_ACTIVE: usize = 8;
const TIMELESS: usize = 9;
const VIRTUAL: usize = 10;
const PHYSICAL: usize = 11;
const ANOTHERS: usize = 12;

/// Takes and disturbs interrupts until the host ends the machine.
pub fn run(parameters: &Parameters, index: u32) -> ! {
    // SAFETY: aligned RAM that the host zeroed and that only atomics touch, here and there.
    let words = unsafe {
        &*ptr::with_exposed_provenance::<[AtomicU64; fire::WORDS]>(fire::ADDRESS as usize)
    };
    let guest = Guest {
        parameters,
        words,
        index,
    };
    if index == 0 {
        guest.prepare();
        for other in 1..parameters.vcpus {
            smccc::cpu_on(guest.affinity(other), other);
        }
    }
    // SAFETY: the CPU interface's priority mask and group enable; no memory.
    unsafe {
        asm!(
            "msr icc_pmr_el1, {mask}",
            "msr icc_igrpen1_el1, {on}",
            "isb",
            mask = in(reg) 0xf8u64,
            on = in(reg) 1u64,
            options(nostack),
        );
    }
    guest.words[fire::READY].fetch_add(1, SeqCst);
    let mut random = Random(0x9e37_79b9_7f4a_7c15 ^ u64::from(index + 1) << 32);
    guest.start(&mut random);
    loop {
        if !guest.take(&mut random) {
            // SAFETY: sleeps until an interrupt is pending.
            unsafe { asm!("wfi", options(nostack)) };
            continue;
        }
        let rarity = guest.words[fire::RARITY].load(SeqCst);
        if random.below(rarity) == 0 && guest.words[fire::STOP].load(SeqCst) == 0 {
            guest.disturb(&mut random);
        }
        // One in four goes to another vCPU, so that they do not breed.
        if random.below(4) == 0 && guest.words[fire::STOP].load(SeqCst) == 0 {
            let sent = guest.signal(&mut random);
            guest.did(sent, SIGNALLED);
        }
    }
}

struct Guest<'a> {
    parameters: &'a Parameters,
    words: &'a [AtomicU64; fire::WORDS],
    /// Whose eyes these are.
    index: u32,
}

impl Guest<'_> {
    fn affinity(&self, index: u32) -> u64 {
        let mpidr = self.parameters.mpidr.get(index as usize);
        mpidr.map_or(0, |mpidr| mpidr & crate::AFFINITY)
    }

    /// The word of an interrupt, which is below `fire::COUNT`.
    fn word(&self, first: usize, spi: u32) -> &AtomicU64 {
        &self.words[first + spi as usize % fire::COUNT]
    }

    fn found(&self, what: usize) {
        self.words[FOUND + what].fetch_add(1, SeqCst);
    }

    /// Counts a disturbance that was possible.
    fn did(&self, it: bool, what: usize) {
        if it {
            self.words[fire::DISTURBED + what].fetch_add(1, SeqCst);
        }
    }

    fn check(&self, holds: bool, what: usize) {
        if !holds {
            self.found(what);
        }
    }

    /// The register of that kind with one bit for each interrupt.
    fn bits(&self, kind: u64) -> u64 {
        self.parameters.gicd + kind + u64::from(fire::FIRST) / 8
    }

    fn has(&self, kind: u64, spi: u32) -> bool {
        read(self.bits(kind)) >> spi & 1 == 1
    }

    fn set(&self, kind: u64, spi: u32) {
        write(self.bits(kind), 1 << spi);
    }

    /// All enabled, on vCPU 0, with one priority.
    fn prepare(&self) {
        let gicd = self.parameters.gicd;
        for spi in 0..fire::COUNT as u32 {
            let edge = !fire::LEVELS.contains(&spi) && !fire::OWN_LEVELS.contains(&spi);
            let at = gicd + ICFGR + u64::from(fire::FIRST + spi) / 16 * 4;
            let bit = 2 << (spi % 16 * 2);
            let others = read(at) & !bit;
            write(at, others | if edge { bit } else { 0 });
            self.prioritise(spi, 0x80);
            self.route(spi, 0);
        }
        write(gicd + CTLR, ENABLE_GROUP_1);
        write(self.bits(ISENABLER), u32::MAX);
    }

    /// Takes an interrupt if there is one.
    fn take(&self, random: &mut Random) -> bool {
        let intid: u64;
        // SAFETY: acknowledges an interrupt; no memory.
        unsafe { asm!("mrs {}, icc_iar1_el1", "dsb sy", out(reg) intid, options(nostack)) };
        if intid >= SPECIAL {
            return false;
        }
        match (intid as u32).checked_sub(fire::FIRST) {
            Some(spi) if spi < fire::COUNT as u32 => {
                if fire::LEVELS.contains(&spi) {
                    write(fire::DOORBELL, intid as u32);
                }
                let taken = self.word(TAKEN, spi).fetch_add(1, SeqCst) + 1;
                let done = taken + self.word(CLEARED, spi).load(SeqCst);
                self.check(done <= self.word(SENT, spi).load(SeqCst), UNSENT);
            }
            Some(_) => self.found(STRANGE),
            None => self.check(self.privately(intid as u32, random), STRANGE),
        }
        // SAFETY: ends the interrupt; no memory.
        unsafe { asm!("dsb sy", "msr icc_eoir1_el1, {}", "isb", in(reg) intid, options(nostack)) };
        true
    }

    /// Whether a cause is open.
    fn is_open(&self, spi: u32) -> bool {
        let done = self.word(TAKEN, spi).load(SeqCst) + self.word(CLEARED, spi).load(SeqCst);
        done < self.word(SENT, spi).load(SeqCst)
    }

    /// Does something at random to an interrupt at random.
    fn disturb(&self, random: &mut Random) {
        let spi = random.below(fire::COUNT as u64) as u32;
        let own = fire::OWN_EDGES.contains(&spi) || fire::OWN_LEVELS.contains(&spi);
        let level = fire::LEVELS.contains(&spi);
        match random.below(32) {
            0 => return self.disable_all(),
            1 | 2 => {
                let looked = self.look_at_timers(random);
                return self.did(looked, TIMERS_LOOKED_AT);
            }
            _ => {}
        }
        if self
            .word(LOCK, spi)
            .compare_exchange(0, 1, SeqCst, SeqCst)
            .is_err()
        {
            return;
        }
        let done = match random.below(8) {
            0 => {
                let to = random.below(self.parameters.vcpus.into()) as u32;
                self.check(self.route(spi, to), ROUTE);
                ROUTED
            }
            1 => {
                let priority = 0x80 | (random.below(14) as u8) << 3;
                let open = self.is_open(spi);
                if open {
                    self.mask(spi);
                }
                while self.has(ISACTIVER, spi) {}
                self.check(self.prioritise(spi, priority), PRIORITY);
                if open {
                    self.unmask(spi);
                }
                PRIORITISED
            }
            2 => {
                self.mask(spi);
                let to = random.below(self.parameters.vcpus.into()) as u32;
                self.check(self.route(spi, to), ROUTE);
                self.unmask(spi);
                MASKED
            }
            3 => {
                self.look(spi);
                LOOKED_AT
            }
            // A line stays up whatever is written.
            4 | 5 if level => {
                self.set(ICPENDR, spi);
                CLEARING
            }
            4 | 5 if !own => {
                self.mask(spi);
                self.clear(spi);
                self.unmask(spi);
                CLEARING
            }
            6 if own => {
                self.mask(spi);
                self.clear(spi);
                self.word(SENT, spi).fetch_add(1, SeqCst);
                self.set(ISPENDR, spi);
                self.clear(spi);
                self.unmask(spi);
                PENDED_AND_CLEARED
            }
            7 if own => {
                self.activate(spi);
                ACTIVATED
            }
            _ if own && !self.is_open(spi) => {
                self.word(SENT, spi).fetch_add(1, SeqCst);
                self.set(ISPENDR, spi);
                PENDED
            }
            _ => {
                self.look(spi);
                LOOKED_AT
            }
        };
        self.word(LOCK, spi).store(0, SeqCst);
        self.did(true, done);
    }

    /// Disables the distributor for a moment, while nobody else changes anything.
    /// KVM does not queue what becomes pending meanwhile (`vgic_target_oracle`,
    /// arch/arm64/kvm/vgic/vgic.c, 5.10 to 7.3) before it is enabled once more.
    fn disable_all(&self) {
        let control = &self.words[fire::CONTROL];
        if control.compare_exchange(0, 1, SeqCst, SeqCst).is_err() {
            return;
        }
        for spi in 0..fire::COUNT as u32 {
            while self
                .word(LOCK, spi)
                .compare_exchange(0, 1, SeqCst, SeqCst)
                .is_err()
            {}
        }
        let register = self.parameters.gicd + CTLR;
        for value in [0, ENABLE_GROUP_1] {
            write(register, value);
            self.check(read(register) & ENABLE_GROUP_1 == value, ENABLE);
        }
        write(self.bits(ISENABLER), u32::MAX);
        self.requeue_all();
        for spi in 0..fire::COUNT as u32 {
            self.word(LOCK, spi).store(0, SeqCst);
        }
        control.store(0, SeqCst);
        self.did(true, ALL_DISABLED);
    }

    /// Whether the route reads back.
    fn route(&self, spi: u32, to: u32) -> bool {
        let at = self.parameters.gicd + IROUTER + 8 * u64::from(fire::FIRST + spi);
        let affinity = self.affinity(to) as u32;
        write(at, affinity);
        read(at) == affinity
    }

    /// Whether the priority reads back. One that is active keeps its own: the CPU
    /// only deactivates an interrupt whose list register has the priority that it
    /// drops (`VEndOfInterrupt`, Arm IHI 0069 section 12.1), and KVM loads them anew.
    fn prioritise(&self, spi: u32, priority: u8) -> bool {
        let at = self.parameters.gicd + IPRIORITYR + u64::from(fire::FIRST + spi);
        write_byte(at, priority);
        read(at & !3) >> (at % 4 * 8) & 0xff == priority.into()
    }

    fn mask(&self, spi: u32) {
        self.set(ICENABLER, spi);
        self.check(!self.has(ISENABLER, spi), ENABLE);
    }

    fn unmask(&self, spi: u32) {
        self.set(ISENABLER, spi);
        self.check(self.has(ISENABLER, spi), ENABLE);
    }

    /// Without a cause, an edge is not pending.
    fn look(&self, spi: u32) {
        let open = self.is_open(spi);
        let pending = self.has(ISPENDR, spi);
        let level = fire::LEVELS.contains(&spi) || fire::OWN_LEVELS.contains(&spi);
        self.check(open || level || !pending, PENDING);
        self.has(ISACTIVER, spi);
    }

    /// Clears the open cause of an interrupt that is masked, unless it is taken
    /// before. KVM does not call back one that a vCPU has already been given; but
    /// reading what is active brings every vCPU out of the guest, and none that is
    /// masked is given to one again unless it is active.
    fn clear(&self, spi: u32) {
        while self.is_open(spi) {
            if self.has(ISACTIVER, spi) || !self.has(ISPENDR, spi) {
                continue;
            }
            self.set(ICPENDR, spi);
            self.check(!self.has(ISPENDR, spi), STILL_PENDING);
            self.word(CLEARED, spi).fetch_add(1, SeqCst);
        }
    }

    /// An active interrupt is pended, and is only taken after it was deactivated. It is active on this vCPU,
    /// which ends no other one meanwhile: where a vCPU has more than fit into its list registers, KVM takes the
    /// end of any of the rest for that of the first that is active (`vgic_v3_fold_lr_state`,
    /// arch/arm64/kvm/vgic/vgic-v3.c, 7.3).
    fn activate(&self, spi: u32) {
        self.mask(spi);
        self.check(self.route(spi, self.index), ROUTE);
        self.clear(spi);
        while self.has(ISACTIVER, spi) {}
        self.set(ISACTIVER, spi);
        self.check(self.has(ISACTIVER, spi), ACTIVE);
        self.unmask(spi);
        self.word(SENT, spi).fetch_add(1, SeqCst);
        self.set(ISPENDR, spi);
        self.check(self.has(ISPENDR, spi), PENDING);
        self.check(self.is_open(spi), TAKEN_ACTIVE);
        self.set(ICACTIVER, spi);
    }
}

/// A device's register; what cannot be read is zero.
fn read(address: u64) -> u32 {
    match probe::read32(address) {
        Outcome::Value(value) => value as u32,
        Outcome::Exception(_) => 0,
    }
}

fn write(address: u64, value: u32) {
    // What cannot be written shows when it is read.
    let _ = probe::write32(address, value);
}

fn write_byte(address: u64, value: u8) {
    // SAFETY: a device's register, where no Rust object lives.
    unsafe {
        asm!(
            "strb {value:w}, [{address}]",
            "dsb sy",
            address = in(reg) address,
            value = in(reg) u32::from(value),
            options(nostack),
        );
    }
}

/// xorshift64: the same on each run of a vCPU.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit.max(1)
    }
}
