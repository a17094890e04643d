//! Which kind of file it is, and what that says.

use super::machine::Said;
use super::{Found, Made, capabilities, cpuinfo, firecracker, libvirt, observed, qemu};
use crate::command::{read_observed, unreadable};
use crate::diagnostic::Diagnostic;
use crate::files;
use crate::location::Source;
use crate::render::Exit;
use serde::Deserialize;
use serde::de::IgnoredAny;
use std::path::Path;
use std::sync::Arc;
use vmlock_spec::json::from_str;
use vmlock_spec::observation::account;
use vmlock_spec::observation::wire::text::MARK;

/// What kind of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Firecracker,
    Observed,
    Cpuinfo,
    Qemu,
    Libvirt,
    /// A host report, which other commands read.
    Report,
}

/// Why nothing of a host is in a file that speaks of one.
const NO_GUEST: &str =
    "it says what programs of the host find, and not what a guest there was shown";
/// The same of a machine.
const NO_HOST: &str = "it describes a machine, and no host on which that runs";

/// How the run ends, and why.
pub type Failed = (Exit, Vec<Diagnostic>);

/// What a file says, with what its author says beside it.
pub fn read(path: &Path, said: &Said) -> Result<Found, Failed> {
    let environment = |problem| (Exit::Environment, vec![problem]);
    let shown = path.display().to_string();
    let bytes =
        files::read(path, account::SIZE_MAX).map_err(|e| environment(unreadable(path, &e)))?;
    let (kind, most) = match kind(&bytes) {
        Some(Kind::Observed) => (Kind::Observed, account::SIZE_MAX),
        Some(Kind::Cpuinfo) => (Kind::Cpuinfo, cpuinfo::SIZE_MAX),
        Some(Kind::Qemu) => (Kind::Qemu, qemu::SIZE_MAX),
        Some(Kind::Libvirt) => (Kind::Libvirt, libvirt::SIZE_MAX),
        Some(Kind::Firecracker) => (Kind::Firecracker, firecracker::SIZE_MAX),
        Some(Kind::Report) => {
            let words = format!("`{shown}` is a host report, and all of a CPU model comes of one");
            let help = "`vmlock cpu` makes it, and `vmlock adopt` a description with it";
            let problem = Diagnostic::error("foreign::unknown-kind", words).in_file(&shown);
            return Err(environment(problem.help(help)));
        }
        None => {
            let words =
                format!("`{shown}` is nothing of which a CPU model or a description could be made");
            let help = "known are templates, dumps and fingerprints of Firecracker's for aarch64, what a portable witness printed or `vmlock observe` wrote, /proc/cpuinfo of an arm64 machine, a command line of `qemu-system-aarch64`, and libvirt's XML of a domain or of a host's capabilities";
            let problem = Diagnostic::error("foreign::unknown-kind", words).in_file(&shown);
            return Err(environment(problem.help(help)));
        }
    };
    if bytes.len() > most {
        let words = format!("`{shown}` is larger than {} MiB", most >> 20);
        let problem = Diagnostic::error("foreign::invalid", words).in_file(&shown);
        return Err(environment(
            problem.help("none of that kind is so large: look at what is in it"),
        ));
    }
    if kind == Kind::Observed {
        let account = read_observed(path).map_err(environment)?;
        let found = observed::read(&account, &shown).map_err(|p| (Exit::Refused, vec![*p]))?;
        return Ok(Found {
            what: "what a portable witness saw",
            host: found.host,
            made: Made::Models(vec![(String::new(), found.partial)]),
            beside: found.beside,
        });
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        let words = format!("`{shown}` is not UTF-8 (offset {offset})");
        let problem = Diagnostic::error("foreign::invalid", words).in_file(&shown);
        environment(problem.help("take the file as the program wrote it"))
    })?;
    let source = Arc::new(Source { path: shown, text });
    let wrong = |problems| (Exit::Environment, problems);
    match kind {
        Kind::Cpuinfo => {
            let found = cpuinfo::read(&source).map_err(wrong)?;
            let about = |cpus: &cpuinfo::Cpus| {
                let count = match cpus.count {
                    1 => "1 CPU".to_owned(),
                    n => format!("{n} CPUs"),
                };
                format!(" ({count} with MIDR_EL1 {:#x})", cpus.midr)
            };
            let parts = found.kinds.into_iter();
            Ok(Found {
                what: "/proc/cpuinfo of an arm64 machine",
                host: Err(NO_GUEST),
                made: Made::Models(
                    parts
                        .map(|(cpus, partial)| (about(&cpus), partial))
                        .collect(),
                ),
                beside: found.beside,
            })
        }
        Kind::Qemu => {
            let unsaid = said.unsaid(&source, "a command line");
            if !unsaid.is_empty() && !said.to_report {
                return Err((Exit::Usage, unsaid));
            }
            let found = qemu::read(&source, said).map_err(wrong)?;
            Ok(Found {
                what: "a command line of QEMU's",
                host: Err(NO_HOST),
                made: Made::Machine(Box::new(found.spec), found.strays),
                beside: found.beside,
            })
        }
        Kind::Libvirt => {
            let (document, root) = libvirt::parse(&source).map_err(|p| environment(*p))?;
            if root == libvirt::Root::Capabilities {
                let found = capabilities::read(&source, &document).map_err(wrong)?;
                return Ok(Found {
                    what: "what libvirt says of a host",
                    host: Err(NO_GUEST),
                    made: Made::Models(vec![(String::new(), found.partial)]),
                    beside: found.beside,
                });
            }
            let unsaid = said.unsaid(&source, "a domain");
            if !unsaid.is_empty() && !said.to_report {
                return Err((Exit::Usage, unsaid));
            }
            let found = libvirt::domain(&source, &document, said).map_err(wrong)?;
            Ok(Found {
                what: "a domain of libvirt's",
                host: Err(NO_HOST),
                made: Made::Machine(Box::new(found.spec), found.strays),
                beside: found.beside,
            })
        }
        Kind::Firecracker | Kind::Observed | Kind::Report => {
            let found = firecracker::read(&source).map_err(wrong)?;
            Ok(Found {
                what: found.what,
                host: found.host,
                made: Made::Models(vec![(String::new(), found.partial)]),
                beside: found.beside,
            })
        }
    }
}

