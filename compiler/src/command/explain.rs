//! `vmlock explain`: what a name means, and where that was read.

mod beside;
mod file;
mod near;
mod saved;
mod virtio;

use crate::codes;
use crate::command::read_lock;
use crate::flags::{ExplainFlags, Format};
use crate::render::{Exit, Output, terminal};
use crate::wording;
use serde_json::{Value, json};
use std::path::Path;
use vmlock_spec::catalogue::{
    BASELINES, Baseline, CPUS, Catalogue, CpuModel, Field, HWCAPS, Hwcap, Kind, REGISTERS,
    RegisterInfo, Text,
};
use vmlock_spec::lock::reset;
use vmlock_spec::lock::{Lock, LockedRegister};
use vmlock_spec::names;
use vmlock_spec::vm::Feature;

/// Explains one name, or lists what there is.
pub fn run(flags: &ExplainFlags, out: &mut Output) {
    let lock = match flags.lock.as_deref().map(read_lock) {
        None => None,
        Some(Ok(lock)) => Some(lock),
        Some(Err(diagnostic)) => return out.fail(Exit::Environment, diagnostic),
    };
    let Some(name) = &flags.name else {
        return list(out);
    };
    if known(name, lock.as_ref(), out) {
        return;
    }
    if file::is_one(name) {
        file::explain(Path::new(name), out);
    } else {
        out.fail(Exit::Findings, near::unknown(name));
    }
}

/// What is said of a name, as lines of text; `catalogue` has the user's own too. `None` where nothing is known of it.
pub fn words(name: &str, lock: Option<&Lock>, catalogue: &Catalogue) -> Option<String> {
    let mut out = Output::new(Format::Human);
    if let Some(baseline) = catalogue.newest(name) {
        explain_baseline(baseline, &mut out);
    } else if let Some(cpu) = catalogue.cpu(name) {
        explain_cpu(cpu, &mut out);
    } else if !known(name, lock, &mut out) {
        return None;
    }
    Some(out.into_text())
}

/// Tries every sort of name; says whether one fitted.
fn known(name: &str, lock: Option<&Lock>, out: &mut Output) -> bool {
    let same = |other: &str| other.eq_ignore_ascii_case(name);
    if let Some(code) = codes::find(name) {
        out.line(format!("{}: {}", code.code, code.title));
        out.line("");
        out.lines(wrapped(code.explanation, ""));
        out.value(
            "code",
            json!({ "code": code.code, "title": code.title, "explanation": code.explanation }),
        );
    } else if let Some(baseline) = by_name(name) {
        explain_baseline(baseline, out);
    } else if let Some(cpu) = CPUS.iter().find(|c| same(&c.name)) {
        explain_cpu(cpu, out);
    } else if let Some(feature) = Feature::ALL.iter().find(|f| same(f.name())) {
        explain_feature(*feature, out);
    } else if let Some(hwcap) = HWCAPS.iter().find(|h| same(&h.name)) {
        explain_hwcap(hwcap, out);
    } else if let Some(register) = REGISTERS.iter().find(|r| same(&r.name)) {
        explain_register(register, lock, out);
    } else if let Some((register, field)) = field(name) {
        explain_field(register, field, lock, out);
    } else {
        return others(name, lock, out);
    }
    true
}

/// The baseline of that name in any case; of one with revisions, the newest.
pub fn by_name(name: &str) -> Option<&'static Baseline> {
    let name = name.to_ascii_lowercase();
    let catalogue = Catalogue::builtin();
    let means = catalogue.revision(&name, &[]);
    BASELINES
        .iter()
        .find(|b| b.name.eq_ignore_ascii_case(means))
}

/// What locks and descriptions name beside the catalogue, and names by which things are known elsewhere.
fn others(name: &str, lock: Option<&Lock>, out: &mut Output) -> bool {
    if let Some(register) = names::by_number(name) {
        explain_register(register, lock, out);
    } else if let Some(inner) = beside::origin(name, lock, out) {
        known(inner, lock, out);
    } else {
        if beside::controller(name, lock, out)
            || beside::call(name, lock, out)
            || virtio::feature(name, out)
        {
            return true;
        }
        // `psci` is a key of a lock, and what parts of baselines speak of.
        let key = beside::key(name, out);
        return beside::family(name, out) || key;
    }
    true
}

