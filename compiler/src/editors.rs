//! What editors have to be told: the JSON language server of VS Code, which others use too, which schema has which name,
//! and which files have which; and all but Zed, whose servers come with extensions, how our own is started.

use crate::flags::Which;
use crate::schema::{for_editors, schema};
use crate::uri::of_path;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use vmlock_spec::lock::{LOCK_VERSION, v1, v2};
use vmlock_spec::resolve::former_lock_schema;

/// Formats whose files name their schema by `$id`.
const NAMED: [Which; 5] = [
    Which::Lock,
    Which::LockV2,
    Which::LockV1,
    Which::Host,
    Which::Observed,
];

/// Descriptions in their JSON form, which need not name their schema.
const DESCRIPTIONS: &str = "*.vm.json";

/// Where VS Code finds the schema of descriptions, from the folder that its settings are for.
pub const VSCODE_SPEC: &str = ".vscode/vmlock.spec.v1.schema.json";

/// The name of a schema, as files say it.
fn id(which: Which) -> String {
    schema(which)["$id"].as_str().unwrap_or_default().to_owned()
}

/// The schema's file, named as in `schema/`.
fn file(which: Which) -> String {
    let id = id(which);
    let words: Vec<&str> = id.split(':').skip(3).collect();
    format!("{}.schema.json", words.join("."))
}

/// Names by which locks said where their schema is before they said `$id`.
fn former() -> impl Iterator<Item = (String, Which)> {
    let versions = [
        (LOCK_VERSION, Which::Lock),
        (v2::VERSION, Which::LockV2),
        (v1::VERSION, Which::LockV1),
    ];
    versions
        .into_iter()
        .map(|(version, which)| (former_lock_schema(version), which))
}

/// VS Code's `json.schemas`. The schemas that files name stand in it whole, so that the settings hold on every machine;
/// plain, because of their size.
pub fn vscode() -> Vec<Value> {
    let spec = json!({ "fileMatch": [DESCRIPTIONS], "url": format!("./{VSCODE_SPEC}") });
    let named = NAMED.map(|which| json!({ "url": id(which), "schema": schema(which) }));
    [spec]
        .into_iter()
        .chain(named)
        .chain(former_names())
        .collect()
}

/// The former names stand for the present ones.
fn former_names() -> impl Iterator<Item = Value> {
    former().map(|(url, which)| json!({ "url": url, "schema": { "$ref": id(which) } }))
}

/// The same for an editor whose settings are the user's own: schemas are files in that folder.
pub fn in_files(folder: &Path) -> Vec<Value> {
    let place = |which| of_path(&folder.join(file(which)));
    let spec = json!({ "fileMatch": [DESCRIPTIONS], "url": place(Which::Spec) });
    let named = NAMED.map(|which| json!({ "url": id(which), "schema": { "$ref": place(which) } }));
    let former =
        former().map(|(url, which)| json!({ "url": url, "schema": { "$ref": place(which) } }));
    [spec].into_iter().chain(named).chain(former).collect()
}

/// The files that [`in_files`] speaks of.
pub fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let all = [Which::Spec].into_iter().chain(NAMED);
    all.map(|which| (folder.join(file(which)), text(which)))
        .collect()
}

/// A schema as an editor reads it.
pub fn text(which: Which) -> String {
    format!("{:#}\n", for_editors(which))
}

/// Whether a line of VS Code's settings is one of our entries.
pub fn begins_with_ours(line: &str) -> bool {
    let names = ["urn:vmlock:schema:".to_owned(), format!("./{VSCODE_SPEC}")];
    let mut names = names.into_iter().chain(former().map(|(url, _)| url));
    names.any(|name| line.contains(&format!("\"url\":\"{name}")))
}

/// Lua that asks `vmlock` itself, so that the schemas are always those of the one that is installed.
pub fn neovim() -> String {
    let former: String = former()
        .map(|(url, which)| format!("    [\"{url}\"] = \"{}\",\n", id(which)))
        .collect();
    NEOVIM.replace("FORMER\n", &former)
}

