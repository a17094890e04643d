//! `16550-2`: a 16550A as its data sheet has it (National Semiconductor
//! PC16550D, chapter 8), at one end of a wire that has a patient sender at the
//! other.
//!
//! Characters take no time and have no framing: the transmitter is always
//! empty, LCR is remembered and has no effect, and four character times without
//! a character (time-out) have passed as soon as a byte is looked for.
//! MSR's inputs are those of a terminal that is always on: CTS, DSR and DCD.
//!
//! The sender holds input back until the guest shows that somebody reads it, so
//! that none is lost to a driver's initialisation: see [`Uart::listens`].

use super::Registers;
use vmlock_saved::device::bytes::{Byte, Bytes};
use vmlock_saved::device::uart::Uart16550V2;

/// Bytes that the receiver holds with its FIFO on.
const FIFO: usize = 16;
/// FCR bits 7:6: from how many bytes on the receiver interrupts.
const TRIGGERS: [usize; 4] = [1, 4, 8, 14];

/// IER: received data, transmitter empty, line status, modem status.
const IER_RECEIVED: u8 = 1 << 0;
const IER_EMPTY: u8 = 1 << 1;
const IER_LINE: u8 = 1 << 2;
const IER_MODEM: u8 = 1 << 3;
const IER_BITS: u8 = 0x0f;
/// IIR: why it interrupts, highest priority first; and the FIFOs are on.
const IIR_LINE: u8 = 0x06;
const IIR_RECEIVED: u8 = 0x04;
const IIR_TIMEOUT: u8 = 0x0c;
const IIR_EMPTY: u8 = 0x02;
const IIR_MODEM: u8 = 0x00;
const IIR_NOTHING: u8 = 0x01;
const IIR_FIFOS: u8 = 0xc0;
/// FCR: FIFOs on, receiver cleared; the bits that stay as written: on, DMA mode, trigger.
const FCR_ON: u8 = 1 << 0;
const FCR_CLEAR_RECEIVER: u8 = 1 << 1;
const FCR_KEPT: u8 = 0xc9;
/// LCR: the divisor latch is accessed.
const LCR_DIVISOR: u8 = 1 << 7;
/// MCR: DTR, RTS, OUT1, OUT2; loop-back; the bits that there are.
const MCR_DTR: u8 = 1 << 0;
const MCR_RTS: u8 = 1 << 1;
const MCR_OUT1: u8 = 1 << 2;
const MCR_OUT2: u8 = 1 << 3;
const MCR_LOOP: u8 = 1 << 4;
const MCR_BITS: u8 = 0x1f;
/// LSR: a byte to be read, one that was lost, and both halves of the transmitter empty.
const LSR_READY: u8 = 1 << 0;
const LSR_OVERRUN: u8 = 1 << 1;
const LSR_EMPTY: u8 = 0x60;
/// MSR: the inputs, and which of them changed in bits 3:0 in the same order.
const MSR_CTS: u8 = 1 << 4;
const MSR_DSR: u8 = 1 << 5;
const MSR_RI: u8 = 1 << 6;
const MSR_DCD: u8 = 1 << 7;
const MSR_RI_ENDED: u8 = 1 << 2;

/// So many reads of LSR with no byte there and nothing done in between: a guest
/// that waits for input. For the transmitter, nobody waits longer than one read.
const WAITING: u8 = 16;

/// The registers, and what the sender has seen of the guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uart {
    /// DLL and DLM. A reset leaves them alone; 12 is what `16550` began with.
    pub divisor: [u8; 2],
    /// IER.
    pub interrupt_enable: u8,
    /// FCR, which cannot be read.
    pub fifo_control: u8,
    /// LCR.
    pub line_control: u8,
    /// MCR.
    pub modem_control: u8,
    /// MSR bits 3:0.
    pub modem_changes: u8,
    /// SCR. A reset leaves it alone.
    pub scratch: u8,
    /// LSR.OE.
    pub overrun: bool,
    /// The transmitter has become empty, and nobody has been told.
    pub emptied: bool,
    /// What was received and not read, oldest first: the first `received_count`.
    pub received: [u8; FIFO],
    /// How much of it there is.
    pub received_count: usize,
    /// The guest has raised RTS once.
    pub handshakes: bool,
    /// Reads of LSR in vain, up to [`WAITING`].
    pub waited: u8,
}

