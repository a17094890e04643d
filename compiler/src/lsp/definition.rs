//! Where a name comes from: the catalogue's own text of a baseline or model, an imported file, a register's line in the
//! lock.

use super::cursor::Slot;
use super::document::{Document, plain};
use super::outline::{Outline, unquoted};
use super::view::View;
use crate::files;
use crate::language::nodes::{self, Value};
use crate::uri;
use gen_lsp_types::{Location, Position};
use std::env;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use vmlock_spec::catalogue::{self, Catalogue, TEXTS};

/// What stands at a position, where it is defined.
pub fn definition(view: &View, position: Position) -> Option<Location> {
    let cursor = view.cursor(position)?;
    let typed = unquoted(view.words(cursor.span.clone()));
    let path = cursor.path();
    let kind = match &cursor.slot {
        Slot::Value(index) => nodes::at(&path).and_then(|node| node.value(*index)),
        Slot::PropertyValue(name) => nodes::at(&path)
            .and_then(|node| node.property(name))
            .map(|property| property.value),
        _ => None,
    };
    match kind {
        Some(Value::Import) => {
            let folder = view.document.path.parent()?;
            let file = plain(&folder.join(typed));
            file.is_file().then(|| start_of(&file))
        }
        Some(Value::Machine) => {
            let span = defined(view.text(), nodes::VM.word, typed)?;
            Some(Location {
                uri: view.document.uri.clone().into(),
                range: view.range(span),
            })
        }
        Some(Value::Baseline) => {
            own(view, "baseline", typed).or_else(|| of_catalogue(view, "baseline", typed))
        }
        Some(Value::Model) => own(view, "cpu", typed).or_else(|| of_catalogue(view, "cpu", typed)),
        Some(Value::Hidden | Value::Set | Value::Named("Field")) => {
            let register = register_of(typed)?;
            in_lock(view, &register, cursor.span.start)
                .or_else(|| of_catalogue(view, "register", &register))
        }
        Some(_) => None,
        // In a file of baselines and models.
        None => match (path.first()?, &cursor.slot) {
            (&"baseline", Slot::PropertyValue(name)) if name == "after" => {
                own(view, "baseline", typed).or_else(|| of_catalogue(view, "baseline", typed))
            }
            (&("baseline" | "cpu"), Slot::Value(_)) => {
                of_catalogue(view, "register", &register_of(typed)?)
            }
            _ => None,
        },
    }
}

fn start_of(file: &Path) -> Location {
    Location {
        uri: uri::of_path(file).into(),
        range: gen_lsp_types::Range::default(),
    }
}

/// The register that a field or feature is of.
fn register_of(name: &str) -> Option<String> {
    let path = match catalogue::hwcap(name) {
        Some(hwcap) => hwcap.fields.first()?.path.to_string(),
        None => name.to_owned(),
    };
    let register = path
        .split_once('.')
        .map_or(path.as_str(), |(register, _)| register);
    catalogue::register_by_name(register).map(|info| info.name.to_string())
}

/// The node of that word and name in a text: where its name stands.
pub fn defined(text: &str, word: &str, name: &str) -> Option<Range<usize>> {
    let outline = Outline::of(text);
    let found = outline.inside(None).find(|(_, node)| {
        let value = node.values().next().and_then(|v| text.get(v.clone()));
        text.get(node.name.clone()) == Some(word) && value.map(unquoted) == Some(name)
    });
    found.and_then(|(_, node)| node.values().next().cloned())
}

/// A definition of the user's own: in this text, or in one that is imported.
fn own(view: &View, word: &str, name: &str) -> Option<Location> {
    let encoding = view.client.encoding;
    let here = |document: &Document| {
        let span = defined(&document.text, word, name)?;
        Some(Location {
            uri: document.uri.clone().into(),
            range: document.range(span, encoding),
        })
    };
    let imports = view.analysis.imports(&view.document.path);
    let imported = imports
        .iter()
        .filter_map(|path| view.documents.text(path).ok());
    here(view.document).or_else(|| imported.into_iter().find_map(|document| here(&document)))
}

