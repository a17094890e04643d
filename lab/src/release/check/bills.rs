//! The bills of materials of a release, held against what CycloneDX 1.5 requires of one (cyclonedx.org, the JSON reference of
//! 1.5) and against the programs that they are of.

use super::programs::{Programs, machine};
use super::typed::program;
use crate::cache;
use crate::release::archive::Files;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;

/// How a bill's name ends.
const END: &str = ".cdx.json";

/// What is wrong with the bills among these files, of these programs.
pub fn problems(files: &Files, programs: &Programs) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, _, content) in files.iter() {
        let Some(machine) = machine(name, END, '-') else {
            continue;
        };
        let own = program(name);
        let program = programs.get(&(own.to_owned(), machine.to_owned()));
        let digest = program.map(|program| cache::hex(&Sha256::digest(program)));
        let found = match serde_json::from_slice(content) {
            Ok(bill) => of_bill(&bill, own, digest.as_deref()),
            Err(e) => vec![format!("it is no JSON: {e}")],
        };
        problems.extend(found.into_iter().map(|what| format!("{name}: {what}")));
    }
    problems
}

/// What is wrong with a bill, which has to be of the program of that name and digest.
fn of_bill(bill: &Value, name: &str, digest: Option<&str>) -> Vec<String> {
    let mut problems = Vec::new();
    for (field, wanted) in [
        ("/bomFormat", "CycloneDX"),
        ("/specVersion", "1.5"),
        ("/metadata/component/type", "application"),
        ("/metadata/component/name", name),
        ("/metadata/component/version", env!("CARGO_PKG_VERSION")),
    ] {
        if bill.pointer(field).and_then(Value::as_str) != Some(wanted) {
            problems.push(format!("{field} is not `{wanted}`"));
        }
    }
    if bill["version"].as_u64().unwrap_or_default() == 0 {
        problems.push("/version is no number from 1 on".to_owned());
    }
    match digest {
        None => problems.push("there is no program that it is of".to_owned()),
        Some(digest) if !hashes(&bill["metadata"]["component"]).any(|hash| hash == digest) => {
            problems.push("it has another digest than its program".to_owned());
        }
        Some(_) => {}
    }
    let list = |name: &str| bill[name].as_array().map_or(&[][..], Vec::as_slice);
    if list("components").is_empty() {
        problems.push("/components has nothing".to_owned());
    }
    let mut known = BTreeSet::new();
    for each in list("components")
        .iter()
        .chain([&bill["metadata"]["component"]])
    {
        let said = |field: &str| each[field].as_str().filter(|text| !text.is_empty());
        let called = said("name").unwrap_or("(a component without a name)");
        for field in ["type", "name", "version", "bom-ref"] {
            if said(field).is_none() {
                problems.push(format!("{called} has no {field}"));
            }
        }
        let expression = each.pointer("/licenses/0/expression");
        if expression.and_then(Value::as_str).is_none_or(str::is_empty) {
            problems.push(format!("{called} has no terms"));
        }
        if each.get("hashes").is_some() && hashes(each).count() == 0 {
            problems.push(format!("{called} has no SHA-256 among its hashes"));
        }
        if !known.insert(said("bom-ref").unwrap_or_default()) {
            problems.push(format!("{called} has the bom-ref of another component"));
        }
    }
    // Who depends on what is told of each, and of nothing else.
    let mut told = BTreeSet::new();
    for each in list("dependencies") {
        let needs = each["dependsOn"].as_array();
        let needs = needs.into_iter().flatten().chain([&each["ref"]]);
        for one in needs.map(|one| one.as_str().unwrap_or_default()) {
            if !known.contains(one) {
                problems.push(format!(
                    "/dependencies names `{one}`, which is no component"
                ));
            }
        }
        if !told.insert(each["ref"].as_str().unwrap_or_default()) {
            problems.push(format!("/dependencies has {} twice", each["ref"]));
        }
    }
    if list("dependencies").is_empty() {
        problems.push("/dependencies has nothing".to_owned());
    }
    problems
}

