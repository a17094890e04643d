//! A guest that is saved to a file and restored from it, on a real KVM, in the jail, natively and with the runner's
//! distributor: to the guest nothing has happened. What is not whole, or not that guest, is refused.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test saves -- --ignored`; `VMLOCK_SAVES=100` saves it so often, and on a host of 5.10, too,
//! and carries one guest through five hosts instead of two; `VMLOCK_FREEZE=FOLDER` has the second of these tests begin one on
//! 5.10 and one on 7.3, and writes the files of both there, for a version of the file of which there is none yet.

mod host;
#[path = "saves/stolen.rs"]
mod stolen;

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use host::checks::{IRQ, VECTORS, WORDS, guest};
use host::{Place, image, in_host, in_host_and_back, in_host_of_tests};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};
use vmlock_spec::catalogue::register_by_name;
use vmlock_spec::lock::{AcrossSaves, Device, DeviceKind, Lock, Range};
use vmlock_spec::report::HostReport;

/// A guest that says the 32 bytes at 0x9020000, where its generation id is, each as two letters from `a` on, and `>`; and again
/// for each byte that it is told. Told `w` it writes there before, in a way that KVM decodes and in one that it does not, and
/// says `!` for each that is an external abort. Told `e` it enables INTID 66, and from then on says `z` whenever it takes that.
const TWIN: [u32; 41] = [
    0xd2a1_2014, // start: mov x20, #0x09000000
    0xd2a1_2055, // mov x21, #0x09020000
    0x1000_3dc0, // adr x0, vectors
    0xd518_c000, // msr vbar_el1, x0
    0xd503_3fdf, // isb
    0xd280_0001, // turn: mov x1, #0
    0x3861_6aa2, // byte: ldrb w2, [x21, x1]
    0x5304_7c43, // lsr w3, w2, #4
    0x1101_8463, // add w3, w3, #97
    0x3900_0283, // strb w3, [x20]
    0x1200_0c43, // and w3, w2, #15
    0x1101_8463, // add w3, w3, #97
    0x3900_0283, // strb w3, [x20]
    0x9100_0421, // add x1, x1, #1
    0xf100_803f, // cmp x1, #32
    0x54ff_fee1, // b.ne byte
    0x5280_07c3, // mov w3, #62
    0x3900_0283, // strb w3, [x20]
    0x3940_1682, // wait: ldrb w2, [x20, #5]
    0x3607_ffe2, // tbz w2, #0, wait
    0x3940_0282, // ldrb w2, [x20]
    0x7101_dc5f, // cmp w2, #119
    0x5400_0081, // b.ne other
    0x3900_02a2, // strb w2, [x21]
    0xa900_56b5, // stp x21, x21, [x21]
    0x17ff_ffec, // b turn
    0x7101_945f, // other: cmp w2, #101
    0x54ff_fd41, // b.ne turn
    0xd2a1_0016, // mov x22, #0x08000000
    0x5280_0400, // mov w0, #0x20
    0xb90c_12c0, // str w0, [x22, #0xc10]
    0x5280_0040, // mov w0, #2
    0xb900_02c0, // str w0, [x22]
    0x5280_0080, // mov w0, #4
    0xb901_0ac0, // str w0, [x22, #0x108]
    0xd280_1e00, // mov x0, #0xf0
    0xd518_4600, // msr S3_0_C4_C6_0, x0
    0xd280_0020, // mov x0, #1
    0xd518_cce0, // msr S3_0_C12_C12_7, x0
    0xd503_42ff, // msr daifclr, #2
    0x17ff_ffdd, // b turn
];

/// What it does with an abort.
const ABORT: [u32; 6] = [
    0x5280_0423, // mov w3, #33
    0x3900_0283, // strb w3, [x20]
    0xd538_4024, // mrs x4, elr_el1
    0x9100_1084, // add x4, x4, #4
    0xd518_4024, // msr elr_el1, x4
    0xd69f_03e0, // eret
];
const SYNCHRONOUS: usize = VECTORS + 0x200 / 4;
/// And with an interrupt.
const EDGE: [u32; 5] = [
    0xd538_cc04, // mrs x4, S3_0_C12_C12_0
    0xd518_cc24, // msr S3_0_C12_C12_1, x4
    0x1100_e085, // add w5, w4, #56
    0x3900_0285, // strb w5, [x20]
    0xd69f_03e0, // eret
];

