//! One description file to its locks, one for each machine: read, decode, import, resolve.

use crate::boot;
use crate::diagnostic::{Diagnostic, Severity};
use crate::disk;
use crate::hosts::{self, Host, Verdict};
use crate::language::defaults::{self, Joined};
use crate::language::reach::{Disk, Reach};
use crate::language::{decode, import, json, read, sharing};
use crate::location::{Places, Source, WHOLE};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::{Block, Boot, Lock};
use vmlock_spec::resolve::allow::EMULATED;
use vmlock_spec::resolve::{self, Complaint, Target, is_name};
use vmlock_spec::vm::VmSpec;

/// Most findings of one file that are shown.
const FINDINGS_MAX: usize = 50;

/// What came of one machine of a file.
pub struct Compiled {
    /// Where its lock stands; `None` for a file that is not called like a description, and for a machine without a name.
    pub file: Option<PathBuf>,
    /// Where in the text it is described.
    pub span: Range<usize>,
    /// The lock; `None` when there is an error among what was found.
    pub lock: Option<Lock>,
    /// Errors and warnings.
    pub found: Vec<Diagnostic>,
    /// What the planner says of each host that has to keep it.
    pub verdicts: Vec<Verdict>,
    /// What was read; `None` where too little of it could be.
    pub read: Option<Read>,
    /// The catalogue with what the description imports.
    pub catalogue: Catalogue,
}

/// A description that was read.
pub struct Read {
    /// What it says.
    pub spec: VmSpec,
    /// Where.
    pub places: Places,
}

/// Where the lock of a description of one machine stands: `NAME.vm.lock.json` beside it.
/// `None` for a file that is not called like a description.
pub fn lock_path(spec: &Path) -> Option<PathBuf> {
    Some(spec.with_file_name(format!("{}.vm.lock.json", stem(spec)?)))
}

/// What a description is called without what tells that it is one.
fn stem(spec: &Path) -> Option<&str> {
    let name = spec.file_name()?.to_str()?;
    let stem = name
        .strip_suffix(".vm.kdl")
        .or_else(|| name.strip_suffix(".vm.json"))?;
    Some(stem).filter(|stem| !stem.is_empty())
}

/// Where the locks of a description's machines stand: that of one alone, and of several that of the one which is called as
/// the file is, at [`lock_path`], and each other's at `NAME.MACHINE.vm.lock.json`. So a machine that is added moves no
/// lock of a file that is called after its machine.
pub fn lock_paths(spec: &Path, machines: &[Option<&str>]) -> Vec<Option<PathBuf>> {
    let of = |machine: &Option<&str>| {
        let stem = stem(spec)?;
        match *machine {
            _ if machines.len() == 1 => lock_path(spec),
            Some(name) if name == stem => lock_path(spec),
            // In a path, what is no name may be anything.
            Some(name) if is_name(name) => {
                Some(spec.with_file_name(format!("{stem}.{name}.vm.lock.json")))
            }
            _ => None,
        }
    };
    machines.iter().map(of).collect()
}

/// Descriptions beside a lock that may make it, by their names.
fn may_make(lock: &Path) -> Vec<PathBuf> {
    let name = lock.file_name().and_then(|name| name.to_str());
    let Some(stem) = name.and_then(|name| name.strip_suffix(".vm.lock.json")) else {
        return Vec::new();
    };
    // Names may have dots, and then more than one file can be meant.
    let dots = stem.match_indices('.').map(|(at, _)| &stem[..at]);
    let files = dots.chain([stem]).flat_map(|stem| {
        [".vm.kdl", ".vm.json"].map(|form| lock.with_file_name(format!("{stem}{form}")))
    });
    files.filter(|file| file.exists()).collect()
}

/// The locks that a description's machines make.
pub fn locks_of(spec: &Path) -> Vec<PathBuf> {
    let names = names_in(spec).unwrap_or_else(|| vec![None]);
    let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
    lock_paths(spec, &names).into_iter().flatten().collect()
}

/// Whether machines of these names in a description make that lock.
fn make(spec: &Path, names: &[Option<String>], lock: &Path) -> bool {
    let names: Vec<Option<&str>> = names.iter().map(Option::as_deref).collect();
    let mut locks = lock_paths(spec, &names).into_iter().flatten();
    locks.any(|path| path.file_name() == lock.file_name())
}

