//! Answers by numbers: what is refused, each once, and what of an answer bears on other parts of a plan, which its number
//! tells by itself.

use super::super::firmware::Left;
use super::super::settled::{Elsewhere, elsewhere};
use super::super::{Plan, Refusal};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, PoisonError, RwLock};

/// That nothing is refused, and nothing follows from it elsewhere.
pub const NOTHING: u64 = 1;

/// Something is refused.
const REFUSES: u64 = 1 << 63;
/// The report does not say what was asked.
const UNSEEN: u64 = 1 << 62;
/// Where [`Elsewhere`] stands in a number, and behind it [`Left`].
const ELSEWHERE: u32 = 48;
const LEFT: u32 = 52;
/// Which answer.
const INDEX: u64 = (1 << ELSEWHERE) - 1;

/// Whether something is refused.
pub fn refuses(number: u64) -> bool {
    number & REFUSES != 0
}

/// Whether the report does not say what was asked.
pub fn unseen(number: u64) -> bool {
    number & UNSEEN != 0
}

/// What bears on other parts, of one number or of many that were taken together by `|`.
pub fn bears(numbers: u64) -> (Elsewhere, Left) {
    let elsewhere = Elsewhere::of_index((numbers >> ELSEWHERE) as usize);
    (elsewhere, Left::of_bits((numbers >> LEFT) as u8))
}

/// Says what is told of what a part of a plan refuses.
type Tell<T> = Box<dyn Fn(&[Refusal]) -> T + Send + Sync>;

/// All that was refused anywhere, as somebody tells it.
pub struct Answers<T> {
    tell: Tell<T>,
    known: RwLock<Known<T>>,
}

struct Known<T> {
    numbers: HashMap<Arc<T>, u64>,
    all: Vec<Arc<T>>,
}

impl<T: Eq + Hash> Answers<T> {
    pub fn told_by(tell: impl Fn(&[Refusal]) -> T + Send + Sync + 'static) -> Self {
        let nothing = Arc::new(tell(&[]));
        Self {
            tell: Box::new(tell),
            // The first is no answer's number, the second is that of nothing.
            known: RwLock::new(Known {
                numbers: HashMap::from([(Arc::clone(&nothing), NOTHING)]),
                all: vec![Arc::clone(&nothing), nothing],
            }),
        }
    }

    /// The number of what a part of a plan comes to.
    pub fn number(&self, plan: &Plan, unseen: bool) -> u64 {
        let told = match plan.refusals.is_empty() {
            true => NOTHING,
            false => self.index((self.tell)(&plan.refusals)) | REFUSES,
        };
        let elsewhere = (elsewhere(plan).index() as u64) << ELSEWHERE;
        let left = u64::from(Left::of(plan).bits()) << LEFT;
        told | elsewhere | left | if unseen { UNSEEN } else { 0 }
    }

    /// The same of refusals alone.
    pub fn refusing(&self, refusals: Vec<Refusal>) -> u64 {
        let plan = Plan {
            refusals,
            ..Plan::default()
        };
        self.number(&plan, false)
    }

    fn index(&self, told: T) -> u64 {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(&told) {
            return *number;
        }
        drop(known);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(number) = known.numbers.get(&told) {
            return *number;
        }
        let number = known.all.len() as u64;
        let told = Arc::new(told);
        known.all.push(Arc::clone(&told));
        known.numbers.insert(told, number);
        number
    }

    /// What was told of that answer.
    pub fn told(&self, number: u64) -> Arc<T> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&known.all[(number & INDEX) as usize])
    }
}
