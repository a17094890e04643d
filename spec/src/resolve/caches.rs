//! CLIDR_EL1, and the geometry of the caches that it names: the silicon's, what KVM makes up, or the
//! silicon's in the form in which KVM takes it.

use super::{Complaints, Context};
use crate::catalogue::{CachePolicy, Subject, field, register_by_name, selectors};
use crate::lock::{Binding, LockedRegister, full_mask};

/// CLIDR_EL1, and CCSIDR_EL1 of every cache that it names.
pub(super) fn caches(
    context: &Context,
    locked: &mut Vec<LockedRegister>,
    complaints: &mut Complaints,
) {
    let policy = context.last(|s| match s {
        Subject::Cache(policy) => Some(*policy),
        _ => None,
    });
    let (policy, from) =
        policy.unwrap_or((CachePolicy::Silicon, format!("cpu/{}", context.cpu.name)));
    let shown = |name: &str| {
        let mut entries = locked.iter();
        entries.find(|r| r.name == name).map_or(0, |r| r.value)
    };
    // `CTR_EL0` as the guest sees it decides what KVM makes up.
    let ctr = shown("CTR_EL0");
    let wide = |mmfr2: u64| field(CCIDX).is_some_and(|(_, f)| f.get(mmfr2) != 0);
    let wide_silicon = wide(context.raw("ID_AA64MMFR2_EL1"));
    let wide_guest = wide(shown("ID_AA64MMFR2_EL1"));
    let clidr = match policy {
        CachePolicy::Silicon | CachePolicy::Model => context.raw("CLIDR_EL1"),
        CachePolicy::Fabricated => fabricated_clidr(ctr),
    };
    let mut push = |name: &str, value: u64| {
        if let Some(info) = register_by_name(name) {
            locked.push(LockedRegister {
                id: info.id,
                name: name.to_owned(),
                value,
                rule: Binding::Exact,
                from: from.clone(),
                mask: info.promised(),
                vary: Vec::new(),
            });
        }
    };
    push("CLIDR_EL1", clidr);
    for selector in selectors(clidr) {
        let name = format!("CCSIDR_EL1[{selector}]");
        let raw = context.raw(&name);
        let known = register_by_name(&name).is_none_or(|r| context.cpu.silicon(r).unknown == 0);
        let value = match policy {
            CachePolicy::Fabricated => Ok(fabricated_ccsidr(ctr, selector)),
            // KVM told half of it, where it told something.
            CachePolicy::Model if !known => Err("was never read whole"),
            // With FEAT_CCIDX a guest reads 64 bits, of which KVM tells the half.
            CachePolicy::Model if !wide_guest => {
                narrow(raw, wide_silicon).ok_or("is larger than 32 bits can say")
            }
            CachePolicy::Silicon | CachePolicy::Model if known && raw <= full_mask(4) => Ok(raw),
            CachePolicy::Silicon | CachePolicy::Model => {
                Err("is told in 64 bits up to 6.2, of which KVM tells 32")
            }
        };
        let value = match value {
            Ok(value) => value,
            Err(why) => {
                let cpu = &context.cpu.name;
                complaints.error(
                    "spec::wide-ccsidr",
                    "/abi",
                    format!("the cache of {name} on `{cpu}` {why}: nothing could hold it"),
                    Some("name a baseline from \"kvm-6.3\" on, where KVM makes the cache registers up".into()),
                );
                break;
            }
        };
        push(&name, value);
    }
}

/// Whether CCSIDR_EL1 has 64 bits (FEAT_CCIDX); from 6.3 on KVM hides it from guests.
const CCIDX: &str = "ID_AA64MMFR2_EL1.CCIDX";

/// CCSIDR_EL1 of the silicon in the 32-bit format, bits 31:28 zero as KVM asks for (Arm ARM DDI 0487 CCSIDR_EL1;
/// arch/arm64/kvm/sys_regs.c `set_ccsidr`), where it fits.
fn narrow(ccsidr: u64, wide: bool) -> Option<u64> {
    if !wide {
        return Some(ccsidr & 0x0fff_ffff);
    }
    let (line, ways, sets) = (
        ccsidr & 7,
        ccsidr >> 3 & 0x1f_ffff,
        ccsidr >> 32 & 0xff_ffff,
    );
    (ways <= 0x3ff && sets <= 0x7fff).then_some(sets << 13 | ways << 3 | line)
}

/// The hierarchy that KVM makes up, 6.3 and later (arch/arm64/kvm/sys_regs.c `reset_clidr`).
fn fabricated_clidr(ctr: u64) -> u64 {
    const INSTRUCTION: u64 = 1;
    const DATA: u64 = 2;
    const UNIFIED: u64 = 4;
    let (idc, dic) = (ctr >> 28 & 1 == 1, ctr >> 29 & 1 == 1);
    let (mut clidr, level) = match (idc, dic) {
        (true, true) => (UNIFIED, 1),
        (true, false) => (UNIFIED << 3, 2),
        // LoUU and LoUIS are 1: cleaning to the point of unification is needed.
        (false, _) => (1 << 27 | 1 << 21 | DATA, 1),
    };
    if !dic {
        clidr |= INSTRUCTION;
    }
    clidr | level << 24
}

/// The geometry that KVM makes up: one set, one way, the smallest line
/// (arch/arm64/kvm/sys_regs.c `get_ccsidr`, 6.3 and later).
fn fabricated_ccsidr(ctr: u64, selector: u64) -> u64 {
    let log2_words = if selector & 1 == 1 {
        ctr & 0xf
    } else {
        ctr >> 16 & 0xf
    };
    log2_words.saturating_sub(2)
}
