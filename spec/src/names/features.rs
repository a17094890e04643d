//! Features, by the names that compilers, manuals and other programs have for them.

use super::MEANT_MAX;
use crate::catalogue::{HWCAPS, Kind, REGISTERS};

/// Features by the names that compilers, Arm's manuals and other programs have for them where Linux has another.
const FEATURES: [(&str, &str); 19] = [
    ("lse", "atomics"),
    ("lse2", "uscat"),
    ("neon", "asimd"),
    ("simd", "asimd"),
    ("advsimd", "asimd"),
    ("crc", "crc32"),
    ("rdm", "asimdrdm"),
    ("rdma", "asimdrdm"),
    ("dotprod", "asimddp"),
    ("fhm", "asimdfhm"),
    ("fp16fml", "asimdfhm"),
    ("rcpc", "lrcpc"),
    ("dpb", "dcpop"),
    ("dpb2", "dcpodp"),
    ("frintts", "frint"),
    ("pmuv3", "pmu"),
    ("memtag", "mte"),
    ("ptrauth", "pauth"),
    ("pvtime", "steal-time"),
];

/// What is called here what others call so: `atomics` for `FEAT_LSE`.
pub fn feature_elsewhere(name: &str) -> Option<&'static str> {
    let lower = name.to_ascii_lowercase();
    let plain = lower.strip_prefix("feat_").unwrap_or(&lower);
    let found = FEATURES.iter().find(|(theirs, _)| *theirs == plain);
    found.map(|(_, ours)| *ours)
}

/// What to write for a feature by a name that it has elsewhere: `FEAT_RNG`, `RNDR`.
pub fn feature(name: &str) -> Option<String> {
    if let Some(ours) = feature_elsewhere(name) {
        return Some(format!("did you mean `{ours}`?"));
    }
    let plain = name.strip_prefix("FEAT_").unwrap_or(name);
    let hwcap = HWCAPS.iter().find(|h| h.name.eq_ignore_ascii_case(plain));
    match hwcap.filter(|hwcap| hwcap.name != name) {
        Some(hwcap) => Some(format!("did you mean `{}`?", hwcap.name)),
        None => of_field(plain),
    }
}

/// The registers of a field, where it is one of few.
pub(super) fn of_field(field: &str) -> Option<String> {
    let ids = REGISTERS.iter().filter(|r| r.kind == Kind::Id);
    let paths = ids.flat_map(|r| {
        let fields = r
            .fields
            .iter()
            .filter(|f| f.name.eq_ignore_ascii_case(field));
        fields.map(|f| format!("`{}.{}`", r.name, f.name))
    });
    let paths: Vec<String> = paths.collect();
    let few = (1..=MEANT_MAX).contains(&paths.len());
    few.then(|| format!("did you mean {}?", paths.join(" or ")))
}
