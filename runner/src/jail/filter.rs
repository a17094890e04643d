//! Rows of the table as filters of seccomp (Documentation/userspace-api/seccomp_filter.rst): classic BPF, assembled here.
//!
//! Two programs. The [`floor`] is under every thread: it allows what any thread needs, and nothing else. What one kind of
//! thread does not need of that is taken from it by another one on top ([`narrow`]), which names no more than that: Linux
//! asks all of a thread's filters, and the strictest answer counts.
//!
//! A start must not wait for them. Linux takes its time for each instruction of a program that it is given, so there
//! are few: calls are found by halving, and what is answered alike shares the answer.

use super::rules::{Rule, Threads};
use super::table::{Argument, Thread};

/// One instruction.
pub type Instruction = libc::sock_filter;

/// A call that Linux does not have, and an answer that it never gives: it shows which filter a thread has.
pub const MARK: i64 = 0x0fff_0000;
/// What [`MARK`] is answered under the floor alone.
pub const FLOOR: i32 = 2001;
/// What it is answered under a filter that leaves less.
pub const NARROW: i32 = 2002;

/// What Linux calls this machine's calls (include/uapi/linux/audit.h).
#[cfg(target_arch = "aarch64")]
const ARCHITECTURE: u32 = 0xc000_00b7;
#[cfg(target_arch = "x86_64")]
const ARCHITECTURE: u32 = 0xc000_003e;

// include/uapi/linux/bpf_common.h and filter.h
const LOAD: u16 = 0x20;
const EQUAL: u16 = 0x15;
const AT_LEAST: u16 = 0x35;
const ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;
const KEEP: u16 = 0x02;

// struct seccomp_data, include/uapi/linux/seccomp.h; the machine is little-endian.
const NUMBER: u32 = 0;
const MACHINE: u32 = 4;
const ARGUMENTS: u32 = 16;

/// As many calls as are compared one by one.
const FEW: usize = 4;

type Label = usize;

/// What follows.
const NEXT: Label = 0;

/// A program that is being written.
struct Program {
    code: Vec<Instruction>,
    /// Where each label is.
    places: Vec<usize>,
    /// Each test, and where it goes.
    jumps: Vec<(usize, [Label; 2])>,
}

impl Program {
    fn new() -> Self {
        Self {
            code: Vec::with_capacity(160),
            places: vec![0],
            jumps: Vec::with_capacity(160),
        }
    }

    fn label(&mut self) -> Label {
        self.places.push(0);
        self.places.len() - 1
    }

    fn here(&mut self, label: Label) {
        self.places[label] = self.code.len();
    }

    fn plain(&mut self, code: u16, k: u32) {
        let (jt, jf) = (0, 0);
        self.code.push(Instruction { code, jt, jf, k });
    }

    fn test(&mut self, code: u16, k: u32, yes: Label, no: Label) {
        self.jumps.push((self.code.len(), [yes, no]));
        self.plain(code, k);
    }

    fn answer(&mut self, label: Label, answer: u32) {
        self.here(label);
        self.plain(RETURN, answer);
    }

    /// Goes where the call's number says, and elsewhere than to any of them, to `none`.
    fn find(&mut self, calls: &[(u32, Label)], none: Label) {
        if calls.len() > FEW {
            let (below, above) = calls.split_at(calls.len() / 2);
            let upper = self.label();
            self.test(AT_LEAST, above[0].0, upper, NEXT);
            self.find(below, none);
            self.here(upper);
            return self.find(above, none);
        }
        for (at, (number, then)) in calls.iter().enumerate() {
            let no = if at + 1 == calls.len() { none } else { NEXT };
            self.test(EQUAL, *number, *then, no);
        }
    }

    /// Goes to `matches` if an argument is as one of the rows says, else to `none`.
    fn compare(&mut self, rows: &[(u32, Argument)], ours: u32, matches: Label, none: Label) {
        let mut loaded = None;
        for (at, (_, argument)) in rows.iter().enumerate() {
            let no = if at + 1 == rows.len() { none } else { NEXT };
            let (place, code, k, to) = match *argument {
                Argument::Is(place, value) => (place, EQUAL, value, [matches, no]),
                Argument::Ours(place) => (place, EQUAL, ours, [matches, no]),
                Argument::Lacks(place, bits) => (place, ANY_BIT, bits, [no, matches]),
                // Who calls this has none of these.
                Argument::Any => (0, AT_LEAST, 0, [matches, no]),
            };
            if loaded != Some(place) {
                self.plain(LOAD, ARGUMENTS + 8 * u32::from(place));
                loaded = Some(place);
            }
            self.test(code, k, to[0], to[1]);
        }
    }

    /// The instructions; `None` where a jump is too long for one.
    fn assemble(mut self) -> Option<Vec<Instruction>> {
        for (at, [yes, no]) in self.jumps {
            let jump = |label| match label {
                NEXT => Some(0),
                label => u8::try_from(self.places[label].checked_sub(at + 1)?).ok(),
            };
            (self.code[at].jt, self.code[at].jf) = (jump(yes)?, jump(no)?);
        }
        Some(self.code)
    }
}

