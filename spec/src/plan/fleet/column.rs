//! One question that is asked of many locks and hosts: what each lock says of it, what each host shows of it, and what was
//! answered where the two have met.

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
    pub fn shown<F, S: Clone + Eq + Hash>(
        self,
        faces: &[F],
        contexts: usize,
        shows: impl Fn(&L, &F) -> S,
    ) -> Vec<Column<L, S>> {
        let of = |said: Once<L>| {
            let mut shown = Once::default();
            let first = &said.all[0];
            let by_face = faces.iter().map(|face| shown.number(shows(first, face)));
            let by_face = by_face.collect();
            Column {
                answers: Rows::of(said.all.len(), shown.all.len() * contexts),
                said: said.all,
                shown: shown.all,
                by_face,
                contexts,
            }
        };
        self.said.into_iter().map(of).collect()
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

    /// What is answered there: known, or decided now.
    pub fn answer(
        &self,
        said: usize,
        face: usize,
        context: usize,
        decide: impl FnOnce(&L, &S) -> u64,
    ) -> u64 {
        let shown = self.by_face[face];
        let at = shown * self.contexts + context;
        self.answers
            .get(said, at, || decide(&self.said[said], &self.shown[shown]))
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

    /// The number that stands there, or that is found now. Two that look at once find the same.
    pub fn get(&self, row: usize, at: usize, find: impl FnOnce() -> u64) -> u64 {
        let row =
            self.rows[row].get_or_init(|| (0..self.width).map(|_| AtomicU64::new(0)).collect());
        match row[at].load(Ordering::Relaxed) {
            0 => {
                let found = find();
                row[at].store(found, Ordering::Relaxed);
                found
            }
            known => known,
        }
    }
}
