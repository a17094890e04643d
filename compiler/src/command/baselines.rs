//! `vmlock baselines`: which there are, those that words find, and one of them whole.

use super::explain::{by_name, explain_baseline, in_order};
use crate::diagnostic::Diagnostic;
use crate::flags::BaselinesFlags;
use crate::render::{Exit, Output, hanging};
use serde_json::{Value, json};
use vmlock_spec::catalogue::{Baseline, Catalogue};
use vmlock_spec::names;

/// Lists those that all words find; shows the one that a single word names.
pub fn run(flags: &BaselinesFlags, out: &mut Output) {
    let catalogue = Catalogue::builtin();
    let all = in_order(&catalogue);
    if let [name] = flags.words.as_slice()
        && let Some(baseline) = by_name(name)
    {
        return explain_baseline(baseline, out);
    }
    let found: Vec<&Baseline> = all
        .into_iter()
        .filter(|b| flags.words.iter().all(|word| speaks_of(b, word)))
        .collect();
    if found.is_empty() {
        let words = format!(
            "no baseline has `{}` in its name, title or part",
            flags.words.join(" ")
        );
        let help = names::baseline(flags.words.first().map_or("", String::as_str), &catalogue);
        return out.fail(
            Exit::Findings,
            Diagnostic::error("explain::unknown", words).help(help),
        );
    }
    let width = found
        .iter()
        .map(|b| b.name.chars().count())
        .max()
        .unwrap_or(0);
    for (heading, kind) in [
        (
            "Whole: all that a guest sees under a kernel",
            (false, false),
        ),
        (
            "Whole, of distributions' kernels: NAME without `.rN` is the newest revision",
            (false, true),
        ),
        (
            "Parts: each overrides its part of a whole one",
            (true, false),
        ),
    ] {
        let is_of = |b: &Baseline| (b.part.is_some(), b.is_of_distribution());
        let group: Vec<&&Baseline> = found.iter().filter(|b| is_of(b) == kind).collect();
        if group.is_empty() {
            continue;
        }
        out.line(heading);
        for baseline in group {
            out.lines(hanging(&format!(
                "  {:width$}  {}",
                baseline.name, baseline.title
            )));
        }
    }
    let list: Vec<Value> = found
        .iter()
        .map(|b| {
            json!({
                "name": b.name, "title": b.title, "part": b.part, "after": b.after,
                "distribution": b.is_of_distribution(),
            })
        })
        .collect();
    out.value("baselines", list);
}

/// Whether a word stands in what a baseline is called.
fn speaks_of(baseline: &Baseline, word: &str) -> bool {
    let word = word.to_lowercase();
    let part = baseline.part.as_deref().unwrap_or("");
    [baseline.name.as_ref(), baseline.title.as_ref(), part]
        .iter()
        .any(|text| text.to_lowercase().contains(&word))
}
