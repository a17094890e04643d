//! Registers and their fields, by the names and numbers that others have for them.

use super::MEANT_MAX;
use super::features::of_field;
use crate::catalogue::{
    BASELINES, Kind, REGISTERS, RegisterInfo, register_by_id, register_by_name,
};
use crate::words::did_you_mean;

/// A register by its KVM id (`0x603000000013c030`), as assemblers write it (`S3_0_C0_C6_0`), or the first of a row.
pub fn by_number(name: &str) -> Option<&'static RegisterInfo> {
    if name.contains("<n>") {
        return register_by_name(&name.replace("<n>", "0"));
    }
    let digits = name.strip_prefix("0x").unwrap_or(name);
    if digits.len() == 16 {
        return register_by_id(u64::from_str_radix(digits, 16).ok()?);
    }
    let upper = name.to_ascii_uppercase();
    // Encodings are written with colons, too: `3:0:0:4:0`.
    let parts: Vec<&str> = match upper.strip_prefix('S') {
        Some(rest) => rest.split('_').collect(),
        None => upper.split(':').collect(),
    };
    let [op0, op1, crn, crm, op2] = parts.as_slice() else {
        return None;
    };
    let number = |text: &str, most: u16| {
        let digits = text.bytes().all(|b| b.is_ascii_digit());
        let number = text.parse::<u16>().ok().filter(|_| digits);
        number.filter(|n| *n <= most)
    };
    let bare = |text: &str| text.strip_prefix('C').unwrap_or(text).to_owned();
    if upper.starts_with('S') && !(crn.starts_with('C') && crm.starts_with('C')) {
        return None;
    }
    let encoding = number(op0, 3)? << 14
        | number(op1, 7)? << 11
        | number(&bare(crn), 15)? << 7
        | number(&bare(crm), 15)? << 3
        | number(op2, 7)?;
    REGISTERS.iter().find(|r| r.encoding == Some(encoding))
}

/// A field of a register as the catalogue spells it: `ID_AA64ISAR0_EL1.TLB` for `id_aa64isar0_el1.tlb`.
pub fn spelled(path: &str) -> Option<String> {
    let (name, field) = path.split_once('.')?;
    let register = register_by_name(&name.to_ascii_uppercase())?;
    let mut fields = register.fields.iter();
    let field = fields.find(|f| f.name.eq_ignore_ascii_case(field))?;
    Some(format!("{}.{}", register.name, field.name))
}

/// The same as [`register`] where a field has to stand: of a whole register it says which there are.
pub fn field(path: &str) -> Option<String> {
    let help = register(path)?;
    let one = help.strip_prefix("did you mean `");
    let one = one.and_then(|rest| rest.strip_suffix("`?"));
    let Some(register) = one.and_then(register_by_name) else {
        return Some(help);
    };
    let is_number = by_number(path).is_some();
    let sources = in_sources(path);
    let named = if is_number { "" } else { apart(&sources).1 };
    let mut fields = register.fields.iter();
    match fields.find(|f| f.name.eq_ignore_ascii_case(named)) {
        Some(field) => Some(format!("did you mean `{}.{}`?", register.name, field.name)),
        None if named.is_empty() && is_number => Some(of_register(
            register,
            &format!("it is `{}`: ", register.name),
        )),
        // A name that is like another is a guess.
        None if named.is_empty() => Some(of_register(register, &format!("{help} "))),
        None => Some(help),
    }
}

/// A path's register and its field, whatever stands between them.
fn apart(path: &str) -> (&str, &str) {
    match path.find(['.', ':', '[', '/', ' ']) {
        Some(at) => (&path[..at], path[at + 1..].trim_matches([']', ' ', ':'])),
        None => (path, ""),
    }
}

/// That a field of the register is to be written, and which there are.
fn of_register(register: &RegisterInfo, before: &str) -> String {
    let name = &register.name;
    let fields: Vec<&str> = register.fields.iter().map(|f| f.name.as_ref()).collect();
    let one = fields.first().unwrap_or(&"FIELD");
    let fields = fields.join(", ");
    format!("{before}write a field of it, such as `{name}.{one}`; there are {fields}")
}

