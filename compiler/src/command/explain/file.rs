//! What a file says, in a few lines: a lock, a description by the lock that it would make, a host report, a saved guest,
//! a file of somebody's own baselines and CPU models.

use super::saved;
use crate::command::lock::former;
use crate::command::{is_saved, read, read_lock, read_report, unreadable};
use crate::compile::{self, lock_path};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::language::reach::{Disk, Reach as _};
use crate::language::{import, read};
use crate::render::{Exit, Output, hanging};
use crate::shell;
use kdl::KdlNode;
use serde_json::{Value, json};
use std::path::Path;
use vmlock_spec::catalogue::{Baseline, Catalogue};
use vmlock_spec::common::{self, common};
use vmlock_spec::lock::{BootFile, Lock, canonical};
use vmlock_spec::observation::unpromised;
use vmlock_spec::report::HostReport;
use vmlock_spec::vm::{Feature, VmSpec};
use vmlock_spec::words;

/// Whether somebody means a file by that name.
pub fn is_one(name: &str) -> bool {
    let named = [".kdl", ".json"].iter().any(|end| name.ends_with(end));
    named || Path::new(name).is_file()
}

/// Explains it.
pub fn explain(path: &Path, out: &mut Output) {
    let shown = path.display().to_string();
    if lock_path(path).is_some() {
        return description(path, &shown, out);
    }
    if path.extension().is_some_and(|e| e == "kdl") {
        return entries(path, &shown, out);
    }
    if is_saved(path) {
        return saved::explain(path, &shown, out);
    }
    let text = match read(path, canonical::SIZE_MAX) {
        Ok(text) => text,
        Err(finding) => return out.fail(Exit::Environment, finding),
    };
    let has = |key: &str| text.contains(&format!("\"{key}\""));
    if has("lockVersion") {
        match read_lock(path) {
            Ok(lock) => {
                let told = of_lock(&shown, &lock, None, out);
                out.value("lock", told);
            }
            Err(finding) => out.fail(Exit::Environment, finding),
        }
    } else if has("reportVersion") {
        match read_report(path) {
            Ok(report) => of_report(&shown, &report, out),
            Err(finding) => out.fail(Exit::Environment, finding),
        }
    } else {
        let words = format!(
            "`{shown}` is no lock, description, host report, saved guest or file of baselines"
        );
        let help = "what a portable witness printed is read by `vmlock observe`";
        let finding = Diagnostic::error("explain::unknown", words).in_file(shown);
        out.fail(Exit::Findings, finding.help(help));
    }
}

/// A description, by the lock that it makes.
fn description(path: &Path, shown: &str, out: &mut Output) {
    let machines = match compile::read(path) {
        Ok(machines) => machines,
        Err(error) => return out.fail(Exit::Environment, unreadable(path, &error)),
    };
    let (mut found, mut explained) = (Vec::new(), Vec::new());
    for machine in machines {
        // As `lock` would make it: what is there of a lock says its version, and what it knows of files that are not here.
        let file = machine.file.as_deref();
        let old = file.and_then(|lock| files::read(lock, canonical::SIZE_MAX).ok());
        let former = match former(file.unwrap_or(path), old.as_deref(), false) {
            Ok(former) => former,
            Err(newer) => return out.fail(Exit::Environment, *newer),
        };
        let compiled = compile::compile(path, machine, &[], &former, &Disk);
        found.extend(compiled.found);
        explained.extend(compiled.lock.zip(compiled.read));
    }
    out.findings(compile::once(found));
    let locks: Vec<Value> = explained
        .iter()
        .map(|(lock, read)| of_lock(shown, lock, Some(&read.spec), out))
        .collect();
    // Programs that know of one machine find it where it was.
    match locks.as_slice() {
        [one] => out.value("lock", one.clone()),
        several => out.value("locks", several.to_vec()),
    }
}

