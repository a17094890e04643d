//! The command line, read by the table in `vmlock-run-flags`.

use crate::failure::Failure;
use vmlock_run_flags as table;
use vmlock_run_flags::{FORMAT, Flag, HELP, SHELLS, TAP, VERBS, VERSION, Verb};
use vmlock_spec::words::did_you_mean;

/// What the command line asks for.
pub enum Request {
    /// Text to print.
    Print(String),
    /// A command to run.
    Run(Parsed),
}

/// A command with its flags.
pub struct Parsed {
    /// The command.
    pub verb: &'static str,
    /// Its argument; empty where it has none.
    pub argument: String,
    values: Vec<(&'static str, String)>,
}

impl Parsed {
    /// The value of a flag.
    pub fn value(&self, long: &str) -> Option<&str> {
        self.all(long).next()
    }

    /// The values of a flag that can be given more than once.
    pub fn all(&self, long: &str) -> impl Iterator<Item = &str> {
        let values = self.values.iter().filter(move |(name, _)| *name == long);
        values.map(|(_, value)| value.as_str())
    }

    /// Whether a flag was given.
    pub fn has(&self, long: &str) -> bool {
        self.value(long).is_some()
    }

    /// Whether results are to be JSON.
    pub fn json(&self) -> bool {
        self.value(FORMAT.long) == Some("json")
    }
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// What is wrong with it, and what was probably meant.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Request, Failure> {
    let mut arguments = arguments.peekable();
    let Some(first) = arguments.next() else {
        return Err(Failure::usage(
            "which command?",
            &["`vmlock-run --help` lists the commands"],
        ));
    };
    match first.as_str() {
        "-h" | "--help" => return Ok(Request::Print(table::overview())),
        "help" => {
            return match arguments.next() {
                None => Ok(Request::Print(table::overview())),
                Some(name) => Ok(Request::Print(table::help(verb(&name)?))),
            };
        }
        "-V" | "--version" => return Ok(Request::Print(table::version())),
        _ => {}
    }
    let verb = verb(&first)?;
    let mut parsed = Parsed {
        verb: verb.name,
        argument: String::new(),
        values: Vec::new(),
    };
    let mut positional = Vec::new();
    let mut literal = false;
    while let Some(word) = arguments.next() {
        if literal || word == "-" || !word.starts_with('-') {
            positional.push(word);
            continue;
        }
        if word == "--" {
            literal = true;
            continue;
        }
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.clone(), None),
        };
        let flag = flag(verb, &name)?;
        if std::ptr::eq(flag, &HELP) || flag.long == HELP.long {
            return Ok(Request::Print(table::help(verb)));
        }
        if flag.long == VERSION.long {
            return Ok(Request::Print(table::version()));
        }
        let value = match (flag.value, inline) {
            (None, None) => String::new(),
            (None, Some(_)) => {
                return Err(Failure::usage(
                    format!("`--{}` takes no value", flag.long),
                    &[],
                ));
            }
            (Some(_), Some(value)) => value,
            (Some(what), None) => arguments.next().ok_or_else(|| {
                Failure::usage(format!("`--{}` needs its {what}", flag.long), &[])
            })?,
        };
        if !flag.choices.is_empty() && !flag.choices.contains(&value.as_str()) {
            let choices = flag.choices.join("`, `");
            return Err(Failure::usage(
                format!("`--{} {value}` is not possible", flag.long),
                &[&format!("it takes `{choices}`")],
            ));
        }
        if parsed.has(flag.long) && flag.long != TAP.long {
            return Err(Failure::usage(
                format!("`--{}` is given twice", flag.long),
                &[],
            ));
        }
        parsed.values.push((flag.long, value));
    }
    let usage = table::usage(verb);
    match (verb.argument, positional.len()) {
        (None, 0) => {}
        (Some(_), 1) => parsed.argument = positional.remove(0),
        (Some(what), 0) => {
            return Err(Failure::usage(
                format!("`{}` needs its {what}", verb.name),
                &[&usage],
            ));
        }
        (Some(_), _) => {
            return Err(Failure::usage(
                format!("`{}` is one argument too many", positional[1]),
                &[&usage],
            ));
        }
        (None, _) => {
            return Err(Failure::usage(
                format!("`{}` takes no argument", verb.name),
                &[&usage],
            ));
        }
    }
    Ok(Request::Run(parsed))
}

fn verb(name: &str) -> Result<&'static Verb, Failure> {
    table::verb(name).ok_or_else(|| {
        let hint = did_you_mean(name, VERBS.iter().map(|v| v.name))
            .unwrap_or_else(|| "`vmlock-run --help` lists the commands".to_owned());
        Failure::usage(format!("there is no command `{name}`"), &[&hint])
    })
}

