//! Makes the host report: every question is put to the kernel on a scratch VM,
//! every success is read back, and a small guest looks from inside.

use crate::device::bus::Bus;
use crate::enforce::apply::{self, GICD_IIDR, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::kvm::{Fresh, System, discard};
use crate::machine::run::Space;
use crate::memory::Memory;
use crate::witness::{self, Stage};
use std::collections::BTreeMap;
use std::mem;
use std::sync::Arc;
use vmlock_spec::catalogue::{Field, Kind, RegisterInfo, Rule, register_by_id};
use vmlock_spec::lock::reset::{self, Begun};
use vmlock_spec::lock::{Lock, Range, Unmapped, full_mask};
use vmlock_spec::machine;
use vmlock_spec::observation;
use vmlock_spec::observation::wire::{MODE_FULL, MODE_LIGHT};
use vmlock_spec::plan::{Orders, Step, presumed};
use vmlock_spec::report::{
    Fact, GicReport, HostReport, REPORT_VERSION, ReportedRegister, RevisionWrite, SCHEMA, Seen,
    View,
};
use vmlock_spec::smccc::{PSCI_VERSION_REGISTER, PSCI_VERSIONS};
use vmlock_spec::vm::{Arch, Feature};

/// Capabilities that bear on what a guest sees or on how a lock is kept, by
/// name and number (include/uapi/linux/kvm.h, Linux 7.3).
const CAPABILITIES: &[(&str, u32)] = &[
    ("KVM_CAP_ARM_COUNTER_OFFSET", 227),
    ("KVM_CAP_ARM_EL1_32BIT", 93),
    ("KVM_CAP_ARM_EL2", 240),
    ("KVM_CAP_ARM_EL2_E2H0", 241),
    ("KVM_CAP_ARM_INJECT_EXT_DABT", 178),
    ("KVM_CAP_ARM_INJECT_SERROR_ESR", 158),
    ("KVM_CAP_ARM_MTE", 205),
    ("KVM_CAP_ARM_NISV_TO_USER", 177),
    ("KVM_CAP_ARM_PMU_V3", 126),
    ("KVM_CAP_ARM_PMU_V3_STRICT", 251),
    ("KVM_CAP_ARM_PSCI_0_2", 102),
    ("KVM_CAP_ARM_PTRAUTH_ADDRESS", 171),
    ("KVM_CAP_ARM_PTRAUTH_GENERIC", 172),
    ("KVM_CAP_ARM_SUPPORTED_REG_MASK_RANGES", 230),
    ("KVM_CAP_ARM_SVE", 170),
    ("KVM_CAP_ARM_SYSTEM_SUSPEND", 216),
    ("KVM_CAP_ARM_WRITABLE_IMP_ID_REGS", 239),
    ("KVM_CAP_IMMEDIATE_EXIT", 136),
    ("KVM_CAP_PTP_KVM", 198),
    ("KVM_CAP_STEAL_TIME", 187),
    ("KVM_CAP_SYSTEM_EVENT_DATA", 215),
];
/// Where the probe's machine has its GIC, and which interrupts its PMU and its
/// virtual and physical timers raise.
const DISTRIBUTOR: u64 = 0x0800_0000;
const REDISTRIBUTORS: u64 = 0x080a_0000;
const PMU_INTERRUPT: u32 = 23;
const TIMERS: (u32, u32) = (27, 30);
const KVM_CAP_MAX_VCPUS: u32 = 66;
/// Interrupt controllers (`enum kvm_device_type`, include/uapi/linux/kvm.h; the last from 7.1 on).
const KVM_DEV_TYPE_ARM_VGIC_V2: u32 = 5;
const KVM_DEV_TYPE_ARM_VGIC_V3: u32 = 7;
const KVM_DEV_TYPE_ARM_VGIC_V5: u32 = 15;
const KVM_CAP_ARM_WRITABLE_IMP_ID_REGS: u32 = 239;

/// Revisions of GICD_IIDR that are tried: 0 to 3 exist, 4 does not yet.
const REVISIONS: std::ops::RangeInclusive<u8> = 0..=4;

/// How much to find out.
pub enum Scope<'a> {
    /// Everything that a planner could ask about any lock.
    Everything,
    /// What decides about this lock: its features, and its values.
    For(&'a Lock),
    /// The same from outside alone: what a guest would see is presumed, and left to
    /// the rehearsal.
    Presumed(&'a Lock),
}

impl<'a> Scope<'a> {
    /// The lock that it is about.
    fn lock(&self) -> Option<&'a Lock> {
        match self {
            Scope::Everything => None,
            Scope::For(lock) | Scope::Presumed(lock) => Some(lock),
        }
    }

    fn wanted(&self, id: u64) -> Option<u64> {
        let registers = &self.lock()?.registers;
        let at = registers.binary_search_by_key(&id, |r| r.id).ok()?;
        Some(registers[at].value)
    }

    /// What a vCPU is to begin with, where that is known beforehand.
    fn begins(&self) -> Option<BTreeMap<u64, Begun>> {
        let all = reset::begun(self.lock()?);
        Some(all.into_iter().map(|b| (b.info.id, b)).collect())
    }
}

/// Makes the host report.
///
/// # Errors
/// KVM refuses what every guest needs.
pub fn probe(system: &System, scope: &Scope) -> Result<HostReport, Failure> {
    let offers = |feature: &Feature| {
        let mut needed = feature.kvm_capabilities().iter();
        needed.all(|number| system.capability(*number) > 0)
    };
    let views: Vec<Vec<Feature>> = match scope.lock() {
        // None, each alone, and all of them.
        None => {
            let offered: Vec<Feature> = Feature::ALL
                .iter()
                .copied()
                .filter(|f| f.has_view() && offers(f))
                .collect();
            let mut views = vec![Vec::new()];
            views.extend(offered.iter().map(|feature| vec![*feature]));
            if offered.len() > 1 {
                views.push(offered);
            }
            views
        }
        // What the host does not offer is missing from the view, and the planner says so.
        Some(lock) => vec![
            lock.features
                .iter()
                .copied()
                .filter(|f| f.has_view() && offers(f))
                .collect(),
        ],
    };
    let mut report = HostReport {
        schema: SCHEMA.to_owned(),
        report_version: REPORT_VERSION,
        imported: None,
        boot: None,
        arch: Arch::Arm64,
        capabilities: CAPABILITIES
            .iter()
            .map(|(name, number)| ((*name).to_owned(), system.capability(*number).into()))
            .collect(),
        vcpus_max: system.capability(KVM_CAP_MAX_VCPUS).unsigned_abs(),
        ipa_bits: system.ipa_bits(),
        smccc_filter: false,
        event_filter: false,
        stolen_time: false,
        vector_lengths: Vec::new(),
        psci: Vec::new(),
        gic: None,
        other_gics: Vec::new(),
        views: Vec::new(),
    };
    for features in &views {
        let mut scratch = match Scratch::new(system, features) {
            Ok(scratch) => scratch,
            Err(failure) => {
                let gics = gics(system)?;
                if gics.contains(&GICV3) {
                    return Err(failure);
                }
                report.other_gics = gics.into_iter().map(str::to_owned).collect();
                return Ok(report);
            }
        };
        if features.contains(&Feature::Sve) {
            report.vector_lengths = scratch.vcpu().vector_lengths()?;
        }
        let mut registers = registers(&mut scratch, scope)?;
        identity(system, features, scope, &mut registers)?;
        let (psci, psci_fields) = psci_versions(scratch.vcpu(), scope)?;
        if let Some(version) = registers.iter_mut().find(|r| r.id == PSCI_VERSION_REGISTER) {
            version.accepts = psci_fields;
        }
        report.event_filter |=
            features.contains(&Feature::Pmu) && scratch.vcpu().has_event_filter();
        if report.views.is_empty() {
            // The same with every set of features.
            let asked = scope
                .lock()
                .is_none_or(|lock| lock.features.contains(&Feature::StealTime));
            report.stolen_time =
                asked && offers(&Feature::StealTime) && scratch.vcpu().has_stolen_time();
            report.psci = psci;
            report.smccc_filter = scratch.begun.vm().has_smccc_filter();
            report.gic = Some(gic(scratch, scope)?);
        } else {
            discard(scratch.begun);
        }
        if let Scope::Presumed(lock) = scope {
            let guest = presumed(lock, &registers, report.smccc_filter);
            report.views.push(View {
                features: features.to_vec(),
                registers,
                guest,
                rehearsed: true,
            });
            continue;
        }
        after_cpu_on(system, features, scope, &mut registers)?;
        // For one lock, what its features do in use is looked at in the rehearsal.
        let mode = match scope.lock() {
            None => MODE_FULL,
            Some(_) => MODE_LIGHT,
        };
        let guest = guest(system, &shape(system, features, scope), mode)?;
        once_written(system, features, scope, &guest, &mut registers)?;
        report.views.push(View {
            features: features.to_vec(),
            registers,
            guest,
            rehearsed: scope.lock().is_some(),
        });
    }
    Ok(report)
}

const GICV3: &str = "GICv3";

/// The interrupt controllers that KVM has for guests. A VM has one at the most, so each is tried on one of its own.
fn gics(system: &System) -> Result<Vec<&'static str>, Failure> {
    let mut found = Vec::new();
    for (name, kind) in [
        ("GICv2", KVM_DEV_TYPE_ARM_VGIC_V2),
        (GICV3, KVM_DEV_TYPE_ARM_VGIC_V3),
        ("GICv5", KVM_DEV_TYPE_ARM_VGIC_V5),
    ] {
        let vm = system.create_vm(address_bits(system))?;
        if vm.offers_device(kind) {
            found.push(name);
        }
    }
    Ok(found)
}

