//! Lock × host report → for each entry how it will be kept, or why it cannot.
//!
//! A pure function, and the only place where that is decided: `vmlock check`
//! and the runner both call [`plan`], or [`plan_with`] where the runner must, or
//! must not, answer in the kernel's place.

use crate::catalogue::{Kind, REGISTERS, RegisterInfo, field, register_by_id};
use crate::lock::{Binding, Lock, LockedRegister, Vcpu};
use crate::machine::{IPA_BITS, mpidr};
use crate::observation::{Look, wire};
use crate::reason;
use crate::report::{HostReport, ReportedRegister, Seen, View};
use crate::resolve::GIC_IIDR;
use crate::smccc::{self, Services};
use crate::vm::Feature;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How an entry is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// The host shows it already.
    Same,
    /// It is written, then read back.
    Set,
    /// The runner answers in the kernel's place.
    Emulate,
    /// The guest finds nothing there.
    Absent,
    /// No kernel can change it, and it is equal.
    Fact,
    /// It is waived in the spec.
    Vary,
    /// A guest can find it here, and no lock can promise or forbid it.
    Unpromised,
}

/// What the runner has to do for an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Let the VM have an identity of its own, before it has vCPUs
    /// (`KVM_CAP_ARM_WRITABLE_IMP_ID_REGS`, 6.15 and later): without it,
    /// MIDR_EL1, REVIDR_EL1 and AIDR_EL1 cannot be written.
    Identity,
    /// Write a register with `KVM_SET_ONE_REG`.
    Register {
        /// KVM register id.
        id: u64,
        /// The whole value to write.
        value: u64,
    },
    /// Give every vCPU exactly these SVE vector lengths, in bits (`KVM_REG_ARM64_SVE_VLS`).
    VectorLengths(Vec<u32>),
    /// Give each vCPU, in order, its stolen-time structure at this guest-physical address
    /// (`KVM_ARM_VCPU_PVTIME_IPA`).
    StolenTime(Vec<u64>),
    /// Write GICD_IIDR with this revision.
    IidrRevision(u8),
    /// Hide PMU events from the guest (`KVM_ARM_VCPU_PMU_V3_FILTER`).
    DenyEvents(Vec<u16>),
    /// Hide the in-kernel distributor and redistributors and answer for them.
    Distributor,
    /// Leave a firmware register as the kernel has it: the runner answers the
    /// calls that it decides. Reading it back gives the kernel's value, not the promised one.
    Leave {
        /// KVM register id.
        id: u64,
        /// The kernel's value.
        value: u64,
    },
    /// Let the runner answer this firmware function (`KVM_SMCCC_FILTER_FWD_TO_USER`).
    Forward(u32),
    /// Let the kernel answer NOT_SUPPORTED to this firmware function (`KVM_SMCCC_FILTER_DENY`).
    Deny(u32),
}

/// Whether the runner may answer in the kernel's place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Emulation {
    /// Where the kernel cannot.
    #[default]
    Allowed,
    /// Nowhere: what the kernel cannot keep is refused.
    Forbidden,
    /// For the interrupt controller in any case; tests compare the two ways so.
    Preferred,
    /// For firmware calls in any case, where the kernel lets go of them.
    PreferredCalls,
}

/// One entry that can be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Keep {
    /// The entry's name.
    pub name: String,
    /// How it is kept.
    pub way: Way,
    /// What has to be done for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
    /// Why this way, in words; empty where there is nothing to say.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub words: String,
}

/// One entry that cannot be kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Refusal {
    /// A code of [`crate::reason`].
    pub code: &'static str,
    /// The entry's name, with the field where one differs.
    pub name: String,
    /// What the lock promises.
    pub wanted: String,
    /// What the host offers instead.
    pub offered: String,
    /// Why, in one sentence.
    pub reason: String,
    /// Which baseline, CPU model or place in the spec asked for it.
    pub from: String,
    /// What the user can do.
    pub help: Vec<String>,
}

/// The plan of one lock on one host.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Entries that can be kept.
    pub keeps: Vec<Keep>,
    /// Entries that cannot; the guest is not started unless there are none.
    pub refusals: Vec<Refusal>,
    /// Ids of registers of which `KVM_GET_ONE_REG` says something else than a
    /// guest reads (CTR_EL0 up to 6.2): what was read from inside counts, and
    /// reading them back from outside would prove nothing.
    pub only_inside: BTreeSet<u64>,
    /// Ids of registers of the lock that the host's kernel lists: what they hold
    /// is read back, so they have to be there still when the guest is started.
    pub read_back: BTreeSet<u64>,
}

impl Plan {
    fn keep(&mut self, name: &str, way: Way, step: Option<Step>, words: &str) {
        self.keeps.push(Keep {
            name: name.to_owned(),
            way,
            step,
            words: words.to_owned(),
        });
    }
    /// The steps, in the order of the entries.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.keeps.iter().filter_map(|k| k.step.as_ref())
    }

    /// How much the witness has to look at before a guest is started; `None`
    /// where the guest gets the machine that the probe's witness saw.
    pub fn look(&self, lock: &Lock) -> Option<Look> {
        // A light look is at all that identifies the machine, and at every firmware call: what a step changes there
        // is seen, whoever answers. How a feature behaves in use is read back by nobody, whether or not anything had
        // to be written for it, and a CPU that shows itself as another one has to be looked at as a whole.
        let used = lock.features.iter().any(|f| *f != Feature::Pmu);
        let whole = |step: &Step| match step {
            Step::Identity => true,
            Step::Register { id, .. } => {
                register_by_id(*id).is_some_and(|r| COUNTING.contains(&r.name.as_ref()))
            }
            _ => false,
        };
        if used || self.steps().any(whole) {
            return Some(Look::AtWhatIsThere);
        }
        // An MPIDR_EL1 of the lock's own is written without a step, and CPU_ON may undo it.
        let own = |(index, vcpu): (u64, &Vcpu)| vcpu.mpidr != mpidr(index);
        let changed = self.steps().next().is_some() || (0..).zip(&lock.machine.vcpus).any(own);
        changed.then_some(Look::Light)
    }
}

