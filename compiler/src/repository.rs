//! What git has: its answers, and files out of its commits. The one place where git is started.

use crate::diagnostic::Diagnostic;
use crate::merge::Sides;
use crate::system;
use std::ffi::OsStr;
use std::io::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

/// What git answered.
pub struct Answer {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// What it printed.
    pub bytes: Vec<u8>,
    /// What it said of it.
    pub words: String,
}

impl Answer {
    /// Whether it did what it was asked for.
    pub fn is_fine(&self) -> bool {
        self.code == Some(0)
    }

    /// What it printed, without the line's end.
    pub fn line(&self) -> String {
        let text = String::from_utf8_lossy(&self.bytes);
        text.trim_end_matches(['\n', '\r']).to_owned()
    }

    /// The same where it did what it was asked for, and printed something.
    pub fn found(&self) -> Option<String> {
        let line = self.line();
        (self.is_fine() && !line.is_empty()).then_some(line)
    }
}

/// Asks git, in the folder that this program is in.
///
/// # Errors
/// The system's, where git cannot be started.
pub fn ask<A: AsRef<OsStr>>(arguments: impl IntoIterator<Item = A>) -> io::Result<Answer> {
    told(arguments, &[])
}

/// Asks git something, and gives it that on its standard input.
///
/// # Errors
/// The system's, where git cannot be started or goes away.
pub fn told<A: AsRef<OsStr>>(
    arguments: impl IntoIterator<Item = A>,
    input: &[u8],
) -> io::Result<Answer> {
    let mut child = Command::new("git")
        .args(arguments)
        // Its words are shown, never read.
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        match stdin.write_all(input) {
            // It has read enough.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error),
            _ => {}
        }
    }
    let output = child.wait_with_output()?;
    Ok(Answer {
        code: output.status.code(),
        bytes: output.stdout,
        words: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}

/// What to say where git is not there or does not do what it is asked for.
pub fn failed(what: &str, result: io::Result<Answer>) -> Diagnostic {
    let (words, help) = match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => (
            "there is no `git` in PATH".to_owned(),
            "install git, 2.31 or newer",
        ),
        Err(error) => (format!("git cannot be started: {error}"), ""),
        Ok(answer) => {
            let first = answer.words.lines().next().unwrap_or("it did not say why");
            (
                format!("git did not {what}: {first}"),
                "what git says stands above; `git status` shows how the repository is",
            )
        }
    };
    let diagnostic = Diagnostic::error("git::failed", words);
    match help {
        "" => diagnostic,
        help => diagnostic.help(help),
    }
}

/// The commit of a name, in full; `None` where there is none.
///
/// # Errors
/// See [`ask`].
pub fn commit(name: &str) -> io::Result<Option<String>> {
    let name = format!("{name}^{{commit}}");
    let answer = ask([
        "rev-parse",
        "--verify",
        "--quiet",
        "--end-of-options",
        &name,
    ])?;
    Ok(answer.found())
}

/// A file in a commit.
#[derive(Clone, PartialEq, Eq)]
pub struct Blob {
    /// Its mode: 100644 or 100755 of a file, others of what is none.
    pub mode: String,
    /// Its name in git's store.
    pub oid: String,
}

impl Blob {
    /// Whether it is a regular file, and no link or repository of its own.
    pub fn is_file(&self) -> bool {
        self.mode.starts_with("100")
    }

    /// What it holds.
    ///
    /// # Errors
    /// See [`ask`]; also where git has no such blob.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        let answer = ask(["cat-file", "blob", &self.oid])?;
        match answer.is_fine() {
            true => Ok(answer.bytes),
            false => Err(io::Error::other(answer.words)),
        }
    }
}

/// What stands at a path of a commit, the path counted from its top.
///
/// # Errors
/// See [`ask`].
pub fn blob(commit: &str, path: &str) -> io::Result<Option<Blob>> {
    let arguments = ["--literal-pathspecs", "ls-tree", "-z", "--full-tree"];
    let answer = ask(arguments.into_iter().chain([commit, "--", path]))?;
    let text = String::from_utf8_lossy(&answer.bytes).into_owned();
    let mut entries = text.split('\0').filter_map(entry);
    Ok(entries
        .find(|(_, found)| *found == path)
        .map(|(blob, _)| blob))
}

/// The paths in a commit at which exactly these bytes stand.
///
/// # Errors
/// See [`ask`].
pub fn places(commit: &str, bytes: &[u8]) -> io::Result<Vec<String>> {
    let oid = told(["hash-object", "--stdin"], bytes)?.line();
    let answer = ask(["ls-tree", "-r", "-z", "--full-tree", commit])?;
    let text = String::from_utf8_lossy(&answer.bytes).into_owned();
    let entries = text.split('\0').filter_map(entry);
    let same = entries.filter(|(blob, _)| blob.is_file() && blob.oid == oid);
    Ok(same.map(|(_, path)| path.to_owned()).collect())
}

/// `MODE TYPE OID\tPATH`.
fn entry(text: &str) -> Option<(Blob, &str)> {
    let (head, path) = text.split_once('\t')?;
    let mut words = head.split(' ');
    let (mode, _, oid) = (words.next()?, words.next()?, words.next()?);
    let blob = Blob {
        mode: mode.to_owned(),
        oid: oid.to_owned(),
    };
    Some((blob, path))
}

/// The three sides of a file that git could not merge, by the index: what both began with, ours and theirs. `None` for
/// other files, and where one of these two has none; the base is empty where both added theirs.
///
/// # Errors
/// See [`ask`].
pub fn stages(path: &Path) -> io::Result<Option<Sides<Vec<u8>>>> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Some(name) = path.file_name().and_then(OsStr::to_str) else {
        return Ok(None);
    };
    let stage = |number: u8| {
        let object = format!(":{number}:./{name}");
        let arguments: [&OsStr; 5] = [
            "-C".as_ref(),
            folder.as_os_str(),
            "cat-file".as_ref(),
            "blob".as_ref(),
            object.as_ref(),
        ];
        let answer = ask(arguments)?;
        io::Result::Ok(answer.is_fine().then_some(answer.bytes))
    };
    let (Some(ours), Some(theirs)) = (stage(2)?, stage(3)?) else {
        return Ok(None);
    };
    Ok(Some(Sides {
        base: stage(1)?.unwrap_or_default(),
        ours,
        theirs,
    }))
}

/// A path without `.` and `..`, as git has it; `None` where it leads out of the top that it is counted from.
pub fn plain(path: &Path) -> Option<String> {
    let mut parts = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::CurDir => {}
            Component::ParentDir if parts.pop() => {}
            _ => return None,
        }
    }
    let path = parts.to_str()?;
    Some(system::slashes(path).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_below_its_top() {
        let plain = |path: &str| plain(Path::new(path));
        assert_eq!(plain("./a b/../c/x").as_deref(), Some("c/x"));
        assert_eq!(plain("a/../../x"), None);
        assert_eq!(plain("/x"), None);
    }

    #[test]
    fn entries_of_a_tree_are_read() {
        let (blob, path) = entry("100644 blob 0123\ta b/x.kdl").unwrap();
        assert!(blob.is_file() && blob.oid == "0123" && path == "a b/x.kdl");
        assert!(!entry("160000 commit 45\tsub").unwrap().0.is_file());
        assert!(entry("").is_none());
    }
}
