//! Reads what a portable witness wrote to a console (`vmlock_wire::text`) back out of the log, between other people's
//! lines. What is missing, damaged or cut off is refused, and named by the log's own lines.

use super::account::{Account, Machine};
use super::{Incomplete, RECORDS_MAX, Sighting, fact_name, in_two_ways, seen, unfinished};
use std::collections::BTreeMap;
use std::fmt;
use vmlock_wire::text::{Entry, MARK, NAME, OLDEST, Sum};
use vmlock_wire::{self as wire, Kind};

/// Why a log is not taken for what a witness saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The line of the log, from 1; none where it is about all of it.
    pub line: Option<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: &'static str,
}

impl fmt::Display for Damage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

const AGAIN: &str =
    "run the witness again, with its console in a file of its own to which nothing else writes";
const BOOT: &str = "boot the image of `vmlock witness` and keep what its serial console prints; `vmlock witness --help` has the command lines";
const CUT: &str =
    "let the machine run until it powers off by itself; on an emulator that takes a while";
const NEWER: &str = "make the image with `vmlock witness` of this very vmlock";

/// A line of the witness's.
struct Line<'a> {
    /// In the log, from 1.
    at: usize,
    number: u64,
    /// What it says.
    said: &'a str,
    check: u32,
}

/// Reads a log that holds one account.
///
/// # Errors
/// There is none, more than one, or not all of one.
pub fn read(log: &[u8]) -> Result<Account, Damage> {
    let lines = lines(log)?;
    let mut sum = Sum::EMPTY;
    let mut whole = sum;
    for (expected, line) in (0..).zip(&lines) {
        let fail = |message, help| {
            Err(Damage {
                line: Some(line.at),
                message,
                help,
            })
        };
        if line.number == 0 && expected != 0 {
            return fail(
                "another account begins here; a log has to hold one".to_owned(),
                "cut the log into a file for each start of the machine",
            );
        }
        if line.number != expected {
            let missing = match line.number.checked_sub(expected) {
                Some(1) => format!("line {expected} of the account is missing"),
                Some(count) if line.number > expected => {
                    format!("{count} lines of the account are missing, from its line {expected} on")
                }
                _ => format!("line {} of the account comes a second time", line.number),
            };
            return fail(format!("{missing} before this one"), AGAIN);
        }
        whole = sum;
        sum = sum.with(line.said.as_bytes());
        if sum.value() & 0xffff != line.check {
            return fail(
                format!("line {expected} of the account is damaged: its check says otherwise"),
                AGAIN,
            );
        }
    }
    let Some((last, lines)) = lines.split_last() else {
        return Err(Damage {
            line: None,
            message: format!("there is no account of a witness in it: no line with `{MARK}`"),
            help: BOOT,
        });
    };
    let mut words = last.said.split(' ');
    let end = (
        words.next(),
        words.next().and_then(hex),
        words.next().and_then(hex),
    );
    let (Some("end"), Some(records), Some(all)) = end else {
        return Err(Damage {
            line: Some(last.at),
            message: "the account is cut off behind this line: its end is missing".to_owned(),
            help: CUT,
        });
    };
    let mut reader = Reader::default();
    for line in lines {
        let fail = |message| Damage {
            line: Some(line.at),
            message,
            help: AGAIN,
        };
        reader.line(line.said).map_err(fail)?;
    }
    let fail = |message: &str| Damage {
        line: Some(last.at),
        message: message.to_owned(),
        help: AGAIN,
    };
    if all != u64::from(whole.value()) || records != reader.records {
        return Err(fail("the account's end speaks of another one"));
    }
    reader.finish().map_err(|message: String| fail(&message))
}

