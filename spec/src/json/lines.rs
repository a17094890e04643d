//! How a lock (from version 2 on) and a saved guest are laid out: one fact a line.
//!
//! What stands at the top and what stands directly in that is broken into
//! lines, lists too; every object in a list, or deeper, is one line.

use serde_json::ser::Formatter;
use std::io::{self, Write};

/// Objects that are opened at this depth or deeper are one line.
const ONE_LINE: usize = 2;

/// The layout.
#[derive(Default)]
pub(super) struct Lines {
    /// Open objects and lists.
    depth: usize,
    /// Depth at which a line began that holds all of an object.
    line: Option<usize>,
    /// Whether the innermost open object or list has something in it.
    filled: bool,
}

impl Lines {
    fn indent<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        for _ in 0..self.depth {
            writer.write_all(b"  ")?;
        }
        Ok(())
    }

    fn open<W: ?Sized + Write>(&mut self, writer: &mut W, bracket: &[u8]) -> io::Result<()> {
        self.depth += 1;
        self.filled = false;
        writer.write_all(bracket)
    }

    fn element<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        match (self.line.is_some(), first) {
            (true, true) => Ok(()),
            (true, false) => writer.write_all(b", "),
            (false, true) => self.indent(writer),
            (false, false) => {
                writer.write_all(b",")?;
                self.indent(writer)
            }
        }
    }

    fn close<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.filled && self.line.is_none() {
            self.indent(writer)?;
        }
        self.filled = true;
        Ok(())
    }
}

impl Formatter for Lines {
    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.open(writer, b"[")
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.close(writer)?;
        writer.write_all(b"]")
    }
    fn begin_array_value<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.element(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        if self.line.is_none() && self.depth >= ONE_LINE {
            self.line = Some(self.depth);
        }
        self.open(writer, b"{")
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let filled = self.filled;
        self.close(writer)?;
        if self.line.is_some() && filled {
            writer.write_all(b" ")?;
        }
        if self.line == Some(self.depth) {
            self.line = None;
        }
        writer.write_all(b"}")
    }
    fn begin_object_key<W: ?Sized + Write>(
        &mut self,
        writer: &mut W,
        first: bool,
    ) -> io::Result<()> {
        self.element(writer, first)?;
        if self.line.is_some() && first {
            writer.write_all(b" ")?;
        }
        Ok(())
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.filled = true;
        Ok(())
    }
}
