//! SVE: which vector lengths a guest can select.

use super::{Complaints, features};
use crate::catalogue::CpuModel;
use crate::vm::{Feature, VmSpec};

/// The vector lengths that the architecture allows: multiples of 128 bits up to
/// 2048, and with the longest every power of two below it (Arm ARM DDI 0487,
/// ZCR_EL1.LEN).
pub(super) fn vector_lengths(spec: &VmSpec, cpu: Option<&CpuModel>, complaints: &mut Complaints) {
    let lengths = &spec.cpu.vector_lengths;
    let asked = spec.cpu.features.contains(&Feature::Sve);
    // That the CPU has no vectors at all is told of with the feature.
    if asked && cpu.is_some_and(|cpu| features::lacks(cpu, Feature::Sve)) {
        return;
    }
    match (asked, lengths.is_empty()) {
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
    let before = complaints.0.len();
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
    // Of what no CPU has there is no more to say.
    if let Some(cpu) = cpu.filter(|_| complaints.0.len() == before) {
        of_silicon(lengths, cpu, complaints);
    }
}

/// KVM can cut off a CPU's lengths above one of them and do nothing else (`KVM_REG_ARM64_SVE_VLS`,
/// Documentation/virt/kvm/api.rst): up to the longest they are the silicon's.
fn of_silicon(lengths: &[u32], cpu: &CpuModel, complaints: &mut Complaints) {
    let has = &cpu.vector_lengths;
    let longest = lengths.last().copied().unwrap_or(0);
    if has.is_empty() {
        return;
    }
    let listed = |list: &[u32]| {
        let list: Vec<String> = list.iter().map(u32::to_string).collect();
        list.join(", ")
    };
    let beyond = lengths.iter().enumerate().find(|(_, l)| !has.contains(l));
    if let Some((index, length)) = beyond {
        complaints.error(
            "spec::vector-lengths",
            format!("/cpu/vector-lengths/{index}"),
            format!("the CPU `{}` has no vectors of {length} bits", cpu.name),
            Some(format!("it has {}", listed(has))),
        );
        return;
    }
    let between: Vec<u32> = has.iter().copied().filter(|l| *l < longest).collect();
    let missing: Vec<u32> = between
        .into_iter()
        .filter(|l| !lengths.contains(l))
        .collect();
    if !missing.is_empty() {
        complaints.error(
            "spec::vector-lengths",
            format!("/cpu/vector-lengths/{}", lengths.len() - 1),
            format!(
                "the CPU `{}` has vectors of {} bits too, and no kernel can hide these from a guest that has longer ones",
                cpu.name,
                listed(&missing)
            ),
            Some("name them too, or none that is longer".into()),
        );
    }
}
