//! `vmlock-lab book`: the documents as one book. The pages that `docs/SUMMARY.md` lists, the files that they link to and the
//! reference that `vmlock man --reference` writes are put together as they lie in the checkout, so that each link is the
//! same in the book and outside of it; mdBook makes pages for a browser of them, and every link of those is followed.

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::tools;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The version of mdBook, which is no dependency of ours.
const MDBOOK: &str = "0.5.4";
/// The folder of the pages that are no others' too: links of the summary and of the reference are from there.
const DOCS: &str = "docs";
/// What stands in the book, in its order.
const SUMMARY: &str = "docs/SUMMARY.md";
/// How mdBook makes it, and colours that it gets: files of `docs/` that lie beside the pages.
const SETTINGS: [&str; 2] = ["book.toml", "book.css"];
/// Where it is made, in the folder of all that is built.
const PLACE: &str = "target/book";
/// What the list of all names is called there. It comes as `README.md`.
const NAMES: &str = "reference.md";

/// Makes the book; 0 if nothing is wrong with it.
pub fn run(cache: &Cache) -> Result<u8> {
    let (folder, problems) = made(cache)?;
    for problem in &problems {
        tell(problem)?;
    }
    tell(folder.join("index.html").display())?;
    Ok(if problems.is_empty() { OK } else { FINDINGS })
}

/// The folder of the finished book, and what is wrong with it.
pub fn made(cache: &Cache) -> Result<(PathBuf, Vec<String>)> {
    let root = cross::workspace()?;
    let place = root.join(PLACE);
    let _ = fs::remove_dir_all(&place);
    let names = place.join("names");
    cache::make_dir(&names)?;
    let mut vmlock = Command::new(cross::build_quickly("vmlock")?);
    vmlock.args(["man", "--reference"]).arg(&names);
    if !tools::run(vmlock.stdout(Stdio::null()), None)?.success() {
        return Err(Failure::environment(
            "`vmlock man --reference` failed; its own messages are above",
        ));
    }
    gather(&root, &names, &place.join("src"))?;
    for name in SETTINGS {
        let content = cache::read(&root.join(DOCS).join(name))?;
        cache::write(&place.join(name), &content)?;
    }
    let html = place.join("html");
    let mut mdbook = Command::new(mdbook(cache)?);
    let mdbook = mdbook.arg("build").arg("--dest-dir").arg(&html).arg(&place);
    let made = mdbook
        .output()
        .map_err(|e| Failure::environment(format!("cannot run mdBook: {e}")))?;
    let said = String::from_utf8_lossy(&made.stderr);
    if !made.status.success() {
        return Err(Failure::environment(format!("mdBook failed:\n{said}")));
    }
    // It goes on behind what it complains of.
    let complains = |line: &str| ["WARN", "ERROR"].iter().any(|word| line.contains(word));
    let complaints = said.lines().skip_while(|line| !complains(line));
    let mut problems: Vec<String> = complaints.map(str::to_owned).collect();
    problems.extend(astray(&html)?);
    Ok((html, problems))
}

/// mdBook, which is built once.
fn mdbook(cache: &Cache) -> Result<PathBuf> {
    let place = cache.path(&format!("mdbook-{MDBOOK}"));
    let program = place.join("bin/mdbook");
    let _guard = cache.lock()?;
    if program.is_file() {
        return Ok(program);
    }
    say(format_args!("building mdBook {MDBOOK}, once"));
    // Not optimised: it is built in one minute instead of several. Without what watches files and serves them.
    let mut cargo = cross::cargo_in(cache.path("").as_path());
    cargo
        .args(["install", "--quiet", "--locked", "--debug", "mdbook"])
        .args(["--version", MDBOOK, "--no-default-features"])
        .args(["--features", "search", "--root"])
        .arg(&place)
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    match tools::run(&mut cargo, None)?.success() {
        true => Ok(program),
        false => Err(Failure::environment(format!(
            "mdBook {MDBOOK} could not be built; cargo's own messages are above"
        ))),
    }
}

/// Puts together what mdBook reads: pages, files that they link to, the reference, and the summary of all.
fn gather(root: &Path, names: &Path, to: &Path) -> Result<()> {
    let text = |path: &Path| Ok(String::from_utf8_lossy(&cache::read(path)?).into_owned());
    let summary = text(&root.join(SUMMARY))?;
    let mut files: BTreeSet<String> = links(&summary)
        .into_iter()
        .map(|link| below(DOCS, link))
        .collect();
    for page in files.clone() {
        let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
        let text = text(&root.join(&page))?;
        let paths = links(&text).into_iter().map(|link| path(link).0);
        let inner = paths.filter(|path| !path.is_empty() && !path.contains("://"));
        files.extend(inner.map(|path| below(folder, path)));
    }
    for file in &files {
        cache::write(&to.join(file), &cache::read(&root.join(file))?)?;
    }
    let mut reference = BTreeMap::new();
    below_folder(names, "", &mut reference)?;
    let all = reference.remove("README.md").unwrap_or_default();
    let all = String::from_utf8_lossy(&all).into_owned();
    for (name, content) in &reference {
        let file = to.join(DOCS).join(name);
        // The page of the language is there already.
        if file.is_file() && cache::read(&file)? != *content {
            return Err(Failure::environment(format!(
                "{DOCS}/{name} is not what `vmlock man --reference` writes: VMLOCK_UPDATE=1 cargo test -p vmlock"
            )));
        }
        cache::write(&file, content)?;
    }
    cache::write(&to.join(DOCS).join(NAMES), all.as_bytes())?;
    let summary = format!("{}{}", rebased(&summary), chapters(&all));
    cache::write(&to.join("SUMMARY.md"), summary.as_bytes())
}

