//! Features by name in `hide` and `set`: the hwcaps of Linux, and what else people write there.

use super::decision::Want;
use super::{Complaints, Context};
use crate::catalogue::{Announcement, HWCAPS, Hwcap, Kind, REGISTERS, hwcap, register_by_name};
use crate::names;
use crate::vm::{Feature, SetField};
use crate::words::did_you_mean;

/// What `hide` and `set` take.
const TAKES: &str = "a Linux hwcap as in /proc/cpuinfo, such as \"crc32\" (`vmlock explain` lists them), or REGISTER.FIELD";

/// Whether a word stands for a feature: no field, and no register without its field.
pub(super) fn is_name(word: &str) -> bool {
    !word.contains('.') && register_by_name(word).is_none()
}

/// The fields that announce what an entry of `hide` names; `None` where it cannot be hidden.
pub(super) fn hidden(
    context: &Context,
    name: &str,
    place: &str,
    complaints: &mut Complaints,
) -> Option<&'static [Announcement]> {
    match hwcap(name) {
        Some(hwcap) => fields(context, hwcap, place, complaints),
        None => {
            unknown(context, name, place, complaints);
            None
        }
    }
}

/// What an entry of `set` that names a feature wants of which field: 0 hides the feature, 1 promises it.
pub(super) fn set(
    context: &Context,
    set: &SetField,
    place: &str,
    complaints: &mut Complaints,
) -> Vec<(&'static str, Want)> {
    let at = format!("{place}/field");
    let Some(hwcap) = hwcap(&set.field) else {
        unknown(context, &set.field, &at, complaints);
        return Vec::new();
    };
    let Some(fields) = fields(context, hwcap, &at, complaints) else {
        return Vec::new();
    };
    let want = |f: &'static Announcement| {
        let (register, field) = crate::catalogue::field(&f.path)?;
        let path = f.path.as_ref();
        if set.value == 0 {
            return Some((path, Want::AtMost(f.without(field))));
        }
        // A feature of AArch64 need not be there in AArch32.
        let silicon = context.said(register).unwrap_or_default();
        let optional = !register.name.starts_with("ID_AA64");
        let lacks = silicon
            .get(field)
            .is_none_or(|has| field.order(has) < field.order(f.from));
        (!(optional && lacks)).then_some((path, Want::AtLeast(f.from)))
    };
    if set.value > 1 {
        complaints.error(
            "spec::impossible-value",
            format!("{place}/value"),
            format!("`{}` is there or not: it cannot be {}", set.field, set.value),
            Some("1 promises the feature, 0 hides it; a field with more values is set as REGISTER.FIELD".into()),
        );
        return Vec::new();
    }
    fields.iter().filter_map(want).collect()
}

/// The fields that announce a feature, where it is the spec's to decide.
fn fields(
    context: &Context,
    hwcap: &'static Hwcap,
    place: &str,
    complaints: &mut Complaints,
) -> Option<&'static [Announcement]> {
    let name = &hwcap.name;
    if let Some(why) = &hwcap.why {
        complaints.error(
            "spec::not-settable",
            place,
            format!("no lock decides `{name}`: {why}"),
            Some("leave it out".into()),
        );
        return None;
    }
    let Some(feature) = &hwcap.feature else {
        return Some(&hwcap.fields);
    };
    let known = Feature::ALL.iter().find(|f| f.name() == feature);
    let Some(known) = known else {
        complaints.error(
            "spec::off-already",
            place,
            format!("`{name}` is off already: vmlock turns `{feature}` on for no guest"),
            Some("leave it out".into()),
        );
        return None;
    };
    let index = context.spec.cpu.features.iter().position(|f| f == known);
    match index {
        None => off_already(*known, name, place, complaints),
        Some(index) if hwcap.fields.is_empty() => {
            complaints
                .error(
                    "spec::contradiction",
                    place,
                    format!("`{feature}` is turned on and decided here too"),
                    Some(format!(
                        "`{feature}` among the features alone turns it on, and its absence off"
                    )),
                )
                .also
                .push((format!("/cpu/features/{index}"), "turned on here".into()));
        }
        Some(_) => return Some(&hwcap.fields),
    }
    None
}

