//! How large a disk is where its description does not say: as large as the file that is
//! there when the lock is made, else as the old lock has it.

use crate::diagnostic::Diagnostic;
use crate::files;
use crate::location::Places;
use std::io::ErrorKind;
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
    /// The description, in which each disk has its size where that is known.
    pub spec: VmSpec,
    /// What is wrong with the files.
    pub found: Vec<Diagnostic>,
    /// The disks that are told of, as places.
    pub told: Vec<String>,
}

/// Gives the disks of a description their sizes: what it says, else the size of the file that is there, else what
/// `former` had for the same path. Disks at places of which `told` says that their description is wrong are left alone.
pub fn measure(
    spec: &VmSpec,
    folder: &Path,
    former: &[Block],
    places: &Places,
    told: impl Fn(&str) -> bool,
) -> Measured {
    let mut measured = Measured {
        spec: spec.clone(),
        found: Vec::new(),
        told: Vec::new(),
    };
    for (index, device) in measured.spec.devices.iter_mut().enumerate() {
        let Device::Disk(disk) = device else { continue };
        let place = format!("/devices/{index}/disk");
        if told(&format!("{place}/path")) || told(&format!("{place}/size")) {
            measured.told.push(place);
            continue;
        }
        let mut old = former.iter().filter(|block| block.path == disk.path);
        match size(disk, folder, old.next()) {
            Ok(bytes) => disk.size = Some(bytes),
            Err(Problem {
                code,
                words,
                label,
                help,
            }) => {
                let span = places.find(&format!("{place}/path"));
                let diagnostic = Diagnostic::error(code, words);
                let diagnostic = diagnostic.at(places.source(), span, label);
                measured.found.push(diagnostic.help(help));
                measured.told.push(place);
            }
        }
    }
    measured
}

struct Problem {
    code: &'static str,
    words: String,
    label: &'static str,
    help: String,
}

fn size(disk: &Disk, folder: &Path, former: Option<&Block>) -> Result<u64, Problem> {
    const SIZE: &str = "spec::disk-size";
    let path = &disk.path;
    let problem = |code, words, label, help| Problem {
        code,
        words,
        label,
        help,
    };
    let (bytes, head) = match files::disk(&folder.join(path)) {
        Ok(found) => found,
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
