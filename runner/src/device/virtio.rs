//! The host's side of virtio devices: what a lock names is opened ([`disk`]), each
//! device gets a thread ([`thread`]) and its registers a place on the bus
//! ([`window`]). What requests mean is `vmlock_virtio`'s.
//!
//! A thread is reached by eventfds that KVM signals in place of an exit, and its
//! interrupt is an eventfd that KVM turns into an edge ([`Doors`]): no vCPU waits for
//! it but one that resets its device.

pub mod broker;
pub mod console;
pub mod disk;
pub mod entropy;
pub mod look;
pub mod net;
pub mod outside;
pub mod saved;
pub mod stand_in;
pub mod tap;
pub mod thread;
pub mod vectored;
pub mod vsock;
pub mod window;

use crate::counters;
use crate::device::rate::RateLimit;
use crate::device::serial::Output;
use crate::device::{Doors, Memory};
use crate::failure::Failure;
use crate::handover::hands::{self, Handed};
use crate::jail::table::Thread;
use crate::passed;
use crate::say;
use console::Console;
use disk::taken::Taken;
use std::fmt::Display;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;
use thread::{Idle, Server, Worker};
use vmlock_saved::state::Disk;
use vmlock_spec::event::Event;
use vmlock_spec::lock::{Device, DeviceKind};
use vmlock_spec::machine::virtio::is_tap;
use vmlock_spec::plan::Refusal;
use vmlock_virtio::block::requests::Served;
use vmlock_virtio::mmio::{Shown, Transport};
use vmm_sys_util::eventfd::EventFd;
use window::{Service, Window};

/// What a driver writes to QueueNotify, and where that is (section 4.2.2 of the standard).
const QUEUE_NOTIFY: u64 = 0x50;

/// What a lock names, opened: nobody else has it from now on.
pub struct Opened {
    device: Device,
    shown: Shown,
    server: Box<dyn Server>,
}

impl Opened {
    /// Whether it is the disk of that name, and the lock has a digest over all of it: others than that are not opened.
    pub fn held_by_lock(&self, name: &str) -> bool {
        let virtio = self.device.virtio.as_ref();
        let disk = virtio.and_then(|virtio| virtio.block.as_ref());
        self.device.name == name && disk.is_some_and(|disk| disk.read_only && disk.digest.is_some())
    }
}

/// The lock's devices, of which cards without a tap get those that `taps` gives them, each as `CARD=TAP` or, passed in as
/// a descriptor, as `CARD=fd:NUMBER`.
///
/// # Errors
/// What is no card without a tap, or can be no tap.
pub fn cabled<'a>(
    devices: &[Device],
    taps: impl Iterator<Item = &'a str>,
) -> Result<Vec<Device>, Failure> {
    let mut cabled = devices.to_vec();
    for given in taps {
        let wrong = |words: &str| {
            Failure::usage(
                format!("`--tap {given}`: {words}"),
                &["write it as CARD=TAP, for example `--tap lan=tap0`, or as CARD=fd:NUMBER"],
            )
        };
        let (name, tap) = given.split_once('=').unwrap_or((given, ""));
        let card = cabled.iter_mut().find(|device| device.name == name);
        let card = card.and_then(|device| device.virtio.as_mut()?.net.as_mut());
        let card = card.ok_or_else(|| wrong("the lock has no such network card"))?;
        if card.tap.is_some() {
            return Err(wrong("this card has a tap already"));
        }
        if !is_tap(tap) && passed::number(tap).is_none() {
            return Err(wrong("no host can have a tap of that name"));
        }
        card.tap = Some(tap.to_owned());
    }
    Ok(cabled)
}

/// What of a guest's disks and taps is another runner's.
#[derive(Default)]
pub enum Others<'a> {
    /// Nothing.
    #[default]
    None,
    /// They were handed over, and are taken from there.
    Handed(&'a mut Handed),
    /// That one is on another host, has the same disks until the guest comes, and keeps its taps.
    Disks {
        /// Its locks on them need not be seen here.
        unseen: bool,
    },
}

