//! CPU models, by the names and numbers that others have for them.

use crate::catalogue::Catalogue;
use crate::words::did_you_mean;

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
    if let Some((before, names, behind)) = by_part(word, catalogue) {
        let which = if names.len() > 1 {
            "one of them"
        } else {
            "that"
        };
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let names = names.join(" and of ");
        return format!("that is {before} of {names}{behind}: write {which}");
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

/// The models whose MIDR_EL1 has that value, or else that implementer's part, or part number: what it is of them, and
/// what of it is another's. There is one at least.
fn by_part<'a>(
    word: &str,
    catalogue: &'a Catalogue,
) -> Option<(&'static str, Vec<&'a str>, &'static str)> {
    let digits = word.strip_prefix("0x")?;
    let number = u64::from_str_radix(digits, 16).ok()?;
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
    let (before, names, behind) = match (number <= 0xfff, like(&|midr| midr == number)) {
        (true, _) => ("the part", like(&|midr| midr >> 4 & 0xfff == number), ""),
        (false, same) if !same.is_empty() => ("what MIDR_EL1 says", same, ""),
        (false, _) => {
            let part = like(&|midr| midr & PART == number & PART);
            ("the part", part, ", in another revision")
        }
    };
    (!names.is_empty()).then_some((before, names, behind))
}
