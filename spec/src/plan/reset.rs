//! What every vCPU begins with: as the host has it, or written, or refused.
//!
//! KVM resets a vCPU at each CPU_ON (arch/arm64/kvm/reset.c `kvm_reset_vcpu`), and what was written from outside is gone
//! then. So a machine with several vCPUs, one of which has to begin otherwise than KVM lets it, needs the runner to answer
//! CPU_ON itself: it starts the vCPU, writes and reads back. Whatever else was written before is held then, too: some
//! kernels put it back with the rest (CLIDR_EL1 on 6.4 to 6.9, arch/arm64/kvm/sys_regs.c `reset_clidr`).

use super::host::{Filter, Host, Shown};
use super::{Plan, Refusal, Step, Way, disagreement};
use crate::lock::reset::{Begun, begun, line_name};
use crate::lock::{Lock, LockedRegister};
use crate::reason;
use crate::report::{Reading, ReportedRegister, Seen};
use crate::smccc;
use std::collections::BTreeSet;

/// What a vCPU that the runner starts has in one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Beginning {
    /// KVM register id.
    pub id: u64,
    /// The whole value to write.
    pub value: u64,
    /// The bits that are read back.
    pub told: u64,
}

/// What every vCPU that the runner starts has, as far as these steps write it, in their order.
pub fn beginning(lock: &Lock, steps: &[Step]) -> Vec<Beginning> {
    let begun = begun(lock);
    let all = steps.iter().filter_map(|step| {
        let (id, value, told) = match *step {
            Step::Register { id, value } => {
                let entry = lock.registers.iter().find(|entry| entry.id == id);
                (id, value, entry.map(LockedRegister::promised))
            }
            Step::Reset { id, value } => {
                let begun = begun.iter().find(|begun| begun.info.id == id);
                (id, value, begun.map(|begun| begun.told))
            }
            _ => return None,
        };
        // What no line speaks of is neutral as a whole.
        let told = told.unwrap_or(u64::MAX);
        Some(Beginning { id, value, told })
    });
    all.collect()
}

/// What a refusal and a plan call all of it.
pub const ALL: &str = "what a vCPU begins with";

/// What of a lock bears on one register that a vCPU begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owed<'a> {
    pub begun: Begun,
    /// The lock's CPU model.
    model: &'a str,
    /// Whether there are vCPUs that a guest starts.
    several: bool,
}

/// Of every register of which a lock says what a vCPU begins with.
pub(super) fn owed(lock: &Lock) -> Vec<Owed<'_>> {
    let of = |begun| Owed {
        begun,
        model: &lock.cpu.model,
        several: lock.machine.vcpus.len() > 1,
    };
    begun(lock).into_iter().map(of).collect()
}

/// What a host shows of such a register.
pub(super) fn shown<'a>(begun: &Begun, on: &Host<'a>) -> Shown<'a> {
    let fact = begun.fact();
    Shown {
        listed: on.view.register(begun.info.id),
        seen: fact.map_or(Reading::Unseen, |fact| on.inside.seen(fact)),
        knobs: on.knobs,
    }
}

/// Whether KVM says what a vCPU begins with in that register, of those that it can say.
pub(super) fn tells(begun: &Begun, listed: Option<&ReportedRegister>) -> bool {
    begun.is_narrow() && listed.is_some_and(|r| r.value.is_some())
}

/// Of a host whose KVM says nothing of all that.
pub(super) fn untold() -> Refusal {
    let reason = "the report does not say what a vCPU of this host begins with";
    Refusal::untold(ALL, reason)
}

/// Plans each register; those that begin as promised and are zero are one entry.
pub(super) fn reset(lock: &Lock, on: Host, plan: &mut Plan) {
    let all = owed(lock);
    if all.is_empty() {
        return;
    }
    let told = |owed: &Owed| tells(&owed.begun, on.view.register(owed.begun.info.id));
    if !all.iter().any(told) {
        plan.refusals.push(untold());
        return;
    }
    let mut named = BTreeSet::new();
    let mut written = false;
    for owed in &all {
        let begun = &owed.begun;
        let line = lock.reset.iter().any(|l| l.name == line_name(begun.info));
        match one(owed, &shown(begun, &on), plan) {
            Some(Kept::AsItIs) if line => {
                let name = format!("{} at entry", line_name(begun.info));
                if named.insert(name.clone()) {
                    plan.keep(&name, Way::Same, None, "");
                }
            }
            Some(Kept::AsItIs) | None => {}
            Some(Kept::Written(value)) => {
                let id = begun.info.id;
                let step = Some(Step::Reset { id, value });
                plan.keep(&begun.name(), Way::Set, step, "");
                written = true;
            }
        }
    }
    plan.keep(ALL, Way::Same, None, "zero in every other register");
    if written && lock.machine.vcpus.len() > 1 {
        for function in smccc::POWER {
            let words =
                "answered by the runner: KVM's own reset gives a vCPU something else to begin with";
            let step = Some(Step::Forward(function));
            plan.keep(&smccc::function_name(function), Way::Emulate, step, words);
        }
    }
}

