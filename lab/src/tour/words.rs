//! The tour's words for what it saw of its hosts.

use super::journey::{self, Seen, judged};
use crate::failure::OK;
use crate::matrix::{self, Verdict, short_digest};
use crate::trial;
use std::collections::BTreeSet;

/// So many of the hosts show what the lock makes of them; in that one of them a guest of its own is started.
pub const SHOWN: usize = 2;
pub const NEW: usize = 1;

/// The tour's words of all that was seen, from its second part on; and whether all of it is good.
pub fn told(seen: &[Seen], lock: &str, cpu: &str, cpus: u32) -> (String, bool) {
    let mut lines = Vec::new();
    let parts = [
        started(&mut lines, seen, (lock, cpu, cpus)),
        audited(&mut lines, seen, lock),
        went_on(&mut lines, seen, lock, cpus),
    ];
    (lines.join("\n"), parts == [true; 3])
}

/// The guests as they came up.
fn started(lines: &mut Vec<String>, seen: &[Seen], (lock, cpu, cpus): (&str, &str, u32)) -> bool {
    lines.push(format!(
        "2. Start a real Debian guest under that lock, on two hosts with a {cpu}\n\n   \
         $ vmlock-run start {lock} --control SOCKET\n   \
         $ vmlock-run start {lock}\n\n   \
         Through the socket of the first one it is saved below. Instead of powering off it waits for words on its\n   \
         console: its initial RAM file system is another one than the second guest's.\n"
    ));
    let mut is_good = true;
    for (turn, host) in seen.iter().take(SHOWN).enumerate() {
        lines.push(format!("   On Linux {}:", host.version));
        let start = if turn == NEW {
            &host.start
        } else {
            &host.carried
        };
        let said = start.as_ref().map(trial::guest_lines).unwrap_or_default();
        let said = said.iter().filter(|line| journey::is_of_any(line));
        lines.extend(said.map(|line| format!("     {line}")));
        let problem = match start {
            Some(start) if turn == NEW => trial::start_problem(start, OK, cpus),
            Some(start) => journey::unstarted(start, cpus),
            None => Some("no guest was started".to_owned()),
        };
        if let Some(problem) = problem {
            is_good = false;
            lines.push(format!("     FAILED: {problem}"));
        }
        lines.push(String::new());
    }
    is_good
}

/// What the audits found; whether the guest saw the same machine each time.
fn audited(lines: &mut Vec<String>, seen: &[Seen], lock: &str) -> bool {
    lines.push(format!(
        "3. Audit: a guest that reads all it can, from inside, on every CPU\n\n   $ vmlock-run audit {lock}\n"
    ));
    let hosts = &seen[..SHOWN.min(seen.len())];
    let mut digests = BTreeSet::new();
    let (mut kept, mut failed) = (0, 0);
    for host in hosts {
        let verdict = match &host.audit {
            Some(audit) => matrix::verdict(audit).0,
            None => Verdict::Failed("there was no audit".to_owned()),
        };
        let (words, reasons) = match verdict {
            Verdict::Kept { digest, facts } => {
                kept += 1;
                let short = short_digest(&digest).to_owned();
                digests.insert(digest);
                let words =
                    format!("{facts} facts seen, none differs from the lock; digest {short}");
                (words, Vec::new())
            }
            Verdict::Refused(reasons) => (
                "REFUSED, the lock cannot be kept there:".to_owned(),
                reasons,
            ),
            Verdict::Differs(differences) => {
                let words = "the guest saw SOMETHING ELSE than the lock promises:";
                (words.to_owned(), differences)
            }
            Verdict::Failed(why) => {
                failed += 1;
                (format!("FAILED: {why}"), Vec::new())
            }
        };
        lines.push(format!("   On Linux {}: {words}", host.version));
        lines.extend(reasons.iter().map(|reason| format!("     {reason}")));
    }
    let versions: Vec<&str> = hosts.iter().map(|host| host.version.as_str()).collect();
    let versions = versions.join(" and ");
    let is_same = kept == SHOWN && digests.len() == 1;
    lines.push(match (is_same, failed) {
        (true, _) => format!("\nThe guest saw the same machine on Linux {versions}."),
        (false, 0) => format!("\nThe guest did NOT see the same machine on Linux {versions}."),
        (false, _) => {
            format!("\nWhether the guest saw the same machine on Linux {versions} is NOT known.")
        }
    });
    is_same
}

