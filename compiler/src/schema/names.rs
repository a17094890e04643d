//! Names that the catalogue knows, each with what it means, where a description can write them.
//!
//! Names that an imported file can add, those of baselines and CPU models, are open choices: known ones, and whatever
//! else a name can be. A description that imports nothing has the known ones alone, and of registers, fields, features
//! and warnings there are no others.

use super::limits;
use crate::codes;
use crate::hosts::recorded;
use crate::wording;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::catalogue::{
    Baseline, Catalogue, CpuModel, Field, HWCAPS, Hwcap, Kind, REGISTERS, RegisterInfo,
};
use vmlock_spec::resolve::allow::WARNINGS;
use vmlock_spec::vm::{Feature, Pmu};

/// One name, in plain words and in Markdown.
fn known(name: &str, words: &str, markdown: &str) -> Value {
    json!({ "type": "string", "const": name, "description": words, "markdownDescription": markdown })
}

/// One of these, which there is no other of.
fn closed(description: &str, names: Vec<Value>) -> Value {
    json!({ "description": description, "anyOf": names })
}

/// One of these, or another that an imported file defines.
fn open(description: &str, other: &str, mut names: Vec<Value>) -> Value {
    let mut text = limits::text();
    text["description"] = json!(other);
    names.push(text);
    closed(description, names)
}

/// Puts the names where a description has them.
pub fn names(schema: &mut Value) {
    let catalogue = Catalogue::builtin();
    let definitions = &mut schema["definitions"];
    definitions["KnownBaseline"] = closed("A baseline of the catalogue.", baselines(&catalogue));
    definitions["Baseline"] = open(
        "A baseline: what a kernel shows a guest, or a part of it.",
        "A baseline of an imported file.",
        vec![json!({ "$ref": "#/definitions/KnownBaseline" })],
    );
    definitions["KnownModel"] = closed("A CPU model of the catalogue.", models(&catalogue));
    definitions["Model"] = open(
        "A CPU model: what silicon and firmware say.",
        "A CPU model of an imported file.",
        vec![json!({ "$ref": "#/definitions/KnownModel" })],
    );
    definitions["Field"] = closed("A field of a register, `REGISTER.FIELD`.", fields());
    definitions["Hwcap"] = closed("A feature by its Linux hwcap name.", hwcaps());
    definitions["Warning"] = closed("The code of a warning.", warnings());
    definitions["RecordedHost"] = closed(
        "A recorded host, by its kernel: a series, or a distribution's.",
        hosts(),
    );
    definitions["PmuVersion"] = closed("A version of the PMUv3 architecture.", pmu_versions());
    let of = |name: &str| json!({ "$ref": format!("#/definitions/{name}") });
    let hidden = known(
        "aarch32",
        "AArch32 at EL0: 32-bit programs.",
        "AArch32 at EL0: 32-bit programs.",
    );
    for (place, what) in [
        ("/properties/abi/items", of("Baseline")),
        ("/properties/vary/items", of("Field")),
        ("/properties/runs-on/items", of("RecordedHost")),
        (
            "/definitions/Cpu/properties/hide/items",
            json!({ "anyOf": [of("Hwcap"), hidden, of("Field")] }),
        ),
        ("/definitions/Allow/properties/fields/items", of("Field")),
    ] {
        if let Some(items) = schema.pointer_mut(place) {
            *items = what;
        }
    }
    // Beside their descriptions.
    for (place, key, what) in [
        (
            "/definitions/Cpu/properties/model",
            "allOf",
            json!([of("Model")]),
        ),
        (
            "/definitions/SetField/properties/field",
            "anyOf",
            json!([of("Hwcap"), of("Field")]),
        ),
        (
            "/definitions/Allow/properties/code",
            "allOf",
            json!([of("Warning")]),
        ),
        (
            "/definitions/Pmu/properties/version",
            "anyOf",
            json!([of("PmuVersion"), { "type": "null" }]),
        ),
    ] {
        if let Some(Value::Object(object)) = schema.pointer_mut(place) {
            object.retain(|key, _| key == "description");
            object.insert(key.to_owned(), what);
        }
    }
    // Without `import` there are no names but the known ones.
    schema["if"] = json!({
        "type": "object",
        "properties": { "import": { "type": "array", "minItems": 1 } },
        "required": ["import"],
    });
    schema["else"] = json!({
        "type": "object",
        "properties": {
            "abi": { "type": "array", "items": of("KnownBaseline") },
            "cpu": { "type": "object", "properties": { "model": of("KnownModel") } },
        },
    });
}

