//! A Linux guest with a network card and a socket of its host's: pings and bytes both ways, a tap that goes away, taps that
//! there are not or that have another MTU, and a port that its lock does not declare (the guest: `virtio.rs`). With the
//! kernel's distributor and everything passed in that can be, in a jail with all its layers; and with the runner's
//! distributor, without what is optional.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{OK, Result};
use crate::interrupts::counts;
use crate::job;
use crate::step::{Done, Step};
use crate::trial::Bench;
use crate::virtio;

/// The guest's lock.
pub const LOCK: &str = "lab/tests/specs/net.vm.lock.json";

/// Kernels of the hosts, what their runners are told, and the hosts' CPU.
const HOSTS: [(&str, &[&str]); 2] = [
    ("5.10", &["--emulate-gic"]),
    (
        "6.12",
        &[
            "--tap=lan=fd:3",
            "--kvm=fd:4",
            "--control=fd:5",
            "--chroot=/tmp/net/root",
            "--namespaces",
        ],
    ),
];
const CPU: &str = "cortex-a72";

/// Makes the tap and the host's ends of the connections, of one by the agent that it is called by the name of, and starts
/// the guest. Who is told something on port 82 looks at the runner, and takes the tap away. What is passed in has the
/// descriptors that the flags name, and the lock that goes with it has no tap.
const SCRIPT: &str = r#"
agent=$0 lock=$1
shift
mkdir -p /tmp/net
mkdir -m 700 /tmp/net/root
start() {
    case "$*" in
    *fd:3*)
        sed 's/"tap": "tap0", //' "$lock" >"${lock%/*}/passed.vm.lock.json"
        "$agent" pass tap:tap0 file:/dev/kvm listen:/tmp/net/control -- \
            sh -c 'echo $$ >/tmp/net/pid; exec vmlock-run "$@"' sh start "${lock%/*}/passed.vm.lock.json" "$@"
        ;;
    *) vmlock-run start "$lock" "$@" ;;
    esac
}
look() {
    [ -e /tmp/net/pid ] || return
    runner=/proc/$(cat /tmp/net/pid)
    echo "its root is $(readlink $runner/root)"
    for space in net ipc uts cgroup; do
        [ "$(readlink $runner/ns/$space)" = "$(readlink /proc/self/ns/$space)" ] || echo "its own $space"
    done
    cat $runner/task/*/status | sed -n 's/^Cap[EP][a-z]*:[^0-9a-f]*/its capabilities: /p' | sort -u
    vmlock-run status /tmp/net/control
}
seq 1 1000000 | head -c 4000000 > /tmp/net/seed.img
echo "seed $(sha256sum < /tmp/net/seed.img | cut -c1-16)"
echo "numbers $(seq 1 400000 | sha256sum | cut -c1-16)"
vmlock-run start "$lock"; echo "without a tap: $?"
tunctl -t tap0 >/dev/null
ifconfig tap0 10.9.8.1 mtu 1400 up
vmlock-run start "$lock"; echo "with another MTU: $?"
ifconfig tap0 10.9.8.1 mtu 1500 up
httpd -p 10.9.8.1:80 -h /tmp/net
(sleep 90 | nc -l -p 81 | sha256sum | cut -c1-16 > /tmp/net/numbers) >/dev/null 2>&1 &
one=$!
(nc -l -p 82; look >/tmp/net/look; ip link delete tap0) >/dev/null 2>&1 &
other=$!
"$agent" answer "${lock%/*}/agent.sock" &
three=$!
start "$@"
code=$?
cat /tmp/net/look
echo "from the guest: $(cat /tmp/net/numbers)"
kill $one $other $three 2>/dev/null
rm "${lock%/*}/agent.sock"
exit $code
"#;

/// The guest's network, on hosts of some kernels.
///
/// # Errors
/// The guest cannot be made.
pub fn step<'a>(cache: &Cache, bench: &Bench) -> Result<Step<'a>> {
    virtio::provide(cache, &bench.root().join("examples/guest"))?;
    let agent = job::text(&cross::build(cache, cross::AGENT)?)?;
    let errand = |(kernel, flags): (&str, &[&str])| {
        let job = [&["-c", SCRIPT, &agent, LOCK, "--stats"], flags].concat();
        Errand {
            by_shell: true,
            modules: vec!["tun".to_owned()],
            ..bench.errand(CPU, kernel, &[job])
        }
    };
    Ok(Step {
        name: "a Linux guest reaches its host, both ways, until the tap goes away".to_owned(),
        errands: HOSTS.into_iter().map(errand).collect(),
        judge: Box::new(|done| {
            let one = |(done, (_, flags)): (&Done, (_, &[&str]))| {
                let place = format!("Linux {}", done.host.kernel.version);
                let proxied = flags.contains(&"--emulate-gic");
                let one = |ended| problems(&place, proxied, ended);
                done.jobs.iter().flat_map(one).collect::<Vec<_>>()
            };
            Ok(done.iter().zip(HOSTS).flat_map(one).collect())
        }),
    })
}

