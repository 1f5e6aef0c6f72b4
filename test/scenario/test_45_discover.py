"""Goal: serve --advertise is seen by discover from another computer of the network, for as long as
it is there and whatever happens to Avahi; what strangers say there does no harm."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

import pytest

from gateways import KEYPLATE, ROOT, box, curl, talk_http, until  # noqa: F401

sys.path.insert(0, str(ROOT / "test"))
from support.namespace import Pair  # noqa: E402

NOBODY = 65534
MDNS = ROOT / "test" / "scenario" / "support" / "mdns.py"
BUS = """<busconfig><type>system</type><listen>unix:path=/run/dbus/system_bus_socket</listen>
<auth>EXTERNAL</auth><policy context="default"><allow user="*"/><allow own="*"/>
<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/></policy></busconfig>"""
AVAHI = """[server]
host-name={name}
use-ipv4=yes
use-ipv6=yes
allow-interfaces=near
ratelimit-interval-usec=1000
ratelimit-burst=100000
[publish]
publish-workstation=no
"""
SEEN = "everybody on the network can see it"
UNSEEN = "nobody on the network can see it"


class Computer:
    """A namespace, with a bus and an Avahi of its own."""

    def __init__(self, end, folder, name):
        self.end, self.folder, self.name = end, folder, name
        folder.mkdir()
        (folder / "bus.conf").write_text(BUS)
        (folder / "avahi.conf").write_text(AVAHI.format(name=name))
        self.processes = {}

    def begin(self):
        if os.geteuid() != 0:
            self.be_avahi()
        self.start_bus()
        self.start_avahi()

    def be_avahi(self):
        """Its daemon gives its folder to the user avahi, and where we alone have a number that is
        us."""
        for name in "passwd", "group":
            lines = [line for line in open(f"/etc/{name}", encoding="utf-8")
                     if not line.startswith("avahi:")]
            end = "0::/:/bin/false" if name == "passwd" else ""
            (self.folder / name).write_text("".join(lines) + f"avahi:x:0:{end}\n")
            done = self.run("mount", "--bind", self.folder / name, f"/etc/{name}")
            assert done.returncode == 0, done.stderr

    def argv(self, *argv):
        return self.end.argv(argv)

    def run(self, *argv, **kwargs):
        return subprocess.run(self.argv(*argv), capture_output=True, text=True, timeout=60,
                              check=False, **kwargs)

    def start(self, key, *argv):
        with open(self.folder / key, "ab") as out:
            self.processes[key] = subprocess.Popen(self.argv(*argv), stdin=subprocess.DEVNULL,
                                                   stdout=out, stderr=out)

    def start_bus(self):
        socket = "/run/dbus/system_bus_socket"
        self.run("rm", "-f", socket)
        self.start("bus", "dbus-daemon", "--nofork", "--nopidfile", "--config-file",
                   self.folder / "bus.conf")
        until(lambda: self.run("test", "-S", socket).returncode == 0)

    def start_avahi(self):
        log = self.folder / "avahi"
        log.write_text("")
        self.start("avahi", "avahi-daemon", "-f", self.folder / "avahi.conf", "--no-drop-root",
                   "--no-chroot", "--no-rlimits")
        until(lambda: "Server startup complete" in log.read_text(), 20, f"Avahi: see {log}")

    def stop(self, key):
        process = self.processes.pop(key, None)
        if process is not None:
            process.terminate()
            process.wait(10)

    def close(self):
        self.stop("avahi")
        self.stop("bus")


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The device's computer and the person's."""
    for program in "dbus-daemon", "avahi-daemon", "unshare", "nsenter", "ip":
        if shutil.which(program) is None and not os.path.exists(f"/usr/sbin/{program}"):
            pytest.skip(f"{program} isn't installed")
    folder = tmp_path_factory.mktemp("network")
    try:
        pair = Pair(own_run=True)
    except OSError as error:
        pytest.skip(str(error))
    computers = [Computer(end, folder / name, name)
                 for end, name in zip(pair.ends, ("device", "person"))]
    try:
        for computer in computers:
            computer.begin()
        yield computers
    finally:
        for computer in computers:
            computer.close()
        pair.stop()


