//! The 16550A behind the console. Its interrupt line is a level, as the FDT
//! says: high while the UART has something that the guest has not acknowledged.

use std::convert::Infallible;
use std::io::Write;
use vm_superio::serial::NoEvents;
use vm_superio::{Serial, Trigger};

/// IIR bit 0: no interrupt is pending (16550 data sheet).
const NOTHING_PENDING: u8 = 1;
/// The byte-wide registers.
const REGISTERS: u64 = 8;

/// The line's level is read off the UART after each access, so an edge is of
/// no interest.
struct Level;

impl Trigger for Level {
    type E = Infallible;
    fn trigger(&self) -> Result<(), Infallible> {
        Ok(())
    }
}

/// Where the guest's output goes. What cannot be written is lost.
pub type Output = Box<dyn Write + Send>;

/// A UART.
pub struct Uart {
    serial: Serial<Level, NoEvents, Output>,
}

impl Uart {
    /// A UART whose output goes there.
    pub fn new(output: Output) -> Self {
        Self {
            serial: Serial::new(Level, output),
        }
    }

    /// Reads the register at an offset.
    pub fn read(&mut self, offset: u64, data: &mut [u8]) {
        data.fill(0);
        if let (true, [first, ..]) = (offset < REGISTERS, data) {
            *first = self.serial.read(offset as u8);
        }
    }

    /// Writes the register at an offset.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        if let (true, [first, ..]) = (offset < REGISTERS, data) {
            // The only error is an output that takes nothing, see `Output`.
            let _ = self.serial.write(offset as u8, *first);
        }
    }

    /// How many bytes of input there is room for.
    pub fn room(&self) -> usize {
        self.serial.fifo_capacity()
    }

    /// Input for the guest, at most as much as there is room for.
    pub fn input(&mut self, bytes: &[u8]) {
        let fits = bytes.len().min(self.room());
        // What fits cannot fail: in loop-back mode it is dropped.
        let _ = self.serial.enqueue_raw_bytes(&bytes[..fits]);
    }

    /// The interrupt line.
    pub fn line(&self) -> bool {
        self.serial.state().interrupt_identification & NOTHING_PENDING == 0
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

    #[test]
    fn output_goes_out_and_input_raises_the_line_until_it_is_read() {
        let sink = Sink::default();
        let mut uart = Uart::new(Box::new(sink.clone()));
        uart.write(0, b"x");
        assert_eq!(*sink.0.lock().expect("alive"), b"x");
        assert!(!uart.line());
        uart.write(1, &[1]); // interrupt on received data
        uart.input(b"ab");
        assert!(uart.line());
        let mut byte = [0];
        uart.read(0, &mut byte);
        uart.read(0, &mut byte);
        assert_eq!(byte, *b"b");
        assert!(!uart.line());
    }

    #[test]
    fn more_input_than_room_is_cut_and_odd_accesses_do_no_harm() {
        let mut uart = Uart::new(Box::new(io::sink()));
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
}
