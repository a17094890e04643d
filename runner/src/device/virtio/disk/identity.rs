//! Which contents a disk had when its guest was saved, so that a disk that somebody changed since, or another one, is not
//! taken for it: how long its file is, and a digest over its two ends and the blocks that its guest wrote last, or over
//! all of it. What changes between the ends and nowhere else is seen by the latter alone.

use crate::device::virtio::look::Look;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, ErrorKind, Seek as _, SeekFrom};
use std::os::unix::fs::FileExt as _;
use vmlock_saved::state::{Covers, Disk};
use vmlock_virtio::block::SECTOR;
use vmlock_virtio::block::written::{BLOCK, MOST, Written};

/// Blocks at the beginning: up to 128 KiB behind 1 MiB, where a first partition mostly begins and has its superblock.
const FRONT: u64 = 288;
/// Blocks at the end.
const BACK: u64 = 16;
/// The most blocks of a list that is read: more than are ever written, so that a later version may write more.
const LIMIT: usize = 4096;
const _: () = assert!((FRONT + BACK) as usize + MOST < LIMIT);
/// Bytes that are read at a time where all are.
const PART: u64 = 256 << 10;

/// How many blocks a disk of so many sectors has; the last may be a part of one.
fn count(sectors: u64) -> u64 {
    sectors.saturating_mul(SECTOR).div_ceil(BLOCK)
}

/// The blocks of both ends of a disk of so many.
fn ends(count: u64) -> impl Iterator<Item = u64> {
    (0..FRONT.min(count)).chain(count.saturating_sub(BACK)..count)
}

/// Looks at a disk of so many sectors, whose guest wrote there last: at `whole` of it, or not.
///
/// # Errors
/// The system's; also where the file ends before, or `look` is given up.
pub fn of(
    file: &File,
    sectors: u64,
    written: &Written,
    whole: bool,
    look: &Look,
) -> io::Result<Disk> {
    let covers = match whole {
        true => Covers::All,
        false => {
            let count = count(sectors);
            let inside = written.blocks().into_iter().filter(|&block| block < count);
            let blocks: BTreeSet<u64> = ends(count).chain(inside).collect();
            Covers::Blocks(blocks.into_iter().collect())
        }
    };
    let digest = digest(file, sectors, &covers, |bytes| look.reached(bytes))?;
    let size = (&*file).seek(SeekFrom::End(0))?;
    Ok(Disk {
        size,
        covers,
        digest,
    })
}

/// Whether a disk is the one that was saved: if not, why, in words. What its guest wrote last, if so. `reached` is told how many
/// bytes were read.
///
/// # Errors
/// The system's; also where the file ends before.
pub fn compare(
    file: &File,
    sectors: u64,
    saved: &Disk,
    reached: &dyn Fn(u64),
) -> io::Result<Result<Written, String>> {
    let written = match &saved.covers {
        Covers::All => Written::default(),
        Covers::Blocks(blocks) => {
            let count = count(sectors);
            let ascending = blocks.is_sorted_by(|one, next| one < next);
            let there = blocks.last().is_none_or(|&last| last < count);
            // A list of nothing, or of little, would fit any disk.
            let whole = ends(count).all(|end| blocks.binary_search(&end).is_ok());
            if blocks.len() > LIMIT || !ascending || !there || !whole {
                return Ok(Err("what was saved of it is of no such disk".to_owned()));
            }
            let inside = FRONT..count.saturating_sub(BACK);
            Written::of(
                blocks
                    .iter()
                    .copied()
                    .filter(|block| inside.contains(block)),
            )
        }
    };
    let size = (&*file).seek(SeekFrom::End(0))?;
    if size != saved.size {
        return Ok(Err(format!(
            "it has {size} bytes, and had {} when the guest was saved",
            saved.size
        )));
    }
    let found = digest(file, sectors, &saved.covers, |bytes| {
        reached(bytes);
        Ok(())
    })?;
    Ok(match found == saved.digest {
        true => Ok(written),
        false => Err("it was changed since the guest was saved".to_owned()),
    })
}

/// `sha256-` and 64 hex digits over some of the bytes of a disk, each part after its place and its length. `reached` is told
/// how many bytes were read, and may end it.
fn digest(
    file: &File,
    sectors: u64,
    covers: &Covers,
    reached: impl Fn(u64) -> io::Result<()>,
) -> io::Result<String> {
    let end = sectors.saturating_mul(SECTOR);
    let mut hash = Sha256::new();
    let mut bytes = 0;
    let mut buffer = vec![0; PART as usize];
    let mut add = |from: u64, most: u64| {
        let part = &mut buffer[..end.saturating_sub(from).min(most) as usize];
        read(file, part, from)?;
        hash.update(from.to_le_bytes());
        hash.update((part.len() as u64).to_le_bytes());
        bytes += part.len() as u64;
        hash.update(part);
        reached(bytes)
    };
    match covers {
        Covers::All => {
            let mut at = 0;
            while at < end {
                add(at, PART)?;
                at += PART;
            }
        }
        Covers::Blocks(blocks) => {
            for block in blocks {
                add(block.saturating_mul(BLOCK), BLOCK)?;
            }
        }
    }
    let bytes = hash.finalize();
    Ok(bytes.iter().fold("sha256-".to_owned(), |text, byte| {
        format!("{text}{byte:02x}")
    }))
}

