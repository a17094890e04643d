//! Virtio devices in a lock: version 3, and what its reader refuses.

use crate::truth::{self, spec};
use std::collections::BTreeSet;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::canonical::{LockError, parse, write};
use vmlock_spec::lock::{self, Block, Device, DeviceKind, Lock, Net, Port, Range, Vsock};
use vmlock_spec::machine::{describe, virtio};
use vmlock_spec::observation::{fact_name, promises, questions, wire};
use vmlock_spec::plan::plan;
use vmlock_spec::resolve::{Target, resolve};
use vmlock_spec::vm::{VmSpec, device as vm};

fn plain() -> Lock {
    truth::lock(&spec(&["kvm-6.12"], "neoverse-n1", &[]))
}

/// One device of each kind, and a second disk.
pub fn full() -> Lock {
    let mut lock = plain();
    lock.lock_version = 3;
    let disk = |path: &str, read_only| Block {
        path: path.to_owned(),
        sectors: 8_388_608,
        read_only,
        serial: path.trim_end_matches(".img").to_owned(),
        digest: None,
    };
    let net = Net {
        tap: Some("tap0".to_owned()),
        mac: "52:54:00:12:34:56".to_owned(),
        mtu: 1500,
    };
    let vsock = Vsock {
        cid: 3,
        ports: vec![Port {
            port: 1024,
            path: "agent.sock".to_owned(),
        }],
    };
    let all = [
        (
            "root",
            DeviceKind::VirtioBlock,
            Some(disk("root.img", false)),
            None,
            None,
        ),
        (
            "seed",
            DeviceKind::VirtioBlock,
            Some(disk("seed.img", true)),
            None,
            None,
        ),
        ("lan", DeviceKind::VirtioNet, None, Some(net), None),
        ("hvc", DeviceKind::VirtioConsole, None, None, None),
        ("rng", DeviceKind::VirtioEntropy, None, None, None),
        ("vsock", DeviceKind::VirtioVsock, None, None, Some(vsock)),
    ];
    for (index, (name, kind, block, net, vsock)) in (0..).zip(all) {
        lock.machine.devices.push(Device {
            name: name.to_owned(),
            kind,
            range: Range {
                base: virtio::BASE + 0x1000 * u64::from(index),
                size: virtio::WINDOW,
            },
            interrupt: 34 + index,
            virtio: virtio::entry(kind, block, net, vsock),
        });
    }
    describe(&mut lock);
    lock
}

/// What a user writes for [`full`].
fn described() -> VmSpec {
    let disk = |name: &str, read_only| {
        vm::Device::Disk(vm::Disk {
            name: name.to_owned(),
            path: format!("{name}.img"),
            size: Some(4 << 30),
            read_only,
            serial: None,
            digest: None,
            any_file: false,
        })
    };
    VmSpec {
        devices: vec![
            disk("root", false),
            disk("seed", true),
            vm::Device::Net(vm::Net {
                name: "lan".to_owned(),
                tap: Some("tap0".to_owned()),
                mac: Some("52:54:00:12:34:56".to_owned()),
                mtu: None,
            }),
            vm::Device::Console {},
            vm::Device::Rng {},
            vm::Device::Vsock(vm::Vsock {
                cid: 3,
                ports: vec![vm::Port {
                    port: 1024,
                    path: "agent.sock".to_owned(),
                }],
            }),
        ],
        ..spec(&["kvm-6.12"], "neoverse-n1", &[])
    }
}

/// Names of those with one alone, places and interrupts, all in the order of the description.
#[test]
fn a_description_makes_that_lock() {
    let made = truth::lock(&described());
    let full = full();
    let names = |lock: &Lock| -> Vec<String> {
        lock.machine
            .devices
            .iter()
            .map(|d| d.name.clone())
            .collect()
    };
    assert_eq!(
        names(&made),
        [
            "serial", "rtc", "root", "seed", "lan", "console", "rng", "vsock"
        ]
    );
    let unnamed = |lock: &Lock| -> Vec<Device> {
        let devices = lock.machine.devices.iter().cloned();
        devices
            .map(|device| Device {
                name: String::new(),
                ..device
            })
            .collect()
    };
    assert_eq!(unnamed(&made), unnamed(&full));
    assert_eq!(made.device_tree, full.device_tree);
    assert_eq!(parse(&write(&made)).expect("a lock"), made);
    let plain = VmSpec {
        devices: Vec::new(),
        ..described()
    };
    assert_eq!(truth::lock(&plain).lock_version, 2);
}

