//! The PL031 real-time clock (Arm DDI 0224): the registers of one version of the
//! part, and the host's time of day that they count in.

pub mod v1;
pub mod v2;

use super::Model;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use vmlock_saved::device::{Device, VERSION};

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

    /// The interrupt line when time last passed.
    fn rang(&self) -> bool;

    /// What they are when they are saved.
    type Saved: Serialize + DeserializeOwned;

    /// What they are, and were when time last passed.
    fn save(&self) -> Self::Saved;

    /// Registers as they were saved. What time has passed since passes at the next access.
    ///
    /// # Errors
    /// No driver can have brought them there: which of them, in words.
    fn restored(saved: &Self::Saved) -> Result<Self, String>
    where
        Self: Sized;
}

/// Whether a register of one bit is set.
///
/// # Errors
/// It has others.
fn bit(name: &str, value: u32) -> Result<bool, String> {
    match value {
        0 | 1 => Ok(value == 1),
        _ => Err(format!(
            "{name} is {value:#x}, which has bits that there are not"
        )),
    }
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

    fn save(&self, name: &str) -> Result<Device, String> {
        Device::of(name, VERSION, &self.registers.save())
    }

    fn restore(&mut self, device: &Device) -> Result<bool, String> {
        self.registers = R::restored(&device.state(VERSION)?)?;
        Ok(self.registers.rang())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use vmlock_virtio::random::Random;

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

    /// What a saved one of each version is, for ever.
    const FROZEN: [&str; 2] = [
        include_str!("../../../spec/saved/tests/frozen/device/pl031-1.v1.json"),
        include_str!("../../../spec/saved/tests/frozen/device/pl031-2.v1.json"),
    ];

    fn frozen(text: &str) -> Device {
        Device {
            name: "rtc".to_owned(),
            version: 1,
            text: text.to_owned(),
        }
    }

    fn restored_answers_alike<R: Registers>(fresh: fn(u32) -> R) {
        let mut random = Random(22);
        for _ in 0..200 {
            let mut now = 1_800_000_000;
            let mut clock = fresh(now);
            let step = |clock: &mut R, now: &mut u32, random: &mut Random| {
                let offset = random.below(9) as u16 * 4;
                let value = match random.below(3) {
                    0 => now.wrapping_add(random.below(4) as u32),
                    1 => 1,
                    _ => random.bits() as u32,
                };
                *now = now.wrapping_add(random.below(3) as u32);
                match random.below(2) {
                    0 => clock.write(offset, value, *now),
                    _ => return (clock.read(offset, *now), false, None),
                }
                (0, clock.line(*now), clock.rings_in(*now))
            };
            for _ in 0..random.below(100) {
                step(&mut clock, &mut now, &mut random);
            }
            let mut other = R::restored(&clock.save()).expect("a driver made it");
            assert_eq!(other.rang(), clock.rang());
            // It is saved for some time.
            now += random.below(5) as u32;
            let mut then = now;
            let mut same = Random(random.bits());
            let mut again = Random(same.0);
            for _ in 0..1_000 {
                let one = step(&mut clock, &mut now, &mut same);
                assert_eq!(one, step(&mut other, &mut then, &mut again));
            }
        }
    }

    #[test]
    fn a_restored_one_answers_as_the_one_that_was_saved() {
        restored_answers_alike(v1::Clock::new);
        restored_answers_alike(v2::Clock::new);
        for (mut clock, text) in both().into_iter().zip(FROZEN) {
            clock.restore(&frozen(text)).expect("it is kept for ever");
            assert_eq!(clock.save("rtc"), Ok(frozen(text)));
        }
    }

    #[test]
    fn a_state_that_no_driver_makes_is_refused_by_name() {
        for (which, from, to, why) in [
            (
                0,
                "\"RTCIMSC\": \"0x00000001\"",
                "\"RTCIMSC\": \"0x00000002\"",
                "RTCIMSC is 0x2",
            ),
            (
                0,
                "\"ahead\": -60",
                "\"ahead\": -4294967296",
                "`ahead` is -4294967296",
            ),
            (
                1,
                "\"RTCIMSC\": \"0x00000001\"",
                "\"RTCIMSC\": \"0x00000003\"",
                "RTCIMSC is 0x3",
            ),
            (
                1,
                "\"RTCRIS\": \"0x00000001\"",
                "\"RTCRIS\": \"0x80000001\"",
                "RTCRIS is 0x80000001",
            ),
        ] {
            let text = FROZEN[which].replace(from, to);
            assert_ne!(text, FROZEN[which], "{from}");
            let [one, two] = both();
            let mut clock = if which == 0 { one } else { two };
            let words = clock.restore(&frozen(&text)).expect_err(to);
            assert!(words.contains(why), "{words}");
        }
    }
}
