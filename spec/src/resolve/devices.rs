//! Rules for the virtio devices of a description: what no type can hold, and what two
//! devices of one machine cannot share. Readers of locks hold the same (`machine/virtio.rs`).

use super::Complaints;
use super::literal::{self, Sort};
use super::shape::{self, UPGRADE, is_name};
use crate::machine::devices::{GENERATION, OURS, mac, serial};
use crate::machine::virtio::{
    self, CIDS, DEVICES_MAX, MTUS, PORTS, PORTS_MAX, SECTOR, SECTORS_MAX, SERIAL_MAX,
    SOCKET_BYTES_MAX, TAP_BYTES_MAX,
};
use crate::vm::device::{Device, Disk, Net, Vsock};
use crate::vm::limits::NAME_BYTES_MAX;
use crate::vm::{AcrossSaves, VmSpec};
use std::ops::RangeInclusive;

/// Whatever is wrong with the devices of a description that becomes a lock of that version.
pub(super) fn devices(spec: &VmSpec, version: u32, complaints: &mut Complaints) {
    if version < virtio::SINCE {
        newer(spec, version, complaints);
    }
    if let Some(device) = spec.devices.get(DEVICES_MAX) {
        complaints.error(
            "spec::out-of-range",
            format!("/devices/{DEVICES_MAX}"),
            format!("this `{}` is one device too many", device.word()),
            Some(format!(
                "a machine has at most {DEVICES_MAX} virtio devices"
            )),
        );
    }
    for (index, device) in spec.devices.iter().enumerate() {
        let place = format!("/devices/{index}/{}", device.word());
        match device {
            Device::Disk(one) => disk(one, &place, complaints),
            Device::Net(one) => net(one, &place, complaints),
            Device::Vsock(one) => vsock(one, &place, complaints),
            Device::Rng {} | Device::Console {} => {}
        }
    }
    names(spec, complaints);
    cards(spec, complaints);
    serials(spec, complaints);
    files(spec, complaints);
}

/// A disk of a lock has a size. (Where the file is there, or was, the compiler has asked it.)
pub(super) fn sizes(spec: &VmSpec, complaints: &mut Complaints) {
    for (index, device) in spec.devices.iter().enumerate() {
        if let Device::Disk(Disk {
            name, size: None, ..
        }) = device
        {
            complaints.error(
                "spec::disk-size",
                format!("/devices/{index}/disk/size"),
                format!("nothing says how large `{}` is", name.escape_debug()),
                Some("write its `size`".into()),
            );
        }
    }
}

/// All of them are one thing that the old version lacks; a seed for the kernel's addresses, a counter that goes on across
/// saves and a generation id are others.
fn newer(spec: &VmSpec, version: u32, complaints: &mut Complaints) {
    if spec.boot.as_ref().is_some_and(|boot| boot.kaslr_seed) {
        complaints.error(
            "spec::needs-upgrade",
            "/boot/kaslr-seed",
            format!("a lock of version {version} cannot hold `kaslr-seed`"),
            Some(UPGRADE.into()),
        );
    }
    if spec.across_saves == AcrossSaves::GoesOn {
        complaints.error(
            "spec::needs-upgrade",
            "/across-saves",
            format!(
                "a lock of version {version} has a counter that stands still across saves alone"
            ),
            Some(UPGRADE.into()),
        );
    }
    if spec.vmgenid {
        complaints.error(
            "spec::needs-upgrade",
            "/vmgenid",
            format!("a lock of version {version} cannot hold `vmgenid`"),
            Some(UPGRADE.into()),
        );
    }
    let Some((first, rest)) = spec.devices.split_first() else {
        return;
    };
    let also = rest.iter().zip(1..).map(|(device, index)| {
        let place = format!("/devices/{index}");
        (place, format!("or `{}`", device.word()))
    });
    let complaint = complaints.error(
        "spec::needs-upgrade",
        "/devices/0",
        format!(
            "a lock of version {version} has no virtio devices, and cannot hold `{}`",
            first.word()
        ),
        Some(UPGRADE.into()),
    );
    complaint.also.extend(also);
}

