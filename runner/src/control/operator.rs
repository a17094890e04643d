//! What whoever operates a guest asks for beside its numbers: that it pauses, goes on, is saved or audited, or ends.
//!
//! There is one operator, however many clients: it holds the guest once, and lets go of it once. Nothing here waits. A
//! pause takes its time, so who asked for it is answered later ([`Operator::turn`]); where all of them have gone before,
//! the guest goes on, since nobody would know that it does not.

pub mod hand;
mod look;
#[cfg(test)]
mod unchecked;

use super::{Answer, AtRest, Done};
use crate::counters::Guest;
use crate::handover::hands::{CAME, FAR, Stamp, UNKNOWN};
use crate::hold::pausing::{AT_ITS_END, Controls, LIMIT, Paused, Pausing, Progress, Settled};
use crate::snapshot::save::{self, Saving};
use crate::snapshot::scribe::{Scribe, Written};
use crate::speaker;
use hand::{HANDING, Hand};
use look::Looks;
use std::fs::File;
use std::mem::take;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use vmlock_saved::state::State as Saved;
use vmlock_spec::event::Event;
use vmlock_spec::machine::virtio::SECTOR;
use vmlock_spec::status::{self, State, Status};

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
    /// A save.
    Saves(Box<Saves>),
    /// An audit.
    Looks(Looks),
    /// A hand-over.
    Hands(Box<Hand>),
}

/// A guest that is being saved.
struct Saves {
    /// Where to, until that is begun.
    file: Option<File>,
    order: Order,
    stage: Stage,
    /// It was paused before, and stays so if it is not saved.
    paused: bool,
}

/// How a guest is to be saved.
#[derive(Clone, Copy, Default)]
pub struct Order {
    /// All of each disk is digested.
    pub whole_disks: bool,
    /// Its client sees the state, and says whether the rest is to be written.
    pub state_first: bool,
}

/// What a guest was before somebody asked for more, and what keeps it so.
enum Was {
    Running,
    Pausing(Pausing),
    Paused(Paused),
}

impl From<Was> for Held {
    fn from(was: Was) -> Self {
        match was {
            Was::Running => Self::Not,
            Was::Pausing(pausing) => Self::Soon(pausing),
            Was::Paused(paused) => Self::Now(paused),
        }
    }
}

/// How far that is.
enum Stage {
    /// Its memory is still being checked, and it is what it was: what it is saved as leaves it.
    Waits(Was),
    Pausing(Pausing),
    /// Its vCPUs have been asked.
    Asked(Paused),
    /// Its client sees what its state is, and has yet to say that the rest is to be written.
    Shown(Box<Saved>, Paused),
    /// It has said so.
    Agreed(Box<Saved>, Paused),
    /// In this order: a file that is given up is so before its guest goes on.
    Writing(Written, Paused),
    /// The file is whole, and its client has yet to say that it has its name.
    Whole(Paused),
}

/// What comes of a guest whose vCPUs have said what they hold.
enum Begun {
    Shown(Box<Saved>),
    Writing(Written),
}

impl Stage {
    fn begin(was: Was, controls: &Controls, now: Instant) -> Self {
        match was {
            Was::Running => Self::Pausing(controls.pause(now)),
            Was::Pausing(pausing) => Self::Pausing(pausing),
            Was::Paused(paused) => {
                paused.ask(controls);
                Self::Asked(paused)
            }
        }
    }
}

/// What takes its time, and is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// A pause.
    Pause,
    /// A save.
    Save,
    /// An audit.
    Look,
    /// A hand-over.
    Hand,
}

/// The operator of a guest.
pub struct Operator {
    guest: Arc<Guest>,
    /// Its machine, once it runs.
    controls: Arc<OnceLock<Controls>>,
    held: Held,
    /// It began with a pause that nobody has ended: it lasts whoever waits for it, and whoever has gone.
    stays: bool,
    /// Nobody knows here whether the guest runs elsewhere: it rests until somebody names this end.
    unknown: bool,
    /// That would be on another host.
    far: bool,
    /// Where it was given to one: what tells whether its disks were written since it came to rest.
    since: Option<Vec<Stamp>>,
    /// When its disks are taken back, which the other end may have until then.
    back: Option<Instant>,
    end: End,
    scribe: Scribe,
    /// What its thread does, until there is one.
    writes: Option<Box<dyn FnOnce() + Send>>,
}

