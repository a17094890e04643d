//! Firmware calls that the runner answers in the kernel's place: pure
//! functions from a call to what the guest finds in x0 to x3.
//!
//! Which calls come here is the plan's decision (`Step::Forward`); what they
//! answer follows from the lock alone. The rest stays in the kernel, CPU_ON
//! and whatever else needs the states of vCPUs in particular, unless vCPUs begin
//! otherwise than KVM would have them: then the runner starts them (`power.rs`).

pub mod entropy;
#[cfg(target_arch = "aarch64")]
pub mod forward;
pub mod power;
pub mod psci;
pub mod pv_time;
pub mod smccc;
pub mod trng;
pub mod vendor;

/// `NOT_SUPPORTED` of every owner (SMCCC, DEN0028 section 7.1).
pub const NOT_SUPPORTED: u64 = -1i64 as u64;

/// A call, as the guest made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call {
    /// The function identifier, w0.
    pub function: u32,
    /// x1, and x2 where the function is one of [`psci::TYPED`]: no other that is answered by the lock alone has more
    /// than one.
    pub arguments: [u64; 2],
    /// Whether it came by SMC #0 instead of HVC #0.
    pub smc: bool,
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The guest goes on with these values in x0 to x3.
    Return([u64; 4]),
    /// The guest goes on with this value in x0; x1 to x3 stay as they are.
    ReturnX0(u64),
    /// The machine ends.
    End(End),
}

impl Outcome {
    /// x0, and zero in x1 to x3, as KVM does for one result.
    pub const fn one(x0: u64) -> Self {
        Outcome::Return([x0, 0, 0, 0])
    }
}

/// How a call ends the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// PSCI SYSTEM_OFF.
    Off,
    /// PSCI SYSTEM_OFF2 with HIBERNATE_OFF.
    Hibernate,
    /// PSCI SYSTEM_RESET.
    Reset,
    /// PSCI SYSTEM_RESET2.
    Reset2,
}

/// What of the world around it a call may ask for.
pub trait World {
    /// Fills the bytes with conditioned entropy; false where there is none.
    fn entropy(&mut self, bytes: &mut [u8]) -> bool;
    /// The wall clock in nanoseconds since 1970, and the guest's virtual (or
    /// physical) counter at that instant.
    fn instant(&mut self, physical: bool) -> Option<(u64, u64)>;
}
