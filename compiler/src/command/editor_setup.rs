//! `vmlock editor-setup`: settings by which an editor knows locks and descriptions, without the network, and starts the
//! language server.

use crate::command::{unreadable, unwritable};
use crate::diagnostic::Diagnostic;
use crate::editors::{self, VSCODE_SPEC};
use crate::files;
use crate::flags::{Editor, EditorSetupFlags, Which};
use crate::grammar;
use crate::render::{Exit, Output};
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// VS Code's settings of a folder.
const SETTINGS: &str = ".vscode/settings.json";

/// Largest settings that are read, in bytes.
const SETTINGS_MAX: usize = 16 << 20;

/// The setting that holds schemas.
const KEY: &str = "\"json.schemas\"";

/// Writes or prints an editor's settings.
pub fn run(flags: &EditorSetupFlags, out: &mut Output) {
    let settings = match flags.editor {
        Editor::Vscode => return vscode(flags.print, out),
        Editor::Neovim => {
            out.note("put this into Neovim's init.lua");
            editors::neovim()
        }
        Editor::Textmate => grammar::text(),
        Editor::Helix | Editor::Zed => {
            let Some(folder) = data_folder() else {
                let words = "this user has no home, so there is no place for the schemas";
                let help = "set XDG_DATA_HOME to the folder of the user's data";
                return out.fail(
                    Exit::Environment,
                    Diagnostic::error("io::unwritable", words).help(help),
                );
            };
            if !flags.print && !write_all(&folder, out) {
                return;
            }
            match flags.editor {
                Editor::Helix => {
                    out.note("put this into Helix's languages.toml");
                    editors::helix(&folder)
                }
                _ => {
                    out.note("put this into Zed's settings.json");
                    editors::zed(&folder)
                }
            }
        }
    };
    out.lines(settings.lines());
    out.value("settings", settings);
}

/// Where programs put what they need of their own (XDG Base Directory Specification; on Windows, `LOCALAPPDATA`).
fn data_folder() -> Option<PathBuf> {
    let absolute = |name: &str| {
        env::var_os(name)
            .map(PathBuf::from)
            .filter(|p| p.is_absolute())
    };
    let data = absolute("XDG_DATA_HOME")
        .or_else(|| absolute("LOCALAPPDATA"))
        .or_else(|| Some(absolute("HOME")?.join(".local/share")))?;
    Some(data.join("vmlock/schema"))
}

/// Writes every schema into a folder; says whether that was possible.
fn write_all(folder: &Path, out: &mut Output) -> bool {
    for (path, text) in editors::files(folder) {
        if !write(&path, &text, out) {
            return false;
        }
    }
    out.note(format!("{}: the schemas are there", folder.display()));
    true
}

/// Writes one file and the folders that lead to it.
fn write(path: &Path, text: &str, out: &mut Output) -> bool {
    let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
    match folder.and_then(|()| vmlock_atomic::replace(path, text)) {
        Ok(()) => true,
        Err(error) => {
            out.fail(
                Exit::Environment,
                unwritable(&path.display().to_string(), &error),
            );
            false
        }
    }
}

