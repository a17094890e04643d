//! One running guest carried through a chain of kernels: started in the first emulated host, saved, brought out, restored in
//! the next one, and so on, with its disks. The guest (`carried.rs`) looks all the while whether anything of it is lost.
//!
//! The saved guest is in the hosts' bag, and the guest's disks, empty at first, are disks of theirs, whose files outlive
//! them. A guest with a network card talks to one peer outside of all hosts (`carry/peer.rs`), over one connection. In each
//! host the running guest is audited, and all audits have to see the same machine. On the way, `vmlock explain` has to say
//! what the saved guest is, and each host gets it with one byte turned over first, which has to be refused. Or the guest is handed over
//! while it runs (`carry/live.rs`), and there is no file.

use crate::cache::{Cache, Scratch};
use crate::carried;
use crate::cross;
use crate::emulate::{Machine, Outcome};
use crate::errand::Errand;
use crate::failure::{FINDINGS, Failure, INTERRUPTED, OK, Result, say, tell};
use crate::flags;
use crate::initramfs::quote;
use crate::job;
use crate::kernels::{self, Kernel};
use crate::modules;
use crate::options;
use crate::trial::{self, Bench};
use std::path::Path;
use std::thread;
use std::time::Duration;

pub mod images;
pub mod live;
pub mod needs;
pub mod peer;
pub mod script;
pub mod stop;
pub mod way;

use images::Images;
use needs::Needs;
use peer::Peer;
use stop::{SAVED, Stop, at_stops, problems};
use way::Way;

/// The lock whose guest every run of the tests carries, its hosts, and after how many of its rounds it goes on to the next.
pub const LOCK: &str = "examples/carried.vm.lock.json";
const CPU: &str = "cortex-a72";
const SLICE: [&str; 3] = ["5.10", "7.3", "5.10"];
const ROUNDS: u32 = 1;

/// How long each of what the script waits for may take, in seconds.
const EACH: u64 = 200;

/// How long all that is done in one host may take: more than all of the script's own limits, so that what goes wrong is judged.
const LIMIT: Duration = Duration::from_secs(2100);

/// Hosts that may crash or stand still on the way, and be booted once more.
const CRASHES: usize = 1;

/// `vmlock-lab carry`
pub fn run(cache: &Cache, flags: &flags::Carry) -> Result<u8> {
    if flags.kernels.len() < 2 {
        return Err(Failure::usage(
            "a guest is carried from one kernel to another: `--kernels` has to name two or more",
        ));
    }
    let bench = Bench::prepare(cache)?;
    let lock = job::absolute(&job::current_dir()?, &flags.lock);
    let ways = [
        (flags.native, "--native"),
        (flags.emulate_gic, "--emulate-gic"),
    ];
    let ways = ways.iter().filter(|(is, _)| *is).map(|(_, flag)| *flag);
    let chain = Chain {
        cpu: &flags.cpu,
        kernels: &flags.kernels,
        rounds: flags.rounds,
        ways: ways.collect(),
        live: flags.live,
    };
    let mut told = Told::default();
    chain.carry(cache, &bench, &lock, &mut told)?;
    told.problems.iter().try_for_each(tell)?;
    if told.problems.is_empty() {
        let kernels = told.kernels.join(", ");
        let how = if flags.live {
            ", handed over while it ran"
        } else {
            ""
        };
        tell(format_args!(
            "one guest went on through Linux {kernels}{how}, and lost nothing"
        ))?;
    }
    Ok(if told.problems.is_empty() {
        OK
    } else {
        FINDINGS
    })
}

/// What every run of the tests carries: the problems, and how many hosts had to be booted twice.
pub fn checked(cache: &Cache, bench: &Bench) -> Result<(Vec<String>, usize)> {
    let kernels = SLICE.map(str::to_owned);
    let chain = Chain {
        cpu: CPU,
        kernels: &kernels,
        rounds: ROUNDS,
        ways: Vec::new(),
        live: false,
    };
    let mut told = Told::default();
    match chain.carry(cache, bench, &bench.root().join(LOCK), &mut told) {
        // All the other tests still have their say.
        Err(failure) if failure.code() != INTERRUPTED => told.problems.push(failure.to_string()),
        outcome => outcome?,
    }
    Ok((told.problems, told.again))
}

