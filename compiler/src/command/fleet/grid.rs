//! What comes of every lock on every host: kept, or the number of the reasons why not.
//!
//! Reasons are few and cells are many, so each text stands once and all else is numbers.

use crate::fold::folded;
use crate::progress::Progress;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};
use vmlock_spec::lock::Lock;
use vmlock_spec::parallel;
use vmlock_spec::part;
use vmlock_spec::plan::{Emulation, Fleet, Ground, Refusal};
use vmlock_spec::reason;
use vmlock_spec::report::HostReport;
use vmlock_spec::vm::Feature;

/// What came of every lock on every host.
pub struct Grid {
    /// For each lock, for each host, the number of its reasons; `None` where it is kept.
    pub cells: Vec<Vec<Option<usize>>>,
    /// Each set of reasons once, in the order in which locks and hosts meet them.
    reasons: Vec<Reasons>,
    lines: Vec<Arc<str>>,
}

/// Why a host does not keep a lock; each text by its number.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Reasons {
    /// That its CPU is another one.
    another_cpu: Option<u32>,
    /// Whether nobody knows, and nothing is known to be wrong: nothing was tried on such a host.
    unknown: bool,
    /// What is refused, one line for each register.
    refused: Vec<u32>,
}

/// What a part of a plan refuses, folded.
type Told = Vec<Piece>;

/// One line of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Piece {
    /// What one line is about: a reason's code, and a register.
    about: (&'static str, String),
    each: String,
}

fn told(refusals: &[Refusal]) -> Told {
    let folds = folded(refusals).into_iter();
    let piece = |fold: crate::fold::Fold<'_>| Piece {
        about: (fold.code, fold.name.to_owned()),
        each: fold.each(),
    };
    folds.map(piece).collect()
}

/// Plans every lock on every host. Of hosts whose reports say the same, one is planned on.
pub fn plan(locks: &[&Lock], hosts: &[&HostReport], emulation: Emulation) -> Grid {
    let mut numbers: HashMap<&HostReport, usize> = HashMap::new();
    let mut different: Vec<&HostReport> = Vec::new();
    let places: Vec<usize> = hosts
        .iter()
        .map(|host| {
            *numbers.entry(host).or_insert_with(|| {
                different.push(host);
                different.len() - 1
            })
        })
        .collect();
    let grounds: Vec<Ground> = different.iter().map(|host| Ground::of(host)).collect();
    let fleet = Fleet::of(locks.iter().copied(), &grounds, emulation, told);
    let mut cpus: HashMap<&[Feature], Vec<Option<u64>>> = HashMap::new();
    for lock in locks {
        let of_host = |host: &&HostReport| part::of_host(host, &lock.features);
        cpus.entry(&lock.features)
            .or_insert_with(|| different.iter().map(of_host).collect());
    }
    let asked = Asked {
        fleet,
        words: Mutex::default(),
        reasons: Mutex::default(),
    };
    let progress = Progress::of(locks.len(), "locks planned");
    let rows = parallel::each(locks.len(), |index| {
        let lock = locks[index];
        let row = asked.row(index, part::of_lock(lock), &cpus[lock.features.as_slice()]);
        progress.one_more();
        row
    });
    progress.end();
    // Numbers were given as the threads met them: from here on they are the same in each run.
    let known = asked.reasons.into_inner();
    let known = known.unwrap_or_else(PoisonError::into_inner);
    let mut known: HashMap<usize, Reasons> = known.into_iter().map(|(why, n)| (n, why)).collect();
    let mut numbers: HashMap<usize, usize> = HashMap::new();
    let mut all: Vec<Reasons> = Vec::new();
    let mut cell = |met: usize| {
        *numbers.entry(met).or_insert_with(|| {
            all.extend(known.remove(&met));
            all.len() - 1
        })
    };
    let mut cells = Vec::with_capacity(rows.len());
    for row in rows {
        let row: Vec<Option<usize>> = row.into_iter().map(|met| met.map(&mut cell)).collect();
        cells.push(places.iter().map(|place| row[*place]).collect());
    }
    let words = asked.words.into_inner();
    Grid {
        cells,
        reasons: all,
        lines: words.unwrap_or_else(PoisonError::into_inner).lines.all,
    }
}

impl Grid {
    /// Each set of reasons, for programs.
    pub fn reasons(&self) -> Value {
        let text = |number: &u32| &*self.lines[*number as usize];
        let of = |why: &Reasons| {
            json!({
                "anotherCpu": why.another_cpu.as_ref().map(text),
                "unknown": why.unknown,
                "refused": why.refused.iter().map(text).collect::<Vec<_>>(),
            })
        };
        self.reasons.iter().map(of).collect()
    }

    /// Whether nobody knows, by the number of a set of reasons.
    pub fn is_open(&self, number: usize) -> bool {
        self.reasons[number].unknown
    }

