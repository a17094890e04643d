//! One running guest carried through a chain of kernels: started in the first emulated host, saved, brought out, restored in
//! the next one, and so on, with its disks. The guest (`carried.rs`) looks all the while whether anything of it is lost.
//!
//! The saved guest and the guest's disks, empty at first, are disks of the hosts, whose files outlive them. On the way,
//! `vmlock explain` has to say what the saved guest is, and each host gets it with one byte turned over first, which has to
//! be refused.

use crate::cache::Cache;
use crate::carried;
use crate::cross;
use crate::emulate::Machine;
use crate::errand::Errand;
use crate::failure::{FINDINGS, Failure, INTERRUPTED, OK, Result, say, tell};
use crate::flags;
use crate::initramfs::quote;
use crate::job;
use crate::kernels;
use crate::trial::{self, Bench};
use std::path::Path;
use std::time::Duration;

mod images;
mod needs;
mod stop;

use images::Images;
use needs::Needs;
use stop::{SAVED, Stop, problems};

/// The lock whose guest every run of the tests carries, its hosts, and after how many of its rounds it goes on to the next.
pub const LOCK: &str = "lab/tests/specs/carried.vm.lock.json";
const CPU: &str = "cortex-a72";
const SLICE: [&str; 3] = ["5.10", "7.3", "5.10"];
const ROUNDS: u32 = 1;

/// How long all that is done in one host may take: more than all of the script's own limits, so that what goes wrong is judged.
const LIMIT: Duration = Duration::from_secs(1500);

/// Hosts that may crash or stand still on the way, and be booted once more.
const CRASHES: usize = 1;

/// What is done in a host. `/dev/vda` has the saved guest, of which there are `$size` bytes, none in the first host; the
/// guest's disks are behind it. What is found goes to standard error in lines of `carry:`; standard output is the guest's
/// console alone.
const SCRIPT: &str = r#"
lock=$1 size=$2 at=$3 turn=$4 rounds=$5 last=$6
shift 6
carry() { echo "carry: $*" >&2; }
carry kernel $(uname -r)
mkdir -m 700 -p /tmp/mine
mkfifo /tmp/in
exec 4<>/tmp/in
: >/tmp/out
# The same to a guest in each host.
if [ -n "$taps" ]; then
    for tap in $taps; do
        tunctl -t $tap >/dev/null
        ifconfig $tap hw ether 52:54:00:77:00:01 10.77.0.1 netmask 255.255.255.0 up
    done
fi
for disk in $disks; do carry holds $disk $(sha256sum <$disk); done
fail() { carry "never: $*"; cat /tmp/out; kill -9 $pid 2>/dev/null; exit 1; }
now() { read -r up rest </proc/uptime; echo ${up%.*}; }
# What nothing may take longer than, in seconds.
limit=200
await() {
    since=$(now)
    until eval "$1"; do
        kill -0 $pid 2>/dev/null || fail "$1, and its runner has gone"
        [ $(($(now) - since)) -lt $limit ] || fail "$1"
        sleep 0.2
    done
}
ended() {
    since=$(now)
    while kill -0 $pid 2>/dev/null; do
        [ $(($(now) - since)) -lt $limit ] || fail "its runner ends"
        sleep 0.2
    done
    wait $pid
    code=$?
}
# Rounds that began in this host.
went() { awk "/hears 'host $turn'/ { on = 1 } on && /vmlock guest: round .* went on, / { n++ } END { print n + 0 }" /tmp/out; }
guest() { vmlock-run "$@" --control /tmp/mine/guest <&4 >>/tmp/out & pid=$!; }
begin=$(now)
took() { carry took $1 $(($(now) - begin)) s; begin=$(now); }
if [ $size = 0 ]; then
    guest start "$lock" "$@"
    # What is typed before is lost.
    await "grep -q 'vmlock guest: .* CPUs' /tmp/out"
    took "to start"
else
    save=/tmp/one.save
    head -c $size /dev/vda >$save
    # One byte is turned over, and back.
    turned() {
        byte=$(dd if=$save bs=1 skip=$at count=1 2>/dev/null | od -An -tu1)
        printf "\\$(printf %o $((byte ^ 255)))" | dd of=$save bs=1 seek=$at conv=notrunc 2>/dev/null
    }
    turned
    timeout -s KILL $limit vmlock-run restore $save --lock "$lock" "$@" </dev/null 2>/tmp/refused
    carry turned $?
    sed 's/^/carry: refused /' /tmp/refused >&2
    turned
    took "what is not whole is refused"
    guest restore $save --lock "$lock" "$@"
fi
echo "host $turn" >&4
await "grep -q \"hears 'host $turn'\" /tmp/out"
took "until it hears"
await '[ $(went) -ge $rounds ]'
took "rounds"
if [ $last = 1 ]; then
    echo end >&4
    ended
else
    timeout -s KILL $limit vmlock-run save /tmp/next.save --control /tmp/mine/guest >&2 || fail saved
    ended
    dd if=/tmp/next.save of=/dev/vda bs=1M conv=fsync 2>/dev/null
    carry saved $(stat -c %s /tmp/next.save)
