//! `vmlock-run audit`: the witness under the lock, or in a guest that runs, compared with what the lock promises.

use super::{counts, kept_here, not_opened, unopened};
use crate::control::auditor;
use crate::failure::{Failure, exit};
use crate::files::read_lock;
use crate::flags::Parsed;
use crate::rehearse::{For, rehearse};
use crate::say;
use serde::{Serialize, Serializer};
use std::path::Path;
use vmlock_run_flags::{CONTROL, OVERCOMMIT};
use vmlock_spec::observation::living::{self, LeftOut};
use vmlock_spec::observation::{self, Audit, Observed};
use vmlock_spec::plan::Way;
use vmlock_spec::report::Seen;

#[derive(Serialize)]
struct Report<'a> {
    kept: bool,
    /// How many entries are kept in which way.
    #[serde(serialize_with = "as_map")]
    plan: Vec<(Way, usize)>,
    /// Devices behind which nobody looked.
    unopened: Vec<&'a str>,
    #[serde(flatten)]
    audit: &'a Audit,
}

/// The same of a guest that runs.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Living<'a> {
    kept: bool,
    not_looked_at: &'a [LeftOut],
    #[serde(flatten)]
    audit: &'a Audit,
}

fn as_map<S: Serializer>(pairs: &[(Way, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    if let Some(socket) = parsed.value(CONTROL.long) {
        return of_living(parsed, Path::new(socket));
    }
    let (system, lock, plan) = kept_here(parsed)?;
    let audit = rehearse(&system, &lock, &plan.orders(), For::Audit)?;
    if parsed.json() {
        say::print_json(&Report {
            kept: audit.kept(),
            plan: counts(&plan),
            unopened: unopened(&lock),
            audit: &audit,
        })?;
    } else {
        let words = human(&lock.name, &audit, parsed.has("show-observed"), KEPT);
        say::println(&(not_opened(&unopened(&lock)) + &words))?;
    }
    Ok(code(&audit))
}

fn code(audit: &Audit) -> u8 {
    match audit.kept() {
        true => exit::OK,
        false => exit::FINDINGS,
    }
}

/// What a guest that runs would see, and the lock.
fn of_living(parsed: &Parsed, socket: &Path) -> Result<u8, Failure> {
    let of_machine = [OVERCOMMIT.long, "native", "emulate-gic", "emulate-calls"];
    if let Some(flag) = of_machine.into_iter().find(|flag| parsed.has(flag)) {
        return Err(Failure::usage(
            format!("`--{flag}` is for a machine that is made, and with `--control` none is"),
            &["leave it out: the guest has its machine"],
        ));
    }
    let lock = read_lock(Path::new(&parsed.argument))?;
    let looked = auditor::ask(socket, lock.machine.vcpus.len(), parsed.json())?;
    let areas: Vec<&[u8]> = looked.areas.iter().map(Vec::as_slice).collect();
    let (sightings, incomplete) = observation::decode(&areas);
    let (audit, not_looked_at) = living::audit(&lock, &looked.lock, &sightings, incomplete);
    if parsed.json() {
        say::print_json(&Living {
            kept: audit.kept(),
            not_looked_at: &not_looked_at,
            audit: &audit,
        })?;
    } else {
        let words = human(&lock.name, &audit, parsed.has("show-observed"), KEPT_LIVING);
        say::println(&(left_out(&not_looked_at) + &words))?;
    }
    Ok(code(&audit))
}

/// What nobody looked at, or not at all of it, in a line.
fn left_out(all: &[LeftOut]) -> String {
    let sum: usize = all.iter().map(|left| left.promises).sum();
    let each = all
        .iter()
        .map(|left| format!("{} ({})", left.what, left.promises));
    let each: Vec<String> = each.collect();
    format!(
        "not looked at in a guest that runs, as a whole or in part: {sum} promises: {}\n",
        each.join(", ")
    )
}

/// What is said where everything is kept.
const KEPT: &str = "the guest saw exactly what the lock promises";
/// The same of a guest that runs.
const KEPT_LIVING: &str =
    "of all that was looked at, the guest sees exactly what the lock promises";

fn human(name: &str, audit: &Audit, all: bool, kept: &str) -> String {
    let mut out = String::new();
    let differences = audit.differences();
    for difference in &differences {
        out.push_str(&format!(
            "{} on vCPU {}: promised {}, seen {}\n",
            difference.name, difference.vcpu, difference.promised, difference.seen
        ));
    }
    for incomplete in &audit.incomplete {
        out.push_str(&format!(
            "vCPU {}: {}\n",
            incomplete.vcpu, incomplete.reason
        ));
    }
    let unnamed = audit.unnamed();
    for fact in &unnamed {
        out.push_str(&format!(
            "{} on vCPU {}: seen {}, and neither the lock promises it nor does vmlock name it as unpromised: please report this\n",
            fact.name,
            fact.vcpu,
            fact.seen
        ));
    }
    let observed = audit.observed();
    if all {
        for Observed { fact, unpromised } in &observed {
            out.push_str(&format!(
                "observed on vCPU {}: {}: {} (not promised: {unpromised})\n",
                fact.vcpu, fact.name, fact.seen
            ));
        }
    } else if !observed.is_empty() {
        let traps = observed
            .iter()
            .filter(|o| !matches!(o.fact.seen, Seen::Value(_)))
            .count();
        out.push_str(&format!(
            "observed beside the promises: {} facts, {traps} of them exceptions (`--show-observed` lists them)\n",
            observed.len()
        ));
    }
    let verdict = if audit.facts() == 0 {
        "the guest saw none of the promised facts: nothing is proven".to_owned()
    } else if audit.kept() {
        kept.to_owned()
    } else {
        format!(
            "{} differences",
            differences.len() + audit.incomplete.len() + unnamed.len()
        )
    };
    out.push_str(&format!(
        "`{name}`: {} facts seen; {verdict}\ndigest {}\n",
        audit.facts(),
        audit.digest()
    ));
    out
}
