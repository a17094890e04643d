//! A giving end whose other end has gone right when the guest was given to it, on another host: whose its disks are then.

use super::super::tests::of;
use super::*;
use crate::files;
use crate::handover::hands::digest;
use crate::handover::wire::tests::pair;
use crate::hold::pausing::Saves;
use crate::hold::pausing::tests::{Machine, machine};
use crate::memory::Memory;
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::sync::Arc;
use std::{env, process};
use vmlock_spec::lock::{Range, canonical};

const LOCK: &str = include_str!("../../../../../examples/carried.vm.lock.json");

/// A guest with a disk, which rests and is being given.
struct Given {
    path: PathBuf,
    operator: Operator,
    hand: Hand,
}

impl Given {
    fn new(name: &str, at: Giving, now: Instant) -> Self {
        let path = env::temp_dir().join(format!("vmlock-given-{name}-{}", process::id()));
        fs::write(&path, "a disk").expect("the temporary directory takes files");
        let lock: &'static Lock = Box::leak(Box::new(canonical::parse(LOCK).expect("a lock")));
        let range = Range {
            base: 0,
            size: 1 << 21,
        };
        let memory = Memory::to_share(range).expect("2 MiB are available");
        let right = memory.right().expect("it is shared");
        let hands = Hands {
            memory: right.to_give().expect("a descriptor"),
            devices: vec![("data".to_owned(), open(&path))],
            generation: None,
            lock: digest(LOCK),
        };
        let disks: Vec<_> = hands.disks(lock).collect();
        assert_eq!(disks.len(), 1);
        hands::hold(&disks).expect("it is ours");
        let since = hands::stamps(&disks).expect("it is open");
        let (Machine { mut controls, .. }, thread) = machine(1);
        thread.expect("it has one").join().expect("it ends");
        let mut pausing = controls.pause(now);
        let paused = loop {
            pausing = match pausing.go_on(&controls, now) {
                Progress::Under(pausing) => pausing,
                Progress::Over(paused) => break paused,
                Progress::GivenUp(why) => panic!("{why}"),
            };
        };
        controls.saves = Some(Saves {
            text: LOCK,
            lock,
            memory: Arc::new(memory),
            kernel: String::new(),
            gic: Box::new(|| Err("nobody saves it".to_owned())),
            hands: Some(hands),
        });
        // Its other end has gone.
        let (ours, _) = UnixStream::pair().expect("sockets");
        let hand = Hand {
            peer: Peer::new(ours, None).expect("a socket"),
            at,
            stage: Stage::Rests(paused),
            until: now + RUNNING,
            rests: now,
            state: Memory::unnamed("state", 0).expect("a file"),
            written: None,
            far: true,
            since,
        };
        Self {
            path,
            operator: of(controls),
            hand,
        }
    }

    /// Gives the guest to nobody, as another program has or had its disk meanwhile.
    fn commits(name: &str, meanwhile: impl FnOnce(&PathBuf)) -> Commits {
        let given = Self::new(name, Giving::Commits, Instant::now());
        let own = given
            .operator
            .controls
            .get()
            .and_then(|it| it.saves.as_ref());
        let own = own.expect("it was given");
        let hands = own.hands.as_ref().expect("it is shared");
        let disks: Vec<_> = hands.disks(own.lock).collect();
        hands::let_go(&disks).expect("it is ours");
        meanwhile(&given.path);
        let right = own.memory.right().expect("it is shared");
        let commits = given.hand.commit(right, hands, own.lock);
        assert_eq!(right.is_ours(), matches!(commits, Commits::Not(_)));
        fs::remove_file(&given.path).expect("it was made here");
        commits
    }
}

fn open(path: &PathBuf) -> File {
    let mut options = OpenOptions::new();
    options.read(true).write(true).open(path).expect("a file")
}

/// Whether another program can have it.
fn is_free(path: &PathBuf) -> bool {
    files::hold(open(path), false).is_ok()
}

#[test]
fn a_guest_that_could_not_be_given_goes_on_with_the_disks_that_it_had() {
    let gone = Given::commits("gone", |_| {});
    assert!(matches!(gone, Commits::Not(why) if why.contains("has gone")));
    // Somebody had it in between, and has let go of it.
    let written = Given::commits("written", |path| {
        std::thread::sleep(Duration::from_millis(20));
        fs::write(path, "a disk").expect("it is there");
    });
    assert!(matches!(written, Commits::Lost(why) if why.contains("was written since")));
    // Or has it still.
    let mut third = None;
    let held = Given::commits("held", |path| {
        let file = open(path);
        files::hold(&file, false).expect("nobody has it");
        third = Some(file);
    });
    assert!(matches!(held, Commits::Lost(why) if why.contains("another program has it")));
}

