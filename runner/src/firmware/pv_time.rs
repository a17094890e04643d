//! Paravirtualised time (DEN0057), of which the runner answers what is there. Where a vCPU has its stolen time
//! only the kernel says, which writes it.

use super::{Call, NOT_SUPPORTED, Outcome};
use vmlock_spec::smccc::Services;

const PV_TIME_FEATURES: u32 = 0xc500_0020;
const PV_TIME_ST: u32 = 0xc500_0021;

/// Answers a PV_TIME function. `PV_TIME_FEATURES` and `PV_TIME_ST` answer
/// NOT_SUPPORTED where the vCPU has no stolen-time structure (DEN0057 sections
/// 3.2 and 3.3).
pub fn answer(services: &Services, call: &Call) -> Outcome {
    let there = services.std_hyp & 1 != 0 && services.stolen_time;
    let about = call.arguments[0] as u32;
    match call.function {
        PV_TIME_FEATURES if there && matches!(about, PV_TIME_FEATURES | PV_TIME_ST) => {
            Outcome::one(0)
        }
        _ => Outcome::one(NOT_SUPPORTED),
    }
}
