//! What a start proved is believed by later ones as long as nothing has changed and nobody could have touched it, on a
//! real KVM and as root.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test proofs -- --ignored`.

mod host;

use host::{Place, image, in_host};
use vmlock_spec::catalogue::field;
use vmlock_spec::lock::Lock;
use vmlock_spec::report;

/// PSCI SYSTEM_OFF: `mov w0, #0x84000008`, `hvc #0`, `b .`
const SYSTEM_OFF: [u32; 4] = [0x5280_0100, 0x72b0_8000, 0xd400_0002, 0x1400_0000];

/// What comes before a start, in a shell; whether that finds a proof, and words that it has to say about one.
type Case = (&'static str, bool, &'static str);

const FRESH: bool = false;
const FOUND: bool = true;
const NOTHING: &str = "";
const WITHHELD: &str = "the guest is not told what protects it on this host: ID_AA64PFR0_EL1.";

const ANEW: &str = "what an earlier start proved does not hold any more, and this host is proven anew: ID_AA64PFR0_EL1.";
const ENTERED_ANEW: &str = "what an earlier start proved does not hold any more, and this host is proven anew: ACTLR_EL1 at entry";

/// Hosts, each with its CPU, a lock that it keeps, and cases.
const HOSTS: [(&str, &str, &str, &[&[Case]]); 3] = [
    (
        "5.10",
        "cortex-a72",
        "examples/portable.vm.lock.json",
        &[&CASES],
    ),
    (
        "6.12",
        "neoverse-n1",
        "examples/modern.vm.lock.json",
        &[&CASES, &WITHHOLDING],
    ),
    (
        "6.12",
        "cortex-a72",
        "lab/tests/specs/actlr.vm.lock.json",
        &[&BEGINNING, &DEVICES],
    ),
];

/// In their order, each after all those before it.
const CASES: [Case; 48] = [
    ("", FRESH, NOTHING),
    ("", FOUND, NOTHING),
    ("[ $(ls -A $run | wc -l) = 1 ]", FOUND, NOTHING),
    ("flags=--no-proof-cache", FRESH, NOTHING),
    ("flags=", FOUND, NOTHING),
    // The file.
    (
        "mv $proof /tmp/proof; ln -s /tmp/proof $proof",
        FRESH,
        "symbolic link",
    ),
    ("", FOUND, NOTHING),
    ("ln $proof /run/other", FRESH, "2 names"),
    ("", FOUND, NOTHING),
    ("chown 1 $proof", FRESH, "belongs to user 1"),
    ("", FOUND, NOTHING),
    ("chmod 0620 $proof", FRESH, "others may use it"),
    ("", FOUND, NOTHING),
    ("rm $proof; mkfifo $proof", FRESH, "no regular file"),
    ("", FOUND, NOTHING),
    (
        "head -c 100 $proof >/tmp/proof; cat /tmp/proof >$proof",
        FRESH,
        "cut off",
    ),
    ("", FOUND, NOTHING),
    (": >$proof", FRESH, "cut off"),
    ("", FOUND, NOTHING),
    (
        "sed -i s/steps/stepz/ $proof",
        FRESH,
        "not as it was written",
    ),
    ("", FOUND, NOTHING),
    // Another proof in its place; the newest is told by its second.
    ("sleep 1; lock=$second", FRESH, NOTHING),
    ("", FOUND, NOTHING),
    (
        "cat $(find $run -type f ! -path $proof) >/tmp/proof; cat /tmp/proof >$proof",
        FRESH,
        "about something else",
    ),
    ("", FOUND, NOTHING),
    ("lock=$first", FOUND, NOTHING),
    // The folder.
    ("chmod 0750 $run", FRESH, "others may use it"),
    ("", FRESH, "others may use it"),
    ("chmod 0700 $run; chown 1 $run", FRESH, "belongs to user 1"),
    (
        "chown 0 $run; mv $run /run/elsewhere; ln -s /run/elsewhere $run",
        FRESH,
        "no folder",
    ),
    ("rm $run; mv /run/elsewhere $run", FOUND, NOTHING),
    // What it rests on.
    (
        "echo another >/tmp/id; mount -o bind /tmp/id $boot",
        FRESH,
        NOTHING,
    ),
    ("umount $boot", FOUND, NOTHING),
    ("echo 0 >$parameter", FRESH, NOTHING),
    ("echo 500000 >$parameter", FOUND, NOTHING),
    ("taskset=\"taskset 1\"", FRESH, NOTHING),
    ("", FOUND, NOTHING),
    ("taskset=", FOUND, NOTHING),
    ("flags=--native", FRESH, NOTHING),
    ("flags=", FOUND, NOTHING),
    (
        "cp $program /tmp/another; sleep 1; program=/tmp/another",
        FRESH,
        NOTHING,
    ),
    ("", FOUND, NOTHING),
    ("printf x >>$program; sleep 1", FRESH, NOTHING),
    ("program=$own", FOUND, NOTHING),
    // What cannot be read is no key.
    ("mount -t tmpfs none /sys/kernel", FRESH, NOTHING),
    ("umount /sys/kernel", FOUND, NOTHING),
    // Root of a namespace is somebody else.
    ("taskset='unshare -U -r'", FRESH, NOTHING),
    ("taskset=", FOUND, NOTHING),
];