/// Bits of guest-physical address of the probe's machines, which lie low.
fn address_bits(system: &System) -> u32 {
    system.ipa_bits().min(machine::IPA_BITS)
}

/// The machine that the probe's guests have.
fn recipe<'a>(system: &System, features: &'a [Feature], vcpus: u64) -> Recipe<'a> {
    let pmu = features.contains(&Feature::Pmu);
    Recipe {
        mpidr: (0..vcpus).map(machine::mpidr).collect(),
        features,
        interrupts: machine::INTERRUPTS,
        distributor: DISTRIBUTOR,
        redistributors: vec![Range {
            base: REDISTRIBUTORS,
            size: vcpus * machine::REDISTRIBUTOR_SIZE,
        }],
        address_bits: address_bits(system),
        timers: TIMERS,
        pmu_interrupt: pmu.then_some(PMU_INTERRUPT),
        orders: Orders::default(),
        generation: None,
        identity: None,
        proxied: None,
    }
}

/// A VM with one vCPU that is about to be configured.
struct Scratch<'a> {
    system: &'a System,
    features: &'a [Feature],
    begun: apply::Begun,
}

impl<'a> Scratch<'a> {
    fn new(system: &'a System, features: &'a [Feature]) -> Result<Self, Failure> {
        let begun = apply::begin(system, &recipe(system, features, 1), None)?;
        Ok(Self {
            system,
            features,
            begun,
        })
    }

