//! `vmlock-lab release`: all that is released of a commit, made twice from two folders, and of the same bytes: archives of
//! static programs, Debian packages, an image of containers, and a bill of materials of each program.

mod archive;
mod bill;
mod crates;
mod debian;
mod image;
mod terms;

use crate::cache::{self, Cache, Scratch};
use crate::cross::{self, RUNNER};
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::flags::Release;
use crate::packages::{AMD64, ARM64, Architecture};
use crate::reproduce::copy_source;
use crate::tools;
use archive::{Files, gzip, tar};
use bill::Part;
use sha2::{Digest as _, Sha256};
use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use vmlock_run_flags::completions;

/// The compiler's package.
const COMPILER: &str = "vmlock";
/// What is released everywhere.
const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Under which terms.
const LICENSE: &str = "Apache-2.0 OR MIT";
/// The licences themselves, from the top of the checkout.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
/// What starts a guest as a service, and where that has the runner.
const SERVICE: &str = "examples/vmlock@.service";
const HAND_MADE: &str = "/usr/local/bin/vmlock-run";
/// Where shells look for completions, below `usr/share`.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "bash-completion/completions/NAME"),
    ("zsh", "zsh/vendor-completions/_NAME"),
    ("fish", "fish/vendor_completions.d/NAME.fish"),
];
/// Names of all files with their digests, as `sha256sum --check` reads it.
const SUMS: &str = "SHA256SUMS";

/// The machines of the compiler: the image-spec and Debian call both the same.
const MACHINES: [(Architecture, &str, &str); 2] = [
    (AMD64, "x86_64", "x86_64-unknown-linux-musl"),
    (ARM64, "aarch64", "aarch64-unknown-linux-musl"),
];

/// What is known of the commit.
#[derive(Debug)]
struct Commit {
    time: u64,
    maintainer: String,
}

/// How one is made: where its source is, where it is built, and by which profiles.
struct Place {
    root: PathBuf,
    arm64: PathBuf,
    musl: PathBuf,
    is_quick: bool,
}

/// Makes all of it; 0 if it is the same both times.
pub fn run(cache: &Cache, flags: &Release) -> Result<u8> {
    let root = cross::workspace()?;
    let commit = Commit::of(&root, flags)?;
    let arm64 = cross::target_dir(&root);
    let here = Place {
        musl: arm64.with_file_name("musl"),
        arm64,
        root: root.clone(),
        is_quick: flags.quick,
    };
    let made = made(cache, &here, &commit)?;
    for (name, _, content) in made.iter() {
        cache::write(&flags.out.join(name), content)?;
    }
    let sums = made.iter().find(|(name, ..)| *name == SUMS);
    tell(String::from_utf8_lossy(sums.map_or(&[][..], |(.., sums)| sums)).trim_end())?;
    if flags.once {
        return Ok(OK);
    }
    let scratch = Scratch::new()?;
    // In a folder of another depth: a path that remains shows by its length, too.
    let copy = scratch.path().join("another/place");
    copy_source(&root, &copy)?;
    say(format_args!("all once more, in {}", copy.display()));
    let there = Place {
        arm64: copy.join("target/arm64"),
        musl: copy.join("target/musl"),
        root: copy,
        is_quick: flags.quick,
    };
    let again = self::made(cache, &there, &commit)?;
    let other = different(&made, &again);
    if other.is_empty() {
        tell("the same bytes from two folders")?;
        return Ok(OK);
    }
    for name in other {
        tell(format_args!("{name} has other bytes out of another folder"))?;
    }
    Ok(FINDINGS)
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

impl Commit {
    fn of(root: &Path, flags: &Release) -> Result<Self> {
        let git = |arguments: &[&str]| -> Result<String> {
            let mut git = Command::new("git");
            let (status, said) = tools::output(git.current_dir(root).args(arguments))?;
            match status.success() {
                true => Ok(String::from_utf8_lossy(&said).trim().to_owned()),
                false => Err(Failure::environment(
                    "git does not say what is released; run this in a checkout",
                )),
            }
        };
        let changed = git(&["status", "--porcelain", "--untracked-files=no"])?;
        if !changed.is_empty() && !flags.quick {
            return Err(Failure::usage(format!(
                "what is released is a commit, and these files are not committed as they are:\n{changed}\n\
                 Commit them; or try with --quick, which is not for others"
            )));
        }
        let said = git(&["log", "-1", "--format=%ct\n%an <%ae>"])?;
        let (time, author) = said.split_once('\n').unwrap_or_default();
        Ok(Self {
            time: time
                .parse()
                .map_err(|_| Failure::environment(format!("git says that it is {time}")))?,
            maintainer: flags
                .maintainer
                .clone()
                .unwrap_or_else(|| author.to_owned()),
        })
    }
}

/// A program, and all that comes with it.
struct Product<'a> {
    name: &'static str,
    machine: &'static str,
    triple: &'static str,
    program: Vec<u8>,
    /// What is in it beside crates, with the words of its terms.
    parts: &'a [(Part, String)],
    /// Manual pages and completions, where a Debian system has them.
    pages: Files,
}

