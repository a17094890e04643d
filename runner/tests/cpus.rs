//! A guest's threads stay on the CPUs that were judged, on a real KVM: a CPU of another kind that comes online later runs
//! none of them, and one that Linux moves them to all the same pauses the guest.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test cpus -- --ignored`.

mod host;

use host::{Place, image, in_host};

/// Says `x` on its console now and then: `movz x1, #0x900, lsl #16`, `movz w2, #'x'`, `movz x3, #2, lsl #16`,
/// `subs x3, x3, #1`, `b.ne` to it, `strb w2, [x1]`, and back to the third.
const TICKING: [u32; 7] = [
    0xd2a1_2001,
    0x5280_0f02,
    0xd2a0_0043,
    0xf100_0463,
    0x54ff_ffe1,
    0x3900_0022,
    0x17ff_fffc,
];

/// CPU 0 runs the guest; CPU 1 comes later, as a Cortex-A72.
const SCRIPT: &str = r#"
cpus=/sys/devices/system/cpu
await() { n=0; until eval "$1"; do n=$((n+1)); [ $n -gt 100 ] && return; sleep 0.2; done; }
ticks() { wc -c </tmp/out; }
ticking() { before=$(ticks); sleep 1; [ "$(ticks)" -gt "$before" ] && echo "$1: ticking" || echo "$1: silent"; }
moved() { await "grep -q '$1' /tmp/err" && echo "said: $1"; }

echo 0 >$cpus/cpu1/online
vmlock-run start LOCK </dev/null >/tmp/out 2>/tmp/err & run=$!
await '[ "$(ticks)" -gt 0 ]'
echo 0x00000000410fd083 >/tmp/midr
echo 1 >$cpus/cpu1/online
mount -o bind /tmp/midr $cpus/cpu1/regs/identification/midr_el1
sleep 1
for task in /proc/$run/task/*; do
    echo "thread on $(awk '/^Cpus_allowed_list/ {print $2}' $task/status)"
done
ticking late
vmlock-run check LOCK 2>&1 | head -1
echo 0 >$cpus/cpu0/online
moved 'the guest is paused: its threads were let run on CPU 1 with MIDR_EL1 0x410fd083'
ticking gone
echo 1 >$cpus/cpu0/online
moved 'the guest goes on, on CPUs 0'
ticking back
kill -TERM $run; wait $run; echo "exit $?"
"#;

#[test]
#[ignore = "boots an emulated host"]
fn a_guest_does_not_run_on_a_cpu_of_another_kind() {
    let place = Place::new("cpus");
    let lock = "examples/modern.vm.lock.json";
    let kernel = place.write("ticking.Image", &image(&TICKING, None));
    let files = [place.lock("ticking", lock, "ticking.Image"), kernel];
    let script = SCRIPT.replace("LOCK", &files[0].to_string_lossy());
    let script = place.write("cpus.sh", script.as_bytes());
    let said = in_host(
        "6.12",
        "neoverse-n1",
        &script,
        &[&files[..], std::slice::from_ref(&script)].concat(),
    );
    let threads: Vec<&str> = said
        .lines()
        .filter(|l| l.starts_with("thread on"))
        .collect();
    assert!(threads.len() > 3, "{said}");
    assert!(threads.iter().all(|l| *l == "thread on 0"), "{said}");
    let rest: Vec<&str> = said
        .lines()
        .filter(|l| !l.starts_with("thread on"))
        .collect();
    let [late, check, paused, gone, on, back, exit] = rest[..] else {
        panic!("{said}");
    };
    assert_eq!(late, "late: ticking", "{said}");
    assert!(check.contains("CPUs of 2 kinds"), "{said}");
    assert!(paused.starts_with("said: the guest is paused"), "{said}");
    assert_eq!(gone, "gone: silent", "{said}");
    assert!(on.starts_with("said: the guest goes on"), "{said}");
    assert_eq!((back, exit), ("back: ticking", "exit 143"), "{said}");
}
