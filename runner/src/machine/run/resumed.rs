//! A guest that goes on: what of its state comes last, and how it is given that.

use super::Ended;
use crate::handover::protocol::Verdict;
use crate::kvm::{Runnable, host_counter};
use crate::say;

/// What of a saved guest's state comes last.
pub struct Resumed {
    /// CNTVCT_EL0.
    pub counter: Counter,
    /// Which vCPUs are on.
    pub on: Vec<bool>,
    /// It is paused until its operator lets it go on.
    pub paused: bool,
    /// Asks for it at its other end, right before it goes on, where it is handed over.
    pub asks: Option<Asks>,
    /// That one is on another host.
    pub far: bool,
}

/// What asks for a guest that is handed over; what it is given is done last before that is taken.
pub type Asks = Box<dyn FnOnce(&dyn Fn() -> Result<(), String>) -> Verdict + Send>;

/// What a guest that goes on finds in CNTVCT_EL0.
#[derive(Clone, Copy)]
pub struct Counter {
    /// Its value.
    pub value: u64,
    /// What the host's counter was when it had that, where it counts on since.
    pub since: Option<u64>,
}

impl Counter {
    /// What it is by now.
    fn now(self) -> u64 {
        let passed = |since| host_counter().wrapping_sub(since);
        self.value.wrapping_add(self.since.map_or(0, passed))
    }
}

/// Gives a guest that goes on the last thing that it is given, its counter, and has it from its other end where it is handed
/// over; whether it is known to be here. Of one that is, the counter begins only then.
pub(super) fn gained(vcpu: &Runnable, counter: Counter, asks: Option<Asks>) -> Result<bool, Ended> {
    count_on(vcpu, counter.now()).map_err(Ended::Broken)?;
    let Some(asks) = asks else {
        return Ok(true);
    };
    let known = match asks(&|| count_on(vcpu, counter.now())) {
        Verdict::Runs => true,
        Verdict::Unknown(why) => {
            say::note(format_args!(
                "it is not known whether the guest is here: {why}"
            ));
            false
        }
        Verdict::Never(why) => return Err(Ended::NotHanded(why)),
        Verdict::Broken(why) => return Err(Ended::Broken(why)),
    };
    Ok(known)
}

/// Has a guest that goes on read that in CNTVCT_EL0.
///
/// # Errors
/// It would read something else: in words.
fn count_on(vcpu: &Runnable, counter: u64) -> Result<(), String> {
    match vcpu.set_counter(counter) {
        Ok(None) => Ok(()),
        Ok(Some(read)) => Err(format!(
            "KVM did not set its counter: CNTVCT_EL0 is {read:#x} after {counter:#x} was written"
        )),
        Err(error) => Err(error.to_string()),
    }
}
