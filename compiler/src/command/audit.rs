//! `vmlock audit`: what a portable witness saw under somebody's virtual machine monitor, held against a lock by the
//! runner's own judge.

use crate::command::observe::incomplete;
use crate::command::{read_lock, read_observed};
use crate::diagnostic::Diagnostic;
use crate::flags::AuditFlags;
use crate::render::{Exit, Output, hanging};
use serde_json::json;
use std::collections::BTreeMap;
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::account::Account;
use vmlock_spec::observation::scope::Scope;
use vmlock_spec::observation::{self, Difference, Incomplete};

/// Judges.
pub fn run(flags: &AuditFlags, out: &mut Output) {
    let lock = match read_lock(&flags.lock) {
        Ok(lock) => lock,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let mut account = match read_observed(&flags.observed) {
        Ok(account) => account,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let all = flags.only.is_empty();
    let mut scopes = match all {
        true => Scope::ALL.to_vec(),
        false => flags.only.clone(),
    };
    scopes.sort_unstable();
    scopes.dedup();
    account.incomplete.extend(as_many(&lock, &account));
    let shown = flags.observed.display().to_string();
    let audit = observation::audit(&lock, &account.sightings, account.incomplete.clone());
    let (audit, not_judged) = audit.only(&scopes);
    let differences = audit.differences();
    let kept = audit.kept();
    out.lines(lines(&differences).iter().flat_map(|line| hanging(line)));
    if out.is_for_services() {
        let finding = |line| {
            Diagnostic::error("observed::broken", line).in_file(flags.lock.display().to_string())
        };
        out.findings(lines(&differences).into_iter().map(finding).collect());
    }
    for fact in audit.unnamed() {
        out.lines(hanging(&format!(
            "{} on vCPU {}: seen {}, and the machine of the lock has no such thing",
            fact.name, fact.vcpu, fact.seen
        )));
    }
    out.findings(incomplete(&shown, &account));
    let names: Vec<&str> = scopes.iter().map(|scope| scope.name()).collect();
    let verdict = match (kept, differences.len()) {
        (true, _) => "the guest saw exactly what the lock promises there".to_owned(),
        (_, 0) => "none is broken, and what stands above is no yes".to_owned(),
        (_, 1) => "1 promise is not kept".to_owned(),
        (_, n) => format!("{n} promises are not kept"),
    };
    out.lines(hanging(&format!(
        "`{}`: {} promised facts of {} were seen; {verdict}",
        lock.name,
        audit.facts(),
        names.join(", ")
    )));
    let others: Vec<&str> = Scope::ALL
        .iter()
        .filter(|scope| !scopes.contains(scope))
        .map(|scope| scope.name())
        .collect();
    if !others.is_empty() {
        out.lines(hanging(&format!(
            "not judged: {} promises of {}",
            not_judged.promises,
            others.join(", ")
        )));
    }
    if !kept {
        out.exit(Exit::Findings);
    }
    out.value("kept", kept);
    out.value("only", names);
    out.value("facts", audit.facts());
    out.value("differences", json!(differences));
    out.value("incomplete", json!(account.incomplete));
    out.value("unnamed", json!(audit.unnamed()));
    out.value("notJudged", json!(not_judged));
    out.value("digest", audit.digest());
}

/// A machine of more or fewer vCPUs is another one, whichever part of it is judged.
fn as_many(lock: &Lock, account: &Account) -> Option<Incomplete> {
    let wanted = lock.machine.vcpus.len();
    (account.vcpus as usize != wanted).then(|| Incomplete {
        vcpu: account.vcpus.min(wanted as u32),
        reason: format!(
            "the machine has {} vCPUs and the lock {wanted}: start the witness with as many",
            account.vcpus
        ),
    })
}

/// One line for what several vCPUs saw alike.
fn lines(differences: &[Difference]) -> Vec<String> {
    let mut alike: BTreeMap<(&str, &str, &str), Vec<u32>> = BTreeMap::new();
    for d in differences {
        let same = (d.name.as_str(), d.promised.as_str(), d.seen.as_str());
        alike.entry(same).or_default().push(d.vcpu);
    }
    let line = |((name, promised, seen), vcpus): (&(&str, &str, &str), &Vec<u32>)| {
        let vcpus = match vcpus.as_slice() {
            [one] => format!("vCPU {one}"),
            [first, .., last] => format!("{} vCPUs from {first} to {last}", vcpus.len()),
            [] => String::new(),
        };
        format!("{name} on {vcpus}: promised {promised}, seen {seen}")
    };
    alike.iter().map(line).collect()
}
