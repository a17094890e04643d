//! How large a disk is, and what a read-only one holds, where its description does not
//! say: what the file has that is there when the lock is made, else what the old lock has.

use crate::diagnostic::Diagnostic;
use crate::files::{self, FileId};
use crate::language::reach::Reach;
use crate::location::Places;
use std::io::{self, ErrorKind};
use std::path::Path;
use vmlock_spec::lock::Block;
use vmlock_spec::machine::virtio::SECTOR;
use vmlock_spec::vm::VmSpec;
use vmlock_spec::vm::device::{Device, Disk};

/// How images begin that are no raw ones: what lies behind is no sector of the disk (docs/interop/qcow2.txt of QEMU;
/// the formats' own documents).
const FORMATS: [(&str, &[u8]); 4] = [
    ("qcow2", b"QFI\xfb"),
    ("vmdk", b"KDMV"),
    ("vhdx", b"vhdxfile"),
    ("vdi", b"<<< "),
];

/// What came of asking.
pub struct Measured {
    /// The description, in which each disk has its size, and a read-only one its digest, where these are known.
    pub spec: VmSpec,
    /// What is wrong with the files.
    pub found: Vec<Diagnostic>,
    /// The disks that are told of, as places.
    pub told: Vec<String>,
}

/// Gives the disks of a description their sizes, and read-only ones their digests: what it says, else what the file has
/// that is there, else what `former` had for the same path. Disks at places of which `told` says that their description is wrong are left alone.
pub fn measure(
    spec: &VmSpec,
    folder: &Path,
    former: &[Block],
    places: &Places,
    reach: &dyn Reach,
    told: impl Fn(&str) -> bool,
) -> Measured {
    let mut measured = Measured {
        spec: spec.clone(),
        found: Vec::new(),
        told: Vec::new(),
    };
    let mut files: Vec<OfFile> = Vec::new();
    for (index, device) in measured.spec.devices.iter_mut().enumerate() {
        let Device::Disk(disk) = device else { continue };
        let place = format!("/devices/{index}/disk");
        if ["path", "size", "digest"]
            .iter()
            .any(|part| told(&format!("{place}/{part}")))
        {
            measured.told.push(place);
            continue;
        }
        match measured_one(disk, folder, former, reach) {
            Ok(file) => {
                let one = OfFile {
                    file,
                    name: disk.name.clone(),
                    path: disk.path.clone(),
                    read_only: disk.read_only,
                    place,
                };
                if let Some(other) = files.iter().find(|other| one.shares(other)) {
                    measured.found.push(shared(&one, other, places));
                    measured.told.push(one.place.clone());
                }
                files.push(one);
            }
            Err(Problem {
                at,
                code,
                words,
                label,
                help,
            }) => {
                let span = places.find(&format!("{place}/{at}"));
                let diagnostic = Diagnostic::error(code, words);
                let diagnostic = diagnostic.at(places.source(), span, label);
                measured.found.push(diagnostic.help(help));
                measured.told.push(place);
            }
        }
    }
    measured
}

/// A disk that was looked at.
struct OfFile {
    /// Which file it is, where it is there.
    file: Option<FileId>,
    name: String,
    path: String,
    read_only: bool,
    place: String,
}

impl OfFile {
    /// Whether it is another's file by another path, and one of the two is written. (By the same path, that needs no
    /// file.)
    fn shares(&self, other: &Self) -> bool {
        let same = self.file.is_some() && self.file == other.file;
        same && self.path != other.path && !(self.read_only && other.read_only)
    }
}

fn shared(one: &OfFile, other: &OfFile, places: &Places) -> Diagnostic {
    let words = format!(
        "`{}` and `{}` are one file, and a guest could write it behind its own back",
        other.name, one.name
    );
    let at = |disk: &OfFile| places.find(&format!("{}/path", disk.place));
    let label = format!("the file that `{}` is", other.path);
    Diagnostic::error("spec::shared-file", words)
        .at(places.source(), at(one), label)
        .at(places.source(), at(other), "first here")
        .help("give each a file of its own, or make both `read-only`")
}

struct Problem {
    /// Which part of the description it is about.
    at: &'static str,
    code: &'static str,
    words: String,
    label: &'static str,
    help: String,
}

