//! The thread that serves a virtio device: it waits for the guest, for the host's side
//! and for its owner, and knows no more of a request than that its [`Server`] does.
//!
//! It never waits for a vCPU. A vCPU waits for it only where it takes a queue away: then
//! nothing of the guest's memory is touched any more once that is over.
//!
//! Where the machine was restored, a driver that was at work is at work again ([`Worker::restore`]): all of its queues
//! are looked at, and it is interrupted once whatever is there, since it may wait for what it was never told.
//!
//! Who holds the guest parks it ([`Park`]): it brings to its end what is under way, takes nothing more, and rests until
//! nobody parks it any more. A driver can set its device up meanwhile, where it is parked and its guest runs.

use super::look::Look;
use super::outside::{Input, Link};
use super::{Log, copy, eventfd, no_eventfd};
use crate::counters;
use crate::device::{Farewell, Memory, Wait};
use crate::failure::Failure;
use crate::jail::Entering;
use crate::jail::table::Thread;
use crate::threads::spawn;
use std::collections::VecDeque;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::thread;
use std::time::{Duration, Instant};
use vmlock_saved::state::Disk;
use vmlock_spec::lock::Device;
use vmlock_spec::plan::Refusal;
use vmlock_virtio::chain::Chain;
use vmlock_virtio::features::Features;
use vmlock_virtio::mmio::Activation;
use vmlock_virtio::ring::{Broken, Drained, Ring};
use vmlock_virtio::signals::Signals;
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};
use vmm_sys_util::eventfd::EventFd;

/// How long a device without anything to finish may take to come to rest: it may be writing to a terminal that nobody
/// reads.
const FAREWELL: Duration = Duration::from_secs(2);

/// How long it is until the next try, where waiting itself fails.
const RETRY: Duration = Duration::from_millis(1);

/// How often it is looked whether there is room for what a guest left that has ended, in milliseconds, whatever wakes the thread.
const LOOK: i32 = 5;

/// What does the work of a device, on its thread.
pub trait Server: Send {
    /// A driver has set the device up; nothing of an earlier one is left.
    fn begin(&mut self, features: Features, log: &mut Log);

    /// Serves what is available without waiting for more.
    ///
    /// # Errors
    /// The driver broke a rule.
    fn serve(&mut self, work: Work) -> Result<Drained, Broken>;

    /// Whether as much is under way as it has at a time, so that [`Server::serve`] may have left something that is available.
    fn is_full(&self) -> bool {
        false
    }

    /// Whoever holds the guest wants it at rest: takes nothing more, goes on with what is under way and gives back what was
    /// taken ahead; whether the driver wants to be interrupted. Asked again whenever something wakes the thread, until no
    /// chain is out.
    ///
    /// # Errors
    /// The driver broke a rule.
    fn settle(&mut self, _work: Work) -> Result<bool, Broken> {
        Ok(false)
    }

    /// A queue is being taken away, or a rule was broken: nothing of the guest's memory is touched once this is over, until
    /// [`Server::serve`].
    fn rest(&mut self, _log: &mut Log) {}

    /// Whether something that was written is known to be lost: that outlives a save.
    fn lost(&self) -> bool {
        false
    }

    /// The machine was restored, and so much was lost before that.
    fn restore(&mut self, _lost: bool) {}

    /// No driver was at work when the machine was saved: the next [`Server::begin`] is another one's.
    fn unused(&mut self) {}

    /// The driver of the last [`Server::begin`] was at work when its machine was saved, and goes on now: called right before
    /// the first [`Server::serve`].
    fn resume(&mut self, _log: &mut Log) {}

    /// Makes stable what was written and says which contents that are, of all or of a part; `None` of what has no contents.
    /// A look that is given up ends as an error.
    fn identity(&mut self, _whole: bool, _look: &Look, _log: &mut Log) -> Option<io::Result<Disk>> {
        None
    }

    /// Holds its contents against those that it had when its guest was saved; `reached` is told how many bytes were read.
    ///
    /// # Errors
    /// It has others, or nobody knows: in words.
    fn compare(&mut self, _saved: &Disk, _reached: &dyn Fn(u64)) -> Result<(), String> {
        Err("it has no contents, and had some when the guest was saved".to_owned())
    }

    /// The driver has taken all queues away, or broke a rule.
    fn end(&mut self) {}

    /// The machine has ended: what is still to be done for what the guest did, in [`Server::patience`]. Where it
    /// has `gone` elsewhere, what it does there is told there.
    fn finish(&mut self, _gone: bool, _log: &mut Log) {}

