//! Requests carried out by io_uring: any number is begun by one system call, and they are under way together.
//!
//! The ring takes what a disk needs of its one file and nothing else, for ever (IORING_REGISTER_RESTRICTIONS, which the
//! 5.10 has): no seccomp filter sees what goes through it. That it refuses the rest is tried before it is used.
//! What an operation needs step by step is [`Job`]'s, and no two flushes are under way at a time: the kernel tells a
//! failure to one of them alone.
//!
//! `unsafe` is here to hand the kernel addresses of guest memory, by submitting them.

use super::file::{HOLE, Raw, ZERO, ZEROES, cannot};
use io_uring::{IoUring, Probe, opcode, register::Restriction, squeue, types};
use nix::errno::Errno;
use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, RawFd};
use std::thread;
use std::time::Duration;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;
use vmlock_virtio::block::Operation;
use vmlock_virtio::block::engine::{Backend as _, Engine};

/// The disk's file, as the ring knows it.
const FILE: types::Fixed = types::Fixed(0);
/// What a flush is known by; requests are known by 16 bits.
const SYNC: u64 = u64::MAX;
/// The most pieces of one call (UIO_MAXIOV of include/uapi/linux/uio.h).
const PIECES: usize = 1024;
/// Letting go of the file (IORING_UNREGISTER_FILES of include/uapi/linux/io_uring.h), after which the ring does nothing.
const LET_GO: u8 = 3;
/// How long it is until the next try, where the kernel has no memory for more requests.
const RETRY: Duration = Duration::from_millis(1);

/// What the ring takes.
const TAKES: [u8; 4] = [
    opcode::Readv::CODE,
    opcode::Writev::CODE,
    opcode::Fsync::CODE,
    opcode::Fallocate::CODE,
];

/// A piece of memory as the kernel has it (`struct iovec`).
#[derive(Clone, Copy)]
#[repr(C)]
struct Piece {
    base: usize,
    length: usize,
}

const _: () = assert!(size_of::<Piece>() == size_of::<libc::iovec>());

/// What is under way for an operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    /// Its bytes are read or written.
    Move,
    /// The file's room is changed.
    Allocate,
    /// It is made stable.
    Sync,
}

/// What follows from a step's result.
#[derive(Debug)]
enum Next {
    /// The step that it is at, from where it is.
    Step,
    /// It is over.
    Over(io::Result<()>),
}

/// An operation step by step. Pure.
struct Job {
    operation: Operation,
    step: Step,
    /// Where the next byte is on the disk.
    offset: u64,
    pieces: Vec<Piece>,
    /// How many of them are done.
    done: usize,
}

impl Job {
    const NONE: Self = Self {
        operation: Operation::Flush,
        step: Step::Sync,
        offset: 0,
        pieces: Vec::new(),
        done: 0,
    };

    /// Begins an operation on such pieces.
    fn begin(&mut self, operation: Operation, pieces: impl Iterator<Item = Piece>) -> Next {
        self.operation = operation;
        self.pieces.clear();
        self.pieces.extend(pieces.filter(|piece| piece.length > 0));
        self.done = 0;
        (self.step, self.offset) = match operation {
            Operation::Read { offset, .. } | Operation::Write { offset, .. } => {
                (Step::Move, offset)
            }
            Operation::Flush => (Step::Sync, 0),
            Operation::Discard { offset, .. } | Operation::Zero { offset, .. } => {
                (Step::Allocate, offset)
            }
        };
        match (self.step, self.pieces.is_empty()) {
            (Step::Move, true) => self.done(),
            _ => Next::Step,
        }
    }

    /// What follows from the result of a step, as the kernel gives it.
    fn after(&mut self, result: i32) -> Next {
        let errno = match result {
            moved @ 0.. => return self.succeeded(moved as usize),
            error => Errno::from_raw(error.saturating_neg()),
        };
        match (self.step, self.operation) {
            (_, _) if errno == Errno::EINTR => Next::Step,
            (Step::Allocate, Operation::Discard { .. }) if cannot(errno) => Next::Over(Ok(())),
            (Step::Allocate, Operation::Zero { length, .. }) if cannot(errno) => {
                self.step = Step::Move;
                let mut left = length;
                while left > 0 {
                    let length = left.min(ZEROES.len() as u64) as usize;
                    // Nothing is written to it.
                    let base = ZEROES.as_ptr() as usize;
                    self.pieces.push(Piece { base, length });
                    left -= length as u64;
                }
                Next::Step
            }
            _ => Next::Over(Err(errno.into())),
        }
    }

