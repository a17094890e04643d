//! A plan as calls of KVM's: all of it is there, in an order that works, and what is read back is judged by name. What a real
//! KVM makes of it the lab tries (`runner/examples/monitor/`).

use crate::plans::host;
use std::collections::BTreeMap;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::{Lock, Range, canonical};
use vmlock_spec::plan::{Emulation, Orders, Plan, Step, plan_with};
use vmlock_spec::report::HostReport;
use vmlock_spec::script::{Call, Owner, REGION, Script, Value, affinity, counted, region};
use vmlock_spec::vm::Feature;

fn planned(lock: &Lock, host: &HostReport) -> Plan {
    plan_with(lock, host, Emulation::Forbidden)
}

/// A machine that holds what it was told, and else what the host's report says that a vCPU has.
struct Machine {
    registers: Vec<BTreeMap<u64, Vec<u8>>>,
    attributes: BTreeMap<(usize, u32, u64), u64>,
    asked: usize,
    told: usize,
}

impl Machine {
    fn new(lock: &Lock, host: &HostReport) -> Self {
        let view = host.view(&[]).expect("a view");
        let registers = view.registers.iter();
        let registers: BTreeMap<u64, Vec<u8>> = registers
            .map(|r| (r.id, bytes(r.id, r.value.unwrap_or(0))))
            .collect();
        Self {
            registers: vec![registers; lock.machine.vcpus.len()],
            attributes: BTreeMap::new(),
            asked: 0,
            told: 0,
        }
    }

    fn call(&mut self, call: Call<'_>) -> Result<(), String> {
        match call {
            Call::Set(vcpu, id, value) => {
                self.registers[vcpu].insert(id, bytes(id, value));
            }
            Call::Attribute(of, group, attr, Value::Set(value)) => {
                // What KVM reads first of a region is its number.
                let region = u64::from(group == 0 && attr == 5) * (value & 0xfff);
                let attr = attr | region << 8;
                self.attributes.insert((owner(of), group, attr), value);
            }
            Call::Capability(_)
            | Call::Vcpu(_)
            | Call::Device(_)
            | Call::Init(..)
            | Call::Enter(_) => {}
            Call::Counter(now) => {
                *now = 0;
                return Ok(());
            }
            Call::List(vcpu, ids) => {
                ids.extend(self.registers[vcpu].keys());
                return Ok(());
            }
            Call::Get(vcpu, id, into) => {
                self.asked += 1;
                let found = self.registers[vcpu].get(&id);
                into.copy_from_slice(found.ok_or_else(|| format!("{id:#x}"))?);
                return Ok(());
            }
            Call::Attribute(of, group, attr, Value::Get(value)) => {
                let attr = attr | *value << 8;
                let found = self.attributes.get(&(owner(of), group, attr)).copied();
                *value = found.unwrap_or(0);
                return Ok(());
            }
        }
        self.told += 1;
        Ok(())
    }
}

/// A register's value, as wide as it is.
fn bytes(id: u64, value: u64) -> Vec<u8> {
    let mut bytes = value.to_le_bytes().to_vec();
    bytes.resize(1 << (id >> 52 & 0xf), 0);
    bytes
}

/// All vCPUs have one interrupt for each timer.
fn owner(of: Owner) -> usize {
    match of {
        Owner::Device(_) => 0,
        Owner::Vcpu(_) => 1,
    }
}

fn library() -> (Lock, HostReport, Orders) {
    let text = include_str!("../../../lab/tests/specs/library.vm.lock.json");
    let lock = canonical::parse(text).expect("a lock");
    let host = host("neoverse-n1-6.12");
    let plan = planned(&lock, &host);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    let orders = plan.orders();
    (lock, host, orders)
}

