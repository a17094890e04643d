//! Baselines as KDL, in the form of the catalogue's own files, and read back as a description would import them.

use crate::diagnostic::Diagnostic;
use crate::language::import;
use crate::location::Source;
use std::sync::Arc;
use vmlock_spec::catalogue::{Act, CachePolicy, Catalogue, Statement, Subject};
use vmlock_spec::smccc;

/// A whole baseline, as its difference from another one. Statements that follow each other and show or hide fields under
/// one condition, from one source, share a line.
pub fn kdl(name: &str, after: &str, title: &str, statements: &[Statement]) -> String {
    let mut text = format!("baseline \"{name}\" after=\"{after}\" {{\n    title \"{title}\"\n");
    let mut rest = statements;
    while let Some((first, others)) = rest.split_first() {
        let mut says = say(&first.subject);
        rest = others;
        if let Subject::Field(_, act @ (Act::Show | Act::Hide)) = &first.subject {
            while let Some((next, others)) = rest.split_first()
                && let Subject::Field(path, also) = &next.subject
                && (also, &next.when, &next.source) == (act, &first.when, &first.source)
            {
                says.push_str(&format!(" \"{path}\""));
                rest = others;
            }
        }
        let when = match first.when.is_empty() {
            true => String::new(),
            false => format!(" when=\"{}\"", first.when.join(" ")),
        };
        text.push_str(&format!("    {says}{when} source=\"{}\"\n", first.source));
    }
    text.push_str("}\n");
    text
}

fn say(subject: &Subject) -> String {
    match subject {
        Subject::Field(target, Act::Show) => format!("show \"{target}\""),
        Subject::Field(target, Act::Hide) => format!("hide \"{target}\""),
        Subject::Field(target, Act::Cap(most)) => format!("cap \"{target}\" {most:#x}"),
        Subject::Field(target, Act::Force(value)) if target.contains('.') => {
            format!("force \"{target}\" {value:#x}")
        }
        Subject::Field(target, Act::Force(value)) => format!("value \"{target}\" {value:#x}"),
        Subject::Cache(CachePolicy::Silicon) => "cache \"silicon\"".to_owned(),
        Subject::Cache(CachePolicy::Fabricated) => "cache \"fabricated\"".to_owned(),
        Subject::Cache(CachePolicy::Model) => "cache \"model\"".to_owned(),
        Subject::Events { register, and, or } => {
            let bits = |name: &str, bits: u64, none: u64| match bits == none {
                true => String::new(),
                false => format!(" {name}={bits:#x}"),
            };
            let (and, or) = (bits("and", *and, u64::MAX), bits("or", *or, 0));
            format!("pmceid \"{register}\"{and}{or}")
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
        Subject::Bitmap(register, Some(bits)) => format!("bitmap \"{register}\" {bits:#x}"),
        Subject::Bitmap(register, None) => format!("bitmap \"{register}\" \"absent\""),
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
