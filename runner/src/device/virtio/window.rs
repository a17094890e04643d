//! The registers of a virtio device on the bus, and what follows from a write to them.

use super::outside::{Input, Link};
use super::thread::{Park, Worker};
use crate::counters;
use crate::device::{Doors, Farewell, Memory, Model, Wait};
use std::sync::Arc;
use vmlock_virtio::mmio::{Effect, Transport};
use vmlock_virtio::net::set_link;

/// What is behind a device's registers.
pub struct Service {
    /// Who serves it.
    pub worker: Worker,
    /// How it is reached without an exit, until somebody has asked.
    pub doors: Option<Doors>,
    /// The cable, of a card, while it was in when it was last looked at.
    pub link: Option<Arc<Link>>,
    /// Where the user's input goes, of a console.
    pub input: Option<Arc<Input>>,
}

/// A device's registers.
pub struct Window {
    base: u64,
    transport: Transport,
    memory: Memory,
    service: Service,
    /// A driver is at work.
    begun: bool,
    /// What the last write has to wait for.
    wait: Option<Wait>,
}

impl Window {
    /// Registers with a thread behind them.
    pub fn new(base: u64, transport: Transport, memory: Memory, service: Service) -> Self {
        Self {
            base,
            transport,
            memory,
            service,
            begun: false,
            wait: None,
        }
    }

    /// Has the registers say that the cable was pulled out.
    fn look_at_link(&mut self) {
        let down = self.service.link.take_if(|link| !link.is_up());
        if down.is_some() {
            // The thread interrupts for it.
            self.transport.reconfigure(|bytes| set_link(bytes, false));
        }
    }

    /// Where the user's input goes.
    fn users(&self) -> Option<&Input> {
        self.service.input.as_deref()
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
        match effect {
            Effect::Start(_) => self.begun = true,
            Effect::Reset => self.begun = false,
            Effect::None | Effect::Notify(_) | Effect::Stop(_) => {}
        }
        let worker = &self.service.worker;
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
        self.service.doors.take()
    }

    fn park(&self) -> Option<Park> {
        Some(self.service.worker.park())
    }

    fn finish(&mut self) -> Option<Farewell> {
        Some(self.service.worker.finish())
    }

    fn wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }

    fn counts(&self) -> Option<Arc<counters::Device>> {
        Some(self.service.worker.counts())
    }

    fn listens(&self) -> bool {
        self.begun && self.users().is_some()
    }

    fn room(&self) -> usize {
        self.users().map_or(0, |input| input.room())
    }

    fn input(&mut self, bytes: &[u8]) {
        if let Some(input) = &self.service.input {
            input.put(bytes);
            self.service.worker.look();
        }
    }
}
