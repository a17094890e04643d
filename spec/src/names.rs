//! Names that people write for baselines, CPU models, registers and hosts, and what they mean by them: the answer that
//! a person needs, where the nearest name would be another thing.

use crate::catalogue::{BASELINES, Catalogue};
use crate::words::did_you_mean;

mod features;
mod models;
mod registers;

pub use features::{feature, feature_elsewhere};
pub use models::{cpu, is_core_of_arm};
pub use registers::{by_number, field, register, spelled};

/// Most names that a help lists as what may be meant.
const MEANT_MAX: usize = 4;

/// A kernel's release in a name such as `kvm-6.8.0`, `v6.8`, `linux-6.8` or `6.8.0-45-generic`.
struct Release {
    major: u32,
    /// `None` where it is not said.
    minor: Option<u32>,
    /// Whether more follows: a stable release, or a distribution's own.
    more: bool,
}

fn release(name: &str) -> Option<Release> {
    let lower = name.trim().to_ascii_lowercase();
    let mut rest = lower.as_str();
    for word in ["mainline", "linux", "kernel", "kvm", "v"] {
        let bare = rest.strip_prefix(word).unwrap_or(rest);
        rest = bare.trim_start_matches(['-', '_', ' ', '/']);
    }
    let number = |text: &str| -> Option<(u32, usize)> {
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        Some((text[..digits].parse().ok()?, digits))
    };
    let (major, length) = number(rest)?;
    let rest = &rest[length..];
    let (minor, rest) = match rest.strip_prefix(['.', '-', '_']) {
        None => (None, rest),
        Some(after) => match number(after) {
            Some((minor, length)) => (Some(minor), &after[length..]),
            None => (None, rest),
        },
    };
    let more = !rest.is_empty();
    // A range is no release.
    if rest.contains("..") {
        return None;
    }
    let plain = rest.is_empty() || rest.starts_with(['.', '-', '_', '+', ' ', '@', ':', ',']);
    plain.then_some(Release { major, minor, more })
}

/// The whole baseline of a release, `kvm-6.12` for `6.12.3` or `linux-6.12`; nothing of what is no release.
pub fn of_release(name: &str) -> Option<String> {
    let release = release(name)?;
    Some(format!("kvm-{}.{}", release.major, release.minor?))
}

/// The name that stands in two words, `kvm 6.8`; nothing where the first is of no family of baselines, or the second no
/// number.
pub fn of_two(family: &str, number: &str) -> Option<String> {
    let family = family.to_ascii_lowercase();
    let family = match family.as_str() {
        "linux" | "kernel" => "kvm",
        family if ["kvm", "psci", "smccc", "debian", "ubuntu"].contains(&family) => family,
        _ => return None,
    };
    let number = number.trim().trim_end_matches('.');
    let is_number = number.starts_with(|c: char| c.is_ascii_digit());
    is_number.then(|| format!("{family}-{number}"))
}

/// What to write for such a name.
pub fn in_two_words(family: &str, number: &str, catalogue: &Catalogue) -> Option<String> {
    let name = of_two(family, number)?;
    Some(match is_known(&name, catalogue) {
        true => format!("write `\"{name}\"`"),
        false => baseline(&name, catalogue),
    })
}

/// Whether there is such a baseline.
pub fn is_known(name: &str, catalogue: &Catalogue) -> bool {
    let name = catalogue.revision(name, &[]);
    catalogue.baseline(name).is_some()
}

