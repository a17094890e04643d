//! What is explained beside the catalogue's entries: what a lock names that has none (who decided a value, the interrupt
//! controller's registers, firmware calls, its own keys), registers by their numbers, and families of baselines.

use super::wrapped;
use crate::flags::Which;
use crate::render::Output;
use crate::schema::schema;
use serde_json::{Value, json};
use vmlock_spec::catalogue::{BASELINES, CPUS};
use vmlock_spec::lock::Lock;
use vmlock_spec::smccc;

/// Who decided a value, as a lock's `from` has it: says what sort of origin that is, and gives the name in it.
pub fn origin<'a>(name: &'a str, lock: Option<&Lock>, out: &mut Output) -> Option<&'a str> {
    let (sort, inner) = name.split_once('/')?;
    // What is named there names nothing else.
    if sort != "spec" && inner.contains('/') {
        return None;
    }
    let is_known = match sort {
        "abi" => {
            BASELINES.iter().any(|b| b.name == inner)
                || lock.is_some_and(|l| l.baselines.contains_key(inner))
        }
        "cpu" => CPUS.iter().any(|c| c.name == inner) || lock.is_some_and(|l| l.cpu.model == inner),
        _ => true,
    };
    if !is_known {
        return None;
    }
    let words = match sort {
        "abi" => {
            "Decided by this baseline, which the description names in `abi`, or which a named one builds on:"
        }
        "cpu" => "Decided by the CPU model that the description names:",
        "spec" => {
            let inner = inner.rsplit('/').next().unwrap_or(inner);
            out.line(format!(
                "Decided by the description itself: {}",
                name.replace('/', " ")
            ));
            out.line("");
            return Some(inner);
        }
        _ => return None,
    };
    out.line(words);
    out.line("");
    Some(inner)
}

/// What the interrupt controller's registers are (Arm IHI 0069), those of a lock.
const CONTROLLER: [(&str, &str); 9] = [
    (
        "GICD_CTLR",
        "which groups of interrupts the distributor forwards; a lock has its constant bits, ARE and DS",
    ),
    (
        "GICD_TYPER",
        "how many interrupts there are, and of which kinds",
    ),
    (
        "GICD_IIDR",
        "who made the distributor, and its revision: with it KVM tells which behaviour a guest gets; `gic-iidr-rev1` to `-rev3` choose it",
    ),
    ("GICD_TYPER2", "what a GICv4.1 has more"),
    ("GICD_PIDR2", "the version of the architecture: 3"),
    (
        "GICD_IGROUPR",
        "the group of each shared interrupt; with `.writable`, which of these bits a guest can change",
    ),
    (
        "GICR_CTLR",
        "what a redistributor does with LPIs; a lock has the bits that tell of abilities",
    ),
    ("GICR_IIDR", "who made the redistributors"),
    (
        "GICR_IGROUPR",
        "the group of each of a vCPU's own interrupts; with `.writable`, which a guest can change",
    ),
];

/// Which registers of the interrupt controller locks name, to who asks for another one.
pub fn controllers(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let known: Vec<&str> = CONTROLLER.iter().map(|(known, _)| *known).collect();
    let asked = ["GICD_", "GICR_"]
        .iter()
        .any(|start| upper.starts_with(start));
    asked.then(|| {
        format!(
            "of the interrupt controller, locks have: {}",
            known.join(", ")
        )
    })
}

/// A register of the interrupt controller.
pub fn controller(name: &str, lock: Option<&Lock>, out: &mut Output) -> bool {
    let upper = name.to_ascii_uppercase();
    let plain = upper.strip_suffix(".WRITABLE").unwrap_or(&upper);
    // The groups are many registers, and both frames say which version they are of.
    let plain = match plain {
        "GICR_PIDR2" => "GICD_PIDR2",
        many if many.contains("_IGROUPR") => many.trim_end_matches(|c: char| c.is_ascii_digit()),
        one => one,
    };
    let words = CONTROLLER.iter().find(|(known, _)| *known == plain);
    let Some((_, words)) = words else {
        return false;
    };
    out.line(format!(
        "{}: a register of the interrupt controller (Arm IHI 0069)",
        upper.replace(".WRITABLE", ".writable")
    ));
    out.lines(wrapped(words, ""));
    let entry = lock.and_then(|l| {
        l.gic
            .registers
            .iter()
            .find(|r| r.name.eq_ignore_ascii_case(name))
    });
    if let Some(register) = entry {
        out.line("");
        out.line(format!(
            "In this lock: {:#010x}, decided by {}",
            register.value, register.from
        ));
        out.value("locked", serde_json::to_value(register).unwrap_or_default());
    }
    if upper == "GICD_IIDR" {
        family("gic", out);
    }
    out.value(
        "controllerRegister",
        json!({ "name": upper, "words": words }),
    );
    true
}

