//! When a step is carried out: the one order that works on every kernel from 5.10 to 7.3, as data.

use super::Step;

/// The enum and the list of all its values are made of one text, so that no phase is missing in the list.
macro_rules! phases {
    ($(#[$of_all:meta])* pub enum $Phase:ident { $($(#[$of_one:meta])* $one:ident,)* }) => {
        $(#[$of_all])*
        pub enum $Phase {
            $($(#[$of_one])* $one,)*
        }

        impl $Phase {
            /// All of them, in order.
            pub const ALL: [Self; [$(Self::$one),*].len()] = [$(Self::$one),*];
        }
    };
}

phases! {
    /// A stage of a VM that is being built. They are in their order, and steps of one phase in that of [`Orders`].
    ///
    /// Whoever carries a plan out goes through [`Phase::ALL`]. A phase that is left out leaves its steps undone, so this
    /// never becomes an enum with arms that nobody has to write; neither does [`Step`].
    ///
    /// [`Orders`]: super::Orders
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Phase {
        /// There is the VM with its memory, and no vCPU. Where the interrupt controller lies is decided now.
        Vm,
        /// After `KVM_ARM_VCPU_INIT`, before `KVM_ARM_VCPU_FINALIZE`.
        Features,
        /// The vCPUs are finalised, and none has run (`kvm_vm_has_ran_once` in arch/arm64/kvm, 6.3 and later, holds the ID
        /// registers fixed after that).
        Registers,
        /// What the kernel answers to firmware calls, while no vCPU has run (Documentation/virt/kvm/devices/vm.rst,
        /// `KVM_ARM_VM_SMCCC_FILTER`).
        Calls,
        /// Each vCPU's own devices, before the interrupt controller is initialised: the PMU's filter, which
        /// `KVM_ARM_VCPU_PMU_V3_INIT` ends (Documentation/virt/kvm/devices/vcpu.rst), and stolen time.
        Devices,
        /// `KVM_DEV_ARM_VGIC_CTRL_INIT` is done. Kernels before 6.15 or so take GICD_IIDR only now.
        Interrupts,
    }
}

impl Step {
    /// When it is carried out.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Identity | Self::Distributor => Phase::Vm,
            Self::VectorLengths(_) => Phase::Features,
            Self::Register { .. } | Self::Reset { .. } => Phase::Registers,
            Self::Leave { .. } | Self::Forward(_) | Self::ForwardRanges(_) | Self::Deny(_) => {
                Phase::Calls
            }
            Self::DenyEvents(_) | Self::StolenTime(_) => Phase::Devices,
            Self::IidrRevision(_) => Phase::Interrupts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_phases_are_listed_in_their_order() {
        assert_eq!(Phase::ALL.len(), 6);
        assert!(Phase::ALL.is_sorted());
        assert_eq!(Phase::ALL.map(|phase| phase as usize), [0, 1, 2, 3, 4, 5]);
    }
}
