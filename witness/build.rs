//! Tells the linker to lay the program out as `link.ld` or `portable.ld` has it: no start files,
//! no libraries. `witness/image/` then takes the flat image out of the result.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    println!("cargo::rerun-if-changed=portable.ld");
    // With a list of the places that hold an address, which the image fills in wherever it lies.
    let (script, position) = match std::env::var_os("CARGO_FEATURE_PORTABLE") {
        Some(_) => ("portable.ld", "-Wl,-pie,--no-dynamic-linker,-z,norelro"),
        None => ("link.ld", "-Wl,-no-pie"),
    };
    let here = std::env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| ".".to_owned());
    for argument in [
        "-nostartfiles",
        "-nostdlib",
        "-static",
        "-no-pie",
        "-Wl,--build-id=none",
        position,
        &format!("-T{here}/{script}"),
    ] {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
}