fn flag(verb: &'static Verb, name: &str) -> Result<&'static Flag, Failure> {
    let found = match name.strip_prefix("--") {
        Some(long) => table::flags(verb).find(|f| f.long == long),
        None => table::flags(verb).find(|f| {
            f.short
                .is_some_and(|c| name.strip_prefix('-') == Some(&c.to_string()))
        }),
    };
    found.ok_or_else(|| {
        let hint = did_you_mean(
            name.trim_start_matches('-'),
            table::flags(verb).map(|f| f.long),
        )
        .unwrap_or_else(|| format!("`vmlock-run {} --help` lists its flags", verb.name));
        Failure::usage(format!("`{}` has no flag `{name}`", verb.name), &[&hint])
    })
}

/// Completions for a shell.
///
/// # Errors
/// There are none for it.
pub fn completions(shell: &str) -> Result<String, Failure> {
    table::completions(shell).ok_or_else(|| {
        let known = format!("there are for {}", SHELLS.join(", "));
        Failure::usage(format!("there are no completions for `{shell}`"), &[&known])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str]) -> Result<Request, Failure> {
        parse(words.iter().map(|w| (*w).to_owned()))
    }

    fn parsed(words: &[&str]) -> Parsed {
        match run(words) {
            Ok(Request::Run(parsed)) => parsed,
            Ok(Request::Print(text)) => panic!("{words:?} prints {text}"),
            Err(failure) => panic!("{words:?}: {failure:?}"),
        }
    }

    fn wrong(words: &[&str]) -> String {
        match run(words) {
            Err(Failure::Usage(trouble)) => {
                format!("{} | {}", trouble.message, trouble.help.join(" | "))
            }
            _ => panic!("{words:?} is accepted"),
        }
    }

    #[test]
    fn flags_are_read_in_every_spelling() {
        let audit = parsed(&[
            "audit",
            "--format",
            "json",
            "a.lock.json",
            "--show-observed",
        ]);
        assert_eq!(
            (audit.verb, audit.argument.as_str()),
            ("audit", "a.lock.json")
        );
        assert!(audit.json() && audit.has("show-observed") && !audit.has("stats"));
        assert_eq!(parsed(&["probe", "-o", "x"]).value("output"), Some("x"));
        assert_eq!(
            parsed(&["probe", "--output=x=y"]).value("output"),
            Some("x=y")
        );
        let start = parsed(&["start", "x", "--tap", "a=1", "--tap=b=2"]);
        assert!(start.all("tap").eq(["a=1", "b=2"]));
        assert_eq!(parsed(&["start", "--", "--lock"]).argument, "--lock");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_meant() {
        assert!(wrong(&[]).contains("which command"));
        assert!(wrong(&["prob"]).contains("did you mean `probe`"));
        assert!(wrong(&["audit", "--fromat", "json", "x"]).contains("did you mean `format`"));
        assert!(wrong(&["audit", "--format", "xml", "x"]).contains("`human`, `json`"));
        assert!(wrong(&["audit", "--format"]).contains("needs its FORMAT"));
        assert!(wrong(&["audit", "x", "--show-observed=1"]).contains("takes no value"));
        assert!(wrong(&["audit", "x", "--show-observed", "--show-observed"]).contains("twice"));
        assert!(wrong(&["audit"]).contains("needs its LOCK"));
        assert!(wrong(&["start", "a", "b"]).contains("`b` is one argument too many"));
        assert!(wrong(&["probe", "x"]).contains("takes no argument"));
    }

    #[test]
    fn the_unit_of_the_examples_starts_a_guest() {
        let unit = include_str!("../../examples/vmlock@.service");
        let lines: Vec<&str> = unit
            .lines()
            .filter_map(|l| l.strip_prefix("ExecStart="))
            .collect();
        let words: Vec<&str> = lines[0].split(' ').skip(1).collect();
        let start = parsed(&words);
        assert_eq!(
            (start.verb, start.value("on-reset")),
            ("start", Some("restart"))
        );
    }

    #[test]
    fn help_names_every_verb_and_flag() {
        let Ok(Request::Print(text)) = run(&["--help"]) else {
            panic!("--help prints")
        };
        for verb in VERBS {
            assert!(text.contains(verb.name));
            let Ok(Request::Print(own)) = run(&[verb.name, "--help"]) else {
                panic!("it prints")
            };
            assert!(own.contains("Examples:"), "{}", verb.name);
            assert!(table::flags(verb).all(|f| own.contains(&format!("--{}", f.long))));
            for shell in SHELLS {
                let script = completions(shell).expect("it is one of ours");
                assert!(
                    script.contains(verb.name)
                        && table::flags(verb).all(|f| script.contains(f.long))
                );
            }
        }
        assert!(completions("tcsh").is_err());
    }
}