/// A firmware call, as a lock has it (`PSCI_VERSION()`) or by the function's name alone.
pub fn call(name: &str, lock: Option<&Lock>, out: &mut Output) -> bool {
    let bare = |text: &str| -> String {
        let text = text.strip_prefix("SMC ").unwrap_or(text);
        text.split('(')
            .next()
            .unwrap_or(text)
            .trim()
            .to_ascii_uppercase()
    };
    let function = bare(name);
    let numbered = function.starts_with("FUNCTION 0X");
    let asks = [
        "PSCI_FEATURES",
        "ARCH_FEATURES",
        "TRNG_FEATURES",
        "PV_TIME_FEATURES",
    ];
    let known = smccc::FUNCTIONS
        .iter()
        .find(|(_, known)| bare(known) == function);
    if known.is_none() && !numbered && !asks.contains(&function.as_str()) {
        return false;
    }
    let id = known
        .map(|(id, _)| format!(", function {id:#010x}"))
        .unwrap_or_default();
    out.line(format!(
        "{name}: a firmware call (SMCCC, Arm DEN0028; PSCI, DEN0022){id}"
    ));
    out.line("A guest makes it with HVC; baselines decide which calls are answered, and how.");
    let answers = lock
        .map(|l| l.hypercalls.answers.as_slice())
        .unwrap_or_default();
    let exact = answers.iter().filter(|a| a.call.eq_ignore_ascii_case(name));
    let mut shown: Vec<_> = exact.collect();
    if shown.is_empty() {
        shown = answers
            .iter()
            .filter(|a| bare(&a.call) == function)
            .collect();
    }
    if function == "PSCI_VERSION" {
        family("psci", out);
    }
    if !shown.is_empty() {
        out.line("");
    }
    for answer in &shown {
        out.line(format!(
            "In this lock: {} answers {}, decided by {}",
            answer.call,
            smccc::answer_name(&answer.call, answer.answer),
            answer.from
        ));
    }
    if let [one] = shown.as_slice() {
        out.value("locked", serde_json::to_value(one).unwrap_or_default());
    }
    out.value(
        "call",
        json!({ "name": name, "id": known.map(|(id, _)| format!("{id:#010x}")) }),
    );
    true
}

/// Parts of baselines that speak of one thing: `psci`, `gic`, `smccc`, `cache`.
pub fn family(name: &str, out: &mut Output) -> bool {
    let name = name.to_ascii_lowercase();
    let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let family = family.strip_suffix('v').unwrap_or(family);
    let parts = BASELINES.iter().filter(|b| b.part.is_some());
    let parts: Vec<_> = parts
        .filter(|b| !family.is_empty() && b.name.split('-').any(|word| word == family))
        .collect();
    if parts.is_empty() {
        return false;
    }
    out.line(format!(
        "{name}: parts of baselines, to stand in `abi` behind a whole one:"
    ));
    for part in &parts {
        out.line(format!("  {:<24} {}", part.name, part.title));
    }
    out.line("`vmlock explain` with one of these names says more.");
    let names: Vec<&str> = parts.iter().map(|p| p.name.as_ref()).collect();
    out.value("family", json!({ "name": name, "parts": names }));
    true
}

/// Devices and conduits by their names in a lock.
const NAMES: [(&str, &str, &str); 4] = [
    (
        "serial",
        "the machine's devices",
        "The console: a 16550A UART. Its `kind` says which version of the model it is.",
    ),
    (
        "hvc",
        "firmware calls",
        "The conduit: the instruction HVC #0, with which a guest makes firmware calls, as its device tree says.",
    ),
    (
        "smc",
        "firmware calls",
        "The other conduit, SMC #0: from Linux 6.4 on KVM answers it as HVC; `smc-none` and `smc-full` decide it.",
    ),
    (
        "rtc",
        "the machine's devices",
        "The clock: a PL031. Its `kind` says which version of the model it is.",
    ),
];

/// A key of a lock or of a description, or a value that one can have, by what the schema says.
pub fn key(name: &str, out: &mut Output) -> bool {
    // What the newest version calls so says what older ones mean by it.
    let of = [
        (Which::Lock, "a lock"),
        (Which::LockV2, "a lock of version 2"),
        (Which::LockV1, "a lock of version 1"),
        (Which::Spec, "a description"),
    ];
    let mut found = Vec::new();
    for (which, whose) in of {
        let is_older = matches!(which, Which::LockV1 | Which::LockV2);
        if is_older && !found.is_empty() {
            continue;
        }
        let schema = schema(which);
        let definitions = schema["definitions"].as_object();
        let all = definitions
            .into_iter()
            .flatten()
            .map(|(_, d)| d)
            .chain([&schema]);
        for object in all {
            let variants = object["oneOf"].as_array().into_iter().flatten();
            for object in variants.chain([object]) {
                // A key, or one of the values that a key can have.
                let words = match object["const"] == name {
                    true => &object["description"],
                    false => &object["properties"][name]["description"],
                };
                if let Value::String(words) = words {
                    found.push((whose, words.clone()));
                }
            }
        }
    }
    let named = NAMES.iter().filter(|(known, _, _)| *known == name);
    found.extend(named.map(|(_, whose, words)| (*whose, (*words).to_owned())));
    if name == "vm" {
        found.push((
            "a description",
            "The block that describes one machine; its name stands behind it. A file may have several.".to_owned(),
        ));
    }
    found.dedup();
    if found.is_empty() {
        return false;
    }
    for (whose, words) in &found {
        out.line(format!("{name}: in {whose}"));
        out.lines(wrapped(words, "  "));
    }
    let list: Vec<Value> = found
        .iter()
        .map(|(whose, words)| json!({ "in": whose, "words": words }))
        .collect();
    out.value("key", json!({ "name": name, "meanings": list }));
    true
}
