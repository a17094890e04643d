//! Who answers at which guest-physical address.

use super::clock::Clock;
use super::rate::{RateLimit, Verdict};
use super::serial::{Output, Uart};
use crate::say;
use std::time::Instant;
use vmlock_spec::lock::{Device, DeviceKind, Range};
#[cfg(feature = "torture")]
use vmlock_spec::observation::accesses::RAISE;

enum Behind {
    Uart(Box<Uart>),
    Clock(Clock),
}

struct Slot {
    range: Range,
    interrupt: u32,
    line: bool,
    behind: Behind,
}

/// A change of an interrupt line that KVM must be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line {
    /// INTID.
    pub interrupt: u32,
    /// Its new level.
    pub level: bool,
}

/// Every device of a machine.
#[derive(Default)]
pub struct Bus {
    slots: Vec<Slot>,
    limit: RateLimit,
    unheard: bool,
    #[cfg(feature = "torture")]
    doorbell: Option<u64>,
}

impl Bus {
    /// The devices of a lock, in its order. The first UART is the console.
    pub fn new(devices: &[Device], output: Output) -> Self {
        let mut output = Some(output);
        let slots = devices
            .iter()
            .map(|device| Slot {
                range: device.range,
                interrupt: device.interrupt,
                line: false,
                behind: match device.kind {
                    DeviceKind::Uart16550 | DeviceKind::Uart16550V2 => {
                        let sink = output.take().unwrap_or_else(|| Box::new(std::io::sink()));
                        Behind::Uart(Box::new(Uart::new(sink)))
                    }
                    DeviceKind::Pl031 | DeviceKind::Pl031V2 => Behind::Clock(Clock::default()),
                },
            })
            .collect();
        Self {
            slots,
            ..Self::default()
        }
    }

    /// Whether a device has that access: one that is all within its registers.
    pub fn has(&mut self, address: u64, width: usize) -> bool {
        #[cfg(feature = "torture")]
        if self.doorbell == Some(address) {
            return true;
        }
        self.slot(address, width).is_some()
    }

    /// No devices, for a guest that looks for them everywhere: nothing is said of it.
    pub fn unheard() -> Self {
        Self {
            unheard: true,
            ..Self::default()
        }
    }

    /// An address alone, at which the guest lowers an interrupt's line by writing its INTID, or raises
    /// it (`accesses::RAISE`).
    #[cfg(feature = "torture")]
    pub fn doorbell(address: u64) -> Self {
        Self {
            doorbell: Some(address),
            ..Self::default()
        }
    }

    fn slot(&mut self, address: u64, length: usize) -> Option<(&mut Slot, u64)> {
        let end = address.checked_add(length as u64)?;
        let slot = self
            .slots
            .iter_mut()
            .find(|s| address >= s.range.base && s.range.end().is_some_and(|last| end <= last))?;
        let offset = address - slot.range.base;
        Some((slot, offset))
    }

    /// Answers a read; what nobody answers reads as zero.
    pub fn read(&mut self, address: u64, data: &mut [u8]) -> Option<Line> {
        let Some((slot, offset)) = self.slot(address, data.len()) else {
            data.fill(0);
            self.nobody("reads", address, data.len());
            return None;
        };
        match &mut slot.behind {
            Behind::Uart(uart) => uart.read(offset, data),
            Behind::Clock(clock) => clock.read(offset, data),
        }
        slot.changed()
    }

    /// Takes a write; what nobody takes is dropped.
    pub fn write(&mut self, address: u64, data: &[u8]) -> Option<Line> {
        #[cfg(feature = "torture")]
        if self.doorbell == Some(address) {
            let written = u32::from_le_bytes(data.try_into().ok()?);
            return Some(Line {
                interrupt: written & !RAISE,
                level: written & RAISE != 0,
            });
        }
        let Some((slot, offset)) = self.slot(address, data.len()) else {
            self.nobody("writes", address, data.len());
            return None;
        };
        match &mut slot.behind {
            Behind::Uart(uart) => uart.write(offset, data),
            Behind::Clock(clock) => clock.write(offset, data),
        }
        slot.changed()
    }

