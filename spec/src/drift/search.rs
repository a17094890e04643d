//! Which statements say what some guests see: candidates, the most general first, each tried on all of the guests.

use super::{Bench, Guest};
use crate::catalogue::{Act, CachePolicy, Statement, Subject, Text, register_by_name};
use crate::vm::Feature;

/// Things that are looked for; the rest of what a report shows otherwise is said by itself.
const THINGS_MAX: usize = 128;
/// How often what hangs on another thing is looked for once more.
const ROUNDS_MAX: usize = 4;
/// Different values of one thing that are tried, and statements that are tried in all: a report of many values must not
/// take minutes.
const SEEN_MAX: usize = 8;
const TRIES_MAX: usize = 4096;

/// What is about one thing: the last such statement wins.
pub(super) fn same_thing(a: &Subject, b: &Subject) -> bool {
    match (a, b) {
        (Subject::Field(a, _), Subject::Field(b, _))
        | (Subject::Events { register: a, .. }, Subject::Events { register: b, .. })
        | (Subject::Bitmap(a, _), Subject::Bitmap(b, _)) => a == b,
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// Statements that leave as little as there can be in which the guests deviate, one for each thing; and the things for
/// which not every statement was tried.
pub(super) fn statements(
    bench: &Bench<'_>,
    guests: &[Guest<'_>],
) -> (Vec<Statement>, Vec<Subject>) {
    let mut things: Vec<&Subject> = Vec::new();
    for subject in guests.iter().flat_map(|guest| &guest.deviates) {
        if !things.iter().any(|thing| same_thing(thing, subject)) {
            things.push(subject);
        }
    }
    let mut unsought = things.split_off(things.len().min(THINGS_MAX));
    let mut tries = TRIES_MAX;
    // What hangs on another thing that changed too is found once that was found.
    let mut found: Vec<Statement> = Vec::new();
    for _ in 0..ROUNDS_MAX {
        let known = found.len();
        things.retain(
            |thing| match one(bench, guests, thing, &found, &mut tries) {
                Some(statement) => {
                    found.push(statement);
                    false
                }
                None => true,
            },
        );
        if found.len() == known {
            break;
        }
    }
    things.retain(|thing| tries == 0 || values(guests, thing).len() > SEEN_MAX);
    unsought.extend(things);
    (found, unsought.into_iter().cloned().collect())
}

/// The first candidate by which, beside what was `found`, no guest deviates in that thing.
fn one(
    bench: &Bench<'_>,
    guests: &[Guest<'_>],
    thing: &Subject,
    found: &[Statement],
    tries: &mut usize,
) -> Option<Statement> {
    let is_about = |guest: &Guest<'_>| guest.deviates.iter().any(|s| same_thing(s, thing));
    // Those that need the statement are the first to say whether it will do.
    let (about, others): (Vec<&Guest<'_>>, Vec<&Guest<'_>>) =
        guests.iter().partition(|guest| is_about(guest));
    let subjects = subjects(bench, &about, thing);
    for when in conditions(&about, &others) {
        for subject in subjects.iter().cloned() {
            *tries = tries.checked_sub(1)?;
            let statement = Statement {
                subject,
                when: when.clone().into(),
                source: bench.question.source.to_owned().into(),
                unsure_after: None,
                since: 1,
            };
            let mut all = found.to_vec();
            all.push(statement.clone());
            let after = bench.with(&all);
            // Statements from which no lock comes say nothing right.
            let agrees = |guest: &&Guest<'_>| {
                let deviates = after.deviates(guest);
                deviates.is_some_and(|all| !all.iter().any(|s| same_thing(s, thing)))
            };
            if about.iter().chain(&others).all(agrees) {
                return Some(statement);
            }
        }
    }
    None
}

/// Facts of CPUs on which statements hang.
const OF_CPUS: [&str; 5] = [
    "el0-aarch32",
    "!el0-aarch32",
    "no-clean-to-pou",
    "unaffected:meltdown",
    "unaffected:spectre-v2",
];

/// Conditions under which the statement could stand: that of exactly these guests, where they have a feature in common
/// that others lack, else none; then each feature, with and without it, and what CPUs are told apart by.
fn conditions(about: &[&Guest<'_>], others: &[&Guest<'_>]) -> Vec<Vec<Text>> {
    let has = |guest: &&Guest<'_>, feature: &Feature| guest.machine.features.contains(feature);
    let is_known = |feature: &&Feature| {
        let mut all = about.iter().chain(others);
        all.any(|guest| has(guest, feature))
    };
    let known: Vec<&Feature> = Feature::ALL.iter().filter(is_known).collect();
    let common = known.iter().filter(|feature| {
        about.iter().all(|guest| has(guest, feature))
            && !others.iter().all(|guest| has(guest, feature))
    });
    let mut list: Vec<Vec<Text>> = common.map(|f| vec![f.name().into()]).collect();
    list.push(Vec::new());
    for feature in known {
        list.push(vec![feature.name().into()]);
        list.push(vec![format!("!{}", feature.name()).into()]);
    }
    list.extend(OF_CPUS.map(|fact| vec![fact.into()]));
    list
}

/// What these guests show of the thing, each once.
fn values<'a, 'b: 'a>(
    guests: impl IntoIterator<Item = &'a Guest<'b>>,
    thing: &Subject,
) -> Vec<&'a Subject> {
    let mut seen: Vec<&Subject> = Vec::new();
    for subject in guests.into_iter().flat_map(|guest| &guest.deviates) {
        if same_thing(subject, thing) && !seen.contains(&subject) {
            seen.push(subject);
        }
    }
    seen
}

/// What could be said of the thing, the most general first: what the silicon has, nothing, then what was seen.
fn subjects(bench: &Bench<'_>, about: &[&Guest<'_>], thing: &Subject) -> Vec<Subject> {
    let seen = values(about.iter().copied(), thing).into_iter();
    let seen: Vec<Subject> = seen.take(SEEN_MAX).cloned().collect();
    let mut list = match thing {
        Subject::Field(path, _) => {
            let act = |act| Subject::Field(path.clone(), act);
            vec![act(Act::Show), act(Act::Hide)]
        }
        Subject::Cache(_) => {
            return [
                CachePolicy::Fabricated,
                CachePolicy::Silicon,
                CachePolicy::Model,
            ]
            .map(Subject::Cache)
            .to_vec();
        }
        Subject::Events { register, .. } => events(bench, about, register, &seen),
        _ => Vec::new(),
    };
    list.extend(seen);
    list
}

/// Common events of a PMU by what is added to the silicon's, and taken from them.
fn events(
    bench: &Bench<'_>,
    about: &[&Guest<'_>],
    register: &Text,
    seen: &[Subject],
) -> Vec<Subject> {
    let Some(info) = register_by_name(register) else {
        return Vec::new();
    };
    let models = about
        .iter()
        .filter_map(|g| bench.question.catalogue.cpu(g.model));
    let silicon: Vec<u64> = models.map(|model| model.silicon(info).value).collect();
    let (mut added, mut taken) = (0, 0);
    for subject in seen {
        if let Subject::Events { or: value, .. } = subject {
            for silicon in &silicon {
                added |= value & !silicon;
                taken |= silicon & !value;
            }
        }
    }
    let say = |and: u64, or: u64| Subject::Events {
        register: register.clone(),
        and,
        or,
    };
    let all = u64::MAX;
    vec![say(all, 0), say(all, added), say(!taken, added)]
}
