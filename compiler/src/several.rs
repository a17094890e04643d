//! Several machines of one file: what both its forms and their schema say of them.

/// Most machines of a file: each is resolved by itself, and an editor waits for all of them.
pub const MACHINES_MAX: usize = 100;

/// The key of several machines in the JSON form.
pub const SEVERAL: &str = "machines";
