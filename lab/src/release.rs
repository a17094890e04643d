//! `vmlock-lab release`: all that is released of a commit, made twice from two folders, and of the same bytes: archives of
//! static programs, Debian packages, an image of containers, and a bill of materials of each program.

mod archive;
mod bill;
mod check;
mod commit;
mod crates;
mod debian;
mod image;
mod product;
mod surroundings;
mod terms;
mod toolchain;

use crate::cache::{self, Cache, Scratch};
use crate::cross::{self, RUNNER};
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::flags::Release;
use crate::packages::{AMD64, ARM64, Architecture};
use crate::tools;
use archive::{Files, gzip, tar_of_files};
use bill::Part;
use commit::Commit;
use nix::sys::stat::{Mode, umask};
use product::{Product, Texts};
use sha2::{Digest as _, Sha256};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use surroundings::Surroundings;
use toolchain::Toolchain;
use vmlock_run_flags::completions;

/// The compiler's package.
const COMPILER: &str = "vmlock";
/// What is released everywhere.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Under which terms.
const LICENSE: &str = "Apache-2.0 OR MIT";
/// Where shells look for completions, below `usr/share`.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/NAME"),
    ("zsh", "zsh/vendor-completions/_NAME"),
    ("fish", "fish/vendor_completions.d/NAME.fish"),
];
/// Names of all files with their digests, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// A machine of the compiler's.
type Machine = (Architecture, &'static str, &'static str);

/// Those machines: the image-spec and Debian call both the same.
const MACHINES: [Machine; 2] = [
    (AMD64, "x86_64", "x86_64-unknown-linux-musl"),
    (ARM64, "aarch64", "aarch64-unknown-linux-musl"),
];

/// How one is made: where its source is, with what around its builds, and by which profiles.
struct Place<'a> {
    root: &'a Path,
    surroundings: Surroundings,
    is_quick: bool,
}

/// Makes all of it; 0 if it is the same both times. Or tries what was made.
pub fn run(cache: &Cache, flags: &Release) -> Result<u8> {
    match (&flags.check, &flags.out) {
        (Some(folder), _) => check::run(cache, folder),
        (None, Some(out)) => make(cache, flags, out),
        (None, None) => Err(Failure::bug(
            "neither a folder to make nor one to try is named",
        )),
    }
}

/// Makes all of it in a folder.
fn make(cache: &Cache, flags: &Release, out: &Path) -> Result<u8> {
    let root = cross::workspace()?;
    refuse_used(out)?;
    let commit = Commit::of(&root, flags)?;
    let made = {
        let scratch = Scratch::new()?;
        let source = scratch.path().join("place");
        commit.put_source(&root, &source)?;
        let place = Place {
            root: &source,
            surroundings: Surroundings::default(),
            is_quick: flags.quick,
        };
        self::made(cache, &place, &commit)?
    };
    if !flags.once {
        let other = different(&made, &again(cache, &root, &commit, flags)?);
        for name in &other {
            tell(format_args!(
                "{name} has other bytes out of another folder, home, time zone or language"
            ))?;
        }
        if !other.is_empty() {
            tell("nothing was written")?;
            return Ok(FINDINGS);
        }
    }
    // Last of all the digests: who sees them has all that they are of.
    let (sums, files): (Vec<_>, Vec<_>) = made.iter().partition(|(name, ..)| *name == SUMS);
    for (name, _, content) in files.iter().chain(&sums) {
        cache::write(&out.join(name), content)?;
    }
    for (.., sums) in sums {
        tell(String::from_utf8_lossy(sums).trim_end())?;
    }
    if !flags.once {
        tell("the same bytes from two folders")?;
    }
    Ok(OK)
}

/// A folder with files of another release would be given on with them.
fn refuse_used(out: &Path) -> Result<()> {
    let is_used = match fs::read_dir(out) {
        Ok(mut entries) => entries.next().is_some(),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
        Err(e) => return Err(Failure::file("list", out, &e)),
    };
    if is_used {
        return Err(Failure::usage(format!(
            "{} is not empty, and what is released has a folder of its own; name another one, or remove what is in it",
            out.display()
        )));
    }
    Ok(())
}