/// What to write for a baseline that is not known.
pub fn baseline(name: &str, catalogue: &Catalogue) -> String {
    if let Some(newest) = catalogue.newest(name).filter(|newest| newest.name != name) {
        return format!(
            "write `{}`: what builds on a baseline names its revision",
            newest.name
        );
    }
    let wholes = catalogue.releases();
    let (oldest, newest) = (
        wholes.first().copied().unwrap_or_default(),
        wholes.last().copied().unwrap_or_default(),
    );
    const ADOPT: &str = "`vmlock adopt REPORT` pins a host of it as it is";
    const COMPARED: [char; 5] = ['<', '>', '=', '^', '~'];
    let family = |text: &str| -> String {
        let letters = text.chars().take_while(char::is_ascii_alphabetic);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    // Of a part there is no range either, and it has versions of its own.
    let of_kernel = |name: &str| {
        let of = family(name.trim_start_matches(|c| COMPARED.contains(&c) || c == ' '));
        ["", "v", "kvm", "linux", "kernel", "mainline"].contains(&of.as_str())
    };
    if (name.contains(COMPARED) || name.contains("..")) && of_kernel(name) {
        let mut ends = name.split("..").filter_map(|end| {
            let bare = end.trim_matches(|c: char| !c.is_ascii_digit());
            of_release(bare)
        });
        let one = ends.find(|one| wholes.contains(&one.as_str()));
        // What is named is just what it is not to be.
        if name.contains('!') || name.contains(['<', '>']) && !name.contains('=') {
            return format!(
                "write one release, of `{oldest}` to `{newest}`: a lock is what guests see under one; `runs-on` names the hosts that have to keep it"
            );
        }
        return format!(
            "write one release, `{}`: a lock is what guests see under one; `runs-on` names the hosts that have to keep it",
            one.unwrap_or_else(|| newest.to_owned())
        );
    }
    if let Some(release) = release(name) {
        return of_this(&release, &wholes, oldest, newest, ADOPT);
    }
    let lower = name.to_ascii_lowercase();
    if ["+", "|", "&", "&&", "and", "with", "or", "-"].contains(&lower.as_str()) {
        return "names stand side by side, with nothing but blanks between them".to_owned();
    }
    if let Some(known) = distribution(&lower, catalogue) {
        return format!("write `{known}`");
    }
    const SYSTEMS: [&str; 25] = [
        "debian",
        "ubuntu",
        "rhel",
        "centos",
        "fedora",
        "suse",
        "sles",
        "alpine",
        "amazon",
        "android",
        "rocky",
        "alma",
        "oracle",
        "opensuse",
        "openeuler",
        "raspbian",
        "el8",
        "el9",
        "el10",
        "buster",
        "focal",
        "jammy",
        "noble",
        "al2",
        "bottlerocket",
    ];
    if SYSTEMS.iter().any(|system| lower.starts_with(system)) {
        let standing = catalogue.standing();
        let known: Vec<String> = standing
            .iter()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        return format!(
            "of distributions' kernels there are {}; any other differs from the mainline release that it is made of in its own way: `vmlock adopt REPORT --baseline NAME` makes a baseline of a host of it",
            known.join(", ")
        );
    }
    if [
        "kvm", "linux", "kernel", "latest", "newest", "host", "default",
    ]
    .iter()
    .any(|word| lower.split(['-', '_']).any(|part| part == *word))
    {
        return format!(
            "name the release that the guest was built for, `{oldest}` to `{newest}`: a name never means another one later"
        );
    }
    if catalogue.cpu(&lower).is_some() {
        return format!("`{lower}` is a CPU model: it stands behind `cpu`");
    }
    if ["qemu", "virt", "pc", "machine"].contains(&family(&lower).as_str()) {
        return format!(
            "a machine type of QEMU's says nothing of what a kernel shows: name the kernel's release, `{oldest}` to `{newest}`"
        );
    }
    let all = || catalogue.baseline_names();
    let parts = || BASELINES.iter().filter(|b| b.part.is_some());
    if let Some(part) = part_of_version(&lower, parts().map(|b| b.name.as_ref())) {
        return format!("write `{part}`");
    }
    // A comparison is no slip of the fingers.
    if let Some(near) = did_you_mean(name, all()).filter(|_| !name.contains(COMPARED)) {
        return near;
    }
    let family = match family(&lower) {
        of if of.starts_with("gic") => "gic".to_owned(),
        of => of,
    };
    let family = family.as_str();
    let of_family: Vec<String> = parts()
        .filter(|b| !family.is_empty() && b.name.split('-').any(|part| part == family))
        .map(|b| format!("`{}`", b.name))
        .collect();
    match (family, of_family.as_slice()) {
        ("gic", list) => format!(
            "every guest has a GICv3; what a baseline says of it is the revision in GICD_IIDR: {}",
            list.join(", ")
        ),
        (_, []) => format!(
            "there are `{oldest}` to `{newest}`, and parts: {}",
            parts()
                .map(|b| b.name.as_ref())
                .collect::<Vec<_>>()
                .join(", ")
        ),
        (_, list) => format!("there are {}", list.join(", ")),
    }
}

/// The part that a longer version of its name is of: `psci-1.1` of `PSCI-v1.1.0` and `psci >= 1.1`.
fn part_of_version<'a>(lower: &str, parts: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let digits = lower.find(|c: char| c.is_ascii_digit())?;
    let (family, version) = lower.split_at(digits);
    // What is below or above a version is another one.
    let other = family.contains('!') || family.contains(['<', '>']) && !family.contains('=');
    let family = family.trim_end_matches(|c: char| !c.is_ascii_alphabetic());
    let family = match family.strip_suffix('v') {
        Some(rest) if rest.ends_with(|c: char| !c.is_ascii_alphabetic()) => {
            rest.trim_end_matches(|c: char| !c.is_ascii_alphabetic())
        }
        _ => family,
    };
    let end = version.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (numbers, rest) = version.split_at(end.unwrap_or(version.len()));
    let mut numbers: Vec<&str> = numbers.split('.').collect();
    // `1.1.0` is `1.1`, and nobody knows what `1.1.2` would be.
    while numbers.len() > 2 && numbers.last().is_some_and(|last| *last == "0") {
        numbers.pop();
    }
    let meant = format!("{family}-{}", numbers.join("."));
    let mut parts = parts;
    parts.find(|part| rest.is_empty() && !other && *part == meant)
}

