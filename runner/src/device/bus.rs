//! Who answers at which guest-physical address.

use super::clock::{self, Clock};
use super::rate::RateLimit;
use super::serial::{self, Output, Serial};
use super::virtio::thread::{Identity, Park};
use super::virtio::window::Window;
use super::{Doors, Farewell, Model, Wait};
use crate::counters;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vmlock_saved::device::Device as Saved;
use vmlock_saved::state::Lines;
use vmlock_spec::lock::{Device, DeviceKind, Range};
#[cfg(feature = "torture")]
use vmlock_spec::observation::accesses::RAISE;

struct Slot {
    name: String,
    range: Range,
    interrupt: u32,
    line: bool,
    rings_at: Option<Duration>,
    model: Box<dyn Model>,
    counts: Arc<counters::Device>,
}

/// The model of a part; `output` is where it sends what leaves the machine. `None` for a part of virtio: its registers
/// come with its host's side, and where they do not, no plan lets such a machine start. `None` also for a generation id,
/// which is memory ([`crate::generation`]).
fn model(kind: DeviceKind, output: Output) -> Option<Box<dyn Model>> {
    Some(match kind {
        DeviceKind::Uart16550 => Box::new(Serial::new(serial::v1::Uart::default(), output)),
        DeviceKind::Uart16550V2 => Box::new(Serial::new(serial::v2::Uart::default(), output)),
        DeviceKind::Pl031 => Box::new(Clock::new(clock::v1::Clock::new)),
        DeviceKind::Pl031V2 => Box::new(Clock::new(clock::v2::Clock::new)),
        DeviceKind::VirtioBlock
        | DeviceKind::VirtioNet
        | DeviceKind::VirtioConsole
        | DeviceKind::VirtioEntropy
        | DeviceKind::VirtioVsock
        | DeviceKind::Vmgenid => return None,
    })
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
    console: Option<usize>,
    input_waits: bool,
    limit: RateLimit,
    unheard: bool,
    #[cfg(feature = "torture")]
    doorbell: Option<u64>,
    wait: Option<Wait>,
}

impl Bus {
    /// The devices of a lock, in its order; of those of virtio, the registers. The first UART is the console.
    pub fn new(devices: &[Device], output: Output, mut windows: Vec<Window>) -> Self {
        let mut output = Some(output);
        let mut bus = Self::default();
        for device in devices {
            let mut sink: Output = Box::new(std::io::sink());
            if device.kind.is_uart()
                && let Some(output) = output.take()
            {
                sink = output;
                bus.console = Some(bus.slots.len());
            }
            let window = windows.iter().position(|w| w.base() == device.range.base);
            let model = match window {
                Some(at) => Some(Box::new(windows.swap_remove(at)) as Box<dyn Model>),
                None => model(device.kind, sink),
            };
            let Some(model) = model else { continue };
            bus.slots.push(Slot {
                name: device.name.clone(),
                range: device.range,
                interrupt: device.interrupt,
                line: false,
                rings_at: None,
                counts: model.counts().unwrap_or_default(),
                model,
            });
        }
        bus
    }

    /// Whether a device has that access: one that is all within its registers.
    pub fn has(&mut self, address: u64, width: usize) -> bool {
        #[cfg(feature = "torture")]
        if self.doorbell == Some(address) {
            return true;
        }
        self.slot(address, width).is_some()
    }

    /// The same for a guest that looks everywhere: nothing is said of it, and nothing that it says is heard.
    pub fn unheard(devices: &[Device], windows: Vec<Window>) -> Self {
        Self {
            unheard: true,
            ..Self::new(devices, Box::new(std::io::sink()), windows)
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
        slot.model.read(offset, data);
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
        slot.model.write(offset, data);
        let (wait, line) = (slot.model.wait(), slot.changed());
        self.wait = wait;
        line
    }

    /// What the last write has to wait for, once the bus is free again.
    pub fn wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }

    /// Name and numbers of each device.
    pub fn counts(&self) -> Vec<(String, Arc<counters::Device>)> {
        let slots = self.slots.iter();
        slots
            .map(|s| (s.name.clone(), Arc::clone(&s.counts)))
            .collect()
    }

    /// How devices are reached without an exit, for whoever asks first.
    pub fn doors(&mut self) -> Vec<Doors> {
        let doors = self.slots.iter_mut().filter_map(|slot| slot.model.doors());
        doors.collect()
    }

    /// How the devices' threads are parked while the guest is held.
    pub fn parks(&self) -> Vec<Park> {
        let parks = self.slots.iter().filter_map(|slot| slot.model.park());
        parks.collect()
    }

    /// Whether KVM was told of each line as it is: not where one has risen by itself a moment ago.
    pub fn lines_agree(&mut self) -> bool {
        let mut slots = self.slots.iter_mut();
        slots.all(|slot| slot.model.line() == slot.line)
    }