/// Registers that say how many counters, breakpoints and watchpoints there are:
/// where one is changed, those have to be there, or gone.
const COUNTING: [&str; 2] = ["ID_AA64DFR0_EL1", "PMCR_EL0"];

/// Plans how this host's kernel keeps that lock.
pub fn plan(lock: &Lock, report: &HostReport) -> Plan {
    plan_with(lock, report, Emulation::default())
}

/// As [`plan`], with a say in what the runner answers itself.
pub fn plan_with(lock: &Lock, report: &HostReport, emulation: Emulation) -> Plan {
    let mut plan = Plan::default();
    let filter = Filter::of(report, emulation);
    room(lock, report, &mut plan);
    let mut features = lock.features.clone();
    features.sort();
    let Some(view) = report.view(&features) else {
        for feature in &features {
            if !report.offers(*feature) {
                plan.refusals.push(Refusal {
                    code: reason::NO_FEATURE,
                    name: feature.name().to_owned(),
                    wanted: "a guest that has it".into(),
                    offered: "no vCPU with it".into(),
                    reason: format!(
                        "KVM on this host offers no vCPU feature `{}`",
                        feature.name()
                    ),
                    from: format!("spec/cpu/{}", feature.name()),
                    help: vec!["choose a host whose CPU and kernel have it".into()],
                });
            }
        }
        if plan.refusals.is_empty() {
            plan.refusals.push(Refusal {
                code: reason::NO_FEATURE,
                name: "features".into(),
                wanted: features
                    .iter()
                    .map(|f| f.name())
                    .collect::<Vec<_>>()
                    .join(" and "),
                offered: "no view of exactly these".into(),
                reason: "the host report does not say what a guest with these features has".into(),
                from: "spec/cpu".into(),
                help: vec!["make the report again with `vmlock-run probe`".into()],
            });
        }
        return plan;
    };
    vector_lengths(lock, report, &mut plan);
    stolen_time(lock, &mut plan);
    let level_moves = moves_workaround_2(lock, view);
    let seen = view.all_seen();
    let inside = |name: &str| seen.get(name).copied().flatten();
    for entry in &lock.registers {
        match entry.id {
            smccc::WORKAROUND_2_REGISTER if level_moves && entry.promised() & LEVEL != 0 => {
                unforeseen_level(entry, &mut plan);
            }
            _ => register(entry, view, inside, report, filter, &mut plan),
        }
    }
    if plan.steps().any(writes_identity) {
        plan.keep(
            IDENTITY,
            Way::Set,
            Some(Step::Identity),
            "so that the VM can have a MIDR_EL1 of its own",
        );
    }
    unlocked(lock, view, &mut plan);
    hidden_and_there(lock, view, &mut plan);
    gic(lock, inside, report, emulation, &mut plan);
    answers(lock, view, inside, filter, &mut plan);
    plan
}

/// `Level` of the workaround registers.
const LEVEL: u64 = 0xf;

/// Whether keeping the lock hides or shows ID_AA64PFR1_EL1.SSBS on this host.
/// From 6.12 on the level of SMCCC_ARCH_WORKAROUND_2 follows from what the guest
/// sees there (`kvm_arm_get_fw_reg` and `kvm_smccc_call_handler`,
/// arch/arm64/kvm/hypercalls.c), in a way that the host's mitigations decide.
fn moves_workaround_2(lock: &Lock, view: &View) -> bool {
    let Some((register, ssbs)) = field("ID_AA64PFR1_EL1.SSBS") else {
        return false;
    };
    let host = view.register(register.id).and_then(|r| r.value);
    let mut entries = lock.registers.iter();
    let entry = entries.find(|r| r.id == register.id);
    let (Some(host), Some(entry)) = (host, entry) else {
        return false;
    };
    let shown = |value: u64| ssbs.get(value) != 0;
    entry.promised() & ssbs.mask() != 0 && shown(host) != shown(entry.value)
}

fn unforeseen_level(entry: &LockedRegister, plan: &mut Plan) {
    let path = format!("{}.Level", entry.name);
    plan.refusals.push(Refusal {
        code: reason::SILICON_FACT,
        wanted: format!("{:#x}", entry.value & LEVEL),
        offered: "nothing that is known beforehand".into(),
        reason: format!(
            "{path} follows from ID_AA64PFR1_EL1.SSBS, which this lock changes here: what a guest then sees is the host's"
        ),
        from: entry.from.clone(),
        help: vec![
            format!("waive the level in the spec: `vary \"{path}\"`"),
            "or choose a host whose ID_AA64PFR1_EL1.SSBS is the lock's".into(),
        ],
        name: path,
    });
}

/// The capability that makes MIDR_EL1, REVIDR_EL1 and AIDR_EL1 writable.
pub const IDENTITY: &str = "KVM_CAP_ARM_WRITABLE_IMP_ID_REGS";

/// Whether a step needs that capability.
fn writes_identity(step: &Step) -> bool {
    let Step::Register { id, .. } = step else {
        return false;
    };
    register_by_id(*id).is_some_and(|info| info.kind == Kind::Identification)
}

/// Whether this host keeps one register, as [`plan`] would.
pub fn keeps(entry: &LockedRegister, view: &View, report: &HostReport) -> bool {
    let mut plan = Plan::default();
    let filter = Filter::of(report, Emulation::default());
    register(
        entry,
        view,
        |name| view.seen(name),
        report,
        filter,
        &mut plan,
    );
    plan.refusals.is_empty()
}

