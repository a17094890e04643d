//! virtio devices without their host (virtio 1.2, OASIS, 1 July 2022: "the
//! standard" in all of this crate): registers, rings, and what each request means.
//!
//! [`mmio`] answers a guest's accesses and hands a [`mmio::Activation`] to whoever
//! serves the device; [`ring`] takes chains of buffers out of a virtqueue and
//! gives them back, [`chain`] reads one and checks all of it; one file for each
//! kind of device says what is in them. [`saved`] is what of it outlives a run.
//!
//! Everything that a guest writes is hostile, and everything gets an answer. Here
//! is no KVM, no file, no clock and no thread: what the runner runs is what the
//! fuzzers call.

#![forbid(unsafe_code)]

pub mod block;
pub mod chain;
pub mod console;
#[cfg(any(test, feature = "fuzz"))]
pub mod driver;
pub mod entropy;
pub mod features;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
pub mod mmio;
pub mod net;
pub mod random;
pub mod ring;
pub mod saved;
pub mod signals;
pub mod vsock;
