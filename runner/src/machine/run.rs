//! Runs a verified machine: one thread per vCPU, until the guest, the user or a
//! time limit ends it. Signals end the whole process.

mod drive;
mod ended;
mod jailed;
mod leave;
mod resting;
mod resumed;
mod space;
#[cfg(feature = "torture")]
pub mod turn;
mod watch;

use super::alarm::Alarm;
use super::terminal;
use crate::console::Ear;
use crate::cores::Cores;
use crate::counters;
use crate::device::Doors;
use crate::device::bus::{Bus, Line};
use crate::device::virtio::thread::{Idle, Park, Parked};
use crate::enforce::verify::{Parts, Verified};
use crate::failure::Failure;
use crate::firmware::forward::Firmware;
use crate::gic::direct::Direct;
use crate::gic::gate::Gate;
use crate::gic::proxy::Proxy;
use crate::gic::view;
use crate::handover::hands::{CAME, Hands, UNKNOWN};
use crate::hold::barrier::{Barrier, Hold};
use crate::hold::bell::Bell;
use crate::hold::outlet::Outlet;
use crate::hold::pausing::{Controls, Saves};
use crate::jail::entered;
#[cfg(feature = "torture")]
use crate::jail::misbehave;
#[cfg(feature = "torture")]
use crate::jail::table::Thread;
use crate::kvm::{Gic, Vm, discard};
use crate::machine::home::Home;
use crate::machine::loan::look::Lookout;
use crate::machine::pause::{Turns, World};
use crate::memory::Memory;
use crate::say;
use crate::snapshot::check::Check;
use crate::speaker;
use crate::threads::spawn;
use drive::drive;
pub use ended::Ended;
pub use jailed::Jailed;
use jailed::{enter, shut};
use leave::{farewell, finish, wait};
pub use resumed::{Asks, Counter, Resumed};
use resumed::{Looks, Seen, gained, see_to};
pub use space::Space;
use std::mem::ManuallyDrop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use vmlock_saved::state::Gic as View;
use vmlock_spec::event::Event;
use vmlock_spec::lock::Lock;
#[cfg(feature = "torture")]
use vmm_sys_util::eventfd::EventFd;
use watch::{input, keep};

static RAISED: AtomicU64 = AtomicU64::new(0);

/// How often a device raised its interrupt line.
pub fn raised() -> u64 {
    RAISED.load(Ordering::Relaxed)
}

struct Shared {
    vm: Vm,
    bus: Arc<Mutex<Bus>>,
    /// The console has room again for what waits outside.
    room: Condvar,
    alarm: Alarm,
    firmware: Option<Firmware>,
    stop: AtomicBool,
    /// It is stopped since its time was up: where its vCPUs stood then is said.
    overdue: AtomicBool,
    barrier: Arc<Barrier>,
    outlet: Arc<Outlet>,
    /// An end of the guest's own waits until that is open.
    waits: AtomicBool,
    ended: Sender<Ended>,
    proxied: Option<Proxied>,
    space: Space,
    counts: Arc<counters::Machine>,
    /// Under which it can be saved.
    lock: Option<&'static Lock>,
    /// From where its vCPUs can be looked from.
    lookout: Option<Lookout>,
    /// Which vCPUs were on, of a guest that goes on.
    on: Option<Vec<bool>>,
    /// Whose turn it is, where they go one at a time.
    #[cfg(feature = "torture")]
    turn: Option<Arc<turn::Turn>>,
}

/// What a machine has whose interrupt controller's frames are answered here.
struct Proxied {
    proxy: Proxy,
    world: World,
    gate: Arc<Gate>,
}

impl Shared {
    /// The devices. A panic ends the process, so poison says nothing.
    fn bus(&self) -> MutexGuard<'_, Bus> {
        self.bus.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Tells KVM of a changed interrupt line. The bus is still locked, so that
    /// two changes cannot overtake each other.
    fn line(&self, _locked: &MutexGuard<'_, Bus>, line: Option<Line>) {
        if let Some(Line { interrupt, level }) = line {
            self.inject(interrupt, level);
        }
    }

