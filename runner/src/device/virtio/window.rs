//! The registers of a virtio device on the bus, and what follows from a write to them.

use super::thread::Worker;
use crate::device::{Doors, Memory, Model, Wait};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use vmlock_virtio::mmio::{Effect, Transport};
use vmlock_virtio::net::set_link;

/// Whether a card's cable is in, as its thread finds it. The registers say so from the next access on: nobody sees them
/// before.
#[derive(Default)]
pub struct Link {
    down: AtomicBool,
}

impl Link {
    /// Whether it is in.
    pub fn is_up(&self) -> bool {
        !self.down.load(Ordering::Acquire)
    }

    /// It is pulled out; whether it was in.
    pub fn take_down(&self) -> bool {
        !self.down.swap(true, Ordering::AcqRel)
    }
}

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
    /// The cable, while it was in when it was last looked at.
    link: Option<Arc<Link>>,
}

impl Window {
    /// Registers with a thread behind them.
    pub fn served(
        base: u64,
        transport: Transport,
        memory: Memory,
        worker: Worker,
        doors: Doors,
        link: Option<Arc<Link>>,
    ) -> Self {
        Self {
            link,
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
            link: None,
        }
    }

    /// Has the registers say that the cable was pulled out.
    fn look_at_link(&mut self) {
        if self.link.take_if(|link| !link.is_up()).is_some() {
            // The thread interrupts for it.
            self.transport.reconfigure(|bytes| set_link(bytes, false));
        }
    }

    /// Guest-physical address of the first register.
    pub fn base(&self) -> u64 {
        self.base
    }
}

impl Model for Window {
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        self.look_at_link();
        self.transport.read(offset, data);
    }

    fn write(&mut self, offset: u64, data: &[u8]) {
        self.look_at_link();
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
