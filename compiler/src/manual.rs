//! The pages of the manual: each out of the one definition of its command, with the sections and in the order that
//! man-pages(7) gives them. Prose is filled to the reader's width, what is to be typed is not.

use crate::flags::{Flags, runner};
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;
use roff::{Roff, bold, roman};
use std::io;

/// Every page: its name, and its text.
///
/// # Errors
/// There are none in memory.
pub fn pages() -> io::Result<Vec<(String, String)>> {
    let mut commands = Vec::new();
    // The page of the door is that of the program behind it.
    let own = Flags::command().mut_subcommand("run", |command| command.hide(true));
    for (name, command, other) in [
        ("vmlock", own, "vmlock-run"),
        ("vmlock-run", runner::command("vmlock-run"), "vmlock"),
    ] {
        let mut command = plain(command);
        command.build();
        collect(name.to_owned(), &command, other, &mut commands);
    }
    let page = |(name, command, other): (String, Command, String)| {
        let text = page(command, &other)?;
        Ok((name, text))
    };
    commands.into_iter().map(page).collect()
}

/// Without the command that prints what the manual says.
fn plain(command: Command) -> Command {
    let names: Vec<String> = command
        .get_subcommands()
        .map(|below| below.get_name().to_owned())
        .collect();
    let command = command.disable_help_subcommand(true);
    names
        .into_iter()
        .fold(command, |all, name| all.mut_subcommand(name, plain))
}

/// A page of each command, with the other one that it names, and of those below, which name it.
fn collect(
    name: String,
    command: &Command,
    other: &str,
    pages: &mut Vec<(String, Command, String)>,
) {
    let own = command.clone().name(name.clone());
    pages.push((name.clone(), own, other.to_owned()));
    for below in command.get_subcommands().filter(|c| !c.is_hide_set()) {
        let page = format!("{name}-{}", below.get_name());
        collect(page, below, &name, pages);
    }
}

fn page(mut command: Command, other: &str) -> io::Result<String> {
    let usage = command.render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").trim().to_owned();
    let has_help = command.get_arguments().any(|arg| arg.get_id() == "help");
    if has_help {
        command = command.mut_arg("help", |arg| arg.help("Print help").long_help("Print help"));
    }
    let about = command.get_long_about().or(command.get_about());
    let about = about.map(ToString::to_string).unwrap_or_default();
    let text = command.get_after_long_help().map(ToString::to_string);
    let text = text.unwrap_or_default();
    let parts = Parts::of(&text);
    let has_below = command.get_subcommands().any(|c| !c.is_hide_set());

    let man = Man::new(command);
    let mut out = Vec::new();
    man.render_title(&mut out)?;
    man.render_name_section(&mut out)?;
    section(&mut out, "SYNOPSIS", |roff| {
        roff.text([bold(usage.as_str())]);
    });
    section(&mut out, "DESCRIPTION", |roff| {
        let about = about.trim().trim_end_matches('.');
        let mut all: Vec<&str> = about.split("\n\n").collect();
        let last = all.pop().unwrap_or_default();
        all.iter().for_each(|words| paragraph(roff, words));
        paragraph(roff, &format!("{last}."));
        parts.prose.iter().for_each(|words| paragraph(roff, words));
    });
    if has_below {
        section(&mut out, "COMMANDS", |_| {});
        let mut below = Vec::new();
        man.render_subcommands_section(&mut below)?;
        // Under a heading of its own.
        let below = String::from_utf8_lossy(&below).into_owned();
        let below = below.lines().filter(|line| !line.starts_with(".SH"));
        below.for_each(|line| out.extend(format!("{line}\n").bytes()));
    }
    man.render_options_section(&mut out)?;
    for (heading, paragraphs) in [("EXIT STATUS", &parts.exits), ("EXAMPLES", &parts.examples)] {
        if !paragraphs.is_empty() {
            section(&mut out, heading, |roff| {
                paragraphs.iter().for_each(|words| paragraph(roff, words));
            });
        }
    }
    section(&mut out, "SEE ALSO", |roff| {
        roff.text([bold(other), roman("(1)")]);
    });
    Ok(String::from_utf8_lossy(&out).into_owned())
}

fn section(out: &mut Vec<u8>, heading: &str, content: impl FnOnce(&mut Roff)) {
    let mut roff = Roff::new();
    roff.control("SH", [heading]);
    content(&mut roff);
    out.extend(roff.to_roff().bytes());
}

