//! A guest as its operator has it: it gets the resets that it asks for, on a real KVM.
//!
//! Needs an emulated host, so it is ignored unless asked for:
//! `cargo test -p vmlock-run --test operations -- --ignored`.

mod host;

use host::{Place, image, in_host};

/// The examples' lock, natively and where the runner answers for its interrupt controller.
const LOCKS: [&str; 2] = [
    "examples/modern.vm.lock.json",
    "examples/pinned.vm.lock.json",
];

/// A guest that says `>` and does what it is told by one byte: `r` a reset, `o` power off, anything else nothing.
const OBEDIENT: [u32; 17] = [
    0xd2a1_2014, // mov x20, #0x09000000: the UART
    0x5280_07c1, // mov w1, #'>'
    0x3900_0281, // strb w1, [x20]
    0x3940_1680, // look: ldrb w0, [x20, #5]: LSR
    0x3607_ffe0, // tbz w0, #0, look
    0x3940_0280, // ldrb w0, [x20]
    0x7101_c81f, // cmp w0, #'r'
    0x5400_0080, // b.eq reset
    0x7101_bc1f, // cmp w0, #'o'
    0x5400_00c0, // b.eq off
    0x17ff_fff9, // b look
    0x5280_0120, // reset: mov w0, #9
    0x72b0_8000, // call: movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x17ff_fff5, // b look
    0x5280_0100, // off: mov w0, #8
    0x17ff_fffc, // b call
];

