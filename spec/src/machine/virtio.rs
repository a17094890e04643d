//! What each kind of virtio device shows: its number, its features by name and bit,
//! its queues and its configuration space. Frozen once it landed: another default is
//! another kind.
//!
//! `docs/virtio.md` says why each feature is there or not; "the standard" is virtio
//! 1.2 (OASIS, 1 July 2022).

use crate::lock::hex::is_digest;
use crate::lock::{Block, Device, DeviceKind, Net, Range, Virtio, Vsock};
use std::collections::BTreeSet;
use std::ops::RangeInclusive;

/// The version of the lock that brought these devices: older ones have no place for them.
pub const SINCE: u32 = 3;
/// MagicValue: `virt` (section 4.2.2 of the standard).
pub const MAGIC: u32 = u32::from_le_bytes(*b"virt");
/// Version: that of the registers.
pub const REGISTERS_VERSION: u32 = 2;
/// VendorID: `VMLK`.
pub const VENDOR: u32 = u32::from_le_bytes(*b"VMLK");
/// Bytes of a device's registers (section 4.2.2 of the standard).
pub const WINDOW: u64 = 0x200;
/// Where the first device's registers lie; each further one's lie a page behind.
pub const BASE: u64 = 0x0a00_0000;
/// From one device's registers to the next one's.
pub const PAGE: u64 = 0x1000;
/// The most virtio devices of a machine: as many as the runner has room for threads, and far fewer than there are
/// interrupts.
pub const DEVICES_MAX: usize = 32;
/// Bytes of a sector, and of a block.
pub const SECTOR: u64 = 512;
/// Bytes of a disk's serial number (VIRTIO_BLK_ID_BYTES).
pub const SERIAL_MAX: usize = 20;
/// The most sectors of a disk: what a file's length can say (a signed 64-bit number of bytes).
pub const SECTORS_MAX: u64 = i64::MAX as u64 / SECTOR;
/// The least MTU (section 5.1.4.1).
pub const MTU_MIN: u16 = 68;
/// The greatest MTU: that of a tap, which counts an Ethernet header too (`tun_net_initialize`, drivers/net/tun.c).
pub const MTU_MAX: u16 = 65_535 - 14;
/// Context ids that a guest can have: those below are the host's, and the last one is nobody's (section 5.10.4).
pub const CIDS: RangeInclusive<u32> = 3..=u32::MAX - 1;
/// Bytes of a disk that a description can ask for; it comes in sectors.
pub const DISK_BYTES: RangeInclusive<u64> = SECTOR..=SECTORS_MAX * SECTOR;
/// MTUs that a card can have.
pub const MTUS: RangeInclusive<u64> = MTU_MIN as u64..=MTU_MAX as u64;
/// Ports of the host: the last number stands for any (VMADDR_PORT_ANY, include/uapi/linux/vm_sockets.h).
pub const PORTS: RangeInclusive<u64> = 0..=u32::MAX as u64 - 1;
/// The most ports of a machine's sockets.
pub const PORTS_MAX: usize = 64;
/// The longest path of a Unix socket, in bytes (`sun_path` of include/uapi/linux/un.h, less the NUL).
pub const SOCKET_BYTES_MAX: usize = 107;
/// The longest name of a network device, in bytes (IFNAMSIZ of include/uapi/linux/if.h, less the NUL).
pub const TAP_BYTES_MAX: usize = 15;

