//! `vmlock cpu`: a CPU model out of a host report, as a file that a description imports.
//!
//! A report shows what KVM lets a guest find, which is not always what the
//! silicon has. The file says so, and what is not known is left out.

use crate::command::{import, read_report, unwritable};
use crate::diagnostic::{Diagnostic, join};
use crate::emulated;
use crate::flags::CpuFlags;
use crate::names;
use crate::render::{Exit, Output};
use serde_json::json;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use vmlock_spec::catalogue::{
    CpuModel, Kind, NEVER_FORGOTTEN, REGISTERS, RegisterInfo, Rule, field, register_by_name,
    selectors,
};
use vmlock_spec::lock::reset;
use vmlock_spec::plan::not_offered;
use vmlock_spec::reason;
use vmlock_spec::report::{HostReport, Reading, View};
use vmlock_spec::smccc;
use vmlock_spec::vm::Feature;

/// Writes the model.
pub fn run(flags: &CpuFlags, out: &mut Output) {
    if let Some(unfit) = names::unfit_name(&flags.name) {
        return out.fail(Exit::Usage, unfit);
    }
    let shown = flags.report.display().to_string();
    let report = match read_report(&flags.report) {
        Ok(report) => report,
        Err(diagnostic) => return out.fail(Exit::Environment, diagnostic),
    };
    let made = match &report.imported {
        // What it does not tell is unknown in the model, as in one of the file that it was made of.
        Some(imported) => import::of_report(imported, &shown)
            .map(|part| part.model(&flags.name).kdl)
            .map_err(|problem| (Exit::Refused, *problem)),
        None => model(&report, &flags.name).map_err(|unfit| {
            let (exit, diagnostic) = unfit.said();
            (exit, diagnostic.in_file(&shown))
        }),
    };
    let text = match made {
        Ok(text) => text,
        Err((exit, problem)) => return out.fail(exit, problem),
    };
    match &flags.output {
        None => out.lines(text.lines()),
        Some(path) => {
            let shown = path.display().to_string();
            if let Err(error) = vmlock_atomic::replace(path, &text) {
                return out.fail(Exit::Environment, unwritable(&shown, &error));
            }
            out.line(format!(
                "{shown}: written; in a description: import \"{shown}\""
            ));
        }
    }
    out.value("model", json!({ "name": flags.name, "kdl": text }));
}

/// Why no model can be made of a report.
pub enum Unfit {
    /// What it lacks, in words.
    Incomplete(String),
    /// Registers that vCPUs of one guest read differently: there is no one CPU to make a model of.
    Apart(BTreeSet<String>),
    /// Why no guest could run on the host that would have looked.
    NoGuest(Box<Diagnostic>),
}

impl Unfit {
    /// As exit code and diagnostic.
    pub fn said(self) -> (Exit, Diagnostic) {
        match self {
            Unfit::Incomplete(words) => {
                let help = "make the report again with `vmlock-run probe`";
                let words = format!("no CPU model comes of this report: {words}");
                let diagnostic = Diagnostic::error("report::incomplete", words);
                (Exit::Environment, diagnostic.help(help))
            }
            Unfit::Apart(names) => {
                let names: Vec<String> = names.into_iter().collect();
                let words = format!(
                    "two vCPUs of one guest on this host read different values of {}: its CPUs are not of one kind",
                    join(&names)
                );
                let help = "let the runner run on CPUs of one kind only (`taskset --cpu-list …`), and make the report again there";
                let diagnostic = Diagnostic::error(reason::VCPUS_DISAGREE, words);
                (Exit::Refused, diagnostic.help(help))
            }
            Unfit::NoGuest(diagnostic) => (Exit::Refused, *diagnostic),
        }
    }
}

/// What KVM's own registers say, or else what a guest read.
fn value(view: &View, register: &RegisterInfo) -> Option<u64> {
    // What a guest saw counts: KVM's copy of a register can differ from it.
    let inside = view.seen(&register.name).value();
    inside.or_else(|| view.register(register.id).and_then(|r| r.value))
}

/// Whether a view says nothing of a register: neither KVM, nor a guest, which would tell as well that there is none.
fn is_untold(view: &View, register: &RegisterInfo) -> bool {
    let listed = view.register(register.id).and_then(|r| r.value);
    listed.is_none() && matches!(view.seen(&register.name), Reading::Unseen)
}

/// What a model says and two vCPUs of a guest in one of these views read differently.
fn apart(views: [&View; 2]) -> BTreeSet<String> {
    let name = |register: &RegisterInfo| match register.kind {
        Kind::Firmware => question(&register.name),
        _ => register.name.to_string(),
    };
    let differs = |name: &String| {
        let mut readings = views.iter().map(|view| view.seen(name));
        readings.any(|reading| matches!(reading, Reading::Apart(_)))
    };
    let said = REGISTERS
        .iter()
        .filter(|r| r.kind != Kind::State || r.name == reset::ACTLR)
        .filter(|r| r.name != "MPIDR_EL1");
    said.map(name).filter(differs).collect()
}

