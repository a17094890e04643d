# A system of its own below BASE, which is gone with its last process: CACHE's files, the scripts of LAB, ORDER, and nobody's
# network. To be run as process 1 of new namespaces, as `lab/src/schedulers.rs` starts it.
set -e
cache=$1 lab=$2 order=$3 base=$4
# Ordinary users of Debian do not have the programs of system administrators on their path.
PATH=$PATH:/usr/sbin:/sbin
mount -t tmpfs -o mode=755 schedulers "$base"
cd "$base"
mkdir bin dev etc lab old proc tmp usr var
ln -s /usr/bin/dash bin/sh
for folder in "$cache"/usr "$cache"/lib*; do
    mkdir -p "${folder##*/}"
    mount --bind "$folder" "${folder##*/}"
    mount -o remount,bind,ro "${folder##*/}"
done
mount --rbind /dev dev
mount -t proc proc proc
cp "$lab"/*.py lab/
cp "$order" order.json
pivot_root . old
cd /
export PATH=/usr/bin:/usr/sbin PYTHONDONTWRITEBYTECODE=1 LC_ALL=C.UTF-8 HOME=/tmp
exec /usr/bin/python3.13 /lab/check.py
