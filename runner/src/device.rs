//! Devices of the machine, as the guest reaches them: through memory-mapped
//! registers. None trusts the guest.

pub mod bus;
pub mod clock;
pub mod rate;
pub mod serial;
