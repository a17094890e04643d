//! What a proof rests on, as far as it can change within a boot of a host, and cheap to read: a proof holds as long as
//! all of it reads the same.
//!
//! The boot itself stands for its kernel, command line, firmware and silicon. Within it can change: this program, the
//! lock, who may answer in the kernel's place, the CPUs that the threads are held to, live patches, and KVM's parameters.
//! What cannot be read is no key, and no key is a proof anew.

use crate::cores::Cores;
use nix::dir::Dir;
use nix::fcntl::{AT_FDCWD, OFlag, openat};
use nix::sys::stat::Mode;
use sha2::{Digest, Sha256};
use std::ffi::{OsStr, OsString};
use std::fmt::Write as _;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read as _};
use std::os::fd::AsFd;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};
use vmlock_spec::plan::Emulation;

/// How long a program's file has to be as it is: what is written to it later carries a later time, whatever the
/// grain of the file system's clock (a tick of the kernel's, 10 ms at the most).
const SETTLED: Duration = Duration::from_millis(100);

/// How far the notes of a program's file are looked for; linkers put them in front.
const HEAD: usize = 4096;

/// Modules in sysfs.
const MODULES: &str = "sys/module";

/// KVM is one; on arm64 it is built in, and has nothing there but parameters.
const KVM: &str = "kvm";

/// Everything that a proof rests on, by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    name: String,
}

impl Key {
    /// Reads it; `None` where something of it cannot be read. `program`: as [`program`] says; `lock`: the [`digest`] of
    /// its file's bytes.
    pub fn read(program: &str, lock: &str, emulation: Emulation, cores: &Cores) -> Option<Self> {
        let host = host(Path::new("/")).ok()?;
        let cores = format!("{cores:#}");
        Some(Self::of(&host, program, lock, emulation, &cores))
    }

    fn of(host: &str, program: &str, lock: &str, emulation: Emulation, cores: &str) -> Self {
        let answers = match emulation {
            Emulation::Allowed => "where the kernel cannot",
            Emulation::Forbidden => "nowhere",
            Emulation::Preferred => "for interrupts",
            Emulation::PreferredCalls => "for calls",
        };
        let text = format!(
            "{host}program {program}\nlock {lock}\nthe runner answers {answers}\n{cores}\n"
        );
        Self {
            name: digest(text.as_bytes()),
        }
    }

