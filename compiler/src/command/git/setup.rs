//! `vmlock git setup`: how git is told of the drivers, in its configuration, and of the files that are theirs, in its
//! attributes.

use crate::command::{unreadable, unwritable};
use crate::diagnostic::{Diagnostic, Severity};
use crate::files;
use crate::flags::GitSetupFlags;
use crate::render::{Exit, Output};
use crate::repository::{self, failed};
use crate::system;
use serde_json::json;
use std::env::{self, consts::EXE_SUFFIX};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Which files are the drivers'. LF, since a lock has one form.
const ATTRIBUTES: &str = "*.vm.lock.json text eol=lf merge=vmlock diff=vmlock";

/// Why that line is there.
const REMARK: &str = "# Locks are merged by resolving them again, and shown by field: `vmlock git setup`, once in each clone.";

/// Largest file of attributes that is read, in bytes.
const ATTRIBUTES_MAX: usize = 16 << 20;

/// The sections of git's configuration that are ours.
const SECTIONS: [&str; 2] = ["merge.vmlock", "diff.vmlock"];

/// What git's configuration says: key and value. `program` is a word of sh.
fn settings(program: &str) -> [(&'static str, String); 4] {
    [
        (
            "merge.vmlock.name",
            "resolve the merged description again".to_owned(),
        ),
        (
            "merge.vmlock.driver",
            format!("{program} git merge %O %A %B %L %P %S %X %Y"),
        ),
        // What several bases have in common is made up, and no description goes with it.
        ("merge.vmlock.recursive", "binary".to_owned()),
        ("diff.vmlock.textconv", format!("{program} git text")),
    ]
}

/// What became of one of them.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Kept,
    Written,
    Removed,
    Missing,
}

impl Step {
    fn word(self) -> &'static str {
        match self {
            Step::Kept => "unchanged",
            Step::Written => "written",
            Step::Removed => "removed",
            Step::Missing => "missing",
        }
    }
}

/// Sets git up, looks whether it is, or takes that back.
pub fn run(flags: &GitSetupFlags, out: &mut Output) {
    if let Err(diagnostic) = try_run(flags, out) {
        out.fail(Exit::Environment, *diagnostic);
    }
}

fn try_run(flags: &GitSetupFlags, out: &mut Output) -> Result<(), Box<Diagnostic>> {
    let place = Place::find(flags.global)?;
    let program = program()?;
    let mut steps = Vec::new();
    // Attributes last when they come, first when they go: they name what the configuration defines.
    if flags.remove {
        steps.push((
            place.attributes.display().to_string(),
            attributes(&place, flags)?,
        ));
        steps.push((place.shown.clone(), unset(&place)?));
    } else {
        steps.push((place.shown.clone(), set(&place, &program, flags.check)?));
        steps.push((
            place.attributes.display().to_string(),
            attributes(&place, flags)?,
        ));
    }
    for (name, step) in &steps {
        out.line(format!("{name}: {}", step.word()));
    }
    let told: Vec<_> = steps
        .iter()
        .map(|(name, step)| json!({ "file": name, "status": step.word() }))
        .collect();
    out.value("git", told);
    if steps.iter().any(|(_, step)| *step == Step::Missing) {
        let diagnostic =
            Diagnostic::error("git::not-set-up", "git merges and shows locks as text here");
        let help = match flags.global {
            true => "run `vmlock git setup --global`",
            false => "run `vmlock git setup`; each clone needs it once",
        };
        out.fail(Exit::Findings, diagnostic.help(help));
    } else if !flags.remove && !flags.global {
        overridden(&place, flags.check, out)?;
        if steps.iter().any(|(_, step)| *step == Step::Written) && place.shared {
            out.note("check .gitattributes in; each clone needs `vmlock git setup` once");
        }
    }
    Ok(())
}

/// Where git is told.
struct Place {
    /// The option of `git config`.
    scope: &'static str,
    /// Its file, for people.
    shown: String,
    attributes: PathBuf,
    /// The top of the work tree, where there is one.
    top: Option<PathBuf>,
    /// Whether the attributes are the repository's own, for all who clone it.
    shared: bool,
}