/// The most devices of a machine, at the ends of their room.
#[test]
fn all_devices_that_a_machine_may_have_fit() {
    let mut spec = described();
    let card = |n: usize| {
        vm::Device::Net(vm::Net {
            name: format!("lan{n}"),
            tap: Some(format!("tap{n}")),
            mac: None,
            mtu: None,
        })
    };
    spec.devices = (0..virtio::DEVICES_MAX).map(card).collect();
    let made = truth::lock(&spec);
    assert_eq!(parse(&write(&made)).expect("a lock"), made);
    spec.devices.push(card(99));
    let refused = resolve(&spec, &Catalogue::builtin(), &Target::NEWEST).unwrap_err();
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!(refused[0].code, "spec::out-of-range");
}

/// Whoever starts a machine can say what its cards' cables are: the lock names none then, not an empty one.
#[test]
fn cards_without_a_tap_do_not_share_one() {
    let mut spec = described();
    let card = |name: &str| {
        vm::Device::Net(vm::Net {
            name: name.to_owned(),
            tap: None,
            mac: None,
            mtu: None,
        })
    };
    spec.devices = vec![card("lan"), card("wan")];
    let made = truth::lock(&spec);
    let text = write(&made);
    assert!(!text.contains("\"tap\""));
    assert_eq!(parse(&text).expect("a lock"), made);
}

/// As many ports as there may be, and one more.
#[test]
fn a_machine_has_so_many_ports_and_no_more() {
    let mut spec = described();
    let mut port = 0..;
    let mut sockets = |count| {
        let ports = port.by_ref().take(count).map(|port| vm::Port {
            port,
            path: "agent.sock".to_owned(),
        });
        vm::Device::Vsock(vm::Vsock {
            cid: 3,
            ports: ports.collect(),
        })
    };
    spec.devices = vec![sockets(virtio::PORTS_MAX)];
    let mut made = truth::lock(&spec);
    assert_eq!(parse(&write(&made)).expect("a lock"), made);
    let device = made
        .machine
        .devices
        .last_mut()
        .and_then(|d| d.virtio.as_mut());
    let ports = device
        .and_then(|v| v.vsock.as_mut())
        .map(|v| &mut v.ports)
        .expect("ports");
    ports.push(Port {
        port: 1000,
        path: "agent.sock".to_owned(),
    });
    let words = parse(&write(&made)).expect_err("too many").to_string();
    assert!(words.contains("has 65 ports"), "{words}");
    spec.devices = vec![sockets(virtio::PORTS_MAX + 1)];
    let refused = resolve(&spec, &Catalogue::builtin(), &Target::NEWEST).unwrap_err();
    let told: Vec<_> = refused.iter().map(|c| (c.code, c.place.as_str())).collect();
    assert_eq!(told, [("spec::out-of-range", "/devices/0/vsock/ports/64")]);
}

/// What one disk says is what another has by its name.
#[test]
fn no_two_disks_have_one_serial_number() {
    let mut spec = described();
    let Some(vm::Device::Disk(disk)) = spec.devices.get_mut(1) else {
        panic!("a disk")
    };
    disk.serial = Some("root".to_owned());
    let refused = resolve(&spec, &Catalogue::builtin(), &Target::NEWEST).unwrap_err();
    let told: Vec<_> = refused.iter().map(|c| (c.code, c.place.as_str())).collect();
    assert_eq!(told, [("spec::duplicate-value", "/devices/1/disk/serial")]);
}

/// Where nobody has asked the file, there is no lock.
#[test]
fn a_disk_without_a_size_makes_no_lock() {
    let mut spec = described();
    let Some(vm::Device::Disk(disk)) = spec.devices.first_mut() else {
        panic!("a disk")
    };
    disk.size = None;
    let refused = resolve(&spec, &Catalogue::builtin(), &Target::NEWEST).unwrap_err();
    assert_eq!(refused.len(), 1, "{refused:#?}");
    assert_eq!(refused[0].code, "spec::disk-size");
}

/// All of them are one mistake.
#[test]
fn what_an_old_version_lacks_is_said_once() {
    for version in [1, 2] {
        let refused = resolve(&described(), &Catalogue::builtin(), &Target::of(version));
        let refused = refused.unwrap_err();
        assert_eq!(refused.len(), 1, "{refused:#?}");
        assert_eq!(refused[0].code, "spec::needs-upgrade");
        assert_eq!(refused[0].also.len(), 5);
    }
}

#[test]
fn version_3_is_read_and_written_to_the_byte() {
    let lock = full();
    let text = write(&lock);
    let read = parse(&text).expect("a lock");
    assert_eq!(read, lock);
    assert_eq!(write(&read), text);
    // The second disk: a page and an interrupt behind the first, an edge.
    let node = [
        "  virtio@a001000",
        "    compatible = 'virtio,mmio'",
        "    reg = 64 bits <0xa001000 0x200>",
        "    interrupts = <0x0 0x3 0x1>",
        "    dma-coherent",
    ];
    let told = &lock.device_tree.text;
    assert!(told.windows(node.len()).any(|w| w == node), "{told:#?}");
    assert!(told.iter().any(|l| l.contains("vmlock machine 3")));
}