/// The line of a register in the lock of the machine at a byte of the text.
fn in_lock(view: &View, register: &str, at: usize) -> Option<Location> {
    let path = view.analysis.compiled_at(at)?.file.clone()?;
    let document = match view.documents.of_path(&path) {
        Some(open) => open.clone(),
        None => {
            let bytes = files::read(&path, vmlock_spec::lock::canonical::SIZE_MAX).ok()?;
            Document::new(uri::of_path(&path), 0, String::from_utf8(bytes).ok()?)
        }
    };
    let at = document.text.find(&format!("\"name\": \"{register}\""))?;
    let line = document
        .lines
        .line(&document.text, document.lines.line_of(at));
    let indent = document.text[line.clone()].len() - document.text[line.clone()].trim_start().len();
    Some(Location {
        uri: document.uri.clone().into(),
        range: document.range(line.start + indent..line.end, view.client.encoding),
    })
}

/// The catalogue's own text, in a file of the user's cache that an editor can open.
fn of_catalogue(view: &View, word: &str, name: &str) -> Option<Location> {
    let catalogue = Catalogue::builtin();
    let means = match word {
        "cpu" => catalogue.cpu_revision(name, &[]),
        _ => catalogue.revision(name, &[]),
    };
    let (file, text, span) = text_of(word, means)?;
    let path = cached(file, text)?;
    let document = Document::new(uri::of_path(&path), 0, text.to_owned());
    Some(Location {
        uri: document.uri.clone().into(),
        range: document.range(span, view.client.encoding),
    })
}

/// The file of the catalogue that defines a name, and where.
pub fn text_of(word: &str, name: &str) -> Option<(&'static str, &'static str, Range<usize>)> {
    let begins = format!("{word} \"{name}\"");
    let has = |text: &str| text.lines().any(|line| line.starts_with(&begins));
    let (file, text) = TEXTS.iter().find(|(_, text)| has(text))?;
    Some((file, text, defined(text, word, name)?))
}

/// A copy in the cache, which is made where it is not there, by what it holds: another version's is another file.
fn cached(file: &str, text: &str) -> Option<PathBuf> {
    let digest = files::sha256(text.as_bytes()).ok()?;
    let short = digest.get("sha256-".len()..)?.get(..12)?;
    let name = Path::new(file).file_name()?;
    let path = cache()?.join("catalogue").join(short).join(name);
    if fs::read(&path).is_ok_and(|there| there == text.as_bytes()) {
        return Some(path);
    }
    fs::create_dir_all(path.parent()?).ok()?;
    vmlock_atomic::replace(&path, text).ok()?;
    // It is there to be read; where that cannot be said, it is still that.
    if let Ok(metadata) = fs::metadata(&path) {
        let mut permissions = metadata.permissions();
        permissions.set_readonly(true);
        let _ = fs::set_permissions(&path, permissions);
    }
    Some(path)
}

fn cache() -> Option<PathBuf> {
    let absolute = |name: &str| {
        let path = env::var_os(name).map(PathBuf::from);
        path.filter(|path| path.is_absolute())
    };
    let cache = absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| Some(absolute("HOME")?.join(".cache")))?;
    Some(cache.join("vmlock"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::catalogue::{BASELINES, CPUS, REGISTERS};

    #[test]
    fn everything_of_the_catalogue_is_found_in_its_text() {
        let baselines = BASELINES.iter().map(|b| ("baseline", b.name.as_ref()));
        let models = CPUS.iter().map(|c| ("cpu", c.name.as_ref()));
        let registers = REGISTERS.iter().map(|r| ("register", r.name.as_ref()));
        let mut seen = 0;
        for (word, name) in baselines.chain(models).chain(registers) {
            // Many registers of one kind stand in one node.
            if word == "register" && text_of(word, name).is_none() {
                continue;
            }
            let (_, text, span) = text_of(word, name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(unquoted(&text[span]), name);
            seen += 1;
        }
        assert!(seen > 200, "{seen}");
    }
}