    fn succeeded(&mut self, moved: usize) -> Next {
        match self.step {
            Step::Move if moved == 0 => Next::Over(Err(ErrorKind::UnexpectedEof.into())),
            Step::Move => {
                self.advance(moved);
                match self.done < self.pieces.len() {
                    true => Next::Step,
                    false => self.done(),
                }
            }
            Step::Allocate => self.done(),
            Step::Sync => Next::Over(Ok(())),
        }
    }

    /// The disk has it; it may have to be stable.
    fn done(&mut self) -> Next {
        match self.operation {
            Operation::Write { stable: true, .. } | Operation::Zero { stable: true, .. } => {
                self.step = Step::Sync;
                Next::Step
            }
            _ => Next::Over(Ok(())),
        }
    }

    fn advance(&mut self, mut moved: usize) {
        self.offset = self.offset.saturating_add(moved as u64);
        while let Some(piece) = self.pieces.get_mut(self.done) {
            if moved < piece.length {
                piece.base = piece.base.wrapping_add(moved);
                piece.length -= moved;
                return;
            }
            moved -= piece.length;
            self.done += 1;
        }
    }

    /// What the ring is asked for, of a step that is no flush.
    fn entry(&self) -> squeue::Entry {
        let left = self.pieces.get(self.done..).unwrap_or_default();
        let left = &left[..left.len().min(PIECES)];
        let (at, count) = (left.as_ptr().cast::<libc::iovec>(), left.len() as u32);
        match (self.step, self.operation) {
            (Step::Sync, _) => sync(),
            (Step::Allocate, operation) => {
                let (length, mode) = match operation {
                    Operation::Zero {
                        length,
                        unmap: false,
                        ..
                    } => (length, ZERO),
                    Operation::Zero { length, .. } | Operation::Discard { length, .. } => {
                        (length, HOLE)
                    }
                    _ => (0, HOLE),
                };
                opcode::Fallocate::new(FILE, length)
                    .offset(self.offset)
                    .mode(mode.bits())
                    .build()
            }
            (Step::Move, Operation::Read { .. }) => opcode::Readv::new(FILE, at, count)
                .offset(self.offset)
                .build(),
            (Step::Move, _) => opcode::Writev::new(FILE, at, count)
                .offset(self.offset)
                .build(),
        }
    }
}

fn sync() -> squeue::Entry {
    opcode::Fsync::new(FILE)
        .flags(types::FsyncFlags::DATASYNC)
        .build()
}

/// A disk's ring.
pub struct Uring {
    ring: IoUring,
    raw: Raw,
    jobs: Vec<Job>,
    over: VecDeque<(u16, io::Result<()>)>,
    /// Who is in the ring and not submitted, in that order.
    begun: VecDeque<u64>,
    /// How many the kernel has.
    under_way: usize,
    /// Who waits for the flush that is under way, and for the next one.
    syncing: Vec<u16>,
    waiting: Vec<u16>,
    /// No operation takes another step.
    resting: bool,
    /// Nothing can be submitted any more.
    broken: bool,
}

