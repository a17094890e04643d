//! What the tests that need a real KVM have in common: guests of a few instructions, files, and a shell in an
//! emulated host.

#[allow(dead_code)]
pub mod checks;

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, process};
use vmlock_spec::lock::canonical;
use vmlock_spec::lock::{Boot, BootFile, Lock};
use vmlock_spec::machine::describe;

/// Bytes before the code.
pub const HEADER: usize = 64;

/// An arm64 image (Documentation/arch/arm64/booting.rst) with that code.
pub fn image(code: &[u32], size: Option<u64>) -> Vec<u8> {
    let size = size.unwrap_or((HEADER + 4 * code.len()) as u64);
    let mut image = Vec::new();
    // b to the end of the header, and a nop.
    image.extend((0x1400_0000u32 | (HEADER as u32 / 4)).to_le_bytes());
    image.extend(0xd503_201fu32.to_le_bytes());
    for long in [0, size, 0xa, 0, 0, 0] {
        image.extend(long.to_le_bytes());
    }
    image.extend(*b"ARM\x64\0\0\0\0");
    code.iter()
        .for_each(|word| image.extend(word.to_le_bytes()));
    image
}

/// Files of one test run, gone with it.
pub struct Place(pub PathBuf);

impl Place {
    pub fn new(name: &str) -> Self {
        let path = env::temp_dir().join(format!("vmlock-host-{name}-{}", process::id()));
        fs::create_dir_all(&path).expect("the temporary directory takes files");
        Self(path)
    }

    pub fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        fs::write(&path, bytes).expect("the temporary directory takes files");
        path
    }

    /// A lock of the workspace that boots the kernel of that name beside it.
    #[allow(dead_code)]
    pub fn lock(&self, name: &str, lock: &str, kernel: &str) -> PathBuf {
        self.altered(name, lock, kernel, |_| {})
    }

    /// The same lock, altered.
    pub fn altered(
        &self,
        name: &str,
        lock: &str,
        kernel: &str,
        alter: impl FnOnce(&mut Lock),
    ) -> PathBuf {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let text = fs::read_to_string(workspace.join(lock)).expect("the lock is checked in");
        let mut lock = canonical::parse(&text).expect("it is a lock");
        lock.boot = Some(Boot {
            kernel: BootFile::at(kernel),
            initrd: None,
            cmdline: String::new(),
            kaslr_seed: false,
        });
        alter(&mut lock);
        describe(&mut lock);
        self.write(
            &format!("{name}.vm.lock.json"),
            canonical::write(&lock).as_bytes(),
        )
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What is left behind is left in the temporary directory.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What the lab says of a host that failed, and not what was tried there (`lab/src/emulate.rs`).
const FAULT: &str = "its KVM found itself at fault";
/// What a script says where the first guest that it starts does not tick, as happens in one of some hundred of these hosts: nothing
/// was tried by then. Guests that start are for other tests (`guests.rs`).
const SILENT: &str = "the first guest of this host is silent";

#[allow(dead_code)]
/// Runs a shell script in an emulated host, with these files at their own paths; once more where the host failed.
pub fn in_host(kernel: &str, cpu: &str, script: &Path, files: &[PathBuf]) -> String {
    in_host_with(kernel, cpu, script, files, &[], &[], &[])
}

/// The same, where all of it may take so many seconds.
#[allow(dead_code)]
pub fn in_host_within(
    seconds: u32,
    kernel: &str,
    cpu: &str,
    script: &Path,
    files: &[PathBuf],
) -> String {
    let flags = ["--timeout", &seconds.to_string()];
    in_host_with(kernel, cpu, script, files, &[], &[], &flags)
}

/// The same, and that host has these modules.
#[allow(dead_code)]
pub fn in_host_of(
    kernel: &str,
    cpu: &str,
    script: &Path,
    files: &[PathBuf],
    modules: &[&str],
) -> String {
    in_host_with(kernel, cpu, script, files, &[], modules, &[])
}

/// The same, with a runner that can be told to be slow, and what else the lab is told (`vmlock-lab run --help`).
#[allow(dead_code)]
pub fn in_host_of_tests(
    kernel: &str,
    cpu: &str,
    script: &Path,
    files: &[PathBuf],
    more: &[&str],
) -> String {
    let flags = [&["--torture"], more].concat();
    in_host_with(kernel, cpu, script, files, &[], &[], &flags)
}

/// The same, and these files come back from there.
#[allow(dead_code)]
pub fn in_host_and_back(
    kernel: &str,
    cpu: &str,
    script: &Path,
    files: &[PathBuf],
    back: &[PathBuf],
) -> String {
    in_host_with(kernel, cpu, script, files, back, &[], &[])
}

fn in_host_with(
    kernel: &str,
    cpu: &str,
    script: &Path,
    files: &[PathBuf],
    back: &[PathBuf],
    modules: &[&str],
    flags: &[&str],
) -> String {
    let run = || {
        let mut lab = Command::new(env!("CARGO"));
        lab.args(["run", "--quiet", "--package", "vmlock-lab", "--", "run"]);
        lab.args(["--kernel", kernel, "--cpu", cpu]);
        lab.args(["--program", "sh"]).args(flags);
        if !flags.contains(&"--timeout") {
            lab.args(["--timeout", "600"]);
        }
        for module in modules {
            lab.args(["--module", module]);
        }
        for file in files {
            lab.arg("--with").arg(file);
        }
        for file in back {
            lab.arg("--out").arg(file);
        }
        let output = lab.arg("--").arg(script).output();
        let output = output.expect("cargo can be run");
        let said = [&output.stdout[..], &output.stderr].concat();
        let words = String::from_utf8_lossy(&said).into_owned();
        (output, words)
    };
    let (mut output, mut words) = run();
    if [FAULT, SILENT].iter().any(|fails| words.contains(fails)) {
        // `vmlock-lab test` counts it.
        let _ = writeln!(io::stdout(), "AGAIN: a host of {kernel}: {words}");
        (output, words) = run();
    }
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{words}");
    text
}
