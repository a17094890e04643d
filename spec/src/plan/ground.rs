//! A host on which many locks are planned: what is looked up in its report is looked up once.

use super::inside::Inside;
use crate::report::{HostReport, View};
use std::ptr;
use std::sync::OnceLock;

/// A host's report, and what the probe's guests saw there, to be found fast.
pub struct Ground<'a> {
    pub(super) report: &'a HostReport,
    /// For each view, once a lock asks for it.
    inside: Vec<OnceLock<Inside<'a>>>,
}

impl<'a> Ground<'a> {
    /// Of a report.
    pub fn of(report: &'a HostReport) -> Self {
        let inside = report.views.iter().map(|_| OnceLock::new()).collect();
        Self { report, inside }
    }

    /// What the guest of one of the report's views saw.
    pub(super) fn inside(&self, view: &View) -> Option<&Inside<'a>> {
        let mut views = self.report.views.iter().zip(&self.inside);
        let (view, inside) = views.find(|(of_report, _)| ptr::eq(*of_report, view))?;
        Some(inside.get_or_init(|| Inside::of(view)))
    }
}
