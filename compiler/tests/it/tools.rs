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

/// What other programs say of a machine and a description does not: why, and one finding to a line.
#[test]
fn what_a_description_says_nothing_of_is_to_be_left_out() {
    const MEMORY: &str = "memory \"512MiB\"";
    const BOOT: &str = "boot kernel=\"vmlinuz\"";
    const CPU: &str = "cpu \"neoverse-n1\" count=2";
    let run = "leave it out: a description says what a guest finds; how and where it is run is up to who runs it, and \
               `labels` are for that";
    let inside =
        "leave it out: what a guest has inside is on its disks and in `boot cmdline=\"…\"`";
    let starts = "leave it out: a machine starts from `boot kernel=\"vmlinuz\"`, and its device tree follows from the description";
    let none = "no machine of vmlock's has one: leave it out; there are `console`, `disk`, `net`, `rng` and `vsock`";
    let option = "`vmlock import FILE` makes a description of a command line of QEMU's that stands in a file";
    let net = "write `net \"lan\" tap=\"tap0\"`";
    let disk = "write `disk \"root\" path=\"root.img\"`";
    let uart = "write `console \"16550\"`";
    let nodes = [
        ("accel \"kvm\"", run),
        ("uuid \"4f6a\"", run),
        ("os { type \"hvm\"; }", run),
        ("on_reboot \"restart\"", run),
        ("clock offset=\"utc\"", run),
        ("restart \"always\"", run),
        ("depends_on \"db\"", run),
        ("replicas 2", run),
        ("resources { limits cpu=2; }", run),
        ("instance_type \"m6g.large\"", run),
        ("ami \"ami-1\"", run),
        ("apiVersion \"v1\"", run),
        ("hostname \"web\"", inside),
        ("user-data \"x\"", inside),
        ("ssh-key \"x\"", inside),
        ("environment A=\"b\"", inside),
        ("ports \"80:80\"", inside),
        ("runcmd \"x\"", inside),
        ("nvram \"x\"", starts),
        ("dtb \"x\"", starts),
        ("virtfs path=\"/x\"", none),
        ("memballoon", none),
        ("-smp 2", option),
        ("-m 512\n-smp 2\n-cpu host", option),
        ("--kernel vmlinuz", option),
        ("netdev \"user\" id=\"n0\"", net),
        ("interface type=\"bridge\"", net),
        ("networks \"lan\"", net),
        ("volumes \"/x:/y\"", disk),
        ("serial \"pty\"", uart),
        (
            "console \"pl011\"",
            "write `console \"16550\"`: Linux calls it `ttyS0`",
        ),
        (
            "console \"stdio\"",
            "write `console \"16550\"`; where its text goes is up to who runs the machine",
        ),
        ("vsock 7", "write `vsock cid=7`"),
        ("labels \"a=b\" \"c=d\"", "write `labels a=\"b\" c=\"d\"`"),
        (
            "gic-version 3",
            "baselines decide that: a part stands in `abi` behind a whole one, as in `abi \"kvm-6.8\" \"psci-1.1\"`",
        ),
        (
            "rng backend=\"/dev/urandom\"",
            "leave it out: its randomness is the host's",
        ),
        (
            "disk \"a\" path=\"root.img\" format=\"qcow2\"",
            "leave it out: a disk's file is raw, and `qemu-img convert -O raw` makes one of another",
        ),
        (
            "disk \"a\" path=\"root.img\" if=\"virtio\" cache=\"none\"",
            "leave them out: each disk is virtio's, and a guest finds them in the order of their lines",
        ),
        (
            "disk type=\"file\" device=\"disk\"",
            "leave `type` and `device` out: each disk is virtio's, and a guest finds them in the order of their lines\n\
             a device's name stands right behind `disk`, as in `disk \"root\" path=\"root.img\"`\n\
             say it in this line with `path=`, as in `disk \"root\" path=\"root.img\"`",
        ),
        (
            "net \"lan\" type=\"bridge\" source=\"br0\"",
            "leave them out: a net is virtio's, and `tap` names the host's device, which may be a port of a bridge",
        ),
    ];
    let texts: Vec<(String, &str)> = nodes
        .iter()
        .map(|(n, help)| (format!("{MEMORY}\n{n}"), *help))
        .collect();
    let mut cases: Vec<(&str, &str, &str)> = texts
        .iter()
        .map(|(habit, help)| (MEMORY, habit.as_str(), *help))
        .collect();
    cases.extend([
        (
            MEMORY,
            "memory size=\"1GiB\" slots=2",
            "memory stands right behind `memory`, without a name\n\
             leave `slots` out: memory is one size, which a guest has from its first instruction on",
        ),
        (MEMORY, "memory unit=\"MiB\" 768", "write `memory \"768MiB\"`"),
        (MEMORY, "memory 1 unit=\"GiB\"", "write `memory \"1GiB\"`"),
        (MEMORY, "memory 768 MiB", "write `memory \"768MiB\"`"),
        (CPU, "cpu \"neoverse-n1\" \"3\"", "write `cpu \"neoverse-n1\" count=3`"),
        (CPU, "cpu \"neoverse-n1\" x3", "write `cpu \"neoverse-n1\" count=3`"),
        (
            CPU,
            "cpu 3",
            "write `cpu \"neoverse-n1\" count=3`, with the model that it is",
        ),
        (
            CPU,
            "cpu \"neoverse-n1\" count=2 sve=on",
            "`sve` stands inside the block: `cpu … { sve … }`",
        ),
        (
            CPU,
            "cpu \"neoverse-n1\" count=2 sve=off",
            "leave it out: without `sve` it is off",
        ),
        (
            BOOT,
            "boot kernel=\"vmlinuz\" root=\"/dev/vda\" console=\"ttyS0\"",
            "leave them out: what a kernel is told stands in `cmdline`, as in `cmdline=\"root=/dev/vda console=ttyS0\"`",
        ),
        (
            BOOT,
            "boot kernel=\"vmlinuz\" uefi=#true",
            "leave it out: a machine starts from a kernel's file, and its root is in `cmdline`, as in \
             `cmdline=\"root=/dev/vda\"`",
        ),
        ("arch \"arm64\"", "arch \"linux/arm64\"", "write `arm64`, as Linux does"),
        ("arch \"arm64\"", "arch \"armv8-a\"", "write `arm64`, as Linux does"),
        (
            "vm \"web\" {",
            "vm {\nname \"db\"",
            "the machine's name stands right behind `vm`: `vm \"db\" { … }`",
        ),
        ("vm \"web\" {", "vm \"web\" type=\"kvm\" {", "leave it out: a machine is told by its name"),
    ]);
    hold("tools-nothing", &cases);
}