fn name(name: &str, place: &str, what: &str, complaints: &mut Complaints) {
    let place = format!("{place}/name");
    let called = format!("the name of a `{what}`");
    if is_name(name) || literal::complain(name, Sort::Name, &place, &called, complaints) {
        return;
    }
    let message = match name {
        "" => format!("{called} is empty"),
        _ => format!(
            "this cannot be {called}: only ASCII letters, digits, `-`, `_` and `.`, no `.` at the front, at most \
             {NAME_BYTES_MAX}"
        ),
    };
    let example = if what == "disk" { "root" } else { "lan" };
    let help = Some(format!("for example `{example}`"));
    complaints.error("spec::bad-name", place, message, help);
}

fn path(path: &str, place: &str, complaints: &mut Complaints) -> bool {
    let place = format!("{place}/path");
    shape::text(path, &place, "`path`", complaints)
        && !literal::complain(path, Sort::Path, &place, "`path`", complaints)
}

fn disk(disk: &Disk, place: &str, complaints: &mut Complaints) {
    name(&disk.name, place, "disk", complaints);
    path(&disk.path, place, complaints);
    contents(disk, place, complaints);
    if let Some(words) = disk.size.and_then(wrong_size) {
        complaints.error(
            "spec::disk-size",
            format!("{place}/size"),
            format!("no disk has this size: {words}"),
            Some("for example 8 GiB, in bytes 8589934592".into()),
        );
    }
    match &disk.serial {
        Some(serial) if !virtio::is_serial(serial) => {
            complaints.error(
                "spec::bad-serial",
                format!("{place}/serial"),
                format!(
                    "no disk has this serial number: it is 1 to {SERIAL_MAX} printable ASCII characters, without blanks \
                     at its ends"
                ),
                Some("leave `serial` out: it is the disk's name then".into()),
            );
        }
        None if is_name(&disk.name) && !virtio::is_serial(&disk.name) => {
            let first: String = disk.name.chars().take(SERIAL_MAX).collect();
            complaints.error(
                "spec::bad-serial",
                place,
                format!(
                    "`{}` is longer than a serial number, which has at most {SERIAL_MAX} characters",
                    disk.name
                ),
                Some(format!("say which one it has, for example `{first}`")),
            );
        }
        _ => {}
    }
}

/// What holds the contents of a disk is for one that nobody writes.
fn contents(disk: &Disk, place: &str, complaints: &mut Complaints) {
    // Of one that may be written a digest says nothing, whatever it is.
    if disk.read_only {
        shape::digest(&disk.digest, &format!("{place}/digest"), complaints);
    }
    for (what, asked) in [
        ("digest", disk.digest.is_some()),
        ("any-file", disk.any_file),
    ] {
        if asked && !disk.read_only {
            complaints.error(
                "spec::contradiction",
                format!("{place}/{what}"),
                format!("`{what}` is about contents that stay, and the guest can write this disk"),
                Some(format!("add `read-only=#true`, or leave `{what}` out")),
            );
        }
    }
}

/// Why no disk has so many bytes.
fn wrong_size(bytes: u64) -> Option<String> {
    if bytes == 0 {
        Some("it would be empty".to_owned())
    } else if !bytes.is_multiple_of(SECTOR) {
        Some(format!("{bytes} bytes are no whole sectors of {SECTOR}"))
    } else if bytes / SECTOR > SECTORS_MAX {
        Some("no file is 8 EiB long".to_owned())
    } else {
        None
    }
}

fn net(card: &Net, place: &str, complaints: &mut Complaints) {
    name(&card.name, place, "net", complaints);
    let at = |what: &str| format!("{place}/{what}");
    if let Some(tap) = &card.tap
        && shape::text(tap, &at("tap"), "`tap`", complaints)
        && !virtio::is_tap(tap)
    {
        complaints.error(
            "spec::bad-tap",
            at("tap"),
            format!("no host has a network device `{}`", tap.escape_debug()),
            Some(format!(
                "its name has at most {TAP_BYTES_MAX} bytes and neither `/`, `:`, `%` nor blanks, for example `tap0`"
            )),
        );
    }
    if let Some(text) = &card.mac {
        address(text, &at("mac"), complaints);
    }
    let mtu = card.mtu.map(u64::from);
    within(mtu, &MTUS, "`mtu`", at("mtu"), complaints);
}

