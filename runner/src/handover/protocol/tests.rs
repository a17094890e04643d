//! Every way in which two ends can meet, with every message lost, doubled, late or out of order, each end dying at each
//! point, nobody waiting any longer at each point, the guest's machine ending at each point, and somebody naming either end
//! whenever there is one to be named.

use super::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// What an end is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum End<S> {
    /// In that state, with this to be done.
    Lives(S, Todo),
    /// The guest rests there until it is named.
    Unknown,
    /// It runs there.
    Runs,
    /// It has ended of its own accord, without the guest.
    Left,
    /// Its machine has come to its end, as any guest's does: by power off, or since somebody asked for it.
    Over,
    /// It was killed.
    Dead,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Todo {
    Wait,
    Do(Act),
}

/// A deed, as far as it is ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Act {
    Give,
    Rest,
    Tell,
    Commit,
    Build,
    Ready,
    Restore,
    Restored,
    Take,
}

/// What is said, by its number.
fn message(number: u8) -> Message {
    let (version, lock) = (VERSION, String::new());
    match number {
        0 => Message::Offer {
            version,
            lock,
            far: false,
        },
        1 => Message::Accept {
            version,
            lock,
            generation: None,
            devices: 0,
        },
        2 => Message::Ready {},
        3 => Message::State {
            identity: String::new(),
            turn: 0,
        },
        4 => Message::Restored {},
        5 => Message::Commit {},
        6 => Message::Runs {},
        _ => Message::No { why: String::new() },
    }
}
const NO: u8 = 7;
/// The state to another host, as long as who carries it still reads what is left of the memory. Nobody hears that.
const COPIED: u8 = 8;
/// A turn that there is not.
const NEVER: u8 = u8::MAX;
/// How much goes wrong in a world at most, beside what an end fails in.
const WRONG: u8 = 4;

/// Both ends, what is under way between them, and who has the right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct World {
    giving: End<Giving>,
    taking: End<Taking>,
    to_giving: Vec<u8>,
    to_taking: Vec<u8>,
    /// 0: nobody, 1: the giving end, 2: the taking end.
    right: u8,
    /// The number of the turn, behind the guest's memory.
    turn: u8,
    /// The turn that the state of either end is of, and the one that was told.
    gives_turn: u8,
    takes_turn: u8,
    told: u8,
    /// The guest has run there since its state was told, and an end went on though it had at the other one.
    gave_ran: bool,
    took_ran: bool,
    stale: bool,
    /// What has gone wrong so far, of so much as may.
    wrong: u8,
    /// The giving end has committed at some time.
    committed: bool,
    /// The ends are on two hosts: there is nothing that both see, and who names one has to know that the other one is gone.
    far: bool,
    /// Two hosts: who holds the guest's disks, 0: nobody, 1: the giving end, 2: the taking end, 3: a third program; and who has
    /// written them since its state was told: bits of the same numbers.
    disks: u8,
    wrote: u8,
    /// Whoever names the giving end looks at the disks.
    looks_at_disks: bool,
    /// It went on with disks that are not those of its memory.
    torn: bool,
    /// Who carries the state listens to the giving end meanwhile; and what has come is of two moments.
    listens: bool,
    mixed: bool,
}

fn todo(deed: Deed) -> Todo {
    Todo::Do(match deed {
        Deed::Give => Act::Give,
        Deed::Rest => Act::Rest,
        Deed::Tell => Act::Tell,
        Deed::Commit => Act::Commit,
        Deed::Build => Act::Build,
        Deed::Ready => Act::Ready,
        Deed::Restore => Act::Restore,
        Deed::Restored => Act::Restored,
        Deed::Take => Act::Take,
        Deed::Wait | Deed::End(_) => return Todo::Wait,
    })
}

impl World {
    fn new(far: bool) -> Self {
        Self {
            far,
            giving: End::Lives(Giving::Met, Todo::Wait),
            taking: End::Lives(Taking::Offered, Todo::Wait),
            to_giving: vec![0],
            to_taking: Vec::new(),
            right: 1,
            turn: 0,
            gives_turn: 0,
            takes_turn: NEVER,
            told: NEVER,
            gave_ran: false,
            took_ran: false,
            stale: false,
            wrong: 0,
            committed: false,
            disks: 1,
            wrote: 0,
            looks_at_disks: true,
            torn: false,
            listens: true,
            mixed: false,
        }
    }

