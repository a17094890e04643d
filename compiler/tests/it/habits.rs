//! What people write who come from other languages and tools: one finding for one mistake, and a help that says how
//! what they mean is written here.

use crate::scratch::Scratch;
use serde_json::Value;

pub const SPEC: &str = r#"vm "web" {
    arch "arm64"
    abi "kvm-6.8"
    cpu "neoverse-n1" count=2 {
        pmu
    }
    memory "512MiB"
    boot kernel="vmlinuz"
    allow "spec::emulated-cpu" reason="so are the hosts"
}
"#;

/// What `vmlock lock` finds in a text.
pub fn found(scratch: &Scratch, text: &str) -> Vec<Value> {
    scratch.write("a.vm.kdl", text);
    let (_, object) = scratch.json(&["lock", "--dry-run", "a.vm.kdl"]);
    object["diagnostics"].as_array().unwrap().clone()
}

/// Each line of [`SPEC`], with what somebody writes for it: the help of the one finding.
pub fn hold(name: &str, cases: &[(&str, &str, &str)]) {
    let scratch = Scratch::new(name);
    scratch.write("root.img", &"x".repeat(512));
    assert_eq!(found(&scratch, SPEC), Vec::<Value>::new());
    for (line, habit, help) in cases {
        assert!(SPEC.contains(line), "{line}");
        let found = found(&scratch, &SPEC.replace(line, habit));
        assert_eq!(found.len(), 1, "{habit}: {found:#?}");
        assert_eq!(found[0]["severity"], "error", "{habit}");
        let said = found[0]["help"].as_str().unwrap_or("(no help)");
        assert_eq!(said, *help, "{habit}: {found:#?}");
    }
}

