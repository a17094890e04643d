//! The guest of the tour that goes on while its hosts are exchanged: what it does, and what is done with it in each host.
//!
//! It has a file open that no longer has a name: what stands in there, only a program can read that never ended. Told where
//! it is, it adds that to the file, and says what is in there.

use crate::cache::{Cache, Scratch};
use crate::carry::images::Images;
use crate::carry::needs::Needs;
use crate::carry::script;
use crate::carry::stop::{SAVED, found, saved};
use crate::emulate::{Ended, Machine};
use crate::errand::Errand;
use crate::failure::{OK, Result};
use crate::guest;
use crate::initramfs::quote;
use crate::job;
use crate::trial::{Bench, guest_lines, last_words, start_problem};
use std::fmt;
use std::path::Path;
use std::time::Duration;

/// Name of the guest's initramfs in its directory.
const INITRD: &str = "journey.cpio";

/// What the guest does, until it is told `end` on its console.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
say() { echo "vmlock guest: $*"; }
# Nothing of what is typed comes back.
stty -echo
exec 5>>/notes 6</notes
rm /notes
boot=$(cut -c1-8 /proc/sys/kernel/random/boot_id)
say "$(nproc) CPUs, kernel $(uname -r)"
for cpu in $(seq 0 $(($(nproc) - 1))); do
    say "CPU $cpu is online, MIDR_EL1 $(cat /sys/devices/system/cpu/cpu$cpu/regs/identification/midr_el1)"
done
dmesg | sed -n 's/.*psci: \(PSCIv[0-9.]* detected in firmware\).*/vmlock guest: \1/p'
say "listens"
while read -r place; do
    [ "$place" = end ] && break
    [ -n "$place" ] || continue
    echo "$place" >&5
    # All that is in there, from its beginning: the file is opened anew, which only who has it open can do.
    noted=
    while read -r note; do noted="${noted:+$noted, }$note"; done </proc/$$/fd/6
    # Each CPU runs a program, and the timer rings.
    answered=0
    for cpu in $(seq 0 $(($(nproc) - 1))); do taskset -c $cpu true && answered=$((answered + 1)); done
    sleep 2
    say "boot $boot, up for $(cut -d. -f1 /proc/uptime) seconds, $answered CPUs answer, its open file says: $noted"
done
say "powering off"
poweroff -f
"#;

/// What is done in a host, behind `COMMON`: the guest is started, or comes out of the bag; is told where it is; and goes into
/// the bag, or ends.
const SCRIPT: &str = r#"
lock=$1 place=$2 size=$3 last=$4
if [ $size = 0 ]; then
    guest start "$lock"
    # What is typed before is lost.
    await "grep -q 'vmlock guest: listens' /tmp/out"
else
    unpack /tmp/one.save $size
    guest restore /tmp/one.save --lock "$lock"
fi
echo "$place" >&4
await "grep -q 'vmlock guest: boot .*$place' /tmp/out"
if [ $last = 1 ]; then
    echo end >&4
    ended
else
    pack /tmp/next.save
fi
cat /tmp/out
exit $code
"#;

/// How long each of what the script waits for may take, in seconds.
const EACH: u64 = 90;

/// How long all that is done in one host may take: more than all of the script's own limits, so that what goes wrong is told.
pub const LIMIT: Duration = Duration::from_secs(600);

/// What was seen of one host: how those ended that ran there.
#[derive(Debug, Default)]
pub struct Seen {
    /// Its kernel.
    pub version: String,
    /// The audit.
    pub audit: Option<Ended>,
    /// A guest that was there for itself.
    pub start: Option<Ended>,
    /// The part of the guest that goes on.
    pub carried: Option<Ended>,
}

impl Seen {
    /// Nothing so far.
    pub fn of(host: &Machine) -> Self {
        Self {
            version: host.kernel.version.clone(),
            ..Self::default()
        }
    }
}

/// The guest that goes on, and what its hosts need for that.
pub struct Journey<'a> {
    lock: &'a str,
    /// What goes from host to host.
    pub images: Images,
    /// Where their files are, as long as it lives.
    _folder: Scratch,
}