/// All files that are released, by their names.
fn made(cache: &Cache, place: &Place, commit: &Commit) -> Result<Files> {
    let root = &place.root;
    let profile = |own| if place.is_quick { "quick" } else { own };
    let mut compilers = Vec::new();
    for (architecture, arch, triple) in MACHINES {
        say(format_args!(
            "building {COMPILER} for {}",
            architecture.name
        ));
        let path = cross::build_with_musl(root, &place.musl, COMPILER, triple, profile("release"))?;
        compilers.push((architecture, arch, triple, path));
    }
    say(format_args!("building {RUNNER}"));
    // It is the program that the tests have held on every kernel, with the C library that its jail's table is of.
    let runner = cross::build_by(cache, root, &place.arm64, RUNNER, profile("runner"), &[])?;
    let native = compilers
        .iter()
        .find(|(_, arch, ..)| *arch == env::consts::ARCH);
    let Some((.., native)) = native else {
        return Err(Failure::environment(
            "nothing that is released runs on this machine, and its manual pages come from the program itself; make it \
             on x86-64 or arm64",
        ));
    };
    let rust = Rust::of(root)?;
    let (musl, glibc) = (rust.with_musl(root)?, rust.with_glibc()?);
    let mut out = Files::default();
    let mut images = Vec::new();
    for (architecture, _, triple, path) in &compilers {
        let product = Product {
            name: COMPILER,
            machine: architecture.name,
            triple,
            program: cache::read(path)?,
            parts: &musl,
            pages: pages(native, COMPILER)?,
        };
        let tree = put(&mut out, root, commit, &rust, &product)?;
        let is_of_images =
            |path: &str| path.starts_with("usr/bin/") || path.starts_with("usr/share/doc/");
        images.push((
            architecture.name,
            tree.named(|path| is_of_images(path).then(|| path.to_owned())),
        ));
    }
    let product = Product {
        name: RUNNER,
        machine: ARM64.name,
        triple: cross::TARGET,
        program: cache::read(&runner)?,
        parts: &glibc,
        pages: pages(native, RUNNER)?,
    };
    put(&mut out, root, commit, &rust, &product)?;
    let images: Vec<(&str, &Files)> = images.iter().map(|(name, files)| (*name, files)).collect();
    let about = image::About {
        title: COMPILER,
        version: VERSION,
        licenses: LICENSE,
        entrypoint: "/usr/bin/vmlock",
        time: commit.time,
    };
    let image = image::image(&about, &images)?;
    if image::read_back(&image)? != images.iter().map(|(name, _)| *name).collect::<Vec<_>>() {
        return Err(Failure::bug(
            "the image is of other architectures than it was made of",
        ));
    }
    out.put(format!("{COMPILER}-{VERSION}.oci.tar"), image);
    let mut sums = String::new();
    for (name, _, content) in out.iter() {
        let _ = writeln!(sums, "{}  {name}", cache::hex(&Sha256::digest(content)));
    }
    out.put(SUMS, sums);
    Ok(out)
}

