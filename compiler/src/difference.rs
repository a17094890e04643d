//! What differs between two locks or two host reports: by register field, in words.
//!
//! Both are compared in their JSON form, leaf by leaf, so that no entry can be
//! forgotten here when the formats grow. Lists of named things are matched by
//! name; values of registers are taken apart into fields.

pub mod imported;

use serde::Serialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::catalogue::{Field, Kind, RegisterInfo, register_by_name};
use vmlock_spec::observation::{key_of, wire};
use vmlock_spec::report::Seen;
use vmlock_spec::smccc;

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What differs, e.g. `ID_AA64ISAR0_EL1.RNDR`.
    pub name: String,
    /// The old value; absent where there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The new value; absent where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// What it means.
    pub words: String,
}

/// Compares two values of the same format (lock or report).
pub fn compare(before: &impl Serialize, after: &impl Serialize) -> Vec<Change> {
    let value = |v: Result<Value, serde_json::Error>| v.unwrap_or_default();
    let mut changes = Vec::new();
    walk(
        "",
        &value(serde_json::to_value(before)),
        &value(serde_json::to_value(after)),
        &mut changes,
    );
    changes
}

/// Changes as aligned lines for people: what guests see first, then where
/// entries are decided, which changes by the dozen and is counted.
pub fn table(changes: &[Change]) -> Vec<String> {
    let (origins, seen): (Vec<&Change>, Vec<&Change>) =
        changes.iter().partition(|c| c.name.ends_with(".from"));
    let rows: Vec<(String, String, &str)> = seen.iter().map(|c| row(c)).collect();
    let width = |cell: fn(&(String, String, &str)) -> usize| {
        rows.iter().map(cell).max().unwrap_or(0).min(44)
    };
    let (names, values) = (
        width(|r| r.0.chars().count()),
        width(|r| r.1.chars().count()),
    );
    let line = |(name, value, words): &(String, String, &str)| {
        let line = format!("  {name:names$}  {value:values$}  {words}");
        line.trim_end().to_owned()
    };
    let mut lines: Vec<String> = rows.iter().map(line).collect();
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for change in origins {
        *groups.entry(row(change).1).or_default() += 1;
    }
    for (value, count) in groups {
        let entries = if count == 1 {
            "1 entry is".to_owned()
        } else {
            format!("{count} entries are")
        };
        lines.push(format!("  {entries} decided elsewhere: {value}"));
    }
    lines
}

/// Name, values and words of one change, digests shortened.
fn row(change: &Change) -> (String, String, &str) {
    let side = |v: &Option<String>| match v.as_deref() {
        None => "—".to_owned(),
        Some("") => "nothing".to_owned(),
        Some(text) if text.starts_with("sha256-") => text.chars().take(19).chain(['…']).collect(),
        // A vector of 2048 bits has 512 digits.
        Some(text) if text.starts_with("0x") && text.len() > 34 => {
            text.chars().take(34).chain(['…']).collect()
        }
        Some(text) => text.to_owned(),
    };
    let value = format!("{} → {}", side(&change.before), side(&change.after));
    (change.name.clone(), value, &change.words)
}

fn walk(path: &str, before: &Value, after: &Value, out: &mut Vec<Change>) {
    if before == after {
        return;
    }
    match (before, after) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                walk_key(&join(path, key), a.get(key), b.get(key), out);
            }
        }
        (Value::Array(a), Value::Array(b)) => array(path, a, b, out),
        _ => leaf(path, &plain(before), &plain(after), out),
    }
}

/// Two different values of one place.
fn leaf(path: &str, before: &str, after: &str, out: &mut Vec<Change>) {
    if let Some(call) = path.strip_suffix(".answer") {
        let (old, new) = (answer(call, before), answer(call, after));
        return out.push(change(call, old, new, &answered(call, before, after)));
    }
    let name = path.strip_suffix(".value").unwrap_or(path);
    // The register's name is the last word: `guest with pmu: vCPU 0 MIDR_EL1`.
    let register = name.rsplit(' ').next().and_then(register_by_name);
    if let (Some(info), Some(old), Some(new)) = (register, hex(before), hex(after)) {
        return by_field(name, info, old, new, out);
    }
    let words = match name {
        // The revision decides how the whole distributor behaves.
        "GICD_IIDR" => "KVM's revision of the distributor",
        _ => meaning(path),
    };
    out.push(change(name, before.to_owned(), after.to_owned(), words));
}

