//! What a record of the witness is about: by its key, as records are compared, and by its name, as people read it.

use super::{device, virtio, wire};
use crate::catalogue::{encoding_of, system_register};
use crate::smccc::{function_named, write_function};
use std::borrow::Cow;
use std::fmt::Write as _;
use wire::Kind;
use wire::frames::{self, DISTRIBUTOR, GICD_IGROUPR, REDISTRIBUTOR};

/// What stands behind the name of a register, of which it is seen what a guest can write.
const WRITABLE: &str = ".writable";

/// What stands behind a call, of which it is seen what it leaves in registers.
const LEAVES: &str = " changes of x1 to x17";

/// What stands behind what a vCPU begins with, the first time and when it was off.
const AT_ENTRY: &str = " at entry";
pub const AT_LATER_ENTRY: &str = " at a later entry";

/// What firmware calls are asked, in words.
const CASES: &[(u64, &str)] = &[
    (wire::CASE_SELF, "itself"),
    (wire::CASE_SELF_RESERVED_BIT, "itself, reserved bit set"),
    (wire::CASE_NOBODY, "no such CPU"),
    (wire::CASE_OFF, "a CPU that is off"),
    (wire::CASE_BAD_LEVEL, "no such level"),
    (wire::CASE_BAD_TYPE, "no such type"),
    (wire::CASE_BITS_GOOD, "allowed number of bits"),
    (wire::CASE_BITS_BAD, "too many bits"),
    (wire::CASE_VIRTUAL_COUNTER, "virtual counter"),
];

/// Calls that are asked about functions, as facts name them.
const ASKING: &[(Kind, &str)] = &[
    (Kind::PsciFeatures, "PSCI_FEATURES"),
    (Kind::ArchFeatures, "ARCH_FEATURES"),
    (Kind::TrngFeatures, "TRNG_FEATURES"),
    (Kind::PvTimeFeatures, "PV_TIME_FEATURES"),
];

/// The name of what a record is about.
pub fn fact_name(key: u64) -> Cow<'static, str> {
    let id = wire::id_of(key);
    let Some(kind) = wire::kind_of(key) else {
        return format!("unknown record {key:#018x}").into();
    };
    match kind {
        Kind::SystemRegister => register(id),
        Kind::SystemRegisterWritable => register(id) + WRITABLE,
        Kind::Ccsidr => format!("CCSIDR_EL1[{id}]").into(),
        Kind::Gicd => distributor(id),
        Kind::Gicr => redistributor(id),
        Kind::GicdWritable => distributor(id) + WRITABLE,
        Kind::GicrWritable => redistributor(id) + WRITABLE,
        Kind::Hvc
        | Kind::HvcArguments
        | Kind::Smc
        | Kind::PsciFeatures
        | Kind::ArchFeatures
        | Kind::TrngFeatures
        | Kind::PvTimeFeatures
        | Kind::HvcLeaves
        | Kind::SmcLeaves => {
            let mut name = String::with_capacity(CALL_NAME);
            write_call(kind, id, &mut name);
            name.into()
        }
        Kind::SveVectorLength => format!("SVE vector length at ZCR_EL1.LEN {id}").into(),
        Kind::Use => match id {
            wire::USE_PAUTH => "pointer authentication in use".into(),
            wire::USE_MTE => "memory tagging in use".into(),
            wire::USE_STOLEN_TIME => "stolen-time structure, revision and attributes".into(),
            wire::USE_STOLEN_NANOSECONDS => "stolen time in nanoseconds".into(),
            wire::USE_AARCH32 => "AArch32 at EL0 in use".into(),
            _ => format!("use {id}").into(),
        },
        Kind::Unmapped => unmapped(id),
        Kind::Reach => match id {
            wire::REACH_FIRST_WORD => "first word of memory".into(),
            wire::REACH_LAST_WORD => "last word of memory".into(),
            wire::REACH_ADDRESS_BITS => "address bits".into(),
            _ => format!("reach {id}").into(),
        },
        Kind::CpuOn => match id & wire::ON_AGAIN {
            0 => format!("CPU_ON(vCPU {id})").into(),
            _ => format!("CPU_ON(vCPU {}), once more", id & !wire::ON_AGAIN).into(),
        },
        Kind::Fault => format!("witness fault {id}").into(),
        Kind::Search => match id {
            wire::SEARCH_DISTRIBUTORS => "distributors found".into(),
            wire::SEARCH_DISTRIBUTOR_ADDRESSES => "distributors found, sum of addresses".into(),
            wire::SEARCH_REDISTRIBUTORS => "redistributors found".into(),
            wire::SEARCH_REDISTRIBUTOR_ADDRESSES => "redistributors found, sum of addresses".into(),
            _ => format!("search {id}").into(),
        },
        Kind::Uart | Kind::UartWritable | Kind::Rtc | Kind::RtcWritable => device::name(kind, id),
        Kind::Virtio => virtio::name(id),
        Kind::Entry => {
            let when = match id & wire::entry::LATER {
                0 => AT_ENTRY,
                _ => AT_LATER_ENTRY,
            };
            entry(id & !wire::entry::LATER) + when
        }
        Kind::End => "end".into(),
    }
}

