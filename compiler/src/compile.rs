//! One description file to its lock: read, decode, import, resolve.

use crate::boot;
use crate::diagnostic::{Diagnostic, Severity};
use crate::disk;
use crate::hosts::{self, Host, Verdict};
use crate::language::{decode, import, json, read};
use crate::location::Places;
use std::path::{Path, PathBuf};
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
    let source = match read::read_source(path, &shown) {
        Ok(source) => source,
        Err(read::Unreadable::Io(error)) => return Err(error),
        Err(read::Unreadable::Bytes(diagnostic)) => return Ok(failed(vec![*diagnostic])),
    };
    if path.extension().is_some_and(|e| e == "json") {
        return Ok(match json::decode(&source) {
            Ok((spec, places)) => finish(path, &spec, &places, Vec::new(), &[], hosts, former),
            Err(found) => failed(found),
        });
    }
    let document = match read::parse(&source) {
        Ok(document) => document,
        Err(found) => return Ok(failed(found)),
    };
    let decoded = decode::decode(&source, &document);
    Ok(match &decoded.spec {
        Some(spec) => finish(
            path,
            spec,
            &decoded.places,
            decoded.found,
            &decoded.unread,
            hosts,
            former,
        ),
        None => failed(decoded.found),
    })
}

fn failed(found: Vec<Diagnostic>) -> Compiled {
    Compiled {
        lock: None,
        found: sorted(found),
        verdicts: Vec::new(),
    }
}

/// Holds the description to its rules, imports and resolves. With problems already found this still
/// runs, so that everything is said in one go; what it says of placeholders, and of what has broken
/// a rule, is left out.
fn finish(
    path: &Path,
    spec: &VmSpec,
    places: &Places,
    mut found: Vec<Diagnostic>,
    unread: &[&str],
    hosts: &[Host],
    former: &Former,
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
    if let Err(problems) = import::import(&mut catalogue, &spec.import, folder, shown, places) {
        found.extend(problems);
        return failed(found);
    }
    let measured = disk::measure(spec, folder, &former.disks, places, |place| {
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
        && let Err(problems) = boot::pin(lock, spec, folder, former.boot.as_ref(), places)
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
