//! Sockets between programs of the guest and of the host (`virtio-vsock-1`): the guest
//! opens them, and each port that its lock declares is a Unix socket here.
//!
//! Nothing waits: what a host's program does not read stays here, and the guest is told
//! of no more room than that leaves.

use super::broker::Broker;
use super::thread::{Server, Work};
use super::{Log, Memory};
use crate::jail::Confined;
use crate::unix::{PATH, say};
use nix::sys::resource::{Resource, getrlimit, rlim_t, setrlimit};
use std::collections::{BTreeMap, VecDeque};
use std::io::{self, ErrorKind, Read as _};
use std::net::Shutdown;
use std::ops::Bound;
use std::os::fd::{AsRawFd as _, RawFd};
use std::os::unix::net::UnixStream;
use std::path::{self, Path, PathBuf};
use vmlock_spec::lock::{Device, Vsock as Entry};
use vmlock_spec::plan::Refusal;
use vmlock_spec::plan::devices::no_sockets;
use vmlock_virtio::chain::{Chain, Malformed, Span};
use vmlock_virtio::features::Features;
use vmlock_virtio::ring::{Broken, Drained, Ring};
use vmlock_virtio::vsock::reset::Reset;
use vmlock_virtio::vsock::sockets::{ALLOCATED, Event, Key, MOST, Sockets};
use vmlock_virtio::vsock::{EVENT, HEADER, RECEIVE, TRANSMIT, head, packet, room};
use vmm_sys_util::epoll::{ControlOperation, Epoll, EpollEvent, EventSet};

/// The most packets that go either way at a time, before anything else is looked at.
const PACKETS: usize = 256;
/// The most bytes of one packet to the guest.
const CHUNK: usize = 64 << 10;

/// Descriptors for all connections, those that the guest has closed, and everything else of this program.
const DESCRIPTORS: rlim_t = 2 * MOST as rlim_t + 768;

/// Descriptors that all connections can have, and one that has just come.
pub const CONNECTIONS: u64 = 2 * MOST as u64 + 2;

/// The host's end of a connection.
struct Stream {
    socket: UnixStream,
    /// `None` for one that the guest has closed, while what it sent is still being written.
    key: Option<Key>,
    /// What the guest sent and the host has not taken: no more than the guest was told that there is room for.
    outgoing: VecDeque<u8>,
    /// Nothing follows it.
    last: bool,
    /// There may be something to be read.
    readable: bool,
    /// The host's program takes no more. What it said before is still read.
    deaf: bool,
}

/// All connections, between a driver's set-up and the next reset.
struct Open {
    sockets: Sockets,
    streams: BTreeMap<u64, Stream>,
    next: u64,
    /// The stream that the guest was last given something of: the others come before it.
    last: u64,
    /// What the driver is told of connections that it had before its machine was saved.
    reset: Reset,
}

/// The host's side.
pub struct Vsock {
    cid: u64,
    /// Each port's place among the sockets that the broker knows.
    ports: BTreeMap<u32, u32>,
    /// `None` where there are no ports.
    broker: Option<Broker>,
    /// All sockets of the connections. One that is closed is in it no more.
    epoll: Epoll,
    open: Option<Open>,
    chunk: Vec<u8>,
}

/// The host's side of a lock's sockets; with `jailed`, who connects them can do nothing else.
///
/// # Errors
/// A port's path is longer than a socket's can be, or the system gives no descriptors.
pub fn open(
    device: &Device,
    entry: &Entry,
    directory: &Path,
    jailed: bool,
) -> Result<Vsock, Box<Refusal>> {
    let none = |e: io::Error| Box::new(no_sockets(device, &e.to_string()));
    let (mut ports, mut paths): (_, Vec<PathBuf>) = (BTreeMap::new(), Vec::new());
    for (place, port) in (0..).zip(&entry.ports) {
        // It means the same wherever this program is when the guest asks for it.
        let path = path::absolute(directory.join(&port.path)).map_err(none)?;
        let bytes = path.as_os_str().len();
        if bytes >= PATH {
            return Err(Box::new(Refusal {
                offered: format!("`{}` for port {}", path.display(), port.port),
                help: vec!["lock and sockets belong where paths are shorter".to_owned()],
                ..no_sockets(
                    device,
                    &format!(
                        "the path has {bytes} bytes, and that of a Unix socket at most {}",
                        PATH - 1
                    ),
                )
            }));
        }
        ports.insert(port.port, place);
        paths.push(path);
    }
    descriptors().map_err(none)?;
    let start = || Broker::start(paths, jailed.then(Confined::broker).transpose()?);
    let broker = (!ports.is_empty()).then(start).transpose().map_err(none)?;
    let epoll = Epoll::new().map_err(none)?;
    Ok(Vsock {
        cid: entry.cid.into(),
        ports,
        broker,
        epoll,
        open: None,
        chunk: vec![0; CHUNK],
    })
}

