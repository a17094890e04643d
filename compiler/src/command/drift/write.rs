//! The baseline that `vmlock drift --write` leaves behind: written once, never over another file, and read back first.

use crate::baseline as text;
use crate::command::unwritable;
use crate::diagnostic::Diagnostic;
use crate::language::write::quoted;
use crate::names;
use crate::render::{Exit, Output};
use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::Path;
use vmlock_spec::adopt::tells;
use vmlock_spec::catalogue::{Catalogue, Subject};
use vmlock_spec::drift::{self, Drift, Host, Machine, Question, Unknown};
use vmlock_spec::vm::Feature;
use vmlock_spec::words::printable;

/// Who writes it, and what of.
pub struct Writer {
    /// The code of "there is a file already".
    pub exists: &'static str,
    /// What names the file on the command line.
    pub flag: &'static str,
    /// The first lines, behind what the baseline is a difference from.
    pub about: &'static str,
    /// Whether it describes the kernel of one host, and is for that host's CPU alone.
    pub of_one: bool,
}

/// `vmlock drift --write`: what a kernel's developer fills in.
pub const DRIFT: Writer = Writer {
    exists: "drift::exists",
    flag: "--write",
    about: "Written by `vmlock drift`: the sources are\n// to be filled in, each with the kernel's file and version.",
    of_one: false,
};

/// `vmlock adopt --baseline`: what an operator knows of a kernel of which nobody has read the source.
pub const ADOPT: Writer = Writer {
    exists: "adopt::exists",
    flag: "--baseline",
    about: "Made out of the report of\n// one host by `vmlock adopt --baseline`: it is for the CPU of that host alone, since of another one nobody has seen what\n// this kernel shows. Locks hold its digest: changing it changes every lock made with it.",
    of_one: true,
};

/// Why no baseline can be written there.
pub fn unfit(path: &Path, catalogue: &Catalogue, writer: &Writer) -> Option<(Exit, Diagnostic)> {
    let name = stem(path);
    if let Some(unfit) = names::not_a_name(&name) {
        return Some((Exit::Usage, unfit));
    }
    let taken = catalogue.newest(&name).is_some() || catalogue.cpu(&name).is_some();
    if taken || catalogue.reserved(&name).is_some() {
        let words = format!("`{name}` exists already, and what a name means never changes");
        let help = "the baseline is called as its file is: choose another one";
        return Some((
            Exit::Usage,
            Diagnostic::error("import::name-taken", words).help(help),
        ));
    }
    path.symlink_metadata()
        .is_ok()
        .then(|| (Exit::Environment, exists(path, writer)))
}

fn exists(path: &Path, writer: &Writer) -> Diagnostic {
    let shown = path.display().to_string();
    let words = format!("`{shown}` exists already; nothing was written");
    let help = format!("choose another one for {}, or remove it", writer.flag);
    Diagnostic::error(writer.exists, words)
        .in_file(shown)
        .help(help)
}

/// The name of the baseline in a file.
fn stem(path: &Path) -> String {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned());
    let name = name.unwrap_or_default();
    name.strip_suffix(".kdl").unwrap_or(&name).to_owned()
}