fn twin() -> Vec<u32> {
    let mut code = vec![0; WORDS];
    code[..TWIN.len()].copy_from_slice(&TWIN);
    code[SYNCHRONOUS..SYNCHRONOUS + ABORT.len()].copy_from_slice(&ABORT);
    code[IRQ..IRQ + EDGE.len()].copy_from_slice(&EDGE);
    code
}

/// A guest whose PMU counts cycles when it says `>`. Told something, it looks whether it has counted, has it stop, and says `>`;
/// and again for each byte that it is told, as long as the PMU is on, and the counter where it stopped. It says `!` and ends
/// where one is not so; `o` is power off.
const COUNTS: [u32; 40] = [
    0xd2a1_2014, // start: mov x20, #0x09000000
    0x9280_0001, // mov x1, #-1
    0xd51b_9c41, // msr pmcntenclr_el0, x1
    0xd2b0_0001, // mov x1, #0x80000000
    0xd51b_9c21, // msr pmcntenset_el0, x1
    0xd53b_9c00, // mrs x0, pmcr_el0
    0xb240_0000, // orr x0, x0, #1
    0xd51b_9c00, // msr pmcr_el0, x0
    0xd503_3fdf, // isb
    0xd53b_9d15, // mrs x21, pmccntr_el0
    0x5280_07c3, // mov w3, #62
    0x3900_0283, // strb w3, [x20]
    0x3940_1682, // first: ldrb w2, [x20, #5]
    0x3607_ffe2, // tbz w2, #0, first
    0x3940_0282, // ldrb w2, [x20]
    0xd53b_9d00, // mrs x0, pmccntr_el0
    0xeb15_001f, // cmp x0, x21
    0x5400_0229, // b.ls bad
    0xd51b_9c41, // msr pmcntenclr_el0, x1
    0xd503_3fdf, // isb
    0xd53b_9d15, // mrs x21, pmccntr_el0
    0x5280_07c3, // turn: mov w3, #62
    0x3900_0283, // strb w3, [x20]
    0x3940_1682, // wait: ldrb w2, [x20, #5]
    0x3607_ffe2, // tbz w2, #0, wait
    0x3940_0282, // ldrb w2, [x20]
    0xd53b_9d00, // mrs x0, pmccntr_el0
    0xeb15_001f, // cmp x0, x21
    0x5400_00c1, // b.ne bad
    0xd53b_9c00, // mrs x0, pmcr_el0
    0x3600_0080, // tbz w0, #0, bad
    0x7101_bc5f, // cmp w2, #111
    0x54ff_fea1, // b.ne turn
    0x1400_0003, // b off
    0x5280_0423, // bad: mov w3, #33
    0x3900_0283, // strb w3, [x20]
    0x5280_0100, // off: movz w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

/// `run VERB FILE FLAGS` starts or restores one in the background: `$pid`, with words in the file `words` and its socket in
/// `mine/web`. `said` waits until it has said `>` so many times; `again` asks it to say one more, which it does once its
/// timer has ticked.
const SCRIPT: &str = r#"
mkdir -p /tmp; cd /tmp; rm -rf in out words mine one* cut fates; mkdir -m 700 mine; mkfifo in; exec 3<>in
run=vmlock-run socket=mine/web total=1
guest() { : >words; $run "$@" --control $socket <in >>out 2>words & pid=$!; }
# Where the first guest that is started does not tick, nothing has been tried yet, and the host has failed.
fresh=1; silent() { [ -z "$fresh" ] || { $run status $socket; echo "the first guest of this host is silent"; }; }
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 900 ] || { cat words out; echo "never: $1"; silent; exit 1; }; done; }
said() { await "[ \"\$(tr -cd '>' <out | wc -c)\" -ge $total ]"; }
again() { printf x >&3; total=$((total + 1)); said; grep -q '!' out && echo "$1: something has changed"; }
ended() { wait $pid; code=$?; [ $code = $2 ] || { echo "$1: exit $code"; cat words; exit 1; }; }
now() { set -- $(cat /proc/uptime); echo "${1%.*}${1#*.}"; }
# Files that nobody has asked for: whoever is killed leaves none.
left() { ls -A $1 | grep -c '[.]new$'; }
save() { $run save one.save --control $socket >saved || { echo "$1: not saved"; cat saved words; exit 1; }; ended "$1" 143; }
: >out
guest start $lock; said; again first; fresh=
for n in $(seq $count); do
    for way in "" "--emulate-gic" ""; do
        save "save $n"
        guest restore one.save --lock $lock $way
        again "restored $n $way"
    done