/// What to write for a register, or a field of one, that is not known by that name; nothing where nothing is like it.
pub fn register(path: &str) -> Option<String> {
    if let Some(words) = elsewhere(path) {
        return Some(words);
    }
    if let Some(register) = register_by_name(path) {
        return Some(of_register(register, ""));
    }
    if let Some(register) = by_number(path) {
        return Some(format!("did you mean `{}`?", register.name));
    }
    let path = in_sources(path);
    let (name, rest) = apart(&path);
    // As Linux's sources call it.
    let linux = name
        .strip_prefix("SYS_")
        .or_else(|| name.strip_prefix("sys_"));
    let name = linux.unwrap_or(name);
    let upper = match by_number(name) {
        Some(register) => register.name.to_string(),
        None => name.trim().to_ascii_uppercase(),
    };
    let ids = || REGISTERS.iter().filter(|r| r.kind != Kind::State);
    let found: Vec<&RegisterInfo> = ids()
        .filter(|r| {
            let same_level = r.name.contains(upper.as_str());
            core(&r.name) == core(&upper) && (same_level || level(&r.name) == level(&upper))
        })
        .collect();
    let fields: Vec<String> = found
        .iter()
        .flat_map(|r| {
            let fields = r.fields.iter().filter(|f| {
                f.name.eq_ignore_ascii_case(rest) || bits(rest) == Some((f.high, f.low))
            });
            fields.map(|f| format!("`{}.{}`", r.name, f.name))
        })
        .collect();
    let names: Vec<String> = match fields.is_empty() {
        false => fields,
        true => found.iter().map(|r| format!("`{}`", r.name)).collect(),
    };
    match names.len() {
        0 => did_you_mean(name, ids().map(|r| r.name.as_ref())).or_else(|| of_field(rest)),
        1..=MEANT_MAX => Some(format!("did you mean {}?", names.join(" or "))),
        _ => None,
    }
}

/// A path as sources of programs spell it, with a point: `ID_AA64PFR0_EL1_SVE`, `ID_AA64PFR0_EL1->SVE`.
fn in_sources(path: &str) -> String {
    let path = path.replace("->", ".").replace("::", ".");
    let upper = path.to_ascii_uppercase();
    match upper.find("_EL1_").filter(|_| !path.contains('.')) {
        Some(at) => {
            let (name, field) = path.split_at(at + "_EL1".len());
            let field = &field[1..];
            let field = ["_SHIFT", "_MASK", "_WIDTH"]
                .iter()
                .find_map(|end| field.strip_suffix(end))
                .unwrap_or(field);
            format!("{name}.{field}")
        }
        None => path,
    }
}

/// A register's name without the exception level.
fn level(name: &str) -> &str {
    name.rsplit_once("_EL").map_or(name, |(name, _)| name)
}

/// A register's name without what all of its kind have.
fn core(name: &str) -> &str {
    let name = level(name);
    let name = name.strip_prefix("ID_").unwrap_or(name);
    name.strip_prefix("AA64").unwrap_or(name)
}

/// `7:4`, or `7` for a field of one bit.
fn bits(text: &str) -> Option<(u8, u8)> {
    let (high, low) = text.split_once(':').unwrap_or((text, text));
    Some((high.trim().parse().ok()?, low.trim().parse().ok()?))
}

/// What a guest finds outside of the registers that `set`, `hide` and `vary` reach, and who decides it.
fn elsewhere(path: &str) -> Option<String> {
    let name = path.split('.').next().unwrap_or(path).to_ascii_uppercase();
    let name = name.trim_end_matches("()");
    let parts = |family: &str| {
        let parts = BASELINES.iter().filter(|b| b.part.is_some());
        let parts = parts.filter(|b| b.name.starts_with(family));
        let names: Vec<String> = parts.map(|b| format!("\"{}\"", b.name)).collect();
        names.join(", ")
    };
    match name {
        "GICD_IIDR" | "GICR_IIDR" | "GICD" => Some(format!(
            "baselines decide the interrupt controller's revision: name one of {} in `abi`",
            parts("gic-iidr-")
        )),
        "PSCI" | "PSCI_VERSION" => Some(format!(
            "baselines decide the version of PSCI: name one of {} in `abi`",
            parts("psci-")
        )),
        _ if name.starts_with("GICD_") || name.starts_with("GICR_") => Some(
            "it follows from the machine and its baselines, which are all that decides it: leave it out".to_owned(),
        ),
        _ if name.starts_with("SMCCC") || name.starts_with("ARM_SMCCC") => Some(format!(
            "baselines decide which firmware calls are answered: among {} in `abi`",
            parts("smccc-")
        )),
        _ => None,
    }
}
