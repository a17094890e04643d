"""Holds what `vmlock labels` prints against schedulers, in the system that `enter.sh` has made: nothing runs there but this, and
no network is there but its own."""

import ctypes
import fcntl
import json
import os
import pathlib
import socket
import struct
import sys
import time

import kubernetes
import placement
import slurm

# Where all daemons are. Names are looked up only where there is an address beside the loopback one.
ADDRESS = "192.0.2.1"
HOST = "scheduled"
# The one user: daemons that are root's change users, which nobody may here.
USER = 1000
# sys/mount.h
MNT_DETACH = 2
# linux/sockios.h, linux/if.h
SIOCSIFFLAGS, SIOCSIFADDR, IFF_UP, IFF_RUNNING = 0x8914, 0x8916, 0x1, 0x40


def network():
    """Brings up the loopback interface, with one address more."""
    socket.sethostname(HOST)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        address = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(ADDRESS))
        fcntl.ioctl(any_socket, SIOCSIFADDR, address)
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP | IFF_RUNNING))


def user():
    """Becomes an ordinary user."""
    os.unshare(os.CLONE_NEWUSER)
    pathlib.Path("/proc/self/setgroups").write_text("deny")
    pathlib.Path("/proc/self/uid_map").write_text(f"{USER} 0 1")
    pathlib.Path("/proc/self/gid_map").write_text(f"{USER} 0 1")


def files():
    etc = pathlib.Path("/etc")
    (etc / "passwd").write_text(f"vmlock:x:{USER}:{USER}::/:/bin/sh\n")
    (etc / "group").write_text(f"vmlock:x:{USER}:\n")
    (etc / "hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} {HOST}\n")
    # Which a package's script makes where it is installed. A library of placement's reads it at once, and asks nobody.
    known = sorted(pathlib.Path("/usr/share/ca-certificates").rglob("*.crt"))
    (etc / "ssl/certs").mkdir(parents=True)
    (etc / "ssl/certs/ca-certificates.crt").write_text("".join(path.read_text() for path in known))


def alone():
    """Leaves the system that this one was started from."""
    if ctypes.CDLL(None).umount2(b"/old", MNT_DETACH):
        raise OSError("the system outside cannot be left")
    os.rmdir("/old")


def changed(selector):
    """The same of another digest, whose last digit is at the end, or before `=required`."""
    head, mark, tail = selector.partition("=required")
    return f"{head[:-1]}{'1' if head[-1] == '0' else '0'}{mark}{tail}"


def main():
    alone()
    files()
    network()
    user()
    order = json.loads(pathlib.Path("/order.json").read_text())
    for lock in order["locks"]:
        lock["changed"] = {name: changed(lock[name]) for name in ("slurm", "openstack")}
    tried, problems = 0, []
    for scheduler in (kubernetes, slurm, placement):
        begin = time.monotonic()
        count, wrong, words = scheduler.check(order, ADDRESS)
        tried += count
        problems += wrong
        for line in words:
            print(line, file=sys.stderr)
        print(f"{scheduler.__name__}: {count} in {time.monotonic() - begin:.1f} s", file=sys.stderr)
    for problem in problems:
        print(problem)
    print(f"{tried} checked, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
