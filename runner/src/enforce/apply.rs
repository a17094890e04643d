//! Builds the VM and carries out the steps of a plan, in the one order that
//! works on every kernel from 5.10 to 7.3.
//!
//! Memory, what has to be said before there are vCPUs, vCPUs in order, GIC with addresses and size,
//! KVM_ARM_VCPU_INIT with the same features everywhere, SVE's vector lengths, firmware and ID registers, the timers' and the
//! PMU's interrupts, the PMU's filter, stolen time, GIC initialisation, GICD_IIDR (which kernels before 6.15 or so
//! only take now), and the PMU, which needs an initialised GIC.

use crate::failure::Failure;
use crate::generation;
use crate::gic::proxy::{Hidden, Proxy};
use crate::kvm::{Fresh, Gic, Slot, System, Vm, host_counter};
use crate::memory::Memory;
use std::collections::BTreeSet;
use std::sync::Arc;
use vmlock_spec::catalogue::{register_by_id, register_by_name};
use vmlock_spec::lock::{Lock, Range};
use vmlock_spec::machine::REDISTRIBUTOR_SIZE;
use vmlock_spec::plan::{IDENTITY, Orders, Refusal, Step};
use vmlock_spec::reason;
use vmlock_spec::smccc::function_name;
use vmlock_spec::vm::Feature;

/// Offset of GICD_IIDR in the distributor (Arm IHI 0069 section 12.9.11).
pub const GICD_IIDR: u32 = 0x8;
const IIDR_REVISION_SHIFT: u32 = 12;
const IIDR_REVISION: u32 = 0xf << IIDR_REVISION_SHIFT;

/// What a VM is built from.
pub struct Recipe<'a> {
    /// MPIDR_EL1 of each vCPU.
    pub mpidr: Vec<u64>,
    /// Optional features of every vCPU.
    pub features: &'a [Feature],
    /// Number of GIC interrupt ids.
    pub interrupts: u32,
    /// Guest-physical address of the in-kernel distributor.
    pub distributor: u64,
    /// Where the in-kernel redistributors are.
    pub redistributors: Vec<Range>,
    /// Bits of guest-physical address.
    pub address_bits: u32,
    /// Private interrupts of the virtual and the physical timer.
    pub timers: (u32, u32),
    /// Private interrupt of the PMU.
    pub pmu_interrupt: Option<u32>,
    /// What has to be written.
    pub steps: Vec<Step>,
    /// Registers of which KVM_GET_ONE_REG does not tell what a guest reads.
    pub only_inside: BTreeSet<u64>,
    /// Registers that KVM has to list, so that they are read back.
    pub read_back: BTreeSet<u64>,
    /// Where the guest finds its generation id.
    pub generation: Option<Range>,
    /// The lock whose interrupt controller is answered for; the in-kernel one is hidden.
    pub proxied: Option<&'a Lock>,
}

/// Bytes of the distributor's frame.
const DISTRIBUTOR_SIZE: u64 = 0x1_0000;

/// Where the frames of an interrupt controller are that the runner answers for.
/// KVM looks for memory before it looks for devices (`kvm_handle_guest_abort`,
/// arch/arm64/kvm/mmu.c, 5.10 to 7.3): frames that lie where memory is are seen by nobody.
fn hidden(lock: &Lock) -> Range {
    let vcpus = lock.machine.vcpus.len() as u64;
    Range {
        base: lock.machine.memory.base,
        size: DISTRIBUTOR_SIZE + vcpus * REDISTRIBUTOR_SIZE,
    }
}

