//! A generation id (`vmgenid-1`): 16 random bytes by which a guest tells whether it is the one that it was, or a copy that
//! goes on from the same save file (Documentation/devicetree/bindings/rng/microsoft,vmgenid.yaml of Linux).
//!
//! It is memory, in a slot of its own beside the guest's, which the guest can read and not write: so nothing of it is the
//! guest's, it is in no save file, and each machine that is made has new bytes. They are written before the machine has a vCPU and
//! never after, so a guest that maps the page without caches reads them too. That they are new, a guest that goes on hears by
//! an edge of the id's interrupt ([`vmlock_saved::state::gic::Gic::pulse`]).
//!
//! A guest that is handed over to another runner is no copy: there is one of it at any time, as with what Microsoft's paper
//! (*Virtual Machine Generation ID*) calls a live migration, for which it keeps the id. So its bytes go with it.

use crate::failure::Failure;
use crate::firmware::entropy::Entropy;
use crate::handover::id::{Id, SIZE};
use crate::kvm::Vm;
use crate::memory::Memory;
use std::sync::Arc;
use vmlock_spec::lock::Range;

/// A new id.
///
/// # Errors
/// The host has no random numbers.
pub fn new() -> Result<Id, Failure> {
    let mut id = [0; SIZE];
    match Entropy::open().fill(&mut id) {
        true => Ok(Id::from(id)),
        false => Err(Failure::environment(
            "the host has no random numbers for `vmgenid`",
            &["look at /dev/random", "or leave `vmgenid` out of the spec"],
        )),
    }
}

/// Gives a machine that has no vCPU yet that id in that range.
///
/// # Errors
/// KVM refuses.
pub fn give(vm: &Vm, range: Range, id: Id) -> Result<(), Failure> {
    let failed = |words: String| Failure::environment(format!("the generation id: {words}"), &[]);
    let memory = Memory::sparse(range).map_err(failed)?;
    memory.write(range.base, &id.bytes()).map_err(failed)?;
    vm.slot(Arc::new(memory), range, true)?.give()?;
    Ok(())
}
