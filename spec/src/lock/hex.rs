//! Numbers as the lock and the host report write them: `0x` and as many hex
//! digits as they are wide, and no other spelling.

/// A 64-bit value as `0x` and 16 hex digits.
pub mod hex64 {
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes the value.
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:#018x}"))
    }
    /// Reads the value; no other spelling is accepted.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
    /// `0x` and exactly 16 lower-case hex digits.
    pub fn parse(text: &str) -> Result<u64, String> {
        parse_digits(text, 16)
    }
    /// `0x` and exactly that many lower-case hex digits.
    pub fn parse_digits(text: &str, digits: usize) -> Result<u64, String> {
        let valid = |c: u8| c.is_ascii_digit() || (b'a'..=b'f').contains(&c);
        match text.strip_prefix("0x") {
            Some(hex) if hex.len() == digits && hex.bytes().all(valid) => {
                u64::from_str_radix(hex, 16).map_err(|e| e.to_string())
            }
            _ => Err(format!(
                "`{text}` is not `0x` and {digits} lower-case hex digits"
            )),
        }
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
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    /// Writes the value.
    pub fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&format!("{value:#010x}"))
    }
    /// Reads the value; no other spelling is accepted.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::hex64::parse_digits(&text, 8)
            .map(|v| v as u32)
            .map_err(D::Error::custom)
    }
}
