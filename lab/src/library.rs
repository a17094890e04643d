//! The library's example program, `runner/examples/monitor/`, on hosts: it carries a plan out by kvm-ioctls alone,
//! refuses where the plan does, and is not taken in by a kernel that accepts what it does not honour.

use crate::cache::Cache;
use crate::cross;
use crate::emulate::Ended;
use crate::errand::{self, Errand};
use crate::failure::{FINDINGS, OK, Result};
use crate::step::Step;

/// The lock, of which every kind of step that the program carries out is a part on some host.
pub const LOCK: &str = "lab/tests/specs/library.vm.lock.json";
/// The same with redistributors in two regions.
pub const REGIONS: &str = "lab/tests/specs/library-regions.vm.lock.json";
const CPU: &str = "neoverse-n1";
/// What comes before the number of the values that are as the lock says.
const READ_BACK: &str = "read back: ";
/// How the program says that the plan refuses the lock.
const REFUSED: u8 = 3;

/// What the program is given on a host, and what comes of it.
struct Trial {
    lock: &'static str,
    /// The host's kernel.
    kernel: &'static str,
    /// The kernel of whose host the report is.
    report: &'static str,
    /// How it ends.
    code: u8,
    /// What each of its lines begins with: one of these.
    says: &'static [&'static str],
    /// The fewest values that say that the machine was read.
    read: usize,
}

const TRIALS: [Trial; 5] = [
    Trial {
        lock: LOCK,
        kernel: "6.12",
        report: "6.12",
        code: OK,
        says: &[READ_BACK],
        read: 2 * EACH,
    },
    Trial {
        lock: LOCK,
        kernel: "7.3",
        report: "7.3",
        code: OK,
        says: &[READ_BACK],
        read: 2 * EACH,
    },
    Trial {
        lock: REGIONS,
        kernel: "6.12",
        report: "6.12",
        code: OK,
        says: &[READ_BACK],
        read: 124 * EACH,
    },
    Trial {
        lock: LOCK,
        kernel: "6.18",
        report: "6.18",
        code: REFUSED,
        says: &["refused: GICD_IIDR.Revision: ", "refused: GICR_CTLR: "],
        read: 2 * EACH,
    },
    // The same kernel with somebody else's word for it: it takes revision 2 and keeps its own.
    Trial {
        lock: LOCK,
        kernel: "6.18",
        report: "7.3",
        code: FINDINGS,
        says: &["different: GICD_IIDR ", "different: GICR_CTLR "],
        read: 2 * EACH,
    },
];

/// The fewest values that say that a vCPU was read.
const EACH: usize = 200;

/// The program on each of these hosts.
pub fn step<'a>(cache: &Cache) -> Result<Step<'a>> {
    let program = cross::build_example(cache, cross::RUNNER, "monitor")?;
    let errand = |trial: &Trial| {
        let report = format!("spec/catalogue/hosts/{CPU}-{}.json", trial.report);
        Errand {
            cpu: CPU.to_owned(),
            kernel: trial.kernel.to_owned(),
            program: program.clone(),
            by_shell: false,
            with: Vec::new(),
            disks: Vec::new(),
            modules: Vec::new(),
            jobs: vec![vec![trial.lock.to_owned(), report]],
            limit: errand::LIMIT,
        }
    };
    Ok(Step {
        name: "another monitor carries a plan out by the library".to_owned(),
        errands: TRIALS.iter().map(errand).collect(),
        judge: Box::new(|done| {
            let all = TRIALS.iter().zip(done);
            Ok(all
                .flat_map(|(trial, done)| done.jobs.iter().filter_map(|job| problem(trial, job)))
                .collect())
        }),
    })
}

/// What is wrong with how the program ended.
fn problem(trial: &Trial, ended: &Ended) -> Option<String> {
    let said = String::from_utf8_lossy(&ended.stdout);
    let lines: Vec<&str> = said.lines().map(str::trim_end).collect();
    let expected = |line: &&str| trial.says.iter().any(|says| line.starts_with(says));
    let all_said = trial
        .says
        .iter()
        .all(|says| lines.iter().any(|line| line.starts_with(says)));
    let count = lines.first().and_then(|line| {
        let rest = line.strip_prefix(READ_BACK)?;
        rest.split(' ').next()?.parse::<usize>().ok()
    });
    let is_read = trial.code != OK || count.is_some_and(|count| count >= trial.read);
    let fine = ended.code == trial.code && all_said && lines.iter().all(expected) && is_read;
    (!fine).then(|| {
        format!(
            "{}, Linux {} with the report of {}: it ended with code {} and not {}:\n{said}{}",
            trial.lock,
            trial.kernel,
            trial.report,
            ended.code,
            trial.code,
            String::from_utf8_lossy(&ended.stderr)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(code: u8, said: &str) -> Ended {
        Ended {
            code,
            stdout: said.as_bytes().to_vec(),
            stderr: Vec::new(),
        }
    }

    #[test]
    fn what_was_hardly_read_is_not_as_the_lock_says_and_what_was_not_noticed_is_no_success() {
        let [taken, .., lied] = &TRIALS;
        assert!(problem(taken, &ended(0, "kept: 700 values\n")).is_some());
        assert_eq!(
            problem(
                taken,
                &ended(0, "read back: 700 values, as the lock says\r\n")
            ),
            None
        );
        assert!(problem(taken, &ended(0, "read back: 7 values, as the lock says\n")).is_some());
        assert!(problem(taken, &ended(0, "")).is_some());
        assert!(
            problem(
                taken,
                &ended(1, "read back: 700 values, as the lock says\n")
            )
            .is_some()
        );
        let noticed =
            "different: GICD_IIDR is 0x1 and not 0x2\ndifferent: GICR_CTLR is 0x6 and not 0x0\n";
        assert_eq!(problem(lied, &ended(1, noticed)), None);
        assert!(problem(lied, &ended(0, "read back: 700 values, as the lock says\n")).is_some());
        assert!(problem(lied, &ended(1, "")).is_some());
        let more = format!("{noticed}different: CTR_EL0 is 0x1 and not 0x0\n");
        assert!(problem(lied, &ended(1, &more)).is_some());
    }
}
