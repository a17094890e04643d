//! Refusals folded: one line for all that is refused of one register for one reason.

use vmlock_spec::plan::Refusal;
use vmlock_spec::reason;

/// What is refused for one reason of one register, or of one thing that is none.
pub struct Fold<'a> {
    pub code: &'static str,
    pub name: &'a str,
    pub refusals: Vec<&'a Refusal>,
}

/// By reason and register, in the order in which each comes first.
pub fn folded(refusals: &[Refusal]) -> Vec<Fold<'_>> {
    let mut folds: Vec<Fold<'_>> = Vec::new();
    for refusal in refusals {
        let name = match refusal.name.contains('(') {
            true => refusal.name.as_str(),
            false => refusal.name.split('.').next().unwrap_or(&refusal.name),
        };
        let same = |f: &&mut Fold<'_>| f.code == refusal.code && f.name == name;
        match folds.iter_mut().find(same) {
            Some(fold) => fold.refusals.push(refusal),
            None => folds.push(Fold {
                code: refusal.code,
                name,
                refusals: vec![refusal],
            }),
        }
    }
    folds
}

impl Fold<'_> {
    /// `MIDR_EL1: PartNum 0xd08 for 0xd0c, Variant 0x0 for 0x4`.
    pub fn line(&self) -> String {
        format!("{}: {}", self.name, self.each())
    }

    /// What stands there of each.
    pub fn each(&self) -> String {
        if let [open] = self.refusals[..]
            && self.code == reason::IMPORTED
        {
            return open.reason.clone();
        }
        let each = self.refusals.iter().map(|r| {
            let field = r.name.strip_prefix(self.name).unwrap_or_default();
            let given = format!("{} for {}", r.offered, r.wanted);
            match field.trim_start_matches('.') {
                "" => given,
                field => format!("{field} {given}"),
            }
        });
        each.collect::<Vec<_>>().join(", ")
    }
}