/// `REGISTER.FIELD` in any case.
fn field(name: &str) -> Option<(&'static RegisterInfo, &'static Field)> {
    let (register, field) = name.split_once('.')?;
    let register = REGISTERS
        .iter()
        .find(|r| r.name.eq_ignore_ascii_case(register))?;
    let field = register
        .fields
        .iter()
        .find(|f| f.name.eq_ignore_ascii_case(field))?;
    Some((register, field))
}

fn list(out: &mut Output) {
    let names = |list: Vec<&str>| wrapped(&list.join(" "), "  ");
    let catalogue = Catalogue::builtin();
    let (wholes, parts): (Vec<&Baseline>, Vec<&Baseline>) = in_order(&catalogue)
        .into_iter()
        .partition(|b| b.part.is_none());
    let (distributions, wholes): (Vec<&Baseline>, Vec<&Baseline>) =
        wholes.into_iter().partition(|b| b.is_of_distribution());
    let wholes: Vec<&str> = wholes.iter().map(|b| b.name.as_ref()).collect();
    let distributions: Vec<&str> = distributions.iter().map(|b| b.name.as_ref()).collect();
    let parts: Vec<&str> = parts.iter().map(|b| b.name.as_ref()).collect();
    let cpus: Vec<&str> = CPUS.iter().map(|c| c.name.as_ref()).collect();
    let features: Vec<&str> = Feature::ALL.iter().map(|f| f.name()).collect();
    let caps: Vec<&str> = HWCAPS.iter().map(|h| h.name.as_ref()).collect();
    let registers = REGISTERS.iter().filter(|r| r.kind != Kind::State);
    let registers: Vec<&str> = registers
        .map(|r| r.name.as_ref())
        .filter(|n| !n.starts_with("S3_"))
        .collect();
    let codes: Vec<&str> = codes::all().map(|c| c.code).collect();
    for (title, list) in [
        ("Whole baselines: all that a kernel shows a guest", &wholes),
        (
            "Whole baselines of distributions' kernels (NAME without `.rN` is the newest revision)",
            &distributions,
        ),
        ("Parts: one thing each, over a whole baseline", &parts),
        ("CPU models", &cpus),
        ("vCPU features that `cpu` can name", &features),
        ("Features that `hide` and `set` know by name", &caps),
        ("Registers (and REGISTER.FIELD)", &registers),
        ("Codes of diagnostics and refusals", &codes),
    ] {
        out.line(format!("{title}:"));
        out.lines(names(list.clone()));
    }
    out.value(
        "names",
        json!({
            "baselines": wholes, "distributions": distributions, "parts": parts, "cpus": cpus, "features": features,
            "hwcaps": caps, "registers": registers, "codes": codes,
        }),
    );
}

/// Baselines as they build on each other, parts last.
pub fn in_order(catalogue: &Catalogue) -> Vec<&'static Baseline> {
    let depth = |b: &Baseline| catalogue.chain(&b.name).map_or(0, |chain| chain.len());
    let mut list: Vec<&Baseline> = BASELINES.iter().collect();
    list.sort_by_key(|b| (b.part.is_some(), b.is_of_distribution(), depth(b)));
    list
}

/// Words broken a little before the terminal ends, each line with that indent.
fn wrapped(text: &str, indent: &str) -> Vec<String> {
    let width = terminal::width().saturating_sub(4);
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("{indent}{word}")),
        }
    }
    lines
}

/// That of the newest version of the lock.
fn digest(digests: &[Text]) -> &str {
    digests.last().map_or("", |digest| digest)
}

