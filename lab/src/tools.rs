//! The other programs that the lab needs: which are there, which packages bring the missing ones,
//! and how they are run so that an interrupt reaches them.

use crate::cache::{self, Scratch};
use crate::failure::{Failure, Result, say};
use std::env;
use std::fs::File;
use std::num::NonZero;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

/// Set by SIGINT, SIGTERM and SIGHUP; everything that waits looks at it.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// How often a waiting loop looks again.
pub const TICK: Duration = Duration::from_millis(15);

/// From now on, an interrupt ends what the lab is doing in an orderly way: children are killed and
/// temporary files removed.
pub fn catch_interrupts() -> Result<()> {
    ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed))
        .map_err(|e| Failure::environment(format!("cannot install a signal handler: {e}")))
}

/// Whether the lab was asked to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::Relaxed)
}

/// Where a program is on `PATH`.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        // Ordinary users of Debian do not have these two on their path.
        .chain([PathBuf::from("/usr/sbin"), PathBuf::from("/sbin")])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

/// A program of another package, and the Debian package that brings it.
pub type Need = (&'static str, &'static str);

/// What fetching from the package archive needs.
pub const ARCHIVE: &[Need] = &[("apt-get", "apt"), ("dpkg-deb", "dpkg"), ("tar", "tar")];

/// What building for arm64 on another architecture needs. The C library is told by its linker
/// script, because packages of headers and libraries bring no program.
pub const CROSS: &[Need] = &[
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu"),
    ("/usr/aarch64-linux-gnu/lib/libc.a", "libc6-dev-arm64-cross"),
];

/// Makes sure that the programs are there: installs their packages when running as root, otherwise
/// names the one line that does.
pub fn ensure(needs: &[Need]) -> Result<()> {
    let is_missing = |name: &str| match name.strip_prefix('/') {
        Some(_) => !PathBuf::from(name).exists(),
        None => find(name).is_none(),
    };
    let missing: Vec<&str> = needs
        .iter()
        .filter(|(name, _)| is_missing(name))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!(
        "apt-get install -y --no-install-recommends {}",
        missing.join(" ")
    );
    if !is_root() || find("apt-get").is_none() {
        return Err(Failure::environment(format!(
            "programs are missing here; install their packages and try again:\n    sudo {line}"
        )));
    }
    say(format_args!("installing what is missing: {line}"));
    // A fresh container has no package lists at all; a machine whose lists are old asks for
    // versions that are gone. Both are cured by an update, which is slow where it is not needed.
    let install = || {
        let mut command = Command::new("apt-get");
        command
            .args(["install", "-y", "--no-install-recommends", "-qq"])
            .args(&missing)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    };
    if run(install().stderr(Stdio::null()), None)?.success() {
        return Ok(());
    }
    let mut update = Command::new("apt-get");
    update.args(["update", "-qq"]).stdout(Stdio::null());
    run(&mut update, None)?;
    if run(&mut install(), None)?.success() {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "`{line}` failed; its own messages are above"
    )))
}

/// Whether this process runs as root.
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0)
}

/// Runs a command to its end, or kills it when the lab is interrupted or `limit` is over.
///
/// A command that was killed because of its limit ends with the status of SIGKILL.
pub fn run(command: &mut Command, limit: Option<Duration>) -> Result<ExitStatus> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .spawn()
        .map_err(|e| Failure::environment(format!("cannot run {name}: {e}")))?;
    wait(&mut child, limit)
}

/// Like [`run`], and returns what the command wrote to its standard output.
pub fn output(command: &mut Command) -> Result<(ExitStatus, Vec<u8>)> {
    let (status, said, _) = both(command.stderr(Stdio::inherit()))?;
    Ok((status, said))
}

/// Like [`output`], and kills the command when the lab is interrupted or `limit` is over.
pub fn output_within(command: &mut Command, limit: Duration) -> Result<(ExitStatus, Vec<u8>)> {
    let scratch = Scratch::new()?;
    let path = scratch.path().join("said");
    let file = File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let status = run(command.stdout(file), Some(limit))?;
    Ok((status, cache::read(&path)?))
}

