//! What the proof of a machine is worth. Each promise of a lock is altered, one at a time, and the machine of the lock as
//! it is is held against it: by what is read back, and by what the witness saw. An alteration that neither notices is a
//! promise that rests on nothing. With the feature `torture` alone.

use crate::enforce::apply::{self, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::kvm::System;
use crate::machine::memory::Memory;
use crate::rehearse::{Search, observe};
use serde::Serialize;
use std::sync::Arc;
use vmlock_spec::lock::{Lock, ResetValue, Unmapped, reset, v1};
use vmlock_spec::observation;
use vmlock_spec::plan::{Orders, Plan};
use vmlock_spec::report::Fact;
use vmlock_spec::smccc::{self, Services};

/// What became of the alterations.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many the read-back refused, by the name of what was altered.
    pub read_back: usize,
    /// How many the witness noticed that the read-back did not, or was not asked about.
    pub from_inside: usize,
    /// Those that nobody noticed.
    pub unnoticed: Vec<String>,
}

/// A lock that differs from the one that was enforced in one promise.
struct Altered {
    /// How a refusal names it.
    name: String,
    lock: Lock,
    /// Ticks of the host's counter by which the machine is taken for older than it is.
    older: u64,
}

/// Alters every promise of the lock.
///
/// # Errors
/// The lock as it is is not kept.
pub fn mutate(system: &System, lock: &Lock, plan: &Plan) -> Result<Tally, Failure> {
    let memory = Memory::new(lock.machine.memory).map_err(|e| Failure::environment(e, &[]))?;
    let machine = Machine {
        system,
        lock,
        orders: plan.orders(),
        memory: Arc::new(memory),
    };
    let (facts, incomplete) = observe(system, lock, &machine.orders, Search::WhereTheyAre)?;
    if !incomplete.is_empty() || !kept(lock, &facts) {
        return Err(unaltered("the witness does not see it kept"));
    }
    let mut tally = Tally::default();
    for altered in alterations(lock) {
        if machine.refuses(&altered)? {
            tally.read_back += 1;
        } else if !kept(&altered.lock, &facts) {
            tally.from_inside += 1;
        } else {
            tally.unnoticed.push(altered.name);
        }
    }
    devices(lock, &facts, &mut tally);
    machine.beginnings(&facts, &mut tally)?;
    // Nothing that went wrong meanwhile has refused them all.
    let same = Altered {
        // Whatever it refuses.
        name: String::new(),
        lock: lock.clone(),
        older: 0,
    };
    if machine.refuses(&same)? {
        return Err(unaltered("its read-back refuses it"));
    }
    Ok(tally)
}

fn unaltered(why: &str) -> Failure {
    let words = format!("nothing can be learnt from a lock that is not kept as it is: {why}");
    Failure::environment(words, &[])
}

fn kept(lock: &Lock, facts: &[Fact]) -> bool {
    observation::audit(lock, facts, Vec::new()).kept()
}

/// What the devices show is in no field of the lock: each fact is altered itself. Only the witness sees them.
fn devices(lock: &Lock, facts: &[Fact], tally: &mut Tally) {
    for mut altered in observation::device::promises(lock) {
        altered.value = altered.value.map(|value| value ^ 1);
        let about = |f: &&Fact| (f.vcpu, &f.name) == (altered.vcpu, &altered.name);
        if facts
            .iter()
            .find(about)
            .is_some_and(|f| altered.kept(f.seen))
        {
            tally.unnoticed.push(altered.name);
        } else {
            tally.from_inside += 1;
        }
    }
}

/// The lock's machine, as often as it is asked for.
struct Machine<'a> {
    system: &'a System,
    lock: &'a Lock,
    orders: Orders,
    memory: Arc<Memory>,
}

impl Machine<'_> {
    /// Whether its read-back refuses the altered promise, by its name.
    fn refuses(&self, altered: &Altered) -> Result<bool, Failure> {
        let recipe = Recipe::of_lock(self.lock, &self.orders);
        let begun = apply::begin(self.system, &recipe, Some(Arc::clone(&self.memory)))?;
        let mut built = apply::complete(begun, &recipe)?;
        let (before, after) = &mut built.created;
        *before = before.wrapping_sub(altered.older);
        *after = after.wrapping_sub(altered.older);
        let recipe = Recipe::of_lock(&altered.lock, &self.orders);
        match verify::verify(built, &altered.lock, &recipe) {
            Ok(_) => Ok(false),
            Err(Failure::Refused(refusals)) => {
                Ok(refusals.iter().any(|r| r.name.starts_with(&altered.name)))
            }
            Err(failure) => Err(failure),
        }
    }
}