/// Sees to it that all connections can have a descriptor, beside what everything else needs.
fn descriptors() -> io::Result<()> {
    let (limit, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if limit >= DESCRIPTORS {
        return Ok(());
    }
    if most < DESCRIPTORS {
        return Err(io::Error::other(format!(
            "{most} open files are allowed, and {DESCRIPTORS} may be needed"
        )));
    }
    Ok(setrlimit(Resource::RLIMIT_NOFILE, DESCRIPTORS, most)?)
}

impl Server for Vsock {
    fn begin(&mut self, _features: Features, _log: &mut Log) {
        self.open = Some(Open {
            sockets: Sockets::new(self.cid, self.ports.keys().copied()),
            streams: BTreeMap::new(),
            next: 0,
            last: 0,
            reset: Reset::Heard,
        });
    }

    fn resume(&mut self, _log: &mut Log) {
        if let Some(open) = &mut self.open {
            open.reset = Reset::Owed;
        }
    }

    fn serve(&mut self, work: Work) -> Result<Drained, Broken> {
        let Work {
            rings,
            memory,
            chain,
            log,
        } = work;
        let Some(open) = &mut self.open else {
            return Ok(Drained::NOTHING);
        };
        let mut all = Drained::NOTHING;
        all.more = open.look(&self.epoll);
        if let Some(Some(ring)) = rings.get_mut(usize::from(TRANSMIT)) {
            let host = Host {
                ports: &self.ports,
                broker: self.broker.as_ref(),
                epoll: &self.epoll,
            };
            all = all.and(open.transmit(ring, memory, chain, &host, log)?);
        }
        if !open.reset.is_over() {
            let events = rings.get_mut(usize::from(EVENT)).and_then(Option::as_mut);
            all = all.and(open.reset.serve(events, memory, chain)?);
        }
        let waited = !open.sockets.takes();
        if open.reset.is_over()
            && let Some(Some(ring)) = rings.get_mut(usize::from(RECEIVE))
        {
            all = all.and(open.receive(ring, memory, chain, &mut self.chunk, log)?);
        }
        // What the driver transmitted waited for room, which there is now.
        all.more |= waited && open.sockets.takes();
        Ok(all)
    }

    /// Connections do not outlive their driver.
    fn end(&mut self) {
        self.open = None;
    }

    fn wakes(&self) -> Option<RawFd> {
        Some(self.epoll.as_raw_fd())
    }
}

/// What of the host a guest can open.
struct Host<'a> {
    ports: &'a BTreeMap<u32, u32>,
    broker: Option<&'a Broker>,
    epoll: &'a Epoll,
}

impl Host<'_> {
    fn connect(&self, port: u32, id: u64) -> io::Result<UnixStream> {
        let place = self.ports.get(&port).ok_or(ErrorKind::NotFound)?;
        let broker = self.broker.ok_or(ErrorKind::NotFound)?;
        let socket = broker.connect(*place)?;
        let events = EventSet::IN | EventSet::OUT | EventSet::EDGE_TRIGGERED;
        let event = EpollEvent::new(events, id);
        let add = ControlOperation::Add;
        self.epoll.ctl(add, socket.as_raw_fd(), event)?;
        Ok(socket)
    }
}

impl Open {
    /// Looks at what the host's programs did; whether there may be more to look at.
    fn look(&mut self, epoll: &Epoll) -> bool {
        let mut events = [EpollEvent::default(); 64];
        let count = epoll.wait(0, &mut events).unwrap_or(0);
        for event in &events[..count] {
            let id = event.data();
            if let Some(stream) = self.streams.get_mut(&id) {
                // An error is found by reading.
                stream.readable = true;
                self.flush(id);
            }
        }
        count == events.len()
    }

    fn id(&self, key: Key) -> Option<u64> {
        let mut streams = self.streams.iter();
        streams.find_map(|(id, stream)| (stream.key == Some(key)).then_some(*id))
    }