#[test]
fn a_machine_without_virtio_is_of_version_2_alone() {
    let lock = plain();
    assert_eq!(lock.lock_version, 2);
    let text = write(&lock);
    assert_eq!(parse(&text).expect("a lock"), lock);
    let newer = text.replacen("\"lockVersion\": 2", "\"lockVersion\": 3", 1);
    match parse(&newer) {
        Err(LockError::Inconsistent(words)) => {
            assert!(words.contains("is of version 2 of the lock"), "{words}")
        }
        other => panic!("{other:?}"),
    }
    let older = write(&full()).replacen("\"lockVersion\": 3", "\"lockVersion\": 2", 1);
    assert!(matches!(parse(&older), Err(LockError::Malformed { .. })));
}

/// A description that asks for no virtio device any more gets no lock that its reader refuses.
#[test]
fn a_lock_of_version_3_is_followed_by_one_that_can_be_read() {
    let plain = spec(&["kvm-6.12"], "neoverse-n1", &[]);
    let target = Target::keeping(&full());
    let (lock, _) = resolve(&plain, &Catalogue::builtin(), &target).expect("a lock");
    assert_eq!(parse(&write(&lock)).expect("a lock").lock_version, 2);
}

/// Each altered where it would become a lie, or what the runner could not do.
#[test]
fn what_contradicts_itself_is_refused_in_words() {
    let text = write(&full());
    for (from, to, words) in [
        ("\"VIRTIO_BLK_F_FLUSH\", ", "", "VIRTIO_BLK_F_FLUSH"),
        (
            "VIRTIO_BLK_F_FLUSH",
            "VIRTIO_BLK_F_CONFIG_WCE",
            "VIRTIO_BLK_F_CONFIG_WCE",
        ),
        (
            "\"VIRTIO_BLK_F_SEG_MAX\", \"VIRTIO_BLK_F_BLK_SIZE\"",
            "\"VIRTIO_BLK_F_BLK_SIZE\", \"VIRTIO_BLK_F_SEG_MAX\"",
            "out of the order",
        ),
        ("\"queues\": [256]", "\"queues\": [128]", "queues"),
        ("\"sectors\": 8388608", "\"sectors\": 0", "sectors"),
        ("\"serial\": \"root\"", "\"serial\": \"\"", "serial"),
        (
            "\"serial\": \"seed\"",
            "\"serial\": \"seed\", \"digest\": \"sha256-1\"",
            "a digest that is not",
        ),
        (
            "\"serial\": \"root\"",
            "\"serial\": \"root\", \"digest\": \"sha256-1\"",
            "can be written",
        ),
        (
            "\"readOnly\": false",
            "\"readOnly\": true",
            "VIRTIO_BLK_F_DISCARD",
        ),
        (
            "\"path\": \"seed.img\"",
            "\"path\": \"root.img\"",
            "one file",
        ),
        ("\"path\": \"root.img\"", "\"path\": \"\"", "path"),
        (
            "\"serial\": \"seed\"",
            "\"serial\": \"root\"",
            "one serial number",
        ),
        ("52:54:00", "53:54:00", "address"),
        ("52:54:00:12", "52:54:00:1g", "address"),
        ("\"mtu\": 1500", "\"mtu\": 67", "MTU"),
        ("\"mtu\": 1500", "\"mtu\": 65522", "MTU"),
        ("\"tap\": \"tap0\"", "\"tap\": \"a/b\"", "tap"),
        ("\"tap\": \"tap0\"", "\"tap\": \"\"", "tap"),
        ("\"cid\": 3", "\"cid\": 2", "context id"),
        ("\"virtio-entropy-1\"", "\"virtio-vsock-1\"", "`vsock`"),
        ("\"virtio-entropy-1\"", "\"pl031-2\"", "no virtio device"),
        (
            "\"name\": \"rng\"",
            "\"name\": \"lan\"",
            "no name of a device, or another's",
        ),
        ("\"interrupt\": 35", "\"interrupt\": 34", "interrupt 34"),
        ("0x000000000a001000", "0x000000000a000000", "overlap"),
        (
            "0x000000000a001000",
            "0x000000000a020000",
            "its registers at 0xa020000",
        ),
        (
            "0x000000000a000000",
            "0x0000000009fff000",
            "its registers at 0x9fff000",
        ),
        (
            "0x0000000000000200",
            "0x0000000000000400",
            "0x400 bytes of registers",
        ),
        (
            "0x0000000000000200",
            "0xffffffffffffffff",
            "whole 4 KiB pages",
        ),
    ] {
        assert!(text.contains(from), "{from}");
        match parse(&text.replacen(from, to, 1)) {
            Err(LockError::Inconsistent(found)) => {
                assert!(found.contains(words), "{from} → {to}: {found}")
            }
            other => panic!("{from} → {to}: {other:?}"),
        }
    }
}

