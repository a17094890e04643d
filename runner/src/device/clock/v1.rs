//! `pl031`: the clock of lock version 1, which shows what vm-superio 0.8.2 shows.
//!
//! Its alarm never rings: RTCRIS stays 0 whatever RTCMR says. Writing 1 to RTCCR
//! puts it back to the host's time. PeriphID2 is the first revision's. None of it
//! may be mended: guests run on it. The mended part is [`super::v2`].

use super::{CR, DR, IDS, IMSC, LAST, LR, MIS, MR, RIS, Registers, bit};
use vmlock_saved::device::clock::Pl031;
use vmlock_saved::hex::Hex32;

/// PeriphID0 to 3 and PCellID0 to 3.
const ID: [u8; 8] = [0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1];

/// The registers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clock {
    /// RTCLR.
    pub load: u32,
    /// What the guest's clock is ahead of the host's.
    pub offset: i64,
    /// RTCMR.
    pub matching: u32,
    /// RTCIMSC.
    pub mask: u32,
}

impl Clock {
    /// A clock that shows the host's time.
    pub fn new(_now: u32) -> Self {
        Self::default()
    }
}

impl Registers for Clock {
    fn read(&mut self, offset: u16, now: u32) -> u32 {
        match offset {
            // What does not fit is the host's time.
            DR => u32::try_from(i64::from(now) + self.offset).unwrap_or(now),
            MR => self.matching,
            LR => self.load,
            CR => 1,
            IMSC => self.mask,
            RIS | MIS => 0,
            IDS..=LAST => ID[usize::from((offset - IDS) >> 2)].into(),
            _ => 0,
        }
    }

    fn write(&mut self, offset: u16, value: u32, now: u32) {
        match offset {
            MR => self.matching = value,
            LR => {
                self.load = value;
                self.offset = i64::from(value) - i64::from(now);
            }
            CR if value == 1 => {
                self.load = 0;
                self.offset = 0;
            }
            IMSC => self.mask = value & 1,
            // There is nothing that ICR could clear.
            _ => {}
        }
    }

    fn line(&mut self, _now: u32) -> bool {
        false
    }

    fn rings_in(&mut self, _now: u32) -> Option<u32> {
        None
    }

    fn rang(&self) -> bool {
        false
    }

    type Saved = Pl031;

    fn save(&self) -> Pl031 {
        let Self {
            load,
            offset,
            matching,
            mask,
        } = *self;
        Pl031 {
            rtclr: Hex32(load),
            rtcmr: Hex32(matching),
            rtcimsc: Hex32(mask),
            ahead: offset,
        }
    }

    fn restored(saved: &Pl031) -> Result<Self, String> {
        let Pl031 {
            rtclr: Hex32(load),
            rtcmr: Hex32(matching),
            rtcimsc: Hex32(mask),
            ahead: offset,
        } = *saved;
        if offset.unsigned_abs() > u32::MAX.into() {
            return Err(format!(
                "`ahead` is {offset} seconds, which no load makes it"
            ));
        }
        bit("RTCIMSC", mask)?;
        Ok(Self {
            load,
            offset,
            matching,
            mask,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::clock::seconds;
    use vm_superio::Rtc;
    use vmlock_virtio::random::Random;

    /// Locks of version 1 were made when this was the clock.
    #[test]
    fn it_is_the_part_that_version_1_of_the_lock_had() {
        let mut random = Random(3);
        for _ in 0..300 {
            let (mut clock, mut oracle) = (Clock::new(seconds()), Rtc::new());
            for _ in 0..100 {
                let offset = match random.below(3) {
                    0 => random.below(0x1000) as u16 & 0xffc,
                    1 => IDS + (random.below(8) as u16) * 4,
                    _ => random.below(9) as u16 * 4,
                };
                let value = match random.below(3) {
                    0 => 1,
                    1 => seconds(),
                    _ => random.bits() as u32,
                };
                if random.below(2) == 0 {
                    clock.write(offset, value, seconds());
                    oracle.write(offset, &value.to_le_bytes());
                }
                let mut theirs = [0; 4];
                oracle.read(offset, &mut theirs);
                let (ours, theirs) = (clock.read(offset, seconds()), u32::from_le_bytes(theirs));
                // A second may begin between the one and the other.
                match offset {
                    DR => assert!(ours.wrapping_sub(theirs).wrapping_add(2) <= 4),
                    _ => assert_eq!(ours, theirs, "at {offset:#x}"),
                }
                let state = oracle.state();
                assert!((clock.offset - state.offset).abs() <= 1);
                let (lr, mr, imsc) = (state.lr, state.mr, state.imsc);
                assert_eq!((clock.load, clock.matching, clock.mask), (lr, mr, imsc));
                assert_eq!(state.ris, 0);
            }
        }
    }
}