/// A guest that says `x` so many times, and powers off.
const TALKATIVE: [u32; 10] = [
    0xd2a1_2014, // mov x20, #0x09000000: the UART
    0x5280_0f01, // mov w1, #'x'
    0x52a0_00c2, // mov w2, #0x60000
    0x3900_0281, // again: strb w1, [x20]
    0x7100_0442, // subs w2, w2, #1
    0x54ff_ffc1, // b.ne again
    0x5280_0100, // mov w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];
const SAID: usize = 0x60000;

/// Runs commands in a host whose `$lock` is that of a guest that obeys, and `$talkative` of one that talks.
fn host(name: &str, lock: &str, commands: &str) -> String {
    host_with("neoverse-n1", name, lock, commands)
}

fn host_with(cpu: &str, name: &str, lock: &str, commands: &str) -> String {
    let place = Place::new(name);
    let kernel = place.write("obedient.Image", &image(&OBEDIENT, None));
    let other = place.write("talkative.Image", &image(&TALKATIVE, None));
    let talkative = place.lock("talkative", lock, "talkative.Image");
    let lock = place.lock("obedient", lock, "obedient.Image");
    let (one, two) = (lock.display(), talkative.display());
    let script = format!("lock={one}\ntalkative={two}\n{HELPERS}{commands}");
    let script = place.write("operations.sh", script.as_bytes());
    let files = [kernel, other, lock, talkative, script.clone()];
    in_host("6.12", cpu, &script, &files)
}

/// `guest FLAGS` starts one in the background: `$!`, with words in the file `words`. `tell` waits until it has
/// said `>` so many times, and tells it something.
const HELPERS: &str = r#"
cd /tmp
rm -f in out words; mkfifo in
guest() { : >out; : >words; vmlock-run start $lock "$@" <in >out 2>words & exec 3>in; }
said() { n=0; while [ "$(tr -cd '>' <out | wc -c)" -lt $1 ]; do sleep 0.2; n=$((n + 1)); [ $n -lt 600 ] || { cat words; echo "says nothing"; exit 1; }; done; }
tell() { said $1; printf $2 >&3; }
ended() { wait $1; echo "$2: exit $?"; sed "s/^/$2: /" words; exec 3>&-; }
"#;

#[test]
#[ignore = "boots an emulated host"]
fn a_guest_that_asks_for_a_reset_gets_one_and_its_process_follows_the_keeper() {
    for lock in LOCKS {
        let said = host(
            "resets",
            lock,
            r#"
guest --on-reset restart; keeper=$!
tell 1 r; tell 2 r; tell 3 o
ended $keeper twice
guest; tell 1 r; ended $! once
guest --on-reset restart; keeper=$!
tell 1 r; said 2; kill -TERM $keeper
ended $keeper term
guest --on-reset restart; keeper=$!
said 1; child=$(cat /proc/$keeper/task/$keeper/children); kill -KILL $child
ended $keeper killed
guest --on-reset restart; keeper=$!
said 1; child=$(cat /proc/$keeper/task/$keeper/children); kill -KILL $keeper
wait $keeper; sleep 1; [ -d /proc/${child% } ] && grep -v Z /proc/${child% }/status | head -3 || echo "orphan: gone"
exec 3>&-
"#,
        );
        for (line, times) in [
            ("twice: exit 0", 1),
            ("twice: vmlock-run: the guest asked for a reset", 2),
            ("twice: vmlock-run: the guest starts anew (restart 1)\n", 1),
            (
                "twice: vmlock-run: the guest starts anew (restart 2), after 250 ms",
                1,
            ),
            ("twice: vmlock-run: the guest powered off", 1),
            ("once: exit 10", 1),
            ("once: vmlock-run: the guest asked for a reset", 1),
            ("term: exit 143", 1),
            ("term: vmlock-run: ended by signal 15", 1),
            ("killed: exit 137", 1),
            (
                "killed: vmlock-run: the guest's process was ended by signal 9",
                1,
            ),
            ("orphan: gone", 1),
        ] {
            assert_eq!(said.matches(line).count(), times, "{lock}: {line}:\n{said}");
        }
    }
}

#[test]
#[ignore = "boots an emulated host"]
fn a_living_guest_is_told_of_by_its_runner_through_its_resets() {
    let said = host(
        "status",
        LOCKS[1],
        r#"
mkdir -m 755 open && vmlock-run start $lock --control open/web </dev/null 2>&1; echo "open: exit $?"
mkdir -m 700 mine
vmlock-run status mine/web 2>&1; echo "none: exit $?"
guest --on-reset restart --control /tmp/mine/web; keeper=$!
said 1; vmlock-run status mine/web; vmlock-run status mine/web --format json | tr -d ' \n'; echo
stat -c 'mode %a' mine/web
vmlock-run start $lock --control mine/web </dev/null 2>&1; echo "taken: exit $?"
tell 1 r; said 2; vmlock-run status mine/web --format json | tr -d ' \n' | sed 's/^/second /'; echo
tell 2 o; ended $keeper first
vmlock-run status mine/web 2>&1; echo "stale: exit $?"
guest --control mine/web; tell 1 o; ended $! again
"#,
    );
    for line in [
        "its folder has mode 0755",
        "open: exit 4",
        "there is no such socket",
        "none: exit 4",
        ": running for ",
        "\nvCPU 0: ",
        "\ndevice serial (bytes out 1)\n",
        r#""state":"running""#,
        r#"{"name":"serial","interrupts":0,"requests":0,"errors":0,"bytesOut":1,"bytesIn":0}"#,
        "mode 600",
        "somebody listens there",
        "taken: exit 4",
        r#"second {"statusVersion":1"#,
        r#""restarts":1"#,
        "first: exit 0",
        "nobody listens there",
        "stale: exit 4",
        "again: exit 0",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
}

#[test]
#[ignore = "boots an emulated host"]
fn its_log_is_json_and_a_full_disk_does_not_hold_its_console() {
    let room = 16 << 10;
    let said = host(
        "log",
        LOCKS[0],
        r#"
guest --on-reset restart --log json
tell 1 r; tell 2 o; ended $! log
vmlock-run start $lock --log json --console /no/such/folder </dev/null 2>words; sed 's/^/log: /' words
mkdir small; mount -t tmpfs -o size=16k none small
vmlock-run start $talkative --console small/log </dev/null 2>&1; echo "full: exit $?"
echo "kept $(tr -cd x <small/log | wc -c)"
"#,
    );
    let lines = said.lines().filter_map(|l| l.strip_prefix("log: {"));
    let events: Vec<serde_json::Value> = lines
        .map(|l| serde_json::from_str(&format!("{{{l}")).unwrap_or_else(|e| panic!("{l}: {e}")))
        .collect();
    let kinds: Vec<_> = events.iter().filter_map(|e| e["event"].as_str()).collect();
    // What a host tells or does not tell of itself is a note.
    let kinds: Vec<_> = kinds.into_iter().filter(|kind| *kind != "note").collect();
    let all = [
        "started",
        "ended",
        "restarted",
        "started",
        "ended",
        "failed",
    ];
    assert_eq!(kinds, all, "{said}");
    assert_eq!(said.matches("log: ").count(), events.len() + 1, "{said}");
    let code = |at: usize| {
        events
            .iter()
            .filter(|e| e["event"] == "ended")
            .nth(at)
            .map(|e| e["code"].clone())
    };
    assert_eq!((code(0), code(1)), (Some(10.into()), Some(0.into())));
    for line in [
        "log: exit 0".to_owned(),
        "console: what the guest says waits, and the oldest of it is lost: No space left"
            .to_owned(),
        format!(
            "console: {} bytes of what the guest said are lost",
            SAID - room
        ),
        "full: exit 0".to_owned(),
        format!("kept {room}"),
    ] {
        assert!(said.contains(&line), "{line}:\n{said}");
    }
}

#[test]
#[ignore = "boots an emulated host"]
fn nobody_gets_a_guests_disks_while_it_resets() {
    let said = host_with(
        "cortex-a72",
        "disks",
        "lab/tests/specs/disks.vm.lock.json",
        r#"
place=${lock%/*}; mkdir $place/full
truncate -s 32M $place/root.img; truncate -s 1M $place/seed.img; truncate -s 4M $place/full/full.img
guest --on-reset restart; keeper=$!
said 1
while [ ! -e stop ]; do vmlock-run start $lock </dev/null 2>refused; echo "try: $?"; done >tries &
thief=$!
tell 1 r; tell 2 r; said 3; sleep 1; >stop; wait $thief
tell 3 o; ended $keeper disks
sort tries | uniq -c | tr -s ' ' | sed 's/^ \([0-9]*\) try/tries/' ; echo "kinds $(sort -u tries | wc -l), many $([ $(wc -l <tries) -gt 5 ] && echo yes)"
cat refused
"#,
    );
    for line in [
        "disks: exit 0",
        "tries: 3\n",
        "kinds 1, many yes",
        "another program has it",
    ] {
        assert!(said.contains(line), "{line}:\n{said}");
    }
}