/// A file that descriptions import.
fn entries(path: &Path, shown: &str, out: &mut Output) {
    let mut catalogue = Catalogue::builtin();
    if let Err(found) = import::add_file(&mut catalogue, path) {
        if !path.exists() {
            out.exit(Exit::Environment);
        }
        return out.findings(found);
    }
    let builtin = Catalogue::builtin();
    out.line(format!("{shown}: for descriptions, which `import` it"));
    let mut names: Vec<Value> = Vec::new();
    for name in catalogue
        .baseline_names()
        .filter(|n| builtin.baseline(n).is_none())
    {
        let title = catalogue.baseline(name).map_or("", |b| b.title.as_ref());
        out.lines(hanging(&format!("  baseline  {name}: {title}")));
        let chain = catalogue.chain(name).unwrap_or_default();
        let releases = catalogue.releases();
        let is_known = |b: &Baseline| builtin.baseline(&b.name).is_some();
        let mainline = |b: &&&Baseline| is_known(b) && releases.contains(&b.name.as_ref());
        let nearest = chain.iter().rev().find(mainline).map(|b| b.name.as_ref());
        if let Some(nearest) = nearest {
            let own = chain.iter().rev().take_while(|b| b.name != nearest);
            let count: usize = own.map(|b| b.statements.len()).sum();
            let (of, models) = match catalogue.baseline(name).map(|b| b.measured_on.as_ref()) {
                Some(models) if !models.is_empty() => (", for ", models.join(", ")),
                _ => ("", String::new()),
            };
            out.lines(hanging(&format!(
                "            stated as its difference from mainline's {nearest}, in {}{of}{models}",
                match count {
                    1 => "1 statement".to_owned(),
                    count => format!("{count} statements"),
                }
            )));
        }
        names.push(json!({ "baseline": name, "title": title, "mainline": nearest }));
    }
    for name in catalogue.cpu_names().filter(|n| builtin.cpu(n).is_none()) {
        let title = catalogue.cpu(name).map_or("", |c| c.title.as_ref());
        out.lines(hanging(&format!("  cpu       {name}: {title}")));
        names.push(json!({ "cpu": name, "title": title }));
    }
    let document = Disk
        .source(path, shown)
        .ok()
        .and_then(|s| read::parse(&s).ok());
    let defaults = document.and_then(|d| d.into_iter().find(|n| n.name().value() == "defaults"));
    if let Some(block) = defaults.as_ref().and_then(KdlNode::children) {
        let mut words: Vec<&str> = block.nodes().iter().map(|n| n.name().value()).collect();
        words.dedup();
        out.lines(hanging(&format!("  defaults  {}", words.join(", "))));
        names.push(json!({ "defaults": words }));
    }
    out.value("entries", names);
}

/// Tells what a lock says, and what its description does beside that, where there is one; the same for programs.
fn of_lock(shown: &str, lock: &Lock, spec: Option<&VmSpec>, out: &mut Output) -> Value {
    let catalogue = Catalogue::builtin();
    let title = |title: Option<&str>| title.unwrap_or("of somebody's own").to_owned();
    let (name, version) = (&lock.name, lock.lock_version);
    out.line(format!(
        "{shown}: machine `{name}`, arm64, lock of version {version}"
    ));
    let description = spec.and_then(|spec| spec.description.as_deref());
    if let Some(words) = description {
        out.lines(hanging(&format!("  is        {}", words::printable(words))));
    }
    let labels = spec.map(|spec| &spec.labels);
    let shown_labels: Vec<String> = labels
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", words::printable(value)))
        .collect();
    if !shown_labels.is_empty() {
        out.lines(hanging(&format!("  labels    {}", shown_labels.join(", "))));
    }
    for name in lock.baselines.keys() {
        let title = title(catalogue.baseline(name).map(|b| b.title.as_ref()));
        out.lines(hanging(&format!("  baseline  {name}: {title}")));
    }
    let (model, count) = (&lock.cpu.model, lock.machine.vcpus.len());
    let of_cpu = title(catalogue.cpu(model).map(|c| c.title.as_ref()));
    out.lines(hanging(&format!("  cpu       {count} × {model}: {of_cpu}")));
    let feature = |f: &Feature| crate::command::feature_line(*f, &lock.vector_lengths);
    let features: Vec<String> = lock.features.iter().map(feature).collect();
    if !features.is_empty() {
        out.lines(hanging(&format!("  features  {}", features.join(", "))));
    }
    out.line(format!(
        "  memory    {} MiB",
        lock.machine.memory.size >> 20
    ));
    for device in &lock.machine.devices {
        let kind = serde_json::to_value(device.kind).unwrap_or_default();
        let kind = kind.as_str().unwrap_or_default();
        out.line(format!("  device    {}: {kind}", device.name));
    }
    match &lock.boot {
        None => out.line("  boots     nothing: it can be audited, and not started"),
        Some(boot) => {
            for (what, file) in [
                ("kernel", Some(&boot.kernel)),
                ("initrd", boot.initrd.as_ref()),
            ] {
                if let Some(file) = file {
                    out.lines(hanging(&format!(
                        "  {what:9} {}, {}",
                        file.path,
                        held(file)
                    )));
                }
            }
        }
    }
    let waived: Vec<String> = lock
        .registers
        .iter()
        .flat_map(|r| {
            r.vary
                .iter()
                .map(move |w| format!("{}.{} ({})", r.name, w.field, w.from))
        })
        .collect();
    let registers = lock.registers.len();
    out.line(format!("  promises  {registers} registers, the interrupt controller, firmware calls and what vCPUs begin with"));
    if !waived.is_empty() {
        out.lines(hanging(&format!("  waived    {}", waived.join(", "))));
    }
    let open = unpromised::open(lock);
    out.line(format!(
        "  not promised on any host: {} things; `vmlock check` names them",
        open.len()
    ));
    let mut told = json!({
        "name": lock.name,
        "lockVersion": version,
        "baselines": lock.baselines.keys().collect::<Vec<_>>(),
        "cpu": model,
        "vcpus": count,
        "features": features,
        "memory": lock.machine.memory.size,
        "waived": waived,
    });
    if let Some(words) = description {
        told["description"] = json!(words);
    }
    if let Some(labels) = labels.filter(|labels| !labels.is_empty()) {
        told["labels"] = json!(labels);
    }
    told
}

