//! What the witness looks at in a living guest, on a vCPU that is lent to it for that, and what of it a lock binds there.
//!
//! It reads and never drives. Left out is what would change anything that the guest could see, and what hangs on the
//! guest's own doing. One table: the witness reads by it, and promises are judged by it.
//!
//! The host writes the witness to [`BASE`], gives the guest that memory while the vCPU is lent, and has it begin there with
//! its index in x0, and in x2 and x3 where the interrupt controller's distributor and its own redistributor are. What it saw
//! is in one area at [`AREA`]; a store to [`PORT`] says that it is done.

use crate::calls::{
    LEAVE_REGISTERS, PSCI_AFFINITY_INFO, PSCI_AFFINITY_INFO_32, PV_TIME_ST, TRNG_RND, TRNG_RND_32,
    VENDOR_PTP,
};
use crate::frames::{DISTRIBUTOR, REDISTRIBUTOR, Register};
use crate::registers::{ID_SPACE, IDENTIFICATION, OTHERS, of_id_space};
use crate::{
    CASE_BAD_LEVEL, CASE_NOBODY, Kind, call_case, call_function, encoding, id_of, kind_of,
};

/// Where the flat image and its entry point are, guest-physical: where no machine has anything, below all memory.
pub const BASE: u64 = 0x3000_0000;
/// Bytes of the memory there, a multiple of the largest pages that a host can have.
pub const SIZE: u64 = 0x3_0000;
/// The first address behind the stack, which begins behind the image.
pub const STACK_END: u64 = AREA;
/// Where the record area is.
pub const AREA: u64 = BASE + 0x2_8000;
/// Bytes of it: room for 1364 records.
pub const AREA_SIZE: u64 = BASE + SIZE - AREA;
/// Where nothing is: a store there ends the loan.
pub const PORT: u64 = BASE + SIZE;

/// All bits.
const WHOLE: u64 = u64::MAX;
/// Whether there is anything at all to read.
const READABLE: u64 = 0;

/// Which bits of what the fact with that key says do not hang on the guest's own doing; none where it is judged whether it can be
/// read at all. `None`: it is not looked at.
pub fn judged(key: u64) -> Option<u64> {
    let id = id_of(key);
    match kind_of(key)? {
        Kind::SystemRegister => register(id),
        Kind::Gicd => frame(DISTRIBUTOR, &SET_IN_DISTRIBUTOR, id),
        Kind::Gicr => frame(REDISTRIBUTOR, &SET_IN_REDISTRIBUTOR, id),
        Kind::Ccsidr
        | Kind::PsciFeatures
        | Kind::ArchFeatures
        | Kind::TrngFeatures
        | Kind::PvTimeFeatures => Some(WHOLE),
        // KVM writes zero to the guest's structure when it is asked where that is (`kvm_init_stolen_time`, 5.10 to 7.3).
        Kind::Hvc | Kind::Smc if call_function(id) == PV_TIME_ST => None,
        Kind::Hvc | Kind::Smc => (!DRIVES.contains(&call_function(id))).then_some(WHOLE),
        Kind::HvcArguments => match (call_function(id), call_case(id)) {
            (TRNG_RND | TRNG_RND_32 | VENDOR_PTP, _) => Some(WHOLE),
            // Who is on is for the guest to say.
            (PSCI_AFFINITY_INFO | PSCI_AFFINITY_INFO_32, CASE_NOBODY | CASE_BAD_LEVEL) => {
                Some(WHOLE)
            }
            _ => None,
        },
        Kind::HvcLeaves | Kind::SmcLeaves => LEAVE_REGISTERS
            .contains(&call_function(id))
            .then_some(WHOLE),
        _ => None,
    }
}

/// Functions that are meant to change something: MIGRATE, SET_SUSPEND_MODE, MEM_PROTECT (DEN0022 section 5).
const DRIVES: [u32; 4] = [0x8400_0005, 0xc400_0005, 0x8400_000f, 0x8400_0013];

/// What of registers that identify the machine a guest writes itself: OSLK (by OSLAR_EL1), and CBPR, EOImode and PMHE.
const OWN: [(u64, u64); 2] = [
    (encoding(2, 0, 1, 1, 4), 1 << 1),
    (encoding(3, 0, 12, 12, 4), 1 << 0 | 1 << 1 | 1 << 6),
];

