//! `memory "512MiB"`: sizes are binary, and say so.

use super::Decoder;
use super::span::range;
use kdl::KdlNode;
use std::ops::Range;

impl Decoder<'_> {
    pub(super) fn memory(&mut self, node: &KdlNode) -> Option<u64> {
        self.properties(node, &[]);
        self.no_children(node);
        if let Some((span, size)) = apart(node) {
            self.push(
                "spec::memory-size",
                "memory is one value, with its unit".to_owned(),
                span,
                "two values",
                format!("write `memory \"{size}\"`"),
            );
            return None;
        }
        let entry = self.only(node, "memory \"512MiB\"")?;
        let span = range(entry.span());
        self.places.note("/memory", span.clone());
        if let Some(number) = entry.value().as_integer() {
            let unit = match number {
                1..64 => format!("{number}GiB"),
                64..16_777_216 => format!("{number}MiB"),
                16_777_216.. => format!("{}MiB", number >> 20),
                _ => "512MiB".to_owned(),
            };
            self.wrong_type(
                entry,
                "memory",
                "a size with its unit",
                format!("for example `memory \"{unit}\"`"),
            );
            return None;
        }
        let text = self.string(entry, "memory")?;
        match size(&text) {
            Ok(bytes) => Some(bytes),
            Err(help) => {
                let message = format!("`{text}` is not a size");
                self.push("spec::memory-size", message, span, "not a size", help);
                None
            }
        }
    }
}

/// A number and a unit with a blank between them: where they stand, and the size that was meant.
fn apart(node: &KdlNode) -> Option<(Range<usize>, String)> {
    let [number, unit] = node.entries() else {
        return None;
    };
    let (count, text) = (number.value().as_integer()?, unit.value().as_string()?);
    let unit_is_one = number.name().is_none() && unit.name().is_none();
    let letter = text.chars().next()?.to_ascii_uppercase();
    let span = range(number.span()).start..range(unit.span()).end;
    (unit_is_one && "KMGT".contains(letter)).then(|| (span, format!("{count}{letter}iB")))
}

/// Bytes of a size such as `512MiB`.
///
/// # Errors
/// What to write instead.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let Ok(number) = number.parse::<u64>() else {
        return Err("write a whole number and `MiB` or `GiB`, for example `512MiB`".to_owned());
    };
    let shift = match unit {
        "KiB" => 10,
        "MiB" => 20,
        "GiB" => 30,
        "TiB" => 40,
        _ => {
            let letter = unit
                .trim_start()
                .chars()
                .next()
                .map(|c| c.to_ascii_uppercase());
            return Err(match letter {
                Some(unit @ ('K' | 'M' | 'G' | 'T')) => {
                    format!("write `{number}{unit}iB`: sizes are binary, and say so")
                }
                Some(_) => "the units are `KiB`, `MiB`, `GiB` and `TiB`".to_owned(),
                None => format!("add the unit, for example `{number}MiB`"),
            });
        }
    };
    number
        .checked_mul(1 << shift)
        .ok_or_else(|| "memory is 64MiB to 255TiB".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_binary_and_say_so() {
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("2GiB"), Ok(2 << 30));
        assert!(size("512MB").unwrap_err().contains("512MiB"));
        assert!(size("2g").unwrap_err().contains("2GiB"));
        assert!(size("512").unwrap_err().contains("512MiB"));
        assert!(size("99999999999999999TiB").is_err());
        assert!(size("").is_err());
        assert!(size("-1MiB").is_err());
    }
}
