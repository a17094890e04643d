//! The UART behind the console: the registers of one version of the part, the
//! output that leaves it, and the input that waits until it may come in.

pub mod v1;
pub mod v2;

use super::Model;
use crate::counters;
use std::collections::VecDeque;
use std::io::Write;
use std::sync::Arc;

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
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

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
}