/// Whether a lock has a description beside it, or one that cannot be read and may be its own.
pub fn is_made(lock: &Path) -> bool {
    let makes = |spec: &PathBuf| {
        let Ok(source) = Disk.source(spec, "") else {
            return true;
        };
        // One machine alone makes the lock that is called as its file is, whatever it is called itself.
        let own = lock_path(spec).is_some_and(|own| own.file_name() == lock.file_name());
        own && !is_json(spec) && read::has_one_machine(&source.text)
            || names_of(spec, &source).is_none_or(|names| make(spec, &names, lock))
    };
    may_make(lock).iter().any(makes)
}

/// Another description that makes the lock of one, too.
pub fn another_maker(spec: &Path, lock: &Path) -> Option<PathBuf> {
    let makes = |other: &PathBuf| {
        let names = names_in(other).unwrap_or_else(|| vec![None]);
        make(other, &names, lock)
    };
    let mut others = may_make(lock).into_iter();
    others.find(|other| other.file_name() != spec.file_name() && makes(other))
}

/// What the machines of a description are called; `None` where it cannot be read.
fn names_in(spec: &Path) -> Option<Vec<Option<String>>> {
    let source = Disk.source(spec, "").ok()?;
    names_of(spec, &source)
}

/// The same of its text.
fn names_of(spec: &Path, source: &Arc<Source>) -> Option<Vec<Option<String>>> {
    let read = || {
        if is_json(spec) {
            return json::names(source);
        }
        // The parser takes longer for a small file than all else that is done for its lock.
        if let Some(names) = read::machine_names(source) {
            return Some(names.into_iter().map(Some).collect());
        }
        let document = read::parse(source).ok()?;
        let vms = document.nodes().iter().filter(|n| n.name().value() == "vm");
        Some(
            vms.map(|vm| sharing::name_of(vm).map(str::to_owned))
                .collect(),
        )
    };
    read().filter(|names: &Vec<_>| !names.is_empty())
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "json")
}

/// The lock that a new one takes the place of.
pub struct Former {
    /// Which version is kept, and what of the catalogue.
    pub target: Target,
    /// What it boots.
    pub boot: Option<Boot>,
    /// Its disks.
    pub disks: Vec<Block>,
}

/// The other description of the same lock, where there are two: `NAME.vm.json` beside `NAME.vm.kdl`.
pub fn rival(spec: &Path) -> Option<PathBuf> {
    let name = spec.file_name()?.to_str()?;
    let other = match name.strip_suffix(".vm.kdl") {
        Some(stem) => format!("{stem}.vm.json"),
        None => format!("{}.vm.kdl", name.strip_suffix(".vm.json")?),
    };
    let other = spec.with_file_name(other);
    (spec.exists() && other.exists()).then_some(other)
}

impl Default for Former {
    /// None.
    fn default() -> Self {
        Self {
            target: Target::NEWEST,
            boot: None,
            disks: Vec::new(),
        }
    }
}

/// A machine of a file, as it was read.
pub struct Machine {
    /// Where its lock stands, see [`Compiled::file`].
    pub file: Option<PathBuf>,
    /// Where in the text it is described.
    span: Range<usize>,
    /// What was read; `None` where too little of it could be.
    read: Option<Read>,
    /// What was found on the way.
    found: Vec<Diagnostic>,
    /// Places of parts that could not be read.
    unread: Vec<String>,
    /// The texts that it was read from.
    joined: Option<Arc<Joined>>,
}

/// Reads a file of the disk: its machines, and one at least.
///
/// # Errors
/// The system's own, when the file cannot be read.
pub fn read(path: &Path) -> Result<Vec<Machine>, std::io::Error> {
    let shown = path.display().to_string();
    match Disk.source(path, &shown) {
        Ok(source) => Ok(machines(path, &source, &Disk)),
        Err(read::Unreadable::Io(error)) => Err(error),
        Err(read::Unreadable::Bytes(diagnostic)) => Ok(vec![unread(path, 0..0, vec![*diagnostic])]),
    }
}

/// The machines of a text, wherever it comes from, and one at least. `path` says where the description stands, and in
/// which form it is; what else is read goes by `reach`.
pub fn machines(path: &Path, source: &Arc<Source>, reach: &dyn Reach) -> Vec<Machine> {
    let whole = || 0..source.text.len();
    let read = match is_json(path) {
        true => json::decode(source).map(|decoded| (decoded, None)),
        false => {
            let (folder, shown) = folders(path);
            let described = defaults::described(source, folder, shown, reach);
            described.map(|(decoded, joined)| (decoded, Some(Arc::new(joined))))
        }
    };
    let (decoded, joined) = match read {
        Ok(read) => read,
        Err(found) => return vec![unread(path, whole(), found)],
    };
    let names: Vec<Option<&str>> = decoded.iter().map(|one| one.name.as_deref()).collect();
    let files = lock_paths(path, &names);
    let decoded = decoded.into_iter().map(|mut one| {
        if let Some(joined) = &joined {
            of_what_is_imported(&mut one, joined);
        }
        one
    });
    let machine = |(one, file): (decode::Decoded, _)| Machine {
        file,
        span: one.span,
        read: one.spec.map(|spec| Read {
            spec,
            places: one.places,
        }),
        found: one.found,
        unread: one.unread,
        joined: joined.clone(),
    };
    decoded.zip(files).map(machine).collect()
}

