//! What a started guest's runner gives up before the first instruction of the guest: whoever takes this program over
//! from inside the guest has taken over nothing else.
//!
//! By then every file is open, the machine is made, and what is left to be done is written down, call by call
//! ([`table`]). Four layers, the outer ones for where an inner one fails:
//!
//! * seccomp: each thread makes the calls of its rows, and another one ends the process with words ([`violation`]). One
//!   filter under all of this process's threads, at once and whatever they are; one more on the thread of each vCPU and of
//!   each device, which have the guest's own values in their hands.
//! * Landlock, from 5.13 on: no thread opens a file, but for the one that looks at the CPUs in sysfs ([`landlock`]).
//! * no new privileges and no capabilities, and nobody to look inside: not dumpable, no core.
//! * no descriptors but those that are open and those of connections, and no larger files than the guest's disks, unless
//!   its console goes to one.
//!
//! Two more where whoever starts the guest asks for them: an empty root ([`root`]), and namespaces without a network
//! ([`namespaces`]).
//!
//! A guest that is started anew at each reset is jailed in a process of its own, and its [keeper](crate::keeper) is outside.
//!
//! A success code proves nothing: each limit is read, `/` is tried, and each filter answers a mark of its own. What
//! older kernels lack is said, but for what Landlock's own older versions leave to the filter; what a kernel has and does
//! not do ends the start. Nothing but `start` has a guest
//! that stays, and nothing else is jailed.

pub mod elders;
pub mod filter;
mod landlock;
mod linux;
#[cfg(feature = "torture")]
pub mod misbehave;
pub mod names;
pub mod namespaces;
pub mod root;
mod rules;
pub mod table;
mod violation;

use crate::failure::Failure;
use crate::say;
use filter::{FLOOR, Instruction, NARROW, floor, narrow};
use landlock::Landlock;
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use nix::sys::stat::{SFlag, fstat};
use rules::{RULES, Rule, Threads};
use std::env;
use std::fmt::Display;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _, BorrowedFd};
use std::process;
use std::sync::mpsc::Receiver;
use table::{ALWAYS, Machine, Thread};
use vmlock_spec::event::Event;
use vmm_sys_util::eventfd::EventFd;

pub use linux::close_all_but;

/// What a machine still needs of its host.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Its interrupt controller is answered for here.
    pub proxied: bool,
    /// Its firmware calls are answered here.
    pub calls: bool,
    /// Its memory is shared with whom it is handed over to.
    pub shared: bool,
    /// Its guest goes on, and did not begin here.
    pub resumed: bool,
    /// The kinds of its devices' threads.
    pub devices: Vec<Thread>,
    /// Those of threads that are there before.
    pub elders: Vec<Thread>,
    /// Bytes of the largest file that it writes.
    pub largest: u64,
    /// Descriptors of connections that may still be made.
    pub connections: u64,
}

impl Needs {
    /// What such a machine needs, in order.
    fn rules(&self) -> Vec<Rule> {
        let threads = Threads::of(ALWAYS)
            .and(Threads::of(&self.devices))
            .and(Threads::of(&self.elders));
        let needs = |rule: &&Rule| {
            let machine = match rule.machine {
                Machine::Every => true,
                Machine::Proxied => self.proxied,
                Machine::Calls => self.calls,
                Machine::Shared => self.shared,
                Machine::Audited => self.resumed || self.elders.contains(&Thread::Control),
            };
            machine && rule.is_for(threads)
        };
        RULES.iter().filter(needs).copied().collect()
    }
}

/// What comes of a thread's way into the jail.
pub type Entering = Receiver<Result<(), Failure>>;

/// Waits until a thread is inside, as far as it goes by itself.
///
/// # Errors
/// Why it is not.
pub fn entered(entering: Entering) -> Result<(), Failure> {
    let gone = |_| Failure::environment("a thread has gone on its way into the jail", &[]);
    entering.recv().map_err(gone)?
}

