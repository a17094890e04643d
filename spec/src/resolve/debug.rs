//! Self-hosted debug: how many breakpoints and watchpoints.

use super::decision::Decision;
use super::{Complaints, Context};

/// What `debug` says, field by field.
pub(super) fn decisions(context: &Context, complaints: &mut Complaints) -> Vec<Decision> {
    let cpu = &context.spec.cpu;
    let mut out = Vec::new();
    let mut wish = |path, value, place: &str, from| {
        out.push(Decision::exactly(path, value, place, from));
    };
    if let Some(debug) = &cpu.debug {
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
            // Of what nobody knows, the decision itself is refused.
            let silicon = context.has(path).map(|number| number + 1);
            if !(2..=16).contains(&count) || silicon.is_some_and(|has| u64::from(count) > has) {
                let has = match silicon {
                    Some(number) => format!("the silicon has {number}"),
                    None => "nobody has measured how many the silicon has".to_owned(),
                };
                complaints.error(
                    "spec::impossible-value",
                    place,
                    format!("`{}` cannot have {count} {what}", context.cpu.name),
                    Some(format!("{has}, and the architecture asks for two")),
                );
                continue;
            }
            wish(path, u64::from(count) - 1, place, "spec/cpu/debug");
            // Context-aware breakpoints are the last of all breakpoints.
            let context_aware = "ID_AA64DFR0_EL1.CTX_CMPs";
            let aware = context.has(context_aware);
            let more = aware.is_some_and(|aware| aware > u64::from(count) - 1);
            // Where nobody knows how many, `unmeasured` asks about them.
            if what == "breakpoints" && more {
                wish(context_aware, u64::from(count) - 1, place, "spec/cpu/debug");
            }
        }
    }
    out
}
