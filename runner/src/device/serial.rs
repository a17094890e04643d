//! The UART behind the console: the registers of one version of the part, the
//! output that leaves it, and the input that waits until it may come in.

pub mod v1;
pub mod v2;

use super::Model;
use crate::counters;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;
use vmlock_saved::device::bytes::Bytes;
use vmlock_saved::device::uart::Uart;
use vmlock_saved::device::{Device, VERSION};

/// The byte-wide registers.
const REGISTERS: u64 = 8;
/// How many bytes of input may wait for the guest outside of the UART.
const HELD: usize = 256;

/// Where the guest's output goes. What cannot be written is lost.
pub type Output = Box<dyn Write + Send>;

/// The registers of a 16550, and what is at the other end of its wire.
pub trait Registers: Send {
    /// Reads one of the eight registers.
    fn read(&mut self, register: u8) -> u8;

    /// Writes one of the eight registers; gives the byte that leaves the UART with it.
    fn write(&mut self, register: u8, value: u8) -> Option<u8>;

    /// Whether the other end may send a byte.
    fn ready(&self) -> bool;

    /// A byte arrives. Only called when [`Registers::ready`].
    fn receive(&mut self, byte: u8);

    /// The interrupt line.
    fn line(&self) -> bool;

    /// What they are when they are saved.
    type Saved: Serialize + DeserializeOwned;

    /// What they are now.
    fn save(&self) -> Self::Saved;

    /// Registers as they were saved.
    ///
    /// # Errors
    /// No driver can have brought them there: which of them, in words.
    fn restored(saved: &Self::Saved) -> Result<Self, String>
    where
        Self: Sized;
}

/// A UART.
pub struct Serial<R> {
    registers: R,
    held: VecDeque<u8>,
    output: Output,
    counts: Arc<counters::Device>,
}

impl<R: Registers> Serial<R> {
    /// A UART whose output goes there.
    pub fn new(registers: R, output: Output) -> Self {
        Self {
            registers,
            held: VecDeque::with_capacity(HELD),
            output,
            counts: Arc::default(),
        }
    }

    /// Lets in what waits.
    fn feed(&mut self) {
        while self.registers.ready() {
            let Some(byte) = self.held.pop_front() else {
                return;
            };
            self.registers.receive(byte);
            self.counts.bytes_in.add(1);
        }
    }
}

