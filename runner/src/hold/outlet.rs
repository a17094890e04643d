//! Nothing leaves a guest before all of its memory was found to be what was saved.
//!
//! A restored guest runs while a thread still reads what it was saved as ([`check`](crate::snapshot::check)). Until that
//! is through, its devices' threads are parked: no block is written or made stable, no frame and no packet is sent. What it
//! says on its console waits here; that it ended waits here, too, and it stands still meanwhile. Who saves or audits it waits,
//! and who would hand it over is refused. Once all was read, [`Outlet::open`] lets all of that go, in its order: it is open
//! when the last of it is out. Where something is wrong, [`Outlet::never`] keeps it for good, and its machine ends.
//!
//! No vCPU and nobody who wants a pause waits here, so a pause comes as ever, and so does the end that an operator asks for.

use super::barrier::Barrier;
use crate::device::serial::Output;
use crate::device::virtio::thread::{Park, Parked};
use std::io::{self, Write};
use std::mem::{self, ManuallyDrop};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};
use std::time::Instant;

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
    /// It was checked then, and what waited is on its way out. What comes now comes behind that.
    Opening(Vec<Then>, Instant),
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
    /// The guest has come to an end of its own, which may have to wait here.
    ends: AtomicBool,
}

impl Outlet {
    fn with(state: State) -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(state),
            checked: AtomicU64::new(0),
            all: AtomicU64::new(0),
            barrier: OnceLock::new(),
            stands: AtomicBool::new(false),
            ends: AtomicBool::new(false),
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

    /// Whether everything leaves, and has left that waited.
    pub fn is_open(&self) -> bool {
        matches!(*self.state(), State::Open)
    }

    /// When its memory was found to be what was saved, where what waited is not out yet: whoever reads its console decides that.
    pub fn opens_since(&self) -> Option<Instant> {
        match *self.state() {
            State::Opening(_, since) => Some(since),
            _ => None,
        }
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
            State::Opening(others, _) => others.push(Box::new(does)),
            State::Open => {
                drop(state);
                does();
            }
            State::Never => mem::forget(does),
        }
    }

    /// Has the guest stand still until it is open.
    pub fn stand(&self) {
        // Held before that is said: whoever comes second relies on it.
        if let Some(hold) = self.barrier.get().map(Barrier::hold)
            && !self.stands.swap(true, Ordering::AcqRel)
        {
            self.then(move || drop(hold));
        }
    }

    /// The guest has come to an end of its own. Where that has to wait, all of it stands still.
    pub fn ends(&self) {
        if !self.is_open() {
            self.stand();
        }
        self.ends.store(true, Ordering::Release);
    }

    /// Whether it has.
    pub fn has_ended(&self) -> bool {
        self.ends.load(Ordering::Acquire)
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

    /// Lets everything go: the guest is what was saved. Whoever does not read what it says keeps the caller waiting.
    pub fn open(&self) {
        let mut state = self.state();
        // What is never to leave does not.
        if !matches!(*state, State::Shut(_)) {
            return;
        }
        let opening = State::Opening(Vec::new(), Instant::now());
        let State::Shut(waits) = mem::replace(&mut *state, opening) else {
            return;
        };
        drop(state);
        // Before its console: whoever reads that may let it wait.
        drop(ManuallyDrop::into_inner(waits.devices));
        let mut others = ManuallyDrop::into_inner(waits.others);
        loop {
            others.into_iter().for_each(|does| does());
            let mut state = self.state();
            let State::Opening(more, _) = &mut *state else {
                return;
            };
            others = mem::take(more);
            if others.is_empty() {
                *state = State::Open;
                return;
            }
        }
    }

    /// Keeps everything for good: the guest is not what was saved, or has ended before anybody knew. Whether it was shut.
    pub fn never(&self) -> bool {
        let mut state = self.state();
        let shut = matches!(*state, State::Shut(_));
        if shut {
            *state = State::Never;
        }
        shut
    }
}

/// What was said and has not left.
struct Said {
    held: Vec<u8>,
    /// All that was held is out, and nothing more is.
    through: bool,
    output: Output,
}