/// A feature: its name and its bit.
pub type Feature = (&'static str, u32);

/// What every device offers (sections 2.2 and 6).
const RING: &[Feature] = &[
    ("VIRTIO_RING_F_INDIRECT_DESC", 28),
    ("VIRTIO_RING_F_EVENT_IDX", 29),
    ("VIRTIO_F_VERSION_1", 32),
];
/// A disk (section 5.2.3) that can be written.
const BLOCK: &[Feature] = &[
    ("VIRTIO_BLK_F_SEG_MAX", 2),
    ("VIRTIO_BLK_F_BLK_SIZE", 6),
    ("VIRTIO_BLK_F_FLUSH", 9),
    ("VIRTIO_BLK_F_DISCARD", 13),
    ("VIRTIO_BLK_F_WRITE_ZEROES", 14),
];
/// A disk that cannot.
const BLOCK_READ_ONLY: &[Feature] = &[
    ("VIRTIO_BLK_F_SEG_MAX", 2),
    ("VIRTIO_BLK_F_RO", 5),
    ("VIRTIO_BLK_F_BLK_SIZE", 6),
    ("VIRTIO_BLK_F_FLUSH", 9),
];
/// A network card (section 5.1.3): the offloads are those of Linux 5.10's tap (`TUNSETOFFLOAD`).
const NET: &[Feature] = &[
    ("VIRTIO_NET_F_CSUM", 0),
    ("VIRTIO_NET_F_GUEST_CSUM", 1),
    ("VIRTIO_NET_F_MTU", 3),
    ("VIRTIO_NET_F_MAC", 5),
    ("VIRTIO_NET_F_GUEST_TSO4", 7),
    ("VIRTIO_NET_F_GUEST_TSO6", 8),
    ("VIRTIO_NET_F_GUEST_ECN", 9),
    ("VIRTIO_NET_F_HOST_TSO4", 11),
    ("VIRTIO_NET_F_HOST_TSO6", 12),
    ("VIRTIO_NET_F_HOST_ECN", 13),
    ("VIRTIO_NET_F_MRG_RXBUF", 15),
    ("VIRTIO_NET_F_STATUS", 16),
];

/// The number of a kind (section 5), and of its queues with what each has for QueueNumMax; `None` for what is no virtio
/// device.
pub const fn number(kind: DeviceKind) -> Option<(u32, &'static [u16])> {
    match kind {
        DeviceKind::VirtioNet => Some((1, &[256, 256])),
        DeviceKind::VirtioBlock => Some((2, &[256])),
        DeviceKind::VirtioConsole => Some((3, &[64, 64])),
        DeviceKind::VirtioEntropy => Some((4, &[64])),
        DeviceKind::VirtioVsock => Some((19, &[128, 128, 128])),
        DeviceKind::Uart16550
        | DeviceKind::Uart16550V2
        | DeviceKind::Pl031
        | DeviceKind::Pl031V2
        | DeviceKind::Vmgenid => None,
    }
}

/// The features that a device offers, in the order of their bits.
pub fn features(kind: DeviceKind, read_only: bool) -> impl Iterator<Item = Feature> {
    let own = match (kind, read_only) {
        (DeviceKind::VirtioBlock, false) => BLOCK,
        (DeviceKind::VirtioBlock, true) => BLOCK_READ_ONLY,
        (DeviceKind::VirtioNet, _) => NET,
        _ => &[],
    };
    own.iter().chain(RING).copied()
}

/// The bit of a feature that some device offers.
pub fn bit(name: &str) -> Option<u32> {
    let mut all = [BLOCK, BLOCK_READ_ONLY, NET, RING].into_iter().flatten();
    all.find(|(known, _)| *known == name).map(|(_, bit)| *bit)
}

/// The six bytes of a card's address, where it is written as locks have it.
pub fn mac(text: &str) -> Option<[u8; 6]> {
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let mut bytes = [0; 6];
    let mut parts = text.split(':');
    for byte in &mut bytes {
        let part = parts
            .next()
            .filter(|p| p.len() == 2 && p.bytes().all(lower))?;
        *byte = u8::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(bytes)
}

/// Whether a card can have that address: one card's, and not nobody's.
pub fn is_cards(mac: [u8; 6]) -> bool {
    mac[0] & 1 == 0 && mac != [0; 6]
}

/// Whether a disk can have that serial number: printable ASCII, with nothing at its ends that gets lost.
pub fn is_serial(text: &str) -> bool {
    let printable = |b: u8| (b' '..=b'~').contains(&b);
    (1..=SERIAL_MAX).contains(&text.len())
        && text.bytes().all(printable)
        && text.trim_ascii() == text
}

/// Whether the host can have a network device of that name (`dev_valid_name`, net/core/dev.c).
pub fn is_tap(name: &str) -> bool {
    let fine = |b: u8| b.is_ascii_graphic() && !b"/:%".contains(&b);
    (1..=TAP_BYTES_MAX).contains(&name.len())
        && name.bytes().all(fine)
        && name != "."
        && name != ".."
}

/// What a driver reads of the configuration space, to the last byte that is not always zero. A card's link is up.
pub fn configuration(virtio: &Virtio) -> Vec<u8> {
    if let Some(disk) = &virtio.block {
        return block(disk, virtio.queues.first().copied().unwrap_or(0));
    }
    if let Some(card) = &virtio.net {
        return net(card);
    }
    match &virtio.vsock {
        Some(Vsock { cid, .. }) => u64::from(*cid).to_le_bytes().to_vec(),
        None => Vec::new(),
    }
}

/// `struct virtio_blk_config` (section 5.2.4), with zeroes for what no offered feature is about.
fn block(disk: &Block, queue: u16) -> Vec<u8> {
    let mut bytes = vec![0; if disk.read_only { 24 } else { 57 }];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &disk.sectors.to_le_bytes());
    // SEG_MAX: what a queue holds beside header and status, and no more than 254.
    let segments = queue.saturating_sub(2).clamp(1, 254);
    put(12, &u32::from(segments).to_le_bytes());
    put(20, &(SECTOR as u32).to_le_bytes());
    if !disk.read_only {
        // Discards of 1 GiB at most, one range each, best in steps of a page; zeroes of 16 MiB, which may unmap.
        put(36, &(1u32 << 21).to_le_bytes());
        put(40, &1u32.to_le_bytes());
        put(44, &8u32.to_le_bytes());
        put(48, &(1u32 << 15).to_le_bytes());
        put(52, &1u32.to_le_bytes());
        put(56, &[1]);
    }
    bytes
}

/// `struct virtio_net_config` (section 5.1.4).
fn net(card: &Net) -> Vec<u8> {
    let mut bytes = mac(&card.mac).unwrap_or_default().to_vec();
    // VIRTIO_NET_S_LINK_UP; max_virtqueue_pairs belongs to a feature that is not offered.
    bytes.extend([1, 0, 0, 0]);
    bytes.extend(card.mtu.to_le_bytes());
    bytes
}

/// What a lock says of a device with these parts.
pub fn entry(
    kind: DeviceKind,
    block: Option<Block>,
    net: Option<Net>,
    vsock: Option<Vsock>,
) -> Option<Virtio> {
    let (_, queues) = number(kind)?;
    let read_only = block.as_ref().is_some_and(|disk| disk.read_only);
    Some(Virtio {
        features: features(kind, read_only)
            .map(|(name, _)| name.to_owned())
            .collect(),
        queues: queues.to_vec(),
        block,
        net,
        vsock,
    })
}

/// Checks the virtio devices of a lock that was read; names, addresses and interrupts are those of all devices. With
/// something `other` that version 2 of the lock lacks there need be none.
///
/// # Errors
/// The first contradiction, in words.
pub fn consistent(devices: &[Device], other: bool) -> Result<(), String> {
    let mut count = 0;
    for device in devices {
        count += usize::from(number(device.kind).is_some());
        one(device).map_err(|words| format!("`{}` {words}", device.name))?;
    }
    if count > DEVICES_MAX {
        return Err(format!(
            "{count} virtio devices: a machine has at most {DEVICES_MAX}"
        ));
    }
    if count == 0 && !other {
        return Err(
            "a machine without virtio devices, without a `kaslr-seed`, without a `vmgenid` and whose counter stands still across saves is of version 2 of the lock".into(),
        );
    }
    apart(devices)
}

fn one(device: &Device) -> Result<(), String> {
    let (Some((_, queues)), Some(virtio)) = (number(device.kind), &device.virtio) else {
        return match (number(device.kind), &device.virtio) {
            (None, None) => Ok(()),
            (None, Some(_)) => Err("is no virtio device, and has something of one".into()),
            _ => Err("is a virtio device of which nothing is said".into()),
        };
    };
    let Range { base, size } = device.range;
    let end = BASE + PAGE * DEVICES_MAX as u64;
    if !(BASE..end).contains(&base) || !base.is_multiple_of(PAGE) {
        return Err(format!(
            "has its registers at {base:#x}, and a virtio device a page of {BASE:#x} to {:#x}",
            end - 1
        ));
    }
    if size != WINDOW {
        return Err(format!(
            "has {size:#x} bytes of registers, and a virtio device has {WINDOW:#x}"
        ));
    }
    let parts = [
        (virtio.block.is_some(), DeviceKind::VirtioBlock, "`block`"),
        (virtio.net.is_some(), DeviceKind::VirtioNet, "`net`"),
        (virtio.vsock.is_some(), DeviceKind::VirtioVsock, "`vsock`"),
    ];
    if let Some((there, _, part)) = parts.iter().find(|(is, of, _)| *is != (*of == device.kind)) {
        let words = if *there {
            "has, and is none"
        } else {
            "lacks, and is one"
        };
        return Err(format!("{words}: {part}"));
    }
    let read_only = virtio.block.as_ref().is_some_and(|disk| disk.read_only);
    let made: Vec<&str> = features(device.kind, read_only)
        .map(|(name, _)| name)
        .collect();
    let said: Vec<&str> = virtio.features.iter().map(String::as_str).collect();
    if let Some(odd) = said.iter().find(|name| !made.contains(name)) {
        return Err(format!(
            "has no feature `{}` in this version of its model",
            odd.escape_debug()
        ));
    }
    if let Some(gone) = made.iter().find(|name| !said.contains(name)) {
        return Err(format!("does not offer `{gone}`, as its model does"));
    }
    if said != made {
        return Err("has its features out of the order of their bits, or twice".into());
    }
    if virtio.queues != queues {
        return Err(format!("has queues of {:?}, not {queues:?}", virtio.queues));
    }
    own(virtio)
}

fn own(virtio: &Virtio) -> Result<(), String> {
    let path = |path: &str| !path.is_empty() && !path.contains('\0');
    if let Some(disk) = &virtio.block {
        if !path(&disk.path) {
            return Err("has no path that a file can have".into());
        }
        if !(1..=SECTORS_MAX).contains(&disk.sectors) {
            return Err(format!(
                "has {} sectors, and a disk 1 to {SECTORS_MAX}",
                disk.sectors
            ));
        }
        if !is_serial(&disk.serial) {
            return Err(format!(
                "has a serial number that is not 1 to {SERIAL_MAX} printable ASCII characters"
            ));
        }
    }
    if let Some(digest) = virtio.block.as_ref().and_then(|disk| disk.digest.as_ref()) {
        if virtio.block.as_ref().is_some_and(|disk| !disk.read_only) {
            return Err("can be written, and has a digest of what it holds".into());
        }
        if !is_digest(digest) {
            return Err("has a digest that is not `sha256-` and 64 hex digits".into());
        }
    }
    if let Some(card) = &virtio.net {
        if let Some(tap) = card.tap.as_deref().filter(|tap| !is_tap(tap)) {
            return Err(format!(
                "has a tap `{}`, which no host can have",
                tap.escape_debug()
            ));
        }
        if !mac(&card.mac).is_some_and(is_cards) {
            return Err(format!(
                "has `{}` for its address, which is none of a card",
                card.mac.escape_debug()
            ));
        }
        if !MTUS.contains(&card.mtu.into()) {
            return Err(format!(
                "has an MTU of {}, and a card {MTU_MIN} to {MTU_MAX}",
                card.mtu
            ));
        }
    }
    if let Some(Vsock { cid, ports }) = &virtio.vsock {
        if !CIDS.contains(cid) {
            return Err(format!("has the context id {cid}, which is no guest's"));
        }
        if ports.len() > PORTS_MAX {
            return Err(format!(
                "has {} ports, and at most {PORTS_MAX}",
                ports.len()
            ));
        }
        if !ports.is_sorted_by(|a, b| a.port < b.port) {
            return Err("has ports out of order or doubled".into());
        }
        let bad = |p: &str| !path(p) || p.len() > SOCKET_BYTES_MAX;
        if let Some(port) = ports.iter().find(|p| bad(&p.path) || p.port == u32::MAX) {
            return Err(format!(
                "has a port {} without a path that a Unix socket can have",
                port.port
            ));
        }
    }
    Ok(())
}

/// What two devices of one machine cannot share.
fn apart(devices: &[Device]) -> Result<(), String> {
    let all = || devices.iter().filter_map(|d| Some((d, d.virtio.as_ref()?)));
    let (mut cards, mut taps, mut sockets) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (device, virtio) in all() {
        if let Some(card) = &virtio.net
            && !(cards.insert(&card.mac) && card.tap.as_ref().is_none_or(|tap| taps.insert(tap)))
        {
            return Err(format!(
                "`{}` has the address or the tap of another card",
                device.name
            ));
        }
        sockets += usize::from(virtio.vsock.is_some());
    }
    if sockets > 1 {
        return Err("a machine has one vsock".into());
    }
    let disks: Vec<(&Device, &Block)> = all()
        .filter_map(|(d, v)| Some((d, v.block.as_ref()?)))
        .collect();
    for (index, (device, disk)) in disks.iter().enumerate() {
        if let Some((other, _)) = disks[..index]
            .iter()
            .find(|(_, other)| other.serial == disk.serial)
        {
            return Err(format!(
                "`{}` and `{}` have one serial number, and a guest could not tell them apart",
                other.name, device.name
            ));
        }
        let shared = |(_, other): &&(&Device, &Block)| {
            other.path == disk.path && !(other.read_only && disk.read_only)
        };
        if let Some((other, _)) = disks[..index].iter().find(shared) {
            return Err(format!(
                "`{}` and `{}` are one file, and a guest could write it behind its own back",
                other.name, device.name
            ));
        }
    }
    Ok(())
}
