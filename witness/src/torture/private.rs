//! Private interrupts under fire: each vCPU takes those of its own virtual timer, and SGIs that the others send it.
//! Now and then it masks its timer's and holds what the redistributors say against what the timer does.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use super::{
    ANOTHERS, Guest, ICENABLER, ICPENDR, ISENABLER, ISPENDR, PHYSICAL, Random, TIMELESS, UNSENT,
    VIRTUAL, read, write,
};
use crate::fire::{self, ANSWERED, PENDED_TICK, SIGNALLED, TICKS};

/// Where a redistributor's frame of SGIs and PPIs begins (Arm IHI 0069 section 12.10).
const SGI_FRAME: u64 = 0x1_0000;
/// The SGIs of a register with one bit for each private interrupt.
const SGIS: u32 = 0xffff;

/// CNTV_CTL_EL0 and CNTP_CTL_EL0: ENABLE, IMASK, ISTATUS.
const ENABLE: u64 = 1 << 0;
const IMASK: u64 = 1 << 1;
const ISTATUS: u64 = 1 << 2;

/// How many counts pass until a timer's next tick: so many, and at random up to as many again as the second.
const INTERVAL: (u64, u64) = (1 << 18, 1 << 21);
/// So many counts from now is not during this test.
const FAR: u64 = 1 << 40;

/// One of the two timers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timer {
    Virtual,
    Physical,
}
use Timer::{Physical, Virtual};

