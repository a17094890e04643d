//! Feature bits: what a device offers, and what of it a driver accepts (section
//! 2.2 of the standard).

/// Bits of a set.
const BITS: u32 = u128::BITS;

/// A set of feature bits, 0 to 127.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(u128);

impl Features {
    /// The set of these bits. There is none from 128 on.
    pub const fn of(bits: &[u32]) -> Self {
        let (mut set, mut at) = (0, 0);
        while at < bits.len() {
            assert!(bits[at] < BITS);
            set |= 1 << bits[at];
            at += 1;
        }
        Self(set)
    }

    /// Whether a bit is in it.
    pub const fn has(self, bit: u32) -> bool {
        bit < BITS && self.0 >> bit & 1 != 0
    }

    /// Whether all of it is in another set.
    pub const fn within(self, other: Self) -> bool {
        self.0 & !other.0 == 0
    }

    /// All that is in either.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// 32 bits of it, as the registers show them; behind the last ones, none.
    pub const fn word(self, select: u32) -> u32 {
        match select {
            0..4 => (self.0 >> (32 * select)) as u32,
            _ => 0,
        }
    }

    /// Takes 32 bits of it. Behind the last ones nothing can be said.
    pub const fn set_word(&mut self, select: u32, value: u32) {
        if select < 4 {
            let at = 32 * select;
            self.0 = self.0 & !(0xffff_ffff << at) | (value as u128) << at;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_the_set() {
        let bits = [0, 31, 32, 63, 64, 127];
        let features = Features::of(&bits);
        let words = [0x8000_0001, 0x8000_0001, 1, 0x8000_0000, 0, 0];
        for (select, word) in words.into_iter().enumerate() {
            assert_eq!(features.word(select as u32), word);
        }
        assert_eq!(features.word(u32::MAX), 0);
        let mut copy = Features::of(&[5, 40]);
        for (select, word) in words.into_iter().enumerate() {
            copy.set_word(select as u32, word);
        }
        copy.set_word(u32::MAX, 1);
        assert_eq!(copy, features);
        let has = (0..1000).filter(|&bit| features.has(bit));
        assert_eq!(has.collect::<Vec<_>>(), bits);
    }

    #[test]
    fn a_set_is_within_another_or_not() {
        let small = Features::of(&[1, 100]);
        let large = small.and(Features::of(&[2]));
        assert!(small.within(large) && small.within(small));
        assert!(!large.within(small));
        assert!(Features::default().within(small));
    }
}