/// What it means that a call answers something else.
fn answered(call: &str, before: &str, after: &str) -> String {
    let asks = call.contains("FEATURES(");
    let key = key_of(call).filter(|_| asks);
    let words = match (key, hex(before), hex(after)) {
        (Some(key), Some(old), Some(new)) => offered(key, Seen::Value(old), Seen::Value(new)),
        _ => String::new(),
    };
    match words.is_empty() {
        true => "what the call answers".to_owned(),
        false => words,
    }
}

/// What a firmware call answers, with the names of errors.
pub fn answer(call: &str, text: &str) -> String {
    hex(text).map_or_else(|| text.to_owned(), |x0| smccc::answer_name(call, x0))
}

fn walk_key(path: &str, before: Option<&Value>, after: Option<&Value>, out: &mut Vec<Change>) {
    match (before, after) {
        (Some(a), Some(b)) => walk(path, a, b, out),
        (Some(a), None) => out.push(one_sided(path, a, true)),
        (None, Some(b)) => out.push(one_sided(path, b, false)),
        (None, None) => {}
    }
}

fn one_sided(path: &str, value: &Value, gone: bool) -> Change {
    let text = Some(summary(value));
    let words = if gone { "is gone" } else { "is new" };
    Change {
        name: path.to_owned(),
        before: if gone { text.clone() } else { None },
        after: if gone { None } else { text },
        words: words.to_owned(),
    }
}

/// What stands for a thing that one side has alone.
fn summary(value: &Value) -> String {
    for key in ["value", "answer", "seen", "from", "kind"] {
        if let Some(inner) = value.get(key) {
            return plain(inner);
        }
    }
    plain(value)
}

/// The name of what stands at a key of what has that path.
pub fn join(path: &str, key: &str) -> String {
    // What a vCPU read is named as it stands.
    let of_vcpu = path.rsplit(' ').nth(1) == Some("vCPU");
    match (path, of_vcpu) {
        ("", _) => key.to_owned(),
        (_, true) => format!("{path} {key}"),
        (_, false) => format!("{path}.{key}"),
    }
}

/// What tells one element of a list from the others.
pub fn identity(value: &Value) -> Option<String> {
    let object = value.as_object()?;
    let text = |key: &str| object.get(key).and_then(Value::as_str);
    if let Some(features) = object.get("features") {
        let names = plain(features);
        return Some(if names.is_empty() {
            "plain guest".to_owned()
        } else {
            format!("guest with {names}")
        });
    }
    if text("name") == Some("unknown") {
        return text("id").map(|id| format!("unknown register {id}"));
    }
    if let Some(revision) = object.get("revision") {
        return Some(format!("revision {revision}"));
    }
    ["name", "call", "field"]
        .iter()
        .find_map(|key| text(key))
        .map(str::to_owned)
}

fn array(path: &str, before: &[Value], after: &[Value], out: &mut Vec<Change>) {
    // What guests read is a list of maps, one for each vCPU.
    let by_vcpu = path.ends_with(".guest");
    let keys = |list: &[Value]| -> Option<Vec<String>> {
        let key = |(index, value): (usize, &Value)| match by_vcpu {
            true => Some(format!("vCPU {index}")),
            false => identity(value),
        };
        list.iter().enumerate().map(key).collect()
    };
    let (Some(a), Some(b)) = (keys(before), keys(after)) else {
        out.push(lists(path, before, after));
        return;
    };
    let in_a: BTreeMap<&String, &Value> = a.iter().zip(before).collect();
    let in_b: BTreeMap<&String, &Value> = b.iter().zip(after).collect();
    let prefix = match path {
        "registers" | "gic.registers" | "hypercalls.answers" | "machine.devices" | "views" => {
            String::new()
        }
        _ => match path
            .strip_suffix(".registers")
            .or(path.strip_suffix(".guest"))
        {
            Some(view) => format!("{view}: "),
            None => format!("{path} "),
        },
    };
    let new = b.iter().filter(|key| !in_a.contains_key(key));
    for key in a.iter().chain(new) {
        let (old, new) = (in_a.get(key).copied(), in_b.get(key).copied());
        walk_key(&format!("{prefix}{key}"), old, new, out);
    }
}

