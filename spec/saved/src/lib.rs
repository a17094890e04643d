//! A guest that was saved: what its state is, and the file in which it stands.
//!
//! A running machine is its lock, which says what every guest of it sees, and its state, which is this guest's own:
//! registers, interrupts that are under way, a counter, what devices were told, memory. `state.rs` has the nouns of
//! the state, `owned.rs` which of KVM's registers are in it; `file.rs` how they stand in a file, who writes it and who
//! reads it; `carry.rs` how a state goes to another host, or why it cannot; `counter.rs` what its counter counted meanwhile.
//!
//! What is absent here, on purpose: KVM, paths, threads, printing. A file is something with positions, to read from
//! or to write to. Whatever comes out of it is as much to be believed as what a guest says: nothing.

pub mod carry;
pub mod counter;
pub mod device;
pub mod file;
pub mod hex;
pub mod owned;
pub mod shape;
pub mod state;
pub mod text;

pub use file::{Contents, Failed, ReadAt, Refused, Saved, WriteAt, Writer, open};
pub use state::State;
