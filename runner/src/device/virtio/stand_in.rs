//! What stands behind a lock's devices while a witness drives them: the threads, rings and requests of the guest's own
//! devices, and nothing of the host's that a guest could change or hear.
//!
//! A disk has no file, a console no terminal, a card no tap and a socket no port. Random bytes are the host's.

use super::console::Console;
use super::disk::{self, Disk};
use super::thread::{Server, Work};
use super::{Log, Opened, entropy, impossible, net, shown, vsock};
use crate::failure::Failure;
use std::io::{self, ErrorKind};
use std::path::Path;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vmlock_spec::lock::{Device, DeviceKind, Vsock};
use vmlock_virtio::block::engine::{AtOnce, Backend};
use vmlock_virtio::features::Features;
use vmlock_virtio::net::{Card, Nic, TRANSMIT};
use vmlock_virtio::ring::{Broken, Drained};

/// The virtio devices of a lock, with that behind them.
///
/// # Errors
/// The host has no random numbers, or gives no descriptors.
pub fn stand_ins(devices: &[Device]) -> Result<Vec<Opened>, Failure> {
    let one = |device: &Device| {
        let shown = shown(device)?;
        let queue = shown.queues.first().copied().unwrap_or(0);
        Some(server(device, queue).map(|server| Opened {
            device: device.clone(),
            shown,
            server,
        }))
    };
    devices.iter().filter_map(one).collect()
}

fn server(device: &Device, queue: u16) -> Result<Box<dyn Server>, Failure> {
    let parts = device.virtio.as_ref();
    if let Some(entry) = parts.and_then(|v| v.block.as_ref()) {
        return Ok(Box::new(Disk::new(
            disk::model(entry, queue),
            AtOnce::new(Nothing),
        )));
    }
    if let Some(entry) = parts.and_then(|v| v.net.as_ref()) {
        let nic = net::model(entry, queue).ok_or_else(|| impossible(device, "its address"))?;
        return Ok(Box::new(Uncabled { nic, card: None }));
    }
    let refused = |refusal: Box<_>| Failure::Refused(vec![*refusal]);
    if let Some(entry) = parts.and_then(|v| v.vsock.as_ref()) {
        let entry = Vsock {
            ports: Vec::new(),
            ..entry.clone()
        };
        let server = vsock::open(device, &entry, Path::new("."), true);
        return Ok(Box::new(server.map_err(refused)?));
    }
    if device.kind == DeviceKind::VirtioConsole {
        return Ok(Box::new(Console::new(Box::new(io::sink()))));
    }
    Ok(Box::new(entropy::open(device).map_err(refused)?))
}

/// A disk without a file: what has no bytes can be read and written, and nothing else.
struct Nothing;

impl Nothing {
    fn bytes<B: BitmapSlice>(pieces: &[VolatileSlice<B>]) -> io::Result<()> {
        match pieces.iter().all(|piece| piece.is_empty()) {
            true => Ok(()),
            false => Err(ErrorKind::Unsupported.into()),
        }
    }
}

impl Backend for Nothing {
    fn read<B: BitmapSlice>(&mut self, _offset: u64, into: &[VolatileSlice<B>]) -> io::Result<()> {
        Self::bytes(into)
    }

    fn write<B: BitmapSlice>(
        &mut self,
        _offset: u64,
        from: &[VolatileSlice<B>],
        _stable: bool,
    ) -> io::Result<()> {
        Self::bytes(from)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn discard(&mut self, _offset: u64, _length: u64) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }

    fn zero(&mut self, _offset: u64, _length: u64, _unmap: bool, _stable: bool) -> io::Result<()> {
        Err(ErrorKind::Unsupported.into())
    }
}

/// A card without a cable: what it is given to transmit is looked at, and goes nowhere. Nothing comes in.
struct Uncabled {
    nic: Nic,
    /// At work, from a driver's set-up on.
    card: Option<Card>,
}

impl Server for Uncabled {
    fn begin(&mut self, features: Features, _log: &mut Log) {
        self.card = Some(Card::new(&self.nic, features));
    }

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Work {
            rings,
            memory,
            chain,
            ..
        } = work;
        let ring = rings.get_mut(usize::from(TRANSMIT));
        let (Some(Some(ring)), Some(card)) = (ring, &self.card) else {
            return Ok(Drained::NOTHING);
        };
        ring.drain(memory, chain, |chain| {
            card.transmit(memory, chain).map(|_| 0)
        })
    }
}

#[cfg(test)]
mod tests;
