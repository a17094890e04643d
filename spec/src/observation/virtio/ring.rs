//! What a guest finds out of each virtio device by driving it: what the witness saw, and what a lock promises of it.
//!
//! A card's, a console's, an entropy source's and a socket device's part are the same in all locks, but for interrupt and
//! context id: they are a version of their kind, as [`super`] says of their registers.

use super::super::wire::virtio::ring::{self as driven, *};
use super::{Entry, Shown, entry, word};

/// What is recorded of a device, whatever it is.
#[rustfmt::skip]
const EACH: &[Entry] = &[
    entry("Status and QueueReady in use", STARTED, |shown| READY | ready(shown) << 8),
    entry("interrupt of a used buffer (INTID)", INTERRUPT, |shown| shown.interrupt.into()),
    entry("interrupt of another, before InterruptACK (INTID)", INTERRUPT_AGAIN, |shown| shown.interrupt.into()),
    entry("InterruptStatus in use", CAUSES, |_| CAUSES_IN_ORDER),
    entry("used ring", USED, |_| USED_IN_ORDER),
    entry("bytes written to used buffers", LENGTHS, lengths),
    entry("Status, InterruptStatus and QueueReady after use and a reset", AFTER_USE, |_| 0),
    entry("DeviceFeatures[63:0] after use and a reset", FEATURES_AFTER_USE, |shown| shown.features as u64),
    entry("interrupt beside these (INTID)", INTERRUPT_BEYOND, |_| 0),
];

/// What is recorded of a disk. What changes a disk that no driver can change fails (VIRTIO_BLK_S_IOERR), though it be nothing.
#[rustfmt::skip]
const BLOCK: &[Entry] = &[
    entry("serial number[7:0]", SERIAL, |shown| serial(shown, 0)),
    entry("serial number[15:8]", SERIAL + 1, |shown| serial(shown, 1)),
    entry("serial number[19:16]", SERIAL + 2, |shown| serial(shown, 2)),
    entry("status of VIRTIO_BLK_T_GET_ID and of a write of no bytes", STATUSES,
        |shown| match shown.disk { Some((_, true)) => 0x100, _ => 0 }),
];

/// What is recorded of a source of entropy.
const ENTROPY: &[Entry] = &[entry("words that are not random", UNFILLED, |_| 0)];

/// What is recorded of sockets.
#[rustfmt::skip]
const VSOCK: &[Entry] = &[
    entry("answer to VIRTIO_VSOCK_OP_REQUEST for no port", ANSWER, |_| RESET),
    entry("context ids of that answer", ANSWER_CIDS, |shown| HOST | shown.word(0) << 32),
    entry("ports of that answer", ANSWER_PORTS, |_| NO_PORT | OWN_PORT << 32),
];

/// All that is recorded, whatever the device.
pub(super) fn all() -> impl Iterator<Item = &'static Entry> {
    [EACH, BLOCK, ENTROPY, VSOCK].into_iter().flatten()
}

/// All that is recorded of a device of that number.
pub(super) fn of(number: u32) -> impl Iterator<Item = &'static Entry> {
    let tables: &[&[Entry]] = match u64::from(number) {
        driven::NET | driven::CONSOLE => &[EACH],
        driven::BLOCK => &[EACH, BLOCK],
        driven::ENTROPY => &[EACH, ENTROPY],
        driven::VSOCK => &[EACH, VSOCK],
        _ => &[],
    };
    tables.iter().copied().flatten()
}

/// One bit for each queue.
fn ready(shown: &Shown) -> u64 {
    (0..shown.queues.len()).fold(0, |bits, queue| bits | 1 << queue)
}

/// A serial number and a status, and the status of the next request; what was random; of what the device reads, nothing.
fn lengths(shown: &Shown) -> u64 {
    match u64::from(shown.device) {
        driven::BLOCK => 21 | 1 << 32,
        driven::ENTROPY => 64 | 64 << 32,
        _ => 0,
    }
}

/// Eight bytes of a disk's serial number, with zeroes behind it.
fn serial(shown: &Shown, index: usize) -> u64 {
    let text = shown.disk.as_ref().map(|(serial, _)| serial.as_bytes());
    word(text.unwrap_or_default(), index)
}