fi
took "the rest"
cat /tmp/out
exit $code
"#;

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
    };
    let mut told = Told::default();
    chain.carry(cache, &bench, &lock, &mut told)?;
    told.problems.iter().try_for_each(tell)?;
    if told.problems.is_empty() {
        let kernels = told.kernels.join(", ");
        tell(format_args!(
            "one guest went on through Linux {kernels}, and lost nothing"
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
        carried::provide(cache, &bench.root().join("examples/guest"))?;
        let needs = Needs::read(lock)?;
        let compiler = cross::build_quickly("vmlock")?;
        let scratch = cache.scratch()?;
        let images = Images::make(&scratch, &needs)?;
        let mut stops: Vec<Stop> = Vec::new();
        for (turn, kernel) in kernels.into_iter().enumerate() {
            let mut host = trial::machine(kernel, self.cpu, LIMIT);
            host.kept.clone_from(&images.paths);
            let size = stops.last().map_or(0, Stop::saved);
            let errand = self.errand(bench, (lock, &needs), &host, (turn, size))?;
            images.keep()?;
            let outcome = match bench.run(&host, &[&errand]) {
                // An emulated host stops once in some hundred (`step.rs`).
                Err(failure) if failure.is_crash() => {
                    tell(format_args!("again: {failure}"))?;
                    told.again += 1;
                    images.put_back()?;
                    bench.run(&host, &[&errand])
                }
                outcome => outcome,
            }?;
            let ended = outcome.jobs.into_iter().next();
            let mut stop = Stop {
                place: format!("host {}, Linux {}", turn + 1, host.kernel.version),
                ended: ended.ok_or_else(|| Failure::bug("a job without a result"))?,
                explained: None,
                disks: images.digests()?,
            };
            if stop.saved() > 0 {
                stop.explained = Some(images.explain(&compiler, stop.saved())?);
            }
            say(format_args!(
                "{}: {} s to boot, {}",
                stop.place,
                outcome.booted.as_secs(),
                stop.times()
            ));
            let goes_on = stop.ended.code == SAVED && stop.explained.is_some();
            told.kernels.push(host.kernel.version);
            stops.push(stop);
            if !goes_on {
                break;
            }
        }
        told.problems = problems(&needs, self.kernels.len(), &stops);
        if told.again > CRASHES {
            told.problems.push(format!(
                "{} hosts crashed or stood still, and at most {CRASHES} of them by itself",
                told.again
            ));
        }
        if told.problems.is_empty() {
            told.problems.extend(images.out_of_order()?);
        }
        Ok(())
    }

    /// What is done in a host: which turn it is, and how large the guest is that was saved in the one before.
    fn errand(
        &self,
        bench: &Bench,
        (lock, needs): (&Path, &Needs),
        host: &Machine,
        (turn, size): (usize, u64),
    ) -> Result<Errand> {
        let folder = lock.parent().unwrap_or(Path::new("/"));
        let place = |path: &str| job::text(&job::absolute(folder, Path::new(path)));
        let own = bench.root().join("examples/guest").join(carried::INITRD);
        let (own, initrd) = (job::text(&own)?, place(&needs.initrd)?);
        let mut script = String::new();
        // Whichever it names, this is the guest.
        if initrd != own {
            script.push_str(&format!("cp -f {} {}\n", quote(&own), quote(&initrd)));
        }
        let mut nodes = Vec::new();
        for ((path, _), letter) in needs.disks.iter().zip('b'..='z') {
            let (node, path) = (format!("/dev/vd{letter}"), quote(&place(path)?));
            script.push_str(&format!(
                "mkdir -p \"$(dirname {path})\"\nln -sf {node} {path}\n"
            ));
            nodes.push(node);
        }
        let [nodes, taps] = [&nodes, &needs.taps].map(|words| quote(&words.join(" ")));
        script.push_str(&format!("disks={nodes} taps={taps}\n{SCRIPT}"));
        let last = turn + 1 == self.kernels.len();
        let lock = job::text(lock)?;
        let turns = [
            size,
            turned_at(turn, size),
            turn as u64 + 1,
            self.rounds.into(),
            last.into(),
        ];
        let numbers = turns.map(|n| n.to_string());
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        let job = [&["-c", &script, "sh", &lock], &numbers[..], &self.ways].concat();
        let modules = if needs.taps.is_empty() {
            None
        } else {
            Some("tun".to_owned())
        };
        Ok(Errand {
            by_shell: true,
            with: vec![own],
            modules: modules.into_iter().collect(),
            ..bench.errand(self.cpu, &host.kernel.asked, &[job])
        })
    }
}

/// Where a byte of a saved guest is turned over: in its sections, which stand at the end, or in the guest's kernel.
fn turned_at(turn: usize, size: u64) -> u64 {
    match turn % 2 {
        0 => size.saturating_sub(20),
        _ => 2 * (2 << 20) + 100,
    }
}