impl<'a> Journey<'a> {
    /// The guest of a lock.
    pub fn new(cache: &Cache, bench: &Bench, lock: &'a str) -> Result<Self> {
        let own = bench.root().join("examples/guest").join(INITRD);
        let mut archive = guest::archive(cache)?;
        archive.file("/init", 0o755, INIT.as_bytes())?;
        guest::put(&own, &archive.finish()?)?;
        let needs = Needs::read(&bench.root().join(lock))?;
        let folder = cache.scratch()?;
        Ok(Self {
            lock,
            images: Images::make(cache, &folder, &needs)?,
            _folder: folder,
        })
    }

    /// What is done in a host, which gets what it needs for that: how the part of the one before ended, and whether it is the
    /// last.
    pub fn errand(
        &self,
        bench: &Bench,
        host: &mut Machine,
        before: Option<&Ended>,
        is_last: bool,
    ) -> Result<Errand> {
        host.bag = Some(self.images.guest.clone());
        let lock = job::text(&bench.root().join(self.lock))?;
        let needs = Needs::read(Path::new(&lock))?;
        let folder = Path::new(&lock).parent().unwrap_or(Path::new("/"));
        let own = job::text(&bench.root().join("examples/guest").join(INITRD))?;
        let named = job::text(&job::absolute(folder, Path::new(&needs.initrd)))?;
        let size = before.map_or(0, saved).to_string();
        let last = u8::from(is_last).to_string();
        let place = place(&host.kernel.version);
        // The lock takes any file, and this is the guest; where another one is started, that is before.
        let [from, to] = [&own, &named].map(|path| quote(path));
        let script = format!("cp -f {from} {to}\n{}{SCRIPT}", script::common(EACH));
        let words = ["-c", &script, "sh", &lock, &place, &size, &last];
        Ok(Errand {
            by_shell: true,
            with: vec![own],
            ..bench.errand(&host.cpu, &host.kernel.asked, &[words.to_vec()])
        })
    }
}

/// What the guest calls the host of that kernel.
fn place(version: &str) -> String {
    format!("Linux {version}")
}

/// Whether the guest is there for a next host.
pub fn goes_on(ended: &Ended) -> bool {
    ended.code == SAVED && saved(ended) > 0
}

/// What the script waited for in vain, if so it ended.
fn never(ended: &Ended) -> Option<String> {
    let mut found = found(ended).into_iter();
    found.find(|line| line.starts_with("never: "))
}

/// What is wrong with how the guest was started in the first host.
pub fn unstarted(ended: &Ended, cpus: u32) -> Option<String> {
    never(ended).or_else(|| start_problem(ended, SAVED, cpus))
}

/// Whether any guest says that, and not just one that goes on.
pub fn is_of_any(line: &str) -> bool {
    Note::read(line).is_none() && !line.ends_with(": listens")
}

/// What the guest says of itself.
#[derive(Debug, PartialEq, Eq)]
pub struct Note {
    boot: String,
    up: u64,
    cpus: u32,
    noted: String,
}

impl Note {
    fn read(line: &str) -> Option<Self> {
        let (boot, rest) = line.split_once("boot ")?.1.split_once(", up for ")?;
        let (up, rest) = rest.split_once(" seconds, ")?;
        let (cpus, noted) = rest.split_once(" CPUs answer, its open file says: ")?;
        Some(Self {
            boot: boot.to_owned(),
            up: up.parse().ok()?,
            cpus: cpus.parse().ok()?,
            noted: noted.to_owned(),
        })
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(
            f,
            "up for {} s since boot {}, {} CPUs answer; its open file says: {}",
            self.up, self.boot, self.cpus, self.noted
        )
    }
}

