//! A description's JSON form written as KDL, for tests: what each key is called there, and nothing of what it may hold.

use serde_json::{Map, Value};

/// The KDL text; `None` where KDL has no way to write that: `null`, a list in place of a value, a size that is no whole
/// number of KiB.
pub fn kdl(spec: &Value) -> Option<String> {
    let vm = spec.as_object()?;
    if let Some(machines) = vm.get("machines").filter(|_| vm.len() == 1) {
        let machines = machines.as_array()?.iter().map(kdl);
        return Some(machines.collect::<Option<Vec<_>>>()?.concat());
    }
    let mut lines = Vec::new();
    for (key, value) in vm {
        match key.as_str() {
            "name" => {}
            // A node of the JSON form's own.
            "$schema" => return None,
            "abi" | "vary" | "runs-on" | "import" => match list(value)?.is_empty() {
                true if key != "abi" => {}
                _ => lines.push(node(key, &list(value)?, &[], &[])),
            },
            "memory" => lines.push(node(key, &[size(value)?], &[], &[])),
            "cpu" => lines.push(cpu(value)?),
            "labels" => {
                // What is no name is no property either, but in quotes.
                let quoted = |(name, value): (&String, &Value)| {
                    let name = literal(&Value::String(name.clone()))?;
                    Some(format!("{name}={}", literal(value)?))
                };
                let labels = value.as_object()?.iter().map(quoted);
                lines.push(node(key, &[], &labels.collect::<Option<Vec<_>>>()?, &[]));
            }
            "boot" => lines.push(node(key, &[], &properties(value.as_object()?)?, &[])),
            "devices" => {
                for device in value.as_array()? {
                    lines.push(one_device(device)?);
                }
            }
            "allow" => {
                for one in value.as_array()? {
                    lines.push(allow(one)?);
                }
            }
            // The word alone says it.
            "vmgenid" => {
                if value.as_bool()? {
                    lines.push(key.clone());
                }
            }
            // One value each; so is whatever is unknown.
            _ => lines.push(node(key, &[literal(value)?], &[], &[])),
        }
    }
    let name = match vm.get("name") {
        Some(name) => vec![literal(name)?],
        None => Vec::new(),
    };
    Some(format!("{}\n", node("vm", &name, &[], &lines)))
}

/// A node with its arguments, properties and children.
fn node(word: &str, arguments: &[String], properties: &[String], children: &[String]) -> String {
    let mut parts = vec![word.to_owned()];
    parts.extend(arguments.iter().chain(properties).cloned());
    if !children.is_empty() {
        parts.push(format!("{{\n{}\n}}", children.join("\n")));
    }
    parts.join(" ")
}

