//! UARTs (`16550-1`, `16550-2`): version 1 of their shapes, by the names of the part's data sheet. What is always the
//! same, or follows from what stands here, does not: LSR, MSR's inputs.

use super::bytes::{Byte, Bytes};
use serde::{Deserialize, Serialize};

crate::shape! {
    /// A UART, and what waits outside of it.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Uart<R> {
        /// Its registers.
        pub registers: R,
        /// Input that may not come in yet.
        ///
        /// Held to: 256 bytes
        pub waiting: Bytes,
    }
}

crate::shape! {
    /// `16550-1`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE", deny_unknown_fields)]
    pub struct Uart16550 {
        /// Divisor latch, low.
        pub dll: Byte,
        /// Divisor latch, high.
        pub dlm: Byte,
        /// Interrupts that are enabled.
        ///
        /// Held to: bits 3:0
        pub ier: Byte,
        /// What is pending, without the FIFOs' bits.
        ///
        /// Held to: 0x01, or some of bits 2:1
        pub iir: Byte,
        /// Line control.
        pub lcr: Byte,
        /// Modem control.
        pub mcr: Byte,
        /// Scratch.
        pub scr: Byte,
        /// What was received and not read.
        ///
        /// Held to: 64 bytes
        #[serde(rename = "received")]
        pub received: Bytes,
    }
}

crate::shape! {
    /// `16550-2`.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "UPPERCASE", deny_unknown_fields)]
    pub struct Uart16550V2 {
        /// Divisor latch, low.
        pub dll: Byte,
        /// Divisor latch, high.
        pub dlm: Byte,
        /// Interrupts that are enabled.
        ///
        /// Held to: bits 3:0
        pub ier: Byte,
        /// FIFO control.
        ///
        /// Held to: bits 7:6, 3 and 0
        pub fcr: Byte,
        /// Line control.
        pub lcr: Byte,
        /// Modem control.
        ///
        /// Held to: bits 4:0
        pub mcr: Byte,
        /// What of the modem's status has changed: bits 3:0 of MSR.
        ///
        /// Held to: bits 3:0
        pub msr: Byte,
        /// Scratch.
        pub scr: Byte,
        /// LSR.OE.
        #[serde(rename = "overrun")]
        pub overrun: bool,
        /// The transmitter has become empty, and the driver was not told.
        ///
        /// Held to: only with the transmitter's bit of IER, 1
        #[serde(rename = "emptied")]
        pub emptied: bool,
        /// What was received and not read.
        ///
        /// Held to: 16 bytes, with the FIFOs off 1
        #[serde(rename = "received")]
        pub received: Bytes,
        /// The driver has raised RTS once.
        ///
        /// Held to: `true` with RTS of MCR, but for a UART that loops back
        #[serde(rename = "handshakes")]
        pub handshakes: bool,
        /// How often LSR was read in vain, up to 16.
        ///
        /// Held to: 16
        #[serde(rename = "waited")]
        pub waited: u8,
    }
}
