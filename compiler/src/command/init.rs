//! `vmlock init`: a first description, out of flags, a host report, and questions where somebody is there to answer.

use crate::command::{convert, read_tried, unwritable};
use crate::diagnostic::Diagnostic;
use crate::flags::InitFlags;
use crate::language::decode::size;
use crate::language::write;
use crate::render::{Exit, Output, plain};
use crate::shell;
use serde_json::json;
use std::io::{self, BufRead, IsTerminal as _, Write};
use std::path::Path;
use vmlock_spec::catalogue::Catalogue;
use vmlock_spec::common::{Nothing, common};
use vmlock_spec::names;
use vmlock_spec::resolve::{self, Target};
use vmlock_spec::vm::limits::VCPUS;
use vmlock_spec::vm::{Boot, Cpu, SetField, VmSpec};

/// What a machine has where nobody says otherwise.
const COUNT: u32 = 2;
const MEMORY: &str = "512MiB";

/// How often a question is asked before it is given up.
const TRIES: usize = 3;

/// Writes NAME.vm.kdl.
pub fn run(flags: &InitFlags, out: &mut Output) {
    let mut terminal = Terminal {
        from: io::stdin().lock(),
        to: io::stderr(),
    };
    let asks = io::stdin().is_terminal();
    let spec = match describe(flags, asks.then_some(&mut terminal)) {
        Ok(spec) => spec,
        Err((exit, finding)) => return out.fail(exit, *finding),
    };
    let found = problems(&spec);
    if !found.is_empty() {
        return out.findings(found);
    }
    let shown = format!("{}.vm.kdl", spec.name);
    let path = Path::new(&shown);
    // Two forms of one machine would make one lock, and what is there of a lock would be kept in the new one.
    let taken = ["kdl", "json", "lock.json"].map(|form| format!("{}.vm.{form}", spec.name));
    if let Some(taken) = taken.iter().find(|taken| Path::new(taken).exists()) {
        let words = format!("`{taken}` exists already; nothing was written");
        let finding = Diagnostic::error("io::exists", words).in_file(taken);
        return out.fail(
            Exit::Environment,
            finding.help("choose another name, or remove it"),
        );
    }
    let text = match write::write(&spec) {
        Ok(text) => text,
        Err(place) => {
            let words = format!("`{place}`: a size is a whole number of KiB");
            return out.fail(Exit::Usage, Diagnostic::error("usage::arguments", words));
        }
    };
    if convert::kdl(path, &text).as_ref() != Some(&spec) {
        let words = "these words cannot be said in a description as they are";
        let finding = Diagnostic::error("usage::arguments", words);
        return out.fail(Exit::Usage, finding.help("choose plainer ones"));
    }
    if let Err(error) = vmlock_atomic::replace(path, &text) {
        return out.fail(Exit::Environment, unwritable(&shown, &error));
    }
    out.line(format!("{shown}: written"));
    out.lines(text.lines().map(|line| format!("  {line}")));
    // With baselines of somebody's own, that host may not keep it.
    let held = match &flags.host {
        Some(host) => format!(" --for {}", shell::word(&host.display().to_string())),
        None => String::new(),
    };
    out.line(format!("next: vmlock lock {}{held}", shell::word(&shown)));
    out.value("file", json!({ "path": shown, "text": text }));
}

type Failed = (Exit, Box<Diagnostic>);

fn usage(words: impl Into<String>, help: impl Into<String>) -> Failed {
    let finding = Diagnostic::error("usage::arguments", words).help(help);
    (Exit::Usage, Box::new(finding))
}

