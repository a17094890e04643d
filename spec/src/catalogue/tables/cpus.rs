//! Made of `spec/catalogue/cpus/` by `VMLOCK_UPDATE=1 cargo test -p vmlock-catalogue-reader --test tables`.

use vmlock_catalogue_types::{CpuModel};

mod a64fx;
mod cortex_a710;
mod cortex_a72;
mod cortex_a76;
mod graviton2;
mod graviton3;
mod graviton4;
mod max;
mod neoverse_n1;
mod neoverse_n2;
mod neoverse_v1;

/// Every CPU model, sorted by file.
pub static CPUS: &[CpuModel] = &[
    a64fx::A64FX,
    cortex_a710::CORTEX_A710,
    cortex_a72::CORTEX_A72,
    cortex_a76::CORTEX_A76,
    graviton2::GRAVITON2,
    graviton3::GRAVITON3,
    graviton4::GRAVITON4,
    max::MAX,
    neoverse_n1::NEOVERSE_N1,
    neoverse_n2::NEOVERSE_N2,
    neoverse_v1::NEOVERSE_V1,
];
