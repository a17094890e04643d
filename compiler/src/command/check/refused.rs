//! What one host cannot keep, in words: on a host with another CPU that comes first, and the rest is folded.

use crate::diagnostic::Diagnostic;
use crate::fold::{Fold, folded};
use crate::location::Source;
use crate::render::{Output, hanging};
use std::collections::BTreeSet;
use std::sync::Arc;
use vmlock_spec::lock::Lock;
use vmlock_spec::part::Another;
use vmlock_spec::plan::Refusal;
use vmlock_spec::reason;

/// More entries than this are folded too.
const WHOLE_MAX: usize = 12;

/// What can be done about refusals, each once. To waive a field for another CPU's sake is no help.
fn helps<'a>(refusals: impl Iterator<Item = &'a Refusal>, waivers: bool) -> Vec<&'a str> {
    let mut seen = BTreeSet::new();
    refusals
        .flat_map(|r| r.help.iter().map(String::as_str))
        .filter(|help| waivers || !help.contains("`vary \""))
        .filter(|help| seen.insert(*help))
        .collect()
}

/// What comes first: that the CPU is another one.
pub fn say_first(another: &Another, out: &mut Output) {
    out.lines(hanging(&format!("  {}", another.words)));
    out.lines(hanging(&format!("    help: {}", another.help)));
}

/// For people.
pub fn say(refusals: &[Refusal], another: Option<&Another>, whole: bool, out: &mut Output) {
    if whole || another.is_none() && refusals.len() <= WHOLE_MAX {
        return refusals.iter().for_each(|refusal| entry(refusal, out));
    }
    let folds = folded(refusals);
    let mut codes: Vec<&'static str> = Vec::new();
    for fold in &folds {
        if !codes.contains(&fold.code) {
            codes.push(fold.code);
        }
    }
    for code in codes {
        let of_code = || folds.iter().filter(|f| f.code == code);
        let title = reason::reason(code).map_or("", |r| r.title);
        out.lines(hanging(&format!(
            "  refused [{code}]: {title} (offered for wanted)"
        )));
        for fold in of_code() {
            out.lines(hanging(&format!("    {}", fold.line())));
        }
        if another.is_none() {
            for help in helps(of_code().flat_map(|f| f.refusals.iter().copied()), false) {
                out.lines(hanging(&format!("    help: {help}")));
            }
        }
    }
    out.line("  (--verbose shows each entry with its reason, and what can be done about it)");
}

fn entry(refusal: &Refusal, out: &mut Output) {
    out.lines(hanging(&format!(
        "  refused {} [{}]",
        refusal.name, refusal.code
    )));
    out.lines(hanging(&format!("    {}", refusal.reason)));
    out.lines(hanging(&format!(
        "    wanted {} (from {}), offered {}",
        refusal.wanted, refusal.from, refusal.offered
    )));
    for help in &refusal.help {
        out.lines(hanging(&format!("    help: {help}")));
    }
}

/// For services that show findings on lines: where the lock promises what is refused.
pub fn findings(
    host: &str,
    lock: &Lock,
    source: &Arc<Source>,
    refusals: &[Refusal],
    another: Option<&Another>,
) -> Vec<Diagnostic> {
    let folds = folded(refusals);
    let at = |name: &str| {
        let quoted = format!("\"{name}\"");
        let start = source.text.find(&quoted);
        start.map_or(0..0, |start| start..start + quoted.len())
    };
    if let (Some(another), Some(first)) = (another, folds.first()) {
        // One mistake is one finding.
        let words = format!("`{host}` cannot keep `{}`: {}", lock.name, another.words);
        let mut finding =
            Diagnostic::error(first.code, words).at(source, at("MIDR_EL1"), "the CPU of the lock");
        for fold in &folds {
            finding = finding.detail(fold.line());
        }
        return vec![finding.help(another.help.as_str())];
    }
    let finding = |fold: &Fold<'_>| {
        let title = reason::reason(fold.code).map_or(fold.code, |r| r.title);
        let words = format!(
            "`{host}` cannot keep `{}`: {}: {title}",
            lock.name, fold.name
        );
        let name = fold.refusals.first().map_or(fold.name, |r| r.name.as_str());
        let span = match at(fold.name) {
            none if none.is_empty() => at(name),
            found => found,
        };
        let mut finding = Diagnostic::error(fold.code, words).at(source, span, "promised here");
        for refusal in &fold.refusals {
            finding = finding.detail(format!(
                "{}: wanted {} (from {}), offered {}",
                refusal.name, refusal.wanted, refusal.from, refusal.offered
            ));
        }
        let helps = helps(fold.refusals.iter().copied(), true);
        helps.into_iter().fold(finding, Diagnostic::help)
    };
    folds.iter().map(finding).collect()
}
