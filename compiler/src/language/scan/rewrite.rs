//! How a statement of another language is written here: a table of words that people use, and the form that a
//! description has for what they give.

use super::foreign::{Foreign, Meant, Sign, Value};
use super::literal::{FLAGS, bare_size, is_number, shown};
use crate::language::decode::meant;
use crate::language::decode::word::FROM_ELSEWHERE;
use crate::language::nodes;
use kdl::KdlValue;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::names::spelled;

/// Properties, and the node in whose line they stand.
const PROPERTIES: [(&str, &str); 24] = [
    ("kernel", "boot"),
    ("initrd", "boot"),
    ("cmdline", "boot"),
    ("kernel-digest", "boot"),
    ("initrd-digest", "boot"),
    ("kernel-address", "boot"),
    ("any-file", "boot"),
    ("kaslr-seed", "boot"),
    ("path", "disk"),
    ("size", "disk"),
    ("read-only", "disk"),
    ("serial", "disk"),
    ("digest", "disk"),
    ("tap", "net"),
    ("mac", "net"),
    ("mtu", "net"),
    ("cid", "vsock"),
    ("count", "cpu"),
    ("version", "pmu"),
    ("counters", "pmu"),
    ("breakpoints", "debug"),
    ("watchpoints", "debug"),
    ("reason", "allow"),
    ("code", "allow"),
];

/// Words of other tools for ours.
const OURS: [(&str, &str); 15] = [
    ("architecture", "arch"),
    ("baseline", "abi"),
    ("baselines", "abi"),
    ("cpus", "count"),
    ("vcpu", "count"),
    ("vcpus", "count"),
    ("mem", "memory"),
    ("ram", "memory"),
    ("image", "kernel"),
    ("initramfs", "initrd"),
    ("append", "cmdline"),
    ("imports", "import"),
    ("drive", "disk"),
    ("nic", "net"),
    ("network", "net"),
];

/// What is wrong, what the place is called, and how it is written here. `sign` is the text of the sign.
pub(super) fn words(foreign: &Foreign, sign: &str) -> (String, &'static str, String) {
    let key = shown(&foreign.key);
    let (message, label) = match foreign.sign {
        Sign::Equals | Sign::Colon => (
            format!("`{key}` takes what it gives without `{sign}`"),
            "nothing stands between a node and its value",
        ),
        Sign::PropertyColon => (
            format!("a property of `{key}` takes `=`, not `:`"),
            "this colon",
        ),
        Sign::Comma => (
            format!("the values of `{key}` have a comma between them"),
            "values have blanks between them",
        ),
        Sign::Item => (
            format!("the values of `{key}` stand in lines of their own"),
            "as in YAML",
        ),
        Sign::Keyword => (
            format!("`{sign}` stands before `{key}`"),
            "nothing is declared here",
        ),
        Sign::Bracket => (
            format!("the values of `{key}` stand in brackets"),
            "values stand side by side",
        ),
    };
    let help = match written(&foreign.key, &foreign.meant) {
        Some(Written::Statement(text)) => format!("write `{}`", shown(&text)),
        Some(Written::Words(words)) => words,
        None => format!("write `{key}` and what it gives, with blanks between them"),
    };
    (message, label, help)
}

enum Written {
    /// The statement of a description.
    Statement(String),
    /// What there is to do.
    Words(String),
}