/// The description that flags, report and answers make together.
fn describe<R: BufRead, W: Write>(
    flags: &InitFlags,
    mut terminal: Option<&mut Terminal<R, W>>,
) -> Result<VmSpec, Failed> {
    let catalogue = Catalogue::builtin();
    // Their order means nothing, and hosts have them in one.
    let mut features = flags.features.clone();
    features.sort();
    features.dedup();
    let answered = terminal.is_some();
    let mut cpu = Cpu::bare("", COUNT, &[], &[]);
    let mut abi = flags.abi.clone();
    let mut vary = Vec::new();
    if let Some(path) = &flags.host {
        let report = read_tried(path).map_err(|finding| (Exit::Environment, Box::new(finding)))?;
        let found = common(&[report], &catalogue, &features, flags.cpu.as_deref());
        let found = found.map_err(|nothing| unfit(&path.display().to_string(), &nothing))?;
        cpu.model = found.cpu;
        cpu.features = found.features;
        cpu.vector_lengths = found.vector_lengths;
        if abi.is_empty() {
            abi = found.abi;
            let set = found.set.into_iter().map(|f| SetField {
                field: f.field,
                value: f.value,
            });
            cpu.set = set.collect();
            vary = found.vary.into_iter().map(|f| f.field).collect();
        }
    } else {
        cpu.features = features;
        cpu.model = flags.cpu.clone().unwrap_or_default();
    }
    let mut ask =
        |question: &str, default: &str, flag: &str, check: &dyn Fn(&str) -> Option<String>| {
            match &mut terminal {
                Some(terminal) => terminal.ask(question, default, check),
                None if default.is_empty() => Err(usage(
                    format!("nobody is there to say {question}"),
                    format!("say it with {flag}"),
                )),
                None => Ok(default.to_owned()),
            }
        };
    let name = match &flags.name {
        // Whoever names the file means the machine.
        Some(name) => {
            let bare = name.strip_suffix(".vm.kdl");
            bare.unwrap_or(name).to_owned()
        }
        None => ask("the machine's name", "", "NAME", &|name| {
            (!resolve::is_name(name))
                .then(|| "1 to 63 ASCII letters, digits, `-`, `_` and `.`".to_owned())
        })?,
    };
    if abi.is_empty() {
        let newest = catalogue.releases().last().copied().unwrap_or_default();
        let default = if answered { newest } else { "" };
        let answer = ask(
            "what the guest was built for: baselines, as `kvm-6.8 psci-1.1`",
            default,
            "--abi or --host",
            &|text| {
                let unknown = text
                    .split_whitespace()
                    .find(|name| catalogue.newest(name).is_none())?;
                Some(names::baseline(unknown, &catalogue))
            },
        )?;
        abi = answer.split_whitespace().map(str::to_owned).collect();
    }
    if cpu.model.is_empty() {
        cpu.model = ask(
            "the CPU model, as `neoverse-n1`",
            "",
            "--cpu or --host",
            &|name| {
                catalogue
                    .cpu(name)
                    .is_none()
                    .then(|| names::cpu(name, &catalogue))
            },
        )?;
    }
    cpu.count = match flags.count {
        Some(count) => count,
        None => {
            let count = |text: &str| {
                text.parse()
                    .ok()
                    .filter(|count| VCPUS.contains(&u64::from(*count)))
            };
            let answer = ask("how many vCPUs", &COUNT.to_string(), "--count", &|text| {
                count(text)
                    .is_none()
                    .then(|| format!("{} to {}", VCPUS.start(), VCPUS.end()))
            })?;
            count(&answer).unwrap_or(COUNT)
        }
    };
    let wrong = |text: &str| {
        size(text)
            .err()
            .map(|help| help.unwrap_or_else(|| "memory is 64MiB to 255TiB".to_owned()))
    };
    let memory = match &flags.memory {
        Some(memory) => memory.clone(),
        None => ask("how much memory", MEMORY, "--memory", &wrong)?,
    };
    let memory = size(&memory).map_err(|_| {
        usage(
            format!("`{memory}` is not a size"),
            wrong(&memory).unwrap_or_default(),
        )
    })?;
    let mut spec = VmSpec::bare(&name, &[], cpu, memory);
    spec.abi = abi;
    spec.vary = vary;
    spec.boot = flags.kernel.as_ref().map(|kernel| Boot {
        kernel: kernel.clone(),
        initrd: flags.initrd.clone(),
        cmdline: flags.cmdline.clone().unwrap_or_default(),
        ..Boot::default()
    });
    Ok(spec)
}

/// Why no description comes of a host.
fn unfit(shown: &str, nothing: &Nothing) -> Failed {
    let finding = match nothing {
        Nothing::UnknownCpu => Diagnostic::error(
            "common::unknown-cpu",
            format!("the CPU of `{shown}` is no model of the catalogue"),
        )
        .help(format!(
            "`vmlock adopt {} --name NAME` makes a description with a model of your own",
            shell::word(shown)
        )),
        Nothing::Impossible(refusals) => {
            let words = format!("`{shown}` keeps no lock of a catalogue's baseline");
            let details = refusals
                .iter()
                .map(|(_, r)| format!("{}: {}", r.name, r.reason));
            details
                .fold(
                    Diagnostic::error("common::impossible", words),
                    Diagnostic::detail,
                )
                .help(format!(
                    "`vmlock adopt {} --name NAME` pins it as it is",
                    shell::word(shown)
                ))
        }
    };
    (Exit::Refused, Box::new(finding))
}

