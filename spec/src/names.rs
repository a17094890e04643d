//! Names that people write for baselines, CPU models, registers and hosts, and what they mean by them: the answer that
//! a person needs, where the nearest name would be another thing.

use crate::catalogue::{
    BASELINES, Catalogue, HWCAPS, Kind, REGISTERS, RegisterInfo, register_by_id, register_by_name,
};
use crate::words::did_you_mean;

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
    // Of a part there is no range either: it is answered like one of another version.
    let of_kernel = |name: &str| {
        let of = family(name.trim_start_matches(|c| COMPARED.contains(&c) || c == ' '));
        ["", "v", "kvm", "linux", "kernel", "mainline"].contains(&of.as_str())
    };
    if (name.contains(COMPARED) || name.contains("..")) && of_kernel(name) {
        let bare = name.trim_matches(|c: char| !c.is_ascii_digit());
        let one = of_release(bare).filter(|one| wholes.contains(&one.as_str()));
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
    if let Some(near) = did_you_mean(name, all()) {
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
    parts.find(|part| rest.is_empty() && *part == meant)
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

/// Machines and products by the CPU that they have.
const PRODUCTS: [(&str, &str); 19] = [
    ("c6g", "graviton2"),
    ("m6g", "graviton2"),
    ("r6g", "graviton2"),
    ("t4g", "graviton2"),
    ("c7g", "graviton3"),
    ("m7g", "graviton3"),
    ("r7g", "graviton3"),
    ("c8g", "graviton4"),
    ("m8g", "graviton4"),
    ("r8g", "graviton4"),
    ("altra", "neoverse-n1"),
    ("altramax", "neoverse-n1"),
    ("rpi4", "cortex-a72"),
    ("rpi5", "cortex-a76"),
    ("cobalt100", "neoverse-n2"),
    ("yitian710", "neoverse-n2"),
    ("raspberrypi4", "cortex-a72"),
    ("raspberrypi5", "cortex-a76"),
    ("fugaku", "a64fx"),
];

/// What to write for a CPU model that is not known.
pub fn cpu(name: &str, catalogue: &Catalogue) -> String {
    const OWN: &str =
        "`vmlock cpu REPORT --name NAME -o NAME.kdl` makes a model of a host's CPU, for `import`";
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(char::is_ascii_alphanumeric);
        letters.map(|c| c.to_ascii_lowercase()).collect()
    };
    let word = plain(name);
    let word = word.strip_prefix("arm").unwrap_or(&word);
    if [
        "host",
        "native",
        "hostpassthrough",
        "auto",
        "default",
        "any",
    ]
    .contains(&word)
    {
        return format!(
            "a lock is for one CPU, and names its model: {OWN}, and `vmlock adopt REPORT` a whole description; `vmlock explain` lists the \
             models that there are"
        );
    }
    let same: Vec<&str> = catalogue
        .cpu_names()
        .filter(|model| {
            // From one of its words on.
            let rests = model.match_indices('-').map(|(at, _)| &model[at..]);
            let mut names = std::iter::once(*model).chain(rests);
            word.len() > 1 && names.any(|name| plain(name) == word)
        })
        .collect();
    if let [one] = same.as_slice() {
        return format!("did you mean `{one}`?");
    }
    // A size of a cloud's machine is none of its CPU: `c6g.large`.
    let kind = plain(name.split('.').next().unwrap_or(name));
    let product = PRODUCTS
        .iter()
        .find(|(product, _)| word.ends_with(product) || kind == **product);
    if let Some((_, model)) = product.filter(|(_, model)| catalogue.cpu(model).is_some()) {
        return format!("its CPU is a `{model}`: write that");
    }
    let parts = by_part(word, catalogue);
    if !parts.is_empty() {
        let names: Vec<String> = parts.iter().map(|name| format!("`{name}`")).collect();
        return match names.as_slice() {
            [one] => format!(
                "that is what MIDR_EL1 says of `{}`: write that",
                one.trim_matches('`')
            ),
            several => format!(
                "that is what MIDR_EL1 says of {}: write one of them",
                several.join(" and of ")
            ),
        };
    }
    // The name of another core is no slip of the fingers, a Neoverse V2 is no N2; a key that was struck twice is one.
    let once = |text: &str| {
        let mut letters: Vec<char> = text.to_ascii_lowercase().chars().collect();
        letters.dedup();
        letters
    };
    let whole = is_core_of_arm(name);
    let near = catalogue
        .cpu_names()
        .filter(|model| !whole || once(model) == once(name));
    let near = did_you_mean(name, near);
    near.unwrap_or_else(|| {
        let names: Vec<&str> = catalogue.cpu_names().collect();
        format!("known models: {}; {OWN}", names.join(", "))
    })
}

/// Whether that is how Arm calls a core: `cortex-a57`, `Neoverse V2`.
pub fn is_core_of_arm(name: &str) -> bool {
    let lower = name.to_ascii_lowercase();
    let Some((family, core)) = lower.split_once(['-', '_', ' ']) else {
        return false;
    };
    let letters = core.bytes().take_while(u8::is_ascii_alphabetic).count();
    let digits = core[letters..]
        .bytes()
        .take_while(u8::is_ascii_digit)
        .count();
    ["cortex", "neoverse"].contains(&family) && letters == 1 && digits > 0
}

/// The models whose MIDR_EL1 has that value, or else that implementer's part, or part number.
fn by_part<'a>(word: &str, catalogue: &'a Catalogue) -> Vec<&'a str> {
    let digits = word.strip_prefix("0x");
    let Some(number) = digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()) else {
        return Vec::new();
    };
    const PART: u64 = 0xff00_fff0;
    let midr = |model: &str| {
        let cpu = catalogue.cpu(model)?;
        let found = cpu.registers.iter().find(|r| r.register == "MIDR_EL1")?;
        Some(found.value)
    };
    let like = |fits: &dyn Fn(u64) -> bool| -> Vec<&'a str> {
        let names = catalogue.cpu_names();
        names.filter(|name| midr(name).is_some_and(fits)).collect()
    };
    match (number <= 0xfff, like(&|midr| midr == number)) {
        (true, _) => like(&|midr| midr >> 4 & 0xfff == number),
        (false, same) if !same.is_empty() => same,
        (false, _) => like(&|midr| midr & PART == number & PART),
    }
}

