//! A host as guests of a virtual machine monitor find it: what it could show, less what this VMM does not write, and with
//! the features that it gives whatever the lock says.

use crate::catalogue::register_by_id;
use crate::catalogue::vmm::{Given, Lengths, Manner, Vmm, Writes};
use crate::lock::{Lock, LockedRegister};
use crate::plan::{Refusal, Step};
use crate::reason;
use crate::report::{HostReport, View};
use crate::smccc::{PSCI_VERSION_REGISTER, psci_name};
use crate::vm::Feature;

/// One version of a VMM.
#[derive(Clone, Copy)]
pub(super) struct Told<'a> {
    pub vmm: &'a Vmm,
    /// One of its versions.
    pub version: &'a str,
}

impl<'a> Told<'a> {
    /// How it is told to write a register; `None` where it does not.
    pub fn writes(self, register: &str) -> Option<&'a Writes> {
        let Self { vmm, version } = self;
        let mut writes = vmm.writes.iter();
        writes.find(|w| w.names(register) && vmm.is_since(version, w.since.as_ref()))
    }

    /// What of its command line says a register's value, where it is said there: an option and a word.
    pub fn tell(self, entry: &LockedRegister) -> Option<String> {
        const PSCI: &str = "{psci}";
        let tell = self.writes(&entry.name)?.tell.as_deref()?;
        match tell.contains(PSCI) {
            true => Some(tell.replace(PSCI, psci_name(entry.value as u32)?)),
            false => Some(tell.to_owned()),
        }
    }

    /// Whether it can be told a register's value.
    pub fn can_say(self, entry: &LockedRegister) -> bool {
        let writes = self.writes(&entry.name);
        writes.is_some_and(|w| w.tell.is_none() || self.tell(entry).is_some())
    }

    /// The highest GICD_TYPER.ITLinesNumber that its guests see; `None` where it is not the VMM's own.
    pub fn lines(self) -> Option<u64> {
        const LINES: u64 = 0x1f;
        let mut own = self.vmm.overwrites.iter();
        let own =
            own.find(|o| o.mask & LINES == LINES && o.names.iter().any(|n| n == "GICD_TYPER"))?;
        own.value.map(|value| value & LINES)
    }

    fn given(self, feature: Feature) -> Option<&'a Given> {
        let mut features = self.vmm.features.iter();
        features.find(|given| given.feature == feature.name())
    }

    /// Who decides whether its guests have a feature.
    pub fn manner(self, feature: Feature) -> Option<&'a Manner> {
        self.given(feature).map(|given| &given.manner)
    }

    /// Whether its guests have a feature on that host.
    pub fn gives(self, feature: Feature, wanted: bool, report: &HostReport) -> bool {
        match self.manner(feature) {
            Some(Manner::Told { .. }) => wanted,
            Some(Manner::Always) => report.offers(feature),
            Some(Manner::Never) | None => false,
        }
    }

    /// Whether they have it, or have it not, as the lock says.
    pub fn gives_as_promised(self, feature: Feature, lock: &Lock, report: &HostReport) -> bool {
        let wanted = lock.features.contains(&feature);
        self.gives(feature, wanted, report) == wanted
    }

    /// Features that its guests have and the lock does not.
    pub fn forced(self, lock: &Lock, report: &HostReport) -> Vec<Feature> {
        let all = Feature::ALL.iter().copied();
        let forced = |f: &Feature| !lock.features.contains(f) && self.gives(*f, false, report);
        all.filter(forced).collect()
    }

    /// Features that the lock has and its guests have not.
    pub fn withheld(self, lock: &Lock, report: &HostReport) -> Vec<Feature> {
        let named = lock.features.iter().copied();
        named.filter(|f| !self.gives(*f, true, report)).collect()
    }

    /// How vector lengths are named to it; `None` where they are the host's.
    pub fn lengths(self) -> Option<&'a Lengths> {
        match self.manner(Feature::Sve) {
            Some(Manner::Told { lengths, .. }) => lengths.as_ref(),
            _ => None,
        }
    }

    /// Whether a step of a plan is one of its own.
    pub fn carries_out(self, step: &Step) -> bool {
        match step {
            Step::Register { id, .. } => {
                register_by_id(*id).is_some_and(|info| self.writes(&info.name).is_some())
            }
            Step::VectorLengths(_) => self.lengths().is_some(),
            Step::StolenTime(_) => self.manner(Feature::StealTime) != Some(&Manner::Never),
            Step::Identity
            | Step::Reset { .. }
            | Step::IidrRevision(_)
            | Step::DenyEvents(_)
            | Step::Distributor
            | Step::Leave { .. }
            | Step::Forward(_)
            | Step::ForwardRanges(_)
            | Step::Deny(_) => false,
        }
    }
}

/// What is left of a host where this VMM alone writes.
pub(super) fn hands(report: &HostReport, told: Told) -> HostReport {
    let mut left = report.clone();
    left.smccc_filter = false;
    left.event_filter = false;
    if let Some(gic) = &mut left.gic {
        gic.revisions.clear();
    }
    let psci = register_by_id(PSCI_VERSION_REGISTER);
    if psci.is_none_or(|info| told.writes(&info.name).is_none()) {
        left.psci.clear();
    }
    for register in left.views.iter_mut().flat_map(|view| &mut view.registers) {
        if told.writes(&register.name).is_none() {
            register.writable = 0;
            register.accepts.clear();
            register.honoured.clear();
        }
    }
    left
}

/// The same with one view, which is of the lock's features by name and has what this VMM's guests have.
///
/// # Errors
/// Why nothing is known of such guests.
pub(super) fn guests(
    lock: &Lock,
    report: &HostReport,
    told: Told,
) -> Result<HostReport, Box<Refusal>> {
    let mut left = hands(report, told);
    let visible = Feature::ALL.iter().copied().filter(|f| f.has_view());
    let (mut named, mut had): (Vec<Feature>, Vec<Feature>) = (Vec::new(), Vec::new());
    for feature in visible {
        let wanted = lock.features.contains(&feature);
        named.extend(wanted.then_some(feature));
        had.extend(told.gives(feature, wanted, report).then_some(feature));
    }
    named.sort();
    had.sort();
    let lacks = named.iter().find(|f| !report.offers(**f));
    if report.gic.is_none() || lacks.is_some() {
        // The plan itself says so.
        left.views.clear();
        return Ok(left);
    }
    let Some(view) = left.views.iter().find(|view| view.features == had) else {
        let names: Vec<&str> = had.iter().map(|f| f.name()).collect();
        let title = &told.vmm.title;
        return Err(Box::new(Refusal {
            code: reason::NO_FEATURE,
            name: "features".into(),
            wanted: "what the lock says".into(),
            offered: "no view of exactly these".into(),
            reason: format!(
                "{title} gives guests on this host {}, and the report has no view of exactly these",
                names.join(" and ")
            ),
            from: "the rule that unknown means no".into(),
            help: Vec::new(),
        }));
    };
    left.views = vec![View {
        features: named,
        ..view.clone()
    }];
    Ok(left)
}