pub fn explain_baseline(baseline: &Baseline, out: &mut Output) {
    out.line(format!("{}: {}", baseline.name, baseline.title));
    match (&baseline.part, &baseline.after) {
        (Some(part), _) => out.line(format!("A part: overrides `{part}` of a whole baseline.")),
        (None, None) => out.line("A whole baseline: all that a guest sees."),
        (None, Some(after)) if !baseline.is_of_distribution() => out.line(format!(
            "A whole baseline: all that a guest sees, stated as its difference from {after}."
        )),
        (None, Some(after)) => {
            let differs = match baseline.statements.len() {
                0 => "from which it does not differ".to_owned(),
                1 => "from which it differs in what one statement says".to_owned(),
                count => format!("from which it differs in what {count} statements say"),
            };
            out.lines(wrapped(
                &format!("A whole baseline: all that a guest of one distribution's kernel sees. The mainline baseline that it is nearest to is {after}, {differs}."),
                "",
            ));
        }
    }
    of_kernel(baseline, out);
    out.line(format!("Digest {}", digest(&baseline.digests)));
    for (version, words) in baseline.stable.iter() {
        out.lines(wrapped(&format!("Differs in {version}: {words}"), "  "));
    }
    out.line("");
    match (&baseline.after, baseline.statements.is_empty()) {
        (Some(after), true) => out.line(format!(
            "No statements: a guest sees the same as under {after}."
        )),
        _ => out.line("Statements (a field that none mentions reads as not implemented):"),
    }
    let mut source = "";
    for statement in baseline.statements.iter() {
        out.line(format!(
            "  {}: {}",
            wording::subject(statement),
            wording::act(statement)
        ));
        if statement.source != source {
            out.line(format!("      source: {}", statement.source));
            source = &statement.source;
        }
    }
    let statements: Vec<Value> = baseline
        .statements
        .iter()
        .map(|s| json!({ "about": wording::subject(s), "says": wording::act(s), "source": s.source }))
        .collect();
    out.value(
        "baseline",
        json!({
            "name": baseline.name, "title": baseline.title, "part": baseline.part, "after": baseline.after,
            "digest": digest(&baseline.digests), "statements": statements,
            "kernel": baseline.kernel.as_ref().map(|k| json!({ "package": k.package, "version": k.version })),
            "measuredOn": baseline.measured_on,
            "unknown": baseline.unknown.iter().map(|u| json!({ "path": u.path, "source": u.source })).collect::<Vec<_>>(),
            "stable": baseline.stable.iter().map(|(v, w)| json!({ "version": v, "words": w })).collect::<Vec<_>>(),
        }),
    );
}

/// Of which kernel a baseline speaks, and how far somebody has looked.
fn of_kernel(baseline: &Baseline, out: &mut Output) {
    if let Some(kernel) = &baseline.kernel {
        out.line(format!("Package {} {}", kernel.package, kernel.version));
    }
    if let Some((bare, _)) = baseline.name.rsplit_once(".r")
        && by_name(bare).is_some_and(|newest| newest.name == baseline.name)
    {
        out.lines(wrapped(
            &format!("`{bare}` means this revision today, and a lock names it: a newer one changes no lock that is there."),
            "",
        ));
    }
    if !baseline.measured_on.is_empty() {
        let models = baseline.measured_on.join(", ");
        out.lines(wrapped(
            &format!(
                "Measured on {models}; with another CPU it makes no lock (spec::unmeasured-kernel)."
            ),
            "",
        ));
    }
    let mut sources: Vec<&str> = baseline.unknown.iter().map(|u| u.source.as_ref()).collect();
    sources.dedup();
    if !sources.is_empty() {
        out.line("Unknown (what would promise some of it makes no lock: spec::unmeasured-kernel):");
    }
    for source in sources {
        let paths = baseline.unknown.iter().filter(|u| u.source == source);
        let paths: Vec<&str> = paths.map(|u| u.path.as_ref()).collect();
        out.lines(wrapped(&paths.join(" "), "  "));
        out.line(format!("      source: {source}"));
    }
}

