//! `virtio-entropy-1`: random bytes (section 5.4 of the standard), with one queue.

use crate::chain::Chain;
use crate::mmio::Shown;
use crate::ring;
use std::io;
use virtio_bindings::virtio_ids::VIRTIO_ID_RNG;
use vm_memory::GuestMemory;

/// The most bytes of one request: a device may give fewer than a buffer takes (section 5.4.6.2), and no driver keeps
/// this one busy with one buffer.
pub const MOST: u64 = 64 << 10;
/// Bytes that are fetched at a time. Up to so many come at once, or none (getrandom(2)).
const CHUNK: usize = 256;

/// What a driver sees of it. `queue` is QueueNumMax.
pub fn shown(queue: u16) -> Shown {
    Shown {
        device: VIRTIO_ID_RNG,
        features: ring::OFFERED,
        requires: &[],
        queues: vec![queue],
        configuration: Vec::new(),
    }
}

/// Fills a buffer, and gives the number of bytes with which it goes back.
///
/// # Errors
/// The source's before it gave any: the chain is to be left where it was ([`ring::Ring::leave`]).
pub fn fill<M: GuestMemory>(
    memory: &M,
    chain: &Chain,
    mut source: impl FnMut(&mut [u8]) -> io::Result<()>,
) -> io::Result<u32> {
    let room = chain.writable().length().min(MOST);
    let (mut filled, mut chunk) = (0, [0; CHUNK]);
    while filled < room {
        let part = (room - filled).min(CHUNK as u64);
        let part = &mut chunk[..part as usize];
        match source(part) {
            Ok(()) => {}
            Err(_) if filled > 0 => break,
            Err(error) => return Err(error),
        }
        let written = chain.writable().write(memory, filled, part);
        written.map_err(io::Error::other)?;
        filled += part.len() as u64;
    }
    Ok(filled as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, Part, memory};
    use crate::mmio::Transport;

    #[test]
    fn it_shows_nothing_but_itself() {
        let shown = shown(8);
        let bits: Vec<u32> = (0..128).filter(|&bit| shown.features.has(bit)).collect();
        assert_eq!((shown.device, bits), (4, vec![28, 29, 32]));
        Transport::new(shown).expect("there is such a device");
    }

    #[test]
    fn every_byte_of_a_buffer_is_filled_up_to_the_most() {
        for (parts, filled) in [
            (&[Part::In(1)][..], 1),
            (&[Part::In(255), Part::In(2)], 257),
            (&[Part::Out(b"x"), Part::In(600)], 600),
            (&[Part::In(60_000), Part::In(60_000)], 65_536),
            (&[Part::Out(b"x")], 0),
            (&[Part::In(0)], 0),
        ] {
            let memory = memory();
            let mut driver = Driver::new(&memory, 8);
            let mut ring = driver.ring(&[]);
            let buffers = driver.offer(parts);
            let mut chain = Chain::default();
            assert_eq!(ring.take(&memory, &mut chain), Ok(true));
            let mut next = 0u8;
            let written = fill(&memory, &chain, |bytes| {
                assert!(bytes.len() <= 256);
                for byte in bytes {
                    next = next % 250 + 1;
                    *byte = next;
                }
                Ok(())
            });
            assert_eq!(written.expect("the source gives all"), filled);
            let mut seen = Vec::new();
            for (part, buffer) in parts.iter().zip(buffers) {
                if let Part::In(length) = part {
                    seen.extend(driver.bytes(buffer, *length));
                }
            }
            for (at, byte) in seen.into_iter().enumerate() {
                let there = at < filled as usize;
                assert_eq!(byte, if there { (at % 250) as u8 + 1 } else { 0 });
            }
        }
    }

    #[test]
    fn a_source_that_fails_leaves_less_or_the_chain() {
        for (good, filled) in [(0, None), (1, Some(256)), (2, Some(512)), (3, Some(600))] {
            let memory = memory();
            let mut driver = Driver::new(&memory, 8);
            let mut ring = driver.ring(&[]);
            driver.offer(&[Part::In(600)]);
            let mut chain = Chain::default();
            assert_eq!(ring.take(&memory, &mut chain), Ok(true));
            let mut left = good;
            let written = fill(&memory, &chain, |_| match left {
                0 => Err(io::ErrorKind::WouldBlock.into()),
                _ => {
                    left -= 1;
                    Ok(())
                }
            });
            assert_eq!(written.ok(), filled, "{good}");
        }
    }
}
