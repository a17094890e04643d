//! `vmlock-run save FILE --control SOCKET`: opens the file that a guest is saved to, and gives it its name.
//!
//! The guest's runner opens no path. It gets a new file in FILE's folder, writes all of the guest into it and has it on the
//! disk before it answers; then that file takes FILE's place, and only when that is on the disk too is the runner told, which
//! ends the guest. Whatever fails before that file has FILE's place, the guest goes on, and FILE is what it was. Whatever
//! fails behind it, FILE is the guest, and nobody here knows whether it goes on as well.
//!
//! With `--for`, it is asked first whether the guest can go to the host of that report: of its lock before anybody pauses it,
//! and of its state once it is at rest, before anything is written. Where it cannot, it goes on.
//!
//! Until it is whole the new file has no name (`O_TMPFILE`, open(2)): it is gone with whoever has it open, however that ends.
//! On a file system without such files (NFS, FUSE, overlays of some kernels) it is beside FILE, under a hidden name.

use super::client::{PATIENCE, ask, connect, failed, heard, lock, unasked, understood, wrong};
use super::{ANSWER, Answer, AtRest, COMMIT, Done, Request, SAVE, SECTIONS, STATUS, WRITE};
use crate::failure::{Failure, exit};
use crate::files;
use crate::flags::Parsed;
use crate::hold::pausing::LIMIT;
use crate::say::{self, Progress};
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::linkat;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::mem::take;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use vmlock_run_flags::{CONTROL, DISK_DIGEST, FOR};
use vmlock_saved::carry::carry;
use vmlock_spec::lock::Lock;
use vmlock_spec::plan::{Refusal, plan};
use vmlock_spec::report::HostReport;
use vmm_sys_util::sock_ctrl_msg::ScmSocket as _;

/// How long the runner may take to write a guest.
const WRITING: Duration = Duration::from_secs(24 * 60 * 60);

/// How often somebody who looks is told how far it is.
const EACH: Duration = Duration::from_millis(500);

/// Shows how far a guest is written, by what its runner tells, until this is dropped.
struct Watching(Option<Sender<()>>, Option<JoinHandle<()>>);

impl Watching {
    fn begin(socket: &Path, progress: &Progress) -> Self {
        let (over, until) = channel();
        let (socket, progress) = (socket.to_owned(), progress.clone());
        let thread = thread::Builder::new().spawn(move || {
            while until.recv_timeout(EACH) == Err(RecvTimeoutError::Timeout) {
                // Whoever does not answer is answered for by the save itself.
                if let Ok(Answer::Status(status)) = ask(&socket, STATUS)
                    && let Some(saving) = status.saving
                {
                    progress.bytes(
                        saving.written.saturating_add(saving.read),
                        saving.memory.saturating_add(saving.disks),
                    );
                }
            }
        });
        Self(Some(over), thread.ok())
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        drop(self.0.take());
        // It waits for one answer at most, and nothing is shown behind it.
        self.1.take().map(JoinHandle::join);
        say::no_progress();
    }
}

/// How a guest is to be saved.
struct Asked {
    /// The host that it has to be able to go to.
    report: Option<HostReport>,
    /// All of each disk is digested.
    whole_disks: bool,
    progress: Progress,
}

/// The new file, gone with this where it has not got its name.
struct New {
    file: File,
    /// Its name until it gets FILE's; `named` says whether it has that.
    hidden: PathBuf,
    named: bool,
    /// Where both are: open before there is anything to be undone.
    folder: File,
}

impl Drop for New {
    fn drop(&mut self) {
        if self.named {
            // Where it took its name, nothing of this one is there.
            let _ = fs::remove_file(&self.hidden);
        }
    }
}

/// The same file once more, to be read: as long as it has no name, this is how it is reached.
fn reached(file: &File) -> String {
    format!("/proc/self/fd/{}", file.as_raw_fd())
}

