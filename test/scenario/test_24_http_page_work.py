"""Goal of this test: whatever a device's page does works through the gateway: forms, files of any
size, streams, WebSockets, and connections that live as long as either side likes."""
import asyncio
import inspect
import json
import os
import socket
import sys
import threading
import time

import pytest

from gateways import ROOT, SANITIZED, Box, box, curl, until
from http_page import WEBSOCKET, PageServer, frame, read_frame
from http_peers import (BY_TLS12, BY_TLS13, OK, Channel, Recorder, chunked, credentials, event,
                        events, gateway, request)

sys.path.insert(0, str(ROOT / "test"))

from support import content  # noqa: E402

BIG = 100_000_000
class Site:
    def __init__(self, box):
        self.box = box
        self.upstream = PageServer()
        self.serve = box.serve(self.upstream.at, "--verbose", "--log", "json",
                               credentials=credentials(box))
        self.face = box.open(self.serve.at, *BY_TLS13)
        self.file = box.dir / "upload"
        self.file.write_bytes(content.pattern(BIG))

    def channel(self, *args):
        return Channel(self.box, self.serve, *(args or BY_TLS12))

    def curl(self, way, target, *args):
        if way == "open":
            return curl(self.face.url.rstrip("/") + target, *args, user=None)
        return curl(f"https://{self.serve.at}{target}", *args)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    box = Box(tmp_path_factory.mktemp("page"))
    made = Site(box)
    yield made
    made.file.unlink()
    box.close()
    made.upstream.stop()


WAYS = ("curl", "open")  # TLS 1.2 with SRP, TLS 1.3 with SPAKE2+


# ---- Forms and files ----------------------------------------------------------------------------

@pytest.mark.parametrize("way", WAYS)
def test_a_form(site, way):
    done = site.curl(way, "/form", "--data-urlencode", "name=living room & hall",
                     "--data-urlencode", "to=21,5 °C")
    assert json.loads(done.stdout) == {"name": "living room & hall", "to": "21,5 °C"}


@pytest.mark.parametrize("way", WAYS)
def test_a_form_with_a_file(site, way):
    (site.box.dir / "firmware").write_bytes(content.pattern(300_000))
    done = site.curl(way, "/form", "-F", "note=new", "-F", f"file=@{site.box.dir}/firmware")
    assert json.loads(done.stdout) == {
        "note": ":" + content.digest(b"new"),
        "file": "firmware:" + content.digest(content.pattern(300_000))}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", [(), ("-H", "Transfer-Encoding: chunked")])
def test_a_big_upload(site, way, how):
    done = site.curl(way, "/sum", "-T", site.file, "-H", "Expect:", *how)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.decode() == content.digest(content.pattern(BIG))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("how", ["length", "chunked", "end"])
def test_a_big_download(site, way, how):
    done = site.curl(way, f"/bytes?n={BIG}&how={how}")
    assert done.returncode == 0
    assert content.digest(done.stdout) == content.digest(content.pattern(BIG))


def test_nothing_big_was_ever_held(site):
    """After the files above.  VmHWM: the most memory that the process ever had."""
    if SANITIZED:
        pytest.skip("a sanitizer keeps what was freed")
    assert site.curl("curl", f"/bytes?n={BIG}&how=length").returncode == 0
    status = open(f"/proc/{site.serve.pid}/status", encoding="ascii").read()
    assert int(status.split("VmHWM:")[1].split()[0]) < 40_000


def test_a_slow_reader_holds_up_the_upstream(box):
    """It gets all of it in the end, and serve doesn't read ahead."""
    taken = []

    def answer(_):
        def send(sock):
            sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 30000000\r\n\r\n")
            data = memoryview(content.pattern(30_000_000))
            while data:
                sent = sock.send(data[:100_000])
                taken.append(sent)
                data = data[sent:]
        return send

    channel = Channel(box, gateway(box, Recorder(answer)), *BY_TLS12)
    channel.send(request())
    until(lambda: taken)
    time.sleep(0.5)
    assert sum(taken) < 29_000_000, "sockets and pipes hold some"
    assert channel.response().body == content.pattern(30_000_000)


# ---- Streams ------------------------------------------------------------------------------------

