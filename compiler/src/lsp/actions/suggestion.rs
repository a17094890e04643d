//! Suggestions of findings as edits. What a help says in words is tried in the ways in which it can be meant, and one
//! is offered only where the finding is gone after it and no other has come.

use super::edit_of;
use crate::diagnostic::{Diagnostic, Severity};
use crate::lsp::analysis::Analysis;
use crate::lsp::outline::unquoted;
use crate::lsp::view::View;
use gen_lsp_types::{CodeAction, CodeActionKind};
use std::ops::Range;

/// An edit, and what it is called.
struct Candidate {
    span: Range<usize>,
    text: String,
    title: String,
}

/// The first edits that mend a finding, one for each thing that its help names. `left` is how many may be tried still.
pub fn of(
    view: &View,
    finding: &Diagnostic,
    looked_at: &dyn Fn(&str) -> Analysis,
    left: &mut usize,
) -> Vec<CodeAction> {
    let mut all = Vec::new();
    let Some(label) = finding.labels.first() else {
        return all;
    };
    let mut candidates = Vec::new();
    for help in &finding.help {
        candidates.extend(of_help(view, help, label.span.clone()));
    }
    // Of several ways to do what a help says, the one that leaves the fewest errors.
    let mut best: Vec<(usize, Candidate)> = Vec::new();
    for candidate in candidates {
        let mut text = view.text().to_owned();
        if text.get(candidate.span.clone()).is_none() {
            continue;
        }
        text.replace_range(candidate.span.clone(), &candidate.text);
        if text == view.text() {
            continue;
        }
        match left.checked_sub(1) {
            Some(fewer) => *left = fewer,
            None => break,
        }
        let after = looked_at(&text).found;
        if !mends(&view.analysis.found, finding, &after) {
            continue;
        }
        let errors = after
            .iter()
            .filter(|d| d.severity == Severity::Error)
            .count();
        match best
            .iter_mut()
            .find(|(_, other)| other.title == candidate.title)
        {
            Some((fewest, _)) if *fewest <= errors => {}
            Some(other) => *other = (errors, candidate),
            None => best.push((errors, candidate)),
        }
    }
    for (_, candidate) in best {
        all.push(CodeAction {
            title: candidate.title,
            kind: Some(CodeActionKind::QuickFix),
            is_preferred: Some(all.is_empty()),
            edit: Some(edit_of(
                view,
                vec![view.edit(candidate.span, candidate.text)],
            )),
            ..CodeAction::default()
        });
    }
    all
}

/// Whether a finding is gone, and there is no error that was not there before. A text that parses at last has errors that
/// nobody could see before, and one without errors warnings.
fn mends(before: &[Diagnostic], finding: &Diagnostic, after: &[Diagnostic]) -> bool {
    let key = |d: &Diagnostic| (d.code, d.message.clone());
    let gone = key(finding);
    let count = |list: &[Diagnostic]| list.iter().filter(|d| key(d) == gone).count();
    if count(after) >= count(before) {
        return false;
    }
    let unread = finding.code == "spec::syntax";
    after.iter().all(|d| {
        let known = before.iter().any(|b| key(b) == key(d));
        let warning = d.severity == Severity::Warning;
        known || warning || unread && d.code != "spec::syntax"
    })
}

/// What stands between backticks.
fn quoted(help: &str) -> impl Iterator<Item = &str> {
    help.split('`').skip(1).step_by(2)
}

