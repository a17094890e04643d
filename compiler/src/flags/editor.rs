//! Flags of `schema`, `editor-setup` and `lsp`: what editors have.

use clap::{Args, ValueEnum};

const SCHEMA_HELP: &str = r#"Examples:
  vmlock schema lock > lock.v3.schema.json

Draft-07, described throughout. A lock names its schema, and a description in
its JSON form, NAME.vm.json, can; `vmlock editor-setup` tells an editor where
they are."#;

/// Flags of `schema`.
#[derive(Args)]
#[command(after_long_help = SCHEMA_HELP)]
pub struct SchemaFlags {
    /// Which one.
    #[arg(value_enum)]
    pub which: Which,
    /// For VS Code and its language server: descriptions as Markdown too, which strict validators refuse.
    #[arg(long)]
    pub editor: bool,
}

/// The formats that have a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// A description, in its JSON form.
    Spec,
    /// A lock, in its newest version.
    Lock,
    /// A lock of version 1.
    #[value(name = "lock-v1")]
    LockV1,
    /// A lock of version 2.
    #[value(name = "lock-v2")]
    LockV2,
    /// A host report.
    Host,
    /// Observed facts.
    Observed,
    /// What `vmlock-run status` tells.
    Status,
    /// A line of what `vmlock-run start --log json` says.
    Event,
    /// What `--format json` prints.
    Diagnostics,
}

const EDITOR_SETUP_HELP: &str = r#"Examples:
  vmlock editor-setup vscode            write .vscode/settings.json, or add to it
  vmlock editor-setup vscode --print    print what would stand there
  vmlock editor-setup neovim >> ~/.config/nvim/init.lua
  vmlock editor-setup textmate > vmlock.tmLanguage.json   colours, for editors that read TextMate's grammars

A lock names its schema by a name that nothing has to be fetched for
(urn:vmlock:schema:lock:v3): this tells the editor what has that name, and that
NAME.vm.json is a description. For helix and zed the schemas are written into
the folder of the user's data, vmlock/schema, since their settings only name
files; run it again after vmlock was updated.

Descriptions in KDL are `vmlock lsp`'s: neovim and helix start it as these settings
say, VS Code by its extension for KDL (kdl-org.kdl), or by vmlock's own. Zed starts
servers that its extensions bring, and no others."#;

/// Flags of `editor-setup`.
#[derive(Args)]
#[command(after_long_help = EDITOR_SETUP_HELP)]
pub struct EditorSetupFlags {
    /// Which editor.
    #[arg(value_enum)]
    pub editor: Editor,
    /// Print the settings, and write no file.
    #[arg(long)]
    pub print: bool,
}

/// Editors whose JSON language server is that of VS Code, and those that read its grammars.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Editor {
    /// Visual Studio Code: settings of the folder that this is run in.
    Vscode,
    /// Neovim 0.10 and later with `vscode-json-language-server`: Lua for its configuration.
    Neovim,
    /// Helix: TOML for `languages.toml`.
    Helix,
    /// Zed: JSON for `settings.json`.
    Zed,
    /// Others: the grammar by which descriptions are coloured, as TextMate has them, in JSON.
    Textmate,
}

const LSP_HELP: &str = r#"Examples:
  vmlock editor-setup neovim      how an editor is told to start it
  vmlock lsp                      what the editor starts: it speaks over standard input and output

An editor starts it; there is nothing to see in a terminal. It finds what
`vmlock lock` finds while you type, completes words, names and files, shows what
`vmlock explain` says and what the lock has, goes to where names come from,
lays out as `vmlock fmt` does, applies suggestions and changes names. It writes
a lock when it is asked to (the command vmlock.updateLock), and copies of the
catalogue's own text into the user's cache, to be looked at; nothing else.

Exit code 0 when the client ended it, 1 when the client went away."#;

/// Flags of `lsp`.
#[derive(Args)]
#[command(after_long_help = LSP_HELP)]
pub struct LspFlags {
    /// Over standard input and output, as it does anyway: editors give this.
    #[arg(long)]
    pub stdio: bool,
}
