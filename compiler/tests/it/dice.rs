//! Numbers that are the same each time.

/// Knuth's MMIX generator.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % sides as u64) as usize
    }

    pub fn one<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// Some of them, in their order.
    pub fn some(&mut self, of: &[&str], times: usize) -> Vec<String> {
        of.iter()
            .filter(|_| self.once_in(times))
            .map(|s| (*s).to_owned())
            .collect()
    }
}
