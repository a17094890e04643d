//! `vmlock-lab handed`: a Linux guest that works and checks itself (`carried.rs`) is handed over from runner to runner again
//! and again, to the kernel's distributor and to the runner's in turn. Disk, card, random numbers, timers and both CPUs go on
//! at each of them, and it never learns that it is a copy. At last it is saved and restored: then it does, and that takes the
//! time that a hand-over is held against.

use crate::cache::Cache;
use crate::carried;
use crate::carry;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{Result, say};
use crate::flags;
use crate::step::{self, Step};
use crate::trial::Bench;
use std::collections::BTreeSet;
use std::time::Duration;

/// The CPU of its host.
const CPU: &str = "cortex-a72";
/// How long the host may take: the guest, and more for each runner.
const LIMIT: (Duration, Duration) = (Duration::from_secs(900), Duration::from_secs(120));
/// What goes on in each of its rounds.
const WENT_ON: &str = " cpu0 cpu1 disk pings random ticks0 ticks1 went on, ";
/// What is said in its place once it is saved, and what it is told where it was restored.
const SAVED: &str = "is saved";
const RESTORED: &str = "restored";

/// Starts the guest, hands it over `$count` times, saves and restores it, and ends it. What is found goes to standard error in
/// lines of `handed:`; standard output is the guest's console alone.
const SCRIPT: &str = r#"
lock=$1 count=$2
handed() { echo "handed: $*" >&2; }
rm -rf /tmp/mine /tmp/in /tmp/out
mkdir -m 700 -p /tmp/mine
mkfifo /tmp/in
exec 4<>/tmp/in
: >/tmp/out
tunctl -t vmlock0 >/dev/null
ifconfig vmlock0 hw ether 52:54:00:77:00:01 10.77.0.1 netmask 255.255.255.0 up
dd if=/dev/zero of=${lock%/*}/carried.img bs=1M count=16 2>/dev/null
fail() { handed "never: $*"; cat /tmp/words >&2; cat /tmp/out; kill -9 $pid 2>/dev/null; exit 1; }
now() { read -r up rest </proc/uptime; echo ${up%.*}${up#*.}0; }
limit=300000
await() {
    since=$(now)
    until eval "$1"; do
        kill -0 $pid 2>/dev/null || fail "$1, and its runner has gone"
        [ $(($(now) - since)) -lt $limit ] || fail "$1"
        sleep 0.1
    done
}
ended() {
    since=$(now)
    while kill -0 $pid 2>/dev/null; do
        [ $(($(now) - since)) -lt $limit ] || fail "the runner before ends"
        sleep 0.1
    done
    wait $pid
    code=$?
}
# Each word is typed once, and a whole round comes behind it.
went() { awk "/hears '$1'/ { on = 1 } on && /vmlock guest: round .* went on, / { n++ } END { print n + 0 }" /tmp/out; }
tells() {
    echo "$1" >&4
    await "grep -q \"hears '$1'\" /tmp/out"
    await "[ \$(went '$1') -ge 1 ]"
}
: >/tmp/words
vmlock-run start "$lock" --memory shared --control /tmp/mine/0 <&4 >>/tmp/out 2>/tmp/words & pid=$!
# What is typed before is lost.
await "grep -q 'vmlock guest: .* CPUs' /tmp/out"
tells before
way=--emulate-gic
for n in $(seq $count); do
    vmlock-run receive /tmp/mine/to --lock "$lock" --control /tmp/mine/$n $way <&4 >>/tmp/out 2>/tmp/words & new=$!
    await '[ -S /tmp/mine/to ] || ! kill -0 $new 2>/dev/null'
    vmlock-run migrate --to /tmp/mine/to --control /tmp/mine/$((n - 1)) >/tmp/said 2>&1
    handed "over $n exit $?: $(cat /tmp/said)"
    ended
    handed "before $n ends with $code"
    pid=$new
    tells "over $n"
    case $way in ?*) way= ;; *) way=--emulate-gic ;; esac
done
vmlock-run audit "$lock" --control /tmp/mine/$count >/tmp/words 2>&1
handed "audit exits $?"
since_rest=$(now)
vmlock-run save /tmp/one.save --control /tmp/mine/$count >/tmp/words 2>&1 || fail saved
ended
# From here on it may know that it is a copy. What it was saying may be cut in two by that.
printf '\nvmlock guest: is saved\n' >>/tmp/out
vmlock-run restore /tmp/one.save --lock "$lock" --control /tmp/mine/last <&4 >>/tmp/out 2>/tmp/words & pid=$!
await "vmlock-run status /tmp/mine/last 2>/dev/null | grep -q ': running'"
handed "saved and restored in $(($(now) - since_rest)) ms"
tells restored
echo end >&4
ended
cat /tmp/out
exit $code
"#;

/// Hands it over so often; 1 where anything of it is lost.
pub fn run(cache: &Cache, flags: &flags::Handed) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    carried::provide(cache, &bench.root().join("examples/guest"))?;
    let step = step(&bench, &flags.kernel, flags.count);
    step::told(&step::run_alone(cache, &bench, step)?)
}

fn step<'a>(bench: &Bench, kernel: &str, count: u32) -> Step<'a> {
    let number = count.to_string();
    let job = ["-c", SCRIPT, "sh", carry::LOCK, &number];
    Step {
        name: "a Linux guest goes on while it is handed over".to_owned(),
        errands: vec![Errand {
            by_shell: true,
            modules: vec!["tun".to_owned()],
            limit: LIMIT.0 + LIMIT.1 * count,
            ..bench.errand(CPU, kernel, &[job.to_vec()])
        }],
        judge: Box::new(move |done| {
            let ended: Vec<&Ended> = done.iter().flat_map(|done| &done.jobs).collect();
            let [ended] = ended[..] else {
                return Ok(vec![format!("{} guests of one", ended.len())]);
            };
            let words = String::from_utf8_lossy(&ended.stderr);
            for line in found(&words) {
                say(format_args!("{line}"));
            }
            Ok(problems(ended, count))
        }),
    }
}

/// What the script found.
fn found(words: &str) -> impl Iterator<Item = &str> {
    words
        .lines()
        .filter_map(|line| line.strip_prefix("handed: "))
}

/// What went wrong with a guest that was handed over so often.
fn problems(ended: &Ended, count: u32) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let console = String::from_utf8_lossy(&ended.stdout);
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(what);
        }
    };
    expect(count > 0, "it is never handed over".to_owned());
    expect(
        ended.code == 0,
        format!("it ended with code {}:\n{words}\n{console}", ended.code),
    );
    for n in 1..=count {
        let over = format!("over {n} exit 0: the guest runs at its other end");
        let is_over = found(&words).any(|line| line.starts_with(&over));
        expect(is_over, format!("hand-over {n} is not done:\n{words}"));
        let before = format!("before {n} ends with 143");
        let is_gone = found(&words).any(|line| line == before);
        expect(
            is_gone,
            format!("the runner before hand-over {n} does not end as it should:\n{words}"),
        );
    }
    expect(
        found(&words).any(|line| line == "audit exits 0"),
        format!("the last of them does not keep its promises:\n{words}"),
    );
    let lines: Vec<&str> = console
        .lines()
        .filter_map(|line| Some(line.trim().split_once("vmlock guest: ")?.1))
        .collect();
    for line in lines.iter().filter(|line| line.starts_with("WRONG: ")) {
        expect(false, format!("the guest says: {line}"));
    }
    let told: Vec<String> = ["before".to_owned()]
        .into_iter()
        .chain((1..=count).map(|n| format!("over {n}")))
        .chain([SAVED, RESTORED].map(str::to_owned))
        .collect();
    // What it heard, and its rounds from there on.
    let mut heard: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in &lines {
        let word = line
            .strip_prefix("hears '")
            .and_then(|l| l.strip_suffix('\''));
        let word = word.or((*line == SAVED).then_some(SAVED));
        let is_whole = line.starts_with("round ") && line.ends_with(" times");
        match (word, heard.last_mut()) {
            (Some(word), _) => heard.push((word, Vec::new())),
            (None, Some((_, rounds))) if is_whole => rounds.push(line),
            _ => {}
        }
    }
    let hears: Vec<&str> = heard.iter().map(|(word, _)| *word).collect();
    expect(
        hears == told,
        format!("it was told {told:?}, and hears {hears:?}"),
    );
    let boot = |line: &&str| line.split(' ').nth(4).map(str::to_owned);
    let boots: BTreeSet<_> = heard
        .iter()
        .flat_map(|(_, rounds)| rounds)
        .map(boot)
        .collect();
    expect(boots.len() == 1, format!("it booted again: {boots:?}"));
    for (word, rounds) in heard.iter().filter(|(word, _)| *word != SAVED) {
        let copies = match *word == RESTORED {
            true => ", a copy 1 times",
            false => ", a copy 0 times",
        };
        expect(
            rounds.iter().any(|line| line.contains(WENT_ON)),
            format!("not all went on after `{word}`: {rounds:?}"),
        );
        for line in rounds.iter().filter(|line| !line.ends_with(copies)) {
            expect(
                false,
                format!(
                    "after `{word}` it is a copy that it should not be, or does not know that it is one: {line}"
                ),
            );
        }
    }
    expect(
        lines
            .iter()
            .any(|line| line.starts_with("powering off after ")),
        "it did not power off".to_owned(),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(number: u32, copies: u32) -> String {
        format!(
            "vmlock guest: round {number} of boot a: cpu0 cpu1 disk pings random ticks0 ticks1 went on, up for 9 seconds, a copy {copies} times\r\n"
        )
    }

    fn ended() -> Ended {
        let hears =
            |word: &str, copies| format!("vmlock guest: hears '{word}'\r\n{}", round(2, copies));
        let console = [
            round(1, 0),
            hears("before", 0),
            hears("over 1", 0),
            hears("over 2", 0),
            format!(
                "vmlock guest: round 9 of bo\nvmlock guest: is saved\n{}",
                round(3, 1)
            ),
            hears("restored", 1),
            "vmlock guest: powering off after 5 rounds\r\n".to_owned(),
        ];
        let over = |n| {
            format!(
                "handed: over {n} exit 0: the guest runs at its other end, after 9 ms\nhanded: before {n} ends with 143\n"
            )
        };
        Ended {
            code: 0,
            stdout: console.concat().into_bytes(),
            stderr: (over(1) + &over(2) + "handed: audit exits 0\n").into_bytes(),
        }
    }

    #[test]
    fn a_guest_that_lost_nothing_is_good_and_what_is_lost_is_found() {
        assert_eq!(problems(&ended(), 2), Vec::<String>::new());
        // Neither was it handed over a third time, nor did the one before end, nor was it told.
        assert_eq!(problems(&ended(), 3).len(), 3);
        let altered = |from: &str, to: &str| {
            let ended = ended();
            let change = |bytes: Vec<u8>| {
                let text = String::from_utf8(bytes).expect("text");
                text.replace(from, to).into_bytes()
            };
            let altered = Ended {
                stdout: change(ended.stdout.clone()),
                stderr: change(ended.stderr.clone()),
                ..ended
            };
            assert!(
                altered.stdout != ended.stdout || altered.stderr != ended.stderr,
                "{from}"
            );
            problems(&altered, 2)
        };
        for (from, to, words) in [
            ("over 2 exit 0", "over 2 exit 4", "not done"),
            (
                "before 1 ends with 143",
                "before 1 ends with 0",
                "as it should",
            ),
            ("audit exits 0", "audit exits 1", "promises"),
            (
                "hears 'over 1'",
                "WRONG: the disk: file 3 is another one",
                "the guest says",
            ),
            ("hears 'over 1'", "hears 'over 3'", "it was told"),
            (" disk pings", " pings", "not all went on"),
            (
                "a copy 0 times",
                "a copy 1 times",
                "a copy that it should not be",
            ),
            ("a copy 1 times", "a copy 0 times", "does not know"),
            (
                "'over 1'\r\nvmlock guest: round 2 of boot a",
                "'over 1'\r\nvmlock guest: round 2 of boot b",
                "booted again",
            ),
            ("powering off", "going on", "power off"),
        ] {
            let problems = altered(from, to);
            let all = problems.join("\n");
            assert!(all.contains(words), "{from}: {all}");
        }
        let silent = Ended { code: 1, ..ended() };
        assert_eq!(problems(&silent, 2).len(), 1);
    }
}
