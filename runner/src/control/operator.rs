//! What whoever operates a guest asks for beside its numbers: that it pauses, goes on, or ends.
//!
//! There is one operator, however many clients: it holds the guest once, and lets go of it once. Nothing here waits. A
//! pause takes its time, so who asked for it is answered later ([`Operator::turn`]); where all of them have gone before,
//! the guest goes on, since nobody would know that it does not.

use super::Answer;
use crate::counters::Guest;
use crate::hold::pausing::{Controls, Paused, Pausing, Progress};
use crate::speaker;
use std::mem::take;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use vmlock_spec::event::Event;
use vmlock_spec::status::State;

/// What has been asked for.
#[derive(Default)]
enum Held {
    /// Nothing, or that it goes on.
    #[default]
    Not,
    /// A pause that has yet to come.
    Soon(Pausing),
    /// A pause.
    Now(Paused),
}

/// The operator of a guest.
pub struct Operator {
    guest: Arc<Guest>,
    /// Its machine, once it runs.
    controls: Arc<OnceLock<Controls>>,
    held: Held,
    /// Somebody asked for its end.
    ends: bool,
}

/// What is said of a pause, and of its end.
const PAUSED: &str =
    "the guest is paused: its operator asked for it (`vmlock-run resume` lets it go on)";
const RESUMED: &str = "its operator lets the guest go on";
/// What is said to who waits for a pause that somebody ended before it came.
const CALLED_OFF: &str =
    "the pause was called off: somebody let the guest go on before it was at rest";
/// What is said where there is no machine.
const STARTING: &str = "its machine is still being made: try again once it runs";

impl Operator {
    /// The operator of that guest, whose machine is there once it runs.
    pub fn new(guest: Arc<Guest>, controls: Arc<OnceLock<Controls>>) -> Self {
        Self {
            guest,
            controls,
            held: Held::Not,
            ends: false,
        }
    }

    /// What its guest has done.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// Asks for a pause; `None` where the answer comes later.
    pub fn pause(&mut self, now: Instant) -> Option<Answer> {
        let Some(controls) = self.controls.get() else {
            return Some(Answer::Error(STARTING.to_owned()));
        };
        match self.held {
            Held::Now(_) => Some(Answer::State(State::Paused)),
            Held::Soon(_) => None,
            Held::Not => {
                self.held = Held::Soon(controls.pause(now));
                None
            }
        }
    }

    /// Lets the guest go on.
    pub fn resume(&mut self) -> Answer {
        if self.controls.get().is_none() {
            return Answer::Error(STARTING.to_owned());
        }
        if let Held::Now(paused) = take(&mut self.held) {
            drop(paused);
            speaker::event(Event::Resumed, RESUMED);
        }
        Answer::State(self.state())
    }

    /// Has the guest end, at the next [`Operator::end`].
    pub fn stop(&mut self) -> Answer {
        match self.controls.get() {
            Some(_) => {
                self.ends = true;
                Answer::Stopping {}
            }
            None => Answer::Error(STARTING.to_owned()),
        }
    }

    /// Ends the guest, if somebody asked for it, who has his answer by now.
    pub fn end(&mut self) {
        if take(&mut self.ends)
            && let Some(controls) = self.controls.get()
        {
            controls.stop();
        }
    }

    /// Whether a pause has yet to come.
    pub fn is_busy(&self) -> bool {
        matches!(self.held, Held::Soon(_))
    }

    /// Goes on with a pause that has yet to come, and for which so many wait: what they are told, once there is something.
    pub fn turn(&mut self, waiting: usize, now: Instant) -> Option<Answer> {
        let pausing = match take(&mut self.held) {
            Held::Soon(pausing) => pausing,
            Held::Now(paused) => {
                self.held = Held::Now(paused);
                return (waiting > 0).then_some(Answer::State(State::Paused));
            }
            Held::Not => return (waiting > 0).then(|| Answer::Error(CALLED_OFF.to_owned())),
        };
        let controls = self.controls.get()?;
        if waiting == 0 {
            return None;
        }
        match pausing.go_on(controls, now) {
            Progress::Under(pausing) => {
                self.held = Held::Soon(pausing);
                None
            }
            Progress::Over(paused) => {
                self.held = Held::Now(paused);
                Some(Answer::State(State::Paused))
            }
            Progress::GivenUp(why) => Some(Answer::Error(format!(
                "the guest could not be paused, and goes on: {why}"
            ))),
        }
    }

    fn state(&self) -> State {
        match self.controls.get() {
            None => State::Starting,
            Some(controls) if controls.is_held() => State::Paused,
            Some(_) => State::Running,
        }
    }

