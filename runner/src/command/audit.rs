//! `vmlock-run audit`: the witness under the lock, compared with its promises.

use super::{counts, kept_here, not_opened, unopened};
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::rehearse::{For, rehearse};
use crate::say;
use serde::{Serialize, Serializer};
use vmlock_spec::observation::{Audit, Observed};
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

fn as_map<S: Serializer>(pairs: &[(Way, usize)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().copied())
}

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
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
        let words = human(&lock.name, &audit, parsed.has("show-observed"));
        say::println(&(not_opened(&unopened(&lock)) + &words))?;
    }
    Ok(if audit.kept() {
        exit::OK
    } else {
        exit::FINDINGS
    })
}

fn human(name: &str, audit: &Audit, all: bool) -> String {
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
        "the guest saw exactly what the lock promises".to_owned()
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