done
echo "restored $((3 * count)) times"
# A paused one is saved, too.
$run pause $socket; save paused; guest restore one.save --lock $lock; again unpaused
begun=$(now); save timed; took=$((($(now) - begun) * 10)); guest restore one.save --lock $lock; again timed
cp one.save kept; ls -l one.save | cut -c 1-10
# Whoever is killed at some moment of that changes nothing, or has saved it: there is the old file or the new one, and none beside it.
which() { stat -c '%i %s %Y' one.save; }
for step in $(seq $kills); do
    was=$(which)
    $run save one.save --control $socket >/dev/null 2>&1 & client=$!
    # The last one is over by then.
    delay=$((took * (step - 1) / (kills - 1))); [ $step -lt $kills ] && sleep $(printf '%d.%03d' $((delay / 1000)) $((delay % 1000))) || wait $client
    kill -9 $client; wait $client
    await "! kill -0 $pid || $run status $socket | grep -q ': running'"
    echo "$(left .) left" >>fates
    [ "$(which)" = "$was" ] && file=old || file=new
    if kill -0 $pid; then echo "$file-on" >>fates; else ended "killed after $delay" 143; echo "$file-gone" >>fates; guest restore one.save --lock $lock; fi
    again "killed after $delay"; [ $file = old ] || cp one.save kept
