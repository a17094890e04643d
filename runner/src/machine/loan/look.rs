//! A vCPU of a guest at rest, lent to the witness, which looks at what the guest would see and drives nothing.
//!
//! What it reads is for `vmlock_wire::living` to say. Its code, its stack and what it writes down are in memory that the
//! guest has only while the vCPU is lent, where its machine has nothing. All that KVM lists of the vCPU is read before, put
//! back where it is another one afterwards, and read once more: a vCPU that is not what it was does not run on.

use super::lend::{MDSCR_EL1, SCTLR_EL1, SCTLR_OFF};
use crate::failure::Failure;
use crate::firmware::forward::{Firmware, Reply};
use crate::hold::barrier::Lost;
use crate::kvm::{Error, Forwarded, Mmio, Ran, Result, Settled, Slot, Vm, Whole, core};
use crate::memory::Memory;
use std::sync::Arc;
use std::time::{Duration, Instant};
use vmlock_spec::catalogue::register_by_id;
use vmlock_spec::lock::{Lock, Range};
use vmlock_spec::observation::wire::AreaHeader;
use vmlock_spec::observation::wire::living::{AREA, AREA_SIZE, BASE, PORT, SIZE};

static IMAGE: &[u8] = include_bytes!("../../../witness/living.bin");

/// How long a look at one vCPU may take. Who waits for it kicks the vCPU then.
pub const LIMIT: Duration = Duration::from_secs(30);

/// All that is used of the machine's addresses: the memory, and a page of the largest size for the port behind it.
const USED: Range = Range {
    base: BASE,
    size: PORT - BASE + 0x1_0000,
};

/// ISTATUS of CNTV_CTL_EL0 and CNTP_CTL_EL0, which the counter sets.
const ISTATUS: u8 = 1 << 2;

/// From where the vCPUs of a machine are looked from.
pub struct Lookout {
    memory: Arc<Memory>,
    slot: Slot,
    /// Where the distributor is.
    distributor: u64,
    /// And the redistributor of each vCPU.
    redistributors: Vec<u64>,
}

/// Who answers the witness where a guest is answered by the runner.
pub struct Answers<'a> {
    /// Calls that are forwarded, if any are.
    pub firmware: Option<&'a Firmware>,
    /// Accesses to the interrupt controller; others are given back.
    pub frames: &'a dyn for<'m> Fn(Mmio<'m>) -> Result<Option<Mmio<'m>>>,
}

/// Whether two ranges have an address in common.
fn overlap(one: Range, other: Range) -> bool {
    let end = |range: Range| range.end().unwrap_or(u64::MAX);
    one.base < end(other) && other.base < end(one)
}

impl Lookout {
    /// That of a lock's machine; `None` where it has something there already.
    ///
    /// # Errors
    /// There is no memory for it.
    pub fn new(vm: &Vm, lock: &Lock) -> std::result::Result<Option<Self>, Failure> {
        let machine = &lock.machine;
        let devices = machine.devices.iter().map(|device| device.range);
        let regions = machine.redistributors.iter().copied();
        let mut all = devices
            .chain(regions)
            .chain([machine.memory, machine.distributor]);
        if all.any(|range| overlap(range, USED)) {
            return Ok(None);
        }
        let range = Range {
            base: BASE,
            size: SIZE,
        };
        let memory = Memory::sparse(range).map_err(|e| Failure::environment(e, &[]))?;
        let memory = Arc::new(memory);
        let slot = vm.slot(Arc::clone(&memory), range, false)?;
        Ok(Some(Self {
            memory,
            slot,
            distributor: machine.distributor.base,
            redistributors: machine.redistributor_frames().collect(),
        }))
    }

    /// What the witness writes down on a vCPU of this index: an area of `vmlock_wire`. Every vCPU is at rest, and stays so.
    ///
    /// # Errors
    /// The witness did not come to its end, or the vCPU could not be made what it was.
    pub fn look(
        &self,
        vcpu: &mut Settled<'_>,
        index: u32,
        answers: &Answers<'_>,
    ) -> std::result::Result<Vec<u8>, Lost> {
        let lost = |runs_on| {
            move |error: Error| Lost {
                words: error.to_string(),
                runs_on,
            }
        };
        let before = vcpu.whole(|_| true).map_err(lost(true))?;
        let own = self.redistributors.get(index as usize).copied();
        let own = own.ok_or_else(|| lost(true)(strayed("it has no redistributor")))?;
        // What stands there of an earlier look is not taken for this one.
        let written = self
            .memory
            .write(BASE, IMAGE)
            .and_then(|()| self.memory.write(AREA, &[0; size_of::<AreaHeader>()]));
        written.map_err(|words| lost(true)(strayed(&words)))?;
        self.slot.give().map_err(lost(true))?;
        let given = [index.into(), 0, self.distributor, own];
        let went = away(vcpu, &before, given, answers);
        let taken = self.slot.take();
        put_back(vcpu, &before).map_err(lost(false))?;
        taken.map_err(lost(false))?;
        went.map_err(lost(true))?;
        let area = self.memory.read(AREA, AREA_SIZE as usize);
        area.map_err(|words| lost(true)(strayed(&words)))
    }
}

