//! vCPUs, as types that say what may be done with them.
//!
//! * [`Fresh`]: has never run a guest instruction. Registers can be read and written.
//! * [`Runnable`]: may have an exit that KVM has yet to complete (an MMIO
//!   read whose value is not in its register yet). There is no way to read a
//!   register of one.
//! * [`Settled`]: every exit is completed, no instruction is under way. Registers
//!   can be read again, for as long as it does not run. [`Between`](super::exit::Between) is the same of one that an exit lends.
//! * [`Remains`]: of one that does not run any more, for words about its end. Whether its last exit was served, nobody knows.
//!
//! KVM has no capability that tells which exits need completion
//! (Documentation/virt/kvm/api.rst section 5 names them in prose), so settling
//! always enters KVM_RUN with `immediate_exit` set until that is what ends it.

use super::exit::{Between, Exit, decode, enter_immediately, run};
use super::open::Open;
use super::register::{get, is_zero, set};
use super::{Error, Result, core, counted, host_counter};
use crate::kick::kick;
use kvm_bindings::{
    KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_FILTER, KVM_ARM_VCPU_PMU_V3_INIT,
    KVM_ARM_VCPU_PMU_V3_IRQ, KVM_ARM_VCPU_POWER_OFF, KVM_ARM_VCPU_PSCI_0_2,
    KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, KVM_ARM_VCPU_SVE, KVM_ARM_VCPU_TIMER_CTRL,
    KVM_ARM_VCPU_TIMER_IRQ_PTIMER, KVM_ARM_VCPU_TIMER_IRQ_VTIMER, KVM_EXIT_UNKNOWN,
    KVM_PMU_EVENT_DENY, KVMIO, kvm_device_attr, kvm_pmu_event_filter, kvm_reg_list, kvm_run,
    kvm_vcpu_events, kvm_vcpu_init,
};
use kvm_ioctls::VcpuFd;
use std::cell::Cell;
use std::sync::Arc;
use vmlock_spec::vm::Feature;
use vmm_sys_util::ioctl::{ioctl_with_mut_ptr, ioctl_with_ref};
use vmm_sys_util::signal::register_signal_handler;
use vmm_sys_util::{ioctl_iow_nr, ioctl_iowr_nr};

// kvm-ioctls caps the list at 500 registers, which hosts are free to exceed.
ioctl_iowr_nr!(KVM_GET_REG_LIST, KVMIO, 0xb0, kvm_reg_list);
// kvm-ioctls reads the attributes of devices, not those of vCPUs.
ioctl_iow_nr!(KVM_GET_DEVICE_ATTR, KVMIO, 0xe2, kvm_device_attr);

/// `KVM_REG_ARM64_SVE_VLS` (arch/arm64/include/uapi/asm/kvm.h): 512 bits, one for each length.
const VECTOR_LENGTHS: u64 = 0x6060_0000_0015_ffff;
const VECTOR_LENGTHS_BYTES: usize = 64;

/// Most exits that settling serves before it gives up: one MMIO instruction
/// is at most a few pieces.
const SETTLE_LIMIT: u32 = 64;

/// Registers that a first KVM_GET_REG_LIST has room for: 5.10 lists 312, later kernels fewer.
const LIST_GUESS: usize = 384;

/// `KVM_ARM_VCPU_INIT` with PSCI and the given features; all vCPUs but the first wait for CPU_ON.
pub(super) fn initialise(
    fd: &VcpuFd,
    index: u32,
    target: &kvm_vcpu_init,
    features: &[Feature],
) -> Result<()> {
    let mut init = *target;
    init.features[0] |= 1 << KVM_ARM_VCPU_PSCI_0_2;
    if index != 0 {
        init.features[0] |= 1 << KVM_ARM_VCPU_POWER_OFF;
    }
    for feature in features {
        for bit in feature.kvm_bits() {
            init.features[0] |= 1 << bit;
        }
    }
    counted(fd.vcpu_init(&init))
        .map_err(|e| Error::new(format!("KVM_ARM_VCPU_INIT of vCPU {index}"), e))
}

