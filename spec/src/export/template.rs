//! A CPU template of Firecracker: exact to its parser (src/vmm/src/cpu_config/aarch64/custom_cpu_template.rs and
//! templates.rs there).
//!
//! A bitmap is `0b` and a digit for each bit, the most significant first: `0`, `1`, or `x`, which leaves the bit as the
//! host has it. One with more digits than its register has bits is refused. A register that the host does not list stops
//! the VM, so that those alone are named that the report lists; one that has the lock's value already is written all the
//! same: on the wrong host, the template fails loudly.

use super::judge::Judge;
use crate::catalogue::vmm::Manner;
use crate::lock::full_mask;
use crate::plan::Step;
use crate::vm::Feature;
use serde::Serialize;
use std::collections::BTreeMap;

/// Digits of `vcpu_features`: the first word of `kvm_vcpu_init.features`.
const FEATURES: u32 = 32;
/// `KVM_ARM_VCPU_EL1_32BIT` (arch/arm64/include/uapi/asm/kvm.h), which no lock has.
const EL1_32BIT: u32 = 1;

#[derive(Serialize)]
struct Template {
    vcpu_features: [Features; 1],
    reg_modifiers: Vec<Modifier>,
}

#[derive(Serialize)]
struct Features {
    index: u32,
    bitmap: String,
}

#[derive(Serialize)]
struct Modifier {
    addr: String,
    bitmap: String,
}

/// The template.
pub(super) fn text(judge: &Judge) -> String {
    let mut registers: Vec<(u64, u64, u64)> = modified(judge)
        .into_iter()
        .map(|(id, (value, mask))| (id, value, mask))
        .collect();
    registers.sort_by_key(|(id, ..)| (turn(*id), *id));
    let modifier = |(id, value, mask)| Modifier {
        addr: format!("{id:#018x}"),
        bitmap: bitmap(value, mask, bits(id)),
    };
    let template = Template {
        vcpu_features: [features(judge)],
        reg_modifiers: registers.into_iter().map(modifier).collect(),
    };
    // Serialising plain structs with string keys cannot fail.
    let mut text = serde_json::to_string_pretty(&template).expect("texts and numbers");
    text.push('\n');
    text
}

/// Registers that the template writes, each with its value and the bits that are written.
fn modified(judge: &Judge) -> BTreeMap<u64, (u64, u64)> {
    let written = judge
        .lock
        .registers
        .iter()
        .filter(|entry| judge.is_written(entry));
    let mut out: BTreeMap<u64, (u64, u64)> = written
        .map(|entry| (entry.id, (entry.value, entry.promised())))
        .collect();
    for step in judge
        .plan
        .steps()
        .filter(|step| judge.told.carries_out(step))
    {
        if let Step::Register { id, value } = *step {
            let shown = judge.view.register(id).and_then(|r| r.value);
            // More than is promised may have to change, so that anything does.
            let changed = shown.map_or(u64::MAX, |shown| shown ^ value);
            let promised = out
                .get(&id)
                .map_or(full_mask(bits(id) as usize / 8), |(_, mask)| *mask);
            out.insert(id, (value, promised | changed));
        }
    }
    out
}

/// Features that the VMM owns stay as it has them: a secondary vCPU that loses POWER_OFF or PSCI_0_2 never starts.
fn features(judge: &Judge) -> Features {
    let mut mask = 1 << EL1_32BIT;
    let mut value = 0;
    let told = |f: &&Feature| matches!(judge.told.manner(**f), Some(Manner::Told { .. }));
    for feature in Feature::ALL.iter().filter(told) {
        let has = judge.lock.features.contains(feature);
        for bit in feature.kvm_bits() {
            mask |= 1 << bit;
            value |= u64::from(has) << bit;
        }
    }
    Features {
        index: 0,
        bitmap: bitmap(value, mask, FEATURES),
    }
}

/// The width of a register, by its id (`KVM_REG_SIZE_MASK`).
const fn bits(id: u64) -> u32 {
    8 << (id >> 52 & 0xf)
}

/// When a register is written: the kernel holds CCSIDR_EL1 against CTR_EL0 and CLIDR_EL1, and firmware registers depend on
/// no other.
fn turn(id: u64) -> u32 {
    const CTR_EL0: u64 = 0x6030_0000_0013_d801;
    const CLIDR_EL1: u64 = 0x6030_0000_0013_c801;
    match (id, id >> 16 & 0xfff) {
        (CTR_EL0, _) => 1,
        (CLIDR_EL1, _) => 2,
        (_, 0x11) => 3,
        (_, 0x14 | 0x16) => 4,
        _ => 0,
    }
}

fn bitmap(value: u64, mask: u64, bits: u32) -> String {
    let digit = |bit: u32| {
        let (value, mask) = match bit < u64::BITS {
            true => (value >> bit & 1, mask >> bit & 1),
            false => (0, 0),
        };
        match (mask, value) {
            (0, _) => 'x',
            (_, 0) => '0',
            _ => '1',
        }
    };
    let digits: String = (0..bits).rev().map(digit).collect();
    format!("0b{digits}")
}
