//! Many locks on many hosts, against each plan by itself: the same refusals, in the same order.
//!
//! On the recorded hosts, and on locks and hosts that are altered at random in whatever a plan looks at.

use crate::frozen;
use crate::plans::hosts;
use std::collections::{BTreeMap, BTreeSet};
use vmlock_spec::catalogue::register_by_id;
use vmlock_spec::lock::{Binding, LOCK_VERSION, Lock, Waiver, canonical};
use vmlock_spec::plan::{Emulation, Fleet, Ground, IDENTITY, Refusal, plan_on};
use vmlock_spec::report::{Fact, HostReport, ReportedRegister, Seen};
use vmlock_spec::smccc::PSCI_VERSION_REGISTER;
use vmlock_spec::vm::Feature;

const WAYS: [Emulation; 4] = [
    Emulation::Allowed,
    Emulation::Forbidden,
    Emulation::Preferred,
    Emulation::PreferredCalls,
];

/// Locks of every version that landed.
fn locks() -> Vec<Lock> {
    let all = (1..=LOCK_VERSION).flat_map(frozen::locks);
    let of = |(name, text): (String, String)| {
        canonical::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"))
    };
    all.map(of).collect()
}

/// What was found while a fleet was held against its plans.
#[derive(Default)]
struct Held {
    kept: usize,
    refused: usize,
    /// Those of which one refusal alone says that they are not kept.
    barely: usize,
    codes: BTreeSet<&'static str>,
    /// Refusals that are not alike.
    different: BTreeSet<String>,
}

impl Held {
    fn hold(&mut self, locks: &[Lock], hosts: &[HostReport], way: Emulation) {
        let grounds: Vec<Ground> = hosts.iter().map(Ground::of).collect();
        let fleet = Fleet::of(locks, &grounds, way, <[Refusal]>::to_vec);
        let pairs = || (0..locks.len()).flat_map(|l| (0..hosts.len()).map(move |h| (l, h)));
        let refused: Vec<Vec<u64>> = pairs().map(|(l, h)| fleet.refused(l, h)).collect();
        for ((l, h), numbers) in pairs().zip(&refused) {
            let told = numbers
                .iter()
                .flat_map(|number| fleet.told(*number).to_vec());
            let told: Vec<Refusal> = told.collect();
            let plan = plan_on(&locks[l], &grounds[h], way);
            assert_eq!(told, plan.refusals, "{way:?}: {} on {h}", locks[l].name);
            // What is asked once more is not decided once more.
            assert_eq!(
                *numbers,
                fleet.refused(l, h),
                "{way:?}: {} on {h}",
                locks[l].name
            );
            match told.is_empty() {
                true => self.kept += 1,
                false => self.refused += 1,
            }
            self.barely += usize::from(told.len() == 1);
            self.codes.extend(told.iter().map(|refusal| refusal.code));
            let different = told.into_iter().map(|refusal| format!("{refusal:?}"));
            self.different.extend(different);
        }
    }
}

#[test]
fn a_fleet_refuses_on_recorded_hosts_what_each_plan_does() {
    let hosts: Vec<HostReport> = hosts().into_values().collect();
    let (locks, mut held) = (locks(), Held::default());
    // One lock of each kind is enough in the ways that are for tests.
    for (way, step) in WAYS.into_iter().zip([4, 6, 9, 9]) {
        let some: Vec<Lock> = locks.iter().step_by(step).cloned().collect();
        held.hold(&some, &hosts, way);
    }
    assert!(
        held.kept > 200 && held.refused > 200 && held.different.len() > 200,
        "{} kept, {} refused, {} refusals",
        held.kept,
        held.refused,
        held.different.len()
    );
}

/// Numbers that are the same each time (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }
    fn below(&mut self, count: usize) -> usize {
        (self.next() >> 33) as usize % count.max(1)
    }
    fn bit(&mut self) -> u64 {
        1 << self.below(64)
    }
    fn one<'a, T>(&mut self, all: &'a mut [T]) -> Option<&'a mut T> {
        let at = self.below(all.len());
        all.get_mut(at)
    }
}

const FEATURES: [Feature; 5] = [
    Feature::Pmu,
    Feature::Sve,
    Feature::Pauth,
    Feature::Mte,
    Feature::StealTime,
];

