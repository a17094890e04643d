//! `vmlock completions` and the hidden `vmlock man`: both out of `flags.rs`. A completion script asks `vmlock` itself,
//! which knows the names (`complete.rs`).

use crate::command::unwritable;
use crate::complete::ASKED;
use crate::flags::{CompletionsFlags, Flags, ManFlags, Shell};
use crate::render::{Exit, Output};
use clap::{Command, CommandFactory as _};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Zsh};
use clap_mangen::Man;

/// Prints a completion script.
pub fn run(flags: &CompletionsFlags, out: &mut Output) {
    let mut script = Vec::new();
    let shell: &dyn EnvCompleter = match flags.shell {
        Shell::Bash => &Bash,
        Shell::Elvish => &Elvish,
        Shell::Fish => &Fish,
        Shell::Powershell => &Powershell,
        Shell::Zsh => &Zsh,
    };
    // Writing to memory cannot fail.
    let _ = shell.write_registration(ASKED, "vmlock", "vmlock", "vmlock", &mut script);
    let script = String::from_utf8_lossy(&script).into_owned();
    out.lines(script.trim_end().lines());
    out.value("script", script);
}

/// Prints or writes manual pages.
pub fn man(flags: &ManFlags, out: &mut Output) {
    let mut command = Flags::command();
    command.build();
    let mut pages = Vec::new();
    collect("vmlock".to_owned(), &command, &mut pages);
    for (name, command) in pages {
        let file = format!("{name}.1");
        let mut page = Vec::new();
        if let Err(error) = Man::new(command).render(&mut page) {
            return out.fail(Exit::Environment, unwritable(&file, &error));
        }
        let page = String::from_utf8_lossy(&page).into_owned();
        match &flags.folder {
            None => return out.lines(page.trim_end().lines()),
            Some(folder) => {
                let path = folder.join(&file);
                if let Err(error) = vmlock_atomic::replace(&path, &page) {
                    return out.fail(
                        Exit::Environment,
                        unwritable(&path.display().to_string(), &error),
                    );
                }
                out.line(path.display().to_string());
            }
        }
    }
}

/// A page of each command, and of those below it: they name each other.
fn collect(name: String, command: &Command, pages: &mut Vec<(String, Command)>) {
    pages.push((name.clone(), command.clone().name(name.clone())));
    for below in command
        .get_subcommands()
        .filter(|c| !c.is_hide_set() && c.get_name() != "help")
    {
        collect(format!("{name}-{}", below.get_name()), below, pages);
    }
}