/// With a lock that has something set here.
const WITHHOLDING: [Case; 5] = [
    // Whoever proved it, what the guest is not told is said.
    ("sleep 1; lock=$third; told='not told'", FRESH, WITHHELD),
    ("", FOUND, WITHHELD),
    // Even a proof that is believed does not replace the reading back: one that orders too little is made anew.
    ("forge s/steps/steps/", FOUND, WITHHELD),
    ("told='any more'; forge $too_little", FRESH, ANEW),
    ("told='not told'", FOUND, WITHHELD),
];

/// With a lock by which a vCPU begins with something that has to be written, and the runner answers CPU_ON.
const BEGINNING: [Case; 5] = [
    ("", FRESH, NOTHING),
    ("", FOUND, NOTHING),
    ("forge s/steps/steps/", FOUND, NOTHING),
    ("told='any more'; forge $unbegun", FRESH, ENTERED_ANEW),
    ("", FOUND, NOTHING),
];

/// With a lock that has virtio devices. What is on a disk is no part of what was proved.
const DEVICES: [Case; 3] = [
    (
        "sleep 1; lock=$disks; at=${disks%/*}; mkdir $at/full; \
         truncate -s 32M $at/root.img; truncate -s 1M $at/seed.img; truncate -s 4M $at/full/full.img",
        FRESH,
        NOTHING,
    ),
    ("", FOUND, NOTHING),
    (
        "echo another >$at/root.img; truncate -s 32M $at/root.img",
        FOUND,
        NOTHING,
    ),
];

/// The guest is told of nothing that its CPU is not open to.
fn withhold(lock: &mut Lock) {
    for path in ["ID_AA64PFR0_EL1.CSV2", "ID_AA64PFR0_EL1.CSV3"] {
        let (register, field) = field(path).expect("the catalogue has it");
        let mut entries = lock.registers.iter_mut();
        let entry = entries.find(|entry| entry.id == register.id);
        let entry = entry.expect("the lock has it");
        entry.value = field.put(entry.value, 0);
    }
}