impl<R: Registers> Model for Serial<R> {
    /// The data bus has eight lines: of a wider access the first byte counts.
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        if let (true, [first, ..]) = (offset < REGISTERS, data) {
            *first = self.registers.read(offset as u8);
            self.feed();
        }
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        if let (true, [first, ..]) = (offset < REGISTERS, data) {
            if let Some(byte) = self.registers.write(offset as u8, *first) {
                let written = self
                    .output
                    .write_all(&[byte])
                    .and_then(|()| self.output.flush());
                // The only error is an output that takes nothing, see `Output`.
                match written {
                    Ok(()) => self.counts.bytes_out.add(1),
                    Err(_) => self.counts.errors.add(1),
                }
            }
            self.feed();
        }
    }

    fn line(&mut self) -> bool {
        self.registers.line()
    }

    fn room(&self) -> usize {
        HELD - self.held.len()
    }

    fn input(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(self.room());
        self.held.extend(&bytes[..fits]);
        self.feed();
    }

    fn counts(&self) -> Option<Arc<counters::Device>> {
        Some(Arc::clone(&self.counts))
    }

    fn save(&self, name: &str) -> Result<Device, String> {
        let uart = Uart {
            registers: self.registers.save(),
            waiting: Bytes(self.held.iter().copied().collect()),
        };
        Device::of(name, VERSION, &uart)
    }

    fn restore(&mut self, device: &Device) -> Result<bool, String> {
        let Uart { registers, waiting } = device.state::<Uart<R::Saved>>(VERSION)?;
        if waiting.0.len() > HELD {
            return Err(format!(
                "`waiting` has {} bytes, and no more than {HELD} wait",
                waiting.0.len()
            ));
        }
        self.registers = R::restored(&registers)?;
        self.held = waiting.0.into();
        Ok(self.registers.line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};
    use vmlock_virtio::random::Random;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0
                .lock()
                .expect("no test panics with it")
                .extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn output_goes_out_and_input_comes_in_order(registers: impl Registers) {
        let sink = Sink::default();
        let mut uart = Serial::new(registers, Box::new(sink.clone()));
        uart.write(0, b"x");
        assert_eq!(*sink.0.lock().expect("alive"), b"x");
        assert!(!uart.line());
        uart.write(2, &[1]); // FIFOs on
        uart.write(1, &[1]); // interrupt on received data
        let sent: Vec<u8> = (0..200).collect();
        uart.input(&sent);
        assert!(uart.line());
        let mut taken = Vec::new();
        for _ in 0..200 {
            let mut status = [0];
            uart.read(5, &mut status);
            assert_eq!(status[0] & 1, 1, "after {} bytes", taken.len());
            let mut byte = [0];
            uart.read(0, &mut byte);
            taken.extend(byte);
        }
        assert_eq!(taken, sent);
        assert!(!uart.line());
        assert_eq!(uart.room(), HELD);
    }

    #[test]
    fn output_goes_out_and_input_comes_in_order_whatever_the_version() {
        output_goes_out_and_input_comes_in_order(v1::Uart::default());
        output_goes_out_and_input_comes_in_order(v2::Uart::default());
    }

    fn more_input_than_room_is_cut_and_odd_accesses_do_no_harm(registers: impl Registers) {
        let mut uart = Serial::new(registers, Box::new(io::sink()));
        uart.input(&[b'x'; 1000]);
        uart.input(&[b'x'; 1000]);
        assert_eq!(uart.room(), 0);
        let mut wide = [0xff; 8];
        uart.read(5, &mut wide);
        assert_eq!(wide[1..], [0; 7]);
        uart.read(4000, &mut wide);
        assert_eq!(wide, [0; 8]);
        uart.read(0, &mut []);
        uart.write(u64::MAX, &[1; 8]);
        uart.write(0, &[]);
    }

    #[test]
    fn more_input_than_room_is_cut_and_odd_accesses_do_no_harm_whatever_the_version() {
        more_input_than_room_is_cut_and_odd_accesses_do_no_harm(v1::Uart::default());
        more_input_than_room_is_cut_and_odd_accesses_do_no_harm(v2::Uart::default());
    }

    /// What a saved one of each version is, for ever.
    const FROZEN: [&str; 2] = [
        include_str!("../../../spec/saved/tests/frozen/device/16550-1.v1.json"),
        include_str!("../../../spec/saved/tests/frozen/device/16550-2.v1.json"),
    ];

    fn frozen(text: &str) -> Device {
        Device {
            name: "serial".to_owned(),
            version: 1,
            text: text.to_owned(),
        }
    }

    fn restored_answers_alike<R: Registers>(fresh: fn() -> R, text: &str) {
        let new = || Serial::new(fresh(), Box::new(io::sink()));
        let mut random = Random(21);
        for _ in 0..200 {
            let mut uart = new();
            let step = |uart: &mut Serial<R>, random: &mut Random| {
                let (register, value) = (random.below(9), random.bits() as u8);
                let mut seen = [0];
                match random.below(8) {
                    0..4 => uart.read(register, &mut seen),
                    4 => uart.input(&[value; 5]),
                    // What the access leaves on in LCR and MCR hides the other registers.
                    5 => uart.write(3, &[3]),
                    _ => uart.write(register, &[value]),
                }
                (seen, uart.line(), uart.room())
            };
            for _ in 0..random.below(300) {
                step(&mut uart, &mut random);
            }
            let state = uart.save("serial").expect("it has one");
            let mut other = new();
            assert_eq!(other.restore(&state), Ok(uart.line()));
            assert_eq!(other.save("serial"), Ok(state));
            let mut same = Random(random.bits());
            let mut again = Random(same.0);
            for _ in 0..1_000 {
                assert_eq!(step(&mut uart, &mut same), step(&mut other, &mut again));
            }
        }
        let mut uart = new();
        uart.restore(&frozen(text)).expect("it is kept for ever");
        assert_eq!(uart.save("serial"), Ok(frozen(text)));
    }

    #[test]
    fn a_restored_one_answers_as_the_one_that_was_saved() {
        restored_answers_alike(v1::Uart::default, FROZEN[0]);
        restored_answers_alike(v2::Uart::default, FROZEN[1]);
    }

    #[test]
    fn a_state_that_no_driver_makes_is_refused_by_name() {
        let waiting = format!("\"waiting\": \"{}\"", "61".repeat(HELD + 1));
        let received = format!("\"received\": \"{}\"", "61".repeat(65));
        let cases: [(usize, &str, &str, &str); 13] = [
            (0, "\"IER\": \"0x05\"", "\"IER\": \"0x15\"", "IER is 0x15"),
            (0, "\"IIR\": \"0x04\"", "\"IIR\": \"0x05\"", "IIR is 0x05"),
            (0, "\"IIR\": \"0x04\"", "\"IIR\": \"0x00\"", "IIR is 0x00"),
            (0, "\"received\": \"6162\"", &received, "holds 64"),
            (0, "\"waiting\": \"63\"", &waiting, "no more than 256"),
            (1, "\"IER\": \"0x07\"", "\"IER\": \"0x17\"", "IER is 0x17"),
            (1, "\"FCR\": \"0xc1\"", "\"FCR\": \"0xc3\"", "FCR is 0xc3"),
            (1, "\"MCR\": \"0x0b\"", "\"MCR\": \"0x8b\"", "MCR is 0x8b"),
            (1, "\"MSR\": \"0x01\"", "\"MSR\": \"0x11\"", "MSR is 0x11"),
            (1, "\"FCR\": \"0xc1\"", "\"FCR\": \"0xc0\"", "holds 1"),
            (
                1,
                "\"IER\": \"0x07\"",
                "\"IER\": \"0x05\"",
                "`emptied` is true",
            ),
            (
                1,
                "\"handshakes\": true",
                "\"handshakes\": false",
                "MCR has RTS",
            ),
            (1, "\"waited\": 3", "\"waited\": 17", "`waited` is 17"),
        ];
        for (which, from, to, why) in cases {
            let text = FROZEN[which].replace(from, to);
            assert_ne!(text, FROZEN[which], "{from}");
            let refused = match which {
                0 => Serial::new(v1::Uart::default(), Box::new(io::sink())).restore(&frozen(&text)),
                _ => Serial::new(v2::Uart::default(), Box::new(io::sink())).restore(&frozen(&text)),
            };
            let words = refused.expect_err(to);
            assert!(words.contains(why), "{words}");
        }
    }
}
