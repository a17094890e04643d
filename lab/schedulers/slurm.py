"""Slurm: a controller and a daemon for each node, all on this machine. What `vmlock labels --format slurm` says of the nodes
are their features, and a job asks by what `--select` prints."""

import os
import pathlib
import socket
import subprocess
import time

PLACE = pathlib.Path("/slurm")
LANDED = PLACE / "landed"
# How long anything may take.
LIMIT = 60
# How long a job has to stay where it is before it counts as one that does not start: the controller looks each second.
STILL = 4

CONFIGURATION = """
ClusterName=vmlock
SlurmctldHost={host}({address})
SlurmctldPort=7002
SlurmUser=vmlock
SlurmdUser=vmlock
AuthType=auth/none
CredType=cred/none
StateSaveLocation={place}/state
SlurmdSpoolDir={place}/%n
SlurmctldPidFile={place}/slurmctld.pid
SlurmdPidFile={place}/%n.pid
SlurmctldLogFile={place}/slurmctld.log
SlurmdLogFile={place}/%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerParameters=sched_interval=1,bf_interval=1,batch_sched_delay=0
ReturnToService=2
SlurmdParameters=config_overrides
MaxNodeCount=20
{nodes}
PartitionName=all Nodes=ALL Default=YES State=UP
"""
NODE = "NodeName={name} NodeHostname={host} NodeAddr={address} Port={port} CPUs=64 State=UNKNOWN{features}\n"
SCRIPT = f"#!/bin/sh\necho $SLURMD_NODENAME > {LANDED}/$SLURM_JOB_ID\n"


def run(*words, text=None):
    """What a command says, in both of its streams, and whether it went well."""
    done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=LIMIT)
    return done.returncode == 0, (done.stdout + done.stderr).strip()


def until(what, look):
    """Waits for something to be there."""
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        found = look()
        if found:
            return found
        time.sleep(0.05)
    raise RuntimeError(f"Slurm did not come to it: {what}")


class Cluster:
    def __init__(self, address, nodes):
        os.environ["SLURM_CONF"] = str(PLACE / "slurm.conf")
        self.address = address
        self.daemons = {}
        for folder in (PLACE / "state", LANDED, PLACE / "bin"):
            folder.mkdir(parents=True)
        # Debian has several Slurms side by side; a program of this one looks at the name that it was started by.
        for name in ("slurmctld", "slurmd", "slurmstepd"):
            (PLACE / "bin" / name).symlink_to(f"/usr/sbin/{name}-wlm")
        for name in nodes:
            (PLACE / name).mkdir()
        self.ports = {name: 7011 + at for at, name in enumerate(nodes)}
        self.configure(nodes)
        (PLACE / "cgroup.conf").write_text("CgroupPlugin=disabled\n")

    def configure(self, nodes):
        lines = [
            NODE.format(
                name=name,
                host=socket.gethostname(),
                address=self.address,
                port=self.ports[name],
                features=f" Feature={words}" if words else "",
            )
            for name, words in nodes.items()
        ]
        text = CONFIGURATION.format(host=socket.gethostname(), address=self.address, place=PLACE, nodes="".join(lines))
        (PLACE / "slurm.conf").write_text(text)

    def begin(self):
        self.controller()
        for name in self.ports:
            self.node(name)

    def said(self):
        """What the daemons said last."""
        ends = [f"{path.name}: {path.read_text()[-600:]}" for path in sorted(PLACE.glob("*.out"))]
        return "\n".join(ends)

    def start(self, name, *words):
        with open(PLACE / f"{name}.out", "ab") as said:
            self.daemons[name] = subprocess.Popen(words, stdout=said, stderr=said, stdin=subprocess.DEVNULL)

    def stop(self, name):
        daemon = self.daemons.pop(name)
        daemon.terminate()
        try:
            daemon.wait(LIMIT)
        except subprocess.TimeoutExpired:
            daemon.kill()
            daemon.wait()

    def end(self):
        for name in reversed(list(self.daemons)):
            self.stop(name)

    def controller(self):
        self.start("slurmctld", str(PLACE / "bin/slurmctld"), "-D")
        until("a controller that answers", lambda: run("scontrol", "ping")[0])

    def node(self, name, *words, wait="idle"):
        """Starts the daemon of a node, as after a boot, and waits for it."""
        daemon = (str(PLACE / "bin/slurmd"), "-D", "-b", "-N", name, "-d", str(PLACE / "bin/slurmstepd"))
        self.start(name, *daemon, *words)
        self.until(name, wait)

    def dynamic(self, name, features):
        """Starts the daemon of a node that is not in the configuration."""
        daemon = (str(PLACE / "bin/slurmd"), "-D", "-Z", "-N", name, "-d", str(PLACE / "bin/slurmstepd"))
        (PLACE / name).mkdir()
        self.start(name, *daemon, "--conf", f"CPUs=64 Port=7050 Feature={features}")
        self.until(name, "idle")

    def until(self, name, state):
        until(f"{name} {state}", lambda: run("sinfo", "-h", "-n", name, "-o", "%t")[1] == state)

    def features(self, name):
        return run("sinfo", "-h", "-n", name, "-o", "%f")[1]

    def tell(self, name, *words):
        fine, said = run("scontrol", "update", f"nodename={name}", *words)
        if not fine:
            raise RuntimeError(f"scontrol update nodename={name} {' '.join(words)}: {said}")


