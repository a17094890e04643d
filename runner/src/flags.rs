//! The command line: one table of verbs and flags drives parsing, `--help` and
//! shell completions, so that they cannot disagree.

use crate::failure::Failure;
use std::fmt::Write as _;
use vmlock_spec::words::did_you_mean;

/// A flag.
pub struct Flag {
    /// `--NAME`.
    pub long: &'static str,
    /// `-C`.
    pub short: Option<char>,
    /// What its value is called, where it takes one.
    pub value: Option<&'static str>,
    /// The values it takes, where they are few.
    pub choices: &'static [&'static str],
    /// One line.
    pub help: &'static str,
}

/// A command.
pub struct Verb {
    /// Its name.
    pub name: &'static str,
    /// Its one argument, where it has one.
    pub argument: Option<&'static str>,
    /// One line.
    pub summary: &'static str,
    /// What it does, with examples.
    pub text: &'static str,
    /// Its flags, beside those that every verb has.
    pub flags: &'static [&'static Flag],
}

const FORMAT: Flag = Flag {
    long: "format",
    short: None,
    value: Some("FORMAT"),
    choices: &["human", "json"],
    help: "How results are written: for people, or as one JSON object [default: human]",
};
const OUTPUT: Flag = Flag {
    long: "output",
    short: Some('o'),
    value: Some("FILE"),
    choices: &[],
    help: "Write the report to this file instead of stdout",
};
const OBSERVED: Flag = Flag {
    long: "show-observed",
    short: None,
    value: None,
    choices: &[],
    help: "List everything that the guest saw and no lock can promise",
};
const STATS: Flag = Flag {
    long: "stats",
    short: None,
    value: None,
    choices: &[],
    help: "Write JSON lines to stderr: ioctls and microseconds before the first guest instruction; at the end, exits that the runner's interrupt controller took",
};
#[cfg(feature = "torture")]
const INTERRUPTS: Flag = Flag {
    long: "interrupts",
    short: None,
    value: Some("N"),
    choices: &[],
    help: "How many interrupts are to be taken [default: 1000000]",
};
#[cfg(feature = "torture")]
const RARITY: Flag = Flag {
    long: "rarity",
    short: None,
    value: Some("N"),
    choices: &[],
    help: "One interrupt in N is followed by a disturbance [default: 64]",
};
#[cfg(feature = "torture")]
const STRIDE: Flag = Flag {
    long: "stride",
    short: None,
    value: Some("N"),
    choices: &[],
    help: "One case in N is tried, beside every register [default: 1, and every word of the frames]",
};
#[cfg(feature = "torture")]
const MISBEHAVE: Flag = Flag {
    long: "misbehave",
    short: None,
    value: Some("HOW"),
    choices: crate::jail::misbehave::NAMES,
    help: "Do what the jail forbids, or fail, right before the guest would begin",
};
const NATIVE: Flag = Flag {
    long: "native",
    short: None,
    value: None,
    choices: &[],
    help: "Refuse what the kernel cannot keep by itself, instead of answering in its place",
};
const EMULATE_GIC: Flag = Flag {
    long: "emulate-gic",
    short: None,
    value: None,
    choices: &[],
    help: "Answer for the interrupt controller even where the kernel could: to compare the two ways",
};
const EMULATE_CALLS: Flag = Flag {
    long: "emulate-calls",
    short: None,
    value: None,
    choices: &[],
    help: "Answer firmware calls even where the kernel could: to compare the two ways",
};
/// `start` proves this host anew.
pub const NO_PROOF_CACHE: Flag = Flag {
    long: "no-proof-cache",
    short: None,
    value: None,
    choices: &[],
    help: "Prove this host anew, whatever an earlier start proved, and remember nothing",
};
/// The guest is not jailed.
pub const NO_JAIL: Flag = Flag {
    long: "no-jail",
    short: None,
    value: None,
    choices: &[],
    help: "Keep what a guest that takes this program over could use: files, other programs, the network",
};
/// `/dev/kvm` that was passed in.
pub const KVM: Flag = Flag {
    long: "kvm",
    short: None,
    value: Some("fd:N"),
    choices: &[],
    help: "Use /dev/kvm that was passed in as this descriptor, and open none",
};
/// The root of the guest's process.
pub const CHROOT: Flag = Flag {
    long: "chroot",
    short: None,
    value: Some("DIR"),
    choices: &[],
    help: "Make this empty folder `/` of the guest's process once it is jailed; only root may, or who has --namespaces. The guest is then paused on any CPU that it was not started on",
};
/// The guest's process has namespaces of its own.
pub const NAMESPACES: Flag = Flag {
    long: "namespaces",
    short: None,
    value: None,
    choices: &[],
    help: "Give the guest's process a network, IPC, host name and cgroups of its own; and a user, for who is not root",
};
/// The guest may have more memory than the host.
pub const OVERCOMMIT: Flag = Flag {
    long: "overcommit",
    short: None,
    value: None,
    choices: &[],
    help: "Give the guest its memory even where the host has less: pages that it never touches cost nothing",
};
/// The cables of cards of which the lock names none.
pub const TAP: Flag = Flag {
    long: "tap",
    short: None,
    value: Some("CARD=TAP"),
    choices: &[],
    help: "The host's tap for a network card of which the lock names none, or `fd:N` for one that was passed in; once for each",
};
/// What becomes of a guest that asks for a reset.
pub const ON_RESET: Flag = Flag {
    long: "on-reset",
    short: None,
    value: Some("WHAT"),
    choices: &["exit", "restart"],
    help: "What becomes of a guest that asks for a reset: the command ends with 10, or it starts anew [default: exit]",
};
/// Where the guest's runner can be asked.
pub const CONTROL: Flag = Flag {
    long: "control",
    short: None,
    value: Some("SOCKET|fd:N"),
    choices: &[],
    help: "Answer `vmlock-run status SOCKET`, `pause`, `resume` and `stop` there; its folder has to be yours, with mode 0700. Or at one that was passed in",
};
/// How it is said what happens.
pub const LOG: Flag = Flag {
    long: "log",
    short: None,
    value: Some("FORMAT"),
    choices: &["text", "json"],
    help: "How stderr says what happens: in words, or one JSON object a line (`vmlock schema event`) [default: text]",
};
/// Where the guest's console is.
pub const CONSOLE: Flag = Flag {
    long: "console",
    short: None,
    value: Some("FILE|unix:SOCKET|fd:N"),
    choices: &[],
    help: "The guest's console in place of stdin and stdout: the end of a file, or a socket for one reader at a time",
};
const HELP: Flag = Flag {
    long: "help",
    short: Some('h'),
    value: None,
    choices: &[],
    help: "Print help",
};
const VERSION: Flag = Flag {
    long: "version",
    short: Some('V'),
    value: None,
    choices: &[],
    help: "Print the version",
};

