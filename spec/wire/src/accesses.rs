//! What a guest that tries its interrupt controller access by access and
//! whoever runs it say to each other: which accesses, in which states, and where
//! the guest writes down what came of each.
//!
//! Two ways to answer a guest are the same where both logs are: nothing here says
//! what is right.

/// Guest-physical address of the words below, zero at first; a machine has 64 MiB at least.
pub const ADDRESS: u64 = 0x4200_0000;

/// Word: how many entries the log has.
pub const COUNT: usize = 0;
/// Word: INTID of the virtual timer's interrupt.
pub const VIRTUAL_TIMER: usize = 1;
/// Word: INTID of the physical timer's interrupt.
pub const PHYSICAL_TIMER: usize = 2;
/// Word: INTID of the PMU's interrupt; 0 without a PMU.
pub const PMU: usize = 3;
/// Word: one in so many cases is tried, and every register; 1: all, and every word of the frames is read.
pub const STRIDE: usize = 4;
/// Word: what vCPU 1 is to do for vCPU 0, one of [`WRITE`], [`READ`]; 0 when it is done.
pub const COMMAND: usize = 5;
/// Word: the address for that.
pub const COMMAND_ADDRESS: usize = 6;
/// Word: the value for that, and what came of it.
pub const COMMAND_VALUE: usize = 7;
/// First word of the log: a key and a value, a word each.
pub const LOG: usize = 64;
/// The most entries that the log has room for.
pub const ENTRIES: usize = 1 << 19;
/// How many words there are.
pub const WORDS: usize = LOG + 2 * ENTRIES;

/// [`COMMAND`]: writes 32 bits.
pub const WRITE: u64 = 1;
/// [`COMMAND`]: reads 32 bits.
pub const READ: u64 = 2;

/// A 32-bit write of an INTID here lowers its line; with [`RAISE`] it raises it. Guest-physical.
pub const DOORBELL: u64 = 0x0b00_0000;
/// What is added to an INTID whose line is to be raised.
pub const RAISE: u32 = 1 << 31;

/// A key's kind: a read of one word of a frame that is not zero.
pub const SWEPT: u64 = 1;
/// A key's kind: one access to a register.
pub const ACCESSED: u64 = 2;
/// A key's kind: one interrupt in one state, and what was done to it.
pub const CASE: u64 = 3;

/// A key's kind: what an access gives that is made in one of [`WAYS`].
pub const MADE: u64 = 4;

/// Makes a key of its kind and up to five parts, the last of which is of [`CASE`]s and [`ACCESSED`] what was looked at.
pub const fn key(kind: u64, parts: [u64; 5]) -> u64 {
    kind << 56
        | (parts[0] & 0xff) << 48
        | (parts[1] & 0xff) << 40
        | (parts[2] & 0xff) << 32
        | (parts[3] & 0xff) << 24
        | parts[4] & 0xff_ffff
}

/// The kind and the parts of a key.
pub const fn parts(key: u64) -> (u64, [u64; 5]) {
    let parts = [
        key >> 48 & 0xff,
        key >> 40 & 0xff,
        key >> 32 & 0xff,
        key >> 24 & 0xff,
        key & 0xff_ffff,
    ];
    (key >> 56, parts)
}

/// Which frame a register is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Frame {
    /// The distributor's.
    Distributor,
    /// The redistributor of vCPU 0.
    Own,
    /// The redistributor of vCPU 1.
    Others,
}

/// Frames that are read word by word, with their sizes.
pub const SWEEP: [(Frame, u32); 3] = [
    (Frame::Distributor, 0x1_0000),
    (Frame::Own, 0x2_0000),
    (Frame::Others, 0x2_0000),
];

/// A register that is accessed in every way.
#[derive(Clone, Copy, Debug)]
pub struct Register {
    /// Where it is.
    pub frame: Frame,
    /// Its offset in the frame.
    pub offset: u32,
    /// Its name.
    pub name: &'static str,
}

