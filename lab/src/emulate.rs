//! One emulated host: QEMU with the virtualisation extensions emulated in software, a kernel, and an
//! initramfs of ours that runs jobs and reports how they ended.
//!
//! The kernel's messages go to a PL011; the programs' streams go to three PCI serial ports, which every
//! kernel at hand has built in, so that what a program prints arrives byte by byte as it was written. The third port is
//! for the lab itself: one line per event, results framed by their length.

use crate::cache::Scratch;
use crate::cross::RUNNER;
use crate::emulator;
use crate::failure::{Failure, Result, unwritten};
use crate::initramfs::Archive;
use crate::kernels::Kernel;
use crate::tools;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

mod crash;
mod hardware;
mod init;
mod port;

use hardware::qemu;
use init::initramfs;
use port::{Event, read_events};

/// Where the lab's own things are inside a host.
pub const LAB: &str = "/.lab";

/// Where modules of its kernel are.
const MODULES: &str = "/.lab/modules";

/// How long a host may take to power off once its last job has ended.
const POWER_OFF: Duration = Duration::from_secs(15);

/// What is said of a host whose KVM found itself at fault. `runner/tests/host` waits for these words.
const FAULT: &str = "its KVM found itself at fault";

/// How many of the console's last lines are shown when a host failed.
const CONSOLE_LINES: usize = 25;

/// The hardware and the kernel of a host.
#[derive(Debug, Clone)]
pub struct Machine {
    /// What it boots.
    pub kernel: Kernel,
    /// QEMU's name of the CPU.
    pub cpu: String,
    /// Number of CPUs.
    pub cpus: u32,
    /// Memory, in MiB.
    pub memory: u32,
    /// Further words for the kernel's command line.
    pub kernel_args: Vec<String>,
    /// Its disks: files that stay as they are, whatever is written in there.
    pub disks: Vec<PathBuf>,
    /// Disks behind those: files that have what is written in there.
    pub kept: Vec<PathBuf>,
    /// A file that has what is written to `/dev/nvme0n1`. Debian's kernels for clouds have the driver of such a disk built in;
    /// those with pages of 16 KiB have it as a module. It is there soon after the first program begins.
    pub bag: Option<PathBuf>,
    /// Whether another host has those disks as well: who writes them when is for those that use them.
    pub shares: bool,
    /// The sockets at which the cables of its network cards end, `eth0` and so on. What needs the cards has their driver.
    pub cables: Vec<PathBuf>,
    /// How long it may take to come up, and each job.
    pub limit: Option<Duration>,
    /// What its clock goes by.
    pub clock: Clock,
}

/// What a host's clock goes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// Real time; each CPU of the host is a thread of its own.
    Real,
    /// Instructions: each takes 2 ns, and time that nobody uses is skipped. What else this machine does
    /// changes nothing, so times measured inside can be compared.
    Instructions,
}

/// A program to run in a host.
#[derive(Debug, Clone)]
pub struct Job {
    /// Path of the program inside the host.
    pub program: String,
    /// Its arguments.
    pub args: Vec<String>,
}

/// Files of a host: where they are inside it, and where their content comes from.
#[derive(Debug, Default)]
pub struct Files {
    from_disk: BTreeMap<String, PathBuf>,
    from_memory: BTreeMap<String, Vec<u8>>,
    dirs: BTreeSet<String>,
}

impl Files {
    /// A file with the content and the permissions of `source`.
    pub fn copy(&mut self, path: &str, source: &Path) {
        self.from_disk.insert(path.to_owned(), source.to_owned());
    }

    /// An executable file with this content.
    pub fn program(&mut self, path: &str, content: Vec<u8>) {
        self.from_memory.insert(path.to_owned(), content);
    }

    /// Modules of the host's kernel, loaded in this order before any job runs.
    pub fn modules(&mut self, modules: Vec<Vec<u8>>) {
        for module in modules {
            let count = self.from_memory.len();
            self.program(&format!("{MODULES}/{count:04}.ko"), module);
        }
    }

    /// The program of that name, if there is one.
    fn of_name(&self, name: &str) -> Option<&[u8]> {
        let mut files = self.from_memory.iter();
        files.find_map(|(path, content)| Path::new(path).ends_with(name).then_some(&**content))
    }

    /// A directory.
    pub fn dir(&mut self, path: &str) {
        self.dirs.insert(path.to_owned());
    }

    fn write_to(&self, archive: &mut Archive) -> Result<()> {
        use std::os::unix::fs::PermissionsExt;
        for path in &self.dirs {
            archive.dir(path)?;
        }
        for (path, source) in &self.from_disk {
            let content = crate::cache::read(source)?;
            let mode = fs::metadata(source)
                .map_err(|e| Failure::file("look at", source, &e))?
                .permissions()
                .mode();
            archive.file(path, mode, &content)?;
        }
        for (path, content) in &self.from_memory {
            archive.file(path, 0o755, content)?;
        }
        Ok(())
    }
}

