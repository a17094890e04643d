//! The part of `bench --saves` that runs in a host: has guests paused, saved and restored, by vmlock-run and by QEMU in turn.
//!
//! A guest says its byte all the time. So it stands still for as long as none comes, and one that QEMU restores has begun when
//! the first comes. Ours is heard only once its memory was checked; vmlock-run says its counts (`--stats`) right before the
//! first instruction.

use super::super::devices::counters::{Calls, Counters, tasks};
use super::super::inside::{forget, reaches, spawn};
use super::super::phases::Phases;
use super::qmp::Monitor;
use crate::cache;
use crate::failure::{ENVIRONMENT, Failure, OK, Result, tell};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// What is to be measured.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    /// Guests by name, each of several contenders.
    pub guests: BTreeMap<String, BTreeMap<String, Guest>>,
    /// Rounds that count. One more goes before them.
    pub rounds: u32,
    /// The byte that the guests say.
    pub mark: u8,
}

/// A guest of a contender.
#[derive(Debug, Serialize, Deserialize)]
pub struct Guest {
    /// Starts it.
    pub start: Vec<String>,
    /// The socket at which its contender is asked.
    pub socket: PathBuf,
    /// The file that it is saved to.
    pub file: PathBuf,
    /// How that is done.
    pub saved: How,
    /// Restores it from there.
    pub restore: Vec<String>,
    /// Where its memory begins, of a contender whose calls are counted until it runs in there.
    pub memory: u64,
    /// Whether it is restored once more where nothing was proven yet in this boot.
    pub unproven: bool,
    /// The same, and it is left at rest, of a contender whose guest runs while its memory is checked.
    pub rests: Option<Vec<String>>,
    /// Whether the file is copied by `dd`, to know how long that takes.
    pub copied: bool,
    /// How it goes from runner to runner, of a contender that can do that.
    pub hands: Option<Hands>,
}

/// How a guest goes from one runner to another, again and again. Each has a control socket of its own, in turn.
#[derive(Debug, Serialize, Deserialize)]
pub struct Hands {
    /// Starts it with the first one.
    pub start: Vec<String>,
    /// Where the other one waits for it.
    pub meeting: PathBuf,
    /// Has the one wait there whose turn it is.
    pub receive: [Vec<String>; 2],
    /// Has the other one of them give it to that one.
    pub migrate: [Vec<String>; 2],
}

/// How a guest gets into its file.
#[derive(Debug, Serialize, Deserialize)]
pub enum How {
    /// This command has it saved, and ends once the file is on the disk.
    Command(Vec<String>),
    /// QEMU is asked to migrate it, which stands still meanwhile.
    Migrated,
}

/// What was measured, by guest and contender.
pub type Measured = BTreeMap<String, BTreeMap<String, Seen>>;

/// What was seen of a guest. Times are in microseconds, one for each round that counts.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Seen {
    /// The longest silence of the guest while it was paused and resumed at once, several for each round.
    pub pauses: Vec<f64>,
    /// From asking for it to be saved until the file is there.
    pub saves: Vec<f64>,
    /// Copies of the file by `dd`.
    pub copies: Vec<f64>,
    /// From the start of the process that restores it to the guest's first instruction, of QEMU to its first byte.
    pub restores: Vec<f64>,
    /// From the start of that process to the guest's first byte.
    pub heard: Vec<f64>,
    /// From the start of the process to the first instruction, where the host had not proven the lock before.
    pub unproven: Vec<f64>,
    /// What was said then.
    pub proving: String,
    /// Length of its file, and how much of that is on the disk, in bytes.
    pub file: (u64, u64),
    /// What each restored one had needed until its guest ran, of a contender that says when its memory was checked.
    pub before: Vec<Before>,
    /// What was said when it was last handed over.
    pub arrived: String,
    /// How long it rested while it was handed over to another runner of this host, several for each round.
    pub rests: Vec<f64>,
    /// What was said when it was restored.
    pub words: String,
}

/// What a process has needed until its guest's first instruction.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Before {
    /// System calls of all its threads but the one that checks memory meanwhile, by name, until KVM first enters the guest's own
    /// code: those of the witness's look at it are among them.
    pub calls: Calls,
    /// Page faults of one at rest, until its memory was checked.
    pub faults: u64,
    /// Bytes of its memory that are there then.
    pub resident: u64,
}