/// Other names of distributions' releases.
const CODE_NAMES: [(&str, &str); 5] = [
    ("amazon-linux-2023", "al2023"),
    ("amazonlinux2023", "al2023"),
    ("bullseye", "debian-11"),
    ("bookworm", "debian-12"),
    ("trixie", "debian-13"),
];

/// A distribution's kernel that there is, spelt in another way: `bookworm`, `Debian 12`, `debian12`.
fn distribution(lower: &str, catalogue: &Catalogue) -> Option<String> {
    let letters =
        |text: &str| -> String { text.chars().filter(|c| !" -_./".contains(*c)).collect() };
    let code = CODE_NAMES.iter().find(|(code, _)| lower.ends_with(code));
    let meant = letters(code.map_or(lower, |(_, name)| name));
    let standing = catalogue.standing();
    let known = standing.iter().find(|(name, _)| letters(name) == meant);
    // `al2023` is the kernel of that release, where there is one.
    let mut begun = standing.iter().filter(|(name, _)| {
        let release = name.rsplit_once('-').map(|(release, _)| letters(release));
        release.is_some_and(|release| {
            release == meant && release.ends_with(|c: char| c.is_ascii_digit())
        })
    });
    let only = begun.next().filter(|_| begun.next().is_none());
    known.or(only).map(|(name, _)| (*name).to_owned())
}

