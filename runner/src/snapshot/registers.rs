//! Which registers of a vCPU are its own, under a lock: those that a saved guest has, by name.
//!
//! KVM lists more than a guest can reach: what hides behind a feature that its lock has not is nobody's, whatever value
//! it has (TCR2_EL1 and the like from 6.5 to 6.12, the PMU's up to 5.18). Of two registers that set and clear the same
//! bits, the one that sets has them. What follows from the lock, or from the host's own counter, is not a guest's either.

use std::collections::BTreeMap;
use vmlock_saved::hex::Value;
use vmlock_saved::state::{Interrupts, Registers, is_state};
use vmlock_spec::catalogue::{Kind, RegisterInfo, register_by_id, register_by_name};
use vmlock_spec::lock::Lock;
use vmlock_spec::lock::reset::ACTLR;

/// A register of which KVM tells, and its bytes, the least significant first.
pub type Read = (u64, Vec<u8>);

/// Those that show what another one has (PMCNTENCLR_EL0 and the like), or that are only written; and the host's counter.
const NOBODYS: [&str; 5] = [
    "PMCNTENCLR_EL0",
    "PMINTENCLR_EL1",
    "PMOVSCLR_EL0",
    "PMSWINC_EL0",
    "CNTPCT_EL0",
];

/// Registers that older kernels keep to themselves, each with the bits in which a guest that left it alone has nothing:
/// OSLSR_EL1 up to 5.18, the physical timer's up to 6.3, of which a new vCPU has ENABLE, IMASK and its compare value as zero.
const UNTOLD: [(&str, u64); 3] = [
    ("OSLSR_EL1", 1 << 1),
    ("CNTP_CTL_EL0", 3),
    ("CNTP_CVAL_EL0", u64::MAX),
];

/// CNTV_CTL_EL0.ISTATUS and that of CNTP_CTL_EL0: computed up to 6.12, what the last exit left from 6.18 on.
const ISTATUS: u64 = 1 << 2;

/// Whether KVM is to be asked for a register at all, whatever the lock says; `None` where nobody knows what it is.
pub fn asked(id: u64) -> Option<bool> {
    let info = register_by_id(id)?;
    Some(is_state(info) || info.name == "CNTVCT_EL0")
}

/// Whether a register is a vCPU's own under that lock.
pub fn owns(info: &RegisterInfo, lock: &Lock) -> bool {
    let has = |feature: &str| lock.features.iter().any(|f| f.name() == feature);
    let name = info.name.as_ref();
    is_state(info)
        && name != ACTLR
        && !NOBODYS.contains(&name)
        && info.feature.as_deref().is_none_or(has)
        && info.gate.as_deref().is_none_or(|gate| opens(gate, lock))
}

/// Whether the lock shows what a register hides behind, `REGISTER.FIELD`.
fn opens(gate: &str, lock: &Lock) -> bool {
    let field = gate.split_once('.').and_then(|(register, field)| {
        let info = register_by_name(register)?;
        let entry = lock.registers.iter().find(|entry| entry.id == info.id)?;
        let field = info.field(field)?;
        Some((field, field.get(entry.value)))
    });
    // A register that the lock does not name reads as zero.
    field.is_some_and(|(field, value)| field.order(value) > field.order(field.none()))
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

/// Why a guest cannot be saved that has a vCPU with these registers and private interrupts.
pub fn unsaveable(
    registers: &Registers,
    private: &Interrupts,
    lock: &Lock,
) -> Option<&'static str> {
    let word = |name: &str| registers.get(name).and_then(Value::word).unwrap_or(0);
    let timer = 1u32 << (lock.machine.private_interrupts.physical_timer & 31);
    let awaited = (private.enabled.0 | private.active.0) & timer != 0;
    if registers.get("CNTP_CTL_EL0").is_none() && awaited {
        return Some(
            "it waits for its physical timer, whose registers kernels up to 6.3 keep to themselves (its interrupt is enabled or active, and KVM lists no CNTP_CTL_EL0)",
        );
    }
    if word("CNTP_CTL_EL0") & 1 != 0 {
        return Some(
            "its physical timer is set to a time of this host's own counter, which no other host has (CNTP_CTL_EL0.ENABLE)",
        );
    }
    let counts = word("PMCR_EL0") & 1 != 0 && word("PMCNTENSET_EL0") & 0xffff_ffff != 0;
    counts.then_some(
        "its PMU counts, and kernels up to 5.18 or so do not tell how far (PMCR_EL0.E with PMCNTENSET_EL0)",
    )
}

