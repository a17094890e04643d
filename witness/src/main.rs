//! The witness: a guest that reads everything a guest can read at EL1, on
//! every vCPU, writes it to memory for the host, and powers off.
//!
//! With the feature `portable` it is the same guest under anybody's virtual machine monitor: `front` finds out by
//! the device tree what else the host says, and writes the records to a console.
//!
//! With the feature `living` it is no guest at all: `living` reads, on a vCPU that another guest has lent, what can be
//! read there without that guest's notice. The rest of the program is not linked then.
//!
//! Absent on purpose: exceptions by interrupts (all masked), writable statics, heap,
//! a second guess about anything that was read. What the records mean
//! and which of them a lock promises is decided on the host.

#![no_std]
#![no_main]
#![cfg_attr(
    feature = "living",
    expect(dead_code, reason = "in a living guest nothing is driven")
)]

#[cfg(feature = "torture")]
mod accesses;
mod boot;
mod device;
mod entry;
mod feature;
#[cfg(feature = "portable")]
mod found;
#[cfg(feature = "portable")]
mod front;
mod gic;
#[cfg(feature = "living")]
mod living;
#[cfg(any(feature = "portable", feature = "living"))]
mod memory;
#[cfg(feature = "torture")]
mod moments;
mod place;
mod probe;
mod reach;
mod record;
#[cfg(not(feature = "portable"))]
mod ring;
mod smccc;
mod sysreg;
#[cfg(feature = "torture")]
mod torture;
mod unmapped;

use core::panic::PanicInfo;

#[cfg(feature = "living")]
use living::give_up;
use probe::Outcome;
use record::Area;
use vmlock_wire as wire;
#[cfg(feature = "torture")]
use vmlock_wire::{accesses as table, torture as fire};
use wire::{Kind, Parameters};

/// Whether that is looked at: in a machine of its own the witness looks at everything.
fn asks(kind: Kind, id: u64) -> bool {
    !cfg!(feature = "living") || wire::living::judged(wire::key(kind, id)).is_some()
}

/// Affinity fields of an MPIDR_EL1.
const AFFINITY: u64 = 0xff_00ff_ffff;

/// What the host wrote, if this witness understands it.
fn parameters() -> Option<&'static Parameters> {
    let address = core::ptr::with_exposed_provenance::<Parameters>(place::parameters() as usize);
    // SAFETY: the address is aligned RAM that the host filled before vCPU 0
    // started and that nobody writes afterwards; every bit pattern is a valid
    // `Parameters`.
    let parameters = unsafe { &*address };
    let known = parameters.magic == wire::PARAMETERS_MAGIC && parameters.version == wire::VERSION;
    known.then_some(parameters)
}

/// The affinity by which CPU_ON knows vCPU `index`.
fn affinity(parameters: &Parameters, index: u32) -> Option<u64> {
    if index >= parameters.vcpus {
        return None;
    }
    let mpidr = parameters.mpidr.get(index as usize)?;
    Some(mpidr & AFFINITY)
}

/// What every vCPU does, called by `boot.s` with its index.
extern "C" fn witness(index: u64) {
    #[cfg(feature = "portable")]
    front::begin(index);
    let area = parameters().and_then(|parameters| {
        let index = u32::try_from(index).ok()?;
        let own = affinity(parameters, index)?;
        Some((parameters, index, own, Area::of(parameters, index)?))
    });
    let Some((parameters, index, own, mut area)) = area else {
        // Nothing can be reported; the host finds areas without their magic.
        smccc::system_off();
        return;
    };
    #[cfg(feature = "torture")]
    if parameters.mode == wire::MODE_TORTURE {
        torture::run(parameters, index);
    }
    #[cfg(feature = "torture")]
    if parameters.mode == wire::MODE_ACCESSES {
        accesses::run(parameters, index);
    }
    #[cfg(feature = "torture")]
    if parameters.mode == wire::MODE_MOMENTS {
        moments::run(parameters, index);
    }
    if area.is_reopened() {
        entry::once_more(&mut area, index);
        area.end();
        smccc::cpu_off();
        return;
    }
    area.begin();
    observe(&mut area, parameters, index, own);
    if index != 0 {
        if parameters.mode == wire::MODE_FULL {
            entry::leave();
        }
        area.end();
        smccc::cpu_off();
        return;
    }
    visit_others(&mut area, parameters);
    area.end();
    power_off();
}

/// The end of everything.
fn power_off() {
    #[cfg(feature = "portable")]
    front::report();
    smccc::system_off();
    #[cfg(feature = "portable")]
    front::still_here();
}

