//! PL031 real-time clock (Arm DDI 0224): 32-bit registers, seconds since 1970.

use vm_superio::Rtc;
use vm_superio::rtc_pl031::NoEvents;

/// The clock of a machine. Its alarm never rings.
pub struct Clock {
    rtc: Rtc<NoEvents>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { rtc: Rtc::new() }
    }
}

impl Clock {
    /// Reads at an offset within the register frame.
    pub fn read(&mut self, offset: u64, data: &mut [u8]) {
        let mut word = [0u8; 4];
        // The registers are words; PrimeCell's bus ignores the low two bits.
        self.rtc.read((offset & 0xffc) as u16, &mut word);
        let from = (offset & 3) as usize;
        for (at, byte) in data.iter_mut().enumerate() {
            *byte = word.get(from + at).copied().unwrap_or(0);
        }
    }

    /// Writes at an offset; only whole words count.
    pub fn write(&mut self, offset: u64, data: &[u8]) {
        if let (0, Ok(word)) = (offset & 3, <&[u8; 4]>::try_from(data)) {
            self.rtc.write((offset & 0xffc) as u16, word);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{SystemTime, UNIX_EPOCH};

    fn word(clock: &mut Clock, offset: u64) -> u32 {
        let mut data = [0; 4];
        clock.read(offset, &mut data);
        u32::from_le_bytes(data)
    }

    #[test]
    fn it_tells_the_time_and_who_it_is() {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .expect("after 1970")
            .as_secs() as u32;
        let mut clock = Clock::default();
        assert!(word(&mut clock, 0).abs_diff(now) <= 1);
        // PeriphID: part 0x031, designer 0x41 (DDI 0224 section 3.3.9).
        assert_eq!(word(&mut clock, 0xfe0), 0x31);
        assert_eq!(word(&mut clock, 0xfe4), 0x10);
    }

    #[test]
    fn odd_widths_and_offsets_do_no_harm() {
        let mut clock = Clock::default();
        let mut byte = [0xff];
        clock.read(0xfe0, &mut byte);
        assert_eq!(byte, [0x31]);
        let mut wide = [0xff; 8];
        clock.read(0xffd, &mut wide);
        assert_eq!(&wide[3..], [0; 5]);
        clock.write(1, &[1, 2, 3, 4]);
        clock.write(8, &[1]);
        clock.write(u64::MAX, &[1; 8]);
    }
}