/// What of GICD_CTLR a guest sets: the enables of each group, and nASSGIreq. RWP is up while the controller is at it
/// (IHI 0069 section 12.9.4).
const GICD_CTLR_SET: u64 = 0x7 | 1 << 8 | 1 << 31;
/// The same of GICR_CTLR: EnableLPIs, DPG, and RWP and UWP (section 12.11.2).
const GICR_CTLR_SET: u64 = 1 << 0 | 1 << 3 | 0x7 << 24 | 1 << 31;

/// What a guest sets in the distributor: control, priorities, configurations, routes.
const SET_IN_DISTRIBUTOR: [(u64, u64); 5] = [
    (0x0, GICD_CTLR_SET),
    (0x420, WHOLE),
    (0xc08, WHOLE),
    (0x6100, WHOLE),
    (0x6104, WHOLE),
];

/// The same in a redistributor: control, tables of LPIs, groups, priorities.
const SET_IN_REDISTRIBUTOR: [(u64, u64); 7] = [
    (0x0, GICR_CTLR_SET),
    (0x70, WHOLE),
    (0x74, WHOLE),
    (0x78, WHOLE),
    (0x7c, WHOLE),
    (0x1_0080, WHOLE),
    (0x1_0400, WHOLE),
];

/// The bits of a register in a frame that no guest sets; where it sets all of them, the register is not read.
fn frame(registers: &[Register], set: &[(u64, u64)], offset: u64) -> Option<u64> {
    let own = set.iter().find(|(at, _)| *at == offset);
    let fixed = !own.map_or(0, |(_, own)| *own);
    let is_read = registers.iter().any(|(at, _)| *at == offset);
    (is_read && fixed != 0).then_some(fixed)
}

/// What PMSELR_EL0 selects, which the guest writes: whether there is such a counter at all.
const SELECTED: [u64; 2] = [encoding(3, 3, 9, 13, 1), encoding(3, 3, 9, 13, 2)];

/// What of [`OTHERS`] no guest sets: KVM answers for it at any time with what was there at first, and drops what is written
/// (arch/arm64/kvm/sys_regs.c, 5.10 to 7.3: `trap_raz_wi`, `trap_loregion`, `access_gic_sre`). MDCCSR_EL0 is none of them:
/// a vCPU that has touched its debug registers on a newer kernel reads the hardware's.
const FIXED: [u64; 8] = [
    encoding(2, 0, 1, 0, 0),   // MDRAR_EL1
    encoding(2, 0, 1, 3, 4),   // OSDLR_EL1
    encoding(3, 0, 12, 12, 5), // ICC_SRE_EL1
    encoding(3, 0, 10, 4, 0),  // LORSA_EL1
    encoding(3, 0, 10, 4, 1),  // LOREA_EL1
    encoding(3, 0, 10, 4, 2),  // LORN_EL1
    encoding(3, 0, 10, 4, 3),  // LORC_EL1
    encoding(3, 0, 10, 4, 7),  // LORID_EL1
];

/// CSSELR_EL1, which is written and put back.
const CSSELR: u64 = encoding(3, 2, 0, 0, 0);

