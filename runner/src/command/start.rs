//! `vmlock-run start`: the guest, if this host can show it what its lock says.

use super::{Planned, afforded, emulation, say_withheld, usable};
use crate::arriving::Arriving;
use crate::arriving::far::Asked;
use crate::console::{Console, READERS};
use crate::control::operator::Operator;
use crate::control::place::{listen, passed_in};
use crate::control::server::{self, CLIENTS, FILES};
use crate::cores::Cores;
use crate::cores::watch::Found;
use crate::counters::Guest;
use crate::device::bus::Bus;
use crate::device::serial::Output;
use crate::device::virtio;
use crate::device::virtio::Others;
use crate::device::virtio::disk::taken::Taken;
use crate::enforce::apply::{self, Recipe};
use crate::enforce::resume;
use crate::enforce::verify::{self, Verified};
use crate::failure::{Failure, exit};
use crate::files::{parse_lock, read_text};
use crate::firmware::forward::Firmware;
use crate::flags::Parsed;
use crate::generation;
use crate::gic::proxy::counts;
use crate::handover::far::{Place, no_terminal};
use crate::handover::hands::{self, Hands, Held, Stamp, can_share};
use crate::handover::id::Id;
use crate::handover::protocol::Verdict;
use crate::hold::outlet::{Outlet, muffled};
use crate::hold::pausing::Controls;
use crate::host::probe::Scope;
use crate::jail::close_all_but;
use crate::jail::elders::Elders;
use crate::jail::namespaces;
use crate::jail::root::Root;
use crate::jail::table::Thread;
use crate::keeper::{Side, keep};
use crate::kvm::{System, host_counter, host_frequency};
use crate::machine::boot;
use crate::machine::home::Home;
use crate::machine::pause::Turns;
use crate::machine::run::{self, Ended, Jailed, Resumed, Saved, Session, Space};
use crate::machine::terminal::Raw;
use crate::memory::Memory;
use crate::notify;
use crate::passed;
use crate::proof::key::{self, Key};
use crate::proof::witnessed::prove;
use crate::proof::{Memo, Proven};
use crate::rehearse::For;
use crate::say;
use crate::signals;
use crate::snapshot::check::Checker;
use crate::snapshot::restore::Opened;
use crate::snapshot::save::wall_clock;
use crate::speaker;
use crate::stats::{self, Stats};
use nix::unistd::gettid;
use std::cell::{Cell, LazyCell, OnceCell, RefCell};
use std::fs::{self, File};
use std::io;
use std::os::fd::RawFd;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use vmlock_run_flags::{
    CHROOT, CONSOLE, CONTROL, DISK_DIGEST, INSECURE_LISTEN, KVM, LOCK, LOCKS_UNSEEN, MEMORY,
    NAMESPACES, NO_JAIL, NO_PROOF_CACHE, ON_RESET, PAUSED, TAP, TOKEN_FILE, VERIFY,
};
use vmlock_saved::counter::{self, seconds};
use vmlock_saved::state::{self, Power, State};
use vmlock_spec::event::Event;
use vmlock_spec::lock::{AcrossSaves, Lock};
use vmlock_spec::plan::Emulation;

/// Whether the guest is to have a process of its own, and another one after each reset. That is one of `start`'s flags.
pub fn is_kept(parsed: &Parsed) -> bool {
    parsed.value(ON_RESET.long) == Some("restart")
}

/// Starts a guest that was saved.
pub const RESTORE: &str = "restore";
/// Starts one that another runner hands over.
pub const RECEIVE: &str = "receive";
/// The most bytes that a saved guest has beside its memory.
const SECTIONS: u64 = 512 << 20;

