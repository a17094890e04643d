//! What start-up cost: ioctls and time per phase, up to the first guest instruction.

use crate::gic::proxy::{Counts, counts};
use crate::kvm::ioctls;
use crate::machine::run::raised;
use crate::say;
use serde_json::{Map, Value, json};
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
                say::eprintln(self.line());
            }
        })
    }

    fn line(&self) -> Value {
        let total = self.last.0.duration_since(self.begun).as_micros();
        let mut ioctls = Map::new();
        let mut microseconds = Map::new();
        let mut own = 0;
        let mut sums: BTreeMap<&str, (u64, u128)> = BTreeMap::new();
        // What was tried twice counts twice.
        for (phase, count, time) in &self.phases {
            let sum = sums.entry(phase).or_default();
            *sum = (sum.0 + count, sum.1 + time);
        }
        for (phase, (count, time)) in &sums {
            ioctls.insert((*phase).to_owned(), json!(count));
            microseconds.insert((*phase).to_owned(), json!(*time as u64));
            if matches!(*phase, "enforce" | "verify") {
                own += time;
            }
        }
        ioctls.insert("total".to_owned(), json!(self.last.1));
        microseconds.insert("total".to_owned(), json!(total as u64));
        json!({
            "ioctls": ioctls,
            "microseconds": microseconds,
            "proof": if self.remembered { "remembered" } else { "made" },
            "enforceVerifyShare": own as f64 / (total.max(1)) as f64,
        })
    }
}
