//! Requests to a disk that are under way: taken out of the ring, begun, and given back in
//! the order in which they are over.
//!
//! Where a queue is taken away, nothing of its memory is touched once [`Requests::rest`]
//! is over, and what was lost meanwhile is known. Where the machine is held, [`Requests::settle`]
//! brings what is under way to its end, for its driver.

use super::engine::Engine;
use super::{Block, Failed, Operation, Request, answer};
use crate::chain::{Chain, Malformed};
use crate::ring::{BYTES, Broken, Drained, Ring};
use std::io;
use vm_memory::{GuestMemory, Permissions};

/// One that is under way, or none.
#[derive(Default)]
struct Slot {
    chain: Chain,
    operation: Option<Operation>,
    /// Its bytes, and those that the host writes for it.
    weight: u64,
}

/// Requests that were given back.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// How many.
    pub requests: u64,
    /// Bytes that the driver gave with them.
    pub out: u64,
    /// Bytes that it got.
    pub into: u64,
}

impl Served {
    fn add(&mut self, chain: &Chain, written: u32) {
        self.requests += 1;
        self.out += chain.readable().length();
        self.into += u64::from(written);
    }
}

/// Requests under way.
pub struct Requests {
    slots: Vec<Slot>,
    free: Vec<u16>,
    /// What those that are under way weigh: a reset waits for them.
    bytes: u64,
    served: Served,
}

impl Requests {
    /// None, of a queue with so many descriptors.
    pub fn new(queue: u16) -> Self {
        Self {
            slots: (0..queue).map(|_| Slot::default()).collect(),
            free: (0..queue).rev().collect(),
            bytes: 0,
            served: Served::default(),
        }
    }

    /// What was given back since this was asked last.
    pub fn served(&mut self) -> Served {
        std::mem::take(&mut self.served)
    }

    /// Whether as much is under way as may be at a time: more of it may be available.
    pub fn is_full(&self) -> bool {
        self.free.is_empty() || self.bytes >= BYTES
    }

    /// Begins what is available and what becomes available meanwhile, and gives back what is over; with the limits of
    /// [`Ring::drain`]. Where there was something there may be more, of which the driver does not notify: one that has many
    /// requests under way is not stopped for each. `failed` is told what failed, and what the disk is after that.
    ///
    /// # Errors
    /// The driver broke a rule.
    pub fn serve<M: GuestMemory>(
        &mut self,
        block: &mut Block,
        engine: &mut impl Engine,
        ring: &mut Ring,
        memory: &M,
        mut failed: impl FnMut(&Block, Failed),
    ) -> Result<Drained, Broken> {
        let (mut turns, mut bytes, mut worked) = (self.slots.len(), 0, false);
        ring.mute(memory)?;
        let more = loop {
            while turns > 0 && bytes < BYTES && self.bytes < BYTES {
                let Some(token) = self.take(ring, memory)? else {
                    break;
                };
                (turns, worked) = (turns - 1, true);
                bytes += self.begin(token, block, engine, ring, memory)?;
                self.finish(block, engine, ring, memory, &mut failed)?;
            }
            engine.submit();
            let some = self.finish(block, engine, ring, memory, &mut failed)?;
            engine.submit();
            worked |= some;
            if turns == 0 || bytes >= BYTES {
                break true;
            }
            if some {
                continue;
            }
            // Whoever has some that are over wakes this thread.
            if self.is_full() {
                break false;
            }
            if worked {
                break true;
            }
            if !ring.listen(memory)? {
                break false;
            }
            // A driver that always has more, and none of it there, is not listened to for ever.
            turns -= 1;
        };
        let interrupts = ring.interrupts(memory)?;
        Ok(Drained { interrupts, more })
    }

    /// Takes nothing more, and gives back what is over; whether the driver wants to be interrupted. What is under way takes
    /// the steps that it still needs: this is to be called again when something is over, until no chain is out.
    ///
    /// # Errors
    /// The driver broke a rule.
    pub fn settle<M: GuestMemory>(
        &mut self,
        block: &mut Block,
        engine: &mut impl Engine,
        ring: &mut Ring,
        memory: &M,
        mut failed: impl FnMut(&Block, Failed),
    ) -> Result<bool, Broken> {
        // What was over may have had others take their next step.
        loop {
            let some = self.finish(block, engine, ring, memory, &mut failed)?;
            engine.submit();
            if !some {
                return ring.interrupts(memory);
            }
        }
    }