/// The lock that the command line names.
fn lock_of(parsed: &Parsed) -> Result<&str, Failure> {
    match parsed.verb {
        RESTORE => parsed.value(LOCK.long).ok_or_else(|| {
            Failure::usage(
                "which lock was it saved under?",
                &["`vmlock-run restore FILE --lock LOCK`"],
            )
        }),
        RECEIVE => parsed.value(LOCK.long).ok_or_else(|| {
            Failure::usage(
                "which lock was it started with?",
                &["`vmlock-run receive SOCKET --lock LOCK --control SOCKET`"],
            )
        }),
        _ => Ok(&parsed.argument),
    }
}

pub fn run(parsed: &Parsed) -> Result<u8, Failure> {
    let mut stats = Stats::new(parsed.has("stats"));
    let jailed = !parsed.has(NO_JAIL.long);
    let layers = [CHROOT, NAMESPACES].map(|flag| flag.long);
    if let Some(layer) = layers
        .into_iter()
        .find(|layer| !jailed && parsed.has(layer))
    {
        return Err(Failure::usage(
            format!("`--{layer}` is a part of the jail that `--no-jail` does without"),
            &["leave one of them out"],
        ));
    }
    if parsed.has(PAUSED.long) && parsed.value(CONTROL.long).is_none() {
        return Err(Failure::usage(
            "with `--paused`, somebody has to let the guest go on, and without `--control` nobody can",
            &["name a socket: `--control SOCKET`"],
        ));
    }
    let shared = parsed.value(MEMORY.long) == Some("shared") || parsed.verb == RECEIVE;
    if shared && parsed.value(CONTROL.long).is_none() {
        return Err(Failure::usage(
            "a guest that can be handed over needs somebody who can ask for that, and without `--control` nobody can",
            &["name a socket: `--control SOCKET`"],
        ));
    }
    let mut elders = if jailed {
        close_what_was_inherited(parsed)?;
        Elders::to_be_jailed()?
    } else {
        Elders::free()
    };
    // A process that is forked off has its own threads, and namespaces are entered without any.
    let late = is_kept(parsed) || parsed.has(NAMESPACES.long);
    if !late {
        signals::end_the_process(&mut elders)?;
    }
    notify::begin();
    let path = Path::new(lock_of(parsed)?);
    // Both last as long as the process.
    let text: &'static str = Box::leak(read_text(path)?.into_boxed_str());
    // It lasts as long as the process: to take it apart, allocation by allocation, would take 0.2 ms of an end.
    let lock: &'static Lock = Box::leak(Box::new(parse_lock(path, text)?));
    afforded(parsed, lock)?;
    if shared {
        can_share(lock)?;
    }
    let emulation = emulation(parsed)?;
    let mut arriving = match parsed.verb {
        RECEIVE => Some(match from_afar(parsed)? {
            Some(asked) => Arriving::meet_far(&asked, text, lock)?,
            None => Arriving::meet(Path::new(&parsed.argument), text, lock)?,
        }),
        _ => None,
    };
    let comes = arriving.is_some();
    let far = arriving.as_ref().is_some_and(Arriving::is_far);
    let mut opened = match parsed.verb {
        RESTORE => Some(Opened::open(Path::new(&parsed.argument), text)?),
        _ => None,
    };
    let directory = boot::directory(path);
    let mut taken = Taken::of(lock, path, &directory);
    let cabled = virtio::cabled(&lock.machine.devices, parsed.all(TAP.long))?;
    let console = parsed.value(CONSOLE.long).map(Console::open);
    let mut console = console.transpose()?;
    if let Some(console) = &console {
        console.take(&mut taken)?;
    }
    let spoken = console.as_ref().map(Console::mouth);
    let output = move || -> Output {
        match &spoken {
            Some(mouth) => Box::new(mouth.clone()),
            None => Box::new(io::stdout()),
        }
    };
    let others = match &mut arriving {
        None => Others::None,
        Some(_) if far => Others::Disks {
            unseen: parsed.has(LOCKS_UNSEEN.long),
        },
        Some(arriving) => Others::Handed(&mut arriving.devices),
    };
    let mut devices = virtio::open(&cabled, &directory, taken, &output, jailed, others)?;
    if let Some(opened) = &opened {
        opened.disks(&mut devices, parsed.has(DISK_DIGEST.long))?;
    }
    let control = parsed
        .value(CONTROL.long)
        .map(|given| match passed::number(given) {
            Some(number) => passed_in("control", number),
            None => listen("control", Path::new(given)),
        });
    let control = control.transpose()?;
    let root = parsed.value(CHROOT.long).map(Root::open).transpose()?;
    let kvm = parsed.value(KVM.long).map(kvm_of).transpose()?;
    let mut restarts = 0;
    if is_kept(parsed) {
        let anew = match keep(console.is_none())? {
            Side::Keeper(code) => return Ok(code),
            Side::Guest(anew) => anew,
        };
        restarts = anew.restarts;
        if restarts > 0 {
            anew.say();
            // What was saved has had its life.
            opened = None;
            virtio::look_again(&mut devices)?;
            stats = Stats::new(parsed.has("stats"));
        }
    }
    // Memory that is shared is no file's. Whose files are whose shows before namespaces do.
    let runs_on = opened
        .as_ref()
        .filter(|_| !shared && !parsed.has(VERIFY.long))
        .and_then(Opened::steady);
    if parsed.has(NAMESPACES.long) {
        namespaces::enter()?;
    }
    if late {
        signals::end_the_process(&mut elders)?;
    }
    let mut guest = Guest::new(&lock.name, restarts);
    let mut ear = None;
    // What the guest's jail has to leave room for.
    let mut largest = virtio::disk::largest(&lock.machine.devices);
    // What was passed in may have the number of one of them.
    let mut connections = passed_in_all(parsed).count() as u64;
    if let Some(console) = &mut console {
        guest.lost = console.lost();
        ear = console.start(&mut elders)?;
        match ear {
            Some(_) => connections += READERS,
            None => largest = u64::MAX,
        }
    }
    let guest = Arc::new(guest);
    speaker::start(&mut elders)?;
    let (checker, outlet) = match runs_on {
        Some(_) => {
            let (checker, checks) = Checker::new();
            elders.spawn(Thread::Reader, checks)?;
            (Some(checker), Outlet::shut())
        }
        None => (None, Outlet::opened()),
    };
    let controls = Arc::<OnceLock<Controls>>::default();
    let operated = control.is_some();
    // For who looks into a saved guest; without it, it says nothing.
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel = kernel.trim().to_owned();
    if let Some(listener) = control {
        let operator = Operator::new(Arc::clone(&guest), Arc::clone(&controls));
        server::start(listener, operator, &mut elders)?;
        // Each of them may bring files, of which one takes all that there is of a guest; one too many is closed at once.
        connections += (1 + FILES as u64) * CLIENTS as u64 + 1;
        if shared {
            // What a hand-over holds of these.
            connections += FILES as u64 + 1;
        }
        largest = largest.max(lock.machine.memory.size.saturating_add(SECTIONS));
    }
    notify::starting();
    let cores = Cores::hold()?;
    let program = LazyCell::new(key::program);
    let digest = LazyCell::new(|| key::digest(text.as_bytes()));
    let key = || Key::read(program.as_deref()?, &digest, emulation, &cores);
    let memo = match parsed.has(NO_PROOF_CACHE.long) {
        true => Memo::none(),
        false => Memo::of(key),
    };
    let recalled = memo.recall();
    let system = usable(kvm.map_or_else(System::open, System::passed))?;
    stats.mark("recall");
    let range = lock.machine.memory;
    let given = arriving
        .as_mut()
        .and_then(|arriving| arriving.memory.take());
    let memory = match given {
        Some(file) => Memory::given(range, file),
        None if far => Memory::to_come(range),
        None if shared => Memory::to_share(range),
        None => Memory::new(range),
    };
    let memory = memory.map_err(|e| Failure::environment(e, &[]))?;
    let memory = Arc::new(memory);
    // Copying a kernel takes as long as all the rest, and needs nothing of it. A refusal does not wait for it.
    let hand = Home::new("watch")?;
    let into = Arc::clone(&memory);
    let opened = opened.map(Arc::new);
    let state = opened.clone();
    let loading = hand.begin(move || match (opened, runs_on) {
        (Some(opened), Some(file)) => opened.lay(&into, file).map(|laid| (None, laid)),
        (Some(opened), None) => opened.load(&into).map(|()| (None, None)),
        // It is there already, or comes with its state.
        (None, _) if comes => Ok((None, None)),
        (None, _) => boot::load(lock, &directory, &into).map(|entry| (Some(entry), None)),
    });
    let identity = match (&arriving, lock.machine.generation_id()) {
        (Some(arriving), _) => arriving.generation,
        (None, Some(_)) if shared => Some(generation::new()?),
        _ => None,
    };
    let coming = arriving.map(|arriving| Coming::new(arriving, text, &memory));
    let host = Host {
        system: &system,
        cores: &cores,
        lock,
        emulation,
        memory: &memory,
        identity,
        goes: match (&state, &coming) {
            (Some(opened), _) => Goes::On(&opened.saved.state),
            (None, Some(coming)) => Goes::Comes(coming),
            (None, None) => Goes::Begins,
        },
    };
    let again = match recalled {
        Some(proven) => host.again(&proven, &mut stats)?,
        None => None,
    };
    let (verified, firmware) = match again {
        Some(made) => made,
        None => {
            let (proven, made) = host.prove(&mut stats)?;
            memo.keep(&proven, key());
            stats.mark("keep");
            made
        }
    };
    let (entry, laid) = loading
        .recv()
        .map_err(|_| Failure::environment("the thread that loads the kernel has gone", &[]))??;
    if let Some(entry) = entry {
        entry.set(&verified)?;
    }
    // Else all of it was checked before.
    if laid.is_none() {
        outlet.open();
    }
    stats.mark("load");
    let (arriving, state) = match coming {
        Some(coming) => {
            let (arriving, opened) = coming.come()?;
            opened.disks(&mut devices, false)?;
            (Some(arriving), Some(Arc::new(opened)))
        }
        None => (None, state),
    };
    let hands = match memory.right() {
        Some(right) => Some(Hands {
            memory: right
                .to_give()
                .map_err(|e| Failure::environment(format!("shared memory: {e}"), &[]))?,
            devices: virtio::descriptors(&devices)?,
            generation: identity,
            lock: hands::digest(text),
        }),
        None => None,
    };
    let held = match &hands {
        Some(hands) if far => hands.to_hold(lock),
        _ => Ok(Vec::new()),
    };
    let held = held.map_err(|e| Failure::environment(format!("disks: {e}"), &[]))?;
    // The guest rests at its other end, which holds them until it gives it.
    let since = hands::stamps_anew(&held).map_err(|why| Failure::environment(why, &[]))?;
    let (windows, devices) = virtio::ready(devices, &memory.shared())?;
    let console_output = muffled(&outlet, output());
    let mut bus = Bus::new(&lock.machine.devices, console_output, windows);
    if let Some(opened) = &state {
        opened.devices(&mut bus)?;
    }
    let raw = match &console {
        Some(_) => None,
        None => {
            Raw::enter().map_err(|e| Failure::environment(format!("the terminal: {e}"), &[]))?
        }
    };
    if raw.is_some() && restarts == 0 {
        say::note("Ctrl-A x ends the guest");
    }
    #[cfg(feature = "torture")]
    if let Some(how) = parsed.value("misbehave") {
        crate::jail::misbehave::choose(how);
    }
    let jailed = elders.files().map(|files| Jailed {
        largest,
        connections,
        shared,
        files,
        elders,
        root,
    });
    if jailed.is_none() {
        let layer = "all".to_owned();
        say::event(
            Event::Unjailed { layer },
            "--no-jail: a guest that takes this program over can do what you can",
        );
    }
    // Who runs on this host writes its stolen time into the guest's memory, which is its other end's until it is given.
    let looked_at =
        arriving.is_none() || far || !lock.machine.vcpus.iter().any(|it| it.stolen_time.is_some());
    let check = match (checker, laid, &state) {
        (Some(checker), Some(laid), Some(opened)) => {
            Some((outlet, checker.of(Arc::clone(opened), laid)))
        }
        _ => None,
    };
    let first = stats.into_last();
    let session = Session {
        bus,
        firmware,
        console: console.is_none(),
        ear,
        escape: raw.is_some(),
        limit: None,
        space: Space::of_lock(lock),
        // It has loaded all that there is.
        watch: Some((cores, hand)),
        turns: Turns::Shared,
        first: Box::new(move || {
            first();
            // Whoever reads that may let it wait, and a guest that waits does not run.
            say::silent(Event::Started { restarts });
            notify::ready(restarts);
        }),
        guest: Some(guest),
        controls,
        devices,
        jailed,
        saves: operated.then(|| Saved {
            text,
            lock,
            memory: Arc::clone(&memory),
            kernel,
            hands,
        }),
        resumed: state.as_ref().map(|opened| {
            let state = &opened.saved.state;
            let on = state.vcpus.iter().map(|vcpu| vcpu.power == Power::On);
            Resumed {
                lock,
                looked_at,
                counter: counter(lock, &state.machine),
                on: on.collect(),
                paused: parsed.has(PAUSED.long),
                asks: arriving.map(|arriving| asks(arriving, &memory, held, since)),
                far,
            }
        }),
        outlet: check,
    };
    let rehearsed = counts();
    let how = run::run(verified, session);
    speaker::finish();
    if let Some(console) = &console {
        console.finish();
    }
    match (raw, &how) {
        (Some(raw), Ok(Ended::Reset(_))) if is_kept(parsed) => raw.pass_on(),
        (None, Ok(Ended::Reset(_))) if is_kept(parsed) => {}
        (raw, _) => {
            drop(raw);
            notify::stopping();
        }
    }
    let how = how?;
    if parsed.has("stats") {
        let (line, words) = stats::interrupts(rehearsed);
        say::stats(line, Some(words));
    }
    let (code, words) = ending(&how);
    // Nobody who does not read that keeps it from its end.
    speaker::event(Event::Ended { code }, words);
    speaker::finish();
    Ok(code)
}

