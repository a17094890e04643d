//! libvirt's XML held against libvirt's own schemas (RELAX NG), by Debian 13's xmllint, which is fetched with them and runs
//! from the cache: what `vmlock export` writes, and the capabilities of a host that the tests of `vmlock import` read. No domain is started, and
//! the domains of those tests are held against nothing: most of them are meant to be wrong.

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{FINDINGS, Failure, Result, tell};
use crate::packages::{Architecture, Archive, Program};
use crate::programs::{Programs, Start, Wanted};
use crate::step;
use crate::tools;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// What checks, on a Debian system.
const XMLLINT: &str = "/usr/bin/xmllint";
/// The schemas, on a Debian system.
const SCHEMAS: &str = "/usr/share/libvirt/schemas";
/// How long one document may take.
const LIMIT: Duration = Duration::from_secs(60);
/// How xmllint ends where a document is not what its schema says (xmllint(1), EXIT STATUS).
const INVALID: i32 = 3;
/// What `vmlock export` is to accept: all of it, since the XML alone is looked at.
const FATES: &str = "chance,overwritten,forced,cannot";
/// The checked-in lock with its host, and descriptions of machines that say what it does not, each with theirs.
const EXAMPLE: (&str, &str) = ("examples/modern.vm.lock.json", "neoverse-n1-7.2");
const MACHINES: [(&str, &str, &str); 2] = [
    (
        "wide",
        "max-7.2",
        r#"vm "wide" {
    arch "arm64"
    abi "kvm-7.2"
    cpu "max" count=3 {
        sve 128 256
    }
    memory "1GiB"
}
"#,
    ),
    (
        "plain.-_9",
        "cortex-a72-6.12",
        r#"vm "plain.-_9" {
    arch "arm64"
    abi "kvm-6.12"
    cpu "cortex-a72" count=1 {
        pmu
    }
    memory "66MiB"
}
"#,
    ),
];
/// Words of the example's, each with what no schema of libvirt's lets stand in its place.
const MISTAKES: [(&str, &str); 6] = [
    ("<gic version='3'/>", "<gic version='three'/>"),
    ("<pmu state='off'/>", "<pmu state='maybe'/>"),
    ("unit='MiB'", "unit='pages'"),
    ("mode='host-passthrough'", "mode='as-it-is'"),
    ("policy='disable'", "policy='never'"),
    ("</features>", "</features><cpus/>"),
];

fn wanted(architecture: Architecture) -> Wanted {
    Wanted {
        from: Program {
            archive: Archive {
                state: "apt-libvirt",
                architecture,
                suites: &["trixie"],
                security: &["trixie-security"],
                megabytes: 10,
            },
            suite: None,
            package: "libxml2-utils",
            also: &["libvirt-common"],
            without: "readline",
        },
        programs: &[XMLLINT],
        libraries: &[],
        trees: &[SCHEMAS],
        folder: format!("libvirt-trixie-{}", architecture.name),
        words: "Debian 13's xmllint and libvirt's schemas (14 MB)".to_owned(),
    }
}

/// `vmlock-lab libvirt`: what `test` holds of libvirt's XML, by itself.
pub fn run(cache: &Cache) -> Result<u8> {
    match checked(cache)? {
        Some(problems) => step::told(&problems),
        None => Ok(FINDINGS),
    }
}

/// What xmllint says of a document.
struct Judge<'c> {
    cache: &'c Cache,
    wanted: Wanted,
    programs: Programs,
}

