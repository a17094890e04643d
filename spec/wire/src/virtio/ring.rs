//! What the witness finds out about a virtio device by driving it: it sets all queues up, asks for two things that change
//! nothing outside of the machine, takes the interrupt of each, and resets the device.
//!
//! Nothing is read from a disk or written to it (VIRTIO_BLK_T_GET_ID, and a write of no bytes), no byte leaves by a console
//! (a buffer of none), no frame by a card (a header without one), and no program of the host is asked (a connection to a
//! port that no lock can declare). Split virtqueues and requests: virtio 1.2 (OASIS, 1 July 2022) sections 2.7 and 5.1 to
//! 5.10.

use super::{
    CONFIG, DEVICE_FEATURES, DEVICE_FEATURES_SEL, DRIVER_FEATURES, DRIVER_FEATURES_SEL, QUEUE_NUM,
    QUEUE_NUM_MAX, QUEUE_READY, QUEUE_SEL, QUEUES_SEEN, STATUS, STATUS_BITS, VERSION_1, Window,
};
use core::ops::RangeInclusive;

/// Status in bits 7:0 once the driver is ready, and from bit 8 on QueueReady of each queue.
pub const STARTED: u64 = 0x240;
/// INTID of the interrupt that comes of a used buffer; [`NO_INTERRUPT`] where none does.
pub const INTERRUPT: u64 = 0x241;
/// The same of another buffer, while the first one's cause was not acknowledged: a device whose interrupt is an edge sends it.
pub const INTERRUPT_AGAIN: u64 = 0x242;
/// InterruptStatus before anything was used, after the first interrupt, after the second, and after both were acknowledged;
/// the first in bits 7:0.
pub const CAUSES: u64 = 0x243;
/// The used ring's index after the first interrupt, the first descriptor of what was used, and both again after the second;
/// 16 bits each, the first in bits 15:0.
pub const USED: u64 = 0x244;
/// How many bytes the device says that it wrote, of both buffers: the first in bits 31:0.
pub const LENGTHS: u64 = 0x245;
/// Status, InterruptStatus and QueueReady of each queue after a reset: all bits.
pub const AFTER_USE: u64 = 0x246;
/// DeviceFeatures after that, 64 bits of it.
pub const FEATURES_AFTER_USE: u64 = 0x247;
/// INTID of an interrupt that came beside the two; 0 where there was none.
pub const INTERRUPT_BEYOND: u64 = 0x248;

/// First of three: eight bytes of a disk's serial number each, four in the last.
pub const SERIAL: u64 = 0x250;
/// A disk's status of VIRTIO_BLK_T_GET_ID in bits 7:0, and of a write of no bytes in bits 15:8.
pub const STATUSES: u64 = 0x253;
/// How many of sixteen words of a source of entropy are as they were, zero, or the same both times.
pub const UNFILLED: u64 = 0x258;
/// What a request for a port that there is not is answered: operation in bits 15:0, type in bits 31:16, bytes of the packet in
/// bits 63:32.
pub const ANSWER: u64 = 0x25c;
/// Context ids of that answer: its sender's in bits 31:0, its receiver's in bits 63:32.
pub const ANSWER_CIDS: u64 = 0x25d;
/// Ports of that answer, likewise.
pub const ANSWER_PORTS: u64 = 0x25e;

/// All of that.
pub const ALL: [RangeInclusive<u64>; 4] = [
    STARTED..=INTERRUPT_BEYOND,
    SERIAL..=STATUSES,
    UNFILLED..=UNFILLED,
    ANSWER..=ANSWER_PORTS,
];

/// ICC_IAR1_EL1 where there is no interrupt (Arm IHI 0069 section 2.2.1).
pub const NO_INTERRUPT: u64 = 1023;
/// Seconds of the guest's counter that an interrupt is waited for. Each device is waited for once in vain at most.
pub const PATIENCE: u64 = 10;

