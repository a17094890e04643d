//! Builds the witness (a bare-metal arm64 guest with a workspace of its own)
//! and leaves its flat images where `include_bytes!` finds it.

use std::path::{Path, PathBuf};
use std::{env, fs, process};
use vmlock_witness_image::{Front, SOURCES, build};

// Cargo reads it.
#[expect(clippy::print_stderr)]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // Only arm64 has a KVM that the witness could run under.
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("aarch64") {
        return;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness");
    for watched in SOURCES {
        println!("cargo::rerun-if-changed={}", source.join(watched).display());
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let front = match env::var_os("CARGO_FEATURE_TORTURE") {
        Some(_) => Front::Torture,
        None => Front::Embedded,
    };
    let mut settings = Vec::new();
    // Where the standard library has to be built from source, this is all of
    // it that is needed.
    if env::var_os("CARGO_UNSTABLE_BUILD_STD").is_some() {
        settings.push(("CARGO_UNSTABLE_BUILD_STD".into(), "core".into()));
    }
    if let Some(linker) = env::var_os("RUSTC_LINKER") {
        settings.push((
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER".into(),
            linker,
        ));
    }
    for (front, name) in [(front, "witness.bin"), (Front::Living, "living.bin")] {
        let written = build(&source, &out, front, &settings)
            .and_then(|image| fs::write(out.join(name), image).map_err(|e| e.to_string()));
        if let Err(error) = written {
            eprintln!("the witness cannot be built: {error}");
            process::exit(1);
        }
    }
}