/// The SVE vector lengths: KVM cuts them off above one of the CPU's own, and
/// nothing else (arch/arm64/kvm/guest.c `set_sve_vls`, 5.10 to 7.3).
fn vector_lengths(lock: &Lock, report: &HostReport, plan: &mut Plan) {
    const NAME: &str = "SVE vector lengths";
    let wanted = &lock.vector_lengths;
    let Some(longest) = wanted.last() else {
        return;
    };
    if *wanted == report.vector_lengths {
        plan.keep(NAME, Way::Same, None, "");
        return;
    }
    let has = |length: &u32| report.vector_lengths.contains(length);
    let lengths = |list: Vec<&u32>| -> String {
        let texts: Vec<String> = list.iter().map(|l| l.to_string()).collect();
        texts.join(", ")
    };
    let missing: Vec<&u32> = wanted.iter().filter(|l| !has(l)).collect();
    let surplus: Vec<&u32> = report
        .vector_lengths
        .iter()
        .filter(|l| *l < longest && !wanted.contains(l))
        .collect();
    let mut refuse = |offered: String, reason: String, help: String| {
        plan.refusals.push(Refusal {
            code: reason::VECTOR_LENGTHS,
            name: NAME.into(),
            wanted: lengths(wanted.iter().collect()),
            offered,
            reason,
            from: "spec/cpu/sve".into(),
            help: vec![help],
        });
    };
    let offered = lengths(report.vector_lengths.iter().collect());
    if !missing.is_empty() {
        refuse(
            offered,
            format!(
                "this host's CPU has no vectors of {} bits",
                lengths(missing)
            ),
            "choose a host that has them, or leave the longest ones out of `sve`".into(),
        );
    } else if !surplus.is_empty() {
        refuse(
            offered,
            format!(
                "a guest here can select vectors of {} bits too, and KVM cannot take them away: it only cuts off above a length",
                lengths(surplus)
            ),
            "name them in `sve` as well, or end `sve` below them".into(),
        );
    } else {
        plan.keep(
            NAME,
            Way::Set,
            Some(Step::VectorLengths(wanted.clone())),
            "the longer ones are cut off",
        );
    }
}

/// Stolen time, on a host that can give it: the kernel writes it, and nobody else knows it.
fn stolen_time(lock: &Lock, plan: &mut Plan) {
    let vcpus = lock.machine.vcpus.iter();
    let addresses: Vec<u64> = vcpus.filter_map(|v| v.stolen_time).collect();
    if !addresses.is_empty() {
        let step = Some(Step::StolenTime(addresses));
        let words = "each vCPU is given its structure";
        plan.keep(Feature::StealTime.name(), Way::Set, step, words);
    }
}

/// Whether firmware calls can be taken out of the kernel's hands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Filter {
    Usable,
    /// Usable, and every call that the runner can answer is taken.
    Preferred,
    Forbidden,
    Missing,
}

impl Filter {
    fn of(report: &HostReport, emulation: Emulation) -> Self {
        match (report.smccc_filter, emulation) {
            (false, _) => Filter::Missing,
            (true, Emulation::Forbidden) => Filter::Forbidden,
            (true, Emulation::Allowed | Emulation::Preferred) => Filter::Usable,
            (true, Emulation::PreferredCalls) => Filter::Preferred,
        }
    }

    /// What the user can do about a call that the kernel does not answer as promised.
    fn help(self) -> Option<String> {
        let words = match self {
            Filter::Usable | Filter::Preferred => return None,
            Filter::Forbidden => "or let the runner answer the call: leave `--native` out",
            Filter::Missing => {
                "or one with Linux 6.4 or later, where the runner can answer the call itself (the SMCCC filter)"
            }
        };
        Some(words.to_owned())
    }
}

fn room(lock: &Lock, report: &HostReport, plan: &mut Plan) {
    let count = lock.machine.vcpus.len();
    if count > report.vcpus_max as usize {
        plan.refusals.push(Refusal {
            code: reason::TOO_MANY_VCPUS,
            name: "vCPUs".into(),
            wanted: count.to_string(),
            offered: report.vcpus_max.to_string(),
            reason: "KVM on this host gives a guest fewer vCPUs".into(),
            from: "spec/cpu/count".into(),
            help: vec!["choose a host whose KVM gives more".into()],
        });
    }
    let end = lock
        .machine
        .memory
        .base
        .saturating_add(lock.machine.memory.size);
    let bits = report.ipa_bits.min(IPA_BITS);
    if end > 1 << bits {
        plan.refusals.push(Refusal {
            code: reason::ADDRESS_SPACE,
            name: "memory".into(),
            wanted: format!("guest addresses up to {end:#x}"),
            offered: format!("{bits} bits"),
            reason: "the guest's memory ends beyond what stage 2 can map".into(),
            from: "spec/memory".into(),
            help: vec!["give the guest less memory, or choose another host".into()],
        });
    }
}

/// Names of the fields in which two values differ, each with both values;
/// `bits` where no field is there to name.
fn differing(
    info: Option<&RegisterInfo>,
    entry: &LockedRegister,
    offered: u64,
) -> Vec<(String, u64, u64, u64)> {
    let mut rest = (entry.value ^ offered) & entry.promised();
    let mut out = Vec::new();
    for field in info.map_or(&[][..], |i| i.fields.as_ref()) {
        if rest & field.mask() != 0 {
            out.push((
                field.name.to_string(),
                field.get(entry.value),
                field.get(offered),
                field.mask(),
            ));
            rest &= !field.mask();
        }
    }
    if rest != 0 {
        out.push((
            format!("bits {rest:#x}"),
            entry.value & rest,
            offered & rest,
            rest,
        ));
    }
    out
}