/// Of a machine that lacks what it has to have, and imports a file that is wrong as a whole, what is wrong there: it may
/// have all of it from there then.
fn of_what_is_imported(machine: &mut decode::Decoded, joined: &Joined) {
    let lacks = |found: &Diagnostic| {
        let begins = |words: &String| words.starts_with(decode::LACKS);
        found.message.first().is_some_and(begins)
    };
    if !machine.found.iter().any(lacks) {
        return;
    }
    let files = joined.without(&machine.span);
    let wrong: Vec<Diagnostic> = files
        .flat_map(|(file, source)| import::wrong_as_a_whole(source, file))
        .collect();
    if !wrong.is_empty() {
        machine.found.retain(|found| !lacks(found));
        // With what was read of the machine, its imports are judged later.
        if machine.spec.is_none() {
            machine.found.extend(wrong);
        }
    }
}

/// A file of which nothing could be read.
fn unread(path: &Path, span: Range<usize>, found: Vec<Diagnostic>) -> Machine {
    Machine {
        file: lock_path(path),
        span,
        read: None,
        found,
        unread: Vec::new(),
        joined: None,
    }
}

/// Compiles a machine of the file at `path`; what else is read goes by `reach`. Every one of `hosts`, and of those that
/// its `runs-on` names, has to be able to keep the lock, or there is none.
pub fn compile(
    path: &Path,
    machine: Machine,
    hosts: &[Host],
    former: &Former,
    reach: &dyn Reach,
) -> Compiled {
    let Machine {
        file,
        span,
        read,
        found,
        unread,
        joined,
    } = machine;
    let mut compiled = match &read {
        Some(read) => finish(path, read, found, &unread, hosts, former, reach),
        None => failed(found),
    };
    if let Some(joined) = joined {
        compiled.found = joined.told(compiled.found);
    }
    compiled.read = read;
    compiled.file = file;
    compiled.span = span;
    compiled
}

/// The folder of a description, and what it is called before the names of others in it.
pub fn folders(path: &Path) -> (&Path, &Path) {
    let shown = path.parent().unwrap_or(Path::new(""));
    match shown.as_os_str().is_empty() {
        true => (Path::new("."), shown),
        false => (shown, shown),
    }
}

fn failed(found: Vec<Diagnostic>) -> Compiled {
    Compiled {
        file: None,
        span: 0..0,
        lock: None,
        found: sorted(found),
        verdicts: Vec::new(),
        read: None,
        catalogue: Catalogue::builtin(),
    }
}

