//! Lines with several words of other programs in them: one finding for each, with the line as it is written here where
//! that keeps all that it says, and with words alone where it does not.

use crate::habits::{SPEC, found, hold};
use crate::scratch::Scratch;

const MEMORY: &str = "memory \"512MiB\"";
const CPU: &str = "cpu \"neoverse-n1\" count=2";
const BOOT: &str = "boot kernel=\"vmlinuz\"";
const ALLOW: &str = "allow \"spec::emulated-cpu\" reason=\"so are the hosts\"";
const PMU: &str = "        pmu\n";

/// Lines of devices, beside the others; the line that is suggested.
const DEVICES: [(&str, &str); 13] = [
    (
        "disk name=\"root\" file=\"root.img\"",
        "disk \"root\" path=\"root.img\"",
    ),
    (
        "disk id=\"root\" source=\"root.img\"",
        "disk \"root\" path=\"root.img\"",
    ),
    (
        "disk \"root\" file=\"root.img\" ro=#true",
        "disk \"root\" path=\"root.img\" read-only=#true",
    ),
    (
        "disk \"root\" img=\"root.img\" readonly=\"on\"",
        "disk \"root\" path=\"root.img\" read-only=#true",
    ),
    (
        "disk \"root\" is_read_only=#false path_on_host=\"root.img\"",
        "disk \"root\" read-only=#false path=\"root.img\"",
    ),
    (
        "disk \"root\" file=\"root.img\" serial=1",
        "disk \"root\" path=\"root.img\" serial=\"1\"",
    ),
    (
        "disk \"root\" \"root.img\"",
        "disk \"root\" path=\"root.img\"",
    ),
    (
        "net name=\"lan\" ifname=\"tap5\"",
        "net \"lan\" tap=\"tap5\"",
    ),
    ("net \"lan\" \"tap5\"", "net \"lan\" tap=\"tap5\""),
    (
        "net \"lan\" ifname=\"tap5\" hwaddr=\"52:54:00:12:34:56\"",
        "net \"lan\" tap=\"tap5\" mac=\"52:54:00:12:34:56\"",
    ),
    (
        "net name=\"lan\" host_dev_name=\"tap5\" mtu=\"1500\"",
        "net \"lan\" tap=\"tap5\" mtu=1500",
    ),
    ("vsock guest_cid=7", "cid=7"),
    (
        "vsock cid=7 { port number=1024 uds_path=\"a.sock\"; }",
        "port 1024 path=\"a.sock\"",
    ),
];

/// The same for lines that are there already.
const OTHERS: [(&str, &str, &str); 14] = [
    (MEMORY, "memory size=\"512MiB\"", "memory \"512MiB\""),
    (MEMORY, "memory mem_size_mib=512", "memory \"512MiB\""),
    (
        CPU,
        "cpu model=\"neoverse-n1\" vcpus=2",
        "cpu \"neoverse-n1\" count=2",
    ),
    (
        CPU,
        "cpu type=\"neoverse-n1\" cores=2",
        "cpu \"neoverse-n1\" count=2",
    ),
    (
        CPU,
        "cpu model=\"neoverse-n1\" vcpus=\"2\"",
        "cpu \"neoverse-n1\" count=2",
    ),
    (
        CPU,
        "cpu model=\"neoverse-n1\" smp=2.0",
        "cpu \"neoverse-n1\" count=2",
    ),
    (
        PMU,
        "pmu counters=\"4\" version=3.1\n",
        "pmu counters=4 version=\"3.1\"",
    ),
    (
        PMU,
        "set ID_AA64ISAR0_EL1.RNDR=0 ID_AA64ISAR0_EL1.SM4=0\n",
        "set \"ID_AA64ISAR0_EL1.RNDR\" 0; set \"ID_AA64ISAR0_EL1.SM4\" 0",
    ),
    (
        PMU,
        "set name=\"ID_AA64ISAR0_EL1.RNDR\" to=0\n",
        "set \"ID_AA64ISAR0_EL1.RNDR\" 0",
    ),
    (
        BOOT,
        "boot image=\"vmlinuz\" append=\"quiet\"",
        "boot kernel=\"vmlinuz\" cmdline=\"quiet\"",
    ),
    (
        BOOT,
        "boot \"vmlinuz\" append=\"quiet\"",
        "boot kernel=\"vmlinuz\" cmdline=\"quiet\"",
    ),
    (
        BOOT,
        "boot kernel=\"vmlinuz\" any-file=\"yes\" kaslr-seed=0",
        "boot kernel=\"vmlinuz\" any-file=#true kaslr-seed=#false",
    ),
    (
        ALLOW,
        "allow code=\"spec::emulated-cpu\" why=\"so are the hosts\"",
        "allow \"spec::emulated-cpu\" reason=\"so are the hosts\"",
    ),
    (
        "abi \"kvm-6.8\"",
        "abi \"kvm-6.8\" psci=\"1.1\"",
        "abi \"kvm-6.8\" \"psci-1.1\"",
    ),
];

