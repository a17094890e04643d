//! A lock in words, a field to a line: what git compares, so that its diffs speak of fields.
//!
//! It is taken apart as `difference` does it, leaf by leaf, so that no entry can be forgotten here when the format grows.

use crate::difference::{answer, hex, identity, join, plain, psci};
use serde_json::Value;
use vmlock_spec::catalogue::{Field, Kind, RegisterInfo, register_by_name};
use vmlock_spec::lock::Lock;
use vmlock_spec::smccc;

/// All that a lock says, in its own order.
pub fn of(lock: &Lock) -> Vec<String> {
    let mut lines = Vec::new();
    walk(
        "",
        &serde_json::to_value(lock).unwrap_or_default(),
        &mut lines,
    );
    lines
}

fn walk(path: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            // What it is comes before who decided it.
            let (first, rest): (Vec<_>, Vec<_>) = map
                .iter()
                .partition(|(key, _)| ["value", "answer"].contains(&key.as_str()));
            for (key, inner) in first.into_iter().chain(rest) {
                walk(&join(path, key), inner, out);
            }
        }
        Value::Array(list) => array(path, list, out),
        _ => leaf(path, &plain(value), out),
    }
}

fn array(path: &str, list: &[Value], out: &mut Vec<String>) {
    let prefix = match path {
        "registers" | "gic.registers" | "hypercalls.answers" | "machine.devices" => String::new(),
        _ => format!("{path} "),
    };
    let lines = path == "deviceTree.text";
    for inner in list {
        match identity(inner) {
            Some(name) => walk(&format!("{prefix}{name}"), inner, out),
            None if lines => out.push(format!("device tree: {}", plain(inner))),
            None => walk(path, inner, out),
        }
    }
}

fn leaf(path: &str, text: &str, out: &mut Vec<String>) {
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    match last {
        // The path says it already.
        "name" | "call" if !parent.is_empty() => {}
        // One goes with the other.
        "id" if register_by_name(parent).is_some() => {}
        "answer" => out.push(format!("{parent} answers {}", answer(parent, text))),
        "from" => out.push(format!("{parent}: decided by {text}")),
        "rule" => out.push(format!("{parent}: binds {text}")),
        "value" => match (register_by_name(parent), hex(text)) {
            (Some(info), Some(value)) => register(info, value, out),
            _ => out.push(format!("{parent} = {text}")),
        },
        _ => out.push(format!("{path} = {text}")),
    }
}

/// A register's fields, the highest first, and what lies between them where it is not zero.
fn register(info: &RegisterInfo, value: u64, out: &mut Vec<String>) {
    let name = &info.name;
    if info.id == smccc::PSCI_VERSION_REGISTER
        && let Some(version) = psci(value)
    {
        return out.push(format!(
            "{name} = {version}: the PSCI version that guests are told"
        ));
    }
    if info.fields.is_empty() {
        return out.push(format!("{name} = {value:#x}"));
    }
    let mut rest = value;
    for field in info.fields.iter().rev() {
        rest &= !field.mask();
        let shown = field.get(value);
        let words = in_words(info, field, shown);
        out.push(format!("{name}.{} = {shown:#x}{words}", field.name));
    }
    if rest != 0 {
        out.push(format!("{name} bits {rest:#x}"));
    }
}

/// What a field's value means to a guest.
fn in_words(info: &RegisterInfo, field: &Field, value: u64) -> &'static str {
    match (info.kind, value == field.none()) {
        (Kind::Id, true) => ": a guest does not find it",
        (Kind::Id, false) => ": a guest finds it",
        _ => "",
    }
}
