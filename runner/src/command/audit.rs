//! `vmlock-run audit`: the witness under the lock, compared with its promises.

use super::{open, plan_here, read_lock};
use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::machine::memory::Memory;
use crate::say;
use crate::stats::Stats;
use crate::witness::{self, Stage};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use vmlock_spec::observation::{self, Audit};
use vmlock_spec::report::{Fact, Seen};

#[derive(Serialize)]
struct Report<'a> {
    kept: bool,
    #[serde(flatten)]
    audit: &'a Audit,
}

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let mut stats = Stats::new(parsed.has("stats"));
    let lock = read_lock(Path::new(&parsed.argument))?;
    let system = open()?;
    let plan = plan_here(&system, &lock)?;
    stats.mark("probe");
    if !plan.refusals.is_empty() {
        return Err(Failure::Refused(plan.refusals));
    }
    let memory = Memory::new(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    let recipe = Recipe::of_lock(&lock, &plan);
    let begun = apply::begin(&system, &recipe, Some(Arc::clone(&memory)))?;
    stats.mark("create");
    let built = apply::complete(begun, &recipe)?;
    stats.mark("enforce");
    let verified = verify::verify(built, &lock, &recipe)?;
    stats.mark("verify");
    let stage = Stage {
        mpidr: recipe.mpidr.clone(),
        distributor: recipe.distributor,
        redistributors: recipe.redistributors,
    };
    witness::load(&stage, &memory, &verified)?;
    stats.mark("load");
    let (facts, incomplete) = witness::observe(verified, &stage, &memory, stats.into_last())?;
    let audit = observation::audit(&lock, &facts, incomplete);
    if parsed.json() {
        say::print_json(&Report {
            kept: audit.kept(),
            audit: &audit,
        });
    } else {
        say::println(human(&lock.name, &audit, parsed.has("observed")).trim_end());
    }
    Ok(if audit.kept() {
        exit::OK
    } else {
        exit::FINDINGS
    })
}

fn human(name: &str, audit: &Audit, all: bool) -> String {
    let mut out = String::new();
    for difference in &audit.differences {
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
    if all {
        for fact in &audit.observed {
            out.push_str(&format!(
                "observed on vCPU {}: {}: {}\n",
                fact.vcpu,
                fact.name,
                seen(fact)
            ));
        }
    } else if !audit.observed.is_empty() {
        let traps = audit
            .observed
            .iter()
            .filter(|f| !matches!(f.seen, Seen::Value(_)))
            .count();
        out.push_str(&format!(
            "observed beside the promises: {} facts, {traps} of them exceptions (`--observed` lists them)\n",
            audit.observed.len()
        ));
    }
    let verdict = if audit.facts == 0 {
        "the guest saw none of the promised facts: nothing is proven".to_owned()
    } else if audit.kept() {
        "the guest saw exactly what the lock promises".to_owned()
    } else {
        format!(
            "{} differences",
            audit.differences.len() + audit.incomplete.len()
        )
    };
    out.push_str(&format!(
        "`{name}`: {} facts seen; {verdict}\ndigest {}\n",
        audit.facts, audit.digest
    ));
    out
}

fn seen(fact: &Fact) -> String {
    match fact.seen {
        Seen::Value(value) => format!("{value:#x}"),
        Seen::Undefined => "undefined instruction".to_owned(),
        Seen::Trapped(class) => format!("exception of class {class:#04x}"),
        Seen::Abort => "abort".to_owned(),
    }
}
