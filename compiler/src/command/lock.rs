//! `vmlock lock`: descriptions to locks.

mod orphan;

use crate::below;
use crate::command::{digest_of, parse_lock, read_report, unreadable, unwritable};
use crate::compile::{self, Former, lock_path};
use crate::diagnostic::{Diagnostic, Severity, join};
use crate::difference::{self, Change};
use crate::files;
use crate::flags::LockFlags;
use crate::hosts::{Host, Verdict};
use crate::language::reach::Disk;
use crate::merge::{self, Sides};
use crate::render::{Exit, Output};
use crate::repository;
use crate::shell;
use crate::system;
use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use vmlock_spec::lock::{Lock, canonical, v1, v2};
use vmlock_spec::parallel;
use vmlock_spec::resolve::allow::WARNINGS;
use vmlock_spec::resolve::{Target, former_lock_schema};

/// Descriptions that are compiled before their locks are written: the disk is waited for once for all of them.
const TOGETHER: usize = 128;

/// What became of one lock.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    spec: String,
    lock: String,
    status: Status,
    digest: String,
    changes: Vec<Change>,
    /// The machine's.
    #[serde(skip)]
    name: String,
}

impl Outcome {
    fn is_new(&self) -> bool {
        self.status == Status::New
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    /// The file is what the description says.
    Unchanged,
    /// There was none; now there is, or would be.
    New,
    /// It was another; now it is right, or would be.
    Changed,
}

/// Compiles each description; one that fails does not keep the others from being written.
pub fn run(flags: &LockFlags, out: &mut Output) {
    let mut hosts = Vec::new();
    for path in &flags.hosts {
        match read_report(path) {
            Ok(report) => hosts.push(Host {
                name: path.display().to_string(),
                report,
                place: None,
            }),
            Err(diagnostic) => out.fail(Exit::Environment, diagnostic),
        }
    }
    if hosts.len() < flags.hosts.len() {
        return out.note("vmlock: a host that is not known keeps no lock; nothing was written");
    }
    let whole = flags.specs.iter().any(|path| path.is_dir()) || flags.specs.is_empty();
    let specs = below::files(
        &flags.specs,
        "description",
        |name| lock_path(Path::new(name)).is_some(),
        out,
    );
    let mut disputed = BTreeSet::new();
    let mut tasks = Vec::new();
    for below::File { path: spec, named } in specs {
        let Some(path) = lock_path(&spec) else {
            out.fail(Exit::Usage, not_called_so(&spec));
            continue;
        };
        if let Some(rival) = compile::rival(&spec) {
            if disputed.insert(path.clone()) {
                out.fail(Exit::Findings, two_of_one(&spec, &rival, &path));
            }
            continue;
        }
        tasks.push(Task { spec, named });
    }
    let mut verdicts = Vec::new();
    let mut outcomes = Vec::new();
    let mut made = BTreeSet::new();
    let mut unchanged = 0;
    for tasks in tasks.chunks(TOGETHER) {
        let compiled = all(flags, tasks, &hosts, out);
        let mut failed = write(flags, &compiled);
        for mut done in compiled {
            for ready in done.ready {
                match failed.remove(&ready.path) {
                    Some(error) => {
                        let finding = unwritable(&ready.outcome.lock, &error);
                        done.said.fail(Exit::Environment, finding);
                    }
                    None => {
                        unchanged += usize::from(ready.is_unsaid());
                        tell(flags, &ready, &mut done.said);
                        outcomes.push(ready.outcome);
                    }
                }
            }
            out.add(done.said);
            verdicts.extend(done.verdicts);
            made.extend(done.files);
        }
    }
    match unchanged {
        0 => {}
        1 => out.line("1 lock is what its description says"),
        n => out.line(format!("{n} locks are what their descriptions say")),
    }
    // Where locks come and go, and in CI.
    if flags.check || whole || outcomes.iter().any(Outcome::is_new) {
        let mut folders: BTreeSet<PathBuf> = outcomes
            .iter()
            .filter_map(|o| folder(Path::new(&o.lock)))
            .collect();
        for given in flags.specs.iter().filter(|path| path.is_dir()) {
            folders.extend(locks_below(given, out));
        }
        if flags.specs.is_empty() {
            folders.extend(locks_below(Path::new("."), out));
        }
        let mut orphans = orphan::warnings(&folders, &outcomes, &made);
        if flags.deny_warnings {
            orphans.iter_mut().for_each(deny);
        }
        out.findings(orphans);
    }
    let outcomes = serde_json::to_value(outcomes).unwrap_or_default();
    out.value("locks", outcomes);
    if !verdicts.is_empty() {
        out.value("hosts", verdicts);
    }
}

/// A description.
struct Task {
    spec: PathBuf,
    /// Whether the command line named it; of others, those that are as they should be are counted.
    named: bool,
}

/// What became of a description.
struct Done {
    said: Output,
    verdicts: Vec<Value>,
    ready: Vec<Ready>,
    /// The locks that it makes, where nothing is wrong with it.
    files: Vec<PathBuf>,
}

/// A lock that is yet to be written, or is as it should be.
struct Ready {
    path: PathBuf,
    text: String,
    outcome: Outcome,
    /// Where no change is, though the bytes differ: why.
    remark: Option<String>,
    /// How much is in it.
    size: String,
    /// Hosts that can keep it.
    hosts: Vec<String>,
    /// Whether the command line named its description.
    named: bool,
}

impl Ready {
    /// Whether nothing is said of it by itself, because nothing is to be done.
    fn is_unsaid(&self) -> bool {
        !self.named && self.outcome.status == Status::Unchanged
    }
}

/// Compiles each, as many at a time as there are processors; in the order of the tasks.
fn all(flags: &LockFlags, tasks: &[Task], hosts: &[Host], out: &Output) -> Vec<Done> {
    parallel::each(tasks.len(), |index| {
        compiled(flags, &tasks[index], hosts, out.part())
    })
}

fn compiled(flags: &LockFlags, task: &Task, hosts: &[Host], mut said: Output) -> Done {
    let mut verdicts = Vec::new();
    let mut files = Vec::new();
    let ready = one(flags, task, hosts, &mut verdicts, &mut files, &mut said);
    Done {
        said,
        verdicts,
        ready,
        files,
    }
}

/// Writes the locks that have changed; which of them could not be written, and why.
fn write(flags: &LockFlags, compiled: &[Done]) -> BTreeMap<PathBuf, io::Error> {
    if flags.check || flags.dry_run {
        return BTreeMap::new();
    }
    let all = compiled.iter().flat_map(|done| &done.ready);
    let changed = all.filter(|ready| ready.outcome.status != Status::Unchanged);
    let files: Vec<(&Path, &[u8])> = changed
        .map(|ready| (ready.path.as_path(), ready.text.as_bytes()))
        .collect();
    let done = vmlock_atomic::replace_all(&files, system::sync);
    let failed =
        |((path, _), done): (&(&Path, _), io::Result<()>)| Some(((*path).to_owned(), done.err()?));
    files.iter().zip(done).filter_map(failed).collect()
}

/// The folder of a file.
fn folder(path: &Path) -> Option<PathBuf> {
    path.parent().map(Path::to_owned)
}

/// Folders below one that hold locks.
fn locks_below(given: &Path, out: &mut Output) -> Vec<PathBuf> {
    let locks = below::below(given, |name| name.ends_with(".vm.lock.json"), out);
    locks.iter().filter_map(|path| folder(path)).collect()
}

/// A file whose name is no description's.
fn not_called_so(spec: &Path) -> Diagnostic {
    let shown = spec.display().to_string();
    let words =
        format!("`{shown}` is not called NAME.vm.kdl or NAME.vm.json, so its lock has no name");
    let stem = shown.strip_suffix(".lock.json").or_else(|| {
        let stem = shown
            .strip_suffix(".kdl")
            .or_else(|| shown.strip_suffix(".json"))?;
        Some(stem.strip_suffix(".vm").unwrap_or(stem))
    });
    let bare = stem.unwrap_or(&shown);
    let mut meant = ["kdl", "json"]
        .iter()
        .map(|form| format!("{bare}.vm.{form}"));
    let there = meant.find(|path| Path::new(path).is_file());
    let help = match stem {
        _ if there.is_some() && !shown.ends_with(".lock.json") => {
            format!("did you mean `{}`?", there.unwrap_or_default())
        }
        Some(stem) if shown.ends_with(".lock.json") => {
            format!("this is a lock: `{stem}.kdl` or `{stem}.json` is what it was made of")
        }
        Some(stem) => format!("rename it: for example `{stem}.vm.kdl`"),
        None => "a description is text: call it NAME.vm.kdl".to_owned(),
    };
    Diagnostic::error("usage::name", words)
        .in_file(shown)
        .help(help)
}

/// Which of the two a lock comes of would be whoever was compiled last.
pub fn two_of_one(spec: &Path, rival: &Path, lock: &Path) -> Diagnostic {
    let [spec, rival, lock] = [spec, rival, lock].map(|p| p.display().to_string());
    let words = format!("`{spec}` and `{rival}` would both make `{lock}`, so neither does");
    Diagnostic::error("lock::two-descriptions", words)
        .in_file(spec)
        .help("give one of the two another name, or remove it")
}

/// A lock that is made, and the bytes of the one that is there.
struct Made {
    path: PathBuf,
    lock: Lock,
    old: Option<Vec<u8>>,
    /// Hosts that can keep it.
    hosts: Vec<String>,
}

/// Compiles all machines of a description; where one of them makes no lock, none is ready. `files` gets where their
/// locks stand.
fn one(
    flags: &LockFlags,
    task: &Task,
    hosts: &[Host],
    verdicts: &mut Vec<Value>,
    files: &mut Vec<PathBuf>,
    out: &mut Output,
) -> Vec<Ready> {
    let spec = task.spec.as_path();
    let shown = spec.display().to_string();
    let machines = match compile::read(spec) {
        Ok(machines) => machines,
        Err(error) => {
            out.fail(Exit::Environment, unreadable(spec, &error));
            return Vec::new();
        }
    };
    let (mut made, mut found, mut whole) = (Vec::new(), Vec::new(), true);
    for machine in machines {
        let path = machine.file.clone();
        let (old, former) = match there(path.as_deref(), flags.upgrade) {
            Ok(there) => there,
            Err(finding) => {
                out.fail(Exit::Environment, *finding);
                whole = false;
                continue;
            }
        };
        let mut compiled = compile::compile(spec, machine, hosts, &former, &Disk);
        if flags.deny_warnings {
            compiled.found.iter_mut().for_each(deny);
        }
        let other = path
            .as_deref()
            .and_then(|p| compile::another_maker(spec, p));
        if let (Some(path), Some(other)) = (&path, other) {
            compiled.found.push(two_of_one(spec, &other, path));
        }
        let wrong = |finding: &Diagnostic| finding.severity == Severity::Error;
        if compiled.found.iter().any(wrong) {
            compiled.lock = None;
        }
        found.append(&mut compiled.found);
        verdicts.extend(compiled.verdicts.iter().map(|v| of_spec(&shown, v)));
        match (path, compiled.lock) {
            (Some(path), Some(lock)) => made.push(Made {
                path,
                lock,
                old,
                hosts: compiled.verdicts.into_iter().map(|v| v.host).collect(),
            }),
            _ => whole = false,
        }
    }
    let found = compile::once(found);
    let errors = found.iter().filter(|d| d.severity == Severity::Error);
    let errors = match errors.count() {
        1 => "1 error".to_owned(),
        errors => format!("{errors} errors"),
    };
    let told = !found.is_empty();
    out.findings(found);
    if !whole {
        if told {
            out.note(format!("{shown}: {errors}; no lock was written"));
        }
        return Vec::new();
    }
    files.extend(made.iter().map(|made| made.path.clone()));
    made.into_iter().map(|made| ready(task, made)).collect()
}

/// What is there of a lock, and what of that is kept.
///
/// # Errors
/// Why that is not known.
fn there(path: Option<&Path>, upgrade: bool) -> Result<(Option<Vec<u8>>, Former), Box<Diagnostic>> {
    let Some(path) = path else {
        return Ok((None, Former::default()));
    };
    let old = match files::read(path, canonical::SIZE_MAX) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(Box::new(unreadable(path, &error))),
    };
    let former = former(path, old.as_deref(), upgrade)?;
    Ok((old, former))
}

