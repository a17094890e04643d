//! Building packages of the workspace as static arm64 programs, on any machine.
//!
//! Where the Rust toolchain has the target, that is plain cargo. Where it has not and no
//! toolchain server answers, the standard library is built too, from the source package that Debian has of exactly
//! this version of the compiler.

use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use crate::packages::{self, Index};
use crate::provenance;
use crate::tools;
use serde_json::Value;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use vmlock_witness_image::Front;

/// The package that runs inside hosts.
pub const RUNNER: &str = "vmlock-run";

/// The package at both ends of a connection between a guest and its host.
pub const AGENT: &str = "vmlock-lab-agent";

/// The target of every program for a host.
pub const TARGET: &str = "aarch64-unknown-linux-gnu";

/// What the folder of other people's packages is called in programs.
const PACKAGES: &str = "/cargo";

/// How long `rustup` may take. Where its server cannot be reached it never ends.
const RUSTUP_LIMIT: Duration = Duration::from_secs(10);

/// Builds a package as a static arm64 program; the result is the program's path.
pub fn build(cache: &Cache, package: &str) -> Result<PathBuf> {
    cargo_build(cache, package, &[])
}

/// The same hardly optimised, which takes a fraction of the time, and is no other program. It is built beside
/// whatever else this machine has to do.
pub fn build_aside_for_its_answers(cache: &Cache, package: &str) -> Result<PathBuf> {
    let root = workspace()?;
    let target = target_dir(&root);
    build_as(cache, &root, &target, package, "quick", &[], tools::aside)
}

/// An example of a package as a static arm64 program, built as the package's own program is. Of packages that both
/// need, those are built once of which the package's tests ask for no more features than its program does: of the
/// runner, the example is 20 to 40 s more on two cores. The profile `quick`, of which nothing is there yet, takes longer.
pub fn build_example(cache: &Cache, package: &str, example: &str) -> Result<PathBuf> {
    cargo_build(cache, package, &["--example", example])
}

/// The same with a feature of the package, as a program of another name.
pub fn build_with(cache: &Cache, package: &str, feature: &str) -> Result<PathBuf> {
    let built = cargo_build(cache, package, &["--features", feature])?;
    let path = built.with_file_name(format!("{package}-{feature}"));
    fs::copy(&built, &path).map_err(|e| Failure::file("write", &path, &e))?;
    // Cargo has put it where the ordinary one was.
    build(cache, package)?;
    Ok(path)
}

fn cargo_build(cache: &Cache, package: &str, more: &[&str]) -> Result<PathBuf> {
    let root = workspace()?;
    build_in(cache, &root, &target_dir(&root), package, more)
}

/// The same of the checkout at `root`, into `target`.
pub fn build_in(
    cache: &Cache,
    root: &Path,
    target: &Path,
    package: &str,
    more: &[&str],
) -> Result<PathBuf> {
    let profile = match package {
        RUNNER => "runner",
        _ => "release",
    };
    let at_once = |command| command;
    build_as(cache, root, target, package, profile, more, at_once)
}

/// The same by a profile and in a manner that the caller chooses.
pub fn build_as(
    cache: &Cache,
    root: &Path,
    target: &Path,
    package: &str,
    profile: &str,
    more: &[&str],
    manner: impl FnOnce(Command) -> Command,
) -> Result<PathBuf> {
    if package != AGENT {
        provenance::check_tables(root)?;
    }
    if package == RUNNER {
        provenance::check(root)?;
    }
    let mut command = arm64_cargo(cache, root, target, "build")?;
    command.args(more);
    built(manner(command), package, profile)
}

