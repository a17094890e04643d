//! Nothing leaves a guest before all of its memory was found to be what was saved.
//!
//! A restored guest runs while a thread still reads what it was saved as ([`check`](crate::snapshot::check)). Until that
//! is through, its devices' threads are parked: no block is written or made stable, no frame and no packet is sent. What it
//! says on its console waits here; that it ended waits here, too, and it stands still meanwhile. Who saves it, audits it or
//! hands it over waits. Once all was read, [`Outlet::open`] lets all of that go at once; where something is wrong,
//! [`Outlet::never`] keeps it for good, and its machine ends.
//!
//! No vCPU and nobody who wants a pause waits here, so a pause comes as ever, and so does the end that an operator asks for.

use super::barrier::Barrier;
use crate::device::serial::Output;
use crate::device::virtio::thread::{Park, Parked};
use std::io::{self, Write};
use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

/// How many bytes of what a guest says wait. One that says more stands still until they are out.
const ROOM: usize = 64 << 10;

/// What is done once it opens.
type Then = Box<dyn FnOnce() + Send>;

/// What waits. Nothing of it is dropped, which would let it go, but by [`Outlet::open`].
#[derive(Default)]
struct Waits {
    devices: ManuallyDrop<Vec<Parked>>,
    others: ManuallyDrop<Vec<Then>>,
}

enum State {
    Shut(Waits),
    Open,
    Never,
}

/// Where all passes that leaves a guest.
pub struct Outlet {
    state: Mutex<State>,
    /// Bytes of the guest's memory that were checked, and that are to be.
    checked: AtomicU64,
    all: AtomicU64,
    /// By which the guest stands.
    barrier: OnceLock<Arc<Barrier>>,
    stands: AtomicBool,
}

impl Outlet {
    fn with(state: State) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(state),
            checked: AtomicU64::new(0),
            all: AtomicU64::new(0),
            barrier: OnceLock::new(),
            stands: AtomicBool::new(false),
        })
    }

    /// That of a guest whose memory is what it is to be.
    pub fn opened() -> Arc<Self> {
        Self::with(State::Open)
    }

    /// That of a guest whose memory is still to be checked.
    pub fn shut() -> Arc<Self> {
        Self::with(State::Shut(Waits::default()))
    }

    /// A panic ends the process, so poison says nothing.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// Whether everything leaves.
    pub fn is_open(&self) -> bool {
        matches!(*self.state(), State::Open)
    }

    /// By what the guest stands still, where it has to.
    pub fn stands_by(&self, barrier: &Arc<Barrier>) {
        self.barrier.get_or_init(|| Arc::clone(barrier));
    }

    /// Parks devices until it opens.
    pub fn keep(&self, devices: &[Park]) {
        if let State::Shut(waits) = &mut *self.state() {
            waits.devices.extend(devices.iter().map(Park::park));
        }
    }

    /// Does something once it is open, in that order.
    pub fn then(&self, does: impl FnOnce() + Send + 'static) {
        let mut state = self.state();
        match &mut *state {
            State::Shut(waits) => waits.others.push(Box::new(does)),
            State::Open => {
                drop(state);
                does();
            }
            State::Never => mem::forget(does),
        }
    }

    /// Has the guest stand still until it is open.
    pub fn stand(&self) {
        if !self.stands.swap(true, Ordering::Relaxed)
            && let Some(barrier) = self.barrier.get()
        {
            let hold = barrier.hold();
            self.then(move || drop(hold));
        }
    }

    /// So many bytes of memory are to be checked.
    pub fn expects(&self, bytes: u64) {
        self.all.store(bytes, Ordering::Relaxed);
    }

    /// So many were checked.
    pub fn checked(&self, bytes: u64) {
        self.checked.store(bytes, Ordering::Relaxed);
    }

    /// How many were and how many are to be, while it is shut.
    pub fn progress(&self) -> Option<(u64, u64)> {
        let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
        (!self.is_open()).then(|| (load(&self.checked), load(&self.all)))
    }

    /// Lets everything go: the guest is what was saved.
    pub fn open(&self) {
        let mut state = self.state();
        // What is never to leave does not.
        if !matches!(*state, State::Shut(_)) {
            return;
        }
        let State::Shut(waits) = mem::replace(&mut *state, State::Open) else {
            return;
        };
        drop(state);
        // Before its console: whoever reads that may let it wait.
        drop(ManuallyDrop::into_inner(waits.devices));
        let others = ManuallyDrop::into_inner(waits.others);
        others.into_iter().for_each(|does| does());
    }

    /// Keeps everything for good: the guest is not what was saved.
    pub fn never(&self) {
        let mut state = self.state();
        if matches!(*state, State::Shut(_)) {
            *state = State::Never;
        }
    }
}

/// What was said and has not left.
struct Said {
    held: Vec<u8>,
    output: Output,
}

impl Said {
    fn out(&mut self) -> io::Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held = mem::take(&mut self.held);
        self.output.write_all(&held)?;
        self.output.flush()
    }
}