impl Place {
    fn find(global: bool) -> Result<Self, Box<Diagnostic>> {
        if global {
            return Ok(Self {
                scope: "--global",
                shown: "git's configuration of this user".to_owned(),
                attributes: users_attributes()?,
                top: None,
                shared: false,
            });
        }
        let ask = |arguments: &[&str]| {
            let answer = repository::ask(arguments);
            match answer {
                Ok(answer) if answer.is_fine() => Ok(answer.line()),
                other => Err(Box::new(
                    failed("find a repository here", other)
                        .help("run it in a checkout, or with --global for all of them"),
                )),
            }
        };
        let shared = PathBuf::from(ask(&["rev-parse", "--git-common-dir"])?);
        let shown = shared.join("config").display().to_string();
        if ask(&["rev-parse", "--is-inside-work-tree"])? != "true" {
            // Nothing is checked out, so no file of the work tree is asked.
            return Ok(Self {
                scope: "--local",
                shown,
                attributes: shared.join("info/attributes"),
                top: None,
                shared: false,
            });
        }
        let top = PathBuf::from(ask(&["rev-parse", "--show-toplevel"])?);
        Ok(Self {
            scope: "--local",
            shown,
            attributes: top.join(".gitattributes"),
            top: Some(top),
            shared: true,
        })
    }
}

/// The user's attributes for all repositories (gitattributes(5), core.attributesFile).
fn users_attributes() -> Result<PathBuf, Box<Diagnostic>> {
    let answer = repository::ask(["config", "--global", "--type=path", "core.attributesFile"]);
    let answer = answer.map_err(|error| Box::new(failed("", Err(error))))?;
    if let Some(path) = answer.found() {
        return Ok(PathBuf::from(path));
    }
    let set = |name: &str| {
        env::var_os(name)
            .filter(|v| Path::new(v).is_absolute())
            .map(PathBuf::from)
    };
    let folder = set("XDG_CONFIG_HOME").or_else(|| Some(set("HOME")?.join(".config")));
    folder
        .map(|folder| folder.join("git/attributes"))
        .ok_or_else(|| {
            let words = "this user has no home, so there is no place for git's attributes";
            Box::new(
                Diagnostic::error("io::unwritable", words)
                    .help("set HOME, or leave `--global` out: `vmlock git setup` is for one clone"),
            )
        })
}

/// This program as a word of sh: `vmlock` where PATH has it so, else its path.
fn program() -> Result<String, Box<Diagnostic>> {
    let lost = |error: io::Error| {
        let words = format!("the system does not say where vmlock is: {error}");
        Box::new(Diagnostic::error("io::unreadable", words).help("start it by its path"))
    };
    let own = env::current_exe()
        .and_then(fs::canonicalize)
        .map_err(lost)?;
    let path = env::var_os("PATH").unwrap_or_default();
    let mut found = env::split_paths(&path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(format!("vmlock{EXE_SUFFIX}")))
        .filter(|file| file.is_file());
    if found.next().and_then(|file| fs::canonicalize(file).ok()) == Some(own.clone()) {
        return Ok("vmlock".to_owned());
    }
    match own.to_str() {
        // git puts files in the place of %O and its like, and a `%` for `%%`.
        Some(own) => Ok(format!(
            "'{}'",
            system::slashes(own)
                .replace('\'', r"'\''")
                .replace('%', "%%")
        )),
        None => Err(lost(io::Error::other("its path is not UTF-8"))),
    }
}

/// Writes what git's configuration does not have, or says that it has not.
fn set(place: &Place, program: &str, check: bool) -> Result<Step, Box<Diagnostic>> {
    let mut step = Step::Kept;
    for (key, value) in settings(program) {
        // No shell reads %% of a textconv.
        let value = match key.starts_with("diff.") {
            true => value.replace("%%", "%"),
            false => value,
        };
        let there = repository::ask(["config", place.scope, "--get-all", key]);
        let there = there.map_err(|error| Box::new(failed("", Err(error))))?;
        if there.is_fine() && there.line() == value {
            continue;
        }
        if check {
            // Another path to the program is as good, on whichever machine.
            let same = |line: &str| line.ends_with(value.strip_prefix(program).unwrap_or(&value));
            if !there.found().is_some_and(|line| same(&line)) {
                step = Step::Missing;
            }
            continue;
        }
        let done = repository::ask(["config", place.scope, "--replace-all", key, &value]);
        if !done.as_ref().is_ok_and(|answer| answer.is_fine()) {
            return Err(Box::new(failed("write its configuration", done)));
        }
        step = Step::Written;
    }
    Ok(step)
}

