//! Whether it would be noticed that a promise is not kept: on hosts of several kernels each promise of some locks is
//! altered, and the proof of the machine has to contradict it. The runner for it is built with its feature `torture`.

use crate::emulate::Ended;
use crate::errand::{Errand, LIMIT};
use crate::failure::{OK, say};
use crate::step::Step;
use serde_json::Value;
use std::path::Path;

/// CPU and kernel of a host, and locks that it keeps: by the kernel alone, by the runner's distributor and its answers,
/// with addresses and devices of version 2, with every kind of virtio device, with an identity of its own, with every
/// feature.
const HOSTS: [(&str, &str, &[&str]); 5] = [
    (
        "neoverse-n1",
        "6.12",
        &[
            "examples/modern.vm.lock.json",
            "examples/pinned.vm.lock.json",
            "examples/hibernate.vm.lock.json",
            "examples/server.vm.lock.json",
            "lab/tests/specs/steal.vm.lock.json",
        ],
    ),
    (
        "cortex-a72",
        "5.10",
        &[
            "examples/portable.vm.lock.json",
            "lab/tests/specs/rev3.vm.lock.json",
            "lab/tests/specs/space.vm.lock.json",
            "lab/tests/specs/kinds.vm.lock.json",
        ],
    ),
    (
        "neoverse-n1",
        "7.3",
        &[
            "lab/tests/specs/sibling.vm.lock.json",
            "examples/hibernate.vm.lock.json",
        ],
    ),
    ("max", "7.3", &["lab/tests/specs/features.vm.lock.json"]),
    ("a64fx", "6.12", &["lab/tests/specs/vectors.vm.lock.json"]),
];

/// Alterations by `program`, a runner with the feature `torture`.
pub fn step<'a>(program: &Path) -> Step<'a> {
    let owned = |names: &[&str]| {
        names
            .iter()
            .map(|&name| name.to_owned())
            .collect::<Vec<_>>()
    };
    let errand = |(cpu, kernel, locks): &(&str, &str, &[&str])| Errand {
        cpu: (*cpu).to_owned(),
        kernel: (*kernel).to_owned(),
        program: program.to_owned(),
        by_shell: false,
        with: owned(locks),
        disks: Vec::new(),
        modules: Vec::new(),
        jobs: locks.iter().map(|lock| owned(&["mutate", lock])).collect(),
        limit: LIMIT,
    };
    Step {
        name: "no promise can be altered unnoticed".to_owned(),
        errands: HOSTS.iter().map(errand).collect(),
        judge: Box::new(|done| {
            let mut problems = Vec::new();
            for (done, (cpu, _, locks)) in done.iter().zip(HOSTS) {
                for (lock, ended) in locks.iter().zip(&done.jobs) {
                    let place = format!("{lock} on Linux {} ({cpu})", done.host.kernel.version);
                    match tally(ended) {
                        Ok(words) => say(format_args!("{place}: {words}")),
                        Err(why) => problems.push(format!("{place}: {why}")),
                    }
                }
            }
            Ok(problems)
        }),
    }
}

/// How many were noticed in which way, or why they do not all count.
fn tally(ended: &Ended) -> std::result::Result<String, String> {
    let output = String::from_utf8_lossy(&ended.stdout);
    let count = |value: &Value, name: &str| value[name].as_u64().unwrap_or(0);
    match serde_json::from_str::<Value>(&output) {
        Ok(value)
            if ended.code == OK
                && value["unnoticed"].as_array().is_some_and(Vec::is_empty)
                && count(&value, "readBack") > 0
                && count(&value, "fromInside") > 0 =>
        {
            Ok(format!(
                "{} altered promises refused by the read-back, {} by the witness",
                value["readBack"], value["fromInside"]
            ))
        }
        Ok(value) => Err(format!(
            "altered promises that nobody noticed, or none that was altered: {value}"
        )),
        Err(_) => Err(format!(
            "no counts, code {}: {}",
            ended.code,
            String::from_utf8_lossy(&ended.stderr).trim_end()
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_all_noticed_counts() {
        let ended = |code, stdout: &str| Ended {
            code,
            stdout: stdout.as_bytes().to_vec(),
            stderr: b"why".to_vec(),
        };
        let all = r#"{"readBack":80,"fromInside":160,"unnoticed":[]}"#;
        assert!(tally(&ended(OK, all)).is_ok());
        let none = r#"{"readBack":0,"fromInside":0,"unnoticed":[]}"#;
        assert!(tally(&ended(OK, none)).is_err());
        let one = r#"{"readBack":80,"fromInside":160,"unnoticed":["MIDR_EL1"]}"#;
        for code in [OK, 1] {
            let why = tally(&ended(code, one)).unwrap_err();
            assert!(why.contains("MIDR_EL1"));
        }
        assert_eq!(tally(&ended(3, "")).unwrap_err(), "no counts, code 3: why");
    }
}
