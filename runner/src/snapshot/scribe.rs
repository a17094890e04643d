//! Writes saved guests on a thread of its own: whoever asks for a guest's numbers, or for its end, is answered while the
//! disk is slow.
//!
//! One guest is written at a time. Who waits for it looks when he likes ([`Written::said`]). Where nobody waits any more it
//! is given up at the next piece, and what was written says nothing of it: the header comes last, once it is known that
//! the guest was at rest until all of its memory was read.

use super::save::{Saving, Wrote};
use crate::device::virtio::look::Look;
use crate::hold::pausing::Controls;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering, fence};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, OnceLock};
use vmlock_saved::file::Identity;

/// The thread, for who has something to be written.
pub struct Scribe(Sender<Work>);

/// What comes of a guest that is being written: dropped, it is given up.
pub struct Written {
    said: Receiver<Result<Identity, String>>,
    shared: Arc<Shared>,
}

/// What both ends know.
#[derive(Default)]
struct Shared {
    given_up: AtomicBool,
    /// Bytes of guest memory.
    written: AtomicU64,
    /// Bytes of its disks.
    read: AtomicU64,
    /// The looks at its disks: they are given up from here, as the thread may hang in a write.
    looks: Vec<Arc<Look>>,
}

struct Work {
    saving: Saving,
    /// Whose guest that is.
    of: Arc<OnceLock<Controls>>,
    says: Sender<Result<Identity, String>>,
    shared: Arc<Shared>,
}

impl Scribe {
    /// One, and what its thread does: it ends once this has gone.
    pub fn new() -> (Self, impl FnOnce() + Send + 'static) {
        let (sender, receiver) = channel::<Work>();
        (Self(sender), move || {
            receiver.into_iter().for_each(Work::write)
        })
    }

    /// Has a guest written, that of `of`, which stays at rest meanwhile.
    pub fn write(&self, saving: Saving, of: &Arc<OnceLock<Controls>>) -> Written {
        let (says, said) = channel();
        let shared = Arc::new(Shared {
            looks: saving.looks(),
            ..Shared::default()
        });
        let work = Work {
            saving,
            of: Arc::clone(of),
            says,
            shared: Arc::clone(&shared),
        };
        // Where it has gone, so has what would have said something.
        let _ = self.0.send(work);
        Written { said, shared }
    }
}

impl Written {
    /// What came of it, once: what tells the file from all others, or why it is not whole, in words.
    pub fn said(&self) -> Option<Result<Identity, String>> {
        match self.said.try_recv() {
            Ok(said) => Some(said),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => {
                Some(Err("the thread that writes it has gone".to_owned()))
            }
        }
    }

    /// How many bytes of guest memory were written.
    pub fn bytes(&self) -> u64 {
        self.shared.written.load(Ordering::Relaxed)
    }

    /// How many bytes of its disks were read.
    pub fn read(&self) -> u64 {
        self.shared.read.load(Ordering::Relaxed)
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        // Whoever then lets the guest go on does so after this, whatever order a CPU sees things in.
        self.shared.given_up.store(true, Ordering::SeqCst);
        // Its disks are its own again, even while the thread hangs.
        self.shared.looks.iter().for_each(|look| look.give_up());
    }
}

impl Work {
    fn write(self) {
        let Self {
            mut saving,
            of,
            says,
            shared,
        } = self;
        let Some(saves) = of.get().and_then(|controls| controls.saves.as_ref()) else {
            return;
        };
        let end = loop {
            // Where memory that was read had been written by a guest that goes on, this sees that it was given up.
            fence(Ordering::SeqCst);
            if shared.given_up.load(Ordering::SeqCst) {
                return;
            }
            match saving.go_on(saves) {
                Ok(Wrote::More(more)) => {
                    shared.written.store(more.bytes(), Ordering::Relaxed);
                    shared.read.store(more.read(), Ordering::Relaxed);
                    saving = *more;
                }
                Ok(Wrote::Whole(identity)) => break Ok(identity),
                Err(why) => break Err(why),
            }
        };
        // Who does not wait any more need not know.
        let _ = says.send(end);
        if let Some(controls) = of.get() {
            controls.bell().ring();
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::device::virtio::thread;
    use std::fs::File;
    use vmlock_saved::file::CHUNK_BYTES;
    use vmlock_saved::hex::{Hex32, Hex64};
    use vmlock_saved::state::{Gic, Lines, Machine, State};

    /// A guest that is being written for as long as nobody says what came of it.
    pub fn unfinished() -> (Written, Sender<Result<Identity, String>>) {
        let (says, said) = channel();
        let shared = Arc::new(Shared::default());
        (Written { said, shared }, says)
    }

    /// The state of a machine in which there is nothing.
    pub fn nothing() -> State {
        State {
            machine: Machine {
                virtual_counter: Hex64(0),
                wall_clock: 0,
            },
            vcpus: Vec::new(),
            gic: Gic {
                control: Hex32(0),
                shared: Vec::new(),
                redistributors: Vec::new(),
            },
            lines: Lines::default(),
            devices: Vec::new(),
        }
    }

    #[test]
    fn what_came_of_it_is_said_once_and_a_thread_that_has_gone_is_no_yes() {
        let (written, says) = unfinished();
        assert!(written.said().is_none());
        says.send(Ok(Identity([7; 32]))).expect("somebody waits");
        assert_eq!(written.said(), Some(Ok(Identity([7; 32]))));
        assert!(written.said().is_none());
        drop(says);
        let gone = written.said().expect("it has gone");
        assert!(gone.is_err_and(|why| why.contains("has gone")));
        let shared = Arc::clone(&written.shared);
        drop(written);
        assert!(shared.given_up.load(Ordering::SeqCst));
    }

    /// Its disk is its guest's again at once: the thread is not asked, which here never comes back to its work.
    #[test]
    fn where_nobody_waits_the_disks_are_given_up_while_the_thread_hangs() {
        let (scribe, hangs) = Scribe::new();
        let (disk, _says) = thread::Identity::unsaid();
        let look = disk.look();
        let file = File::options().write(true).open("/dev/null");
        let disks = vec![("d".to_owned(), disk)];
        let saving = Saving::new(file.expect("it is there"), nothing(), disks, CHUNK_BYTES);
        let written = scribe.write(saving.expect("it begins"), &Arc::default());
        assert!(look.reached(1).is_ok());
        drop(written);
        let words = look.reached(2).expect_err("it was given up").to_string();
        assert!(words.contains("nobody waits"), "{words}");
        drop(hangs);
    }
}