/// How far the guest's end is. It is never taken back: one that is saved in a file with a name does not go on here, not
/// for the moment either that its machine takes to end.
#[derive(PartialEq, Eq)]
enum End {
    /// Nobody asked for it.
    Not,
    Asked,
    /// Its machine was told.
    Begun,
}

/// What is said of a pause, and of its end.
const PAUSED: &str =
    "the guest is paused: its operator asked for it (`vmlock-run resume` lets it go on)";
const RESUMED: &str = "its operator lets the guest go on";
/// What is said to who waits for a pause that somebody ended before it came.
pub const CALLED_OFF: &str =
    "the pause was called off: somebody let the guest go on before it was at rest";
/// What is said while the guest is being saved.
const SAVING: &str =
    "the guest is being saved: it ends once that is done, or goes on where it cannot be";
/// What is said while the witness looks at it.
const LOOKING: &str = "the guest is being audited, and goes on once that is done";
/// What is said to who saves a guest that somebody ends meanwhile.
const ENDED: &str = "the guest is not saved: somebody had it end before the file was whole";
/// What is said where it was found to be what was saved, and stays behind what it said since.
const UNREAD: &str = "its memory was checked, and what it said meanwhile does not go out, since nobody reads its console: read that, and try again";
/// What is said where there is no machine.
const STARTING: &str = "its machine is still being made: try again once it runs";

/// Whether nobody reads what a guest said while its memory was checked, for as long as anybody is waited for.
fn is_unread(controls: &Controls, now: Instant) -> bool {
    let since = controls.outlet.opens_since();
    since.is_some_and(|since| now.saturating_duration_since(since) > LIMIT)
}

/// What was not done of a guest, what it does then, and why. One that has come to its end does nothing.
fn not(done: &str, then: &str, why: &str) -> Answer {
    Answer::Error(match why {
        AT_ITS_END => format!("the guest {done}: {why}"),
        _ => format!("the guest {done}, and {then}: {why}"),
    })
}

impl Operator {
    /// The operator of that guest, whose machine is there once it runs.
    pub fn new(guest: Arc<Guest>, controls: Arc<OnceLock<Controls>>) -> Self {
        let (scribe, writes) = Scribe::new();
        Self {
            guest,
            controls,
            held: Held::Not,
            stays: false,
            unknown: false,
            far: false,
            since: None,
            back: None,
            end: End::Not,
            scribe,
            writes: Some(Box::new(writes)),
        }
    }

    /// What the thread does that writes saved guests; once.
    pub fn writes(&mut self) -> Option<Box<dyn FnOnce() + Send>> {
        self.writes.take()
    }

    /// A guest that begins with a pause is its operator's from then on.
    fn take_over(&mut self) {
        if let Some(controls) = self.controls.get()
            && let Some(pausing) = controls.begun()
        {
            self.held = Held::Soon(pausing);
            self.stays = true;
            (self.unknown, self.far) = (controls.unknown, controls.far);
        }
    }

    /// What its guest has done, and how far it is saved.
    pub fn status(&mut self) -> Status {
        self.take_over();
        let mut status = self.guest.status();
        if self.unknown {
            status.state = State::Unknown;
        }
        if let Held::Hands(_) = self.held {
            status.state = State::HandingOver;
        }
        let checking = self.controls.get().and_then(|it| it.outlet.progress());
        status.checking = checking.map(|(checked, memory)| status::Checking { checked, memory });
        let memory = self.controls.get().and_then(|controls| {
            let saves = controls.saves.as_ref()?;
            Some(saves.memory.range().size)
        });
        if let Held::Saves(saves) = &self.held
            && !matches!(saves.stage, Stage::Waits(_))
        {
            let memory = memory.unwrap_or(0);
            let disks = match saves.order.whole_disks {
                true => self.disks(),
                false => 0,
            };
            let (written, read) = match &saves.stage {
                Stage::Waits(_)
                | Stage::Pausing(_)
                | Stage::Asked(_)
                | Stage::Shown(..)
                | Stage::Agreed(..) => (0, 0),
                Stage::Writing(written, _) => (written.bytes(), written.read().min(disks)),
                Stage::Whole(_) => (memory, disks),
            };
            status.state = State::Saving;
            status.saving = Some(status::Saving {
                written,
                memory,
                read,
                disks,
            });
        }
        status
    }

