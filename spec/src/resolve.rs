//! Description plus catalogue gives lock: pure, and every complaint at once.

use crate::catalogue::{
    Act, Baseline, CachePolicy, Catalogue, CpuModel, Field, Kind, REGISTERS, RegisterInfo, Rule,
    Statement, Subject, field, register_by_name,
};
use crate::lock::{
    Answer, Binding, Counters, Gic, GicRegister, Hypercalls, LOCK_VERSION, Lock, LockedCpu,
    LockedRegister, PhysicalCounter, VirtualCounter, Waiver, full_mask,
};
use crate::machine;
use crate::observation::{fact_name, wire};
use crate::smccc::{self, Services};
use crate::vm::{Feature, Pmu, VmSpec};
use crate::words::did_you_mean;
use std::collections::BTreeMap;

pub mod dispatch;
mod unsure;

/// Where an editor finds the lock's schema when the spec does not say.
pub const LOCK_SCHEMA: &str =
    "https://raw.githubusercontent.com/vmlock/vmlock/main/schema/lock.v1.schema.json";

/// How bad a complaint is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// No lock comes of this.
    Error,
    /// A lock comes of it, and its author should know.
    Warning,
}

/// One thing that the resolver has to say about a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// A stable code, `spec::…`.
    pub code: &'static str,
    /// JSON pointer into the description's JSON form.
    pub place: String,
    /// Other places that take part, each with words.
    pub also: Vec<(String, String)>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether a lock comes of it.
    pub severity: Severity,
}

/// Collects complaints.
#[derive(Default)]
struct Complaints(Vec<Complaint>);

impl Complaints {
    fn error(
        &mut self,
        code: &'static str,
        place: impl Into<String>,
        message: String,
        help: Option<String>,
    ) -> &mut Complaint {
        self.0.push(Complaint {
            code,
            place: place.into(),
            also: Vec::new(),
            message,
            help,
            severity: Severity::Error,
        });
        let last = self.0.len() - 1;
        &mut self.0[last]
    }
}

/// Instruction set features by their Linux hwcap name (Documentation/arch/arm64/elf_hwcaps.rst)
/// and the ID register fields that announce them, in AArch64 and AArch32.
pub const HWCAPS: &[(&str, &[&str])] = &[
    ("aarch32", &[AARCH32]),
    ("aes", &["ID_AA64ISAR0_EL1.AES", "ID_ISAR5_EL1.AES"]),
    ("asimddp", &["ID_AA64ISAR0_EL1.DP", "ID_ISAR6_EL1.DP"]),
    ("asimdfhm", &["ID_AA64ISAR0_EL1.FHM", "ID_ISAR6_EL1.FHM"]),
    ("asimdrdm", &["ID_AA64ISAR0_EL1.RDM", "ID_ISAR5_EL1.RDM"]),
    ("atomics", &["ID_AA64ISAR0_EL1.ATOMIC"]),
    ("bf16", &["ID_AA64ISAR1_EL1.BF16", "ID_ISAR6_EL1.BF16"]),
    ("crc32", &["ID_AA64ISAR0_EL1.CRC32", "ID_ISAR5_EL1.CRC32"]),
    ("dcpop", &["ID_AA64ISAR1_EL1.DPB"]),
    ("fcma", &["ID_AA64ISAR1_EL1.FCMA", "ID_ISAR5_EL1.VCMA"]),
    ("frint", &["ID_AA64ISAR1_EL1.FRINTTS"]),
    ("i8mm", &["ID_AA64ISAR1_EL1.I8MM", "ID_ISAR6_EL1.I8MM"]),
    ("jscvt", &["ID_AA64ISAR1_EL1.JSCVT", "ID_ISAR6_EL1.JSCVT"]),
    ("lrcpc", &["ID_AA64ISAR1_EL1.LRCPC"]),
    ("mops", &["ID_AA64ISAR2_EL1.MOPS"]),
    ("rng", &["ID_AA64ISAR0_EL1.RNDR"]),
    ("sb", &["ID_AA64ISAR1_EL1.SB", "ID_ISAR6_EL1.SB"]),
    ("sha1", &["ID_AA64ISAR0_EL1.SHA1", "ID_ISAR5_EL1.SHA1"]),
    ("sha2", &["ID_AA64ISAR0_EL1.SHA2", "ID_ISAR5_EL1.SHA2"]),
    ("sha3", &["ID_AA64ISAR0_EL1.SHA3"]),
    ("sm3", &["ID_AA64ISAR0_EL1.SM3"]),
    ("sm4", &["ID_AA64ISAR0_EL1.SM4"]),
    ("ssbs", &["ID_AA64PFR1_EL1.SSBS", "ID_PFR2_EL1.SSBS"]),
];

/// Whether EL0 can be in AArch32: 2, and 1 where it is AArch64 alone.
const AARCH32: &str = "ID_AA64PFR0_EL1.EL0";

/// The value of a field that says that there is no such thing.
fn absent(path: &str, field: &Field) -> u64 {
    match path {
        // 0 would say that there is no EL0 at all.
        AARCH32 => 1,
        _ => field.none(),
    }
}

/// One value on its way into the lock, and who decided it so far.
struct Draft {
    value: u64,
    from: Vec<String>,
}

/// Everything that statements are evaluated against.
struct Context<'a> {
    spec: &'a VmSpec,
    cpu: &'a CpuModel,
    statements: Vec<(&'a Baseline, &'a Statement, String)>,
}