fn explain_cpu(cpu: &CpuModel, out: &mut Output) {
    out.line(format!("{}: {}", cpu.name, cpu.title));
    out.line(format!("Digest {}", digest(&cpu.digests)));
    if !cpu.unaffected.is_empty() {
        out.line(format!("Not affected by: {}", cpu.unaffected.join(", ")));
    }
    out.value("emulated", cpu.emulator().is_some());
    if cpu.emulator().is_some() {
        let measured: Vec<&str> = CPUS
            .iter()
            .filter(|cpu| cpu.emulator().is_none())
            .map(|cpu| cpu.name.as_ref())
            .collect();
        out.lines(wrapped(
            &format!(
                "Read from an emulator. A real machine's CPU of that name has other values: whether it has an EL3, its \
                 revision, its caches. A lock of this one is kept where the host can be made to show the emulator's. Models \
                 of real machines are {}; of your own `vmlock cpu REPORT` makes one, and `vmlock adopt REPORT` a description \
                 with it.",
                measured.join(", ")
            ),
            "",
        ));
    }
    let mut values = Vec::new();
    for (title, list) in [
        (
            "Silicon (a register that is named nowhere here reads as zero):",
            &cpu.registers,
        ),
        (
            "Facts of silicon and firmware that no kernel can change:",
            &cpu.facts,
        ),
    ] {
        out.line("");
        out.line(title);
        let mut source = "";
        for value in list.iter() {
            out.line(format!("  {:<38} {:#018x}", value.register, value.value));
            if value.source != source {
                out.line(format!("      source: {}", value.source));
                source = &value.source;
            }
            values.push(json!({ "register": value.register, "value": format!("{:#018x}", value.value), "source": value.source }));
        }
    }
    let mut sources: Vec<&str> = cpu.unknown.iter().map(|u| u.source.as_ref()).collect();
    sources.dedup();
    if !sources.is_empty() {
        out.line("");
        out.line("Unknown (what would promise some of it makes no lock: spec::unmeasured):");
    }
    for source in sources {
        let paths = cpu.unknown.iter().filter(|u| u.source == source);
        let paths: Vec<&str> = paths.map(|u| u.path.as_ref()).collect();
        out.lines(wrapped(&paths.join(" "), "  "));
        out.line(format!("      source: {source}"));
    }
    let unknown: Vec<Value> = cpu
        .unknown
        .iter()
        .map(|u| json!({ "path": u.path, "source": u.source }))
        .collect();
    out.value(
        "cpu",
        json!({ "name": cpu.name, "title": cpu.title, "digest": digest(&cpu.digests), "values": values, "unaffected": cpu.unaffected, "unknown": unknown }),
    );
}

fn explain_feature(feature: Feature, out: &mut Output) {
    let name = feature.name();
    out.line(format!(
        "{name}: a vCPU feature, off unless the `cpu` block names it"
    ));
    out.line(match feature {
        Feature::Pmu => {
            "The guest gets a performance monitoring unit (PMUv3; KVM_ARM_VCPU_PMU_V3). `pmu version=\"3.1\" counters=4 { deny 0x11 }` gives it less than the silicon has: version 3.0, 3.1, 3.4, 3.5, 3.7, 3.8 or 3.9, event counters beside the cycle counter, and common events that it cannot count (or, with `allow`, the only ones that it can)."
        }
        Feature::Sve => {
            "The guest gets scalable vectors (SVE; KVM_ARM_VCPU_SVE). `sve 128 256` names every vector length, in bits, that it can select: a host must have these, and no others up to the longest."
        }
        Feature::Pauth => {
            "The guest gets pointer authentication (KVM_ARM_VCPU_PTRAUTH_ADDRESS and _GENERIC, which KVM has together alone). The algorithm is the silicon's, and so are the values that its instructions compute."
        }
        Feature::Mte => {
            "The guest gets memory tagging (KVM_CAP_ARM_MTE), with tags in all of its memory."
        }
        Feature::StealTime => {
            "The guest is told how long the host let each vCPU wait for a CPU (DEN0057; KVM_ARM_VCPU_PVTIME_CTRL): PV_TIME_ST names a structure of 64 bytes in memory that the device tree reserves, at the address that the lock has for the vCPU."
        }
    });
    let registers = REGISTERS
        .iter()
        .filter(|r| r.feature.as_deref() == Some(name));
    let registers: Vec<&str> = registers.map(|r| r.name.as_ref()).collect();
    if !registers.is_empty() {
        out.line("Registers that exist only with it:");
        out.lines(wrapped(&registers.join(" "), "  "));
    }
    out.value(
        "feature",
        json!({ "name": name, "kvmBits": feature.kvm_bits(), "registers": registers }),
    );
}

