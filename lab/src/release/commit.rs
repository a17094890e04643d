//! The commit that is released, and its source: what git has of it, and nothing that lies beside it in the folder.

use crate::failure::{Failure, Result};
use crate::flags::Release;
use crate::reproduce::copy_source;
use crate::tools;
use std::path::Path;
use std::process::Command;

/// What is known of it.
#[derive(Debug)]
pub struct Commit {
    /// Its whole name.
    pub revision: String,
    /// When it was made, in seconds since 1970.
    pub time: u64,
    /// Whom to write to: `Name <address>`.
    pub maintainer: String,
    /// Whether files are taken as they are in the folder, too.
    pub is_quick: bool,
}

impl Commit {
    /// That of a checkout, in which nothing is changed; or may be, of one for trying.
    pub fn of(root: &Path, flags: &Release) -> Result<Self> {
        let changed = git(root, &["status", "--porcelain", "--untracked-files=no"])?;
        if !changed.is_empty() && !flags.quick {
            return Err(Failure::usage(format!(
                "what is released is a commit, and these files are not committed as they are:\n{}\n\
                 Commit them; or try with --quick, which is not for others",
                String::from_utf8_lossy(&changed).trim_end()
            )));
        }
        let said = git(root, &["log", "-1", "--format=%H\n%ct\n%an <%ae>"])?;
        let said = String::from_utf8_lossy(&said);
        let mut lines = said.lines();
        let mut line = || {
            let line = lines.next().filter(|line| !line.is_empty());
            line.ok_or_else(|| Failure::environment("git does not say what the last commit is"))
        };
        let (revision, time, author) = (line()?, line()?, line()?);
        Ok(Self {
            revision: revision.to_owned(),
            time: time
                .parse()
                .map_err(|_| Failure::environment(format!("git says that it is {time}")))?,
            maintainer: flags
                .maintainer
                .clone()
                .unwrap_or_else(|| author.to_owned()),
            is_quick: flags.quick,
        })
    }

    /// Puts the source into a folder.
    pub fn put_source(&self, root: &Path, to: &Path) -> Result<()> {
        if self.is_quick {
            return copy_source(root, to);
        }
        let archive = git(root, &["archive", "--format=tar", &self.revision])?;
        tar::Archive::new(&archive[..])
            .unpack(to)
            .map_err(|e| Failure::file("unpack the commit into", to, &e))
    }
}

fn git(root: &Path, arguments: &[&str]) -> Result<Vec<u8>> {
    let mut git = Command::new("git");
    let (status, said) = tools::output(git.current_dir(root).args(arguments))?;
    match status.success() {
        true => Ok(said),
        false => Err(Failure::environment(
            "git does not say what is released; run this in a checkout",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Scratch;
    use std::fs;

    #[test]
    fn a_release_is_of_a_commit_and_of_nothing_beside_it() {
        let scratch = Scratch::new().unwrap();
        let root = scratch.path().join("checkout");
        fs::create_dir(&root).unwrap();
        let git = |arguments: &[&str]| {
            let who = ["-c", "user.name=A", "-c", "user.email=a@vmlock.test"];
            let mut git = Command::new("git");
            git.current_dir(&root).args(who).args(arguments);
            assert!(git.output().unwrap().status.success(), "{arguments:?}");
        };
        fs::write(root.join("tracked"), "one").unwrap();
        git(&["init", "--quiet"]);
        git(&["add", "tracked"]);
        git(&["commit", "--quiet", "--message", "one"]);
        fs::create_dir(root.join(".cargo")).unwrap();
        fs::write(root.join(".cargo/config.toml"), "[profile.release]").unwrap();
        let mut flags = Release {
            out: "out".into(),
            once: true,
            quick: false,
            maintainer: None,
        };
        let commit = Commit::of(&root, &flags).unwrap();
        assert_eq!(commit.maintainer, "A <a@vmlock.test>");
        assert_eq!(commit.revision.len(), 40);
        // What changes after it was looked at is none of it, either.
        fs::write(root.join("tracked"), "two").unwrap();
        let to = scratch.path().join("source");
        commit.put_source(&root, &to).unwrap();
        assert_eq!(fs::read(to.join("tracked")).unwrap(), b"one");
        assert!(!to.join(".cargo").exists());
        assert!(Commit::of(&root, &flags).is_err());
        flags.quick = true;
        assert!(Commit::of(&root, &flags).is_ok());
    }
}