done 2>/dev/null
cmp one.save kept && echo "the old file"
echo "a save takes $took ms; killed:$(sort fates | uniq -c | tr -s ' \n' ' ')"
# Nor does who has no room.
mkdir -p small; mount -t tmpfs -o size=64k none small || exit 1
$run save small/one.save --control $socket; echo "full: exit $?, $(ls -A small | wc -l) files"; again full
$run save mine --control $socket; echo "a folder: exit $?"
# Nor does where it cannot go. What its lock says is told before anybody pauses it; what its state says while it is at rest,
# before the thread that would write it is woken: in a folder that has no room for it, too.
cmp one.save kept || echo "another file"
scribe() { for t in /proc/$pid/task/*; do [ "$(cat $t/comm)" = scribe ] && grep ctxt $t/status; done; }
$run save one.save --control $socket --for $away 2>why; echo "elsewhere: exit $?, $(grep -c MIDR_EL1 why | sed 's/[1-9][0-9]*/named/')"
woken=$(scribe)
$run save small/one.save --control $socket --for $lacks 2>why; echo "its state: exit $?, $(grep -c X9 why | sed 's/[1-9][0-9]*/named/'), $(ls -A small | wc -l) files"
[ -n "$woken" ] && [ "$woken" = "$(scribe)" ] && echo "and not written" || echo "woken: $woken $(scribe)"
$run status $socket | grep -q ': running' && again "after a refusal"
cmp one.save kept && [ $(left .) = 0 ] && echo "left as it was"
again "still there"; printf o >&3; ended off 0
# Files of version 1 that other kernels wrote are restored for ever.
for frozen in $frozens; do
    gzip -dc $frozen.gz >old.save; : >out; total=0
    guest restore old.save --lock $frozen.vm.lock.json; again "$frozen"; save "$frozen"
    guest restore one.save --lock $frozen.vm.lock.json; again "$frozen, once more"; printf o >&3; ended "$frozen" 0
    grep -q '!' out || echo "frozen and restored"
done
# What is not that guest, whole, is not restored.
$run restore kept --lock $other </dev/null; echo "foreign: exit $?"
for at in 100 4194404 $(($(stat -c %s kept) - 20)); do
    cp kept cut; printf '\377' | dd of=cut bs=1 seek=$at conv=notrunc 2>/dev/null
    $run restore cut --lock $lock </dev/null 2>&1; echo "flipped: exit $?"
done
head -c 3000000 kept >cut; $run restore cut --lock $lock </dev/null; echo "short: exit $?"
# And it is still good.
guest restore kept --lock $lock; again last; kill -9 $pid; wait $pid
guest restore kept --lock $lock; again "after a kill"; printf o >&3; ended end 0
grep -q '!' out || echo "nothing has changed"
# The wall clock goes an hour on, and two back: a counter stands still, or counts the hour if its lock says so.
# What stands behind 2 MiB and the memory: to look for words in all of that would take minutes.
sections() { dd if=$1 bs=2M skip=33 2>/dev/null; }
counter() { sections one.save | grep -a -o '"virtualCounter": "0x[0-9a-f]*"' | cut -d '"' -f 4; }
: >out; total=0
for of in $lock $goes; do
    total=$((total + 1)); guest start $of; said
    for by in 3600 -7200; do
        save "before $by"; before=$(counter)
        # A second more, since the clock is set without the part of one that has gone: no less than that is to have passed.
        date -s "@$(($(date +%s) + 1 + by))" >/dev/null || exit 1
        guest restore one.save --lock $of; again "after $by"; grep "virtual counter" words
        save "after $by"; passed=$(($(counter) - before))
        [ $passed -gt 0 ] && echo "counted after $by: $((passed / (3600 * 62500000))) hours"
        guest restore one.save --lock $of; again "once more"
    done
    printf o >&3; ended counted 0
done
grep -q '!' out || echo "and no time went back"
# While it is written its runner answers; who goes away, a folder that does and the end of either leave nothing half.
rm -f one.save; : >out; total=1; guest start $big; said
hears() { n=0; until $run status $socket 2>/dev/null | grep -q "$1"; do n=$((n + 1)); [ $n -lt 200 ] || { echo "never heard: $1"; exit 1; }; done; }
begin() { $run save $1 --control $socket >saved 2>&1 & client=$!; hears "[1-9][0-9]* of 1024 MiB"; }
begin one.save
$run pause $socket 2>&1 | grep -o "is being saved"
# What is told of its lock asks for no pause: that would be refused now (exit 4), as one is where the state is what has to be seen.
$run save two.save --control $socket --for $away 2>why; echo "its lock, while it is written: exit $?"
$run save two.save --control $socket --for $lacks 2>why; echo "its state, while it is written: exit $?"
[ $(left .) = 0 ] && echo "it has no name yet"
kill -9 $client; wait $client; hears ": running"; again "nobody waits"
mkdir gone; begin gone/one.save; rm -rf gone; wait $client; echo "no folder: exit $?"; again "no folder"
begin one.save; $run stop $socket; wait $client; echo "stopped: exit $?"; ended stop 143
total=$((total + 1)); guest start $big; said; begin one.save; kill -9 $pid; wait $client; echo "killed: exit $?"; wait $pid
[ -e one.save ] || [ $(left .) != 0 ] || echo "nothing half"
grep -q '!' out || echo "and all went on"
# Of a disk, a part is held to what was saved, and all of it where somebody asks for that.
image=${disked%/*}/carried.img; truncate -s 16M $image
flip() { printf "$1" | dd of=$image bs=1 seek=8000000 conv=notrunc 2>/dev/null; }
whole() { $run save one.save --control $socket --disk-digest >saved || { cat saved; exit 1; }; ended whole 143; }
: >out; total=1; guest start $disked; said; save sampled
$run restore one.save --lock $disked --disk-digest </dev/null 2>/dev/null; echo "no digest of all: exit $?"
flip x; guest restore one.save --lock $disked; again sampled; grep -c "changed elsewhere is not seen" words | sed 's/^/unseen: /'
whole; flip y; $run restore one.save --lock $disked </dev/null 2>why; echo "all is seen: exit $?, $(grep -c 'changed since' why)"
flip x; guest restore one.save --lock $disked --disk-digest; again "all of it"
grep -c "changed elsewhere is not seen" words | sed 's/^/unseen: /'; printf o >&3; ended disked 0
# How far a PMU counted, not every kernel tells: one that counts is refused in words, and its guest goes on.
rm -f one.save; : >out; total=1; guest start $counts; said
$run save one.save --control $socket 2>why; echo "counting: exit $?, $(grep -c "its PMU counts" why), $(ls one.save 2>/dev/null | wc -l) files"
again "it counted"; save "counts no more"; guest restore one.save --lock $counts; again "as it stopped"; printf o >&3; ended counted 0
grep -q '!' out && echo "as it ended: something has changed"
# A generation id is another one in each machine, also in two of one file, and its guest cannot write it.
: >out; total=1; guest start $twins; said; save twin; cp one.save twin
next() { total=$((total + 1)); printf $1 >&3; said; }
guest restore one.save --lock $twins; next x; kill -9 $pid; wait $pid
guest restore twin --lock $twins --emulate-gic; next x; next w
# On its vCPUs the witness finds all that the lock promises.
$run audit $twins --control $socket >seen 2>&1; echo "audited: exit $?"; save twice
# The latch of its interrupt (INTID 66), which nobody has enabled, has waited in the file since.
latches() { sections $1 | grep -a -c '"pending": "0x00000004"'; }
echo "latches: $(latches twin), $(latches one.save)"
guest restore one.save --lock $twins; next x; next e; save enabled; edges() { tr -dc z <out | wc -c; }; before=$(edges)
# Who has enabled it takes it before all else.
guest restore one.save --lock $twins; next x; kill -9 $pid; wait $pid; echo "edges: $before, $(edges)"
tr -dc 'a-p>' <out | tr '>' '\n' >ids
echo "ids: $(sort -u ids | wc -l) of $(wc -l <ids), $(grep -c '^a\{32\}' ids) zeroes, $(grep -c 'a\{32\}$' ids) with zeroes behind; $(tr -dc '!' <out | wc -c) aborts"
"#;

/// A guest is saved to a disk that fails at each write and sync of one save after the other, until one of them has none left.
const FAILING: &str = r#"
mkdir -p /tmp; cd /tmp; rm -rf in out words mine; mkdir -m 700 mine; mkfifo in; exec 3<>in
run=vmlock-run-torture socket=mine/web total=1; : >out; echo old >one.save
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 900 ] || { cat words out; echo "never: $1"; exit 1; }; done; }
said() { await "[ \"\$(tr -cd '>' <out | wc -c)\" -ge $total ]"; }
VMLOCK_FAILING_SAVES=1 $run start $lock --control $socket <in >>out 2>words & pid=$!; said
for n in $(seq 200); do
    $run save one.save --control $socket >saved 2>&1 && break
    grep -q "Input/output error" saved || { echo "otherwise:"; cat saved; }
    [ "$(cat one.save)" = old ] && [ $(ls -A | grep -c '[.]new$') = 0 ] || echo "something is left"
    $run status $socket | grep -q ': running' || echo "it does not run"
    printf x >&3; total=$((total + 1)); said
done
wait $pid; echo "ended: $?, after $((n - 1)) failures"
$run restore one.save --lock $lock --control $socket <in >>out 2>words & pid=$!
printf x >&3; total=$((total + 1)); said; printf o >&3; wait $pid; echo "restored: $?"
grep -q '!' out || echo "nothing has changed"
"#;

#[test]
#[ignore = "boots an emulated host"]
fn a_disk_that_fails_at_any_write_leaves_the_old_file_and_a_guest_that_goes_on() {
    let place = Place::new("saves-failing");
    let image = place.write("guest.Image", &image(&guest(), None));
    let lock = place.altered("one", HOSTS[0].2, "guest.Image", |lock| {
        lock.machine.memory.size = 64 << 20;
    });
    let script = format!("lock={}\n{FAILING}", lock.display());
    let script = place.write("failing.sh", script.as_bytes());
    let files = [image, lock, script.clone()];
    let said = in_host_of_tests(HOSTS[0].0, HOSTS[0].1, &script, &files, &[]);
    let ended = said
        .lines()
        .find_map(|line| line.strip_prefix("ended: 143, after "));
    let failures = ended.and_then(|rest| rest.split(' ').next()?.parse::<u32>().ok());
    // The memory that is not empty, table and sections, the header, and a sync before and behind that.
    assert!(failures.is_some_and(|n| n >= 5), "{said}");
    for (line, there) in [
        ("otherwise", false),
        ("something is left", false),
        ("it does not run", false),
        ("restored: 0\n", true),
        ("nothing has changed\n", true),
    ] {
        assert_eq!(said.contains(line), there, "{line:?}:\n{said}");
    }
}

const HOSTS: [(&str, &str, &str); 2] = [
    ("6.12", "cortex-a72", "examples/portable.vm.lock.json"),
    ("5.10", "cortex-a72", "examples/portable.vm.lock.json"),
];

#[test]
#[ignore = "boots an emulated host"]
fn a_guest_is_saved_and_goes_on_and_what_is_not_it_is_refused() {
    let asked = env::var("VMLOCK_SAVES").ok();
    let count: u32 = asked.as_ref().map_or(2, |n| n.parse().expect("a number"));
    let hosts = if asked.is_some() { 2 } else { 1 };
    let kills = if asked.is_some() { 60 } else { 14 };
    for (kernel, cpu, lock) in &HOSTS[..hosts] {
        let place = Place::new(&format!("saves-{kernel}"));
        let small = |lock: &mut Lock| lock.machine.memory.size = 64 << 20;
        let image = place.write("guest.Image", &image(&guest(), None));
        let one = place.altered("one", lock, "guest.Image", small);
        let other = place.altered("other", lock, "guest.Image", |lock| {
            small(lock);
            lock.name = "other".to_owned();
        });
        let goes = place.altered("goes", lock, "guest.Image", |lock| {
            small(lock);
            lock.lock_version = 3;
            lock.counters.across_saves = Some(AcrossSaves::GoesOn);
        });
        let big = place.altered("big", lock, "guest.Image", |lock| {
            // Writing it takes longer than asking how far that is.
            lock.machine.memory.size = 1 << 30;
        });
        let disked = "examples/carried.vm.lock.json";
        let disked = place.altered("disked", disked, "guest.Image", |lock| {
            small(lock);
            let mut virtio = lock.machine.devices.iter().filter(|d| d.virtio.is_some());
            let first = virtio.next().map(|first| first.kind);
            assert_eq!(first, Some(DeviceKind::VirtioBlock));
            let only = |d: &Device| d.virtio.is_none() || d.kind == DeviceKind::VirtioBlock;
            lock.machine.devices.retain(only);
        });
        let twin = place.write("twin.Image", &host::image(&twin(), None));
        let twins = place.altered("twins", lock, "twin.Image", |lock| {
            small(lock);
            lock.lock_version = 3;
            let like = lock.machine.devices[1].clone();
            let range = Range {
                base: 0x0902_0000,
                size: 0x1_0000,
            };
            lock.machine.devices.push(Device {
                name: "vmgenid".to_owned(),
                kind: DeviceKind::Vmgenid,
                range,
                interrupt: 66,
                ..like
            });
        });
        let frozen = FROZEN.map(|kernel| frozen(&place, kernel));
        let frozens = frozen
            .each_ref()
            .map(|(name, _)| name.display().to_string());
        let counts = place.write("counts.Image", &host::image(&COUNTS, None));
        let counting = place.altered("counting", lock, "counts.Image", small);
        let away = report("cortex-a76", kernel);
        // A kernel that has everything but a register which every guest has something in.
        let text = fs::read_to_string(report(cpu, kernel)).expect("it is checked in");
        let mut lacks: HostReport = serde_json::from_str(&text).expect("it is a report");
        let gone = register_by_name("X9").expect("it is known").id;
        for view in &mut lacks.views {
            view.registers.retain(|register| register.id != gone);
        }
        let text = serde_json::to_vec(&lacks).expect("it has JSON");
        let lacks = place.write("lacks.json", &text);
        let names = format!(
            "lock={} other={} goes={} big={} disked={} twins={} counts={} away={} lacks={} frozens='{}'",
            one.display(),
            other.display(),
            goes.display(),
            big.display(),
            disked.display(),
            twins.display(),
            counting.display(),
            away.display(),
            lacks.display(),
            frozens.join(" ")
        );
        let script = format!("{names} count={count} kills={kills}\n{SCRIPT}");
        let script = place.write("saves.sh", script.as_bytes());
        let mut files = vec![
            image,
            one,
            other,
            goes,
            big,
            disked,
            twin,
            twins,
            counts,
            counting,
            away,
            lacks,
            script.clone(),
        ];
        files.extend(frozen.into_iter().flat_map(|(_, files)| files));
        let said = in_host(kernel, cpu, &script, &files);
        for (line, times) in [
            (&format!("restored {} times\n", 3 * count)[..], 1),
            ("something has changed", 0),
            ("nothing has changed\n", 1),
            ("-rw-------\n", 1),
            ("the old file\n", 1),
            (&format!("killed: {kills} 0 left "), 1),
            ("full: exit 4, 0 files\n", 1),
            ("a folder: exit 4\n", 1),
            ("another file\n", 0),
            ("elsewhere: exit 3, named\n", 1),
            ("its state: exit 3, named, 0 files\n", 1),
            ("and not written\n", 1),
            ("its lock, while it is written: exit 3\n", 1),
            ("left as it was\n", 1),
            ("frozen and restored\n", FROZEN.len()),
            ("foreign: exit 4\n", 1),
            ("flipped: exit 4\n", 3),
            ("short: exit 4\n", 1),
            ("counted after 3600: 0 hours\n", 1),
            ("counted after 3600: 1 hours\n", 1),
            ("counted after -7200: 0 hours\n", 2),
            ("counter goes on, by the 36", 1),
            ("virtual counter stands still", 1),
            ("and no time went back\n", 1),
            ("never heard", 0),
            ("is being saved\n", 1),
            ("its state, while it is written: exit 4\n", 1),
            ("it has no name yet\n", 1),
            ("no folder: exit 4\n", 1),
            ("stopped: exit 4\n", 1),
            ("killed: exit 4\n", 1),
            ("nothing half\n", 1),
            ("and all went on\n", 1),
            ("no digest of all: exit 4\n", 1),
            ("all is seen: exit 3, 1\n", 1),
            ("unseen: 1\n", 1),
            ("unseen: 0\n", 1),
            ("counting: exit 4, 1, 0 files\n", 1),
            ("latches: 0, 1\n", 1),
            ("audited: exit 0\n", 1),
            ("edges: 1, 2\n", 1),
            ("ids: 5 of 7, 0 zeroes, 7 with zeroes behind; 2 aborts\n", 1),
        ] {
            let found = said.matches(line).count();
            assert_eq!(found, times, "{kernel}: {line:?}:\n{said}");
        }
        // Some were killed before it had a name, and the last one was saved.
        let fates = said.lines().find(|line| line.starts_with("a save takes "));
        let fates = fates.expect("it was measured");
        let _ = writeln!(io::stdout(), "{kernel}: {fates}");
        assert!(
            fates.contains(" old-on ") && fates.contains(" new-gone "),
            "{fates}"
        );
        assert!(!fates.contains("old-gone"), "{fates}");
    }
}

/// Guests that were saved once, by the kernel that they were saved on, in `spec/saved/tests/frozen/guests/`.
const FROZEN: [&str; 2] = ["5.10", "7.3"];
/// Of such a file, pages that are not zero and the last one, each behind the number of bytes before it.
const PAGE: usize = 4096;

/// A file of pages as it was, packed for a host, with its lock: what both are called but for their ends.
fn frozen(place: &Place, kernel: &str) -> (PathBuf, [PathBuf; 2]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/saved/tests/frozen/guests");
    let pages = fs::read(folder.join(format!("{kernel}.pages"))).expect("it is checked in");
    let mut file = Vec::new();
    for page in pages.chunks(8 + PAGE) {
        let (at, page) = page.split_at(8);
        let at = u64::from_le_bytes(at.try_into().expect("eight bytes")) as usize;
        file.resize(at, 0);
        file.extend(page);
    }
    let saved = vmlock_saved::open(&file[..]).expect("it is read for ever");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&file).expect("there is room");
    let packed = packed.finish().expect("there is room");
    let files = [
        place.write(&format!("{kernel}.gz"), &packed),
        place.write(
            &format!("{kernel}.vm.lock.json"),
            saved.lock_text.as_bytes(),
        ),
    ];
    (place.0.join(kernel), files)
}

/// Makes one of a file that is packed: what stands there for ever then.
fn freeze(packed: &Path, pages: &Path) -> io::Result<()> {
    let packed = fs::File::open(packed).expect("it came back");
    let mut file = Vec::new();
    GzDecoder::new(packed)
        .read_to_end(&mut file)
        .expect("it is packed");
    let mut out = Vec::new();
    let pages_of = file.chunks(PAGE).enumerate();
    let last = pages_of.len() - 1;
    for (number, page) in pages_of {
        // The last one says how long it is.
        if number == last || page.iter().any(|byte| *byte != 0) {
            out.extend(((number * PAGE) as u64).to_le_bytes());
            out.extend(page);
        }
    }
    // One that is there never changes.
    fs::File::create_new(pages)?.write_all(&out)
}

#[test]
fn a_frozen_guest_is_never_overwritten() {
    let place = Place::new("frozen-once");
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(&[7; 3 * PAGE]).expect("there is room");
    let packed = place.write("one.gz", &packed.finish().expect("there is room"));
    let pages = place.0.join("one.pages");
    freeze(&packed, &pages).expect("there is none");
    let before = fs::read(&pages).expect("it is there");
    assert_eq!(before.len(), 3 * (8 + PAGE));
    let again = freeze(&packed, &pages).map_err(|e| e.kind());
    assert_eq!(again, Err(io::ErrorKind::AlreadyExists));
    assert_eq!(fs::read(&pages).expect("it is there"), before);
}

/// The report of a recorded host.
fn report(cpu: &str, series: &str) -> PathBuf {
    let hosts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/catalogue/hosts");
    hosts.join(format!("{cpu}-{series}.json"))
}

/// One leg of a guest's way: it comes out of the file `one.save`, or begins, is audited, ticks, and is saved there again. It
/// has done nothing by then where it was restored. Between hosts that file is packed, since most of it is holes.
const LEG: &str = r#"
cd $place; [ ! -f one.save.gz ] || gzip -dc one.save.gz >one.save
rm -rf in out words mine; mkdir -m 700 mine; mkfifo in; exec 3<>in
socket=mine/web total=1; : >out
case $1 in restore) set -- "$@" --paused; ready=paused ;; *) ready=running ;; esac
vmlock-run "$@" --control $socket <in >>out 2>words & pid=$!
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 900 ] || { cat words out; echo "never: $1"; exit 1; }; done; }
said() { await "[ \"\$(tr -cd '>' <out | wc -c)\" -ge $total ]"; }
again() { printf x >&3; said; total=$((total + 1)); }
case $1 in start) said; total=2; esac
await "vmlock-run status $socket 2>/dev/null | grep -q ': $ready '"
if [ $ready = paused ]; then
    # It hears that once it is let go.
    printf x >&3; sleep 1
    vmlock-run status $socket | grep -o ": paused"
fi
vmlock-run audit $lock --control $socket >audited 2>&1 || { echo "not audited"; cat audited; }
grep ^digest audited
if [ $ready = paused ]; then
    vmlock-run status $socket | grep -o ": paused"
    [ -s out ] && echo "it runs before it is let go"
    vmlock-run resume $socket
    said; total=$((total + 1))
fi
again; again
vmlock-run save one.save --control $socket --for $next || { cat words; exit 1; }
wait $pid; echo "ended: $?"
gzip -c one.save >one.save.gz
grep -q '!' out && echo "something has changed"
echo "carried by $(cut -d. -f1,2 /proc/sys/kernel/osrelease)"
"#;

/// Where it begins, and the kernels that it goes through.
const LEGS: [&str; 6] = ["5.10", "6.1", "7.3", "6.12", "5.10", "6.18"];

#[test]
#[ignore = "boots emulated hosts"]
fn a_guest_goes_from_kernel_to_kernel_and_back() {
    let folder = env::var_os("VMLOCK_FREEZE").map(PathBuf::from);
    let legs = match env::var_os("VMLOCK_SAVES") {
        _ if folder.is_some() => &["5.10", "7.3"][..],
        Some(_) => &LEGS[..],
        None => &LEGS[..2],
    };
    let place = Place::new("carried");
    let small = |lock: &mut Lock| lock.machine.memory.size = 64 << 20;
    let image = place.write("guest.Image", &image(&guest(), None));
    let lock = place.altered(
        "one",
        "examples/portable.vm.lock.json",
        "guest.Image",
        small,
    );
    let saved = place.0.join("one.save.gz");
    let start = format!("start {}", lock.display());
    let mut verb = start.clone();
    let mut digests = Vec::new();
    let nexts = legs.iter().skip(1).chain(legs.first());
    for (kernel, next) in legs.iter().zip(nexts) {
        let next = report("cortex-a72", next);
        let given = format!(
            "place={} next={} lock={}",
            place.0.display(),
            next.display(),
            lock.display()
        );
        let script = format!("{given}\nset -- {verb}\n{LEG}");
        let script = place.write("leg.sh", script.as_bytes());
        let mut files = vec![image.clone(), lock.clone(), script.clone(), next];
        if saved.exists() {
            files.push(saved.clone());
        }
        let back = [saved.clone()];
        let said = in_host_and_back(kernel, "cortex-a72", &script, &files, &back);
        assert!(said.contains(&format!("carried by {kernel}\n")), "{said}");
        assert!(said.contains("ended: 143\n"), "{kernel}: {said}");
        assert!(!said.contains("something has changed"), "{kernel}: {said}");
        for wrong in ["before it is let go", "not audited"] {
            assert!(!said.contains(wrong), "{kernel}: {said}");
        }
        let paused = if verb.starts_with("restore") { 2 } else { 0 };
        assert_eq!(
            said.matches(": paused\n").count(),
            paused,
            "{kernel}: {said}"
        );
        digests.extend(
            said.lines()
                .filter(|line| line.starts_with("digest sha256-"))
                .map(str::to_owned),
        );
        verb = format!("restore one.save --lock {}", lock.display());
        if let Some(folder) = &folder {
            let pages = folder.join(format!("{kernel}.pages"));
            freeze(&saved, &pages).expect("there is none of that name");
            fs::remove_file(&saved).expect("it came back");
            verb.clone_from(&start);
        }
    }
    // It sees the same wherever it goes.
    assert_eq!(digests.len(), legs.len(), "{digests:?}");
    digests.dedup();
    assert_eq!(digests.len(), 1, "{digests:?}");
}
