//! What nobody has measured of a distribution's kernel, and a lock would promise all the same: no lock comes of it.
//!
//! A baseline of a kernel whose source nobody read is made of what some guests were seen to find. It holds for the CPUs of
//! those guests, and what they cannot see of it is unknown: a part, or a line of the description, has to decide it.

use super::{Complaints, Context};
use crate::catalogue::{Baseline, Catalogue, CpuModel, Unknown, register_by_name, speaks_of};

/// How a kernel comes to be known.
const MEASURE: &str = "measure it: `vmlock-run probe` on such a host writes a report, `vmlock cpu REPORT --name MODEL -o MODEL.kdl` makes a model of its CPU, and `vmlock adopt REPORT --baseline NAME --cpu MODEL --import MODEL.kdl` a baseline; a description imports both";

/// Says what the whole baseline of a description does not know. `whole` is its name, and `index` where `abi` has it.
pub(super) fn complain(
    context: &Context,
    catalogue: &Catalogue,
    whole: &str,
    index: usize,
    complaints: &mut Complaints,
) {
    let chain = catalogue.chain(whole).unwrap_or_default();
    let place = format!("/abi/{index}");
    for (at, baseline) in chain.iter().enumerate() {
        if !is_measured_on(baseline, context.cpu, catalogue) {
            let models: Vec<String> = baseline.measured_on.iter().map(quoted).collect();
            let words = format!(
                "`{}` was measured on {} alone, and `{}` is another CPU, or another one than it was then: what that kernel shows of it nobody has seen",
                baseline.name,
                models.join(", "),
                context.cpu.name
            );
            complaints
                .error(CODE, "/cpu/model", words, Some(MEASURE.to_owned()))
                .also
                .push((place.clone(), "this baseline".to_owned()));
        }
        let later = &chain[at + 1..];
        let (mut open, mut features) = (Vec::new(), Vec::new());
        for unknown in baseline.unknown.iter() {
            let asked = context.spec.cpu.features.iter();
            match asked.clone().position(|f| f.name() == unknown.path) {
                Some(feature) => features.push((feature, unknown)),
                None if crate::vm::Feature::ALL
                    .iter()
                    .any(|f| f.name() == unknown.path) => {}
                None if is_decided(context, later, &unknown.path) => {}
                None => open.push(unknown),
            }
        }
        for (feature, unknown) in features {
            let words = format!(
                "what `{}` shows a guest with `{}` was not measured ({})",
                baseline.name, unknown.path, unknown.source
            );
            let help = format!("{MEASURE}; or leave `{}` out", unknown.path);
            complaints.error(CODE, format!("/cpu/features/{feature}"), words, Some(help));
        }
        if !open.is_empty() {
            complaints.error(
                CODE,
                place.clone(),
                words(baseline, &open),
                Some(help(&open)),
            );
        }
    }
}

const CODE: &str = "spec::unmeasured-kernel";

fn quoted(name: impl AsRef<str>) -> String {
    format!("`{}`", name.as_ref())
}

/// Whether the CPU is one of those on which the kernel was looked at: a user's model by its digest, and one of ours, or a
/// user's of the same CPU, by its MIDR_EL1.
fn is_measured_on(baseline: &Baseline, cpu: &CpuModel, catalogue: &Catalogue) -> bool {
    if baseline.measured_on.is_empty() {
        return true;
    }
    if let Some(digest) = &baseline.measured_as {
        return baseline.measured_on.contains(&cpu.name) && cpu.digests.contains(digest);
    }
    let midr = |cpu: &CpuModel| cpu.silicon(register_by_name("MIDR_EL1")?).known(u64::MAX);
    let ours = baseline.measured_on.iter().filter_map(|name| {
        let model = catalogue.cpu(name)?;
        catalogue.is_ours(name).then_some(model)
    });
    ours.filter_map(midr).any(|own| midr(cpu) == Some(own))
}

/// Whether a part, a later baseline or the description itself says what the guest sees of a topic.
fn is_decided(context: &Context, later: &[&Baseline], topic: &str) -> bool {
    let register = topic.split('.').next().unwrap_or(topic);
    let says = |baseline: &Baseline, about: &str| {
        let later = later.iter().any(|b| b.name == baseline.name);
        (baseline.part.is_some() || later) && (about == topic || about == register)
    };
    let cpu = &context.spec.cpu;
    let mut statements = context.statements.iter();
    statements.any(|(baseline, said, _)| says(baseline, said.subject.topic()))
        || cpu.hide.iter().any(|h| speaks_of(h, topic))
        || cpu.set.iter().any(|s| speaks_of(&s.field, topic))
        || context.spec.vary.iter().any(|v| v == topic)
}

/// How a line begins that leaves fields open.
const VARY: &str = "vary ";

/// What a topic is, and the names of parts or the line that decides it.
fn ways(topic: &str) -> (String, String) {
    let (what, parts) = match topic {
        "gic-iidr-revision" => ("GICD_IIDR.Revision", "gic-iidr-rev2"),
        "smc" => ("SMC as a conduit of firmware calls", "smc-none"),
        "psci" => ("the PSCI version", "psci-1.1"),
        "cache" => ("CLIDR_EL1 and CCSIDR_EL1", "cache-made-up"),
        "KVM_REG_ARM_STD_BMAP" => ("the calls of TRNG", "no-smccc-trng"),
        "KVM_REG_ARM_STD_HYP_BMAP" => ("the calls of PV_TIME", "smccc-pv-time"),
        "KVM_REG_ARM_VENDOR_HYP_BMAP" => ("the vendor's calls", "no-smccc-vendor-hyp"),
        "KVM_REG_ARM_VENDOR_HYP_BMAP_2" => ("DISCOVER_IMPL", "no-smccc-discover-impl"),
        field => return (field.to_owned(), format!("{VARY}\"{field}\"")),
    };
    (what.to_owned(), format!("\"{parts}\""))
}

fn words(baseline: &Baseline, open: &[&Unknown]) -> String {
    let what: Vec<String> = open.iter().map(|u| ways(&u.path).0).collect();
    let mut sources: Vec<&str> = open.iter().map(|u| u.source.as_ref()).collect();
    sources.dedup();
    format!(
        "the lock would promise what nobody has measured of `{}`: {} ({})",
        baseline.name,
        what.join(", "),
        sources.join("; ")
    )
}

fn help(open: &[&Unknown]) -> String {
    let (lines, parts): (Vec<String>, Vec<String>) = open
        .iter()
        .map(|u| ways(&u.path).1)
        .partition(|way| way.starts_with(VARY));
    let mut help = MEASURE.to_owned();
    if !parts.is_empty() {
        help.push_str(&format!(
            "; or decide what the guest shall see, whatever that kernel shows by itself, by parts in `abi`, such as {}",
            parts.join(" ")
        ));
    }
    if !lines.is_empty() {
        let fields: Vec<&str> = lines.iter().filter_map(|l| l.strip_prefix(VARY)).collect();
        help.push_str(&format!("; or leave it open: {VARY}{}", fields.join(" ")));
    }
    help
}