#[test]
fn values_of_another_type_keep_their_meaning() {
    let set = |value: &str| format!("pmu\nset \"ID_AA64ISAR0_EL1.AES\" {value}");
    let [hex, binary, on, truth, float, null] =
        [r#""0x1""#, r#""0b1""#, r#""on""#, "#true", "1.0", "#null"].map(set);
    hold(
        "habits-values",
        &[
            ("pmu", &hex, "write `0x1`, without quotes"),
            ("pmu", &binary, "write `0b1`, without quotes"),
            (
                "pmu",
                &on,
                "the value is 0 to 0xffffffffffffffff, without quotes",
            ),
            ("pmu", &truth, "the value is 0 to 0xffffffffffffffff"),
            ("pmu", &float, "write `1`"),
            ("pmu", &null, "the value is 0 to 0xffffffffffffffff"),
            (
                "pmu",
                "set ID_AA64ISAR0_EL1.RNDR=1",
                "write `set \"ID_AA64ISAR0_EL1.RNDR\" 1`",
            ),
            (
                "pmu",
                "set \"ID_AA64ISAR0_EL1.RNDR=1\"",
                "write `set \"ID_AA64ISAR0_EL1.RNDR\" 1`",
            ),
            (
                "pmu",
                "set \"ID_AA64ISAR0_EL1.AES\"",
                "write `set \"ID_AA64ISAR0_EL1.AES\"` and the value that a guest is to see",
            ),
            (
                "pmu",
                "pmu { deny \"cycles\"; }",
                "write `0x11`: the number of CPU_CYCLES, without quotes",
            ),
            (
                "pmu",
                "pmu { deny \"INST_RETIRED\"; }",
                "write `0x08`: the number of INST_RETIRED, without quotes",
            ),
            (
                "pmu",
                "pmu { deny \"0x11\"; }",
                "write `0x11`, without quotes",
            ),
            (
                "pmu",
                "pmu { deny \"l2-misses\"; }",
                "an event is 0 to 65535, without quotes",
            ),
            ("count=2", "count=\"2\"", "write `count=2`, without quotes"),
            (
                "count=2",
                "count=\"two\"",
                "`count` is 1 to 512, without quotes",
            ),
            ("count=2", "count=0", "`count` is 1 to 512"),
            (
                "kernel=\"vmlinuz\"",
                "kernel=\"k\" initrd=null",
                "leave it out: what is not written is not there",
            ),
            (
                "kernel=\"vmlinuz\"",
                "kernel=\"k\" initrd=#null",
                "leave `initrd` out: what is not written is not there",
            ),
            (
                "kernel=\"vmlinuz\"",
                "kernel=\"k\" cmdline=#false",
                "leave `cmdline` out: what is not written is not there",
            ),
            (
                "kernel=\"vmlinuz\"",
                "kernel=\"k\" any-file=yes",
                "write `any-file=#true`",
            ),
            (
                "kernel=\"vmlinuz\"",
                "kernel=\"k\" any-file=\"off\"",
                "write `any-file=#false`",
            ),
            (
                "kernel=\"vmlinuz\"",
                "kernel=\"k\" any-file=\"maybe\"",
                "write `any-file=#true` or `any-file=#false`",
            ),
            ("abi \"kvm-6.8\"", "abi 6.8", "write `\"kvm-6.8\"`"),
            (
                "arch \"arm64\"",
                "arch \"arm64\"\nruns-on 6.12",
                "write `\"kvm-6.12\"`",
            ),
            (
                "memory \"512MiB\"",
                "memory { size \"1GiB\" }",
                "write `memory \"1GiB\"`, in one line",
            ),
            (
                "memory \"512MiB\"",
                "memory size=\"1GiB\"",
                "write `memory \"1GiB\"`",
            ),
            (
                "vm \"web\" {",
                "vm name=\"db\" {",
                "write `vm \"db\" { … }`",
            ),
        ],
    );
}

#[test]
fn statements_of_other_languages_are_written_as_they_are_here() {
    hold(
        "habits-statements",
        &[
            (
                "arch \"arm64\"",
                "arch = \"arm64\"",
                "write `arch \"arm64\"`",
            ),
            ("arch \"arm64\"", "arch=arm64", "write `arch \"arm64\"`"),
            ("arch \"arm64\"", "arch: arm64", "write `arch \"arm64\"`"),
            (
                "arch \"arm64\"",
                "\"arch\": \"arm64\",",
                "write `arch \"arm64\"`",
            ),
            (
                "arch \"arm64\"",
                "arch := \"arm64\"",
                "write `arch \"arm64\"`",
            ),
            (
                "arch \"arm64\"",
                "arch(\"arm64\")",
                "write `arch \"arm64\"`",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi [\"kvm-6.8\", \"psci-1.1\"]",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi = [\n\"kvm-6.8\",\n\"psci-1.1\",\n]",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi \"kvm-6.8\", \"psci-1.1\"",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi:\n      - kvm-6.8",
                "write `abi \"kvm-6.8\"`",
            ),
            (
                "count=2",
                "count: 2",
                "write `cpu \"neoverse-n1\" count=2 {`",
            ),
            ("        pmu", "        pmu = true", "write `pmu`"),
            (
                "boot kernel=\"vmlinuz\"",
                "boot = \"vmlinuz\"",
                "write `boot kernel=\"vmlinuz\"`",
            ),
            (
                "boot kernel=\"vmlinuz\"",
                "\"boot\": {\"kernel\": \"k\", \"initrd\": null},",
                "write `boot kernel=\"k\"`",
            ),
            (
                "memory \"512MiB\"",
                "memory: 512M",
                "write `memory \"512MiB\"`",
            ),
            (
                "arch \"arm64\"",
                "# what it is\narch \"arm64\"",
                "write `// what it is`",
            ),
            (
                "arch \"arm64\"",
                "arch \"arm64\" # it's {",
                "write `// it's {`",
            ),
            ("arch \"arm64\"", "; so\narch \"arm64\"", "write `// so`"),
            ("arch \"arm64\"", "-- so\narch \"arm64\"", "write `// so`"),
            (
                "vm \"web\" {",
                "#!/usr/bin/vmlock\nvm \"web\" {",
                "a comment begins with `//`",
            ),
            (
                "vm \"web\" {",
                "/- kdl-version 1\nvm \"web\" {",
                "write `/- kdl-version 2` once keywords begin with `#` (`#true`) and raw strings with `#\"`, or remove the line",
            ),
            (
                "boot kernel=\"vmlinuz\"",
                "boot kernel=\"k\" cmdline=<<EOF\na=b {\nEOF",
                "text of several lines stands between `\"\"\"`; a command line is one line, in quotes",
            ),
        ],
    );
    hold(
        "habits-lines",
        &[
            (
                "abi \"kvm-6.8\"",
                "abi\n      - \"kvm-6.8\"\n      - \"psci-1.1\"",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
            ),
            (
                "memory \"512MiB\"",
                "memory: 512MiB # enough",
                "write `memory \"512MiB\"`",
            ),
            (
                "arch \"arm64\"",
                "export arch=\"arm64\"",
                "write `arch \"arm64\"`",
            ),
            (
                "arch \"arm64\"",
                "let arch = \"arm64\";",
                "write `arch \"arm64\"`",
            ),
            (
                "arch \"arm64\"\n    abi",
                "arch \"arm64\" abi",
                "begin a line with `abi`, or write a `;` before it",
            ),
            (
                "count=2 {",
                "count=2\n    {",
                "put it at the end of its node's line: `cpu \"…\" count=2 {`",
            ),
            (
                "arch \"arm64\"",
                "[machine]\narch \"arm64\"",
                "a node has its block in braces: `machine … {`",
            ),
            (
                "arch \"arm64\"",
                "arch\u{a0}\"arm64\"",
                "write an ordinary blank",
            ),
            (
                "\"kvm-6.8\"",
                "\"kvm-6.8, psci-1.1\"",
                "write each in quotes of its own: \"kvm-6.8\" \"psci-1.1\"",
            ),
            (
                "\"kvm-6.8\"",
                "\"kvm-6.8\" + \"psci-1.1\"",
                "names stand side by side, with nothing but blanks between them",
            ),
        ],
    );
    let scratch = Scratch::new("habits-whole");
    for (text, language) in [
        ("{\"name\": \"web\", \"arch\": \"arm64\"}", "JSON"),
        ("[{\"name\": \"web\"}]", "JSON"),
        ("# a machine\nvm:\n  name: web\n  abi: [kvm-6.8]\n", "YAML"),
        ("---\nname: web\n", "YAML"),
        ("[vm]\nname = \"web\"\nabi = [\"kvm-6.8\"]\n", "TOML"),
        ("<vm name=\"web\">\n<arch>arm64</arch>\n</vm>\n", "XML"),
    ] {
        let found = found(&scratch, text);
        assert_eq!(found.len(), 1, "{text}: {found:#?}");
        assert_eq!(found[0]["message"], format!("this is {language}, not KDL"));
    }
}

#[test]
fn nothing_is_locked_that_is_not_meant_as_it_stands() {
    let kernel = |value: &str| format!("kernel={value}");
    let itself = "write the value itself: a text is taken as it stands";
    let whole = "write the whole path, or one that is relative to this file";
    let posix = "a path has `/` here: write `\"/boot/Image\"`";
    let quotes = "write `\"vmlinuz\"`";
    let cases = [
        ("'vmlinuz'", quotes),
        ("\"'vmlinuz'\"", quotes),
        ("‘vmlinuz’", quotes),
        ("\"“vmlinuz”\"", quotes),
        ("`vmlinuz`", quotes),
        ("＂vmlinuz＂", quotes),
        ("vmlinuz'", quotes),
        ("\"C:\\boot\\Image\"", posix),
        (
            "\"C:\\kernels\\Image\"",
            "a path has `/` here: write `\"/kernels/Image\"`",
        ),
        (
            "\"..\\boot\\Image\"",
            "a path has `/` here: write `\"../boot/Image\"`",
        ),
        (
            "\"a\\kb\"",
            "a `\\` that is part of the text is written `\\\\`",
        ),
        ("\"C:\\\\boot\\\\Image\"", "write `\"/boot/Image\"`"),
        ("\"~/Image\"", whole),
        ("~/Image", whole),
        ("\"${KERNEL}\"", itself),
        ("${KERNEL}", itself),
        ("$KERNEL", itself),
        ("\"$KERNEL/Image\"", itself),
        ("\"Image-$(uname -r)\"", itself),
        ("\"%KERNEL%\"", itself),
        ("\"{{ kernel }}\"", itself),
        (
            "none",
            "leave it out where there is none; a file of that name is `./none`",
        ),
        ("\"`uname -r`\"", itself),
        (
            "\"\\\\server\\share\"",
            "a path has `/` here: write `\"/server/share\"`",
        ),
        ("\"vmlinuz-*\"", "name the one file that is meant"),
        ("\"file:///boot/Image\"", "write `\"/boot/Image\"`"),
    ];
    let texts: Vec<(String, &str)> = cases.iter().map(|(v, help)| (kernel(v), *help)).collect();
    let cases: Vec<(&str, &str, &str)> = texts
        .iter()
        .map(|(habit, help)| ("kernel=\"vmlinuz\"", habit.as_str(), *help))
        .collect();
    hold("habits-texts", &cases);
    // Quotes within a command line are somebody's own: an init's, or a module's parameter.
    let own = Scratch::new("habits-own-quotes");
    for cmdline in ["a='b c'", "init='/bin/sh -c' x", "it's"] {
        let line = format!("kernel=\"vmlinuz\" cmdline=\"{cmdline}\"");
        assert_eq!(
            found(&own, &SPEC.replace("kernel=\"vmlinuz\"", &line)),
            Vec::<Value>::new(),
            "{cmdline}"
        );
    }
    let linux = "Linux knows `\"` alone (lib/cmdline.c), which a string holds as `\\\"`";
    hold(
        "habits-command-line",
        &[
            (
                "kernel=\"vmlinuz\"",
                "kernel=k cmdline=\"root=${ROOT}\"",
                itself,
            ),
            (
                "kernel=\"vmlinuz\"",
                "kernel=k cmdline=\"'quiet'\"",
                "write `cmdline=\"quiet\"`",
            ),
            ("kernel=\"vmlinuz\"", "kernel=k cmdline=\"a=“b c”\"", linux),
            ("abi \"kvm-6.8\"", "abi \"${ABI}\"", itself),
            ("cpu \"neoverse-n1\"", "cpu \"$CPU\"", itself),
            ("vm \"web\" {", "vm \"{{ name }}\" {", itself),
            (
                "arch \"arm64\"",
                "import \"~/cpu.kdl\"\narch \"arm64\"",
                whole,
            ),
        ],
    );
    // The other form of a description is held to the same.
    let scratch = Scratch::new("habits-json");
    let form = serde_json::json!({
        "name": "web", "arch": "arm64", "abi": ["kvm-6.8"], "memory": 536870912,
        "cpu": { "model": "neoverse-n1", "count": 2 }, "boot": { "kernel": "~/Image", "cmdline": "" },
    });
    scratch.write("b.vm.json", &form.to_string());
    let (code, object) = scratch.json(&["lock", "--dry-run", "b.vm.json"]);
    assert_eq!(code, 1);
    assert_eq!(object["diagnostics"][0]["code"], "spec::taken-literally");
}

#[test]
fn what_a_merge_left_is_named_wherever_it_is() {
    let scratch = Scratch::new("habits-merge");
    let merged = |spec: &str, line: &str| {
        let both = format!("<<<<<<< HEAD\n{line}\n=======\n{line} // x\n>>>>>>> topic");
        spec.replace(line, &both)
    };
    let own = "cpu \"own\" {\n    like \"neoverse-n1\"\n}";
    scratch.write("own.kdl", &merged(own, "    like \"neoverse-n1\""));
    scratch.write(
        "b.vm.json",
        &merged("{\n\"name\": \"web\"\n}\n", "\"name\": \"web\""),
    );
    scratch.write("a.vm.kdl", &merged(SPEC, "    memory \"512MiB\""));
    scratch.write(
        "c.vm.kdl",
        &SPEC.replace("arch \"arm64\"", "arch \"arm64\"\nimport \"own.kdl\""),
    );
    for (spec, file, line) in [
        ("a.vm.kdl", "a.vm.kdl", 7),
        ("b.vm.json", "b.vm.json", 2),
        ("c.vm.kdl", "own.kdl", 2),
    ] {
        let (code, object) = scratch.json(&["lock", "--dry-run", spec]);
        let found = object["diagnostics"].as_array().unwrap();
        assert_eq!((code, found.len()), (1, 1), "{spec}: {found:#?}");
        assert_eq!(found[0]["code"], "spec::conflict-marker", "{spec}");
        assert_eq!(found[0]["file"], file, "{spec}");
        assert_eq!(found[0]["span"]["line"], line, "{spec}");
    }
}

/// A line of [`SPEC`], what somebody writes for it, the help of the one finding, and the line as it is after what that
/// says was done: nothing is found in it then. Without one there is nothing to be written. More than `least` are followed.
pub fn hold_and_follow(name: &str, least: usize, cases: &[(&str, &str, &str, &str)]) {
    let scratch = Scratch::new(name);
    scratch.write("initrd.img", "initrd");
    scratch.write("root.img", &"x".repeat(512));
    let (mut told, mut followed) = (Vec::new(), 0);
    for (line, habit, help, mended) in cases {
        told.push((*line, *habit, *help));
        if mended.is_empty() {
            continue;
        }
        let after = SPEC.replace(line, mended);
        // Who hides a feature is warned of it, however that is written.
        let mut left = found(&scratch, &after);
        left.retain(|found| found["code"] != "spec::midr-promises");
        assert_eq!(left, Vec::<Value>::new(), "{mended}");
        // The help has said what stands there now.
        let said = help
            .strip_prefix("write `")
            .and_then(|said| said.split_once('`'));
        if let Some((said, _)) = said {
            let said = said.trim_end_matches(" { … }");
            assert!(after.contains(said), "{habit}: {help}: {mended}");
        }
        followed += 1;
    }
    assert!(followed > least, "{followed}");
    hold(name, &told);
}

#[test]
fn words_of_other_programs_are_told_what_they_are_called_here() {
    let memory = "memory \"512MiB\"";
    let device = |words: &str| format!("{memory}\n{words}");
    let kernel = "kernel=\"vmlinuz\"";
    let [psci, name, gpu, features] =
        ["psci \"1.1\"", "name \"web\"", "gpu", "features { pmu; }"].map(device);
    hold_and_follow(
        "habits-elsewhere",
        10,
        &[
            (
                "arch \"arm64\"",
                "architecture \"arm64\"",
                "write `arch \"arm64\"`",
                "arch \"arm64\"",
            ),
            (
                "abi \"kvm-6.8\"",
                "baseline \"kvm-6.8\"",
                "write `abi \"kvm-6.8\"`",
                "abi \"kvm-6.8\"",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi kvm=6.8",
                "write `abi \"kvm-6.8\"`",
                "abi \"kvm-6.8\"",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi kvm=\"6.8\" psci=\"1.1\"",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
                "abi \"kvm-6.8\" \"psci-1.1\"",
            ),
            (
                "\"kvm-6.8\"",
                "\">=6.8\"",
                "write one release, `kvm-6.8`: a lock is what guests see under one; `runs-on` names the hosts that have to keep it",
                "\"kvm-6.8\"",
            ),
            (
                "\"kvm-6.8\"",
                "\"bookworm\"",
                "write `debian-12`",
                "\"debian-12\"",
            ),
            (
                "cpu \"neoverse-n1\" count=2",
                "cpu \"neoverse-n1\" 2",
                "write `cpu \"neoverse-n1\" count=2`",
                "cpu \"neoverse-n1\" count=2",
            ),
            ("count=2", "vcpus=2", "write `count=2`", "count=2"),
            (
                "cpu \"neoverse-n1\"",
                "processor \"neoverse-n1\"",
                "write `cpu \"neoverse-n1\" count=2`",
                "cpu \"neoverse-n1\"",
            ),
            (
                " count=2 {",
                " {\ncount 2",
                "it stands in the line of `cpu`: `cpu \"…\" count=2 {`",
                " count=2 {",
            ),
            (
                memory,
                "ram \"512MiB\"",
                "write `memory \"512MiB\"`",
                memory,
            ),
            (
                memory,
                "memory \"0.5GiB\"",
                "write `512MiB`: sizes are whole numbers",
                memory,
            ),
            (
                memory,
                "memory \"536870912\"",
                "add the unit, for example `512MiB`",
                memory,
            ),
            (
                memory,
                "memory mib=512",
                "write `memory \"512MiB\"`",
                memory,
            ),
            (
                "pmu",
                "features \"pmu\"",
                "each feature stands alone on its line: `pmu`",
                "pmu",
            ),
            // What is off stays off.
            (
                "pmu",
                "no-pmu",
                "leave the line out: without `pmu` it is off",
                "",
            ),
            (
                "pmu",
                "-pmu",
                "leave the line out: without `pmu` it is off",
                "",
            ),
            ("pmu", "disable \"fphp\"", "write `hide \"fphp\"`", ""),
            (
                "pmu",
                "set \"ID_AA64ISAR0_EL1.AES\" value=1",
                "write `set \"ID_AA64ISAR0_EL1.AES\" 1`",
                "",
            ),
            (
                "pmu",
                "sve",
                "choose a CPU model that has it (ID_AA64PFR0_EL1.SVE), or leave it out",
                "",
            ),
            (
                "boot kernel=\"vmlinuz\"",
                "kernel \"vmlinuz\"",
                "write `boot kernel=\"vmlinuz\"`",
                "boot kernel=\"vmlinuz\"",
            ),
            (
                "boot kernel=\"vmlinuz\"",
                "boot \"vmlinuz\"",
                "write `boot kernel=\"vmlinuz\"`",
                "boot kernel=\"vmlinuz\"",
            ),
            (
                "boot kernel=\"vmlinuz\"",
                "boot {\nkernel \"vmlinuz\"\ninitramfs \"initrd.img\"\n}",
                "write `boot kernel=\"vmlinuz\" initrd=\"initrd.img\"`, in one line",
                "boot kernel=\"vmlinuz\" initrd=\"initrd.img\"",
            ),
            (
                kernel,
                "kernel=\"vmlinuz\" append=\"quiet\"",
                "write `cmdline=\"quiet\"`",
                "kernel=\"vmlinuz\" cmdline=\"quiet\"",
            ),
            (
                kernel,
                "kernel=\"vmlinuz\" cmdline=console=ttyS0 root=/dev/vda // x",
                "write `\"console=ttyS0 root=/dev/vda\"`",
                "kernel=\"vmlinuz\" cmdline=\"console=ttyS0 root=/dev/vda\" // x",
            ),
            (
                kernel,
                "kernel=\"vmlinuz\"\n    initrd \"initrd.img\"",
                "it stands in the line of `boot`: `boot kernel=\"…\" initrd=\"initrd.img\"`",
                "kernel=\"vmlinuz\" initrd=\"initrd.img\"",
            ),
            (
                memory,
                &device("disk \"root\" \"root.img\""),
                "write `disk \"root\" path=\"root.img\"`",
                &device("disk \"root\" path=\"root.img\""),
            ),
            (
                memory,
                &device("disk \"root\" path=\"root.img\" ro=#true"),
                "write `read-only=#true`",
                "",
            ),
            (
                memory,
                &device("disk \"root\" { file \"root.img\" }"),
                "write `disk \"root\" path=\"root.img\"`, in one line",
                &device("disk \"root\" path=\"root.img\""),
            ),
            (
                memory,
                &device("tags team=\"shop\""),
                "write `labels team=\"shop\"`",
                &device("labels team=\"shop\""),
            ),
            (
                memory,
                &device("description web server"),
                "write `description \"web server\"`",
                &device("description \"web server\""),
            ),
            (
                memory,
                &device("runs-on version=\"6.12\""),
                "write `runs-on \"kvm-6.12\"`",
                &device("runs-on \"kvm-6.12\""),
            ),
            (
                memory,
                &psci,
                "baselines decide that: a part stands in `abi` behind a whole one, as in `abi \"kvm-6.8\" \"psci-1.1\"`",
                "",
            ),
            (
                memory,
                &name,
                "the machine's name stands right behind `vm`: `vm \"web\" { … }`",
                "",
            ),
            (
                memory,
                &gpu,
                "no machine of vmlock's has one: leave it out; there are `console`, `disk`, `net`, `rng` and `vsock`",
                memory,
            ),
            (
                memory,
                &features,
                "features stand in the `cpu` block, each alone on its line: `cpu \"…\" count=2 { pmu; }`",
                "",
            ),
            (
                "reason=\"so",
                "because=\"so",
                "write `reason=\"so are the hosts\"`",
                "reason=\"so",
            ),
            (
                "reason=\"so",
                "\"so",
                "write `allow \"spec::emulated-cpu\" reason=\"so are the hosts\"`",
                "reason=\"so",
            ),
            (
                "allow",
                "ignore",
                "write `allow \"spec::emulated-cpu\" reason=\"so are the hosts\"`",
                "allow",
            ),
        ],
    );
    hold_and_follow(
        "habits-signs",
        10,
        &[
            (
                "arch \"arm64\"",
                "ARCH=arm64",
                "write `arch \"arm64\"`",
                "arch \"arm64\"",
            ),
            (
                "arch \"arm64\"",
                "arch arm64\"",
                "write `\"arm64\"`",
                "arch \"arm64\"",
            ),
            (
                "arch \"arm64\"",
                "arch \"\"\"arm64\"\"\"",
                "write `\"arm64\"`",
                "arch \"arm64\"",
            ),
            (
                "arch \"arm64\"",
                "arch \"arm64\" -- so",
                "write `// so`",
                "arch \"arm64\" // so",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi (kvm-6.8)",
                "write `abi \"kvm-6.8\"`",
                "abi \"kvm-6.8\"",
            ),
            (
                "abi \"kvm-6.8\"",
                "abi (\"kvm-6.8\" \"psci-1.1\")",
                "write `abi \"kvm-6.8\" \"psci-1.1\"`",
                "abi \"kvm-6.8\" \"psci-1.1\"",
            ),
            (
                " count=2 {",
                " (count=2) {",
                "write `cpu \"neoverse-n1\" count=2 {`",
                " count=2 {",
            ),
            ("pmu", "pmu counters=0X4", "write `0x4`", "pmu counters=0x4"),
            (
                memory,
                "memory \"1,024MiB\"",
                "write `1024MiB`: sizes are binary, and say so",
                "memory \"1024MiB\"",
            ),
            (
                memory,
                "memory \"512 mb\"",
                "write `512MiB`: sizes are binary, and say so",
                memory,
            ),
            (
                "vm \"web\"",
                "vm \"../web\"",
                "for example `web`",
                "vm \"web\"",
            ),
            (
                "vm \"web\"",
                "vm \"web\" \"db\"",
                "write `vm \"web\" { … }`",
                "vm \"web\"",
            ),
            (
                "vm \"web\"",
                "kdl-version 2\nvm \"web\"",
                "leave it out; a line `/- kdl-version 2` may stand there instead",
                "/- kdl-version 2\nvm \"web\"",
            ),
        ],
    );
}