/// Descriptors at which the two requests begin.
const HEADS: [u64; 2] = [0, 4];
/// What [`USED`] sees of a device that uses one buffer after the other.
pub const USED_IN_ORDER: u64 = 1 | HEADS[0] << 16 | 2 << 32 | HEADS[1] << 48;
/// What [`CAUSES`] sees of a device that only says that it used a buffer, until that is acknowledged.
pub const CAUSES_IN_ORDER: u64 = 0x00_01_01_00;
/// Status of a driver that is ready: ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK.
pub const READY: u64 = 15;

/// DeviceID of a network card (section 5).
pub const NET: u64 = 1;
/// The same of a disk.
pub const BLOCK: u64 = 2;
/// The same of a console.
pub const CONSOLE: u64 = 3;
/// The same of a source of entropy.
pub const ENTROPY: u64 = 4;
/// The same of sockets.
pub const VSOCK: u64 = 19;

const DEVICE_ID: u64 = 0x008;
const QUEUE_NOTIFY: u64 = 0x050;
const INTERRUPT_STATUS: u64 = 0x060;
const INTERRUPT_ACK: u64 = 0x064;
const QUEUE_DESC: u64 = 0x080;
const QUEUE_DRIVER: u64 = 0x090;
const QUEUE_DEVICE: u64 = 0x0a0;

/// Bytes of memory that it takes.
pub const AREA_SIZE: u64 = 0x1000;
/// Descriptors of each queue.
const SIZE: u64 = 8;
/// Bytes of a descriptor.
const DESCRIPTOR: u64 = 16;
/// VIRTQ_DESC_F_NEXT and VIRTQ_DESC_F_WRITE.
const NEXT: u64 = 1;
const WRITE: u64 = 2;

/// Where each queue's descriptors, available ring and used ring are.
const fn descriptors(queue: u64) -> u64 {
    queue * 0x200
}
const fn available(queue: u64) -> u64 {
    descriptors(queue) + 0x80
}
const fn used(queue: u64) -> u64 {
    descriptors(queue) + 0x100
}
/// Where buffers begin: the queues are zeroes at first, and these are ones.
const BUFFERS: u64 = QUEUES_SEEN * 0x200;
/// Of both requests: what the device reads, what it writes, and where a disk's status goes.
const ASKED: [u64; 2] = [BUFFERS, BUFFERS + 0x40];
const ANSWERED: [u64; 2] = [BUFFERS + 0x80, BUFFERS + 0xc0];
const STATUS_BYTES: [u64; 2] = [BUFFERS + 0x100, BUFFERS + 0x101];
/// Room for a packet of each answer.
const PACKETS: [u64; 2] = [BUFFERS + 0x140, BUFFERS + 0x180];
const BUFFERS_END: u64 = BUFFERS + 0x1c0;
const _: () = assert!(BUFFERS_END <= AREA_SIZE && BUFFERS.is_multiple_of(8));
/// Bytes of a buffer of any of them.
const BUFFER: u64 = 0x40;

/// VIRTIO_BLK_T_OUT and VIRTIO_BLK_T_GET_ID; bytes of a serial number (section 5.2.6).
const OUT: u64 = 1;
const GET_ID: u64 = 8;
const SERIAL_BYTES: u64 = 20;
const BLOCK_HEADER: u64 = 16;
/// `struct virtio_net_hdr` (section 5.1.6).
const NET_HEADER: u64 = 12;
/// `struct virtio_vsock_hdr`, VIRTIO_VSOCK_OP_REQUEST, VIRTIO_VSOCK_TYPE_STREAM, the host's context id (section 5.10.6).
const PACKET_HEADER: u64 = 44;
const REQUEST: u64 = 1;
const STREAM: u64 = 1;
/// The host's context id.
pub const HOST: u64 = 2;
/// VMADDR_PORT_ANY, which no lock declares, and the port that asks for it.
pub const NO_PORT: u64 = 0xffff_ffff;
/// The guest's port that asks.
pub const OWN_PORT: u64 = 0x1234;
/// What [`ANSWER`] sees: VIRTIO_VSOCK_OP_RST of a stream, in a packet without data.
pub const RESET: u64 = 3 | STREAM << 16 | PACKET_HEADER << 32;

