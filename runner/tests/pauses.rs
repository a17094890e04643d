//! A guest that is paused, resumed and stopped by its operator, on a real KVM, in the jail: whatever it does at that
//! moment is done once and whole, and nobody who does not read keeps it from going on. Audited meanwhile, a guest that
//! looks at all of itself (`host/checks.rs`) finds nothing that has changed.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test pauses -- --ignored`; `VMLOCK_PAUSES=1000` pauses each guest so often, and
//! audits the last of them so often, and on a host of 5.10, too; `VMLOCK_AUDITS=1000` does the last alone so often.

mod host;

use host::checks::guest;
use host::{Place, image, in_host_within};
use std::env;
use std::io::{self, Write as _};

/// A guest that says `>`, and from then on asks a device, an interrupt controller and the firmware for what it knows, in
/// loads and stores of different widths, and ends with `!` where one of them answers anything else. It does what it is
/// told by one byte: `w` turns vCPU 1 on, which waits for interrupts for ever, `r` a reset, `o` power off, anything else
/// nothing; and says `>` again.
const ATTENTIVE: [u32; 60] = [
    0xd2a1_2014, // mov x20, #0x09000000: the UART
    0xd281_fc15, // movz x21, #0x0fe0: PeriphID0 of the clock
    0xf2a1_2035, // movk x21, #0x0901, lsl #16
    0xd29f_fd16, // movz x22, #0xffe8: GICD_PIDR2
    0xf2a1_0016, // movk x22, #0x0800, lsl #16
    0xd280_000a, // mov x10, #0
    0x52b0_8000, // mov w0, #0x84000000: PSCI_VERSION
    0xd400_0002, // hvc #0
    0xaa00_03f3, // mov x19, x0
    0x5280_0021, // mov w1, #1
    0x3900_0a81, // strb w1, [x20, #2]: FCR: on
    0x5280_0041, // mov w1, #2
    0x3900_1281, // strb w1, [x20, #4]: MCR: RTS
    0x5280_07c1, // mov w1, #'>'
    0x3900_0281, // strb w1, [x20]
    0x9100_054a, // turn: add x10, x10, #1
    0xb940_02a0, // ldr w0, [x21]
    0x7100_c41f, // cmp w0, #0x31
    0x5400_0421, // b.ne bad
    0x3900_1e8a, // strb w10, [x20, #7]: the scratch register
    0x3940_1e81, // ldrb w1, [x20, #7]
    0x1200_1d42, // and w2, w10, #0xff
    0x6b02_003f, // cmp w1, w2
    0x5400_0381, // b.ne bad
    0xb940_02c0, // ldr w0, [x22]
    0x121c_0c00, // and w0, w0, #0xf0
    0x7100_c01f, // cmp w0, #0x30
    0x5400_0301, // b.ne bad
    0x52b0_8000, // mov w0, #0x84000000
    0xd400_0002, // hvc #0
    0xeb13_001f, // cmp x0, x19
    0x5400_0281, // b.ne bad
    0x3940_1680, // ldrb w0, [x20, #5]
    0x3607_fdc0, // tbz w0, #0, turn
    0x3940_0280, // ldrb w0, [x20]
    0x7101_bc1f, // cmp w0, #'o'
    0x5400_0220, // b.eq off
    0x7101_c81f, // cmp w0, #'r'
    0x5400_0240, // b.eq reset
    0x7101_dc1f, // cmp w0, #'w'
    0x5400_0101, // b.ne say
    0x5280_0060, // movz w0, #3: CPU_ON of vCPU 1
    0x72b8_8000, // movk w0, #0xc400, lsl #16
    0xd280_0021, // mov x1, #1
    0x1000_01c2, // adr x2, second
    0xd280_0003, // mov x3, #0
    0xd400_0002, // hvc #0
    0xb500_0080, // cbnz x0, bad
    0x5280_07c1, // say: mov w1, #'>'
    0x3900_0281, // strb w1, [x20]
    0x17ff_ffdd, // b turn
    0x5280_0421, // bad: mov w1, #'!'
    0x3900_0281, // strb w1, [x20]
    0x5280_0100, // off: movz w0, #8
    0x72b0_8000, // call: movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x5280_0120, // reset: movz w0, #9
    0x17ff_fffd, // b call
    0xd503_207f, // second: wfi
    0x17ff_ffff, // b second
];

