//! Where the random numbers of a guest come from: the host's kernel.

use crate::failure::Failure;
use std::fs::File;
use std::io::Read;

/// The kernel's random number generator. `/dev/random` waits until it is
/// seeded and never after that (random(4), Linux 5.6 and later).
pub struct Entropy(Option<File>);

impl Entropy {
    /// Opens it; a host without it has no entropy to give.
    pub fn open() -> Self {
        Self(File::open("/dev/random").ok())
    }

    /// Nothing to draw from, for a guest that cannot ask.
    pub fn none() -> Self {
        Self(None)
    }

    /// Fills all the bytes, or says that it cannot.
    pub fn fill(&self, bytes: &mut [u8]) -> bool {
        self.0
            .as_ref()
            .is_some_and(|mut file| file.read_exact(bytes).is_ok())
    }
}

/// So many random bytes of the host's, for that.
///
/// # Errors
/// It has none.
pub fn bytes<const N: usize>(what: &str) -> Result<[u8; N], Failure> {
    let mut bytes = [0; N];
    match Entropy::open().fill(&mut bytes) {
        true => Ok(bytes),
        false => Err(Failure::environment(
            format!("the host has no random numbers for {what}"),
            &["look at /dev/random"],
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::Entropy;

    #[test]
    fn two_draws_differ() {
        let entropy = Entropy::open();
        let (mut a, mut b) = ([0u8; 24], [0u8; 24]);
        assert!(entropy.fill(&mut a) && entropy.fill(&mut b));
        assert_ne!(a, b);
        assert!(!Entropy::none().fill(&mut a));
    }
}