/// A file without a name in that folder.
fn nameless(folder: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    let file = options.custom_flags(libc::O_TMPFILE).open(folder)?;
    // Without /proc nobody could give it a name.
    fs::metadata(reached(&file))?;
    Ok(file)
}

fn unusable(path: &Path, error: &io::Error) -> Failure {
    Failure::environment(
        format!("the guest cannot be saved to `{}`: {error}", path.display()),
        &["it goes on; name a file in a folder that takes one"],
    )
}

/// FILE is the new one, and that has still failed.
fn both(socket: &Path, path: &Path, why: &str) -> Failure {
    let (file, socket) = (path.display(), socket.display());
    let ended = format!(
        "before you restore `{file}`, see to it that the guest has ended: `vmlock-run status {socket}`, `vmlock-run stop {socket}`"
    );
    Failure::environment(
        format!("`{file}` is whole, and the guest may go on too: {why}"),
        &[&ended],
    )
}

impl New {
    fn beside(path: &Path) -> Result<Self, Failure> {
        let bad = |error: io::Error| unusable(path, &error);
        let name = path
            .file_name()
            .ok_or_else(|| bad(io::ErrorKind::InvalidInput.into()))?;
        if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
            return Err(bad(io::Error::other("something else than a file is there")));
        }
        let parent = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let folder = File::open(parent).map_err(bad)?;
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.new", process::id()));
        let hidden = path.with_file_name(hidden);
        let (file, named) = match nameless(parent) {
            Ok(file) => (file, false),
            Err(_) => (Self::hidden(&hidden).map_err(bad)?, true),
        };
        Ok(Self {
            file,
            hidden,
            named,
            folder,
        })
    }

    /// One with that name, where there is none without.
    fn hidden(path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        options.open(path)
    }

    /// Takes that name, and whatever is there loses it.
    fn takes(&mut self, path: &Path) -> io::Result<()> {
        if !self.named {
            let from = reached(&self.file);
            let link = |to: &Path| {
                linkat(
                    AT_FDCWD,
                    from.as_str(),
                    AT_FDCWD,
                    to,
                    AtFlags::AT_SYMLINK_FOLLOW,
                )
            };
            match link(path) {
                // A name that is taken cannot be linked to, but renamed to. What has the other one was left by a client of this
                // number that was killed.
                Err(nix::Error::EEXIST) => match link(&self.hidden) {
                    Err(nix::Error::EEXIST) => {
                        fs::remove_file(&self.hidden)?;
                        link(&self.hidden)?;
                    }
                    other => other?,
                },
                other => return Ok(other?),
            }
            self.named = true;
        }
        fs::rename(&self.hidden, path)?;
        self.named = false;
        Ok(())
    }

    /// Has its name on the disk: the folder, and the file's own count of names.
    fn stays(&self) -> io::Result<()> {
        self.file.sync_all()?;
        self.folder.sync_all()
    }
}

/// Runs the command.
///
/// # Errors
/// The guest is not saved.
pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let socket = parsed.value(CONTROL.long).ok_or_else(|| {
        let help = ["`vmlock-run save FILE --control SOCKET`, as `start` was told"];
        Failure::usage("which guest?", &help)
    })?;
    let (socket, path) = (Path::new(socket), Path::new(&parsed.argument));
    let whole_disks = parsed.has(DISK_DIGEST.long);
    let what = match whole_disks {
        true => "the guest is written and its disks are read",
        false => "the guest is written",
    };
    // It is wrong before anybody is paused.
    let report = parsed.value(FOR.long).map(Path::new);
    let asked = Asked {
        report: report.map(files::read_report).transpose()?,
        whole_disks,
        progress: Progress::of(what, parsed.json()),
    };
    let done = save(socket, path, &asked)?;
    match parsed.json() {
        true => say::print_json(&done)?,
        false => say::println(&format!(
            "the guest is saved in `{}`, and ends ({})",
            path.display(),
            done.identity
        ))?,
    }
    Ok(exit::OK)
}

