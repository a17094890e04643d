//! The calls of the library's script, made by `kvm-ioctls`.

use super::Result;
use kvm_bindings::{RegList, kvm_create_device, kvm_device_attr, kvm_enable_cap, kvm_vcpu_init};
use kvm_ioctls::{DeviceFd, Error, Kvm, VcpuFd, VmFd};
use std::os::fd::AsRawFd;
use std::{arch::asm, ptr};
use vmlock_spec::script::{Call, Judged, Owner, Script};
use vmm_sys_util::ioctl::ioctl_with_ref;

/// What a monitor has of KVM: a VM, its vCPUs, its devices.
type Machine = (VmFd, Vec<VcpuFd>, Vec<DeviceFd>);

/// A VM is told what the script says, and asked for all that it has.
pub fn keep(script: Script<'_>) -> Result<Judged> {
    let vm = Kvm::new()?.create_vm_with_ipa_size(script.address_bits())?;
    let mut machine: Machine = (vm, Vec::new(), Vec::new());
    let mut kvm = |call: Call<'_>| make(&mut machine, call);
    let told = script.carry_out(&mut kvm)?;
    Ok(told.read_back(&mut kvm)?)
}

fn make((vm, vcpus, devices): &mut Machine, call: Call<'_>) -> Result<()> {
    match call {
        Call::Capability(cap) => {
            let rest = kvm_enable_cap::default();
            vm.enable_cap(&kvm_enable_cap { cap, ..rest })?;
        }
        Call::Vcpu(index) => vcpus.push(vm.create_vcpu(index)?),
        Call::Device(type_) => {
            let rest = kvm_create_device::default();
            devices.push(vm.create_device(&mut kvm_create_device { type_, ..rest })?);
        }
        Call::Init(vcpu, features) => {
            let mut target = kvm_vcpu_init::default();
            vm.get_preferred_target(&mut target)?;
            target.features[0] |= features;
            vcpus[vcpu].vcpu_init(&target)?;
        }
        Call::Set(vcpu, id, value) => _ = vcpus[vcpu].set_one_reg(id, &value.to_le_bytes())?,
        Call::Get(vcpu, id, bytes) => _ = vcpus[vcpu].get_one_reg(id, bytes)?,
        Call::List(vcpu, ids) => {
            let mut list = RegList::new(500)?;
            vcpus[vcpu].get_reg_list(&mut list)?;
            ids.extend(list.as_slice());
        }
        // kvm-ioctls sets the attributes of vCPUs, and does not read them.
        Call::Attribute(of, group, attr, mut value) => {
            let of = match of {
                Owner::Device(device) => devices[device].as_raw_fd(),
                Owner::Vcpu(vcpu) => vcpus[vcpu].as_raw_fd(),
            };
            let (request, value) = value.request();
            let (flags, addr) = (0, ptr::from_mut(value) as u64);
            let attribute = kvm_device_attr {
                flags,
                group,
                attr,
                addr,
            };
            // SAFETY: KVM reads and writes at most the 64 bits of `value`, which outlives the call.
            if unsafe { ioctl_with_ref(&of, request, &attribute) } != 0 {
                return Err(Error::last().into());
            }
        }
        Call::Enter(vcpu) => {
            vcpus[vcpu].set_kvm_immediate_exit(1);
            match vcpus[vcpu].run().map(drop) {
                Err(error) if error.errno() == libc::EINTR => vcpus[vcpu].set_kvm_immediate_exit(0),
                other => return Err(format!("KVM_RUN with immediate_exit: {other:?}").into()),
            }
        }
        Call::Counter(now) => {
            let ticks;
            // SAFETY: Linux lets every program read CNTVCT_EL0 (its vDSO does).
            unsafe { asm!("isb", "mrs {}, cntvct_el0", out(reg) ticks) };
            *now = ticks;
        }
    }
    Ok(())
}
