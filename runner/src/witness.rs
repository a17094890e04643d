//! Runs the embedded witness in a verified machine and collects what it saw.

use crate::device::bus::Bus;
use crate::enforce::verify::Verified;
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::kvm::core;
use crate::machine::pause::Turns;
use crate::machine::run::{Ended, Session, Space, run};
use crate::memory::Memory;
use std::sync::Arc;
use std::time::Duration;
use vmlock_spec::lock::{Range, Unmapped};
use vmlock_spec::observation::wire::{
    AREA_STRIDE, FRAME_SIZE, LOAD_ADDRESS, MAX_FRAMES, MAX_SEARCHES, MAX_VCPUS, PARAMETERS_ADDRESS,
    PARAMETERS_MAGIC, PATIENCE, RAM_BASE, RECORDS_ADDRESS, Search, VERSION, virtio,
};
use vmlock_spec::observation::{self, Incomplete, Sighting};

/// `witness/`, which `vmlock-lab witness` puts here.
#[cfg(not(feature = "torture"))]
static IMAGE: &[u8] = include_bytes!("../witness/embedded.bin");
/// The same, with what tests interrupt controllers.
#[cfg(feature = "torture")]
static IMAGE: &[u8] = include_bytes!("../witness/torture.bin");

/// A vCPU that has not come to its end in this time is given up by the witness, which then ends: the wait for that one
/// comes on top, twice (`wire::PATIENCE`).
const PER_VCPU: Duration = Duration::from_secs(PATIENCE + 5);

/// The same of a virtio device whose interrupt does not come.
const PER_DEVICE: Duration = Duration::from_secs(virtio::ring::PATIENCE + 1);

/// What the witness has to know about the machine.
pub struct Stage {
    /// MPIDR_EL1 of each vCPU.
    pub mpidr: Vec<u64>,
    /// Guest-physical address of the distributor.
    pub distributor: u64,
    /// Guest-physical address of each vCPU's redistributor.
    pub redistributors: Vec<u64>,
    /// Guest-physical addresses of the UART and the clock that it looks at; 0 where there is none.
    pub devices: [u64; 2],
    /// Guest-physical addresses of the virtio devices that it looks at, in their order.
    pub virtio: Vec<u64>,
    /// Where it searches for interrupt controllers: up to [`MAX_SEARCHES`] ranges.
    pub search: Vec<Search>,
    /// `MODE_FULL` or `MODE_LIGHT` of [`observation::wire`].
    pub mode: u32,
    /// What answers where nothing is.
    pub space: Space,
}

/// All frames from address 0 to a mebibyte behind the memory, as far as they
/// are searched.
pub fn everywhere(memory: Range) -> Search {
    const BEYOND: u64 = 1 << 20;
    let end = memory.end().unwrap_or(u64::MAX).saturating_add(BEYOND);
    Search {
        base: 0,
        frames: (end / FRAME_SIZE).min(MAX_FRAMES),
    }
}

/// The memory that the witness needs with so many vCPUs.
pub fn memory(vcpus: usize) -> Range {
    let end = RECORDS_ADDRESS + vcpus as u64 * AREA_STRIDE;
    Range {
        base: RAM_BASE,
        size: (end - RAM_BASE).next_multiple_of(2 << 20),
    }
}

/// Puts the witness into memory and lets vCPU 0 start there.
///
/// # Errors
/// The machine has too many vCPUs or too little memory for it.
pub fn load(stage: &Stage, memory: &Memory, machine: &Verified) -> Result<(), Failure> {
    let range = self::memory(stage.mpidr.len());
    let have = memory.range();
    if stage.mpidr.len() > MAX_VCPUS || have.base > range.base || have.end() < range.end() {
        return Err(Failure::environment(
            format!(
                "the machine's {} MiB of memory are too few for the witness",
                have.size >> 20
            ),
            &[],
        ));
    }
    if stage.search.len() > MAX_SEARCHES {
        return Err(Failure::environment(
            "the machine's interrupt controller is in more places than the witness searches",
            &[],
        ));
    }
    let write = |address, bytes: &[u8]| {
        memory.write(address, bytes).map_err(|e| {
            Failure::environment(format!("the witness does not fit into the guest: {e}"), &[])
        })
    };
    write(LOAD_ADDRESS, IMAGE)?;
    write(PARAMETERS_ADDRESS, &parameters(stage, have))?;
    let Some(vcpu) = machine.boot_vcpu() else {
        return Err(Failure::environment("the machine has no vCPU", &[]));
    };
    vcpu.set(core::PC, LOAD_ADDRESS)?;
    vcpu.set(core::PSTATE, core::PSTATE_BOOT)?;
    Ok(())
}

