//! Values of another type than they have to be: what their author meant by them. A help never says a value that means
//! something else: where it is not sure what was meant, it says what there may be.

use super::event;
use crate::language::nodes::{EVENT, Value};
use kdl::KdlValue;
use std::ops::RangeInclusive;

/// What stands in a KDL file for a value that was written as a text, for a number within bounds.
pub(super) fn number(
    value: &KdlValue,
    name: &str,
    what: &str,
    bounds: &RangeInclusive<u64>,
) -> String {
    match value {
        KdlValue::String(text) => match read(text.trim()) {
            // As it was spelt, for `0x1` says more than `1` does.
            Some(number) if bounds.contains(&number) => {
                format!("write `{name}{}`, without quotes", text.trim())
            }
            _ => format!("{}, without quotes", range(what, bounds)),
        },
        KdlValue::Float(float) => match whole(*float, bounds) {
            Some(number) => format!("write `{name}{number}`"),
            None => range(what, bounds),
        },
        KdlValue::Null if !["", "count="].contains(&name) => absent(name),
        _ => range(what, bounds),
    }
}

/// An event of the PMU that was written as a text.
pub(super) fn event(text: &str) -> Option<String> {
    let event = event::by_name(text.trim())?;
    Some(format!(
        "write `{:#04x}`: the number of {}, without quotes",
        event.number, event.name
    ))
}

/// What a number may be.
pub(super) fn range(what: &str, bounds: &RangeInclusive<u64>) -> String {
    match *bounds.end() {
        u64::MAX => format!("{what} is {} to {:#x}", bounds.start(), u64::MAX),
        end => format!("{what} is {} to {end}", bounds.start()),
    }
}

/// What is written for a value that is not to be there.
pub(super) fn absent(name: &str) -> String {
    match name.trim_end_matches('=') {
        "" => "write the value, in quotes; a line that may be missing is left out".to_owned(),
        "kernel" => "name the file; a machine that boots nothing has no `boot`".to_owned(),
        name => format!("leave `{name}` out: what is not written is not there"),
    }
}

/// `#true` or `#false`, as other languages write them.
pub(super) fn truth(value: &KdlValue) -> Option<bool> {
    match value {
        KdlValue::Bool(truth) => Some(*truth),
        KdlValue::Integer(number @ (0 | 1)) => Some(*number == 1),
        KdlValue::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "1" => Some(true),
            "false" | "no" | "off" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

/// A value as it is written where that kind of value stands, its meaning kept: a number or a truth value without quotes, a
/// text within them. `None` where it is none of that kind, or would have to become another.
pub(in crate::language) fn same(kind: Value, value: &KdlValue, written: &str) -> Option<String> {
    let bounds = match kind {
        Value::Number(number) => Some(number.least..=number.most),
        Value::Event => Some(EVENT.least..=EVENT.most),
        _ => None,
    };
    match (kind, value, bounds) {
        (_, KdlValue::Integer(number), Some(bounds)) => {
            let fits = u64::try_from(*number).is_ok_and(|number| bounds.contains(&number));
            fits.then(|| written.to_owned())
        }
        // As it was spelt.
        (_, KdlValue::String(text), Some(bounds)) => {
            let fits = read(text.trim()).is_some_and(|number| bounds.contains(&number));
            fits.then(|| text.trim().to_owned())
        }
        (_, KdlValue::Float(float), Some(bounds)) => whole(*float, &bounds),
        (Value::Truth, value, _) => truth(value).map(|truth| format!("#{truth}")),
        (Value::Size(_), KdlValue::String(text), _) => {
            super::size(text).is_ok().then(|| written.to_owned())
        }
        (Value::Size(_), ..) => None,
        (_, KdlValue::String(_), None) => Some(written.to_owned()),
        (Value::Text, KdlValue::Integer(_) | KdlValue::Float(_), _)
        // `3.1` is one of them, and `3` is none.
        | (Value::Named("PmuVersion"), KdlValue::Float(_), _) => Some(format!("\"{written}\"")),
        _ => None,
    }
}

/// A whole number that was written with a fraction.
fn whole(float: f64, bounds: &RangeInclusive<u64>) -> Option<String> {
    let within = (*bounds.start() as f64..=*bounds.end() as f64).contains(&float);
    // Above that not every whole number is a float.
    let exact = float.fract() == 0.0 && float < 9_007_199_254_740_992.0;
    (within && exact).then(|| format!("{float:.0}"))
}

/// A number of KDL in a text.
pub fn read(text: &str) -> Option<u64> {
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            let plain = digits.starts_with(|c: char| c.is_digit(radix));
            return u64::from_str_radix(&digits.replace('_', ""), radix)
                .ok()
                .filter(|_| plain);
        }
    }
    let plain = text.starts_with(|c: char| c.is_ascii_digit());
    text.replace('_', "").parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_help_says_another_number() {
        let of = |text: &str| number(&KdlValue::String(text.into()), "", "the value", &(0..=15));
        assert_eq!(of("0x1"), "write `0x1`, without quotes");
        assert_eq!(of(" 7 "), "write `7`, without quotes");
        assert_eq!(of("0b10"), "write `0b10`, without quotes");
        for text in ["16", "0x", "0x10", "-1", "+1", "on", "", "1.5", "0X1", "_1"] {
            assert_eq!(of(text), "the value is 0 to 15, without quotes", "{text}");
        }
        let float = |float| number(&KdlValue::Float(float), "count=", "`count`", &(1..=8));
        assert_eq!(float(2.0), "write `count=2`");
        for other in [2.5, 0.0, 9.0, f64::NAN, f64::INFINITY] {
            assert_eq!(float(other), "`count` is 1 to 8", "{other}");
        }
    }
}
