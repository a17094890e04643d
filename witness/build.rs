//! Tells the linker to lay the program out as `link.ld`, `portable.ld` or `living.ld` has it: no start files,
//! no libraries. `witness/image/` then takes the flat image out of the result.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=link.ld");
    println!("cargo::rerun-if-changed=portable.ld");
    println!("cargo::rerun-if-changed=living.ld");
    // With a list of the places that hold an address, which the image fills in wherever it lies.
    let has = |feature| std::env::var_os(feature).is_some();
    let (script, position) = if has("CARGO_FEATURE_PORTABLE") {
        ("portable.ld", "-Wl,-pie,--no-dynamic-linker,-z,norelro")
    } else if has("CARGO_FEATURE_LIVING") {
        ("living.ld", "-Wl,-no-pie")
    } else {
        ("link.ld", "-Wl,-no-pie")
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