/// A register by its KVM id (`0x603000000013c030`), as assemblers write it (`S3_0_C0_C6_0`), or the first of a row.
pub fn by_number(name: &str) -> Option<&'static RegisterInfo> {
    if name.contains("<n>") {
        return register_by_name(&name.replace("<n>", "0"));
    }
    let digits = name.strip_prefix("0x").unwrap_or(name);
    if digits.len() == 16 {
        return register_by_id(u64::from_str_radix(digits, 16).ok()?);
    }
    let upper = name.to_ascii_uppercase();
    // Encodings are written with colons, too: `3:0:0:4:0`.
    let parts: Vec<&str> = match upper.strip_prefix('S') {
        Some(rest) => rest.split('_').collect(),
        None => upper.split(':').collect(),
    };
    let [op0, op1, crn, crm, op2] = parts.as_slice() else {
        return None;
    };
    let number = |text: &str, most: u16| text.parse::<u16>().ok().filter(|n| *n <= most);
    let bare = |text: &str| text.trim_start_matches('C').to_owned();
    if upper.starts_with('S') && !(crn.starts_with('C') && crm.starts_with('C')) {
        return None;
    }
    let encoding = number(op0, 3)? << 14
        | number(op1, 7)? << 11
        | number(&bare(crn), 15)? << 7
        | number(&bare(crm), 15)? << 3
        | number(op2, 7)?;
    REGISTERS.iter().find(|r| r.encoding == Some(encoding))
}

/// The same where a field has to stand: of a whole register it says which there are.
pub fn field(path: &str) -> Option<String> {
    let help = register(path)?;
    let one = help.strip_prefix("did you mean `");
    let one = one.and_then(|rest| rest.strip_suffix("`?"));
    match one.and_then(register_by_name) {
        Some(register) => Some(of_register(
            register,
            &format!("it is `{}`: ", register.name),
        )),
        None => Some(help),
    }
}

/// That a field of the register is to be written, and which there are.
fn of_register(register: &RegisterInfo, before: &str) -> String {
    let name = &register.name;
    let fields: Vec<&str> = register.fields.iter().map(|f| f.name.as_ref()).collect();
    let one = fields.first().unwrap_or(&"FIELD");
    let fields = fields.join(", ");
    format!("{before}write a field of it, such as `{name}.{one}`; there are {fields}")
}

