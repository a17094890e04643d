//! Names and files as shells complete them: what the catalogue has, with a word on each, and files of the right kind.

use crate::files::is_report;
use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter as _};
use std::ffi::OsStr;
use std::path::Path;
use vmlock_spec::catalogue::{BASELINES, CPUS, Catalogue, HWCAPS, REGISTERS, VMMS};
use vmlock_spec::export::{Fate, SCOPES};
use vmlock_spec::observation::scope::Scope;
use vmlock_spec::vm::Feature;

/// The environment variable by which a shell's script asks this program.
pub const ASKED: &str = "VMLOCK_COMPLETE";

fn named(name: &str, title: &str) -> CompletionCandidate {
    // A shell shows it in one line.
    CompletionCandidate::new(name).help(Some(title.to_owned().into()))
}

/// Baselines of the catalogue.
pub fn baselines() -> Vec<CompletionCandidate> {
    let catalogue = Catalogue::builtin();
    let standing = catalogue.standing().into_iter();
    let standing =
        standing.map(|(name, means)| named(name, &format!("the newest revision: {means}")));
    let all = BASELINES.iter().map(|b| named(&b.name, &b.title));
    all.chain(standing).collect()
}

/// CPU models of the catalogue.
pub fn models() -> Vec<CompletionCandidate> {
    CPUS.iter().map(|c| named(&c.name, &c.title)).collect()
}

/// Virtual machine monitors of the catalogue, each by itself and in its versions.
pub fn vmms() -> Vec<CompletionCandidate> {
    let each = VMMS.iter().flat_map(|vmm| {
        let versions = vmm.versions.iter();
        let versions = versions
            .map(move |v| named(&format!("{}@{v}", vmm.name), &format!("{} {v}", vmm.title)));
        std::iter::once(named(&vmm.name, &vmm.title)).chain(versions)
    });
    each.collect()
}

/// What `audit` judges by itself.
pub fn scopes() -> Vec<CompletionCandidate> {
    let names = Scope::ALL.iter().map(|scope| scope.name());
    names.map(CompletionCandidate::new).collect()
}

/// What of it `export` does.
pub fn exported() -> Vec<CompletionCandidate> {
    let names = SCOPES.iter().map(|scope| scope.name());
    names.map(CompletionCandidate::new).collect()
}

/// Fates that somebody may be content with; the best needs nobody's word.
pub fn fates() -> Vec<CompletionCandidate> {
    let others = Fate::ALL.iter().filter(|fate| **fate != Fate::Kept);
    others.map(|f| named(f.name(), f.words())).collect()
}

/// Features of a vCPU.
pub fn features() -> Vec<CompletionCandidate> {
    Feature::ALL
        .iter()
        .map(|f| CompletionCandidate::new(f.name()))
        .collect()
}

/// All that `explain` knows by a name without a `:`, at which bash breaks words.
fn explained() -> Vec<CompletionCandidate> {
    let caps = HWCAPS.iter().map(|h| CompletionCandidate::new(&*h.name));
    let registers = REGISTERS.iter().map(|r| CompletionCandidate::new(&*r.name));
    let all = baselines().into_iter().chain(models()).chain(features());
    all.chain(caps).chain(registers).collect()
}

/// Of these names those that begin so, in any case, and files whose names end in one of those ways.
fn beside(
    current: &OsStr,
    names: Vec<CompletionCandidate>,
    ends: &'static [&'static str],
) -> Vec<CompletionCandidate> {
    let begun = current.to_string_lossy().to_lowercase();
    let begins = |c: &CompletionCandidate| {
        c.get_value()
            .to_string_lossy()
            .to_lowercase()
            .starts_with(&begun)
    };
    let mut all: Vec<CompletionCandidate> = names.into_iter().filter(begins).collect();
    all.extend(ending(current, ends));
    all
}

/// Files of which the name says that they are of that kind, and folders, below which some may be.
fn files(
    current: &OsStr,
    is: impl Fn(&str) -> bool + Send + Sync + 'static,
) -> Vec<CompletionCandidate> {
    let of_kind = move |path: &Path| is(&path.to_string_lossy());
    PathCompleter::any().filter(of_kind).complete(current)
}

fn ending(current: &OsStr, ends: &'static [&'static str]) -> Vec<CompletionCandidate> {
    files(current, move |name| {
        ends.iter().any(|end| name.ends_with(end))
    })
}

/// Descriptions.
pub fn specs(current: &OsStr) -> Vec<CompletionCandidate> {
    ending(current, &[".vm.kdl", ".vm.json"])
}

/// Locks.
pub fn locks(current: &OsStr) -> Vec<CompletionCandidate> {
    ending(current, &[".lock.json"])
}

/// Host reports.
pub fn reports(current: &OsStr) -> Vec<CompletionCandidate> {
    files(current, is_report)
}

/// What a description imports, and what is laid out as it is.
pub fn kdl(current: &OsStr) -> Vec<CompletionCandidate> {
    ending(current, &[".kdl"])
}

/// What a portable witness saw.
pub fn observed(current: &OsStr) -> Vec<CompletionCandidate> {
    ending(current, &[".log", ".json"])
}

/// What `explain` explains.
pub fn explainable(current: &OsStr) -> Vec<CompletionCandidate> {
    beside(current, explained(), &[".kdl", ".json", ".save"])
}

/// What `diff` compares.
pub fn comparable(current: &OsStr) -> Vec<CompletionCandidate> {
    beside(current, baselines(), &[".json", ".log", ".save"])
}
