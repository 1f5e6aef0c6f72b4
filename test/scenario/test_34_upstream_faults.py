"""Goal: a web server that is killed again and again under load, or that misbehaves in any way,
costs each request no more than a page that says so or a visible cut; when it is well, all is
well."""
import hashlib
import socket
import subprocess
import sys
import time

import pytest

from faults import LONG, SUPPORT, Calm, Crowd, dismiss
from gateways import box, free_port, pattern
from http_page import WEBSOCKET, frame, read_frame
from http_peers import BY_TLS12, BY_TLS13, OK, Channel, Cut, gateway, request, reset

KILLS = 5
UPLOAD = pattern(400_000)
MASK = b"\1\2\3\4"


class WebServer:
    """A process that listens on a port and can be killed and come back."""

    def __init__(self, port):
        self.port = port
        self.at = f"127.0.0.1:{port}"
        self.process = None

    def start(self):
        self.process = subprocess.Popen([sys.executable, SUPPORT / "web_server.py", str(self.port)],
                                        stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        assert self.process.stdout.readline() == b"ready\n"

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process.stdout.close()
            self.process = None

    close = kill


@pytest.fixture
def web_server():
    server = WebServer(free_port())
    yield server
    server.close()


class Tally:
    """What became of the requests of one kind of client."""

    def __init__(self):
        self.right = self.said = self.cut = self.closed = 0

    def __str__(self):
        return f"{self.right} right, {self.said} 502 or 504, {self.cut} cut, {self.closed} closed"


def one_answer(channel, tally, message, right):
    """Whether the connection goes on."""
    try:
        try:
            channel.send(message)
        except BrokenPipeError:
            pass  # an upload whose answer came first
        answer = channel.response()
    except Cut:
        # In order, before a byte of the answer: what HTTP has for a connection that nobody used.
        # Else it has to look like what it is.
        if channel.process.wait(LONG) == 0:
            assert channel.held == b"", channel.held[:300]
            tally.closed += 1
        else:
            tally.cut += 1
        return False
    assert answer.status in (200, 502, 504), answer
    if answer.status == 200:
        assert answer.body == right, "an answer is whole or cut"
        tally.right += 1
        return True
    assert b"You are connected to the device" in answer.body, answer
    tally.said += 1
    return (answer.get("Connection") or "").lower() != "close"


def asking(box, serve, crowd, tally, by, message, right):
    while not crowd.stop.is_set():
        channel = Channel(box, serve, *by, seconds=LONG)
        while one_answer(channel, tally, message, right) and not crowd.stop.is_set():
            pass
        dismiss(box, channel)


def one_frame(channel, text):
    channel.send(frame(1, text, MASK))
    assert read_frame(channel.exactly) == (1, text)


def tunneling(box, serve, crowd, tally, by):
    """WebSockets: their end is never taken for the upstream's word."""
    number = 0
    while not crowd.stop.is_set():
        channel = Channel(box, serve, *by, seconds=LONG)
        try:
            answer = channel.ask(request("/ws", *WEBSOCKET))
            if answer.status != 101:
                assert answer.status in (502, 504), answer
                tally.said += 1
            while answer.status == 101 and not crowd.stop.is_set():
                number += 1
                one_frame(channel, b"frame %d" % number)
                tally.right += 1
        except (Cut, BrokenPipeError):
            tally.cut += 1
            channel.process.wait(LONG)
        dismiss(box, channel)


def test_killed_again_and_again_under_load(box, web_server):
    """Each time it works for every client, dies, is missed by every client, and comes back."""
    web_server.start()
    serve = gateway(box, web_server.at, "--workers", "2")
    calm = Calm(serve, body=b"the page")
    box.secret()  # made before its many readers start
    crowd, tallies = Crowd(), [Tally() for _ in range(6)]
    digest = hashlib.sha256(UPLOAD).hexdigest().encode()
    for tally, by in zip(tallies, (BY_TLS12, BY_TLS13)):
        crowd.start(asking, box, serve, crowd, tally, by, request(), b"the page")
    for tally, by in zip(tallies[2:], (BY_TLS12, BY_TLS13)):
        crowd.start(asking, box, serve, crowd, tally, by,
                    request("/sum", method="POST", body=UPLOAD), digest)
    for tally, by in zip(tallies[4:], (BY_TLS12, BY_TLS13)):
        crowd.start(tunneling, box, serve, crowd, tally, by)
    for _ in range(KILLS):
        before = [one.right for one in tallies]
        crowd.wait(lambda: all(one.right > was for one, was in zip(tallies, before)),
                   "not everyone is served")
        before = [one.said + one.cut + one.closed for one in tallies]
        web_server.kill()
        crowd.wait(lambda: all(one.said + one.cut + one.closed > was
                               for one, was in zip(tallies, before)), "somebody noticed nothing")
        web_server.start()
    crowd.end()
    for tally in tallies:
        print(tally)
    assert all(one.said > 0 for one in tallies)
    calm.again(kib=4096)


# ---- One that misbehaves ------------------------------------------------------------------------

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"


def misbehave(sock):
    """By the target of each request."""
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
        head, data = data.split(b"\r\n\r\n", 1)
        target = head.split(b" ", 2)[1].decode()
        if target == "/never":
            while sock.recv(65536):
                pass
        elif target == "/stops":
            sock.sendall(HALF)
            while sock.recv(65536):
                pass
        elif target == "/halves":
            sock.sendall(HALF)
        elif target == "/resets":
            reset(sock)
        elif target == "/half-resets":
            sock.sendall(HALF)
            time.sleep(0.2)
            reset(sock)
        elif target == "/more":
            sock.sendall(OK + b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged")
        elif target == "/noise":
            sock.sendall(b"\x16\x03\x01\x00\x05noise")
        else:
            sock.sendall(OK)
        if target not in ("/", "/more"):
            return


def fails(channel, target, status):
    """How it went: an answer of that status, or None: half of one, visibly cut."""
    channel.send(request(target))
    if status is not None:
        answer = channel.response()
        assert answer.status == status, (target, answer)
        return
    head = channel.head()
    assert head.status == 200, target
    with pytest.raises(Cut):
        channel.framed(head)
    assert channel.end()[1] is False, target


WAYS = {"/never": 504, "/stops": None, "/halves": None, "/resets": 502, "/half-resets": None,
        "/noise": 502}


@pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13])
def test_it_misbehaves_in_every_way_at_once(box, by):
    """A good request on each connection, then a bad one; others go on all the while."""
    serve = gateway(box, misbehave, "--upstream-timeout", "4", "--idle-timeout", "6")
    calm = Calm(serve, body=b"ok")
    box.secret()  # made before its many readers start
    crowd, tally = Crowd(), Tally()
    crowd.start(asking, box, serve, crowd, tally, by, request(), b"ok")

    def bad(target, status):
        channel = Channel(box, serve, *by, seconds=LONG)
        try:
            assert channel.ask(request()).body == b"ok"
        except Cut as fault:
            raise AssertionError(channel.process.stderr.read(), serve.log()[-5000:]) from fault
        fails(channel, target, status)
        channel.close()

    worst = Crowd()
    for target, status in WAYS.items():
        worst.start(bad, target, status)
    worst.end()
    before = tally.right
    crowd.wait(lambda: tally.right > before + 5, "the others are held up")
    crowd.end()
    assert tally.said == tally.cut == tally.closed == 0, tally
    calm.again(kib=2048)


