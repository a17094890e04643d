//! What keeps a running guest from running: who holds it, and what is at rest then.
//!
//! [`barrier`] keeps the vCPUs out of KVM_RUN for as long as anybody holds the guest; [`pausing`] brings the whole machine
//! to rest for its operator, whom a [`bell`](mod@bell) wakes. [`outlet`] lets it run, and nothing leave it.

pub mod barrier;
pub mod bell;
pub mod outlet;
pub mod pausing;