/// What is seen of a runner with all layers of the jail.
const APART: [&str; 6] = [
    "its root is /tmp/net/root",
    "its own net",
    "its own ipc",
    "its own uts",
    "its own cgroup",
    "its capabilities: 0000000000000000",
];

/// What is wrong with a guest; `proxied` where the runner answers for its distributor, and nothing is passed in.
fn problems(place: &str, proxied: bool, ended: &Ended) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let output = String::from_utf8_lossy(&ended.stdout);
    let after = |start: &str| {
        let mut lines = output.lines();
        let found = lines.find_map(|line| line.trim().strip_prefix(start));
        found.unwrap_or("nothing")
    };
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(format!("{place}: {what}"));
        }
    };
    for line in [
        "vmlock guest: eth0 has 52:54:00:12:34:56, MTU 1500, carrier 1",
        "vmlock guest: 3 packets pings came back",
        &format!("vmlock guest: from the host: {}", after("seed ")),
        &format!("from the guest: {}", after("numbers ")),
        "vmlock guest: eth0 interrupts: some",
        &format!(
            "vmlock guest: from a socket of the host: {}",
            after("numbers ")
        ),
        "vmlock guest: no other port answers",
        "vmlock guest: the cable is out: carrier 0",
        "without a tap: 3",
        "with another MTU: 3",
    ] {
        expect(
            output.lines().any(|l| l.trim() == line),
            format!("nobody says `{line}`:\n{output}\n{words}"),
        );
    }
    let looked = |start: &str| {
        output
            .lines()
            .filter(|line| line.starts_with(start))
            .count()
    };
    for line in APART {
        expect(
            proxied || looked(line) == 1,
            format!("where all is passed in, nobody says `{line}`:\n{output}\n{words}"),
        );
    }
    expect(
        proxied || looked("its capabilities") == 1 && looked("net: running for ") == 1,
        format!(
            "a runner to which all is passed in has not these alone, or does not answer:\n{output}"
        ),
    );
    let exits = counts(&words)["exits"].as_u64();
    expect(
        exits.is_some_and(|exits| (exits > 0) == proxied),
        format!("{exits:?} accesses to the interrupt controller were answered by the runner"),
    );
    for said in [
        "device lan: there is no network device of that name",
        "device lan: the tap has another MTU than the card",
        "card `lan`: the tap has gone, and the guest's link is down from now on",
    ] {
        expect(
            words.contains(said),
            format!("nobody says `{said}`:\n{words}"),
        );
    }
    expect(
        ended.code == OK,
        format!("the guest ended with code {}:\n{words}", ended.code),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_on_the_way_is_found() {
        let output = "seed a\nnumbers b\nwithout a tap: 3\nwith another MTU: 3\n\
            vmlock guest: eth0 has 52:54:00:12:34:56, MTU 1500, carrier 1\r\n\
            vmlock guest: 3 packets pings came back\r\nvmlock guest: from the host: a\r\n\
            vmlock guest: eth0 interrupts: some\r\nvmlock guest: the cable is out: carrier 0\r\n\
            vmlock guest: from a socket of the host: b\r\nvmlock guest: no other port answers\r\n\
            from the guest: b\n";
        let words = "{\"interruptController\":{\"exits\":7}}\n\
            refused: device lan: there is no network device of that name\n\
            refused: device lan: the tap has another MTU than the card\n\
            vmlock-run: card `lan`: the tap has gone, and the guest's link is down from now on: x\n";
        let count = |output: &str, words: &str| {
            let ended = Ended {
                code: OK,
                stdout: output.as_bytes().to_vec(),
                stderr: words.as_bytes().to_vec(),
            };
            problems("", true, &ended).len()
        };
        assert_eq!(count(output, words), 0);
        assert_eq!(count(&output.replace("guest: b", "guest: c"), words), 1);
        assert_eq!(count(&output.replace("carrier 0", "carrier 1"), words), 1);
        assert_eq!(count(output, ""), 4);
        assert_eq!(count(output, &words.replace(":7", ":0")), 1);
    }
}