impl Default for Uart {
    fn default() -> Self {
        Self {
            divisor: [12, 0],
            interrupt_enable: 0,
            fifo_control: 0,
            line_control: 0,
            modem_control: 0,
            modem_changes: 0,
            scratch: 0,
            overrun: false,
            emptied: false,
            received: [0; FIFO],
            received_count: 0,
            handshakes: false,
            waited: 0,
        }
    }
}

impl Uart {
    fn looped(&self) -> bool {
        self.modem_control & MCR_LOOP != 0
    }

    fn fifos(&self) -> bool {
        self.fifo_control & FCR_ON != 0
    }

    fn capacity(&self) -> usize {
        if self.fifos() { FIFO } else { 1 }
    }

    /// A byte at the receiver. One too many is lost; without the FIFO, the one before it is.
    fn arrive(&mut self, byte: u8) {
        if self.received_count < self.capacity() {
            self.received[self.received_count] = byte;
            self.received_count += 1;
            return;
        }
        self.overrun = true;
        if !self.fifos() {
            self.received[0] = byte;
        }
    }

    fn take(&mut self) -> u8 {
        if self.received_count == 0 {
            return 0;
        }
        let byte = self.received[0];
        self.received.rotate_left(1);
        self.received_count -= 1;
        byte
    }

    /// MSR bits 7:4. In loop-back, the inputs are the outputs of MCR.
    fn inputs(&self) -> u8 {
        if !self.looped() {
            return MSR_CTS | MSR_DSR | MSR_DCD;
        }
        [
            (MCR_RTS, MSR_CTS),
            (MCR_DTR, MSR_DSR),
            (MCR_OUT1, MSR_RI),
            (MCR_OUT2, MSR_DCD),
        ]
        .iter()
        .filter(|(output, _)| self.modem_control & output != 0)
        .fold(0, |inputs, (_, input)| inputs | input)
    }

    fn control_modem(&mut self, value: u8) {
        let before = self.inputs();
        self.modem_control = value & MCR_BITS;
        let after = self.inputs();
        let mut changes = (before ^ after) >> 4;
        // Of the ring indicator, only its end counts.
        if after & MSR_RI != 0 {
            changes &= !MSR_RI_ENDED;
        }
        self.modem_changes |= changes;
        self.handshakes |= !self.looped() && self.modem_control & MCR_RTS != 0;
    }

    /// Changing the mode clears the FIFOs; without bit 0, no other bit is programmed.
    fn control_fifos(&mut self, value: u8) {
        let switched = (value ^ self.fifo_control) & FCR_ON != 0;
        let on = value & FCR_ON != 0;
        if switched || on && value & FCR_CLEAR_RECEIVER != 0 {
            self.received_count = 0;
        }
        self.fifo_control = if on {
            value & FCR_KEPT
        } else {
            self.fifo_control & !FCR_ON
        };
    }

    fn enable_interrupts(&mut self, value: u8) {
        let before = self.interrupt_enable;
        self.interrupt_enable = value & IER_BITS;
        // Who asks to be told of an empty transmitter is told of one that is.
        if (before ^ self.interrupt_enable) & IER_EMPTY != 0 {
            self.emptied = self.interrupt_enable & IER_EMPTY != 0;
        }
    }