/// What of `receive`'s flags is for guests of other hosts.
const FAR_ALONE: [&str; 2] = [TOKEN_FILE.long, LOCKS_UNSEEN.long];

/// What is asked for by a `receive` from another host.
fn from_afar(parsed: &Parsed) -> Result<Option<Asked<'_>>, Failure> {
    let place = Place::of(&parsed.argument);
    let usage = |words: &str, help: &str| Err(Failure::usage(words, &[help]));
    if parsed.has(INSECURE_LISTEN.long) && !matches!(place, Some(Place::Tcp(_))) {
        return usage(
            "nobody listens to other hosts but at `tcp:ADDRESS:PORT`",
            "leave `--insecure-listen` out",
        );
    }
    let Some(place) = place else {
        return match FAR_ALONE.iter().find(|flag| parsed.has(flag)) {
            Some(flag) => usage(
                &format!("`--{flag}` is for a guest that comes from another host"),
                "leave it out, or receive at `tcp:ADDRESS:PORT` or `-`",
            ),
            None => Ok(None),
        };
    };
    if matches!(place, Place::Pipes) {
        if parsed.value(CONSOLE.long).is_none() {
            return usage(
                "the guest comes by stdin and stdout, so its console cannot be there",
                "name another place: `--console FILE`",
            );
        }
        no_terminal()?;
    }
    Ok(Some(Asked {
        place,
        token: parsed.value(TOKEN_FILE.long).map(Path::new),
        insecure: parsed.has(INSECURE_LISTEN.long),
    }))
}

