//! The nouns and decisions of vmlock.
