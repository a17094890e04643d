//! Writes what this vCPU saw into its own area of guest memory.

use core::ptr;

use crate::place;
use crate::probe::Outcome;
use crate::wire::{self, AreaHeader, Kind, Parameters, Record};

/// The record area of one vCPU.
pub struct Area {
    header: *mut AreaHeader,
    vcpu: u32,
    capacity: u32,
    overflow: bool,
}

impl Area {
    /// The area of vCPU `index`, where the host put it. `None` if the
    /// parameters leave no room for a single record.
    pub fn of(parameters: &Parameters, index: u32) -> Option<Area> {
        let records = size_of::<Record>() as u64;
        let room = parameters
            .stride
            .checked_sub(size_of::<AreaHeader>() as u64)?
            / records;
        let address = parameters
            .stride
            .checked_mul(index.into())?
            .checked_add(parameters.records)?;
        if room == 0 || address % 8 != 0 || parameters.records < place::least_records() {
            return None;
        }
        Some(Area {
            header: ptr::with_exposed_provenance_mut(address as usize),
            vcpu: index,
            capacity: u32::try_from(room).unwrap_or(u32::MAX),
            overflow: false,
        })
    }

    /// The area that is there, with room for so many bytes; `address` is aligned to 8.
    ///
    /// # Safety
    /// That memory is this area's alone.
    #[cfg(feature = "living")]
    pub unsafe fn at(address: u64, bytes: u64, index: u32) -> Area {
        let room =
            bytes.saturating_sub(size_of::<AreaHeader>() as u64) / size_of::<Record>() as u64;
        Area {
            header: ptr::with_exposed_provenance_mut(address as usize),
            vcpu: index,
            capacity: u32::try_from(room).unwrap_or(u32::MAX),
            overflow: false,
        }
    }

    /// Where the area begins, guest-physical.
    pub fn address(&self) -> u64 {
        self.header.expose_provenance() as u64
    }

    /// The index of the vCPU whose area it is.
    pub fn vcpu(&self) -> u32 {
        self.vcpu
    }

    /// Empties the area and claims it.
    pub fn begin(&mut self) {
        let empty = AreaHeader {
            magic: wire::AREA_MAGIC,
            count: 0,
            done: wire::DONE_NOT,
        };
        // SAFETY: `of` checked alignment; the host gave this memory to this
        // vCPU's records, and no reference to it exists.
        unsafe { ptr::write_volatile(self.header, empty) };
    }

    /// Whether everything was recorded.
    pub fn is_complete(&self) -> bool {
        self.header().done == wire::DONE_COMPLETE
    }

    /// Opens a finished area for what the vCPU sees when it is started once more.
    pub fn reopen(&mut self) {
        self.finish(wire::DONE_AGAIN);
    }

    /// Whether the vCPU that owns the area was started once more.
    pub fn is_reopened(&self) -> bool {
        self.header().done == wire::DONE_AGAIN
    }

    fn header(&self) -> AreaHeader {
        // SAFETY: as in `begin`.
        unsafe { ptr::read_volatile(self.header) }
    }

    /// Appends one record; remembers when there was no room for it.
    pub fn push(&mut self, kind: Kind, id: u64, status: u32, value: u64) {
        let count = self.header().count;
        if count >= self.capacity {
            self.overflow = true;
            return;
        }
        let record = Record {
            key: wire::key(kind, id),
            vcpu: self.vcpu,
            status,
            value,
        };
        // SAFETY: the record lies within the area, because `count` is below
        // `capacity`; it is 8-byte aligned, because the header is 16 bytes
        // and a record 24.
        unsafe {
            let first = self.header.add(1).cast::<Record>();
            ptr::write_volatile(first.add(count as usize), record);
            ptr::write_volatile(&raw mut (*self.header).count, count + 1);
        }
    }

    /// Appends what a probe came to.
    pub fn push_outcome(&mut self, kind: Kind, id: u64, outcome: Outcome) {
        self.push(kind, id, outcome.status(), outcome.value());
    }

    /// Forgets what may be there, of a vCPU that may never come to it.
    #[cfg(feature = "portable")]
    pub fn clear(&mut self) {
        // SAFETY: as in `begin`.
        unsafe { ptr::write_volatile(&raw mut (*self.header).magic, 0) };
    }

    /// Its header, once its vCPU has begun.
    #[cfg(feature = "portable")]
    pub fn begun(&self) -> Option<AreaHeader> {
        Some(self.header()).filter(|header| header.magic == wire::AREA_MAGIC)
    }

    /// The record at a place, as it is written out; nothing behind the last.
    #[cfg(feature = "portable")]
    pub fn entry(&self, at: usize) -> Option<wire::text::Entry> {
        if at >= self.begun()?.count.min(self.capacity) as usize {
            return None;
        }
        // SAFETY: as in `push`; whoever wrote it has finished, or is at other records.
        let record = unsafe { ptr::read_volatile(self.header.add(1).cast::<Record>().add(at)) };
        Some(wire::text::Entry {
            kind: record.key >> 48,
            id: wire::id_of(record.key),
            status: record.status,
            value: record.value,
        })
    }

    /// Marks the area complete, or says that records were lost.
    pub fn end(&mut self) {
        let count = self.header().count;
        self.push(Kind::End, 0, wire::STATUS_VALUE, count.into());
        self.finish(if self.overflow {
            wire::DONE_OVERFLOW
        } else {
            wire::DONE_COMPLETE
        });
    }

    /// Sets `done`, after everything written before has become visible.
    pub fn finish(&mut self, done: u32) {
        publish();
        // SAFETY: as in `begin`.
        unsafe { ptr::write_volatile(&raw mut (*self.header).done, done) };
        publish();
        // SAFETY: an event for whoever is in `wait`; no memory is touched.
        unsafe { core::arch::asm!("sev", options(nomem, nostack, preserves_flags)) };
    }

    /// Whether the vCPU that owns the area has finished, well or not.
    pub fn is_finished(&self) -> bool {
        !matches!(self.header().done, wire::DONE_NOT | wire::DONE_AGAIN)
    }
}

/// Waits for a vCPU to finish, or for nothing: an event may come early, and an interrupt of the host is one.
/// Spinning would keep the vCPU that is waited for from its share of the host; where WFE traps, KVM gives it to
/// that one (arch/arm64/kvm/handle_exit.c `kvm_handle_wfx`).
pub fn wait() {
    // SAFETY: a hint, which ends with an event (Arm ARM section D1.7); no memory is touched.
    unsafe { core::arch::asm!("wfe", options(nomem, nostack, preserves_flags)) };
}

fn publish() {
    // SAFETY: a barrier. The compiler must keep memory accesses on their side
    // of it, because the block is not declared `nomem`.
    unsafe { core::arch::asm!("dsb sy", options(nostack, preserves_flags)) };
}
