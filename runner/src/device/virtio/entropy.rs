//! Random bytes of the host for its guest (`virtio-entropy-1`).

use super::Log;
use super::thread::{Server, Work};
use crate::firmware::entropy::Entropy;
use std::io::{self, ErrorKind};
use std::thread;
use std::time::Duration;
use vmlock_spec::lock::Device;
use vmlock_spec::plan::Refusal;
use vmlock_spec::plan::devices::no_entropy;
use vmlock_virtio::entropy::fill;
use vmlock_virtio::features::Features;
use vmlock_virtio::ring::{Broken, Drained};

/// The most buffers that are filled at a time.
const BUFFERS: usize = 16;
/// How long it is until the next try, where there are none to give.
const RETRY: Duration = Duration::from_millis(20);

/// The host's random numbers.
pub struct Random(pub Entropy);

/// Opens them, and tries whether there are any.
///
/// # Errors
/// There are none.
pub fn open(device: &Device) -> Result<Random, Box<Refusal>> {
    let entropy = Entropy::open();
    match entropy.fill(&mut [0]) {
        true => Ok(Random(entropy)),
        false => Err(Box::new(no_entropy(device))),
    }
}

impl Server for Random {
    fn begin(&mut self, _features: Features, _log: &mut Log) {}

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Work {
            rings,
            memory,
            chain,
            log,
        } = work;
        let Some(Some(ring)) = rings.first_mut() else {
            return Ok(Drained::NOTHING);
        };
        let source = |bytes: &mut [u8]| match self.0.fill(bytes) {
            true => Ok(()),
            false => Err(io::Error::from(ErrorKind::Other)),
        };
        let mut more = true;
        ring.mute(memory)?;
        for _ in 0..BUFFERS {
            if !ring.take(memory, chain)? {
                if ring.listen(memory)? {
                    continue;
                }
                more = false;
                break;
            }
            let Ok(written) = fill(memory, chain, source) else {
                // The standard wants at least a byte (section 5.4.6.2), and what is not random must not be taken for it.
                ring.leave();
                log.host("the host has no random numbers to give, and the guest waits for some");
                thread::sleep(RETRY);
                break;
            };
            ring.give(memory, chain.head(), written)?;
            log.served(0, written.into());
        }
        let interrupts = ring.interrupts(memory)?;
        Ok(Drained { interrupts, more })
    }
}