/// Closes what was left open for others: a guest should have no way to it. What the user passed in stays.
fn close_what_was_inherited(parsed: &Parsed) -> Result<(), Failure> {
    let streams = [libc::STDIN_FILENO, libc::STDOUT_FILENO, libc::STDERR_FILENO];
    let kept: Vec<RawFd> = streams.into_iter().chain(passed_in_all(parsed)).collect();
    close_all_but(&kept).map_err(|e| {
        let words = format!("descriptors that were inherited cannot be closed: {e}");
        Failure::environment(words, &["`--no-jail` keeps them"])
    })
}

/// All descriptors that the command line names.
fn passed_in_all(parsed: &Parsed) -> impl Iterator<Item = RawFd> {
    let taps = parsed
        .all(TAP.long)
        .filter_map(|given| given.split_once('='));
    let others = [CONTROL, CONSOLE, KVM]
        .into_iter()
        .filter_map(|flag| parsed.value(flag.long));
    taps.map(|(_, tap)| tap)
        .chain(others)
        .filter_map(passed::number)
}

/// `/dev/kvm` that was passed in.
fn kvm_of(given: &str) -> Result<File, Failure> {
    let usage = || Failure::usage(format!("`--kvm {given}`: write it as `fd:N`"), &[]);
    let number = passed::number(given).ok_or_else(usage)?;
    let wrong = |why| Failure::environment(format!("`--kvm {given}`: {why}"), &[]);
    passed::take(number).map(File::from).map_err(wrong)
}