    /// The state of each device, in the lock's order, and the lines that are up. Nobody is at them, their threads rest, and
    /// KVM was told of each line as it is.
    ///
    /// # Errors
    /// Each that has none that can be saved, with why.
    pub fn saved(&self) -> Result<(Vec<Saved>, Lines), Vec<String>> {
        let (mut states, mut refused) = (Vec::new(), Vec::new());
        for Slot { name, model, .. } in &self.slots {
            match model.save(name) {
                Ok(state) => states.push(state),
                Err(why) => refused.push(format!("device `{name}`: {why}")),
            }
        }
        match refused.is_empty() {
            true => Ok((states, self.lines())),
            false => Err(refused),
        }
    }

    /// The lines that KVM was told to be up.
    fn lines(&self) -> Lines {
        let up = self.slots.iter().filter(|slot| slot.line);
        let mut up: Vec<u32> = up.map(|slot| slot.interrupt).collect();
        up.sort_unstable();
        Lines { up }
    }

    /// Takes states that were saved, before a guest has found the devices and with its memory there. Lines that have
    /// changed since, and when one rises by itself, are known after [`Bus::rung`]. Devices' threads go on as soon as they are
    /// started, unless they were parked before.
    ///
    /// # Errors
    /// All that cannot be, in words: devices in their states, states of no device, lines. The bus is not to be used then.
    pub fn restore(&mut self, states: &[Saved], lines: &Lines) -> Result<(), String> {
        let names = self.slots.iter().map(|slot| slot.name.as_str());
        if !names.eq(states.iter().map(|state| state.name.as_str())) {
            let list = |names: &mut dyn Iterator<Item = &String>| {
                let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
                names.join(", ")
            };
            return Err(format!(
                "the lock's devices are {}, in this order, and the saved ones {}",
                list(&mut self.slots.iter().map(|slot| &slot.name)),
                list(&mut states.iter().map(|state| &state.name)),
            ));
        }
        let mut refused: Vec<String> = Vec::new();
        for (slot, state) in self.slots.iter_mut().zip(states) {
            match slot.model.restore(state) {
                Ok(level) => slot.line = level,
                Err(why) => refused.push(format!("device `{}`: {why}", slot.name)),
            }
        }
        if refused.is_empty() && *lines != self.lines() {
            refused.push(format!(
                "the lines of interrupts {:?} are up by what the devices say, and not {:?}",
                self.lines().up,
                lines.up
            ));
        }
        match refused.is_empty() {
            true => Ok(()),
            false => Err(refused.join("; ")),
        }
    }

    /// Has each disk make stable what was written and say which contents that are, of all of it or of a part; to be waited
    /// for, by name.
    ///
    /// What [`Bus::saved`] said before does not know of a write that turns out to be lost here: whoever saves gives up at
    /// any error of these.
    pub fn identify(&self, whole: bool) -> Vec<(String, Identity)> {
        let slots = self.slots.iter();
        let disks = slots.filter_map(|s| Some((s.name.clone(), s.model.identify(whole)?)));
        disks.collect()
    }

    /// Has all devices do what they still have to, since the machine has ended; the guest has ended with it, or `gone`
    /// elsewhere.
    pub fn finish(&mut self, gone: bool) -> Vec<Farewell> {
        let slots = self.slots.iter_mut();
        slots.filter_map(|slot| slot.model.finish(gone)).collect()
    }

    /// Where the user's input goes: to a console of virtio while its driver is at work, else to the UART.
    fn console(&mut self) -> Option<&mut Slot> {
        let listens = self.slots.iter().position(|slot| slot.model.listens());
        self.slots.get_mut(listens.or(self.console)?)
    }

    /// Input for the console, as much as there is room for: how much that was.
    pub fn console_input(&mut self, bytes: &[u8]) -> (usize, Option<Line>) {
        let (mut taken, mut line) = (0, None);
        if let Some(slot) = self.console() {
            taken = bytes.len().min(slot.model.room());
            slot.model.input(&bytes[..taken]);
            line = slot.changed();
        }
        self.input_waits = taken < bytes.len();
        (taken, line)
    }

    /// Whether there is room again for console input that there was none for; says so once.
    pub fn console_has_room(&mut self) -> bool {
        let room = self.input_waits && self.console().is_some_and(|s| s.model.room() > 0);
        self.input_waits &= !room;
        room
    }

    /// The host's time of day, since 1970, at which a line rises by itself.
    pub fn rings_at(&self) -> Option<Duration> {
        self.slots.iter().filter_map(|slot| slot.rings_at).min()
    }

