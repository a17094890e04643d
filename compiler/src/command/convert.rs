//! `vmlock convert`: a description from KDL to its JSON form, and back.
//!
//! What comes out is read again and compared: a conversion that would change the meaning is refused.

use crate::command::{unreadable, unwritable};
use crate::compile;
use crate::diagnostic::Diagnostic;
use crate::flags::ConvertFlags;
use crate::language::reach::Disk;
use crate::language::read::{self, Unreadable};
use crate::language::{defaults, json, layout, write};
use crate::location::{Places, Source};
use crate::render::{Exit, Output};
use crate::several::SEVERAL;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use vmlock_spec::vm::VmSpec;
use vmlock_spec::words;

/// The two forms of a description.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Kdl,
    Json,
}

/// Converts a file.
pub fn run(flags: &ConvertFlags, out: &mut Output) {
    let shown = flags.spec.display().to_string();
    let form = match flags.spec.extension().and_then(|e| e.to_str()) {
        Some("kdl") => Form::Kdl,
        Some("json") => Form::Json,
        _ => {
            let words = format!("`{shown}` is not called NAME.vm.kdl or NAME.vm.json");
            let help = "its form is told by its name: rename it";
            let finding = Diagnostic::error("usage::name", words).in_file(shown);
            return out.fail(Exit::Usage, finding.help(help));
        }
    };
    if let Some(finding) = flags
        .output
        .as_deref()
        .and_then(|o| elsewhere(&flags.spec, form, o))
    {
        return out.fail(Exit::Usage, finding);
    }
    if let Some(path) = flags.output.as_deref().filter(|path| path.exists()) {
        let shown = path.display().to_string();
        let words = format!("`{shown}` exists already; nothing was written");
        let finding = Diagnostic::error("io::exists", words).in_file(shown);
        return out.fail(
            Exit::Environment,
            finding.help("choose another --output, or remove it"),
        );
    }
    let source = match read::read_source(&flags.spec, &shown) {
        Ok(source) => source,
        Err(Unreadable::Io(error)) => {
            return out.fail(Exit::Environment, unreadable(&flags.spec, &error));
        }
        Err(Unreadable::Bytes(finding)) => return out.findings(vec![*finding]),
    };
    let converted = decoded(&source, form, &flags.spec).and_then(|machines| match form {
        Form::Kdl => to_json(&machines, &flags.spec),
        Form::Json => to_kdl(machines, &flags.spec),
    });
    let text = match converted {
        Ok(text) => text,
        Err(found) => return out.findings(found),
    };
    let comments = match form {
        Form::Kdl => layout::comments(&source.text),
        Form::Json => 0,
    };
    match comments {
        0 => {}
        1 => out.note("vmlock: JSON has no comments: one is left out"),
        n => out.note(format!("vmlock: JSON has no comments: {n} are left out")),
    }
    if form == Form::Kdl && shares(&source) {
        out.note("vmlock: JSON has each machine in full: what `from` takes over is written out");
    }
    match &flags.output {
        None => out.verbatim(&text),
        Some(path) => write_to(path, &text, out),
    }
    out.value("text", text);
}

/// Why what is converted cannot stand there.
fn elsewhere(spec: &Path, form: Form, output: &Path) -> Option<Diagnostic> {
    let shown = output.display().to_string();
    let ends = match form {
        Form::Kdl => ".json",
        Form::Json => ".kdl",
    };
    let folder = |path: &Path| {
        let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
        folder.unwrap_or(Path::new(".")).canonicalize().ok()
    };
    let (words, help) = if !shown.ends_with(ends) {
        (
            format!("`{shown}` is no name of what comes of it"),
            format!("its form is told by its name: let it end in `{ends}`"),
        )
    } else if folder(spec) != folder(output) {
        (
            format!("`{shown}` is in another folder, where paths in it would name other files"),
            "convert it where it is, and move it with what it names".to_owned(),
        )
    } else {
        return None;
    };
    let finding = Diagnostic::error("usage::name", words);
    Some(finding.in_file(shown).help(help))
}

fn write_to(path: &Path, text: &str, out: &mut Output) {
    let shown = path.display().to_string();
    match vmlock_atomic::replace(path, text) {
        Ok(()) => out.line(format!("{shown}: written")),
        Err(error) => out.fail(Exit::Environment, unwritable(&shown, &error)),
    }
}

/// A machine, and where it is described.
type Machine = (VmSpec, Places);