/// A jail that is being shut; dropped once everybody is inside.
pub struct Jail {
    needs: Needs,
    floor: Vec<Instruction>,
    /// What each kind of thread gives up beside.
    narrow: Vec<(Thread, Vec<Instruction>)>,
}

impl Jail {
    /// Makes the jail of a machine. Nobody else looks into this process from now on. What is not allowed ends it once `tidy`
    /// was called, which does what a signal handler may.
    ///
    /// # Errors
    /// Linux does not give what it has.
    pub fn make(needs: Needs, files: &Files, tidy: fn()) -> Result<Self, Failure> {
        let ours = process::id();
        let rules = needs.rules();
        let long = || unjailed("its filter", &"it is too long for seccomp");
        let floor = floor(&rules, ours).ok_or_else(long)?;
        let mut kinds = needs.devices.clone();
        kinds.push(Thread::Vcpu);
        kinds.sort_unstable();
        kinds.dedup();
        let one = |kind| Some((kind, narrow(&rules, kind, ours)?));
        let narrow = kinds.into_iter().map(one).collect::<Option<_>>();
        violation::is_said(tidy).map_err(|e| unjailed("SIGSYS", &e))?;
        linux::keep_heaps().map_err(|e| unjailed("memory", &e))?;
        no_looking_inside()?;
        if files.landlock.is_none() {
            let layer = LANDLOCK.to_owned();
            say::event(
                Event::Unjailed { layer },
                "this kernel has no Landlock, and the guest is jailed without that layer",
            );
        }
        Ok(Self {
            needs,
            floor,
            narrow: narrow.ok_or_else(long)?,
        })
    }

    /// Puts all threads that there are under the floor, and whatever they start. This thread has given up its files.
    ///
    /// # Errors
    /// Linux's; something is left that should not be.
    pub fn shut(&self) -> Result<(), Failure> {
        limits(&self.needs)?;
        install(&self.floor, true, FLOOR)
    }

    /// Leaves this thread what one of its kind needs. To be called on it, after [`Jail::shut`], where it has given up its
    /// files or was started by one that had.
    ///
    /// # Errors
    /// Linux's; something is left that should not be.
    pub fn lock(&self, kind: Thread) -> Result<(), Failure> {
        // It was put under the floor by another thread.
        marked(FLOOR)?;
        let narrow = self.narrow.iter().find(|(other, _)| *other == kind);
        let unknown = || unjailed("its filter", &format_args!("there is none of `{kind}`"));
        let (_, narrow) = narrow.ok_or_else(unknown)?;
        install(narrow, false, NARROW)
    }
}

/// The files that threads give up, each for itself: some do before there is a jail.
pub struct Files {
    /// `None` where this kernel has none.
    landlock: Option<Landlock>,
}

impl Files {
    /// Takes new privileges from this thread, and from those that it starts from now on: Linux lets nobody else but root
    /// give up files, or filter calls.
    ///
    /// # Errors
    /// Linux does not give what it has; the C library was told to ask it otherwise than the table knows.
    pub fn to_give_up() -> Result<Self, Failure> {
        if env::var_os(TUNABLES).is_some_and(|value| !value.is_empty()) {
            return Err(Failure::environment(
                format!(
                    "the guest cannot be jailed: {TUNABLES} is set, and the C library may then ask Linux for what no thread is allowed"
                ),
                &[
                    "start it without: `env -u GLIBC_TUNABLES vmlock-run start …`, or with `--no-jail`",
                ],
            ));
        }
        prctl::set_no_new_privs().map_err(|e| unjailed(NO_NEW_PRIVILEGES, &e))?;
        let landlock = Landlock::new().map_err(|e| unjailed(LANDLOCK, &e))?;
        Ok(Self { landlock })
    }

    /// Takes the files from this thread, with what makes root more than a user, and from those that it starts from now on.
    ///
    /// # Errors
    /// Linux's; something is left that should not be.
    pub fn give_up(&self) -> Result<(), Failure> {
        self.restrict(Landlock::give_up_files)
    }