    /// The giving end lets the guest run, with the right to: `Right::go_on` and `Right::take`.
    fn gives_runs(&mut self, looks: bool) -> bool {
        if self.far {
            self.stale |= self.took_ran;
            self.torn |= self.wrote & !(1 << 1) != 0;
            self.gave_ran = self.told != NEVER;
            (self.right, self.giving, self.disks) = (1, End::Runs, 1);
            self.wrote |= u8::from(self.gave_ran) << 1;
            return true;
        }
        if looks && self.turn != self.gives_turn {
            return false;
        }
        self.turn += 1;
        (self.right, self.gives_turn) = (1, self.turn);
        self.stale |= self.took_ran;
        self.gave_ran = self.told != NEVER;
        self.giving = End::Runs;
        true
    }

    /// The same of the taking end.
    fn takes_runs(&mut self, looks: bool) -> bool {
        if self.far {
            // It holds its disks, and looks whether they are the ones of its state.
            if self.disks != 0 || self.wrote != 0 {
                return false;
            }
            self.stale |= self.gave_ran;
            (self.took_ran, self.disks) = (true, 2);
            self.wrote |= 1 << 2;
            return true;
        }
        if looks && self.turn != self.takes_turn {
            return false;
        }
        self.turn += 1;
        (self.right, self.takes_turn) = (2, self.turn);
        self.stale |= self.gave_ran;
        self.took_ran = true;
        true
    }

    fn giving_steps(&mut self, state: Giving, event: Event<'_>, looks: bool) {
        let (state, deed) = state.step(event);
        self.giving = match deed {
            // It says so, which may be lost as all else.
            Deed::End(Fate::GoesOn) if self.right == 1 && self.gives_runs(looks) => {
                if self.listens {
                    self.to_taking.retain(|said| *said != COPIED);
                }
                self.to_taking.push(NO);
                End::Runs
            }
            Deed::End(Fate::GoesOn) => End::Unknown,
            Deed::End(Fate::Gone) => End::Left,
            Deed::End(Fate::Unknown) => End::Unknown,
            Deed::End(other) => panic!("{other:?} is nothing that can come of it"),
            deed => End::Lives(state, todo(deed)),
        };
    }

    fn taking_steps(&mut self, state: Taking, event: Event<'_>) {
        let (state, deed) = state.step(event);
        self.taking = match deed {
            Deed::End(Fate::Runs) => End::Runs,
            Deed::End(Fate::Never) => {
                self.to_giving.push(NO);
                End::Left
            }
            Deed::End(Fate::Unknown) => End::Unknown,
            Deed::End(other) => panic!("{other:?} is nothing that can come of it"),
            deed => End::Lives(state, todo(deed)),
        };
    }