/// Where a guest goes.
struct Chain<'a> {
    cpu: &'a str,
    kernels: &'a [String],
    rounds: u32,
    /// Further arguments of the runner.
    ways: Vec<&'a str>,
    /// Whether it is handed over while it runs, and not saved.
    live: bool,
}

/// What came of it.
#[derive(Default)]
struct Told {
    problems: Vec<String>,
    /// The kernels of its hosts.
    kernels: Vec<String>,
    /// How many were booted twice.
    again: usize,
}

impl Chain<'_> {
    /// Carries the guest of a lock as far as it gets.
    fn carry(&self, cache: &Cache, bench: &Bench, lock: &Path, told: &mut Told) -> Result<()> {
        let kernels = kernels::resolve(cache, self.kernels, false)?;
        let needs = Needs::read(lock)?;
        // What an Image lacks is told before a guest is on its way to it.
        for kernel in kernels.iter().filter(|kernel| !kernel.is_packaged()) {
            options::expect(&kernel.image)?;
            options::expect_drivers(&kernel.image, &self.drivers(&needs))?;
        }
        let guest = bench.root().join("examples/guest");
        match needs.debian {
            true => carried::provide_on_debian(cache, &guest)?,
            false => carried::provide(cache, &guest)?,
        }
        let walk = |told: &mut Told| match self.live {
            true => self.hand_over(cache, bench, (lock, &needs), &kernels, told),
            false => self.walk(cache, bench, (lock, &needs), &kernels, told),
        };
        match walk(told) {
            // The peer has heard what that host's guest said, and cannot be as it was before. Nor can the other host.
            Err(failure) if failure.is_crash() && (needs.talks() || self.live) => {
                tell(format_args!("again, from the first host: {failure}"))?;
                told.again += 1;
                walk(told)
            }
            outcome => outcome,
        }
    }

    /// One guest, from the first host on.
    fn walk(
        &self,
        cache: &Cache,
        bench: &Bench,
        (lock, needs): (&Path, &Needs),
        kernels: &[Kernel],
        told: &mut Told,
    ) -> Result<()> {
        let compiler = cross::build_quickly("vmlock")?;
        let scratch = cache.scratch()?;
        let images = Images::make(cache, &scratch, needs)?;
        let place = Scratch::new()?;
        let peer = needs.talks().then(|| Peer::start(place.path()));
        let peer = peer.transpose()?;
        let mut stops: Vec<Stop> = Vec::new();
        told.kernels.clear();
        for (turn, kernel) in kernels.iter().enumerate() {
            let mut host = trial::machine(kernel.clone(), self.cpu, LIMIT * needs.slowness());
            host.bag = Some(images.guest.clone());
            host.kept.clone_from(&images.disks);
            host.cables = peer.iter().map(|peer| peer.socket.clone()).collect();
            let size = stops.last().map_or(0, Stop::saved);
            let limit = EACH * u64::from(needs.slowness());
            let script = script::common(limit) + &script::saved();
            let last = turn + 1 == kernels.len();
            let numbers = [
                size,
                turned_at(turn, size),
                turn as u64 + 1,
                self.rounds.into(),
                last.into(),
            ];
            let errand = self.errand(bench, (lock, needs), &host, (&script, &numbers))?;
            let place = place_of(turn, kernel);
            let run = || bench.run(&host, &[&errand]);
            let outcome = match &peer {
                Some(_) => match run() {
                    Err(failure) if failure.is_crash() => {
                        return told.crashed(needs, kernels.len(), &stops, (&place, failure));
                    }
                    outcome => outcome?,
                },
                None => {
                    let (outcome, again) = images.taken(&place, run)?;
                    told.again += usize::from(again);
                    outcome
                }
            };
            let mut stop = Stop {
                disks: images.digests()?,
                ..told.stop(place, kernel, outcome, peer.as_ref())?
            };
            if stop.saved() > 0 {
                stop.explained = Some(images.explain(&compiler, stop.saved())?);
            }
            let goes_on = stop.ended.code == SAVED && stop.explained.is_some();
            stops.push(stop);
            if !goes_on {
                break;
            }
        }
        told.judge(needs, kernels.len(), &stops, &images)
    }

    /// One guest that is handed over from host to host: two of them are up at once.
    fn hand_over(
        &self,
        cache: &Cache,
        bench: &Bench,
        (lock, needs): (&Path, &Needs),
        kernels: &[Kernel],
        told: &mut Told,
    ) -> Result<()> {
        let scratch = cache.scratch()?;
        let images = Images::make(cache, &scratch, needs)?;
        let place = Scratch::new()?;
        let peer = needs.talks().then(|| Peer::start(place.path()));
        let peer = peer.transpose()?;
        let ways = (1..kernels.len()).map(|n| Way::start(place.path().join(format!("way{n}"))));
        let ways: Vec<Way> = ways.collect::<Result<_>>()?;
        let mut hosts: Vec<(Machine, Errand)> = Vec::new();
        for (turn, kernel) in kernels.iter().enumerate() {
            let limit = LIMIT * needs.slowness() * live::LONGER;
            let mut host = trial::machine(kernel.clone(), self.cpu, limit);
            host.kept.clone_from(&images.disks);
            host.shares = true;
            let last = turn + 1 == kernels.len();
            let ways = &ways[turn.saturating_sub(1)..(turn + 1).min(ways.len())];
            let peer = peer.iter().map(|peer| &peer.socket);
            let cables = peer.chain(ways.iter().map(|way| &way.socket));
            host.cables = cables.cloned().collect();
            let limit = EACH * u64::from(needs.slowness());
            let script = live::script(needs, turn, last, limit);
            let numbers = [turn as u64 + 1, self.rounds.into()];
            let errand = self.errand(bench, (lock, needs), &host, (&script, &numbers))?;
            hosts.push((host, errand));
        }
        let mut stops: Vec<Stop> = Vec::new();
        told.kernels.clear();
        thread::scope(|scope| {
            let mut all = hosts.iter();
            let mut boot = || {
                let (host, errand) = all.next()?;
                Some(scope.spawn(|| bench.run(host, &[errand])))
            };
            let mut runs = boot();
            for (turn, kernel) in kernels.iter().enumerate() {
                // The next one comes up while the guest is here.
                let next = boot();
                let place = place_of(turn, kernel);
                let ended = runs.map(|host| host.join());
                let outcome = match ended {
                    Some(Ok(outcome)) => outcome,
                    _ => return Err(Failure::bug("a host's thread ended without a word")),
                };
                let outcome = match outcome {
                    Err(failure) if failure.is_crash() => {
                        return told.crashed(needs, kernels.len(), &stops, (&place, failure));
                    }
                    outcome => outcome?,
                };
                let stop = told.stop(place, kernel, outcome, peer.as_ref())?;
                let goes_on = stop.ended.code == SAVED;
                stops.push(Stop { live: true, ..stop });
                runs = next;
                if !goes_on {
                    break;
                }
            }
            told.judge(needs, kernels.len(), &stops, &images)
        })
    }

    /// What is done in a host, by that script and its arguments.
    fn errand(
        &self,
        bench: &Bench,
        (lock, needs): (&Path, &Needs),
        host: &Machine,
        (script, numbers): (&str, &[u64]),
    ) -> Result<Errand> {
        let folder = lock.parent().unwrap_or(Path::new("/"));
        let place = |path: &str| job::text(&job::absolute(folder, Path::new(path)));
        let own = match needs.debian {
            true => carried::ON_DEBIAN,
            false => carried::INITRD,
        };
        let own = bench.root().join("examples/guest").join(own);
        let (own, initrd) = (job::text(&own)?, place(&needs.initrd)?);
        let mut begin = String::new();
        // Whichever it names, this is the guest.
        if initrd != own {
            begin.push_str(&format!("cp -f {} {}\n", quote(&own), quote(&initrd)));
        }
        let mut nodes = Vec::new();
        for ((path, _), letter) in needs.disks.iter().zip('a'..='z') {
            let (node, path) = (format!("/dev/vd{letter}"), quote(&place(path)?));
            begin.push_str(&format!(
                "mkdir -p \"$(dirname {path})\"\nln -sf {node} {path}\n"
            ));
            nodes.push(node);
        }
        let [nodes, taps] = [&nodes, &needs.taps].map(|words| quote(&words.join(" ")));
        let script = format!("{begin}disks={nodes} taps={taps}\n{script}");
        let lock = job::text(lock)?;
        let numbers: Vec<String> = numbers.iter().map(u64::to_string).collect();
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let job = [&["-c", &script, "sh", &lock], &numbers[..], &self.ways].concat();
        let modules = self.network(needs).iter();
        Ok(Errand {
            by_shell: true,
            with: vec![own],
            modules: modules.map(|&name| name.to_owned()).collect(),
            ..bench.errand(self.cpu, &host.kernel.asked, &[job])
        })
    }

    /// What hosts of such a guest need for their cables.
    fn network(&self, needs: &Needs) -> &'static [&'static str] {
        match needs.talks() || self.live {
            true => &modules::LAN,
            false => &[],
        }
    }

    /// The modules, or drivers built in, that they need.
    fn drivers(&self, needs: &Needs) -> Vec<&'static str> {
        let disks: &[&str] = match needs.disks.is_empty() {
            true => &[],
            false => &modules::DISKS,
        };
        let bag: &[&str] = match self.live {
            true => &[],
            false => &[modules::BAG],
        };
        [bag, disks, self.network(needs)].concat()
    }
}