class Serving:
    """serve --advertise there."""

    def __init__(self, box, computer, *args, listen=("0.0.0.0:0",), credentials=None):
        self.box, self.computer = box, computer
        self.credentials = credentials or box.credentials()
        self.err = box.dir / f"err{box.count()}"
        options = [word for one in listen for word in ("--listen", one)]
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                computer.argv(KEYPLATE, "serve", "--advertise", "--upstream", "127.0.0.1:9",
                              "--credentials", self.credentials, *options, *args),
                stdout=subprocess.PIPE, stderr=err, text=True)
        self.addresses = [self.process.stdout.readline().split()[1] for _ in listen]
        self.port = int(self.addresses[0].rsplit(":", 1)[1])
        box.programs.append(self)

    def log(self):
        return self.err.read_text(errors="replace")

    def logged(self, text, count=1, seconds=20):
        until(lambda: self.log().count(text) >= count, seconds, f"no {text!r} in {self.log()}")

    def end(self):
        self.process.terminate()
        assert self.process.wait(15) == 0, self.log()

    def stop(self):
        if self.process.poll() is None:
            self.end()
        self.process.stdout.close()
        assert "Sanitizer" not in self.log(), self.log()


def id_of(credentials):
    done = subprocess.run([KEYPLATE, "passwd", "list", "--credentials", credentials],
                          capture_output=True, text=True, check=True)
    return re.search(r"\b[a-z0-9]{16}\b", done.stdout)[0]


def look(computer, *args):
    done = computer.run(KEYPLATE, "discover", "--json", *args)
    assert done.returncode == (0 if json.loads(done.stdout)["devices"] else 1), done
    return json.loads(done.stdout)["devices"]


def found(computer, port, seconds=15):
    return until(lambda: [one for one in look(computer) if one["port"] == port], seconds)[0]


def gone(computer, port, seconds=15):
    until(lambda: all(one["port"] != port for one in look(computer, "--seconds", "1")), seconds)


def give_to_nobody(box, credentials):
    """Its own folder, of that user: serve drops root then."""
    folder = box.dir / f"state{box.count()}"
    folder.mkdir(0o700)
    path = folder / "credentials"
    shutil.copy(credentials, path)
    path.chmod(0o600)
    for each in folder, path:
        os.chown(each, NOBODY, NOBODY)
    for parent in [box.dir, *box.dir.parents]:
        if parent.stat().st_uid == os.geteuid() and parent != pathlib.Path("/"):
            parent.chmod(parent.stat().st_mode | 0o011)
    return path


def test_it_is_seen_as_what_it_is(box, network):
    device, person = network
    credentials = box.credentials()
    name = id_of(credentials)
    if os.geteuid() == 0:
        credentials = give_to_nobody(box, credentials)
    serve = Serving(box, device, listen=("0.0.0.0:0", "[::]:0"), credentials=credentials)
    serve.logged(SEEN)
    one = found(person, serve.port)
    assert one == {"name": f"Keyplate {name}", "host": "192.0.2.1", "host_name": "device.local",
                   "port": serve.port, "id": name, "versions": ["1.2", "1.3"], "path": "/",
                   "saved_name": ""}
    other = found(person, int(serve.addresses[1].rsplit(":", 1)[1]))
    assert re.fullmatch(r"fe80::[0-9a-f:]+%[0-9]+", other["host"]), other
    assert other["id"] == name and other["name"] != one["name"]
    tasks = [task for task in pathlib.Path(f"/proc/{serve.process.pid}/task").iterdir()]
    assert all("Seccomp:\t2" in (task / "status").read_text() for task in tasks) or \
        "less confined" in serve.log()
    if os.geteuid() == 0:
        assert all(f"Uid:\t{NOBODY}\t{NOBODY}" in (task / "status").read_text() for task in tasks)
    begin = time.monotonic()
    serve.end()
    assert time.monotonic() - begin < 10
    gone(person, serve.port)


