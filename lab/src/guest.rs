//! The guest for trying things: one of Debian's kernels and an initramfs whose `/init` reports the CPUs
//! that it sees and powers off.
//!
//! The example locks name these two files. They are not checked in; they are made from the cache wherever
//! they are needed.

use crate::cache::{self, Cache};
use crate::cross;
use crate::failure::{Failure, Result};
use crate::initramfs::Archive;
use crate::kernels::{self, Kernel};
use crate::modules;
use crate::tools;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

/// Kernel series of the guest.
pub const KERNEL: &str = "6.12";

/// Name of the guest's kernel in its directory.
pub const IMAGE: &str = "Image";

/// Name of the guest's initramfs in its directory.
pub const INITRD: &str = "initrd.cpio.gz";

/// What the guest does. `shell` on its command line starts a shell before it powers off; `interrupts`
/// sends the console's interrupt to one CPU after another and tells where they came; `input` repeats the lines that
/// come by the console until one says `quit`; `alarm` sets the clock's alarm and tells whether it rang.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
interrupts() {
    irq=$(sed -n 's/^ *\([0-9]*\):.*ttyS0$/\1/p' /proc/interrupts)
    counts() { awk -v irq="$irq:" -v n=$(nproc) '$1 == irq { for (i = 2; i <= n + 1; i++) printf "%s ", $i }' /proc/interrupts; }
    for cpu in $(seq 0 $(($(nproc) - 1))); do
        echo $cpu > /proc/irq/$irq/smp_affinity_list
        sleep 0.3
        before=$(counts)
        echo $(seq 1 100)
        sleep 0.3
        echo $before $(counts) | awk -v n=$(nproc) -v cpu=$cpu '{
            for (i = 1; i <= n; i++) if (i == cpu + 1) here = $(n + i) - $i; else elsewhere += $(n + i) - $i
            print "vmlock guest: console interrupts for CPU " cpu ": " here " there, " elsewhere + 0 " elsewhere" }'
    done
    awk -v n=$(nproc) '$NF == "arch_timer" { for (i = 2; i <= n + 1; i++) if ($i > 0) ticking++
        print "vmlock guest: timer interrupts on " ticking " CPUs" }' /proc/interrupts
    awk '$1 == "Err:" { print "vmlock guest: " $2 " interrupts were spurious" }' /proc/interrupts
    counts | awk '{ for (i = 1; i <= NF; i++) all += $i; print "vmlock guest: " all " console interrupts" }'
}
input() {
    while read -r -t 20 line && [ "$line" != quit ]; do
        echo "vmlock guest: the console says '$line'"
    done
    echo "vmlock guest: the console's last words are '$line'"
}
alarm() {
    wakealarm=/sys/class/rtc/rtc0/wakealarm
    counts() { awk -v n=$(nproc) '$NF == "rtc-pl031" { for (i = 2; i <= n + 1; i++) all += $i } END { print all + 0 }' /proc/interrupts; }
    echo +3 > $wakealarm
    [ -n "$(cat $wakealarm)" ] && echo "vmlock guest: an alarm is set, $(counts) rang before"
    sleep 5
    [ -z "$(cat $wakealarm)" ] && echo "vmlock guest: no alarm is set, $(counts) rang"
}
echo "vmlock guest: $(nproc) CPUs, kernel $(uname -r)"
for cpu in $(seq 0 $(($(nproc) - 1))); do
    echo "vmlock guest: CPU $cpu is online, MIDR_EL1 $(cat /sys/devices/system/cpu/cpu$cpu/regs/identification/midr_el1)"
done
dmesg | sed -n 's/.*psci: \(PSCIv[0-9.]* detected in firmware\).*/vmlock guest: \1/p'
for word in $(cat /proc/cmdline); do
    [ "$word" = interrupts ] && interrupts
    [ "$word" = input ] && input
    [ "$word" = alarm ] && alarm
    [ "$word" = shell ] && setsid -c sh </dev/console >/dev/console 2>&1
done
echo "vmlock guest: powering off"
poweroff -f
"#;

/// A guest's kernel, of a series or version.
pub fn kernel(cache: &Cache, name: &str) -> Result<Kernel> {
    let [kernel] = kernels::resolve(cache, &[name.to_owned()], false)?
        .try_into()
        .map_err(|_| Failure::bug("one kernel was asked for and not one was found"))?;
    Ok(kernel)
}

/// What the initramfs of each guest has: a console, and busybox as its shell.
pub fn archive(cache: &Cache) -> Result<Archive> {
    let mut archive = Archive::default();
    for path in ["/proc", "/sys", "/dev", "/bin"] {
        archive.dir(path)?;
    }
    archive.character_device("/dev/console", 5, 1)?;
    archive.file("/bin/busybox", 0o755, &kernels::busybox(cache)?)?;
    archive.link("/bin/sh", "busybox")?;
    Ok(archive)
}

/// Adds modules of its kernel with those that they need, to be loaded in the order of their names in `/modules`.
pub fn add_modules(
    archive: &mut Archive,
    cache: &Cache,
    kernel: &Kernel,
    names: &[&str],
) -> Result<()> {
    let modules = modules::provide(cache, kernel, names)?;
    let mut modules = modules.iter().enumerate();
    modules
        .try_for_each(|(at, module)| archive.file(&format!("/modules/{at:03}.ko"), 0o644, module))
}

/// The initramfs of a guest with drivers of its devices, the agent and that `/init`.
pub fn with_agent(cache: &Cache, modules: &[&str], init: &str) -> Result<Vec<u8>> {
    let kernel = kernel(cache, KERNEL)?;
    let mut archive = archive(cache)?;
    add_modules(&mut archive, cache, &kernel, modules)?;
    archive.file("/bin/agent", 0o755, &agent(cache)?)?;
    archive.file("/init", 0o755, init.as_bytes())?;
    archive.finish()
}

/// The agent, a program for guests.
pub fn agent(cache: &Cache) -> Result<Vec<u8>> {
    cache::read(&cross::build(cache, cross::AGENT)?)
}

/// Puts the guest's two files into a directory.
pub fn provide(cache: &Cache, dir: &Path, name: &str) -> Result<()> {
    let kernel = kernel(cache, name)?;
    let mut archive = archive(cache)?;
    archive.file("/init", 0o755, INIT.as_bytes())?;
    put(&dir.join(IMAGE), &cache::read(&kernel.image)?)?;
    put_packed(cache, &dir.join(INITRD), &archive.finish()?)
}

/// Writes an initramfs, packed by gzip, unless it is there already.
pub fn put_packed(cache: &Cache, path: &Path, archive: &[u8]) -> Result<()> {
    let scratch = cache.scratch()?;
    let plain = scratch.path().join("initrd.cpio");
    fs::write(&plain, archive).map_err(|e| Failure::file("write", &plain, &e))?;
    // -n: no name and no time, so that the same busybox gives the same bytes.
    let mut gzip = Command::new("gzip");
    gzip.args(["-n", "-9"]).arg(&plain).stdin(Stdio::null());
    if !tools::run(&mut gzip, None)?.success() {
        return Err(Failure::environment("gzip failed on the guest's initramfs"));
    }
    put(path, &cache::read(&scratch.path().join("initrd.cpio.gz"))?)
}

/// Writes a file unless it has this content already.
pub fn put(path: &Path, content: &[u8]) -> Result<()> {
    if fs::read(path).is_ok_and(|old| old == content) {
        return Ok(());
    }
    cache::write(path, content)
}
