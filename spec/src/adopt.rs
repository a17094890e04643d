//! What a host shows that a baseline does not say: the statements that make of
//! a baseline exactly what a default guest sees there.

use crate::catalogue::{CachePolicy, Subject, Text, register_by_id, register_by_name};
use crate::lock::{Binding, Lock, LockedRegister};
use crate::plan::{default_services, tells_service, tells_smc};
use crate::report::{HostReport, Reading, Seen, View};
use crate::smccc::{self, Services};
use std::borrow::Cow;

/// What a guest on that host reads by default: what was seen from inside, or
/// else what `KVM_GET_ONE_REG` says. `None` where the report does not tell, or
/// two vCPUs read different things.
pub fn shown(view: &View, id: u64, name: &str) -> Option<u64> {
    match view.seen(name) {
        Reading::Alike(_, Seen::Value(value)) => Some(value),
        Reading::Alike(..) | Reading::Apart(_) => None,
        Reading::Unseen => view.register(id).and_then(|r| r.value),
    }
}

/// Everything in which a default guest of this view sees something else than the
/// lock says, as statements of a baseline. What no baseline can say is left out, and so is what the report does not tell
/// ([`tells`]): planning the lock that comes of it tells.
pub fn deviations(lock: &Lock, view: &View, report: &HostReport) -> Vec<Subject> {
    let mut out = Vec::new();
    let mut caches = false;
    for entry in lock.registers.iter().filter(|r| r.rule != Binding::Fact) {
        if entry.guest_readable() {
            let Some(value) = shown(view, entry.id, &entry.name) else {
                continue;
            };
            let differs = (value ^ entry.value) & entry.mask;
            let cache = entry.name == "CLIDR_EL1" || entry.name.starts_with("CCSIDR_EL1[");
            match (differs, cache) {
                (0, _) => {}
                (_, true) => caches = true,
                (_, false) => fields(entry, value, differs, &mut out),
            }
        } else {
            firmware(entry, view, &mut out);
        }
    }
    let smc = default_services(view).smc;
    if tells_smc(view) && Services::of_lock(lock).smc != smc {
        out.push(Subject::Smc(smc));
    }
    if caches {
        out.push(Subject::Cache(CachePolicy::Silicon));
    }
    let revision = |iidr: u32| (iidr >> 12 & 0xf) as u8;
    let locked = lock.gic.value("GICD_IIDR").map(revision);
    let shown = report.gic.as_ref().map(|gic| revision(gic.iidr));
    if let Some(shown) = shown.filter(|_| locked != shown) {
        out.push(Subject::IidrRevision(shown));
    }
    out
}

/// Whether a report tells what a guest of this view finds of what the statement is about. What it does not tell is no
/// deviation, and nothing that another host's could be compared with.
pub fn tells(subject: &Subject, view: &View, report: &HostReport) -> bool {
    let register = |path: &str| {
        let name = path.split('.').next().unwrap_or(path);
        let listed = register_by_name(name).and_then(|info| view.register(info.id));
        listed.is_some_and(|r| r.value.is_some()) || view.seen(name) != Reading::Unseen
    };
    match subject {
        Subject::Field(path, _) => register(path),
        Subject::Events { register: name, .. } => register(name),
        Subject::Cache(_) => register("CLIDR_EL1"),
        Subject::Psci(_) => tells_service(view, smccc::PSCI_VERSION_REGISTER),
        Subject::Bitmap(name, _) => {
            register_by_name(name).is_none_or(|info| tells_service(view, info.id))
        }
        Subject::IidrRevision(_) => report.gic.is_some(),
        Subject::Smc(_) => tells_smc(view),
    }
}

/// One register, by field where the differing bits have names.
fn fields(entry: &LockedRegister, value: u64, mut differs: u64, out: &mut Vec<Subject>) {
    use crate::catalogue::Act;
    let value = value & entry.mask;
    if entry.name == "PMCEID0_EL0" || entry.name == "PMCEID1_EL0" {
        out.push(Subject::Events {
            register: owned(&entry.name),
            and: value,
            or: value,
        });
        return;
    }
    let start = out.len();
    for field in register_by_id(entry.id).map_or(&[][..], |i| i.fields.as_ref()) {
        if differs & field.mask() != 0 {
            let path = owned(&format!("{}.{}", entry.name, field.name));
            out.push(Subject::Field(path, Act::Force(field.get(value))));
            differs &= !field.mask();
        }
    }
    if differs != 0 {
        out.truncate(start);
        out.push(Subject::Field(owned(&entry.name), Act::Force(value)));
    }
}

/// One pseudo-register: a service without a register is known by its answers.
fn firmware(entry: &LockedRegister, view: &View, out: &mut Vec<Subject>) {
    if !tells_service(view, entry.id) {
        return;
    }
    let services = default_services(view);
    let offered = match entry.id {
        smccc::PSCI_VERSION_REGISTER => {
            if u64::from(services.psci) != entry.value {
                out.push(Subject::Psci(services.psci));
            }
            return;
        }
        smccc::STD_BMAP_REGISTER => services.std,
        smccc::STD_HYP_BMAP_REGISTER => services.std_hyp,
        smccc::VENDOR_HYP_BMAP_REGISTER => services.vendor_hyp,
        smccc::VENDOR_HYP_BMAP_2_REGISTER => services.vendor_hyp_2,
        _ => return,
    };
    if offered != entry.value {
        let there = offered != 0 || view.register(entry.id).is_some();
        out.push(Subject::Bitmap(
            owned(&entry.name),
            there.then_some(offered),
        ));
    }
}

fn owned(text: &str) -> Text {
    Cow::Owned(text.to_owned())
}
