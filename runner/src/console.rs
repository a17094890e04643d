//! The guest's console where it is not stdin and stdout: `start --console FILE`, `--console unix:SOCKET`.
//!
//! What the guest says goes into a buffer of a fixed size, and one thread carries it from there to the file, or to
//! whoever is connected. So no vCPU waits for a disk that is full or a reader that is slow: of what has no room, the
//! oldest goes, and is counted and said. Who connects later hears what is still there.

use crate::control::place::{listen, passed_in};
use crate::counters::Count;
use crate::device::rate::RateLimit;
use crate::device::virtio::disk::taken::Taken;
use crate::failure::Failure;
use crate::jail::elders::Elders;
use crate::jail::table::Thread;
use crate::passed;
use crate::say;
use crate::unix::{self, peer};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::unistd::geteuid;
use std::collections::VecDeque;
use std::fs::{File, FileType, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

/// Readers that are connected at a time, with one that has gone and is still listened to.
pub const READERS: u64 = 2;
/// How many bytes wait to be carried out.
const HELD: usize = 256 << 10;
/// How many are carried out at a time.
const PIECE: usize = 16 << 10;
/// How long it is until a file that took nothing is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// How long the last bytes may take at the end of the machine.
const FAREWELL: Duration = Duration::from_secs(2);

/// Where a console goes, opened.
enum Place {
    /// To the end of a file.
    File(File),
    /// To whoever connects.
    Socket(UnixListener),
}

/// Opens what `--console` names.
///
/// # Errors
/// It is neither a file nor a terminal, or not to be had; for a socket as [`listen`].
fn open(named: &str) -> Result<Place, Failure> {
    if let Some(path) = named.strip_prefix("unix:") {
        return listen("console", Path::new(path)).map(Place::Socket);
    }
    if let Some(number) = passed::number(named) {
        return passed_in("console", number).map(Place::Socket);
    }
    let wrong = |e: io::Error| {
        Failure::environment(
            format!("the console cannot go to `{named}`: {e}"),
            &["name a file, or a socket as `unix:PATH`, or as `fd:N` one that was passed in"],
        )
    };
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        // A pipe would wait for its reader.
        .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
        .open(named)
        .map_err(wrong)?;
    let kind = file.metadata().map_err(wrong)?.file_type();
    if !takes(kind) {
        return Err(wrong(io::Error::other(
            "it is neither a file nor a terminal",
        )));
    }
    Ok(Place::File(file))
}

fn takes(kind: FileType) -> bool {
    kind.is_file() || kind.is_char_device()
}

/// What the guest said and nobody has yet.
#[derive(Default)]
struct Held {
    bytes: VecDeque<u8>,
    /// How many were said before the first of them.
    before: u64,
    /// Nobody takes them at present.
    stuck: bool,
}

/// Between the guest and the thread.
struct Buffer {
    held: Mutex<Held>,
    /// Something is held.
    wake: EventFd,
    /// Nothing is held any more, or nobody takes it.
    rests: Condvar,
    /// Bytes that nobody will have. Whoever has the lock adds.
    lost: Arc<Count>,
}

impl Buffer {
    fn new() -> io::Result<Self> {
        Ok(Self {
            held: Mutex::default(),
            wake: EventFd::from_flags(EfdFlags::EFD_CLOEXEC | EfdFlags::EFD_NONBLOCK)?,
            rests: Condvar::new(),
            lost: Arc::default(),
        })
    }

    /// A panic ends the process, so poison says nothing.
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(|e| e.into_inner())
    }

    fn put(&self, bytes: &[u8]) {
        let mut held = self.held();
        let was_empty = held.bytes.is_empty();
        held.bytes.extend(bytes);
        let over = held.bytes.len().saturating_sub(HELD);
        self.take(&mut held, over);
        self.lost.add(over as u64);
        if was_empty {
            // A counter that is full wakes as well.
            let _ = self.wake.write(1);
        }
    }

    /// The first bytes, and how many were said before them.
    fn first(&self) -> (u64, Vec<u8>) {
        // It is level, and looked at each time.
        let _ = self.wake.read();
        let held = self.held();
        (
            held.before,
            held.bytes.iter().take(PIECE).copied().collect(),
        )
    }

    /// Bytes were carried out, up to so many that were said: fewer are held now, unless they had to go meanwhile.
    fn gone(&self, upto: u64) {
        let mut held = self.held();
        let count = upto.saturating_sub(held.before) as usize;
        self.take(&mut held, count);
    }

    /// Says whether anybody takes what is held.
    fn stuck(&self, stuck: bool) {
        self.held().stuck = stuck;
        self.rests.notify_all();
    }

    fn take(&self, held: &mut Held, count: usize) {
        let count = count.min(held.bytes.len());
        held.bytes.drain(..count);
        held.before += count as u64;
        if held.bytes.is_empty() {
            self.rests.notify_all();
        }
    }
}

