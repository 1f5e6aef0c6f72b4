"""Goal of this test: bytes keep flowing through the HTTP gateway whoever is slow, and stay where
they belong: what a client or an upstream doesn't take yet waits, costs no work, arrives whole, and
never gets into another connection, another answer or another protocol.

After a user is removed the answer that has begun may go on for 60 s (LAST_ANSWER_MS) and is cut
then; here it goes on for 3 s.
"""
import errno
import fcntl
import hashlib
import signal
import socket
import struct
import termios
import threading
import time

import pytest

from gateways import PASSWORD, Box, box, cpu_seconds, until
from http_page import WEBSOCKET
from http_peers import (BY_TLS12, BY_TLS13, OK, Channel, Recorder, chunked, event, events, gateway,
                        request, sniffing)

SWITCH = b"HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
MANY = 50_000_000  # more than the system's buffers on a way hold
TWO = (("admin", PASSWORD), ("maria", "another-pass-1"))
PIECE = 4000  # a pipe passes it on whole, so that it is one record of TLS
BOTH = pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13], ids=["TLS 1.2", "TLS 1.3"])


def noise(name):
    """MANY bytes in which a piece that is lost, doubled or moved shows."""
    return hashlib.shake_128(name).digest(MANY)


def read_head(sock):
    """The head, and what came behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(65536)
        assert piece, data
        data += piece
    head, _, rest = data.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n", rest


def waiting(sock, what):
    """Bytes that the other end sent and nobody has read, or (TIOCOUTQ) memory of what this one sent
    and nobody has read."""
    return struct.unpack("i", fcntl.ioctl(sock, what, bytes(4)))[0]


class Count:
    """Bytes that have moved, and whether they still do."""

    def __init__(self):
        self.bytes = 0

    def settled(self):
        """Waits until it has begun and then stays."""
        until(lambda: self.bytes, 15, "nothing moves")
        return stays(lambda: self.bytes)


def stays(value, seconds=0.7):
    """What it is once it hasn't changed for so long, in which we have looked at it many times."""
    seen, looks, end = value(), 0, time.monotonic() + 60
    while looks < seconds / 0.02:
        assert time.monotonic() < end, f"{seen}, and no end"
        time.sleep(0.02)
        now = value()
        seen, looks = now, looks + 1 if now == seen else 0
    return seen


def pour(send, data, count):
    """send(data) on a thread, piece by piece."""
    def run():
        try:
            for at in range(0, len(data), 50_000):
                send(data[at:at + 50_000])
                count.bytes += len(data[at:at + 50_000])
        except OSError:
            pass  # the test is over
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


# ---- WebSockets under back-pressure -------------------------------------------------------------

class Tunnel:
    """talk() of an upstream that agrees to a WebSocket, sends data, and reads from `reads` on."""

    def __init__(self, data=b""):
        self.data, self.reads, self.sent = data, threading.Event(), Count()
        self.got = bytearray()

    def __call__(self, sock):
        _, rest = read_head(sock)
        self.got += rest
        sock.sendall(SWITCH)
        pour(sock.sendall, self.data, self.sent)
        self.reads.wait(60)
        while piece := sock.recv(1 << 18):
            self.got += piece


@BOTH
def test_a_websocket_whose_ends_are_slow(box, by):
    """Both send, none reads; then one reads while the other doesn't, and then that one too."""
    up, down = noise(b"up"), noise(b"down")
    tunnel = Tunnel(down)
    serve = gateway(box, tunnel)
    channel = Channel(box, serve, *by)
    assert channel.ask(request("/ws", *WEBSOCKET)).status == 101
    sent = Count()
    pour(channel.send, up, sent)
    assert 0 < sent.settled() < MANY and 0 < tunnel.sent.settled() < MANY
    tunnel.reads.set()
    until(lambda: len(tunnel.got) == MANY, 60, "the upstream didn't get all of it")
    assert tunnel.got == up and tunnel.sent.bytes < MANY
    got = bytearray(channel.held)
    channel.held = b""
    while len(got) < MANY:
        got += channel.piece()
    assert got == down
    channel.send(b"and the end")
    assert channel.finish()[0] == b""
    until(lambda: tunnel.got.endswith(b"and the end"))


