//! A stream of bytes to an end on another host: TCP's, or two pipes that ssh has between them.
//!
//! What is said goes in frames. Each has an HMAC-SHA-256 (RFC 2104) over what it is, its place in the order and who says it, by a
//! key that both ends make of the token that they share and of random bytes of either: what was changed, left out, doubled,
//! or said by somebody without the token is no frame, and nothing of it is used. Nothing is encrypted. Of pipes without a token that is known
//! to everybody: there the same sum finds what broke on its way, and who is at their other end is the user's to know.

use super::protocol::Message;
use crate::failure::Failure;
use hmac::{Hmac, KeyInit as _, Mac as _};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use sha2::Sha256;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, IsTerminal as _, Read as _, Write as _};
use std::net::TcpStream;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Bytes of a token, of what either end adds to it, and of a sum.
pub const SUM: usize = 32;
/// What either end begins with: other programs part here.
const HELLO: &[u8; 16] = b"vmlock hand-over";
/// Bytes of a page, as they are counted here whatever pages a host or a guest has.
pub const PAGE: usize = 4096;
/// The most pages in a frame.
pub const PAGES: usize = 64;
/// The most bytes of a frame beside its head and its sum.
const BODY: usize = 8 + PAGES * PAGE;
/// The most bytes of words.
const WORDS: usize = 4096;
/// Bytes before the body: what it is, and how long.
const HEAD: usize = 5;
/// Bytes with which an end says what it begins with, and with which it then shows that it has the token: nothing more is taken before.
const BEGIN: usize = HELLO.len() + SUM;
const SHOWN: usize = HEAD + SUM;
/// The most bytes that are taken at once.
const TAKEN: usize = 16 << 10;
/// How long the other end may take to take or to give one frame.
pub const SILENCE: Duration = Duration::from_secs(30);
/// What a pipe takes without being waited for once it takes anything (`PIPE_BUF`, pipe(7)).
const PIPE: usize = 4096;

/// What the two ends of one hand-over know, and nobody else.
pub struct Token([u8; SUM]);

impl Token {
    /// That of random bytes.
    pub fn of(random: [u8; SUM]) -> Self {
        Self(random)
    }

    /// That of pipes for which there is none.
    pub fn none() -> Self {
        Self([0; SUM])
    }

    /// Writes it to a new file that nobody else can read.
    ///
    /// # Errors
    /// It cannot be written, or is there already: whose it is, nobody can tell.
    pub fn keep(&self, path: &Path) -> Result<(), Failure> {
        let mut options = OpenOptions::new();
        let options = options.write(true).create_new(true).mode(0o600);
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let kept = options
            .open(path)
            .and_then(|mut file| file.write_all(format!("{digits}\n").as_bytes()));
        kept.map_err(|e| {
            let words = format!("the token cannot be written to `{}`: {e}", path.display());
            let help = ["name a file that is not there yet, in a folder of yours; a `receive` that was ended while it waited has left its own behind: remove that one"];
            Failure::environment(words, &help)
        })
    }