fn register(
    entry: &LockedRegister,
    view: &View,
    seen: impl Fn(&str) -> Option<Seen>,
    report: &HostReport,
    filter: Filter,
    plan: &mut Plan,
) {
    if entry.promised() == 0 {
        plan.keep(&entry.name, Way::Vary, None, "waived by the spec");
        return;
    }
    let info = register_by_id(entry.id);
    let same = match entry.rule {
        Binding::Fact => Way::Fact,
        Binding::Exact | Binding::Absent => Way::Same,
    };
    let listed = view
        .register(entry.id)
        .and_then(|h| h.value.map(|v| (h, v)));
    let inside = if entry.guest_readable() {
        seen(&entry.name)
    } else {
        None
    };
    if listed.is_some() {
        plan.read_back.insert(entry.id);
    }
    match (listed, inside) {
        // A guest that reads something else than KVM_GET_ONE_REG says: what is
        // seen from inside counts, and writing it proves nothing.
        (Some((_, value)), Some(seen))
            if seen != Seen::Value(value) && !agrees(entry, value, seen) =>
        {
            plan.only_inside.insert(entry.id);
            from_inside(entry, info, seen, report, plan);
        }
        (Some((_, value)), _) if (value ^ entry.value) & entry.promised() == 0 => {
            plan.keep(&entry.name, same, None, "");
        }
        (Some((host, value)), _) => set(entry, info, host, value, report, filter, plan),
        (None, Some(seen)) => from_inside(entry, info, seen, report, plan),
        (None, None) if !entry.guest_readable() && entry.id != smccc::PSCI_VERSION_REGISTER => {
            let way = if entry.rule == Binding::Absent {
                Way::Absent
            } else {
                same
            };
            plan.keep(
                &entry.name,
                way,
                None,
                "this host has no such register: the answers of the calls count",
            );
        }
        (None, None) => plan.refusals.push(Refusal {
            code: reason::NO_KNOB,
            name: entry.name.clone(),
            wanted: format!("{:#x}", entry.value),
            offered: "nothing that a guest reads alike on all vCPUs".into(),
            reason: "neither KVM nor a guest on this host has this register".into(),
            from: entry.from.clone(),
            help: vec!["make the report again with `vmlock-run probe`".into()],
        }),
    }
}

/// Whether what a guest reads and what KVM says differ in unpromised bits alone.
fn agrees(entry: &LockedRegister, value: u64, seen: Seen) -> bool {
    matches!(seen, Seen::Value(inside) if (inside ^ value) & entry.promised() == 0)
}

/// An entry that only a guest can read: it is equal, or the one knob is the PMU event filter.
fn from_inside(
    entry: &LockedRegister,
    info: Option<&RegisterInfo>,
    seen: Seen,
    report: &HostReport,
    plan: &mut Plan,
) {
    let same = if entry.rule == Binding::Fact {
        Way::Fact
    } else {
        Way::Same
    };
    let Seen::Value(value) = seen else {
        plan.refusals.push(Refusal {
            code: reason::NO_KNOB,
            name: entry.name.clone(),
            wanted: format!("{:#x}", entry.value),
            offered: "an exception".into(),
            reason: "a guest on this host cannot read it".into(),
            from: entry.from.clone(),
            help: Vec::new(),
        });
        return;
    };
    let extra = (value ^ entry.value) & entry.promised();
    if extra == 0 {
        plan.keep(&entry.name, same, None, "read from inside");
        return;
    }
    let base: Option<u16> = match entry.name.as_str() {
        "PMCEID0_EL0" => Some(0),
        "PMCEID1_EL0" => Some(0x20),
        _ => None,
    };
    if let Some(base) = base
        && report.event_filter
        && extra & entry.value == 0
    {
        let event = |bit: u16| {
            if bit < 32 {
                base + bit
            } else {
                0x4000 + base + bit - 32
            }
        };
        let events = (0..64u16)
            .filter(|bit| extra >> bit & 1 == 1)
            .map(event)
            .collect();
        plan.keep(
            &entry.name,
            Way::Set,
            Some(Step::DenyEvents(events)),
            "by the PMU event filter",
        );
        return;
    }
    let (code, why) = match entry.rule {
        Binding::Fact => (reason::SILICON_FACT, "silicon or firmware decides it"),
        _ => (reason::NO_KNOB, "KVM has no knob for it"),
    };
    refuse_fields(entry, info, value, code, why, plan);
}

/// Pushes one refusal per differing field.
fn refuse_fields(
    entry: &LockedRegister,
    info: Option<&RegisterInfo>,
    offered: u64,
    code: &'static str,
    why: &str,
    plan: &mut Plan,
) {
    for (field, wanted, offered, _) in differing(info, entry, offered) {
        let path = format!("{}.{field}", entry.name);
        plan.refusals.push(Refusal {
            code,
            wanted: format!("{wanted:#x}"),
            offered: format!("{offered:#x}"),
            reason: format!("a guest on this host sees {offered:#x} in {path}, and {why}"),
            from: entry.from.clone(),
            help: field_help(code, &path, &field),
            name: path,
        });
    }
}

fn field_help(code: &'static str, path: &str, field: &str) -> Vec<String> {
    let mut help = vec![match code {
        reason::SILICON_FACT => "choose a host with the CPU that the lock was made for".to_owned(),
        _ => "choose a host whose kernel shows or takes the value; `vmlock check` compares reports"
            .to_owned(),
    }];
    if !field.starts_with("bits ") {
        help.push(format!("or waive the field in the spec: `vary \"{path}\"`"));
    }
    help
}

/// Whether the kernel takes a field's value, of which these bits change.
fn takes(host: &ReportedRegister, field: &str, wanted: u64, changed: u64) -> bool {
    let accepted = host.accepts.get(field);
    accepted.is_some_and(|values| values.contains(&wanted)) || changed & !host.writable == 0
}

/// The same of a register's whole value, in each of its fields.
fn takes_all(info: &RegisterInfo, host: &ReportedRegister, value: u64, wanted: u64) -> bool {
    let mut rest = value ^ wanted;
    for field in info.fields.iter() {
        let changed = rest & field.mask();
        if changed != 0 && takes(host, &field.name, field.get(wanted), changed) {
            rest &= !changed;
        }
    }
    rest & !host.writable == 0
}

