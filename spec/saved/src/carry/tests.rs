//! Each kind of what does not go over, with its words, and what does.

use super::*;
use crate::hex::{Hex32, Value};
use crate::state::{
    Gic, Interrupts, Lines, Machine, Power, Redistributor, Registers, Serror, Vcpu,
};
use vmlock_spec::lock::{Waiver, canonical};
use vmlock_spec::vm::Feature;

const ALL: [&str; 5] = [
    "X0",
    "SCTLR_EL1",
    "OSLSR_EL1",
    "CNTP_CTL_EL0",
    "CNTP_CVAL_EL0",
];

fn modern() -> Lock {
    let text = include_str!("../../../../examples/modern.vm.lock.json");
    canonical::parse(text).expect("it is a lock")
}

fn ids(names: &[&str]) -> Vec<u64> {
    let id = |name: &&str| register_by_name(name).expect("the catalogue has it").id;
    let mut ids: Vec<u64> = names.iter().map(id).collect();
    ids.sort_unstable();
    ids
}

/// A machine with one vCPU that has these registers.
fn state(registers: &[(&str, u64)]) -> State {
    let mut all = Registers::default();
    for (name, value) in registers {
        let info = register_by_name(name).expect("the catalogue has it");
        let value = Value::of(*value, 1 << (info.id >> 52 & 0xf));
        all.set(info, value).expect("it is state");
    }
    let redistributor = Redistributor {
        control: Hex32(0),
        properties: Hex64(0),
        pending_table: Hex64(0),
        private: Interrupts::default(),
        interface: BTreeMap::from([("ICC_CTLR_EL1".to_owned(), limits())]),
    };
    State {
        machine: Machine {
            virtual_counter: Hex64(0),
            wall_clock: 0,
        },
        vcpus: vec![Vcpu {
            power: Power::On,
            serror: Serror::None,
            registers: all,
        }],
        gic: Gic {
            control: Hex32(0),
            shared: Vec::new(),
            redistributors: vec![redistributor],
        },
        lines: Lines::default(),
        devices: Vec::new(),
    }
}

/// ICC_CTLR_EL1 as the lock has it.
fn limits() -> Hex64 {
    let lock = modern();
    let entry = lock
        .registers
        .iter()
        .find(|entry| entry.name == "ICC_CTLR_EL1");
    Hex64(entry.map_or(0, |entry| entry.value))
}