#[test]
fn its_disks_are_left_to_an_end_that_may_have_heard_the_last_word_for_as_long_as_it_has() {
    let now = Instant::now();
    for (name, late, claims) in [
        ("soon", false, false),
        ("late", true, false),
        ("claim", false, true),
    ] {
        let Given {
            path,
            mut operator,
            hand,
        } = Given::new(name, Giving::Committed, now);
        let own = operator.controls.get().and_then(|it| it.saves.as_ref());
        let own = own.expect("it was given");
        own.memory
            .right()
            .expect("it is shared")
            .leave()
            .expect("a file");
        let disks = own.hands.iter().flat_map(|hands| hands.disks(own.lock));
        hands::let_go(&disks.collect::<Vec<_>>()).expect("it is ours");
        let until = hand.until;
        let at = if late { until } else { now };
        let told = operator.hand_on(Box::new(hand), 1, at);
        assert!(matches!(told, Some(Answer::Error(words)) if words.starts_with(FAR)));
        assert_eq!(is_free(&path), !late, "{name}");
        assert_eq!(operator.due(), (!late).then_some(until), "{name}");
        if claims {
            // Whoever gives his word has looked there.
            assert!(matches!(operator.claim(false), Answer::Error(words) if words == WORD));
            assert!(is_free(&path));
            assert!(matches!(operator.claim(true), Answer::State(_)));
            assert!(!is_free(&path) && operator.due().is_none());
        } else {
            let early = until - Duration::from_millis(1);
            assert!(operator.turn(0, early).is_none());
            assert_eq!(is_free(&path), !late, "{name}");
            assert!(operator.turn(0, until).is_none());
            assert!(!is_free(&path) && operator.due().is_none(), "{name}");
        }
        fs::remove_file(&path).expect("it was made here");
    }
}

/// What rules hold is for who asks for a hand-over to say, and not for its other end.
#[test]
fn an_end_that_is_not_where_it_was_to_be_gets_nothing_and_no_time() {
    let now = Instant::now();
    let offer = |far| Message::Offer {
        version: VERSION,
        lock: digest(LOCK),
        far,
    };
    let copies = || Message::Copies {};
    for (name, far, said, good) in [
        ("near", false, offer(false), true),
        ("far", true, offer(true), true),
        ("not-far", false, offer(true), false),
        ("not-near", true, offer(false), false),
        ("copies", true, copies(), true),
        ("no-copies", false, copies(), false),
    ] {
        let mut given = Given::new(name, Giving::Waits, now);
        let (taking, giving) = pair();
        (given.hand.peer, given.hand.far) = (giving, far);
        taking.say(&said, None).expect("room");
        let own = given
            .operator
            .controls
            .get()
            .and_then(|it| it.saves.as_ref());
        let hands = own
            .and_then(|own| own.hands.as_ref())
            .expect("it is shared");
        let later = now + Duration::from_millis(1);
        match given.hand.hear(hands, later) {
            Seen::Said(heard) => assert!(good && heard == said, "{name}"),
            _ => assert!(!good, "{name}"),
        }
        let longer = given.hand.until > now + RUNNING;
        assert_eq!(longer, good && said == copies(), "{name}");
        fs::remove_file(&given.path).expect("it was made here");
    }
}

/// Each millisecond that a word lies there the guest rests.
#[test]
fn a_word_of_the_other_end_wakes_who_waits_for_it() {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    let mut given = Given::new("word", Giving::Told, Instant::now());
    let (taking, giving) = pair();
    given.hand.peer = giving;
    given.operator.held = Held::Hands(Box::new(given.hand));
    let wakes = || {
        let fds = given.operator.wakes();
        let mut fds: Vec<PollFd> = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        poll(&mut fds, PollTimeout::ZERO)
    };
    given.operator.woken();
    assert_eq!(wakes(), Ok(0));
    taking.say(&Message::Restored {}, None).expect("room");
    assert_eq!(wakes(), Ok(1));
    fs::remove_file(&given.path).expect("it was made here");
}
