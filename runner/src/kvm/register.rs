//! One register of a vCPU (`KVM_GET_ONE_REG`, `KVM_SET_ONE_REG`). Whether its value means anything is for
//! the caller to know: an exit that is not completed has a value under way.

use super::{Error, Result, counted, name_of};
use kvm_ioctls::VcpuFd;

/// Bytes of a register of at most 64 bits.
fn width(id: u64) -> Result<usize> {
    match kvm_ioctls::reg_size(id) {
        bytes @ 1..=8 => Ok(bytes),
        _ => Err(Error {
            call: format!("access to the whole of {}", name_of(id)),
            errno: libc::EINVAL,
        }),
    }
}

/// Reads a register of at most 64 bits.
pub(super) fn get(fd: &VcpuFd, id: u64) -> Result<u64> {
    let bytes = width(id)?;
    let mut data = [0u8; 8];
    counted(fd.get_one_reg(id, &mut data[..bytes]))
        .map_err(|e| Error::new(format!("KVM_GET_ONE_REG of {}", name_of(id)), e))?;
    Ok(u64::from_le_bytes(data))
}

/// Writes a register of at most 64 bits; bits beyond its width must be zero.
pub(super) fn set(fd: &VcpuFd, id: u64, value: u64) -> Result<()> {
    let bytes = width(id)?;
    let data = value.to_le_bytes();
    counted(fd.set_one_reg(id, &data[..bytes]))
        .map(|_| ())
        .map_err(|e| Error::new(format!("KVM_SET_ONE_REG of {}", name_of(id)), e))
}

/// Bytes of the widest register: `KVM_REG_SIZE_U2048`.
const WIDEST: usize = 256;

/// Reads a register of any width: its bytes, little-endian.
pub(super) fn bytes(fd: &VcpuFd, id: u64) -> Result<Vec<u8>> {
    let mut data = vec![0u8; kvm_ioctls::reg_size(id).min(WIDEST)];
    counted(fd.get_one_reg(id, &mut data))
        .map_err(|e| Error::new(format!("KVM_GET_ONE_REG of {}", name_of(id)), e))?;
    Ok(data)
}

/// Writes a register of any width.
pub(super) fn set_bytes(fd: &VcpuFd, id: u64, value: &[u8]) -> Result<()> {
    let call = || format!("KVM_SET_ONE_REG of {}", name_of(id));
    if value.len() != kvm_ioctls::reg_size(id) {
        return Err(Error {
            call: format!("{} with {} bytes", call(), value.len()),
            errno: libc::EINVAL,
        });
    }
    counted(fd.set_one_reg(id, value))
        .map(|_| ())
        .map_err(|e| Error::new(call(), e))
}

/// Whether every bit of a register of any width is zero.
pub(super) fn is_zero(fd: &VcpuFd, id: u64) -> Result<bool> {
    Ok(bytes(fd, id)?.iter().all(|byte| *byte == 0))
}
