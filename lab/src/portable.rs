//! The portable witness under QEMU, whose words go to `vmlock`; with KVM as `vmlock export` says, which has to have
//! foretold what `vmlock audit` finds.

mod fates;

use crate::bench::peer::Peer;
use crate::cache::{self, Cache, Scratch};
use crate::cross;
use crate::emulator;
use crate::errand::Errand;
use crate::failure::{Failure, OK, Result};
use crate::job;
use crate::provenance;
use crate::step::{self, Done, Step};
use crate::tools;
use crate::trial::Bench;
use crate::witness;
use serde_json::Value;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// `vmlock-lab witness --check`: what `test` holds of it, by itself.
pub fn check(cache: &Cache) -> Result<u8> {
    emulator::ensure(cache, true)?;
    let bench = Bench::prepare(cache)?;
    let hosted = step::run_alone(cache, &bench, with_kvm(cache, &bench)?)?;
    let rebuilt = witness::rebuilt(cache)?.unwrap_or_default();
    let problems = [hosted, rebuilt, emulated()?].concat();
    step::told(&problems)
}

/// A machine of QEMU's own emulation.
struct Board {
    machine: &'static str,
    cpu: &'static str,
    cpus: u32,
    memory: &'static str,
    /// What the account has to say: the level of entry, and PSCI's conduit.
    entered: (u64, &'static str),
}

const fn board(
    machine: &'static str,
    cpu: &'static str,
    cpus: u32,
    memory: &'static str,
    entered: (u64, &'static str),
) -> Board {
    Board {
        machine,
        cpu,
        cpus,
        memory,
        entered,
    }
}

/// Interrupt controllers, entry at EL2, where HVC is none of the machine's, and few and many CPUs.
#[rustfmt::skip]
const BOARDS: [Board; 7] = [
    board("virt,gic-version=3", "neoverse-n1", 2, "256", (1, "hvc")),
    board("virt,gic-version=3", "cortex-a72", 1, "64", (1, "hvc")),
    board("virt,gic-version=3", "cortex-a72", 130, "512", (1, "hvc")),
    board("virt,gic-version=3,mte=on", "max", 4, "4096", (1, "hvc")),
    board("virt,gic-version=3", "a64fx", 2, "1024", (1, "hvc")),
    board("virt,gic-version=2", "cortex-a53", 2, "128", (1, "hvc")),
    board("virt,gic-version=3,virtualization=on", "max", 2, "256", (2, "smc")),
];

/// How long one machine may take.
const LIMIT: Duration = Duration::from_secs(120);

/// Boots the image on each of them and lets `vmlock` read what it prints: what is wrong.
pub fn emulated() -> Result<Vec<String>> {
    let vmlock = cross::build_quickly("vmlock")?;
    let scratch = Scratch::new()?;
    let image = scratch.path().join("witness.Image");
    let written = run(&vmlock, &["witness", "-o", path(&image)?])?;
    let mut problems = Vec::new();
    if written.0 != OK {
        problems.push(format!("`vmlock witness` ended with code {}", written.0));
    }
    let mut logs = Vec::new();
    for (at, board) in BOARDS.iter().enumerate() {
        let log = scratch.path().join(format!("{at}.log"));
        let name = format!("{} {} -smp {}", board.machine, board.cpu, board.cpus);
        let status = boot(board, &image, &log)?;
        if status != Some(0) {
            problems.push(format!(
                "{name}: QEMU ended with {status:?} and not by SYSTEM_OFF"
            ));
        }
        let (code, said) = run(&vmlock, &["observe", "--format", "json", path(&log)?])?;
        let said: Value = serde_json::from_slice(&said).unwrap_or_default();
        let observed = &said["observed"][0];
        let guests = observed["guest"].as_array().map_or(0, Vec::len);
        let least = observed["guest"].as_array().into_iter().flatten();
        let least = least
            .filter_map(|facts| Some(facts.as_object()?.len()))
            .min()
            .unwrap_or(0);
        let machine = &observed["machine"];
        if code != OK
            || guests != board.cpus as usize
            || least < 400
            || observed.get("incomplete").is_some()
        {
            problems.push(format!(
                "{name}: `vmlock observe` ended with code {code}, {guests} vCPUs, the fewest facts {least}: {}",
                said["diagnostics"]
            ));
        }
        let (level, conduit) = board.entered;
        if machine["enteredAt"] != level || machine["psci"] != conduit {
            problems.push(format!("{name}: another machine was found: {machine}"));
        }
        logs.push((name, log));
    }
    let [one, two, ..] = logs.as_slice() else {
        return Err(Failure::bug("no machine was emulated"));
    };
    // The same machine twice does not differ; two machines do, by name.
    for (a, b, code, words) in [(one, one, OK, "do not differ"), (one, two, 1, "MIDR_EL1")] {
        let (ended, said) = run(&vmlock, &["diff", path(&a.1)?, path(&b.1)?])?;
        let said = String::from_utf8_lossy(&said);
        if ended != code || !said.contains(words) {
            problems.push(format!(
                "`vmlock diff` of {} and {}: code {ended}: {said}",
                a.0, b.0
            ));
        }
    }
    Ok(problems)
}

/// Runs the image under QEMU; its exit code, and none where it had to be ended.
fn boot(board: &Board, image: &Path, log: &Path) -> Result<Option<i32>> {
    let file = |path: &Path| File::create(path).map_err(|e| Failure::file("create", path, &e));
    let mut qemu = emulator::start()?.command();
    qemu.args(["-M", board.machine, "-cpu", board.cpu, "-m", board.memory])
        .args(["-smp", &board.cpus.to_string()])
        .args(["-nodefaults", "-display", "none", "-serial", "stdio"])
        .arg("-kernel")
        .arg(image)
        .stdin(Stdio::null())
        .stdout(file(log)?);
    Ok(tools::run(&mut qemu, Some(LIMIT))?.code())
}

/// Kernels on which Debian's QEMU runs the image with KVM: one without, and one with PSCI 1.3 and SMC as a conduit.
const HOSTS: [&str; 2] = ["6.1", "7.2"];

/// The CPU of both.
const CPU: &str = "neoverse-n1";

/// The image under Debian's QEMU with KVM, on an old and a new kernel, with all that QEMU can be told of a lock: a guest of
/// one and the same command line is told another PSCI version, and what each sees is judged.
pub fn with_kvm<'a>(cache: &Cache, bench: &'a Bench) -> Result<Step<'a>> {
    let peer = Peer::provide(cache)?;
    let start = peer.start(cache);
    let vmlock = cross::build_quickly("vmlock")?;
    let exported = fates::exported(&vmlock, peer.version())?;
    let script = SCRIPT.replace("OPTIONS", &exported.options);
    let mut words = vec![start.program.clone().into_os_string()];
    words.extend(start.args);
    let mut job = vec!["-c".to_owned(), script, "sh".to_owned()];
    for word in words {
        let word = word.into_string();
        job.push(word.map_err(|_| Failure::environment("the cache's path is no text"))?);
    }
    let image = job::text(&bench.root().join(provenance::PORTABLE))?;
    let mut with = vec![image];
    for place in peer.places(cache) {
        with.push(job::text(&place)?);
    }
    let errand = |kernel: &str| Errand {
        by_shell: true,
        with: with.clone(),
        jobs: vec![job.clone()],
        ..bench.errand(CPU, kernel, &[])
    };
    Ok(Step {
        name: "the portable witness under Debian's QEMU with KVM".to_owned(),
        errands: HOSTS.map(errand).into(),
        judge: Box::new(move |done| judge(&vmlock, &exported.version, done)),
    })
}