impl<'a> Recipe<'a> {
    /// The machine of a lock, as its plan orders.
    pub fn of_lock(lock: &'a Lock, orders: &Orders) -> Self {
        let steps = orders.steps.clone();
        let proxied = steps.contains(&Step::Distributor).then_some(lock);
        let (distributor, redistributors) = match proxied {
            Some(_) => {
                let hidden = hidden(lock);
                let redistributors = Range {
                    base: hidden.base + DISTRIBUTOR_SIZE,
                    size: hidden.size - DISTRIBUTOR_SIZE,
                };
                (hidden.base, vec![redistributors])
            }
            None => (
                lock.machine.distributor.base,
                lock.machine.redistributors.clone(),
            ),
        };
        Self {
            mpidr: lock.machine.vcpus.iter().map(|v| v.mpidr).collect(),
            features: &lock.features,
            interrupts: lock.gic.interrupts,
            distributor,
            redistributors,
            address_bits: lock.machine.address_bits,
            timers: (
                lock.machine.private_interrupts.virtual_timer,
                lock.machine.private_interrupts.physical_timer,
            ),
            pmu_interrupt: lock.machine.private_interrupts.pmu,
            steps,
            only_inside: orders.only_inside.clone(),
            read_back: orders.read_back.clone(),
            generation: lock.machine.generation_id().map(|device| device.range),
            proxied,
        }
    }
}

/// A VM that is complete and has not run.
pub struct Built {
    /// The VM.
    pub vm: Vm,
    /// Its interrupt controller.
    pub gic: Arc<Gic>,
    /// Its vCPUs, in order.
    pub vcpus: Vec<Fresh>,
    /// The host's counter before there was a VM, and when it had all of its vCPUs.
    pub created: (u64, u64),
    /// What answers for the interrupt controller, where the kernel does not.
    pub proxy: Option<Proxy>,
}

/// A VM without GIC initialisation: the stage at which ID registers are written.
pub struct Begun {
    vm: Vm,
    gic: Gic,
    /// Its vCPUs, in order.
    pub vcpus: Vec<Fresh>,
    created: (u64, u64),
    /// The memory that lies over a hidden interrupt controller.
    cover: Option<Slot>,
}

impl Begun {
    /// The VM.
    pub fn vm(&self) -> &Vm {
        &self.vm
    }
}

/// Creates the VM, its vCPUs and its GIC, and initialises the vCPUs.
///
/// # Errors
/// KVM refuses something that every guest needs.
pub fn begin(
    system: &System,
    recipe: &Recipe,
    memory: Option<Arc<Memory>>,
) -> Result<Begun, Failure> {
    let before = host_counter();
    let vm = system.create_vm(recipe.address_bits)?;
    vm.report_undecodable();
    if recipe.features.contains(&Feature::Mte) {
        vm.enable_memory_tagging()?;
    }
    let mut cover = None;
    if let Some(memory) = memory {
        match recipe.proxied {
            Some(lock) => cover = Some(covering(&vm, memory, hidden(lock))?),
            None => vm.add_memory(&memory, memory.range())?,
        }
    }
    if let Some(range) = recipe.generation {
        generation::give(&vm, range)?;
    }
    if recipe.steps.contains(&Step::Identity)
        && let Err(error) = vm.allow_identity()
    {
        let refusal = refused(IDENTITY.to_owned(), "1".to_owned(), error.to_string());
        return Err(Failure::Refused(vec![refusal]));
    }
    let vcpus = (0u32..)
        .zip(&recipe.mpidr)
        .map(|(index, _)| vm.create_vcpu(index))
        .collect::<Result<Vec<_>, _>>()?;
    let created = (before, host_counter());
    let gic = vm.create_gic()?;
    gic.set_distributor(recipe.distributor)?;
    gic.set_redistributors(&recipe.redistributors)?;
    gic.set_interrupts(recipe.interrupts)?;
    let target = vm.preferred_target()?;
    for vcpu in &vcpus {
        vcpu.initialise(&target, recipe.features)?;
        if recipe.features.contains(&Feature::Sve) {
            vectors(vcpu, &recipe.steps)?;
        }
    }
    if let Some(register) = register_by_name("MPIDR_EL1") {
        for (vcpu, &mpidr) in vcpus.iter().zip(&recipe.mpidr) {
            if vcpu.get(register.id)? != mpidr {
                vcpu.set(register.id, mpidr)?;
            }
        }
    }
    Ok(Begun {
        vm,
        gic,
        vcpus,
        created,
        cover,
    })
}

