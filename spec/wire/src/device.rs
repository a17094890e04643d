//! What the witness looks at in the devices that the runner makes, and in which
//! order: the guest does it in its machine, and the runner's tests to its models.
//!
//! The records are of [`Kind::Uart`], [`Kind::Rtc`] and the two `…Writable`. Below
//! [`UART_IN_USE`] and [`RTC_IN_USE`] an id is an offset, plus [`DIVISOR`] where
//! LCR.DLAB is set for it. Registers: National Semiconductor PC16550D chapter 8,
//! Arm DDI 0224 chapter 3.

use crate::Kind;

/// Added to the offset of a UART's register that is seen with LCR.DLAB set.
pub const DIVISOR: u64 = 0x100;

/// RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR; DLL and DLM.
pub const UART_AT_RESET: &[u64] = &[0, 1, 2, 3, 4, 5, 6, 7, DIVISOR, DIVISOR + 1];
/// IER, LCR, MCR, SCR; DLL and DLM.
pub const UART_WRITABLE: &[u64] = &[1, 3, 4, 7, DIVISOR, DIVISOR + 1];

/// First id of what a UART does in use.
pub const UART_IN_USE: u64 = 0x200;
/// IIR after FCR was written 1.
pub const UART_FIFOS_ON: u64 = UART_IN_USE;
/// IIR after FCR was written 0.
pub const UART_FIFOS_OFF: u64 = UART_IN_USE + 1;
/// With how many bytes the receiver interrupts as full enough while it fills, at each of
/// FCR's four trigger levels, lowest in bits 7:0; 0 where it does not with [`UART_MOST`].
pub const UART_TRIGGERS: u64 = UART_IN_USE + 2;
/// How many more bytes it takes until LSR tells of an overrun, in bits 15:8, and LSR then;
/// [`UART_MOST`] where it does not.
pub const UART_OVERRUN: u64 = UART_IN_USE + 3;
/// MSR after MCR was written 0x1f, 0x10 and 0, in that order, in bits 23:16, 15:8 and 7:0.
pub const UART_MODEM: u64 = UART_IN_USE + 4;

/// More bytes than the part's receiver holds.
pub const UART_MOST: u64 = 20;

/// RTCMR, RTCLR, RTCCR, RTCIMSC, RTCRIS, RTCMIS; PeriphID0 to 3, PCellID0 to 3.
#[rustfmt::skip]
pub const RTC_AT_RESET: &[u64] = &[
    0x4, 0x8, 0xc, 0x10, 0x14, 0x18,
    0xfe0, 0xfe4, 0xfe8, 0xfec, 0xff0, 0xff4, 0xff8, 0xffc,
];
/// RTCMR, RTCLR, RTCCR, RTCIMSC, RTCRIS.
pub const RTC_WRITABLE: &[u64] = &[0x4, 0x8, 0xc, 0x10, 0x14];

/// First id of what a clock does in use.
pub const RTC_IN_USE: u64 = 0x1000;
/// RTCRIS after a match was written that lies ahead, bit 0; after a load of the same
/// value, bit 1; RTCMIS with the interrupt masked, bit 2, and unmasked, bit 3; RTCRIS
/// after RTCICR was written 1, bit 4.
pub const RTC_ALARM: u64 = RTC_IN_USE;

/// A device's registers, and where what is seen of them is recorded. A failed access
/// has an ESR_EL1.
pub trait Frame {
    /// Reads the register at an offset, as wide as the device's are.
    ///
    /// # Errors
    /// The exception that it takes.
    fn read(&mut self, offset: u64) -> Result<u64, u64>;

    /// Writes the register at an offset, as wide as the device's are.
    ///
    /// # Errors
    /// The exception that it takes.
    fn write(&mut self, offset: u64, value: u32) -> Result<(), u64>;

    /// Records what was seen.
    fn record(&mut self, kind: Kind, id: u64, seen: Result<u64, u64>);
}

/// What is read back after all ones, in bits 63:32, and after zero, in 31:0.
fn writable(frame: &mut impl Frame, offset: u64) -> Result<u64, u64> {
    let before = frame.read(offset)?;
    frame.write(offset, u32::MAX)?;
    let ones = frame.read(offset)?;
    frame.write(offset, 0)?;
    let zeros = frame.read(offset)?;
    frame.write(offset, before as u32)?;
    Ok(ones << 32 | zeros)
}

const DATA: u64 = 0;
const IER: u64 = 1;
const IIR: u64 = 2;
const FCR: u64 = 2;
const LCR: u64 = 3;
const MCR: u64 = 4;
const LSR: u64 = 5;
const MSR: u64 = 6;

