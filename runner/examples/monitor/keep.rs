//! What a monitor adds to keep a lock: it carries the plan out phase by phase, enters every vCPU once, and reads everything
//! back.

use super::machine::{ADDRESS, Machine, attribute, bytes, counter, get, read};
use super::{Result, Said};
use kvm_bindings::*;
use kvm_ioctls::VcpuFd;
use vmlock_spec::lock::reset::begun;
use vmlock_spec::lock::{Lock, PhysicalCounter, VirtualCounter};
use vmlock_spec::plan::{Orders, Owed, Phase, Step, frames};

/// KVM register ids of the counters (`KVM_REG_ARM_TIMER_CNT`, `KVM_REG_ARM_PTIMER_CNT`).
const CNTVCT_EL0: u64 = 0x6030_0000_0013_df1a;
const CNTPCT_EL0: u64 = 0x6030_0000_0013_df01;
/// Registers of the distributor, and one of them.
const DISTRIBUTOR: u32 = KVM_DEV_ARM_VGIC_GRP_DIST_REGS;
const GICD_IIDR: u64 = 0x8;

/// Builds the machine of a lock as its orders say, and holds what can be read of it against the lock.
pub fn keep(lock: &Lock, orders: &Orders) -> Result<Said> {
    if !lock.features.is_empty() || !orders.only_inside.is_empty() {
        return Err(
            "only guests without vCPU features, of which KVM tells all, are kept here".into(),
        );
    }
    let mut machine = Machine::new(lock)?;
    for phase in Phase::ALL {
        // What is no step of the plan.
        match phase {
            Phase::Vm | Phase::Devices => {}
            Phase::Features => machine.populate()?,
            Phase::Registers => machine.number()?,
            Phase::Calls => machine.wire()?,
            Phase::Interrupts => machine.finish()?,
        }
        for step in orders.steps.iter().filter(|step| step.phase() == phase) {
            carry_out(step, &machine)?;
        }
    }
    machine.enter()?;
    let mut found = Found::default();
    for at in 0..machine.vcpus.len() {
        read_vcpu(&machine, at, orders, &mut found)?;
    }
    read_gic(&machine, &mut found)?;
    // What KVM tells of a machine is not all that a guest finds there.
    let read = format!(
        "read back: {} values, as the lock says; what only a guest can see is for a witness",
        found.read
    );
    Ok(match found.different.is_empty() {
        true => (0, vec![read]),
        false => (1, found.different),
    })
}

/// One step. All kinds stand here: one that nobody names is a promise that nobody keeps.
fn carry_out(step: &Step, machine: &Machine) -> Result<()> {
    match step {
        Step::Identity => machine.vm.enable_cap(&kvm_enable_cap {
            cap: KVM_CAP_ARM_WRITABLE_IMP_ID_REGS,
            ..Default::default()
        })?,
        // KVM keeps most registers per VM, older kernels some of them per vCPU: every vCPU is told.
        Step::Register { id, value } | Step::Reset { id, value } => {
            for vcpu in &machine.vcpus {
                let width = kvm_ioctls::reg_size(*id).min(8);
                vcpu.set_one_reg(*id, &value.to_le_bytes()[..width])?;
            }
        }
        Step::IidrRevision(revision) => {
            let others = read(machine.gic()?, DISTRIBUTOR, GICD_IIDR, 0)? & !(0xf << 12);
            let value = (others | u64::from(*revision) << 12) as u32;
            let iidr = attribute(DISTRIBUTOR, GICD_IIDR, Some(&value));
            machine.gic()?.set_device_attr(&iidr)?;
        }
        // Of features that `keep` does not take; of filters, which cannot be read back; of who answers in the kernel's place.
        Step::VectorLengths(_)
        | Step::StolenTime(_)
        | Step::DenyEvents(_)
        | Step::Deny(_)
        | Step::Forward(_)
        | Step::ForwardRanges(_)
        | Step::Leave { .. }
        | Step::Distributor => return Err(format!("{step:?} is not carried out here").into()),
    }
    Ok(())
}

