//! Which kernel and initial RAM file system a lock means: digests of the files
//! that are there when it is made.

use crate::diagnostic::Diagnostic;
use crate::language::reach::Reach;
use crate::location::Places;
use std::io::{self, ErrorKind};
use std::path::Path;
use vmlock_spec::lock::{Boot, BootFile, Lock, v1};
use vmlock_spec::vm::VmSpec;

/// Gives the files of a lock their digests: that of the description, else that of the file that is there, else what
/// `former` had for the same path. With `any-file`, and in version 1, there are none.
///
/// # Errors
/// A file that is there and is another one than the description says, or cannot be read.
pub fn pin(
    lock: &mut Lock,
    spec: &VmSpec,
    folder: &Path,
    former: Option<&Boot>,
    places: &Places,
    reach: &dyn Reach,
) -> Result<(), Vec<Diagnostic>> {
    let any = spec.boot.as_ref().is_none_or(|boot| boot.any_file);
    let Some(boot) = lock.boot.as_mut().filter(|_| !any) else {
        return Ok(());
    };
    if lock.lock_version == v1::VERSION {
        return Ok(());
    }
    let before = |pick: fn(&Boot) -> Option<&BootFile>, now: &BootFile| {
        let file = former.and_then(pick).filter(|file| file.path == now.path)?;
        file.digest.clone()
    };
    let mut problems = Vec::new();
    let mut pin = |one: &mut BootFile, old, what| {
        problems.extend(file(one, folder, old, what, places, reach).err());
    };
    let old = before(|boot| Some(&boot.kernel), &boot.kernel);
    pin(&mut boot.kernel, old, "kernel");
    if let Some(initrd) = &mut boot.initrd {
        let old = before(|boot| boot.initrd.as_ref(), initrd);
        pin(initrd, old, "initrd");
    }
    if problems.is_empty() {
        Ok(())
    } else {
        Err(problems)
    }
}

fn file(
    file: &mut BootFile,
    folder: &Path,
    old: Option<String>,
    what: &str,
    places: &Places,
    reach: &dyn Reach,
) -> Result<(), Diagnostic> {
    let path = folder.join(&file.path);
    let place = format!("/boot/{what}");
    let found = match digest(&path, reach) {
        // It is there, and what is said of it cannot be judged yet.
        Ok(None) => return Ok(()),
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            let words = format!("`{}` cannot be read: {error}", file.path);
            let diagnostic = Diagnostic::error("io::unreadable", words);
            let diagnostic = diagnostic.at(places.source(), places.find(&place), "this file");
            return Err(diagnostic.help(
                "a lock holds the digests of the files that it boots; `any-file=#true` does without",
            ));
        }
    };
    match (&file.digest, found) {
        (Some(asked), Some(found)) if *asked != found => {
            let words = format!("`{}` is another file than `{what}-digest` says", file.path);
            let diagnostic = Diagnostic::error("spec::another-file", words);
            let span = places.find(&format!("{place}-digest"));
            let diagnostic = diagnostic.at(places.source(), span, "not its digest");
            return Err(diagnostic.help(format!(
                "the file that is there has {found}: write that, or put the right file there"
            )));
        }
        (Some(_), _) => {}
        (None, found) => file.digest = found.or(old),
    }
    Ok(())
}

/// `sha256-` and 64 hex digits of a regular file.
fn digest(path: &Path, reach: &dyn Reach) -> io::Result<Option<String>> {
    reach.digest(reach.file(path)?, u64::MAX)
}
