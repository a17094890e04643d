//! Many locks and many hosts: which host can keep which lock, as a table.

use super::{Checked, Host};
use crate::render::terminal;
use crate::shell;
use vmlock_spec::part::Another;
use vmlock_spec::plan::Plan;

/// What is said of a lock on a host.
pub fn cell(plan: &Plan, another: Option<&Another>) -> String {
    match (plan.refusals.len(), another) {
        _ if plan.is_unknown() => "unknown".to_owned(),
        (0, _) => "yes".to_owned(),
        (_, Some(_)) => "no: another CPU".to_owned(),
        (1, None) => "no: 1 entry".to_owned(),
        (n, None) => format!("no: {n} entries"),
    }
}

/// One line for each lock, one column for each host; numbers stand for hosts whose names have no room. `complete` is
/// whether they are all that was asked about.
pub fn lines(all: &[Checked], hosts: &[Host], complete: bool, native: bool) -> Vec<String> {
    let Some(first) = all.first().filter(|_| !hosts.is_empty()) else {
        return Vec::new();
    };
    let names: Vec<String> = hosts.iter().map(|(name, _)| name.clone()).collect();
    let numbers: Vec<String> = (1..=hosts.len()).map(|n| format!("[{n}]")).collect();
    let mut lines = Vec::new();
    let mut heads = &names;
    if width(all, heads) > terminal::width() {
        heads = &numbers;
        lines.extend(
            numbers
                .iter()
                .zip(&names)
                .map(|(n, name)| format!("{n} {name}")),
        );
        lines.push(String::new());
    }
    let left = left(all);
    let columns: Vec<usize> = (0..hosts.len()).map(|i| column(all, heads, i)).collect();
    let row = |first: &str, cells: &[String]| {
        let cells = cells.iter().zip(&columns);
        let cells: String = cells
            .map(|(cell, width)| format!("  {cell:width$}"))
            .collect();
        format!("{first:left$}{cells}").trim_end().to_owned()
    };
    lines.push(row("", heads));
    lines.extend(all.iter().map(|checked| row(&checked.lock, &checked.cells)));
    let kept = all
        .iter()
        .filter(|checked| checked.refusals.is_empty())
        .count();
    lines.push(String::new());
    let there = match hosts.len() {
        1 => "there",
        _ => "by all of these hosts",
    };
    let read = match complete {
        true => "",
        false => ", of what could be read",
    };
    lines.push(format!(
        "{kept} of {} locks can be kept {there}{read}",
        all.len()
    ));
    let refused = all.iter().find(|checked| !checked.refusals.is_empty());
    if let Some(checked) = refused {
        let at = checked.cells.iter().position(|cell| cell != "yes");
        let host = at.and_then(|at| names.get(at)).unwrap_or(&first.lock);
        lines.push(format!(
            "why not, and what can be done: `vmlock check {} --host {}{}`",
            shell::word(&checked.lock),
            shell::word(host),
            if native { " --native" } else { "" }
        ));
    }
    lines
}

fn left(all: &[Checked]) -> usize {
    all.iter()
        .map(|c| c.lock.chars().count())
        .max()
        .unwrap_or(0)
}

fn column(all: &[Checked], heads: &[String], index: usize) -> usize {
    let cells = all.iter().filter_map(|c| c.cells.get(index));
    let texts = cells.chain(heads.get(index));
    texts.map(|text| text.chars().count()).max().unwrap_or(0)
}

fn width(all: &[Checked], heads: &[String]) -> usize {
    let columns: usize = (0..heads.len()).map(|i| 2 + column(all, heads, i)).sum();
    left(all) + columns
}