/// The witness's lines in a log.
fn lines(log: &[u8]) -> Result<Vec<Line<'_>>, Damage> {
    let mut lines = Vec::new();
    for (at, text) in (1..).zip(log.split(|byte| *byte == b'\n')) {
        let Some(begin) = position(text, NAME.as_bytes(), |rest| {
            rest.first().is_some_and(u8::is_ascii_digit)
        }) else {
            continue;
        };
        let text = &text[begin..];
        let fail = |message: String, help| {
            Err(Damage {
                line: Some(at),
                message,
                help,
            })
        };
        let Some(text) = text.strip_prefix(MARK.as_bytes()) else {
            let digits: Vec<u8> = text[NAME.len()..]
                .iter()
                .copied()
                .take_while(u8::is_ascii_digit)
                .collect();
            // A name in somebody's own line.
            if text.get(NAME.len() + digits.len()) != Some(&b':') {
                continue;
            }
            return fail(
                format!(
                    "the account has format {}, and this vmlock reads {MARK}",
                    String::from_utf8_lossy(&digits)
                ),
                NEWER,
            );
        };
        // What somebody else has printed behind it is left out; what they printed within is not found here.
        let whole = std::str::from_utf8(text).ok().or_else(|| {
            let good = text
                .iter()
                .position(|byte| !byte.is_ascii())
                .unwrap_or(text.len());
            std::str::from_utf8(&text[..good]).ok()
        });
        let parts = whole.and_then(|text| {
            let (number, text) = text.split_once(' ')?;
            let (said, check) = text.split_once(" ~")?;
            let check = hex(check.get(..4)?)?;
            Some(Line {
                at,
                number: hex(number)?,
                said,
                check: check as u32,
            })
        });
        match parts {
            Some(line) => lines.push(line),
            None => {
                let rest = log.split(|byte| *byte == b'\n').skip(at);
                let more = rest
                    .into_iter()
                    .any(|line| position(line, MARK.as_bytes(), |_| true).is_some());
                return match more {
                    true => fail(
                        "this line of the account is not whole: something was printed within it"
                            .to_owned(),
                        AGAIN,
                    ),
                    false => fail("the account is cut off in this line".to_owned(), CUT),
                };
            }
        }
    }
    Ok(lines)
}

/// Where in a text that stands which is followed so.
fn position(text: &[u8], wanted: &[u8], followed: impl Fn(&[u8]) -> bool) -> Option<usize> {
    let places = text.windows(wanted.len()).enumerate();
    let mut places = places.filter(|(_, part)| *part == wanted);
    places.find_map(|(at, _)| followed(&text[at + wanted.len()..]).then_some(at))
}

fn hex(text: &str) -> Option<u64> {
    let digits = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    u64::from_str_radix(text, 16).ok().filter(|_| digits)
}

/// What was read so far.
#[derive(Default)]
struct Reader {
    head: Option<BTreeMap<String, String>>,
    /// Of vCPU 0.
    first: Vec<Entry>,
    /// Of the vCPU that is being told of.
    own: Vec<Entry>,
    /// Where in `first` the last thing was that this vCPU saw alike.
    seek: usize,
    /// vCPUs that were told of.
    told: u32,
    records: u64,
    sightings: Vec<Sighting>,
    incomplete: Vec<Incomplete>,
}

impl Reader {
    /// A line that came whole: what is wrong with it nevertheless.
    fn line(&mut self, said: &str) -> Result<(), String> {
        let strange = || format!("the account says `{said}`, which this vmlock does not know");
        if self.head.is_none() {
            let words = said.strip_prefix("begin ").ok_or_else(strange)?;
            let pair = |word: &str| {
                word.split_once('=')
                    .map(|(n, v)| (n.to_owned(), v.to_owned()))
            };
            let head: Option<BTreeMap<String, String>> = words.split(' ').map(pair).collect();
            self.head = Some(head.ok_or_else(strange)?);
            let version = self.number("wire")?;
            let known = u64::from(OLDEST)..=u64::from(wire::VERSION);
            return match known.contains(&version) {
                true => Ok(()),
                false => Err(format!(
                    "the account is of version {version} of what a witness says, and this vmlock reads {OLDEST} to {}; {NEWER}",
                    wire::VERSION
                )),
            };
        }
        let mut words = said.split(' ');
        let vcpu = words.next().and_then(|word| hex(word.strip_prefix('v')?));
        let what = words.next();
        let (Some(vcpu), Some(what)) = (vcpu, what) else {
            return Err(strange());
        };
        if vcpu != u64::from(self.told) {
            return Err(strange());
        }
        if what == "end" {
            let count = words.next().and_then(hex);
            let done = words
                .next()
                .and_then(hex)
                .and_then(|done| u32::try_from(done).ok());
            let (Some(count), Some(done), None) = (count, done, words.next()) else {
                return Err(strange());
            };
            return match count == self.own.len() as u64 {
                true => {
                    self.end_vcpu(done);
                    Ok(())
                }
                false => Err(format!(
                    "of vCPU {vcpu} there are {} records and not {count}",
                    self.own.len()
                )),
            };
        }
        let kind = hex(what)
            .filter(|kind| *kind <= 0xffff)
            .ok_or_else(strange)?;
        if self.told as usize >= wire::MAX_VCPUS {
            return Err(format!(
                "the account tells of more than {} vCPUs",
                wire::MAX_VCPUS
            ));
        }
        for word in words {
            self.word(kind, word).ok_or_else(strange)?;
            // A few bytes can stand for all that vCPU 0 has seen.
            if self.own.len() > RECORDS_MAX {
                return Err(format!(
                    "of vCPU {vcpu} there are more than {RECORDS_MAX} records, which is as many as a witness has room for"
                ));
            }
        }
        Ok(())
    }