/// How long a guest runs between what is asked of it.
const MEANWHILE: Duration = Duration::from_millis(50);

/// How often a guest is paused and resumed in a round: one pause is as long as who runs next on the CPU makes it.
const PAUSES: usize = 9;

/// How often a guest is handed over in a round.
const HANDS: usize = 3;

/// How long each step of a guest's way may take, by this host's clock.
const STEP: Duration = Duration::from_secs(60);
/// Where whoever waits outside sees how far this is, and is told of it where the host fails.
const CONSOLE: &str = "/dev/console";

/// The steps of all guests, of which none may take too long: somebody who hangs is named, and not waited for.
struct Steps {
    now: Arc<Mutex<(String, Instant)>>,
}

impl Steps {
    fn begin() -> Self {
        let now = Arc::new(Mutex::new(("beginning".to_owned(), Instant::now())));
        let watched = Arc::clone(&now);
        thread::spawn(move || {
            loop {
                thread::sleep(STEP / 60);
                let (what, since) = &*watched.lock().unwrap_or_else(PoisonError::into_inner);
                if since.elapsed() > STEP {
                    let words = format!("{what} took more than {} s", STEP.as_secs());
                    say(&words);
                    crate::failure::say(words);
                    // Whoever hangs ends with the host.
                    std::process::exit(ENVIRONMENT.into());
                }
            }
        });
        Self { now }
    }

    fn next(&self, what: String) {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, since) = &*now;
        say(&format!("{before}: {:.1} s", since.elapsed().as_secs_f64()));
        *now = (what, Instant::now());
    }
}

/// Nobody may be there to see it.
fn say(words: &str) {
    let _ = fs::OpenOptions::new()
        .write(true)
        .open(CONSOLE)
        .and_then(|mut console| writeln!(console, "bench: {words}"));
}

/// Carries out the order in a file and prints what was measured.
///
/// # Errors
/// A contender or its guest failed.
pub fn run(order: &Path) -> Result<u8> {
    let order: Order = serde_json::from_slice(&cache::read(order)?)
        .map_err(|e| Failure::usage(format!("{}: {e}", order.display())))?;
    let mut measured = Measured::new();
    let steps = Steps::begin();
    for round in 0..=order.rounds {
        for (name, contenders) in &order.guests {
            let of = measured.entry(name.clone()).or_default();
            for (contender, guest) in contenders {
                let mut all = Seen::default();
                let counts = round > 0;
                let seen = match counts {
                    true => of.entry(contender.clone()).or_default(),
                    false => &mut all,
                };
                let step = |what: &str| {
                    steps.next(format!("round {round}, {name}, {contender}: {what}"));
                };
                guest.save(order.mark, seen, &step)?;
                guest.restore(order.mark, counts, seen, &step)?;
                remove(&guest.file)?;
                if let Some(hands) = &guest.hands {
                    step("hand over");
                    hands.over(order.mark, seen)?;
                }
            }
        }
    }
    steps.next("ending".to_owned());
    let text = serde_json::to_string(&measured)
        .map_err(|e| Failure::bug(format!("cannot write the measurement: {e}")))?;
    tell(text)?;
    Ok(OK)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).map_err(|e| Failure::file("remove", path, &e))
}

