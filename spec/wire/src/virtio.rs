//! What the witness looks at in a virtio device that no driver has found yet, and in
//! which order: the guest does it in its machine, and the tests to the models.
//!
//! An id is [`of`] a device and what is looked at: below [`FEATURES`] the offset of
//! a register. Nothing is set up so far that the device begins to work, and a reset
//! ends it; [`ring`] goes on from there. Registers: virtio 1.2 (OASIS, 1 July 2022) section 4.2.2.

pub mod ring;

/// Added to what is looked at, for each device before this one.
const DEVICE: u64 = 1 << 16;
/// The most devices that are looked at.
pub const DEVICES_MAX: usize = 32;

/// The id of what is looked at in the device of that number, from 0.
pub const fn of(device: u64, what: u64) -> u64 {
    device * DEVICE + what
}

/// The device's number, and what is looked at.
pub const fn parts(id: u64) -> (u64, u64) {
    (id / DEVICE, id % DEVICE)
}

/// MagicValue, Version, DeviceID, VendorID, QueueReady, InterruptStatus, Status; SHMLenLow and High, SHMBaseLow and High,
/// ConfigGeneration: each as it is found.
#[rustfmt::skip]
pub const AT_RESET: &[u64] = &[
    0x000, 0x004, 0x008, 0x00c, 0x044, 0x060, 0x070, 0x0b0, 0x0b4, 0x0b8, 0x0bc, 0x0fc,
];

/// First of two: DeviceFeatures by DeviceFeaturesSel, two words each.
pub const FEATURES: u64 = 0x200;
/// All bits of DeviceFeatures by other selectors.
pub const FEATURES_BEYOND: u64 = FEATURES + 2;
/// First of [`QUEUES_SEEN`]: QueueNumMax by QueueSel.
pub const QUEUE: u64 = 0x210;
/// How many queues are looked at one by one: no device has more.
pub const QUEUES_SEEN: u64 = 3;
/// All bits of QueueNumMax of other queues.
pub const QUEUES_BEYOND: u64 = QUEUE + QUEUES_SEEN;
/// First of [`CONFIGURATION_WORDS`]: eight bytes of the configuration space, read one by one.
pub const CONFIGURATION: u64 = 0x220;
/// How many words of the configuration space are looked at one by one: no device has more.
pub const CONFIGURATION_WORDS: u64 = 8;
/// All bits of the rest of the window.
pub const CONFIGURATION_BEYOND: u64 = CONFIGURATION + CONFIGURATION_WORDS;
/// All bits in which the configuration space differs when it is read 2, 4 and 8 bytes at a time.
pub const CONFIGURATION_WIDTHS: u64 = 0x230;
/// All bits of registers that are read 1, 2 and 8 bytes at a time.
pub const REGISTER_WIDTHS: u64 = 0x231;
/// All bits of registers that there are not, or that cannot be read, after something was written to those that can be
/// written alone.
pub const ABSENT: u64 = 0x232;
/// Status after ACKNOWLEDGE was written to it 1, 2 and 8 bytes at a time.
pub const NARROW_WRITES: u64 = 0x233;
/// All bits in which the configuration space differs after ones were written to it.
pub const CONFIGURATION_WRITES: u64 = 0x234;
/// Status after each of seven steps, the first in bits 7:0: FEATURES_OK before DRIVER; ACKNOWLEDGE and DRIVER; FEATURES_OK
/// with a feature that is not offered; with none, VIRTIO_F_VERSION_1 included; with VIRTIO_NET_F_HOST_TSO4 and not the
/// VIRTIO_NET_F_CSUM that it requires, which other devices do not offer; with VIRTIO_F_VERSION_1 alone; a reset.
pub const NEGOTIATION: u64 = 0x235;
/// QueueReady of queue 0 after 1 was written to it, where nothing lies at the addresses of its rings.
pub const NO_RING: u64 = 0x236;
/// DeviceFeatures in bits 31:0 and QueueNumMax in bits 63:32 after a reset: both selectors are 0.
pub const AFTER_RESET: u64 = 0x237;
/// Bits 31:0 of ESR_EL1 of a load right behind the window; 0 where there is no exception.
pub const BEHIND: u64 = 0x238;
/// All that is looked at beside [`AT_RESET`].
pub const OTHERS: [core::ops::RangeInclusive<u64>; 4] = [
    FEATURES..=FEATURES_BEYOND,
    QUEUE..=QUEUES_BEYOND,
    CONFIGURATION..=CONFIGURATION_BEYOND,
    CONFIGURATION_WIDTHS..=BEHIND,
];