#[test]
fn each_step_is_told_every_vcpu_at_its_time() {
    let (lock, _, orders) = library();
    let script = Script::new(&lock, orders.clone()).expect("a script");
    let calls = script.calls();
    let at = |is: &dyn Fn(&Call) -> bool| calls.iter().position(is).expect("a call");
    let last = |is: &dyn Fn(&Call) -> bool| calls.iter().rposition(is).expect("a call");
    let init = |call: &Call| matches!(call, Call::Attribute(_, 4, ..));
    let order = [
        last(&|call| matches!(call, Call::Vcpu(_))),
        at(&|call| matches!(call, Call::Device(_))),
        last(&|call| matches!(call, Call::Init(..))),
        at(&|call| matches!(call, Call::Set(..))),
        last(&|call| matches!(call, Call::Set(..))),
        at(&init),
        at(&|call| matches!(call, Call::Attribute(Owner::Device(0), 1, ..))),
        at(&|call| matches!(call, Call::Enter(_))),
    ];
    assert!(order.is_sorted_by(|a, b| a < b), "{order:?}: {calls:?}");
    let written = orders.steps.iter().filter_map(|step| match step {
        Step::Register { id, value } | Step::Reset { id, value } => Some((*id, *value)),
        _ => None,
    });
    let mut count = 0;
    for (of, number) in written {
        for index in 0..lock.machine.vcpus.len() {
            let told = |call: &&Call| match call {
                Call::Set(vcpu, id, value) => (*vcpu, *id, *value) == (index, of, number),
                _ => false,
            };
            assert_eq!(calls.iter().filter(told).count(), 1, "{of:#x}");
            count += 1;
        }
    }
    assert!(count >= 4, "{count}");
}

#[test]
fn what_is_otherwise_is_named_and_what_is_as_the_lock_says_is_counted() {
    let (lock, host, orders) = library();
    let script = Script::new(&lock, orders).expect("a script");
    let calls = script.calls().len();
    let mut machine = Machine::new(&lock, &host);
    let made = script.carry_out(&mut |call| machine.call(call));
    let made = made.expect("all of it is taken");
    assert_eq!(machine.told, calls);
    let judge = |machine: &mut Machine| {
        let judged = made.read_back(&mut |call| machine.call(call));
        judged.expect("it was read")
    };
    // What KVM answers of the interrupt controller, and of the rest that nobody wrote, no report has.
    let judged = judge(&mut machine);
    assert!(judged.read > 300, "{judged:?}");
    assert!(!judged.to_string().contains("ID_AA64"), "{judged:?}");
    assert!(machine.asked > 200);
    let pfr0 = register_by_name("ID_AA64PFR0_EL1").expect("a register").id;
    machine.registers[1]
        .entry(pfr0)
        .and_modify(|bytes| bytes[0] ^= 1);
    let other = judge(&mut machine);
    assert_eq!(other.different.len(), judged.different.len() + 1);
    assert!(
        other.to_string().contains("different: ID_AA64PFR0_EL1 is "),
        "{other:?}"
    );
    // A register that nobody knows, and one that was there.
    machine.registers[0].insert(0x6030_0000_0013_ff00, vec![0; 8]);
    assert!(
        judge(&mut machine)
            .to_string()
            .contains("what makes 0x603000000013ff00 harmless")
    );
    machine.registers[0].remove(&pfr0);
    assert!(judge(&mut machine).to_string().contains("which KVM listed"));
}

#[test]
fn what_would_be_left_out_is_refused() {
    let (lock, _, orders) = library();
    for step in [
        Step::Forward(0x8400_0000),
        Step::Deny(0x8400_0000),
        Step::DenyEvents(vec![1]),
        Step::StolenTime(vec![0]),
        Step::VectorLengths(vec![128]),
        Step::Distributor,
        Step::Leave { id: 1, value: 1 },
        Step::ForwardRanges(vec![(1, 2)]),
    ] {
        let mut more = orders.clone();
        more.steps.push(step);
        assert!(
            Script::new(&lock, more.clone()).is_err(),
            "{:?}",
            more.steps.last()
        );
    }
    let mut inside = orders.clone();
    inside.only_inside.insert(1);
    assert!(Script::new(&lock, inside).is_err());
    for feature in Feature::ALL {
        let mut with = lock.clone();
        with.features.push(*feature);
        assert!(Script::new(&with, orders.clone()).is_err(), "{feature:?}");
    }
    assert!(Script::new(&lock, orders).is_ok());
}

