//! Firmware calls: answered by the kernel as it is, by the kernel once its
//! registers are set, or by the runner.

use super::decider::Decider;
use super::host::{Filter, Host};
use super::inside::Inside;
use super::{Plan, Refusal, Step, Way, disagreement};
use crate::lock::{Answer, Lock, LockedRegister};
use crate::observation::wire::{self, calls};
use crate::observation::{key_of, unpromised};
use crate::reason;
use crate::report::{Reading, View};
use crate::smccc::{self, KeyedAnswer, Services};
use crate::vm::Feature;
use std::collections::{BTreeMap, BTreeSet};

/// TRNG_VERSION (DEN0098).
const TRNG_VERSION: u32 = 0x8400_0050;

/// What of a lock bears on firmware calls.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Asked<'a> {
    pub answers: &'a [Answer],
    own: Services,
    /// KVM's own registers, which no guest reads.
    registers: Vec<&'a LockedRegister>,
    version: u32,
    stolen_time: bool,
}

/// What of a host bears on the calls that a lock has answers for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Answering {
    host: Services,
    /// Those of [`SERVICES`] that KVM lists.
    listed: Vec<u64>,
    /// What the probe's guest was answered, in the order of the lock's answers.
    readings: Vec<Reading>,
    filter: Filter,
}

/// Registers by which a VM is given services.
const SERVICES: [u64; 5] = [
    smccc::PSCI_VERSION_REGISTER,
    smccc::STD_BMAP_REGISTER,
    smccc::STD_HYP_BMAP_REGISTER,
    smccc::VENDOR_HYP_BMAP_REGISTER,
    smccc::VENDOR_HYP_BMAP_2_REGISTER,
];

impl<'a> Asked<'a> {
    pub(super) fn of(lock: &'a Lock) -> Self {
        let registers = lock.registers.iter();
        Self {
            answers: &lock.hypercalls.answers,
            own: Services::of_lock(lock),
            registers: registers.filter(|entry| !entry.guest_readable()).collect(),
            version: lock.lock_version,
            stolen_time: lock.features.contains(&Feature::StealTime),
        }
    }

    fn register(&self, id: u64) -> Option<&'a LockedRegister> {
        self.registers.iter().find(|entry| entry.id == id).copied()
    }
}

impl Answering {
    pub(super) fn of(host: Host, answers: &[Answer]) -> Self {
        let listed = SERVICES.into_iter();
        let reading = |answer: &Answer| match key_of(&answer.call) {
            Some(key) => host.inside.seen(key),
            None => host.inside.seen_as(&answer.call),
        };
        Self {
            host: host_services(host.view, host.inside),
            listed: listed
                .filter(|id| host.view.register(*id).is_some())
                .collect(),
            readings: answers.iter().map(reading).collect(),
            filter: host.knobs.filter,
        }
    }
}

/// Those of [`SERVICES`] that a plan leaves as the kernel has them, a bit each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Left(u8);

impl Left {
    /// Of a plan, as far as it is made.
    pub(super) fn of(plan: &Plan) -> Self {
        let left = |id: &u64| {
            let mut steps = plan.steps();
            steps.any(|step| matches!(step, Step::Leave { id: of, .. } if of == id))
        };
        let bits = SERVICES.iter().enumerate();
        let bits = bits.filter(|(_, id)| left(id)).map(|(at, _)| 1 << at);
        Self(bits.fold(0, |all, bit: u8| all | bit))
    }

    pub(super) const fn of_bits(bits: u8) -> Self {
        Self(bits & ((1 << SERVICES.len()) - 1))
    }

    pub(super) const fn bits(self) -> u8 {
        self.0
    }

    fn contains(self, id: u64) -> bool {
        let at = SERVICES.iter().position(|service| *service == id);
        at.is_some_and(|at| self.0 >> at & 1 == 1)
    }
}