impl Told {
    /// A host has ended: what came of the guest there.
    fn stop(
        &mut self,
        place: String,
        kernel: &Kernel,
        outcome: Outcome,
        peer: Option<&Peer>,
    ) -> Result<Stop> {
        let ended = outcome.jobs.into_iter().next();
        let stop = Stop {
            place,
            ended: ended.ok_or_else(|| Failure::bug("a job without a result"))?,
            heard: peer.map(Peer::heard).unwrap_or_default(),
            ..Stop::default()
        };
        say(format_args!(
            "{}: {} s to boot, {}; audit: {}",
            stop.place,
            outcome.booted.as_secs(),
            stop.times(),
            stop.audit().as_deref().unwrap_or("none")
        ));
        if let Some(over) = stop.over() {
            say(format_args!("{}: {}", stop.place, over.words()));
        }
        self.kernels.push(kernel.version.clone());
        Ok(stop)
    }

    /// A host crashed. The way begins anew then, and what was wrong before it would be seen by nobody.
    fn crashed(
        &mut self,
        needs: &Needs,
        hosts: usize,
        stops: &[Stop],
        (place, failure): (&str, Failure),
    ) -> Result<()> {
        self.problems = at_stops(needs, hosts, stops);
        if self.problems.is_empty() {
            return Err(failure);
        }
        self.problems.push(format!("{place}: {failure}"));
        Ok(())
    }

