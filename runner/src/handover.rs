//! A running guest handed over to another runner, without a file: `migrate` and `receive`.
//!
//! Who may run the guest is a lock on its memory ([`right`]), which the kernel gives to one of them. What both say to each
//! other, and what follows from it, is pure ([`protocol`]); [`wire`] carries it. [`hands`] is what goes from one to the
//! other beside words: descriptors of memory, disks and taps. The giving end is `control/operator/hand.rs`, on the thread that
//! answers the control socket; the taking end is `arriving.rs`, and `control/migrator.rs` brings them together.
//!
//! To an end on another host the same words go by [`far`], through `control/courier.rs`: a process without a jail and without the
//! guest, which is the other end to the guest's own runner, and copies the guest's memory ([`copy`]). There is no lock that
//! two hosts have: who may run the guest follows from [`protocol::Message::Commit`] alone.

pub mod copy;
pub mod far;
pub mod hands;
pub mod id;
pub mod protocol;
pub mod right;
pub mod wire;
