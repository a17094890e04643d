//! The unit for systemd that comes with the runner: systemd has nothing to say against it where the package has put it, nor
//! where the archive has. What it does is `started.rs`'s.

use crate::cache::{self, Scratch};
use crate::cross::RUNNER;
use crate::failure::{Failure, Result};
use crate::packages;
use crate::tools;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// The unit of some guest.
const UNIT: &str = "vmlock@guest.service";

/// What systemd wants before each service, and no package of ours has.
const BEFORE: &str = "usr/lib/systemd/system/sysinit.target";

/// What is wrong with the units in the packages and archives of these names.
pub fn problems(folder: &Path, names: &[&str]) -> Result<Vec<String>> {
    let is_own = |name: &&&str| {
        name.starts_with(RUNNER) && (name.ends_with(".deb") || name.ends_with(".tar.gz"))
    };
    let mut problems = Vec::new();
    for name in names.iter().filter(is_own) {
        let root = Scratch::new()?;
        put(&folder.join(name), root.path())?;
        cache::write(&root.path().join(BEFORE), b"[Unit]\n")?;
        let mut verify = Command::new("systemd-analyze");
        verify
            .args(["verify", "--man=no", "--root"])
            .arg(root.path())
            .arg(UNIT)
            .env("LC_ALL", "C")
            .stdin(Stdio::null());
        let (status, said, errors) = tools::both(&mut verify)?;
        problems.extend(problem(name, status, &[said, errors].concat()));
    }
    Ok(problems)
}

/// Puts what is in a package or an archive where README has it put.
fn put(file: &Path, root: &Path) -> Result<()> {
    if file.extension().is_some_and(|end| end == "deb") {
        return packages::unpack(file, &["*"], root);
    }
    let local = root.join("usr/local");
    cache::make_dir(&local)?;
    let mut tar = Command::new("tar");
    tar.arg("-xzf").arg(file).arg("-C").arg(&local);
    match tools::run(tar.arg("--strip-components=1"), None)?.success() {
        true => Ok(()),
        false => Err(Failure::environment(format!(
            "{} cannot be unpacked; tar's own messages are above",
            file.display()
        ))),
    }
}

/// What systemd-analyze said: what it ignores, a key that it does not know, is no failure of its own.
fn problem(name: &str, status: ExitStatus, said: &[u8]) -> Option<String> {
    let said = String::from_utf8_lossy(said);
    let is_fine = status.success() && said.trim().is_empty();
    (!is_fine).then(|| {
        format!(
            "{name}: of {UNIT} systemd-analyze says, and ends with {status}: {}",
            said.trim()
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt as _;

    #[test]
    fn what_systemd_would_ignore_is_a_problem_too() {
        let of = |code: i32, said: &str| {
            problem("name", ExitStatus::from_raw(code << 8), said.as_bytes()).is_some()
        };
        assert!(!of(0, "\n"));
        assert!(of(
            0,
            "Unknown key 'KillMod' in section [Service], ignoring.\n"
        ));
        assert!(of(1, ""));
    }
}
