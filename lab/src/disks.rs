//! A Linux guest with disks, a source of entropy, a second console and a seed: what is on the disks arrives, what it writes
//! is there after its reset and afterwards, a file system lives on one, a host's disk that is full is an error, a file
//! that is too small is refused, and each start has a seed of its own (the guest: `virtio.rs`). With the kernel's
//! distributor, and with the runner's; and all of it while the guest is paused and resumed again and again, and twice saved
//! to a file and restored from it by another runner.

use crate::cache::Cache;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{OK, Result};
use crate::interrupts::each_counts;
use crate::step::{Done, Step};
use crate::trial::Bench;
use crate::virtio;

/// The guest's lock.
pub const LOCK: &str = "lab/tests/specs/disks.vm.lock.json";

/// Who answers for the distributor, and the flag for it.
const WAYS: [(&str, &[&str]); 2] = [
    ("with the kernel's distributor", &[]),
    ("with the runner's distributor", &["--emulate-gic"]),
];

/// Kernels of the hosts, and their CPU.
const HOSTS: [&str; 2] = ["5.10", "6.12"];
const CPU: &str = "cortex-a72";

/// Starts the guest with a new disk, one that has something on it and one for which the host has no room, answers what it
/// says on its second console, and looks at the disks afterwards.
const SCRIPT: &str = r#"
root="${1%/*}/root.img"
seed="${1%/*}/seed.img"
head -c 33554432 /dev/zero | tr '\0' 'x' > "$root"
seq 1 1000000 | head -c 1048600 > "$seed"
full="${1%/*}/full"
mkdir "$full"
mount -t tmpfs -o size=1m none "$full"
truncate -s 4M "$full/full.img"
echo "seed $(head -c 1048576 "$seed" | sha256sum | cut -c1-16)"
echo "numbers $(seq 1 400000 | sha256sum | cut -c1-16)"
mkdir -p /tmp
answer() {
    for second in $(seq 200); do
        grep -q "hvc0 speaks" /tmp/said 2>/dev/null && echo "a word from outside" && return
        sleep 1
    done
}
# It is paused all the time, and over its reset; and saved while it is at work, which ends its runner with 143. Who asks
# while its machine is made anew is told so, and asks again.
mkdir -m 700 -p /tmp/mine
paused() {
    pauses=0 saves=0
    until [ -e /tmp/code ]; do
        if [ $saves -lt 2 ] && [ $pauses -ge $((4 + saves * 12)) ]; then
            vmlock-run save /tmp/one.save --control /tmp/mine/disks >/dev/null 2>/tmp/why && saves=$((saves + 1)) ||
                echo "not saved after $pauses pauses: $(cat /tmp/why)"
        fi
        vmlock-run pause /tmp/mine/disks >/dev/null 2>&1 && vmlock-run resume /tmp/mine/disks >/dev/null && pauses=$((pauses + 1))
        sleep 0.5
    done
    echo "paused often: $([ $pauses -ge 20 ] && echo yes || echo $pauses)"
    echo "saved $saves times"
}
lives() {
    vmlock-run start "$@" --control /tmp/mine/disks --on-reset restart
    code=$?
    while [ $code = 143 ]; do
        vmlock-run restore /tmp/one.save --lock "$@" --control /tmp/mine/disks --on-reset restart
        code=$?
    done
    echo $code > /tmp/code
}
paused & pauser=$!
answer | lives "$@" | tee /tmp/said
wait $pauser
code=$(cat /tmp/code)
echo "root ends with '$(tail -c 512 "$root" | tr -d '\0')'"
echo "discarded $(dd if="$root" bs=1M skip=16 count=1 2>/dev/null | tr -d '\0' | wc -c)"
truncate -s 33554431 "$root"
vmlock-run start "$@"
echo "smaller: $?"
umount "$full"
rm -r "$root" "$seed" "$full" /tmp/said /tmp/code /tmp/one.save
exit $code
"#;