@pytest.mark.parametrize("length", [5, 300_000])
def test_what_is_sent_right_behind_an_upgrade(box, length):
    """In one piece with its head; of the second length the most part waits in the client."""
    tunnel = Tunnel()
    tunnel.reads.set()
    early = noise(b"early")[:length]
    channel = Channel(box, gateway(box, tunnel), *BY_TLS12)
    channel.send(request("/ws", *WEBSOCKET) + early)
    assert channel.response().status == 101
    until(lambda: len(tunnel.got) >= length)
    channel.send(b"later")
    until(lambda: len(tunnel.got) >= length + 5)
    assert tunnel.got == early + b"later"


# ---- Upgrades that don't come about -------------------------------------------------------------

def test_an_upgrade_in_http_1_0_is_ignored(box):
    """RFC 9110 7.8: it goes on without."""
    recorder = Recorder()
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    answer = channel.ask(request("/ws", *WEBSOCKET, version="HTTP/1.0"))
    assert (answer.status, answer.body) == (200, b"ok")
    seen = recorder.came()
    assert seen.get("Upgrade") is None and "upgrade" not in (seen.get("Connection") or "").lower()


def test_nobody_changes_to_what_http_1_0_asked_for(box):
    recorder = Recorder(lambda _: lambda sock: (sock.sendall(SWITCH + b"raw"), sock.recv(100)))
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    answer = channel.ask(request("/ws", *WEBSOCKET, version="HTTP/1.0"))
    assert answer.status == 502 and b"raw" not in answer.body
    assert channel.end()[0] == b""


class HastyUpstream:
    """talk() of an upstream that changes the protocol when it has read a head."""

    def __init__(self):
        self.got, self.over = b"", threading.Event()

    def __call__(self, sock):
        _, self.got = read_head(sock)
        sock.sendall(SWITCH)
        try:
            while piece := sock.recv(65536):
                self.got += piece
        finally:
            self.over.set()


@pytest.mark.parametrize("framing, first, went_on", [
    ("Transfer-Encoding: chunked", b"5\r\nhel", b"3\r\nhel\r\n"),
    ("Content-Length: 5", b"hel", b"hel")], ids=["chunked", "length"])
def test_a_change_in_mid_request_is_refused(box, framing, first, went_on):
    """The rest of the body, and what is behind it, would be the new protocol's first bytes."""
    upstream = HastyUpstream()
    channel = Channel(box, gateway(box, upstream), *BY_TLS12)
    channel.send(request("/ws", *WEBSOCKET, framing, method="POST") + first)
    assert channel.response().status == 502
    try:
        channel.send(b"lo\r\n0\r\n\r\n" + request("/smuggled"))
    except BrokenPipeError:
        pass
    assert channel.to_end() == b"" and upstream.over.wait(15)
    assert went_on.startswith(upstream.got), upstream.got


# ---- An early answer while the upload's tail still waits ----------------------------------------

class Unread:
    """talk() of an upstream by unix socket that reads nothing of a POST before it has answered it,
    which it does with early when it is told to; a GET gets "ok"."""

    def __init__(self, early):
        self.early, self.go = early, threading.Event()
        self.posts, self.seen = [], []  # of each connection: its socket; what it has read

    def __call__(self, sock):
        sock.settimeout(20)
        if sock.recv(1 << 16, socket.MSG_PEEK).startswith(b"POST "):
            self.posts.append(sock)
            self.go.wait(60)
            sock.sendall(self.early)
            time.sleep(1)  # until the next request has come to serve
        record = bytearray()
        self.seen.append(record)
        while piece := sock.recv(1 << 16):
            record += piece
            if record.endswith(b"\r\n\r\n"):
                sock.sendall(OK)

    def unread(self):
        return waiting(self.posts[-1], termios.FIONREAD)


