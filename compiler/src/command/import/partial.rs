//! A CPU model of which a part is known, as a file that a description imports.
//!
//! A register that such a file does not name would read as zero, which nobody has seen: so that each one that a lock
//! could promise stands there, with its value or as `unknown`. No lock comes of what is unknown.

use crate::emulated;
use crate::language::write::quoted;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use vmlock_spec::catalogue::passed::Passed;
use vmlock_spec::catalogue::{
    Catalogue, CpuModel, Field, Kind, REGISTERS, RegisterInfo, Rule, register_by_name,
};
use vmlock_spec::lock::reset;
use vmlock_spec::smccc;

/// Columns of a line of names.
const WIDTH: usize = 110;

/// Fields of ID_AA64PFR0_EL1 that prove to a guest that a CPU does not have a vulnerability. That they are zero proves
/// nothing: kernels before 5.11 show the register's own CSV3, and a VMM can hide both.
const PROVEN: [(&str, &str); 2] = [("CSV3", "meltdown"), ("CSV2", "spectre-v2")];

/// What is known of one register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its value in the bits that are known.
    pub value: u64,
    /// The bits that are known.
    pub bits: u64,
    /// Where that was read.
    pub source: String,
}

/// What is known of a CPU, and why the rest is not.
#[derive(Clone, Debug, Default)]
pub struct Partial {
    /// One line for lists.
    pub title: String,
    /// What a reader of the file has to know, a comment line each.
    pub about: Vec<String>,
    /// By the register's name.
    pub registers: BTreeMap<&'static str, Known>,
    /// Why all else is unknown.
    pub why: String,
    /// Why these are, by the register's name.
    pub because: BTreeMap<&'static str, String>,
    /// Vulnerabilities that it is known not to have; of the others of [`PROVEN`] nobody knows.
    pub unaffected: Vec<&'static str>,
}

/// A model as a file, and what it does not know.
pub struct Model {
    /// The `cpu` block.
    pub kdl: String,
    /// Registers and fields that are unknown, and `unaffected:NAME` where it is whether it has a vulnerability.
    pub unknown: Vec<String>,
    /// How many registers have a value.
    pub known: usize,
}

/// The word by which a model says a register.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word {
    Register,
    /// A CCSIDR_EL1, by its selector.
    Cache(u8),
    Fact,
}

/// How a model says a register; `None` where it is no model's business.
fn word(register: &RegisterInfo) -> Option<Word> {
    match register.kind {
        _ if register.name == "MPIDR_EL1" => None,
        Kind::Id | Kind::Identification | Kind::Cache | Kind::Pmu => {
            Some(register.csselr().map_or(Word::Register, Word::Cache))
        }
        Kind::State if register.name == reset::ACTLR => Some(Word::Register),
        Kind::Timer | Kind::Gic => Some(Word::Fact),
        Kind::Firmware => is_workaround(register).then_some(Word::Fact),
        Kind::State | Kind::Debug => None,
    }
}

/// Whether a firmware register says what is known of a mitigation, and not which calls a kernel has.
fn is_workaround(register: &RegisterInfo) -> bool {
    register.id != smccc::PSCI_VERSION_REGISTER && register.id < smccc::STD_BMAP_REGISTER
}

/// Whether a model says that register.
pub fn is_said(register: &RegisterInfo) -> bool {
    word(register).is_some()
}

/// Fields that a lock promises.
fn fields(register: &RegisterInfo) -> impl Iterator<Item = &Field> {
    register.fields.iter().filter(|f| f.rule != Rule::Free)
}

/// The bits in which a guest was shown what may not be the silicon's: fields that read as "not implemented", and that
/// some kernel shows so whatever the silicon has; and those with a value that some kernel makes up.
fn untold(register: &RegisterInfo, value: u64, passed: &Passed) -> u64 {
    let untold = |field: &&Field| {
        let shown = field.get(value);
        let none = shown == 0 || shown == field.none();
        none && !passed.is_passed_on(register, &field.name)
            || passed.is_made_up(register, field, shown)
    };
    let untold = fields(register).filter(untold);
    untold.fold(0, |bits, field| bits | field.mask())
}

