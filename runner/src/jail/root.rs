//! An empty folder that becomes `/` of the guest's process (chroot(2)), where whoever starts it names one: for kernels
//! without Landlock it is what stands between a filter's error and the host's files.

use super::unjailed;
use crate::failure::Failure;
use nix::unistd::{chroot, fchdir, geteuid};
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Who may write to a folder beside its owner.
const OTHERS: u32 = 0o022;

/// Such a folder, open.
pub struct Root(File);

impl Root {
    /// The folder of that name.
    ///
    /// # Errors
    /// It cannot be opened, has something in it, or others may put something there.
    pub fn open(named: &str) -> Result<Self, Failure> {
        let wrong = |why: String| {
            Failure::environment(
                format!("`{named}` cannot be the root of the guest's process: {why}"),
                &["name an empty folder that is yours alone: `mkdir -m 700 DIR`"],
            )
        };
        let failed = |error: io::Error| wrong(error.to_string());
        let folder = OpenOptions::new()
            .read(true)
            .custom_flags(libc::O_DIRECTORY)
            .open(Path::new(named))
            .map_err(failed)?;
        let found = folder.metadata().map_err(failed)?;
        if found.uid() != 0 && found.uid() != geteuid().as_raw() {
            return Err(wrong(format!("it belongs to user {}", found.uid())));
        }
        if found.mode() & OTHERS != 0 {
            return Err(wrong(format!(
                "it has mode {:04o}, and others may write to it",
                found.mode() & 0o7777
            )));
        }
        let mut inside =
            fs::read_dir(format!("/proc/self/fd/{}", folder.as_raw_fd())).map_err(failed)?;
        if let Some(first) = inside.next() {
            let first = first.map_err(failed)?.file_name();
            return Err(wrong(format!("`{}` is in it", first.display())));
        }
        Ok(Self(folder))
    }

    /// Makes it `/`, and where this process is, for all of its threads: glibc's share that (CLONE_FS).
    ///
    /// # Errors
    /// Linux's, for want of CAP_SYS_CHROOT above all; it says that it has, and has not.
    pub fn enter(self) -> Result<(), Failure> {
        let failed = |error: io::Error| unjailed("chroot", &error);
        fchdir(&self.0)
            .and_then(|()| chroot("."))
            .map_err(|errno| failed(errno.into()))?;
        let place = |found: fs::Metadata| (found.dev(), found.ino());
        let folder = self.0.metadata().map(place).map_err(failed)?;
        for path in ["/", "."] {
            if fs::metadata(path).map(place).map_err(failed)? != folder {
                return Err(failed(io::Error::other(format!(
                    "`{path}` is another folder"
                ))));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::unix::fs::PermissionsExt as _;
    use std::{env, process};

    #[test]
    fn a_root_is_empty_and_nobody_elses() {
        let folder = env::temp_dir().join(format!("vmlock-root-{}", process::id()));
        let named = folder.to_str().expect("it is text");
        let why = || match Root::open(named) {
            Ok(_) => String::new(),
            Err(Failure::Environment(trouble)) => trouble.message,
            Err(_) => "another failure".to_owned(),
        };
        assert!(
            why().ends_with("No such file or directory (os error 2)"),
            "{}",
            why()
        );
        fs::create_dir(&folder).expect("the temporary directory takes folders");
        let mode = |mode| fs::set_permissions(&folder, Permissions::from_mode(mode)).expect("ours");
        mode(0o755);
        assert_eq!(why(), "");
        mode(0o775);
        assert!(why().contains("it has mode 0775"), "{}", why());
        mode(0o700);
        let file = folder.join("file");
        fs::write(&file, "").expect("it is ours");
        assert!(why().ends_with("`file` is in it"), "{}", why());
        fs::remove_dir_all(&folder).expect("it was made here");
        fs::write(&folder, "").expect("the temporary directory takes files");
        assert!(why().contains("Not a directory"), "{}", why());
        fs::remove_file(&folder).expect("it was made here");
    }
}
