//! What the toolchain and this machine's C compiler put into each program beside crates, with the words of its terms.

use super::bill::Part;
use crate::cache;
use crate::cross::{RUNNER, Rust};
use crate::failure::{Failure, Result};
use crate::tools;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The version of musl of which the words are here: the file `COPYRIGHT` of its source.
const MUSL: &str = "1.2.5";
const MUSL_TERMS: &str = include_str!("musl-1.2.5.COPYRIGHT");

/// GCC's own words for what it puts into each program that it links.
const GCC_LICENSE: &str = "GPL-3.0-or-later WITH GCC-exception-3.1";

/// Where Debian has the licences that many packages have.
const COMMON: &str = "/usr/share/common-licenses";

/// Rust's toolchain.
pub struct Toolchain {
    rust: Rust,
    /// The terms of its standard library, as it comes with them.
    pub terms: Vec<u8>,
}

impl Toolchain {
    /// That of a checkout.
    pub fn of(root: &Path) -> Result<Self> {
        let rust = Rust::find(root)?;
        let terms = cache::read(&rust.sysroot.join("share/doc/rust/COPYRIGHT-library.html"))?;
        Ok(Self { rust, terms })
    }

    fn library(&self) -> Part {
        Part {
            name: "rust-std",
            version: self.rust.release.clone(),
            license: "Apache-2.0 OR MIT",
            purl: None,
            texts: vec!["Its terms are in rust-library.html.gz.".to_owned()],
        }
    }

    /// A text that comes with the toolchain.
    fn licence(&self, name: &str) -> Result<String> {
        text(&self.rust.sysroot.join("share/doc/rust/licenses").join(name))
    }

    /// What is in a program with musl: all of it comes with the toolchain.
    pub fn with_musl(&self, triple: &str) -> Result<Vec<Part>> {
        let folder = self
            .rust
            .sysroot
            .join("lib/rustlib")
            .join(triple)
            .join("lib/self-contained");
        let version = |file: &str, of: fn(&[u8]) -> Option<String>| {
            let path = folder.join(file);
            of(&cache::read(&path)?).ok_or_else(|| {
                Failure::environment(format!(
                    "{} does not say the version that its terms are told by",
                    path.display()
                ))
            })
        };
        let musl = version("libc.a", musl_version)?;
        if musl != MUSL {
            return Err(Failure::environment(format!(
                "the toolchain's target {triple} has musl {musl}, and the terms that are here are those of {MUSL}: put \
                 the file COPYRIGHT of that version's source beside lab/src/release/toolchain.rs, and name it there"
            )));
        }
        Ok(vec![
            self.library(),
            Part {
                name: "musl",
                version: musl,
                license: "MIT",
                purl: None,
                texts: vec![MUSL_TERMS.to_owned()],
            },
            // What panics unwind by. It is of the LLVM that Rust's compiler is made with.
            Part {
                name: "llvm-libunwind",
                version: self.rust.llvm.clone(),
                license: "Apache-2.0 WITH LLVM-exception",
                purl: None,
                texts: vec![
                    self.licence("Apache-2.0.txt")?,
                    self.licence("LLVM-exception.txt")?,
                ],
            },
            // `crtbegin.o` and `crtend.o`, which Rust's builders take from their GCC.
            Part {
                name: "gcc-crt",
                version: version("crtbegin.o", gcc_version)?,
                license: GCC_LICENSE,
                purl: None,
                texts: vec![
                    self.licence("GPL-3.0-or-later.txt")?,
                    self.licence("GCC-exception-3.1.txt")?,
                ],
            },
        ])
    }