/// What the guest said once it was told where it is, and where that was; and what is wrong with that.
pub fn judged(hosts: &[Seen], cpus: u32) -> (Vec<(String, Note)>, Vec<String>) {
    let mut notes: Vec<(String, Note)> = Vec::new();
    let mut problems = Vec::new();
    let places: Vec<String> = hosts.iter().map(|host| place(&host.version)).collect();
    let parts = hosts.iter().map_while(|host| host.carried.as_ref());
    for (turn, (here, ended)) in places.iter().zip(parts).enumerate() {
        let is_last = turn + 1 == places.len();
        let mut problem = |what: String| problems.push(format!("{here}: {what}"));
        match wrong_end(ended, turn, is_last, cpus) {
            Some(what) => problem(what),
            None => unsaid(ended, &hosts[turn].version, is_last)
                .into_iter()
                .for_each(&mut problem),
        }
        let lines = guest_lines(ended);
        let mut said: Vec<Note> = lines.iter().filter_map(|line| Note::read(line)).collect();
        let (Some(note), true) = (said.pop(), said.is_empty()) else {
            problem("the guest did not say once how it is".to_owned());
            continue;
        };
        let before = notes.last().map(|(_, before)| before);
        if before.is_some_and(|before| note.boot != before.boot) {
            problem("the guest was booted once more".to_owned());
        }
        let before = before.map_or(0, |before| before.up);
        if note.up <= before || note.up > before + LIMIT.as_secs() {
            let up = note.up;
            problem(format!(
                "its uptime does not go on: from {before} to {up} seconds"
            ));
        }
        if note.cpus != cpus {
            problem(format!("{} of its {cpus} CPUs answer", note.cpus));
        }
        let noted = places[..=turn].join(", ");
        if note.noted != noted {
            let what = &note.noted;
            problem(format!("its open file says `{what}`, not `{noted}`"));
        }
        notes.push((here.clone(), note));
    }
    let came = hosts.iter().filter(|host| host.carried.is_some()).count();
    if came != hosts.len() || came < 2 {
        let all = hosts.len();
        problems.push(format!("the guest came to {came} of {all} hosts"));
    }
    (notes, problems)
}

/// Why a host's part did not end as it should.
fn wrong_end(ended: &Ended, turn: usize, is_last: bool, cpus: u32) -> Option<String> {
    if turn == 0 {
        // Its words stand where the start is told.
        return unstarted(ended, cpus).map(|_| "its start failed, see 2".to_owned());
    }
    let wanted = if is_last { OK } else { SAVED };
    never(ended).or_else(|| {
        (ended.code != wanted).then(|| {
            let (code, words) = (ended.code, last_words(ended));
            format!("it ended with code {code} and not {wanted}{words}")
        })
    })
}