/// That the host has no guest with these features, in the planner's words.
pub fn without(features: &[Feature], report: &HostReport) -> Diagnostic {
    let refusals = not_offered(features, report);
    let reasons: Vec<&str> = refusals.iter().map(|r| r.reason.as_str()).collect();
    let help: Vec<&str> = refusals
        .iter()
        .flat_map(|r| &r.help)
        .map(String::as_str)
        .collect();
    let code = refusals.first().map_or(reason::NO_FEATURE, |r| r.code);
    Diagnostic::error(code, reasons.join("\n")).help(help.join("\n"))
}

/// The file's text.
///
/// # Errors
/// Why there is none.
pub fn model(report: &HostReport, name: &str) -> Result<String, Unfit> {
    let incomplete = |words: &str| Unfit::Incomplete(words.to_owned());
    if report.gic.is_none() {
        return Err(Unfit::NoGuest(Box::new(without(&[], report))));
    }
    let base = report
        .view(&[])
        .ok_or_else(|| incomplete("it has no view of a guest without optional features"))?;
    // With optional features more can be read; the silicon is the same.
    let rich = report
        .views
        .iter()
        .max_by_key(|v| v.features.len())
        .unwrap_or(base);
    let apart = apart([base, rich]);
    if !apart.is_empty() {
        return Err(Unfit::Apart(apart));
    }
    let read = |register: &RegisterInfo| value(rich, register).or(value(base, register));
    const SOURCE: &str = "source=\"read on the host by vmlock-run probe\"";
    let emulated = emulated::emulated(read);
    let title = match emulated {
        Some(_) => "Captured from a report of an emulated host",
        None => "Captured from a host report",
    };
    let warned = emulated.map_or(String::new(), |why| {
        format!(
            "//\n// That host is an emulated one: {why}.\n// Real machines have other values, and keep a lock \
             of this model only where they can be made to show these.\n"
        )
    });
    let mut text = String::new();
    // Writing to a string cannot fail.
    let _ = write!(
        text,
        "// The CPU model `{name}`, made from a host report by `vmlock cpu`.\n\
         //\n\
         // A report knows what KVM lets a guest on that host find. Where KVM hides a feature of the\n\
         // silicon, or shows less of it, the model has the lesser value: it is right for guests on\n\
         // such hosts, and a baseline can never show more than it. That holds for the caches too: a\n\
         // kernel from 6.3 on makes them up. Registers were read in a guest that has every optional\n\
         // feature that the host offers: baselines hide what a guest does not ask for.\n\
         {warned}//\n\
         // In a description: import \"THIS-FILE\", and cpu \"{name}\" count=N.\n\
         cpu \"{name}\" {{\n    title \"{title}\"\n"
    );
    if !report.vector_lengths.is_empty() {
        let lengths: Vec<String> = report.vector_lengths.iter().map(u32::to_string).collect();
        let _ = writeln!(text, "    vector-lengths {} {SOURCE}", lengths.join(" "));
    }
    let mut caches = String::new();
    let clidr = register_by_name("CLIDR_EL1").and_then(read).unwrap_or(0);
    let named = selectors(clidr);
    let mut missing = Vec::new();
    for register in REGISTERS {
        let locked = matches!(
            register.kind,
            Kind::Id | Kind::Identification | Kind::Cache | Kind::Pmu
        ) || register.name == reset::ACTLR;
        if !locked || register.name == "MPIDR_EL1" {
            continue;
        }
        let said_in_any_case = NEVER_FORGOTTEN.contains(&register.name.as_ref());
        let untold =
            read(register).is_none() && [base, rich].iter().all(|v| is_untold(v, register));
        // Caches that CLIDR_EL1 does not name are UNKNOWN in any case.
        let named = register
            .csselr()
            .is_none_or(|selector| named.contains(&selector.into()));
        let needed = register.name == "MIDR_EL1" || register.name == "CTR_EL0";
        match (
            read(register),
            said_in_any_case || untold && named && !needed,
        ) {
            (None, true) => {
                let _ = writeln!(
                    text,
                    "    unknown \"{}\" source=\"the host report does not tell\"",
                    register.name
                );
            }
            (Some(0) | None, false) => {
                if needed {
                    missing.push(register.name.as_ref());
                }
            }
            (Some(value), _) => {
                // Run-time state within an identification register is no model's business.
                let free = register.fields.iter().filter(|f| f.rule == Rule::Free);
                let value = value & !free.fold(0, |mask, f| mask | f.mask());
                let _ = match register.csselr() {
                    Some(_) if !named => Ok(()),
                    Some(selector) => writeln!(caches, "    ccsidr {selector} {value:#x} {SOURCE}"),
                    None => {
                        let source = match (register.name.as_ref(), emulated) {
                            ("MIDR_EL1", Some(why)) => {
                                let host = CpuModel::EMULATED;
                                format!("source=\"{host}: {why}; read by vmlock-run probe\"")
                            }
                            _ => SOURCE.to_owned(),
                        };
                        writeln!(
                            text,
                            "    register \"{}\" {value:#x} {source}",
                            register.name
                        )
                    }
                };
            }
        }
    }
    text.push_str(&caches);
    if !missing.is_empty() {
        let words = format!("it does not say {}", missing.join(" and "));
        return Err(Unfit::Incomplete(words));
    }
    facts(base, &mut text, SOURCE)?;
    let unaffected = unaffected(base);
    if !unaffected.is_empty() {
        let _ = writeln!(text, "    unaffected {}", unaffected.join(" "));
    }
    if !unaffected.contains(&MELTDOWN) && !judges_meltdown(report) {
        let _ = writeln!(
            text,
            "    unknown \"unaffected:meltdown\" source=\"kernels before 5.11 show the register's own ID_AA64PFR0_EL1.CSV3, where 0 proves nothing\""
        );
    }
    text.push_str("}\n");
    Ok(text)
}