impl Guest {
    /// Starts it, has it paused and resumed, and then saved.
    fn save(&self, mark: u8, seen: &mut Seen, step: &dyn Fn(&str)) -> Result<()> {
        step("start");
        // QEMU leaves its own behind.
        let _ = fs::remove_file(&self.socket);
        let mut running = Running::start(&self.start, mark)?;
        // This writes to a console, meanwhile the only CPU runs no guest: that is nobody's pause.
        step("pause");
        thread::sleep(MEANWHILE);
        match &self.saved {
            How::Command(command) => {
                for _ in 0..PAUSES {
                    running.heard().anew();
                    ask(&self.socket, "pause")?;
                    ask(&self.socket, "resume")?;
                    seen.pauses.push(running.silence()?);
                }
                step("save");
                seen.saves.push(finished(command)?);
                step("end");
                running.ends();
            }
            How::Migrated => {
                let mut monitor = Monitor::connect(&self.socket)?;
                // Its usual limit is 128 MiB a second.
                monitor.ask(
                    "migrate-set-parameters",
                    &json!({ "max-bandwidth": 64_u64 << 30 }),
                )?;
                thread::sleep(MEANWHILE);
                for _ in 0..PAUSES {
                    running.heard().anew();
                    monitor.ask("stop", &json!({}))?;
                    monitor.ask("cont", &json!({}))?;
                    seen.pauses.push(running.silence()?);
                }
                step("save");
                let begun = Instant::now();
                monitor.ask("stop", &json!({}))?;
                monitor.migrate(&self.file)?;
                seen.saves.push(micros(begun.elapsed()));
                step("end");
                monitor.quit()?;
                running.ends();
            }
        }
        if let How::Command(_) = self.saved {
            // A guest runs on a file that nobody may write while its memory is checked.
            let kept = fs::Permissions::from_mode(0o400);
            fs::set_permissions(&self.file, kept)
                .map_err(|e| Failure::file("change the rights of", &self.file, &e))?;
        }
        // Of what comes next, nothing is to wait for the disk.
        finished(&["sync".to_owned()])?;
        let about =
            fs::metadata(&self.file).map_err(|e| Failure::file("look at", &self.file, &e))?;
        // `st_blocks` counts in 512 bytes.
        seen.file = (about.len(), about.blocks() * 512);
        if self.copied {
            let copy = self.file.with_extension("copy");
            let words = [
                "dd".to_owned(),
                format!("if={}", self.file.display()),
                format!("of={}", copy.display()),
                "bs=2M".to_owned(),
                "conv=fsync".to_owned(),
            ];
            step("copy");
            seen.copies.push(finished(&words)?);
            remove(&copy)?;
        }
        Ok(())
    }

    /// Restores it from its file; once more before where nothing is proven yet, and two times more where what it needs is to be
    /// counted, which takes time.
    fn restore(&self, mark: u8, counted: bool, seen: &mut Seen, step: &dyn Fn(&str)) -> Result<()> {
        if self.unproven {
            step("restore where nothing is proven yet");
            forget()?;
            let begun = Instant::now();
            let restored = self.begin(mark)?;
            seen.unproven.push(micros(begun.elapsed()));
            seen.proving = restored.ends();
            proven(&seen.proving)?;
        }
        step("restore");
        let begun = Instant::now();
        let mut restored = self.begin(mark)?;
        seen.restores.push(micros(begun.elapsed()));
        if self.rests.is_some() {
            restored.is_heard(mark)?;
        }
        seen.heard.push(micros(begun.elapsed()));
        seen.words = restored.ends();
        if let (true, Some(rests)) = (counted, &self.rests) {
            step("count of what a restore asks for");
            let counters = Counters::until_a_guest_runs(self.memory)?;
            let restored = self.begin(mark)?;
            let process = restored.child.id();
            let calls = counters.calls_since(process, &checkers(process)?)?;
            drop(counters);
            // A rehearsal of the lock would enter a guest in its memory before, and what comes after that is not counted.
            recalled(&restored.ends())?;
            step("count of what a restore touches");
            let mut restored = Restored::counted(rests)?;
            restored.says(|line| line.contains(CHECKED))?;
            let (faults, resident) = memory(restored.child.id())?;
            seen.before.push(Before {
                calls,
                faults,
                resident,
            });
            restored.ends();
        }
        Ok(())
    }

    /// Restores it, and its guest begins to run.
    fn begin(&self, mark: u8) -> Result<Restored> {
        match self.rests {
            Some(_) => Restored::counted(&self.restore),
            None => Restored::start(&self.restore, mark),
        }
    }
}

impl Hands {
    /// Has a guest handed over several times, and hears it after each.
    fn over(&self, mark: u8, seen: &mut Seen) -> Result<()> {
        let mut here = Running::start(&self.start, mark)?;
        for turn in 0..HANDS {
            let (receive, migrate) = (&self.receive[turn % 2], &self.migrate[turn % 2]);
            // The last one who waited there may have left it behind.
            let _ = fs::remove_file(&self.meeting);
            let mut there = Restored::run(receive)?;
            let begun = Instant::now();
            while !self.meeting.exists() {
                match there.child.try_wait() {
                    Ok(None) if begun.elapsed() < STEP => thread::sleep(MEANWHILE / 10),
                    _ => return Err(there.failed()),
                }
            }
            thread::sleep(MEANWHILE);
            seen.rests.push(rested(&said(migrate)?)? * 1e3);
            there.says(|line| Phases::read(line).is_ok())?;
            seen.arrived = there.said.clone();
            there.is_heard(mark)?;
            here.ends();
            here = Running::of(there);
        }
        Ok(())
    }
}

