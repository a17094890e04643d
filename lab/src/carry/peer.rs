//! Somebody whom a guest talks to all its way, and who is not carried: a thread of the lab, the same from the first host to
//! the last. A network card of each host ends here (`cable.rs`), and the hosts bridge it to the guest's taps. Hosts that are there at
//! once all hear it, and it hears all of them: the guest is in one.
//!
//! While no host is there, or none that has the guest, frames are lost; the connection lasts.

use crate::failure::{Failure, Result};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::os::fd::AsFd;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

mod cable;
mod end;

use cable::Cable;
use end::End;
pub use end::Heard;

/// How long it waits for a frame, in milliseconds, before it looks what else is to be done.
const TICK: u16 = 20;

/// How long after the last frame its time goes on. A guest that is there pings five times a second.
const ALONE: Duration = Duration::from_secs(2);

/// The peer. Its thread ends when it is dropped.
pub struct Peer {
    /// Where hosts plug in.
    pub socket: PathBuf,
    heard: Arc<Mutex<Heard>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Peer {
    /// One that waits for hosts at a socket in that directory, and has heard of nobody.
    pub fn start(dir: &Path) -> Result<Self> {
        let socket = dir.join("peer");
        let listener = UnixListener::bind(&socket)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|e| Failure::file("listen on", &socket, &e))?;
        let (heard, stop) = (Arc::default(), Arc::default());
        let (tells, stops) = (Arc::clone(&heard), Arc::clone(&stop));
        let thread = thread::spawn(move || attend(&listener, &tells, &stops));
        Ok(Self {
            socket,
            heard,
            stop,
            thread: Some(thread),
        })
    }

    /// What it has heard up to now.
    pub fn heard(&self) -> Heard {
        let heard = self.heard.lock();
        heard.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// What its thread does until it is to stop.
fn attend(listener: &UnixListener, tells: &Mutex<Heard>, stop: &AtomicBool) {
    let mut end = End::new();
    let mut cables: Vec<Cable> = Vec::new();
    let mut clock = Clock::new(Instant::now());
    while !stop.load(Ordering::Relaxed) {
        wait(listener, &cables);
        if let Ok((stream, _)) = listener.accept() {
            cables.extend(Cable::new(stream));
        }
        let mut frames = Vec::new();
        cables.retain_mut(|cable| match cable.frames() {
            Some(came) => {
                frames.extend(came);
                true
            }
            None => false,
        });
        let now = clock.now(Instant::now(), !frames.is_empty());
        frames.into_iter().for_each(|frame| end.takes(frame));
        end.tends(now);
        while let Some(frame) = end.gives() {
            cables.iter_mut().for_each(|cable| cable.send(&frame));
        }
        let mut told = tells.lock().unwrap_or_else(PoisonError::into_inner);
        told.clone_from(end.heard());
    }
}

/// Until a host plugs in, a frame comes, or the tick is over.
fn wait(listener: &UnixListener, cables: &[Cable]) {
    let cables = cables.iter().map(|cable| cable.stream().as_fd());
    let mut all: Vec<PollFd> = [listener.as_fd()]
        .into_iter()
        .chain(cables)
        .map(|fd| PollFd::new(fd, PollFlags::POLLIN))
        .collect();
    if poll(&mut all, PollTimeout::from(TICK)).is_err() {
        thread::sleep(Duration::from_millis(TICK.into()));
    }
}

/// The peer's time. It stands still while nothing is heard: else what was lost would be sent again only after as long as the
/// guest was away, up to a minute, in each host.
struct Clock {
    time: Duration,
    last: Instant,
    heard: Instant,
}

impl Clock {
    fn new(now: Instant) -> Self {
        Self {
            time: Duration::ZERO,
            last: now,
            heard: now,
        }
    }

    fn now(&mut self, now: Instant, hears: bool) -> Duration {
        if hears {
            self.heard = now;
        }
        if now.duration_since(self.heard) < ALONE {
            self.time += now.duration_since(self.last);
        }
        self.last = now;
        self.time
    }
}
