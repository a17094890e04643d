//! Builds the witness and takes its flat image out of the ELF file. A part of
//! the build script.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use vmlock_wire::LOAD_ADDRESS;

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// Builds the witness in `directory` with a target directory of its own below
/// `out`; gives the flat image, and tells cargo what to watch. What the witness
/// says to the host, `vmlock-wire`, is watched as a dependency of this script.
///
/// # Errors
/// Cargo could not be run or failed (what it said is on stderr), or the result
/// is not the program that was expected.
pub fn image(directory: &Path, out: &Path) -> Result<Vec<u8>, String> {
    for watched in [
        "src",
        "build.rs",
        "link.ld",
        "Cargo.toml",
        ".cargo/config.toml",
    ] {
        println!(
            "cargo::rerun-if-changed={}",
            directory.join(watched).display()
        );
    }

    let target_directory = out.join("witness");
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(&cargo);
    command
        // Where cargo finds the witness's own .cargo/config.toml.
        .current_dir(directory)
        .args([
            "build",
            "--release",
            "--locked",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(&target_directory);
    if env::var_os("CARGO_FEATURE_TORTURE").is_some() {
        command.args(["--features", "torture"]);
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
    // Where the standard library has to be built from source, this is all of
    // it that is needed.
    if env::var_os("CARGO_UNSTABLE_BUILD_STD").is_some() {
        command.env("CARGO_UNSTABLE_BUILD_STD", "core");
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        command.env("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", linker);
    }

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
    flatten(&elf).map_err(|reason| format!("{}: {reason}", program.display()))
}

/// Whether an environment variable would carry compiler flags or a profile of
/// the outer build into the witness's.
fn inherited_setting(name: &OsString) -> bool {
    let name = name.to_string_lossy();
    name.starts_with("CARGO_PROFILE_")
        || name.starts_with("CARGO_TARGET_") && name.ends_with("_RUSTFLAGS")
}

/// The memory that an ELF file's loadable segments describe, from
/// [`LOAD_ADDRESS`] on.
fn flatten(elf: &[u8]) -> Result<Vec<u8>, &'static str> {
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
    if word(24) != Some(LOAD_ADDRESS) {
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
            .checked_sub(LOAD_ADDRESS)
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
    Ok(image)
}