/// A vCPU feature, or what comes with one, that no guest of this spec has.
fn off_already(feature: Feature, name: &str, place: &str, complaints: &mut Complaints) {
    let feature = feature.name();
    let message = match name == feature {
        true => format!(
            "`{name}` is off already: it is a vCPU feature, off unless the `cpu` block names it"
        ),
        false => format!(
            "`{name}` is off already: it comes with the vCPU feature `{feature}`, off unless the `cpu` block names it"
        ),
    };
    complaints.error(
        "spec::off-already",
        place,
        message,
        Some(format!(
            "leave it out; `{feature}` on a line of its own in the `cpu` block would turn it on"
        )),
    );
}

/// A word that is no hwcap.
fn unknown(context: &Context, name: &str, place: &str, complaints: &mut Complaints) {
    let ours = names::feature_elsewhere(name);
    if let Some((index, feature)) = feature(context, ours.unwrap_or(name)) {
        match index {
            None => off_already(feature, name, place, complaints),
            Some(index) => {
                complaints
                    .error(
                        "spec::contradiction",
                        place,
                        format!("`{name}` is turned on and decided here too"),
                        Some(format!(
                            "`{}` among the features alone turns it on, and its absence off",
                            feature.name()
                        )),
                    )
                    .also
                    .push((format!("/cpu/features/{index}"), "turned on here".into()));
            }
        }
        return;
    }
    let names = HWCAPS.iter().map(|h| h.name.as_ref());
    let paths = fields_called(name);
    let plain = name.strip_prefix("FEAT_").unwrap_or(name);
    let hwcap = HWCAPS.iter().find(|h| h.name.eq_ignore_ascii_case(plain));
    let hwcap = hwcap.or_else(|| HWCAPS.iter().find(|h| Some(h.name.as_ref()) == ours));
    let help = match (hwcap, paths.is_empty(), did_you_mean(name, names)) {
        (Some(hwcap), _, _) => format!("write \"{}\", as in /proc/cpuinfo", hwcap.name),
        (None, false, _) => format!("as a field it is {}", paths.join(" and ")),
        (None, true, Some(near)) => near,
        (None, true, None) => match names::field(name) {
            Some(help) => {
                let message = format!("`{}` is no feature, and no field", name.escape_debug());
                complaints.error("spec::unknown-register", place, message, Some(help));
                return;
            }
            None => format!("write {TAKES}"),
        },
    };
    complaints.error(
        "spec::unknown-feature",
        place,
        format!(
            "unknown feature `{}`: Linux 7.3 has no hwcap of that name",
            name.escape_debug()
        ),
        Some(help),
    );
}

/// The vCPU feature of that name that is no hwcap, and where the spec turns it on.
fn feature(context: &Context, name: &str) -> Option<(Option<usize>, Feature)> {
    let feature = *Feature::ALL.iter().find(|f| f.name() == name)?;
    let on = context.spec.cpu.features.iter().position(|f| *f == feature);
    Some((on, feature))
}

/// ID register fields of that name, which people know as `FEAT_…` too.
fn fields_called(name: &str) -> Vec<String> {
    let plain = name.strip_prefix("FEAT_").unwrap_or(name);
    let registers = REGISTERS.iter().filter(|r| r.kind == Kind::Id);
    let paths = registers.flat_map(|r| {
        let fields = r
            .fields
            .iter()
            .filter(|f| f.name.eq_ignore_ascii_case(plain));
        fields.map(|f| format!("\"{}.{}\"", r.name, f.name))
    });
    let mut paths: Vec<String> = paths.collect();
    // By register, those of AArch64 first.
    paths.sort_by_key(|path| !path.starts_with("\"ID_AA64"));
    paths
}