fn of_this(release: &Release, wholes: &[&str], oldest: &str, newest: &str, adopt: &str) -> String {
    let major = format!("kvm-{}.", release.major);
    let of_major: Vec<&str> = wholes
        .iter()
        .copied()
        .filter(|w| w.starts_with(&major))
        .collect();
    let Some(minor) = release.minor else {
        return match (of_major.first(), of_major.last()) {
            (Some(first), Some(last)) => format!("which one? there are `{first}` to `{last}`"),
            _ => format!("there are `{oldest}` to `{newest}`"),
        };
    };
    let meant = format!("kvm-{}.{minor}", release.major);
    if wholes.contains(&meant.as_str()) {
        return match release.more {
            true => format!(
                "write `{meant}`: a baseline is what mainline's release shows (`vmlock explain {meant}` says where stable ones differ); {adopt}"
            ),
            false => format!("write `{meant}`"),
        };
    }
    let number = |name: &str| {
        let (major, minor) = name.strip_prefix("kvm-")?.split_once('.')?;
        Some((major.parse::<u32>().ok()?, minor.parse::<u32>().ok()?))
    };
    let this = Some((release.major, minor));
    if this < number(oldest) {
        format!("the oldest that is known is `{oldest}`; {adopt}")
    } else if this > number(newest) {
        format!(
            "the newest that this vmlock knows is `{newest}`; a newer vmlock may know it, and {adopt}"
        )
    } else {
        let last = of_major.last().copied().unwrap_or(newest);
        format!("there was no such release: `{last}` is the last of its series")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn baselines_are_answered_by_what_is_meant() {
        let catalogue = Catalogue::builtin();
        let of = |name: &str| baseline(name, &catalogue);
        for name in [
            "6.8",
            "v6.8",
            "linux-6.8",
            "kvm6.8",
            "KVM-6.8",
            "kvm_6.8",
            "Linux 6.8",
        ] {
            assert_eq!(of(name), "write `kvm-6.8`", "{name}");
        }
        for name in [
            "kvm-6.8.0",
            "6.8.12",
            "6.8.0-45-generic",
            "kvm-6.8-rc1",
            "6.8+",
        ] {
            assert!(
                of(name).starts_with("write `kvm-6.8`: a baseline is"),
                "{name}"
            );
        }
        assert!(of("kvm-8.0").starts_with("the newest that this vmlock knows is `kvm-7.3`"));
        assert!(of("kvm-7.4").starts_with("the newest that this vmlock knows is `kvm-7.3`"));
        assert!(of("kvm-4.19").starts_with("the oldest that is known is `kvm-5.10`"));
        assert!(of("kvm-5.9").starts_with("the oldest that is known is `kvm-5.10`"));
        assert_eq!(
            of("kvm-6.99"),
            "there was no such release: `kvm-6.19` is the last of its series"
        );
        assert_eq!(of("kvm-6"), "which one? there are `kvm-6.0` to `kvm-6.19`");
        for name in ["kvm >= 6.8", ">=6.8", "^6.8", "~6.8", "kvm-6.8=="] {
            assert!(
                of(name).starts_with("write one release, `kvm-6.8`: "),
                "{name}"
            );
        }
        for name in ["kvm < 6.8", "> 6.8", "kvm != 6.8"] {
            let words = of(name);
            assert!(
                words.starts_with("write one release, of `kvm-5.10` to `kvm-7.3`: "),
                "{name}"
            );
        }
        assert!(of(">= 99").starts_with("write one release, `kvm-7.3`: "));
        for name in ["kvm-6.1..kvm-6.12", "6.1..6.12", "kvm-4.1..kvm-6.1"] {
            assert!(
                of(name).starts_with("write one release, `kvm-6.1`: "),
                "{name}"
            );
        }
        for name in [
            "bookworm",
            "Debian 12",
            "debian12",
            "Debian-12",
            "debian/bookworm",
        ] {
            assert_eq!(of(name), "write `debian-12`", "{name}");
        }
        assert!(of("kvm-latest").starts_with("name the release that the guest was built for"));
        assert!(of("kvm").starts_with("name the release that the guest was built for"));
        let psci = "there are `psci-0.2`, `psci-1.0`, `psci-1.1`, `psci-1.2`, `psci-1.3`";
        for name in [
            "psci-1.4",
            "psci-2.0",
            "psci",
            "psci < 1.1",
            "psci > 1.1",
            "psci != 1.1",
            "psci<1.1",
        ] {
            assert_eq!(of(name), psci, "{name}");
        }
        assert_eq!(of("pcsi-1.1"), "did you mean `psci-1.1`?");
        for name in ["gicv3", "gic-iidr-rev4", "gic"] {
            assert!(
                of(name).contains("GICD_IIDR: `gic-iidr-rev0`, `gic"),
                "{name}: {}",
                of(name)
            );
        }
        assert!(of("smccc-1.2").starts_with("there are `smccc-"));
        assert_eq!(
            of("neoverse-n1"),
            "`neoverse-n1` is a CPU model: it stands behind `cpu`"
        );
        assert!(of("xyz").starts_with("there are `kvm-5.10` to `kvm-7.3`, and parts: psci-"));
        let two = |family: &str, number: &str| in_two_words(family, number, &catalogue);
        for (family, number, name) in [
            ("kvm", "6.8", "kvm-6.8"),
            ("Linux", "6.8", "kvm-6.8"),
            ("PSCI", "1.1", "psci-1.1"),
            ("Debian", "12", "debian-12"),
        ] {
            let said = format!("write `\"{name}\"`");
            assert_eq!(two(family, number), Some(said), "{family} {number}");
        }
        for (family, number, name) in [
            ("kvm", "6.", "kvm-6"),
            ("linux", "6.8.0-45-generic", "kvm-6.8.0-45-generic"),
            ("kvm", "4.19", "kvm-4.19"),
            ("kvm", "99.9", "kvm-99.9"),
            ("ubuntu", "24.04", "ubuntu-24.04"),
        ] {
            assert_eq!(two(family, number), Some(of(name)), "{family} {number}");
        }
        assert_eq!(two("own", "6.8").or_else(|| two("kvm", "own")), None);
    }

    #[test]
    fn cpu_models_are_answered_by_what_is_meant() {
        let catalogue = Catalogue::builtin();
        let of = |name: &str| cpu(name, &catalogue);
        for name in [
            "Neoverse-N1",
            "Neoverse N1",
            "neoverse_n1",
            "n1",
            "neoversen1",
            "arm-neoverse-n1",
        ] {
            assert_eq!(of(name), "did you mean `neoverse-n1`?", "{name}");
        }
        assert_eq!(of("A72"), "did you mean `cortex-a72`?");
        assert_eq!(of("Graviton 2"), "did you mean `graviton2`?");
        assert_eq!(of("ampere-altra"), "its CPU is a `neoverse-n1`: write that");
        assert_eq!(
            of("Raspberry Pi 4"),
            "its CPU is a `cortex-a72`: write that"
        );
        assert!(of("host").starts_with("a lock is for one CPU"));
        for name in ["neoverse-v3", "cortex-a73", "x"] {
            assert!(
                of(name).starts_with("known models: a64fx"),
                "{name}: {}",
                of(name)
            );
        }
    }

    #[test]
    fn registers_are_answered_by_what_is_meant() {
        let one = Some("did you mean `ID_AA64ISAR0_EL1.AES`?".to_owned());
        for name in [
            "ISAR0.AES",
            "ID_AA64ISAR0.AES",
            "AA64ISAR0.AES",
            "id_aa64isar0_el1.aes",
            "ISAR0_EL1.AES",
            "ID_AA64ISAR0_EL1:AES",
            "ID_AA64ISAR0_EL1[7:4]",
            "S3_0_C0_C6_0.AES",
            "0x603000000013c030.AES",
        ] {
            assert_eq!(register(name), one, "{name}");
        }
        assert_eq!(
            register("ISAR0"),
            Some("did you mean `ID_ISAR0_EL1` or `ID_AA64ISAR0_EL1`?".to_owned())
        );
        assert!(register("GICD_IIDR.Revision").is_some_and(|w| w.contains("\"gic-iidr-rev2\"")));
        assert!(register("PSCI_VERSION").is_some_and(|w| w.contains("\"psci-1.1\"")));
        assert!(register("GICD_TYPER2").is_some_and(|w| w.contains("leave it out")));
        assert_eq!(
            register("PMCR_EL1.N"),
            Some("did you mean `PMCR_EL0.N`?".to_owned())
        );
        assert_eq!(
            register("ID_AA64ISAR9_EL1.RNDR"),
            Some("did you mean `ID_AA64ISAR0_EL1.RNDR`?".to_owned())
        );
        for (name, one) in [
            ("ID_AA64PRF0_EL1.SVE", "did you mean `ID_AA64PFR0_EL1.SVE`?"),
            ("ID_AA64PRF0_EL1.XYZ", "did you mean `ID_AA64PFR0_EL1`?"),
        ] {
            assert_eq!(field(name).as_deref(), Some(one), "{name}");
        }
        for (name, begins) in [
            ("ID_AA64PRF0_EL1", "did you mean `ID_AA64PFR0_EL1`? write a"),
            ("3:0:0:4:0", "it is `ID_AA64PFR0_EL1`: write a field"),
        ] {
            assert!(field(name).is_some_and(|said| said.starts_with(begins)));
        }
        for number in ["+3:0:0:4:1", "S3_0_CC0_C4_1"] {
            assert!(by_number(number).is_none(), "{number}");
        }
        assert_eq!(
            spelled("id_aa64isar0_el1.tlb").as_deref(),
            Some("ID_AA64ISAR0_EL1.TLB")
        );
        assert_eq!(register("xyz.xyz"), None);
        assert_eq!(register(""), None);
    }
}