    /// How long that may take.
    fn patience(&self) -> Duration {
        FAREWELL
    }

    /// What wakes the thread is broken (EPOLLERR).
    fn trouble(&mut self, _log: &mut Log) {}

    /// Looks once more at what the lock promises of the host's side, for a guest that is started anew.
    fn look_again(&mut self, _device: &Device) -> Option<Refusal> {
        None
    }

    /// A copy of the descriptor by which its guest is handed over, of what is somebody's file or tap.
    fn descriptor(&self) -> Option<io::Result<File>> {
        None
    }

    /// Makes what only the process that serves the device can have. Called once, in that one, before all else.
    fn ready(&mut self) {}

    /// What wakes the thread when it becomes readable, once each time: something of the host's side.
    fn wakes(&self) -> Option<RawFd> {
        None
    }

    /// The cable, of a device that has one.
    fn link(&self) -> Option<Arc<Link>> {
        None
    }

    /// Where the user's input goes, of a device that takes some.
    fn input(&self) -> Option<Arc<Input>> {
        None
    }
}

/// A device at work.
pub struct Work<'a> {
    /// Its queues, in order; `None` for one that the driver does not use.
    pub rings: &'a mut [Option<Ring>],
    /// The guest's memory.
    pub memory: &'a Memory,
    /// A chain to be filled again and again.
    pub chain: &'a mut Chain,
    /// What is said of the device.
    pub log: &'a mut Log,
}

/// What the owner asks for.
enum Order {
    /// A driver is ready.
    Begin(Box<Activation>),
    /// Nobody touches that queue any more, or any; whoever waits is told.
    End(Option<u16>, Sender<()>),
    /// The machine has ended, and its guest with it or gone elsewhere; whoever waits is told when there is nothing more to
    /// be done.
    Finish(bool, Sender<()>),
    /// The guest is held: nothing new is begun, and whoever waits is told once no chain is out.
    Park(Sender<()>),
    /// It goes on.
    GoOn,
    /// The machine was restored.
    Restore(Box<Restored>),
    /// Which contents it has, of all or of a part.
    Identify(bool, Arc<Look>, Sender<Option<io::Result<Disk>>>),
    /// There is no owner any more.
    Leave,
}

/// What a thread goes on with.
struct Restored {
    lost: bool,
    /// What the driver had set up, where it was at work.
    activation: Option<Activation>,
    /// The driver is to be interrupted whatever is in its queues.
    interrupts: bool,
}

/// What a device's thread has when it rests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rested {
    /// Position of each queue ([`Ring::position`]); none where no driver is at work.
    pub positions: Vec<Option<u16>>,
    /// [`Server::lost`].
    pub lost: bool,
}

/// What is between a thread and those who tell it what to do.
struct Line {
    orders: Mutex<VecDeque<Order>>,
    /// From when it rests until it goes on.
    rested: Mutex<Option<Rested>>,
    wake: EventFd,
}

impl Line {
    /// A panic ends the process, so poison says nothing.
    fn orders(&self) -> MutexGuard<'_, VecDeque<Order>> {
        self.orders.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn rested(&self) -> MutexGuard<'_, Option<Rested>> {
        self.rested.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn order(&self, order: Order) {
        self.orders().push_back(order);
        signal(&self.wake);
    }
}

/// Parks a device's thread.
pub struct Park {
    name: String,
    line: Arc<Line>,
}

/// While it lives, the thread begins nothing. It may have to bring something to its end first.
pub struct Parked {
    name: String,
    line: Arc<Line>,
    rests: Receiver<()>,
    /// Whether it was seen to rest.
    seen: bool,
}

impl Park {
    /// Has it come to rest, and waits for nothing.
    pub fn park(&self) -> Parked {
        let (sender, rests) = channel();
        self.line.order(Order::Park(sender));
        Parked {
            name: self.name.clone(),
            line: Arc::clone(&self.line),
            rests,
            seen: false,
        }
    }
}

impl Parked {
    /// What words call the device.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is at rest: no chain of its driver's is out. One that has gone does nothing any more either.
    pub fn rests(&mut self) -> bool {
        self.seen |= self.rests.try_recv() != Err(TryRecvError::Empty);
        self.seen
    }
}

impl Drop for Parked {
    fn drop(&mut self) {
        self.line.order(Order::GoOn);
    }
}

