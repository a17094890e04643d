//! A folder of one test, and `vmlock` in it.

use serde_json::Value;
use std::fs;
use std::path::{MAIN_SEPARATOR_STR, Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::Duration;
use vmlock_spec::lock::{Lock, canonical};
use vmlock_spec::report::{self, HostReport};

/// What Wine says (ERROR_INTERNAL_ERROR) of a program that it could not start while the machine is busy: nothing of it ran.
const NOT_STARTED: i32 = 1359;
/// How often one is started.
const ATTEMPTS: usize = 5;

/// The workspace, wherever the one who is told of it stands: on Windows, with its drive.
pub fn root() -> PathBuf {
    std::path::absolute(Path::new(env!("CARGO_MANIFEST_DIR")).join("..")).unwrap()
}

/// A path of this system.
pub fn native(path: &str) -> String {
    path.replace('/', MAIN_SEPARATOR_STR)
}

/// A name that a file can have here: Windows takes some characters in none.
pub fn nameable(name: &str) -> String {
    let is_taken = |c: char| cfg!(unix) || !(c.is_control() || r#"<>:"|?*"#.contains(c));
    let each = |c| if is_taken(c) { c } else { '_' };
    name.chars().map(each).collect()
}

/// The folder of recorded host reports.
pub fn recorded() -> PathBuf {
    root().join("spec/catalogue/hosts")
}

/// All recorded host reports.
pub fn reports() -> Vec<PathBuf> {
    let files = fs::read_dir(recorded()).unwrap().map(|e| e.unwrap().path());
    let reports: Vec<PathBuf> = files
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    assert!(reports.len() >= 44, "only {} recorded hosts", reports.len());
    reports
}

/// Where the report of a recorded host is.
pub fn report_of(cpu: &str, series: &str) -> String {
    let path = recorded().join(format!("{cpu}-{series}.json"));
    path.to_str().unwrap().to_owned()
}

/// What becomes of these arguments in that folder.
pub fn vmlock(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vmlock"));
    let command = command.args(arguments).current_dir(folder);
    command.env("NO_COLOR", "1");
    for _ in 1..ATTEMPTS {
        match command.output() {
            Err(e) if cfg!(windows) && e.raw_os_error() == Some(NOT_STARTED) => {
                thread::sleep(Duration::from_millis(100));
            }
            output => return output.unwrap(),
        }
    }
    command.output().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Gone with the test.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// An empty folder of its own, whatever others are called.
    pub fn new(name: &str) -> Self {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let (process, number) = (std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(format!("vmlock-{process}-{number}-{name}"));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub fn vmlock(&self, arguments: &[&str]) -> Output {
        vmlock(&self.0, arguments)
    }

    /// Runs with `--format json`; the exit code and the object.
    pub fn json(&self, arguments: &[&str]) -> (i32, Value) {
        let mut all = vec!["--format", "json"];
        all.extend(arguments);
        let output = self.vmlock(&all);
        let text = out(&output);
        let object = serde_json::from_str(&text)
            .unwrap_or_else(|e| panic!("{arguments:?}: {e}: {text}{}", err(&output)));
        (output.status.code().unwrap(), object)
    }

    /// Writes `NAME.vm.kdl` and locks it.
    pub fn lock(&self, name: &str, spec: &str) -> Lock {
        let file = format!("{name}.vm.kdl");
        self.write(&file, spec);
        let output = self.vmlock(&["lock", &file]);
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
        let text = fs::read_to_string(self.0.join(format!("{name}.vm.lock.json"))).unwrap();
        canonical::parse(&text).unwrap()
    }

    /// A symbolic link in it; whether there is one now. On Windows only some users may make them.
    pub fn link(&self, to: &str, name: &str) -> bool {
        let name = self.0.join(name);
        #[cfg(unix)]
        std::os::unix::fs::symlink(to, &name).unwrap();
        #[cfg(windows)]
        let _ = to;
        name.is_symlink()
    }

    /// Writes a host report.
    pub fn report(&self, name: &str, report: &HostReport) {
        self.write(name, &report::write(report));
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // A folder that stays behind in /tmp fails no test.
        let _ = fs::remove_dir_all(&self.0);
    }
}
