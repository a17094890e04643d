//! Rules for what a description says by itself, without a catalogue: what no type can hold. Both of
//! its forms, KDL and JSON, are held to them here and nowhere else.

use super::Complaints;
use super::complaint::Complaint;
use super::literal::{self, Sort};
use crate::lock::hex::is_digest;
use crate::lock::v1;
use crate::machine::MEMORY_BASE;
use crate::vm::limits::{
    BREAKPOINTS, CMDLINE_BYTES_MAX, COUNTERS, MEMORY_BYTES, MEMORY_BYTES_V1, MEMORY_STEP_BYTES,
    NAME_BYTES_MAX, TEXT_BYTES_MAX, VCPUS, VCPUS_V1,
};
use crate::vm::{Allow, Boot, Cpu, Debug, Pmu, SetField, VmSpec};
use std::ops::RangeInclusive;

/// Everything but its devices that is wrong with a description whatever the catalogue holds, where it becomes a lock
/// of that version.
pub(super) fn problems(spec: &VmSpec, version: u32) -> Vec<Complaint> {
    let mut complaints = Complaints::default();
    name(&spec.name, &mut complaints);
    numbers(spec, version == v1::VERSION, &mut complaints);
    texts(spec, &mut complaints);
    repeated(spec, &mut complaints);
    if version == v1::VERSION {
        newer(spec, &mut complaints);
    }
    complaints.0
}

/// Whether a machine or a device can be called so: in paths, device trees, labels and words for people.
pub fn is_name(name: &str) -> bool {
    let length = (1..=NAME_BYTES_MAX).contains(&name.len());
    length && name.chars().all(of_names) && !name.starts_with('.')
}

fn of_names(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.".contains(c)
}

fn name(name: &str, complaints: &mut Complaints) {
    if is_name(name)
        || literal::complain(name, Sort::Name, "/name", "the machine's name", complaints)
    {
        return;
    }
    // Of what is a path for sure, the last part.
    let last = name.rsplit('/').find(|part| !part.is_empty());
    let path = name.starts_with(['.', '/']);
    let better: String = last
        .filter(|_| path)
        .unwrap_or(name)
        .trim_start_matches('.')
        .chars()
        .map(|c| if of_names(c) { c } else { '-' })
        .take(NAME_BYTES_MAX)
        .collect();
    let help = match is_name(&better) {
        true => format!("for example `{better}`"),
        false => "for example `web-1`".to_owned(),
    };
    let message = match name {
        "" => "the machine's name is empty".to_owned(),
        _ if name.starts_with('.') => {
            "this cannot be a machine's name: a `.` at the front hides files and names folders"
                .to_owned()
        }
        _ => format!(
            "this cannot be a machine's name: only ASCII letters, digits, `-`, `_` and `.`, at most {NAME_BYTES_MAX}"
        ),
    };
    complaints.error("spec::bad-name", "/name", message, Some(help));
}

/// What a lock of an old version cannot hold needs an upgrade, which it is never given unasked.
pub(super) const UPGRADE: &str = "`vmlock lock --upgrade` makes a newer one";

fn numbers(spec: &VmSpec, old: bool, complaints: &mut Complaints) {
    let count = u64::from(spec.cpu.count);
    let fits = VCPUS.contains(&count);
    let vcpus = if old { VCPUS_V1 } else { VCPUS };
    if !vcpus.contains(&count) {
        complaints.error(
            "spec::cpu-count",
            "/cpu/count",
            format!("{count} vCPUs: a machine has {}", words(&vcpus)),
            fits.then(|| format!("a lock of version 1 cannot hold more: {UPGRADE}")),
        );
    }
    memory(spec.memory, old, complaints);
    kernel_address(spec, complaints);
    let mut bounded = |place: &str, what: &str, number: Option<u32>, bounds| {
        if number.is_some_and(|n| !RangeInclusive::contains(&bounds, &u64::from(n))) {
            let help = format!("`{what}` is {}", words(&bounds));
            let message = format!("`{what}` is out of range");
            complaints.error("spec::out-of-range", place, message, Some(help));
        }
    };
    if let Some(Pmu { counters, .. }) = &spec.cpu.pmu {
        bounded("/cpu/pmu/counters", "counters", *counters, COUNTERS);
    }
    if let Some(Debug {
        breakpoints,
        watchpoints,
    }) = &spec.cpu.debug
    {
        bounded(
            "/cpu/debug/breakpoints",
            "breakpoints",
            *breakpoints,
            BREAKPOINTS,
        );
        bounded(
            "/cpu/debug/watchpoints",
            "watchpoints",
            *watchpoints,
            BREAKPOINTS,
        );
    }
    for (place, says_nothing, message, help) in [
        (
            "/cpu/debug",
            spec.cpu.debug == Some(Debug::default()),
            "`debug` does not say how many there are",
            "give the number of breakpoints, of watchpoints or of both",
        ),
        (
            "/cpu/pmu",
            spec.cpu.pmu == Some(Pmu::default()),
            "`pmu` does not say what the guest gets less of",
            "name the feature `pmu` alone: the guest then gets what the silicon has",
        ),
    ] {
        if says_nothing {
            complaints.error("spec::missing", place, message.into(), Some(help.into()));
        }
    }
}

