//! Who comes by TCP before the guest does. Anybody can connect there, and say nothing, or something else than the token: so
//! several are waited for at once, by one thread, and whoever shows the token first is taken. None of the others keeps
//! that one out, but who connects so often that no place is left for it.

use super::said;
use crate::handover::far::{Far, Meeting, SILENCE, SUM, Side, Token};
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener};
use std::os::fd::AsFd as _;
use std::time::{Duration, Instant};

/// How many are waited for at once: one descriptor and some hundred bytes each.
const PLACES: usize = 64;
/// How many of those that are sent away are told of: whoever wants to can come for ever.
const TOLD: u32 = 100;

/// Somebody who has yet to show the token.
struct Stranger {
    meeting: Meeting,
    from: SocketAddr,
    until: Instant,
}

/// Who waits at a listener, the oldest first, and who was sent away.
pub(super) struct Door<'a> {
    listener: &'a TcpListener,
    token: &'a Token,
    waiting: Vec<Stranger>,
    /// How long each is waited for.
    time: Duration,
    tell: &'a mut dyn FnMut(&str),
    sent: u32,
}

impl<'a> Door<'a> {
    /// Of a listener that waits for nobody from then on; `tell` is told who is sent away, and why.
    pub(super) fn new(
        listener: &'a TcpListener,
        token: &'a Token,
        tell: &'a mut dyn FnMut(&str),
    ) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            listener,
            token,
            waiting: Vec::with_capacity(PLACES),
            time: SILENCE,
            tell,
            sent: 0,
        })
    }

    /// The first one who shows the token; each connection gets random bytes of its own. Nobody is waited for any more then.
    ///
    /// # Errors
    /// Nobody can come, or there are no random bytes.
    pub(super) fn first<E>(
        mut self,
        mut random: impl FnMut() -> Result<[u8; SUM], E>,
        cannot: impl Fn(io::Error) -> E,
    ) -> Result<Far, E> {
        loop {
            let comes = self.wait().map_err(&cannot)?;
            // Before somebody new comes, so that nobody has to go who has said what is yet to be read.
            if let Some(far) = self.look() {
                return Ok(far);
            }
            if comes {
                self.take(random()?).map_err(&cannot)?;
            }
        }
    }

    /// Until something can be done; whether somebody has come.
    fn wait(&self) -> io::Result<bool> {
        let ends = self.waiting.iter().map(|it| it.until).min();
        let timeout = ends.map_or(PollTimeout::NONE, |end| {
            let left = end.saturating_duration_since(Instant::now());
            PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX)
        });
        let all = self.waiting.iter().map(|it| it.meeting.fd());
        let all = [self.listener.as_fd()].into_iter().chain(all);
        let mut fds: Vec<_> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match poll(&mut fds, timeout) {
            Ok(_) => Ok(fds[0].any().unwrap_or(true)),
            Err(Errno::EINTR) => Ok(false),
            Err(errno) => Err(errno.into()),
        }
    }

    /// What those say who wait; the first who has shown the token. Who has waited for too long goes.
    fn look(&mut self) -> Option<Far> {
        let now = Instant::now();
        let mut at = 0;
        while let Some(stranger) = self.waiting.get_mut(at) {
            let why = match stranger.meeting.look() {
                Ok(true) => return Some(self.waiting.remove(at).meeting.end()),
                Ok(false) if now < stranger.until => {
                    at += 1;
                    continue;
                }
                Ok(false) => said(&ErrorKind::TimedOut.into()),
                Err(error) => said(&error),
            };
            self.send_away(at, &why);
        }
        None
    }

    /// Takes one more in, for whom the oldest has to go who says nothing, or the oldest of all, if no place is left.
    fn take(&mut self, random: [u8; SUM]) -> io::Result<()> {
        let (stream, from) = match self.listener.accept() {
            Ok(came) => came,
            Err(error) => match error.kind() {
                ErrorKind::ConnectionAborted | ErrorKind::WouldBlock | ErrorKind::Interrupted => {
                    return Ok(());
                }
                _ => return Err(error),
            },
        };
        let meeting = match Meeting::tcp(stream, Side::Takes, self.token, random) {
            Ok(meeting) => meeting,
            // Nobody goes for one who has gone again.
            Err(error) => {
                self.tell_of(from, &said(&error));
                return Ok(());
            }
        };
        if self.waiting.len() == PLACES {
            let silent = |it: &Stranger| it.meeting.is_silent();
            let oldest = self.waiting.iter().position(silent).unwrap_or(0);
            self.send_away(
                oldest,
                "others have come since, and it has not shown the token",
            );
        }
        self.waiting.push(Stranger {
            meeting,
            from,
            until: Instant::now() + self.time,
        });
        Ok(())
    }

    fn send_away(&mut self, at: usize, why: &str) {
        let Stranger { from, .. } = self.waiting.remove(at);
        self.tell_of(from, why);
    }

    fn tell_of(&mut self, from: SocketAddr, why: &str) {
        self.sent = self.sent.saturating_add(1);
        if self.sent <= TOLD {
            (self.tell)(&format!("`{from}` is sent away: {why}"));
        }
        if self.sent == TOLD {
            (self.tell)("whoever else is sent away is not told of");
        }
    }
}

#[cfg(test)]
mod tests;
