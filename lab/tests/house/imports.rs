//! No circles in the imports: a file can be read with what it imports and without what imports it.
//!
//! Per folder of a crate: a file and the folder of its name are one room, and the rooms of a folder must not import
//! each other in a circle. A part that imports from its own whole (`super::Error` in `kvm/vm.rs`) is no circle.
//!
//! Limits. This reads tokens and not Rust: `use` trees and paths that begin with `crate`, `self` or `super`, also in
//! macros and whatever `cfg` says, but for modules under `#[cfg(test)]`. A name that its module imports or re-exports
//! counts as coming from where it is. Not seen are names of methods and what macros make. `use super::*` outside of
//! tests would hide names, so it is refused.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// Where a module is: `["kvm", "vm"]` for `kvm/vm.rs`, empty for `main.rs` and `lib.rs`.
type Place = Vec<String>;

/// From one room to another, each with its folder's name before it, as `kvm::vm`.
type Step = (String, String);

/// Crates, each with the steps that keep circles open that were there when this test was written. Nothing may be
/// added; what is in no circle any more has to be struck out.
const CRATES: [(&str, &[(&str, &str)]); 14] = [
    (
        "spec",
        &[
            // `lock/canonical.rs` holds a lock that it reads against what can be made.
            ("lock", "machine"),
            ("lock", "observation"),
            ("lock", "resolve"),
            ("lock", "smccc"),
            // Facts are named after calls, and calls are asked for by facts' names.
            ("smccc", "observation"),
        ],
    ),
    ("spec/wire", &[]),
    ("spec/catalogue/types", &[]),
    ("spec/catalogue/hosts", &[]),
    ("spec/catalogue/reader", &[]),
    ("spec/saved", &[]),
    ("compiler", &[]),
    ("compiler/atomic", &[]),
    ("compiler/page", &[]),
    (
        "runner",
        &[
            // The threads' home and their pauses have a room with what runs a guest.
            ("enforce", "machine"),
            ("gic", "machine"),
        ],
    ),
    ("runner/flags", &[]),
    ("runner/virtio", &[]),
    ("witness", &[]),
    ("lab", &[]),
];