/// Opens what the lock's virtio devices need of the host. `taken` has the files that the machine reads beside them;
/// `console` is where a console goes; with `jailed`, who works for them outside of this process can do nothing else.
///
/// # Errors
/// All that cannot be had, as refusals.
pub fn open(
    devices: &[Device],
    directory: &Path,
    mut taken: Taken,
    console: &dyn Fn() -> Output,
    jailed: bool,
    mut others: Others<'_>,
) -> Result<Vec<Opened>, Failure> {
    let (mut opened, mut refusals) = (Vec::new(), Vec::new());
    for device in devices {
        let Some(shown) = shown(device) else { continue };
        let queue = shown.queues.first().copied().unwrap_or(0);
        let outside = Outside {
            directory,
            taken: &mut taken,
            console,
            jailed,
            others: &mut others,
        };
        let server = match server(device, queue, outside) {
            Ok(server) => server,
            Err(refusal) => {
                refusals.push(*refusal);
                continue;
            }
        };
        opened.push(Opened {
            device: device.clone(),
            shown,
            server,
        });
    }
    match refusals.is_empty() {
        true => Ok(opened),
        false => Err(Failure::Refused(refusals)),
    }
}

/// What a guest with these devices is handed over by: a descriptor of each that is somebody's file or tap, by its name.
///
/// # Errors
/// There are no descriptors to be had.
pub fn descriptors(opened: &[Opened]) -> Result<Vec<(String, File)>, Failure> {
    let one = |opened: &Opened| {
        let copy = opened.server.descriptor()?;
        let name = opened.device.name.clone();
        Some(copy.map(|copy| (name, copy)).map_err(|e| {
            let words = format!("device `{}` cannot be handed over: {e}", opened.device.name);
            Failure::environment(words, &["look at the limit of open files (`ulimit -n`)"])
        }))
    };
    opened.iter().filter_map(one).collect()
}

/// Looks once more at what was opened for an earlier guest, and may have changed since.
///
/// # Errors
/// All that is not any more what the lock says, as refusals.
pub fn look_again(opened: &mut [Opened]) -> Result<(), Failure> {
    let one = |opened: &mut Opened| opened.server.look_again(&opened.device);
    let refusals: Vec<Refusal> = opened.iter_mut().filter_map(one).collect();
    match refusals.is_empty() {
        true => Ok(()),
        false => Err(Failure::Refused(refusals)),
    }
}

/// Holds the contents of all disks against those that they had when their guest was saved, before anything is made of
/// them. Each has to have been saved, and no other. `reached` is told of a disk how many bytes of it were read.
///
/// # Errors
/// All that are not the same, in words.
pub fn compare(
    opened: &mut [Opened],
    saved: &[(String, Disk)],
    reached: &dyn Fn(&str, u64),
) -> Result<(), String> {
    let mut wrong = Vec::new();
    let disks = |opened: &&mut Opened| opened.device.kind == DeviceKind::VirtioBlock;
    for opened in opened.iter_mut().filter(disks) {
        let name = &opened.device.name;
        let compared = match saved.iter().find(|(other, _)| other == name) {
            Some((_, disk)) => opened.server.compare(disk, &|bytes| reached(name, bytes)),
            None => Err("nothing was saved of it".to_owned()),
        };
        if let Err(why) = compared {
            wrong.push(format!("disk `{name}`: {why}"));
        }
    }
    for (name, _) in saved {
        let mut disks = opened.iter().map(|opened| &opened.device);
        if !disks.any(|disk| disk.kind == DeviceKind::VirtioBlock && disk.name == *name) {
            wrong.push(format!("disk `{name}`: the lock has none of that name"));
        }
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(wrong.join("; ")),
    }
}

/// What the host's side of a device is made of.
struct Outside<'a, 'o> {
    directory: &'a Path,
    taken: &'a mut Taken,
    console: &'a dyn Fn() -> Output,
    jailed: bool,
    others: &'a mut Others<'o>,
}