fn written(key: &str, meant: &Meant) -> Option<Written> {
    let key = kebab(key);
    let ours = OURS.iter().find(|(theirs, _)| *theirs == key);
    let key = ours.map_or(key.as_str(), |(_, ours)| ours);
    let statement = |text: String| Some(Written::Statement(text));
    let (values, block) = match meant {
        Meant::Values(values) => (values, ""),
        Meant::Block(values) => (values, " {"),
        Meant::Object(pairs) => return object(key, pairs),
    };
    let first = values.first();
    if let Some((name, node)) = PROPERTIES.iter().find(|(name, _)| *name == key) {
        let property = property(name, first?)?;
        return Some(Written::Words(format!(
            "`{property}` stands in the line of its node, or behind a `\\` at that line's end: `{node} … {property}`"
        )));
    }
    match key {
        "vm" => {
            let name = value(first.filter(|first| first.name.is_none())?)?;
            match &values[1..] {
                [] => statement(format!("vm {name} {{ … }}")),
                // What a machine is built from is no part of its name.
                [base] if is_base(base) => {
                    statement(format!("vm {name} from={} {{ … }}", value(base)?))
                }
                _ => None,
            }
        }
        "name" => statement(format!("vm {} {{ … }}", value(first?)?)),
        // Each warning has one of its own, and a reason.
        "allow" if allows_codes(values) => {
            let (codes, named): (Vec<&Value>, Vec<&Value>) =
                values.iter().partition(|v| is_code(v));
            let reason = named.iter().find(|v| v.name.as_deref() == Some("reason"));
            let reason = match reason {
                Some(reason) => value(reason)?,
                None => "\"…\"".to_owned(),
            };
            let codes: Option<Vec<String>> = codes.iter().map(|code| value(code)).collect();
            let each = codes?
                .into_iter()
                .map(|code| format!("allow {code} reason={reason}"));
            statement(each.collect::<Vec<String>>().join("; "))
        }
        "model" => Some(Written::Words(format!(
            "the model is the first value of its node: `cpu {} …`",
            value(first?)?
        ))),
        "features" => {
            let lines: Vec<String> = values.iter().map(|v| format!("`{}`", v.text)).collect();
            Some(Written::Words(format!(
                "in the `cpu` block each stands alone on its line: {}",
                lines.join(", ")
            )))
        }
        "boot" if values.len() == 1 && first?.name.is_none() => {
            statement(format!("boot kernel={}", value(first?)?))
        }
        // Its name is its author's to give.
        "disk" if values.len() == 1 && first?.name.is_none() => Some(Written::Words(format!(
            "a disk has a name and its file: `disk \"…\" path={}`",
            value(first?)?
        ))),
        "net" if values.len() == 1 && first?.name.is_none() => Some(Written::Words(format!(
            "a net has a name and its tap: `net \"…\" tap={}`",
            value(first?)?
        ))),
        "rng" if values.len() == 1 && truth(first?) != Some(false) => statement("rng".to_owned()),
        "memory" if values.len() == 1 && is_number(&first?.text) => Some(unitless(first?)),
        "memory" if values.len() == 1 => statement(format!("memory {}", size(first?)?)),
        flag if FLAGS.contains(&flag) && values.len() == 1 => match truth(first?) {
            Some(true) => statement(format!("{flag}{block}")),
            Some(false) => Some(Written::Words(
                "leave the line out: what the `cpu` block does not name is off".to_owned(),
            )),
            None => statement(line(flag, values, block)),
        },
        "set" => {
            let sets = values.iter().filter_map(|v| {
                let name = v.name.as_ref()?;
                Some(format!("set \"{name}\" {}", value(v)?))
            });
            let sets: Vec<String> = sets.collect();
            match sets.is_empty() {
                true => statement(line("set", values, "")),
                false => statement(sets.join("; ")),
            }
        }
        // A field is set by its own word.
        path if path.contains('.')
            && block.is_empty()
            && matches!(values.as_slice(), [one] if one.name.is_none() && is_number(&one.text)) =>
        {
            let register = path.split('.').next().unwrap_or(path);
            let known = register_by_name(&register.to_ascii_uppercase()).is_some();
            let field = spelled(path).unwrap_or_else(|| path.to_owned());
            match known {
                true => statement(format!("set \"{field}\" {}", first?.text)),
                false => None,
            }
        }
        _ if values.is_empty() && block.is_empty() => None,
        key => statement(line(key, values, block)),
    }
}

/// Whether what an `allow` names are codes of warnings: fields belong to the code before them.
fn allows_codes(values: &[Value]) -> bool {
    let mut codes = values.iter().filter(|v| is_code(v)).peekable();
    codes.peek().is_some() && codes.all(|code| code.text.contains("::"))
}

/// Whether it says which warning, and not why.
fn is_code(given: &Value) -> bool {
    given.name.as_deref().is_none_or(|name| name == "code")
}

/// Whether that is what a machine is built from: behind a colon alone, or by its name.
fn is_base(given: &Value) -> bool {
    let name = given.name.as_deref();
    name.is_some_and(|name| name.is_empty() || name == "from" || FROM_ELSEWHERE.contains(&name))
}

/// A node with names in its braces, where this language has them in its line or in its block.
fn object(key: &str, pairs: &[(String, Meant)]) -> Option<Written> {
    let mut line = key.to_owned();
    let mut block = Vec::new();
    for (name, meant) in pairs {
        let name = kebab(name);
        let ours = OURS.iter().find(|(theirs, _)| *theirs == name);
        let name = ours.map_or(name.as_str(), |(_, ours)| ours);
        let of_line = PROPERTIES
            .iter()
            .any(|(p, node)| *p == name && *node == key);
        match meant {
            // What is not there is left out.
            Meant::Values(values) if of_line => {
                let given = values.first().and_then(|v| property(name, v));
                line = given.map_or(line.clone(), |given| format!("{line} {given}"));
            }
            Meant::Values(values)
                if [("cpu", "model"), ("disk", "name"), ("net", "name")].contains(&(key, name)) =>
            {
                let rest = line.strip_prefix(key).unwrap_or_default().to_owned();
                line = format!("{key} {}{rest}", value(values.first()?)?);
            }
            Meant::Values(values) if key == "set" => {
                block.push(format!("set \"{name}\" {}", value(values.first()?)?));
            }
            Meant::Values(values) if (key, name) == ("cpu", "features") => {
                block.extend(values.iter().map(|v| v.text.clone()));
            }
            Meant::Values(values) if key == "memory" && pairs.len() == 1 => {
                let first = values.first()?;
                if is_number(&first.text) {
                    return Some(unitless(first));
                }
                return Some(Written::Statement(format!("memory {}", size(first)?)));
            }
            other => match written(name, other) {
                Some(Written::Statement(text)) => block.push(text),
                Some(Written::Words(_)) | None => return None,
            },
        }
    }
    Some(Written::Statement(match (key, block.is_empty()) {
        ("set", _) => block.join("; "),
        (_, true) => line,
        (_, false) => format!("{line} {{ {} }}", block.join("; ")),
    }))
}

