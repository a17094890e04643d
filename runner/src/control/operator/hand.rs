//! The giving end of a hand-over: from the moment when somebody asks for it to the one in which the guest runs elsewhere, or
//! goes on here. What follows from what is [`protocol`](crate::handover::protocol)'s to say.
//!
//! Nothing here waits: what is to come from the other end is looked for at each turn.

use super::{AT_ITS_END, End, Held, Operator, STARTING};
use crate::control::Answer;
use crate::handover::hands::{Hands, OVER, UNKNOWN};
use crate::handover::protocol::{Deed, Event, Fate, Giving, Message, VERSION};
use crate::handover::right::{Right, Taken};
use crate::handover::wire::Peer;
use crate::hold::pausing::{Controls, Paused, Pausing, Progress};
use crate::snapshot::save::{self, Saving};
use crate::snapshot::scribe::Written;
use crate::speaker;
use std::fs::File;
use std::io::ErrorKind;
use std::mem::take;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use vmlock_spec::event;

/// How long the other end may take to say what it is.
const MEETING: Duration = Duration::from_secs(30);
/// How long it may take to make and prove its machine, while the guest runs here.
const BUILDING: Duration = Duration::from_secs(300);
/// How long the guest may take to come to rest and its state to be written: less than the other end waits for that.
const RESTING: Duration = Duration::from_secs(60);
/// How long the other end may take with the guest's state, while that is at rest.
const RESTORING: Duration = Duration::from_secs(60);
/// How long it may take to say that the guest runs.
const RUNNING: Duration = Duration::from_secs(30);

/// A guest that is being handed over.
pub(super) struct Hand {
    peer: Peer,
    at: Giving,
    stage: Stage,
    /// How long the other end may take.
    until: Instant,
    /// Since when the guest is on its way to rest.
    since: Instant,
    /// What it gets the guest's state in: to be sent, and to be written.
    state: File,
    written: Option<File>,
}

/// How far the guest is from rest.
#[derive(Default)]
enum Stage {
    #[default]
    Runs,
    Pausing(Pausing),
    /// Its vCPUs have been asked.
    Asked(Paused),
    /// Its state is being written. In this order: it is given up before the guest goes on.
    Writing(Written, Paused),
    Rests(Paused),
}

/// What is said while it is being handed over.
pub(super) const HANDING: &str =
    "the guest is being handed over: it ends here once that is done, or goes on where it cannot be";
const UNCHECKED: &str = "its memory is still being checked, and nothing of it leaves this runner before: try again once `vmlock-run status` says that no more";
const UNSHARED: &str = "its memory is not shared, so nobody else can have it: `start --memory shared` makes it so (`save` takes any guest)";

/// What is said where somebody has the guest end meanwhile.
const ENDED: &str = "somebody had it end before that was done";

/// What became of a look.
enum Seen {
    Nothing,
    Said(Message),
    Failed(String),
}

impl Operator {
    /// Asks for the guest to be handed over to whoever is at the other end of that connection, by way of that empty file in
    /// memory; `None` where the answer comes later.
    pub fn hand_over(&mut self, mut files: Vec<File>, now: Instant) -> Option<Answer> {
        self.take_over();
        let error = |words: &str| Some(Answer::Error(words.to_owned()));
        let Some(controls) = self.controls.get() else {
            return error(STARTING);
        };
        if !controls.outlet.is_open() {
            return error(UNCHECKED);
        }
        if controls
            .saves
            .as_ref()
            .is_none_or(|own| own.hands.is_none())
        {
            return error(UNSHARED);
        }
        let all = (files.pop(), files.pop(), files.pop());
        let (Some(state), Some(written), Some(peer)) = all else {
            return error("a connection has to come with it, and a file twice");
        };
        if !matches!(self.held, Held::Not) || self.end != End::Not {
            return error(
                "the guest is paused, or something else is done with it: try again when it runs",
            );
        }
        let stream = UnixStream::from(OwnedFd::from(peer));
        match Peer::new(stream, None) {
            Err(e) => error(&format!("what came with it is no connection: {e}")),
            Ok(peer) => {
                self.held = Held::Hands(Box::new(Hand {
                    peer,
                    at: Giving::Met,
                    stage: Stage::Runs,
                    until: now + MEETING,
                    since: now,
                    state,
                    written: Some(written),
                }));
                None
            }
        }
    }

    /// This end is named, of a guest of which nobody knows where it is: it goes on here, if no other process may run it.
    pub fn claim(&mut self) -> Answer {
        self.take_over();
        let memory = self.controls.get().and_then(|it| it.saves.as_ref());
        let right = memory.and_then(|own| own.memory.right());
        let Some(right) = right.filter(|_| self.unknown) else {
            return Answer::Error("nobody doubts whose the guest is".to_owned());
        };
        match right.take() {
            Ok(Taken::Ours) => {
                self.unknown = false;
                self.resume()
            }
            Ok(Taken::Over) => Answer::Error(OVER.to_owned()),
            Ok(Taken::Held) => Answer::Error(
                "the other end has the right to run the guest: it runs there, or that one has to end first (`vmlock-run stop`)"
                    .to_owned(),
            ),
            Err(e) => Answer::Error(format!("the right to run the guest cannot be had: {e}")),
        }
    }

