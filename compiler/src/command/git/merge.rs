//! `vmlock git merge`: what git starts where both sides changed a lock.
//!
//! A lock is what its description says. So locks are not merged: their descriptions are, as git does it, and the result
//! is resolved. git gives its driver three locks and no description: it merges file by file in memory, and the work tree
//! still has ours. Since 2.44 it says which commits it merges (%S, %X, %Y). They are believed where each of them has, to
//! the byte, the lock that git gave. All else is a conflict with its reason, in a form that nobody takes for a lock.

use crate::command::unwritable;
use crate::compile::{self, Machine};
use crate::diagnostic::{Diagnostic, Severity};
use crate::files::Image;
use crate::flags::GitMergeFlags;
use crate::language::reach::Reach;
use crate::language::read::{Unreadable, source_of};
use crate::location::Source;
use crate::merge::{Sides, kept};
use crate::render::{Exit, Output};
use crate::repository::{self, Blob};
use crate::shell;
use std::env;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::Path;
use std::sync::Arc;
use vmlock_spec::lock::{Boot, BootFile, Lock, canonical, v1};
use vmlock_spec::words;

/// How a lock's name ends.
const LOCK: &str = ".vm.lock.json";

/// How a description's name ends.
const DESCRIPTIONS: [&str; 2] = [".vm.kdl", ".vm.json"];

/// What the file says until something better is known.
const UNTRIED: &str = "vmlock did not come to an end";

/// Merges, or leaves a conflict.
pub fn run(flags: &GitMergeFlags, out: &mut Output) {
    let given = Sides {
        base: &flags.base,
        ours: &flags.ours,
        theirs: &flags.theirs,
    };
    let read = given.map(|path| fs::read(path));
    let (Ok(base), Ok(ours), Ok(theirs)) = (read.base, read.ours, read.theirs) else {
        let words = format!("git's own copies of `{}` cannot be read", flags.path);
        let diagnostic = Diagnostic::error("io::unreadable", words).in_file(&flags.path);
        return out.fail(Exit::Environment, diagnostic.help("merge it once more"));
    };
    let sides = Sides { base, ours, theirs };
    // First of all: should this end here, nobody takes ours for the merged one.
    let lines = line_by_line(flags, &sides.ours);
    if !put(flags, &conflict(flags, &lines, UNTRIED), out) {
        return;
    }
    match merged(flags, &sides, out) {
        Ok((text, spec)) => {
            if put(flags, &text, out) {
                out.note(format!(
                    "{}: resolved again, from the merged {spec}",
                    flags.path
                ));
            }
        }
        Err(why) => {
            put(flags, &conflict(flags, &lines, &why), out);
            let words = format!("`{}` is not merged: {why}", flags.path);
            let diagnostic = Diagnostic::error("git::unresolved", words)
                .in_file(&flags.path)
                .help(advice(&flags.path));
            out.fail(Exit::Findings, diagnostic);
        }
    }
}

/// What is to be done about a conflict.
fn advice(lock: &str) -> String {
    // With a dot in its name it may be that of one machine of several.
    let stem = lock.strip_suffix(LOCK);
    let locked = shell::word(lock);
    let name = stem.map(|stem| stem.rsplit('/').next().unwrap_or(stem));
    match (stem, name) {
        (Some(stem), Some(name)) if !name.contains('.') => format!(
            "once {stem}.vm.kdl is merged: `vmlock lock {}`, then `git add {locked}`",
            shell::word(&format!("{stem}.vm.kdl"))
        ),
        _ => format!(
            "once its description is merged: `vmlock lock` with that, then `git add {locked}`"
        ),
    }
}

/// Writes the result where git reads it; says whether that went well.
fn put(flags: &GitMergeFlags, text: &str, out: &mut Output) -> bool {
    match vmlock_atomic::replace(&flags.ours, text) {
        Ok(()) => true,
        Err(error) => {
            out.fail(Exit::Environment, unwritable(&flags.path, &error));
            false
        }
    }
}

/// The file of a conflict: at its top the reason, between markers, so that it is no lock also where no line is in
/// dispute; then the texts, merged line by line for people to read.
fn conflict(flags: &GitMergeFlags, lines: &str, why: &str) -> String {
    let words = format!("{why}; {}", advice(&flags.path));
    format!(
        "<<<<<<< vmlock\n=======\n>>>>>>> {}\n{lines}",
        words::line(&words)
    )
}