const COMMON: &[&Flag] = &[&HELP, &VERSION];

/// Shells that completions can be written for.
const SHELLS: &[&str] = &["bash", "zsh", "fish"];

/// Every command.
pub const VERBS: &[Verb] = &[
    Verb {
        name: "probe",
        argument: None,
        summary: "Write this host's report: what its kernel and CPU can be made to show",
        text: "\
Tries everything on scratch VMs, reads every success back, and lets a small guest
look from inside. The report holds no host name and no time; `vmlock check` reads it.

Examples:
  vmlock-run probe -o host.json && vmlock check web.vm.lock.json --host host.json",
        flags: &[&OUTPUT],
    },
    Verb {
        name: "check",
        argument: Some("LOCK"),
        summary: "Say whether this host can keep a lock, and how, without running it",
        text: "\
Makes the machine of the lock and lets a small guest look at it from inside, as `start`
does. Exits with 0 when every entry is kept and with 3 when one cannot be; every reason
is printed, with the line of the spec or the baseline that asked for it. What stands
behind disks, cards and sockets is not opened: `start` does that, and may refuse it.

Examples:
  vmlock-run check web.vm.lock.json
  vmlock-run check web.vm.lock.json --format json",
        flags: &[&FORMAT, &OVERCOMMIT, &NATIVE, &EMULATE_GIC, &EMULATE_CALLS],
    },
    Verb {
        name: "audit",
        argument: Some("LOCK"),
        summary: "Prove it: boot the witness under the lock and compare what it saw",
        text: "\
Makes the machine of the lock, runs a guest on every vCPU that reads everything a
guest can read, and compares. The digest covers every promised fact as the guest
saw it: two hosts that show the same machine print the same digest.
Exits with 1 when something differs, and with 3 when the host cannot keep the lock.

Examples:
  vmlock-run audit web.vm.lock.json
  vmlock-run audit web.vm.lock.json --show-observed
  vmlock-run audit web.vm.lock.json --format json",
        flags: &[
            &FORMAT,
            &OBSERVED,
            &OVERCOMMIT,
            &NATIVE,
            &EMULATE_GIC,
            &EMULATE_CALLS,
        ],
    },
    Verb {
        name: "start",
        argument: Some("LOCK"),
        summary: "Start the guest, if this host can show it what its lock says",
        text: "\
Enforces the lock, reads everything back and boots the kernel that the lock names: an
arm64 `Image`, as it is, compressed with gzip or zstd, or in an EFI program (zboot).
The paths in a lock are relative to it. The console is stdin and stdout. On a
terminal, Ctrl-A x ends the guest and Ctrl-A Ctrl-A sends Ctrl-A. When the reader
of stdout has gone (`… | head -1`), the guest is ended with 0.

The first start proves what `audit` proves. It is remembered in /run/vmlock until the
boot, the lock, vmlock-run, the CPUs, or the kernel's patches and parameters are others;
later starts read the guest's own machine back, and need no more. Only root has such a
place: everyone else proves each start.

With `--console`, neither a full disk nor a slow reader holds the guest: 256 KiB wait, of
what has no room the oldest is lost, and its bytes are counted and said. A socket's
folder is as that of `--control`.

With `--on-reset restart`, a guest that asks for a reset gets one: another process makes
its machine anew, proves it and boots the kernel that is there by then. Disks, taps and
the terminal are held meanwhile, and nobody else gets them; of what was found of them,
only the contents of read-only disks are looked at again. Who resets again and again
is started at most every eight seconds, and each restart is said.

A service manager is told once the guest runs (`Type=notify`, and `NotifyAccess=all` with
`--on-reset restart`).

Exit codes:
  0 the guest powered off         10 it asked for a reset
  3 this host cannot keep the lock 11 it crashed, or nobody could answer it
  4 something is missing          12 it asked to be hibernated
                                  13 vmlock-run did what its jail forbids
  130 Ctrl-C, 143 SIGTERM, 129 SIGHUP, 131 SIGQUIT

Examples:
  vmlock-run start web.vm.lock.json
  vmlock-run start web.vm.lock.json --on-reset restart --control ~/guests/web",
        flags: &[
            &TAP,
            &ON_RESET,
            &CONSOLE,
            &CONTROL,
            &LOG,
            &STATS,
            &NO_PROOF_CACHE,
            &NO_JAIL,
            &CHROOT,
            &NAMESPACES,
            &KVM,
            #[cfg(feature = "torture")]
            &MISBEHAVE,
            &OVERCOMMIT,
            &NATIVE,
            &EMULATE_GIC,
            &EMULATE_CALLS,
        ],
    },
    Verb {
        name: "jail",
        argument: None,
        summary: "List what a started guest's runner may still ask of Linux, and why",
        text: "\
Before a guest's first instruction, `start` gives up everything that it has no reason to
need: files, other programs, the network, new privileges. What is left is this list, one
line for each call: its argument, which threads make it, what for. Anything else ends
the guest with exit code 13, and says which thread called what.

Examples:
  vmlock-run jail
  vmlock-run jail --format json",
        flags: &[&FORMAT],
    },
    Verb {
        name: "status",
        argument: Some("SOCKET"),
        summary: "Say what a guest has done so far, in numbers",
        text: "\
Asks the runner that was started with `--control SOCKET`: how often each vCPU came out of
the guest and why, and for each device its interrupts, requests, errors on the host and
bytes. Only the user who started the guest may ask, and root, if no user namespace keeps
root out (`--namespaces`). The numbers begin anew where the guest was started anew. Exits
with 4 when nobody answers.

With `--format json` it is one object, for whoever gathers metrics (`vmlock schema
status`). On the socket that is one line of JSON each way: `{\"do\": \"status\"}`.

Examples:
  mkdir -m 700 ~/guests && vmlock-run start web.vm.lock.json --control ~/guests/web
  vmlock-run status ~/guests/web --format json",
        flags: &[&FORMAT],
    },
    Verb {
        name: "pause",
        argument: Some("SOCKET"),
        summary: "Have a guest stand still until it is resumed",
        text: "\
Asks the runner that was started with `--control SOCKET`. Every vCPU finishes the access
or the call that it is in, what is under way at a disk comes back to the guest, and then
nothing of it runs. The command ends when that is so. Pausing what is paused changes
nothing. A guest that does not come to rest within 30 seconds goes on, and the command
exits with 4 and says what it waited for: so it is too when this command is ended before.

The guest's counters and its clock go on meanwhile: to the guest it is as if nobody had
given its CPUs any time.

Examples:
  vmlock-run pause ~/guests/web",
        flags: &[&FORMAT],
    },
    Verb {
        name: "resume",
        argument: Some("SOCKET"),
        summary: "Let a paused guest go on",
        text: "\
Asks the runner that was started with `--control SOCKET`. Resuming what runs changes
nothing. A guest that its runner holds for a reason of its own stays paused, which the
command says: nobody but the runner ends that.

Examples:
  vmlock-run resume ~/guests/web",
        flags: &[&FORMAT],
    },
    Verb {
        name: "stop",
        argument: Some("SOCKET"),
        summary: "End a guest, whether or not it runs or is paused",
        text: "\
Asks the runner that was started with `--control SOCKET`. The guest is not asked: it ends
as a machine whose power is cut, but what it wrote to its disks is made stable. `start`
exits with 143 then, as after SIGTERM, and does not start it anew.

Examples:
  vmlock-run stop ~/guests/web",
        flags: &[&FORMAT],
    },
    #[cfg(feature = "torture")]
    Verb {
        name: "mutate",
        argument: Some("LOCK"),
        summary: "Test whether an altered promise would be noticed",
        text: "\
Enforces the lock and holds its machine against locks that differ from it in one
promise each. Exits with 1 when neither what is read back nor what the witness saw
contradicts one of them.",
        flags: &[&OVERCOMMIT, &NATIVE, &EMULATE_GIC, &EMULATE_CALLS],
    },
    #[cfg(feature = "torture")]
    Verb {
        name: "torture",
        argument: Some("LOCK"),
        summary: "Test an interrupt controller under fire",
        text: "\
Sends edges and levels into a guest that masks, routes, clears and pends them at
random on every vCPU, and counts. Exits with 1 when one is lost or invented.",
        flags: &[&INTERRUPTS, &RARITY, &NATIVE, &EMULATE_GIC],
    },
    #[cfg(feature = "torture")]
    Verb {
        name: "accesses",
        argument: Some("LOCK"),
        summary: "Say what comes of each access to an interrupt controller",
        text: "\
Lets a guest access every register in every width, and bring one interrupt of each
kind into every state; prints what came of it, to be compared with another way to
answer.",
        flags: &[&STRIDE, &NATIVE, &EMULATE_GIC],
    },
    Verb {
        name: "completions",
        argument: Some("SHELL"),
        summary: "Write completions for bash, zsh or fish",
        text: "\
Examples:
  vmlock-run completions bash > /etc/bash_completion.d/vmlock-run",
        flags: &[],
    },
];