    fn vcpu(&self) -> &Fresh {
        &self.begun.vcpus[0]
    }

    /// Starts over with a VM that nothing was done to.
    fn renew(&mut self) -> Result<(), Failure> {
        let begun = apply::begin(self.system, &recipe(self.system, self.features, 1), None)?;
        discard(mem::replace(&mut self.begun, begun));
        Ok(())
    }
}

type Fields = BTreeMap<String, Vec<u64>>;

/// Which PSCI versions stick, by name and as fields of the register.
fn psci_versions(vcpu: &Fresh, scope: &Scope) -> Result<(Vec<String>, Fields), Failure> {
    let default = vcpu.get(PSCI_VERSION_REGISTER)?;
    let wanted = scope.wanted(PSCI_VERSION_REGISTER);
    let mut names = Vec::new();
    let mut fields = Fields::new();
    for (version, name) in PSCI_VERSIONS {
        let version = u64::from(*version);
        let asked = wanted.is_none_or(|w| w == version || default == version);
        if asked && sticks(vcpu, PSCI_VERSION_REGISTER, version) {
            names.push((*name).to_owned());
            for (field, value) in [("Major", version >> 16), ("Minor", version & 0xffff)] {
                let values = fields.entry(field.to_owned()).or_default();
                if !values.contains(&value) {
                    values.push(value);
                }
            }
        }
    }
    vcpu.set(PSCI_VERSION_REGISTER, default)?;
    fields
        .values_mut()
        .for_each(|values| values.sort_unstable());
    fields.retain(|_, values| values.len() > 1);
    Ok((names, fields))
}

/// Whether a value is accepted and read back.
fn sticks(vcpu: &Fresh, id: u64, value: u64) -> bool {
    vcpu.set(id, value).is_ok() && vcpu.get(id).is_ok_and(|read| read == value)
}

