//! Tells the linker to lay the program out as `link.ld` has it: no start files,
//! no libraries. `runner/embed.rs` then takes the flat image out of the result.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        &format!("-T{here}/link.ld"),
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
