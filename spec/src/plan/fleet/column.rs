//! One question that is asked of many locks and hosts: what each lock says of it, what each host shows of it, and what was
//! answered where the two have met.

use crate::parallel;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Things, each once, with their numbers.
pub struct Once<T> {
    numbers: HashMap<T, usize>,
    pub all: Vec<T>,
}

impl<T> Default for Once<T> {
    fn default() -> Self {
        Self {
            numbers: HashMap::new(),
            all: Vec::new(),
        }
    }
}

impl<T: Clone + Eq + Hash> Once<T> {
    /// The thing's number.
    pub fn number(&mut self, thing: T) -> usize {
        if let Some(number) = self.numbers.get(&thing) {
            return *number;
        }
        let number = self.all.len();
        self.all.push(thing.clone());
        self.numbers.insert(thing, number);
        number
    }
}

/// What locks say, by what it is about.
pub struct Said<K, L> {
    columns: HashMap<K, usize>,
    said: Vec<Once<L>>,
}

/// Where a lock says something: which column, and the number of what it says there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Place {
    pub column: usize,
    pub said: usize,
}

impl<K, L> Default for Said<K, L> {
    fn default() -> Self {
        Self {
            columns: HashMap::new(),
            said: Vec::new(),
        }
    }
}

impl<K: Eq + Hash, L: Clone + Eq + Hash> Said<K, L> {
    /// A lock says that.
    pub fn say(&mut self, about: K, said: L) -> Place {
        let column = *self.columns.entry(about).or_insert_with(|| {
            self.said.push(Once::default());
            self.said.len() - 1
        });
        let said = self.said[column].number(said);
        Place { column, said }
    }

    /// With what each face shows of it, which depends on what the column is about alone; each answer hangs on one of so many
    /// contexts, too.
    pub fn shown<F, S>(
        self,
        faces: &[F],
        contexts: usize,
        shows: impl Fn(&L, &F) -> S + Sync,
    ) -> Vec<Column<L, S>>
    where
        F: Sync,
        L: Sync,
        S: Clone + Eq + Hash + Send,
    {
        let by_column = parallel::each(self.said.len(), |column| {
            let mut shown = Once::default();
            let first = &self.said[column].all[0];
            let mut last = None;
            let mut number = |face| {
                let shows = shows(first, face);
                // Most show what the one before does.
                let known = last.filter(|at: &usize| shown.all[*at] == shows);
                *last.insert(known.unwrap_or_else(|| shown.number(shows)))
            };
            let by_face = faces.iter().map(&mut number).collect();
            (by_face, shown.all)
        });
        let of = |(said, (by_face, shown)): (Once<L>, (_, Vec<S>))| Column {
            answers: Rows::of(said.all.len(), shown.len() * contexts),
            said: said.all,
            shown,
            by_face,
            contexts,
        };
        self.said.into_iter().zip(by_column).map(of).collect()
    }
}

/// One question.
pub struct Column<L, S> {
    /// What locks say, each once.
    said: Vec<L>,
    /// What faces show, each once.
    shown: Vec<S>,
    /// For each face, which of it.
    by_face: Vec<usize>,
    contexts: usize,
    answers: Rows,
}

impl<L, S> Column<L, S> {
    /// What is said by that number.
    pub fn said(&self, said: usize) -> &L {
        &self.said[said]
    }

    /// The number of what that face shows.
    pub fn number(&self, face: usize) -> usize {
        self.by_face[face]
    }

    /// What that face shows.
    pub fn shown(&self, face: usize) -> &S {
        &self.shown[self.by_face[face]]
    }

    /// What is answered to what is said by that number.
    pub fn row(&self, said: usize) -> Row<'_, L, S> {
        Row {
            column: self,
            said: &self.said[said],
            known: self.answers.row(said),
        }
    }
}

/// What is answered to one thing that locks say.
pub struct Row<'a, L, S> {
    column: &'a Column<L, S>,
    said: &'a L,
    known: &'a [AtomicU64],
}

impl<L, S> Row<'_, L, S> {
    /// What is answered there: known, or decided now.
    pub fn answer(&self, face: usize, context: usize, decide: impl FnOnce(&L, &S) -> u64) -> u64 {
        let shown = self.column.by_face[face];
        let known = &self.known[shown * self.column.contexts + context];
        known_or(known, || decide(self.said, &self.column.shown[shown]))
    }
}

/// Numbers that become known, in rows of which each is made when it is first asked for; none is 0.
pub struct Rows {
    width: usize,
    rows: Vec<OnceLock<Box<[AtomicU64]>>>,
}

impl Rows {
    pub fn of(rows: usize, width: usize) -> Self {
        Self {
            width,
            rows: (0..rows).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The row of that number.
    pub fn row(&self, row: usize) -> &[AtomicU64] {
        self.rows[row].get_or_init(|| (0..self.width).map(|_| AtomicU64::new(0)).collect())
    }

    /// The number that stands there, or that is found now.
    pub fn get(&self, row: usize, at: usize, find: impl FnOnce() -> u64) -> u64 {
        known_or(&self.row(row)[at], find)
    }
}

/// The number that stands there, or that is found now. Two that look at once find the same.
fn known_or(place: &AtomicU64, find: impl FnOnce() -> u64) -> u64 {
    match place.load(Ordering::Relaxed) {
        0 => {
            let found = find();
            place.store(found, Ordering::Relaxed);
            found
        }
        known => known,
    }
}