@pytest.mark.parametrize("how", ["chunked", "end"])
@pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13])
def test_events_come_one_by_one(site, how, by):
    """The next one is sent only when the last one has come."""
    channel = site.channel(*by)
    channel.send(request(f"/events?how={how}"))
    head = channel.head()
    channel.seconds = 10
    assert head.status == 200 and head.get("Transfer-Encoding") == "chunked"
    for number in range(5):
        site.upstream.go.put(number)
        assert channel.chunk() == f"data: {number}\n\n".encode()
    site.upstream.go.put(None)
    assert channel.chunk() == b""


def test_a_request_is_streamed_too(box):
    """A piece of a body reaches the upstream before the next one is sent."""
    recorder = Recorder()
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    for framing in ("Content-Length: 5", "Transfer-Encoding: chunked"):
        seen = len(recorder.bytes)
        channel.send(request("/", framing, method="POST"))
        for letter in (b"a", b"b", b"c", b"d", b"e"):
            channel.send(b"1\r\n" + letter + b"\r\n" if "chunked" in framing else letter)
            until(lambda: letter in recorder.bytes[seen:].partition(b"\r\n\r\n")[2], 2)
        if "chunked" in framing:
            channel.send(b"0\r\n\r\n")
        assert channel.response().body == b"ok"
        assert recorder.requests[-1].body == b"abcde"


# ---- WebSockets ---------------------------------------------------------------------------------

@pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13])
def test_a_websocket(site, by):
    channel = site.channel(*by)
    assert channel.ask(request()).body == b"the page"
    answer = channel.ask(request("/ws", *WEBSOCKET))
    assert answer.status == 101
    assert answer.get("Upgrade").lower() == "websocket"
    assert answer.get("Connection").lower() == "upgrade"
    assert answer.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    for data in (b"x", b"GET / HTTP/1.1\r\n\r\n", b"", os.urandom(70_000)):
        channel.send(frame(2, data, b"\1\2\3\4"))
        assert read_frame(channel.exactly) == (2, data)
    channel.send(frame(8, b"\x03\xe8", b"\1\2\3\4"))
    assert read_frame(channel.exactly) == (8, b"\x03\xe8")
    assert channel.finish() == (b"", True)


def test_a_websocket_that_speaks_at_once(box):
    """The upstream's first frames may come with its 101, and the client's with its request only
    after that: what is sent too early isn't the upstream's before it has agreed."""
    recorder = Recorder(lambda _: lambda sock: (
        time.sleep(0.3), early.append(recorder.bytes.split(b"\r\n\r\n", 1)[1]),
        sock.sendall(b"HTTP/1.1 101 Go\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
                     + frame(1, b"hello")), sock.recv(100), sock.recv(100)))
    early = []
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    channel.send(request("/", *WEBSOCKET) + b"too early")
    assert channel.response().status == 101
    assert read_frame(channel.exactly) == (1, b"hello")
    assert early == [b""]


def test_a_refused_websocket_is_no_tunnel(box):
    recorder = Recorder()
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    assert channel.ask(request("/", *WEBSOCKET)).body == b"ok"
    assert channel.ask(request("/next")).body == b"ok"
    assert [one.target for one in recorder.requests] == ["/", "/next"]


def test_a_library_s_websocket(site):
    websockets = pytest.importorskip("websockets")

    async def talk():
        # Versions differ in how they take fields, and in whether names under localhost are found.
        given = inspect.signature(websockets.connect).parameters
        fields = "additional_headers" if "additional_headers" in given else "extra_headers"
        async with websockets.connect(f"ws://{site.face.host}/ws", host="127.0.0.1",
                                      **{fields: {"Cookie": site.face.cookie}}) as peer:
            for text in ("hello", "ä" * 100_000):
                await peer.send(text)
                assert await asyncio.wait_for(peer.recv(), 15) == text

    asyncio.run(talk())


# ---- 100-continue -------------------------------------------------------------------------------

def test_continue_comes_from_the_upstream(site):
    channel = site.channel()
    channel.send(request("/sum", "Expect: 100-continue", "Content-Length: 4", method="POST"))
    assert channel.response().status == 100
    channel.send(b"body")
    assert channel.response().body.decode() == content.digest(b"body")
    assert channel.ask(request()).body == b"the page"