fn explain_hwcap(hwcap: &Hwcap, out: &mut Output) {
    let name = &hwcap.name;
    out.line(format!(
        "{name}: a feature by its Linux hwcap name (see /proc/cpuinfo)"
    ));
    out.line("");
    if let Some(why) = &hwcap.why {
        out.line(format!("No lock can hide it. {why}."));
    }
    if let Some(feature) = &hwcap.feature {
        out.line(match Feature::ALL.iter().any(|f| f.name() == feature) {
            true => format!("A guest has it only where the `cpu` block names `{feature}`."),
            false => format!("No guest has it: vmlock cannot turn `{feature}` on."),
        });
    }
    if !hwcap.fields.is_empty() {
        out.line(format!(
            "`hide \"{name}\"` makes a guest find less, and `set \"{name}\" 1` promises it, in:"
        ));
    }
    for field in hwcap.fields.iter() {
        out.line(format!("  {} ({} or more)", field.path, field.from));
    }
    out.line(format!("Source: {}", hwcap.source));
    let fields: Vec<&str> = hwcap.fields.iter().map(|f| f.path.as_ref()).collect();
    out.value(
        "hwcap",
        json!({ "name": name, "fields": fields, "feature": hwcap.feature, "source": hwcap.source }),
    );
}

fn explain_register(register: &RegisterInfo, lock: Option<&Lock>, out: &mut Output) {
    out.line(format!("{}: {}", register.name, register.title));
    out.line(format!("Kind: {}", wording::kind(register.kind)));
    out.line(format!("KVM register id {:#018x}", register.id));
    if let Some(e) = register.encoding {
        let (op0, op1, crn, crm, op2) = (e >> 14, e >> 11 & 7, e >> 7 & 15, e >> 3 & 15, e & 7);
        out.line(format!(
            "Read by a guest with MRS, op0={op0} op1={op1} CRn={crn} CRm={crm} op2={op2}"
        ));
    }
    if let Some(gate) = &register.gate {
        out.line(format!("Exists only with {gate}"));
    }
    if let Some(feature) = &register.feature {
        out.line(format!("Exists only with the vCPU feature `{feature}`"));
    }
    if register.kind == Kind::State {
        out.line(wording::beginning(register));
    }
    out.line(format!("Source: {}", register.source));
    if !register.fields.is_empty() {
        out.line("");
        out.line(match register.kind {
            Kind::State => "Fields:",
            _ => "Fields (other bits read as zero):",
        });
    }
    for field in register.fields.iter().rev() {
        let bits = bits(field);
        out.line(format!(
            "  {:>5}  {:<16} {}",
            bits,
            field.name,
            wording::rule(field.rule, field.signed)
        ));
    }
    let fields: Vec<Value> = register.fields.iter().rev().map(field_json).collect();
    let mut object = json!({
        "name": register.name, "title": register.title, "id": format!("{:#018x}", register.id),
        "source": register.source, "fields": fields,
    });
    if let Some(entry) = lock.and_then(|l| l.registers.iter().find(|r| r.id == register.id)) {
        say_locked(entry, out);
        object["locked"] = serde_json::to_value(entry).unwrap_or_default();
    } else if let Some(lock) = lock {
        say_begun(lock, register, None, out, &mut object);
    }
    out.value("register", object);
}

/// What a lock that has no entry for a register says of it, or of one of its fields: what a vCPU begins with there.
fn say_begun(
    lock: &Lock,
    register: &RegisterInfo,
    field: Option<&Field>,
    out: &mut Output,
    object: &mut Value,
) {
    out.line("");
    let all = reset::begun(lock);
    let Some(begun) = all.iter().find(|begun| begun.info.id == register.id) else {
        out.line("This lock does not hold it.");
        return;
    };
    let (promised, value) = match field {
        Some(field) => (begun.mask & field.mask(), field.get(begun.value)),
        None => (begun.mask, begun.value),
    };
    if promised == 0 {
        out.line("In this lock: not promised");
        return;
    }
    out.line(format!("In this lock: a vCPU begins with {value:#x}"));
    object["reset"] = format!("{value:#018x}").into();
}