/// Holds a lock against the one that is there.
fn ready(task: &Task, made: Made) -> Ready {
    let Made {
        path,
        lock,
        old,
        hosts,
    } = made;
    let text = canonical::write(&lock);
    let status = match &old {
        None => Status::New,
        Some(old) if old.as_slice() == text.as_bytes() => Status::Unchanged,
        Some(_) => Status::Changed,
    };
    let (changes, remark) = match (&old, status) {
        (Some(old), Status::Changed) => compare(&path, old, &lock),
        _ => (Vec::new(), None),
    };
    Ready {
        outcome: Outcome {
            spec: task.spec.display().to_string(),
            lock: path.display().to_string(),
            status,
            digest: digest(&text),
            changes,
            name: lock.name,
        },
        remark,
        size: format!(
            "{} registers, {} vCPUs",
            lock.registers.len(),
            lock.machine.vcpus.len()
        ),
        hosts,
        named: task.named,
        path,
        text,
    }
}

/// Says what became of a lock.
fn tell(flags: &LockFlags, ready: &Ready, out: &mut Output) {
    let outcome = &ready.outcome;
    if !ready.is_unsaid() {
        say(flags, ready, out);
    }
    if flags.print_digest && !(flags.check && outcome.is_new()) {
        out.line(format!("{}  {}", outcome.digest, outcome.lock));
    }
    if !ready.hosts.is_empty() && !ready.is_unsaid() {
        out.line(format!("  can be kept by {}", join(&ready.hosts)));
    }
}