impl<'a> Context<'a> {
    /// Keeps the statements whose conditions hold: they depend on description and CPU alone.
    fn new(
        spec: &'a VmSpec,
        cpu: &'a CpuModel,
        statements: Vec<(&'a Baseline, &'a Statement, String)>,
    ) -> Self {
        let mut context = Self {
            spec,
            cpu,
            statements: Vec::new(),
        };
        let holds = |(_, s, _): &(&Baseline, &Statement, String)| {
            s.when.iter().all(|condition| context.holds(condition))
        };
        context.statements = statements.into_iter().filter(holds).collect();
        context
    }

    fn raw(&self, register: &str) -> u64 {
        self.cpu
            .registers
            .iter()
            .find(|r| r.register == register)
            .map_or(0, |r| r.value)
    }

    fn fact(&self, register: &str) -> Option<u64> {
        self.cpu
            .facts
            .iter()
            .find(|r| r.register == register)
            .map(|r| r.value)
    }

    fn holds(&self, condition: &str) -> bool {
        if let Some(negated) = condition.strip_prefix('!') {
            return !self.holds(negated);
        }
        if let Some(name) = condition.strip_prefix("unaffected:") {
            return self.cpu.unaffected.iter().any(|u| u == name);
        }
        if condition == "el0-aarch32" {
            // ID_AA64PFR0_EL1.EL0 = 2: AArch32 at EL0 too.
            return self.raw("ID_AA64PFR0_EL1") & 0xf == 2;
        }
        if condition == "no-clean-to-pou" {
            // What CLIDR_EL1 says where CTR_EL0.IDC is silent: nothing has to be
            // cleaned when LoC, or both LoUU and LoUIS, are zero.
            let clidr = self.raw("CLIDR_EL1");
            let level = |low: u32| clidr >> low & 7;
            return level(24) == 0 || level(27) == 0 && level(21) == 0;
        }
        if let Some((path, least)) = condition.split_once(">=") {
            // The catalogue's test knows that such a field exists.
            return field(path).is_some_and(|(register, field)| {
                let least = least.parse().unwrap_or(u64::MAX);
                field.order(field.get(self.raw(&register.name))) >= field.order(least)
            });
        }
        self.spec.cpu.features.iter().any(|f| f.name() == condition)
    }

    /// Statements whose conditions hold, oldest first, with the lock's name of who said them.
    fn applying(&self) -> impl Iterator<Item = (&Statement, &str)> {
        let all = self.statements.iter();
        all.map(|(_, s, from)| (*s, from.as_str()))
    }

    /// The last statement about something.
    fn last<T>(&self, pick: impl Fn(&Subject) -> Option<T>) -> Option<(T, String)> {
        let mut found = None;
        for (statement, from) in self.applying() {
            if let Some(value) = pick(&statement.subject) {
                found = Some((value, from.to_owned()));
            }
        }
        found
    }

    /// What the baselines make of a register of this CPU.
    fn register(&self, register: &RegisterInfo) -> Draft {
        let raw = self.raw(&register.name);
        let mut draft = Draft {
            value: 0,
            from: Vec::new(),
        };
        for (statement, from) in self.applying() {
            let Subject::Field(target, act) = &statement.subject else {
                continue;
            };
            let value = match target.strip_prefix(register.name.as_ref()) {
                Some("") => match act {
                    Act::Show => raw,
                    Act::Hide => 0,
                    Act::Cap(limit) => raw.min(*limit),
                    Act::Force(value) => *value,
                },
                Some(rest) => {
                    let Some(field) = rest.strip_prefix('.').and_then(|f| register.field(f)) else {
                        continue;
                    };
                    field.put(draft.value, apply(field, *act, raw))
                }
                None => continue,
            };
            draft.value = value;
            if draft.from.last().is_none_or(|f| f != from) {
                draft.from = vec![from.to_owned()];
            }
        }
        draft
    }
}

/// What one statement makes of one field of the silicon's register.
fn apply(field: &Field, act: Act, raw: u64) -> u64 {
    let silicon = field.get(raw);
    match act {
        Act::Show => silicon,
        Act::Hide => field.none(),
        Act::Cap(limit) if field.order(silicon) > field.order(limit) => limit,
        Act::Cap(_) => silicon,
        Act::Force(value) => value,
    }
}

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
    shape(spec, &mut complaints);
    vector_lengths(spec, &mut complaints);
    let (Some(names), Some(cpu)) = (names, cpu) else {
        return Err(complaints.0);
    };
    silicon(spec, cpu, &mut complaints);
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
    let mut registers = registers(&context);
    overrides(&context, &mut registers, &mut complaints);
    let mut locked = finish(&context, registers);
    caches(&context, &mut locked, &mut complaints);
    firmware(&context, &mut locked, &mut complaints);
    stolen_time(spec, &locked, &mut complaints);
    vary(spec, &mut locked, &mut complaints);
    complaints.0.extend(unsure::warnings(&context, catalogue));
    let promised = dispatch::warnings(&context, &locked, catalogue);
    complaints.0.extend(promised);
    locked.sort_by_key(|r| r.id);
    let (services, psci_from, smc_from) = services(&context, &locked);
    let Some(psci) = smccc::psci_name(services.psci) else {
        complaints.error(
            "spec::incomplete-baseline",
            "/abi",
            "the baselines say nothing of a PSCI version that exists".into(),
            Some("add a part such as \"psci-1.1\"".into()),
        );
        return Err(complaints.0);
    };
    let gic = gic(&context, &mut complaints);
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
                    from: answer_from(key, &psci_from, &smc_from, &cpu.name),
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