/// What to write for a register, or a field of one, that is not known by that name; nothing where nothing is like it.
pub fn register(path: &str) -> Option<String> {
    if let Some(words) = elsewhere(path) {
        return Some(words);
    }
    if let Some(register) = register_by_name(path) {
        return Some(of_register(register, ""));
    }
    if let Some(register) = by_number(path) {
        return Some(format!("did you mean `{}`?", register.name));
    }
    let path = in_sources(path);
    let path = path.as_str();
    let (name, rest) = match path.find(['.', ':', '[', '/', ' ']) {
        Some(at) => (&path[..at], path[at + 1..].trim_matches([']', ' ', ':'])),
        None => (path, ""),
    };
    // As Linux's sources call it.
    let linux = name
        .strip_prefix("SYS_")
        .or_else(|| name.strip_prefix("sys_"));
    let name = linux.unwrap_or(name);
    let upper = match by_number(name) {
        Some(register) => register.name.to_string(),
        None => name.trim().to_ascii_uppercase(),
    };
    let ids = || REGISTERS.iter().filter(|r| r.kind != Kind::State);
    let found: Vec<&RegisterInfo> = ids()
        .filter(|r| {
            let same_level = r.name.contains(upper.as_str());
            core(&r.name) == core(&upper) && (same_level || level(&r.name) == level(&upper))
        })
        .collect();
    let fields: Vec<String> = found
        .iter()
        .flat_map(|r| {
            let fields = r.fields.iter().filter(|f| {
                f.name.eq_ignore_ascii_case(rest) || bits(rest) == Some((f.high, f.low))
            });
            fields.map(|f| format!("`{}.{}`", r.name, f.name))
        })
        .collect();
    let names: Vec<String> = match fields.is_empty() {
        false => fields,
        true => found.iter().map(|r| format!("`{}`", r.name)).collect(),
    };
    match names.len() {
        0 => did_you_mean(name, ids().map(|r| r.name.as_ref())).or_else(|| of_field(rest)),
        1..=MEANT_MAX => Some(format!("did you mean {}?", names.join(" or "))),
        _ => None,
    }
}

/// A path as sources of programs spell it, with a point: `ID_AA64PFR0_EL1_SVE`, `ID_AA64PFR0_EL1->SVE`.
fn in_sources(path: &str) -> String {
    let path = path.replace("->", ".").replace("::", ".");
    let upper = path.to_ascii_uppercase();
    match upper.find("_EL1_").filter(|_| !path.contains('.')) {
        Some(at) => {
            let (name, field) = path.split_at(at + "_EL1".len());
            let field = &field[1..];
            let field = ["_SHIFT", "_MASK", "_WIDTH"]
                .iter()
                .find_map(|end| field.strip_suffix(end))
                .unwrap_or(field);
            format!("{name}.{field}")
        }
        None => path,
    }
}

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
fn of_field(field: &str) -> Option<String> {
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

/// A register's name without the exception level.
fn level(name: &str) -> &str {
    name.rsplit_once("_EL").map_or(name, |(name, _)| name)
}

/// A register's name without what all of its kind have.
fn core(name: &str) -> &str {
    let name = level(name);
    let name = name.strip_prefix("ID_").unwrap_or(name);
    name.strip_prefix("AA64").unwrap_or(name)
}

/// `7:4`, or `7` for a field of one bit.
fn bits(text: &str) -> Option<(u8, u8)> {
    let (high, low) = text.split_once(':').unwrap_or((text, text));
    Some((high.trim().parse().ok()?, low.trim().parse().ok()?))
}

/// What a guest finds outside of the registers that `set`, `hide` and `vary` reach, and who decides it.
fn elsewhere(path: &str) -> Option<String> {
    let name = path.split('.').next().unwrap_or(path).to_ascii_uppercase();
    let name = name.trim_end_matches("()");
    let parts = |family: &str| {
        let parts = BASELINES.iter().filter(|b| b.part.is_some());
        let parts = parts.filter(|b| b.name.starts_with(family));
        let names: Vec<String> = parts.map(|b| format!("\"{}\"", b.name)).collect();
        names.join(", ")
    };
    match name {
        "GICD_IIDR" | "GICR_IIDR" | "GICD" => Some(format!(
            "baselines decide the interrupt controller's revision: name one of {} in `abi`",
            parts("gic-iidr-")
        )),
        "PSCI" | "PSCI_VERSION" => Some(format!(
            "baselines decide the version of PSCI: name one of {} in `abi`",
            parts("psci-")
        )),
        _ if name.starts_with("GICD_") || name.starts_with("GICR_") => Some(
            "it follows from the machine and its baselines, which are all that decides it: leave it out".to_owned(),
        ),
        _ if name.starts_with("SMCCC") || name.starts_with("ARM_SMCCC") => Some(format!(
            "baselines decide which firmware calls are answered: among {} in `abi`",
            parts("smccc-")
        )),
        _ => None,
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
        assert!(of(">= 99").starts_with("write one release, `kvm-7.3`: "));
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
        for name in ["psci-1.4", "psci-2.0", "psci"] {
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
        assert_eq!(register("xyz.xyz"), None);
        assert_eq!(register(""), None);
    }
}