/// Lists without names, as a whole.
fn lists(path: &str, before: &[Value], after: &[Value]) -> Change {
    if path == "machine.fdt.bytes" {
        let bytes = |list: &[Value]| {
            list.iter()
                .map(|l| l.as_str().map_or(0, str::len) / 2)
                .sum::<usize>()
        };
        return Change {
            name: path.to_owned(),
            before: Some(format!("{} bytes", bytes(before))),
            after: Some(format!("{} bytes", bytes(after))),
            words: "the device tree that the guest gets".to_owned(),
        };
    }
    let show = |list: &[Value]| list.iter().map(plain).collect::<Vec<_>>().join(", ");
    let (old, new) = (show(before), show(after));
    let long = |text: &str| text.chars().count() > 60;
    let words = if long(&old) || long(&new) {
        format!("{} and {} entries", before.len(), after.len())
    } else {
        meaning(path).to_owned()
    };
    let short = |text: String| if long(&text) { "…".to_owned() } else { text };
    Change {
        name: path.to_owned(),
        before: Some(short(old)),
        after: Some(short(new)),
        words,
    }
}

/// A value on one line.
pub fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(plain).collect::<Vec<_>>().join(", "),
        Value::Object(map) => map
            .iter()
            .map(|(k, v)| format!("{k} {}", plain(v)))
            .collect::<Vec<_>>()
            .join(", "),
        other => other.to_string(),
    }
}

/// What a difference at such a place means, where its name does not say it.
fn meaning(path: &str) -> &'static str {
    let last = path.rsplit('.').next().unwrap_or(path);
    match last {
        "from" => "decided elsewhere; guests see no difference",
        "rule" => "binds otherwise",
        "mask" => "other bits are promised",
        "vary" => "other fields are waived",
        "digest" if path == "deviceTree.digest" => "the device tree that the guest gets",
        "digest" if path.starts_with("boot.") => "another file is booted",
        "digest" if path.contains(".virtio.") => "a disk with other contents",
        "digest" => "the catalogue's entry changed",
        "$schema" => "for editors only",
        "sectors" => "the size of a disk, in sectors of 512 bytes",
        "tap" => "another cable; what the guest sees of the card stays",
        "path" if path.contains(".virtio.") => {
            "another file; the lock holds it to what it holds by `digest` alone"
        }
        _ if path.starts_with("baselines.") => "the catalogue's entry changed",
        _ => "",
    }
}

/// A number as locks have it.
pub fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Takes a register's value apart into the fields that differ.
pub fn by_field(path: &str, info: &RegisterInfo, before: u64, after: u64, out: &mut Vec<Change>) {
    if info.id == smccc::PSCI_VERSION_REGISTER
        && let (Some(old), Some(new)) = (psci(before), psci(after))
    {
        return out.push(change(
            path,
            old,
            new,
            "the PSCI version that guests are told",
        ));
    }
    let mut rest = before ^ after;
    for field in info
        .fields
        .iter()
        .rev()
        .filter(|f| (before ^ after) & f.mask() != 0)
    {
        let (old, new) = (field.get(before), field.get(after));
        let words = in_words(info, field, old, new);
        let name = format!("{path}.{}", field.name);
        out.push(change(
            &name,
            format!("{old:#x}"),
            format!("{new:#x}"),
            words,
        ));
        rest &= !field.mask();
    }
    if rest != 0 {
        let name = match info.fields.is_empty() {
            true => path.to_owned(),
            false => format!("{path} bits {rest:#x}"),
        };
        let (old, new) = (before & rest, after & rest);
        out.push(change(&name, format!("{old:#x}"), format!("{new:#x}"), ""));
    }
}