/// Limits of the description that no type can hold.
fn shape(spec: &VmSpec, complaints: &mut Complaints) {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if spec.name.is_empty() || spec.name.len() > 63 || !spec.name.chars().all(valid) {
        complaints.error(
            "spec::bad-name",
            "/name",
            format!("`{}` is no name for a machine", spec.name.escape_debug()),
            Some("use 1 to 63 letters, digits, `-`, `_` and `.`".into()),
        );
    }
    if !(1..=64).contains(&spec.cpu.count) {
        complaints.error(
            "spec::cpu-count",
            "/cpu/count",
            format!("{} vCPUs: a machine has 1 to 64", spec.cpu.count),
            None,
        );
    }
    let (low, high, unit) = (64u64 << 20, 512u64 << 30, 2u64 << 20);
    if !(low..=high).contains(&spec.memory) || !spec.memory.is_multiple_of(unit) {
        complaints.error(
            "spec::memory-size",
            "/memory",
            format!(
                "{} bytes of memory: a machine has 64 MiB to 512 GiB, in steps of 2 MiB",
                spec.memory
            ),
            None,
        );
    }
    let cmdline = spec.boot.as_ref().map_or("", |b| b.cmdline.as_str());
    if cmdline.len() > 2048 || cmdline.contains(['\0', '\n']) {
        complaints.error(
            "spec::bad-cmdline",
            "/boot/cmdline",
            "a command line has at most 2048 bytes (COMMAND_LINE_SIZE on arm64) on one line".into(),
            None,
        );
    }
    for (index, feature) in spec.cpu.features.iter().enumerate() {
        if spec.cpu.features[..index].contains(feature) {
            complaints.error(
                "spec::duplicate",
                format!("/cpu/features/{index}"),
                format!("feature `{}` is named twice", feature.name()),
                None,
            );
        }
    }
}

/// The vector lengths that the architecture allows: multiples of 128 bits up to
/// 2048, and with the longest every power of two below it (Arm ARM DDI 0487,
/// ZCR_EL1.LEN).
fn vector_lengths(spec: &VmSpec, complaints: &mut Complaints) {
    let lengths = &spec.cpu.vector_lengths;
    match (
        spec.cpu.features.contains(&Feature::Sve),
        lengths.is_empty(),
    ) {
        (true, true) => {
            complaints.error(
                "spec::vector-lengths",
                "/cpu/vector-lengths",
                "`sve` does not say which vector lengths the guest can select".into(),
                Some("name every one of them, in bits: `sve 128 256`".into()),
            );
            return;
        }
        (false, false) => {
            complaints.error(
                "spec::vector-lengths",
                "/cpu/vector-lengths",
                "there are vector lengths, and the feature `sve` is off".into(),
                Some("name `sve` among the features, or leave the lengths out".into()),
            );
            return;
        }
        _ => {}
    }
    for (index, length) in lengths.iter().enumerate() {
        let place = format!("/cpu/vector-lengths/{index}");
        if !(128..=2048).contains(length) || !length.is_multiple_of(128) {
            complaints.error(
                "spec::vector-lengths",
                place,
                format!("no vector has {length} bits"),
                Some("SVE's lengths are multiples of 128 bits, at most 2048".into()),
            );
        } else if index > 0 && *length <= lengths[index - 1] {
            complaints.error(
                "spec::vector-lengths",
                place,
                format!("{length} does not come after {}", lengths[index - 1]),
                Some("name each length once, the shortest first".into()),
            );
        }
    }
    let Some((last, longest)) = lengths.iter().enumerate().next_back() else {
        return;
    };
    let powers = (7..11).map(|bit| 1u32 << bit).filter(|p| p < longest);
    let missing: Vec<String> = powers
        .filter(|p| !lengths.contains(p))
        .map(|p| p.to_string())
        .collect();
    if !missing.is_empty() {
        complaints.error(
            "spec::vector-lengths",
            format!("/cpu/vector-lengths/{last}"),
            format!(
                "a CPU with vectors of {longest} bits has {} too",
                missing.join(" and ")
            ),
            Some("every power of two below the longest is there: the architecture says so".into()),
        );
    }
}

/// Whether the CPU has what its optional features need.
fn silicon(spec: &VmSpec, cpu: &CpuModel, complaints: &mut Complaints) {
    for (index, feature) in spec.cpu.features.iter().enumerate() {
        let any = feature.silicon().is_empty();
        let has = any
            || feature.silicon().iter().any(|(path, least)| {
                let Some((register, field)) = field(path) else {
                    return false;
                };
                let raw = cpu.registers.iter().find(|r| r.register == register.name);
                field.get(raw.map_or(0, |r| r.value)) >= *least
            });
        if !has {
            let fields: Vec<&str> = feature.silicon().iter().map(|(path, _)| *path).collect();
            complaints.error(
                "spec::cpu-lacks-feature",
                format!("/cpu/features/{index}"),
                format!("the CPU `{}` has no `{}`", cpu.name, feature.name()),
                Some(format!(
                    "choose a CPU model that has it ({}), or leave it out",
                    fields.join(", ")
                )),
            );
        }
    }
}

/// Registers that belong into the lock of this spec.
fn belongs(context: &Context, register: &RegisterInfo) -> bool {
    let features = &context.spec.cpu.features;
    let made_up = register.kind == Kind::Firmware || register.name == "CLIDR_EL1";
    let debug = context.raw("ID_AA64DFR0_EL1");
    !made_up && register.csselr().is_none() && owed(register, features, debug)
}

/// Whether a lock speaks of a register, with these features and that
/// ID_AA64DFR0_EL1; of a CCSIDR_EL1 it does where CLIDR_EL1 names the cache.
pub(crate) fn owed(register: &RegisterInfo, features: &[Feature], debug: u64) -> bool {
    if let Some(feature) = register.feature.as_deref()
        && !features.iter().any(|f| f.name() == feature)
    {
        return false;
    }
    match register.kind {
        Kind::State => false,
        Kind::Identification => register.name != "MPIDR_EL1",
        // PMMIR_EL1 exists from PMUv3 for Armv8.4 on (ID_AA64DFR0_EL1.PMUVer = 5).
        Kind::Pmu if register.name == "PMMIR_EL1" => (5..0xf).contains(&(debug >> 8 & 0xf)),
        Kind::Id
        | Kind::Pmu
        | Kind::Timer
        | Kind::Gic
        | Kind::Debug
        | Kind::Cache
        | Kind::Firmware => true,
    }
}

