//! `pl031-2`: the PL031 with an alarm that rings (Arm DDI 0224, r1p4).
//!
//! It is a clock that has been running since before the guest began, as one with
//! a battery: RTCCR reads 1 and cannot be changed (section 3.3.4), and RTCDR
//! starts with the host's time of day, which it follows from then on.
//!
//! RTCRIS is set when RTCDR comes to RTCMR: by time, by a load, or by a match that
//! is written. Where the host's clock is set forward, what it skips has been
//! passed; where it is set back, a match may come once more.

use super::{CR, DR, ICR, IDS, IMSC, LAST, LR, MIS, MR, RIS, Registers, bit};
use vmlock_saved::device::clock::Pl031V2;
use vmlock_saved::hex::Hex32;

/// PeriphID0 to 3 (part 0x031, designer 0x41, revision 1) and PCellID0 to 3.
const ID: [u8; 8] = [0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/// Seconds that count as ahead; more of them are backwards.
const HALF: u32 = u32::MAX / 2;

/// The registers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clock {
    /// RTCLR, as last written.
    pub load: u32,
    /// What the guest's clock is ahead of the host's, modulo 2^32.
    pub offset: u32,
    /// RTCMR.
    pub matching: u32,
    /// RTCIMSC.
    pub unmasked: bool,
    /// RTCRIS.
    pub ringing: bool,
    /// RTCDR when it was last held against RTCMR.
    pub counted: u32,
}

impl Clock {
    /// A clock that shows the host's time.
    pub fn new(now: u32) -> Self {
        Self {
            load: 0,
            offset: 0,
            matching: 0,
            unmasked: false,
            ringing: false,
            counted: now,
        }
    }

    /// RTCDR.
    fn count(&self, now: u32) -> u32 {
        now.wrapping_add(self.offset)
    }

    /// Lets time pass: rings if it came to the match, or beyond it.
    fn pass(&mut self, now: u32) {
        let count = self.count(now);
        let passed = count.wrapping_sub(self.counted);
        let left = self.matching.wrapping_sub(self.counted);
        if passed <= HALF && left != 0 && left <= passed {
            self.ringing = true;
        }
        self.counted = count;
    }

    /// Rings if the one that was just written is the other.
    fn compare(&mut self) {
        self.ringing |= self.counted == self.matching;
    }
}

impl Registers for Clock {
    fn read(&mut self, offset: u16, now: u32) -> u32 {
        self.pass(now);
        match offset {
            DR => self.counted,
            MR => self.matching,
            LR => self.load,
            CR => 1,
            IMSC => self.unmasked.into(),
            RIS => self.ringing.into(),
            MIS => (self.ringing && self.unmasked).into(),
            IDS..=LAST => ID[usize::from((offset - IDS) >> 2)].into(),
            _ => 0,
        }
    }

    fn write(&mut self, offset: u16, value: u32, now: u32) {
        self.pass(now);
        match offset {
            MR => {
                self.matching = value;
                self.compare();
            }
            LR => {
                self.load = value;
                self.offset = value.wrapping_sub(now);
                self.counted = value;
                self.compare();
            }
            IMSC => self.unmasked = value & 1 != 0,
            ICR => self.ringing &= value & 1 == 0,
            _ => {}
        }
    }

    fn line(&mut self, now: u32) -> bool {
        self.pass(now);
        self.rang()
    }

    fn rang(&self) -> bool {
        self.ringing && self.unmasked
    }

    type Saved = Pl031V2;

    fn save(&self) -> Pl031V2 {
        let Self {
            load,
            offset,
            matching,
            unmasked,
            ringing,
            counted,
        } = *self;
        Pl031V2 {
            rtclr: Hex32(load),
            rtcmr: Hex32(matching),
            rtcimsc: Hex32(unmasked.into()),
            rtcris: Hex32(ringing.into()),
            rtcdr: Hex32(counted),
            ahead: Hex32(offset),
        }
    }

    fn restored(saved: &Pl031V2) -> Result<Self, String> {
        let Pl031V2 {
            rtclr: Hex32(load),
            rtcmr: Hex32(matching),
            rtcimsc: Hex32(unmasked),
            rtcris: Hex32(ringing),
            rtcdr: Hex32(counted),
            ahead: Hex32(offset),
        } = *saved;
        Ok(Self {
            load,
            offset,
            matching,
            unmasked: bit("RTCIMSC", unmasked)?,
            ringing: bit("RTCRIS", ringing)?,
            counted,
        })
    }