/// A device's registers, with memory that it reaches and its interrupts.
pub trait Machine: Window {
    /// Guest-physical address of [`AREA_SIZE`] bytes, aligned to as many, that nobody else uses.
    fn area(&self) -> u64;

    /// Reads 1, 2, 4 or 8 bytes of the area. What the device wrote before the last access to a register, or the last
    /// interrupt, is there.
    fn load(&mut self, at: u64, bytes: u64) -> u64;

    /// Writes 1, 2, 4 or 8 bytes of the area, in order, and before the next access to a register.
    fn store(&mut self, at: u64, bytes: u64, value: u64);

    /// Takes the next interrupt of all that there are, and ends it: its INTID. Where there is none it is waited for, up to
    /// [`PATIENCE`], or not at all; then it is [`NO_INTERRUPT`].
    fn interrupt(&mut self, wait: bool) -> u64;
}

/// One piece of a request.
#[derive(Clone, Copy)]
struct Piece {
    at: u64,
    length: u64,
    /// The device writes it.
    input: bool,
}

const fn output(at: u64, length: u64) -> Piece {
    let input = false;
    Piece { at, length, input }
}

const fn input(at: u64, length: u64) -> Piece {
    let input = true;
    Piece { at, length, input }
}

/// What is seen of any device while it is at work.
struct Seen {
    started: u64,
    interrupts: [u64; 2],
    causes: u64,
    used: u64,
    lengths: u64,
}

/// Drives a device of a kind that is known, and resets it.
pub fn drive(machine: &mut impl Machine) {
    let Ok(device) = machine.read(DEVICE_ID, 4) else {
        return;
    };
    let own: &[u64] = match device {
        NET | CONSOLE => &[],
        BLOCK => &[SERIAL, SERIAL + 1, SERIAL + 2, STATUSES],
        ENTROPY => &[UNFILLED],
        VSOCK => &[ANSWER, ANSWER_CIDS, ANSWER_PORTS],
        _ => return,
    };
    let seen = work(machine, device);
    for (what, pick) in [
        (STARTED, (|seen| seen.started) as fn(&Seen) -> u64),
        (INTERRUPT, |seen| seen.interrupts[0]),
        (INTERRUPT_AGAIN, |seen| seen.interrupts[1]),
        (CAUSES, |seen| seen.causes),
        (USED, |seen| seen.used),
        (LENGTHS, |seen| seen.lengths),
    ] {
        machine.record(what, seen.as_ref().map(pick).map_err(|esr| *esr));
    }
    for &what in own {
        let came = came(machine, what);
        machine.record(what, seen.as_ref().map(|_| came).map_err(|esr| *esr));
    }
    let state = reset(machine);
    machine.record(AFTER_USE, state);
    let features = features(machine);
    machine.record(FEATURES_AFTER_USE, features);
    let beyond = match machine.interrupt(false) {
        NO_INTERRUPT => 0,
        intid => intid,
    };
    machine.record(INTERRUPT_BEYOND, Ok(beyond));
}

