//! Numbers and digests as the lock and the host report write them: `0x` and as many hex
//! digits as they are wide, and no other spelling.

/// Whether a text is `sha256-` and 64 hex digits, as a lock has them.
pub fn is_digest(text: &str) -> bool {
    let lower = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    let hex = text.strip_prefix("sha256-");
    hex.is_some_and(|hex| hex.len() == 64 && hex.bytes().all(lower))
}

/// Adds so many lower-case hex digits of a value, 16 at the most.
pub fn write_digits(value: u64, digits: u32, out: &mut String) {
    for place in (0..digits).rev() {
        let digit = value >> (4 * place) & 15;
        out.push(char::from(b"0123456789abcdef"[digit as usize]));
    }
}

/// A 64-bit value as `0x` and 16 hex digits.
pub mod hex64 {
    use serde::de::{Deserializer, Error, Visitor};
    use serde::ser::Serializer;
    use std::fmt;

    /// Takes a text with that many digits.
    pub(super) struct Digits(pub usize);

    impl Visitor<'_> for Digits {
        type Value = u64;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a string")
        }
        fn visit_str<E: Error>(self, text: &str) -> Result<u64, E> {
            parse_digits(text, self.0).map_err(E::custom)
        }
    }

    /// Writes the value.
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:#018x}"))
    }
    /// Reads the value; no other spelling is accepted.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        deserializer.deserialize_str(Digits(16))
    }
    /// `0x` and exactly 16 lower-case hex digits.
    pub fn parse(text: &str) -> Result<u64, String> {
        parse_digits(text, 16)
    }
    /// `0x` and exactly that many lower-case hex digits, 16 at the most.
    pub fn parse_digits(text: &str, digits: usize) -> Result<u64, String> {
        let value = |hex: &str| {
            hex.bytes().try_fold(0, |value: u64, digit| match digit {
                b'0'..=b'9' => Some(value << 4 | u64::from(digit - b'0')),
                b'a'..=b'f' => Some(value << 4 | u64::from(digit - b'a' + 10)),
                _ => None,
            })
        };
        let hex = text.strip_prefix("0x").filter(|hex| hex.len() == digits);
        hex.and_then(value)
            .ok_or_else(|| format!("`{text}` is not `0x` and {digits} lower-case hex digits"))
    }
}

/// A 64-bit value as hex text, or nothing.
pub mod optional_hex64 {
    use super::hex64;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes the value, or nothing.
    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => hex64::serialize(value, serializer),
            None => serializer.serialize_none(),
        }
    }
    /// Reads the value; no other spelling is accepted.
    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<u64>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|t| hex64::parse(&t).map_err(D::Error::custom))
            .transpose()
    }
}

/// A 32-bit value as `0x` and 8 hex digits.
pub mod hex32 {
    use super::hex64::Digits;
    use serde::{Deserializer, Serializer};

    /// Writes the value.
    pub fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:#010x}"))
    }
    /// Reads the value; no other spelling is accepted.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let value = deserializer.deserialize_str(Digits(8))?;
        Ok(value as u32)
    }
}