/// The whole ones, the oldest kernel first, then the parts.
fn baselines(catalogue: &Catalogue) -> Vec<Value> {
    let all = catalogue.baseline_names();
    let parts = all.filter(|name| catalogue.baseline(name).is_some_and(|b| b.part.is_some()));
    let names = catalogue.wholes().into_iter().chain(parts);
    let found = names.filter_map(|name| catalogue.baseline(name));
    let found = found.map(|b| known(&b.name, &of_baseline(b), &in_full(b)));
    let standing = catalogue.standing().into_iter();
    let standing = standing.map(|(name, means)| {
        let words = format!("The newest revision, `{means}` today: a lock names that one.");
        let title = catalogue
            .baseline(means)
            .map(of_baseline)
            .unwrap_or_default();
        known(
            name,
            &format!("{title} {words}"),
            &format!("{title} {words}"),
        )
    });
    found.chain(standing).collect()
}

/// What a baseline is, in a line.
pub fn of_baseline(baseline: &Baseline) -> String {
    let title = sentence(&baseline.title);
    match (&baseline.part, &baseline.after) {
        (Some(part), _) => format!("{title} A part: overrides `{part}` of a whole baseline."),
        (None, None) => format!("{title} A whole baseline: all that a guest sees."),
        (None, Some(after)) => {
            format!("{title} A whole baseline, stated as its difference from `{after}`.")
        }
    }
}

/// The same with what it states itself.
fn in_full(baseline: &Baseline) -> String {
    let mut words = of_baseline(baseline);
    for statement in baseline.statements.iter().take(STATEMENTS_MAX) {
        let (about, says) = (wording::subject(statement), wording::act(statement));
        words.push_str(&format!("\n- `{about}`: {says}"));
    }
    let more = baseline.statements.len().saturating_sub(STATEMENTS_MAX);
    if more > 0 {
        words.push_str(&format!(
            "\n- … {more} more: `vmlock explain {}`",
            baseline.name
        ));
    }
    words
}

/// How many statements of a baseline an editor shows.
const STATEMENTS_MAX: usize = 8;

fn models(catalogue: &Catalogue) -> Vec<Value> {
    let found = catalogue.cpu_names().filter_map(|name| catalogue.cpu(name));
    found
        .map(|cpu| known(&cpu.name, &of_model(cpu), &of_model(cpu)))
        .collect()
}

/// What a CPU model is, in a line.
pub fn of_model(cpu: &CpuModel) -> String {
    sentence(&cpu.title)
}

/// A title as a sentence.
fn sentence(title: &str) -> String {
    format!("{}.", title.trim_end_matches('.'))
}

/// Registers that a description can speak of: those with fields that are promised.
fn settled() -> impl Iterator<Item = &'static RegisterInfo> {
    let named = |r: &&RegisterInfo| r.kind != Kind::State && !r.fields.is_empty();
    REGISTERS.iter().filter(named)
}

fn fields() -> Vec<Value> {
    let mut all: Vec<(String, &RegisterInfo, &Field)> = settled()
        .flat_map(|r| r.fields.iter().rev().map(move |f| (r, f)))
        .map(|(r, f)| (format!("{}.{}", r.name, f.name), r, f))
        .collect();
    let mut seen = BTreeSet::new();
    all.retain(|(path, _, _)| seen.insert(path.clone()));
    all.iter()
        .map(|(path, register, field)| {
            let words = format!(
                "{} of {}; {}.",
                bits(field),
                register.title,
                wording::rule(field.rule, field.signed)
            );
            let caps: Vec<String> = HWCAPS
                .iter()
                .filter(|h| h.fields.iter().any(|f| f.path == path.as_str()))
                .map(|h| format!("`{}`", h.name))
                .collect();
            let announces = match caps.is_empty() {
                true => String::new(),
                false => format!(" It announces {}.", caps.join(", ")),
            };
            known(path, &words, &format!("{words}{announces}"))
        })
        .collect()
}