fn say_locked(entry: &LockedRegister, out: &mut Output) {
    let width = 2 + 2 * entry.bytes();
    out.line("");
    out.line(format!(
        "In this lock: {:#0width$x}, decided by {}",
        entry.value, entry.from
    ));
    for waiver in &entry.vary {
        out.line(format!(
            "  {} is not promised: waived by {}",
            waiver.field, waiver.from
        ));
    }
}

fn bits(field: &Field) -> String {
    if field.high == field.low {
        field.high.to_string()
    } else {
        format!("{}:{}", field.high, field.low)
    }
}

fn field_json(field: &Field) -> Value {
    json!({
        "name": field.name, "high": field.high, "low": field.low,
        "rule": wording::rule(field.rule, field.signed),
    })
}

fn explain_field(register: &RegisterInfo, field: &Field, lock: Option<&Lock>, out: &mut Output) {
    let path = format!("{}.{}", register.name, field.name);
    out.line(format!(
        "{path}: bits {} of {} ({})",
        bits(field),
        register.name,
        register.title
    ));
    out.line(format!("Rule: {}", wording::rule(field.rule, field.signed)));
    out.line(format!("Source: {}", register.source));
    let mut object = field_json(field);
    object["register"] = json!(register.name);
    let silicon: Vec<String> = CPUS
        .iter()
        .map(|cpu| {
            let raw = cpu
                .registers
                .iter()
                .chain(cpu.facts.iter())
                .find(|v| v.register == register.name);
            format!(
                "  {:<16} {:#x}",
                cpu.name,
                field.get(raw.map_or(0, |v| v.value))
            )
        })
        .collect();
    out.line("");
    out.line("Silicon of the known CPU models:");
    out.lines(silicon);
    out.line("");
    out.line("What baselines say:");
    let catalogue = Catalogue::builtin();
    let mut said = Vec::new();
    for baseline in in_order(&catalogue) {
        let statements = wording::effective(&catalogue, &baseline.name).unwrap_or_default();
        let about: Vec<_> = statements
            .iter()
            .filter(|(_, s)| wording::speaks_of(s, &register.name, Some(&field.name)))
            .collect();
        if about.is_empty() && baseline.part.is_none() {
            out.line(format!(
                "  {}: not implemented (no statement)",
                baseline.name
            ));
        }
        for (by, statement) in about {
            let when = match statement.when.is_empty() {
                true => String::new(),
                false => format!(" (when {})", statement.when.join(", ")),
            };
            out.line(format!(
                "  {}: {}{when}",
                baseline.name,
                wording::act(statement)
            ));
            // The source stands where the statement does.
            if by.name == baseline.name {
                out.line(format!("      source: {}", statement.source));
            }
            said.push(json!({
                "baseline": baseline.name, "says": wording::act(statement), "when": statement.when,
                "statedIn": by.name, "source": statement.source,
            }));
        }
    }
    object["baselines"] = said.into();
    if let Some(entry) = lock.and_then(|l| l.registers.iter().find(|r| r.id == register.id)) {
        let waiver = entry.vary.iter().find(|w| w.field == field.name);
        out.line("");
        out.line(match waiver {
            Some(waiver) => format!("In this lock: not promised, waived by {}", waiver.from),
            None if entry.mask & field.mask() == 0 => "In this lock: not promised".to_owned(),
            None => format!(
                "In this lock: {:#x}, decided by {}",
                field.get(entry.value),
                entry.from
            ),
        });
        object["locked"] = serde_json::to_value(entry).unwrap_or_default();
    } else if let Some(lock) = lock {
        say_begun(lock, register, Some(field), out, &mut object);
    }
    out.value("field", object);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Keys of locks whose values are names of something.
    const NAMING: [&str; 13] = [
        "acrossSaves",
        "arch",
        "call",
        "conduit",
        "features",
        "id",
        "kind",
        "model",
        "name",
        "physicalCounter",
        "rule",
        "unmapped",
        "virtualCounter",
    ];

    fn walk(value: &Value, key: &str, names: &mut BTreeSet<String>) {
        match value {
            Value::String(text) if NAMING.contains(&key) => {
                names.insert(text.clone());
            }
            Value::String(text) if key == "from" => {
                names.extend(text.split_whitespace().map(str::to_owned));
            }
            Value::Array(list) => list.iter().for_each(|v| walk(v, key, names)),
            Value::Object(map) => {
                // A field stands below its register.
                let waived = map.get("vary").and_then(Value::as_array);
                for waiver in waived.into_iter().flatten() {
                    if let (Some(name), Some(field)) =
                        (map["name"].as_str(), waiver["field"].as_str())
                    {
                        names.insert(format!("{name}.{field}"));
                    }
                }
                for (inner, value) in map {
                    names.insert(inner.clone());
                    walk(value, inner, names);
                }
            }
            _ => {}
        }
    }

    /// Whatever stands in a lock as the name of something is a name here, with the lock and without it, whichever version
    /// the lock has; but for the machine's own name and its virtio devices', and what only its description knows of.
    #[test]
    fn everything_that_a_lock_names_can_be_explained() {
        let mut locks = 0;
        for folder in [
            "examples",
            "lab/tests/specs",
            "spec/tests/frozen/v1",
            "spec/tests/frozen/v2",
            "spec/tests/frozen/v3",
        ] {
            let folder = format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR"));
            for entry in std::fs::read_dir(folder).unwrap().flatten() {
                let path = entry.path();
                if !path.to_string_lossy().ends_with(".vm.lock.json") {
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let mut names = BTreeSet::new();
                let value: Value = serde_json::from_str(&text).unwrap();
                walk(&value, "", &mut names);
                assert!(names.len() > 100, "{names:?}");
                let lock = vmlock_spec::lock::canonical::parse(&text).unwrap();
                names.remove(&lock.name);
                for device in lock.machine.devices.iter().filter(|d| d.virtio.is_some()) {
                    names.remove(&device.name);
                }
                for of in [None, Some(&lock)] {
                    let imported = |name: &str| {
                        let name = name.rsplit('/').next().unwrap_or(name);
                        let whole = lock.baselines.contains_key(name);
                        (whole && by_name(name).is_none())
                            || (lock.cpu.model == name && CPUS.iter().all(|c| c.name != name))
                    };
                    let unknown: Vec<&String> = names
                        .iter()
                        .filter(|name| !known(name, of, &mut Output::new(Format::Json)))
                        .filter(|name| !imported(name))
                        .collect();
                    assert!(unknown.is_empty(), "{}: {unknown:?}", path.display());
                }
                locks += 1;
            }
        }
        assert!(locks > 80, "{locks}");
    }

    #[test]
    fn every_feature_of_a_virtio_device_can_be_explained() {
        use vmlock_spec::lock::DeviceKind;
        let mut count = 0;
        for kind in [
            DeviceKind::VirtioBlock,
            DeviceKind::VirtioNet,
            DeviceKind::VirtioConsole,
            DeviceKind::VirtioEntropy,
            DeviceKind::VirtioVsock,
        ] {
            for read_only in [false, true] {
                for (name, bit) in vmlock_spec::machine::virtio::features(kind, read_only) {
                    let mut out = Output::new(Format::Human);
                    assert!(known(&name.to_lowercase(), None, &mut out), "{name}");
                    let text = out.into_text();
                    assert!(text.starts_with(&format!("{name}: ")), "{text}");
                    assert!(text.contains(&format!("bit {bit}")), "{text}");
                    count += 1;
                }
            }
        }
        assert!(count > 40, "{count}");
    }

    #[test]
    fn everything_that_is_listed_can_be_explained() {
        let names = BASELINES.iter().map(|b| b.name.to_string());
        let names = names.chain(CPUS.iter().map(|c| c.name.to_string()));
        let names = names.chain(HWCAPS.iter().map(|h| h.name.to_string()));
        let names = names.chain(REGISTERS.iter().map(|r| r.name.to_string()));
        let names = names.chain(codes::all().map(|c| c.code.to_owned()));
        for name in names {
            assert!(known(&name, None, &mut Output::new(Format::Json)), "{name}");
        }
    }
}