fn memory(bytes: u64, old: bool, complaints: &mut Complaints) {
    let range = if old { MEMORY_BYTES_V1 } else { MEMORY_BYTES };
    let (least, most) = (range.start() >> 20, range.end() >> 30);
    let limits = match most {
        1024.. => format!("memory is {least} MiB to {} TiB", most >> 10),
        _ => format!("memory is {least} MiB to {most} GiB"),
    };
    let (message, help) = if bytes < *range.start() {
        ("too little memory", limits)
    } else if bytes > *MEMORY_BYTES.end() {
        ("too much memory", limits)
    } else if bytes > *range.end() {
        let help = format!("{limits} in a lock of version 1: {UPGRADE}");
        ("too much memory", help)
    } else if !bytes.is_multiple_of(MEMORY_STEP_BYTES) {
        let better = bytes.next_multiple_of(MEMORY_STEP_BYTES);
        let help = format!("for example `{}MiB`, in bytes {better}", better >> 20);
        ("memory must be a multiple of 2 MiB", help)
    } else {
        return;
    };
    complaints.error("spec::memory-size", "/memory", message.into(), Some(help));
}

/// Where a program without a header is entered.
fn kernel_address(spec: &VmSpec, complaints: &mut Complaints) {
    let Some(address) = spec.boot.as_ref().and_then(|boot| boot.kernel_address) else {
        return;
    };
    let memory = MEMORY_BASE..MEMORY_BASE.saturating_add(spec.memory);
    if memory.contains(&address) && address.is_multiple_of(4) {
        return;
    }
    complaints.error(
        "spec::out-of-range",
        "/boot/kernel-address",
        format!(
            "no program can be entered at {address:#x}: memory lies from {:#x} to {:#x}, and an instruction is \
             aligned to 4 bytes",
            memory.start, memory.end
        ),
        Some("write the address that the program is linked for".into()),
    );
}

/// What version 1 has no place for.
fn newer(spec: &VmSpec, complaints: &mut Complaints) {
    let Some(boot) = &spec.boot else {
        return;
    };
    for (what, asked) in [
        ("kernel-digest", boot.kernel_digest.is_some()),
        ("initrd-digest", boot.initrd_digest.is_some()),
        ("kernel-address", boot.kernel_address.is_some()),
    ] {
        if asked {
            complaints.error(
                "spec::needs-upgrade",
                format!("/boot/{what}"),
                format!("a lock of version 1 cannot hold `{what}`"),
                Some(UPGRADE.into()),
            );
        }
    }
}

/// `1 to 64`.
pub(super) fn words(range: &RangeInclusive<u64>) -> String {
    format!("{} to {}", range.start(), range.end())
}