/// What makes no lock of it, whatever files there are: nothing is written that has to be mended at once.
fn problems(spec: &VmSpec) -> Vec<Diagnostic> {
    let target = Target::NEWEST;
    let mut found = resolve::problems(spec, target.version(spec));
    if found.is_empty() {
        found = resolve::resolve(spec, &Catalogue::builtin(), &target)
            .err()
            .unwrap_or_default();
    }
    let errors = found
        .into_iter()
        .filter(|c| c.severity == resolve::Severity::Error);
    errors
        .map(|complaint| {
            let finding = Diagnostic::error(complaint.code, complaint.message);
            complaint.help.into_iter().fold(finding, Diagnostic::help)
        })
        .collect()
}

/// Somebody who answers.
struct Terminal<R, W> {
    from: R,
    to: W,
}

impl<R: BufRead, W: Write> Terminal<R, W> {
    /// Asks until the answer will do; an empty one is the default. `check` says what is wrong with one.
    fn ask(
        &mut self,
        question: &str,
        default: &str,
        check: &dyn Fn(&str) -> Option<String>,
    ) -> Result<String, Failed> {
        for _ in 0..TRIES {
            let hint = match default {
                "" => String::new(),
                default => format!(" [{default}]"),
            };
            let mut line = String::new();
            write!(self.to, "{question}{hint}: ")
                .and_then(|()| self.to.flush())
                .and_then(|()| self.from.read_line(&mut line))
                .map_err(|error| {
                    usage(
                        format!("no answer can be read: {error}"),
                        "`vmlock init --help` has a flag for each",
                    )
                })?;
            if line.is_empty() {
                return Err(usage(
                    format!("nobody said {question}"),
                    "`vmlock init --help` has a flag for each",
                ));
            }
            let answer = match line.trim() {
                "" => default,
                answer => answer,
            };
            match check(answer) {
                None => return Ok(answer.to_owned()),
                // Where it cannot be told, the question comes again.
                Some(help) => drop(self.to.write_all(plain(&help).as_bytes())),
            }
        }
        Err(usage(
            format!("{TRIES} answers to {question} would not do"),
            "`vmlock explain` lists all names",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flags() -> InitFlags {
        InitFlags {
            name: None,
            host: None,
            abi: Vec::new(),
            cpu: None,
            features: Vec::new(),
            count: None,
            memory: None,
            kernel: None,
            initrd: None,
            cmdline: None,
        }
    }

    /// What becomes of answers, and all that was asked.
    fn answered(flags: &InitFlags, answers: &str) -> (Result<VmSpec, Failed>, String) {
        let mut terminal = Terminal {
            from: answers.as_bytes(),
            to: Vec::new(),
        };
        let spec = describe(flags, Some(&mut terminal));
        (spec, String::from_utf8(terminal.to).unwrap())
    }

    #[test]
    fn questions_make_a_description() {
        let answers = "a b\nweb\nkvm-6.8 psci-1.1\nneoverse-n11\nneoverse-n1\n\n2G\n2GiB\n";
        let (spec, said) = answered(&flags(), answers);
        let spec = spec.map_err(|(_, finding)| finding).unwrap();
        assert_eq!(
            (spec.name.as_str(), spec.cpu.model.as_str()),
            ("web", "neoverse-n1")
        );
        assert_eq!(
            (spec.abi.len(), spec.cpu.count, spec.memory),
            (2, 2, 2 << 30)
        );
        assert!(
            said.contains("ASCII letters") && said.contains("write `2GiB`"),
            "{said}"
        );
        assert!(
            said.contains("neoverse-n1`?") && said.contains("[512MiB]"),
            "{said}"
        );
    }

    #[test]
    fn what_was_said_is_not_asked_and_nothing_is_asked_for_ever() {
        let mut flags = flags();
        flags.name = Some("web".to_owned());
        flags.abi = vec!["kvm-6.8".to_owned()];
        let (spec, said) = answered(&flags, "neoverse-n1\n4\n\n");
        assert_eq!(spec.map(|spec| spec.cpu.count).ok(), Some(4));
        assert!(
            !said.contains("name") && !said.contains("baselines"),
            "{said}"
        );
        for answers in ["", "x\ny\nz\nneoverse-n1\n"] {
            let (spec, _) = answered(&flags, answers);
            assert_eq!(
                spec.map_err(|(exit, _)| exit).err(),
                Some(Exit::Usage),
                "{answers:?}"
            );
        }
    }
}
