//! A cable from one host to the next: what the card at either end sends comes to the other one, as it is (`peer/cable.rs` says in which
//! form), and whoever sends waits until it is taken.

use crate::failure::{Failure, Result};
use std::io;
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long it waits before it looks again whether a host has plugged in.
const TICK: Duration = Duration::from_millis(20);

/// A cable that has two ends, wherever they are plugged in. Once one of them is pulled, so is the other. Its hosts end before it
/// is dropped.
pub struct Way {
    /// Where both plug in.
    pub socket: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Way {
    /// One that waits at that socket.
    pub fn start(socket: PathBuf) -> Result<Self> {
        let listener = UnixListener::bind(&socket)
            .and_then(|listener| listener.set_nonblocking(true).map(|()| listener))
            .map_err(|e| Failure::file("listen on", &socket, &e))?;
        let stop = Arc::default();
        let stops = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            if let (Some(one), Some(other)) = (end(&listener, &stops), end(&listener, &stops)) {
                join(&one, &other);
            }
        });
        Ok(Self {
            socket,
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Way {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        let _ = std::fs::remove_file(&self.socket);
    }
}

/// The next host that plugs in.
fn end(listener: &UnixListener, stop: &AtomicBool) -> Option<UnixStream> {
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((stream, _)) => return Some(stream),
            Err(_) => thread::sleep(TICK),
        }
    }
    None
}

/// Brings each what the other one sends, until one of them is gone.
fn join(one: &UnixStream, other: &UnixStream) {
    let brings = |mut from: &UnixStream, mut to: &UnixStream| {
        // However it ends, nothing more goes either way.
        let _ = io::copy(&mut from, &mut to);
        for stream in [from, to] {
            let _ = stream.shutdown(Shutdown::Both);
        }
    };
    thread::scope(|scope| {
        scope.spawn(|| brings(one, other));
        brings(other, one);
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Scratch;
    use std::io::{Read as _, Write as _};

    #[test]
    fn both_ends_hear_each_other_until_one_is_pulled() {
        let scratch = Scratch::new().unwrap();
        let way = Way::start(scratch.path().join("way")).unwrap();
        let plug = || UnixStream::connect(&way.socket).unwrap();
        let (mut one, mut other) = (plug(), plug());
        one.write_all(b"there").unwrap();
        other.write_all(b"again").unwrap();
        let mut heard = [[0; 5]; 2];
        other.read_exact(&mut heard[0]).unwrap();
        one.read_exact(&mut heard[1]).unwrap();
        assert_eq!(heard, [*b"there", *b"again"]);
        drop(one);
        assert_eq!(other.read(&mut [0; 1]).unwrap(), 0);
        // Nor does it wait for ever for one that never comes.
        drop(Way::start(scratch.path().join("unused")).unwrap());
    }
}