/// What the baselines and the CPU make of every such register.
fn registers(context: &Context) -> BTreeMap<&'static str, (&'static RegisterInfo, Draft)> {
    let mut out = BTreeMap::new();
    for register in REGISTERS.iter().filter(|r| belongs(context, r)) {
        let mut draft = context.register(register);
        let cpu = format!("cpu/{}", context.cpu.name);
        if let Some(value) = context.fact(&register.name) {
            draft = Draft {
                value,
                from: vec![cpu],
            };
        } else if register.name == "PMCEID0_EL0" || register.name == "PMCEID1_EL0" {
            let masks = context.last(|s| match s {
                Subject::Events {
                    register: r,
                    and,
                    or,
                } if *r == register.name => Some((*and, *or)),
                _ => None,
            });
            let raw = context.raw(&register.name);
            draft = match masks {
                Some(((and, or), from)) => Draft {
                    value: raw & and | or,
                    from: vec![from],
                },
                None => Draft {
                    value: raw,
                    from: vec![cpu],
                },
            };
        } else if draft.from.is_empty() {
            // No statement speaks of it: it reads as zero under that baseline.
            let whole = context.statements.first().map(|(_, _, from)| from.clone());
            draft.from.extend(whole);
        }
        out.insert(register.name.as_ref(), (register, draft));
    }
    out
}

/// `hide` and `set` of the `cpu` block.
fn overrides(
    context: &Context,
    registers: &mut BTreeMap<&'static str, (&'static RegisterInfo, Draft)>,
    complaints: &mut Complaints,
) {
    let spec = context.spec;
    let mut touched: BTreeMap<String, String> = BTreeMap::new();
    let mut claim = |path: &str, place: &str, complaints: &mut Complaints| {
        if let Some(first) = touched.insert(path.to_owned(), place.to_owned()) {
            complaints
                .error(
                    "spec::contradiction",
                    place,
                    format!("`{path}` is decided twice"),
                    Some("keep one".into()),
                )
                .also
                .push((first, "first decided here".into()));
        }
    };
    for wish in wishes(context, registers, complaints) {
        let Some((register, field)) = look_up(wish.path, &wish.place, complaints) else {
            continue;
        };
        let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
            not_in_lock(wish.path, &wish.place, complaints);
            continue;
        };
        claim(wish.path, &wish.place, complaints);
        if let Err(why) = can_have(field, wish.value, field.get(context.raw(&register.name))) {
            complaints.error(
                "spec::impossible-value",
                &wish.place,
                format!(
                    "`{}` cannot be {:#x} on `{}`: {why}",
                    wish.path, wish.value, context.cpu.name
                ),
                Some(format!("`vmlock explain {}` tells the rule", wish.path)),
            );
            continue;
        }
        draft.value = field.put(draft.value, wish.value);
        draft.from.push(wish.from.to_owned());
    }
    events(context, registers, complaints);
    for (index, name) in spec.cpu.hide.iter().enumerate() {
        let place = format!("/cpu/hide/{index}");
        let single = [name.as_str()];
        let fields: &[&str] = match HWCAPS.iter().find(|(cap, _)| cap == name) {
            Some((_, fields)) => fields,
            None if name.contains('.') => &single,
            None => {
                let caps = HWCAPS.iter().map(|(cap, _)| *cap);
                let help = did_you_mean(name, caps).unwrap_or_else(|| {
                    "write a Linux hwcap such as \"crc32\", or REGISTER.FIELD".into()
                });
                complaints.error(
                    "spec::unknown-feature",
                    place,
                    format!("unknown feature `{name}`"),
                    Some(help),
                );
                continue;
            }
        };
        for path in fields {
            let Some((register, field)) = look_up(path, &place, complaints) else {
                continue;
            };
            let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
                not_in_lock(path, &place, complaints);
                continue;
            };
            claim(path, &place, complaints);
            if register.kind != Kind::Id {
                complaints.error(
                    "spec::not-settable",
                    place.clone(),
                    format!("`{path}` is no ID register field: it cannot be hidden"),
                    None,
                );
                continue;
            }
            draft.value = field.put(draft.value, absent(path, field));
            draft.from.push(format!("spec/cpu/hide/{name}"));
        }
    }
    for (index, set) in spec.cpu.set.iter().enumerate() {
        let place = format!("/cpu/set/{index}");
        let at = format!("{place}/field");
        let Some((register, field)) = look_up(&set.field, &at, complaints) else {
            continue;
        };
        let Some((_, draft)) = registers.get_mut(register.name.as_ref()) else {
            not_in_lock(&set.field, &at, complaints);
            continue;
        };
        claim(&set.field, &place, complaints);
        let silicon = field.get(context.raw(&register.name));
        if let Err(why) = can_have(field, set.value, silicon) {
            complaints.error(
                "spec::impossible-value",
                format!("{place}/value"),
                format!(
                    "`{}` cannot be {:#x} on `{}`: {why}",
                    set.field, set.value, context.cpu.name
                ),
                Some(format!(
                    "the silicon has {silicon:#x}; `vmlock explain {}` tells the rule",
                    set.field
                )),
            );
            continue;
        }
        draft.value = field.put(draft.value, set.value);
        draft.from.push(format!("spec/cpu/set/{}", set.field));
    }
}

/// A field that `pmu`, `debug` or `aarch32` of the `cpu` block decides.
struct Wish {
    path: &'static str,
    value: u64,
    place: String,
    from: &'static str,
}