/// What is missing in a host's part that ended as it should.
fn unsaid(ended: &Ended, version: &str, is_last: bool) -> Vec<String> {
    let mut missing = Vec::new();
    let found = found(ended);
    let mut kernels = found.iter().filter_map(|line| line.strip_prefix("kernel "));
    let kernel = kernels.next().unwrap_or("not named");
    let series: Vec<&str> = version.split('.').take(2).collect();
    let is_its = kernel.strip_prefix(&series.join("."));
    if is_its.is_none_or(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        missing.push(format!("the host's kernel says it is {kernel}"));
    }
    if !is_last && saved(ended) == 0 {
        missing.push("the guest was not saved".to_owned());
    }
    let lines = guest_lines(ended);
    if is_last && !lines.iter().any(|line| line.ends_with(": powering off")) {
        missing.push("the guest did not power off by itself".to_owned());
    }
    missing
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// The three hosts of a guest that lost nothing.
    pub fn hosts() -> Vec<Seen> {
        let one = |version: &str, code, words: &str, console: &str| Seen {
            version: version.to_owned(),
            carried: Some(Ended {
                code,
                stdout: console.as_bytes().to_vec(),
                stderr: words.as_bytes().to_vec(),
            }),
            ..Seen::default()
        };
        vec![
            one(
                "5.10.2-1",
                SAVED,
                "carry: kernel 5.10.0-1-cloud\ncarry: saved 77\n",
                "vmlock guest: 2 CPUs, kernel x\r\nvmlock guest: CPU 1 is online, x\r\nvmlock guest: listens\r\n\
                 vmlock guest: boot ab, up for 7 seconds, 2 CPUs answer, its open file says: Linux 5.10.2-1\r\n",
            ),
            one(
                "7.3.4-1",
                SAVED,
                "carry: kernel 7.3.4-cloud\ncarry: saved 78\n",
                "vmlock guest: boot ab, up for 9 seconds, 2 CPUs answer, its open file says: Linux 5.10.2-1, Linux 7.3.4-1\r\n",
            ),
            one(
                "5.10.2-1",
                OK,
                "carry: kernel 5.10.0-1-cloud\n",
                "vmlock guest: boot ab, up for 12 seconds, 2 CPUs answer, its open file says: Linux 5.10.2-1, Linux 7.3.4-1, Linux 5.10.2-1\r\n\
                 vmlock guest: powering off\r\n",
            ),
        ]
    }

    /// The same where one host's words are others.
    pub fn altered(turn: usize, from: &str, to: &str) -> Vec<Seen> {
        let mut hosts = hosts();
        let one = hosts[turn].carried.as_mut().expect("carried");
        for text in [&mut one.stdout, &mut one.stderr] {
            *text = String::from_utf8_lossy(text)
                .replacen(from, to, 1)
                .into_bytes();
        }
        hosts
    }

    #[test]
    fn a_guest_that_goes_on_is_good_and_what_it_loses_is_found() {
        let problems = |hosts: &[Seen]| judged(hosts, 2).1;
        assert_eq!(problems(&hosts()), Vec::<String>::new());
        assert_eq!(judged(&hosts(), 2).0.len(), 3);
        for (turn, from, to, count) in [
            (0, "CPU 1", "CPU 0", 1),
            (0, "saved 77", "kept 77", 1),
            (0, "kernel 5.10", "kernel 5.11", 1),
            (1, "kernel 7.3", "kernel 7.30", 1),
            (1, "kernel 7.3", "colonel", 1),
            (1, "boot ab", "boot ac", 2),
            (0, "for 7", "for 0", 1),
            (1, "for 9", "for 6", 1),
            // It stands still, or leaps.
            (1, "for 9", "for 7", 1),
            (2, "for 12", "for 9", 1),
            (2, "for 12", "for 610", 1),
            (2, "2 CPUs answer", "1 CPUs answer", 1),
            (2, "7.3.4-1, ", "", 1),
            (2, "Linux 5.10.2-1, Linux", "Linux 5.10.9-1, Linux", 1),
            (2, "powering", "sleeping", 1),
            (1, "boot ab", "boots", 1),
        ] {
            let found = problems(&altered(turn, from, to));
            assert_eq!(found.len(), count, "{from} {to}: {found:?}");
        }
        let mut other = hosts();
        other[2].carried.as_mut().expect("carried").code = 4;
        assert_eq!(problems(&other).len(), 1);
        assert!(!problems(&[]).is_empty());
        assert!(!problems(&hosts()[..1]).is_empty());
    }

    #[test]
    fn what_was_awaited_in_vain_is_the_problem_and_stands_there_once() {
        let mut hosts = altered(1, "carry: saved", "carry: never: saved, he says\nx");
        hosts[1].carried.as_mut().expect("carried").code = 1;
        let problems = judged(&hosts, 2).1.join("\n");
        assert_eq!(problems, "Linux 7.3.4-1: never: saved, he says");
        assert!(!goes_on(hosts[1].carried.as_ref().expect("carried")));
    }

    #[test]
    fn only_what_was_saved_by_a_runner_that_says_so_goes_on() {
        let ended =
            |hosts: Vec<Seen>, turn: usize| goes_on(hosts[turn].carried.as_ref().expect("carried"));
        assert!(ended(hosts(), 0) && ended(hosts(), 1));
        assert!(!ended(hosts(), 2) && !ended(altered(0, "saved", "kept"), 0));
        let mut other = hosts();
        other[0].carried.as_mut().expect("carried").code = 4;
        assert!(!ended(other, 0));
    }

    #[test]
    fn a_host_has_time_for_all_that_its_script_waits_for() {
        // The bag; the guest's words, or none; its note; and that it is saved, and ends.
        assert!(LIMIT.as_secs() * 4 / 5 >= 5 * EACH);
    }
}