/// Gives the guest its memory in two pieces; the one over the hidden frames can be lifted while a vCPU is lent.
fn covering(vm: &Vm, memory: Arc<Memory>, hidden: Range) -> Result<Slot, Failure> {
    let all = memory.range();
    let Some(size) = all.size.checked_sub(hidden.size) else {
        return Err(Failure::Refused(vec![Refusal {
            code: reason::GIC,
            name: "GICD_IIDR.Revision".to_owned(),
            wanted: format!("{} MiB of memory", hidden.size.div_ceil(1 << 20)),
            offered: format!("{} MiB", all.size >> 20),
            reason: "the runner answers for the interrupt controller, and the kernel's own does not fit under the \
                     guest's memory, where no guest sees it"
                .to_owned(),
            from: "spec/memory".to_owned(),
            help: vec!["give the guest more memory, or fewer vCPUs".to_owned()],
        }]));
    };
    let cover = vm.slot(Arc::clone(&memory), hidden, false)?;
    cover.give()?;
    let base = hidden.base + hidden.size;
    vm.add_memory(&memory, Range { base, size })?;
    Ok(cover)
}

/// Gives a vCPU its SVE vector lengths, if the steps name any, and ends their configuration.
fn vectors(vcpu: &Fresh, steps: &[Step]) -> Result<(), Failure> {
    for step in steps {
        let Step::VectorLengths(lengths) = step else {
            continue;
        };
        if let Err(error) = vcpu.set_vector_lengths(lengths) {
            let (name, wanted) = ("SVE vector lengths".to_owned(), format!("{lengths:?}"));
            let refusal = refused(name, wanted, error.to_string());
            return Err(Failure::Refused(vec![refusal]));
        }
    }
    Ok(vcpu.finalise_vectors()?)
}

/// Carries out the steps and completes the VM.
///
/// # Errors
/// A step that the host refuses after all is a refusal, and all of them are
/// reported together; anything else is the environment.
pub fn complete(begun: Begun, recipe: &Recipe) -> Result<Built, Failure> {
    let Begun {
        vm,
        gic,
        vcpus,
        created,
        cover,
    } = begun;
    let mut refusals = Vec::new();
    for step in &recipe.steps {
        let (Step::Register { id, value } | Step::Reset { id, value }) = step else {
            continue;
        };
        // KVM keeps most of them per VM, older kernels some of them per vCPU:
        // every vCPU is told.
        for vcpu in &vcpus {
            if let Err(error) = vcpu.set(*id, *value) {
                let name = register_by_id(*id)
                    .map_or_else(|| format!("{id:#018x}"), |r| r.name.to_string());
                refusals.push(refused(name, format!("{value:#x}"), error.to_string()));
                break;
            }
        }
    }
    if let Some(vcpu) = vcpus.first() {
        vcpu.set_timer_interrupts(recipe.timers.0, recipe.timers.1)?;
    }
    for step in &recipe.steps {
        let (ranges, forward) = match step {
            Step::Forward(function) => (vec![(*function, *function)], true),
            Step::ForwardRanges(ranges) => (ranges.clone(), true),
            Step::Deny(function) => (vec![(*function, *function)], false),
            _ => continue,
        };
        for range in ranges {
            if let Err(error) = vm.filter_functions(range, forward) {
                refusals.push(unfiltered(step, range, forward, &error));
            }
        }
    }
    if let Some(intid) = recipe.pmu_interrupt {
        for vcpu in &vcpus {
            vcpu.set_pmu_interrupt(intid)?;
        }
    }
    for step in &recipe.steps {
        let (Step::DenyEvents(events), Some(vcpu)) = (step, vcpus.first()) else {
            continue;
        };
        for (first, count) in runs(events) {
            if let Err(error) = vcpu.deny_events(first, count) {
                let name = format!("PMU events from {first:#x} on");
                refusals.push(refused(name, "hidden".to_owned(), error.to_string()));
            }
        }
    }
    for step in &recipe.steps {
        let Step::StolenTime(addresses) = step else {
            continue;
        };
        for (vcpu, address) in vcpus.iter().zip(addresses) {
            if let Err(error) = vcpu.set_stolen_time(*address) {
                let name = Feature::StealTime.name().to_owned();
                let wanted = format!("{address:#x} on vCPU {}", vcpu.index());
                refusals.push(refused(name, wanted, error.to_string()));
                break;
            }
        }
    }
    gic.initialise()?;
    for step in &recipe.steps {
        let Step::IidrRevision(revision) = step else {
            continue;
        };
        if let Err(error) = set_revision(&gic, *revision) {
            refusals.push(refused(
                "GICD_IIDR.Revision".to_owned(),
                revision.to_string(),
                error.to_string(),
            ));
        }
    }
    if recipe.pmu_interrupt.is_some() {
        for vcpu in &vcpus {
            vcpu.initialise_pmu()?;
        }
    }
    let gic = Arc::new(gic);
    let proxy = match recipe.proxied {
        Some(lock) => {
            let hidden = Hidden {
                distributor: recipe.distributor,
                redistributors: recipe.distributor + DISTRIBUTOR_SIZE,
                cover,
            };
            Some(Proxy::new(lock, Arc::clone(&gic), vm.clone(), hidden)?)
        }
        None => None,
    };
    if refusals.is_empty() {
        Ok(Built {
            vm,
            gic,
            vcpus,
            created,
            proxy,
        })
    } else {
        Err(Failure::Refused(refusals))
    }
}

