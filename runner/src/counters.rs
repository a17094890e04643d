//! What a guest's machine did, in numbers that anybody can look at while it runs.
//!
//! Each number has one thread at a time that adds to it, so adding is a load and a store: no vCPU waits for another, or
//! for whoever looks.

use std::process;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use vmlock_spec::status::{self, Exits, STATUS_VERSION, State, Status};

/// A number that one thread at a time adds to.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// Adds to it.
    pub fn add(&self, more: u64) {
        let sum = self.0.load(Ordering::Relaxed).wrapping_add(more);
        self.0.store(sum, Ordering::Relaxed);
    }

    /// What it is.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// How often a vCPU came out of the guest. Its thread adds, and no other one has anything in the same cache line.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Vcpu {
    /// An access to a device, or to where nothing is.
    pub device: Count,
    /// An access to an interrupt controller that is answered for here.
    pub interrupt_controller: Count,
    /// A firmware call.
    pub firmware: Count,
    /// Somebody wanted its thread.
    pub kicked: Count,
    /// Anything else.
    pub other: Count,
}

/// What a device did. Whoever serves it adds: its thread, or who holds the bus.
#[derive(Debug, Default)]
pub struct Device {
    /// How often its interrupt was raised.
    pub interrupts: Count,
    /// Requests that its driver made.
    pub requests: Count,
    /// What failed on the host.
    pub errors: Count,
    /// Bytes that left the guest.
    pub bytes_out: Count,
    /// Bytes that the guest got.
    pub bytes_in: Count,
}

/// All numbers of a machine.
#[derive(Debug, Default)]
pub struct Machine {
    /// One for each vCPU, in order.
    pub vcpus: Vec<Vcpu>,
    /// Names and numbers, in the lock's order.
    pub devices: Vec<(String, Arc<Device>)>,
    /// Somebody holds the guest.
    pub paused: Arc<AtomicBool>,
}

impl Machine {
    /// Of so many vCPUs, and these devices.
    pub fn new(vcpus: usize, devices: Vec<(String, Arc<Device>)>) -> Self {
        Self {
            vcpus: (0..vcpus).map(|_| Vcpu::default()).collect(),
            devices,
            paused: Arc::default(),
        }
    }
}

/// A guest from the beginning of its process on.
#[derive(Debug)]
pub struct Guest {
    name: String,
    restarts: u64,
    begun: Instant,
    /// Bytes of what it said that nobody will have.
    pub lost: Arc<Count>,
    /// Once it runs.
    machine: OnceLock<Arc<Machine>>,
}

impl Guest {
    /// One whose machine has that name, after so many resets.
    pub fn new(name: &str, restarts: u64) -> Self {
        Self {
            name: name.to_owned(),
            restarts,
            begun: Instant::now(),
            lost: Arc::default(),
            machine: OnceLock::new(),
        }
    }

    /// It runs on that machine from now on.
    pub fn runs(&self, machine: &Arc<Machine>) {
        self.machine.get_or_init(|| Arc::clone(machine));
    }

    /// What there is to tell.
    pub fn status(&self) -> Status {
        let machine = self.machine.get();
        let state = match machine.map(|m| m.paused.load(Ordering::Relaxed)) {
            None => State::Starting,
            Some(false) => State::Running,
            Some(true) => State::Paused,
        };
        let vcpu = |vcpu: &Vcpu| status::Vcpu {
            exits: Exits {
                device: vcpu.device.get(),
                interrupt_controller: vcpu.interrupt_controller.get(),
                firmware: vcpu.firmware.get(),
                kicked: vcpu.kicked.get(),
                other: vcpu.other.get(),
            },
        };
        let device = |(name, device): &(String, Arc<Device>)| status::Device {
            name: name.clone(),
            interrupts: device.interrupts.get(),
            requests: device.requests.get(),
            errors: device.errors.get(),
            bytes_out: device.bytes_out.get(),
            bytes_in: device.bytes_in.get(),
        };
        Status {
            status_version: STATUS_VERSION,
            name: self.name.clone(),
            state,
            process: process::id(),
            restarts: self.restarts,
            saving: None,
            checking: None,
            console_lost: self.lost.get(),
            milliseconds: u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX),
            vcpus: machine.map_or_else(Vec::new, |m| m.vcpus.iter().map(vcpu).collect()),
            devices: machine.map_or_else(Vec::new, |m| m.devices.iter().map(device).collect()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_guest_is_starting_until_it_runs_and_then_its_numbers_are_told() {
        let guest = Guest::new("web", 3);
        let status = guest.status();
        assert_eq!((status.state, status.restarts), (State::Starting, 3));
        assert!(status.vcpus.is_empty() && status.devices.is_empty());
        let disk = Arc::new(Device::default());
        let machine = Arc::new(Machine::new(
            2,
            vec![("root".to_owned(), Arc::clone(&disk))],
        ));
        guest.runs(&machine);
        machine.vcpus[1].device.add(2);
        machine.vcpus[1].kicked.add(1);
        disk.requests.add(7);
        let status = guest.status();
        assert_eq!(status.state, State::Running);
        assert_eq!(status.vcpus[0].exits.sum(), 0);
        assert_eq!(
            (status.vcpus[1].exits.device, status.vcpus[1].exits.sum()),
            (2, 3)
        );
        assert_eq!(
            (status.devices[0].name.as_str(), status.devices[0].requests),
            ("root", 7)
        );
        machine.paused.store(true, Ordering::Relaxed);
        assert_eq!(guest.status().state, State::Paused);
    }
}
