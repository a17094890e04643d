//! The statements about KVM that saving and restoring a guest rests on: each with where it stands, and what would be lost
//! without it. What is to be seen is in words, and differs by kernel only where that was measured: on the newest point release
//! that Debian has of each series.

/// Which probe tries a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// `probes::completion::read`
    ReadCompleted,
    /// `probes::completion::write`
    WriteCompleted,
    /// `probes::completion::wait`
    WaitCompleted,
    /// `probes::completion::call`
    CallCompleted,
    /// `probes::latches::private`
    PrivateLatches,
    /// `probes::latches::shared`
    SharedLatches,
    /// `probes::latches::lines`
    Lines,
    /// `probes::timers::active`
    ActiveTimer,
    /// `probes::timers::expired`
    ExpiredTimer,
    /// `probes::timers::counter`
    Counter,
    /// `probes::timers::created`
    CounterCreated,
    /// `probes::machine::events`
    Events,
    /// `probes::machine::busy`
    Busy,
    /// `probes::machine::revisions`
    Revisions,
    /// `probes::machine::read_only`
    ReadOnly,
    /// `probes::machine::dirty`
    Dirty,
    /// `probes::vcpu::forwarded`
    Forwarded,
    /// `probes::latches::edge`
    Edge,
    /// `probes::latches::interface`
    Interface,
    /// `probes::timers::status`
    TimerStatus,
    /// `probes::timers::physical`
    PhysicalTimer,
    /// `probes::vcpu::turned_on`
    TurnedOn,
    /// `probes::vcpu::ended`
    Ended,
    /// `probes::vcpu::actlr`
    Actlr,
    /// `probes::vcpu::os_lock`
    OsLock,
    /// `probes::pmu::listed`
    PmuListed,
    /// `probes::pmu::enables`
    PmuEnables,
    /// `probes::pmu::counts`
    PmuCounts,
}

/// A kernel's version, the first two numbers of it.
pub type Version = (u32, u32);

/// A statement.
#[derive(Debug)]
pub struct Fact {
    /// What it is called.
    pub name: &'static str,
    /// What holds.
    pub statement: &'static str,
    /// Where that stands.
    pub source: &'static str,
    /// What saving a guest would lose if it did not hold.
    pub loss: &'static str,
    /// Who tries it.
    pub probe: Probe,
    /// What the probe sees, from a kernel on.
    pub seen: &'static [(Version, &'static str)],
}

impl Fact {
    /// What the probe has to see on a kernel; nothing where the kernel is older than all that was measured.
    pub fn expected(&self, kernel: Version) -> Option<&'static str> {
        let known = self.seen.iter().rev();
        let mut known = known.skip_while(|(since, _)| *since > kernel);
        known.next().map(|(_, seen)| *seen)
    }
}

/// The oldest kernel that guests are saved on.
const OLDEST: Version = (5, 10);