    /// Leaves this thread the files in one folder, and no others.
    ///
    /// # Errors
    /// As [`Files::give_up`].
    pub fn give_up_but(&self, folder: BorrowedFd<'_>) -> Result<(), Failure> {
        self.restrict(|landlock| landlock.give_up_files_but(folder))
    }

    fn restrict(&self, how: impl FnOnce(&Landlock) -> io::Result<()>) -> Result<(), Failure> {
        no_new_privileges().map_err(|e| unjailed(NO_NEW_PRIVILEGES, &e))?;
        no_capabilities().map_err(|e| unjailed("capabilities", &e))?;
        let done = self.landlock.as_ref().map_or(Ok(()), how);
        done.map_err(|e| unjailed(LANDLOCK, &e))
    }
}

/// Leaves this thread what one of its kind needs, and nobody else of this process less than before.
#[cfg(test)]
pub fn confine_this_thread(kind: Thread) {
    let needs = Needs {
        devices: vec![kind],
        elders: vec![kind],
        ..Needs::default()
    };
    #[cfg_attr(target_arch = "aarch64", expect(unused_mut))]
    let mut rules = needs.rules();
    // The C library waits by other calls there.
    #[cfg(target_arch = "x86_64")]
    {
        let older = [libc::SYS_epoll_wait, libc::SYS_poll].map(|call| table::Row {
            call,
            argument: table::Argument::Any,
            machine: Machine::Every,
            threads: &[
                Thread::Signals,
                Thread::Control,
                Thread::Carrier,
                Thread::Disk,
                Thread::Card,
                Thread::Terminal,
                Thread::Entropy,
                Thread::Vsock,
            ],
            why: "as epoll_pwait, ppoll",
            only: None,
        });
        rules.extend(rules::sorted::<2>(&older));
        rules.sort_by_key(|rule| (rule.call, rule.argument));
    }
    let ours = process::id();
    let filters = [floor(&rules, ours), narrow(&rules, kind, ours)];
    violation::is_said(|| {}).expect("every Linux has it");
    prctl::set_no_new_privs().expect("every Linux has it");
    for (filter, mark) in filters.into_iter().zip([FLOOR, NARROW]) {
        install(&filter.expect("it is short"), false, mark).expect("every Linux has it");
    }
}

/// What is left to a process beside this one, which has but one kind of work.
pub struct Confined {
    filter: Vec<Instruction>,
}

impl Confined {
    /// The broker's.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn broker() -> io::Result<Self> {
        let broker = Threads::of(&[Thread::Broker]);
        let rules = RULES.iter().filter(|rule| rule.is_for(broker)).copied();
        let filter = floor(&rules.collect::<Vec<_>>(), process::id());
        let long = || io::Error::other("its filter is too long for seccomp");
        filter.map(|filter| Self { filter }).ok_or_else(long)
    }

    /// Leaves this process no more. It needs no memory but its stack.
    ///
    /// # Errors
    /// Linux's; something is left that should not be.
    pub fn enter(&self) -> io::Result<()> {
        prctl::set_no_new_privs()?;
        prctl::set_dumpable(false)?;
        setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
        setrlimit(Resource::RLIMIT_FSIZE, 0, 0)?;
        if let Some(landlock) = Landlock::new()? {
            landlock.give_up_files()?;
        }
        linux::install(&self.filter, false)?;
        match linux::mark() {
            FLOOR => Ok(()),
            _ => Err(io::Error::from_raw_os_error(libc::EPERM)),
        }
    }
}

const LANDLOCK: &str = "Landlock";
/// By which users change how the C library asks Linux for memory.
const TUNABLES: &str = "GLIBC_TUNABLES";
const NO_NEW_PRIVILEGES: &str = "no new privileges";