/// A PSCI version's name, by its number.
pub fn psci(version: u64) -> Option<String> {
    smccc::psci_name(u32::try_from(version).ok()?).map(str::to_owned)
}

pub fn change(name: &str, before: String, after: String, words: &str) -> Change {
    Change {
        name: name.to_owned(),
        before: Some(before),
        after: Some(after),
        words: words.to_owned(),
    }
}

/// What it means for a guest that a field has another value.
fn in_words(info: &RegisterInfo, field: &Field, before: u64, after: u64) -> &'static str {
    if info.kind != Kind::Id {
        return "";
    }
    match (before == field.none(), after == field.none()) {
        (true, false) => "a guest finds it now",
        (false, true) => "a guest no longer finds it",
        _ if field.order(after) > field.order(before) => "a guest finds more of it",
        _ => "a guest finds less of it",
    }
}

/// Whether a function that was asked about came or went. Negative answers say that it is not there, in the width of
/// the call.
pub fn offered(key: u64, before: Seen, after: Seen) -> String {
    let function = smccc::function_name(wire::id_of(key) as u32);
    let there = |seen: Seen| matches!(seen, Seen::Value(value) if value >> 31 & 1 == 0);
    match (there(before), there(after)) {
        (false, true) => format!("guests gain {function}"),
        (true, false) => format!("guests lose {function}"),
        _ => String::new(),
    }
}

/// Leaves out what no guest can see: names, digests and origins.
pub fn guest_visible(mut changes: Vec<Change>) -> Vec<Change> {
    changes.retain(|c| !c.name.starts_with("baselines.") && !c.name.ends_with(".from"));
    changes
}

/// What an operator wants to hear first: versions, and functions that came or went, each once.
pub fn in_short(changes: &[Change]) -> Option<String> {
    let mut said: Vec<String> = Vec::new();
    for change in changes {
        let words = match (&change.before, &change.after) {
            (Some(old), Some(new)) if is_psci(&change.name) => {
                format!("PSCI {old} became {new}")
            }
            (Some(old), Some(new)) if change.name == "SMCCC_VERSION()" => {
                format!("SMCCC {old} became {new}")
            }
            _ if change.words.starts_with("guests ") => change.words.clone(),
            _ => continue,
        };
        if !said.contains(&words) {
            said.push(words);
        }
    }
    (!said.is_empty()).then(|| said.join(", "))
}

/// Whether it is the PSCI version, as a call answers it or as KVM's register holds it.
fn is_psci(name: &str) -> bool {
    let register = register_by_name(name).is_some_and(|r| r.id == smccc::PSCI_VERSION_REGISTER);
    name == "PSCI_VERSION()" || register
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn registers_are_matched_by_name_and_taken_apart() {
        let lock = |rndr: &str| json!({"registers": [{"id": "x", "name": "ID_AA64ISAR0_EL1", "value": rndr, "from": "a"}]});
        let changes = compare(&lock("0x1000000000000000"), &lock("0x0000000000000010"));
        assert_eq!(changes.len(), 2);
        assert_eq!(changes[0].name, "ID_AA64ISAR0_EL1.RNDR");
        assert_eq!(changes[0].words, "a guest no longer finds it");
        assert_eq!(changes[1].name, "ID_AA64ISAR0_EL1.AES");
        assert_eq!(changes[1].words, "a guest finds it now");
    }

    #[test]
    fn what_one_side_has_alone_is_said() {
        let changes = compare(
            &json!({"x": [{"name": "A", "value": "0x1"}]}),
            &json!({"x": [], "y": 3}),
        );
        let said: Vec<(&str, &str)> = changes
            .iter()
            .map(|c| (c.name.as_str(), c.words.as_str()))
            .collect();
        assert_eq!(said, [("x A", "is gone"), ("y", "is new")]);
    }

    #[test]
    fn equal_things_do_not_differ() {
        assert_eq!(compare(&json!({"a": [1, 2]}), &json!({"a": [1, 2]})), []);
    }
}
