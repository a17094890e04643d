//! What keeps a running guest from running: who holds it, and what is at rest then.
//!
//! [`barrier`] keeps the vCPUs out of KVM_RUN for as long as anybody holds the guest.

pub mod barrier;