/// Whether that is the name of what a call's record is about.
pub fn is_call(name: &str, key: u64, room: &mut String) -> bool {
    room.clear();
    if let Some(kind) = wire::kind_of(key) {
        write_call(kind, wire::id_of(key), room);
    }
    name == room
}

/// The key of what has such a name in a lock: a register that a guest reads, one of the interrupt controller's, a call.
pub fn key_of(name: &str) -> Option<u64> {
    match cut(name, b'(') {
        Some((function, rest)) => key_of_call(function, rest),
        None => key_of_register(name.as_bytes()),
    }
}

/// What stands before and behind the first such character of ASCII. Names are short: to set out for a search as
/// `split_once` does takes longer than the search.
fn cut(text: &str, at: u8) -> Option<(&str, &str)> {
    let place = text.bytes().position(|byte| byte == at)?;
    Some((&text[..place], &text[place + 1..]))
}

/// The key of anything at which the portable witness looks, by [`fact_name`].
pub fn key_named(name: &str) -> Option<u64> {
    if let Some(key) = key_of(name) {
        return Some(key);
    }
    for (when, later) in [(AT_ENTRY, 0), (AT_LATER_ENTRY, wire::entry::LATER)] {
        if let Some(what) = name.strip_suffix(when) {
            return Some(wire::key(Kind::Entry, key_of_entry(what)? | later));
        }
    }
    if let Some(call) = name.strip_suffix(LEAVES) {
        let key = key_of(call)?;
        let kind = match wire::kind_of(key)? {
            Kind::Hvc => Kind::HvcLeaves,
            Kind::Smc => Kind::SmcLeaves,
            _ => return None,
        };
        return Some(wire::key(kind, wire::id_of(key)));
    }
    // Few, and each by its own name.
    let uses = (0..=wire::USE_STOLEN_NANOSECONDS).map(|id| wire::key(Kind::Use, id));
    let lengths = (0..16).map(|id| wire::key(Kind::SveVectorLength, id));
    let vcpus = 0..wire::MAX_VCPUS as u64;
    let started = vcpus.flat_map(|vcpu| [vcpu, vcpu | wire::ON_AGAIN]);
    let started = started.map(|id| wire::key(Kind::CpuOn, id));
    let faults = (0..4).map(|id| wire::key(Kind::Fault, id));
    let mut all = uses.chain(lengths).chain(started).chain(faults);
    all.find(|key| fact_name(*key) == name)
}

/// The id of what a vCPU begins with.
fn key_of_entry(what: &str) -> Option<u64> {
    match what {
        "V0 to V31" => Some(wire::entry::VECTORS),
        "PSTATE" => Some(wire::entry::PSTATE),
        _ => match what.strip_prefix('X').and_then(|n| n.parse().ok()) {
            Some(n @ 1..=30) => Some(n),
            _ => {
                let key = key_of_register(what.as_bytes())?;
                let is_register = wire::kind_of(key) == Some(Kind::SystemRegister);
                is_register.then(|| wire::entry::SYSTEM | wire::id_of(key))
            }
        },
    }
}

