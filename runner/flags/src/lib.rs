//! The command line of `vmlock-run`: one table of verbs and flags. The runner reads by it, its help and its completions
//! are made of it, and so are the manual pages and the completions of `vmlock`, which can be read where no runner runs.

mod completions;
mod help;

pub use completions::completions;
pub use help::{ABOUT, EXITS, help, overview, usage, version};

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

/// How results are written.
pub const FORMAT: Flag = Flag {
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
const BOOT: Flag = Flag {
    long: "boot",
    short: None,
    value: None,
    choices: &[],
    help: "Say in the report in which boot it was made: what `vmlock labels` makes of it is of that boot",
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
const STEPS: Flag = Flag {
    long: "steps",
    short: None,
    value: Some("N"),
    choices: &[],
    help: "At how many instructions the guest is saved [default: 2000]",
};
#[cfg(feature = "torture")]
const EACH: Flag = Flag {
    long: "each",
    short: None,
    value: Some("N"),
    choices: &[],
    help: "One of N saved guests is kept with its memory, beside some of each kind [default: 20]",
};
#[cfg(feature = "torture")]
const INTO: Flag = Flag {
    long: "into",
    short: None,
    value: Some("FILE"),
    choices: &[],
    help: "The file, or the disk, where those are kept",
};
#[cfg(feature = "torture")]
const FROM: Flag = Flag {
    long: "from",
    short: None,
    value: Some("FILE"),
    choices: &[],
    help: "Restore every saved guest that is kept there, and have it come to its end",
};
#[cfg(feature = "torture")]
const WHILE_IT_RUNS: Flag = Flag {
    long: "living",
    short: None,
    value: None,
    choices: &[],
    help: "Hold the audit of a guest that runs against promises that its machine does not keep",
};
#[cfg(feature = "torture")]
const MISBEHAVE: Flag = Flag {
    long: "misbehave",
    short: None,
    value: Some("HOW"),
    choices: MISDEEDS,
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
/// That a restored guest is not let go.
pub const PAUSED: Flag = Flag {
    long: "paused",
    short: None,
    value: None,
    choices: &[],
    help: "Leave the guest paused until `vmlock-run resume`: it can be audited before it runs. Needs `--control`",
};
/// What kind of memory a guest has.
pub const MEMORY: Flag = Flag {
    long: "memory",
    short: None,
    value: Some("KIND"),
    choices: &["private", "shared"],
    help: "`shared`: the guest can be handed over to another runner (`migrate`); the host then backs its memory with small pages. Needs `--control` [default: private]",
};
/// Where a guest is handed over to.
pub const TO: Flag = Flag {
    long: "to",
    short: None,
    value: Some("SOCKET|tcp:HOST:PORT|-"),
    choices: &[],
    help: "Where `vmlock-run receive` waits: at a socket of this host, at a port, or at the other ends of stdin and stdout",
};
/// What both ends of a hand-over by TCP know.
pub const TOKEN_FILE: Flag = Flag {
    long: "token-file",
    short: None,
    value: Some("FILE"),
    choices: &[],
    help: "The token of a hand-over: by TCP, `receive` writes a new one there, which only you can read, and `migrate` needs it, of one use; by pipes, both read it where it is named",
};
/// How long a guest may rest.
pub const REST_LIMIT: Flag = Flag {
    long: "rest-limit",
    short: None,
    value: Some("SECONDS"),
    choices: &[],
    help: "Bring the guest to rest only if the latest round over its memory took no longer than that: to another host, 10 unless given, 45 at most",
};
/// That a guest's disks are taken though its runner's locks on them are not seen.
pub const LOCKS_UNSEEN: Flag = Flag {
    long: "locks-unseen",
    short: None,
    value: None,
    choices: &[],
    help: "Take disks whose locks by the other host are not seen here: your word that they are the same, on a file system without such locks",
};
/// That anybody may come.
pub const INSECURE_LISTEN: Flag = Flag {
    long: "insecure-listen",
    short: None,
    value: None,
    choices: &[],
    help: "Listen at an address that other hosts reach: a guest that comes by TCP is not encrypted, so whoever is on its way can read its memory",
};
/// What an operator knows of another host.
pub const IS_GONE: Flag = Flag {
    long: "other-end-is-gone",
    short: None,
    value: None,
    choices: &[],
    help: "Your word, at the end that gave a guest to another host: the end there has ended, and the guest never ran there",
};
/// Under which a guest was saved.
pub const LOCK: Flag = Flag {
    long: "lock",
    short: None,
    value: Some("LOCK"),
    choices: &[],
    help: "The lock that the guest was started with; the file has to have been saved under the very same one",
};
/// Where a guest that is saved is to go.
pub const FOR: Flag = Flag {
    long: "for",
    short: None,
    value: Some("REPORT"),
    choices: &[],
    help: "The report of the host that the guest is to go to, made by `vmlock-run probe` there: where it cannot, nothing is saved and it goes on here",
};
/// That all of a saved guest's disks is looked at.
pub const DISK_DIGEST: Flag = Flag {
    long: "disk-digest",
    short: None,
    value: None,
    choices: &[],
    help: "All of each disk is held to a digest, not only its ends and the blocks that the guest wrote last: it is read whole for that",
};
/// When a saved guest's memory is checked.
pub const VERIFY: Flag = Flag {
    long: "verify",
    short: None,
    value: None,
    choices: &[],
    help: "Check all of the guest's memory and copy it before the guest runs, and not while it does",
};
/// A guest that runs is audited.
const LIVING: Flag = Flag {
    long: "control",
    short: None,
    value: Some("SOCKET"),
    choices: &[],
    help: "Look at the guest that runs, by the socket that `start --control` named, and make no machine",
};
/// Where a guest's runner answers.
const ASKED: Flag = Flag {
    long: "control",
    short: None,
    value: Some("SOCKET"),
    choices: &[],
    help: "The socket that `start --control` named",
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
/// What the command line can be.
pub const HELP: Flag = Flag {
    long: "help",
    short: Some('h'),
    value: None,
    choices: &[],
    help: "Print help",
};
/// Which program this is.
pub const VERSION: Flag = Flag {
    long: "version",
    short: Some('V'),
    value: None,
    choices: &[],
    help: "Print the version",
};

/// What every verb has.
pub const COMMON: &[&Flag] = &[&HELP, &VERSION];

/// Shells that completions can be written for.
pub const SHELLS: &[&str] = &["bash", "zsh", "fish"];

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
        flags: &[&OUTPUT, &BOOT],
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

With `--control`, it is the guest that runs: it is brought to rest as by `pause`, each of its
vCPUs is lent to the witness's reading code, given back as it was, and the guest goes on. It
is read and nothing is driven: what is not looked at is counted and named. Counters go on.

Examples:
  vmlock-run audit web.vm.lock.json
  vmlock-run audit web.vm.lock.json --show-observed
  vmlock-run audit web.vm.lock.json --format json
  vmlock-run audit web.vm.lock.json --control ~/guests/web",
        flags: &[
            &FORMAT,
            &OBSERVED,
            &LIVING,
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
  0    the guest powered off
  3    this host cannot keep the lock
  4    something is missing
  10   it asked for a reset
  11   it crashed, or nobody could answer it
  12   it asked to be hibernated
  13   vmlock-run did what its jail forbids
  130  Ctrl-C; 143 SIGTERM, 129 SIGHUP, 131 SIGQUIT

Examples:
  vmlock-run start web.vm.lock.json
  vmlock-run start web.vm.lock.json --on-reset restart --control ~/guests/web",
        flags: &[
            &TAP,
            &ON_RESET,
            &CONSOLE,
            &CONTROL,
            &MEMORY,
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
        name: "save",
        argument: Some("FILE"),
        summary: "Write a running guest to a file, and end it",
        text: "\
Asks the runner that was started with `--control SOCKET`. The guest is brought to rest as
by `pause`; registers, interrupts, devices and memory go to a new file beside FILE, which
takes its place once it is whole and on the disk. Only then does the guest end: `start`
exits with 143. Where anything fails before, or this command is ended, FILE is as it was
and the guest goes on. The file holds all of the guest's memory: only its owner reads it.

With `--for`, it exits with 3 where the host of that report cannot keep the guest's lock, or
does not take what the guest has by then: the guest goes on, and FILE is as it was.

On a terminal it shows how far it is; `status` says so, too. `stop` ends the guest meanwhile:
FILE is as it was, unless `save` had heard by then that the new one is whole.

Disks stay where they are. FILE has a digest of each: over a part, or with `--disk-digest` over
all of it, for which the guest rests as long as reading its disks takes.

Examples:
  vmlock-run save web.save --control ~/guests/web
  vmlock-run save web.save --control ~/guests/web --for new-host.json",
        flags: &[&ASKED, &FOR, &DISK_DIGEST, &FORMAT],
    },
    Verb {
        name: "restore",
        argument: Some("FILE"),
        summary: "Go on with a saved guest, if this host can show it what its lock says",
        text: "\
Does what `start` does, but that the guest goes on where it was saved: the host is proven,
the machine is made and read back, and then its state is written and read back as well.
Its counter (CNTVCT_EL0) stood still meanwhile, if its lock does not have it go on
(`across-saves`); its wall clock did not. Disks have to be as they were. Exits with 3 where
this host does not take the state; FILE stays as it is.

With `--paused` it goes on once `resume` says so: `audit --control` looks before at what it
will see, on its own vCPUs.

Where nobody can write FILE any more, or its file system makes a private copy at once, the
guest runs while its memory is held against FILE's digests: until all of it was, no write
to a disk, no packet and no word on its console leaves it. Where a byte is another, the guest is
stopped (exit 4), and nothing has left it. `--verify` has all of it checked before it runs.

Whoever restores a file twice has two guests with one set of secrets and random numbers.

Examples:
  vmlock-run restore web.save --lock web.vm.lock.json --control ~/guests/web
  vmlock-run restore web.save --lock web.vm.lock.json --control ~/guests/web --paused",
        flags: &[
            &LOCK,
            &DISK_DIGEST,
            &VERIFY,
            &PAUSED,
            &TAP,
            &ON_RESET,
            &CONSOLE,
            &CONTROL,
            &MEMORY,
            &LOG,
            &STATS,
            &NO_PROOF_CACHE,
            &NO_JAIL,
            &CHROOT,
            &NAMESPACES,
            &KVM,
            &OVERCOMMIT,
            &NATIVE,
            &EMULATE_GIC,
            &EMULATE_CALLS,
        ],
    },
    Verb {
        name: "receive",
        argument: Some("SOCKET|tcp:ADDRESS:PORT|-"),
        summary: "Take over a running guest from another runner",
        text: "\
Does what `restore` does, but that the guest comes out of another runner while it runs, and
not out of a file: waits at SOCKET until `migrate` connects somebody who gives it. The folder
of SOCKET has to be yours, with mode 0700, as that of `--control`. The lock has to be the very
same, in the same folder. Memory, disks and taps are passed on as they are, open; none is
opened here, and no path comes from the other end.

The host is proven and the machine made while the guest still runs there. Then that one brings
it to rest and gives its state, which is written and read back here, and only then the guest.
Whatever fails before leaves it running there, and this command ends with 3 or 4. Where this
end cannot know whether the guest was given, it keeps it at rest: see `claim`.

From another host it comes by stdin and stdout (`-`, for ssh) or by TCP, from whoever has the
token. TCP is not encrypted, and listens at an address of this host alone unless you ask for
others. The guest's memory is copied while it runs there; its disks are opened here, the same
files by a file system that both hosts have, and held once it is given; its taps are this host's.

Examples:
  vmlock-run receive ~/guests/to --lock web.vm.lock.json --control ~/guests/web2
  vmlock-run migrate --to ~/guests/to --control ~/guests/web
  vmlock-run receive tcp:127.0.0.1:7900 --token-file ~/guests/token --lock web.vm.lock.json \\
      --control ~/guests/web2",
        flags: &[
            &LOCK,
            &TOKEN_FILE,
            &INSECURE_LISTEN,
            &LOCKS_UNSEEN,
            &PAUSED,
            &TAP,
            &CONSOLE,
            &CONTROL,
            &LOG,
            &STATS,
            &NO_PROOF_CACHE,
            &NO_JAIL,
            &CHROOT,
            &NAMESPACES,
            &KVM,
            &OVERCOMMIT,
            &NATIVE,
            &EMULATE_GIC,
            &EMULATE_CALLS,
        ],
    },
    Verb {
        name: "migrate",
        argument: None,
        summary: "Hand a running guest over to another runner",
        text: "\
Asks the runner that was started with `--control SOCKET` and `--memory shared` to hand its guest
over to the one that waits as `vmlock-run receive SOCKET`: for a newer vmlock-run under a guest
that goes on. The guest rests for as long as the other one needs for its state; its memory is
not copied. `start` exits with 143 once it runs there.

Whatever fails before the guest is given leaves it running where it is, and this command exits
with 4 and says what. So it is too when this command is ended before. Where nobody can know
whether it was given, both ends keep it at rest, and `status` says `unknown`: see `claim`.

To another host (`tcp:HOST:PORT`, or `-`: stdin and stdout) its memory is copied while it runs,
and it rests for as long as what is left and its state need. This command carries it: where it
is ended before the guest is given, that goes on here.

Examples:
  vmlock-run start web.vm.lock.json --control ~/guests/web --memory shared
  vmlock-run migrate --to ~/guests/to --control ~/guests/web
  vmlock-run migrate --to - --control ~/guests/web <back |
      ssh there vmlock-run receive - --lock web.vm.lock.json --control guests/web \\
          --console guests/web.log >back",
        flags: &[&TO, &TOKEN_FILE, &REST_LIMIT, &ASKED, &FORMAT],
    },
    Verb {
        name: "claim",
        argument: Some("SOCKET"),
        summary: "Let a guest go on here after a hand-over of which nobody knows the end",
        text: "\
Asks the runner with that control socket, whose guest rests since a hand-over broke off at the
one moment when neither end can know what the other one knows. The guest goes on there, if no
other process may run it: who may is a lock on its memory, which the kernel gives to one of
both and takes from one that ends. Where the other end is still there and has it, this is
refused: look at that one (`status`), and end it (`stop`) where its guest rests, too.

An end on another host cannot be seen from here. The end that gave the guest there needs your word
that the other one has ended and the guest never ran there, and disks that nobody has written since;
if it is not true the guest can run twice, and destroy its disks. The end that was to have it cannot
be claimed: end it (`stop`).

Examples:
  vmlock-run claim ~/guests/web
  vmlock-run claim ~/guests/web --other-end-is-gone",
        flags: &[&IS_GONE, &FORMAT],
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
contradicts one of them. With `--living` a guest runs in a machine that shows it
something else, and is audited.",
        flags: &[
            &WHILE_IT_RUNS,
            &OVERCOMMIT,
            &NATIVE,
            &EMULATE_GIC,
            &EMULATE_CALLS,
        ],
    },
    #[cfg(feature = "torture")]
    Verb {
        name: "moments",
        argument: Some("LOCK"),
        summary: "Save and restore a guest at each of its instructions",
        text: "\
Moves a guest that is at one hostile moment after the other into a new machine after
each instruction, and holds what it comes to against a guest that nobody saved. Exits
with 1 when they differ, or when a kind of moment was never met.",
        flags: &[
            &STEPS,
            &EACH,
            &INTO,
            &FROM,
            &NATIVE,
            &EMULATE_GIC,
            &EMULATE_CALLS,
        ],
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

/// The verb of that name.
pub fn verb(name: &str) -> Option<&'static Verb> {
    VERBS.iter().find(|verb| verb.name == name)
}

/// All flags of a verb.
pub fn flags(verb: &'static Verb) -> impl Iterator<Item = &'static Flag> {
    verb.flags.iter().chain(COMMON).copied()
}

/// What `--misbehave` takes: who, and what.
#[cfg(feature = "torture")]
pub const MISDEEDS: &[&str] = &[
    "main-create",
    "main-execute",
    "main-panic",
    "main-read",
    "main-socket",
    "vcpu-execute",
    "vcpu-kill",
    "vcpu-memory",
    "vcpu-panic",
    "vcpu-read",
    "vcpu-thread",
    "disk-panic",
    "disk-read",
    "disk-socket",
];
