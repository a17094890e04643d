//! `vmlock-lab confined`: what the runner's threads ask of Linux while guests run, against the table that they are jailed by,
//! on kernels with and without Landlock; and what comes of a thread that does something else, or fails.
//!
//! The host's kernel writes down every call of the runner, by thread and with its arguments (the trace event
//! `raw_syscalls:sys_enter`). All of them have to be in a row of the thread's (`vmlock-run jail`), and every row has
//! to be needed, unless it names an occasion that is none of a guest's ordinary life. The guests are real ones: native,
//! with the runner's interrupt controller, with disks and a card, ended by a signal, with a console that nobody reads any
//! more, and in operation: kept, its firmware calls answered, asked for its counters and paused, with its console in a file.

use crate::cache::Cache;
use crate::cross;
use crate::disks;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{OK, Result};
use crate::job;
use crate::network;
use crate::step::{self, Step};
use crate::torture;
use crate::trial::Bench;
use crate::virtio;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

/// How long a host may take for all of it.
const LIMIT: Duration = Duration::from_secs(1500);

/// A host, and what its guests are.
pub struct Host {
    /// The series of its kernel.
    kernel: &'static str,
    cpu: &'static str,
    /// A lock with two vCPUs that it keeps.
    lock: &'static str,
    /// One whose guest reads its console and sets an alarm, where it keeps that.
    devices: &'static str,
    /// Whether it keeps those with disks and with a card, too.
    virtio: bool,
    /// Whether its kernel has Landlock.
    landlock: bool,
}

/// All of them.
const HOSTS: [Host; 3] = [
    Host {
        kernel: "5.10",
        cpu: "cortex-a72",
        lock: "examples/portable.vm.lock.json",
        devices: "",
        virtio: true,
        landlock: false,
    },
    Host {
        kernel: "6.12",
        cpu: "neoverse-n1",
        lock: "examples/modern.vm.lock.json",
        devices: "lab/tests/specs/devices.vm.lock.json",
        virtio: false,
        landlock: true,
    },
    Host {
        kernel: "7.3",
        cpu: "cortex-a72",
        lock: "examples/portable.vm.lock.json",
        devices: "",
        virtio: true,
        landlock: true,
    },
];

/// Which of them the tests have.
pub const SLICE: usize = 2;

/// Threads of the runner by what Linux calls them; all others are the process's first one, or the undertaker.
const THREADS: [&str; 14] = [
    "broker", "card", "carrier", "console", "control", "disk", "entropy", "scribe", "signals",
    "speaker", "terminal", "vcpu", "vsock", "watch",
];
/// Those that give up more than the others.
const NARROW: [&str; 6] = ["card", "disk", "entropy", "terminal", "vcpu", "vsock"];

/// `seccomp`, `ioctl` and `clone` of arm64 (include/uapi/asm-generic/unistd.h).
const SECCOMP: u64 = 277;

