//! Pages in Chromium, by `lab/browser/look.mjs`: those that `vmlock fleet`, `vmlock drift` and `vmlock-lab matrix` write are
//! among the tests; `vmlock-lab browser` looks at the book, too. Narrow and wide, light and dark, without a network: it
//! says what is too wide, what cannot be read and what keys do not reach, and takes a picture of each.

use crate::book;
use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{Failure, Result, say, tell};
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
/// Where pictures go, by what is looked at: the book takes minutes, and the pages of commands half of one.
const PICTURES: [&str; 2] = ["target/pages", "target/book/pictures"];
/// How long all of it may take.
const LIMIT: Duration = Duration::from_secs(900);
/// What is needed, each with Debian's package. Chromium starts programs of its own, so it is installed and not run from
/// the cache. A text that no font has is a row of boxes.
const NEEDS: [tools::Need; 3] = [
    (BROWSER, "chromium-headless-shell"),
    ("/usr/share/fonts/truetype/dejavu", "fonts-dejavu-core"),
    ("node", "nodejs"),
];

/// `vmlock-lab browser`: looks at all of it; 0 if nothing is wrong.
pub fn run(cache: &Cache) -> Result<u8> {
    tools::ensure(&NEEDS)?;
    let (folder, mut problems) = book::made(cache)?;
    problems.extend(looked(cache, Some(&folder))?);
    step::told(&problems)
}

/// What is wrong with the pages that commands write; nothing where there is no browser.
pub fn checked(cache: &Cache) -> Result<Option<Vec<String>>> {
    match tools::ensure(&NEEDS) {
        Ok(()) => looked(cache, None).map(Some),
        Err(why) => {
            tell(format_args!("skipped: pages in Chromium: {why}"))?;
            Ok(None)
        }
    }
}

/// What is wrong with those pages, and with the book's if its folder is given.
fn looked(cache: &Cache, book: Option<&Path>) -> Result<Vec<String>> {
    let root = cross::workspace()?;
    let pictures = root.join(PICTURES[usize::from(book.is_some())]);
    let scratch = cache.scratch()?;
    let path = scratch.path().join("said");
    let said = fs::File::create(&path).map_err(|e| Failure::file("create", &path, &e))?;
    let mut command = Command::new("node");
    command
        .current_dir(&root)
        .arg(SCRIPT)
        .arg(cross::build_quickly("vmlock")?)
        .args([Path::new(BROWSER), &pictures])
        .args(book)
        .stdin(Stdio::null())
        .stdout(said);
    let status = tools::run(&mut command, Some(LIMIT))?;
    say(format_args!("pictures are in {}", pictures.display()));
    Ok(tools::problems(SCRIPT, &cache::read(&path)?, status))
}
