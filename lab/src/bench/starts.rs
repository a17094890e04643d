//! From exec to exit of vmlock-run, with a guest whose first instruction is SYSTEM_OFF: the first start of a lock, a
//! later one, one without a jail, and that of an older vmlock-run, in turn in one boot of one host; and of many vCPUs, with
//! the kernel's distributor and with the runner's.

use super::inside::{Order, Run};
use super::{Bench, DIR, LIMIT, Measure, Phases, guest, median};
use crate::cache;
use crate::emulate::Files;
use crate::failure::{Failure, Result, say};
use crate::job;
use std::collections::BTreeMap;

/// CPU of the host.
const CPU: &str = "neoverse-n1";
/// vCPUs of the guests.
const VCPUS: [u32; 2] = [1, 2];
/// Part of the older start that a later one may take, and the first one.
const AGAIN: f64 = 0.4;
const FIRST: f64 = 1.0;
/// What part of a later start without a jail one with it may take.
const JAILED: f64 = 1.15;
/// vCPUs of the guest that is started with either distributor, and what part of the native start the other may take.
const MANY: u32 = 8;
const PROXIED: f64 = 1.2;
const NATIVE_ONE: &str = "8, native";
const PROXIED_ONE: &str = "8, proxied";
/// What is left of a lock, and says in which version it is made anew.
const FIRST_VERSION: &str = r#"{ "lockVersion": 1 }"#;