    /// A record, or several that are as vCPU 0 has them.
    fn word(&mut self, kind: u64, word: &str) -> Option<()> {
        let at = word.find(['=', '!', '*'])?;
        let (id, rest) = word.split_at(at);
        let (sign, rest) = rest.split_at(1);
        let id = hex(id)?;
        let entry = |status, value| Entry {
            kind,
            id,
            status,
            value,
        };
        match sign {
            "=" => self.own.push(entry(wire::STATUS_VALUE, hex(rest)?)),
            "!" => {
                let (status, value) = rest.split_once('.').unwrap_or((rest, "0"));
                let status = u32::try_from(hex(status)?).ok()?;
                self.own.push(entry(status, hex(value)?));
            }
            _ => {
                let count = usize::try_from(hex(rest)?).ok()?;
                let ahead = self.first.get(self.seek..)?;
                let at = self.seek + ahead.iter().position(|e| (e.kind, e.id) == (kind, id))?;
                let same = self.first.get(at..at.checked_add(count)?)?;
                if self.told == 0 || same.iter().any(|entry| entry.kind != kind) {
                    return None;
                }
                self.own.extend_from_slice(same);
                self.seek = at + count;
            }
        }
        Some(())
    }

    fn end_vcpu(&mut self, done: u32) {
        let vcpu = self.told;
        let own = std::mem::take(&mut self.own);
        let mut problem = |reason: &str| {
            self.incomplete.push(Incomplete {
                vcpu,
                reason: reason.to_owned(),
            });
        };
        match unfinished(done) {
            Some(_) if own.is_empty() => problem("this vCPU never ran the witness"),
            Some(reason) => problem(reason),
            None => {}
        }
        for entry in &own {
            let key = entry.kind << 48 | wire::id_of(entry.id);
            match seen(key, entry.status, entry.value) {
                Some(Ok(seen)) => self.sightings.push(Sighting { vcpu, key, seen }),
                Some(Err(reason)) => problem(&reason),
                None => {}
            }
            // Its own account says why the other one has not finished.
            let refused = (entry.status, entry.value) != (wire::STATUS_VALUE, 0);
            let timed_out = entry.status == wire::STATUS_TIMEOUT;
            if wire::kind_of(key) == Some(Kind::CpuOn) && refused && !timed_out {
                problem(&format!("{} was refused", fact_name(key)));
            }
        }
        self.records += own.len() as u64;
        if vcpu == 0 {
            self.first = own;
        }
        self.seek = 0;
        self.told += 1;
    }

    fn value(&self, name: &str) -> Result<&str, String> {
        let value = self.head.as_ref().and_then(|head| head.get(name));
        let value =
            value.ok_or_else(|| format!("the account's first line does not say `{name}`"))?;
        Ok(value)
    }

    fn number(&self, name: &str) -> Result<u64, String> {
        hex(self.value(name)?)
            .ok_or_else(|| format!("`{name}` in the account's first line is no number"))
    }