/// The mouth of a guest's console, which says nothing before the outlet is open.
struct Mouth {
    outlet: Arc<Outlet>,
    said: Arc<Mutex<Said>>,
}

/// That of a guest with this outlet.
pub fn muffled(outlet: &Arc<Outlet>, output: Output) -> Output {
    if outlet.is_open() {
        return output;
    }
    let said = Arc::new(Mutex::new(Said {
        held: Vec::new(),
        output,
    }));
    let held = Arc::clone(&said);
    outlet.then(move || {
        let mut said = held.lock().unwrap_or_else(|e| e.into_inner());
        // An output that takes nothing loses it, as ever.
        let _ = said.out();
    });
    let outlet = Arc::clone(outlet);
    Box::new(Mouth { outlet, said })
}

impl Write for Mouth {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut said = self.said.lock().unwrap_or_else(|e| e.into_inner());
        if self.outlet.is_open() {
            // Whoever opened it may not have come to this yet.
            said.out()?;
            return said.output.write(bytes);
        }
        said.held.extend_from_slice(bytes);
        if said.held.len() >= ROOM {
            self.outlet.stand();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.outlet.is_open() {
            true => {
                let mut said = self.said.lock().unwrap_or_else(|e| e.into_inner());
                said.output.flush()
            }
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::barrier::tests::{barrier, vcpu};
    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    /// What everybody has heard.
    #[derive(Clone, Default)]
    struct Heard(Arc<Mutex<Vec<u8>>>);

    impl Heard {
        fn all(&self) -> Vec<u8> {
            self.0.lock().expect("nobody panics").clone()
        }
    }

    impl Write for Heard {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("nobody panics").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_guest_says_waits_and_comes_in_its_order() {
        let outlet = Outlet::shut();
        let heard = Heard::default();
        let mut mouth = muffled(&outlet, Box::new(heard.clone()));
        let (sender, receiver) = channel();
        mouth.write_all(b"one").expect("it takes it");
        outlet.then(move || sender.send(()).expect("somebody waits"));
        mouth.write_all(b"two").expect("it takes it");
        outlet.expects(4);
        outlet.checked(1);
        assert_eq!((heard.all(), outlet.progress()), (Vec::new(), Some((1, 4))));
        assert!(receiver.try_recv().is_err());
        outlet.open();
        mouth.write_all(b"three").expect("it takes it");
        assert_eq!(heard.all(), b"onetwothree");
        assert!(receiver.try_recv().is_ok());
        assert!(outlet.is_open() && outlet.progress().is_none());
        // It stays so.
        outlet.never();
        assert!(outlet.is_open());
    }

    #[test]
    fn what_never_leaves_is_neither_said_nor_done_nor_dropped() {
        struct Dropped(std::sync::mpsc::Sender<()>);
        impl Drop for Dropped {
            fn drop(&mut self) {
                let _ = self.0.send(());
            }
        }
        let (sender, receiver) = channel();
        let outlet = Outlet::shut();
        let heard = Heard::default();
        let mut mouth = muffled(&outlet, Box::new(heard.clone()));
        let before = Dropped(sender.clone());
        outlet.then(move || drop(before));
        mouth.write_all(b"one").expect("it takes it");
        outlet.never();
        let after = Dropped(sender);
        outlet.then(move || drop(after));
        mouth.write_all(b"two").expect("it takes it");
        mouth.flush().expect("it takes it");
        outlet.open();
        assert!(!outlet.is_open());
        drop((mouth, outlet));
        assert!(heard.all().is_empty() && receiver.try_recv().is_err());
    }

    /// A machine that ends while it is shut lets nothing go either.
    #[test]
    fn who_is_gone_before_lets_nothing_go() {
        let outlet = Outlet::shut();
        let heard = Heard::default();
        let mut mouth = muffled(&outlet, Box::new(heard.clone()));
        mouth.write_all(b"one").expect("it takes it");
        drop((mouth, outlet));
        assert!(heard.all().is_empty());
    }

    #[test]
    fn who_says_too_much_stands_until_it_is_open() {
        let barrier = barrier(1);
        let outlet = Outlet::shut();
        outlet.stands_by(&barrier);
        let heard = Heard::default();
        let mut mouth = muffled(&outlet, Box::new(heard.clone()));
        let much = vec![b'x'; ROOM - 1];
        mouth.write_all(&much).expect("it takes it");
        assert!(!barrier.is_lowered());
        mouth.write_all(b"yz").expect("it takes it");
        assert!(barrier.is_lowered());
        let (rounds, vcpu) = vcpu(&barrier, 3);
        thread::sleep(Duration::from_millis(5));
        assert_eq!(rounds.load(Ordering::SeqCst), 0);
        outlet.open();
        vcpu.join().expect("it goes on");
        assert_eq!(heard.all().len(), ROOM + 1);
        assert!(!barrier.is_lowered());
    }
}