/// What rules allow, in their order.
fn by_call<'a>(rules: impl Iterator<Item = &'a Rule>) -> Vec<(u32, Argument)> {
    let mut calls: Vec<(u32, Argument)> = rules.map(|rule| (rule.call, rule.argument)).collect();
    calls.dedup();
    calls
}

fn of_one_call(one: &(u32, Argument), other: &(u32, Argument)) -> bool {
    one.0 == other.0
}

const fn refused(errno: i32) -> u32 {
    libc::SECCOMP_RET_ERRNO | errno as u32
}

/// What allows these rules, which are in order, and nothing else, in the process with the id `ours`; `None` where they are
/// too many.
///
/// `clone3`, whose arguments no filter sees, is answered as by a kernel that has it not: glibc then takes `clone`.
pub fn floor(rules: &[Rule], ours: u32) -> Option<Vec<Instruction>> {
    let mut program = Program::new();
    let [allowed, trapped, killed, mark, none] = [(); 5].map(|()| program.label());
    // From 5.11 on, Linux tries all numbers when it takes a filter, to ask it no more for those that are always allowed.
    // That takes longer than all else of a jail and saves nanoseconds. It gives up where the accumulator is kept.
    program.plain(KEEP, 0);
    program.plain(LOAD, MACHINE);
    program.test(EQUAL, ARCHITECTURE, NEXT, killed);
    program.plain(LOAD, NUMBER);
    let rows = by_call(rules.iter());
    let mut calls = Vec::with_capacity(rows.len() + 2);
    let mut blocks = Vec::new();
    for rows in rows.chunk_by(of_one_call) {
        // It is the first of them.
        let to = match rows[0].1 {
            Argument::Any => allowed,
            _ => {
                let block = program.label();
                blocks.push((block, rows));
                block
            }
        };
        calls.push((rows[0].0, to));
    }
    let clone3 = libc::SYS_clone3 as u32;
    let place = calls.partition_point(|(call, _)| *call < clone3);
    calls.insert(place, (clone3, none));
    // No call has such a number.
    calls.push((MARK as u32, mark));
    program.find(&calls, trapped);
    for (block, rows) in blocks {
        program.here(block);
        program.compare(rows, ours, allowed, trapped);
    }
    program.answer(allowed, libc::SECCOMP_RET_ALLOW);
    program.answer(trapped, libc::SECCOMP_RET_TRAP);
    program.answer(killed, libc::SECCOMP_RET_KILL_PROCESS);
    program.answer(mark, refused(FLOOR));
    program.answer(none, refused(libc::ENOSYS));
    program.assemble()
}

/// What takes from a thread of that kind those of the rules, which are in order, that it does not need; `None` where they are
/// too many.
pub fn narrow(rules: &[Rule], thread: Thread, ours: u32) -> Option<Vec<Instruction>> {
    let mut program = Program::new();
    let [allowed, trapped, mark] = [(); 3].map(|()| program.label());
    program.plain(LOAD, NUMBER);
    let needs = |rule: &&Rule| rule.is_for(Threads::of(&[thread]));
    let own = by_call(rules.iter().filter(needs));
    let has = |call, argument| own.binary_search(&(call, argument)).is_ok();
    // One that it needs with other arguments, it may make with those.
    let mut others = by_call(rules.iter().filter(|rule| !needs(rule)));
    others.retain(|(call, argument)| !has(*call, *argument) && !has(*call, Argument::Any));
    let mut calls = Vec::with_capacity(others.len() + 1);
    let mut blocks = Vec::new();
    for rows in others.chunk_by(of_one_call) {
        let call = rows[0].0;
        let first = own.partition_point(|(own, _)| *own < call);
        let to = match own.get(first).is_some_and(|(own, _)| *own == call) {
            // The floor allows it with no other arguments than these.
            false => trapped,
            true => {
                let block = program.label();
                blocks.push((block, rows));
                block
            }
        };
        calls.push((call, to));
    }
    // As in the floor.
    calls.push((MARK as u32, mark));
    program.find(&calls, allowed);
    for (block, rows) in blocks {
        program.here(block);
        program.compare(rows, ours, trapped, allowed);
    }
    program.answer(allowed, libc::SECCOMP_RET_ALLOW);
    program.answer(trapped, libc::SECCOMP_RET_TRAP);
    program.answer(mark, refused(NARROW));
    program.assemble()
}

#[cfg(test)]
mod tests {
    use super::super::rules::{RULES, sorted};
    use super::super::table::{Machine, ROWS, Row};
    use super::*;
    use Argument::{Any, Is, Lacks, Ours};

    const OURS: u32 = 77;
    const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
    const TRAP: u32 = libc::SECCOMP_RET_TRAP;