/// The host's side of a device.
fn server(
    device: &Device,
    queue: u16,
    outside: Outside<'_, '_>,
) -> Result<Box<dyn Server>, Box<Refusal>> {
    let Outside {
        directory,
        taken,
        console,
        jailed,
        others,
    } = outside;
    let parts = device.virtio.as_ref();
    if let Some(entry) = parts.and_then(|v| v.block.as_ref()) {
        let (path, read_only) = (directory.join(&entry.path), entry.read_only);
        let from = match others {
            Others::None => disk::From::Path,
            Others::Handed(handed) => {
                disk::From::Other(hands::disk(handed, &device.name, &path, read_only))
            }
            Others::Disks { unseen } => disk::From::Later { unseen: *unseen },
        };
        return Ok(Box::new(disk::open(
            device, entry, queue, &path, taken, from,
        )?));
    }
    if let Some(entry) = parts.and_then(|v| v.net.as_ref())
        && let Some(nic) = net::model(entry, queue)
    {
        let file = match others {
            Others::Handed(handed) => Some(handed.remove(&device.name)),
            Others::None | Others::Disks { .. } => None,
        };
        return Ok(Box::new(net::open(device, entry, nic, taken, file)?));
    }
    if let Some(entry) = parts.and_then(|v| v.vsock.as_ref()) {
        return Ok(Box::new(vsock::open(device, entry, directory, jailed)?));
    }
    if device.kind == DeviceKind::VirtioConsole {
        return Ok(Box::new(Console::new(console())));
    }
    Ok(Box::new(entropy::open(device)?))
}

/// What a guest sees of a device; `None` for one that is no virtio device.
fn shown(device: &Device) -> Option<Shown> {
    let virtio = device.virtio.as_ref()?;
    let queue = virtio.queues.first().copied()?;
    match device.kind {
        DeviceKind::VirtioBlock => Some(disk::model(virtio.block.as_ref()?, queue).shown()),
        DeviceKind::VirtioNet => Some(net::model(virtio.net.as_ref()?, queue)?.shown()),
        DeviceKind::VirtioEntropy => Some(vmlock_virtio::entropy::shown(queue)),
        DeviceKind::VirtioConsole => Some(vmlock_virtio::console::shown(queue)),
        DeviceKind::VirtioVsock => {
            let cid = virtio.vsock.as_ref()?.cid;
            Some(vmlock_virtio::vsock::shown(cid.into(), queue))
        }
        DeviceKind::Uart16550
        | DeviceKind::Uart16550V2
        | DeviceKind::Pl031
        | DeviceKind::Pl031V2
        | DeviceKind::Vmgenid => None,
    }
}

/// What to say where there is no such device: no lock that was read has one.
fn impossible(device: &Device, words: &str) -> Failure {
    Failure::environment(format!("device `{}`: {words}", device.name), &[])
}

/// The registers of all devices, and for each a thread that is to serve it.
///
/// # Errors
/// Descriptors cannot be had.
pub fn ready(opened: Vec<Opened>, memory: &Memory) -> Result<(Vec<Window>, Vec<Idle>), Failure> {
    let one = |opened: Opened| {
        let Opened {
            device,
            shown,
            server,
        } = opened;
        let queues = shown.queues.len();
        let transport = Transport::new(shown).map_err(|words| impossible(&device, &words))?;
        let call = eventfd()?;
        let (link, input) = (server.link(), server.input());
        let (log, call_too) = (Log::of(&device), copy(&call)?);
        let (worker, queues, idle) =
            Worker::ready(kind(&device), log, server, memory, queues, call_too)?;
        let doors = Doors {
            interrupt: device.interrupt,
            call,
            notify: device.range.base + QUEUE_NOTIFY,
            queues,
        };
        let service = Service {
            worker,
            doors: Some(doors),
            link,
            input,
        };
        let memory = memory.clone();
        let window = Window::new(&device, transport, memory, service);
        Ok((window, idle))
    };
    opened.into_iter().map(one).collect()
}

/// The registers of all devices, each with a thread that serves it and gives up nothing.
///
/// # Errors
/// Threads or descriptors cannot be had.
pub fn start(opened: Vec<Opened>, memory: &Memory) -> Result<Vec<Window>, Failure> {
    let (windows, threads) = ready(opened, memory)?;
    for thread in threads {
        thread.start(|| Ok(()))?;
    }
    Ok(windows)
}

