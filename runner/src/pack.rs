//! Many saved guests in one file, or on one disk without a file system, without the zeros that most of each is: those that a guest
//! leaves at its moments. With the feature `torture` alone.

use std::fs::{File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// Bytes of a block that is there or not.
const BLOCK: usize = 64 << 10;
/// Behind the last guest, and behind the last block of one.
const END: u64 = u64::MAX;

/// A pack that is being written.
pub struct Packer(BufWriter<File>);

impl Packer {
    /// In that file, from its beginning.
    pub fn new(path: &Path) -> io::Result<Self> {
        let mut options = OpenOptions::new();
        // A disk is there already, and has the length that it has.
        let file = options
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)?;
        Ok(Self(BufWriter::new(file)))
    }

    /// One guest more: its number and its file.
    pub fn add(&mut self, number: u64, file: &File) -> io::Result<()> {
        let length = file.metadata()?.len();
        self.word(number)?;
        self.word(length)?;
        for offset in (0..length).step_by(BLOCK) {
            let mut block = vec![0; BLOCK.min((length - offset) as usize)];
            file.read_exact_at(&mut block, offset)?;
            if block.iter().any(|byte| *byte != 0) {
                self.word(offset)?;
                self.0.write_all(&block)?;
            }
        }
        self.word(END)
    }

    /// No more.
    pub fn end(mut self) -> io::Result<()> {
        self.word(END)?;
        self.0
            .into_inner()
            .map_err(io::IntoInnerError::into_error)?
            .sync_all()
    }

    fn word(&mut self, word: u64) -> io::Result<()> {
        self.0.write_all(&word.to_le_bytes())
    }
}

/// A pack that is being read.
pub struct Unpacker(BufReader<File>);

impl Unpacker {
    /// That of a file.
    pub fn new(path: &Path) -> io::Result<Self> {
        File::open(path).map(|file| Self(BufReader::new(file)))
    }

    /// The next guest into that file: its number; `None` behind the last.
    pub fn next(&mut self, into: &Path) -> io::Result<Option<u64>> {
        let number = self.word()?;
        if number == END {
            return Ok(None);
        }
        let (length, file) = (self.word()?, File::create(into)?);
        file.set_len(length)?;
        loop {
            let offset = self.word()?;
            if offset == END {
                return Ok(Some(number));
            }
            let left = length.checked_sub(offset).filter(|left| *left > 0);
            let left = left.ok_or(io::ErrorKind::InvalidData)?;
            let mut block = vec![0; BLOCK.min(left as usize)];
            self.0.read_exact(&mut block)?;
            file.write_all_at(&block, offset)?;
        }
    }

    fn word(&mut self) -> io::Result<u64> {
        let mut bytes = [0; 8];
        self.0.read_exact(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek as _, SeekFrom};
    use vmm_sys_util::tempfile::TempFile;

    fn file() -> TempFile {
        TempFile::new().expect("a file")
    }

    #[test]
    fn what_is_packed_comes_out_as_it_was() {
        let pack = file();
        // A disk, which is longer than what is written to it.
        pack.as_file().set_len(8 << 20).expect("a length");
        let mut packer = Packer::new(pack.as_path()).expect("a pack");
        let mut guests = Vec::new();
        for (number, length, at) in [
            (7, 5 * BLOCK + 3, 5 * BLOCK + 1),
            (20, BLOCK, 0),
            (21, 0, 0),
        ] {
            let mut bytes = vec![0; length];
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 9;
            }
            let mut guest = file().into_file();
            guest.write_all(&bytes).expect("written");
            guest.seek(SeekFrom::Start(0)).expect("its beginning");
            packer.add(number, &guest).expect("added");
            guests.push((number, bytes));
        }
        packer.end().expect("an end");
        let mut unpacker = Unpacker::new(pack.as_path()).expect("a pack");
        for (number, bytes) in guests {
            let into = file();
            let next = unpacker.next(into.as_path()).expect("a guest");
            assert_eq!(next, Some(number));
            assert_eq!(std::fs::read(into.as_path()).expect("a file"), bytes);
        }
        assert_eq!(unpacker.next(file().as_path()).expect("an end"), None);
    }

    #[test]
    fn what_is_no_pack_or_ends_early_is_an_error() {
        let pack = file();
        pack.as_file().set_len(1 << 20).expect("a length");
        let mut zeros = Unpacker::new(pack.as_path()).expect("a file");
        zeros.next(file().as_path()).expect_err("a disk of zeros");
        pack.as_file().set_len(12).expect("a length");
        let mut short = Unpacker::new(pack.as_path()).expect("a file");
        short.next(file().as_path()).expect_err("too short");
    }
}
