//! What the features of virtio devices are, which locks have by name: virtio 1.2 (OASIS, 1 July 2022).

use super::wrapped;
use crate::render::Output;
use serde_json::json;
use vmlock_spec::machine::virtio;

/// Each that a lock can have, with its section of the standard.
const FEATURES: [(&str, &str, &str); 21] = [
    (
        "VIRTIO_RING_F_INDIRECT_DESC",
        "2.7.5.3",
        "A request may name a table of further descriptors, and takes one place of the queue however many there are.",
    ),
    (
        "VIRTIO_RING_F_EVENT_IDX",
        "2.7.7 and 2.7.10",
        "Driver and device say behind which entry they want to be notified, and are spared the others.",
    ),
    (
        "VIRTIO_F_VERSION_1",
        "6",
        "The device is one of the standard, not of what was there before it. A driver has to accept it.",
    ),
    (
        "VIRTIO_BLK_F_SEG_MAX",
        "5.2.3",
        "The device says how many segments a request to the disk can have (`seg_max`).",
    ),
    ("VIRTIO_BLK_F_RO", "5.2.3", "The disk can only be read."),
    (
        "VIRTIO_BLK_F_BLK_SIZE",
        "5.2.3",
        "The device says how large a block of the disk is (`blk_size`): 512 bytes.",
    ),
    (
        "VIRTIO_BLK_F_FLUSH",
        "5.2.3",
        "The driver can ask that all that was written is on stable storage.",
    ),
    (
        "VIRTIO_BLK_F_DISCARD",
        "5.2.3",
        "The driver can say that it does not need some sectors any more.",
    ),
    (
        "VIRTIO_BLK_F_WRITE_ZEROES",
        "5.2.3",
        "The driver can have sectors filled with zeroes without sending them.",
    ),
    (
        "VIRTIO_NET_F_CSUM",
        "5.1.3",
        "The guest may send packets whose checksum is not filled in yet.",
    ),
    (
        "VIRTIO_NET_F_GUEST_CSUM",
        "5.1.3",
        "The guest takes packets whose checksum is not filled in yet.",
    ),
    (
        "VIRTIO_NET_F_MTU",
        "5.1.3",
        "The device says how large a packet can be (`mtu`).",
    ),
    (
        "VIRTIO_NET_F_MAC",
        "5.1.3",
        "The device says which address the card has (`mac`).",
    ),
    (
        "VIRTIO_NET_F_GUEST_TSO4",
        "5.1.3",
        "The guest takes segments of TCP over IPv4 that are larger than a packet.",
    ),
    (
        "VIRTIO_NET_F_GUEST_TSO6",
        "5.1.3",
        "The guest takes segments of TCP over IPv6 that are larger than a packet.",
    ),
    (
        "VIRTIO_NET_F_GUEST_ECN",
        "5.1.3",
        "Such segments that the guest takes may tell of congestion (ECN).",
    ),
    (
        "VIRTIO_NET_F_HOST_TSO4",
        "5.1.3",
        "The guest may send segments of TCP over IPv4 that are larger than a packet.",
    ),
    (
        "VIRTIO_NET_F_HOST_TSO6",
        "5.1.3",
        "The guest may send segments of TCP over IPv6 that are larger than a packet.",
    ),
    (
        "VIRTIO_NET_F_HOST_ECN",
        "5.1.3",
        "Such segments that the guest sends may tell of congestion (ECN).",
    ),
    (
        "VIRTIO_NET_F_MRG_RXBUF",
        "5.1.3",
        "A packet for the guest may lie in several of its buffers.",
    ),
    (
        "VIRTIO_NET_F_STATUS",
        "5.1.3",
        "The device says whether the card's link is up (`status`): it is.",
    ),
];

/// A feature of virtio devices, by its name in any case.
pub fn feature(name: &str, out: &mut Output) -> bool {
    let known = FEATURES
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(name));
    let Some((name, section, words)) = known else {
        return false;
    };
    let Some(bit) = virtio::bit(name) else {
        return false;
    };
    out.line(format!("{name}: a feature of virtio devices, bit {bit}"));
    out.lines(wrapped(words, ""));
    out.lines(wrapped(
        "A lock names what a device offers; what is in use the guest's driver decides.",
        "",
    ));
    out.line(format!(
        "Source: virtio 1.2 (OASIS, 1 July 2022), section {section}"
    ));
    out.value(
        "virtioFeature",
        json!({ "name": name, "bit": bit, "section": section, "words": words }),
    );
    true
}