class HeadsOnly(Recorder):
    """Answers a head without waiting for the body."""

    def __call__(self, sock):
        record = bytearray()
        self.connections.append(record)
        while b"\r\n\r\n" not in record:
            record += sock.recv(65536)
        sock.sendall(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


def test_continue_is_not_made_up(box):
    """An upstream that doesn't want the body says so before it is sent."""
    recorder = HeadsOnly()
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    channel.send(request("/", "Expect: 100-continue", "Content-Length: 4", method="POST"))
    assert channel.response().status == 417
    assert recorder.bytes.lower().count(b"expect: 100-continue") == 1


@pytest.mark.parametrize("way", WAYS)
def test_continue_by_curl(site, way):
    began = time.monotonic()
    done = site.curl(way, "/sum", "-i", "--data-binary", "body", "-H", "Expect: 100-continue",
                     "--expect100-timeout", "20")
    assert done.stdout.startswith(b"HTTP/1.1 100 ")
    assert done.stdout.endswith(content.digest(b"body").encode())
    assert time.monotonic() - began < 18


# ---- Connections that last ----------------------------------------------------------------------

@pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13])
def test_pipelining(site, by):
    channel = site.channel(*by)
    requests, wanted = [], []
    for number in range(20):
        if number % 5 == 3:
            body = b"number %d" % number
            requests.append(request("/sum", method="POST", body=body))
            wanted.append(content.digest(body).encode())
        elif number % 5 == 4:
            body = b"number %d" % number
            requests.append(request("/sum", "Transfer-Encoding: chunked", method="POST")
                            + chunked(body[:2], body[2:]))
            wanted.append(content.digest(body).encode())
        else:
            requests.append(request(f"/number?n={number * 7}"))
            wanted.append(b"%d" % (number * 7) * (number * 7))
    channel.send(b"".join(requests))
    assert [channel.response().body for _ in requests] == wanted
    assert channel.finish() == (b"", True)


def test_pipelined_requests_with_an_end(site):
    """All answers come though the client has ended its side already."""
    channel = site.channel()
    channel.send(b"".join(request(f"/number?n={number}") for number in range(1, 21)))
    channel.process.stdin.close()
    for number in range(1, 21):
        assert channel.response().body == b"%d" % number * number
    assert channel.end() == (b"", True)


def test_what_comes_after_close_is_not_taken(box):
    recorder = Recorder()
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    channel.send(request("/", "Connection: close") + request("/never"))
    assert channel.response().get("Connection") == "close"
    assert channel.end() == (b"", True)
    assert recorder.came().target == "/" and b"never" not in recorder.bytes


def test_one_upstream_connection_for_one_client(box):
    recorder = Recorder()
    serve = gateway(box, recorder)
    first, second = (Channel(box, serve, *BY_TLS12) for _ in range(2))
    for number in range(5):
        assert first.ask(request(f"/first{number}")).body == b"ok"
        assert second.ask(request(f"/second{number}")).body == b"ok"
    targets = [bytes(one).count(b"/first") * 10 + bytes(one).count(b"/second")
               for one in recorder.connections]
    assert sorted(targets) == [5, 50]


@pytest.mark.parametrize("by", [BY_TLS12, BY_TLS13])
def test_head(site, by):
    channel = site.channel(*by)
    for _ in range(3):
        answer = channel.ask(request("/number?n=50", method="HEAD"), "HEAD")
        assert (answer.status, answer.get("Content-Length")) == (200, "100")
        assert channel.ask(request()).body == b"the page"


@pytest.mark.parametrize("status", [204, 304])
def test_answers_without_a_body(site, status):
    channel = site.channel()
    for _ in range(3):
        answer = channel.ask(request(f"/status?is={status}"))
        assert answer.status == status and answer.get("Transfer-Encoding") is None
        assert channel.ask(request()).body == b"the page"