    /// Whether it waits for the other end, which takes its time.
    pub(super) fn is_meeting(&self) -> bool {
        matches!(&self.held, Held::Hands(hand) if matches!(hand.at, Giving::Met | Giving::Waits))
    }

    /// Whether something of it has yet to come.
    pub(super) fn is_handing(&self) -> bool {
        matches!(&self.held, Held::Hands(hand) if hand.at != Giving::Over)
    }

    /// Goes as far with it as can be without waiting, for so many who wait.
    pub(super) fn hand_on(
        &mut self,
        mut hand: Box<Hand>,
        waiting: usize,
        now: Instant,
    ) -> Option<Answer> {
        if hand.at == Giving::Over {
            self.held = Held::Hands(hand);
            return None;
        }
        let controls = self.controls.get()?;
        let called_off = match (hand.at.may_call_off(), waiting) {
            (true, _) if self.end != End::Not => Some(ENDED),
            (true, _) if controls.is_gone() => Some(AT_ITS_END),
            (true, 0) => Some("nobody waits for it any more"),
            _ => None,
        };
        let own = controls.saves.as_ref()?;
        let (hands, right) = (own.hands.as_ref()?, own.memory.right()?);
        let mut why = String::new();
        let mut next = match (called_off, hand.at) {
            (Some(words), _) => Seen::Failed(words.to_owned()),
            (None, Giving::Rests) => match hand.hear(hands, now) {
                Seen::Nothing => match hand.rest(controls, now, |saving| {
                    self.scribe.write(saving, &self.controls)
                }) {
                    Ok(None) => Seen::Nothing,
                    // It is what was to be done.
                    Ok(Some(identity)) => {
                        let (at, _) = hand.at.step(Event::Done);
                        hand.at = at;
                        let turn = right.turn();
                        let state = Message::State { identity, turn };
                        let told = hand.peer.say(&state, Some(&hand.state));
                        hand.until = now + RESTORING;
                        match told {
                            Ok(()) => {
                                hand.at = hand.at.step(Event::Done).0;
                                Seen::Nothing
                            }
                            Err(e) => Seen::Failed(format!("its other end has gone: {e}")),
                        }
                    }
                    Err(words) => Seen::Failed(words),
                },
                // It has nothing to say then.
                other => other,
            },
            (None, _) => hand.hear(hands, now),
        };
        loop {
            let (at, deed) = match &next {
                Seen::Nothing => {
                    self.held = Held::Hands(hand);
                    return None;
                }
                Seen::Said(said) => {
                    if let Message::No { why: words } = said {
                        why = format!("its other end says: {words}");
                    }
                    hand.at.step(Event::Heard(said))
                }
                Seen::Failed(words) => {
                    why.clone_from(words);
                    hand.at.step(Event::Failed)
                }
            };
            hand.at = at;
            next = match deed {
                Deed::Give => match hand.give(hands) {
                    Ok(()) => {
                        hand.at = hand.at.step(Event::Done).0;
                        hand.until = now + BUILDING;
                        Seen::Nothing
                    }
                    Err(e) => Seen::Failed(format!("its other end takes nothing: {e}")),
                },
                Deed::Rest => {
                    hand.stage = Stage::Pausing(controls.pause(now));
                    (hand.since, hand.until) = (now, now + RESTING);
                    Seen::Nothing
                }
                Deed::Commit => match hand.commit(right) {
                    Commits::Sent => {
                        hand.at = hand.at.step(Event::Done).0;
                        hand.until = now + RUNNING;
                        Seen::Nothing
                    }
                    Commits::Not(words) => Seen::Failed(words),
                    Commits::Lost(words) => {
                        hand.at = Giving::Over;
                        return self.unknown(hand.stage, &words);
                    }
                },
                Deed::End(Fate::Gone) => {
                    let milliseconds = hand.since.elapsed().as_millis() as u64;
                    let words = format!(
                        "the guest runs at its other end, after {milliseconds} ms at rest, and this runner ends"
                    );
                    speaker::event(event::Event::HandedOver { milliseconds }, &words);
                    // The guest stays at rest until its machine has ended.
                    self.held = Held::Hands(hand);
                    self.end = End::Asked;
                    return Some(Answer::HandedOver { milliseconds });
                }
                Deed::End(Fate::Unknown) => return self.unknown(hand.stage, &why),
                // Its state was given, and in one way or another it has gone on with that.
                Deed::End(_) if !right.go_on() && !controls.is_gone() => {
                    return self.unknown(hand.stage, &why);
                }
                Deed::End(_) => {
                    if why.is_empty() {
                        why = "its other end says what was not to come".to_owned();
                    }
                    // It sees the end of the connection, too.
                    let _ = hand.peer.say(&Message::no(&why), None);
                    drop(hand);
                    let then = match self.end == End::Not && !controls.is_gone() {
                        true => ", and goes on",
                        false => "",
                    };
                    return Some(Answer::Error(format!(
                        "the guest is not handed over{then}: {why}"
                    )));
                }
                _ => Seen::Nothing,
            };
        }
    }