fn bits(field: &Field) -> String {
    match field.high == field.low {
        true => format!("Bit {}", field.low),
        false => format!("Bits {}:{}", field.high, field.low),
    }
}

/// Those that a description can decide.
fn hwcaps() -> Vec<Value> {
    let can_be = |feature: &str| Feature::ALL.iter().any(|f| f.name() == feature);
    HWCAPS
        .iter()
        .filter(|hwcap| hwcap.why.is_none() && hwcap.feature.as_deref().is_none_or(can_be))
        .map(|hwcap| known(&hwcap.name, &of_hwcap(hwcap), &of_hwcap(hwcap)))
        .collect()
}

fn of_hwcap(hwcap: &Hwcap) -> String {
    let fields: Vec<String> = hwcap
        .fields
        .iter()
        .map(|f| format!("`{}`", f.path))
        .collect();
    let announced = match fields.is_empty() {
        true => String::new(),
        false => format!("Announced by {}. ", fields.join(", ")),
    };
    let only = match &hwcap.feature {
        None => String::new(),
        Some(feature) => format!("A guest has it only with the feature `{feature}`."),
    };
    format!("{announced}{only}").trim_end().to_owned()
}

fn warnings() -> Vec<Value> {
    let found = WARNINGS.iter().filter_map(|name| codes::find(name));
    found
        .map(|code| known(code.code, &sentence(code.title), code.explanation))
        .collect()
}

fn hosts() -> Vec<Value> {
    let mut all: Vec<(String, Vec<String>)> = Vec::new();
    for model in recorded::models() {
        for name in recorded::names(model.trim_matches('`')) {
            match all.iter_mut().find(|(known, _)| *known == name) {
                Some((_, models)) => models.push(model.clone()),
                None => all.push((name, vec![model.clone()])),
            }
        }
    }
    let words = |models: &[String]| format!("Recorded with the CPUs {}.", models.join(", "));
    let of_series = all
        .iter()
        .map(|(name, models)| known(name, &words(models), &words(models)));
    let mut kernels: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for model in recorded::models() {
        for kernel in recorded::distributions(model.trim_matches('`')) {
            kernels.entry(kernel).or_default().push(model.clone());
        }
    }
    let of_distributions = kernels.iter().map(|((name, series), models)| {
        let words = format!("The host that `{series}` names. {}", words(models));
        known(name, &words, &words)
    });
    of_series.chain(of_distributions).collect()
}

fn pmu_versions() -> Vec<Value> {
    let words = |number: u64| format!("`ID_AA64DFR0_EL1.PMUVer` {number}.");
    Pmu::VERSIONS
        .iter()
        .map(|(name, number, _)| known(name, &words(*number), &words(*number)))
        .collect()
}

/// The registers of locks of that version, each with what it means to a guest.
pub fn registers(version: u32) -> Vec<Value> {
    let owed = |r: &&RegisterInfo| r.kind != Kind::State && r.since <= version;
    REGISTERS
        .iter()
        .filter(owed)
        .map(|r| {
            let (title, kind) = (sentence(&r.title), wording::kind(r.kind));
            let words = format!("{title} For a guest: {kind}.");
            let fields: Vec<String> = r
                .fields
                .iter()
                .rev()
                .map(|f| {
                    format!(
                        "\n- `{}` ({}): {}",
                        f.name,
                        bits(f).to_lowercase(),
                        wording::rule(f.rule, f.signed)
                    )
                })
                .collect();
            let source = format!("\n\nSource: {}", r.source);
            let list = match fields.is_empty() {
                true => String::new(),
                false => format!("\n{}", fields.concat()),
            };
            known(
                r.name_in(version),
                &words,
                &format!("**{title}** For a guest: {kind}.{list}{source}"),
            )
        })
        .collect()
}