/// The guest's disks, on hosts of some kernels.
///
/// # Errors
/// The guest cannot be made.
pub fn step<'a>(cache: &Cache, bench: &Bench) -> Result<Step<'a>> {
    virtio::provide(cache, &bench.root().join("examples/guest"))?;
    let job = |flags: &[&'static str]| [&["-c", SCRIPT, "sh", LOCK, "--stats"], flags].concat();
    let jobs = WAYS.map(|(_, flags)| job(flags));
    let errand = |kernel| Errand {
        by_shell: true,
        ..bench.errand(CPU, kernel, &jobs)
    };
    Ok(Step {
        name: "a Linux guest's disks keep what it writes, and its random numbers are some"
            .to_owned(),
        errands: HOSTS.into_iter().map(errand).collect(),
        judge: Box::new(|done| {
            let one = |done: &Done| {
                let ways = WAYS.iter().zip(&done.jobs);
                let found = ways.flat_map(|((way, flags), ended)| {
                    let place = format!("Linux {}, {way}", done.host.kernel.version);
                    problems(&place, !flags.is_empty(), ended)
                });
                found.collect::<Vec<_>>()
            };
            Ok(done.iter().flat_map(one).collect())
        }),
    })
}

fn problems(place: &str, proxied: bool, ended: &Ended) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let output = String::from_utf8_lossy(&ended.stdout);
    let after = |start: &str| {
        let mut lines = output.lines();
        lines
            .find_map(|line| line.trim().strip_prefix(start))
            .unwrap_or("nothing")
    };
    let (seed, numbers) = (after("seed "), after("numbers "));
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(format!("{place}: {what}"));
        }
    };
    let said = [
        "vda has what was written before a reset".to_owned(),
        "its kernel lies elsewhere than before the reset".to_owned(),
        "vda has 65536 sectors, read-only 0, serial 'root', cache write back".to_owned(),
        "vdb has 2048 sectors, read-only 1, serial 'a serial of 20 byte', cache write back"
            .to_owned(),
        format!("vdb has {seed}"),
        "vdb takes no write".to_owned(),
        "vda has a file system".to_owned(),
        format!("the numbers are {numbers}"),
        "vda discards".to_owned(),
        "vda was written to its end".to_owned(),
        "there is a rng: virtio_rng.0".to_owned(),
        "two random numbers differ".to_owned(),
        "virtio0 interrupts".to_owned(),
        "virtio1 interrupts".to_owned(),
        "virtio2 interrupts".to_owned(),
        "virtio3 interrupts".to_owned(),
        "virtio4 interrupts".to_owned(),
        "vdc takes no more".to_owned(),
        "hvc0 speaks".to_owned(),
        "hvc0 hears 'a word from outside'".to_owned(),
    ];
    let said = said.map(|line| format!("vmlock guest: {line}"));
    let found = [
        "root ends with 'the guest was here'".to_owned(),
        "discarded 0".to_owned(),
        "smaller: 3".to_owned(),
        "paused often: yes".to_owned(),
        "saved 2 times".to_owned(),
    ];
    for line in said.iter().chain(&found) {
        expect(
            output.lines().any(|l| l.trim() == line),
            format!("nobody says `{line}`:\n{output}"),
        );
    }
    expect(
        ended.code == OK,
        format!("the guest ended with code {}:\n{words}", ended.code),
    );
    expect(
        words.contains("device root: the file is smaller than the disk"),
        format!("a disk that is too small is refused in other words:\n{words}"),
    );
    expect(
        words.contains("disk `full`: writing"),
        format!("nothing is said of a host's disk that is full:\n{words}"),
    );
    // Both kernels have one that can be restricted.
    expect(
        !words.contains("io_uring cannot be had"),
        format!("the disks are served by another engine than io_uring:\n{words}"),
    );
    // One that is restored may ask nothing of it until its reset.
    let exits = each_counts(&words)
        .map(|counts| counts["exits"].as_u64())
        .reduce(|one, other| Some(one? + other?))
        .flatten();
    expect(
        exits.is_some_and(|exits| (exits > 0) == proxied),
        format!("{exits:?} accesses to the interrupt controller were answered by the runner"),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(lines: &str, exits: u32) -> Ended {
        Ended {
            code: OK,
            stdout: lines.as_bytes().to_vec(),
            stderr: format!(
                "{{\"interruptController\":{{\"exits\":{exits}}}}}\n\
                 refused[host::device]: device root: the file is smaller than the disk\n\
                 vmlock-run: disk `full`: writing 65536 bytes failed\n"
            )
            .into_bytes(),
        }
    }

    const GOOD: &str = "seed a\nnumbers b\nvmlock guest: vda has what was written before a reset\r\n\
        vmlock guest: its kernel lies elsewhere than before the reset\r\n\
        vmlock guest: vda has 65536 sectors, read-only 0, serial 'root', cache write back\r\n\
        vmlock guest: vdb has 2048 sectors, read-only 1, serial 'a serial of 20 byte', cache write back\r\n\
        vmlock guest: vdb has a\r\nvmlock guest: vdb takes no write\r\nvmlock guest: vda has a file system\r\n\
        vmlock guest: the numbers are b\r\nvmlock guest: vda discards\r\nvmlock guest: vda was written to its end\r\n\
        vmlock guest: there is a rng: virtio_rng.0\r\nvmlock guest: two random numbers differ\r\n\
        vmlock guest: virtio0 interrupts\r\nvmlock guest: virtio1 interrupts\r\nvmlock guest: virtio2 interrupts\r\n\
        vmlock guest: virtio3 interrupts\r\nvmlock guest: virtio4 interrupts\r\nvmlock guest: vdc takes no more\r\n\
        vmlock guest: hvc0 speaks\r\nvmlock guest: hvc0 hears 'a word from outside'\r\n\
        root ends with 'the guest was here'\ndiscarded 0\nsmaller: 3\npaused often: yes\nsaved 2 times\n";

    #[test]
    fn what_is_lost_or_missing_is_found() {
        let count = |proxied, lines: &str, exits| problems("", proxied, &ended(lines, exits)).len();
        assert_eq!(count(false, GOOD, 0), 0);
        assert_eq!(count(true, GOOD, 9), 0);
        assert_eq!(count(true, GOOD, 0), 1);
        assert_eq!(
            count(false, &GOOD.replace("numbers are b", "numbers are c"), 0),
            1
        );
        assert_eq!(
            count(false, &GOOD.replace("vdb has a\r", "vdb has b\r"), 0),
            1
        );
        assert_eq!(
            count(false, &GOOD.replace("smaller: 3", "smaller: 0"), 0),
            1
        );
    }
}
