//! The frames against a made-up kernel.

use super::bank::{Aspect, Bank};
use super::{Access, Frames, InKernel, Mapped, Part, Quick};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use vmlock_saved::state::Interrupts;
use vmlock_spec::lock::{Lock, canonical};

const GICD: u64 = 0x0800_0000;
const GICR: u64 = 0x080a_0000;

/// Keeps what is written, as userspace access to KVM's registers does: set
/// and clear registers share their bits, ISPENDR is the latches as a whole,
/// ICPENDR does nothing, and whether an interrupt of the hardware is active is
/// changed by the guest alone.
#[derive(Default)]
struct Fake {
    words: RefCell<BTreeMap<(Part, u32), u32>>,
    lines: Cell<u32>,
    mapped: Cell<Mapped>,
    writes: Cell<usize>,
    /// What was done as the guest.
    lent: RefCell<Vec<(Part, u32, Access)>>,
    stubborn: Cell<bool>,
    quiet: Cell<bool>,
    rewritten_aloud: Cell<bool>,
}

impl Fake {
    fn word(&self, part: Part, offset: u32) -> u32 {
        let reset = match (part, offset & 0xffff) {
            (_, 0x80..0x100) => u32::MAX,
            (Part::Redistributor(_), 0x100) => 0xffff,
            (Part::Redistributor(_), 0xc00) => 0xaaaa_aaaa,
            _ => 0,
        };
        *self.words.borrow().get(&(part, offset)).unwrap_or(&reset)
    }
}

impl InKernel for Fake {
    type Error = String;

    fn read(&self, part: Part, offset: u32) -> Result<u32, String> {
        let offset = match offset & 0xffff {
            0x180..0x200 | 0x380..0x400 => offset - 0x80,
            _ => offset,
        };
        Ok(self.word(part, offset))
    }

    fn write(&self, part: Part, offset: u32, value: u32) -> Result<(), String> {
        self.writes.set(self.writes.get() + 1);
        let value = match (part, offset & 0xffff) {
            (Part::Redistributor(_), 0x300..0x400) => value & !self.mapped.get().which,
            _ => value,
        };
        self.put(part, offset, value);
        Ok(())
    }

    fn lines(&self, _: Part, _: u32) -> Result<u32, String> {
        Ok(self.lines.get())
    }

    fn mapped(&self) -> Result<Mapped, String> {
        Ok(self.mapped.get())
    }

    fn as_guest(&self, part: Part, offset: u32, access: Access) -> Result<u32, String> {
        self.lent.borrow_mut().push((part, offset, access));
        match access {
            Access::Read => Ok(u32::MAX),
            Access::Write(value) => {
                if !self.stubborn.get() {
                    self.put(part, offset, value as u32);
                }
                Ok(0)
            }
        }
    }

    fn not_done(&self, _: Part, offset: u32, which: u32) -> String {
        format!("{which:#x} at {offset:#x}")
    }

    fn quietly<T>(&self, _: u32, work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
        self.quiet.set(true);
        let result = work();
        self.quiet.set(false);
        result
    }
}

impl Fake {
    fn put(&self, part: Part, offset: u32, value: u32) {
        let (at, value) = match offset & 0xffff {
            0x100..0x180 | 0x300..0x380 => (offset, self.word(part, offset) | value),
            0x180..0x200 | 0x380..0x400 => (offset - 0x80, self.word(part, offset - 0x80) & !value),
            0x200..0x280 => {
                if !self.quiet.get() {
                    self.rewritten_aloud.set(true);
                }
                (offset, value)
            }
            0x280..0x300 => return,
            _ => (offset, value),
        };
        self.words.borrow_mut().insert((part, at), value);
    }
}

#[test]
fn groups_that_the_lock_decides_are_no_files() {
    let text = include_str!("../../../examples/modern.vm.lock.json");
    let mut lock: Lock = canonical::parse(text).expect("the example is a lock");
    let read = |lock: &Lock, part, first| {
        let none = Interrupts::default();
        let mut bank = Bank::restored(&lock.gic, (part, 0, first), &none, None);
        bank.quick(Aspect::Group, 0, 4, Access::Read)
    };
    let places = [(Part::Distributor, 32), (Part::Redistributor(0), 0)];
    for (part, first) in places {
        assert_eq!(read(&lock, part, first), Quick::Done(0));
    }
    for register in &mut lock.gic.registers {
        if register.name.ends_with(".writable") {
            register.value = 0;
        }
    }
    for (part, first) in places {
        assert_eq!(read(&lock, part, first), Quick::Done(u32::MAX.into()));
    }
}

struct Guest {
    frames: Frames,
    kernel: Fake,
    stops: usize,
}

