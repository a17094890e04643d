//! How many ioctls were made: start-up cost is counted, not guessed.

use std::sync::atomic::{AtomicU64, Ordering};

static IOCTLS: AtomicU64 = AtomicU64::new(0);

/// ioctls made so far by this process, KVM_RUN included.
pub fn ioctls() -> u64 {
    IOCTLS.load(Ordering::Relaxed)
}

/// Counts one ioctl and passes its result on.
pub(super) fn counted<T>(result: T) -> T {
    IOCTLS.fetch_add(1, Ordering::Relaxed);
    result
}