/// Sets the device up, and has it do two things, one after the other.
fn work(machine: &mut impl Machine, device: u64) -> Result<Seen, u64> {
    for at in (0..BUFFERS).step_by(8) {
        machine.store(at, 8, 0);
    }
    for at in (BUFFERS..BUFFERS_END).step_by(8) {
        machine.store(at, 8, u64::MAX);
    }
    let started = begin(machine)?;
    let (queue, requests) = requests(machine, device)?;
    let mut seen = Seen {
        started,
        interrupts: [NO_INTERRUPT; 2],
        causes: machine.read(INTERRUPT_STATUS, 4)? & 0xff,
        used: 0,
        lengths: 0,
    };
    for (nth, request) in (0..).zip(requests) {
        let head = HEADS[nth];
        offer(machine, queue, nth as u64, head, request);
        machine.write(QUEUE_NOTIFY, 4, queue)?;
        let interrupt = machine.interrupt(true);
        seen.interrupts[nth] = interrupt;
        let place = nth as u64;
        seen.causes |= (machine.read(INTERRUPT_STATUS, 4)? & 0xff) << (8 * (place + 1));
        let index = machine.load(used(queue) + 2, 2);
        let element = used(queue) + 4 + 8 * place;
        let first = machine.load(element, 4) & 0xffff;
        seen.used |= (index | first << 16) << (32 * place);
        seen.lengths |= machine.load(element + 4, 4) << (32 * place);
        // Whatever comes later is not this one's.
        if interrupt == NO_INTERRUPT {
            break;
        }
    }
    machine.write(INTERRUPT_ACK, 4, 1)?;
    seen.causes |= (machine.read(INTERRUPT_STATUS, 4)? & 0xff) << 24;
    Ok(seen)
}

/// Sets all queues up, up to DRIVER_OK, with VIRTIO_F_VERSION_1 alone; what [`STARTED`] sees.
fn begin(machine: &mut impl Machine) -> Result<u64, u64> {
    let [acknowledge, driver, features_ok] = STATUS_BITS;
    machine.write(STATUS, 4, 0)?;
    machine.write(STATUS, 4, acknowledge | driver)?;
    for (word, features) in [(0, 0), (1, VERSION_1)] {
        machine.write(DRIVER_FEATURES_SEL, 4, word)?;
        machine.write(DRIVER_FEATURES, 4, features)?;
    }
    machine.write(STATUS, 4, acknowledge | driver | features_ok)?;
    let mut ready = 0;
    for queue in 0..QUEUES_SEEN {
        machine.write(QUEUE_SEL, 4, queue)?;
        if machine.read(QUEUE_NUM_MAX, 4)? == 0 {
            continue;
        }
        machine.write(QUEUE_NUM, 4, SIZE)?;
        for (register, at) in [
            (QUEUE_DESC, descriptors(queue)),
            (QUEUE_DRIVER, available(queue)),
            (QUEUE_DEVICE, used(queue)),
        ] {
            let address = machine.area() + at;
            machine.write(register, 4, address & 0xffff_ffff)?;
            machine.write(register + 4, 4, address >> 32)?;
        }
        machine.write(QUEUE_READY, 4, 1)?;
        ready |= (machine.read(QUEUE_READY, 4)? & 1) << queue;
    }
    machine.write(STATUS, 4, READY)?;
    Ok(machine.read(STATUS, 4)? & 0xff | ready << 8)
}