def upload(box, serve, upstream, pieces):
    """A client that has sent a POST of so many pieces, and all of it but the last is with the
    upstream; the last one is on its way."""
    channel = Channel(box, serve, *BY_TLS12)
    count = len(upstream.posts)
    channel.send(request("/up", f"Content-Length: {pieces * PIECE}", method="POST"))
    until(lambda: len(upstream.posts) > count and upstream.unread() > 0)
    before = upstream.unread()
    for number in range(1, pieces):
        channel.send(b"T" * PIECE)
        if not comes(lambda: upstream.unread() >= before + number * PIECE):
            return channel, number
    channel.send(b"T" * PIECE)
    return channel, pieces


def comes(condition, seconds=3.0):
    try:
        return until(condition, seconds)
    except AssertionError:
        return False


@pytest.fixture(scope="module")
def fits(tmp_path_factory):
    """How many pieces of an upload are taken whole when the upstream reads nothing."""
    box, upstream = Box(tmp_path_factory.mktemp("fits")), Unread(OK)
    serve = gateway(box, upstream, path=box.dir / "up.sock")
    channel, number = upload(box, serve, upstream, 1000)
    assert 5 < number < 1000, "the upstream's socket takes any number of pieces"
    channel.close()
    upstream.go.set()
    box.close()
    return number


def upload_with_a_tail(box, serve, upstream, pieces):
    """A client whose POST was sent whole, of which the last piece waits in serve."""
    channel, number = upload(box, serve, upstream, pieces)
    assert number == pieces
    assert stays(upstream.unread) < pieces * PIECE, "nothing waits in serve"
    return channel


@pytest.mark.parametrize("early, when", [(LAST, "pipelined"), (LAST, "after the answer"),
                                         (OK, "after the answer")],
                         ids=["closes, pipelined", "closes", "stays"])
def test_an_early_answer_before_the_tail_is_taken(box, fits, early, when):
    """The client's connection goes on at once, and no other upstream connection gets the tail."""
    upstream = Unread(early)
    serve = gateway(box, upstream, path=box.dir / "up.sock")
    channel = upload_with_a_tail(box, serve, upstream, fits)
    if when == "pipelined":
        channel.send(request("/second"))
    upstream.go.set()
    answer = channel.response()
    assert answer.body == b"ok"
    assert answer.get("Connection") is None, "the request wasn't whole: this proves nothing"
    if when != "pipelined":
        channel.send(request("/second"))
    channel.seconds = 15
    assert channel.response().body == b"ok"
    assert channel.ask(request("/third")).body == b"ok"
    (record,) = [one for one in upstream.seen if b"GET /second " in one]
    before, _, rest = record.partition(b"GET /second ")
    assert b"T" * 100 not in rest and b"GET /third " in rest
    assert before == b"" or before.endswith(b"\r\n\r\n" + b"T" * fits * PIECE)


# ---- The tail of a last answer ------------------------------------------------------------------

class Valve:
    """Between a client and serve, with little room of its own: what serve sends goes on while it is
    open."""

    def __init__(self, serve):
        self.open, self.passed = threading.Event(), 0
        self.open.set()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.at = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.down = socket.socket()
        # Small segments keep serve's own buffer in the kernel small too.
        self.down.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 1000)
        self.down.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.down.connect(("127.0.0.1", serve.port))
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        self.client, _ = self.listener.accept()
        threading.Thread(target=self.upwards, daemon=True).start()
        try:
            while self.open.wait(60):
                self.down.settimeout(0.1)
                try:
                    piece = self.down.recv(2000)
                except TimeoutError:
                    continue
                if not piece:
                    break
                self.client.sendall(piece)
                self.passed += len(piece)
            self.client.shutdown(socket.SHUT_WR)
        except OSError:
            self.client.close()

    def upwards(self):
        try:
            while piece := self.client.recv(65536):
                self.down.sendall(piece)
            self.down.shutdown(socket.SHUT_WR)
        except OSError:
            pass


