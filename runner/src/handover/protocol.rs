//! What the two ends of a hand-over say, and what follows: two state machines without sockets, clocks or threads.
//!
//! The taking end makes its machine before the guest is brought to rest. The giving end goes on with the guest whatever
//! fails before it has said [`Message::Commit`], and never by itself after that; the taking end lets it run only once it has
//! heard that and holds the right to ([`super::right`]). Where one of them cannot know what the other one knows, it keeps the
//! guest at rest, and whole, until somebody names it ([`Fate::Unknown`]).

use serde::{Deserialize, Serialize};

/// The version of all that is said. Ends of two versions part before anything is given.
pub const VERSION: u32 = 2;

/// What one end says to the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub enum Message {
    /// The taking end: what it speaks, and the digest of its lock.
    Offer {
        /// See [`VERSION`].
        version: u32,
        /// The digest of the lock's text.
        lock: String,
        /// It is on another host, so nothing goes over but what is copied. Ends of version 1 neither say nor know that.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        far: bool,
    },
    /// The giving end: the same, and what comes next, part by part.
    Accept {
        /// See [`VERSION`].
        version: u32,
        /// The digest of the lock's text.
        lock: String,
        /// The bytes of the generation id, in hexadecimal digits, of a guest that has one: it is the same guest.
        generation: Option<String>,
        /// How many devices follow the memory.
        devices: u32,
    },
    /// Guest memory comes with it, as a descriptor.
    Memory {},
    /// What is behind the device of that name comes with it.
    Device {
        /// Its name in the lock.
        name: String,
    },
    /// The guest's memory is being copied, and the taking end is ready once that is as far as it goes.
    Copies {},
    /// The taking end: its machine is made and proven, and waits for the guest's state.
    Ready {},
    /// The giving end: the guest is at rest, and its state comes with this, as a saved guest without memory.
    State {
        /// What tells it from all others.
        identity: String,
        /// The turn that it is of ([`super::right`]).
        turn: u64,
    },
    /// The taking end: its machine has that state, and read it back.
    Restored {},
    /// The giving end: the guest is yours.
    Commit {},
    /// The taking end: it runs here from now on.
    Runs {},
    /// Either end, before all is decided: it does not go on with this, and why.
    No {
        /// In words.
        why: String,
    },
}

/// The most bytes of words that are told: a line has room for them, whatever they are.
const WORDS: usize = 600;

impl Message {
    /// Says why it does not go on, or as much of it as goes into a line.
    pub fn no(why: &str) -> Self {
        let end = why.floor_char_boundary(WORDS);
        Self::No {
            why: why[..end].to_owned(),
        }
    }
}

/// What happens at an end.
#[derive(Clone, Copy, Debug)]
pub enum Event<'a> {
    /// The other one said that.
    Heard(&'a Message),
    /// What was to be done is done.
    Done,
    /// It could not be, the other one has gone or takes too long, or says what nobody understands.
    Failed,
}

/// What an end has to do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// To wait for the other one.
    Wait,
    /// Giving: to say what it has, and give memory and devices.
    Give,
    /// Giving: to bring the guest to rest, and write down its state.
    Rest,
    /// Giving: to send that.
    Tell,
    /// Giving: to let go of the right to run the guest, and then to say that it is the other's. It has failed only where
    /// nothing of that was sent, and the right was taken back, with no turn in between.
    Commit,
    /// Taking: to make and prove the machine.
    Build,
    /// Taking: to say that it is ready.
    Ready,
    /// Taking: to give the machine the guest's state, and read it back.
    Restore,
    /// Taking: to say that it is restored.
    Restored,
    /// Taking: to take the right to run the guest, and to say that it runs.
    Take,
    /// Nothing more.
    End(Fate),
}

/// What becomes of the guest at an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Giving: it goes on here.
    GoesOn,
    /// Giving: it runs at the other end, and never here again.
    Gone,
    /// Taking: it runs here.
    Runs,
    /// Taking: it never was here.
    Never,
    /// It stays at rest until somebody names this end.
    Unknown,
}

/// What becomes of a guest that comes.
pub enum Verdict {
    /// It runs.
    Runs,
    /// It was not given.
    Never(String),
    /// It was, and cannot go on here: nobody took it, and its other end can be named.
    Broken(String),
    /// It stays at rest until somebody names this end.
    Unknown(String),
}

/// The giving end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Giving {
    /// It waits for an offer.
    Met,
    /// It gives.
    Gives,
    /// It waits until the other one is ready.
    Waits,
    /// It brings the guest to rest.
    Rests,
    /// It sends the guest's state.
    Tells,
    /// It waits until that is restored.
    Told,
    /// It commits.
    Commits,
    /// It has.
    Committed,
    /// It is over.
    Over,
}

/// The taking end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taking {
    /// It has made an offer.
    Offered,
    /// It makes the machine.
    Builds,
    /// It says so.
    Built,
    /// It waits for the guest's state.
    Ready,
    /// It restores it.
    Restores,
    /// It says so.
    Says,
    /// It waits for the guest.
    Asks,
    /// It takes the guest.
    Takes,
    /// It is over.
    Over,
}

impl Giving {
    /// The state that follows, and what is to be done.
    pub fn step(self, event: Event<'_>) -> (Self, Deed) {
        use Giving::*;
        match (self, event) {
            (Met, Event::Heard(Message::Offer { .. })) => (Gives, Deed::Give),
            (Gives, Event::Done) => (Waits, Deed::Wait),
            (Waits, Event::Heard(Message::Copies {})) => (Waits, Deed::Wait),
            (Waits, Event::Heard(Message::Ready {})) => (Rests, Deed::Rest),
            (Rests, Event::Done) => (Tells, Deed::Tell),
            (Tells, Event::Done) => (Told, Deed::Wait),
            (Told, Event::Heard(Message::Restored {})) => (Commits, Deed::Commit),
            (Commits, Event::Done) => (Committed, Deed::Wait),
            (Committed, Event::Heard(Message::Runs {})) => (Over, Deed::End(Fate::Gone)),
            (Committed, _) => (Over, Deed::End(Fate::Unknown)),
            (Over, _) => (Over, Deed::Wait),
            _ => (Over, Deed::End(Fate::GoesOn)),
        }
    }

    /// Whether it may still call all of it off.
    pub fn may_call_off(self) -> bool {
        self < Self::Commits
    }
}

impl Taking {
    /// The state that follows, and what is to be done.
    pub fn step(self, event: Event<'_>) -> (Self, Deed) {
        use Taking::*;
        match (self, event) {
            (Offered, Event::Heard(Message::Accept { .. })) => (Builds, Deed::Build),
            (Builds, Event::Done) => (Built, Deed::Ready),
            (Built, Event::Done) => (Ready, Deed::Wait),
            (Ready, Event::Heard(Message::State { .. })) => (Restores, Deed::Restore),
            (Restores, Event::Done) => (Says, Deed::Restored),
            (Says, Event::Done) => (Asks, Deed::Wait),
            (Asks, Event::Heard(Message::Commit {})) => (Takes, Deed::Take),
            // That one goes on with it: it says so only where it has not committed, and does not from then on.
            (Asks, Event::Heard(Message::No { .. })) => (Over, Deed::End(Fate::Never)),
            (Takes, Event::Done) => (Over, Deed::End(Fate::Runs)),
            // From its last word on, that one may know that, and be no more.
            (Says | Asks | Takes, _) => (Over, Deed::End(Fate::Unknown)),
            (Over, _) => (Over, Deed::Wait),
            _ => (Over, Deed::End(Fate::Never)),
        }
    }
}

#[cfg(test)]
mod tests;
