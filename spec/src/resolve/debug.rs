//! Self-hosted debug: how many breakpoints and watchpoints.

use super::decision::Decision;
use super::{Complaints, Context};
use crate::catalogue::field;

/// What `debug` says, field by field.
pub(super) fn decisions(context: &Context, complaints: &mut Complaints) -> Vec<Decision> {
    let cpu = &context.spec.cpu;
    let mut out = Vec::new();
    let mut wish = |path, value, place: &str, from| {
        out.push(Decision::exactly(path, value, place, from));
    };
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
    out
}
