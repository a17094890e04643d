//! Description plus catalogue gives lock: pure, and every complaint at once.
//!
//! Here the order of things and the choice of baselines; beside it, in
//! `resolve/`, a file for each part of the machine.

use crate::catalogue::{Baseline, Catalogue};
use crate::lock::reset;
use crate::lock::{
    AcrossSaves, Answer, Boot, BootFile, Counters, DeviceTree, Hypercalls, Lock, LockedCpu,
    PhysicalCounter, VirtualCounter, v1, v2,
};
use crate::machine::{self, virtio};
use crate::names;
use crate::observation::fact_name;
use crate::sha256;
use crate::smccc;
use crate::vm::{self, VmSpec};
use std::collections::BTreeMap;

mod aarch32;
pub mod allow;
mod caches;
mod combinations;
mod complaint;
mod context;
mod debug;
mod decision;
mod devices;
pub mod dispatch;
mod elsewhere;
mod emulated;
mod features;
mod firmware;
mod gic;
mod kernel;
mod literal;
mod named;
mod overrides;
mod pmu;
mod reach;
mod registers;
mod shape;
mod unmeasured;
mod unsure;
mod vary;
mod vectors;
mod withheld;

pub use complaint::{Complaint, Severity};
pub use literal::{posix, unexpanded};
pub use shape::is_name;

use complaint::Complaints;
use context::{Context, Draft};
pub(crate) use firmware::waived_answers;
pub(crate) use gic::{GIC_IIDR, identification};
pub(crate) use registers::owed;

/// What a lock of that version says of its schema when the spec does not: the schema's own name (`$id`), which moves
/// with nothing and needs no network. `vmlock editor-setup` tells an editor what it names.
pub fn lock_schema(version: u32) -> String {
    format!("urn:vmlock:schema:lock:v{version}")
}

/// What locks said before they said [`lock_schema`].
pub fn former_lock_schema(version: u32) -> String {
    format!(
        "https://raw.githubusercontent.com/vmlock/vmlock/main/schema/lock.v{version}.schema.json"
    )
}

/// What sort of lock is wanted.
#[derive(Clone, Debug)]
pub struct Target {
    /// The version of its format, where it is given; else that of a new lock: the oldest one, from 2 on, that holds all
    /// that a description can say.
    pub version: Option<u32>,
    /// Names of baselines and CPU models of the lock that it takes the place of: where the catalogue has corrected one
    /// since, that lock's own is still meant.
    pub pins: Vec<String>,
    /// Whether that lock says [`former_lock_schema`]: its bytes stay as they are.
    pub former_schema: bool,
}

impl Target {
    /// The version of a new lock, of the newest of everything.
    pub const NEWEST: Self = Self {
        version: None,
        pins: Vec::new(),
        former_schema: false,
    };

    /// That version, of the newest of everything.
    pub const fn of(version: u32) -> Self {
        Self {
            version: Some(version),
            pins: Vec::new(),
            former_schema: false,
        }
    }

    /// The version of the lock that is made of a description.
    pub fn version(&self, spec: &VmSpec) -> u32 {
        let seed = spec.boot.as_ref().is_some_and(|boot| boot.kaslr_seed);
        let counts = spec.across_saves == vm::AcrossSaves::GoesOn;
        let newer = seed || counts || spec.vmgenid || !spec.devices.is_empty();
        self.version.unwrap_or(match newer {
            true => virtio::SINCE,
            false => v2::VERSION,
        })
    }

    /// What an old lock asks to be kept.
    pub fn keeping(lock: &Lock) -> Self {
        let model = std::iter::once(&lock.cpu.model);
        Self {
            // What a newer version has for itself is the description's to ask for again.
            version: (lock.lock_version <= v2::VERSION).then_some(lock.lock_version),
            pins: lock.baselines.keys().chain(model).cloned().collect(),
            former_schema: lock.schema == former_lock_schema(lock.lock_version),
        }
    }
}

/// Everything that is wrong with a description whatever the catalogue holds, where it becomes a lock of that version.
pub fn problems(spec: &VmSpec, version: u32) -> Vec<Complaint> {
    let mut complaints = Complaints(shape::problems(spec, version));
    devices::devices(spec, version, &mut complaints);
    complaints.0
}

