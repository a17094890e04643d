//! The JSON form of a description, and where its values stand in the text.

use super::decode::{ENTRIES_MAX, too_many};
use crate::diagnostic::Diagnostic;
use crate::location::{Places, Source};
use std::rc::Rc;
use vmlock_spec::vm::VmSpec;

/// Reads a description in its JSON form.
///
/// # Errors
/// The first thing that is wrong: the JSON Schema in an editor shows the others.
pub fn decode(source: &Rc<Source>) -> Result<(VmSpec, Places), Box<Diagnostic>> {
    let spec: VmSpec = serde_json::from_str(&source.text).map_err(|error| {
        let at = offset(&source.text, error.line(), error.column());
        let words = error.to_string();
        let words = words.rsplit_once(" at line ").map_or(words.as_str(), |(w, _)| w).to_owned();
        Box::new(
            Diagnostic::error("spec::json", words)
                .at(source, at..at, "here")
                .help("`vmlock schema spec` prints the JSON Schema of this form; an editor that has it points at every error"),
        )
    })?;
    let mut places = Places::new(Rc::clone(source));
    let mut walker = Walker {
        text: source.text.as_bytes(),
        at: 0,
    };
    walker.value(&mut String::new(), &mut places);
    if places.count() > ENTRIES_MAX {
        return Err(Box::new(too_many(source, places.count())));
    }
    Ok((spec, places))
}

/// The byte offset of serde_json's line and column (bytes, from 1).
pub fn offset(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text
        .split_inclusive('\n')
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let mut at = (start + column.saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// Walks JSON that has been read successfully, so depth and form are known to be fine.
struct Walker<'a> {
    text: &'a [u8],
    at: usize,
}

impl Walker<'_> {
    fn blank(&mut self) {
        while self
            .peek()
            .is_some_and(|b| b.is_ascii_whitespace() || b == b',' || b == b':')
        {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// The raw text of a string, without its quotes.
    fn string(&mut self) -> String {
        let start = self.at + 1;
        self.at = start;
        while self.peek().is_some_and(|b| b != b'"') {
            self.at += 1 + usize::from(self.peek() == Some(b'\\'));
        }
        let end = self.at.min(self.text.len());
        self.at = (end + 1).min(self.text.len());
        String::from_utf8_lossy(&self.text[start..end]).into_owned()
    }

    fn value(&mut self, pointer: &mut String, places: &mut Places) {
        self.blank();
        let (start, length) = (self.at, pointer.len());
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                loop {
                    self.blank();
                    if self.peek() != Some(b'"') {
                        break;
                    }
                    let key = self.string();
                    pointer.push('/');
                    pointer.push_str(&key);
                    self.value(pointer, places);
                    pointer.truncate(length);
                }
                self.at += 1;
            }
            Some(b'[') => {
                self.at += 1;
                for index in 0.. {
                    self.blank();
                    if matches!(self.peek(), None | Some(b']')) {
                        break;
                    }
                    pointer.push_str(&format!("/{index}"));
                    self.value(pointer, places);
                    pointer.truncate(length);
                }
                self.at += 1;
            }
            Some(b'"') => {
                self.string();
            }
            _ => {
                let ends = |b: u8| b.is_ascii_whitespace() || b",]}".contains(&b);
                while self.peek().is_some_and(|b| !ends(b)) {
                    self.at += 1;
                }
            }
        }
        let end = self.at.min(self.text.len());
        // A block is best shown by its bracket alone.
        let scalar = !matches!(self.text.get(start), Some(b'{' | b'['));
        places.note(pointer.clone(), start..if scalar { end } else { start + 1 });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found() {
        let text =
            r#"{ "name": "a\"b", "abi": ["x", "kvm-6.8"], "cpu": {"model": "m", "count": 2} }"#;
        let source = Rc::new(Source {
            path: "x".into(),
            text: text.into(),
        });
        let mut places = Places::new(Rc::clone(&source));
        let mut walker = Walker {
            text: text.as_bytes(),
            at: 0,
        };
        walker.value(&mut String::new(), &mut places);
        let said = |p: &str| &text[places.find(p)];
        assert_eq!(said("/name"), r#""a\"b""#);
        assert_eq!(said("/abi/1"), r#""kvm-6.8""#);
        assert_eq!(said("/cpu/count"), "2");
        assert_eq!(said("/cpu/count/deeper"), "2");
        assert_eq!(said("/nothing"), "{");
    }
}
