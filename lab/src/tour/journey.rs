//! The guest of the tour that goes on while its hosts are exchanged: what it does, and what is done with it in each host.
//!
//! It has a file open that no longer has a name: what stands in there, only a program can read that never ended. Told where
//! it is, it adds that to the file, and says what is in there.

use crate::cache::{Cache, Scratch};
use crate::carry::images::Images;
use crate::carry::needs::Needs;
use crate::carry::script::COMMON;
use crate::carry::stop::{SAVED, saved};
use crate::emulate::{Ended, Machine};
use crate::errand::Errand;
use crate::failure::{OK, Result};
use crate::guest;
use crate::initramfs::quote;
use crate::job;
use crate::trial::{Bench, guest_lines, last_words, start_problem};
use std::path::Path;

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
noted=
while read -r place; do
    [ "$place" = end ] && break
    [ -n "$place" ] || continue
    echo "$place" >&5
    read -r note <&6
    noted="${noted:+$noted, }$note"
    say "boot $boot, up for $(cut -d. -f1 /proc/uptime) seconds, its open file says: $noted"
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

/// A guest on its way.
pub struct Journey<'a> {
    lock: &'a str,
    images: Images,
    /// Where their files are, as long as it lives.
    _folder: Scratch,
    /// The hosts' names for it, in their order.
    places: Vec<String>,
    /// How its part of each host ended so far.
    ended: Vec<Ended>,
}

impl<'a> Journey<'a> {
    /// The guest of a lock, which is to be carried through these hosts.
    pub fn new(cache: &Cache, bench: &Bench, lock: &'a str, hosts: &[Machine]) -> Result<Self> {
        let own = bench.root().join("examples/guest").join(INITRD);
        let mut archive = guest::archive(cache)?;
        archive.file("/init", 0o755, INIT.as_bytes())?;
        guest::put(&own, &archive.finish()?)?;
        let needs = Needs::read(&bench.root().join(lock))?;
        let folder = cache.scratch()?;
        let place = |host: &Machine| format!("Linux {}", host.kernel.version);
        Ok(Self {
            lock,
            images: Images::make(&folder, &needs)?,
            _folder: folder,
            places: hosts.iter().map(place).collect(),
            ended: Vec::new(),
        })
    }

    /// What is done in the next host, which gets what it needs for that.
    pub fn errand(&self, bench: &Bench, host: &mut Machine) -> Result<Errand> {
        host.bag = Some(self.images.guest.clone());
        let lock = job::text(&bench.root().join(self.lock))?;
        let needs = Needs::read(Path::new(&lock))?;
        let folder = Path::new(&lock).parent().unwrap_or(Path::new("/"));
        let own = job::text(&bench.root().join("examples/guest").join(INITRD))?;
        let named = job::text(&job::absolute(folder, Path::new(&needs.initrd)))?;
        let turn = self.ended.len();
        let size = self.ended.last().map_or(0, saved).to_string();
        let last = u8::from(turn + 1 == self.places.len()).to_string();
        let place = self.places.get(turn).map_or("nowhere", String::as_str);
        // The lock takes any file, and this is the guest; where another one is started, that is before.
        let script = format!("cp -f {} {}\n{COMMON}{SCRIPT}", quote(&own), quote(&named));
        let words = ["-c", &script, "sh", &lock, place, &size, &last];
        Ok(Errand {
            by_shell: true,
            with: vec![own],
            ..bench.errand(&host.cpu, &host.kernel.asked, &[words.to_vec()])
        })
    }

    /// Takes in how that ended.
    pub fn went(&mut self, ended: Ended) {
        self.ended.push(ended);
    }

    /// What the guest said in the first host, where it was started.
    pub fn start(&self) -> Option<&Ended> {
        self.ended.first()
    }

    /// Whether it is there for a next host.
    pub fn goes_on(&self) -> bool {
        self.ended.last().is_none_or(|ended| saved(ended) > 0)
    }

    /// What it said in each host once it was told where it is, in words; and what is wrong.
    pub fn told(&self, cpus: u32) -> (Vec<(&str, String)>, Vec<String>) {
        let (notes, problems) = judged(&self.places, &self.ended, cpus);
        let words = |note: &Note| {
            let (seconds, noted) = (note.up, &note.noted);
            format!(
                "up for {seconds} s since boot {}; its open file says: {noted}",
                note.boot
            )
        };
        let places = self.places.iter().map(String::as_str);
        (places.zip(notes.iter().map(words)).collect(), problems)
    }
}

/// Whether any guest says that, and not just one that goes on.
pub fn is_of_any(line: &str) -> bool {
    Note::read(line).is_none() && !line.ends_with(": listens")
}

/// What the guest says of itself.
#[derive(Debug, PartialEq, Eq)]
struct Note {
    boot: String,
    up: u64,
    noted: String,
}

