//! What a portable witness saw under somebody's virtual machine monitor, by itself: the observed facts, and their
//! JSON form, which `vmlock observe` writes and `diff` and `audit` read.
//!
//! Deterministic: no time, no name of a host; facts sorted.

use super::{Incomplete, Sighting, fact_name, key_named, wire};
use crate::json;
use crate::lock::unique;
use crate::report::Seen;
use crate::vm::Arch;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

/// The version of the format that this program writes.
pub const OBSERVED_VERSION: u32 = 1;
/// Largest file that is read, in bytes; a console's log may hold much beside.
pub const SIZE_MAX: usize = 64 << 20;
/// Where an editor finds the JSON Schema.
const SCHEMA: &str = "urn:vmlock:schema:observed:v1";

/// The machine, as far as the witness had to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Machine {
    /// CPUs that its device tree has.
    pub cpus: u32,
    /// The exception level at which the first was entered: 1 or 2.
    pub entered_at: u32,
    /// Model and guest-physical address of the console.
    pub uart: String,
    /// The interrupt controller and the guest-physical address of its distributor.
    pub gic: String,
    /// How PSCI is called: `hvc`, `smc` or `none`.
    pub psci: String,
}

/// What a witness saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The witness's version.
    pub witness: String,
    /// What it had to know.
    pub machine: Machine,
    /// vCPUs that it was to look at.
    pub vcpus: u32,
    /// What was seen, sorted.
    pub sightings: Vec<Sighting>,
    /// Which vCPUs have not told all.
    pub incomplete: Vec<Incomplete>,
}

/// What a guest saw under somebody's VMM.
// Of `Account` in JSON.
#[derive(Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "Observed"))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Shape {
    /// Where an editor finds the JSON Schema of this file.
    #[serde(rename = "$schema")]
    schema: String,
    /// Version of this format.
    observed_version: u32,
    /// The instruction set.
    arch: Arch,
    /// The witness's version.
    witness: String,
    /// The machine, as far as the witness had to know it.
    machine: Machine,
    /// vCPUs that have not told all; absent where each has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    incomplete: Vec<Incomplete>,
    /// What was read from inside, by name, for each vCPU.
    #[serde(deserialize_with = "each_once")]
    guest: Vec<BTreeMap<String, Seen>>,
}

/// Of each vCPU no fact twice.
fn each_once<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<BTreeMap<String, Seen>>, D::Error> {
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Facts(#[serde(deserialize_with = "unique")] BTreeMap<String, Seen>);
    let all = Vec::<Facts>::deserialize(deserializer)?;
    Ok(all.into_iter().map(|Facts(facts)| facts).collect())
}

impl Serialize for Account {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut guest = vec![BTreeMap::new(); self.vcpus as usize];
        for sighting in &self.sightings {
            if let Some(facts) = guest.get_mut(sighting.vcpu as usize) {
                facts.insert(fact_name(sighting.key).into_owned(), sighting.seen);
            }
        }
        Shape {
            schema: SCHEMA.to_owned(),
            observed_version: OBSERVED_VERSION,
            arch: Arch::Arm64,
            witness: self.witness.clone(),
            machine: self.machine.clone(),
            incomplete: self.incomplete.clone(),
            guest,
        }
        .serialize(serializer)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Account {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        Shape::schema_name()
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Shape::json_schema(generator)
    }
}

/// Reads observed facts.
///
/// # Errors
/// What is wrong with them, in words.
pub fn parse(text: &str) -> Result<Account, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Head {
        observed_version: u32,
    }
    let head: Head =
        json::from_str(text).map_err(|e| format!("these are no observed facts: {e}"))?;
    if head.observed_version > OBSERVED_VERSION {
        return Err(format!(
            "observedVersion {} is newer than this program's {OBSERVED_VERSION}: use a newer vmlock",
            head.observed_version
        ));
    }
    let shape: Shape =
        json::from_str(text).map_err(|e| format!("these observed facts cannot be read: {e}"))?;
    let mut sightings = Vec::new();
    let vcpus = match u32::try_from(shape.guest.len()) {
        Ok(vcpus) if shape.guest.len() <= wire::MAX_VCPUS => vcpus,
        _ => return Err(format!("it has more than {} vCPUs", wire::MAX_VCPUS)),
    };
    for (vcpu, facts) in (0..).zip(shape.guest) {
        for (name, seen) in facts {
            let key = key_named(&name).ok_or_else(|| {
                format!(
                    "`{}` is nothing at which the witness looks",
                    name.escape_debug()
                )
            })?;
            sightings.push(Sighting { vcpu, key, seen });
        }
    }
    sightings.sort_unstable();
    let twice = |pair: &&[Sighting]| (pair[0].vcpu, pair[0].key) == (pair[1].vcpu, pair[1].key);
    if let Some(pair) = sightings.windows(2).find(twice) {
        return Err(format!("{} stands twice", fact_name(pair[0].key)));
    }
    Ok(Account {
        witness: shape.witness,
        machine: shape.machine,
        vcpus,
        sightings,
        incomplete: shape.incomplete,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half of a merge by hand: one of the two would be taken for what was seen.
    #[test]
    fn no_fact_stands_twice() {
        let text = |facts: &str| {
            format!(
                r#"{{"$schema": "", "observedVersion": 1, "arch": "arm64", "witness": "0.1.0",
                    "machine": {{"cpus": 1, "enteredAt": 1, "uart": "none", "gic": "none", "psci": "hvc"}},
                    "guest": [{{{facts}}}]}}"#
            )
        };
        let fact = r#""MIDR_EL1": "0x0000000000000001""#;
        assert_eq!(parse(&text(fact)).map(|a| a.sightings.len()), Ok(1));
        let twice = text(&format!(r#"{fact}, "MIDR_EL1": "0x0000000000000002""#));
        let words = parse(&twice).expect_err("one fact, twice");
        assert!(words.contains("duplicate key `MIDR_EL1`"), "{words}");
        let many = text("").replace("[{}]", &format!("[{}{{}}]", "{},".repeat(wire::MAX_VCPUS)));
        assert!(parse(&many).is_err_and(|words| words.contains("more than 512 vCPUs")));
    }
}