#[test]
fn a_line_of_other_words_is_one_finding_and_written_out() {
    let help = |line: &str| format!("write `{line}`");
    let mut cases: Vec<(&str, String, String)> = Vec::new();
    for (line, here) in DEVICES {
        cases.push((MEMORY, format!("{MEMORY}\n    {line}"), help(here)));
    }
    for (line, habit, here) in OTHERS {
        cases.push((line, habit.to_owned(), help(here)));
    }
    let texts: Vec<(&str, &str, &str)> = cases
        .iter()
        .map(|(line, habit, help)| (*line, habit.as_str(), help.as_str()))
        .collect();
    hold("lines-written", &texts);
    // What is suggested is right: with it, nothing is wrong.
    let scratch = Scratch::new("lines-followed");
    scratch.write("root.img", &"x".repeat(512));
    for (line, habit, here) in OTHERS {
        let end = if line.ends_with('\n') { "\n" } else { "" };
        let after = found(&scratch, &SPEC.replace(line, &format!("{here}{end}")));
        let wrong = after.iter().any(|one| one["severity"] == "error");
        assert!(!wrong, "{habit}: {here}: {after:#?}");
    }
    for (_, here) in DEVICES
        .iter()
        .filter(|(line, _)| !line.starts_with("vsock"))
    {
        let after = found(
            &scratch,
            &SPEC.replace(MEMORY, &format!("{MEMORY}\n{here}")),
        );
        let wrong = after.iter().any(|one| one["severity"] == "error");
        assert!(!wrong, "{here}: {after:#?}");
    }
}

/// Where something would have to be made up, turned into another value or left out.
#[test]
fn what_cannot_be_kept_is_told_in_words_alone() {
    let scratch = Scratch::new("lines-words");
    scratch.write("root.img", &"x".repeat(512));
    let device = [
        "disk file=\"a\" format=\"b\"",
        "disk path=\"a\"",
        "disk \"root\" file=\"root.img\" format=\"raw\" if=\"virtio\"",
        "disk type=\"file\" device=\"disk\" source=\"root.img\" target=\"vda\"",
        "disk \"root\" file=\"root.img\" source=\"b\"",
        "disk foo=\"x\" bar=\"y\"",
        "disk drive_id=\"a\" path_on_host=\"root.img\" is_root_device=#true",
        "net type=\"tap\" ifname=\"tap0\"",
        "net \"lan\" type=\"tap\" ifname=\"tap0\"",
        "net ifname=\"tap0\" dev=\"tap1\"",
        "net bridge=\"br0\" model=\"virtio\"",
        "net network=\"default\" mac=\"52:54:00:12:34:56\"",
        "vsock context-id=3 foo=1",
        "vsock cid=3 { port 1024 file=\"a\" mode=\"0600\"; }",
        "rng model=\"virtio\" backend=\"/dev/urandom\"",
        "rng enabled=#false",
        "console kind=\"virtio\" path=\"x\"",
        "runs-on min=\"6.8\" max=\"7.3\"",
        "import file=\"x.kdl\" as=\"y\"",
        "vary field=\"PMCR_EL0.IMP\" why=\"x\"",
        "allow why=\"it is so\"",
        "allow \"spec::unsure\" why=\"x\" because=\"y\"",
    ];
    let lines = [
        (MEMORY, "memory size=1024"),
        (MEMORY, "memory size=\"512M\" slots=2"),
        (MEMORY, "memory min=\"1GiB\" max=\"2GiB\""),
        (CPU, "cpu \"neoverse-n1\" vcpus=2 mode=\"host-model\""),
        (CPU, "cpu vcpus=2 foo=\"x\""),
        (CPU, "cpu \"neoverse-n1\" count=2 pmu=\"on\" sve=\"on\""),
        (PMU, "pmu state=\"off\"\n"),
        (PMU, "pmu #false\n"),
        (PMU, "pmu enabled=#true\n"),
        (PMU, "hide x=#false\n"),
        (PMU, "hide crc32=1 aes=1\n"),
        (PMU, "set reg=\"ID_AA64ISAR0_EL1\" AES=1\n"),
        (PMU, "debug bp=4 wp=2\n"),
        (PMU, "debug 6 4\n"),
        (BOOT, "boot linux=\"vmlinuz\" args=\"quiet\" dev=\"hd\""),
        (BOOT, "boot kernel=\"vmlinuz\" cmdline=\"a\" append=\"b\""),
        (BOOT, "boot append=\"quiet\" foo=\"x\""),
        ("arch \"arm64\"", "arch name=\"arm64\" bits=64"),
        ("abi \"kvm-6.8\"", "abi kernel=\"6.8\" gic=\"3\""),
        ("vm \"web\"", "vm name=\"web\" uuid=\"x\""),
    ];
    let devices = device.map(|line| (MEMORY, format!("{MEMORY}\n    {line}"), line));
    let lines = lines.map(|(old, new)| (old, new.to_owned(), new));
    for (old, new, line) in devices.into_iter().chain(lines) {
        let found = found(&scratch, &SPEC.replace(old, &new));
        let errors: Vec<_> = found
            .iter()
            .filter(|one| one["severity"] == "error")
            .collect();
        assert_eq!(errors.len(), 1, "{line}: {found:#?}");
        let help = errors[0]["help"].as_str().unwrap();
        assert!(
            !help.lines().any(|help| help.starts_with("write `")),
            "{line}: {help}"
        );
    }
}
