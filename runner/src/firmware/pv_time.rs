//! Paravirtualised time (DEN0057) for a guest that was given no structure: the
//! functions are known, and stolen time is not offered.

use super::{Call, NOT_SUPPORTED, Outcome};

/// Answers a PV_TIME function. `PV_TIME_FEATURES` and `PV_TIME_ST` answer
/// NOT_SUPPORTED where the vCPU has no stolen time structure (DEN0057 sections
/// 3.2 and 3.3), and this runner gives none.
pub fn answer(_call: &Call) -> Outcome {
    Outcome::one(NOT_SUPPORTED)
}
