//! The virtio devices of a description as a lock has them: in its order, with their
//! addresses, their interrupts, and what each is where nothing is said.

use super::{FIRST_SPI, virtio};
use crate::lock;
use crate::sha256;
use crate::vm::VmSpec;
use crate::vm::device::{Device, Disk, Net, Vsock};

/// Names of the devices that every machine has: no other one is called so.
pub const OURS: [&str; 2] = ["serial", "rtc"];
/// The name of a generation id, where a machine has one: no other device of it is called so.
pub const GENERATION: &str = "vmgenid";
/// The MTU of a card of which nothing is said: Ethernet's.
const MTU: u16 = 1500;

/// What a lock says of a machine's virtio devices. A disk of unknown size has no sectors, of which no lock is made.
pub fn devices(spec: &VmSpec) -> Vec<lock::Device> {
    let entries = spec.devices.iter().zip(0u32..);
    entries
        .map(|(device, index)| {
            let (kind, block, net, vsock) = match device {
                Device::Disk(disk) => {
                    (lock::DeviceKind::VirtioBlock, Some(block(disk)), None, None)
                }
                Device::Net(card) => (
                    lock::DeviceKind::VirtioNet,
                    None,
                    Some(net(&spec.name, card)),
                    None,
                ),
                Device::Rng {} => (lock::DeviceKind::VirtioEntropy, None, None, None),
                Device::Console {} => (lock::DeviceKind::VirtioConsole, None, None, None),
                Device::Vsock(sockets) => (
                    lock::DeviceKind::VirtioVsock,
                    None,
                    None,
                    Some(vsock(sockets)),
                ),
            };
            lock::Device {
                name: device.name().to_owned(),
                kind,
                range: lock::Range {
                    base: virtio::BASE + virtio::PAGE * u64::from(index),
                    size: virtio::WINDOW,
                },
                interrupt: FIRST_SPI + OURS.len() as u32 + index,
                virtio: virtio::entry(kind, block, net, vsock),
            }
        })
        .collect()
}

/// The address that a card has: the one that its author gave it, or else one that follows from names, so that it is the
/// same whenever and wherever the lock is made.
pub fn mac(machine: &str, card: &Net) -> String {
    card.mac
        .clone()
        .unwrap_or_else(|| derived(machine, &card.name))
}

/// The first bytes of a digest over both names, as one card's own (bit 0 clear), locally administered (bit 1 set; IEEE
/// 802 section 8.2).
fn derived(machine: &str, card: &str) -> String {
    // No name holds a NUL.
    let digest = sha256::digest(format!("vmlock card\0{machine}\0{card}").as_bytes());
    let mut bytes = [0; 6];
    for (byte, from) in bytes.iter_mut().zip(digest) {
        *byte = from;
    }
    bytes[0] = bytes[0] & !1 | 2;
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

/// The serial number that a disk has: the one that its author gave it, or else its name.
pub fn serial(disk: &Disk) -> &str {
    disk.serial.as_ref().unwrap_or(&disk.name)
}

fn block(disk: &Disk) -> lock::Block {
    lock::Block {
        path: disk.path.clone(),
        sectors: disk.size.unwrap_or(0) / virtio::SECTOR,
        read_only: disk.read_only,
        serial: serial(disk).to_owned(),
        digest: disk.digest.clone(),
    }
}

fn net(machine: &str, card: &Net) -> lock::Net {
    lock::Net {
        tap: card.tap.clone(),
        mac: mac(machine, card),
        mtu: card.mtu.unwrap_or(MTU),
    }
}

fn vsock(sockets: &Vsock) -> lock::Vsock {
    let mut ports: Vec<lock::Port> = sockets
        .ports
        .iter()
        .map(|port| lock::Port {
            port: port.port,
            path: port.path.clone(),
        })
        .collect();
    ports.sort_by_key(|port| port.port);
    lock::Vsock {
        cid: sockets.cid,
        ports,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was derived once is in locks: it never changes.
    #[test]
    fn an_address_follows_from_names_for_ever() {
        let one = derived("web", "lan");
        assert_eq!(one, derived("web", "lan"));
        assert_eq!(one, "9e:70:13:56:72:83");
        for (machine, card) in [
            ("web", "lan"),
            ("web", "wan"),
            ("db", "lan"),
            ("we", "blan"),
        ] {
            let text = derived(machine, card);
            let bytes = virtio::mac(&text).expect("an address");
            assert!(virtio::is_cards(bytes) && bytes[0] & 2 != 0, "{text}");
            assert_eq!(text == one, (machine, card) == ("web", "lan"));
        }
    }
}