/// An entry whose value has to be written: each differing field must be one that was tried and stuck.
fn set(
    entry: &LockedRegister,
    info: Option<&RegisterInfo>,
    host: &ReportedRegister,
    value: u64,
    report: &HostReport,
    filter: Filter,
    plan: &mut Plan,
) {
    let (mut code, mut why) = (reason::NOT_WRITABLE, "the kernel does not take the value");
    match entry.rule {
        Binding::Fact => (code, why) = (reason::SILICON_FACT, "silicon or firmware decides it"),
        Binding::Exact | Binding::Absent => {
            // A version is one thing: the kernel takes 0.2 and 1.1, and no 1.2.
            let psci = (entry.id == smccc::PSCI_VERSION_REGISTER)
                .then(|| smccc::psci_name(entry.value as u32));
            let taken = |(field, wanted, _, mask): &(String, u64, u64, u64)| {
                if let Some(version) = psci {
                    return version.is_some_and(|v| report.psci.iter().any(|p| p == v));
                }
                let changed = (entry.value ^ value) & mask & entry.promised();
                takes(host, field, *wanted, changed)
            };
            let refused: Vec<_> = differing(info, entry, value)
                .into_iter()
                .filter(|d| !taken(d))
                .collect();
            if refused.is_empty() {
                let value = entry.value & entry.promised() | value & !entry.promised();
                plan.keep(
                    &entry.name,
                    Way::Set,
                    Some(Step::Register {
                        id: entry.id,
                        value,
                    }),
                    "",
                );
                return;
            }
            let calls_alone = !entry.guest_readable();
            if calls_alone && matches!(filter, Filter::Usable | Filter::Preferred) {
                // Whether the calls can be answered is decided call by call.
                let id = entry.id;
                plan.keep(
                    &entry.name,
                    Way::Emulate,
                    Some(Step::Leave { id, value }),
                    "the kernel does not take the value: the runner answers the calls that depend on it",
                );
                return;
            }
            if entry.id == smccc::PSCI_VERSION_REGISTER {
                (code, why) = (reason::PSCI, "the kernel does not offer this version");
            }
            // Only the fields that do not stick are refused.
            for (field, wanted, offered, _) in refused {
                let path = format!("{}.{field}", entry.name);
                let taken = host.accepts.get(&field).map(|values| {
                    let values: Vec<String> = values.iter().map(|v| format!("{v:#x}")).collect();
                    format!(" (it takes {})", values.join(", "))
                });
                let mut help = field_help(code, &path, &field);
                if calls_alone {
                    help.extend(filter.help());
                }
                plan.refusals.push(Refusal {
                    code,
                    wanted: format!("{wanted:#x}"),
                    offered: format!("{offered:#x}{}", taken.unwrap_or_default()),
                    reason: format!("a guest on this host sees {offered:#x} in {path}, and {why}"),
                    from: entry.from.clone(),
                    help,
                    name: path,
                });
            }
            return;
        }
    }
    refuse_fields(entry, info, value, code, why, plan);
}

/// Registers that the host lists and the lock does not name: known state, or
/// made invisible by a neutral value, or refused.
fn unlocked(lock: &Lock, view: &View, plan: &mut Plan) {
    let locked: BTreeMap<u64, ()> = lock.registers.iter().map(|r| (r.id, ())).collect();
    for host in view
        .registers
        .iter()
        .filter(|h| !locked.contains_key(&h.id))
    {
        let Some(info) = register_by_id(host.id) else {
            let encoding = host.id & 0xffff;
            let name = match host.id >> 16 & 0xfff {
                0x13 => format!(
                    "S{}_{}_C{}_C{}_{}",
                    encoding >> 14 & 3,
                    encoding >> 11 & 7,
                    encoding >> 7 & 15,
                    encoding >> 3 & 15,
                    encoding & 7
                ),
                class => format!("KVM register class {class:#x} number {encoding:#x}"),
            };
            plan.refusals.push(Refusal {
                code: reason::UNKNOWN_REGISTER,
                wanted: "nothing there".into(),
                offered: "a register that neither the lock nor the catalogue knows".into(),
                reason: format!("the host's kernel shows guests {name}, and nobody knows what that does to this guest"),
                from: "the rule that unknown means no".into(),
                help: vec!["use a vmlock that knows this kernel, or choose a host with an older one".into()],
                name,
            });
            continue;
        };
        // Per-vCPU affinity is part of the machine; caches that CLIDR_EL1 does
        // not name are UNKNOWN; a PMU that the guest has not cannot be read.
        let unnamed = |selector| !lock.names_cache(selector);
        let without_pmu =
            info.feature.as_deref() == Some("pmu") && !lock.features.contains(&Feature::Pmu);
        if info.kind == Kind::State
            || info.csselr().is_some_and(unnamed)
            || info.name == "MPIDR_EL1"
            || without_pmu
        {
            continue;
        }
        match info.neutral.zip(host.value) {
            Some((neutral, value)) if value == neutral => {
                plan.keep(&info.name, Way::Absent, None, "")
            }
            Some((neutral, value)) if takes_all(info, host, value, neutral) => {
                let step = Step::Register {
                    id: info.id,
                    value: neutral,
                };
                plan.keep(
                    &info.name,
                    Way::Absent,
                    Some(step),
                    "set to the value that hides it",
                );
            }
            _ => plan.refusals.push(Refusal {
                code: reason::UNLOCKED_REGISTER,
                name: info.name.to_string(),
                wanted: "nothing there".into(),
                offered: match host.value {
                    Some(value) => format!("{value:#x}"),
                    None => "a register that KVM lists and does not let be read".into(),
                },
                reason: format!(
                    "the lock says nothing of {}, and {}",
                    info.name,
                    match info.neutral {
                        Some(neutral) => {
                            format!("the kernel does not take {neutral:#x}, which would hide it")
                        }
                        None => "no value makes it invisible".into(),
                    }
                ),
                from: "the rule that unknown means no".into(),
                help: vec!["run `vmlock lock` again with this version".into()],
            }),
        }
    }
}

/// What belongs to a feature that the guest was not given, and can be read here all the same: KVM made GMID_EL1
/// undefined in 7.0 (arch/arm64/kvm/sys_regs.c), and nobody can do so before.
fn hidden_and_there(lock: &Lock, view: &View, plan: &mut Plan) {
    for info in REGISTERS.iter().filter(|info| info.guest_only) {
        let Some(feature) = info.feature.as_deref() else {
            continue;
        };
        let given = lock.features.iter().any(|f| f.name() == feature);
        // One vCPU that can read it is enough.
        let mut facts = view.guest.iter();
        if !given && facts.any(|f| f.name == info.name && matches!(f.seen, Seen::Value(_))) {
            let words = format!("can be read here by a guest that has no `{feature}`");
            plan.keep(&info.name, Way::Unpromised, None, &words);
        }
    }
}