    /// The lines that have changed by themselves.
    pub fn rung(&mut self) -> Vec<Line> {
        self.slots.iter_mut().filter_map(Slot::changed).collect()
    }

    fn nobody(&mut self, does: &str, address: u64, length: usize) {
        if self.unheard {
            return;
        }
        let words =
            format_args!("the guest {does} {length} bytes at {address:#x}, where nothing is");
        self.limit.say(Instant::now(), words);
    }
}

impl Slot {
    fn changed(&mut self) -> Option<Line> {
        self.rings_at = self.model.rings_at();
        let level = self.model.line();
        if level == self.line {
            return None;
        }
        self.line = level;
        if level {
            self.counts.interrupts.add(1);
        }
        Some(Line {
            interrupt: self.interrupt,
            level,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::observation::wire::device::Frame;
    use vmlock_spec::observation::{self, device as table, wire};
    use vmlock_virtio::random::Random;

    fn machine(uart: DeviceKind, clock: DeviceKind) -> Bus {
        let device = |name: &str, kind, base, interrupt| Device {
            name: name.to_owned(),
            kind,
            range: Range { base, size: 0x1000 },
            interrupt,
            virtio: None,
        };
        let devices = [
            device("serial", uart, 0x900_0000, 32),
            device("rtc", clock, 0x901_0000, 33),
        ];
        Bus::new(&devices, Box::new(std::io::sink()), Vec::new())
    }

    fn bus() -> Bus {
        machine(DeviceKind::Uart16550, DeviceKind::Pl031)
    }

    #[test]
    fn input_raises_the_consoles_interrupt_once() {
        let mut bus = bus();
        assert_eq!(bus.write(0x900_0001, &[1]), None);
        let raised = Line {
            interrupt: 32,
            level: true,
        };
        assert_eq!(bus.console_input(b"a"), (1, Some(raised)));
        assert_eq!(bus.console_input(b"b"), (1, None));
        let mut byte = [0];
        assert_eq!(
            bus.read(0x900_0002, &mut byte),
            Some(Line {
                interrupt: 32,
                level: false
            })
        );
    }

    #[test]
    fn saved_devices_go_on_with_their_lines_and_no_others_are_taken() {
        let mut bus = machine(DeviceKind::Uart16550V2, DeviceKind::Pl031V2);
        bus.write(0x900_0002, &[1]);
        bus.write(0x900_0001, &[1]);
        bus.console_input(b"a");
        let (states, lines) = bus.saved().expect("both can be saved");
        assert_eq!(lines.up, [32]);
        let fresh = || machine(DeviceKind::Uart16550V2, DeviceKind::Pl031V2);
        let mut other = fresh();
        assert_eq!(other.restore(&states, &lines), Ok(()));
        assert_eq!(other.rung(), []);
        assert_eq!(other.saved(), Ok((states.clone(), lines.clone())));
        let mut byte = [0];
        let lowered = other.read(0x900_0000, &mut byte);
        assert_eq!((byte, lowered.map(|line| line.level)), (*b"a", Some(false)));
        let mut turned = states.clone();
        turned.reverse();
        for wrong in [&states[..1], &turned[..], &[]] {
            let words = fresh().restore(wrong, &lines).expect_err("they are others");
            assert!(
                words.contains("the lock's devices are `serial`, `rtc`"),
                "{words:?}"
            );
        }
        // All at once.
        let mut wrong = states.clone();
        wrong.iter_mut().for_each(|state| state.version = 2);
        let words = fresh()
            .restore(&wrong, &lines)
            .expect_err("nobody knows these");
        assert_eq!(words.matches("of version 2").count(), 2, "{words}");
        let words = fresh().restore(&states, &Lines::default());
        let words = words.expect_err("one is up");
        assert!(words.contains("interrupts [32] are up"), "{words}");
    }

    #[test]
    fn an_alarm_that_was_set_before_a_save_rings_after_it() {
        let word = |value: u64| (value as u32).to_le_bytes();
        let mut bus = machine(DeviceKind::Uart16550V2, DeviceKind::Pl031V2);
        let at = clock::now().as_secs() + 1000;
        // RTCMR, RTCIMSC.
        bus.write(0x901_0004, &word(at));
        bus.write(0x901_0010, &word(1));
        let (states, lines) = bus.saved().expect("it can be saved");
        let mut other = machine(DeviceKind::Uart16550V2, DeviceKind::Pl031V2);
        assert_eq!(other.restore(&states, &lines), Ok(()));
        assert_eq!(other.rung(), []);
        assert_eq!(other.rings_at(), Some(Duration::from_secs(at)));
    }

    #[test]
    fn input_waits_for_the_guest_and_is_asked_for_again_once() {
        let mut bus = machine(DeviceKind::Uart16550V2, DeviceKind::Pl031V2);
        let (taken, line) = bus.console_input(&[b'x'; 1000]);
        assert_eq!(line, None);
        assert!((1..1000).contains(&taken));
        assert!(!bus.console_has_room());
        // MCR: RTS; FCR: on. Sixteen bytes go in.
        bus.write(0x900_0002, &[1]);
        bus.write(0x900_0004, &[2]);
        assert!(bus.console_has_room());
        assert!(!bus.console_has_room());
        assert_eq!(bus.console_input(&[b'x'; 1000]).0, 16);
    }

    #[test]
    fn an_alarm_is_set_and_rings_by_itself() {
        let word = |value: u64| (value as u32).to_le_bytes();
        let mut bus = machine(DeviceKind::Uart16550, DeviceKind::Pl031V2);
        let now = clock::now().as_secs();
        assert_eq!(bus.write(0x901_0004, &word(now + 500)), None);
        assert_eq!(bus.rings_at(), None);
        assert_eq!(bus.write(0x901_0010, &word(1)), None);
        assert_eq!(bus.rings_at(), Some(Duration::from_secs(now + 500)));
        assert_eq!(bus.rung(), []);
        // A load to the second before it.
        bus.write(0x901_0008, &word(now + 499));
        std::thread::sleep(Duration::from_millis(1100));
        let line = |level| Line {
            interrupt: 33,
            level,
        };
        assert_eq!(bus.rung(), [line(true)]);
        assert_eq!((bus.rung(), bus.rings_at()), (vec![], None));
        assert_eq!(bus.write(0x901_001c, &word(1)), Some(line(false)));
    }

    #[test]
    fn no_access_breaks_a_device() {
        let mut random = Random(5);
        for (uart, clock) in [
            (DeviceKind::Uart16550, DeviceKind::Pl031),
            (DeviceKind::Uart16550V2, DeviceKind::Pl031V2),
        ] {
            let mut bus = machine(uart, clock);
            for _ in 0..100_000 {
                let frame = 0x900_0000 + random.below(2) * 0x1_0000;
                let offset = match random.below(2) {
                    0 => random.below(0x1000),
                    _ => random.below(0x20),
                };
                let mut data = random.bits().to_le_bytes();
                let data = &mut data[..1 << random.below(4)];
                match random.below(5) {
                    0 | 1 => drop(bus.read(frame + offset, data)),
                    2 | 3 => drop(bus.write(frame + offset, data)),
                    _ => drop(bus.console_input(data)),
                }
            }
        }
    }

    /// The witness at a device of the bus: name and value of what it saw.
    struct Look<'a> {
        bus: &'a mut Bus,
        base: u64,
        width: usize,
        seen: Vec<(String, u64)>,
    }

    impl Frame for Look<'_> {
        fn read(&mut self, offset: u64) -> Result<u64, u64> {
            let mut data = [0; 8];
            self.bus.read(self.base + offset, &mut data[..self.width]);
            Ok(u64::from_le_bytes(data))
        }
        fn write(&mut self, offset: u64, value: u32) -> Result<(), u64> {
            let data = &value.to_le_bytes()[..self.width];
            self.bus.write(self.base + offset, data);
            Ok(())
        }
        fn record(&mut self, kind: wire::Kind, id: u64, seen: Result<u64, u64>) {
            let mut value = seen.expect("no access fails here");
            if matches!(kind, wire::Kind::UartWritable | wire::Kind::RtcWritable) {
                value = (value >> 32 ^ value) & 0xffff_ffff;
            }
            let name = observation::fact_name(wire::key(kind, id)).into_owned();
            self.seen.push((name, value));
        }
    }

    #[test]
    fn each_version_shows_the_witness_what_the_table_says() {
        for (uart, clock) in [
            (DeviceKind::Uart16550, DeviceKind::Pl031),
            (DeviceKind::Uart16550V2, DeviceKind::Pl031V2),
        ] {
            let mut bus = machine(uart, clock);
            for (kind, base, width) in [(uart, 0x900_0000, 1), (clock, 0x901_0000, 4)] {
                let mut look = Look {
                    bus: &mut bus,
                    base,
                    width,
                    seen: Vec::new(),
                };
                match kind.is_uart() {
                    true => wire::device::uart(&mut look),
                    false => wire::device::rtc(&mut look),
                }
                let mut seen = look.seen;
                let (entries, column) = table::of(kind);
                let told = entries.iter().map(|e| (e.name.to_owned(), e.shows[column]));
                let mut told: Vec<(String, u64)> = told.collect();
                seen.sort();
                told.sort();
                assert_eq!(seen, told, "{kind:?}");
            }
            // Every line is down again.
            assert!(bus.slots.iter().all(|slot| !slot.line));
        }
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
