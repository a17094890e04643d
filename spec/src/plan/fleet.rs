//! Many locks on many hosts: each answer that their plans are made of is decided once.
//!
//! A plan falls into questions: how one register is kept, what a vCPU begins with in one, what one fact is that follows from
//! the lock, what the interrupt controller shows, what firmware answers. The functions that decide them are those of
//! [`super::plan_on`]. They take what the lock says of it, what the host shows of it and what the rest of the plan brings
//! about there, and see nothing else: where all of that was met before, the answer is the one of then. Machines and hosts
//! that differ in one register share the answers to everything else.
//!
//! Only what is refused is told; how the rest is kept, a plan says.

mod answers;
mod column;

use super::decider::{host_cpu, locked_cpu, same_cpu};
use super::firmware::{self, Answering, Asked, Left};
use super::host::{Host, Knobs, Shown};
use super::interrupts::{self, SeenGic};
use super::reset::{self, Owed};
use super::settled::{self, Elsewhere, Follows, Found};
use super::unlocked::{self, Silent};
use super::{Emulation, Ground, Plan, Refusal, features, imported, registers, room, workarounds};
use crate::lock::{GicRegister, Lock, LockedRegister};
use crate::parallel;
use crate::report::{GicReport, ReportedRegister};
use crate::vm::Feature;
use answers::{Answers, NOTHING, bears, refuses, unseen};
use column::{Column, Once, Place, Rows, Said};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// Locks and hosts, of which each lock can be held against each host. `T` is what is told of refusals.
pub struct Fleet<'a, T> {
    emulation: Emulation,
    locks: Vec<Asking<'a>>,
    grounds: &'a [Ground<'a>],
    /// For each set of features that locks have, what each host has for a guest with them.
    offers: Vec<Vec<Offer>>,
    faces: Vec<Face<'a>>,
    registers: Vec<Column<&'a LockedRegister, Shown<'a>>>,
    begun: Vec<Column<Owed<'a>, Shown<'a>>>,
    follows: Vec<Column<Follows, Found<'a>>>,
    gics: Vec<Column<Gic<'a>, (Vec<SeenGic>, &'a GicReport)>>,
    calls: Vec<Column<Asked<'a>, Answering>>,
    /// What calls are answered hangs on more than a row has room for; for each column.
    answered: Vec<Mutex<Answered>>,
    /// Registers that hosts list, each with each value once.
    listed: Vec<&'a ReportedRegister>,
    unnamed: Vec<Unnamed>,
    answers: Answers<T>,
}

/// Numbers of answers, by what is said, the number of what is shown, what a plan leaves, and whether the CPU is the lock's.
type Answered = HashMap<(Place, usize, Left, Option<bool>), u64>;

/// What a lock says of the interrupt controller, and whether the in-kernel frames can be hidden.
type Gic<'a> = (&'a [GicRegister], bool);

/// A lock: where it says what.
struct Asking<'a> {
    lock: &'a Lock,
    /// Which set of features.
    features: usize,
    cpu: Option<u64>,
    /// Whether it shows ID_AA64PFR1_EL1.SSBS, where it promises that.
    ssbs: Option<bool>,
    registers: Vec<Place>,
    /// Which of [`Fleet::unnamed`].
    unnamed: usize,
    begun: Vec<Place>,
    gic: Place,
    calls: Place,
    follows: Vec<Place>,
}

/// What a lock says, not yet numbered.
struct Parts<'a> {
    features: Vec<Feature>,
    asked: Asked<'a>,
    owed: Vec<Owed<'a>>,
    follows: Vec<Follows>,
    silent: Silent,
}

impl<'a> Parts<'a> {
    fn of(lock: &'a Lock) -> Self {
        let mut features = lock.features.clone();
        features.sort();
        Self {
            features,
            asked: Asked::of(lock),
            owed: reset::owed(lock),
            follows: settled::follows(lock),
            silent: Silent::of(lock),
        }
    }
}

/// What a host has for a guest with a set of features.
#[derive(Clone, Copy)]
enum Offer {
    /// The face with that number.
    Face(usize),
    /// Nothing: the number of what is refused.
    Nothing(u64),
}

/// What a host shows a guest with a set of features.
struct Face<'a> {
    host: Host<'a>,
    gic: &'a GicReport,
    cpu: Option<u64>,
    /// Whether it shows ID_AA64PFR1_EL1.SSBS.
    ssbs: Option<bool>,
    vcpus: u32,
    /// Which of [`Fleet::listed`].
    listed: Vec<usize>,
}