/// How long a guest rested that was handed over, in milliseconds, as `vmlock-run migrate --format json` says it.
fn rested(answer: &str) -> Result<f64> {
    let said: serde_json::Value = serde_json::from_str(answer).unwrap_or_default();
    said["milliseconds"].as_f64().ok_or_else(|| {
        Failure::environment(format!(
            "how long a guest rested that was handed over is not said: {answer:?}"
        ))
    })
}

/// What vmlock-run says when all of a guest's memory was checked.
const CHECKED: &str = "leaves from now on";

/// The threads of a process that check a guest's memory while it runs.
fn checkers(process: u32) -> Result<Vec<u32>> {
    let mut checkers = tasks(process)?;
    checkers.retain(|task| {
        let name = fs::read_to_string(format!("/proc/{process}/task/{task}/comm"));
        name.is_ok_and(|name| name.trim_end() == "reader")
    });
    Ok(checkers)
}

/// Whether a restore, by its words, recalled that this host keeps the lock, and did not prove it.
fn recalled(words: &str) -> Result<()> {
    let phases = Phases::read(words)?;
    match phases.has("recall") && !phases.has("prove") {
        true => Ok(()),
        false => Err(Failure::environment(format!(
            "a restore was to recall that its host keeps the lock, and proved it again; it said:\n{}",
            words.trim_end()
        ))),
    }
}

/// Whether a restore, by its words, proved that this host keeps the lock.
fn proven(words: &str) -> Result<()> {
    match Phases::read(words)?.has("prove") {
        true => Ok(()),
        false => Err(Failure::environment(format!(
            "a restore was to prove that its host keeps the lock, and did not; it said:\n{}",
            words.trim_end()
        ))),
    }
}

/// Runs a command to its end, which has to be a good one: how long that took, in microseconds.
fn finished(command: &[String]) -> Result<f64> {
    let begun = Instant::now();
    said(command).map(|_| micros(begun.elapsed()))
}

/// The same: what it has printed, which has to be little.
fn said(command: &[String]) -> Result<String> {
    let mut child = spawn(command, Stdio::piped())?;
    let (mut answer, mut words) = (String::new(), String::new());
    if let Some(mut said) = child.stderr.take() {
        let _ = said.read_to_string(&mut words);
    }
    if let Some(mut said) = child.stdout.take() {
        let _ = said.read_to_string(&mut answer);
    }
    let status = child
        .wait()
        .map_err(|e| Failure::environment(format!("cannot wait: {e}")))?;
    match status.success() {
        true => Ok(answer),
        false => Err(Failure::environment(format!(
            "{} ended with {status}; it said:\n{}",
            command.join(" "),
            words.trim_end()
        ))),
    }
}

/// Asks vmlock-run for something at its socket.
fn ask(socket: &Path, verb: &str) -> Result<()> {
    let cannot = |e| Failure::file("ask at", socket, &e);
    let mut stream = UnixStream::connect(socket).map_err(cannot)?;
    let line = format!("{}\n", json!({ "do": verb }));
    stream.write_all(line.as_bytes()).map_err(cannot)?;
    let mut answer = String::new();
    let heard = BufReader::new(stream).read_line(&mut answer);
    heard.map_err(cannot)?;
    match answer.contains("error") || answer.is_empty() {
        false => Ok(()),
        true => Err(Failure::environment(format!(
            "{verb} was answered {answer:?}"
        ))),
    }
}

/// What comes from a guest that runs.
#[derive(Debug)]
struct Heard {
    last: Instant,
    silence: Duration,
    bytes: u64,
}

impl Heard {
    /// Counts from now on.
    fn anew(&mut self) {
        (self.last, self.silence, self.bytes) = (Instant::now(), Duration::ZERO, 0);
    }

    /// Takes what was heard at a moment.
    fn more(&mut self, now: Instant, bytes: u64) {
        self.silence = self.longest(now);
        (self.last, self.bytes) = (now, self.bytes + bytes);
    }

    /// The longest silence until now, the one that goes on among them.
    fn longest(&self, now: Instant) -> Duration {
        self.silence.max(now.duration_since(self.last))
    }
}

/// A guest that runs, and is listened to.
struct Running {
    child: Child,
    heard: Arc<Mutex<Heard>>,
    listening: Option<JoinHandle<()>>,
}