/// The key of a register, which has one.
pub(super) const fn key_of_known(name: &str) -> u64 {
    match key_of_register(name.as_bytes()) {
        Some(key) => key,
        None => panic!("the witness reads no register of that name"),
    }
}

/// Keys of registers by their names, in constants: a name that the witness does not know does not compile.
macro_rules! keys {
    ($($name:literal),* $(,)?) => {
        const { &[$($crate::observation::names::key_of_known($name)),*] }
    };
}
pub(super) use keys;

/// The key of PMEVCNTR<n>_EL0 (Arm ARM D24.5.11).
pub(super) const fn event_counter(n: u64) -> u64 {
    wire::key(
        Kind::SystemRegister,
        wire::encoding(3, 3, 14, 8 | n >> 3, n),
    )
}

/// The key of PMEVTYPER<n>_EL0 (Arm ARM D24.5.12).
pub(super) const fn event_type(n: u64) -> u64 {
    wire::key(
        Kind::SystemRegister,
        wire::encoding(3, 3, 14, 12 | n >> 3, n),
    )
}

const fn key_of_register(name: &[u8]) -> Option<u64> {
    let writable = WRITABLE.as_bytes();
    let end = name.len().saturating_sub(writable.len());
    let (start, rest) = name.split_at(end);
    if is(rest, writable) {
        return match read_only(start) {
            Some((Kind::SystemRegister, id)) => Some(wire::key(Kind::SystemRegisterWritable, id)),
            Some((Kind::Gicd, id)) => Some(wire::key(Kind::GicdWritable, id)),
            Some((Kind::Gicr, id)) => Some(wire::key(Kind::GicrWritable, id)),
            _ => None,
        };
    }
    match read_only(name) {
        Some((kind, id)) => Some(wire::key(kind, id)),
        None => None,
    }
}

/// Where a register is read.
const fn read_only(name: &[u8]) -> Option<(Kind, u64)> {
    if let Some(digits) = after(b"GICD_IGROUPR", name) {
        return match number(digits) {
            Some(word @ 1..=31) => Some((Kind::Gicd, GICD_IGROUPR + 4 * word)),
            _ => None,
        };
    }
    if after(b"GIC", name).is_some() {
        return match (offset_of(DISTRIBUTOR, name), offset_of(REDISTRIBUTOR, name)) {
            (Some(offset), _) => Some((Kind::Gicd, offset)),
            (_, Some(offset)) => Some((Kind::Gicr, offset)),
            _ => None,
        };
    }
    if let Some([digits @ .., b']']) = after(b"CCSIDR_EL1[", name) {
        return match number(digits) {
            Some(selector) => Some((Kind::Ccsidr, selector)),
            None => None,
        };
    }
    match encoding_of(name) {
        Some(encoding) => Some((Kind::SystemRegister, encoding as u64)),
        None => match unnamed(name) {
            Some(encoding) => Some((Kind::SystemRegister, encoding)),
            None => None,
        },
    }
}

/// What stands behind a text.
const fn after<'a>(start: &[u8], name: &'a [u8]) -> Option<&'a [u8]> {
    match name.split_at_checked(start.len()) {
        Some((begin, rest)) if is(begin, start) => Some(rest),
        _ => None,
    }
}