/// Bytes of a distributor, and of one redistributor (Arm IHI 0069 section 12.10).
const DISTRIBUTOR_SIZE: u64 = 0x1_0000;
const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// The interrupt controller: natively where the kernel shows all of it, else
/// the runner answers for what it can.
fn gic(
    lock: &Lock,
    inside: impl Fn(&str) -> Option<Seen>,
    report: &HostReport,
    emulation: Emulation,
    plan: &mut Plan,
) {
    let mut native = Plan::default();
    native_gic(lock, inside, report, &mut native);
    let wanted = match emulation {
        Emulation::Allowed | Emulation::PreferredCalls => !native.refusals.is_empty(),
        Emulation::Forbidden => false,
        Emulation::Preferred => true,
    };
    // The in-kernel frames are hidden inside the guest's memory.
    let frames = DISTRIBUTOR_SIZE + REDISTRIBUTOR_SIZE * lock.machine.vcpus.len() as u64;
    if !wanted || lock.machine.memory.size < frames {
        let answerable = |name: &str| {
            let name = name.split('.').next();
            let mut entries = lock.gic.registers.iter();
            entries.any(|e| Some(e.name.as_str()) == name && answerable(&e.name, e.value))
        };
        if emulation == Emulation::Forbidden {
            for refusal in native.refusals.iter_mut().filter(|r| answerable(&r.name)) {
                let words =
                    "let the runner answer for the interrupt controller: leave `--native` out";
                refusal.help.insert(0, words.to_owned());
            }
        }
        plan.keeps.append(&mut native.keeps);
        plan.refusals.append(&mut native.refusals);
        return;
    }
    let why = match native.refusals.first() {
        Some(refusal) => refusal.reason.clone(),
        None => "it was asked to".to_owned(),
    };
    let mut step = Some(Step::Distributor);
    for entry in &lock.gic.registers {
        if answerable(&entry.name, entry.value) {
            let words = match step {
                Some(_) => format!("the runner answers for the distributor: {why}"),
                None => String::new(),
            };
            plan.keep(&entry.name, Way::Emulate, step.take(), &words);
            continue;
        }
        // What the kernel's own injection depends on must be as it is.
        let of = |name: &str| {
            name == entry.name
                || name
                    .rsplit_once('.')
                    .is_some_and(|(of, _)| of == entry.name)
        };
        plan.keeps
            .extend(native.keeps.iter().filter(|k| of(&k.name)).cloned());
        plan.refusals
            .extend(native.refusals.iter().filter(|r| of(&r.name)).cloned());
    }
}

/// Whether the runner's own distributor and redistributors can show that value.
fn answerable(name: &str, value: u32) -> bool {
    // Revisions 0 to 3: what KVM ever was.
    const REVISION: u32 = 0xf << 12;
    match name {
        "GICD_CTLR" => value == 0x50,
        "GICD_IIDR" => value & !REVISION == GIC_IIDR && (value & REVISION) >> 12 <= 3,
        "GICD_TYPER2" => value == 0,
        "GICD_PIDR2" | "GICR_PIDR2" => value == 0x3b,
        "GICR_IIDR" => value == GIC_IIDR,
        "GICR_CTLR" => value & !0b110 == 0,
        _ if name.ends_with(".writable") => matches!(value, 0 | u32::MAX),
        _ => (name.starts_with("GICD_IGROUPR") || name == "GICR_IGROUPR0") && value == u32::MAX,
    }
}

fn native_gic(
    lock: &Lock,
    inside: impl Fn(&str) -> Option<Seen>,
    report: &HostReport,
    plan: &mut Plan,
) {
    let mut changed = None;
    for entry in &lock.gic.registers {
        if entry.name == "GICD_IIDR" {
            let refused = plan.refusals.len();
            iidr(entry.value, &entry.from, report, plan);
            changed = (entry.value != report.gic.iidr).then_some(plan.refusals.len() == refused);
            continue;
        }
        // The probe's distributor may have fewer lines: every word of groups is like the first.
        let name = match entry.name.strip_prefix("GICD_IGROUPR") {
            Some(rest) if rest.ends_with(".writable") => "GICD_IGROUPR1.writable",
            Some(_) => "GICD_IGROUPR1",
            None => entry.name.as_str(),
        };
        let mask = if name == "GICD_TYPER" {
            !0x1f
        } else {
            u64::MAX
        };
        let wanted = u64::from(entry.value);
        match inside(name) {
            Some(Seen::Value(seen)) if (seen ^ wanted) & mask == 0 => {
                plan.keep(&entry.name, Way::Same, None, "")
            }
            // IR and CES follow from the revision, and are read back after it is set.
            Some(Seen::Value(_)) if name == "GICR_CTLR" && changed == Some(true) => {
                plan.keep(&entry.name, Way::Set, None, "follows from GICD_IIDR");
            }
            other => plan.refusals.push(Refusal {
                code: reason::GIC,
                name: entry.name.clone(),
                wanted: format!("{wanted:#x}"),
                offered: match other {
                    Some(Seen::Value(seen)) => format!("{seen:#x}"),
                    Some(_) => "an exception".into(),
                    None => "nothing that the probe saw".into(),
                },
                reason: match changed {
                    Some(false) if name == "GICR_CTLR" => {
                        "it follows from GICD_IIDR, which the kernel does not change".into()
                    }
                    _ => "the in-kernel GIC identifies itself otherwise".into(),
                },
                from: entry.from.clone(),
                help: vec!["choose a host whose GIC shows it".into()],
            }),
        }
    }
}