    /// Waits for all that is under way, and forgets it: its driver has taken the queue away.
    pub fn rest(
        &mut self,
        block: &mut Block,
        engine: &mut impl Engine,
        mut failed: impl FnMut(&Block, Failed),
    ) {
        engine.rest();
        while let Some((token, result)) = engine.over() {
            if let (Some(operation), Err(error)) = (self.free(token), result) {
                settle(block, operation, Err(error), &mut failed);
            }
        }
    }

    /// Takes a chain, where there is one and a slot for it.
    fn take<M: GuestMemory>(&mut self, ring: &mut Ring, memory: &M) -> Result<Option<u16>, Broken> {
        let Some(&token) = self.free.last() else {
            return Ok(None);
        };
        let Some(slot) = self.slots.get_mut(usize::from(token)) else {
            return Ok(None);
        };
        match ring.take(memory, &mut slot.chain)? {
            true => {
                self.free.pop();
                Ok(Some(token))
            }
            false => Ok(None),
        }
    }

    /// Begins a request that was taken, or answers it; how many bytes it has.
    fn begin<M: GuestMemory>(
        &mut self,
        token: u16,
        block: &Block,
        engine: &mut impl Engine,
        ring: &mut Ring,
        memory: &M,
    ) -> Result<u64, Broken> {
        let Some(slot) = self.slots.get_mut(usize::from(token)) else {
            return Ok(0);
        };
        let chain = &slot.chain;
        let head = chain.head();
        let broken = |why: Malformed| Broken::Chain { head, why };
        match block.decode(memory, chain).map_err(broken)? {
            Request::Answer { status, filled } => {
                let written = answer(memory, chain, status, filled).map_err(broken)?;
                ring.give(memory, head, written)?;
                self.served.add(chain, written);
                let bytes = size(chain);
                self.free.push(token);
                Ok(bytes)
            }
            Request::Do(operation) => {
                let data = match operation {
                    Operation::Read { data, .. } => {
                        chain.writable().slices(memory, data, Permissions::Write)
                    }
                    Operation::Write { data, .. } => {
                        chain.readable().slices(memory, data, Permissions::Read)
                    }
                    _ => Ok(Vec::new()),
                };
                engine.begin(token, operation, &data.map_err(broken)?);
                slot.weight = size(chain) + extent(operation);
                slot.operation = Some(operation);
                self.bytes += slot.weight;
                Ok(slot.weight)
            }
        }
    }

    /// Gives back what is over; whether there was something.
    fn finish<M: GuestMemory>(
        &mut self,
        block: &mut Block,
        engine: &mut impl Engine,
        ring: &mut Ring,
        memory: &M,
        failed: &mut impl FnMut(&Block, Failed),
    ) -> Result<bool, Broken> {
        let mut some = false;
        while let Some((token, result)) = engine.over() {
            let Some(operation) = self.free(token) else {
                continue;
            };
            some = true;
            let (status, filled) = settle(block, operation, result, failed);
            let Some(Slot { chain, .. }) = self.slots.get(usize::from(token)) else {
                continue;
            };
            let head = chain.head();
            let written = answer(memory, chain, status, filled);
            let written = written.map_err(|why| Broken::Chain { head, why })?;
            ring.give(memory, head, written)?;
            self.served.add(chain, written);
        }
        Ok(some)
    }

    /// What was under way there, which is free from now on.
    fn free(&mut self, token: u16) -> Option<Operation> {
        let slot = self.slots.get_mut(usize::from(token))?;
        let operation = slot.operation.take()?;
        self.bytes -= slot.weight;
        self.free.push(token);
        Some(operation)
    }
}

fn size(chain: &Chain) -> u64 {
    chain.readable().length() + chain.writable().length()
}

/// How much of the disk an operation changes of which the driver gives no bytes, as far as a host may have to write them.
fn extent(operation: Operation) -> u64 {
    match operation {
        Operation::Zero { length, .. } => length,
        // Never written. To forget a gigabyte takes no longer than to write some of it.
        Operation::Discard { length, .. } => length / 64,
        Operation::Read { .. } | Operation::Write { .. } | Operation::Flush => 0,
    }
}

fn settle(
    block: &mut Block,
    operation: Operation,
    result: io::Result<()>,
    failed: &mut impl FnMut(&Block, Failed),
) -> (super::Status, u64) {
    let (status, filled) = block.settle(operation, &result);
    if let Err(error) = result {
        let what = Failed {
            operation,
            error,
            status,
        };
        failed(block, what);
    }
    (status, filled)
}