impl Running {
    fn start(command: &[String], mark: u8) -> Result<Self> {
        Restored::start(command, mark).map(Self::of)
    }

    /// One that has been heard.
    fn of(restored: Restored) -> Self {
        let Restored {
            child,
            mut output,
            words: mut said,
            ..
        } = restored;
        let heard = Arc::new(Mutex::new(Heard {
            last: Instant::now(),
            silence: Duration::ZERO,
            bytes: 0,
        }));
        let into = Arc::clone(&heard);
        let listening = thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(count @ 1..) = output.read(&mut piece) {
                let now = Instant::now();
                let mut heard = into.lock().unwrap_or_else(PoisonError::into_inner);
                heard.more(now, count as u64);
            }
        });
        // It says little, and is not to wait for anybody.
        thread::spawn(move || said.read_to_string(&mut String::new()));
        Self {
            child,
            heard,
            listening: Some(listening),
        }
    }

    fn heard(&self) -> std::sync::MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The longest silence since it was listened to anew, in microseconds. It was just said to go on, and has to be heard
    /// again after all has come that it had said before.
    fn silence(&self) -> Result<f64> {
        thread::sleep(MEANWHILE);
        let (silence, before) = {
            let heard = self.heard();
            (heard.longest(Instant::now()), heard.bytes)
        };
        thread::sleep(MEANWHILE);
        match self.heard().bytes > before {
            true => Ok(micros(silence)),
            false => Err(Failure::environment(
                "a guest that was paused and resumed says nothing any more",
            )),
        }
    }

    /// Waits for its end.
    fn ends(&mut self) {
        let _ = self.child.wait();
        self.listening.take().map(JoinHandle::join);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        self.ends();
    }
}

/// A guest that has just begun to run.
struct Restored {
    command: String,
    child: Child,
    output: ChildStdout,
    words: BufReader<ChildStderr>,
    /// What was read of them.
    said: String,
}

impl Restored {
    /// Runs a command; who begins when, is to be found out.
    fn run(command: &[String]) -> Result<Self> {
        let mut child = spawn(command, Stdio::piped())?;
        match (child.stdout.take(), child.stderr.take()) {
            (Some(output), Some(words)) => Ok(Self {
                command: command.join(" "),
                child,
                output,
                words: BufReader::new(words),
                said: String::new(),
            }),
            _ => Err(Failure::bug("a child without output")),
        }
    }

    /// One that has begun when it is heard.
    fn start(command: &[String], mark: u8) -> Result<Self> {
        let mut restored = Self::run(command)?;
        restored.is_heard(mark)?;
        Ok(restored)
    }

    /// One that begins when its counts are said.
    fn counted(command: &[String]) -> Result<Self> {
        let mut restored = Self::run(command)?;
        restored.says(|line| Phases::read(line).is_ok())?;
        Ok(restored)
    }

    /// Waits for its byte.
    fn is_heard(&mut self, mark: u8) -> Result<()> {
        match reaches(Some(mark), &mut self.output) {
            true => Ok(()),
            false => Err(self.failed()),
        }
    }

    /// Waits for a line of its words.
    fn says(&mut self, is: impl Fn(&str) -> bool) -> Result<()> {
        loop {
            let before = self.said.len();
            match self.words.read_line(&mut self.said) {
                Ok(1..) if is(&self.said[before..]) => return Ok(()),
                Ok(1..) => {}
                Ok(0) | Err(_) => return Err(self.failed()),
            }
        }
    }

    fn end(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let _ = self.words.read_to_string(&mut self.said);
    }

    fn failed(&mut self) -> Failure {
        self.end();
        Failure::environment(format!(
            "the guest of {} does not run; it said:\n{}",
            self.command,
            self.said.trim_end()
        ))
    }

    /// Ends it: what it has said.
    fn ends(mut self) -> String {
        self.end();
        self.said
    }
}

/// Page faults of a process, and the bytes of its memory that are there.
fn memory(process: u32) -> Result<(u64, u64)> {
    let read = |name: &str| -> Result<String> {
        let path = format!("/proc/{process}/{name}");
        Ok(String::from_utf8_lossy(&cache::read(Path::new(&path))?).into_owned())
    };
    let both = faults(&read("stat")?).zip(resident(&read("status")?));
    both.ok_or_else(|| Failure::environment("/proc does not say what memory a process has"))
}