fn unjailed(layer: &str, why: &dyn Display) -> Failure {
    Failure::environment(
        format!("the guest's jail cannot be made: {layer}: {why}"),
        &[
            "the kernel, or what this program was started by, does not let it give up what it does not need",
            "`--no-jail` starts the guest all the same: one that takes this program over can then do what you can",
        ],
    )
}

fn install(filter: &[Instruction], everywhere: bool, mark: i32) -> Result<(), Failure> {
    linux::install(filter, everywhere).map_err(|e| unjailed("seccomp", &e))?;
    marked(mark)
}

/// Whether this thread is under that filter.
fn marked(mark: i32) -> Result<(), Failure> {
    match linux::mark() {
        answer if answer == mark => Ok(()),
        answer => Err(unjailed(
            "seccomp",
            &format_args!("a filter was to answer {mark}, and it was {answer}"),
        )),
    }
}

/// Whether this thread gets no new ones.
fn no_new_privileges() -> io::Result<()> {
    match prctl::get_no_new_privs()? {
        true => Ok(()),
        false => Err(io::Error::other("they are not given up")),
    }
}

/// Takes from this thread what lets it do more than its user may: nothing that is still to be done needs that.
fn no_capabilities() -> io::Result<()> {
    linux::set_capabilities_to_none()?;
    match linux::has_capabilities()? {
        false => Ok(()),
        true => Err(io::Error::other("they are not given up")),
    }
}

/// Neither a debugger of the same user nor a core file gets at the guest's memory.
fn no_looking_inside() -> Result<(), Failure> {
    let layer = "not dumpable";
    prctl::set_dumpable(false).map_err(|e| unjailed(layer, &e))?;
    match prctl::get_dumpable() {
        Ok(false) => limit(Resource::RLIMIT_CORE, 0),
        Ok(true) => Err(unjailed(layer, &"it is")),
        Err(e) => Err(unjailed(layer, &e)),
    }
}

/// Folders and a file of sysfs, with which a CPU is looked at that came later.
const LOOKED_AT: u64 = 4;

/// No more descriptors than are open now, those that look at CPUs, and those of connections; no file that grows beyond the
/// guest's disks, unless somebody reads the guest's console in one.
fn limits(needs: &Needs) -> Result<(), Failure> {
    let trouble = |e: io::Error| unjailed("descriptors", &e);
    // Some may be free between those that are open, and none behind them.
    let first = EventFd::new(libc::EFD_CLOEXEC).map_err(trouble)?;
    let more = (1..LOOKED_AT + needs.connections).map(|_| first.try_clone());
    let free = more.collect::<io::Result<Vec<_>>>().map_err(trouble)?;
    let last = free.iter().map(|fd| fd.as_raw_fd().unsigned_abs()).max();
    drop((first, free));
    let most = rlim_t::from(last.unwrap_or(0)) + 1;
    limit(Resource::RLIMIT_NOFILE, most)?;
    let is_file = |stream: BorrowedFd<'_>| {
        fstat(stream).is_ok_and(|stat| {
            SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT == SFlag::S_IFREG
        })
    };
    match is_file(io::stdout().as_fd()) || is_file(io::stderr().as_fd()) {
        true => Ok(()),
        false => limit(Resource::RLIMIT_FSIZE, needs.largest),
    }
}

/// Lowers a limit, where it is higher. It cannot be raised again.
fn limit(resource: Resource, most: rlim_t) -> Result<(), Failure> {
    let layer = format!("{resource:?}");
    let failed = |e| unjailed(&layer, &e);
    let (soft, hard) = getrlimit(resource).map_err(failed)?;
    let wanted = (soft.min(most), hard.min(most));
    setrlimit(resource, wanted.0, wanted.1).map_err(failed)?;
    match getrlimit(resource).map_err(failed)? {
        limits if limits == wanted => Ok(()),
        (soft, hard) => Err(unjailed(
            &layer,
            &format_args!("it was to be {most}, and is {soft} and {hard}"),
        )),
    }
}