/// Traces starts; says all that is needed of them on stdout.
const SCRIPT: &str = r#"
lock=$1 devices=$2 disks=$3 card=$4 agent=$5 run=vmlock-run-torture
$run jail --format json
echo '=== table'
mkdir -p /tmp
T=/sys/kernel/tracing
mount -t tracefs none $T
raw=$T/events/raw_syscalls/sys_enter ioctl=$T/events/syscalls/sys_enter_ioctl
echo 1 >$T/options/event-fork
echo 16384 >$T/buffer_size_kb
# All of them for a moment once the guest speaks; before and later neither futex nor KVM_RUN.
speaks() { echo 0 >$raw/filter; }
speaks_no_more() { echo 'id != 29 && id != 98' >$raw/filter; }
echo 'cmd != 0xae80' >$ioctl/filter
calls() {
    sed -n -e 's/^ *\(.*\)-\([0-9]*\) *\[.*sys_enter: NR \([0-9]*\) (\([0-9a-f]*\), \([0-9a-f]*\), \([0-9a-f]*\),.*/\1 \2 \3 \4 \5 \6/p' \
        -e 's/^ *\(.*\)-\([0-9]*\) *\[.*sys_ioctl(fd: \([0-9a-f]*\), cmd: \([0-9a-f]*\), arg: \([0-9a-f]*\)).*/\1 \2 29 \3 \4 \5/p' $T/trace |
        awk -v first=$(cat /tmp/pid) '
            # Addresses are all the same to the table.
            function short(number) { return length(number) > 8 ? "ffffffff" : number }
            BEGIN { main = first }
            { for (at = 4; at <= 6; at++) $at = short($at) }
            # Whose filter is for all threads of its process (TSYNC) is the guest'"'"'s process; a keeper is outside.
            $3 == 277 && $5 == "5" { main = $2; jailed = 1; split("", seen) }
            $2 == first && main != first { next }
            $3 == 277 { print main, $0; next }
            jailed || $1 == "broker" { key = $2 " " $3 " " $4 " " $5 " " $6; if (!(key in seen)) { seen[key]; print main, $0 } }'
    cat $T/per_cpu/cpu*/stats | awk '/^overrun:/ { lost += $2 } END { print "lost", lost }'
}
traced() {
    rm -f /tmp/pid
    echo >$T/trace
    speaks_no_more
    (
        until [ -s /tmp/pid ]; do sleep 0.1; done
        until [ -s /tmp/console ] || ! [ -d /proc/$(cat /tmp/pid) ]; do sleep 0.1; done
        speaks
        sleep 1
        speaks_no_more
    ) &
    export raw ioctl T
    sh -c '
        echo $$ >/tmp/pid
        # A trace that began with nothing was seen once: this shell is in it before the runner is.
        for attempt in 1 2 3; do
            echo $$ >$T/set_event_pid
            echo 1 >$raw/enable
            echo 1 >$ioctl/enable
            grep -q sys_enter $T/trace && break
            echo "nothing is traced, attempt $attempt: on $(cat $T/tracing_on), of $(cat $T/set_event_pid)" >&2
            echo 0 >$raw/enable
            echo 0 >$ioctl/enable
        done
        exec vmlock-run-torture start "$@"' sh "$@"
    echo "exit $?" >>/tmp/words
    echo 0 >$raw/enable
    echo 0 >$ioctl/enable
}
report() { cat /tmp/words; calls; echo "=== $1"; : >/tmp/words; echo "confined: $1 was over $(cut -d ' ' -f 1 /proc/uptime) s after the boot" >&2; }
await() { n=0; until eval "$1"; do n=$((n + 1)); [ $n -gt 300 ] && break; sleep 0.2; done; }
: >/tmp/words
if [ -n "$disks" ]; then
    folder="${disks%/*}"
    truncate -s 32M "$folder/root.img"
    seq 1 1000000 | head -c 1048576 >"$folder/seed.img"
    mkdir "$folder/full"
    mount -t tmpfs -o size=1m none "$folder/full"
    truncate -s 4M "$folder/full/full.img"
    # It asks for a reset first, and looks afterwards for what it had written.
    $run start $disks --emulate-gic </dev/null >/tmp/console 2>/tmp/words
    echo "before the reset: exit $?" >/tmp/words
    (traced $disks --emulate-gic </dev/null 2>>/tmp/words | cat >/tmp/console)
    grep -q "vda has a file system" /tmp/console || echo "the guest's disks failed: $(cat /tmp/console)"
    grep -e 'disk `full`' /tmp/words | head -n 1
    report disks
    for how in disk-panic disk-read disk-socket; do
        $run start $disks --misbehave $how </dev/null >/tmp/console 2>/tmp/words
        code=$?
        echo "$how: exit $code $(tr "\n" " " </tmp/words)"
    done
    echo '=== disk misdeeds'
    : >/tmp/words
    umount "$folder/full"
    rmdir "$folder/full"
    mkdir -p /tmp/net
    cp "$folder/seed.img" /tmp/net
    tunctl -t tap0 >/dev/null
    ifconfig tap0 10.9.8.1 mtu 1500 up
    httpd -p 10.9.8.1:80 -h /tmp/net
    (sleep 90 | nc -l -p 81 >/dev/null) &
    (nc -l -p 82; ip link delete tap0) >/dev/null 2>&1 &
    "$agent" answer "${card%/*}/agent.sock" & answers=$!
    traced $card </dev/null 2>>/tmp/words >/tmp/console
    kill $answers
    rm "${card%/*}/agent.sock"
    grep -e 'the tap has gone' /tmp/words
    grep -q "from a socket of the host: " /tmp/console || echo "the guest's socket failed: $(cat /tmp/console)"
    report card
fi
if [ -n "$devices" ]; then
    printf 'hello\nquit\n' | traced $devices --native --no-proof-cache 2>>/tmp/words >/tmp/console
    report devices