/// What GICD_IIDR is and which revisions stick; it takes the scratch VM's
/// configuration to its end.
fn gic(scratch: Scratch, scope: &Scope) -> Result<GicReport, Failure> {
    let recipe = recipe(scratch.system, scratch.features, 1);
    let built = apply::complete(scratch.begun, &recipe)?;
    let iidr = built.gic.distributor(GICD_IIDR)?;
    let wanted = scope.lock().and_then(|lock| lock.gic.value("GICD_IIDR"));
    let mut revisions = Vec::new();
    if wanted != Some(iidr) {
        for revision in REVISIONS {
            if wanted.is_some_and(|w| (w >> 12 & 0xf) as u8 != revision) {
                continue;
            }
            let accepted = apply::set_revision(&built.gic, revision).is_ok();
            let read_back = built.gic.distributor(GICD_IIDR)?;
            revisions.push(RevisionWrite {
                revision,
                accepted,
                read_back,
            });
            if read_back != iidr {
                apply::set_revision(&built.gic, (iidr >> 12 & 0xf) as u8)?;
            }
        }
    }
    discard(built);
    Ok(GicReport { iidr, revisions })
}

/// Every register that a guest with these features has, with what can be done to it.
fn registers(scratch: &mut Scratch, scope: &Scope) -> Result<Vec<ReportedRegister>, Failure> {
    let listed = scratch.vcpu().registers()?;
    let begins = scope.begins();
    let mut out = Vec::with_capacity(listed.len());
    for id in listed {
        let info = register_by_id(id);
        let name = info.map_or_else(|| "unknown".to_owned(), |i| i.name.to_string());
        let mut register = ReportedRegister {
            id,
            name,
            value: None,
            writable: 0,
            accepts: BTreeMap::new(),
            honoured: BTreeMap::new(),
        };
        let has = |feature: &str| scratch.features.iter().any(|f| f.name() == feature);
        // Of state, what a vCPU begins with; for one lock, where it speaks of that.
        let promised = begins.as_ref().map(|begins| begins.get(&id));
        let silent =
            |i: &RegisterInfo| i.kind == Kind::State && (!i.begins(has) || promised == Some(None));
        if bytes(id) > 8 || info.is_some_and(silent) {
            out.push(register);
            continue;
        }
        let Ok(value) = scratch.vcpu().get(id) else {
            // Listed and not readable: the value stays absent, and a planner refuses it.
            out.push(register);
            continue;
        };
        register.value = Some(value);
        let tried = info.is_some_and(|info| match info.kind {
            Kind::State => {
                let moved = beginnings(scratch.vcpu(), id, value, promised.flatten());
                register.writable = moved.unwrap_or(0);
                moved.is_some()
            }
            _ => try_values(scratch.vcpu(), info, value, scope, &mut register),
        });
        // A register that does not go back to its default spoils the scratch VM.
        if tried && scratch.vcpu().get(id)? != value && !sticks(scratch.vcpu(), id, value) {
            scratch.renew()?;
        }
        out.push(register);
    }
    Ok(out)
}

/// Tries MIDR_EL1, REVIDR_EL1 and AIDR_EL1 in a VM that may have an identity of
/// its own, where a lock asks for another one than the host's.
fn identity(
    system: &System,
    features: &[Feature],
    scope: &Scope,
    registers: &mut [ReportedRegister],
) -> Result<(), Failure> {
    let asked = |r: &&mut ReportedRegister| {
        IDENTITY_REGISTERS.contains(&&*r.name)
            && scope
                .wanted(r.id)
                .is_none_or(|wanted| r.value != Some(wanted))
    };
    let mut asked: Vec<_> = registers.iter_mut().filter(asked).collect();
    if asked.is_empty() || system.capability(KVM_CAP_ARM_WRITABLE_IMP_ID_REGS) == 0 {
        return Ok(());
    }
    let mut recipe = recipe(system, features, 1);
    recipe.orders.steps.push(Step::Identity);
    let begun = apply::begin(system, &recipe, None)?;
    for register in &mut asked {
        if let (Some(value), Some(info)) = (register.value, register_by_id(register.id)) {
            try_values(&begun.vcpus[0], info, value, scope, register);
        }
    }
    discard(begun);
    Ok(())
}

/// Bytes of a register (`KVM_REG_SIZE_MASK`).
const fn bytes(id: u64) -> u64 {
    1 << (id >> 52 & 0xf)
}