/// The same from a folder of another depth, since a path that remains shows by its length, too; with another umask and
/// other surroundings.
fn again(cache: &Cache, root: &Path, commit: &Commit, flags: &Release) -> Result<Files> {
    let before = umask(Mode::from_bits_truncate(0o077));
    let made = (|| {
        let scratch = Scratch::new()?;
        let source = scratch.path().join("another/place");
        let home = scratch.path().join("home");
        cache::make_dir(&home)?;
        commit.put_source(root, &source)?;
        say(format_args!("all once more, in {}", source.display()));
        let place = Place {
            root: &source,
            surroundings: Surroundings::other(&home)?,
            is_quick: flags.quick,
        };
        self::made(cache, &place, commit)
    })();
    umask(before);
    made
}

/// Names of files that are not the same in both.
fn different(one: &Files, other: &Files) -> Vec<String> {
    let is_in = |files: &Files, file: (&str, u32, &[u8])| files.iter().any(|f| f == file);
    let missing = |from: &Files, to: &Files| -> Vec<String> {
        let without = from.iter().filter(|file| !is_in(to, *file));
        without.map(|(name, ..)| name.to_owned()).collect()
    };
    let mut names = missing(one, other);
    names.extend(missing(other, one));
    names.sort();
    names.dedup();
    names
}

/// All that a release is made of beside the programs: what is missing is told before anything is built.
struct Ingredients {
    texts: Texts,
    /// By machine, in the order of [`MACHINES`].
    musl: Vec<Vec<Part>>,
    glibc: Vec<Part>,
}

impl Ingredients {
    fn of(root: &Path) -> Result<Self> {
        if !MACHINES
            .iter()
            .any(|(_, arch, _)| *arch == env::consts::ARCH)
        {
            return Err(Failure::environment(
                "nothing that is released runs on this machine, and its manual pages come from the program itself; make it \
                 on x86-64 or arm64",
            ));
        }
        let toolchain = Toolchain::of(root)?;
        let mut musl = Vec::new();
        for (.., triple) in MACHINES {
            cross::ensure_musl(root, triple)?;
            musl.push(toolchain.with_musl(triple)?);
        }
        let text =
            |path: &str| Ok(String::from_utf8_lossy(&cache::read(&root.join(path))?).into_owned());
        Ok(Self {
            glibc: toolchain.with_glibc()?,
            musl,
            texts: Texts {
                apache: text("LICENSE-APACHE")?,
                mit: text("LICENSE-MIT")?,
                changelog: text("CHANGELOG.md")?,
                service: text("examples/vmlock@.service")?,
                library: toolchain.terms,
            },
        })
    }
}

/// All files that are released, by their names.
fn made(cache: &Cache, place: &Place, commit: &Commit) -> Result<Files> {
    let root = place.root;
    let Ingredients { texts, musl, glibc } = Ingredients::of(root)?;
    let profile = |own| if place.is_quick { "quick" } else { own };
    let around = |build| place.surroundings.around(build);
    let mut compilers = Vec::new();
    for (architecture, _, triple) in MACHINES {
        say(format_args!(
            "building {COMPILER} for {}",
            architecture.name
        ));
        let target = root.join("target/musl");
        let profile = profile("release");
        let path = cross::build_with_musl(root, &target, COMPILER, triple, profile, around)?;
        compilers.push(path);
    }
    say(format_args!("building {RUNNER}"));
    // It is the program that the tests have held on every kernel, with the C library that its jail's table is of.
    let target = root.join("target/arm64");
    let runner = cross::build_as(cache, root, &target, RUNNER, profile("runner"), &[], around)?;
    let is_native = |(_, arch, _): &Machine| *arch == env::consts::ARCH;
    let native = MACHINES.iter().position(is_native).unwrap_or_default();
    let native = &compilers[native];
    let version = version(place.is_quick);
    let mut out = Files::default();
    let mut put = |name, machine, triple, path: &Path, parts: &[Part]| -> Result<Product> {
        let crates = crates::within(root, &place.surroundings, name, triple)?;
        let words = format!("{name} {version}: {LICENSE}");
        let product = Product {
            name,
            machine,
            version: version.clone(),
            program: cache::read(path)?,
            pages: pages(native, name)?,
            terms: terms::text(&words, &crates, parts)?,
        };
        let own = crates
            .iter()
            .find(|each| each.name == name)
            .ok_or_else(|| Failure::bug(format!("{name} is not among its own crates")))?;
        let digest = cache::hex(&Sha256::digest(&product.program));
        let bill = bill::bill(own, &digest, commit.time, &crates, parts);
        let on = format!("{name}-{version}-linux-{machine}");
        out.put(format!("{on}.cdx.json"), format!("{bill:#}\n"));
        let files = product::archive(&product, &texts, commit)?;
        let archive = gzip(&tar_of_files(&files, commit.time)?)?;
        out.put(format!("{on}.tar.gz"), archive);
        let packaging = product::packaging(&product);
        let about = product::about(&product, &packaging, commit);
        let files = product::packaged(&product, &texts, commit)?;
        let package = debian::package(&about, &files)?;
        out.put(format!("{name}_{packaging}_{machine}.deb"), package);
        Ok(product)
    };
    let mut images = Vec::new();
    for (((architecture, _, triple), path), parts) in MACHINES.iter().zip(&compilers).zip(&musl) {
        let product = put(COMPILER, architecture.name, triple, path, parts)?;
        images.push((architecture.name, product::image(&product, &texts, commit)?));
    }
    put(RUNNER, ARM64.name, cross::TARGET, &runner, &glibc)?;
    let images: Vec<(&str, &Files)> = images.iter().map(|(name, files)| (*name, files)).collect();
    let about = image::About {
        title: COMPILER,
        version: &version,
        revision: &commit.revision,
        licenses: LICENSE,
        entrypoint: "/usr/bin/vmlock",
        time: commit.time,
    };
    let image = image::image(&about, &images)?;
    let back = image::read_back(&image)?;
    if !back
        .iter()
        .map(|machine| machine.architecture.as_str())
        .eq(images.iter().map(|(name, _)| *name))
    {
        return Err(Failure::bug(
            "the image is of other architectures than it was made of",
        ));
    }
    out.put(format!("{COMPILER}-{version}.oci.tar"), image);
    let mut sums = String::new();
    for (name, _, content) in out.iter() {
        let _ = writeln!(sums, "{}  {name}", cache::hex(&Sha256::digest(content)));
    }
    out.put(SUMS, sums);
    Ok(out)
}