    fn rings_in(&mut self, now: u32) -> Option<u32> {
        self.pass(now);
        let left = self.matching.wrapping_sub(self.counted);
        let waits = self.unmasked && !self.ringing;
        (waits && left != 0 && left <= HALF).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_virtio::random::Random;

    const NOW: u32 = 1_800_000_000;

    fn set(clock: &mut Clock, matching: u32, now: u32) {
        clock.write(MR, matching, now);
        clock.write(ICR, 1, now);
        clock.write(IMSC, 1, now);
    }

    #[test]
    fn the_alarm_rings_at_its_second_until_it_is_cleared() {
        let mut clock = Clock::new(NOW);
        set(&mut clock, NOW + 3, NOW);
        assert_eq!(clock.rings_in(NOW), Some(3));
        assert!(!clock.line(NOW + 2));
        assert!(clock.line(NOW + 3));
        assert_eq!(clock.rings_in(NOW + 3), None);
        assert_eq!(clock.read(RIS, NOW + 3), 1);
        assert_eq!(clock.read(MIS, NOW + 3), 1);
        clock.write(ICR, 0xffff_fffe, NOW + 3);
        assert!(clock.line(NOW + 3));
        clock.write(ICR, 1, NOW + 3);
        assert!(!clock.line(NOW + 3));
        assert_eq!(clock.read(RIS, NOW + 4), 0);
    }

    #[test]
    fn it_rings_behind_its_mask() {
        let mut clock = Clock::new(NOW);
        clock.write(MR, NOW + 1, NOW);
        assert_eq!(clock.rings_in(NOW), None);
        assert_eq!(clock.read(RIS, NOW + 2), 1);
        assert_eq!(clock.read(MIS, NOW + 2), 0);
        assert!(!clock.line(NOW + 2));
        clock.write(IMSC, 0xff, NOW + 2);
        assert_eq!(clock.read(IMSC, NOW + 2), 1);
        assert!(clock.line(NOW + 2));
    }

    #[test]
    fn a_load_and_a_match_of_the_same_value_ring() {
        let mut clock = Clock::new(NOW);
        clock.write(MR, 1000, NOW);
        assert_eq!(clock.read(RIS, NOW), 0);
        clock.write(LR, 1000, NOW);
        assert_eq!(clock.read(RIS, NOW), 1);
        clock.write(ICR, 1, NOW);
        clock.write(MR, 1005, NOW + 5);
        assert_eq!(clock.read(RIS, NOW + 5), 1);
        // A load beyond the match does not pass it.
        clock.write(ICR, 1, NOW + 5);
        clock.write(MR, 2000, NOW + 5);
        clock.write(LR, 3000, NOW + 5);
        assert_eq!(clock.read(RIS, NOW + 500), 0);
        assert_eq!(clock.read(LR, NOW + 500), 3000);
        assert_eq!(clock.read(DR, NOW + 500), 3495);
    }

    #[test]
    fn it_counts_on_round_the_end() {
        let mut clock = Clock::new(NOW);
        clock.write(LR, u32::MAX, NOW);
        set(&mut clock, 1, NOW);
        assert_eq!(clock.read(DR, NOW + 1), 0);
        assert_eq!(clock.rings_in(NOW + 1), Some(1));
        assert!(!clock.line(NOW + 1));
        assert!(clock.line(NOW + 2));
    }

    #[test]
    fn the_host_may_set_its_clock() {
        let mut clock = Clock::new(NOW);
        set(&mut clock, NOW + 10, NOW);
        assert!(!clock.line(NOW - 3600));
        assert_eq!(clock.rings_in(NOW - 3600), Some(3610));
        // Forward over the match.
        assert!(clock.line(NOW + 3600));
        // What lies in the past does not ring.
        let mut clock = Clock::new(NOW);
        set(&mut clock, NOW - 10, NOW);
        assert_eq!(clock.rings_in(NOW), None);
        assert!(!clock.line(NOW + 1_000_000));
    }

    #[test]
    fn it_has_been_started_and_stays_so() {
        let mut clock = Clock::new(NOW);
        clock.write(LR, 5, NOW);
        for value in [0, 1, u32::MAX] {
            clock.write(CR, value, NOW);
            assert_eq!(clock.read(CR, NOW), 1);
            assert_eq!(clock.read(DR, NOW), 5);
        }
        for offset in [DR, RIS, MIS, 0x20, IDS, LAST] {
            let before = clock.read(offset, NOW);
            clock.write(offset, 0xdead_beef, NOW);
            assert_eq!(clock.read(offset, NOW), before);
        }
    }

    #[test]
    fn no_access_breaks_it() {
        let mut random = Random(4);
        for _ in 0..1000 {
            let mut now = random.bits() as u32;
            let mut clock = Clock::new(now);
            for _ in 0..200 {
                let offset = match random.below(2) {
                    0 => random.bits() as u16,
                    _ => random.below(9) as u16 * 4,
                };
                let value = match random.below(3) {
                    0 => now.wrapping_add(random.below(4) as u32),
                    1 => 1,
                    _ => random.bits() as u32,
                };
                match random.below(8) {
                    0 => now = random.bits() as u32,
                    1..4 => now = now.wrapping_add(1),
                    4 => drop(clock.read(offset, now)),
                    _ => clock.write(offset, value, now),
                }
                let line = clock.line(now);
                assert_eq!(line, clock.read(MIS, now) == 1);
                // Whoever sleeps until then finds it ringing.
                if let Some(left) = clock.rings_in(now) {
                    assert!(!line && clock.clone().line(now.wrapping_add(left)));
                    assert!(!clock.clone().line(now.wrapping_add(left - 1)));
                }
            }
        }
    }
}
