//! The registers of a virtio device on the bus, and what follows from a write to them.

use super::thread::Worker;
use crate::device::{Doors, Memory, Model, Wait};
use vmlock_virtio::mmio::{Effect, Transport};

/// A device's registers.
pub struct Window {
    base: u64,
    transport: Transport,
    memory: Memory,
    /// Who serves it, if anybody does.
    worker: Option<Worker>,
    doors: Option<Doors>,
    /// What the last write has to wait for.
    wait: Option<Wait>,
}

impl Window {
    /// Registers with a thread behind them.
    pub fn served(
        base: u64,
        transport: Transport,
        memory: Memory,
        worker: Worker,
        doors: Doors,
    ) -> Self {
        Self {
            worker: Some(worker),
            doors: Some(doors),
            ..Self::unserved(base, transport, memory)
        }
    }

    /// Registers with nothing behind them.
    pub fn unserved(base: u64, transport: Transport, memory: Memory) -> Self {
        Self {
            base,
            transport,
            memory,
            worker: None,
            doors: None,
            wait: None,
        }
    }

    /// Guest-physical address of the first register.
    pub fn base(&self) -> u64 {
        self.base
    }
}

impl Model for Window {
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        self.transport.read(offset, data);
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        let effect = self.transport.write(offset, data, &self.memory);
        let Some(worker) = &self.worker else { return };
        self.wait = match effect {
            Effect::None => None,
            Effect::Start(activation) => {
                worker.begin(activation);
                None
            }
            Effect::Notify(queue) => {
                worker.notify(queue);
                None
            }
            Effect::Stop(queue) => Some(worker.end(Some(queue))),
            Effect::Reset => Some(worker.end(None)),
        };
    }

    /// Its interrupts are edges, which its thread sends.
    fn line(&mut self) -> bool {
        false
    }

    fn doors(&mut self) -> Option<Doors> {
        self.doors.take()
    }

    fn wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }
}