/// Builds a package of the checkout at `root` with musl into `target`, as a static program for any Linux of that triple:
/// the toolchain brings musl and the linker, so nothing of the machine is in it.
pub fn build_with_musl(
    root: &Path,
    target: &Path,
    package: &str,
    triple: &str,
    profile: &str,
    manner: impl FnOnce(Command) -> Command,
) -> Result<PathBuf> {
    provenance::check_tables(root)?;
    ensure_musl(root, triple)?;
    let mut flags = vec!["-Ctarget-feature=+crt-static".to_owned()];
    for (from, to) in named_otherwise(root, target, None)? {
        flags.push(format!("--remap-path-prefix={from}={to}"));
    }
    let linker = format!(
        "CARGO_TARGET_{}_LINKER",
        triple.to_uppercase().replace('-', "_")
    );
    let mut command = cargo_in(root);
    command
        .args(["build", "--locked", "--target", triple, "--target-dir"])
        .arg(target)
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env(linker, "rust-lld");
    built(manner(command), package, profile)
}

/// Makes sure that the toolchain has a target with musl.
pub fn ensure_musl(root: &Path, triple: &str) -> Result<()> {
    let rust = Rust::find(root)?;
    if rust.has(triple) || rust.add(triple)? {
        return Ok(());
    }
    Err(Failure::environment(format!(
        "the Rust toolchain has no target {triple}, and rustup gave none within {} s. Its standard library comes with \
         musl, which nothing here takes the place of: run `rustup target add {triple}` with a connection, and try again",
        RUSTUP_LIMIT.as_secs()
    )))
}

/// Runs a build that is set up but for what is built; the result is the program's path.
fn built(mut command: Command, package: &str, profile: &str) -> Result<PathBuf> {
    command
        .args(["--package", package, "--profile", profile])
        .args(["--message-format", "json-render-diagnostics"]);
    let (status, messages) = tools::output(&mut command)?;
    if !status.success() {
        return Err(Failure::environment(format!(
            "{package} could not be built; cargo's own messages are above"
        )));
    }
    executable(&messages, package).ok_or_else(|| {
        Failure::environment(format!(
            "cargo built {package} and named no program; is it a library?"
        ))
    })
}

