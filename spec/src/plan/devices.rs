//! What stands behind a device, where it is not what the lock needs. No report tells of files and cables: whoever opens
//! one asks here what to make of it.

use super::Refusal;
use crate::lock::{Block, Device, Net};
use crate::machine::virtio::SECTOR;
use crate::reason;

fn refusal(
    device: &Device,
    wanted: String,
    offered: String,
    reason: String,
    help: &str,
) -> Refusal {
    Refusal {
        code: reason::DEVICE,
        name: format!("device {}", device.name),
        wanted,
        offered,
        reason,
        from: "spec/devices".to_owned(),
        help: vec![help.to_owned()],
    }
}

fn size(disk: &Block) -> String {
    let bytes = disk.sectors.saturating_mul(SECTOR);
    format!("a disk of {} sectors, {bytes} bytes", disk.sectors)
}

/// A disk whose file cannot be used: what it is found to be, why that is no disk, and what to do about it.
pub fn no_disk(
    device: &Device,
    disk: &Block,
    found: &str,
    reason: impl Into<String>,
    help: &str,
) -> Refusal {
    refusal(device, size(disk), found.to_owned(), reason.into(), help)
}

/// A disk whose file has so many bytes: refused where they are too few. A guest would find a disk that ends in the
/// middle.
pub fn too_small(device: &Device, disk: &Block, bytes: u64) -> Option<Refusal> {
    (bytes / SECTOR < disk.sectors).then(|| {
        no_disk(
            device,
            disk,
            &format!("`{}` of {bytes} bytes", disk.path),
            "the file is smaller than the disk",
            "make it as large (`truncate --size`), or lock the spec again with what there is",
        )
    })
}

fn tap(card: &Net) -> String {
    match &card.tap {
        Some(tap) => format!("`{tap}`"),
        None => "no tap".to_owned(),
    }
}

/// A card whose tap cannot be used: why, and what to do about it.
pub fn no_tap(device: &Device, card: &Net, reason: &str, help: &str) -> Refusal {
    refusal(
        device,
        "a card with a tap of the host".to_owned(),
        tap(card),
        reason.to_owned(),
        help,
    )
}

/// A card whose tap has such an MTU: refused where it is another. Frames would get lost for their size in the middle of
/// a connection.
pub fn other_mtu(device: &Device, card: &Net, mtu: u32) -> Option<Refusal> {
    (mtu != u32::from(card.mtu)).then(|| {
        refusal(
            device,
            format!("an MTU of {}", card.mtu),
            format!("{} with an MTU of {mtu}", tap(card)),
            "the tap has another MTU than the card".to_owned(),
            "`ip link set NAME mtu N`, or lock the spec again with the tap's",
        )
    })
}

/// Sockets for which the system has nothing left.
pub fn no_sockets(device: &Device, reason: &str) -> Refusal {
    refusal(
        device,
        "sockets of the host".to_owned(),
        "none".to_owned(),
        reason.to_owned(),
        "look at the limit of open files (`ulimit -n`)",
    )
}

/// A source of random bytes on a host that has none.
pub fn no_entropy(device: &Device) -> Refusal {
    refusal(
        device,
        "random bytes of the host".to_owned(),
        "none that can be read from /dev/random".to_owned(),
        "a guest that asks for random bytes would get none".to_owned(),
        "make /dev/random available where vmlock-run runs",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::{DeviceKind, Range};

    #[test]
    fn a_file_that_is_smaller_than_its_disk_is_refused_by_name() {
        let disk = Block {
            path: "root.img".to_owned(),
            sectors: 8,
            read_only: false,
            serial: "root".to_owned(),
            digest: None,
        };
        let device = Device {
            name: "root".to_owned(),
            kind: DeviceKind::VirtioBlock,
            range: Range { base: 0, size: 0 },
            interrupt: 34,
            virtio: None,
        };
        assert_eq!(too_small(&device, &disk, 4096), None);
        assert_eq!(too_small(&device, &disk, u64::MAX), None);
        let refusal = too_small(&device, &disk, 4095).expect("a byte is missing");
        assert_eq!(refusal.code, "host::device");
        assert_eq!(refusal.name, "device root");
        assert_eq!(refusal.wanted, "a disk of 8 sectors, 4096 bytes");
        assert_eq!(refusal.offered, "`root.img` of 4095 bytes");
    }
}