/// Something else of a lock, whether or not a parser would let it through.
fn alter_lock(lock: &mut Lock, random: &mut Random) {
    let bit = random.bit();
    let entry = random.one(&mut lock.registers).expect("it has registers");
    let fields = register_by_id(entry.id).map_or(&[][..], |info| info.fields.as_ref());
    let field = fields.get(random.below(fields.len()));
    match random.below(20) {
        // Where there is a field, in one of those.
        0..4 => {
            entry.value ^= field.map_or(bit, |field| field.mask() & field.mask().wrapping_neg())
        }
        4 => {
            entry.rule = match entry.rule {
                Binding::Exact => Binding::Fact,
                Binding::Fact => Binding::Absent,
                Binding::Absent => Binding::Exact,
            };
        }
        5 => entry.vary.push(Waiver {
            field: field.map_or("all", |field| field.name.as_ref()).to_owned(),
            mask: field.map_or(u64::MAX, |field| field.mask()),
            from: "a test".to_owned(),
        }),
        6 => entry.from = "somebody else".to_owned(),
        7 => {
            let at = random.below(lock.registers.len());
            lock.registers.remove(at);
        }
        8 => {
            let entry = random.one(&mut lock.gic.registers).expect("it has some");
            entry.value ^= bit as u32 | (bit >> 32) as u32;
        }
        9 => {
            let revision = (random.below(4) as u32) << 12;
            let mut entries = lock.gic.registers.iter_mut();
            if let Some(entry) = entries.find(|entry| entry.name == "GICD_IIDR") {
                entry.value = entry.value & !0xf000 | revision;
            }
        }
        10 => {
            let answer = random
                .one(&mut lock.hypercalls.answers)
                .expect("it has some");
            answer.answer = if bit & 1 == 0 { u64::MAX } else { bit };
        }
        11 => {
            let feature = FEATURES[random.below(FEATURES.len())];
            match lock.features.contains(&feature) {
                true => lock.features.retain(|other| *other != feature),
                false => lock.features.push(feature),
            }
        }
        12 => lock.machine.vcpus.truncate(1),
        13 => {
            let vcpu = lock.machine.vcpus[0].clone();
            lock.machine.vcpus.push(vcpu);
        }
        14 => lock.lock_version = 1 + random.below(LOCK_VERSION as usize) as u32,
        15 => {
            if let Some(line) = random.one(&mut lock.reset) {
                line.value ^= bit;
            }
        }
        16 => lock.machine.memory.size = 0x1_0000,
        17 => lock.cpu.model = format!("model-{}", random.below(3)),
        18 => {
            lock.machine.address_bits = 32 + random.below(20) as u32;
            lock.vector_lengths = vec![128; random.below(2)];
        }
        _ => {
            let versions = [0x2, 0x1_0000, 0x1_0001, 0x1_0002, 0x1_0003];
            let mut entries = lock.registers.iter_mut();
            if let Some(entry) = entries.find(|entry| entry.id == PSCI_VERSION_REGISTER) {
                entry.value = versions[random.below(versions.len())];
            }
        }
    }
}

/// Something else of a host.
fn alter_host(host: &mut HostReport, random: &mut Random) {
    let bit = random.bit();
    match random.below(26) {
        0 => host.psci.truncate(1),
        1 => host.smccc_filter ^= true,
        2 => host.event_filter ^= true,
        3 => {
            let own = host.capabilities.entry(IDENTITY.to_owned()).or_default();
            *own = i64::from(*own == 0);
        }
        4 => host.vcpus_max = 1,
        5 => host.ipa_bits = 36,
        6 => host.vector_lengths = vec![128, 256],
        7 if random.below(3) == 0 => host.gic = None,
        8 => {
            if let Some(gic) = &mut host.gic {
                gic.iidr ^= 0x1000;
            }
        }
        9 => {
            if let Some(gic) = &mut host.gic {
                for write in &mut gic.revisions {
                    write.accepted ^= random.below(2) == 0;
                    write.read_back ^= (random.below(2) as u32) << 12;
                }
            }
        }
        10 if random.below(3) == 0 => {
            host.views.pop();
        }
        _ => {}
    }
    let count = host.views.len();
    let Some(view) = host.views.get_mut(random.below(count)) else {
        return;
    };
    if random.below(12) == 0 {
        view.rehearsed ^= true;
    }
    if let Some(register) = random.one(&mut view.registers) {
        match random.below(8) {
            0 | 1 => register.value = register.value.map(|value| value ^ bit),
            2 => register.value = None,
            3 => register.writable ^= random.next(),
            4 => register.accepts.clear(),
            5 => {
                let mut lists = register.accepts.values_mut();
                lists.next().into_iter().for_each(|values| values.push(1));
            }
            6 => register.honoured.clear(),
            _ => {
                let id = register.id;
                view.registers.retain(|register| register.id != id);
            }
        }
    }
    if random.below(10) == 0 {
        let unknown = ReportedRegister {
            id: 0x6030_0000_0013_0000 | random.below(0x1_0000) as u64,
            name: "unknown".to_owned(),
            value: Some(bit),
            writable: 0,
            accepts: BTreeMap::new(),
            honoured: BTreeMap::new(),
        };
        let at = view.registers.binary_search_by_key(&unknown.id, |r| r.id);
        if let Err(at) = at {
            view.registers.insert(at, unknown);
        }
    }
    let at = random.below(view.guest.len());
    match (random.below(6), view.guest.get_mut(at)) {
        (_, None) => {}
        (0 | 1, Some(fact)) => {
            if let Seen::Value(value) = &mut fact.seen {
                *value ^= bit;
            }
        }
        (2, Some(fact)) => fact.seen = Seen::Undefined,
        (3, Some(fact)) => fact.seen = Seen::Trapped(0x18),
        (4, Some(_)) => {
            view.guest.remove(at);
        }
        (_, Some(fact)) => {
            let other = Fact {
                vcpu: fact.vcpu + 1,
                name: fact.name.clone(),
                seen: Seen::Value(bit),
            };
            view.guest.push(other);
        }
    }
}

