//! The PL031 real-time clock (Arm DDI 0224): the registers of one version of the
//! part, and the host's time of day that they count in.

pub mod v1;
pub mod v2;

use super::Model;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Offsets of the registers (DDI 0224 table 3-1).
const DR: u16 = 0x00;
const MR: u16 = 0x04;
const LR: u16 = 0x08;
const CR: u16 = 0x0c;
const IMSC: u16 = 0x10;
const RIS: u16 = 0x14;
const MIS: u16 = 0x18;
const ICR: u16 = 0x1c;
/// PeriphID0 to 3 and PCellID0 to 3.
const IDS: u16 = 0xfe0;
const LAST: u16 = 0xffc;

/// The registers of a PL031. All times are seconds of the host since 1970.
pub trait Registers: Send {
    /// Reads the word at an offset.
    fn read(&mut self, offset: u16, now: u32) -> u32;

    /// Writes the word at an offset.
    fn write(&mut self, offset: u16, value: u32, now: u32);

    /// The interrupt line.
    fn line(&mut self, now: u32) -> bool;

    /// In how many seconds the line rises by itself; at least one.
    fn rings_in(&mut self, now: u32) -> Option<u32>;
}

/// The host's time of day, since 1970; 1970 where its clock says that it is earlier.
pub fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Now, as the part counts it.
fn seconds() -> u32 {
    now().as_secs() as u32
}

/// The clock of a machine.
pub struct Clock<R> {
    registers: R,
}

impl<R: Registers> Clock<R> {
    /// A clock that is made now.
    pub fn new(registers: impl FnOnce(u32) -> R) -> Self {
        Self {
            registers: registers(seconds()),
        }
    }
}

impl<R: Registers> Model for Clock<R> {
    /// The registers are words; PrimeCell's bus ignores the low two bits.
    fn read(&mut self, offset: u64, data: &mut [u8]) {
        let word = match u16::try_from(offset & !3) {
            Ok(offset @ ..=LAST) => self.registers.read(offset, seconds()),
            _ => 0,
        };
        let from = (offset & 3) as usize;
        for (at, byte) in data.iter_mut().enumerate() {
            *byte = word.to_le_bytes().get(from + at).copied().unwrap_or(0);
        }
    }

    /// Only whole words count.
    fn write(&mut self, offset: u64, data: &[u8]) {
        if let (Ok(offset @ ..=LAST), Ok(word)) = (u16::try_from(offset), data.try_into())
            && offset & 3 == 0
        {
            self.registers
                .write(offset, u32::from_le_bytes(word), seconds());
        }
    }

    fn line(&mut self) -> bool {
        self.registers.line(seconds())
    }

    fn rings_at(&mut self) -> Option<Duration> {
        let now = now().as_secs();
        let left = self.registers.rings_in(now as u32)?;
        Some(Duration::from_secs(now + u64::from(left)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(clock: &mut dyn Model, offset: u64) -> u32 {
        let mut data = [0; 4];
        clock.read(offset, &mut data);
        u32::from_le_bytes(data)
    }

    fn both() -> [Box<dyn Model>; 2] {
        [
            Box::new(Clock::new(v1::Clock::new)),
            Box::new(Clock::new(v2::Clock::new)),
        ]
    }

    #[test]
    fn it_tells_the_time_and_who_it_is() {
        for mut clock in both() {
            assert!(word(&mut *clock, 0).abs_diff(seconds()) <= 1);
            // PeriphID: part 0x031, designer 0x41 (DDI 0224 section 3.3.9).
            assert_eq!(word(&mut *clock, 0xfe0), 0x31);
            assert_eq!(word(&mut *clock, 0xfe4), 0x10);
        }
    }

    #[test]
    fn odd_widths_and_offsets_do_no_harm() {
        for mut clock in both() {
            let mut byte = [0xff];
            clock.read(0xfe0, &mut byte);
            assert_eq!(byte, [0x31]);
            let mut wide = [0xff; 8];
            clock.read(0xffd, &mut wide);
            assert_eq!(&wide[3..], [0; 5]);
            clock.write(1, &[1, 2, 3, 4]);
            clock.write(8, &[1]);
            clock.write(u64::MAX, &[1; 8]);
            clock.read(u64::MAX, &mut wide);
            assert_eq!(wide, [0; 8]);
            assert_eq!(word(&mut *clock, 8), 0);
        }
    }

    #[test]
    fn it_rings_at_a_time_of_the_host() {
        let mut clock = Clock::new(v2::Clock::new);
        let now = seconds();
        clock.write(MR.into(), &(now + 1000).to_le_bytes());
        assert_eq!(clock.rings_at(), None);
        clock.write(IMSC.into(), &1u32.to_le_bytes());
        let at = Duration::from_secs(u64::from(now) + 1000);
        assert_eq!(clock.rings_at(), Some(at));
        assert!(!clock.line());
    }
}