/// A text of `--help`, by what its paragraphs are.
#[derive(Default)]
struct Parts<'a> {
    prose: Vec<&'a str>,
    exits: Vec<&'a str>,
    examples: Vec<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(text: &'a str) -> Self {
        let mut parts = Self::default();
        let mut among_examples = false;
        for words in text.split("\n\n").filter(|words| !words.trim().is_empty()) {
            if let Some(examples) = words.strip_prefix("Examples:") {
                parts.examples.push(examples.trim_start_matches('\n'));
                among_examples = true;
            } else if let Some(exits) = words.strip_prefix("Exit codes:") {
                // On the same line they are prose, on lines of their own rows.
                let rows = exits.strip_prefix('\n');
                parts.exits.push(rows.unwrap_or(exits.trim_start()));
            } else if among_examples && words.lines().next().is_some_and(|l| l.ends_with(':')) {
                parts.examples.push(words);
            } else {
                parts.prose.push(words);
                among_examples = false;
            }
        }
        parts
    }
}

/// Lines at the margin are prose. Indented ones are rows, a word or a command with what it means behind a gap, or else a
/// text that stands as it is.
fn paragraph(roff: &mut Roff, words: &str) {
    let lines: Vec<&str> = words.lines().collect();
    for group in lines.chunk_by(|a, b| a.starts_with(' ') == b.starts_with(' ')) {
        let is_prose = !group[0].starts_with(' ');
        if is_prose {
            roff.control("PP", []);
            let words = group.join(" ");
            roff.text([roman(words.trim())]);
        } else if group.iter().any(|line| row(line).1.is_some()) {
            let indent = |line: &str| line.len() - line.trim_start().len();
            // What stands further in goes on with the row above.
            for lines in group.chunk_by(|_, line| indent(line) > indent(group[0])) {
                let (what, meaning) = row(lines[0]);
                let rest = lines[1..].iter().map(|line| line.trim());
                let meaning: Vec<&str> = meaning.into_iter().chain(rest).collect();
                roff.control("TP", []);
                roff.text([bold(what)]);
                if !meaning.is_empty() {
                    roff.text([roman(meaning.join(" "))]);
                }
            }
        } else {
            roff.control("PP", []);
            roff.control("RS", ["4"]);
            roff.control("nf", []);
            for line in group {
                roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
            }
            roff.control("fi", []);
            roff.control("RE", []);
        }
    }
}

/// What stands before a gap of two blanks and what behind it.
fn row(line: &str) -> (&str, Option<&str>) {
    match line.trim().split_once("  ") {
        Some((what, meaning)) => (what, Some(meaning.trim_start())),
        None => (line.trim(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_command_has_a_page_and_no_page_names_another_that_is_not_there() {
        let pages = pages().unwrap();
        let names: BTreeSet<&str> = pages.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names.len(), pages.len());
        for name in [
            "vmlock",
            "vmlock-lock",
            "vmlock-git-setup",
            "vmlock-run",
            "vmlock-run-start",
        ] {
            assert!(names.contains(name), "{name}");
        }
        for (name, text) in &pages {
            for heading in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "SEE ALSO"] {
                let heading = match heading.contains(' ') {
                    true => format!(".SH \"{heading}\""),
                    false => format!(".SH {heading}"),
                };
                let count = text.lines().filter(|line| *line == heading).count();
                assert_eq!(count, 1, "{name}: {heading}\n{text}");
            }
            assert!(
                !text.contains("EXTRA") && !text.contains("Examples:"),
                "{name}"
            );
            let named = text.replace("\\-", "-").replace("\\fR", "");
            let named = named.split("(1)").map(|before| {
                let word = before.rsplit(|c: char| !c.is_ascii_alphanumeric() && c != '-');
                word.map(str::to_owned).next().unwrap_or_default()
            });
            let mut named: Vec<String> = named.collect();
            named.pop();
            assert!(!named.is_empty(), "{name}");
            for other in named {
                let other = other.strip_prefix("fB").unwrap_or(&other);
                let is_there = names.contains(other) || other == "diff";
                assert!(is_there, "{name} names {other}(1)");
            }
        }
    }

    #[test]
    fn a_text_falls_into_prose_rows_and_what_is_typed() {
        let parts = Parts::of(
            "Examples:\n  a  does it,\n      and more\n  b  too\n\nA whole one:\n  x {\n      y\n  }\n\nProse.\n\nExit codes:\n  0  fine",
        );
        assert_eq!(parts.prose, ["Prose."]);
        assert_eq!(parts.exits, ["  0  fine"]);
        assert_eq!(parts.examples.len(), 2);
        let mut roff = Roff::new();
        parts
            .examples
            .iter()
            .for_each(|words| paragraph(&mut roff, words));
        let text = roff.to_roff();
        assert!(
            text.contains(".TP\n\\fBa\\fR\ndoes it, and more\n"),
            "{text}"
        );
        assert!(text.contains(".nf\nx {\n    y\n}\n.fi"), "{text}");
    }
}