@pytest.mark.parametrize("how", ["length", "chunked", "end"])
def test_a_client_of_http_1_0(site, how):
    """It knows no chunks, and the end of the connection is the end of the answer."""
    channel = site.channel()
    channel.send(request(f"/bytes?n=500000&how={how}", host=None, version="HTTP/1.0"))
    head = channel.head()
    assert head.status == 200 and head.get("Transfer-Encoding") is None
    assert (head.get("Connection") or "close").lower() == "close"
    body, whole = channel.end()
    assert body == content.pattern(500_000) and whole


OLD = b"HTTP/1.0 200 OK\r\n%s\r\nbody"


@pytest.mark.parametrize("length", [b"Content-Length: 4\r\n", b""])
def test_an_upstream_of_http_1_0(box, length):
    """It closes after each answer: the client's connection goes on."""
    recorder = Recorder(lambda _: lambda sock: sock.sendall(OLD % length))
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    for number in range(10):
        answer = channel.ask(request(f"/{number}"))
        assert answer.start.startswith("HTTP/1.1 200 ") and answer.body == b"body"
        if not length:
            assert answer.get("Transfer-Encoding") == "chunked"
    assert channel.finish() == (b"", True)
    assert [one.target for one in recorder.requests] == [f"/{n}" for n in range(10)]
    assert len(recorder.connections) == 10


def test_an_upstream_by_unix_socket(box):
    recorder = Recorder(lambda one: OK if one.method != "GET" else
                        b"HTTP/1.1 301 Moved\r\nLocation: http://device/x\r\nContent-Length: 0\r\n\r\n")
    channel = Channel(box, gateway(box, recorder, path=box.dir / "up.sock"), *BY_TLS12)
    for _ in range(3):
        assert channel.ask(request(method="POST", body=b"body")).body == b"ok"
    assert channel.ask(request()).get("Location") in ("/x", "https://device/x")


def fill(at):
    """Connections to a unix socket whose queue takes no more."""
    full = []
    while True:
        full.append(socket.socket(socket.AF_UNIX))
        full[-1].setblocking(False)
        try:
            full[-1].connect(str(at))
        except BlockingIOError:
            full.pop().close()
            return full