/// The vCPU's part, which begins with this in x0 and on.
fn away(
    vcpu: &mut Settled<'_>,
    before: &Whole,
    given: [u64; 4],
    answers: &Answers<'_>,
) -> Result<()> {
    let mut vcpu = vcpu.between();
    if before.off {
        vcpu.set_off(false)?;
    }
    for (id, value) in [
        (core::PSTATE, core::PSTATE_BOOT),
        (core::PC, BASE),
        (SCTLR_EL1, SCTLR_OFF),
        (MDSCR_EL1, 0),
    ] {
        vcpu.set(id, value)?;
    }
    for (id, value) in (core::X0..).step_by(2).zip(given) {
        vcpu.set(id, value)?;
    }
    let begun = Instant::now();
    loop {
        let calls = |call: &Forwarded<'_>| match answers.firmware {
            Some(firmware) => Ok(matches!(firmware.serve(call)?, Reply::GoOn)),
            None => Ok(false),
        };
        let ran = vcpu.run_with(calls, answers.frames);
        match ran? {
            Ran::Wrote(PORT) => return Ok(()),
            Ran::Wrote(address) => return Err(strayed(&format!("it wrote at {address:#x}"))),
            Ran::Otherwise(words) => return Err(strayed(&words)),
            Ran::Kicked if begun.elapsed() > LIMIT => {
                return Err(strayed("it does not come to its end"));
            }
            Ran::Kicked | Ran::Answered => {}
        }
    }
}

/// What of a register is the vCPU's own doing: time goes on, and so does what counts it and what waits for it.
fn own(id: u64, bytes: &[u8]) -> Option<Vec<u8>> {
    let name = register_by_id(id).map(|register| register.name.as_ref());
    let counts = |name: &str| {
        ["CNTVCT_EL0", "CNTPCT_EL0"].contains(&name)
            || ["PMCCNTR", "PMEVCNTR", "PMXEVCNTR", "PMOVS"]
                .iter()
                .any(|start| name.starts_with(start))
    };
    if name.is_some_and(counts) {
        return None;
    }
    let mut own = bytes.to_vec();
    if matches!(id, core::CNTV_CTL | core::CNTP_CTL)
        && let Some(low) = own.first_mut()
    {
        *low &= !ISTATUS;
    }
    Some(own)
}

/// The registers that are not what they were, and what they were.
fn changed<'a>(before: &'a Whole, now: &'a Whole) -> impl Iterator<Item = (u64, &'a [u8])> {
    let pairs = before.registers.iter().zip(&now.registers);
    pairs
        .filter(|((id, was), (_, is))| own(*id, was) != own(*id, is))
        .map(|((id, was), _)| (*id, was.as_slice()))
}

/// Makes the vCPU what it was, and sees that it is.
fn put_back(vcpu: &mut Settled<'_>, before: &Whole) -> Result<()> {
    let mut lent = vcpu.between();
    // What is pending after a failure would move the guest's PC later.
    lent.complete()?;
    if before.off {
        lent.set_off(true)?;
    }
    // With the PSTATE of AArch32, KVM clears the upper halves of X0 to X14: it comes first.
    let state = before.registers.iter().find(|(id, _)| *id == core::PSTATE);
    if let Some((id, value)) = state {
        lent.set_bytes(*id, value)?;
    }
    let now = vcpu.whole(|_| true)?;
    for (id, was) in changed(before, &now) {
        vcpu.between().set_bytes(id, was)?;
    }
    let after = vcpu.whole(|_| true)?;
    let ids = |whole: &Whole| {
        whole
            .registers
            .iter()
            .map(|(id, _)| *id)
            .collect::<Vec<_>>()
    };
    if ids(before) != ids(&after) || (before.off, before.serror) != (after.off, after.serror) {
        return Err(strayed("it is not in the state that it was in"));
    }
    match changed(before, &after).next() {
        None => Ok(()),
        Some((id, _)) => {
            let name =
                register_by_id(id).map_or_else(|| format!("{id:#018x}"), |r| r.name.to_string());
            Err(strayed(&format!("{name} could not be put back")))
        }
    }
}

fn strayed(words: &str) -> Error {
    Error {
        call: format!("lending a vCPU to the witness: {words}"),
        errno: libc::EPROTO,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_and_nothing_else_does() {
        let whole = |registers: &[(u64, u64)]| Whole {
            registers: registers
                .iter()
                .map(|(id, value)| (*id, value.to_le_bytes().to_vec()))
                .collect(),
            off: false,
            serror: None,
        };
        let ids = [
            core::X0,
            core::CNTVCT,
            core::CNTV_CTL,
            core::CNTV_CVAL,
            SCTLR_EL1,
        ];
        let before = whole(&ids.map(|id| (id, 1)));
        let now = whole(&ids.map(|id| (id, 5)));
        let found: Vec<u64> = changed(&before, &now).map(|(id, _)| id).collect();
        assert_eq!(found, [core::X0, core::CNTV_CVAL, SCTLR_EL1]);
        let masked = whole(&[(core::CNTV_CTL, 3)]);
        assert_eq!(changed(&whole(&[(core::CNTV_CTL, 1)]), &masked).count(), 1);
    }
}
