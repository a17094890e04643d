//! Every reason for which a host cannot keep a lock: code, title, explanation.
//!
//! Codes are stable; `vmlock explain CODE` prints the text.

/// One reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable code, `host::…`.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it means and what can be done.
    pub explanation: &'static str,
}

macro_rules! reasons {
    ($($(#[doc = $doc:literal])* $name:ident = $code:literal, $title:literal, $explanation:literal;)*) => {
        $($(#[doc = $doc])* pub const $name: &str = $code;)*
        /// All reasons, in the order in which they are documented.
        pub const REASONS: &[Reason] = &[
            $(Reason { code: $code, title: $title, explanation: $explanation },)*
        ];
    };
}

reasons! {
    /// No GICv3 for guests.
    NO_GICV3 = "host::no-gicv3", "KVM has no GICv3 for guests",
        "Every machine of a lock has a GICv3. Hosts with a GICv2 alone, as on many boards, and those whose interrupt controller cannot be virtualised at all have none for guests (KVM_CREATE_DEVICE of KVM_DEV_TYPE_ARM_VGIC_V3 fails). Nothing else of such a host is looked at: `vmlock-run probe` writes a report that says so.";
    /// The host offers no such vCPU feature.
    NO_FEATURE = "host::no-feature", "the host offers no such vCPU feature",
        "A feature that the lock names (for example `pmu`) is not offered by this host's KVM or CPU. Without it the guest would miss registers that it was promised. Choose another host, or a spec without the feature.";
    /// Other SVE vector lengths.
    VECTOR_LENGTHS = "host::vector-lengths", "the CPU has other SVE vector lengths",
        "A guest selects its SVE vector length by ZCR_EL1.LEN and gets the longest one that is there and not longer. KVM can cut a CPU's lengths off above one of them, and can neither add one nor take one out below (KVM_REG_ARM64_SVE_VLS). The lock names every length that the guest may find, so a host must have these and no others up to the longest.";
    /// More vCPUs than KVM gives.
    TOO_MANY_VCPUS = "host::too-many-vcpus", "the machine has more vCPUs than KVM gives",
        "KVM_CAP_MAX_VCPUS of this host is lower than the lock's number of vCPUs.";
    /// Guest addresses beyond what the host can map.
    ADDRESS_SPACE = "host::address-space", "the guest's memory ends beyond the host's IPA size",
        "The CPU's stage 2 translation cannot reach the end of the locked memory map (KVM_CAP_ARM_VM_IPA_SIZE).";
    /// More memory than the host has.
    MEMORY = "host::memory", "the machine has more memory than the host",
        "The lock's memory is larger than the host's RAM and swap space together. The guest would be started, since pages that nobody has touched cost nothing, and ended once it uses what it was promised. `vmlock-run start --overcommit` starts it where that is meant.";
    /// A device whose host's side is not there, or not what the lock needs.
    DEVICE = "host::device", "what stands behind a device is not what the lock needs",
        "The lock names a device with a part on the host: a disk the file that holds it. It is not there, it is smaller than the guest is promised, somebody else has it, or this version of `vmlock-run` has no model of such a device; the reason says which. A guest would find a device that fails in the middle of its work, so it is not started.";
    /// The value differs and only silicon could change it.
    SILICON_FACT = "host::silicon-fact", "the host's CPU, firmware or boot options decide another value",
        "No lock can change this value: the CPU, its firmware or the host kernel's command line decides it (a counter's frequency the firmware; a workaround's level also `mitigations=off`). The reason says which. The lock can only be kept on hosts that are alike in that. Lock the machine to a CPU model of this host (`vmlock cpu REPORT`), or choose another host.";
    /// The kernel takes no such value.
    NOT_WRITABLE = "host::not-writable", "the kernel does not take this value",
        "The guest would see the host's own value: this kernel either refuses the write or takes it and shows something else. ID registers became writable with Linux 6.7, AArch32 ones with 6.18; which values a host takes is tried, never inferred from a version.";
    /// The value is visible from inside only and there is no knob.
    NO_KNOB = "host::no-knob", "the guest sees another value and KVM has no knob for it",
        "The value can be read only from inside a guest, and this kernel shows another one than the lock promises. Waive the field in the open with `vary`, or choose a host that shows it.";
    /// GICD_IIDR accepted and not honoured.
    IIDR_NOT_HONOURED = "host::iidr-not-honoured", "the kernel accepts a GICD_IIDR revision and does not honour it",
        "Mainline Linux 5.19 to 7.0 return success for a write of GICD_IIDR with another revision and keep their own (fixed in 7.1 and in some stable kernels). The guest would see the kernel's revision, and with it another behaviour of the distributor.";
    /// GICD_IIDR refused.
    IIDR_REFUSED = "host::iidr-refused", "the kernel refuses this GICD_IIDR revision",
        "KVM takes revisions 2 and 3 at most; revision 1 exists only in kernels that carry a revert of the change that made interrupt groups writable.";
    /// A GIC identification register differs.
    GIC = "host::gic", "the interrupt controller identifies itself otherwise",
        "A register of the in-kernel distributor or redistributor shows another value than the lock promises, and KVM has no way to change it.";
    /// vCPUs of one guest differ.
    VCPUS_DISAGREE = "host::vcpus-disagree", "two vCPUs of one guest read different values",
        "When the host report was made, the vCPUs of one small guest read different values where a lock promises one for all of them. The host has CPUs of several kinds (big and little cores), or its firmware sets them up differently; which of the values a guest finds would depend on where its threads run. Run the runner on CPUs of one kind only (`taskset`, a cpuset, or the isolation of the others), and make the report again there.";
    /// PSCI version not settable.
    PSCI = "host::psci-version", "the kernel does not offer this PSCI version",
        "KVM_REG_ARM_PSCI_VERSION takes versions up to the kernel's own: 1.0 before 5.18, 1.1 up to 6.12, 1.3 from 6.13 on.";
    /// A firmware call answers otherwise.
    ANSWER = "host::answer", "a firmware call answers otherwise",
        "A guest that makes this call gets another answer than the lock promises. Services can be switched off from Linux 5.19 on (the hypercall bitmap registers); a service that the kernel lacks cannot be switched on.";
    /// Seen from inside, and not as promised.
    REHEARSAL = "host::rehearsal", "a guest saw something else than was promised",
        "Before a guest is started, a small guest looks at a machine that was made the same way. It saw a value that the lock does not promise, although every value read back from outside was right. The kernel shows guests something else than it tells; the guest is not started.";
    /// A register that the lock does not know.
    UNKNOWN_REGISTER = "host::unknown-register", "the host has a register that vmlock does not know",
        "KVM_GET_REG_LIST of this host names a register that neither the lock nor the catalogue knows. What a guest would see there is not known to be harmless, so the guest is not started. A newer vmlock may know it.";
    /// A known register that the lock does not cover.
    UNLOCKED_REGISTER = "host::unlocked-register", "the host has a register that the lock does not cover",
        "The catalogue knows this register, the lock was made without it, and no neutral value makes it invisible. Lock the machine again with this version of vmlock.";
    /// Nobody has tried what the host keeps.
    IMPORTED = "host::imported", "the report was imported: nobody has tried what this host keeps",
        "The report was made by `vmlock import` of another program's file. That says which values one guest was shown, by default or as its virtual machine monitor wrote them. Whether the host's kernel lets any of them be written, what it answers where nobody asked, and what a guest with other vCPU features has there, no such file tells: a value that is the lock's is at best what an unwritten register shows. So it is unknown whether the host keeps the lock, and unknown is no yes. Make a report on the host with `vmlock-run probe`.";
    /// A saved guest's state that does not go over.
    STATE = "host::state", "the host does not take what a saved guest has",
        "A guest that was saved has something that this host's kernel does not let it have again: a register that the kernel does not list, although the guest used it; or something that cannot be given to any other machine (a timer that is set to the host's own counter). The guest would go on with something else in its place, so it is not restored. The file stays as it is, and goes to a host that takes all of it.";
}

/// The reason with that code.
pub fn reason(code: &str) -> Option<&'static Reason> {
    REASONS.iter().find(|r| r.code == code)
}
