"""OpenStack's placement API, by the program that Debian has of it, over SQLite: a provider for each node, with the traits that
`vmlock labels --format openstack` says of it, and candidates for a flavor that asks by what `--select` prints."""

import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid

PLACE = pathlib.Path("/placement")
PORT = 7080
# How long anything may take.
LIMIT = 60
# The last microversion of 2023 to 2025 (placement 10 to 13).
VERSION = "placement 1.39"
# What a provider has of the host's compute service, and what that says of one that is disabled.
OWN = "COMPUTE_NODE"
DISABLED = "COMPUTE_STATUS_DISABLED"

CONFIGURATION = f"""[DEFAULT]
state_path = {PLACE}
[api]
auth_strategy = noauth2
[placement_database]
connection = sqlite:///{PLACE}/placement.db
sync_on_startup = true
"""


class Service:
    def __init__(self, address):
        self.url = f"http://{address}:{PORT}"
        PLACE.mkdir(exist_ok=True)
        (PLACE / "placement.conf").write_text(CONFIGURATION)
        words = [sys.executable, "/usr/bin/placement-api", "--host", address, "--port", str(PORT)]
        with open(PLACE / "out", "wb") as said:
            self.process = subprocess.Popen(
                words,
                # Nothing is enciphered here: a library wants OpenSSL's old ciphers, which come apart from it.
                env=os.environ | {"OS_PLACEMENT_CONFIG_DIR": str(PLACE), "CRYPTOGRAPHY_OPENSSL_NO_LEGACY": "1"},
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
            )

    def end(self):
        self.process.terminate()
        self.process.wait(LIMIT)

    def said(self):
        return (PLACE / "out").read_text()[-2000:]

    def ask(self, method, path, body=None):
        """The status and what is answered."""
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "X-Auth-Token": "admin",
                "OpenStack-API-Version": VERSION,
                "Accept": "application/json",
                "Content-Type": "application/json",
            },
        )
        try:
            with urllib.request.urlopen(request, timeout=LIMIT) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        return status, json.loads(text) if text else None

    def begin(self):
        """Waits for it to answer."""
        end = time.monotonic() + LIMIT
        while True:
            try:
                return self.ask("GET", "/")
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise
                time.sleep(0.1)