/// What `pmu`, `debug` and `aarch32` say, field by field.
fn wishes(
    context: &Context,
    registers: &BTreeMap<&'static str, (&'static RegisterInfo, Draft)>,
    complaints: &mut Complaints,
) -> Vec<Wish> {
    let cpu = &context.spec.cpu;
    let mut out = Vec::new();
    let mut wish = |path, value, place: &str, from| {
        out.push(Wish {
            path,
            value,
            place: place.to_owned(),
            from,
        });
    };
    let pmu = cpu.pmu.as_ref();
    if let Some(version) = pmu.and_then(|p| p.version.as_deref()) {
        const PLACE: &str = "/cpu/pmu/version";
        let known = Pmu::VERSIONS.iter().find(|(name, _, _)| *name == version);
        match known {
            _ if !cpu.features.contains(&Feature::Pmu) => {
                not_in_lock("ID_AA64DFR0_EL1.PMUVer", PLACE, complaints);
            }
            Some((_, version, perfmon)) => {
                wish("ID_AA64DFR0_EL1.PMUVer", *version, PLACE, "spec/cpu/pmu");
                // Without AArch32 the register is zero, and stays so.
                let shown = registers.get("ID_DFR0_EL1").map_or(0, |(_, d)| d.value);
                if shown != 0 {
                    wish("ID_DFR0_EL1.PerfMon", *perfmon, PLACE, "spec/cpu/pmu");
                }
            }
            None => {
                let names: Vec<&str> = Pmu::VERSIONS.iter().map(|(name, _, _)| *name).collect();
                complaints.error(
                    "spec::impossible-value",
                    PLACE,
                    format!("there is no PMUv3 version `{}`", version.escape_debug()),
                    Some(format!("one of {}", names.join(", "))),
                );
            }
        }
    }
    if let Some(counters) = pmu.and_then(|p| p.counters) {
        wish(
            "PMCR_EL0.N",
            counters.into(),
            "/cpu/pmu/counters",
            "spec/cpu/pmu",
        );
    }
    if let Some(debug) = &cpu.debug {
        let raw = context.raw("ID_AA64DFR0_EL1");
        for (what, path, count, place) in [
            (
                "breakpoints",
                "ID_AA64DFR0_EL1.BRPs",
                debug.breakpoints,
                "/cpu/debug/breakpoints",
            ),
            (
                "watchpoints",
                "ID_AA64DFR0_EL1.WRPs",
                debug.watchpoints,
                "/cpu/debug/watchpoints",
            ),
        ] {
            let Some(count) = count else {
                continue;
            };
            let silicon = field(path).map_or(0, |(_, f)| f.get(raw)) + 1;
            if !(2..=16).contains(&count) || u64::from(count) > silicon {
                complaints.error(
                    "spec::impossible-value",
                    place,
                    format!("`{}` cannot have {count} {what}", context.cpu.name),
                    Some(format!(
                        "the silicon has {silicon}, and the architecture asks for two"
                    )),
                );
                continue;
            }
            wish(path, u64::from(count) - 1, place, "spec/cpu/debug");
            // Context-aware breakpoints are the last of all breakpoints.
            let context_aware = "ID_AA64DFR0_EL1.CTX_CMPs";
            let aware = field(context_aware).map_or(0, |(_, f)| f.get(raw));
            if what == "breakpoints" && aware > u64::from(count) - 1 {
                wish(context_aware, u64::from(count) - 1, place, "spec/cpu/debug");
            }
        }
    }
    let hidden = cpu.hide.iter().position(|h| h == "aarch32" || h == AARCH32);
    let has = context.holds("el0-aarch32");
    if cpu.aarch32 && !has {
        complaints.error(
            "spec::cpu-lacks-feature",
            "/cpu/aarch32",
            format!("the CPU `{}` has no AArch32 at EL0", context.cpu.name),
            Some(format!(
                "choose a CPU model that has it ({AARCH32} is 2), or leave it out"
            )),
        );
    } else if cpu.aarch32 {
        wish(AARCH32, 2, "/cpu/aarch32", "spec/cpu/aarch32");
    }
    if let Some(index) = hidden.filter(|_| has && !cpu.aarch32) {
        complaints.0.push(Complaint {
            code: "spec::hidden-and-working",
            place: format!("/cpu/hide/{index}"),
            also: Vec::new(),
            message: "AArch32 at EL0 is hidden, and 32-bit programs still run".into(),
            help: Some(
                "KVM cannot stop it on a CPU that has it: the lock promises what the ID register says, \
                 and nothing of what happens when a guest tries"
                    .into(),
            ),
            severity: Severity::Warning,
        });
    }
    out
}