/// The edits that a line of help can mean.
fn of_help(view: &View, help: &str, span: Range<usize>) -> Vec<Candidate> {
    let outline = &view.analysis.outline;
    let node = outline
        .nodes
        .iter()
        .enumerate()
        .filter(|(_, node)| node.name.start <= span.start && span.start <= node.end)
        .max_by_key(|(_, node)| node.name.start);
    let entry = node.and_then(|(_, node)| {
        node.entries
            .iter()
            .map(|entry| {
                entry.name.as_ref().map_or(entry.value.start, |n| n.start)..entry.value.end
            })
            .find(|entry| entry.start <= span.start && span.start < entry.end.max(entry.start + 1))
    });
    let mut all = Vec::new();
    let mut push = |span: Range<usize>, text: String, title: String| {
        all.push(Candidate { span, text, title });
    };
    let lower = help.to_lowercase();
    let removes = ["remove", "keep one of the two", "leave ", "the word alone"]
        .iter()
        .any(|word| lower.starts_with(word));
    if removes {
        let title = || "Remove it".to_owned();
        // What turns a feature off stands in a line without which it is off: without that alone it would be on.
        let line = lower.starts_with("leave the line out");
        if let Some(entry) = entry.as_ref().filter(|_| !line) {
            push(
                with_blank(view.text(), entry.clone()),
                String::new(),
                title(),
            );
        }
        if !line {
            push(
                with_blank(view.text(), span.clone()),
                String::new(),
                title(),
            );
        }
        if let Some((_, node)) = node {
            push(
                whole_lines(view.text(), node.name.start..node.end),
                String::new(),
                title(),
            );
        }
        return all;
    }
    let says = [
        "did you mean",
        "write ",
        "add ",
        "or write",
        "for example",
        "there is only",
        "one of",
        "make it",
    ]
    .iter()
    .any(|word| lower.starts_with(word));
    if !says {
        return all;
    }
    for words in quoted(help) {
        // What is left to the author, and commands for a shell.
        if words.contains('…') || words.starts_with("vmlock ") || words.is_empty() {
            continue;
        }
        if lower.starts_with("add ") {
            if let Some((_, node)) = node {
                let title = format!("Add `{words}`");
                let property = words
                    .split_once('=')
                    .is_some_and(|(name, _)| !name.contains([' ', '"']));
                match (&node.block, property) {
                    (_, true) => push(node.head().end..node.head().end, format!(" {words}"), title),
                    (Some(block), false) if node.closed => {
                        let (at, text) = line_in(view.text(), block.clone(), words);
                        push(at..at, text, title);
                    }
                    _ => {}
                }
            }
            continue;
        }
        let title = format!("Write `{words}`");
        let there = view.words(span.clone());
        let string = |words: &str| format!("\"{words}\"");
        // As it is quoted where it stands.
        if there.starts_with('"') && !words.starts_with('"') {
            push(span.clone(), string(words), title.clone());
            if let Some((register, _)) = unquoted(there).split_once('.') {
                push(
                    span.clone(),
                    format!("\"{register}.{words}\""),
                    title.clone(),
                );
            }
        }
        push(span.clone(), words.to_owned(), title.clone());
        if let Some(entry) = &entry {
            push(entry.clone(), words.to_owned(), title.clone());
            if !words.starts_with('"') {
                push(entry.clone(), string(words), title.clone());
            }
        }
        if let Some((_, node)) = node {
            push(node.head(), words.to_owned(), title.clone());
            push(node.name.start..node.end, words.to_owned(), title.clone());
        }
        let line = line_of(view.text(), span.start);
        push(line, words.to_owned(), title);
    }
    all
}

/// A span with the blanks before it.
fn with_blank(text: &str, span: Range<usize>) -> Range<usize> {
    let before = text.get(..span.start).unwrap_or("");
    before.trim_end_matches([' ', '\t']).len()..span.end
}

/// A span with all of its lines where nothing else stands in them.
fn whole_lines(text: &str, span: Range<usize>) -> Range<usize> {
    let before = text.get(..span.start).unwrap_or("");
    let start = before.trim_end_matches([' ', '\t']).len();
    let behind = text.get(span.end..).unwrap_or("");
    let blank = behind.len() - behind.trim_start_matches([' ', '\t', ';']).len();
    let rest = &behind[blank..];
    let alone = start == 0 || before[..start].ends_with('\n');
    match (alone, rest.starts_with("\r\n"), rest.starts_with('\n')) {
        (true, true, _) => start..span.end + blank + 2,
        (true, _, true) => start..span.end + blank + 1,
        _ => span,
    }
}

/// The line of a byte, without its indent.
fn line_of(text: &str, at: usize) -> Range<usize> {
    let before = text.get(..at).unwrap_or("");
    let start = before.rfind('\n').map_or(0, |n| n + 1);
    let line = text.get(start..).unwrap_or("").lines().next().unwrap_or("");
    let indent = line.len() - line.trim_start().len();
    start + indent..start + line.trim_end().len()
}

/// Where a line goes at the end of a block, and with which blanks.
pub fn line_in(text: &str, block: Range<usize>, words: &str) -> (usize, String) {
    let inside = text
        .get(block.start + 1..block.end.saturating_sub(1))
        .unwrap_or("");
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let kept = inside.trim_end().len();
    let at = block.start + 1 + kept;
    // As the line of the block's last node is indented; in a block without any, four columns.
    let last = inside.trim_end().rsplit('\n').next().unwrap_or("");
    let indent = match inside.trim().is_empty() {
        true => {
            let line = text
                .get(..block.start)
                .unwrap_or("")
                .rsplit('\n')
                .next()
                .unwrap_or("");
            let own = &line[..line.len() - line.trim_start().len()];
            format!("{own}    ")
        }
        false => last[..last.len() - last.trim_start().len()].to_owned(),
    };
    let ends = match inside.get(kept..).unwrap_or("").contains('\n') {
        true => "",
        false => newline,
    };
    (at, format!("{newline}{indent}{words}{ends}"))
}