impl Uring {
    /// A ring for a file that is a disk, whose queue has so many descriptors.
    ///
    /// # Errors
    /// The host has none that is as restricted as it has to be.
    pub fn new(file: File, queue: u16) -> io::Result<Self> {
        let entries = u32::from(queue).next_power_of_two();
        // Where that is not known it is not needed: nobody has to be interrupted for what is over.
        let ring = IoUring::builder()
            .setup_r_disabled()
            .setup_coop_taskrun()
            .build(entries)
            .or_else(|_| IoUring::builder().setup_r_disabled().build(entries))?;
        let has = ring.params();
        // Without workers of its own (Linux before 5.12), a process that ends leaves writes behind that come later.
        if !has.is_feature_submit_stable()
            || !has.is_feature_nodrop()
            || !has.is_feature_native_workers()
        {
            return Err(io::Error::other("its io_uring is too old"));
        }
        let submitter = ring.submitter();
        submitter.register_files(&[file.as_raw_fd()])?;
        let mut probe = Probe::new();
        submitter.register_probe(&mut probe)?;
        if !TAKES.iter().all(|&code| probe.is_supported(code)) {
            return Err(io::Error::other("its io_uring does not do all of it"));
        }
        let fixed = squeue::Flags::FIXED_FILE.bits();
        let flags = [
            Restriction::sqe_flags_allowed(fixed),
            Restriction::sqe_flags_required(fixed),
        ];
        let mut only: Vec<Restriction> = TAKES.map(Restriction::sqe_op).into();
        only.extend(flags);
        only.push(Restriction::register_op(LET_GO));
        submitter.register_restrictions(&mut only)?;
        submitter.register_enable_rings()?;
        let mut ring = Self {
            ring,
            raw: Raw::new(file),
            jobs: (0..queue).map(|_| Job::NONE).collect(),
            over: VecDeque::new(),
            begun: VecDeque::new(),
            under_way: 0,
            syncing: Vec::new(),
            waiting: Vec::new(),
            resting: false,
            broken: false,
        };
        ring.is_restricted()?;
        Ok(ring)
    }

    /// Whether it refuses what it has to, and takes what it may.
    fn is_restricted(&mut self) -> io::Result<()> {
        let none: [Piece; 0] = [];
        let at = none.as_ptr().cast();
        let plain = types::Fd(self.raw.file().as_raw_fd());
        let nothing = opcode::Nop::new().build().flags(squeue::Flags::FIXED_FILE);
        for refused in [nothing, opcode::Readv::new(plain, at, 0).build()] {
            if self.alone(&refused)? != -libc::EACCES {
                return Err(io::Error::other("its io_uring takes what was forbidden"));
            }
        }
        match self.ring.submitter().unregister_eventfd() {
            Err(error) if error.raw_os_error() == Some(libc::EACCES) => {}
            _ => return Err(io::Error::other("its io_uring can be changed")),
        }
        match self.alone(&opcode::Readv::new(FILE, at, 0).build())? {
            0 => Ok(()),
            error => Err(io::Error::from_raw_os_error(error.saturating_neg())),
        }
    }

    /// The result of an entry that needs no memory, and is the only one.
    fn alone(&mut self, entry: &squeue::Entry) -> io::Result<i32> {
        // SAFETY: it has the address of no byte.
        let pushed = unsafe { self.ring.submission().push(entry) };
        pushed.map_err(|_| io::Error::other("its io_uring is full"))?;
        self.ring.submit_and_wait(1)?;
        let over = self.ring.completion().next();
        let over = over.ok_or_else(|| io::Error::other("its io_uring says nothing"))?;
        Ok(over.result())
    }

    /// What becomes readable when something is over.
    pub fn wakes(&self) -> RawFd {
        self.ring.as_raw_fd()
    }

    /// Carries on with an operation.
    fn follow(&mut self, token: u16, next: Next) {
        match next {
            Next::Over(result) => self.over.push_back((token, result)),
            Next::Step if self.resting => self.over.push_back((token, Ok(()))),
            Next::Step => {
                let Some(job) = self.jobs.get(usize::from(token)) else {
                    return;
                };
                match job.step {
                    Step::Sync if self.syncing.is_empty() => {
                        self.syncing.push(token);
                        self.push(sync().user_data(SYNC));
                    }
                    Step::Sync => self.waiting.push(token),
                    Step::Move | Step::Allocate => {
                        let entry = job.entry().user_data(token.into());
                        self.push(entry);
                    }
                }
            }
        }
    }

