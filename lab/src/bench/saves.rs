//! Guests paused, saved and restored, by vmlock-run and by QEMU in turn in one boot of one host; and a copy of the saved
//! guest's file by `dd`.
//!
//! The host has one CPU, so that its clock counts all that it costs, whoever pays for it. Its disk is memory (tmpfs), so
//! nobody waits for a device, and syncing is a call that finds nothing to do. QEMU saves in both of its ways, as a stream of pages and with
//! each page at its place (`mapped-ram`), and the faster one counts. A guest that QEMU saves stands still, as ours does.

pub mod inside;
mod qmp;

use super::devices::counters::Calls;
use super::peer::{self, Peer};
use super::{Bench, DIR, LIMIT, MIB, Measure, OURS, Phases, Place, THEIRS, Vm, guest, median};
use crate::cache;
use crate::emulate::{Files, Job};
use crate::failure::{Failure, Result, say};
use crate::guest as debian;
use crate::job;
use inside::{Before, Guest, Hands, How, Measured, Order, Seen};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

/// CPU of the host.
const CPU: &str = "neoverse-n1";
/// Memory of the host, in MiB: more than its largest guest, of which little is touched.
const MEMORY: u32 = 6144;
/// How long the guests of a round may take.
const ROUND: Duration = Duration::from_secs(600);

/// What a save of a guest without an empty page takes of the time of `dd` for its file, at most: each byte is digested twice.
const SAVE: f64 = 3.0;
/// How long a guest that is paused and resumed stands still, as a part of QEMU's time.
const PAUSE: f64 = 1.0;
/// What a guest with sixteen times the memory takes until its first instruction, where no more is in it: system calls and page
/// faults, which are to be equal. They are counted in each round, and the fewest of all rounds are compared, of each call by itself:
/// what a restore needs it needs each time, and what chance adds (who runs first on the only CPU, who finds a lock taken, whether a
/// page was there already) it only adds. Of two guests with the same memory one had 2 page faults in 710 and 10 calls in 1336 more
/// than the other. What its file says of its memory is longer, 40 bytes for each 2 MiB, and is read in pieces of 128 KiB, of
/// which all is touched whatever is read. Before, it was 22 faults more in each round, which the fewest show as well.
const SIZE: f64 = 1.0;
/// The same of time, which is only equal but for chance.
const TIME: f64 = 1.1;
/// Part of QEMU's time from the start of the process to the first instruction of a guest that is restored, whether the host has
/// proven its lock before or does it then. Ours says it right before, the witness has looked at the guest by then; of QEMU it is
/// the guest's first byte, a few instructions later. Ours is heard once its memory was checked.
const RESTORE: f64 = 1.0 / 3.0;

/// How long a guest rests that is handed over to another runner of its host, as a part of its save and its restore.
const HANDED: f64 = 0.1;

/// QEMU with each page at its place in the file.
const MAPPED: &str = "qemu, mapped-ram";

/// Guests by name: how much memory each has, and up to where it fills that.
const GUESTS: [(&str, &str, u32); 3] = [
    (FULL, "256MiB", 0x5000_0000),
    (SMALL, "256MiB", 0),
    (LARGE, "4GiB", 0),
];
const FULL: &str = "full";
const SMALL: &str = "small";
const LARGE: &str = "large";

/// What a host has before its guests: counters, and a disk in memory.
const PREPARE: &str = r#"
set -e
mount -t debugfs none /sys/kernel/debug
mkdir -p /bench/disk /run/guests
chmod 700 /run/guests
mount -t tmpfs -o size=2g none /bench/disk
"#;