def test_what_a_person_reads(box, network):
    device, person = network
    serve = Serving(box, device)
    serve.logged(SEEN)
    found(person, serve.port)
    state = box.dir / "state"
    (state / "keyplate").mkdir(parents=True, mode=0o700)
    saved = state / "keyplate" / "devices"
    saved.write_text("keyplate-devices 1\ndevice cellar 192.0.2.1:443 "
                     f"{id_of(serve.credentials)} admin 1.2,1.3 1700000000\nend 1\n")
    saved.chmod(0o600)
    done = person.run(KEYPLATE, "discover", env={**os.environ, "XDG_STATE_HOME": str(state)})
    assert done.returncode == 0
    assert "anybody on the network can send these" in done.stderr
    head, *lines = done.stdout.splitlines()
    line = next(line for line in lines if f":{serve.port} " in line)
    assert line.split() == ["device.local", f"192.0.2.1:{serve.port}", "1.2,1.3", "cellar",
                            id_of(serve.credentials)]
    assert max(map(len, [head, line])) <= 80
    for word in "ADDRESS", "TLS", "SAVED AS", "DEVICE ID":
        assert line[head.index(word) - 1] == " " != line[head.index(word)]


def test_nothing_near(network):
    done = network[1].run(KEYPLATE, "discover", "--seconds", "1")
    assert done.returncode == 1 and done.stdout == ""
    for word in "nothing near was found", "serve --advertise", "5353":
        assert word in done.stderr


def test_it_comes_back_after_avahi_and_the_bus(box, network):
    device, person = network
    serve = Serving(box, device)
    serve.logged(SEEN)
    device.stop("avahi")
    serve.logged(UNSEEN)
    gone(person, serve.port)
    device.start_avahi()
    serve.logged(SEEN, 2)
    found(person, serve.port)
    device.stop("avahi")
    device.stop("bus")
    serve.logged("D-Bus")
    device.start_bus()
    device.start_avahi()
    serve.logged(SEEN, 3)
    found(person, serve.port)
    assert len(serve.log().splitlines()) < 20  # what is tried again isn't told again


def test_a_hung_avahi_holds_nothing_up(box, network):
    device, person = network
    avahi = device.processes["avahi"]
    avahi.send_signal(signal.SIGSTOP)
    try:
        serve = Serving(box, device)
        time.sleep(1)
        os.kill(serve.process.pid, signal.SIGHUP)
        serve.logged("is in force", seconds=10)  # what D-Bus gives up after: 25
        begin = time.monotonic()
        serve.end()
        assert time.monotonic() - begin < 10
    finally:
        avahi.send_signal(signal.SIGCONT)
    person.processes["avahi"].send_signal(signal.SIGSTOP)
    try:
        begin = time.monotonic()
        assert person.run(KEYPLATE, "discover", "--seconds", "1").returncode == 1
        assert time.monotonic() - begin < 15
    finally:
        person.processes["avahi"].send_signal(signal.SIGCONT)


def test_without_avahi_it_serves_and_says_so(box, network):
    device, person = network
    for computer in network:
        computer.stop("avahi")
    serve = Serving(box, device)
    serve.logged(UNSEEN)
    assert "avahi-daemon" in serve.log() and serve.process.poll() is None
    done = person.run(KEYPLATE, "discover")
    assert done.returncode == 1 and "isn't running on this computer" in done.stderr
    person.stop("bus")
    done = person.run(KEYPLATE, "discover")
    assert done.returncode == 1 and "D-Bus" in done.stderr
    person.start_bus()
    for computer in network:
        computer.start_avahi()
    serve.logged(SEEN)
    found(person, serve.port)


def test_nobody_is_led_to_loopback(box, network):
    serve = Serving(box, network[0], listen=("127.0.0.1:0",))
    serve.logged(UNSEEN)
    assert "loopback" in serve.log()
    assert serve.process.poll() is None


