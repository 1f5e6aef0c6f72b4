"""What every web server with the engine inside has to do: tests that ask for a fixture `device`, an
InProcess.  A file of tests imports those that its server has to pass, and adds its own.

Its pages: /whoami; /bytes/N and /page/N, N bytes of pattern(N) written in the two ways that servers
have; /sum, the length and Adler-32 of a body that was PUT or posted.
"""
import json
import os
import pathlib
import select
import signal
import socket
import struct
import subprocess
import threading
import time
import zlib

import pytest

from gateways import BUILD, PASSWORD, PROOF, Program, curl, forged_flight, read_all, until
from http_peers import BY_TLS12, BY_TLS13, ID, Channel, credentials, request

BOTH = pytest.mark.parametrize("tls", [BY_TLS12, BY_TLS13], ids=["tls12", "tls13"])
MANY = 20_000_000
NASTY = '<b>"Jürgen" & co</b>'


class InProcess(Program):
    """One of the programs of test/integrations."""

    def __init__(self, box, program, *args, file=None, port=0):
        self.credentials = file or credentials(box)
        self.program = program
        self.err = box.dir / f"err{box.count()}"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen(
                [BUILD / "test/integrations" / program, str(port), self.credentials, *args],
                stdout=subprocess.PIPE, bufsize=0, stderr=err, stdin=subprocess.DEVNULL)
        self.pid = self.process.pid
        box.programs.append(self)
        line = self.line()
        assert line.startswith("listening "), (line, self.log())
        self.at = line.split()[1]
        self.port = int(self.at.rsplit(":", 1)[1])

    def raw(self):
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def url(self, path):
        return f"https://{self.at}{path}"

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def stop(self):
        if self.process.poll() is None:
            self.ends()
        self.process.stdout.close()
        for bad in ("Sanitizer", "runtime error:", "Assertion"):
            assert bad not in self.log(), self.log()

    def ends(self, seconds=10):
        """It ends in order, with all that it has open."""
        self.signal(signal.SIGTERM)
        try:
            status = self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.wait()
        assert status == 0, (status, self.log())


class Relay:
    """Stands before a device: what a client says goes on in pieces of step bytes."""

    def __init__(self, device, step):
        self.device, self.step = device, step
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.wires = []
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        client, _ = self.listener.accept()
        wire = self.device.raw()
        self.wires += [client, wire]
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                for one in select.select([client, wire], [], [])[0]:
                    data = one.recv(65536)
                    if not data:
                        (wire if one is client else client).shutdown(socket.SHUT_WR)
                        return
                    if one is wire:
                        client.sendall(data)
                    else:
                        for at in range(0, len(data), self.step):
                            wire.sendall(data[at:at + self.step])
        except (OSError, ValueError):
            pass

    def cut(self):
        """The device sees a FIN that nobody announced."""
        self.wires[1].shutdown(socket.SHUT_WR)

    def close(self):
        for one in (self.listener, *self.wires):
            try:
                one.shutdown(socket.SHUT_RDWR)  # what another thread waits for it keeps open
            except OSError:
                pass
            one.close()


@pytest.fixture
def relay(device):
    made = []

    def make(step=1 << 16):
        made.append(Relay(device, step))
        return made[-1]

    yield make
    for one in made:
        one.close()