/// What [`output`] tells, and what it wrote to its standard error where that goes nowhere else.
pub fn both(command: &mut Command) -> Result<(ExitStatus, Vec<u8>, Vec<u8>)> {
    let name = command.get_program().to_string_lossy().into_owned();
    let out = command
        .output()
        .map_err(|e| Failure::environment(format!("cannot run {name}: {e}")))?;
    if interrupted() {
        return Err(Failure::interrupted());
    }
    Ok((out.status, out.stdout, out.stderr))
}

/// The problems that a script printed, a line each. The last line counts; without it the script did not come to its end.
pub fn problems(script: &str, said: &[u8], status: ExitStatus) -> Vec<String> {
    let said = String::from_utf8_lossy(said);
    let mut lines: Vec<String> = said.lines().map(str::to_owned).collect();
    let count = lines.pop().unwrap_or_default();
    let ended = count.ends_with(" problems") && !count.starts_with("0 checked");
    if !ended || (lines.is_empty() != status.success()) {
        lines.push(format!(
            "{script} did not come to its end: {status}: {count}"
        ));
    }
    lines
}

/// The same command, which takes of the CPUs what others leave.
pub fn aside(command: Command) -> Command {
    let mut nice = Command::new("nice");
    nice.args(["-n", "19"])
        .arg(command.get_program())
        .args(command.get_args())
        .stdin(Stdio::null());
    if let Some(folder) = command.get_current_dir() {
        nice.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => nice.env(name, value),
            None => nice.env_remove(name),
        };
    }
    nice
}

/// How many emulated hosts this machine runs at a time without slowing each other down: each has
/// two CPUs.
pub fn hosts_at_a_time() -> usize {
    (thread::available_parallelism().map_or(1, NonZero::get) / 2).max(1)
}

/// Does something with each item, a few at a time; the results are in the order of the items. The
/// first failure stops the rest.
pub fn in_parallel<T: Sync, R: Send>(
    items: &[T],
    at_a_time: usize,
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, Result<R>)>> = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..at_a_time.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    if result.is_err() {
                        next.store(items.len(), Ordering::Relaxed);
                    }
                    if let Ok(mut results) = results.lock() {
                        results.push((at, result));
                    }
                }
            });
        }
    });
    let mut results = results
        .into_inner()
        .map_err(|_| Failure::bug("a thread panicked"))?;
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, result)| result).collect()
}

fn wait(child: &mut Child, limit: Option<Duration>) -> Result<ExitStatus> {
    let start = Instant::now();
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok(status),
            Ok(None) => {}
            Err(e) => return Err(Failure::environment(format!("cannot wait: {e}"))),
        }
        let over = limit.is_some_and(|l| start.elapsed() > l);
        if interrupted() || over {
            let _ = child.kill();
            let _ = child.wait();
            if interrupted() {
                return Err(Failure::interrupted());
            }
            // 9 is SIGKILL.
            return Ok(ExitStatus::from_raw(9));
        }
        thread::sleep(TICK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_too_long_is_killed_and_what_it_said_is_kept() {
        let said = |script: &str, limit| {
            let mut shell = Command::new("sh");
            output_within(shell.args(["-c", script]), limit).unwrap()
        };
        let (status, words) = said("echo a; exec sleep 600", Duration::from_millis(500));
        assert_eq!((status.signal(), &words[..]), (Some(9), &b"a\n"[..]));
        let (status, words) = said("echo b; exit 3", Duration::from_secs(60));
        assert_eq!((status.code(), &words[..]), (Some(3), &b"b\n"[..]));
    }

    #[test]
    fn results_keep_the_order_of_their_items() {
        let items: Vec<u64> = (0..50).collect();
        let double = in_parallel(&items, 4, |n| Ok(n * 2)).unwrap();
        assert_eq!(double, items.iter().map(|n| n * 2).collect::<Vec<_>>());
        let failing = in_parallel(&items, 4, |n| match n {
            7 => Err(Failure::bug("seven")),
            n => Ok(*n),
        });
        assert!(failing.is_err());
        assert!(
            in_parallel(&[] as &[u64], 4, |n| Ok(*n))
                .unwrap()
                .is_empty()
        );
    }
}