/// Every register id that KVM lists for a vCPU, ascending.
pub(super) fn list(fd: &VcpuFd) -> Result<Vec<u64>> {
    // Where the first guess is too small, E2BIG carries the number.
    let mut list = vec![0u64; 1 + LIST_GUESS];
    list[0] = LIST_GUESS as u64;
    // The list can in theory grow between two calls, so there is a loop.
    for _ in 0..4 {
        // SAFETY: `list[0]` says how many ids fit behind it
        // (struct kvm_reg_list), and exactly that many do.
        let result =
            counted(unsafe { ioctl_with_mut_ptr(fd, KVM_GET_REG_LIST(), list.as_mut_ptr()) });
        if result == 0 {
            let count = usize::try_from(list[0]).unwrap_or(0);
            list.remove(0);
            list.truncate(count);
            list.sort_unstable();
            return Ok(list);
        }
        let error = vmm_sys_util::errno::Error::last();
        if error.errno() != libc::E2BIG || list[0] > 1 << 16 {
            return Err(Error::new("KVM_GET_REG_LIST", error));
        }
        let count = list[0];
        list = vec![0u64; 1 + count as usize];
        list[0] = count;
    }
    Err(Error {
        call: "KVM_GET_REG_LIST".to_owned(),
        errno: libc::E2BIG,
    })
}

/// A vCPU that has never run a guest instruction.
pub struct Fresh {
    pub(super) fd: VcpuFd,
    index: u32,
    // After `fd`: the VM, and with it the guest's memory, goes last.
    vm: Arc<Open>,
}

impl Fresh {
    pub(super) fn new(fd: VcpuFd, index: u32, vm: Arc<Open>) -> Self {
        Self { fd, index, vm }
    }

    /// The vCPU's index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// `KVM_ARM_VCPU_INIT` with PSCI and the given features; all vCPUs but the
    /// first wait for CPU_ON.
    pub fn initialise(&self, target: &kvm_vcpu_init, features: &[Feature]) -> Result<()> {
        initialise(&self.fd, self.index, target, features)
    }

    /// The SVE vector lengths of a vCPU that has SVE, in bits, ascending.
    pub fn vector_lengths(&self) -> Result<Vec<u32>> {
        let mut set = [0u8; VECTOR_LENGTHS_BYTES];
        counted(self.fd.get_one_reg(VECTOR_LENGTHS, &mut set))
            .map_err(|e| Error::new("KVM_GET_ONE_REG of KVM_REG_ARM64_SVE_VLS", e))?;
        // The bit number is the length in units of 128 bits, less one.
        let bits = (0u32..).zip(set).flat_map(|(byte, bits)| {
            let set = move |bit: &u32| bits >> bit & 1 == 1;
            (0..8).filter(set).map(move |bit| 8 * byte + bit)
        });
        Ok(bits.map(|bit| 128 * (bit + 1)).collect())
    }

    /// Gives a vCPU that has SVE these vector lengths, in bits, and no others;
    /// only before [`Fresh::finalise_vectors`].
    pub fn set_vector_lengths(&self, lengths: &[u32]) -> Result<()> {
        let mut set = [0u8; VECTOR_LENGTHS_BYTES];
        for length in lengths {
            let bit = (length / 128).saturating_sub(1) as usize;
            if let Some(byte) = set.get_mut(bit / 8) {
                *byte |= 1 << (bit % 8);
            }
        }
        counted(self.fd.set_one_reg(VECTOR_LENGTHS, &set))
            .map(|_| ())
            .map_err(|e| Error::new("KVM_SET_ONE_REG of KVM_REG_ARM64_SVE_VLS", e))
    }

    /// Ends the configuration of SVE (`KVM_ARM_VCPU_FINALIZE`), without which
    /// a vCPU that has it neither lists registers nor runs.
    pub fn finalise_vectors(&self) -> Result<()> {
        let feature = KVM_ARM_VCPU_SVE as i32;
        counted(self.fd.vcpu_finalize(&feature))
            .map_err(|e| Error::new("KVM_ARM_VCPU_FINALIZE of SVE", e))
    }

    /// Every register id that KVM lists for this vCPU, ascending.
    pub fn registers(&self) -> Result<Vec<u64>> {
        list(&self.fd)
    }

    /// Reads a register of at most 64 bits.
    pub fn get(&self, id: u64) -> Result<u64> {
        get(&self.fd, id)
    }

    /// Whether every bit of a register of any width is zero.
    pub fn is_zero(&self, id: u64) -> Result<bool> {
        is_zero(&self.fd, id)
    }

    /// Writes a register of at most 64 bits; bits beyond its width must be zero.
    pub fn set(&self, id: u64, value: u64) -> Result<()> {
        set(&self.fd, id, value)
    }

    fn attribute<T>(group: u32, attr: u32, value: Option<&T>) -> kvm_device_attr {
        let addr = value.map_or(0, |v| std::ptr::from_ref(v) as u64);
        kvm_device_attr {
            group,
            attr: attr.into(),
            addr,
            flags: 0,
        }
    }

