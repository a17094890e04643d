//! A Debian on a disk: its packages unpacked into an ext4 image, and an initramfs that finds it on a virtio disk.
//!
//! No maintainer script runs and nobody needs to be root: what the scripts would have done that systemd needs is a few
//! files, which stand here. Everything in the image belongs to its root.

use crate::cache::{self, Cache};
use crate::failure::{Failure, Result, say};
use crate::guest;
use crate::initramfs::Archive;
use crate::packages;
use crate::tools;
use sha2::{Digest as _, Sha256};
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Name of the image in its directory.
pub const DISK: &str = "root.img";

/// Name of the initramfs in its directory.
pub const INITRD: &str = "root.cpio.gz";

/// Bytes of the image. What nobody wrote takes no room.
pub const BYTES: u64 = 512 << 20;

/// The release.
const SUITE: &str = "trixie";

/// The packages; those that they need come with them.
const PACKAGES: &[&str] = &[
    "base-files",
    "base-passwd",
    "bash",
    "coreutils",
    "dash",
    "dbus",
    "debianutils",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "init-system-helpers",
    "iproute2",
    "iputils-ping",
    "kmod",
    "libc-bin",
    "login.defs",
    "mawk",
    "mount",
    "ncurses-base",
    "passwd",
    "procps",
    "sed",
    "systemd",
    "systemd-sysv",
    "tar",
    "udev",
    "util-linux",
];

/// What no guest for trying things looks at, some 60 MB.
const LEFT_OUT: &[&str] = &[
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/i18n",
    "usr/share/info",
    "usr/share/lintian",
    "usr/share/bug",
    "usr/share/zoneinfo",
    "usr/lib/aarch64-linux-gnu/gconv",
];

/// Drivers that Debian's kernels have as modules.
const MODULES: &[&str] = &[
    "virtio_mmio",
    "virtio_blk",
    "virtio_net",
    "virtio_rng",
    "vmw_vsock_virtio_transport",
];

/// Makes a disk of it.
const FILE_SYSTEM: &[tools::Need] = &[("mke2fs", "e2fsprogs"), ("debugfs", "e2fsprogs")];

/// The first program: loads the drivers and goes on from the disk.
const INIT: &str = r#"#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /root
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in /modules/*; do
    /bin/busybox insmod $module || echo "vmlock guest: the kernel takes no $module"
done
for word in $(/bin/busybox cat /proc/cmdline); do
    case $word in root=*) root=${word#root=} ;; esac
done
tries=0
until [ -b "$root" ]; do
    tries=$((tries + 1))
    [ $tries = 100 ] && { echo "vmlock guest: there is no disk $root"; /bin/busybox poweroff -f; }
    /bin/busybox sleep 0.1
done
/bin/busybox mount -t ext4 "$root" /root || { echo "vmlock guest: the disk cannot be mounted"; /bin/busybox poweroff -f; }
# What came along stays in memory, where the disk's programs find it.
if [ -d /along ]; then
    /bin/busybox mount -t tmpfs -o mode=755 run /root/run
    /bin/busybox cp -a /along/. /root/run/
fi
/bin/busybox mount --move /dev /root/dev
/bin/busybox umount /sys /proc
exec /bin/busybox switch_root /root /sbin/init
"#;

/// Runs once the system is up, and does what the words of the kernel's command line say.
const PROGRAM: &str = r#"#!/bin/bash
say() { echo "vmlock guest: $*"; }
host=10.77.0.1
# Something that came along with the initramfs, which does the rest.
[ -x /run/along ] && exec /run/along < /dev/console
say "$(nproc) CPUs, kernel $(uname -r)"
say "multi-user is $(systemctl is-active multi-user.target), $(systemctl --failed --no-legend --plain | wc -l) units failed"
systemctl --failed --no-legend --plain
digest() { sha256sum | cut -d ' ' -f 1; }
# A disk that was left in order needs no recovery, and has what was written there.
say "journal recoveries: $(dmesg | grep -c 'EXT4-fs.*recovery')"
[ -e /var/written ] && say "kept: $(digest < /var/written) $(cat /var/written.sha256)"
# Bytes that no file system stores as a hole, the same for the same seed: one block over and over, since making them anew
# takes longer than sending them.
bytes() {
    yes "$2, and some words that fill the line" 2>/dev/null | head -c 16777216 > /run/block
    for ((left = $1; left >= 16777216; left -= 16777216)); do cat /run/block; done
    head -c "$left" /run/block
}
for word in $(cat /proc/cmdline); do
    case $word in
    vmlock.write=*)
        bytes "${word#*=}" "$RANDOM" > /var/written
        sync /var/written
        digest < /var/written > /var/written.sha256
        sync
        say "wrote ${word#*=} bytes: $(cat /var/written.sha256)"
        ;;
    vmlock.read)
        echo 3 > /proc/sys/vm/drop_caches
        [ "$(digest < /var/written)" = "$(cat /var/written.sha256)" ] && say "read back: $(cat /var/written.sha256)"
        ;;
    vmlock.trim) say "trimmed: $(fstrim -v / 2>&1)" ;;
    vmlock.random)
        say "random numbers of $(cat /sys/class/misc/hw_random/rng_current): $(head -c 64 /dev/hwrng | wc -c) bytes"
        ;;
    vmlock.network)
        say "ping: $(ping -c 3 -W 5 $host | sed -n 's/.*, \(.*packet loss\).*/\1/p')"
        count=$(cat < /dev/tcp/$host/5000)
        say "received: $(digest < /dev/tcp/$host/5002)"
        bytes $count sent > /dev/tcp/$host/5001
        say "sent"
        ;;
    vmlock.shell) setsid -c bash < /dev/console > /dev/console 2>&1 ;;
    esac