impl Partial {
    /// Takes over what a guest was shown. Where some kernel may have hidden something, or made it up, nothing is known;
    /// where the guest was shown something else, the silicon has that or more.
    pub fn shown(&mut self, values: &BTreeMap<&'static str, u64>, source: &str) {
        let catalogue = Catalogue::builtin();
        let aarch32 = values
            .get("ID_AA64PFR0_EL1")
            .zip(register_by_name("ID_AA64PFR0_EL1").and_then(|r| r.field("EL0")))
            .is_some_and(|(value, field)| field.get(*value) == 2);
        let passed = Passed::of(&catalogue, aarch32);
        for (name, value) in values {
            let Some(register) = register_by_name(name).filter(|r| is_said(r)) else {
                continue;
            };
            let bits = match register.kind {
                // Kernels leave some events out, and add others.
                Kind::Pmu if register.name.starts_with("PMCEID") => 0,
                // No kernel is known to pass on what has no field.
                Kind::Id if register.fields.is_empty() => 0,
                // Caches are shown as they are or made up as a whole, which the caller has to find out.
                Kind::Cache if register.name == "CLIDR_EL1" || register.csselr().is_some() => {
                    u64::MAX
                }
                Kind::Id | Kind::Pmu | Kind::Cache | Kind::Identification => {
                    !untold(register, *value, &passed)
                }
                _ => u64::MAX,
            };
            let known = Known {
                value: *value,
                bits,
                source: source.to_owned(),
            };
            self.registers.insert(name, known);
        }
        if let Some(why) = emulated::emulated(|info| values.get(info.name.as_ref()).copied()) {
            self.emulated(why);
        }
        let name = "ID_AA64PFR0_EL1";
        for (field, vulnerability) in PROVEN {
            let field = register_by_name(name).and_then(|r| r.field(field));
            let shown = values.get(name).zip(field);
            if shown.is_some_and(|(value, field)| field.get(*value) > 0) {
                self.unaffected.push(vulnerability);
            }
        }
    }

    /// Says that these values are no silicon's, as models of emulators say it: by the source of MIDR_EL1.
    pub fn emulated(&mut self, why: &str) {
        let host = CpuModel::EMULATED;
        if let Some(midr) = self.registers.get_mut("MIDR_EL1")
            && !midr.source.starts_with(host)
        {
            midr.source = format!("{host}: {why}; {}", midr.source);
            self.title += ", on an emulated host";
            let more = [
                String::new(),
                format!("That host is an emulated one: {why}."),
                "Real machines have other values, and keep a lock of them only where they can be made to show these."
                    .to_owned(),
            ];
            self.about.extend(more);
        }
    }

