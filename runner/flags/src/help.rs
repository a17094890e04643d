//! What `--help` and `--version` print.

use crate::{COMMON, Flag, VERBS, Verb, flags};
use std::fmt::Write as _;

/// What the program does.
pub const ABOUT: &str =
    "makes this host show a guest exactly what its lock says, proves it, or refuses";

/// How it ends.
pub const EXITS: &str = "Exit codes: 0 ok, 1 findings, 2 usage, 3 this host cannot keep the lock, 4 environment, 70 our bug.";

/// What `--version` prints.
pub fn version() -> String {
    format!("vmlock-run {}\n", env!("CARGO_PKG_VERSION"))
}

/// How a verb is called, in one line.
pub fn usage(verb: &Verb) -> String {
    let argument = verb
        .argument
        .map_or_else(String::new, |a| format!(" <{a}>"));
    format!("usage: vmlock-run {}{argument} [FLAGS]", verb.name)
}

/// What `--help` prints.
pub fn overview() -> String {
    let mut out =
        format!("vmlock-run {ABOUT}.\n\nusage: vmlock-run <COMMAND> [FLAGS]\n\nCommands:\n",);
    for verb in VERBS {
        let _ = writeln!(out, "  {:<12} {}", verb.name, verb.summary);
    }
    out.push_str("\nFlags:\n");
    COMMON.iter().for_each(|f| describe(&mut out, f));
    let _ = writeln!(out, "\n{EXITS}");
    out
}

/// What `--help` of a verb prints.
pub fn help(verb: &'static Verb) -> String {
    let mut out = format!(
        "{}.\n\n{}\n\n{}\n\nFlags:\n",
        verb.summary,
        usage(verb),
        verb.text
    );
    flags(verb).for_each(|f| describe(&mut out, f));
    out
}

fn describe(out: &mut String, flag: &Flag) {
    let short = flag
        .short
        .map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
    let value = flag.value.map_or_else(String::new, |v| format!(" <{v}>"));
    let _ = write!(
        out,
        "  {:<26} {}",
        format!("{short}--{}{value}", flag.long),
        flag.help
    );
    if !flag.choices.is_empty() {
        let _ = write!(out, " [{}]", flag.choices.join(", "));
    }
    out.push('\n');
}
