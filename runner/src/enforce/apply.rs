//! Builds the VM and carries out the steps of a plan, each in its [`Phase`].
//!
//! What is no step has its place between them: memory first, vCPUs in order behind `Phase::Vm`, GIC with addresses and
//! size, KVM_ARM_VCPU_INIT with the same features everywhere, the timers' interrupts behind `Phase::Registers`, the PMU's
//! behind `Phase::Calls`, GIC initialisation behind `Phase::Devices`, and the PMU at the end, which needs an initialised
//! GIC.

use crate::failure::Failure;
use crate::generation;
use crate::gic::proxy::{Hidden, Proxy};
use crate::handover::id::Id;
use crate::kvm::{Error, Fresh, Gic, Slot, System, Vm, host_counter};
use crate::memory::Memory;
use std::sync::Arc;
use vmlock_spec::catalogue::{register_by_id, register_by_name};
use vmlock_spec::lock::{Lock, Range};
use vmlock_spec::machine::REDISTRIBUTOR_SIZE;
use vmlock_spec::plan::{IDENTITY, Orders, Phase, Refusal, Step};
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
    /// What has to be written, and what to be read back.
    pub orders: Orders,
    /// Where the guest finds its generation id.
    pub generation: Option<Range>,
    /// That id, where it is not a new one.
    pub identity: Option<Id>,
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
        let proxied = orders.steps.contains(&Step::Distributor);
        let proxied = proxied.then_some(lock);
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
            orders: orders.clone(),
            generation: lock.machine.generation_id().map(|device| device.range),
            identity: None,
            proxied,
        }
    }
}

impl Recipe<'_> {
    /// Carries out the steps of a phase on what there is by then.
    ///
    /// # Errors
    /// What the host refuses.
    fn carry_out(
        &self,
        phase: Phase,
        vm: &Vm,
        vcpus: &[Fresh],
        gic: Option<&Gic>,
    ) -> Result<(), Failure> {
        let refusals = self.refusals(phase, vm, vcpus, gic);
        match refusals.is_empty() {
            true => Ok(()),
            false => Err(Failure::Refused(refusals)),
        }
    }

    /// The same; gives what the host refuses.
    fn refusals(&self, phase: Phase, vm: &Vm, vcpus: &[Fresh], gic: Option<&Gic>) -> Vec<Refusal> {
        let steps = self
            .orders
            .steps
            .iter()
            .filter(|step| step.phase() == phase);
        let done = steps.flat_map(|step| carry_out(step, vm, vcpus, gic));
        done.collect()
    }
}

