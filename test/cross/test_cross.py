"""Goal: what runs here runs on arm64, armhf, mipsel and s390x: with longs of 32 bits, with the most
significant byte first, and with whatever alignment; and machines of two kinds understand each other.

Built by Debian's cross compilers and run by qemu's user mode, which knows neither Landlock nor seccomp
filters: `serve` says so and goes on.  KEYPLATE_MACHINES: which ones; all without it.
"""
import os
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test" / "scenario"))
import gateways  # noqa: E402
from gateways import PASSWORD, box, curl, pattern, talk_http, until  # noqa: E402,F401

gateways.PATIENCE = 6

MACHINES = os.environ.get("KEYPLATE_MACHINES", "arm64 armhf mipsel s390x").split()
EMULATORS = {"arm64": "qemu-aarch64", "armhf": "qemu-arm", "mipsel": "qemu-mipsel",
             "s390x": "qemu-s390x"}
OPTIONS = ["-Ddemo=false"]

# What of the engine's tests can differ between machines, without those that do one thing a thousand
# times: minutes in an emulator.
VECTORS = ["engine13", "groups", "kdf", "keys", "keys13", "rfc5054", "spake2plus", "srp"]
PAIRS = ["flow", "flow13", "handshake", "pake13", "pake13_tickets"]
UNITS = ["base", "confine", "creds_file", "creds_foreign", "creds_store", "curve", "export", "hellos13",
         "messages", "messages13", "protect_aead", "record", "symmetric", "ticket"]
PROGRAMS = ([f"vector-test-{name}" for name in VECTORS] + [f"pair-test-{name}" for name in PAIRS]
            + [f"unit-test-{name}" for name in UNITS])


def device_id(serve):
    """What is on its label: a device of TLS 1.3 alone is asked for by that."""
    listed = subprocess.run([gateways.KEYPLATE, "passwd", "list", "--credentials", serve.credentials],
                            capture_output=True, text=True, check=True).stdout
    return "--device-id", re.match(r"device id: (\S+)", listed)[1]


def targets():
    folder = {"vector": "vectors", "pair": "pair", "unit": "unit"}
    return " ".join(f"test/{folder[name.split('-')[0]]}/{name}" for name in PROGRAMS)


class Machine:
    def __init__(self, name):
        self.name = name
        self.cross = ROOT / "build" / "cross" / name
        self.folder = self.cross / "full"
        self.run("scripts/cross/build", name, "full", *OPTIONS, TARGETS="keyplate " + targets())

    @staticmethod
    def run(*command, **env):
        done = subprocess.run(command, cwd=ROOT, env={**os.environ, **env}, capture_output=True,
                              text=True, stdin=subprocess.DEVNULL, check=False)
        assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-8000:]
        return done.stdout

    def wrapper(self, folder):
        """A program of that machine that can be started like one of ours."""
        path = folder / f"keyplate-{self.name}"
        path.write_text(f"#!/bin/sh\nexec {EMULATORS[self.name]} -L '{self.cross}/sysroot' "
                        f"'{self.folder}/keyplate' \"$@\"\n")
        path.chmod(0o755)
        return str(path)


@pytest.fixture(scope="module", params=MACHINES)
def machine(request):
    return Machine(request.param)


@pytest.fixture
def there(machine, tmp_path):
    """The path of its keyplate."""
    return machine.wrapper(tmp_path)


def test_engine(machine):
    """Goal: published numbers come out, two engines speak, and each floor keeps its contract."""
    names = ([f"vectors {name}" for name in VECTORS] + [f"pair {name}" for name in PAIRS]
             + [f"unit {name}" for name in UNITS])
    said = machine.run("meson", "test", "-C", str(machine.folder), "--no-rebuild", "--print-errorlogs",
                       "--num-processes", "2", "--timeout-multiplier", "3", *names)
    assert f"Ok:                 {len(names)} " in said, said
    assert re.search(r"^Skipped: +0 *$", said, re.M), said


# Who is the device, who the client.
@pytest.mark.parametrize("tls", ["1.2", "1.3"])
@pytest.mark.parametrize("device_there", [True, False], ids=["device", "client"])
def test_both_ways(machine, there, box, monkeypatch, device_there, tls):
    """Goal: a device of that machine and a client of this one, and the other way round, in both
    versions: a megabyte comes whole, and a wrong password is told by status 3."""
    here = gateways.KEYPLATE
    at_device, at_client = (there, here) if device_there else (here, there)
    data = os.urandom(1_000_000)

    def talk(sock):
        sock.recv(1)
        sock.sendall(data)
    monkeypatch.setattr(gateways, "KEYPLATE", at_device)
    serve = box.serve_bytes(box.upstream(talk), "--tls", tls)
    monkeypatch.setattr(gateways, "KEYPLATE", at_client)
    done = box.connect(serve, b"x", "--verbose", *device_id(serve))
    assert done.returncode == 0 and done.stdout == data, done.stderr
    assert f"TLSv{tls}" in done.stderr.decode()
    wrong = box.connect(serve, b"x", *device_id(serve), password="not-the-password")
    assert (wrong.returncode, wrong.stdout) == (3, b""), wrong.stderr


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
def test_tickets(machine, there, box, monkeypatch, tls):
    """Goal: a ticket of a device there is taken by a client here and brings it in again; so is one that
    a client there keeps."""
    here = gateways.KEYPLATE
    ways = [(there, here), (here, there)]
    if machine.name == "s390x":
        # `open` asks the kernel whose a connection is; this emulator passes on neither the question nor
        # a /proc/net/tcp in its own order of bytes, so `open` lets nobody in.
        ways.pop()
    for device, client in ways:
        monkeypatch.setattr(gateways, "KEYPLATE", device)
        serve = box.serve(box.upstream(talk_http(pattern(1000))), "--tls", tls, "--log", "json")
        monkeypatch.setattr(gateways, "KEYPLATE", client)
        face = box.open(serve, *device_id(serve))
        for _ in range(3):
            got = curl(face.url, user=None)
            assert got.stdout == pattern(1000), got.stderr
        until(lambda: '"resumed":true' in serve.log(), what=serve.log())


def test_says_what_it_lacks(there, box, monkeypatch):
    """Goal: where the kernel has no Landlock and no seccomp filters, as this emulator's, serve says that
    and serves."""
    monkeypatch.setattr(gateways, "KEYPLATE", there)
    serve = box.serve_bytes(box.upstream(lambda sock: sock.sendall(b"served")))
    serve.logged("less confined than it could be: this kernel has no Landlock")
    serve.logged("this kernel has no seccomp filters")
    assert box.connect(serve).stdout == b"served"


def test_credentials_travel(there, box, monkeypatch):
    """Goal: a credentials file that was made on one machine is right on the other."""
    here = gateways.KEYPLATE
    for made, checked in ((there, here), (here, there)):
        monkeypatch.setattr(gateways, "KEYPLATE", made)
        file = box.credentials()
        for password, status in ((PASSWORD, 0), ("not-the-password", 3)):
            done = subprocess.run([checked, "passwd", "check", "--credentials", file, "--user", "admin",
                                   "--password-file", box.secret(password)], capture_output=True,
                                  text=True, check=False)
            assert done.returncode == status, done.stderr
