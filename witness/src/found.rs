//! What the portable witness has found out about its machine, kept beside the parameters.

use core::ptr;

use crate::place::of;
use crate::probe::Conduit;
use crate::wire::tree::{Machine, Uart};

unsafe extern "C" {
    static __front: u8;
}

/// What was found.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Found {
    /// Where the account goes.
    pub uart: Option<Uart>,
    /// How PSCI is called.
    pub conduit: Conduit,
    /// All that the device tree says.
    pub machine: Machine,
    /// Bytes of the device tree.
    pub tree: usize,
    /// Whether the account is being written, in which nothing may fail twice.
    pub reporting: bool,
}

fn place() -> *mut Found {
    ptr::with_exposed_provenance_mut(of!(__front) as usize)
}

/// What was kept.
pub fn read() -> Found {
    // SAFETY: vCPU 0 kept it before anything asked, and the other vCPUs were started after that.
    unsafe { ptr::read(place()) }
}

/// Keeps it; vCPU 0 alone does.
pub fn keep(found: Found) {
    // SAFETY: a page behind the image of its own, and no reference to it exists.
    unsafe { ptr::write(place(), found) };
}