/// What is to be done in a host.
#[derive(Debug)]
pub struct Work<'a> {
    /// Directory in which the jobs run.
    pub dir: &'a str,
    /// What the host has beside the lab's own files.
    pub files: &'a Files,
    /// The static busybox.
    pub busybox: &'a [u8],
    /// The jobs, run one after another.
    pub jobs: &'a [Job],
    /// Files inside the host to bring back.
    pub results: &'a [String],
    /// What becomes of the jobs' output.
    pub output: Output,
    /// Where to keep what the host's kernel printed.
    pub console: Option<&'a Path>,
}

/// What becomes of the output of jobs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Output {
    /// It goes to our own standard output and standard error as it comes.
    Stream,
    /// The same, and our standard input goes to the program, which sees a terminal.
    Terminal,
    /// It is collected, job by job.
    Collect,
}

/// How a job ended.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Its exit code, 128 plus the signal's number where a signal ended it.
    pub code: u8,
    /// What it wrote to standard output, where output was collected.
    pub stdout: Vec<u8>,
    /// What it wrote to standard error, where output was collected.
    pub stderr: Vec<u8>,
}

/// What came out of a host that ran all its jobs.
#[derive(Debug, Default)]
pub struct Outcome {
    /// How each job ended, in their order.
    pub jobs: Vec<Ended>,
    /// How long each job took.
    pub took: Vec<Duration>,
    /// How long it was until the first of them began.
    pub booted: Duration,
    /// The files that were to be brought back and exist.
    pub results: BTreeMap<String, Vec<u8>>,
}

/// Boots a host, runs the jobs in it and waits until it is off.
pub fn run(machine: &Machine, work: &Work) -> Result<Outcome> {
    emulator::expect(&machine.cpu)?;
    let scratch = Scratch::new()?;
    let initrd = scratch.path().join("initrd");
    // Where a clock counts instructions, nobody else is to use them up.
    let watched = machine.limit.filter(|_| machine.clock == Clock::Real);
    fs::write(&initrd, initramfs(work, watched)?)
        .map_err(|e| Failure::file("write", &initrd, &e))?;
    let mut host = Host::start(machine, &initrd, &scratch, work.output)?;
    let outcome = host.follow(machine, work.jobs);
    host.kill();
    let outcome = outcome.and_then(|outcome| match lost_thread(work, &outcome) {
        Some(words) => Err(Ending::Stopped(words)),
        None => Ok(outcome),
    });
    let console = || fs::read(scratch.path().join("console")).unwrap_or_default();
    if let Some(path) = work.console {
        crate::cache::write(path, &console())?;
    }
    let words = |why: String| {
        format!(
            "the emulated host (kernel {}, {}) failed: {why}\n{}",
            machine.kernel.version,
            machine.cpu,
            last_words(&scratch)
        )
    };
    let outcome = outcome.map_err(|why| match why {
        Ending::Interrupted => Failure::interrupted(),
        Ending::Failed(why) => Failure::environment(words(why)),
        // A host that still told where its programs stand did not stand still itself: they are to blame.
        Ending::Stopped(why) if init::told(&console()) => Failure::environment(words(why)),
        Ending::Stopped(why) => Failure::crash(words(why)),
    })?;
    host.drain();
    match host.unwritten.take() {
        Some(error) => unwritten(&error).map(|()| outcome),
        None => Ok(outcome),
    }
}

/// Whether the runner crashed in there for what the host's KVM did to it.
fn lost_thread(work: &Work, outcome: &Outcome) -> Option<String> {
    let program = work.files.of_name(RUNNER)?;
    let crashed = |job: &&Ended| job.code == SEGMENTATION_FAULT;
    let words = |job: &Ended| String::from_utf8_lossy(&job.stderr).into_owned();
    let mut crashes = outcome.jobs.iter().filter(crashed).map(words);
    crashes.find_map(|words| crash::lost_thread(&words, program))
}

/// The code of a program that SIGSEGV ended, as a shell tells it.
const SEGMENTATION_FAULT: u8 = 128 + 11;

/// Why a host did not do its work.
enum Ending {
    Interrupted,
    Failed(String),
    /// It was up, and went down or stood still in the middle of its work.
    Stopped(String),
}

/// What a host came to whose KVM said that.
fn fault(words: &[u8]) -> Ending {
    let words = String::from_utf8_lossy(words);
    Ending::Stopped(format!("{FAULT}:\n{}", words.trim_end()))
}

