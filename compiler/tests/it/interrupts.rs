//! Ctrl-C at a terminal, and signals from elsewhere: the program ends at once, and every file is whole.

use crate::scratch::{Scratch, reports};
use crate::terminal::{pair, slave_of};
use rustix::process::{Pid, Signal, kill_process};
use rustix::termios::{Action, tcflow};
use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use vmlock_spec::lock::canonical;

/// How long it may take from the key to the end, on a machine that has much else to do.
const AT_ONCE: Duration = Duration::from_secs(20);
/// Within how long two signals are one, which is less than it is (300 ms), and after how long a second one counts.
const ONCE: Duration = Duration::from_millis(200);
const TWICE: Duration = Duration::from_millis(600);
/// Machines of a folder.
const MANY: usize = 300;
/// Between two signals that are sent at once: of two that nobody has seen yet the system makes one.
const APART: Duration = Duration::from_millis(2);
/// How often a signal is sent anew that came too early or too late.
const ATTEMPTS: usize = 20;
/// Copies of each report in a fleet, for each processor.
const COPIES: usize = 20;

/// A command that ends of signals, whatever the caller of the tests ignores (nohup, `&` of a shell).
fn heeding(program: &str) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal=INT,TERM,HUP", program]);
    command
}

/// Sends these signals, one right after the other.
fn send(child: &Child, signals: &[Signal]) {
    for (number, signal) in signals.iter().enumerate() {
        if number > 0 {
            thread::sleep(APART);
        }
        // Nobody has waited for it: the number is still its own.
        kill_process(Pid::from_child(child), *signal).unwrap();
    }
}

/// A lock, and hosts which every processor reads for a while: reports that take no room.
fn fleet(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    scratch.lock("web", &spec("web"));
    fs::create_dir(scratch.0.join("hosts")).unwrap();
    let copies = COPIES * thread::available_parallelism().unwrap().get();
    for (number, report) in reports().iter().enumerate() {
        let first = scratch.0.join(format!("hosts/{number}-0.json"));
        fs::copy(report, &first).unwrap();
        for copy in 1..copies {
            let other = scratch.0.join(format!("hosts/{number}-{copy}.json"));
            fs::hard_link(&first, other).unwrap();
        }
    }
    scratch
}

#[test]
fn ctrl_c_ends_a_fleet_and_takes_its_line_away() {
    let scratch = fleet("interrupts-fleet");
    let (mut master, slave) = pair();
    let mut keys = master.try_clone().unwrap();
    let shell = "trap : INT; \"$0\" fleet web.vm.lock.json --host hosts; echo \"code $?\"";
    // A session of its own, whose terminal this is: the key becomes a signal there.
    let mut child = heeding("setsid")
        .args(["--ctty", "sh", "-c", shell, env!("CARGO_BIN_EXE_vmlock")])
        .current_dir(&scratch.0)
        .stdin(Stdio::from(slave.try_clone().unwrap()))
        .stdout(Stdio::from(slave.try_clone().unwrap()))
        .stderr(Stdio::from(slave))
        .spawn()
        .unwrap();
    let (mut shown, mut part, mut pressed) = (String::new(), [0; 4096], None);
    while let Ok(count @ 1..) = master.read(&mut part) {
        shown += &String::from_utf8_lossy(&part[..count]);
        if pressed.is_none() && shown.contains("files read") {
            keys.write_all(b"\x03").unwrap();
            pressed = Some(Instant::now());
        }
        if shown.contains("code ") {
            break;
        }
    }
    let pressed = pressed.unwrap_or_else(|| panic!("it was never told how far it is: {shown:?}"));
    assert!(pressed.elapsed() < AT_ONCE, "{:?}", pressed.elapsed());
    drop((master, keys));
    child.wait().unwrap();
    let (_, after) = shown.rsplit_once("files read").unwrap();
    assert!(after.contains("\r\u{1b}[K"), "{shown:?}");
    assert!(after.contains("code 130"), "{shown:?}");
    assert!(!after.contains("kept"), "{shown:?}");
}

/// A fleet that signals were sent to at once while its terminal has stopped, so that it cannot take its line away; and both
/// ends of that. `None` if they were not at once.
fn stopped(scratch: &Scratch, signals: &[Signal]) -> Option<(Child, File, File)> {
    let (mut master, slave) = pair();
    let mut child = heeding(env!("CARGO_BIN_EXE_vmlock"))
        .args(["fleet", "web.vm.lock.json", "--host", "hosts"])
        .current_dir(&scratch.0)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::from(slave))
        .spawn()
        .unwrap();
    let (mut shown, mut part) = (String::new(), [0; 4096]);
    // Nobody else has the other end: where the fleet ends without a word, there is nothing to read.
    while !shown.contains("files read") {
        let count = master.read(&mut part).unwrap();
        shown += &String::from_utf8_lossy(&part[..count]);
    }
    let slave = slave_of(&master);
    tcflow(&slave, Action::OOff).unwrap();
    let sent = Instant::now();
    send(&child, signals);
    if sent.elapsed() < ONCE {
        return Some((child, master, slave));
    }
    tcflow(&slave, Action::OOn).unwrap();
    child.wait().unwrap();
    None
}

