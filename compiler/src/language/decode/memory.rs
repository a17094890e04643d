//! `memory "512MiB"`: sizes are binary, and say so.

use super::Decoder;
use super::span::range;
use crate::language::nodes::Size;
use kdl::{KdlEntry, KdlNode};
use std::ops::Range;

impl Decoder<'_> {
    /// Reports a number and its unit with a blank between them; whether there are such.
    pub(super) fn apart(&mut self, node: &KdlNode, what: &str, of: &Size) -> bool {
        let apart = apart(node);
        if let Some((span, size)) = &apart {
            self.push(
                of.code,
                format!("{what} is one value, with its unit"),
                span.clone(),
                "two values",
                format!("write `{}\"{size}\"`", of.before),
            );
        }
        apart.is_some()
    }

    /// A size with its unit.
    pub(super) fn size(&mut self, entry: &KdlEntry, what: &str, of: &Size) -> Option<u64> {
        if let Some(number) = entry.value().as_integer() {
            let unit = with_unit(number);
            self.wrong_type(
                entry,
                what,
                "a size with its unit",
                format!("for example `{}\"{unit}\"`", of.before),
            );
            return None;
        }
        if let Some(float) = entry
            .value()
            .as_float()
            .filter(|float| (1.0..1e15).contains(float))
        {
            let help = format!(
                "for example `{}\"{}\"`",
                of.before,
                with_unit(float as i128)
            );
            self.wrong_type(entry, what, "a size with its unit", help);
            return None;
        }
        let text = self.string(entry, what)?;
        match size(&text) {
            Ok(bytes) => Some(bytes),
            Err(help) => {
                let message = format!("`{text}` is not a size");
                let help = help.unwrap_or_else(|| of.limits.to_owned());
                self.push(of.code, message, self.value_span(entry), "not a size", help);
                None
            }
        }
    }
}

/// What was probably meant by a number without its unit.
pub(super) fn with_unit(number: i128) -> String {
    match number {
        1..64 => format!("{number}GiB"),
        64..16_777_216 => format!("{number}MiB"),
        16_777_216.. => format!("{}MiB", number >> 20),
        _ => "512MiB".to_owned(),
    }
}

/// A number and a unit with a blank between them: where they stand, and the size that was meant.
fn apart(node: &KdlNode) -> Option<(Range<usize>, String)> {
    let (number, unit) = match node.entries() {
        [unit, number] if unit.name().is_some() => (number, unit),
        [number, unit] => (number, unit),
        _ => return None,
    };
    let count = match number.value().as_string() {
        Some(digits) => digits.parse().ok().filter(|count| *count > 0),
        None => number.value().as_integer(),
    };
    let (count, text) = (count?, unit.value().as_string()?);
    let unit_is_one =
        number.name().is_none() && unit.name().is_none_or(|name| name.value() == "unit");
    let letter = text.chars().next()?.to_ascii_uppercase();
    let (one, other) = (range(number.span()), range(unit.span()));
    let span = one.start.min(other.start)..one.end.max(other.end);
    (unit_is_one && "KMGT".contains(letter)).then(|| (span, format!("{count}{letter}iB")))
}

/// Bytes of a size such as `512MiB`.
///
/// # Errors
/// What to write instead; `None` where it is more bytes than can be counted.
pub fn size(text: &str) -> Result<u64, Option<String>> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let Ok(number) = number.parse::<u64>() else {
        let bare = text.trim_start_matches([' ', '\t', '+']);
        if bare.len() < text.len() && bare.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(match size(bare) {
                Ok(_) => Some(format!("write `{bare}`")),
                Err(help) => help,
            });
        }
        let help = "write a whole number and `MiB` or `GiB`, for example `512MiB`";
        return Err(Some(help.to_owned()));
    };
    let shift = match unit {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        "" => {
            let meant = with_unit(i128::from(number));
            return Err(Some(format!("add the unit, for example `{meant}`")));
        }
        unit => return Err(Some(meant(number, unit))),
    };
    number.checked_mul(1 << shift).ok_or(None)
}

/// What to write for a size in another spelling.
fn meant(number: u64, unit: &str) -> String {
    let units = "the units are `KiB`, `MiB`, `GiB` and `TiB`";
    // A part of a unit is whole in the next smaller one.
    if let Some(rest) = unit.strip_prefix('.') {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (part, unit) = rest.split_at(digits);
        let letter = unit
            .trim_start()
            .chars()
            .next()
            .map(|c| c.to_ascii_uppercase());
        let smaller = match letter {
            Some('M') => "KiB",
            Some('G') => "MiB",
            Some('T') => "GiB",
            _ => return units.to_owned(),
        };
        let (Ok(part), Some(scale)) = (part.parse::<u64>(), 10_u64.checked_pow(digits as u32))
        else {
            return units.to_owned();
        };
        let whole = part
            .checked_mul(1024)
            .filter(|all| digits > 0 && all % scale == 0);
        let whole = whole.and_then(|all| number.checked_mul(1024)?.checked_add(all / scale));
        return whole.map_or_else(
            || format!("sizes are whole: write it in {smaller}"),
            |whole| format!("write `{whole}{smaller}`: sizes are whole numbers"),
        );
    }
    // Digits may be parted by a sign, and stand with a blank before their unit.
    let parted = unit.strip_prefix([',', '_', '\'']).filter(|rest| {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits == 3
    });
    if let Some(rest) = parted {
        let (more, unit) = rest.split_at(3);
        return match format!("{number}{more}").parse::<u64>() {
            Ok(number) => meant(number, unit),
            Err(_) => units.to_owned(),
        };
    }
    let letter = unit.trim_start_matches([' ', '_', '-']).chars().next();
    match letter.map(|c| c.to_ascii_uppercase()) {
        Some(unit @ ('K' | 'M' | 'G' | 'T')) => {
            format!("write `{number}{unit}iB`: sizes are binary, and say so")
        }
        _ => units.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_say_so() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        for (text, help) in [
            ("512MB", "`512MiB`"),
            ("2g", "`2GiB`"),
            ("512", "`512MiB`"),
            ("2", "`2GiB`"),
            ("536870912", "`512MiB`"),
            ("0.5GiB", "`512MiB`"),
            ("1.5G", "`1536MiB`"),
            ("1.25 TiB", "`1280GiB`"),
            ("0.3GiB", "whole: write it in MiB"),
            ("1.GiB", "the units are"),
            ("1.5", "the units are"),
            ("1,024MiB", "`1024MiB`"),
            ("1_024 mb", "`1024MiB`"),
            ("512_MiB", "`512MiB`"),
            ("512 MiB", "`512MiB`"),
            ("5e8", "the units are"),
            ("99999PiB", "the units are"),
            ("1.99999999999999999999999GiB", "the units are"),
        ] {
            let found = size(text).unwrap_err().unwrap();
            assert!(found.contains(help), "{text}: {found}");
        }
        assert_eq!(size("99999999999999999TiB"), Err(None));
        assert!(size("").is_err());
        assert!(size("-1MiB").is_err());
    }
}