/// `wire::Parameters` as the guest reads them: little-endian, without padding.
fn parameters(stage: &Stage, memory: Range) -> Vec<u8> {
    let searches = stage.search.len() as u32;
    let mut bytes = Vec::new();
    bytes.extend(PARAMETERS_MAGIC.to_le_bytes());
    for word in [VERSION, stage.mpidr.len() as u32, stage.mode, searches] {
        bytes.extend(word.to_le_bytes());
    }
    for long in [
        RECORDS_ADDRESS,
        AREA_STRIDE,
        stage.distributor,
        unmapped(stage, memory),
        memory.end().unwrap_or(u64::MAX),
        1 << stage.space.address_bits,
        stage.devices[0],
        stage.devices[1],
    ] {
        bytes.extend(long.to_le_bytes());
    }
    for index in 0..virtio::DEVICES_MAX {
        bytes.extend(stage.virtio.get(index).copied().unwrap_or(0).to_le_bytes());
    }
    for index in 0..MAX_SEARCHES {
        let Search { base, frames } = stage.search.get(index).copied().unwrap_or_default();
        bytes.extend(base.to_le_bytes());
        bytes.extend(frames.to_le_bytes());
    }
    for list in [&stage.mpidr, &stage.redistributors] {
        for index in 0..MAX_VCPUS {
            bytes.extend(list.get(index).copied().unwrap_or(0).to_le_bytes());
        }
    }
    bytes
}

/// A page that lies between the interrupt controller and the memory, where no lock has anything; 0 where loads from
/// there say nothing.
fn unmapped(stage: &Stage, memory: Range) -> u64 {
    match stage.space.unmapped {
        Unmapped::ExternalAbort => memory.base - FRAME_SIZE,
        Unmapped::ReadsAsZero => 0,
    }
}

/// Runs the witness to its end and decodes what it saw.
///
/// # Errors
/// It did not end by itself within its time.
pub fn observe(
    machine: Verified,
    stage: &Stage,
    memory: &Arc<Memory>,
    bus: Bus,
    firmware: Option<Firmware>,
    first: Box<dyn FnOnce() + Send>,
) -> Result<(Vec<Sighting>, Vec<Incomplete>), Failure> {
    let limit = PER_VCPU * stage.mpidr.len() as u32
        + PER_DEVICE * stage.virtio.len() as u32
        + 2 * Duration::from_secs(PATIENCE);
    let session = Session {
        limit: Some(limit),
        first,
        turns: Turns::OneByOne,
        ..Session::alone(stage.space, bus, firmware)
    };
    let ended = run(machine, session)?;
    let mut areas = Vec::new();
    for index in 0..stage.mpidr.len() as u64 {
        let area = memory
            .read(RECORDS_ADDRESS + index * AREA_STRIDE, AREA_STRIDE as usize)
            .map_err(|e| {
                Failure::environment(format!("the witness's records cannot be read: {e}"), &[])
            })?;
        areas.push(area);
    }
    let areas: Vec<&[u8]> = areas.iter().map(Vec::as_slice).collect();
    match ended {
        Ended::PowerOff => Ok(observation::decode(&areas)),
        Ended::TimedOut => Err(Failure::environment(
            format!(
                "the witness did not come to an end within {} seconds: {}",
                limit.as_secs(),
                observation::progress(&areas)
            ),
            &["the host may be overloaded: try again"],
        )),
        other => Err(Failure::environment(
            format!("the witness ended otherwise than by powering off: {other:?}"),
            &["this host's KVM does not run a plain EL1 guest; its kernel log may say why"],
        )),
    }
}