/// What silicon and firmware decide.
fn facts(view: &View, text: &mut String, source: &str) -> Result<(), Unfit> {
    // Zero would be a guess: a machine has any of the levels of a workaround.
    let lacks =
        |register: &RegisterInfo| Unfit::Incomplete(format!("it does not say {}", register.name));
    for register in REGISTERS {
        let workaround =
            register.id != smccc::PSCI_VERSION_REGISTER && register.id < smccc::STD_BMAP_REGISTER;
        let spelt = match register.kind {
            Kind::Timer | Kind::Gic => match (value(view, register), register.kind) {
                (None, _) => return Err(lacks(register)),
                // A frequency is read as a decimal number, a register as hex.
                (Some(value), Kind::Timer) => value.to_string(),
                (Some(value), _) => format!("{value:#x}"),
            },
            Kind::Firmware if workaround => {
                let listed = view.register(register.id).and_then(|r| r.value);
                // An older kernel has no register for it: the call's answer tells.
                let answer = view.seen(&question(&register.name)).value();
                let level =
                    listed.or_else(|| Some(smccc::workaround_level(register.id, Some(answer?))));
                level.ok_or_else(|| lacks(register))?.to_string()
            }
            _ => continue,
        };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "    fact \"{}\" {spelt} {source}", register.name);
    }
    Ok(())
}

/// What a guest asks to find out the level of a workaround's register.
fn question(register: &str) -> String {
    let call = register.strip_prefix("KVM_REG_ARM_").unwrap_or(register);
    format!("ARCH_FEATURES({call})")
}

/// The vulnerability's name, as a model spells it.
const MELTDOWN: &str = "\"meltdown\"";

/// Whether the report shows that its kernel judges by itself whether a CPU is open to Meltdown, and tells a guest in
/// ID_AA64PFR0_EL1.CSV3: from 5.11 on (arch/arm64/kvm/arm.c `set_default_spectre`). Before, a guest reads the
/// register's own field, which is 0 on CPUs that are older than the field and not open to it either. A report names no
/// kernel; but mainline hides ID_AA64DFR0_EL1.PMUVer from a guest without the PMU that another guest finds from 5.11 on
/// (arch/arm64/kvm/sys_regs.c `read_id_reg`), and has KVM_REG_ARM_STD_BMAP from 5.19 on.
fn judges_meltdown(report: &HostReport) -> bool {
    let counters = |features: &[Feature]| {
        let (register, field) = field("ID_AA64DFR0_EL1.PMUVer")?;
        Some(field.get(value(report.view(features)?, register)?))
    };
    let hidden = counters(&[]) == Some(0);
    let bitmap = |view: &View| view.register(smccc::STD_BMAP_REGISTER).is_some();
    hidden && counters(&[Feature::Pmu]).is_some_and(|v| v > 0) || report.views.iter().any(bitmap)
}

/// Vulnerabilities that the host's kernel says a guest does not have to care about
/// (ID_AA64PFR0_EL1.CSV2 and CSV3).
fn unaffected(view: &View) -> Vec<&'static str> {
    let shown = |path: &str| {
        let (register, field) = field(path)?;
        Some(field.get(value(view, register)?))
    };
    let mut list = Vec::new();
    if shown("ID_AA64PFR0_EL1.CSV3").is_some_and(|v| v > 0) {
        list.push(MELTDOWN);
    }
    if shown("ID_AA64PFR0_EL1.CSV2").is_some_and(|v| v > 0) {
        list.push("\"spectre-v2\"");
    }
    list
}
