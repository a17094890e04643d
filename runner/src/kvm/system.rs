//! `/dev/kvm` itself.

use super::vm::Vm;
use super::{Error, Result, counted};
use kvm_bindings::{KVM_API_VERSION, KVM_CAP_ARM_VM_IPA_SIZE};
use kvm_ioctls::Kvm;
use std::fs::File;
use std::os::fd::{FromRawFd as _, IntoRawFd as _};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use vmlock_spec::machine::IPA_BITS;

/// Misc devices, and KVM among them (include/uapi/linux/major.h, include/linux/miscdevice.h).
const DEVICE: u64 = libc::makedev(10, 232);

/// An open `/dev/kvm`.
pub struct System {
    kvm: Kvm,
}

impl System {
    /// Opens `/dev/kvm` and checks its API version.
    ///
    /// # Errors
    /// The device is missing, not permitted, or not a KVM that this program knows.
    pub fn open() -> Result<Self> {
        Self::known(Kvm::new().map_err(|e| Error::new("opening /dev/kvm", e))?)
    }

    /// One that was opened by whoever started this program.
    ///
    /// # Errors
    /// It is another file; as [`System::open`].
    pub fn passed(file: File) -> Result<Self> {
        let wrong = |errno| Error {
            call: "the descriptor that was passed in is not /dev/kvm".to_owned(),
            errno,
        };
        let found = file.metadata();
        let found = found.map_err(|e| wrong(e.raw_os_error().unwrap_or(libc::EINVAL)))?;
        if !found.file_type().is_char_device() || found.rdev() != DEVICE {
            return Err(wrong(libc::ENODEV));
        }
        // SAFETY: it is /dev/kvm, and nobody else has it.
        Self::known(unsafe { Kvm::from_raw_fd(file.into_raw_fd()) })
    }

    fn known(kvm: Kvm) -> Result<Self> {
        let version = counted(kvm.get_api_version());
        if version != KVM_API_VERSION as i32 {
            return Err(Error {
                call: format!("KVM_GET_API_VERSION says {version}"),
                errno: libc::ENOSYS,
            });
        }
        Ok(Self { kvm })
    }

    /// `KVM_CHECK_EXTENSION`: 0 where the kernel does not know the capability.
    pub fn capability(&self, number: u32) -> i32 {
        counted(self.kvm.check_extension_raw(number.into())).max(0)
    }

    /// Bits of guest-physical address that a VM can have.
    pub fn ipa_bits(&self) -> u32 {
        match self.capability(KVM_CAP_ARM_VM_IPA_SIZE) {
            0 => IPA_BITS,
            bits => bits.unsigned_abs(),
        }
    }

    /// Creates a VM with so many bits of guest-physical address: never the most that a host offers, since what a guest
    /// gets behind them, and what KVM takes to build and end the VM, would be the host's.
    pub fn create_vm(&self, address_bits: u32) -> Result<Vm> {
        let vm = counted(self.kvm.create_vm_with_ipa_size(address_bits))
            .map_err(|e| Error::new("KVM_CREATE_VM", e))?;
        Ok(Vm::new(vm))
    }
}
