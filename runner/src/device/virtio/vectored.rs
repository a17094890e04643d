//! System calls over pieces of guest memory, which is no slice of this program: the
//! guest changes it meanwhile.
//!
//! `unsafe` is here for that alone: `preadv`, `pwritev`, `readv` and `writev` take addresses.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsRawFd;
use vm_memory::VolatileSlice;
use vm_memory::bitmap::BitmapSlice;

/// The most pieces of one call (UIO_MAXIOV of include/uapi/linux/uio.h).
const PIECES: usize = 1024;

/// Pieces of the guest's memory that are still to be moved.
struct Pieces<'s> {
    left: Vec<libc::iovec>,
    /// How many of them are done.
    done: usize,
    /// They are valid for as long as the slices are.
    _slices: std::marker::PhantomData<&'s ()>,
}

impl<'s> Pieces<'s> {
    fn new<B: BitmapSlice>(slices: &'s [VolatileSlice<B>]) -> Self {
        let piece = |slice: &VolatileSlice<B>| libc::iovec {
            iov_base: slice.ptr_guard_mut().as_ptr().cast(),
            iov_len: slice.len(),
        };
        Self {
            left: slices.iter().map(piece).collect(),
            done: 0,
            _slices: std::marker::PhantomData,
        }
    }

    /// Moves all of them, at an offset and on: `call` moves some, and tells how many bytes.
    fn all(
        &mut self,
        mut offset: u64,
        mut call: impl FnMut(&[libc::iovec], libc::off_t) -> libc::ssize_t,
    ) -> io::Result<()> {
        loop {
            let left = &self.left[self.done..];
            if left.is_empty() {
                return Ok(());
            }
            let now = &left[..left.len().min(PIECES)];
            let at = libc::off_t::try_from(offset).map_err(|_| ErrorKind::FileTooLarge)?;
            match call(now, at) {
                0 if now.iter().all(|piece| piece.iov_len == 0) => self.done += now.len(),
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                moved @ 1.. => {
                    self.advance(moved as usize);
                    offset = offset.saturating_add(moved as u64);
                }
                _ => {
                    let error = io::Error::last_os_error();
                    if error.kind() != ErrorKind::Interrupted {
                        return Err(error);
                    }
                }
            }
        }
    }

    fn advance(&mut self, mut moved: usize) {
        while let Some(piece) = self.left.get_mut(self.done) {
            if moved < piece.iov_len {
                piece.iov_base = piece.iov_base.wrapping_byte_add(moved);
                piece.iov_len -= moved;
                return;
            }
            moved -= piece.iov_len;
            self.done += 1;
        }
    }
}

/// Fills pieces of guest memory from a file.
///
/// # Errors
/// The host's; [`ErrorKind::UnexpectedEof`] where the file ends before.
pub fn read_at<B: BitmapSlice>(
    file: &File,
    offset: u64,
    into: &[VolatileSlice<B>],
) -> io::Result<()> {
    Pieces::new(into).all(offset, |pieces, at| {
        // SAFETY: each piece is within a slice of mapped guest memory that outlives the call, and which nobody
        // takes for memory that does not change. The kernel checks the rest.
        unsafe { libc::preadv(file.as_raw_fd(), pieces.as_ptr(), pieces.len() as i32, at) }
    })
}

/// Writes pieces of guest memory to a file.
///
/// # Errors
/// The host's.
pub fn write_at<B: BitmapSlice>(
    file: &File,
    offset: u64,
    from: &[VolatileSlice<B>],
) -> io::Result<()> {
    Pieces::new(from).all(offset, |pieces, at| {
        // SAFETY: as in `read_at`.
        unsafe { libc::pwritev(file.as_raw_fd(), pieces.as_ptr(), pieces.len() as i32, at) }
    })
}

/// Reads once, into memory of ours, on into pieces of guest memory and, where these are too few, into more of ours; how
/// many bytes came.
///
/// # Errors
/// The host's.
pub fn read_once<B: BitmapSlice>(
    file: &File,
    first: &mut [u8],
    then: &[VolatileSlice<B>],
    spill: &mut [u8],
) -> io::Result<usize> {
    let ours = |bytes: &mut [u8]| libc::iovec {
        iov_base: bytes.as_mut_ptr().cast(),
        iov_len: bytes.len(),
    };
    let mut pieces = vec![ours(first)];
    pieces.extend(Pieces::new(then).left);
    pieces.push(ours(spill));
    // SAFETY: as in `read_at`; the first piece and the last are borrowed by this function alone.
    let read = unsafe { libc::readv(file.as_raw_fd(), pieces.as_ptr(), count(&pieces)?) };
    moved(read)
}

