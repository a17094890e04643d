//! Gives a new machine the state of a saved guest, in the one order that every kernel keeps, and reads all of it back.
//!
//! Registers, then whether a vCPU is off; then the interrupt controller. All of that comes before a vCPU is first entered.
//! The counter is written at the very end, when everybody is ready to run. Nothing is written before it is clear that all of
//! it goes over ([`vmlock_saved::carry`]).

use super::apply::Built;
use crate::failure::Failure;
use crate::gic::difference::difference;
use crate::gic::direct::Direct;
use crate::gic::view;
use crate::kvm::Fresh;
use crate::say;
use vmlock_saved::carry::{Carried, Carry, SAVED, Write, carry_to};
use vmlock_saved::owned::cleared_by;
use vmlock_saved::state::{Power, State};
use vmlock_spec::catalogue::RegisterInfo;
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::Refusal;
use vmlock_spec::reason;

/// Whether what is refused is the state of a saved guest, and not its lock.
pub fn is_of_state(refusal: &Refusal) -> bool {
    refusal.from == SAVED
}

fn refusal(name: &str, reason: String) -> Refusal {
    Refusal {
        code: reason::NOT_WRITABLE,
        name: name.to_owned(),
        wanted: "as it was saved".to_owned(),
        offered: "something else".to_owned(),
        reason,
        from: SAVED.to_owned(),
        help: vec!["restore it on the host that it was saved on, or on one with that kernel; the file is as it was".to_owned()],
    }
}

fn refused(name: &str, reason: String) -> Failure {
    Failure::Refused(vec![refusal(name, reason)])
}

fn mpidr(lock: &Lock) -> Vec<u64> {
    lock.machine.vcpus.iter().map(|vcpu| vcpu.mpidr).collect()
}

/// Gives the machine that state. None of its vCPUs has been entered.
///
/// # Errors
/// What this host does not take.
pub fn give(built: &Built, lock: &Lock, state: &State) -> Result<(), Failure> {
    let carry = planned(built, lock, state)?;
    if !carry.refusals.is_empty() {
        return Err(Failure::Refused(carry.refusals));
    }
    let mpidr = mpidr(lock);
    let kernel = Direct {
        gic: &built.gic,
        mpidr: &mpidr,
    };
    if let Some(index) = view::other_width(&state.gic, &kernel)? {
        return Err(refused(
            "ICC_CTLR_EL1",
            format!(
                "the CPU interface of vCPU {index} has other numbers of bits of priorities or INTIDs (ICC_CTLR_EL1.PRIbits, IDbits) than this host's"
            ),
        ));
    }
    for words in carry.left_behind() {
        say::note(words);
    }
    for ((vcpu, saved), carried) in built.vcpus.iter().zip(&state.vcpus).zip(&carry.vcpus) {
        for (info, write) in written(carried) {
            put(vcpu, info, write)?;
        }
        vcpu.set_off(saved.power == Power::Off)?;
    }
    view::write(&lock.gic, &state.gic, &kernel).map_err(|e| {
        refused(
            "interrupt controller",
            format!("this host does not take what its guest has set: {e}"),
        )
    })?;
    if let Some(proxy) = &built.proxy {
        proxy.restore(&state.gic);
    }
    Ok(())
}

/// How that state goes to these vCPUs.
fn planned(built: &Built, lock: &Lock, state: &State) -> Result<Carry, Failure> {
    let listed = built.vcpus.iter().map(Fresh::registers);
    let listed: Vec<Vec<u64>> = listed.collect::<Result<_, _>>()?;
    Ok(carry_to(state, lock, &listed))
}

/// What is written to a vCPU.
fn written(carried: &[Carried]) -> impl Iterator<Item = (&'static RegisterInfo, &Write)> {
    let all = carried.iter();
    all.filter_map(|one| Some((one.info, one.write.as_ref()?)))
}

/// Writes a register. Some kernels take what sets bits as what is added to them.
fn put(vcpu: &Fresh, info: &RegisterInfo, write: &Write) -> Result<(), Failure> {
    let id = info.id;
    let failed = |e: crate::kvm::Error| {
        refused(
            &info.name,
            format!("this host does not take {}: {e}", info.name),
        )
    };
    vcpu.set_bytes(id, &write.bytes).map_err(failed)?;
    let Some(other) = cleared_by(&info.name) else {
        return Ok(());
    };
    let mut wanted = [0; 8];
    wanted
        .iter_mut()
        .zip(&write.bytes)
        .for_each(|(to, from)| *to = *from);
    let too_many = vcpu.get(id)? & !u64::from_le_bytes(wanted);
    if too_many != 0 {
        vcpu.set(other.id, too_many).map_err(failed)?;
    }
    Ok(())
}

/// Everything that the machine has and should not, by name, once KVM has finalised its vCPUs.
///
/// # Errors
/// KVM's.
pub fn differences(built: &Built, lock: &Lock, state: &State) -> Result<Vec<Refusal>, Failure> {
    let mut found = Vec::new();
    let mut differs = |name: &str, words: String| found.push(refusal(name, words));
    let carry = planned(built, lock, state)?;
    for ((vcpu, saved), carried) in built.vcpus.iter().zip(&state.vcpus).zip(&carry.vcpus) {
        let index = vcpu.index();
        for (info, Write { bytes, told }) in written(carried) {
            let read = vcpu.bytes(info.id)?;
            let told = told.to_le_bytes();
            let mask = |at: usize| {
                if bytes.len() > 8 {
                    0xff
                } else {
                    told.get(at).copied().unwrap_or(0xff)
                }
            };
            let pairs = bytes.iter().zip(&read).enumerate();
            let differ = pairs
                .into_iter()
                .any(|(at, (one, other))| (one ^ other) & mask(at) != 0);
            if differ {
                let hex = |bytes: &[u8]| {
                    bytes
                        .iter()
                        .rev()
                        .map(|b| format!("{b:02x}"))
                        .collect::<String>()
                };
                let words = format!(
                    "{} of vCPU {index} reads 0x{} after it was restored, and 0x{} was saved",
                    info.name,
                    hex(&read),
                    hex(bytes)
                );
                differs(&info.name, words);
            }
        }
        if vcpu.off()? != (saved.power == Power::Off) {
            differs(
                "power",
                format!("vCPU {index} is not on or off as it was saved"),
            );
        }
    }
    let mpidr = mpidr(lock);
    let kernel = Direct {
        gic: &built.gic,
        mpidr: &mpidr,
    };
    let lines = &lock.machine.private_interrupts;
    let mut mapped = 0;
    for timer in [lines.virtual_timer, lines.physical_timer] {
        if kernel.is_mapped(timer)? {
            mapped |= 1 << timer;
        }
    }
    let read = view::read(&lock.gic, mpidr.len(), &kernel)?;
    if let Some(words) = difference(&lock.gic, &state.gic, &read, mapped) {
        let words = format!("the interrupt controller is not as it was saved: {words}");
        differs("interrupt controller", words);
    }
    Ok(found)
}
