//! An imported file speaks of what exists: a statement about a register, a field or a condition that nobody knows would
//! be kept by doing nothing.

use crate::diagnostic::Diagnostic;
use crate::location::Source;
use kdl::{KdlDocument, KdlEntry, KdlNode};
use std::collections::BTreeSet;
use std::sync::Arc;
use vmlock_spec::catalogue::{CPUS, Catalogue, field, register_by_name};
use vmlock_spec::names;
use vmlock_spec::smccc;
use vmlock_spec::vm::Feature;

const CODE: &str = "import::invalid";

/// Everything in a file that names what there is not. `catalogue` holds what all files define.
pub fn unknown(
    catalogue: &Catalogue,
    source: &Arc<Source>,
    document: &KdlDocument,
) -> Vec<Diagnostic> {
    let (mut found, mut broken) = (Vec::new(), false);
    for node in document.nodes() {
        match node.name().value() {
            "baseline" => {
                // Of a circle the first one is enough.
                let chain = after(catalogue, source, node, &mut broken);
                found.extend(chain);
                for child in children(node) {
                    found.extend(match child.name().value() {
                        "unknown" => topics(source, child),
                        "measured-on" => models(catalogue, source, child),
                        "kernel" => recorded(source, child).into_iter().collect(),
                        _ => target(source, child),
                    });
                    found.extend(conditions(source, child));
                }
            }
            "cpu" => {
                for child in children(node) {
                    match child.name().value() {
                        "register" | "fact" => found.extend(register(source, child)),
                        "unknown" => found.extend(of_cpu(source, child)),
                        "unaffected" => found.extend(unaffected(source, child)),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }
    found
}

fn children(node: &KdlNode) -> &[KdlNode] {
    node.children().map_or(&[], |c| c.nodes())
}

fn arguments(node: &KdlNode) -> impl Iterator<Item = (&KdlEntry, &str)> {
    let positional = node.entries().iter().filter(|e| e.name().is_none());
    positional.filter_map(|e| Some((e, e.value().as_string()?)))
}

fn property<'n>(node: &'n KdlNode, name: &str) -> Option<(&'n KdlEntry, &'n str)> {
    let entry = node.entry(name)?;
    Some((entry, entry.value().as_string()?))
}

fn problem(source: &Arc<Source>, entry: &KdlEntry, words: String, help: String) -> Diagnostic {
    let span = entry.span();
    let span = span.offset()..span.offset() + span.len();
    Diagnostic::error(CODE, words)
        .at(source, span, "not known")
        .help(help)
}

/// The baseline that one is a difference from.
fn after(
    catalogue: &Catalogue,
    source: &Arc<Source>,
    node: &KdlNode,
    broken: &mut bool,
) -> Option<Diagnostic> {
    let (entry, name) = property(node, "after")?;
    let own = arguments(node).next().map_or("", |(_, own)| own);
    let Some(before) = catalogue.baseline(name) else {
        let words =
            format!("there is no baseline `{name}` that `{own}` could be a difference from");
        return Some(problem(
            source,
            entry,
            words,
            names::baseline(name, catalogue),
        ));
    };
    if before.part.is_some() {
        let words = format!("`{name}` is a part, and `{own}` cannot be a difference from it");
        let help = "name a whole baseline, for example after=\"kvm-6.8\"".to_owned();
        return Some(problem(source, entry, words, help));
    }
    if catalogue.chain(own).is_none() && !std::mem::replace(broken, true) {
        let words = format!(
            "`{own}` is a difference from `{name}`, and that one in the end from what is not there"
        );
        let help = "a baseline builds on others down to one of the catalogue, never in a circle"
            .to_owned();
        return Some(problem(source, entry, words, help));
    }
    None
}

/// What a statement is about.
fn target(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let exists = |path: &str| field(path).is_some() || register_by_name(path).is_some();
    match node.name().value() {
        "show" | "hide" => arguments(node)
            .filter(|(_, path)| !exists(path))
            .map(|(entry, path)| no_field(source, entry, path))
            .collect(),
        "cap" | "force" | "value" => arguments(node)
            .take(1)
            .filter(|(_, path)| !exists(path))
            .map(|(entry, path)| no_field(source, entry, path))
            .collect(),
        "bitmap" | "pmceid" => register(source, node).into_iter().collect(),
        "psci" => arguments(node)
            .take(1)
            // What is no version at all the reader tells of.
            .filter(|(_, version)| version.contains('.') && smccc::psci_number(version).is_none())
            .map(|(entry, version)| {
                let known: Vec<&str> = smccc::PSCI_VERSIONS.iter().map(|(_, name)| *name).collect();
                let words = format!("no kernel shows PSCI `{version}`");
                problem(source, entry, words, format!("one of {}", known.join(", ")))
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// What nobody has read of a CPU: a register, a field, or whether it has a vulnerability.
fn of_cpu(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let exists = |path: &str| {
        field(path).is_some()
            || register_by_name(path).is_some()
            || path.starts_with("unaffected:") && is_condition(path)
    };
    let unknown = arguments(node).filter(|(_, path)| !exists(path));
    unknown
        .map(|(entry, path)| no_field(source, entry, path))
        .collect()
}

/// Vulnerabilities that a CPU has not: one that no kernel asks about would be taken for one that it has.
fn unaffected(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let known = vulnerabilities();
    let unknown = arguments(node).filter(|(_, name)| !known.contains(name));
    let of = |(entry, name): (&KdlEntry, &str)| {
        let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let help = format!("those that kernels ask about are {}", all.join(", "));
        problem(
            source,
            entry,
            format!("there is no vulnerability `{name}`"),
            help,
        )
    };
    unknown.map(of).collect()
}

/// Those that baselines may ask about.
fn vulnerabilities() -> BTreeSet<&'static str> {
    let all = CPUS.iter().flat_map(|cpu| cpu.unaffected.iter());
    all.map(|name| &**name).collect()
}

/// What nobody has measured of a kernel.
fn topics(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    const WORDS: [&str; 4] = ["gic-iidr-revision", "smc", "psci", "cache"];
    let exists = |topic: &str| {
        WORDS.contains(&topic)
            || field(topic).is_some()
            || register_by_name(topic).is_some()
            || Feature::ALL.iter().any(|f| f.name() == topic)
    };
    let unknown = arguments(node).filter(|(_, topic)| !exists(topic));
    unknown
        .map(|(entry, topic)| no_field(source, entry, topic))
        .collect()
}

/// CPU models on which a kernel was measured.
fn models(catalogue: &Catalogue, source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let is_bound = node.entry("digest").is_some();
    let wrong = arguments(node).filter_map(|(entry, name)| {
        let (words, help) = match catalogue.cpu(name) {
            None => (
                format!("there is no CPU model `{name}`"),
                names::cpu(name, catalogue),
            ),
            Some(model) if !catalogue.is_ours(name) && !is_bound => (
                format!("`{name}` is a model in a file, which may come to describe another CPU"),
                match model.digests.last() {
                    Some(digest) => format!("say which one was measured: `measured-on \"{name}\" digest=\"{digest}\"`, if it is this one"),
                    None => "make the baseline again: `vmlock adopt REPORT --baseline NAME`".to_owned(),
                },
            ),
            Some(_) => return None,
        };
        Some(problem(source, entry, words, help))
    });
    wrong.collect()
}

/// Hosts are recorded of our own catalogue's kernels alone: what a user's kernel shows would be compared with another one.
fn recorded(source: &Arc<Source>, node: &KdlNode) -> Option<Diagnostic> {
    let entry = node.entry("recorded")?;
    let words =
        "`recorded` names hosts of vmlock's own lab, and those have another kernel".to_owned();
    let help = "leave it out: `vmlock drift OLD NEW` compares with a report of yours".to_owned();
    Some(problem(source, entry, words, help))
}

fn no_field(source: &Arc<Source>, entry: &KdlEntry, path: &str) -> Diagnostic {
    let words = format!("there is no field or register `{path}`");
    let of_register = path
        .split_once('.')
        .and_then(|(name, _)| register_by_name(name));
    let help = match of_register {
        Some(register) => {
            let fields: Vec<&str> = register.fields.iter().map(|f| f.name.as_ref()).collect();
            format!("`{}` has: {}", register.name, fields.join(", "))
        }
        None => names::register(path)
            .unwrap_or_else(|| "`vmlock explain` lists the registers".to_owned()),
    };
    problem(source, entry, words, help)
}

/// A register that stands behind a word.
fn register(source: &Arc<Source>, node: &KdlNode) -> Option<Diagnostic> {
    let (entry, name) = arguments(node).next()?;
    if register_by_name(name).is_some() {
        return None;
    }
    let help =
        names::register(name).unwrap_or_else(|| "`vmlock explain` lists the registers".to_owned());
    Some(problem(
        source,
        entry,
        format!("there is no register `{name}`"),
        help,
    ))
}

/// When a statement holds.
fn conditions(source: &Arc<Source>, node: &KdlNode) -> Vec<Diagnostic> {
    let Some((entry, when)) = property(node, "when") else {
        return Vec::new();
    };
    let unknown = when
        .split_whitespace()
        .filter(|condition| !is_condition(condition));
    let help = "a condition is a vCPU feature (`pmu`, `!sve`), `REGISTER.FIELD>=N` of the silicon, `el0-aarch32`, \
                `no-clean-to-pou` or `unaffected:NAME`";
    unknown
        .map(|condition| {
            problem(
                source,
                entry,
                format!("`{condition}` is no condition"),
                help.to_owned(),
            )
        })
        .collect()
}

fn is_condition(condition: &str) -> bool {
    let condition = condition.strip_prefix('!').unwrap_or(condition);
    if let Some(name) = condition.strip_prefix("unaffected:") {
        return vulnerabilities().contains(name);
    }
    if let Some((path, least)) = condition.split_once(">=") {
        let least = least.parse::<u64>();
        return field(path).is_some_and(|(_, field)| least.is_ok_and(|n| n <= field.max()));
    }
    // `el2` is a feature that no description can name yet.
    ["el0-aarch32", "no-clean-to-pou", "el2"].contains(&condition)
        || Feature::ALL.iter().any(|f| f.name() == condition)
}
