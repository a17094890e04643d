//! Recorded host reports of the lab's kernels, by CPU model and kernel series: the text of each, as
//! `vmlock-run probe` wrote it there.
//!
//! A crate of its own, because the reports are larger than all that reads them: the compiler has them for `runs-on` and
//! `drift`, and who else decides by a report makes one of the host at hand. The texts, which people read and compare, lie in the
//! checkout beside this crate. A program has each as a frame of zstd (RFC 8878) of its own, a thirtieth of it, which is
//! unpacked when somebody asks for that report, and no other with it. `tests/packed.rs` holds the texts in the frames
//! against those byte by byte; `vmlock-lab record` makes both. The bytes of a frame hang on the release of zstd that packed it:
//! only the text in it is promised.

use ruzstd::decoding::StreamingDecoder;
use std::io::Read as _;

/// One recorded host.
#[derive(Clone, Copy, Debug)]
pub struct Recorded {
    /// The CPU model's name in the catalogue.
    pub cpu: &'static str,
    /// The host's name for `runs-on`: `kvm-` and the kernel's series.
    pub name: &'static str,
    /// The report as a frame of zstd.
    packed: &'static [u8],
}

impl Recorded {
    /// The report, JSON. A frame that is damaged, by its checksum also, has none; of those that are here a test knows that
    /// they are whole.
    #[must_use]
    pub fn report(&self) -> Option<String> {
        let mut text = String::new();
        let mut frame = StreamingDecoder::new(self.packed).ok()?;
        frame.read_to_string(&mut text).ok()?;
        let decoder = &frame.decoder;
        // The decoder computes it, and leaves it to others to compare. A frame without one is none of ours.
        (decoder.get_checksum_from_data() == decoder.get_calculated_checksum()).then_some(text)
    }
}

macro_rules! recorded {
    ($($cpu:literal: $($series:literal)*;)*) => {
        /// All of them, by CPU model, the oldest kernel of each first.
        pub const RECORDED: &[Recorded] = &[
            $($(Recorded {
                cpu: $cpu,
                name: concat!("kvm-", $series),
                packed: include_bytes!(concat!("../packed/", $cpu, "-", $series, ".zst")),
            },)*)*
        ];
    };
}

recorded! {
    "cortex-a72": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "cortex-a76": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "max": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
    "neoverse-n1": "5.10" "6.1" "6.12" "6.16" "6.17" "6.18" "6.19" "7.0" "7.1" "7.2" "7.3";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_frame_has_no_report() {
        let whole = RECORDED[0];
        assert!(whole.report().is_some());
        for packed in [&whole.packed[..whole.packed.len() / 2], b"{}", b""] {
            let damaged = Recorded { packed, ..whole };
            assert!(damaged.report().is_none(), "{} bytes", packed.len());
        }
    }

    #[test]
    fn a_flipped_bit_never_makes_another_report() {
        let whole = RECORDED[0];
        let report = whole.report();
        // Its header and its checksum; of all that is between, as much as is done soon.
        let (header, checksum) = (0..24, whole.packed.len() - 4..whole.packed.len());
        let between = (header.end..checksum.start).step_by(13);
        assert!(between.len() > 400);
        for byte in header.clone().chain(between).chain(checksum) {
            let mut packed = whole.packed.to_vec();
            packed[byte] ^= 1 << (byte % 8);
            let packed = packed.leak();
            let changed = (Recorded { packed, ..whole }).report();
            // A header also has bits that tell nothing of the text, such as the size of the window.
            let same = header.contains(&byte) && changed == report;
            assert!(changed.is_none() || same, "byte {byte}");
        }
    }
}
