//! A Debian whose root is a virtio disk: it boots to multi-user, its files survive, it reaches its host over a tap in a
//! network namespace, and it shuts down in order. With the kernel's distributor, and then, from the disk that the first
//! one left behind, with the runner's.

use crate::cache::Cache;
use crate::cross;
use crate::disk;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{OK, Result};
use crate::flags;
use crate::job;
use crate::step::{self, Done, Step};
use crate::trial::Bench;
use sha2::{Digest as _, Sha256};
use std::time::Duration;

/// The guest's lock.
const LOCK: &str = "lab/tests/specs/debian.vm.lock.json";

/// Who answers for the distributor, and the flag for it.
const WAYS: [(&str, &[&str]); 2] = [
    ("with the kernel's distributor", &[]),
    ("with the runner's distributor", &["--emulate-gic"]),
];

/// CPU of the hosts.
const CPU: &str = "cortex-a72";

/// The host kernel and the way that every run of the tests takes.
pub const SLICE: (&[&str], usize) = (&["6.12"], 1);

/// How long a boot may take, under emulation under emulation.
const LIMIT: Duration = Duration::from_secs(900);

/// Bytes a second that go over the network even on a host that does a lot else.
const SPEED: u64 = 512 << 10;

/// Bytes that go over the network each way, where nobody says another number.
const BYTES: u64 = 4 << 20;

/// Bytes after which what goes over the network begins again.
const BLOCK: usize = 16 << 20;

/// Runs the script that is its first argument in a network namespace.
const NAMESPACE: &str = r#"exec unshare -n sh -c "$0" sh "$@""#;

/// Makes the tap and the host's ends of three connections in a network namespace, and starts the guest in there. The first
/// tells the guest how much is to be sent. Meanwhile another one is started on the same disk behind another node, where no
/// lock tells of the first.
const SCRIPT: &str = r#"
count=$1
agent=$2
shift 2
tunctl -t vmlock0 >/dev/null
ifconfig vmlock0 10.77.0.1 netmask 255.255.255.0 up
yes "received, and some words that fill the line" | head -c 16777216 >/tmp/block
echo $count >/tmp/count
$agent give 5000 /tmp/count $(wc -c </tmp/count) &
$agent give 5002 /tmp/block $count &
$agent take 5001 >/tmp/sent &
another() {
    for second in $(seq 120); do
        ls -l /proc/[0-9]*/fd 2>/dev/null | grep -q ' /dev/vda$' && break
        sleep 1
    done
    mv /dev/vda /dev/held
    mknod /dev/vda b $(tr : ' ' </sys/block/vda/dev)
    vmlock-run start "$@" </dev/null
    echo "another guest: $?"
    mv -f /dev/held /dev/vda
}
another "$@" >/tmp/another 2>&1 &
another=$!
vmlock-run start "$@"
code=$?
wait $another
cat /tmp/another
echo "host received: $(cat /tmp/sent)"
exit $code
"#;

/// `vmlock-lab debian`: the same on hosts of any kernels.
pub fn run(cache: &Cache, flags: &flags::Debian) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let kernels: Vec<&str> = flags.kernels.iter().map(String::as_str).collect();
    let step = step(cache, &bench, (&kernels, WAYS.len()), flags.bytes)?;
    step::told(&step::run_alone(cache, &bench, step)?)
}

/// The guest on hosts of some kernels.
///
/// # Errors
/// The disk cannot be made.
pub fn step<'a>(
    cache: &Cache,
    bench: &Bench,
    (kernels, ways): (&[&str], usize),
    bytes: Option<u64>,
) -> Result<Step<'a>> {
    let dir = bench.root().join("examples/guest");
    disk::initrd(cache, &dir.join(disk::INITRD))?;
    // Not the copy that a user's guest may have written.
    let image = disk::image(cache)?;
    let bytes = bytes.unwrap_or(BYTES);
    let limit = LIMIT + Duration::from_secs(2 * bytes / SPEED);
    let digests = ["received", "sent"].map(|way| digest(way, bytes));
    let bytes = bytes.to_string();
    let agent = job::text(&cross::build(cache, cross::AGENT)?)?;
    let script = ["-c", NAMESPACE, SCRIPT, &bytes, &agent, LOCK];
    let ways = WAYS.iter().take(ways);
    let jobs: Vec<_> = ways
        .map(|(_, flags)| [&script[..], flags].concat())
        .collect();
    let errand = |kernel: &&str| Errand {
        by_shell: true,
        modules: vec!["tun".to_owned()],
        disks: vec![image.clone()],
        limit,
        ..bench.errand(CPU, kernel, &jobs)
    };
    Ok(Step {
        name: "a Debian on a virtio disk boots to multi-user, works and leaves it in order"
            .to_owned(),
        errands: kernels.iter().map(errand).collect(),
        judge: Box::new(move |done| {
            let one = |done: &Done| {
                let mut left = None;
                let ways = WAYS.iter().zip(&done.jobs);
                let found = ways.flat_map(|((way, _), ended)| {
                    let place = format!("Linux {}, {way}", done.host.kernel.version);
                    problems(&place, &digests, &mut left, ended)
                });
                found.collect::<Vec<_>>()
            };
            Ok(done.iter().flat_map(one).collect())
        }),
    })
}