    /// What is wrong with a guest that was at these stops.
    fn judge(
        &mut self,
        needs: &Needs,
        hosts: usize,
        stops: &[Stop],
        images: &Images,
    ) -> Result<()> {
        self.problems = problems(needs, hosts, stops);
        if self.again > CRASHES {
            self.problems.push(format!(
                "{} hosts crashed or stood still, and at most {CRASHES} of them by itself",
                self.again
            ));
        }
        if self.problems.is_empty() {
            self.problems.extend(images.out_of_order()?);
        }
        Ok(())
    }
}

/// Which host that is, in words.
fn place_of(turn: usize, kernel: &Kernel) -> String {
    format!("host {}, Linux {}", turn + 1, kernel.version)
}

/// Where a byte of a saved guest is turned over: in its sections, which stand at the end, or in the guest's kernel.
fn turned_at(turn: usize, size: u64) -> u64 {
    match turn % 2 {
        0 => size.saturating_sub(20),
        _ => 2 * (2 << 20) + 100,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_has_time_for_all_that_its_script_waits_for() {
        let script = script::saved();
        let lines = || script.lines().map(str::trim_start);
        let count = |is: &dyn Fn(&str) -> bool| lines().filter(|line| is(line)).count() as u64;
        let waits = count(&|line| line.starts_with("await "));
        let limits = count(&|line| line.contains("timeout "));
        assert_eq!((waits, limits), (4, 2));
        // Beside them, the bag, and two that saving takes. No host starts a guest and restores one.
        let all = waits + limits + 3 - 1;
        // After four fifths of its time a host tells where its threads stand.
        assert!(LIMIT.as_secs() * 4 / 5 >= all * EACH);
    }
}