/// The feature that is never offered: VIRTIO_F_RING_PACKED, in the word of VIRTIO_F_VERSION_1.
const NOT_OFFERED: u64 = 1 << 2;
/// VIRTIO_F_VERSION_1, in word 1.
const VERSION_1: u64 = 1;
/// VIRTIO_NET_F_HOST_TSO4, in word 0 (section 5.1.3.1: it requires VIRTIO_NET_F_CSUM).
const HOST_TSO4: u64 = 1 << 11;
/// What is written to registers that cannot be read.
const PATTERN: u64 = 0x5a5a_5a5a;
/// DeviceFeaturesSel, DriverFeatures, DriverFeaturesSel, QueueNum, QueueNotify, InterruptACK, the addresses of a queue's
/// three rings, SHMSel: what can be written alone, but for QueueSel.
#[rustfmt::skip]
const WRITTEN_ALONE: &[u64] = &[
    0x014, 0x020, 0x024, 0x038, 0x050, 0x064, 0x080, 0x084, 0x090, 0x094, 0x0a0, 0x0a4, 0x0ac,
];
/// Status: ACKNOWLEDGE, DRIVER, FEATURES_OK.
const STATUS_BITS: [u64; 3] = [1, 2, 8];
/// What [`NEGOTIATION`] sees of a device that keeps to the standard (section 3.1.1).
pub const NEGOTIATED: u64 = 0x00_0b_03_03_03_03_01;

const DEVICE_FEATURES: u64 = 0x010;
const DEVICE_FEATURES_SEL: u64 = 0x014;
const DRIVER_FEATURES: u64 = 0x020;
const DRIVER_FEATURES_SEL: u64 = 0x024;
const QUEUE_SEL: u64 = 0x030;
const QUEUE_NUM_MAX: u64 = 0x034;
const QUEUE_NUM: u64 = 0x038;
const QUEUE_READY: u64 = 0x044;
const STATUS: u64 = 0x070;
const CONFIG: u64 = 0x100;
const END: u64 = 0x200;

/// The registers of a device, and where what is seen of them is recorded. A failed access has an ESR_EL1.
pub trait Window {
    /// Reads 1, 2, 4 or 8 bytes at an offset.
    ///
    /// # Errors
    /// The exception that it takes.
    fn read(&mut self, offset: u64, bytes: u64) -> Result<u64, u64>;

    /// Writes 1, 2, 4 or 8 bytes at an offset.
    ///
    /// # Errors
    /// The exception that it takes.
    fn write(&mut self, offset: u64, bytes: u64, value: u64) -> Result<(), u64>;

    /// Records what was seen.
    fn record(&mut self, what: u64, seen: Result<u64, u64>);
}

