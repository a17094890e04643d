//! A Linux guest with a console that is written to before it listens, and with an alarm (`input` and `alarm` in
//! `guest.rs`): every line arrives, and the alarm rings once. With the kernel's distributor, and with the runner's.

use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::OK;
use crate::step::Step;
use crate::trial::Bench;
use serde_json::Value;

/// The guest's lock.
pub const LOCK: &str = "lab/tests/specs/devices.vm.lock.json";

/// Who answers for the distributor, and the flag for it.
const WAYS: [(&str, &str); 2] = [
    ("with the kernel's distributor", "--native"),
    ("with the runner's distributor", "--emulate-gic"),
];

/// What the guest says when both devices do what they should.
const WORDS: [&str; 4] = [
    "vmlock guest: the console says 'hello'",
    "vmlock guest: the console's last words are 'quit'",
    "vmlock guest: an alarm is set, 0 rang before",
    "vmlock guest: no alarm is set, 1 rang",
];

/// Lets the witness look at the devices, and starts the guest.
const SCRIPT: &str = r#"
vmlock-run audit "$1" --format json $2
printf 'hello\nquit\n' | vmlock-run start "$1" $2
"#;

/// The guest's devices, on a host of that kernel.
pub fn step<'a>(bench: &Bench, kernel: &str) -> Step<'a> {
    let jobs = WAYS.map(|(_, flag)| vec!["-c", SCRIPT, "sh", LOCK, flag]);
    let errand = Errand {
        by_shell: true,
        ..bench.errand("neoverse-n1", kernel, &jobs)
    };
    Step {
        name: "a Linux guest gets all its input, and its alarm rings".to_owned(),
        errands: vec![errand],
        judge: Box::new(|done| {
            let ended = done.iter().flat_map(|done| &done.jobs);
            let ways = WAYS.iter().zip(ended);
            Ok(ways
                .flat_map(|((way, _), ended)| problems(way, ended))
                .collect())
        }),
    }
}

fn problems(way: &str, ended: &Ended) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let output = String::from_utf8_lossy(&ended.stdout);
    let (audit, console) = output.split_once("\n}\n").unwrap_or_default();
    let audit: Value = serde_json::from_str(&format!("{audit}}}")).unwrap_or_default();
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(format!("{way}: {what}"));
        }
    };
    let observed = audit["observed"].as_array();
    let unpromised = observed.and_then(|facts| {
        let names = facts.iter().filter_map(|fact| fact["name"].as_str());
        names
            .into_iter()
            .find(|name| name.starts_with("UART") || name.starts_with("RTC"))
    });
    expect(
        audit["kept"] == true && unpromised.is_none(),
        format!(
            "the witness did not find the devices as promised ({unpromised:?} is not): {}\n{words}",
            audit["differences"]
        ),
    );
    for line in WORDS {
        expect(
            console.lines().any(|l| l.trim() == line),
            format!("the guest does not say `{line}`:\n{console}"),
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

    fn ended(observed: &str, console: &str) -> Ended {
        let audit =
            format!("{{\n  \"kept\": true,\n  \"observed\": [{{\"name\": \"{observed}\"}}]\n}}\n");
        Ended {
            code: OK,
            stdout: (audit + console).into_bytes(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn lost_input_a_silent_alarm_and_unpromised_devices_are_found() {
        let said = WORDS.join("\r\n") + "\r\n";
        let count = |observed, console: &str| problems("", &ended(observed, console)).len();
        assert_eq!(count("GICD_CTLR", &said), 0);
        assert_eq!(count("UART.LCR", &said), 1);
        assert_eq!(count("GICD_CTLR", &said.replace("hello", "llo")), 1);
        assert_eq!(count("GICD_CTLR", &said.replace("1 rang", "0 rang")), 1);
    }
}