/// The encoding of a system register that has no name, as MRS takes it: `S3_0_C0_C4_7`.
#[rustfmt::skip]
const fn unnamed(name: &[u8]) -> Option<u64> {
    let (op0, op1, crn, crm, op2) = match name {
        [b'S', op0, b'_', op1, b'_', b'C', crn @ .., b'_', b'C', crm, b'_', op2] => {
            (*op0, *op1, number(crn), number(&[*crm]), *op2)
        }
        [b'S', op0, b'_', op1, b'_', b'C', crn @ .., b'_', b'C', ten, one, b'_', op2] => {
            (*op0, *op1, number(crn), number(&[*ten, *one]), *op2)
        }
        _ => return None,
    };
    match (number(&[op0]), number(&[op1]), crn, crm, number(&[op2])) {
        (Some(op0 @ 2..=3), Some(op1 @ 0..=7), Some(crn @ 0..=15), Some(crm @ 0..=15), Some(op2 @ 0..=7)) => {
            Some(wire::encoding(op0, op1, crn, crm, op2))
        }
        _ => None,
    }
}

const fn offset_of(frame: &[frames::Register], name: &[u8]) -> Option<u64> {
    let mut at = 0;
    while at < frame.len() {
        if is(frame[at].1.as_bytes(), name) {
            return Some(frame[at].0);
        }
        at += 1;
    }
    None
}

/// A number of one or two digits, as names have them.
const fn number(digits: &[u8]) -> Option<u64> {
    match digits {
        [one @ b'0'..=b'9'] => Some((*one - b'0') as u64),
        [ten @ b'1'..=b'9', one @ b'0'..=b'9'] => {
            Some(10 * (*ten - b'0') as u64 + (*one - b'0') as u64)
        }
        _ => None,
    }
}

/// Whether two texts are the same, while constants are made as well.
const fn is(text: &[u8], other: &[u8]) -> bool {
    let mut at = 0;
    while at < text.len() && text.len() == other.len() && text[at] == other[at] {
        at += 1;
    }
    at == text.len() && at == other.len()
}

/// The key of one of the calls of which a lock says what they answer; `rest` is what stands behind the bracket.
fn key_of_call(function: &str, rest: &str) -> Option<u64> {
    let (kind, function) = match function.strip_prefix("SMC ") {
        Some(function) => (Kind::Smc, function),
        None => (Kind::Hvc, function),
    };
    let (arguments, result) = cut(rest, b')')?;
    if arguments.is_empty() {
        let n = match result {
            "" => 0,
            _ => number(result.strip_prefix(".x")?.as_bytes()).filter(|n| (1..=15).contains(n))?,
        };
        return Some(wire::key(kind, wire::call(function_named(function)?, n, 0)));
    }
    if kind == Kind::Smc || !result.is_empty() {
        return None;
    }
    if let Some((case, _)) = CASES.iter().find(|(_, words)| *words == arguments) {
        let id = wire::call(function_named(function)?, 0, *case);
        return Some(wire::key(Kind::HvcArguments, id));
    }
    let (kind, _) = ASKING.iter().find(|(_, name)| *name == function)?;
    Some(wire::key(*kind, function_named(arguments)?.into()))
}

/// Room for the name of a call, most often.
const CALL_NAME: usize = 64;

/// Adds the name of a call.
fn write_call(kind: Kind, id: u64, name: &mut String) {
    if let Some((_, asking)) = ASKING.iter().find(|(asking, _)| *asking == kind) {
        name.push_str(asking);
        name.push('(');
        write_function(id as u32, name);
        name.push(')');
        return;
    }
    let case = wire::call_case(id);
    let arguments = CASES.iter().find(|(asked, _)| *asked == case);
    let smc = matches!(kind, Kind::Smc | Kind::SmcLeaves);
    name.push_str(if smc { "SMC " } else { "" });
    write_function(wire::call_function(id), name);
    name.push('(');
    name.push_str(arguments.map_or("", |(_, words)| words));
    name.push(')');
    if let n @ 1.. = wire::call_result(id) {
        let _ = write!(name, ".x{n}");
    }
    let leaves = matches!(kind, Kind::HvcLeaves | Kind::SmcLeaves);
    name.push_str(if leaves { LEAVES } else { "" });
}

fn distributor(offset: u64) -> Cow<'static, str> {
    if let Some((_, name)) = DISTRIBUTOR.iter().find(|(o, _)| *o == offset) {
        return (*name).into();
    }
    match offset {
        0x84..0x100 => format!("GICD_IGROUPR{}", (offset - GICD_IGROUPR) / 4).into(),
        _ => format!("GICD offset {offset:#06x}").into(),
    }
}