    /// So many of those who waited for the pause have heard that it is there: where nobody has, the guest goes on.
    pub fn told(&mut self, heard: usize) {
        if !matches!(self.held, Held::Now(_)) {
            return;
        }
        match heard {
            0 => self.held = Held::Not,
            _ => speaker::event(Event::Paused, PAUSED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::place::tests::Folder;
    use super::super::place::{listen, reach};
    use super::super::server::start;
    use super::*;
    use crate::hold::pausing::LIMIT;
    use crate::hold::pausing::tests::{Machine, machine};
    use crate::jail::elders::Elders;
    use std::io::{Read as _, Write as _};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;
    use std::time::Duration;

    /// A guest with that machine, whose runner can be asked.
    struct Served {
        _folder: Folder,
        path: std::path::PathBuf,
    }

    impl Served {
        fn new(name: &str, machine: Option<Controls>) -> Self {
            let folder = Folder::new(name, 0o700);
            let path = folder.0.join("s");
            let listener = listen("control", &path).expect("the folder is ours");
            let controls = Arc::new(OnceLock::new());
            if let Some(machine) = machine {
                controls.get_or_init(|| machine);
            }
            let operator = Operator::new(Arc::new(Guest::new("web", 0)), controls);
            let mut elders = Elders::to_be_jailed().expect("this Linux");
            start(listener, operator, &mut elders).expect("threads are to be had");
            Self {
                _folder: folder,
                path,
            }
        }

        fn asks(&self, verb: &str) -> UnixStream {
            let mut stream = reach(&self.path).expect("somebody listens");
            stream.set_nonblocking(false).expect("it can wait");
            let line = format!("{{\"do\":\"{verb}\"}}\n");
            stream
                .write_all(line.as_bytes())
                .expect("its queue takes it");
            stream
        }

        fn told(&self, verb: &str) -> String {
            heard(self.asks(verb))
        }
    }

    fn heard(mut stream: UnixStream) -> String {
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("it is text");
        said
    }

    const PAUSED: &str = "{\"state\":\"paused\"}\n";
    const RUNS: &str = "{\"state\":\"running\"}\n";

    #[test]
    fn pauses_and_ends_of_pauses_are_not_counted_and_it_ends_once() {
        let (
            Machine {
                controls,
                rounds,
                ended,
                ..
            },
            thread,
        ) = machine(20);
        let served = Served::new("pauses", Some(controls));
        assert_eq!(served.told("resume"), RUNS);
        for _ in 0..3 {
            assert_eq!(served.told("pause"), PAUSED);
            let before = rounds.load(SeqCst);
            // Two at once, of which one says that it has no more to say.
            let one = served.asks("pause");
            one.shutdown(Shutdown::Write).expect("it is connected");
            assert_eq!(served.told("pause"), PAUSED);
            assert_eq!(heard(one), PAUSED);
            thread::sleep(Duration::from_millis(5));
            assert_eq!(rounds.load(SeqCst), before);
            assert_eq!(served.told("resume"), RUNS);
            assert_eq!(served.told("resume"), RUNS);
        }
        thread.expect("it has one").join().expect("it goes on");
        assert_eq!(served.told("pause"), PAUSED);
        assert_eq!(served.told("stop"), "{\"stopping\":{}}\n");
        while ended.load(SeqCst) == 0 {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(ended.load(SeqCst), 1);
    }

    /// The machine never comes to rest here: whoever waits for that waits long.
    #[test]
    fn who_has_gone_holds_nothing_and_who_waits_keeps_nobody_from_being_answered() {
        let (Machine { controls, .. }, _) = machine(0);
        let served = Served::new("gone", Some(controls));
        let begun = Instant::now();
        let waits = served.asks("pause");
        let gone = served.asks("pause");
        drop(gone);
        assert!(served.told("status").starts_with("{\"status\""));
        assert_eq!(served.told("resume"), RUNS);
        assert!(heard(waits).contains("called off"));
        // However many want it, whoever asks for something else finds room.
        let many: Vec<UnixStream> = (0..5).map(|_| served.asks("pause")).collect();
        assert!(served.told("status").starts_with("{\"status\""));
        let away = many.into_iter().next_back().map(heard).unwrap_or_default();
        assert!(away.contains("4 wait"), "{away}");
        let last = served.asks("pause");
        thread::sleep(Duration::from_millis(50));
        drop(last);
        // That was the only one who wanted it.
        let runs = || served.told("resume") == RUNS;
        while !runs() {
            thread::sleep(Duration::from_millis(1));
        }
        assert!(begun.elapsed() < LIMIT);
    }

    #[test]
    fn a_pause_of_which_nobody_heard_is_none() {
        let (Machine { controls, .. }, thread) = machine(1);
        thread
            .expect("it has one")
            .join()
            .expect("it comes to its end");
        let controls = Arc::new(OnceLock::from(controls));
        let guest = Arc::new(Guest::new("web", 0));
        for (heard, state) in [(0, State::Running), (1, State::Paused)] {
            let mut operator = Operator::new(Arc::clone(&guest), Arc::clone(&controls));
            assert!(operator.pause(Instant::now()).is_none() && operator.is_busy());
            let told = operator.turn(1, Instant::now());
            assert!(matches!(told, Some(Answer::State(State::Paused))));
            operator.told(heard);
            assert_eq!(operator.state(), state);
            // Nothing of it is left to be done.
            assert!(operator.turn(0, Instant::now()).is_none());
            assert_eq!(operator.state(), state);
        }
    }
}
