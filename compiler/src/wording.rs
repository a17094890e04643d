//! What catalogue entries say, in words.

use vmlock_spec::catalogue::{
    Act, Baseline, CachePolicy, Catalogue, Kind, RegisterInfo, Rule, Statement, Subject,
};
use vmlock_spec::lock::reset;
use vmlock_spec::smccc;

/// What a statement is about, without what it says: two statements with the same
/// subject and conditions override each other.
pub fn subject(statement: &Statement) -> String {
    let about = match &statement.subject {
        Subject::Field(target, _) => target.to_string(),
        Subject::Cache(_) => "CLIDR_EL1 and CCSIDR_EL1".to_owned(),
        Subject::Events { register, .. } | Subject::Bitmap(register, _) => register.to_string(),
        Subject::Psci(_) => "PSCI version".to_owned(),
        Subject::IidrRevision(_) => "GICD_IIDR.Revision".to_owned(),
        Subject::Smc(_) => "SMC as a conduit of firmware calls".to_owned(),
    };
    if statement.when.is_empty() {
        about
    } else {
        format!("{about} ({})", statement.when.join(", "))
    }
}

/// What a statement says.
pub fn act(statement: &Statement) -> String {
    match &statement.subject {
        Subject::Field(_, act) => match act {
            Act::Show => "the silicon's value".to_owned(),
            Act::Hide => "not implemented".to_owned(),
            Act::Cap(limit) => format!("the silicon's value, at most {limit:#x}"),
            Act::Force(value) => format!("{value:#x}"),
        },
        Subject::Cache(CachePolicy::Silicon) => "the silicon's caches".to_owned(),
        Subject::Cache(CachePolicy::Fabricated) => {
            "caches that KVM makes up from CTR_EL0".to_owned()
        }
        Subject::Cache(CachePolicy::Model) => {
            "the CPU model's caches, in the form that KVM takes".to_owned()
        }
        Subject::Events { and, or, .. } => {
            let mut words = "the silicon's events".to_owned();
            if *and != u64::MAX {
                words.push_str(&format!(", and-ed with {and:#x}"));
            }
            if *or != 0 {
                words.push_str(&format!(", or-ed with {or:#x}"));
            }
            words
        }
        Subject::Psci(version) => {
            smccc::psci_name(*version).map_or_else(|| format!("{version:#x}"), str::to_owned)
        }
        Subject::IidrRevision(revision) => revision.to_string(),
        Subject::Smc(true) => "as HVC".to_owned(),
        Subject::Smc(false) => "answers -1".to_owned(),
        Subject::Bitmap(_, Some(bits)) => format!("{bits:#x}"),
        Subject::Bitmap(_, None) => "absent".to_owned(),
    }
}

/// Whether a statement speaks of a register or one of its fields, all of it included.
pub fn speaks_of(statement: &Statement, register: &str, field: Option<&str>) -> bool {
    let target = match &statement.subject {
        Subject::Field(target, _) => target.as_ref(),
        Subject::Events { register, .. } | Subject::Bitmap(register, _) => register.as_ref(),
        Subject::Cache(_) => return register == "CLIDR_EL1" || register.starts_with("CCSIDR_EL1"),
        Subject::Psci(_) => return register == "KVM_REG_ARM_PSCI_VERSION",
        Subject::IidrRevision(_) => return register == "GICD_IIDR",
        Subject::Smc(_) => return false,
    };
    let (of, part) = target
        .split_once('.')
        .map_or((target, None), |(r, f)| (r, Some(f)));
    of == register && (field.is_none() || part.is_none() || part == field)
}

/// All statements of a baseline and of those it builds on; the last about a subject wins.
pub fn effective<'a>(
    catalogue: &'a Catalogue,
    name: &str,
) -> Option<Vec<(&'a Baseline, &'a Statement)>> {
    let mut list: Vec<(String, &Baseline, &Statement)> = Vec::new();
    for baseline in catalogue.chain(name)? {
        for statement in baseline.statements.iter() {
            let subject = subject(statement);
            list.retain(|(other, _, _)| *other != subject);
            list.push((subject, baseline, statement));
        }
    }
    Some(
        list.into_iter()
            .map(|(_, baseline, statement)| (baseline, statement))
            .collect(),
    )
}

/// Which changes of a field a guest can live with.
pub fn rule(rule: Rule, signed: bool) -> String {
    let words = match rule {
        Rule::Lower => "a lower value is safe: a guest finds less, and what it finds works",
        Rule::Higher => "a higher value is safe: the field says what a guest has to do",
        Rule::HigherOrZero => "a higher value is safe, and zero safest",
        Rule::Exact => "no other value than the silicon's is compatible",
        Rule::Free => "promised to nobody: any value, not compared",
    };
    if signed {
        format!("{words}; signed, all ones means not implemented")
    } else {
        words.to_owned()
    }
}

/// What sort of thing a register is.
pub fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Id => "feature identification",
        Kind::Identification => "identification of the CPU",
        Kind::Cache => "identification of caches",
        Kind::Pmu => "identification of the performance monitor",
        Kind::Timer => "identification of the timer",
        Kind::Gic => "identification of the GIC's CPU interface",
        Kind::Firmware => "pseudo-register of KVM: what firmware calls answer",
        Kind::Debug => "identification of debug features",
        Kind::State => "run-time state: locked is only what a vCPU begins with",
    }
}

/// What a vCPU begins with in a register of run-time state.
pub fn beginning(register: &RegisterInfo) -> String {
    match &register.unsaid {
        Some(why) => format!("No lock says what a vCPU begins with here: {why}"),
        None if register.name == reset::ACTLR => {
            "A vCPU begins with what the CPU model says (locks of version 2 and later)".to_owned()
        }
        None => format!(
            "A vCPU begins with {:#x} (locks of version 2 and later)",
            register.reset & register.promised()
        ),
    }
}
