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

impl Laid {
    /// Lays that memory over a file that stays as it is.
    ///
    /// # Errors
    /// Linux's. The memory is not to be used then.
    pub fn over(chunks: &Chunks, memory: &Memory, file: File) -> io::Result<Self> {
        let runs = runs(chunks.there(), PIECES);
        for run in &runs {
            let address = memory.range().base + run.start * CHUNK_BYTES;
            let bytes = (run.end - run.start) * CHUNK_BYTES;
            memory.lay(address, bytes, &file, Chunks::offset(run.start))?;
        }
        memory.laid();
        Ok(Self { file, runs })
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
