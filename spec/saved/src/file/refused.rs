//! Why a file is none that a guest is restored from: where, and what is wrong there.

use std::fmt;
use std::io;

/// A part of the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// All of it.
    File,
    /// Its header.
    Header,
    /// The table of sections.
    Table,
    /// The section of that name.
    Section(String),
    /// The chunk of guest memory of that number, from 0.
    Chunk(u64),
}

/// Why a file is refused.
#[derive(Debug)]
pub enum Refused {
    /// It could not be read.
    Unreadable(io::Error),
    /// It is not what it should be.
    Wrong {
        /// Where.
        place: Place,
        /// What is wrong, in words.
        words: String,
    },
}

impl Refused {
    /// Something is wrong at that place.
    pub(super) fn at(place: Place, words: impl Into<String>) -> Self {
        Self::Wrong {
            place,
            words: words.into(),
        }
    }

    /// Where, unless it could not be read at all.
    pub fn place(&self) -> Option<&Place> {
        match self {
            Self::Unreadable(_) => None,
            Self::Wrong { place, .. } => Some(place),
        }
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Unreadable(error)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("the file"),
            Self::Header => f.write_str("its header"),
            Self::Table => f.write_str("its table of sections"),
            Self::Section(name) => write!(f, "section `{name}`"),
            Self::Chunk(number) => write!(f, "chunk {number} of guest memory"),
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(error) => write!(f, "the saved guest cannot be read: {error}"),
            Self::Wrong { place, words } => write!(f, "{place}: {words}"),
        }
    }
}

impl std::error::Error for Refused {}