/// The three texts merged as git merges texts; ours alone where that cannot be.
fn line_by_line(flags: &GitMergeFlags, ours: &[u8]) -> String {
    let marker = format!("--marker-size={}", flags.marker);
    let mut arguments: Vec<&OsStr> = ["merge-file", "-p", "-q", &marker].map(OsStr::new).into();
    for label in [&flags.ours_label, &flags.base_label, &flags.theirs_label] {
        arguments.extend(["-L", label].map(OsStr::new));
    }
    arguments.extend([&flags.ours, &flags.base, &flags.theirs].map(|path| path.as_os_str()));
    let lines = repository::ask(arguments).ok();
    // From 128 on it is no number of conflicts.
    let lines = lines.filter(|answer| answer.code.is_some_and(|code| code < 128));
    let bytes = lines.map_or_else(|| ours.to_vec(), |answer| answer.bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The lock of the merged description, and where that stands.
///
/// # Errors
/// Why there is none, in words.
fn merged(
    flags: &GitMergeFlags,
    texts: &Sides<Vec<u8>>,
    out: &mut Output,
) -> Result<(String, String), String> {
    let lost = |error: io::Error| format!("git cannot be asked: {error}");
    let ours = parse(&texts.ours, "ours")?;
    let theirs = parse(&texts.theirs, "theirs")?;
    let base = match texts.base.is_empty() {
        true => None,
        false => Some(parse(&texts.base, "the base")?),
    };
    let locks = Sides {
        base: base.as_ref(),
        ours: Some(&ours),
        theirs: Some(&theirs),
    };
    let labels = Sides {
        base: flags.base_label.as_str(),
        ours: flags.ours_label.as_str(),
        theirs: flags.theirs_label.as_str(),
    };
    if [labels.base, labels.ours, labels.theirs]
        .iter()
        .any(|label| label.is_empty() || ["%S", "%X", "%Y"].contains(label))
    {
        return Err("this git does not say which commits it merges; 2.44 and newer do".to_owned());
    }
    let side = |label: &str, text: &[u8]| Side::find(label, text, &flags.path).map_err(lost);
    let sides = Sides {
        base: side(labels.base, &texts.base)?.ok_or_else(|| unknown(labels.base))?,
        ours: side(labels.ours, &texts.ours)?.ok_or_else(|| unknown(labels.ours))?,
        theirs: side(labels.theirs, &texts.theirs)?.ok_or_else(|| unknown(labels.theirs))?,
    };
    let commits = Commits {
        sides,
        path: flags.path.clone(),
        indexed: labels.ours.split(':').next() == Some("HEAD")
            && repository::ask(["rev-parse", "--is-bare-repository"])
                .map_err(lost)?
                .line()
                == "false",
    };
    let (spec, machine) = commits.machine(out)?;
    let former =
        kept(&locks).map_err(|undecided| format!("both sides changed {}", undecided.what))?;
    let compiled = compile::compile(Path::new(&spec), machine, &[], &former, &commits);
    let open = compiled
        .read
        .as_ref()
        .and_then(|read| read.spec.boot.as_ref())
        .is_none_or(|boot| boot.any_file);
    let Some(lock) = compiled.lock else {
        let errors = compiled.found.iter();
        let count = errors.filter(|d| d.severity == Severity::Error).count();
        out.findings(compiled.found);
        let noun = if count == 1 { "error" } else { "errors" };
        return Err(format!("the merged {spec} has {count} {noun}"));
    };
    // Of a file that none of the three booted nobody here knows what it holds, and the work tree may hold anything.
    let booted = |boot: Option<&Boot>| {
        let files = boot.map(|boot| [Some(boot.kernel.clone()), boot.initrd.clone()]);
        files
            .into_iter()
            .flatten()
            .flatten()
            .collect::<Vec<BootFile>>()
    };
    let before = booted(former.boot.as_ref());
    let is_new =
        |file: &&BootFile| file.digest.is_none() && before.iter().all(|old| old.path != file.path);
    if let Some(file) = booted(lock.boot.as_ref()).iter().find(is_new)
        && !open
        && lock.lock_version != v1::VERSION
    {
        return Err(format!(
            "none of the three locks says what `{}` holds",
            file.path
        ));
    }
    Ok((canonical::write(&lock), spec))
}

fn parse(text: &[u8], whose: &str) -> Result<Lock, String> {
    let text = str::from_utf8(text).map_err(|_| format!("{whose} is not UTF-8"))?;
    canonical::parse(text).map_err(|error| format!("{whose} is no lock: {error}"))
}

fn unknown(label: &str) -> String {
    format!("`{label}` is no commit that has the lock which git merges")
}

/// One side of the merge: a commit that has its lock.
struct Side {
    commit: String,
    /// Where, from the top: a side may have another name for it.
    lock: String,
}

impl Side {
    /// The commit of a label, where it has this lock. A side without one (both added theirs) has it nowhere.
    fn find(label: &str, text: &[u8], path: &str) -> io::Result<Option<Self>> {
        let Some(commit) = commit_of(label)? else {
            return Ok(None);
        };
        let here = match repository::blob(&commit, path)? {
            Some(blob) if blob.is_file() => blob.read()? == text,
            found => found.is_none() && text.is_empty(),
        };
        let lock = match here {
            true => path.to_owned(),
            false => {
                let mut places = repository::places(&commit, text)?;
                places.retain(|place| place.ends_with(LOCK));
                match places.as_slice() {
                    [one] => one.clone(),
                    _ => return Ok(None),
                }
            }
        };
        Ok(Some(Self { commit, lock }))
    }

    /// The path of what stands there beside the lock.
    fn beside(&self, relative: &Path) -> Option<String> {
        let folder = Path::new(&self.lock).parent().unwrap_or(Path::new(""));
        repository::plain(&folder.join(relative))
    }
}

/// The commit that git means by a label: a name, `1234567 (its subject)`, `parent of 1234567 (its subject)`; behind each
/// of them `:PATH` where a side has another path.
fn commit_of(label: &str) -> io::Result<Option<String>> {
    let (child, of_parent) = match label.strip_prefix("parent of ") {
        Some(child) => (child, true),
        None => (label, false),
    };
    // No name of a commit has either in it.
    let end = child.find(':').into_iter().chain(child.find(" (")).min();
    let name = &child[..end.unwrap_or(child.len())];
    // `git merge` says which commit a name was when it began.
    let begun = env::vars_os().filter_map(|(key, value)| {
        let oid = key.to_str()?.strip_prefix("GITHEAD_")?.to_owned();
        (value.to_str()? == name).then_some(oid)
    });
    if let ([oid], false) = (begun.collect::<Vec<String>>().as_slice(), of_parent) {
        return repository::commit(oid);
    }
    if !of_parent {
        return repository::commit(name);
    }
    // Of a merge's several, nothing says which.
    match repository::commit(&format!("{name}^2"))? {
        Some(_) => Ok(None),
        None => repository::commit(&format!("{name}^1")),
    }
}

/// The commits that are merged, for a compilation: files as git will have merged them, and no others.
struct Commits {
    sides: Sides<Side>,
    /// The lock's path in what comes of it.
    path: String,
    /// Whether ours is what HEAD and the index have alike; else it is a commit alone.
    indexed: bool,
}

impl Commits {
    /// The machine whose lock it is, of the merged descriptions, and the path of its own from the top.
    fn machine(&self, out: &mut Output) -> Result<(String, Machine), String> {
        let descriptions = self.descriptions()?;
        let mut found = Vec::new();
        for (spec, text) in &descriptions {
            let source = source_of(text.clone(), spec).map_err(|finding| {
                let words = format!("{spec} cannot be read: {}", finding.message.join("; "));
                out.findings(vec![*finding]);
                words
            })?;
            let machines = compile::machines(Path::new(spec), &source, self);
            let own = |machine: &Machine| machine.file.as_deref() == Some(Path::new(&self.path));
            let own = machines.into_iter().filter(own);
            found.extend(own.map(|machine| (spec.clone(), machine)));
        }
        match (found.len(), descriptions.first()) {
            (1, _) => Ok(found.remove(0)),
            (0, None) => Err("it has no description in what is merged".to_owned()),
            (0, Some((spec, _))) => Err(format!("no machine of the merged {spec} makes it")),
            _ => Err("two descriptions would both make it".to_owned()),
        }
    }

    /// The merged descriptions that may make the lock, each with its path from the top. Of a file with several machines
    /// locks are called `NAME.MACHINE`, and any dot may be the one between.
    fn descriptions(&self) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut found = Vec::new();
        let stem = self.path.strip_suffix(LOCK).unwrap_or_default();
        let name = stem.rfind('/').map_or(0, |slash| slash + 1);
        let dots = stem.match_indices('.').map(|(at, _)| at);
        let ends = dots.chain([stem.len()]).filter(|at| *at > name);
        for (machine, end) in ends.flat_map(|at| DESCRIPTIONS.map(|end| (&stem[at..], end))) {
            let named = |lock: &str| {
                let stem = lock.strip_suffix(LOCK)?.strip_suffix(machine)?;
                Some(format!("{stem}{end}"))
            };
            let paths = self.sides.map(|side| named(&side.lock));
            let all = [&paths.base, &paths.ours, &paths.theirs];
            let (Some(path), true) = (named(&self.path), all.iter().all(|path| path.is_some()))
            else {
                continue;
            };
            if let Some(text) = self.file(&path, paths)? {
                found.push((path, text));
            }
        }
        Ok(found)
    }

    /// A file as it is once it is merged; `None` where there is none then.
    fn file(&self, path: &str, paths: Sides<Option<String>>) -> Result<Option<Vec<u8>>, String> {
        let lost = |error: io::Error| format!("git cannot be asked for {path}: {error}");
        let Sides {
            base: Some(base),
            ours: Some(ours),
            theirs: Some(theirs),
        } = paths
        else {
            return Err(format!("{path} lies outside of the repository"));
        };
        let sides = &self.sides;
        let blobs = Sides {
            base: repository::blob(&sides.base.commit, &base).map_err(lost)?,
            ours: repository::blob(&sides.ours.commit, &ours).map_err(lost)?,
            theirs: repository::blob(&sides.theirs.commit, &theirs).map_err(lost)?,
        };
        let all = [&blobs.base, &blobs.ours, &blobs.theirs];
        if all.into_iter().flatten().any(|blob| !blob.is_file()) {
            return Err(format!("{path} is no regular file on every side"));
        }
        if self.indexed {
            let staged =
                repository::ask(["rev-parse", "--verify", "--quiet", &format!(":0:{ours}")]);
            if staged.map_err(lost)?.found() != blobs.ours.as_ref().map(|blob| blob.oid.clone()) {
                return Err(format!("{path} in the index is another than in HEAD"));
            }
        }
        let oid = |blob: &Option<Blob>| blob.as_ref().map(|blob| blob.oid.clone());
        let (base, ours, theirs) = match (blobs.map(oid).merged(), blobs.map(oid)) {
            (Some(None), _) => return Ok(None),
            (Some(Some(oid)), _) => {
                let blob = Blob {
                    mode: String::new(),
                    oid,
                };
                return blob.read().map(Some).map_err(lost);
            }
            (
                None,
                Sides {
                    base: Some(base),
                    ours: Some(ours),
                    theirs: Some(theirs),
                },
            ) => (base, ours, theirs),
            _ => {
                return Err(format!(
                    "{path} was added, renamed or removed on one side, and changed on the other"
                ));
            }
        };
        let attribute = repository::ask(["check-attr", "-z", "merge", "--", path]).map_err(lost)?;
        let attribute = String::from_utf8_lossy(&attribute.bytes).into_owned();
        let mut driver = attribute.split('\0').nth(2).unwrap_or_default().to_owned();
        if driver == "unspecified" {
            let configured = repository::ask(["config", "merge.default"]).map_err(lost)?;
            driver = configured.found().unwrap_or("text".to_owned());
        }
        if !["set", "text"].contains(&driver.as_str()) {
            return Err(format!(
                "{path} is merged in a way of its own (merge={driver})"
            ));
        }
        let configured = repository::ask(["config", "diff.algorithm"]).map_err(lost)?;
        // What git merges by where nothing is said of it, and not what it shows differences by.
        let algorithm = configured.found().unwrap_or("histogram".to_owned());
        let algorithm = format!("--diff-algorithm={algorithm}");
        let merged = repository::ask([
            "merge-file",
            "-p",
            "-q",
            "--object-id",
            &algorithm,
            &ours,
            &base,
            &theirs,
        ])
        .map_err(lost)?;
        match merged.code {
            Some(0) => Ok(Some(merged.bytes)),
            Some(1..=127) => Err(format!("{path} has conflicts of its own")),
            _ => Err(format!("git does not merge {path}: {}", merged.words)),
        }
    }
}

impl Reach for Commits {
    fn source(&self, path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable> {
        let folder = Path::new(&self.path).parent().unwrap_or(Path::new(""));
        let relative = path.strip_prefix(folder).unwrap_or(path);
        let refused = |words: String| Unreadable::Io(io::Error::other(words));
        let paths = self.sides.map(|side| side.beside(relative));
        match self.file(shown, paths).map_err(refused)? {
            Some(bytes) => source_of(bytes, shown).map_err(Unreadable::Bytes),
            None => Err(refused("it is in no commit that is merged".to_owned())),
        }
    }

    // What is in no commit is as the locks have it: a work tree may hold anything.
    fn file(&self, _: &Path) -> io::Result<File> {
        Err(ErrorKind::NotFound.into())
    }

    fn image(&self, _: &Path) -> io::Result<Image> {
        Err(ErrorKind::NotFound.into())
    }

    fn digest(&self, _: File, _: u64) -> io::Result<Option<String>> {
        Err(ErrorKind::NotFound.into())
    }
}