fn register(id: u64) -> Option<u64> {
    if SELECTED.contains(&id) {
        return None;
    }
    if let Some((_, own)) = OWN.iter().find(|(register, _)| *register == id) {
        return Some(!own);
    }
    let identifies = (0..ID_SPACE).any(|index| of_id_space(index) == id)
        || IDENTIFICATION.iter().any(|register| register.id == id);
    if identifies || id == CSSELR {
        return Some(WHOLE);
    }
    let is_read = OTHERS.iter().any(|register| register.id == id);
    // What all others hold is the guest's.
    let judged = if FIXED.contains(&id) { WHOLE } else { READABLE };
    is_read.then_some(judged)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::calls::{CALLS, PSCI_CPU_ON, PSCI_SYSTEM_RESET2, WITH_ARGUMENTS};
    use crate::{AreaHeader, RAM_BASE, Record, call, key};

    #[test]
    fn nothing_is_driven() {
        let asked = |kind, function, case| judged(key(kind, call(function, 0, case))).is_some();
        for (function, case) in WITH_ARGUMENTS {
            let drives =
                [0x03, 0x12, 0x15].contains(&(function & 0xff)) && function >> 24 & 0xbf == 0x84;
            assert!(
                !(drives && asked(Kind::HvcArguments, *function, *case)),
                "{function:#x}"
            );
        }
        for function in [PSCI_CPU_ON, PSCI_SYSTEM_RESET2, PV_TIME_ST] {
            assert!(!asked(Kind::HvcArguments, function, 1), "{function:#x}");
        }
        assert!(!asked(Kind::Hvc, PV_TIME_ST, 0) && !asked(Kind::Hvc, 0x8400_0013, 0));
        let left_out = CALLS
            .iter()
            .filter(|(function, _)| !asked(Kind::Hvc, *function, 0));
        assert_eq!(left_out.count(), DRIVES.len() + 1);
        for kind in [
            Kind::GicdWritable,
            Kind::GicrWritable,
            Kind::CpuOn,
            Kind::Unmapped,
            Kind::Virtio,
            Kind::Entry,
            Kind::Use,
            Kind::SveVectorLength,
            Kind::SystemRegisterWritable,
        ] {
            assert_eq!(judged(key(kind, 0)), None, "{kind:?}");
        }
    }

    #[test]
    fn what_identifies_the_machine_is_judged_whole_and_what_a_guest_writes_is_not() {
        let register = |id| judged(key(Kind::SystemRegister, id));
        assert_eq!(register(encoding(3, 0, 0, 0, 0)), Some(u64::MAX));
        assert_eq!(register(encoding(3, 0, 12, 12, 4)), Some(!0x43));
        assert_eq!(register(encoding(2, 0, 1, 1, 4)), Some(!2));
        assert_eq!(register(encoding(3, 0, 4, 6, 0)), Some(0));
        for fixed in FIXED {
            assert_eq!(register(fixed), Some(u64::MAX), "{fixed:#x}");
        }
        assert_eq!(register(SELECTED[0]), None);
        // ICC_IAR1_EL1, which nobody reads.
        assert_eq!(register(encoding(3, 0, 12, 12, 0)), None);
    }

    #[test]
    fn of_an_interrupt_controller_what_no_guest_sets_is_judged() {
        let distributor = |offset| judged(key(Kind::Gicd, offset));
        let redistributor = |offset| judged(key(Kind::Gicr, offset));
        // GICD_TYPER, GICD_IIDR, GICD_PIDR2; GICR_IIDR, both halves of GICR_TYPER.
        for offset in [0x4, 0x8, 0xffe8] {
            assert_eq!(distributor(offset), Some(u64::MAX), "{offset:#x}");
        }
        for offset in [0x4, 0x8, 0xc] {
            assert_eq!(redistributor(offset), Some(u64::MAX), "{offset:#x}");
        }
        // ARE_NS and DS; CES and IR.
        assert_eq!(distributor(0).map(|mask| mask & 0x1ff), Some(0xf8));
        assert_eq!(redistributor(0).map(|mask| mask & 0xf), Some(0x6));
        // What is set is in the tables, and what is in none of them is not read: GICD_IGROUPR1, GICR_ISPENDR0.
        for (registers, set, judged) in [
            (
                DISTRIBUTOR,
                &SET_IN_DISTRIBUTOR[..],
                &distributor as &dyn Fn(u64) -> Option<u64>,
            ),
            (REDISTRIBUTOR, &SET_IN_REDISTRIBUTOR, &redistributor),
        ] {
            for (offset, own) in set {
                assert!(registers.iter().any(|(at, _)| at == offset));
                assert_eq!(judged(*offset), (*own != WHOLE).then_some(!own));
            }
        }
        assert_eq!(distributor(0x84), None);
        assert_eq!(redistributor(0x1_0200), None);
    }

    #[test]
    fn there_is_room_for_everything_that_is_looked_at() {
        const { assert!(PORT < RAM_BASE && (BASE | SIZE).is_multiple_of(0x1_0000)) };
        let room = (AREA_SIZE as usize - size_of::<AreaHeader>()) / size_of::<Record>();
        assert_eq!(room, 1364);
        let calls: usize = CALLS.iter().map(|(_, results)| results).sum();
        let registers = ID_SPACE + IDENTIFICATION.len() + OTHERS.len() + 15;
        let frames = DISTRIBUTOR.len() + REDISTRIBUTOR.len();
        assert!(2 * (calls + registers) + frames < room);
    }
}
