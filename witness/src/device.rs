//! The devices that the runner makes, as a guest sees them. What is looked at, and
//! in which order, is [`vmlock_wire::device`]'s; here are the accesses.

use crate::probe::{self, Outcome};
use crate::record::Area;
use crate::wire::Kind;
use crate::wire::device::{self, Frame};
use crate::wire::virtio::{self, Window};

/// How wide a device's registers are.
#[derive(Clone, Copy)]
enum Width {
    Byte,
    Word,
}

struct Registers<'a> {
    area: &'a mut Area,
    base: u64,
    width: Width,
}

fn result(outcome: Outcome) -> Result<u64, u64> {
    match outcome {
        Outcome::Value(value) => Ok(value),
        Outcome::Exception(esr) => Err(esr),
    }
}

impl Frame for Registers<'_> {
    fn read(&mut self, offset: u64) -> Result<u64, u64> {
        let address = self.base + offset;
        result(match self.width {
            Width::Byte => probe::read8(address),
            Width::Word => probe::read32(address),
        })
    }

    fn write(&mut self, offset: u64, value: u32) -> Result<(), u64> {
        let address = self.base + offset;
        let outcome = match self.width {
            Width::Byte => probe::write8(address, value),
            Width::Word => probe::write32(address, value),
        };
        result(outcome).map(|_| ())
    }

    fn record(&mut self, kind: Kind, id: u64, seen: Result<u64, u64>) {
        let outcome = match seen {
            Ok(value) => Outcome::Value(value),
            Err(esr) => Outcome::Exception(esr),
        };
        self.area.push_outcome(kind, id, outcome);
    }
}

/// Records the UART whose registers are at `base`.
pub fn uart(area: &mut Area, base: u64) {
    let width = Width::Byte;
    device::uart(&mut Registers { area, base, width });
}

/// Records the clock whose registers are at `base`.
pub fn rtc(area: &mut Area, base: u64) {
    let width = Width::Word;
    device::rtc(&mut Registers { area, base, width });
}

/// A virtio device's registers.
pub struct Virtio<'a> {
    /// Where what is seen is recorded.
    pub area: &'a mut Area,
    /// Guest-physical address of the first one.
    pub base: u64,
    /// The device's number.
    pub index: u64,
}

impl Window for Virtio<'_> {
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64> {
        let address = self.base + offset;
        result(match bytes {
            1 => probe::read8(address),
            2 => probe::read16(address),
            4 => probe::read32(address),
            _ => probe::read64(address),
        })
    }

    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64> {
        let address = self.base + offset;
        let outcome = match bytes {
            1 => probe::write8(address, value as u32),
            2 => probe::write16(address, value as u32),
            4 => probe::write32(address, value as u32),
            _ => probe::write64(address, value),
        };
        result(outcome).map(|_| ())
    }

    fn record(&mut self, what: u64, seen: Result<u64, u64>) {
        let outcome = match seen {
            Ok(value) => Outcome::Value(value),
            Err(esr) => Outcome::Exception(esr),
        };
        let id = virtio::of(self.index, what);
        self.area.push_outcome(Kind::Virtio, id, outcome);
    }
}

/// Records the virtio device of that number, whose registers are at `base`.
pub fn virtio(area: &mut Area, index: u64, base: u64) {
    virtio::look(&mut Virtio { area, base, index });
}