#[test]
fn configuration_spaces_are_those_of_the_standard() {
    let lock = full();
    let of = |name: &str| {
        let device = lock.machine.devices.iter().find(|d| d.name == name);
        virtio::configuration(device.and_then(|d| d.virtio.as_ref()).expect("a device"))
    };
    let root = of("root");
    assert_eq!(
        (root.len(), &root[..8]),
        (57, &8_388_608u64.to_le_bytes()[..])
    );
    assert_eq!(root[12..16], 254u32.to_le_bytes());
    assert_eq!(of("seed").len(), 24);
    assert_eq!(
        of("lan"),
        [0x52, 0x54, 0, 0x12, 0x34, 0x56, 1, 0, 0, 0, 0xdc, 5]
    );
    assert!(of("hvc").is_empty());
    assert!(of("rng").is_empty());
    assert_eq!(of("vsock"), [3, 0, 0, 0, 0, 0, 0, 0]);
}

/// The witness has room for what it sees of the most devices, with every interrupt line and two vCPUs.
#[test]
fn what_is_seen_of_all_devices_fits() {
    let mut lock = full();
    let disk = lock.machine.devices[2].clone();
    lock.machine.devices.truncate(2);
    let all = std::iter::repeat_n(disk, virtio::DEVICES_MAX);
    lock.machine.devices.extend(all);
    let records = questions::keys(&lock).len() as u64 + 2;
    let bytes = size_of::<wire::AreaHeader>() as u64 + records * size_of::<wire::Record>() as u64;
    assert!(bytes <= wire::AREA_STRIDE, "{records} records");
    let of_devices = questions::keys(&lock).into_iter();
    let of_devices = of_devices.filter(|key| wire::kind_of(*key) == Some(wire::Kind::Virtio));
    let names: BTreeSet<_> = of_devices.map(fact_name).collect();
    assert!(names.len() > 30 * virtio::DEVICES_MAX);
    assert!(names.contains("virtio31.DeviceFeatures[63:0]"));
}

/// What a lock says of a device is promised: each part that is another makes another promise.
#[test]
fn a_device_that_is_another_is_noticed() {
    let kept = promises(&full());
    type Change = (usize, fn(&mut lock::Virtio));
    let changes: [Change; 11] = [
        (2, |v| v.block.as_mut().unwrap().sectors += 1),
        (2, |v| v.block.as_mut().unwrap().serial.push('s')),
        (2, |v| {
            let disk = v.block.as_mut().unwrap();
            disk.read_only = !disk.read_only;
        }),
        (2, |v| drop(v.features.remove(0))),
        (2, |v| drop(v.features.pop())),
        (2, |v| v.queues[0] = 128),
        (4, |v| {
            v.net.as_mut().unwrap().mac = "52:54:00:12:34:57".to_owned()
        }),
        (4, |v| v.net.as_mut().unwrap().mtu += 1),
        (4, |v| v.queues.truncate(1)),
        (7, |v| v.vsock.as_mut().unwrap().cid += 1),
        (6, |v| v.features.push("VIRTIO_BLK_F_RO".to_owned())),
    ];
    for (index, (device, change)) in changes.into_iter().enumerate() {
        let mut other = full();
        change(other.machine.devices[device].virtio.as_mut().unwrap());
        assert_ne!(promises(&other), kept, "change {index}");
    }
    for device in 2..=7 {
        let mut other = full();
        other.machine.devices[device].interrupt += 1;
        assert_ne!(promises(&other), kept, "interrupt of device {device}");
    }
    let mut swapped = full();
    swapped.machine.devices.swap(2, 3);
    assert_ne!(promises(&swapped), kept);
}

/// Devices ask nothing of a host's kernel that a report tells: who opens what is behind them finds out.
#[test]
fn devices_change_no_plan() {
    let hosts = crate::plans::hosts();
    assert!(!hosts.is_empty());
    for (name, report) in hosts {
        let of = |lock: &Lock| {
            let refused = plan(lock, &report).refusals;
            refused
                .into_iter()
                .map(|r| (r.code, r.name))
                .collect::<Vec<_>>()
        };
        assert_eq!(of(&full()), of(&plain()), "{name}");
    }
}