#[test]
fn the_first_call_that_is_not_taken_ends_it() {
    let (lock, host, orders) = library();
    let script = Script::new(&lock, orders).expect("a script");
    let mut machine = Machine::new(&lock, &host);
    let ended = script.carry_out(&mut |call| match call {
        Call::Init(1, _) => Err("not taken".to_owned()),
        call => machine.call(call),
    });
    let ended = ended.expect_err("a call that was not taken");
    assert_eq!(ended.to_string(), "KVM_ARM_VCPU_INIT: vCPU 1: not taken");
    // Two vCPUs, an interrupt controller with its places and its size, the first vCPU; no register.
    assert!(
        (7..12).contains(&machine.told) && machine.asked == 0,
        "{}",
        machine.told
    );
}

#[test]
fn what_kvm_is_told_has_its_form() {
    let mut place = 5;
    let (set, _) = Value::Set(7).request();
    let mut value = Value::Get(&mut place);
    let (get, answer) = value.request();
    *answer += 1;
    // `_IOW(KVMIO, 0xe1, struct kvm_device_attr)`, and 0xe2.
    assert_eq!((set, get, place), (0x4018_aee1, 0x4018_aee2, 6));
    // Two redistributors, each of two frames of 64 KiB.
    let range = Range {
        base: 0x80a_0000,
        size: 0x4_0000,
    };
    assert_eq!(region(1, &range), 0x0020_0000_080a_0001);
    assert_eq!(region(1, &range) & REGION, range.base);
    assert_eq!(affinity(0x0004_8003_0201), 0x0403_0201_0000_0000);
    assert_eq!(affinity(0x8000_0102), 0x0000_0102_0000_0000);
    // It began when the host's was 100 to 103, and was read when that was 110 to 112.
    assert_eq!(counted((100, 103), (110, 112)), 7..=12);
    assert!(counted((u64::MAX, 1), (3, 4)).contains(&3));
}

#[test]
fn a_call_is_named_with_what_it_is_about() {
    let pfr0 = register_by_name("ID_AA64PFR0_EL1").expect("a register").id;
    let mut value = 0;
    for (call, words) in [
        (
            Call::Set(1, pfr0, 0x11),
            "KVM_SET_ONE_REG: ID_AA64PFR0_EL1 of vCPU 1 to 0x11",
        ),
        (
            Call::Get(0, 0x6030_0000_0013_ff00, &mut []),
            "KVM_GET_ONE_REG: an unknown register (0x603000000013ff00) of vCPU 0",
        ),
        (
            Call::Attribute(Owner::Device(0), 1, 0x8, Value::Get(&mut value)),
            "KVM_GET_DEVICE_ATTR: GICD_IIDR",
        ),
        (
            Call::Attribute(Owner::Device(0), 0, 5, Value::Set(0)),
            "KVM_SET_DEVICE_ATTR: the address of a region of redistributors",
        ),
        (
            Call::Attribute(Owner::Device(0), 5, 0x102_0000_0008, Value::Set(0)),
            "KVM_SET_DEVICE_ATTR: a redistributor's register at 0x8, of the vCPU with affinity 0x102",
        ),
        (
            Call::Attribute(Owner::Vcpu(1), 1, 0, Value::Set(27)),
            "KVM_SET_DEVICE_ATTR: the virtual timer's interrupt of vCPU 1",
        ),
        (
            Call::Attribute(Owner::Vcpu(1), 9, 2, Value::Set(27)),
            "KVM_SET_DEVICE_ATTR: Vcpu(1), group 9, attribute 0x2",
        ),
        (Call::Enter(1), "KVM_RUN with immediate_exit: vCPU 1"),
    ] {
        assert_eq!(call.to_string(), words);
    }
}
