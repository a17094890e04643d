//! Modules of Debian's kernels, with those that they need, in the order in which a kernel takes them.
//!
//! The cache has them beside the Image, not compressed. What a kernel has built in needs no module; which that is
//! differs from series to series.

use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use crate::kernels::{Kernel, files_below};
use crate::options;
use crate::packages::{self, Package};
use crate::tools;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a host needs for its disks.
pub const DISKS: [&str; 2] = ["virtio_pci", "virtio_blk"];

/// What a host needs for guests that talk to somebody outside: its own card, taps, and what joins them.
pub const LAN: [&str; 4] = ["virtio_pci", "virtio_net", "tun", "bridge"];

/// What a host needs for its bag.
pub const BAG: &str = "nvme";

/// The names of what a kernel has built in: `kernel/drivers/virtio/virtio.ko`, a line each.
const BUILT_IN: &str = "modules.builtin";

/// SHA-256 of each module and of that list, by file name, as they were fetched.
const RECORD: &str = "modules.json";

/// Those modules and all that they need. A module that the kernel has built in is left out. An Image that did not come from
/// Debian has all of them built in, or is refused.
pub fn provide(cache: &Cache, kernel: &Kernel, names: &[&str]) -> Result<Vec<Vec<u8>>> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    if !kernel.is_packaged() {
        options::expect_drivers(&kernel.image, names)?;
        return Ok(Vec::new());
    }
    let dir = kernel.image.parent().unwrap_or(Path::new("."));
    let mut record: BTreeMap<String, String> = fs::read(dir.join(RECORD))
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
        .unwrap_or_default();
    // What is not what was fetched once is fetched again.
    let whole = |name: &str| {
        let path = dir.join(name);
        let digest = cache::digest(&path).ok()?;
        (record.get(name) == Some(&digest)).then_some(path)
    };
    let cached = |name: &str| whole(&format!("{}.ko", plain(name)));
    if let Some(built_in) = whole(BUILT_IN)
        && let Some(found) = ordered(
            names,
            &String::from_utf8_lossy(&cache::read(&built_in)?),
            &cached,
        )?
    {
        return Ok(found.into_iter().map(|(_, content)| content).collect());
    }
    let _guard = cache.lock()?;
    let scratch = cache.scratch()?;
    let tree = cache.scratch()?;
    for deb in fetch(cache, kernel, names, &scratch)? {
        packages::unpack(&deb, &["*.ko*", &format!("*/{BUILT_IN}")], tree.path())?;
    }
    let files = files_below(tree.path())?;
    let built_in = files
        .iter()
        .find(|file| file.ends_with(BUILT_IN))
        .ok_or_else(|| Failure::environment("a kernel's package does not say what is built in"))?;
    let built_in = cache::read(built_in)?;
    let unpacked = |name: &str| {
        let is = |file: &&PathBuf| module(file).is_some_and(|found| found == plain(name));
        files.iter().find(is).cloned()
    };
    let text = String::from_utf8_lossy(&built_in);
    let Some(found) = ordered(names, &text, &unpacked)? else {
        return Err(Failure::environment(format!(
            "kernel {} has not all of the modules {}, nor what they need",
            kernel.version,
            names.join(", ")
        )));
    };
    let mut keep = |name: String, content: &[u8]| -> Result<()> {
        let path = dir.join(&name);
        cache::write(&path, content)?;
        record.insert(name, cache::digest(&path)?);
        Ok(())
    };
    for (name, content) in &found {
        keep(format!("{name}.ko"), content)?;
    }
    keep(BUILT_IN.to_owned(), &built_in)?;
    let text = serde_json::to_vec_pretty(&record)
        .map_err(|e| Failure::bug(format!("cannot write {RECORD}: {e}")))?;
    cache::write(&dir.join(RECORD), &text)?;
    Ok(found.into_iter().map(|(_, content)| content).collect())
}

/// The module that a kernel needs for a host's bag, which most have built in: that the Image itself says, so that no package
/// is fetched to learn it.
pub fn of_bag(kernel: &Kernel) -> Result<Option<&'static str>> {
    Ok((!options::has_driver(&kernel.image, BAG)?).then_some(BAG))
}

/// The packages with the modules of a kernel and the list of what is built in. Debian has split the newer ones.
fn fetch(
    cache: &Cache,
    kernel: &Kernel,
    names: &[&str],
    into: &cache::Scratch,
) -> Result<Vec<PathBuf>> {
    let package = kernel.about()?.package;
    let wanted: Vec<Package> = match package.name.strip_prefix("linux-binary-") {
        None => vec![package],
        Some(version) => ["linux-modules-", "linux-base-"]
            .map(|start| Package {
                name: format!("{start}{version}"),
                ..package.clone()
            })
            .to_vec(),
    };
    let list = names.join(", ");
    say(format_args!(
        "fetching {} for its modules {list}",
        wanted[0].name
    ));
    let files = packages::download(cache, &wanted.iter().collect::<Vec<_>>(), into)?;
    let found: Option<Vec<PathBuf>> = files.into_iter().collect();
    found.ok_or_else(|| {
        Failure::environment(format!(
            "{} {} is no longer in the archive; `vmlock-lab kernels --refresh {}` fetches its successor",
            wanted[0].name, wanted[0].version, kernel.asked
        ))
    })
}