fn iidr(wanted: u32, from: &str, report: &HostReport, plan: &mut Plan) {
    let revision = |iidr: u32| (iidr >> 12 & 0xf) as u8;
    if report.gic.iidr == wanted {
        plan.keep("GICD_IIDR", Way::Same, None, "");
        return;
    }
    let tried = report
        .gic
        .revisions
        .iter()
        .find(|r| r.revision == revision(wanted));
    if tried.is_some_and(|t| t.accepted && t.read_back == wanted) {
        plan.keep(
            "GICD_IIDR",
            Way::Set,
            Some(Step::IidrRevision(revision(wanted))),
            "",
        );
        return;
    }
    let (rev, default) = (revision(wanted), revision(report.gic.iidr));
    let accepted = tried.filter(|t| t.accepted);
    let (code, reason) = match accepted {
        Some(t) => (
            reason::IIDR_NOT_HONOURED,
            format!(
                "GICD_IIDR revision {rev} was accepted by the kernel and not honoured: it still reads revision {}",
                revision(t.read_back)
            ),
        ),
        None => (
            reason::IIDR_REFUSED,
            format!(
                "the kernel refuses GICD_IIDR revision {rev}; a guest here sees revision {default}"
            ),
        ),
    };
    plan.refusals.push(Refusal {
        code,
        name: "GICD_IIDR.Revision".into(),
        wanted: rev.to_string(),
        offered: default.to_string(),
        reason,
        from: from.to_owned(),
        help: vec![
            "choose a host with Linux 7.1 or later, or a stable kernel that has the GICD_IIDR fix".into(),
            format!("or, for a guest that has never run with revision {rev}: name `gic-iidr-rev{default}` in `abi`"),
        ],
    });
}

/// What decides the answers on the host as it is by default: its registers
/// where it has them, else its answers.
fn host_services(view: &View, answer: impl Fn(&str) -> Option<u64>) -> Services {
    let register = |id: u64| view.register(id).and_then(|r| r.value);
    let offered = |call: &str| answer(call).is_some_and(|x0| x0 != smccc::NOT_SUPPORTED);
    let features = answer("VENDOR_HYP_KVM_FEATURES()").filter(|x0| *x0 != smccc::NOT_SUPPORTED);
    let level = |id: u64, call: &str, levels: [u64; 2]| {
        register(id).unwrap_or_else(|| match answer(call) {
            Some(0) => levels[0],
            Some(1) => levels[1],
            _ => 0,
        })
    };
    Services {
        psci: register(smccc::PSCI_VERSION_REGISTER)
            .or(answer("PSCI_VERSION()"))
            .unwrap_or(0) as u32,
        std: register(smccc::STD_BMAP_REGISTER).unwrap_or(u64::from(offered("TRNG_VERSION()"))),
        std_hyp: register(smccc::STD_HYP_BMAP_REGISTER)
            .unwrap_or(u64::from(offered("ARCH_FEATURES(PV_TIME_FEATURES)"))),
        vendor_hyp: register(smccc::VENDOR_HYP_BMAP_REGISTER)
            .or(features)
            .unwrap_or(0),
        vendor_hyp_2: register(smccc::VENDOR_HYP_BMAP_2_REGISTER).unwrap_or(0),
        workarounds: [
            level(
                smccc::WORKAROUND_1_REGISTER,
                "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_1)",
                [1, 2],
            ),
            level(
                smccc::WORKAROUND_2_REGISTER,
                "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_2)",
                [2, 3],
            ),
            level(
                smccc::WORKAROUND_3_REGISTER,
                "ARCH_FEATURES(SMCCC_ARCH_WORKAROUND_3)",
                [1, 2],
            ),
        ],
        smc: offered("SMC PSCI_VERSION()"),
        // Nobody has it who was not given it.
        stolen_time: false,
        implementation: None,
    }
}

/// What was read, unless an exception was taken.
fn value(seen: Option<Seen>) -> Option<u64> {
    match seen {
        Some(Seen::Value(value)) => Some(value),
        _ => None,
    }
}

/// What decides the answers of a default guest's firmware calls in this view.
pub fn default_services(view: &View) -> Services {
    let seen = view.all_seen();
    host_services(view, |call| value(seen.get(call).copied().flatten()))
}

