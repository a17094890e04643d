//! Builds the witness and takes its flat image out of the ELF file: for the lab, which puts the images where `vmlock`
//! and the runner have them. They are checked in, so that who builds these needs no second toolchain.

use std::env;
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use vmlock_wire::{LOAD_ADDRESS, living};

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// What goes into an image, from the top of the checkout on: files, and folders with all that is in them.
pub const SOURCES: [&str; 11] = [
    "spec/wire/Cargo.toml",
    "spec/wire/src",
    "witness/.cargo/config.toml",
    "witness/Cargo.lock",
    "witness/Cargo.toml",
    "witness/build.rs",
    "witness/image/src",
    "witness/link.ld",
    "witness/living.ld",
    "witness/portable.ld",
    "witness/src",
];

/// Which witness is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Front {
    /// The one that the runner runs.
    Embedded,
    /// The same, and what it has for tests of interrupt controllers.
    Torture,
    /// The one that runs under any virtual machine monitor.
    Portable,
    /// The one that looks from a vCPU that a living guest has lent.
    Living,
}

impl Front {
    /// Its feature in `witness/Cargo.toml`.
    fn feature(self) -> Option<&'static str> {
        match self {
            Front::Embedded => None,
            Front::Torture => Some("torture"),
            Front::Portable => Some("portable"),
            Front::Living => Some("living"),
        }
    }

    /// The address for which it is linked.
    fn base(self) -> u64 {
        match self {
            Front::Embedded | Front::Torture => LOAD_ADDRESS,
            Front::Portable => 0,
            Front::Living => living::BASE,
        }
    }
}

/// The flags of `.cargo/config.toml`, and accesses that are aligned: without stage 1 of the translation all memory is a device's.
const ALIGNED: &str =
    "-Crelocation-model=static\u{1f}-Ctarget-feature=-outline-atomics,+strict-align";

/// Builds the witness in `directory` with a target directory of its own below `out`; gives the flat image.
/// `settings` are variables of cargo's environment beside those that there are.
///
/// # Errors
/// Cargo could not be run or failed (what it said is on stderr), or the result
/// is not the program that was expected.
pub fn build(
    directory: &Path,
    out: &Path,
    front: Front,
    settings: &[(OsString, OsString)],
) -> Result<Vec<u8>, String> {
    let target_directory = out.join(match front {
        Front::Living => "living",
        _ => "witness",
    });
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        // Where cargo finds the witness's own .cargo/config.toml.
        .current_dir(directory)
        .args(["build", "--release", "--locked", "--target", TARGET])
        .arg("--target-dir")
        .arg(&target_directory);
    if let Some(feature) = front.feature() {
        command.args(["--features", feature]);
    }
    // Flags of the program around this one (a static C runtime, coverage) are
    // not for a guest without an operating system.
    for flags in [
        "RUSTFLAGS",
        "CARGO_ENCODED_RUSTFLAGS",
        "CARGO_BUILD_RUSTFLAGS",
        "RUSTC_WORKSPACE_WRAPPER",
    ] {
        command.env_remove(flags);
    }
    for (name, _) in env::vars_os() {
        if inherited_setting(&name) {
            command.env_remove(name);
        }
    }
    command.env("RUSTC_WRAPPER", wrapper(&target_directory)?);
    if front == Front::Living {
        command.env("CARGO_ENCODED_RUSTFLAGS", ALIGNED);
    }
    command.envs(settings.iter().map(|(name, value)| (name, value)));

    let status = command.status().map_err(|error| {
        format!(
            "the witness was not built: {} could not be run: {error}",
            cargo.to_string_lossy()
        )
    })?;
    if !status.success() {
        return Err(format!(
            "the witness was not built: cargo in {} ended with {status}",
            directory.display()
        ));
    }
    let program: PathBuf = target_directory.join(TARGET).join("release/vmlock-witness");
    let elf = fs::read(&program).map_err(|error| format!("{}: {error}", program.display()))?;
    flatten(&elf, front.base()).map_err(|reason| format!("{}: {reason}", program.display()))
}

