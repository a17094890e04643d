//! The PMU: its version, counters and events.

use super::decision::Decision;
use super::registers::Drafts;
use super::{Complaints, Context};
use crate::vm::{Feature, Pmu};

/// What `pmu` says, field by field.
pub(super) fn decisions(
    context: &Context,
    registers: &Drafts,
    complaints: &mut Complaints,
) -> Vec<Decision> {
    let cpu = &context.spec.cpu;
    let mut out = Vec::new();
    let pmu = cpu.pmu.as_ref();
    if pmu.is_some() && !cpu.features.contains(&Feature::Pmu) {
        complaints.error(
            "spec::not-in-lock",
            "/cpu/pmu",
            "the PMU is described, and the feature `pmu` is off".into(),
            Some("name `pmu` among the features, or leave the description out".into()),
        );
        return out;
    }
    let mut wish = |path, value, place: &str, from| {
        out.push(Decision::exactly(path, value, place, from));
    };
    if let Some(version) = pmu.and_then(|p| p.version.as_deref()) {
        const PLACE: &str = "/cpu/pmu/version";
        let known = Pmu::VERSIONS.iter().find(|(name, _, _)| *name == version);
        match known {
            Some((_, version, perfmon)) => {
                wish("ID_AA64DFR0_EL1.PMUVer", *version, PLACE, "spec/cpu/pmu");
                // Without AArch32 the register is zero, and stays so.
                let shown = registers.get("ID_DFR0_EL1").map_or(0, |(_, d)| d.value);
                if shown != 0 {
                    wish("ID_DFR0_EL1.PerfMon", *perfmon, PLACE, "spec/cpu/pmu");
                }
            }
            None => {
                let names: Vec<&str> = Pmu::VERSIONS.iter().map(|(name, _, _)| *name).collect();
                complaints.error(
                    "spec::impossible-value",
                    PLACE,
                    format!("there is no PMUv3 version `{}`", version.escape_debug()),
                    Some(format!("one of {}", names.join(", "))),
                );
            }
        }
    }
    if let Some(counters) = pmu.and_then(|p| p.counters) {
        wish(
            "PMCR_EL0.N",
            counters.into(),
            "/cpu/pmu/counters",
            "spec/cpu/pmu",
        );
    }
    out
}

/// The common events that `pmu` leaves to the guest, out of PMCEID0_EL0 and PMCEID1_EL0.
pub(super) fn events(context: &Context, registers: &mut Drafts, complaints: &mut Complaints) {
    let Some(pmu) = &context.spec.cpu.pmu else {
        return;
    };
    if pmu.allow.is_empty() && pmu.deny.is_empty() {
        return;
    }
    // Bit n of PMCEID<r>_EL0 is event 0x20 * r + n, bit 32 + n event 0x4000 + 0x20 * r + n.
    let bit = |event: u16| -> Option<(usize, u64)> {
        let number = match event {
            0..=0x3f => event,
            0x4000..=0x403f => event - 0x4000,
            _ => return None,
        };
        let high = if event < 0x4000 { 0 } else { 32 };
        Some((usize::from(number / 32), 1 << (number % 32 + high)))
    };
    let mut mask = |events: &[u16], list: &str| -> [u64; 2] {
        let mut masks = [0; 2];
        for (index, event) in events.iter().enumerate() {
            match bit(*event) {
                Some((register, bit)) => masks[register] |= bit,
                None => {
                    complaints.error(
                        "spec::impossible-value",
                        format!("/cpu/pmu/{list}/{index}"),
                        format!("{event:#x} is no common event"),
                        Some(
                            "0 to 0x3f and 0x4000 to 0x403f are: no register tells a guest of others"
                                .into(),
                        ),
                    );
                }
            }
        }
        masks
    };
    let allowed = match pmu.allow.is_empty() {
        true => [u64::MAX; 2],
        false => mask(&pmu.allow, "allow"),
    };
    let denied = mask(&pmu.deny, "deny");
    // Before version 3.1 there are no events from 0x4000 on, and the filter takes them away.
    let version = registers
        .get("ID_AA64DFR0_EL1")
        .map_or(0, |(_, d)| d.value >> 8 & 0xf);
    let known = if version >= 4 { u64::MAX } else { 0xffff_ffff };
    for (name, (allowed, denied)) in ["PMCEID0_EL0", "PMCEID1_EL0"]
        .into_iter()
        .zip(allowed.into_iter().zip(denied))
    {
        if let Some((_, draft)) = registers.get_mut(name) {
            draft.value &= allowed & !denied & known;
            draft.from.push("spec/cpu/pmu".to_owned());
        }
    }
}