def test_what_it_says_follows_the_device(box, network):
    device, person = network
    config = box.dir / "conf"
    config.write_text("[serve]\ntls = any\n")
    serve = Serving(box, device, "--config", config)
    serve.logged(SEEN)
    assert found(person, serve.port)["versions"] == ["1.2", "1.3"]
    config.write_text("[serve]\ntls = 1.3\n")
    os.kill(serve.process.pid, signal.SIGHUP)
    until(lambda: found(person, serve.port)["versions"] == ["1.3"], 30)
    fresh = box.credentials()
    os.replace(fresh, serve.credentials)
    name = id_of(serve.credentials)
    until(lambda: found(person, serve.port)["id"] == name, 30)
    assert found(person, serve.port)["name"] == f"Keyplate {name}"


def test_two_of_one_name(box, network):
    device, person = network
    first = Serving(box, device)
    first.logged(SEEN)
    found(person, first.port)
    second = Serving(box, person, credentials=first.credentials)
    second.logged(SEEN)
    for serve in first, second:
        assert found(person, serve.port)["id"] == id_of(first.credentials)
    names = {one["name"] for one in look(person)}
    assert len(names) == 2, names


class Hostile:
    def __init__(self, computer, services):
        self.process = subprocess.Popen(
            computer.argv(sys.executable, MDNS, "192.0.2.1"), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True)
        json.dump(services, self.process.stdin)
        self.process.stdin.close()
        assert self.process.stdout.readline() == "ready\n"
        assert self.process.stdout.readline() == "said\n"

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def service(label, *txt, port=7, host="evil", address="192.0.2.66"):
    return {"label": label.hex(), "host": host, "address": address, "port": port,
            "txt": [item.hex() for item in txt]}


def test_strangers_do_no_harm(box, network):
    device, person = network
    serve = Serving(box, device)
    serve.logged(SEEN)
    real = found(person, serve.port)
    hostile = Hostile(device, [
        service(b"\x1b[2J\x1b]0;x\x07", b"id=a", port=10),
        service(b"turned \xe2\x80\xae around", b"id=b\xe2\x80\xae", port=11),
        service(b"long", b"id=" + b"i" * 252, port=12),
        service(b"many", *[b"id%d=" % i for i in range(200)], b"id=late", port=13),
        service(b"control", b"id=x\x1b[31m", b"path=//evil.example/", b"versions=\xff", port=14),
        service(b"the other", b"id=" + real["id"].encode(), b"versions=1.2", port=15),
        service(b"here", b"id=c", port=16, host="here", address="127.0.0.1"),
        service(b"empty", port=17)])
    try:
        until(lambda: {11, 12, 13, 14, 15, 17} <= {one["port"] for one in look(person)}, 30)
        seen = {one["port"]: one for one in look(person)}
        assert 10 not in seen and 16 not in seen
        assert seen[serve.port] == real
        assert seen[12]["id"] == "i" * 252
        assert seen[14]["id"] == "" and seen[14]["path"] == "/" and seen[14]["versions"] == []
        assert seen[15]["id"] == real["id"]  # a claim, as good as any
        shown = person.run(KEYPLATE, "discover").stdout
        assert "\x1b" not in shown and "\u202e" not in shown
        assert r"\xe2\x80\xae" in shown
    finally:
        hostile.stop()


def test_a_crowd_of_strangers(box, network):
    device, person = network
    for computer in network:  # what the test before has said is remembered for two minutes
        computer.stop("avahi")
        computer.start_avahi()
    serve = Serving(box, device)
    serve.logged(SEEN)
    found(person, serve.port)
    hostile = Hostile(device, [service(b"crowd %d" % i, b"id=crowd%d" % i, port=1000 + i)
                               for i in range(500)])
    try:
        until(lambda: len(look(person)) == 200, 40)
        begin = time.monotonic()
        done = person.run(KEYPLATE, "discover")
        assert time.monotonic() - begin < 20
        assert done.returncode == 0 and "there are more than can be shown" in done.stderr
        assert len(done.stdout.splitlines()) == 201
    finally:
        hostile.stop()
    assert serve.process.poll() is None