/// A program that runs rustc and gives all crates the same `metadata`. Cargo derives that from where a crate lies, and
/// the order of functions hangs on it: the same source has to give the same bytes in whatever folder.
fn wrapper(folder: &Path) -> Result<PathBuf, String> {
    const SCRIPT: &str = r#"#!/bin/sh
for argument; do
    shift
    case $argument in metadata=*) argument=metadata=vmlock ;; esac
    set -- "$@" "$argument"
done
exec "$@"
"#;
    let path = folder.join("rustc.sh");
    let written = fs::create_dir_all(folder)
        .and_then(|()| fs::write(&path, SCRIPT))
        .and_then(|()| fs::set_permissions(&path, Permissions::from_mode(0o755)));
    written.map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(path)
}

/// Whether an environment variable would carry compiler flags or a profile of
/// the outer build into the witness's.
fn inherited_setting(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PROFILE_")
        || name.starts_with("CARGO_TARGET_") && name.ends_with("_RUSTFLAGS")
}

/// The memory that an ELF file's loadable segments describe, from `base` on.
fn flatten(elf: &[u8], base: u64) -> Result<Vec<u8>, &'static str> {
    const SHORT: &str = "the file ends early";
    let half = |at: usize| -> Option<usize> {
        Some(u16::from_le_bytes(elf.get(at..at + 2)?.try_into().ok()?).into())
    };
    let word = |at: usize| -> Option<u64> {
        Some(u64::from_le_bytes(elf.get(at..at + 8)?.try_into().ok()?))
    };

    // ELF-64 header: class, data, e_machine, e_entry, e_phoff, e_phentsize,
    // e_phnum; then p_type, p_offset, p_paddr, p_filesz of each entry.
    if elf.get(..6) != Some(b"\x7fELF\x02\x01") || half(18) != Some(183) {
        return Err("this is no 64-bit little-endian arm64 ELF file");
    }
    if word(24) != Some(base) {
        return Err("the entry point is not the load address");
    }
    let table = usize::try_from(word(32).ok_or(SHORT)?).map_err(|_| SHORT)?;
    let size = half(54).ok_or(SHORT)?;
    let mut image = Vec::new();
    for index in 0..half(56).ok_or(SHORT)? {
        let entry = table + index * size;
        let kind = elf.get(entry..entry + 4).ok_or(SHORT)?;
        if kind != 1_u32.to_le_bytes() {
            continue;
        }
        let offset = word(entry + 8).ok_or(SHORT)? as usize;
        let length = word(entry + 32).ok_or(SHORT)? as usize;
        if length == 0 {
            continue;
        }
        let address = word(entry + 24).ok_or(SHORT)?;
        let start = address
            .checked_sub(base)
            .ok_or("a segment lies below the load address")? as usize;
        let content = offset
            .checked_add(length)
            .and_then(|end| elf.get(offset..end))
            .ok_or(SHORT)?;
        if start > 1 << 20 {
            return Err("a segment lies more than 1 MiB above the load address");
        }
        if image.len() < start + length {
            image.resize(start + length, 0);
        }
        image[start..start + length].copy_from_slice(content);
    }
    if image.is_empty() {
        return Err("there is nothing to load");
    }
    // e_shoff, e_shentsize, e_shnum; then sh_type, sh_flags, sh_offset and sh_size of each section. Relocations that
    // are loaded (SHT_RELA, SHF_ALLOC) are those that `boot.s` carries out, of one type alone: R_AARCH64_RELATIVE.
    let sections = word(40).ok_or(SHORT)? as usize;
    for index in 0..half(60).ok_or(SHORT)? {
        let entry = sections + index * half(58).ok_or(SHORT)?;
        let kind = elf.get(entry + 4..entry + 8).ok_or(SHORT)?;
        if kind != 4_u32.to_le_bytes() || word(entry + 8).ok_or(SHORT)? & 2 == 0 {
            continue;
        }
        let offset = word(entry + 24).ok_or(SHORT)? as usize;
        let count = word(entry + 32).ok_or(SHORT)? as usize / 24;
        for at in 0..count {
            if word(offset + 24 * at + 8).ok_or(SHORT)? != 1027 {
                return Err("a relocation is none that the image carries out by itself");
            }
        }
    }
    Ok(image)
}