    /// Whether PMU events can be hidden.
    pub fn has_event_filter(&self) -> bool {
        let attribute =
            Self::attribute::<u32>(KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_FILTER, None);
        counted(self.fd.has_device_attr(&attribute)).is_ok()
    }

    /// Whether the vCPU can be given a stolen-time structure.
    pub fn has_stolen_time(&self) -> bool {
        let attribute =
            Self::attribute::<u64>(KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, None);
        counted(self.fd.has_device_attr(&attribute)).is_ok()
    }

    /// Gives the vCPU its stolen-time structure (Documentation/virt/kvm/devices/vcpu.rst section 3): once, 64
    /// bytes aligned to 64, in memory that the VM has already.
    pub fn set_stolen_time(&self, address: u64) -> Result<()> {
        let attribute = Self::attribute(
            KVM_ARM_VCPU_PVTIME_CTRL,
            KVM_ARM_VCPU_PVTIME_IPA,
            Some(&address),
        );
        counted(self.fd.set_device_attr(&attribute))
            .map_err(|e| Error::new("KVM_ARM_VCPU_PVTIME_IPA", e))
    }

    /// Guest-physical address of the vCPU's stolen-time structure; all ones where it has none.
    pub fn stolen_time(&self) -> Result<u64> {
        let what = "KVM_GET_DEVICE_ATTR of KVM_ARM_VCPU_PVTIME_IPA";
        self.read_attribute(KVM_ARM_VCPU_PVTIME_CTRL, KVM_ARM_VCPU_PVTIME_IPA, what)
    }

    /// What KVM says of an attribute: of the three that are asked for, it writes
    /// 64 bits for the address and a C int for an interrupt (pvtime.c,
    /// arch_timer.c and pmu-emul.c `…_get_attr`, arch/arm64/kvm, 5.10 to 7.3).
    fn read_attribute(&self, group: u32, attr: u32, what: &str) -> Result<u64> {
        let mut value = 0u64;
        let attribute = kvm_device_attr {
            group,
            attr: attr.into(),
            addr: std::ptr::from_mut(&mut value) as u64,
            flags: 0,
        };
        // SAFETY: the kernel reads the attribute and writes at most the 64 bits of `value`, which outlives the call.
        let result =
            counted(unsafe { ioctl_with_ref(&self.fd, KVM_GET_DEVICE_ATTR(), &attribute) });
        match result {
            // A C int fills the lower half of what was zero: the machine is little-endian.
            0 => Ok(value),
            _ => Err(Error::new(what, vmm_sys_util::errno::Error::last())),
        }
    }

    /// Which private interrupts the virtual and the physical timer raise.
    pub fn timer_interrupts(&self) -> Result<(u64, u64)> {
        let read = |which| {
            let what = "reading back a timer's interrupt";
            self.read_attribute(KVM_ARM_VCPU_TIMER_CTRL, which, what)
        };
        Ok((
            read(KVM_ARM_VCPU_TIMER_IRQ_VTIMER)?,
            read(KVM_ARM_VCPU_TIMER_IRQ_PTIMER)?,
        ))
    }

    /// Which private interrupt a PMU overflow raises; only once it was set.
    pub fn pmu_interrupt(&self) -> Result<u64> {
        let what = "reading back the PMU's interrupt";
        self.read_attribute(KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, what)
    }

    /// Which private interrupts the timers raise, on every vCPU of the VM.
    pub fn set_timer_interrupts(&self, virtual_timer: u32, physical_timer: u32) -> Result<()> {
        for (which, intid) in [
            (KVM_ARM_VCPU_TIMER_IRQ_VTIMER, virtual_timer),
            (KVM_ARM_VCPU_TIMER_IRQ_PTIMER, physical_timer),
        ] {
            // The kernel reads a C int.
            let attribute = Self::attribute(KVM_ARM_VCPU_TIMER_CTRL, which, Some(&intid));
            counted(self.fd.set_device_attr(&attribute))
                .map_err(|e| Error::new("setting a timer's interrupt", e))?;
        }
        Ok(())
    }

    /// Which private interrupt a PMU overflow raises.
    pub fn set_pmu_interrupt(&self, intid: u32) -> Result<()> {
        // The kernel reads a C int.
        let attribute = Self::attribute(
            KVM_ARM_VCPU_PMU_V3_CTRL,
            KVM_ARM_VCPU_PMU_V3_IRQ,
            Some(&intid),
        );
        counted(self.fd.set_device_attr(&attribute))
            .map_err(|e| Error::new("setting the PMU's interrupt", e))
    }