done
say "powering off"
systemctl poweroff
"#;

/// What systemd needs to be told.
const FILES: &[(&str, u32, &str)] = &[
    ("usr/local/sbin/vmlock-guest", 0o755, PROGRAM),
    (
        "etc/systemd/system/vmlock-guest.service",
        0o644,
        "[Unit]\nDescription=What the lab tries\nAfter=multi-user.target systemd-networkd-wait-online.service\n\
         [Service]\nType=oneshot\nExecStart=/usr/local/sbin/vmlock-guest\nStandardOutput=tty\nTTYPath=/dev/console\n\
         [Install]\nWantedBy=multi-user.target\n",
    ),
    (
        "etc/systemd/network/lan.network",
        0o644,
        "[Match]\nType=ether\n[Network]\nAddress=10.77.0.2/24\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    ),
    ("etc/hostname", 0o644, "guest\n"),
    ("etc/fstab", 0o644, "/dev/root / ext4 defaults 0 0\n"),
    // There, and empty: made up at each start.
    ("etc/machine-id", 0o444, ""),
    ("etc/shadow", 0o600, "root:*:20000:0:99999:7:::\n"),
];

/// Symbolic links: Debian's directories, and what is started.
const LINKS: &[(&str, &str)] = &[
    ("bin", "usr/bin"),
    ("sbin", "usr/sbin"),
    ("lib", "usr/lib"),
    (
        "etc/systemd/system/default.target",
        "/usr/lib/systemd/system/multi-user.target",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/vmlock-guest.service",
        "/etc/systemd/system/vmlock-guest.service",
    ),
    (
        "etc/systemd/system/multi-user.target.wants/systemd-networkd.service",
        "/usr/lib/systemd/system/systemd-networkd.service",
    ),
    // Nobody logs in, and what is only slow is not done.
    ("etc/systemd/system/getty.target", "/dev/null"),
    ("etc/systemd/system/ldconfig.service", "/dev/null"),
    (
        "etc/systemd/system/systemd-hwdb-update.service",
        "/dev/null",
    ),
    (
        "etc/systemd/system/systemd-journal-catalog-update.service",
        "/dev/null",
    ),
];

/// Puts the image, unless there is one that a guest may have written, and the initramfs into a directory.
pub fn provide(cache: &Cache, dir: &Path) -> Result<()> {
    let path = dir.join(DISK);
    if !path.is_file() {
        copy(&image(cache)?, &path)?;
    }
    initrd(cache, &dir.join(INITRD))
}

/// Puts the initramfs there.
pub fn initrd(cache: &Cache, path: &Path) -> Result<()> {
    guest::put_packed(cache, path, &archive(cache)?.finish()?)
}

/// What the initramfs has. What stands in its `/along` is in the system's `/run`; and `/run/along`, a program, does what
/// this one's guest else does.
pub fn archive(cache: &Cache) -> Result<Archive> {
    let kernel = guest::kernel(cache, guest::KERNEL)?;
    let mut archive = guest::archive(cache)?;
    guest::add_modules(&mut archive, cache, &kernel, MODULES)?;
    archive.file("/init", 0o755, INIT.as_bytes())?;
    Ok(archive)
}

/// The image, which the cache has once: of this very recipe, and as it was made. It is for hosts, whose disks are
/// snapshots, and for copies.
pub fn image(cache: &Cache) -> Result<PathBuf> {
    tools::ensure(FILE_SYSTEM)?;
    let folder = cache.path(&format!("disk-{SUITE}-{}", recipe()));
    let (place, record) = (folder.join(DISK), folder.join("sha256"));
    let is_whole = || {
        let recorded = fs::read_to_string(&record).ok();
        recorded.is_some_and(|recorded| cache::digest(&place).is_ok_and(|d| d == recorded))
    };
    if !is_whole() {
        let _guard = cache.lock()?;
        say("making a disk of Debian's packages (34 MB are fetched, once)");
        let scratch = cache.scratch()?;
        let tree = scratch.path().join("tree");
        fill(cache, &tree, &[])?;
        let made = scratch.path().join(DISK);
        file_system(&tree, &made, BYTES)?;
        cache::make_dir(&folder)?;
        fs::rename(&made, &place).map_err(|e| Failure::file("rename", &made, &e))?;
        cache::write(&record, cache::digest(&place)?.as_bytes())?;
    }
    Ok(place)
}

/// Copies an image as a whole or not at all. Holes stay holes.
pub fn copy(place: &Path, image: &Path) -> Result<()> {
    let part = image.with_extension("part");
    let mut copy = Command::new("cp");
    copy.arg("--sparse=always").arg(place).arg(&part);
    if !tools::run(&mut copy, None)?.success() {
        return Err(Failure::environment(format!(
            "cannot copy {} to {}",
            place.display(),
            part.display()
        )));
    }
    fs::rename(&part, image).map_err(|e| Failure::file("rename", &part, &e))
}

/// What tells an image of this program from those of others, whose guests do something else.
fn recipe() -> String {
    let parts = format!("{BYTES} {PACKAGES:?} {LEFT_OUT:?} {FILES:?} {LINKS:?}");
    let digest = Sha256::digest(parts);
    digest.iter().take(6).map(|b| format!("{b:02x}")).collect()
}

/// The tree of files, with those of more packages.
pub fn fill(cache: &Cache, tree: &Path, more: &[&str]) -> Result<()> {
    let names = [PACKAGES, more].concat();
    let (_packages, debs) = packages::download_all(cache, &packages::HOSTS, SUITE, &names)?;
    let at = |path: &str| tree.join(path);
    let link = |(path, target): &(&str, &str)| -> Result<()> {
        let path = at(path);
        cache::make_dir(path.parent().unwrap_or(tree))?;
        symlink(target, &path).map_err(|e| Failure::file("make the link", &path, &e))
    };
    for dir in ["usr/bin", "usr/sbin", "usr/lib"] {
        cache::make_dir(&at(dir))?;
    }
    // Before any package would make directories of them.
    LINKS.iter().take(3).try_for_each(link)?;
    for deb in &debs {
        packages::unpack(deb, &["./*"], tree)?;
    }
    for path in LEFT_OUT {
        let _ = fs::remove_dir_all(at(path));
    }
    LINKS.iter().skip(3).try_for_each(link)?;
    for name in ["passwd", "group"] {
        let master = at(&format!("usr/share/base-passwd/{name}.master"));
        cache::write(&at(&format!("etc/{name}")), &cache::read(&master)?)?;
    }
    for (path, mode, text) in FILES {
        cache::write(&at(path), text.as_bytes())?;
        fs::set_permissions(at(path), fs::Permissions::from_mode(*mode))
            .map_err(|e| Failure::file("set the permissions of", &at(path), &e))?;
    }
    Ok(())
}

/// The tree as an ext4 image of so many bytes, all of it root's.
pub fn file_system(tree: &Path, image: &Path, bytes: u64) -> Result<()> {
    let file = fs::File::create(image).map_err(|e| Failure::file("create", image, &e))?;
    file.set_len(bytes)
        .map_err(|e| Failure::file("extend", image, &e))?;
    let mut command = Command::new(tools::find("mke2fs").unwrap_or("mke2fs".into()));
    command
        .args(["-q", "-F", "-t", "ext4", "-L", "root", "-d"])
        .arg(tree)
        .args(["-E", "root_owner=0:0"])
        .arg(image);
    if !tools::run(&mut command, None)?.success() {
        return Err(Failure::environment(
            "mke2fs failed; its own messages are above",
        ));
    }
    let of_root = |path: &Path| fs::symlink_metadata(path).is_ok_and(|m| m.uid() == 0);
    match of_root(tree) {
        true => Ok(()),
        false => give_to_root(tree, image),
    }
}

/// Whoever unpacked the packages, their files belong to root.
fn give_to_root(tree: &Path, image: &Path) -> Result<()> {
    let mut script = String::new();
    let mut dirs = vec![tree.to_owned()];
    while let Some(dir) = dirs.pop() {
        let entries = fs::read_dir(&dir).map_err(|e| Failure::file("list", &dir, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| Failure::file("list", &dir, &e))?;
            let path = entry.path();
            let inside = path.strip_prefix(tree).unwrap_or(&path).display();
            for field in ["uid", "gid"] {
                script.push_str(&format!("set_inode_field \"/{inside}\" {field} 0\n"));
            }
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                dirs.push(path);
            }
        }
    }
    let commands = image.with_extension("commands");
    cache::write(&commands, script.as_bytes())?;
    let mut command = Command::new(tools::find("debugfs").unwrap_or("debugfs".into()));
    command
        .args(["-w", "-f"])
        .arg(&commands)
        .arg(image)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    match tools::run(&mut command, None)?.success() {
        true => Ok(()),
        false => Err(Failure::environment(
            "debugfs could not give the files of the image to root",
        )),
    }
}