    /// What is in a program with the GNU C library: that, and what the C compiler that links it has of its own. Both are
    /// this machine's, or those of its cross compiler.
    pub fn with_glibc(&self) -> Result<Vec<Part>> {
        let compiler = match env::consts::ARCH {
            "aarch64" => "cc",
            _ => {
                tools::ensure(tools::CROSS)?;
                "aarch64-linux-gnu-gcc"
            }
        };
        let glibc = Package::with(compiler, "libc.a")?;
        let gcc = Package::with(compiler, "libgcc.a")?;
        let glibc_source = glibc.source("glibc");
        let (gcc_name, _) = gcc
            .built_from
            .split_once("-cross")
            .unwrap_or((&gcc.built_from, ""));
        let gcc_source = gcc.source(gcc_name);
        Ok(vec![
            self.library(),
            Part {
                name: "glibc",
                version: glibc.upstream().to_owned(),
                license: "LGPL-2.1-or-later",
                purl: Some(glibc_source.purl()),
                texts: vec![
                    relinking(&glibc, &glibc_source),
                    glibc.copyright()?,
                    common("LGPL-2.1")?,
                ],
            },
            Part {
                name: "libgcc",
                version: gcc.upstream().to_owned(),
                license: GCC_LICENSE,
                purl: Some(gcc_source.purl()),
                texts: vec![
                    format!(
                        "libgcc.a, libgcc_eh.a and the files crt*.o of GCC are those of Debian's package {}, {}, of the \
                         source package {}, {}.",
                        gcc.name, gcc.version, gcc_source.name, gcc_source.version
                    ),
                    gcc.copyright()?,
                    common("GPL-3")?,
                ],
            },
        ])
    }
}

/// What section 6 of the LGPL 2.1 wants to be told of a program with the library in it.
fn relinking(glibc: &Package, source: &Source) -> String {
    let Source { name, version } = source;
    format!(
        "{RUNNER} uses the GNU C Library, which is in it as a static library and is covered by the GNU Lesser General\n\
         Public License, version 2.1 or later; that licence is among these texts. It is the library of Debian's package\n\
         {package}, {its}, of Debian's source package {name}, {version}.\n\n\
         Debian has the source of that library, with all that it changes in it: source package {name}, version {version},\n\
         in its archive and, once that has a later one, in its archive of snapshots. On a Debian system with that\n\
         release's deb-src, `apt-get source {name}={version}` fetches it.\n\
         Whoever gives this program on has to offer that source, too: the licence's section 6 says how.\n\n\
         You may change the library and link {RUNNER} with it again. {RUNNER}'s own source is the commit that the file\n\
         RELEASE names, and may be changed and built by everybody: put your libc.a in the place of that of\n\
         {package}, and run `cargo run -p vmlock-lab -- build` at the top of that source.",
        package = glibc.name,
        its = glibc.version,
    )
}

/// A licence that this Debian has.
fn common(name: &str) -> Result<String> {
    text(&Path::new(COMMON).join(name))
}

fn text(path: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&cache::read(path)?).into_owned())
}

/// A package of this Debian.
#[derive(Debug, PartialEq, Eq)]
struct Package {
    name: String,
    version: String,
    /// The source package that it was built from.
    built_from: String,
}

/// A source package of Debian's.
struct Source {
    name: String,
    version: String,
}

impl Package {
    /// The one that has a library which a C compiler finds.
    fn with(compiler: &str, library: &str) -> Result<Self> {
        let unknown = |path: &Path| {
            Failure::environment(format!(
                "{RUNNER} has {} in it, and dpkg does not know here which package that is of; its terms have to be known: \
                 make a release on Debian, with its own {compiler}",
                path.display()
            ))
        };
        let mut asked = Command::new(compiler);
        asked.arg(format!("-print-file-name={library}"));
        let (_, said) = tools::output(&mut asked)?;
        let path = PathBuf::from(String::from_utf8_lossy(&said).trim());
        let path = fs::canonicalize(&path).map_err(|_| unknown(&path))?;
        let (status, said) = tools::output(Command::new("dpkg").arg("-S").arg(&path))?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let package = said.split_once(": ").filter(|_| status.success());
        let (package, _) = package.ok_or_else(|| unknown(&path))?;
        let mut asked = Command::new("dpkg-query");
        asked.args([
            "-W",
            "-f",
            "${Package}\n${Version}\n${source:Package}",
            package,
        ]);
        let (status, said) = tools::output(&mut asked)?;
        let said = String::from_utf8_lossy(&said).into_owned();
        let lines: Vec<&str> = said.lines().collect();
        let ([name, version, built_from], true) = (lines.as_slice(), status.success()) else {
            return Err(unknown(&path));
        };
        Ok(Self {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            built_from: (*built_from).to_owned(),
        })
    }

