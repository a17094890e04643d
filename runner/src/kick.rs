//! The signal that kicks a vCPU's thread out of KVM_RUN: who runs a guest sends it, KVM's door handles it, and it is let
//! through before there are threads.

use vmm_sys_util::signal::SIGRTMIN;

/// Something that makes a thread come out of KVM_RUN, also when it is just about to go in.
pub type Kicker = Box<dyn Fn() + Send>;

/// Its number. It ends nothing.
pub fn kick() -> libc::c_int {
    SIGRTMIN()
}