/// Looks at a device that no driver has found, and resets it.
pub fn look(window: &mut impl Window) {
    for &offset in AT_RESET {
        let seen = window.read(offset, 4);
        window.record(offset, seen);
    }
    let seen = absent(window);
    window.record(ABSENT, seen);
    for pair in 0..2 {
        let low = selected(window, DEVICE_FEATURES_SEL, 2 * pair, DEVICE_FEATURES);
        let high = selected(window, DEVICE_FEATURES_SEL, 2 * pair + 1, DEVICE_FEATURES);
        let both = low.and_then(|low| Ok(low | high? << 32));
        window.record(FEATURES + pair, both);
    }
    let beyond = [4, 5, 0x100, 0xffff_ffff];
    let seen = all(beyond.into_iter(), |select| {
        selected(window, DEVICE_FEATURES_SEL, select, DEVICE_FEATURES)
    });
    window.record(FEATURES_BEYOND, seen);
    for queue in 0..QUEUES_SEEN {
        let seen = selected(window, QUEUE_SEL, queue, QUEUE_NUM_MAX);
        window.record(QUEUE + queue, seen);
    }
    let beyond = [QUEUES_SEEN, 0xff, 0xffff, 0x1_0000, 0xffff_ffff];
    let seen = all(beyond.into_iter(), |queue| {
        selected(window, QUEUE_SEL, queue, QUEUE_NUM_MAX)
    });
    window.record(QUEUES_BEYOND, seen);
    for word in 0..CONFIGURATION_WORDS {
        let seen = bytes(window, CONFIG + 8 * word);
        window.record(CONFIGURATION + word, seen);
    }
    let rest = CONFIG + 8 * CONFIGURATION_WORDS..END;
    let seen = all(rest.step_by(8), |offset| window.read(offset, 8));
    window.record(CONFIGURATION_BEYOND, seen);
    let uses: [(u64, Result<u64, u64>); 5] = [
        (CONFIGURATION_WIDTHS, configuration_widths(window)),
        (REGISTER_WIDTHS, register_widths(window)),
        (NARROW_WRITES, narrow_writes(window)),
        (CONFIGURATION_WRITES, configuration_writes(window)),
        (BEHIND, behind(window)),
    ];
    for (what, seen) in uses {
        window.record(what, seen);
    }
    let seen = negotiation(window);
    let (steps, ready) = match seen {
        Ok((steps, ready)) => (Ok(steps), Ok(ready)),
        Err(esr) => (Err(esr), Err(esr)),
    };
    window.record(NEGOTIATION, steps);
    window.record(NO_RING, ready);
    let seen = after_reset(window);
    window.record(AFTER_RESET, seen);
}

/// All bits that some reads have.
fn all(
    places: impl Iterator<Item = u64>,
    mut read: impl FnMut(u64) -> Result<u64, u64>,
) -> Result<u64, u64> {
    let mut bits = 0;
    for place in places {
        bits |= read(place)?;
    }
    Ok(bits)
}

/// A register after a selector was written.
fn selected(window: &mut impl Window, by: u64, select: u64, register: u64) -> Result<u64, u64> {
    window.write(by, 4, select)?;
    window.read(register, 4)
}

/// Eight bytes, read one by one.
fn bytes(window: &mut impl Window, offset: u64) -> Result<u64, u64> {
    let mut word = 0;
    for at in 0..8 {
        word |= window.read(offset + at, 1)? << (8 * at);
    }
    Ok(word)
}

fn absent(window: &mut impl Window) -> Result<u64, u64> {
    let there = |offset: &u64| {
        AT_RESET.contains(offset) || [DEVICE_FEATURES, QUEUE_NUM_MAX].contains(offset)
    };
    let mut bits = 0;
    for queue in [0, PATTERN] {
        window.write(QUEUE_SEL, 4, queue)?;
        for &offset in WRITTEN_ALONE {
            window.write(offset, 4, PATTERN)?;
        }
        let offsets = (0..CONFIG).step_by(4).filter(|offset| !there(offset));
        bits |= all(offsets, |offset| window.read(offset, 4))?;
    }
    window.write(STATUS, 4, 0)?;
    Ok(bits)
}

fn configuration_widths(window: &mut impl Window) -> Result<u64, u64> {
    let mut differ = 0;
    for offset in (CONFIG..).step_by(8).take(CONFIGURATION_WORDS as usize) {
        let word = bytes(window, offset)?;
        for width in [2, 4, 8] {
            for at in (0..8).step_by(width as usize) {
                let part = word >> (8 * at) & u64::MAX >> (64 - 8 * width);
                differ |= part ^ window.read(offset + at, width)?;
            }
        }
    }
    Ok(differ)
}

