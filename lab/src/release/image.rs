//! An image of containers as a layout of the Open Container Initiative (image-spec 1.1), in one archive, made without any
//! other program: `skopeo` and `podman` read it as `oci-archive:FILE`.

use super::archive::{Files, gunzip, gzip, tar, untar};
use super::debian::iso;
use crate::cache::hex;
use crate::failure::{Failure, Result};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

/// What an image says of itself.
#[derive(Debug)]
pub struct About<'a> {
    /// Its title.
    pub title: &'a str,
    /// Its version.
    pub version: &'a str,
    /// The commit that it is of.
    pub revision: &'a str,
    /// Under which terms, an SPDX expression.
    pub licenses: &'a str,
    /// What it runs.
    pub entrypoint: &'a str,
    /// When its source was committed, in seconds since 1970.
    pub time: u64,
}

/// An image for each architecture, by the name that the image-spec has of it, of these files.
pub fn image(about: &About, machines: &[(&str, &Files)]) -> Result<Vec<u8>> {
    let mut layout = Files::default();
    layout.put(
        "oci-layout",
        text(&json!({ "imageLayoutVersion": "1.0.0" })),
    );
    let mut manifests = Vec::new();
    for (architecture, files) in machines {
        let archive = tar(files, about.time)?;
        let unpacked = digest(&archive);
        let layer = blob(&mut layout, LAYER, gzip(&archive)?);
        let created = iso(about.time);
        let config = json!({
            "created": created,
            "architecture": architecture,
            "os": "linux",
            "config": {
                "Entrypoint": [about.entrypoint],
                // Where a folder of descriptions is mounted.
                "WorkingDir": "/work",
                "Labels": annotations(about),
            },
            "rootfs": { "type": "layers", "diff_ids": [unpacked] },
            "history": [{ "created": created, "created_by": "vmlock-lab release" }],
        });
        let config = blob(&mut layout, CONFIG, text(&config));
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": config,
            "layers": [layer],
            "annotations": annotations(about),
        });
        let mut manifest = blob(&mut layout, MANIFEST, text(&manifest));
        manifest["platform"] = json!({ "architecture": architecture, "os": "linux" });
        manifests.push(manifest);
    }
    let all = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests });
    let mut all = blob(&mut layout, INDEX, text(&all));
    all["annotations"] = json!({ "org.opencontainers.image.ref.name": reference(about) });
    let top = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [all] });
    layout.put("index.json", text(&top));
    tar(&layout, about.time)
}

/// By which name the archive knows it, and who loads it too. A tag has no tilde (distribution-spec 1.1, "Pulling manifests").
fn reference(about: &About) -> String {
    format!("{}:{}", about.title, about.version.replace('~', "-"))
}

fn annotations(about: &About) -> Value {
    json!({
        "org.opencontainers.image.title": about.title,
        "org.opencontainers.image.version": about.version,
        "org.opencontainers.image.revision": about.revision,
        "org.opencontainers.image.licenses": about.licenses,
        "org.opencontainers.image.created": iso(about.time),
    })
}

/// Puts content where its digest says, and describes it.
fn blob(layout: &mut Files, kind: &str, content: Vec<u8>) -> Value {
    let digest = digest(&content);
    let described = json!({ "mediaType": kind, "digest": digest, "size": content.len() });
    layout.put(format!("blobs/{}", digest.replace(':', "/")), content);
    described
}

fn digest(content: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(content)))
}