/// Nothing, unless there are refusals: the guest cannot go to the host that it is to go to.
fn goes(mut refusals: Vec<Refusal>) -> Result<(), Failure> {
    // There is no file to be restored elsewhere.
    for refusal in &mut refusals {
        refusal.help = vec!["the guest goes on here, and nothing was saved".to_owned()];
    }
    match refusals.is_empty() {
        true => Ok(()),
        false => Err(Failure::Refused(refusals)),
    }
}

/// Whether a guest of that lock whose state that is can go to a host which keeps the lock.
fn takes(at_rest: AtRest, lock: &Lock, report: &HostReport) -> Result<(), Failure> {
    let mut carried = carry(&at_rest.state(), lock, report);
    goes(take(&mut carried.refusals))?;
    carried.left_behind().iter().for_each(say::note);
    Ok(())
}

/// Has the guest at that socket saved, if it can go where it is to.
fn save(socket: &Path, path: &Path, asked: &Asked) -> Result<Done, Failure> {
    let failed = |e| failed(socket, e);
    // It runs on meanwhile.
    let lock = match &asked.report {
        Some(report) => {
            let lock = lock(socket)?;
            goes(plan(&lock, report).refusals)?;
            Some((lock, report))
        }
        None => None,
    };
    let mut stream = connect(socket)?;
    let mut new = New::beside(path)?;
    let request = Request {
        whole_disks: asked.whole_disks,
        state_first: lock.is_some(),
        ..Request::to(SAVE)
    };
    let sent = stream.send_with_fd(&request.line()[..], new.file.as_raw_fd());
    sent.map_err(|e| failed(io::Error::from_raw_os_error(e.errno())))?;
    if let Some((lock, report)) = lock {
        // Where it cannot go there, the guest goes on as soon as this has gone.
        match answer(socket, &mut stream, SECTIONS)? {
            Answer::AtRest(at_rest) => takes(*at_rest, &lock, report)?,
            _ => return Err(unasked(socket)),
        }
        let write = Request::to(WRITE).line();
        stream.write_all(&write).map_err(failed)?;
    }
    let shown = asked.progress.is_shown();
    let watching = shown.then(|| Watching::begin(socket, &asked.progress));
    let answer = answer(socket, &mut stream, ANSWER);
    drop(watching);
    let Answer::Saved(done) = answer? else {
        return Err(unasked(socket));
    };
    new.takes(path).map_err(|e| unusable(path, &e))?;
    let both = |why: &str| both(socket, path, why);
    let lost = |error: io::Error| both(&error.to_string());
    new.stays().map_err(lost)?;
    let commit = Request::to(COMMIT).line();
    stream.write_all(&commit).map_err(lost)?;
    let answer = heard(&mut stream, PATIENCE, ANSWER).map_err(lost)?;
    match serde_json::from_slice(&answer) {
        Ok(Answer::Stopping {}) => Ok(done),
        Ok(Answer::Error(words)) => Err(both(&words)),
        _ => Err(both("the answer of its runner makes no sense")),
    }
}