    /// Hides `count` PMU events from `first` on, for the whole VM. All others stay.
    pub fn deny_events(&self, first: u16, count: u16) -> Result<()> {
        let filter = kvm_pmu_event_filter {
            base_event: first,
            nevents: count,
            action: KVM_PMU_EVENT_DENY as u8,
            pad: [0; 3],
        };
        let attribute = Self::attribute(
            KVM_ARM_VCPU_PMU_V3_CTRL,
            KVM_ARM_VCPU_PMU_V3_FILTER,
            Some(&filter),
        );
        counted(self.fd.set_device_attr(&attribute))
            .map_err(|e| Error::new("setting the PMU event filter", e))
    }

    /// Finishes the PMU; its interrupt must be set and the GIC initialised.
    pub fn initialise_pmu(&self) -> Result<()> {
        let attribute =
            Self::attribute::<u32>(KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, None);
        counted(self.fd.set_device_attr(&attribute))
            .map_err(|e| Error::new("KVM_ARM_VCPU_PMU_V3_INIT", e))
    }

    /// Makes KVM do everything that it does before the first guest
    /// instruction, without running one: on entry with `immediate_exit` the
    /// kernel first finalises the vCPU and then returns EINTR
    /// (arch/arm64/kvm/arm.c `kvm_arch_vcpu_ioctl_run`, 5.10 to 7.3).
    pub fn finalise(&mut self) -> Result<()> {
        enter_immediately(&mut self.fd)?;
        Ok(())
    }

    /// From here on the vCPU runs the guest.
    pub fn release(self) -> Runnable {
        Runnable {
            fd: self.fd,
            _vm: self.vm,
        }
    }
}

/// A vCPU that runs the guest.
pub struct Runnable {
    pub(super) fd: VcpuFd,
    // After `fd`: the VM, and with it the guest's memory, goes last.
    _vm: Arc<Open>,
}

impl Runnable {
    /// Runs the guest until something has to be done for it. An MMIO read
    /// is answered by filling in its data and calling `run` again.
    ///
    /// # Errors
    /// KVM_RUN failed: the VM is beyond use.
    pub fn run(&mut self) -> Result<Exit<'_>> {
        run(&mut self.fd)
    }

    /// Answers the access that ended [`Runnable::run`] with a synchronous external abort, instead of serving it. What
    /// the guest finds in FAR_EL1 is the address that it used, or `far`.
    ///
    /// KVM completes an access where `exit_reason` says that there is one (arch/arm64/kvm/arm.c
    /// `kvm_arch_vcpu_ioctl_run`, 5.10 to 7.3), and it would complete it after the abort was injected. So nothing says
    /// so any more: the register keeps its value and the exception names the instruction itself, which the witness
    /// sees on each host.
    ///
    /// # Errors
    /// KVM's.
    pub fn abort(&mut self, far: Option<u64>) -> Result<()> {
        self.fd.get_kvm_run().exit_reason = KVM_EXIT_UNKNOWN;
        let mut events = kvm_vcpu_events::default();
        events.exception.ext_dabt_pending = 1;
        counted(self.fd.set_vcpu_events(&events))
            .map_err(|e| Error::new("KVM_SET_VCPU_EVENTS of an external abort", e))?;
        if let Some(far) = far {
            counted(self.fd.set_one_reg(core::FAR_EL1, &far.to_le_bytes()))
                .map_err(|e| Error::new("KVM_SET_ONE_REG of FAR_EL1", e))?;
        }
        Ok(())
    }

    /// Has the guest read this in CNTVCT_EL0, on all vCPUs, and count on from there; what it reads instead, where KVM took
    /// it and nothing came of it. From 6.4 on there are VMs whose counters KVM leaves as they are and says nothing
    /// (`KVM_ARM_SET_COUNTER_OFFSET`).
    ///
    /// # Errors
    /// KVM's.
    pub fn set_counter(&self, value: u64) -> Result<Option<u64>> {
        let before = host_counter();
        set(&self.fd, core::CNTVCT, value)?;
        let read = get(&self.fd, core::CNTVCT)?;
        let passed = host_counter().wrapping_sub(before);
        Ok((read.wrapping_sub(value) > passed).then_some(read))
    }

    /// Completes what is pending, without running a further instruction. What that asks for (the rest of an access that
    /// KVM takes to pieces) is to be served as any exit is, and then this is to be called again.
    ///
    /// # Errors
    /// KVM_RUN failed: the VM is beyond use.
    pub fn settle(&mut self) -> Result<Rest<'_>> {
        match enter_immediately(&mut self.fd)? {
            true => Ok(Rest::Settled(Settled { fd: &mut self.fd })),
            false => Ok(Rest::Exit(decode(&mut self.fd))),
        }
    }

    /// What is left of one that will not run any more: nobody serves it, and reads that still come are answered with zero.
    ///
    /// # Errors
    /// KVM_RUN failed, or the exits do not come to an end.
    pub fn post_mortem(&mut self) -> Result<Remains<'_>> {
        for _ in 0..SETTLE_LIMIT {
            if enter_immediately(&mut self.fd)? {
                return Ok(Remains { fd: &self.fd });
            }
            if let Exit::Mmio(mut mmio) = decode(&mut self.fd)
                && !mmio.is_write
            {
                mmio.data().fill(0);
            }
        }
        Err(Error {
            call: "completing the exits of a vCPU".to_owned(),
            errno: libc::ELOOP,
        })
    }
}

