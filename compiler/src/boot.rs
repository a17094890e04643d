//! Which kernel and initial RAM file system a lock means: digests of the files
//! that are there when it is made.

use crate::diagnostic::Diagnostic;
use crate::files;
use crate::location::Places;
use sha2::{Digest as _, Sha256};
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
    let old = before(|boot| Some(&boot.kernel), &boot.kernel);
    file(
        &mut boot.kernel,
        folder,
        old,
        "kernel",
        places,
        &mut problems,
    );
    if let Some(initrd) = &mut boot.initrd {
        let old = before(|boot| boot.initrd.as_ref(), initrd);
        file(initrd, folder, old, "initrd", places, &mut problems);
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
    problems: &mut Vec<Diagnostic>,
) {
    let path = folder.join(&file.path);
    let place = format!("/boot/{what}");
    let found = match digest(&path) {
        Ok(digest) => Some(digest),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => {
            let words = format!("`{}` cannot be read: {error}", file.path);
            let diagnostic = Diagnostic::error("io::unreadable", words);
            let diagnostic = diagnostic.at(places.source(), places.find(&place), "this file");
            problems.push(diagnostic.help(
                "a lock holds the digests of the files that it boots; `any-file=#true` does without",
            ));
            return;
        }
    };
    match (&file.digest, found) {
        (Some(asked), Some(found)) if *asked != found => {
            let words = format!("`{}` is another file than `{what}-digest` says", file.path);
            let diagnostic = Diagnostic::error("spec::another-file", words);
            let span = places.find(&format!("{place}-digest"));
            let diagnostic = diagnostic.at(places.source(), span, "not its digest");
            problems.push(diagnostic.help(format!(
                "the file that is there has {found}: write that, or put the right file there"
            )));
        }
        (Some(_), _) => {}
        (None, found) => file.digest = found.or(old),
    }
}

/// `sha256-` and 64 hex digits of a regular file.
fn digest(path: &Path) -> io::Result<String> {
    sha256(files::open(path)?)
}

/// `sha256-` and 64 hex digits of all that is left to be read.
///
/// # Errors
/// The system's.
pub fn sha256(mut file: impl io::Read) -> io::Result<String> {
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 18];
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            length => hash.update(&buffer[..length]),
        }
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().fold("sha256-".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    }))
}
