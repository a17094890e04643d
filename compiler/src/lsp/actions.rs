//! What an editor offers to do: apply a suggestion, update the lock, write a baseline out.

mod expand;
mod suggestion;

use super::analysis::Analysis;
use super::document::Documents;
use super::message::{FAILED, Refusal};
use super::view::View;
use crate::command::lock::{former, two_of_one};
use crate::compile::{Former, another_maker, compile, lock_path, machines, once, rival};
use crate::diagnostic::{Severity, join};
use crate::files;
use crate::language::reach::{Disk, Reach};
use crate::language::read::Unreadable;
use crate::location::Source;
use crate::shell;
use gen_lsp_types::{CodeAction, CodeActionKind, Command, Range, WorkspaceEdit};
use serde_json::json;
use std::cell::Cell;
use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use vmlock_spec::lock::canonical;

/// The command by which a lock is written anew.
pub const UPDATE_LOCK: &str = "vmlock.updateLock";

/// The kinds of what is offered.
pub const KINDS: [CodeActionKind; 3] = [
    CodeActionKind::QuickFix,
    CodeActionKind::RefactorRewrite,
    CodeActionKind::Source,
];

/// Most findings of one place for which suggestions are tried.
const FINDINGS_MAX: usize = 5;
/// Most edits that are tried for all of them; each is a compilation, and nobody is served meanwhile.
const TRIED_MAX: usize = 16;
/// The same, of a text that is large.
const TRIED_OF_LARGE_MAX: usize = 4;
/// A large text, in bytes.
const LARGE: usize = 64 << 10;

/// All that can be done in a range. `looked_at` says what would be known of the text after an edit.
pub fn actions(
    view: &View,
    range: Range,
    only: Option<&[CodeActionKind]>,
    looked_at: &dyn Fn(&str) -> Analysis,
) -> Vec<CodeAction> {
    let wants =
        |kind: CodeActionKind| only.is_none_or(|only| only.iter().any(|o| is_kind(&kind, o)));
    let span = view.offset(range.start)..view.offset(range.end);
    let mut all = Vec::new();
    if wants(CodeActionKind::QuickFix) && view.is_kdl() {
        let here = view.analysis.found.iter().filter(|finding| {
            let label = finding.labels.first();
            let is_here = |l: &&crate::diagnostic::Label| l.source.text == view.text();
            let label = label.filter(is_here);
            label.is_some_and(|l| l.span.start <= span.end && span.start <= l.span.end)
        });
        let mut left = match view.text().len() > LARGE {
            true => TRIED_OF_LARGE_MAX,
            false => TRIED_MAX,
        };
        for finding in here.take(FINDINGS_MAX) {
            all.extend(suggestion::of(view, finding, looked_at, &mut left));
        }
    }
    if wants(CodeActionKind::RefactorRewrite) && view.client.creates {
        all.extend(expand::of(view, range.start));
    }
    if wants(CodeActionKind::Source) {
        all.extend(lock_of(view));
    }
    all
}

/// Whether a kind is one that is asked for, or below it.
fn is_kind(kind: &CodeActionKind, asked: &CodeActionKind) -> bool {
    let text = |kind: &CodeActionKind| {
        let value = serde_json::to_value(kind).unwrap_or_default();
        value.as_str().unwrap_or_default().to_owned()
    };
    let (kind, asked) = (text(kind), text(asked));
    asked.is_empty() || kind == asked || kind.starts_with(&format!("{asked}."))
}

/// Edits of one text.
fn edit_of(view: &View, edits: Vec<gen_lsp_types::TextEdit>) -> WorkspaceEdit {
    let mut changes = HashMap::new();
    changes.insert(view.document.uri.clone().into(), edits);
    WorkspaceEdit {
        changes: Some(changes),
        ..WorkspaceEdit::default()
    }
}