/// The common events that `pmu` leaves to the guest, out of PMCEID0_EL0 and PMCEID1_EL0.
fn events(
    context: &Context,
    registers: &mut BTreeMap<&'static str, (&'static RegisterInfo, Draft)>,
    complaints: &mut Complaints,
) {
    let Some(pmu) = &context.spec.cpu.pmu else {
        return;
    };
    if pmu.allow.is_empty() && pmu.deny.is_empty() {
        return;
    }
    // Bit n of PMCEID<r>_EL0 is event 0x20 * r + n, bit 32 + n event 0x4000 + 0x20 * r + n.
    let bit = |event: u16| -> Option<(usize, u64)> {
        let number = match event {
            0..=0x3f => event,
            0x4000..=0x403f => event - 0x4000,
            _ => return None,
        };
        let high = if event < 0x4000 { 0 } else { 32 };
        Some((usize::from(number / 32), 1 << (number % 32 + high)))
    };
    let mut mask = |events: &[u16], list: &str| -> [u64; 2] {
        let mut masks = [0; 2];
        for (index, event) in events.iter().enumerate() {
            match bit(*event) {
                Some((register, bit)) => masks[register] |= bit,
                None => {
                    complaints.error(
                        "spec::impossible-value",
                        format!("/cpu/pmu/{list}/{index}"),
                        format!("{event:#x} is no common event"),
                        Some(
                            "0 to 0x3f and 0x4000 to 0x403f are: no register tells a guest of others"
                                .into(),
                        ),
                    );
                }
            }
        }
        masks
    };
    let allowed = match pmu.allow.is_empty() {
        true => [u64::MAX; 2],
        false => mask(&pmu.allow, "allow"),
    };
    let denied = mask(&pmu.deny, "deny");
    // Before version 3.1 there are no events from 0x4000 on, and the filter takes them away.
    let version = registers
        .get("ID_AA64DFR0_EL1")
        .map_or(0, |(_, d)| d.value >> 8 & 0xf);
    let known = if version >= 4 { u64::MAX } else { 0xffff_ffff };
    for (name, (allowed, denied)) in ["PMCEID0_EL0", "PMCEID1_EL0"]
        .into_iter()
        .zip(allowed.into_iter().zip(denied))
    {
        let Some((_, draft)) = registers.get_mut(name) else {
            not_in_lock(name, "/cpu/pmu", complaints);
            continue;
        };
        draft.value &= allowed & !denied & known;
        draft.from.push("spec/cpu/pmu".to_owned());
    }
}

/// Whether a CPU whose silicon has one value can be shown with another.
fn can_have(field: &Field, value: u64, silicon: u64) -> Result<(), String> {
    if value > field.max() {
        return Err(format!("the field has {} bits", field.high - field.low + 1));
    }
    let (wanted, has) = (field.order(value), field.order(silicon));
    match field.rule {
        Rule::Lower if wanted > has => Err("that is more than the CPU can do".into()),
        Rule::Higher if wanted < has => Err("a guest would rely on less than the CPU needs".into()),
        Rule::HigherOrZero if wanted < has && value != 0 => Err("only zero or more is safe".into()),
        Rule::Exact if wanted != has => Err("only the silicon's own value is compatible".into()),
        _ => Ok(()),
    }
}

/// Finds `REGISTER.FIELD`, or says what is wrong with it.
fn look_up(
    path: &str,
    place: &str,
    complaints: &mut Complaints,
) -> Option<(&'static RegisterInfo, &'static Field)> {
    if let Some(found) = field(path) {
        return Some(found);
    }
    let (name, rest) = path.split_once('.').unwrap_or((path, ""));
    match register_by_name(name) {
        None => {
            let names = REGISTERS
                .iter()
                .filter(|r| r.kind != Kind::State)
                .map(|r| r.name.as_ref());
            complaints.error(
                "spec::unknown-register",
                place,
                format!("there is no register `{name}`"),
                did_you_mean(name, names),
            );
        }
        Some(register) => {
            let fields: Vec<&str> = register.fields.iter().map(|f| f.name.as_ref()).collect();
            let help = did_you_mean(rest, fields.iter().copied())
                .unwrap_or_else(|| format!("`{name}` has: {}", fields.join(", ")));
            let message = match rest {
                "" => format!("`{name}` needs a field, as in `{name}.FIELD`"),
                _ => format!("`{name}` has no field `{rest}`"),
            };
            complaints.error("spec::unknown-field", place, message, Some(help));
        }
    }
    None
}

fn not_in_lock(path: &str, place: &str, complaints: &mut Complaints) {
    complaints.error(
        "spec::not-in-lock",
        place,
        format!("`{path}` is not in the lock of this machine"),
        Some("PMU registers need the `pmu` feature; run-time state is never locked".into()),
    );
}

/// Drafts as lock entries.
fn finish(
    context: &Context,
    registers: BTreeMap<&'static str, (&'static RegisterInfo, Draft)>,
) -> Vec<LockedRegister> {
    let entry = |(info, draft): (&'static RegisterInfo, Draft)| {
        let fact = context.fact(&info.name).is_some();
        LockedRegister {
            id: info.id,
            name: info.name.to_string(),
            value: draft.value & info.promised(),
            rule: if fact { Binding::Fact } else { Binding::Exact },
            from: draft.from.join(" "),
            mask: info.promised(),
            vary: Vec::new(),
        }
    };
    registers.into_values().map(entry).collect()
}

/// CLIDR_EL1, and CCSIDR_EL1 of every cache that it names.
fn caches(context: &Context, locked: &mut Vec<LockedRegister>, complaints: &mut Complaints) {
    let policy = context.last(|s| match s {
        Subject::Cache(policy) => Some(*policy),
        _ => None,
    });
    let (policy, from) =
        policy.unwrap_or((CachePolicy::Silicon, format!("cpu/{}", context.cpu.name)));
    // `CTR_EL0` as the guest sees it decides what KVM makes up.
    let ctr = locked
        .iter()
        .find(|r| r.name == "CTR_EL0")
        .map_or(0, |r| r.value);
    let clidr = match policy {
        CachePolicy::Silicon => context.raw("CLIDR_EL1"),
        CachePolicy::Fabricated => fabricated_clidr(ctr),
    };
    let mut push = |name: &str, value: u64| {
        if let Some(info) = register_by_name(name) {
            locked.push(LockedRegister {
                id: info.id,
                name: name.to_owned(),
                value,
                rule: Binding::Exact,
                from: from.clone(),
                mask: info.promised(),
                vary: Vec::new(),
            });
        }
    };
    push("CLIDR_EL1", clidr);
    for selector in selectors(clidr) {
        let name = format!("CCSIDR_EL1[{selector}]");
        let value = match policy {
            CachePolicy::Silicon => context.raw(&name),
            CachePolicy::Fabricated => fabricated_ccsidr(ctr, selector),
        };
        if value > full_mask(4) {
            // FEAT_CCIDX: what a guest reads, KVM tells the half of.
            complaints.error(
                "spec::wide-ccsidr",
                "/abi",
                format!(
                    "up to 6.2 a guest on `{}` reads 64 bits in {name}, and KVM tells 32 of them: nothing could hold them",
                    context.cpu.name
                ),
                Some("name a baseline from \"kvm-6.3\" on, where KVM makes the cache registers up".into()),
            );
            break;
        }
        push(&name, value);
    }
}