/// What the runner answers to a save that is under way.
fn answer(socket: &Path, stream: &mut UnixStream, most: usize) -> Result<Answer, Failure> {
    let line = heard(stream, LIMIT + WRITING, most).map_err(|e| failed(socket, e))?;
    match understood(socket, &line)? {
        Answer::Error(words) => Err(wrong(socket, &words, &[])),
        other => Ok(other),
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::listen;
    use super::super::place::tests::Folder;
    use super::*;
    use std::io::{BufRead as _, BufReader};
    use std::os::unix::fs::PermissionsExt as _;

    /// What comes of a save whose runner says this, a line for each that it is asked, and then no more.
    fn saved(name: &str, says: &'static [&'static str]) -> (Result<Done, Failure>, String) {
        let folder = Folder::new(name, 0o700);
        let (socket, path) = (folder.0.join("s"), folder.0.join("one.save"));
        fs::write(&path, "old").expect("the folder is ours");
        let listener = listen("control", &socket).expect("the folder is ours");
        listener.set_nonblocking(false).expect("it can wait");
        let runner = thread::spawn(move || {
            let (stream, _) = listener.accept().expect("somebody asks");
            stream.set_nonblocking(false).expect("it can wait");
            let mut lines = BufReader::new(&stream);
            for said in says {
                lines.read_line(&mut String::new()).expect("it asks");
                (&stream).write_all(said.as_bytes()).expect("it listens");
            }
            // Whoever goes with something unread resets the connection.
            let _ = lines.read_line(&mut String::new());
        });
        let done = save(
            &socket,
            &path,
            &Asked {
                report: None,
                whole_disks: false,
                progress: Progress::of("nothing", true),
            },
        );
        runner.join().expect("nobody panics");
        let left = fs::read_dir(&folder.0).map(Iterator::count);
        assert_eq!(
            left.expect("the folder is there"),
            2,
            "nothing else is left"
        );
        (done, fs::read_to_string(&path).expect("it is there"))
    }

    #[test]
    fn a_file_has_no_name_until_it_takes_one_and_no_other_may_ever_read_it() {
        let folder = Folder::new("nameless", 0o700);
        let path = folder.0.join("one.save");
        let there = || {
            let entries = fs::read_dir(&folder.0).expect("it is there").flatten();
            let modes = entries.map(|e| e.metadata().expect("it is ours").permissions().mode());
            modes.map(|mode| mode & 0o7777).collect::<Vec<u32>>()
        };
        // Where the temporary directory has no such files, both are of the other kind.
        let never = nameless(&folder.0).is_err();
        for (old, named, goes) in [
            (false, false, false),
            (true, false, false),
            (false, true, false),
            (true, true, false),
            (false, false, true),
            (true, false, true),
            (false, true, true),
            (true, true, true),
        ] {
            let _ = fs::remove_file(&path);
            if old {
                fs::write(&path, "old").expect("the folder is ours");
                let mode = fs::Permissions::from_mode(0o600);
                fs::set_permissions(&path, mode).expect("it is ours");
            }
            let mut new = New::beside(&path).expect("the folder is ours");
            assert_eq!(new.named, never);
            if named && !never {
                new.file = New::hidden(&new.hidden).expect("the folder is ours");
                new.named = true;
            }
            (&new.file).write_all(b"new").expect("there is room");
            let said = fs::read_to_string(reached(&new.file)).expect("it can be read");
            assert_eq!(said, "new");
            let count = usize::from(old) + usize::from(named || never);
            assert_eq!(there(), vec![0o600; count], "{old} {named}");
            if goes {
                drop(new);
                assert_eq!(there(), vec![0o600; usize::from(old)]);
                continue;
            }
            new.takes(&path).expect("the folder is ours");
            new.stays().expect("the folder is ours");
            drop(new);
            let said = fs::read_to_string(&path).expect("it is there");
            assert_eq!((said.as_str(), there()), ("new", vec![0o600]));
        }
    }

    const SAVED: &str = "{\"saved\":{\"identity\":\"00\"}}\n";

    #[test]
    fn a_file_that_has_its_place_is_named_whatever_fails_then() {
        let (done, file) = saved("named", &[SAVED, "{\"stopping\":{}}\n"]);
        assert_eq!(
            (done.expect("it is saved").identity, file),
            ("00".into(), String::new())
        );
        for says in [
            &[SAVED][..],
            &[SAVED, "{\"error\":\"late\"}\n"],
            &[SAVED, "what\n"],
        ] {
            let (done, file) = saved("both", says);
            let words = format!("{:?}", done.err().expect("it goes on"));
            assert!(
                words.contains("is whole, and the guest may go on too"),
                "{words}"
            );
            assert_eq!(file, "");
        }
        for says in [&[][..], &["{\"error\":\"no\"}\n"], &["what\n"]] {
            let (done, file) = saved("old", says);
            let words = format!("{:?}", done.err().expect("it goes on"));
            assert!(!words.contains("is whole"), "{words}");
            assert_eq!(file, "old");
        }
    }
}