#[test]
fn a_fleet_refuses_of_whatever_is_altered_what_each_plan_does() {
    let (locks, hosts) = (locks(), hosts().into_values().collect::<Vec<_>>());
    let (mut random, mut held) = (Random(0x9e37_79b9_7f4a_7c15), Held::default());
    for way in WAYS.into_iter().chain([Emulation::Allowed; 4]) {
        // A few that are much alike, so that answers are shared, and each altered in other things.
        let (some_locks, some_hosts) = (random.below(locks.len()), random.below(hosts.len()));
        let altered_locks = (0..16).map(|n| {
            let mut lock = locks[(some_locks + n % 3) % locks.len()].clone();
            (0..n / 2).for_each(|_| alter_lock(&mut lock, &mut random));
            lock
        });
        let altered_locks: Vec<Lock> = altered_locks.collect();
        let altered_hosts = (0..16).map(|n| {
            let mut host = hosts[(some_hosts + n % 3) % hosts.len()].clone();
            (0..4 * n).for_each(|_| alter_host(&mut host, &mut random));
            host
        });
        let altered_hosts: Vec<HostReport> = altered_hosts.collect();
        held.hold(&altered_locks, &altered_hosts, way);
    }
    assert!(
        held.refused > 1500 && held.different.len() > 1000 && held.codes.len() > 12,
        "{} refused, {} refusals, {:?}",
        held.refused,
        held.different.len(),
        held.codes
    );
}

/// A part of a plan that a fleet left out would have locks kept that one entry alone forbids.
#[test]
fn a_fleet_sees_the_one_thing_that_is_in_the_way() {
    let (locks, hosts) = (locks(), hosts().into_values().collect::<Vec<_>>());
    let (mut random, mut held) = (Random(0x2545_f491_4f6c_dd1d), Held::default());
    let mut pairs = 0;
    while pairs < 16 {
        let lock = &locks[random.below(locks.len())];
        let host = &hosts[random.below(hosts.len())];
        if !plan_on(lock, &Ground::of(host), Emulation::Allowed)
            .refusals
            .is_empty()
        {
            continue;
        }
        pairs += 1;
        let altered_locks = (0..8).map(|n| {
            let mut lock = lock.clone();
            (0..n.min(1)).for_each(|_| alter_lock(&mut lock, &mut random));
            lock
        });
        let altered_locks: Vec<Lock> = altered_locks.collect();
        let altered_hosts = (0..8).map(|n| {
            let mut host = host.clone();
            (0..n.min(1)).for_each(|_| alter_host(&mut host, &mut random));
            host
        });
        let altered_hosts: Vec<HostReport> = altered_hosts.collect();
        held.hold(&altered_locks, &altered_hosts, Emulation::Allowed);
    }
    assert!(
        held.kept > 100 && held.barely > 100 && held.codes.len() > 6,
        "{} kept, {} by one refusal not, {:?}",
        held.kept,
        held.barely,
        held.codes
    );
}
