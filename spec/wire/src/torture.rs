//! What a guest under fire and whoever fires at it say to each other: which
//! interrupt is whose, and the words of memory in which both count.
//!
//! Of each interrupt at most one cause is open at a time, and every cause is
//! counted before it is made: [`SENT`] = [`TAKEN`] + [`CLEARED`] means that
//! nothing is open. Whoever makes a cause, or holds the interrupt still to look
//! at it, has its [`LOCK`]. So one that is lost stays open for ever, and one
//! that nobody sent makes the sum exceed what was sent.
//!
//! SGIs are counted likewise, as [`SIGNALLED`] and [`ANSWERED`], for each sender
//! and target; a sender's INTID is its index. A timer's ticks come when they
//! come, but always once more: [`TICKS`] of every vCPU go on.

use core::ops::Range;

/// INTID of the first interrupt; all of them are in one register's 32 bits.
pub const FIRST: u32 = 32;
/// How many there are.
pub const COUNT: usize = 32;
/// Edges that come by irqfd.
pub const WIRED: Range<u32> = 0..10;
/// Edges that come by KVM_IRQ_LINE.
pub const EDGES: Range<u32> = 10..16;
/// Lines that KVM_IRQ_LINE raises and a write to [`DOORBELL`] lowers.
pub const LEVELS: Range<u32> = 16..22;
/// Edges that only the guest pends, by ISPENDR.
pub const OWN_EDGES: Range<u32> = 22..28;
/// Level-sensitive ones that only the guest pends.
pub const OWN_LEVELS: Range<u32> = 28..32;

/// A 32-bit write of an INTID here lowers its line. Guest-physical.
pub const DOORBELL: u64 = 0x0b00_0000;

/// Guest-physical address of [`WORDS`] words of 64 bits, zero at first.
/// Behind the parameters, below the image ([`crate::LOAD_ADDRESS`]).
pub const ADDRESS: u64 = 0x4018_0000;
/// How many words there are.
pub const WORDS: usize = TICKS + CPUS;

/// The most vCPUs there may be: as many as there are SGIs, but for [`REQUEUE`].
pub const CPUS: usize = 15;
/// The SGI that tells a vCPU to enable its timer's interrupt once more.
pub const REQUEUE: u32 = 15;

/// Word: vCPUs that take interrupts.
pub const READY: usize = 0;
/// Word: not zero when no more is to be disturbed.
pub const STOP: usize = 1;
/// Word: one interrupt in so many is followed by a disturbance.
pub const RARITY: usize = 2;
/// Word: lock of the distributor's own control register.
pub const CONTROL: usize = 3;
/// Word: INTID of the virtual timer's interrupt.
pub const VIRTUAL_TIMER: usize = 4;
/// Word: INTID of the physical timer's interrupt.
pub const PHYSICAL_TIMER: usize = 5;
/// First word of how often each of [`DISTURBANCES`] was done.
pub const DISTURBED: usize = 8;
/// First word of locks, one for each interrupt.
pub const LOCK: usize = 32;
/// First word of causes.
pub const SENT: usize = 64;
/// First word of those that a vCPU acknowledged.
pub const TAKEN: usize = 96;
/// First word of those that were pending and were cleared by ICPENDR.
pub const CLEARED: usize = 128;
/// First word of how often each of [`FINDINGS`] was met.
pub const FOUND: usize = 160;
/// First word of SGIs sent, [`CPUS`] targets of one sender after another. Of one more sender,
/// [`PENDED_TICK`], are the interrupts of its timer that each vCPU pended for itself.
pub const SIGNALLED: usize = 192;
/// First word of those that the target acknowledged, in the same order.
pub const ANSWERED: usize = SIGNALLED + PAIRS;
/// First word of ticks that each vCPU's timer gave it.
pub const TICKS: usize = ANSWERED + PAIRS;

/// The sender behind the vCPUs.
pub const PENDED_TICK: usize = CPUS;
/// Words of all senders and targets.
pub const PAIRS: usize = (CPUS + 1) * CPUS;

/// What the guest does to its interrupts.
pub const DISTURBANCES: [&str; 11] = [
    "routed",
    "prioritised",
    "masked",
    "looked at",
    "cleared",
    "pended",
    "pended and cleared",
    "activated",
    "all disabled",
    "SGIs",
    "timers looked at",
];

/// What must not be.
pub const FINDINGS: [&str; 13] = [
    "taken without a cause",
    "INTIDs that are nobody's",
    "pending without a cause",
    "still pending after ICPENDR",
    "enables that do not read back",
    "priorities that do not read back",
    "routes that do not read back",
    "active states that do not read back",
    "taken while active",
    "ticks of a timer that is not due",
    "virtual timers that are not pending as they are raised",
    "physical timers that are not pending as they are raised",
    "virtual timers that another redistributor does not tell of as KVM's does",
];