/// Every file below a folder, by its path from there.
fn below_folder(folder: &Path, inner: &str, files: &mut BTreeMap<String, Vec<u8>>) -> Result<()> {
    let here = folder.join(inner);
    for entry in fs::read_dir(&here).map_err(|e| Failure::file("list", &here, &e))? {
        let entry = entry.map_err(|e| Failure::file("list", &here, &e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = below(inner, &name);
        match entry.path().is_dir() {
            true => below_folder(folder, &path, files)?,
            false => {
                files.insert(path, cache::read(&entry.path())?);
            }
        }
    }
    Ok(())
}

/// Where the links of a page in Markdown lead, but for those in fences.
fn links(page: &str) -> Vec<&str> {
    let outside = page.split("```").step_by(2);
    let behind = outside.flat_map(|prose| prose.split("](").skip(1));
    behind.filter_map(|rest| rest.split(')').next()).collect()
}

/// A link's path and fragment.
fn path(link: &str) -> (&str, Option<&str>) {
    match link.split_once('#') {
        Some((path, fragment)) => (path, Some(fragment)),
        None => (link, None),
    }
}

/// A path from a folder, as one from the top.
fn below(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The summary with its links from the top.
fn rebased(summary: &str) -> String {
    let lines = summary.lines().map(|line| match line.split_once("](") {
        Some((title, rest)) => format!("{title}]({}\n", below(DOCS, rest)),
        None => format!("{line}\n"),
    });
    lines.collect()
}

/// The chapters of the reference: of the list of all names, a chapter of each heading and one of each name in it.
fn chapters(names: &str) -> String {
    let mut out = format!("- [All names]({DOCS}/{NAMES})\n");
    for line in names.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            out.push_str(&format!("- [{heading}]()\n"));
        } else if let Some((name, rest)) = line
            .strip_prefix("* [`")
            .and_then(|name| name.split_once("`]("))
            && let Some((path, _)) = rest.split_once(')')
        {
            out.push_str(&format!("  - [{name}]({DOCS}/{path})\n"));
        }
    }
    out
}

/// Links of the finished book that lead nowhere: to no file of it, or to no place in one.
fn astray(html: &Path) -> Result<Vec<String>> {
    let mut files = BTreeMap::new();
    below_folder(html, "", &mut files)?;
    let pages: BTreeMap<&str, String> = files
        .iter()
        .filter(|(name, _)| name.ends_with(".html"))
        .map(|(name, content)| {
            let text = String::from_utf8_lossy(content).into_owned();
            (name.as_str(), text)
        })
        .collect();
    let (mut followed, mut wrong) = (0, Vec::new());
    for (name, page) in &pages {
        let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder);
        for link in attributes(page, "href").chain(attributes(page, "src")) {
            if link.contains("://") || link.starts_with("data:") {
                continue;
            }
            followed += 1;
            let (path, place) = path(link);
            let target = match path {
                "" => (*name).to_owned(),
                path => below(folder, path),
            };
            let there = match place.filter(|place| !place.is_empty()) {
                None => files.contains_key(&target),
                Some(place) => pages
                    .get(target.as_str())
                    .is_some_and(|page| attributes(page, "id").any(|id| id == place)),
            };
            if !there {
                wrong.push(format!("{name}: {link} leads nowhere"));
            }
        }
    }
    if followed < pages.len() || pages.len() < 100 {
        wrong.push(format!(
            "the book has {} pages with {followed} links, and should have more",
            pages.len()
        ));
    }
    Ok(wrong)
}

/// The values of an attribute, wherever it stands in a page.
fn attributes<'a>(page: &'a str, name: &str) -> impl Iterator<Item = &'a str> {
    let begin = format!(" {name}=\"");
    let ends: Vec<usize> = page
        .match_indices(&begin)
        .map(|(at, _)| at + begin.len())
        .collect();
    ends.into_iter()
        .filter_map(|at| page[at..].split('"').next())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::Scratch;

    #[test]
    fn the_summary_names_pages_from_the_top_and_all_of_the_reference() {
        let summary = "# Summary\n\n[vmlock](../README.md)\n- [A](a.md)\n";
        assert_eq!(
            rebased(summary),
            "# Summary\n\n[vmlock](README.md)\n- [A](docs/a.md)\n"
        );
        let names = "# Reference\n\n* [The language](language.md): all\n\n## Parts\n\n* [`psci-1.1`](baselines/psci-1.1.md): x\n";
        assert_eq!(
            chapters(names),
            "- [All names](docs/reference.md)\n- [Parts]()\n  - [psci-1.1](docs/baselines/psci-1.1.md)\n"
        );
    }

    #[test]
    fn what_leads_nowhere_is_found() {
        let scratch = Scratch::new().unwrap();
        let page = |name: &str, text: &str| {
            cache::write(&scratch.path().join(name), text.as_bytes()).unwrap();
        };
        page(
            "docs/a.html",
            "<a href=\"../b.html#there\"> <a href=\"#gone\"> <img src=\"x.svg\"> <a href=\"https://kdl.dev\">",
        );
        page(
            "b.html",
            "<h2 id=\"there\"> <a href=\"docs/a.html\"> <a href=\"c.html\">",
        );
        let mut wrong = astray(scratch.path()).unwrap();
        let few = wrong.pop().unwrap();
        assert!(
            few.starts_with("the book has 2 pages with 5 links"),
            "{few}"
        );
        assert_eq!(
            wrong,
            [
                "b.html: c.html leads nowhere",
                "docs/a.html: #gone leads nowhere",
                "docs/a.html: x.svg leads nowhere",
            ]
        );
    }
}