    /// All that can come next; with `looks`, an end goes on only with a state of the turn that there is.
    fn next(&self, looks: bool) -> Vec<Self> {
        let mut all = Vec::new();
        let mut add = |change: &dyn Fn(&mut Self)| {
            let mut next = self.clone();
            change(&mut next);
            all.push(next);
        };
        // What an end has to do: it does, or fails.
        if let End::Lives(state, Todo::Do(act)) = self.giving {
            add(&|w| {
                match act {
                    Act::Give => w.to_taking.push(1),
                    Act::Tell => {
                        w.told = w.gives_turn;
                        w.to_taking.push(if w.far { COPIED } else { 3 });
                    }
                    Act::Commit => {
                        (w.right, w.disks) = (0, 0);
                        w.committed = true;
                        w.to_taking.push(5);
                    }
                    _ => {}
                }
                w.giving_steps(state, Event::Done, looks);
            });
            add(&|w| w.giving_steps(state, Event::Failed, looks));
            if act == Act::Commit && self.far {
                // Nothing of it was sent, and somebody else had the guest's disks meanwhile, or has them still.
                for disks in [1, 3] {
                    add(&|w| {
                        (w.disks, w.wrote) = (disks, w.wrote | 1 << 3);
                        if disks == 1 && !w.looks_at_disks {
                            return w.giving_steps(state, Event::Failed, looks);
                        }
                        (w.right, w.giving) = (0, End::Unknown);
                    });
                }
            }
            if act == Act::Commit && !self.far {
                // Nothing of it was sent, and meanwhile the other one had taken the right, since somebody had named it.
                add(&|w| {
                    w.right = 0;
                    w.giving = End::Unknown;
                });
            }
        }
        if let End::Lives(state, Todo::Do(act)) = self.taking {
            add(&|w| {
                match act {
                    Act::Ready => w.to_giving.push(2),
                    Act::Restore => w.takes_turn = w.told,
                    Act::Restored => w.to_giving.push(4),
                    Act::Take if w.right == 1 && !w.far => {
                        return w.taking_steps(state, Event::Failed);
                    }
                    Act::Take if w.takes_runs(looks) => w.to_giving.push(6),
                    // Somebody else has its disks, or had them.
                    Act::Take if w.far => return w.taking = End::Unknown,
                    // It is over here.
                    Act::Take => return w.taking = End::Left,
                    _ => {}
                }
                w.taking_steps(state, Event::Done);
            });
            add(&|w| w.taking_steps(state, Event::Failed));
        }
        // What was said is heard.
        if let (End::Lives(state, Todo::Wait), Some(&said)) = (self.giving, self.to_giving.first())
        {
            add(&|w| {
                w.to_giving.remove(0);
                w.giving_steps(state, Event::Heard(&message(said)), looks);
            });
        }
        if let (End::Lives(state, Todo::Wait), Some(&said)) = (self.taking, self.to_taking.first())
            && said != COPIED
        {
            add(&|w| {
                w.to_taking.remove(0);
                w.taking_steps(state, Event::Heard(&message(said)));
            });
        }
        // The last of the memory was read.
        if let Some(at) = self.to_taking.iter().position(|said| *said == COPIED) {
            add(&|w| {
                w.to_taking[at] = 3;
                w.mixed |= w.gave_ran;
            });
        }
        // Who waits stops waiting, or sees that the other one has gone.
        if let End::Lives(state, Todo::Wait) = self.giving {
            add(&|w| w.giving_steps(state, Event::Failed, looks));
        }
        if let End::Lives(state, Todo::Wait) = self.taking {
            add(&|w| w.taking_steps(state, Event::Failed));
        }
        // Somebody names an end: it runs if it gets the right, and nobody had a turn since. Of two hosts nobody looks at that: it is
        // by the word of who names it, which is true.
        if self.giving == End::Unknown && self.may_claim_giving() {
            add(&|w| _ = w.gives_runs(looks));
        }
        if self.taking == End::Unknown && self.may_claim_taking() {
            add(&|w| {
                if w.takes_runs(looks) {
                    w.taking = End::Runs;
                }
            });
        }
        // An end that is in doubt takes its disks back, if nobody has them: once the other one has had the time to.
        if self.far && self.giving == End::Unknown && self.disks == 0 {
            add(&|w| w.disks = 1);
        }
        // A third program has the disks that nobody holds, writes them, and lets go of them.
        if self.far && self.disks == 0 && self.told != NEVER && self.wrote & (1 << 3) == 0 {
            add(&|w| (w.disks, w.wrote) = (3, w.wrote | 1 << 3));
        }
        if self.disks == 3 {
            add(&|w| w.disks = 0);
        }
        // The guest's machine comes to its end, whether it runs or rests: `Right::end`.
        if matches!(self.giving, End::Runs | End::Lives(..) | End::Unknown) {
            add(&|w| {
                if w.right == 1 {
                    w.turn += u8::from(w.turn == w.gives_turn);
                    w.right = 0;
                }
                w.giving = End::Over;
                w.disks = if w.disks == 1 { 0 } else { w.disks };
            });
        }
        if matches!(self.taking, End::Runs | End::Unknown) {
            add(&|w| {
                if w.right == 2 {
                    w.turn += u8::from(w.turn == w.takes_turn);
                    w.right = 0;
                }
                w.taking = End::Over;
                w.disks = if w.disks == 2 { 0 } else { w.disks };
            });
        }
        if self.wrong < WRONG {
            // Messages are lost, doubled, and overtake each other; ends die.
            let mut wrong = |change: &dyn Fn(&mut Self)| {
                let mut next = self.clone();
                next.wrong += 1;
                change(&mut next);
                all.push(next);
            };
            for at in 0..self.to_giving.len() {
                wrong(&|w| _ = w.to_giving.remove(at));
                wrong(&|w| w.to_giving.push(w.to_giving[at]));
                wrong(&|w| w.to_giving.swap(0, at));
            }
            for at in 0..self.to_taking.len() {
                wrong(&|w| _ = w.to_taking.remove(at));
                // It is read once.
                if self.to_taking[at] != COPIED {
                    wrong(&|w| w.to_taking.push(w.to_taking[at]));
                }
                wrong(&|w| w.to_taking.swap(0, at));
            }
            wrong(&|w| {
                w.giving = End::Dead;
                w.disks = if w.disks == 1 { 0 } else { w.disks };
                w.right = if w.right == 1 { 0 } else { w.right };
            });
            wrong(&|w| {
                w.taking = End::Dead;
                w.disks = if w.disks == 2 { 0 } else { w.disks };
                w.right = if w.right == 2 { 0 } else { w.right };
            });
        }
        all
    }