fn line(key: &str, values: &[Value], block: &str) -> String {
    let mut out = key.to_owned();
    for one in values {
        let text = match &one.name {
            Some(name) => property(&kebab(name), one),
            None => value(one),
        };
        // What is not there is left out.
        if let Some(text) = text {
            out = format!("{out} {text}");
        }
    }
    format!("{out}{block}")
}

/// A property as it is written here: of its kind, where what stands there plainly means one.
fn property(name: &str, given: &Value) -> Option<String> {
    let mut known = PROPERTIES.iter().filter(|(property, _)| *property == name);
    let kind = known.find_map(|(_, node)| {
        let rows = nodes::every(nodes::VM.block).into_iter();
        let mut rows = rows.filter(|row| row.word == *node);
        rows.find_map(|row| row.property(name)).map(|row| row.value)
    });
    let text = given.text.as_str();
    let meant = match (kind, text.parse::<f64>()) {
        (Some(kind @ nodes::Value::Number(_)), Ok(float)) if text.contains('.') => {
            meant::same(kind, &KdlValue::Float(float), text)
        }
        (Some(kind @ (nodes::Value::Number(_) | nodes::Value::Truth)), _) => {
            meant::same(kind, &KdlValue::String(text.to_owned()), text)
        }
        _ => None,
    };
    Some(format!("{name}={}", meant.or_else(|| value(given))?))
}

/// A value as KDL writes it; `None` for nothing.
fn value(given: &Value) -> Option<String> {
    let text = given.text.as_str();
    if given.quoted {
        return Some(format!("\"{text}\""));
    }
    match text.to_ascii_lowercase().as_str() {
        "" | "null" | "none" | "nil" | "~" | "#null" => return None,
        "true" | "#true" => return Some("#true".to_owned()),
        "false" | "#false" => return Some("#false".to_owned()),
        _ => {}
    }
    Some(match (is_number(text), bare_size(text)) {
        (true, _) => text.to_owned(),
        (false, Some(size)) => format!("\"{size}\""),
        (false, None) => format!("\"{}\"", text.replace('\\', "/")),
    })
}

/// A size of memory, in the spelling of a unit that is known here.
fn size(given: &Value) -> Option<String> {
    match bare_size(&given.text) {
        Some(size) => Some(format!("\"{size}\"")),
        None => value(given),
    }
}

/// What is said of a size without its unit.
fn unitless(given: &Value) -> Written {
    let number = &given.text;
    Written::Words(format!(
        "say its unit, `\"{number}MiB\"` or `\"{number}GiB\"`, right behind `memory`"
    ))
}

fn truth(given: &Value) -> Option<bool> {
    match given.text.to_ascii_lowercase().as_str() {
        "true" | "#true" | "yes" | "on" | "1" | "enabled" => Some(true),
        "false" | "#false" | "no" | "off" | "0" | "disabled" | "null" => Some(false),
        _ => None,
    }
}

