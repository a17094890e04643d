//! KVM's own hypervisor calls: who answers, what it offers, the host's clock,
//! and the CPU implementations on which the guest may find itself
//! (Documentation/virt/kvm/arm/hypercalls.rst and ptp_kvm.rst, 7.3).

use super::{Call, NOT_SUPPORTED, Outcome, World};
use vmlock_spec::smccc::{Services, VENDOR_HYP_UID};

/// `INVALID_PARAMETER` (SMCCC, DEN0028 section 7.1).
pub const INVALID_PARAMETER: u64 = -3i64 as u64;

/// Version 1.0 of the discovery of implementations.
const DISCOVERY: u64 = 0x1_0000;

/// Answers a vendor function.
pub fn answer(services: &Services, call: &Call, world: &mut dyn World) -> Outcome {
    let offered = |bitmap: u64, bit: u32| bitmap >> bit & 1 != 0;
    let identity = offered(services.vendor_hyp, 0);
    match call.function {
        0x8600_ff01 if identity => Outcome::Return(VENDOR_HYP_UID),
        0x8600_0000 if identity => {
            Outcome::Return([services.vendor_hyp, 0, services.vendor_hyp_2, 0])
        }
        0x8600_0001 if offered(services.vendor_hyp, 1) => clock(call.arguments[0] as u32, world),
        0xc600_0040 if offered(services.vendor_hyp_2, 0) && services.implementation.is_some() => {
            Outcome::Return([0, DISCOVERY, 1, 0])
        }
        0xc600_0041 if offered(services.vendor_hyp_2, 1) => {
            match (services.implementation, call.arguments[0]) {
                (Some([midr, revidr, aidr]), 0) => Outcome::Return([0, midr, revidr, aidr]),
                (Some(_), _) => Outcome::one(INVALID_PARAMETER),
                (None, _) => Outcome::one(NOT_SUPPORTED),
            }
        }
        _ => Outcome::one(NOT_SUPPORTED),
    }
}

/// PTP: the wall clock and a counter of the same instant, each as two halves.
/// Argument 0 asks for the virtual counter, 1 for the physical one.
fn clock(counter: u32, world: &mut dyn World) -> Outcome {
    let instant = match counter {
        0 => world.instant(false),
        1 => world.instant(true),
        _ => None,
    };
    match instant {
        Some((time, count)) => Outcome::Return([
            time >> 32,
            time & 0xffff_ffff,
            count >> 32,
            count & 0xffff_ffff,
        ]),
        None => Outcome::one(NOT_SUPPORTED),
    }
}
