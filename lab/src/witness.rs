//! The witness's images, which are checked in: who builds `vmlock` or the runner, from a checkout or from a package, needs
//! no second toolchain for it. Here they are made, and made once more to be compared.

use crate::cache::{self, Cache, Scratch};
use crate::cross;
use crate::failure::{Failure, OK, Result, tell};
use crate::provenance::{self, IMAGES, TOOLS};
use crate::reproduce;

/// `vmlock-lab witness`: makes the images anew.
pub fn write(cache: &Cache) -> Result<u8> {
    let root = cross::workspace()?;
    let source = provenance::source(&root)?;
    let mut images = Vec::new();
    for (front, name) in IMAGES {
        let image = cross::witness(cache, &root, &cross::target_dir(&root), front)?;
        images.push((name, image));
    }
    let made = cross::witness_tools(cache, &root)?;
    if provenance::source(&root)? != source {
        return Err(Failure::environment(
            "the witness's source changed while it was built, so that nobody knows of which one the images are; \
             nothing was written: run this once more",
        ));
    }
    for (name, image) in images {
        let path = root.join(name);
        cache::write(&path, &image)?;
        let bytes = image.len();
        tell(format_args!(
            "{}  {name}, {bytes} bytes",
            cache::digest(&path)?
        ))?;
    }
    cache::write(&root.join(TOOLS), made.as_bytes())?;
    provenance::write(&root, &source)?;
    Ok(OK)
}

/// The images that are checked in are what their source makes, in whatever folder: what is wrong with that. Nothing where
/// that cannot be told: other tools make other bytes.
pub fn rebuilt(cache: &Cache) -> Result<Option<Vec<String>>> {
    let root = cross::workspace()?;
    provenance::check(&root)?;
    let scratch = Scratch::new()?;
    // Of another depth: a path that remains shows by its length, too.
    let copy = scratch.path().join("another/place");
    reproduce::copy_source(&root, &copy)?;
    let mut problems = Vec::new();
    for (front, name) in IMAGES {
        let image = cross::witness(cache, &copy, &copy.join("target/arm64"), front)?;
        if image != cache::read(&root.join(name))? {
            problems.push(format!(
                "{name} is not what its source makes; {} makes it anew",
                provenance::COMMAND
            ));
        }
    }
    let made = cache::read(&root.join(TOOLS))?;
    let here = cross::witness_tools(cache, &root)?;
    if !problems.is_empty() && made != here.as_bytes() {
        tell(format_args!(
            "skipped: whether the witnesses are what their source makes; these tools are others than those that made them:\n{here}"
        ))?;
        return Ok(None);
    }
    Ok(Some(problems))
}