    /// The guest rests, until somebody names this end.
    fn unknown(&mut self, stage: Stage, why: &str) -> Option<Answer> {
        let Stage::Rests(paused) = stage else {
            return Some(Answer::Error(format!(
                "the guest is not handed over: {why}"
            )));
        };
        self.held = Held::Now(paused);
        (self.stays, self.unknown) = (true, true);
        speaker::event(event::Event::Paused, UNKNOWN);
        Some(Answer::Error(format!("{UNKNOWN} ({why})")))
    }
}

/// What became of a commit.
enum Commits {
    Sent,
    /// Nothing of it was sent, and the right to run the guest is here.
    Not(String),
    /// Nothing of it was sent, and somebody else has that right.
    Lost(String),
}

impl Hand {
    /// What the other end says by now.
    fn hear(&mut self, hands: &Hands, now: Instant) -> Seen {
        match self.peer.hear() {
            Ok(None) if now > self.until => Seen::Failed("its other end takes too long".to_owned()),
            Ok(None) => Seen::Nothing,
            Ok(Some(heard)) => match heard.said {
                Message::Offer { version, .. } if version != VERSION => Seen::Failed(format!(
                    "its other end speaks version {version}, and this one {VERSION}"
                )),
                Message::Offer { ref lock, .. } if *lock != hands.lock => Seen::Failed(
                    "its other end has another lock (`vmlock diff` shows what that says)"
                        .to_owned(),
                ),
                said => Seen::Said(said),
            },
            Err(e) if e.kind() == ErrorKind::InvalidData => {
                Seen::Failed(format!("its other end says what makes no sense: {e}"))
            }
            Err(e) => Seen::Failed(format!(
                "its other end has gone, and its own words say why ({e})"
            )),
        }
    }

    /// Gives what can be given while the guest runs.
    fn give(&self, hands: &Hands) -> std::io::Result<()> {
        let accept = Message::Accept {
            version: VERSION,
            lock: hands.lock.clone(),
            generation: hands.generation.map(crate::handover::id::Id::digits),
            devices: u32::try_from(hands.devices.len()).unwrap_or(u32::MAX),
        };
        self.peer.say(&accept, None)?;
        self.peer.say(&Message::Memory {}, Some(&hands.memory))?;
        hands.devices.iter().try_for_each(|(name, file)| {
            let name = name.clone();
            self.peer.say(&Message::Device { name }, Some(file))
        })
    }

    /// Brings the guest a step nearer to rest; once it is, and its state is written down: what tells that from all others.
    fn rest(
        &mut self,
        controls: &Controls,
        now: Instant,
        write: impl FnOnce(Saving) -> Written,
    ) -> Result<Option<String>, String> {
        let own = controls.saves.as_ref().ok_or("it has no lock")?;
        self.stage = match take(&mut self.stage) {
            Stage::Pausing(pausing) => match pausing.go_on(controls, now) {
                Progress::Under(pausing) => Stage::Pausing(pausing),
                Progress::Over(paused) => {
                    paused.ask(controls);
                    Stage::Asked(paused)
                }
                Progress::GivenUp(why) => return Err(why),
            },
            Stage::Asked(paused) => {
                let file = &mut self.written;
                let saving = match paused.settled(controls) {
                    Some(mut settled) => paused.told(controls).map(|told| {
                        let state = save::state(&mut settled, own, told?)?;
                        let disks = settled.disks(false);
                        let file = file.take().ok_or("its file has gone")?;
                        let saving = Saving::new(file, state, disks, own.memory.range().size)?;
                        Ok::<_, String>(saving.without_memory(own))
                    }),
                    None => None,
                };
                match saving {
                    None => Stage::Asked(paused),
                    Some(saving) => Stage::Writing(write(saving?), paused),
                }
            }
            Stage::Writing(written, paused) => match written.said() {
                None => Stage::Writing(written, paused),
                Some(Err(why)) => return Err(why),
                Some(Ok(identity)) => {
                    self.stage = Stage::Rests(paused);
                    return Ok(Some(identity.to_string()));
                }
            },
            other => other,
        };
        Ok(None)
    }

    /// Lets go of the right to run the guest, and says so.
    fn commit(&self, right: &Right) -> Commits {
        if let Err(e) = right.leave() {
            return Commits::Not(format!("the right to run it cannot be given: {e}"));
        }
        match self.peer.say(&Message::Commit {}, None) {
            Ok(()) => Commits::Sent,
            Err(e) => match right.take() {
                Ok(Taken::Ours) => Commits::Not(format!("its other end has gone: {e}")),
                _ => Commits::Lost(
                    "its other end has gone, and has or had the right to run it".to_owned(),
                ),
            },
        }
    }
}