fi
if [ -z "$disks" ]; then
    traced $lock --emulate-gic </dev/null 2>>/tmp/words >/tmp/console
    report proxied
fi
(traced $lock </dev/null 2>>/tmp/words) | true
report unread
mkdir -m 700 /tmp/operated
traced $lock --emulate-calls --on-reset restart --log json --control /tmp/operated/control --console /tmp/operated/log </dev/null >/tmp/console 2>>/tmp/words & shell=$!
await 'grep -q "\"event\":\"started\"" /tmp/words'
$run status /tmp/operated/control --format json >/tmp/status || echo "nobody says the counters" >>/tmp/words
$run pause /tmp/operated/control >/tmp/paused && $run resume /tmp/operated/control >>/tmp/paused
wait $shell
[ -s /tmp/operated/log ] || echo "the console's file is empty" >>/tmp/words
echo "counters $(tr -d ' \n' </tmp/status | cut -c1-40)" >>/tmp/words
echo "asked: $(tr '\n' ' ' </tmp/paused)" >>/tmp/words
report operated
# While it runs, the layers of each thread; a terminal that was raw is as it was.
before=$(stty -g </dev/ttyAMA0)
: >/tmp/console
traced $lock --stats </dev/ttyAMA0 >/tmp/console 2>>/tmp/words & shell=$!
# It is said right before the first instruction of the guest.
await 'grep -q enforceVerifyShare /tmp/words'
for task in /proc/$(cat /tmp/pid)/task/*; do
    echo "layers $(cat $task/comm) $(awk '/^(CapEff|NoNewPrivs|Seccomp|Seccomp_filters):/ { printf "%s%s ", $1, $2 }' $task/status)"
done
awk '/^Max (core file size|open files)/ { print "limit " $2, $(NF - 2), $(NF - 1) }' /proc/$(cat /tmp/pid)/limits
kill -TERM $(cat /tmp/pid); wait $shell
[ "$(stty -g </dev/ttyAMA0)" = "$before" ] && echo "the terminal is as it was"
report signal
for how in main-create main-execute main-panic main-read main-socket vcpu-execute vcpu-kill vcpu-memory vcpu-panic vcpu-read vcpu-thread; do
    $run start $lock --misbehave $how </dev/null >/tmp/console 2>/tmp/words
    code=$?
    echo "$how: exit $code $(tr "\n" " " </tmp/words)"
done
$run start $lock --log json --misbehave vcpu-read </dev/null >/tmp/console 2>/tmp/words
echo "events: $(grep violation /tmp/words)"
$run start $lock --on-reset restart --misbehave main-socket </dev/null >/tmp/console 2>/tmp/words
echo "kept: exit $? $(tr "\n" " " </tmp/words)"
# The same of the terminal.
$run start $lock --misbehave vcpu-read </dev/ttyAMA0 >/tmp/console 2>/tmp/words
code=$?
after=raw
[ "$(stty -g </dev/ttyAMA0)" = "$before" ] && after="as it was"
echo "terminal: exit $code, $after: $(tr "\n" " " </tmp/words)"
# Words that nobody reads hold nothing up.
($run start $lock --misbehave vcpu-read </dev/null 2>&1 >/tmp/console; echo "unread misdeed: exit $?" >/tmp/words) | true
cat /tmp/words
$run start $lock --no-jail --misbehave main-create </dev/null 2>&1 >/tmp/console | grep -e misbehaving -e no-jail
# Who is no root has the same jail; what a parent left open is not there.
mode=$(stat -c %a /dev/kvm)
chmod 666 /dev/kvm
mkdir -p /etc
echo 'user:x:1000:1000::/:/bin/sh' >/etc/passwd
for how in main-read vcpu-read; do
    start-stop-daemon -S -c 1000:1000 -x $(command -v $run) -- start $lock --misbehave $how </dev/null >/tmp/console 2>/tmp/words
    code=$?
    echo "user $how: exit $code $(tr "\n" " " </tmp/words)"
done
# The optional layers, where no Landlock is needed to keep files away; who is no root makes them in a user namespace.
mkdir -m 755 /tmp/empty
start-stop-daemon -S -c 1000:1000 -x $(command -v $run) -- start $lock --namespaces --chroot /tmp/empty --misbehave main-read </dev/null >/tmp/console 2>/tmp/words
code=$?
echo "user apart: exit $code $(tr "\n" " " </tmp/words)"
rmdir /tmp/empty
chmod $mode /dev/kvm
exec 9<$lock
$run start $lock </dev/null >/tmp/console 2>/tmp/words & process=$!
await 'grep -q "^Seccomp:.2" /proc/$process/status'
if ls -l /proc/$process/fd | grep -q /dev/null && ! ls -l /proc/$process/fd | grep -q "${lock##*/}"; then echo "inherited: closed"; fi
kill $process; wait $process
exec 9<&-
umount $T
echo '=== misdeeds'
"#;

