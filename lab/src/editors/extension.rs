//! `vmlock-lab extension`: VS Code's extension for vmlock, packed as a `.vsix`. What is ours of it is in
//! `compiler/editors/vscode/`; the client for language servers comes from npm in the versions that are pinned there, and is
//! packed with it; the schemas are those that `vmlock schema` prints.

use super::{digits, install};
use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{Failure, OK, Result, tell};
use crate::tools;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Below the checkout: what is ours.
const FOLDER: &str = "compiler/editors/vscode";
/// Which packages it needs, with their digests.
const PINS: [&str; 2] = ["package.json", "package-lock.json"];
/// What is packed of ours.
const OURS: [&str; 5] = [
    "package.json",
    "README.md",
    "extension.js",
    "language-configuration.json",
    "syntaxes/vmlock.tmLanguage.json",
];
/// Under which terms, from the top of the checkout.
const LICENCES: [&str; 2] = ["LICENSE-APACHE", "LICENSE-MIT"];
/// What makes one file of many.
const PACK: &str = "lab/editors/pack.py";
/// What loads it.
const SCRIPT: &str = "lab/editors/extension.mjs";
/// Schemas that files name, by the words of `vmlock schema`.
const NAMED: [&str; 5] = ["lock", "lock-v2", "lock-v1", "host", "observed"];
/// That of descriptions, which are known by their files' names.
const SPEC: &str = "spec";
/// Where the file goes, in the folder of all that is built.
const PLACE: &str = "target/vmlock.vsix";

/// Packs it, and prints its SHA-256 and where it is.
pub fn run(cache: &Cache) -> Result<u8> {
    tools::ensure(&super::NEEDS)?;
    let root = cross::workspace()?;
    let Some(modules) = modules(cache, &root)? else {
        return Err(Failure::environment(
            "npm's packages cannot be fetched; its own words are above",
        ));
    };
    let compiler = cross::build_quickly("vmlock")?;
    let out = root.join(PLACE);
    cache::write(&out, &packed(cache, &root, &compiler, &modules)?)?;
    tell(format_args!("{}  {}", cache::digest(&out)?, out.display()))?;
    Ok(OK)
}

/// Packs it twice with those packages of npm's, unpacks it and loads it; what is wrong with it.
pub fn checked(cache: &Cache, root: &Path, compiler: &Path, modules: &Path) -> Result<Vec<String>> {
    let scratch = cache.scratch()?;
    let file = scratch.path().join("packed");
    let content = packed(cache, root, compiler, modules)?;
    cache::write(&file, &content)?;
    let mut problems = Vec::new();
    if content != packed(cache, root, compiler, modules)? {
        problems.push("the extension packed twice is two different files".to_owned());
    }
    let folder = scratch.path().join("unpacked");
    let mut python = Command::new("python3");
    let unpack = python.args(["-m", "zipfile", "-e"]).arg(&file).arg(&folder);
    if !tools::run(unpack, Some(super::LIMIT))?.success() {
        problems.push("Python does not unpack the extension".to_owned());
    }
    let path = scratch.path().join("said");
    let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let mut node = Command::new("node");
    let node = node.current_dir(root).arg(SCRIPT).arg(&folder).stdout(said);
    let status = tools::run(node, Some(super::LIMIT))?;
    problems.extend(tools::problems(SCRIPT, &cache::read(&path)?, status));
    Ok(problems)
}

/// The folder of npm's packages, which is filled once for each set of versions; nothing where they are not to be had here.
pub fn modules(cache: &Cache, root: &Path) -> Result<Option<PathBuf>> {
    let mut hash = Sha256::new();
    let mut pins = Vec::new();
    for name in PINS {
        let content = cache::read(&root.join(FOLDER).join(name))?;
        hash.update(&content);
        pins.push((name, content));
    }
    let place = cache.path(&format!("extension-{}", digits(hash)));
    let npm = (Path::new(super::NPM.0), super::NPM.1);
    Ok(install(cache, &place, &pins, &[npm])?.then(|| place.join("node_modules")))
}