    /// Of an end on another host it is known that it has gone, and no more: whether the guest ran there, its disks tell.
    fn may_claim_giving(&self) -> bool {
        let gone = matches!(self.taking, End::Left | End::Over | End::Dead);
        let same = self.disks <= 1 && self.wrote & !(1 << 1) == 0;
        match self.far {
            true => gone && (same || !self.looks_at_disks),
            false => self.right != 2,
        }
    }

    /// Of one that has gone nobody knows whether it went on before, and so nobody names the taking end.
    fn may_claim_taking(&self) -> bool {
        !self.far && self.right != 1
    }

    fn is_over(&self) -> bool {
        !matches!(self.giving, End::Lives(..)) && !matches!(self.taking, End::Lives(..))
    }
}

/// All worlds that there can be, and where each came from; `looks` as in [`World::next`].
fn all(looks: bool) -> BTreeMap<World, Option<World>> {
    from(World::new(false), looks)
}

fn from(first: World, looks: bool) -> BTreeMap<World, Option<World>> {
    let mut found = BTreeMap::from([(first.clone(), None)]);
    let mut queue = VecDeque::from([first]);
    while let Some(world) = queue.pop_front() {
        for next in world.next(looks) {
            if !found.contains_key(&next) {
                found.insert(next.clone(), Some(world.clone()));
                queue.push_back(next);
            }
        }
    }
    found
}

/// How it came to that.
fn story(all: &BTreeMap<World, Option<World>>, last: &World) -> String {
    let mut at = Some(last.clone());
    let mut lines = Vec::new();
    while let Some(world) = at {
        lines.push(format!("{world:?}"));
        at = all.get(&world).cloned().flatten();
    }
    lines.reverse();
    lines.join("\n")
}

/// Holds all that there can be against what has to be; how it ends.
fn held(all: &BTreeMap<World, Option<World>>) -> BTreeSet<(End<Giving>, End<Taking>)> {
    assert!(all.len() > 10_000, "{}", all.len());
    let mut ends = BTreeSet::new();
    for world in all.keys() {
        let (gives, takes) = (world.giving, world.taking);
        // The giving end runs it, too, as long as it has not brought it to rest.
        let giving_runs = match gives {
            End::Runs => true,
            End::Lives(state, _) => state < Giving::Rests,
            _ => false,
        };
        let both = giving_runs && takes == End::Runs;
        assert!(!both, "it runs twice:\n{}", story(all, world));
        assert!(!world.stale, "what is old goes on:\n{}", story(all, world));
        assert!(!world.mixed, "it is of two moments:\n{}", story(all, world));
        assert!(!world.torn, "disks are others:\n{}", story(all, world));
        // Before it has committed, nothing but its own end takes the guest from the giving end.
        if !world.committed && !matches!(gives, End::Dead | End::Over) {
            let kept = matches!(gives, End::Runs | End::Lives(..) | End::Unknown);
            assert!(kept, "it is lost:\n{}", story(all, world));
        }
        // Who gives it up for good knows that it runs elsewhere, or ran there until that one ended.
        if gives == End::Left {
            let there = matches!(takes, End::Runs | End::Over | End::Dead);
            assert!(there, "nobody has it:\n{}", story(all, world));
        }
        // Where both are there and all is over, it runs or ran to its end at one of them, or one of them can be named.
        if world.is_over() && gives != End::Dead && takes != End::Dead {
            let one = matches!(gives, End::Runs | End::Over);
            let one = one || matches!(takes, End::Runs | End::Over);
            let named = match (gives, takes) {
                // Of two hosts somebody ends one first: then the other one can be named.
                (End::Unknown, End::Unknown) if world.far => !world.took_ran,
                // A third program that has written its disks is none of either end.
                (End::Unknown, _) if world.far && world.wrote & (1 << 3) == 0 => {
                    world.may_claim_giving()
                }
                (End::Unknown, _) if world.far => true,
                (End::Unknown, _) if world.right != 2 && world.turn == world.gives_turn => true,
                (_, End::Unknown) if world.right != 1 && world.turn == world.takes_turn => true,
                _ => false,
            };
            assert!(one || named, "nobody can have it:\n{}", story(all, world));
        }
        if world.is_over() {
            ends.insert((gives, takes));
        }
    }
    ends
}

