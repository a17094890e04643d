//! What a portable witness saw under somebody's virtual machine monitor, as a part of a CPU model.

use super::partial::{Partial, is_said};
use crate::diagnostic::{Diagnostic, join};
use crate::emulated;
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::catalogue::{Kind, REGISTERS, RegisterInfo, selectors};
use vmlock_spec::observation::account::Account;
use vmlock_spec::observation::fact_name;
use vmlock_spec::observation::scope::Scope;
use vmlock_spec::reason;
use vmlock_spec::report::{Imported, Reading, Seen, Witness};
use vmlock_spec::smccc;

/// The largest CCSIDR_EL1 of a cache of one set and one way: such a one is made up.
const MADE_UP: u64 = 7;

/// GICD_IIDR.Revision, and all else of GICD_IIDR where KVM answers for the distributor
/// (arch/arm64/kvm/vgic/vgic-mmio-v3.c `vgic_mmio_read_v3_misc`).
const REVISION: u64 = 0xf << 12;
const KVM: u64 = 0x4b00_043b;

/// What a host report does not know that is made of a witness's log.
const UNKNOWN: [&str; 6] = [
    "which values the host's kernel takes: no register, PSCI version or revision of GICD_IIDR was written",
    "which vCPU features its KVM offers, and what a guest with others than this one's has there",
    "how many vCPUs, how many bits of address and which SVE vector lengths it gives a guest",
    "whether it lets firmware calls be forwarded, PMU events be hidden and stolen time be told",
    "which registers its KVM lists, beside those that a guest can read",
    "which of these values the virtual machine monitor had written itself",
];

/// Why no host report comes of a log in which something else than KVM answered, and of one that does not tell.
const ANOTHERS: &str = "KVM did not answer its guest: GICD_IIDR is another's";
const UNSEEN: &str = "whether KVM ran its guest was not seen: it tells of no GICD_IIDR and of no firmware call of KVM's own";

/// What comes of it.
pub struct Found {
    /// The CPU.
    pub partial: Partial,
    /// What of it is told of the host, where KVM ran the guest; else why it is not.
    pub host: Result<Imported, &'static str>,
    /// What of it is no part of a CPU model, a line each.
    pub beside: Vec<String>,
}

/// What all vCPUs that read something saw of it; `Err` where they disagree.
fn values(account: &Account) -> BTreeMap<String, Result<Seen, ()>> {
    let mut all: BTreeMap<u64, Result<Seen, ()>> = BTreeMap::new();
    for sighting in &account.sightings {
        let seen = all.entry(sighting.key).or_insert(Ok(sighting.seen));
        if *seen != Ok(sighting.seen) {
            *seen = Err(());
        }
    }
    let named = |(key, seen)| (fact_name(key).into_owned(), seen);
    all.into_iter().map(named).collect()
}

/// The same of a report that was imported.
fn values_of(imported: &Imported) -> BTreeMap<String, Result<Seen, ()>> {
    let all = imported.readings().into_iter();
    all.map(|(name, reading)| match reading {
        Reading::Alike(_, seen) => (name.to_owned(), Ok(seen)),
        _ => (name.to_owned(), Err(())),
    })
    .collect()
}

/// Why it is not known that KVM ran the guest: `None` where it answers for the distributor, or names itself. That it does not
/// says nothing of the CPU, which may be a real one under another hypervisor or beside another's interrupt controller.
fn not_kvms(seen: &BTreeMap<String, Result<Seen, ()>>) -> Option<&'static str> {
    let value = |name: &str| match seen.get(name) {
        Some(Ok(Seen::Value(value))) => Some(*value),
        _ => None,
    };
    if value("VENDOR_HYP_CALL_UID()") == Some(smccc::VENDOR_HYP_UID[0]) {
        return None;
    }
    match value("GICD_IIDR") {
        Some(iidr) if iidr & !REVISION == KVM => None,
        Some(_) => Some(ANOTHERS),
        None => Some(UNSEEN),
    }
}

/// What it tells of the host.
fn host(account: &Account) -> Imported {
    let mut shown = vec![BTreeMap::new(); account.vcpus as usize];
    for sighting in &account.sightings {
        let of_host = matches!(
            Scope::of(sighting.key),
            Scope::Cpu | Scope::Firmware | Scope::Gic
        );
        if let Some(facts) = shown.get_mut(sighting.vcpu as usize).filter(|_| of_host) {
            let facts: &mut BTreeMap<String, Seen> = facts;
            facts.insert(fact_name(sighting.key).into_owned(), sighting.seen);
        }
    }
    // Its kernel may be KVM on a host that is emulated itself.
    let seen = values(account);
    let value = |info: &RegisterInfo| match seen.get(&question(&info.name)) {
        Some(Ok(Seen::Value(value))) => Some(*value),
        _ => None,
    };
    let emulated = emulated::emulated(value).map(|why| {
        format!(
            "what a real machine with such a CPU shows: this host is an emulated one, unless its monitor wrote that ({why})"
        )
    });
    let lost = account.incomplete.iter();
    let lost = lost.map(|i| format!("what vCPU {} has not told: {}", i.vcpu, i.reason));
    Imported {
        of: "what a portable witness saw under somebody's VMM".to_owned(),
        by: Witness::Guest,
        unknown: UNKNOWN
            .map(str::to_owned)
            .into_iter()
            .chain(emulated)
            .chain(lost)
            .collect(),
        shown,
    }
}

/// The name under which a witness saw what decides a register of a model.
fn question(name: &str) -> String {
    match name.strip_prefix("KVM_REG_ARM_") {
        Some(call) => format!("ARCH_FEATURES({call})"),
        None => name.to_owned(),
    }
}