    fn finish(self) -> Result<Account, String> {
        let small = |name: &str| -> Result<u32, String> {
            u32::try_from(self.number(name)?)
                .map_err(|_| format!("`{name}` in the account's first line is too large"))
        };
        let (vcpus, cpus) = (small("vcpus")?, small("cpus")?);
        if vcpus != self.told || vcpus as usize > wire::MAX_VCPUS {
            return Err(format!(
                "the account is of {vcpus} vCPUs, and tells of {}",
                self.told
            ));
        }
        let mut incomplete = self.incomplete.clone();
        if cpus != vcpus {
            incomplete.push(Incomplete {
                vcpu: 0,
                reason: format!(
                    "the device tree has {cpus} CPUs, and the witness looked at {vcpus}"
                ),
            });
        }
        let mut sightings = self.sightings.clone();
        sightings.sort_unstable();
        sightings.dedup();
        // The JSON form has each fact once, and would say nothing of the other.
        incomplete.extend(in_two_ways(&sightings));
        Ok(Account {
            witness: self.value("witness")?.to_owned(),
            machine: Machine {
                cpus,
                entered_at: small("el")?,
                uart: self.value("uart")?.to_owned(),
                gic: self.value("gic")?.to_owned(),
                psci: self.value("psci")?.to_owned(),
            },
            vcpus,
            sightings,
            incomplete,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::account;
    use crate::report::Seen;
    use vmlock_wire::text::{Writer, vcpu};

    const KINDS: [Kind; 2] = [Kind::SystemRegister, Kind::Hvc];

    /// What two vCPUs saw; the second has another MIDR_EL1, and something in two ways.
    fn account() -> String {
        account_of(wire::VERSION)
    }

    fn account_of(version: u32) -> String {
        let entry = |kind: usize, id, status, value| Entry {
            kind: KINDS[kind] as u64,
            id,
            status,
            value,
        };
        let midr = wire::encoding(3, 0, 0, 0, 0);
        let mut first: Vec<Entry> = (0..40).map(|n| entry(0, midr + n, 0, n)).collect();
        first.push(entry(0, 0x1d80, wire::STATUS_UNDEFINED, 0));
        first.push(entry(1, 0x8400_0000, 0, 0x1_0001));
        first.push(entry(
            1,
            0x8400_0001,
            wire::STATUS_EXCEPTION | 0x18 << 8,
            0x6200_0000,
        ));
        let mut second = first.clone();
        second[0].value = 7;
        second.remove(20);
        let mut out = Vec::new();
        let mut writer = Writer::new(|byte| out.push(byte));
        writer.text("begin witness=0.1.0 wire=");
        writer.number(version.into());
        writer.text(" vcpus=2 cpus=2 el=1 uart=pl011@9000000 gic=v3@8000000 psci=hvc");
        writer.end_line();
        for (index, list) in [&first, &second].into_iter().enumerate() {
            vcpu(
                &mut writer,
                index as u32,
                wire::DONE_COMPLETE,
                |at| list.get(at).copied(),
                |at| first.get(at).copied(),
            );
        }
        writer.end();
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn what_was_written_is_read_between_other_peoples_lines() {
        let text = account();
        let plain = read(text.as_bytes()).expect("whole");
        assert_eq!((plain.vcpus, plain.incomplete.len()), (2, 0));
        assert_eq!(plain.sightings.len(), 43 + 42);
        let seen = |vcpu, key| {
            let mut all = plain.sightings.iter();
            all.find(|s| (s.vcpu, s.key) == (vcpu, key)).map(|s| s.seen)
        };
        let midr = wire::key(Kind::SystemRegister, wire::encoding(3, 0, 0, 0, 0));
        assert_eq!(seen(0, midr), Some(Seen::Value(0)));
        assert_eq!(seen(1, midr), Some(Seen::Value(7)));
        assert_eq!(
            seen(1, wire::key(Kind::Hvc, 0x8400_0001)),
            Some(Seen::Trapped(0x18))
        );
        let mut noisy = b"\xff\x1b[2J firmware 1.0: vmlock is near\r\n".to_vec();
        for line in text.lines() {
            noisy.extend(
                format!("2026-11-26T09:00:00 [vm-7] {line} \x1b[0m\r\n[    0.1] hello\n").bytes(),
            );
        }
        noisy.extend(b"vmlock: PSCI SYSTEM_OFF was refused\n");
        assert_eq!(read(&noisy), Ok(plain));
    }

    #[test]
    fn what_is_cut_off_is_refused_wherever() {
        let text = account();
        let whole = text.len() - "\r\n".len();
        for length in 0..whole {
            assert!(read(&text.as_bytes()[..length]).is_err(), "{length}");
        }
        assert!(read(&text.as_bytes()[..whole]).is_ok());
    }

    #[test]
    fn what_is_missing_or_damaged_is_named() {
        let text = account();
        let lines: Vec<&str> = text.lines().collect();
        for missing in 0..lines.len() {
            let mut left = lines.clone();
            left.remove(missing);
            assert!(
                read(left.join("\n").as_bytes()).is_err(),
                "without {missing}"
            );
        }
        let mut without = lines.clone();
        without.remove(2);
        let damage = read(without.join("\n").as_bytes()).expect_err("a line is missing");
        assert_eq!(
            damage.to_string(),
            "line 3: line 2 of the account is missing before this one"
        );
        // Any one character of what the account says.
        let bytes = text.as_bytes();
        for at in 0..bytes.len() {
            if matches!(bytes[at], b'\r' | b'\n') {
                continue;
            }
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 1;
            assert!(read(&damaged).is_err(), "byte {at}");
        }
        let twice = read(format!("{text}{text}").as_bytes()).expect_err("two accounts");
        assert!(
            twice.message.contains("another account begins here"),
            "{twice}"
        );
        let newer = read(text.replace("vmlock1:", "vmlock2:").as_bytes()).expect_err("newer");
        assert!(newer.message.contains("format 2"), "{newer}");
        let none = read(b"[    0.000000] Booting Linux\n").expect_err("none");
        assert_eq!(none.line, None);
    }

    /// The lines of an account with one vCPU after the other that say this.
    fn account_saying(vcpus: usize, said: &[String], records: u64) -> String {
        let mut out = Vec::new();
        let mut writer = Writer::new(|byte| out.push(byte));
        writer.text("begin witness=0.1.0 wire=4 vcpus=");
        writer.number(vcpus as u64);
        writer.text(" cpus=1 el=1 uart=none gic=none psci=hvc");
        writer.end_line();
        let mut whole = Sum::EMPTY;
        for line in said {
            writer.text(line);
            writer.end_line();
        }
        let mut text = String::from_utf8(std::mem::take(&mut out)).expect("text");
        let lines: Vec<Line> = lines(text.as_bytes()).expect("its lines");
        for line in &lines {
            whole = whole.with(line.said.as_bytes());
        }
        let end = format!("end {records:x} {:08x}", whole.value());
        let check = whole.with(end.as_bytes()).value() & 0xffff;
        let number = lines.len();
        text.push_str(&format!("{MARK}{number:x} {end} ~{check:04x}\n"));
        text
    }

    /// A few megabytes could otherwise stand for billions of records.
    #[test]
    fn an_account_of_more_than_a_witness_can_tell_is_refused() {
        let many: Vec<String> = (0..RECORDS_MAX.div_ceil(20) + 1)
            .map(|_| format!("v0 1{}", " 0=0".repeat(20)))
            .collect();
        let log = account_saying(1, &many, 0);
        let damage = read(log.as_bytes()).expect_err("too many records");
        assert!(
            damage.message.contains("more than 2730 records"),
            "{damage}"
        );
        let vcpu = |vcpu| [format!("v{vcpu:x} 1 0=0"), format!("v{vcpu:x} end 1 1")];
        let all: Vec<String> = (0..=wire::MAX_VCPUS).flat_map(vcpu).collect();
        let log = account_saying(wire::MAX_VCPUS + 1, &all, wire::MAX_VCPUS as u64 + 1);
        let damage = read(log.as_bytes()).expect_err("too many vCPUs");
        assert!(damage.message.contains("more than 512 vCPUs"), "{damage}");
    }

    /// Else its JSON form would have one of the two, and be taken for all that was seen.
    #[test]
    fn what_one_vcpu_saw_in_two_ways_is_said() {
        let said = ["v0 1 c000=413fd0c1 c000=1", "v0 end 2 1"].map(str::to_owned);
        let account = read(account_saying(1, &said, 2).as_bytes()).expect("whole");
        let [Incomplete { vcpu: 0, reason }] = account.incomplete.as_slice() else {
            panic!("{:?}", account.incomplete);
        };
        assert_eq!(reason, "the witness saw MIDR_EL1 in two ways");
        let text = serde_json::to_string(&account).expect("JSON");
        let again = account::parse(&text).expect("its JSON");
        assert_eq!(again.incomplete, account.incomplete);
        let lock = include_str!("../../../examples/modern.vm.lock.json");
        let lock = crate::lock::canonical::parse(lock).expect("an example");
        let audit = super::super::audit(&lock, &account.sightings, account.incomplete);
        assert_eq!(audit.incomplete.len(), 1, "and once");
    }

    #[test]
    fn accounts_of_newer_witnesses_and_of_too_old_ones_are_refused() {
        assert!(read(account_of(OLDEST).as_bytes()).is_ok());
        for version in [OLDEST - 1, wire::VERSION + 1] {
            let refused = read(account_of(version).as_bytes()).expect_err("of another version");
            assert!(
                refused.message.contains(&format!("version {version} of")),
                "{refused}"
            );
        }
    }

    /// Every fact of a real account goes to JSON by its name and comes back.
    #[test]
    fn a_real_account_survives_json() {
        let log = include_bytes!("../../../compiler/tests/ui/observe/console.log");
        let account = read(log).expect("whole");
        assert!(account.sightings.len() > 1000 && account.incomplete.is_empty());
        let text = serde_json::to_string(&account).expect("JSON");
        assert_eq!(account::parse(&text), Ok(account));
    }
}