/// Every text of a description but its name: something, of one line, and not too long.
fn texts(spec: &VmSpec, complaints: &mut Complaints) {
    // Taken apart whole, so that a new text cannot be forgotten.
    let VmSpec {
        schema,
        name: _,
        description,
        labels,
        arch: _,
        abi,
        cpu,
        memory: _,
        boot,
        console: _,
        devices: _,
        across_saves: _,
        vmgenid: _,
        vary,
        allow,
        runs_on,
        import,
        lock_schema,
    } = spec;
    let Cpu {
        model,
        count: _,
        features: _,
        vector_lengths: _,
        pmu,
        debug: _,
        aarch32: _,
        hide,
        set,
    } = cpu;
    if abi.is_empty() {
        complaints.error(
            "spec::missing",
            "/abi",
            "no baseline is named".into(),
            Some("name what the guest was built for, for example `kvm-6.8`".into()),
        );
    }
    for (list, place, what, sort) in [
        (abi, "/abi", "a baseline", Sort::Name),
        (vary, "/vary", "a waived field", Sort::Name),
        (runs_on, "/runs-on", "a host", Sort::Name),
        (import, "/import", "a file", Sort::Path),
        (hide, "/cpu/hide", "a feature to hide", Sort::Name),
    ] {
        for (index, one) in list.iter().enumerate() {
            let place = format!("{place}/{index}");
            if text(one, &place, what, complaints) {
                literal::complain(one, sort, &place, what, complaints);
            }
        }
    }
    for (
        index,
        Allow {
            code,
            fields,
            reason,
        },
    ) in allow.iter().enumerate()
    {
        let place = format!("/allow/{index}/fields");
        if fields.as_ref().is_some_and(Vec::is_empty) {
            complaints.error(
                "spec::missing",
                &place,
                "`fields` names nothing".into(),
                Some("leave it out where all fields are meant".into()),
            );
        }
        for (at, field) in fields.iter().flatten().enumerate() {
            text(field, &format!("{place}/{at}"), "a field", complaints);
        }
        text(
            code,
            &format!("/allow/{index}/code"),
            "a warning's code",
            complaints,
        );
        text(
            reason,
            &format!("/allow/{index}/reason"),
            "`reason`",
            complaints,
        );
    }
    if let Some(description) = description {
        text(description, "/description", "`description`", complaints);
    }
    for (label, value) in labels {
        let place = format!("/labels/{label}");
        if !is_name(label) {
            let message = format!(
                "this cannot be a label's name: only ASCII letters, digits, `-`, `_` and `.`, at most {NAME_BYTES_MAX}, and no `.` at the front"
            );
            let help = "for example `team` or `cost-centre`".to_owned();
            complaints.error("spec::bad-name", &place, message, Some(help));
        }
        text(value, &place, "a label's value", complaints);
    }
    let (place, what) = ("/cpu/model", "the CPU model");
    if text(model, place, what, complaints) {
        literal::complain(model, Sort::Model, place, what, complaints);
    }
    for (index, SetField { field, value: _ }) in set.iter().enumerate() {
        let place = format!("/cpu/set/{index}/field");
        text(field, &place, "the field to set", complaints);
    }
    if let Some(version) = pmu.as_ref().and_then(|p| p.version.as_ref()) {
        text(version, "/cpu/pmu/version", "`version`", complaints);
    }
    for (schema, place) in [(schema, "/$schema"), (lock_schema, "/lock-schema")] {
        let what = "the schema's place";
        if let Some(schema) = schema
            && text(schema, place, what, complaints)
        {
            literal::complain(schema, Sort::Place, place, what, complaints);
        }
    }
    if let Some(boot) = boot {
        let Boot {
            kernel,
            initrd,
            cmdline,
            kernel_digest,
            initrd_digest,
            kernel_address: _,
            any_file: _,
            kaslr_seed: _,
        } = boot;
        for (file, place, what) in [
            (Some(kernel), "/boot/kernel", "`kernel`"),
            (initrd.as_ref(), "/boot/initrd", "`initrd`"),
        ] {
            if let Some(file) = file
                && text(file, place, what, complaints)
            {
                literal::complain(file, Sort::Path, place, what, complaints);
            }
        }
        command_line(cmdline, complaints);
        digest(kernel_digest, "/boot/kernel-digest", complaints);
        digest(initrd_digest, "/boot/initrd-digest", complaints);
    }
}

/// A digest at a place, which is called after it.
pub(super) fn digest(digest: &Option<String>, place: &str, complaints: &mut Complaints) {
    let Some(text) = digest else {
        return;
    };
    if !is_digest(text) {
        let what = place.rsplit('/').next().unwrap_or(place);
        complaints.error(
            "spec::bad-digest",
            place,
            format!("`{what}` is no digest"),
            Some("write `sha256-` and the 64 digits that `sha256sum` prints".into()),
        );
    }
}

