//! Descriptions as text: the first look, the parser, and what the tree means.

pub mod decode;
pub mod defaults;
mod elsewhere;
pub mod import;
pub mod json;
pub mod layout;
pub mod nodes;
pub mod reach;
pub mod read;
mod scan;
pub mod sharing;
mod span;
pub mod token;
pub mod write;