impl Judge<'_> {
    /// Whether the document is what libvirt's schema of that name says, and what is said of it.
    fn holds(&self, document: &Path, schema: &str) -> Result<std::result::Result<(), String>> {
        let start: Start = self.programs.start(self.cache, &self.wanted, XMLLINT);
        let schemas = self.programs.place(self.cache, &self.wanted, SCHEMAS);
        let said = document.with_extension("said");
        let file = fs::File::create(&said).map_err(|e| Failure::file("create", &said, &e))?;
        let mut command = start.command();
        command
            .args(["--nonet", "--noout", "--relaxng"])
            .arg(schemas.join(schema))
            .arg(document)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(file);
        let status = tools::run(&mut command, Some(LIMIT))?;
        let words = String::from_utf8_lossy(&cache::read(&said)?).into_owned();
        match status.code() {
            Some(0) => Ok(Ok(())),
            Some(INVALID) => Ok(Err(words)),
            _ => Err(Failure::environment(format!(
                "xmllint did not come to its end with {schema}: {status}: {words}"
            ))),
        }
    }
}

/// What is wrong with the XML; nothing where it cannot be checked here.
pub fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    let skipped = |why: &str| {
        tell(format_args!(
            "skipped: libvirt's XML in its own schema: {why}"
        ))?;
        Ok(None)
    };
    let Some(architecture) = Architecture::native() else {
        return skipped("what checks it is fetched for x86-64 and arm64 alone");
    };
    let wanted = wanted(architecture);
    let programs = match Programs::provide(cache, &wanted) {
        Ok(found) => found,
        Err(why) => return skipped(&format!("what checks it cannot be fetched: {why}")),
    };
    let judge = Judge {
        cache,
        wanted,
        programs,
    };
    let root = cross::workspace()?;
    let compiler = cross::build_quickly("vmlock")?;
    let scratch = cache.scratch()?;
    let mut problems = Vec::new();
    for (name, path) in exported(&root, &compiler, scratch.path(), &mut problems)? {
        if let Err(words) = judge.holds(&path, "domain.rng")? {
            problems.push(format!("the domain `{name}` is none of libvirt's: {words}"));
        }
    }
    let example = root.join("examples/libvirt/modern.xml");
    let text = String::from_utf8_lossy(&cache::read(&example)?).into_owned();
    let host = cache::read(&root.join("compiler/tests/libvirt/host.xml"))?;
    let copy = scratch.path().join("host.xml");
    cache::write(&copy, &host)?;
    if let Err(words) = judge.holds(&copy, "capability.rng")? {
        problems.push(format!(
            "the capabilities of the tests are none of libvirt's: {words}"
        ));
    }
    // That the schema finds anything at all.
    for (from, to) in MISTAKES {
        let wrong = text.replacen(from, to, 1);
        let path = scratch.path().join("wrong.xml");
        cache::write(&path, wrong.as_bytes())?;
        if wrong == text || judge.holds(&path, "domain.rng")?.is_ok() {
            problems.push(format!("`{to}` for `{from}` is not found to be wrong"));
        }
    }
    Ok(Some(problems))
}

/// What `vmlock export` writes of each machine, by its name.
fn exported(
    root: &Path,
    compiler: &Path,
    folder: &Path,
    problems: &mut Vec<String>,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut locks = vec![("modern", EXAMPLE.1, root.join(EXAMPLE.0))];
    for (name, host, text) in MACHINES {
        let spec = folder.join(format!("{name}.vm.kdl"));
        cache::write(&spec, text.as_bytes())?;
        let mut command = Command::new(compiler);
        let (status, _) = tools::output(command.arg("lock").arg(&spec))?;
        if !status.success() {
            problems.push(format!("`vmlock lock` of `{name}` ended with {status}"));
        }
        locks.push((name, host, folder.join(format!("{name}.vm.lock.json"))));
    }
    let mut documents = BTreeMap::new();
    for (name, host, lock) in locks {
        let path = folder.join(format!("{name}.xml"));
        let mut command = Command::new(compiler);
        command
            .arg("export")
            .arg(lock)
            .args(["--to", "libvirt", "--accept", FATES, "--host"])
            .arg(root.join(format!("spec/catalogue/hosts/{host}.json")))
            .arg("-o")
            .arg(&path);
        let (status, _) = tools::output(&mut command)?;
        if !status.success() {
            problems.push(format!("`vmlock export` of `{name}` ended with {status}"));
            continue;
        }
        documents.insert(name.to_owned(), path);
    }
    Ok(documents)
}
