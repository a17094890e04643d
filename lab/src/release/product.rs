//! Where a program and all that comes with it lie: in an archive, in an image, and in a Debian package.

use super::archive::{Files, gzip};
use super::commit::Commit;
use super::debian;
use super::{COMPILER, LICENSE};
use crate::cross::RUNNER;
use crate::failure::{Failure, Result};

/// Where the example of a service has the runner, which is a Debian package's elsewhere.
const HAND_MADE: &str = "/usr/local/bin/vmlock-run";
const PACKAGED: &str = "/usr/bin/vmlock-run";
/// Where systemd looks for it.
const SERVICE: &str = "usr/lib/systemd/system/vmlock@.service";
/// Where zsh looks for completions: those of Debian's packages, and those of who administers a system.
const ZSH: [&str; 2] = [
    "usr/share/zsh/vendor-completions/",
    "share/zsh/site-functions/",
];

/// A program.
#[derive(Debug, Clone)]
pub struct Product {
    /// Its name.
    pub name: &'static str,
    /// What Debian and the image-spec call its machine.
    pub machine: &'static str,
    /// Its version.
    pub version: String,
    /// Its bytes.
    pub program: Vec<u8>,
    /// Manual pages and completions, where a Debian system has them.
    pub pages: Files,
    /// Under which terms it and all that is in it are.
    pub terms: String,
}

/// Texts that come with each program.
#[derive(Debug)]
pub struct Texts {
    /// `LICENSE-APACHE`
    pub apache: String,
    /// `LICENSE-MIT`
    pub mit: String,
    /// `CHANGELOG.md`
    pub changelog: String,
    /// `examples/vmlock@.service`
    pub service: String,
    /// The terms of Rust's standard library.
    pub library: Vec<u8>,
}

/// What all three have.
fn common(product: &Product, texts: &Texts, commit: &Commit) -> Result<Files> {
    let Product { name, version, .. } = product;
    let doc = format!("usr/share/doc/{name}");
    let mut tree = product.pages.clone();
    tree.program(format!("usr/bin/{name}"), product.program.clone());
    tree.put(
        format!("{doc}/THIRD-PARTY.gz"),
        gzip(product.terms.as_bytes())?,
    );
    tree.put(format!("{doc}/rust-library.html.gz"), gzip(&texts.library)?);
    tree.put(
        format!("{doc}/RELEASE"),
        format!("{name} {version}, of commit {}\n", commit.revision),
    );
    Ok(tree)
}

/// The files of an archive for `/usr/local`.
pub fn archive(product: &Product, texts: &Texts, commit: &Commit) -> Result<Files> {
    let Product { name, version, .. } = product;
    let mut tree = licensed(product, texts, commit)?;
    if *name == RUNNER {
        tree.put(SERVICE, texts.service.as_str());
    }
    Ok(tree.named(|path| {
        let path = match path.strip_prefix(ZSH[0]) {
            Some(file) => format!("{}{file}", ZSH[1]),
            None => path.strip_prefix("usr/")?.to_owned(),
        };
        Some(format!("{name}-{version}/{path}"))
    }))
}

/// The files of an image: nobody reads manuals there.
pub fn image(product: &Product, texts: &Texts, commit: &Commit) -> Result<Files> {
    let is_in = |path: &str| path.starts_with("usr/bin/") || path.starts_with("usr/share/doc/");
    let tree = licensed(product, texts, commit)?;
    Ok(tree.named(|path| is_in(path).then(|| path.to_owned())))
}

/// What is common with our own licences, which Debian has in another file.
fn licensed(product: &Product, texts: &Texts, commit: &Commit) -> Result<Files> {
    let doc = format!("usr/share/doc/{}", product.name);
    let mut tree = common(product, texts, commit)?;
    tree.put(format!("{doc}/LICENSE-APACHE"), texts.apache.as_str());
    tree.put(format!("{doc}/LICENSE-MIT"), texts.mit.as_str());
    Ok(tree)
}