/// What of a lock bears on registers that it does not name, and what is answered about them.
struct Unnamed {
    silent: Silent,
    /// For each of [`Fleet::listed`].
    of_register: Rows,
    /// For all that a face lists.
    of_face: Rows,
}

impl<'a, T: Eq + Hash> Fleet<'a, T> {
    /// Of these locks and hosts; `tell` says what is told of what a part of a plan refuses.
    pub fn of(
        locks: impl IntoIterator<Item = &'a Lock>,
        grounds: &'a [Ground<'a>],
        emulation: Emulation,
        tell: impl Fn(&[Refusal]) -> T + Send + Sync + 'static,
    ) -> Self {
        let answers = Answers::told_by(tell);
        let (mut sets, mut silent) = (Once::default(), Once::default());
        let (mut registers, mut begun, mut follows) =
            (Said::default(), Said::default(), Said::default());
        let (mut gics, mut calls) = (Said::default(), Said::default());
        let locks: Vec<&Lock> = locks.into_iter().collect();
        let all_parts = parallel::each(locks.len(), |index| Parts::of(locks[index]));
        let ask = |(lock, parts): (&'a Lock, Parts<'a>)| {
            let gic = lock.gic.registers.as_slice();
            let frames: Vec<&str> = gic.iter().map(|entry| entry.name.as_str()).collect();
            let functions = parts.asked.answers.iter();
            let functions: Vec<&str> = functions.map(|a| a.call.as_str()).collect();
            let entries = lock.registers.iter();
            Asking {
                lock,
                features: sets.number(parts.features),
                cpu: locked_cpu(lock),
                ssbs: workarounds::locked_ssbs(lock),
                registers: entries
                    .map(|entry| registers.say((entry.id, entry.name.as_str()), entry))
                    .collect(),
                unnamed: silent.number(parts.silent),
                begun: parts
                    .owed
                    .into_iter()
                    .map(|owed| begun.say(owed.begun.info.id, owed))
                    .collect(),
                gic: gics.say(frames, (gic, interrupts::hides(lock))),
                calls: calls.say(functions, parts.asked),
                follows: parts
                    .follows
                    .into_iter()
                    .map(|fact| follows.say(fact.first.key, fact))
                    .collect(),
            }
        };
        let locks: Vec<Asking> = locks.iter().copied().zip(all_parts).map(ask).collect();
        // What guests saw on a host is sorted when it is first asked for.
        parallel::each(grounds.len(), |index| {
            let ground = &grounds[index];
            let views = sets.all.iter().filter_map(|set| ground.report.view(set));
            views.for_each(|view| {
                let _ = ground.inside(view);
            });
        });
        let (mut faces, mut listed) = (Vec::new(), Once::default());
        let mut offers = Vec::new();
        for set in &sets.all {
            let mut of_set = Vec::new();
            for ground in grounds {
                of_set.push(match Face::of(ground, set, emulation, &mut listed) {
                    Some(face) => {
                        faces.push(face);
                        Offer::Face(faces.len() - 1)
                    }
                    None => {
                        Offer::Nothing(answers.refusing(features::not_offered(set, ground.report)))
                    }
                });
            }
            offers.push(of_set);
        }
        let unnamed = silent.all.into_iter().map(|silent| Unnamed {
            silent,
            of_register: Rows::of(1, listed.all.len()),
            of_face: Rows::of(1, faces.len()),
        });
        let unnamed = unnamed.collect();
        let calls = calls.shown(&faces, 0, |asked: &Asked, face| {
            Answering::of(face.host, asked.answers)
        });
        Self {
            emulation,
            locks,
            grounds,
            offers,
            registers: registers.shown(&faces, SAME_CPU, |entry, face| face.host.shows(entry)),
            begun: begun.shown(&faces, 1, |owed: &Owed, face| {
                reset::shown(&owed.begun, &face.host)
            }),
            follows: follows.shown(&faces, Elsewhere::ALL, |fact: &Follows, face| {
                settled::found(fact.first.key, &face.host, face.vcpus)
            }),
            gics: gics.shown(&faces, 1, |(entries, _): &Gic, face| {
                (interrupts::seen(entries, face.host.inside), face.gic)
            }),
            answered: calls.iter().map(|_| Mutex::default()).collect(),
            calls,
            faces,
            listed: listed.all,
            unnamed,
            answers,
        }
    }

    /// What is told by a number that [`Fleet::refused`] gave.
    pub fn told(&self, number: u64) -> Arc<T> {
        self.answers.told(number)
    }

    /// All that each host refuses of a lock, each by its place, part by part, as numbers of what was told of it: none where
    /// the lock is kept. The refusals are those of [`super::plan_on`], in its order.
    ///
    /// Question after question, each for all hosts: what a lock says is looked up once.
    pub fn refused(&self, lock: usize) -> Vec<Vec<u64>> {
        let asking = &self.locks[lock];
        let mut cells: Vec<Cell> = Vec::with_capacity(self.grounds.len());
        let mut all = vec![Vec::new(); self.grounds.len()];
        for (host, ground) in self.grounds.iter().enumerate() {
            let mut sum = Sum::default();
            let mut plan = Plan::default();
            if let Some(imported) = &ground.report.imported {
                plan.refusals = imported::refusals(asking.lock, imported);
                sum.add(self.of_plan(&plan));
                all[host] = sum.refused;
                continue;
            }
            room::room(asking.lock, ground.report, &mut plan);
            sum.add(self.of_plan(&plan));
            let at = match self.offers[asking.features][host] {
                Offer::Face(face) => face,
                Offer::Nothing(number) => {
                    sum.add(number);
                    all[host] = sum.refused;
                    continue;
                }
            };
            let face = &self.faces[at];
            if !asking.lock.vector_lengths.is_empty() {
                let mut plan = Plan::default();
                features::vector_lengths(asking.lock, ground.report, &mut plan);
                sum.add(self.of_plan(&plan));
            }
            cells.push(Cell {
                host,
                at,
                same: same_cpu(asking.cpu, face.cpu),
                level_moves: workarounds::moves_workaround_2(asking.ssbs, face.ssbs),
                sum,
            });
        }
        self.registers(asking, &mut cells);
        for cell in &mut cells {
            cell.sum.add(self.unnamed(asking.unnamed, cell.at));
        }
        self.begun(asking, &mut cells);
        let Place { column, said } = asking.gic;
        let gic = self.gics[column].row(said);
        for cell in &mut cells {
            let number = gic.answer(cell.at, 0, |(entries, hides), (seen, gic)| {
                let mut plan = Plan::default();
                interrupts::gic(entries, seen, gic, *hides, self.emulation, &mut plan);
                self.of_plan(&plan)
            });
            cell.sum.add(number);
            let left = bears(cell.sum.all).1;
            cell.sum
                .add(self.calls(asking.calls, cell.at, left, cell.same));
        }
        self.follows(asking, &mut cells);
        for cell in cells {
            all[cell.host] = cell.sum.refused;
        }
        all
    }

    /// The number of what a part of a plan comes to.
    fn of_plan(&self, plan: &Plan) -> u64 {
        match plan.refusals.is_empty() && plan.keeps.is_empty() {
            true => NOTHING,
            false => self.answers.number(plan, false),
        }
    }

    fn registers(&self, asking: &Asking, cells: &mut [Cell]) {
        for place in &asking.registers {
            let column = &self.registers[place.column];
            let entry = *column.said(place.said);
            let is_level = workarounds::is_level(entry);
            let row = column.row(place.said);
            for cell in &mut *cells {
                if is_level && cell.level_moves {
                    let mut plan = Plan::default();
                    workarounds::unforeseen_level(entry, &mut plan);
                    cell.sum.add(self.of_plan(&plan));
                    continue;
                }
                let same = cell.same;
                let context = same.map_or(0, |same| 1 + usize::from(same));
                cell.sum.add(row.answer(cell.at, context, |entry, shown| {
                    let mut plan = Plan::default();
                    registers::register(entry, shown, same, &mut plan);
                    self.of_plan(&plan)
                }));
            }
        }
    }

    fn unnamed(&self, unnamed: usize, at: usize) -> u64 {
        let Unnamed {
            silent,
            of_register,
            of_face,
        } = &self.unnamed[unnamed];
        of_face.get(0, at, || {
            let mut all = Plan::default();
            for register in &self.faces[at].listed {
                let listed = self.listed[*register];
                let alone = of_register.get(0, *register, || {
                    let mut plan = Plan::default();
                    unlocked::register(silent, listed, &mut plan);
                    self.of_plan(&plan)
                });
                if alone != NOTHING {
                    unlocked::register(silent, listed, &mut all);
                }
            }
            self.of_plan(&all)
        })
    }

    fn begun(&self, asking: &Asking, cells: &mut [Cell]) {
        if asking.begun.is_empty() {
            return;
        }
        let tells = |place: &Place, at: usize| {
            let column = &self.begun[place.column];
            reset::tells(&column.said(place.said).begun, column.shown(at).listed)
        };
        let mut told = Vec::with_capacity(cells.len());
        for cell in &mut *cells {
            let is_told = asking.begun.iter().any(|place| tells(place, cell.at));
            if !is_told {
                cell.sum.add(self.answers.refusing(vec![reset::untold()]));
            }
            told.push(is_told);
        }
        for place in &asking.begun {
            let row = self.begun[place.column].row(place.said);
            let cells = cells.iter_mut().zip(&told);
            for (cell, _) in cells.filter(|(_, told)| **told) {
                cell.sum.add(row.answer(cell.at, 0, |owed, shown| {
                    let mut plan = Plan::default();
                    // How it is kept is no matter here.
                    let _ = reset::one(owed, shown, &mut plan);
                    self.of_plan(&plan)
                }));
            }
        }
    }

    fn calls(&self, place: Place, at: usize, left: Left, same: Option<bool>) -> u64 {
        let column = &self.calls[place.column];
        let key = (place, column.number(at), left, same);
        let answered = &self.answered[place.column];
        let known = answered.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.get(&key) {
            return *number;
        }
        drop(known);
        let mut plan = Plan::default();
        firmware::answers(
            column.said(place.said),
            column.shown(at),
            left,
            same,
            &mut plan,
        );
        let number = self.of_plan(&plan);
        let mut known = answered.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, number);
        number
    }

    fn follows(&self, asking: &Asking, cells: &mut [Cell]) {
        let elsewhere: Vec<Elsewhere> = cells.iter().map(|c| bears(c.sum.all).0).collect();
        let mut untold: Vec<Vec<String>> = vec![Vec::new(); cells.len()];
        for place in &asking.follows {
            let column = &self.follows[place.column];
            let row = column.row(place.said);
            for (cell, (elsewhere, untold)) in
                cells.iter_mut().zip(elsewhere.iter().zip(&mut untold))
            {
                let number = row.answer(cell.at, elsewhere.index(), |fact, found| {
                    let mut plan = Plan::default();
                    let outcome = settled::one(fact, found, *elsewhere, &mut plan);
                    self.answers.number(&plan, outcome.unseen)
                });
                cell.sum.add(number);
                if unseen(number) {
                    untold.push(column.said(place.said).first.name().into_owned());
                }
            }
        }
        for (cell, untold) in cells.iter_mut().zip(&untold) {
            if !untold.is_empty() {
                cell.sum
                    .add(self.answers.refusing(vec![settled::untold(untold)]));
            }
        }
    }
}