impl Guest<'_> {
    /// The word of causes from `sender`, or of ticks that it pended, to vCPU `target`.
    fn pair(&self, first: usize, sender: usize, target: u32) -> &AtomicU64 {
        let target = target as usize % fire::CPUS;
        &self.words[first + sender % (fire::CPUS + 1) * fire::CPUS + target]
    }

    fn is_signalled(&self, sender: usize, target: u32) -> bool {
        let [sent, taken] =
            [SIGNALLED, ANSWERED].map(|first| self.pair(first, sender, target).load(SeqCst));
        taken < sent
    }

    /// One more that this vCPU has taken.
    fn answer(&self, sender: usize) {
        let taken = self.pair(ANSWERED, sender, self.index).fetch_add(1, SeqCst) + 1;
        let sent = self.pair(SIGNALLED, sender, self.index).load(SeqCst);
        self.check(taken <= sent, UNSENT);
    }

    fn virtual_timer(&self) -> u32 {
        self.words[fire::VIRTUAL_TIMER].load(SeqCst) as u32 % 32
    }

    /// A register of a redistributor, with one bit for each private interrupt.
    fn private(&self, index: u32, kind: u64) -> u64 {
        self.parameters.redistributor(index) + SGI_FRAME + kind
    }

    /// Lets this vCPU's timer tick.
    pub fn start(&self, random: &mut Random) {
        arm(random);
        let enabled = self.private(self.index, ISENABLER);
        write(enabled, 1 << self.virtual_timer());
    }

    /// What to do with a private interrupt that was just taken; false when it is nobody's.
    pub fn privately(&self, intid: u32, random: &mut Random) -> bool {
        if intid == fire::REQUEUE {
            self.requeue(self.index, 1 << self.virtual_timer());
            return true;
        }
        if intid < fire::CPUS as u32 {
            self.answer(intid as usize);
            return true;
        }
        if intid != self.virtual_timer() {
            return false;
        }
        if self.is_signalled(PENDED_TICK, self.index) {
            self.answer(PENDED_TICK);
        } else {
            self.check(
                control() & (ENABLE | IMASK | ISTATUS) == ENABLE | ISTATUS,
                TIMELESS,
            );
            self.words[TICKS + self.index as usize % fire::CPUS].fetch_add(1, SeqCst);
        }
        // Before the interrupt ends: a condition that lasts would bring it again.
        arm(random);
        true
    }

    /// Sends an SGI to a vCPU at random, by ICC_SGI1R_EL1 or by its redistributor; each vCPU has an INTID of
    /// its own for that. False when the last one was not taken yet.
    pub fn signal(&self, random: &mut Random) -> bool {
        let target = random.below(self.parameters.vcpus.into()) as u32;
        if self.is_signalled(self.index as usize, target) {
            return false;
        }
        self.pair(SIGNALLED, self.index as usize, target)
            .fetch_add(1, SeqCst);
        if random.below(4) == 0 {
            write(self.private(target, ISPENDR), 1 << self.index);
            return true;
        }
        self.send(self.index, target);
        true
    }

    /// By ICC_SGI1R_EL1 (Arm IHI 0069 section 12.2.19).
    fn send(&self, sgi: u32, target: u32) {
        let [aff0, aff1, aff2, aff3] = [0, 8, 16, 32].map(|at| self.affinity(target) >> at & 0xff);
        let value = aff3 << 48
            | (aff0 / 16) << 44
            | aff2 << 32
            | u64::from(sgi) << 24
            | aff1 << 16
            | 1 << (aff0 % 16);
        // SAFETY: sends an interrupt; whoever takes it sees the memory that was written before.
        unsafe { asm!("dsb sy", "msr icc_sgi1r_el1, {}", "isb", in(reg) value, options(nostack)) };
    }

    /// Lets KVM queue what became pending on a vCPU while the distributor was disabled.
    fn requeue(&self, index: u32, which: u32) {
        write(self.private(index, ISENABLER), which);
    }

    /// The same on every vCPU. Each does it for its own timer: KVM would sample that of whoever writes
    /// (`vgic_mmio_write_senable`, arch/arm64/kvm/vgic/vgic-mmio.c, 5.10 to 7.3).
    pub fn requeue_all(&self) {
        for index in 0..self.parameters.vcpus {
            self.requeue(index, SGIS);
            self.send(fire::REQUEUE, index);
        }
    }

    /// Masks the timer's interrupt and brings its condition about and away: it is pending while it is raised, and
    /// only then, also when it is pended. KVM says so of the reader's own timer in every redistributor
    /// (`kvm_arch_timer_get_input_level`, arch/arm64/kvm/arch_timer.c, 5.10 to 7.3). False when there is yet
    /// a pended one to take.
    pub fn look_at_timers(&self, random: &mut Random) -> bool {
        if self.is_signalled(PENDED_TICK, self.index) {
            return false;
        }
        let bit = 1 << self.virtual_timer();
        write(self.private(self.index, ICENABLER), bit);
        for timer in [Virtual, Physical] {
            for _ in 0..4 {
                let enabled = [0, ENABLE, ENABLE, ENABLE | IMASK][random.below(4) as usize % 4];
                let due = random.below(3) != 0;
                set(timer, enabled, if due { 0 } else { count() + FAR });
                self.compare(timer, enabled == ENABLE && due, random);
            }
        }
        set(Physical, 0, 0);
        set(Virtual, 0, 0);
        let clear = random.below(2) == 0;
        if !clear {
            self.pair(SIGNALLED, PENDED_TICK, self.index)
                .fetch_add(1, SeqCst);
        }
        write(self.private(self.index, ISPENDR), bit);
        self.compare(Virtual, false, random);
        if clear {
            write(self.private(self.index, ICPENDR), bit);
            arm(random);
        }
        write(self.private(self.index, ISENABLER), bit);
        true
    }

    /// Holds what is read as pending against what is.
    fn compare(&self, timer: Timer, raised: bool, random: &mut Random) {
        let kind = [ISPENDR, ICPENDR][random.below(2) as usize % 2];
        let (intid, finding) = match timer {
            Virtual => (self.virtual_timer(), VIRTUAL),
            Physical => (
                self.words[fire::PHYSICAL_TIMER].load(SeqCst) as u32 % 32,
                PHYSICAL,
            ),
        };
        let pending = |index: u32| read(self.private(index, kind)) >> intid & 1 == 1;
        self.check(pending(self.index) == raised, finding);
        if timer == Virtual && random.below(4) == 0 {
            let another = random.below(self.parameters.vcpus.into()) as u32;
            self.check(pending(another) == raised, ANOTHERS);
        }
    }
}

/// Sets the virtual timer to a moment soon.
fn arm(random: &mut Random) {
    let counts = INTERVAL.0 + random.below(INTERVAL.1);
    set(Virtual, ENABLE, count() + counts);
}

fn count() -> u64 {
    let count: u64;
    // SAFETY: reads the time.
    unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) count, options(nostack)) };
    count
}

/// CNTV_CTL_EL0.
fn control() -> u64 {
    let control: u64;
    // SAFETY: reads a timer's control; no memory.
    unsafe { asm!("isb", "mrs {}, cntv_ctl_el0", out(reg) control, options(nostack)) };
    control
}

/// Sets a timer's compare value, then its control.
fn set(timer: Timer, control: u64, value: u64) {
    // SAFETY: a timer whose interrupt is taken only when it is asked for; no memory.
    unsafe {
        match timer {
            Virtual => asm!(
                "msr cntv_cval_el0, {value}",
                "msr cntv_ctl_el0, {control}",
                "isb",
                value = in(reg) value,
                control = in(reg) control,
                options(nostack),
            ),
            Physical => asm!(
                "msr cntp_cval_el0, {value}",
                "msr cntp_ctl_el0, {control}",
                "isb",
                value = in(reg) value,
                control = in(reg) control,
                options(nostack),
            ),
        }
    }
}