/// Words and punctuation, `::` as one; comments, literals and lifetimes are left out.
fn tokens(text: &str) -> Vec<String> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let (mut out, mut i) = (Vec::new(), 0);
    while i < chars.len() {
        match (at(i), at(i + 1)) {
            ('/', '/') => {
                while i < chars.len() && at(i) != '\n' {
                    i += 1;
                }
            }
            ('/', '*') => {
                let mut depth = 0;
                while i < chars.len() {
                    match (at(i), at(i + 1)) {
                        ('/', '*') => (depth, i) = (depth + 1, i + 2),
                        ('*', '/') => (depth, i) = (depth - 1, i + 2),
                        _ => i += 1,
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            ('"', _) => {
                i += 1;
                while i < chars.len() && at(i) != '"' {
                    i += if at(i) == '\\' { 2 } else { 1 };
                }
                i += 1;
            }
            ('\'', '\\') => {
                i += 3;
                while i < chars.len() && at(i) != '\'' {
                    i += 1;
                }
                i += 1;
            }
            ('\'', _) if at(i + 2) == '\'' => i += 3,
            ('\'', _) => i += 1,
            (':', ':') => {
                out.push("::".to_owned());
                i += 2;
            }
            (c, _) if is_word(c) => {
                let start = i;
                while is_word(at(i)) {
                    i += 1;
                }
                let word: String = chars[start..i].iter().collect();
                let hashes = (i..).take_while(|&n| at(n) == '#').count();
                if matches!(word.as_str(), "r" | "br" | "cr") && at(i + hashes) == '"' {
                    let end: Vec<char> = std::iter::once('"')
                        .chain(std::iter::repeat_n('#', hashes))
                        .collect();
                    i += hashes + 1;
                    while i < chars.len() && !chars[i..].starts_with(&end) {
                        i += 1;
                    }
                    i += end.len();
                } else {
                    out.push(word);
                }
            }
            (c, _) => {
                if !c.is_whitespace() {
                    out.push(c.to_string());
                }
                i += 1;
            }
        }
    }
    out
}

/// Takes modules under `#[cfg(test)]` out. The second result: names of those that are files of their own.
fn without_tests(tokens: &[String]) -> (Vec<String>, Vec<String>) {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let (mut kept, mut files, mut i) = (Vec::new(), Vec::new(), 0);
    while i < tokens.len() {
        let rest = &tokens[i..];
        let marked = rest.len() > MARK.len() && rest.iter().zip(MARK).all(|(t, m)| t == m);
        let public = ["pub", "(", "crate", "super", ")"];
        let name = (MARK.len()..rest.len()).find(|&n| !public.contains(&rest[n].as_str()));
        let Some(name) = name.filter(|&n| marked && rest[n] == "mod") else {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        };
        i += name + 1;
        if tokens.get(i + 1).is_some_and(|t| t == ";") {
            files.push(tokens[i].clone());
            i += 2;
            continue;
        }
        let mut depth = 0;
        while i < tokens.len() {
            match tokens[i].as_str() {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            i += 1;
            if depth == 0 && tokens[i - 1] == "}" {
                break;
            }
        }
    }
    (kept, files)
}

/// A path that a module names, and what the module calls it (`*` for all below it).
type Named = (Vec<String>, String);

/// The paths of a `use` tree, without `use`; reads up to its end and gives how many tokens it has.
fn tree(tokens: &[String], before: &[String], out: &mut Vec<Named>) -> usize {
    let mut path = before.to_vec();
    let mut i = 0;
    let mut name = None;
    let mut open = true;
    while let Some(token) = tokens.get(i) {
        match token.as_str() {
            "::" => {}
            "{" => {
                i += 1;
                while tokens.get(i).is_some_and(|t| t != "}") {
                    i += tree(&tokens[i..], &path, out);
                    if tokens.get(i).is_some_and(|t| t == ",") {
                        i += 1;
                    }
                }
                open = false;
            }
            "," | "}" | ";" => break,
            "as" => {
                i += 1;
                name = tokens.get(i).cloned();
            }
            // `a::{self}` is `a`.
            "self" if !path.is_empty() => {}
            word => path.push(word.to_owned()),
        }
        i += 1;
    }
    if open && let Some(last) = path.last().cloned() {
        out.push((path, name.unwrap_or(last)));
    }
    i
}

/// What a module imports, and the other paths in it that begin with `crate`, `self` or `super`.
fn named(tokens: &[String]) -> (Vec<Named>, Vec<Vec<String>>) {
    let (mut uses, mut paths, mut i) = (Vec::new(), Vec::new(), 0);
    while i < tokens.len() {
        let first = tokens[i].as_str();
        // `impl Trait + use<'a>` is another thing.
        if first == "use" && tokens.get(i + 1).is_some_and(|t| t != "<") {
            i += 1 + tree(&tokens[i + 1..], &[], &mut uses);
        } else if matches!(first, "crate" | "self" | "super") {
            let mut path = vec![tokens[i].clone()];
            i += 1;
            while tokens.get(i).is_some_and(|t| t == "::")
                && let Some(next) = tokens.get(i + 1)
                && next.starts_with(|c: char| c.is_alphabetic() || c == '_')
            {
                path.push(next.clone());
                i += 2;
            }
            if path.len() > 1 {
                paths.push(path);
            }
        } else {
            i += 1;
        }
    }
    (uses, paths)
}

/// A path from the crate's root on; `None` for one that begins in another crate.
fn from_root(modules: &BTreeSet<&Place>, here: &Place, path: &[String]) -> Option<Place> {
    let (mut whole, mut rest) = (here.clone(), path);
    match path.first()?.as_str() {
        "crate" => (whole, rest) = (Place::new(), &path[1..]),
        "self" | "super" => {
            while let Some(first) = rest.first().filter(|f| *f == "self" || *f == "super") {
                if first == "super" {
                    whole.pop();
                }
                rest = &rest[1..];
            }
        }
        child => {
            whole.push(child.to_owned());
            if !modules.contains(&whole) {
                return None;
            }
            rest = &path[1..];
        }
    }
    whole.extend(rest.iter().cloned());
    Some(whole)
}

/// The steps between rooms of a crate, each with the files that make it.
fn steps(sources: &BTreeMap<Place, String>) -> BTreeMap<Step, BTreeSet<String>> {
    let mut parts = BTreeMap::new();
    let mut tests: BTreeSet<Place> = BTreeSet::new();
    for (place, text) in sources {
        let (kept, files) = without_tests(&tokens(text));
        tests.extend(files.into_iter().map(|f| [place.clone(), vec![f]].concat()));
        parts.insert(place, named(&kept));
    }
    parts.retain(|place, _| !tests.contains(*place));
    let modules: BTreeSet<&Place> = parts.keys().copied().collect();
    let mut aliases: BTreeMap<(&Place, &str), Place> = BTreeMap::new();
    for (here, (uses, _)) in &parts {
        for (path, name) in uses {
            if let Some(target) = from_root(&modules, here, path) {
                assert!(
                    name != "*" || !modules.contains(&target[..target.len() - 1].to_vec()),
                    "{here:?} imports all of a module: {path:?}"
                );
                aliases.insert((here, name), target);
            }
        }
    }
    let mut steps: BTreeMap<Step, BTreeSet<String>> = BTreeMap::new();
    for (here, (uses, paths)) in &parts {
        for path in uses.iter().map(|(path, _)| path).chain(paths) {
            let Some(mut target) = from_root(&modules, here, path) else {
                continue;
            };
            // Renamed at most so often.
            for _ in 0..8 {
                let length = (0..=target.len()).rev();
                let length = length.filter(|&n| modules.contains(&target[..n].to_vec()));
                let module = target[..length.max().unwrap_or(0)].to_vec();
                let next = target.get(module.len());
                let known = next.and_then(|name| aliases.get(&(&module, name.as_str())));
                match known {
                    Some(elsewhere) if module != **here => {
                        target = [elsewhere, &target[module.len() + 1..]].concat();
                    }
                    _ => {
                        target = module;
                        break;
                    }
                }
            }
            let shared = here.iter().zip(&target).take_while(|(a, b)| a == b).count();
            if shared < here.len() && shared < target.len() {
                let room = |place: &Place| place[..=shared].join("::");
                let files = steps.entry((room(here), room(&target))).or_default();
                files.insert(format!("{} → {}", here.join("::"), target.join("::")));
            }
        }
    }
    steps
}

/// Steps from whose end a way leads back to their start.
fn in_circles<'a>(steps: impl Iterator<Item = &'a Step>) -> BTreeSet<&'a Step> {
    let steps: BTreeSet<&Step> = steps.collect();
    let leads_back = |step: &Step| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![&step.1]);
        while let Some(room) = next.pop() {
            if *room == step.0 {
                return true;
            }
            if seen.insert(room) {
                next.extend(steps.iter().filter(|s| s.0 == *room).map(|s| &s.1));
            }
        }
        false
    };
    steps.iter().copied().filter(|s| leads_back(s)).collect()
}

