//! What the compiler calls where values are moved and compared, and no library is there to have it.
//!
//! Byte by byte and volatile, so that the compiler does not see what they are and call them in their own place.

use core::ptr::{read_volatile, write_volatile};

/// `memcpy` of C.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, bytes: usize) -> *mut u8 {
    for at in 0..bytes {
        // SAFETY: the caller's.
        unsafe { write_volatile(to.add(at), read_volatile(from.add(at))) };
    }
    to
}

/// `memset` of C.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
unsafe extern "C" fn memset(to: *mut u8, byte: i32, bytes: usize) -> *mut u8 {
    for at in 0..bytes {
        // SAFETY: the caller's.
        unsafe { write_volatile(to.add(at), byte as u8) };
    }
    to
}

/// `bcmp` of C, which says whether they differ.
///
/// # Safety
/// As there.
#[unsafe(no_mangle)]
unsafe extern "C" fn bcmp(a: *const u8, b: *const u8, bytes: usize) -> i32 {
    for at in 0..bytes {
        // SAFETY: the caller's.
        let (a, b) = unsafe { (read_volatile(a.add(at)), read_volatile(b.add(at))) };
        if a != b {
            return i32::from(a) - i32::from(b);
        }
    }
    0
}