    /// A name for files: lower-case letters, digits and `-`.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// `sha256-` and 64 hex digits.
pub fn digest(bytes: &[u8]) -> String {
    words(&Sha256::digest(bytes))
}

fn words(digest: &[u8]) -> String {
    format!("sha256-{}", hex(digest))
}

/// What tells this program from every other: its linker's digest of all of it (the build id), and its file, which was not
/// touched since. To read its two megabytes would take half as long as all the rest of a start.
pub fn program() -> Option<String> {
    let mut file = File::open("/proc/self/exe").ok()?;
    let unchanged = unchanged(&file.metadata().ok()?, SystemTime::now())?;
    let mut head = [0; HEAD];
    let size = file.read(&mut head).ok()?;
    let build = build(&head[..size])?;
    Some(format!("{build} in {unchanged}"))
}

/// The build id in the head of an ELF file: a note of 20 bytes, `NT_GNU_BUILD_ID` (3) of `GNU`.
fn build(head: &[u8]) -> Option<String> {
    const NOTE: &[u8] = b"\x04\0\0\0\x14\0\0\0\x03\0\0\0GNU\0";
    let at = head.windows(NOTE.len()).position(|bytes| bytes == NOTE)? + NOTE.len();
    Some(hex(head.get(at..at + 20)?))
}

/// What tells a file from itself before and after any change of it.
fn unchanged(file: &Metadata, now: SystemTime) -> Option<String> {
    let seconds = Duration::from_secs(file.ctime().try_into().ok()?);
    let changed = seconds + Duration::from_nanos(file.ctime_nsec().try_into().ok()?);
    let age = now.duration_since(SystemTime::UNIX_EPOCH + changed).ok()?;
    (age >= SETTLED).then(|| {
        format!(
            "device {} file {} size {} written {}.{:09} changed {}.{:09}",
            file.dev(),
            file.ino(),
            file.size(),
            file.mtime(),
            file.mtime_nsec(),
            file.ctime(),
            file.ctime_nsec()
        )
    })
}

/// What a host says of its boot, kernel and KVM, in lines. `root` is `/`.
///
/// # Errors
/// It cannot be read.
fn host(root: &Path) -> io::Result<String> {
    let mut text = String::new();
    let mut line = |words: &str, content: &[u8]| {
        let _ = writeln!(text, "{words} {}", hex(content));
    };
    let boot = root.join("proc/sys/kernel/random/boot_id");
    line("boot", &content(AT_FDCWD, &boot)?);
    // Identities of builds (ELF notes), of the kernel and of a module.
    let kernel = root.join("sys/kernel/notes");
    line("kernel", &content(AT_FDCWD, &kernel)?);
    let kvm = root.join(MODULES).join(KVM);
    for (file, content) in builds(&kvm)? {
        line(file, &content);
    }
    let mut parameters = folder(&kvm.join("parameters"))?;
    for name in names(&mut parameters)? {
        let told = content(&parameters, &name)?;
        line(
            &format!("parameter {}", hex(name.as_encoded_bytes())),
            &told,
        );
    }
    // A kernel without live patches has no such folder.
    let mut patches = optional(folder(&root.join("sys/kernel/livepatch")))?;
    for name in patches.as_mut().map_or(Ok(Vec::new()), names)? {
        let patch = root.join("sys/kernel/livepatch").join(&name);
        let enabled = content(AT_FDCWD, patch.join("enabled"))?;
        line(&format!("patch {}", hex(name.as_encoded_bytes())), &enabled);
        line("transition", &content(AT_FDCWD, patch.join("transition"))?);
        // Its folder has the name of its module (kernel/livepatch/core.c `klp_init_patch`). Nothing else tells one from
        // another that was loaded in its place.
        let builds = builds(&root.join(MODULES).join(&name))?;
        if builds.is_empty() {
            return Err(ErrorKind::NotFound.into());
        }
        for (file, content) in builds {
            line(file, &content);
        }
    }
    Ok(text)
}

/// What tells a module from every other build. A kernel that is configured so gives it neither, or one of them
/// (kernel/module/sysfs.c; CONFIG_MODULE_SRCVERSION_ALL, `--build-id`), and what is built in has none.
fn builds(module: &Path) -> io::Result<Vec<(&'static str, Vec<u8>)>> {
    let mut all = Vec::new();
    for file in ["srcversion", "notes/.note.gnu.build-id"] {
        if let Some(content) = optional(content(AT_FDCWD, module.join(file)))? {
            all.push((file, content));
        }
    }
    Ok(all)
}

/// What is not there says so.
fn optional<T>(read: io::Result<T>) -> io::Result<Option<T>> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// What a file in a folder says, by one call where that is enough: there are a dozen before every start, and a file of
/// procfs and sysfs that has less than a page gives all of it at once.
fn content(folder: impl AsFd, name: impl AsRef<OsStr>) -> io::Result<Vec<u8>> {
    const PAGE: usize = 4096;
    let file = openat(
        folder,
        name.as_ref(),
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    )?;
    let mut file = File::from(file);
    let mut content = vec![0; PAGE];
    let size = file.read(&mut content)?;
    content.truncate(size);
    if size == PAGE {
        file.read_to_end(&mut content)?;
    }
    Ok(content)
}

fn folder(path: &Path) -> io::Result<Dir> {
    let flags = OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    Ok(Dir::open(path, flags, Mode::empty())?)
}

/// What a folder holds, sorted.
fn names(folder: &mut Dir) -> io::Result<Vec<OsString>> {
    let mut all = Vec::new();
    for entry in folder.iter() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            all.push(OsStr::from_bytes(name).to_owned());
        }
    }
    all.sort();
    Ok(all)
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(DIGITS[usize::from(byte >> 4)].into());
        text.push(DIGITS[usize::from(byte & 0xf)].into());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::env;
    use std::fs;
    use std::path::PathBuf;
    use std::process;

    /// What a host says, as files below a folder that is gone with the test.
    struct Host(PathBuf);

    impl Host {
        fn new(name: &str) -> Self {
            let path = env::temp_dir().join(format!("vmlock-key-{name}-{}", process::id()));
            // Of an earlier process of that number.
            let _ = fs::remove_dir_all(&path);
            let host = Self(path);
            host.says("proc/sys/kernel/random/boot_id", "1d0b\n");
            host.says("sys/kernel/notes", "build");
            host.says("sys/module/kvm/parameters/halt_poll_ns", "500000\n");
            host.says("sys/kernel/livepatch/fix/enabled", "1\n");
            host.says("sys/kernel/livepatch/fix/transition", "0\n");
            host.says("sys/module/fix/srcversion", "123\n");
            host
        }
        fn says(&self, file: &str, words: &str) {
            let path = self.0.join(file);
            let folder = path.parent().expect("it has one");
            fs::create_dir_all(folder).expect("a folder of the test's own");
            fs::write(path, words).expect("a folder of the test's own");
        }
        fn forgets(&self, path: &str) {
            let path = self.0.join(path);
            let gone = match path.is_dir() {
                true => fs::remove_dir_all(path),
                false => fs::remove_file(path),
            };
            gone.expect("it is the test's own");
        }
        fn key(&self) -> Option<String> {
            host(&self.0).ok()
        }
    }

    impl Drop for Host {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn whatever_changes_on_a_host_is_another_key() {
        let host = Host::new("changes");
        let mut keys = vec![host.key().expect("all of it can be read")];
        for (file, words) in [
            ("proc/sys/kernel/random/boot_id", "another\n"),
            ("sys/kernel/notes", "another"),
            ("sys/module/kvm/parameters/halt_poll_ns", "0\n"),
            ("sys/module/kvm/parameters/mode", "nvhe\n"),
            ("sys/module/kvm/srcversion", "ABC\n"),
            ("sys/module/kvm/notes/.note.gnu.build-id", "ABC\n"),
            ("sys/kernel/livepatch/fix/enabled", "0\n"),
            ("sys/kernel/livepatch/fix/transition", "1\n"),
            // Another patch of that name.
            ("sys/module/fix/srcversion", "456\n"),
            ("sys/module/fix/notes/.note.gnu.build-id", "ABC\n"),
            ("sys/kernel/livepatch/more/enabled", "1\n"),
        ] {
            host.says(file, words);
            if file.contains("/more/") {
                assert_eq!(host.key(), None, "half a patch");
                host.says("sys/kernel/livepatch/more/transition", "0\n");
                assert_eq!(host.key(), None, "a patch without a build");
                host.says("sys/module/more/notes/.note.gnu.build-id", "DEF\n");
            }
            let key = host.key().expect("all of it can be read");
            assert!(!keys.contains(&key), "{file}");
            keys.push(key);
        }
        host.forgets("sys/kernel/livepatch");
        let key = host
            .key()
            .expect("a kernel without live patches is one, too");
        assert!(!keys.contains(&key));
    }

    #[test]
    fn what_cannot_be_read_is_no_key() {
        for file in [
            "proc/sys/kernel/random/boot_id",
            "sys/kernel/notes",
            "sys/module/kvm",
            "sys/kernel/livepatch/fix/enabled",
            "sys/kernel/livepatch/fix/transition",
            "sys/module/fix",
            "sys/module/fix/srcversion",
        ] {
            let host = Host::new("unread");
            host.forgets(file);
            assert_eq!(host.key(), None, "{file}");
        }
    }

    #[test]
    fn another_lock_program_cpu_or_answerer_is_another_key() {
        let of = |[host, program, lock, cores]: [&str; 4], emulation| {
            Key::of(host, program, lock, emulation, cores)
        };
        let words = ["host", "program", "lock", "cores"];
        let one = of(words, Emulation::Allowed);
        assert_eq!(one, of(words, Emulation::Allowed));
        let mut others = vec![
            of(words, Emulation::Forbidden),
            of(words, Emulation::Preferred),
            of(words, Emulation::PreferredCalls),
        ];
        for at in 0..words.len() {
            let mut other = words;
            other[at] = "another";
            others.push(of(other, Emulation::Allowed));
        }
        for other in others {
            assert_ne!(one, other);
        }
        let named = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        assert!(one.name().chars().all(named), "{}", one.name());
    }

    #[test]
    fn a_program_is_told_by_its_build() {
        let note = |kind: u8, id: u8| {
            let head = [4, 0, 0, 0, 20, 0, 0, 0, kind, 0, 0, 0];
            [b"\x7fELF", &head[..], b"GNU\0", &[id; 20]].concat()
        };
        assert_eq!(build(&note(3, 0xab)), Some("ab".repeat(20)));
        assert_eq!(build(&note(1, 0xab)), None, "another note");
        assert_eq!(build(&note(3, 0xab)[..39]), None, "cut off");
        assert_eq!(build(b""), None);
    }

    #[test]
    fn a_file_is_told_from_its_changed_self_once_it_has_settled() {
        let path = env::temp_dir().join(format!("vmlock-key-file-{}", process::id()));
        fs::write(&path, "one").expect("a file of the test's own");
        let file = fs::metadata(&path).expect("it is there");
        let at = |seconds: i64| {
            let changed = Duration::new(file.ctime() as u64, file.ctime_nsec() as u32);
            let time = SystemTime::UNIX_EPOCH + changed;
            match seconds {
                0.. => time + Duration::from_secs(seconds as u64),
                _ => time - Duration::from_secs(seconds.unsigned_abs()),
            }
        };
        assert_eq!(unchanged(&file, at(0)), None, "it has just been written");
        assert_eq!(unchanged(&file, at(-9)), None, "the clock has gone back");
        let one = unchanged(&file, at(1)).expect("it has settled");
        assert_eq!(unchanged(&file, at(2)), Some(one.clone()));
        std::thread::sleep(SETTLED);
        let open = File::options().write(true).open(&path);
        let time = SystemTime::UNIX_EPOCH;
        let altered = open.and_then(|f| f.set_modified(time));
        altered.expect("it is the test's own");
        let file = fs::metadata(&path).expect("it is there");
        assert_ne!(unchanged(&file, at(9)), Some(one));
        fs::remove_file(&path).expect("it is the test's own");
    }
}