impl Note {
    fn read(line: &str) -> Option<Self> {
        let (boot, rest) = line.split_once("boot ")?.1.split_once(", up for ")?;
        let (up, noted) = rest.split_once(" seconds, its open file says: ")?;
        Some(Self {
            boot: boot.to_owned(),
            up: up.parse().ok()?,
            noted: noted.to_owned(),
        })
    }
}

/// What it said in each of these hosts, and what is wrong with that.
fn judged(places: &[String], ended: &[Ended], cpus: u32) -> (Vec<Note>, Vec<String>) {
    let mut notes: Vec<Note> = Vec::new();
    let mut problems = Vec::new();
    for (turn, (place, ended)) in places.iter().zip(ended).enumerate() {
        let is_last = turn + 1 == places.len();
        let wanted = if is_last { OK } else { SAVED };
        let mut problem = |what: String| problems.push(format!("{place}: {what}"));
        let lines = guest_lines(ended);
        if turn == 0 {
            start_problem(ended, wanted, cpus)
                .into_iter()
                .for_each(&mut problem);
        } else if ended.code != wanted {
            let (code, words) = (ended.code, last_words(ended));
            problem(format!("it ended with code {code} and not {wanted}{words}"));
        }
        if !is_last && saved(ended) == 0 {
            problem("the guest was not saved".to_owned());
        }
        if is_last && !lines.iter().any(|line| line.ends_with(": powering off")) {
            problem("the guest did not power off by itself".to_owned());
        }
        let said: Vec<Note> = lines.iter().filter_map(|line| Note::read(line)).collect();
        let [note] = said.as_slice() else {
            problem(format!("it spoke {} times of itself", said.len()));
            continue;
        };
        if let Some(before) = notes.last() {
            if note.boot != before.boot {
                problem("the guest was booted once more".to_owned());
            }
            if note.up < before.up {
                problem(format!("its uptime went back from {} seconds", before.up));
            }
        }
        let noted = places[..=turn].join(", ");
        if note.noted != noted {
            problem(format!(
                "its open file says `{}`, not `{noted}`",
                note.noted
            ));
        }
        notes.extend(said);
    }
    if ended.len() != places.len() || places.len() < 2 {
        let (came, all) = (ended.len(), places.len());
        problems.push(format!("the guest came to {came} of {all} hosts"));
    }
    (notes, problems)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACES: [&str; 3] = ["Linux 5.10", "Linux 7.3", "Linux 5.10"];

    fn ended() -> Vec<Ended> {
        let one = |code, words: &str, console: &str| Ended {
            code,
            stdout: console.as_bytes().to_vec(),
            stderr: words.as_bytes().to_vec(),
        };
        vec![
            one(
                SAVED,
                "carry: saved 77\n",
                "vmlock guest: 2 CPUs, kernel x\r\nvmlock guest: CPU 1 is online, x\r\n\
                 vmlock guest: boot ab, up for 7 seconds, its open file says: Linux 5.10\r\n",
            ),
            one(
                SAVED,
                "carry: saved 78\n",
                "vmlock guest: boot ab, up for 9 seconds, its open file says: Linux 5.10, Linux 7.3\r\n",
            ),
            one(
                OK,
                "",
                "vmlock guest: boot ab, up for 9 seconds, its open file says: Linux 5.10, Linux 7.3, Linux 5.10\r\n\
                 vmlock guest: powering off\r\n",
            ),
        ]
    }

    fn problems(ended: &[Ended]) -> Vec<String> {
        judged(&PLACES.map(str::to_owned), ended, 2).1
    }

    #[test]
    fn a_guest_that_goes_on_is_good_and_what_it_loses_is_found() {
        assert_eq!(problems(&ended()), Vec::<String>::new());
        let altered = |turn: usize, from: &str, to: &str| {
            let mut ended = ended();
            let one = &mut ended[turn];
            for text in [&mut one.stdout, &mut one.stderr] {
                *text = String::from_utf8_lossy(text)
                    .replacen(from, to, 1)
                    .into_bytes();
            }
            problems(&ended).len()
        };
        assert_eq!(altered(0, "CPU 1", "CPU 0"), 1);
        assert_eq!(altered(0, "saved 77", "kept 77"), 1);
        assert_eq!(altered(1, "boot ab", "boot ac"), 2);
        assert_eq!(altered(1, "for 9", "for 6"), 1);
        assert_eq!(altered(2, "for 9", "for 8"), 1);
        assert_eq!(altered(2, "7.3, ", ""), 1);
        assert_eq!(altered(2, "powering", "sleeping"), 1);
        assert_eq!(altered(1, "boot ab", "boots"), 1);
        assert_eq!(problems(&ended()[..2]).len(), 1);
        let mut other = ended();
        other[2].code = 4;
        assert_eq!(problems(&other).len(), 1);
        assert!(!problems(&[]).is_empty());
    }
}
