//! What is read of a vCPU at rest: what is its own, and what the witness sees on it.

use crate::hold::barrier::{AtRest, Lost, Own};
use crate::kvm::{Settled, core};
use crate::machine::loan::look::{Answers, Lookout};
use vmlock_saved::owned::{asked, own};
use vmlock_saved::state::{Power, Serror, Vcpu};
use vmlock_spec::lock::Lock;

/// A vCPU at rest.
pub struct Resting<'a> {
    /// The vCPU.
    pub settled: Settled<'a>,
    /// Which one it is.
    pub index: u32,
    /// The machine's lock; `None` where it is not to be saved.
    pub lock: Option<&'static Lock>,
    /// From where it can be looked from; `None` where it cannot.
    pub lookout: Option<&'a Lookout>,
    /// What answers the witness there.
    pub answers: Answers<'a>,
    /// Ends the machine, with words.
    pub ends: &'a dyn Fn(String),
}

impl AtRest for Resting<'_> {
    fn own(&self) -> Result<Own, String> {
        let lock = self.lock.ok_or("it has no lock")?;
        // One that nobody knows is refused by `own`.
        let wanted = |id| asked(id).unwrap_or(true);
        let whole = self.settled.whole(wanted).map_err(|e| e.to_string())?;
        let counter = whole.registers.iter().find(|(id, _)| *id == core::CNTVCT);
        let counter = counter.and_then(|(_, bytes)| bytes[..].try_into().ok());
        Ok(Own {
            counter: u64::from_le_bytes(counter.ok_or("KVM does not tell its counter")?),
            vcpu: Vcpu {
                power: match whole.off {
                    true => Power::Off,
                    false => Power::On,
                },
                serror: match whole.serror.map(|serror| serror.syndrome) {
                    None => Serror::None,
                    Some(None) => Serror::Pending,
                    Some(Some(syndrome)) => Serror::Syndrome(syndrome as u32),
                },
                registers: own(&whole.registers, lock)?,
            },
        })
    }

    fn look(&mut self) -> Result<Vec<u8>, Lost> {
        let lookout = self.lookout.ok_or_else(|| Lost {
            words: "nobody operates it, or its machine has something where the witness would be"
                .to_owned(),
            runs_on: true,
        })?;
        let seen = lookout.look(&mut self.settled, self.index, &self.answers);
        if let Err(lost) = seen.as_ref()
            && !lost.runs_on
        {
            (self.ends)(lost.words.clone());
        }
        seen
    }
}