fn address(text: &str, place: &str, complaints: &mut Complaints) {
    let (message, help) = match virtio::mac(text) {
        Some(bytes) if virtio::is_cards(bytes) => return,
        Some([0, 0, 0, 0, 0, 0]) => (
            "`mac` is nobody's address".to_owned(),
            "leave it out: one is made of the machine's name and the card's".to_owned(),
        ),
        Some(bytes) => {
            let better = format!("{:02x}{}", bytes[0] & !1 | 2, &text[2..]);
            (
                "`mac` is the address of a group, not of one card".to_owned(),
                format!("the first byte is even, for example `{better}`"),
            )
        }
        None => (
            "`mac` is no address of a network card".to_owned(),
            match spelt(text) {
                Some(better) => format!("write `{better}`"),
                None => "write six pairs of hex digits, for example `52:54:00:12:34:56`".to_owned(),
            },
        ),
    };
    complaints.error("spec::bad-mac", place, message, Some(help));
}

/// An address that is spelt otherwise than locks have it.
fn spelt(text: &str) -> Option<String> {
    let digits: String = text
        .chars()
        .filter(|c| !":-. ".contains(*c))
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let pairs: Vec<&str> = match digits.is_ascii() && digits.len() == 12 {
        true => (0..12).step_by(2).map(|at| &digits[at..at + 2]).collect(),
        false => return None,
    };
    let better = pairs.join(":");
    let bytes = virtio::mac(&better)?;
    virtio::is_cards(bytes).then_some(better)
}

fn vsock(sockets: &Vsock, place: &str, complaints: &mut Complaints) {
    let cids = u64::from(*CIDS.start())..=(*CIDS.end()).into();
    let cid = Some(sockets.cid.into());
    within(cid, &cids, "`cid`", format!("{place}/cid"), complaints);
    if sockets.ports.len() > PORTS_MAX {
        complaints.error(
            "spec::out-of-range",
            format!("{place}/ports/{PORTS_MAX}"),
            "this `port` is one too many".into(),
            Some(format!("a `vsock` has at most {PORTS_MAX}")),
        );
    }
    for (index, port) in sockets.ports.iter().enumerate() {
        let place = format!("{place}/ports/{index}");
        let is_path = path(&port.path, &place, complaints);
        if is_path && port.path.len() > SOCKET_BYTES_MAX {
            complaints.error(
                "spec::out-of-range",
                format!("{place}/path"),
                format!("the path of this socket has {} bytes", port.path.len()),
                Some(format!(
                    "Linux has room for {SOCKET_BYTES_MAX} (`sun_path`)"
                )),
            );
        }
        let number = Some(port.port.into());
        let at = format!("{place}/port");
        within(number, &PORTS, "a port", at, complaints);
        let before = &sockets.ports[..index];
        if let Some(first) = before.iter().position(|other| other.port == port.port) {
            let first = format!("/ports/{first}/port");
            let first = format!(
                "{}{first}",
                place.rsplit_once("/ports/").map_or("", |p| p.0)
            );
            twice(
                format!("{place}/port"),
                first,
                format!("port {} is given twice", port.port),
                complaints,
            );
        }
    }
}

/// A number within its limits.
fn within(
    number: Option<u64>,
    bounds: &RangeInclusive<u64>,
    what: &str,
    place: String,
    complaints: &mut Complaints,
) {
    if number.is_some_and(|n| !bounds.contains(&n)) {
        let help = Some(format!("{what} is {}", shape::words(bounds)));
        let message = format!("{what} is out of range");
        complaints.error("spec::out-of-range", place, message, help);
    }
}

fn twice(place: String, first: String, message: String, complaints: &mut Complaints) {
    let help = Some("keep one of the two".into());
    let complaint = complaints.error("spec::duplicate-value", place, message, help);
    complaint.also.push((first, "first here".to_owned()));
}