/// Writes GICD_IIDR with that revision. Success proves nothing.
pub fn set_revision(gic: &Gic, revision: u8) -> crate::kvm::Result<()> {
    let iidr = gic.distributor(GICD_IIDR)?;
    let revision = u32::from(revision) << IIDR_REVISION_SHIFT & IIDR_REVISION;
    gic.set_distributor_register(GICD_IIDR, iidr & !IIDR_REVISION | revision)
}

fn refused(name: String, wanted: String, error: String) -> Refusal {
    Refusal {
        code: reason::NOT_WRITABLE,
        reason: format!(
            "the kernel refuses to set {name} to {wanted} ({error}), although a trial said otherwise"
        ),
        name,
        wanted,
        offered: "its own value".to_owned(),
        from: "the plan".to_owned(),
        help: vec![
            "this host changes while it is being looked at: try again, and report it if it stays"
                .to_owned(),
        ],
    }
}

/// The kernel does not let go of the calls of a step, those from the first to the last of a range.
fn unfiltered(
    step: &Step,
    (first, last): (u32, u32),
    forward: bool,
    error: &crate::kvm::Error,
) -> Refusal {
    let name = match step {
        Step::ForwardRanges(_) => "all firmware calls but those left to the kernel".to_owned(),
        _ => function_name(first).into_owned(),
    };
    let functions = match first == last {
        true => function_name(first).into_owned(),
        false => format!("the functions {first:#010x} to {last:#010x}"),
    };
    let wanted = match forward {
        true => "answered by the runner",
        false => "answered by NOT_SUPPORTED",
    };
    Refusal {
        offered: "answered by the kernel".to_owned(),
        reason: format!(
            "the kernel refuses to have {functions} {wanted} ({error}), although a trial said otherwise"
        ),
        ..refused(name, wanted.to_owned(), error.to_string())
    }
}

/// Consecutive numbers as (first, count).
fn runs(numbers: &[u16]) -> Vec<(u16, u16)> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable();
    sorted.dedup();
    let mut out: Vec<(u16, u16)> = Vec::new();
    for number in sorted {
        match out.last_mut() {
            Some((first, count)) if first.checked_add(*count) == Some(number) => *count += 1,
            _ => out.push((number, 1)),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::runs;

    #[test]
    fn events_become_ranges() {
        assert_eq!(runs(&[]), []);
        assert_eq!(runs(&[0x1e]), [(0x1e, 1)]);
        assert_eq!(runs(&[3, 1, 2, 9, 2]), [(1, 3), (9, 1)]);
        assert_eq!(runs(&[0xfffe, 0xffff]), [(0xfffe, 2)]);
    }
}
