//! `vmlock-lab package`: every crate that is published is packaged, unpacked, and built there against the packages of the
//! others, without a network and without a checkout around it.

use crate::cross;
use crate::failure::{FINDINGS, OK, Result, say, tell};
use crate::tools;

/// Crates of the workspace that are never published (`publish = false`): they are of use in a checkout alone.
const NEVER: [&str; 4] = [
    "vmlock-lab",
    "vmlock-lab-agent",
    "vmlock-lab-facts",
    "vmlock-witness-image",
];

/// Packages them all; 0 if each is built by itself.
pub fn run() -> Result<u8> {
    let mut cargo = cross::cargo_in(&cross::workspace()?);
    // What is packaged is what is there now, committed or not.
    cargo.args([
        "package",
        "--workspace",
        "--locked",
        "--offline",
        "--allow-dirty",
    ]);
    for name in NEVER {
        cargo.args(["--exclude", name]);
    }
    say("packaging the crates of the workspace");
    if tools::run(&mut cargo, None)?.success() {
        tell("each package is built by itself")?;
        return Ok(OK);
    }
    tell("a package is not built without its checkout; cargo's own messages are above")?;
    Ok(FINDINGS)
}
