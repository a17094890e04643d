//! The catalogue as constant tables.
//!
//! Made of `spec/catalogue/` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

mod baselines;
mod cpus;
mod encodings;
mod features;
mod names;
mod registers;
mod texts;
mod vmms;

pub use baselines::BASELINES;
pub use cpus::CPUS;
pub use features::{HWCAPS, NEEDS};
pub(super) use encodings::{SYSTEM_REGISTERS, SYSTEM_REGISTERS_BY_NAME};
pub(super) use names::BY_NAME;
pub use registers::REGISTERS;
pub use texts::{MADE_OF, TEXTS};
pub use vmms::VMMS;
