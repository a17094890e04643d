//! The bytes of a generation id.

/// Bytes of an id.
pub const SIZE: usize = 16;

/// The bytes of an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Id([u8; SIZE]);

impl Id {
    /// That of these bytes.
    pub fn from(bytes: [u8; SIZE]) -> Self {
        Self(bytes)
    }

    /// The bytes themselves.
    pub fn bytes(self) -> [u8; SIZE] {
        self.0
    }

    /// In hexadecimal digits.
    pub fn digits(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// That of such digits.
    pub fn of(digits: &str) -> Option<Self> {
        let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = u128::from_str_radix(digits, 16).ok();
        let number = number.filter(|_| plain && digits.len() == 2 * SIZE)?;
        Some(Self(number.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::Id;

    #[test]
    fn an_id_goes_over_as_digits() {
        let id = Id::from(std::array::from_fn(|at| at as u8 * 17));
        assert_eq!(id.digits(), "00112233445566778899aabbccddeeff");
        assert_eq!(Id::of(&id.digits()), Some(id));
        assert_eq!(id.bytes()[15], 0xff);
        for wrong in ["", "0", "+0112233445566778899aabbccddeeff", &"0".repeat(33)] {
            assert_eq!(Id::of(wrong), None, "{wrong}");
        }
    }
}
