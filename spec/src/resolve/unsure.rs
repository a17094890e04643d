//! Warnings where the chosen baseline lies between two releases, the earlier
//! of which is known not to show something, the later known to show it, and
//! nobody has seen those between.

use super::{Complaint, Context, Severity};
use crate::catalogue::{Baseline, Catalogue, Statement, Subject, register_by_name, speaks_of};

/// One warning for each thing that would be otherwise in this lock if the
/// chosen release had it already. `whole` is its name, and `index` where `abi` has it.
pub(super) fn warnings(
    context: &Context,
    catalogue: &Catalogue,
    whole: &str,
    index: usize,
) -> Vec<Complaint> {
    let spec = context.spec;
    let chain = catalogue.chain(whole).unwrap_or_default();
    let Some(whole) = chain.last().copied() else {
        return Vec::new();
    };
    let before = |name: &str| chain.iter().any(|b| b.name == name) && whole.name != name;
    let doubtful = |s: &Statement| s.unsure_after.as_deref().is_some_and(before);
    let descends = |later: &Baseline| {
        later.name != whole.name
            && catalogue
                .chain(&later.name)
                .is_some_and(|c| c.iter().any(|b| b.name == whole.name))
    };
    let later: Vec<&Baseline> = catalogue
        .baseline_names()
        .filter_map(|name| catalogue.baseline(name))
        .filter(|b| b.statements.iter().any(doubtful) && descends(b))
        .collect();
    let mut out = Vec::new();
    for baseline in later {
        let said = baseline.statements.iter();
        let statements: Vec<&Statement> = said.filter(|s| doubtful(s)).collect();
        // As if the chosen release said it too: after all that it says, before the parts.
        let (mut first, parts): (Vec<_>, Vec<_>) = context
            .statements
            .iter()
            .cloned()
            .partition(|(b, _, _)| b.part.is_none());
        first.extend(statements.iter().map(|s| (baseline, *s, String::new())));
        first.extend(parts);
        let other = Context::new(spec, context.cpu, first, context.version);
        let mut told: Vec<String> = Vec::new();
        for statement in statements {
            let what = name(&statement.subject);
            let decided = spec.cpu.set.iter().any(|s| speaks_of(&s.field, &what))
                || spec.vary.contains(&what)
                || spec.cpu.hide.iter().any(|h| speaks_of(h, &what));
            if decided
                || told.contains(&what)
                || seen(context, &statement.subject) == seen(&other, &statement.subject)
            {
                continue;
            }
            let after = statement.unsure_after.as_deref().unwrap_or_default();
            out.push(Complaint {
                code: "spec::unsure",
                place: format!("/abi/{index}"),
                also: Vec::new(),
                message: format!(
                    "`{}` may show {what} otherwise: `{after}` has it as in this lock, `{}` has it \
                     otherwise, and nobody has looked at the releases between them",
                    whole.name, baseline.name
                ),
                help: Some(format!(
                    "name \"{after}\" or \"{}\", decide it in the `cpu` block, or waive it with `vary`",
                    baseline.name
                )),
                severity: Severity::Warning,
            });
            told.push(what);
        }
    }
    out
}

/// What a statement is about, in a reader's words.
fn name(subject: &Subject) -> String {
    match subject {
        Subject::Field(path, _) => path.to_string(),
        Subject::Events { register, .. } | Subject::Bitmap(register, _) => register.to_string(),
        Subject::Cache(_) => "CLIDR_EL1".into(),
        Subject::Psci(_) => "the PSCI version".into(),
        Subject::IidrRevision(_) => "GICD_IIDR.Revision".into(),
        Subject::Smc(_) => "SMC as a conduit of firmware calls".into(),
    }
}

