//! At a terminal, text ends where the terminal does, and results have colours where it has them.

use crate::scratch::{Scratch, report_of};
use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Command, Stdio};
use std::thread;

/// A terminal: the end where somebody sits, and the end that a program has.
pub fn pair() -> (File, File) {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let master = File::from(master);
    let slave = slave_of(&master);
    (master, slave)
}

/// The end that a program has, once more.
pub fn slave_of(master: &File) -> File {
    let name = ptsname(master, Vec::new()).unwrap();
    let noctty = OFlags::NOCTTY.bits().cast_signed();
    OpenOptions::new()
        .read(true)
        .write(true)
        .custom_flags(noctty)
        .open(name.to_str().unwrap())
        .unwrap()
}

/// What a terminal of that width shows.
fn shown(
    scratch: &Scratch,
    columns: u16,
    variables: &[(&str, &str)],
    arguments: &[&str],
) -> String {
    at(scratch, columns, variables, arguments, false).1
}

/// How a program ends at a terminal of that width without colours, and what is to be seen there then.
pub fn plain(scratch: &Scratch, columns: u16, arguments: &[&str]) -> (Option<i32>, String) {
    at(scratch, columns, &[("NO_COLOR", "1")], arguments, false)
}

/// The same with the exit code, of messages alone where results go `elsewhere`, which is a file of that name.
fn at(
    scratch: &Scratch,
    columns: u16,
    variables: &[(&str, &str)],
    arguments: &[&str],
    elsewhere: bool,
) -> (Option<i32>, String) {
    let (mut master, slave) = pair();
    let size = Winsize {
        ws_row: 24,
        ws_col: columns,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    tcsetwinsize(&slave, size).unwrap();
    let reader = thread::spawn(move || {
        let (mut all, mut part) = (Vec::new(), [0; 4096]);
        loop {
            match master.read(&mut part) {
                Ok(0) => break,
                Ok(count) => all.extend_from_slice(&part[..count]),
                // Nobody has the other end any more.
                Err(error) if error.kind() != ErrorKind::Interrupted => break,
                Err(_) => {}
            }
        }
        String::from_utf8(all).unwrap()
    });
    let mut child = Command::new(env!("CARGO_BIN_EXE_vmlock"))
        .args(arguments)
        .current_dir(&scratch.0)
        .env_remove("NO_COLOR")
        .env("TERM", "xterm")
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(match elsewhere {
            true => Stdio::from(File::create(scratch.0.join("elsewhere")).unwrap()),
            false => Stdio::from(slave.try_clone().unwrap()),
        })
        .stderr(Stdio::from(slave))
        .spawn()
        .unwrap();
    let ended = child.wait().unwrap();
    // The command has copies of the other end.
    drop(child);
    let text = reader.join().unwrap().replace("\r\n", "\n");
    (ended.code(), text)
}

#[test]
fn text_ends_where_the_terminal_does_and_colours_are_those_it_has() {
    let scratch = Scratch::new("terminal");
    scratch.lock(
        "web",
        "vm \"web\" {\n    arch \"arm64\"\n    abi \"kvm-6.8\"\n    cpu \"neoverse-n1\" count=2\n    memory \"512MiB\"\n}\n",
    );
    fs::copy(report_of("neoverse-n1", "6.12"), scratch.0.join("a.json")).unwrap();
    let check = ["check", "web.vm.lock.json", "--host", "a.json"];
    let widest = |text: &str| text.lines().map(|l| l.chars().count()).max().unwrap_or(0);

    let narrow = shown(
        &scratch,
        60,
        &[("NO_COLOR", "1")],
        &["explain", "host::state"],
    );
    assert!((40..=60).contains(&widest(&narrow)), "{narrow}");
    let wide = shown(
        &scratch,
        300,
        &[("NO_COLOR", "1")],
        &["explain", "host::state"],
    );
    assert!((80..=100).contains(&widest(&wide)), "{wide}");

    // A file of results is the same whoever watches.
    at(&scratch, 60, &[], &["explain", "host::state"], true);
    let result = fs::read_to_string(scratch.0.join("elsewhere")).unwrap();
    assert!((80..=100).contains(&widest(&result)), "{result}");

    let painted = shown(&scratch, 80, &[], &check);
    assert!(
        painted.contains("\u{1b}[32mcan keep\u{1b}[0m"),
        "{painted:?}"
    );
    for variable in [("NO_COLOR", "1"), ("TERM", "dumb")] {
        let plain = shown(&scratch, 80, &[variable], &check);
        assert!(plain.contains("can keep `web`"), "{plain:?}");
        assert!(!plain.contains('\u{1b}'), "{variable:?}: {plain:?}");
        // Findings too.
        let wrong = shown(&scratch, 80, &[variable], &["lock", "absent.vm.kdl"]);
        assert!(wrong.contains("absent.vm.kdl"), "{wrong:?}");
        assert!(!wrong.contains('\u{1b}'), "{variable:?}: {wrong:?}");
    }
}

#[test]
fn no_line_is_wider_than_the_terminal_but_for_one_word_and_none_ends_within_a_name() {
    let scratch = Scratch::new("terminal-wide");
    let spec = |name: &str, abi: &str, devices: &str| {
        format!(
            "vm \"{name}\" {{\n    arch \"arm64\"\n    abi \"{abi}\"\n    cpu \"neoverse-n1\" count=2\n    memory \"512MiB\"\n{devices}}}\n"
        )
    };
    scratch.lock("web", &spec("web", "kvm-6.8", ""));
    scratch.lock("db", &spec("db", "kvm-6.12", "    rng\n    vmgenid\n"));
    fs::copy(report_of("neoverse-n1", "6.12"), scratch.0.join("a.json")).unwrap();
    fs::copy(report_of("cortex-a72", "5.10"), scratch.0.join("b.json")).unwrap();
    let wrong = spec("web", "kvm-6.8.0", "    net type=\"tap\" ifname=\"t0\"\n");
    fs::write(scratch.0.join("wrong.vm.kdl"), wrong).unwrap();
    fs::write(scratch.0.join("web.vm.kdl"), spec("web", "kvm-6.12", "")).unwrap();
    let (web, db) = ("web.vm.lock.json", "db.vm.lock.json");
    let commands: [&[&str]; 12] = [
        &["lock", "--check", "web.vm.kdl"],
        &["lock", "wrong.vm.kdl"],
        &["check", web, "--host", "a.json"],
        &["check", web, "--host", "b.json", "--verbose"],
        &["check", web, db, "--host", "a.json", "b.json"],
        &["diff", web, db],
        &["diff", "kvm-5.10", "kvm-6.12"],
        &["drift", "--from", "kvm-6.8", "a.json"],
        &["explain", "ID_AA64PFR0_EL1.SVE"],
        &["explain", db],
        &["explain", "kvm-6.8"],
        &["fleet", "--host", "a.json", web, db],
    ];
    for (command, columns) in commands
        .iter()
        .flat_map(|command| [40, 60, 80, 120].map(|columns| (command, columns)))
    {
        let (_, text) = plain(&scratch, columns, command);
        assert!(text.lines().count() > 1, "{command:?}: {text}");
        for line in text.lines() {
            // What a drawing begins a line with, and the number of a line that it shows.
            let decoration =
                |word: &&str| word.chars().all(|c| c.is_ascii_digit() || !c.is_ascii());
            let words = line.split(' ').filter(|word| !word.is_empty());
            let words = words.skip_while(decoration).count();
            // A line of somebody's file is shown as it stands there.
            let of_file = line.contains(" │ ") || line.contains(" · ");
            let fits = line.chars().count() <= usize::from(columns);
            assert!(
                fits || words <= 1 || of_file,
                "{command:?} at {columns}: {line}\n{text}"
            );
            let cut = ["kvm-", "--", "psci-", "sha256-"];
            assert!(
                !cut.iter().any(|name| line.ends_with(name)),
                "{command:?} at {columns}: {line}"
            );
        }
    }
}