/// Takes our sections out of git's configuration.
fn unset(place: &Place) -> Result<Step, Box<Diagnostic>> {
    let mut step = Step::Kept;
    for section in SECTIONS {
        let pattern = format!("^{}\\.", section.replace('.', "\\."));
        let there = repository::ask(["config", place.scope, "--get-regexp", &pattern]);
        if !there.is_ok_and(|answer| answer.found().is_some()) {
            continue;
        }
        let done = repository::ask(["config", place.scope, "--remove-section", section]);
        if !done.as_ref().is_ok_and(|answer| answer.is_fine()) {
            return Err(Box::new(failed("write its configuration", done)));
        }
        step = Step::Removed;
    }
    Ok(step)
}

/// Writes, looks for or removes the line of attributes.
fn attributes(place: &Place, flags: &GitSetupFlags) -> Result<Step, Box<Diagnostic>> {
    let path = &place.attributes;
    let shown = path.display().to_string();
    let old = match files::read(path, ATTRIBUTES_MAX) {
        Ok(bytes) => String::from_utf8(bytes).map_err(|_| {
            let words = format!("`{shown}` is not UTF-8");
            let help = format!("add this line to it: {ATTRIBUTES}");
            Box::new(
                Diagnostic::error("io::unreadable", words)
                    .in_file(&shown)
                    .help(help),
            )
        })?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(Box::new(unreadable(path, &error))),
    };
    let new = match (flags.remove, flags.check, has(&old)) {
        (true, _, true) => without(&old),
        (false, false, false) => with(&old),
        (false, true, false) => return Ok(Step::Missing),
        _ => return Ok(Step::Kept),
    };
    let failed = |error: io::Error| Box::new(unwritable(&shown, &error));
    if new.is_empty() {
        fs::remove_file(path).map_err(failed)?;
        return Ok(Step::Removed);
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    vmlock_atomic::replace(path, &new).map_err(failed)?;
    Ok(if flags.remove {
        Step::Removed
    } else {
        Step::Written
    })
}

fn has(text: &str) -> bool {
    text.lines().any(|line| line.trim() == ATTRIBUTES)
}

/// The line at the end, where it has the last word.
fn with(old: &str) -> String {
    let gap = if old.is_empty() || old.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    format!("{old}{gap}{REMARK}\n{ATTRIBUTES}\n")
}

fn without(old: &str) -> String {
    let ours = |line: &&str| [ATTRIBUTES, REMARK].contains(&line.trim());
    old.split_inclusive('\n')
        .filter(|line| !ours(line))
        .collect()
}

/// Locks that somebody else's attributes keep from the drivers.
fn overridden(place: &Place, check: bool, out: &mut Output) -> Result<(), Box<Diagnostic>> {
    let Some(top) = &place.top else { return Ok(()) };
    let here = |arguments: &[&str], input: &[u8]| {
        let all = [Path::new("-C"), top]
            .into_iter()
            .chain(arguments.iter().map(Path::new));
        match repository::told(all, input) {
            Ok(answer) if answer.is_fine() => Ok(answer.bytes),
            other => Err(Box::new(failed("list its files", other))),
        }
    };
    let locks = here(&["ls-files", "-z", "--", "*.vm.lock.json"], &[])?;
    let said = here(&["check-attr", "-z", "--stdin", "merge", "diff"], &locks)?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let words: Vec<&str> = said.split('\0').collect();
    for triple in words.chunks_exact(3) {
        let [path, attribute, value] = triple else {
            continue;
        };
        if *value == "vmlock" {
            continue;
        }
        let words = format!("`{path}` has {attribute}={value}, which overrides {attribute}=vmlock");
        let mut diagnostic = Diagnostic::error("git::attributes", words)
            .in_file(*path)
            .help("take that out of the .gitattributes that says so; `git check-attr -a` shows what a file has");
        if !check {
            diagnostic.severity = Severity::Warning;
        }
        out.findings(vec![diagnostic]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_comes_and_goes_and_nothing_else() {
        for old in ["", "*.kdl text\n", "*.kdl text"] {
            let new = with(old);
            assert!(has(&new));
            assert_eq!(without(&new).trim_end(), old.trim_end(), "{old:?}");
        }
        assert!(!has(
            "# *.vm.lock.json text eol=lf merge=vmlock diff=vmlock"
        ));
    }
}