/// Runs the image; its arguments are how QEMU is started.
const SCRIPT: &str = r#"
"$@" OPTIONS -nodefaults -display none -serial stdio -kernel compiler/witness.Image
"#;

fn judge(vmlock: &Path, version: &str, done: &[Done]) -> Result<Vec<String>> {
    let scratch = Scratch::new()?;
    let mut problems = Vec::new();
    let mut logs = Vec::new();
    let ended = done.iter().flat_map(|done| &done.jobs);
    for (kernel, ended) in HOSTS.iter().zip(ended) {
        let log = scratch.path().join(format!("{kernel}.log"));
        cache::write(&log, &ended.stdout)?;
        let (code, _) = run(vmlock, &["observe", path(&log)?])?;
        if (ended.code, code) != (OK, OK) {
            problems.push(format!(
                "{kernel}: QEMU ended with code {}, and `vmlock observe` with {code}: {}",
                ended.code,
                String::from_utf8_lossy(&ended.stderr)
            ));
        }
        logs.push(log);
    }
    let [old, new] = logs.as_slice() else {
        return Ok(vec!["a host without an account".to_owned()]);
    };
    let (_, said) = run(vmlock, &["diff", path(old)?, path(new)?])?;
    let said = String::from_utf8_lossy(&said);
    for words in ["1.1 → 1.3", "guests gain SYSTEM_OFF2"] {
        if !said.contains(words) {
            problems.push(format!(
                "the two kernels are told apart without `{words}`:\n{said}"
            ));
        }
    }
    // What the lock pins and QEMU does not is found, and was foretold.
    for (kernel, log) in HOSTS.iter().zip(&logs) {
        problems.extend(fates::disagreements(vmlock, version, kernel, log)?);
    }
    Ok(problems)
}

fn path(path: &Path) -> Result<&str> {
    path.to_str()
        .ok_or_else(|| Failure::environment("the temporary folder's path is no text"))
}

/// Runs `vmlock`: its exit code, and what it printed.
fn run(vmlock: &Path, arguments: &[&str]) -> Result<(u8, Vec<u8>)> {
    let (status, said) = tools::output(Command::new(vmlock).args(arguments))?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok((code.unwrap_or(u8::MAX), said))
}
