//! Carries a forwarded call from its vCPU to the pure functions and back.

use super::entropy::Entropy;
use super::{Call, End, Outcome, World, psci, smccc, trng};
use crate::kvm::{Forwarded, Result};
use std::time::{SystemTime, UNIX_EPOCH};
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::Step;
use vmlock_spec::smccc::Services;

/// Answers firmware calls in the kernel's place.
pub struct Firmware {
    services: Services,
    entropy: Entropy,
}

impl Firmware {
    /// What a lock promises; `None` where its plan forwards no call.
    pub fn new(lock: &Lock, steps: &[Step]) -> Option<Self> {
        let mut forwarded = steps.iter().filter_map(|step| match step {
            Step::Forward(function) => Some(*function),
            _ => None,
        });
        let random = |function| trng::RANDOM.contains(&function);
        let first = forwarded.next()?;
        Some(Self {
            services: Services::of_lock(lock),
            entropy: match random(first) || forwarded.any(random) {
                true => Entropy::open(),
                false => Entropy::none(),
            },
        })
    }

    /// Answers a call; `Some` when the machine ends with it.
    ///
    /// # Errors
    /// The vCPU's registers cannot be read or written.
    pub fn serve(&self, call: &Forwarded) -> Result<Option<End>> {
        let asked = Call {
            function: call.function,
            arguments: [
                call.argument(1)?,
                match psci::TYPED.contains(&call.function) {
                    true => call.argument(2)?,
                    false => 0,
                },
            ],
            smc: call.smc,
        };
        let mut here = Here {
            entropy: &self.entropy,
            call,
        };
        match smccc::answer(&self.services, &asked, &mut here) {
            Outcome::Return(results) => call.answer(&results)?,
            Outcome::ReturnX0(x0) => call.answer(&[x0])?,
            Outcome::End(end) => return Ok(Some(end)),
        }
        Ok(None)
    }
}

/// The host, as a call sees it.
struct Here<'a> {
    entropy: &'a Entropy,
    call: &'a Forwarded<'a>,
}

impl World for Here<'_> {
    fn entropy(&mut self, bytes: &mut [u8]) -> bool {
        self.entropy.fill(bytes)
    }

    fn instant(&mut self, physical: bool) -> Option<(u64, u64)> {
        // The clock is read between two looks at the counter.
        let before = self.call.counter(physical).ok()?;
        let time = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
        let after = self.call.counter(physical).ok()?;
        let time = u64::try_from(time.as_nanos()).ok()?;
        Some((time, before.wrapping_add(after.wrapping_sub(before) / 2)))
    }
}
