//! Warnings where a lock withholds a mitigation from its guest that the CPU model has, and its author does not know of it.

use super::allow::{UNUSED, WITHHOLDS};
use super::registers::look_up;
use super::{Complaint, Complaints, Context, Severity};
use crate::lock::LockedRegister;
use crate::mitigation::{Mitigation, withheld_from_model, words};
use std::collections::BTreeMap;

/// One warning for each place that decides so, with the names of what it withholds; and one for each field that is
/// allowed to be withheld and is not. A field that there is not is an error.
pub(super) fn warnings(context: &Context, locked: &[LockedRegister]) -> Vec<Complaint> {
    let withheld = withheld_from_model(locked, context.cpu);
    let allowed: Vec<(String, &str)> = allowed(context).collect();
    let mut places: BTreeMap<String, Vec<&Mitigation>> = BTreeMap::new();
    for mitigation in &withheld {
        if allowed.iter().all(|(_, path)| *path != mitigation.path) {
            let place = context.decided_at(mitigation.path);
            places.entry(place).or_default().push(mitigation);
        }
    }
    let warning = |(place, list): (String, Vec<&Mitigation>)| {
        let paths: Vec<String> = list.iter().map(|m| format!("\"{}\"", m.path)).collect();
        complaint(
            WITHHOLDS,
            place,
            format!(
                "the guest is not told what protects it on `{}`: {}",
                context.cpu.name,
                words(&list)
            ),
            format!(
                "show it (a newer baseline, or `set`); where it is meant: allow \"{WITHHOLDS}\" {} reason=\"…\"",
                paths.join(" ")
            ),
        )
    };
    let mut left = Complaints::default();
    for (place, path) in &allowed {
        let is_unused = withheld.iter().all(|m| m.path != *path);
        if is_unused && look_up(path, place, &mut left).is_some() {
            left.0.push(complaint(
                UNUSED,
                place.clone(),
                format!("`{}` is not withheld here", path.escape_debug()),
                "remove it: it would hide what comes later".to_owned(),
            ));
        }
    }
    places.into_iter().map(warning).chain(left.0).collect()
}

/// The fields of which the author knows, each with its place.
fn allowed<'a>(context: &Context<'a>) -> impl Iterator<Item = (String, &'a str)> {
    let all = context.spec.allow.iter().enumerate();
    let all = all.filter(|(_, allow)| allow.code == WITHHOLDS);
    all.flat_map(|(index, allow)| {
        let fields = allow.fields.iter().flatten().enumerate();
        fields.map(move |(at, path)| (format!("/allow/{index}/fields/{at}"), path.as_str()))
    })
}

fn complaint(code: &'static str, place: String, message: String, help: String) -> Complaint {
    Complaint {
        code,
        place,
        also: Vec::new(),
        message,
        help: Some(help),
        severity: Severity::Warning,
    }
}