/// What is only for trying is older than what is released (deb-version(7): a tilde is before the end), and is seen by its
/// name.
fn version(is_quick: bool) -> String {
    format!("{VERSION}{}", if is_quick { "~quick" } else { "" })
}

/// Manual pages and completions of a program; the compiler writes both programs' pages.
fn pages(native: &Path, name: &str) -> Result<Files> {
    let scratch = Scratch::new()?;
    let mut man = Command::new(native);
    man.arg("man")
        .arg(scratch.path())
        .env_clear()
        .stdout(Stdio::null());
    if !tools::run(&mut man, None)?.success() {
        return Err(Failure::environment(
            "`vmlock man` failed; its own messages are above",
        ));
    }
    let list = |e| Failure::file("list", scratch.path(), &e);
    let mut files = Files::default();
    for entry in fs::read_dir(scratch.path()).map_err(list)? {
        let path = entry.map_err(list)?.path();
        let page = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if page.starts_with(RUNNER) == (name == RUNNER) {
            let content = gzip(&cache::read(&path)?)?;
            files.put(format!("usr/share/man/man1/{page}.gz"), content);
        }
    }
    if files.iter().next().is_none() {
        return Err(Failure::bug(format!(
            "`vmlock man` wrote no page of {name}"
        )));
    }
    for (shell, place) in SHELLS {
        let script = match name {
            RUNNER => completions(shell).map(String::into_bytes),
            _ => {
                let mut vmlock = Command::new(native);
                vmlock.args(["completions", shell]).env_clear();
                let (status, said) = tools::output(&mut vmlock)?;
                status.success().then_some(said)
            }
        };
        let script =
            script.ok_or_else(|| Failure::bug(format!("{name} has no completions for {shell}")))?;
        files.put(format!("usr/share/{}", place.replace("NAME", name)), script);
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_file_that_differs_or_is_missing_is_named() {
        let mut one = Files::default();
        one.put("a", "a");
        one.put("b", "b");
        let mut other = one.clone();
        assert!(different(&one, &other).is_empty());
        other.put("b", "B");
        other.put("c", "c");
        assert_eq!(different(&one, &other), ["b", "c"]);
        assert_eq!(different(&other, &one), ["b", "c"]);
    }

    #[test]
    fn a_folder_of_another_release_is_refused() {
        let scratch = Scratch::new().unwrap();
        let out = scratch.path().join("out");
        assert!(refuse_used(&out).is_ok());
        fs::create_dir(&out).unwrap();
        assert!(refuse_used(&out).is_ok());
        fs::write(out.join("vmlock-0.0.9.oci.tar"), "old").unwrap();
        assert!(refuse_used(&out).is_err());
    }

    #[test]
    fn what_is_for_trying_says_so() {
        assert_eq!(version(false), VERSION);
        assert_eq!(version(true), format!("{VERSION}~quick"));
    }
}