/// What the command line asks for.
pub enum Request {
    /// Text to print.
    Print(String),
    /// A command to run.
    Run(Parsed),
}

/// A command with its flags.
pub struct Parsed {
    /// The command.
    pub verb: &'static str,
    /// Its argument; empty where it has none.
    pub argument: String,
    values: Vec<(&'static str, String)>,
}

impl Parsed {
    /// The value of a flag.
    pub fn value(&self, long: &str) -> Option<&str> {
        self.all(long).next()
    }

    /// The values of a flag that can be given more than once.
    pub fn all(&self, long: &str) -> impl Iterator<Item = &str> {
        let values = self.values.iter().filter(move |(name, _)| *name == long);
        values.map(|(_, value)| value.as_str())
    }

    /// Whether a flag was given.
    pub fn has(&self, long: &str) -> bool {
        self.value(long).is_some()
    }

    /// Whether results are to be JSON.
    pub fn json(&self) -> bool {
        self.value(FORMAT.long) == Some("json")
    }
}

/// Reads the command line, without the program's name.
///
/// # Errors
/// What is wrong with it, and what was probably meant.
pub fn parse(arguments: impl Iterator<Item = String>) -> Result<Request, Failure> {
    let mut arguments = arguments.peekable();
    let Some(first) = arguments.next() else {
        return Err(Failure::usage(
            "which command?",
            &["`vmlock-run --help` lists the commands"],
        ));
    };
    match first.as_str() {
        "-h" | "--help" => return Ok(Request::Print(overview())),
        "help" => {
            return match arguments.next() {
                None => Ok(Request::Print(overview())),
                Some(name) => Ok(Request::Print(help(verb(&name)?))),
            };
        }
        "-V" | "--version" => return Ok(Request::Print(version())),
        _ => {}
    }
    let verb = verb(&first)?;
    let mut parsed = Parsed {
        verb: verb.name,
        argument: String::new(),
        values: Vec::new(),
    };
    let mut positional = Vec::new();
    let mut literal = false;
    while let Some(word) = arguments.next() {
        if literal || word == "-" || !word.starts_with('-') {
            positional.push(word);
            continue;
        }
        if word == "--" {
            literal = true;
            continue;
        }
        let (name, inline) = match word.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (word.clone(), None),
        };
        let flag = flag(verb, &name)?;
        if std::ptr::eq(flag, &HELP) || flag.long == HELP.long {
            return Ok(Request::Print(help(verb)));
        }
        if flag.long == VERSION.long {
            return Ok(Request::Print(version()));
        }
        let value = match (flag.value, inline) {
            (None, None) => String::new(),
            (None, Some(_)) => {
                return Err(Failure::usage(
                    format!("`--{}` takes no value", flag.long),
                    &[],
                ));
            }
            (Some(_), Some(value)) => value,
            (Some(what), None) => arguments.next().ok_or_else(|| {
                Failure::usage(format!("`--{}` needs its {what}", flag.long), &[])
            })?,
        };
        if !flag.choices.is_empty() && !flag.choices.contains(&value.as_str()) {
            let choices = flag.choices.join("`, `");
            return Err(Failure::usage(
                format!("`--{} {value}` is not possible", flag.long),
                &[&format!("it takes `{choices}`")],
            ));
        }
        if parsed.has(flag.long) && flag.long != TAP.long {
            return Err(Failure::usage(
                format!("`--{}` is given twice", flag.long),
                &[],
            ));
        }
        parsed.values.push((flag.long, value));
    }
    let usage = usage(verb);
    match (verb.argument, positional.len()) {
        (None, 0) => {}
        (Some(_), 1) => parsed.argument = positional.remove(0),
        (Some(what), 0) => {
            return Err(Failure::usage(
                format!("`{}` needs its {what}", verb.name),
                &[&usage],
            ));
        }
        (Some(_), _) => {
            return Err(Failure::usage(
                format!("`{}` is one argument too many", positional[1]),
                &[&usage],
            ));
        }
        (None, _) => {
            return Err(Failure::usage(
                format!("`{}` takes no argument", verb.name),
                &[&usage],
            ));
        }
    }
    Ok(Request::Run(parsed))
}

