//! `virtio-console-1`: a console (section 5.3 of the standard) with one port, of
//! which nothing is told: no size, no other ports, no emergency writes.
//!
//! What comes from outside waits there until the driver has a buffer for it.

use crate::chain::{Chain, Malformed, Span};
use crate::mmio::Shown;
use crate::ring;
use std::io::{self, Write};
use virtio_bindings::virtio_ids::VIRTIO_ID_CONSOLE;
use vm_memory::{Bytes, GuestAddress, GuestMemory};

/// The queue from which the driver receives.
pub const RECEIVE: u16 = 0;
/// The queue by which it transmits.
pub const TRANSMIT: u16 = 1;
/// Bytes that are copied at a time.
const CHUNK: u32 = 4096;

/// What a driver sees of it. `queue` is QueueNumMax of both queues.
pub fn shown(queue: u16) -> Shown {
    Shown {
        device: VIRTIO_ID_CONSOLE,
        features: ring::OFFERED,
        requires: &[],
        queues: vec![queue; 2],
        configuration: Vec::new(),
    }
}

/// Gives the driver as many bytes as its buffer takes: how many that are, with which it goes back.
///
/// # Errors
/// The buffer is not in the guest's memory any more.
pub fn receive<M: GuestMemory>(memory: &M, chain: &Chain, bytes: &[u8]) -> Result<u32, Malformed> {
    let room = chain.writable().length();
    let fits = bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX));
    chain.writable().write(memory, 0, &bytes[..fits])?;
    // A chain is shorter than 4 GiB.
    Ok(fits as u32)
}

/// Writes what the driver transmits. The chain goes back with nothing written, whatever became of it.
///
/// # Errors
/// The output's; what was left then is lost.
pub fn transmit<M: GuestMemory>(
    memory: &M,
    chain: &Chain,
    output: &mut impl Write,
) -> io::Result<()> {
    let mut chunk = [0; CHUNK as usize];
    let all = Span {
        skip: 0,
        length: u64::MAX,
    };
    for segment in chain.readable().segments(all) {
        let mut done = 0;
        while done < segment.length {
            let part = &mut chunk[..(segment.length - done).min(CHUNK) as usize];
            let from = GuestAddress(segment.address + u64::from(done));
            memory.read_slice(part, from).map_err(io::Error::other)?;
            output.write_all(part)?;
            done += part.len() as u32;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Driver, Part, memory};
    use crate::mmio::Transport;

    #[test]
    fn it_tells_nothing() {
        let shown = shown(8);
        let bits: Vec<u32> = (0..128).filter(|&bit| shown.features.has(bit)).collect();
        assert_eq!((shown.device, bits), (3, vec![28, 29, 32]));
        let transport = Transport::new(shown).expect("there is such a device");
        // cols, rows, max_nr_ports and emerg_wr.
        let mut configuration = [0xff; 12];
        transport.read(0x100, &mut configuration);
        assert_eq!(configuration, [0; 12]);
    }

    fn chain(parts: &[Part], look: impl FnOnce(&crate::driver::Memory, &Chain, &[u64])) {
        let memory = memory();
        let mut driver = Driver::new(&memory, 8);
        let mut ring = driver.ring(&[]);
        let buffers = driver.offer(parts);
        let mut chain = Chain::default();
        assert_eq!(ring.take(&memory, &mut chain), Ok(true));
        look(&memory, &chain, &buffers);
    }

    #[test]
    fn input_goes_in_as_far_as_there_is_room() {
        for (sent, taken) in [(&b""[..], 0), (b"abc", 3), (b"abcdef", 5)] {
            chain(&[Part::In(2), Part::In(3)], |memory, chain, at| {
                assert_eq!(receive(memory, chain, sent), Ok(taken));
                let mut seen = [0; 6];
                let (one, two) = seen.split_at_mut(2);
                let read = |to, at| memory.read_slice(to, GuestAddress(at));
                read(one, at[0]).expect("in memory");
                read(two, at[1]).expect("in memory");
                let taken = taken as usize;
                assert_eq!(seen[..taken], sent[..taken]);
                assert_eq!(seen[taken..], [0; 6][taken..]);
            });
        }
        chain(&[Part::Out(b"x")], |memory, chain, _| {
            assert_eq!(receive(memory, chain, b"abc"), Ok(0));
        });
    }

    #[test]
    fn output_comes_out_whole_and_in_order() {
        let long: Vec<u8> = (0..10_000).map(|at| (at % 251) as u8).collect();
        let parts = [Part::Out(b"hello"), Part::Out(b""), Part::Out(&long)];
        chain(&parts, |memory, chain, _| {
            let mut output = Vec::new();
            transmit(memory, chain, &mut output).expect("it takes all");
            assert_eq!(output[..5], *b"hello");
            assert_eq!(output[5..], long);
            // One that takes less says so.
            let mut small = [0; 100];
            let failed = transmit(memory, chain, &mut &mut small[..]);
            assert_eq!(failed.map_err(|e| e.kind()), Err(io::ErrorKind::WriteZero));
        });
    }
}