/// A guest that says `x` so many times, and powers off.
const TALKATIVE: [u32; 10] = [
    0xd2a1_2014, // mov x20, #0x09000000: the UART
    0x5280_0f01, // mov w1, #'x'
    0x5282_0002, // mov w2, #0x1000
    0x3900_0281, // again: strb w1, [x20]
    0x7100_0442, // subs w2, w2, #1
    0x54ff_ffc1, // b.ne again
    0x5280_0100, // mov w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];
const SAID: usize = 0x1000;

/// `guest FLAGS` starts one in the background: `$pid`, with words in the file `words` and its socket in `mine/web`. `said`
/// waits until it has said `>` so many times.
const SCRIPT: &str = r#"
mkdir -p /tmp; cd /tmp; rm -rf in out words mine; mkdir -m 700 mine; mkfifo in
run=vmlock-run socket=mine/web
started=$spaced
guest() { : >out; : >words; $run start $started --control $socket $ways "$@" <in >out 2>words & pid=$!; exec 3>in; }
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 1200 ] || { cat words; echo "never: $1"; exit 1; }; done; }
said() { await "[ \"\$(tr -cd '>' <out | wc -c)\" -ge $1 ]"; }
ended() { wait $pid; echo "$1: exit $?"; sed "s/^/$1: /" words; grep -q '!' out && echo "$1: was told something else"; exec 3>&-; }
kicks() { $run status $socket --format json | tr -d ' \n' | sed 's/.*"vcpus":\[{"exits":{"device":\([0-9]*\).*/\1/'; }
pauses() {
    for n in $(seq $1); do
        $run pause $socket >/dev/null || echo "$2: pause $n failed"
        $run resume $socket >/dev/null || echo "$2: resume $n failed"
    done
}
# The witness looks at it, and nothing of it is another one afterwards.
audits() {
    rm -f audited
    for n in $(seq $1); do
        $run audit $lock --control $socket >audited 2>&1 || { echo "$2: audit $n: exit $?"; cat audited; }
    done
    grep -q 'of all that was looked at, the guest sees exactly what the lock promises' audited && echo "audited $2"
    grep -q '^not looked at in a guest that runs, .* frames of the interrupt controller' audited || cat audited
}
# Who goes away while it looks leaves nothing behind: it is under way once the guest stands, and killed before it ends.
leaves() {
    for n in $(seq 100); do
        $run audit $lock --control $socket >/dev/null 2>&1 & one=$!
        for m in $(seq 10); do $run status $socket | grep -q ': paused ' && { kill $one 2>/dev/null; break; }; done
        wait $one; [ $? = 143 ] && { echo "left $1"; break; }
    done
    await "$run status $socket | grep -q ': running'"
}
# A lock that promises something else is not kept.
finds() {
    $run audit $lock --control $socket 2>&1 | grep 'another lock'
    for altered in $altereds; do
        $run audit $altered --control $socket >audited 2>&1
        echo "altered: exit $?"
        grep 'was started with another lock' audited
        grep -E '^(MIDR_EL1|GICD_IIDR|PSCI_VERSION\(\)) on vCPU [01]: promised' audited || cat audited
    done
}

# Nobody reads what one says, and there is no room for it: it cannot come to rest, goes on, and loses nothing.
mkfifo unread; exec 4<>unread; head -c 65536 /dev/zero >&4
mkdir -m 700 mine/other
$run start $talkative --control mine/other/web </dev/null >unread 2>late & late=$!
await '[ -S mine/other/web ] && $run status mine/other/web 2>/dev/null | grep -q running'
sleep 2
{ $run pause mine/other/web 2>&1; echo "unread: exit $?"; } >given-up & waits=$!

for ways in "" "--emulate-gic" $calls; do
    guest
    said 1
    # vCPU 1 is off, and then it waits.
    pauses $count "off $ways"
    audits 1 "off $ways"
    printf w >&3; said 2
    pauses $count "waits $ways"
    some=$((count / 5)); [ $some -ge 1 ] || some=1
    audits $some "waits $ways"
    finds
    $run pause $socket; $run pause $socket --format json | tr -d ' \n'; echo
    one=$(kicks); printf x >&3; sleep 1
    [ "$one" = "$(kicks)" ] && [ "$(tr -cd '>' <out | wc -c)" = 2 ] && echo "it stands still $ways"
    $run status $socket | head -n 1 | sed 's/ for .*//'
    # One that is paused is audited, and stays so.
    audits 1 "paused $ways"
    $run status $socket | grep -q ': paused ' && echo "it stays paused $ways"
    $run resume $socket; $run resume $socket
    said 3
    [ "$one" -lt "$(kicks)" ] && echo "it goes on $ways"
    leaves "$ways"
    printf x >&3; said 4
    printf o >&3
    ended "whole$ways"
