//! `vmlock-lab reproduce`: the runner is built a second time, from a copy of its source in another folder, and both have
//! to have the same bytes.

use crate::cache::{self, Cache, Scratch};
use crate::cross::{self, RUNNER};
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::job;
use crate::tools;
use std::path::Path;
use std::process::Command;

/// Builds both and compares them; 0 if they are one.
pub fn run(cache: &Cache) -> Result<u8> {
    let here = cross::build(cache, RUNNER)?;
    // In a folder of another depth: a path that remains shows by its length, too.
    let scratch = Scratch::new()?;
    let copy = scratch.path().join("another/place");
    copy_source(&cross::workspace()?, &copy)?;
    say(format_args!("building once more, in {}", copy.display()));
    let there = cross::build_in(cache, &copy, &copy.join("target/arm64"), RUNNER, &[])?;
    let digests = [cache::digest(&here)?, cache::digest(&there)?];
    for (digest, program) in digests.iter().zip([&here, &there]) {
        tell(format_args!("{digest}  {}", program.display()))?;
    }
    if digests[0] == digests[1] {
        tell("the same bytes")?;
        return Ok(OK);
    }
    tell("two programs of one source: something of its folder, or of the time, is in them")?;
    Ok(FINDINGS)
}

/// Copies what git tracks, as it is in the folder now.
pub fn copy_source(root: &Path, to: &Path) -> Result<()> {
    let mut git = Command::new("git");
    git.current_dir(root).args(["ls-files", "-z"]);
    let (status, names) = tools::output(&mut git)?;
    if !status.success() {
        return Err(Failure::environment(
            "git does not say which files are the source's; run this in a checkout",
        ));
    }
    let names = String::from_utf8_lossy(&names);
    for name in names.split_terminator('\0') {
        let from = job::absolute(root, Path::new(name));
        // A file that was removed and not yet committed is none of the source's.
        if from.is_file() {
            cache::write(&to.join(name), &cache::read(&from)?)?;
        }
    }
    Ok(())
}
