//! `vmlock-lab living`: a Linux guest that works and checks itself (`carried.rs`) is audited again and again, with the
//! kernel's distributor and the runner's. It notices nothing but time, each audit sees the same, and of what is typed to it
//! meanwhile nothing is lost.

use crate::cache::Cache;
use crate::carried;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::Result;
use crate::flags;
use crate::step::{self, Step};
use crate::trial::Bench;
use std::collections::BTreeSet;
use std::time::Duration;

/// The guest's lock, and the CPU of its hosts.
const LOCK: &str = "lab/tests/specs/living.vm.lock.json";
const CPU: &str = "neoverse-n1";
/// Who answers for the distributor, and the flags for it.
const WAYS: [(&str, &str); 2] = [
    ("the kernel's distributor", ""),
    ("the runner's distributor", "--emulate-gic"),
];
/// How long a host may take: the guest, and more for each audit.
const LIMIT: (Duration, Duration) = (Duration::from_secs(900), Duration::from_secs(10));
/// Rounds of the guest's after the last audit.
const ROUNDS: u32 = 2;

/// Starts the guest, audits it `$count` times and ends it. What is found goes to standard error in lines of `living:`;
/// standard output is the guest's console alone.
const SCRIPT: &str = r#"
lock=$1 count=$2 rounds=$3
shift 3
living() { echo "living: $*" >&2; }
rm -rf /tmp/mine /tmp/in /tmp/out
mkdir -m 700 -p /tmp/mine
mkfifo /tmp/in
exec 4<>/tmp/in
: >/tmp/out
fail() { living "never: $*"; cat /tmp/out; kill -9 $pid 2>/dev/null; exit 1; }
now() { read -r up rest </proc/uptime; echo ${up%.*}; }
limit=300
await() {
    since=$(now)
    until eval "$1"; do
        kill -0 $pid 2>/dev/null || fail "$1, and its runner has gone"
        [ $(($(now) - since)) -lt $limit ] || fail "$1"
        sleep 0.2
    done
}
# Each word is typed once.
tells() {
    echo "$1" >&4
    await "grep -q \"hears '$1'\" /tmp/out"
}
vmlock-run start "$lock" --control /tmp/mine/guest "$@" <&4 >>/tmp/out & pid=$!
# What is typed before is lost.
await "grep -q 'vmlock guest: .* CPUs' /tmp/out"
tells before
await "grep -q 'vmlock guest: round .* went on, ' /tmp/out"
began=$(now)
for n in $(seq $count); do
    echo "word $n" >&4
    vmlock-run audit "$lock" --control /tmp/mine/guest >/tmp/audit 2>&1
    living audit $n exit $? $(grep '^digest' /tmp/audit) $(grep -o '[0-9]* facts seen' /tmp/audit)
    grep -e ' on vCPU ' -e '^vCPU ' -e vmlock-run: /tmp/audit | head -n 5 | sed 's/^/living: /' >&2
done
living took $(($(now) - began)) s
living $(grep '^not looked at' /tmp/audit)
tells after
went() { awk "/hears 'after'/ { on = 1 } on && /vmlock guest: round .* went on, / { n++ } END { print n + 0 }" /tmp/out; }
await '[ $(went) -ge $rounds ]'
echo end >&4
since=$(now)
while kill -0 $pid 2>/dev/null; do
    [ $(($(now) - since)) -lt $limit ] || fail "its runner ends"
    sleep 0.2
done
wait $pid
code=$?
cat /tmp/out
exit $code
"#;

/// Audits it so often each way; 1 where anything of it is lost or an audit finds something.
pub fn run(cache: &Cache, flags: &flags::Living) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    carried::provide(cache, &bench.root().join("examples/guest"))?;
    let step = step(&bench, &flags.kernel, flags.audits);
    step::told(&step::run_alone(cache, &bench, step)?)
}

