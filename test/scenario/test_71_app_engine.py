"""Goal: the app's engine, without its windows: a person logs in, bytes go both ways over tunnels to the
device and to no other, what is cut is told from what has ended, and a logout ends all of it."""
import hashlib
import os
import select
import subprocess

import pytest

from gateways import BUILD, PASSWORD, PROOF, box, pattern, talk_digest, talk_echo, talk_http, until  # noqa: F401

PEER = BUILD / "test" / "app" / "app-engine-peer"
pytestmark = pytest.mark.skipif(not PEER.exists(), reason="the app isn't built: GTK 4 or WebKitGTK 6 is missing")


class Peer:
    def __init__(self, box):
        self.err = box.dir / "peer.err"
        with open(self.err, "wb") as err:
            self.process = subprocess.Popen([PEER], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=err, bufsize=0)
        self.states = []
        box.programs.append(self)

    def line(self, seconds=30):
        """The next that is no event."""
        while True:
            ready, _, _ = select.select([self.process.stdout], [], [], seconds)
            assert ready, f"nothing came; {self.err.read_text()}"
            line = self.process.stdout.readline().decode().rstrip("\n")
            assert line, self.err.read_text()
            if not line.startswith("state "):
                return line
            self.states.append(line.split()[1:])

    def tell(self, *words):
        self.process.stdin.write((" ".join(map(str, words)) + "\n").encode())

    def ask(self, *words):
        self.tell(*words)
        return self.line()

    def login(self, serve, password=PASSWORD):
        return self.ask("login", serve.at, "admin", password)

    def inside(self, serve):
        word, name = self.login(serve).split(" ", 1)
        assert word == "in"
        return name

    def read(self, tunnel):
        size, how, first = self.ask("read", tunnel).split(" ", 2)
        return int(size), how, first

    def stop(self):
        if not self.process.stdin.closed:
            self.process.stdin.close()
        try:
            assert self.process.wait(15) == 0, self.err.read_text()
        finally:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()


@pytest.fixture
def peer(box):
    made = Peer(box)
    yield made
    made.stop()
    box.programs.remove(made)


@pytest.mark.parametrize("tls", ["1.2", "any"])
def test_a_page(box, peer, tls):
    """A request goes out and the answer comes whole, to the end that the device makes."""
    serve = box.serve(box.upstream(talk_http(b"the room")), "--tls", tls)
    name = peer.inside(serve)
    tunnel = peer.ask("tunnel", name)
    peer.tell("text", tunnel, f"GET / HTTP/1.1\\r\\nHost: {serve.at}\\r\\nConnection: close")
    size, how, first = peer.read(tunnel)
    assert how == "ended" and first.startswith("HTTP/1.1 200") and size > 60, first


def test_much_both_ways(box, peer):
    """Eight megabytes out, as one that doesn't read at once takes them, then what it made of them."""
    serve = box.serve_bytes(box.upstream(talk_digest))
    name = peer.inside(serve)
    tunnel = peer.ask("tunnel", name)
    peer.tell("send", tunnel, 8 << 20)
    peer.tell("end", tunnel)
    size, how, first = peer.read(tunnel)
    assert how == "ended"
    assert hashlib.sha256(b"x" * (8 << 20)).hexdigest()[:50] in first, first


def test_many_at_once(box, peer):
    """Tunnels that are opened together all come about, by one guess at the password."""
    serve = box.serve_bytes(box.upstream(talk_echo))
    name = peer.inside(serve)
    tunnels = [peer.ask("tunnel", name) for _ in range(24)]
    for tunnel in tunnels:
        peer.tell("text", tunnel, "number", tunnel)
        peer.tell("end", tunnel)
    for tunnel in tunnels:
        _, how, first = peer.read(tunnel)
        assert how == "ended" and first.startswith(f"number {tunnel}\\r"), first
    assert serve.log().count("the password was proved") == 1, serve.log()


def test_a_logout_cuts(box, peer):
    serve = box.serve_bytes(box.upstream(talk_echo))
    name = peer.inside(serve)
    tunnel = peer.ask("tunnel", name)
    peer.tell("text", tunnel, "hello")
    assert peer.ask("logout", name).startswith("out")
    _, how, _ = peer.read(tunnel)
    assert how == "cut"
    late = peer.ask("tunnel", name)
    assert peer.read(late)[:2] == (0, "cut")


def test_what_the_device_cuts(box, peer):
    """A device that dies in the middle of an answer: what came doesn't look whole."""
    def talk(sock):
        sock.recv(1)
        sock.sendall(b"half of")
        while sock.recv(100000):
            continue
    serve = box.serve_bytes(box.upstream(talk))
    name = peer.inside(serve)
    tunnel = peer.ask("tunnel", name)
    peer.tell("text", tunnel, "hello")
    until(lambda: "proved" in serve.log() or "open" in serve.log(), what=serve.log())
    serve.process.kill()
    serve.process.wait()
    size, how, first = peer.read(tunnel)
    assert how == "cut", (size, first)


def test_nobody_is_in(box, peer):
    """Before a login, after a wrong password, and by a name that isn't there: no bytes go anywhere."""
    serve = box.serve_bytes(box.upstream(talk_echo))
    assert peer.read(peer.ask("tunnel", "127-0-0-1"))[:2] == (0, "cut")
    assert peer.login(serve, "not-the-password") == "refused: " + PROOF
    assert peer.read(peer.ask("tunnel", "127-0-0-1"))[:2] == (0, "cut")
    assert peer.read(peer.ask("tunnel", "keyplate"))[:2] == (0, "cut")


def test_its_end(box, peer):
    """The app ends with tunnels open, orders on their way and a login that runs: nothing leaks."""
    serve = box.serve_bytes(box.upstream(talk_echo))
    name = peer.inside(serve)
    for _ in range(5):
        peer.ask("tunnel", name)
    peer.tell("login", serve.at, "admin", PASSWORD)
    peer.stop()
