//! What people write who come from other tools that describe machines: one finding for one mistake, and a help that says
//! how what they mean is written here.

use crate::habits::{SPEC, found, hold};
use crate::scratch::Scratch;

const ABI: &str = "abi \"kvm-6.8\"";

#[test]
fn a_baseline_in_two_words_is_one_finding_and_only_a_name_that_there_is_is_written() {
    const ONE: &str = "write `\"kvm-6.8\"`";
    const LINE: &str = "write `abi \"kvm-6.8\"`, in one line";
    let stable = "write `kvm-6.8`: a baseline is what mainline's release shows (`vmlock explain kvm-6.8` says where stable \
                  ones differ); `vmlock adopt REPORT` pins a host of it as it is";
    let oldest =
        "the oldest that is known is `kvm-5.10`; `vmlock adopt REPORT` pins a host of it as it is";
    let newest = "the newest that this vmlock knows is `kvm-7.3`; a newer vmlock may know it, and `vmlock adopt REPORT` \
                  pins a host of it as it is";
    let which = "which one? there are `kvm-6.0` to `kvm-6.19`";
    hold(
        "tools-two-words",
        &[
            (ABI, "abi kvm 6.8", ONE),
            (ABI, "abi kvm \"6.8\"", ONE),
            (ABI, "abi \"kvm\" \"6.8\"", ONE),
            (ABI, "abi kvm #\"6.8\"#", ONE),
            (ABI, "abi Linux 6.8; // so", ONE),
            (ABI, "abi kvm 6.8 \"psci-1.1\"", ONE),
            (ABI, "abi kvm \"6.8 psci\"", stable),
            (ABI, "abi kvm \"6.8 /* \"", stable),
            (ABI, "abi linux 6.8.0", stable),
            (ABI, "abi linux 6.8.0-45-generic", stable),
            (ABI, "abi kvm 6.", which),
            (ABI, "abi kvm 6 8", which),
            (ABI, "abi kvm 4.19", oldest),
            (ABI, "abi linux \"4.19\"", oldest),
            (ABI, "abi kvm 99.9", newest),
            (ABI, "abi kvm { version 6.8; }", LINE),
            (ABI, "abi \"kvm\" { release \"6.8\"; }", LINE),
            (ABI, "abi { kvm 6.8; }", LINE),
            (ABI, "abi { baseline \"kvm-6.8\"; }", LINE),
            (ABI, "abi { kvm 4.19; }", oldest),
            (
                ABI,
                "abi { kvm \"6.8\"; psci \"1.1\"; }",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`, in one line",
            ),
        ],
    );
}

#[test]
fn of_a_feature_that_the_cpu_lacks_nothing_else_is_told() {
    let lacks = "choose a CPU model that has it (ID_AA64PFR0_EL1.SVE), or leave it out";
    let words = [
        "sve \"256\"",
        "sve 256",
        "sve 2048",
        "sve \"256\" \"512\"",
        "sve { a; }",
        "sve /* a, b */ { a; }",
        "sve {\n a\n b\n}",
        "sve bits=256 length=512",
    ];
    let cases: Vec<(&str, &str, &str)> = words.iter().map(|word| ("pmu", *word, lacks)).collect();
    hold("tools-lacks", &cases);
}

/// What stands on the line of another node is told of, whatever ends the line of the feature.
#[test]
fn what_is_wrong_beside_such_a_feature_is_told() {
    for end in ["\n", "\r", "\u{c}", ";"] {
        let text = format!("sve{end} debug breakpoints=4 {{ a; }}");
        let found = found(&Scratch::new("tools-beside"), &SPEC.replace("pmu", &text));
        let codes: Vec<&str> = found
            .iter()
            .filter_map(|one| one["code"].as_str())
            .collect();
        let both = ["spec::cpu-lacks-feature", "spec::unexpected-block"];
        assert_eq!(codes, both, "{end:?}: {found:#?}");
    }
}

#[test]
fn sockets_cores_and_threads_are_one_number_here() {
    let none = "no machine of vmlock's lays its vCPUs out";
    let out = format!("leave it out: {none}, and `count` says how many there are");
    let node = format!(
        "leave it out: {none}; how many there are stands behind the model: `cpu \"neoverse-n1\" count=2`"
    );
    let inner =
        format!("leave it out: {none}; `count=` in the line of `cpu` says how many there are");
    let four = format!("write `count=4`: {none}");
    let some = format!("write `count=2`, or as many as there are: {none}");
    let [sockets, threads, topology] = ["sockets 2", "threads 2", "topology sockets=1 cores=2"]
        .map(|word| format!("arch \"arm64\"\n{word}"));
    hold(
        "tools-topology",
        &[
            ("count=2", "count=2 sockets=1 cores=2", &out),
            ("count=2", "count=2 cores=2", &out),
            ("count=2", "count=2 threads=1 maxcpus=4", &out),
            ("count=2", "count=2 clusters=1 dies=1", &out),
            ("count=2", "sockets=1 cores=2 threads=2", &four),
            ("count=2", "cores=2 threads=2 maxcpus=8", &four),
            ("count=2", "sockets=0 cores=2", &some),
            ("count=2", "sockets=\"a\"", &some),
            (
                "count=2",
                "sockets=99999999999 cores=99999999999 threads=999999999999999999",
                &some,
            ),
            ("count=2", "cores=2", "write `count=2`"),
            ("pmu", "sockets 1", &inner),
            ("pmu", "topology sockets=1 cores=2", &inner),
            ("arch \"arm64\"", &sockets, &node),
            ("arch \"arm64\"", &topology, &node),
            ("arch \"arm64\"", &threads, &node),
        ],
    );
}
