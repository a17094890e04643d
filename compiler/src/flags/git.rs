//! Flags of `git`: what people set up, and what git itself starts.

use clap::{Args, Subcommand};
use std::path::PathBuf;

const GIT_HELP: &str = r#"Examples:
  vmlock git setup              this repository: .gitattributes, to be checked in, and .git/config
  vmlock git setup --check      is it set up, and does every lock have these drivers?
  vmlock git setup --global     all repositories of this user, none of which is changed
  vmlock git setup --remove     as it was

Where two branches changed one lock, git then asks vmlock, which merges their
descriptions as git does, and resolves the result: the lock is that of the merged
description, or there is a conflict that says why, and what to do. `git diff`,
`log -p` and `show` speak of register fields. See docs/git.md for what git does
not ask a driver about, and for hooks and CI that hold every lock to its description."#;

/// Flags of `git`.
#[derive(Args)]
#[command(after_long_help = GIT_HELP)]
pub struct GitFlags {
    /// What to do.
    #[command(subcommand)]
    pub command: GitCommand,
}

/// What to do with git.
#[derive(Subcommand)]
pub enum GitCommand {
    /// Tell git of the drivers: once in each clone, or with --global once for each user.
    Setup(GitSetupFlags),
    /// Merge a lock: git starts this.
    #[command(hide = true)]
    Merge(GitMergeFlags),
    /// Print a lock, a field to a line: git starts this.
    #[command(hide = true)]
    Text(GitTextFlags),
}

const SETUP_HELP: &str = r#"Examples:
  vmlock git setup              in a checkout; .gitattributes is to be checked in
  vmlock git setup --check      exit 1 where something is missing
  vmlock git setup --global     ~/.gitconfig and the user's own attributes
  vmlock git setup --remove     takes out what it wrote, and nothing else

It can be run again at any time: what is there stays as it is. A clone that was
not set up merges locks as text, and says nothing: `vmlock lock --check` in CI
finds what comes of that."#;

/// Flags of `git setup`.
#[derive(Args)]
#[command(after_long_help = SETUP_HELP)]
pub struct GitSetupFlags {
    /// For all repositories of this user; nothing in a repository is written.
    #[arg(long)]
    pub global: bool,
    /// Write nothing; exit 1 where something is missing.
    #[arg(long, conflicts_with = "remove")]
    pub check: bool,
    /// Take out what was written.
    #[arg(long)]
    pub remove: bool,
}

/// What git tells a merge driver (gitattributes(5)).
#[derive(Args)]
pub struct GitMergeFlags {
    /// %O: a file with what both sides began with; empty where both added it.
    pub base: PathBuf,
    /// %A: a file with ours, into which the result is written.
    pub ours: PathBuf,
    /// %B: a file with theirs.
    pub theirs: PathBuf,
    /// %L: how long conflict markers are.
    pub marker: String,
    /// %P: the path that is merged, from the top of the repository.
    #[arg(allow_hyphen_values = true)]
    pub path: String,
    /// %S: which commit the base is.
    #[arg(allow_hyphen_values = true, default_value = "")]
    pub base_label: String,
    /// %X: which commit ours is.
    #[arg(allow_hyphen_values = true, default_value = "")]
    pub ours_label: String,
    /// %Y: which commit theirs is.
    #[arg(allow_hyphen_values = true, default_value = "")]
    pub theirs_label: String,
}

/// What git tells a textconv driver.
#[derive(Args)]
pub struct GitTextFlags {
    /// The lock.
    pub file: PathBuf,
}
