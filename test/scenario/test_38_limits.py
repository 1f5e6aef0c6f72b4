"""Goal: when a limit of the running serve is lowered under it - descriptors, memory - it refuses
some, rests, says so once in a while, keeps those who are there, and is well again when there is
room."""
import itertools
import resource
import signal
import socket
import subprocess
import threading
import time

import pytest

from faults import LONG, Calm, Crowd, address, descriptors, dismiss
from gateways import KEYPLATE, SANITIZED, box, cpu_seconds, curl, forged_flight, until
from http_page import WEBSOCKET, frame
from http_peers import (BY_TLS12, BY_TLS13, OK, Channel, Cut, Recorder, gateway, request)

FULL = "no file descriptors left"


def allow(serve, kind, soft):
    """Only the soft limit: it can be raised again."""
    _, hard = resource.prlimit(serve.pid, kind)
    resource.prlimit(serve.pid, kind, (soft if soft is not None else hard, hard))


def strangers(serve, count):
    """Some are let in, some wait, some give way to others at once."""
    found = []
    for _ in range(count):
        try:
            found.append(socket.create_connection(("127.0.0.1", serve.port), timeout=LONG,
                                                  source_address=(address(), 0)))
        except ConnectionResetError:
            pass
    return found


# ---- Descriptors --------------------------------------------------------------------------------

