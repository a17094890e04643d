//! A running guest handed over to another runner on the same host, without a file: `migrate` and `receive`.
//!
//! Who may run the guest is a lock on its memory ([`right`]), which the kernel gives to one of them. What both say to each
//! other, and what follows from it, is pure ([`protocol`]); [`wire`] carries it. [`hands`] is what goes from one to the
//! other beside words: descriptors of memory, disks and taps. The giving end is `control/operator/hand.rs`, on the thread that
//! answers the control socket; the taking end is `arriving.rs`, and `control/migrator.rs` brings them together.

pub mod hands;
pub mod id;
pub mod protocol;
pub mod right;
pub mod wire;