const fn gicd(offset: u32, name: &'static str) -> Register {
    let frame = Frame::Distributor;
    Register {
        frame,
        offset,
        name,
    }
}

const fn gicr(offset: u32, name: &'static str) -> Register {
    let frame = Frame::Own;
    Register {
        frame,
        offset,
        name,
    }
}

/// Every register of the distributor and of a redistributor, of arrays the ones of private interrupts, of the first and
/// the last shared ones and the one behind them (Arm IHI 0069 sections 12.8, 12.10 and 12.11). A machine has
/// 128 interrupts.
#[rustfmt::skip]
pub const REGISTERS: [Register; 121] = [
    gicd(0x0000, "GICD_CTLR"), gicd(0x0004, "GICD_TYPER"), gicd(0x0008, "GICD_IIDR"), gicd(0x000c, "GICD_TYPER2"),
    gicd(0x0010, "GICD_STATUSR"), gicd(0x0020, "GICD offset 0x20"),
    gicd(0x0040, "GICD_SETSPI_NSR"), gicd(0x0048, "GICD_CLRSPI_NSR"),
    gicd(0x0050, "GICD_SETSPI_SR"), gicd(0x0058, "GICD_CLRSPI_SR"),
    gicd(0x0080, "GICD_IGROUPR0"), gicd(0x0084, "GICD_IGROUPR1"), gicd(0x008c, "GICD_IGROUPR3"), gicd(0x0090, "GICD_IGROUPR4"),
    gicd(0x0100, "GICD_ISENABLER0"), gicd(0x0104, "GICD_ISENABLER1"), gicd(0x010c, "GICD_ISENABLER3"), gicd(0x0110, "GICD_ISENABLER4"),
    gicd(0x0180, "GICD_ICENABLER0"), gicd(0x0184, "GICD_ICENABLER1"), gicd(0x018c, "GICD_ICENABLER3"), gicd(0x0190, "GICD_ICENABLER4"),
    gicd(0x0200, "GICD_ISPENDR0"), gicd(0x0204, "GICD_ISPENDR1"), gicd(0x020c, "GICD_ISPENDR3"), gicd(0x0210, "GICD_ISPENDR4"),
    gicd(0x0280, "GICD_ICPENDR0"), gicd(0x0284, "GICD_ICPENDR1"), gicd(0x028c, "GICD_ICPENDR3"), gicd(0x0290, "GICD_ICPENDR4"),
    gicd(0x0300, "GICD_ISACTIVER0"), gicd(0x0304, "GICD_ISACTIVER1"), gicd(0x030c, "GICD_ISACTIVER3"), gicd(0x0310, "GICD_ISACTIVER4"),
    gicd(0x0380, "GICD_ICACTIVER0"), gicd(0x0384, "GICD_ICACTIVER1"), gicd(0x038c, "GICD_ICACTIVER3"), gicd(0x0390, "GICD_ICACTIVER4"),
    gicd(0x0400, "GICD_IPRIORITYR0"), gicd(0x0420, "GICD_IPRIORITYR8"), gicd(0x047c, "GICD_IPRIORITYR31"), gicd(0x0480, "GICD_IPRIORITYR32"),
    gicd(0x0800, "GICD_ITARGETSR0"), gicd(0x0820, "GICD_ITARGETSR8"),
    gicd(0x0c00, "GICD_ICFGR0"), gicd(0x0c08, "GICD_ICFGR2"), gicd(0x0c1c, "GICD_ICFGR7"), gicd(0x0c20, "GICD_ICFGR8"),
    gicd(0x0d00, "GICD_IGRPMODR0"), gicd(0x0d04, "GICD_IGRPMODR1"), gicd(0x0e00, "GICD_NSACR0"), gicd(0x0e08, "GICD_NSACR2"),
    gicd(0x0f00, "GICD_SGIR"), gicd(0x0f10, "GICD_CPENDSGIR0"), gicd(0x0f20, "GICD_SPENDSGIR0"), gicd(0x0f80, "GICD_INMIR0"),
    gicd(0x1000, "GICD_IGROUPR0E"), gicd(0x1200, "GICD_ISENABLER0E"), gicd(0x1400, "GICD_ICENABLER0E"), gicd(0x1600, "GICD_ISPENDR0E"),
    gicd(0x1c00, "GICD_ISACTIVER0E"), gicd(0x2000, "GICD_IPRIORITYR0E"), gicd(0x3000, "GICD_ICFGR0E"),
    gicd(0x6000, "GICD_IROUTER0"), gicd(0x6100, "GICD_IROUTER32"), gicd(0x6104, "GICD_IROUTER32 + 4"),
    gicd(0x63f8, "GICD_IROUTER127"), gicd(0x6400, "GICD_IROUTER128"), gicd(0x7fd8, "GICD_IROUTER1019"), gicd(0x8000, "GICD_IROUTER0E"),
    gicd(0xc000, "GICD offset 0xc000"), gicd(0xffd0, "GICD_PIDR4"), gicd(0xffdc, "GICD_PIDR7"),
    gicd(0xffe0, "GICD_PIDR0"), gicd(0xffe4, "GICD_PIDR1"), gicd(0xffe8, "GICD_PIDR2"), gicd(0xffec, "GICD_PIDR3"),
    gicd(0xfff0, "GICD_CIDR0"), gicd(0xfff4, "GICD_CIDR1"), gicd(0xfff8, "GICD_CIDR2"), gicd(0xfffc, "GICD_CIDR3"),
    gicr(0x0000, "GICR_CTLR"), gicr(0x0004, "GICR_IIDR"), gicr(0x0008, "GICR_TYPER"), gicr(0x000c, "GICR_TYPER + 4"),
    gicr(0x0010, "GICR_STATUSR"), gicr(0x0014, "GICR_WAKER"), gicr(0x0018, "GICR_MPAMIDR"), gicr(0x001c, "GICR_PARTIDR"),
    gicr(0x0040, "GICR_SETLPIR"), gicr(0x0048, "GICR_CLRLPIR"),
    gicr(0x0070, "GICR_PROPBASER"), gicr(0x0074, "GICR_PROPBASER + 4"), gicr(0x0078, "GICR_PENDBASER"), gicr(0x007c, "GICR_PENDBASER + 4"),
    gicr(0x00a0, "GICR_INVLPIR"), gicr(0x00b0, "GICR_INVALLR"), gicr(0x00c0, "GICR_SYNCR"),
    gicr(0xffd0, "GICR_PIDR4"), gicr(0xffe0, "GICR_PIDR0"), gicr(0xffe8, "GICR_PIDR2"), gicr(0xfffc, "GICR_CIDR3"),
    gicr(0x1_0080, "GICR_IGROUPR0"), gicr(0x1_0084, "GICR_IGROUPR1E"),
    gicr(0x1_0100, "GICR_ISENABLER0"), gicr(0x1_0104, "GICR_ISENABLER1E"),
    gicr(0x1_0180, "GICR_ICENABLER0"), gicr(0x1_0200, "GICR_ISPENDR0"), gicr(0x1_0280, "GICR_ICPENDR0"),
    gicr(0x1_0300, "GICR_ISACTIVER0"), gicr(0x1_0380, "GICR_ICACTIVER0"),
    gicr(0x1_0400, "GICR_IPRIORITYR0"), gicr(0x1_0418, "GICR_IPRIORITYR6"), gicr(0x1_041c, "GICR_IPRIORITYR7"), gicr(0x1_0420, "GICR_IPRIORITYR0E"),
    gicr(0x1_0c00, "GICR_ICFGR0"), gicr(0x1_0c04, "GICR_ICFGR1"), gicr(0x1_0c08, "GICR_ICFGR2E"),
    gicr(0x1_0d00, "GICR_IGRPMODR0"), gicr(0x1_0e00, "GICR_NSACR"),
    gicr(0x1_ffe8, "GICR offset 0x1ffe8"),
];

