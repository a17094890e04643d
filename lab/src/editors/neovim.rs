//! The language server in Neovim, without a terminal: Debian 13's, which is fetched and runs from the cache, told by
//! what `vmlock editor-setup neovim` prints.

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{Failure, Result, tell};
use crate::packages::{Architecture, Archive, Program};
use crate::programs::{Programs, Wanted};
use crate::tools;
use std::fs;
use std::process::Stdio;
use std::time::Duration;

/// Below the checkout: what is checked.
const SCRIPT: &str = "lab/editors/neovim.lua";
/// The program, on a Debian system.
const NVIM: &str = "/usr/bin/nvim";
/// What it is made of besides.
const RUNTIME: &str = "/usr/share/nvim/runtime";
/// How long all of it may take; each wait of the script has a limit of its own.
const LIMIT: Duration = Duration::from_secs(300);

fn wanted(architecture: Architecture) -> Wanted {
    Wanted {
        from: Program {
            archive: Archive {
                state: "apt-neovim",
                architecture,
                suites: &["trixie"],
                security: &["trixie-security"],
                megabytes: 10,
            },
            suite: None,
            package: "neovim",
            also: &[],
            without: "python3",
        },
        programs: &[NVIM],
        libraries: &["libtree-sitter.so.0.22"],
        trees: &[RUNTIME],
        folder: format!("neovim-trixie-{}", architecture.name),
        words: "Debian 13's Neovim and what it needs (15 MB)".to_owned(),
    }
}

/// What is wrong with the language server in it; nothing where it is not to be had here.
pub fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    let skipped = |why: &str| {
        tell(format_args!(
            "skipped: the language server in Neovim: {why}"
        ))?;
        Ok(None)
    };
    let Some(architecture) = Architecture::native() else {
        return skipped("it is fetched for x86-64 and arm64 alone");
    };
    let wanted = wanted(architecture);
    let nvim = match Programs::provide(cache, &wanted) {
        Ok(found) => found,
        Err(why) => return skipped(&format!("it cannot be fetched: {why}")),
    };
    let root = cross::workspace()?;
    let compiler = cross::build_quickly("vmlock")?;
    let scratch = cache.scratch()?;
    let home = scratch.path();
    let mut setup = std::process::Command::new(&compiler);
    let (status, settings) = tools::output(setup.args(["editor-setup", "neovim"]))?;
    if !status.success() {
        return Ok(Some(vec![format!(
            "`vmlock editor-setup neovim` ended with {status}"
        )]));
    }
    cache::write(&home.join("settings.lua"), &settings)?;
    let path = home.join("said");
    let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let folder = compiler.parent().unwrap_or(&compiler);
    let mut command = nvim.start(cache, &wanted, NVIM).command();
    command
        .current_dir(home)
        .args(["-u", "NONE", "-i", "NONE", "-n", "-l"])
        .arg(root.join(SCRIPT))
        .arg(home.join("settings.lua"))
        .env("VIMRUNTIME", nvim.place(cache, &wanted, RUNTIME))
        .env("PATH", folder)
        .env("HOME", home)
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("data"))
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CACHE_HOME", home.join("cache"))
        .stdin(Stdio::null())
        .stdout(said);
    let status = tools::run(&mut command, Some(LIMIT))?;
    let said = cache::read(&path)?;
    Ok(Some(tools::problems(SCRIPT, &said, status)))
}
