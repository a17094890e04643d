//! What came of a guest in each host: whether all of it arrived, an audit sees the same machine, and `vmlock explain` says
//! what it is.

use super::live::Over;
use super::needs::Needs;
use super::peer::Heard;
use crate::emulate::Ended;
use crate::failure::OK;
use serde_json::Value;

/// How the runner ends whose guest was saved, or whose saved guest is not whole; and its words for that, since much else ends
/// it so.
pub const SAVED: u8 = 143;
const NOT_WHOLE: u8 = 4;
const REFUSED: [&str; 2] = ["the saved guest `", "` cannot be restored: "];

/// One host's part of the chain.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    /// Which host, in words.
    pub place: String,
    /// How the job ended.
    pub ended: Ended,
    /// What `vmlock explain` says of the guest that was saved there, for programs and for people.
    pub explained: Option<(Value, String)>,
    /// Digests of the guest's disks once the host was off.
    pub disks: Vec<String>,
    /// What its peer had heard by then, if it has one.
    pub heard: Heard,
    /// Whether it is handed over while it runs, and not saved.
    pub live: bool,
}

impl Stop {
    /// What the script found.
    fn found(&self) -> Vec<String> {
        found(&self.ended)
    }

    /// What stands behind the first of its lines that begins so.
    fn after(&self, start: &str) -> Option<String> {
        let found = self.found();
        let mut rests = found.iter().filter_map(|line| line.strip_prefix(start));
        rests.next().map(|rest| rest.trim().to_owned())
    }

    /// Bytes of the guest that was saved there; none where none was.
    pub fn saved(&self) -> u64 {
        saved(&self.ended)
    }

    /// What the audit of the running guest came to: its code, the digest, and how much was looked at and how much not.
    pub fn audit(&self) -> Option<String> {
        self.after("audit ")
    }

    /// How it was handed over to the next host.
    pub fn over(&self) -> Option<Over> {
        Over::read(&self.after("over ")?)
    }

    /// How long its parts took, in words.
    pub fn times(&self) -> String {
        let found = self.found();
        let times = found.iter().filter_map(|line| line.strip_prefix("took "));
        times.collect::<Vec<_>>().join(", ")
    }

    /// Everything that was said there, for a problem.
    fn said(&self) -> String {
        let [words, console] =
            [&self.ended.stderr, &self.ended.stdout].map(|text| String::from_utf8_lossy(text));
        format!("{}\n{}", words.trim_end(), console.trim_end())
    }
}

/// What a host's script found.
pub fn found(ended: &Ended) -> Vec<String> {
    let words = String::from_utf8_lossy(&ended.stderr);
    let lines = words
        .lines()
        .filter_map(|line| line.strip_prefix("carry: "));
    lines.map(str::to_owned).collect()
}

/// Bytes of the guest that a host's script saved; none where it saved none.
pub fn saved(ended: &Ended) -> u64 {
    let found = found(ended);
    let mut said = found.iter().filter_map(|line| line.strip_prefix("saved "));
    said.next().and_then(|n| n.trim().parse().ok()).unwrap_or(0)
}

/// How an audit begins that found what the lock says, in the script's words.
const AUDITED: &str = "0 digest sha256-";

/// What stands before all that the guest says, and behind what went on in a round.
const GUEST: &str = "vmlock guest: ";
const WENT_ON: &str = " went on, ";
/// What stands at the end of such a line, before how often.
const COPY: &str = ", a copy ";

/// What a Debian says once it is up.
const UP: &str = "multi-user is active, 0 units failed";

/// What is wrong with a guest that was at these stops, of `hosts`.
pub fn problems(needs: &Needs, hosts: usize, stops: &[Stop]) -> Vec<String> {
    let mut problems = Vec::new();
    if hosts < 2 {
        problems.push(format!("{hosts} hosts are no way to go"));
    }
    problems.extend(at_stops(needs, hosts, stops));
    if stops.len() != hosts {
        problems.push(format!("it came to {} of {hosts} hosts", stops.len()));
    }
    let text = |stop: &Stop| String::from_utf8_lossy(&stop.ended.stdout).into_owned();
    let console: String = stops.iter().map(text).collect();
    problems.extend(lost(&needs.goes_on(), &console));
    let up = format!("{GUEST}{UP}");
    if needs.debian && !console.lines().any(|line| line.trim() == up) {
        problems.push(format!("its Debian does not say `{UP}`"));
    }
    if let Some(stop) = stops.last().filter(|_| needs.talks()) {
        problems.extend(unheard(&stop.heard, &console));
    }
    problems
}