/// Runs it, and says what is wrong; 1 if anything is.
pub fn run(cache: &Cache) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let step = step(cache, &bench, &torture::runner(cache)?, HOSTS.len())?;
    step::told(&step::run_alone(cache, &bench, step)?)
}

/// Guests on the first `count` of the hosts, with a `runner` that can be made to misbehave.
///
/// # Errors
/// The guests cannot be made.
pub fn step<'a>(cache: &Cache, bench: &Bench, runner: &Path, count: usize) -> Result<Step<'a>> {
    virtio::provide(cache, &bench.root().join("examples/guest"))?;
    let agent = job::text(&cross::build(cache, cross::AGENT)?)?;
    let hosts = HOSTS.iter().take(count);
    let errand = |host: &Host| {
        let [disks, card] = match host.virtio {
            true => [disks::LOCK, network::LOCK],
            false => [""; 2],
        };
        let words = [
            "-c",
            SCRIPT,
            "sh",
            host.lock,
            host.devices,
            disks,
            card,
            &agent,
        ];
        Errand {
            program: runner.to_owned(),
            by_shell: true,
            modules: vec!["tun".to_owned()],
            limit: LIMIT,
            ..bench.errand(host.cpu, host.kernel, &[words.to_vec()])
        }
    };
    Ok(Step {
        name: "the runner asks nothing of Linux beyond its table, and is ended where it does"
            .to_owned(),
        errands: hosts.clone().map(errand).collect(),
        judge: Box::new(move |done| {
            let mut problems = Vec::new();
            let mut needed = BTreeSet::new();
            let mut rows = Vec::new();
            for (done, host) in done.iter().zip(&HOSTS) {
                for ended in &done.jobs {
                    let (table, found) = judge(host, ended, &mut needed);
                    rows = table;
                    let place = format!("Linux {} on {}", host.kernel, host.cpu);
                    problems.extend(found.into_iter().map(|p| format!("{place}: {p}")));
                }
            }
            // A few of the hosts do not need all of them.
            if count == HOSTS.len() {
                problems.extend(idle(&rows, &needed));
            }
            Ok(problems)
        }),
    })
}

/// Rows that nobody needed, and that name no occasion.
fn idle(rows: &[Value], needed: &BTreeSet<usize>) -> Vec<String> {
    let idle = rows
        .iter()
        .enumerate()
        .filter(|(at, row)| !needed.contains(at) && row["only"].is_null());
    idle.map(|(_, row)| format!("no guest needs this row of the table: {row}"))
        .collect()
}