def submit(*words):
    """Submits a job; its number, or what is said against it."""
    fine, said = run("sbatch", "--parsable", "--output=/dev/null", f"--chdir={PLACE}", *words, text=SCRIPT)
    return (said, None) if fine else (None, said)


# What sbatch says where a node, or every node, lacks the feature that is asked for: all else is a failure of its own.
REFUSED = ("Requested node configuration is not available", "Invalid feature specification")
# What squeue says of a job that waits for such a node.
WAITS = ("ReqNodeNotAvail", "BadConstraints")


def refused(said):
    """Whether sbatch's words are those of a refusal."""
    return said is not None and any(words in said for words in REFUSED)


def landed(job):
    return until(f"job {job} lands", lambda: (LANDED / job).exists() and (LANDED / job).read_text().strip())


def reason(job):
    """Why a job waits; nothing where it does not."""
    state, _, why = run("squeue", "-h", "-j", job, "-o", "%T %r")[1].partition(" ")
    return why if state == "PENDING" else None


def stays(job):
    """Why a job that does not start waits, in Slurm's words for a node that cannot be had; nothing where it starts after all."""

    def decided():
        why = reason(job)
        return (LANDED / job).exists() or (why is not None and why.startswith(WAITS))

    until(f"job {job} is told why it waits", decided)
    time.sleep(STILL)
    why = reason(job)
    return why if why is not None and why.startswith(WAITS) and not (LANDED / job).exists() else None


def check(order, address):
    """How much was looked at, and what is wrong with it."""
    nodes = {name: node["slurm"] for name, node in order["nodes"].items()}
    looked = Look()
    cluster = Cluster(address, nodes)
    try:
        cluster.begin()
        looked.everywhere(cluster, order, nodes)
        looked.boot(cluster, order, nodes)
        looked.dynamic(cluster, order, nodes)
    except (RuntimeError, subprocess.TimeoutExpired) as failure:
        looked.problems.append(f"{failure}: {cluster.said()}")
    finally:
        cluster.end()
    return looked.tried, looked.problems, looked.words