/// Resolves a description. Warnings come with the lock.
///
/// # Errors
/// All complaints, at least one of them an error.
pub fn resolve(
    spec: &VmSpec,
    catalogue: &Catalogue,
    target: &Target,
) -> Result<(Lock, Vec<Complaint>), Vec<Complaint>> {
    let (lock, complaints) = match resolved(spec, catalogue, target) {
        Ok((lock, warnings)) => (Some(lock), warnings),
        Err(complaints) => (None, complaints),
    };
    let complaints = allow::allow(spec, complaints);
    let sound = complaints.iter().all(|c| c.severity == Severity::Warning);
    match lock {
        Some(lock) if sound => Ok((lock, complaints)),
        _ => Err(complaints),
    }
}

/// The same, with every warning, allowed or not.
fn resolved(
    spec: &VmSpec,
    catalogue: &Catalogue,
    target: &Target,
) -> Result<(Lock, Vec<Complaint>), Vec<Complaint>> {
    let version = target.version(spec);
    let mut complaints = Complaints::default();
    let names = choose(spec, catalogue, &target.pins, &mut complaints);
    let cpu = catalogue.cpu(catalogue.cpu_revision(&spec.cpu.model, &target.pins));
    if cpu.is_none() {
        let help = names::cpu(&spec.cpu.model, catalogue);
        complaints.error(
            "spec::unknown-cpu",
            "/cpu/model",
            format!("unknown CPU model `{}`", spec.cpu.model),
            Some(help),
        );
    }
    complaints.0.extend(problems(spec, version));
    devices::sizes(spec, &mut complaints);
    vectors::vector_lengths(spec, cpu, &mut complaints);
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
        if version > v1::VERSION {
            baselines.insert(name.clone(), chain_digest(&chain, version));
        }
        for baseline in chain {
            // In version 1 who decided was the baseline that the user named, whichever of its ancestors said it.
            let from = match version {
                v1::VERSION => format!("abi/{name}"),
                _ => format!("abi/{}", baseline.name),
            };
            let said = baseline.statements.iter();
            statements.extend(said.map(|s| (baseline, s, from.clone())));
            if version == v1::VERSION {
                baselines.insert(
                    baseline.name.to_string(),
                    digest_in(&baseline.digests, version),
                );
            }
        }
    }
    let context = Context::new(spec, cpu, statements, version);
    let mut registers = registers::registers(&context, &mut complaints);
    overrides::overrides(&context, &mut registers, &mut complaints);
    let unknown = unmeasured::of(&registers);
    let mut locked = registers::finish(&context, registers);
    caches::caches(&context, &unknown, &mut locked, &mut complaints);
    firmware::firmware(&context, &mut locked, &mut complaints);
    features::stolen_time(spec, &locked, &mut complaints);
    vary::vary(&context, &mut locked, &mut complaints);
    unmeasured::complain(&context, &unknown, &locked, &mut complaints);
    if let Some(whole) = names.first() {
        let means = |name: &String| catalogue.revision(name, &target.pins) == whole;
        let index = spec.abi.iter().position(means).unwrap_or(0);
        kernel::complain(&context, catalogue, whole, index, &mut complaints);
        let doubts = unsure::warnings(&context, catalogue, whole, index);
        complaints.0.extend(doubts);
    }
    reach::memory(&context, &locked, &mut complaints);
    let promised = dispatch::warnings(&context, &locked, catalogue);
    complaints.0.extend(promised);
    complaints.0.extend(withheld::warnings(&context, &locked));
    locked.sort_by_key(|r| r.id);
    let services = firmware::services(&context, &locked);
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
    let actlr = context.known(reset::ACTLR, u64::MAX);
    if actlr.is_none() && version > v1::VERSION {
        let what = "what a vCPU begins with";
        unmeasured::hangs(&context, what, reset::ACTLR, None, &mut complaints);
    }
    if complaints.0.iter().any(|c| c.severity == Severity::Error) {
        return Err(complaints.0);
    }
    complaints.0.extend(emulated::warning(cpu, catalogue));
    let mut features = spec.cpu.features.clone();
    features.sort();
    let waived = waived_answers(&locked);
    let decided = firmware::deciders(&context, &locked, &services);
    let answers = smccc::answers(&services, version).into_iter();
    let answers = answers
        .filter(|(key, _)| !waived.contains(key))
        .map(|(key, answer)| Answer {
            call: fact_name(key).into_owned(),
            answer,
            from: decided(key),
        })
        .collect();
    let mut lock = Lock {
        schema: spec
            .lock_schema
            .clone()
            .unwrap_or_else(|| match target.former_schema {
                true => former_lock_schema(version),
                false => lock_schema(version),
            }),
        lock_version: version,
        name: spec.name.clone(),
        arch: spec.arch,
        baselines,
        cpu: LockedCpu {
            model: cpu.name.to_string(),
            digest: digest_in(&cpu.digests, version),
        },
        features,
        vector_lengths: spec.cpu.vector_lengths.clone(),
        registers: locked,
        gic,
        hypercalls: Hypercalls {
            psci: psci.to_owned(),
            smccc: "1.1".into(),
            conduit: "hvc".into(),
            answers,
        },
        counters: Counters {
            virtual_counter: VirtualCounter::ZeroAtCreation,
            physical_counter: PhysicalCounter::Host,
            across_saves: match spec.across_saves {
                vm::AcrossSaves::StandsStill => None,
                vm::AcrossSaves::GoesOn => Some(AcrossSaves::GoesOn),
            },
        },
        reset: Vec::new(),
        machine: machine::build(spec, version),
        device_tree: DeviceTree {
            base: machine::tree_base(
                spec.memory,
                spec.boot.as_ref().and_then(|boot| boot.kernel_address),
            ),
            digest: String::new(),
            text: Vec::new(),
            bytes: Vec::new(),
        },
        boot: spec.boot.as_ref().map(boot),
    };
    // Version 1, which says nothing of it, needs none.
    lock.reset = reset::lines(&lock, actlr.unwrap_or(0));
    machine::describe(&mut lock);
    Ok((lock, complaints.0))
}