const NEOVIM: &str = r#"-- vmlock: locks and descriptions in JSON (vscode-json-language-server)
local function vmlock_schema(which)
  return vim.json.decode(vim.fn.system({ "vmlock", "schema", which, "--editor" }))
end
local function vmlock_schemas()
  local spec = vmlock_schema("spec")
  local all = { { fileMatch = { "*.vm.json" }, url = spec["$id"], schema = spec } }
  for _, which in ipairs({ "lock", "lock-v2", "lock-v1", "host", "observed" }) do
    local schema = vmlock_schema(which)
    table.insert(all, { url = schema["$id"], schema = schema })
  end
  -- What locks said before.
  for url, id in pairs({
FORMER
  }) do
    table.insert(all, { url = url, schema = { ["$ref"] = id } })
  end
  return all
end
vim.api.nvim_create_autocmd("FileType", {
  pattern = { "json", "jsonc" },
  callback = function(event)
    vim.lsp.start({
      name = "vscode-json-language-server",
      cmd = { "vscode-json-language-server", "--stdio" },
      root_dir = vim.fs.dirname(vim.api.nvim_buf_get_name(event.buf)),
      settings = { json = { validate = { enable = true }, schemas = vmlock_schemas() } },
    })
  end,
})

-- vmlock: descriptions in KDL (vmlock lsp)
vim.api.nvim_create_autocmd("FileType", {
  pattern = "kdl",
  callback = function(event)
    vim.lsp.start({
      name = "vmlock",
      cmd = { "vmlock", "lsp" },
      root_dir = vim.fs.root(event.buf, ".git")
        or vim.fs.dirname(vim.api.nvim_buf_get_name(event.buf)),
    })
    vim.lsp.inlay_hint.enable(true, { bufnr = event.buf })
  end,
})
"#;

/// VS Code's settings by which its extension for KDL (`kdl-org.kdl`) starts our server, each with its value.
pub const VSCODE_SERVER: [(&str, &str); 2] =
    [("kdl.command", "\"vmlock\""), ("kdl.argv", "[\"lsp\"]")];

/// Helix's part of `languages.toml`.
pub fn helix(folder: &Path) -> String {
    // TOML's basic strings are written as JSON's are.
    let table = |entry: &Value| {
        let mut parts = Vec::new();
        if let Some(patterns) = entry.get("fileMatch") {
            parts.push(format!("fileMatch = {patterns}"));
        }
        parts.push(format!("url = {}", entry["url"]));
        if let Some(schema) = entry.get("schema") {
            parts.push(format!("schema = {{ \"$ref\" = {} }}", schema["$ref"]));
        }
        format!("  {{ {} }},\n", parts.join(", "))
    };
    let entries: String = in_files(folder).iter().map(table).collect();
    format!(
        "# vmlock: locks and descriptions in JSON\n\
         [language-server.vscode-json-language-server]\n\
         command = \"vscode-json-language-server\"\n\
         args = [\"--stdio\"]\n\n\
         [language-server.vscode-json-language-server.config]\n\
         json.validate.enable = true\n\
         json.schemas = [\n{entries}]\n\n\
         # vmlock: descriptions in KDL\n\
         [language-server.vmlock]\n\
         command = \"vmlock\"\n\
         args = [\"lsp\"]\n\n\
         [[language]]\n\
         name = \"kdl\"\n\
         language-servers = [\"vmlock\"]\n"
    )
}

/// Zed's part of `settings.json`.
pub fn zed(folder: &Path) -> String {
    let json = json!({ "schemas": in_files(folder) });
    let settings = json!({ "lsp": { "json-language-server": { "settings": { "json": json } } } });
    format!("{settings:#}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_they_are_in_the_tree() {
        assert_eq!(file(Which::Lock), "lock.v3.schema.json");
        assert_eq!(file(Which::Host), "host-report.v1.schema.json");
    }
}
