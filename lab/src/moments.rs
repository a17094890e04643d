//! `vmlock-lab moments`: a guest that is at one hostile moment after the other is saved at each of its instructions on
//! one kernel, and goes on in a new machine each time; some of those saved guests go on to the next kernel, and there to
//! their end.
//!
//! The runner for it is built with its feature `torture` (runner/src/moments.rs). What is kept is a disk of the hosts,
//! whose file outlives them.

use crate::cache::Cache;
use crate::emulate::Ended;
use crate::errand::Errand;
use crate::failure::{FINDINGS, Failure, OK, Result, say, tell};
use crate::flags;
use crate::kernels;
use crate::step;
use crate::torture;
use crate::trial::{self, Bench};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Whose machine it is.
pub const LOCK: &str = "lab/tests/specs/moments.vm.lock.json";
const CPU: &str = "cortex-a72";
/// Bytes of a disk for what is kept: much more than is needed, of which no more is taken.
const ROOM: u64 = 16 << 30;
/// How long a host may take: something, and more for each move.
const LIMIT: (Duration, Duration) = (Duration::from_secs(600), Duration::from_millis(1500));
/// The same machine, whose vCPUs the runner has to turn on, and its calls with them.
pub const ANSWERED: &str = "lab/tests/specs/answered.vm.lock.json";
const CALLS: &str = "--emulate-calls";
/// What is counted of a firmware call that the runner answers (runner/src/moments.rs).
const CALL: &str = "a forwarded firmware call";
/// How `vmlock-run` ends where a host is refused, and for what one is whose kernel keeps calls to itself.
const REFUSED: u8 = 3;
const NAMED: [&str; 2] = ["ACTLR_EL1 at entry", "starts a vCPU"];

/// A guest, and the hosts that it goes through.
struct Chain<'a> {
    lock: &'static str,
    kernels: &'a [String],
    /// Whether the runner answers firmware's calls.
    calls: bool,
}

impl Chain<'_> {
    /// A command line of its guest's.
    fn job<'a>(&self, own: &[&'a str]) -> Vec<&'a str> {
        let calls = self.calls.then_some(CALLS);
        let all = ["moments", self.lock].into_iter();
        all.chain(own.iter().copied()).chain(calls).collect()
    }
}

/// Goes through all kernels, and back to the first, with either guest; 1 if anything of one was lost.
pub fn run(cache: &Cache, flags: &flags::Moments) -> Result<u8> {
    let bench = Bench::prepare(cache)?;
    let program = torture::runner(cache)?;
    let (mut problems, mut met) = (Vec::new(), Met::default());
    for (lock, kernels) in [(LOCK, &flags.kernels), (ANSWERED, &flags.answering)] {
        let chain = Chain {
            lock,
            kernels,
            calls: lock == ANSWERED,
        };
        problems.extend(chain.goes(cache, (&bench, &program), flags, &mut met)?);
    }
    if !met.carried.contains(CALL) {
        problems.push(format!("no guest was carried that was saved with {CALL}"));
    }
    step::told(&problems)
}

