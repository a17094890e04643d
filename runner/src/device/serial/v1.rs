//! `16550`: the UART of lock version 1, which shows what vm-superio 0.8.2 shows.
//!
//! It is a 16550A to a driver that does not look closely. FCR does nothing: IIR
//! always says that the FIFOs are on, the receiver takes 64 bytes without an
//! overrun, and what is sent before the driver is there is lost to its
//! initialisation. IIR is a collection of bits, all of them acknowledged by a
//! read. None of it may be mended: guests run on it. The mended part is
//! [`super::v2`].

use super::Registers;
use std::collections::VecDeque;
use vmlock_saved::device::bytes::{Byte, Bytes};
use vmlock_saved::device::uart::Uart16550;

/// Bytes that the receiver holds.
const RECEIVER: usize = 64;

/// IER: received data, transmitter empty; and the bits that there are.
const IER_RECEIVED: u8 = 1 << 0;
const IER_EMPTY: u8 = 1 << 1;
const IER_BITS: u8 = 0x0f;
/// IIR: nothing is pending, transmitter empty, received data; and the FIFOs' bits.
const IIR_NOTHING: u8 = 1 << 0;
const IIR_EMPTY: u8 = 1 << 1;
const IIR_RECEIVED: u8 = 1 << 2;
const IIR_FIFOS: u8 = 0xc0;
/// LCR: the divisor latch is accessed.
const LCR_DIVISOR: u8 = 1 << 7;
/// LSR: a byte is there to be read.
const LSR_READY: u8 = 1 << 0;
/// MCR: what is transmitted is received.
const MCR_LOOP: u8 = 1 << 4;

/// The registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uart {
    /// DLL and DLM.
    pub divisor: [u8; 2],
    /// IER.
    pub interrupt_enable: u8,
    /// IIR, without the FIFOs' bits.
    pub interrupt_identification: u8,
    /// LCR.
    pub line_control: u8,
    /// LSR.
    pub line_status: u8,
    /// MCR.
    pub modem_control: u8,
    /// MSR.
    pub modem_status: u8,
    /// SCR.
    pub scratch: u8,
    /// What was received and not read.
    pub received: VecDeque<u8>,
}

impl Default for Uart {
    fn default() -> Self {
        Self {
            divisor: [12, 0],
            interrupt_enable: 0,
            interrupt_identification: IIR_NOTHING,
            line_control: 0x03,
            line_status: 0x60,
            modem_control: 0x08,
            modem_status: 0xb0,
            scratch: 0,
            received: VecDeque::new(),
        }
    }
}

impl Uart {
    fn raise(&mut self, bit: u8) {
        self.interrupt_identification &= !IIR_NOTHING;
        self.interrupt_identification |= bit;
    }

    fn transmitter_empty(&mut self) {
        if self.interrupt_enable & IER_EMPTY != 0 {
            self.raise(IIR_EMPTY);
        }
    }

    fn data_received(&mut self) {
        if self.interrupt_enable & IER_RECEIVED != 0 {
            self.raise(IIR_RECEIVED);
        }
    }

    fn looped(&self) -> bool {
        self.modem_control & MCR_LOOP != 0
    }

    fn push(&mut self, byte: u8) {
        if self.received.len() < RECEIVER {
            self.received.push_back(byte);
            self.line_status |= LSR_READY;
            self.data_received();
        }
    }

    fn take(&mut self) -> u8 {
        self.interrupt_identification &= !IIR_RECEIVED;
        if self.interrupt_identification == 0 {
            self.interrupt_identification = IIR_NOTHING;
        }
        let byte = self.received.pop_front().unwrap_or(0);
        if self.received.is_empty() {
            self.line_status &= !LSR_READY;
        }
        byte
    }

    /// MSR. In loop-back, its inputs are the outputs of MCR.
    fn modem(&self) -> u8 {
        if !self.looped() {
            return self.modem_status;
        }
        // DTR, RTS, OUT1, OUT2 are DSR, CTS, RI, DCD.
        let wires = [(0, 5), (1, 4), (2, 6), (3, 7)];
        wires.iter().fold(self.modem_status & 0x0f, |status, wire| {
            status | (self.modem_control >> wire.0 & 1) << wire.1
        })
    }
}

impl Registers for Uart {
    fn read(&mut self, register: u8) -> u8 {
        let divisor = self.line_control & LCR_DIVISOR != 0;
        match register {
            0 | 1 if divisor => self.divisor[usize::from(register)],
            0 => self.take(),
            1 => self.interrupt_enable,
            2 => std::mem::replace(&mut self.interrupt_identification, IIR_NOTHING) | IIR_FIFOS,
            3 => self.line_control,
            4 => self.modem_control,
            5 => self.line_status,
            6 => self.modem(),
            7 => self.scratch,
            _ => 0,
        }
    }

