//! The state this vCPU began with: what its first instructions put aside, and
//! what nobody has changed since.

use core::ptr;

use crate::boot;
use crate::place;
use crate::probe::{self, Outcome, RET, Stub};
use crate::record::Area;
use crate::sysreg::{mrs, msr};
use crate::wire::{Kind, entry};

/// The reading instruction of each register of [`entry::READ`].
static STUBS: [Stub; entry::READ.len()] = {
    let mut stubs = [[0, RET]; entry::READ.len()];
    let mut i = 0;
    while i < stubs.len() {
        stubs[i][0] = mrs(entry::READ[i] & !entry::SYSTEM);
        i += 1;
    }
    stubs
};

/// The writing instruction of each.
static LEAVE: [Stub; entry::READ.len()] = {
    let mut stubs = [[0, RET]; entry::READ.len()];
    let mut i = 0;
    while i < stubs.len() {
        stubs[i][0] = msr(entry::READ[i] & !entry::SYSTEM);
        i += 1;
    }
    stubs
};

/// The reading instruction of each register of [`entry::AGAIN`].
static AGAIN: [Stub; entry::AGAIN.len()] = {
    let mut stubs = [[0, RET]; entry::AGAIN.len()];
    let mut i = 0;
    while i < stubs.len() {
        stubs[i][0] = mrs(entry::AGAIN[i] & !entry::SYSTEM);
        i += 1;
    }
    stubs
};

/// Leaves other values than it began with, for whoever starts this vCPU once more to reset. Has to be the last that is
/// done before CPU_OFF.
pub fn leave() {
    for (value, stub) in entry::LEAVES.iter().zip(&LEAVE) {
        if let Some(value) = *value {
            probe::run(stub, value);
        }
    }
    // SAFETY: what is done after it holds no floating-point value across the call.
    unsafe { boot::leave_vectors() };
}

/// Records what a vCPU that was started once more began with.
pub fn once_more(area: &mut Area, vcpu: u32) {
    state(area, vcpu, entry::LATER);
    for (id, stub) in entry::AGAIN.iter().zip(&AGAIN) {
        let outcome = probe::run(stub, 0);
        area.push_outcome(Kind::Entry, *id | entry::LATER, outcome);
    }
}

/// Records all of it, with `which` set in the ids. Has to come before anything
/// that takes an exception or selects a cache.
pub fn state(area: &mut Area, vcpu: u32, which: u64) {
    let block = ptr::with_exposed_provenance::<u64>(place::block(vcpu) as usize);
    for (at, id) in entry::WORDS.iter().enumerate() {
        // SAFETY: the block is this vCPU's own and aligned; `boot.s` wrote it, and nobody writes it any more.
        let value = unsafe { ptr::read_volatile(block.add(at)) };
        area.push_outcome(Kind::Entry, *id | which, Outcome::Value(value));
    }
    for (id, stub) in entry::READ.iter().zip(&STUBS) {
        area.push_outcome(Kind::Entry, *id | which, probe::run(stub, 0));
    }
}