/// Makes an error of a warning, and says how its author can say that it is meant.
fn deny(diagnostic: &mut Diagnostic) {
    if diagnostic.severity == Severity::Error {
        return;
    }
    diagnostic.severity = Severity::Error;
    if WARNINGS.contains(&diagnostic.code) {
        diagnostic.help.push(format!(
            "or say that it is meant: allow \"{}\" reason=\"…\" (--deny-warnings takes it for an error)",
            diagnostic.code
        ));
    }
}

/// What of the lock that is there is kept: as cargo does, its version, until somebody upgrades it.
///
/// # Errors
/// A lock of a version that this program does not know is never overwritten.
pub fn former(path: &Path, old: Option<&[u8]>, upgrade: bool) -> Result<Former, Box<Diagnostic>> {
    let mut former = Former::default();
    let Some(text) = old.and_then(|old| str::from_utf8(old).ok()) else {
        return Ok(former);
    };
    match canonical::parse(text) {
        Ok(lock) => {
            if !upgrade {
                former.target = Target::keeping(&lock);
            }
            former.disks = merge::blocks(&lock);
            former.boot = lock.boot;
        }
        Err(error @ canonical::LockError::Newer { .. }) => {
            let shown = path.display().to_string();
            let diagnostic = Diagnostic::error("lock::newer", format!("`{shown}`: {error}"));
            let help = "it was left as it is; remove it to lock anew with this version";
            return Err(Box::new(diagnostic.in_file(shown).help(help)));
        }
        Err(error) => {
            if matches!(error, canonical::LockError::ConflictMarker { .. })
                && let Some(mut former) = of_index(path)?
            {
                if upgrade {
                    former.target = Target::NEWEST;
                }
                return Ok(former);
            }
            // What is left of it after a merge still says its version.
            if let Some(version @ v1::VERSION..=v2::VERSION) = canonical::version_in(text)
                && !upgrade
            {
                former.target = Target {
                    former_schema: text.contains(&former_lock_schema(version)),
                    ..Target::of(version)
                };
            }
        }
    }
    Ok(former)
}

