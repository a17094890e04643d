//! A guest that is told how long it waited for a CPU: what it is told never goes back, whatever host it comes to.

use super::host::{Place, image, in_host_and_back};
use vmlock_spec::lock::Lock;

/// A guest that says `>`, and for each byte that it is told the time that was stolen from it, as 16 letters from `a` on, and `>`
/// (its first is none). It looks at that time all the while: where it is less than before, it says `!` and ends. `o` is power off.
const WATCH: [u32; 33] = [
    0xd2a1_2014, // start: mov x20, #0x09000000
    0x5280_0420, // movz w0, #0x21
    0x72b8_a000, // movk w0, #0xc500, lsl #16
    0xd400_0002, // hvc #0
    0xaa00_03f5, // mov x21, x0
    0xb7f8_02d5, // tbnz x21, #63, bad
    0xd280_0016, // mov x22, #0
    0xaa16_03f7, // turn: mov x23, x22
    0x5280_0201, // mov w1, #16
    0x93d7_f2f7, // digit: ror x23, x23, #60
    0x1200_0ee2, // and w2, w23, #15
    0x1101_8442, // add w2, w2, #97
    0x3900_0282, // strb w2, [x20]
    0x7100_0421, // subs w1, w1, #1
    0x54ff_ff61, // b.ne digit
    0x5280_07c2, // mov w2, #62
    0x3900_0282, // strb w2, [x20]
    0xf940_06a3, // wait: ldr x3, [x21, #8]
    0xeb16_007f, // cmp x3, x22
    0x5400_0103, // b.lo bad
    0xaa03_03f6, // mov x22, x3
    0x3940_1682, // ldrb w2, [x20, #5]
    0x3607_ff62, // tbz w2, #0, wait
    0x3940_0282, // ldrb w2, [x20]
    0x7101_bc5f, // cmp w2, #111
    0x54ff_fdc1, // b.ne turn
    0x1400_0003, // b off
    0x5280_0422, // bad: mov w2, #33
    0x3900_0282, // strb w2, [x20]
    0x5280_0100, // off: movz w0, #8
    0x72b0_8000, // movk w0, #0x8400, lsl #16
    0xd400_0002, // hvc #0
    0x1400_0000, // b .
];

/// One host: it begins there or comes out of the file, waits for its CPU beside somebody who wants it as well, is saved, restored
/// and saved again. `last` is what it said last, in letters, which sort as the numbers do.
const SCRIPT: &str = r#"
cd $place; rm -rf in out words mine; mkdir -m 700 mine; mkfifo in; exec 3<>in; : >out
socket=mine/web total=0
guest() { vmlock-run "$@" --lock $lock --control $socket <in >>out 2>words & pid=$!; }
await() { n=0; until eval "$1"; do sleep 0.1; n=$((n + 1)); [ $n -lt 900 ] || { cat words out; echo "never: $1"; exit 1; }; done; }
said() { total=$((total + 1)); await "[ \"\$(tr -cd '>' <out | wc -c)\" -ge $total ]"; }
last() { tr '>' '\n' <out | grep . | tail -n 1; }
# It is told, and that is no less than what it was told before.
told() {
    printf x >&3; said; now=$(last)
    [ "$(printf '%s\n' $before $now | sort | head -n 1)" = "$before" ] || echo "$1: $now after $before"
    [ $now != $before ] && echo "$1: more"; before=$now
}
saved() { rm -f $1; vmlock-run save $1 --control $socket >saved 2>&1 || { cat saved words; exit 1; }; wait $pid; chmod 400 $1; }
case $verb in
    start) vmlock-run start $lock --control $socket <in >>out 2>words & pid=$!; said; before=$(last) ;;
    restore) gzip -dc one.save.gz >one.save; chmod 400 one.save; before=$(cat stolen); guest restore one.save; told "from another host" ;;
esac
(while :; do :; done) & busy=$!
sleep 5; told "beside somebody"; sleep 1; told "and again"
meanwhile() { grep -q "checked and copied before it runs" words || echo "$1: while it is checked"; }
saved two.save; guest restore two.save; told "restored"; meanwhile restored; sleep 3; told "and later"
saved two.save; guest restore two.save --verify; told "restored when checked"
kill $busy; told "alone"
rm -f one.save; saved one.save; gzip -c one.save >one.save.gz; echo $before >stolen
grep -q '!' out && { echo "it went back"; cat out; }
echo "on $(cut -d. -f1,2 /proc/sys/kernel/osrelease)"
"#;

#[test]
#[ignore = "boots emulated hosts"]
fn stolen_time_never_goes_back() {
    let cpu = "neoverse-n1";
    let place = Place::new("stolen");
    let image = place.write("guest.Image", &image(&WATCH, None));
    let small = |lock: &mut Lock| {
        lock.machine.memory.size = 64 << 20;
        assert!(lock.machine.vcpus.iter().all(|it| it.stolen_time.is_some()));
    };
    let lock = "lab/tests/specs/steal.vm.lock.json";
    let lock = place.altered("one", lock, "guest.Image", small);
    let back = [place.0.join("one.save.gz"), place.0.join("stolen")];
    for (kernel, verb) in [("6.12", "start"), ("7.3", "restore"), ("6.12", "restore")] {
        let (at, lock_at) = (place.0.display(), lock.display());
        let script = format!("place={at} lock={lock_at} verb={verb}\n{SCRIPT}");
        let script = place.write("stolen.sh", script.as_bytes());
        let mut files = vec![image.clone(), lock.clone(), script.clone()];
        files.extend(back.iter().filter(|file| file.exists()).cloned());
        let said = in_host_and_back(kernel, cpu, &script, &files, &back);
        assert!(said.contains(&format!("on {kernel}\n")), "{said}");
        for (line, times) in [
            ("from another host: more\n", usize::from(verb == "restore")),
            ("beside somebody: more\n", 1),
            ("and again: more\n", 1),
            ("restored: more\n", 1),
            ("restored: while it is checked\n", 1),
            ("and later: more\n", 1),
            ("restored when checked: more\n", 1),
            (" after ", 0),
            ("it went back", 0),
            ("never:", 0),
        ] {
            let found = said.matches(line).count();
            assert_eq!(found, times, "{kernel}, {line:?}:\n{said}");
        }
    }
}
