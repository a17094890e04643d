//! Which blocks of a disk were written last: where one that has changed since is looked at first.
//!
//! Whoever writes a disk writes the ends of it, or what was written a moment ago: journals, superblocks, logs.

use super::Operation;
use super::engine::Engine;
use std::collections::VecDeque;
use std::io;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;

/// Bytes of a block.
pub const BLOCK: u64 = 4096;
/// How many blocks are remembered.
pub const MOST: usize = 64;

/// The blocks that were written last, by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// The latest one is the last.
    blocks: VecDeque<u64>,
}

impl Written {
    /// Remembers what an operation may change, whatever becomes of it.
    pub fn note(&mut self, operation: Operation) {
        let (offset, length) = match operation {
            Operation::Write { offset, data, .. } => (offset, data.length),
            Operation::Discard { offset, length } | Operation::Zero { offset, length, .. } => {
                (offset, length)
            }
            Operation::Read { .. } | Operation::Flush => return,
        };
        let Some(last) = length.checked_sub(1) else {
            return;
        };
        let last = offset.saturating_add(last) / BLOCK;
        let first = (offset / BLOCK).max(last.saturating_sub(MOST as u64 - 1));
        for block in first..=last {
            self.add(block);
        }
    }

    fn add(&mut self, block: u64) {
        if self.blocks.back() == Some(&block) {
            return;
        }
        if let Some(at) = self.blocks.iter().position(|&one| one == block) {
            self.blocks.remove(at);
        } else if self.blocks.len() == MOST {
            self.blocks.pop_front();
        }
        self.blocks.push_back(block);
    }

    /// Their numbers, in order of their places.
    pub fn blocks(&self) -> Vec<u64> {
        let mut blocks: Vec<u64> = self.blocks.iter().copied().collect();
        blocks.sort_unstable();
        blocks
    }

    /// Those of an earlier run; of more than [`MOST`], the last ones.
    pub fn of(blocks: impl IntoIterator<Item = u64>) -> Self {
        let mut written = Self::default();
        blocks.into_iter().for_each(|block| written.add(block));
        written
    }
}

/// An engine of which is known what it wrote last.
pub struct Noted<E> {
    /// Who carries out what is asked for.
    pub engine: E,
    /// What that was.
    pub written: Written,
}

impl<E> Noted<E> {
    /// One that has written nothing yet.
    pub fn new(engine: E) -> Self {
        Self {
            engine,
            written: Written::default(),
        }
    }
}

impl<E: Engine> Engine for Noted<E> {
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        operation: Operation,
        data: &[VolatileSlice<B>],
    ) {
        self.written.note(operation);
        self.engine.begin(token, operation, data);
    }

    fn submit(&mut self) {
        self.engine.submit();
    }

    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        self.engine.over()
    }

    fn rest(&mut self) {
        self.engine.rest();
    }

    fn flush(&mut self) -> io::Result<()> {
        self.engine.flush()
    }

    fn close(&mut self) {
        self.engine.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chain::Span;

    fn write(offset: u64, length: u64) -> Operation {
        let data = Span { skip: 16, length };
        Operation::Write {
            offset,
            data,
            stable: false,
        }
    }

    #[test]
    fn the_last_blocks_that_may_have_changed_are_known() {
        let mut written = Written::default();
        let data = Span {
            skip: 0,
            length: 512,
        };
        written.note(Operation::Read { offset: 0, data });
        written.note(Operation::Flush);
        written.note(write(0, 0));
        assert!(written.blocks().is_empty());
        written.note(write(4096 * 9 + 512, 512));
        written.note(write(4096 - 512, 1024));
        written.note(write(4096 * 9, 512));
        written.note(Operation::Discard {
            offset: 4096 * 20,
            length: 4096,
        });
        written.note(Operation::Zero {
            offset: 4096 * 30,
            length: 4097,
            unmap: true,
            stable: false,
        });
        assert_eq!(written.blocks(), [0, 1, 9, 20, 30, 31]);
        assert_eq!(Written::of(written.blocks()).blocks(), written.blocks());
        // One that is written again counts anew; of a large one, its end does.
        for block in 100..158 {
            written.note(write(4096 * block, 512));
        }
        assert_eq!(written.blocks().len(), MOST);
        written.note(write(4096 * 20, 512));
        for block in 200..263 {
            written.note(write(4096 * block, 512));
        }
        assert_eq!(written.blocks()[..2], [20, 200]);
        written.note(write(0, 1 << 30));
        let last = (1 << 30) / 4096;
        let expected: Vec<u64> = (last - MOST as u64..last).collect();
        assert_eq!(written.blocks(), expected);
        written.note(write(u64::MAX - 511, 1024));
        assert_eq!(written.blocks().last(), Some(&(u64::MAX / 4096)));
    }
}