impl Guest {
    /// A guest of the example's machine, with that GICD_IIDR revision.
    fn new(revision: u32) -> Self {
        let text = include_str!("../../../examples/modern.vm.lock.json");
        let mut lock: Lock = canonical::parse(text).expect("the example is a lock");
        for register in &mut lock.gic.registers {
            match register.name.as_str() {
                "GICD_IIDR" => register.value = 0x4b00_043b | revision << 12,
                "GICR_CTLR" if revision < 3 => register.value = 0,
                name if name.ends_with(".writable") && revision < 2 => register.value = 0,
                _ => {}
            }
        }
        let kernel = Fake::default();
        let frames = Frames::new(&lock, &kernel).expect("the kernel tells");
        Self {
            frames,
            kernel,
            stops: 0,
        }
    }

    fn access(&mut self, address: u64, width: usize, access: Access) -> u64 {
        assert!(self.frames.covers(address), "{address:#x}");
        match self.frames.quick(address, width, access) {
            Quick::Done(value) => value,
            Quick::Stop => {
                self.stops += 1;
                let answer = self.frames.stopped(address, width, access, &self.kernel);
                answer.expect("the kernel does it")
            }
        }
    }
    fn read(&mut self, address: u64) -> u32 {
        self.access(address, 4, Access::Read) as u32
    }
    fn write(&mut self, address: u64, value: u32) {
        self.access(address, 4, Access::Write(value.into()));
    }
    fn kernel(&self, offset: u32) -> u32 {
        self.kernel.word(Part::Distributor, offset)
    }
}

#[test]
fn identification_is_the_locks_and_needs_no_stop() {
    let mut guest = Guest::new(1);
    assert_eq!(guest.read(GICD + 8), 0x4b00_143b);
    assert_eq!(guest.read(GICD + 4), 0x0048_0003);
    assert_eq!(guest.read(GICD), 0x50);
    assert_eq!(guest.read(GICD + 0xffe8), 0x3b);
    assert_eq!(guest.read(GICD + 0xffe0), 0);
    assert_eq!(guest.read(GICD + 0x10), u32::MAX);
    assert_eq!(guest.read(GICR), 0);
    assert_eq!(guest.read(GICR + 4), 0x4b00_043b);
    // The second of two redistributors is the last one, with affinity 1.
    assert_eq!(
        guest.access(GICR + 0x2_0008, 8, Access::Read),
        0x1_0000_0110
    );
    assert_eq!(guest.read(GICR + 0x2_000c), 1);
    guest.write(GICD + 8, 0);
    assert_eq!(guest.read(GICD + 8), 0x4b00_143b);
    assert_eq!(Guest::new(3).read(GICR), 0b110);
    assert_eq!(guest.stops, 0);
}

#[test]
fn groups_can_be_written_from_revision_2_on() {
    for (revision, after) in [(0, u32::MAX), (1, u32::MAX), (2, 5), (3, 5)] {
        let mut guest = Guest::new(revision);
        for address in [GICD + 0x84, GICR + 0x1_0080] {
            assert_eq!(guest.read(address), u32::MAX);
            guest.write(address, 5);
            assert_eq!(guest.read(address), after, "revision {revision}");
        }
        assert_eq!(guest.kernel(0x84), after);
    }
}

#[test]
fn private_and_absent_interrupts_read_as_zero_in_the_distributor() {
    let mut guest = Guest::new(1);
    for offset in [
        0x80, 0x90, 0x100, 0x110, 0x400, 0x480, 0xc00, 0xc20, 0x6000, 0x6400,
    ] {
        guest.write(GICD + offset, u32::MAX);
        assert_eq!(guest.read(GICD + offset), 0, "{offset:#x}");
    }
    for offset in [0x820, 0xd04, 0xe08, 0x40, 0x1000, 0x5000, 0x9000] {
        guest.write(GICD + offset, u32::MAX);
        assert_eq!(guest.read(GICD + offset), 0, "{offset:#x}");
    }
    assert_eq!((guest.stops, guest.kernel.writes.get()), (0, 0));
}

#[test]
fn accesses_of_odd_widths_do_nothing() {
    let mut guest = Guest::new(1);
    for (offset, width) in [
        (0x420, 2),
        (0x104, 8),
        (0x106, 4),
        (0x104, 1),
        (0x6104, 8),
        (8, 3),
    ] {
        guest.access(GICD + offset, width, Access::Write(u64::MAX));
        assert_eq!(guest.access(GICD + offset, width, Access::Read), 0);
    }
    assert_eq!(guest.access(GICD + 0x420, 0, Access::Read), 0);
    assert_eq!(guest.stops, 0);
    // The last byte of all frames.
    assert_eq!(guest.access(GICR + 0x3_ffff, 1, Access::Read), 0);
    assert!(!guest.frames.covers(GICR + 0x4_0000) && !guest.frames.covers(GICD - 1));
}