class Look:
    def __init__(self, service, order):
        self.service = service
        self.order = order
        self.tried = 0
        self.problems = []
        self.words = []
        self.providers = {name: str(uuid.uuid4()) for name in order["nodes"]}

    def wants(self, found, wanted, what):
        self.tried += 1
        if found != wanted:
            self.problems.append(f"placement: {what}: {found!r} instead of {wanted!r}")

    def gives(self, status, method, path, body=None):
        found, answer = self.service.ask(method, path, body)
        self.wants(found, status, f"{method} {path} ({answer})")
        return answer

    def tell(self, name, traits):
        """What docs/labels.md says: all that the provider has but for what vmlock said of it, and this."""
        path = f"/resource_providers/{self.providers[name]}/traits"
        for trait in traits:
            status, answer = self.service.ask("PUT", f"/traits/{trait}")
            self.wants(status in (201, 204), True, f"the trait {trait} can be made ({status} {answer})")
        had = self.gives(200, "GET", path)
        kept = [trait for trait in had["traits"] if not trait.startswith("CUSTOM_VMLOCK_")]
        body = {"resource_provider_generation": had["resource_provider_generation"], "traits": kept + traits}
        now = self.gives(200, "PUT", path, body)
        self.wants(sorted(now["traits"]), sorted(kept + traits), f"the traits of {name}")

    def change(self, name, add=(), drop=()):
        """What the compute service does with traits of its own."""
        path = f"/resource_providers/{self.providers[name]}/traits"
        had = self.gives(200, "GET", path)
        traits = [trait for trait in had["traits"] if trait not in drop] + list(add)
        body = {"resource_provider_generation": had["resource_provider_generation"], "traits": traits}
        self.gives(200, "PUT", path, body)

    def candidates(self, selector):
        """Names of providers for a flavor with that property. As the compute service asks: none that is disabled."""
        key, _, value = selector.partition("=")
        trait = key.removeprefix("trait:")
        if value != "required" or trait == key:
            raise ValueError(f"{selector} is no property of a flavor that asks for a trait")
        path = f"/allocation_candidates?resources=VCPU:1&required={trait},!{DISABLED}"
        status, answer = self.service.ask("GET", path)
        # A trait that nobody has made.
        if status == 400:
            return answer["errors"][0]["detail"]
        self.wants(status, 200, path)
        names = {provider: name for name, provider in self.providers.items()}
        return sorted(names[provider] for provider in answer["provider_summaries"])

    def everywhere(self):
        for name, provider in self.providers.items():
            self.gives(200, "POST", "/resource_providers", {"name": name, "uuid": provider})
            path = f"/resource_providers/{provider}/inventories"
            body = {"resource_provider_generation": 0, "inventories": {"VCPU": {"total": 8}}}
            self.gives(200, "PUT", path, body)
            self.change(name, add=[OWN])
            self.tell(name, self.order["nodes"][name]["openstack"])
        kept, none = 0, 0
        for lock in self.order["locks"]:
            for selector, wanted in ((lock["openstack"], lock["kept"]), (lock["changed"]["openstack"], [])):
                found = self.candidates(selector)
                # Of a lock that no host keeps nobody has made the trait.
                unknown = isinstance(found, str) and "No such trait" in found
                self.wants([] if unknown else found, wanted, f"hosts for {selector}")
                kept += len(wanted)
                none += not wanted
        self.wants(kept > 0 and none > 0, True, "there is something to look at")
        self.words.append(f"placement: hosts for {kept} locks, and none for {none}")

    def boot(self):
        """A host that boots into a kernel that keeps less."""
        boot = self.order["boot"]
        name, before = boot["node"], self.order["nodes"][boot["node"]]["openstack"]
        lock = next(lock for lock in self.order["locks"] if lock["name"] == boot["lock"])
        self.change(name, add=[DISABLED])
        self.wants(self.candidates(lock["openstack"]), [], f"hosts for {boot['lock']} while {name} is disabled")
        self.tell(name, boot["openstack"])
        self.change(name, drop=[DISABLED])
        self.wants(self.candidates(lock["openstack"]), [], f"hosts for {boot['lock']} once {name} was told anew")
        # A trait of an earlier boot is nobody's any more, and can go; one that is somebody's cannot.
        old = next(trait for trait in before if "_BOOT_" in trait)
        new = next(trait for trait in boot["openstack"] if "_BOOT_" in trait)
        self.gives(204, "DELETE", f"/traits/{old}")
        self.gives(409, "DELETE", f"/traits/{new}")
        self.tell(name, before)
        self.wants(self.candidates(lock["openstack"]), [name], f"hosts for {boot['lock']} once {name} keeps it again")
        status, answer = self.service.ask("GET", f"/resource_providers/{self.providers[name]}/traits")
        self.wants(OWN in answer["traits"], True, "what the compute service said of the host is still there")

    def refused(self):
        """That the API looks at names at all."""
        for name in ("VMLOCK_LOCK_A", "CUSTOM_VMLOCK_LOCK_a", "CUSTOM_VMLOCK_LOCK.A", "CUSTOM_VMLOCK_LOCK-A", "CUSTOM_" + "A" * 249):
            self.gives(400, "PUT", f"/traits/{name}")
        self.gives(201, "PUT", "/traits/CUSTOM_" + "A" * 248)


def check(order, address):
    """How much was looked at, and what is wrong with it."""
    service = Service(address)
    look = Look(service, order)
    try:
        service.begin()
        look.everywhere()
        look.boot()
        look.refused()
    except (OSError, ValueError, LookupError, TypeError) as failure:
        look.problems.append(f"placement: {failure!r}: {service.said()}")
    finally:
        service.end()
    return look.tried, look.problems, look.words