/// A running QEMU. It is killed when dropped.
struct Host {
    child: Child,
    events: Receiver<Event>,
    readers: Vec<JoinHandle<io::Result<()>>>,
    /// Why the programs' output could not be passed on.
    unwritten: Option<io::Error>,
}

impl Host {
    fn start(machine: &Machine, initrd: &Path, scratch: &Scratch, output: Output) -> Result<Self> {
        let place = |name: &str| scratch.path().join(name);
        let listeners = ["out", "err", "lab"]
            .iter()
            .map(|name| {
                let path = place(name);
                let listener =
                    UnixListener::bind(&path).map_err(|e| Failure::file("listen on", &path, &e))?;
                listener
                    .set_nonblocking(true)
                    .map_err(|e| Failure::file("listen on", &path, &e))?;
                Ok(listener)
            })
            .collect::<Result<Vec<_>>>()?;
        let words = fs::File::create(place("qemu"))
            .map_err(|e| Failure::file("create", &place("qemu"), &e))?;
        let emulator = emulator::start()?;
        let mut command = qemu(emulator, machine, initrd, scratch.path());
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(words)
            .spawn()
            .map_err(|e| {
                Failure::environment(format!("cannot run {}: {e}", emulator.program.display()))
            })?;
        let mut streams = Vec::new();
        for listener in &listeners {
            match accept(listener, &mut child) {
                Ok(stream) => streams.push(stream),
                Err(why) => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(Failure::environment(format!(
                        "QEMU did not start: {why}\n{}",
                        last_words(scratch)
                    )));
                }
            }
        }
        let (sender, events) = mpsc::channel();
        let mut readers = Vec::new();
        let mut streams = streams.into_iter();
        if let (Some(out), Some(err), Some(lab)) = (streams.next(), streams.next(), streams.next())
        {
            if output == Output::Terminal
                && let Ok(keyboard) = out.try_clone()
            {
                // It ends with the process: a read from a terminal cannot be called off.
                thread::spawn(move || copy(io::stdin(), keyboard));
            }
            readers.push(thread::spawn(move || copy(out, io::stdout())));
            readers.push(thread::spawn(move || {
                // Words that nobody reads change no result.
                let _ = copy(err, io::stderr());
                Ok(())
            }));
            readers.push(thread::spawn(move || {
                read_events(lab, &sender);
                Ok(())
            }));
        }
        Ok(Self {
            child,
            events,
            readers,
            unwritten: None,
        })
    }

    /// Listens to the host until all its jobs have ended and it is off.
    fn follow(&mut self, machine: &Machine, jobs: &[Job]) -> std::result::Result<Outcome, Ending> {
        let start = Instant::now();
        let mut outcome = Outcome::default();
        let mut last = start;
        let mut started = false;
        let mut done: Option<Instant> = None;
        let mut off = false;
        loop {
            match self.events.recv_timeout(tools::TICK) {
                Ok(Event::Started { kvm: true }) => {
                    started = true;
                    outcome.booted = start.elapsed();
                    last = Instant::now();
                }
                Ok(Event::Started { kvm: false }) => {
                    return Err(Ending::Failed(
                        "it has no /dev/kvm: this kernel has no KVM built in, or the CPU that is emulated offers no EL2 to it".to_owned(),
                    ));
                }
                Ok(Event::Ended(ended)) => {
                    outcome.jobs.push(ended);
                    outcome.took.push(last.elapsed());
                    last = Instant::now();
                }
                Ok(Event::File(path, content)) => {
                    outcome.results.insert(path, content);
                }
                Ok(Event::Fault(words)) => return Err(fault(&words)),
                Ok(Event::Done) => done = Some(Instant::now()),
                Ok(Event::Garbled(line)) => {
                    return Err(Ending::Failed(format!(
                        "it sent something unintelligible on the lab's own port: {line:?}"
                    )));
                }
                Err(RecvTimeoutError::Timeout) => {}
                // The port is closed: QEMU ends.
                Err(RecvTimeoutError::Disconnected) => thread::sleep(tools::TICK),
            }
            if tools::interrupted() {
                return Err(Ending::Interrupted);
            }
            // What was sent before the end must be read before the end is believed.
            if off {
                if let Ok(event) = self.events.try_recv() {
                    match event {
                        Event::Ended(ended) => {
                            outcome.jobs.push(ended);
                            outcome.took.push(last.elapsed());
                        }
                        Event::File(path, content) => {
                            outcome.results.insert(path, content);
                        }
                        Event::Done => done = Some(Instant::now()),
                        Event::Fault(words) => return Err(fault(&words)),
                        Event::Started { .. } | Event::Garbled(_) => {}
                    }
                    continue;
                }
                return if done.is_some() && outcome.jobs.len() == jobs.len() {
                    Ok(outcome)
                } else if !started {
                    Err(Ending::Failed(
                        "it ended before it reached user space".to_owned(),
                    ))
                } else {
                    Err(Ending::Stopped(format!(
                        "it crashed or was switched off during {}",
                        current(jobs, outcome.jobs.len())
                    )))
                };
            }
            match self.child.try_wait() {
                Ok(Some(_)) => {
                    off = true;
                    self.drain();
                }
                Ok(None) => {}
                Err(e) => return Err(Ending::Failed(format!("QEMU cannot be waited for: {e}"))),
            }
            if done.is_some_and(|at| at.elapsed() > POWER_OFF) && !off {
                if outcome.jobs.len() == jobs.len() {
                    return Ok(outcome);
                }
                return Err(Ending::Failed("it does not power off".to_owned()));
            }
            if let Some(limit) = machine.limit
                && last.elapsed() > limit
                && done.is_none()
            {
                let words = |what: String| {
                    format!(
                        "no result after {} s ({what}; a longer limit: --timeout)",
                        limit.as_secs()
                    )
                };
                return Err(if started {
                    Ending::Stopped(words(format!(
                        "the kernel is up, a program hangs or is slow: {}",
                        current(jobs, outcome.jobs.len())
                    )))
                } else {
                    Ending::Failed(words("it has not even reached user space".to_owned()))
                });
            }
        }
    }

    fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Waits until everything that QEMU sent has been passed on. QEMU has ended.
    fn drain(&mut self) {
        for reader in self.readers.drain(..) {
            if let Ok(Err(error)) = reader.join() {
                self.unwritten = Some(error);
            }
        }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.kill();
        self.drain();
    }
}