impl Bench<'_> {
    /// Measures guests that are saved and restored.
    pub(super) fn saves(&self, peer: &Peer) -> Result<Vec<Measure>> {
        say(format_args!(
            "saving and restoring guests with vmlock-run and with QEMU in turn, Linux {} on {CPU}",
            self.kernel.version
        ));
        let scratch = self.cache.scratch()?;
        debian::provide(self.cache, scratch.path(), debian::KERNEL)?;
        let initrd = scratch.path().join(debian::INITRD);
        let mut files = Files::default();
        let ours = job::add_program(&mut files, self.runner)?;
        let lab = job::add_program(&mut files, self.lab)?;
        peer.add(self.cache, &mut files);
        let mut guests = BTreeMap::new();
        for (name, memory, until) in GUESTS {
            let lock = self.compile(name, spec(name, memory).as_bytes(), &scratch)?;
            let vm = Vm::read(&cache::read(&lock)?)?;
            for (place, uart) in [(OURS, vm.uart), (THEIRS, guest::QEMU_UART)] {
                let image = guest::ticking(&self.guest, uart, until)?;
                files.program(&format!("{DIR}/{place}/{}", vm.kernel), image);
                files.copy(&format!("{DIR}/{place}/{}", debian::INITRD), &initrd);
            }
            let inside = format!("{DIR}/{OURS}/{name}.vm.lock.json");
            files.copy(&inside, &lock);
            let own = own(&ours, name, &inside, vm.base);
            let mut of = BTreeMap::from([(OURS.to_owned(), own)]);
            if name != LARGE {
                of.insert(THEIRS.to_owned(), theirs(&vm, name, false));
                of.insert(MAPPED.to_owned(), theirs(&vm, name, true));
            }
            guests.insert(name.to_owned(), of);
        }
        let order = Order {
            guests,
            rounds: self.runs,
            mark: guest::MARK,
        };
        let inside = format!("{DIR}/saves.json");
        files.program(&inside, super::json(&order)?);
        let [linked, prepared] = peer::prepared(PREPARE);
        let jobs = [
            linked,
            prepared,
            Job {
                program: lab,
                args: vec!["bench-saves-inside".to_owned(), inside],
            },
        ];
        let place = Place {
            cpu: CPU,
            cpus: 1,
            memory: MEMORY,
            disks: Vec::new(),
            limit: LIMIT.0 + ROUND * (self.runs + 1),
        };
        let answers = self.in_host(place, &files, &jobs)?;
        let measured: Measured = super::measured(answers.last().map_or(&[], Vec::as_slice))?;
        self.held(peer, &measured)
    }

    /// What was measured, beside its limits.
    fn held(&self, peer: &Peer, measured: &Measured) -> Result<Vec<Measure>> {
        let runs = self.runs as usize;
        let seen = |guest: &str, contender: &str| -> Result<&Seen> {
            let seen = measured.get(guest).and_then(|of| of.get(contender));
            // In every round, or the median is that of others.
            let seen = seen.filter(|seen| {
                let all = [&seen.restores, &seen.heard, &seen.saves];
                let counted = if contender == OURS { runs } else { 0 };
                let before = [seen.before.len(), seen.unproven.len()];
                all.map(Vec::len) == [runs; 3] && before == [counted; 2]
            });
            seen.ok_or_else(|| {
                Failure::environment(format!(
                    "{contender} was not measured each time with the guest {guest}"
                ))
            })
        };
        let host = format!(
            "Linux {} on {CPU}, in turn, medians of {}",
            self.kernel.version, self.runs
        );
        let qemu = format!("QEMU {}", peer.version());
        let [full, small, large] = [seen(FULL, OURS)?, seen(SMALL, OURS)?, seen(LARGE, OURS)?];
        let [streamed, mapped] = [seen(FULL, THEIRS)?, seen(FULL, MAPPED)?];
        let mut measures = vec![Measure::new(
            "save of 256 MiB without an empty page, part of dd's time for its file".to_owned(),
            median(&full.saves) / median(&full.copies),
            "part",
            SAVE,
            format!(
                "{host}, both synced: {} for {:.0} MiB, and {}; of QEMU {} as a stream and {} with mapped-ram, not synced",
                ms(&full.saves),
                full.file.0 as f64 / MIB,
                ms(&full.copies),
                ms(&streamed.saves),
                ms(&mapped.saves),
            ),
        )];
        // QEMU pauses and resumes alike, whichever way it saves.
        let theirs = [seen(SMALL, THEIRS)?, seen(SMALL, MAPPED)?];
        let theirs = theirs.map(|seen| seen.pauses.as_slice()).concat();
        measures.push(Measure::new(
            "a guest paused and resumed at once: how long it says nothing, part of QEMU's time"
                .to_owned(),
            median(&small.pauses) / median(&theirs),
            "part",
            PAUSE,
            format!(
                "{host}: {}, and with {qemu} {}; saved and restored at once, it stands still for {:.1} ms, for {:.1} ms \
                 where no page is empty",
                ms(&small.pauses),
                ms(&theirs),
                (median(&small.saves) + median(&small.restores)) / 1e3,
                (median(&full.saves) + median(&full.restores)) / 1e3,
            ),
        ));
        measures.extend(grown(&host, full, small, large));
        measures.push(handed(&host, "256 MiB with a kernel and an initrd", small)?);
        measures.push(handed(&host, "256 MiB without an empty page", full)?);
        for (name, words) in [
            (SMALL, "256 MiB with a kernel and an initrd"),
            (FULL, "256 MiB without an empty page"),
        ] {
            let (ours, streamed, mapped) =
                (seen(name, OURS)?, seen(name, THEIRS)?, seen(name, MAPPED)?);
            let theirs = median(&streamed.restores).min(median(&mapped.restores));
            measures.push(Measure::new(
                format!(
                    "restore of {words} on a host that has not proven the lock in this boot: first guest instruction, part of \
                     QEMU's time"
                ),
                median(&ours.unproven) / theirs,
                "part",
                RESTORE,
                format!(
                    "{host}: {} and {}: {}",
                    ms(&ours.unproven),
                    ms(&[theirs]),
                    Phases::words(&[Phases::read(&ours.proving)?]),
                ),
            ));
            measures.push(Measure::new(
                format!("restore of {words}: first guest instruction, part of QEMU's time"),
                median(&ours.restores) / theirs,
                "part",
                RESTORE,
                format!(
                    "{host}: {}, and {} until it is heard, since {:.0} MiB on the disk are checked to the last byte before, which QEMU \
                     does not; the first byte of {qemu}'s after {} from a stream, {} with mapped-ram: {}",
                    ms(&ours.restores),
                    ms(&ours.heard),
                    ours.file.1 as f64 / MIB,
                    ms(&streamed.restores),
                    ms(&mapped.restores),
                    Phases::words(&[Phases::read(&ours.words)?]),
                ),
            ));
        }
        Ok(measures)
    }
}

