//! Registers of a byte, and bytes that wait: in hex digits, as they are read off a wire.

use crate::shape::{Form, Shaped};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

/// The most bytes that wait anywhere: 64 KiB.
pub const BYTES_MAX: usize = 64 << 10;

/// The hex digits' bytes, two lower-case digits each.
fn bytes(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let digits = text.as_bytes();
    let fits = digits.len().is_multiple_of(2) && digits.len() <= 2 * BYTES_MAX;
    let pairs = fits.then(|| digits.chunks_exact(2))?;
    pairs
        .map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// A register of eight bits: `0x` and two lower-case hex digits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Byte(pub u8);

impl fmt::Display for Byte {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#04x}", self.0)
    }
}

impl Shaped for Byte {
    const FORM: Form = Form::One("8 bits, `0x` and 2 hex digits");
}

impl Serialize for Byte {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Byte {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match text.strip_prefix("0x").and_then(bytes).as_deref() {
            Some(&[byte]) => Ok(Self(byte)),
            _ => Err(D::Error::custom(
                "a register of eight bits is `0x` and two lower-case hex digits",
            )),
        }
    }
}

/// Bytes in the order in which they came, two lower-case hex digits each; [`BYTES_MAX`] at most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bytes(pub Vec<u8>);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Shaped for Bytes {
    const FORM: Form = Form::One("bytes, 2 hex digits each, 65536 bytes at most");
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        bytes(&text).map(Self).ok_or_else(|| {
            D::Error::custom("bytes are two lower-case hex digits each, 65536 bytes at most")
        })
    }
}
