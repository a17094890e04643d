//! The registers of a virtio device on the bus, and what follows from a write to them.

use super::outside::{Input, Link};
use super::saved;
use super::thread::{Identity, Park, Rested, Worker};
use crate::counters;
use crate::device::{Doors, Farewell, Memory, Model, Wait};
use std::sync::Arc;
use vmlock_saved::device::bytes::Bytes;
use vmlock_saved::device::virtio::{Block, Console, Net, Plain};
use vmlock_saved::device::{Device as Saved, VERSION};
use vmlock_spec::lock::{Device, DeviceKind};
use vmlock_virtio::mmio::{Effect, Transport};
use vmlock_virtio::net::{link, set_link};

/// InterruptStatus (section 4.2.2 of the standard).
const INTERRUPT_STATUS: u64 = 0x60;

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
    kind: DeviceKind,
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
    pub fn new(device: &Device, transport: Transport, memory: Memory, service: Service) -> Self {
        Self {
            kind: device.kind,
            base: device.range.base,
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

    fn finish(&mut self, gone: bool) -> Option<Farewell> {
        Some(self.service.worker.finish(gone))
    }

    fn wait(&mut self) -> Option<Wait> {
        self.wait.take()
    }

    fn save(&self, name: &str) -> Result<Saved, String> {
        let rested = self.service.worker.rested();
        let Rested { positions, lost } = rested.ok_or("its thread does not rest")?;
        let state = self.transport.save(&positions);
        // What could not be restored is not saved: the guest goes on, and its driver will be told.
        let whole = self.transport.restored(&state, &self.memory);
        whole.map_err(|why| format!("its driver broke a rule ({why})"))?;
        let registers = saved::shape(state);
        match self.kind {
            DeviceKind::VirtioBlock => Saved::of(name, VERSION, &Block { registers, lost }),
            DeviceKind::VirtioNet => {
                let link = link(self.transport.configuration());
                Saved::of(name, VERSION, &Net { registers, link })
            }
            DeviceKind::VirtioConsole => {
                let held = self.users().map(|input| Vec::from(input.held().clone()));
                let waiting = Bytes(held.unwrap_or_default());
                Saved::of(name, VERSION, &Console { registers, waiting })
            }
            _ => Saved::of(name, VERSION, &Plain { registers }),
        }
    }

    fn restore(&mut self, state: &Saved) -> Result<bool, String> {
        let (mut lost, mut pulled, mut waiting) = (false, false, Vec::new());
        let registers = match self.kind {
            DeviceKind::VirtioBlock => {
                let block = state.state::<Block>(VERSION)?;
                lost = block.lost;
                block.registers
            }
            DeviceKind::VirtioNet => {
                let net = state.state::<Net>(VERSION)?;
                pulled = !net.link;
                net.registers
            }
            DeviceKind::VirtioConsole => {
                let console = state.state::<Console>(VERSION)?;
                waiting = console.waiting.0;
                console.registers
            }
            _ => state.state::<Plain>(VERSION)?.registers,
        };
        let room = self.users().map_or(0, Input::room);
        if waiting.len() > room {
            return Err(format!(
                "`waiting` has {} bytes, and no more than {room} wait",
                waiting.len()
            ));
        }
        let shown = self.transport.configuration().to_vec();
        if pulled {
            // The driver's last look; it was pulled out then, and has been plugged in since.
            self.transport.reconfigure(|bytes| set_link(bytes, false));
        }
        let state = saved::state(registers);
        let restored = self.transport.restored(&state, &self.memory);
        let (mut transport, activation) = restored.map_err(|why| why.to_string())?;
        transport.reconfigure(|bytes| bytes.copy_from_slice(&shown));
        let mut causes = [0; 4];
        transport.read(INTERRUPT_STATUS, &mut causes);
        if let Some(input) = self.users() {
            input.put(&waiting);
        }
        self.begun = transport.runs();
        self.transport = transport;
        let worker = &self.service.worker;
        worker.restore(lost, activation, causes != [0; 4]);
        // Its interrupts are edges.
        Ok(false)
    }

    fn identify(&self, whole: bool) -> Option<Identity> {
        let disk = self.kind == DeviceKind::VirtioBlock;
        disk.then(|| self.service.worker.identify(whole))
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
