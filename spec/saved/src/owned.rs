//! Which registers of a vCPU are its own, under a lock: those that a saved guest has, by name.
//!
//! KVM lists more than a guest can reach: what hides behind a feature that its lock has not is nobody's, whatever value
//! it has (TCR2_EL1 and the like from 6.5 to 6.12, the PMU's up to 5.18). Of two registers that set and clear the same
//! bits, the one that sets has them. What follows from the lock, or from the host's own counter, is not a guest's either.
//! The catalogue says all of that of each register: `feature` and `gate`, `clears`, `unsaved`.

use crate::hex::Value;
use crate::state::{Registers, is_state};
use vmlock_spec::catalogue::{Kind, REGISTERS, RegisterInfo, field, register_by_id};
use vmlock_spec::lock::Lock;

/// A register of which KVM tells, and its bytes, the least significant first.
pub type Read = (u64, Vec<u8>);

/// Whether KVM is to be asked for a register at all, whatever the lock says; `None` where nobody knows what it is.
pub fn asked(id: u64) -> Option<bool> {
    let info = register_by_id(id)?;
    Some(is_state(info) && info.unsaved.is_none() || info.name == "CNTVCT_EL0")
}

/// Whether a register is a vCPU's own under that lock.
pub fn owns(info: &RegisterInfo, lock: &Lock) -> bool {
    is_state(info) && info.unsaved.is_none() && unreachable(info, lock).is_none()
}

/// The vCPU feature or the field of an ID register without which no guest of that lock reaches a register. Where a field is
/// waived, nobody knows whether it does: it may.
pub fn unreachable<'a>(info: &'a RegisterInfo, lock: &Lock) -> Option<&'a str> {
    let lacks = |feature: &&str| !lock.features.iter().any(|f| f.name() == *feature);
    let closed = |gate: &&str| !opens(gate, lock);
    let feature = info.feature.as_deref().filter(lacks);
    feature.or_else(|| info.gate.as_deref().filter(closed))
}

/// Whether the lock shows what a register hides behind, `REGISTER.FIELD`, or waives it.
fn opens(gate: &str, lock: &Lock) -> bool {
    // What the catalogue does not have hides nothing.
    let Some((register, field)) = field(gate) else {
        return true;
    };
    // A register that the lock does not name reads as zero.
    let entry = lock.registers.iter().find(|entry| entry.id == register.id);
    entry.is_some_and(|entry| {
        let promised = entry.promised() & field.mask() == field.mask();
        !promised || field.order(field.get(entry.value)) > field.order(field.none())
    })
}

/// What a vCPU's own registers hold, of all that was read.
///
/// # Errors
/// The catalogue has no name for one.
pub fn own(read: &[Read], lock: &Lock) -> Result<Registers, String> {
    let mut registers = Registers::default();
    for (id, bytes) in read {
        let info = register_by_id(*id).ok_or_else(|| {
            format!(
                "KVM has a register {id:#018x} that this vmlock has no name for: use a newer one"
            )
        })?;
        if owns(info, lock) {
            registers.set(info, Value::new(bytes))?;
        }
    }
    Ok(registers)
}

/// The register that clears what this one sets.
pub fn cleared_by(name: &str) -> Option<&'static RegisterInfo> {
    let clears = |info: &&RegisterInfo| info.clears.as_deref() == Some(name);
    let mut state = REGISTERS.iter().filter(|info| info.kind == Kind::State);
    state.find(clears)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_spec::catalogue::register_by_name;
    use vmlock_spec::lock::{Waiver, canonical};

    fn modern() -> Lock {
        let text = include_str!("../../../examples/modern.vm.lock.json");
        canonical::parse(text).expect("it is a lock")
    }

    fn read(name: &str, value: u64) -> Read {
        let id = register_by_name(name).expect("the catalogue has it").id;
        (id, value.to_le_bytes()[..1 << (id >> 52 & 0xf)].to_vec())
    }

    #[test]
    fn what_a_guest_cannot_reach_and_what_its_lock_says_is_not_saved() {
        let lock = modern();
        let all = [
            read("X0", 1),
            read("TCR2_EL1", 0x1de7_ec7e_dbad_c0de),
            read("PIR_EL1", 7),
            read("ACTLR_EL1", 5),
            read("MIDR_EL1", 9),
            read("CNTPCT_EL0", 9),
            read("SCTLR_EL1", 3),
        ];
        let own = own(&all, &lock).expect("all have names");
        let names: Vec<&str> = own.iter().map(|(info, _)| info.name.as_ref()).collect();
        assert_eq!(names, ["X0", "SCTLR_EL1"]);
        let unknown = [(0x6030_0000_0013_ffff, vec![0; 8])];
        let words = super::own(&unknown, &lock).expect_err("it has no name");
        assert!(words.contains("0x603000000013ffff"), "{words}");
    }

    #[test]
    fn what_hides_behind_a_field_is_reached_where_that_is_shown_or_waived() {
        let mut lock = modern();
        let (gate, field) = field("ID_AA64MMFR3_EL1.TCRX").expect("the catalogue has it");
        let hidden = register_by_name("TCR2_EL1").expect("the catalogue has it");
        assert_eq!(unreachable(hidden, &lock), Some("ID_AA64MMFR3_EL1.TCRX"));
        let at = lock.registers.iter().position(|entry| entry.id == gate.id);
        let entry = &mut lock.registers[at.expect("the lock has all ID registers")];
        let before = entry.value;
        entry.value = field.put(before, 1);
        assert_eq!(unreachable(hidden, &lock), None);
        let entry = &mut lock.registers[at.expect("it is there still")];
        entry.value = before;
        entry.vary = vec![Waiver {
            field: "TCRX".to_owned(),
            mask: field.mask(),
            from: "spec/vary".to_owned(),
        }];
        assert_eq!(unreachable(hidden, &lock), None);
    }

    #[test]
    fn every_gate_and_every_pair_of_the_catalogue_is_there() {
        for info in REGISTERS {
            if let Some(gate) = &info.gate {
                assert!(field(gate).is_some(), "{}: {gate}", info.name);
            }
            if let Some(other) = &info.clears {
                let sets = register_by_name(other).expect("the catalogue has it");
                assert!(
                    sets.unsaved.is_none() && info.unsaved.is_some(),
                    "{}",
                    info.name
                );
                assert_eq!(cleared_by(other).map(|c| c.id), Some(info.id));
            }
            if info.untold.is_some() {
                assert!(is_state(info), "{}", info.name);
            }
        }
    }
}