/// The files of a Debian package.
pub fn packaged(product: &Product, texts: &Texts, commit: &Commit) -> Result<Files> {
    let name = product.name;
    let doc = format!("usr/share/doc/{name}");
    let mut tree = common(product, texts, commit)?;
    if name == RUNNER {
        if !texts.service.contains(HAND_MADE) {
            return Err(Failure::bug(format!(
                "the example of a service does not start {HAND_MADE}"
            )));
        }
        tree.put(SERVICE, texts.service.replace(HAND_MADE, PACKAGED));
    }
    tree.put(format!("{doc}/copyright"), copyright(&texts.mit, commit));
    tree.put(
        format!("{doc}/changelog.gz"),
        gzip(texts.changelog.as_bytes())?,
    );
    let version = packaging(product);
    let changelog = debian::changelog(&about(product, &version, commit));
    tree.put(
        format!("{doc}/changelog.Debian.gz"),
        gzip(changelog.as_bytes())?,
    );
    tree.put(
        format!("usr/share/lintian/overrides/{name}"),
        format!(
            "# On purpose: one program for every Linux. What is in it stands in the bill of materials beside the package.\n\
             {name}: statically-linked-binary [usr/bin/{name}]\n"
        ),
    );
    Ok(tree)
}

/// The version of its Debian package.
pub fn packaging(product: &Product) -> String {
    format!("{}-1", product.version)
}

/// What its Debian package says of itself.
pub fn about<'a>(product: &Product, version: &'a str, commit: &'a Commit) -> debian::About<'a> {
    let is_runner = product.name == RUNNER;
    debian::About {
        package: product.name,
        version,
        architecture: product.machine,
        maintainer: &commit.maintainer,
        suggests: if is_runner { COMPILER } else { RUNNER },
        title: if is_runner {
            "make a host show a guest exactly what its lock says"
        } else {
            "lock the virtual hardware that a guest sees"
        },
        words: if is_runner {
            &[
                "On an arm64 host with KVM it starts a guest under a lock, which vmlock makes:",
                "the guest sees the registers, caches, interrupt controller and firmware calls",
                "of the lock whatever the host's kernel is, or it does not start there.",
            ]
        } else {
            &[
                "It resolves a description of a virtual machine into a lock of all that its",
                "guest sees of arm64 KVM: registers, caches, interrupt controller and firmware",
                "calls. Locks are reviewed, compared and checked on any machine; vmlock-run",
                "starts guests under them.",
            ]
        },
        time: commit.time,
    }
}