/// The machines that a text describes, where nothing is wrong with it as a description. It stands at `path`, or beside.
fn decoded(source: &Arc<Source>, form: Form, path: &Path) -> Result<Vec<Machine>, Vec<Diagnostic>> {
    let (decoded, joined) = match form {
        Form::Json => (json::decode(source)?, None),
        Form::Kdl => {
            let (folder, shown) = compile::folders(path);
            let (decoded, joined) = defaults::described(source, folder, shown, &Disk)?;
            (decoded, Some(joined))
        }
    };
    let (mut machines, mut found) = (Vec::new(), Vec::new());
    for machine in decoded {
        found.extend(machine.found);
        machines.extend(machine.spec.map(|spec| (spec, machine.places)));
    }
    match found.is_empty() && !machines.is_empty() {
        true => Ok(machines),
        false => Err(compile::once(match joined {
            Some(joined) => joined.told(found),
            None => found,
        })),
    }
}

/// Whether a machine of a text in KDL is built from another.
fn shares(source: &Arc<Source>) -> bool {
    let from = |node: &kdl::KdlNode| node.get("from").is_some();
    read::parse(source).is_ok_and(|document| document.nodes().iter().any(from))
}

/// What a text of that file describes, where nothing is wrong with it.
pub fn kdl(path: &Path, text: &str) -> Option<VmSpec> {
    let source = Arc::new(Source {
        path: path.display().to_string(),
        text: text.to_owned(),
    });
    let machines = decoded(&source, Form::Kdl, path).ok()?;
    machines.into_iter().next().map(|(spec, _)| spec)
}

fn to_json(machines: &[Machine], path: &Path) -> Result<String, Vec<Diagnostic>> {
    let specs: Vec<&VmSpec> = machines.iter().map(|(spec, _)| spec).collect();
    let text = match specs.as_slice() {
        [one] => serde_json::to_string_pretty(one),
        several => serde_json::to_string_pretty(&BTreeMap::from([(SEVERAL, several)])),
    };
    let text = text.unwrap_or_default() + "\n";
    // What nobody sees is written by its number, as in KDL.
    let text = words::json(&text).into_owned();
    kept(machines, &text, Form::Json, path)?;
    Ok(text)
}

fn to_kdl(mut machines: Vec<Machine>, path: &Path) -> Result<String, Vec<Diagnostic>> {
    let mut texts = Vec::new();
    for (spec, places) in &mut machines {
        texts.push(write::write(spec).map_err(|place| vec![unsaid(places, &place)])?);
        // For editors of JSON alone.
        spec.schema = None;
        // Their order means nothing, and a block has them in one.
        spec.cpu.features.sort();
    }
    let text = texts.join("\n");
    kept(&machines, &text, Form::Kdl, path)?;
    Ok(text)
}

/// Holds what is read of the converted text against what it was made of.
fn kept(machines: &[Machine], text: &str, form: Form, path: &Path) -> Result<(), Vec<Diagnostic>> {
    let source = Arc::new(Source {
        path: String::new(),
        text: text.to_owned(),
    });
    let again = decoded(&source, form, path).unwrap_or_default();
    let again = again.iter().map(|(spec, _)| Some(spec));
    let again = again.chain(std::iter::repeat(None));
    let all: Vec<Diagnostic> = machines
        .iter()
        .zip(again)
        .filter_map(|((spec, places), again)| same(spec, again, places).err())
        .collect();
    match all.is_empty() {
        true => Ok(()),
        false => Err(all),
    }
}

/// Where a machine that was read again is another.
fn same(spec: &VmSpec, again: Option<&VmSpec>, places: &Places) -> Result<(), Diagnostic> {
    if again == Some(spec) {
        return Ok(());
    }
    let value = |spec| serde_json::to_value(spec).unwrap_or_default();
    let mut place = String::new();
    if let Some(again) = again {
        differs(&value(spec), &value(again), &mut place);
    }
    Err(unsaid(places, &place))
}

/// Goes to the first place where two values differ.
fn differs(a: &serde_json::Value, b: &serde_json::Value, place: &mut String) {
    let (Some(object), Some(_)) = (a.as_object(), b.as_object()) else {
        return;
    };
    for (key, value) in object {
        let other = b.get(key).unwrap_or(&serde_json::Value::Null);
        if other != value {
            place.push_str(&format!("/{key}"));
            return differs(value, other, place);
        }
    }
}

/// What one form can say and the other cannot.
fn unsaid(places: &Places, place: &str) -> Diagnostic {
    let what = match place.trim_start_matches('/') {
        "" => "this description".to_owned(),
        place => format!("`{}`", place.replace('/', ".")),
    };
    Diagnostic::error(
        "convert::not-kept",
        format!("{what} cannot be said in the other form as it is said here"),
    )
    .at(places.source(), places.find(place), "this")
    .help("`vmlock lock --dry-run` says whether it makes a lock; KDL has sizes in whole KiB, and what stands behind a feature only with it")
}
