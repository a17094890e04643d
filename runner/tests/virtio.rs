//! What a lock says of each virtio device is what its model shows: features, queues and configuration space.

use vmlock_spec::lock::{Block, DeviceKind, Net, Virtio, Vsock};
use vmlock_spec::machine::virtio::{WINDOW, configuration, entry, features, mac, number};
use vmlock_virtio::block::{Disk, SERIAL};
use vmlock_virtio::mmio::{self, Shown};
use vmlock_virtio::net::Nic;
use vmlock_virtio::{console, entropy, vsock};

/// Holds a model against the entry of its kind.
fn same(kind: DeviceKind, said: &Virtio, shown: &Shown) {
    let (device, _) = number(kind).expect("a virtio device");
    assert_eq!(shown.device, device, "{kind:?}");
    assert_eq!(shown.queues, said.queues, "{kind:?}");
    let read_only = said.block.as_ref().is_some_and(|disk| disk.read_only);
    let (names, bits): (Vec<&str>, Vec<u32>) = features(kind, read_only).unzip();
    assert_eq!(said.features, names, "{kind:?}");
    assert!(bits.is_sorted(), "{kind:?}");
    for bit in 0..128 {
        assert_eq!(
            shown.features.has(bit),
            bits.contains(&bit),
            "{kind:?}: feature bit {bit}"
        );
    }
    let whole = |mut bytes: Vec<u8>| {
        bytes.resize(WINDOW as usize - 0x100, 0);
        bytes
    };
    assert_eq!(
        whole(configuration(said)),
        whole(shown.configuration.clone()),
        "{kind:?}"
    );
}

#[test]
fn models_show_what_locks_say() {
    assert_eq!(mmio::WINDOW, WINDOW);
    for read_only in [false, true] {
        let block = Block {
            path: "root.img".to_owned(),
            sectors: 0x1234_5678_9abc,
            read_only,
            serial: "root".to_owned(),
        };
        let kind = DeviceKind::VirtioBlock;
        let said = entry(kind, Some(block), None, None).expect("an entry");
        let disk = Disk {
            sectors: 0x1234_5678_9abc,
            read_only,
            serial: [0; SERIAL],
            queue: said.queues[0],
        };
        same(kind, &said, &disk.shown());
    }
    let net = Net {
        tap: "tap0".to_owned(),
        mac: "52:54:00:12:34:56".to_owned(),
        mtu: 9000,
    };
    let card = |queue| Nic {
        mac: mac(&net.mac).expect("an address"),
        mtu: net.mtu,
        queue,
    };
    let kind = DeviceKind::VirtioNet;
    let said = entry(kind, None, Some(net.clone()), None).expect("an entry");
    same(kind, &said, &card(said.queues[0]).shown());
    let sockets = Vsock {
        cid: 0xfedc_ba98,
        ports: Vec::new(),
    };
    let kind = DeviceKind::VirtioVsock;
    let said = entry(kind, None, None, Some(sockets)).expect("an entry");
    same(kind, &said, &vsock::shown(0xfedc_ba98, said.queues[0]));
    for (kind, shown) in [
        (
            DeviceKind::VirtioConsole,
            console::shown as fn(u16) -> Shown,
        ),
        (DeviceKind::VirtioEntropy, entropy::shown),
    ] {
        let said = entry(kind, None, None, None).expect("an entry");
        same(kind, &said, &shown(said.queues[0]));
    }
}
