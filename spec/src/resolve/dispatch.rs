//! Warnings where MIDR_EL1 promises what the other ID registers hide.
//!
//! Many libraries choose their fastest code by the part that MIDR_EL1 names and
//! never look at a feature's own field. Such a program executes what the lock
//! hides: it ends with SIGILL where the host lacks it, or makes it undefined.

use super::{Complaint, Context, HWCAPS, Severity};
use crate::catalogue::{Catalogue, CpuModel, field};
use crate::lock::LockedRegister;
use std::collections::BTreeMap;

/// Implementer, Architecture and PartNum of MIDR_EL1: what such libraries go by.
const PART: u64 = 0xff0f_fff0;

/// ID registers whose fields announce instructions.
const INSTRUCTIONS: &str = "ID_AA64ISAR";

/// One warning for each place that hides something: a `hide`, a `set`, or the baselines.
pub(super) fn warnings(
    context: &Context,
    locked: &[LockedRegister],
    catalogue: &Catalogue,
) -> Vec<Complaint> {
    let value = |register: &str| {
        let mut entries = locked.iter();
        entries.find(|r| r.name == register).map(|r| r.value)
    };
    let Some(midr) = value("MIDR_EL1") else {
        return Vec::new();
    };
    let Some(model) = model(context, midr, catalogue) else {
        return Vec::new();
    };
    let mut hidden: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (capability, fields) in HWCAPS {
        for path in fields.iter().filter(|path| path.starts_with(INSTRUCTIONS)) {
            let (Some((register, field)), Some(shown)) =
                (field(path), path.split('.').next().and_then(&value))
            else {
                continue;
            };
            let promised = field.get(raw(model, &register.name));
            let shown = field.get(shown);
            if field.order(promised) > field.order(shown) {
                let place = place(context, capability, path);
                let what = format!("{path} = {promised:#x} ({capability}), shown as {shown:#x}");
                hidden.entry(place).or_default().push(what);
            }
        }
    }
    let part = midr >> 4 & 0xfff;
    let warning = |(place, what): (String, Vec<String>)| {
        Complaint {
        code: "spec::midr-promises",
        place,
        also: Vec::new(),
        message: format!(
            "MIDR_EL1 says `{}` (part {part:#x}), which has what this lock hides: {}",
            model.name,
            what.join("; ")
        ),
        help: Some(
            "a library that chooses its code by MIDR_EL1 uses it all the same, and ends with SIGILL where the host \
             lacks it or makes it undefined: name a CPU model that has it not, or do not hide it"
                .into(),
        ),
        severity: Severity::Warning,
    }
    };
    hidden.into_iter().map(warning).collect()
}

/// The model whose part MIDR_EL1 names: the description's own, or another one of the catalogue.
fn model<'a>(context: &Context<'a>, midr: u64, catalogue: &'a Catalogue) -> Option<&'a CpuModel> {
    let others = catalogue.cpu_names().filter_map(|name| catalogue.cpu(name));
    std::iter::once(context.cpu)
        .chain(others)
        .find(|model| (raw(model, "MIDR_EL1") ^ midr) & PART == 0)
}

fn raw(model: &CpuModel, register: &str) -> u64 {
    let mut values = model.registers.iter();
    values
        .find(|r| r.register == register)
        .map_or(0, |r| r.value)
}

/// Who hides it: an entry of the `cpu` block, or else the baselines.
fn place(context: &Context, capability: &str, path: &str) -> String {
    let cpu = &context.spec.cpu;
    let hide = cpu.hide.iter().position(|h| h == capability || h == path);
    let set = cpu.set.iter().position(|s| s.field == path);
    match (hide, set) {
        (Some(index), _) => format!("/cpu/hide/{index}"),
        (None, Some(index)) => format!("/cpu/set/{index}"),
        (None, None) => "/abi".to_owned(),
    }
}
