//! A restored guest that runs while its memory is still held against what was saved, on a real KVM and in the jail: it runs,
//! and nothing of it leaves before all was what was saved; where something is another, nothing ever does.
//!
//! Needs an emulated host, so it is ignored unless asked for: `cargo test -p vmlock-run --test outlets -- --ignored`. The
//! runner is one that can be told to be slow (`VMLOCK_SLOW_CHECK`, milliseconds for each chunk of 2 MiB).

mod host;

use host::checks::guest;
use host::{Place, image, in_host_of_tests};
use vmlock_spec::lock::Lock;

/// As in `saves.rs`: `guest VERB FILE FLAGS` starts or restores one; `said` waits until it has said `>` so many times;
/// `again` asks for one more.
const SCRIPT: &str = r#"
mkdir -p /tmp; cd /tmp; rm -rf in out words mine *.save cut; mkdir -m 700 mine; mkfifo in; exec 3<>in
run=vmlock-run-torture socket=mine/web total=1
guest() { : >words; $run "$@" --lock $lock --control $socket <in >>out 2>words & pid=$!; }
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 600 ] || { cat words out; echo "never: $1"; exit 1; }; done; }
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
said; again; save one.save
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
    $run restore cut --lock $lock --verify </dev/null >>out 2>words; echo "before: exit $?, $(grep -c 'begun to run' words)"
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

#[test]
#[ignore = "boots an emulated host"]
fn nothing_leaves_a_restored_guest_before_its_memory_was_checked() {
    let (kernel, cpu) = ("6.12", "cortex-a72");
    let place = Place::new("outlets");
    let image = place.write("guest.Image", &image(&guest(), None));
    let small = |lock: &mut Lock| lock.machine.memory.size = 64 << 20;
    let lock = "examples/portable.vm.lock.json";
    let lock = place.altered("one", lock, "guest.Image", small);
    let script = format!("lock={}\n{SCRIPT}", lock.display());
    let script = place.write("outlets.sh", script.as_bytes());
    let said = in_host_of_tests(kernel, cpu, &script, &[image, lock, script.clone()]);
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
        ("before: exit 4, 0\n", 2),
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