/// How long a guest rests that is handed over, beside its save and its restore.
fn handed(host: &str, what: &str, seen: &Seen) -> Result<Measure> {
    let both = median(&seen.saves) + median(&seen.restores);
    let rests: Vec<String> = seen
        .rests
        .iter()
        .map(|rest| format!("{:.0}", rest / 1e3))
        .collect();
    Ok(Measure::new(
        format!("hand-over of {what} on one host: rest, part of a save and a restore"),
        median(&seen.rests) / both,
        "part",
        HANDED,
        format!(
            "{host}, each handed over several times: at rest for {} ms, and {:.1} ms for a save and a restore of the same guest; \
             its other end brings it to rest within `arrive`: {}",
            rests.join(", "),
            both / 1e3,
            Phases::words(&[Phases::read(&seen.arrived)?]),
        ),
    ))
}

/// The fewest of all rounds.
fn fewest(of: impl Iterator<Item = u64>) -> f64 {
    of.min().map_or(f64::NAN, |fewest| fewest as f64)
}

/// What a restore takes of a guest with sixteen times the memory and the same in it; and what does grow, with what is in it.
fn grown(host: &str, full: &Seen, small: &Seen, large: &Seen) -> [Measure; 3] {
    let sum = |before: &Before| before.calls.values().sum::<u64>();
    let calls = |seen: &Seen| match &seen.before[..] {
        // A round of which nothing was counted says nothing.
        rounds if rounds.is_empty() || rounds.iter().any(|it| it.calls.is_empty()) => f64::NAN,
        rounds => least(rounds).values().sum::<u64>() as f64,
    };
    let pages = |seen: &Seen| fewest(seen.before.iter().map(|before| before.faults));
    let resident = |seen: &Seen| fewest(seen.before.iter().map(|it| it.resident)) / MIB;
    let of = |seen: &Seen| least(&seen.before);
    let all = |seen: &Seen, of: &dyn Fn(&Before) -> u64| {
        let all = seen.before.iter().map(|before| of(before).to_string());
        all.collect::<Vec<_>>().join(", ")
    };
    let more = (full.file.1 as f64 - small.file.1 as f64) / MIB;
    let measure = |what: &str, ours: f64, of: f64, limit: f64, detail: String| {
        let name = format!("restore of 4 GiB, {what} that of 256 MiB with the same in it");
        Measure::new(name, ours / of, "part", limit, detail)
    };
    [
        measure(
            "system calls before the first guest instruction, part of",
            calls(large),
            calls(small),
            SIZE,
            format!(
                "{host}, the fewest of each: {} and {} ({}; of all rounds {} and {}), without those of the thread that checks \
                 memory; 256 MiB without an empty page: {} ({})",
                calls(large),
                calls(small),
                others(&of(large), &of(small)),
                all(large, &sum),
                all(small, &sum),
                calls(full),
                most(&of(full)),
            ),
        ),
        measure(
            "page faults before the first guest instruction, part of",
            pages(large),
            pages(small),
            SIZE,
            format!(
                "{host}, the fewest of each: {} and {} (of all rounds {} and {}), {:.1} and {:.1} MiB resident, of a guest left at \
                 rest until its memory was checked, by which the thread that does has its own among them; 256 MiB without an \
                 empty page: {} and {:.1} MiB",
                pages(large),
                pages(small),
                all(large, &|before| before.faults),
                all(small, &|before| before.faults),
                resident(large),
                resident(small),
                pages(full),
                resident(full),
            ),
        ),
        measure(
            "time to the first guest instruction, part of",
            median(&large.restores),
            median(&small.restores),
            TIME,
            format!(
                "{host}: {} and {}; heard after {} and {}, since all of it is checked before: {:.2} ms for each MiB that is in it",
                ms(&large.restores),
                ms(&small.restores),
                ms(&large.heard),
                ms(&small.heard),
                (median(&full.heard) - median(&small.heard)) / 1e3 / more,
            ),
        ),
    ]
}

