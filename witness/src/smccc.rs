//! Asks firmware what `vmlock_wire::calls` lists, and calls it for the witness's own ends.

use core::mem::MaybeUninit;

use crate::asks;
use crate::boot;
use crate::place;
use crate::probe::{self, Conduit, Outcome};
use crate::record::Area;
use crate::wire::calls::*;
use crate::wire::{self, Kind};

/// PSCI SYSTEM_SUSPEND.
const PSCI_SYSTEM_SUSPEND: u32 = 0xc400_000e;

fn outcome(conduit: Conduit, function: u32, arguments: [u64; 3]) -> Outcome {
    let [x1, x2, x3] = arguments;
    match probe::call(conduit, [function.into(), x1, x2, x3]) {
        Ok([x0, ..]) => Outcome::Value(x0),
        Err(esr) => Outcome::Exception(esr),
    }
}

/// Records x0 up to `results` registers of a call without arguments.
fn plain(area: &mut Area, kind: Kind, conduit: Conduit, function: u32, results: usize) {
    if !asks(kind, wire::call(function, 0, 0)) {
        return;
    }
    match probe::call(conduit, [function.into(), 0, 0, 0]) {
        Ok(values) => {
            for (n, value) in (0..).zip(values).take(results) {
                let id = wire::call(function, n, 0);
                area.push_outcome(kind, id, Outcome::Value(value));
            }
        }
        Err(esr) => {
            area.push_outcome(kind, wire::call(function, 0, 0), Outcome::Exception(esr));
        }
    }
}

/// Records x0 of a call with arguments, where there is such a case.
fn with(area: &mut Area, function: u32, case: u64, own: u64, other: Option<u64>) {
    let Some(arguments) = arguments(function, case, own, other)
        .filter(|_| asks(Kind::HvcArguments, wire::call(function, 0, case)))
    else {
        return;
    };
    let mut outcome = outcome(Conduit::Hvc, function, arguments);
    if SUCCESS_ALONE.contains(&case) {
        // An error is negative in the width of the function: 32-bit ones are seen
        // with and without sign extension.
        outcome = outcome.map(|x0| match (x0 as i64) < 0 || x0 >> 31 == 1 {
            true => x0,
            false => 0,
        });
    }
    area.push_outcome(Kind::HvcArguments, wire::call(function, 0, case), outcome);
}

/// Records what every vCPU asks.
pub fn each(area: &mut Area, mpidr: u64) {
    for function in [PSCI_VERSION, SMCCC_VERSION] {
        plain(area, Kind::Hvc, Conduit::Hvc, function, 1);
    }
    for function in [
        PSCI_SYSTEM_RESET2,
        PSCI_SYSTEM_OFF2,
        PSCI_CPU_ON,
        PSCI_SYSTEM_SUSPEND,
    ] {
        features(area, PSCI_FEATURES, Kind::PsciFeatures, function);
    }
    for function in [0x8000_8000, 0x8000_7fff, 0x8000_3fff, PV_TIME_FEATURES] {
        features(area, SMCCC_ARCH_FEATURES, Kind::ArchFeatures, function);
    }
    with(area, PSCI_AFFINITY_INFO, wire::CASE_SELF, mpidr, None);
    plain(area, Kind::Hvc, Conduit::Hvc, PV_TIME_ST, 1);
    plain(area, Kind::Hvc, Conduit::Hvc, VENDOR_FEATURES, 4);
    smc(area);
}

/// Records what stands in the structure that this vCPU is told of, if it is told of one.
pub fn stolen_time(area: &mut Area) {
    let Outcome::Value(address) = outcome(Conduit::Hvc, PV_TIME_ST, [0; 3]) else {
        return;
    };
    // An address in the identity map; an error is negative.
    if address % 64 != 0 || !(place::least_stolen()..boot::IDENTITY_END).contains(&address) {
        return;
    }
    let (revision, attributes) = (probe::read32(address), probe::read32(address + 4));
    let head = match attributes {
        Outcome::Value(high) => revision.map(|low| high << 32 | low),
        exception => exception,
    };
    area.push_outcome(Kind::Use, wire::USE_STOLEN_TIME, head);
    let time = probe::read32(address + 8);
    area.push_outcome(Kind::Use, wire::USE_STOLEN_NANOSECONDS, time);
}

/// Records every service. vCPU 1, if there is one, must not have been started.
pub fn full(area: &mut Area, mpidr: u64, other: Option<u64>) {
    for &(function, results) in CALLS {
        plain(area, Kind::Hvc, Conduit::Hvc, function, results);
    }
    for number in 0..=LAST_PSCI {
        for width in [0x8400_0000, 0xc400_0000] {
            features(area, PSCI_FEATURES, Kind::PsciFeatures, width | number);
        }
    }
    for &function in PSCI_ARCHITECTURE {
        features(area, PSCI_FEATURES, Kind::PsciFeatures, function);
    }
    for &function in ARCH_FEATURES {
        features(area, SMCCC_ARCH_FEATURES, Kind::ArchFeatures, function);
    }
    for &function in TRNG_FUNCTIONS {
        features(area, TRNG_FEATURES, Kind::TrngFeatures, function);
    }
    for &function in PV_TIME_FUNCTIONS {
        features(area, PV_TIME_FEATURES, Kind::PvTimeFeatures, function);
    }
    for &(function, case) in WITH_ARGUMENTS {
        with(area, function, case, mpidr, other);
    }
    smc(area);
    for &function in LEAVE_REGISTERS {
        left(area, Kind::HvcLeaves, Conduit::Hvc, function);
        left(area, Kind::SmcLeaves, Conduit::Smc, function);
    }
}

fn features(area: &mut Area, asked: u32, kind: Kind, function: u32) {
    let outcome = outcome(Conduit::Hvc, asked, [function.into(), 0, 0]);
    area.push_outcome(kind, function.into(), outcome);
}

/// Records what a call leaves in x0 to x17.
fn left(area: &mut Area, kind: Kind, conduit: Conduit, function: u32) {
    let id = wire::call(function, 0, 0);
    let mut room = MaybeUninit::uninit();
    let registers = probe::call_with_all(conduit, function, &mut room);
    let outcome = |seen: fn(&[u64; 18]) -> u64| match registers {
        Ok(registers) => Outcome::Value(seen(registers)),
        Err(esr) => Outcome::Exception(esr),
    };
    area.push_outcome(kind, id, outcome(wire::left));
    if conduit == Conduit::Smc && !BY_SMC.contains(&function) {
        area.push_outcome(Kind::Smc, id, outcome(|registers| registers[0]));
    }
}

fn smc(area: &mut Area) {
    for &function in BY_SMC {
        plain(area, Kind::Smc, Conduit::Smc, function, 1);
    }
}

/// How PSCI is called for the witness's own ends.
fn own_conduit() -> Conduit {
    #[cfg(feature = "portable")]
    return crate::found::read().conduit;
    #[cfg(not(feature = "portable"))]
    Conduit::Hvc
}

/// Starts the vCPU with this affinity, as the one with that index.
pub fn cpu_on(mpidr: u64, index: u32) -> Outcome {
    let entry = boot::secondary_entry as *const () as usize as u64;
    outcome(
        own_conduit(),
        PSCI_CPU_ON,
        [mpidr, entry, place::block(index)],
    )
}

/// Stops this vCPU; returns only if that is refused.
pub fn cpu_off() {
    outcome(own_conduit(), PSCI_CPU_OFF, [0; 3]);
}

/// Ends the machine; returns only if that is refused.
pub fn system_off() {
    outcome(own_conduit(), PSCI_SYSTEM_OFF, [0; 3]);
}
