//! What has to be read of a machine before its guest's first instruction: the registers of its vCPUs, and those of its
//! interrupt controller that KVM lets be read from outside.
//!
//! Whoever carries a plan out asks this of each register that KVM lists, and of nobody's success code.

use super::{Orders, Step};
use crate::catalogue::{Kind, RegisterInfo, register_by_id};
use crate::lock::{Lock, LockedRegister, Vcpu};

/// What a register has to hold that KVM lists for a vCPU, once that was finalised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owed<'a> {
    /// What the lock says, in the bits that it promises ([`LockedRegister::promised`]).
    Locked(&'a LockedRegister),
    /// The kernel's own value: somebody else answers the calls that it decides ([`Step::Leave`]).
    Left(&'a LockedRegister, u64),
    /// The lock names it, and `KVM_GET_ONE_REG` says something else than a guest reads: a witness alone can tell.
    OnlyInside(&'a LockedRegister),
    /// MPIDR_EL1, which is each vCPU's own ([`crate::lock::Vcpu::mpidr`]).
    Affinity,
    /// The value that makes it invisible, since the lock does not name it.
    Neutral(&'static RegisterInfo, u64),
    /// Nothing: run-time state (of which [`begun`](crate::lock::reset::begun) has what a vCPU begins with), of a feature
    /// that this guest has not, or a cache that CLIDR_EL1 does not name.
    Nothing,
    /// No value makes it harmless, or nobody knows it: it must not be listed.
    NotThere,
}

impl Orders {
    /// What the register with this KVM register id has to hold.
    pub fn owed<'a>(&self, lock: &'a Lock, id: u64) -> Owed<'a> {
        // A lock is sorted by id; one that is not has registers that are not found, and those must not be there.
        let entry = lock.registers.binary_search_by_key(&id, |entry| entry.id);
        if let Ok(entry) = entry.map(|at| &lock.registers[at]) {
            return match self.left(id) {
                Some(value) => Owed::Left(entry, value),
                None if self.only_inside.contains(&id) => Owed::OnlyInside(entry),
                None => Owed::Locked(entry),
            };
        }
        let Some(info) = register_by_id(id) else {
            return Owed::NotThere;
        };
        if info.name == "MPIDR_EL1" {
            return Owed::Affinity;
        }
        let without = |feature: &str| !lock.features.iter().any(|f| f.name() == feature);
        let unnamed = |selector: u8| !lock.names_cache(selector);
        let is_harmless = info.kind == Kind::State
            || info.csselr().is_some_and(unnamed)
            || info.feature.as_deref().is_some_and(without);
        match info.neutral {
            _ if is_harmless => Owed::Nothing,
            Some(value) => Owed::Neutral(info, value),
            None => Owed::NotThere,
        }
    }

    /// The kernel's value of a register that is left to it.
    fn left(&self, of: u64) -> Option<u64> {
        self.steps.iter().find_map(|step| match step {
            Step::Leave { id, value } if *id == of => Some(*value),
            _ => None,
        })
    }
}

/// A register of the interrupt controller that can be read from outside, 32 bits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The architecture's name; `GICR_TYPER.high` is the upper half of that register.
    pub name: &'static str,
    /// The vCPU whose redistributor has it; `None`: the distributor has it.
    pub vcpu: Option<&'a Vcpu>,
    /// Its offset there (Arm IHI 0069 sections 12.9 and 12.11).
    pub offset: u32,
    /// What it has to hold.
    pub value: u32,
    /// The bits of which that is said.
    pub mask: u32,
    /// Who asks for it.
    pub from: &'a str,
}

/// Whose register it is.
enum Place {
    Distributor,
    Redistributor,
}

/// Registers of a lock that can be read so. GICR_CTLR is the one whose bits follow from GICD_IIDR.
const READ: [(&str, Place, u32); 5] = [
    ("GICD_TYPER", Place::Distributor, 0x4),
    ("GICD_IIDR", Place::Distributor, 0x8),
    ("GICD_TYPER2", Place::Distributor, 0xc),
    ("GICR_CTLR", Place::Redistributor, 0x0),
    ("GICR_IIDR", Place::Redistributor, 0x4),
];

/// GICR_TYPER, its two halves.
const TYPER: [(&str, u32); 2] = [("GICR_TYPER", 0x8), ("GICR_TYPER.high", 0xc)];

/// GICR_TYPER.Last. KVM up to 5.11 does not tell userspace of it
/// (arch/arm64/kvm/vgic/vgic-mmio-v3.c vgic_uaccess_read_v3r_typer).
const LAST: u32 = 1 << 4;

/// What has to be read of the interrupt controller of a lock.
pub fn frames(lock: &Lock) -> Vec<Frame<'_>> {
    let mut out = Vec::new();
    for entry in &lock.gic.registers {
        let Some((name, place, offset)) = READ.iter().find(|(name, ..)| *name == entry.name) else {
            continue;
        };
        let vcpus: Vec<Option<&Vcpu>> = match place {
            Place::Distributor => vec![None],
            Place::Redistributor => lock.machine.vcpus.iter().map(Some).collect(),
        };
        out.extend(vcpus.into_iter().map(|vcpu| Frame {
            name,
            vcpu,
            offset: *offset,
            value: entry.value,
            mask: u32::MAX,
            from: &entry.from,
        }));
    }
    for vcpu in &lock.machine.vcpus {
        let halves = [
            (vcpu.redistributor as u32, !LAST),
            ((vcpu.redistributor >> 32) as u32, u32::MAX),
        ];
        let halves = TYPER.iter().zip(halves);
        out.extend(halves.map(|((name, offset), (value, mask))| Frame {
            name,
            vcpu: Some(vcpu),
            offset: *offset,
            value,
            mask,
            from: "the machine's memory map",
        }));
    }
    out
}