#[test]
fn priorities_and_routes_reach_the_kernel_before_the_interrupt_is_enabled() {
    let mut guest = Guest::new(1);
    guest.access(GICD + 0x421, 1, Access::Write(0xa7));
    guest.access(GICD + 0x6108, 8, Access::Write(0x1_8000_0001));
    assert_eq!(guest.read(GICD + 0x420), 0xa000);
    assert_eq!(guest.access(GICD + 0x421, 1, Access::Read), 0xa0);
    assert_eq!(guest.access(GICD + 0x6108, 8, Access::Read), 1);
    assert_eq!(guest.read(GICD + 0x610c), 0);
    assert_eq!((guest.stops, guest.kernel(0x420)), (0, 0));
    guest.write(GICD + 0x104, 1 << 1);
    assert_eq!(guest.stops, 1);
    assert_eq!((guest.kernel(0x420), guest.kernel(0x6108)), (0xa000, 1));
    assert_eq!(guest.kernel(0x104), 2);
    // From now on at once, and only when something changes; but enabling again makes KVM queue what is pending.
    guest.write(GICD + 0x420, 0x2000);
    guest.write(GICD + 0x420, 0x2000);
    guest.write(GICD + 0x6108, 0);
    assert_eq!(guest.stops, 3);
    guest.write(GICD + 0x104, 1 << 1);
    assert_eq!(guest.stops, 4);
    assert_eq!((guest.kernel(0x420), guest.kernel(0x6108)), (0x2000, 0));
    guest.write(GICD + 0x184, u32::MAX);
    assert_eq!((guest.read(GICD + 0x104), guest.kernel(0x104)), (0, 0));
    // Disabled again, it may be active still: both decide what its end does, and where.
    guest.write(GICD + 0x420, 0xf800);
    guest.write(GICD + 0x6108, 1);
    assert_eq!((guest.kernel(0x420), guest.kernel(0x6108)), (0xf800, 1));
}

#[test]
fn pending_bits_are_changed_one_by_one_and_quietly() {
    let mut guest = Guest::new(1);
    guest.write(GICD + 0xc08, 0b1000); // 33 is an edge
    guest.write(GICD + 0x204, 0b11);
    guest.write(GICD + 0x204, 0b100);
    assert_eq!(guest.kernel(0x204), 0b111);
    guest.write(GICD + 0x284, 0b10);
    assert_eq!(guest.kernel(0x204), 0b101);
    // A line makes a level interrupt pending, and an edge not.
    guest.kernel.lines.set(0b1010);
    assert_eq!(guest.read(GICD + 0x204), 0b1101);
    assert_eq!(guest.read(GICD + 0x284), 0b1101);
    assert!(!guest.kernel.rewritten_aloud.get());
}

#[test]
fn what_the_hardware_raises_is_pending_and_nothing_else_of_its() {
    let mut guest = Guest::new(1);
    let (own, others) = (GICR + 0x1_0200, 1 << 23);
    guest.kernel.lines.set(1 << 27 | 1 << 30 | others);
    assert_eq!(guest.read(own), 1 << 27 | 1 << 30 | others);
    let which = 1 << 27 | 1 << 30;
    let mapped = |raised, untold| Mapped {
        which,
        raised,
        untold,
    };
    guest.kernel.mapped.set(mapped(0, 0));
    assert_eq!(guest.read(own), others);
    // A latch is kept, and not seen.
    guest.write(own, 1 << 27 | 1 << 5);
    assert_eq!(guest.read(own), others | 1 << 5);
    let kernel = guest.kernel.word(Part::Redistributor(0), 0x1_0200);
    assert_eq!(kernel, 1 << 27 | 1 << 5);
    guest.kernel.mapped.set(mapped(1 << 30, 0));
    assert_eq!(guest.read(own + 0x80), others | 1 << 5 | 1 << 30);
    assert_eq!(*guest.kernel.lent.borrow(), []);
    // What KVM does not tell, the guest reads itself; here everything is pending.
    guest.kernel.mapped.set(mapped(0, 1 << 30));
    assert_eq!(guest.read(own), others | 1 << 5 | 1 << 30);
    let read = (Part::Redistributor(0), 0x1_0200, Access::Read);
    assert_eq!(guest.kernel.lent.take(), [read]);
    // Shared interrupts have nothing to do with it.
    assert_eq!(guest.read(GICD + 0x204), 1 << 27 | 1 << 30 | others);
}

#[test]
fn active_bits_are_the_kernels_once_an_interrupt_can_be_active() {
    let mut guest = Guest::new(1);
    guest.write(GICD + 0x384, u32::MAX);
    assert_eq!(guest.read(GICD + 0x304), 0);
    assert_eq!(guest.stops, 0);
    guest.write(GICD + 0x304, 4);
    assert_eq!(guest.read(GICD + 0x384), 4);
    guest.write(GICD + 0x384, 4);
    assert_eq!(guest.read(GICD + 0x304), 0);
    assert_eq!(guest.stops, 4);
}

