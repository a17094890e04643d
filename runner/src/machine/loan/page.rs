//! What a lent vCPU executes: an errand, and exception vectors that end it.
//!
//! Pure. Encodings: Arm ARM (DDI 0487) section C6.2.

/// Bytes of the page: the largest pages that a host can have.
pub const SIZE: u64 = 0x1_0000;

/// Where the errand's first instruction is. The vectors are before it: VBAR_EL1 is aligned to 2 KiB.
pub const ENTRY: u64 = 0x800;

/// How far from the port is written to where an exception was taken.
pub const STRAYED: u64 = 8;

/// How many vectors there are, and how many bytes each has (Arm ARM D1.3.1).
const VECTORS: (usize, usize) = (16, 0x80);

/// The most instructions that an errand has.
const MOST: usize = 256;

const DSB_SY: u32 = 0xd503_3f9f;
const ISB: u32 = 0xd503_3fdf;
/// `b .`
const STAY: u32 = 0x1400_0000;
/// `str w1, [x0]`
const STORE: u32 = 0xb900_0001;
/// `ldr w1, [x0]`
const LOAD: u32 = 0xb940_0001;

/// `str wzr, [x<base>, #offset]`
fn store_zero(base: usize, offset: u64) -> u32 {
    0xb900_001f | (offset as u32 / 4) << 10 | (base as u32) << 5
}

/// Instructions for a lent vCPU. They neither branch elsewhere nor leave EL1, touch no memory but a device's and no
/// general-purpose register but the first ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Errand {
    /// The instructions.
    pub code: Vec<u32>,
    /// What X0 and on hold at first.
    pub given: Vec<u64>,
    /// In how many of X0 and on it leaves something.
    pub left: usize,
}

impl Errand {
    /// Writes 32 bits to a device at a guest-physical address.
    pub fn store(address: u64, value: u32) -> Self {
        Self {
            code: vec![STORE],
            given: vec![address, value.into()],
            left: 0,
        }
    }

    /// Reads 32 bits of a device at a guest-physical address; they are left in X1.
    pub fn load(address: u64) -> Self {
        Self {
            code: vec![LOAD],
            given: vec![address],
            left: 2,
        }
    }

    /// The register, by number, with the address at which the errand's end is told: the first that the errand itself
    /// does not use. `None` where there is none, or the instructions do not fit.
    pub fn port(&self) -> Option<usize> {
        let port = self.given.len().max(self.left);
        (port < 31 && self.code.len() <= MOST).then_some(port)
    }

    /// The page's content, from its beginning. `port` is the number of that register.
    pub fn page(&self, port: usize) -> Vec<u8> {
        let (count, size) = VECTORS;
        let mut words = Vec::new();
        for vector in 1..=count {
            words.extend([store_zero(port, STRAYED), STAY]);
            words.resize(vector * size / 4, STAY);
        }
        words.extend(&self.code);
        // What a device was told has reached it before the end is told.
        words.extend([DSB_SY, ISB, store_zero(port, 0), STAY]);
        words.into_iter().flat_map(u32::to_le_bytes).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(page: &[u8], offset: u64) -> u32 {
        let at = offset as usize;
        let bytes = page[at..at + 4].try_into().expect("a word");
        u32::from_le_bytes(bytes)
    }

    #[test]
    fn an_errand_tells_its_end_and_every_exception() {
        let errand = Errand::store(0x4002_0380, 1 << 27);
        let port = errand.port().expect("it uses two registers");
        assert_eq!(port, 2);
        let page = errand.page(port);
        assert!((page.len() as u64) < SIZE);
        // str w1, [x0]; dsb sy; isb; str wzr, [x2]; b .
        let code = [0xb900_0001, 0xd503_3f9f, 0xd503_3fdf, 0xb900_005f, STAY];
        for (offset, instruction) in (ENTRY..).step_by(4).zip(code) {
            assert_eq!(word(&page, offset), instruction);
        }
        // str wzr, [x2, #8]; b .
        for vector in (0..ENTRY).step_by(0x80) {
            assert_eq!(word(&page, vector), 0xb900_085f);
            assert_eq!(word(&page, vector + 4), STAY);
        }
    }

    #[test]
    fn what_an_errand_leaves_is_not_overwritten_by_its_port() {
        assert_eq!(Errand::load(0).port(), Some(2));
        let looks = |left| Errand {
            code: vec![0xd538_0000; left],
            given: Vec::new(),
            left,
        };
        assert_eq!(looks(30).port(), Some(30));
        assert_eq!(looks(31).port(), None);
        let mut long = looks(3);
        long.code.resize(MOST + 1, ISB);
        assert_eq!(long.port(), None);
    }
}