/// Fills all of it from there.
fn read(file: &File, mut into: &mut [u8], mut at: u64) -> io::Result<()> {
    while !into.is_empty() {
        match file.read_at(into, at) {
            Ok(0) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok(length) => {
                into = &mut into[length..];
                at += length as u64;
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use vmm_sys_util::tempfile::TempFile;

    /// One that ends in the middle of a block, with a tail that is not its guest's.
    const SECTORS: u64 = 400 * 8 + 3;

    fn file() -> File {
        let file = TempFile::new().expect("a file").into_file();
        let bytes: Vec<u8> = (0..SECTORS * SECTOR + 100)
            .map(|at| (at / 7) as u8)
            .collect();
        file.write_all_at(&bytes, 0).expect("room");
        file
    }

    fn flip(file: &File, at: u64) {
        let mut byte = [0];
        file.read_exact_at(&mut byte, at).expect("it is there");
        file.write_all_at(&[!byte[0]], at).expect("it is ours");
    }

    #[test]
    fn what_was_changed_at_the_ends_or_where_the_guest_wrote_is_seen() {
        let file = file();
        let written = Written::of([300, 350, 100_000]);
        let saved = of(&file, SECTORS, &written, false, &Look::default()).expect("it can be read");
        let Covers::Blocks(blocks) = &saved.covers else {
            panic!("{saved:?}")
        };
        assert_eq!(blocks.len(), 306);
        let same = |saved: &Disk| compare(&file, SECTORS, saved, &|_| ()).expect("it can be read");
        assert_eq!(same(&saved), Ok(Written::of([300, 350])));
        let end = SECTORS * SECTOR;
        for at in [
            0,
            // The superblocks of ext4 and of btrfs in a first partition.
            (1 << 20) + 1024,
            (1 << 20) + (64 << 10),
            (1 << 20) + (128 << 10) - 1,
            300 * BLOCK,
            351 * BLOCK - 1,
            385 * BLOCK,
            end - 1,
        ] {
            flip(&file, at);
            let words = same(&saved).expect_err("it was changed");
            assert!(words.contains("changed since"), "{words}");
            flip(&file, at);
        }
        // What nobody looks at, and what is not the guest's.
        for at in [288 * BLOCK, 301 * BLOCK, 385 * BLOCK - 1, end] {
            flip(&file, at);
            assert!(same(&saved).is_ok(), "{at}");
            flip(&file, at);
        }
        let whole = of(&file, SECTORS, &written, true, &Look::default()).expect("it can be read");
        assert_eq!(whole.covers, Covers::All);
        assert_eq!(same(&whole), Ok(Written::default()));
        for at in [0, 288 * BLOCK, 301 * BLOCK, end - 1] {
            flip(&file, at);
            assert!(same(&whole).is_err(), "{at}");
            flip(&file, at);
        }
    }

    #[test]
    fn a_look_says_how_far_it_is_and_ends_where_nobody_waits() {
        let file = file();
        let look = Look::default();
        let whole = |look: &Look| of(&file, SECTORS, &Written::default(), true, look);
        let saved = whole(&look).expect("it can be read");
        assert_eq!(look.bytes(), SECTORS * SECTOR);
        let last = Cell::new(0);
        let compared = compare(&file, SECTORS, &saved, &|bytes| last.set(bytes));
        assert_eq!(compared.expect("it can be read"), Ok(Written::default()));
        assert_eq!(last.get(), SECTORS * SECTOR);
        let look = Look::default();
        look.give_up();
        let error = whole(&look).expect_err("nobody waits");
        assert!(error.to_string().contains("nobody waits"), "{error}");
        assert_eq!(look.bytes(), PART);
    }

    #[test]
    fn a_disk_of_another_length_and_a_hostile_list_are_refused() {
        let file = file();
        let saved = of(&file, SECTORS, &Written::default(), false, &Look::default())
            .expect("it can be read");
        let refused = |change: &dyn Fn(&mut Disk)| {
            let mut saved = saved.clone();
            change(&mut saved);
            let compared = compare(&file, SECTORS, &saved, &|_| ()).expect("it can be read");
            compared.expect_err("it is another")
        };
        let words = refused(&|disk| disk.size += 1);
        assert!(words.contains("bytes, and had"), "{words}");
        let ends = || ends(count(SECTORS));
        let lists: [Vec<u64>; 7] = [
            [0].into_iter().chain(ends()).collect(),
            [1, 0].into_iter().chain(ends().skip(2)).collect(),
            ends().chain([count(SECTORS)]).collect(),
            (0..LIMIT as u64 + 1).collect(),
            // All of these are the disk's, and say next to nothing of it.
            Vec::new(),
            ends().skip(1).collect(),
            ends()
                .filter(|&block| block != count(SECTORS) - 1)
                .collect(),
        ];
        for list in lists {
            let words = refused(&|disk| disk.covers = Covers::Blocks(list.clone()));
            assert!(words.contains("no such disk"), "{words}");
        }
        refused(&|disk| disk.digest.push('0'));
        // A file that ends before its disk does.
        assert!(
            of(
                &file,
                SECTORS + 8,
                &Written::default(),
                false,
                &Look::default()
            )
            .is_err()
        );
        for sectors in [0, 1, 8, 200] {
            let saved = of(&file, sectors, &Written::default(), false, &Look::default())
                .expect("it can be read");
            assert_eq!(
                compare(&file, sectors, &saved, &|_| ()).expect("so"),
                Ok(Written::default())
            );
        }
    }
}