/// What is wrong on one host, and the table that it was held against; which rows were needed is added.
fn judge(host: &Host, ended: &Ended, needed: &mut BTreeSet<usize>) -> (Vec<Value>, Vec<String>) {
    let said = String::from_utf8_lossy(&ended.stdout);
    let words = String::from_utf8_lossy(&ended.stderr);
    let mut problems = Vec::new();
    if ended.code != OK {
        problems.push(format!(
            "the script ended with code {}: {words}",
            ended.code
        ));
    }
    let (table, said) = said.split_once("=== table\n").unwrap_or_default();
    let rows: Vec<Value> = serde_json::from_str(table).unwrap_or_default();
    if rows.is_empty() {
        problems.push(format!("there is no table: {words}"));
    }
    let mut parts = BTreeMap::new();
    let mut lines = Vec::new();
    for line in said.lines() {
        match line.strip_prefix("=== ") {
            Some(name) => _ = parts.insert(name, std::mem::take(&mut lines)),
            None => lines.push(line),
        }
    }
    let mut expected = vec![("unread", 0), ("operated", 0), ("signal", 143)];
    if !host.devices.is_empty() {
        expected.push(("devices", 0));
    }
    match host.virtio {
        true => expected.extend([("disks", 0), ("card", 0)]),
        // The other one's disks are served beside the runner's distributor.
        false => expected.push(("proxied", 0)),
    }
    for (part, code) in expected {
        match parts.get(part) {
            Some(lines) => problems.extend(
                calls(&rows, lines, code, needed)
                    .into_iter()
                    .map(|p| format!("{part}: {p}")),
            ),
            None => problems.push(format!("`{part}` did not come to its end: {words}\n{said}")),
        }
    }
    let lines = |part| parts.get(part).map_or(&[][..], Vec::as_slice);
    if host.virtio {
        problems.extend(missing(
            lines("disks"),
            &[
                ("before the reset: exit 10", ""),
                ("vmlock-run: disk `full`: writing ", "failed"),
            ],
        ));
        problems.extend(missing(
            lines("card"),
            &[("vmlock-run: card `lan`: the tap has gone", "")],
        ));
        problems.extend(missing(lines("disk misdeeds"), &DISK_MISDEEDS));
    }
    problems.extend(missing(
        lines("operated"),
        &[
            ("counters {\"statusVersion\":1,", ""),
            ("asked: the guest is paused the guest runs", ""),
        ],
    ));
    problems.extend(missing(
        lines("signal"),
        // It was raw: whoever sits there is told how to leave.
        &[
            ("the terminal is as it was", ""),
            ("vmlock-run: Ctrl-A x", ""),
        ],
    ));
    problems.extend(layers(lines("signal")));
    problems.extend(misdeeds(host.landlock, lines("misdeeds")));
    (rows, problems)
}

/// What is wrong with one start.
fn calls(rows: &[Value], lines: &[&str], code: u8, needed: &mut BTreeSet<usize>) -> Vec<String> {
    let mut problems = BTreeSet::new();
    if !lines.contains(&format!("exit {code}").as_str()) {
        problems.insert(format!("it should end with code {code}: {lines:#?}"));
    }
    if !lines.contains(&"lost 0") {
        problems.insert("calls were lost from the trace".to_owned());
    }
    // Everybody is jailed by the first thread's filter, and the thread of a vCPU or of a device by one more of its own.
    let (mut jailed, mut inside) = (false, BTreeSet::new());
    let mut seen = 0;
    for line in lines {
        let mut fields = line.split(' ');
        let mut text = || fields.next().unwrap_or_default();
        let (main, name, process) = (text(), text(), text());
        let numbers: Vec<u64> = fields
            .filter_map(|f| u64::from_str_radix(f, 16).ok())
            .collect();
        let [_, arguments @ ..] = &numbers[..] else {
            continue;
        };
        let Some(number) = line.split(' ').nth(3).and_then(|n| n.parse::<u64>().ok()) else {
            continue;
        };
        let known = THREADS.iter().copied().find(|known| {
            let rest = name.strip_prefix(known);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '0', '1']))
        });
        let thread = match known {
            Some(known) if NARROW.contains(&known) && !inside.contains(process) => "entering",
            Some(known) => known,
            None if name == "words" => "signals",
            None if process == main => "main",
            None => "undertaker",
        };
        if number == SECCOMP && (!jailed || thread == "broker") {
            // The broker is there before, and has a jail of its own.
            jailed |= process == main;
            inside.insert(process);
            continue;
        }
        let confined = match thread {
            "broker" => inside.contains(process),
            _ => jailed,
        };
        if !confined {
            continue;
        }
        seen += 1;
        let main = main.parse().unwrap_or(0);
        let fits = |row: &Value| {
            let threads = row["threads"].as_array();
            row["number"].as_u64() == Some(number)
                && threads.is_some_and(|all| all.iter().any(|t| t == thread))
                && argument(&row["argument"], arguments, main)
        };
        let mut fitting = rows
            .iter()
            .enumerate()
            .filter(|(_, row)| fits(row))
            .peekable();
        if fitting.peek().is_none() {
            problems.insert(format!(
                "thread `{thread}` called {number} with {arguments:x?}, for which it has no row"
            ));
        }
        needed.extend(fitting.map(|(at, _)| at));
        if number == SECCOMP {
            inside.insert(process);
        }
    }
    if seen < 30 {
        problems.insert(format!(
            "only {seen} calls were seen in the jail: {lines:#?}"
        ));
    }
    problems.into_iter().collect()
}