/// Lints the runner as it is compiled for arm64, on other machines most of it is compiled for nothing else, and the
/// witness.
pub fn lint(cache: &Cache) -> Result<bool> {
    let root = workspace()?;
    let runner = &["--package", RUNNER, "--bins"][..];
    // By itself: what examples are built with, packages of the tests among it, the program that is shipped has not.
    let examples = &["--package", RUNNER, "--examples"][..];
    let facts = &["--package", "vmlock-lab-facts", "--bins"][..];
    let witness = &["--manifest-path", "witness/Cargo.toml"][..];
    for (what, features) in [
        (runner, "torture"),
        (examples, "torture"),
        (facts, ""),
        (witness, "torture"),
        (witness, "portable"),
        (witness, "living"),
    ] {
        let mut command = arm64_cargo(cache, &root, &target_dir(&root), "clippy")?;
        command
            .args(what)
            .args(["--locked", "--features", features, "--", "-D", "warnings"]);
        if !tools::run(&mut command, None)?.success() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Cargo with everything set for static arm64 programs, in which no path of this machine remains: the same source gives
/// the same bytes wherever it lies.
fn arm64_cargo(cache: &Cache, root: &Path, target: &Path, verb: &str) -> Result<Command> {
    let is_native = env::consts::ARCH == "aarch64";
    if !is_native {
        tools::ensure(tools::CROSS)?;
    }
    let source = Rust::find(root)?.library(cache)?;
    let mut flags = vec![
        "-Ctarget-feature=+crt-static".to_owned(),
        "-Crelocation-model=static".to_owned(),
    ];
    for (from, to) in named_otherwise(root, target, source.as_deref())? {
        flags.push(format!("--remap-path-prefix={from}={to}"));
    }
    let mut command = cargo_in(root);
    command
        .args([verb, "--target", TARGET, "--target-dir"])
        .arg(target)
        // Flags of the caller's own would come beside ours or in their place.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        // Paths may hold spaces, at which plain RUSTFLAGS are split.
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"));
    if !is_native {
        command.env(
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER",
            "aarch64-linux-gnu-gcc",
        );
    }
    if let Some(source) = source {
        command
            .env("RUSTC_BOOTSTRAP", "1")
            .env("__CARGO_TESTS_ONLY_SRC_ROOT", source)
            // By the environment, so that a cargo that is started by a build script has it too.
            .env("CARGO_UNSTABLE_BUILD_STD", "std,panic_abort");
    }
    Ok(command)
}

/// A witness of the checkout at `root`, built into `target`.
pub fn witness(cache: &Cache, root: &Path, target: &Path, front: Front) -> Result<Vec<u8>> {
    let is_native = env::consts::ARCH == "aarch64";
    let mut settings: Vec<(OsString, OsString)> = Vec::new();
    if !is_native {
        tools::ensure(tools::CROSS)?;
        settings.push((
            "CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER".into(),
            "aarch64-linux-gnu-gcc".into(),
        ));
    }
    if let Some(source) = Rust::find(root)?.library(cache)? {
        settings.push(("RUSTC_BOOTSTRAP".into(), "1".into()));
        settings.push(("__CARGO_TESTS_ONLY_SRC_ROOT".into(), source.into()));
        settings.push(("CARGO_UNSTABLE_BUILD_STD".into(), "core".into()));
    }
    let witness = root.join("witness");
    vmlock_witness_image::build(&witness, target, front, &settings).map_err(Failure::environment)
}

/// Which tools make a witness, a line each: other ones may make other bytes of it.
pub fn witness_tools(cache: &Cache, root: &Path) -> Result<String> {
    let rust = Rust::find(root)?;
    let core = match rust.library(cache)? {
        None => "the toolchain's core",
        Some(_) => "core built from source",
    };
    let linker = match env::consts::ARCH {
        "aarch64" => "ld",
        _ => "aarch64-linux-gnu-ld",
    };
    let (_, words) = tools::output(Command::new(linker).arg("--version"))?;
    let words = String::from_utf8_lossy(&words);
    let words = words.lines().next().unwrap_or_default();
    Ok(format!("rustc {}, {core}\n{words}\n", rust.release))
}

/// What paths of this machine are called in programs: messages of panics name source files. The last one that fits
/// counts.
fn named_otherwise(
    root: &Path,
    target: &Path,
    library: Option<&Path>,
) -> Result<Vec<(String, &'static str)>> {
    let mut names = vec![
        (root.to_owned(), "/vmlock"),
        // Where it is relative, it is so to where cargo runs.
        (root.join(cargo_home()?).join("registry/src"), PACKAGES),
        (target.to_owned(), "/target"),
    ];
    names.extend(library.map(|path| (path.to_owned(), "/rust/library")));
    let text = |(path, name): (PathBuf, &'static str)| match path.into_os_string().into_string() {
        Ok(path) => Ok((path, name)),
        Err(path) => Err(Failure::environment(format!(
            "the path {} is no text, which rustc wants; build elsewhere",
            path.display()
        ))),
    };
    names.into_iter().map(text).collect()
}

/// Where cargo keeps the source of other people's packages.
pub fn cargo_home() -> Result<PathBuf> {
    let home = |name: &str| {
        env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    home("CARGO_HOME")
        .or_else(|| home("HOME").map(|home| home.join(".cargo")))
        .ok_or_else(|| Failure::environment("neither CARGO_HOME nor HOME is set"))
}

/// What is wrong with the paths in a program that was built by [`build`]: none of this machine's is in it.
pub fn paths_within(cache: &Cache, program: &Path) -> Result<Vec<String>> {
    let bytes = crate::cache::read(program)?;
    let holds = |text: &str| {
        bytes
            .windows(text.len())
            .any(|part| part == text.as_bytes())
    };
    let root = workspace()?;
    let library = Rust::find(&root)?.library(cache)?;
    let names = named_otherwise(&root, &target_dir(&root), library.as_deref())?;
    let mut problems = Vec::new();
    for (path, name) in names {
        if holds(&path) {
            problems.push(format!(
                "{path} is in {}, and not as {name}",
                program.display()
            ));
        }
    }
    // Else nothing was looked for where paths are.
    if !holds(PACKAGES) {
        problems.push(format!("no path of {PACKAGES} is in {}", program.display()));
    }
    Ok(problems)
}

/// Picks the program out of cargo's messages, one JSON object per line.
fn executable(messages: &[u8], package: &str) -> Option<PathBuf> {
    let mut found = None;
    for line in messages.split(|b| *b == b'\n') {
        let Ok(message) = serde_json::from_slice::<Value>(line) else {
            continue;
        };
        let Some(path) = message["executable"].as_str() else {
            continue;
        };
        // A package may have several programs; the one of its own name is meant.
        if message["target"]["name"] == package {
            return Some(PathBuf::from(path));
        }
        found.get_or_insert_with(|| PathBuf::from(path));
    }
    found
}

/// Builds a package for this machine as it is shipped; the result is the program's path.
pub fn build_native(package: &str) -> Result<PathBuf> {
    build_here(package, "release")
}

/// Builds a package for this machine without optimising it, which is several times faster.
pub fn build_quickly(package: &str) -> Result<PathBuf> {
    build_here(package, "dev")
}

fn build_here(package: &str, profile: &str) -> Result<PathBuf> {
    let mut command = cargo_in(&workspace()?);
    command
        .args(["build", "--quiet", "--profile", profile])
        .args(["--package", package])
        .args(["--message-format", "json-render-diagnostics"]);
    let (status, messages) = tools::output(&mut command)?;
    match executable(&messages, package) {
        Some(path) if status.success() => Ok(path),
        _ => Err(Failure::environment(format!(
            "{package} could not be built; cargo's own messages are above"
        ))),
    }
}

/// Cargo, in a directory, without anything to read.
pub fn cargo_in(dir: &Path) -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(dir).stdin(Stdio::null());
    command
}

/// A directory of its own: another target's build must not make the ordinary one stale.
pub fn target_dir(root: &Path) -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| root.join("target"), |dir| root.join(dir))
        .join("arm64")
}

