//! Instruction set features by the names that Linux has for them.

use super::aarch32::AARCH32;

/// Instruction set features by their Linux hwcap name (Documentation/arch/arm64/elf_hwcaps.rst)
/// and the ID register fields that announce them, in AArch64 and AArch32.
pub const HWCAPS: &[(&str, &[&str])] = &[
    ("aarch32", &[AARCH32]),
    ("aes", &["ID_AA64ISAR0_EL1.AES", "ID_ISAR5_EL1.AES"]),
    ("asimddp", &["ID_AA64ISAR0_EL1.DP", "ID_ISAR6_EL1.DP"]),
    ("asimdfhm", &["ID_AA64ISAR0_EL1.FHM", "ID_ISAR6_EL1.FHM"]),
    ("asimdrdm", &["ID_AA64ISAR0_EL1.RDM", "ID_ISAR5_EL1.RDM"]),
    ("atomics", &["ID_AA64ISAR0_EL1.ATOMIC"]),
    ("bf16", &["ID_AA64ISAR1_EL1.BF16", "ID_ISAR6_EL1.BF16"]),
    ("crc32", &["ID_AA64ISAR0_EL1.CRC32", "ID_ISAR5_EL1.CRC32"]),
    ("dcpop", &["ID_AA64ISAR1_EL1.DPB"]),
    ("fcma", &["ID_AA64ISAR1_EL1.FCMA", "ID_ISAR5_EL1.VCMA"]),
    ("frint", &["ID_AA64ISAR1_EL1.FRINTTS"]),
    ("i8mm", &["ID_AA64ISAR1_EL1.I8MM", "ID_ISAR6_EL1.I8MM"]),
    ("jscvt", &["ID_AA64ISAR1_EL1.JSCVT", "ID_ISAR6_EL1.JSCVT"]),
    ("lrcpc", &["ID_AA64ISAR1_EL1.LRCPC"]),
    ("mops", &["ID_AA64ISAR2_EL1.MOPS"]),
    ("rng", &["ID_AA64ISAR0_EL1.RNDR"]),
    ("sb", &["ID_AA64ISAR1_EL1.SB", "ID_ISAR6_EL1.SB"]),
    ("sha1", &["ID_AA64ISAR0_EL1.SHA1", "ID_ISAR5_EL1.SHA1"]),
    ("sha2", &["ID_AA64ISAR0_EL1.SHA2", "ID_ISAR5_EL1.SHA2"]),
    ("sha3", &["ID_AA64ISAR0_EL1.SHA3"]),
    ("sm3", &["ID_AA64ISAR0_EL1.SM3"]),
    ("sm4", &["ID_AA64ISAR0_EL1.SM4"]),
    ("ssbs", &["ID_AA64PFR1_EL1.SSBS", "ID_PFR2_EL1.SSBS"]),
];
