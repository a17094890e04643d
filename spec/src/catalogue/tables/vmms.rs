//! Made of `spec/catalogue/vmms/` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use vmlock_catalogue_types::vmm::{Vmm};

mod cloud_hypervisor;
mod crosvm;
mod firecracker;
mod libvirt;
mod qemu;

/// Every virtual machine monitor that is none of ours, sorted by file.
pub static VMMS: &[Vmm] = &[
    cloud_hypervisor::CLOUD_HYPERVISOR,
    crosvm::CROSVM,
    firecracker::FIRECRACKER,
    libvirt::LIBVIRT,
    qemu::QEMU,
];