/// CSSELR_EL1 values of the caches that CLIDR_EL1 names (Arm ARM D24.2.27).
pub fn selectors(clidr: u64) -> Vec<u64> {
    let mut out = Vec::new();
    for level in 0..7 {
        match clidr >> (3 * level) & 7 {
            1 => out.push(level << 1 | 1),
            2 | 4 => out.push(level << 1),
            3 => out.extend([level << 1, level << 1 | 1]),
            _ => break,
        }
    }
    out
}

/// The hierarchy that KVM makes up, 6.3 and later (arch/arm64/kvm/sys_regs.c `reset_clidr`).
fn fabricated_clidr(ctr: u64) -> u64 {
    const INSTRUCTION: u64 = 1;
    const DATA: u64 = 2;
    const UNIFIED: u64 = 4;
    let (idc, dic) = (ctr >> 28 & 1 == 1, ctr >> 29 & 1 == 1);
    let (mut clidr, level) = match (idc, dic) {
        (true, true) => (UNIFIED, 1),
        (true, false) => (UNIFIED << 3, 2),
        // LoUU and LoUIS are 1: cleaning to the point of unification is needed.
        (false, _) => (1 << 27 | 1 << 21 | DATA, 1),
    };
    if !dic {
        clidr |= INSTRUCTION;
    }
    clidr | level << 24
}

/// The geometry that KVM makes up: one set, one way, the smallest line
/// (arch/arm64/kvm/sys_regs.c `get_ccsidr`, 6.3 and later).
fn fabricated_ccsidr(ctr: u64, selector: u64) -> u64 {
    let log2_words = if selector & 1 == 1 {
        ctr & 0xf
    } else {
        ctr >> 16 & 0xf
    };
    log2_words.saturating_sub(2)
}

/// KVM's firmware pseudo-registers.
fn firmware(context: &Context, locked: &mut Vec<LockedRegister>, complaints: &mut Complaints) {
    for info in REGISTERS.iter().filter(|r| r.kind == Kind::Firmware) {
        let cpu = format!("cpu/{}", context.cpu.name);
        let (value, rule, from) = if info.id == smccc::PSCI_VERSION_REGISTER {
            let psci = context.last(|s| match s {
                Subject::Psci(version) => Some(*version),
                _ => None,
            });
            let (version, from) = psci.unwrap_or_default();
            (version.into(), Binding::Exact, from)
        } else if let Some(level) = context.fact(&info.name) {
            (level, Binding::Fact, cpu)
        } else if info.id < smccc::STD_BMAP_REGISTER {
            complaints.error(
                "spec::incomplete-cpu",
                "/cpu/model",
                format!(
                    "CPU model `{}` does not say its {}",
                    context.cpu.name, info.name
                ),
                Some(format!(
                    "add `fact \"{}\" LEVEL source=\"…\"` to it",
                    info.name
                )),
            );
            continue;
        } else {
            let bitmap = context.last(|s| match s {
                Subject::Bitmap(register, bits) if *register == info.name => Some(*bits),
                _ => None,
            });
            match bitmap {
                Some((Some(bits), from)) => (bits, Binding::Exact, from),
                Some((None, from)) => (0, Binding::Absent, from),
                None => (0, Binding::Absent, "abi".to_owned()),
            }
        };
        locked.push(LockedRegister {
            id: info.id,
            name: info.name.to_string(),
            value,
            rule,
            from,
            mask: info.promised(),
            vary: Vec::new(),
        });
    }
}

/// A guest finds its stolen time by a call, which the baselines may hide.
fn stolen_time(spec: &VmSpec, locked: &[LockedRegister], complaints: &mut Complaints) {
    let features = &spec.cpu.features;
    let Some(index) = features.iter().position(|f| *f == Feature::StealTime) else {
        return;
    };
    let bitmap = locked.iter().find(|r| r.id == smccc::STD_HYP_BMAP_REGISTER);
    let from = match bitmap {
        // Bit 0: paravirtualised time.
        Some(bitmap) if bitmap.value & 1 != 0 => return,
        Some(bitmap) => bitmap.from.as_str(),
        None => "abi",
    };
    let by = from.strip_prefix("abi/").unwrap_or(from);
    let complaint = complaints.error(
        "spec::steal-time-hidden",
        format!("/cpu/features/{index}"),
        format!(
            "a guest could not find its stolen time: `{by}` hides the calls of paravirtual time"
        ),
        Some("leave out `steal-time`, or what hides PV_TIME".into()),
    );
    if let Some(at) = spec.abi.iter().position(|name| name == by) {
        let words = format!("`{by}` is named here");
        complaint.also.push((format!("/abi/{at}"), words));
    }
}