/// What became of the guest that went on; whether it lost nothing.
fn went_on(lines: &mut Vec<String>, seen: &[Seen], lock: &str, cpus: u32) -> bool {
    lines.push(format!(
        "\n4. Take the running guest to another kernel, and back\n\n   \
         The guest that was started on the first host is still running. It has a file open whose name it has\n   \
         removed: only a program that never ended can read it. It is saved, its host is switched off, and it goes\n   \
         on in the next one. Wherever it wakes up it is told so, writes that to its file, and reads all of it.\n\n   \
         $ vmlock-run save guest.save --control SOCKET\n   \
         $ vmlock-run restore guest.save --lock {lock} --control SOCKET\n"
    ));
    let (notes, problems) = judged(seen, cpus);
    lines.extend(
        notes
            .iter()
            .map(|(place, note)| format!("   On {place}: {note}")),
    );
    lines.extend(
        problems
            .iter()
            .map(|problem| format!("   FAILED: {problem}")),
    );
    lines.push(match problems.is_empty() {
        true => format!(
            "\nOne guest, booted once, ran on {} hosts, and lost nothing.",
            seen.len()
        ),
        false => "\nThe guest did NOT get through all of it.".to_owned(),
    });
    problems.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulate::Ended;
    use crate::tour::journey::tests::{altered, hosts};

    /// The words where all that the two hosts are asked for themselves is good.
    fn words(mut seen: Vec<Seen>) -> (String, bool) {
        let ended = |console: &str| Ended {
            code: OK,
            stdout: console.as_bytes().to_vec(),
            stderr: Vec::new(),
        };
        for host in &mut seen[..SHOWN] {
            host.audit = Some(ended(
                r#"{"kept":true,"digest":"sha256-abcdefabcdefabcdef","facts":900,"differences":[]}"#,
            ));
        }
        seen[NEW].start = Some(ended(
            "vmlock guest: 2 CPUs, kernel x\nvmlock guest: CPU 1 is online, x\nvmlock guest: powering off\n",
        ));
        told(&seen, "a.vm.lock.json", "cortex-a72", 2)
    }

    /// How often the words say that.
    fn count(words: &str, what: &str) -> usize {
        words.matches(what).count()
    }

    #[test]
    fn three_hosts_that_lose_nothing_are_good() {
        let (words, is_good) = words(hosts());
        assert!(is_good, "{words}");
        assert_eq!(count(&words, "FAILED"), 0, "{words}");
        assert_eq!(count(&words, "its open file says"), 3);
        assert!(words.contains("saw the same machine on Linux 5.10.2-1 and 7.3.4-1."));
        assert!(words.ends_with("ran on 3 hosts, and lost nothing."));
        assert!(!words.contains("listens"));
    }

    #[test]
    fn what_was_not_saved_in_the_first_host_leaves_the_second_ones_own_parts() {
        let mut seen = altered(0, "carry: saved", "carry: never: saved\nx");
        seen[0].carried.as_mut().expect("carried").code = 1;
        seen[1].carried = None;
        seen[2].carried = None;
        let (words, is_good) = words(seen);
        assert!(!is_good);
        assert_eq!(count(&words, "never: saved"), 1, "{words}");
        assert_eq!(count(&words, "FAILED"), 3, "{words}");
        assert_eq!(count(&words, "its open file says"), 1);
        assert!(words.contains("saw the same machine"), "{words}");
        assert!(words.contains("the guest came to 1 of 3 hosts"));
        assert!(words.ends_with("did NOT get through all of it."));
    }

    #[test]
    fn what_was_not_saved_in_the_second_host_ends_there() {
        let mut seen = altered(1, "carry: saved", "carry: kept");
        seen[2].carried = None;
        let (words, is_good) = words(seen);
        assert!(!is_good);
        assert_eq!(count(&words, "FAILED"), 2, "{words}");
        assert_eq!(count(&words, "its open file says"), 2);
        assert!(words.contains("Linux 7.3.4-1: the guest was not saved"));
        assert!(words.contains("the guest came to 2 of 3 hosts"));
    }

    #[test]
    fn two_hosts_are_not_three() {
        let mut seen = hosts();
        seen[2].carried = None;
        let (words, is_good) = words(seen);
        assert!(!is_good);
        assert_eq!(count(&words, "FAILED"), 1, "{words}");
    }

    #[test]
    fn of_what_was_not_audited_nothing_is_claimed() {
        let (words, is_good) = told(&hosts(), "a.vm.lock.json", "cortex-a72", 2);
        assert!(!is_good);
        assert!(words.contains("is NOT known"), "{words}");
        assert!(words.contains("no guest was started"), "{words}");
        assert!(!words.contains("saw the same machine on Linux 5.10.2-1 and 7.3.4-1."));
    }
}