def kernel_holds(serve, valve):
    """What serve has sent and the valve hasn't read."""
    ports = "%04X %04X" % (serve.port, valve.down.getsockname()[1])
    for line in open("/proc/net/tcp", encoding="ascii").read().splitlines()[1:]:
        fields = line.split()
        if " ".join(one.split(":")[1] for one in fields[1:3]) == ports:
            return int(fields[4].split(":")[0], 16) + waiting(valve.down, termios.FIONREAD)
    raise AssertionError("no such connection")


class Ender:
    """talk() of an upstream by unix socket.  The first answer, to a client that takes nothing, goes
    on until serve takes no more; each other one ends in what just doesn't fit."""

    def __init__(self):
        self.fits, self.body = None, 0

    def __call__(self, sock):
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n")
        pieces = 1000 if self.fits is None else self.fits - 2
        for number in range(pieces):
            if not comes(lambda: waiting(sock, termios.TIOCOUTQ) == 0):
                break
            sock.sendall(chunked(b"b" * PIECE)[:-5])
        if self.fits is None:
            self.fits = number
            return
        self.body = pieces * PIECE + 40_000
        sock.sendall(chunked(b"b" * 40_000))  # one read of serve's: its end comes with it


def paused(box, serve, *by):
    """A client that has sent a request and takes nothing; and its valve."""
    valve = Valve(serve)
    count = len(events(serve, "proved"))
    channel = Channel(box, valve, *by)
    until(lambda: len(events(serve, "proved")) > count)
    valve.open.clear()
    time.sleep(0.3)
    return channel.send(request("/", "Connection: close")), valve


def test_the_last_answer_s_tail_waits_for_a_client_that_pauses(box):
    """serve has all of the answer and nothing to do but to get rid of it."""
    upstream = Ender()
    serve = gateway(box, upstream, path=box.dir / "up.sock")
    for _ in range(3):  # the system's buffers aren't always of one size
        upstream.fits = None
        probe, _ = paused(box, serve, *BY_TLS13)
        until(lambda: upstream.fits, 60)
        assert 5 < upstream.fits < 999, "serve takes any number of pieces"
        probe.close()
        channel, valve = paused(box, serve, *BY_TLS13)
        if comes(lambda: events(serve, "request"), 8):
            break
        channel.close()
    event(serve, "request")
    time.sleep(3)
    held, passed = kernel_holds(serve, valve), valve.passed
    valve.open.set()
    answer = channel.response()
    assert len(answer.body) == upstream.body and channel.end() == (b"", True)
    assert valve.passed > passed + held + 10_000, "nothing waited in serve: this proves nothing"


# ---- HEAD and a body all the same ---------------------------------------------------------------

WRONG = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwrong"


@pytest.mark.parametrize("when", ["at once", "later"])
def test_a_body_after_head_is_nobody_s_answer(box, when):
    def answer(one):
        if one.method != "HEAD":
            return OK

        def reply(sock):
            head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(WRONG)
            sock.sendall(head + (WRONG if when == "at once" else b""))
            if when != "at once":
                time.sleep(0.2)
                sock.sendall(WRONG)
            sock.recv(1)
        return reply

    channel = Channel(box, gateway(box, Recorder(answer)), *BY_TLS12)
    for pipelined in (False, True):
        channel.send(request("/", method="HEAD") + (request() if pipelined else b""))
        assert channel.response("HEAD").get("Content-Length") == str(len(WRONG))
        if not pipelined:
            time.sleep(0.5)
            channel.send(request())
        assert channel.response().body == b"ok"
    assert channel.finish() == (b"", True)


# ---- Waiting costs no work ----------------------------------------------------------------------

def took_no_work(serve, seconds=1):
    before = cpu_seconds(serve.pid)
    time.sleep(seconds)
    return cpu_seconds(serve.pid) - before < 0.1 * seconds