#[test]
fn whatever_happens_a_guest_never_runs_twice_and_none_is_lost_by_what_an_end_decides() {
    let ends = held(&all(true));
    for wanted in [
        (End::Left, End::Runs),
        (End::Runs, End::Left),
        (End::Runs, End::Dead),
        (End::Dead, End::Unknown),
        (End::Unknown, End::Unknown),
        (End::Unknown, End::Dead),
        // Either went on and ended while the other one was in doubt: nothing is to be had there any more.
        (End::Over, End::Unknown),
        (End::Unknown, End::Over),
        (End::Over, End::Left),
        (End::Left, End::Over),
    ] {
        assert!(ends.contains(&wanted), "never: {wanted:?}");
    }
}

/// Two hosts have no lock on memory and no number together. There it is `Commit` alone, and for the giving end the word that
/// the other one has gone, with disks that nobody has written.
#[test]
fn from_host_to_host_it_never_runs_twice_where_who_names_an_end_says_the_truth() {
    let ends = held(&from(World::new(true), true));
    for wanted in [
        (End::Left, End::Runs),
        (End::Runs, End::Left),
        (End::Runs, End::Dead),
        (End::Dead, End::Runs),
        (End::Runs, End::Over),
        (End::Over, End::Runs),
        (End::Unknown, End::Unknown),
        (End::Unknown, End::Dead),
        // It died with its host, as any guest does: what the taking end has may be old.
        (End::Dead, End::Unknown),
        // It ran there, and what rests here is old: nobody may name it.
        (End::Unknown, End::Over),
        (End::Unknown, End::Runs),
    ] {
        assert!(ends.contains(&wanted), "never: {wanted:?}");
    }
}

/// An end that named itself, without asking anybody, would have it run twice: the word is what it hangs on.
#[test]
fn from_host_to_host_a_word_that_is_not_true_has_it_run_twice() {
    let all = from(World::new(true), true);
    let doubt = |world: &&World| world.giving == End::Unknown && world.taking == End::Runs;
    let world = all.keys().find(doubt).expect("that can be");
    assert!(!world.may_claim_giving());
    let mut world = world.clone();
    world.gives_runs(true);
    assert!(world.stale && (world.giving, world.taking) == (End::Runs, End::Runs));
}

/// Of an end that has gone, the word alone does not tell whether the guest ran there: its disks do.
#[test]
fn from_host_to_host_who_does_not_look_at_the_disks_has_what_is_old_go_on() {
    let first = World {
        looks_at_disks: false,
        ..World::new(true)
    };
    let all = from(first, true);
    assert!(all.keys().any(|world| world.stale));
    assert!(all.keys().any(|world| world.torn && !world.took_ran));
    // Nor does it for an end whose last word nobody was there to take.
    let torn = |world: &World| world.torn && !world.committed;
    assert!(all.keys().any(torn));
}

