//! `vmlock-run check`: how this host would keep a lock, or why it cannot.

use super::{counts, kept_here, unopened};
use crate::failure::{Failure, exit};
use crate::flags::Parsed;
use crate::proof::witnessed::prove;
use crate::rehearse::For;
use crate::say;
use serde::Serialize;
use vmlock_spec::observation::unpromised::{self, Row};
use vmlock_spec::plan::{Keep, Plan, Way};

#[derive(Serialize)]
struct Kept<'a> {
    kept: bool,
    keeps: &'a [Keep],
    /// What the lock leaves open, on whatever host.
    unpromised: &'a [&'static Row],
    /// Devices behind which nobody looked.
    unopened: &'a [&'a str],
}

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let (system, lock, plan) = kept_here(parsed)?;
    // A yes is one that `start` keeps to, but for what it opens: that is the host's at that time.
    prove(&system, &lock, &plan, For::Check)?;
    let open = unpromised::open(&lock);
    let unopened = unopened(&lock);
    if parsed.json() {
        say::print_json(&Kept {
            kept: true,
            keeps: &plan.keeps,
            unpromised: &open,
            unopened: &unopened,
        })?;
    } else {
        say::println(&human(&lock.name, &plan, &open, &unopened))?;
    }
    Ok(exit::OK)
}

/// The plan in words: what needs doing by name, the rest as numbers.
fn human(name: &str, plan: &Plan, open: &[&Row], unopened: &[&str]) -> String {
    let mut out = String::new();
    for keep in plan
        .keeps
        .iter()
        .filter(|k| k.step.is_some() || matches!(k.way, Way::Vary | Way::Unpromised))
    {
        let words = if keep.words.is_empty() {
            String::new()
        } else {
            format!(" ({})", keep.words)
        };
        out.push_str(&format!("{}: {}{words}\n", keep.name, way(keep.way)));
    }
    let open: Vec<&str> = open.iter().map(|row| row.name).collect();
    out.push_str(&format!(
        "not promised on any host (`vmlock check --verbose` says why): {}\n",
        open.join("; ")
    ));
    out.push_str(&super::not_opened(unopened));
    let counts: Vec<String> = counts(plan)
        .into_iter()
        .map(|(kind, count)| format!("{count} {}", way(kind)))
        .collect();
    out.push_str(&format!(
        "this host can keep `{name}`: {}\n",
        counts.join(", ")
    ));
    out
}

fn way(way: Way) -> &'static str {
    match way {
        Way::Same => "as the host has it",
        Way::Set => "set",
        Way::Emulate => "answered by the runner",
        Way::Absent => "absent",
        Way::Fact => "equal in silicon",
        Way::Vary => "waived",
        Way::Unpromised => "not promised",
    }
}