    /// IIR bits 3:0: the most urgent of what is pending and enabled.
    fn pending(&self) -> u8 {
        let enabled = |bit| self.interrupt_enable & bit != 0;
        let trigger = match self.fifos() {
            true => TRIGGERS[usize::from(self.fifo_control >> 6)],
            false => 1,
        };
        if enabled(IER_LINE) && self.overrun {
            IIR_LINE
        } else if enabled(IER_RECEIVED) && self.received_count >= trigger {
            IIR_RECEIVED
        } else if enabled(IER_RECEIVED) && self.received_count > 0 {
            IIR_TIMEOUT
        } else if enabled(IER_EMPTY) && self.emptied {
            IIR_EMPTY
        } else if enabled(IER_MODEM) && self.modem_changes != 0 {
            IIR_MODEM
        } else {
            IIR_NOTHING
        }
    }

    fn identify(&mut self) -> u8 {
        let pending = self.pending();
        if pending == IIR_EMPTY {
            self.emptied = false;
        }
        if self.fifos() {
            pending | IIR_FIFOS
        } else {
            pending
        }
    }

    fn line_status(&mut self) -> u8 {
        let mut status = LSR_EMPTY;
        if self.received_count > 0 {
            status |= LSR_READY;
        }
        if std::mem::take(&mut self.overrun) {
            status |= LSR_OVERRUN;
        }
        status
    }

    /// Whether the guest shows that somebody reads what is sent: by RTS, as
    /// terminals have it. One that has never raised RTS shows it by FIFOs and
    /// interrupts that are on, or by waiting at LSR. RBR, FCR and the interrupt
    /// enable alone say nothing: Linux' driver reads the first, clears by the
    /// second and sets the third, all before it is ready.
    fn listens(&self) -> bool {
        if self.handshakes {
            return self.modem_control & MCR_RTS != 0;
        }
        let interrupts = self.fifos() && self.interrupt_enable & IER_RECEIVED != 0;
        interrupts || self.waited == WAITING
    }
}

impl Registers for Uart {
    fn read(&mut self, register: u8) -> u8 {
        let divisor = self.line_control & LCR_DIVISOR != 0;
        self.waited = match (register, divisor) {
            (5, _) if self.received_count == 0 => WAITING.min(self.waited + 1),
            (5, _) | (0, false) => self.waited,
            _ => 0,
        };
        match register {
            0 | 1 if divisor => self.divisor[usize::from(register)],
            0 => self.take(),
            1 => self.interrupt_enable,
            2 => self.identify(),
            3 => self.line_control,
            4 => self.modem_control,
            5 => self.line_status(),
            6 => self.inputs() | std::mem::take(&mut self.modem_changes),
            7 => self.scratch,
            _ => 0,
        }
    }

    fn write(&mut self, register: u8, value: u8) -> Option<u8> {
        let divisor = self.line_control & LCR_DIVISOR != 0;
        self.waited = 0;
        match register {
            0 | 1 if divisor => self.divisor[usize::from(register)] = value,
            0 => {
                self.emptied = self.interrupt_enable & IER_EMPTY != 0;
                if !self.looped() {
                    return Some(value);
                }
                self.arrive(value);
            }
            1 => self.enable_interrupts(value),
            2 => self.control_fifos(value),
            3 => self.line_control = value,
            4 => self.control_modem(value),
            7 => self.scratch = value,
            // LSR and MSR are for the factory to write.
            _ => {}
        }
        None
    }

    fn ready(&self) -> bool {
        !self.looped() && self.received_count < self.capacity() && self.listens()
    }

    fn receive(&mut self, byte: u8) {
        self.arrive(byte);
    }

    fn line(&self) -> bool {
        self.pending() != IIR_NOTHING
    }

    type Saved = Uart16550V2;

    fn save(&self) -> Uart16550V2 {
        let Self {
            divisor: [low, high],
            interrupt_enable,
            fifo_control,
            line_control,
            modem_control,
            modem_changes,
            scratch,
            overrun,
            emptied,
            received,
            received_count,
            handshakes,
            waited,
        } = self;
        Uart16550V2 {
            dll: Byte(*low),
            dlm: Byte(*high),
            ier: Byte(*interrupt_enable),
            fcr: Byte(*fifo_control),
            lcr: Byte(*line_control),
            mcr: Byte(*modem_control),
            msr: Byte(*modem_changes),
            scr: Byte(*scratch),
            overrun: *overrun,
            emptied: *emptied,
            received: Bytes(received[..*received_count].to_vec()),
            handshakes: *handshakes,
            waited: *waited,
        }
    }