impl Chain<'_> {
    /// Goes through its kernels and back: what was wrong.
    fn goes(
        &self,
        cache: &Cache,
        (bench, program): (&Bench, &Path),
        flags: &flags::Moments,
        met: &mut Met,
    ) -> Result<Vec<String>> {
        let scratch = cache.scratch()?;
        let kernels = kernels::resolve(cache, self.kernels, false)?;
        let disk = |turn: usize| -> Result<PathBuf> {
            let path = scratch.path().join(format!("kept{turn}"));
            let sized = File::create(&path).and_then(|file| file.set_len(ROOM));
            sized.map_err(|e| Failure::file("make", &path, &e))?;
            Ok(path)
        };
        let (mut before, mut problems, mut kept) = (None, Vec::new(), 0);
        let steps = flags.steps.to_string();
        let each = flags.each.to_string();
        let last = kernels.len();
        met.digest = None;
        for (turn, kernel) in kernels.iter().chain(kernels.first()).enumerate() {
            let mut host = trial::machine(
                kernel.clone(),
                CPU,
                LIMIT.0 + LIMIT.1 * u32::try_from(flags.steps).unwrap_or(u32::MAX),
            );
            let mut jobs: Vec<(Vec<&str>, Due)> = Vec::new();
            let own = disk(turn)?;
            if turn < last {
                let sweep = ["--steps", &steps, "--each", &each, "--into", "/dev/vda"];
                jobs.push((self.job(&sweep), Due::Moved(flags.steps)));
                if !self.calls && !hands_calls_out(&kernel.version) {
                    jobs.push((vec!["moments", ANSWERED, CALLS], Due::Refused));
                }
            }
            host.kept.push(own.clone());
            if let Some(before) = before.replace(own) {
                host.kept.push(before);
                jobs.push((self.job(&["--from", "/dev/vdb"]), Due::Restored(kept)));
            }
            let lines: Vec<Vec<&str>> = jobs.iter().map(|(job, _)| job.clone()).collect();
            let errand = Errand {
                program: program.to_owned(),
                with: [LOCK, ANSWERED].map(str::to_owned).to_vec(),
                ..bench.errand(CPU, &kernel.asked, &lines)
            };
            let outcome = bench.run(&host, &[&errand])?;
            say(format_args!(
                "Linux {}: {} s to boot",
                kernel.version,
                outcome.booted.as_secs()
            ));
            for ((job, due), ended) in jobs.iter().zip(&outcome.jobs) {
                let what = job.iter().skip(1).copied().collect::<Vec<_>>().join(" ");
                let place = format!("Linux {}, {what}", kernel.version);
                match judged(ended, *due, extra_may_come(&kernel.version), met) {
                    Ok((words, files)) => {
                        tell(format_args!("{place}: {words}"))?;
                        if let Due::Moved(_) = due {
                            kept = files;
                        }
                    }
                    Err(why) => {
                        // At once too: the next host takes minutes.
                        say(format_args!("{place}: {why}"));
                        problems.push(format!("{place}: {why}"));
                    }
                }
            }
        }
        Ok(problems)
    }
}

/// What was met on the way.
#[derive(Default)]
struct Met {
    /// The kinds of moments that guests were kept at, which the next kernel restored.
    carried: BTreeSet<String>,
    /// Those of the guests that the next kernel is to restore.
    kept: BTreeSet<String>,
    /// What all of a lock's guests see, wherever they are.
    digest: Option<String>,
}

impl Met {
    /// A job came to that; what is wrong with it.
    fn with(&mut self, tally: &Value, due: Due) -> Option<String> {
        let kinds = |of: &str| {
            let kinds = tally[of].as_object().into_iter().flatten();
            kinds.map(|(kind, _)| kind.clone()).collect::<BTreeSet<_>>()
        };
        match due {
            Due::Moved(_) => self.kept = kinds("kept"),
            Due::Restored(_) => self.carried.append(&mut self.kept),
            Due::Refused => {}
        }
        let met = kinds("kinds");
        if let Some(kind) = met.difference(&self.kept).next()
            && let Due::Moved(_) = due
        {
            return Some(format!("no guest was kept that was saved with {kind}"));
        }
        let digest = tally["digest"].as_str().unwrap_or_default();
        let first = self.digest.get_or_insert_with(|| digest.to_owned());
        match digest.starts_with("sha256-") && first == digest {
            true => None,
            false => Some(format!(
                "the guests see what has digest {digest:?}, and those before {first:?}"
            )),
        }
    }
}