/// In words, which job was running when so many had ended.
fn current(jobs: &[Job], ended: usize) -> String {
    match jobs.get(ended) {
        Some(job) => format!(
            "job {} of {}: {} {}",
            ended + 1,
            jobs.len(),
            job.program,
            job.args.join(" ")
        ),
        None => format!("what follows all of its {} jobs", jobs.len()),
    }
}

fn accept(listener: &UnixListener, child: &mut Child) -> std::result::Result<UnixStream, String> {
    let start = Instant::now();
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream
                    .set_nonblocking(false)
                    .map_err(|e| format!("a port cannot be read: {e}"))?;
                return Ok(stream);
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Err(e) => return Err(format!("a port cannot be opened: {e}")),
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended at once ({status})"));
        }
        if tools::interrupted() || start.elapsed() > Duration::from_secs(20) {
            return Err("it does not open its ports".to_owned());
        }
        thread::sleep(tools::TICK);
    }
}

/// Copies bytes as they come until either side ends.
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut buffer = [0; 4096];
    let mut written = Ok(());
    // What cannot be passed on is read all the same: the host's program is not to wait for it.
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if written.is_ok() {
            written = to.write_all(&buffer[..count]).and_then(|()| to.flush());
        }
    }
    written
}

/// What QEMU said, and the end of what the host's kernel printed.
fn last_words(scratch: &Scratch) -> String {
    let read = |name: &str| {
        let bytes = fs::read(scratch.path().join(name)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).replace('\r', "")
    };
    let (qemu, console) = (read("qemu"), read("console"));
    let mut words = String::new();
    for (title, text) in [("QEMU said", &qemu), ("the console's end", &console)] {
        let lines: Vec<&str> = text.lines().collect();
        let start = lines.len().saturating_sub(CONSOLE_LINES);
        if !lines.is_empty() {
            words.push_str(&format!("  {title}:\n"));
            // A panic's own line comes before a backtrace that is longer than what is shown.
            for line in lines[..start].iter().filter(|l| l.contains("Kernel panic")) {
                words.push_str(&format!("    | {line}\n    | …\n"));
            }
            for line in &lines[start..] {
                words.push_str(&format!("    | {line}\n"));
            }
        }
    }
    if words.is_empty() {
        words.push_str(
            "  neither QEMU nor the kernel printed anything: it stopped before its console, or has none \
             (CONFIG_SERIAL_AMBA_PL011_CONSOLE=y)",
        );
    }
    words.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_that_cannot_be_passed_on_is_read_and_told() {
        let full = || fs::File::options().write(true).open("/dev/full").unwrap();
        let mut program = &[b'x'; 10_000][..];
        let error = copy(&mut program, full()).unwrap_err();
        assert_eq!(program, b"");
        assert!(unwritten(&error).is_err());
        assert!(unwritten(&ErrorKind::BrokenPipe.into()).is_ok());
    }
}