    /// The `cpu` block of that name.
    pub fn model(&self, name: &str) -> Model {
        let mut unknown: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let (mut body, mut facts, mut known) = (String::new(), String::new(), 0);
        for register in REGISTERS {
            let Some(word) = word(register) else { continue };
            let (value, open) = self.of(register);
            let why = self.because.get(register.name.as_ref());
            let why = why.unwrap_or(&self.why);
            unknown.entry(why).or_default().extend(open);
            let Some((value, source)) = value else {
                continue;
            };
            known += 1;
            let source = quoted(source);
            // Writing to a string cannot fail.
            let _ = match word {
                Word::Register => writeln!(
                    body,
                    "    register \"{}\" {value:#x} source={source}",
                    register.name
                ),
                Word::Cache(selector) => {
                    writeln!(facts, "    ccsidr {selector} {value:#x} source={source}")
                }
                // A frequency and a level are read as decimal numbers.
                Word::Fact if register.kind == Kind::Gic => writeln!(
                    facts,
                    "    fact \"{}\" {value:#x} source={source}",
                    register.name
                ),
                Word::Fact => writeln!(
                    facts,
                    "    fact \"{}\" {value} source={source}",
                    register.name
                ),
            };
        }
        let mut kdl = String::new();
        for line in &self.about {
            let _ = writeln!(kdl, "{}", format!("// {line}").trim_end());
        }
        let _ = writeln!(
            kdl,
            "cpu {} {{\n    title {}",
            quoted(name),
            quoted(&self.title)
        );
        kdl.push_str(&body);
        kdl.push_str(&facts);
        if !self.unaffected.is_empty() {
            let names: Vec<String> = self.unaffected.iter().map(|u| quoted(u)).collect();
            let _ = writeln!(kdl, "    unaffected {}", names.join(" "));
        }
        for (_, vulnerability) in PROVEN {
            if !self.unaffected.contains(&vulnerability) {
                let path = format!("unaffected:{vulnerability}");
                unknown.entry(&self.why).or_default().push(path);
            }
        }
        unknown.retain(|_, paths| !paths.is_empty());
        for paths in unknown.values_mut() {
            // What there may be many of comes last.
            paths.sort_by_key(|path| path.starts_with("CCSIDR_EL1"));
        }
        for (why, paths) in &unknown {
            list(paths, why, &mut kdl);
        }
        kdl.push_str("}\n");
        Model {
            kdl,
            unknown: unknown.into_values().flatten().collect(),
            known,
        }
    }

    /// What is known of a register, with its source, and the paths of what is not.
    fn of(&self, register: &RegisterInfo) -> (Option<(u64, &str)>, Vec<String>) {
        let whole = vec![register.name.to_string()];
        let Some(known) = self.registers.get(register.name.as_ref()) else {
            return (None, whole);
        };
        let promised = register.promised();
        let open: Vec<&Field> = fields(register)
            .filter(|field| field.mask() & !known.bits != 0)
            .collect();
        let named = fields(register).fold(0, |bits, field| bits | field.mask());
        // Of an ID register what has no name is reserved, and zero.
        let rest = match register.kind {
            Kind::Id if !register.fields.is_empty() => 0,
            _ => promised & !named,
        };
        let nothing = !open.is_empty() && open.len() == fields(register).count();
        // A fact, and a cache, is known whole or not at all.
        let by_fields = word(register) == Some(Word::Register);
        if nothing || rest & !known.bits != 0 || !open.is_empty() && !by_fields {
            return (None, whole);
        }
        let unknown = open.iter().fold(0, |bits, field| bits | field.mask());
        let value = known.value & known.bits & promised & !unknown;
        let path = |field: &&Field| format!("{}.{}", register.name, field.name);
        (
            Some((value, known.source.as_str())),
            open.iter().map(path).collect(),
        )
    }
}