/// Says whether it is a text.
pub(super) fn text(text: &str, place: &str, what: &str, complaints: &mut Complaints) -> bool {
    // A label may be called so as well.
    let why = place.starts_with("/allow/") && place.ends_with("/reason");
    if text.is_empty() || why && text.trim().is_empty() {
        let help = match why {
            true => "say why it is no mistake here, for those who read this later",
            false => "write a name or leave the whole entry out",
        };
        complaints.error(
            "spec::empty",
            place,
            format!("{what} is empty"),
            Some(help.into()),
        );
    } else if text.len() > TEXT_BYTES_MAX {
        complaints.error(
            "spec::out-of-range",
            place,
            format!("{what} has {} bytes", text.len()),
            Some(format!("at most {TEXT_BYTES_MAX}")),
        );
    } else {
        return plain(text, place, what, complaints);
    }
    false
}

/// An empty command line is one.
fn command_line(text: &str, complaints: &mut Complaints) {
    const PLACE: &str = "/boot/cmdline";
    if text.len() > CMDLINE_BYTES_MAX {
        complaints.error(
            "spec::bad-cmdline",
            PLACE,
            format!("the command line has {} bytes", text.len()),
            Some(format!("an arm64 kernel reads at most {CMDLINE_BYTES_MAX}")),
        );
    } else if plain(&text.replace('\t', " "), PLACE, "`cmdline`", complaints) {
        // (A tab separates words for a kernel as a space does.)
        literal::complain(text, Sort::CommandLine, PLACE, "`cmdline`", complaints);
    }
}

/// A text holds what a reader sees: the characters that KDL keeps out of a file are out, however
/// they are spelt. Says whether it does.
fn plain(text: &str, place: &str, what: &str, complaints: &mut Complaints) -> bool {
    let Some(c) = text.chars().find(|c| acts(*c)) else {
        return true;
    };
    let which = match c {
        '\0' => "a NUL".to_owned(),
        '\n' | '\r' => "a line break".to_owned(),
        _ => format!("the control character U+{:04X}", u32::from(c)),
    };
    complaints.error(
        "spec::control-character",
        place,
        format!("{what} holds {which}"),
        Some("keep it to text on one line".into()),
    );
    false
}

/// Control characters, what changes the direction of writing, and what else ends a line (KDL 2.0.0,
/// "Disallowed Literal Code Points" and "Newline").
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// What is named twice: the second adds nothing, or contradicts the first.
fn repeated(spec: &VmSpec, complaints: &mut Complaints) {
    let mut twice = |place: &str, names: Vec<&str>, how: &str| {
        for (index, name) in names.iter().enumerate() {
            let Some(first) = names[..index].iter().position(|n| n == name) else {
                continue;
            };
            let complaint = complaints.error(
                "spec::duplicate-value",
                format!("{place}/{index}"),
                format!("`{name}` is {how} twice"),
                Some("keep one of the two".into()),
            );
            let first = (format!("{place}/{first}"), "first here".to_owned());
            complaint.also.push(first);
        }
    };
    for (place, list) in [
        ("/abi", &spec.abi),
        ("/vary", &spec.vary),
        ("/runs-on", &spec.runs_on),
        ("/import", &spec.import),
        ("/cpu/hide", &spec.cpu.hide),
    ] {
        twice(place, list.iter().map(String::as_str).collect(), "named");
    }
    let allowed = spec.allow.iter().map(|a| a.code.as_str());
    twice("/allow", allowed.collect(), "allowed");
    for (index, allow) in spec.allow.iter().enumerate() {
        let fields = allow.fields.iter().flatten().map(String::as_str);
        let place = format!("/allow/{index}/fields");
        twice(&place, fields.collect(), "named");
    }
    let set = spec.cpu.set.iter().map(|s| s.field.as_str());
    twice("/cpu/set", set.collect(), "set");
    let features = spec.cpu.features.iter().map(|f| f.name());
    twice("/cpu/features", features.collect(), "named");
}
