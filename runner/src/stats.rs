//! What start-up cost: ioctls and time per phase, up to the first guest instruction.

use crate::gic::proxy::{Counts, counts};
use crate::kvm::ioctls;
use crate::machine::run::raised;
use crate::say;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

/// What the guest's interrupts cost, as a line of JSON and in words: how often devices
/// raised theirs, and, where the runner answers for the interrupt controller,
/// exits, for how many of them every vCPU was stopped, and how often one was lent; those of a
/// rehearsal do not count.
pub fn interrupts(rehearsed: Counts) -> (Value, String) {
    let Counts {
        exits,
        stops,
        loans,
    } = counts().since(rehearsed);
    let raised = raised();
    let words = match exits {
        0 => format!(
            "devices raised {raised} interrupts; the kernel answered for the interrupt controller"
        ),
        _ => format!(
            "devices raised {raised} interrupts; {exits} accesses to the interrupt controller were \
             answered here, every vCPU was stopped for {stops} of them, and one was lent {loans} times"
        ),
    };
    let counts = json!({ "exits": exits, "stops": stops, "loans": loans, "raised": raised });
    (json!({ "interruptController": counts }), words)
}

/// Counts from the start of the command on.
pub struct Stats {
    wanted: bool,
    begun: Instant,
    last: (Instant, u64),
    phases: Vec<(&'static str, u64, u128)>,
    /// Whether an earlier start had proven this host.
    remembered: bool,
}

impl Stats {
    /// Starts to count; says nothing unless wanted.
    pub fn new(wanted: bool) -> Self {
        let now = Instant::now();
        Self {
            wanted,
            begun: now,
            last: (now, ioctls()),
            phases: Vec::new(),
            remembered: false,
        }
    }

    /// Ends a phase.
    pub fn mark(&mut self, phase: &'static str) {
        let (now, count) = (Instant::now(), ioctls());
        let (before, counted) = self.last;
        self.phases.push((
            phase,
            count - counted,
            now.duration_since(before).as_micros(),
        ));
        self.last = (now, count);
    }

    /// The proof was an earlier start's.
    pub fn remembered(&mut self) {
        self.remembered = true;
    }

    /// What is to be called right before the first guest instruction.
    pub fn into_last(mut self) -> Box<dyn FnOnce() + Send> {
        Box::new(move || {
            if self.wanted {
                self.mark("threads");
                // Numbers and names are always representable.
                say::stats(serde_json::to_value(self.line()).unwrap_or_default(), None);
            }
        })
    }

    fn line(&self) -> Line {
        let total = self.last.0.duration_since(self.begun).as_micros();
        let (mut ioctls, mut microseconds) = (BTreeMap::new(), BTreeMap::new());
        let mut own = 0;
        // What was tried twice counts twice.
        for (phase, count, time) in &self.phases {
            *ioctls.entry(*phase).or_default() += count;
            *microseconds.entry(*phase).or_default() += *time as u64;
            if matches!(*phase, "enforce" | "verify") {
                own += time;
            }
        }
        ioctls.insert("total", self.last.1);
        microseconds.insert("total", total as u64);
        Line {
            enforce_verify_share: own as f64 / total.max(1) as f64,
            ioctls,
            microseconds,
            proof: if self.remembered {
                "remembered"
            } else {
                "made"
            },
        }
    }
}

/// What start-up cost, as a line of JSON.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    enforce_verify_share: f64,
    ioctls: BTreeMap<&'static str, u64>,
    microseconds: BTreeMap<&'static str, u64>,
    proof: &'static str,
}