/// A lock on a host that has guests with its features, as far as it is planned.
struct Cell {
    host: usize,
    /// The number of its face.
    at: usize,
    /// Whether its CPU is the lock's.
    same: Option<bool>,
    /// Whether the level of a workaround follows from what the lock changes here.
    level_moves: bool,
    sum: Sum,
}

/// How many answers to "is its CPU the lock's?" there are.
const SAME_CPU: usize = 3;

/// What parts of a plan come to.
#[derive(Default)]
struct Sum {
    refused: Vec<u64>,
    /// All numbers taken together by `|`, for what bears on other parts.
    all: u64,
}

impl Sum {
    fn add(&mut self, number: u64) {
        if number == NOTHING {
            return;
        }
        self.all |= number;
        if refuses(number) {
            self.refused.push(number);
        }
    }
}

impl<'a> Face<'a> {
    /// `None` where the host has no guests with exactly these features.
    fn of(
        ground: &'a Ground<'a>,
        features: &[Feature],
        emulation: Emulation,
        listed: &mut Once<&'a ReportedRegister>,
    ) -> Option<Self> {
        let report = ground.report;
        let gic = report.gic.as_ref()?;
        let view = report.view(features)?;
        let host = Host {
            view,
            inside: ground.inside(view)?,
            knobs: Knobs::of(report, view, emulation),
        };
        Some(Self {
            host,
            gic,
            cpu: host_cpu(&host),
            ssbs: workarounds::host_ssbs(view),
            vcpus: view.vcpus(),
            listed: view.registers.iter().map(|r| listed.number(r)).collect(),
        })
    }
}
