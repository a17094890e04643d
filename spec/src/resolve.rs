//! Description plus catalogue gives lock: pure, and every complaint at once.
//!
//! Here the order of things and the choice of baselines; beside it, in
//! `resolve/`, a file for each part of the machine.

use crate::catalogue::{Baseline, Catalogue};
use crate::lock::{
    Answer, Counters, Hypercalls, LOCK_VERSION, Lock, LockedCpu, PhysicalCounter, VirtualCounter,
};
use crate::machine;
use crate::observation::fact_name;
use crate::smccc;
use crate::vm::VmSpec;
use crate::words::did_you_mean;
use std::collections::BTreeMap;

mod aarch32;
mod caches;
mod complaint;
mod context;
mod debug;
pub mod dispatch;
mod features;
mod firmware;
mod gic;
mod hwcaps;
mod overrides;
mod pmu;
mod registers;
mod shape;
mod unsure;
mod vary;
mod vectors;

pub use caches::selectors;
pub use complaint::{Complaint, Severity};
pub use hwcaps::HWCAPS;

use complaint::Complaints;
use context::{Context, Draft};
pub(crate) use firmware::waived_answers;
pub(crate) use gic::{GIC_IIDR, identification};
pub(crate) use registers::owed;

/// Where an editor finds the lock's schema when the spec does not say.
pub const LOCK_SCHEMA: &str =
    "https://raw.githubusercontent.com/vmlock/vmlock/main/schema/lock.v1.schema.json";

/// Resolves a description. Warnings come with the lock.
///
/// # Errors
/// All complaints, at least one of them an error.
pub fn resolve(
    spec: &VmSpec,
    catalogue: &Catalogue,
) -> Result<(Lock, Vec<Complaint>), Vec<Complaint>> {
    let mut complaints = Complaints::default();
    let names = choose(spec, catalogue, &mut complaints);
    let cpu = catalogue.cpu(&spec.cpu.model);
    if cpu.is_none() {
        let help = did_you_mean(&spec.cpu.model, catalogue.cpu_names()).unwrap_or_else(|| {
            format!(
                "known models: {}",
                catalogue.cpu_names().collect::<Vec<_>>().join(", ")
            )
        });
        complaints.error(
            "spec::unknown-cpu",
            "/cpu/model",
            format!("unknown CPU model `{}`", spec.cpu.model),
            Some(help),
        );
    }
    shape::shape(spec, &mut complaints);
    vectors::vector_lengths(spec, &mut complaints);
    let (Some(names), Some(cpu)) = (names, cpu) else {
        return Err(complaints.0);
    };
    features::silicon(spec, cpu, &mut complaints);
    let mut statements = Vec::new();
    let mut baselines = BTreeMap::new();
    for name in &names {
        let Some(chain) = catalogue.chain(name) else {
            complaints.error(
                "spec::broken-chain",
                "/abi",
                format!("baseline `{name}` is a difference from one that is not there"),
                Some("import the file that defines it".into()),
            );
            continue;
        };
        for baseline in chain {
            // Who asked is the baseline that the user named, not its ancestors.
            statements.extend(
                baseline
                    .statements
                    .iter()
                    .map(|s| (baseline, s, format!("abi/{name}"))),
            );
            baselines.insert(baseline.name.to_string(), baseline.digest.to_string());
        }
    }
    let context = Context::new(spec, cpu, statements);
    let mut registers = registers::registers(&context);
    overrides::overrides(&context, &mut registers, &mut complaints);
    let mut locked = registers::finish(&context, registers);
    caches::caches(&context, &mut locked, &mut complaints);
    firmware::firmware(&context, &mut locked, &mut complaints);
    features::stolen_time(spec, &locked, &mut complaints);
    vary::vary(spec, &mut locked, &mut complaints);
    complaints.0.extend(unsure::warnings(&context, catalogue));
    let promised = dispatch::warnings(&context, &locked, catalogue);
    complaints.0.extend(promised);
    locked.sort_by_key(|r| r.id);
    let (services, psci_from, smc_from) = firmware::services(&context, &locked);
    let Some(psci) = smccc::psci_name(services.psci) else {
        complaints.error(
            "spec::incomplete-baseline",
            "/abi",
            "the baselines say nothing of a PSCI version that exists".into(),
            Some("add a part such as \"psci-1.1\"".into()),
        );
        return Err(complaints.0);
    };
    let gic = gic::gic(&context, &mut complaints);
    if complaints.0.iter().any(|c| c.severity == Severity::Error) {
        return Err(complaints.0);
    }
    let mut features = spec.cpu.features.clone();
    features.sort();
    let waived = waived_answers(&locked);
    let mut lock = Lock {
        schema: spec
            .lock_schema
            .clone()
            .unwrap_or_else(|| LOCK_SCHEMA.to_owned()),
        lock_version: LOCK_VERSION,
        name: spec.name.clone(),
        arch: spec.arch,
        baselines,
        cpu: LockedCpu {
            model: cpu.name.to_string(),
            digest: cpu.digest.to_string(),
        },
        features,
        vector_lengths: spec.cpu.vector_lengths.clone(),
        registers: locked,
        gic,
        hypercalls: Hypercalls {
            psci: psci.to_owned(),
            smccc: "1.1".into(),
            conduit: "hvc".into(),
            answers: smccc::answers(&services)
                .into_iter()
                .filter(|(key, _)| !waived.contains(key))
                .map(|(key, answer)| Answer {
                    call: fact_name(key),
                    answer,
                    from: firmware::answer_from(key, &psci_from, &smc_from, &cpu.name),
                })
                .collect(),
        },
        counters: Counters {
            virtual_counter: VirtualCounter::ZeroAtCreation,
            physical_counter: PhysicalCounter::Host,
        },
        machine: machine::build(spec),
        boot: spec.boot.clone(),
    };
    match machine::fdt(&lock) {
        Ok(bytes) => lock.machine.fdt = crate::lock::Fdt::new(lock.machine.fdt.base, &bytes),
        Err(error) => {
            complaints.error(
                "spec::fdt",
                "/boot/cmdline",
                format!("no FDT can say this: {error}"),
                None,
            );
            return Err(complaints.0);
        }
    }
    Ok((lock, complaints.0))
}