impl Said {
    fn out(&mut self) -> io::Result<()> {
        self.through = true;
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
        through: false,
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
        // Who speaks while what was held goes out waits for whoever reads that, as one does who speaks at any time.
        let mut said = self.said.lock().unwrap_or_else(|e| e.into_inner());
        if said.through {
            return said.output.write(bytes);
        }
        said.held.extend_from_slice(bytes);
        if said.held.len() >= ROOM {
            self.outlet.stand();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let mut said = self.said.lock().unwrap_or_else(|e| e.into_inner());
        match said.through {
            true => said.output.flush(),
            false => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::barrier::tests::{barrier, vcpu};
    use super::*;
    use crate::device::Memory;
    use crate::device::virtio::tests::parking::{SECTORS, parked};
    use crate::device::virtio::tests::{FLUSH, Guest, Place, disk, header};
    use std::sync::mpsc::{Receiver, Sender, channel};
    use std::thread;
    use std::time::Duration;
    use vmlock_virtio::driver::{Driver, Part, memory};

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
        assert!(!outlet.never() && outlet.is_open());
    }

    /// Of an output that takes nothing before somebody reads: it is not open before all is out that waited, and whatever comes
    /// meanwhile, such as the guest's end, comes behind that.
    #[test]
    fn what_comes_while_it_opens_comes_behind_what_waited() {
        struct Slow(Sender<()>, Receiver<()>, Heard);
        impl Write for Slow {
            fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
                self.0.send(()).expect("somebody looks");
                self.1.recv().expect("somebody reads");
                self.2.write(bytes)
            }

            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let outlet = Outlet::shut();
        let heard = Heard::default();
        let ((begun, begins), (reads, read)) = (channel(), channel());
        let mut mouth = muffled(&outlet, Box::new(Slow(begun, read, heard.clone())));
        mouth.write_all(b"one").expect("it takes it");
        outlet.expects(4);
        outlet.checked(4);
        let opens = Arc::clone(&outlet);
        let opens = thread::spawn(move || opens.open());
        begins.recv().expect("it is written");
        let mut ended = heard.clone();
        outlet.then(move || ended.write_all(b"end").expect("it takes it"));
        let speaks = thread::spawn(move || mouth.write_all(b"two"));
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(1));
            assert_eq!((heard.all(), outlet.progress()), (vec![], Some((4, 4))));
            assert!(!outlet.is_open() && !outlet.never());
        }
        reads.send(()).expect("it waits");
        opens.join().expect("it opens");
        assert!(outlet.is_open());
        // A guest that speaks waits for the reader, and nobody else does.
        assert_eq!(heard.all(), b"oneend");
        reads.send(()).expect("it waits");
        speaks.join().expect("it speaks").expect("it takes it");
        assert_eq!(heard.all(), b"oneendtwo");
    }

    #[test]
    fn what_never_leaves_is_neither_said_nor_done_nor_dropped() {
        struct Dropped(Sender<()>);
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
        assert!(outlet.never() && !outlet.never());
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

    /// A disk whose driver wrote one block, while that outlet keeps all from leaving.
    fn kept<'m>(name: &str, outlet: &Outlet, memory: &'m Memory) -> (Place, Guest, Driver<'m>) {
        let place = Place::new(name);
        place.disk(&[b'x'; (SECTORS * 512) as usize]);
        let device = disk(SECTORS, false);
        let opened = place.open(&device).expect("it fits");
        let mut guest = Guest::new(&device, opened, memory);
        outlet.keep(&guest.bus.parks());
        let mut driver = Driver::new(memory, 16);
        guest.begin(&driver, FLUSH);
        let data = [b'y'; 512];
        driver.offer(&[Part::Out(&header(1, 0)), Part::Out(&data), Part::In(1)]);
        guest.notify();
        thread::sleep(Duration::from_millis(50));
        assert_eq!((driver.used(), place.bytes()[0]), (None, b'x'));
        (place, guest, driver)
    }

    /// Nothing is written before its guest's memory was checked, also where somebody pauses it and lets it go on; all is then.
    #[test]
    fn a_disk_is_written_once_its_outlet_is_open() {
        let (outlet, memory) = (Outlet::shut(), memory());
        let (place, guest, mut driver) = kept("outlet-opens", &outlet, &memory);
        drop(parked(&guest));
        thread::sleep(Duration::from_millis(20));
        assert_eq!((driver.used(), place.bytes()[0]), (None, b'x'));
        outlet.open();
        assert_eq!(guest.back(&mut driver), 1);
        assert_eq!(place.bytes()[0], b'y');
        // What is parked by an open one is parked by nobody.
        outlet.keep(&guest.bus.parks());
        let data = [b'z'; 512];
        driver.offer(&[Part::Out(&header(1, 0)), Part::Out(&data), Part::In(1)]);
        guest.notify();
        assert_eq!(guest.back(&mut driver), 1);
        assert_eq!(place.bytes()[0], b'z');
    }

    /// Where it is another than what was saved nothing is ever written, not at its end either: whoever lets go of what.
    #[test]
    fn a_disk_is_never_written_whose_outlet_stays_shut() {
        for damaged in [true, false] {
            let (outlet, memory) = (Outlet::shut(), memory());
            let (place, mut guest, mut driver) = kept("outlet-stays", &outlet, &memory);
            if damaged {
                assert!(outlet.never());
            }
            drop(outlet);
            let begun = Instant::now();
            let ends = guest.bus.finish(false);
            assert!(ends.into_iter().all(|end| end.wait(begun)));
            drop(guest);
            thread::sleep(Duration::from_millis(20));
            assert_eq!((driver.used(), place.bytes()[0]), (None, b'x'));
        }
    }
}