    /// What follows from an access to a device, beside its answer.
    fn accessed(&self, mut bus: MutexGuard<'_, Bus>, line: Option<Line>) {
        self.line(&bus, line);
        self.alarm.set(bus.rings_at());
        if bus.console_has_room() {
            self.room.notify_one();
        }
    }

    /// Gives a device its eventfds: the guest rings without an exit, and is interrupted by an edge.
    fn connect(&self, doors: Doors) -> Result<(), Failure> {
        for (queue, event) in (0..).zip(&doors.queues) {
            self.vm.bell(event, doors.notify, queue)?;
        }
        match &self.proxied {
            Some(proxied) => proxied.gate.wire(doors.call, doors.interrupt)?,
            None => self.vm.wire(&doors.call, doors.interrupt)?,
        }
        Ok(())
    }

    /// Sets an interrupt line, but never while pending latches are rewritten.
    fn inject(&self, interrupt: u32, level: bool) {
        if level {
            RAISED.fetch_add(1, Ordering::Relaxed);
        }
        let gate = self.proxied.as_ref().map(|p| p.gate.pass());
        if let Err(error) = self.vm.set_interrupt(interrupt, level) {
            self.end(Ended::Broken(error.to_string()));
        }
        drop(gate);
    }

    /// Ends it. Where that is the guest's doing, and its memory has yet to be checked, it stands still until then.
    fn end(&self, how: Ended) {
        self.ends(&how);
        // Only the first one counts; nobody listens any more after it.
        if how.is_the_guests() && !self.outlet.is_open() {
            // Of those that wait, too: there may be many.
            if self.waits.swap(true, Ordering::AcqRel) {
                return;
            }
            let ended = self.ended.clone();
            return self.outlet.then(move || _ = ended.send(how));
        }
        let _ = self.ended.send(how);
    }

    /// It ends so, as is told later: nobody takes a guest at its end for one that rests, and parks its devices once more.
    fn ends(&self, how: &Ended) {
        if how.is_the_guests() {
            self.outlet.ends();
        }
    }
}

/// What the machine runs with.
pub struct Session {
    /// The devices.
    pub bus: Bus,
    /// Answers the calls that are forwarded; `None` where none are.
    pub firmware: Option<Firmware>,
    /// Whether stdin is the console's input, and stdout its output.
    pub console: bool,
    /// What is said to the guest, where that is not stdin.
    pub ear: Option<Ear>,
    /// Whether stdin is a terminal, with Ctrl-A as the escape key.
    pub escape: bool,
    /// The longest that it may run.
    pub limit: Option<Duration>,
    /// What answers where nothing is.
    pub space: Space,
    /// The CPUs that the vCPUs' threads have to stay on, and a thread that watches over the machine: the guest is paused
    /// while they do not, and its alarm rings. `None` for a witness, which looks at each device itself and is gone before
    /// anybody else would look.
    pub watch: Option<(Cores, Home)>,
    /// The threads of its devices.
    pub devices: Vec<Idle>,
    /// Whether everything that the machine does not need is given up before its beginning.
    pub jailed: Option<Jailed>,
    /// Called right before the first guest instruction.
    pub first: Box<dyn FnOnce() + Send>,
    /// How its vCPUs share the time in which one of them needs the others outside.
    pub turns: Turns,
    /// Who is told what is counted, once there is something to count.
    pub guest: Option<Arc<counters::Guest>>,
    /// Who operates it, once it runs.
    pub controls: Arc<OnceLock<Controls>>,
    /// What it can be saved by.
    pub saves: Option<Saved>,
    /// That it goes on, and does not begin.
    pub resumed: Option<Resumed>,
    /// What keeps everything from leaving it until its memory was checked, and what checks that once it runs.
    pub outlet: Option<(Arc<Outlet>, Check)>,
}