/// Whether that kernel injects a mapped level interrupt once more that is active with its line up as its vCPU is entered,
/// and whose line is lowered before it is deactivated: so does every one before Linux 5.15 (commit 3134cc8beb69, "KVM:
/// arm64: vgic: Resample HW pending state on deactivation"). That this is why is not measured: docs/saves.md.
fn extra_may_come(version: &str) -> bool {
    series(version).is_some_and(|series| series < (5, 15))
}

/// Whether that kernel lets the runner answer firmware's calls: KVM_ARM_VM_SMCCC_FILTER is of Linux 6.4. Of one whose version
/// cannot be read that is required.
fn hands_calls_out(version: &str) -> bool {
    series(version).is_none_or(|series| series >= (6, 4))
}

fn series(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.split(['.', '-']).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// What a job is to have done.
#[derive(Clone, Copy)]
enum Due {
    /// So many moves, and some guests kept.
    Moved(u64),
    /// Nothing, in the words of a host whose kernel keeps calls to itself.
    Refused,
    /// As many guests restored as were kept; each of them audited, as each that is kept is.
    Restored(u64),
}

impl Due {
    /// Whether that is what was done.
    fn is(self, moves: u64, files: u64, audited: u64) -> bool {
        let done = match self {
            Self::Moved(due) => moves == due && files > 0,
            Self::Refused => false,
            Self::Restored(kept) => kept > 0 && files == kept,
        };
        done && audited == files
    }
}

/// What a job says in words with how many guests it kept or restored, or what is wrong, also beside what was `met` before.
/// The timer may interrupt the guest without a cause where `extra_may_come`.
fn judged(
    ended: &Ended,
    due: Due,
    extra_may_come: bool,
    met: &mut Met,
) -> std::result::Result<(String, u64), String> {
    let errors = String::from_utf8_lossy(&ended.stderr);
    if let Due::Refused = due {
        let named = NAMED.iter().all(|words| errors.contains(words));
        return match (ended.code, named) {
            (REFUSED, true) => Ok((
                "refused: this kernel turns vCPUs on itself, with another ACTLR_EL1".to_owned(),
                0,
            )),
            (code, _) => Err(format!(
                "code {code}, where the host has to be refused for {NAMED:?}: {}",
                errors.trim_end()
            )),
        };
    }
    let Ok(tally) = serde_json::from_slice::<Value>(&ended.stdout) else {
        return Err(format!("code {}: {}", ended.code, errors.trim_end()));
    };
    let counted = |of: &str| {
        let kinds = tally[of].as_object().into_iter().flatten();
        let kinds: Vec<String> = kinds
            .map(|(kind, count)| format!("{count} {kind}"))
            .collect();
        kinds.join(", ")
    };
    let count = |of: &str| tally[of].as_u64().unwrap_or(0);
    let (moves, files, audited) = (count("moves"), count("files"), count("audited"));
    let words = format!(
        "{} moves, {} files, {} s; sum {}; {audited} audited, digest {}; interrupts without a cause {} (CNTV_CTL_EL0 {}), of a guest that nobody saved {} \
         (CNTV_CTL_EL0 {}), more than that {}, less {}; PSTATE.SS left {} times; tried again {} times; {}; of the files {}",
        tally["moves"],
        tally["files"],
        tally["milliseconds"].as_u64().unwrap_or(0) / 1000,
        tally["sum"].as_str().unwrap_or("none"),
        tally["digest"].as_str().unwrap_or("none"),
        tally["spurious"],
        tally["spuriousControl"],
        tally["spuriousUnsaved"],
        tally["spuriousControlUnsaved"],
        tally["onceMore"],
        tally["onceLess"],
        tally["stepsLeft"],
        tally["triedAgain"],
        counted("kinds"),
        counted("kept"),
    );
    let problems = tally["problems"].as_array().into_iter().flatten();
    let problems: Vec<&str> = problems.filter_map(Value::as_str).collect();
    let extra = ["spurious", "spuriousUnsaved"].map(|of| tally[of].as_u64());
    if !extra_may_come && extra != [Some(0); 2] {
        return Err(format!(
            "{words}: the timer interrupted the guest although it was off or not due, which Linux does not do from 5.15 \
             on; {}",
            problems.join("; ")
        ));
    }
    // Each restored guest finds at most one more than one that nobody saved.
    if let Due::Restored(_) = due
        && count("spurious") > files * (count("spuriousUnsaved") + 1)
    {
        return Err(format!(
            "{words}: more interrupts without a cause than one for each guest"
        ));
    }
    let other = met.with(&tally, due);
    match (ended.code, &problems[..]) {
        (OK, []) if !due.is(moves, files, audited) => {
            Err(format!("{words}: that is not all that was to be done"))
        }
        (OK, []) if let Some(other) = other => Err(format!("{words}: {other}")),
        (OK, []) => Ok((words, files)),
        (FINDINGS, [_, ..]) => Err(format!("{words}: {}", problems.join("; "))),
        (code, _) => Err(format!("{words}: code {code}: {}", errors.trim_end())),
    }
}

#[cfg(test)]
mod tests {
    use super::{Due, Met, REFUSED, extra_may_come, hands_calls_out, judged};
    use crate::emulate::Ended;
    use crate::failure::{FINDINGS, OK};
    use serde_json::{Value, json};

    fn tally() -> Value {
        json!({
            "moves": 3, "kinds": {"a level line up": 2}, "triedAgain": 0, "stepsLeft": 0, "spurious": 0,
            "spuriousUnsaved": 0, "spuriousControl": 0, "spuriousControlUnsaved": 0, "onceMore": [], "onceLess": [],
            "files": 1, "kept": {"a level line up": 1}, "audited": 1, "digest": "sha256-1", "sum": "0x1", "problems": [], "milliseconds": 1500,
        })
    }

    fn ended(code: u8, tally: &Value) -> Ended {
        Ended {
            code,
            stdout: tally.to_string().into_bytes(),
            stderr: b"why".to_vec(),
        }
    }

    #[test]
    fn a_guest_that_comes_to_the_same_is_good_and_its_moments_are_counted() {
        let mut met = Met::default();
        let (words, files) =
            judged(&ended(OK, &tally()), Due::Moved(3), false, &mut met).expect("nothing is wrong");
        assert_eq!(files, 1);
        assert!(
            words.starts_with("3 moves, 1 files, 1 s; sum 0x1"),
            "{words}"
        );
        assert!(met.carried.is_empty());
        let mut restored = tally();
        restored["kept"] = json!({});
        let due = Due::Restored(1);
        assert!(judged(&ended(OK, &restored), due, false, &mut met).is_ok());
        let carried: Vec<String> = met.carried.iter().cloned().collect();
        assert_eq!(carried, ["a level line up"]);
        // Elsewhere they see something else, or nothing.
        for digest in ["sha256-2", ""] {
            restored["digest"] = digest.into();
            let why = judged(&ended(OK, &restored), due, false, &mut met);
            assert!(why.expect_err("a digest differs").contains("those before"));
        }
    }

    #[test]
    fn each_kind_of_moment_that_was_met_is_among_those_that_are_kept() {
        let mut other = tally();
        other["kinds"] = json!({"a level line up": 2, "CPU_ON in flight": 1});
        let why = judged(
            &ended(OK, &other),
            Due::Moved(3),
            false,
            &mut Met::default(),
        );
        let why = why.expect_err("none of a kind is kept");
        assert!(why.contains("saved with CPU_ON in flight"), "{why}");
    }

    #[test]
    fn a_guest_that_comes_to_something_else_is_a_problem_whatever_the_code() {
        let mut other = tally();
        other["problems"] = json!(["the guest came to [1], and one that nobody saved to [2]"]);
        for code in [OK, FINDINGS] {
            let why = judged(
                &ended(code, &other),
                Due::Moved(3),
                true,
                &mut Met::default(),
            );
            let why = why.expect_err("a sum differs");
            assert!(code == OK || why.contains("the guest came to [1]"), "{why}");
        }
        let failed = judged(
            &ended(FINDINGS, &tally()),
            Due::Moved(3),
            true,
            &mut Met::default(),
        );
        assert!(failed.is_err(), "findings that nobody names");
        let silent = Ended {
            stdout: Vec::new(),
            ..ended(2, &tally())
        };
        let why = judged(&silent, Due::Moved(3), true, &mut Met::default());
        assert_eq!(why.expect_err("no tally"), "code 2: why");
    }

    #[test]
    fn who_did_less_than_was_due_is_a_problem() {
        let of = |due, moves: u64, files: u64| {
            let mut tally = tally();
            tally["moves"] = moves.into();
            tally["files"] = files.into();
            tally["audited"] = files.into();
            judged(&ended(OK, &tally), due, false, &mut Met::default()).is_ok()
        };
        assert!(of(Due::Moved(3), 3, 1) && !of(Due::Moved(3), 2, 1));
        assert!(!of(Due::Moved(3), 3, 0) && !of(Due::Moved(3), 0, 0));
        assert!(!of(Due::Refused, 0, 0));
        assert!(of(Due::Restored(2), 0, 2) && !of(Due::Restored(2), 0, 1));
        assert!(!of(Due::Restored(0), 0, 0));
        let mut unseen = tally();
        unseen["audited"] = 0.into();
        let seen = judged(
            &ended(OK, &unseen),
            Due::Moved(3),
            false,
            &mut Met::default(),
        );
        assert!(seen.is_err(), "nobody audited what is kept");
    }

    #[test]
    fn a_kernel_that_keeps_calls_to_itself_has_to_refuse_by_name() {
        let of = |code, errors: &str| {
            let ended = Ended {
                code,
                stdout: Vec::new(),
                stderr: errors.as_bytes().to_vec(),
            };
            judged(&ended, Due::Refused, true, &mut Met::default()).is_ok()
        };
        let words = "ACTLR_EL1 at entry: the kernel puts it back whenever the guest starts a vCPU";
        assert!(of(REFUSED, words));
        assert!(!of(REFUSED, "memory: too little") && !of(OK, words) && !of(FINDINGS, words));
        let hands = [
            "5.10.251", "6.1", "6.3.13", "6.4", "6.12.9", "7.3", "unknown",
        ];
        assert_eq!(
            hands.map(hands_calls_out),
            [false, false, false, true, true, true, true]
        );
    }

    #[test]
    fn more_than_one_interrupt_without_a_cause_for_a_restored_guest_is_a_problem() {
        let of = |spurious: u64| {
            let mut tally = tally();
            tally["moves"] = 0.into();
            tally["spuriousUnsaved"] = 3.into();
            tally["spurious"] = spurious.into();
            judged(
                &ended(OK, &tally),
                Due::Restored(1),
                true,
                &mut Met::default(),
            )
            .is_ok()
        };
        assert!(of(4) && !of(5));
    }

    #[test]
    fn an_interrupt_without_a_cause_is_allowed_before_linux_5_15_alone() {
        let mut extra = tally();
        extra["spurious"] = json!(2);
        let of = |version| {
            let may = extra_may_come(version);
            judged(&ended(OK, &extra), Due::Moved(3), may, &mut Met::default()).is_ok()
        };
        let allowed = [
            "5.10",
            "5.10.251",
            "5.14.21-x",
            "5.15",
            "5.15.0-rc1",
            "6.1.9",
            "7.3",
            "unknown",
        ];
        assert_eq!(
            allowed.map(of),
            [true, true, true, false, false, false, false, false]
        );
        extra["spurious"] = Value::Null;
        assert!(
            judged(
                &ended(OK, &extra),
                Due::Moved(3),
                false,
                &mut Met::default()
            )
            .is_err()
        );
    }
}