/// How one register is kept.
pub(super) enum Kept {
    AsItIs,
    /// With this whole value.
    Written(u64),
}

/// `None` where it is refused.
pub(super) fn one(owed: &Owed, shown: &Shown, plan: &mut Plan) -> Option<Kept> {
    let Owed { begun, several, .. } = owed;
    let filter = shown.knobs.filter;
    let seen = &shown.seen;
    let differs = |value: u64| (value ^ begun.value) & begun.mask;
    if let Reading::Apart(readings) = seen {
        let moved = |(_, seen): &(u32, Seen)| !matches!(seen, Seen::Value(v) if differs(*v) == 0);
        if readings.iter().any(moved) {
            let wanted = format!("{:#x}", begun.value);
            disagreement::refuse(&begun.name(), wanted, readings, &owed.from(), plan);
            return None;
        }
    }
    if unknown(begun, shown) {
        let register = &begun.info.name;
        let reason = format!(
            "neither KVM nor a guest says what a vCPU of this host begins with in {register}"
        );
        plan.refusals.push(Refusal::untold(&begun.name(), &reason));
        return None;
    }
    // Beyond their number, breakpoints and watchpoints need not be there.
    if let Reading::Alike(_, other @ (Seen::Undefined | Seen::Trapped(_) | Seen::Abort)) = seen
        && !begun.info.name.starts_with("DBG")
    {
        let register = &begun.info.name;
        let reason = format!("a guest on this host does not read {register}: it meets {other}");
        plan.refusals.push(Refusal::untold(&begun.name(), &reason));
        return None;
    }
    // What KVM does not tell, only the CPU can have decided.
    let decided = seen.value().filter(|v| differs(*v) & !begun.told != 0);
    if decided.is_none()
        && let Some((listed, value)) = shown.listed.and_then(|r| Some((r, r.value?)))
    {
        let changed = (value ^ begun.value) & begun.told;
        if changed != 0 {
            let wanted = begun.value & begun.told | value & !begun.told;
            let why = match filter {
                _ if changed & !listed.writable != 0 => "the kernel does not take another value",
                Filter::Missing if *several => {
                    "the kernel puts it back whenever the guest starts a vCPU"
                }
                Filter::Forbidden if *several => {
                    "the kernel puts it back whenever the guest starts a vCPU, unless the runner does that"
                }
                _ => return Some(Kept::Written(wanted)),
            };
            let offered = value & begun.mask;
            refuse(owed, offered, reason::NOT_WRITABLE, why, filter, plan);
            return None;
        }
    }
    match seen.value().filter(|value| differs(*value) != 0) {
        // Nor is there a way to change what KVM tells otherwise than it is.
        Some(value) => {
            let why = "KVM has no knob for it";
            refuse(owed, value & begun.mask, reason::NO_KNOB, why, filter, plan);
            None
        }
        None => Some(Kept::AsItIs),
    }
}

/// Whether nobody tells what a vCPU begins with there: KVM does not say all that is promised, no guest saw it, and none
/// will.
fn unknown(begun: &Begun, shown: &Shown) -> bool {
    let told = |listed: &ReportedRegister| match begun.is_narrow() {
        true => listed.value.is_some() && begun.mask & !begun.told == 0,
        // A wider one is compared with zero when the machine is read back.
        false => true,
    };
    let told = shown.listed.is_some_and(told);
    let awaited = shown.knobs.rehearsed && begun.fact().is_some();
    let seen = match &shown.seen {
        Reading::Unseen => false,
        Reading::Alike(..) | Reading::Apart(_) => true,
    };
    !(told || awaited || seen)
}

impl Owed<'_> {
    fn from(&self) -> String {
        self.begun.of_model(self.model)
    }
}

fn refuse(
    owed: &Owed,
    offered: u64,
    code: &'static str,
    who: &str,
    filter: Filter,
    plan: &mut Plan,
) {
    let begun = &owed.begun;
    let name = begun.name();
    let mut help =
        vec!["choose a host whose vCPUs begin so; `vmlock check` compares reports".to_owned()];
    if code == reason::NOT_WRITABLE {
        help.extend(filter.help());
    }
    plan.refusals.push(Refusal {
        code,
        wanted: format!("{:#x}", begun.value),
        offered: format!("{offered:#x}"),
        reason: format!(
            "a vCPU on this host begins with {offered:#x} in {}, and {who}",
            begun.info.name
        ),
        from: owed.from(),
        help,
        name,
    });
}
