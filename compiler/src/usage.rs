//! What is meant by a command that there is not: what other programs call it, or a slip of the fingers. The parser's own
//! guess goes by letters alone, and says `drift` for `verify`.

use crate::flags::{Flags, runner};
use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory as _, Error};
use vmlock_spec::words::did_you_mean;

/// Words for the same elsewhere, and what it is here.
const ELSEWHERE: [(&[&str], &str); 14] = [
    (
        &[
            "compile", "build", "resolve", "update", "upgrade", "generate", "gen", "pin", "freeze",
            "make", "relock", "up", "create", "sync",
        ],
        "`vmlock lock` makes the locks of descriptions",
    ),
    (
        &["verify", "validate", "lint"],
        "`vmlock lock --check` says whether locks are what their descriptions say, and `vmlock check` which hosts can keep them",
    ),
    (
        &[
            "test",
            "try",
            "plan",
            "dry-run",
            "can",
            "compat",
            "preflight",
        ],
        "`vmlock check LOCK --host REPORT` says whether a host can keep a lock, without running anything",
    ),
    (
        &["start", "boot", "launch", "exec", "apply", "vm"],
        "`vmlock run start LOCK` runs the machine of a lock on this host, or refuses",
    ),
    (
        &["new", "add", "setup"],
        "`vmlock init` writes a first description",
    ),
    (
        &[
            "show", "info", "describe", "inspect", "cat", "view", "print", "status", "doc", "docs",
        ],
        "`vmlock explain` says what a file, baseline, register or word is",
    ),
    (
        &[
            "list",
            "ls",
            "catalogue",
            "catalog",
            "abi",
            "abis",
            "kernels",
        ],
        "`vmlock baselines` lists what a machine can be built for",
    ),
    (
        &["format", "tidy", "pretty"],
        "`vmlock fmt` lays descriptions out",
    ),
    (
        &["json", "kdl", "to-json", "to-kdl"],
        "`vmlock convert` goes from KDL to JSON, and back",
    ),
    (&["compare", "cmp"], "`vmlock diff` compares two of a kind"),
    (
        &["hosts", "matrix", "table"],
        "`vmlock fleet` says which hosts keep which locks",
    ),
    (
        &["host", "report", "scan", "detect"],
        "`vmlock run probe` writes the report of this host",
    ),
    (
        &["server", "language-server", "lsp-server", "editor"],
        "`vmlock lsp` serves an editor, and `vmlock editor-setup` tells one so",
    ),
    (
        &["manual", "man-pages"],
        "`vmlock man` prints the manual pages",
    ),
];

/// Puts what is meant in place of the parser's guess, where what it found wrong is the name of a command.
pub fn meant(error: &mut Error, arguments: &[String]) {
    if error.kind() != ErrorKind::InvalidSubcommand {
        return;
    }
    let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidSubcommand) else {
        return;
    };
    let word = word.clone();
    // Those of commands have few names, of which a guess by letters is good enough.
    let own = Flags::command();
    let is_own = |given: &String| own.find_subcommand(given).is_some();
    if arguments
        .iter()
        .take_while(|given| **given != word)
        .any(is_own)
    {
        return;
    }
    error.remove(ContextKind::SuggestedSubcommand);
    error.remove(ContextKind::Suggested);
    if let Some(tip) = tip(&word) {
        let tips = vec![StyledStr::from(tip)];
        error.insert(ContextKind::Suggested, ContextValue::StyledStrs(tips));
    }
}

fn tip(word: &str) -> Option<String> {
    let lower = word.to_lowercase();
    let theirs = ELSEWHERE
        .iter()
        .find(|(words, _)| words.contains(&lower.as_str()));
    if let Some((_, tip)) = theirs {
        return Some((*tip).to_owned());
    }
    let file = |ending: &str| lower.ends_with(ending);
    if file(".vm.kdl") || file(".vm.json") {
        return Some(
            "a command stands before a file: `vmlock lock` makes the lock of a description"
                .to_owned(),
        );
    }
    if file(".vm.lock.json") {
        return Some("a command stands before a file: `vmlock check LOCK --host REPORT`, or `vmlock explain LOCK`".to_owned());
    }
    let own = Flags::command();
    let names = || {
        own.get_subcommands()
            .filter(|command| !command.is_hide_set())
    };
    let near = did_you_mean(&lower, names().map(clap::Command::get_name));
    let letters = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    let near = near.or_else(|| {
        let mut swapped = names().filter(|one| letters(one.get_name()) == letters(&lower));
        swapped
            .next()
            .map(|one| format!("did you mean `{}`?", one.get_name()))
    });
    let of_runner = runner::command("run");
    let there = || {
        of_runner
            .get_subcommands()
            .any(|command| command.get_name() == lower)
    };
    near.or_else(|| there().then(|| format!("`vmlock run {lower}`, which is vmlock-run's")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_word_is_a_command_and_each_command_that_is_named_is_one() {
        let own = Flags::command();
        let names: BTreeSet<&str> = own.get_subcommands().map(clap::Command::get_name).collect();
        let mut words = BTreeSet::new();
        for (theirs, tip) in ELSEWHERE {
            for word in theirs {
                assert!(!names.contains(word), "`{word}` is a command");
                assert!(words.insert(word), "`{word}` stands twice");
            }
            let mut named = tip
                .match_indices("`vmlock ")
                .map(|(at, found)| &tip[at + found.len()..]);
            let first = named.next().expect("it names a command");
            for rest in std::iter::once(first).chain(named) {
                let name = rest.split([' ', '`']).next().unwrap_or_default();
                assert!(names.contains(name), "{tip}");
            }
        }
    }

    #[test]
    fn a_slip_is_known_and_what_is_like_nothing_has_no_tip() {
        for (word, expected) in [
            ("lokc", "did you mean `lock`?"),
            ("Chekc", "did you mean `check`?"),
            ("saves", "none"),
            (
                "web.vm.kdl",
                "a command stands before a file: `vmlock lock` makes the lock of a description",
            ),
        ] {
            assert_eq!(tip(word).as_deref().unwrap_or("none"), expected, "{word}");
        }
        assert_eq!(
            tip("probe").as_deref(),
            Some("`vmlock run probe`, which is vmlock-run's")
        );
    }
}
