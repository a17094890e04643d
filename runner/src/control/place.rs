//! Where a control socket may be: in a folder that nobody else can look into, so that who connects is who may.

use crate::failure::Failure;
use crate::passed;
use crate::unix::{PATH, connect, listens};
use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};
use nix::unistd::geteuid;
use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd as _, AsRawFd as _, RawFd};
use std::os::unix::fs::{
    FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Mode of the folder, and of the socket.
const FOLDER: u32 = 0o700;
const SOCKET: u32 = 0o600;
/// The bits of a mode that let anybody do anything.
const MODE: u32 = 0o7777;
/// How often a folder that another program holds is tried again, and how soon.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// A folder that is open, and the name of a socket in it.
struct Place {
    folder: File,
    name: PathBuf,
}

impl Place {
    fn of(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(ErrorKind::InvalidInput)?;
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY)
            .open(folder)?;
        Ok(Self {
            name: PathBuf::from(name),
            folder,
        })
    }

    /// A path to it that is short, and in this very folder whatever becomes of the folder's own name.
    fn path(&self) -> PathBuf {
        let folder = format!("/proc/self/fd/{}", self.folder.as_raw_fd());
        Path::new(&folder).join(&self.name)
    }
}

/// Listens there, with a socket that words call by that name. Who asks for one thing after another has to wait; whoever
/// serves it does not.
///
/// # Errors
/// The folder is somebody else's or open to others, somebody listens there already, or the name is taken by something else.
pub fn listen(name: &str, path: &Path) -> Result<UnixListener, Failure> {
    let wrong = |why: &str, help: &str| {
        let words = format!(
            "the {name} socket `{}` cannot be had: {why}",
            path.display()
        );
        Failure::environment(words, &[help])
    };
    let parent = path
        .parent()
        .map(|p| p.display().to_string())
        .unwrap_or_default();
    let parent = if parent.is_empty() { "." } else { &parent };
    let make =
        format!("make a folder for it: `mkdir -m 700 {parent}`, as the user who starts the guest");
    let place = Place::of(path).map_err(|e| wrong(&e.to_string(), &make))?;
    let failed = |e: io::Error| wrong(&e.to_string(), "look at the path");
    let found = place.folder.metadata().map_err(failed)?;
    if found.uid() != geteuid().as_raw() {
        return Err(wrong(
            &format!("its folder belongs to user {}", found.uid()),
            &make,
        ));
    }
    if found.mode() & MODE != FOLDER {
        let why = format!(
            "its folder has mode {:04o}, and others may look into it",
            found.mode() & MODE
        );
        return Err(wrong(&why, &format!("`chmod 700 {parent}`, or {make}")));
    }
    if place.path().as_os_str().len() >= PATH {
        return Err(wrong(
            "its name is too long for a socket's",
            "give it a shorter name",
        ));
    }
    // Two that find the same stale one would take it from each other. Several that start at once wait for each other.
    let mut alone = place.folder.try_clone().map_err(failed)?;
    let mut tries = TRIES;
    let alone = loop {
        match Flock::lock(alone, FlockArg::LockExclusiveNonblock) {
            Ok(alone) => break alone,
            Err((again, Errno::EAGAIN)) if tries > 0 => {
                (alone, tries) = (again, tries - 1);
                thread::sleep(PAUSE);
            }
            Err((_, errno)) => {
                return Err(wrong(
                    &format!("another program holds its folder ({errno})"),
                    "try again",
                ));
            }
        }
    };
    clear(&place).map_err(|e| match e.kind() {
        ErrorKind::AddrInUse => wrong(
            "somebody listens there",
            "another runner has it: name another one",
        ),
        ErrorKind::AlreadyExists => {
            wrong("there is something else of that name", "name another one")
        }
        _ => failed(e),
    })?;
    let listener = UnixListener::bind(place.path()).map_err(failed)?;
    fs::set_permissions(place.path(), Permissions::from_mode(SOCKET)).map_err(failed)?;
    let made = fs::symlink_metadata(place.path()).map_err(failed)?;
    if made.mode() & MODE != SOCKET || !made.file_type().is_socket() {
        return Err(wrong(
            "its file system does not keep modes",
            "put it elsewhere, such as below /run",
        ));
    }
    listener.set_nonblocking(true).map_err(failed)?;
    drop(alone);
    Ok(listener)
}