def test_an_answer_nobody_asked_for(box):
    """It is never the answer to the next request."""
    serve = gateway(box, misbehave)
    calm = Calm(serve, body=b"ok")
    for _ in range(3):
        channel = Channel(box, serve, *BY_TLS12, seconds=LONG)
        assert channel.ask(request("/more")).body == b"ok"
        for _ in range(3):
            assert channel.ask(request()).body == b"ok"
        channel.close()
    calm.again(kib=2048)


def test_a_queue_that_nobody_empties(box):
    """It listens, its queue is full, it accepts nobody: everyone is told, nothing stays open."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    at = "127.0.0.1:%d" % listener.getsockname()[1]
    stuffing = []
    for _ in range(8):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        stuffing.append(sock)
    serve = gateway(box, at, "--upstream-timeout", "2")
    box.secret()  # made before its many readers start
    crowd, told = Crowd(), []

    def ask():
        told.append(Channel(box, serve, *BY_TLS13, seconds=LONG).ask(request()).status)

    for _ in range(4):
        crowd.start(ask)
    crowd.end()
    assert len(told) == 4 and set(told) <= {502, 504}, told
    for sock in (*stuffing, listener):
        sock.close()
    box.upstream(misbehave, port=int(at.rsplit(":", 1)[1]))
    Calm(serve, body=b"ok").again()