/// `unknown` with as many names to a line as there is room for.
fn list(paths: &[String], why: &str, text: &mut String) {
    let mut line = "    unknown".to_owned();
    for path in paths {
        if line.len() + path.len() + 3 > WIDTH {
            text.push_str(&line);
            text.push_str(" \\\n");
            line = "       ".to_owned();
        }
        let _ = write!(line, " \"{path}\"");
    }
    let _ = writeln!(text, "{line} \\\n        source={}", quoted(why));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;

    /// The model as a description would import it.
    fn read(partial: &Partial) -> (Catalogue, Model) {
        let model = partial.model("own");
        let mut catalogue = Catalogue::builtin();
        baseline::add(&mut catalogue, &model.kdl, "own.kdl")
            .unwrap_or_else(|problem| panic!("{problem:?}\n{}", model.kdl));
        (catalogue, model)
    }

    fn partial() -> Partial {
        Partial {
            title: "a test".to_owned(),
            about: vec!["A test.".to_owned()],
            why: "nobody looked".to_owned(),
            ..Partial::default()
        }
    }

    #[test]
    fn what_nobody_says_is_unknown_and_never_zero() {
        let (catalogue, model) = read(&partial());
        let cpu = catalogue.cpu("own").expect("the model");
        let mut count = 0;
        for register in REGISTERS.iter().filter(|r| is_said(r)) {
            let silicon = cpu.silicon(register);
            assert_eq!(
                silicon.unknown & register.promised(),
                register.promised(),
                "{}",
                register.name
            );
            count += 1;
        }
        assert_eq!(
            (count + PROVEN.len(), model.known),
            (model.unknown.len(), 0)
        );
        for (_, vulnerability) in PROVEN {
            let path = format!("unaffected:{vulnerability}");
            assert!(cpu.unknown.iter().any(|u| u.path == path), "{path}");
        }
        assert!(count > 70, "only {count} registers");
    }

    #[test]
    fn what_a_guest_was_not_shown_is_known_where_no_kernel_hides_it() {
        let mut partial = partial();
        let values = [
            ("ID_AA64ISAR0_EL1", 0x0000_1000_1021_1120),
            ("ID_AA64PFR1_EL1", 0x20),
            ("ID_AA64PFR0_EL1", 0x1100_0000_1111_1112),
            ("PMCR_EL0", 0x3000),
            ("PMCEID0_EL0", 0x4002_0001),
            ("CTR_EL0", 0xb444_c004),
            ("MIDR_EL1", 0x413f_d0c1),
        ];
        partial.shown(&BTreeMap::from(values), "a guest");
        let (catalogue, _) = read(&partial);
        let cpu = catalogue.cpu("own").expect("the model");
        let has = |path: &str| {
            let (register, field) = vmlock_spec::catalogue::field(path).expect(path);
            cpu.silicon(register).get(field)
        };
        for (path, known) in [
            ("ID_AA64ISAR0_EL1.AES", Some(2)),
            ("ID_AA64ISAR0_EL1.SM4", Some(0)),
            ("ID_AA64PFR1_EL1.SSBS", Some(2)),
            ("ID_AA64PFR1_EL1.MTE", None),
            ("ID_AA64PFR1_EL1.SME", None),
            ("ID_AA64PFR0_EL1.SVE", None),
            ("ID_AA64PFR0_EL1.FP", Some(1)),
            // Some kernels show that of every CPU that needs no mitigation.
            ("ID_AA64PFR0_EL1.CSV3", None),
            ("PMCR_EL0.N", Some(6)),
            ("PMCR_EL0.IMP", None),
            ("MIDR_EL1.Revision", Some(1)),
            ("CTR_EL0.DIC", Some(1)),
            ("CTR_EL0.IDC", None),
        ] {
            assert_eq!(has(path), known, "{path}");
        }
        let events = register_by_name("PMCEID0_EL0").expect("a register");
        assert_eq!(cpu.silicon(events).unknown, u64::MAX);
        assert_eq!(cpu.unaffected.as_ref(), ["meltdown", "spectre-v2"]);
    }

    #[test]
    fn a_bit_that_is_left_open_makes_its_field_unknown() {
        let mut partial = partial();
        let known = |value, bits| Known {
            value,
            bits,
            source: "a template".to_owned(),
        };
        let isar0 = known(0x20, !0x10);
        partial.registers.insert("ID_AA64ISAR0_EL1", isar0);
        // Of a fact a part is nothing.
        partial
            .registers
            .insert("CNTFRQ_EL0", known(25_000_000, !1));
        partial.registers.insert("CCSIDR_EL1[0]", known(0x1a, !1));
        let (catalogue, _) = read(&partial);
        let cpu = catalogue.cpu("own").expect("the model");
        let silicon = |name| cpu.silicon(register_by_name(name).expect(name));
        assert_eq!(silicon("ID_AA64ISAR0_EL1").unknown, 0xf0);
        assert_eq!(silicon("ID_AA64ISAR0_EL1").value, 0);
        for name in ["CNTFRQ_EL0", "CCSIDR_EL1[0]"] {
            assert_eq!(silicon(name).unknown, u64::MAX, "{name}");
        }
    }
}
