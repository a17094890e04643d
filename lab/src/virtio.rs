//! The guest that uses its virtio devices: Debian's kernel has their drivers as modules, which its initramfs loads.

use crate::cache::Cache;
use crate::failure::Result;
use crate::guest;
use std::path::Path;

/// Name of the guest's initramfs in its directory.
pub const INITRD: &str = "virtio.cpio";

/// The drivers of its devices; what they need comes with them.
const MODULES: [&str; 5] = [
    "virtio_mmio",
    "virtio_blk",
    "virtio_net",
    "virtio-rng",
    "vmw_vsock_virtio_transport",
];

/// What it does is what its command line says: `disks`, `net`.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs devtmpfs /dev 2>/dev/null
say() { echo "vmlock guest: $*"; }
digest() { sha256sum | cut -c1-16; }
interrupts() { awk -v d="$1" -v n=$(nproc) '$NF == d { for (i = 2; i <= n + 1; i++) all += $i } END { print all + 0 }' /proc/interrupts; }
disks() {
    mark="written before a reset"
    text=$(grep -m1 ' _text$' /proc/kallsyms | cut -d' ' -f1)
    before=$(dd if=/dev/vda bs=512 count=1 2>/dev/null | tr -d '\0')
    case $before in
    "$mark by a kernel at "*) say "vda has what was $mark" ;;
    *)
        echo "$mark by a kernel at $text" | dd of=/dev/vda bs=512 count=1 conv=sync,fsync 2>/dev/null
        reboot -f
        ;;
    esac
    [ -n "$text" ] && [ "${before##* }" != "$text" ] && say "its kernel lies elsewhere than before the reset"
    for disk in vda vdb; do
        say "$disk has $(cat /sys/block/$disk/size) sectors, read-only $(cat /sys/block/$disk/ro), serial '$(cat /sys/block/$disk/serial)', cache $(cat /sys/block/$disk/queue/write_cache)"
    done
    say "vdb has $(dd if=/dev/vdb bs=64k 2>/dev/null | digest)"
    dd if=/dev/zero of=/dev/vdb bs=512 count=1 conv=fsync 2>/dev/null || say "vdb takes no write"
    mke2fs -F /dev/vda >/dev/null 2>&1 && mkdir /disk && mount -t ext4 /dev/vda /disk && say "vda has a file system"
    seq 1 400000 > /disk/numbers && sync
    for reader in 1 2 3 4; do dd if=/dev/vda iflag=direct bs=16k skip=$((reader * 100)) count=100 of=/dev/null 2>/dev/null & done
    wait
    umount /disk
    echo 3 > /proc/sys/vm/drop_caches
    mount -t ext4 -o ro /dev/vda /disk && say "the numbers are $(digest < /disk/numbers)"
    umount /disk
    blkdiscard -o 16777216 -l 1048576 /dev/vda && say "vda discards"
    echo "the guest was here" | dd of=/dev/vda bs=512 seek=65535 conv=sync,fsync 2>/dev/null && say "vda was written to its end"
    dd if=/dev/zero of=/dev/vdc bs=64k count=64 conv=fsync 2>/dev/null || say "vdc takes no more"
    exec 3<>/dev/hvc0
    stty -echo <&3
    sleep 1
    echo "vmlock guest: hvc0 speaks" >&3
    read -r -t 20 line <&3
    exec 3>&-
    say "hvc0 hears '$line'"
    say "there is a rng: $(cat /sys/class/misc/hw_random/rng_current)"
    head -c 32 /dev/hwrng > /one
    head -c 32 /dev/hwrng > /two
    [ "$(wc -c < /one) $(wc -c < /two)" = "32 32" ] && ! cmp -s /one /two && say "two random numbers differ"
    for device in virtio0 virtio1 virtio2 virtio3 virtio4; do
        count=$(interrupts $device)
        [ $count -gt 0 ] && say "$device interrupts"
    done
}
net() {
    say "eth0 has $(cat /sys/class/net/eth0/address), MTU $(cat /sys/class/net/eth0/mtu), carrier $(ifconfig eth0 10.9.8.2 && cat /sys/class/net/eth0/carrier)"
    ping -c 3 -q 10.9.8.1 | sed -n 's/, round.*//; s/.*transmitted, \(.*\) received.*/vmlock guest: \1 pings came back/p'
    say "from the host: $(wget -q -O - http://10.9.8.1:80/seed.img | digest)"
    seq 1 400000 | nc 10.9.8.1 81
    say "eth0 interrupts: $([ $(interrupts virtio0) -gt 0 ] && echo some)"
    say "from a socket of the host: $(seq 1 400000 | agent ask 1024 | digest)"
    echo x | agent ask 1025 || say "no other port answers"
    echo now | nc 10.9.8.1 82
    for second in 1 2 3 4 5; do [ "$(cat /sys/class/net/eth0/carrier)" = 0 ] || sleep 1; done
    say "the cable is out: carrier $(cat /sys/class/net/eth0/carrier)"
}
for module in /modules/*; do insmod $module; done
for word in $(cat /proc/cmdline); do
    [ "$word" = disks ] && disks
    [ "$word" = net ] && net
done
say "powering off"
poweroff -f
"#;

/// Puts the guest's initramfs into a directory.
pub fn provide(cache: &Cache, dir: &Path) -> Result<()> {
    guest::put(
        &dir.join(INITRD),
        &guest::with_agent(cache, &MODULES, INIT)?,
    )
}