    /// Writes what can be written, and closes what is to be closed then.
    fn flush(&mut self, id: u64) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let before = stream.outgoing.len();
        while !stream.deaf && !stream.outgoing.is_empty() {
            let (bytes, _) = stream.outgoing.as_slices();
            match say(&stream.socket, bytes) {
                Ok(count) => drop(stream.outgoing.drain(..count)),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => {
                    // What came back before is still to be read.
                    stream.deaf = true;
                    stream.readable = true;
                }
            }
        }
        if stream.deaf {
            stream.outgoing.clear();
        }
        let done = stream.outgoing.is_empty() && stream.last;
        if done {
            // The other end may have gone already.
            let _ = stream.socket.shutdown(Shutdown::Write);
        }
        match stream.key {
            Some(key) if stream.deaf && !self.sockets.receives(key) => {
                self.streams.remove(&id);
                self.sockets.closed(key);
            }
            // No more than ALLOCATED.
            Some(key) => {
                let gone = before - stream.outgoing.len();
                self.sockets.written(key, gone as u32);
            }
            None if done => drop(self.streams.remove(&id)),
            None => {}
        }
    }

    /// Takes what the driver transmits.
    fn transmit(
        &mut self,
        ring: &mut Ring,
        memory: &Memory,
        chain: &mut Chain,
        host: &Host,
        log: &mut Log,
    ) -> Result<Drained, Broken> {
        let mut more = true;
        ring.mute(memory)?;
        for _ in 0..PACKETS {
            if !self.sockets.takes() {
                // It goes on once the driver has taken answers, for which it has to notify of buffers anyway.
                more = false;
                break;
            }
            if !ring.take(memory, chain)? {
                if ring.listen(memory)? {
                    continue;
                }
                more = false;
                break;
            }
            let broken = |why| Broken::Chain {
                head: chain.head(),
                why,
            };
            let (header, data) = packet(memory, chain).map_err(broken)?;
            let event = self.sockets.take(&header, data);
            log.served(chain.readable().length(), 0);
            self.follow(event, memory, chain, host, log)
                .map_err(broken)?;
            ring.give(memory, chain.head(), 0)?;
        }
        let interrupts = ring.interrupts(memory)?;
        Ok(Drained { interrupts, more })
    }

    /// Does what follows from a packet.
    fn follow(
        &mut self,
        event: Event,
        memory: &Memory,
        chain: &Chain,
        host: &Host,
        log: &mut Log,
    ) -> Result<(), Malformed> {
        match event {
            Event::None => {}
            Event::Open(key) => {
                let id = self.next;
                self.next += 1;
                let socket = host.connect(key.host, id);
                self.sockets.opened(key, socket.is_ok());
                match socket {
                    Ok(socket) => {
                        let stream = Stream {
                            socket,
                            key: Some(key),
                            outgoing: VecDeque::new(),
                            last: false,
                            readable: true,
                            deaf: false,
                        };
                        self.streams.insert(id, stream);
                    }
                    Err(error) => log.guest(format_args!(
                        "the guest asks for port {}, whose socket cannot be connected to: {error}",
                        key.host
                    )),
                }
            }
            Event::Data(key, Span { skip, length }) => {
                if let Some(id) = self.id(key)
                    && let Some(stream) = self.streams.get_mut(&id)
                {
                    // There is room for so much, and that is little.
                    let mut bytes = vec![0; length.min(ALLOCATED.into()) as usize];
                    chain.readable().read(memory, skip, &mut bytes)?;
                    stream.outgoing.extend(bytes);
                    self.flush(id);
                }
            }
            Event::Finish(key) => self.last(key, false, log),
            Event::Close(key) => self.last(key, true, log),
            Event::Abort(key) => {
                if let Some(id) = self.id(key) {
                    self.streams.remove(&id);
                }
            }
        }
        Ok(())
    }

    /// The guest sends no more; it receives no more either where `close` says so.
    fn last(&mut self, key: Key, close: bool, log: &mut Log) {
        let Some(id) = self.id(key) else { return };
        if let Some(stream) = self.streams.get_mut(&id) {
            stream.last = true;
            if close {
                stream.key = None;
            }
        }
        self.flush(id);
        self.bound(log);
    }

    /// A host's program that reads nothing keeps no more of them than a guest can have open: the guest's own stay.
    fn bound(&mut self, log: &mut Log) {
        while self.streams.len() > 2 * MOST {
            let mut closed = self.streams.iter();
            let closed = closed.find_map(|(id, stream)| stream.key.is_none().then_some(*id));
            let Some(id) = closed else { return };
            if let Some(Stream { outgoing, .. }) = self.streams.remove(&id) {
                log.guest(format_args!(
                    "a connection that the guest has closed is given up, and {} bytes that nobody reads are lost",
                    outgoing.len()
                ));
            }
        }
    }

    /// Gives the driver answers, and what the host's programs say.
    fn receive(
        &mut self,
        ring: &mut Ring,
        memory: &Memory,
        chain: &mut Chain,
        chunk: &mut [u8],
        log: &Log,
    ) -> Result<Drained, Broken> {
        let mut more = true;
        ring.mute(memory)?;
        for _ in 0..PACKETS {
            if !ring.take(memory, chain)? {
                if ring.listen(memory)? {
                    continue;
                }
                more = false;
                break;
            }
            let broken = |why| Broken::Chain {
                head: chain.head(),
                why,
            };
            let Some(written) = self.next_packet(memory, chain, chunk).map_err(broken)? else {
                ring.leave();
                more = false;
                break;
            };
            ring.give(memory, chain.head(), written)?;
            log.served(0, written.into());
        }
        let interrupts = ring.interrupts(memory)?;
        Ok(Drained { interrupts, more })
    }

    /// Puts the next packet for the guest into a buffer; `None` where there is none.
    fn next_packet(
        &mut self,
        memory: &Memory,
        chain: &Chain,
        chunk: &mut [u8],
    ) -> Result<Option<u32>, Malformed> {
        let space = room(chain)?;
        loop {
            if let Some(header) = self.sockets.answer() {
                return head(memory, chain, header).map(Some);
            }
            let others = self
                .streams
                .range((Bound::Excluded(self.last), Bound::Unbounded));
            let mut others = others.chain(self.streams.range(..=self.last));
            let ready = others.find_map(|(id, stream)| {
                let key = stream.key.filter(|_| stream.readable)?;
                let room = u64::from(self.sockets.room(key)).min(space.length);
                (room > 0).then_some((*id, key, room))
            });
            let Some((id, key, room)) = ready else {
                return Ok(None);
            };
            let Some(stream) = self.streams.get_mut(&id) else {
                return Ok(None);
            };
            self.last = id;
            let part = chunk.len().min(room as usize);
            match stream.socket.read(&mut chunk[..part]) {
                Ok(0) if stream.deaf => {
                    self.streams.remove(&id);
                    self.sockets.closed(key);
                }
                Ok(0) => {
                    stream.readable = false;
                    self.sockets.finished(key);
                }
                Ok(count) => {
                    if let Some(header) = self.sockets.data(key, count as u32) {
                        let bytes = &chunk[..count];
                        chain.writable().write(memory, HEADER as u64, bytes)?;
                        return head(memory, chain, header).map(Some);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => stream.readable = false,
                Err(_) => {
                    self.streams.remove(&id);
                    self.sockets.closed(key);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stream(key: Option<Key>) -> (Stream, UnixStream) {
        let (socket, other) = UnixStream::pair().expect("sockets");
        let stream = Stream {
            socket,
            key,
            outgoing: VecDeque::from([0; 9]),
            last: key.is_none(),
            readable: false,
            deaf: false,
        };
        (stream, other)
    }

    #[test]
    fn who_does_not_read_costs_no_connection_that_is_open() {
        let key = Key { guest: 1, host: 2 };
        let (first, _other) = stream(Some(key));
        let mut open = Open {
            sockets: Sockets::new(3, [2]),
            streams: BTreeMap::from([(0, first)]),
            next: 0,
            last: 0,
            reset: Reset::Heard,
        };
        let mut log = Log::new("v".to_owned(), "vsock".to_owned());
        for id in 1..=2 * MOST as u64 {
            open.streams.insert(id, stream(None).0);
            open.bound(&mut log);
        }
        assert_eq!(open.streams.len(), 2 * MOST);
        assert_eq!(open.id(key), Some(0));
        assert!(!open.streams.contains_key(&1));
    }

    const MARK: &str = "VMLOCK_TEST_DESCRIPTORS";

    /// Run by itself, with a limit.
    #[test]
    fn looks_at_the_limit() {
        if std::env::var_os(MARK).is_none() {
            return;
        }
        let code = match descriptors() {
            Ok(()) => {
                let (limit, _) = getrlimit(Resource::RLIMIT_NOFILE).expect("there is one");
                if limit >= DESCRIPTORS { 77 } else { 78 }
            }
            Err(error) if error.to_string().starts_with("300 open files") => 79,
            Err(_) => 80,
        };
        std::process::exit(code);
    }

    #[test]
    fn what_all_connections_may_need_is_there_or_missing_at_once() {
        for (limit, code) in [("-Sn 300", 77), ("-n 300", 79)] {
            let name = "device::virtio::vsock::tests::looks_at_the_limit";
            let script = format!("ulimit {limit} && exec \"$0\" --exact {name}");
            let ended = std::process::Command::new("sh")
                .args(["-c", &script])
                .arg(std::env::current_exe().expect("the tests' program"))
                .env(MARK, "")
                .stdout(std::process::Stdio::null())
                .status();
            assert_eq!(
                ended.expect("a system has it").code(),
                Some(code),
                "{limit}"
            );
        }
    }
}