    fn console(&mut self) -> Option<&mut Slot> {
        self.slots
            .iter_mut()
            .find(|s| matches!(s.behind, Behind::Uart(_)))
    }

    /// How many bytes of console input there is room for.
    pub fn console_room(&mut self) -> usize {
        match self.console() {
            Some(Slot {
                behind: Behind::Uart(uart),
                ..
            }) => uart.room(),
            _ => 0,
        }
    }

    /// Input for the console, at most as much as there is room for.
    pub fn console_input(&mut self, bytes: &[u8]) -> Option<Line> {
        let slot = self.console()?;
        if let Behind::Uart(uart) = &mut slot.behind {
            uart.input(bytes);
        }
        slot.changed()
    }

    fn nobody(&mut self, does: &str, address: u64, length: usize) {
        if self.unheard {
            return;
        }
        let more = match self.limit.ask(Instant::now()) {
            Verdict::Drop => return,
            Verdict::Show => String::new(),
            Verdict::ShowLast => " (further ones are not shown for a while)".to_owned(),
            Verdict::ShowAfter(dropped) => format!(" ({dropped} others were not shown)"),
        };
        say::eprintln(format_args!(
            "vmlock-run: the guest {does} {length} bytes at {address:#x}, where nothing is{more}"
        ));
    }
}

impl Slot {
    fn changed(&mut self) -> Option<Line> {
        let level = match &self.behind {
            Behind::Uart(uart) => uart.line(),
            Behind::Clock(_) => false,
        };
        if level == self.line {
            return None;
        }
        self.line = level;
        Some(Line {
            interrupt: self.interrupt,
            level,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bus() -> Bus {
        let device = |name: &str, kind, base, interrupt| Device {
            name: name.to_owned(),
            kind,
            range: Range { base, size: 0x1000 },
            interrupt,
        };
        let devices = [
            device("serial", DeviceKind::Uart16550, 0x900_0000, 32),
            device("rtc", DeviceKind::Pl031, 0x901_0000, 33),
        ];
        Bus::new(&devices, Box::new(std::io::sink()))
    }

    #[test]
    fn input_raises_the_consoles_interrupt_once() {
        let mut bus = bus();
        assert_eq!(bus.write(0x900_0001, &[1]), None);
        assert_eq!(
            bus.console_input(b"a"),
            Some(Line {
                interrupt: 32,
                level: true
            })
        );
        assert_eq!(bus.console_input(b"b"), None);
        let mut byte = [0];
        assert_eq!(
            bus.read(0x900_0002, &mut byte),
            Some(Line {
                interrupt: 32,
                level: false
            })
        );
    }

    /// Run by itself, with a standard error whose reader has gone.
    #[test]
    fn a_guest_goes_on_when_nobody_reads_of_it() {
        const MARK: &str = "VMLOCK_TEST_UNREAD";
        if std::env::var_os(MARK).is_some() {
            bus().write(0xdead_0000, &[0; 8]);
            return;
        }
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let itself = std::env::current_exe().expect("the tests' program");
        let name = "device::bus::tests::a_guest_goes_on_when_nobody_reads_of_it";
        let output = std::process::Command::new(itself)
            .args(["--exact", name, "--nocapture"])
            .env(MARK, "1")
            .stderr(writer)
            .output()
            .expect("it runs");
        let words = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words}");
        assert!(words.contains("1 passed"), "{words}");
    }

    #[test]
    fn what_nobody_answers_reads_as_zero() {
        let mut bus = bus();
        let mut data = [0xff; 8];
        assert_eq!(bus.read(0xdead_0000, &mut data), None);
        assert_eq!(data, [0; 8]);
        // Across the end of a device, and at the end of the address space.
        let mut data = [0xff; 8];
        bus.read(0x900_0ffc, &mut data);
        assert_eq!(data, [0; 8]);
        let mut data = [0xff; 8];
        bus.read(u64::MAX, &mut data);
        assert_eq!(data, [0; 8]);
        bus.write(u64::MAX - 3, &[0; 8]);
    }
}
