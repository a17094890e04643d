//! A running guest goes to a runner that shares nothing with its own but a stream of bytes, by TCP and by pipes, on a real KVM, in
//! the jail: to the guest nothing has happened. Whatever breaks before it is given, it goes on where it was; what breaks as it is given leaves
//! both at rest, until somebody names one.
//!
//! Needs an emulated host, so it is ignored unless asked for: `cargo test -p vmlock-run --test remotes -- --ignored`;
//! `VMLOCK_REMOTES=1` takes a host of 5.10, too, with either end frozen and killed at more moments.

mod host;

use host::checks::{STILL, guest};
use host::{Place, image, in_host_of};
use std::env;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use vmlock_spec::lock::{Device, DeviceKind, Lock};

const SCRIPT: &str = r#"
mkdir -p /tmp; cd /tmp; rm -rf in out words* mine one.save; mkdir -m 700 mine; mkfifo in mine/back; exec 3<>in
run=vmlock-run n=0 total=1; : >out
dd if=/dev/zero of=${lock%/*}/carried.img bs=1M count=16 2>/dev/null
ip link set lo up
for tap in 0 1; do tunctl -t vmlock$tap >/dev/null && ip link set vmlock$tap up || exit 1; done
# Where the first guest that is started does not tick, nothing has been tried yet, and the host has failed.
fresh=1; silent() { [ -z "$fresh" ] || { $run status $socket; echo "the first guest of this host is silent"; }; }
await() { m=0; until eval "$1"; do sleep 0.1; m=$((m + 1)); [ $m -lt 600 ] || { cat words.* said out; echo "never: $1"; silent; exit 1; }; done; }
said() { await "[ \"\$(tr -cd '>' <out | wc -c)\" -ge $total ]"; }
again() { printf x >&3; total=$((total + 1)); said; grep -q '!' out && echo "$1: something has changed"; }
ended() { wait $1; code=$?; [ $code = $2 ] || { echo "$3: exit $code"; cat words.* said; exit 1; }; }
tap() { echo "--tap lan=vmlock$(($1 % 2))"; }
begin() { n=$((n + 1)); socket=mine/$n; $run start $lock --memory shared --control $socket $(tap $n) <in >>out 2>words.$n & pid=$!; said; }
next() { m=$((n + 1)); there=mine/$m words=words.$m; rm -f $words mine/token; }
# One that takes it: `$new`, at `$to`.
receive() {
    next; $run receive tcp:127.0.0.1:0 --token-file mine/token --lock $lock --control $there $(tap $m) "$@" <in >>out 2>$words & new=$!
    await "grep -q 'waits for a guest' $words || ! kill -0 $new 2>/dev/null"; to=$(sed -n 's/.*at `\(tcp:[^`]*\)`.*/\1/p' $words)
}
migrate() { $run migrate --to $to --token-file mine/token --rest-limit 45 --control $socket >said 2>&1; }
over() { ended $pid 143 "$1"; n=$((n + 1)); socket=mine/$n pid=$new; }
now() { set -- $(cat /proc/uptime); echo "${1%.*}${1#*.}"; }
at() { $run status $1 2>/dev/null | head -1; }
is() { await "at $1 | grep -q ': $2'"; }
claim() { $run claim "$@" >claimed 2>&1 && echo granted || { echo refused; cat claimed; }; }
# How long it took to come as far as that.
part() { set -- "$1" $(now); echo "so far: $1: $(($2 / 100)) s"; }

begin; again first; fresh=; part "a guest"
# What is no way to come.
next; $run receive tcp:0.0.0.0:7900 --token-file mine/token --lock $lock --control $there </dev/null >/dev/null 2>said; echo "to anybody: exit $? $(grep -c insecure-listen said)"
$run receive tcp:0.0.0.0:0 --insecure-listen --token-file mine/token --lock $lock --control $there $(tap 1) </dev/null >/dev/null 2>$words & new=$!
await "grep -q 'waits for a guest' $words"; echo "asked for: $(stat -c %a mine/token)"; kill $new; wait $new
for flags in "$there --token-file mine/no" "$there --insecure-listen" "$there --locks-unseen" "- --insecure-listen --console mine/no"; do
    $run receive $flags --lock $lock --control mine/no </dev/null >/dev/null 2>said; echo "of no use: exit $?"