/// What a guest's machine is made with.
struct Host<'a> {
    system: &'a System,
    cores: &'a Cores,
    lock: &'a Lock,
    /// Whether it may be answered in the kernel's place.
    emulation: Emulation,
    /// Being filled while the machine is made.
    memory: &'a Arc<Memory>,
    /// Its generation id, where that is not a new one in each machine.
    identity: Option<Id>,
    /// What it goes on with, where it does not begin.
    goes: Goes<'a>,
}

/// What a guest goes on with.
enum Goes<'a> {
    /// It begins.
    Begins,
    /// That was saved.
    On(&'a State),
    /// It still runs, and its state comes once its machine is made.
    Comes(&'a Coming),
}

/// A guest that is handed over, with its state once that has come.
struct Coming {
    arriving: RefCell<Arriving>,
    text: &'static str,
    memory: Arc<Memory>,
    opened: OnceCell<Opened>,
    /// It was asked for: what has failed then has failed for good.
    asked: Cell<bool>,
}

impl Coming {
    fn new(arriving: Arriving, text: &'static str, memory: &Arc<Memory>) -> Self {
        Self {
            memory: Arc::clone(memory),
            arriving: RefCell::new(arriving),
            text,
            opened: OnceCell::new(),
            asked: Cell::new(false),
        }
    }

    /// Its state, for which it is brought to rest at its other end; once.
    fn state(&self) -> Result<&State, Failure> {
        if self.opened.get().is_none() {
            if self.asked.replace(true) {
                return Err(Failure::environment("the guest's state did not come", &[]));
            }
            let opened = self.arriving.borrow_mut().ready(self.text, &self.memory)?;
            // Nobody else is here.
            let _ = self.opened.set(opened);
        }
        let opened = self.opened.get().map(|opened| &opened.saved.state);
        opened.ok_or_else(|| Failure::environment("the guest's state did not come", &[]))
    }

    /// Whether it was asked for: it rests meanwhile, and what fails then is not tried in another way.
    fn is_asked(&self) -> bool {
        self.asked.get()
    }

    /// All that came.
    fn come(self) -> Result<(Arriving, Opened), Failure> {
        self.state()?;
        let missing = || Failure::environment("the guest's state did not come", &[]);
        let opened = self.opened.into_inner().ok_or_else(missing)?;
        Ok((self.arriving.into_inner(), opened))
    }
}

/// What asks for a guest that comes, by the right to run what is in that memory.
/// Its disks are held against others then, where they are not yet, and nobody has written them `since`.
fn asks(
    arriving: Arriving,
    memory: &Arc<Memory>,
    disks: Vec<Held<File>>,
    since: Vec<Stamp>,
) -> run::Asks {
    let memory = Arc::clone(memory);
    Box::new(move |last| match (last, memory.right()) {
        (Ok(last), Some(right)) => {
            arriving.ask(right, || hands::hold_same(&disks, &since, true), last)
        }
        (Ok(_), None) => Verdict::Never("its memory did not come".to_owned()),
        (Err(why), _) => arriving.declines(why),
    })
}

/// A machine, and who answers the calls that its kernel cannot.
type Enforced = (Verified, Option<Firmware>);

impl Host<'_> {
    /// The machine as an earlier start proved it; `None` where that cannot be made any more: this host has changed in a
    /// way that no key tells, which is said, and has to be proven anew.
    ///
    /// # Errors
    /// That of a guest that was asked for: it rests, and nothing is tried in another way.
    fn again(&self, proven: &Proven, stats: &mut Stats) -> Result<Option<Enforced>, Failure> {
        let why = match self.make(proven, stats) {
            Ok(made) => {
                stats.remembered();
                return Ok(Some(made));
            }
            Err(failure) if self.is_asked() => return Err(failure),
            // That says nothing of what was proven.
            Err(Failure::Refused(refusals)) if refusals.iter().all(resume::is_of_state) => {
                return Ok(None);
            }
            Err(Failure::Refused(refusals)) => {
                let names: Vec<&str> = refusals.iter().map(|r| r.name.as_str()).collect();
                names.join(", ")
            }
            Err(Failure::Environment(trouble) | Failure::Usage(trouble)) => trouble.message,
        };
        say::note(format_args!(
            "what an earlier start proved does not hold any more, and this host is proven anew: {why}"
        ));
        Ok(None)
    }

    /// Whether a guest that is to come was asked for.
    fn is_asked(&self) -> bool {
        matches!(self.goes, Goes::Comes(coming) if coming.is_asked())
    }

    /// Proves that this host keeps the lock: by what is seen from inside a machine like the guest's, and read back from the
    /// guest's own.
    fn prove(&self, stats: &mut Stats) -> Result<(Proven, Enforced), Failure> {
        // Where the host keeps the lock, no guest has to be asked how: the witness sees that it is kept. Else one tells why.
        let proven = match self.prove_with(Scope::Presumed(self.lock), stats) {
            Err(Failure::Refused(_)) if !self.is_asked() => {
                self.prove_with(Scope::For(self.lock), stats)?
            }
            proven => proven?,
        };
        match self.cores.look(&[gettid()]) {
            Found::Held => Ok(proven),
            Found::Caught(words) | Found::Loose(words) => Err(Failure::environment(
                format!("the CPUs changed while this host was being proven: {words}"),
                &["try again"],
            )),
        }
    }

    fn prove_with(&self, scope: Scope, stats: &mut Stats) -> Result<(Proven, Enforced), Failure> {
        let planned = Planned::new(self.system, self.lock, &scope, self.emulation)?;
        stats.mark("probe");
        let withheld = planned.withheld.clone();
        let proven =
            prove(self.system, self.lock, &planned.kept()?, For::Start)?.withholding(withheld);
        stats.mark("prove");
        let made = self.make(&proven, stats)?;
        Ok((proven, made))
    }

    /// Makes the guest's own machine and reads it back.
    fn make(&self, proven: &Proven, stats: &mut Stats) -> Result<Enforced, Failure> {
        let mut recipe = Recipe::of_lock(self.lock, proven.orders());
        recipe.identity = self.identity;
        let begun = apply::begin(self.system, &recipe, Some(Arc::clone(self.memory)))?;
        stats.mark("create");
        let built = apply::complete(begun, &recipe)?;
        stats.mark("enforce");
        let verified = match self.goes {
            Goes::Begins => verify::verify(built, self.lock, &recipe)?,
            Goes::On(state) => verify::resumed(built, self.lock, &recipe, &mut || Ok(state))?,
            Goes::Comes(coming) => verify::resumed(built, self.lock, &recipe, &mut || {
                let state = coming.state()?;
                // It rests since a moment ago; what comes now, it rests for.
                stats.mark("arrive");
                Ok(state)
            })?,
        };
        stats.mark("verify");
        say_withheld(proven.withheld());
        Ok((verified, Firmware::new(self.lock, &recipe.orders.steps)))
    }
}