/// Which contents a disk has, once its thread says so: dropped, it is given up, and the thread serves its guest again.
pub struct Identity {
    said: Receiver<Option<io::Result<Disk>>>,
    look: Arc<Look>,
}

impl Identity {
    /// Waits for it, for so long; `None` where that is not enough, and within it of a device that has no contents.
    ///
    /// # Errors
    /// Why nobody knows, in words.
    pub fn within(&self, most: Duration) -> Result<Option<Option<Disk>>, String> {
        let said = match self.said.recv_timeout(most) {
            Ok(said) => said,
            Err(RecvTimeoutError::Timeout) => return Ok(None),
            Err(RecvTimeoutError::Disconnected) => return Err("its thread has gone".to_owned()),
        };
        let found = said.transpose();
        found.map(Some).map_err(|error| {
            format!("what was written to it cannot be made stable and read: {error}")
        })
    }

    /// How many bytes were read.
    pub fn bytes(&self) -> u64 {
        self.look.bytes()
    }

    /// The look that it comes of, for who gives it up where this cannot be dropped yet.
    pub fn look(&self) -> Arc<Look> {
        Arc::clone(&self.look)
    }

    /// One of which nobody has said anything yet.
    #[cfg(test)]
    pub fn unsaid() -> (Self, Sender<Option<io::Result<Disk>>>) {
        let (says, said) = channel();
        let look = Arc::default();
        (Self { said, look }, says)
    }
}

impl Drop for Identity {
    fn drop(&mut self) {
        self.look.give_up();
    }
}

/// The thread, for whoever owns the registers.
pub struct Worker {
    name: String,
    line: Arc<Line>,
    queues: Vec<EventFd>,
    patience: Duration,
    counts: Arc<counters::Device>,
    look: Mutex<Weak<Look>>,
}

impl Worker {
    /// Makes ready the thread of a device with so many queues, of which `log` tells and which sends its interrupt by `call`;
    /// the eventfds that say that something is available in a queue.
    ///
    /// # Errors
    /// Descriptors cannot be had.
    pub fn ready(
        kind: Thread,
        log: Log,
        mut server: Box<dyn Server>,
        memory: &Memory,
        queues: usize,
        call: EventFd,
    ) -> Result<(Self, Vec<EventFd>, Idle), Failure> {
        let line = Arc::new(Line {
            orders: Mutex::default(),
            rested: Mutex::default(),
            wake: eventfd()?,
        });
        let queues: Vec<EventFd> = (0..queues).map(|_| eventfd()).collect::<Result<_, _>>()?;
        let copies = |events: &[EventFd]| -> Result<Vec<EventFd>, Failure> {
            events.iter().map(copy).collect()
        };
        server.ready();
        let (host, patience) = (server.wakes(), server.patience());
        let (name, words) = (thread_name(kind, &log.device), log.name.clone());
        let counts = Arc::clone(&log.counts);
        let wakes = Wakes::new(copy(&line.wake)?, copies(&queues)?, host).map_err(no_eventfd)?;
        let device = Serving {
            link: server.link(),
            server,
            memory: memory.clone(),
            line: Arc::clone(&line),
            call,
            chain: Chain::default(),
            life: None,
            parking: Parking::Free,
            behind: false,
            parkers: 0,
            owed: false,
            resumes: false,
            log,
            wakes,
        };
        let doors = copies(&queues)?;
        let idle = Idle { kind, name, device };
        let worker = Self {
            name: words,
            line,
            queues,
            patience,
            counts,
            look: Mutex::default(),
        };
        Ok((worker, doors, idle))
    }

    /// What the device did so far, and does from now on.
    pub fn counts(&self) -> Arc<counters::Device> {
        Arc::clone(&self.counts)
    }

    /// Hands it what a driver set up.
    pub fn begin(&self, activation: Activation) {
        self.line.order(Order::Begin(Box::new(activation)));
    }

    /// Has it go on as it was saved: with what a driver had set up, where one was at work. `interrupts` says that there is
    /// something of which the driver may not have been told.
    pub fn restore(&self, lost: bool, activation: Option<Activation>, interrupts: bool) {
        self.line.order(Order::Restore(Box::new(Restored {
            lost,
            activation,
            interrupts,
        })));
    }

    /// What it has, while it rests.
    pub fn rested(&self) -> Option<Rested> {
        self.line.rested().clone()
    }

