//! The guest that is carried from host to host (`carry.rs`), and that looks all the while whether anything of it is lost:
//! on each CPU its vector registers, memory, timers and clocks (`agent hold`), SVE's registers and the keys that sign pointers
//! (`agent vectors`, `agent keys`), a PMU that counts (`agent counts`), a disk that it writes and reads, pings, one connection that is never opened again
//! (`agent talk`), random numbers, what its kernel warns of. Whatever machine it is given, it uses what there is; what has to be
//! there, `carry.rs` knows from the lock. It is all that runs in its guest; or a service of a Debian whose root is the first
//! disk, and then it looks after that as well.
//!
//! A round is over once all of that has gone on. For each one it says a line; and one that begins with `WRONG` where
//! something is.

use crate::cache::Cache;
use crate::disk;
use crate::failure::Result;
use crate::guest;
use crate::kernels;
use std::path::Path;

/// Name of the guest's initramfs in its directory.
pub const INITRD: &str = "carried.cpio";

/// The drivers of its devices; what they need comes with them.
const MODULES: [&str; 4] = ["virtio_mmio", "virtio_blk", "virtio_net", "virtio-rng"];

/// The same on a Debian: see [`provide_on_debian`].
pub const ON_DEBIAN: &str = "carried-debian.cpio.gz";

/// How it begins where it is all that there is.
const ALONE: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mkdir -p /run /disk
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
say() { echo "vmlock guest: $*"; }
wrong() { say "WRONG: $*"; }
for module in /modules/*; do
    words=$(insmod $module 2>&1) || case $words in
    *'File exists'*) ;;
    *) wrong "no module: $words" ;;
    esac
done
disk=/dev/vda
units() { :; }
end() { poweroff -f; }
"#;

/// How it begins on a Debian that is up, whose root is the first disk.
const AFTER_SYSTEMD: &str = r#"#!/run/carried/busybox sh
mkdir -p /run/carried/bin
/run/carried/busybox --install -s /run/carried/bin
export PATH=/run/carried/bin:/run/carried:/usr/bin
mkdir -p /disk
say() { echo "vmlock guest: $*"; }
wrong() { say "WRONG: $*"; }
disk=/dev/vdb
state() { echo "multi-user is $(systemctl is-active multi-user.target), $(systemctl --failed --no-legend --plain | wc -l) units failed"; }
say "$(state)"
# All that was started runs, one more can be, and what is written down is read from the disk, past all caches.
services() {
    n=0
    while :; do
        n=$((n + 1))
        [ "$(state)" = "multi-user is active, 0 units failed" ] || wrong "$(state)"
        [ "$(systemctl is-active systemd-journald dbus systemd-networkd | sort -u)" = active ] || wrong "a service has ended"
        systemd-run --quiet --wait --collect true || wrong "no service can be started"
        echo $n >>/var/services && /usr/bin/sync /var/services || wrong "the root takes no word"
        [ "$(dd if=/var/services iflag=direct bs=64k 2>/dev/null | tail -n 1)" = $n ] || wrong "the root has another word than $n"
        echo $n >/run/services.new && mv /run/services.new /run/services
        sleep 0.2
    done
}
units() {
    follow services
    services &
}
end() { systemctl poweroff; }
"#;

/// What it does, until it is told `end` on its console.
const WORK: &str = r#"# One line, and nothing of what is typed comes back in between.
stty -echo
boot=$(cut -c1-8 /proc/sys/kernel/random/boot_id)
last=$(($(nproc) - 1))
say "$(nproc) CPUs, kernel $(uname -r), boot $boot"
watched=
follow() {
    : >/run/$1
    watched="$watched $1"
}
# One of the agent's commands on each CPU, under a name.
each() {
    for cpu in $(seq 0 $last); do
        follow $1$cpu
        (taskset -c $cpu agent $2 /run/$1$cpu 2>&1 | while read -r line; do wrong "CPU $cpu: $line"; done) &
    done
}
each cpu hold
features=" $(sed -n 's/^Features[^:]*: //p' /proc/cpuinfo | head -n 1) "
case $features in *' sve '*) each sve vectors ;; esac
case $features in *' paca '*) each pauth keys ;; esac
ls /sys/bus/event_source/devices/ | grep -q '^armv8' && each pmu counts
digest() { sha256sum | cut -c1-16; }
# Numbers that nothing takes for a hole, written to the disk, and those of a while ago read back past all caches.
disk() {
    n=0
    while :; do
        n=$((n + 1))
        seq $n $((n + 4999)) | dd of=/disk/$((n % 8)) bs=4k conv=fsync 2>/dev/null || wrong "the disk takes no file $n"
        for old in $n $((n - 5)); do
            [ $old -lt 1 ] && continue
            [ "$(dd if=/disk/$((old % 8)) iflag=direct bs=64k 2>/dev/null | digest)" = "$(seq $old $((old + 4999)) | digest)" ] ||
                wrong "the disk: file $old is another one"
        done
        echo $n >/run/disk.new && mv /run/disk.new /run/disk
    done
}
if [ -b $disk ]; then
    mke2fs -F $disk >/dev/null 2>&1 && mount -t ext4 $disk /disk || wrong "the disk takes no file system"
    follow disk
    disk &
    writer=$!
fi
peer=10.77.0.1
pings() {
    n=0
    while :; do
        ping -c 1 -W 5 $peer >/dev/null && n=$((n + 1))
        echo $n >/run/pings.new && mv /run/pings.new /run/pings
        sleep 0.2
    done
}
if [ -e /sys/class/net/eth0 ]; then
    ifconfig eth0 10.77.0.2 netmask 255.255.255.0 up
    follow pings
    pings &
    # Opened here and never again, which its other end would notice.
    follow lines
    (agent talk $peer:7077 /run/lines 2>&1 >/run/said | while read -r line; do wrong "its connection: $line"; done) &
fi
random() {
    n=0
    while :; do
        [ "$(head -c 16 /dev/hwrng | wc -c)" = 16 ] && n=$((n + 1))
        echo $n >/run/random.new && mv /run/random.new /run/random
        sleep 0.2
    done
}
for rng in $(cat /sys/class/misc/hw_random/rng_available 2>/dev/null); do
    case $rng in
    virtio*)
        echo $rng >/sys/class/misc/hw_random/rng_current
        follow random
        random &
        break
        ;;
    esac
done
units
# Open from here to the end, and to nobody else.
[ -b $disk ] && exec 5>>/disk/opened
ticks() {
    for cpu in $(seq 0 $last); do
        awk -v at=$((cpu + 2)) '$NF == "arch_timer" { all += $at } END { print all + 0 }' /proc/interrupts >/run/ticks$cpu
    done
}
for cpu in $(seq 0 $last); do follow ticks$cpu; done
# Debug and notes aside, the kernel has said nothing since all of this began.
# Nor is it its loss where its host is slow, and an interrupt or a piece of work takes long: of that, it says so as well.
warned() { dmesg -r | grep '^<[0-4]>' | grep -v -e 'hrtimer: interrupt took' -e 'hogged CPU'; }
warned >/run/warned
value() { sed 's/^0*//' /run/$1; }
# A round begins.
begin() {
    ticks
    for what in $watched; do
        now=$(value $what)
        eval "seen_$what=${now:-0}"
    done
}
begin
# The lines that are typed. `read -t` forgets what it has of one where its host is slow, and its time is over in between.
: >/run/typed
exec 3<&0
while read -r line <&3; do [ -n "$line" ] && echo "$line" >>/run/typed; done 5>&- &
all_went_on() {
    ticks
    for what in $watched; do
        now=$(value $what)
        eval "[ \${now:-0} -gt \$seen_$what ]" || return 1
    done
}
# How often its kernel took a new generation id for a sign that it is a copy (drivers/virt/vmgenid.c).
copies() { dmesg | grep -c 'crng reseeded due to virtual machine fork'; }
round=0 tries=0 up=0 heard=0
while :; do
    sleep 1
    word=$(tail -n +$((heard + 1)) /run/typed | head -n 1)
    [ -n "$word" ] && heard=$((heard + 1))
    case $word in
    end) break ;;
    # What went on before it was told is not of this round.
    ?*) begin; say "hears '$word'" ;;
    esac
    if all_went_on; then
        round=$((round + 1)) tries=0
        begin
        now=$(cut -d. -f1 /proc/uptime)
        [ $now -ge $up ] || wrong "its uptime was $up seconds, and is $now"
        up=$now
        [ -b $disk ] && { echo $round >&5 || wrong "an open file takes no word"; }
        warned | tail -n +$(($(wc -l </run/warned) + 1)) >/run/new
        if [ -s /run/new ]; then
            wrong "its kernel warns: $(head -n 1 /run/new)"
            warned >/run/warned
        fi
        say "round $round of boot $boot:$watched went on, up for $up seconds, a copy $(copies) times"
    else
        tries=$((tries + 1))
        [ $tries = 120 ] && wrong "of$watched not all went on for so long"
    fi
