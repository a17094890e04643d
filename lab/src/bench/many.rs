//! A checkout with many descriptions: how long `vmlock lock` takes over all of them where none has a lock yet, and
//! `vmlock lock --check` once each has, as CI asks it.

use super::commands::{NOTHING, cpu_of_children};
use super::{Measure, median};
use crate::cache::{self, Cache};
use crate::failure::{Failure, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;

/// Folders with descriptions, and how many are in each.
const FOLDERS: usize = 50;
const IN_EACH: usize = 10;
/// How many that makes.
const DESCRIPTIONS: usize = FOLDERS * IN_EACH;
/// How long either may take, in milliseconds.
const LIMIT: f64 = 1000.0;
/// The description that all of them are, but for the machine's name.
const EXAMPLE: (&str, &str) = ("examples/portable.vm.kdl", "vm \"portable\"");
/// Folders that are left out, git's own and one that it is told to ignore: what lies there as a description is none.
const LEFT_OUT: [&str; 2] = [".git", "build"];

/// Wall-clock times over all of them, reading, writing and the disk included.
pub(super) fn times(
    cache: &Cache,
    root: &Path,
    compiler: &Path,
    runs: u32,
) -> Result<Vec<Measure>> {
    let scratch = cache.scratch()?;
    let checkout = scratch.path().join("checkout");
    fill(root, &checkout)?;
    let copy = scratch.path().join("copy");
    let whole = [checkout.as_os_str(), copy.as_os_str()];
    let (mut cold, mut copied, mut check, mut nothing) =
        <(Vec<_>, Vec<_>, Vec<_>, Vec<_>)>::default();
    for _ in 0..runs {
        remove_locks(&checkout)?;
        cold.push(run(Command::new(compiler)
            .arg("lock")
            .current_dir(&checkout))?);
        // A lock for each: nobody has told this command where they are.
        check.push(run(Command::new(compiler)
            .args(["lock", "--check"])
            .current_dir(&checkout))?);
        every_lock(&checkout)?;
        let files = run(Command::new("cp").arg("-r").args(whole))?;
        let synced = run(Command::new("sync").arg("-f").arg(&copy))?;
        copied.push(files.and(synced));
        fs::remove_dir_all(&copy).map_err(|e| Failure::file("remove", &copy, &e))?;
        let mut idle = Took::default();
        for _ in 0..DESCRIPTIONS {
            idle = idle.and(run(Command::new(compiler).args(NOTHING))?);
        }
        nothing.push(idle);
    }
    let beside = format!("{DESCRIPTIONS} runs of `vmlock {}`", NOTHING.join(" "));
    Ok(vec![
        measure(
            "lock",
            &cold,
            "`cp -r` and `sync -f` of all these files",
            &copied,
        ),
        measure("lock --check", &check, &beside, &nothing),
    ])
}

fn measure(command: &str, times: &[Took], beside: &str, others: &[Took]) -> Measure {
    let middle =
        |of: fn(&Took) -> f64, times: &[Took]| median(&times.iter().map(of).collect::<Vec<_>>());
    let wall = middle(|took| took.wall, times);
    let other = middle(|took| took.wall, others);
    Measure::new(
        format!("vmlock {command}, {DESCRIPTIONS} descriptions in {FOLDERS} folders"),
        wall,
        "ms",
        LIMIT,
        format!(
            "wall clock on all processors, the disk included, {:.0} ms of CPU time; {:.2} of {beside} in the same run \
             ({other:.0} ms); medians of {}",
            middle(|took| took.cpu, times),
            wall / other,
            times.len()
        ),
    )
}

/// The descriptions, as a checkout has them.
fn fill(root: &Path, checkout: &Path) -> Result<()> {
    let text = String::from_utf8_lossy(&cache::read(&root.join(EXAMPLE.0))?).into_owned();
    if !text.contains(EXAMPLE.1) {
        return Err(Failure::bug(format!("{} has another name", EXAMPLE.0)));
    }
    for (number, stem) in stems(checkout).enumerate() {
        let name = format!("vm \"m{number:03}\"");
        write(
            &stem.with_extension("vm.kdl"),
            &text.replacen(EXAMPLE.1, &name, 1),
        )?;
    }
    for folder in LEFT_OUT {
        write(
            &checkout.join(folder).join("none.vm.kdl"),
            "this is no description",
        )?;
    }
    write(&checkout.join(".gitignore"), "/build/\n")
}

fn stems(checkout: &Path) -> impl Iterator<Item = PathBuf> {
    (0..DESCRIPTIONS).map(move |number| {
        let (folder, file) = (number / IN_EACH, number % IN_EACH);
        checkout.join(format!("service-{folder:02}/machine-{file}"))
    })
}

fn locks(checkout: &Path) -> impl Iterator<Item = PathBuf> {
    stems(checkout).map(|stem| stem.with_extension("vm.lock.json"))
}

/// Without waiting for the disk each time: nothing of it is to outlive anything.
fn write(path: &Path, text: &str) -> Result<()> {
    cache::make_dir(path.parent().unwrap_or(path))?;
    fs::write(path, text).map_err(|e| Failure::file("write", path, &e))
}

/// Those of the round before.
fn remove_locks(checkout: &Path) -> Result<()> {
    for lock in locks(checkout).filter(|lock| lock.exists()) {
        fs::remove_file(&lock).map_err(|e| Failure::file("remove", &lock, &e))?;
    }
    Ok(())
}

fn every_lock(checkout: &Path) -> Result<()> {
    match locks(checkout).find(|lock| !lock.exists()) {
        Some(lock) => Err(Failure::environment(format!(
            "`vmlock lock` has not written {}",
            lock.display()
        ))),
        None => Ok(()),
    }
}

/// What a process took, in milliseconds.
#[derive(Clone, Copy, Default)]
struct Took {
    wall: f64,
    /// On all processors.
    cpu: f64,
}

impl Took {
    /// One after the other.
    fn and(self, next: Self) -> Self {
        Self {
            wall: self.wall + next.wall,
            cpu: self.cpu + next.cpu,
        }
    }
}

/// One run that ends well.
fn run(command: &mut Command) -> Result<Took> {
    let (before, began) = (cpu_of_children()?, Instant::now());
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|e| Failure::environment(format!("cannot run {command:?}: {e}")))?;
    let wall = began.elapsed();
    match status.success() {
        true => Ok(Took {
            wall: wall.as_secs_f64() * 1e3,
            cpu: cpu_of_children()?.saturating_sub(before).as_secs_f64() * 1e3,
        }),
        false => Err(Failure::environment(format!(
            "{command:?} ended with {status}"
        ))),
    }
}
