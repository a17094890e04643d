//! The guest that starts one kernel after another: its first one goes on in an orderly way (kexec), its second one
//! crashes in its timer's interrupt (kdump), its third one powers off. What is expected of it: `handover.rs`.
//!
//! The second kernel's software watchdog panics in its hrtimer, which is in the interrupt of the architected timer. All
//! of them are the guest's ordinary kernel, with Debian's kexec-tools.

use crate::cache::{self, Cache};
use crate::failure::Result;
use crate::guest;
use crate::modules;
use crate::packages::{self, Program};
use crate::programs::{Programs, Wanted};
use std::path::Path;

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
    let kernel = guest::kernel(cache, guest::KERNEL)?;
    let mut archive = guest::archive(cache)?;
    let wanted = wanted();
    let programs = Programs::provide(cache, &wanted)?;
    for (path, source) in programs.files(cache, &wanted) {
        archive.file(path, 0o755, &cache::read(&source)?)?;
    }
    for watchdog in modules::provide(cache, &kernel, &[WATCHDOG])? {
        archive.file("/softdog.ko", 0o644, &watchdog)?;
    }
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
        libraries: &[],
        trees: &[],
        folder: "kexec-trixie".to_owned(),
        words: "Debian's arm64 kexec-tools and the libraries that they need (5 MB)".to_owned(),
    }
}
