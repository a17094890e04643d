//! Puts kernel, initial RAM file system and device tree where the guest looks
//! for them (Documentation/arch/arm64/booting.rst).

use super::image::{self, Header, Room};
use super::memory::Memory;
#[cfg(target_arch = "aarch64")]
use crate::enforce::verify::Verified;
use crate::failure::Failure;
use crate::files;
#[cfg(target_arch = "aarch64")]
use crate::kvm::core;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
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

#[cfg(target_arch = "aarch64")]
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

/// A file with the number of its bytes.
fn open(what: &str, path: &Path) -> Result<(File, u64), Failure> {
    let file = files::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size, file) = file.map_err(|e| unusable(what, path, &e.to_string()))?;
    Ok((file, size))
}

fn unusable(what: &str, path: &Path, why: &str) -> Failure {
    Failure::environment(
        format!("the {what} `{}` cannot be used: {why}", path.display()),
        &["the paths in a lock are relative to the lock's own directory"],
    )
}

fn load_kernel(lock: &Lock, path: &Path, memory: &Memory, fdt: Range) -> Result<Range, Failure> {
    let (file, size) = open("kernel", path)?;
    let room = Room {
        base: machine::KERNEL_BASE,
        fdt,
    };
    let runs = |header: &Header| granule(lock, header.page_kib).map_or(Ok(()), Err);
    image::load(file, size, memory, room, runs).map_err(|e| unusable("kernel", path, &e))
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
    let (mut file, size) = open("initial RAM file system", path)?;
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
    match memory.fill(base, &mut file, size) {
        Ok(count) if count == size => Ok(place),
        Err(error) if error.kind() != ErrorKind::FileTooLarge => Err(bad(&error.to_string())),
        _ => Err(bad("it changed while it was being read")),
    }
}

/// The directory that a lock's paths are relative to.
pub fn directory(lock: &Path) -> PathBuf {
    match lock.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{env, fs, process};
    use vmlock_spec::lock::canonical;

    /// A folder of its own, gone with the test.
    struct Place(PathBuf);

    impl Place {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("vmlock-boot-{}-{name}", process::id()));
            fs::create_dir_all(&path).expect("the temporary directory takes files");
            Self(path)
        }

        fn file(&self, name: &str, size: u64) {
            let file = File::create(self.0.join(name)).and_then(|f| f.set_len(size));
            file.expect("the temporary directory takes files");
        }
    }

    impl Drop for Place {
        fn drop(&mut self) {
            // What is left behind is left in the temporary directory.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    const MEMORY: Range = Range {
        base: 0x4000_0000,
        size: 64 << 20,
    };
    const FDT: Range = Range {
        base: 0x4000_0000,
        size: 0x1_0000,
    };
    const KERNEL: Range = Range {
        base: 0x4020_0000,
        size: 0x10_0000,
    };

    fn words(failure: Failure) -> String {
        match failure {
            Failure::Environment(trouble) => trouble.message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_initial_ram_file_system_lies_at_the_end_of_memory_or_is_refused() {
        let place = Place::new("initrd");
        let memory = Memory::new(MEMORY).expect("64 MiB are available");
        place.file("fits", 5000);
        place.file("empty", 0);
        place.file("huge", 1 << 42);
        let load = |name: &str| load_initrd(&place.0.join(name), &memory, KERNEL, FDT);
        let end = MEMORY.base + MEMORY.size;
        let fits = load("fits").expect("it fits");
        assert_eq!((fits.base, fits.size), (end - 0x2000, 5000));
        assert_eq!(load("empty").expect("it fits").size, 0);
        assert!(words(load("huge").expect_err("too large")).contains("no room"));
        assert!(words(load("none").expect_err("not there")).contains("No such file"));
        assert!(words(load(".").expect_err("a folder")).contains("it is a folder"));
    }

    #[test]
    fn a_kernel_that_is_none_is_named_and_nothing_is_waited_for() {
        let place = Place::new("kernel");
        let memory = Memory::new(MEMORY).expect("64 MiB are available");
        let text = include_str!("../../../examples/modern.vm.lock.json");
        let lock = canonical::parse(text).expect("it is a lock");
        place.file("holes", 1 << 42);
        let made = process::Command::new("mkfifo")
            .arg(place.0.join("fifo"))
            .status();
        assert!(made.expect("a system has it").success());
        for (name, said) in [
            ("holes", "no arm64 `Image`"),
            ("fifo", "it is a pipe"),
            ("/dev/zero", "it is a device"),
            (".", "it is a folder"),
        ] {
            let loaded = load_kernel(&lock, &place.0.join(name), &memory, FDT);
            let words = words(loaded.expect_err("it is no kernel"));
            assert!(words.contains(said), "{words}");
        }
    }
}