/// How a register is accessed: so many bytes, so far behind its beginning.
pub const ACCESSES: [(u32, u32); 12] = [
    (4, 0),
    (8, 0),
    (1, 0),
    (2, 0),
    (1, 1),
    (1, 3),
    (2, 1),
    (2, 2),
    (4, 1),
    (4, 2),
    (8, 2),
    (8, 4),
];

/// What is written to it, after it was read once.
pub const WRITTEN: [u64; 3] = [u64::MAX, 0x5a5a_5a5a_5a5a_5a5a, 0];

/// An interrupt that is brought into every state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// An SGI.
    Sgi,
    /// A private interrupt of no device.
    Private,
    /// The virtual timer's.
    VirtualTimer,
    /// The physical timer's.
    PhysicalTimer,
    /// The PMU's.
    Pmu,
    /// A shared edge.
    Edge,
    /// A shared level of no device.
    Level,
    /// A shared level whose line the host raises.
    Line,
}

impl Source {
    /// All of them, in the order of the keys.
    pub const ALL: [Self; 8] = [
        Self::Sgi,
        Self::Private,
        Self::VirtualTimer,
        Self::PhysicalTimer,
        Self::Pmu,
        Self::Edge,
        Self::Level,
        Self::Line,
    ];

    /// Whether it has a cause that lasts until it is taken away.
    pub const fn has_line(self) -> bool {
        matches!(
            self,
            Self::VirtualTimer | Self::PhysicalTimer | Self::Pmu | Self::Line
        )
    }