/// Which bits of what a vCPU begins with in a register can be others: of all bits, tried at once, or of those in which
/// a lock has it otherwise. `None` where nothing had to be tried.
fn beginnings(vcpu: &Fresh, id: u64, value: u64, promised: Option<&Begun>) -> Option<u64> {
    let other = match promised {
        Some(begun) => value ^ (value ^ begun.value) & begun.told,
        None => !value & full_mask(bytes(id) as usize),
    };
    if other == value {
        return None;
    }
    let written = vcpu.set(id, other).and_then(|()| vcpu.get(id));
    // The caller looks whether this worked.
    let _ = vcpu.set(id, value);
    let moved = written.map_or(0, |read| read ^ value);
    Some(match promised {
        Some(begun) if (moved ^ other ^ value) & begun.told != 0 => 0,
        _ => moved,
    })
}

/// Finds out which other values of a register stick; whether it was written to.
fn try_values(
    vcpu: &Fresh,
    info: &RegisterInfo,
    value: u64,
    scope: &Scope,
    register: &mut ReportedRegister,
) -> bool {
    let wanted = match scope.lock() {
        None => None,
        Some(_) => match scope.wanted(info.id).or(info.neutral) {
            Some(wanted) if wanted != value => Some(wanted),
            // Nothing is asked of this register here.
            _ => return false,
        },
    };
    // PSCI versions are tried as versions; a workaround level is checked and forgotten.
    if info.id == PSCI_VERSION_REGISTER || info.name.contains("WORKAROUND") {
        return false;
    }
    let by_field = match info.kind {
        Kind::Id | Kind::Pmu => true,
        Kind::Cache if info.name == CACHE_TYPE => true,
        Kind::Identification | Kind::Cache | Kind::Firmware => false,
        Kind::Timer | Kind::Gic | Kind::Debug | Kind::State => return false,
    };
    if by_field {
        for field in info.fields.iter() {
            let values = accepted(vcpu, info, field, value, wanted);
            if values.len() > 1 {
                register.accepts.insert(field.name.to_string(), values);
            }
        }
    } else {
        register.writable = match wanted {
            Some(wanted) if sticks(vcpu, info.id, wanted) => wanted ^ value,
            Some(_) => 0,
            None => flippable(vcpu, info, value),
        };
    }
    // The caller looks whether this worked.
    let _ = vcpu.set(info.id, value);
    true
}

/// The values of a field that stick, the default included.
fn accepted(
    vcpu: &Fresh,
    info: &RegisterInfo,
    field: &Field,
    value: u64,
    wanted: Option<u64>,
) -> Vec<u64> {
    let default = field.get(value);
    // Run-time controls of PMCR_EL0 and the like are no promise.
    if field.rule == Rule::Free {
        return vec![default];
    }
    let mut values: Vec<u64> = match wanted {
        Some(wanted) => vec![default, field.get(wanted)],
        // What a kernel calls safe is lower; the rest is tried where it costs little.
        None if field.rule == Rule::Lower && !field.signed => (0..=default.min(0xff)).collect(),
        None if field.max() <= 0xf => (0..=field.max()).collect(),
        None => vec![
            0,
            default.saturating_sub(1),
            default,
            (default + 1) & field.max(),
            field.max(),
        ],
    };
    values.push(default);
    values.sort_unstable();
    values.dedup();
    values.retain(|v| *v == default || sticks(vcpu, info.id, field.put(value, *v)));
    values
}

/// Bits that can be flipped, each alone or, where the kernel wants several to
/// go together, with one other.
fn flippable(vcpu: &Fresh, info: &RegisterInfo, value: u64) -> u64 {
    let width = 8 * bytes(info.id);
    let known: u64 = info.fields.iter().fold(0, |mask, f| mask | f.mask());
    let bits: Vec<u64> = (0..width)
        .map(|bit| 1u64 << bit)
        .filter(|bit| known & bit != 0)
        .collect();
    let alone: u64 = bits
        .iter()
        .filter(|bit| sticks(vcpu, info.id, value ^ **bit))
        .sum();
    let mut together = 0;
    // A register of which no single bit moves is fixed.
    if alone != 0 {
        for bit in bits.iter().filter(|bit| alone & **bit == 0) {
            let helped = bits
                .iter()
                .any(|other| alone & other != 0 && sticks(vcpu, info.id, value ^ bit ^ other));
            together |= if helped { *bit } else { 0 };
        }
    }
    alone | together
}