/// The median, in milliseconds.
fn ms(times: &[f64]) -> String {
    format!("{:.1} ms", median(times) / 1e3)
}

/// The fewest of each call in any round.
fn least(rounds: &[Before]) -> Calls {
    let names = rounds.iter().flat_map(|before| before.calls.keys());
    let least = |name: &String| {
        let counts = rounds.iter().map(|before| before.calls.get(name));
        counts.map(|count| count.copied().unwrap_or(0)).min()
    };
    names
        .map(|name| (name.clone(), least(name).unwrap_or(0)))
        .collect()
}

/// The calls that were made most.
fn most(calls: &Calls) -> String {
    let mut calls: Vec<_> = calls.iter().collect();
    calls.sort_by(|a, b| b.1.cmp(a.1));
    let most = calls.into_iter().take(4);
    let most: Vec<String> = most
        .map(|(name, count)| format!("{name} {count}"))
        .collect();
    most.join(", ")
}

/// The calls of which one has made more or fewer than the other.
fn others(ours: &Calls, theirs: &Calls) -> String {
    let names: BTreeSet<_> = ours.keys().chain(theirs.keys()).collect();
    let of = |calls: &Calls, name| calls.get(name).copied().unwrap_or(0);
    let both = names
        .into_iter()
        .map(|name| (name, of(ours, name), of(theirs, name)));
    let others = both.filter(|(_, ours, theirs)| ours != theirs);
    let others: Vec<String> = others
        .map(|(name, ours, theirs)| format!("{name} {ours} and {theirs}"))
        .collect();
    match others.is_empty() {
        true => "the same ones".to_owned(),
        false => others.join(", "),
    }
}

/// The guest's machine.
fn spec(name: &str, memory: &str) -> String {
    format!(
        "vm \"{name}\" {{\n    arch \"arm64\"\n    abi \"kvm-6.8\" \"psci-1.1\"\n    cpu \"neoverse-n1\" \
         count=1\n    memory \"{memory}\"\n    boot kernel=\"{name}.Image\" initrd=\"{}\"\n}}\n",
        debian::INITRD
    )
}

fn file(name: &str) -> PathBuf {
    PathBuf::from(format!("{DIR}/disk/{name}"))
}

/// A guest of ours.
fn own(program: &str, name: &str, lock: &str, memory: u64) -> Guest {
    let socket = format!("/run/guests/{name}");
    let saved = file(name);
    let path = saved.display().to_string();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    Guest {
        start: words(&[program, "start", lock, "--control", &socket]),
        saved: How::Command(words(&[program, "save", &path, "--control", &socket])),
        restore: words(&[program, "restore", &path, "--lock", lock, "--stats"]),
        rests: Some(words(&[
            program,
            "restore",
            &path,
            "--lock",
            lock,
            "--stats",
            "--paused",
            "--control",
            &socket,
        ])),
        memory,
        unproven: true,
        socket: PathBuf::from(socket),
        file: saved,
        copied: name == FULL,
        // Of the largest there is no more to be handed over than of the small one.
        hands: (name != LARGE).then(|| hands(program, name, lock)),
    }
}