    /// That of a file.
    ///
    /// # Errors
    /// It has none, or others can read it.
    pub fn read(path: &Path) -> Result<Self, Failure> {
        let wrong = |why: &str, help: &str| {
            let words = format!("the token in `{}` cannot be used: {why}", path.display());
            Failure::environment(words, &[help])
        };
        let copy =
            "copy the file that `vmlock-run receive --token-file` wrote, for instance with scp";
        let file = crate::files::open(path).map_err(|e| wrong(&e.to_string(), copy))?;
        let mode = file.metadata().map_or(0o777, |found| found.mode());
        if mode & 0o077 != 0 {
            return Err(wrong("others can read it", "`chmod 600` it"));
        }
        let mut digits = String::new();
        let read = file.take(2 * SUM as u64 + 2).read_to_string(&mut digits);
        read.map_err(|e| wrong(&e.to_string(), copy))?;
        let digits = digits.trim_end();
        let plain = digits.len() == 2 * SUM && digits.bytes().all(|b| b.is_ascii_hexdigit());
        let pairs = digits.as_bytes().chunks_exact(2).map(|pair| {
            let pair = str::from_utf8(pair).ok()?;
            u8::from_str_radix(pair, 16).ok()
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        let bytes = bytes.and_then(|bytes| bytes.try_into().ok());
        let token = bytes.filter(|_| plain).map(Self);
        token.ok_or_else(|| wrong("it has not 64 hexadecimal digits", copy))
    }
}

fn key(bytes: &[u8]) -> io::Result<Hmac<Sha256>> {
    Hmac::new_from_slice(bytes).map_err(io::Error::other)
}

/// Where a guest goes to another host, or comes from there.
#[derive(Clone, Copy)]
pub enum Place<'a> {
    /// By TCP.
    Tcp(&'a str),
    /// By stdin and stdout.
    Pipes,
}

impl<'a> Place<'a> {
    /// What a command line calls so; `None` for a socket of this host.
    pub fn of(given: &'a str) -> Option<Self> {
        match given {
            "-" => Some(Self::Pipes),
            _ => given.strip_prefix("tcp:").map(Self::Tcp),
        }
    }
}

/// Looks whether stdin and stdout can have another end.
///
/// # Errors
/// One of them is a terminal.
pub fn no_terminal() -> Result<(), Failure> {
    match io::stdin().is_terminal() || io::stdout().is_terminal() {
        false => Ok(()),
        true => Err(Failure::usage(
            "with `-`, the other end of the hand-over is at stdin and stdout, and here is a terminal",
            &["two pipes, for instance through ssh: `vmlock-run migrate --help` has an example"],
        )),
    }
}

/// Which end this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// It has the guest.
    Gives,
    /// It is to have it.
    Takes,
}

/// What is said.
#[derive(Debug, PartialEq, Eq)]
pub enum Frame {
    /// Whoever says so has the token.
    Here,
    /// What both ends say on one host, too.
    Words(Message),
    /// Pages of guest memory, from that one on.
    Pages {
        /// The number of the first one, counted from the memory's begin.
        first: u64,
        /// What they hold.
        bytes: Vec<u8>,
    },
    /// A piece of the guest's state: what its file has there. It is that long at least.
    State {
        /// Where that is in the file.
        at: u64,
        /// What it holds.
        bytes: Vec<u8>,
    },
}

const HERE: u8 = 0;
const SAID: u8 = 1;
const MEMORY: u8 = 2;
const STATE: u8 = 3;

/// The other end.
pub struct Far {
    input: Arc<File>,
    output: Arc<File>,
    /// The most bytes that are written at once.
    piece: usize,
    side: Side,
    key: Hmac<Sha256>,
    said: u64,
    heard: u64,
    /// What has come, and is no whole frame yet.
    came: Vec<u8>,
    gone: bool,
}

fn wrong(words: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, words)
}

/// Waits until then for that descriptor; whether it has anything.
fn wait(fd: BorrowedFd<'_>, flags: PollFlags, until: Instant) -> io::Result<bool> {
    loop {
        let left = until.saturating_duration_since(Instant::now());
        let timeout = match left.is_zero() {
            true => PollTimeout::ZERO,
            false => PollTimeout::try_from(left.as_millis() + 1).unwrap_or(PollTimeout::MAX),
        };
        match poll(&mut [PollFd::new(fd, flags)], timeout) {
            Ok(0) if left.is_zero() => return Ok(false),
            Ok(0) | Err(nix::errno::Errno::EINTR) => {}
            Ok(_) => return Ok(true),
            Err(errno) => return Err(errno.into()),
        }
    }
}

/// What is to be tried again.
fn again(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock)
}