/// What is wrong at these stops, however many more there were to be.
pub fn at_stops(needs: &Needs, hosts: usize, stops: &[Stop]) -> Vec<String> {
    let mut problems = Vec::new();
    let mut counter = 0;
    let mut earlier = 0;
    let first = stops.first().and_then(Stop::audit);
    for (turn, stop) in stops.iter().enumerate() {
        let is_last = turn + 1 == hosts;
        let mut expect = |holds: bool, what: String| {
            if !holds {
                problems.push(format!("{}: {what}", stop.place));
            }
        };
        let wanted = if is_last { OK } else { SAVED };
        let code = stop.ended.code;
        expect(
            code == wanted,
            format!(
                "it ended with code {code} and not {wanted}:\n{}",
                stop.said()
            ),
        );
        let audit = stop.audit();
        expect(
            audit.as_ref().is_some_and(|said| said.starts_with(AUDITED)),
            format!(
                "the audit of the running guest does not find what its lock says: {audit:?}:\n{}",
                stop.said()
            ),
        );
        expect(
            audit == first,
            format!("the audit of the running guest sees {audit:?}, and at first it was {first:?}"),
        );
        let before = turn.checked_sub(1).and_then(|before| stops.get(before));
        if let Some(before) = before.filter(|_| !stop.live) {
            let found = stop.found();
            let held: Vec<&str> = found
                .iter()
                .filter_map(|line| line.strip_prefix("holds ")?.split(' ').nth(1))
                .collect();
            expect(
                held == before.disks,
                "its disks are not what the last host's guest left".to_owned(),
            );
            let turned = stop.after("turned ").and_then(|code| code.parse().ok());
            let refused = found.iter().filter(|line| {
                line.starts_with("refused ") && REFUSED.iter().all(|words| line.contains(words))
            });
            expect(
                turned == Some(NOT_WHOLE) && refused.count() == 1,
                format!(
                    "a saved guest of which one byte is another one: {turned:?}:\n{}",
                    stop.said()
                ),
            );
        }
        let hears = format!("{GUEST}hears 'host {}'", turn + 1);
        let text = String::from_utf8_lossy(&stop.ended.stdout);
        let began = format!("{GUEST}round ");
        let mut lines = text.lines().map(str::trim);
        if lines.any(|line| line == hears) {
            let round = lines.find(|line| line.starts_with(&began) && line.contains(WENT_ON));
            expect(
                round.is_some(),
                "no round of the guest began and ended there".to_owned(),
            );
            // Its kernel says so where the interrupt came and the id is another one than before.
            let copies = if stop.live { 0 } else { turn };
            let copy = format!("{COPY}{copies} times");
            expect(
                !needs.generation || round.is_none_or(|line| line.ends_with(&copy)),
                format!(
                    "the guest's kernel should know {copies} times that it is a copy: {round:?}"
                ),
            );
        } else {
            expect(
                false,
                "the guest does not hear what its console is told".to_owned(),
            );
        }
        expect(
            !needs.talks() || stop.heard.lines > earlier,
            format!("its peer heard {earlier} lines before, and no more there"),
        );
        earlier = stop.heard.lines;
        // The peer keeps the first thing that was wrong.
        let known = turn > 0 && stops[turn - 1].heard.wrong.is_some();
        if let Some(what) = stop.heard.wrong.as_ref().filter(|_| !known) {
            expect(false, format!("its peer says: {what}"));
        }
        match &stop.explained {
            Some((object, words)) => {
                let kernel = stop.after("kernel ").unwrap_or_default();
                for what in unexplained(needs, &object["saved"], counter, words, &kernel) {
                    expect(false, format!("`vmlock explain` {what}:\n{words}"));
                }
                counter = object["saved"]["virtualCounter"].as_u64().unwrap_or(0);
            }
            None if stop.live => {
                let over = stop.over();
                // All of its memory goes over in the first round.
                let is_over = over.is_some_and(|over| over.rounds[0] > over.rest);
                expect(
                    is_over != is_last,
                    format!("it was to be handed over while it runs:\n{}", stop.said()),
                );
            }
            None => expect(is_last, "no guest was saved".to_owned()),
        }
    }
    problems
}

