//! The interrupt controller: shown by the kernel, or answered for by the runner.

use super::inside::Inside;
use super::{Emulation, Plan, Refusal, Step, Way, disagreement};
use crate::lock::{GicRegister, Lock};
use crate::observation::words;
use crate::reason;
use crate::report::{GicReport, HostReport, Reading, Seen};
use crate::resolve::GIC_IIDR;

/// Bytes of a distributor, and of one redistributor (Arm IHI 0069 section 12.10).
const DISTRIBUTOR_SIZE: u64 = 0x1_0000;
const REDISTRIBUTOR_SIZE: u64 = 0x2_0000;

/// Why no machine can be made on a host whose KVM has no GICv3 for guests.
pub(super) fn no_gicv3(report: &HostReport) -> Refusal {
    let (offered, why) = match report.other_gics.join(" and a ") {
        none if none.is_empty() => (
            "no interrupt controller".to_owned(),
            "KVM on this host has no interrupt controller for guests".to_owned(),
        ),
        others => (
            format!("a {others}"),
            format!(
                "KVM on this host has no GICv3 for guests, only a {others}: so is the board's own"
            ),
        ),
    };
    Refusal {
        code: reason::NO_GICV3,
        name: "GICv3".into(),
        wanted: "a GICv3, which every machine has".into(),
        offered,
        reason: why,
        from: "the machine".into(),
        help: vec!["choose a host whose interrupt controller is a GICv3 or a later one that shows guests a GICv3".into()],
    }
}

/// What the probe's guest read of one register of the interrupt controller.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct SeenGic {
    /// Under its own name.
    own: Reading,
    /// Under the name of the one that it is held against.
    held: Reading,
}

/// What it read of each of these registers.
pub(super) fn seen(entries: &[GicRegister], inside: &Inside) -> Vec<SeenGic> {
    let of = |entry: &GicRegister| SeenGic {
        own: inside.seen_as(&entry.name),
        held: inside.seen_as(held_against(&entry.name)),
    };
    entries.iter().map(of).collect()
}

/// The probe's distributor may have fewer lines: every word of groups is like the first.
fn held_against(name: &str) -> &str {
    match name.strip_prefix("GICD_IGROUPR") {
        Some(rest) if rest.ends_with(".writable") => "GICD_IGROUPR1.writable",
        Some(_) => "GICD_IGROUPR1",
        None => name,
    }
}

/// Whether the in-kernel frames can be hidden inside the guest's memory.
pub(super) fn hides(lock: &Lock) -> bool {
    let frames = DISTRIBUTOR_SIZE + REDISTRIBUTOR_SIZE * lock.machine.vcpus.len() as u64;
    lock.machine.memory.size >= frames
}

/// The interrupt controller: natively where the kernel shows all of it, else
/// the runner answers for what it can. `seen` is of these entries, in their order; `hides` as the function says.
pub(super) fn gic(
    entries: &[GicRegister],
    seen: &[SeenGic],
    gic: &GicReport,
    hides: bool,
    emulation: Emulation,
    plan: &mut Plan,
) {
    let mut native = Plan::default();
    native_gic(entries, seen, gic, &mut native);
    let wanted = match emulation {
        Emulation::Allowed | Emulation::PreferredCalls => !native.refusals.is_empty(),
        Emulation::Forbidden => false,
        Emulation::Preferred => true,
    };
    if !wanted || !hides {
        let answerable = |name: &str| {
            let name = name.split('.').next();
            let mut entries = entries.iter();
            entries.any(|e| Some(e.name.as_str()) == name && answerable(&e.name, e.value))
        };
        if emulation == Emulation::Forbidden {
            for refusal in native.refusals.iter_mut().filter(|r| answerable(&r.name)) {
                let words =
                    "let the runner answer for the interrupt controller: leave `--native` out";
                refusal.help.insert(0, words.to_owned());
            }
        }
        plan.keeps.append(&mut native.keeps);
        plan.refusals.append(&mut native.refusals);
        return;
    }
    let why = match native.refusals.first() {
        Some(refusal) => refusal.reason.clone(),
        None => "it was asked to".to_owned(),
    };
    let mut step = Some(Step::Distributor);
    for entry in entries {
        let of = |name: &str| {
            name == entry.name
                || name
                    .rsplit_once('.')
                    .is_some_and(|(of, _)| of == entry.name)
        };
        // A kernel whose vCPUs disagree about its interrupt controller is not trusted with injection either.
        let apart = |r: &Refusal| r.code == reason::VCPUS_DISAGREE && of(&r.name);
        if answerable(&entry.name, entry.value) && !native.refusals.iter().any(apart) {
            let words = match step {
                Some(_) => format!("the runner answers for the distributor: {why}"),
                None => String::new(),
            };
            plan.keep(&entry.name, Way::Emulate, step.take(), &words);
            continue;
        }
        // What the kernel's own injection depends on must be as it is.
        plan.keeps
            .extend(native.keeps.iter().filter(|k| of(&k.name)).cloned());
        plan.refusals
            .extend(native.refusals.iter().filter(|r| of(&r.name)).cloned());
    }
}

