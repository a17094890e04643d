//! Positions of the protocol and bytes of a text, each in the other's terms. A line ends with `\n`, `\r\n` or `\r`; columns
//! count what client and server agreed upon.

use gen_lsp_types::{Position, PositionEncodingKind, Range};
use std::ops;

/// What a column counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Bytes.
    Utf8,
    /// Units of UTF-16: two for an emoji. What every client knows.
    Utf16,
    /// Characters.
    Utf32,
}

impl Encoding {
    /// The one to use with a client that names these: bytes where it can, which need no counting.
    pub fn agreed<'a>(offered: impl Iterator<Item = &'a str> + Clone) -> Self {
        let has = |name: &str| offered.clone().any(|other| other == name);
        match () {
            () if has("utf-8") => Self::Utf8,
            () if has("utf-32") && !has("utf-16") => Self::Utf32,
            () => Self::Utf16,
        }
    }

    /// How the protocol calls it.
    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf16 => PositionEncodingKind::UTF16,
            Self::Utf32 => PositionEncodingKind::UTF32,
        }
    }

    fn width(self, c: char) -> usize {
        match self {
            Self::Utf8 => c.len_utf8(),
            Self::Utf16 => c.len_utf16(),
            Self::Utf32 => 1,
        }
    }
}

/// Where the lines of a text begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    starts: Vec<usize>,
}

impl Lines {
    /// Those of a text.
    pub fn of(text: &str) -> Self {
        let mut starts = vec![0];
        let bytes = text.as_bytes();
        for (at, byte) in bytes.iter().enumerate() {
            match byte {
                b'\n' => starts.push(at + 1),
                b'\r' if bytes.get(at + 1) != Some(&b'\n') => starts.push(at + 1),
                _ => {}
            }
        }
        Self { starts }
    }

    /// Follows an edit: `text` is what came of it, in which `length` bytes stand for what stood at `span`.
    pub fn edit(&mut self, text: &str, span: ops::Range<usize>, length: usize) {
        // A `\r` before it may have been half of a line's end, or become one.
        let first = self.line_of(span.start.saturating_sub(1));
        let from = self.starts[first];
        let kept = self.starts.partition_point(|start| *start <= span.end);
        let shifted = |start: &usize| start - span.end + span.start + length;
        let behind: Vec<usize> = self.starts[kept..].iter().map(shifted).collect();
        let until = behind.first().copied().unwrap_or(usize::MAX);
        self.starts.truncate(first + 1);
        let part = text.get(from..).unwrap_or("");
        let part = part.get(..until.saturating_sub(from)).unwrap_or(part);
        let more = Self::of(part)
            .starts
            .into_iter()
            .skip(1)
            .map(|at| at + from);
        self.starts.extend(more.filter(|start| *start < until));
        self.starts.extend(behind);
    }

    /// The bytes of a line, without its end; empty behind the last one.
    pub fn line(&self, text: &str, line: usize) -> ops::Range<usize> {
        let Some(start) = self.starts.get(line).copied() else {
            return text.len()..text.len();
        };
        let end = self.starts.get(line + 1).copied().unwrap_or(text.len());
        let whole = text.get(start..end).unwrap_or("");
        start..start + whole.trim_end_matches(['\r', '\n']).len()
    }

    /// The number of the line that a byte stands in.
    pub fn line_of(&self, offset: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= offset)
            .saturating_sub(1)
    }

    /// The position of a byte; of one within a character, that of the character; of one behind the end, the end.
    pub fn position(&self, text: &str, offset: usize, encoding: Encoding) -> Position {
        let offset = text.floor_char_boundary(offset.min(text.len()));
        let line = self.line_of(offset);
        let start = self.starts.get(line).copied().unwrap_or(0);
        let before = text.get(start..offset).unwrap_or("");
        let column: usize = match encoding {
            Encoding::Utf8 => before.len(),
            _ => before.chars().map(|c| encoding.width(c)).sum(),
        };
        Position {
            line: narrow(line),
            character: narrow(column),
        }
    }

    /// The byte of a position: behind a line's end it is that end, behind the last line the text's end, within a
    /// character its beginning.
    pub fn offset(&self, text: &str, position: Position, encoding: Encoding) -> usize {
        let line = self.line(text, position.line as usize);
        let words = text.get(line.clone()).unwrap_or("");
        let mut left = position.character as usize;
        for (at, c) in words.char_indices() {
            let width = encoding.width(c);
            if left < width {
                return line.start + at;
            }
            left -= width;
        }
        line.end
    }

    /// A span of bytes as a range.
    pub fn range(&self, text: &str, span: ops::Range<usize>, encoding: Encoding) -> Range {
        Range {
            start: self.position(text, span.start, encoding),
            end: self.position(text, span.end.max(span.start), encoding),
        }
    }
}

/// A number of the protocol; no text has as many lines.
fn narrow(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32];

    #[test]
    fn columns_behind_an_emoji() {
        let text = "a\r\né🦀x\r\nb";
        let lines = Lines::of(text);
        let x = text.find('x').unwrap();
        for (encoding, column) in ALL.into_iter().zip([6, 3, 2]) {
            let position = lines.position(text, x, encoding);
            assert_eq!(
                (position.line, position.character),
                (1, column),
                "{encoding:?}"
            );
            assert_eq!(lines.offset(text, position, encoding), x);
        }
    }

    #[test]
    fn every_byte_comes_back() {
        for text in ["", "\n", "a\rb\r\nc\n\n", "é🦀\n👩‍🚀 x\r", "\u{2028}a"] {
            let lines = Lines::of(text);
            for encoding in ALL {
                for at in (0..=text.len()).filter(|at| text.is_char_boundary(*at)) {
                    // Between `\r` and `\n` there is no position of its own.
                    if at > 0 && text[..at].ends_with('\r') && text[at..].starts_with('\n') {
                        continue;
                    }
                    let position = lines.position(text, at, encoding);
                    assert_eq!(lines.offset(text, position, encoding), at, "{text:?} {at}");
                }
            }
        }
    }

    #[test]
    fn what_is_too_far_is_the_end() {
        let text = "ab\r\n🦀";
        let lines = Lines::of(text);
        let at =
            |line, character| lines.offset(text, Position { line, character }, Encoding::Utf16);
        assert_eq!(at(0, 99), 2);
        assert_eq!(at(9, 0), text.len());
        assert_eq!(at(u32::MAX, u32::MAX), text.len());
        // Within the pair that an emoji is.
        assert_eq!(at(1, 1), 4);
        assert_eq!(lines.position(text, 5, Encoding::Utf16).character, 0);
    }

    #[test]
    fn bytes_are_chosen_where_a_client_has_them() {
        let agreed = |names: &[&str]| Encoding::agreed(names.iter().copied());
        assert_eq!(agreed(&[]), Encoding::Utf16);
        assert_eq!(agreed(&["utf-16", "utf-8"]), Encoding::Utf8);
        assert_eq!(agreed(&["utf-32", "utf-16"]), Encoding::Utf16);
        assert_eq!(agreed(&["utf-32"]), Encoding::Utf32);
        assert_eq!(agreed(&["utf-7"]), Encoding::Utf16);
    }
}
