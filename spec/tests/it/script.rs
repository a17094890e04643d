//! A plan as calls of KVM's: all of it is there, in an order that works, and what is read back is judged by name. What a real
//! KVM makes of it the lab tries (`runner/examples/monitor/`).

use crate::plans::host;
use std::collections::BTreeMap;
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::{Lock, Range, canonical};
use vmlock_spec::plan::{Emulation, Plan, Step, frames, plan_with};
use vmlock_spec::report::{HostReport, Imported, Witness};
use vmlock_spec::script::{Call, Owner, REGION, Script, Told, Value, affinity, counted, region};
use vmlock_spec::vm::Feature;

fn planned(lock: &Lock, host: &HostReport) -> Plan {
    plan_with(lock, host, Emulation::Forbidden)
}

/// A machine that holds what it was told, and else what the host's report says that a vCPU has and the lock of the interrupt
/// controller.
struct Machine {
    registers: Vec<BTreeMap<u64, Vec<u8>>>,
    attributes: BTreeMap<(usize, u32, u64), u64>,
    /// The host's counter, which goes on by one when it is asked.
    now: u64,
    /// What it was when the guest's virtual and physical ones were 0.
    since: [u64; 2],
    asked: usize,
    told: usize,
}

/// KVM register ids of CNTVCT_EL0 and CNTPCT_EL0.
const COUNTERS: [u64; 2] = [0x6030_0000_0013_df1a, 0x6030_0000_0013_df01];