/// Manual pages and completions of a program; the compiler writes both programs' pages.
fn pages(native: &Path, name: &str) -> Result<Files> {
    let scratch = Scratch::new()?;
    let mut man = Command::new(native);
    man.arg("man").arg(scratch.path()).stdout(Stdio::null());
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
    for (shell, place) in SHELLS {
        let script = match name {
            RUNNER => completions(shell).map(String::into_bytes),
            _ => {
                let mut vmlock = Command::new(native);
                let (status, said) = tools::output(vmlock.args(["completions", shell]))?;
                status.success().then_some(said)
            }
        };
        let script =
            script.ok_or_else(|| Failure::bug(format!("{name} has no completions for {shell}")))?;
        files.put(format!("usr/share/{}", place.replace("NAME", name)), script);
    }
    Ok(files)
}

/// Puts a program's archive, package and bill among the files; the result is its tree but for what is Debian's.
fn put(
    out: &mut Files,
    root: &Path,
    commit: &Commit,
    rust: &Rust,
    product: &Product,
) -> Result<Files> {
    let Product { name, machine, .. } = product;
    let crates = crates::within(root, name, product.triple)?;
    let own = crates
        .iter()
        .find(|each| each.name == *name)
        .ok_or_else(|| Failure::bug(format!("{name} is not among its own crates")))?;
    let digest = cache::hex(&Sha256::digest(&product.program));
    let parts: Vec<Part> = product.parts.iter().map(|(part, _)| part.clone()).collect();
    let bill = bill::bill(own, &digest, commit.time, &crates, &parts);
    out.put(
        format!("{name}-{VERSION}-linux-{machine}.cdx.json"),
        format!("{bill:#}\n"),
    );
    let doc = format!("usr/share/doc/{name}");
    let text =
        |path: &str| Ok(String::from_utf8_lossy(&cache::read(&root.join(path))?).into_owned());
    let mut tree = product.pages.clone();
    tree.program(format!("usr/bin/{name}"), product.program.clone());
    let words = format!("{name} {VERSION}: {LICENSE}");
    let terms = terms::text(&words, &crates, product.parts)?;
    tree.put(format!("{doc}/THIRD-PARTY.gz"), gzip(terms.as_bytes())?);
    tree.put(format!("{doc}/rust-library.html.gz"), gzip(&rust.terms)?);
    let service: String = text(SERVICE)?;
    if !service.contains(HAND_MADE) {
        return Err(Failure::bug(format!(
            "{SERVICE} does not start {HAND_MADE}"
        )));
    }
    let place = "usr/lib/systemd/system/vmlock@.service";

    let mut archived = tree.clone();
    for licence in LICENCES {
        archived.put(format!("{doc}/{licence}"), text(licence)?);
    }
    let images = archived.clone();
    if *name == RUNNER {
        archived.put(place, service.as_str());
    }
    let below =
        archived.named(|path| Some(format!("{name}-{VERSION}/{}", path.strip_prefix("usr/")?)));
    out.put(
        format!("{name}-{VERSION}-linux-{machine}.tar.gz"),
        gzip(&tar(&below, commit.time)?)?,
    );

    let version = format!("{VERSION}-1");
    let about = debian::About {
        package: name,
        version: &version,
        architecture: machine,
        maintainer: &commit.maintainer,
        suggests: if *name == RUNNER { COMPILER } else { RUNNER },
        title: if *name == RUNNER {
            "make a host show a guest exactly what its lock says"
        } else {
            "lock the virtual hardware that a guest sees"
        },
        words: &[
            "A description of a virtual machine is resolved into a lock of all that",
            "its guest sees of arm64 KVM: registers, caches, interrupt controller and",
            "firmware calls. Under a lock a guest sees the same machine on any host",
            "kernel, or does not start there.",
        ],
        time: commit.time,
    };
    if *name == RUNNER {
        tree.put(place, service.replace(HAND_MADE, "/usr/bin/vmlock-run"));
    }
    tree.put(format!("{doc}/copyright"), copyright(&text("LICENSE-MIT")?));
    tree.put(
        format!("{doc}/changelog.gz"),
        gzip(text("CHANGELOG.md")?.as_bytes())?,
    );
    let debian = debian::changelog(&about);
    tree.put(
        format!("{doc}/changelog.Debian.gz"),
        gzip(debian.as_bytes())?,
    );
    tree.put(
        format!("usr/share/lintian/overrides/{name}"),
        format!(
            "# On purpose: one program for every Linux. What is in it stands in the bill of materials beside the package.\n\
             {name}: statically-linked-binary [usr/bin/{name}]\n"
        ),
    );
    let package = debian::package(&about, &tree)?;
    out.put(format!("{name}_{version}_{machine}.deb"), package);
    Ok(images)
}