done
if [ -b $disk ]; then
    [ "$(cat /disk/opened)" = "$(seq 1 $round)" ] || wrong "what went to an open file is not there"
    exec 5>&-
    kill $writer
    wait $writer
    # What it had started comes to its end.
    tries=0
    until umount /disk 2>/dev/null; do
        tries=$((tries + 1))
        [ $tries = 100 ] && wrong "the disk is not let go" && break
        sleep 0.2
    done
fi
if [ -e /run/lines ]; then
    : >/run/lines.end
    tries=0
    until [ -s /run/said ]; do
        tries=$((tries + 1))
        [ $tries = 300 ] && wrong "its connection has no end" && break
        sleep 0.2
    done
    say "said $(cat /run/said)"
fi
say "powering off after $round rounds"
end
"#;

/// Puts the guest's initramfs into a directory.
pub fn provide(cache: &Cache, dir: &Path) -> Result<()> {
    let init = format!("{ALONE}{WORK}");
    guest::put(
        &dir.join(INITRD),
        &guest::with_agent(cache, &MODULES, &init)?,
    )
}

/// Puts the initramfs of a Debian there, whose systemd starts it once it is up.
pub fn provide_on_debian(cache: &Cache, dir: &Path) -> Result<()> {
    let mut archive = disk::archive(cache)?;
    archive.dir("/along")?;
    archive.dir("/along/carried")?;
    let program = format!("{AFTER_SYSTEMD}{WORK}");
    archive.file("/along/along", 0o755, program.as_bytes())?;
    archive.file("/along/carried/busybox", 0o755, &kernels::busybox(cache)?)?;
    archive.file("/along/carried/agent", 0o755, &guest::agent(cache)?)?;
    guest::put_packed(cache, &dir.join(ON_DEBIAN), &archive.finish()?)
}