    /// Has it make stable what was written and say which contents that are, of all or of a part.
    pub fn identify(&self, whole: bool) -> Identity {
        let (sender, said) = channel();
        let look = Arc::new(Look::default());
        self.line
            .order(Order::Identify(whole, Arc::clone(&look), sender));
        *self.looked() = Arc::downgrade(&look);
        Identity { said, look }
    }

    /// The last look at its contents.
    fn looked(&self) -> MutexGuard<'_, Weak<Look>> {
        self.look.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Takes a queue away from it, or all of them; to be waited for.
    pub fn end(&self, queue: Option<u16>) -> Wait {
        let (sender, receiver) = channel();
        self.line.order(Order::End(queue, sender));
        Wait(receiver)
    }

    /// Has it finish, since the machine has ended.
    pub fn finish(&self, gone: bool) -> Farewell {
        // Nobody is left who waits for it.
        if let Some(look) = self.looked().upgrade() {
            look.give_up();
        }
        let (sender, receiver) = channel();
        self.line.order(Order::Finish(gone, sender));
        Farewell {
            over: Wait(receiver),
            most: self.patience,
        }
    }

    /// How its thread is parked.
    pub fn park(&self) -> Park {
        Park {
            name: self.name.clone(),
            line: Arc::clone(&self.line),
        }
    }

    /// Says that something is available in a queue.
    pub fn notify(&self, queue: u16) {
        if let Some(queue) = self.queues.get(usize::from(queue)) {
            signal(queue);
        }
    }

    /// Has it look at its input.
    pub fn look(&self) {
        signal(&self.line.wake);
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.line.order(Order::Leave);
    }
}

/// Signals an eventfd. The one error is that it was signalled 2^64 - 1 times and nobody looked: it is up.
fn signal(event: &EventFd) {
    let _ = event.write(1);
}

/// Sends the device's interrupt.
fn interrupt(call: &EventFd, log: &Log) {
    log.counts.interrupts.add(1);
    signal(call);
}

/// A device's thread that has everything it needs, and has yet to be started.
pub struct Idle {
    kind: Thread,
    name: String,
    device: Serving,
}

impl Idle {
    /// What kind of thread it will be.
    pub fn kind(&self) -> Thread {
        self.kind
    }

    /// Starts the thread. It does `first`, and nothing more where that fails; what came of it can be waited for.
    ///
    /// # Errors
    /// There are no more threads to be had.
    pub fn start(
        self,
        first: impl FnOnce() -> Result<(), Failure> + Send + 'static,
    ) -> Result<Entering, Failure> {
        let (sender, receiver) = channel();
        // Not joined: it ends with the process, or when its owner has gone.
        spawn(&self.name, move || {
            let done = first();
            let begins = done.is_ok();
            // It may be that nobody wants to know.
            let _ = sender.send(done);
            if begins {
                self.device.run();
            }
        })?;
        Ok(receiver)
    }
}

/// What kind it is and what its device is called, as far as Linux shows it: fifteen bytes.
fn thread_name(kind: Thread, device: &str) -> String {
    let plain = device.chars().filter(char::is_ascii_alphanumeric);
    format!("{kind}-").chars().chain(plain).take(15).collect()
}

/// What a thread waits for.
struct Wakes {
    epoll: Epoll,
    wake: EventFd,
    /// Only there to be waited for.
    _queues: Vec<EventFd>,
}

/// Which of them it was.
const OWNER: u64 = 0;
const OTHERS: u64 = 1;

impl Wakes {
    fn new(wake: EventFd, queues: Vec<EventFd>, host: Option<RawFd>) -> io::Result<Self> {
        let epoll = Epoll::new()?;
        let add = |fd: RawFd, events: EventSet, which| {
            epoll.ctl(ControlOperation::Add, fd, EpollEvent::new(events, which))
        };
        add(wake.as_raw_fd(), EventSet::IN, OWNER)?;
        // Each signal of these wakes once, and nobody has to take it back: whatever woke the thread, it looks at all.
        for fd in queues.iter().map(AsRawFd::as_raw_fd).chain(host) {
            add(fd, EventSet::IN | EventSet::EDGE_TRIGGERED, OTHERS)?;
        }
        Ok(Self {
            epoll,
            wake,
            _queues: queues,
        })
    }

    /// Waits until something may be to be done, or looks whether there is.
    fn wait(&self, at_once: bool) -> Woken {
        self.wait_for(if at_once { 0 } else { -1 })
    }