/// Holds the description to its rules, imports and resolves. With problems already found this still
/// runs, so that everything is said in one go; what it says of placeholders, and of what has broken
/// a rule, is left out.
fn finish(
    path: &Path,
    Read { spec, places }: &Read,
    mut found: Vec<Diagnostic>,
    unread: &[String],
    hosts: &[Host],
    former: &Former,
    reach: &dyn Reach,
) -> Compiled {
    let under = |place: &str, parent: &str| {
        place
            .strip_prefix(parent)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let unread = |place: &str| unread.iter().any(|p| under(place, p));
    let mut broken = resolve::problems(spec, former.target.version(spec));
    broken.retain(|c| !unread(&c.place));
    let told = |place: &str| unread(place) || broken.iter().any(|c| under(place, &c.place));
    // No disk is read for a lock that does not come of it.
    let upgrade = broken.iter().any(|c| c.code == "spec::needs-upgrade");
    found.extend(broken.iter().map(|c| Diagnostic::of_complaint(c, places)));
    if broken.iter().any(|c| under(&c.place, "/import")) {
        return failed(found);
    }
    let mut catalogue = Catalogue::builtin();
    let (folder, shown) = folders(path);
    if let Err(problems) =
        import::import(&mut catalogue, &spec.import, folder, shown, places, reach)
    {
        found.extend(problems);
        return failed(found);
    }
    let measured = disk::measure(spec, folder, &former.disks, places, reach, |place| {
        upgrade || told(place)
    });
    found.extend(measured.found);
    let told = |place: &str| told(place) || measured.told.iter().any(|p| under(place, p));
    let spec = &measured.spec;
    let (mut lock, complaints) = match resolve::resolve(spec, &catalogue, &former.target) {
        Ok((lock, warnings)) => (Some(lock), warnings),
        Err(complaints) => (None, and_fields(spec, &catalogue, complaints)),
    };
    if let Some(lock) = &mut lock
        && let Err(problems) = boot::pin(lock, spec, folder, former.boot.as_ref(), places, reach)
    {
        found.extend(problems);
    }
    found.retain(|finding| !is_moot(finding, &complaints, places));
    found.extend(
        complaints
            .iter()
            .filter(|c| !told(&c.place))
            .map(|c| Diagnostic::of_complaint(c, places)),
    );
    let mut named = Vec::new();
    if !broken.iter().any(|c| under(&c.place, "/runs-on")) {
        let (hosts, unknown) = hosts::named(spec, places);
        named = hosts;
        found.extend(unknown);
    }
    let is_wrong = found.iter().any(|d| d.severity == Severity::Error);
    if is_wrong {
        // It can wait: no lock comes of the text yet. Where only a host refuses, it may well say why.
        found.retain(|d| d.code != EMULATED);
    }
    let mut verdicts = Vec::new();
    // A lock that is not what its author meant says nothing of hosts.
    if let Some(lock) = &lock
        && !is_wrong
    {
        for hosts in [hosts, &named] {
            let (more, problems) = hosts::judge(spec, lock, hosts, places);
            verdicts.extend(more);
            found.extend(problems);
        }
    }
    let errors = found.iter().any(|d| d.severity == Severity::Error);
    Compiled {
        file: None,
        span: 0..0,
        verdicts,
        lock: lock.filter(|_| !errors),
        found: sorted(found),
        read: None,
        catalogue,
    }
}

/// Whether a finding is about what is said of a feature that the CPU has not at all: its node is to be left out whole.
fn is_moot(finding: &Diagnostic, complaints: &[Complaint], places: &Places) -> bool {
    let lacks = |c: &&Complaint| c.code == "spec::cpu-lacks-feature";
    let nodes = complaints.iter().filter(lacks);
    let mut nodes =
        nodes.filter_map(|complaint| places.get(&format!("{}{WHOLE}", complaint.place)));
    let label = finding.labels.first();
    let label = label.filter(|label| Arc::ptr_eq(&label.source, places.source()));
    label.is_some_and(|label| nodes.any(|node| node.contains(&label.span.start)))
}

/// The resolver stops where it has no baselines or no CPU. Names of fields can be
/// judged even so: resolved with any whole baseline and any model, what it says
/// of names alone is as true as with the author's.
fn and_fields(
    spec: &VmSpec,
    catalogue: &Catalogue,
    mut complaints: Vec<Complaint>,
) -> Vec<Complaint> {
    const STOPS: [&str; 4] = [
        "spec::unknown-baseline",
        "spec::unknown-cpu",
        "spec::contradiction",
        "spec::no-whole-baseline",
    ];
    const NAMES: [&str; 3] = [
        "spec::unknown-register",
        "spec::unknown-field",
        "spec::unknown-feature",
    ];
    if !complaints.iter().any(|c| STOPS.contains(&c.code)) {
        return complaints;
    }
    let mut other = spec.clone();
    let wholes = catalogue.releases();
    let (Some(whole), Some(cpu)) = (wholes.first(), catalogue.cpu_names().next()) else {
        return complaints;
    };
    other.abi = vec![(*whole).to_owned()];
    other.cpu.model = cpu.to_owned();
    if let Err(more) = resolve::resolve(&other, catalogue, &Target::NEWEST) {
        let new = |c: &Complaint| NAMES.contains(&c.code) && !complaints.contains(c);
        let more: Vec<Complaint> = more.into_iter().filter(new).collect();
        complaints.extend(more);
    }
    complaints
}

/// What was found of a file: what machines share is found with each of them, and told once.
pub fn once(found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let mut told: Vec<Diagnostic> = Vec::with_capacity(found.len());
    for finding in found {
        if !told.contains(&finding) {
            told.push(finding);
        }
    }
    told
}

/// In the order of the text, so that a reader goes through the file once.
fn sorted(mut found: Vec<Diagnostic>) -> Vec<Diagnostic> {
    found.sort_by_key(|d| d.labels.first().map_or(0, |l| l.span.start));
    let more = found.len().saturating_sub(FINDINGS_MAX);
    found.truncate(FINDINGS_MAX);
    if more > 0
        && let Some(last) = found.last_mut()
    {
        let note = format!("{more} more findings are not shown: fix these first");
        last.help.push(note);
    }
    found
}
