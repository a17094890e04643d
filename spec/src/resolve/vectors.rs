//! SVE: which vector lengths a guest can select.

use super::Complaints;
use crate::vm::{Feature, VmSpec};

/// The vector lengths that the architecture allows: multiples of 128 bits up to
/// 2048, and with the longest every power of two below it (Arm ARM DDI 0487,
/// ZCR_EL1.LEN).
pub(super) fn vector_lengths(spec: &VmSpec, complaints: &mut Complaints) {
    let lengths = &spec.cpu.vector_lengths;
    match (
        spec.cpu.features.contains(&Feature::Sve),
        lengths.is_empty(),
    ) {
        (true, true) => {
            complaints.error(
                "spec::vector-lengths",
                "/cpu/vector-lengths",
                "`sve` does not say which vector lengths the guest can select".into(),
                Some("name every one of them, in bits: `sve 128 256`".into()),
            );
            return;
        }
        (false, false) => {
            complaints.error(
                "spec::vector-lengths",
                "/cpu/vector-lengths",
                "there are vector lengths, and the feature `sve` is off".into(),
                Some("name `sve` among the features, or leave the lengths out".into()),
            );
            return;
        }
        _ => {}
    }
    for (index, length) in lengths.iter().enumerate() {
        let place = format!("/cpu/vector-lengths/{index}");
        if !(128..=2048).contains(length) || !length.is_multiple_of(128) {
            complaints.error(
                "spec::vector-lengths",
                place,
                format!("no vector has {length} bits"),
                Some("SVE's lengths are multiples of 128 bits, at most 2048".into()),
            );
        } else if index > 0 && *length <= lengths[index - 1] {
            complaints.error(
                "spec::vector-lengths",
                place,
                format!("{length} does not come after {}", lengths[index - 1]),
                Some("name each length once, the shortest first".into()),
            );
        }
    }
    let Some((last, longest)) = lengths.iter().enumerate().next_back() else {
        return;
    };
    let powers = (7..11).map(|bit| 1u32 << bit).filter(|p| p < longest);
    let missing: Vec<String> = powers
        .filter(|p| !lengths.contains(p))
        .map(|p| p.to_string())
        .collect();
    if !missing.is_empty() {
        complaints.error(
            "spec::vector-lengths",
            format!("/cpu/vector-lengths/{last}"),
            format!(
                "a CPU with vectors of {longest} bits has {} too",
                missing.join(" and ")
            ),
            Some("every power of two below the longest is there: the architecture says so".into()),
        );
    }
}