    /// Whether it belongs to one vCPU.
    pub const fn is_private(self) -> bool {
        !matches!(self, Self::Edge | Self::Level | Self::Line)
    }

    /// Whether its configuration is an edge.
    pub const fn is_edge(self) -> bool {
        matches!(self, Self::Sgi | Self::Edge)
    }
}

/// INTIDs of those that the machine does not choose.
pub const SGI: u32 = 5;
/// See [`Source::Private`].
pub const PRIVATE: u32 = 20;
/// See [`Source::Edge`].
pub const EDGE: u32 = 40;
/// See [`Source::Level`].
pub const LEVEL: u32 = 41;
/// See [`Source::Line`].
pub const LINE: u32 = 42;

/// A state's bits: the interrupt is enabled.
pub const ENABLED: u64 = 1 << 0;
/// It was pended by ISPENDR.
pub const PENDED: u64 = 1 << 1;
/// Its line is up.
pub const RAISED: u64 = 1 << 2;
/// It was made active by ISACTIVER.
pub const ACTIVATED: u64 = 1 << 3;
/// It was acknowledged.
pub const TAKEN: u64 = 1 << 4;

/// Whether an interrupt can be in a state.
pub const fn is_state(source: Source, state: u64) -> bool {
    (state & RAISED == 0 || source.has_line()) && state & (ACTIVATED | TAKEN) != ACTIVATED | TAKEN
}

/// How many numbers states have.
pub const STATES: u64 = 1 << 5;

/// What is done to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Nothing.
    Nothing,
    /// ISENABLER.
    Enable,
    /// ICENABLER.
    Disable,
    /// ISPENDR.
    Pend,
    /// ICPENDR.
    Unpend,
    /// ISACTIVER.
    Activate,
    /// ICACTIVER.
    Deactivate,
    /// ICACTIVER, then ICENABLER: what Linux does to each interrupt before kexec (`machine_kexec_mask_interrupts`).
    Hand,
    /// A more urgent priority.
    Urgent,
    /// A priority that the CPU interface masks.
    Masked,
    /// The other configuration, where it can be chosen.
    Configure,
    /// Group 0.
    Group,
    /// IROUTER to vCPU 1.
    Route,
    /// Its cause is taken away.
    Lower,
    /// The distributor is disabled and enabled.
    Off,
}