/// What is kept of a lock that git could not merge: of its three sides, which the index has. `None` where it has not.
///
/// # Errors
/// Both sides say of a file what it holds, each another thing, and it is not there to be looked at.
fn of_index(path: &Path) -> Result<Option<Former>, Box<Diagnostic>> {
    let Ok(Some(texts)) = repository::stages(path) else {
        return Ok(None);
    };
    let parse = |text: &Vec<u8>| canonical::parse(str::from_utf8(text).ok()?).ok();
    let locks = texts.map(parse);
    let locks = Sides {
        base: locks.base.as_ref(),
        ours: locks.ours.as_ref(),
        theirs: locks.theirs.as_ref(),
    };
    if locks.ours.is_none() || locks.theirs.is_none() {
        return Ok(None);
    }
    let undecided = match merge::kept(&locks) {
        Ok(former) => return Ok(Some(former)),
        Err(undecided) => undecided,
    };
    let folder = path.parent().unwrap_or(Path::new(""));
    let gone = |file: &String| !folder.join(file).exists();
    let Some(file) = undecided.file.filter(gone) else {
        return Ok(None);
    };
    let shown = path.display().to_string();
    let words = format!(
        "`{shown}`: both sides of the merge changed {}, and `{file}` is not there",
        undecided.what
    );
    let help = format!("put the right `{file}` there: its digest goes into the lock");
    let diagnostic = Diagnostic::error("lock::conflict-marker", words);
    Err(Box::new(diagnostic.in_file(shown).help(help)))
}

