//! `vmlock`: descriptions to locks, and words about them.
//!
//! `main` parses the command line, calls one verb and turns its outcome into an
//! exit code. What is decided about machines is decided in `vmlock-spec`; here
//! are files, spans, diagnostics and printing.
#![forbid(unsafe_code)]

mod baseline;
mod below;
mod boot;
mod codes;
mod command;
mod compile;
mod complete;
mod diagnostic;
mod difference;
mod disk;
mod door;
mod editors;
mod emulated;
mod fields;
mod files;
mod flags;
mod fold;
mod grammar;
mod hosts;
mod interrupt;
mod language;
mod location;
mod lsp;
mod manual;
mod meaning;
mod merge;
mod names;
mod page;
mod progress;
mod render;
mod repository;
mod scheduler;
mod schema;
mod several;
mod shell;
mod system;
mod uri;
mod usage;
mod wording;

use clap::{Parser as _, ValueEnum as _};
use clap_complete::CompleteEnv;
use diagnostic::Diagnostic;
use flags::{Command, Flags, Format};
use render::{Exit, Output};
use std::io;
use std::panic::{self, PanicHookInfo};
use std::process::ExitCode;
use vmlock_spec::words;

/// Exit code of a bug in vmlock itself (`EX_SOFTWARE` of sysexits.h).
const EXIT_BUG: u8 = 70;

fn main() -> ExitCode {
    panic::set_hook(Box::new(apologise));
    // Only the hook's words are of use to the user; the payload is in them.
    match panic::catch_unwind(run) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(_) => ExitCode::from(EXIT_BUG),
    }
}

fn apologise(info: &PanicHookInfo<'_>) {
    let payload = info.payload();
    let words = payload.downcast_ref::<String>().map(String::as_str);
    let words = words
        .or(payload.downcast_ref::<&str>().copied())
        .unwrap_or("no message");
    let place = info
        .location()
        .map(|l| format!("{}:{}", l.file(), l.line()))
        .unwrap_or_default();
    let version = env!("CARGO_PKG_VERSION");
    // A failure to print it changes nothing about the exit code.
    let _ = render::write(
        io::stderr(),
        &render::plain(&format!(
            "vmlock {version}: this is a bug in vmlock, not in your files: {words} ({place})\n\
             Files are as they were, or whole. Please report it together with the file that caused it.\n"
        )),
    );
}

/// The format that was asked for, of a command line that cannot be read; `None` for people.
fn format_for_programs() -> Option<Format> {
    let arguments: Vec<_> = std::env::args_os().collect();
    let mut values = arguments
        .iter()
        .enumerate()
        .filter_map(|(index, argument)| {
            let argument = argument.to_str()?;
            match argument.strip_prefix("--format=") {
                Some(value) => Some(value),
                None if argument == "--format" => arguments.get(index + 1)?.to_str(),
                None => None,
            }
        });
    let format = Format::from_str(values.next_back()?, false).ok()?;
    (format != Format::Human).then_some(format)
}

/// What clap says of the command line, as a finding.
fn misused(words: &str) -> Diagnostic {
    let words = words.trim_start_matches("error: ");
    let mut lines = words.lines().map(str::trim).filter(|line| !line.is_empty());
    let first = lines.next().unwrap_or("the command line cannot be read");
    let mut finding = Diagnostic::error("usage::arguments", first);
    for line in lines {
        finding = match line.starts_with('<') || line.starts_with('-') {
            true => finding.detail(line),
            false => finding.help(line),
        };
    }
    finding
}

/// Whether it writes files, or may have somebody wait at a terminal: then it has to be ended in order.
fn is_at_work(command: &Command) -> bool {
    match command {
        Command::Lock(flags) => !(flags.check || flags.dry_run),
        Command::Fmt(flags) => !flags.check,
        Command::Drift(flags) => flags.write.is_some(),
        Command::Check(_)
        | Command::Diff(_)
        | Command::Explain(_)
        | Command::Baselines(_)
        | Command::Audit(_)
        | Command::Schema(_)
        | Command::Common(_)
        | Command::Run(_)
        | Command::Lab(_)
        | Command::Completions(_) => false,
        Command::Init(_)
        | Command::Convert(_)
        | Command::Witness(_)
        | Command::Observe(_)
        | Command::Export(_)
        | Command::EditorSetup(_)
        | Command::Lsp(_)
        | Command::Git(_)
        | Command::Cpu(_)
        | Command::Adopt(_)
        | Command::Import(_)
        | Command::Fleet(_)
        | Command::Labels(_)
        | Command::Man(_) => true,
    }
}