#[test]
fn a_second_signal_waits_for_nothing_and_the_same_one_sent_twice_is_one() {
    let scratch = fleet("interrupts-twice");
    let twice = [
        [Signal::TERM, Signal::TERM],
        [Signal::TERM, Signal::INT],
        [Signal::HUP, Signal::TERM],
    ];
    for signals in twice {
        let stopped = || {
            (0..ATTEMPTS)
                .find_map(|_| stopped(&scratch, &signals))
                .unwrap()
        };
        let of_them =
            |status: ExitStatus| signals.iter().any(|s| status.signal() == Some(s.as_raw()));

        // It waits for its terminal, and ends in order when that goes on.
        let (mut child, mut master, slave) = stopped();
        thread::sleep(TWICE);
        assert_eq!(child.try_wait().unwrap(), None, "{signals:?}");
        tcflow(&slave, Action::OOn).unwrap();
        let status = child.wait().unwrap();
        assert!(of_them(status), "{signals:?}: {status}");
        drop(slave);
        let (mut shown, mut part) = (String::new(), [0; 4096]);
        while let Ok(count @ 1..) = master.read(&mut part) {
            shown += &String::from_utf8_lossy(&part[..count]);
        }
        assert!(shown.ends_with("\r\u{1b}[K"), "{shown:?}");

        // It waits no longer.
        let (mut child, _master, _slave) = stopped();
        thread::sleep(TWICE);
        assert_eq!(child.try_wait().unwrap(), None, "{signals:?}");
        let sent = Instant::now();
        send(&child, &signals[..1]);
        let status = child.wait().unwrap();
        assert!(of_them(status), "{signals:?}: {status}");
        assert!(sent.elapsed() < AT_ONCE, "{:?}", sent.elapsed());
    }
}

fn spec(name: &str) -> String {
    format!(
        "vm \"{name}\" {{\n    arch \"arm64\"\n    abi \"kvm-6.8\"\n    cpu \"neoverse-n1\" count=2\n    memory \"512MiB\"\n}}\n"
    )
}

/// What came of a folder of machines that was being locked when signals were sent.
struct Interrupted {
    /// How it ended.
    status: ExitStatus,
    /// Whether the signals were sent to it.
    sent: bool,
    /// Whether they came after the first lock and before the last.
    amid: bool,
    /// Locks that there are, each of them whole.
    locks: usize,
}

/// Locks the machines, and sends those signals as soon as the first lock is there, one right after the other.
fn interrupted(scratch: &Scratch, signals: &[Signal], shell: &str) -> Interrupted {
    let child = heeding("sh")
        .args(["-c", shell, env!("CARGO_BIN_EXE_vmlock")])
        .current_dir(&scratch.0)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.unwrap();
    let locks = || {
        let entries = fs::read_dir(&scratch.0).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names = names.filter(|name| !name.ends_with(".vm.kdl"));
        names.collect::<Vec<String>>()
    };
    let (mut sent, mut amid) = (None, false);
    while child.try_wait().unwrap().is_none() {
        let there = locks();
        if there.iter().any(|name| name.ends_with(".vm.lock.json")) {
            send(&child, signals);
            sent = Some(Instant::now());
            amid = locks().len() < MANY;
            break;
        }
        thread::sleep(Duration::from_micros(200));
    }
    let status = child.wait().unwrap();
    if let (Some(sent), None) = (sent, status.code()) {
        assert!(sent.elapsed() < AT_ONCE, "{:?}", sent.elapsed());
    }
    let all = locks();
    for name in &all {
        assert!(name.ends_with(".vm.lock.json"), "{name} was left behind");
        let path = scratch.0.join(name);
        let text = fs::read_to_string(&path).unwrap();
        canonical::parse(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
        fs::remove_file(path).unwrap();
    }
    Interrupted {
        status,
        sent: sent.is_some(),
        amid,
        locks: all.len(),
    }
}

fn folder(name: &str) -> Scratch {
    let scratch = Scratch::new(name);
    for number in 0..MANY {
        let name = format!("m{number}");
        scratch.write(&format!("{name}.vm.kdl"), &spec(&name));
    }
    scratch
}

#[test]
fn a_signal_amid_many_locks_leaves_each_whole_or_away() {
    let scratch = folder("interrupts-locks");
    let sent: [&[Signal]; 5] = [
        &[Signal::INT],
        &[Signal::TERM],
        &[Signal::HUP],
        &[Signal::TERM, Signal::TERM],
        &[Signal::TERM, Signal::INT],
    ];
    for signals in sent {
        let amid = (0..ATTEMPTS).any(|_| {
            let ended = interrupted(&scratch, signals, "exec \"$0\" lock");
            let status = ended.status;
            let died = signals.iter().any(|s| status.signal() == Some(s.as_raw()));
            assert!(died || status.code() == Some(0), "{signals:?}: {status}");
            died && ended.amid && (1..MANY).contains(&ended.locks)
        });
        assert!(amid, "{signals:?} never came amid the locks");
    }
}

#[test]
fn what_is_ignored_stays_ignored() {
    let scratch = folder("interrupts-ignored");
    for (signal, trap) in [(Signal::HUP, "HUP"), (Signal::INT, "INT")] {
        let shell = format!("trap '' {trap}; exec \"$0\" lock");
        let amid = (0..ATTEMPTS).any(|_| {
            let ended = interrupted(&scratch, &[signal], &shell);
            let (code, locks) = (ended.status.code(), ended.locks);
            assert_eq!((code, locks), (Some(0), MANY), "{signal:?}");
            ended.amid && ended.sent
        });
        assert!(amid, "{signal:?} never came amid the locks");
    }
}
