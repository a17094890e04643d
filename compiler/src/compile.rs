//! One description file to its lock: read, decode, import, resolve.

use crate::boot;
use crate::diagnostic::{Diagnostic, Severity};
use crate::disk;
use crate::hosts::{self, Host, Verdict};
use crate::language::reach::{Disk, Reach};
use crate::language::{decode, import, json, read};
use crate::location::{Places, Source};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::{Block, Boot, Lock};
use vmlock_spec::resolve::{self, Complaint, Target};
use vmlock_spec::vm::VmSpec;

/// Most findings of one file that are shown.
const FINDINGS_MAX: usize = 50;

/// What came of one file.
pub struct Compiled {
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

/// Where the lock of a description stands: `NAME.vm.lock.json` beside it.
/// `None` for a file that is not called like a description.
pub fn lock_path(spec: &Path) -> Option<PathBuf> {
    let name = spec.file_name()?.to_str()?;
    let stem = name
        .strip_suffix(".vm.kdl")
        .or_else(|| name.strip_suffix(".vm.json"))?;
    (!stem.is_empty()).then(|| spec.with_file_name(format!("{stem}.vm.lock.json")))
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

/// Compiles a description. Every one of `hosts`, and of those that its `runs-on`
/// names, has to be able to keep the lock, or there is none.
///
/// # Errors
/// The system's own, when the file cannot be read.
pub fn compile(path: &Path, hosts: &[Host], former: &Former) -> Result<Compiled, std::io::Error> {
    let shown = path.display().to_string();
    match Disk.source(path, &shown) {
        Ok(source) => Ok(compile_source(path, &source, hosts, former, &Disk)),
        Err(read::Unreadable::Io(error)) => Err(error),
        Err(read::Unreadable::Bytes(diagnostic)) => Ok(failed(vec![*diagnostic])),
    }
}

/// Compiles the text of a description, wherever it comes from. `path` says where the description stands, and in which
/// form it is; what else is read goes by `reach`.
pub fn compile_source(
    path: &Path,
    source: &Arc<Source>,
    hosts: &[Host],
    former: &Former,
    reach: &dyn Reach,
) -> Compiled {
    let (read, found, unread) = if path.extension().is_some_and(|e| e == "json") {
        match json::decode(source) {
            Ok((spec, places)) => (Read { spec, places }, Vec::new(), Vec::new()),
            Err(found) => return failed(found),
        }
    } else {
        let document = match read::parse_description(source) {
            Ok(document) => document,
            Err(found) => return failed(found),
        };
        let decode::Decoded {
            spec,
            places,
            found,
            unread,
        } = decode::decode(source, &document);
        match spec {
            Some(spec) => (Read { spec, places }, found, unread),
            None => return failed(found),
        }
    };
    let mut compiled = finish(path, &read, found, &unread, hosts, former, reach);
    compiled.read = Some(read);
    compiled
}

fn failed(found: Vec<Diagnostic>) -> Compiled {
    Compiled {
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
    unread: &[&str],
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
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let shown = path.parent().unwrap_or(Path::new(""));
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
    let mut verdicts = Vec::new();
    // A lock that is not what its author meant says nothing of hosts.
    if let Some(lock) = &lock
        && !found.iter().any(|d| d.severity == Severity::Error)
    {
        for hosts in [hosts, &named] {
            let (more, problems) = hosts::judge(spec, lock, hosts, places);
            verdicts.extend(more);
            found.extend(problems);
        }
    }
    let errors = found.iter().any(|d| d.severity == Severity::Error);
    Compiled {
        verdicts,
        lock: lock.filter(|_| !errors),
        found: sorted(found),
        read: None,
        catalogue,
    }
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
    let wholes = catalogue.wholes();
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
