//! `allow`: the warnings that a description acknowledges, each with its author's reason.

use super::complaint::{Complaint, Severity};
use super::dispatch;
use crate::vm::{Allow, VmSpec};
use crate::words::did_you_mean;

/// The warning where a lock withholds a mitigation.
pub const WITHHOLDS: &str = "spec::withholds-mitigation";

/// The warning where a CPU model was read from an emulator.
pub const EMULATED: &str = "spec::emulated-cpu";

/// Codes of warnings. Of an error there is nothing to allow: no lock comes of it.
pub const WARNINGS: [&str; 6] = [
    EMULATED,
    "spec::hidden-and-working",
    "spec::impossible-combination",
    dispatch::CODE,
    "spec::unsure",
    WITHHOLDS,
];

/// The warning of an acknowledgement of nothing.
pub(super) const UNUSED: &str = "spec::unused-allow";

/// Takes the acknowledged warnings out, and says what is wrong with the acknowledgements. Those of single fields were
/// heeded where the warning is made.
pub(super) fn allow(spec: &VmSpec, complaints: Vec<Complaint>) -> Vec<Complaint> {
    let allows = |c: &Complaint| {
        let mut whole = spec.allow.iter().filter(|a| a.fields.is_none());
        c.severity == Severity::Warning && whole.any(|a| a.code == c.code)
    };
    let mut left = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    for complaint in complaints {
        match allows(&complaint) {
            true => taken.push(complaint.code),
            false => left.push(complaint),
        }
    }
    // Where there is no lock, what would have been warned of is not known.
    let made = left.iter().all(|c| c.severity == Severity::Warning);
    if !made {
        left.retain(|c| c.code != UNUSED);
    }
    for (index, allow) in spec.allow.iter().enumerate() {
        let known = WARNINGS.contains(&allow.code.as_str());
        if !known {
            left.push(unknown(index, allow));
        } else if allow.fields.is_some() {
            if allow.code != WITHHOLDS {
                left.push(of_no_field(index, allow));
            }
        } else if made && !taken.contains(&allow.code.as_str()) {
            left.push(complaint(
                index,
                UNUSED,
                Severity::Warning,
                format!("nothing is warned of as `{}` here", allow.code),
                "remove it: it would hide what comes later".to_owned(),
            ));
        }
    }
    left
}

fn unknown(index: usize, allow: &Allow) -> Complaint {
    let near = did_you_mean(&allow.code, WARNINGS.into_iter());
    complaint(
        index,
        "spec::unknown-warning",
        Severity::Error,
        format!("there is no warning `{}`", allow.code.escape_debug()),
        near.unwrap_or_else(|| format!("one of {}", WARNINGS.join(", "))),
    )
}

fn of_no_field(index: usize, allow: &Allow) -> Complaint {
    let fields = allow.fields.as_deref().unwrap_or_default();
    let mut complaint = complaint(
        index,
        "spec::unknown-warning",
        Severity::Error,
        format!("`{}` is not allowed field by field", allow.code),
        match fields.iter().any(|field| field.contains("::")) {
            true => "each warning has an `allow` of its own, with its reason".to_owned(),
            false => format!("leave the fields out; only `{WITHHOLDS}` has them"),
        },
    );
    complaint.place = format!("/allow/{index}/fields/0");
    complaint
}

fn complaint(
    index: usize,
    code: &'static str,
    severity: Severity,
    message: String,
    help: String,
) -> Complaint {
    Complaint {
        code,
        place: format!("/allow/{index}/code"),
        also: Vec::new(),
        message,
        help: Some(help),
        severity,
    }
}