fn step<'a>(bench: &Bench, kernel: &str, audits: u32) -> Step<'a> {
    let (count, rounds) = (audits.to_string(), ROUNDS.to_string());
    let job = |(_, flag): (&str, &'static str)| {
        let job = ["-c", SCRIPT, "sh", LOCK, &count, &rounds, flag];
        job.into_iter()
            .filter(|word| !word.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Step {
        name: "a Linux guest goes on while it is audited".to_owned(),
        errands: vec![Errand {
            by_shell: true,
            with: vec![LOCK.to_owned()],
            jobs: WAYS.map(job).to_vec(),
            limit: LIMIT.0 + LIMIT.1 * audits,
            ..bench.errand(CPU, kernel, &[])
        }],
        judge: Box::new(move |done| {
            let ended: Vec<&Ended> = done.iter().flat_map(|done| &done.jobs).collect();
            let mut problems = Vec::new();
            if ended.len() != WAYS.len() {
                problems.push(format!("{} guests of {}", ended.len(), WAYS.len()));
            }
            for ((way, _), ended) in WAYS.iter().zip(ended) {
                let found = self::problems(ended, audits);
                problems.extend(found.into_iter().map(|what| format!("{way}: {what}")));
            }
            Ok(problems)
        }),
    }
}

/// What went wrong with a guest that was audited so often.
fn problems(ended: &Ended, audits: u32) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let console = String::from_utf8_lossy(&ended.stdout);
    let mut problems = Vec::new();
    if ended.code != 0 {
        problems.push(format!(
            "it ended with code {}:\n{words}\n{console}",
            ended.code
        ));
    }
    let found = words
        .lines()
        .filter_map(|line| line.strip_prefix("living: "));
    let said: Vec<&str> = found
        .filter_map(|line| Some(line.strip_prefix("audit ")?.split_once(" exit ")?.1))
        .collect();
    let kept = said
        .iter()
        .filter(|line| line.starts_with("0 digest sha256-"));
    if kept.count() != audits as usize || audits == 0 {
        problems.push(format!(
            "not all of {audits} audits found it as promised:\n{words}"
        ));
    }
    if said.iter().collect::<BTreeSet<_>>().len() > 1 {
        problems.push(format!("the audits do not see the same:\n{words}"));
    }
    let lines: Vec<&str> = console
        .lines()
        .filter_map(|line| Some(line.trim().split_once("vmlock guest: ")?.1))
        .collect();
    problems.extend(
        lines
            .iter()
            .filter(|line| line.starts_with("WRONG: "))
            .map(|line| format!("the guest says: {line}")),
    );
    let heard: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("hears '")?.strip_suffix('\''))
        .collect();
    let words = (1..=audits).map(|n| format!("word {n}"));
    let told: Vec<String> = ["before".to_owned()]
        .into_iter()
        .chain(words)
        .chain(["after".to_owned()])
        .collect();
    if heard != told {
        problems.push(format!("it was told {told:?}, and hears {heard:?}"));
    }
    let mut after = lines.iter().skip_while(|line| **line != "hears 'after'");
    let went_on = ["cpu0", "cpu1", "ticks0", "ticks1"];
    let whole = |line: &&&str| {
        line.starts_with("round ")
            && went_on
                .iter()
                .all(|what| line.contains(&format!(" {what} ")))
    };
    if after.by_ref().filter(whole).count() < ROUNDS as usize {
        problems.push(format!("it did not go on after the audits:\n{console}"));
    }
    if !lines
        .iter()
        .any(|line| line.starts_with("powering off after "))
    {
        problems.push("it did not power off".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended() -> Ended {
        let round = "round 2 of boot a: cpu0 cpu1 ticks0 ticks1 went on, up";
        let heard = ["before", "word 1", "word 2", "after"];
        let heard = heard.map(|word| format!("vmlock guest: hears '{word}'\r\n"));
        let console = heard.concat()
            + &format!(
                "vmlock guest: {round}\r\nvmlock guest: {round}\r\nvmlock guest: powering off after 2 rounds\r\n"
            );
        let audit = |n| format!("living: audit {n} exit 0 digest sha256-ab 900 facts seen\n");
        Ended {
            code: 0,
            stdout: console.into_bytes(),
            stderr: (audit(1) + &audit(2)).into_bytes(),
        }
    }

    #[test]
    fn a_guest_that_lost_nothing_is_good_and_what_is_lost_is_found() {
        assert_eq!(problems(&ended(), 2), Vec::<String>::new());
        assert_eq!(problems(&ended(), 3).len(), 2);
        assert!(
            !problems(
                &Ended {
                    stderr: Vec::new(),
                    ..ended()
                },
                0
            )
            .is_empty()
        );
        let altered = |from: &str, to: &str| {
            let mut ended = ended();
            for text in [&mut ended.stdout, &mut ended.stderr] {
                *text = String::from_utf8_lossy(text)
                    .replacen(from, to, 1)
                    .into_bytes();
            }
            problems(&ended, 2).len()
        };
        assert_eq!(altered("exit 0 digest", "exit 1 digest"), 2);
        assert_eq!(altered("sha256-ab", "sha256-cd"), 1);
        assert_eq!(altered(" cpu1 ", " "), 1);
        assert_eq!(altered("round", "WRONG: turn"), 2);
        assert_eq!(altered("after'", "later'"), 2);
        assert_eq!(altered("word 1", "ord 1"), 1);
        assert_eq!(altered("powering", "switching"), 1);
    }
}
