//! `vmlock common`: the most that all of several hosts can show, as a
//! description to paste.

use crate::command::read_tried;
use crate::diagnostic::{Diagnostic, join};
use crate::flags::CommonFlags;
use crate::language::import;
use crate::render::{Exit, Output};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::common::{Common, Nothing, Shown, common};
use vmlock_spec::names;
use vmlock_spec::plan::Refusal;
use vmlock_spec::words::printable;

/// vCPUs of the printed description; the user's to change.
const VCPUS: u32 = 2;

/// Prints the fragment.
pub fn run(flags: &CommonFlags, out: &mut Output) {
    let mut catalogue = Catalogue::builtin();
    let mut failed = false;
    for path in &flags.imports {
        for problem in import::add_file(&mut catalogue, path)
            .err()
            .into_iter()
            .flatten()
        {
            out.fail(Exit::Environment, problem);
            failed = true;
        }
    }
    if let Some(cpu) = flags.cpu.as_deref().filter(|c| catalogue.cpu(c).is_none()) {
        let words = format!("there is no CPU model `{cpu}`");
        let help = format!(
            "{}; --import FILE adds one of yours",
            names::cpu(cpu, &catalogue)
        );
        out.fail(
            Exit::Environment,
            Diagnostic::error("common::unknown-cpu", words).help(help),
        );
        failed = true;
    }
    let mut reports = Vec::new();
    for path in &flags.reports {
        match read_tried(path) {
            Ok(report) => reports.push(report),
            Err(diagnostic) => {
                out.fail(Exit::Environment, diagnostic);
                failed = true;
            }
        }
    }
    if failed {
        return;
    }
    let names: Vec<String> = flags
        .reports
        .iter()
        .map(|p| p.display().to_string())
        .collect();
    let mut features = flags.features.clone();
    features.sort();
    features.dedup();
    match common(&reports, &catalogue, &features, flags.cpu.as_deref()) {
        Ok(found) => say(&found, flags, &names, out),
        Err(Nothing::UnknownCpu) => {
            let words = "no CPU model is the CPU of one of these hosts";
            let help = "make one: `vmlock cpu REPORT --name NAME -o FILE`, then --import FILE";
            let diagnostic = Diagnostic::error("common::unknown-cpu", words);
            out.fail(Exit::Refused, diagnostic.help(help));
        }
        Err(Nothing::Impossible(refusals)) => impossible(&refusals, &names, out),
    }
}

fn impossible(refusals: &[(usize, Refusal)], names: &[String], out: &mut Output) {
    // Equal words of several hosts stand once.
    let mut entries: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (host, refusal) in refusals {
        entries
            .entry((&refusal.name, &refusal.reason))
            .or_default()
            .push(names[*host].clone());
    }
    let words = "no lock is kept by all of these hosts";
    let mut diagnostic = Diagnostic::error("common::impossible", words)
        .help("leave out a host, or make a lock for each of the two kinds");
    for ((name, reason), hosts) in &entries {
        diagnostic = diagnostic.detail(format!("{name} on {}: {reason}", join(hosts)));
    }
    out.fail(Exit::Refused, diagnostic);
    let list: Vec<Value> = refusals
        .iter()
        .map(|(host, refusal)| json!({ "host": names[*host], "refusal": refusal }))
        .collect();
    out.value("refusals", list);
}

fn say(found: &Common, flags: &CommonFlags, names: &[String], out: &mut Output) {
    let text = fragment(found, flags, names);
    out.lines(text.lines());
    for field in &found.vary {
        out.note(format!(
            "vmlock: no value of {} satisfies all hosts ({}): it is not promised",
            field.field,
            shown(field, names)
        ));
    }
    let list = |fields: &[Shown]| -> Vec<Value> {
        let hosts = |field: &Shown| -> Vec<Value> {
            let each = names.iter().zip(&field.hosts);
            each.map(|(name, value)| json!({ "host": name, "shows": value }))
                .collect()
        };
        fields
            .iter()
            .map(|f| json!({ "field": f.field, "value": f.value, "hosts": hosts(f) }))
            .collect()
    };
    let features: Vec<&str> = found.features.iter().map(|f| f.name()).collect();
    out.value(
        "common",
        json!({
            "abi": found.abi,
            "cpu": found.cpu,
            "features": features,
            "set": list(&found.set),
            "vary": list(&found.vary),
            "kdl": text,
        }),
    );
}

/// What goes into the `vm` block.
fn fragment(found: &Common, flags: &CommonFlags, names: &[String]) -> String {
    let mut text = String::new();
    let builtin = Catalogue::builtin();
    let own = builtin.cpu(&found.cpu).is_none()
        || found.abi.iter().any(|a| builtin.baseline(a).is_none());
    for path in flags.imports.iter().filter(|_| own) {
        text.push_str(&format!("import {:?}\n", path.display().to_string()));
    }
    let abi: Vec<String> = found.abi.iter().map(|a| format!("\"{a}\"")).collect();
    text.push_str(&format!("abi {}\n", abi.join(" ")));
    text.push_str(&format!("cpu \"{}\" count={VCPUS}", found.cpu));
    let mut block: String = found
        .features
        .iter()
        .map(|f| format!("    {}\n", super::feature_line(*f, &found.vector_lengths)))
        .collect();
    for field in &found.set {
        block.push_str(&format!(
            "    set \"{}\" {:#x} // {}\n",
            field.field,
            field.value,
            shown(field, names)
        ));
    }
    text.push_str(&match block.is_empty() {
        true => "\n".to_owned(),
        false => format!(" {{\n{block}}}\n"),
    });
    for field in &found.vary {
        text.push_str(&format!(
            "vary \"{}\" // {}\n",
            field.field,
            shown(field, names)
        ));
    }
    text
}

/// What each host shows of a field, hosts with the same value together.
fn shown(field: &Shown, names: &[String]) -> String {
    let mut groups: BTreeMap<Option<u64>, Vec<String>> = BTreeMap::new();
    for (name, value) in names.iter().zip(&field.hosts) {
        // A comment ends with its line, whatever a file is called.
        let name = printable(name).into_owned();
        groups.entry(*value).or_default().push(name);
    }
    let words: Vec<String> = groups
        .iter()
        .map(|(value, hosts)| match value {
            Some(value) => format!("{value:#x} on {}", join(hosts)),
            None => format!("unreadable on {}", join(hosts)),
        })
        .collect();
    words.join("; ")
}