/// All statements.
pub const FACTS: [Fact; 28] = [
    Fact {
        name: "read-completed",
        statement: "the answer to a load from a device is in the register only after another KVM_RUN, one with immediate_exit",
        source: "kvm_handle_mmio_return in arch/arm64/kvm/mmio.c, 5.10 to 7.3",
        loss: "a guest saved at such an exit would load a second time, or would never get its answer",
        probe: Probe::ReadCompleted,
        seen: &[(
            OLDEST,
            "at the exit PC + 0, X0 0x11; completed (EINTR) PC + 4, X0 0x5a; once more (EINTR) PC + 4, X0 0x5a",
        )],
    },
    Fact {
        name: "write-completed",
        statement: "a store to a device is behind PC only after another KVM_RUN, one with immediate_exit",
        source: "kvm_handle_mmio_return in arch/arm64/kvm/mmio.c, 5.10 to 7.3",
        loss: "a restored guest would store a second time: a device would do twice what was asked once",
        probe: Probe::WriteCompleted,
        seen: &[(
            OLDEST,
            "at the exit PC + 0, X0 0x11; completed (EINTR) PC + 4, X0 0x11; once more (EINTR) PC + 4, X0 0x11",
        )],
    },
    Fact {
        name: "wait-completed",
        statement: "a WFI that a signal ends is behind PC at once; nothing is left to complete",
        source: "kvm_handle_wfx in arch/arm64/kvm/handle_exit.c, 5.10 to 7.3",
        loss: "an idle vCPU would be saved in a state that no register holds",
        probe: Probe::WaitCompleted,
        seen: &[(OLDEST, "EINTR: PC + 4; completed (EINTR) PC + 4")],
    },
    Fact {
        name: "call-completed",
        statement: "PC is behind the instruction of a firmware call at the exit that it makes; nothing is left to complete",
        source: "kvm_prepare_system_event in arch/arm64/kvm/psci.c, 5.10 to 7.3",
        loss: "completing a call would move PC once more, and a guest would miss an instruction",
        probe: Probe::CallCompleted,
        seen: &[(OLDEST, "at the exit PC + 4; completed (EINTR) PC + 4")],
    },
    Fact {
        name: "private-latches",
        statement: "GICR_ISPENDR0 reads the latches alone and writes all 32, 0 clears; GICR_ICPENDR0 reads 0 and ignores writes",
        source: "Documentation/virt/kvm/devices/arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_REDIST_REGS",
        loss: "what is pending could be set and never cleared: a restored guest would take interrupts that nobody sent",
        probe: Probe::PrivateLatches,
        seen: &[(
            OLDEST,
            "set 0x00100000; ICPENDR0 0x00000000; after its write 0x00100000; 0 written 0x00000000",
        )],
    },
    Fact {
        name: "shared-latches",
        statement: "GICD_ISPENDR reads the latches alone and writes all 32, 0 clears; GICD_ICPENDR reads 0 and ignores writes",
        source: "Documentation/virt/kvm/devices/arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_DIST_REGS",
        loss: "what is pending could be set and never cleared: a restored guest would take interrupts that nobody sent",
        probe: Probe::SharedLatches,
        seen: &[(
            OLDEST,
            "set 0x00000300; ICPENDR1 0x00000000; after its write 0x00000300; 0 written 0x00000000",
        )],
    },
    Fact {
        name: "lines",
        statement: "KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO tells the lines of interrupts that are level-sensitive, and of no others",
        source: "Documentation/virt/kvm/devices/arm-vgic-v3.rst, KVM_DEV_ARM_VGIC_GRP_LEVEL_INFO",
        loss: "a device's line would be down after a restore, and its driver would wait for ever",
        probe: Probe::Lines,
        seen: &[(
            OLDEST,
            "by KVM_IRQ_LINE 0x00000100 of 0x00000300; the latches 0x00000200; written to 0, 0x00000000",
        )],
    },
    Fact {
        name: "active-timer",
        statement: "from the first KVM_RUN on, writes of a timer's active bit in GICR_ISACTIVER0 are ignored; one before stays",
        source: "vgic_mmio_change_active in arch/arm64/kvm/vgic/vgic-mmio.c, kvm_timer_enable in arch/arm64/kvm/arch_timer.c, 5.10 to 7.3",
        loss: "a guest saved inside its timer's handler would take the same tick twice, or none any more",
        probe: Probe::ActiveTimer,
        seen: &[(OLDEST, "set before, true; set after, false")],
    },
    Fact {
        name: "expired-timer",
        statement: "after a KVM_RUN with immediate_exit the line of an expired timer is up on 6.1, and not yet on 5.10",
        source: "kvm_arch_vcpu_ioctl_run in arch/arm64/kvm/arm.c: 5.10 returns before it loads the timer",
        loss: "a read-back that compares this line would refuse good restores, or accept bad ones",
        probe: Probe::ExpiredTimer,
        seen: &[((5, 10), "line false"), ((6, 1), "line true")],
    },
    Fact {
        name: "counter",
        statement: "a write of CNTVCT_EL0 (KVM_REG_ARM_TIMER_CNT) is for all vCPUs of the VM, before and after they ran",
        source: "kvm_arm_timer_set_reg in arch/arm64/kvm/arch_timer.c, 5.10 to 7.3",
        loss: "vCPUs would have counters that differ, and time would run backwards between them",
        probe: Probe::Counter,
        seen: &[(OLDEST, "before a run: both; after a run: both")],
    },
    Fact {
        name: "counter-created",
        statement: "creating another vCPU sets the counter of all of them back",
        source: "kvm_timer_vcpu_init in arch/arm64/kvm/arch_timer.c, 5.10 to 7.3",
        loss: "the order matters: a counter that is written before all vCPUs are there is written in vain",
        probe: Probe::CounterCreated,
        seen: &[(OLDEST, "written true; after another vCPU false")],
    },
    Fact {
        name: "events",
        statement: "KVM_SET_VCPU_EVENTS of an SError that is not masked changes PC at once from 6.17 on, and leaves it pending before",
        source: "__kvm_arm_vcpu_set_events in arch/arm64/kvm/guest.c",
        loss: "registers that are written after the events would overwrite the entry to the guest's vector",
        probe: Probe::Events,
        seen: &[
            (
                OLDEST,
                "masked: pending, PC stays; unmasked: pending, PC stays",
            ),
            (
                (6, 17),
                "masked: pending, PC stays; unmasked: taken, PC VBAR + 0x380",
            ),
        ],
    },
    Fact {
        name: "busy",
        statement: "registers of the distributor are refused with EBUSY while a vCPU is in KVM_RUN",
        source: "Documentation/virt/kvm/devices/arm-vgic-v3.rst, -EBUSY of KVM_DEV_ARM_VGIC_GRP_DIST_REGS",
        loss: "a distributor could be read while it changes, and what is saved would be no moment of it",
        probe: Probe::Busy,
        seen: &[(OLDEST, "while it runs EBUSY; after it read")],
    },
    Fact {
        name: "revisions",
        statement: "a write of GICD_IIDR is refused unless it is of a revision that the kernel has, and what is written is what is read; mainline of 5.19 and later succeeds and does nothing, until 7.0 and point releases of 6.1 and 6.12 mended that",
        source: "vgic_mmio_uaccess_write_v3_misc in arch/arm64/kvm/vgic/vgic-mmio-v3.c",
        loss: "a guest could get another revision of its distributor than it was saved with, unnoticed",
        probe: Probe::Revisions,
        seen: &[
            (
                OLDEST,
                "fresh 2; 0 EINVAL; 1 EINVAL; 2 read 2; 3 EINVAL; 4 EINVAL",
            ),
            (
                (6, 1),
                "fresh 3; 0 EINVAL; 1 EINVAL; 2 read 2; 3 read 3; 4 EINVAL",
            ),
            (
                (6, 16),
                "fresh 3; 0 read 3; 1 read 3; 2 read 3; 3 read 3; 4 read 3",
            ),
            (
                (7, 0),
                "fresh 3; 0 EINVAL; 1 EINVAL; 2 read 2; 3 read 3; 4 EINVAL",
            ),
        ],
    },
    Fact {
        name: "read-only",
        statement: "a store to a slot with KVM_MEM_READONLY is an exit as to a device, and changes no memory; loads see the memory",
        source: "Documentation/virt/kvm/api.rst, KVM_SET_USER_MEMORY_REGION",
        loss: "a guest could change what is no part of its file",
        probe: Probe::ReadOnly,
        seen: &[(
            OLDEST,
            "loaded 0x77; the store exits with 0x11 at + 0; the memory 0x77",
        )],
    },
    Fact {
        name: "dirty",
        statement: "KVM_GET_DIRTY_LOG has a guest's stores and those that KVM makes for it (stolen time), each once",
        source: "mark_page_dirty in virt/kvm/kvm_main.c, kvm_update_stolen_time in arch/arm64/kvm/pvtime.c, 5.10 to 7.3",
        loss: "a page that KVM wrote would be saved as it was before",
        probe: Probe::Dirty,
        seen: &[(
            OLDEST,
            "the guest's page true; stolen time's true; any other false; asked again none",
        )],
    },
    Fact {
        name: "call-forwarded",
        statement: "a call that a filter gives to user space has PC behind it, and what is then written to X0 stays; kernels up to 6.3 have no filter",
        source: "kvm_smccc_call_handler in arch/arm64/kvm/hypercalls.c, KVM_ARM_VM_SMCCC_FILTER in Documentation/virt/kvm/devices/vm.rst",
        loss: "a guest saved at a call that the runner answers would call twice, or lose the answer",
        probe: Probe::Forwarded,
        seen: &[
            (OLDEST, "no filter (EINVAL)"),
            (
                (6, 12),
                "at the exit PC + 4; X0 written, completed (EINTR) PC + 4, X0 0x33",
            ),
        ],
    },
    Fact {
        name: "edge",
        statement: "an edge that an eventfd has sent is in the latches once the eventfd is taken away",
        source: "irqfd_shutdown in virt/kvm/eventfd.c, which waits for what sends it, 5.10 to 7.3",
        loss: "an interrupt of a device would be on its way while latches are read, and in nobody's hands",
        probe: Probe::Edge,
        seen: &[(OLDEST, "the latches 0x00000200")],
    },
    Fact {
        name: "cpu-interface",
        statement: "what is written to a CPU interface stays over the first KVM_RUN; one with 5 bits of priority has no ICC_AP1R1_EL1",
        source: "arch/arm64/kvm/vgic-sys-reg-v3.c, KVM_DEV_ARM_VGIC_CPU_SYSREGS in Documentation/virt/kvm/devices/arm-vgic-v3.rst",
        loss: "a guest would be back with interrupts that it masked, or deaf to all; or no CPU interface could be restored",
        probe: Probe::Interface,
        seen: &[(OLDEST, "PMR 0xf0, AP1R0 0x10; of 5 bits AP1R1 EINVAL")],
    },
    Fact {
        name: "timer-status",
        statement: "ISTATUS of CNTV_CTL_EL0 is computed when it is asked for up to 6.17, and from 6.18 on what it was at the last exit",
        source: "kvm_arm_timer_get_reg and arch_timer_get_user in arch/arm64/kvm/arch_timer.c",
        loss: "a read-back that compares this bit would refuse good restores",
        probe: Probe::TimerStatus,
        seen: &[(OLDEST, "0x5"), ((6, 18), "0x1")],
    },
    Fact {
        name: "physical-timer",
        statement: "kernels up to 6.3 tell nothing of the physical timer",
        source: "kvm_arm_timer_get_reg and sys_reg_descs in arch/arm64/kvm",
        loss: "a guest that uses it would be carried to where its timer is lost, or be refused where it is not",
        probe: Probe::PhysicalTimer,
        seen: &[
            (OLDEST, "CTL ENOENT; CVAL ENOENT; CNTPCT ENOENT"),
            ((6, 12), "CTL read; CVAL read; CNTPCT read"),
        ],
    },
    Fact {
        name: "turned-on",
        statement: "CPU_ON of a vCPU is carried out by the first register that is read of it, and not once more by KVM_RUN",
        source: "kvm_arch_vcpu_ioctl in arch/arm64/kvm/arm.c, 5.10 to 7.3",
        loss: "a vCPU saved while it is turned on would begin anywhere, or never",
        probe: Probe::TurnedOn,
        seen: &[(
            OLDEST,
            "at the first look begins true, on; completed (EINTR) begins true, on",
        )],
    },
    Fact {
        name: "ended",
        statement: "SYSTEM_OFF turns all vCPUs off",
        source: "kvm_prepare_system_event in arch/arm64/kvm/psci.c, 5.10 to 7.3",
        loss: "a guest saved right after its end would go on, and nobody could tell that by its vCPUs",
        probe: Probe::Ended,
        seen: &[(OLDEST, "before on and on; after off and off")],
    },
    Fact {
        name: "actlr",
        statement: "ACTLR_EL1 is what was written to it, the guest reads that, and its own writes are ignored",
        source: "access_actlr in arch/arm64/kvm, 5.10 to 7.3",
        loss: "a guest would see the ACTLR_EL1 of another host's CPU after a restore",
        probe: Probe::Actlr,
        seen: &[(
            OLDEST,
            "0x5 written, then 0xa by the guest, which reads 0x5; KVM tells 0x5",
        )],
    },
    Fact {
        name: "os-lock",
        statement: "OSLSR_EL1 is a vCPU's own from 6.1 on, unlocked at first; 5.10 does not know it",
        source: "sys_reg_descs in arch/arm64/kvm/sys_regs.c",
        loss: "a guest that is carried to 5.10 and back would lose a lock that it holds, or be refused for one that it does not",
        probe: Probe::OsLock,
        seen: &[(OLDEST, "ENOENT"), ((6, 1), "0x8")],
    },
    Fact {
        name: "pmu-listed",
        statement: "5.10 lists the PMU's registers of a vCPU without a PMU, and from 6.1 on no kernel does",
        source: "sys_reg_descs in arch/arm64/kvm/sys_regs.c",
        loss: "a guest that is carried from 5.10 would be refused for registers that it cannot reach",
        probe: Probe::PmuListed,
        seen: &[(OLDEST, "listed"), ((6, 1), "not listed")],
    },
    Fact {
        name: "pmu-enables",
        statement: "PMCNTENSET_EL0 is what was written once its opposite was given all that is too much, whether its write assigns or, on 6.12, only adds",
        source: "set_pmreg and reset_pmu_reg in arch/arm64/kvm/sys_regs.c",
        loss: "a restored PMU would count with other counters than its guest has turned on",
        probe: Probe::PmuEnables,
        seen: &[
            (OLDEST, "SET to 0x2 reads 0x2; CLR of all others 0x2"),
            (
                (6, 12),
                "SET to 0x2 reads 0x8000001e; CLR of all others 0x2",
            ),
            ((6, 16), "SET to 0x2 reads 0x2; CLR of all others 0x2"),
        ],
    },
    Fact {
        name: "pmu-counts",
        statement: "5.10 tells of a cycle counter that runs what it began with; from 6.1 on it is what the guest would read",
        source: "kvm_pmu_get_counter_value in arch/arm64/kvm/pmu-emul.c, 5.10 to 7.3",
        loss: "a guest's cycle counter would go back, where a PMU that counts is carried through 5.10 and not refused",
        probe: Probe::PmuCounts,
        seen: &[
            (
                OLDEST,
                "the guest sees it count true; what is told is less than that",
            ),
            (
                (6, 1),
                "the guest sees it count true; what is told is at least that",
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_statement_is_whole_and_has_a_probe_of_its_own() {
        let names: BTreeSet<_> = FACTS.iter().map(|fact| fact.name).collect();
        assert_eq!(names.len(), FACTS.len());
        for (at, fact) in FACTS.iter().enumerate() {
            for text in [fact.statement, fact.source, fact.loss] {
                assert!(!text.is_empty(), "{}", fact.name);
            }
            assert!(
                FACTS
                    .iter()
                    .skip(at + 1)
                    .all(|other| other.probe != fact.probe)
            );
            assert!(
                fact.seen.is_sorted_by_key(|(since, _)| *since),
                "{}",
                fact.name
            );
            assert!(fact.expected(OLDEST).is_some(), "{}", fact.name);
            assert_eq!(fact.expected((5, 9)), None);
        }
    }

    #[test]
    fn what_is_seen_is_that_of_the_newest_kernel_that_is_not_newer() {
        let fact = FACTS
            .iter()
            .find(|fact| fact.name == "expired-timer")
            .unwrap();
        for (kernel, seen) in [
            ((5, 10), "line false"),
            ((6, 0), "line false"),
            ((6, 1), "line true"),
            ((10, 0), "line true"),
        ] {
            assert_eq!(fact.expected(kernel), Some(seen));
        }
    }
}