/// What its thread is.
fn kind(device: &Device) -> Thread {
    match device.kind {
        DeviceKind::VirtioBlock => Thread::Disk,
        DeviceKind::VirtioNet => Thread::Card,
        DeviceKind::VirtioConsole => Thread::Terminal,
        DeviceKind::VirtioVsock => Thread::Vsock,
        // No other kind is one of virtio.
        _ => Thread::Entropy,
    }
}

/// What words say of a device.
fn name(device: &Device) -> String {
    let what = match device.kind {
        DeviceKind::VirtioBlock => "disk",
        DeviceKind::VirtioNet => "card",
        DeviceKind::VirtioConsole => "console",
        DeviceKind::VirtioVsock => "vsock",
        DeviceKind::VirtioEntropy => "entropy",
        _ => "device",
    };
    format!("{what} `{}`", device.name)
}

fn eventfd() -> Result<EventFd, Failure> {
    EventFd::new(libc::EFD_NONBLOCK | libc::EFD_CLOEXEC).map_err(no_eventfd)
}

fn copy(event: &EventFd) -> Result<EventFd, Failure> {
    event.try_clone().map_err(no_eventfd)
}

fn no_eventfd(error: io::Error) -> Failure {
    Failure::environment(
        format!("an eventfd for a virtio device cannot be had: {error}"),
        &["look at the limit of open files (`ulimit -n`)"],
    )
}

/// What is said of one device, and counted. A guest cannot flood the log, and what it does wrong hides nothing of what
/// fails here.
pub struct Log {
    /// The device's name in the lock, by which events and numbers go.
    device: String,
    /// What words call it.
    name: String,
    counts: Arc<counters::Device>,
    guest: RateLimit,
    host: RateLimit,
}

impl Log {
    fn of(device: &Device) -> Self {
        Self::new(device.name.clone(), name(device))
    }

    fn new(device: String, name: String) -> Self {
        Self {
            device,
            name,
            counts: Arc::default(),
            guest: RateLimit::default(),
            host: RateLimit::default(),
        }
    }

    /// Says what the guest did, which it can do again and again.
    pub fn guest(&mut self, words: impl Display) {
        self.say(Cause::Guest, words);
    }

    /// Counts a request of the driver's, with the bytes that left the guest and those that it got.
    pub fn served(&self, out: u64, into: u64) {
        self.all_served(Served {
            requests: 1,
            out,
            into,
        });
    }

    /// Counts requests.
    pub fn all_served(&self, served: Served) {
        self.counts.requests.add(served.requests);
        self.counts.bytes_out.add(served.out);
        self.counts.bytes_in.add(served.into);
    }

    /// Says what failed on the host.
    pub fn host(&mut self, words: impl Display) {
        self.counts.errors.add(1);
        self.say(Cause::Host, words);
    }

    /// The same, of what there is an end of: always.
    pub fn failed(&mut self, words: impl Display) {
        self.counts.errors.add(1);
        self.say(Cause::Last, words);
    }

    /// Says what the device will not be again: always, since there is an end of these.
    pub fn change(&mut self, words: impl Display) {
        self.say(Cause::Change, words);
    }

    fn say(&mut self, cause: Cause, words: impl Display) {
        if let Some(words) = self.words(cause, Instant::now(), words) {
            let device = self.device.clone();
            let event = match cause {
                Cause::Guest => Event::Driver { device },
                Cause::Host | Cause::Last => Event::IoError { device },
                Cause::Change => Event::DeviceChanged { device },
            };
            say::event(event, format_args!("{}: {words}", self.name));
        }
    }

    /// What to say at that time, if anything.
    fn words(&mut self, cause: Cause, now: Instant, words: impl Display) -> Option<String> {
        match cause {
            Cause::Guest => self.guest.words(now, words),
            Cause::Host => self.host.words(now, words),
            Cause::Last | Cause::Change => Some(words.to_string()),
        }
    }
}

/// Who is to blame.
#[derive(Clone, Copy)]
enum Cause {
    Guest,
    Host,
    /// The host, for the last time.
    Last,
    Change,
}

#[cfg(test)]
pub mod tests;
