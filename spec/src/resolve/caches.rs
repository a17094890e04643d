//! CLIDR_EL1, and the geometry of the caches that it names: the silicon's, what KVM makes up, or the
//! silicon's in the form in which KVM takes it.

use super::context::CLIDR;
use super::unmeasured::{self, SHOWN};
use super::{Complaints, Context};
use crate::catalogue::{CachePolicy, Subject, field, register_by_name, selectors};
use crate::lock::{Binding, LockedRegister, full_mask};
use std::collections::BTreeMap;

/// CLIDR_EL1, and CCSIDR_EL1 of every cache that it names; `unknown` are the bits of the registers before it of which
/// nobody knows.
pub(super) fn caches(
    context: &Context,
    unknown: &BTreeMap<&'static str, u64>,
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
    let wide_guest = wide(shown("ID_AA64MMFR2_EL1"));
    let wide_silicon = context.has(CCIDX);
    let clidr = match policy {
        CachePolicy::Silicon | CachePolicy::Model => context.known(CLIDR, u64::MAX),
        CachePolicy::Fabricated => Some(fabricated_clidr(ctr)),
    };
    // No lock comes of a CLIDR_EL1 that nobody knows.
    let named = selectors(clidr.unwrap_or(0));
    // What conditions of the baselines hang on too is told with them.
    let told = context.undecided();
    let mut hangs = |path: &str, otherwise: Option<String>| {
        if told.iter().all(|told| told != path) {
            unmeasured::hangs(context, SHOWN, path, otherwise, complaints);
        }
    };
    match policy {
        CachePolicy::Silicon | CachePolicy::Model => {
            if clidr.is_none() {
                hangs(CLIDR, None);
            }
            if wide_silicon.is_none() && !named.is_empty() {
                hangs(CCIDX, Some(format!("or {MADE_UP}")));
            }
        }
        CachePolicy::Fabricated => {
            let open = unknown.get("CTR_EL0").copied().unwrap_or(0);
            for path in decisive(&named) {
                if field(path).is_some_and(|(_, f)| f.mask() & open != 0) {
                    // Whatever the silicon has, a guest can be shown the least.
                    let least = format!("or show the least of it: set \"{path}\" 0");
                    hangs(path, Some(least));
                }
            }
        }
    }
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
    push(CLIDR, clidr.unwrap_or(0));
    for selector in named {
        let name = format!("CCSIDR_EL1[{selector}]");
        let value = match (policy, context.known(&name, u64::MAX)) {
            (CachePolicy::Fabricated, _) => Ok(fabricated_ccsidr(ctr, selector)),
            // KVM told half of it, where it told something.
            (CachePolicy::Model, None) => Err("was never read whole"),
            // With FEAT_CCIDX a guest reads 64 bits, of which KVM tells the half.
            (CachePolicy::Model, Some(raw)) if !wide_guest => {
                let wide = wide_silicon.is_some_and(|ccidx| ccidx != 0);
                narrow(raw, wide).ok_or("is larger than 32 bits can say")
            }
            (_, Some(raw)) if raw <= full_mask(4) => Ok(raw),
            (CachePolicy::Silicon | CachePolicy::Model, _) => {
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
                    Some(MADE_UP.into()),
                );
                break;
            }
        };
        push(&name, value);
    }
}

/// Where nothing hangs on the silicon's geometry.
const MADE_UP: &str = "name a baseline from \"kvm-6.3\" on, where KVM makes the cache registers up";

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

/// What KVM makes caches of those selectors up of, as a guest sees it.
fn decisive(selectors: &[u64]) -> Vec<&'static str> {
    let mut paths = vec!["CTR_EL0.IDC", "CTR_EL0.DIC"];
    if selectors.iter().any(|selector| selector & 1 == 1) {
        paths.push("CTR_EL0.IminLine");
    }
    if selectors.iter().any(|selector| selector & 1 == 0) {
        paths.push("CTR_EL0.DminLine");
    }
    paths
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
