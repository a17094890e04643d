//! What a guest finds in the devices that the runner makes, version by version:
//! one table, which names what the witness saw, says what a lock promises of it,
//! and is what the models are tested by.
//!
//! Nothing is promised of version 1: its locks are audited as they were when
//! nobody looked. What is seen there is shown beside the promises.

use super::Promise;
use super::wire::{Kind, device::*, key};
use crate::lock::{Device, DeviceKind, Lock};
use std::borrow::Cow;

/// One thing that the witness looks at in a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The fact's name.
    pub name: &'static str,
    /// How it is looked at.
    pub kind: Kind,
    /// What is looked at, see [`super::wire::device`].
    pub id: u64,
    /// What version 1 of the model shows, and version 2.
    pub shows: [u64; 2],
}

const fn entry(name: &'static str, kind: Kind, id: u64, shows: [u64; 2]) -> Entry {
    Entry {
        name,
        kind,
        id,
        shows,
    }
}

/// A 16550A: `16550`, `16550-2` (National Semiconductor PC16550D chapter 8).
#[rustfmt::skip]
pub const UART: &[Entry] = &[
    entry("UART.RBR", Kind::Uart, 0, [0x00, 0x00]),
    entry("UART.IER", Kind::Uart, 1, [0x00, 0x00]),
    entry("UART.IIR", Kind::Uart, 2, [0xc1, 0x01]),
    entry("UART.LCR", Kind::Uart, 3, [0x03, 0x00]),
    entry("UART.MCR", Kind::Uart, 4, [0x08, 0x00]),
    entry("UART.LSR", Kind::Uart, 5, [0x60, 0x60]),
    entry("UART.MSR", Kind::Uart, 6, [0xb0, 0xb0]),
    entry("UART.SCR", Kind::Uart, 7, [0x00, 0x00]),
    entry("UART.DLL", Kind::Uart, DIVISOR, [0x0c, 0x0c]),
    entry("UART.DLM", Kind::Uart, DIVISOR + 1, [0x00, 0x00]),
    entry("UART.IER.writable", Kind::UartWritable, 1, [0x0f, 0x0f]),
    entry("UART.LCR.writable", Kind::UartWritable, 3, [0xff, 0xff]),
    entry("UART.MCR.writable", Kind::UartWritable, 4, [0xff, 0x1f]),
    entry("UART.SCR.writable", Kind::UartWritable, 7, [0xff, 0xff]),
    entry("UART.DLL.writable", Kind::UartWritable, DIVISOR, [0xff, 0xff]),
    entry("UART.DLM.writable", Kind::UartWritable, DIVISOR + 1, [0xff, 0xff]),
    // Version 1 has not forgotten that IER was written before, nor later what FCR should have cleared.
    entry("UART.IIR with FIFOs on", Kind::Uart, UART_FIFOS_ON, [0xc2, 0xc1]),
    entry("UART.IIR with FIFOs off", Kind::Uart, UART_FIFOS_OFF, [0xc1, 0x01]),
    entry("UART.FCR trigger levels", Kind::Uart, UART_TRIGGERS, [0x0403_0201, 0x0e08_0401]),
    entry("UART.LSR when overrun", Kind::Uart, UART_OVERRUN, [0x1461, 0x0363]),
    entry("UART.MSR in loop-back", Kind::Uart, UART_MODEM, [0xf0_00b0, 0xfb_0fbb]),
];

/// A PL031: `pl031`, `pl031-2` (Arm DDI 0224 chapter 3).
#[rustfmt::skip]
pub const RTC: &[Entry] = &[
    entry("RTC.MR", Kind::Rtc, 0x4, [0, 0]),
    entry("RTC.LR", Kind::Rtc, 0x8, [0, 0]),
    entry("RTC.CR", Kind::Rtc, 0xc, [1, 1]),
    entry("RTC.IMSC", Kind::Rtc, 0x10, [0, 0]),
    entry("RTC.RIS", Kind::Rtc, 0x14, [0, 0]),
    entry("RTC.MIS", Kind::Rtc, 0x18, [0, 0]),
    entry("RTC.PeriphID0", Kind::Rtc, 0xfe0, [0x31, 0x31]),
    entry("RTC.PeriphID1", Kind::Rtc, 0xfe4, [0x10, 0x10]),
    entry("RTC.PeriphID2", Kind::Rtc, 0xfe8, [0x04, 0x14]),
    entry("RTC.PeriphID3", Kind::Rtc, 0xfec, [0x00, 0x00]),
    entry("RTC.PCellID0", Kind::Rtc, 0xff0, [0x0d, 0x0d]),
    entry("RTC.PCellID1", Kind::Rtc, 0xff4, [0xf0, 0xf0]),
    entry("RTC.PCellID2", Kind::Rtc, 0xff8, [0x05, 0x05]),
    entry("RTC.PCellID3", Kind::Rtc, 0xffc, [0xb1, 0xb1]),
    entry("RTC.MR.writable", Kind::RtcWritable, 0x4, [0xffff_ffff, 0xffff_ffff]),
    entry("RTC.LR.writable", Kind::RtcWritable, 0x8, [0xffff_ffff, 0xffff_ffff]),
    entry("RTC.CR.writable", Kind::RtcWritable, 0xc, [0, 0]),
    entry("RTC.IMSC.writable", Kind::RtcWritable, 0x10, [1, 1]),
    entry("RTC.RIS.writable", Kind::RtcWritable, 0x14, [0, 0]),
    // It rings when the match is reached, behind its mask, until it is cleared.
    entry("RTC alarm", Kind::Rtc, RTC_ALARM, [0b0_0000, 0b0_1010]),
];

