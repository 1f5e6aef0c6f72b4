"""Goal: nobody pushes serve over: who floods it pushes out his own connections, who has proved the
password is served meanwhile, and too much at once is answered, not piled up."""
import resource
import select
import socket
import struct
import threading
import time

import pytest

from faults import LONG, address
from gateways import PASSWORD, box, curl, forged_flight, limit_descriptors, talk_echo, until
from http_page import WEBSOCKET
from http_peers import (BY_TLS12, BY_TLS13, OK, WAY_ON, Channel, Recorder, gateway, request, reset,
                        sniffing)

OTHER = ("guest", "another-word-5")
BOTH = (("admin", PASSWORD), OTHER)
BOTH_KINDS = pytest.mark.parametrize("http", ["on", "off"])


def raw(serve, source):
    return socket.create_connection(("127.0.0.1", serve.port), timeout=LONG,
                                    source_address=(source, 0))


def half_open():
    """Hello and share, so that the server does its arithmetic; no guess is made before the rest."""
    flight, end = forged_flight(), 0
    for _ in range(2):
        end += 5 + struct.unpack_from(">H", flight, end + 3)[0]
    return flight[:end]


def is_open(sock):
    """Whether it was not ended: what a handshake says is read."""
    while select.select([sock], [], [], 0)[0]:
        try:
            if not sock.recv(65536):
                return False
        except ConnectionResetError:
            return False
    return True


def ends(sock):
    until(lambda: not is_open(sock), LONG, "it stays open")


def lines(serve, text):
    return [line for line in serve.log().splitlines() if text in line]


def page(serve, user="admin", password=PASSWORD):
    return curl(f"https://{serve.at}/", "--interface", address(), user=user, password=password,
                timeout=LONG).stdout