/// Its connection may end right behind the last word, which the other end has yet to read: the guest then runs there.
#[test]
fn from_host_to_host_an_end_in_doubt_leaves_its_disks_to_one_that_has_yet_to_hear() {
    let all = from(World::new(true), true);
    let hears = |world: &World| {
        let asks = world.taking == End::Lives(Taking::Asks, Todo::Wait);
        asks && world.giving == End::Unknown && world.to_taking == [5] && world.disks == 0
    };
    let took = |world: &World| {
        let mut world = world.clone();
        // It hears that, and takes the guest: what an end has to do, and to hear, comes first.
        for _ in 0..2 {
            world = world.next(true).remove(0);
        }
        world.taking == End::Runs
    };
    let mut worlds = all.keys().filter(|world| hears(world) && world.wrote == 0);
    assert!(worlds.any(took));
}

/// Who carries the state, and does not listen to the giving end meanwhile, gives what is of two moments.
#[test]
fn from_host_to_host_who_does_not_listen_while_memory_is_read_gives_what_never_was() {
    let first = World {
        listens: false,
        ..World::new(true)
    };
    let all = from(first, true);
    let doubt = |world: &&World| world.mixed && world.taking == End::Unknown;
    assert!(all.keys().any(|world| doubt(&world)));
}

/// The lock alone does not do it: it is free as soon as the guest has ended, and a state of it is still there.
#[test]
fn without_a_number_for_each_turn_an_end_would_go_on_with_what_is_old() {
    let all = all(false);
    let stale = all.keys().filter(|world| world.stale);
    let ends: BTreeSet<_> = stale
        .map(|w| (w.giving == End::Runs, w.taking == End::Runs))
        .collect();
    assert!(
        ends.contains(&(true, false)) && ends.contains(&(false, true)),
        "{ends:?}"
    );
}

/// Where nothing goes wrong and nobody loses patience, there is one way, and it ends at the other end.
#[test]
fn where_nothing_fails_it_runs_at_the_other_end() {
    let mut world = World::new(false);
    world.wrong = WRONG;
    for _ in 0..100 {
        let giving = matches!(world.giving, End::Lives(_, Todo::Do(_)));
        let taking = matches!(world.taking, End::Lives(_, Todo::Do(_)));
        let said = !world.to_giving.is_empty() || !world.to_taking.is_empty();
        if !(giving || taking || said) {
            break;
        }
        // The first of all that can come is what is to be done, or heard.
        world = world.next(true).remove(0);
    }
    assert_eq!((world.giving, world.taking), (End::Left, End::Runs));
    assert_eq!((world.right, world.committed), (2, true));
}

/// So that two versions part with words about their versions, on one host.
#[test]
fn an_offer_of_the_first_version_is_one() {
    let first = r#"{"offer":{"version":1,"lock":"a"}}"#;
    let lock = "a".to_owned();
    let (version, far) = (1, false);
    let offer = Message::Offer { version, lock, far };
    assert_eq!(
        serde_json::from_str::<Message>(first).ok().as_ref(),
        Some(&offer)
    );
    assert_eq!(serde_json::to_string(&offer).ok().as_deref(), Some(first));
}

/// What an end decides follows from what it knows alone.
#[test]
fn what_nobody_expects_ends_it_as_far_as_it_has_come() {
    for number in 0..=NO {
        let said = message(number);
        let heard = Event::Heard(&said);
        if number != 4 {
            assert_eq!(
                Giving::Told.step(heard),
                (Giving::Over, Deed::End(Fate::GoesOn))
            );
        }
        if number != 6 {
            assert_eq!(
                Giving::Committed.step(heard),
                (Giving::Over, Deed::End(Fate::Unknown))
            );
        }
        if number != 3 {
            assert_eq!(
                Taking::Ready.step(heard),
                (Taking::Over, Deed::End(Fate::Never))
            );
        }
        if ![5, NO].contains(&number) {
            assert_eq!(
                Taking::Asks.step(heard),
                (Taking::Over, Deed::End(Fate::Unknown))
            );
        }
        assert_eq!(Giving::Over.step(heard), (Giving::Over, Deed::Wait));
        assert_eq!(Taking::Over.step(heard), (Taking::Over, Deed::Wait));
    }
    assert!(Giving::Told.may_call_off() && !Giving::Commits.may_call_off());
}
