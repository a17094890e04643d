//! Who carries out what a disk's requests ask for: one that has several under way
//! ([`Engine`]), or one that does each at once ([`AtOnce`] of a [`Backend`]).

use super::Operation;
use std::collections::VecDeque;
use std::io;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;

/// Carries out operations, in any order. A flush makes stable all writes that were over before it was begun.
pub trait Engine {
    /// Begins an operation, which is known by `token` until it is over. `data` are the pieces that it fills or writes: they
    /// are there until then.
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        operation: Operation,
        data: &[VolatileSlice<B>],
    );

    /// Has all that was begun under way.
    fn submit(&mut self);

    /// An operation that is over, and what became of it.
    fn over(&mut self) -> Option<(u16, io::Result<()>)>;

    /// Waits until nothing is under way any more: then [`Engine::over`] has all that was begun. Steps that an operation still
    /// needs are left out: nobody waits for it.
    fn rest(&mut self);

    /// Makes stable what was written, at once.
    ///
    /// # Errors
    /// The host's.
    fn flush(&mut self) -> io::Result<()>;

    /// Lets go of the disk, at rest: nothing is carried out any more.
    fn close(&mut self) {}
}

/// Who has a disk. Each call is over when it returns; offsets and lengths are those of an [`Operation`].
///
/// What a host cannot do is its business: where it cannot discard, nothing happens and that is no error; where it cannot
/// zero, it writes zeroes.
pub trait Backend {
    /// Fills the pieces in order.
    ///
    /// # Errors
    /// The host's; then what is in the pieces is unknown.
    fn read<B: BitmapSlice>(&mut self, offset: u64, into: &[VolatileSlice<B>]) -> io::Result<()>;

    /// Writes the pieces in order.
    ///
    /// # Errors
    /// The host's; then what is on the disk there is unknown.
    fn write<B: BitmapSlice>(
        &mut self,
        offset: u64,
        from: &[VolatileSlice<B>],
        stable: bool,
    ) -> io::Result<()>;

    /// Makes what was written stable.
    ///
    /// # Errors
    /// The host's.
    fn flush(&mut self) -> io::Result<()>;

    /// Forgets what is there, if that can be done.
    ///
    /// # Errors
    /// The host's.
    fn discard(&mut self, offset: u64, length: u64) -> io::Result<()>;

    /// Zeroes what is there.
    ///
    /// # Errors
    /// The host's.
    fn zero(&mut self, offset: u64, length: u64, unmap: bool, stable: bool) -> io::Result<()>;
}

/// A backend as an engine: an operation is over before the next one begins.
pub struct AtOnce<D> {
    backend: D,
    over: VecDeque<(u16, io::Result<()>)>,
}

impl<D: Backend> AtOnce<D> {
    /// The engine of that one.
    pub fn new(backend: D) -> Self {
        Self {
            backend,
            over: VecDeque::new(),
        }
    }

    /// Who does it, to be looked at.
    pub fn doer(&self) -> &D {
        &self.backend
    }

    /// Who does it.
    pub fn backend(&mut self) -> &mut D {
        &mut self.backend
    }
}

impl<D: Backend> Engine for AtOnce<D> {
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        operation: Operation,
        data: &[VolatileSlice<B>],
    ) {
        let backend = &mut self.backend;
        let result = match operation {
            Operation::Read { offset, .. } => backend.read(offset, data),
            Operation::Write { offset, stable, .. } => backend.write(offset, data, stable),
            Operation::Flush => backend.flush(),
            Operation::Discard { offset, length } => backend.discard(offset, length),
            Operation::Zero {
                offset,
                length,
                unmap,
                stable,
            } => backend.zero(offset, length, unmap, stable),
        };
        self.over.push_back((token, result));
    }

    fn submit(&mut self) {}

    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        self.over.pop_front()
    }

    fn rest(&mut self) {}

    fn flush(&mut self) -> io::Result<()> {
        self.backend.flush()
    }
}