impl Bench<'_> {
    /// Starts each guest for the first time, again, and with the older vmlock-run.
    pub(super) fn starts(&self) -> Result<Vec<Measure>> {
        say(format_args!(
            "starting a guest that powers off, Linux {} on {CPU}",
            self.kernel.version
        ));
        let scratch = self.cache.scratch()?;
        let mut files = Files::default();
        let ours = job::add_program(&mut files, self.runner)?;
        let timer = job::add_program(&mut files, self.lab)?;
        let mut contenders = BTreeMap::new();
        files.program(&format!("{DIR}/off.Image"), guest::off());
        if let Some(older) = self.older {
            files.program(&format!("{DIR}/older"), cache::read(older)?);
        }
        for vcpus in VCPUS {
            let name = format!("off{vcpus}");
            let lock = self.compile(&name, spec(&name, vcpus).as_bytes(), &scratch)?;
            let inside = format!("{DIR}/{name}.vm.lock.json");
            files.copy(&inside, &lock);
            let start = |program: &str, lock: &str, more: &[&str]| -> Vec<String> {
                [&[program, "start", lock, "--stats"][..], more]
                    .concat()
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            };
            contenders.insert(again(vcpus), start(&ours, &inside, &[]));
            contenders.insert(first(vcpus), start(&ours, &inside, &[]));
            contenders.insert(unjailed(vcpus), start(&ours, &inside, &["--no-jail"]));
            let older = match self.older {
                Some(_) => {
                    // Which every vmlock-run can read.
                    let name = format!("{name}v1");
                    let lock = scratch.path().join(format!("{name}.vm.lock.json"));
                    cache::write(&lock, FIRST_VERSION.as_bytes())?;
                    let lock = self.compile(&name, spec(&name, vcpus).as_bytes(), &scratch)?;
                    let inside = format!("{DIR}/{name}.vm.lock.json");
                    files.copy(&inside, &lock);
                    start(&format!("{DIR}/older"), &inside, &[])
                }
                None => start(&ours, &inside, &["--no-proof-cache"]),
            };
            contenders.insert(older_one(vcpus), older);
        }
        let name = format!("off{MANY}");
        let lock = self.compile(&name, spec(&name, MANY).as_bytes(), &scratch)?;
        let inside = format!("{DIR}/{name}.vm.lock.json");
        files.copy(&inside, &lock);
        // With nothing remembered: nearly all of a first start is the proof.
        let all = ["start", &inside, "--stats", "--no-proof-cache"];
        for (name, more) in [(NATIVE_ONE, &[][..]), (PROXIED_ONE, &["--emulate-gic"][..])] {
            let words = [&[ours.as_str()][..], &all, more].concat();
            let words = words.into_iter().map(str::to_owned).collect();
            contenders.insert(name.to_owned(), words);
        }
        let order = Order {
            contenders,
            forgetful: VCPUS.map(first).into_iter().collect(),
            rounds: self.runs,
            mark: None,
            resident: None,
        };
        let limit = LIMIT.0 + LIMIT.1 * self.runs;
        let measured = self.measure(CPU, &mut files, None, &timer, &order, limit)?;
        let runs = |name: String| -> Result<&[Run]> {
            let runs = measured.runs.get(&name).map(Vec::as_slice);
            runs.ok_or_else(|| Failure::bug(format!("{name} was not run")))
        };
        let mut measures = Vec::new();
        for vcpus in VCPUS {
            let older = runs(older_one(vcpus))?;
            let words = match self.older {
                Some(_) => "the older one's",
                None => "one that remembers nothing",
            };
            let mut add = |name: &str, ours: &[Run], most: f64| -> Result<()> {
                measures.push(Measure::new(
                    format!("start and end of a guest with {vcpus} vCPUs, {name}, part of {words}"),
                    time(ours) / time(older),
                    "part",
                    most,
                    format!(
                        "Linux {} on {CPU}, in turn, medians of {}: {:.1} and {:.1} ms; {}; {words}: {}",
                        self.kernel.version,
                        self.runs,
                        time(ours),
                        time(older),
                        breakdown(ours)?,
                        breakdown(older)?,
                    ),
                ));
                Ok(())
            };
            add("again", runs(again(vcpus))?, AGAIN)?;
            if self.older.is_some() {
                add("the first time", runs(first(vcpus))?, FIRST)?;
            }
            let (jailed, free) = (runs(again(vcpus))?, runs(unjailed(vcpus))?);
            measures.push(Measure::new(
                format!("the same again, part of one without a jail, {vcpus} vCPUs"),
                time(jailed) / time(free),
                "part",
                JAILED,
                format!(
                    "Linux {} on {CPU}, in turn, medians of {}: {:.1} and {:.1} ms",
                    self.kernel.version,
                    self.runs,
                    time(jailed),
                    time(free),
                ),
            ));
        }
        let (native, proxied) = (runs(NATIVE_ONE.to_owned())?, runs(PROXIED_ONE.to_owned())?);
        measures.push(Measure::new(
            format!("first start and end of a guest with {MANY} vCPUs and the runner's distributor, part of that with the kernel's"),
            time(proxied) / time(native),
            "part",
            PROXIED,
            format!(
                "Linux {} on {CPU}, in turn, medians of {}: {:.1} and {:.1} ms; {}; the kernel's: {}",
                self.kernel.version,
                self.runs,
                time(proxied),
                time(native),
                breakdown(proxied)?,
                breakdown(native)?,
            ),
        ));
        Ok(measures)
    }
}

/// Names of the contenders. A round runs them in alphabetical order: what is started again was started right before.
fn first(vcpus: u32) -> String {
    format!("{vcpus}, 1st")
}

fn again(vcpus: u32) -> String {
    format!("{vcpus}, 2nd")
}

fn older_one(vcpus: u32) -> String {
    format!("{vcpus}, older")
}

fn unjailed(vcpus: u32) -> String {
    format!("{vcpus}, unjailed")
}

/// `modern` of the examples with another guest.
fn spec(name: &str, vcpus: u32) -> String {
    format!(
        "vm \"{name}\" {{\n    arch \"arm64\"\n    abi \"kvm-6.8\" \"psci-1.1\"\n    cpu \"neoverse-n1\" \
         count={vcpus}\n    memory \"256MiB\"\n    boot kernel=\"off.Image\"\n}}\n"
    )
}

/// The median from start to end, in milliseconds.
fn time(runs: &[Run]) -> f64 {
    median(&runs.iter().map(|run| run.to_end / 1e3).collect::<Vec<_>>())
}

/// The phases of the starts.
fn breakdown(runs: &[Run]) -> Result<String> {
    let phases: Vec<Phases> = runs
        .iter()
        .map(|run| Phases::read(&run.words))
        .collect::<Result<_>>()?;
    Ok(Phases::words(&phases))
}
