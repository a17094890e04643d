//! A vCPU lent to its own exit: for a few instructions of ours it is not the guest's.
//!
//! There is what only a vCPU can do: an access to an in-kernel device as the guest makes it, a look at a
//! register that KVM_GET_ONE_REG does not tell. The guest must not notice, so for the time of the loan
//!
//! * every other vCPU is outside KVM_RUN (a [`Stopped`](super::pause::Stopped) is the proof);
//! * the instructions stand in a page that is there only then, and read-only to the guest ([`page`]);
//! * stage 1 of the translation is off, D, A, I and F are masked, MDSCR_EL1 is clear and VBAR_EL1 points into
//!   the page: neither interrupts, SError, single steps nor an exception of the instructions reach the guest;
//! * all registers that are used are put aside, put back, and read back ([`lend`]).
//!
//! The same is done for whoever audits a living guest, with the whole guest at rest ([`look`]).
//!
//! What cannot be hidden is time: counters go on, and a cycle counter that the guest has enabled. So loans are
//! for what nothing else can do, are counted, and whoever asks for many is made to wait ([`pace`]).
//!
//! The exit is completed before the loan, because KVM_RUN would complete it anyway: a read's value is put into its
//! register afterwards ([`load`], [`held`]).

#[cfg(target_arch = "aarch64")]
pub mod held;
#[cfg(target_arch = "aarch64")]
pub mod lend;
pub mod load;
#[cfg(target_arch = "aarch64")]
pub mod look;
pub mod pace;
pub mod page;