/// The socket that was passed in as that descriptor, which listens already. Whoever passed it in has seen to it who can
/// connect; who does is asked all the same.
///
/// # Errors
/// It is none.
pub fn passed_in(name: &str, number: RawFd) -> Result<UnixListener, Failure> {
    let socket = || {
        let fd = passed::take(number)?;
        if !listens(fd.as_fd()).map_err(|e| e.to_string())? {
            return Err("it is a socket that does not listen".to_owned());
        }
        let listener = UnixListener::from(fd);
        let is_unix = listener.local_addr().map(|_| ());
        is_unix
            .and_then(|()| listener.set_nonblocking(true))
            .map_err(|e| e.to_string())?;
        Ok(listener)
    };
    socket().map_err(|why: String| {
        Failure::environment(
            format!("the {name} socket `fd:{number}` cannot be had: {why}"),
            &["pass a Unix stream socket that listens (systemd: `ListenStream=` and `--control fd:3`)"],
        )
    })
}

/// Takes away a socket at which nobody listens any more.
fn clear(place: &Place) -> io::Result<()> {
    let path = place.path();
    match fs::symlink_metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => return Err(ErrorKind::AlreadyExists.into()),
        Ok(_) => {}
    }
    match connect(&path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(&path),
        // A queue that is full is somebody's.
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ErrorKind::AddrInUse.into()),
        Err(error) => Err(error),
        Ok(_) => Err(ErrorKind::AddrInUse.into()),
    }
}

/// Connects to a socket, however long its path is.
///
/// # Errors
/// The host's.
pub fn reach(path: &Path) -> io::Result<UnixStream> {
    if path.file_name().and_then(OsStr::to_str) == Some("") {
        return Err(ErrorKind::InvalidInput.into());
    }
    connect(&Place::of(path)?.path())
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::failure::Failure;
    use std::{env, process};

    /// A folder of its own with that mode, gone with the test.
    pub struct Folder(pub PathBuf);

    impl Folder {
        pub fn new(name: &str, mode: u32) -> Self {
            let path = env::temp_dir().join(format!("vmlock-control-{}-{name}", process::id()));
            fs::create_dir(&path).expect("the temporary directory takes folders");
            fs::set_permissions(&path, Permissions::from_mode(mode)).expect("it is ours");
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            // What is left behind is left in the temporary directory.
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn refused(path: &Path) -> String {
        match listen("control", path) {
            Err(Failure::Environment(trouble)) => {
                format!("{}; {}", trouble.message, trouble.help.join("; "))
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_socket_is_for_its_user_alone_and_its_folder_too() {
        let folder = Folder::new("mode", 0o700);
        let path = folder.0.join("web.sock");
        let listener = listen("control", &path).expect("the folder is ours");
        let made = fs::symlink_metadata(&path).expect("it is there");
        assert_eq!(made.mode() & MODE, SOCKET);
        assert!(refused(&path).contains("somebody listens there"));
        reach(&path).expect("somebody listens");
        drop(listener);
        // A stale one is replaced.
        listen("control", &path).expect("nobody listens any more");
        for mode in [0o755, 0o710, 0o770, 0o1700, 0o600] {
            fs::set_permissions(&folder.0, Permissions::from_mode(mode)).expect("it is ours");
            let words = refused(&path);
            assert!(
                words.contains("chmod 700") || words.contains("denied"),
                "{mode:o}: {words}"
            );
        }
        fs::set_permissions(&folder.0, Permissions::from_mode(0o700)).expect("it is ours");
    }

    #[test]
    fn what_is_no_socket_stays_and_a_long_path_is_no_trouble() {
        let folder = Folder::new("other", 0o700);
        let file = folder.0.join("notes");
        fs::write(&file, "mine").expect("it takes files");
        assert!(refused(&file).contains("something else"));
        assert_eq!(
            fs::read_to_string(&file).expect("it is still there"),
            "mine"
        );
        let link = folder.0.join("link");
        std::os::unix::fs::symlink("notes", &link).expect("it takes links");
        assert!(refused(&link).contains("something else"));
        let deep = folder.0.join("d".repeat(150));
        fs::create_dir(&deep).expect("it takes folders");
        fs::set_permissions(&deep, Permissions::from_mode(FOLDER)).expect("it is ours");
        let listener = listen("control", &deep.join("s")).expect("its name is short");
        reach(&deep.join("s")).expect("somebody listens");
        drop(listener);
        assert!(refused(&deep.join("s".repeat(120))).contains("too long"));
        assert!(refused(&folder.0.join("none/s")).contains("mkdir -m 700"));
        assert!(refused(Path::new("/")).contains("cannot be had"));
    }

    #[test]
    fn a_folder_that_somebody_holds_is_left_alone() {
        let folder = Folder::new("held", 0o700);
        let open = File::open(&folder.0).expect("it is ours");
        let held = Flock::lock(open, FlockArg::LockExclusiveNonblock).expect("nobody has it");
        assert!(refused(&folder.0.join("s")).contains("another program holds"));
        drop(held);
        listen("control", &folder.0.join("s")).expect("nobody holds it");
    }
}