/// Of registers that are not zero when they are read as they should be: what is selected, there is.
fn register_widths(window: &mut impl Window) -> Result<u64, u64> {
    let mut bits = 0;
    window.write(QUEUE_SEL, 4, 0)?;
    for word in 0..2 {
        window.write(DEVICE_FEATURES_SEL, 4, word)?;
        for (from, to) in [
            (0x000, DEVICE_FEATURES),
            (DEVICE_FEATURES, DEVICE_FEATURES_SEL),
            (QUEUE_SEL, QUEUE_NUM),
            (0x0b0, 0x0c0),
        ] {
            for width in [1, 2, 8] {
                bits |= all((from..to).step_by(width as usize), |offset| {
                    window.read(offset, width)
                })?;
            }
        }
    }
    Ok(bits)
}

fn narrow_writes(window: &mut impl Window) -> Result<u64, u64> {
    for width in [1, 2, 8] {
        window.write(STATUS, width, STATUS_BITS[0])?;
    }
    window.read(STATUS, 4)
}

fn configuration_writes(window: &mut impl Window) -> Result<u64, u64> {
    let mut differ = 0;
    for offset in (CONFIG..).step_by(8).take(CONFIGURATION_WORDS as usize) {
        let before = window.read(offset, 8)?;
        for width in [1, 2, 4, 8] {
            window.write(offset, width, u64::MAX)?;
        }
        differ |= before ^ window.read(offset, 8)?;
    }
    Ok(differ)
}

fn behind(window: &mut impl Window) -> Result<u64, u64> {
    match window.read(END, 4) {
        Ok(_) => Ok(0),
        Err(esr) => Ok(esr & 0xffff_ffff),
    }
}

/// What [`NEGOTIATION`] and [`NO_RING`] see.
fn negotiation(window: &mut impl Window) -> Result<(u64, u64), u64> {
    let [acknowledge, driver, features_ok] = STATUS_BITS;
    let mut steps = 0;
    for (step, [low, high], status) in [
        (0, [0, VERSION_1], acknowledge | features_ok),
        (1, [0, VERSION_1], acknowledge | driver),
        (
            2,
            [0, VERSION_1 | NOT_OFFERED],
            acknowledge | driver | features_ok,
        ),
        (3, [0, 0], acknowledge | driver | features_ok),
        (
            4,
            [HOST_TSO4, VERSION_1],
            acknowledge | driver | features_ok,
        ),
        (5, [0, VERSION_1], acknowledge | driver | features_ok),
    ] {
        if step == 0 {
            window.write(STATUS, 4, acknowledge)?;
        }
        for (word, features) in [(0, low), (1, high)] {
            window.write(DRIVER_FEATURES_SEL, 4, word)?;
            window.write(DRIVER_FEATURES, 4, features)?;
        }
        window.write(STATUS, 4, status)?;
        steps |= (window.read(STATUS, 4)? & 0xff) << (8 * step);
    }
    window.write(QUEUE_SEL, 4, 0)?;
    window.write(QUEUE_READY, 4, 1)?;
    let ready = window.read(QUEUE_READY, 4)?;
    window.write(DEVICE_FEATURES_SEL, 4, 1)?;
    window.write(QUEUE_SEL, 4, QUEUES_SEEN)?;
    window.write(STATUS, 4, 0)?;
    steps |= (window.read(STATUS, 4)? & 0xff) << 48;
    Ok((steps, ready))
}

fn after_reset(window: &mut impl Window) -> Result<u64, u64> {
    let features = window.read(DEVICE_FEATURES, 4)?;
    Ok(features | window.read(QUEUE_NUM_MAX, 4)? << 32)
}