fn observe(area: &mut Area, parameters: &Parameters, index: u32, own: u64) {
    entry::state(area, index, 0);
    if parameters.mode == wire::MODE_LIGHT {
        sysreg::light(area);
    } else {
        sysreg::full(area);
        feature::each(area);
        unmapped::full(area, parameters);
        if index == 0 {
            devices(area, parameters);
            reach::full(area, parameters);
        }
    }
    if parameters.gicd != 0 && index == 0 {
        gic::distributor(area, parameters.gicd);
    }
    if parameters.searches != 0 && index == 0 {
        let searches = parameters.search.iter();
        gic::search(area, searches.take(parameters.searches as usize));
    }
    let redistributor = parameters.redistributor(index);
    if redistributor != 0 {
        gic::redistributor(area, redistributor);
    }
    if index == 0 {
        smccc::full(area, own, affinity(parameters, 1));
    } else {
        smccc::each(area, own);
    }
    smccc::stolen_time(area);
    // Last, since it sets the interrupt controller up and has the devices work.
    #[cfg(not(feature = "portable"))]
    if parameters.mode == wire::MODE_FULL && index == 0 {
        ring::each(area, parameters);
    }
}

/// The devices are one for all: vCPU 0 looks at them.
fn devices(area: &mut Area, parameters: &Parameters) {
    if parameters.uart != 0 {
        device::uart(area, parameters.uart);
    }
    if parameters.rtc != 0 {
        device::rtc(area, parameters.rtc);
    }
    for (index, &base) in (0..).zip(&parameters.virtio) {
        if base != 0 {
            device::virtio(area, index, base);
        }
    }
}

/// Starts the other vCPUs one after another and waits for each.
fn visit_others(area: &mut Area, parameters: &Parameters) {
    for index in 1..parameters.vcpus {
        let (Some(mpidr), Some(mut other)) =
            (affinity(parameters, index), Area::of(parameters, index))
        else {
            return;
        };
        other.begin();
        let outcome = smccc::cpu_on(mpidr, index);
        let started = is_success(outcome);
        if started && !finishes(&other) {
            area.push(Kind::CpuOn, index.into(), wire::STATUS_TIMEOUT, 0);
            return;
        }
        area.push_outcome(Kind::CpuOn, index.into(), outcome);
        if started && parameters.mode == wire::MODE_FULL && other.is_complete() {
            other.reopen();
            if !starts_again(mpidr, index) || !finishes(&other) {
                let again = u64::from(index) | wire::ON_AGAIN;
                area.push(Kind::CpuOn, again, wire::STATUS_TIMEOUT, 0);
                return;
            }
        }
    }
}

fn is_success(outcome: Outcome) -> bool {
    outcome.status() == wire::STATUS_VALUE && outcome.value() == 0
}

/// Starts a vCPU that is about to turn itself off, as soon as it has, within [`wire::PATIENCE`].
fn starts_again(mpidr: u64, index: u32) -> bool {
    let begun = sysreg::now();
    let limit = sysreg::frequency().saturating_mul(wire::PATIENCE);
    while !is_success(smccc::cpu_on(mpidr, index)) {
        if sysreg::now().wrapping_sub(begun) > limit {
            return false;
        }
    }
    true
}

/// Waits until the owner of the area has finished, within [`wire::PATIENCE`].
fn finishes(area: &Area) -> bool {
    let begun = sysreg::now();
    let limit = sysreg::frequency().saturating_mul(wire::PATIENCE);
    while !area.is_finished() {
        if sysreg::now().wrapping_sub(begun) > limit {
            return false;
        }
        record::wait();
    }
    true
}

/// Reports an exception that no probe provoked, called by `boot.s`.
extern "C" fn fault(esr: u64, elr: u64, far: u64) {
    give_up(&[esr, elr, far], 0);
}

/// Writes what there is to say, marks this vCPU's area as failed and stops.
#[cfg(not(feature = "living"))]
fn give_up(values: &[u64], first: u64) {
    let index: u64;
    // SAFETY: `boot.s` put this vCPU's index there before any Rust code ran.
    unsafe {
        core::arch::asm!("mrs {}, tpidr_el1", out(reg) index, options(nomem, nostack, preserves_flags));
    }
    let area = parameters().and_then(|parameters| Area::of(parameters, u32::try_from(index).ok()?));
    if let Some(mut area) = area {
        for (id, value) in (first..).zip(values) {
            area.push(Kind::Fault, id, wire::STATUS_VALUE, *value);
        }
        area.finish(wire::DONE_FAULT);
    }
    if index == 0 {
        power_off();
    } else {
        smccc::cpu_off();
    }
}

#[panic_handler]
fn panic(_: &PanicInfo) -> ! {
    give_up(&[0], 3);
    loop {
        core::hint::spin_loop();
    }
}
