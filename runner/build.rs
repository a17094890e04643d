//! Builds the witness (a bare-metal arm64 guest with a workspace of its own)
//! and leaves its flat image where `include_bytes!` finds it.

mod embed;

use std::path::{Path, PathBuf};
use std::{env, fs, process};

// Cargo reads it.
#[expect(clippy::print_stderr)]
fn main() {
    for script in ["build.rs", "embed.rs"] {
        println!("cargo::rerun-if-changed={script}");
    }
    // Only arm64 has a KVM that the witness could run under.
    if env::var("CARGO_CFG_TARGET_ARCH").as_deref() != Ok("aarch64") {
        return;
    }
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../witness");
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let written = embed::image(&source, &out)
        .and_then(|image| fs::write(out.join("witness.bin"), image).map_err(|e| e.to_string()));
    if let Err(error) = written {
        eprintln!("the witness cannot be built: {error}");
        process::exit(1);
    }
}