/// Firmware calls. Where the host's default answer is what our model of KVM
/// says, the model says what it will answer once the registers are set; where
/// it is not, the answer must already be the promised one. What the kernel
/// does not answer as promised, the runner answers where it may.
fn answers(
    lock: &Lock,
    view: &View,
    inside: impl Fn(&str) -> Option<Seen>,
    filter: Filter,
    plan: &mut Plan,
) {
    let answer = |call: &str| value(inside(call));
    let host = host_services(view, answer);
    let left: BTreeSet<u64> = plan
        .steps()
        .filter_map(|step| match step {
            Step::Leave { id, .. } => Some(*id),
            _ => None,
        })
        .collect();
    let settable = |id: u64, host: u64| match (
        view.register(id),
        lock.registers.iter().find(|r| r.id == id),
    ) {
        (Some(_), Some(entry)) if !left.contains(&id) => entry.value,
        _ => host,
    };
    let after = Services {
        psci: settable(smccc::PSCI_VERSION_REGISTER, host.psci.into()) as u32,
        std: settable(smccc::STD_BMAP_REGISTER, host.std),
        std_hyp: settable(smccc::STD_HYP_BMAP_REGISTER, host.std_hyp),
        vendor_hyp: settable(smccc::VENDOR_HYP_BMAP_REGISTER, host.vendor_hyp),
        vendor_hyp_2: settable(smccc::VENDOR_HYP_BMAP_2_REGISTER, host.vendor_hyp_2),
        stolen_time: lock.features.contains(&Feature::StealTime),
        ..host
    };
    let promised: HashMap<String, (u64, u64)> = smccc::answers(&Services::of_lock(lock))
        .into_iter()
        .map(|(key, x0)| (crate::observation::fact_name(key), (key, x0)))
        .collect();
    let model = |services: &Services| -> HashMap<u64, u64> {
        smccc::answers(services).into_iter().collect()
    };
    let (before, after) = (model(&host), model(&after));
    // What the kernel answers once its registers are set. Every model knows the same calls.
    let native = |call: &str| {
        let now = answer(call);
        let key = promised.get(call).map(|(key, _)| key);
        let modelled = |model: &HashMap<u64, u64>| key.and_then(|key| model.get(key).copied());
        let (before, after) = (modelled(&before), modelled(&after));
        if now.is_some() && now == before {
            after
        } else if before == after {
            now
        } else {
            None
        }
    };
    let natives: Vec<Option<u64>> = lock
        .hypercalls
        .answers
        .iter()
        .map(|entry| native(&entry.call))
        .collect();
    // Where SMC was no conduit and this kernel takes it for one, every call that the runner can answer comes to it: the
    // kernel's filter knows no conduits, the runner does. What is left to the kernel (the architecture's own calls,
    // which the filter refuses, and what needs the vCPUs' states) a guest can still ask for by SMC; nobody can keep
    // that from it.
    let close_smc = host.smc && !Services::of_lock(lock).smc;
    let taken = match filter {
        Filter::Usable if close_smc => {
            let of_kernel = |function| smccc::KNOWN_BY_KVM.contains(&function);
            taken_over(lock, &promised, &natives, |function| !of_kernel(function))
        }
        Filter::Usable => taken_over(lock, &promised, &natives, |_| false),
        Filter::Preferred => taken_over(lock, &promised, &natives, |_| true),
        Filter::Forbidden | Filter::Missing => BTreeMap::new(),
    };
    let by_runner = match close_smc {
        true => "answered by the runner, which takes no SMC",
        false => "answered by the runner",
    };
    let mut filtered = BTreeSet::new();
    for (entry, &later) in lock.hypercalls.answers.iter().zip(&natives) {
        let call = entry.call.as_str();
        let now = answer(call);
        let function = promised
            .get(call)
            .and_then(|(key, _)| smccc::function_of(*key));
        if let Some((function, step)) = function.and_then(|f| taken.get_key_value(&f)) {
            let words = match step {
                Step::Deny(_) => "the kernel is told to deny it",
                _ => by_runner,
            };
            let step = filtered.insert(*function).then(|| step.clone());
            plan.keep(call, Way::Emulate, step, words);
            continue;
        }
        if later == Some(entry.answer) {
            let way = if now == later { Way::Same } else { Way::Set };
            plan.keep(call, way, None, "");
            continue;
        }
        let words = |x0: Option<u64>| match x0 {
            Some(smccc::NOT_SUPPORTED) => "NOT_SUPPORTED".to_owned(),
            Some(smccc::INVALID_PARAMETERS) => "INVALID_PARAMETERS".to_owned(),
            Some(value) => format!("{value:#x}"),
            None => "no answer that is known beforehand".to_owned(),
        };
        let mut help = vec!["choose a host whose kernel has, or can hide, the service".to_owned()];
        if function.is_some_and(smccc::filterable) {
            help.extend(filter.help());
        }
        plan.refusals.push(Refusal {
            code: reason::ANSWER,
            name: call.to_owned(),
            wanted: words(Some(entry.answer)),
            offered: words(later.or(now)),
            reason: match later.or(now) {
                Some(x0) => format!("{call} answers {} here", words(Some(x0))),
                None => {
                    format!("what {call} answers here is not known: the probe's guest did not ask")
                }
            },
            from: entry.from.clone(),
            help,
        });
    }
    if close_smc {
        plan.keep(
            "SMC #0",
            Way::Unpromised,
            None,
            "KVM cannot be kept from answering SMCCC_VERSION, SMCCC_ARCH_FEATURES, CPU_ON, CPU_OFF, CPU_SUSPEND and \
             AFFINITY_INFO by it, and is left PTP and stolen time; a guest of this lock's baseline got -1",
        );
    }
    // Calls that no answer is promised for, because they end the machine or are never the same twice.
    for (function, step) in taken {
        if !filtered.contains(&function) {
            plan.keep(
                &smccc::function_name(function),
                Way::Emulate,
                Some(step),
                by_runner,
            );
        }
    }
}

/// The functions that are taken out of the kernel's hands, each with its step:
/// those of which an answer would be wrong, and all of whose promised answers
/// can be given, either by the runner or by denying the call; and, if so asked
/// (`preferred`), what the runner can answer. `natives` is what the kernel answers to each of the lock's calls.
fn taken_over(
    lock: &Lock,
    promised: &HashMap<String, (u64, u64)>,
    natives: &[Option<u64>],
    preferred: impl Fn(u32) -> bool,
) -> BTreeMap<u32, Step> {
    struct Promised {
        wrong: bool,
        deniable: bool,
        answerable: bool,
    }
    let unpromised = |function| {
        let promised = Promised {
            wrong: false,
            deniable: true,
            answerable: smccc::ANSWERED_BY_RUNNER.contains(&function),
        };
        (function, promised)
    };
    // Also what the lock has no answer for: without a promise, it is what KVM knows better that is left to KVM.
    let mut functions: BTreeMap<u32, Promised> = smccc::ANSWERED_BY_RUNNER
        .iter()
        .copied()
        .filter(|function| !smccc::KNOWN_BY_KVM.contains(function))
        .map(unpromised)
        .collect();
    for (entry, native) in lock.hypercalls.answers.iter().zip(natives) {
        let Some((key, x0)) = promised.get(&entry.call) else {
            continue;
        };
        let Some(function) = smccc::function_of(*key).filter(|f| smccc::filterable(*f)) else {
            continue;
        };
        let of = functions
            .entry(function)
            .or_insert_with(|| unpromised(function).1);
        of.wrong |= *native != Some(entry.answer);
        // KVM denies with x0 = NOT_SUPPORTED and x1 to x3 = 0.
        let first = wire::call_result(wire::id_of(*key)) == 0;
        of.deniable &= entry.answer == if first { smccc::NOT_SUPPORTED } else { 0 };
        // The runner answers as our model of the lock's services does.
        of.answerable &= *x0 == entry.answer;
    }
    let step = |(function, of): (u32, Promised)| match of {
        Promised {
            answerable: true, ..
        } if preferred(function) => Some((function, Step::Forward(function))),
        Promised { wrong: false, .. } => None,
        Promised { deniable: true, .. } => Some((function, Step::Deny(function))),
        Promised {
            answerable: true, ..
        } => Some((function, Step::Forward(function))),
        _ => None,
    };
    functions.into_iter().filter_map(step).collect()
}
