//! A guest's memory that is its file's, until the guest writes there.

use crate::memory::Memory;
use std::fs::File;
use std::io;
use std::ops::Range;
use vmlock_saved::file::{CHUNK_BYTES, Memory as Chunks};

/// In how many pieces a guest's memory is laid over its file. A process has 65,530 (`vm.max_map_count`).
const PIECES: usize = 1024;

/// What of a guest's memory is its file's.
pub struct Laid {
    file: File,
    /// Chunks, by their numbers.
    runs: Vec<Range<u64>>,
}

/// The chunks in which there is something, in no more than so many pieces: where there are more, the shortest holes between
/// them go with them.
fn runs(there: impl Iterator<Item = u64> + Clone, most: usize) -> Vec<Range<u64>> {
    let mut joins = 0;
    loop {
        let mut runs: Vec<Range<u64>> = Vec::new();
        for number in there.clone() {
            match runs.last_mut() {
                Some(last) if number - last.end <= joins => last.end = number + 1,
                _ => runs.push(number..number + 1),
            }
        }
        if runs.len() <= most.max(1) {
            return runs;
        }
        joins = (2 * joins).max(1);
    }
}

/// Lays all of these, or none, and says why not.
fn lay(runs: &[Range<u64>], memory: &Memory, file: &File) -> io::Result<Result<(), io::Error>> {
    let place = |run: &Range<u64>| {
        let address = memory.range().base + run.start * CHUNK_BYTES;
        (address, (run.end - run.start) * CHUNK_BYTES)
    };
    let laid = runs.iter().try_for_each(|run| {
        let (address, bytes) = place(run);
        memory.lay(address, bytes, file, Chunks::offset(run.start))
    });
    if laid.is_err() {
        // Holes are laid with the rest, and nobody would look at what the file has there; and where Linux could not map the
        // file, there may be nothing at all.
        for run in runs {
            let (address, bytes) = place(run);
            memory.clear(address, bytes)?;
        }
    }
    memory.laid();
    Ok(laid)
}

impl Laid {
    /// Lays that memory over a file that stays as it is; or says why the host does not, and all of the memory is as it was.
    ///
    /// # Errors
    /// Nor can it be as it was: Linux's. The memory is not to be used then.
    pub fn over(
        chunks: &Chunks,
        memory: &Memory,
        file: File,
    ) -> io::Result<Result<Self, io::Error>> {
        let runs = runs(chunks.there(), PIECES);
        let laid = lay(&runs, memory, &file)?;
        Ok(laid.map(|()| Self { file, runs }))
    }

    /// The file.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// The numbers of the chunks that are its own.
    pub fn chunks(&self) -> impl Iterator<Item = u64> + '_ {
        self.runs.iter().cloned().flatten()
    }

    /// How many bytes those are.
    pub fn bytes(&self) -> u64 {
        let chunks = self.runs.iter().map(|run| run.end - run.start);
        chunks.sum::<u64>() * CHUNK_BYTES
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, OpenOptions};
    use std::os::unix::fs::FileExt as _;
    use std::{env, process};
    use vmlock_spec::lock::Range as Addresses;

    /// Linux maps no file that is not open to be read.
    #[test]
    fn where_the_host_maps_no_file_the_memory_is_as_it_was_at_first() {
        let memory = Memory::new(Addresses {
            base: 0x4000_0000,
            size: 3 * CHUNK_BYTES,
        });
        let memory = memory.expect("6 MiB are available");
        let path = env::temp_dir().join(format!("vmlock-laid-{}", process::id()));
        let mut options = OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).open(&path);
        let file = file.expect("the temporary directory takes files");
        file.write_all_at(&[7; 16], Chunks::offset(0))
            .expect("there is room");
        file.set_len(Chunks::offset(3)).expect("there is room");
        let second = 0x4000_0000 + CHUNK_BYTES;
        for address in [0x4000_0000, second] {
            memory.write(address, b"before").expect("it is there");
        }
        let read = |address| memory.read(address, 2).expect("it is there");
        let runs = [0..1, 2..3];
        let why = lay(&runs, &memory, &file).expect("it is as it was");
        let why = why.expect_err("nobody can read it");
        assert_eq!(why.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(
            (read(0x4000_0000), read(second)),
            (vec![0, 0], b"be".to_vec())
        );
        let file = File::open(&path).expect("it is there");
        let laid = lay(&runs, &memory, &file).expect("there is room");
        laid.expect("it is mapped");
        assert_eq!(
            (read(0x4000_0000), read(second)),
            (vec![7, 7], b"be".to_vec())
        );
        fs::remove_file(&path).expect("it was made here");
    }

    #[test]
    fn what_is_there_is_laid_in_few_pieces_and_holes_only_where_there_would_be_too_many() {
        let of = |there: &str, most| {
            let there: Vec<u64> = (0..)
                .zip(there.chars())
                .filter_map(|(at, letter)| (letter == 'x').then_some(at))
                .collect();
            runs(there.into_iter(), most)
        };
        assert_eq!(of("", 4), []);
        assert_eq!(of("....", 4), []);
        assert_eq!(of("x..xx.x", 4), [0..1, 3..5, 6..7]);
        assert_eq!(of("x..xx.x", 2), [0..1, 3..7]);
        assert_eq!(of("x..xx.x", 1), vec![0..7; 1]);
        assert_eq!(of(".x......x.", 1), vec![1..9; 1]);
        // None is left out, whatever there is.
        let many = "x.".repeat(3000);
        let runs = of(&many, PIECES);
        assert!(runs.len() <= PIECES);
        assert_eq!((runs[0].start, runs[runs.len() - 1].end), (0, 5999));
    }
}