    /// What is said of a guest of which nobody knows here whether it runs elsewhere.
    fn doubt(&self) -> &'static str {
        match (self.far, &self.since) {
            (false, _) => UNKNOWN,
            (true, Some(_)) => FAR,
            (true, None) => CAME,
        }
    }

    /// Bytes of its guest's disks.
    fn disks(&self) -> u64 {
        let saves = self.controls.get().and_then(|it| it.saves.as_ref());
        let devices = saves.map_or(&[][..], |saves| &saves.lock.machine.devices);
        let blocks = devices
            .iter()
            .filter_map(|d| d.virtio.as_ref()?.block.as_ref());
        let bytes = blocks.map(|disk| disk.sectors.saturating_mul(SECTOR));
        bytes.fold(0, u64::saturating_add)
    }

    /// Asks for a pause; `None` where the answer comes later.
    pub fn pause(&mut self, now: Instant) -> Option<Answer> {
        self.take_over();
        let Some(controls) = self.controls.get() else {
            return Some(Answer::Error(STARTING.to_owned()));
        };
        match self.held {
            Held::Now(_) => Some(Answer::State(State::Paused)),
            Held::Soon(_) => None,
            Held::Saves(_) => Some(Answer::Error(SAVING.to_owned())),
            Held::Looks(_) => Some(Answer::Error(LOOKING.to_owned())),
            Held::Hands(_) => Some(Answer::Error(HANDING.to_owned())),
            Held::Not => {
                self.held = Held::Soon(controls.pause(now));
                None
            }
        }
    }

    /// Lets the guest go on.
    pub fn resume(&mut self) -> Answer {
        self.take_over();
        if self.controls.get().is_none() {
            return Answer::Error(STARTING.to_owned());
        }
        if let Held::Saves(_) = self.held {
            return Answer::Error(SAVING.to_owned());
        }
        if let Held::Looks(_) = self.held {
            return Answer::Error(LOOKING.to_owned());
        }
        if let Held::Hands(_) = self.held {
            return Answer::Error(HANDING.to_owned());
        }
        if self.unknown {
            return Answer::Error(self.doubt().to_owned());
        }
        let held = take(&mut self.held);
        let was_paused = matches!(held, Held::Now(_)) || self.stays;
        self.stays = false;
        drop(held);
        if was_paused {
            speaker::event(Event::Resumed, RESUMED);
        }
        Answer::State(self.state())
    }

    /// The lock of its guest.
    pub fn lock(&self) -> Answer {
        let Some(controls) = self.controls.get() else {
            return Answer::Error(STARTING.to_owned());
        };
        match &controls.saves {
            Some(saves) => Answer::Lock(saves.text.to_owned()),
            None => Answer::Error("it has no lock".to_owned()),
        }
    }

    /// Asks for the guest to be saved to a file, as that is ordered; `None` where the answer comes later.
    pub fn save(&mut self, file: Option<File>, order: Order, now: Instant) -> Option<Answer> {
        self.take_over();
        let error = |words: &str| Some(Answer::Error(words.to_owned()));
        let Some(controls) = self.controls.get() else {
            return error(STARTING);
        };
        if file.is_none() {
            return error("no file came with it");
        }
        if self.unknown {
            return error(self.doubt());
        }
        let was = match take(&mut self.held) {
            Held::Not => Was::Running,
            Held::Soon(pausing) if self.stays => Was::Pausing(pausing),
            Held::Now(paused) => Was::Paused(paused),
            other => {
                self.held = other;
                return error("the guest is being paused, saved or audited already");
            }
        };
        let paused = !matches!(was, Was::Running);
        let stage = match controls.outlet.is_open() {
            true => Stage::begin(was, controls, now),
            false => Stage::Waits(was),
        };
        self.held = Held::Saves(Box::new(Saves {
            file,
            order,
            stage,
            paused,
        }));
        None
    }

    /// Whoever has seen the guest's state says that the rest is to be written; `None` where the answer comes later.
    pub fn write(&mut self, awaited: bool) -> Option<Answer> {
        match take(&mut self.held) {
            Held::Saves(mut saves) if awaited => {
                saves.stage = match saves.stage {
                    Stage::Shown(state, paused) => Stage::Agreed(state, paused),
                    other => other,
                };
                self.held = Held::Saves(saves);
            }
            other => self.held = other,
        }
        let agreed =
            matches!(&self.held, Held::Saves(saves) if matches!(saves.stage, Stage::Agreed(..)));
        (!agreed).then(|| Answer::Error("no guest is at rest that you have seen".to_owned()))
    }

    /// The file has its name, as somebody says who was to give it or not: the guest ends, at the next [`Operator::end`].
    pub fn commit(&mut self, names: bool) -> Answer {
        match names && self.is_whole() {
            true => self.stop(),
            false => {
                Answer::Error("no file is whole that you have yet to give its name".to_owned())
            }
        }
    }

    /// Whether a file is whole, and waits for its name.
    pub fn is_whole(&self) -> bool {
        matches!(&self.held, Held::Saves(saves) if matches!(saves.stage, Stage::Whole(_)))
    }

    /// Whether a save waits for what its client says.
    pub fn awaits_its_client(&self) -> bool {
        self.is_whole()
            || matches!(&self.held, Held::Saves(saves) if matches!(saves.stage, Stage::Shown(..)))
    }

    /// Nobody is there any more who would have the guest written, or give the file its name: it goes on, unless it ends.
    pub fn abandon(&mut self) {
        if self.awaits_its_client() && self.end == End::Not {
            self.unsaved();
        }
    }

    /// The guest was not saved: it goes on, if it was not paused before.
    fn unsaved(&mut self) {
        if let Held::Saves(saves) = take(&mut self.held)
            && saves.paused
        {
            self.held = match saves.stage {
                Stage::Waits(was) => was.into(),
                Stage::Pausing(pausing) => Held::Soon(pausing),
                Stage::Asked(paused)
                | Stage::Shown(_, paused)
                | Stage::Agreed(_, paused)
                | Stage::Writing(_, paused)
                | Stage::Whole(paused) => Held::Now(paused),
            };
        }
    }

    /// Goes a step on with a save.
    fn go_on(&mut self, mut saves: Box<Saves>, now: Instant) -> Option<Answer> {
        let controls = self.controls.get()?;
        let then = match saves.paused {
            true => "stays paused",
            false => "goes on",
        };
        let failed = |words: String| Some(not("is not saved", then, &words));
        saves.stage = match saves.stage {
            Stage::Waits(_) if controls.is_at_its_end() => return failed(AT_ITS_END.to_owned()),
            Stage::Waits(was) if is_unread(controls, now) => {
                self.held = was.into();
                return failed(UNREAD.to_owned());
            }
            Stage::Waits(was) => match controls.outlet.is_open() {
                true => Stage::begin(was, controls, now),
                false => Stage::Waits(was),
            },
            Stage::Pausing(pausing) => match pausing.go_on(controls, now) {
                Progress::Under(pausing) => Stage::Pausing(pausing),
                Progress::Over(paused) => {
                    paused.ask(controls);
                    Stage::Asked(paused)
                }
                Progress::GivenUp(why) => return failed(why),
            },
            Stage::Asked(paused) => {
                let begun = paused.settled(controls).and_then(|mut settled| {
                    let told = paused.told(controls)?;
                    Some(told.and_then(|told| {
                        let own = controls.saves.as_ref().ok_or("it has no lock")?;
                        let state = save::state(&mut settled, own, told)?;
                        match saves.order.state_first {
                            true => Ok(Begun::Shown(Box::new(state))),
                            false => {
                                let begun =
                                    self.begin(&mut saves.file, saves.order, state, &settled);
                                begun.map(Begun::Writing)
                            }
                        }
                    }))
                });
                match begun {
                    None => Stage::Asked(paused),
                    Some(Ok(Begun::Writing(written))) => Stage::Writing(written, paused),
                    Some(Ok(Begun::Shown(state))) => {
                        let seen = AtRest::of(&state);
                        saves.stage = Stage::Shown(state, paused);
                        self.held = Held::Saves(saves);
                        return Some(Answer::AtRest(Box::new(seen)));
                    }
                    Some(Err(why)) => {
                        saves.stage = Stage::Asked(paused);
                        self.held = Held::Saves(saves);
                        self.unsaved();
                        return failed(why);
                    }
                }
            }
            // It does not go on, and no file of it gets a name that was not whole by then.
            Stage::Agreed(_, paused) | Stage::Writing(_, paused) if self.end != End::Not => {
                self.held = Held::Now(paused);
                return Some(Answer::Error(ENDED.to_owned()));
            }
            Stage::Agreed(state, paused) => {
                // What it was, it is still: nobody has let it go since.
                let Some(settled) = paused.settled(controls) else {
                    saves.stage = Stage::Agreed(state, paused);
                    self.held = Held::Saves(saves);
                    return None;
                };
                let begun = self.begin(&mut saves.file, saves.order, *state, &settled);
                drop(settled);
                match begun {
                    Ok(written) => Stage::Writing(written, paused),
                    Err(why) => {
                        saves.stage = Stage::Asked(paused);
                        self.held = Held::Saves(saves);
                        self.unsaved();
                        return failed(why);
                    }
                }
            }
            Stage::Writing(written, paused) => match written.said() {
                None => Stage::Writing(written, paused),
                Some(Ok(identity)) => {
                    saves.stage = Stage::Whole(paused);
                    self.held = Held::Saves(saves);
                    let identity = identity.to_string();
                    return Some(Answer::Saved(Done { identity }));
                }
                Some(Err(why)) => {
                    saves.stage = Stage::Asked(paused);
                    self.held = Held::Saves(saves);
                    self.unsaved();
                    return failed(why);
                }
            },
            whole => whole,
        };
        self.held = Held::Saves(saves);
        None
    }

    /// Begins to write a guest whose state that is.
    fn begin(
        &self,
        file: &mut Option<File>,
        order: Order,
        state: Saved,
        settled: &Settled<'_>,
    ) -> Result<Written, String> {
        let controls = self.controls.get();
        let own = controls.and_then(|controls| controls.saves.as_ref());
        let own = own.ok_or("it has no lock")?;
        let file = file.take().ok_or("its file has gone")?;
        let disks = settled.disks(order.whole_disks);
        let saving = Saving::new(file, state, disks, own.memory.range().size)?;
        Ok(self.scribe.write(saving, &self.controls))
    }

    /// Has the guest end, at the next [`Operator::end`].
    pub fn stop(&mut self) -> Answer {
        match self.controls.get() {
            Some(_) => {
                if self.end == End::Not {
                    self.end = End::Asked;
                }
                Answer::Stopping {}
            }
            None => Answer::Error(STARTING.to_owned()),
        }
    }

    /// Ends the guest, if somebody asked for it, who has his answer by now.
    pub fn end(&mut self) {
        if self.end == End::Asked
            && let Some(controls) = self.controls.get()
        {
            self.end = End::Begun;
            controls.stop();
        }
    }

    /// Whether a guest is being written or its memory checked, or another runner makes a machine for it: that takes its time.
    pub fn takes_long(&self) -> bool {
        let controls = self.controls.get();
        self.is_meeting()
            || controls.is_some_and(|controls| !controls.outlet.is_open())
            || matches!(&self.held, Held::Saves(saves) if matches!(saves.stage, Stage::Writing(..)))
    }

    /// For what those wait who are answered next.
    pub fn about(&self) -> Waits {
        match self.held {
            Held::Not | Held::Soon(_) | Held::Now(_) => Waits::Pause,
            Held::Saves(_) => Waits::Save,
            Held::Looks(_) => Waits::Look,
            Held::Hands(_) => Waits::Hand,
        }
    }

    /// Whether a pause comes for which somebody waits, though something else is done before.
    pub fn will_pause(&self) -> bool {
        self.stays
    }

    /// Whether a pause, a save or an audit has yet to come.
    pub fn is_busy(&self) -> bool {
        matches!(self.held, Held::Soon(_) | Held::Looks(_))
            || matches!(self.held, Held::Saves(_)) && !self.awaits_its_client()
            || self.is_handing()
    }

    /// What can be read once there is more to be done of what takes its time.
    pub fn wakes(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let controls = self.controls.get();
        let other_end = match &self.held {
            Held::Hands(hand) if self.is_handing() => Some(hand.fd()),
            _ => None,
        };
        controls
            .and_then(|it| it.bell().fd())
            .into_iter()
            .chain(other_end)
    }

    /// That is being looked at.
    pub fn woken(&self) {
        if let Some(controls) = self.controls.get() {
            controls.bell().heard();
        }
    }

    /// When there is something to be done, whoever asks for what.
    pub fn due(&self) -> Option<Instant> {
        self.back
    }

    /// Goes on with what takes its time, and for which so many wait: what they are told, once there is something.
    pub fn turn(&mut self, waiting: usize, now: Instant) -> Option<Answer> {
        if let Err(why) = self.take_back(now) {
            speaker::event(
                Event::Paused,
                format_args!("{FAR}; of its disks here: {why}"),
            );
        }
        let pausing = match take(&mut self.held) {
            Held::Soon(pausing) => pausing,
            Held::Now(paused) => {
                self.held = Held::Now(paused);
                return (waiting > 0).then_some(Answer::State(State::Paused));
            }
            Held::Saves(saves) => {
                self.held = Held::Saves(saves);
                if self.awaits_its_client() {
                    return None;
                }
                if waiting == 0 {
                    self.unsaved();
                    return None;
                }
                let Held::Saves(saves) = take(&mut self.held) else {
                    return None;
                };
                return self.go_on(saves, now);
            }
            Held::Looks(looks) => return self.look_on(looks, waiting, now),
            Held::Hands(hand) => return self.hand_on(hand, waiting, now),
            Held::Not => return (waiting > 0).then(|| Answer::Error(CALLED_OFF.to_owned())),
        };
        let controls = self.controls.get()?;
        if waiting == 0 && !self.stays {
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
            Progress::GivenUp(why) => Some(not("could not be paused", "goes on", &why)),
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
            // That was said when it began.
            _ if self.stays => {}
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
    use crate::hold::pausing::tests::{Machine, begins_paused, machine};
    use crate::jail::elders::Elders;
    use crate::snapshot::scribe::tests::unfinished;
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::io::{Read as _, Write as _};
    use std::net::Shutdown;
    use std::os::unix::net::UnixStream;
    use std::sync::atomic::Ordering::SeqCst;
    use std::thread;
    use std::time::Duration;
    use vmlock_saved::file::Identity;

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

    /// An operator whose guest is at rest, and saved so far.
    fn at(controls: Controls, stage: impl FnOnce(Paused) -> Stage) -> Operator {
        let mut pausing = controls.pause(Instant::now());
        let paused = loop {
            pausing = match pausing.go_on(&controls, Instant::now()) {
                Progress::Under(pausing) => pausing,
                Progress::Over(paused) => break paused,
                Progress::GivenUp(why) => panic!("{why}"),
            };
        };
        let controls = Arc::new(OnceLock::from(controls));
        let mut operator = Operator::new(Arc::new(Guest::new("web", 0)), controls);
        operator.held = Held::Saves(Box::new(Saves {
            file: None,
            order: Order::default(),
            stage: stage(paused),
            paused: false,
        }));
        operator
    }

    /// The operator of a guest that runs.
    pub fn of(controls: Controls) -> Operator {
        let controls = Arc::new(OnceLock::from(controls));
        Operator::new(Arc::new(Guest::new("web", 0)), controls)
    }

    /// What those are told who wait, so many.
    pub fn told(operator: &mut Operator, waiting: usize) -> Answer {
        loop {
            if let Some(answer) = operator.turn(waiting, Instant::now()) {
                return answer;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_guest_that_began_paused_can_be_saved_at_once_and_stays_so_where_it_is_not() {
        let file = || File::open("/dev/null").ok();
        let (Machine { controls, .. }, start) = begins_paused(5);
        let mut operator = of(controls);
        assert!(
            operator
                .save(file(), Order::default(), Instant::now())
                .is_none()
        );
        assert_eq!(operator.about(), Waits::Save);
        // Its client has gone before it came to rest.
        assert!(operator.turn(0, Instant::now()).is_none());
        assert_eq!(
            (operator.about(), operator.state()),
            (Waits::Pause, State::Paused)
        );
        assert!(
            operator
                .save(file(), Order::default(), Instant::now())
                .is_none()
        );
        let (rounds, thread) = start();
        // This one has no lock.
        let Answer::Error(words) = told(&mut operator, 1) else {
            panic!("it cannot be saved")
        };
        assert!(words.contains("stays paused"), "{words}");
        thread::sleep(Duration::from_millis(5));
        assert_eq!((operator.state(), rounds.load(SeqCst)), (State::Paused, 0));
        assert!(matches!(operator.resume(), Answer::State(State::Running)));
        thread.join().expect("it goes on");
        assert_eq!(rounds.load(SeqCst), 5);
    }

    /// Each is told what it asked for, and nobody what another one did.
    #[test]
    fn who_waits_for_a_pause_is_told_of_one_after_an_audit() {
        let (Machine { controls, .. }, start) = begins_paused(5);
        let served = Served::new("both", Some(controls));
        let pauses = served.asks("pause");
        assert!(served.told("status").starts_with("{\"status\""));
        let looks = served.asks("audit");
        assert!(served.told("status").starts_with("{\"status\""));
        let (rounds, thread) = start();
        let seen = heard(looks);
        assert!(
            seen.starts_with("{\"seen\"") && seen.contains("[\"07\"]"),
            "{seen}"
        );
        assert_eq!(heard(pauses), PAUSED);
        assert_eq!(rounds.load(SeqCst), 0);
        assert_eq!(served.told("resume"), RUNS);
        thread.join().expect("it goes on");
    }

    #[test]
    fn a_guest_whose_file_has_its_name_stays_at_rest_for_good() {
        let (machine, thread) = machine(1);
        thread.expect("it has one").join().expect("it ends");
        let mut operator = at(machine.controls, Stage::Whole);
        // Only who was to give the name may say that it is there.
        assert!(matches!(operator.commit(false), Answer::Error(_)));
        assert!(matches!(operator.commit(true), Answer::Stopping {}));
        for _ in 0..3 {
            // Nobody names it any more, whoever asks for whatever.
            operator.abandon();
            operator.end();
            assert!(matches!(operator.resume(), Answer::Error(_)));
            assert!(matches!(operator.stop(), Answer::Stopping {}));
            assert!(operator.turn(0, Instant::now()).is_none());
            assert_eq!(operator.state(), State::Paused);
        }
        assert_eq!(machine.ended.load(SeqCst), 1);
    }

    #[test]
    fn a_guest_whose_file_gets_no_name_goes_on() {
        let (machine, thread) = machine(1);
        thread.expect("it has one").join().expect("it ends");
        let mut operator = at(machine.controls, Stage::Whole);
        assert_eq!(operator.state(), State::Paused);
        operator.abandon();
        assert_eq!(operator.state(), State::Running);
        assert!(matches!(operator.commit(true), Answer::Error(_)));
        operator.end();
        assert_eq!(machine.ended.load(SeqCst), 0);
    }

    #[test]
    fn while_a_guest_is_written_everybody_is_answered_and_it_rests() {
        let now = Instant::now();
        for (said, clients) in [(Some(true), 1), (Some(false), 1), (None, 0)] {
            let (machine, thread) = machine(1);
            thread.expect("it has one").join().expect("it ends");
            let (written, says) = unfinished();
            let mut operator = at(machine.controls, |paused| Stage::Writing(written, paused));
            for _ in 0..3 {
                // However often it is looked at: no answer, and no guest that runs.
                assert!(operator.turn(1, now).is_none() && operator.takes_long());
                assert_eq!(operator.status().state, State::Saving);
                assert_eq!(operator.state(), State::Paused);
                assert!(matches!(operator.resume(), Answer::Error(_)));
                assert!(matches!(operator.pause(now), Some(Answer::Error(_))));
                assert!(matches!(operator.commit(true), Answer::Error(_)));
            }
            match said {
                Some(true) => says.send(Ok(Identity([7; 32]))),
                Some(false) => says.send(Err("no room".to_owned())),
                None => Ok(()),
            }
            .expect("somebody waits");
            match (said, operator.turn(clients, now)) {
                (Some(true), Some(Answer::Saved(done))) => {
                    assert_eq!(done.identity, Identity([7; 32]).to_string());
                    assert_eq!(operator.state(), State::Paused);
                    assert!(operator.is_whole());
                }
                (Some(false), Some(Answer::Error(words))) => {
                    assert!(words.contains("goes on: no room"), "{words}");
                    assert_eq!(operator.state(), State::Running);
                }
                (None, None) => {
                    assert_eq!(operator.state(), State::Running);
                    // Nobody will hear of it.
                    assert!(says.send(Ok(Identity([7; 32]))).is_err());
                }
                (said, _) => panic!("{said:?}"),
            }
            assert_eq!(machine.ended.load(SeqCst), 0);
        }
    }

    fn shown(paused: Paused) -> Stage {
        Stage::Shown(Box::new(crate::snapshot::scribe::tests::nothing()), paused)
    }

    /// Nothing is begun before somebody who has seen it says so, and where nobody does it goes on.
    #[test]
    fn a_guest_whose_state_was_shown_rests_until_its_client_says_or_goes() {
        for (agrees, ends) in [(false, false), (true, false), (true, true), (false, true)] {
            let (machine, thread) = machine(1);
            thread.expect("it has one").join().expect("it ends");
            let mut operator = at(machine.controls, shown);
            for _ in 0..3 {
                assert!(operator.turn(1, Instant::now()).is_none());
                assert!(operator.awaits_its_client() && !operator.is_busy());
                assert_eq!(operator.status().state, State::Saving);
                assert!(matches!(operator.resume(), Answer::Error(_)));
                assert!(matches!(operator.commit(true), Answer::Error(_)));
                // It is not for others to say.
                assert!(matches!(operator.write(false), Some(Answer::Error(_))));
            }
            assert_eq!(operator.state(), State::Paused);
            if ends {
                assert!(matches!(operator.stop(), Answer::Stopping {}));
            }
            if !agrees {
                operator.abandon();
                let state = if ends { State::Paused } else { State::Running };
                assert_eq!(operator.state(), state);
                assert!(matches!(operator.write(true), Some(Answer::Error(_))) != ends);
                continue;
            }
            assert!(operator.write(true).is_none() && operator.is_busy());
            let Answer::Error(words) = told(&mut operator, 1) else {
                panic!("this one has no lock")
            };
            let (said, state) = match ends {
                true => ("had it end", State::Paused),
                false => ("goes on: it has no lock", State::Running),
            };
            assert!(words.contains(said), "{words}");
            assert_eq!(operator.state(), state);
        }
    }

    /// Who wants its end has it, and no file of that guest gets a name by this runner.
    #[test]
    fn a_guest_that_is_written_can_be_ended() {
        let (machine, thread) = machine(1);
        thread.expect("it has one").join().expect("it ends");
        let (written, says) = unfinished();
        let mut operator = at(machine.controls, |paused| Stage::Writing(written, paused));
        assert!(matches!(operator.stop(), Answer::Stopping {}));
        operator.end();
        assert_eq!(machine.ended.load(SeqCst), 1);
        // Also where the file is whole in the same moment.
        says.send(Ok(Identity([7; 32]))).expect("somebody waits");
        let told = operator.turn(1, Instant::now());
        assert!(matches!(told, Some(Answer::Error(words)) if words.contains("had it end")));
        assert!(says.send(Ok(Identity([7; 32]))).is_err());
        assert!(!operator.is_whole());
        assert_eq!(operator.state(), State::Paused);
    }

    /// Whoever waits need not look again and again.
    #[test]
    fn who_waits_for_a_guest_to_rest_is_woken_once_it_does() {
        let (Machine { controls, .. }, thread) = machine(1000);
        let mut operator = of(controls);
        let (mut woken, begun) = (0, Instant::now());
        while woken < 5 {
            assert!(operator.pause(Instant::now()).is_none());
            // One that has not gone on since rests already.
            if operator.turn(1, Instant::now()).is_some() {
                // It may have rung for that, and not for the next one.
                operator.woken();
                operator.resume();
                assert!(begun.elapsed() < Duration::from_secs(60), "it ran out");
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            let wakes = operator.wakes();
            let mut fds: Vec<PollFd> = wakes.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
            assert_eq!(fds.len(), 1);
            let rung = poll(&mut fds, PollTimeout::from(30_000_u16));
            assert_eq!(rung, Ok(1), "nobody rings");
            woken += 1;
            operator.woken();
            let told = operator.turn(1, Instant::now());
            assert!(matches!(told, Some(Answer::State(State::Paused))));
            operator.resume();
        }
        thread.expect("it has one").join().expect("it goes on");
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