/// Writes once, bytes of ours and pieces of guest memory behind them; how many bytes went.
///
/// # Errors
/// The host's.
pub fn write_once<B: BitmapSlice>(
    file: &File,
    first: &[u8],
    then: &[VolatileSlice<B>],
) -> io::Result<usize> {
    let mut pieces = vec![libc::iovec {
        // Nothing is written to it.
        iov_base: first.as_ptr().cast_mut().cast(),
        iov_len: first.len(),
    }];
    pieces.extend(Pieces::new(then).left);
    // SAFETY: as in `read_at`; the first piece is borrowed by this function.
    let written = unsafe { libc::writev(file.as_raw_fd(), pieces.as_ptr(), count(&pieces)?) };
    moved(written)
}

fn count(pieces: &[libc::iovec]) -> io::Result<libc::c_int> {
    let few = libc::c_int::try_from(pieces.len()).ok();
    few.filter(|_| pieces.len() <= PIECES)
        .ok_or_else(|| ErrorKind::InvalidInput.into())
}

fn moved(bytes: libc::ssize_t) -> io::Result<usize> {
    usize::try_from(bytes).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::FileExt;
    use vmm_sys_util::tempfile::TempFile;

    fn slices(buffer: &mut [u8], sizes: &[usize]) -> Vec<VolatileSlice<'static>> {
        let mut at = buffer.as_mut_ptr();
        let one = |&size: &usize| {
            // SAFETY: the test keeps the buffer, which is large enough, for as long as it uses these.
            let slice = unsafe { VolatileSlice::new(at, size) };
            at = at.wrapping_add(size);
            slice
        };
        sizes.iter().map(one).collect()
    }

    #[test]
    fn pieces_are_moved_in_order_and_whole() {
        let file = TempFile::new().expect("a file").into_file();
        let mut buffer: Vec<u8> = (0..6000u32).map(|n| (n % 251) as u8).collect();
        let bytes = buffer.clone();
        // More pieces than one call takes, some of them empty.
        let sizes: Vec<usize> = (0..3000).map(|n| [3, 0, 2, 3, 2][n % 5]).collect();
        assert_eq!(sizes.iter().sum::<usize>(), 6000);
        write_at(&file, 100, &slices(&mut buffer, &sizes)).expect("there is room");
        let mut seen = vec![0; 6000];
        file.read_exact_at(&mut seen, 100).expect("it was written");
        assert_eq!(seen, bytes);
        let mut again = vec![0; 6000];
        read_at(&file, 100, &slices(&mut again, &sizes)).expect("it is there");
        assert_eq!(again, bytes);
    }

    #[test]
    fn an_end_in_the_middle_and_an_odd_offset_are_errors() {
        let file = TempFile::new().expect("a file").into_file();
        file.set_len(1000).expect("room");
        let mut buffer = vec![0; 600];
        let pieces = slices(&mut buffer, &[300, 300]);
        let kind = |offset| read_at(&file, offset, &pieces).map_err(|e| e.kind());
        assert_eq!(kind(400), Ok(()));
        assert_eq!(kind(401), Err(ErrorKind::UnexpectedEof));
        assert_eq!(kind(u64::MAX), Err(ErrorKind::FileTooLarge));
    }

    #[test]
    fn what_was_moved_is_not_moved_again() {
        let mut buffer = vec![0; 10];
        let pieces = slices(&mut buffer, &[4, 0, 6]);
        let mut calls = Vec::new();
        let moved = Pieces::new(&pieces).all(7, |left, at| {
            let sizes: Vec<usize> = left.iter().map(|piece| piece.iov_len).collect();
            calls.push((at, sizes));
            [3, 4, 3][calls.len() - 1]
        });
        moved.expect("all of it");
        assert_eq!(
            calls,
            [(7, vec![4, 0, 6]), (10, vec![1, 0, 6]), (14, vec![3])]
        );
    }

    #[test]
    fn once_is_once_and_what_does_not_fit_spills() {
        use std::os::fd::OwnedFd;
        use std::os::unix::net::UnixDatagram;
        let (one, other) = UnixDatagram::pair().expect("sockets");
        let [one, other] = [one, other].map(|socket| File::from(OwnedFd::from(socket)));
        let mut buffer = *b"abcdef";
        let sent = write_once(&one, b"12", &slices(&mut buffer, &[2, 0, 4]));
        assert_eq!(sent.ok(), Some(8));
        assert_eq!(
            write_once(&one, b"3", &slices(&mut buffer, &[])).ok(),
            Some(1)
        );
        let (mut first, mut buffer, mut spill) = ([0; 1], [0; 4], [0; 9]);
        let pieces = slices(&mut buffer, &[1, 3]);
        let read = read_once(&other, &mut first, &pieces, &mut spill);
        assert_eq!(read.ok(), Some(8));
        assert_eq!(
            (&first, &buffer, &spill[..4]),
            (b"1", b"2abc", &b"def\0"[..])
        );
        let read = read_once(&other, &mut first, &pieces, &mut spill);
        assert_eq!(read.ok(), Some(1));
    }
}