impl Far {
    /// Meets the other end of a connection.
    ///
    /// # Errors
    /// As [`Far::meet`].
    pub fn tcp(
        stream: TcpStream,
        side: Side,
        token: &Token,
        random: [u8; SUM],
    ) -> io::Result<Self> {
        Meeting::tcp(stream, side, token, random)?.met()
    }

    /// Meets who is at the other ends of stdin and stdout, which are those of `/dev/null` from then on.
    ///
    /// # Errors
    /// As [`Far::meet`].
    pub fn pipes(side: Side, token: &Token, random: [u8; SUM]) -> io::Result<Self> {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        // A guest that has come keeps no way to where it came from.
        let null = OpenOptions::new()
            .read(true)
            .write(true)
            .open("/dev/null")?;
        nix::unistd::dup2_stdin(&null)?;
        nix::unistd::dup2_stdout(&null)?;
        Self::meet((input.into(), output.into()), PIPE, side, token, random)
    }

    /// Both ends say who they are, this one with random bytes that no other hand-over has.
    ///
    /// # Errors
    /// There is nobody, or somebody without the token.
    pub fn meet(
        (input, output): (File, File),
        piece: usize,
        side: Side,
        token: &Token,
        mine: [u8; SUM],
    ) -> io::Result<Self> {
        Meeting::begin((input.into(), output.into()), piece, side, token, mine)?.met()
    }

