//! An access that waits for its answer, while its vCPU may be lent.

use super::load::{self, Target};
use crate::kvm::{Between, Error, Mmio, Result, core};

/// An access and its vCPU.
pub struct Held<'a> {
    state: State<'a>,
}

enum State<'a> {
    /// Nobody needed the vCPU yet.
    Waiting(Mmio<'a>),
    /// The access is completed; a read's value is missing.
    Completed(Between<'a>, Target),
    /// Completing it failed.
    Lost,
}

impl<'a> Held<'a> {
    /// An access that just came.
    pub fn new(mmio: Mmio<'a>) -> Self {
        Self {
            state: State::Waiting(mmio),
        }
    }

    /// The access, before its vCPU was needed.
    pub fn waiting(&self) -> Option<&Mmio<'a>> {
        match &self.state {
            State::Waiting(mmio) => Some(mmio),
            _ => None,
        }
    }

    /// The vCPU, to be lent. Completes the access the first time.
    ///
    /// # Errors
    /// KVM's, or it cannot be found out which register a read is for.
    pub fn vcpu(&mut self) -> Result<&mut Between<'a>> {
        if let State::Waiting(mmio) = std::mem::replace(&mut self.state, State::Lost) {
            let (vcpu, target) = complete(mmio)?;
            self.state = State::Completed(vcpu, target);
        }
        match &mut self.state {
            State::Completed(vcpu, _) => Ok(vcpu),
            _ => Err(unclear()),
        }
    }

    /// Gives a read its value; ends the access, when the vCPU runs on, in any case.
    ///
    /// # Errors
    /// KVM's, or completing the access failed before.
    pub fn answer(self, value: u64) -> Result<()> {
        match self.state {
            State::Waiting(mut mmio) => {
                if !mmio.is_write {
                    mmio.set_value(value);
                }
                Ok(())
            }
            State::Completed(vcpu, target) => match target.put(value) {
                Some((register, value)) => vcpu.set(core::X0 + 2 * register as u64, value),
                None => Ok(()),
            },
            State::Lost => Err(unclear()),
        }
    }
}

fn complete(mut mmio: Mmio<'_>) -> Result<(Between<'_>, Target)> {
    let (before, width) = (mmio.general()?, mmio.data().len());
    let marker = load::marker(&before, width).ok_or_else(unclear)?;
    if !mmio.is_write {
        mmio.set_value(marker);
    }
    let vcpu = mmio.complete()?;
    let target = load::target(&before, &vcpu.general()?, marker, width).ok_or_else(unclear)?;
    Ok((vcpu, target))
}

fn unclear() -> Error {
    Error {
        call: "finding out which register an access is for".to_owned(),
        errno: libc::EPROTO,
    }
}