    /// The same, for so many milliseconds at the most.
    fn wait_for(&self, timeout: i32) -> Woken {
        let mut events = [EpollEvent::default(); 8];
        let count = match self.epoll.wait(timeout, &mut events) {
            Ok(count) => count,
            // A signal, or the kernel has made something of this thread's be over (io_uring).
            Err(error) if error.kind() == io::ErrorKind::Interrupted => 0,
            // A bug, of which this must not make a busy loop.
            Err(_) => {
                thread::sleep(RETRY);
                0
            }
        };
        let events = &events[..count];
        let woken = Woken {
            owner: events.iter().any(|event| event.data() == OWNER),
            trouble: events
                .iter()
                .any(|event| event.event_set().contains(EventSet::ERROR)),
        };
        if woken.owner {
            // It is up, so it can be read.
            let _ = self.wake.read();
        }
        woken
    }
}

/// What woke a thread, beside what it looks at anyway.
struct Woken {
    /// The owner wants something.
    owner: bool,
    /// The host's side is broken.
    trouble: bool,
}

/// From a driver's set-up to the next reset.
struct Life {
    rings: Vec<Option<Ring>>,
    signals: Arc<Signals>,
}

/// Whether somebody holds the guest.
enum Parking {
    /// Nobody does.
    Free,
    /// It is to come to rest, and these wait for it.
    Settling(Vec<Sender<()>>),
    /// It rests.
    Rests,
}

impl Parking {
    /// One more waits for it to rest. What it had when it last came to rest may be another by now.
    fn settle(&mut self, waiting: Sender<()>) {
        match self {
            Self::Settling(all) => all.push(waiting),
            Self::Free | Self::Rests => *self = Self::Settling(vec![waiting]),
        }
    }
}

/// What the thread has.
struct Serving {
    server: Box<dyn Server>,
    memory: Memory,
    line: Arc<Line>,
    call: EventFd,
    chain: Chain,
    life: Option<Life>,
    parking: Parking,
    /// It goes on, and has not begun all that waited.
    behind: bool,
    /// How many park it: none of them ends what another one wants.
    parkers: usize,
    /// The driver is to be interrupted once its queues were looked at.
    owed: bool,
    /// The driver goes on once its queues are looked at: until then its guest may be given up, and nobody may be told of it.
    resumes: bool,
    log: Log,
    wakes: Wakes,
    /// The cable, while the driver was not told that it was pulled out.
    link: Option<Arc<Link>>,
}

impl Serving {
    fn run(mut self) {
        let mut more = false;
        loop {
            if more {
                // A vCPU that has no CPU of its own makes more available, which is then served together.
                thread::yield_now();
            }
            let woken = self.wakes.wait(more);
            if woken.trouble {
                self.server.trouble(&mut self.log);
            }
            if woken.owner && !self.obey() {
                return;
            }
            more = match self.parking {
                Parking::Free => {
                    let more = self.serve();
                    self.behind &= more || self.server.is_full();
                    more
                }
                Parking::Settling(_) | Parking::Rests => {
                    self.settle();
                    false
                }
            };
        }
    }

    /// Does what the owner asked for, in that order; `false` once it has gone.
    fn obey(&mut self) -> bool {
        loop {
            let order = self.line.orders().pop_front();
            match order {
                None => return true,
                Some(Order::Leave) => return false,
                Some(Order::Park(waiting)) => {
                    self.parkers += 1;
                    self.parking.settle(waiting);
                }
                Some(Order::GoOn) => {
                    self.parkers -= 1;
                    if self.parkers == 0 {
                        *self.line.rested() = None;
                        self.parking = Parking::Free;
                        self.behind = true;
                    }
                }
                Some(Order::Identify(whole, look, waiting)) => {
                    let identity = self.server.identity(whole, &look, &mut self.log);
                    // Who waited may have given up.
                    let _ = waiting.send(identity);
                }
                Some(Order::Restore(restored)) => self.restore(*restored),
                Some(Order::Finish(gone, waiting)) => {
                    if self.behind && !gone && matches!(self.parking, Parking::Free) {
                        // What was kept back is begun, where the machine's end was, too; and comes to its own in what is left
                        // of the time.
                        let until = Instant::now() + self.server.patience() / 2;
                        while (self.serve() || self.waits_for_room()) && Instant::now() < until {}
                    }
                    self.end();
                    self.server.finish(gone, &mut self.log);
                    // Who waited may have given up.
                    let _ = waiting.send(());
                }
                Some(Order::Begin(activation)) => self.begin(*activation),
                Some(Order::End(queue, waiting)) => {
                    match (queue, &mut self.life) {
                        (Some(queue), Some(life)) => {
                            self.server.rest(&mut self.log);
                            if let Some(ring) = life.rings.get_mut(usize::from(queue)) {
                                *ring = None;
                            }
                        }
                        _ => self.end(),
                    }
                    // Who waited may have been ended.
                    let _ = waiting.send(());
                }
            }
        }
    }