/// Modules by name and content, each after what it needs; nothing where one is neither found nor built in.
type Ordered = Option<Vec<(String, Vec<u8>)>>;

fn ordered(
    names: &[&str],
    built_in: &str,
    find: &dyn Fn(&str) -> Option<PathBuf>,
) -> Result<Ordered> {
    let is_built_in = |name: &str| {
        let module = |line: &str| module(Path::new(line)).is_some_and(|found| found == plain(name));
        built_in.lines().any(module)
    };
    let mut found: Vec<(String, Vec<u8>)> = Vec::new();
    let mut open: Vec<(String, bool)> = names.iter().rev().map(|n| (plain(n), false)).collect();
    let mut content: Vec<(String, Vec<u8>)> = Vec::new();
    while let Some((name, ready)) = open.pop() {
        if found.iter().any(|(other, _)| *other == name) || is_built_in(&name) {
            continue;
        }
        if ready {
            let at = content.iter().position(|(other, _)| *other == name);
            found.extend(at.map(|at| content.swap_remove(at)));
            continue;
        }
        let Some(path) = find(&name) else {
            return Ok(None);
        };
        let module = read(&path)?;
        let needs = needs(&module);
        content.push((name.clone(), module));
        open.push((name, true));
        open.extend(needs.into_iter().map(|need| (need, false)));
    }
    Ok(Some(found))
}

/// The modules that a module needs, as its `.modinfo` says: `depends=a,b` between two zero bytes.
fn needs(module: &[u8]) -> Vec<String> {
    let start = b"\0depends=";
    let Some(at) = module.windows(start.len()).position(|w| w == start) else {
        return Vec::new();
    };
    let rest = &module[at + start.len()..];
    let end = rest.iter().position(|byte| *byte == 0).unwrap_or(0);
    let names = String::from_utf8_lossy(&rest[..end]);
    let names = names.split(',').filter(|name| !name.is_empty());
    names.map(plain).collect()
}

/// The name of the module in that file.
fn module(file: &Path) -> Option<String> {
    let (name, _) = file.file_name()?.to_str()?.split_once(".ko")?;
    Some(plain(name))
}

/// Dashes and underscores are the same to a kernel.
fn plain(name: &str) -> String {
    name.replace('-', "_")
}

/// The content of a module's file, unpacked.
fn read(file: &Path) -> Result<Vec<u8>> {
    if file.extension().is_none_or(|e| e != "xz") {
        return cache::read(file);
    }
    let mut xz = Command::new("xz");
    match tools::output(xz.arg("-dc").arg(file))? {
        (status, content) if status.success() => Ok(content),
        _ => Err(Failure::environment(format!(
            "xz failed on {}",
            file.display()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_says_whether_the_driver_of_the_bag_is_built_in() {
        let scratch = cache::Scratch::new().unwrap();
        let image = scratch.path().join("Image");
        let kernel = Kernel {
            asked: "6.12".to_owned(),
            version: "6.12.1-1".to_owned(),
            image: image.clone(),
        };
        let needs = |content: &[u8]| {
            cache::write(&image, content).unwrap();
            of_bag(&kernel).unwrap()
        };
        assert_eq!(needs(b"MZ nvme"), Some("nvme"));
        // No module is known of it: it has the driver built in, or is refused.
        let cache = Cache::open().unwrap();
        let refused = provide(&cache, &kernel, &["nvme"]).unwrap_err().to_string();
        assert!(refused.contains("CONFIG_BLK_DEV_NVME=y"), "{refused}");
        needs(b"MZ\0nvme.use_threaded_interrupts\0");
        assert!(provide(&cache, &kernel, &["nvme"]).unwrap().is_empty());
        let about = br#"{"package":{"name":"a","version":"1","suite":"b","size":1},"sha256":"c"}"#;
        cache::write(&scratch.path().join("about.json"), about).unwrap();
        assert_eq!(needs(b"MZ nvme"), Some("nvme"));
        assert_eq!(needs(b"MZ\0nvme.use_threaded_interrupts\0"), None);
    }

    #[test]
    fn a_module_comes_after_what_it_needs_and_without_what_is_built_in() {
        let scratch = cache::Scratch::new().unwrap();
        let write = |name: &str, needs: &str| {
            let text = format!("\x7fELF\0license=GPL\0depends={needs}\0name={name}\0");
            cache::write(&scratch.path().join(format!("{name}.ko")), text.as_bytes()).unwrap();
        };
        write("virtio_net", "net_failover,virtio-ring");
        write("net_failover", "failover");
        write("failover", "");
        let find =
            |name: &str| Some(scratch.path().join(format!("{name}.ko"))).filter(|p| p.is_file());
        let names = |wanted: &[&str]| {
            let found = ordered(wanted, "kernel/drivers/virtio/virtio_ring.ko\n", &find).unwrap();
            found.map(|all| all.into_iter().map(|(name, _)| name).collect::<Vec<_>>())
        };
        let all = ["failover", "net_failover", "virtio_net"];
        assert_eq!(names(&["virtio-net", "failover"]).unwrap(), all);
        assert_eq!(names(&["virtio_ring"]), Some(Vec::new()));
        assert_eq!(names(&["tun"]), None);
    }
}