/// Registers that KVM keeps for each vCPU, and that some kernels reset when a
/// guest starts the vCPU with CPU_ON (CLIDR_EL1 on 6.3 to 6.9, PMCR_EL0 up to
/// 6.1), or never show it (PMCR_EL0.IMP).
const PER_VCPU: [&str; 2] = ["CLIDR_EL1", "PMCR_EL0"];

/// Registers that say who made the CPU. What KVM takes for them has to reach the
/// hardware (VPIDR_EL2) or a trap (HCR_EL2.TID1) on every vCPU.
const IDENTITY_REGISTERS: [&str; 3] = ["MIDR_EL1", "REVIDR_EL1", "AIDR_EL1"];

/// Strikes out what sticks from outside and is not what a guest then reads on
/// every vCPU.
fn after_cpu_on(
    system: &System,
    features: &[Feature],
    scope: &Scope,
    registers: &mut [ReportedRegister],
) -> Result<(), Failure> {
    let mut recipe = recipe(system, features, 2);
    let looked_at = [&PER_VCPU[..], &IDENTITY_REGISTERS[..]].concat();
    for register in registers.iter().filter(|r| looked_at.contains(&&*r.name)) {
        let (Some(value), Some(info)) = (register.value, register_by_id(register.id)) else {
            continue;
        };
        // Another value of every field that takes one, or one other bit; for one lock, its value.
        let mut changed = value;
        for field in info.fields.iter() {
            let others = register.accepts.get(field.name.as_ref());
            let other = others.and_then(|v| v.iter().find(|v| **v != field.get(value)));
            changed = other.map_or(changed, |v| field.put(changed, *v));
        }
        if register.writable != 0 {
            changed ^= match scope.lock() {
                None => register.writable & register.writable.wrapping_neg(),
                Some(_) => register.writable,
            };
        }
        if changed != value {
            let id = register.id;
            if IDENTITY_REGISTERS.contains(&&*register.name)
                && !recipe.orders.steps.contains(&Step::Identity)
            {
                recipe.orders.steps.push(Step::Identity);
            }
            recipe
                .orders
                .steps
                .push(Step::Register { id, value: changed });
        }
    }
    if recipe.orders.steps.is_empty() {
        return Ok(());
    }
    // A kernel that does not take them all at once is believed in none of them.
    // The light one does not look at REVIDR_EL1 and AIDR_EL1.
    let mode = match recipe.orders.steps.contains(&Step::Identity) {
        true => MODE_FULL,
        false => MODE_LIGHT,
    };
    let facts = guest(system, &recipe, mode).unwrap_or_default();
    for step in &recipe.orders.steps {
        let Step::Register { id, value } = step else {
            continue;
        };
        let Some(register) = registers.iter_mut().find(|r| r.id == *id) else {
            continue;
        };
        let seen = |vcpu: u32| {
            let fact = facts
                .iter()
                .find(|f| f.vcpu == vcpu && f.name == register.name);
            fact.map(|f| f.seen)
        };
        let held = |mask: u64| {
            (0..2).all(|vcpu| {
                matches!(seen(vcpu), Some(Seen::Value(inside)) if (inside ^ value) & mask == 0)
            })
        };
        if register.writable != 0 && !held(u64::MAX) {
            register.writable = 0;
        }
        let fields = register_by_id(*id).map_or(&[][..], |info| info.fields.as_ref());
        let masks: BTreeMap<&str, u64> =
            fields.iter().map(|f| (f.name.as_ref(), f.mask())).collect();
        register
            .accepts
            .retain(|name, _| masks.get(name.as_str()).is_some_and(|mask| held(*mask)));
    }
    Ok(())
}

/// The one cache register that consists of ordered fields, as ID registers do. From 6.11 on it can be written; on a
/// CPU with FEAT_EVT a guest reads the hardware's until it is, and then KVM's, which has no TminLine
/// (arch/arm64/kvm/sys_regs.c `vcpu_set_hcr`: HCR_EL2.TID4 or TID2).
const CACHE_TYPE: &str = "CTR_EL0";