/// What the virtual counter of a restored guest goes on with, which is said where it does not stand still by its lock.
fn counter(lock: &Lock, saved: &state::Machine) -> run::Counter {
    let value = saved.virtual_counter.0;
    let still = run::Counter { value, since: None };
    match lock.counters.across_saves {
        None => still,
        Some(AcrossSaves::GoesOn) => {
            let since = host_counter();
            let now = wall_clock();
            match counter::passed(saved, now, host_frequency()) {
                Ok(ticks) => {
                    let time = seconds(now - saved.wall_clock);
                    say::note(format_args!(
                        "the guest's virtual counter goes on, by the {time} since it was saved (`across-saves`)"
                    ));
                    run::Counter {
                        value: value + ticks,
                        since: Some(since),
                    }
                }
                Err(why) => {
                    say::note(format_args!(
                        "the guest's virtual counter stands still since the save, and its lock would have it go on (`across-saves`): {why}"
                    ));
                    still
                }
            }
        }
    }
}

/// The exit code and the words for how a guest ended.
fn ending(how: &Ended) -> (u8, String) {
    match how {
        Ended::PowerOff => (exit::OK, "the guest powered off".to_owned()),
        Ended::Hibernate => (
            exit::HIBERNATE,
            "the guest asked to be hibernated".to_owned(),
        ),
        Ended::Reset(false) => (exit::RESET, "the guest asked for a reset".to_owned()),
        Ended::Reset(true) => (
            exit::RESET,
            "the guest asked for a reset by SYSTEM_RESET2".to_owned(),
        ),
        Ended::Crash => (exit::BROKEN, "the guest crashed".to_owned()),
        Ended::Broken(why) => (exit::BROKEN, format!("the guest cannot go on: {why}")),
        Ended::Unread => (
            exit::OK,
            "ended: nobody reads the guest's console any more (the reader of stdout has gone)"
                .to_owned(),
        ),
        Ended::Quit => (
            say::signalled(libc::SIGINT),
            "ended from the keyboard".to_owned(),
        ),
        Ended::Stopped => (
            say::signalled(libc::SIGTERM),
            "ended: its operator asked for it".to_owned(),
        ),
        Ended::NotHanded(why) => (
            exit::ENVIRONMENT,
            format!(
                "the guest was not handed over to here: {why} (look at its other end: `vmlock-run status`)"
            ),
        ),
        Ended::NotKept(why) => (
            exit::REFUSED,
            format!("{why} (the guest did not go on, and its file is as it was)"),
        ),
        Ended::NotSeen(why) => (
            exit::ENVIRONMENT,
            format!("{why} (the guest did not go on, and its file is as it was)"),
        ),
        Ended::Damaged(why) => (
            exit::ENVIRONMENT,
            format!("{why}; the guest had begun to run and was stopped, and nothing has left it"),
        ),
        Ended::TimedOut => (exit::BROKEN, "the guest ran into its time limit".to_owned()),
    }
}