class Look:
    def __init__(self):
        self.tried = 0
        self.problems = []
        self.words = []

    def wants(self, found, wanted, what):
        self.tried += 1
        if found != wanted:
            self.problems.append(f"Slurm: {what}: {found!r} instead of {wanted!r}")

    def everywhere(self, cluster, order, nodes):
        """Each lock on each node, and wherever Slurm likes."""
        for name, words in nodes.items():
            self.wants(sorted(cluster.features(name).split(",")), sorted(words.split(",")), f"the features of {name}")
        jobs, lands, refusals = [], 0, {}
        for lock in order["locks"]:
            for name in nodes:
                job, said = submit(f"--nodelist={name}", lock["slurm"])
                self.wants(job is not None, name in lock["kept"], f"a job for {lock['name']} that asks for {name} is taken ({said})")
                if job:
                    jobs.append((lock, job, [name]))
                else:
                    self.wants(refused(said), True, f"a job for {lock['name']} that asks for {name} is refused in Slurm's words ({said})")
                    refusals.setdefault(said.removeprefix("sbatch: error: Batch job submission failed: "), []).append(name)
            job, said = submit(lock["slurm"])
            self.wants(job is not None, bool(lock["kept"]), f"a job for {lock['name']} is taken ({said})")
            if job:
                jobs.append((lock, job, lock["kept"]))
            else:
                self.wants(refused(said), True, f"a job for {lock['name']} is refused in Slurm's words ({said})")
            job, said = submit(lock["changed"]["slurm"])
            self.wants(job is None and refused(said), True, f"a job for {lock['name']} with another digest is refused ({said})")
        for lock, job, where in jobs:
            self.wants(landed(job) in where, True, f"a job for {lock['name']} lands in {where} ({landed(job)})")
            lands += 1
            said = ", ".join(f"{len(names)} by \"{words}\"" for words, names in refusals.items())
        self.words.append(f"Slurm: {lands} jobs landed where their lock is kept, {said} where it is not")
        self.wants(lands > 0 and bool(refusals), True, "there is something to look at")

    def boot(self, cluster, order, nodes):
        """A node that boots into a kernel that keeps less: nothing is placed there by what was said before."""
        name, before, after = order["boot"]["node"], nodes[order["boot"]["node"]], order["boot"]["slurm"]
        lock = next(lock for lock in order["locks"] if lock["name"] == order["boot"]["lock"])
        # Without the drain: what the controller was told outlasts the boot, of the daemon and its own.
        cluster.stop(name)
        cluster.node(name)
        self.wants(cluster.features(name), before, f"the features of {name} after its boot")
        cluster.tell(name, "state=drain", "reason=boot")
        job, said = submit(lock["slurm"])
        self.wants(job is not None, True, f"a job for {lock['name']} may wait for {name} ({said})")
        why = stays(job)
        self.wants(bool(why), True, f"a job for {lock['name']} waits while {name} is drained ({why})")
        self.words.append(f"Slurm: a job whose only node is drained waits: {why}")
        cluster.stop(name)
        cluster.node(name, wait="drain")
        cluster.tell(name, f"availablefeatures={after}", f"activefeatures={after}")
        cluster.tell(name, "state=resume")
        cluster.until(name, "idle")
        self.wants(cluster.features(name), after, f"the features of {name} once they were said anew")
        why = stays(job)
        self.wants(bool(why), True, f"a job for {lock['name']} waits where {name} does not keep it any more ({why})")
        self.words.append(f"Slurm: a job that waits for a lock that no node keeps any more: {why}")
        _, said = submit(lock["slurm"])
        self.wants(refused(said), True, f"another for {lock['name']} is refused ({said})")
        cluster.tell(name, f"availablefeatures={before}", f"activefeatures={before}")
        # The one that waits is looked at again within a minute.
        job, said = submit(lock["slurm"])
        self.wants(job is not None, True, f"a job for {lock['name']} is taken where {name} keeps it again ({said})")
        self.wants(job and landed(job), name, f"a job for {lock['name']} lands where {name} keeps it again")

    def dynamic(self, cluster, order, nodes):
        """A node that nobody has written down, and that says itself what it keeps."""
        like = order["boot"]["node"]
        lock = next(lock for lock in order["locks"] if lock["name"] == order["boot"]["lock"])
        cluster.dynamic("d1", nodes[like])
        self.wants(cluster.features("d1"), nodes[like], "the features of a dynamic node")
        job, said = submit("--nodelist=d1", lock["slurm"])
        self.wants(job is not None, True, f"a job for {lock['name']} may ask for a dynamic node ({said})")
        self.wants(job and landed(job), "d1", f"a job for {lock['name']} lands on the dynamic node")