/// What kind of file it is, by what no other kind has; `None` where that is not known.
fn kind(bytes: &[u8]) -> Option<Kind> {
    /// Keys by which JSON tells what it is.
    #[derive(Deserialize)]
    struct Keys {
        #[serde(rename = "observedVersion")]
        observed: Option<IgnoredAny>,
        #[serde(rename = "reportVersion")]
        report: Option<IgnoredAny>,
        guest_cpu_config: Option<IgnoredAny>,
        reg_modifiers: Option<IgnoredAny>,
        vcpu_features: Option<IgnoredAny>,
    }
    let text = String::from_utf8_lossy(bytes);
    if text.trim_start().starts_with('{') {
        let Ok(keys) = from_str::<Keys>(&text) else {
            // Where it breaks off, its reader says.
            return text
                .contains("\"reg_modifiers\"")
                .then_some(Kind::Firecracker);
        };
        return match keys {
            Keys {
                observed: Some(_), ..
            } => Some(Kind::Observed),
            Keys {
                report: Some(_), ..
            } => Some(Kind::Report),
            Keys {
                guest_cpu_config: None,
                reg_modifiers: None,
                vcpu_features: None,
                ..
            } => None,
            _ => Some(Kind::Firecracker),
        };
    }
    if libvirt::is_one(&text) {
        return Some(Kind::Libvirt);
    }
    if cpuinfo::is_one(&text) {
        return Some(Kind::Cpuinfo);
    }
    if text.contains(MARK) {
        return Some(Kind::Observed);
    }
    qemu::is_one(&text).then_some(Kind::Qemu)
}
