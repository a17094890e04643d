//! What a guest that is saved at hostile moments and its host say to each other: the words of memory in which it
//! counts and sums up.
//!
//! In each of its rounds it is once everything that makes a moment hostile: it reads and writes a device's registers, it
//! calls firmware, it is inside its timer's handler, it has an SPI active (in the handler, and behind it: it drops the
//! priority there and deactivates later), it has a level line up, and it turns another vCPU on. What it finds goes into one
//! sum, which says the same however often it was saved, and nothing of when things happened.

/// Guest-physical address of [`WORDS`] words of 64 bits, zero at first but for those that the host writes.
/// Behind the parameters, below the image ([`crate::LOAD_ADDRESS`]).
pub const ADDRESS: u64 = 0x4018_0000;
/// How many words there are.
pub const WORDS: usize = 16;

/// Word, the host's: how many rounds it goes.
pub const ROUNDS: usize = 0;
/// Word, the host's: INTID of the virtual timer's interrupt.
pub const TIMER: usize = 1;
/// Word, the host's: INTID of the UART's interrupt.
pub const LINE: usize = 2;

/// Word: the sum of vCPU 0.
pub const SUM: usize = 4;
/// Word: the sum of vCPU 1.
pub const OTHER: usize = 5;
/// Word: rounds that it has gone.
pub const ROUND: usize = 6;
/// Word: the round that vCPU 1 was turned on for last, once it is done with that, and 1 more.
pub const TURNED_ON: usize = 7;
/// First word of how often each of [`TAKEN`] was taken.
pub const COUNTS: usize = 8;
/// Word: an exception that nobody expected, ESR_EL1; and where, ELR_EL1.
pub const FAULT: usize = 12;

/// Word: how often the timer's interrupt came although the timer was off or not due, which no sum has; behind it, what
/// CNTV_CTL_EL0 was the last time. An interrupt without a cause may always come (Arm IHI 0069 section 4.1.2 calls it
/// spurious), and Linux's handler takes nothing where CNTV_CTL_EL0.ISTATUS is clear
/// (drivers/clocksource/arm_arch_timer.c `timer_handler`).
pub const SPURIOUS: usize = 14;

/// The interrupts that it takes.
pub const TAKEN: [&str; 4] = ["timer", "edges", "levels", "others"];

/// INTID of the shared interrupt that it pends itself, an edge: no device has it.
pub const EDGE: u32 = 60;

/// What has to be the same however often a guest was saved: all but what [`SPURIOUS`] says.
pub fn found(words: &[u64; WORDS]) -> [u64; SPURIOUS] {
    core::array::from_fn(|word| words[word])
}