impl Machine {
    fn new(lock: &Lock, host: &HostReport) -> Self {
        let view = host.view(&[]).expect("a view");
        let registers = view.registers.iter();
        let registers: BTreeMap<u64, Vec<u8>> = registers
            .map(|r| (r.id, bytes(r.id, r.value.unwrap_or(0))))
            .collect();
        let place = |mpidr: Option<u64>| mpidr.map_or((1, 0), |mpidr| (5, affinity(mpidr)));
        let attributes = frames(lock).into_iter().map(|frame| {
            let (group, place) = place(frame.vcpu.map(|vcpu| vcpu.mpidr));
            let key = (0, group, place | u64::from(frame.offset));
            (key, u64::from(frame.value))
        });
        Self {
            registers: vec![registers; lock.machine.vcpus.len()],
            attributes: attributes.collect(),
            now: 1000,
            since: [0; 2],
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
                // A region has its number in what KVM reads.
                let region = u64::from(group == 0 && attr == 5) * (value & 0xfff);
                let attr = attr | region << 8;
                self.attributes.insert((owner(of), group, attr), value);
            }
            Call::Vcpu(_) => self.since[0] = self.now,
            Call::Vm(_)
            | Call::Capability(_)
            | Call::Device(_)
            | Call::Init(..)
            | Call::Enter(_) => {}
            Call::Counter(now) => {
                self.now += 1;
                *now = self.now;
                return Ok(());
            }
            Call::List(vcpu, ids) => {
                ids.extend(self.registers[vcpu].keys());
                return Ok(());
            }
            Call::Get(vcpu, id, into) => {
                self.asked += 1;
                if let Some(at) = COUNTERS.iter().position(|counter| *counter == id) {
                    into.copy_from_slice(&self.now.wrapping_sub(self.since[at]).to_le_bytes());
                    return Ok(());
                }
                let found = self.registers[vcpu].get(&id);
                into.copy_from_slice(found.ok_or_else(|| format!("{id:#x}"))?);
                return Ok(());
            }
            Call::Attribute(of, group, attr, Value::Get(value)) => {
                let attr = attr | *value << 8;
                let found = self.attributes.get(&(owner(of), group, attr)).copied();
                *value = found.ok_or_else(|| format!("{of:?} {group} {attr:#x}"))?;
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

fn library() -> (Lock, HostReport, Plan) {
    let text = include_str!("../../../lab/tests/specs/library.vm.lock.json");
    let lock = canonical::parse(text).expect("a lock");
    let host = host("neoverse-n1-6.12");
    let plan = planned(&lock, &host);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    (lock, host, plan)
}

#[test]
fn each_step_is_told_every_vcpu_at_its_time() {
    let (lock, _, plan) = library();
    let script = Script::new(&lock, &plan).expect("a script");
    let calls = script.calls();
    assert_eq!(calls[0], Call::Vm(lock.machine.address_bits));
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
    let written = plan.steps().filter_map(|step| match step {
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

/// A machine that is as the lock says, and what was told of it.
fn kept(lock: &Lock, host: &HostReport, plan: &Plan) -> (Machine, Told<'static>) {
    let lock: &'static Lock = Box::leak(Box::new(lock.clone()));
    let script = Script::new(lock, plan).expect("a script");
    let calls = script.calls().len();
    let mut machine = Machine::new(lock, host);
    let told = script.carry_out(&mut |call| machine.call(call));
    assert_eq!(machine.told, calls);
    (machine, told.expect("all of it is taken"))
}

/// What of it is not as the lock says.
fn different(machine: &mut Machine, told: &Told<'_>) -> Vec<String> {
    let judged = told.read_back(&mut |call| machine.call(call));
    judged.expect("it was read").different
}

fn id(name: &str) -> u64 {
    register_by_name(name).expect("a register").id
}

#[test]
fn what_is_as_the_lock_says_is_counted() {
    let (lock, host, plan) = library();
    let (mut machine, told) = kept(&lock, &host, &plan);
    let judged = told.read_back(&mut |call| machine.call(call));
    let judged = judged.expect("it was read");
    assert!(judged.different.is_empty(), "{judged}");
    assert!(judged.read > 450 && machine.asked > 400, "{judged:?}");
    assert!(
        judged
            .to_string()
            .starts_with(&format!("read back: {} values", judged.read))
    );
    // One that is not told leaves all of it unjudged.
    machine.attributes.remove(&(0, 3, 0));
    let unread = told.read_back(&mut |call| machine.call(call));
    let words = unread.expect_err("it cannot be read").to_string();
    assert!(
        words.starts_with("KVM_GET_DEVICE_ATTR: the number of interrupts: "),
        "{words}"
    );
}

/// Of each kind of what is read, one value that is otherwise, on the second vCPU where there are two.
#[test]
fn whatever_is_otherwise_is_named_and_nothing_else() {
    let (lock, host, plan) = library();
    let (mut machine, told) = kept(&lock, &host, &plan);
    let second = affinity(lock.machine.vcpus[1].mpidr);
    for (name, what) in [
        ("ID_AA64PFR0_EL1", "different: ID_AA64PFR0_EL1 is "),
        ("MPIDR_EL1", "different: MPIDR_EL1 is "),
        ("SCTLR_EL1", "different: SCTLR_EL1 at entry is "),
        (
            "V31",
            "different: how many bytes of V31 at entry are not zero is 0x1 ",
        ),
    ] {
        let alter = |machine: &mut Machine| {
            let bytes = machine.registers[1].get_mut(&id(name));
            // Nothing that is waived.
            bytes.expect("it is listed")[2] ^= 1;
        };
        alter(&mut machine);
        let found = different(&mut machine, &told);
        assert!(
            found.len() == 1 && found[0].starts_with(what),
            "{name}: {found:?}"
        );
        alter(&mut machine);
    }
    for (key, bit, count, what) in [
        ((0, 1, 0x8), 1 << 12, 1, "different: GICD_IIDR is "),
        ((0, 5, second | 0xc), 1, 1, "different: GICR_TYPER.high is "),
        (
            (0, 0, 2),
            1 << 16,
            1,
            "different: the distributor's address is ",
        ),
        (
            (0, 0, 5),
            1 << 16,
            1,
            "different: region 0 of redistributors is ",
        ),
        (
            (0, 0, 5),
            1 << 52,
            1,
            "different: region 0 of redistributors is ",
        ),
        ((0, 3, 0), 32, 1, "different: the number of interrupts is "),
        (
            (1, 1, 0),
            1,
            2,
            "different: the virtual timer's interrupt is ",
        ),
        (
            (1, 1, 1),
            1,
            2,
            "different: the physical timer's interrupt is ",
        ),
    ] {
        let alter = |machine: &mut Machine| {
            *machine.attributes.get_mut(&key).expect("it was told") ^= bit;
        };
        alter(&mut machine);
        let found = different(&mut machine, &told);
        assert!(
            found.len() == count && found.iter().all(|words| words.starts_with(what)),
            "{key:?}: {found:?}"
        );
        alter(&mut machine);
    }
    for (at, name) in [(0, "CNTVCT_EL0"), (1, "CNTPCT_EL0")] {
        // Earlier, and later.
        for skew in [100, u64::MAX - 99] {
            let before = machine.since[at];
            machine.since[at] = before.wrapping_add(skew);
            let found = different(&mut machine, &told);
            let what = format!("different: whether {name} counts from where it should is ");
            assert!(
                found.len() == 2 && found.iter().all(|words| words.starts_with(&what)),
                "{name}: {found:?}"
            );
            machine.since[at] = before;
        }
    }
    assert_eq!(different(&mut machine, &told), [] as [&str; 0]);
    // A register that nobody knows, and one that was there.
    machine.registers[0].insert(0x6030_0000_0013_ff00, vec![0; 8]);
    assert_eq!(
        different(&mut machine, &told),
        ["missing: what makes an unknown register (0x603000000013ff00) harmless"]
    );
    machine.registers[0].remove(&0x6030_0000_0013_ff00);
    machine.registers[0].remove(&id("ID_AA64PFR0_EL1"));
    assert_eq!(
        different(&mut machine, &told),
        ["missing: ID_AA64PFR0_EL1, which KVM listed"]
    );
}

#[test]
fn a_plan_that_refuses_has_no_script() {
    let (lock, ..) = library();
    let refused = planned(&lock, &host("neoverse-n1-6.18"));
    let words = Script::new(&lock, &refused).expect_err("it is refused");
    assert!(words.starts_with("the plan refuses GIC"), "{words}");
    let imported = Imported {
        of: "a guest".to_owned(),
        by: Witness::Guest,
        unknown: Vec::new(),
        shown: vec![BTreeMap::new()],
    };
    let unknown = planned(&lock, &imported.report());
    assert!(unknown.is_unknown() && unknown.orders().steps.is_empty());
    assert!(Script::new(&lock, &unknown).is_err());
}

#[test]
fn what_would_be_left_out_is_refused() {
    let (lock, _, plan) = library();
    for step in [
        Step::Forward(0x8400_0000),
        Step::Deny(0x8400_0000),
        Step::DenyEvents(vec![1]),
        Step::StolenTime(vec![0]),
        Step::VectorLengths(vec![128]),
        Step::Distributor,
        Step::Leave { id: 1, value: 1 },
        Step::ForwardRanges(vec![(1, 2)]),
        // Wider than a value is, and narrower than this one.
        Step::Register {
            id: id("V0"),
            value: 1,
        },
        Step::Reset {
            id: id("FPCR"),
            value: 1 << 32,
        },
    ] {
        let mut more = plan.clone();
        more.keeps[0].step = Some(step.clone());
        assert!(Script::new(&lock, &more).is_err(), "{step:?}");
    }
    let mut inside = plan.clone();
    inside.only_inside.insert(1);
    assert!(Script::new(&lock, &inside).is_err());
    for feature in Feature::ALL {
        let mut with = lock.clone();
        with.features.push(*feature);
        assert!(Script::new(&with, &plan).is_err(), "{feature:?}");
    }
    let mut none = lock.clone();
    none.machine.vcpus.clear();
    assert!(Script::new(&none, &plan).is_err());
    assert!(Script::new(&lock, &plan).is_ok());
}

#[test]
fn the_first_call_that_is_not_taken_ends_it() {
    let (lock, host, plan) = library();
    let script = Script::new(&lock, &plan).expect("a script");
    let mut machine = Machine::new(&lock, &host);
    let ended = script.carry_out(&mut |call| match call {
        Call::Init(1, _) => Err("not taken".to_owned()),
        call => machine.call(call),
    });
    let ended = ended.expect_err("a call that was not taken");
    assert_eq!(ended.to_string(), "KVM_ARM_VCPU_INIT: vCPU 1: not taken");
    // A VM, two vCPUs, an interrupt controller with its places and its size, the first vCPU; no register.
    assert!(
        (8..13).contains(&machine.told) && machine.asked == 0,
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
