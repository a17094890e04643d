//! What the proof of a machine is worth. Each promise of a lock is altered, one at a time, and the machine of the lock as
//! it is is held against it: by what is read back, and by what the witness saw. An alteration that neither notices is a
//! promise that rests on nothing. With the feature `torture` alone.
//!
//! Not altered is what the witness has to be told before it can look: where memory and devices are, and which interrupts
//! those have that it does not drive.

pub mod living;

use crate::enforce::apply::{self, Built, Recipe};
use crate::enforce::verify;
use crate::failure::Failure;
use crate::kvm::System;
use crate::memory::Memory;
use crate::rehearse::{For, observe};
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;
use vmlock_spec::lock::{Lock, ResetValue, Unmapped, Virtio, reset, v1};
use vmlock_spec::observation::{self, Promise, Sighting};
use vmlock_spec::plan::{Orders, Plan};
use vmlock_spec::report::Seen;
use vmlock_spec::smccc::{self, Services};

/// What became of the alterations.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// How many the read-back refused, by the name of what was altered.
    pub read_back: usize,
    /// How many the witness noticed that the read-back did not; of what a vCPU begins with, all that it noticed.
    pub from_inside: usize,
    /// How many facts, seen otherwise than promised, the comparison with the lock named.
    pub facts: usize,
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
    let (facts, incomplete) = observe(system, lock, &machine.orders, For::Start)?;
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
    each_fact(lock, &facts, &mut tally);
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

fn kept(lock: &Lock, facts: &[Sighting]) -> bool {
    observation::audit(lock, facts, Vec::new()).kept()
}

/// Each fact that the lock promises, altered as a witness of another machine would see it: what follows from the lock
/// stands in no field of it. All in one comparison, which has to name each.
fn each_fact(lock: &Lock, facts: &[Sighting], tally: &mut Tally) {
    let promises = observation::promises(lock);
    let mut altered = facts.to_vec();
    for fact in &mut altered {
        let about = (fact.vcpu, fact.key);
        if let Ok(at) = promises.binary_search_by_key(&about, |p| (p.vcpu, p.key)) {
            fact.seen = other(&promises[at], fact.seen);
        }
    }
    let differences = observation::audit(lock, &altered, Vec::new()).differences();
    let named: HashSet<(u32, &str)> = differences
        .iter()
        .map(|d| (d.vcpu, d.name.as_str()))
        .collect();
    for promise in &promises {
        let (vcpu, name) = (promise.vcpu, promise.name());
        match named.contains(&(vcpu, &*name)) {
            true => tally.facts += 1,
            false => tally.unnoticed.push(format!("{name} on vCPU {vcpu}")),
        }
    }
}

/// Another answer than that which keeps the promise, by the lowest bit where it is a number.
fn other(promise: &Promise, seen: Seen) -> Seen {
    match seen {
        Seen::Value(value) if promise.mask != 0 => Seen::Value(value ^ lowest(promise.mask)),
        // Of it, only that it can be read is promised.
        Seen::Value(_) => Seen::Undefined,
        _ => Seen::Value(0),
    }
}

/// The lowest bit.
fn lowest(bits: u64) -> u64 {
    bits & bits.wrapping_neg()
}

/// The lock's machine, as often as it is asked for.
struct Machine<'a> {
    system: &'a System,
    lock: &'a Lock,
    orders: Orders,
    memory: Arc<Memory>,
}

impl Machine<'_> {
    fn built(&self) -> Result<Built, Failure> {
        let recipe = Recipe::of_lock(self.lock, &self.orders);
        let begun = apply::begin(self.system, &recipe, Some(Arc::clone(&self.memory)))?;
        apply::complete(begun, &recipe)
    }

    /// The registers that KVM lists where it is read back.
    fn listed(&self) -> Result<Vec<u64>, Failure> {
        let recipe = Recipe::of_lock(self.lock, &self.orders);
        let verified = verify::verify(self.built()?, self.lock, &recipe)?;
        match verified.boot_vcpu() {
            Some(vcpu) => Ok(vcpu.registers()?),
            None => Err(unaltered("there is no vCPU")),
        }
    }

    /// Whether its read-back refuses the altered promise, by its name.
    fn refuses(&self, altered: &Altered) -> Result<bool, Failure> {
        let mut built = self.built()?;
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
    /// What a vCPU begins with: by the read-back wherever KVM tells, and by the witness. Zero is no line of the lock.
    fn beginnings(&self, facts: &[Sighting], tally: &mut Tally) -> Result<(), Failure> {
        let listed = self.listed()?;
        // Of a register that is wider than 64 bits, only that it is zero is known.
        for begun in reset::begun(self.lock).iter().filter(|b| b.is_narrow()) {
            let told = match listed.contains(&begun.info.id) {
                true => begun.told,
                false => 0,
            };
            let bit = lowest(if told == 0 { begun.mask } else { told });
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
            let read_back = self.refuses(&altered)?;
            let inside = !kept(&altered.lock, facts);
            tally.read_back += usize::from(read_back);
            tally.from_inside += usize::from(inside);
            // Each of the two has to see what it can: the guest's own machine is read back, and no witness runs in it.
            if told != 0 && !read_back {
                let words = format!("{}, when it is read back", altered.name);
                tally.unnoticed.push(words);
            } else if !read_back && !inside {
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
    for (at, device) in lock.machine.devices.iter().enumerate() {
        let Some(virtio) = &device.virtio else {
            continue;
        };
        add(&format!("interrupt of {}", device.name), &|lock| {
            lock.machine.devices[at].interrupt ^= 1;
        });
        let mut part = |what: &str, alter: &dyn Fn(&mut Virtio)| {
            let name = format!("{what} of {}", device.name);
            add(&name, &|lock| {
                let virtio = &mut lock.machine.devices[at].virtio;
                virtio.iter_mut().for_each(alter);
            });
        };
        for (index, feature) in virtio.features.iter().enumerate() {
            part(feature, &|virtio| drop(virtio.features.remove(index)));
        }
        for index in 0..virtio.queues.len() {
            part("QueueNumMax", &|virtio| virtio.queues[index] ^= 1);
        }
        if virtio.block.is_some() {
            part("sectors", &|virtio| {
                virtio.block.iter_mut().for_each(|disk| disk.sectors ^= 1);
            });
            part("serial number", &|virtio| {
                let other = "another";
                virtio
                    .block
                    .iter_mut()
                    .for_each(|disk| disk.serial = other.to_owned());
            });
            part("whether it is read-only", &|virtio| {
                virtio
                    .block
                    .iter_mut()
                    .for_each(|disk| disk.read_only = !disk.read_only);
            });
        }
        if virtio.net.is_some() {
            part("MTU", &|virtio| {
                virtio.net.iter_mut().for_each(|card| card.mtu ^= 1);
            });
            part("MAC address", &|virtio| {
                let other = "02:00:00:00:00:00";
                virtio
                    .net
                    .iter_mut()
                    .for_each(|card| card.mac = other.to_owned());
            });
        }
        if virtio.vsock.is_some() {
            part("context id", &|virtio| {
                virtio.vsock.iter_mut().for_each(|vsock| vsock.cid ^= 1);
            });
        }
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