/// Everything that can be read of one vCPU.
fn read_vcpu(machine: &Machine, at: usize, orders: &Orders, found: &mut Found) -> Result<()> {
    let (lock, vcpu) = (machine.lock, &machine.vcpus[at]);
    let mut listed = RegList::new(500)?;
    vcpu.get_reg_list(&mut listed)?;
    let listed = listed.as_slice();
    for id in orders.read_back.iter().filter(|id| !listed.contains(id)) {
        found.lacks(format!("{id:#018x}, which KVM listed"));
    }
    for id in listed.iter().copied() {
        let read = || get(vcpu, id);
        match orders.owed(lock, id) {
            Owed::Locked(entry) if entry.promised() == 0 => {}
            Owed::Locked(entry) => found.hold(&entry.name, entry.value, read()?, entry.promised()),
            Owed::Neutral(info, value) => found.hold(&info.name, value, read()?, u64::MAX),
            Owed::Affinity => {
                let promised = lock.machine.vcpus[at].mpidr;
                found.hold("MPIDR_EL1", promised, read()?, u64::MAX);
            }
            Owed::NotThere => found.lacks(format!("what makes {id:#018x} harmless")),
            // The first two are of orders that were refused.
            Owed::Left(..) | Owed::OnlyInside(_) | Owed::Nothing => {}
        }
    }
    for begun in begun(lock) {
        let (id, name) = (begun.info.id, begun.name());
        match listed.contains(&id) {
            true if begun.is_narrow() => found.hold(&name, begun.value, get(vcpu, id)?, begun.told),
            true => {
                let zeroes = bytes(vcpu, id)?.iter().filter(|byte| **byte == 0).count();
                found.hold(
                    &name,
                    kvm_ioctls::reg_size(id) as u64,
                    zeroes as u64,
                    u64::MAX,
                );
            }
            // What a guest reads of it, a witness tells.
            false if begun.fact().is_some() => {}
            false => found.lacks(name),
        }
    }
    for (timer, interrupt) in machine.timers() {
        let read = read(vcpu, KVM_ARM_VCPU_TIMER_CTRL, timer, 0)?;
        found.hold("a timer's interrupt", interrupt.into(), read, u64::MAX);
    }
    match lock.counters.virtual_counter {
        VirtualCounter::ZeroAtCreation => found.counts(vcpu, CNTVCT_EL0, machine.created)?,
    }
    match lock.counters.physical_counter {
        // Kernels before 6.4 do not list it, and give it no offset.
        PhysicalCounter::Host if !listed.contains(&CNTPCT_EL0) => {}
        PhysicalCounter::Host => found.counts(vcpu, CNTPCT_EL0, (0, 0))?,
    }
    Ok(())
}

/// Everything that can be read of the interrupt controller.
fn read_gic(machine: &Machine, found: &mut Found) -> Result<()> {
    let (gic, lock) = (machine.gic()?, machine.lock);
    for frame in frames(lock) {
        let (group, place) = match frame.vcpu.map(|vcpu| vcpu.mpidr) {
            None => (DISTRIBUTOR, 0),
            // Aff3.Aff2.Aff1.Aff0 as one number, in the upper half.
            Some(mpidr) => {
                let affinity = mpidr >> 8 & 0xff00_0000 | mpidr & 0xff_ffff;
                (KVM_DEV_ARM_VGIC_GRP_REDIST_REGS, affinity << 32)
            }
        };
        let read = read(gic, group, place | u64::from(frame.offset), 0)?;
        found.hold(frame.name, frame.value.into(), read, frame.mask.into());
    }
    let read_address = |kind: u32, index: u64| read(gic, ADDRESS, kind.into(), index);
    let at = read_address(KVM_VGIC_V3_ADDR_TYPE_DIST, 0)?;
    let promised = lock.machine.distributor.base;
    found.hold("the distributor's address", promised, at, u64::MAX);
    for (index, region) in (0..).zip(&lock.machine.redistributors) {
        let at = read_address(KVM_VGIC_V3_ADDR_TYPE_REDIST_REGION, index)?;
        found.hold(
            "a redistributor's address",
            region.base,
            at,
            0x000f_ffff_ffff_0000,
        );
    }
    Ok(())
}

/// What was read, and what of it is otherwise than the lock says.
#[derive(Default)]
struct Found {
    read: usize,
    different: Vec<String>,
}

impl Found {
    /// Holds the bits of a mask against the lock; without one nothing is held, and nothing counted.
    fn hold(&mut self, what: &str, wanted: u64, read: u64, mask: u64) {
        if mask == 0 {
            return;
        }
        self.read += 1;
        if (read ^ wanted) & mask != 0 {
            let words = format!("different: {what} is {read:#x} and not {wanted:#x}");
            self.different.push(words);
        }
    }

    fn lacks(&mut self, what: String) {
        self.different.push(format!("missing: {what}"));
    }

    /// Whether a counter counts from between these two values of the host's.
    fn counts(&mut self, vcpu: &VcpuFd, id: u64, from: (u64, u64)) -> Result<()> {
        let (before, read, after) = (counter(), get(vcpu, id)?, counter());
        let (least, most) = (before.wrapping_sub(from.1), after.wrapping_sub(from.0));
        let counts = (least..=most).contains(&read);
        self.hold(
            "whether a counter counts from where it should",
            1,
            counts.into(),
            1,
        );
        Ok(())
    }
}