impl Session {
    /// Of a guest that nobody hears, watches, operates or saves, and that has no devices with threads and no jail.
    pub fn alone(space: Space, bus: Bus, firmware: Option<Firmware>) -> Self {
        Self {
            bus,
            firmware,
            console: false,
            ear: None,
            escape: false,
            limit: None,
            space,
            watch: None,
            devices: Vec::new(),
            jailed: None,
            first: Box::new(|| {}),
            turns: Turns::Shared,
            guest: None,
            controls: Arc::default(),
            saves: None,
            resumed: None,
            outlet: None,
        }
    }
}

/// What a guest is saved by, beside its machine.
pub struct Saved {
    /// Its lock, as it was read.
    pub text: &'static str,
    /// The same.
    pub lock: &'static Lock,
    /// Its memory.
    pub memory: Arc<Memory>,
    /// What the host's kernel says that it is.
    pub kernel: String,
    /// What it can be handed over by.
    pub hands: Option<Hands>,
}

/// Runs the machine until it ends.
///
/// # Errors
/// Threads cannot be had.
pub fn run(verified: Verified, session: Session) -> Result<Ended, Failure> {
    run_with(verified, session, |_| Ok(()))
}

/// Sends interrupts.
#[cfg(feature = "torture")]
pub struct Injector(Arc<Shared>);

#[cfg(feature = "torture")]
impl Injector {
    /// Sets the line of a shared interrupt.
    pub fn line(&self, intid: u32, level: bool) {
        self.0.inject(intid, level);
    }

    /// Whether the machine has come to its end.
    pub fn has_ended(&self) -> bool {
        self.0.stop.load(Ordering::Acquire)
    }

    /// An eventfd that sends edges of a shared interrupt.
    ///
    /// # Errors
    /// KVM's, or there is none to be had.
    pub fn wire(&self, intid: u32) -> Result<EventFd, Failure> {
        let none = |e: std::io::Error| Failure::environment(format!("an eventfd: {e}"), &[]);
        let event = EventFd::new(libc::EFD_NONBLOCK).map_err(none)?;
        match &self.0.proxied {
            Some(proxied) => proxied.gate.wire(event.try_clone().map_err(none)?, intid)?,
            None => self.0.vm.wire(&event, intid)?,
        }
        Ok(event)
    }
}

/// Runs the machine for one turn of a vCPU; whatever then looks at it, and may give another one, is what it ends with.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "torture")]
pub fn run_for_a_turn(
    verified: Verified,
    session: Session,
    turn: Arc<turn::Turn>,
    look: impl FnOnce(&dyn Fn() -> bool) + Send + 'static,
) -> Result<Ended, Failure> {
    run_turning(verified, session, Some(turn), |shared| {
        let shared = Arc::clone(shared);
        spawn("companion", move || {
            look(&|| shared.stop.load(Ordering::Acquire));
            shared.end(Ended::Quit);
        })
        .map(|_| ())
    })
}

/// Runs the machine beside something that sends interrupts, and with which it ends.
///
/// # Errors
/// As [`run`].
#[cfg(feature = "torture")]
pub fn run_beside(
    verified: Verified,
    session: Session,
    companion: impl FnOnce(&Injector) + Send + 'static,
) -> Result<Ended, Failure> {
    run_with(verified, session, |shared| {
        let injector = Injector(Arc::clone(shared));
        spawn("companion", move || {
            companion(&injector);
            injector.0.end(Ended::Quit);
        })
        .map(|_| ())
    })
}

#[cfg(feature = "torture")]
fn run_with(
    verified: Verified,
    session: Session,
    beside: impl FnOnce(&Arc<Shared>) -> Result<(), Failure>,
) -> Result<Ended, Failure> {
    run_turning(verified, session, None, beside)
}

#[cfg(not(feature = "torture"))]
use run_turning as run_with;

