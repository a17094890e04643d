"""Kubernetes' rules for labels, by kubectl's own reading of them, which needs no server: what `vmlock labels --format nfd` says
of nodes, what a pod selects, and words that are none."""

import json
import pathlib
import subprocess

KUBECTL = "/usr/bin/kubectl"
# How long one command may take.
LIMIT = 60
# Each breaks one of the published rules, in the key's domain, its name, or the value.
WRONG = (
    "Example.com/a=b",
    "under_score.com/a=b",
    "-a.com/a=b",
    "a" * 254 + "/a=b",
    "/a=b",
    "example.com/=b",
    "example.com/" + "a" * 64 + "=b",
    "example.com/-a=b",
    "example.com/a.=b",
    "example.com/a/b=c",
    "example.com/a=" + "b" * 64,
    "example.com/a=-b",
    "example.com/a=b_",
    "example.com/a=b/c",
    "example.com/a=ä",
)


def kubectl(*words):
    done = subprocess.run((KUBECTL, *words), capture_output=True, text=True, timeout=LIMIT)
    return done.returncode == 0, done.stdout if done.returncode == 0 else done.stderr.strip()


def documents(text):
    """One object of JSON after the other."""
    reader, at = json.JSONDecoder(), 0
    while text[at:].strip():
        at += len(text[at:]) - len(text[at:].lstrip())
        value, at = reader.raw_decode(text, at)
        yield value


class Look:
    def __init__(self, place):
        self.place = place
        self.tried = 0
        self.problems = []

    def wants(self, found, wanted, what):
        self.tried += 1
        if found != wanted:
            self.problems.append(f"kubectl: {what}: {found!r} instead of {wanted!r}")

    def selector(self, text):
        """What kubectl makes of `key=value,…`; nothing where it says that it is none, and what it says."""
        service = self.place / "service.json"
        service.write_text(json.dumps({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "any"}, "spec": {}}))
        fine, said = kubectl("set", "selector", "--local", "-f", str(service), text, "-o", "json")
        return (json.loads(said)["spec"]["selector"], "") if fine else (None, said)

    def nodes(self, order):
        for name, node in order["nodes"].items():
            pairs = dict(line.split("=", 1) for line in node["nfd"].splitlines() if not line.startswith("#"))
            self.wants(len(pairs) > 3, True, f"labels of {name}")
            found, said = self.selector(node["nfd"].strip().replace("\n", ","))
            self.wants(found, pairs, f"the labels of {name} ({said})")
            # The document that kubectl is given, read by it: a selector of a node is one of its labels.
            path = self.place / f"{name}.json"
            path.write_text(node["kubectl"])
            fine, said = kubectl("label", "--local", "-f", str(path), "any=any", "-o", "json")
            self.wants(fine and json.loads(said)["metadata"], {"labels": pairs | {"any": "any"}, "name": name}, f"the document of {name} ({said})")
            for lock in order["locks"]:
                key, value = lock["pair"]
                self.wants(pairs.get(key) == value, name in lock["kept"], f"{name} has the label that {lock['name']} selects")

    def pods(self, order):
        """All at once: what is selected, and pods that have it as a document of theirs."""
        wanted = dict(lock["pair"] for lock in order["locks"])
        self.wants(len(wanted), len(order["locks"]), "each lock selects a label of its own")
        found, said = self.selector(",".join(f"{key}={value}" for key, value in wanted.items()))
        self.wants(found, wanted, f"what the locks select ({said})")
        path = self.place / "pods.yaml"
        text = "---\napiVersion: v1\nkind: Pod\nmetadata:\n  name: any\nspec:\n  containers: []\n"
        path.write_text("".join(text + "".join(f"  {line}\n" for line in lock["nfd"].splitlines()) for lock in order["locks"]))
        fine, said = kubectl("label", "--local", "-f", str(path), "any=any", "-o", "json")
        pods = list(documents(said)) if fine else []
        self.wants(len(pods), len(order["locks"]), f"pods of all locks ({said[:500]})")
        for pod, lock in zip(pods, order["locks"]):
            key, value = lock["pair"]
            self.wants(pod["spec"].get("nodeSelector"), {key: value}, f"what a pod of {lock['name']} selects")

    def wrong(self):
        for text in WRONG:
            found, _ = self.selector(text)
            self.wants(found, None, f"`{text}` is refused")


def check(order, _address):
    """How much was looked at, and what is wrong with it."""
    place = pathlib.Path("/kubernetes")
    place.mkdir(exist_ok=True)
    look = Look(place)
    try:
        for lock in order["locks"]:
            # What kubectl is to find there: two words in quotation marks.
            lock["pair"] = tuple(lock["nfd"].split('"')[1::2])
        look.nodes(order)
        look.pods(order)
        look.wrong()
    except (OSError, ValueError, LookupError, TypeError, subprocess.TimeoutExpired) as failure:
        look.problems.append(f"kubectl: {failure!r}")
    return look.tried, look.problems, [f"kubectl: labels of {len(order['nodes'])} nodes, {len(order['locks'])} selectors, {len(WRONG)} words that are none"]