fn held(file: &BootFile) -> String {
    match &file.digest {
        Some(digest) => format!("held to {digest}"),
        None => "any file will do".to_owned(),
    }
}

fn of_report(shown: &str, report: &HostReport, out: &mut Output) {
    if let Some(imported) = &report.imported {
        out.line(format!(
            "{shown}: an imported report, which says {} things that one guest was shown",
            imported.told()
        ));
        out.lines(hanging(&format!("  made of   {}", imported.of)));
        for line in &imported.unknown {
            out.lines(hanging(&format!("  unknown   {line}")));
        }
        out.line("  no lock is ever kept by it: `vmlock-run probe` makes a report on the host");
        out.value("report", json!({ "imported": imported }));
        return;
    }
    out.line(format!(
        "{shown}: what one host can be made to show, for at most {} vCPUs",
        report.vcpus_max
    ));
    let offered: Vec<&str> = Feature::ALL
        .iter()
        .filter(|f| report.offers(**f))
        .map(|f| f.name())
        .collect();
    let list = |list: &[&str]| match list {
        [] => "none".to_owned(),
        list => list.join(", "),
    };
    let versions: Vec<&str> = report.psci.iter().map(String::as_str).collect();
    out.lines(hanging(&format!("  features  {}", list(&offered))));
    out.lines(hanging(&format!("  PSCI      {}", list(&versions))));
    out.line(format!("  addresses of {} bits", report.ipa_bits));
    let found = common(
        std::slice::from_ref(report),
        &Catalogue::builtin(),
        &[],
        None,
    );
    match &found {
        Ok(found) => out.lines(hanging(&format!(
            "  keeps     abi {} on a {}{}",
            found.abi.join(" "),
            found.cpu,
            match found.set.len() + found.vary.len() {
                0 => String::new(),
                n => format!(
                    ", but for {n} fields: `vmlock common {}` says which",
                    shell::word(shown)
                ),
            }
        ))),
        Err(common::Nothing::UnknownCpu) => out.lines(hanging(&format!(
            "  its CPU is no model of the catalogue: `vmlock cpu {} --name NAME` makes one",
            shell::word(shown)
        ))),
        Err(common::Nothing::Impossible(refusals)) => out.lines(hanging(&format!(
            "  keeps no lock of a catalogue's baseline: {} entries; `vmlock common {}` says which",
            refusals.len(),
            shell::word(shown)
        ))),
    }
    let found = found.ok();
    out.value(
        "report",
        json!({
            "vcpus": report.vcpus_max,
            "features": offered,
            "psci": report.psci,
            "abi": found.as_ref().map(|f| &f.abi),
            "cpu": found.as_ref().map(|f| &f.cpu),
        }),
    );
}