/// What a guest sees of it, in a form that can be compared.
fn seen(context: &Context, subject: &Subject) -> Option<u64> {
    match subject {
        Subject::Field(path, _) => {
            let register = register_by_name(path.split('.').next()?)?;
            let value = context.register(register).value;
            let field = path.split_once('.').and_then(|(_, f)| register.field(f));
            Some(field.map_or(value, |f| f.get(value)))
        }
        Subject::Events { register, .. } => {
            let last = context.last(|s| match s {
                Subject::Events {
                    register: r,
                    and,
                    or,
                } if r == register => Some((*and, *or)),
                _ => None,
            });
            // An event of which nobody knows tells nothing apart unless the kernel adds it.
            let known = context.cpu.silicon(register_by_name(register)?).value;
            last.map(|((and, or), _)| known & and | or)
        }
        Subject::Bitmap(register, _) => {
            let last = context.last(|s| match s {
                Subject::Bitmap(r, bits) if r == register => Some(*bits),
                _ => None,
            });
            last.and_then(|(bits, _)| bits)
        }
        Subject::Cache(_) => context
            .last(|s| match s {
                Subject::Cache(policy) => Some(*policy as u64),
                _ => None,
            })
            .map(|(policy, _)| policy),
        Subject::Psci(_) => context
            .last(|s| match s {
                Subject::Psci(version) => Some(u64::from(*version)),
                _ => None,
            })
            .map(|(version, _)| version),
        Subject::IidrRevision(_) => context
            .last(|s| match s {
                Subject::IidrRevision(revision) => Some(u64::from(*revision)),
                _ => None,
            })
            .map(|(revision, _)| revision),
        Subject::Smc(_) => context
            .last(|s| match s {
                Subject::Smc(conduit) => Some(u64::from(*conduit)),
                _ => None,
            })
            .map(|(conduit, _)| conduit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::{Act, CpuModel, SiliconValue};
    use crate::resolve::Target;
    use crate::resolve::allow::EMULATED;
    use crate::resolve::resolve;
    use crate::vm::{Cpu, SetField, VmSpec};
    use std::borrow::Cow;

    fn spec(abi: &str, model: &str) -> VmSpec {
        let cpu = Cpu::bare(model, 1, &[], &[]);
        VmSpec::bare("test", &["psci-1.1", abi], cpu, 256 << 20)
    }

    /// kvm-6.8, then `a` (says nothing), `b` (says nothing), `c`: forces a field, doubtful after `a`.
    fn catalogue() -> Catalogue {
        let baseline =
            |name: &'static str, after: &'static str, statements: Vec<Statement>| Baseline {
                name: name.into(),
                title: name.into(),
                after: Some(after.into()),
                part: None,
                statements: Cow::Owned(statements),
                stable: Cow::Borrowed(&[]),
                kernel: None,
                measured_on: Cow::Borrowed(&[]),
                measured_as: None,
                unknown: Cow::Borrowed(&[]),
                digests: vec!["sha256-0".into(); 2].into(),
            };
        let doubtful = Statement {
            subject: Subject::Field("ID_AA64DFR0_EL1.BRPs".into(), Act::Force(1)),
            when: Cow::Borrowed(&[]),
            source: "made up".into(),
            unsure_after: Some("a".into()),
            since: 1,
        };
        let mut catalogue = Catalogue::builtin();
        let list = vec![
            baseline("a", "kvm-6.8", Vec::new()),
            baseline("b", "a", Vec::new()),
            baseline("c", "b", vec![doubtful]),
            baseline("d", "c", Vec::new()),
        ];
        let n1 = catalogue.cpu("neoverse-n1").expect("built in").clone();
        let mut registers: Vec<SiliconValue> = n1
            .registers
            .iter()
            .cloned()
            .map(|mut r| {
                if r.register == "ID_AA64DFR0_EL1" {
                    r.value = r.value & !0xf000 | 1 << 12;
                }
                r
            })
            .collect();
        let actlr = SiliconValue {
            register: "ACTLR_EL1".into(),
            value: 0,
            source: "a test".into(),
        };
        registers.push(actlr);
        let same = CpuModel {
            name: "same".into(),
            registers: Cow::Owned(registers),
            ..n1
        };
        catalogue.import(list, vec![same]).expect("new names");
        catalogue
    }

    fn codes(spec: &VmSpec) -> Vec<(&'static str, String)> {
        let (_, warnings) = resolve(spec, &catalogue(), &Target::NEWEST).expect("a lock");
        let doubts = warnings.into_iter().filter(|w| w.code != EMULATED);
        doubts.map(|w| (w.code, w.place)).collect()
    }

    #[test]
    fn only_a_release_between_the_two_is_doubtful() {
        for name in ["kvm-6.8", "a", "c", "d"] {
            assert_eq!(codes(&spec(name, "neoverse-n1")), [], "{name}");
        }
        let found = codes(&spec("b", "neoverse-n1"));
        assert_eq!(found, [("spec::unsure", "/abi/1".to_owned())]);
    }

    #[test]
    fn the_warning_names_field_and_releases() {
        let (_, warnings) =
            resolve(&spec("b", "neoverse-n1"), &catalogue(), &Target::NEWEST).expect("a lock");
        let message = &warnings[0].message;
        for word in ["ID_AA64DFR0_EL1.BRPs", "`a`", "`b`", "`c`"] {
            assert!(message.contains(word), "{word} in {message}");
        }
    }

    #[test]
    fn no_warning_where_it_makes_no_difference() {
        assert_eq!(codes(&spec("b", "same")), []);
        let mut hidden = spec("b", "neoverse-n1");
        hidden.cpu.set = vec![SetField {
            field: "ID_AA64DFR0_EL1.BRPs".into(),
            value: 1,
        }];
        assert_eq!(codes(&hidden), []);
        let mut waived = spec("b", "neoverse-n1");
        waived.vary = vec!["ID_AA64DFR0_EL1.BRPs".into()];
        assert_eq!(codes(&waived), []);
    }
}
