//! A Linux guest whose distributor the runner answers for hands its machine over to another kernel (kexec), and that
//! one crashes in its timer's interrupt and is followed by a third one (kdump): `kexec.rs`.
//!
//! The first kernel goes out of a process. The second one's timer's interrupt is active when
//! `machine_kexec_mask_interrupts` clears it, which KVM lets no userspace do for the guest, so that the runner has to
//! lend its vCPU.

use crate::cache::Cache;
use crate::emulate::Ended;
use crate::failure::Result;
use crate::interrupts::counts;
use crate::kexec;
use crate::step::Step;
use crate::trial::Bench;

/// The guest's lock.
pub const LOCK: &str = "lab/tests/specs/kexec.vm.lock.json";

/// The guest, on a host of that kernel. Its files are written anew where they differ from an older lab's.
pub fn step<'a>(cache: &Cache, bench: &Bench, kernel: &str) -> Result<Step<'a>> {
    kexec::provide(cache, &bench.root().join("examples/guest"))?;
    let jobs = [vec!["start", LOCK, "--stats"]];
    Ok(Step {
        name: "a Linux guest goes on through kexec, and through a crash in its timer's interrupt"
            .to_owned(),
        errands: vec![bench.errand("neoverse-n1", kernel, &jobs)],
        judge: Box::new(|done| {
            let ended = done.iter().flat_map(|done| &done.jobs);
            Ok(ended.flat_map(problems).collect())
        }),
    })
}

fn problems(ended: &Ended) -> Vec<String> {
    let console = String::from_utf8_lossy(&ended.stdout);
    let words = String::from_utf8_lossy(&ended.stderr);
    let mut problems = Vec::new();
    let mut expect = |holds: bool, what: String| {
        if !holds {
            problems.push(what);
        }
    };
    expect(
        ended.code == 0,
        format!(
            "the guest ended with code {}:\n{words}\n{console}",
            ended.code
        ),
    );
    for line in [
        "the first kernel has 2 CPUs, and its timer 1 ticks",
        "the second kernel has 2 CPUs, and its timer 1 ticks",
        "Kernel panic - not syncing: Software Watchdog Timer expired",
        // In the panic's own account of how it came there.
        "arch_timer_handler_virt",
        "the third kernel has 1 CPUs, and its timer 1 ticks",
        "the crashed kernel's memory is there",
        "powering off",
    ] {
        expect(
            console.contains(line),
            format!("the guest's console does not say `{line}`"),
        );
    }
    let loans = counts(&words)["loans"].as_u64();
    expect(
        loans.is_some_and(|loans| loans > 0),
        format!(
            "the guest's vCPU was lent {loans:?} times, though its timer's interrupt was active"
        ),
    );
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_that_does_not_come_up_is_missed() {
        let console = "vmlock guest: the first kernel has 2 CPUs, and its timer 1 ticks\r\n\
            vmlock guest: the second kernel has 2 CPUs, and its timer 1 ticks\r\n\
            Kernel panic - not syncing: Software Watchdog Timer expired\r\n arch_timer_handler_virt+0x34/0x58\r\n\
            vmlock guest: the third kernel has 1 CPUs, and its timer 1 ticks\r\n\
            vmlock guest: the crashed kernel's memory is there\r\nvmlock guest: powering off\r\n";
        let ended = |console: &str, loans: u64| Ended {
            code: 0,
            stdout: console.as_bytes().to_vec(),
            stderr: format!("{{\"interruptController\":{{\"loans\":{loans}}}}}\n").into_bytes(),
        };
        assert_eq!(problems(&ended(console, 1)), Vec::<String>::new());
        assert_eq!(problems(&ended(console, 0)).len(), 1);
        let (early, _) = console
            .split_once("vmlock guest: the third")
            .expect("three");
        assert_eq!(problems(&ended(early, 1)).len(), 3);
    }
}