def pattern(count):
    return (bytes(range(251)) * (count // 251 + 1))[:count]


def summed(body):
    return f"{len(body)} {zlib.adler32(body):08x}\n".encode()


def page(channel, target="/whoami", *fields, **kwargs):
    answer = channel.ask(request(target, *fields, **kwargs), kwargs.get("method", "GET"))
    assert answer.status == 200, (answer, answer.body)
    return answer.body


# ---- The ordinary ----------------------------------------------------------------------------------


@BOTH
def test_pages_and_bodies(box, device, tls):
    channel = Channel(box, device, *tls)
    text = page(channel).decode()
    assert "admin" in text and ("TLSv1.3" if tls == BY_TLS13 else "TLSv1.2") in text
    body = os.urandom(9000)
    assert page(channel, "/sum", method="POST", body=body) == summed(body)
    assert page(channel, "/bytes/100000") == pattern(100000)
    assert page(channel, "/page/100000") == pattern(100000)


def test_curl(device):
    assert b"admin" in curl(device.url("/whoami")).stdout
    assert curl(device.url("/sum"), "-d", "a=b").stdout == summed(b"a=b")
    for _ in range(2):
        done = curl(device.url("/[1-3]"), "-o", "/dev/null", "-w", "%{http_code} ")
        assert done.stdout == b"404 404 404 ", done.stderr


@BOTH
def test_20_mb_each_way(box, device, tls):
    body = os.urandom(MANY)
    assert page(Channel(box, device, *tls), "/sum", method="PUT", body=body) == summed(body)
    assert page(Channel(box, device, *tls), f"/bytes/{MANY}") == pattern(MANY)


@BOTH
def test_a_client_that_sends_byte_by_byte(box, device, relay, tls):
    channel = Channel(box, relay(1), *tls)
    assert b"admin" in page(channel)
    assert page(channel, "/sum", method="POST", body=b"x" * 700) == summed(b"x" * 700)


@BOTH
def test_many_requests_in_one_record(box, device, tls):
    """More than a server reads at once: no event tells of the rest."""
    channel = Channel(box, device, *tls)
    page(channel)
    kinds = [request("/whoami", "X-Filler: " + "f" * 400), request("/bytes/5000"),
             request("/sum", method="POST", body=b"y" * 1500), request("/page/5000")] * 6
    channel.send(b"".join(kinds))
    for turn in range(6):
        assert b"admin" in channel.response().body, turn
        assert channel.response().body == pattern(5000)
        assert channel.response().body == summed(b"y" * 1500)
        assert channel.response().body == pattern(5000)
    assert channel.is_silent()


@BOTH
def test_who_reads_slowly(box, device, tls):
    """Nothing is lost, and nobody else waits."""
    slow = Channel(box, device, *tls, seconds=30).send(request(f"/bytes/{MANY}"),
                                                       request("/whoami"))
    time.sleep(0.5)
    begin = time.monotonic()
    assert b"admin" in curl(device.url("/whoami")).stdout
    assert time.monotonic() - begin < 5
    assert slow.response().body == pattern(MANY)
    assert b"admin" in slow.response().body


@BOTH
def test_the_last_answer_is_whole(box, device, tls):
    """The server closes behind it, while the client hasn't read it."""
    channel = Channel(box, device, *tls).send(request(f"/bytes/{MANY}", "Connection: close"))
    time.sleep(0.3)
    assert channel.response().body == pattern(MANY)
    assert channel.end()[0] == b""
    channel = Channel(box, device, *tls).send(request("/bytes/100", "Connection: close"))
    assert channel.response().body == pattern(100)
    assert channel.end() == (b"", True)  # close_notify came


@BOTH
@pytest.mark.parametrize("count", [100, 12_000_000])
def test_a_client_that_has_said_all(box, device, tls, count):
    """It ends its own side behind the request; a server alone may give up the answer for that."""
    done = box.connect(device, request(f"/bytes/{count}"), *tls)
    assert done.stdout.endswith(pattern(count)), done.stderr
    # Where the wire is full at the end a server may have no time for close_notify.
    assert done.returncode == 0 or count > 100, done.stderr


@BOTH
def test_a_client_that_has_left_the_wire(box, device, relay, tls):
    """The request, its end and the wire's come at once; the other direction is open."""
    between = relay()
    channel = Channel(box, between, *tls)
    page(channel)
    device.freeze()
    channel.send(request("/bytes/300000"))
    channel.process.stdin.close()
    time.sleep(0.3)
    between.cut()
    device.signal(signal.SIGCONT)
    assert channel.response().body == pattern(300000)
    assert channel.end()[0] == b""


def test_fifty_at_once(device):
    answers = []

    def one():
        answers.append(curl(device.url("/bytes/30000")).stdout)

    threads = [threading.Thread(target=one) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [pattern(30000)] * 50


# ---- Who it is ---------------------------------------------------------------------------------------


@BOTH
def test_a_name_is_any_bytes(box, start, tls):
    device = start(file=credentials(box, (("admin", PASSWORD), (NASTY, PASSWORD))))
    assert NASTY.encode() in page(Channel(box, device, *tls, user=NASTY))


def test_the_hint(box, device):
    """By TLS 1.2 a client learns what it needs for TLS 1.3."""
    done = curl(device.url("/.well-known/keyplate"), "-i")
    head, body = done.stdout.decode().split("\r\n\r\n")
    assert "application/json" in head and "no-store" in head
    assert json.loads(body) == {"keyplate": 1, "versions": ["1.2", "1.3"], "port": device.port,
                                "device_id": ID}
    for version in ("SRP", "SPAKE2+"):
        done = box.connect(device, request("/whoami", "Connection: close"), saves=True)
        assert done.returncode == 0 and b"admin" in done.stdout, done.stderr
        device.logged(version)
    assert b"saved this device" not in done.stderr


def test_tickets(box, device):
    """One proof for all that a browser opens."""
    face = box.open(device.at, "--device-id", ID)
    base = face.url.rstrip("/")
    for _ in range(3):
        assert b"admin" in curl(base + "/whoami", user=None).stdout
    assert len(device.logged("was proved")) == 1, device.log()


def test_a_wrong_password(box, device):
    assert curl(device.url("/whoami"), password="wrong").stdout == b""
    for tls in (BY_TLS12, BY_TLS13):
        done = box.connect(device, request(), *tls, password="wrong")
        assert done.returncode == 3 and PROOF in done.stderr.decode(), done
        done = box.connect(device, request(), *tls, user="nobody")
        assert done.returncode == 3 and PROOF in done.stderr.decode(), done
    assert len(device.logged("a proof failed: somebody who claims to be \"admin\"")) == 3
    assert "was proved" not in device.log()


def test_guesses_are_few_and_outlive_the_server(box, device, start):
    for _ in range(16):
        assert curl(device.url("/whoami"), password="wrong").returncode != 0
    assert curl(device.url("/whoami")).stdout == b""
    device.logged("the guess was not judged")
    assert b"admin" in curl(device.url("/whoami"), "--interface", "127.0.0.9").stdout
    device.ends()
    assert pathlib.Path(f"{device.credentials}.throttle").exists()
    again = start(file=device.credentials)
    assert curl(again.url("/whoami")).stdout == b""
    assert b"admin" in curl(again.url("/whoami"), "--interface", "127.0.0.9").stdout


def test_a_changed_password(box, device):
    """It is in force within moments, and ends what the old one had opened."""
    before = Channel(box, device, *BY_TLS13)
    page(before)
    box.passwd("change", device.credentials, "admin", "another-one-9")
    device.logged("is in force")
    assert curl(device.url("/whoami")).returncode != 0
    assert b"admin" in curl(device.url("/whoami"), password="another-one-9").stdout
    try:
        before.send(request("/whoami"))
    except BrokenPipeError:
        pass
    assert before.end()[0] == b""


def test_without_credentials_nothing_starts(box, device):
    missing = box.dir / "missing"
    done = subprocess.run([BUILD / "test/integrations" / device.program, "0", missing],
                          capture_output=True, timeout=10, check=False)
    assert done.returncode == 1 and done.stdout == b""
    assert f"{missing} is not there".encode() in done.stderr


# ---- Who doesn't behave ------------------------------------------------------------------------------


def test_plain_http_gets_no_page(device):
    for path in ("/whoami", "/.well-known/keyplate"):
        with device.raw() as wire:
            wire.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Remote-User: admin\r\n\r\n".encode())
            answer = read_all(wire)
        assert answer.startswith(b"HTTP/1.1 400 ") and b"not plain HTTP" in answer, answer
        assert b"admin" not in answer and ID.encode() not in answer
    assert b"admin" in curl(device.url("/whoami")).stdout


def test_who_goes_away(box, device, relay):
    """In the middle of a handshake, of a body, of an answer, with and without a word."""
    assert b"admin" in curl(device.url("/whoami")).stdout
    before = device.descriptors()
    flight = forged_flight()
    for count in (0, 1, 5, 60, len(flight) - 1):
        for linger in (b"", struct.pack("ii", 1, 0)):
            with device.raw() as wire:
                wire.sendall(flight[:count])
                if linger:
                    wire.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    for head in (request("/sum", "Content-Length: 50000", method="PUT") + b"z" * 20000,
                 request(f"/bytes/{MANY}"), b"GET /who"):
        for end in ("cut", "kill"):
            between = relay()
            channel = Channel(box, between, *BY_TLS13)
            page(channel)
            channel.send(head)
            if end == "kill":
                time.sleep(0.05)
                channel.close()
            else:
                time.sleep(0.05)
                between.cut()
                channel.close()
            between.close()
    until(lambda: device.descriptors() <= before, 10, "connections are left")
    assert b"admin" in curl(device.url("/whoami")).stdout


def test_who_says_nothing(start):
    """A handshake has a time limit, whatever the server's own."""
    device = start("2")
    with device.raw() as silent, device.raw() as slow:
        begin = time.monotonic()
        slow.sendall(forged_flight()[:30])
        assert read_all(silent) == b""
        read_all(slow)
        assert 1 < time.monotonic() - begin < 8
    assert b"admin" in curl(device.url("/whoami")).stdout
    device.logged("the handshake took too long")


def test_an_end_with_connections_open(box, device):
    open_ones = [Channel(box, device, *tls) for tls in (BY_TLS12, BY_TLS13)]
    for channel in open_ones:
        page(channel)
    with device.raw() as wire:
        wire.sendall(forged_flight()[:30])
        busy = Channel(box, device, *BY_TLS13).send(request(f"/bytes/{MANY}"))
        time.sleep(0.2)
        device.ends()
    for channel in (*open_ones, busy):
        channel.close()
