//! A restored guest that runs while its memory is still held against what was saved, on a real KVM and in the jail: it runs,
//! and nothing of it leaves before all was what was saved; where something is another, nothing ever does.
//!
//! Needs an emulated host, so it is ignored unless asked for: `cargo test -p vmlock-run --test outlets -- --ignored`. The
//! runner is one that can be told to be slow (`VMLOCK_SLOW_CHECK`, milliseconds for each chunk of 2 MiB).

#[path = "outlets/cable.rs"]
mod cable;
#[path = "outlets/files.rs"]
mod files;
mod host;

use host::checks::guest;
use host::{Place, image, in_host_of_tests};
use vmlock_spec::lock::{Device, DeviceKind, Lock};

/// As in `saves.rs`: `guest VERB FILE FLAGS` starts or restores one; `said` waits until it has said `>` so many times;
/// `again` asks for one more.
const HEAD: &str = r#"
mkdir -p /tmp; cd /tmp; rm -rf in out words mine *.save cut; mkdir -m 700 mine; mkfifo in; exec 3<>in
run=vmlock-run-torture socket=mine/web total=1
guest() { : >words; $run "$@" --lock $lock --control $socket <in >>out 2>words & pid=$!; }
# Where the first guest that is started does not tick, nothing has been tried yet, and the host has failed.
fresh=1; silent() { [ -z "$fresh" ] || { $run status $socket; echo "the first guest of this host is silent"; }; }
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 600 ] || { cat words out; echo "never: $1"; silent; exit 1; }; done; }
heard() { tr -cd '>' <out | wc -c; }
said() { await "[ \$(heard) -ge $total ]"; }
again() { printf x >&3; total=$((total + 1)); said; }
ended() { wait $pid; code=$?; [ $code = $2 ] || { echo "$1: exit $code"; cat words; exit 1; }; }
save() { rm -f $1; $run save $1 --control $socket >saved 2>&1 || { echo "not saved: $1"; cat saved words; exit 1; }; ended $1 143; chmod 400 $1; }
checks() { $run status $socket 2>/dev/null | grep -q "checking memory [0-9]* %"; }
exits() { $run status $socket | sed -n 's/^vCPU 0: \([0-9]*\) exits.*/\1/p'; }
slowly() { export VMLOCK_SLOW_CHECK=$1; shift; guest "$@"; await checks; }
released() { grep -q "leaves from now on" words; }
: >out
$run start $lock --control $socket <in >>out 2>words & pid=$!
said; again; fresh=; save one.save
"#;

/// Of a guest that talks.
const SCRIPT: &str = r#"
# What it says waits, and comes whole and in order.
slowly 3000 restore one.save
first=$(exits); printf x >&3; total=$((total + 1)); sleep 1; second=$(exits)
checks && [ $second -gt $first ] && echo "runs while it is checked"
[ $(heard) = $((total - 1)) ] && echo "says nothing meanwhile"
said; released && echo "says it then"; again; checks || echo "is checked no more"
# A pause is one, and its end lets go of the pause alone.
save one.save; slowly 4000 restore one.save
$run pause $socket >/dev/null && first=$(exits) && sleep 1 && [ $(exits) = $first ] && echo "rests"
$run resume $socket >/dev/null; printf x >&3; total=$((total + 1)); sleep 1
checks && [ $(heard) = $((total - 1)) ] && echo "says nothing after a pause"
said
# A save waits for it.
save one.save; slowly 2000 restore one.save
save two.save; released && echo "is saved once it was checked"
# And so does an audit.
slowly 2000 restore two.save
$run audit $lock --control $socket >seen 2>&1; echo "audited: exit $?"; released && echo "is audited once it was checked"
again; save two.save
# An end that its operator wants does not.
slowly 20000 restore two.save; $run stop $socket >/dev/null; ended stopped 143; released || echo "is stopped at once"
# One of its own does, and stands behind what it said before.
slowly 3000 restore two.save; printf x >&3; total=$((total + 1)); sleep 1; printf o >&3; sleep 1
kill -0 $pid && ! grep -q "powered off" words && checks && echo "is not told to have powered off"
ended off 0; grep -q "powered off" words && [ $(heard) = $total ] && echo "powered off then"
# What is another than what was saved: it runs, and nothing of it is heard, whatever it does.
for at in 2097168 6291455; do
    for does in x o; do
        cp one.save cut; chmod 600 cut; printf '\377' | dd of=cut bs=1 seek=$at conv=notrunc 2>/dev/null; chmod 400 cut
        slowly 2000 restore cut; first=$(exits); printf $does >&3
        ended damaged 4; [ $(heard) = $total ] && [ ${first:-0} -gt 0 ] && grep -q "nothing has left it" words && echo "stopped"
        grep -o "its memory at 0x[0-9a-f]* to 0x[0-9a-f]* is not what was saved" words
    done
    VMLOCK_SLOW_CHECK=0 $run restore cut --lock $lock </dev/null >>out 2>words; echo "at once: exit $?"
    # One that could be handed over to another runner or host is not run before that either.
    for before in --verify "--memory shared --control mine/other"; do
        $run restore cut --lock $lock $before </dev/null >>out 2>words; echo "before: exit $?, $(grep -c 'begun to run' words)"
    done