/// Which baselines apply: the whole one first, then the parts. Two that speak
/// of the same thing at the same level contradict each other.
fn choose(
    spec: &VmSpec,
    catalogue: &Catalogue,
    complaints: &mut Complaints,
) -> Option<Vec<String>> {
    let mut whole: Option<(usize, &Baseline)> = None;
    let mut parts: Vec<(usize, &Baseline)> = Vec::new();
    let mut sound = true;
    for (index, name) in spec.abi.iter().enumerate() {
        let place = format!("/abi/{index}");
        let Some(baseline) = catalogue.baseline(name) else {
            let help = did_you_mean(name, catalogue.baseline_names()).unwrap_or_else(|| {
                format!(
                    "known baselines: {}",
                    catalogue.baseline_names().collect::<Vec<_>>().join(", ")
                )
            });
            complaints.error(
                "spec::unknown-baseline",
                place,
                format!("unknown baseline `{name}`"),
                Some(help),
            );
            sound = false;
            continue;
        };
        let rival = match baseline.part {
            None => whole,
            Some(_) => parts.iter().copied().find(|(_, p)| p.part == baseline.part),
        };
        if let Some((at, other)) = rival {
            let (what, help) = match baseline.part.as_deref() {
                None => (
                    "everything".to_owned(),
                    "name one whole baseline, and parts to change it",
                ),
                Some(part) => (format!("`{part}`"), "remove one of them"),
            };
            let message = if baseline.name == other.name {
                format!("baseline `{name}` is named twice")
            } else {
                format!(
                    "`{name}` and `{}` both say what a guest sees of {what}",
                    other.name
                )
            };
            complaints
                .error("spec::contradiction", place, message, Some(help.into()))
                .also
                .push((
                    format!("/abi/{at}"),
                    format!("`{}` is named here", other.name),
                ));
            sound = false;
        } else if baseline.part.is_none() {
            whole = Some((index, baseline));
        } else {
            parts.push((index, baseline));
        }
    }
    let Some((_, whole)) = whole else {
        if sound {
            complaints.error(
                "spec::no-whole-baseline",
                "/abi",
                "no whole baseline is named: parts alone do not say what a guest sees".into(),
                Some("add one, for example \"kvm-6.8\"".into()),
            );
        }
        return None;
    };
    let mut names = vec![whole.name.to_string()];
    names.extend(parts.iter().map(|(_, p)| p.name.to_string()));
    sound.then_some(names)
}