/// What `vmlock explain` does not say as it is, of a guest that was saved on that kernel after that time.
fn unexplained(
    needs: &Needs,
    saved: &Value,
    counter: u64,
    words: &str,
    kernel: &str,
) -> Vec<String> {
    let mut missing = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            missing.push(what);
        }
    };
    expect(
        saved["name"] == needs.name,
        format!("does not name `{}`", needs.name),
    );
    expect(
        saved["vcpus"] == needs.vcpus,
        format!("does not say {} vCPUs", needs.vcpus),
    );
    expect(
        saved["memory"] == needs.memory,
        format!("does not say {} bytes of memory", needs.memory),
    );
    let sections = saved["sections"].as_array();
    let names: Vec<&str> = sections
        .into_iter()
        .flatten()
        .filter_map(|section| section["name"].as_str())
        .collect();
    for section in needs.sections() {
        expect(
            names.contains(&section.as_str()),
            format!("names no section `{section}`"),
        );
    }
    expect(
        saved["virtualCounter"]
            .as_u64()
            .is_some_and(|now| now > counter),
        format!("says no later CNTVCT_EL0 than {counter}"),
    );
    expect(
        !kernel.is_empty() && words.contains(&format!("Linux {kernel}")),
        format!("does not say that it was saved on Linux {kernel}"),
    );
    missing
}

/// What its peer did not hear as the guest said it: all over one connection, to its end.
fn unheard(heard: &Heard, console: &str) -> Vec<String> {
    let said = format!("{GUEST}said {} lines", heard.lines);
    let mut problems = Vec::new();
    if heard.connections != 1 || !heard.closed {
        let closed = if heard.closed { "" } else { "not " };
        problems.push(format!(
            "its peer heard of it over {} connections, and the last was {closed}closed",
            heard.connections
        ));
    }
    if !console.lines().any(|line| line.trim() == said) {
        problems.push(format!(
            "its peer heard {} lines, and it says of no such number that all came back",
            heard.lines
        ));
    }
    problems
}

