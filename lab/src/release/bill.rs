//! What a program is made of, as a bill of materials: CycloneDX 1.5, in JSON.

use super::crates::Crate;
use super::debian::iso;
use serde_json::{Value, json};

/// What is in a program beside crates.
#[derive(Debug, Clone)]
pub struct Part {
    /// Its name.
    pub name: &'static str,
    /// Its version, where it is known.
    pub version: String,
    /// Under which terms, an SPDX expression.
    pub license: &'static str,
    /// Which package its source is, where it is one.
    pub purl: Option<String>,
    /// The words of its terms.
    pub texts: Vec<String>,
}

/// The bill of a program, of which this is the SHA-256 and that the time of its source.
pub fn bill(program: &Crate, digest: &str, time: u64, crates: &[Crate], parts: &[Part]) -> Value {
    let mut own = component(
        "application",
        &program.name,
        &program.version,
        &program.license,
    );
    own["bom-ref"] = program.id().into();
    own["hashes"] = json!([{ "alg": "SHA-256", "content": digest }]);
    let mut components = Vec::new();
    let mut dependencies = Vec::new();
    for each in crates {
        let mut needs = each.needs.clone();
        if each.id() == program.id() {
            needs.extend(parts.iter().map(|part| part.name.to_owned()));
        } else {
            let mut one = component("library", &each.name, &each.version, &each.license);
            one["bom-ref"] = each.id().into();
            // What is of this checkout has no package that could be looked up.
            if let Some(checksum) = &each.checksum {
                one["purl"] = format!("pkg:cargo/{}@{}", each.name, purl(&each.version)).into();
                one["hashes"] = json!([{ "alg": "SHA-256", "content": checksum }]);
            }
            components.push(one);
        }
        dependencies.push(json!({ "ref": each.id(), "dependsOn": needs }));
    }
    for part in parts {
        let mut one = component("library", part.name, &part.version, part.license);
        one["bom-ref"] = part.name.into();
        if let Some(purl) = &part.purl {
            one["purl"] = purl.as_str().into();
        }
        components.push(one);
    }
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": { "timestamp": iso(time), "component": own },
        "components": components,
        "dependencies": dependencies,
    })
}

fn component(kind: &str, name: &str, version: &str, license: &str) -> Value {
    json!({
        "type": kind,
        "name": name,
        "version": version,
        "licenses": [{ "expression": license }],
    })
}

/// A version in a package's URL, in which a plus means a space.
fn purl(version: &str) -> String {
    version.replace('+', "%2B")
}

/// A part for tests.
#[cfg(test)]
pub fn part() -> Part {
    Part {
        name: "musl",
        version: "1.2.5".to_owned(),
        license: "MIT",
        purl: Some("pkg:deb/debian/musl@1.2.5".to_owned()),
        texts: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_stands_in_a_bill_with_terms_and_digest() {
        let one = |name: &str, checksum: Option<&str>, needs: &[&str]| Crate {
            name: name.to_owned(),
            version: "1.0.0+a".to_owned(),
            license: "MIT".to_owned(),
            checksum: checksum.map(str::to_owned),
            folder: "/somewhere".into(),
            needs: needs.iter().map(|&n| n.to_owned()).collect(),
        };
        let crates = [
            one("a", Some("00ff"), &[]),
            one("own", None, &["a@1.0.0+a"]),
        ];
        let parts = [part()];
        let bill = bill(&crates[1], "ff00", 0, &crates, &parts);
        let licenses = json!([{ "expression": "MIT" }]);
        assert_eq!(
            bill,
            json!({
                "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
                "bomFormat": "CycloneDX",
                "specVersion": "1.5",
                "version": 1,
                "metadata": {
                    "timestamp": "1970-01-01T00:00:00Z",
                    "component": {
                        "type": "application", "name": "own", "version": "1.0.0+a", "licenses": licenses,
                        "bom-ref": "own@1.0.0+a", "hashes": [{ "alg": "SHA-256", "content": "ff00" }],
                    },
                },
                "components": [
                    {
                        "type": "library", "name": "a", "version": "1.0.0+a", "licenses": licenses,
                        "bom-ref": "a@1.0.0+a", "purl": "pkg:cargo/a@1.0.0%2Ba",
                        "hashes": [{ "alg": "SHA-256", "content": "00ff" }],
                    },
                    { "type": "library", "name": "musl", "version": "1.2.5", "licenses": licenses, "bom-ref": "musl", "purl": "pkg:deb/debian/musl@1.2.5" },
                ],
                "dependencies": [
                    { "ref": "a@1.0.0+a", "dependsOn": [] },
                    { "ref": "own@1.0.0+a", "dependsOn": ["a@1.0.0+a", "musl"] },
                ],
            })
        );
    }
}