/// The guest's end: it takes everything at once.
#[derive(Clone)]
pub struct Mouth(Arc<Buffer>);

impl Write for Mouth {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.put(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A console.
pub struct Console {
    buffer: Arc<Buffer>,
    /// Until its thread has it.
    place: Option<Place>,
    ear: Option<Ear>,
}

impl Console {
    /// What `--console` names, opened. It has no thread so far.
    ///
    /// # Errors
    /// It is neither a file nor a terminal, or not to be had; for a socket as [`listen`].
    pub fn open(named: &str) -> Result<Self, Failure> {
        let none = |e: io::Error| Failure::environment(format!("the console: {e}"), &[]);
        let place = open(named)?;
        Ok(Self {
            buffer: Arc::new(Buffer::new().map_err(none)?),
            ear: matches!(place, Place::Socket(_)).then(Ear::default),
            place: Some(place),
        })
    }

    /// Takes its file, which the machine has for nothing else.
    ///
    /// # Errors
    /// It is another file of the machine, or the host says nothing of it.
    pub fn take(&self, taken: &mut Taken) -> Result<(), Failure> {
        let Some(Place::File(file)) = &self.place else {
            return Ok(());
        };
        let wrong = |why: String| {
            let help = "name another file";
            Failure::environment(format!("the console cannot go there: {why}"), &[help])
        };
        match taken.take("the console".to_owned(), file, true) {
            Ok(None) => Ok(()),
            Ok(Some(what)) => Err(wrong(format!("it is {what} of this machine, too"))),
            Err(error) => Err(wrong(error.to_string())),
        }
    }

    /// Starts to carry out what the guest says; what is said to the guest, where somebody can.
    ///
    /// # Errors
    /// There are no more threads to be had.
    pub fn start(&mut self, elders: &mut Elders) -> Result<Option<Ear>, Failure> {
        let shared = Arc::clone(&self.buffer);
        let ear = self.ear.take();
        let heard = ear
            .as_ref()
            .map_or_else(Ear::default, |ear| Ear(Arc::clone(&ear.0)));
        if let Some(place) = self.place.take() {
            let user = geteuid().as_raw();
            elders.spawn(Thread::Carrier, move || match place {
                Place::File(file) => to_file(&shared, &file),
                Place::Socket(listener) => to_reader(&shared, &listener, user, &heard),
            })?;
        }
        Ok(ear)
    }

    /// Bytes of what the guest said that nobody will have.
    pub fn lost(&self) -> Arc<Count> {
        Arc::clone(&self.buffer.lost)
    }

    /// Where the guest speaks.
    pub fn mouth(&self) -> Mouth {
        Mouth(Arc::clone(&self.buffer))
    }

    /// The machine has ended: waits a while for the last bytes, and says what was lost in all.
    pub fn finish(&self) {
        let held = self.buffer.held();
        let waited = self
            .buffer
            .rests
            .wait_timeout_while(held, FAREWELL, |held| !held.bytes.is_empty() && !held.stuck);
        let (held, _) = waited.unwrap_or_else(|e| e.into_inner());
        let lost = self.buffer.lost.get() + held.bytes.len() as u64;
        if lost > 0 {
            trouble(&format!("{lost} bytes of what the guest said are lost"));
        }
    }
}

fn trouble(words: &str) {
    // It is no device of the lock, which may have one of that name.
    say::note(format_args!("console: {words}"));
}

/// Waits until there is something to be done.
fn wait(fds: &mut [PollFd]) {
    if poll(fds, PollTimeout::NONE).is_err() {
        // A signal. Anything else must not make a busy loop of this.
        thread::sleep(Duration::from_millis(1));
    }
}

fn to_file(buffer: &Buffer, mut file: &File) {
    let mut limit = RateLimit::default();
    loop {
        let (before, piece) = buffer.first();
        if piece.is_empty() {
            wait(&mut [PollFd::new(buffer.wake.as_fd(), PollFlags::POLLIN)]);
            continue;
        }
        match file.write(&piece) {
            Ok(count) if count > 0 => {
                buffer.stuck(false);
                buffer.gone(before + count as u64);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // A terminal that nobody reads at the moment.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(RETRY / 100),
            failed => {
                let why = failed.map_or_else(|e| e.to_string(), |_| "it takes nothing".to_owned());
                if let Some(words) = limit.words(
                    Instant::now(),
                    format_args!("what the guest says waits, and the oldest of it is lost: {why}"),
                ) {
                    trouble(&words);
                }
                buffer.stuck(true);
                thread::sleep(RETRY);
            }
        }
    }
}

fn to_reader(buffer: &Buffer, listener: &UnixListener, user: u32, ear: &Ear) {
    let mut reader: Option<Arc<UnixStream>> = None;
    loop {
        let (before, piece) = buffer.first();
        let Some(stream) = &mut reader else {
            buffer.stuck(true);
            wait(&mut [PollFd::new(listener.as_fd(), PollFlags::POLLIN)]);
            reader = accept(listener, user).map(Arc::new);
            buffer.stuck(reader.is_none());
            ear.listen_to(reader.as_ref());
            continue;
        };
        if piece.is_empty() {
            // POLLHUP need not be asked for (poll(2)): who closes its end only to say nothing more goes on reading.
            let mut fds = [
                PollFd::new(buffer.wake.as_fd(), PollFlags::POLLIN),
                PollFd::new(stream.as_fd(), PollFlags::empty()),
            ];
            wait(&mut fds);
            if fds[1].any().is_none_or(|gone| !gone) {
                continue;
            }
        } else {
            match unix::say(stream, &piece) {
                Ok(count) => {
                    buffer.gone(before + count as u64);
                    continue;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    wait(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLOUT)]);
                    continue;
                }
                Err(_) => {}
            }
        }
        reader = None;
        ear.listen_to(None);
    }
}

/// One who may hear and speak, as `user` and root may; `None` where it may not, or nothing can be had.
fn accept(listener: &UnixListener, user: u32) -> Option<UnixStream> {
    let accepted = listener.accept().and_then(|(stream, _)| {
        stream.set_nonblocking(true)?;
        Ok((peer(&stream)?, stream))
    });
    match accepted {
        Ok((who, stream)) => (who == 0 || who == user).then_some(stream),
        Err(_) => {
            thread::sleep(Duration::from_millis(100));
            None
        }
    }
}

/// What the reader of a console says to the guest, whichever reader that is.
#[derive(Default)]
pub struct Ear(Arc<(Mutex<Option<Arc<UnixStream>>>, Condvar)>);

impl Ear {
    fn listen_to(&self, stream: Option<&Arc<UnixStream>>) {
        let (current, changed) = &*self.0;
        *current.lock().unwrap_or_else(|e| e.into_inner()) = stream.cloned();
        changed.notify_all();
    }
}

impl Read for Ear {
    /// Waits for bytes; there is no end of them.
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let (current, changed) = &*self.0;
        loop {
            let held = current.lock().unwrap_or_else(|e| e.into_inner());
            let held = changed.wait_while(held, |stream| stream.is_none());
            let stream = held.unwrap_or_else(|e| e.into_inner()).take();
            let Some(stream) = stream else { continue };
            loop {
                wait(&mut [PollFd::new(stream.as_fd(), PollFlags::POLLIN)]);
                match (&*stream).read(bytes) {
                    // It says nothing more.
                    Ok(0) => break,
                    Ok(count) => {
                        let mut held = current.lock().unwrap_or_else(|e| e.into_inner());
                        // Unless another one has come meanwhile.
                        held.get_or_insert(stream);
                        return Ok(count);
                    }
                    Err(e)
                        if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                    Err(_) => break,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::place::reach;
    use crate::control::place::tests::Folder;
    use std::fs;

    fn started(named: &str) -> (Console, Option<Ear>) {
        let mut console = Console::open(named).unwrap_or_else(|e| panic!("{named}: {e:?}"));
        let ear = console
            .start(&mut Elders::to_be_jailed().expect("this Linux"))
            .expect("threads are to be had");
        (console, ear)
    }

    #[test]
    fn a_file_of_the_machine_is_no_console() {
        let folder = Folder::new("console-taken", 0o700);
        let path = folder.0.join("root.img");
        fs::write(&path, "a disk").expect("it takes files");
        let console = Console::open(&path.display().to_string()).expect("it is a file");
        let mut taken = Taken::default();
        console.take(&mut taken).expect("nothing else has it");
        let disk = File::open(&path).expect("it is there");
        let what = taken.take("the disk `root`".to_owned(), &disk, false);
        assert_eq!(what.expect("it is there"), Some("the console"));
        let Err(Failure::Environment(trouble)) = console.take(&mut taken) else {
            panic!("two things of one machine are in one file");
        };
        assert!(trouble.message.contains("of this machine, too"));
    }

    #[test]
    fn a_file_gets_all_at_its_end_and_a_full_one_keeps_nobody_waiting() {
        let folder = Folder::new("console-file", 0o700);
        let path = folder.0.join("log");
        fs::write(&path, "before\n").expect("it takes files");
        let (console, ear) = started(&path.display().to_string());
        assert!(ear.is_none());
        let text = "x".repeat(100_000) + "\n";
        console
            .mouth()
            .write_all(text.as_bytes())
            .expect("it takes all");
        console.finish();
        let found = fs::read_to_string(&path).expect("it is there");
        assert!(found == format!("before\n{text}") && console.lost().get() == 0);
        let (console, _) = started("/dev/full");
        let begun = Instant::now();
        let mut output = console.mouth();
        for _ in 0..1000 {
            output.write_all(&[b'x'; 1000]).expect("it takes all");
        }
        // Had each waited for the console, it would be a thousand times that.
        assert!(begun.elapsed() < 30 * RETRY);
        assert_eq!(console.lost().get(), 1_000_000 - HELD as u64);
        console.finish();
        assert!(begun.elapsed() < FAREWELL + 60 * RETRY);
    }

    #[test]
    fn a_reader_that_comes_late_hears_what_is_left_and_is_heard_and_the_next_one_too() {
        let folder = Folder::new("console-socket", 0o700);
        let path = folder.0.join("s");
        let (console, ear) = started(&format!("unix:{}", path.display()));
        let (mut output, lost) = (console.mouth(), console.lost());
        let mut ear = ear.expect("somebody can speak");
        let said: Vec<u8> = (0..HELD + 1000).map(|at| (at % 251) as u8).collect();
        output.write_all(&said).expect("it takes all");
        assert_eq!(lost.get(), 1000);
        let connected = || {
            let stream = reach(&path).expect("somebody listens");
            stream.set_nonblocking(false).expect("it can wait");
            stream
                .set_read_timeout(Some(Duration::from_secs(30)))
                .expect("it can wait");
            stream
        };
        let mut first = connected();
        let mut heard = vec![0; HELD];
        first.read_exact(&mut heard).expect("it is all there");
        assert!(heard == said[1000..]);
        let mut bytes = [0; 64];
        first.write_all(b"yes").expect("it is connected");
        assert_eq!(ear.read(&mut bytes).expect("there is no end"), 3);
        drop(first);
        let mut second = connected();
        second.write_all(b"and").expect("it is connected");
        assert_eq!(ear.read(&mut bytes).expect("there is no end"), 3);
        output.write_all(b"more").expect("it takes all");
        let mut heard = [0; 4];
        second.read_exact(&mut heard).expect("it comes");
        assert_eq!(&heard, b"more");
        // Who is connected and reads nothing keeps nobody waiting either.
        let begun = Instant::now();
        for _ in 0..1000 {
            output.write_all(&[b'x'; 1000]).expect("it takes all");
        }
        assert!(begun.elapsed() < Duration::from_secs(5) && lost.get() > 1000);
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let folder = Folder::new("console-wrong", 0o700);
        let fifo = folder.0.join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status();
        assert!(made.expect("a system has it").success());
        for named in [
            fifo.display().to_string(),
            folder.0.display().to_string(),
            "unix:/no/such/folder/s".to_owned(),
        ] {
            assert!(open(&named).is_err(), "{named}");
        }
    }
}