/// Writes what was found beside the baseline of the question, after the text was read, and applied to the hosts.
///
/// # Errors
/// What is wrong with the text, which is our own fault, or why it cannot be written.
pub fn baseline(
    path: &Path,
    found: &Drift<'_>,
    question: Question<'_>,
    hosts: &[Host<'_>],
    writer: &Writer,
    out: &mut Output,
) -> Result<(), (Exit, Box<Diagnostic>)> {
    let (name, old) = (stem(path), question.baseline);
    let shown = path.display().to_string();
    let mut kdl = format!(
        "// What a default guest sees there, as its difference from {old}. {}\n",
        writer.about
    );
    for unsaid in found.beyond.keys() {
        let words = format!(
            "{}: {} where it says {}",
            unsaid.name, unsaid.after, unsaid.before
        );
        kdl.push_str(&format!(
            "// Not said here, since no statement can: {}\n",
            printable(&words)
        ));
    }
    let lacking: BTreeSet<String> = found.unknown.iter().map(|u| comment(u, hosts)).collect();
    for words in &lacking {
        kdl.push_str(&format!("// Not compared, {}\n", printable(words)));
    }
    let title = format!("What {name} shows a guest");
    let about = kdl.clone();
    kdl.push_str(&text::kdl(&name, old, &title, &found.statements()));
    let mut catalogue = question.catalogue.clone();
    let added = text::add(&mut catalogue, &kdl, &shown);
    added.map_err(|problem| (Exit::Environment, problem))?;
    let again = Question {
        catalogue: &catalogue,
        baseline: &name,
        named: &name,
        source: "",
    };
    let says_all = drift::drift(again, hosts).is_ok_and(|again| {
        again.entries.is_empty()
            && again.beyond.keys().eq(found.beyond.keys())
            && again.unknown.iter().all(|unknown| is_known(unknown, found))
    });
    if !says_all {
        let words = format!(
            "the baseline for `{shown}` would not say what these hosts show; nothing was written"
        );
        let problem = Diagnostic::error("drift::not-said", words)
            .help("this is a mistake in vmlock: please report it, with the host reports");
        return Err((Exit::Environment, Box::new(problem)));
    }
    if let (true, [host]) = (writer.of_one, hosts) {
        let list = found.statements();
        let own = question.catalogue.cpu(host.model);
        let own = own.filter(|_| !question.catalogue.is_ours(host.model));
        let digest = own
            .and_then(|model| model.digests.last())
            .map(AsRef::as_ref);
        let model = (host.model, digest);
        kdl = about + &text::measured(&name, old, &title, &list, model, &open(found));
        let mut catalogue = question.catalogue.clone();
        let added = text::add(&mut catalogue, &kdl, &shown);
        added.map_err(|problem| (Exit::Environment, problem))?;
    }
    let untold = untold(hosts);
    if !untold.is_empty() {
        let end = kdl.trim_end().strip_suffix('}').map_or(0, str::len);
        kdl.truncate(end);
        kdl.push_str(&untold);
        kdl.push_str("}\n");
        let mut catalogue = question.catalogue.clone();
        let added = text::add(&mut catalogue, &kdl, &shown);
        added.map_err(|problem| (Exit::Environment, problem))?;
    }
    vmlock_atomic::create(path, &kdl).map_err(|error| {
        let problem = match error.kind() {
            ErrorKind::AlreadyExists => exists(path, writer),
            _ => unwritable(&shown, &error),
        };
        (Exit::Environment, Box::new(problem))
    })?;
    match writer.of_one {
        true => out.line(format!("{shown}: written")),
        false => out.note(format!("{shown}: written; its sources are to be filled in")),
    }
    out.value("written", shown);
    Ok(())
}

/// That nobody knows of what these hosts' guests did not ask their firmware: what the baseline before says of it was not
/// seen there, and no lock comes of it.
fn untold(hosts: &[Host<'_>]) -> String {
    let bitmap = |name: &'static str| Subject::Bitmap(name.into(), None);
    let calls = [
        Subject::Psci(0),
        Subject::Smc(false),
        bitmap("KVM_REG_ARM_STD_BMAP"),
        bitmap("KVM_REG_ARM_STD_HYP_BMAP"),
        bitmap("KVM_REG_ARM_VENDOR_HYP_BMAP"),
    ];
    let is_untold = |subject: &&Subject| {
        let mut views = hosts
            .iter()
            .filter_map(|host| Some((host.report.view(&[])?, host.report)));
        views.any(|(view, report)| !tells(subject, view, report))
    };
    let topics = calls.iter().filter(is_untold).map(Subject::topic);
    topics
        .map(|topic| {
            let source = "the host report does not tell: its guest did not ask";
            format!("    unknown {} source={}\n", quoted(topic), quoted(source))
        })
        .collect()
}

/// The vCPU features with which guests of that host could not be compared, or show what no statement says, or that no
/// guest had which was compared: of these a baseline of the one host tells that nobody knows. Where a single one of several
/// is to blame, it alone.
pub fn open(found: &Drift<'_>) -> BTreeMap<Feature, String> {
    let unknown = found.unknown.iter();
    let unknown = unknown.map(|u| (&u.machine.features, format!("not compared: {}", u.words)));
    let beyond = found.beyond.iter().flat_map(|(unsaid, machines)| {
        let words = format!("{}: what this host shows no statement can say", unsaid.name);
        machines.iter().map(move |m| (&m.features, words.clone()))
    });
    let mut all: Vec<(&Vec<Feature>, String)> = unknown.chain(beyond).collect();
    all.sort_by_key(|(features, _)| features.len());
    let mut open: BTreeMap<Feature, String> = BTreeMap::new();
    for (features, words) in all {
        if features.iter().all(|feature| !open.contains_key(feature)) {
            open.extend(features.iter().map(|feature| (*feature, words.clone())));
        }
    }
    let compared = found.guests.iter().flat_map(|g| &g.machine.features);
    let compared: BTreeSet<&Feature> = compared.collect();
    for feature in Feature::ALL.iter().filter(|f| !compared.contains(f)) {
        let words = "no guest with it was compared".to_owned();
        open.entry(*feature).or_insert(words);
    }
    open
}

/// What could not be compared, and of whom.
fn comment(unknown: &Unknown, hosts: &[Host<'_>]) -> String {
    let Machine { host, features } = &unknown.machine;
    let features: Vec<&str> = features.iter().map(|f| f.name()).collect();
    let model = hosts.get(*host).map_or("", |host| host.model);
    match features.is_empty() {
        true => format!("{model}: {}", unknown.words),
        false => format!("{model} with {}: {}", features.join(" and "), unknown.words),
    }
}

/// Whether something was said already of that guest that could not be compared; the reason may name another baseline.
fn is_known(unknown: &Unknown, found: &Drift<'_>) -> bool {
    let what = |words: &str| words.split(": ").next().map(str::to_owned);
    let named = what(&unknown.words);
    let same = |other: &Unknown| other.machine == unknown.machine && what(&other.words) == named;
    let mut unsaid = found.unsaid.iter();
    found.unknown.iter().any(same)
        || unsaid
            .any(|(one, of)| named.as_ref() == Some(&one.name) && of.contains(&unknown.machine))
}
