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
    /// The report, JSON. A frame that is damaged has none; of those that are here a test knows that they are whole.
    #[must_use]
    pub fn report(&self) -> Option<String> {
        let mut text = String::new();
        let mut frame = StreamingDecoder::new(self.packed).ok()?;
        frame.read_to_string(&mut text).ok()?;
        Some(text)
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
}
