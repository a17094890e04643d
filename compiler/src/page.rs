//! What `fleet` and `drift` say, as the grid of a page for a browser: `vmlock-page` makes the page.

mod drift;
mod fleet;

pub use drift::drift;
pub use fleet::fleet;