fn run_turning(
    verified: Verified,
    session: Session,
    #[cfg(feature = "torture")] turn: Option<Arc<turn::Turn>>,
    beside: impl FnOnce(&Arc<Shared>) -> Result<(), Failure>,
) -> Result<Ended, Failure> {
    let Session {
        bus,
        firmware,
        console,
        ear,
        escape,
        limit,
        space,
        watch,
        devices,
        jailed,
        first,
        turns,
        guest,
        controls,
        saves,
        resumed,
        outlet,
    } = session;
    let (outlet, check) = match outlet {
        Some((outlet, check)) => (outlet, Some(check)),
        None => (Outlet::opened(), None),
    };
    let Parts {
        vm,
        gic,
        vcpus,
        proxy,
    } = verified.into_parts();
    let counts = Arc::new(counters::Machine::new(vcpus.len(), bus.counts()));
    let (sender, receiver) = channel();
    let alarm =
        Alarm::new().map_err(|e| Failure::environment(format!("the machine's alarm: {e}"), &[]))?;
    let audited = saves.as_ref().map(|own| own.lock);
    let audited = audited.or_else(|| resumed.as_ref().map(|resumed| resumed.lock));
    let lookout = match audited {
        Some(lock) => Lookout::new(&vm, lock)?,
        None => None,
    };
    let bell = match &saves {
        Some(_) => Bell::new()
            .map_err(|e| Failure::environment(format!("the machine's bell: {e}"), &[]))?,
        None => Bell::default(),
    };
    let shared = Arc::new(Shared {
        vm,
        lookout,
        bus: Arc::new(Mutex::new(bus)),
        room: Condvar::new(),
        alarm,
        firmware,
        stop: AtomicBool::new(false),
        overdue: AtomicBool::new(false),
        barrier: Arc::new(Barrier::new(vcpus.len(), Arc::clone(&counts.paused), bell)),
        outlet,
        waits: AtomicBool::new(false),
        ended: sender,
        proxied: proxy.map(|proxy| Proxied {
            gate: proxy.gate(),
            world: World::new(vcpus.len(), turns),
            proxy,
        }),
        space,
        counts,
        lock: saves.as_ref().map(|own| own.lock),
        on: resumed.as_ref().map(|resumed| resumed.on.clone()),
        #[cfg(feature = "torture")]
        turn,
    });
    if let (Some(firmware), Some(on)) = (&shared.firmware, &shared.on)
        && let Some(starter) = firmware.starter()
    {
        starter.power().resume(on);
    }
    let memory = saves.as_ref().map(|own| Arc::clone(&own.memory));
    shared.outlet.stands_by(&shared.barrier);
    // Once vCPUs run, one may be at the devices for as long as nobody reads the console.
    let parks = shared.bus().parks();
    // Whoever lets the guest go on lets nothing leave it by that.
    shared.outlet.keep(&parks);
    // Its vCPUs run all at once, when everybody is ready, and its devices begin then what waits in their queues. Where that
    // does not come none of them ever does: who leaves early lets go of nothing.
    let far = resumed.as_ref().is_some_and(|resumed| resumed.far);
    let looks = resumed
        .as_ref()
        .filter(|it| it.looked_at && shared.lookout.is_some());
    if resumed.is_some() && looks.is_none() {
        say::note(UNLOOKED);
    }
    let looks = looks.map(|resumed| Looks::new(vcpus.len(), resumed.lock));
    let (looks, mut seen) = looks.unzip();
    // Its other end is gone when the witness has looked at all of them.
    let (looking, looked) = channel::<()>();
    let mut looking = Some(looking);
    let mut held = resumed.map(|resumed| {
        let parked: Vec<Parked> = parks.iter().map(Park::park).collect();
        let held = ManuallyDrop::new((parked, shared.barrier.hold()));
        (resumed, held)
    });
    let doors = shared.bus().doors();
    for doors in doors {
        shared.connect(doors)?;
    }
    if held.is_some() {
        // Of a guest that goes on, lines may have changed since it was saved, or may rise by themselves later.
        let mut bus = shared.bus();
        for line in bus.rung() {
            shared.line(&bus, Some(line));
        }
        shared.alarm.set(bus.rings_at());
    }
    let keys = console && !terminal::is_silent();
    let jail = match jailed {
        Some(jailed) => Some(shut(&shared, jailed, &vcpus, &devices, watch.as_ref())?),
        None => None,
    };
    let mut entering = Some(enter(jail.as_ref(), &vcpus, devices)?);
    let (inside, all_inside) = channel();
    let mut threads = Vec::new();
    // Its other end is gone when every vCPU's thread has dropped its own.
    let (staying, left) = channel::<()>();
    let operated = Arc::clone(&shared);
    let kept = Arc::clone(&gic);
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    let damaged = shared.ended.clone();
    let checked = Arc::clone(&shared.outlet);
    let mut check = check.map(|check| {
        move || check.begin(&checked, move |why| _ = damaged.send(Ended::Damaged(why)))
    });
    let mut first = Some(move |paused: Option<(Vec<Parked>, Hold)>, unknown: bool| {
        let begins_paused = paused.is_some();
        controls.get_or_init(|| {
            let mut controls = operate(&operated, parks, asked, saves, kept);
            (controls.unknown, controls.far) = (unknown, far);
            if let Some((parked, hold)) = paused {
                controls.begin_paused(parked, hold);
            }
            controls
        });
        if let Some(guest) = guest {
            guest.runs(&operated.counts);
        }
        first();
        if begins_paused {
            let words = match (unknown, far) {
                (true, true) => CAME,
                (true, false) => UNKNOWN,
                (false, _) => BEGINS_PAUSED,
            };
            speaker::event(Event::Paused, words);
        }
    });
    // vCPU 0 last: the others wait for CPU_ON inside KVM. It begins when everybody is in the jail, and nobody else has to
    // wake it for that.
    for (vcpu, home) in vcpus.into_iter().rev() {
        let (first, held) = match vcpu.index() {
            0 => (
                first.take().zip(entering.take()),
                held.take().map(|held| (held, check.take())),
            ),
            _ => (None, None),
        };
        let inside = inside.clone();
        let (index, mut vcpu, shared) = (vcpu.index(), vcpu.release(), Arc::clone(&shared));
        let staying = staying.clone();
        let looks = looks.clone();
        let (seen, looking) = match index {
            0 => (seen.take(), looking.take()),
            _ => (None, None),
        };
        threads.push(home.last(move || {
            let look = |vcpu| match looks {
                Some(looks) => looks.at(vcpu, index, &shared),
                None => vcpu,
            };
            if let Some((first, entering)) = first {
                let done = entering.into_iter().try_for_each(entered);
                let begins = done.is_ok();
                // Who waits for it has nothing else to do.
                let _ = inside.send(done);
                if !begins {
                    // In this order: who is held is let go when it has to leave, and enters no more.
                    shared.stop.store(true, Ordering::Release);
                    shared.barrier.remove();
                    return;
                }
                vcpu = look(vcpu);
                let seen = seen.map_or(Ok(()), Seen::all);
                drop(looking);
                let (mut stays, mut unknown) = (false, false);
                let mut check = None;
                let held = match held {
                    None => None,
                    Some(((resumed, held), begins)) => {
                        stays = resumed.paused;
                        match gained(&vcpu, resumed, seen) {
                            Ok(known) => unknown = !known,
                            Err(how) => {
                                // Nothing of the guest's: it has not run.
                                let _ = shared.ended.send(how);
                                return;
                            }
                        }
                        check = begins;
                        Some(ManuallyDrop::into_inner(held))
                    }
                };
                let (paused, released) = match stays || unknown {
                    true => (held, None),
                    false => (None, held),
                };
                first(paused, unknown);
                if let Some(begin) = check {
                    begin();
                }
                // In this order: the devices go on before the vCPUs do.
                drop(released);
            } else {
                vcpu = look(vcpu);
            }
            drop(inside);
            let how = drive(index, vcpu, &shared);
            // Who is told of the end finds this thread gone, and has not to kick it.
            drop(staying);
            if let Some(how) = how {
                shared.end(how);
            }
        }));
    }
    drop((staying, inside, looks));
    if keys {
        let keys = Arc::clone(&shared);
        // Not joined: it may be waiting for a key that never comes.
        spawn("console", move || {
            input(&keys, std::io::stdin().lock(), escape);
        })?;
    }
    if let Some(ear) = ear {
        let keys = Arc::clone(&shared);
        // Not joined either.
        spawn("console", move || input(&keys, ear, false))?;
    }
    if let Some((cores, home)) = watch {
        let shared = Arc::clone(&shared);
        // Not joined: it is asleep.
        home.last(move || keep(&shared, &cores, console));
    }
    entered(all_inside)?;
    see_to(&threads, &looked);
    beside(&shared)?;
    #[cfg(feature = "torture")]
    misbehave::inside(Thread::Main);
    let how = wait(&receiver, limit);
    // In this order: whoever sees the stop sees why.
    shared
        .overdue
        .store(how == Ended::TimedOut, Ordering::Relaxed);
    shared.stop.store(true, Ordering::Release);
    shared.barrier.remove();
    // What it ran on may have been another's: none of that leaves it at its end.
    if shared.outlet.never() && !how.is_the_guests() && !how.is_before_it_ran() {
        say::note(DROPPED);
    }
    // Nobody goes on with an earlier state of a guest that has ended here.
    let right = memory.as_ref().and_then(|memory| memory.right());
    if let Some(right) = right {
        right.end();
    }
    farewell(&threads, &left);
    finish(&shared, right.is_some_and(|right| !right.is_ours()));
    discard((gic, shared));
    Ok(match how {
        // Its operator asked for the end while it began anew: nothing is started.
        Ended::Reset(_) if stopped.load(Ordering::Acquire) => Ended::Stopped,
        how => how,
    })
}