/// The table of a part, and which column is its version's.
pub fn of(kind: DeviceKind) -> (&'static [Entry], usize) {
    match kind {
        DeviceKind::Uart16550 => (UART, 0),
        DeviceKind::Uart16550V2 => (UART, 1),
        DeviceKind::Pl031 => (RTC, 0),
        DeviceKind::Pl031V2 => (RTC, 1),
        DeviceKind::VirtioBlock
        | DeviceKind::VirtioNet
        | DeviceKind::VirtioConsole
        | DeviceKind::VirtioEntropy
        | DeviceKind::VirtioVsock
        | DeviceKind::Vmgenid => (&[], 0),
    }
}

/// The name of what a record is about.
pub(super) fn name(kind: Kind, id: u64) -> Cow<'static, str> {
    let (part, writable) = match kind {
        Kind::Uart => ("UART", ""),
        Kind::UartWritable => ("UART", ".writable"),
        Kind::Rtc => ("RTC", ""),
        _ => ("RTC", ".writable"),
    };
    let mut entries = UART.iter().chain(RTC);
    match entries.find(|e| (e.kind, e.id) == (kind, id)) {
        Some(entry) => entry.name.into(),
        None => format!("{part} offset {id:#05x}{writable}").into(),
    }
}

/// The UART and the clock that the witness looks at: the first of each.
pub fn looked_at(devices: &[Device]) -> (Option<&Device>, Option<&Device>) {
    let first = |is: fn(DeviceKind) -> bool| devices.iter().find(|d| is(d.kind));
    (first(DeviceKind::is_uart), first(DeviceKind::is_clock))
}

/// What the lock's devices show to vCPU 0, which looks at them.
pub fn promises(lock: &Lock) -> Vec<Promise> {
    let (uart, rtc) = looked_at(&lock.machine.devices);
    let mut out = Vec::new();
    for device in [uart, rtc].into_iter().flatten() {
        let (entries, column) = of(device.kind);
        if column > 0 {
            out.extend(entries.iter().map(|entry| Promise {
                vcpu: 0,
                key: key(entry.kind, entry.id),
                value: Some(entry.shows[column]),
                mask: u64::MAX,
            }));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::fact_name;
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn everything_that_the_witness_looks_at_stands_in_the_table_once() {
        let kinds = [
            (Kind::Uart, UART_AT_RESET),
            (Kind::UartWritable, UART_WRITABLE),
            (Kind::Rtc, RTC_AT_RESET),
            (Kind::RtcWritable, RTC_WRITABLE),
            (
                Kind::Uart,
                &[
                    UART_FIFOS_ON,
                    UART_FIFOS_OFF,
                    UART_TRIGGERS,
                    UART_OVERRUN,
                    UART_MODEM,
                ],
            ),
            (Kind::Rtc, &[RTC_ALARM]),
        ];
        let seen: BTreeSet<(Kind, u64)> = kinds
            .iter()
            .flat_map(|(kind, ids)| ids.iter().map(|id| (*kind, *id)))
            .collect();
        let entries = || UART.iter().chain(RTC);
        let told: BTreeSet<(Kind, u64)> = entries().map(|e| (e.kind, e.id)).collect();
        assert_eq!(seen, told);
        let names: BTreeSet<&str> = entries().map(|e| e.name).collect();
        assert_eq!(names.len(), entries().count());
        for entry in entries() {
            let name = fact_name(key(entry.kind, entry.id));
            assert_eq!(name, entry.name);
        }
        let other = fact_name(key(Kind::UartWritable, 0x55));
        assert_eq!(other, "UART offset 0x055.writable");
    }
}