/// Keys are in one order: `serde_json` sorts them.
fn text(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// An image for one architecture.
#[derive(Debug)]
pub struct Machine {
    /// The name that the image-spec has of it.
    pub architecture: String,
    /// What it runs, with its first arguments.
    pub entrypoint: Vec<String>,
    /// In which folder.
    pub folder: String,
    /// What is in its layers.
    pub files: Files,
}

/// What an archive has an image of for each architecture, when it was read back as the image-spec says: each thing where its digest
/// says, of that digest and size and of the kind that is told; each layer of one archive with the digest that the
/// configuration has of it unpacked; and nothing beside.
pub fn read_back(archive: &[u8]) -> Result<Vec<Machine>> {
    let mut layout = untar(archive).map_err(|e| wrong(format!("it is no archive: {e}")))?;
    let version = taken(&mut layout, "oci-layout")?;
    let version = parsed(&version, "oci-layout")?;
    if version["imageLayoutVersion"] != "1.0.0" {
        return Err(wrong("oci-layout has another version than 1.0.0"));
    }
    let top = taken(&mut layout, "index.json")?;
    let top = parsed(&top, "index.json")?;
    let all = list(&top, "manifests")?;
    let [all] = all.as_slice() else {
        return Err(wrong("index.json names other than one image"));
    };
    let all = described(&mut layout, all, INDEX)?;
    let all = parsed(&all, "the index")?;
    let mut architectures = Vec::new();
    for entry in list(&all, "manifests")? {
        let manifest = described(&mut layout, &entry, MANIFEST)?;
        let manifest = parsed(&manifest, "a manifest")?;
        let config = described(&mut layout, &manifest["config"], CONFIG)?;
        let config = parsed(&config, "a configuration")?;
        let mut digests = Vec::new();
        let mut files = Files::default();
        for layer in list(&manifest, "layers")? {
            let layer = described(&mut layout, &layer, LAYER)?;
            let content = gunzip(&layer)
                .map_err(|e| wrong(format!("a layer is not compressed by gzip: {e}")))?;
            digests.push(Value::from(digest(&content)));
            let layer =
                untar(&content).map_err(|e| wrong(format!("a layer is no archive: {e}")))?;
            for (path, mode, content) in layer.iter() {
                files.add(path, mode, content);
            }
        }
        if config["rootfs"]["diff_ids"] != Value::from(digests) {
            return Err(wrong("the layers are not those of the configuration"));
        }
        let architecture = &config["architecture"];
        if config["os"] != "linux"
            || *architecture != entry["platform"]["architecture"]
            || entry["platform"]["os"] != "linux"
        {
            return Err(wrong("an image is of another platform than the index says"));
        }
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        architectures.push(Machine {
            architecture: word(architecture),
            entrypoint: list(&config["config"], "Entrypoint")?
                .iter()
                .map(word)
                .collect(),
            folder: word(&config["config"]["WorkingDir"]),
            files,
        });
    }
    match layout.iter().next() {
        Some((path, ..)) => Err(wrong(format!("nothing names {path}"))),
        None => Ok(architectures),
    }
}

/// What a descriptor describes, if it is that. It is taken out, so that what nothing names is left; no two of an image
/// that is made here describe one thing.
fn described(layout: &mut Files, descriptor: &Value, kind: &str) -> Result<Vec<u8>> {
    let told = descriptor["digest"].as_str().unwrap_or_default();
    if descriptor["mediaType"] != kind {
        return Err(wrong(format!("{told} is said to be no {kind}")));
    }
    let content = taken(layout, &format!("blobs/{}", told.replace(':', "/")))?;
    if descriptor["size"] != content.len() || digest(&content) != told {
        return Err(wrong(format!("{told} is of another size or digest")));
    }
    Ok(content)
}

fn taken(layout: &mut Files, path: &str) -> Result<Vec<u8>> {
    layout
        .take(path)
        .ok_or_else(|| wrong(format!("it has no {path}")))
}

fn parsed(content: &[u8], what: &str) -> Result<Value> {
    serde_json::from_slice(content).map_err(|e| wrong(format!("{what} is no JSON: {e}")))
}

fn list(of: &Value, name: &str) -> Result<Vec<Value>> {
    let all = of[name].as_array().filter(|all| !all.is_empty());
    all.cloned()
        .ok_or_else(|| wrong(format!("it has no {name}")))
}

fn wrong(what: impl std::fmt::Display) -> Failure {
    Failure::environment(format!("the image cannot be read back: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABOUT: About = About {
        title: "vmlock",
        version: "0.1.0~quick",
        revision: "00ff",
        licenses: "MIT",
        entrypoint: "/usr/bin/vmlock",
        time: 1_709_251_199,
    };

    fn made() -> Vec<u8> {
        let (mut one, mut other) = (Files::default(), Files::default());
        one.program("usr/bin/vmlock", "one");
        other.program("usr/bin/vmlock", "other");
        image(&ABOUT, &[("amd64", &one), ("arm64", &other)]).unwrap()
    }

    #[test]
    fn an_image_is_the_same_each_time_and_is_read_back() {
        let bytes = made();
        assert_eq!(bytes, made());
        let told = read_back(&bytes).unwrap();
        let wanted = [("amd64", "one"), ("arm64", "other")];
        assert_eq!(told.len(), wanted.len());
        for (told, (architecture, content)) in told.iter().zip(wanted) {
            assert_eq!(told.architecture, architecture);
            assert_eq!(told.entrypoint, [ABOUT.entrypoint]);
            assert_eq!(told.folder, "/work");
            let files: Vec<_> = told.files.iter().collect();
            assert_eq!(files, [("usr/bin/vmlock", 0o755, content.as_bytes())]);
        }
        let files = untar(&bytes).unwrap();
        let top = files
            .iter()
            .find(|(path, ..)| *path == "index.json")
            .unwrap()
            .2;
        let top: Value = serde_json::from_slice(top).unwrap();
        assert_eq!(
            top["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"],
            "vmlock:0.1.0-quick"
        );
    }

    #[test]
    fn what_was_changed_is_not_read_back() {
        let whole = untar(&made()).unwrap();
        let paths: Vec<&str> = whole.iter().map(|(path, ..)| path).collect();
        assert_eq!(paths.len(), 9, "{paths:?}");
        for path in paths {
            let mut without = whole.clone();
            let content = without.take(path).unwrap();
            let is_refused = |files: &Files| read_back(&tar(files, 0).unwrap()).is_err();
            assert!(is_refused(&without), "without {path}");
            let mut other = without;
            other.put(path, [&content[..], b" "].concat());
            // A space behind JSON changes nothing but a digest, which these two have not.
            let has_digest = path.starts_with("blobs/");
            assert_eq!(is_refused(&other), has_digest, "{path} with a space more");
        }
        let mut more = whole;
        more.put("blobs/sha256/00", "of nobody");
        assert!(read_back(&tar(&more, 0).unwrap()).is_err());
    }
}