/// The digest that locks of that version name.
fn digest_in(digests: &[crate::catalogue::Text], version: u32) -> String {
    let at = version as usize - 1;
    digests.get(at).map(|d| d.to_string()).unwrap_or_default()
}

/// A digest over a baseline and all those that it is a difference from, oldest first.
fn chain_digest(chain: &[&Baseline], version: u32) -> String {
    let digests = chain.iter().map(|b| digest_in(&b.digests, version));
    let lines: String = digests.map(|digest| digest + "\n").collect();
    sha256::named(lines.as_bytes())
}

fn boot(boot: &crate::vm::Boot) -> Boot {
    let file = |path: &str, digest: &Option<String>| BootFile {
        digest: digest.clone(),
        ..BootFile::at(path)
    };
    Boot {
        kernel: BootFile {
            address: boot.kernel_address,
            ..file(&boot.kernel, &boot.kernel_digest)
        },
        initrd: boot
            .initrd
            .as_ref()
            .map(|path| file(path, &boot.initrd_digest)),
        cmdline: boot.cmdline.clone(),
        kaslr_seed: boot.kaslr_seed,
    }
}

/// Which baselines apply: the whole one first, then the parts. Two that speak
/// of the same thing at the same level contradict each other.
fn choose(
    spec: &VmSpec,
    catalogue: &Catalogue,
    pins: &[String],
    complaints: &mut Complaints,
) -> Option<Vec<String>> {
    let mut whole: Option<(usize, &Baseline)> = None;
    let mut parts: Vec<(usize, &Baseline)> = Vec::new();
    let mut sound = true;
    let unknown = |name: &str| catalogue.baseline(catalogue.revision(name, pins)).is_none();
    let mut names_of = spec.abi.iter().enumerate().peekable();
    while let Some((index, name)) = names_of.next() {
        let place = format!("/abi/{index}");
        // One of the two alone is a baseline of the author's own.
        if let Some((_, number)) = names_of.peek().copied()
            && unknown(name)
            && unknown(number)
            && let Some(help) = names::in_two_words(name, number, catalogue)
        {
            complaints.error(
                "spec::unknown-baseline",
                place,
                format!("unknown baseline `{name}`: a name is one word, and `{number}` is another"),
                Some(help),
            );
            sound = false;
            names_of.next();
            continue;
        }
        let Some(baseline) = catalogue.baseline(catalogue.revision(name, pins)) else {
            let help = names::baseline(name, catalogue);
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