/// Whether a command's result is only ever read: nobody copies a text of it into a file or to a shell.
fn is_read(command: &Command) -> bool {
    matches!(
        command,
        Command::Lock(_)
            | Command::Check(_)
            | Command::Diff(_)
            | Command::Drift(_)
            | Command::Explain(_)
            | Command::Baselines(_)
            | Command::Audit(_)
            | Command::Common(_)
            | Command::Fleet(_)
    )
}

fn run() -> Exit {
    // A shell asks what could stand on its line: answered, and nothing else is done.
    CompleteEnv::with_factory(door::completed)
        .var(complete::ASKED)
        .complete();
    if let Some((program, arguments)) = door::asked(std::env::args_os()) {
        let mut out = Output::new(Format::Human);
        door::open(program, &arguments, &mut out);
        return out.print();
    }
    render::terminal::measure();
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        // Help, the version, or what is wrong with the command line.
        Err(mut usage) => {
            let words: Vec<String> = std::env::args_os()
                .skip(1)
                .map(|word| word.to_string_lossy().into_owned())
                .collect();
            usage::meant(&mut usage, &words);
            let exit = match usage.use_stderr() {
                true => Exit::Usage,
                false => Exit::Fine,
            };
            if let (Exit::Usage, Some(format)) = (exit, format_for_programs()) {
                let mut out = Output::new(format);
                out.fail(exit, misused(&usage.render().to_string()));
                return out.print();
            }
            // A name of a file can be taken for a flag; colours are for arguments that cannot act.
            let plain =
                |a: std::ffi::OsString| words::line(&a.to_string_lossy()) == a.to_string_lossy();
            let printed = match std::env::args_os().all(plain) {
                true => usage.print(),
                false => render::write(io::stderr(), &render::plain(&usage.render().to_string())),
            };
            return render::told(printed, "help", exit);
        }
    };
    if is_at_work(&flags.command) {
        interrupt::watch();
    }
    let mut out = Output::new(flags.format);
    if is_read(&flags.command) {
        out.is_for_reading();
    }
    match &flags.command {
        Command::Init(flags) => command::init::run(flags, &mut out),
        Command::Lock(flags) => command::lock::run(flags, &mut out),
        Command::Fmt(flags) => command::fmt::run(flags, &mut out),
        Command::Convert(flags) => command::convert::run(flags, &mut out),
        Command::Check(flags) => command::check::run(flags, &mut out),
        Command::Diff(flags) => command::diff::run(flags, &mut out),
        Command::Drift(flags) => command::drift::run(flags, &mut out),
        Command::Explain(flags) => command::explain::run(flags, &mut out),
        Command::Baselines(flags) => command::baselines::run(flags, &mut out),
        Command::Witness(flags) => command::witness::run(flags, &mut out),
        Command::Observe(flags) => command::observe::run(flags, &mut out),
        Command::Audit(flags) => command::audit::run(flags, &mut out),
        Command::Export(flags) => command::export::run(flags, &mut out),
        Command::Schema(flags) => command::schema::run(flags, &mut out),
        Command::EditorSetup(flags) => command::editor_setup::run(flags, &mut out),
        Command::Lsp(_) => lsp::run(&mut out),
        Command::Git(flags) => command::git::run(flags, &mut out),
        Command::Cpu(flags) => command::cpu::run(flags, &mut out),
        Command::Import(flags) => command::import::run(flags, &mut out),
        Command::Adopt(flags) => command::adopt::run(flags, &mut out),
        Command::Fleet(flags) => command::fleet::run(flags, &mut out),
        Command::Labels(flags) => command::labels::run(flags, &mut out),
        Command::Common(flags) => command::common::run(flags, &mut out),
        Command::Completions(flags) => command::completions::run(flags, &mut out),
        // Only behind a flag of this program: the door was looked at first.
        Command::Run(door) => door::behind(flags.format, "run", &door.arguments, &mut out),
        Command::Lab(door) => door::behind(flags.format, "lab", &door.arguments, &mut out),
        Command::Man(flags) => command::completions::man(flags, &mut out),
    }
    out.print()
}