class Gate:
    """An upstream that answers /wait when it is opened, and all else at once."""

    def __init__(self):
        self.opened = threading.Event()

    def __call__(self, one):
        def reply(sock):
            if one.target == "/ws":
                sock.sendall(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n")
                return talk_echo(sock)
            self.opened.wait(LONG)
            return sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nlate")
        return reply if one.target in ("/wait", "/ws") else OK


@pytest.fixture(name="gate")
def make_gate():
    made = Gate()
    yield made
    made.opened.set()


# ---- Who has proved nothing ---------------------------------------------------------------------

@BOTH_KINDS
def test_a_source_gives_way_to_itself(box, http):
    serve = box.serve(box.upstream(Recorder()), "--http", http, "--max-per-source", "3",
                      "--handshake-timeout", "600")
    one, another = address(), address()
    bystander = raw(serve, another)
    flood = [raw(serve, one) for _ in range(8)]
    for sock in flood[:5]:
        ends(sock)
    assert is_open(bystander) and all(map(is_open, flood[5:]))
    assert len(lines(serve, "one address has --max-per-source")) == 1
    more = [raw(serve, another) for _ in range(3)]
    ends(bystander)
    assert all(map(is_open, more + flood[5:]))


def test_plain_http_of_a_source(box):
    """Whatever has proved nothing counts together."""
    serve = box.serve(box.upstream(Recorder()), "--max-per-source", "3", "--handshake-timeout",
                      "600", "--http-listen", "127.0.0.1:0")
    plain = int(serve.line().rsplit(":", 1)[1])
    source = address()
    first = socket.create_connection(("127.0.0.1", plain), source_address=(source, 0))
    assert page(serve) == b"ok"  # it was accepted before
    rest = [raw(serve, source) for _ in range(3)]
    ends(first)
    assert all(map(is_open, rest))


def test_the_source_with_most_gives_way(box):
    """Not the oldest of all: a flood pushes out its own."""
    serve = box.serve(box.upstream(Recorder()), "--max-connections", "12", "--max-per-source", "10",
                      "--max-handshakes", "100", "--handshake-timeout", "600")
    early = [raw(serve, address()) for _ in range(3)]
    flooder = address()
    flood = [raw(serve, flooder) for _ in range(9)]
    late = [raw(serve, address()) for _ in range(4)]
    for sock in flood[:4]:
        ends(sock)
    assert all(map(is_open, early + late + flood[4:]))
    assert page(serve) == b"ok"


def test_max_handshakes(box):
    serve = box.serve(box.upstream(Recorder()), "--max-handshakes", "4", "--handshake-timeout",
                      "600")
    early, flooder = raw(serve, address()), address()
    flood = [raw(serve, flooder) for _ in range(3)]
    late = [raw(serve, address()) for _ in range(2)]
    for sock in flood[:2]:
        ends(sock)
    assert all(map(is_open, [early, *late, flood[2]]))
    (line,) = lines(serve, "there are --max-handshakes in progress")
    assert "most=4 times=1" in line
    assert page(serve) == b"ok"


def test_the_newest_of_a_source_stays(box):
    """Whichever worker has the others."""
    serve = box.serve(box.upstream(Recorder()), "--workers", "3", "--max-per-source", "1",
                      "--handshake-timeout", "600")
    source, before = address(), []
    for _ in range(30):
        newest = raw(serve, source)
        time.sleep(0.03)
        assert is_open(newest)
        before.append(newest)
        until(lambda: sum(map(is_open, before)) <= 3, what="one a worker")
        assert is_open(newest)
        before = [sock for sock in before if is_open(sock)]


@BOTH_KINDS
def test_who_failed_is_no_handshake(box, http):
    """Though its connection lasts, and has most: one in progress gives way."""
    serve = box.serve(box.upstream(Recorder()), "--http", http, "--max-handshakes", "2",
                      "--handshake-timeout", "600")
    source = address()
    failed = []
    for count in range(1, 5):
        failed.append(raw(serve, source))
        failed[-1].sendall(b"no TLS at all\r\n\r\n")
        until(lambda so_many=count: len(lines(serve, "isn't TLS")) == so_many)
    flood = [raw(serve, source) for _ in range(3)]
    ends(flood[0])
    assert all(map(is_open, flood[1:]))


def test_a_flood_is_two_lines_of_log(box):
    """One at once, one with the rest after ten seconds; those who gave way have none."""
    serve = box.serve(box.upstream(Recorder()), "--max-per-source", "3", "--handshake-timeout",
                      "600")
    source = address()
    flood = [raw(serve, source) for _ in range(40)]
    for sock in flood[:37]:
        ends(sock)
    (line,) = lines(serve, "one address has --max-per-source")
    assert "times=1" in line
    assert len(serve.log().splitlines()) < 10, serve.log()
    until(lambda: len(lines(serve, "one address has --max-per-source")) == 2, LONG)
    assert "most=3 times=37" in lines(serve, "one address has --max-per-source")[1]


def test_who_is_proved_is_no_handshake(box):
    serve = gateway(box, Recorder(), "--max-handshakes", "1", "--max-per-source", "1")
    channels = []
    for by in (BY_TLS12, BY_TLS13) * 2:
        channels.append(Channel(box, serve, *by))
        assert channels[-1].ask(request()).body == b"ok"
    for channel in channels:
        assert channel.ask(request()).body == b"ok"
        channel.close()


def drip(serve, count, seconds):
    """Clients that say a byte a second; they give up when serve does."""
    hello = forged_flight()
    left = {raw(serve, address()): 0 for _ in range(count)}
    end = time.monotonic() + seconds
    while left and time.monotonic() < end:
        for sock, at in list(left.items()):
            try:
                sock.send(hello[at:at + 1])
            except OSError:
                sock.close()
                del left[sock]
            else:
                left[sock] = at + 1
        time.sleep(1)
    return left


def test_a_byte_a_second(box):
    """500 of them are shed at the deadline; pages come meanwhile."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < 2000:
        pytest.skip("so many descriptors can't be had")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    serve = gateway(box, Recorder(), "--handshake-timeout", "5", "--max-handshakes", "600")
    channel = Channel(box, serve, *BY_TLS12, seconds=15)
    assert channel.ask(request()).body == b"ok"
    left = {}
    slow = threading.Thread(target=lambda: left.update(drip(serve, 500, LONG)))
    slow.start()
    while slow.is_alive():
        assert channel.ask(request()).body == b"ok"
        assert page(serve) == b"ok"
        slow.join(0.2)
    assert not left
    channel.close()


# ---- The arithmetic of handshakes ---------------------------------------------------------------

class Flood:
    """Half-open handshakes, as fast as this can, until it is stopped."""

    def __init__(self, serve, sources):
        self.serve, self.sources = serve, sources
        self.sent, self.going = 0, True
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        flight, held = half_open(), []
        while self.going:
            try:
                sock = raw(self.serve, self.sources[self.sent % len(self.sources)])
                sock.sendall(flight)
            except OSError:
                continue
            held.append(sock)
            self.sent += 1
            if len(held) > 300:
                reset(held.pop(0))
        for sock in held:
            sock.close()

    def __enter__(self):
        until(lambda: self.sent > 100, LONG, "it doesn't flood")
        return self

    def __exit__(self, *_):
        self.going = False
        self.thread.join()


@pytest.mark.parametrize("count", [1, 100])
@BOTH_KINDS
def test_pages_during_a_flood(box, http, count):
    """Of who was proved before, and of who comes by his ticket."""
    serve = box.serve(box.upstream(Recorder()), "--http", http)
    channel = Channel(box, serve, *BY_TLS12, seconds=15)
    assert channel.ask(request()).body == b"ok"
    face = box.open(serve)
    with Flood(serve, [address() for _ in range(count)]) as flood:
        for _ in range(5):
            begun = flood.sent
            assert channel.ask(request()).body == b"ok"
            done = curl(face.url, user=None, timeout=15)
            assert done.stdout == b"ok", done
            until(lambda: flood.sent > begun + 20, LONG)
    assert serve.process.poll() is None
    channel.close()


def test_a_stranger_during_a_flood(box):
    """One source's hundreds don't keep another's single handshake waiting."""
    serve = box.serve(box.upstream(Recorder()))
    with Flood(serve, [address()]):
        for _ in range(3):
            assert page(serve) == b"ok"


# ---- Who is proved ------------------------------------------------------------------------------

FEW = ("--max-connections", "6", "--max-handshakes", "6", "--max-per-source", "6")


def test_one_user_cannot_fill_it(box):
    """With connections at rest: others get in, and so does he."""
    serve = gateway(box, Recorder(), *FEW, users=BOTH)
    resting = [Channel(box, serve, *by) for by in (BY_TLS12, BY_TLS13) * 3]
    for channel in resting:
        assert channel.ask(request()).body == b"ok"
    assert page(serve, *OTHER) == b"ok"
    assert page(serve) == b"ok"
    assert len(lines(serve, "all of them proved")) == 1
    assert resting[0].end() == (b"", True), "who rested longest, and in order"
    for channel in resting[2:]:
        assert channel.ask(request()).body == b"ok"
        channel.close()


def test_who_has_most_gives_way(box):
    serve = gateway(box, Recorder(), *FEW, users=BOTH)
    alone = Channel(box, serve, *BY_TLS12, user=OTHER[0], password=OTHER[1])
    assert alone.ask(request()).body == b"ok"
    many = [Channel(box, serve, *BY_TLS12) for _ in range(5)]
    for channel in many:
        assert channel.ask(request()).body == b"ok"
    assert page(serve) == b"ok"
    assert many[0].end() == (b"", True)
    for channel in [alone, *many[1:]]:
        assert channel.ask(request()).body == b"ok"
        channel.close()


def test_busy_ones_are_not_cut(box, gate):
    recorder = Recorder(gate)
    serve = gateway(box, recorder, *FEW, users=BOTH)
    busy = [Channel(box, serve, *BY_TLS12).send(request("/wait")) for _ in range(6)]
    recorder.came(6)
    late = {}
    thread = threading.Thread(target=lambda: late.update(page=page(serve, *OTHER)))
    thread.start()
    serve.logged("all of them work: new ones wait")
    assert not late
    gate.opened.set()
    for channel in busy:
        assert channel.response().body == b"late"
    thread.join(LONG)
    assert late == {"page": b"ok"}
    for channel in busy:
        channel.process.stdin.close()


def test_a_head_in_progress_is_not_cut(box):
    serve = gateway(box, Recorder(), *FEW, users=BOTH)
    begun = Channel(box, serve, *BY_TLS12).send(b"GET / HTTP/1.1\r\n")
    others = [Channel(box, serve, *BY_TLS12) for _ in range(5)]
    for channel in others:
        assert channel.ask(request()).body == b"ok"
    assert page(serve, *OTHER) == b"ok"
    assert begun.ask(b"Host: device\r\n\r\n").body == b"ok"
    for channel in [begun, *others]:
        channel.close()


@BOTH_KINDS
def test_tunnels_beyond_half_give_way(box, gate, http):
    """Bytes of a protocol that isn't known, and WebSockets."""
    serve = box.serve(box.upstream(Recorder(gate) if http == "on" else talk_echo), "--http", http,
                      *FEW)
    tunnels = [Channel(box, serve, *BY_TLS12, seconds=LONG) for _ in range(6)]
    for channel in tunnels:
        if http == "on":
            assert channel.ask(request("/ws", *WEBSOCKET)).status == 101
        assert channel.send(b"bytes").exactly(5) == b"bytes"
        time.sleep(0.01)  # so that the first one has been at rest for longest
    late = Channel(box, serve, *BY_TLS12, seconds=LONG)
    if http == "on":
        assert late.ask(request()).body == b"ok"
    else:
        assert late.send(b"bytes").exactly(5) == b"bytes"
    assert tunnels[0].to_end() == b""
    for channel in [late, *tunnels[1:]]:
        channel.close()


# ---- Requests -----------------------------------------------------------------------------------

def test_max_requests(box, gate):
    recorder = Recorder(gate)
    serve = gateway(box, recorder, "--max-requests", "2")
    waiting = [Channel(box, serve, *by).send(request("/wait")) for by in (BY_TLS12, BY_TLS13)]
    recorder.came(2)
    third = Channel(box, serve, *BY_TLS12)
    for method in ("GET", "HEAD", "GET"):
        refused = third.ask(request(method=method), method)
        assert refused.status == 503 and refused.get("Retry-After") == "1"
        assert refused.get("Connection") is None
    upload = Channel(box, serve, *BY_TLS12)
    refused = upload.ask(request("/up", method="POST", body=b"bytes"))
    assert refused.status == 503 and refused.get("Connection") == "close"
    assert upload.end()[0] == b""
    old = Channel(box, serve, *BY_TLS12)
    assert old.ask(request(version="HTTP/1.0")).status == 503 and old.end()[0] == b""
    assert len(lines(serve, "--max-requests")) == 1
    gate.opened.set()
    for channel in waiting:
        assert channel.response().body == b"late"
    assert third.ask(request()).body == b"ok", "on the same connection"
    assert [one.target for one in recorder.requests] == ["/wait", "/wait", "/"]
    assert len(recorder.connections) == 3
    third.close()


def test_plain_http_has_half_of_them(box, gate):
    """Who has proved nothing leaves the other half to who has."""
    recorder = Recorder(gate)
    serve, plain = sniffing(box, box.upstream(recorder), "--max-requests", "4",
                            "--handshake-timeout", "600")

    def ask(target):
        sock = socket.create_connection(("127.0.0.1", int(plain.rsplit(":", 1)[1])), LONG)
        sock.sendall(request(target, f"Cookie: {WAY_ON}"))
        return sock

    waiting = [ask("/wait") for _ in range(2)]
    recorder.came(2)
    refused = ask("/")
    assert refused.recv(12) == b"HTTP/1.1 503"
    proved = [Channel(box, serve, *BY_TLS12).send(request("/wait")) for _ in range(2)]
    recorder.came(4)
    gate.opened.set()
    for channel in proved:
        assert channel.response().body == b"late"
    for sock in waiting:
        assert sock.recv(12) == b"HTTP/1.1 200"
    for sock in [refused, *waiting]:
        sock.close()


def test_pipelined_requests_above_it(box, gate):
    recorder = Recorder(gate)
    serve = gateway(box, recorder, "--max-requests", "1")
    waiting = Channel(box, serve, *BY_TLS12).send(request("/wait"))
    recorder.came(1)
    third = Channel(box, serve, *BY_TLS12).send(request() * 3)
    assert [third.response().status for _ in range(3)] == [503] * 3
    gate.opened.set()
    assert waiting.response().body == b"late"
    third.close()


def test_no_request_is_counted_for_good(box, gate):
    """Whichever way it ends."""
    recorder = Recorder(gate)
    serve = gateway(box, recorder, "--max-requests", "1")
    gone = Channel(box, serve, *BY_TLS12).send(request("/wait"))
    recorder.came(1)
    gone.process.kill()
    channel = Channel(box, serve, *BY_TLS12)
    until(lambda: channel.ask(request()).status == 200)
    assert channel.ask(request("/ws", *WEBSOCKET)).status == 101
    after = Channel(box, serve, *BY_TLS12)
    assert after.ask(request()).status == 200, "a WebSocket isn't one of them"
    box.upstreams[0].close()
    down = Channel(box, serve, *BY_TLS12)
    assert down.ask(request(method="POST", body=b"x")).status == 502
    again = Channel(box, serve, *BY_TLS12)
    assert again.ask(request()).status == 502
    for one in (channel, after):
        one.close()


# ---- Descriptors --------------------------------------------------------------------------------

@pytest.mark.parametrize("workers", ["1", "2"])
def test_half_open_ones_take_no_last_descriptor(box, workers):
    """Below --max-connections: who is proved gets an upstream, and a stranger gets in."""
    serve = box.serve(box.upstream(Recorder()), "--workers", workers, "--max-connections", "1000",
                      "--max-per-source", "900", "--max-handshakes", "900",
                      "--handshake-timeout", "600",
                      preexec_fn=limit_descriptors(96))
    channel = Channel(box, serve, *BY_TLS12)
    assert channel.ask(request()).body == b"ok"
    held = []
    for number in range(200):
        try:
            held.append(raw(serve, address()))
        except ConnectionResetError:
            pass  # it gave way before connect() was done
        if number % 40 == 39:
            assert channel.ask(request(method="POST", body=b"x")).body == b"ok"
            assert page(serve) == b"ok"
    assert lines(serve, "no file descriptors left")
    assert sum(map(is_open, held)) < 90
    channel.close()


def test_who_gives_way_to_its_own_request(box, gate):
    """Its source has most, it is the oldest, and the descriptor that it asks for is the last one's:
    what else it has sent is nobody's then, and the others are served."""
    recorder = Recorder(gate)
    serve, plain = sniffing(box, box.upstream(recorder), "--max-connections", "1000",
                            "--max-per-source", "900", "--handshake-timeout", "600",
                            preexec_fn=limit_descriptors(64))
    at, most, others = ("127.0.0.1", int(plain.rsplit(":", 1)[1])), address(), address()

    def ask(sock):
        way_on = f"Cookie: {WAY_ON}"
        sock.sendall(request("/wait", way_on) * 2
                     + request("/up", way_on, method="POST", body=b"x" * 3000))

    many = [socket.create_connection(at, LONG, (most, 0)) for _ in range(70)]
    serve.logged("no file descriptors left")
    few = [socket.create_connection(at, LONG, (others, 0)) for _ in range(10)]
    for sock in few:
        ask(sock)
    recorder.came(10)
    oldest = next(filter(is_open, many))
    ask(oldest)
    ends(oldest)
    assert len(recorder.requests) == 10, "it came to the upstream"
    gate.opened.set()
    assert serve.process.poll() is None, serve.log()[-2000:]
    for sock in few + many:
        sock.close()
    until(lambda: page(serve) == b"ok", LONG)