/// Whether the runner's own distributor and redistributors can show that value.
fn answerable(name: &str, value: u32) -> bool {
    // Revisions 0 to 3: what KVM ever was.
    const REVISION: u32 = 0xf << 12;
    match name {
        "GICD_CTLR" => value == 0x50,
        "GICD_IIDR" => value & !REVISION == GIC_IIDR && (value & REVISION) >> 12 <= 3,
        "GICD_TYPER2" => value == 0,
        "GICD_PIDR2" | "GICR_PIDR2" => value == 0x3b,
        "GICR_IIDR" => value == GIC_IIDR,
        "GICR_CTLR" => value & !IR_AND_CES == 0,
        _ if name.ends_with(".writable") => matches!(value, 0 | u32::MAX),
        _ => (name.starts_with("GICD_IGROUPR") || name == "GICR_IGROUPR0") && value == u32::MAX,
    }
}

/// GICR_CTLR.IR and CES (Arm IHI 0069 section 12.11.2).
const IR_AND_CES: u32 = 0b110;

/// What KVM shows of these at the revision that a lock has (arch/arm64/kvm/vgic/vgic-mmio-v3.c `vgic_mmio_read_v3r_ctlr`).
fn at_revision(entries: &[GicRegister]) -> u64 {
    let iidr = entries.iter().find(|e| e.name == "GICD_IIDR");
    match iidr.map_or(0, |iidr| iidr.value >> 12 & 0xf) {
        0..3 => 0,
        _ => IR_AND_CES.into(),
    }
}

fn native_gic(entries: &[GicRegister], seen: &[SeenGic], gic: &GicReport, plan: &mut Plan) {
    let mut changed = None;
    for (entry, seen) in entries.iter().zip(seen) {
        if let Reading::Apart(readings) = &seen.own {
            let wanted = format!("{:#x}", entry.value);
            disagreement::refuse(&entry.name, wanted, readings, &entry.from, plan);
            continue;
        }
        if entry.name == "GICD_IIDR" {
            let refused = plan.refusals.len();
            iidr(entry.value, &entry.from, gic, plan);
            changed = (entry.value != gic.iidr).then_some(plan.refusals.len() == refused);
            continue;
        }
        let name = held_against(&entry.name);
        let mask = if name == "GICD_TYPER" {
            !0x1f
        } else {
            u64::MAX
        };
        let wanted = u64::from(entry.value);
        // IR and CES follow from the revision that is set, and are read back after it; nothing else does.
        let follows = (name == "GICR_CTLR" && changed == Some(true)).then(|| at_revision(entries));
        let seen_then = |seen: u64| match follows {
            Some(bits) => seen & !u64::from(IR_AND_CES) | bits,
            None => seen,
        };
        match &seen.held {
            Reading::Alike(_, Seen::Value(seen)) if (seen_then(*seen) ^ wanted) & mask == 0 => {
                match (*seen ^ wanted) & mask {
                    0 => plan.keep(&entry.name, Way::Same, None, ""),
                    _ => plan.keep(&entry.name, Way::Set, None, "follows from GICD_IIDR"),
                }
            }
            other => plan.refusals.push(Refusal {
                code: reason::GIC,
                name: entry.name.clone(),
                wanted: format!("{wanted:#x}"),
                offered: match other {
                    Reading::Alike(_, seen) => words(*seen, u64::MAX),
                    Reading::Unseen | Reading::Apart(_) => "nothing that the probe saw".into(),
                },
                reason: match changed {
                    Some(false) if name == "GICR_CTLR" => {
                        "it follows from GICD_IIDR, which the kernel does not change".into()
                    }
                    _ => "the in-kernel GIC identifies itself otherwise".into(),
                },
                from: entry.from.clone(),
                help: vec!["choose a host whose GIC shows it".into()],
            }),
        }
    }
}

fn iidr(wanted: u32, from: &str, gic: &GicReport, plan: &mut Plan) {
    let revision = |iidr: u32| (iidr >> 12 & 0xf) as u8;
    if gic.iidr == wanted {
        plan.keep("GICD_IIDR", Way::Same, None, "");
        return;
    }
    let tried = gic
        .revisions
        .iter()
        .find(|r| r.revision == revision(wanted));
    if tried.is_some_and(|t| t.accepted && t.read_back == wanted) {
        plan.keep(
            "GICD_IIDR",
            Way::Set,
            Some(Step::IidrRevision(revision(wanted))),
            "",
        );
        return;
    }
    let (rev, default) = (revision(wanted), revision(gic.iidr));
    let accepted = tried.filter(|t| t.accepted);
    let (code, reason) = match accepted {
        Some(t) => (
            reason::IIDR_NOT_HONOURED,
            format!(
                "GICD_IIDR revision {rev} was accepted by the kernel and not honoured: it still reads revision {}",
                revision(t.read_back)
            ),
        ),
        None => (
            reason::IIDR_REFUSED,
            format!(
                "the kernel refuses GICD_IIDR revision {rev}; a guest here sees revision {default}"
            ),
        ),
    };
    plan.refusals.push(Refusal {
        code,
        name: "GICD_IIDR.Revision".into(),
        wanted: rev.to_string(),
        offered: default.to_string(),
        reason,
        from: from.to_owned(),
        help: vec![
            "choose a host with Linux 7.1 or later, or a stable kernel that has the GICD_IIDR fix".into(),
            format!("or, for a guest that has never run with revision {rev}: name `gic-iidr-rev{default}` in `abi`"),
        ],
    });
}