fn vscode(print: bool, out: &mut Output) {
    let ours = block();
    if print {
        let whole = with_server(&format!("{{\n{ours}\n}}\n"));
        out.lines(whole.lines());
        return out.value("settings", whole);
    }
    let path = Path::new(SETTINGS);
    let old = match files::read(path, SETTINGS_MAX) {
        // What would not come back as it was is not touched.
        Ok(bytes) if bytes.len() > SETTINGS_MAX => None,
        Ok(bytes) => String::from_utf8(bytes).ok(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Some(String::new()),
        Err(error) => return out.fail(Exit::Environment, unreadable(path, &error)),
    };
    let both = old.and_then(|old| Some((with_server(&with(&old, &ours)?), old)));
    let Some((new, old)) = both else {
        let words = format!("`{SETTINGS}` has schemas already, or is not as settings are");
        let help = "`vmlock editor-setup vscode --print` prints the entries: put them into \"json.schemas\" there";
        return out.fail(
            Exit::Findings,
            Diagnostic::error("editor::settings", words)
                .in_file(SETTINGS)
                .help(help),
        );
    };
    let spec = (Path::new(VSCODE_SPEC), editors::text(Which::Spec));
    let there = files::read(spec.0, SETTINGS_MAX).unwrap_or_default();
    for ((path, text), old) in [(spec, there), ((path, new), old.into_bytes())] {
        let same = old == text.as_bytes();
        if !same && !write(path, &text, out) {
            return;
        }
        let what = if same { "unchanged" } else { "written" };
        out.line(format!("{}: {what}", path.display()));
    }
    out.value("files", vec![VSCODE_SPEC, SETTINGS]);
}

/// The setting, an entry to a line: that is how it is found again.
fn block() -> String {
    let entries: Vec<String> = editors::vscode()
        .iter()
        .map(|e| format!("    {e}"))
        .collect();
    format!("  {KEY}: [\n{}\n  ]", entries.join(",\n"))
}

/// Settings with ours in place of what an earlier vmlock put there, or before all others. `None` where somebody else has
/// schemas there, or where it does not begin as settings do.
fn with(old: &str, ours: &str) -> Option<String> {
    let mut lines = ours.lines();
    if old.trim().is_empty() {
        return Some(format!("{{\n{ours}\n}}\n"));
    }
    if let Some(first) = lines.next()
        && let Some(start) = old.find(first)
    {
        let end = start + old[start..].find("\n  ]")? + "\n  ]".len();
        let is_ours = |line: &str| editors::begins_with_ours(line);
        let mut entries = old[start..end].lines().skip(1);
        return entries
            .all(|line| line == "  ]" || is_ours(line))
            .then(|| format!("{}{ours}{}", &old[..start], &old[end..]));
    }
    if old.contains(KEY) {
        return None;
    }
    let brace = opening(old)?;
    let (head, rest) = old.split_at(brace + 1);
    let comma = match rest[blank(rest)..].starts_with('}') {
        true => "",
        false => ",",
    };
    let gap = if rest.starts_with(['\n', '\r']) {
        ""
    } else {
        "\n"
    };
    Some(format!("{head}\n{ours}{comma}{gap}{rest}"))
}

/// The same with the settings by which the language server is started, but for those that somebody has set.
fn with_server(settings: &str) -> String {
    let Some(brace) = opening(settings) else {
        return settings.to_owned();
    };
    let (head, rest) = settings.split_at(brace + 1);
    let missing = editors::VSCODE_SERVER
        .iter()
        .filter(|(name, _)| !settings.contains(&format!("\"{name}\"")));
    // What stands behind them is our own setting at least.
    let lines: String = missing
        .map(|(name, value)| format!("\n  \"{name}\": {value},"))
        .collect();
    format!("{head}{lines}{rest}")
}

/// Where the object begins, behind blanks and comments.
fn opening(text: &str) -> Option<usize> {
    let at = blank(text);
    text[at..].starts_with('{').then_some(at)
}

/// How many bytes of blanks and comments a text begins with.
fn blank(text: &str) -> usize {
    let mut at = 0;
    loop {
        let rest = text[at..].trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
        at = text.len() - rest.len();
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else {
            return at;
        };
        at += length;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_started_by_what_nobody_else_has_set() {
        let ours = "{\n  \"json.schemas\": [\n  ]\n}\n";
        let both = with_server(ours);
        let expected = "{\n  \"kdl.command\": \"vmlock\",\n  \"kdl.argv\": [\"lsp\"],\n  \"json.schemas\": [\n  ]\n}\n";
        assert_eq!(both, expected);
        assert_eq!(with_server(&both), both);
        let own = both.replace("\"vmlock\"", "\"/opt/vmlock\"");
        assert_eq!(with_server(&own), own);
    }

    #[test]
    fn settings_of_others_stay_as_they_are() {
        let ours = "  \"json.schemas\": [\n    {\"url\":\"urn:vmlock:schema:1\"}\n  ]";
        let fresh = with("", ours).unwrap();
        assert_eq!(fresh, format!("{{\n{ours}\n}}\n"));
        assert_eq!(with(&fresh, ours).as_ref(), Some(&fresh));
        let newer = ours.replace("schema:1", "schema:2");
        assert_eq!(with(&fresh, &newer), Some(format!("{{\n{newer}\n}}\n")));
        let own = "// mine {\n/* { */ {\n  // a\n  \"a\": 1 // b\n}\n";
        let both = with(own, ours).unwrap();
        assert_eq!(
            both,
            format!("// mine {{\n/* {{ */ {{\n{ours},\n  // a\n  \"a\": 1 // b\n}}\n")
        );
        assert_eq!(with(&both, ours), Some(both.clone()));
        assert_eq!(with("{}", ours), Some(format!("{{\n{ours}\n}}")));
        assert_eq!(with("{\"json.schemas\": []}", ours), None);
        let theirs = both.replace("urn:vmlock:schema:1", "./other.json");
        assert_eq!(with(&theirs, ours), None);
        assert_eq!(with("[]", ours), None);
    }
}
