//! Baselines as KDL, in the form of the catalogue's own files, and read back as a description would import them.

use crate::diagnostic::Diagnostic;
use crate::language::import;
use crate::language::write::quoted;
use crate::location::Source;
use std::collections::BTreeMap;
use std::sync::Arc;
use vmlock_spec::catalogue::{Act, CachePolicy, Catalogue, Statement, Subject};
use vmlock_spec::smccc;
use vmlock_spec::vm::Feature;

/// A whole baseline, as its difference from another one. Statements that follow each other and show or hide fields under
/// one condition, from one source, share a line.
pub fn kdl(name: &str, after: &str, title: &str, statements: &[Statement]) -> String {
    let mut text = format!(
        "baseline {} after={} {{\n    title {}\n",
        quoted(name),
        quoted(after),
        quoted(title)
    );
    body(statements, &mut text);
    text.push_str("}\n");
    text
}

/// The same of a kernel that was measured on one CPU, and of a user's model of it with its digest: with no other comes a lock of it, nor with vCPU features of which
/// nobody knows, each with the reason.
pub fn measured(
    name: &str,
    after: &str,
    title: &str,
    statements: &[Statement],
    model: (&str, Option<&str>),
    unknown: &BTreeMap<Feature, String>,
) -> String {
    let mut text = kdl(name, after, title, &[]);
    text.truncate(text.len() - "}\n".len());
    let (model, digest) = model;
    let digest = digest.map_or_else(String::new, |digest| format!(" digest={}", quoted(digest)));
    text.push_str(&format!("    measured-on {}{digest}\n", quoted(model)));
    body(statements, &mut text);
    for (feature, why) in unknown {
        let (feature, why) = (quoted(feature.name()), quoted(why));
        text.push_str(&format!("    unknown {feature} source={why}\n"));
    }
    text.push_str("}\n");
    text
}

/// The statements, a line each.
fn body(statements: &[Statement], text: &mut String) {
    let mut rest = statements;
    while let Some((first, others)) = rest.split_first() {
        let mut says = say(&first.subject);
        rest = others;
        if let Subject::Field(_, act @ (Act::Show | Act::Hide)) = &first.subject {
            while let Some((next, others)) = rest.split_first()
                && let Subject::Field(path, also) = &next.subject
                && (also, &next.when, &next.source) == (act, &first.when, &first.source)
            {
                says.push_str(&format!(" {}", quoted(path)));
                rest = others;
            }
        }
        let when = match first.when.is_empty() {
            true => String::new(),
            false => format!(" when={}", quoted(&first.when.join(" "))),
        };
        let source = quoted(&first.source);
        text.push_str(&format!("    {says}{when} source={source}\n"));
    }
}

fn say(subject: &Subject) -> String {
    match subject {
        Subject::Field(target, Act::Show) => format!("show {}", quoted(target)),
        Subject::Field(target, Act::Hide) => format!("hide {}", quoted(target)),
        Subject::Field(target, Act::Cap(most)) => format!("cap {} {most:#x}", quoted(target)),
        Subject::Field(target, Act::Force(value)) if target.contains('.') => {
            format!("force {} {value:#x}", quoted(target))
        }
        Subject::Field(target, Act::Force(value)) => format!("value {} {value:#x}", quoted(target)),
        Subject::Cache(CachePolicy::Silicon) => "cache \"silicon\"".to_owned(),
        Subject::Cache(CachePolicy::Fabricated) => "cache \"fabricated\"".to_owned(),
        Subject::Cache(CachePolicy::Model) => "cache \"model\"".to_owned(),
        Subject::Events { register, and, or } => {
            let bits = |name: &str, bits: u64, none: u64| match bits == none {
                true => String::new(),
                false => format!(" {name}={bits:#x}"),
            };
            let (and, or) = (bits("and", *and, u64::MAX), bits("or", *or, 0));
            format!("pmceid {}{and}{or}", quoted(register))
        }
        Subject::Psci(version) => {
            let number = smccc::psci_name(*version).map_or_else(
                || format!("{}.{}", version >> 16, version & 0xffff),
                str::to_owned,
            );
            format!("psci \"{number}\"")
        }
        Subject::IidrRevision(revision) => format!("gic-iidr-revision {revision}"),
        Subject::Smc(true) => "smc \"full\"".to_owned(),
        Subject::Smc(false) => "smc \"none\"".to_owned(),
        Subject::Bitmap(register, Some(bits)) => format!("bitmap {} {bits:#x}", quoted(register)),
        Subject::Bitmap(register, None) => format!("bitmap {} \"absent\"", quoted(register)),
    }
}

/// Reads our own text as an imported file would be, with all that such a file is held against.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn add(catalogue: &mut Catalogue, text: &str, path: &str) -> Result<(), Box<Diagnostic>> {
    let source = Arc::new(Source {
        path: path.to_owned(),
        text: text.to_owned(),
    });
    let problems = import::check(catalogue, &source);
    problems
        .into_iter()
        .next()
        .map_or(Ok(()), |p| Err(Box::new(p)))
}
