//! A proof is made: the witness looks at the machine of the lock from inside.

use super::Proven;
use crate::failure::Failure;
use crate::kvm::System;
use crate::rehearse::{For, rehearse};
use vmlock_spec::lock::Lock;
use vmlock_spec::observation::Audit;
use vmlock_spec::plan::{Plan, Refusal};
use vmlock_spec::reason;

/// Makes the machine of the lock, lets the witness look at it from inside, and refuses where it saw anything
/// but the promises.
///
/// # Errors
/// Every promise that is not kept, as refusals.
pub fn prove(system: &System, lock: &Lock, plan: &Plan, purpose: For) -> Result<Proven, Failure> {
    let orders = plan.orders();
    let audit = rehearse(system, lock, &orders, purpose)?;
    match audit.kept() {
        true => Ok(Proven {
            orders,
            withheld: Vec::new(),
        }),
        false => Err(Failure::Refused(refusals(&audit))),
    }
}

/// What a witness saw otherwise than promised, as refusals.
fn refusals(audit: &Audit) -> Vec<Refusal> {
    let refusal = |name: String, wanted: String, offered: String, why: String| Refusal {
        code: reason::REHEARSAL,
        name,
        wanted,
        offered,
        reason: why,
        from: "the rule that a success code proves nothing".to_owned(),
        help: vec!["choose another host, and report this one: its probe said otherwise".to_owned()],
    };
    let mut refusals: Vec<Refusal> = audit
        .differences()
        .into_iter()
        .map(|d| {
            let why = format!("in a rehearsal, vCPU {} saw {}", d.vcpu, d.seen);
            refusal(d.name, d.promised, d.seen, why)
        })
        .collect();
    refusals.extend(audit.incomplete.iter().map(|i| {
        let name = format!("vCPU {}", i.vcpu);
        refusal(
            name,
            "a complete account".to_owned(),
            i.reason.clone(),
            i.reason.clone(),
        )
    }));
    refusals.extend(audit.unnamed().into_iter().map(|fact| {
        let seen = fact.seen.to_string();
        let why = format!(
            "in a rehearsal, vCPU {} saw {seen}, and neither does the lock promise it nor vmlock name it as unpromised",
            fact.vcpu
        );
        Refusal {
            help: vec!["report this: vmlock does not name it".to_owned()],
            ..refusal(fact.name, "nothing that vmlock does not name".to_owned(), seen, why)
        }
    }));
    if refusals.is_empty() {
        let why = "in a rehearsal, the witness saw none of the promised facts".to_owned();
        refusals.push(refusal(
            "facts".to_owned(),
            "all".to_owned(),
            "none".to_owned(),
            why,
        ));
    }
    refusals
}