/// Where a lock is not what the description says.
fn lock_of(view: &View) -> Option<CodeAction> {
    // Of two descriptions that a lock would come of, neither makes it.
    if !view.document.on_disk || rival(&view.document.path).is_some() {
        return None;
    }
    let mut others = Vec::new();
    let mut new = true;
    for machine in view.analysis.machines() {
        // Of a file all locks are written, or none.
        let (lock, path) = (machine.lock.as_ref()?, machine.file.as_ref()?);
        let old = files::read(path, canonical::SIZE_MAX).ok();
        new &= old.is_none();
        if old.is_none_or(|old| old != canonical::write(lock).into_bytes()) {
            others.push(path.file_name()?.to_string_lossy().into_owned());
        }
    }
    let verb = if new { "Write" } else { "Update" };
    let title = match others.as_slice() {
        [] => return None,
        [name] => format!("{verb} {name}"),
        names => format!("{verb} {} locks", names.len()),
    };
    Some(CodeAction {
        title: title.clone(),
        kind: Some(CodeActionKind::Source),
        command: Some(Command {
            title,
            tooltip: None,
            command: UPDATE_LOCK.to_owned(),
            arguments: Some(vec![json!(view.document.uri)]),
        }),
        ..CodeAction::default()
    })
}

/// What is open, with digests of files alone: nothing tells when a device was last written, so that what is known of it
/// may be of another time.
struct Lasting<'a> {
    documents: &'a Documents,
    /// Whether the digest of a device was asked for.
    device: Cell<bool>,
}

impl Reach for Lasting<'_> {
    fn source(&self, path: &Path, shown: &str) -> Result<Arc<Source>, Unreadable> {
        self.documents.source(path, shown)
    }

    fn digest(&self, file: File, bytes: u64) -> io::Result<Option<String>> {
        if !file.metadata()?.is_file() {
            self.device.set(true);
            return Ok(None);
        }
        self.documents.digest(file, bytes)
    }
}

/// A lock that is made, and the bytes of the one that is there.
struct Made {
    path: PathBuf,
    old: Option<Vec<u8>>,
    text: String,
}

/// Writes the locks of a description anew, as `vmlock lock` does; says in words what came of it. Nothing while a large
/// file is still being read.
///
/// # Errors
/// Why they were not written.
pub fn update_lock(path: &Path, documents: &Documents) -> Result<Option<String>, Refusal> {
    let failed = |words: String| Refusal::new(FAILED, words);
    let shown = path.display().to_string();
    let Some(lock_file) = lock_path(path) else {
        return Err(failed(format!(
            "`{shown}` is not called NAME.vm.kdl or NAME.vm.json, so its lock has no name"
        )));
    };
    if let Some(rival) = rival(path) {
        let disputed = two_of_one(path, &rival, &lock_file);
        return Err(failed(disputed.message.join("; ")));
    }
    let source = saved(path, documents)?;
    let reach = Lasting {
        documents,
        device: Cell::new(false),
    };
    let (mut made, mut found) = (Vec::new(), Vec::new());
    for machine in machines(path, &source, &reach) {
        let file = machine.file.clone();
        let (old, kept) = match &file {
            Some(file) => there(file)?,
            None => (None, Former::default()),
        };
        let compiled = compile(path, machine, &[], &kept, &reach);
        let imports = compiled.read.as_ref().map(|read| &read.spec.import);
        for import in imports.into_iter().flatten() {
            let file = path.parent().unwrap_or(Path::new("")).join(import);
            if documents.of_path(&file).is_some() {
                saved(&file, documents)?;
            }
        }
        if let Some(file) = &file
            && let Some(other) = another_maker(path, file)
        {
            return Err(failed(two_of_one(path, &other, file).message.join("; ")));
        }
        found.extend(compiled.found);
        made.extend(file.zip(compiled.lock).map(|(path, lock)| Made {
            path,
            old,
            text: canonical::write(&lock),
        }));
    }
    if reach.device.get() {
        return Err(failed(format!(
            "`{shown}` takes the digest of a device, which may hold something else by now: run `vmlock lock {}`",
            shell::word(&shown)
        )));
    }
    if documents.digests.is_waiting() {
        return Ok(None);
    }
    let found = once(found);
    let errors = || found.iter().filter(|d| d.severity == Severity::Error);
    if let Some(first) = errors().next() {
        return Err(failed(format!(
            "no lock was written: {} errors, the first: {}",
            errors().count(),
            first.message.join("; ")
        )));
    }
    write(&made).map(Some)
}