/// All of it as one file.
fn packed(cache: &Cache, root: &Path, compiler: &Path, modules: &Path) -> Result<Vec<u8>> {
    let scratch = cache.scratch()?;
    let folder = scratch.path();
    let inner = folder.join("extension");
    for name in OURS {
        cache::write(
            &inner.join(name),
            &cache::read(&root.join(FOLDER).join(name))?,
        )?;
    }
    for name in LICENCES {
        cache::write(&inner.join(name), &cache::read(&root.join(name))?)?;
    }
    copy(modules, &inner.join("node_modules"))?;
    let schemas = inner.join("schemas");
    let mut names = Map::new();
    for which in NAMED {
        let text = schema(compiler, which)?;
        let object: Value = serde_json::from_slice(&text)
            .map_err(|e| Failure::bug(format!("the schema of {which} is no JSON: {e}")))?;
        let id = object["$id"].as_str().unwrap_or_default();
        names.insert(id.to_owned(), json!(format!("{which}.json")));
        cache::write(&schemas.join(format!("{which}.json")), &text)?;
    }
    cache::write(
        &schemas.join(format!("{SPEC}.json")),
        &schema(compiler, SPEC)?,
    )?;
    cache::write(
        &schemas.join("names.json"),
        format!("{:#}\n", Value::from(names)).as_bytes(),
    )?;
    let about: Value = serde_json::from_slice(&cache::read(&inner.join("package.json"))?)
        .map_err(|e| Failure::bug(format!("the extension's package.json is no JSON: {e}")))?;
    cache::write(
        &folder.join("extension.vsixmanifest"),
        manifest(&about).as_bytes(),
    )?;
    cache::write(&folder.join("[Content_Types].xml"), TYPES.as_bytes())?;
    let other = cache.scratch()?;
    let out = other.path().join("packed");
    let mut python = Command::new("python3");
    let pack = python.arg(root.join(PACK)).arg(folder).arg(&out);
    match tools::run(pack, Some(super::LIMIT))?.success() {
        true => cache::read(&out),
        false => Err(Failure::environment(format!(
            "{PACK} failed; its own words are above"
        ))),
    }
}

/// Of a folder of packages, what runs: code, what says which it is, and under which terms.
fn copy(from: &Path, to: &Path) -> Result<()> {
    for entry in fs::read_dir(from).map_err(|e| Failure::file("list", from, &e))? {
        let path = entry.map_err(|e| Failure::file("list", from, &e))?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            // Programs, and what npm notes down for itself; what is for browsers alone.
            if !name.starts_with('.') && name != "browser" {
                copy(&path, &to.join(&name))?;
            }
            continue;
        }
        let lower = name.to_lowercase();
        let runs = [".js", ".cjs", "package.json"]
            .iter()
            .any(|end| lower.ends_with(end));
        let terms = ["licen", "thirdparty"]
            .iter()
            .any(|begin| lower.starts_with(begin));
        if runs || terms {
            cache::write(&to.join(&name), &cache::read(&path)?)?;
        }
    }
    Ok(())
}

/// A schema, as editors read it.
fn schema(compiler: &Path, which: &str) -> Result<Vec<u8>> {
    let mut vmlock = Command::new(compiler);
    let (status, text) = tools::output(vmlock.args(["schema", which, "--editor"]))?;
    match status.success() {
        true => Ok(text),
        false => Err(Failure::environment(format!(
            "`vmlock schema {which} --editor` ended with {status}"
        ))),
    }
}

/// What the packed file says of itself, out of `package.json`.
fn manifest(about: &Value) -> String {
    let of = |key: &str| escaped(about[key].as_str().unwrap_or_default());
    let categories: Vec<&str> = about["categories"].as_array().map_or_else(Vec::new, |all| {
        all.iter().filter_map(Value::as_str).collect()
    });
    let engine = escaped(about["engines"]["vscode"].as_str().unwrap_or_default());
    format!(
        r#"<?xml version="1.0" encoding="utf-8"?>
<PackageManifest Version="2.0.0" xmlns="http://schemas.microsoft.com/developer/vsx-schema/2011">
  <Metadata>
    <Identity Language="en-US" Id="{}" Version="{}" Publisher="{}"/>
    <DisplayName>{}</DisplayName>
    <Description xml:space="preserve">{}</Description>
    <Categories>{}</Categories>
    <Properties>
      <Property Id="Microsoft.VisualStudio.Code.Engine" Value="{engine}"/>
      <Property Id="Microsoft.VisualStudio.Code.ExtensionKind" Value="workspace"/>
    </Properties>
  </Metadata>
  <Installation>
    <InstallationTarget Id="Microsoft.VisualStudio.Code"/>
  </Installation>
  <Dependencies/>
  <Assets>
    <Asset Type="Microsoft.VisualStudio.Code.Manifest" Path="extension/package.json" Addressable="true"/>
    <Asset Type="Microsoft.VisualStudio.Services.Content.Details" Path="extension/README.md" Addressable="true"/>
  </Assets>
</PackageManifest>
"#,
        of("name"),
        of("version"),
        of("publisher"),
        of("displayName"),
        of("description"),
        escaped(&categories.join(",")),
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('"', "&quot;")
}

/// What kind of file each ending is, as the Open Packaging Conventions want to be told.
const TYPES: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">
  <Default Extension="cjs" ContentType="application/javascript"/>
  <Default Extension="js" ContentType="application/javascript"/>
  <Default Extension="json" ContentType="application/json"/>
  <Default Extension="md" ContentType="text/markdown"/>
  <Default Extension="txt" ContentType="text/plain"/>
  <Default Extension="vsixmanifest" ContentType="text/xml"/>
</Types>
"#;