    fn restored(saved: &Uart16550V2) -> Result<Self, String> {
        let Uart16550V2 {
            dll,
            dlm,
            ier,
            fcr,
            lcr,
            mcr,
            msr,
            scr,
            overrun,
            emptied,
            received,
            handshakes,
            waited,
        } = saved;
        for (name, value, bits) in [
            ("IER", ier, IER_BITS),
            ("FCR", fcr, FCR_KEPT),
            ("MCR", mcr, MCR_BITS),
            ("MSR", msr, 0x0f),
        ] {
            if value.0 & !bits != 0 {
                return Err(format!(
                    "{name} is {value}, which has bits that there are not"
                ));
            }
        }
        let mut uart = Self {
            divisor: [dll.0, dlm.0],
            interrupt_enable: ier.0,
            fifo_control: fcr.0,
            line_control: lcr.0,
            modem_control: mcr.0,
            modem_changes: msr.0,
            scratch: scr.0,
            overrun: *overrun,
            emptied: *emptied,
            received: [0; FIFO],
            received_count: received.0.len(),
            handshakes: *handshakes,
            waited: *waited,
        };
        let (count, most) = (uart.received_count, uart.capacity());
        if count > most {
            return Err(format!(
                "`received` has {count} bytes, and the receiver holds {most}"
            ));
        }
        uart.received[..count].copy_from_slice(&received.0);
        if *emptied && ier.0 & IER_EMPTY == 0 {
            return Err("`emptied` is true, and IER does not ask for it".to_owned());
        }
        if !handshakes && !uart.looped() && mcr.0 & MCR_RTS != 0 {
            return Err("`handshakes` is false, and MCR has RTS".to_owned());
        }
        if *waited > WAITING {
            return Err(format!("`waited` is {waited}, and it ends at {WAITING}"));
        }
        Ok(uart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_virtio::random::Random;

    const LOOP: u8 = MCR_LOOP | MCR_RTS;

    fn looped() -> Uart {
        let mut uart = Uart::default();
        uart.write(4, LOOP);
        uart
    }

    fn send(uart: &mut Uart, count: usize) {
        for byte in 1..=count {
            assert_eq!(uart.write(0, byte as u8), None);
        }
    }

    #[test]
    fn iir_says_whether_the_fifos_are_on() {
        let mut uart = Uart::default();
        assert_eq!(uart.read(2), 0x01);
        uart.write(2, 0xc1);
        assert_eq!(uart.read(2), 0xc1);
        // Without bit 0 the trigger is not programmed.
        uart.write(2, 0x40);
        assert_eq!(uart.read(2), 0x01);
        assert_eq!(uart.fifo_control, 0xc0);
    }

    #[test]
    fn the_receiver_interrupts_at_each_trigger_and_times_out_below_it() {
        for (level, trigger) in (0u8..).zip(TRIGGERS) {
            let mut uart = looped();
            uart.write(2, FCR_ON | level << 6);
            uart.write(1, IER_RECEIVED);
            for count in 1..=FIFO {
                send(&mut uart, 1);
                let why = if count < trigger {
                    IIR_TIMEOUT
                } else {
                    IIR_RECEIVED
                };
                assert_eq!(uart.read(2), IIR_FIFOS | why, "{count} of {trigger}");
                assert!(uart.line());
            }
            for left in (0..FIFO).rev() {
                uart.read(0);
                assert_eq!(uart.line(), left > 0);
            }
        }
    }

    #[test]
    fn one_byte_too_many_is_lost_and_told_once() {
        let mut uart = looped();
        uart.write(2, FCR_ON);
        uart.write(1, IER_LINE);
        send(&mut uart, FIFO);
        assert!(!uart.line());
        send(&mut uart, 1);
        assert_eq!(uart.read(2), IIR_FIFOS | IIR_LINE);
        assert_eq!(uart.read(5), LSR_EMPTY | LSR_OVERRUN | LSR_READY);
        assert!(!uart.line());
        assert_eq!(uart.read(5), LSR_EMPTY | LSR_READY);
        let read: Vec<u8> = (0..FIFO).map(|_| uart.read(0)).collect();
        assert_eq!(read, (1..=16).collect::<Vec<u8>>());
        assert_eq!(uart.read(5), LSR_EMPTY);
        // Without the FIFO, the newest byte stays.
        uart.write(2, 0);
        send(&mut uart, 2);
        assert_eq!(uart.read(5), LSR_EMPTY | LSR_OVERRUN | LSR_READY);
        assert_eq!((uart.read(0), uart.read(5)), (2, LSR_EMPTY));
    }

    #[test]
    fn fcr_clears_the_receiver() {
        for (before, after, left) in [
            (0x01, 0x03, false), // cleared
            (0x01, 0x00, false), // switched off
            (0x00, 0x01, false), // switched on
            (0x01, 0x05, true),  // the transmitter is cleared
            (0x00, 0x02, true),  // not programmed without bit 0
            (0x01, 0x81, true),  // another trigger
        ] {
            let mut uart = looped();
            uart.write(2, before);
            send(&mut uart, 1);
            uart.write(2, after);
            assert_eq!(
                uart.read(5) & LSR_READY != 0,
                left,
                "{before:#x} {after:#x}"
            );
        }
    }

    #[test]
    fn an_empty_transmitter_is_told_once_for_each_cause() {
        let mut uart = Uart::default();
        assert_eq!(uart.write(0, b'a'), Some(b'a'));
        assert!(!uart.line());
        // Enabled while it is empty; by Linux, to find out whether this works.
        for _ in 0..2 {
            uart.write(1, IER_EMPTY);
            assert!(uart.line());
            assert_eq!(uart.read(2), IIR_EMPTY);
            assert_eq!(uart.read(2), IIR_NOTHING);
            uart.write(1, IER_EMPTY);
            assert!(!uart.line());
            uart.write(1, 0);
        }
        uart.write(1, IER_EMPTY);
        uart.read(2);
        uart.write(0, b'b');
        assert!(uart.line());
    }

    #[test]
    fn what_is_more_urgent_comes_first() {
        let mut uart = looped();
        uart.write(1, IER_BITS);
        send(&mut uart, 2);
        uart.write(4, MCR_LOOP);
        assert_eq!(uart.read(2), IIR_LINE);
        uart.read(5);
        assert_eq!(uart.read(2), IIR_RECEIVED);
        uart.read(0);
        assert_eq!(uart.read(2), IIR_EMPTY);
        assert_eq!(uart.read(2), IIR_MODEM);
        assert!(uart.line());
        uart.read(6);
        assert_eq!(uart.read(2), IIR_NOTHING);
    }

    #[test]
    fn in_loop_back_the_modem_hears_itself() {
        let mut uart = Uart::default();
        assert_eq!(uart.read(6), 0xb0);
        // Linux looks for a UART in this way.
        uart.write(4, MCR_LOOP | MCR_OUT2 | MCR_RTS);
        assert_eq!(uart.read(6) & 0xf0, MSR_DCD | MSR_CTS);
        uart.write(4, 0xff);
        assert_eq!(uart.read(4), MCR_BITS);
        assert_eq!(uart.read(6), 0xf0 | MSR_DSR >> 4);
        uart.write(4, MCR_LOOP);
        assert_eq!(uart.read(6), 0x0f);
        assert_eq!(uart.read(6), 0x00);
        uart.write(4, 0);
        // Back to the terminal: DCD, DSR and CTS have changed, and no ring has ended.
        assert_eq!(uart.read(6), 0xbb);
    }

    #[test]
    fn dlab_shows_the_divisor_in_place_of_data_and_interrupts() {
        let mut uart = Uart::default();
        uart.write(3, LCR_DIVISOR | 3);
        assert_eq!((uart.read(0), uart.read(1)), (12, 0));
        assert_eq!(uart.write(0, 0x34), None);
        uart.write(1, 0x12);
        uart.write(3, 3);
        assert_eq!(uart.read(1), 0);
        assert_eq!(uart.divisor, [0x34, 0x12]);
        uart.write(7, 0xa5);
        assert_eq!(uart.read(7), 0xa5);
    }

    /// What Linux' driver (drivers/tty/serial/8250/8250_port.c) does until its port is open.
    #[test]
    fn nothing_comes_before_linux_is_ready_for_it() {
        let mut uart = Uart::default();
        let quiet = |uart: &mut Uart, register, value| {
            uart.write(register, value);
            assert!(!uart.ready(), "after {value:#x} to {register}");
        };
        // Its console: LSR before each byte, IER around each line.
        for _ in 0..100 {
            quiet(&mut uart, 1, 0);
            for _ in 0..3 {
                uart.read(5);
                uart.write(0, b'.');
            }
            uart.read(5);
            quiet(&mut uart, 1, 0);
        }
        // serial8250_do_startup
        for value in [0x01, 0x07, 0x00] {
            quiet(&mut uart, 2, value);
        }
        for register in [5, 0, 2, 6] {
            uart.read(register);
        }
        quiet(&mut uart, 3, 0x03);
        quiet(&mut uart, 4, 0x09);
        for value in [0x02, 0x00, 0x02, 0x00] {
            quiet(&mut uart, 1, value);
            uart.read(2);
        }
        for register in [5, 0, 2, 6] {
            uart.read(register);
        }
        // serial8250_do_set_termios
        quiet(&mut uart, 1, 0x05);
        quiet(&mut uart, 3, 0x83);
        quiet(&mut uart, 0, 13);
        quiet(&mut uart, 3, 0x03);
        // Nothing clears the FIFO any more.
        uart.write(2, 0x01);
        assert!(uart.ready());
        uart.write(2, 0x81);
        // The port is open; later, another driver closes and clears it.
        uart.write(4, 0x0b);
        assert!(uart.ready());
        quiet(&mut uart, 4, 0x08);
        quiet(&mut uart, 2, 0x07);
        uart.write(4, 0x0b);
        assert!(uart.ready());
    }

    #[test]
    fn who_waits_at_lsr_gets_input_byte_by_byte() {
        let mut uart = Uart::default();
        for _ in 0..WAITING {
            assert!(!uart.ready());
            uart.read(5);
        }
        for byte in [b'a', b'b'] {
            assert!(uart.ready());
            uart.receive(byte);
            // Without the FIFO, there is room for one.
            assert!(!uart.ready());
            assert_eq!((uart.read(5), uart.read(0)), (LSR_EMPTY | LSR_READY, byte));
        }
        // It has something else to do.
        uart.write(0, b'>');
        assert!(!uart.ready());
    }

    #[test]
    fn what_is_sent_stays_outside_of_the_loop() {
        let mut uart = Uart::default();
        uart.write(4, MCR_RTS);
        assert!(uart.ready());
        uart.write(4, MCR_RTS | MCR_LOOP);
        assert!(!uart.ready());
    }

    #[test]
    fn no_access_breaks_it() {
        let mut random = Random(2);
        for _ in 0..2000 {
            let mut uart = Uart::default();
            for _ in 0..200 {
                let (register, value) = (random.bits() as u8, random.bits() as u8);
                match random.below(4) {
                    0 => drop(uart.read(register)),
                    1 => drop(uart.read(register & 7)),
                    2 => drop(uart.write(register & 7, value)),
                    _ if uart.ready() => uart.receive(value),
                    _ => {}
                }
                assert!(uart.received_count <= uart.capacity());
                assert!(uart.received_count < uart.capacity() || !uart.ready());
                // The line is up as long as IIR has a reason.
                assert_eq!(uart.line(), uart.clone().read(2) & 1 == 0);
                assert_eq!(uart.modem_control & !MCR_BITS, 0);
            }
        }
    }
}
