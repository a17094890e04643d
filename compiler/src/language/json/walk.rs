//! Where the values of a text that is JSON stand, and keys that stand twice.

use super::shortened;
use crate::diagnostic::Diagnostic;
use crate::language::decode::ENTRIES_MAX;
use crate::location::{Places, Source};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Of how many values of a lock or a host report the place is kept, some ten times those of a real one: a file must not decide
/// how much memory that takes. What has none is shown where that stands which it is in.
pub(super) const PLACES_MAX: usize = 200_000;

/// The longest way to a value whose place is kept, in bytes.
const POINTER_MAX: usize = 256;

/// Longest part of a key that a place is called by, in characters; those that mean something are short.
pub(super) const KEY_CHARS_MAX: usize = 64;

/// Walks a text that is JSON; the first `places` of its values have a place.
pub(super) fn walked(source: &Arc<Source>, most: usize) -> Walker<'_> {
    let mut walker = Walker::new(source, most);
    walker.value(&mut String::new());
    walker
}

/// Walks JSON that has been read successfully, so depth and form are known to be fine.
pub(super) struct Walker<'a> {
    source: &'a Arc<Source>,
    text: &'a [u8],
    at: usize,
    pub(super) places: Places,
    /// Where the keys stand, by the place of what they name.
    pub(super) keys: BTreeMap<String, Range<usize>>,
    /// How many values have a place.
    most: usize,
    pub(super) count: usize,
    /// Keys that stand twice in one object.
    pub(super) twice: Vec<Diagnostic>,
    /// A place of the text whose value is looked for: the innermost one there, or what ended last before it within that.
    pub(super) sought: Option<usize>,
    /// What was found there: its pointer, and where it stands.
    pub(super) met: Option<(String, Range<usize>)>,
}

impl<'a> Walker<'a> {
    pub(super) fn new(source: &'a Arc<Source>, most: usize) -> Self {
        Walker {
            source,
            text: source.text.as_bytes(),
            at: 0,
            places: Places::new(Arc::clone(source)),
            keys: BTreeMap::new(),
            most,
            count: 0,
            twice: Vec::new(),
            sought: None,
            met: None,
        }
    }

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

    /// Where a string stands, with its quotes.
    fn string(&mut self) -> Range<usize> {
        let start = self.at;
        self.at += 1;
        while self.peek().is_some_and(|b| b != b'"') {
            self.at += 1 + usize::from(self.peek() == Some(b'\\'));
        }
        self.at = (self.at + 1).min(self.text.len());
        start..self.at
    }

    fn object(&mut self, pointer: &mut String) {
        let length = pointer.len();
        let mut keys: BTreeMap<String, Range<usize>> = BTreeMap::new();
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return;
            }
            let span = self.string();
            // As it is read, not as it is spelt: `"n\u0061me"` is `name`.
            let key = serde_json::from_slice(&self.text[span.clone()]);
            let key: String = key.unwrap_or_default();
            pointer.push('/');
            pointer.extend(key.chars().take(KEY_CHARS_MAX));
            if self.count <= self.most && pointer.len() <= POINTER_MAX {
                self.keys.insert(pointer.clone(), span.clone());
            }
            if let Some(first) = keys.get(&key) {
                self.given_twice(&key, span, first.clone());
            } else {
                keys.insert(key, span);
            }
            self.value(pointer);
            pointer.truncate(length);
        }
    }

    fn given_twice(&mut self, key: &str, again: Range<usize>, first: Range<usize>) {
        if self.twice.len() == ENTRIES_MAX {
            return;
        }
        let message = format!("`{}` is given twice", shortened(key, KEY_CHARS_MAX));
        self.twice.push(
            Diagnostic::error("spec::duplicate-property", message)
                .at(self.source, again, "again here")
                .at(self.source, first, "first here")
                .help("keep one of the two"),
        );
    }

    pub(super) fn value(&mut self, pointer: &mut String) {
        self.blank();
        let (start, length) = (self.at, pointer.len());
        match self.peek() {
            Some(b'{') => {
                self.at += 1;
                self.object(pointer);
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
                    self.value(pointer);
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
        self.count += 1;
        let end = self.at.min(self.text.len());
        // A block is best shown by its bracket alone.
        let scalar = !matches!(self.text.get(start), Some(b'{' | b'['));
        let span = start..if scalar { end } else { start + 1 };
        if let Some(sought) = self.sought {
            let within = (start..end).contains(&sought);
            // What is wrong at the end of an object is wrong with all of it.
            let closes = within && sought + 1 == end && self.text.get(start) == Some(&b'{');
            let inner = |(_, met): &(String, Range<usize>)| met.start >= start;
            if end <= sought || closes || within && !self.met.as_ref().is_some_and(inner) {
                self.met = Some((pointer.chars().take(POINTER_MAX).collect(), span.clone()));
            }
            if within {
                self.sought = None;
            }
        }
        if self.count > self.most || pointer.len() > POINTER_MAX {
            return;
        }
        self.places.note(pointer.clone(), span);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_take_no_more_memory_than_a_few_of_each_byte() {
        let mut text = "1".to_owned();
        for _ in 0..100 {
            text = format!("{{\"{}\": {text}}}", "k".repeat(64));
        }
        let source = Arc::new(Source {
            path: "x".into(),
            text: format!("[{}]", vec!["0"; PLACES_MAX + 9].join(",")),
        });
        let all = walked(&source, PLACES_MAX);
        let last = |at: usize| all.places.get(&format!("/{at}"));
        assert!(last(PLACES_MAX - 1).is_some() && last(PLACES_MAX).is_none());
        let source = Arc::new(Source {
            path: "x".into(),
            text,
        });
        let all = walked(&source, PLACES_MAX);
        assert!(all.keys.keys().all(|key| key.len() <= POINTER_MAX));
        assert_eq!(all.keys.len(), 3);
    }
}