/// The SHA-256 digests of a component: 64 digits of base 16 each.
fn hashes(component: &Value) -> impl Iterator<Item = &str> {
    let list = component["hashes"].as_array();
    list.into_iter().flatten().filter_map(|hash| {
        let digest = hash["content"].as_str()?;
        let is_one = hash["alg"] == "SHA-256"
            && digest.len() == 64
            && digest.bytes().all(|digit| digit.is_ascii_hexdigit());
        is_one.then_some(digest)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cross;
    use crate::release::bill;
    use crate::release::crates;
    use crate::release::surroundings::Surroundings;
    use cyclonedx_bom::models::bom::{Bom, SpecVersion};
    use cyclonedx_bom::validation::Validate as _;
    use serde_json::json;
    use std::collections::BTreeMap;

    const DIGEST: &str = "00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff00ff";

    /// The compiler's own, of its crates today.
    fn real() -> Value {
        let root = cross::workspace().unwrap();
        let around = Surroundings::default();
        let crates = crates::within(&root, &around, "vmlock", "x86_64-unknown-linux-musl").unwrap();
        let own = crates.iter().find(|each| each.name == "vmlock").unwrap();
        let parts = [bill::part()];
        bill::bill(own, DIGEST, 1_709_251_199, &crates, &parts)
    }

    #[test]
    fn the_compilers_bill_is_one_by_the_rules_of_its_makers() {
        let bill = real();
        let told = Bom::parse_json_value(bill.clone()).unwrap();
        let told = told.validate_version(SpecVersion::V1_5);
        assert!(told.passed(), "{told:?}");
        assert!(of_bill(&bill, "vmlock", Some(DIGEST)).is_empty());
        // They do find what is wrong.
        let mut other = bill;
        other["components"][0]["licenses"] = json!([{ "expression": "no terms at all" }]);
        let told = Bom::parse_json_value(other).unwrap();
        assert!(!told.validate_version(SpecVersion::V1_5).passed());
    }

    #[test]
    fn what_a_bill_lacks_is_named() {
        let whole = real();
        for field in [
            "/bomFormat",
            "/specVersion",
            "/version",
            "/metadata",
            "/metadata/component/hashes/0/content",
            "/components",
            "/components/0/name",
            "/components/0/version",
            "/components/0/type",
            "/components/0/bom-ref",
            "/components/0/licenses",
            "/dependencies",
            "/dependencies/0/ref",
        ] {
            let mut bill = whole.clone();
            *bill.pointer_mut(field).unwrap() = Value::Null;
            assert!(
                !of_bill(&bill, "vmlock", Some(DIGEST)).is_empty(),
                "without {field}"
            );
        }
        assert!(!of_bill(&json!({}), "vmlock", Some(DIGEST)).is_empty());
        assert_eq!(of_bill(&whole, "vmlock", None).len(), 1);
        assert_eq!(of_bill(&whole, "vmlock-run", Some(DIGEST)).len(), 1);
        let other = DIGEST.replace('0', "1");
        assert_eq!(of_bill(&whole, "vmlock", Some(&other)).len(), 1);
    }

    #[test]
    fn a_bill_is_held_against_the_program_of_its_name() {
        let mut files = Files::default();
        files.put("vmlock-0.1.0-linux-amd64.cdx.json", real().to_string());
        files.put("vmlock-0.1.0-linux-amd64.tar.gz", "");
        let key = |machine: &str| ("vmlock".to_owned(), machine.to_owned());
        let told = |machine| problems(&files, &BTreeMap::from([(key(machine), b"x".to_vec())]));
        assert!(told("amd64")[0].ends_with("another digest than its program"));
        assert!(told("arm64")[0].ends_with("no program that it is of"));
        files.put("vmlock-0.1.0-linux-amd64.cdx.json", "{");
        assert!(problems(&files, &BTreeMap::new())[0].contains("no JSON"));
    }
}
