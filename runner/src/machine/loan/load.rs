//! Which register a load was for, and how its value gets there.
//!
//! KVM does not tell which register waits for an MMIO read. But completing the read changes that one alone, so
//! the read is completed with a value that no register has, and whoever has it then is the one. The way in
//! which it has it tells the rest: whether the guest is big-endian, and whether the load extends the sign
//! (`kvm_handle_mmio_return`, arch/arm64/kvm/mmio.c, 5.10 to 7.3).
//!
//! Pure.

/// General-purpose registers.
const REGISTERS: usize = 31;

/// Values of all of them.
pub type General = [u64; REGISTERS];

/// What a load makes of its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Form {
    /// The guest's first byte is the most significant one.
    swapped: bool,
    extension: Extension,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Extension {
    /// By zeroes.
    Zero,
    /// By the sign, to 32 bits, and then by zeroes.
    Sign32,
    /// By the sign.
    Sign64,
}

const FORMS: [Form; 6] = {
    use Extension::{Sign32, Sign64, Zero};
    const fn form(swapped: bool, extension: Extension) -> Form {
        Form { swapped, extension }
    }
    [
        form(false, Zero),
        form(false, Sign32),
        form(false, Sign64),
        form(true, Zero),
        form(true, Sign32),
        form(true, Sign64),
    ]
};

impl Form {
    /// What a register gets for the value of a load of so many bytes, 1 to 8.
    fn apply(self, value: u64, width: usize) -> u64 {
        let unused = 64 - 8 * width.clamp(1, 8) as u32;
        let value = value << unused;
        let value = match self.swapped {
            true => value.swap_bytes() << unused,
            false => value,
        };
        let signed = (value as i64 >> unused) as u64;
        match self.extension {
            Extension::Zero => value >> unused,
            Extension::Sign32 => signed & 0xffff_ffff,
            Extension::Sign64 => signed,
        }
    }
}

/// Where the value of a completed load belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The register; `None` for XZR.
    register: Option<(usize, Form)>,
    width: usize,
}

/// A value for a load of so many bytes by which its register can be told: none of these has it in any form.
/// `None` never comes: a register has two of the 128 values at most.
pub fn marker(before: &General, width: usize) -> Option<u64> {
    // No two bytes are the same, and either end is a sign.
    let value = |first: u8| {
        let bytes = (0..8).map(|at| 0x80 | first.wrapping_add(at) & 0x7f);
        bytes.rev().fold(0, |all, byte| all << 8 | u64::from(byte))
    };
    (0..0x80).map(value).find(|value| {
        let forms = FORMS.map(|form| form.apply(*value, width));
        !before.iter().any(|register| forms.contains(register))
    })
}

/// Where the value of a load belongs, by what the registers were before and after it was completed with `marker`.
/// `None` where they do not tell: more than one has changed, or one in a way that no load has.
pub fn target(before: &General, after: &General, marker: u64, width: usize) -> Option<Target> {
    let mut changed = (0..REGISTERS).filter(|r| before[*r] != after[*r]);
    let Some(register) = changed.next() else {
        let register = None;
        return Some(Target { register, width });
    };
    let form = FORMS
        .into_iter()
        .find(|form| form.apply(marker, width) == after[register])?;
    changed.next().is_none().then_some(Target {
        register: Some((register, form)),
        width,
    })
}

impl Target {
    /// The register that gets a value, by number, and what it gets; `None` for XZR.
    pub fn put(&self, value: u64) -> Option<(usize, u64)> {
        let (register, form) = self.register?;
        Some((register, form.apply(value, self.width)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A load into a register, completed and found out; then what the register gets for `value`.
    fn load(before: &General, register: usize, form: Form, width: usize, value: u64) -> u64 {
        let marker = marker(before, width).expect("there is one");
        let mut after = *before;
        after[register] = form.apply(marker, width);
        let target = target(before, &after, marker, width).expect("it tells");
        let (found, put) = target.put(value).expect("a register");
        assert_eq!(found, register);
        put
    }

    #[test]
    fn every_form_of_every_width_is_found_again() {
        let before = std::array::from_fn(|at| at as u64 * 0x0101_0101);
        for form in FORMS {
            for width in [1, 2, 4, 8] {
                for value in [0, 0x7f, 0x80, 0x1234_5678_9abc_def0, u64::MAX] {
                    let put = load(&before, width, form, width, value);
                    assert_eq!(put, form.apply(value, width), "{form:?} {width} {value:#x}");
                }
            }
        }
        let form = |swapped, extension| Form { swapped, extension };
        let [plain, big] = [false, true].map(|swapped| form(swapped, Extension::Zero));
        assert_eq!(plain.apply(0x1_8000_0002, 4), 0x8000_0002);
        assert_eq!(big.apply(0x1_8000_0002, 4), 0x0200_0080);
        assert_eq!(
            form(false, Extension::Sign64).apply(0x80, 1),
            u64::MAX - 0x7f
        );
        assert_eq!(form(false, Extension::Sign32).apply(0x80, 1), 0xffff_ff80);
    }

    #[test]
    fn a_marker_is_in_no_register() {
        // Each register takes one of the first candidates away, in one form or another.
        let mut before = [0; REGISTERS];
        for (at, register) in before.iter_mut().enumerate() {
            let first = 0x80 | at as u64;
            *register = match at % 3 {
                0 => first,
                1 => 0xffff_ff00 | first,
                _ => u64::MAX << 8 | first,
            };
        }
        let value = marker(&before, 1).expect("there is one");
        assert_eq!(value & 0xff, 0x80 | REGISTERS as u64);
    }

    #[test]
    fn a_load_to_nowhere_and_one_that_is_none_are_told_apart() {
        let before = [7; REGISTERS];
        let marker = marker(&before, 4).expect("there is one");
        let nowhere = target(&before, &before, marker, 4).expect("XZR");
        assert_eq!(nowhere.put(5), None);
        let mut after = before;
        after[3] = marker.wrapping_add(1);
        assert_eq!(target(&before, &after, marker, 4), None);
        after[3] = marker & 0xffff_ffff;
        assert!(target(&before, &after, marker, 4).is_some());
        after[4] = after[3];
        assert_eq!(target(&before, &after, marker, 4), None);
    }
}
