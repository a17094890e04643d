//! The only door to KVM: one ioctl per function, each counted, each failure
//! with the name of the call and of what it was about.
//!
//! Everything that is `unsafe` about KVM stays in this directory. Register
//! reads exist only on vCPUs that cannot have an exit pending, but for what
//! an exit leaves alone, see [`exit`] and [`vcpu`].

mod count;
mod counter;
mod exit;
mod gic;
mod open;
mod register;
mod start;
mod state;
#[cfg(feature = "torture")]
mod step;
mod system;
mod undertaker;
mod vcpu;
mod vm;

pub use count::ioctls;
pub use counter::{host_counter, host_frequency};
pub use exit::{Between, Exit, Forwarded, Mmio, Ran};
pub use gic::Gic;
pub use start::{Entry, Unstarted};
pub use state::Whole;
pub use system::System;
pub use undertaker::leave_open_vms;
pub use vcpu::{Fresh, Kick, Remains, Rest, Runnable, Settled};
pub use vm::{Slot, Vm, bury, discard};

use crate::failure::Failure;
use count::counted;
use std::fmt;

/// A call to KVM that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// The ioctl and what it was about, e.g. `KVM_SET_ONE_REG of MIDR_EL1`.
    pub call: String,
    /// The kernel's error number.
    pub errno: i32,
}

impl Error {
    fn new(call: impl Into<String>, errno: vmm_sys_util::errno::Error) -> Self {
        Self {
            call: call.into(),
            errno: errno.errno(),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: {}",
            self.call,
            std::io::Error::from_raw_os_error(self.errno)
        )
    }
}

impl std::error::Error for Error {}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::environment(format!("KVM refuses a call: {error}"), &[])
    }
}

/// The outcome of a call to KVM.
pub type Result<T> = std::result::Result<T, Error>;

/// A register's name for messages.
fn name_of(id: u64) -> String {
    match vmlock_spec::catalogue::register_by_id(id) {
        Some(register) => register.name.to_string(),
        None => format!("the unknown register {id:#018x}"),
    }
}

/// Ids of the core registers that a boot protocol sets
/// (`KVM_REG_ARM_CORE_REG`, arch/arm64/include/uapi/asm/kvm.h).
pub mod core {
    /// X0; X1 and on follow, two apart.
    pub const X0: u64 = 0x6030_0000_0010_0000;
    /// How many general-purpose registers there are, X0 to X30.
    pub const GENERAL: usize = 31;
    /// The program counter.
    pub const PC: u64 = 0x6030_0000_0010_0040;
    /// PSTATE.
    pub const PSTATE: u64 = 0x6030_0000_0010_0042;
    /// ELR_EL1.
    pub const ELR_EL1: u64 = 0x6030_0000_0010_0046;
    /// SPSR_EL1.
    pub const SPSR_EL1: u64 = 0x6030_0000_0010_0048;
    /// The virtual counter (`KVM_REG_ARM_TIMER_CNT`, whose encoding is that of CNTV_CVAL_EL0).
    pub const CNTVCT: u64 = 0x6030_0000_0013_df1a;
    /// The virtual timer's control (`KVM_REG_ARM_TIMER_CTL`).
    pub const CNTV_CTL: u64 = 0x6030_0000_0013_df19;
    /// The virtual timer's compare value (`KVM_REG_ARM_TIMER_CVAL`, whose encoding is that of CNTVCT_EL0).
    pub const CNTV_CVAL: u64 = 0x6030_0000_0013_df02;
    /// The physical counter (`KVM_REG_ARM_PTIMER_CNT`).
    pub const CNTPCT: u64 = 0x6030_0000_0013_df01;
    /// The physical timer's control (`KVM_REG_ARM_PTIMER_CTL`).
    pub const CNTP_CTL: u64 = 0x6030_0000_0013_df11;
    /// The physical timer's compare value (`KVM_REG_ARM_PTIMER_CVAL`).
    pub const CNTP_CVAL: u64 = 0x6030_0000_0013_df12;
    /// Which vCPU it is (encoding 3 0 0 0 5).
    pub const MPIDR_EL1: u64 = 0x6030_0000_0013_c005;
    /// What controls EL1 (encoding 3 0 1 0 0).
    pub const SCTLR_EL1: u64 = 0x6030_0000_0013_c080;
    /// SCTLR_EL1.EE: data is big-endian.
    pub const SCTLR_EE: u64 = 1 << 25;
    /// What the last exception was of (encoding 3 0 5 2 0).
    pub const ESR_EL1: u64 = 0x6030_0000_0013_c290;
    /// The address of a fault (encoding 3 0 6 0 0).
    pub const FAR_EL1: u64 = 0x6030_0000_0013_c300;
    /// EL1h with D, A, I and F masked.
    pub const PSTATE_BOOT: u64 = 0x3c5;
}