fn measured_one(
    disk: &mut Disk,
    folder: &Path,
    former: &[Block],
    reach: &dyn Reach,
) -> Result<Option<FileId>, Problem> {
    let found = reach.image(&folder.join(&disk.path));
    let path = disk.path.clone();
    let mut former = former.iter().filter(|block| block.path == path);
    let bytes = size(disk, &found, former.clone().next())?;
    disk.size = Some(bytes);
    let file = found.as_ref().map(|found| found.id).ok();
    if !disk.read_only || disk.any_file {
        return Ok(file);
    }
    let Ok(found) = found else {
        // A file may be disks of several sizes, and each has a digest of its own.
        let old = former.find(|block| block.sectors == bytes / SECTOR);
        let old = old.and_then(|block| block.digest.clone());
        disk.digest = disk.digest.take().or(old);
        return match &disk.digest {
            Some(_) => Ok(None),
            None => Err(Problem {
                at: "path",
                code: "spec::disk-contents",
                words: format!("nothing says what `{}` holds", disk.name),
                label: "this file is not there, or cannot be read",
                help: "make it first, write its `digest`, or `any-file=#true` where any contents will do"
                    .to_owned(),
            }),
        };
    };
    let digest = reach.digest(found.file, bytes).map_err(|error| Problem {
        at: "path",
        code: "io::unreadable",
        words: format!("`{}` cannot be read: {error}", disk.path),
        label: "this file",
        help: "a lock holds the digest of a disk that nobody writes; `any-file=#true` does without"
            .to_owned(),
    })?;
    let Some(digest) = digest else {
        return Ok(file);
    };
    if disk.digest.as_ref().is_some_and(|asked| *asked != digest) {
        return Err(Problem {
            at: "digest",
            code: "spec::another-file",
            words: format!("`{}` holds something else than `digest` says", disk.path),
            label: "not its digest",
            help: format!(
                "the disk that is there has {digest}: write that, or put the right file there"
            ),
        });
    }
    disk.digest = Some(digest);
    Ok(file)
}

fn size(
    disk: &Disk,
    found: &io::Result<files::Image>,
    former: Option<&Block>,
) -> Result<u64, Problem> {
    const SIZE: &str = "spec::disk-size";
    let path = &disk.path;
    let problem = |code, words, label, help| Problem {
        at: "path",
        code,
        words,
        label,
        help,
    };
    let (bytes, head) = match found {
        Ok(found) => (found.bytes, &found.head),
        Err(error) => {
            let former = former.map(|block| block.sectors.saturating_mul(SECTOR));
            let gone = error.kind() == ErrorKind::NotFound;
            let out_of_reach = gone || error.kind() == ErrorKind::PermissionDenied;
            return match (disk.size, former) {
                (Some(bytes), _) if out_of_reach => Ok(bytes),
                (None, Some(bytes)) if gone => Ok(bytes),
                (None, _) if gone => Err(problem(
                    SIZE,
                    format!("nothing says how large `{}` is", disk.name),
                    "this file is not there",
                    format!(
                        "make it first, for example `truncate -s 8G {path}`, or write `size=\"8GiB\"`"
                    ),
                )),
                _ => Err(problem(
                    "io::unreadable",
                    format!("`{path}` cannot be read: {error}"),
                    "this file",
                    "a disk is a raw image or a block device; where it cannot be read here, write `size=\"8GiB\"`"
                        .to_owned(),
                )),
            };
        }
    };
    if let Some((format, _)) = FORMATS.iter().find(|(_, magic)| head.starts_with(magic)) {
        return Err(problem(
            "spec::disk-format",
            format!("`{path}` is an image in the format {format}"),
            "not a raw image",
            format!(
                "a disk is a raw image or a block device: `qemu-img convert -O raw {path} NEW`"
            ),
        ));
    }
    match disk.size {
        Some(asked) if bytes < asked => Err(problem(
            SIZE,
            format!("`{path}` has {bytes} bytes, and `size` says {asked}"),
            "too small",
            format!("make it longer: `truncate -s {asked} {path}`"),
        )),
        Some(asked) => Ok(asked),
        None if bytes == 0 => Err(problem(
            SIZE,
            format!("`{path}` is empty"),
            "no disk",
            format!("make it as long as the disk is to be, for example `truncate -s 8G {path}`"),
        )),
        None if !bytes.is_multiple_of(SECTOR) => Err(problem(
            SIZE,
            format!("`{path}` has {bytes} bytes, which are no whole sectors of {SECTOR}"),
            "part of a sector at its end",
            format!("make it longer: `truncate -s %{SECTOR} {path}`"),
        )),
        None => Ok(bytes),
    }
}