/// What is written to a register of a new vCPU, and in which bits it has to read so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The register.
    pub info: &'static RegisterInfo,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// The bits that have to read back, of one of at most 64 bits.
    pub told: u64,
}

/// What is to be written to a vCPU for which KVM lists these registers.
///
/// # Errors
/// One that the host has and the guest has not, or the other way round.
pub fn writes(registers: &Registers, listed: &[u64], lock: &Lock) -> Result<Vec<Write>, String> {
    let mut left: BTreeMap<u64, (&'static RegisterInfo, &Value)> = BTreeMap::new();
    for (info, value) in registers.iter() {
        if !owns(info, lock) {
            return Err(format!(
                "it has {}, which its lock does not give it",
                info.name
            ));
        }
        left.insert(info.id, (info, value));
    }
    let mut writes = Vec::new();
    for id in listed {
        let Some(info) = register_by_id(*id).filter(|info| owns(info, lock)) else {
            continue;
        };
        match left.remove(id) {
            Some((info, value)) => writes.push(write(info, value, lock)),
            None if untold(info).is_some() => {}
            None => {
                return Err(format!(
                    "it has no {}, which this host's guests have",
                    info.name
                ));
            }
        }
    }
    for (info, value) in left.into_values() {
        let nothing = untold(info).is_some_and(|bits| value.word().is_some_and(|v| v & bits == 0));
        if !nothing {
            return Err(format!(
                "it has {}, which this host does not take",
                info.name
            ));
        }
    }
    Ok(writes)
}

/// Whether a vCPU that goes on has to have there what a new one begins with: ACTLR_EL1, which is the lock's, and what the
/// kernel that it was saved on kept to itself.
pub fn begins_anew(info: &RegisterInfo, saved: &Registers) -> bool {
    info.name == ACTLR || untold(info).is_some() && saved.get(&info.name).is_none()
}

fn untold(info: &RegisterInfo) -> Option<u64> {
    let found = UNTOLD.iter().find(|(name, _)| *name == info.name);
    found.map(|(_, bits)| *bits)
}

/// What the lock says of an identification register stays as it says.
fn write(info: &'static RegisterInfo, value: &Value, lock: &Lock) -> Write {
    let promised = match info.kind {
        Kind::State => 0,
        _ => info.promised(),
    };
    let entry = lock.registers.iter().find(|entry| entry.id == info.id);
    let locked = entry.map_or(0, |entry| entry.value) & promised;
    let bytes = match value.word() {
        Some(word) => (word & !promised | locked).to_le_bytes()[..value.bytes().len()].to_vec(),
        None => value.bytes().to_vec(),
    };
    let told = match info.name.as_ref() {
        "CNTV_CTL_EL0" | "CNTP_CTL_EL0" => !ISTATUS,
        _ if info.kind == Kind::State => info.told,
        // The rest is the lock's, which may have waived it.
        _ => !promised,
    };
    Write { info, bytes, told }
}

/// The register that clears what this one sets.
pub fn clears(name: &str) -> Option<&'static RegisterInfo> {
    let other = match name {
        "PMCNTENSET_EL0" => "PMCNTENCLR_EL0",
        "PMINTENSET_EL1" => "PMINTENCLR_EL1",
        "PMOVSSET_EL0" => "PMOVSCLR_EL0",
        _ => return None,
    };
    register_by_name(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_saved::hex::Hex32;
    use vmlock_spec::lock::canonical;

    fn lock(text: &str) -> Lock {
        canonical::parse(text).expect("it is a lock")
    }

    fn modern() -> Lock {
        lock(include_str!("../../../examples/modern.vm.lock.json"))
    }

    fn id(name: &str) -> u64 {
        register_by_name(name).expect("the catalogue has it").id
    }

    fn read(name: &str, value: u64) -> Read {
        let id = id(name);
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
    fn registers_that_one_side_lacks_are_refused_by_name_unless_they_say_nothing() {
        let lock = modern();
        let listed = [id("X0"), id("SCTLR_EL1"), id("MIDR_EL1")];
        let of = |all: &[Read]| own(all, &lock).expect("all have names");
        let written = writes(&of(&[read("X0", 1), read("SCTLR_EL1", 3)]), &listed, &lock);
        assert_eq!(written.expect("the same").len(), 2);
        let words = writes(&of(&[read("X0", 1)]), &listed, &lock).expect_err("one is missing");
        assert!(words.contains("no SCTLR_EL1"), "{words}");
        let full = [read("X0", 1), read("SCTLR_EL1", 3)];
        let words = writes(&of(&full), &listed[..1], &lock).expect_err("one is too many");
        assert!(words.contains("SCTLR_EL1"), "{words}");
        for (name, value, goes) in [
            ("OSLSR_EL1", 8, true),
            ("OSLSR_EL1", 10, false),
            ("CNTP_CTL_EL0", 4, true),
            ("CNTP_CTL_EL0", 1, false),
            ("CNTP_CTL_EL0", 2, false),
            ("CNTP_CVAL_EL0", 0, true),
            ("CNTP_CVAL_EL0", 1, false),
        ] {
            let mut all = full.to_vec();
            all.push(read(name, value));
            assert_eq!(writes(&of(&all), &listed, &lock).is_ok(), goes, "{name}");
        }
    }

    #[test]
    fn what_no_file_has_is_as_a_new_vcpu_has_it() {
        let lock = modern();
        let all = [
            read("SCTLR_EL1", 3),
            read("ACTLR_EL1", 5),
            read("CNTP_CTL_EL0", 2),
        ];
        let saved = own(&all, &lock).expect("all have names");
        let begun = vmlock_spec::lock::reset::begun(&lock);
        let kept: Vec<&str> = begun
            .iter()
            .filter(|begun| begins_anew(begun.info, &saved))
            .map(|begun| begun.info.name.as_ref())
            .collect();
        assert_eq!(kept, ["ACTLR_EL1", "CNTP_CVAL_EL0"]);
    }

    #[test]
    fn a_timer_on_the_hosts_counter_keeps_a_guest_where_it_is() {
        let lock = modern();
        let quiet = Interrupts::default();
        for (value, fits) in [(0, true), (2, true), (1, false), (5, false)] {
            let own = own(&[read("CNTP_CTL_EL0", value)], &lock).expect("it has a name");
            assert_eq!(unsaveable(&own, &quiet, &lock).is_none(), fits);
        }
    }

    #[test]
    fn a_timer_that_its_kernel_does_not_tell_of_must_not_be_waited_for() {
        let lock = modern();
        let bit = |interrupt: u32| Hex32(1 << interrupt);
        let lines = &lock.machine.private_interrupts;
        let (own_timer, other) = (bit(lines.physical_timer), bit(lines.virtual_timer));
        let told = own(&[read("X0", 1), read("CNTP_CTL_EL0", 2)], &lock).expect("both have names");
        let untold = own(&[read("X0", 1)], &lock).expect("it has a name");
        let enabled = |enabled| Interrupts {
            enabled,
            ..Interrupts::default()
        };
        let active = |active| Interrupts {
            active,
            ..Interrupts::default()
        };
        for (private, fits) in [
            (Interrupts::default(), true),
            (enabled(other), true),
            (active(other), true),
            (enabled(own_timer), false),
            (active(own_timer), false),
            (enabled(Hex32(u32::MAX)), false),
        ] {
            let why = unsaveable(&untold, &private, &lock);
            assert_eq!(why.is_none(), fits, "{private:?}");
            assert!(why.is_none_or(|why| why.contains("physical timer")));
            // Where it tells that the timer is off, whoever enables its interrupt loses nothing.
            assert_eq!(unsaveable(&told, &private, &lock), None);
        }
    }
}
