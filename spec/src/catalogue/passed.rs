//! What of the silicon every kernel passes on to a guest that asks for no feature: there, "not implemented" is the
//! silicon's own word, as far as it is a kernel's of the catalogue that was left alone: boot options (`arm64.nobti`,
//! `id_aa64isar1.…=0`) and CPUs of other kinds in the machine make every kernel show less. Elsewhere it may be a kernel
//! that hides something, as some values may be a kernel's that makes them up.

use super::{Act, Baseline, Catalogue, Field, RegisterInfo, Statement, Subject};

/// Which fields every whole baseline of a catalogue passes on.
pub struct Passed<'a> {
    /// Each whole baseline with those that it is a difference from, the oldest first.
    chains: Vec<Vec<&'a Baseline>>,
    /// Whether AArch32 at EL0 is there, without which kernels hide the registers that tell of AArch32.
    aarch32: bool,
}

impl<'a> Passed<'a> {
    /// Of all kernels of a catalogue, on a CPU that is known to have AArch32 at EL0, or not known to.
    pub fn of(catalogue: &'a Catalogue, aarch32: bool) -> Self {
        let wholes = catalogue.wholes();
        let chains = wholes.iter().filter_map(|name| catalogue.chain(name));
        Self {
            chains: chains.collect(),
            aarch32,
        }
    }

    /// Whether each of them shows a guest what the silicon has in that field, whatever features the guest has.
    pub fn is_passed_on(&self, register: &RegisterInfo, field: &str) -> bool {
        let shown = |chain: &Vec<&'a Baseline>| {
            let mut shown = false;
            for (act, _, statement) in said(chain, register, field) {
                let mut conditions = statement.when.iter();
                let holds = conditions.all(|when| when == "el0-aarch32" && self.aarch32);
                match (act, holds) {
                    (Act::Show, true) => shown = true,
                    // What may be shown is no more than before.
                    (Act::Show, false) => {}
                    (Act::Hide | Act::Cap(_) | Act::Force(_), _) => shown = false,
                }
            }
            shown && !is_unmeasured(chain, register, field)
        };
        !self.chains.is_empty() && self.chains.iter().all(shown)
    }

    /// Whether one of them shows some guest that value in that field whatever the silicon has, which may be less.
    pub fn is_made_up(&self, register: &RegisterInfo, field: &Field, value: u64) -> bool {
        let made_up = |chain: &Vec<&'a Baseline>| {
            let mut says = said(chain, register, &field.name);
            says.any(|(act, whole, _)| match act {
                Act::Force(all) if whole => field.get(*all) == value,
                Act::Force(one) => *one == value,
                Act::Show | Act::Hide | Act::Cap(_) => false,
            })
        };
        self.chains.iter().any(made_up)
    }
}

/// Whether nobody has measured what a kernel shows of a field.
fn is_unmeasured(chain: &[&Baseline], register: &RegisterInfo, field: &str) -> bool {
    let mut unknown = chain.iter().flat_map(|baseline| baseline.unknown.iter());
    unknown.any(
        |unknown| match unknown.path.strip_prefix(register.name.as_ref()) {
            Some("") => true,
            Some(rest) => rest.strip_prefix('.') == Some(field),
            None => false,
        },
    )
}

/// What each baseline of a chain says of a field, and under which conditions.
fn said<'b>(
    chain: &'b [&'b Baseline],
    register: &'b RegisterInfo,
    field: &'b str,
) -> impl Iterator<Item = (&'b Act, bool, &'b Statement)> {
    let statements = chain.iter().flat_map(|baseline| baseline.statements.iter());
    statements.filter_map(move |statement| {
        let Subject::Field(target, act) = &statement.subject else {
            return None;
        };
        let (whole, about) = match target.strip_prefix(register.name.as_ref()) {
            Some("") => (true, true),
            Some(rest) => (false, rest.strip_prefix('.') == Some(field)),
            None => (false, false),
        };
        about.then_some((act, whole, statement))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{REGISTERS, register_by_name};

    #[test]
    fn what_some_kernel_hides_is_not_passed_on() {
        let catalogue = Catalogue::builtin();
        let passed = |aarch32, path: &str| {
            let (register, field) = path.split_once('.').expect("a field");
            let register = register_by_name(register).expect("a register");
            Passed::of(&catalogue, aarch32).is_passed_on(register, field)
        };
        for (path, always, with_aarch32) in [
            ("ID_AA64ISAR0_EL1.AES", true, true),
            ("ID_AA64ISAR0_EL1.SM4", true, true),
            // Only with a feature, hidden, capped, forced, and what older kernels did not know.
            ("ID_AA64PFR0_EL1.SVE", false, false),
            ("ID_AA64PFR1_EL1.SME", false, false),
            ("ID_AA64DFR0_EL1.PMUVer", false, false),
            ("ID_AA64DFR0_EL1.DebugVer", false, false),
            ("ID_AA64PFR0_EL1.CSV3", false, false),
            ("ID_AA64MMFR2_EL1.CCIDX", false, false),
            ("ID_AA64ISAR2_EL1.CSSC", false, false),
            ("ID_ISAR5_EL1.AES", false, true),
        ] {
            assert_eq!(passed(false, path), always, "{path}");
            assert_eq!(passed(true, path), with_aarch32, "{path}");
        }
        let all = Passed::of(&catalogue, true);
        let of = |register: &RegisterInfo| {
            let mut fields = register.fields.iter();
            fields.any(|field| all.is_passed_on(register, &field.name))
        };
        let count = REGISTERS.iter().filter(|r| of(r)).count();
        assert!((20..60).contains(&count), "{count}");
        for (path, value, made_up) in [
            ("ID_AA64PFR0_EL1.CSV3", 1, true),
            ("ID_AA64PFR0_EL1.CSV2", 2, false),
            ("ID_AA64DFR0_EL1.DebugVer", 6, true),
            ("ID_AA64DFR0_EL1.DebugVer", 8, false),
            ("CTR_EL0.IDC", 1, true),
            ("CTR_EL0.DIC", 1, false),
        ] {
            let (register, field) = crate::catalogue::field(path).expect("a field");
            assert_eq!(all.is_made_up(register, field, value), made_up, "{path}");
        }
        let none = Catalogue::default();
        let register = register_by_name("ID_AA64ISAR0_EL1").expect("a register");
        assert!(!Passed::of(&none, true).is_passed_on(register, "AES"));
    }
}