done
# One that looks for itself at its registers, its memory, its timer and its interrupts is audited as often, and finds nothing
# else; nor does any audit. How long one takes is measured with its client: its guest rests for no longer.
now() { set -- $(cat /proc/uptime); echo "${1%.*}${1#*.}0"; }
started=$looks
for ways in "" "--emulate-gic"; do
    guest; said 1; total=1; : >took; : >digests
    for n in $(seq $looked); do
        begun=$(now)
        $run audit $looks --control $socket >audited 2>&1 || { echo "it looks $ways: audit $n: exit $?"; cat audited; }
        echo $(($(now) - begun)) >>took; grep '^digest ' audited >>digests
        [ $((n % 10)) != 0 ] || { printf x >&3; total=$((total + 1)); said $total; }
    done
    begun=$(now); for n in 1 2 3 4 5 6 7 8 9 10; do $run status $socket >/dev/null; done; begun=$((($(now) - begun) / 10))
    at() { sort -n took | sed -n "$1p"; }
    echo "audits$ways: $(wc -l <digests), digests: $(sort -u digests | wc -l); $(at 1) to $(at '$') ms each, $(at $(((looked + 1) / 2))) in the middle, $begun of them the client's"
    printf x >&3; said $((total + 1)); printf o >&3; ended "looked$ways"
done
started=$spaced ways=""
# Who goes away holds nothing.
guest --log json
said 1
for n in 1 2 3 4 5; do $run pause $socket >/dev/null & kill $! 2>/dev/null; wait $!; done
$run pause $socket; $run resume $socket
# Words that nobody reads hold nothing either.
printf x >&3; said 2
$run pause $socket; $run stop $socket; ended stopped
mkfifo full; exec 5<>full
: >out; $run start $lock --control $socket <in >out 2>&5 & pid=$!; exec 3>in
said 1
head -c 100000 /dev/zero >full & filler=$!; sleep 1; kill $filler; wait $filler
for n in 1 2 3; do $run pause $socket; $run resume $socket; done
$run pause $socket; $run stop $socket
: >words; ended unheard
# A signal ends one that is paused.
guest; said 1; $run pause $socket; kill -TERM $pid; ended signal
# One that starts anew runs, whatever was asked of the one before.
guest --on-reset restart
said 1; $run pause $socket; printf r >&3; sleep 1
[ "$(tr -cd '>' <out | wc -c)" = 1 ] && echo "it does not reset while it is paused"
$run resume $socket; said 2
for n in 3 4; do printf r >&3; $run pause $socket >/dev/null 2>&1; $run resume $socket >/dev/null 2>&1; said $n; done
$run status $socket | head -n 1 | sed 's/ for .*\(, started.*\)/\1/'
printf o >&3; ended anew
wait $waits; cat given-up
cat unread >heard & reader=$!
wait $late; echo "late: exit $?"
sleep 1; kill $reader; echo "heard $(tr -cd x <heard | wc -c)"; cat late
"#;

/// Hosts, each with a lock that it keeps, and the flags of one whose firmware calls the runner answers.
const HOSTS: [(&str, &str, &str, &str); 2] = [
    (
        "6.12",
        "neoverse-n1",
        "examples/modern.vm.lock.json",
        "--emulate-calls",
    ),
    ("5.10", "cortex-a72", "examples/portable.vm.lock.json", ""),
];

#[test]
#[ignore = "boots an emulated host"]
fn a_guest_is_paused_whatever_it_does_and_by_whomever_nobody_reads() {
    let asked = |name| env::var(name).ok().map(|n| n.parse().expect("a number"));
    let (paused, looked): (Option<u32>, Option<u32>) = (
        asked("VMLOCK_PAUSES"),
        asked("VMLOCK_AUDITS").or(asked("VMLOCK_PAUSES")),
    );
    let (count, audits) = (paused.unwrap_or(10), looked.unwrap_or(10));
    let hosts = if looked.is_some() { 2 } else { 1 };
    for (kernel, cpu, lock, calls) in &HOSTS[..hosts] {
        let said = host(kernel, cpu, lock, calls, (count, audits));
        judge(kernel, calls, audits, &said);
    }
}

