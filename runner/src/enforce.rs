//! Carries a plan out and proves that it holds.
//!
//! [`apply`] builds the VM and writes what has to be written; [`verify`] reads
//! everything back, lets KVM finalise every vCPU, reads everything back again
//! and only then hands out a [`verify::Verified`], without which no guest
//! instruction can be run.

pub mod apply;
pub mod resume;
pub mod verify;