/// Devices are told apart by their names, in the lock and in messages.
fn names(spec: &VmSpec, complaints: &mut Complaints) {
    for (index, device) in spec.devices.iter().enumerate() {
        let (name, word) = (device.name(), device.word());
        if OURS.contains(&name) {
            complaints.error(
                "spec::duplicate-value",
                format!("/devices/{index}/{word}/name"),
                format!("every machine has a device that is called `{name}`"),
                Some("choose another name".into()),
            );
        }
        if spec.vmgenid && name == GENERATION {
            complaints.error(
                "spec::duplicate-value",
                format!("/devices/{index}/{word}/name"),
                format!("the generation id of this machine is a device that is called `{name}`"),
                Some("choose another name, or leave `vmgenid` out".into()),
            );
        }
        let mut before = spec.devices[..index].iter();
        let Some(first) = before.position(|other| other.name() == name) else {
            continue;
        };
        let other = spec.devices[first].word();
        let message = match name == word && name == other && !matches!(word, "disk" | "net") {
            true => format!("a machine has one `{word}`"),
            false => format!("two devices are called `{}`", name.escape_debug()),
        };
        twice(
            format!("/devices/{index}/{word}/name"),
            format!("/devices/{first}/{other}/name"),
            message,
            complaints,
        );
    }
}

/// No two cards have one address or one tap.
fn cards(spec: &VmSpec, complaints: &mut Complaints) {
    let cards: Vec<(usize, &Net)> = (0..)
        .zip(&spec.devices)
        .filter_map(|(index, device)| match device {
            Device::Net(card) => Some((index, card)),
            _ => None,
        })
        .collect();
    for (at, (index, card)) in cards.iter().enumerate() {
        let address = mac(&spec.name, card);
        let before = &cards[..at];
        let tap = card.tap.as_deref();
        if let Some(tap) = tap
            && let Some((first, _)) = before
                .iter()
                .find(|(_, other)| other.tap.as_deref() == Some(tap))
        {
            twice(
                format!("/devices/{index}/net/tap"),
                format!("/devices/{first}/net/tap"),
                format!("`{}` is the tap of two cards", tap.escape_debug()),
                complaints,
            );
        }
        let same = |(_, other): &&(usize, &Net)| mac(&spec.name, other) == address;
        let named = |card: &Net| before.iter().all(|(_, other)| other.name != card.name);
        if let Some((first, _)) = before.iter().find(same).filter(|_| named(card)) {
            twice(
                format!("/devices/{index}/net/mac"),
                format!("/devices/{first}/net/mac"),
                format!("`{}` is the address of two cards", address.escape_debug()),
                complaints,
            );
        }
    }
}

/// No two disks have one serial number: it is what a guest tells them apart by.
fn serials(spec: &VmSpec, complaints: &mut Complaints) {
    let mut disks: Vec<(usize, &Disk)> = Vec::new();
    for (index, device) in spec.devices.iter().enumerate() {
        let Device::Disk(disk) = device else { continue };
        // That two names are one is told already.
        let same =
            |(_, other): &&(usize, &Disk)| serial(other) == serial(disk) && other.name != disk.name;
        if let Some((first, _)) = disks.iter().find(same) {
            twice(
                format!("/devices/{index}/disk/serial"),
                format!("/devices/{first}/disk/serial"),
                format!(
                    "`{}` is the serial number of two disks",
                    serial(disk).escape_debug()
                ),
                complaints,
            );
        }
        disks.push((index, disk));
    }
}

/// No file is two disks, unless neither can be written.
fn files(spec: &VmSpec, complaints: &mut Complaints) {
    let mut disks: Vec<(usize, &Disk)> = Vec::new();
    for (index, device) in spec.devices.iter().enumerate() {
        let Device::Disk(disk) = device else { continue };
        // That two names are one is told already.
        let shared = |(_, other): &&(usize, &Disk)| {
            other.name != disk.name
                && other.path == disk.path
                && !(other.read_only && disk.read_only)
        };
        if let Some((first, other)) = disks.iter().find(shared) {
            let complaint = complaints.error(
                "spec::shared-file",
                format!("/devices/{index}/disk/path"),
                format!(
                    "`{}` and `{}` are one file, and a guest could write it behind its own back",
                    other.name.escape_debug(),
                    disk.name.escape_debug()
                ),
                Some("give each a file of its own, or make both `read-only`".into()),
            );
            let first = format!("/devices/{first}/disk/path");
            complaint.also.push((first, "first here".to_owned()));
        }
        disks.push((index, disk));
    }
}
