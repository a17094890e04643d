//! Puts kernel, initial RAM file system and device tree where the guest looks
//! for them (Documentation/arch/arm64/booting.rst).

use super::image::{self, HEADER};
use super::memory::Memory;
use crate::enforce::verify::Verified;
use crate::failure::Failure;
use crate::files;
use crate::kvm::core;
use linux_loader::loader::KernelLoader;
use linux_loader::loader::pe::PE;
use std::fs::File;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use vm_memory::GuestAddress;
use vmlock_spec::lock::{Lock, Range};
use vmlock_spec::machine;

const PAGE: u64 = 0x1000;
/// The kernel's own mapping must reach the initial RAM file system: both lie
/// within 32 GiB, and 16 keeps clear of every alignment of that window.
const INITRD_WINDOW: u64 = 16 << 30;

/// Where the guest begins.
pub struct Entry {
    kernel: u64,
    fdt: u64,
}

impl Entry {
    /// Sets the boot vCPU's registers: MMU off, interrupts masked, the device
    /// tree in x0.
    ///
    /// # Errors
    /// KVM refuses.
    pub fn set(&self, machine: &Verified) -> Result<(), Failure> {
        let Some(vcpu) = machine.boot_vcpu() else {
            return Err(Failure::environment("the lock's machine has no vCPU", &[]));
        };
        vcpu.set(core::PC, self.kernel)?;
        vcpu.set(core::X0, self.fdt)?;
        vcpu.set(core::PSTATE, core::PSTATE_BOOT)?;
        Ok(())
    }
}

/// Loads what the lock says into memory.
///
/// # Errors
/// A file that is missing, lies about itself or does not fit.
pub fn load(lock: &Lock, directory: &Path, memory: &Memory) -> Result<Entry, Failure> {
    let Some(boot) = &lock.boot else {
        return Err(Failure::environment(
            "this lock names no kernel, so there is nothing to start",
            &[
                "add `boot kernel=\"…\"` to the spec and lock it again",
                "or prove the host with `vmlock-run audit`",
            ],
        ));
    };
    let mut fdt = lock.device_tree.bytes.clone();
    let tree = Range {
        base: lock.device_tree.base,
        size: fdt.len() as u64,
    };
    if tree.base < memory.range().base
        || tree
            .end()
            .is_none_or(|e| memory.range().end().is_none_or(|m| e > m))
    {
        return Err(Failure::environment(
            format!(
                "the device tree of {} bytes does not fit at {:#x}",
                tree.size, tree.base
            ),
            &["lock the spec again, with more memory"],
        ));
    }
    let kernel = load_kernel(lock, &directory.join(&boot.kernel.path), memory, tree)?;
    if let Some(initrd) = &boot.initrd {
        let range = load_initrd(&directory.join(&initrd.path), memory, kernel, tree)?;
        let end = range.base + range.size;
        machine::patch_initrd(&mut fdt, range.base, end)
            .map_err(|words| Failure::environment(words, &["lock the spec again"]))?;
    }
    memory.write(tree.base, &fdt).map_err(|e| {
        Failure::environment(
            format!("the device tree does not fit into the guest: {e}"),
            &[],
        )
    })?;
    Ok(Entry {
        kernel: kernel.base,
        fdt: tree.base,
    })
}

fn open(what: &str, path: &Path) -> Result<File, Failure> {
    files::open(path).map_err(|e| unusable(what, path, &e.to_string()))
}

fn unusable(what: &str, path: &Path, why: &str) -> Failure {
    Failure::environment(
        format!("the {what} `{}` cannot be used: {why}", path.display()),
        &["the paths in a lock are relative to the lock's own directory"],
    )
}

fn load_kernel(lock: &Lock, path: &Path, memory: &Memory, fdt: Range) -> Result<Range, Failure> {
    let bad = |why: &str| unusable("kernel", path, why);
    let mut file = image::open(open("kernel", path)?, memory.range().size).map_err(|e| bad(&e))?;
    let mut bytes = [0; HEADER];
    file.read_exact(&mut bytes)
        .map_err(|_| bad("it is shorter than an image's header of 64 bytes"))?;
    let header = image::header(&bytes).map_err(|e| bad(&e))?;
    if let Some(why) = granule(lock, header.page_kib) {
        return Err(bad(&why));
    }
    let size = file
        .seek(std::io::SeekFrom::End(0))
        .map_err(|e| bad(&e.to_string()))?;
    let range = header
        .place(size, machine::KERNEL_BASE, memory.range(), fdt)
        .map_err(|e| bad(&e))?;
    let base = Some(GuestAddress(machine::KERNEL_BASE));
    let loaded =
        PE::load(memory.backend(), base, &mut file, None).map_err(|e| bad(&e.to_string()))?;
    // The loader reads the same header; two readings must agree.
    if loaded.kernel_load.0 != range.base {
        return Err(bad("it changed while it was being read"));
    }
    Ok(range)
}

/// Why the locked CPU cannot run a kernel with pages of that size, if it cannot
/// (ID_AA64MMFR0_EL1.TGran4, TGran16, TGran64; Arm ARM DDI 0487).
fn granule(lock: &Lock, page_kib: u32) -> Option<String> {
    let (field, absent) = match page_kib {
        4 => ("TGran4", 0xf),
        16 => ("TGran16", 0),
        64 => ("TGran64", 0xf),
        _ => return None,
    };
    let info = vmlock_spec::catalogue::register_by_name("ID_AA64MMFR0_EL1")?;
    let entry = lock.registers.iter().find(|r| r.id == info.id)?;
    (info.field(field)?.get(entry.value) == absent).then(|| {
        format!("it uses pages of {page_kib} KiB, and the locked CPU has none (ID_AA64MMFR0_EL1.{field})")
    })
}

fn load_initrd(path: &Path, memory: &Memory, kernel: Range, fdt: Range) -> Result<Range, Failure> {
    let bad = |why: &str| unusable("initial RAM file system", path, why);
    let mut file = open("initial RAM file system", path)?;
    let size = file
        .seek(std::io::SeekFrom::End(0))
        .map_err(|e| bad(&e.to_string()))?;
    file.rewind().map_err(|e| bad(&e.to_string()))?;
    let range = memory.range();
    let top = range.size.min(INITRD_WINDOW) + range.base;
    let base = top.checked_sub(size).map_or(0, |base| base & !(PAGE - 1));
    let place = Range { base, size };
    if base < kernel.base + kernel.size || place.overlaps(&fdt) {
        return Err(bad(&format!(
            "it has {} KiB, and the guest's {} MiB of memory have no room for it beside the kernel",
            size.div_ceil(1024),
            range.size >> 20
        )));
    }
    memory
        .read_file(base, &mut file, size as usize)
        .map_err(|e| bad(&e))?;
    Ok(place)
}

/// The directory that a lock's paths are relative to.
pub fn directory(lock: &Path) -> PathBuf {
    match lock.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
