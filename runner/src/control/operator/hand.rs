//! The giving end of a hand-over: from the moment when somebody asks for it to the one in which the guest runs elsewhere, or
//! goes on here. What follows from what is [`protocol`](crate::handover::protocol)'s to say.
//!
//! Nothing here waits: what is to come from the other end is looked for at each turn.

use super::{AT_ITS_END, End, Held, Operator, STARTING};
use crate::control::Answer;
use crate::handover::hands::{self, CAME, FAR, Hands, OVER, Stamp, UNKNOWN, WORD};
use crate::handover::protocol::{Deed, Event, Fate, Giving, Message, VERSION};
use crate::handover::right::{Right, Taken};
use crate::handover::wire::Peer;
use crate::hold::pausing::{Controls, Paused, Pausing, Progress};
use crate::snapshot::save::{self, Saving};
use crate::snapshot::scribe::Written;
use crate::speaker;
use std::fmt::Write as _;
use std::fs::File;
use std::io::ErrorKind;
use std::mem::take;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
use vmlock_spec::event;
use vmlock_spec::lock::Lock;

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
    rests: Instant,
    /// What it gets the guest's state in: to be sent, and to be written.
    state: File,
    written: Option<File>,
    /// The other end is on another host.
    far: bool,
    /// What tells there whether its disks were written since it came to rest.
    since: Vec<Stamp>,
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
    /// Asks for the guest to be handed over to whoever is at the other end of that connection, `far` away or on this host, by way of
    /// that empty file in memory; `None` where the answer comes later.
    pub fn hand_over(&mut self, mut files: Vec<File>, far: bool, now: Instant) -> Option<Answer> {
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
                    rests: now,
                    state,
                    written: Some(written),
                    far,
                    since: Vec::new(),
                }));
                None
            }
        }
    }

    /// This end is named, of a guest of which nobody knows where it is: it goes on here, if no other process may run it. Where that
    /// cannot be seen from here, it is by the word of who names it that the other end `is_gone`.
    pub fn claim(&mut self, is_gone: bool) -> Answer {
        self.take_over();
        let memory = self.controls.get().and_then(|it| it.saves.as_ref());
        let right = memory.and_then(|own| own.memory.right());
        let Some(right) = right.filter(|_| self.unknown) else {
            return Answer::Error("nobody doubts whose the guest is".to_owned());
        };
        match (&self.since, self.far) {
            (_, false) => {}
            (None, true) => return Answer::Error(CAME.to_owned()),
            (Some(_), true) if !is_gone => return Answer::Error(WORD.to_owned()),
            (Some(since), true) => {
                if let Err(why) = self.hold_disks(since) {
                    return Answer::Error(format!("the guest rests on: {why}"));
                }
                self.back = None;
            }
        }
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

    /// Holds the guest's disks against others again, which nobody has written since.
    fn hold_disks(&self, since: &[Stamp]) -> Result<(), String> {
        let own = self.controls.get().and_then(|it| it.saves.as_ref());
        let own = own.ok_or("it has no lock")?;
        let disks = own.hands.iter().flat_map(|hands| hands.disks(own.lock));
        hands::hold_same(&disks.collect::<Vec<_>>(), since, false)
    }

    /// Takes back the disks that the other end could have had until now, and has not taken.
    pub(super) fn take_back(&mut self, now: Instant) -> Result<(), String> {
        if self.back.is_none_or(|due| now < due) {
            return Ok(());
        }
        self.back = None;
        self.since
            .as_deref()
            .map_or(Ok(()), |since| self.hold_disks(since))
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
                        hand.until = now + RESTORING;
                        match hand.tell(&state, hands, own.lock) {
                            Ok(()) => {
                                hand.at = hand.at.step(Event::Done).0;
                                Seen::Nothing
                            }
                            Err(words) => Seen::Failed(words),
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
                    (hand.rests, hand.until) = (now, now + RESTING);
                    Seen::Nothing
                }
                Deed::Commit => match hand.commit(right, hands, own.lock) {
                    Commits::Sent => {
                        hand.at = hand.at.step(Event::Done).0;
                        hand.until = now + RUNNING;
                        Seen::Nothing
                    }
                    Commits::Not(words) => Seen::Failed(words),
                    Commits::Lost(words) => {
                        // Who has its disks may let go of them.
                        (hand.at, hand.until) = (Giving::Over, now + RUNNING);
                        return self.unknown(*hand, &words, now);
                    }
                },
                Deed::End(Fate::Gone) => {
                    let milliseconds = hand.rests.elapsed().as_millis() as u64;
                    let words = format!(
                        "the guest runs at its other end, after {milliseconds} ms at rest, and this runner ends"
                    );
                    speaker::event(event::Event::HandedOver { milliseconds }, &words);
                    // The guest stays at rest until its machine has ended.
                    self.held = Held::Hands(hand);
                    self.end = End::Asked;
                    return Some(Answer::HandedOver { milliseconds });
                }
                Deed::End(Fate::Unknown) => return self.unknown(*hand, &why, now),
                // Its state was given, and in one way or another it has gone on with that.
                Deed::End(_) if !right.go_on() && !controls.is_gone() => {
                    return self.unknown(*hand, &why, now);
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
    fn unknown(&mut self, hand: Hand, why: &str, now: Instant) -> Option<Answer> {
        let Hand {
            stage,
            far,
            since,
            until,
            ..
        } = hand;
        let Stage::Rests(paused) = stage else {
            return Some(Answer::Error(format!(
                "the guest is not handed over: {why}"
            )));
        };
        self.held = Held::Now(paused);
        (self.stays, self.unknown, self.far) = (true, true, far);
        let words = if far { FAR } else { UNKNOWN };
        speaker::event(event::Event::Paused, words);
        let mut words = format!("{words} ({why})");
        if far {
            // Nobody else is to have its disks while it is in doubt, but the other end: where that has them, the guest is there. It may
            // have heard the last word and be about to take them, though its connection has ended.
            (self.since, self.back) = (Some(since), Some(until));
            if let Err(why) = self.take_back(now) {
                let _ = write!(words, "; of its disks here: {why}");
            }
        }
        Some(Answer::Error(words))
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
    /// Can be read once the other end has said something.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        self.peer.stream().as_fd()
    }

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
                Message::Offer { far, .. } if far != self.far => Seen::Failed(
                    "its other end is not where the guest was to be handed over to".to_owned(),
                ),
                // On this host nothing is copied, and nobody has so much time.
                Message::Copies {} if !self.far => {
                    Seen::Failed("its other end says what was not to come".to_owned())
                }
                said => {
                    if said == (Message::Copies {}) {
                        self.until = now + BUILDING;
                    }
                    Seen::Said(said)
                }
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
            devices: match self.far {
                true => 0,
                false => u32::try_from(hands.devices.len()).unwrap_or(u32::MAX),
            },
        };
        self.peer.say(&accept, None)?;
        self.peer.say(&Message::Memory {}, Some(&hands.memory))?;
        if self.far {
            // Those of the other host are its own.
            return Ok(());
        }
        hands.devices.iter().try_for_each(|(name, file)| {
            let name = name.clone();
            self.peer.say(&Message::Device { name }, Some(file))
        })
    }

    /// Gives the guest's state, at rest.
    fn tell(&mut self, state: &Message, hands: &Hands, lock: &Lock) -> Result<(), String> {
        if self.far {
            self.since = hands::stamps(&hands.disks(lock).collect::<Vec<_>>())?;
        }
        let told = self.peer.say(state, Some(&self.state));
        told.map_err(|e| format!("its other end has gone: {e}"))
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

    /// Lets go of the right to run the guest, and says so. An end on another host opened the disks itself, and can hold them
    /// from then on.
    fn commit(&self, right: &Right, hands: &Hands, lock: &Lock) -> Commits {
        let disks = match self.far {
            true => hands.disks(lock).collect(),
            false => Vec::new(),
        };
        if let Err(e) = right.leave() {
            return Commits::Not(format!("the right to run it cannot be given: {e}"));
        }
        let left = hands::let_go(&disks);
        let said = left.and_then(|()| {
            let said = self.peer.say(&Message::Commit {}, None);
            said.map_err(|e| format!("its other end has gone: {e}"))
        });
        match said {
            Ok(()) => Commits::Sent,
            // Another program may have had the disks in between.
            Err(why) => match hands::hold_same(&disks, &self.since, true).map(|()| right.take()) {
                Ok(Ok(Taken::Ours)) => Commits::Not(why),
                Err(held) => Commits::Lost(held),
                _ => Commits::Lost(
                    "its other end has gone, and has or had the right to run it".to_owned(),
                ),
            },
        }
    }
}

#[cfg(test)]
mod tests;