/// Whether arguments are as a row says.
fn argument(row: &Value, arguments: &[u64], main: u64) -> bool {
    let at = |place: &Value| {
        let place = place.as_u64().and_then(|p| usize::try_from(p).ok());
        place
            .and_then(|p| arguments.get(p))
            .map(|a| a & 0xffff_ffff)
    };
    if let Some([place, value]) = row["is"].as_array().map(Vec::as_slice) {
        return at(place) == value.as_u64();
    }
    if let Some([place, bits]) = row["lacks"].as_array().map(Vec::as_slice) {
        return at(place).is_some_and(|a| bits.as_u64().is_some_and(|bits| a & bits == 0));
    }
    match &row["ours"] {
        Value::Null => row == "any",
        place => at(place) == Some(main),
    }
}

/// What of the layers is not on.
fn layers(lines: &[&str]) -> Vec<String> {
    let mut problems = Vec::new();
    let threads: Vec<&&str> = lines
        .iter()
        .filter(|line| line.starts_with("layers "))
        .collect();
    // Linux counts filters from 5.11 on.
    let expected = |line: &str, filters: &str| {
        line.contains("CapEff:0000000000000000 NoNewPrivs:1 Seccomp:2")
            && (!line.contains("Seccomp_filters:")
                || line.contains(&format!("Seccomp_filters:{filters}")))
    };
    for line in &threads {
        let of_its_own = NARROW
            .iter()
            .any(|n| line.starts_with(&format!("layers {n}")));
        let filters = if of_its_own { "2" } else { "1" };
        if !expected(line, filters) {
            problems.push(format!("a thread without its layers: {line}"));
        }
    }
    if threads.len() < 5 {
        problems.push(format!(
            "only {} threads were looked at: {lines:#?}",
            threads.len()
        ));
    }
    if !lines.contains(&"limit core 0 0") {
        problems.push("core files are not limited".to_owned());
    }
    let open = lines.iter().find_map(|l| l.strip_prefix("limit open "));
    let open = open.and_then(|l| l.split(' ').next()?.parse::<u32>().ok());
    if open.is_none_or(|most| most > 64) {
        problems.push(format!("descriptors are not limited: {open:?}"));
    }
    problems
}

/// What came of misdeeds otherwise than it should; `landlock` where this kernel has it.
fn misdeeds(landlock: bool, lines: &[&str]) -> Vec<String> {
    let read = match landlock {
        true => "misbehaving failed",
        false => "misbehaving succeeded",
    };
    let expected = [
        ("user main-read: exit 0 ", read),
        ("user vcpu-read: exit 13 ", "thread `vcpu"),
        ("user apart: exit 0 ", "misbehaving failed"),
        ("inherited: closed", ""),
        ("vcpu-execute: exit 13 ", "called execve "),
        ("vcpu-kill: exit 13 ", "called kill "),
        ("vcpu-memory: exit 13 ", "called mmap "),
        (
            "main-create: exit 13 ",
            "thread `vmlock-run-tort` called openat ",
        ),
        ("main-execute: exit 13 ", "called execve "),
        ("main-panic: exit 70 ", "bug of ours"),
        ("main-read: exit 0 ", read),
        (
            "main-socket: exit 13 ",
            "thread `vmlock-run-tort` called socket ",
        ),
        ("vcpu-panic: exit 70 ", "bug of ours"),
        ("vcpu-read: exit 13 ", "thread `vcpu"),
        // glibc keeps all signals out while it starts a thread: Linux ends the process itself.
        ("vcpu-thread: exit 159 ", ""),
        (
            "events: {\"time\":",
            "\"event\":\"violation\",\"thread\":\"vcpu",
        ),
        ("kept: exit 13 ", "called socket "),
        ("terminal: exit 13, as it was: ", "Ctrl-A x"),
        ("unread misdeed: exit 13", ""),
        ("vmlock-run: --no-jail", "can do what you can"),
        ("vmlock-run: misbehaving succeeded", ""),
    ];
    missing(lines, &expected)
}

/// What a disk's thread is made to do, and what comes of it.
const DISK_MISDEEDS: [(&str, &str); 3] = [
    ("disk-panic: exit 70 ", "bug of ours"),
    ("disk-read: exit 13 ", "thread `disk-"),
    ("disk-socket: exit 13 ", "called socket "),
];