/// What a device of that kind is asked for, and by which queue.
fn requests(machine: &mut impl Machine, device: u64) -> Result<(u64, [&'static [Piece]; 2]), u64> {
    const SERIAL_NUMBER: &[Piece] = &[
        output(ASKED[0], BLOCK_HEADER),
        input(ANSWERED[0], SERIAL_BYTES),
        input(STATUS_BYTES[0], 1),
    ];
    const WRITE_NOTHING: &[Piece] = &[output(ASKED[1], BLOCK_HEADER), input(STATUS_BYTES[1], 1)];
    const FRAME: &[Piece] = &[output(ASKED[0], NET_HEADER)];
    const EMPTY: &[Piece] = &[output(ASKED[0], 0)];
    const RANDOM: [&[Piece]; 2] = [&[input(ANSWERED[0], BUFFER)], &[input(ANSWERED[1], BUFFER)]];
    const PACKET: &[Piece] = &[output(ASKED[0], PACKET_HEADER)];
    Ok(match device {
        BLOCK => {
            for (at, kind) in ASKED.into_iter().zip([GET_ID, OUT]) {
                machine.store(at, 8, kind);
                // Its sector.
                machine.store(at + 8, 8, 0);
            }
            (0, [SERIAL_NUMBER, WRITE_NOTHING])
        }
        NET => {
            for at in (0..NET_HEADER).step_by(4) {
                machine.store(ASKED[0] + at, 4, 0);
            }
            (1, [FRAME; 2])
        }
        CONSOLE => (1, [EMPTY; 2]),
        ENTROPY => (0, RANDOM),
        _ => {
            for (nth, at) in (0..).zip(PACKETS) {
                offer(machine, 0, nth, nth, &[input(at, BUFFER)]);
            }
            let own = machine.read(CONFIG, 4)?;
            for (at, word) in [
                own,
                HOST,
                OWN_PORT | NO_PORT << 32,
                // No bytes of data.
                (STREAM | REQUEST << 16) << 32,
                0,
            ]
            .into_iter()
            .enumerate()
            {
                machine.store(ASKED[0] + 8 * at as u64, 8, word);
            }
            machine.store(ASKED[0] + 40, 4, 0);
            (1, [PACKET; 2])
        }
    })
}

/// Makes a request available: the so manieth of its queue, from 0, with its first descriptor there.
fn offer(machine: &mut impl Machine, queue: u64, nth: u64, head: u64, request: &[Piece]) {
    let last = request.len().saturating_sub(1);
    for (index, piece) in request.iter().enumerate() {
        let descriptor = head + index as u64;
        let at = descriptors(queue) + DESCRIPTOR * descriptor;
        let address = machine.area() + piece.at;
        let flags = if index < last { NEXT } else { 0 } | if piece.input { WRITE } else { 0 };
        machine.store(at, 8, address);
        machine.store(
            at + 8,
            8,
            piece.length | flags << 32 | (descriptor + 1) << 48,
        );
    }
    machine.store(available(queue) + 4 + 2 * nth, 2, head);
    machine.store(available(queue) + 2, 2, nth + 1);
}

/// What came of the requests of one kind of device.
fn came(machine: &mut impl Machine, what: u64) -> u64 {
    let packet = PACKETS[0];
    match what {
        STATUSES => machine.load(STATUS_BYTES[0], 1) | machine.load(STATUS_BYTES[1], 1) << 8,
        UNFILLED => {
            // Once in 2^60 such devices, one that is random has such a word.
            let odd = |word: u64| word == u64::MAX || word == 0;
            let mut count = 0;
            for at in (0..BUFFER).step_by(8) {
                let [one, other] = ANSWERED.map(|buffer| machine.load(buffer + at, 8));
                count += u64::from(odd(one)) + u64::from(odd(other) || other == one);
            }
            count
        }
        ANSWER => {
            let kind = machine.load(packet + 28, 2);
            let operation = machine.load(packet + 30, 2);
            operation | kind << 16 | machine.load(used(0) + 8, 4) << 32
        }
        ANSWER_CIDS => machine.load(packet, 4) | machine.load(packet + 8, 4) << 32,
        ANSWER_PORTS => machine.load(packet + 16, 4) | machine.load(packet + 20, 4) << 32,
        _ => {
            let at = 8 * (what - SERIAL);
            machine.load(ANSWERED[0] + at, (SERIAL_BYTES - at).min(8))
        }
    }
}

/// Resets the device; what [`AFTER_USE`] sees.
fn reset(machine: &mut impl Machine) -> Result<u64, u64> {
    machine.write(STATUS, 4, 0)?;
    let mut bits = machine.read(STATUS, 4)? | machine.read(INTERRUPT_STATUS, 4)?;
    for queue in 0..QUEUES_SEEN {
        machine.write(QUEUE_SEL, 4, queue)?;
        bits |= machine.read(QUEUE_READY, 4)?;
    }
    Ok(bits)
}

fn features(machine: &mut impl Machine) -> Result<u64, u64> {
    let mut features = 0;
    for word in 0..2 {
        machine.write(DEVICE_FEATURES_SEL, 4, word)?;
        features |= machine.read(DEVICE_FEATURES, 4)? << (32 * word);
    }
    Ok(features)
}