    /// What is to be waited for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.input.as_fd()
    }

    fn sum(&self, side: Side, number: u64, head: &[u8], body: &[u8]) -> Hmac<Sha256> {
        let mut sum = self.key.clone();
        sum.update(&[u8::from(side == Side::Gives)]);
        sum.update(&number.to_le_bytes());
        sum.update(head);
        sum.update(body);
        sum
    }

    /// Says that. It is waited for until it takes it, but not for long.
    ///
    /// # Errors
    /// It has gone, or takes nothing.
    pub fn say(&mut self, frame: &Frame) -> io::Result<()> {
        let (kind, body) = match frame {
            Frame::Here => (HERE, Vec::new()),
            Frame::Words(said) => (SAID, serde_json::to_vec(said).map_err(io::Error::other)?),
            Frame::Pages { first, bytes } => (MEMORY, [&first.to_le_bytes()[..], bytes].concat()),
            Frame::State { at, bytes } => (STATE, [&at.to_le_bytes()[..], bytes].concat()),
        };
        let length = u32::try_from(body.len()).map_err(io::Error::other)?;
        let mut all = Vec::with_capacity(HEAD + body.len() + SUM);
        all.push(kind);
        all.extend(length.to_le_bytes());
        let sum = self.sum(self.side, self.said, &all, &body);
        self.said += 1;
        all.extend(body);
        all.extend(sum.finalize().into_bytes());
        self.write(&all, Instant::now() + SILENCE)
    }

    /// Says words.
    ///
    /// # Errors
    /// As [`Far::say`].
    pub fn tell(&mut self, said: &Message) -> io::Result<()> {
        self.say(&Frame::Words(said.clone()))
    }

    fn write(&mut self, mut bytes: &[u8], until: Instant) -> io::Result<()> {
        while !bytes.is_empty() {
            if !wait(self.output.as_fd(), PollFlags::POLLOUT, until)? {
                return Err(ErrorKind::TimedOut.into());
            }
            match self.output.write(&bytes[..bytes.len().min(self.piece)]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(count) => bytes = &bytes[count..],
                Err(error) if again(&error) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes what comes by then.
    fn fill(&mut self, until: Instant) -> io::Result<()> {
        match self.take(until, TAKEN)? {
            true => Ok(()),
            false => Err(ErrorKind::TimedOut.into()),
        }
    }

    /// The same, and no more than that; whether anything has come.
    fn take(&mut self, until: Instant, most: usize) -> io::Result<bool> {
        if self.gone {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if !wait(self.input.as_fd(), PollFlags::POLLIN, until)? {
            return Ok(false);
        }
        let mut piece = [0; TAKEN];
        match self.input.read(&mut piece[..most.min(TAKEN)]) {
            Ok(0) => self.gone = true,
            Ok(count) => self.came.extend(&piece[..count]),
            Err(error) if again(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(true)
    }

    /// What it has said, if anything; it is not waited for.
    ///
    /// # Errors
    /// It has gone, or it was not the other end that said this.
    pub fn next(&mut self) -> io::Result<Option<Frame>> {
        loop {
            if let Some(frame) = self.whole()? {
                return Ok(Some(frame));
            }
            if !self.take(Instant::now(), TAKEN)? {
                return Ok(None);
            }
        }
    }

    /// What it says until then.
    ///
    /// # Errors
    /// As [`Far::next`], or nothing comes.
    pub fn next_until(&mut self, until: Instant) -> io::Result<Frame> {
        loop {
            if let Some(frame) = self.whole()? {
                return Ok(frame);
            }
            self.fill(until)?;
        }
    }

    /// The first whole frame of what has come.
    fn whole(&mut self) -> io::Result<Option<Frame>> {
        let Some(head) = self.came.first_chunk::<HEAD>().copied() else {
            return Ok(None);
        };
        let [kind, length @ ..] = head;
        let length = u32::from_le_bytes(length) as usize;
        let most = match kind {
            HERE => 0,
            SAID => WORDS,
            MEMORY | STATE => BODY,
            _ => return Err(wrong("it says what no `vmlock-run` does")),
        };
        if length > most {
            return Err(wrong("it says more at once than it may"));
        }
        let (body, end) = (HEAD + length, HEAD + length + SUM);
        if self.came.len() < end {
            return Ok(None);
        }
        let other = match self.side {
            Side::Gives => Side::Takes,
            Side::Takes => Side::Gives,
        };
        let sum = self.sum(other, self.heard, &head, &self.came[HEAD..body]);
        // It takes the same time whatever differs.
        let same = sum.verify_slice(&self.came[body..end]);
        same.map_err(|_| {
            wrong("its sum is another one: it has another token, or what it said was changed on its way")
        })?;
        self.heard += 1;
        let mut all: Vec<u8> = self.came.drain(..end).collect();
        all.truncate(body);
        let said = all.split_off(HEAD);
        frame(kind, said).map(Some)
    }
}

/// An other end that has yet to say what it begins with and, where it gives, to show that it has the token. It costs some hundred
/// bytes, whatever it says.
pub struct Meeting {
    far: Far,
    mine: [u8; SUM],
    /// Its begin has come.
    begun: bool,
    until: Instant,
}

impl Meeting {
    /// Begins with whoever is at the other end of a connection.
    ///
    /// # Errors
    /// There is nobody any more.
    pub fn tcp(
        stream: TcpStream,
        side: Side,
        token: &Token,
        random: [u8; SUM],
    ) -> io::Result<Self> {
        // Words are short, and waited for.
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let both = Arc::new(File::from(OwnedFd::from(stream)));
        Self::begin((Arc::clone(&both), both), usize::MAX, side, token, random)
    }

    fn begin(
        (input, output): (Arc<File>, Arc<File>),
        piece: usize,
        side: Side,
        token: &Token,
        mine: [u8; SUM],
    ) -> io::Result<Self> {
        let mut far = Far {
            input,
            output,
            piece,
            side,
            key: key(&token.0)?,
            said: 0,
            heard: 0,
            came: Vec::with_capacity(BEGIN),
            gone: false,
        };
        let until = Instant::now() + SILENCE;
        // A connection that has just been made has room for that.
        far.write(&[&HELLO[..], &mine].concat(), until)?;
        Ok(Self {
            far,
            mine,
            begun: false,
            until,
        })
    }

    /// What is to be waited for.
    pub fn fd(&self) -> BorrowedFd<'_> {
        self.far.fd()
    }

    /// It has said nothing yet.
    pub fn is_silent(&self) -> bool {
        !self.begun && self.far.came.is_empty()
    }

    /// Takes what has come, which is not waited for; whether it is met by that.
    ///
    /// # Errors
    /// It has gone, or has no token, or is another program.
    pub fn look(&mut self) -> io::Result<bool> {
        loop {
            if self.step()? {
                return Ok(true);
            }
            let most = self.wants();
            if !self.far.take(Instant::now(), most)? {
                return Ok(false);
            }
        }
    }

    /// The other end, which was met.
    pub fn end(self) -> Far {
        self.far
    }

    /// The other end, once it is met; it is waited for, but not for long.
    fn met(mut self) -> io::Result<Far> {
        while !self.step()? {
            let most = self.wants();
            if !self.far.take(self.until, most)? {
                return Err(ErrorKind::TimedOut.into());
            }
        }
        Ok(self.far)
    }

    /// So many bytes are still missing from what it has to say next.
    fn wants(&self) -> usize {
        let whole = if self.begun { SHOWN } else { BEGIN };
        whole - self.far.came.len().min(whole)
    }

    /// Goes as far as what has come goes.
    fn step(&mut self) -> io::Result<bool> {
        if !self.begun {
            let Some(theirs) = self.hello()? else {
                return Ok(false);
            };
            self.begun = true;
            let far = &mut self.far;
            let (gives, takes) = match far.side {
                Side::Gives => (self.mine, theirs),
                Side::Takes => (theirs, self.mine),
            };
            for part in [&HELLO[..], &gives, &takes] {
                far.key.update(part);
            }
            far.key = key(&far.key.clone().finalize().into_bytes())?;
            // The taking end says what it has to that one alone.
            if far.side == Side::Gives {
                far.say(&Frame::Here)?;
                return Ok(true);
            }
        }
        match self.far.whole()? {
            Some(Frame::Here) => Ok(true),
            // It is as long as no other frame is.
            None if self.far.came.first().is_none_or(|kind| *kind == HERE) => Ok(false),
            _ => Err(wrong("it does not say who it is")),
        }
    }

    /// What the other end begins with.
    fn hello(&mut self) -> io::Result<Option<[u8; SUM]>> {
        let came = &mut self.far.came;
        let known = came.len().min(HELLO.len());
        if came[..known] != HELLO[..known] {
            return Err(wrong("it is no `vmlock-run`"));
        }
        let Some(rest) = came.get(HELLO.len()..BEGIN) else {
            return Ok(None);
        };
        let theirs = rest.try_into().ok();
        came.drain(..BEGIN);
        Ok(theirs)
    }
}

/// Words without what a terminal takes for orders.
fn plain(words: &str) -> String {
    let plain = |c: char| match c.is_control() {
        true => c.escape_default().to_string(),
        false => c.to_string(),
    };
    words.chars().map(plain).collect()
}

fn frame(kind: u8, mut body: Vec<u8>) -> io::Result<Frame> {
    Ok(match kind {
        HERE => Frame::Here,
        SAID => {
            let said = serde_json::from_slice(&body);
            Frame::Words(
                match said.map_err(|e| wrong(&format!("it makes no sense: {e}")))? {
                    // It goes to a terminal, or to a log.
                    Message::No { why } => Message::no(&plain(&why)),
                    said => said,
                },
            )
        }
        _ => {
            let first = body.first_chunk().map(|first| u64::from_le_bytes(*first));
            let first = first.ok_or_else(|| wrong("what it gives has no place"))?;
            let bytes = body.split_off(8);
            if kind == STATE {
                return Ok(Frame::State { at: first, bytes });
            }
            match bytes.len().is_multiple_of(PAGE) && !bytes.is_empty() {
                true => Frame::Pages { first, bytes },
                false => return Err(wrong("its pages are no whole ones")),
            }
        }
    })
}

#[cfg(test)]
mod tests;
