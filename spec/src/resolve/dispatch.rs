//! Warnings where MIDR_EL1 promises what the other ID registers hide.
//!
//! Many libraries choose their fastest code by the part that MIDR_EL1 names and
//! never look at a feature's own field. Such a program executes what the lock
//! hides: it ends with SIGILL where the host lacks it, or makes it undefined.

use super::{Complaint, Context, Severity};
use crate::catalogue::{Catalogue, CpuModel, HWCAPS, Hwcap, field, register_by_name};
use crate::lock::{Lock, LockedRegister};
use std::collections::BTreeMap;

/// Implementer, Architecture and PartNum of MIDR_EL1: what such libraries go by.
const PART: u64 = 0xff0f_fff0;

/// ID registers whose fields announce instructions.
const INSTRUCTIONS: &str = "ID_AA64ISAR";

/// Of these, the instructions execute on every CPU: a hint, a range of PRFM, another precision.
const HARMLESS: [&str; 4] = ["dgh", "ebf16", "rpres", "rprfm"];

/// The warning's code.
pub const CODE: &str = "spec::midr-promises";

/// What can be done about it.
pub const HELP: &str = "a library that chooses its code by MIDR_EL1 uses it all the same, and ends with SIGILL where the host \
     lacks it or makes it undefined: name a CPU model that has it not, or do not hide it";

/// An instruction set feature that MIDR_EL1 promises and a field hides.
struct Hidden {
    /// The field.
    path: &'static str,
    /// Words on both values.
    words: String,
}

/// What registers hide of a model's instructions, each field once: under the first name that is hidden.
fn hidden(locked: &[LockedRegister], model: &CpuModel) -> Vec<Hidden> {
    let mut out: Vec<Hidden> = Vec::new();
    // What belongs to a vCPU feature is off unless a description names that, and no library takes it for granted.
    let ends = |h: &&Hwcap| h.feature.is_none() && !HARMLESS.contains(&h.name.as_ref());
    for hwcap in HWCAPS.iter().filter(ends) {
        for by in hwcap.fields.iter() {
            let Some((register, field)) = field(&by.path) else {
                continue;
            };
            if !by.path.starts_with(INSTRUCTIONS) || out.iter().any(|h| h.path == by.path) {
                continue;
            }
            let Some(shown) = value(locked, &register.name) else {
                continue;
            };
            // What nobody knows of the model, its part promises to nobody.
            let Some(promised) = model.silicon(register).get(field) else {
                continue;
            };
            let shown = field.get(shown);
            let announced = |value| field.order(value) >= field.order(by.from);
            if announced(promised) && !announced(shown) {
                let words = format!(
                    "{} = {promised:#x} ({}), shown as {shown:#x}",
                    by.path, hwcap.name
                );
                out.push(Hidden {
                    path: &by.path,
                    words,
                });
            }
        }
    }
    out
}

fn value(locked: &[LockedRegister], register: &str) -> Option<u64> {
    let mut entries = locked.iter();
    entries.find(|r| r.name == register).map(|r| r.value)
}

fn message(midr: u64, model: &CpuModel, hidden: &[String]) -> String {
    format!(
        "MIDR_EL1 says `{}` (part {:#x}), which has what this lock hides: {}",
        model.name,
        midr >> 4 & 0xfff,
        hidden.join("; ")
    )
}

/// One warning for each place that hides something: a `hide`, a `set`, or the baselines.
pub(super) fn warnings(
    context: &Context,
    locked: &[LockedRegister],
    catalogue: &Catalogue,
) -> Vec<Complaint> {
    let Some(midr) = value(locked, "MIDR_EL1") else {
        return Vec::new();
    };
    let Some(model) = model(Some(context.cpu), midr, catalogue) else {
        return Vec::new();
    };
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for found in hidden(locked, model) {
        let place = context.decided_at(found.path);
        places.entry(place).or_default().push(found.words);
    }
    let warning = |(place, what): (String, Vec<String>)| Complaint {
        code: CODE,
        place,
        also: Vec::new(),
        message: message(midr, model, &what),
        help: Some(HELP.into()),
        severity: Severity::Warning,
    };
    places.into_iter().map(warning).collect()
}

/// The same of a lock, whose description is not at hand, as one line of words.
pub fn of_lock(lock: &Lock, catalogue: &Catalogue) -> Option<String> {
    let midr = value(&lock.registers, "MIDR_EL1")?;
    let own = catalogue.cpu(&lock.cpu.model);
    let model = model(own, midr, catalogue)?;
    let found: Vec<String> = hidden(&lock.registers, model)
        .into_iter()
        .map(|h| h.words)
        .collect();
    (!found.is_empty()).then(|| message(midr, model, &found))
}

/// The model whose part MIDR_EL1 names: the description's own, or another one of the catalogue.
fn model<'a>(
    own: Option<&'a CpuModel>,
    midr: u64,
    catalogue: &'a Catalogue,
) -> Option<&'a CpuModel> {
    let others = catalogue.cpu_names().filter_map(|name| catalogue.cpu(name));
    own.into_iter()
        .chain(others)
        .find(|model| part(model) == Some(midr & PART))
}

/// The part that a model is, where that is known.
fn part(model: &CpuModel) -> Option<u64> {
    model.silicon(register_by_name("MIDR_EL1")?).known(PART)
}
