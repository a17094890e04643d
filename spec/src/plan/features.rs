//! vCPU features: which of them the host offers, and what KVM can do about each
//! beside its registers.

use super::interrupts::no_gicv3;
use super::{Keep, Plan, Refusal, Step, Way};
use crate::catalogue::{REGISTERS, RegisterInfo};
use crate::lock::Lock;
use crate::reason;
use crate::report::{HostReport, Seen, View};
use crate::vm::Feature;

/// Why a report has no view of exactly these (sorted) features: those that the host does not offer, by name; that it
/// has no view at all comes before.
pub fn not_offered(features: &[Feature], report: &HostReport) -> Vec<Refusal> {
    if report.gic.is_none() {
        return vec![no_gicv3(report)];
    }
    let missing = features.iter().filter(|f| !report.offers(**f));
    let mut refusals: Vec<Refusal> = missing
        .map(|feature| Refusal {
            code: reason::NO_FEATURE,
            name: feature.name().to_owned(),
            wanted: "a guest that has it".into(),
            offered: "no vCPU with it".into(),
            reason: format!(
                "KVM on this host offers no vCPU feature `{}`: {}",
                feature.name(),
                withheld(*feature)
            ),
            from: format!("spec/cpu/{}", feature.name()),
            help: vec![format!(
                "choose a host that offers it, or leave `{}` out",
                feature.name()
            )],
        })
        .collect();
    if refusals.is_empty() {
        let names = |features: &[Feature]| -> String {
            let names: Vec<&str> = features.iter().map(|f| f.name()).collect();
            names.join(" and ")
        };
        let views = report.views.iter().map(|v| v.features.as_slice());
        let all = views.max_by_key(|features| features.len()).unwrap_or(&[]);
        refusals.push(Refusal {
            code: reason::NO_FEATURE,
            name: "features".into(),
            wanted: names(features),
            offered: "no view of exactly these".into(),
            reason: "the host report does not say what a guest with exactly these features has"
                .into(),
            from: "spec/cpu".into(),
            help: vec![
                "ask on the host itself: `vmlock-run check LOCK`".into(),
                format!(
                    "or ask for none of them, for one alone, or for {}",
                    names(all)
                ),
            ],
        });
    }
    refusals
}

/// Who withholds a feature from guests (`KVM_CHECK_EXTENSION`, arch/arm64/kvm/arm.c; the options of
/// Documentation/admin-guide/kernel-parameters.txt, 7.3).
const fn withheld(feature: Feature) -> &'static str {
    match feature {
        Feature::Pmu => "its CPU has none, or its firmware tells the kernel of none",
        Feature::Sve => "its CPU has none, or its kernel was started with `arm64.nosve`",
        Feature::Pauth => "its CPU has none, or its kernel was started with `arm64.nopauth`",
        Feature::Mte => {
            "its CPU has none, or its kernel was started with `arm64.nomte` or `kvm-arm.mode=protected`"
        }
        Feature::StealTime => "its kernel keeps no account of it",
    }
}

/// What a plan calls the vector lengths.
pub(crate) const LENGTHS: &str = "SVE vector lengths";

/// The SVE vector lengths: KVM cuts them off above one of the CPU's own, and
/// nothing else (arch/arm64/kvm/guest.c `set_sve_vls`, 5.10 to 7.3).
pub(super) fn vector_lengths(lock: &Lock, report: &HostReport, plan: &mut Plan) {
    const NAME: &str = LENGTHS;
    let wanted = &lock.vector_lengths;
    let Some(longest) = wanted.last() else {
        return;
    };
    if *wanted == report.vector_lengths {
        plan.keep(NAME, Way::Same, None, "");
        return;
    }
    let has = |length: &u32| report.vector_lengths.contains(length);
    let lengths = |list: Vec<&u32>| -> String {
        let texts: Vec<String> = list.iter().map(|l| l.to_string()).collect();
        texts.join(", ")
    };
    let missing: Vec<&u32> = wanted.iter().filter(|l| !has(l)).collect();
    let surplus: Vec<&u32> = report
        .vector_lengths
        .iter()
        .filter(|l| *l < longest && !wanted.contains(l))
        .collect();
    let mut refuse = |offered: String, reason: String, help: String| {
        plan.refusals.push(Refusal {
            code: reason::VECTOR_LENGTHS,
            name: NAME.into(),
            wanted: lengths(wanted.iter().collect()),
            offered,
            reason,
            from: "spec/cpu/sve".into(),
            help: vec![help],
        });
    };
    let offered = lengths(report.vector_lengths.iter().collect());
    if !missing.is_empty() {
        refuse(
            offered,
            format!(
                "this host's CPU has no vectors of {} bits",
                lengths(missing)
            ),
            "choose a host that has them, or leave the longest ones out of `sve`".into(),
        );
    } else if !surplus.is_empty() {
        refuse(
            offered,
            format!(
                "a guest here can select vectors of {} bits too, and KVM cannot take them away: it only cuts off above a length",
                lengths(surplus)
            ),
            "name them in `sve` as well, or end `sve` below them".into(),
        );
    } else {
        plan.keep(
            NAME,
            Way::Set,
            Some(Step::VectorLengths(wanted.clone())),
            "the longer ones are cut off",
        );
    }
}

/// Stolen time, on a host that can give it: the kernel writes it, and nobody else knows it.
pub(super) fn stolen_time(lock: &Lock) -> Option<Keep> {
    let vcpus = lock.machine.vcpus.iter();
    let addresses: Vec<u64> = vcpus.filter_map(|v| v.stolen_time).collect();
    (!addresses.is_empty()).then(|| {
        let step = Some(Step::StolenTime(addresses));
        let words = "each vCPU is given its structure";
        Keep::by(Feature::StealTime.name(), Way::Set, step, words)
    })
}

/// What belongs to a feature that the guest was not given, and can be read here all the same: KVM made GMID_EL1
/// undefined in 7.0 (arch/arm64/kvm/sys_regs.c), and nobody can do so before.
pub(super) fn hidden_and_there(lock: &Lock, view: &View) -> Vec<Keep> {
    let there = REGISTERS.iter().filter(|info| info.guest_only);
    let keep = |info: &RegisterInfo| {
        let feature = info.feature.as_deref()?;
        let given = lock.features.iter().any(|f| f.name() == feature);
        // One vCPU that can read it is enough.
        let mut facts = view.guest.iter();
        let is_read = facts.any(|f| f.name == info.name && matches!(f.seen, Seen::Value(_)));
        (!given && is_read).then(|| {
            let words = format!("can be read here by a guest that has no `{feature}`");
            Keep::by(&info.name, Way::Unpromised, None, &words)
        })
    };
    there.filter_map(keep).collect()
}