/// `runsOn` and `runs_on` as `runs-on`; names of registers stay what they are.
fn kebab(name: &str) -> String {
    // `ARCH` of a shell.
    if name
        .chars()
        .all(|c| c.is_ascii_uppercase() || "_-".contains(c))
    {
        return name.to_ascii_lowercase().replace('_', "-");
    }
    if name.contains('.') || !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return name.to_owned();
    }
    let mut out = String::new();
    for c in name.chars() {
        match c {
            '_' => out.push('-'),
            c if c.is_ascii_uppercase() => {
                out.push('-');
                out.push(c.to_ascii_lowercase());
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::foreign::statement;
    use super::*;

    #[test]
    fn every_habit_is_answered_with_the_way_it_is_written_here() {
        for (text, help) in [
            ("arch = \"arm64\"", "write `arch \"arm64\"`"),
            ("arch=arm64", "write `arch \"arm64\"`"),
            ("ARCH=arm64", "write `arch \"arm64\"`"),
            ("abi (kvm-6.8)", "write `abi \"kvm-6.8\"`"),
            (
                "cpu \"neoverse-n1\" (count=2) {",
                "write `cpu \"neoverse-n1\" count=2 {`",
            ),
            ("arch := 'arm64'", "write `arch \"arm64\"`"),
            ("arch: arm64", "write `arch \"arm64\"`"),
            ("\"arch\": \"arm64\",", "write `arch \"arm64\"`"),
            (
                "abi = [\"kvm-6.8\", \"psci-1.1\"]",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            (
                "abi [\"kvm-6.8\" \"psci-1.1\"]",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            (
                "abi \"kvm-6.8\", \"psci-1.1\"",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            ("abi(\"kvm-6.8\")", "write `abi \"kvm-6.8\"`"),
            (
                "abi:\n  - kvm-6.8\n  - psci-1.1",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            ("baselines: [kvm-6.8]", "write `abi \"kvm-6.8\"`"),
            ("runs_on = [\"kvm-6.12\"]", "write `runs-on \"kvm-6.12\"`"),
            ("vm = \"web\" {", "write `vm \"web\" { … }`"),
            ("name: web", "write `vm \"web\" { … }`"),
            (
                "cpu \"neoverse-n1\", count=2",
                "write `cpu \"neoverse-n1\" count=2`",
            ),
            (
                "cpu \"neoverse-n1\" count: 2",
                "write `cpu \"neoverse-n1\" count=2`",
            ),
            ("cpu = \"neoverse-n1\" {", "write `cpu \"neoverse-n1\" {`"),
            (
                "\"cpu\": {\"count\": 2, \"model\": \"neoverse-n1\", \"features\": [\"pmu\"]},",
                "write `cpu \"neoverse-n1\" count=2 { pmu }`",
            ),
            (
                "cpu:\n  model: neoverse-n1\n  count: 2",
                "write `cpu \"neoverse-n1\" count=2`",
            ),
            (
                "cpu = {\n model = \"a\"\n vcpus = 2\n pmu = true\n}",
                "write `cpu \"a\" count=2 { pmu }`",
            ),
            (
                "memory = 512",
                "say its unit, `\"512MiB\"` or `\"512GiB\"`, right behind `memory`",
            ),
            ("memory: 2G", "write `memory \"2GiB\"`"),
            ("memory = { size = \"1GiB\" }", "write `memory \"1GiB\"`"),
            (
                "disk = \"root.img\"",
                "a disk has a name and its file: `disk \"…\" path=\"root.img\"`",
            ),
            (
                "disk: { name: root, path: root.img, size: \"8GiB\" }",
                "write `disk \"root\" path=\"root.img\" size=\"8GiB\"`",
            ),
            (
                "nic = \"tap0\"",
                "a net has a name and its tap: `net \"…\" tap=\"tap0\"`",
            ),
            (
                "cpu \"neoverse-n1\" count: 1.0",
                "write `cpu \"neoverse-n1\" count=1`",
            ),
            (
                "cpu \"neoverse-n1\" count: \"2\"",
                "write `cpu \"neoverse-n1\" count=2`",
            ),
            (
                "boot kernel: k, any-file: yes",
                "write `boot kernel=\"k\" any-file=#true`",
            ),
            ("rng = true", "write `rng`"),
            ("boot = \"vmlinuz\"", "write `boot kernel=\"vmlinuz\"`"),
            (
                "boot kernel: vmlinuz, initrd: null",
                "write `boot kernel=\"vmlinuz\"`",
            ),
            (
                "boot: {kernel: k, cmdline: 'a=b c'}",
                "write `boot kernel=\"k\" cmdline=\"a=b c\"`",
            ),
            (
                "set ID_AA64ISAR0_EL1.RNDR: 1",
                "write `set \"ID_AA64ISAR0_EL1.RNDR\" 1`",
            ),
            (
                "set = {\"ID_AA64ISAR0_EL1.RNDR\" = 1}",
                "write `set \"ID_AA64ISAR0_EL1.RNDR\" 1`",
            ),
            ("pmu = true", "write `pmu`"),
            (
                "pmu: false",
                "leave the line out: what the `cpu` block does not name is off",
            ),
            (
                "features = [\"pmu\", \"sve\"]",
                "in the `cpu` block each stands alone on its line: `pmu`, `sve`",
            ),
            (
                "count = 2",
                "`count=2` stands in the line of its node, or behind a `\\` at that line's end: `cpu … count=2`",
            ),
            (
                "model = \"a\"",
                "the model is the first value of its node: `cpu \"a\" …`",
            ),
            ("x = {\"y\": {\"z\": 1}}", "write `x { y { z 1 } }`"),
            (
                "arch =",
                "write `arch` and what it gives, with blanks between them",
            ),
        ] {
            let (_, _, found) = words(&statement(text, 0).unwrap(), "");
            assert_eq!(found, help, "{text}");
        }
    }
}