/// Debian's file of that name. Debian has the Apache licence on each system, and wants no second copy of it.
fn copyright(mit: &str, commit: &Commit) -> String {
    format!(
        "vmlock, {LICENSE}: under either of the Apache License 2.0 and the MIT License, at your option.\n\
         It is made of commit {} of its own source.\n\n\
         On Debian systems the Apache License 2.0 is in /usr/share/common-licenses/Apache-2.0.\n\n\
         The MIT License:\n\n{mit}\n\
         The program is static. What of others is in it, and under which terms, is in THIRD-PARTY.gz; of Rust's\n\
         standard library, in rust-library.html.gz.\n",
        commit.revision
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts() -> Texts {
        Texts {
            apache: "apache".to_owned(),
            mit: "mit".to_owned(),
            changelog: "changes".to_owned(),
            service: format!("ExecStart={HAND_MADE} start\n"),
            library: b"library".to_vec(),
        }
    }

    fn commit() -> Commit {
        Commit {
            revision: "00ff".to_owned(),
            time: 7,
            maintainer: "A <a@vmlock.test>".to_owned(),
            is_quick: false,
        }
    }

    fn product(name: &'static str) -> Product {
        let mut pages = Files::default();
        for path in ["man/man1/NAME.1.gz", "zsh/vendor-completions/_NAME"] {
            pages.put(format!("usr/share/{path}").replace("NAME", name), "page");
        }
        Product {
            name,
            machine: "arm64",
            version: "0.1.0".to_owned(),
            program: b"program".to_vec(),
            pages,
            terms: "terms".to_owned(),
        }
    }

    /// Paths with their modes, a line each.
    fn told(files: &Files) -> Vec<String> {
        let line = |(path, mode, _): (&str, u32, &[u8])| format!("{mode:o} {path}");
        files.iter().map(line).collect()
    }

    #[test]
    fn an_archive_has_these_files() {
        let of = |name| told(&archive(&product(name), &texts(), &commit()).unwrap());
        let compiler = [
            "755 vmlock-0.1.0/bin/vmlock",
            "644 vmlock-0.1.0/share/doc/vmlock/LICENSE-APACHE",
            "644 vmlock-0.1.0/share/doc/vmlock/LICENSE-MIT",
            "644 vmlock-0.1.0/share/doc/vmlock/RELEASE",
            "644 vmlock-0.1.0/share/doc/vmlock/THIRD-PARTY.gz",
            "644 vmlock-0.1.0/share/doc/vmlock/rust-library.html.gz",
            "644 vmlock-0.1.0/share/man/man1/vmlock.1.gz",
            "644 vmlock-0.1.0/share/zsh/site-functions/_vmlock",
        ];
        assert_eq!(of(COMPILER), compiler);
        let runner = [
            "755 vmlock-run-0.1.0/bin/vmlock-run",
            "644 vmlock-run-0.1.0/lib/systemd/system/vmlock@.service",
            "644 vmlock-run-0.1.0/share/doc/vmlock-run/LICENSE-APACHE",
            "644 vmlock-run-0.1.0/share/doc/vmlock-run/LICENSE-MIT",
            "644 vmlock-run-0.1.0/share/doc/vmlock-run/RELEASE",
            "644 vmlock-run-0.1.0/share/doc/vmlock-run/THIRD-PARTY.gz",
            "644 vmlock-run-0.1.0/share/doc/vmlock-run/rust-library.html.gz",
            "644 vmlock-run-0.1.0/share/man/man1/vmlock-run.1.gz",
            "644 vmlock-run-0.1.0/share/zsh/site-functions/_vmlock-run",
        ];
        assert_eq!(of(RUNNER), runner);
    }

    #[test]
    fn an_image_has_the_program_and_its_terms() {
        let files = image(&product(COMPILER), &texts(), &commit()).unwrap();
        assert_eq!(
            told(&files),
            [
                "755 usr/bin/vmlock",
                "644 usr/share/doc/vmlock/LICENSE-APACHE",
                "644 usr/share/doc/vmlock/LICENSE-MIT",
                "644 usr/share/doc/vmlock/RELEASE",
                "644 usr/share/doc/vmlock/THIRD-PARTY.gz",
                "644 usr/share/doc/vmlock/rust-library.html.gz",
            ]
        );
    }

    #[test]
    fn a_debian_package_has_these_files_and_starts_its_own_program() {
        let files = packaged(&product(RUNNER), &texts(), &commit()).unwrap();
        assert_eq!(
            told(&files),
            [
                "755 usr/bin/vmlock-run",
                "644 usr/lib/systemd/system/vmlock@.service",
                "644 usr/share/doc/vmlock-run/RELEASE",
                "644 usr/share/doc/vmlock-run/THIRD-PARTY.gz",
                "644 usr/share/doc/vmlock-run/changelog.Debian.gz",
                "644 usr/share/doc/vmlock-run/changelog.gz",
                "644 usr/share/doc/vmlock-run/copyright",
                "644 usr/share/doc/vmlock-run/rust-library.html.gz",
                "644 usr/share/lintian/overrides/vmlock-run",
                "644 usr/share/man/man1/vmlock-run.1.gz",
                "644 usr/share/zsh/vendor-completions/_vmlock-run",
            ]
        );
        let service = files.iter().find(|(path, ..)| *path == SERVICE).unwrap().2;
        assert_eq!(service, b"ExecStart=/usr/bin/vmlock-run start\n");
        let mut other = texts();
        other.service = "ExecStart=/bin/true\n".to_owned();
        assert!(packaged(&product(RUNNER), &other, &commit()).is_err());
        let compiler = told(&packaged(&product(COMPILER), &other, &commit()).unwrap());
        assert!(!compiler.iter().any(|line| line.contains("systemd")));
    }
}
