//! Everything that the witness looks at: the keys of all records that it can write, out of the lists that it was
//! compiled from. What is seen beside them is an error of ours, and an audit says so.

use super::device::{RTC, UART};
use super::virtio;
use super::wire::{self, Kind, calls, encoding, entry, frames, key, registers};
use crate::lock::Lock;

/// CSSELR_EL1, which is read after the caches.
const CSSELR: u64 = encoding(3, 2, 0, 0, 0);

/// The keys of what the machine of a lock is asked, each once.
pub fn keys(lock: &Lock) -> Vec<u64> {
    // GICD_TYPER.ITLinesNumber: interrupts in units of 32, less one; the first unit is each redistributor's own.
    let typer = lock.gic.registers.iter().find(|r| r.name == "GICD_TYPER");
    let lines = typer.map_or(0, |typer| u64::from(typer.value & 31));
    let vcpus = lock.machine.vcpus.len() as u64;
    let mut out = Vec::new();
    let mut add = |kind, ids: &mut dyn Iterator<Item = u64>| {
        out.extend(ids.map(|id| key(kind, id)));
    };
    let space = (0..registers::ID_SPACE).map(registers::of_id_space);
    let named = registers::IDENTIFICATION.iter().chain(registers::OTHERS);
    add(
        Kind::SystemRegister,
        &mut space.chain(named.map(|r| r.id)).chain([CSSELR]),
    );
    add(
        Kind::SystemRegisterWritable,
        &mut registers::WRITABLE.iter().map(|r| r.id),
    );
    add(Kind::Ccsidr, &mut (0..14));
    let groups = (1..=lines).map(|word| frames::GICD_IGROUPR + 4 * word);
    let read = frames::DISTRIBUTOR.iter().map(|(offset, _)| *offset);
    add(Kind::Gicd, &mut read.chain(groups.clone()));
    let written = frames::DISTRIBUTOR_WRITABLE.iter().copied();
    add(Kind::GicdWritable, &mut written.chain(groups));
    let read = frames::REDISTRIBUTOR.iter().map(|(offset, _)| *offset);
    add(Kind::Gicr, &mut read.into_iter());
    add(
        Kind::GicrWritable,
        &mut frames::REDISTRIBUTOR_WRITABLE.iter().copied(),
    );
    let called = calls::CALLS
        .iter()
        .flat_map(|(function, results)| (0..*results as u64).map(|n| wire::call(*function, n, 0)));
    add(Kind::Hvc, &mut called.into_iter());
    // A machine of one vCPU has no other that could be off.
    let asked = calls::WITH_ARGUMENTS
        .iter()
        .filter(|(_, case)| vcpus > 1 || *case != wire::CASE_OFF);
    add(
        Kind::HvcArguments,
        &mut asked.map(|(function, case)| wire::call(*function, 0, *case)),
    );
    let wide = |number| [0x8400_0000, 0xc400_0000].map(|width: u32| u64::from(width | number));
    let psci = (0..=calls::LAST_PSCI).flat_map(wide);
    let of = |functions: &'static [u32]| functions.iter().map(|f| u64::from(*f));
    add(
        Kind::PsciFeatures,
        &mut psci.chain(of(calls::PSCI_ARCHITECTURE)),
    );
    add(Kind::ArchFeatures, &mut of(calls::ARCH_FEATURES));
    add(Kind::TrngFeatures, &mut of(calls::TRNG_FUNCTIONS));
    add(Kind::PvTimeFeatures, &mut of(calls::PV_TIME_FUNCTIONS));
    let call = |function: u32| wire::call(function, 0, 0);
    let leave = || calls::LEAVE_REGISTERS.iter().map(|f| call(*f));
    add(Kind::HvcLeaves, &mut leave());
    add(Kind::SmcLeaves, &mut leave());
    let mut by_smc: Vec<u64> = calls::BY_SMC
        .iter()
        .map(|f| call(*f))
        .chain(leave())
        .collect();
    by_smc.sort_unstable();
    by_smc.dedup();
    add(Kind::Smc, &mut by_smc.into_iter());
    add(Kind::SveVectorLength, &mut (0..16));
    add(Kind::CpuOn, &mut (1..vcpus));
    let begun = || entry::WORDS.iter().chain(&entry::READ).copied();
    add(Kind::Entry, &mut begun());
    if vcpus > 1 {
        let again = begun().chain(entry::AGAIN);
        add(Kind::Entry, &mut again.map(|id| id | entry::LATER));
    }
    add(Kind::Reach, &mut (0..=wire::REACH_ADDRESS_BITS));
    add(
        Kind::Search,
        &mut (0..=wire::SEARCH_REDISTRIBUTOR_ADDRESSES),
    );
    add(
        Kind::Use,
        &mut (0..=wire::USE_AARCH32.max(wire::USE_STOLEN_NANOSECONDS)),
    );
    for place in [wire::PLACE_HOLE, wire::PLACE_ABOVE, wire::PLACE_EDGE] {
        let accesses = wire::ACCESS_LOAD..=wire::ACCESS_FETCH;
        add(
            Kind::Unmapped,
            &mut accesses.map(|access| wire::unmapped(place, access)),
        );
    }
    out.extend(UART.iter().chain(RTC).map(|e| key(e.kind, e.id)));
    out.extend(virtio::keys(&lock.machine.devices));
    out
}