/// What comes of it on a host that lists these: the ways in the order of the ids, and what is refused.
fn carried(registers: &[(&str, u64)], listed: &[&str]) -> (Vec<(&'static str, Way)>, Vec<String>) {
    let carry = carry_to(&state(registers), &modern(), &[ids(listed)]);
    let ways = carry.lines().into_iter().map(|line| (line.name, line.way));
    (ways.collect(), words(&carry))
}

fn words(carry: &Carry) -> Vec<String> {
    let all = carry.refusals.iter();
    all.map(|refusal| {
        assert_eq!((refusal.code, &*refusal.from), (reason::STATE, SAVED));
        format!("{}: {}", refusal.name, refusal.reason)
    })
    .collect()
}

#[test]
fn what_both_kernels_list_goes_over_and_the_locks_bits_with_it() {
    let (ways, refused) = carried(&[("X0", 1), ("SCTLR_EL1", 3), ("OSLSR_EL1", 0xa)], &ALL);
    let expected = [
        ("X0", Way::Same),
        ("OSLSR_EL1", Way::Same),
        ("SCTLR_EL1", Way::Same),
        ("CNTP_CTL_EL0", Way::Anew),
        ("CNTP_CVAL_EL0", Way::Anew),
    ];
    let mut ways: Vec<_> = ways;
    ways.sort_by_key(|(name, _)| expected.iter().position(|(n, _)| n == name));
    assert_eq!((ways, refused), (expected.to_vec(), vec![]));
    // What identifies the CPU there is the lock's.
    let carry = carry_to(
        &state(&[("OSLSR_EL1", 2)]),
        &modern(),
        &[ids(&["OSLSR_EL1"])],
    );
    let one = &carry.vcpus[0][0];
    assert_eq!(one.way, Way::Translate);
    let write = one.write.as_ref().expect("it is written");
    assert_eq!((write.bytes[0], write.told), (0xa, 2));
}

#[test]
fn what_a_kernel_keeps_to_itself_is_dropped_where_the_guest_left_it_alone() {
    for (name, value, goes) in [
        ("OSLSR_EL1", 8, true),
        ("OSLSR_EL1", 10, false),
        ("CNTP_CTL_EL0", 4, true),
        ("CNTP_CTL_EL0", 2, false),
        ("CNTP_CVAL_EL0", 0, true),
        ("CNTP_CVAL_EL0", 1, false),
        ("SCTLR_EL1", 0, false),
    ] {
        let (ways, refused) = carried(&[("X0", 1), (name, value)], &["X0"]);
        match goes {
            true => assert!(
                ways.contains(&(name, Way::Drop)) && refused.is_empty(),
                "{name}"
            ),
            false => {
                let [words] = refused.as_slice() else {
                    panic!("{name}: {refused:?}")
                };
                let expected = "and this host's kernel does not take it (KVM does not list it)";
                assert!(
                    words.contains(expected) && words.starts_with(name),
                    "{words}"
                );
            }
        }
    }
}

#[test]
fn what_the_saved_guest_lacks_is_refused_unless_its_kernel_kept_it() {
    let (_, refused) = carried(&[("X0", 1)], &ALL);
    let expected = "SCTLR_EL1: vCPU 0: a guest on this host has SCTLR_EL1, and the saved one has none: what it held is not known";
    assert_eq!(refused, [expected]);
}

#[test]
fn what_no_guest_of_the_lock_reaches_is_in_no_file_of_ours() {
    let saved = [("X0", 1), ("TCR2_EL1", 0x1de7_ec7e_dbad_c0de)];
    for listed in [&["X0", "TCR2_EL1"][..], &["X0"]] {
        let (ways, refused) = carried(&saved, listed);
        assert_eq!(ways, [("X0", Way::Same)]);
        let [words] = refused.as_slice() else {
            panic!("{refused:?}")
        };
        let expected = "TCR2_EL1: vCPU 0: the file has TCR2_EL1, which no guest of its lock reaches: it has no ";
        assert!(words.starts_with(expected), "{words}");
    }
    let (ways, refused) = carried(&[("X0", 1)], &["X0", "TCR2_EL1", "PMCCNTR_EL0"]);
    assert_eq!((ways, refused.len()), (vec![("X0", Way::Same)], 0));
}

#[test]
fn what_stands_elsewhere_is_no_vcpus() {
    let (_, refused) = carried(&[("X0", 1), ("ACTLR_EL1", 5)], &["X0", "ACTLR_EL1"]);
    assert_eq!(
        refused,
        [
            "ACTLR_EL1: vCPU 0: the file has ACTLR_EL1, which no vCPU is given: the lock says it: `reset`"
        ]
    );
}

#[test]
fn an_interrupt_controller_of_another_width_is_refused() {
    let mut other = state(&[("X0", 1)]);
    let interface = &mut other.gic.redistributors[0].interface;
    interface.insert("ICC_CTLR_EL1".to_owned(), Hex64(limits().0 ^ 0x300));
    let refused = words(&carry_to(&other, &modern(), &[ids(&["X0"])]));
    assert_eq!(refused.len(), 1);
    assert!(refused[0].contains("(PRIbits, IDbits)"), "{refused:?}");
}

/// The plan does not look at what a lock waives; who has to give it back does.
#[test]
fn a_width_that_the_lock_waives_is_the_hosts_to_say() {
    let text = include_str!("../../../catalogue/hosts/neoverse-n1-6.12.json");
    let host = vmlock_spec::report::parse(text).expect("it is a report");
    let mut lock = modern();
    let entry = lock.registers.iter_mut();
    let entry = entry.into_iter().find(|entry| entry.name == "ICC_CTLR_EL1");
    let entry = entry.expect("the lock has it");
    entry.vary = vec![Waiver {
        field: "PRIbits".to_owned(),
        mask: 0x700,
        from: "spec/vary".to_owned(),
    }];
    let widths = |state: &State, host: &HostReport| {
        let refused = carry(state, &lock, host).refusals.into_iter();
        let own = refused.filter(|refusal| refusal.name == "ICC_CTLR_EL1");
        own.map(|refusal| refusal.reason).collect::<Vec<_>>()
    };
    let mut saved = state(&[("X0", 1)]);
    assert!(widths(&saved, &host).is_empty());
    let mut silent = host.clone();
    for view in &mut silent.views {
        view.guest.retain(|fact| fact.name != "ICC_CTLR_EL1");
    }
    let [words] = &widths(&saved, &silent)[..] else {
        panic!("it is refused once")
    };
    assert!(words.contains("the report does not say"), "{words}");
    let interface = &mut saved.gic.redistributors[0].interface;
    interface.insert("ICC_CTLR_EL1".to_owned(), Hex64(limits().0 ^ 0x300));
    let [words] = &widths(&saved, &host)[..] else {
        panic!("it is refused once")
    };
    assert!(words.contains("than this host has"), "{words}");
}

#[test]
fn what_goes_nowhere_is_refused_everywhere() {
    let lock = modern();
    let refused = |alter: &dyn Fn(&mut State, &mut Lock)| {
        let (mut state, mut lock) = (state(&[("X0", 1)]), lock.clone());
        alter(&mut state, &mut lock);
        let listed = state.vcpus[0].registers.iter();
        let listed = listed.map(|(info, _)| info.id).collect();
        words(&carry_to(&state, &lock, &[listed]))
    };
    let set = |state: &mut State, name: &str, value: u64| {
        let info = register_by_name(name).expect("the catalogue has it");
        let value = Value::of(value, 1 << (info.id >> 52 & 0xf));
        let registers = &mut state.vcpus[0].registers;
        registers.set(info, value).expect("it is state");
    };
    let timer = Hex32(1 << lock.machine.private_interrupts.physical_timer);
    assert!(refused(&|_, _| ()).is_empty());
    let one = |alter: &dyn Fn(&mut State, &mut Lock), expected: &str| {
        let all = refused(alter);
        assert!(all.len() == 1 && all[0].contains(expected), "{all:?}");
    };
    one(&|_, lock| lock.features.push(Feature::Mte), "`mte`");
    for serror in [Serror::Pending, Serror::Syndrome(0)] {
        one(&|state, _| state.vcpus[0].serror = serror, "SError");
    }
    for value in [1, 5] {
        let set = |state: &mut State, _: &mut Lock| set(state, "CNTP_CTL_EL0", value);
        one(&set, "(CNTP_CTL_EL0.ENABLE)");
    }
    one(
        &|state, _| state.gic.redistributors[0].private.enabled = timer,
        "KVM lists no CNTP_CTL_EL0",
    );
    one(
        &|state, _| state.gic.redistributors[0].private.active = timer,
        "KVM lists no CNTP_CTL_EL0",
    );
    // Where it tells that the timer is off, whoever enables its interrupt loses nothing.
    let told = refused(&|state, _| {
        set(state, "CNTP_CTL_EL0", 2);
        state.gic.redistributors[0].private.enabled = timer;
    });
    assert!(told.is_empty(), "{told:?}");
    let pmu = |lock: &Lock, registers: &[(&str, u64)]| {
        let state = state(registers);
        let listed = registers.iter().map(|(name, _)| *name);
        words(&carry_to(&state, lock, &[ids(&listed.collect::<Vec<_>>())]))
    };
    let text = include_str!("../../../../examples/portable.vm.lock.json");
    let six: Lock = canonical::parse(text).expect("it is a lock");
    // The pattern enables counters that there are not.
    for (counting, enabled) in [(0, 1), (1, 0), (1, 1 << 20)] {
        let registers = [("PMCR_EL0", counting), ("PMCNTENSET_EL0", enabled)];
        let all = pmu(&six, &registers);
        assert!(all.iter().all(|words| !words.contains("counts")), "{all:?}");
    }
    let counts = pmu(&six, &[("PMCR_EL0", 1), ("PMCNTENSET_EL0", 1 << 31)]);
    assert!(
        counts.iter().any(|words| words.contains("its PMU counts")),
        "{counts:?}"
    );
    let event = pmu(&six, &[("PMEVTYPER0_EL0", 0x2000_0011)]);
    assert!(
        event
            .iter()
            .any(|words| words.contains("not every kernel keeps the bits 0x20000000")),
        "{event:?}"
    );
    let unknown = |_: &mut State, lock: &mut Lock| lock.features.push(Feature::Pmu);
    one(&unknown, "waives how many counters");
}

#[test]
fn what_is_so_of_several_vcpus_is_said_once() {
    let mut two = state(&[("X0", 1), ("SCTLR_EL1", 3)]);
    two.vcpus.push(two.vcpus[0].clone());
    two.gic
        .redistributors
        .push(two.gic.redistributors[0].clone());
    let carry = carry_to(&two, &modern(), &vec![ids(&["X0"]); 2]);
    assert_eq!(carry.refusals.len(), 1);
    assert!(carry.refusals[0].reason.starts_with("vCPUs 0, 1: "));
    assert_eq!(carry.lines()[0].vcpus, [0, 1]);
}

#[test]
fn what_no_file_has_is_as_a_new_vcpu_has_it() {
    let saved = state(&[("SCTLR_EL1", 3), ("CNTP_CTL_EL0", 2)]);
    let begun = vmlock_spec::lock::reset::begun(&modern());
    let kept: Vec<&str> = begun
        .iter()
        .filter(|begun| begins_anew(begun.info, &saved.vcpus[0].registers))
        .map(|begun| begun.info.name.as_ref())
        .collect();
    assert_eq!(kept, ["ACTLR_EL1", "CNTP_CVAL_EL0"]);
}
