//! `vmlock observe`: what a portable witness printed, read back.

use crate::command::{read_observed, unwritable};
use crate::diagnostic::{Diagnostic, Severity, join};
use crate::flags::ObserveFlags;
use crate::render::{Exit, Output, hanging};
use serde_json::Value;
use std::collections::BTreeMap;
use vmlock_spec::observation::account::Account;
use vmlock_spec::observation::{fact_name, key_of};
use vmlock_spec::report::Seen;
use vmlock_spec::smccc;

/// What is said of every machine, by its facts' names.
const FACTS: [(&str, &str); 5] = [
    ("CPU", "MIDR_EL1"),
    ("PSCI", "PSCI_VERSION()"),
    ("SMCCC", "SMCCC_VERSION()"),
    ("distributor", "GICD_IIDR"),
    ("features", "ID_AA64PFR0_EL1"),
];

/// Names of facts that differ between vCPUs before the rest is counted.
const NAMED: usize = 12;

/// Reads each file, sums it up, and writes it where that was asked for.
pub fn run(flags: &ObserveFlags, out: &mut Output) {
    if flags.output.is_some() && flags.files.len() > 1 {
        let words = "`-o` takes the facts of one file, and several were named";
        let usage = Diagnostic::error("usage::arguments", words)
            .help("call `vmlock observe` once for each, or take `--format json`");
        return out.fail(Exit::Usage, usage);
    }
    let mut observed: Vec<Value> = Vec::new();
    for path in &flags.files {
        let account = match read_observed(path) {
            Ok(account) => account,
            Err(diagnostic) => {
                out.fail(Exit::Environment, diagnostic);
                continue;
            }
        };
        let shown = path.display().to_string();
        say(&shown, &account, out);
        out.findings(incomplete(&shown, &account));
        let value = serde_json::to_value(&account).unwrap_or_default();
        if let Some(output) = &flags.output {
            let text = serde_json::to_string_pretty(&account).unwrap_or_default() + "\n";
            let to = output.display().to_string();
            match vmlock_atomic::replace(output, text) {
                Ok(()) => out.note(format!("{to}: written")),
                Err(error) => out.fail(Exit::Environment, unwritable(&to, &error)),
            }
        }
        observed.push(value);
    }
    out.value("observed", observed);
}

/// vCPUs that have not told all.
pub fn incomplete(shown: &str, account: &Account) -> Vec<Diagnostic> {
    let finding = |(vcpu, reason): (u32, &String)| Diagnostic {
        severity: Severity::Error,
        ..Diagnostic::error("observed::incomplete", format!("vCPU {vcpu}: {reason}")).in_file(shown)
    };
    let list = account.incomplete.iter().map(|i| (i.vcpu, &i.reason));
    list.map(finding).collect()
}

fn say(shown: &str, account: &Account, out: &mut Output) {
    let vcpus = match account.vcpus {
        1 => "1 vCPU".to_owned(),
        n => format!("{n} vCPUs"),
    };
    let machine = &account.machine;
    out.lines(hanging(&format!(
        "{shown}: {vcpus}, {} facts; entered at EL{}, PSCI by {}, interrupt controller {}, console {}",
        account.sightings.len(),
        machine.entered_at,
        machine.psci,
        place(&machine.gic),
        place(&machine.uart),
    )));
    for (title, name) in FACTS {
        let key = key_of(name);
        let mut all = account.sightings.iter();
        let Some(first) = all.find(|s| s.vcpu == 0 && Some(s.key) == key) else {
            continue;
        };
        let seen = match (name, first.seen) {
            ("PSCI_VERSION()" | "SMCCC_VERSION()", Seen::Value(value)) => version(name, value),
            (_, seen) => seen.to_string(),
        };
        out.line(format!("  {title:11}  {name} {seen}"));
    }
    let differ = differ(account);
    if !differ.is_empty() {
        let mut names: Vec<String> = differ.iter().take(NAMED).cloned().collect();
        if differ.len() > NAMED {
            names.push(format!("{} more", differ.len() - NAMED));
        }
        out.lines(hanging(&format!("  vCPUs differ in {}", join(&names))));
    }
}

/// `pl011@9000000` with an address as people write it.
pub fn place(text: &str) -> String {
    match text.split_once('@') {
        Some((what, "0")) => what.to_owned(),
        Some((what, at)) => format!("{what} at 0x{at}"),
        None => text.to_owned(),
    }
}

/// A version by its numbers.
pub fn version(call: &str, value: u64) -> String {
    match value >> 31 {
        0 => format!("{}.{}", value >> 16, value & 0xffff),
        _ => smccc::answer_name(call, value),
    }
}

/// Facts that two vCPUs saw, and not alike.
fn differ(account: &Account) -> Vec<String> {
    let mut all: BTreeMap<u64, Vec<(u32, Seen)>> = BTreeMap::new();
    for sighting in &account.sightings {
        let seen = (sighting.vcpu, sighting.seen);
        all.entry(sighting.key).or_default().push(seen);
    }
    let apart = |pair: &[(u32, Seen)]| pair[0].0 != pair[1].0 && pair[0].1 != pair[1].1;
    let differ = all
        .into_iter()
        .filter(|(_, seen)| seen.windows(2).any(apart));
    differ.map(|(key, _)| fact_name(key).into_owned()).collect()
}