fn verb(name: &str) -> Result<&'static Verb, Failure> {
    VERBS.iter().find(|v| v.name == name).ok_or_else(|| {
        let hint = did_you_mean(name, VERBS.iter().map(|v| v.name))
            .unwrap_or_else(|| "`vmlock-run --help` lists the commands".to_owned());
        Failure::usage(format!("there is no command `{name}`"), &[&hint])
    })
}

fn flags(verb: &'static Verb) -> impl Iterator<Item = &'static Flag> {
    verb.flags.iter().chain(COMMON).copied()
}

fn flag(verb: &'static Verb, name: &str) -> Result<&'static Flag, Failure> {
    let found = match name.strip_prefix("--") {
        Some(long) => flags(verb).find(|f| f.long == long),
        None => flags(verb).find(|f| {
            f.short
                .is_some_and(|c| name.strip_prefix('-') == Some(&c.to_string()))
        }),
    };
    found.ok_or_else(|| {
        let hint = did_you_mean(name.trim_start_matches('-'), flags(verb).map(|f| f.long))
            .unwrap_or_else(|| format!("`vmlock-run {} --help` lists its flags", verb.name));
        Failure::usage(format!("`{}` has no flag `{name}`", verb.name), &[&hint])
    })
}

fn version() -> String {
    format!("vmlock-run {}\n", env!("CARGO_PKG_VERSION"))
}

fn usage(verb: &Verb) -> String {
    let argument = verb
        .argument
        .map_or_else(String::new, |a| format!(" <{a}>"));
    format!("usage: vmlock-run {}{argument} [FLAGS]", verb.name)
}

fn overview() -> String {
    let mut out = String::from(
        "vmlock-run makes this host show a guest exactly what its lock says, proves it, or refuses.\n\n\
         usage: vmlock-run <COMMAND> [FLAGS]\n\nCommands:\n",
    );
    for verb in VERBS {
        let _ = writeln!(out, "  {:<12} {}", verb.name, verb.summary);
    }
    out.push_str("\nFlags:\n");
    COMMON.iter().for_each(|f| describe(&mut out, f));
    out.push_str(
        "\nExit codes: 0 ok, 1 findings, 2 usage, 3 this host cannot keep the lock, 4 environment, 70 our bug.\n",
    );
    out
}

fn help(verb: &'static Verb) -> String {
    let mut out = format!(
        "{}.\n\n{}\n\n{}\n\nFlags:\n",
        verb.summary,
        usage(verb),
        verb.text
    );
    flags(verb).for_each(|f| describe(&mut out, f));
    out
}

fn describe(out: &mut String, flag: &Flag) {
    let short = flag
        .short
        .map_or_else(|| "    ".to_owned(), |c| format!("-{c}, "));
    let value = flag.value.map_or_else(String::new, |v| format!(" <{v}>"));
    let _ = write!(
        out,
        "  {:<26} {}",
        format!("{short}--{}{value}", flag.long),
        flag.help
    );
    if !flag.choices.is_empty() {
        let _ = write!(out, " [{}]", flag.choices.join(", "));
    }
    out.push('\n');
}

/// Completions for a shell.
///
/// # Errors
/// There are none for it.
pub fn completions(shell: &str) -> Result<String, Failure> {
    match shell {
        "bash" => Ok(bash()),
        "zsh" => Ok(zsh()),
        "fish" => Ok(fish()),
        other => Err(Failure::usage(
            format!("there are no completions for `{other}`"),
            &[&format!("there are for {}", SHELLS.join(", "))],
        )),
    }
}

fn bash() -> String {
    let verbs: Vec<&str> = VERBS.iter().map(|v| v.name).collect();
    let mut cases = String::new();
    for verb in VERBS {
        let words: Vec<String> = flags(verb).map(|f| format!("--{}", f.long)).collect();
        let rest = if verb.name == "completions" {
            SHELLS.join(" ")
        } else {
            String::new()
        };
        let _ = writeln!(
            cases,
            "    {}) words=\"{} {rest}\" ;;",
            verb.name,
            words.join(" ")
        );
    }
    format!(
        "_vmlock_run() {{\n  local word=\"${{COMP_WORDS[COMP_CWORD]}}\" words=\"\"\n  \
         case \"${{COMP_WORDS[1]}}\" in\n{cases}  esac\n  \
         [ \"$COMP_CWORD\" -eq 1 ] && words=\"{} --help --version\"\n  \
         [ \"${{COMP_WORDS[COMP_CWORD-1]}}\" = --format ] && words=\"{}\"\n  \
         COMPREPLY=( $(compgen -W \"$words\" -- \"$word\") )\n}}\n\
         complete -o default -F _vmlock_run vmlock-run\n",
        verbs.join(" "),
        FORMAT.choices.join(" ")
    )
}

fn zsh() -> String {
    let mut out = String::from(
        "#compdef vmlock-run\n_vmlock_run() {\n  if (( CURRENT == 2 )); then\n    local -a verbs=(\n",
    );
    for verb in VERBS {
        let _ = writeln!(out, "      '{}:{}'", verb.name, quoted(verb.summary));
    }
    out.push_str("    )\n    _describe command verbs\n    return\n  fi\n  case $words[2] in\n");
    for verb in VERBS {
        let _ = write!(out, "    {}) _arguments", verb.name);
        for flag in flags(verb) {
            let _ = write!(
                out,
                " '--{}[{}]",
                flag.long,
                quoted(flag.help).replace(['[', ']'], "")
            );
            match (flag.value, flag.choices) {
                (Some(value), []) => _ = write!(out, ":{value}:_files'"),
                (Some(value), choices) => _ = write!(out, ":{value}:({})'", choices.join(" ")),
                (None, _) => out.push('\''),
            }
        }
        match verb.argument {
            Some("SHELL") => _ = write!(out, " '2:shell:({})'", SHELLS.join(" ")),
            Some(what) => _ = write!(out, " '2:{what}:_files'"),
            None => {}
        }
        out.push_str(" ;;\n");
    }
    out.push_str("  esac\n}\n_vmlock_run \"$@\"\n");
    out
}

fn quoted(text: &str) -> String {
    text.replace('\'', "").replace(':', "\\:")
}

fn fish() -> String {
    let mut out = String::new();
    for verb in VERBS {
        let _ = writeln!(
            out,
            "complete -c vmlock-run -n __fish_use_subcommand -f -a {} -d '{}'",
            verb.name,
            verb.summary.replace('\'', "")
        );
        for flag in flags(verb) {
            let short = flag.short.map_or_else(String::new, |c| format!(" -s {c}"));
            let value = match (flag.value, flag.choices) {
                (None, _) => String::new(),
                (Some(_), []) => " -r".to_owned(),
                (Some(_), choices) => format!(" -x -a '{}'", choices.join(" ")),
            };
            let _ = writeln!(
                out,
                "complete -c vmlock-run -n '__fish_seen_subcommand_from {}' -l {}{short}{value} -d '{}'",
                verb.name,
                flag.long,
                flag.help.replace('\'', "")
            );
        }
    }
    let _ = writeln!(
        out,
        "complete -c vmlock-run -n '__fish_seen_subcommand_from completions' -x -a '{}'",
        SHELLS.join(" ")
    );
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(words: &[&str]) -> Result<Request, Failure> {
        parse(words.iter().map(|w| (*w).to_owned()))
    }

    fn parsed(words: &[&str]) -> Parsed {
        match run(words) {
            Ok(Request::Run(parsed)) => parsed,
            Ok(Request::Print(text)) => panic!("{words:?} prints {text}"),
            Err(failure) => panic!("{words:?}: {failure:?}"),
        }
    }

    fn wrong(words: &[&str]) -> String {
        match run(words) {
            Err(Failure::Usage(trouble)) => {
                format!("{} | {}", trouble.message, trouble.help.join(" | "))
            }
            _ => panic!("{words:?} is accepted"),
        }
    }

    #[test]
    fn flags_are_read_in_every_spelling() {
        let audit = parsed(&[
            "audit",
            "--format",
            "json",
            "a.lock.json",
            "--show-observed",
        ]);
        assert_eq!(
            (audit.verb, audit.argument.as_str()),
            ("audit", "a.lock.json")
        );
        assert!(audit.json() && audit.has("show-observed") && !audit.has("stats"));
        assert_eq!(parsed(&["probe", "-o", "x"]).value("output"), Some("x"));
        assert_eq!(
            parsed(&["probe", "--output=x=y"]).value("output"),
            Some("x=y")
        );
        let start = parsed(&["start", "x", "--tap", "a=1", "--tap=b=2"]);
        assert!(start.all("tap").eq(["a=1", "b=2"]));
        assert_eq!(parsed(&["start", "--", "--lock"]).argument, "--lock");
    }

    #[test]
    fn what_is_wrong_is_named_with_what_was_meant() {
        assert!(wrong(&[]).contains("which command"));
        assert!(wrong(&["prob"]).contains("did you mean `probe`"));
        assert!(wrong(&["audit", "--fromat", "json", "x"]).contains("did you mean `format`"));
        assert!(wrong(&["audit", "--format", "xml", "x"]).contains("`human`, `json`"));
        assert!(wrong(&["audit", "--format"]).contains("needs its FORMAT"));
        assert!(wrong(&["audit", "x", "--show-observed=1"]).contains("takes no value"));
        assert!(wrong(&["audit", "x", "--show-observed", "--show-observed"]).contains("twice"));
        assert!(wrong(&["audit"]).contains("needs its LOCK"));
        assert!(wrong(&["start", "a", "b"]).contains("`b` is one argument too many"));
        assert!(wrong(&["probe", "x"]).contains("takes no argument"));
    }

    #[test]
    fn the_unit_of_the_examples_starts_a_guest() {
        let unit = include_str!("../../examples/vmlock@.service");
        let lines: Vec<&str> = unit
            .lines()
            .filter_map(|l| l.strip_prefix("ExecStart="))
            .collect();
        let words: Vec<&str> = lines[0].split(' ').skip(1).collect();
        let start = parsed(&words);
        assert_eq!(
            (start.verb, start.value("on-reset")),
            ("start", Some("restart"))
        );
    }

    #[test]
    fn help_names_every_verb_and_flag() {
        let Ok(Request::Print(text)) = run(&["--help"]) else {
            panic!("--help prints")
        };
        for verb in VERBS {
            assert!(text.contains(verb.name));
            let Ok(Request::Print(own)) = run(&[verb.name, "--help"]) else {
                panic!("it prints")
            };
            assert!(own.contains("Examples:"), "{}", verb.name);
            assert!(flags(verb).all(|f| own.contains(&format!("--{}", f.long))));
            for shell in SHELLS {
                let script = completions(shell).expect("it is one of ours");
                assert!(script.contains(verb.name) && flags(verb).all(|f| script.contains(f.long)));
            }
        }
        assert!(completions("tcsh").is_err());
    }
}
