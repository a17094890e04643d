//! Sends a vCPU on an errand, and puts everything back.

use super::page::{ENTRY, Errand, SIZE, STRAYED};
use crate::kvm::{Between, Error, Ran, Result, Slot, Vm, core};
use crate::machine::pause::Stopped;
use crate::memory::Memory;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vmlock_spec::lock::Range;

/// System registers that a loan changes, or an exception in it
/// (`ARM64_SYS_REG`, arch/arm64/include/uapi/asm/kvm.h).
pub(super) const SCTLR_EL1: u64 = 0x6030_0000_0013_c080;
pub(super) const MDSCR_EL1: u64 = 0x6030_0000_0013_8012;
const VBAR_EL1: u64 = 0x6030_0000_0013_c600;
const ESR_EL1: u64 = 0x6030_0000_0013_c290;

/// What is put aside beside the general-purpose registers, in the order in which it is put back: with the PSTATE of
/// AArch32, KVM clears the upper halves of X0 to X14 (`set_core_reg`, arch/arm64/kvm/guest.c, 5.10 to 7.3).
const ASIDE: [u64; 9] = [
    core::PSTATE,
    core::PC,
    core::ELR_EL1,
    core::SPSR_EL1,
    SCTLR_EL1,
    MDSCR_EL1,
    VBAR_EL1,
    ESR_EL1,
    core::FAR_EL1,
];

/// SCTLR_EL1 with the bits that are one in Armv8.0 alone: no translation, no caches, little-endian.
pub(super) const SCTLR_OFF: u64 = 0x30d0_0800;

/// How often a signal may bring a lent vCPU back before its time; more come when the process ends.
const KICKS: u32 = 64;

static LOANS: AtomicU64 = AtomicU64::new(0);

/// How often a vCPU was lent.
pub fn count() -> u64 {
    LOANS.load(Ordering::Relaxed)
}

/// Where vCPUs of a machine go when they are lent.
pub struct Ground {
    memory: Arc<Memory>,
    page: Slot,
    at: u64,
    port: u64,
    /// Guest memory that covers what an errand is to reach.
    cover: Option<Slot>,
}

impl Ground {
    /// `page` is a guest-physical address at which no memory is and the guest finds none afterwards, aligned to
    /// [`SIZE`]; at `port` there is neither memory nor a device of the kernel's. `cover` is given to the guest, and is
    /// taken from it during loans.
    ///
    /// # Errors
    /// There is no memory for the page.
    pub fn new(vm: &Vm, page: u64, port: u64, cover: Option<Slot>) -> Result<Self> {
        let range = Range {
            base: page,
            size: SIZE,
        };
        let memory = Memory::new(range).map_err(|words| Error {
            call: format!("memory for lending vCPUs: {words}"),
            errno: libc::ENOMEM,
        })?;
        let memory = Arc::new(memory);
        Ok(Self {
            page: vm.slot(Arc::clone(&memory), range, true)?,
            memory,
            at: page,
            port,
            cover,
        })
    }

    /// Sends a vCPU on an errand; what that leaves in X0 and on. The vCPU is afterwards what it was.
    ///
    /// # Errors
    /// KVM's; something else came of it than the errand; the vCPU or its memory could not be made what they were.
    /// In each case the guest must not run on.
    pub fn lend(
        &self,
        vcpu: &mut Between<'_>,
        _others: &Stopped<'_>,
        errand: &Errand,
    ) -> Result<Vec<u64>> {
        let port = errand
            .port()
            .ok_or_else(|| strayed("it has too much to do"))?;
        LOANS.fetch_add(1, Ordering::Relaxed);
        let general = (core::X0..).step_by(2).take(port + 1);
        let aside = ASIDE
            .into_iter()
            .chain(general)
            .map(|id| Ok((id, vcpu.get(id)?)))
            .collect::<Result<Vec<_>>>()?;
        let left = self.errand(vcpu, errand, port);
        let restored = put_back(vcpu, &aside);
        let left = left?;
        restored?;
        Ok(left)
    }

    /// With the memory map of a loan.
    fn errand(&self, vcpu: &mut Between<'_>, errand: &Errand, port: usize) -> Result<Vec<u64>> {
        let written = self.memory.write(self.at, &errand.page(port));
        written.map_err(|words| strayed(&words))?;
        self.page.give()?;
        let left = match self.cover.as_ref().map_or(Ok(()), Slot::take) {
            Ok(()) => {
                let left = self.away(vcpu, errand, port);
                let covered = self.cover.as_ref().map_or(Ok(()), Slot::give);
                left.and_then(|left| covered.map(|()| left))
            }
            Err(error) => Err(error),
        };
        let taken = self.page.take();
        let left = left?;
        taken?;
        Ok(left)
    }

    /// The vCPU's part.
    fn away(&self, vcpu: &mut Between<'_>, errand: &Errand, port: usize) -> Result<Vec<u64>> {
        for (id, value) in [
            (core::PSTATE, core::PSTATE_BOOT),
            (core::PC, self.at + ENTRY),
            (SCTLR_EL1, SCTLR_OFF),
            (MDSCR_EL1, 0),
            (VBAR_EL1, self.at),
            (register(port), self.port),
        ] {
            vcpu.set(id, value)?;
        }
        for (number, value) in errand.given.iter().enumerate() {
            vcpu.set(register(number), *value)?;
        }
        self.run(vcpu)?;
        (0..errand.left)
            .map(|number| vcpu.get(register(number)))
            .collect()
    }

    fn run(&self, vcpu: &mut Between<'_>) -> Result<()> {
        let strayed_port = self.port + STRAYED;
        for _ in 0..KICKS {
            match vcpu.run()? {
                Ran::Kicked | Ran::Answered => {}
                Ran::Wrote(address) if address == self.port => return Ok(()),
                Ran::Wrote(address) if address == strayed_port => {
                    let syndrome = vcpu.get(ESR_EL1)?;
                    let words = format!("it took an exception with ESR_EL1 {syndrome:#x}");
                    return Err(strayed(&words));
                }
                Ran::Wrote(address) => {
                    return Err(strayed(&format!("it wrote at {address:#x}")));
                }
                Ran::Otherwise(words) => return Err(strayed(&words)),
            }
        }
        Err(strayed("signals kept it from getting anywhere"))
    }
}

/// The id of a general-purpose register.
fn register(number: usize) -> u64 {
    core::X0 + 2 * number as u64
}

/// Puts registers back, and sees that they are.
fn put_back(vcpu: &Between<'_>, aside: &[(u64, u64)]) -> Result<()> {
    for (id, value) in aside {
        vcpu.set(*id, *value)?;
    }
    for (id, value) in aside {
        if vcpu.get(*id)? != *value {
            return Err(strayed("a register could not be put back"));
        }
    }
    Ok(())
}

fn strayed(words: &str) -> Error {
    Error {
        call: format!("lending a vCPU to its exit: {words}"),
        errno: libc::EPROTO,
    }
}