/// Debian's file of that name. Debian has the Apache licence on each system, and wants no second copy of it.
fn copyright(mit: &str) -> String {
    format!(
        "vmlock, under either of the Apache License 2.0 and the MIT License, at your option.\n\n\
         On Debian systems the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.\n\n\
         The MIT License:\n\n{mit}\n\
         The program is static. What of others is in it, and under which terms, is in THIRD-PARTY.gz; of Rust's\n\
         standard library, in rust-library.html.gz.\n"
    )
}

/// What the toolchain puts into each program.
struct Rust {
    version: String,
    sysroot: PathBuf,
    /// The terms of its standard library, as it comes with them.
    terms: Vec<u8>,
}

impl Rust {
    fn of(root: &Path) -> Result<Self> {
        let (version, sysroot) = cross::toolchain(root)?;
        let terms = cache::read(&sysroot.join("share/doc/rust/COPYRIGHT-library.html"))?;
        Ok(Self {
            version,
            sysroot,
            terms,
        })
    }

    fn library(&self) -> (Part, String) {
        let part = Part {
            name: "rust-std",
            version: self.version.clone(),
            license: "Apache-2.0 OR MIT",
        };
        (part, "Its terms are in rust-library.html.gz.".to_owned())
    }

    /// A program with musl, which comes with the toolchain: its licence is the MIT one, under its own holders' name.
    fn with_musl(&self, root: &Path) -> Result<Vec<(Part, String)>> {
        let library = "lib/rustlib/x86_64-unknown-linux-musl/lib/self-contained/libc.a";
        let content = cache::read(&self.sysroot.join(library))?;
        let version = musl_version(&content)
            .ok_or_else(|| Failure::environment(format!("{library} does not say its version")))?;
        let mit = cache::read(&root.join("LICENSE-MIT"))?;
        let mit = String::from_utf8_lossy(&mit);
        let (_, permission) = mit
            .split_once("Permission is hereby granted")
            .ok_or_else(|| Failure::bug("LICENSE-MIT grants no permission"))?;
        let part = Part {
            name: "musl",
            version,
            license: "MIT",
        };
        let words = format!(
            "Copyright © 2005-2020 Rich Felker, et al.\n\nPermission is hereby granted{permission}"
        );
        Ok(vec![self.library(), (part, words)])
    }

    /// A program with the GNU C library, which is this machine's, or that of its cross compiler.
    fn with_glibc(&self) -> Result<Vec<(Part, String)>> {
        let package = match env::consts::ARCH {
            "aarch64" => "libc6-dev",
            _ => "libc6-dev-arm64-cross",
        };
        let mut query = Command::new("dpkg-query");
        let (status, version) = tools::output(query.args(["-W", "-f", "${Version}", package]))?;
        if !status.success() {
            return Err(Failure::environment(format!(
                "{RUNNER} has the C library of Debian's {package} in it, which dpkg does not know here"
            )));
        }
        let path = PathBuf::from(format!("/usr/share/doc/{package}/copyright"));
        let part = Part {
            name: "glibc",
            version: String::from_utf8_lossy(&version).into_owned(),
            license: "LGPL-2.1-or-later",
        };
        let words = String::from_utf8_lossy(&cache::read(&path)?).into_owned();
        Ok(vec![self.library(), (part, words)])
    }
}

/// The version in musl's archive: the one string that is `1.` and two numbers, with zero bytes around it.
fn musl_version(library: &[u8]) -> Option<String> {
    let is_version = |text: &&[u8]| {
        (5..9).contains(&text.len())
            && text.starts_with(b"1.")
            && text.iter().filter(|b| **b == b'.').count() == 2
            && text.iter().all(|b| b.is_ascii_digit() || *b == b'.')
    };
    let found = library.split(|b| *b == 0).find(is_version)?;
    String::from_utf8(found.to_vec()).ok()
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
    fn musl_says_its_version() {
        assert_eq!(musl_version(b"x\x001.2.5\x00y").as_deref(), Some("1.2.5"));
        assert_eq!(musl_version(b"\x001.25\x001.2.a\x0012.3.4\x00"), None);
    }
}
