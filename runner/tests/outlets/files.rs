//! The file that a restored guest runs on, on file systems that hold it as it is, or copy it without reading it.

use super::HEAD;
use super::host::checks::guest;
use super::host::{Place, image, in_host_of_tests};
use vmlock_spec::lock::Lock;

/// `lies` says on which files in a folder the guest's memory lies; `first` is the digest of the first chunk of it in a saved guest,
/// which this one never writes.
const SCRIPT: &str = r#"
mkdir ext4 btrfs; mount -t ext4 /dev/vda ext4; mount -t btrfs /dev/vdb btrfs
lies() { grep -o "/tmp/$1/.*" /proc/$pid/maps | sed 's/#[0-9]*/#/' | sort -u; }
first() { dd if=$1 bs=2M skip=1 count=1 2>/dev/null | sha256sum; }
copies() { grep -q "is checked and copied before it runs" words; }
right() { again; save two.save; [ "$(first one.save)" = "$(first two.save)" ] && echo "$1: is what was saved"; }
zero() { dd if=/dev/zero of=$1 bs=1M count=$2 conv=notrunc 2>/dev/null; }
# One that its owner may write, where the file system makes no copy: it is read before.
cp one.save ext4/read.save; chmod 600 ext4/read.save
guest restore ext4/read.save; again; copies && [ -z "$(lies ext4)" ] && echo "ext4: is read before"
zero ext4/read.save 8; right ext4
for system in ext4 btrfs; do
    # Under fs-verity it is used in place, and nobody writes it or cuts it any more.
    held=$system/held.save; cp one.save $held; chmod 600 $held; vmlock-lab-agent verity /tmp/$held || exit 1
    slowly 4000 restore $held; copies || echo "$system, fs-verity: lies on $(lies $system)"
    zero $held 8 || (: >$held) 2>/dev/null || { cmp one.save $held && echo "$system, fs-verity: nobody writes it"; }
    echo 3 >/proc/sys/vm/drop_caches; right "$system, fs-verity"
done
# Else it is copied where the file system copies it without reading it; whoever writes the file then does not write the copy.
cp one.save btrfs/free.save; chmod 600 btrfs/free.save
slowly 10000 restore btrfs/free.save; copies || echo "btrfs, copy: lies on $(lies btrfs)"
zero btrfs/free.save 8 && sync && echo 3 >/proc/sys/vm/drop_caches && checks && echo "btrfs, copy: the file is written"
right "btrfs, copy"
cmp -s one.save btrfs/free.save || echo "btrfs, copy: the file is another"
guest restore btrfs/free.save; ended other 4; echo "btrfs, copy: the file is refused"
export VMLOCK_SLOW_CHECK=0; guest restore two.save; again; printf o >&3; ended off 0
grep -q '!' out || echo "nothing has changed"
"#;

#[test]
#[ignore = "boots an emulated host"]
fn a_file_that_is_held_is_used_in_place_and_another_one_copied() {
    let (kernel, cpu) = ("6.12", "cortex-a72");
    let place = Place::new("outlets-files");
    let image = place.write("guest.Image", &image(&guest(), None));
    let small = |lock: &mut Lock| lock.machine.memory.size = 64 << 20;
    let lock = "examples/portable.vm.lock.json";
    let lock = place.altered("one", lock, "guest.Image", small);
    let script = format!("lock={}\n{HEAD}{SCRIPT}", lock.display());
    let script = place.write("outlets-files.sh", script.as_bytes());
    let files = [image, lock, script.clone()];
    let disks = ["--agent", "--file-system=ext4", "--file-system=btrfs"];
    let said = in_host_of_tests(kernel, cpu, &script, &files, &disks);
    for (line, times) in [
        ("ext4: is read before\n", 1),
        ("ext4: is what was saved\n", 1),
        ("ext4, fs-verity: lies on /tmp/ext4/held.save\n", 1),
        ("btrfs, fs-verity: lies on /tmp/btrfs/held.save\n", 1),
        (", fs-verity: nobody writes it\n", 2),
        (", fs-verity: is what was saved\n", 2),
        ("btrfs, copy: lies on /tmp/btrfs/# (deleted)\n", 1),
        ("btrfs, copy: the file is written\n", 1),
        ("btrfs, copy: is what was saved\n", 1),
        ("btrfs, copy: the file is another\n", 1),
        ("btrfs, copy: the file is refused\n", 1),
        ("nothing has changed\n", 1),
        ("never:", 0),
    ] {
        let found = said.matches(line).count();
        assert_eq!(found, times, "{line:?}:\n{said}");
    }
}