    /// The version of what Debian packaged.
    fn upstream(&self) -> &str {
        self.version
            .rsplit_once('-')
            .map_or(self.version.as_str(), |(upstream, _)| upstream)
    }

    /// What its content was compiled from. A cross compiler's packages are built out of others: `2.36-8cross1` is what
    /// `2.36-8` of the source package is for another architecture.
    fn source(&self, name: &str) -> Source {
        let version = match self.version.rsplit_once("cross") {
            Some((version, number)) if number.bytes().all(|b| b.is_ascii_digit()) => version,
            _ => &self.version,
        };
        Source {
            name: name.to_owned(),
            version: version.to_owned(),
        }
    }

    fn copyright(&self) -> Result<String> {
        text(
            &Path::new("/usr/share/doc")
                .join(&self.name)
                .join("copyright"),
        )
    }
}

impl Source {
    fn purl(&self) -> String {
        format!(
            "pkg:deb/debian/{}@{}?arch=source",
            self.name,
            self.version.replace('+', "%2B").replace(':', "%3A")
        )
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

/// The version of the GCC that made an object, as its section `.comment` has it: `GCC: (GNU) 9.4.0`.
fn gcc_version(object: &[u8]) -> Option<String> {
    let mut texts = object.split(|b| *b == 0);
    let version = texts.find_map(|text| text.strip_prefix(b"GCC: (GNU) "))?;
    String::from_utf8(version.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_say_their_versions() {
        assert_eq!(musl_version(b"x\x001.2.5\x00y").as_deref(), Some("1.2.5"));
        assert_eq!(musl_version(b"\x001.25\x001.2.a\x0012.3.4\x00"), None);
        let object = b"\x7fELF\x00GCC: (GNU) 9.4.0\x00.symtab\x00";
        assert_eq!(gcc_version(object).as_deref(), Some("9.4.0"));
        assert_eq!(gcc_version(b"\x00clang version 22\x00"), None);
    }

    #[test]
    fn the_words_of_musl_are_whole() {
        assert!(MUSL_TERMS.contains("Rich Felker, et al."));
        assert!(MUSL_TERMS.contains("Permission is hereby granted"));
        assert!(MUSL_TERMS.contains("Authors/contributors include:"));
        // Parts of it are others', under terms of theirs.
        assert!(MUSL_TERMS.contains("1999-2019, Arm Limited"));
    }

    #[test]
    fn a_cross_compilers_package_is_of_the_source_that_it_was_made_of() {
        let of = |version: &str| {
            let package = Package {
                name: "libc6-dev-arm64-cross".to_owned(),
                version: version.to_owned(),
                built_from: "cross-toolchain-base".to_owned(),
            };
            (
                package.source("glibc").version,
                package.upstream().to_owned(),
            )
        };
        let told = |version: &str, upstream: &str| (version.to_owned(), upstream.to_owned());
        assert_eq!(of("2.36-8cross1"), told("2.36-8", "2.36"));
        assert_eq!(of("2.36-9+deb12u10"), told("2.36-9+deb12u10", "2.36"));
        let source = Source {
            name: "glibc".to_owned(),
            version: "2.36-9+deb12u10".to_owned(),
        };
        assert_eq!(
            source.purl(),
            "pkg:deb/debian/glibc@2.36-9%2Bdeb12u10?arch=source"
        );
    }
}