/// The checkout: that around the current directory, or else the one that the lab was built from.
pub fn workspace() -> Result<PathBuf> {
    let is_ours =
        |dir: &Path| dir.join("Cargo.toml").is_file() && dir.join("runner/Cargo.toml").is_file();
    if let Ok(here) = env::current_dir()
        && let Some(dir) = here.ancestors().find(|dir| is_ours(dir))
    {
        return Ok(dir.to_owned());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .filter(|dir| is_ours(dir))
        .map(Path::to_owned)
        .ok_or_else(|| {
            Failure::environment(
                "the source of vmlock-run is not here; run vmlock-lab inside a checkout of vmlock, \
                 or give a built program with --program PATH",
            )
        })
}

/// The Rust compiler that cargo uses.
pub struct Rust {
    /// `1.95.0`
    pub release: String,
    /// The version of the LLVM that it is made with.
    pub llvm: String,
    /// Where its own files are.
    pub sysroot: PathBuf,
}

impl Rust {
    /// Asks it.
    pub fn find(root: &Path) -> Result<Self> {
        let ask = |args: &[&str]| -> Result<String> {
            let mut command = Command::new("rustc");
            command.current_dir(root).args(args);
            let (status, out) = tools::output(&mut command)?;
            if status.success() {
                Ok(String::from_utf8_lossy(&out).trim().to_owned())
            } else {
                Err(Failure::environment("rustc does not say its version"))
            }
        };
        let version = ask(&["-vV"])?;
        let told = |of: &str| {
            let line = version.lines().find_map(|line| line.strip_prefix(of));
            line.map(str::to_owned)
                .ok_or_else(|| Failure::environment("rustc does not say its version"))
        };
        Ok(Self {
            release: told("release: ")?,
            llvm: told("LLVM version: ")?,
            sysroot: PathBuf::from(ask(&["--print", "sysroot"])?),
        })
    }

    fn has_target(&self) -> bool {
        self.has(TARGET)
    }

    fn has(&self, triple: &str) -> bool {
        self.sysroot
            .join("lib/rustlib")
            .join(triple)
            .join("lib")
            .is_dir()
    }

    /// Asks rustup for a target, where there is one; whether it is there now.
    fn add(&self, triple: &str) -> Result<bool> {
        if tools::find("rustup").is_none() {
            return Ok(false);
        }
        say(format_args!("adding the target {triple} with rustup"));
        let mut rustup = Command::new("rustup");
        rustup
            .args(["target", "add", triple])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        Ok(tools::run(&mut rustup, Some(RUSTUP_LIMIT))?.success() && self.has(triple))
    }

    /// Where the source of the standard library is, if it has to be built.
    fn library(&self, cache: &Cache) -> Result<Option<PathBuf>> {
        if self.has_target() {
            return Ok(None);
        }
        let inner = format!("rust-src/{}/library", self.release);
        let place = cache.path(&inner);
        if place.is_dir() {
            return Ok(Some(place));
        }
        let _guard = cache.lock()?;
        if place.is_dir() {
            return Ok(Some(place));
        }
        if tools::find("rustup").is_some() {
            if self.add(TARGET)? {
                return Ok(None);
            }
            say(format_args!(
                "rustup gave nothing within {} s; building the standard library from Debian's source package instead",
                RUSTUP_LIMIT.as_secs()
            ));
        }
        self.fetch_library(cache, &place)?;
        Ok(Some(place))
    }

    /// Unpacks Debian's source of this very release. The caller holds the cache's lock.
    fn fetch_library(&self, cache: &Cache, place: &Path) -> Result<()> {
        let start = format!("{}+", self.release);
        let dash = format!("{}-", self.release);
        let mut index = Index::current(cache, &packages::HOSTS)?;
        for attempt in 0..2 {
            let package = index.packages.iter().find(|p| {
                p.name == "rust-src"
                    && (p.version.starts_with(&start) || p.version.starts_with(&dash))
            });
            if let Some(package) = package {
                say(format_args!(
                    "fetching rust-src {} ({} MB)",
                    package.version,
                    package.size / 1_000_000
                ));
                let scratch = cache.scratch()?;
                if let [Some(deb)] = packages::download(cache, &[package], &scratch)?.as_slice() {
                    packages::unpack(deb, &["./usr/src/rustc-*/library*"], scratch.path())?;
                    let unpacked = scratch
                        .path()
                        .join(format!("usr/src/rustc-{}/library", self.release));
                    if let Some(parent) = place.parent() {
                        cache::make_dir(parent)?;
                    }
                    return fs::rename(&unpacked, place)
                        .map_err(|e| Failure::file("rename", &unpacked, &e));
                }
            }
            if attempt == 0 {
                index = Index::fetch(cache, &packages::HOSTS)?;
            }
        }
        Err(Failure::environment(format!(
            "this machine cannot build for arm64: the Rust toolchain has no target {TARGET}, rustup cannot add it, \
             and Debian's archive has no rust-src of version {}. What helps: `rustup target add {TARGET}` with a \
             connection, or a Rust release that Debian has",
            self.release
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_the_packages_name_is_meant() {
        let messages = br#"{"reason":"compiler-artifact","target":{"name":"x"},"executable":"/t/x"}
{"reason":"compiler-artifact","target":{"name":"lib"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"vmlock"},"executable":"/t/vmlock"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(
            executable(messages, "vmlock"),
            Some(PathBuf::from("/t/vmlock"))
        );
        assert_eq!(executable(messages, "other"), Some(PathBuf::from("/t/x")));
        assert_eq!(executable(b"", "vmlock"), None);
    }
}
