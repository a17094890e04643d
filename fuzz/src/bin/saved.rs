//! What a device is restored from: see `vmlock_virtio::fuzz`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| vmlock_virtio::fuzz::saved(data));