def websocket(one):
    """A page, or a WebSocket that echoes bytes."""
    def reply(sock):
        sock.sendall(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
        while data := sock.recv(65536):
            sock.sendall(data)
    return reply if one.target == "/ws" else OK


class Held:
    """Who is there before: WebSockets in use, which go on whatever happens, and connections at
    rest, which answer or, where they had to give way, have ended in order."""

    def __init__(self, box, serve):
        self.box = box
        self.tunnels, self.resting = ([Channel(box, serve, *by, seconds=LONG)
                                       for by in (BY_TLS12, BY_TLS13) * 2] for _ in range(2))
        for one in self.tunnels:
            assert one.ask(request("/ws", *WEBSOCKET)).status == 101
        for one in self.resting:
            assert one.ask(request()).body == b"ok"

    def goes_on(self):
        said = frame(1, b"still here", b"\1\2\3\4")
        for one in self.tunnels:
            assert one.send(said).exactly(len(said)) == said
        for one in list(self.resting):
            try:
                assert one.ask(request()).body == b"ok"
            except (Cut, BrokenPipeError):
                assert one.process.wait(LONG) == 0
                dismiss(self.box, one)
                self.resting.remove(one)

    def end(self):
        for one in self.tunnels + self.resting:
            dismiss(self.box, one)


def rests(serve):
    """While nobody does anything, and many want to be let in."""
    before, said, began = cpu_seconds(serve.pid), serve.log().count(FULL), time.monotonic()
    time.sleep(2)
    spent, took = cpu_seconds(serve.pid) - before, time.monotonic() - began
    said = serve.log().count(FULL) - said
    print(f"{spent:.2f} s of processor time in {took:.1f} s, {said} lines")
    assert spent < 0.5, "it turns round and round"
    assert said <= 1 + took / 10


@pytest.mark.parametrize("workers", ["1", "3"])
def test_descriptors_run_out_under_those_who_are_there(box, workers):
    """First so that somebody who has proved nothing could give way, then so that nobody could."""
    serve = gateway(box, Recorder(websocket), "--workers", workers, "--max-connections", "2000",
                    "--handshake-timeout", "600")
    calm = Calm(serve, body=b"ok")
    held = Held(box, serve)
    early = strangers(serve, 20)
    until(lambda: descriptors(serve.pid) >= calm.descriptors + 2 * 8 + len(early), LONG)
    for limit in (descriptors(serve.pid) - 10, calm.descriptors + 4):
        allow(serve, resource.RLIMIT_NOFILE, limit)
        late = strangers(serve, 100)
        serve.logged(FULL, LONG)
        rests(serve)
        held.goes_on()
        if limit > calm.descriptors + 4:
            for sock in early + late:
                sock.close()
            until(lambda: curl(f"https://{serve.at}/", "--interface", address(),
                               timeout=LONG).stdout == b"ok", LONG, "no room after they went")
            late = []
    allow(serve, resource.RLIMIT_NOFILE, None)
    for sock in late:
        sock.close()
    calm.page()
    held.goes_on()
    held.end()
    calm.again(kib=2048)


def test_no_descriptor_for_the_way_to_the_upstream(box):
    """A 502 or a cut, and the next request works when there is room."""
    serve = gateway(box, Recorder(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")))
    calm = Calm(serve, body=b"ok")
    held = Channel(box, serve, *BY_TLS12, seconds=LONG)
    assert held.ask(request()).body == b"ok"
    silent = Channel(box, serve, *BY_TLS13, seconds=LONG)
    until(lambda: serve.log().count('"proved"') >= 5, LONG)
    calm_with = descriptors(serve.pid)
    allow(serve, resource.RLIMIT_NOFILE, calm_with - 1)
    assert held.ask(request()).status == 502
    until(lambda: "EMFILE" in serve.log(), LONG, serve.log)
    allow(serve, resource.RLIMIT_NOFILE, None)
    assert silent.ask(request()).body == b"ok"
    for one in (held, silent):
        dismiss(box, one)
    calm.again(kib=2048)


# ---- Memory -------------------------------------------------------------------------------------

def data_kib(pid):
    """What RLIMIT_DATA is compared with: all private memory that may be written."""
    for line in open(f"/proc/{pid}/status", encoding="ascii"):
        if line.startswith("VmData"):
            return int(line.split()[1])
    raise AssertionError("no VmData")


class Unfinished:
    """A client's head that doesn't end: not a browser's, whose heads `open` sends whole."""

    def __init__(self, box, serve):
        self.process = subprocess.Popen([KEYPLATE, *box.connect_args(serve), *BY_TLS13],
                                        stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        self.process.stdin.write(request() + request()[:-2] + b"X: " + b"x" * 15_000)
        self.process.stdin.flush()

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdin.close()


def stuff(box, serve, face, kinds, stuffed):
    """A connection that makes serve hold as much as it can be made to: a head that doesn't end, or
    an upload that the upstream doesn't read."""
    if next(kinds) == "head":
        stuffed.append(Unfinished(box, serve))
        return
    sock = face.visit()
    stuffed.append(sock)
    try:
        sock.settimeout(1)
        sock.sendall(face.head("POST /deaf HTTP/1.1", "Content-Length: 100000000"))
        for _ in range(80):
            sock.sendall(b"x" * 50_000)
    except OSError:
        pass  # it is full, or it was refused


class Deaf:
    """talk() of an upstream that reads none of the uploads to /deaf until it is over."""

    def __init__(self):
        self.recorder = Recorder()
        self.over = threading.Event()

    def __call__(self, sock):
        if b"/deaf" in sock.recv(65536, socket.MSG_PEEK):
            self.over.wait(LONG)
            return None
        return self.recorder(sock)


def press(box, serve, face, kinds):
    """Everything that takes memory, at once: proved clients, handshakes, newcomers, a change."""
    stuffed, crowd = [], Crowd()
    for _ in range(4):
        crowd.start(lambda: curl(f"https://{serve.at}/", "--interface", address(), timeout=5))
    late = strangers(serve, 60)
    for sock in late:
        try:
            sock.sendall(forged_flight()[:200])
        except OSError:
            pass
    serve.signal(signal.SIGHUP)
    for _ in range(60):
        stuff(box, serve, face, kinds, stuffed)
        assert serve.process.poll() is None, serve.log()[-3000:]
    crowd.end()
    return stuffed + late


@pytest.mark.skipif(SANITIZED, reason="a sanitizer needs more memory than any limit would leave")
def test_memory_runs_out(box):
    """Under many clients with large heads and uploads, with more and less room to begin with."""
    deaf = Deaf()
    serve = gateway(box, deaf, "--max-connections", "4000")
    calm = Calm(serve, body=b"ok", source=address())  # others' proofs fail for want of memory
    for room in (0, 0, 16, 50, 200, 1000):  # KiB
        held = Channel(box, serve, *BY_TLS12, seconds=LONG)
        assert held.ask(request()).body == b"ok"
        face = box.open(serve, *BY_TLS13)
        short = serve.log().count("memory")
        allow(serve, resource.RLIMIT_DATA, (data_kib(serve.pid) + room) * 1024)
        kinds = itertools.cycle(["head", "upload"])
        stuffed = press(box, serve, face, kinds)
        spent = cpu_seconds(serve.pid)
        time.sleep(1)
        spent = cpu_seconds(serve.pid) - spent
        print(f"{room} KiB: {serve.log().count('memory') - short} were refused; then {spent:.2f} s")
        assert serve.log().count("memory") > short
        assert spent < 0.5, "who gets no memory isn't tried for again and again"
        deaf.over.set()
        for sock in stuffed:
            sock.close()
        face.process.kill()
        dismiss(box, held)
        until(lambda: descriptors(serve.pid) <= calm.descriptors, LONG)
        allow(serve, resource.RLIMIT_DATA, None)
        calm.page()
        deaf.over.clear()
    calm.again(kib=8192)