/// The digest of so many bytes that go one way: the same line over and over, and each [`BLOCK`] begins with one.
fn digest(way: &str, bytes: u64) -> String {
    let line = format!("{way}, and some words that fill the line\n");
    let block: Vec<u8> = line.bytes().cycle().take(BLOCK).collect();
    let (mut digest, mut left) = (Sha256::new(), bytes);
    while left > 0 {
        let part = usize::try_from(left).unwrap_or(BLOCK).min(BLOCK);
        digest.update(&block[..part]);
        left -= part as u64;
    }
    let bytes = digest.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What is wrong with a guest, whose disk has what `left` says: the digest that an earlier one wrote there. What goes to
/// it over the network, and what comes from it, has these digests.
fn problems(
    place: &str,
    [to, from]: &[String; 2],
    left: &mut Option<String>,
    ended: &Ended,
) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let output = String::from_utf8_lossy(&ended.stdout);
    let said: Vec<&str> = output
        .lines()
        .filter_map(|line| line.trim().split_once("vmlock guest: "))
        .map(|(_, words)| words)
        .collect();
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(format!("{place}: {what}"));
        }
    };
    for line in [
        "multi-user is active, 0 units failed",
        "ping: 0% packet loss",
        "random numbers of virtio_rng.0: 64 bytes",
        "journal recoveries: 0",
        "powering off",
    ] {
        expect(
            said.contains(&line),
            format!("the guest does not say `{line}`:\n{output}"),
        );
    }
    let digest = |start: &str| said.iter().find_map(|line| line.strip_prefix(start));
    let (wrote, read) = (digest("wrote 16777216 bytes: "), digest("read back: "));
    expect(
        wrote.is_some_and(|digest| digest.len() == 64) && wrote == read,
        format!("{wrote:?} was written, and {read:?} read:\n{output}"),
    );
    expect(
        output.contains("device root: it is mounted, or another program has it")
            && output.lines().any(|line| line.trim() == "another guest: 3"),
        format!("two guests write one disk:\n{output}"),
    );
    let host = |start: &str| {
        output
            .lines()
            .find_map(|line| line.trim().strip_prefix(start))
    };
    for (sent, received) in [(from, host("host received: ")), (to, digest("received: "))] {
        expect(
            received == Some(sent),
            format!("{sent} was sent, and {received:?} received:\n{output}"),
        );
    }
    let trimmed = digest("trimmed: ").is_some_and(|words| words.contains("bytes) trimmed"));
    expect(trimmed, format!("the disk takes no discard:\n{output}"));
    let kept = digest("kept: ").map(str::to_owned);
    let wanted = left.take().map(|digest| format!("{digest} {digest}"));
    expect(
        kept == wanted,
        format!("an earlier guest left {wanted:?}, and this one finds {kept:?}:\n{output}"),
    );
    *left = wrote.map(str::to_owned);
    expect(
        ended.code == OK && words.contains("the guest powered off"),
        format!("vmlock-run ended with code {}:\n{words}", ended.code),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_or_missing_is_found() {
        let digests = ["a".repeat(64), "b".repeat(64)];
        let [digest, other] = &digests;
        let good = format!(
            "vmlock guest: multi-user is active, 0 units failed\r\n\
             vmlock guest: wrote 16777216 bytes: {digest}\r\nvmlock guest: read back: {digest}\r\n\
             vmlock guest: ping: 0% packet loss\r\nvmlock guest: received: {digest}\r\n\
             vmlock guest: sent\r\nhost received: {other}\n\
             vmlock guest: random numbers of virtio_rng.0: 64 bytes\r\n\
             vmlock guest: journal recoveries: 0\r\nvmlock guest: trimmed: /: 388.2 MiB (407080960 bytes) trimmed\r\nvmlock guest: powering off\r\n\
             refused[host::device]: device root: it is mounted, or another program has it\nanother guest: 3\n"
        );
        let count = |text: &str, code| {
            let ended = Ended {
                code,
                stdout: text.as_bytes().to_vec(),
                stderr: b"vmlock-run: the guest powered off\n".to_vec(),
            };
            problems("", &digests, &mut None, &ended).len()
        };
        assert_eq!(count(&good, OK), 0);
        assert_eq!(count(&good, 1), 1);
        assert_eq!(count(&good.replace("back: a", "back: b"), OK), 1);
        assert_eq!(
            count(&good.replace("host received: b", "host received: a"), OK),
            1
        );
        assert_eq!(
            count(
                &good.replace("guest: received: a", "guest: received: b"),
                OK
            ),
            1
        );
        assert_eq!(count(&good.replace("0 units", "1 units"), OK), 1);
        assert_eq!(count(&good.replace("guest: 3", "guest: 0"), OK), 1);
        assert_eq!(
            count(&good.replace("recoveries: 0", "recoveries: 1"), OK),
            1
        );
        // The disk of an earlier one has what that one wrote.
        let kept = |kept: &str| {
            let ended = Ended {
                code: OK,
                stdout: format!("vmlock guest: kept: {kept}\r\n{good}").into_bytes(),
                stderr: b"vmlock-run: the guest powered off\n".to_vec(),
            };
            problems("", &digests, &mut Some("b".to_owned()), &ended).len()
        };
        assert_eq!((kept("b b"), kept("b c"), kept("c c")), (0, 1, 1));
    }
}