def test_a_client_that_takes_nothing_costs_no_work(box):
    sent = Count()
    body = bytes(MANY)

    def talk(sock):
        read_head(sock)
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % MANY)
        pour(sock.sendall, body, sent).join()

    serve = gateway(box, talk)
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request() + request("/next"))
    assert sent.settled() < MANY and took_no_work(serve)
    channel.close()
    event(serve, "closed")


def test_an_upstream_that_takes_nothing_costs_no_work(box):
    """Nor when the client has gone meanwhile."""
    sent, over = Count(), threading.Event()

    def talk(sock):
        sock.recv(1)
        over.wait(60)

    serve = gateway(box, talk)
    channel = Channel(box, serve, *BY_TLS12)
    pour(channel.send, request(method="POST", body=bytes(MANY)), sent)
    assert sent.settled() < MANY and took_no_work(serve)
    channel.process.kill()
    assert took_no_work(serve)
    over.set()


# ---- Stopping -----------------------------------------------------------------------------------

def refused(at):
    with socket.socket() as sock:
        sock.settimeout(2)
        host, port = at.rsplit(":", 1)
        return sock.connect_ex((host, int(port))) == errno.ECONNREFUSED


@pytest.fixture
def stream():
    """An upstream's talk() whose answer goes on, a chunk each 0.1 s, until stream.over."""
    class Stream:
        over = threading.Event()
        heads = []

        def __call__(self, sock):
            self.heads.append(read_head(sock))
            sock.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while not self.over.wait(0.1):
                sock.sendall(b"4\r\ntick\r\n")
            sock.sendall(b"0\r\n\r\n")
    made = Stream()
    made.over.clear()
    made.heads.clear()
    yield made
    made.over.set()


def ticks(channel, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert channel.chunk() == b"tick"


def ends_well(channel, stream):
    stream.over.set()
    while channel.chunk():
        pass
    return channel.line() == b"" and channel.end() == (b"", True)


def test_after_sigterm_no_client_waits_at_the_door(box, stream):
    """It is told at once, by the system; the answer that has begun goes on."""
    serve, plain = sniffing(box, box.upstream(stream))
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/stream"))
    assert channel.head().status == 200 and channel.chunk() == b"tick"
    assert not refused(serve.at) and not refused(plain)
    serve.signal(signal.SIGTERM)
    until(lambda: refused(serve.at) and refused(plain), 5, "there is still somebody at the door")
    ticks(channel, 1)
    assert refused(serve.at) and refused(plain) and serve.process.poll() is None
    assert ends_well(channel, stream) and serve.wait(8) == 0


# ---- A removed user -----------------------------------------------------------------------------

def remove(box, serve):
    box.passwd("remove", serve.credentials, "admin")
    serve.logged("is in force")


@BOTH
def test_a_removed_user_s_half_a_head_is_no_request(box, by):
    recorder = Recorder()
    serve = gateway(box, recorder, users=TWO)
    channel = Channel(box, serve, *by)
    assert channel.ask(request("/before")).body == b"ok"
    whole = request("/after")
    channel.send(whole[:-5])
    time.sleep(0.3)
    remove(box, serve)
    try:
        channel.send(whole[-5:])
    except BrokenPipeError:
        pass
    assert channel.to_end() == b""
    event(serve, "closed")
    assert [one.target for one in recorder.requests] == ["/before"]
    assert b"/after" not in recorder.bytes


def test_a_removed_user_s_answer_goes_on_and_is_the_last(box, stream):
    """For 3 s here, for 60 s at most; half a head behind it is no request either."""
    serve = gateway(box, stream, users=TWO)
    channel = Channel(box, serve, *BY_TLS12)
    channel.send(request("/stream") + request("/after")[:-5])
    assert channel.head().status == 200 and channel.chunk() == b"tick"
    remove(box, serve)
    channel.send(request("/after")[-5:])
    ticks(channel, 3)
    assert ends_well(channel, stream)
    assert len(stream.heads) == 1 and stream.heads[0][0].startswith(b"GET /stream ")