fn redistributor(offset: u64) -> Cow<'static, str> {
    match REDISTRIBUTOR.iter().find(|(o, _)| *o == offset) {
        Some((_, name)) => (*name).into(),
        None => format!("GICR offset {offset:#07x}").into(),
    }
}

/// A system register, by the name that the catalogue has for it, or else the witness's list.
fn register(id: u64) -> Cow<'static, str> {
    let Ok(encoding) = u16::try_from(id) else {
        return format!("system register {id:#x}").into();
    };
    match system_register(encoding) {
        Some(name) => name.into(),
        None => format!(
            "S{}_{}_C{}_C{}_{}",
            id >> 14 & 3,
            id >> 11 & 7,
            id >> 7 & 15,
            id >> 3 & 15,
            id & 7
        )
        .into(),
    }
}

/// What of a vCPU's first state a record is about.
fn entry(id: u64) -> Cow<'static, str> {
    match id {
        wire::entry::VECTORS => "V0 to V31".into(),
        wire::entry::PSTATE => "PSTATE".into(),
        1..=30 => format!("X{id}").into(),
        _ => register(id & !wire::entry::SYSTEM),
    }
}

fn unmapped(id: u64) -> Cow<'static, str> {
    let access = match id & 0xff {
        wire::ACCESS_LOAD => "load",
        wire::ACCESS_STORE => "store",
        wire::ACCESS_PAIR => "load of a pair",
        wire::ACCESS_EXCLUSIVE => "exclusive load",
        wire::ACCESS_ZERO => "DC ZVA",
        _ => "instruction fetch",
    };
    let place = match id >> 8 {
        wire::PLACE_HOLE => "between the devices",
        wire::PLACE_ABOVE => "above memory",
        _ => "behind the last address",
    };
    format!("{access} {place}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lock::canonical;
    use crate::observation::questions;
    use std::collections::HashSet;

    const LOCK: &str = include_str!("../../../examples/modern.vm.lock.json");

    /// Records are compared by their keys, and said by their names: one says as much as the other.
    #[test]
    fn every_question_has_a_name_of_its_own() {
        let mut lock = canonical::parse(LOCK).expect("an example");
        lock.gic.registers[1].value |= 31;
        let keys = questions::keys(&lock);
        let names: HashSet<Cow<str>> = keys.iter().map(|key| fact_name(*key)).collect();
        assert!(names.len() > 500);
        assert_eq!(names.len(), keys.len());
    }

    #[test]
    fn what_stands_in_a_lock_is_found_by_its_name() {
        let mut lock = canonical::parse(LOCK).expect("an example");
        lock.gic.registers[1].value |= 31;
        let mut found = 0;
        for key in questions::keys(&lock) {
            let name = fact_name(key);
            let lasting = matches!(
                wire::kind_of(key),
                Some(
                    Kind::SystemRegister
                        | Kind::SystemRegisterWritable
                        | Kind::Ccsidr
                        | Kind::Gicd
                        | Kind::Gicr
                        | Kind::GicdWritable
                        | Kind::GicrWritable
                        | Kind::Hvc
                        | Kind::HvcArguments
                        | Kind::Smc
                        | Kind::PsciFeatures
                        | Kind::ArchFeatures
                        | Kind::TrngFeatures
                        | Kind::PvTimeFeatures,
                )
            );
            if lasting {
                assert_eq!(key_of(&name), Some(key), "{name}");
                found += 1;
            }
        }
        assert!(found > 500, "only {found}");
        for none in [
            "",
            "X",
            "GICD_IGROUPR",
            "CCSIDR_EL1[]",
            "PSCI_VERSION",
            "PSCI_VERSION(",
            "PSCI_VERSION().x0",
            "function 0x84000000()",
            "GICD_IGROUPR0",
            "SMC MIGRATE32(itself)",
        ] {
            assert_eq!(key_of(none), None, "{none}");
        }
    }
}