/// Lines that there are not: each begins with the first of two words, and has the second.
fn missing(lines: &[&str], expected: &[(&str, &str)]) -> Vec<String> {
    let missing = expected.iter().filter(|(begin, rest)| {
        !lines
            .iter()
            .any(|line| line.starts_with(begin) && line.contains(rest))
    });
    missing
        .map(|(begin, rest)| format!("no line begins with `{begin}` and has `{rest}`: {lines:#?}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn rows() -> Vec<Value> {
        let row = |number: u64, argument: Value, threads: &[&str], only: Value| json!({ "number": number, "argument": argument, "threads": threads, "only": only });
        vec![
            row(29, json!({ "is": [1, 0xae80] }), &["vcpu"], Value::Null),
            row(131, json!({ "ours": 0 }), &["main"], Value::Null),
            row(SECCOMP, json!("any"), &["entering"], Value::Null),
            row(222, json!({ "lacks": [2, 4] }), &["main"], json!("rarely")),
        ]
    }

    /// A start whose calls in the jail are these.
    fn found(more: &[&str]) -> (Vec<String>, BTreeSet<usize>) {
        let run = "70 vcpu0 71 29 1e ae80 0";
        let mut lines = vec!["exit 0", "lost 0", "70 vmlock-run 70 56 0 0 0"];
        lines.extend(["70 vmlock-run 70 277 1 5 0", "70 vcpu0 71 277 1 4 0"]);
        lines.extend(vec![run; 60]);
        lines.extend(more);
        let mut needed = BTreeSet::new();
        (calls(&rows(), &lines, 0, &mut needed), needed)
    }

    #[test]
    fn a_call_is_held_against_the_rows_of_its_thread_and_its_arguments() {
        assert_eq!(
            found(&["70 vmlock-run 70 131 46 47 22"]).0,
            Vec::<String>::new()
        );
        for wrong in [
            // Another process's thread, another thread, another ioctl, memory that is executable, the undertaker.
            "70 vmlock-run 70 131 47 47 22",
            "70 watch 72 131 46 47 22",
            "70 vcpu0 71 29 1e ae41 0",
            "70 vmlock-run 70 222 0 1000 7",
            "70 vmlock-run 75 131 46 47 22",
        ] {
            assert_eq!(found(&[wrong]).0.len(), 1, "{wrong}");
        }
        // What a broker does counts from its own filter on, though that is before all others'.
        let broker = ["70 broker 69 198 1 2 0", "70 broker 69 277 1 4 0"];
        assert_eq!(found(&[broker[0]]).0, Vec::<String>::new());
        assert_eq!(found(&[broker[1], broker[0]]).0.len(), 1);
        // What a vCPU's thread does on its way in, it does not do inside.
        assert_eq!(found(&["70 vcpu0 71 277 1 4 0"]).0.len(), 1);
    }

    #[test]
    fn a_row_that_nobody_needs_is_found_unless_it_names_an_occasion() {
        let needed = found(&[]).1;
        let idle = idle(&rows(), &needed);
        assert_eq!(idle.len(), 1, "{idle:?}");
        assert!(idle[0].contains("131"), "{idle:?}");
    }

    #[test]
    fn a_thread_without_a_layer_is_found() {
        let names = ["vmlock-run-tort", "signals", "watch", "vcpu1", "vcpu0"];
        let line = |name: &str, filters| {
            let none = "CapEff:0000000000000000";
            format!("layers {name} {none} NoNewPrivs:1 Seccomp:2 Seccomp_filters:{filters} ")
        };
        let mut lines: Vec<String> = names
            .map(|n| line(n, if n.starts_with("vcpu") { 2 } else { 1 }))
            .into();
        lines.extend(["limit core 0 0".to_owned(), "limit open 15 15".to_owned()]);
        let found =
            |lines: &[String]| layers(&lines.iter().map(String::as_str).collect::<Vec<_>>()).len();
        assert_eq!(found(&lines), 0);
        lines[4] = line("vcpu0", 1);
        assert_eq!(found(&lines), 1);
        for (on, off) in [("Privs:1", "Privs:0"), ("Eff:0", "Eff:1")] {
            lines[4] = line("vcpu0", 2).replace(on, off);
            assert_eq!(found(&lines), 1);
        }
        assert_eq!(found(&lines[1..]), 2);
        assert_eq!(found(&lines[..5]), 3);
    }
}
