//! Numbers as the sections have them: `0x` and as many hex digits as the register is wide.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use vmlock_spec::lock::{hex32, hex64};

/// A word of 32 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hex32(#[serde(with = "hex32")] pub u32);

/// A word of 64 bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Hex64(#[serde(with = "hex64")] pub u64);

/// The widest register: a vector of SVE with 2048 bits.
pub const BYTES_MAX: usize = 256;

/// What a register holds, be it of 32 bits or of 2048: its bytes as `KVM_GET_ONE_REG` gives them, the least significant
/// first.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Value(Vec<u8>);

impl Value {
    /// As KVM gives it.
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// A register of that many bytes, up to eight; what does not fit is cut off.
    pub fn of(value: u64, bytes: usize) -> Self {
        Self(value.to_le_bytes()[..bytes.min(8)].to_vec())
    }

    /// Its bytes, the least significant first.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// As a number; `None` of one that is wider than 64 bits.
    pub fn word(&self) -> Option<u64> {
        let mut word = [0; 8];
        word.get_mut(..self.0.len())?.copy_from_slice(&self.0);
        Some(u64::from_le_bytes(word))
    }

    /// Whether no bit of it is set.
    pub fn is_zero(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// `0x` and two lower-case hex digits for each byte, the most significant first.
    ///
    /// # Errors
    /// It is another spelling, or wider than any register.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            let text: String = text.chars().take(40).collect();
            format!(
                "`{text}` is not `0x` and two lower-case hex digits for each byte of a register"
            )
        };
        let digits = text.strip_prefix("0x").ok_or_else(wrong)?.as_bytes();
        let fits = digits.len().is_multiple_of(2) && (2..=2 * BYTES_MAX).contains(&digits.len());
        if !fits {
            return Err(wrong());
        }
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let pairs = digits.chunks_exact(2).rev();
        let bytes = pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?));
        bytes.collect::<Option<_>>().map(Self).ok_or_else(wrong)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("0x")?;
        self.0
            .iter()
            .rev()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_has_one_spelling() {
        let wide: Vec<u8> = (0..=255).collect();
        for value in [
            Value::of(0x1234, 4),
            Value::of(u64::MAX, 8),
            Value::new(&wide),
        ] {
            assert_eq!(Value::parse(&value.to_string()).as_ref(), Ok(&value));
        }
        assert_eq!(Value::of(0x1234, 4).to_string(), "0x00001234");
        assert_eq!(Value::of(0x1234, 4).word(), Some(0x1234));
        assert_eq!(Value::new(&wide).word(), None);
        let long = format!("0x{}", "00".repeat(257));
        for text in [
            "",
            "0x",
            "0x1",
            "1234",
            "0x00AB",
            "0x+1",
            "0x0é",
            long.as_str(),
        ] {
            assert!(Value::parse(text).is_err(), "{text}");
        }
    }
}
