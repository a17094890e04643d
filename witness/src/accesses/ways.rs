//! Instructions that access, and states of the CPU in which they do: whatever
//! the runner does to answer, a guest finds all as it was. See `table::WAYS`.

use core::arch::asm;

use super::states::{acknowledge, end};
use super::{Guest, SGI_FRAME, read, write};
use crate::boot;
use crate::feature;
use crate::table::{self, MADE, Source};

const ISENABLER0: u64 = SGI_FRAME + 0x100;
const ICENABLER0: u64 = SGI_FRAME + 0x180;
const ISPENDR0: u64 = SGI_FRAME + 0x200;
const ISACTIVER0: u64 = SGI_FRAME + 0x300;
const ICACTIVER0: u64 = SGI_FRAME + 0x380;

/// SPSR_EL1: EL0 and EL1 with D, A, I and F masked; EL1 with D alone not; AArch32 User mode.
const EL0: u64 = 0x3c0;
const EL1_DEBUGGED: u64 = 0x1c5;
const USER: u64 = 0x1d0;
/// SPSR_EL1.SS: one instruction is stepped over.
const STEP: u64 = 1 << 21;
/// MDSCR_EL1: SS, and KDE, by which steps are taken at EL1, too.
const STEPPING: u64 = 1 << 0 | 1 << 13;
/// SCTLR_EL1.E0E.
const BIG_ENDIAN: u64 = 1 << 24;

/// What `ways.s` goes with and comes back with.
#[repr(C)]
struct Visit {
    entry: u64,
    spsr: u64,
    table: u64,
    sctlr: u64,
    mdscr: u64,
    /// X1 to X5: what was loaded, from where; what is stored, where to; how many instructions came after it.
    registers: [u64; 5],
    syndrome: u64,
}

unsafe extern "C" {
    fn visit(visit: &mut Visit);
    fn every_register(from: u64, to: u64, value: u64) -> u64;
    fn from_a64();
    fn from_a32();
}

core::arch::global_asm!(include_str!("ways.s"));

/// Bytes from the load to the store where visits go.
const STORE: u64 = 4;

/// What is written down, in the order of `table::MADE_OF`, but for whether the interrupt is active.
struct Made {
    read: u64,
    changed: u64,
    class: u64,
    afterwards: u64,
}

impl Guest<'_> {
    /// Tries all of them.
    pub fn ways(&self) {
        let timers = [Source::VirtualTimer, Source::PhysicalTimer];
        let [Some(ticking), Some(other)] = timers.map(|source| self.interrupt(source)) else {
            return;
        };
        let base = self.parameters.redistributor(0);
        let bits = 1 << ticking.intid | 1 << other.intid;
        for (number, _) in (0..).zip(&table::WAYS) {
            write(base + ISENABLER0, 1 << ticking.intid);
            ticking.raise(true);
            other.raise(true);
            read(base + ISPENDR0);
            let taken = acknowledge();
            let made = made(
                number,
                base + ISPENDR0,
                base + ICACTIVER0,
                1 << ticking.intid,
            );
            let active = read(base + ISACTIVER0) & bits;
            for (look, value) in (0..).zip(&[
                made.read & u64::from(bits),
                made.changed,
                made.class,
                made.afterwards,
                active.into(),
            ]) {
                self.log(table::key(MADE, [number, 0, 0, 0, look]), *value);
            }
            end(taken);
            ticking.raise(false);
            other.raise(false);
            write(base + ICACTIVER0, bits);
            write(base + ICENABLER0, bits);
        }
    }
}

/// Loads from one register and stores to another, in the way of that number.
fn made(number: u64, from: u64, to: u64, value: u64) -> Made {
    let plain = |read| Made {
        read,
        changed: 0,
        class: 0,
        afterwards: 0,
    };
    let (a64, a32) = (boot::at_el0(from_a64), boot::at_el0(from_a32));
    let visited = |entry, spsr, change: fn(&mut Visit)| {
        let mut there = Visit {
            entry,
            spsr,
            table: boot::el0_table(),
            sctlr: sctlr(),
            mdscr: 0,
            registers: [
                0,
                boot::device_at_el0(from),
                value,
                boot::device_at_el0(to),
                0,
            ],
            syndrome: 0,
        };
        change(&mut there);
        // SAFETY: `ways.s` saves what the calling convention asks for, and puts back what it changes; the code that
        // is visited has but registers and a device.
        unsafe { visit(&mut there) };
        Made {
            read: there.registers[0],
            changed: 0,
            class: there.syndrome >> 26,
            afterwards: there.registers[4],
        }
    };
    let as_it_is: fn(&mut Visit) = |_| {};
    let stepping: fn(&mut Visit) = |there| there.mdscr = STEPPING;
    match number {
        0 => {
            let (loaded, stored) = (read(from), value as u32);
            write(to, stored);
            plain(loaded.into())
        }
        1 => {
            let loaded: u64;
            // SAFETY: a device's register, where no Rust object lives.
            unsafe { asm!("ldrsw {0}, [{0}]", inout(reg) from => loaded, options(nostack)) };
            write(to, value as u32);
            // Whether the sign was extended: this one has none.
            Made {
                changed: loaded >> 32,
                ..plain(loaded)
            }
        }
        2 => {
            // SAFETY: as above.
            unsafe { asm!("ldr wzr, [{}]", in(reg) from, options(nostack)) };
            write(to, value as u32);
            plain(0)
        }
        3 => {
            let loaded: u64;
            // SAFETY: as above.
            unsafe {
                asm!(
                    "ldar {loaded:w}, [{from}]",
                    "stlr {value:w}, [{to}]",
                    loaded = out(reg) loaded,
                    from = in(reg) from,
                    value = in(reg) value,
                    to = in(reg) to,
                    options(nostack),
                );
            }
            plain(loaded)
        }
        4 => {
            // SAFETY: as above; `ways.s` saves what the calling convention asks for.
            let both = unsafe { every_register(from, to, value) };
            Made {
                changed: both >> 32,
                ..plain(both & 0xffff_ffff)
            }
        }
        5 => visited(a64, EL0, as_it_is),
        6 => {
            let made = visited(a64, EL0 | STEP, stepping);
            write(to, value as u32);
            made
        }
        7 => visited(a64 + STORE, EL0 | STEP, stepping),
        8 => {
            let made = visited(a64, EL0, |there| {
                there.sctlr |= BIG_ENDIAN;
                there.registers[2] = (there.registers[2] as u32).swap_bytes().into();
            });
            Made {
                read: (made.read as u32).swap_bytes().into(),
                ..made
            }
        }
        9 => match feature::has_aarch32() {
            true => visited(a32, USER, as_it_is),
            false => plain(0),
        },
        _ => visited(
            from_a64 as *const () as u64 + STORE,
            EL1_DEBUGGED | STEP,
            stepping,
        ),
    }
}

/// SCTLR_EL1.
fn sctlr() -> u64 {
    let sctlr: u64;
    // SAFETY: reads a register.
    unsafe { asm!("mrs {}, sctlr_el1", out(reg) sctlr, options(nomem, nostack, preserves_flags)) };
    sctlr
}