#[test]
fn a_vcpu_is_lent_for_what_userspace_cannot_do_and_for_nothing_else() {
    let mut guest = Guest::new(1);
    guest.kernel.mapped.set(Mapped {
        which: 1 << 27 | 1 << 30,
        ..Mapped::default()
    });
    let second = GICR + 0x3_0000;
    let lent = |offset, value| {
        let access = Access::Write(value);
        (Part::Redistributor(1), offset, access)
    };
    guest.write(second + 0x300, 1 << 27 | 1 << 5);
    assert_eq!(guest.read(second + 0x300), 1 << 27 | 1 << 5);
    assert_eq!(guest.kernel.lent.take(), [lent(0x1_0300, 1 << 27)]);
    // What is so already needs nobody: here, interrupt 30 is not active.
    guest.write(second + 0x380, 1 << 5 | 1 << 30);
    assert_eq!(guest.kernel.lent.take(), []);
    guest.write(second + 0x380, u32::MAX);
    assert_eq!(guest.read(second + 0x380), 0);
    assert_eq!(guest.kernel.lent.take(), [lent(0x1_0380, 1 << 27)]);
    // Shared interrupts are nobody's hardware.
    guest.write(GICD + 0x304, u32::MAX);
    guest.write(GICD + 0x384, u32::MAX);
    assert_eq!(guest.kernel.lent.take(), []);
    // A guest does not go on in the belief that it was done.
    guest.kernel.stubborn.set(true);
    let access = Access::Write(1 << 30 | 1 << 3);
    let refused = guest
        .frames
        .stopped(second + 0x300, 4, access, &guest.kernel);
    assert_eq!(refused, Err("0x40000000 at 0x10300".to_owned()));
}

#[test]
fn the_distributor_is_switched_on_and_off() {
    let mut guest = Guest::new(1);
    guest.write(GICD, u32::MAX);
    assert_eq!((guest.read(GICD), guest.kernel(0)), (0x52, 2));
    guest.write(GICD, 0x12);
    assert_eq!(guest.stops, 1);
    guest.write(GICD, 0);
    assert_eq!((guest.read(GICD), guest.kernel(0)), (0x50, 0));
}

#[test]
fn private_interrupts_belong_to_their_redistributor() {
    let mut guest = Guest::new(1);
    let second = GICR + 0x3_0000;
    assert_eq!(guest.read(second + 0x100), 0xffff);
    guest.write(second + 0x180, u32::MAX);
    guest.write(second + 0x41b, 0); // not aligned: nothing
    guest.access(second + 0x41b, 1, Access::Write(0xa0));
    guest.write(second + 0x100, 1 << 27);
    let kernel = |offset: u32| guest.kernel.word(Part::Redistributor(1), 0x1_0000 + offset);
    assert_eq!((kernel(0x100), kernel(0x418)), (1 << 27, 0xa000_0000));
    assert_eq!(guest.read(GICR + 0x1_0100), 0xffff);
    // Their configuration is fixed.
    guest.write(second + 0xc04, u32::MAX);
    assert_eq!(guest.read(second + 0xc04), 0);
}

#[test]
fn tables_of_interrupts_that_are_never_used_are_kept_without_the_kernel() {
    let mut guest = Guest::new(1);
    let second = GICR + 0x2_0000;
    let (properties, pending) = (0x70, 0x78);
    for base in [GICR, second] {
        assert_eq!(guest.access(base + properties, 8, Access::Read), 0);
        assert_eq!(guest.access(base + pending, 8, Access::Read), 0x580);
    }
    // One for both redistributors, and one for each.
    let written = 0x2_3456_7000_0180;
    guest.access(GICR + properties, 8, Access::Write(written));
    assert_eq!(guest.access(second + properties, 8, Access::Read), written);
    guest.write(second + pending + 4, 7);
    assert_eq!(
        guest.access(second + pending, 8, Access::Read),
        0x7_0000_0580
    );
    assert_eq!(guest.access(GICR + pending, 8, Access::Read), 0x580);
    assert_eq!((guest.stops, guest.kernel.writes.get()), (0, 0));
}

/// SGIs are enabled from the beginning; of the others the kernel is told right before they are.
#[test]
fn priorities_that_were_not_asked_for_are_told_before_they_decide() {
    let mut guest = Guest::new(1);
    let intid = 40;
    assert_eq!(guest.read(GICD + 0x400 + intid), 0);
    guest
        .kernel
        .put(Part::Distributor, 0x400 + intid as u32, 0x8080_8080);
    guest.write(GICD + 0x104, 1 << (intid - 32));
    assert_eq!(guest.kernel(0x400 + intid as u32), 0);
}