/// Carries out one step; gives what the host refuses of it.
fn carry_out(step: &Step, vm: &Vm, vcpus: &[Fresh], gic: Option<&Gic>) -> Vec<Refusal> {
    match step {
        Step::Identity => {
            let done = vm.allow_identity().err();
            let refusal =
                |error: Error| refused(IDENTITY.to_owned(), "1".to_owned(), error.to_string());
            done.map(refusal).into_iter().collect()
        }
        Step::VectorLengths(lengths) => each(vcpus, |vcpu| {
            let done = vcpu.set_vector_lengths(lengths);
            done.map_err(|error| {
                (
                    "SVE vector lengths".to_owned(),
                    format!("{lengths:?}"),
                    error,
                )
            })
        }),
        // KVM keeps most of them per VM, older kernels some of them per vCPU: every vCPU is told.
        Step::Register { id, value } | Step::Reset { id, value } => each(vcpus, |vcpu| {
            vcpu.set(*id, *value).map_err(|error| {
                let known = register_by_id(*id);
                let name = known.map_or_else(|| format!("{id:#018x}"), |r| r.name.to_string());
                (name, format!("{value:#x}"), error)
            })
        }),
        Step::Forward(function) => filter(step, vm, &[(*function, *function)], true),
        Step::ForwardRanges(ranges) => filter(step, vm, ranges, true),
        Step::Deny(function) => filter(step, vm, &[(*function, *function)], false),
        // All vCPUs have one.
        Step::DenyEvents(events) => {
            let ranges = vcpus.first().map(|vcpu| (vcpu, runs(events)));
            let ranges = ranges
                .into_iter()
                .flat_map(|(vcpu, ranges)| ranges.into_iter().map(move |r| (vcpu, r)));
            let done = ranges.filter_map(|(vcpu, (first, count))| {
                let error = vcpu.deny_events(first, count).err()?;
                let name = format!("PMU events from {first:#x} on");
                Some(refused(name, "hidden".to_owned(), error.to_string()))
            });
            done.collect()
        }
        Step::StolenTime(addresses) => {
            let mut addresses = addresses.iter();
            each(vcpus, |vcpu| {
                let Some(address) = addresses.next() else {
                    return Ok(());
                };
                vcpu.set_stolen_time(*address).map_err(|error| {
                    let wanted = format!("{address:#x} on vCPU {}", vcpu.index());
                    (Feature::StealTime.name().to_owned(), wanted, error)
                })
            })
        }
        Step::IidrRevision(revision) => {
            let error = match gic {
                Some(gic) => set_revision(gic, *revision)
                    .err()
                    .map(|error| error.to_string()),
                None => Some("there is no interrupt controller yet".to_owned()),
            };
            let name = "GICD_IIDR.Revision".to_owned();
            let refusal = |error| refused(name, revision.to_string(), error);
            error.map(refusal).into_iter().collect()
        }
        // [`Recipe::of_lock`] has laid the machine out by it.
        Step::Distributor => Vec::new(),
        // The kernel has it as it is: nothing is written, and that value is read back.
        Step::Leave { .. } => Vec::new(),
    }
}

/// Does something to each vCPU, up to the first that the host refuses: name, value and error.
fn each(
    vcpus: &[Fresh],
    done: impl FnMut(&Fresh) -> Result<(), (String, String, Error)>,
) -> Vec<Refusal> {
    let first = vcpus.iter().map(done).find_map(Result::err);
    let refusal = first.map(|(name, wanted, error)| refused(name, wanted, error.to_string()));
    refusal.into_iter().collect()
}

/// Takes calls from the kernel: for the runner, or for nobody.
fn filter(step: &Step, vm: &Vm, ranges: &[(u32, u32)], forward: bool) -> Vec<Refusal> {
    let done = ranges.iter().filter_map(|range| {
        let error = vm.filter_functions(*range, forward).err()?;
        Some(unfiltered(step, *range, forward, &error))
    });
    done.collect()
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
        let id = recipe.identity.map_or_else(generation::new, Ok)?;
        generation::give(&vm, range, id)?;
    }
    recipe.carry_out(Phase::Vm, &vm, &[], None)?;
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
    }
    recipe.carry_out(Phase::Features, &vm, &vcpus, Some(&gic))?;
    if recipe.features.contains(&Feature::Sve) {
        for vcpu in &vcpus {
            vcpu.finalise_vectors()?;
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
    for phase in Phase::ALL {
        // What comes before the phase's steps. Every phase stands here, so that none is left out.
        match phase {
            // [`begin`] has carried these out.
            Phase::Vm | Phase::Features => continue,
            Phase::Registers => {}
            Phase::Calls => {
                if let Some(vcpu) = vcpus.first() {
                    vcpu.set_timer_interrupts(recipe.timers.0, recipe.timers.1)?;
                }
            }
            Phase::Devices => {
                if let Some(intid) = recipe.pmu_interrupt {
                    for vcpu in &vcpus {
                        vcpu.set_pmu_interrupt(intid)?;
                    }
                }
            }
            Phase::Interrupts => gic.initialise()?,
        }
        refusals.extend(recipe.refusals(phase, &vm, &vcpus, Some(&gic)));
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
fn unfiltered(step: &Step, (first, last): (u32, u32), forward: bool, error: &Error) -> Refusal {
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
