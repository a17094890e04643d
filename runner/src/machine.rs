//! The machine around the vCPUs: boot, and the threads that run it.

pub mod alarm;
pub mod boot;
pub mod home;
pub mod image;
pub mod loan;
pub mod pause;
pub mod reader;
#[cfg(target_arch = "aarch64")]
pub mod run;
pub mod terminal;
