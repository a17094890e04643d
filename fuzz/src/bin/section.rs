//! A section of such a file: see `vmlock_saved::file::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vmlock_saved::file::fuzz::section(data));