done
for flags in "$there --token-file mine/no" "$there --rest-limit 5" "- --format json" "tcp:127.0.0.1:1 --token-file mine/no --rest-limit 46"; do
    $run migrate --to $flags --control $socket </dev/null >/dev/null 2>said; echo "of no use: exit $?"
done
# Who has another token is sent away, and who has it comes.
receive; tr 0-9a-f 1-9a-f0 <mine/token >mine/other; chmod 600 mine/other
$run migrate --to $to --token-file mine/other --control $socket >said 2>&1; echo "another token: exit $? $(grep -c 'sent away' $words)"
chmod 644 mine/token; migrate; echo "open token: exit $? $(grep -c 'others can read it' said)"; chmod 600 mine/token
echo "GET / HTTP/1.0" | nc 127.0.0.1 ${to##*:} >/dev/null; again "not given"
migrate || { cat said words.*; exit 1; }; over "the first"; again "the first"; cat said
[ -e mine/token ] && echo "its token is still there"
# Another lock.
part "tokens"
next; $run receive tcp:127.0.0.1:0 --token-file mine/token --lock $other --control $there $(tap $m) </dev/null >/dev/null 2>$words & new=$!
await "grep -q 'waits for a guest' $words"; to=$(sed -n 's/.*at `\(tcp:[^`]*\)`.*/\1/p' $words)
migrate; echo "another lock: exit $?"; wait $new; echo "and there: exit $? $(grep -c 'another lock' said)"; again "another lock"
# Other disks: of another size.
disk=${lock%/*}/carried.img; mv $disk $disk.kept; dd if=/dev/zero of=$disk bs=1M count=15 2>/dev/null
receive; migrate; echo "no disk: exit $?"; wait $new; echo "and there: exit $?"; mv $disk.kept $disk; again "no disk"
# Others: of the same size, with something else at their begin.
cp $disk $disk.other; mv $disk $disk.kept; mv $disk.other $disk; printf other | dd of=$disk conv=notrunc 2>/dev/null
receive; migrate; echo "a lock not seen: exit $?"; wait $new; echo "and there: exit $? $(grep -c locks-unseen $words)"; again "a lock not seen"
receive --locks-unseen; migrate; echo "another disk: exit $?"; wait $new; echo "and there: exit $? $(grep -c 'disk .data.:' $words)"; mv $disk.kept $disk; again "another disk"
for round in $(seq $count); do
    for way in "" "--emulate-gic"; do
        receive $way; migrate || { echo "round $round $way: $(cat said)"; cat words.*; exit 1; }
        over "round $round"; again "round $round $way"; grep -o "after [0-9]* ms" said >>rests
    done
done
echo "handed over $((2 * count)) times"; part "handed over"
echo "rests: $(grep -o '[0-9]*' rests | sort -n | tr '\n' ' ')"
$run audit $lock --control $socket >audited 2>&1; echo "audited: exit $?"
part "audited"
# By pipes, with what is done to them on the way: `there` to the other end, and `back`.
pipes() {
    next; { $run migrate --to - $with --rest-limit 45 --control $socket <mine/back 2>said; echo $? >code; } | eval "$1" | { exec 4<&0; $run receive - $with --lock $lock --control $there $(tap $m) --console mine/console <&4 2>$words & echo $! >receiver; wait $!; echo $? >ended; } | eval "$2" >mine/back &
    await "[ -s code ]"
}
with=
pipe() { rm -f code ended; : >mine/console; pipes "$@"; }
# Something is cut off, changed or held up on the way there, or on the way back.
for way in $cuts; do pipe "head -c $way" cat; echo "cut $way: $(cat code)"; await "[ -s ended ]"; cat ended >>ends; again "cut $way"; done
for way in $changes; do
    pipe "{ dd bs=1 count=$way 2>/dev/null; dd bs=1 count=1 2>/dev/null | tr '\000-\377' '\001-\377\000'; cat; }" cat; echo "changed $way: $(cat code)"; await "[ -s ended ]"; cat ended >>ends; again "changed $way"
done
for way in $backs; do pipe cat "head -c $way"; echo "cut back $way: $(cat code)"; await "[ -s ended ]"; cat ended >>ends; again "cut back $way"; done
echo "ends: $(sort ends | uniq -c | tr -s ' \n' ' ')"
part "cut"
if [ $long = 1 ]; then pipe "{ head -c 50000; sleep 100; }" cat; echo "held up: $(cat code)"; again "held up"; kill $(cat receiver); await "[ -s ended ]"; fi
# And whole, with a token that both have.
with="--token-file mine/other"
pipe cat cat; echo "by pipes: $(cat code)"; [ "$(cat code)" = 0 ] || { cat said words.*; exit 1; }; ended $pid 143 pipes; n=$((n + 1)); socket=mine/$n pid=$(cat receiver)
is $socket running; grep -q '!' mine/console && echo "by pipes: something has changed"
receive; migrate || { cat said words.*; exit 1; }; await "[ -s ended ]"; echo "and back: $(cat ended)"; n=$((n + 1)); socket=mine/$n pid=$new; again "and back"
# A hand-over whose giving end is frozen once it has told the guest's state: the other one asks for the guest, and hears nothing.
freeze() {
    receive; $run migrate --to $to --token-file mine/token --rest-limit 45 --control $socket >said 2>&1 & client=$!
    for m in $(seq 200); do
        halt $pid; sleep 0.7
        grep -q '^Seccomp:.*2' /proc/$new/status && idle $new && break
        kill -CONT $pid; sleep 0.02
        [ ! -s said ] || break
    done
    at $there | grep -q ': starting' && return
    # It was too quick; or it was stopped for so long that it was given up, and the guest goes on.
    kill -CONT $pid; if wait $client; then over "too quick"; else wait $new; fi; again "not frozen"; return 1
}
frozen() { k=0; until freeze; do k=$((k + 1)); [ $k -lt 8 ] || { echo "never frozen"; exit 1; }; done; }
anew() { n=$((n + 1)); total=$((total + 1)); begin; again anew; }
# The same, and the other end is frozen before the guest is given to it: that word lies there.
unheard() { frozen; halt $new; kill -CONT $pid; }
# Who carries the words ends right behind the last one: it is heard all the same, and the disks are left to who hears it.
heard() {
    unheard; sleep 2; kill -9 $client; wait $client; await "at $socket | grep -q -e ': unknown' -e ': running'"
    kill -CONT $new; await "! kill -0 $new 2>/dev/null || at $there | grep -q -e ': unknown' -e ': running'"
    at $there | grep -q ': running' && return
    # It was cut before that word.
    $run stop $there >/dev/null 2>&1; wait $new; $run claim $socket --other-end-is-gone >/dev/null 2>&1; is $socket running; again "cut before"; return 1
}
part "pipes"; j=0; until heard; do j=$((j + 1)); [ $j -lt 4 ] || { echo "never heard"; cat said words.*; exit 1; }; done
is $socket unknown; echo "heard though cut: $(claim $socket --other-end-is-gone | head -1) $(grep -c 'another program' claimed)"
$run stop $socket >/dev/null; wait $pid; n=$((n + 1)); socket=$there pid=$new; again "heard though cut"
# The giving end is killed there: the other one rests, and nobody can name it, since that one may have gone on before.
frozen; kill -9 $pid; wait $pid $client; is $there unknown
$run resume $there >/dev/null 2>&1 && echo "resumed in doubt"
echo "without a word: $(claim $there | head -1) $(grep -c other-end-is-gone claimed)"; is $there unknown
echo "its taker: $(claim $there --other-end-is-gone | head -1) $(grep -c 'may be old' claimed)"; is $there unknown
$run stop $there >/dev/null; wait $new; anew
if [ $long = 1 ]; then
    # The other end is frozen once it has asked: it is given, and nobody says that it runs. Where it is killed, it goes on here.
    unheard; is $socket unknown; wait $client; echo "given to the frozen: exit $? $(grep -c 'nobody knows' said)"
    echo "without a word: $(claim $socket | head -1) $(grep -c other-end-is-gone claimed)"
    kill -9 $new; wait $new; echo "its giver: $(claim $socket --other-end-is-gone)"; is $socket running; again "its giver"
    # Where it is thawed later, its disk is held here again, so it rests there, too, until it is ended.
    unheard; is $socket unknown; wait $client; kill -CONT $new; is $there unknown
    echo "thawed: $(claim $there --other-end-is-gone | head -1)"; $run stop $there >/dev/null; wait $new
    echo "its giver: $(claim $socket --other-end-is-gone)"; is $socket running; again "its giver, thawed"
    # Somebody has written its disk since: it is not the guest's any more.
    unheard; is $socket unknown; wait $client; kill -9 $new; wait $new; printf x | dd of=$disk bs=1 seek=9000000 conv=notrunc 2>/dev/null
    echo "written: $(claim $socket --other-end-is-gone | head -1) $(grep -c 'was written since' claimed)"; is $socket unknown
    $run stop $socket >/dev/null; wait $pid; anew
fi
settled() {
    m=0; while [ $m -lt 450 ]; do
        sleep 0.1; m=$((m + 1)); a=$(at $socket) b=$(at $there)
        case "$a/$b" in *": running"*/*": running"*) echo "both run: $a $b"; exit 1 ;; *": running"*) return ;; esac
        # The other one is gone, and it did not run there: so this one may.
        case "$a" in *": unknown"*) kill -0 $new 2>/dev/null || { grep -q 'the guest runs' $words || $run claim $socket --other-end-is-gone >/dev/null 2>&1 && echo claimed >>fates && continue; } ;; esac
        case "$b" in *": unknown"*) kill -0 $pid 2>/dev/null || return ;; esac
        case "$a/$b" in *": unknown"*/*": unknown"*) $run stop $there >/dev/null 2>&1; wait $new; continue ;; esac
        kill -0 $pid 2>/dev/null || kill -0 $new 2>/dev/null || return
        [ $m -gt 30 ] && [ -e mine/token ] && ! kill -0 $pid 2>/dev/null && return
    done
    echo "never settled: $whom after $delay: $a, $b"; cat said words.$n $words; exit 1
}
: >fates; part "frozen"
receive; begun=$(now); migrate; took=$((($(now) - begun) * 10)); over timed; again timed; echo "one takes $took ms"
for step in $(seq 1 $steps); do
    for whom in client new pid; do
        receive; $run migrate --to $to --token-file mine/token --rest-limit 45 --control $socket >said 2>&1 & client=$!
        delay=$((took * (2 * step - 1) / (2 * kills - 2) + 20)); [ $step -lt $kills ] && sleep $(printf '%d.%03d' $((delay / 1000)) $((delay % 1000))) || wait $client
        eval "victim=\$$whom"; kill -9 $victim; wait $client
        settled
        case "$a/$b" in
            *": running"*/*) kill -9 $new; wait $new; echo "$whom-here" >>fates ;;
            # An end that has heard nothing of that rests, until somebody ends it.
            */*": running"*) await "at $socket | grep -q ': unknown' && $run stop $socket >/dev/null; ! kill -0 $pid 2>/dev/null"; wait $pid; n=$((n + 1)); socket=$there pid=$new; echo "$whom-there" >>fates ;;
            *) [ $whom = client ] && { echo "lost by a client: $delay: $a, $b"; cat said words.$n $words; exit 1; }
               [ $whom = new ] && kill -0 $pid && { echo "lost: $delay: $a, $b"; cat said words.$n; exit 1; }
               kill -9 $new $pid; wait $new $pid; n=$((n + 1)); echo "$whom-gone" >>fates; total=$((total + 1)); begin ;;
        esac
        again "killed $whom after $delay"
    done
done 2>/dev/null
echo "killed: $(sort fates | uniq -c | tr -s ' \n' ' ')"
part "killed"
# A save and a restore, beside which it rests; and all of its memory is as it was.
begun=$(now); $run save one.save --control $socket >saved; ended $pid 143 saved
pages() { grep -a '^payload [0-9]*$' $1 | sha256sum; }
[ "$(pages one.save)" = "$(pages ${lock%/*}/guest.Image)" ] && echo "all of its memory is there: $(grep -a -c '^payload [0-9]*$' one.save)"
n=$((n + 1)); socket=mine/$n; begun=$(now)
$run restore one.save --lock $lock --memory shared --control $socket $(tap $n) <in >>out 2>words.$n & pid=$!
is $socket running; echo "a restore: $((($(now) - begun) * 10)) ms"; again restored
receive; migrate || cat said words.*; over restored; again "handed over once restored"; echo "handed over once restored"
printf o >&3; ended $pid 0 off; part "all"
grep -q '!' out || echo "nothing has changed"
"#;

/// Lines of memory that nobody reads but who looks for them at the end.
const LINES: usize = 1 << 19;

#[test]
#[ignore = "boots an emulated host"]
fn a_guest_goes_by_tcp_or_pipes_and_is_never_lost() {
    let long = env::var_os("VMLOCK_REMOTES").is_some();
    let hosts = match long {
        true => &["6.12", "5.10"][..],
        false => &["6.12"],
    };
    for kernel in hosts {
        let place = Place::new(&format!("remotes-{kernel}"));
        let small = |lock: &mut Lock| {
            lock.machine.memory.size = 64 << 20;
            let kept = |d: &Device| {
                d.virtio.is_none()
                    || matches!(d.kind, DeviceKind::VirtioBlock | DeviceKind::VirtioNet)
            };
            lock.machine.devices.retain(kept);
            let nets = lock.machine.devices.iter_mut();
            let nets = nets.filter_map(|device| device.virtio.as_mut()?.net.as_mut());
            let cards = nets.map(|net| net.tap = None).count();
            assert_eq!(cards, 1, "a card");
        };
        // Behind what the guest writes itself.
        let mut payload = "\0".repeat(64 << 10);
        payload.push('\n');
        for line in 0..LINES {
            let _ = writeln!(payload, "payload {line:07}");
        }
        let mut bytes = image(&guest(), None);
        let head = bytes.len() as u64;
        bytes.extend(payload.bytes());
        // What is loaded has a size of its own.
        let whole = (head + payload.len() as u64).to_le_bytes();
        bytes[16..24].copy_from_slice(&whole);
        let image = place.write("guest.Image", &bytes);
        let of = "examples/carried.vm.lock.json";
        let lock = place.altered("one", of, "guest.Image", small);
        let other = place.altered("other", of, "guest.Image", |lock| {
            small(lock);
            lock.name = "other".to_owned();
        });
        let (count, kills, steps) = if long { (6, 5, 5) } else { (1, 2, 1) };
        let (cuts, changes, backs) = match long {
            true => (
                &[20, 60, 300, 5000, 100_000, 4_000_000][..],
                &[10, 70, 400, 20000][..],
                &[20, 100, 240][..],
            ),
            false => (&[300, 4_000_000][..], &[70, 20000][..], &[100][..]),
        };
        let broken = cuts.len() + changes.len() + backs.len();
        let ways = |name: &str, ways: &[u32]| {
            let ways: Vec<String> = ways.iter().map(u32::to_string).collect();
            format!("{name}='{}'", ways.join(" "))
        };
        let ways = [
            ways("cuts", cuts),
            ways("changes", changes),
            ways("backs", backs),
        ];
        let names = format!("lock={} other={}", lock.display(), other.display());
        let (kills, long) = (format!("kills={kills} steps={steps}"), u8::from(long));
        let numbers = format!("count={count} {kills} long={long} {}", ways.join(" "));
        let script = format!("{names} {numbers}\n{STILL}{SCRIPT}");
        let script = place.write("remotes.sh", script.as_bytes());
        let files = [image, lock, other, script.clone()];
        let said = in_host_of(kernel, "cortex-a72", &script, &files, &["tun"]);
        let moments = usize::from(long);
        let ends = format!("ends:  {broken} 4 \n");
        for (line, times) in [
            ("to anybody: exit 2 1\n", 1),
            ("asked for: 600\n", 1),
            ("of no use: exit 2\n", 8),
            ("another token: exit 4 1\n", 1),
            ("open token: exit 4 1\n", 1),
            ("token is still there", 0),
            ("another lock: exit 4\nand there: exit 4 1\n", 1),
            ("no disk: exit 4\nand there: exit 3\n", 1),
            ("a lock not seen: exit 4\nand there: exit 3 1\n", 1),
            ("another disk: exit 4\nand there: exit 3 1\n", 1),
            (&format!("handed over {} times\n", 2 * count)[..], 1),
            ("audited: exit 0\n", 1),
            (": 4\n", broken + moments),
            (&ends, 1),
            ("by pipes: 0\n", 1),
            ("and back: 143\n", 1),
            ("in doubt", 0),
            ("heard though cut: refused 1\n", 1),
            ("without a word: refused 1\n", 1 + moments),
            ("its taker: refused 1\n", 1),
            ("given to the frozen: exit 4 1\n", moments),
            ("its giver: granted\n", 2 * moments),
            ("thawed: refused\n", moments),
            ("written: refused 1\n", moments),
            ("never", 0),
            ("lost", 0),
            ("both ", 0),
            ("something has changed", 0),
            ("nothing has changed\n", 1),
            (&format!("all of its memory is there: {LINES}\n"), 1),
            ("handed over once restored\n", 1),
        ] {
            let found = said.matches(line).count();
            assert_eq!(found, times, "{kernel}: {line:?}:\n{said}");
        }
        let _ = writeln!(io::stdout(), "{said}");
    }
}
