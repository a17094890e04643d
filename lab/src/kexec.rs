//! A Linux guest whose distributor the runner answers for starts another kernel (kexec), and that one crashes in
//! its timer's interrupt and is followed by a third one (kdump).
//!
//! The first kernel goes in an orderly way, out of a process. The second one's software watchdog panics in its hrtimer,
//! which is in the interrupt of the architected timer: that is active when `machine_kexec_mask_interrupts` clears it,
//! which KVM lets no userspace do for the guest, so that the runner has to lend its vCPU. All of them are the
//! guest's ordinary kernel, with Debian's kexec-tools.

use crate::cache::{self, Cache};
use crate::emulate::{Ended, Machine};
use crate::failure::{Failure, Result};
use crate::guest;
use crate::initramfs::Archive;
use crate::interrupts::counts;
use crate::kernels;
use crate::packages::{self, Program};
use crate::programs::{Programs, Wanted};
use crate::trial::Bench;
use std::path::Path;

/// The guest's lock.
pub const LOCK: &str = "lab/tests/specs/kexec.vm.lock.json";

/// Name of the guest's initramfs in its directory.
pub const INITRD: &str = "kexec.cpio";

const KEXEC: &str = "/usr/sbin/kexec";
const WATCHDOG: &str = "softdog";

/// What the guest does in each of its kernels, which their command lines tell apart. The later ones' initramfs is
/// made of this one's files.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin:/usr/sbin
mkdir -p /proc /sys /dev
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
stage=first
for word in $(cat /proc/cmdline); do
    case $word in stage=*) stage=${word#stage=} ;; esac
done
ticks() { awk '$NF == "arch_timer" { print $2 }' /proc/interrupts; }
before=$(ticks)
sleep 1
echo "vmlock guest: the $stage kernel has $(nproc) CPUs, and its timer $(($(ticks) - before > 0)) ticks"
next() {
    how=$1 words=$2
    shift 2
    (cd / && find "$@" | cpio -o -H newc) >/next.cpio 2>/dev/null
    kexec $how /Image --initrd=/next.cpio --command-line="console=ttyS0 quiet panic=-1 $words" ||
        echo "vmlock guest: kexec $how failed"
}
case $stage in
first)
    next -l "crashkernel=160M stage=second" bin init lib usr Image softdog.ko
    kexec -e
    ;;
second)
    next -p "maxcpus=1 reset_devices stage=third" bin init
    insmod /softdog.ko soft_margin=1 soft_panic=1
    exec 3>/dev/watchdog
    sleep 60
    ;;
third)
    [ -s /proc/vmcore ] && echo "vmlock guest: the crashed kernel's memory is there"
    ;;
esac
echo "vmlock guest: powering off"
poweroff -f
"#;

/// Puts the guest's initramfs into a directory.
pub fn provide(cache: &Cache, dir: &Path) -> Result<()> {
    let [kernel] = kernels::resolve(cache, &[guest::KERNEL.to_owned()], false)?
        .try_into()
        .map_err(|_| Failure::bug("one kernel was asked for and not one was found"))?;
    let mut archive = Archive::default();
    for path in ["/proc", "/sys", "/dev", "/bin"] {
        archive.dir(path)?;
    }
    archive.character_device("/dev/console", 5, 1)?;
    archive.file("/bin/busybox", 0o755, &kernels::busybox(cache)?)?;
    archive.link("/bin/sh", "busybox")?;
    let wanted = wanted();
    let programs = Programs::provide(cache, &wanted)?;
    for (path, source) in programs.files(cache, &wanted) {
        archive.file(path, 0o755, &cache::read(&source)?)?;
    }
    let watchdog = kernels::module(cache, &kernel, WATCHDOG)?;
    archive.file("/softdog.ko", 0o644, &watchdog)?;
    archive.file("/Image", 0o644, &cache::read(&kernel.image)?)?;
    archive.file("/init", 0o755, INIT.as_bytes())?;
    guest::put(&dir.join(INITRD), &archive.finish()?)
}

/// Of the release whose kernel the guest has. Its maintainer scripts' needs are not the program's.
fn wanted() -> Wanted {
    Wanted {
        from: Program {
            archive: packages::HOSTS,
            suite: Some("trixie"),
            package: "kexec-tools",
            also: &[],
            without: "d",
        },
        programs: &[KEXEC],
        folder: "kexec-trixie".to_owned(),
        words: "Debian's arm64 kexec-tools and the libraries that they need (5 MB)".to_owned(),
    }
}

/// What is wrong with the guest on a host. It is written anew where it differs from an older lab's.
pub fn run(cache: &Cache, bench: &Bench, host: &Machine) -> Result<Vec<String>> {
    provide(cache, &bench.root().join("examples/guest"))?;
    let outcome = bench.run(host, &[vec!["start", LOCK, "--stats"]])?;
    Ok(outcome.jobs.iter().flat_map(problems).collect())
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
