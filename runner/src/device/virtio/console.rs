//! The user's terminal as a virtio console (`virtio-console-1`).
//!
//! What the guest says goes to the output at once. What the user says waits, outside of
//! the machine, until the driver has a buffer for it.

use super::outside::Input;
use super::thread::{Server, Work};
use super::{Log, Memory};
use crate::device::serial::Output;
use std::sync::Arc;
use vmlock_virtio::chain::Chain;
use vmlock_virtio::console::{RECEIVE, TRANSMIT, receive, transmit};
use vmlock_virtio::features::Features;
use vmlock_virtio::ring::{Broken, Drained, Ring};

/// A console.
pub struct Console {
    output: Output,
    input: Arc<Input>,
}

impl Console {
    /// One whose output goes there.
    pub fn new(output: Output) -> Self {
        Self {
            output,
            input: Arc::default(),
        }
    }

    fn transmit(
        &mut self,
        ring: &mut Ring,
        memory: &Memory,
        chain: &mut Chain,
        log: &mut Log,
    ) -> Result<Drained, Broken> {
        ring.drain(memory, chain, |chain| {
            if let Err(error) = transmit(memory, chain, &mut self.output) {
                log.host(format_args!("some of what the guest says is lost: {error}"));
            }
            log.served(chain.readable().length(), 0);
            Ok(0)
        })
    }

    fn receive(
        &mut self,
        ring: &mut Ring,
        memory: &Memory,
        chain: &mut Chain,
        log: &Log,
    ) -> Result<Drained, Broken> {
        ring.mute(memory)?;
        let mut held = self.input.held();
        while !held.is_empty() {
            if !ring.take(memory, chain)? {
                // The driver notifies of buffers from now on.
                if ring.listen(memory)? {
                    continue;
                }
                break;
            }
            let (head, bytes) = (chain.head(), held.make_contiguous());
            let taken = receive(memory, chain, bytes);
            let taken = taken.map_err(|why| Broken::Chain { head, why })?;
            held.drain(..taken as usize);
            ring.give(memory, head, taken)?;
            log.served(0, taken.into());
            if taken == 0 {
                // A buffer without room. There may be as many as the queue has, and then others have their turn.
                let interrupts = ring.interrupts(memory)?;
                return Ok(Drained {
                    interrupts,
                    more: true,
                });
            }
        }
        let interrupts = ring.interrupts(memory)?;
        Ok(Drained {
            interrupts,
            more: false,
        })
    }
}

impl Server for Console {
    fn begin(&mut self, _features: Features, _log: &mut Log) {}

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Work {
            rings,
            memory,
            chain,
            log,
        } = work;
        let mut all = Drained::NOTHING;
        if let Some(Some(ring)) = rings.get_mut(usize::from(TRANSMIT)) {
            all = all.and(self.transmit(ring, memory, chain, log)?);
        }
        if let Some(Some(ring)) = rings.get_mut(usize::from(RECEIVE)) {
            all = all.and(self.receive(ring, memory, chain, log)?);
        }
        Ok(all)
    }

    fn input(&self) -> Option<Arc<Input>> {
        Some(Arc::clone(&self.input))
    }
}
