//! What is known of an open text: which sort of file it is, what is wrong with it, what it compiles to. The findings are
//! those of `vmlock lock`.

use super::document::{Document, Documents};
use super::outline::Outline;
use crate::command::lock::{former, two_of_one};
use crate::compile::{Compiled, Former, another_maker, compile, lock_path, machines, once, rival};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::language::import;
use crate::language::reach::Reach as _;
use crate::location::Source;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use std::time::SystemTime;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::lock::canonical;

/// What an open text is, and what it says.
pub enum Kind {
    /// A description: what each of its machines compiled to, and one at least.
    Description(Vec<Compiled>),
    /// A file of baselines and CPU models.
    Imported(Catalogue),
    /// Something else: KDL of other programs.
    Other,
}

/// What is known of a text.
pub struct Analysis {
    pub source: Arc<Source>,
    pub outline: Outline,
    pub kind: Kind,
    pub found: Vec<Diagnostic>,
}

impl Analysis {
    /// What the machines of a description compiled to.
    pub fn machines(&self) -> &[Compiled] {
        match &self.kind {
            Kind::Description(machines) => machines,
            _ => &[],
        }
    }

    /// The machine that a byte of the text is of; beside all of them the first.
    pub fn compiled_at(&self, offset: usize) -> Option<&Compiled> {
        let machines = self.machines();
        let here = |one: &&Compiled| one.span.start <= offset && offset <= one.span.end;
        machines.iter().find(here).or(machines.first())
    }

    /// All names that can be written at a byte of it.
    pub fn catalogue_at(&self, offset: usize) -> Option<&Catalogue> {
        match &self.kind {
            Kind::Description(_) => self.compiled_at(offset).map(|one| &one.catalogue),
            Kind::Imported(catalogue) => Some(catalogue),
            Kind::Other => None,
        }
    }

    /// The files that a description imports, as paths.
    pub fn imports(&self, path: &Path) -> Vec<PathBuf> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let read = self.machines().iter().filter_map(|one| one.read.as_ref());
        let names: BTreeSet<&String> = read.flat_map(|read| &read.spec.import).collect();
        names
            .into_iter()
            .map(|name| super::document::plain(&folder.join(name)))
            .collect()
    }

    /// Whether what it imports is not known whole.
    pub fn is_unread(&self) -> bool {
        self.machines().iter().any(|one| one.read.is_none())
    }
}

/// A file by when it was changed and how long it is.
type Stamp = (Option<SystemTime>, u64);

/// Looks at texts, and remembers what it read of locks.
#[derive(Default)]
pub struct Analyst {
    formers: RefCell<BTreeMap<PathBuf, (Stamp, Rc<Former>)>>,
}

impl Analyst {
    /// Looks at a text. `beside` are the files that are imported beside it, where it is imported itself.
    pub fn look(&self, document: &Document, documents: &Documents, beside: &[PathBuf]) -> Analysis {
        let source = match document.source() {
            Ok(source) => source,
            Err(finding) => {
                return Analysis {
                    source: Arc::new(Source {
                        path: document.path.display().to_string(),
                        text: String::new(),
                    }),
                    outline: Outline::default(),
                    kind: Kind::Other,
                    found: match lock_path(&document.path) {
                        Some(_) => vec![*finding],
                        None => Vec::new(),
                    },
                };
            }
        };
        let outline = Outline::of(&source.text);
        let (kind, found) = self.judged(document, &source, &outline, documents, beside);
        Analysis {
            source,
            outline,
            kind,
            found,
        }
    }

    fn judged(
        &self,
        document: &Document,
        source: &Arc<Source>,
        outline: &Outline,
        documents: &Documents,
        beside: &[PathBuf],
    ) -> (Kind, Vec<Diagnostic>) {
        let path = &document.path;
        let top = |words: &[&str]| {
            let mut names = outline.inside(None).map(|(_, node)| &node.name);
            names.any(|name| words.contains(&&source.text[name.clone()]))
        };
        if lock_path(path).is_some() || top(&["vm"]) {
            let (mut all, mut found) = (Vec::new(), Vec::new());
            for machine in machines(path, source, documents) {
                let former = match self.former(path, machine.file.as_deref()) {
                    Ok(former) => former,
                    Err(newer) => {
                        found.push(*newer);
                        continue;
                    }
                };
                let mut compiled = compile(path, machine, &[], &former, documents);
                found.append(&mut compiled.found);
                let lock = compiled.file.as_deref();
                let other = lock.and_then(|lock| Some((another_maker(path, lock)?, lock)));
                if let (Some((other, lock)), None) = (other, rival(path)) {
                    found.push(two_of_one(path, &other, lock));
                }
                all.push(compiled);
            }
            if let (Some(rival), Some(lock)) = (rival(path), lock_path(path)) {
                found.push(two_of_one(path, &rival, &lock));
            }
            let found = once(found);
            return match all.is_empty() {
                true => (Kind::Other, found),
                false => (Kind::Description(all), found),
            };
        }
        if top(&["baseline", "cpu", "defaults"]) {
            let mut catalogue = Catalogue::builtin();
            // One file may build on others that are imported beside it; what is wrong with those they say themselves.
            for other in beside.iter().filter(|other| *other != path) {
                if let Ok(other) = documents.source(other, &other.display().to_string()) {
                    let _ = import::add(&mut catalogue, &other, &other.path);
                }
            }
            let found = import::check(&mut catalogue, source);
            return (Kind::Imported(catalogue), found);
        }
        // Other programs have a KDL of their own.
        (Kind::Other, Vec::new())
    }

    /// What of the lock that is there is kept, read anew when it has changed.
    fn former(&self, path: &Path, lock: Option<&Path>) -> Result<Rc<Former>, Box<Diagnostic>> {
        let Some(lock) = lock else {
            return former(path, None, false).map(Rc::new);
        };
        let metadata = fs::metadata(lock).ok();
        let stamp = metadata.map(|m| (m.modified().ok(), m.len()));
        if let (Some(stamp), Some((known, former))) = (stamp, self.formers.borrow().get(lock))
            && *known == stamp
        {
            return Ok(Rc::clone(former));
        }
        let old = files::read(lock, canonical::SIZE_MAX).ok();
        let former = Rc::new(former(lock, old.as_deref(), false)?);
        if let Some(stamp) = stamp {
            let known = (stamp, Rc::clone(&former));
            self.formers.borrow_mut().insert(lock.to_owned(), known);
        }
        Ok(former)
    }
}
