//! What a bare word is: a number, a size, a feature, something in quotes that KDL does not know.

/// Features of the `cpu` block: the word alone turns one on.
pub(super) const FLAGS: [&str; 6] = ["pmu", "pauth", "mte", "sve", "steal-time", "aarch32"];

/// What people and their editors write for `"`.
pub(super) const OTHER_QUOTES: [char; 13] = [
    '\'', '`', '“', '”', '„', '‘', '’', '«', '»', '′', '″', '＂', '＇',
];

/// Longest text that a message repeats, in characters.
const SHOWN_CHARS: usize = 100;

/// A text as a message can hold it.
pub(super) fn shown(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARS) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// The size that a word such as `512MiB` or `2G` means; hex numbers are none.
pub(super) fn bare_size(word: &str) -> Option<String> {
    let digits = word.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = word.split_at(digits);
    let mut letters = unit.chars();
    let letter = letters.next()?.to_ascii_uppercase();
    let known = matches!(
        letters.as_str().to_ascii_lowercase().as_str(),
        "" | "b" | "ib"
    );
    (digits > 0 && "KMGT".contains(letter) && known).then(|| format!("{number}{letter}iB"))
}

/// Whether KDL reads a number, or nothing.
pub(super) fn begins_as_number(word: &str) -> bool {
    let unsigned = word.trim_start_matches(['+', '-']);
    let digits = unsigned.strip_prefix('.').unwrap_or(unsigned);
    word.len() - unsigned.len() <= 1 && digits.starts_with(|c: char| c.is_ascii_digit())
}

/// Whether a word is a number of KDL: `17`, `1_000`, `-1.5e3`, `0x1f`, `0o17`, `0b11`.
pub(super) fn is_number(word: &str) -> bool {
    let unsigned = word.strip_prefix(['+', '-']).unwrap_or(word);
    let run = |text: &str, radix: u32| {
        text.starts_with(|c: char| c.is_digit(radix))
            && text.chars().all(|c| c.is_digit(radix) || c == '_')
    };
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = unsigned.strip_prefix(prefix) {
            return run(digits, radix);
        }
    }
    let (number, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((number, exponent)) => (number, Some(exponent)),
        None => (unsigned, None),
    };
    let exponent = exponent.is_none_or(|e| run(e.strip_prefix(['+', '-']).unwrap_or(e), 10));
    let (whole, part) = match number.split_once('.') {
        Some((whole, part)) => (whole, Some(part)),
        None => (number, None),
    };
    exponent && run(whole, 10) && part.is_none_or(|part| run(part, 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_kdl() {
        for number in [
            "0", "17", "+1_000", "-1.5e3", "1e-9", "0x1F_ff", "0o17", "0b10", "1.0E+2",
        ] {
            assert!(begins_as_number(number) && is_number(number), "{number}");
        }
        for word in [
            "6.8.0-9", "1.", "1.x", "0x", "0xg", "0b2", "1e", "512é", "1_a", "2nd", ".5",
        ] {
            assert!(begins_as_number(word) && !is_number(word), "{word}");
        }
        for word in ["kvm-6.8", "a1", "-a", "--1", ".x", "-.x", "", "+"] {
            assert!(!begins_as_number(word), "{word}");
        }
    }
}
