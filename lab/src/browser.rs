//! `vmlock-lab browser`: the book with the page of the matrix, and the pages that `vmlock fleet` and `vmlock drift` write, in
//! Chromium: narrow and wide, light and dark, without a network, by `lab/browser/look.mjs`. It says what is too wide, what cannot be read and what keys do not reach,
//! and takes a picture of each.

use crate::book;
use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{Failure, Result, say};
use crate::step;
use crate::tools;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Below the checkout: what looks.
const SCRIPT: &str = "lab/browser/look.mjs";
/// The browser as it is run, not the shell script before it, which outlives a signal.
const BROWSER: &str = "/usr/lib/chromium/chromium-headless-shell";
/// Where pictures go, beside the book.
const PICTURES: &str = "target/book/pictures";
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(900);

/// Looks at all of it; 0 if nothing is wrong.
pub fn run(cache: &Cache) -> Result<u8> {
    tools::ensure(&[
        (BROWSER, "chromium-headless-shell"),
        // A text that no font has is a row of boxes.
        ("/usr/share/fonts/truetype/dejavu", "fonts-dejavu-core"),
        ("node", "nodejs"),
    ])?;
    let (folder, mut problems) = book::made(cache)?;
    let root = cross::workspace()?;
    let pictures = root.join(PICTURES);
    let scratch = cache.scratch()?;
    let path = scratch.path().join("said");
    let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let mut command = Command::new("node");
    command
        .current_dir(&root)
        .arg(SCRIPT)
        .arg(cross::build_quickly("vmlock")?)
        .args([Path::new(BROWSER), &folder, &pictures])
        .stdin(Stdio::null())
        .stdout(said);
    let status = tools::run(&mut command, Some(LIMIT))?;
    problems.extend(tools::problems(SCRIPT, &cache::read(&path)?, status));
    say(format_args!("pictures are in {}", pictures.display()));
    step::told(&problems)
}
