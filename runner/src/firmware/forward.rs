//! Carries a forwarded call from its vCPU to the pure functions and back.

use super::entropy::Entropy;
use super::power::{Power, Start};
use super::{Call, End, NOT_SUPPORTED, Outcome, World, psci, smccc, trng};
use crate::kvm::{Forwarded, Result, core};
use std::sync::{Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{self, Beginning, Step};
use vmlock_spec::smccc::{POWER, Services};
use vmlock_spec::vm::Feature;

/// Answers firmware calls in the kernel's place.
pub struct Firmware {
    services: Services,
    entropy: Entropy,
    /// Where the runner starts vCPUs.
    starter: Option<Starter>,
}

/// What starts vCPUs: who is on, and what they begin with.
pub struct Starter {
    power: Mutex<Power>,
    /// Optional features of every vCPU.
    pub features: Vec<Feature>,
    /// MPIDR_EL1 of each vCPU.
    mpidr: Vec<u64>,
    /// What all of them begin with.
    beginning: Vec<Beginning>,
}

impl Starter {
    /// A panic ends the process, so poison says nothing.
    pub fn power(&self) -> MutexGuard<'_, Power> {
        self.power.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// What that vCPU begins with, as far as it is written.
    pub fn beginning(&self, vcpu: usize) -> impl Iterator<Item = Beginning> {
        let affinity = self.mpidr.get(vcpu).map(|mpidr| Beginning {
            id: core::MPIDR_EL1,
            value: *mpidr,
            told: u64::MAX,
        });
        affinity.into_iter().chain(self.beginning.iter().copied())
    }
}

/// What becomes of a vCPU that called.
pub enum Reply {
    /// It goes on.
    GoOn,
    /// It goes on, and the thread of that vCPU has something to do.
    Started(usize),
    /// It turns itself off.
    Off,
    /// The machine ends.
    End(End),
}

impl Firmware {
    /// What a lock promises; `None` where its plan forwards no call.
    pub fn new(lock: &Lock, steps: &[Step]) -> Option<Self> {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for step in steps {
            match step {
                Step::Forward(function) => ranges.push((*function, *function)),
                Step::ForwardRanges(more) => ranges.extend(more),
                _ => {}
            }
        }
        if ranges.is_empty() {
            return None;
        }
        let services = Services::of_lock(lock);
        let forwarded = |function: &u32| {
            ranges
                .iter()
                .any(|(first, last)| (first..=last).contains(&function))
        };
        let random = services.std & 1 != 0 && trng::RANDOM.iter().any(forwarded);
        Some(Self {
            services,
            entropy: match random {
                true => Entropy::open(),
                false => Entropy::none(),
            },
            starter: steps
                .iter()
                .any(|step| matches!(step, Step::Forward(function) if POWER.contains(function)))
                .then(|| starter(lock, steps)),
        })
    }

    /// What starts vCPUs; `None` where the kernel does.
    pub fn starter(&self) -> Option<&Starter> {
        self.starter.as_ref()
    }

    /// Answers a call.
    ///
    /// # Errors
    /// The vCPU's registers cannot be read or written.
    pub fn serve(&self, call: &Forwarded) -> Result<Reply> {
        if let Some(starter) = self
            .starter
            .as_ref()
            .filter(|_| POWER.contains(&call.function))
        {
            return self.power(starter, call);
        }
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
            Outcome::End(end) => return Ok(Reply::End(end)),
        }
        Ok(Reply::GoOn)
    }

    /// Answers a call that needs the states of vCPUs.
    fn power(&self, starter: &Starter, call: &Forwarded) -> Result<Reply> {
        // As of any other call by SMC where that was no conduit.
        if call.smc && !self.services.smc {
            call.answer(&[NOT_SUPPORTED])?;
            return Ok(Reply::GoOn);
        }
        let argument = |number| {
            // Bit 30 of the function: arguments of 64 bits (DEN0028 section 2.5).
            let width = if call.function >> 30 & 1 == 1 {
                u64::MAX
            } else {
                u32::MAX.into()
            };
            call.argument(number).map(|argument| argument & width)
        };
        let (x0, reply) = match call.function & 0xff {
            2 => return Ok(Reply::Off),
            3 => {
                let start = Start {
                    entry: argument(2)?,
                    context: argument(3)?,
                    big_endian: call.is_big_endian()?,
                };
                match starter.power().on(argument(1)?, start) {
                    Ok(vcpu) => (0, Reply::Started(vcpu)),
                    Err(error) => (error, Reply::GoOn),
                }
            }
            _ => {
                let (target, level) = (argument(1)?, argument(2)?);
                (starter.power().affinity_info(target, level), Reply::GoOn)
            }
        };
        call.answer(&[x0, 0, 0, 0])?;
        Ok(reply)
    }
}

/// What starts the vCPUs of a lock as its plan says.
fn starter(lock: &Lock, steps: &[Step]) -> Starter {
    let mpidr: Vec<u64> = lock.machine.vcpus.iter().map(|v| v.mpidr).collect();
    Starter {
        power: Mutex::new(Power::new(mpidr.iter().copied())),
        features: lock.features.clone(),
        mpidr,
        beginning: plan::beginning(lock, steps),
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
