//! A file that says it is a saved guest: see `vmlock_saved::file::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vmlock_saved::file::fuzz::file(data));