/// What settling a vCPU came to.
pub enum Rest<'a> {
    /// Nothing is pending any more.
    Settled(Settled<'a>),
    /// There is more to be served before.
    Exit(Exit<'a>),
}

/// A vCPU between two instructions, with nothing pending. It does not run while it is one.
pub struct Settled<'a> {
    pub(super) fd: &'a mut VcpuFd,
}

impl Settled<'_> {
    /// Reads a register of at most 64 bits.
    pub fn get(&self, id: u64) -> Result<u64> {
        get(self.fd, id)
    }

    /// The vCPU, to be lent: who lends it puts back what changes of it.
    pub fn between(&mut self) -> Between<'_> {
        Between { fd: self.fd }
    }
}

/// What is left of a vCPU that does not run any more, and whose exits nobody served: it tells where it ended, and is no state
/// of a guest.
pub struct Remains<'a> {
    fd: &'a VcpuFd,
}

impl Remains<'_> {
    /// Reads a register of at most 64 bits.
    pub fn get(&self, id: u64) -> Result<u64> {
        get(self.fd, id)
    }
}

thread_local! {
    /// `kvm_run.immediate_exit` of the vCPU that this thread runs.
    static IMMEDIATE_EXIT: Cell<*mut u8> = const { Cell::new(std::ptr::null_mut()) };
}

/// Makes this thread's KVM_RUN return when the kick signal comes, also when it
/// comes just before KVM_RUN is entered. Lasts as long as the value lives.
pub struct Kick {
    _private: (),
}

impl Kick {
    /// Installs the signal's handler; once per process is enough.
    pub fn install() -> Result<()> {
        register_signal_handler(kick(), on_kick)
            .map_err(|e| Error::new("installing the kick signal", e))
    }

    /// What kicks this thread, to be called on others. A thread that has ended
    /// is not there to be kicked, and the call does nothing.
    pub fn this_thread() -> Box<dyn Fn() + Send> {
        // SAFETY: neither call takes a pointer or can fail.
        let (process, thread) = unsafe { (libc::getpid(), libc::syscall(libc::SYS_gettid)) };
        Box::new(move || {
            // SAFETY: plain numbers; the handler that runs there is `on_kick`.
            let _ = unsafe { libc::syscall(libc::SYS_tgkill, process, thread, kick()) };
        })
    }

    /// This thread runs that vCPU from now on. The value must not outlive the
    /// vCPU, which is why it borrows nothing but is made and dropped by
    /// [`Runnable::on_this_thread`] alone.
    fn arm(run: &mut kvm_run) -> Self {
        IMMEDIATE_EXIT.set(&raw mut run.immediate_exit);
        Self { _private: () }
    }
}

impl Drop for Kick {
    fn drop(&mut self) {
        IMMEDIATE_EXIT.set(std::ptr::null_mut());
    }
}

impl Runnable {
    /// Lets `work` run the vCPU on this thread, open to kicks.
    pub fn on_this_thread<T>(mut self, work: impl FnOnce(&mut Self) -> T) -> (Self, T) {
        let kick = Kick::arm(self.fd.get_kvm_run());
        let result = work(&mut self);
        drop(kick);
        (self, result)
    }
}

/// Only touches a thread-local without destructor and one byte: safe in a
/// signal handler.
extern "C" fn on_kick(
    _signal: libc::c_int,
    _info: *mut libc::siginfo_t,
    _context: *mut libc::c_void,
) {
    let flag = IMMEDIATE_EXIT.get();
    if !flag.is_null() {
        // SAFETY: `on_this_thread` keeps the vCPU, and with it the mapping of
        // its kvm_run, alive while the pointer is set, and this thread is
        // the one that set it. The write is volatile because the kernel reads it.
        unsafe { flag.write_volatile(1) };
    }
}