/// What is said of a guest that somebody had end before anybody knew whether it was what was saved.
const DROPPED: &str = "the guest's memory had not been checked to its end: whether it was what was saved is not known, and what the guest said, wrote and sent since it was restored is dropped";

/// What is said where a guest goes on at which the witness cannot look before.
const UNLOOKED: &str = "the witness does not look at this guest before it goes on: its memory is its other end's until it is given, and is told its stolen time, or its machine leaves the witness no room; what was read back has to do (`vmlock-run audit` looks at one that runs)";

/// What is said of a guest that begins with a pause.
const BEGINS_PAUSED: &str =
    "the guest is paused: whoever restored it asked for that (`vmlock-run resume` lets it go on)";

/// What the machine's operator has of it; `stopped` tells that its end was asked for.
fn operate(
    shared: &Arc<Shared>,
    parks: Vec<Park>,
    stopped: Arc<AtomicBool>,
    saved: Option<Saved>,
    gic: Arc<Gic>,
) -> Controls {
    let (barrier, bus) = (Arc::clone(&shared.barrier), Arc::clone(&shared.bus));
    let outlet = Arc::clone(&shared.outlet);
    let ended = shared.ended.clone();
    let mut controls = Controls::new(barrier, bus, parks, move || {
        stopped.store(true, Ordering::Release);
        // Only the first end counts.
        _ = ended.send(Ended::Stopped);
    });
    controls.outlet = outlet;
    let of = Arc::downgrade(shared);
    controls.saves = saved.map(|saved| {
        let lock = saved.lock;
        Saves {
            text: saved.text,
            lock,
            memory: saved.memory,
            kernel: saved.kernel,
            hands: saved.hands,
            gic: Box::new(move || match of.upgrade() {
                Some(shared) => set(&shared, lock, &gic),
                None => Err("its machine has come to its end".to_owned()),
            }),
        }
    });
    controls
}

/// The interrupt controller as its guest has set it.
fn set(shared: &Shared, lock: &Lock, gic: &Gic) -> Result<View, String> {
    let starter = shared.firmware.as_ref().and_then(Firmware::starter);
    if let Some(vcpu) = starter.and_then(|starter| starter.power().asked()) {
        return Err(format!(
            "vCPU {vcpu} is being turned on at this moment: try again"
        ));
    }
    let mpidr: Vec<u64> = lock.machine.vcpus.iter().map(|v| v.mpidr).collect();
    let kernel = Direct { gic, mpidr: &mpidr };
    let mut view = view::read(&lock.gic, mpidr.len(), &kernel).map_err(|e| e.to_string())?;
    if let Some(proxied) = &shared.proxied {
        proxied.proxy.said(&mut view);
    }
    Ok(view)
}