    fn begin(&mut self, activation: Activation) {
        let Activation {
            features,
            rings,
            signals,
        } = activation;
        self.server.begin(features, &mut self.log);
        self.life = Some(Life { rings, signals });
    }

    fn restore(&mut self, restored: Restored) {
        let Restored {
            lost,
            activation,
            interrupts,
        } = restored;
        self.server.restore(lost);
        match activation {
            Some(activation) => {
                self.owed = interrupts || activation.rings.iter().any(Option::is_some);
                self.resumes = true;
                self.begin(activation);
            }
            None => {
                self.server.unused();
                if interrupts {
                    interrupt(&self.call, &self.log);
                }
            }
        }
    }

    fn end(&mut self) {
        (self.owed, self.resumes) = (false, false);
        if self.life.take().is_some() {
            self.server.rest(&mut self.log);
            self.server.end();
        }
    }

    /// Serves what there is; whether there may be more.
    fn serve(&mut self) -> bool {
        let Some(life) = &mut self.life else {
            return false;
        };
        if std::mem::take(&mut self.resumes) {
            self.server.resume(&mut self.log);
        }
        let work = Work {
            rings: &mut life.rings,
            memory: &self.memory,
            chain: &mut self.chain,
            log: &mut self.log,
        };
        let mut served = self.server.serve(work);
        if let Ok(drained) = &mut served {
            drained.interrupts |= std::mem::take(&mut self.owed);
        }
        if self.link.take_if(|link| !link.is_up()).is_some() {
            life.signals.configuration();
            interrupt(&self.call, &self.log);
        }
        self.served(served).is_some_and(|drained| drained.more)
    }

    /// Waits a little for some of what is under way to be over, where that is as much as may be at a time; whether that is so.
    fn waits_for_room(&mut self) -> bool {
        let full = self.life.is_some() && self.server.is_full();
        // What the owner wants beside that is looked for anyway.
        if full && self.wakes.wait_for(LOOK).trouble {
            self.server.trouble(&mut self.log);
        }
        full
    }

    /// Goes on with what is under way until nothing is, and says so then.
    fn settle(&mut self) {
        let mut rests = true;
        if let Some(life) = &mut self.life {
            let work = Work {
                rings: &mut life.rings,
                memory: &self.memory,
                chain: &mut self.chain,
                log: &mut self.log,
            };
            let settled = self.server.settle(work);
            rests = life.rings.iter().flatten().all(|ring| ring.out() == 0);
            let settled = settled.map(|interrupts| Drained {
                interrupts,
                more: false,
            });
            rests |= self.served(settled).is_none();
        }
        if rests && let Parking::Settling(waiting) = &mut self.parking {
            let waiting = std::mem::take(waiting);
            let rings = self.life.iter().flat_map(|life| &life.rings);
            let positions = rings.map(|ring| ring.as_ref()?.position());
            *self.line.rested() = Some(Rested {
                positions: positions.collect(),
                lost: self.server.lost(),
            });
            // Who waited may have given up.
            waiting.into_iter().for_each(|one| _ = one.send(()));
            self.parking = Parking::Rests;
        }
    }

    /// Tells the driver what came of it; `None` where it broke a rule, and needs a reset.
    fn served(&mut self, served: Result<Drained, Broken>) -> Option<Drained> {
        let life = self.life.as_ref()?;
        match served {
            Ok(drained) => {
                if drained.interrupts {
                    life.signals.used();
                    interrupt(&self.call, &self.log);
                }
                Some(drained)
            }
            Err(broken) => {
                self.log.guest(format_args!(
                    "its driver broke a rule, and it needs a reset: {broken}"
                ));
                life.signals.needs_reset();
                interrupt(&self.call, &self.log);
                self.end();
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_named_after_its_kind_without_what_a_table_could_mistake() {
        assert_eq!(thread_name(Thread::Disk, "root"), "disk-root");
        assert_eq!(thread_name(Thread::Card, "a b\u{1b}-c"), "card-abc");
        assert_eq!(
            thread_name(Thread::Terminal, "a long name"),
            "terminal-alongn"
        );
    }
}
