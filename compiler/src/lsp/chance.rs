//! For tests: numbers that are the same in every run (SplitMix64).

/// See the top of the file.
pub struct Chance(pub u64);

impl Chance {
    /// A number below a limit.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % limit as u64) as usize
    }

    /// One of several.
    pub fn of<'a, T>(&mut self, list: &'a [T]) -> &'a T {
        &list[self.below(list.len())]
    }
}

/// How many edits a test makes: as many as `VMLOCK_EDITS` says, or that many.
pub fn edits(few: usize) -> usize {
    let asked = std::env::var("VMLOCK_EDITS").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(few)
}
