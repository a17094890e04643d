//! PSCI 0.2 to 1.3 (DEN0022), as far as it needs no vCPU's state: versions,
//! features and the calls that end the machine.

use super::{Call, End, NOT_SUPPORTED, Outcome};

/// `INVALID_PARAMETERS` (DEN0022 section 5.2.2).
pub const INVALID_PARAMETERS: u64 = -2i64 as u64;

/// Bit 30 of a function identifier: arguments of 64 bits (DEN0028 section 2.5).
const WIDE: u32 = 1 << 30;

const V1_0: u32 = 0x1_0000;
const V1_1: u32 = 0x1_0001;
const V1_3: u32 = 0x1_0003;

/// MIGRATE_INFO_TYPE: no trusted OS is there, or it needs no migration
/// (DEN0022 section 5.9).
const NO_MIGRATION: u64 = 2;
/// SYSTEM_RESET2: SYSTEM_WARM_RESET; vendors' types have bit 31 set
/// (DEN0022 section 5.12).
const WARM_RESET: u32 = 0;
const VENDOR_RESET: u32 = 1 << 31;
/// SYSTEM_OFF2: HIBERNATE_OFF, for which KVM takes zero, too, and which PSCI_FEATURES
/// announces as bit 0 (DEN0022 section 5.11; arch/arm64/kvm/psci.c, 7.3).
const HIBERNATE_OFF: u32 = 1;

/// Functions with a second argument: SYSTEM_RESET2's and SYSTEM_OFF2's cookie.
pub const TYPED: [u32; 4] = [0x8400_0012, 0xc400_0012, 0x8400_0015, 0xc400_0015];

/// Answers a PSCI function of that version.
pub fn answer(version: u32, call: &Call) -> Outcome {
    // Reset and off types have 32 bits in both conventions (DEN0022 sections 5.11 and 5.12; arch/arm64/kvm/psci.c
    // `kvm_psci_1_x_call`, 6.8 to 7.3, reads them as u32). The cookie is as wide as the convention.
    let kind = call.arguments[0] as u32;
    let cookie = match call.function & WIDE {
        0 => call.arguments[1] & 0xffff_ffff,
        _ => call.arguments[1],
    };
    Outcome::one(match call.function {
        0x8400_0000 => version.into(),
        0x8400_0006 => NO_MIGRATION,
        0x8400_0008 => return Outcome::End(End::Off),
        0x8400_0009 => return Outcome::End(End::Reset),
        0x8400_000a => features(version, call.arguments[0] as u32),
        0x8400_0012 | 0xc400_0012 if version >= V1_1 => match kind {
            WARM_RESET | VENDOR_RESET.. => return Outcome::End(End::Reset2),
            _ => INVALID_PARAMETERS,
        },
        0x8400_0015 | 0xc400_0015 if version >= V1_3 => match (kind, cookie) {
            (0 | HIBERNATE_OFF, 0) => return Outcome::End(End::Hibernate),
            _ => INVALID_PARAMETERS,
        },
        _ => NOT_SUPPORTED,
    })
}

/// PSCI_FEATURES (DEN0022 section 5.15): there from 1.0 on.
fn features(version: u32, function: u32) -> u64 {
    let since = match function {
        // PSCI_VERSION, CPU_SUSPEND, CPU_OFF, CPU_ON, AFFINITY_INFO, MIGRATE_INFO_TYPE, SYSTEM_OFF,
        // SYSTEM_RESET, PSCI_FEATURES, and SMCCC_VERSION, by which SMCCC 1.1 is found.
        0x8400_0000..=0x8400_0004 | 0x8400_0006 | 0x8400_0008..=0x8400_000a => V1_0,
        0xc400_0001 | 0xc400_0003 | 0xc400_0004 | 0x8000_0000 => V1_0,
        0x8400_0012 | 0xc400_0012 => V1_1,
        0x8400_0015 | 0xc400_0015 if version >= V1_3 => return HIBERNATE_OFF.into(),
        _ => return NOT_SUPPORTED,
    };
    if version >= since { 0 } else { NOT_SUPPORTED }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V0_2: u32 = 2;

    fn ask(version: u32, function: u32, x1: u64, x2: u64) -> Outcome {
        let call = Call {
            function,
            arguments: [x1, x2],
            smc: false,
        };
        answer(version, &call)
    }

    #[test]
    fn each_version_has_its_functions() {
        for version in [V0_2, V1_0, V1_1, 0x1_0002, V1_3] {
            assert_eq!(
                ask(version, 0x8400_0000, 0, 0),
                Outcome::one(version.into())
            );
            for (function, since, yes) in [
                (0x8400_0009u64, V1_0, 0),
                (0xc400_0003, V1_0, 0),
                (0x8400_000a, V1_0, 0),
                (0xc400_0012, V1_1, 0),
                (0x8400_0015, V1_3, 1),
                (0xc400_000e, u32::MAX, 0),
                (0xc400_0000, u32::MAX, 0),
            ] {
                let expected = if version >= since { yes } else { NOT_SUPPORTED };
                assert_eq!(
                    ask(version, 0x8400_000a, function, 0),
                    Outcome::one(expected),
                    "{function:#x} in {version:#x}"
                );
            }
        }
    }

    #[test]
    fn hibernation_takes_its_type_and_nothing_else() {
        for function in [0x8400_0015, 0xc400_0015] {
            for x1 in [0, 1] {
                assert_eq!(ask(V1_3, function, x1, 0), Outcome::End(End::Hibernate));
            }
            for (x1, x2) in [(2, 0), (1, 1), (0, 7), (0x8000_0000, 0)] {
                assert_eq!(
                    ask(V1_3, function, x1, x2),
                    Outcome::one(INVALID_PARAMETERS)
                );
            }
            assert_eq!(ask(0x1_0002, function, 1, 0), Outcome::one(NOT_SUPPORTED));
        }
        // Bits that the 32-bit convention does not have.
        assert_eq!(
            ask(V1_3, 0x8400_0015, 1 << 32 | 1, 1 << 40),
            Outcome::End(End::Hibernate)
        );
        // Of the 64-bit one, the cookie has them and the type has not.
        assert_eq!(
            ask(V1_3, 0xc400_0015, 1 << 32 | 1, 0),
            Outcome::End(End::Hibernate)
        );
        assert_eq!(
            ask(V1_3, 0xc400_0015, 1, 1 << 40),
            Outcome::one(INVALID_PARAMETERS)
        );
    }

    #[test]
    fn resets_and_power_off() {
        assert_eq!(ask(V0_2, 0x8400_0008, 0, 0), Outcome::End(End::Off));
        assert_eq!(ask(V0_2, 0x8400_0009, 0, 0), Outcome::End(End::Reset));
        assert_eq!(ask(V0_2, 0x8400_0006, 0, 0), Outcome::one(2));
        for (x1, expected) in [
            (0, Outcome::End(End::Reset2)),
            (0x8000_0000, Outcome::End(End::Reset2)),
            (1 << 32, Outcome::End(End::Reset2)),
            (1 << 32 | 1, Outcome::one(INVALID_PARAMETERS)),
            (1, Outcome::one(INVALID_PARAMETERS)),
            (0x7fff_ffff, Outcome::one(INVALID_PARAMETERS)),
        ] {
            assert_eq!(ask(V1_1, 0xc400_0012, x1, 0), expected);
            assert_eq!(ask(V1_0, 0xc400_0012, x1, 0), Outcome::one(NOT_SUPPORTED));
        }
    }
}
