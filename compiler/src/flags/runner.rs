//! The command line of `vmlock-run` where no runner runs: its help in words, and its table as clap has one, for the manual
//! and for shells that complete `vmlock run …`.

use crate::complete;
use clap::builder::PossibleValuesParser;
use clap::{Arg, ArgAction, Command, ValueHint};
use clap_complete::ArgValueCompleter;
use std::ffi::OsString;
use vmlock_run_flags as table;
use vmlock_run_flags::{Flag, HELP, SHELLS, TAP, VERBS, VERSION, Verb};

/// What it would print, where it is asked for help.
pub fn help(arguments: &[OsString]) -> Option<String> {
    let words = arguments.iter().map(|word| word.to_str());
    let words: Vec<&str> = words.collect::<Option<_>>()?;
    let own = words.iter().take_while(|word| **word != "--");
    let asks = own.clone().any(|word| matches!(*word, "-h" | "--help"));
    match words[..] {
        ["help"] | ["-h" | "--help", ..] => Some(table::overview()),
        ["help", name, ..] => table::verb(name).map(table::help),
        [name, ..] if asks => table::verb(name).map(table::help),
        _ => None,
    }
}

/// The same table for clap.
pub fn command(name: &'static str) -> Command {
    Command::new(name)
        .version(env!("CARGO_PKG_VERSION"))
        .propagate_version(true)
        .about(table::ABOUT)
        .long_about(format!("vmlock-run {}", table::ABOUT))
        .after_long_help(table::EXITS)
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommands(VERBS.iter().map(verb))
}

/// What `receive` is given.
const RECEIVES: &str = "SOCKET|tcp:ADDRESS:PORT|-";

fn verb(verb: &'static Verb) -> Command {
    // These two clap has itself.
    let own = |flag: &&Flag| ![HELP.long, VERSION.long].contains(&flag.long);
    let command = Command::new(verb.name)
        .about(verb.summary)
        .after_long_help(verb.text)
        .args(table::flags(verb).filter(own).map(flag));
    let Some(what) = verb.argument else {
        return command;
    };
    let argument = Arg::new(what).value_name(what).required(true);
    command.arg(match what {
        "LOCK" => argument
            .help("The lock: NAME.vm.lock.json")
            .add(ArgValueCompleter::new(complete::locks)),
        "SHELL" => argument
            .help("The shell")
            .value_parser(PossibleValuesParser::new(SHELLS)),
        "FILE" => argument
            .help("The file with the saved guest")
            .value_hint(ValueHint::FilePath),
        RECEIVES => argument.help("Where a guest is to come from: what `migrate --to` is given"),
        _ => argument.help("What `--control` was given"),
    })
}

fn flag(flag: &'static Flag) -> Arg {
    let mut arg = Arg::new(flag.long).long(flag.long).help(flag.help);
    if let Some(short) = flag.short {
        arg = arg.short(short);
    }
    arg = match flag.value {
        None => return arg.action(ArgAction::SetTrue),
        Some(_) if flag.long == TAP.long => arg.action(ArgAction::Append),
        Some(_) => arg.action(ArgAction::Set),
    };
    if !flag.choices.is_empty() {
        arg = arg.value_parser(PossibleValuesParser::new(flag.choices));
    }
    if flag.value == Some("LOCK") {
        arg = arg.add(ArgValueCompleter::new(complete::locks));
    }
    arg.value_name(flag.value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Option<String> {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        help(&words)
    }

    #[test]
    fn help_is_what_the_program_itself_would_print() {
        for line in ["--help", "-h", "help", "--help start"] {
            assert_eq!(asked(line), Some(table::overview()), "{line}");
        }
        let start = table::verb("start").map(table::help);
        assert!(start.is_some());
        for line in ["start --help", "help start", "start x.lock.json -h"] {
            assert_eq!(asked(line), start, "{line}");
        }
        for line in ["", "start", "start -- --help", "strat --help", "--version"] {
            assert_eq!(asked(line), None, "{line}");
        }
    }

    #[test]
    fn clap_has_every_verb_and_flag() {
        command("vmlock-run").debug_assert();
        let all = command("vmlock-run");
        assert_eq!(all.get_subcommands().count(), VERBS.len());
        // Each is told of in words of its own.
        for verb in VERBS {
            let known = ["LOCK", "SHELL", "FILE", "SOCKET", RECEIVES];
            assert!(verb.argument.is_none_or(|what| known.contains(&what)));
        }
        let count = |verb: &'static Verb| table::flags(verb).count() - table::COMMON.len();
        for verb in VERBS {
            let below = all.find_subcommand(verb.name).unwrap();
            let flags = below.get_arguments().filter(|arg| !arg.is_positional());
            assert_eq!(flags.count(), count(verb), "{}", verb.name);
        }
    }
}
