//! A Linux guest with eight vCPUs whose distributor the runner answers for: its console's interrupt goes to
//! the CPU that it asks for and to no other (`interrupts` in `guest.rs`), and there are not more than were
//! raised. There may be fewer: a UART's line goes up and down while its interrupt is being handled.

use crate::emulate::Ended;
use crate::step::Step;
use crate::trial::Bench;
use serde_json::Value;

/// The guest's lock.
pub const LOCK: &str = "lab/tests/specs/interrupts.vm.lock.json";
/// The host's CPU.
const CPU: &str = "neoverse-n1";
/// The guest's CPUs.
const CPUS: usize = 8;

/// The guest's interrupts, on a host of that kernel.
pub fn step<'a>(bench: &Bench, kernel: &str) -> Step<'a> {
    let jobs = [vec!["start", LOCK, "--stats"]];
    Step {
        name: "a Linux guest's interrupts go where it wants them".to_owned(),
        errands: vec![bench.errand(CPU, kernel, &jobs)],
        judge: Box::new(|done| {
            let ended = done.iter().flat_map(|done| &done.jobs);
            Ok(ended.flat_map(problems).collect())
        }),
    }
}

fn problems(ended: &Ended) -> Vec<String> {
    let console = String::from_utf8_lossy(&ended.stdout);
    let words = String::from_utf8_lossy(&ended.stderr);
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(what);
        }
    };
    expect(
        ended.code == 0,
        format!("the guest ended with code {}:\n{words}", ended.code),
    );
    for cpu in 0..CPUS {
        let place = format!("console interrupts for CPU {cpu}: ");
        let counts = after(&console, &place).and_then(|rest| {
            let (there, rest) = rest.split_once(" there, ")?;
            let elsewhere = rest.strip_suffix(" elsewhere")?;
            Some((there.parse::<u64>().ok()?, elsewhere.parse::<u64>().ok()?))
        });
        expect(
            matches!(counts, Some((1.., 0))),
            format!("interrupts sent to CPU {cpu}: (there, elsewhere) is {counts:?}"),
        );
    }
    for line in [
        format!("timer interrupts on {CPUS} CPUs"),
        "0 interrupts were spurious".to_owned(),
    ] {
        expect(
            after(&console, &line) == Some(""),
            format!("the guest does not say `{line}`"),
        );
    }
    let taken = console.lines().find_map(|l| {
        l.trim()
            .strip_prefix("vmlock guest: ")?
            .strip_suffix(" console interrupts")?
            .parse::<u64>()
            .ok()
    });
    let counts = counts(&words);
    let raised = counts["raised"].as_u64();
    expect(
        matches!((taken, raised), (Some(taken), Some(raised)) if taken >= CPUS as u64 && taken <= raised),
        format!("the guest took {taken:?} console interrupts, and {raised:?} were raised"),
    );
    expect(
        counts["exits"].as_u64().is_some_and(|exits| exits > 0),
        "the runner did not answer for the distributor".to_owned(),
    );
    problems
}

/// What `vmlock-run start --stats` counted at the interrupt controller, among its words; null without it.
pub fn counts(words: &str) -> Value {
    each_counts(words).next().unwrap_or_default()
}

/// The same of each guest in turn.
pub fn each_counts(words: &str) -> impl Iterator<Item = Value> {
    let stats = words
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok());
    stats
        .map(|s| s["interruptController"].clone())
        .filter(|c| !c.is_null())
}

/// What follows some words in the line that has them.
fn after<'a>(console: &'a str, words: &str) -> Option<&'a str> {
    let line = console.lines().find(|line| line.contains(words))?;
    line.split_once(words).map(|(_, rest)| rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(elsewhere: u32, raised: u32) -> Ended {
        let mut console = String::new();
        for cpu in 0..CPUS {
            console += &format!(
                "vmlock guest: console interrupts for CPU {cpu}: 1 there, {elsewhere} elsewhere\r\n"
            );
        }
        console += "vmlock guest: timer interrupts on 8 CPUs\r\nvmlock guest: 0 interrupts were spurious\r\n\
            vmlock guest: 28 console interrupts\r\n";
        let words = format!(
            "{{\"interruptController\":{{\"exits\":9,\"raised\":{raised},\"stops\":1}}}}\n"
        );
        Ended {
            code: 0,
            stdout: console.into_bytes(),
            stderr: words.into_bytes(),
        }
    }

    #[test]
    fn interrupts_elsewhere_or_lost_ones_are_found() {
        assert_eq!(problems(&ended(0, 29)), Vec::<String>::new());
        assert_eq!(problems(&ended(1, 29)).len(), CPUS);
        assert_eq!(problems(&ended(0, 27)).len(), 1);
    }
}