/// Makes it.
///
/// # Errors
/// Its vCPUs are not of one kind.
pub fn read(account: &Account, shown: &str) -> Result<Found, Box<Diagnostic>> {
    let seen = values(account);
    Ok(Found {
        partial: partial(&seen, shown)?,
        host: not_kvms(&seen).map_or_else(|| Ok(host(account)), Err),
        beside: beside(account, &seen),
    })
}

/// The CPU of a report that was made of one.
///
/// # Errors
/// As [`read`].
pub fn of_report(imported: &Imported, shown: &str) -> Result<Partial, Box<Diagnostic>> {
    partial(&values_of(imported), shown)
}

fn partial(
    seen: &BTreeMap<String, Result<Seen, ()>>,
    shown: &str,
) -> Result<Partial, Box<Diagnostic>> {
    let mut apart = BTreeSet::new();
    let mut values: BTreeMap<&'static str, u64> = BTreeMap::new();
    for register in REGISTERS.iter().filter(|r| is_said(r)) {
        match seen.get(&question(&register.name)) {
            Some(Err(())) => {
                apart.insert(register.name.to_string());
            }
            Some(Ok(Seen::Value(value))) => {
                let level = match register.kind {
                    // Another answer than those that kernels give tells of no level.
                    Kind::Firmware => level(register.id, *value),
                    _ => Some(*value),
                };
                values.extend(level.map(|value| (register.name.as_ref(), value)));
            }
            Some(Ok(_)) | None => {}
        }
    }
    if !apart.is_empty() {
        let names: Vec<String> = apart.into_iter().collect();
        let words = format!(
            "two vCPUs of one guest read different values of {}: its CPUs are not of one kind",
            join(&names)
        );
        let help = "have the VMM run on CPUs of one kind only (`taskset --cpu-list …`), and boot the witness again there";
        return Err(Box::new(
            Diagnostic::error(reason::VCPUS_DISAGREE, words)
                .in_file(shown)
                .help(help),
        ));
    }
    let mut partial = Partial {
        title: "A part of what a guest of somebody's VMM was shown".to_owned(),
        about: [
            "A part of a CPU model, made by `vmlock import` of what a portable witness saw.",
            "",
            "It knows what one guest was shown under one VMM on one host. Where that guest had something, the silicon has",
            "that or more; where it had nothing, that is the silicon's own word only if no kernel of vmlock's catalogue",
            "hides it there, and boot options of the host or CPUs of another kind have not hidden it either. All else is",
            "`unknown`: no lock comes of it. Registers that the VMM writes itself would stand here as it wrote them, and",
            "those of an emulator are the emulator's.",
        ]
        .map(str::to_owned)
        .to_vec(),
        why: "the guest of the witness does not tell".to_owned(),
        ..Partial::default()
    };
    let caches: Vec<String> = selectors(values.get("CLIDR_EL1").copied().unwrap_or(0))
        .into_iter()
        .map(|selector| format!("CCSIDR_EL1[{selector}]"))
        .collect();
    let real = |name: &String| {
        values
            .get(name.as_str())
            .is_some_and(|value| *value > MADE_UP)
    };
    let are_made_up = caches.is_empty() || !caches.iter().all(real);
    let unnamed = |name: &str| name.starts_with("CCSIDR_EL1") && !caches.iter().any(|c| c == name);
    for register in REGISTERS
        .iter()
        .filter(|r| r.name == "CLIDR_EL1" || r.csselr().is_some())
    {
        let name = register.name.as_ref();
        if are_made_up || unnamed(name) {
            values.remove(name);
            let why = match are_made_up {
                true => "this guest's caches are as kernels from 6.3 on make them up",
                false => "CLIDR_EL1 names no such cache",
            };
            partial.because.insert(name, why.to_owned());
        }
    }
    partial.shown(
        &values,
        "read by a portable witness in a guest of somebody's VMM",
    );
    if let Some(why) = not_kvms(seen) {
        partial.about.extend([
            String::new(),
            format!("{why}."),
            "Whether these values are a real CPU's or an emulator's nobody knows but for what stands at MIDR_EL1.".to_owned(),
        ]);
    }
    Ok(partial)
}

/// The level of a mitigation that such an answer tells of; none where levels do not answer so.
fn level(register: u64, answer: u64) -> Option<u64> {
    let level = smccc::workaround_level(register, Some(answer));
    // The least level stands for every answer that is none.
    let told = level != 0 || answer == smccc::NOT_SUPPORTED;
    told.then_some(level)
}

/// What else was seen, and where it belongs.
fn beside(account: &Account, seen: &BTreeMap<String, Result<Seen, ()>>) -> Vec<String> {
    let value = |name: &str| match seen.get(name) {
        Some(Ok(Seen::Value(value))) => Some(*value),
        _ => None,
    };
    let mut lines = Vec::new();
    let psci = value("PSCI_VERSION()").and_then(|version| u32::try_from(version).ok());
    if let Some(version) = psci.and_then(smccc::psci_name) {
        lines.push(format!(
            "PSCI {version} is a part of the ABI: `abi \"…\" \"psci-{version}\"`"
        ));
    }
    if let Some(iidr) = value("GICD_IIDR").filter(|iidr| iidr & !REVISION == KVM) {
        let revision = (iidr & REVISION) >> 12;
        lines.push(format!(
            "GICD_IIDR is KVM's of revision {revision}: `abi \"…\" \"gic-iidr-rev{revision}\"`"
        ));
    }
    for incomplete in &account.incomplete {
        lines.push(format!(
            "vCPU {} has not told all: {}",
            incomplete.vcpu, incomplete.reason
        ));
    }
    lines
}