fn read(folder: &Path, place: &Place, out: &mut BTreeMap<Place, String>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    for path in entries.flatten().map(|e| e.path()) {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let inner = match stem.as_ref() {
            "main" | "lib" => place.clone(),
            other => [place.as_slice(), &[other.to_owned()]].concat(),
        };
        if path.is_dir() {
            read(&path, &inner, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = fs::read_to_string(&path);
            let text = text.unwrap_or_else(|e| panic!("{}: {e}", path.display()));
            assert!(out.insert(inner, text).is_none(), "{}", path.display());
        }
    }
}

#[test]
fn no_imports_run_in_a_circle() {
    let (mut seen, mut wrong) = (0, Vec::new());
    for (name, allowed) in CRATES {
        let mut sources = BTreeMap::new();
        let folder = super::root().join(name).join("src");
        read(&folder, &Place::new(), &mut sources);
        let steps = steps(&sources);
        seen += steps.len();
        let allowed: BTreeSet<Step> = allowed
            .iter()
            .map(|(from, to)| ((*from).to_owned(), (*to).to_owned()))
            .collect();
        let all = in_circles(steps.keys());
        for step in in_circles(steps.keys().filter(|s| !allowed.contains(*s))) {
            let files: Vec<&str> = steps[step].iter().map(String::as_str).collect();
            wrong.push(format!("{name}: {}", files.join(", ")));
        }
        for step in allowed.iter().filter(|s| !all.contains(s)) {
            wrong.push(format!(
                "{name}: strike out {step:?}, which is in no circle"
            ));
        }
    }
    assert!(seen > 150, "only {seen} imports between rooms");
    assert!(
        wrong.is_empty(),
        "imports run in circles; what both ends need wants a file of its own:\n{}",
        wrong.join("\n")
    );
}

/// The steps of a crate of these files that are in circles.
fn circle(files: &[(&str, &str)]) -> Vec<String> {
    let mut sources = BTreeMap::new();
    for (path, text) in files {
        let place = path.split('/').filter(|p| !p.is_empty());
        sources.insert(place.map(str::to_owned).collect(), (*text).to_owned());
    }
    let steps = steps(&sources);
    let circles = in_circles(steps.keys());
    circles.iter().map(|(a, b)| format!("{a}>{b}")).collect()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let both = ["a>b", "b>a"];
    let a = ("a", "use crate::b::{self, c::D as E};");
    let root = ("", "mod a; mod b; pub use b::F;");
    for b in [
        "use super::a::X;",
        "fn f() -> crate::a::X { X }",
        "use std::fmt; use {crate::{a}};",
        "macro_rules! m { () => { $crate::a::X } }",
        "const C: char = '\"'; const D: &str = r#\"\"\"#; use super::a;",
        "fn f<'a>(_: &'a str) { use crate::a; }",
    ] {
        assert_eq!(circle(&[root, a, ("b", b)]), both, "{b}");
    }
    // Through what the root re-exports, and from a part of the room.
    let renamed = ("a", "use crate::F;");
    let part = ("b/part", "use super::super::a::X;");
    assert_eq!(circle(&[root, renamed, ("b", "mod part;"), part]), both);
    for b in [
        "// use crate::a;\n/* use /* */ crate::a; */ const C: &str = \"\\\" crate::a\";",
        "#[cfg(test)] mod tests { use crate::a; fn f() { {} } } use std::a;",
        "#[cfg(test)] pub(super) mod tests { use crate::a; }",
        "#[cfg(test)] use std::a; mod c;",
        "use crate::F; fn f(self) { self.a }",
    ] {
        assert!(circle(&[root, a, ("b", b)]).is_empty(), "{b}");
    }
    // A part and its whole are one room; its parts are rooms among themselves.
    let whole = ("a", "mod x; mod y; use x::X; use y::Y;");
    let [x, y] = ["x", "y"].map(|n| format!("use super::{{Error, {}}};", n.to_uppercase()));
    assert!(circle(&[whole, ("a/x", &x), ("a/y", &y)]).is_empty());
    assert_eq!(
        circle(&[whole, ("a/x", &y), ("a/y", &x)]),
        ["a::x>a::y", "a::y>a::x"]
    );
}