fn host(kernel: &str, cpu: &str, lock: &str, calls: &str, (count, audits): (u32, u32)) -> String {
    let place = Place::new(&format!("pauses-{kernel}"));
    let kernels = [
        place.write("attentive.Image", &image(&ATTENTIVE, None)),
        place.write("talkative.Image", &image(&TALKATIVE, None)),
        place.write("looks.Image", &image(&guest(), None)),
    ];
    let talkative = place.lock("talkative", lock, "talkative.Image");
    let attentive = place.lock("attentive", lock, "attentive.Image");
    let looks = place.lock("looks", lock, "looks.Image");
    // The guest is started with it, and audited by the other: white space makes no other lock of it.
    let text = std::fs::read_to_string(&attentive).expect("it was written");
    let spaced = text.replace('\n', "\n\t");
    assert_ne!(spaced, text);
    let spaced = place.write("spaced.vm.lock.json", spaced.as_bytes());
    let altereds = [
        place.altered("other-cpu", lock, "attentive.Image", |lock| {
            let mut registers = lock.registers.iter_mut();
            let midr = registers.find(|register| register.name == "MIDR_EL1");
            midr.expect("every lock has it").value ^= 1;
        }),
        place.altered("other-revision", lock, "attentive.Image", |lock| {
            let mut registers = lock.gic.registers.iter_mut();
            let iidr = registers.find(|register| register.name == "GICD_IIDR");
            iidr.expect("every lock has it").value ^= 1 << 12;
        }),
        place.altered("other-firmware", lock, "attentive.Image", |lock| {
            let mut answers = lock.hypercalls.answers.iter_mut();
            let version = answers.find(|answer| answer.call == "PSCI_VERSION()");
            version.expect("every lock has it").answer ^= 1;
        }),
    ];
    let (one, other) = (attentive.display(), talkative.display());
    let paths = altereds.each_ref().map(|path| path.display().to_string());
    let paths = paths.join(" ");
    let script = format!(
        "lock={one} spaced={} talkative={other} looks={} calls={calls} count={count} looked={audits} altereds='{paths}'\n{SCRIPT}",
        spaced.display(),
        looks.display()
    );
    let script = place.write("pauses.sh", script.as_bytes());
    let files = [
        &kernels[..],
        &[talkative, attentive, looks, spaced, script.clone()],
        &altereds[..],
    ]
    .concat();
    // A pause of each guest, and two audits, take up to four seconds together on a busy machine.
    in_host_within(600.max(4 * count.max(audits)), kernel, cpu, &script, &files)
}

fn judge(kernel: &str, calls: &str, audits: u32, said: &str) {
    for told in said.lines().filter(|line| line.starts_with("audits")) {
        let _ = writeln!(io::stdout(), "{kernel}: {told}");
    }
    let ways = 2 + usize::from(!calls.is_empty());
    for (line, times) in [
        ("failed\n", 0),
        ("told something else", 0),
        ("\n{\"state\":\"paused\"}\n", ways),
        ("it stands still", ways),
        ("audited off", ways),
        ("audited waits", ways),
        ("audited paused", ways),
        (": audit ", 0),
        ("it stays paused", ways),
        ("altered: exit 1\n", 3 * ways),
        ("another lock", 3 * ways),
        ("MIDR_EL1 on vCPU 0: promised", ways),
        ("MIDR_EL1 on vCPU 1: promised", ways),
        ("GICD_IIDR on vCPU 0: promised", ways),
        ("PSCI_VERSION() on vCPU 0: promised", ways),
        ("it goes on", ways),
        ("left ", ways),
        (": paused\n", ways),
        (": exit 0\n", ways + 4),
        (&format!("audits: {audits}, digests: 1; "), 1),
        (&format!("audits--emulate-gic: {audits}, digests: 1; "), 1),
        ("the guest ends\n", 2),
        ("stopped: exit 143\n", 1),
        ("unheard: exit 143\n", 1),
        ("signal: exit 143\n", 1),
        ("it does not reset while it is paused", 1),
        (": running, started anew 3 times", 1),
        (
            "the guest could not be paused, and goes on: vCPU 0 did not",
            1,
        ),
        ("unread: exit 4\n", 1),
        (&format!("heard {SAID}\n"), 1),
    ] {
        let found = said.matches(line).count();
        assert_eq!(found, times, "{kernel}: {line:?}:\n{said}");
    }
    // Who went away may have heard of a pause before.
    for event in [r#""event":"paused""#, r#""event":"resumed""#] {
        assert!(said.contains(event), "{kernel}: {event}:\n{said}");
    }
}
