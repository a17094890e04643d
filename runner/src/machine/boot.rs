//! Puts kernel, initial RAM file system and device tree where the guest looks
//! for them (Documentation/arch/arm64/booting.rst).

use super::image::{self, CHANGED, Header, Room};
#[cfg(target_arch = "aarch64")]
use crate::enforce::verify::Verified;
use crate::failure::Failure;
use crate::files;
use crate::firmware::entropy::Entropy;
#[cfg(target_arch = "aarch64")]
use crate::kvm::core;
use crate::memory::{Memory, sparing};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use vmlock_spec::lock::{BootFile, Lock, Range};
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
    let kernel = load_kernel(lock, &boot.kernel, directory, memory, tree)?;
    if let Some(initrd) = &boot.initrd {
        let range = load_initrd(initrd, directory, memory, kernel, tree)?;
        let end = range.base + range.size;
        machine::patch_initrd(&mut fdt, range.base, end)
            .map_err(|words| Failure::environment(words, &["lock the spec again"]))?;
    }
    if boot.kaslr_seed {
        let mut seed = [0; 8];
        if !Entropy::open().fill(&mut seed) {
            return Err(Failure::environment(
                "the host has no random numbers for `kaslr-seed`",
                &["look at /dev/random", "or leave `kaslr-seed` out of `boot`"],
            ));
        }
        machine::patch_seed(&mut fdt, seed)
            .map_err(|words| Failure::environment(words, &["lock the spec again"]))?;
    }
    sparing(tree.size, || memory.write(tree.base, &fdt)).map_err(|e| {
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

/// A file that the lock names, read once from its beginning on; where the lock has its digest, that is taken meanwhile.
struct Source {
    what: &'static str,
    path: PathBuf,
    file: File,
    size: u64,
    wanted: Option<(String, Sha256)>,
}

impl Source {
    fn open(what: &'static str, directory: &Path, named: &BootFile) -> Result<Self, Failure> {
        let path = directory.join(&named.path);
        let opened = files::open(&path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, file) = opened.map_err(|e| unusable(what, &path, &e.to_string()))?;
        let wanted = named.digest.clone().map(|digest| (digest, Sha256::new()));
        Ok(Self {
            what,
            path,
            file,
            size,
            wanted,
        })
    }

    fn bad(&self, why: &str) -> Failure {
        unusable(self.what, &self.path, why)
    }

    /// Reads what is left, and compares the digest.
    fn finish(mut self) -> Result<(), Failure> {
        if self.wanted.is_none() {
            return Ok(());
        }
        io::copy(&mut self, &mut io::sink()).map_err(|e| self.bad(&e.to_string()))?;
        let Some((wanted, digest)) = self.wanted.take() else {
            return Ok(());
        };
        let found = digest.finalize();
        let found: String = found.iter().map(|byte| format!("{byte:02x}")).collect();
        if wanted == format!("sha256-{found}") {
            return Ok(());
        }
        Err(Failure::environment(
            format!(
                "the {} `{}` is another file than the lock's: it has sha256-{found}, and the lock has {wanted}",
                self.what,
                self.path.display()
            ),
            &[
                "put the file there that the lock was made with",
                "or lock the spec again: the lock's difference then shows the new file",
            ],
        ))
    }
}

impl Read for Source {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        if let Some((_, digest)) = &mut self.wanted {
            digest.update(&buffer[..count]);
        }
        Ok(count)
    }
}

fn unusable(what: &str, path: &Path, why: &str) -> Failure {
    Failure::environment(
        format!("the {what} `{}` cannot be used: {why}", path.display()),
        &["the paths in a lock are relative to the lock's own directory"],
    )
}

fn load_kernel(
    lock: &Lock,
    named: &BootFile,
    directory: &Path,
    memory: &Memory,
    fdt: Range,
) -> Result<Range, Failure> {
    let mut file = Source::open("kernel", directory, named)?;
    let size = file.size;
    let range = sparing(size, || match named.address {
        Some(address) => {
            let mut taken = vec![(fdt, "the device tree")];
            if lock.machine.vcpus.iter().any(|v| v.stolen_time.is_some()) {
                taken.push((machine::STOLEN_TIME, "what tells of stolen time"));
            }
            image::load_flat(&mut file, size, memory, address, &taken)
        }
        None => {
            let base = machine::KERNEL_BASE;
            let runs = |header: &Header| granule(lock, header.page_kib).map_or(Ok(()), Err);
            image::load(&mut file, size, memory, Room { base, fdt }, runs)
        }
    });
    let range = range.map_err(|e| file.bad(&e))?;
    file.finish()?;
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

fn load_initrd(
    named: &BootFile,
    directory: &Path,
    memory: &Memory,
    kernel: Range,
    fdt: Range,
) -> Result<Range, Failure> {
    let mut file = Source::open("initial RAM file system", directory, named)?;
    let size = file.size;
    let range = memory.range();
    let top = range.size.min(INITRD_WINDOW) + range.base;
    let base = top.checked_sub(size).map_or(0, |base| base & !(PAGE - 1));
    let place = Range { base, size };
    if base < kernel.base + kernel.size || place.overlaps(&fdt) {
        return Err(file.bad(&format!(
            "it has {} KiB, and the guest's {} MiB of memory have no room for it beside the kernel",
            size.div_ceil(1024),
            range.size >> 20
        )));
    }
    match sparing(size, || memory.fill(base, &mut file, size)) {
        Ok(count) if count == size => {}
        Err(error) if error.kind() != ErrorKind::FileTooLarge => {
            return Err(file.bad(&error.to_string()));
        }
        _ => return Err(file.bad(CHANGED)),
    }
    file.finish()?;
    Ok(place)
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
        let load = |name: &str| load_initrd(&BootFile::at(name), &place.0, &memory, KERNEL, FDT);
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
            let loaded = load_kernel(&lock, &BootFile::at(name), &place.0, &memory, FDT);
            let words = words(loaded.expect_err("it is no kernel"));
            assert!(words.contains(said), "{words}");
        }
    }

    #[test]
    fn another_file_than_the_locks_is_refused_by_name() {
        let place = Place::new("digest");
        let memory = Memory::new(MEMORY).expect("64 MiB are available");
        let write = |bytes: &[u8]| fs::write(place.0.join("initrd"), bytes).expect("a file");
        let mut named = BootFile::at("initrd");
        // FIPS 180-4, its example of three bytes.
        let abc = "sha256-ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        named.digest = Some(abc.to_owned());
        let load = || load_initrd(&named, &place.0, &memory, KERNEL, FDT);
        write(b"abc");
        assert_eq!(load().expect("it is the lock's").size, 3);
        write(b"abd");
        let words = words(load().expect_err("it is another"));
        assert!(
            words.contains("initrd` is another file") && words.contains(abc),
            "{words}"
        );
    }

    /// What loading leaves unread belongs to a file as much as the rest.
    #[test]
    fn the_end_of_a_kernel_counts_although_nobody_unpacks_it() {
        let place = Place::new("trailer");
        let memory = Memory::new(MEMORY).expect("64 MiB are available");
        let lock = canonical::parse(include_str!("../../../examples/modern.vm.lock.json"));
        let lock = lock.expect("it is a lock");
        let mut image = vec![0; 64];
        image[56..60].copy_from_slice(b"ARM\x64");
        let mut file = image::packed::tests::gzip(&image);
        file.resize(file.len() + 1_000_000, 0);
        fs::write(place.0.join("Image.gz"), &file).expect("a file");
        let digest = |bytes: &[u8]| {
            let digest = Sha256::digest(bytes);
            let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            Some(format!("sha256-{hex}"))
        };
        let mut named = BootFile::at("Image.gz");
        named.digest = digest(&file);
        let load = |named: &BootFile| load_kernel(&lock, named, &place.0, &memory, FDT);
        assert_eq!(load(&named).expect("it is the lock's").size, 64);
        named.digest = digest(&file[1..]);
        assert!(words(load(&named).expect_err("it is another")).contains("another file"));
    }

    /// Each start has another seed, and nothing else of the tree is another.
    #[test]
    fn the_kernels_seed_is_fresh_at_each_start() {
        let place = Place::new("seed");
        let lock = canonical::parse(include_str!("../../../examples/modern.vm.lock.json"));
        let mut lock = lock.expect("it is a lock");
        let mut image = vec![0; 64];
        image[56..60].copy_from_slice(b"ARM\x64");
        fs::write(place.0.join("Image"), &image).expect("a file");
        let boot = lock.boot.as_mut().expect("it boots");
        (boot.kernel, boot.initrd) = (BootFile::at("Image"), None);
        boot.kaslr_seed = true;
        machine::describe(&mut lock);
        let tree = &lock.device_tree;
        let start = || {
            let memory = Memory::new(lock.machine.memory).expect("it is available");
            load(&lock, &place.0, &memory).expect("it is loaded");
            memory.read(tree.base, tree.bytes.len()).expect("the tree")
        };
        let starts = [start(), start()];
        assert_ne!(starts[0], starts[1]);
        for found in starts {
            let differ: Vec<usize> = (0..found.len())
                .filter(|i| found[*i] != tree.bytes[*i])
                .collect();
            let (first, last) = (
                differ.first().expect("a seed"),
                differ.last().expect("a seed"),
            );
            assert!(last - first < 8);
        }
    }
}