impl Operation {
    /// All of them, in the order of the keys.
    pub const ALL: [Self; 15] = [
        Self::Nothing,
        Self::Enable,
        Self::Disable,
        Self::Pend,
        Self::Unpend,
        Self::Activate,
        Self::Deactivate,
        Self::Hand,
        Self::Urgent,
        Self::Masked,
        Self::Configure,
        Self::Group,
        Self::Route,
        Self::Lower,
        Self::Off,
    ];

    /// Whether it can be done to an interrupt in a state.
    pub const fn applies(self, source: Source, state: u64) -> bool {
        match self {
            Self::Route => !source.is_private(),
            Self::Lower => state & RAISED != 0,
            _ => true,
        }
    }

    /// Whether it has one outcome, whatever the host's scheduler does; `afar`: vCPU 1 does it to an interrupt of vCPU 0.
    ///
    /// KVM calls back none that a vCPU was given: a pending edge is seen by nobody else, and comes back when another vCPU
    /// clears it (`vgic_v3_populate_lr`, `vgic_v3_fold_lr_state`, arch/arm64/kvm/vgic/vgic-v3.c, 5.10 to 7.3). It samples
    /// the timer of whoever enables another's (`vgic_mmio_write_senable`, vgic-mmio.c). And what became pending while
    /// the distributor was disabled waits until something about it changes, as a timer's line does whenever
    /// the vCPU is loaded (`vgic_target_oracle`, vgic.c; `kvm_timer_vcpu_load_gic`, arch_timer.c).
    pub const fn is_certain(self, source: Source, state: u64, afar: bool) -> bool {
        let pending_edge = source.is_edge() && state & PENDED != 0;
        let is_timer = matches!(source, Source::VirtualTimer | Source::PhysicalTimer);
        match self {
            _ if afar && (!source.is_private() || pending_edge) => false,
            Self::Route => !(pending_edge && state & (ENABLED | ACTIVATED | TAKEN) != 0),
            Self::Off => !(afar || is_timer && state & RAISED != 0),
            Self::Enable => !afar || state & RAISED == 0,
            Self::Pend => !afar || !source.is_edge(),
            Self::Urgent | Self::Masked | Self::Configure | Self::Lower => !afar,
            _ => true,
        }
    }
}

/// What is written down of a case, in this order.
pub const STEPS: [&str; 11] = [
    "acknowledged at first",
    "seen by the other vCPU",
    "seen",
    "acknowledged",
    "seen after it",
    "seen after its end",
    "acknowledged again",
    "seen after that",
    "seen at the end",
    "acknowledged at the end",
    "left",
];

/// Bits of what is seen: ISENABLER, ICENABLER, ISPENDR, ICPENDR, ISACTIVER, ICACTIVER, IGROUPR; ICENABLER, ICPENDR and
/// ICACTIVER are read the first time alone. The priority is in bits 15:8, the configuration in 17:16, the affinity
/// in 55:32.
pub const SEEN: [&str; 7] = [
    "enabled",
    "enabled (IC)",
    "pending",
    "pending (IC)",
    "active",
    "active (IC)",
    "group 1",
];

/// Instructions that access, and states of the CPU in which they do: GICR_ISPENDR0 is read and GICR_ICACTIVER0 is written
/// while both timers are raised and the interrupt of the virtual one is active.
pub const WAYS: [&str; 11] = [
    "LDR and STR",
    "LDRSW into the register with the address",
    "LDR into WZR",
    "LDAR and STLR",
    "LDR and STR with every register in use",
    "at EL0",
    "at EL0, stepping over LDR",
    "at EL0, stepping over STR",
    "at EL0, big-endian",
    "at EL0, in AArch32",
    "at EL1, stepping over STR",
];

/// What is written down of each way, in this order.
pub const MADE_OF: [&str; 5] = [
    "read",
    "registers changed",
    "exception class",
    "instructions afterwards",
    "active",
];
