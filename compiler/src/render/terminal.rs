//! What is known of the reader's terminal: how wide it is, whether it shows colours, and which words of a result have
//! one. Where nobody reads at a terminal, text is the same everywhere: 100 columns and no colours.

use anstyle::{AnsiColor, Style};
use std::env;
use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Columns at which text is broken, where the terminal has as many.
const WIDTH_MAX: usize = 100;

/// Columns below which nothing is broken any more: names and values are longer.
const WIDTH_MIN: usize = 40;

/// Of results, and of messages: either may go elsewhere than to the terminal.
static RESULTS: AtomicUsize = AtomicUsize::new(WIDTH_MAX);
static MESSAGES: AtomicUsize = AtomicUsize::new(WIDTH_MAX);

/// All columns of the terminals that they go to; no line ends where there is none.
static OF_RESULTS: AtomicUsize = AtomicUsize::new(usize::MAX);
static OF_MESSAGES: AtomicUsize = AtomicUsize::new(usize::MAX);

/// From now on, results are broken as the terminal of standard output needs it, and messages as that of standard error.
pub fn measure() {
    for (width, all, found) in [
        (
            &RESULTS,
            &OF_RESULTS,
            terminal_size::terminal_size_of(io::stdout()),
        ),
        (
            &MESSAGES,
            &OF_MESSAGES,
            terminal_size::terminal_size_of(io::stderr()),
        ),
    ] {
        if let Some((terminal_size::Width(columns), _)) = found {
            let columns = usize::from(columns).max(WIDTH_MIN);
            width.store(columns.min(WIDTH_MAX), Ordering::Relaxed);
            all.store(columns, Ordering::Relaxed);
        }
    }
}

/// Columns at which results are broken.
pub fn width() -> usize {
    RESULTS.load(Ordering::Relaxed)
}

/// Columns behind which nothing of a result can be read, and nothing of a message: more than any line has where no
/// terminal shows them.
pub fn columns() -> (usize, usize) {
    (
        OF_RESULTS.load(Ordering::Relaxed),
        OF_MESSAGES.load(Ordering::Relaxed),
    )
}

/// Columns at which messages are broken.
pub fn of_messages() -> usize {
    MESSAGES.load(Ordering::Relaxed)
}

/// Whether what is written there may have colours: a terminal that has them (not `TERM=dumb`), and a reader who wants
/// them (no `NO_COLOR`, <https://no-color.org>).
pub fn has_colours(stream: &impl IsTerminal) -> bool {
    let set = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
    stream.is_terminal()
        && set("NO_COLOR").is_none()
        && set("TERM").is_none_or(|term| term != "dumb")
}

/// Words with which a result begins, behind the name of a file where there is one, and what they look like.
const PAINTED: [(&str, Style); 10] = [
    ("can keep", fore(AnsiColor::Green)),
    ("unchanged", fore(AnsiColor::Green)),
    ("written", fore(AnsiColor::Green)),
    ("updated", fore(AnsiColor::Yellow)),
    ("would change", fore(AnsiColor::Yellow)),
    ("cannot keep", fore(AnsiColor::Red).bold()),
    ("refused", fore(AnsiColor::Red).bold()),
    ("emulate", fore(AnsiColor::Yellow)),
    ("help:", fore(AnsiColor::Cyan)),
    ("next:", fore(AnsiColor::Cyan)),
];

const fn fore(colour: AnsiColor) -> Style {
    colour.on_default()
}

/// A result with its words painted. Nothing else changes.
pub fn paint(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 16);
    for line in text.split_inclusive('\n') {
        let start = line.len() - line.trim_start().len();
        // Behind the first name that ends so: names of files may have it, too, and are then not painted.
        let behind = line.find(": ").map(|at| at + 2);
        let place = [Some(start), behind].into_iter().flatten().find_map(|at| {
            let rest = &line[at..];
            let begins = |words: &str| {
                rest.strip_prefix(words)
                    .is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric()))
            };
            PAINTED
                .iter()
                .find(|(words, _)| begins(words))
                .map(|(words, style)| (at, at + words.len(), style))
        });
        match place {
            Some((from, to, style)) => {
                out.push_str(&line[..from]);
                out.push_str(&format!("{style}{}{style:#}", &line[from..to]));
                out.push_str(&line[to..]);
            }
            None => out.push_str(line),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_painted_and_all_else_is_as_it_was() {
        let text = "a.json: can keep `web` (3 same)\nb.json: cannot keep `web`\n  refused X [host::y]\n    help: z\n\
                    refusedly\n  ID: refused is a word here? no\nlast";
        let painted = paint(text);
        assert!(
            painted.contains("a.json: \u{1b}[32mcan keep\u{1b}[0m `web`"),
            "{painted:?}"
        );
        assert!(
            painted.contains("\u{1b}[1m\u{1b}[31mcannot keep\u{1b}[0m"),
            "{painted:?}"
        );
        assert!(painted.contains("\nrefusedly\n"), "{painted:?}");
        let mut plain = String::new();
        let mut rest = painted.as_str();
        while let Some((before, after)) = rest.split_once('\u{1b}') {
            plain.push_str(before);
            rest = after.split_once('m').unwrap().1;
        }
        plain.push_str(rest);
        assert_eq!(plain, text);
    }
}