#[test]
#[ignore = "boots emulated hosts"]
fn a_proof_is_believed_only_as_long_as_nobody_could_have_touched_it() {
    for (kernel, cpu, lock, cases) in HOSTS {
        let cases = cases.concat();
        let said = in_cases(kernel, cpu, lock, &cases);
        let (probed, said) = said.split_once("===\n").expect("it was probed first");
        says_its_boot(kernel, probed);
        let parts: Vec<&str> = said.split("===\n").collect();
        assert_eq!(parts.len(), cases.len() + 1, "Linux {kernel}: {said}");
        for (part, (before, found, words)) in parts.iter().zip(cases) {
            let how = if found { "remembered" } else { "made" };
            let lines: Vec<&str> = part.lines().collect();
            let proof = format!("proof {how}");
            match (lines.as_slice(), words) {
                (["exit 0", p], NOTHING) if *p == proof => {}
                (["exit 0", p, said], words) if *p == proof && words != NOTHING => {
                    assert!(said.contains(words), "Linux {kernel}, `{before}`: {part}");
                }
                _ => panic!(
                    "on Linux {kernel}, `{before}` should have a proof that is {how}, and {words:?} to say:\n{part}\n{said}"
                ),
            }
        }
        assert_eq!(parts.last(), Some(&""), "nobody is left behind");
    }
}

/// The boot that a host names in its report is its own, and the report is one that `vmlock` reads.
fn says_its_boot(kernel: &str, probed: &str) {
    let (boot, text) = probed.split_once('\n').unwrap_or_default();
    let said = report::parse(text).unwrap_or_else(|e| panic!("Linux {kernel}: {e}"));
    assert_eq!(said.boot.as_deref(), Some(boot), "Linux {kernel}");
    assert!(report::is_boot(boot) && !said.views.is_empty(), "{boot}");
}

/// What a probe said after its host's boot, what the starts of all cases said, and who is still there afterwards.
fn in_cases(kernel: &str, cpu: &str, lock: &str, cases: &[Case]) -> String {
    let place = Place::new("proofs");
    let off = "off.Image";
    let first = place.lock("first", lock, off);
    let second = place.altered("second", lock, off, |lock| {
        let boot = lock.boot.as_mut().expect("it was given one");
        boot.cmdline = "another".to_owned();
    });
    let third = place.altered("third", lock, off, withhold);
    let disks = place.lock("disks", "lab/tests/specs/disks.vm.lock.json", off);
    let image = place.write(off, &image(&SYSTEM_OFF, None));
    let mut script = format!(
        "first={}; second={}; third={}; disks={}; lock=$first\n",
        first.display(),
        second.display(),
        third.display(),
        disks.display()
    );
    script += r#"
own=$(which vmlock-run); program=$own
told='nothing more'; run=/run/vmlock; boot=/proc/sys/kernel/random/boot_id; parameter=/sys/module/kvm/parameters/halt_poll_ns
start() {
    $taskset $program start $lock $flags --stats </dev/null >/dev/null 2>/tmp/said; echo "exit $?"
    sed -n 's/.*"proof":"\([a-z]*\)".*/proof \1/p' /tmp/said
    grep -E "not (remembered|believed)|$told" /tmp/said
    newest=$(ls -t $run | head -1); proof=$run/$newest
}
too_little='s/"steps":.*,"onlyInside"/"steps":[],"onlyInside"/'
unbegun='s/{"reset":{[^}]*}},//g'
forge() {
    head -2 $proof | sed "$1" >/tmp/forged && sum=$(sha256sum </tmp/forged | cut -c1-64) &&
    echo sha256-$sum >>/tmp/forged && cat /tmp/forged >$proof
}
"#;
    script += "cat $boot; vmlock-run probe --boot || echo \"exit $?\"; echo ===\n";
    for &(before, ..) in cases {
        let before = if before.is_empty() { ":" } else { before };
        script +=
            &format!("{{ {before}\n}} || echo 'this cannot be done: {before}'\nstart; echo ===\n");
    }
    // Who waited for a VM to be taken down has gone soon after.
    script += "sleep 1; grep -l vmlock-run /proc/[0-9]*/comm 2>/dev/null || :\n";
    let script = place.write("proofs.sh", script.as_bytes());
    let files = [first, second, third, disks, image, script.clone()];
    in_host(kernel, cpu, &script, &files)
}
