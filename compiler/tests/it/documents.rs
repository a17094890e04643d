//! Pages that teach by commands: each is tried from top to bottom in a folder of its own, and has to print what the page
//! says.
//!
//! In a block of `console`, lines behind `$ vmlock ` are commands, and what follows is what they print, words about
//! results behind the results; a line of `…` stands for any lines, and `…` at the end of one for what
//! else it has. It ends with 0 unless a last line says otherwise. A block of `kdl` or `text` with a name behind it is that file.
//! `<!-- NAME is the report of CPU SERIES -->` stands for what a host would have told, and `<!-- NAME is examples/FILE -->` for
//! that file, as one of `compiler/tests/ui/` does for what a machine printed.

use crate::scratch::{Scratch, err, out, report_of, root};
use std::fs;

/// What a shell reads in a line, and not the program.
const SHELLS: [char; 9] = ['|', '&', ';', '<', '>', '$', '`', '*', '~'];
pub const PAGES: [&str; 4] = [
    "docs/tutorial.md",
    "docs/howto.md",
    "docs/import.md",
    "docs/witness.md",
];

/// Where files are that stand for those of a reader's.
const FILES: [&str; 2] = ["examples/", "compiler/tests/ui/"];

/// A block of a page: what stands behind its fence, and its lines.
type Block<'a> = (&'a str, Vec<&'a str>);

/// What a page has, in its order.
enum Part<'a> {
    Heading(&'a str),
    Report(&'a str, &'a str, &'a str),
    Example(&'a str, &'a str),
    Block(Block<'a>),
}

fn parts(page: &str) -> Vec<Part<'_>> {
    let (mut parts, mut open) = (Vec::new(), None::<Block>);
    for line in page.lines() {
        match (line.strip_prefix("```"), &mut open) {
            (Some(_), Some(_)) => parts.extend(open.take().map(Part::Block)),
            (Some(info), None) => open = Some((info, Vec::new())),
            (None, Some((_, lines))) => lines.push(line),
            (None, None) if line.starts_with('#') => parts.push(Part::Heading(line)),
            (None, None) => {
                if let Some(words) = line.strip_prefix("<!-- ") {
                    match words.split(' ').collect::<Vec<_>>()[..] {
                        [name, "is", "the", "report", "of", cpu, series, "-->"] => {
                            parts.push(Part::Report(name, cpu, series));
                        }
                        [name, "is", path, "-->"]
                            if FILES.iter().any(|folder| path.starts_with(folder)) =>
                        {
                            parts.push(Part::Example(name, path));
                        }
                        _ => panic!("what is `{line}`?"),
                    }
                }
            }
        }
    }
    assert!(open.is_none(), "a block does not end");
    parts
}

/// Whether lines are as a page has them.
fn fits(wanted: &[&str], lines: &[&str]) -> bool {
    match (wanted, lines) {
        ([], lines) => lines.is_empty(),
        (["…", rest @ ..], lines) => (0..=lines.len()).any(|at| fits(rest, &lines[at..])),
        ([want, rest @ ..], [line, lines @ ..]) => {
            let begun = want.strip_suffix('…');
            let alike = want == line || begun.is_some_and(|begun| line.starts_with(begun));
            alike && fits(rest, lines)
        }
        _ => false,
    }
}

/// Who reads what commands print.
#[derive(Clone, Copy)]
pub enum Reader {
    /// A program: results come before messages, and both are what the page says.
    Program,
    /// Somebody at a terminal of so many columns, where lines are broken elsewhere than on the page.
    #[cfg(unix)]
    Terminal(u16),
}

/// What becomes of a line that is typed at a shell, its exit code and what it prints: quotes are the shell's, and of what
/// else it reads no page has anything.
fn by_shell(scratch: &Scratch, line: &str, reader: Reader) -> (Option<i32>, String) {
    assert!(!line.contains(SHELLS), "`{line}` needs a shell");
    let words = shlex::split(line).unwrap();
    let words: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
    match reader {
        Reader::Program => {
            let output = scratch.vmlock(&words);
            (output.status.code(), out(&output) + &err(&output))
        }
        #[cfg(unix)]
        Reader::Terminal(columns) => crate::terminal::plain(scratch, columns, &words),
    }
}

/// What a terminal shows of a page: a line that is typed, and what comes of it.
pub struct Shown {
    pub typed: String,
    pub printed: Vec<String>,
    /// The heading that it stands under.
    pub under: String,
}

/// Tries a page; what it has anybody type, and what that prints. A file is there as if it had been printed.
pub fn tried(name: &str) -> Vec<Shown> {
    read(name, Reader::Program)
}

/// The same as somebody reads it.
pub fn read(name: &str, reader: Reader) -> Vec<Shown> {
    let page = fs::read_to_string(root().join(name)).unwrap();
    let scratch = Scratch::new("documents");
    let (mut shown, mut under) = (Vec::new(), "");
    for part in parts(&page) {
        match part {
            Part::Heading(line) => under = line,
            Part::Report(name, cpu, series) => {
                fs::copy(report_of(cpu, series), scratch.0.join(name)).unwrap();
            }
            Part::Example(name, path) => {
                fs::copy(root().join(path), scratch.0.join(name)).unwrap();
            }
            Part::Block((info, lines)) => match info.split_once(' ') {
                Some(("kdl" | "text", file)) => {
                    scratch.write(file, &(lines.join("\n") + "\n"));
                    shown.push(Shown {
                        typed: format!("cat {file}"),
                        printed: lines.into_iter().map(str::to_owned).collect(),
                        under: under.to_owned(),
                    });
                }
                _ if info == "console" => {
                    for command in lines.chunk_by(|_, next| !next.starts_with("$ ")) {
                        let line = command[0].strip_prefix("$ ").unwrap_or_default();
                        assert!(line.starts_with("vmlock "), "{name}: {}", command[0]);
                        let (ended, all) = by_shell(&scratch, line, reader);
                        let printed: Vec<&str> =
                            all.trim_end().lines().map(str::trim_end).collect();
                        let (code, wanted) = match command {
                            [_, wanted @ .., "(exit code 1)"] => (1, wanted),
                            [_, wanted @ .., "(exit code 3)"] => (3, wanted),
                            command => (0, &command[1..]),
                        };
                        let as_wanted = match reader {
                            Reader::Program => fits(wanted, &printed),
                            #[cfg(unix)]
                            Reader::Terminal(_) => true,
                        };
                        assert!(
                            as_wanted && ended == Some(code),
                            "{name}: `{}` prints\n{}\n{ended:?}",
                            command[0],
                            printed.join("\n"),
                        );
                        shown.push(Shown {
                            typed: line.to_owned(),
                            printed: printed.into_iter().map(str::to_owned).collect(),
                            under: under.to_owned(),
                        });
                    }
                }
                // Text, a shell's commands that need a host with KVM, and words of the language.
                _ => assert!(
                    ["sh", "kdl", "text", "yaml"].contains(&info),
                    "{name}: what is a block of `{info}`?"
                ),
            },
        }
    }
    shown
}

#[test]
fn pages_that_teach_print_what_commands_print() {
    let shown = PAGES.iter().flat_map(|page| tried(page));
    let tried = shown
        .filter(|shown| shown.typed.starts_with("vmlock "))
        .count();
    assert!(tried >= 25, "only {tried} commands in {PAGES:?}");
}
