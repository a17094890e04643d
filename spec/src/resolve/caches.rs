//! CLIDR_EL1, and the geometry of the caches that it names: the silicon's, or what KVM makes up.

use super::{Complaints, Context};
use crate::catalogue::{CachePolicy, Subject, register_by_name};
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
    // `CTR_EL0` as the guest sees it decides what KVM makes up.
    let ctr = locked
        .iter()
        .find(|r| r.name == "CTR_EL0")
        .map_or(0, |r| r.value);
    let clidr = match policy {
        CachePolicy::Silicon => context.raw("CLIDR_EL1"),
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
        let value = match policy {
            CachePolicy::Silicon => context.raw(&name),
            CachePolicy::Fabricated => fabricated_ccsidr(ctr, selector),
        };
        if value > full_mask(4) {
            // FEAT_CCIDX: what a guest reads, KVM tells the half of.
            complaints.error(
                "spec::wide-ccsidr",
                "/abi",
                format!(
                    "up to 6.2 a guest on `{}` reads 64 bits in {name}, and KVM tells 32 of them: nothing could hold them",
                    context.cpu.name
                ),
                Some("name a baseline from \"kvm-6.3\" on, where KVM makes the cache registers up".into()),
            );
            break;
        }
        push(&name, value);
    }
}

/// CSSELR_EL1 values of the caches that CLIDR_EL1 names (Arm ARM D24.2.27).
pub fn selectors(clidr: u64) -> Vec<u64> {
    let mut out = Vec::new();
    for level in 0..7 {
        match clidr >> (3 * level) & 7 {
            1 => out.push(level << 1 | 1),
            2 | 4 => out.push(level << 1),
            3 => out.extend([level << 1, level << 1 | 1]),
            _ => break,
        }
    }
    out
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