/// What a host makes of one description, for programs.
fn of_spec(spec: &str, verdict: &Verdict) -> Value {
    let mut value = serde_json::to_value(verdict).unwrap_or_default();
    value["spec"] = spec.into();
    value
}

fn digest(text: &str) -> String {
    format!("sha256:{}", digest_of(text))
}

/// What differs between the file and the new lock; where nothing does, why the bytes do.
fn compare(path: &Path, old: &[u8], new: &Lock) -> (Vec<Change>, Option<String>) {
    let Ok(text) = String::from_utf8(old.to_vec()) else {
        return (Vec::new(), Some("the old file is not text".to_owned()));
    };
    let lines = text.replace("\r\n", "\n") == canonical::write(new);
    match parse_lock(path, text) {
        Ok((old, _)) => {
            let changes = difference::compare(&old, new);
            let why = match lines {
                // As git leaves them where it is not told otherwise.
                true => "its lines end with CR and LF; `vmlock git setup` has git keep LF",
                false => "the file is not as vmlock writes it",
            };
            let remark = changes
                .is_empty()
                .then(|| format!("same content, other bytes: {why}"));
            (changes, remark)
        }
        Err(error) => (
            Vec::new(),
            Some(format!(
                "the old file is no lock: {}",
                error.message.join("; ")
            )),
        ),
    }
}

fn say(flags: &LockFlags, ready: &Ready, out: &mut Output) {
    let Ready {
        outcome,
        remark,
        size,
        ..
    } = ready;
    let Outcome {
        lock: path, spec, ..
    } = outcome;
    let line = match (outcome.status, flags.check, flags.dry_run) {
        (Status::Unchanged, _, _) => format!("{path}: unchanged ({size})"),
        (Status::New, false, false) => format!("{path}: written ({size})"),
        (Status::New, _, true) => format!("{path}: would be written ({size})"),
        (Status::Changed, false, false) => format!("{path}: updated"),
        (Status::Changed, _, true) => format!("{path}: would be updated"),
        (Status::New, true, _) => {
            let diagnostic = Diagnostic::error(
                "lock::missing",
                format!("`{spec}` has no lock: `{path}` does not exist"),
            );
            out.fail(
                Exit::Findings,
                diagnostic.in_file(path).help(format!(
                    "run `vmlock lock {}` and check the lock in",
                    shell::word(spec)
                )),
            );
            return;
        }
        (Status::Changed, true, _) => {
            let diagnostic =
                Diagnostic::error("lock::stale", format!("`{path}` is not what `{spec}` says"));
            out.fail(
                Exit::Findings,
                diagnostic.in_file(path).help(format!(
                    "run `vmlock lock {}` and review what changes for the guest",
                    shell::word(spec)
                )),
            );
            format!("{path}: would change")
        }
    };
    out.line(line);
    if let Some(remark) = remark {
        out.line(format!("  {remark}"));
    }
    if !outcome.changes.is_empty() {
        out.lines(difference::table(&outcome.changes));
    }
}