/// Marks what the spec waives.
fn vary(spec: &VmSpec, locked: &mut [LockedRegister], complaints: &mut Complaints) {
    for (index, path) in spec.vary.iter().enumerate() {
        let place = format!("/vary/{index}");
        let Some((info, field)) = look_up(path, &place, complaints) else {
            continue;
        };
        let Some(entry) = locked.iter_mut().find(|r| r.id == info.id) else {
            not_in_lock(path, &place, complaints);
            continue;
        };
        if entry.vary.iter().any(|w| w.field == field.name) {
            complaints.error(
                "spec::duplicate",
                place,
                format!("`{path}` is waived twice"),
                None,
            );
            continue;
        }
        entry.vary.push(Waiver {
            field: field.name.to_string(),
            mask: field.mask(),
            from: format!("spec/vary/{path}"),
        });
    }
}

/// What decides the answers of firmware calls, out of the finished registers;
/// who decided the PSCI version, and who the SMC conduit.
fn services(context: &Context, locked: &[LockedRegister]) -> (Services, String, String) {
    let smc = context.last(|s| match s {
        Subject::Smc(conduit) => Some(*conduit),
        _ => None,
    });
    let (smc, smc_from) = smc.unwrap_or((false, "abi".to_owned()));
    let services = Services {
        smc,
        stolen_time: context.spec.cpu.features.contains(&Feature::StealTime),
        ..Services::of_registers(locked)
    };
    let psci = locked.iter().find(|r| r.id == smccc::PSCI_VERSION_REGISTER);
    let psci_from = psci.map_or_else(|| format!("cpu/{}", context.cpu.name), |r| r.from.clone());
    (services, psci_from, smc_from)
}

/// The firmware workarounds: KVM's register, and the function that is asked for.
const WORKAROUNDS: [(u64, u32); 3] = [
    (smccc::WORKAROUND_1_REGISTER, 0x8000_8000),
    (smccc::WORKAROUND_2_REGISTER, 0x8000_7fff),
    (smccc::WORKAROUND_3_REGISTER, 0x8000_3fff),
];

/// Answers that are not promised because the level that decides them is waived.
pub(crate) fn waived_answers(locked: &[LockedRegister]) -> Vec<u64> {
    let waived = |id: &u64| {
        let mut entries = locked.iter().filter(|r| r.id == *id);
        entries.any(|r| r.vary.iter().any(|w| w.field == "Level"))
    };
    let waived = WORKAROUNDS.iter().filter(|(id, _)| waived(id));
    waived
        .map(|(_, function)| wire::key(wire::Kind::ArchFeatures, u64::from(*function)))
        .collect()
}

/// Who decides an answer: the CPU model for the workarounds, else the baselines.
fn answer_from(key: u64, psci_from: &str, smc_from: &str, cpu: &str) -> String {
    let asked = wire::id_of(key);
    if wire::kind_of(key) == Some(wire::Kind::ArchFeatures)
        && WORKAROUNDS.iter().any(|(_, f)| u64::from(*f) == asked)
    {
        return format!("cpu/{cpu}");
    }
    if wire::kind_of(key) == Some(wire::Kind::Smc) {
        return smc_from.to_owned();
    }
    psci_from.to_owned()
}

/// Identification of the interrupt controller (arch/arm64/kvm/vgic/vgic-mmio-v3.c, 5.10 to 7.3).
fn gic(context: &Context, complaints: &mut Complaints) -> Gic {
    let revision = context.last(|s| match s {
        Subject::IidrRevision(revision) => Some(*revision),
        _ => None,
    });
    let Some((revision, from)) = revision else {
        complaints.error(
            "spec::incomplete-baseline",
            "/abi",
            "the baselines say nothing of GICD_IIDR".into(),
            Some("add a part such as \"gic-iidr-rev3\"".into()),
        );
        return Gic {
            version: 3,
            interrupts: machine::INTERRUPTS,
            registers: Vec::new(),
        };
    };
    let registers = identification(revision, machine::INTERRUPTS);
    let entry = |(name, value)| GicRegister {
        name,
        value,
        from: from.clone(),
    };
    Gic {
        version: 3,
        interrupts: machine::INTERRUPTS,
        registers: registers.into_iter().map(entry).collect(),
    }
}

/// GICD_IIDR and GICR_IIDR of KVM without a revision: implementer Arm (0x43b), product 'K'
/// (arch/arm64/kvm/vgic/vgic.h, 5.10 to 7.3).
pub(crate) const GIC_IIDR: u32 = 0x4b << 24 | 0x43b;

/// The registers of a GICv3 that KVM makes, with so many interrupt ids and that
/// revision of GICD_IIDR.
pub(crate) fn identification(revision: u8, interrupts: u32) -> Vec<(String, u32)> {
    let mut registers = Vec::new();
    let mut push = |name: String, value: u32| registers.push((name, value));
    let lines = interrupts / 32 - 1;
    // Groups are writable from revision 2 on; before, GICv3 interrupts are all in group 1.
    let groups = if revision >= 2 { u32::MAX } else { 0 };
    // ARE_NS and DS read as one always.
    push("GICD_CTLR".into(), 0x50);
    // IDbits: ten bits of interrupt id.
    push("GICD_TYPER".into(), 9 << 19 | lines);
    push("GICD_IIDR".into(), GIC_IIDR | u32::from(revision) << 12);
    push("GICD_TYPER2".into(), 0);
    push("GICD_PIDR2".into(), 0x3b);
    for word in 1..=lines {
        push(format!("GICD_IGROUPR{word}"), u32::MAX);
        push(format!("GICD_IGROUPR{word}.writable"), groups);
    }
    // Revision 3 shows that INVLPIR and INVALLR exist (IR) and that clearing EnableLPIs works (CES).
    push("GICR_CTLR".into(), if revision >= 3 { 0b110 } else { 0 });
    push("GICR_IIDR".into(), GIC_IIDR);
    push("GICR_PIDR2".into(), 0x3b);
    push("GICR_IGROUPR0".into(), u32::MAX);
    push("GICR_IGROUPR0.writable".into(), groups);
    registers
}