/// Tries what a guest reads in CTR_EL0 once it was written, with every field changed that the kernel lets be changed.
/// `facts` is what a guest read by default.
fn once_written(
    system: &System,
    features: &[Feature],
    scope: &Scope,
    facts: &[Fact],
    registers: &mut [ReportedRegister],
) -> Result<(), Failure> {
    let Some(register) = registers.iter_mut().find(|r| r.name == CACHE_TYPE) else {
        return Ok(());
    };
    let (Some(value), Some(info)) = (register.value, register_by_id(register.id)) else {
        return Ok(());
    };
    let reads = |facts: &[Fact], vcpu: u32, value: u64| {
        let mut of = facts.iter().filter(|f| f.vcpu == vcpu);
        let fact = of.find(|f| f.name == CACHE_TYPE);
        fact.is_some_and(|f| f.seen == Seen::Value(value))
    };
    let as_kvm_says = reads(facts, 0, value);
    // What a lock promises is there by default.
    if scope
        .wanted(register.id)
        .is_some_and(|w| reads(facts, 0, w))
    {
        return Ok(());
    }
    let scratch = Scratch::new(system, features)?;
    if !as_kvm_says {
        // Whatever the lock promises, something has to change: it may be what it does not promise.
        for field in info.fields.iter() {
            let values = accepted(scratch.vcpu(), info, field, value, None);
            if values.len() > 1 {
                register.accepts.insert(field.name.to_string(), values);
            }
        }
        scratch.vcpu().set(info.id, value)?;
    }
    if register.accepts.is_empty() {
        discard(scratch.begun);
        return Ok(());
    }
    let mut changed = value;
    let mut fields = BTreeMap::new();
    for field in info.fields.iter() {
        let accepted = register.accepts.get(field.name.as_ref());
        let others = accepted.into_iter().flatten();
        for other in others.filter(|v| **v != field.get(value)) {
            let more = field.put(changed, *other);
            if sticks(scratch.vcpu(), info.id, more) {
                changed = more;
                fields.insert(field.name.to_string(), *other);
                break;
            }
        }
    }
    discard(scratch.begun);
    let mut recipe = recipe(system, features, 2);
    recipe.orders.steps.push(Step::Register {
        id: info.id,
        value: changed,
    });
    let facts = guest(system, &recipe, MODE_LIGHT).unwrap_or_default();
    if !(0..2).all(|vcpu| reads(&facts, vcpu, changed)) {
        register.accepts.clear();
    } else if !as_kvm_says {
        register.honoured = fields;
    }
    Ok(())
}

/// The machine of the probe's guest. The second vCPU shows what differs between
/// the two; before a start, the machine itself is read back on every vCPU.
fn shape<'a>(system: &System, features: &'a [Feature], scope: &Scope) -> Recipe<'a> {
    let everything = matches!(scope, Scope::Everything);
    recipe(system, features, if everything { 2 } else { 1 })
}

/// What a guest of this machine reads from inside.
fn guest(system: &System, recipe: &Recipe, mode: u32) -> Result<Vec<Fact>, Failure> {
    let memory = Memory::new(witness::memory(recipe.mpidr.len()))
        .map_err(|e| Failure::environment(format!("no memory for the probe's guest: {e}"), &[]))?;
    let memory = Arc::new(memory);
    let begun = apply::begin(system, recipe, Some(Arc::clone(&memory)))?;
    let verified = verify::unpromised(apply::complete(begun, recipe)?)?;
    let stage = Stage {
        search: Vec::new(),
        mpidr: recipe.mpidr.clone(),
        distributor: recipe.distributor,
        redistributors: (0..recipe.mpidr.len() as u64)
            .map(|index| REDISTRIBUTORS + index * machine::REDISTRIBUTOR_SIZE)
            .collect(),
        devices: [0; 2],
        virtio: Vec::new(),
        mode,
        space: Space {
            address_bits: recipe.address_bits,
            unmapped: Unmapped::ReadsAsZero,
        },
    };
    witness::load(&stage, &memory, &verified)?;
    let (sightings, incomplete) = witness::observe(
        verified,
        &stage,
        &memory,
        Bus::unheard(&[], Vec::new()),
        None,
        Box::new(|| {}),
    )?;
    if let Some(first) = incomplete.first() {
        return Err(Failure::environment(
            format!(
                "the probe's guest did not finish on vCPU {}: {}",
                first.vcpu, first.reason
            ),
            &["the host may be overloaded: try again"],
        ));
    }
    discard(memory);
    Ok(observation::facts(&sightings))
}
