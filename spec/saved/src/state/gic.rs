//! The interrupt controller (GICv3, Arm IHI 0069) as its guest has set it, and the interrupts that are under way.
//!
//! It is the guest's view, never that of the kernel: where the runner answers for the distributor, the kernel holds
//! something else, and the guest that is restored may be answered by the kernel, or the other way round.

use crate::hex::{Hex32, Hex64};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

crate::shape! {
    /// Distributor, redistributors and CPU interfaces.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Gic {
        /// GICD_CTLR.
        pub control: Hex32,
        /// Shared interrupts, 32 in each, from INTID 32 on.
        ///
        /// Held to: as many as the lock has
        pub shared: Vec<Shared>,
        /// What each vCPU has, in the lock's order.
        ///
        /// Held to: one for each vCPU of the lock
        pub redistributors: Vec<Redistributor>,
    }
}

impl Gic {
    /// Has an edge of a shared interrupt pending, as its device's pulse would. It stays so until the guest takes it, whatever
    /// it has set of that interrupt so far. Nothing comes of one that is not there.
    pub fn pulse(&mut self, intid: u32) {
        let number = intid.checked_sub(32).map(|n| (n as usize / 32, n % 32));
        if let Some((index, bit)) = number
            && let Some(shared) = self.shared.get_mut(index)
        {
            shared.interrupts.pending.0 |= 1 << bit;
        }
    }
}

crate::shape! {
    /// Thirty-two interrupts: bit or byte n is about the n-th of them.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Interrupts {
        /// IGROUPR.
        pub group: Hex32,
        /// ISENABLER.
        pub enabled: Hex32,
        /// The pending latches: ISPENDR as userspace reads it, without the lines.
        pub pending: Hex32,
        /// ISACTIVER.
        pub active: Hex32,
        /// The lines that are up, of interrupts that follow a level (`KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO`).
        ///
        /// Held to: of shared interrupts, the lines of `lines`
        pub level: Hex32,
        /// Two words of ICFGR.
        pub configuration: [Hex32; 2],
        /// Eight words of IPRIORITYR.
        pub priority: [Hex32; 8],
    }
}

crate::shape! {
    /// Thirty-two shared interrupts.
    #[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Shared {
        /// The interrupts.
        pub interrupts: Interrupts,
        /// IROUTER of each.
        pub routes: [Hex64; 32],
    }
}

crate::shape! {
    /// A vCPU's redistributor and CPU interface.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    pub struct Redistributor {
        /// GICR_CTLR.
        pub control: Hex32,
        /// GICR_PROPBASER.
        pub properties: Hex64,
        /// GICR_PENDBASER.
        pub pending_table: Hex64,
        /// SGIs and PPIs.
        pub private: Interrupts,
        /// Registers of the CPU interface, by name, those of [`INTERFACE`] that the kernel has (`KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS`).
        ///
        /// Held to: the names of a CPU interface, the same in all; what each has is there
        pub interface: BTreeMap<String, Hex64>,
    }
}

/// Registers of a CPU interface, each with whether every interface has it: active priorities have as many words as
/// there are bits of priority (ICC_CTLR_EL1.PRIbits).
pub const INTERFACE: [(&str, bool); 15] = [
    ("ICC_AP0R0_EL1", true),
    ("ICC_AP0R1_EL1", false),
    ("ICC_AP0R2_EL1", false),
    ("ICC_AP0R3_EL1", false),
    ("ICC_AP1R0_EL1", true),
    ("ICC_AP1R1_EL1", false),
    ("ICC_AP1R2_EL1", false),
    ("ICC_AP1R3_EL1", false),
    ("ICC_BPR0_EL1", true),
    ("ICC_BPR1_EL1", true),
    ("ICC_CTLR_EL1", true),
    ("ICC_IGRPEN0_EL1", true),
    ("ICC_IGRPEN1_EL1", true),
    ("ICC_PMR_EL1", true),
    ("ICC_SRE_EL1", true),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pulse_is_one_latch_and_one_that_is_not_there_is_none() {
        let mut gic = Gic {
            control: Hex32(0),
            shared: vec![Shared::default(); 3],
            redistributors: Vec::new(),
        };
        let before = gic.clone();
        for intid in [0, 31, 128, u32::MAX] {
            gic.pulse(intid);
            assert_eq!(gic, before, "{intid}");
        }
        for _ in 0..2 {
            gic.pulse(66);
        }
        let pending = gic.shared.iter().map(|s| s.interrupts.pending.0);
        assert_eq!(pending.collect::<Vec<_>>(), [0, 1 << 2, 0]);
        for shared in &mut gic.shared {
            shared.interrupts.pending.0 = 0;
        }
        assert_eq!(gic, before);
    }
}