    fn push(&mut self, entry: squeue::Entry) {
        let which = entry.get_user_data();
        while !self.broken {
            // SAFETY: the pieces are those of a job that stays as it is until this is over. They are guest memory,
            // which outlives its device (`Serving` has both, and drops the device first), and which nobody takes for
            // memory that does not change; or zeroes that are there for ever. `drop` waits for all.
            if unsafe { self.ring.submission().push(&entry) }.is_ok() {
                self.begun.push_back(which);
                return;
            }
            self.enter(0);
        }
        self.ended(which, -libc::EIO);
    }

    /// Submits what was begun, and waits for so many to be over.
    fn enter(&mut self, wait: usize) {
        match self.ring.submit_and_wait(wait) {
            Ok(0) if !self.begun.is_empty() => thread::sleep(RETRY),
            Ok(submitted) => {
                self.begun.drain(..submitted.min(self.begun.len()));
                self.under_way += submitted;
            }
            Err(error) => match error.raw_os_error() {
                Some(libc::EINTR) => {}
                // There is no memory for it now.
                Some(libc::EAGAIN | libc::EBUSY) => thread::sleep(RETRY),
                _ => {
                    self.broken = true;
                    for which in std::mem::take(&mut self.begun) {
                        self.ended(which, -libc::EIO);
                    }
                }
            },
        }
    }

    /// Looks at what is over.
    fn look(&mut self) {
        loop {
            let Some(over) = self.ring.completion().next() else {
                return;
            };
            self.under_way = self.under_way.saturating_sub(1);
            self.ended(over.user_data(), over.result());
        }
    }

    fn ended(&mut self, which: u64, result: i32) {
        if which == SYNC {
            return self.synced(result);
        }
        let Ok(token) = u16::try_from(which) else {
            return;
        };
        if let Some(job) = self.jobs.get_mut(usize::from(token)) {
            let next = job.after(result);
            self.follow(token, next);
        }
    }

    /// A flush is over, for all who waited for it. Who came meanwhile needs one of their own.
    fn synced(&mut self, result: i32) {
        for token in std::mem::take(&mut self.syncing) {
            if let Some(job) = self.jobs.get_mut(usize::from(token)) {
                let next = job.after(result);
                self.follow(token, next);
            }
        }
        let mut waiting = std::mem::take(&mut self.waiting);
        if self.resting {
            waiting
                .drain(..)
                .for_each(|t| self.over.push_back((t, Ok(()))));
        }
        // One is enough for all of them: it is begun now.
        let first = self.syncing.is_empty() && !waiting.is_empty();
        self.syncing.append(&mut waiting);
        if first {
            self.push(sync().user_data(SYNC));
        }
    }
}

impl Engine for Uring {
    fn begin<B: BitmapSlice>(
        &mut self,
        token: u16,
        operation: Operation,
        data: &[VolatileSlice<B>],
    ) {
        let piece = |slice: &VolatileSlice<B>| Piece {
            base: slice.ptr_guard_mut().as_ptr() as usize,
            length: slice.len(),
        };
        if let Some(job) = self.jobs.get_mut(usize::from(token)) {
            let next = job.begin(operation, data.iter().map(piece));
            self.follow(token, next);
        }
    }

    fn submit(&mut self) {
        while !self.begun.is_empty() {
            self.enter(0);
        }
    }

    fn over(&mut self) -> Option<(u16, io::Result<()>)> {
        if self.over.is_empty() {
            self.look();
        }
        self.over.pop_front()
    }

    fn rest(&mut self) {
        self.resting = true;
        loop {
            self.look();
            match (self.begun.is_empty() && self.under_way == 0, self.broken) {
                (true, _) => break,
                (false, false) => self.enter(1),
                // What the kernel has is over without being asked for.
                (false, true) => thread::sleep(RETRY),
            }
        }
        self.resting = false;
    }

    fn flush(&mut self) -> io::Result<()> {
        self.raw.flush()
    }

    fn close(&mut self) {
        self.rest();
        self.broken = true;
        // By itself the kernel lets go of it some time after the ring was closed, and its file system is busy until then.
        // Once is enough.
        let _ = self.ring.submitter().unregister_files();
    }
}

impl Drop for Uring {
    fn drop(&mut self) {
        self.close();
    }
}

#[cfg(test)]
mod tests;