/// What is there of a lock, and what of that is kept.
fn there(file: &Path) -> Result<(Option<Vec<u8>>, Former), Refusal> {
    let failed = |words: String| Refusal::new(FAILED, words);
    let old = match files::read(file, canonical::SIZE_MAX) {
        Ok(old) => Some(old),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let words = format!("`{}` cannot be read: {error}", file.display());
            return Err(failed(words));
        }
    };
    let kept = former(file, old.as_deref(), false);
    let kept = kept.map_err(|newer| failed(newer.message.join("; ")))?;
    Ok((old, kept))
}

/// A text as it is on the disk, where what is open is the same: a lock is checked in with its description, and made of
/// what is saved.
fn saved(path: &Path, documents: &Documents) -> Result<Arc<Source>, Refusal> {
    let shown = path.display().to_string();
    let failed = |what: &str| {
        Refusal::new(
            FAILED,
            format!("save `{shown}` first: {what} is made of what is saved"),
        )
    };
    // Clients may take a byte order mark for none of the text.
    let is_same = |open: &str, disk: &str| {
        let [open, disk] = [open, disk].map(|text| text.strip_prefix('\u{feff}').unwrap_or(text));
        open == disk
    };
    let source = Disk.source(path, &shown);
    let source = source.map_err(|_| failed("its lock"))?;
    match documents.of_path(path) {
        Some(open) if !is_same(&open.text, &source.text) => Err(failed("the lock")),
        _ => Ok(source),
    }
}

/// Writes those that are others than what is there; says in words which.
fn write(made: &[Made]) -> Result<String, Refusal> {
    let name = |one: &Made| {
        let name = one.path.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    };
    let mut names = Vec::new();
    for one in made {
        if one.old.as_deref() == Some(one.text.as_bytes()) {
            continue;
        }
        if let Err(error) = vmlock_atomic::replace(&one.path, &one.text) {
            let words = format!("`{}` cannot be written: {error}", one.path.display());
            return Err(Refusal::new(FAILED, words));
        }
        names.push(name(one));
    }
    Ok(match (names.as_slice(), made) {
        ([], [one]) => format!("{} is what its description says", name(one)),
        ([], _) => "all locks are what their descriptions say".to_owned(),
        ([one], _) => format!("{one} was written"),
        (names, _) => format!("{} were written", join(names)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lsp::analysis::Analyst;
    use crate::lsp::document::Document;
    use crate::lsp::view::Client;
    use gen_lsp_types::Position;
    use serde_json::Value;

    #[test]
    fn few_suggestions_are_tried_however_many_there_may_be() {
        let wrong =
            "vm \"w\" {\n    ibi \"kvm-6.8\"\n    cqu \"neoverse-n1\"\n    memroy \"1GiB\"\n}\n";
        for (text, fits) in [
            (wrong.to_owned(), TRIED_OF_LARGE_MAX + 1..=TRIED_MAX),
            (
                format!("{wrong}//{}", "x".repeat(LARGE)),
                TRIED_OF_LARGE_MAX..=TRIED_OF_LARGE_MAX,
            ),
        ] {
            let documents = Documents::default();
            let document = Document::new("untitled:a.vm.kdl".to_owned(), 1, text);
            let analyst = Analyst::default();
            let analysis = analyst.look(&document, &documents, &[]);
            let client = Client::of(&Value::Null);
            let view = View {
                document: &document,
                analysis: &analysis,
                documents: &documents,
                client: &client,
            };
            let tried = Cell::new(0);
            let looked_at = |_: &str| {
                tried.set(tried.get() + 1);
                analyst.look(&document, &documents, &[])
            };
            let place = |line| Position { line, character: 0 };
            let range = Range {
                start: place(0),
                end: place(9),
            };
            let only = [CodeActionKind::QuickFix];
            actions(&view, range, Some(&only), &looked_at);
            assert!(fits.contains(&tried.get()), "{}", tried.get());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_device_s_digest_of_another_time_is_not_taken() {
        let documents = Documents::default();
        let lasting = Lasting {
            documents: &documents,
            device: Cell::new(false),
        };
        let file = || File::open(env!("CARGO_MANIFEST_PATH")).unwrap();
        assert!(lasting.digest(file(), 4).unwrap().is_some());
        assert!(!lasting.device.get());
        let device = File::open("/dev/null").unwrap();
        assert_eq!(lasting.digest(device, 4).unwrap(), None);
        assert!(lasting.device.get() && !documents.digests.is_waiting());
    }
}
