//! The guest that tries its interrupt controller access by access: every register
//! in every width ([`registers`]), one interrupt of each kind in every state ([`states`]), and in every way in
//! which a CPU accesses ([`ways`]).
//! What is tried, and how it is written down: `spec/src/observation/accesses.rs`.
//!
//! vCPU 0 tries; vCPU 1 does what it is told to, so that there are accesses from afar.

mod registers;
mod states;
mod ways;

use core::arch::asm;
use core::ptr;
use core::sync::atomic::{AtomicU64, Ordering::SeqCst};

use crate::boot;
use crate::probe::{self, Outcome};
use crate::smccc;
use crate::table::{self, Frame};
use crate::wire::Parameters;

/// Where a redistributor's frame of SGIs and PPIs begins (Arm IHI 0069 section 12.10).
const SGI_FRAME: u64 = 0x1_0000;

/// The guest.
struct Guest<'a> {
    parameters: &'a Parameters,
    words: &'a [AtomicU64; table::WORDS],
}

/// Tries everything and powers off, on vCPU 0; serves it, on the others.
pub fn run(parameters: &Parameters, index: u32) -> ! {
    // SAFETY: aligned RAM that the host zeroed and that only atomics touch, here and there.
    let words = unsafe {
        &*ptr::with_exposed_provenance::<[AtomicU64; table::WORDS]>(table::ADDRESS as usize)
    };
    let guest = Guest { parameters, words };
    if index != 0 {
        guest.serve();
    }
    if parameters.vcpus > 1 {
        let mpidr = parameters.mpidr.get(1).copied().unwrap_or(0);
        smccc::cpu_on(mpidr & crate::AFFINITY, 1);
    }
    boot::map_devices_as_memory();
    guest.prepare();
    guest.registers();
    guest.states();
    guest.ways();
    smccc::system_off();
    loop {
        core::hint::spin_loop();
    }
}

impl Guest<'_> {
    /// What vCPU 0 asks for, for ever.
    fn serve(&self) -> ! {
        let [command, address, value] =
            [table::COMMAND, table::COMMAND_ADDRESS, table::COMMAND_VALUE]
                .map(|word| &self.words[word]);
        loop {
            // The address and the value were there before.
            match command.load(SeqCst) {
                table::WRITE => write(address.load(SeqCst), value.load(SeqCst) as u32),
                table::READ => value.store(read(address.load(SeqCst)).into(), SeqCst),
                _ => {
                    core::hint::spin_loop();
                    continue;
                }
            }
            command.store(0, SeqCst);
        }
    }

    /// Lets vCPU 1 do something.
    fn afar(&self, command: u64, address: u64, value: u32) -> u32 {
        self.words[table::COMMAND_ADDRESS].store(address, SeqCst);
        self.words[table::COMMAND_VALUE].store(value.into(), SeqCst);
        self.words[table::COMMAND].store(command, SeqCst);
        while self.words[table::COMMAND].load(SeqCst) != 0 {
            core::hint::spin_loop();
        }
        self.words[table::COMMAND_VALUE].load(SeqCst) as u32
    }

    fn base(&self, frame: Frame) -> u64 {
        match frame {
            Frame::Distributor => self.parameters.gicd,
            Frame::Own => self.parameters.redistributor(0),
            Frame::Others => self.parameters.redistributor(1),
        }
    }

    /// Writes an entry into the log.
    fn log(&self, key: u64, value: u64) {
        let count = self.words[table::COUNT].load(SeqCst);
        let at = table::LOG + 2 * (count as usize).min(table::ENTRIES - 1);
        self.words[at].store(key, SeqCst);
        self.words[at + 1].store(value, SeqCst);
        self.words[table::COUNT].store(count + 1, SeqCst);
    }

    /// Whether one in [`table::STRIDE`] cases is this one.
    fn chosen(&self, number: u64) -> bool {
        number.is_multiple_of(self.words[table::STRIDE].load(SeqCst).max(1))
    }

    /// No interrupt is enabled, pending or active, and all have one priority.
    fn prepare(&self) {
        let private = self.parameters.redistributor(0) + SGI_FRAME;
        let distributor = self.parameters.gicd;
        for offset in [0x180, 0x280, 0x380] {
            write(private + offset, u32::MAX);
            for word in 1..4 {
                write(distributor + offset + 4 * word, u32::MAX);
            }
        }
        for word in 0..8 {
            write(private + 0x400 + 4 * word, 0x8080_8080);
        }
        for word in 8..32 {
            write(distributor + 0x400 + 4 * word, 0x8080_8080);
        }
        write(distributor, ENABLE_GROUP_1);
    }
}

/// GICD_CTLR.EnableGrp1 with DS set (Arm IHI 0069 section 12.9.4).
const ENABLE_GROUP_1: u32 = 1 << 1;

/// A device's register; what cannot be read is all ones.
fn read(address: u64) -> u32 {
    match probe::read32(address) {
        Outcome::Value(value) => value as u32,
        Outcome::Exception(_) => u32::MAX,
    }
}

fn write(address: u64, value: u32) {
    // What cannot be written shows when it is read.
    let _ = probe::write32(address, value);
}

/// Puts what was written to a device there before anything else is done.
fn barrier() {
    // SAFETY: no memory changes.
    unsafe { asm!("dsb sy", "isb", options(nostack)) };
}