/// What the guest lost on its way, by its console from the first host to the last; and whether just these went on in each round.
fn lost(goes_on: &[String], console: &str) -> Vec<String> {
    let mut problems = Vec::new();
    let said: Vec<&str> = console
        .lines()
        .filter_map(|line| Some(line.trim().split_once(GUEST)?.1))
        .collect();
    let wrong = said.iter().filter(|line| line.starts_with("WRONG: "));
    problems.extend(wrong.map(|line| format!("the guest says: {line}")));
    let rounds: Vec<(&str, &str, &str)> = said
        .iter()
        .filter_map(|line| {
            let (round, rest) = line.strip_prefix("round ")?.split_once(" of boot ")?;
            let (boot, rest) = rest.split_once(':')?;
            Some((round, boot, rest.split_once(WENT_ON)?.0))
        })
        .collect();
    let in_order = rounds
        .iter()
        .zip(1..)
        .all(|((round, ..), wanted): (_, usize)| *round == wanted.to_string());
    if rounds.is_empty() || !in_order {
        let rounds: Vec<&str> = rounds.iter().map(|(round, ..)| *round).collect();
        problems.push(format!(
            "its rounds do not follow each other: {}",
            rounds.join(", ")
        ));
    }
    let mut rounds_of_others = rounds
        .iter()
        .filter(|(.., went)| !went.split_whitespace().eq(goes_on));
    if let Some((round, _, went)) = rounds_of_others.next() {
        problems.push(format!(
            "in round {round} went on:{went}; and not just: {}",
            goes_on.join(" ")
        ));
    }
    if rounds.windows(2).any(|two| two[0].1 != two[1].1) {
        problems.push("it was booted once more".to_owned());
    }
    if !said
        .iter()
        .any(|line| line.starts_with("powering off after "))
    {
        problems.push("it did not power off in the last host".to_owned());
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn needs() -> Needs {
        Needs {
            name: "carried".to_owned(),
            vcpus: 1,
            memory: 1 << 20,
            devices: vec!["data".to_owned()],
            disks: vec![("data.img".to_owned(), 1 << 20)],
            taps: vec!["tap0".to_owned()],
            random: true,
            sve: true,
            pauth: true,
            generation: true,
            ..Needs::default()
        }
    }

    fn stops() -> Vec<Stop> {
        let stop = |turn: usize, code, words: &str, console: &str| Stop {
            place: format!("host {}", turn + 1),
            ended: Ended {
                code,
                stdout: console.as_bytes().to_vec(),
                stderr: words.as_bytes().to_vec(),
            },
            explained: None,
            disks: vec![format!("digest{turn}")],
            heard: Heard {
                connections: 1,
                lines: turn as u64 + 70,
                closed: turn == 1,
                wrong: None,
            },
            live: false,
        };
        let sections = [
            "lock",
            "machine",
            "vcpu.0",
            "gic",
            "lines",
            "device.data",
            "memory",
        ];
        let object = json!({ "saved": {
            "name": "carried", "vcpus": 1, "memory": 1 << 20, "virtualCounter": 7,
            "sections": sections.map(|name| json!({ "name": name })),
        } });
        let mut first = stop(
            0,
            SAVED,
            "carry: kernel 5.10.0-x\ncarry: audit 0 digest sha256-ab 900 facts seen, not looked at, as a whole or in part: 30 promises\ncarry: holds /dev/vdb zero\nother\ncarry: saved 4096\ncarry: took a 1 s\n",
            "vmlock guest: hears 'host 1'\r\nvmlock guest: round 1 of boot abc: cpu0 sve0 pauth0 disk pings lines random ticks0 went on, up, a copy 0 times\r\nvmlock guest: rou",
        );
        first.explained = Some((object, "saved on  Linux 5.10.0-x, by vmlock".to_owned()));
        let second = stop(
            1,
            OK,
            "carry: kernel 7.3\ncarry: audit 0 digest sha256-ab 900 facts seen, not looked at, as a whole or in part: 30 promises\ncarry: holds /dev/vdb digest0\ncarry: turned 4\ncarry: refused vmlock-run: the saved guest `a` cannot be restored: b\n",
            "nd 2 of boot abc: cpu0 sve0 pauth0 disk pings lines random ticks0 went on, up, a copy 1 times\r\nvmlock guest: hears 'host 2'\r\nvmlock guest: round 3 of boot abc: cpu0 sve0 pauth0 disk pings lines random ticks0 went on, up, a copy 1 times\r\nvmlock guest: said 71 lines\r\nvmlock guest: powering off after 3 rounds\r\n",
        );
        vec![first, second]
    }

    #[test]
    fn a_guest_that_lost_nothing_is_good() {
        assert_eq!(problems(&needs(), 2, &stops()), Vec::<String>::new());
        assert_eq!((stops()[0].saved(), stops()[1].saved()), (4096, 0));
        assert_eq!(stops()[0].times(), "a 1 s");
    }

    #[test]
    fn one_that_is_handed_over_while_it_runs_is_no_copy_and_has_no_file() {
        let alter = |stop: &mut Stop, from: &str, to: &str| {
            for text in [&mut stop.ended.stdout, &mut stop.ended.stderr] {
                let altered = String::from_utf8_lossy(text).replace(from, to);
                *text = altered.into_bytes();
            }
        };
        let over = "carry: over 0 the guest runs at its other end, after 4 ms at rest, and its runner here ends of its memory rounds of 900 KiB went over while it ran, and 8 KiB while it rested\n";
        let mut live = stops();
        for stop in &mut live {
            stop.live = true;
            stop.explained = None;
            alter(stop, "a copy 1", "a copy 0");
        }
        alter(&mut live[0], "carry: saved 4096\n", over);
        alter(&mut live[1], "carry: turned 4\n", "");
        assert_eq!(problems(&needs(), 2, &live), Vec::<String>::new());
        let found = |change: &dyn Fn(&mut Vec<Stop>)| {
            let mut stops = live.clone();
            change(&mut stops);
            problems(&needs(), 2, &stops).len()
        };
        assert_eq!(found(&|s| alter(&mut s[0], "over 0", "over 4")), 1);
        assert_eq!(found(&|s| alter(&mut s[0], "of 900", "of 7")), 1);
        assert_eq!(found(&|s| alter(&mut s[0], over, "")), 1);
        assert_eq!(
            found(&|s| alter(&mut s[1], "carry: kernel", &format!("{over}carry: kernel"))),
            1
        );
        assert_eq!(found(&|s| alter(&mut s[1], "copy 0", "copy 1")), 1);
        assert_eq!(found(&|s| alter(&mut s[1], "sha256-ab", "sha256-cd")), 1);
        assert_eq!(found(&|s| s[0].ended.code = 0), 1);
    }

    #[test]
    fn what_is_lost_or_not_said_is_found() {
        let count = |change: &dyn Fn(&mut Vec<Stop>)| {
            let mut stops = stops();
            change(&mut stops);
            problems(&needs(), 2, &stops).len()
        };
        let says = |stop: &mut Stop, from: &str, to: &str| {
            let text = String::from_utf8_lossy(&stop.ended.stdout).replace(from, to);
            stop.ended.stdout = text.into_bytes();
            let text = String::from_utf8_lossy(&stop.ended.stderr).replace(from, to);
            stop.ended.stderr = text.into_bytes();
        };
        assert_eq!(count(&|s| says(&mut s[1], "nd 2", "nd 4")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "boot abc", "boot abd")), 1);
        assert_eq!(
            count(&|s| says(&mut s[1], "hears", "WRONG: x\nvmlock guest: hears")),
            1
        );
        assert_eq!(count(&|s| says(&mut s[1], "sha256-ab", "sha256-cd")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "900 facts", "899 facts")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "30 prom", "31 prom")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "audit 0", "audit 1")), 2);
        let deaf = |s: &mut Vec<Stop>| s.iter_mut().for_each(|s| says(s, "audit 0", "heard 0"));
        assert_eq!(count(&deaf), 2);
        assert_eq!(count(&|s| says(&mut s[1], "turned 4", "turned 0")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "cannot be", "must be")), 1);
        for what in needs().goes_on() {
            let gone = |stop: &mut Stop| says(stop, &format!(" {what} "), " ");
            assert_eq!(count(&|s| gone(&mut s[1])), 1, "{what}");
        }
        assert_eq!(count(&|s| says(&mut s[1], " disk", " disk tape")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "round 3", "turn 3")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "digest0", "digest9")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "copy 1", "copy 0")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "copy 1", "copy 2")), 1);
        assert_eq!(count(&|s| says(&mut s[0], "copy 0", "copy 1")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "powering", "sleeping")), 1);
        assert_eq!(count(&|s| says(&mut s[0], "kernel 5", "kernel 6")), 1);
        assert_eq!(count(&|s| says(&mut s[1], "said 71", "said 72")), 1);
        assert_eq!(count(&|s| s[1].heard.connections = 2), 1);
        assert_eq!(count(&|s| s[1].heard.closed = false), 1);
        assert_eq!(count(&|s| s[1].heard.wrong = Some("x".to_owned())), 1);
        assert_eq!(count(&|s| s[0].heard.lines = 0), 1);
        assert_eq!(count(&|s| s[0].heard.lines = 71), 1);
        assert_eq!(count(&|s| s[1].ended.code = 11), 1);
        assert_eq!(count(&|s| s[0].explained = None), 1);
        for name in ["name", "vcpus", "memory", "virtualCounter"] {
            let spoil = |stop: &mut Stop| {
                let (object, _) = stop.explained.as_mut().expect("explained");
                object["saved"][name] = Value::Null;
            };
            assert_eq!(count(&|s| spoil(&mut s[0])), 1, "{name}");
        }
        assert!(problems(&needs(), 1, &stops()[1..]).len() > 1);
        let debian = Needs {
            debian: true,
            disks: vec![Default::default(); 2],
            ..needs()
        };
        let mut up = stops();
        assert_eq!(problems(&debian, 2, &up).len(), 2);
        up.iter_mut()
            .for_each(|stop| says(stop, " random ", " random services "));
        says(
            &mut up[0],
            "vmlock guest: hears",
            "vmlock guest: multi-user is active, 0 units failed\r\nvmlock guest: hears",
        );
        assert_eq!(problems(&debian, 2, &up), Vec::<String>::new());
        // Where the second host is never reached, the guest is neither heard nor switched off.
        assert!(count(&|s| s.truncate(1)) >= 2);
    }
}
