//! What is probably meant by a name of which nothing is known.

use super::beside;
use crate::codes;
use crate::diagnostic::Diagnostic;
use vmlock_spec::catalogue::{BASELINES, CPUS, Catalogue, HWCAPS, REGISTERS};
use vmlock_spec::names;
use vmlock_spec::words::did_you_mean;

/// Most codes that are told of one that is half typed.
const BEGUN_MAX: usize = 6;

/// The finding on such a name, with what a person needs who asked for it.
pub fn unknown(name: &str) -> Diagnostic {
    let diagnostic = Diagnostic::error("explain::unknown", format!("nothing is known of `{name}`"));
    let codes: Vec<&str> = codes::all().map(|c| c.code).collect();
    let names = BASELINES
        .iter()
        .map(|b| b.name.as_ref())
        .chain(CPUS.iter().map(|c| c.name.as_ref()))
        .chain(HWCAPS.iter().map(|h| h.name.as_ref()))
        .chain(REGISTERS.iter().map(|r| r.name.as_ref()))
        .chain(codes);
    let meant = names::of_release(name).filter(|_| name.contains('.'));
    let near = match meant.or_else(|| of_family(name)) {
        Some(_) => Some(names::baseline(name, &Catalogue::builtin())),
        None if names::feature_elsewhere(name).is_some() => names::feature(name),
        None if names::is_core_of_arm(name) => Some(names::cpu(name, &Catalogue::builtin())),
        None => of_code(name)
            .or_else(|| of_value(name))
            .or_else(|| of_row(name))
            .or_else(|| did_you_mean(name, names))
            .or_else(|| of_field(name))
            .or_else(|| beside::controllers(name))
            .or_else(|| names::register(name))
            .or_else(|| names::feature(name)),
    };
    diagnostic.help(
        near.unwrap_or_else(|| "`vmlock explain` without a name lists what there is".to_owned()),
    )
}

/// A name of a family of baselines, `psci-1.4` or `ubuntu-24.04`.
fn of_family(name: &str) -> Option<String> {
    const FAMILIES: [&str; 9] = [
        "psci-", "smccc-", "gic-", "debian", "ubuntu", "rhel", "bullseye", "bookworm", "trixie",
    ];
    let lower = name.to_ascii_lowercase();
    let of = FAMILIES.iter().any(|family| lower.starts_with(family));
    of.then_some(lower)
}

/// A code without what stands before its `::`, or with something else there.
fn of_code(name: &str) -> Option<String> {
    let last = name.rsplit("::").next().unwrap_or(name);
    let same = codes::all().filter(|code| code.code.rsplit("::").next() == Some(last));
    let mut same: Vec<String> = same.map(|code| format!("`{}`", code.code)).collect();
    if same.is_empty() && name.contains("::") {
        // The beginning of one, as it is typed.
        let mut begun = codes::all().filter(|code| code.code.starts_with(name));
        let first = begun.by_ref().take(BEGUN_MAX);
        same = first.map(|code| format!("`{}`", code.code)).collect();
        let more = begun.count();
        if more > 0 {
            return Some(format!(
                "{} codes begin so: {} and {more} more; `vmlock man --reference FOLDER` writes a page of each",
                same.len() + more,
                same.join(", ")
            ));
        }
    }
    (!same.is_empty()).then(|| format!("did you mean {}?", same.join(" or ")))
}

/// `ID_AA64ISAR0_EL1.AES=1`, as it may stand in a report of differences.
fn of_value(name: &str) -> Option<String> {
    let (path, _) = name.split_once('=')?;
    super::field(path.trim())
        .map(|(register, field)| format!("did you mean `{}.{}`?", register.name, field.name))
}

/// A field of a register that there is.
fn of_field(name: &str) -> Option<String> {
    let (register, field) = name.split_once('.')?;
    let register = REGISTERS
        .iter()
        .find(|r| r.name.eq_ignore_ascii_case(register))?;
    let fields: Vec<&str> = register.fields.iter().map(|f| f.name.as_ref()).collect();
    let near = did_you_mean(field, fields.iter().copied());
    Some(near.unwrap_or_else(|| format!("`{}` has: {}", register.name, fields.join(", "))))
}

/// Registers that stand in a row, `CCSIDR_EL1`, and those of KVM's by the end of their names, `STD_BMAP`.
fn of_row(name: &str) -> Option<String> {
    let upper = name.to_ascii_uppercase();
    let row = format!("{upper}[");
    let end = format!("_{upper}");
    let all = || REGISTERS.iter().map(|register| register.name.as_ref());
    let mut of_row = all().filter(|name| name.starts_with(&row));
    match (of_row.next(), of_row.next_back()) {
        (Some(first), Some(last)) => return Some(format!("there are `{first}` to `{last}`")),
        (Some(one), None) => return Some(format!("did you mean `{one}`?")),
        _ => {}
    }
    let long = upper.len() > 3;
    let found = all().find(|name| long && name.starts_with("KVM_REG_") && name.ends_with(&end));
    found.map(|name| format!("did you mean `{name}`?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_codes_that_begin_so_it_is_said_how_many_there_are() {
        let all = codes::all()
            .filter(|code| code.code.starts_with("spec::"))
            .count();
        let said = of_code("spec::").expect("there are some");
        assert!(
            said.starts_with(&format!("{all} codes begin so: `spec::")),
            "{said}"
        );
        assert!(
            said.contains(&format!(" and {} more; ", all - BEGUN_MAX)),
            "{said}"
        );
        assert_eq!(said.matches('`').count(), 2 * BEGUN_MAX + 2, "{said}");
        let one = of_code(&format!("spec::{}", "emulated"));
        assert_eq!(one.as_deref(), Some("did you mean `spec::emulated-cpu`?"));
    }
}