    fn write(&mut self, register: u8, value: u8) -> Option<u8> {
        let divisor = self.line_control & LCR_DIVISOR != 0;
        match register {
            0 | 1 if divisor => self.divisor[usize::from(register)] = value,
            0 if self.looped() => self.push(value),
            0 => {
                self.transmitter_empty();
                return Some(value);
            }
            1 => {
                self.interrupt_enable = value & IER_BITS;
                if !self.received.is_empty() {
                    self.data_received();
                }
                self.transmitter_empty();
            }
            3 => self.line_control = value,
            4 => self.modem_control = value,
            7 => self.scratch = value,
            _ => {}
        }
        None
    }

    fn ready(&self) -> bool {
        self.received.len() < RECEIVER
    }

    /// In loop-back, what arrives is lost.
    fn receive(&mut self, byte: u8) {
        if !self.looped() {
            self.push(byte);
        }
    }

    fn line(&self) -> bool {
        self.interrupt_identification & IIR_NOTHING == 0
    }

    type Saved = Uart16550;

    fn save(&self) -> Uart16550 {
        let Self {
            divisor: [low, high],
            interrupt_enable,
            interrupt_identification,
            line_control,
            // Whether a byte is there.
            line_status: _,
            modem_control,
            // It never changes.
            modem_status: _,
            scratch,
            received,
        } = self;
        Uart16550 {
            dll: Byte(*low),
            dlm: Byte(*high),
            ier: Byte(*interrupt_enable),
            iir: Byte(*interrupt_identification),
            lcr: Byte(*line_control),
            mcr: Byte(*modem_control),
            scr: Byte(*scratch),
            received: Bytes(received.iter().copied().collect()),
        }
    }

    fn restored(saved: &Uart16550) -> Result<Self, String> {
        let Uart16550 {
            dll,
            dlm,
            ier,
            iir,
            lcr,
            mcr,
            scr,
            received,
        } = saved;
        if ier.0 & !IER_BITS != 0 {
            return Err(format!("IER is {ier}, which has bits that there are not"));
        }
        let pending = iir.0 & !(IIR_EMPTY | IIR_RECEIVED) == 0 && iir.0 != 0;
        if iir.0 != IIR_NOTHING && !pending {
            return Err(format!("IIR is {iir}, which nothing makes it"));
        }
        let count = received.0.len();
        if count > RECEIVER {
            return Err(format!(
                "`received` has {count} bytes, and the receiver holds {RECEIVER}"
            ));
        }
        let fresh = Self::default();
        let ready = if count > 0 { LSR_READY } else { 0 };
        Ok(Self {
            divisor: [dll.0, dlm.0],
            interrupt_enable: ier.0,
            interrupt_identification: iir.0,
            line_control: lcr.0,
            line_status: fresh.line_status | ready,
            modem_control: mcr.0,
            scratch: scr.0,
            received: received.0.iter().copied().collect(),
            ..fresh
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use vm_superio::serial::NoEvents;
    use vm_superio::{Serial, Trigger};
    use vmlock_virtio::random::Random;

    struct Ignored;

    impl Trigger for Ignored {
        type E = Infallible;
        fn trigger(&self) -> Result<(), Infallible> {
            Ok(())
        }
    }

    type Oracle = Serial<Ignored, NoEvents, Vec<u8>>;

    fn same(uart: &Uart, oracle: &Oracle) {
        let state = oracle.state();
        let theirs = Uart {
            divisor: [state.baud_divisor_low, state.baud_divisor_high],
            interrupt_enable: state.interrupt_enable,
            interrupt_identification: state.interrupt_identification,
            line_control: state.line_control,
            line_status: state.line_status,
            modem_control: state.modem_control,
            modem_status: state.modem_status,
            scratch: state.scratch,
            received: state.in_buffer.into(),
        };
        assert_eq!(*uart, theirs);
    }

    /// Locks of version 1 were made when this was the UART.
    #[test]
    fn it_is_the_part_that_version_1_of_the_lock_had() {
        let mut random = Random(1);
        for _ in 0..300 {
            let mut uart = Uart::default();
            let mut oracle: Oracle = Serial::new(Ignored, Vec::new());
            let mut sent = Vec::new();
            same(&uart, &oracle);
            for _ in 0..300 {
                let (register, value) = (random.below(10) as u8, random.bits() as u8);
                match random.below(8) {
                    0..4 => assert_eq!(uart.read(register), oracle.read(register)),
                    4 => {
                        assert_eq!(uart.ready(), oracle.fifo_capacity() > 0);
                        if uart.ready() {
                            uart.receive(value);
                            oracle.enqueue_raw_bytes(&[value]).expect("there is room");
                        }
                    }
                    // What the access leaves on in LCR and MCR hides the other registers.
                    5 => {
                        uart.write(3, 3);
                        oracle.write(3, 3).expect("a Vec takes all");
                    }
                    _ => {
                        sent.extend(uart.write(register, value));
                        oracle.write(register, value).expect("a Vec takes all");
                    }
                }
                same(&uart, &oracle);
                let pending = oracle.state().interrupt_identification & 1 == 0;
                assert_eq!(uart.line(), pending);
            }
            assert_eq!(sent, *oracle.writer());
        }
    }
}