/// How a guest of ours goes from runner to runner.
fn hands(program: &str, name: &str, lock: &str) -> Hands {
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
    let meeting = format!("/run/guests/{name}.meeting");
    let [first, second] = ["first", "second"].map(|it| format!("/run/guests/{name}.{it}"));
    let receive = |at: &str| {
        words(&[
            program,
            "receive",
            &meeting,
            "--lock",
            lock,
            "--stats",
            "--control",
            at,
        ])
    };
    let migrate = |at: &str| {
        let to = [
            "migrate",
            "--to",
            &meeting,
            "--control",
            at,
            "--format",
            "json",
        ];
        words(&[&[program][..], &to].concat())
    };
    Hands {
        start: words(&[
            program,
            "start",
            lock,
            "--memory",
            "shared",
            "--control",
            &first,
        ]),
        receive: [receive(&second), receive(&first)],
        migrate: [migrate(&first), migrate(&second)],
        meeting: PathBuf::from(meeting),
    }
}

/// The same guest of QEMU's.
fn theirs(vm: &Vm, name: &str, mapped: bool) -> Guest {
    let way = if mapped { "mapped" } else { "stream" };
    let saved = file(&format!("{name}.{way}"));
    let mut start = vm.qemu(THEIRS);
    // Without it, one that stood still when it was saved does so when it is restored.
    start.extend(["-global", "migration.store-global-state=off"].map(str::to_owned));
    if mapped {
        start.extend(["-global", "migration.mapped-ram=on"].map(str::to_owned));
    }
    let mut restore = start.clone();
    restore.extend(["-incoming".to_owned(), format!("file:{}", saved.display())]);
    let socket = PathBuf::from("/run/guests/qmp");
    start.extend([
        "-qmp".to_owned(),
        format!("unix:{},server=on,wait=off", socket.display()),
    ]);
    Guest {
        start,
        socket,
        file: saved,
        saved: How::Migrated,
        restore,
        memory: 0,
        unproven: false,
        rests: None,
        copied: false,
        hands: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Chance only adds, so the fewest have none of it; what a larger guest needs more, it needs in each round.
    #[test]
    fn what_chance_adds_in_a_round_is_not_counted_and_one_more_in_each_round_is() {
        let seen = |rounds: [(u64, u64); 3]| Seen {
            before: rounds
                .map(|(calls, faults)| Before {
                    // Where chance adds to the one, it leaves the other alone.
                    calls: Calls::from([
                        ("read".to_owned(), calls),
                        ("futex".to_owned(), 100 - calls),
                    ]),
                    faults,
                    resident: 1 << 20,
                })
                .into(),
            restores: vec![1.0; 3],
            heard: vec![1.0; 3],
            ..Seen::default()
        };
        let small = seen([(9, 710), (7, 709), (8, 711)]);
        let met = |large: &Seen| {
            let [calls, faults, _] = grown("a host", &small, &small, large);
            (calls.met, faults.met)
        };
        assert_eq!(met(&seen([(7, 712), (8, 709), (9, 710)])), (true, true));
        assert_eq!(met(&seen([(8, 712), (8, 709), (9, 710)])), (false, true));
        assert_eq!(met(&seen([(7, 712), (8, 709), (8, 710)])), (false, true));
        assert_eq!(met(&seen([(7, 710), (8, 711), (9, 710)])), (true, false));
        // What was not counted is no fewer.
        let mut uncounted = seen([(7, 709), (7, 709), (7, 709)]);
        uncounted.before[1].calls.clear();
        assert_eq!(met(&uncounted), (false, true));
        assert_eq!(met(&Seen::default()), (false, false));
    }

    #[test]
    fn calls_of_which_there_are_more_or_fewer_are_named() {
        let calls = |all: &[(&str, u64)]| {
            let all = all.iter().map(|&(name, count)| (name.to_owned(), count));
            all.collect::<Calls>()
        };
        let ours = calls(&[("futex", 7), ("mmap", 3), ("write", 2)]);
        let theirs = calls(&[("futex", 9), ("mmap", 3), ("pread64", 1)]);
        assert_eq!(
            others(&ours, &theirs),
            "futex 7 and 9, pread64 0 and 1, write 2 and 0"
        );
        assert_eq!(others(&ours, &ours), "the same ones");
    }
}