/// Looks at a UART that receives nothing from outside meanwhile. It is in loop-back while
/// bytes are written to it: nothing is sent.
pub fn uart(frame: &mut impl Frame) {
    for &id in UART_AT_RESET {
        let seen = latched(frame, id, |frame, offset| frame.read(offset));
        frame.record(Kind::Uart, id, seen);
    }
    for &id in UART_WRITABLE {
        let seen = latched(frame, id, |frame, offset| writable(frame, offset));
        frame.record(Kind::UartWritable, id, seen);
    }
    // Each begins where the one before it has left the receiver.
    let uses: [(u64, Result<u64, u64>); 5] = [
        (UART_FIFOS_ON, identified(frame, 1)),
        (UART_FIFOS_OFF, identified(frame, 0)),
        (UART_TRIGGERS, triggers(frame)),
        (UART_OVERRUN, overrun(frame)),
        (UART_MODEM, modem(frame)),
    ];
    for (id, seen) in uses {
        frame.record(Kind::Uart, id, seen);
    }
}

/// Does something at the offset of an id, with the divisor latch accessed if it says so.
fn latched<F: Frame>(
    frame: &mut F,
    id: u64,
    look: impl FnOnce(&mut F, u64) -> Result<u64, u64>,
) -> Result<u64, u64> {
    if id < DIVISOR {
        return look(frame, id);
    }
    let before = frame.read(LCR)?;
    frame.write(LCR, 0x80)?;
    let seen = look(frame, id - DIVISOR);
    frame.write(LCR, before as u32)?;
    seen
}

/// IIR after a write to FCR.
fn identified(frame: &mut impl Frame, fcr: u32) -> Result<u64, u64> {
    frame.write(FCR, fcr)?;
    frame.read(IIR)
}

fn triggers(frame: &mut impl Frame) -> Result<u64, u64> {
    /// IIR bits 3:0: received data, and no time-out.
    const RECEIVED: u64 = 4;
    let mut found = 0;
    let mut level = 0;
    frame.write(MCR, 0x10)?;
    frame.write(FCR, 0x03)?;
    frame.write(IER, 1)?;
    for count in 1..=UART_MOST {
        frame.write(DATA, count as u32)?;
        if frame.read(IIR)? & 0xf == RECEIVED {
            found |= count << (8 * level);
            level += 1;
            if level == 4 {
                break;
            }
            frame.write(FCR, 0x01 | level << 6)?;
        }
    }
    frame.write(IER, 0)?;
    Ok(found)
}

fn overrun(frame: &mut impl Frame) -> Result<u64, u64> {
    const OVERRUN: u64 = 2;
    let mut seen = 0;
    for count in 1..=UART_MOST {
        frame.write(DATA, count as u32)?;
        let status = frame.read(LSR)?;
        seen = count << 8 | status;
        if status & OVERRUN != 0 {
            break;
        }
    }
    Ok(seen)
}

fn modem(frame: &mut impl Frame) -> Result<u64, u64> {
    frame.write(FCR, 0)?;
    frame.read(MSR)?;
    let mut seen = 0;
    for outputs in [0x1f, 0x10, 0] {
        frame.write(MCR, outputs)?;
        seen = seen << 8 | frame.read(MSR)?;
    }
    Ok(seen)
}

/// Looks at a clock, and leaves it with another time.
pub fn rtc(frame: &mut impl Frame) {
    for &id in RTC_AT_RESET {
        let seen = frame.read(id);
        frame.record(Kind::Rtc, id, seen);
    }
    for &id in RTC_WRITABLE {
        let seen = writable(frame, id);
        frame.record(Kind::RtcWritable, id, seen);
    }
    let seen = alarm(frame);
    frame.record(Kind::Rtc, RTC_ALARM, seen);
}

fn alarm(frame: &mut impl Frame) -> Result<u64, u64> {
    const MR: u64 = 0x04;
    const LR: u64 = 0x08;
    const IMSC: u64 = 0x10;
    const RIS: u64 = 0x14;
    const MIS: u64 = 0x18;
    const ICR: u64 = 0x1c;
    frame.write(IMSC, 0)?;
    frame.write(LR, 0x1000)?;
    frame.write(ICR, 1)?;
    frame.write(MR, 0x8000)?;
    let mut seen = frame.read(RIS)?;
    frame.write(LR, 0x8000)?;
    seen |= frame.read(RIS)? << 1 | frame.read(MIS)? << 2;
    frame.write(IMSC, 1)?;
    seen |= frame.read(MIS)? << 3;
    frame.write(ICR, 1)?;
    seen |= frame.read(RIS)? << 4;
    frame.write(IMSC, 0)?;
    Ok(seen)
}