fn literal(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let escaped: String = text
                .chars()
                .map(|c| match c {
                    '"' | '\\' => format!("\\{c}"),
                    c if c.is_control() || !c.is_ascii() => format!("\\u{{{:x}}}", u32::from(c)),
                    c => c.to_string(),
                })
                .collect();
            Some(format!("\"{escaped}\""))
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(format!("#{truth}")),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn list(value: &Value) -> Option<Vec<String>> {
    value.as_array()?.iter().map(literal).collect()
}

fn properties(object: &Map<String, Value>) -> Option<Vec<String>> {
    let one = |(key, value): (&String, &Value)| Some(format!("{key}={}", literal(value)?));
    object.iter().map(one).collect()
}

/// A number of bytes with its unit; a text is a size in KDL, and never one in JSON.
fn size(value: &Value) -> Option<String> {
    let bytes = value.as_u64()?;
    bytes
        .is_multiple_of(1024)
        .then(|| format!("\"{}KiB\"", bytes >> 10))
}

fn cpu(value: &Value) -> Option<String> {
    let cpu = value.as_object()?;
    let features = match cpu.get("features") {
        Some(value) => value
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect::<Option<Vec<&str>>>()?,
        None => Vec::new(),
    };
    let has = |name: &str| features.contains(&name);
    let (mut arguments, mut counts, mut children) = (Vec::new(), Vec::new(), Vec::new());
    for feature in &features {
        let is_word =
            feature.chars().all(|c| c.is_ascii_lowercase() || c == '-') && feature.len() > 1;
        if !is_word || *feature == "hide" || *feature == "set" {
            return None;
        }
        let (mut lengths, mut more, mut events) = (Vec::new(), Vec::new(), Vec::new());
        match (*feature, cpu.get("vector-lengths"), cpu.get("pmu")) {
            ("sve", Some(given), _) => lengths = list(given)?,
            ("pmu", _, Some(pmu)) => {
                for (key, value) in pmu.as_object()? {
                    match key.as_str() {
                        "allow" | "deny" => events.push(node(key, &list(value)?, &[], &[])),
                        _ => more.push(format!("{key}={}", literal(value)?)),
                    }
                }
                // A `pmu` that says nothing is not the word alone.
                if pmu.as_object()?.is_empty() {
                    return None;
                }
            }
            _ => {}
        }
        children.push(node(feature, &lengths, &more, &events));
    }
    for (key, value) in cpu {
        match key.as_str() {
            "features" => {}
            "vector-lengths" if has("sve") => {}
            "pmu" if has("pmu") => {}
            "vector-lengths" | "pmu" => return None,
            "model" => arguments.push(literal(value)?),
            "count" => counts.push(format!("count={}", literal(value)?)),
            "hide" => match list(value)?.is_empty() {
                true => {}
                false => children.push(node(key, &list(value)?, &[], &[])),
            },
            "debug" => children.push(node(key, &[], &properties(value.as_object()?)?, &[])),
            "aarch32" => {
                if value.as_bool()? {
                    children.push("aarch32".to_owned());
                }
            }
            "set" => {
                for one in value.as_array()? {
                    let one = one.as_object()?;
                    // What is not there is not written, and what else is there has no place.
                    if one.keys().any(|key| key != "field" && key != "value")
                        || !one.contains_key("field")
                    {
                        return None;
                    }
                    let both = ["field", "value"].iter().filter_map(|key| one.get(*key));
                    let both: Option<Vec<String>> = both.map(literal).collect();
                    children.push(node("set", &both?, &[], &[]));
                }
            }
            _ => children.push(node(key, &[literal(value)?], &[], &[])),
        }
    }
    Some(node("cpu", &arguments, &counts, &children))
}

fn one_device(device: &Value) -> Option<String> {
    let device = device.as_object().filter(|d| d.len() == 1)?;
    let (kind, value) = device.iter().next()?;
    let parts = value.as_object()?;
    let (mut arguments, mut more, mut children) = (Vec::new(), Vec::new(), Vec::new());
    for (key, value) in parts {
        match (kind.as_str(), key.as_str()) {
            ("disk" | "net", "name") => arguments.push(literal(value)?),
            ("disk", "size") => more.push(format!("size={}", size(value)?)),
            ("vsock", "ports") => {
                for port in value.as_array()? {
                    let mut port = port.as_object()?.clone();
                    let number = match port.remove("port") {
                        Some(number) => vec![literal(&number)?],
                        None => Vec::new(),
                    };
                    children.push(node("port", &number, &properties(&port)?, &[]));
                }
            }
            _ => more.push(format!("{key}={}", literal(value)?)),
        }
    }
    match kind.as_str() {
        "disk" | "net" | "vsock" | "rng" => Some(node(kind, &arguments, &more, &children)),
        "console" => Some(node("console", &["\"virtio\"".to_owned()], &more, &[])),
        _ => None,
    }
}

fn allow(one: &Value) -> Option<String> {
    let one = one.as_object()?;
    let mut arguments = vec![literal(one.get("code")?)?];
    let mut more = Vec::new();
    for (key, value) in one {
        match key.as_str() {
            "code" => {}
            "fields" => match list(value)?.is_empty() {
                // KDL has no empty list of them.
                true => return None,
                false => arguments.extend(list(value)?),
            },
            _ => more.push(format!("{key}={}", literal(value)?)),
        }
    }
    Some(node("allow", &arguments, &more, &[]))
}