    /// What a program answers (net/core/filter.c).
    fn run(program: &[Instruction], machine: u32, number: u32, arguments: [u32; 6]) -> u32 {
        let (mut at, mut value) = (0, 0);
        loop {
            let Instruction { code, jt, jf, k } = program[at];
            at += 1;
            let jump = |taken: bool| usize::from(if taken { jt } else { jf });
            match code {
                LOAD if k == NUMBER => value = number,
                LOAD if k == MACHINE => value = machine,
                LOAD => value = arguments[(k - ARGUMENTS) as usize / 8],
                EQUAL => at += jump(value == k),
                AT_LEAST => at += jump(value >= k),
                ANY_BIT => at += jump(value & k != 0),
                RETURN => return k,
                KEEP => {}
                other => panic!("{other:#x} is not what this assembler writes"),
            }
        }
    }

    fn row(call: i64, argument: Argument, threads: &'static [Thread]) -> Row {
        Row {
            call,
            argument,
            machine: Machine::Every,
            threads,
            why: "",
            only: None,
        }
    }

    fn asked(program: &[Instruction], number: i64, arguments: [u32; 6]) -> u32 {
        run(program, ARCHITECTURE, number as u32, arguments)
    }

    #[test]
    fn the_floor_allows_its_rows_and_nothing_else() {
        let rows = [
            row(3, Is(1, 0x10), &[Thread::Vcpu]),
            row(3, Is(1, 0x20), &[Thread::Vcpu]),
            row(3, Is(0, 9), &[Thread::Vcpu]),
            row(8, Lacks(2, 4), &[Thread::Vcpu]),
            row(9, Any, &[Thread::Vcpu]),
            row(9, Is(0, 1), &[Thread::Main]),
            row(20, Ours(0), &[Thread::Main]),
            row(500, Any, &[Thread::Main]),
        ];
        let floor = floor(&sorted::<8>(&rows), OURS).expect("they are few");
        for number in (0..600).chain([0x4000_0000, u32::MAX]) {
            for first in [0, 1, 9, OURS] {
                for second in [0, 0x10, 0x20, 0x30] {
                    for third in [0, 3, 4, 7] {
                        let arguments = [first, second, third, 1, 1, 1];
                        let allowed = match number {
                            3 => second == 0x10 || second == 0x20 || first == 9,
                            8 => third & 4 == 0,
                            9 | 500 => true,
                            20 => first == OURS,
                            _ => false,
                        };
                        let wanted = match number {
                            _ if allowed => ALLOW,
                            435 => refused(libc::ENOSYS),
                            _ => TRAP,
                        };
                        let answer = run(&floor, ARCHITECTURE, number, arguments);
                        assert_eq!(answer, wanted, "{number} with {arguments:?}");
                    }
                }
            }
        }
        assert_eq!(asked(&floor, MARK, [0; 6]), refused(FLOOR));
        let foreign = run(&floor, ARCHITECTURE ^ 1, 9, [0; 6]);
        assert_eq!(foreign, libc::SECCOMP_RET_KILL_PROCESS);
    }

    /// Both filters of each kind of thread against the table itself, for each call and each value that a row names.
    #[test]
    fn what_a_thread_may_do_is_what_its_rows_say() {
        let floor = floor(&RULES, OURS).expect("they are few");
        let few = floor.len() < 160;
        assert!(few, "{} instructions", floor.len());
        let values: Vec<u32> = ROWS
            .iter()
            .filter_map(|row| match row.argument {
                Is(_, value) | Lacks(_, value) => Some(value),
                Any | Ours(_) => None,
            })
            .chain([0, 1, OURS, u32::MAX])
            .collect();
        for thread in [
            Thread::Vcpu,
            Thread::Disk,
            Thread::Card,
            Thread::Terminal,
            Thread::Entropy,
            Thread::Vsock,
        ] {
            let narrow = narrow(&RULES, thread, OURS).expect("they are few");
            for number in (0..600).filter(|number| *number != libc::SYS_clone3) {
                for value in &values {
                    let arguments = [*value; 6];
                    let holds = |row: &&Row| match row.argument {
                        Any => true,
                        Is(_, wanted) => *value == wanted,
                        Lacks(_, bits) => value & bits == 0,
                        Ours(_) => *value == OURS,
                    };
                    let allowed = ROWS
                        .iter()
                        .filter(|row| row.call == number && row.threads.contains(&thread))
                        .any(|row| holds(&row));
                    let both = asked(&floor, number, arguments) == ALLOW
                        && asked(&narrow, number, arguments) == ALLOW;
                    assert_eq!(both, allowed, "{thread:?}: {number} with {value:#x}");
                }
            }
            assert_eq!(asked(&narrow, MARK, [0; 6]), refused(NARROW));
        }
    }

    #[test]
    fn what_is_too_long_is_no_program() {
        let rows: Vec<Row> = (0..300).map(|n| row(n, Is(0, 1), &[])).collect();
        assert!(floor(&sorted::<300>(&rows), OURS).is_none());
    }
}