/// Faults in `/proc/PID/stat`: the program's name is in parentheses, and behind it `minflt` is the eighth word and `majflt`
/// the tenth.
fn faults(stat: &str) -> Option<u64> {
    let (_, words) = stat.rsplit_once(')')?;
    let mut words = words.split_ascii_whitespace().skip(7);
    let minor: u64 = words.next()?.parse().ok()?;
    let major: u64 = words.nth(1)?.parse().ok()?;
    Some(minor + major)
}

/// Resident bytes in `/proc/PID/status`.
fn resident(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_that_no_byte_has_ended_counts() {
        let begun = Instant::now();
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        let mut heard = Heard {
            last: begun,
            silence: Duration::ZERO,
            bytes: 0,
        };
        heard.more(at(1), 1);
        assert_eq!(heard.longest(at(7)), Duration::from_millis(6));
        heard.more(at(5), 1);
        heard.more(at(6), 1);
        assert_eq!(heard.longest(at(7)), Duration::from_millis(4));
    }

    #[test]
    fn a_guest_that_does_not_go_on_has_no_pause() {
        let guest = |said: &str| {
            let words = ["sh", "-c", said].map(str::to_owned);
            Running::start(&words, b'v').expect("it begins")
        };
        let mut ticking = guest("while echo v; do sleep 0.01; done");
        assert!(ticking.silence().is_ok());
        // It has said all this before, and then no more.
        let mut silent = guest("echo vvvvvvvvv; exec sleep 60");
        assert!(silent.silence().is_err());
        for guest in [&mut ticking, &mut silent] {
            guest.child.kill().expect("it runs");
        }
    }

    /// Whatever is heard by then, and when: it has begun when its counts are said.
    #[test]
    fn a_guest_whose_memory_is_checked_has_begun_before_it_is_heard() {
        let counts = r#"{"ioctls":{"enforce":1,"verify":1,"total":2},"microseconds":{"enforce":1,"verify":1,"total":9}}"#;
        let guest = |script: &str| ["sh", "-c", script].map(str::to_owned);
        // It is never heard.
        let silent = format!("echo a note >&2; echo '{counts}' >&2; exec sleep 60");
        let begun = Restored::counted(&guest(&silent));
        let words = begun.expect("it begins").ends();
        assert!(words.starts_with("a note\n{\"ioctls\""), "{words}");
        let all = format!("echo '{counts}' >&2; echo v; echo what it sends leaves from now on >&2");
        let mut guest_of_ours = Restored::counted(&guest(&all)).expect("it begins");
        guest_of_ours.is_heard(b'v').expect("it speaks");
        let checked = guest_of_ours.says(|line| line.contains(CHECKED));
        checked.expect("it says so");
        let why = Restored::counted(&guest("echo refused >&2; exit 3"));
        let why = format!("{:?}", why.err().expect("it does not run"));
        assert!(why.contains("refused"), "{why}");
    }

    #[test]
    fn how_long_a_guest_rested_is_found_in_what_is_said_of_it() {
        let said = r#"{"state":"handed-over","milliseconds":12}"#;
        assert!(rested(said).is_ok_and(|rest| (rest - 12.0).abs() < 1e-9));
        assert!(rested("").is_err() && rested("{}").is_err());
    }

    #[test]
    fn a_restore_that_proves_the_lock_is_not_counted_and_only_that_one_is_of_an_unproven_host() {
        let words = |phase: &str| {
            let each = |number: u32| {
                format!(
                    "{{\"enforce\":{number},\"verify\":{number},\"{phase}\":{number},\"total\":9}}"
                )
            };
            format!("{{\"ioctls\":{},\"microseconds\":{}}}", each(1), each(2))
        };
        assert!(recalled(&words("recall")).is_ok());
        assert!(recalled(&words("prove")).is_err() && recalled(&words("load")).is_err());
        assert!(proven(&words("prove")).is_ok() && proven(&words("recall")).is_err());
    }

    #[test]
    fn what_a_process_touched_is_found_in_what_the_kernel_tells() {
        let stat = "12 (a (b) c) S 1 12 12 0 -1 4194560 345 67 8 9 1 2 3 4";
        assert_eq!(faults(stat), Some(353));
        assert_eq!(faults("12 (a) S 1"), None);
        assert_eq!(resident("Name: a\nVmRSS:\t   12 kB\nx: 1"), Some(12_288));
        assert_eq!(resident("Name: a\n"), None);
    }
}