impl Machine<'_> {
    /// What a vCPU begins with: where the witness tells, and else by the read-back. Zero is no line of the lock.
    fn beginnings(&self, facts: &[Fact], tally: &mut Tally) -> Result<(), Failure> {
        // Of a register that is wider than 64 bits, only that it is zero is known.
        for begun in reset::begun(self.lock).iter().filter(|b| b.is_narrow()) {
            let bit = begun.mask & begun.mask.wrapping_neg();
            let line = reset::line_name(begun.info);
            let mut altered = Altered {
                name: begun.name(),
                lock: self.lock.clone(),
                older: 0,
            };
            match altered.lock.reset.iter_mut().find(|l| l.name == line) {
                Some(line) => line.value ^= bit,
                None => altered.lock.reset.push(ResetValue {
                    name: line.into_owned(),
                    value: bit,
                }),
            }
            if !kept(&altered.lock, facts) {
                tally.from_inside += 1;
            } else if self.refuses(&altered)? {
                tally.read_back += 1;
            } else {
                tally.unnoticed.push(altered.name);
            }
        }
        Ok(())
    }
}

/// The lock with each promise altered, by its lowest bit where it is a number.
fn alterations(lock: &Lock) -> Vec<Altered> {
    let mut all = Vec::new();
    let mut add = |name: &str, alter: &dyn Fn(&mut Lock)| {
        let mut lock = lock.clone();
        alter(&mut lock);
        let name = name.to_owned();
        let older = 0;
        all.push(Altered { name, lock, older });
    };
    for (at, register) in lock.registers.iter().enumerate() {
        let promised = register.promised();
        if promised != 0 {
            let bit = 1 << promised.trailing_zeros();
            add(&register.name, &|lock| {
                lock.registers[at].value ^= bit;
                // A guest sees KVM's own registers by the answers that follow from them.
                if !register.guest_readable() {
                    answer_anew(lock);
                }
            });
        }
    }
    for (at, register) in lock.gic.registers.iter().enumerate() {
        add(&register.name, &|lock| lock.gic.registers[at].value ^= 1);
    }
    for (at, entry) in lock.hypercalls.answers.iter().enumerate() {
        add(&entry.call, &|lock| lock.hypercalls.answers[at].answer ^= 1);
    }
    for (at, vcpu) in lock.machine.vcpus.iter().enumerate() {
        add("MPIDR_EL1", &|lock| lock.machine.vcpus[at].mpidr ^= 1 << 8);
        // Its number, and its affinity.
        for bit in [8, 32] {
            add("GICR_TYPER", &|lock| {
                lock.machine.vcpus[at].redistributor ^= 1 << bit
            });
        }
        if let Some(address) = vcpu.stolen_time {
            let other = Some(address ^ 64);
            add("PV_TIME_ST()", &|lock| {
                lock.machine.vcpus[at].stolen_time = other
            });
        }
    }
    // Version 1 promises neither.
    if lock.lock_version != v1::VERSION {
        add("address bits", &|lock| lock.machine.address_bits -= 1);
        add("unmapped", &|lock| {
            lock.machine.unmapped = Unmapped::ReadsAsZero
        });
    }
    // Another frame.
    add("address of the GIC distributor", &|lock| {
        lock.machine.distributor.base ^= 1 << 16
    });
    add("addresses of the GIC redistributors", &|lock| {
        lock.machine.redistributors[0].base ^= 1 << 16
    });
    add("virtual timer interrupt", &|lock| {
        lock.machine.private_interrupts.virtual_timer ^= 1
    });
    add("physical timer interrupt", &|lock| {
        lock.machine.private_interrupts.physical_timer ^= 1
    });
    if let Some(intid) = lock.machine.private_interrupts.pmu {
        let other = Some(intid ^ 1);
        add("PMU interrupt", &|lock| {
            lock.machine.private_interrupts.pmu = other
        });
    }
    if !lock.vector_lengths.is_empty() {
        add("SVE vector lengths", &|lock| {
            lock.vector_lengths.pop();
        });
    }
    all.push(Altered {
        name: "CNTVCT_EL0".to_owned(),
        lock: lock.clone(),
        older: 1 << 40,
    });
    all
}

/// Every firmware call answers what the lock's registers say.
fn answer_anew(lock: &mut Lock) {
    for (key, x0) in smccc::answers(&Services::of_lock(lock), lock.lock_version) {
        let name = observation::fact_name(key);
        let mut entries = lock.hypercalls.answers.iter_mut();
        if let Some(entry) = entries.find(|entry| entry.call == name) {
            entry.answer = x0;
        }
    }
}