done
[ $(heard) = $total ] && echo "nothing was heard of any"
# What somebody could write is read before.
export VMLOCK_SLOW_CHECK=0
exec 5<>one.save; guest restore one.save; again; grep -c "is checked and copied before it runs" words | sed 's/^/open elsewhere: /'
exec 5>&-; save three.save; chmod 600 three.save; guest restore three.save; again; grep -c "is checked and copied before it runs" words | sed 's/^/may be written: /'
save three.save; guest restore three.save; again; grep -c "is checked and copied before it runs" words | sed 's/^/may not: /'
printf o >&3; ended off 0
grep -q '!' out || echo "nothing has changed"
"#;

/// Of one with a disk: what is its first byte, `at` gives it others; `writes` has one asked for that does not come.
const DISKED: &str = r#"
image=${lock%/*}/carried.img
first() { head -c 1 $image; }
at() { cat $1 >$image; }
writes() { printf $1 >&3; [ $1 = w ] || total=$((total + 1)); sleep 1; checks && [ $(first) = $2 ]; }
[ "$(first)" = x ] && echo "writes"
# What it writes waits, also for who pauses it and lets it go on.
slowly 8000 restore one.save; writes y x && echo "waits"
$run pause $socket >/dev/null && $run resume $socket >/dev/null; sleep 1; checks && [ $(first) = x ] && echo "waits after a pause"
said; [ $(first) = y ] && echo "is written then"; again; save two.save; cp $image before
# It is begun where its end comes with it.
slowly 6000 restore two.save; writes w x; printf o >&3; sleep 1
$run pause $socket >refused 2>&1; grep -q "come to its end" refused && echo "is not paused at its end"
checks && [ $(first) = x ] && echo "waits, as the end does"; ended off 0; [ $(first) = w ] && echo "is written at its end"
# Nothing is of what somebody has end meanwhile, nor of what is another than what was saved.
at before; slowly 20000 restore two.save; writes z x; total=$((total - 1)); $run stop $socket >/dev/null; ended stopped 143
cmp $image before && grep -q "since it was restored is dropped" words && echo "is dropped"
cp two.save cut; chmod 600 cut; printf '\377' | dd of=cut bs=1 seek=18907136 conv=notrunc 2>/dev/null; chmod 400 cut
for does in z w wo; do
    slowly 4000 restore cut; printf $does >&3; sleep 1; checks || echo "it was too quick"; ended damaged 4
    grep -q "nothing has left it" words && cmp $image before && [ $(heard) = $total ] && echo "is never written"
    grep -o "its memory at 0x[0-9a-f]* to 0x[0-9a-f]* is not what was saved" words
done
export VMLOCK_SLOW_CHECK=0; guest restore two.save; again; printf o >&3; ended whole 0; [ $(first) = x ] && echo "and goes on"
# A host whose KVM shows a guest something else than it tells the runner: the witness sees it in the guest's own machine, which does
# not go on there, and does at its other end where it comes from one.
VMLOCK_ALTERED=2 $run restore two.save --lock $lock </dev/null >>out 2>words; echo "altered: exit $?, $(grep -c 'would not see.*PSCI_FEATURES([A-Z0-9_]*) on vCPU 0: promised' words)"
total=$((total + 1)); $run start $lock --memory shared --control $socket <in >>out 2>words & pid=$!; said
VMLOCK_ALTERED=2 $run receive mine/to --lock $lock --control mine/other </dev/null >>out 2>altered & new=$!; await "[ -S mine/to ]"
$run migrate --to mine/to --control $socket >said 2>&1; echo "given, altered: exit $?, $(grep -c 'would not see.*PSCI_FEATURES([A-Z0-9_]*) on vCPU 0: promised' said)"
wait $new; echo "and there: exit $?, $(grep -c 'would not see' altered)"; again; printf o >&3; ended altered 0
[ $(heard) = $total ] && echo "and goes on where it was"
"#;

/// A guest that has a disk at 0x0a000000, and says `>`. For each byte that it is told it writes a block that begins with that,
/// and says `>` once that is done; of a `w` it does not wait for that, and says nothing. `o` is power off. Its MMU is off, so a
/// host that is a real machine may not see its queue; emulated ones do.
const WRITES: [u32; 74] = [
    0xd2a1_2014, // start: mov x20, #0x09000000
    0xd2a1_4015, // mov x21, #0x0a000000
    0xd2a8_2016, // mov x22, #0x41000000
    0xb900_72bf, // str wzr, [x21, #0x70]
    0x5280_0021, // mov w1, #1
    0xb900_72a1, // str w1, [x21, #0x70]
    0x5280_0061, // mov w1, #3
    0xb900_72a1, // str w1, [x21, #0x70]
    0xb900_26bf, // str wzr, [x21, #0x24]
    0xb900_22bf, // str wzr, [x21, #0x20]
    0x5280_0021, // mov w1, #1
    0xb900_26a1, // str w1, [x21, #0x24]
    0xb900_22a1, // str w1, [x21, #0x20]
    0x5280_0161, // mov w1, #11
    0xb900_72a1, // str w1, [x21, #0x70]
    0xb900_32bf, // str wzr, [x21, #0x30]
    0x5280_0081, // mov w1, #4
    0xb900_3aa1, // str w1, [x21, #0x38]
    0xb900_82b6, // str w22, [x21, #0x80]
    0xb900_86bf, // str wzr, [x21, #0x84]
    0x9140_06d7, // add x23, x22, #1, lsl #12
    0xb900_92b7, // str w23, [x21, #0x90]
    0xb900_96bf, // str wzr, [x21, #0x94]
    0x9140_0ad8, // add x24, x22, #2, lsl #12
    0xb900_a2b8, // str w24, [x21, #0xa0]
    0xb900_a6bf, // str wzr, [x21, #0xa4]
    0x5280_0021, // mov w1, #1
    0xb900_46a1, // str w1, [x21, #0x44]
    0x5280_01e1, // mov w1, #15
    0xb900_72a1, // str w1, [x21, #0x70]
    0x9140_0ed9, // add x25, x22, #3, lsl #12
    0x9140_12da, // add x26, x22, #4, lsl #12
    0xf900_02d9, // str x25, [x22]
    0x5280_0201, // mov w1, #16
    0xb900_0ac1, // str w1, [x22, #8]
    0x3200_83e1, // mov w1, #0x10001
    0xb900_0ec1, // str w1, [x22, #12]
    0xf900_0ada, // str x26, [x22, #16]
    0x5280_4001, // mov w1, #512
    0xb900_1ac1, // str w1, [x22, #24]
    0x5280_0021, // mov w1, #0x1
    0x72a0_0041, // movk w1, #2, lsl #16
    0xb900_1ec1, // str w1, [x22, #28]
    0x9100_4321, // add x1, x25, #16
    0xf900_12c1, // str x1, [x22, #32]
    0x5280_0021, // mov w1, #1
    0xb900_2ac1, // str w1, [x22, #40]
    0xb900_0321, // str w1, [x25]
    0x5280_0041, // mov w1, #2
    0xb900_2ec1, // str w1, [x22, #44]
    0x5280_0013, // mov w19, #0
    0x5280_07c1, // say: mov w1, #62
    0x3900_0281, // strb w1, [x20]
    0x3940_1681, // wait: ldrb w1, [x20, #5]
    0x3607_ffe1, // tbz w1, #0, wait
    0x3940_0281, // ldrb w1, [x20]
    0x7101_bc3f, // cmp w1, #111
    0x5400_01a0, // b.eq off
    0x3900_0341, // strb w1, [x26]
    0x1100_0673, // add w19, w19, #1
    0xd503_3fbf, // dmb sy
    0x7900_06f3, // strh w19, [x23, #2]
    0xd503_3fbf, // dmb sy
    0xb900_52bf, // str wzr, [x21, #0x50]
    0x7101_dc3f, // cmp w1, #119
    0x54ff_fe80, // b.eq wait
    0x7940_0702, // used: ldrh w2, [x24, #2]
    0x6b13_005f, // cmp w2, w19
    0x54ff_ffc1, // b.ne used
    0x17ff_ffee, // b say
    0x5280_0100, // off: movz w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

/// What a disk has not been told to do before its guest's memory was checked, it does then, or never.
#[test]
#[ignore = "boots an emulated host"]
fn nothing_is_written_to_a_disk_before_its_guests_memory_was_checked() {
    // An old one, and as containers have it: where a guest's memory begins then is any page of the host's.
    let (kernel, cpu) = ("5.10", "cortex-a72");
    let place = Place::new("outlets-disk");
    let image = place.write("guest.Image", &image(&WRITES, None));
    let lock = "examples/carried.vm.lock.json";
    let lock = place.altered("disked", lock, "guest.Image", |lock| {
        lock.machine.memory.size = 64 << 20;
        let only = |d: &Device| d.virtio.is_none() || d.kind == DeviceKind::VirtioBlock;
        lock.machine.devices.retain(only);
        let mut virtio = lock.machine.devices.iter().filter(|d| d.virtio.is_some());
        let base = virtio.next().map(|disk| disk.range.base);
        assert_eq!((base, virtio.next()), (Some(0x0a00_0000), None));
    });
    let names = format!(
        "export MALLOC_ARENA_MAX=1; lock={}; truncate -s 16M ${{lock%/*}}/carried.img",
        lock.display()
    );
    let script = format!("{names}\n{HEAD}{DISKED}");
    let script = place.write("outlets-disk.sh", script.as_bytes());
    let said = in_host_of_tests(kernel, cpu, &script, &[image, lock, script.clone()], &[]);
    for (line, times) in [
        ("writes\n", 1),
        ("waits\n", 1),
        ("waits after a pause\n", 1),
        ("is written then\n", 1),
        ("waits, as the end does\n", 1),
        ("is not paused at its end\n", 1),
        ("is written at its end\n", 1),
        ("is dropped\n", 1),
        ("is never written\n", 3),
        (
            "its memory at 0x41000000 to 0x411fffff is not what was saved\n",
            3,
        ),
        ("it was too quick", 0),
        ("and goes on\n", 1),
        ("\naltered: exit 3, 1\n", 1),
        ("given, altered: exit 4, 1\n", 1),
        ("and there: exit 4, 1\n", 1),
        ("and goes on where it was\n", 1),
        ("never:", 0),
    ] {
        let found = said.matches(line).count();
        assert_eq!(found, times, "{line:?}:\n{said}");
    }
}

#[test]
#[ignore = "boots an emulated host"]
fn nothing_leaves_a_restored_guest_before_its_memory_was_checked() {
    let (kernel, cpu) = ("6.12", "cortex-a72");
    let place = Place::new("outlets");
    let image = place.write("guest.Image", &image(&guest(), None));
    let small = |lock: &mut Lock| lock.machine.memory.size = 64 << 20;
    let lock = "examples/portable.vm.lock.json";
    let lock = place.altered("one", lock, "guest.Image", small);
    let script = format!("lock={}\n{HEAD}{SCRIPT}", lock.display());
    let script = place.write("outlets.sh", script.as_bytes());
    let said = in_host_of_tests(kernel, cpu, &script, &[image, lock, script.clone()], &[]);
    let chunk = |from: u64| {
        format!(
            "its memory at {from:#x} to {:#x} is not what was saved\n",
            from + 0x1f_ffff
        )
    };
    for (line, times) in [
        ("runs while it is checked\n", 1),
        ("says nothing meanwhile\n", 1),
        ("says it then\n", 1),
        ("is checked no more\n", 1),
        ("rests\n", 1),
        ("says nothing after a pause\n", 1),
        ("is saved once it was checked\n", 1),
        ("audited: exit 0\n", 1),
        ("is audited once it was checked\n", 1),
        ("is stopped at once\n", 1),
        ("is not told to have powered off\n", 1),
        ("powered off then\n", 1),
        ("stopped\n", 4),
        (&chunk(0x4000_0000), 2),
        (&chunk(0x4020_0000), 2),
        ("at once: exit 4\n", 2),
        ("before: exit 4, 0\n", 4),
        ("nothing was heard of any\n", 1),
        ("open elsewhere: 1\n", 1),
        ("may be written: 1\n", 1),
        ("may not: 0\n", 1),
        ("nothing has changed\n", 1),
        ("never:", 0),
    ] {
        let found = said.matches(line).count();
        assert_eq!(found, times, "{line:?}:\n{said}");
    }
}