/// A call of which the lock says what it answers.
struct Call<'a> {
    entry: &'a Answer,
    /// Its key, and what our model of the lock's services answers; `None` for what the model does not know.
    promised: Option<KeyedAnswer>,
    /// What the kernel answers once its registers are set, where that is known beforehand.
    native: Option<u64>,
    /// What the probe's guest was answered.
    reading: &'a Reading,
}

/// Firmware calls. Where the host's default answer is what our model of KVM
/// says, the model says what it will answer once the registers are set; where
/// it is not, the answer must already be the promised one. What the kernel
/// does not answer as promised, the runner answers where it may.
pub(super) fn answers(
    lock: &Asked,
    on: &Answering,
    left: Left,
    same_cpu: Option<bool>,
    plan: &mut Plan,
) {
    let (host, filter) = (on.host, on.filter);
    let settable = |id: u64, host: u64| match lock.register(id) {
        Some(entry) if on.listed.contains(&id) && !left.contains(id) => entry.value,
        _ => host,
    };
    let after = Services {
        psci: settable(smccc::PSCI_VERSION_REGISTER, host.psci.into()) as u32,
        std: settable(smccc::STD_BMAP_REGISTER, host.std),
        std_hyp: settable(smccc::STD_HYP_BMAP_REGISTER, host.std_hyp),
        vendor_hyp: settable(smccc::VENDOR_HYP_BMAP_REGISTER, host.vendor_hyp),
        vendor_hyp_2: settable(smccc::VENDOR_HYP_BMAP_2_REGISTER, host.vendor_hyp_2),
        stolen_time: lock.stolen_time,
        ..host
    };
    let own = lock.own;
    let model = |services: &Services| smccc::answers(services, lock.version);
    let (promised, before, after) = (model(&own), model(&host), model(&after));
    // What the kernel answers once its registers are set. Every model knows the same calls.
    let native = |key: Option<u64>, now: Option<u64>| {
        let modelled = |model: &[KeyedAnswer]| smccc::answer_to(model, key?);
        let (before, after) = (modelled(&before), modelled(&after));
        if now.is_some() && now == before {
            after
        } else if before == after {
            now
        } else {
            None
        }
    };
    let calls = lock
        .answers
        .iter()
        .zip(&on.readings)
        .map(|(entry, reading)| {
            let key = key_of(&entry.call);
            let promised = key.and_then(|key| Some((key, smccc::answer_to(&promised, key)?)));
            Call {
                entry,
                promised,
                native: native(promised.map(|(key, _)| key), reading.value()),
                reading,
            }
        });
    let calls: Vec<Call> = calls.collect();
    // Where SMC was no conduit and this kernel takes it for one, every call that the runner can answer, and every one
    // that nobody implements, comes to it: the kernel's filter knows no conduits, the runner does. What is left to the
    // kernel (the architecture's own calls, which the filter refuses, and what needs the vCPUs' states) a guest can
    // still ask for by SMC; nobody can keep that from it.
    let close_smc = host.smc && !own.smc;
    let taken = match filter {
        Filter::Usable if close_smc => {
            let of_kernel = |function| smccc::KNOWN_BY_KVM.contains(&function);
            taken_over(&calls, |function| !of_kernel(function))
        }
        Filter::Usable => taken_over(&calls, |_| false),
        Filter::Preferred => taken_over(&calls, |_| true),
        Filter::Forbidden | Filter::Missing => BTreeMap::new(),
    };
    let by_runner = match close_smc {
        true => "answered by the runner, which takes no SMC",
        false => "answered by the runner",
    };
    // Of a call that asks about a workaround, the lock's level and the host's.
    let level_of = |call: &str| {
        let asked = wire::id_of(
            key_of(call).filter(|key| wire::kind_of(*key) == Some(wire::Kind::ArchFeatures))?,
        );
        let mut all = smccc::WORKAROUNDS.iter().zip(host.workarounds);
        let ((id, _), level) = all.find(|((_, function), _)| u64::from(*function) == asked)?;
        Some((lock.register(*id)?, level))
    };
    // Then the filter is given ranges instead of one function after another.
    let in_ranges = close_smc && matches!(filter, Filter::Usable | Filter::Preferred);
    let mut filtered = BTreeSet::new();
    for asked in &calls {
        let (entry, later) = (asked.entry, asked.native);
        let call = entry.call.as_str();
        if let Reading::Apart(readings) = asked.reading {
            let wanted = format!("{:#x}", entry.answer);
            disagreement::refuse(call, wanted, readings, &entry.from, plan);
            continue;
        }
        let now = asked.reading.value();
        let function = asked.promised.and_then(|(key, _)| smccc::function_of(key));
        if let Some((function, step)) = function.and_then(|f| taken.get_key_value(&f)) {
            let words = match step {
                Step::Deny(_) if !in_ranges => "the kernel is told to deny it",
                _ => by_runner,
            };
            let step = (filtered.insert(*function) && !in_ranges).then(|| step.clone());
            plan.keep(call, Way::Emulate, step, words);
            continue;
        }
        if later == Some(entry.answer) {
            let way = if now == later { Way::Same } else { Way::Set };
            plan.keep(call, way, None, "");
            continue;
        }
        let words = |x0: Option<u64>| match x0 {
            Some(value) => smccc::answer_name(call, value),
            None => "no answer that is known beforehand".to_owned(),
        };
        let decider =
            level_of(call).map(|(entry, level)| Decider::workaround(entry, level, same_cpu));
        let is_untold = matches!(asked.reading, Reading::Unseen);
        // A guest that asked and was given no answer.
        let instead = match asked.reading {
            Reading::Alike(_, seen) if now.is_none() => Some(seen.to_string()),
            _ => None,
        };
        let mut help = vec![match &decider {
            _ if is_untold => Refusal::AGAIN.to_owned(),
            Some(decider) => decider.help.clone(),
            None => "choose a host whose kernel has, or can hide, the service".to_owned(),
        }];
        if function.is_some_and(smccc::filterable) {
            help.extend(filter.help());
        }
        plan.refusals.push(Refusal {
            code: reason::ANSWER,
            name: call.to_owned(),
            wanted: words(Some(entry.answer)),
            offered: match is_untold {
                true => Refusal::UNTOLD.to_owned(),
                false => match (later, instead.clone()) {
                    (None, Some(instead)) => instead,
                    _ => words(later.or(now)),
                },
            },
            reason: match later.or(now) {
                None if instead.is_some() => {
                    let instead = instead.unwrap_or_default();
                    format!("a guest that calls {call} here meets {instead}, and no answer")
                }
                Some(x0) => match decider {
                    Some(decider) => {
                        format!(
                            "{call} answers {} here, and {}",
                            words(Some(x0)),
                            decider.who
                        )
                    }
                    None => format!("{call} answers {} here", words(Some(x0))),
                },
                None => {
                    format!("what {call} answers here is not known: the probe's guest did not ask")
                }
            },
            from: entry.from.clone(),
            help,
        });
    }
    if close_smc {
        let row = unpromised::BY_SMC;
        let words = row.words.trim_start_matches(": ");
        plan.keep(row.name, Way::Unpromised, None, words);
    }
    if in_ranges {
        let known = smccc::KNOWN_BY_KVM
            .iter()
            .filter(|f| !taken.contains_key(f));
        let left = smccc::STATEFUL.iter().chain(known).copied().collect();
        let step = Step::ForwardRanges(smccc::filterable_but(&left));
        plan.keep("all other functions", Way::Emulate, Some(step), by_runner);
        return;
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
/// (`preferred`), what the runner can answer.
fn taken_over(calls: &[Call], preferred: impl Fn(u32) -> bool) -> BTreeMap<u32, Step> {
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
    for call in calls {
        let Some((key, x0)) = call.promised else {
            continue;
        };
        let Some(function) = smccc::function_of(key).filter(|f| smccc::filterable(*f)) else {
            continue;
        };
        let of = functions
            .entry(function)
            .or_insert_with(|| unpromised(function).1);
        let answer = call.entry.answer;
        of.wrong |= call.native != Some(answer);
        // KVM denies with x0 = NOT_SUPPORTED and x1 to x3 = 0.
        let first = wire::call_result(wire::id_of(key)) == 0;
        of.deniable &= answer == if first { smccc::NOT_SUPPORTED } else { 0 };
        // The runner answers as our model of the lock's services does.
        of.answerable &= x0 == answer;
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

/// What decides the answers of a default guest's firmware calls in this view.
pub fn default_services(view: &View) -> Services {
    host_services(view, &Inside::of(view))
}

/// Whether a report tells what decides those answers: KVM lists the service's register, or the probe's guest asked for the
/// service. What nobody asked for is not what a kernel does not offer.
pub fn tells_service(view: &View, register: u64) -> bool {
    use wire::Kind::{ArchFeatures, Hvc};
    let (kind, function) = match register {
        smccc::PSCI_VERSION_REGISTER => (Hvc, calls::PSCI_VERSION),
        smccc::STD_BMAP_REGISTER => (Hvc, TRNG_VERSION),
        smccc::STD_HYP_BMAP_REGISTER => (ArchFeatures, calls::PV_TIME_FEATURES),
        smccc::VENDOR_HYP_BMAP_REGISTER => (Hvc, calls::VENDOR_FEATURES),
        // That it is not listed says that there is no such service.
        _ => return true,
    };
    let listed = view.register(register).and_then(|r| r.value);
    let answer = || Inside::of(view).seen(wire::key(kind, function.into()));
    listed.is_some() || answer().value().is_some()
}

/// The same of SMC as a conduit, which has no register.
pub fn tells_smc(view: &View) -> bool {
    let key = wire::key(wire::Kind::Smc, calls::PSCI_VERSION.into());
    // An exception in place of an answer tells as much: it is none.
    matches!(Inside::of(view).seen(key), Reading::Alike(..))
}

/// What decides the answers on the host as it is by default: its registers
/// where it has them, else its answers.
fn host_services(view: &View, inside: &Inside) -> Services {
    use wire::Kind::{ArchFeatures, Hvc, Smc};
    let register = |id: u64| view.register(id).and_then(|r| r.value);
    let answer = |kind, function: u32| inside.seen(wire::key(kind, function.into())).value();
    let offered = |kind, function| {
        let x0 = answer(kind, function);
        x0.filter(|x0| *x0 != smccc::NOT_SUPPORTED)
    };
    let service = |kind, function| u64::from(offered(kind, function).is_some());
    Services {
        psci: register(smccc::PSCI_VERSION_REGISTER)
            .or(answer(Hvc, calls::PSCI_VERSION))
            .unwrap_or(0) as u32,
        std: register(smccc::STD_BMAP_REGISTER).unwrap_or(service(Hvc, TRNG_VERSION)),
        std_hyp: register(smccc::STD_HYP_BMAP_REGISTER)
            .unwrap_or(service(ArchFeatures, calls::PV_TIME_FEATURES)),
        vendor_hyp: register(smccc::VENDOR_HYP_BMAP_REGISTER)
            .or(offered(Hvc, calls::VENDOR_FEATURES))
            .unwrap_or(0),
        vendor_hyp_2: register(smccc::VENDOR_HYP_BMAP_2_REGISTER).unwrap_or(0),
        workarounds: smccc::WORKAROUNDS.map(|(id, function)| {
            let told = || smccc::workaround_level(id, answer(ArchFeatures, function));
            register(id).unwrap_or_else(told)
        }),
        smc: offered(Smc, calls::PSCI_VERSION).is_some(),
        // Nobody has it who was not given it.
        stolen_time: false,
        implementation: None,
    }
}