def test_an_upstream_by_unix_socket_whose_queue_is_full(box):
    """Where TCP would let a client wait, such a socket says at once that it takes none now."""
    recorder = Recorder(OK.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    at = box.dir / "up.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(at))
        listener.listen(1)
        listener.settimeout(30)
        serve = gateway(box, f"unix:{at}")
        listener.accept()[0].close()  # serve saw whether somebody is there
        full = fill(at)
        channels = [Channel(box, serve, *BY_TLS12) for _ in range(10)]
        for number, channel in enumerate(channels):
            channel.send(request(f"/{number}"))
        until(lambda: len(events(serve, "proved")) == 10)
        time.sleep(0.3)
        for sock in full:
            sock.close()
            listener.accept()[0].close()
        for _ in channels:  # one at a time
            sock, _ = listener.accept()
            with sock:
                recorder(sock)
        answers = [channel.response() for channel in channels]
    assert [(one.status, one.body) for one in answers] == [(200, b"ok")] * 10
    assert sorted(one.target for one in recorder.requests) == [f"/{n}" for n in range(10)]
    assert events(serve, "upstream-down") == []


def test_lines_that_end_in_lf_alone(box):
    """In answers, as shell scripts under CGI make them; they leave as they should be."""
    recorder = Recorder(lambda _: lambda sock: sock.sendall(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\nX-Script: yes\n\nbody\n"))
    channel = Channel(box, gateway(box, recorder), *BY_TLS12)
    answer = channel.ask(request())
    assert (answer.get("X-Script"), answer.body) == ("yes", b"body\n")


# ---- Upstreams that close -----------------------------------------------------------------------

def too_large(linger):
    """Answers before the upload is over, and closes, at once or when the client has heard it."""
    def talk(sock):
        data = b""
        while len(data) < 10_000:
            data += sock.recv(5000)
        sock.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
        if linger:
            sock.settimeout(linger)
            try:
                while sock.recv(65536):
                    pass
            except TimeoutError:
                pass
    return talk


@pytest.mark.parametrize("linger", [0, 1])
@pytest.mark.parametrize("framing", ["Content-Length", "Transfer-Encoding: chunked"])
def test_an_early_answer_in_mid_upload(box, linger, framing):
    serve = gateway(box, too_large(linger))
    file = box.dir / "up"
    file.write_bytes(b"x" * 3_000_000)
    args = ("-H", framing) if ":" in framing else ()
    done = curl(f"https://{serve.at}/", "-i", "-T", file, "-H", "Expect:", *args)
    assert done.stdout.startswith(b"HTTP/1.1 413 ") and done.stdout.endswith(b"no!"), done


def closing_idle(close):
    """Answers one request a connection as if it would stay, and closes it as soon as close is set."""
    def answer(_):
        def reply(sock):
            sock.sendall(OK)
            close.wait(20)
            sock.close()
        return reply
    return Recorder(answer)


def connected(upstream):
    """Whether serve holds a connection to it, be it one that the upstream has ended."""
    port = ":%04X" % int(upstream.at.rsplit(":", 1)[1])
    lines = open("/proc/net/tcp", encoding="ascii").read().splitlines()[1:]
    return any(line.split()[2].endswith(port) and line.split()[3] in ("01", "08") for line in lines)


@pytest.mark.parametrize("method, body", [("GET", b""), ("POST", b"just once")])
def test_the_upstream_closed_an_idle_connection(box, method, body):
    close = threading.Event()
    recorder = closing_idle(close)
    serve = gateway(box, recorder)
    channel = Channel(box, serve, *BY_TLS12)
    assert channel.ask(request("/first")).body == b"ok"
    close.set()
    until(lambda: recorder.open == 0 and not connected(serve.upstream))
    for number in range(3):
        assert channel.ask(request(f"/{number}", method=method, body=body)).body == b"ok"
        until(lambda: recorder.open == 0 and not connected(serve.upstream))
    assert [(one.target, one.body) for one in recorder.requests] == \
        [("/first", b""), *((f"/{number}", body) for number in range(3))]


def test_a_post_is_never_sent_twice(box):
    """The upstream takes it and closes: whether it has acted on it nobody knows."""
    recorder = Recorder(lambda one: OK if one.method == "GET" else lambda sock: None)
    serve = gateway(box, recorder)
    channel = Channel(box, serve, *BY_TLS12)
    assert channel.ask(request("/first")).body == b"ok"
    assert channel.ask(request("/order", method="POST", body=b"one")).status == 502
    time.sleep(0.3)
    assert [one.target for one in recorder.requests] == ["/first", "/order"]


# ---- serve's own page ---------------------------------------------------------------------------

def test_the_well_known_page_at_any_time(box):
    """Not only as the first request; it may be the last one."""
    recorder = Recorder()
    serve = gateway(box, recorder)
    channel = Channel(box, serve, *BY_TLS12)
    assert channel.ask(request("/first")).body == b"ok"
    page = channel.ask(request("/.well-known/keyplate"))
    assert page.status == 200 and page.get("Content-Type") == "application/json"
    assert json.loads(page.body)["port"] == serve.port
    assert page.get("Connection") != "close" or channel.end() == (b"", True)
    other = Channel(box, serve, *BY_TLS12)
    assert other.ask(request("/.well-known/keyplate?x")).body == b"ok"
    assert [one.target for one in recorder.requests] == ["/first", "/.well-known/keyplate?x"]


def test_off_is_a_tunnel_of_bytes(box):
    """--http off: nothing is looked at."""
    def talk(sock):
        sock.sendall(b"hello\n")
        data = sock.recv(100)
        sock.sendall(data[::-1])
        return data

    serve = gateway(box, talk, "--http", "off")
    channel = Channel(box, serve, *BY_TLS12)
    assert channel.exactly(6) == b"hello\n"
    channel.send(b"\0 no HTTP\n\n")
    assert channel.finish()[0] == b"\n\nPTTH on \0"


def test_requests_are_logged(box):
    serve = gateway(box, Recorder())
    channel = Channel(box, serve, *BY_TLS12)
    for number in range(3):
        channel.ask(request(f"/page{number}"))
        line = event(serve, "request", number + 1)
        assert f"/page{number}" in json.dumps(line) and line["user"] == "admin"
        assert line["status"] == 200