    /// One of them for people: where the CPU is another one, the rest follows from that.
    pub fn words(&self, number: usize) -> String {
        let text = |number: &u32| &*self.lines[*number as usize];
        let why = &self.reasons[number];
        match &why.another_cpu {
            Some(words) => text(words).to_owned(),
            None => {
                let lines: Vec<&str> = why.refused.iter().map(text).collect();
                super::some(&lines, "; ")
            }
        }
    }
}

/// All that the threads know together.
struct Asked<'a> {
    fleet: Fleet<'a, Told>,
    words: Mutex<Words>,
    reasons: Mutex<HashMap<Reasons, usize>>,
}

/// Texts, and what they are about, by numbers.
#[derive(Default)]
struct Words {
    lines: Numbered<Arc<str>>,
    about: Numbered<(&'static str, String)>,
    /// For a number of the fleet's: of each line what it is about, and the line.
    told: HashMap<u64, Lines>,
}

/// Lines, each behind what it is about.
type Lines = Arc<[(u32, u32)]>;

struct Numbered<T> {
    numbers: HashMap<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Numbered<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            all: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Numbered<T> {
    fn number(&mut self, thing: T) -> u32 {
        let next = self.all.len() as u32;
        match self.numbers.entry(thing) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(new) => {
                self.all.push(new.key().clone());
                *new.insert(next)
            }
        }
    }
}

impl Asked<'_> {
    /// One lock on each of the hosts, whose CPUs are these.
    fn row(&self, lock: usize, cpu: Option<u64>, cpus: &[Option<u64>]) -> Vec<Option<usize>> {
        // What this row has met, so that it seldom waits for another.
        let mut others: HashMap<Option<u64>, Option<u32>> = HashMap::new();
        let mut lines: HashMap<u64, Lines> = HashMap::new();
        let mut known: HashMap<(Option<u32>, Vec<u64>), usize> = HashMap::new();
        let mut row = Vec::with_capacity(cpus.len());
        for (refused, host_cpu) in self.fleet.refused(lock).into_iter().zip(cpus) {
            if refused.is_empty() {
                row.push(None);
                continue;
            }
            let another_cpu = *others.entry(*host_cpu).or_insert_with(|| {
                let another = cpu.zip(*host_cpu).and_then(|(l, h)| part::differ(l, h))?;
                Some(self.words(|words| words.lines.number(another.words.into())))
            });
            let number = match known.entry((another_cpu, refused)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    let refused = self.lines(&new.key().1, &mut lines);
                    let is_open = |number: &u64| {
                        let told = self.fleet.told(*number);
                        told.iter().all(|piece| piece.about.0 == reason::IMPORTED)
                    };
                    let why = Reasons {
                        another_cpu,
                        unknown: another_cpu.is_none() && new.key().1.iter().all(is_open),
                        refused,
                    };
                    let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
                    let next = reasons.len();
                    *new.insert(*reasons.entry(why).or_insert(next))
                }
            };
            row.push(Some(number));
        }
        row
    }

    fn words<R>(&self, with: impl FnOnce(&mut Words) -> R) -> R {
        with(&mut self.words.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The lines of what parts of a plan refuse: one for all that is about the same, whichever part it is of.
    fn lines(&self, refused: &[u64], known: &mut HashMap<u64, Lines>) -> Vec<u32> {
        let mut all: Vec<(u32, u32)> = Vec::new();
        for number in refused {
            let lines = known.entry(*number).or_insert_with(|| self.told(*number));
            all.extend_from_slice(lines);
        }
        let mut about: Vec<u32> = all.iter().map(|(about, _)| *about).collect();
        about.sort_unstable();
        let twice = about.windows(2).any(|pair| pair[0] == pair[1]);
        match twice {
            false => all.into_iter().map(|(_, line)| line).collect(),
            true => self.taken_together(refused),
        }
    }

    /// The lines of one part.
    fn told(&self, number: u64) -> Lines {
        let told = self.fleet.told(number);
        self.words(|words| {
            let Words {
                lines,
                about,
                told: known,
            } = words;
            let of = |piece: &Piece| {
                let line = line(&piece.about.1, &piece.each);
                (about.number(piece.about.clone()), lines.number(line))
            };
            let lines = known
                .entry(number)
                .or_insert_with(|| told.iter().map(of).collect());
            Arc::clone(lines)
        })
    }

    fn taken_together(&self, refused: &[u64]) -> Vec<u32> {
        let mut all: Vec<Piece> = Vec::new();
        for number in refused {
            for piece in self.fleet.told(*number).iter() {
                match all.iter_mut().find(|other| other.about == piece.about) {
                    Some(other) => other.each = format!("{}, {}", other.each, piece.each),
                    None => all.push(piece.clone()),
                }
            }
        }
        let all = all.into_iter();
        self.words(|words| {
            all.map(|piece| words.lines.number(line(&piece.about.1, &piece.each)))
                .collect()
        })
    }
}

fn line(about: &str, each: &str) -> Arc<str> {
    format!("{about}: {each}").into()
}
